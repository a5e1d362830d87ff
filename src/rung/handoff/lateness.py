"""Whether sales answered a hand-off in time, and by how much: one reading of it for every page and report.

What counts is the clock that ran on the desk: its due time knows the team's calendar and the pauses, and stays what it
was when the clock stopped. A history that was loaded has no clocks; there the same times are worked out from the
opening, by the playbook in force.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.db.models import F, OuterRef, QuerySet, Subquery

from rung.handoff import rules
from rung.handoff.models import Clock
from rung.handoff.reckoning import Owners, Times
from rung.lifecycle.models import Handoff
from rung.playbook.definitions import Playbook
from rung.terms.business_time import WorkingTime

_MOST_KEPT: Final = 50_000
_UNKNOWN: Final = -1
_known: dict[str, dict[tuple[str, str, int], int | None]] = {}
"""Version → (lane, calendar, opened at) → due at: what is computed once is the same for ever."""


class Ran(NamedTuple):
    """A hand-off and the clock of its first answer, in the order of COLUMNS."""

    lane: str
    opened_at: int
    owner_id: int | None
    queue: str | None
    """None: it never lay on a desk."""
    started_at: int | None
    due_at: int | None
    clock_owner_id: int | None


COLUMNS: Final = ("lane", "opened_at", "owner_id", "queue", "clock_started_at", "clock_due_at", "clock_owner_id")


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer against its clock. Both lengths are microseconds of the owner's working time, pauses left out."""

    due_at: int | None
    is_late: bool
    late_by: int
    took: int


def with_clocks(handoffs: QuerySet[Handoff]) -> QuerySet[Any]:
    """The hand-offs with the columns that a `Ran` is made of."""
    # The first: whoever returned it answered that one. Handed over again, the next answer has a clock of its own.
    clock = Clock.objects.filter(kind="answer", assignment_id=OuterRef("pk")).order_by("started_at")
    return handoffs.annotate(
        queue=F("assignment__queue"),
        clock_started_at=Subquery(clock.values("started_at")[:1]),
        clock_due_at=Subquery(clock.values("due_at")[:1]),
        clock_owner_id=Subquery(clock.values("owner_id")[:1]),
    )


class Lateness:
    """Judges answers by one playbook; teams and absences are read once, where the playbook asks for them."""

    def __init__(self, playbook: Playbook, owners: Owners | None = None) -> None:
        """`owners`: those that somebody has read already."""
        self._times = Times(playbook)
        self._owners = owners or Owners(self._times)
        if playbook.version not in _known:
            _known.clear()
        self._dues = _known.setdefault(playbook.version, {})

    def due_at(self, ran: Ran) -> int | None:
        """By when sales owed its answer; None where no time is set, and while marketing has it."""
        if ran.started_at is not None:
            return ran.due_at
        if ran.queue is not None:
            return None  # on no desk of sales a clock ran
        team = self._times.key(self._owners.team(ran.owner_id))
        away = self._owners.away(ran.owner_id)
        if away:
            return self._times.due("answer", ran.lane, team, started_at=ran.opened_at, pauses=away).due_at
        key = (ran.lane, team, ran.opened_at)
        found = self._dues.get(key, _UNKNOWN)
        if found == _UNKNOWN:
            if len(self._dues) >= _MOST_KEPT:
                self._dues.clear()
            found = self._dues[key] = self._times.due("answer", ran.lane, team, started_at=ran.opened_at).due_at
        return found

    def is_late(self, ran: Ran, answered_at: int) -> bool:
        """Whether the answer came after its time; the cheaper question where nobody asks by how much."""
        due_at = self.due_at(ran)
        return due_at is not None and answered_at > due_at

    def judge(self, ran: Ran, answered_at: int) -> Judged:
        """How the answer stood to its clock."""
        due_at = self.due_at(ran)
        owner_id = ran.clock_owner_id if ran.started_at is not None else ran.owner_id
        working = self._working(owner_id)
        away = self._owners.away(owner_id)
        is_late = self.is_late(ran, answered_at)
        start = ran.opened_at if ran.started_at is None else ran.started_at
        return Judged(
            due_at=due_at,
            is_late=is_late,
            late_by=_worked(working, due_at, answered_at, away) if is_late and due_at is not None else 0,
            took=_worked(working, start, answered_at, away),
        )

    def worked(self, owner_id: int | None, start: int, end: int) -> int:
        """The owner's working time between, without their days away."""
        return _worked(self._working(owner_id), start, end, self._owners.away(owner_id))

    def _working(self, owner_id: int | None) -> WorkingTime:
        return self._times.working(self._owners.team(owner_id))


def _worked(working: WorkingTime, start: int, end: int, pauses: list[rules.Span]) -> int:
    """The working time between, without the pauses; 0 where the end lies before the start."""
    found = working.between(start, end)
    for from_at, until_at in rules.joined(pauses, start):
        found -= working.between(from_at, min(until_at, end))
    return found
