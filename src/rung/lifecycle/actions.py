"""The one door into history: identify, append, decide, and what follows, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import transaction

from rung import tables
from rung.access.actions import By, Refused, audited, name_of, require
from rung.jobs import clock, locks
from rung.lifecycle import consequences
from rung.lifecycle.correcting import corrections, merging
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.deciding.memory import nothing_to_collect
from rung.lifecycle.deciding.reach import Reach
from rung.lifecycle.deciding.rounds import Decided, Round, decide_round
from rung.lifecycle.generations import ensure_playbook
from rung.lifecycle.intake import Taken, taken_in
from rung.lifecycle.models import Standing
from rung.lifecycle.rules import CORRECTIONS, HandoffChanged, Moved, NewEvent, News, Recorded
from rung.people.models import Person
from rung.terms.instants import format_instant
from rung.terms.stages import STAGES, STATUSES

MOST_ROUNDS: Final = 8


class TooManyRounds(RuntimeError):
    """Consequences kept bringing new events: a defect of ours, and nothing was written."""


class RefusedConsequence(RuntimeError):
    """A consequence brought an event that cannot be recorded: a defect of ours, and nothing was written."""


@dataclass(slots=True)
class _Result:
    """What one round did."""

    taken: Taken = field(default_factory=Taken)
    decided: Decided = field(default_factory=lambda: Decided([], []))
    merges: list[merging.Keeping] = field(default_factory=list)


def record(events: Sequence[NewEvent], *, by: By, at: int | None = None) -> Recorded:
    """Records what happened and everything that follows from it, all or nothing.

    A refused event is counted with its reason and the others go on; a repeated (source, message id) is counted and
    dropped. `at` is the arrival; left out, the house's clock. Whatever a consequence raises undoes the whole.
    """
    with nothing_to_collect(len(events)):
        # In a function of its own: what it held is gone before Python looks for rubbish again.
        return _recorded(events, by=name_of(by), at=clock.now() if at is None else at)


def _recorded(events: Sequence[NewEvent], *, by: str, at: int) -> Recorded:
    with transaction.atomic(savepoint=False):
        locks.hold()
        tables.look_up_by_index()
        line = ensure_playbook(at=at)
        result = _round(events, line=line, by=by, at=at)
        moves = _carry_on(result, line, at)
        merging.ended(result.merges, line)
    return Recorded(
        accepted=len(result.taken.seqs),
        duplicates=result.taken.duplicates,
        refused=tuple(result.taken.refused),
        moves=tuple(moves),
        seqs=tuple(result.taken.seqs),
        places=tuple(result.taken.places),
        people=tuple(result.taken.people),
    )


def look_again(*, at: int, limit: int = 200) -> int:
    """Decides up to `limit` people whose time has come, with all that follows; returns how many there were."""
    with transaction.atomic():
        locks.hold()
        line = ensure_playbook(at=at)
        standings = Standing.objects.filter(generation_id=line.generation_id, line=line.name, due_at__lte=at)
        due = list(standings.order_by("due_at").values_list("person_id", flat=True)[:limit])
        if due:
            decided = decide_round(Round(people=Person.objects.in_bulk(due)), line, at=at)
            _carry_on(_Result(decided=decided), line, at)
    return len(due)


def follow(handoffs: Sequence[HandoffChanged], *, line: Line, at: int, moves: Sequence[Moved] = ()) -> None:
    """All that follows from hand-offs that changed because a playbook did, or the past; and from moves, if there are
    any. In the caller's transaction and lock."""
    _carry_on(_Result(decided=Decided(list(moves), list(handoffs))), line, at)


def _carry_on(result: _Result, line: Line, at: int) -> list[Moved]:
    """Consequences and theirs, round by round; returns all moves."""
    moves, pending = list(result.decided.moves), _followed(result, at)
    rounds = 1
    while pending:
        rounds += 1
        if rounds > MOST_ROUNDS:
            raise TooManyRounds(f"events still came after {MOST_ROUNDS} rounds, such as {pending[0].kind}")
        further = _round(pending, line=line, by="system", at=at)
        if further.taken.refused:
            raise RefusedConsequence(f"a consequence was refused: {further.taken.refused[0].reason}")
        moves += further.decided.moves
        pending = _followed(further, at)
    return moves


