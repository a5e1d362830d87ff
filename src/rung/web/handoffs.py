"""Hand-offs on the screen: a row, what lies open under it, and the answers as nouns: acceptance, rejection, return."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from rung.access.models import User
from rung.handoff import actions, asking, rules, taking_back, today
from rung.handoff.dealing import DIRECT
from rung.handoff.models import AnswerGiven, Assignment
from rung.handoff.verdicts import Verdict, verdicts
from rung.history.models import Event
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.lifecycle.models import Handoff
from rung.lifecycle.published import InForce
from rung.playbook.definitions import FOREVER, Playbook
from rung.terms.instants import DAY, moment
from rung.ui import words
from rung.web import clocks, happenings, work
from rung.web.acting import attempted
from rung.web.links import person_href

QUOTED: Final = ("question", "message", "text", "value", "need")
"""Fields in which people say something in their own words."""
_QUOTE_KINDS: Final = (
    *("question_asked", "demo_requested", "quote_requested", "form_submitted", "email_replied", "bant_answered"),
    *("documentation_requested", "call_received", "chat"),
)
_CONTENT: Final = ("content_downloaded", "webinar_attended", "webinar_registered", "form_submitted", "page_viewed")


@dataclass(frozen=True, slots=True)
class Line:
    """A row as the page shows it. `outcome` says what was just done with it, `note` what was where it still waits."""

    row: today.Row
    clock: clocks.Shown | None
    what: str
    label: str
    href: str
    panel: str
    outcome: str = ""
    refusal: str = ""
    note: str = ""
    undo: str = ""
    """Where the answer that was just given is taken back."""

    @property
    def first_name(self) -> str:
        return self.row.name.split()[0]


def line_of(row: today.Row, playbook: Playbook, *, now: int, zone: ZoneInfo) -> Line:
    within = rules.within_of(playbook.handoff, row.kind, row.lane)
    clock = clocks.shown(
        playbook,
        within=within,
        started_at=row.started_at,
        due_at=row.due_at,
        now=now,
        zone=zone,
        team=row.team,
        is_paused=row.is_paused,
    )
    if clock is not None and not clock.is_running and not row.is_paused:
        # All of them open at the same hour: what tells them apart is the time that is left.
        clock = replace(
            clock, said=f"{words.duration(clock.seconds * words.SECOND)}, {clock.said.replace('opens', 'from')}"
        )
    return Line(
        row=row,
        clock=clock,
        what=_what(row),
        label=playbook.short_label(row.stage if row.status == "active" else row.status),
        href=person_href(row.person_uuid),
        panel=f"/handoffs/{row.handoff_uuid}" if row.kind == "answer" else f"/people/{row.person_uuid}/work",
    )


def _what(row: today.Row) -> str:
    if row.kind == "touch":
        return "First call. Nobody has spoken with them since they were accepted"
    data = row.event_data or {}
    quote = next((str(data[name]) for name in QUOTED if isinstance(data.get(name), str) and data[name]), "")
    if quote and row.event_kind in _QUOTE_KINDS and row.event_kind != "form_submitted":
        return f"“{quote}”"
    return happenings.said(row.event_kind, data) if row.event_kind else "Came to us by score alone"


@require_GET
def handoff(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """GET handoffs/<uuid>: what marketing documented, their own words, and the answers that can be given."""
    found = _found(request, uuid)
    force, now = published.in_force(), this_instant()
    return render(request, "web/_handoff.html", panel(request, found, force, now=now))


def panel(request: HttpRequest, found: Assignment, force: InForce, *, now: int) -> dict[str, Any]:
    """What the panel shows: two queries."""
    events = asking.noted_of(found.person, (*_QUOTE_KINDS, *_CONTENT))
    user, playbook = request.user, force.playbook
    assert isinstance(user, User)
    known = asking.sheet(found.person, force, at=now, events=events)
    zone = ZoneInfo(playbook.calendar.timezone)
    name = (found.person.called).split()[0]
    return {
        "waiting": found,
        "handoff": found.handoff,
        "first_name": name,
        "documented": documented(found, playbook, events),
        "quote": _quote(events),
        "known": known,
        "reasons": _reasons(playbook, name, now=now, zone=zone),
        "return_reasons": playbook.handoff.return_reasons or ("Wrong owner", "Missing fact"),
        "may_answer": user.may("answer hand-offs") and found.queue in ("sales", "nobody"),
        "may_document": user.may("document hand-offs") and found.queue == "marketing",
        "tomorrow": moment(now + DAY).astimezone(zone).date().isoformat(),
        "next_month": (moment(now).astimezone(zone).date() + timedelta(days=30)).isoformat(),
        "now": now,
        "zone": zone,
    }


def documented(found: Assignment, playbook: Playbook, events: Sequence[Event]) -> list[tuple[str, str]]:
    """What the playbook wants documented, and what is known of it: (its word, the fact)."""
    person = found.person
    traits: Mapping[str, Any] = person.traits
    told: list[tuple[str, str]] = []
    for name in playbook.handoff.must_document:
        field = rules.field_of(name)
        value = traits.get(field)
        if isinstance(value, str) and value:
            told.append((name, value))
        elif name in found.lacking:
            told.append((name, ""))
        elif field == "source":
            source = " / ".join(part for part in (person.source, person.campaign) if part)
            told.append((name, source or DIRECT))
        elif field in ("last_content", "interest"):
            told.append((name, _last_of(events, _CONTENT if field == "last_content" else _QUOTE_KINDS)))
        else:
            told.append((name, ""))
    return told


@require_POST
def acceptance(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST handoffs/<uuid>/acceptance: mine; a call is owed from now."""
    return _answered(request, uuid, lambda by, id_, at: actions.accept(handoff_id=id_, by=by, at=at))


