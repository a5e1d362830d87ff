"""What follows from a playbook put in force, where somebody asked for it: hand-offs open, and open ones are withdrawn.

Publishing by itself has no consequences. Whoever asks for them gets them after the switch, a few people in a
transaction each, as of the time they are carried out: clocks begin then. What sales has accepted stays with sales.
Going back to the playbook before takes them back the same way: what opened is withdrawn, what was withdrawn opens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from rung.engine.deciding import Lane
from rung.engine.several import decide
from rung.jobs import locks
from rung.lifecycle import actions
from rung.lifecycle.deciding import handoffs
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.deciding.handoffs import Change, Changes
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.models import MAIN, Generation, Handoff, Pointer, StageMove, Standing, State
from rung.people.models import Person
from rung.terms.stages import RANK, STAGES

_AT_A_TIME: Final = 200


@dataclass(frozen=True, slots=True)
class Followed:
    """How many hand-offs opened, and how many that waited were withdrawn."""

    opened: int
    withdrawn: int


@dataclass(frozen=True, slots=True)
class _Open:
    lane: Lane
    at: int


def carry_out(version: str, *, at: int, line: str = MAIN) -> Followed:
    """Carries out what follows from the last switch, if it was to this version. Done twice it does no harm."""
    pointer = Pointer.objects.select_related("generation__playbook", "previous__playbook").filter(line=line).first()
    if pointer is None or pointer.previous is None or pointer.generation.playbook.version != version:
        return Followed(0, 0)
    Generation.objects.filter(pk=pointer.generation_id).update(is_followed=True)
    after, before = lines.of(pointer.generation), lines.of(pointer.previous)
    was, is_ = _open(before), _open(after)
    fresh, gone = sorted(is_.keys() - was.keys()), sorted(was.keys() - is_.keys())
    opened = withdrawn = 0
    for part in _parts(fresh):
        opened += _carried(part, after, {person_id: is_[person_id] for person_id in part}, at=at)
    for part in _parts(gone):
        withdrawn += _carried(part, after, {}, at=at)
    return Followed(opened, withdrawn)


def _carried(person_ids: Sequence[int], line: Line, opens: dict[int, _Open], *, at: int) -> int:
    """Opens, or withdraws where `opens` is empty, the hand-offs of some; with all that follows."""
    with transaction.atomic():
        locks.hold()
        waiting = Handoff.objects.filter(line=line.name, answered_at=None, withdrawn_at=None)
        has_one = set(waiting.filter(person_id__in=person_ids).values_list("person_id", flat=True))
        people = Person.objects.filter(is_merged=False).in_bulk(
            [id_ for id_ in person_ids if (id_ in has_one) != bool(opens)]
        )
        evidence = _evidence(list(people), line) if opens else {}
        told = [
            Changes(
                person,
                [
                    Change(at, "opened", opens[id_].lane, None, evidence.get(id_, ""))
                    if opens
                    else Change(at, "withdrawn", "scored", None)
                ],
            )
            for id_, person in people.items()
        ]
        changed = handoffs.keep(told, line)
        actions.follow(changed, line=line, at=at)
    return len(changed)


def _open(line: Line) -> dict[int, _Open]:
    """Whose hand-off waits by a generation, as its own decision says; never a customer's."""
    on = RANK[line.playbook.handoff.on]
    stages = [stage for stage in STAGES if on <= RANK[stage] < RANK["customer"]]
    standings = Standing.objects.filter(
        generation_id=line.generation_id, line=line.name, stage__in=stages, status="active"
    )
    until = dict(standings.values_list("person_id", "decided_until"))
    found: dict[int, _Open] = {}
    for part in _parts(list(until)):
        states = State.objects.filter(generation_id=line.generation_id, line=line.name, person_id__in=part)
        for person_id, state in states.values_list("person_id", "state"):
            standing = decide(line.program, [], until[person_id], bytes(state)).standing
            if standing.handoff_at is not None and standing.handoff_lane is not None:
                found[person_id] = _Open(standing.handoff_lane, standing.handoff_at)
    return found


def _parts(person_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (person_ids[start : start + _AT_A_TIME] for start in range(0, len(person_ids), _AT_A_TIME))


def _evidence(person_ids: Sequence[int], line: Line) -> dict[int, str]:
    """Why sales gets each of them: the last move that brought them where they stand."""
    rows = StageMove.objects.filter(generation_id=line.generation_id, person_id__in=person_ids).order_by("number")
    last = {row.person_id: row for row in rows}
    return {
        person_id: f"Score {row.score:.0f}: fit {row.fit:.0f}, engagement {row.engagement:.0f}. Rule: {row.because}. "
        "Handed over because the playbook changed."
        for person_id, row in last.items()
    }
