"""What people do with a hand-off: accept, reject with a reason, return, document and hand over again, reassign."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet

from rung.access.actions import NotAllowed, Refused, audited, require
from rung.access.models import User
from rung.handoff import dealing, rules
from rung.handoff.models import Assignment
from rung.handoff.verdicts import verdicts
from rung.jobs import locks
from rung.lifecycle.actions import record
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.models import Handoff, Standing
from rung.lifecycle.rules import Moved, NewEvent
from rung.playbook.definitions import Playbook
from rung.terms.instants import BadInstant, moment, parse_instant
from rung.terms.values import BadValue, clean_text

LONGEST_NOTE: Final = 900
LATEST_WAKE_DAYS: Final = 5 * 366
_VERBS: Final = {
    "handoff_accepted": "accepted hand-off",
    "handoff_rejected": "rejected hand-off",
    "handoff_returned": "returned hand-off",
}


class CannotAnswer(Refused):
    """The hand-off waits for no answer of this kind, or not any more; the text says what happened instead."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The hand-off after an answer, and the moves that followed."""

    assignment: Assignment
    moves: tuple[Moved, ...]


def in_sight(user: User) -> QuerySet[Assignment]:
    """The hand-offs a user may see: sales those of their own team, nobody's, and what a leader took; others all."""
    every = Assignment.objects.all()
    if user.role != "sales":
        return every
    mine = Q(owner=user) | Q(owner=None) | ~Q(owner__role="sales")
    return every.filter(mine | Q(owner__team=user.team_id) if user.team_id else mine)


def accept(*, handoff_id: int, by: User, at: int) -> Answered:
    """Sales takes the person: the first touch is owed from now. Raises CannotAnswer, NotAllowed."""
    return _answer("handoff_accepted", lambda playbook: {}, handoff_id=handoff_id, by=by, at=at)


def reject(*, handoff_id: int, reason: str, by: User, at: int, until: str = "", note: str = "") -> Answered:
    """Sales does not want the person, for a reason of the playbook in force. `until`: the day they wake by themselves,
    where the reason asks for one. Raises CannotAnswer, NotAllowed."""

    def said(playbook: Playbook) -> dict[str, object]:
        data: dict[str, object] = {"reason": _known(reason, list(playbook.handoff.reject_reasons), "reject")}
        told = playbook.handoff.reject_reasons.get(reason)
        if told is not None and told.wakes_on == "date":
            data["until"] = _wakes_on(until, at=at).isoformat()
        return data | _noted(note)

    return _answer("handoff_rejected", said, handoff_id=handoff_id, by=by, at=at)


def give_back(*, handoff_id: int, reason: str, by: User, at: int, note: str = "") -> Answered:
    """Sales returns it: not a rejection. Marketing completes it, or another rep gets it. Raises CannotAnswer."""

    def said(playbook: Playbook) -> dict[str, object]:
        return {"reason": _known(reason, playbook.handoff.return_reasons, "return"), **_noted(note)}

    return _answer("handoff_returned", said, handoff_id=handoff_id, by=by, at=at)


def hand_over(*, handoff_id: int, told: Mapping[str, str], by: User, at: int) -> Assignment:
    """Marketing says what was lacking and hands over again: a new clock runs from now. Raises CannotAnswer."""
    require(by, "document hand-offs")
    with transaction.atomic():
        locks.hold()
        line = lines.current()
        waiting = _waiting(handoff_id, by)
        if waiting.queue != "marketing":
            raise CannotAnswer(f"This hand-off does not lie with marketing. {_where(waiting)}")
        facts = {rules.field_of(name): _text(text, name) for name, text in told.items() if text.strip()}
        missing = [name for name in waiting.lacking if rules.field_of(name) not in facts]
        if missing:
            raise CannotAnswer(f"Sales still lacks: {', '.join(missing)}. Nothing was handed over.")
        if facts:
            said = NewEvent("person_described", person=waiting.person_id, data={**facts, "documented_by": by.email})
            _recorded(said, by=by, at=at)
        dealing.deal([waiting.handoff], line, at=at)
        data = {"documented": sorted(facts)}
        audited(by=by, verb="handed over again", object=f"hand-off {handoff_id}", data=data, at=at)
    return Assignment.objects.select_related("owner").get(pk=handoff_id)


def reassign(*, handoff_id: int, to: User, by: User, at: int, because: str = "") -> Assignment:
    """Puts an open hand-off on another desk; its clock runs on. Raises CannotAnswer, NotAllowed."""
    require(by, "assign owner")
    if to.role != "sales" or not to.is_active:
        raise CannotAnswer(f"{to} does not answer hand-offs: choose somebody of sales.")
    with transaction.atomic():
        locks.hold()
        waiting = _waiting(handoff_id, by)
        if waiting.queue not in ("sales", "nobody"):
            raise CannotAnswer(f"It cannot be given to anybody now. {_where(waiting)}")
        waiting.queue, waiting.owner, waiting.team_id, waiting.assigned_at = "sales", to, to.team_id, at
        why = _text(because, "reason")
        waiting.because = f"{by} gave it to {to}{f': {why}' if why else ''}"[:300]
        dealing.put_on([waiting], at=at)
        data = {"to": to.email, "because": because.strip()[:LONGEST_NOTE]}
        audited(by=by, verb="reassigned hand-off", object=f"hand-off {handoff_id}", data=data, at=at)
    return waiting