@require_POST
def rejection(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST handoffs/<uuid>/rejection {reason, until, note}."""
    said = request.POST
    return _answered(
        request,
        uuid,
        lambda by, id_, at: actions.reject(
            handoff_id=id_,
            reason=said.get("reason", ""),
            until=said.get("until", ""),
            note=said.get("note", ""),
            by=by,
            at=at,
        ),
    )


@require_POST
def return_(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST handoffs/<uuid>/return {reason, note}: not a rejection."""
    said = request.POST
    return _answered(
        request,
        uuid,
        lambda by, id_, at: actions.give_back(
            handoff_id=id_, reason=said.get("reason", ""), note=said.get("note", ""), by=by, at=at
        ),
    )


@require_POST
def documentation(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST handoffs/<uuid>/documentation {fact: text, …}: marketing completes it and hands over again."""
    told = {
        name: text for name, text in request.POST.items() if name != "csrfmiddlewaretoken" and isinstance(text, str)
    }
    return _answered(request, uuid, lambda by, id_, at: actions.hand_over(handoff_id=id_, told=told, by=by, at=at))


@require_POST
def undoing(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST handoffs/<uuid>/undoing: the last answer is taken back, while nothing has followed from it."""
    return _answered(
        request,
        uuid,
        lambda by, id_, at: taking_back.take_back(handoff_id=id_, by=by, at=at),
        note="Taken back: it waits again, and its clock ran on.",
    )


Act = Callable[[User, int, int], object]


def _answered(request: HttpRequest, uuid: UUID, act: Act, *, note: str = "") -> HttpResponse:
    """Does it, and draws the row anew: what came of it, or why it was refused. `note`: what is said of a row that waits
    again."""
    by, now = request.user, this_instant()
    assert isinstance(by, User)
    found = _found(request, uuid)
    attempt = attempted(lambda: act(by, found.pk, now))
    if note and request.htmx and (request.htmx.current_url_abs_path or "").startswith("/people/"):
        # On a person's page everything shows it: the page is drawn anew, and says it there.
        messages.add_message(request, messages.ERROR if attempt.refusal else messages.SUCCESS, attempt.refusal or note)
        return HttpResponse(headers={"HX-Refresh": "true"})
    force, found = published.in_force(), _found(request, uuid, even_if_gone=True)
    zone = ZoneInfo(force.playbook.calendar.timezone)
    line = line_of(today.waiting_row(found, force), force.playbook, now=now, zone=zone)
    (verdict,) = verdicts(Handoff.objects.filter(pk=found.pk))
    if attempt.refusal or note:
        clock = line.clock if found.ended_at is None else None
        line = replace(line, clock=clock, refusal=attempt.refusal, note="" if attempt.refusal else note)
    else:
        outcome = _outcome(found, verdict, attempt.told, force.playbook, zone, now)
        undo = _undo(found, by, now=now) if isinstance(attempt.told, actions.Answered) else ""
        line = replace(line, outcome=outcome, undo=undo)
    context = panel(request, found, force, now=now) | {"line": line, "is_open": True}
    stands = bool(line.outcome or (note and line.refusal))
    if stands and verdict.answer == "accepted" and found.queue == "done":
        context |= {"is_working": True, **work.part(found.person, by, now=now)}
    response = render(request, "web/_today_row.html", context, status=attempt.status)
    if line.undo:
        news = {"said": f"{line.row.name}: {line.outcome.partition('.')[0]}", "undo": line.undo}
        response.headers["HX-Trigger"] = json.dumps({"rung:answered": news})
    return response


def _undo(found: Assignment, by: User, *, now: int) -> str:
    given = taking_back.last_answer(found.pk)
    return reverse("handoff-undoing", args=[found.handoff.uuid]) if taking_back.may_take_back(given, by, at=now) else ""


def _outcome(found: Assignment, verdict: Verdict, told: object, playbook: Playbook, zone: ZoneInfo, now: int) -> str:
    name = found.person.called
    if isinstance(told, actions.Answered):
        moved = [move for move in told.moves if not move.passed]
        went = f" {name} is {_place(moved[-1], playbook)} now." if moved else ""
        if verdict.answer == "accepted":
            return f"Accepted.{went} The first call is owed{_by(found, playbook, zone, now)}."
        if verdict.answer == "rejected":
            return f"Rejected: {verdict.reason}.{went} Marketing sees the reason."
    if found.queue == "marketing":
        return "Returned to marketing. It comes back with a clock of its own."
    if found.queue in ("sales", "nobody"):
        return f"Handed over: {found.because}."
    return "Answered."


def _by(found: Assignment, playbook: Playbook, zone: ZoneInfo, now: int) -> str:
    clock = found.clocks.filter(kind="touch", stopped_at__isnull=True).first()
    if clock is None or clock.due_at is None:
        return ""
    told = clocks.shown(
        playbook, within=playbook.handoff.first_touch_within, started_at=clock.started_at, due_at=clock.due_at, now=now,
        zone=zone,
    )  # fmt: skip
    return f" by {told.when}" if told else ""


def _place(move: Any, playbook: Playbook) -> str:
    return playbook.label(move.stage if move.status == "active" else move.status)


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason to reject with, and what happens then."""

    number: int
    reason: str
    wants_day: bool
    then: str


def _reasons(playbook: Playbook, name: str, *, now: int, zone: ZoneInfo) -> list[Reason]:
    goes = f"{name} goes to {playbook.label('nurture')}"
    found = []
    for number, told in enumerate(playbook.handoff.reject_reasons.values(), start=1):
        if told.wakes_on == "date":
            then = f"{goes} and wakes on that day."
        elif told.rest == FOREVER:
            then = f"{goes} and is not handed over again, unless {name} raises a hand."
        elif told.rest is not None:
            then = f"{goes} and rests until {words.exact(now + told.rest, zone).rsplit(',', 1)[0]}."
        else:
            then = f"{goes}."
        found.append(Reason(number, told.reason, told.wakes_on == "date", then))
    return found


def _found(request: HttpRequest, uuid: UUID, *, even_if_gone: bool = False) -> Assignment:
    """The hand-off, if this user may see it, or answered it; whoever just gave it away sees what came of it."""
    user = request.user
    assert isinstance(user, User)
    rows = Assignment.objects.filter(handoff__uuid=uuid)
    if not even_if_gone:
        answered = AnswerGiven.objects.filter(by=user.email).values("assignment")
        rows = rows.filter(Q(pk__in=actions.in_sight(user).values("pk")) | Q(pk__in=answered))
    found = rows.select_related("handoff", "person__company", "owner").first()
    if found is None:
        raise Http404
    return found


def _quote(events: Sequence[Event]) -> tuple[str, int] | None:
    """The last thing they said in their own words, and its event."""
    for event in reversed(events):
        if event.kind not in _QUOTE_KINDS:
            continue
        for name in QUOTED:
            text = event.data.get(name)
            if isinstance(text, str) and len(text) > 12:
                return text, event.seq
    return None


def _last_of(events: Sequence[Event], kinds: tuple[str, ...]) -> str:
    event = next((each for each in reversed(events) if each.kind in kinds), None)
    return happenings.said(event.kind, event.data) if event else ""
