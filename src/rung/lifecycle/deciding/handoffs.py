"""The rows of hand-offs: opened, withdrawn and answered as the decision says."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import uuid_utils.compat
from django.db import connection

from rung import tables
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.models import Handoff
from rung.lifecycle.rules import HandoffChanged
from rung.people.models import Person
from rung.terms.events import Event
from rung.terms.kinds import ANSWER_KINDS

_AT_A_TIME = 400


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a person's hand-off; `evidence` is written down when it opens, `event` is the answer's."""

    at: int
    what: str
    lane: str
    event: Event | None
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """The new changes of one person, and whether a hand-off is open after them (None: as the changes say)."""

    person: Person
    changes: Sequence[Change]
    is_open: bool | None = None
    closing: Change | None = None
    """What closed the last hand-off, where a corrected past says that none is open."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What our tables know of a person's hand-offs: when something happened to one, when one was last answered."""

    instants: frozenset[int]
    answered_at: int

    def knows(self, change: Change) -> bool:
        """Whether the change is there, or is of a hand-off in whose place another has been answered since."""
        return change.at in self.instants or (change.what == "opened" and change.at < self.answered_at)


def noted(person_ids: Collection[int]) -> dict[int, Noted]:
    """What is known of the hand-offs of these people, of whoever had one."""
    instants: dict[int, set[int]] = {}
    answered: dict[int, int] = {}
    for person_id, *told in tables.read(_NOTED, person_ids):
        instants.setdefault(person_id, set()).update(at for at in told if at is not None)
        answered[person_id] = max(answered.get(person_id, 0), told[-1] or 0)
    return {person_id: Noted(frozenset(ats), answered[person_id]) for person_id, ats in instants.items()}


_NOTED: Final = (
    "SELECT person_id, opened_at, withdrawn_at, answered_at FROM lifecycle_handoff WHERE person_id IN ({ids})"
)


def keep(told: Sequence[Changes], line: Line) -> list[HandoffChanged]:
    """Writes the changes, and returns them with the hand-off each is of."""
    told = [item for item in told if item.changes or item.is_open is not None]
    open_ = _open(told, line.name)
    steps: list[tuple[Handoff, int, Change]] = []
    fresh: list[Handoff] = []
    closed: list[Handoff] = []
    for item in told:
        current = open_.get(item.person.id)
        for change in item.changes:
            if change.what == "opened":
                if current is not None:
                    continue  # it lies on a desk already, as an import left it there: nobody is told again
                current = row_of(item.person, change, line)
                fresh.append(current)
            elif current is not None:
                close(current, change)
                closed.append(current)
            else:
                continue
            steps.append((current, item.person.id, change))
            if change.what != "opened":
                current = None
        if current is not None and item.is_open is False and item.closing is not None:
            close(current, item.closing)
            closed.append(current)
            steps.append((current, item.person.id, item.closing))
    _write(fresh, [row for row in closed if row.pk is not None])
    return [
        HandoffChanged(
            row.pk, person_id, change.what, change.at, change.lane, change.event.seq if change.event else None
        )
        for row, person_id, change in steps
    ]


def _write(fresh: Sequence[Handoff], closed: Sequence[Handoff]) -> None:
    """Writes hand-offs that opened in this round (and may have ended in it), and those that ended."""
    if fresh:
        for row, id_ in zip(fresh, tables.next_ids(Handoff, len(fresh)), strict=True):
            row.pk = id_
        columns = ("id", *tables.columns_of(Handoff))
        tables.insert(Handoff, columns, ([_plain(row, name) for name in columns] for row in fresh))
    tables.update(Handoff, _ENDS, ("id",), [[getattr(row, name) for name in (*_ENDS, "id")] for row in closed])


_ENDS: Final = ("withdrawn_at", "answer", "answered_at", "reason", "answered_by")


def _plain(row: Handoff, name: str) -> object:
    return row.uuid.hex if name == "uuid" else getattr(row, name)


def give(owners: Mapping[int, int]) -> None:
    """Notes who has each hand-off now: its id → the id of one of ours."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE lifecycle_handoff SET owner_id = %s WHERE id = %s",
            [(owner_id, handoff_id) for handoff_id, owner_id in owners.items()],
        )


def _open(told: Sequence[Changes], line: str) -> dict[int, Handoff]:
    ids = sorted(item.person.pk for item in told)
    found: dict[int, Handoff] = {}
    for start in range(0, len(ids), _AT_A_TIME):
        rows = Handoff.objects.filter(
            person_id__in=ids[start : start + _AT_A_TIME], line=line, answered_at=None, withdrawn_at=None
        )
        found.update({row.person_id: row for row in rows.order_by("opened_at", "pk")})
    return found


def row_of(person: Person, change: Change, line: Line) -> Handoff:
    """A hand-off as it opens."""
    return Handoff(
        uuid=uuid_utils.compat.uuid7(),
        person_id=person.pk,
        line=line.name,
        opened_at=change.at,
        opened_seq=change.event.seq if change.event else None,
        lane=change.lane,
        evidence=change.evidence,
        playbook_version=line.version,
        owner_id=person.owner_id,
    )


def close(handoff: Handoff, change: Change) -> None:
    """Notes on the row how the hand-off ended."""
    if change.what == "withdrawn":
        handoff.withdrawn_at = change.at
        return
    handoff.answer, handoff.answered_at = change.what, change.at
    if change.event is not None:
        reason = change.event.data.get("reason")
        handoff.reason = reason[:1000] if isinstance(reason, str) and change.event.kind in ANSWER_KINDS else ""
        handoff.answered_by = (change.event.by or "")[:254]