def _answer(
    kind: str, said: Callable[[Playbook], dict[str, object]], *, handoff_id: int, by: User, at: int
) -> Answered:
    require(by, "answer hand-offs")
    with transaction.atomic():
        locks.hold()
        waiting = _waiting(handoff_id, by)
        if waiting.queue not in ("sales", "nobody"):
            raise CannotAnswer(_where(waiting))
        if kind == "handoff_accepted":
            _check_active(waiting)
        # Under the lock: a playbook that came into force a moment ago may have dropped the reason.
        data = said(lines.current().playbook)
        event = NewEvent(kind, person=waiting.person_id, data={"handoff": handoff_id, **data})
        moves = _recorded(event, by=by, at=at)
        audited(by=by, verb=_VERBS[kind], object=f"hand-off {handoff_id}", data=data, at=at)
    fresh = Assignment.objects.select_related("owner", "handoff", "person__company").get(pk=handoff_id)
    return Answered(fresh, moves)


def _check_active(waiting: Assignment) -> None:
    """Whoever is beside the ladder would stay there: accepting them would promise what no rule gives."""
    line = lines.current()
    rows = Standing.objects.filter(generation_id=line.generation_id, person_id=waiting.person_id)
    status = rows.values_list("status", flat=True).first() or "active"
    if status != "active":
        aside = line.playbook.label(status)
        raise CannotAnswer(f"{waiting.person} was set aside: {aside}. Reject it, or ask who did. Nothing was changed.")


def _recorded(event: NewEvent, *, by: User, at: int) -> tuple[Moved, ...]:
    told = record([event], by=by, at=at)
    if told.refused:
        raise CannotAnswer(told.refused[0].reason)
    return told.moves


def _waiting(handoff_id: int, by: User) -> Assignment:
    """The hand-off as it is now, under the lock: whoever came first has answered it."""
    found = Assignment.objects.select_related("owner", "person").filter(handoff_id=handoff_id).first()
    if found is None:
        raise CannotAnswer("There is no such hand-off.")
    if not in_sight(by).filter(pk=handoff_id).exists():
        raise NotAllowed("This hand-off lies with another team.")
    if found.ended_at is not None:
        raise CannotAnswer(_ended(found, by))
    return found


def _ended(ended: Assignment, by: User) -> str:
    handoff = Handoff.objects.get(pk=ended.pk)
    name = str(ended.person)
    if handoff.withdrawn_at is not None:
        return f"The hand-off of {name} was withdrawn: {name} is not on the rung for it any more. Nothing was changed."
    (verdict,) = verdicts(Handoff.objects.filter(pk=ended.pk))
    who = User.objects.filter(email=verdict.answered_by).first()
    answer = verdict.answer if verdict.answer != "returned" else "answered"
    zone = ZoneInfo(lines.current().playbook.calendar.timezone)
    ended_at = moment(ended.ended_at or 0).astimezone(zone)
    when = f"on {ended_at.day} {ended_at:%B %Y} at {ended_at:%H:%M}"
    if who == by:
        return f"You {answer} {name} already, {when}. Nothing was changed."
    return f"{who or verdict.answered_by or 'Somebody'} {answer} {name} before you, {when}. Nothing was changed."


def _where(waiting: Assignment) -> str:
    if waiting.queue == "marketing":
        lacks = f": it lacks {', '.join(waiting.lacking)}" if waiting.lacking else ""
        return f"It lies with marketing{lacks}. Nothing was changed."
    return f"It lies with {waiting.owner or 'nobody yet'}. Nothing was changed."


def _known(reason: str, reasons: "list[str] | tuple[str, ...]", what: str) -> str:
    if not reasons:
        text = _text(reason, "reason")
        if not text:
            raise CannotAnswer("Say why. Nothing was changed.")
        return text
    if reason not in reasons:
        asked = f"“{reason[:80]}” is no reason to {what} in the playbook in force" if reason else "Say why"
        raise CannotAnswer(f"{asked}: choose one of {', '.join(reasons)}. Nothing was changed.")
    return reason


def _wakes_on(text: str, *, at: int) -> date:
    today = moment(at).date()
    try:
        day = moment(parse_instant(text.strip())).date()
    except BadInstant:
        raise CannotAnswer("Say until when, as a day such as 2027-03-01. Nothing was changed.") from None
    if not 0 < (day - today).days <= LATEST_WAKE_DAYS:
        raise CannotAnswer("The day must lie ahead, at most five years. Nothing was changed.")
    return day


def _noted(note: str) -> dict[str, object]:
    text = _text(note, "note")
    return {"note": text} if text else {}


def _text(text: str, what: str) -> str:
    try:
        return clean_text(text.strip()[:LONGEST_NOTE], what) if text.strip() else ""
    except BadValue as fault:
        raise CannotAnswer(f"{fault}. Nothing was changed.") from None


__all__ = [
    "Answered",
    "CannotAnswer",
    "NotAllowed",
    "accept",
    "give_back",
    "hand_over",
    "in_sight",
    "reassign",
    "reject",
]