def override(
    *,
    person: Person,
    by: By,
    at: int,
    because: str,
    to: str | None = None,
    status: str | None = None,
    until: int | None = None,
    is_forever: bool = False,
) -> Recorded:
    """Sets somebody's rung by hand; rules are silent until `until` (left out: 90 days)."""
    require(by, "override stage")
    if not because.strip():
        raise Refused("Say why: the reason is shown with the rung.")
    if to is not None and to not in STAGES:
        raise Refused(f"{to!r} is no rung.")
    if status is not None and status not in STATUSES:
        raise Refused(f"{status!r} is no status.")
    data: dict[str, Any] = {"to": to, "status": status, "because": because.strip()}
    if until is not None or is_forever:
        data["until"] = None if is_forever or until is None else format_instant(until)
    return _one(NewEvent(kind="stage_overridden", person=person.pk, data=data), by=by, at=at, verb="overrode stage")


def merge(*, survivor: Person, merged: Person, by: By, at: int) -> Recorded:
    """Makes two records one, as if they had always been one; can be undone by `unmerge`."""
    require(by, "merge people")
    event = NewEvent(kind="persons_merged", person=survivor.pk, data={"merged": str(merged.uuid)}, door="system")
    return _one(event, by=by, at=at, verb="merged people")


def unmerge(*, merged: Person, by: By, at: int) -> Recorded:
    """Undoes a merge: both are decided again, each from their own events."""
    require(by, "merge people")
    event = NewEvent(kind="persons_unmerged", person=merged.pk, data={"merged": str(merged.uuid)}, door="system")
    return _one(event, by=by, at=at, verb="unmerged people")


def void(*, message_id: str, by: By, at: int, because: str = "") -> Recorded:
    """Takes an event out of account; it stays in the history."""
    require(by, "void events")
    data = {"event": message_id, "because": because}
    return _one(NewEvent(kind="event_voided", data=data, door="system"), by=by, at=at, verb="voided event")


def say_undone(*, number: int, by: By, at: int) -> Recorded:
    """Says that an import counts no more, when `undoing` has taken what it brought out of account."""
    require(by, "undo import")
    event = NewEvent(kind="import_undone", data={"import": number}, door="system")
    return _one(event, by=by, at=at, verb="undid import")


def _one(event: NewEvent, *, by: By, at: int, verb: str) -> Recorded:
    with transaction.atomic():
        recorded = record([event], by=by, at=at)
        if recorded.refused:
            raise Refused(recorded.refused[0].reason)
        audited(by=by, verb=verb, object=f"person {event.person}" if event.person else "", data=event.data, at=at)
    return recorded


def _followed(result: _Result, at: int) -> list[NewEvent]:
    """The events that consequences bring."""
    if not result.taken.happened and not result.decided.moves and not result.decided.handoffs:
        return []
    moves = [move for move in result.decided.moves if not move.is_redefinition]
    news = News(tuple(result.taken.happened), tuple(moves), tuple(result.decided.handoffs), at)
    brought: list[NewEvent] = []
    for consequence in consequences.of_events():
        brought += consequence(news)
    if moves or news.handoffs:
        for consequence in consequences.of_moves():
            brought += consequence(news)
    return brought


def _round(events: Sequence[NewEvent], *, line: Line, by: str, at: int) -> _Result:
    """One round: taken in, and everybody whom it reaches decided."""
    taken = taken_in(events, by=by, at=at)
    result = _Result(taken=taken)
    if taken.happened:
        round_ = Round(news={event.seq for event in taken.happened}, new=taken.new)
        reach = Reach(line, taken.people, round_, at=at)
        corrected = corrections.applied((event for event in taken.happened if event.kind in CORRECTIONS), line)
        reach.correct(corrected.people, corrected.own, corrected.companies)
        reach.add(taken.happened, taken.company_keys)
        merging.reaches(corrected.merges, round_.anew, line)
        round_.real, round_.settled, result.merges = corrected.real, corrected.settled, corrected.merges
        result.decided = decide_round(round_, line, at=at)
    return result


__all__ = [
    "Moved",
    "NewEvent",
    "Recorded",
    "Refused",
    "RefusedConsequence",
    "TooManyRounds",
    "follow",
    "look_again",
    "merge",
    "override",
    "record",
    "require",
    "say_undone",
    "unmerge",
    "void",
]
