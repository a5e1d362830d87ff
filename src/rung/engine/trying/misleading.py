"""Which lines of a playbook mislead: what leaving each of them out would have spared sales, and what it had cost.

Every line that gives points, and every way into the hand-off's rung, is taken out by itself; only whom the definition
handed over, or who bought, is replayed without it. Nobody guesses what sales would have said: a rejection is spared
where the person would not have been handed over at all, from that hand-off on until their next one.
"""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from rung.engine.trying import backtest as b
from rung.engine.trying import handovers as h
from rung.engine.trying.backtest import Definition, Scope
from rung.engine.trying.ground import Ground
from rung.engine.trying.handovers import NEVER, Handovers, Keys
from rung.engine.trying.leaving import Part, parts, without
from rung.engine.trying.resampling import Sample, interval
from rung.playbook.definitions import Playbook
from rung.terms.instants import format_instant

Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]
Reals = NDArray[np.float64]

MOST_KEPT: Final = 2_000
"""People behind one number that are kept by name; all are counted."""


Behind = dict[str, dict[str, tuple[tuple[str, int], ...]]]
"""Path of a part → name of a count → person and instant of their hand-off, or of their win; the latest first."""


class Count(msgspec.Struct, frozen=True):
    """A number of people or hand-offs, and the middle 95 % of the resamples."""

    value: int
    low: float
    high: float


class Line(msgspec.Struct, frozen=True):
    """One part of the playbook, left out. `path` names it (see `engine.leaving`), `number` is its line in the
    file."""

    path: str
    name: str
    what: str
    """signal, fit or condition."""
    number: int
    avoided: Count
    """Rejected hand-offs that would not have been."""
    later: int
    """Rejected ones that would have come at another time: put off, not spared."""
    lost: Count
    """Accepted hand-offs that would not have been."""
    missed: Count
    """First wins that were handed over before, and would not have been."""
    stake: float
    """Wins at stake: those missed, or of the accepted hand-offs lost the share that usually wins, where that is more:
    many of them have not had the time to win yet."""
    rate: float
    """Rejections spared for each win at stake, at the careful ends of the intervals; what lines are ranked by."""
    is_clear: bool
    """Whether more of what it carries is rejected than chance explains."""


class Misleading(msgspec.Struct, frozen=True):
    """The lines, the most misleading first, of the hand-offs and first wins from `start` to `as_of`."""

    definition: Definition
    as_of: str
    start: str
    opened: int
    accepted: int
    rejected: int
    wins: int
    """First wins handed over before."""
    lines: tuple[Line, ...]


def misleading(
    ground: Ground, playbook: Playbook, scope: Scope, progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[Misleading, Behind]:
    """Every part of the playbook left out by itself, and who is behind the counts (`avoided later lost missed`).

    `progress`: parts tried, and how many there are.
    """
    return _LeavingOut(ground, playbook, scope).result(progress)


class _LeavingOut:
    def __init__(self, ground: Ground, playbook: Playbook, scope: Scope) -> None:
        self.ground, self.playbook, self.scope = ground, playbook, scope
        self.deeds = ground.deeds
        whole = ground.told(playbook).side.handovers
        self.table = b.within(whole, scope)
        self.following = _following(self.table)
        self.is_rejected, self.is_accepted = self.table.answer == h.REJECTED, self.table.answer == h.ACCEPTED
        self.won = self.deeds.first_win
        is_first = scope.members & (self.won >= scope.start) & (self.won <= scope.end)
        caught = b.caught_at(whole, self.won, self.deeds.n_people) < NEVER
        self.winners = np.flatnonzero(is_first & caught)
        self.people = np.unique(np.concatenate([self.table.person, self.winners]))
        self.column = np.full(self.deeds.n_people, -1, np.int64)
        self.column[self.people] = np.arange(len(self.people))
        self.sample = Sample.of(len(self.people))
        self.behind: Behind = {}

    def result(self, progress: Callable[[int, int], None]) -> tuple[Misleading, Behind]:
        found = []
        tried = parts(self.playbook)
        for place, part in enumerate(tried):
            progress(place, len(tried))
            found.append(self._line(part))
        # Of lines that do alike, the one whose loss costs sales fewer accepted hand-offs.
        found.sort(key=lambda line: (-line.rate, line.lost.value, -line.avoided.value, line.number))
        result = Misleading(
            definition=Definition(self.playbook.name, self.playbook.version),
            as_of=format_instant(self.scope.end),
            start=format_instant(self.scope.start),
            opened=len(self.table),
            accepted=int(self.is_accepted.sum()),
            rejected=int(self.is_rejected.sum()),
            wins=len(self.winners),
            lines=tuple(found),
        )
        return result, self.behind

    def _line(self, part: Part) -> Line:
        side = self.ground.told_of(without(self.playbook, part), self.people).side
        is_kept, is_later = self._fates(side.handovers)
        is_gone = ~is_kept & ~is_later
        caught = b.caught_at(side.handovers, self.won, self.deeds.n_people)[self.winners] < NEVER
        missed = self.winners[~caught]
        avoided, later, lost = is_gone & self.is_rejected, is_later & self.is_rejected, is_gone & self.is_accepted
        totals = self._totals(avoided, lost, missed)
        self.behind[part.path] = {
            "avoided": self._behind(self.table.person[avoided], self.table.at[avoided]),
            "later": self._behind(self.table.person[later], self.table.at[later]),
            "lost": self._behind(self.table.person[lost], self.table.at[lost]),
            "missed": self._behind(missed, self.won[missed]),
        }
        spared, given, cost = (_count(totals[:, place]) for place in range(3))
        usual = len(self.winners) / max(1, int(self.is_accepted.sum()))
        return Line(
            path=part.path,
            name=part.name,
            what=part.what,
            number=part.line,
            avoided=spared,
            later=int(later.sum()),
            lost=given,
            missed=cost,
            stake=max(cost.value, usual * given.value),
            rate=spared.low / max(1.0, cost.high, usual * given.high),
            is_clear=_is_clear(totals),
        )

    def _fates(self, other: Handovers) -> tuple[Truths, Truths]:
        """By hand-off, whether it is there without the part too when sales answers, or else comes at another time.

        It is there where the very answer closes one of the other definition's; it comes at another time where one of
        those opens before the person's next hand-off.
        """
        keys = Keys(self.table.at, self.table.answer_at, other.at, other.answer_at)
        decided = other.answer != h.UNDECIDED
        answers = keys.of(other.person[decided], other.answer_at[decided])
        is_kept = np.isin(keys.of(self.table.person, self.table.answer_at), answers)
        openings = keys.of(other.person, other.at)
        place = np.searchsorted(openings, keys.of(self.table.person, self.table.at))
        is_later = np.zeros(len(self.table), bool)
        if len(openings):
            row = np.minimum(place, len(openings) - 1)
            is_theirs = (place < len(openings)) & (other.person[row] == self.table.person)
            is_later = is_theirs & (other.at[row] < self.following) & ~is_kept
        return is_kept, is_later

    def _totals(self, avoided: Truths, lost: Truths, missed: Ints) -> Reals:
        """By resample: rejections avoided, acceptances lost, wins missed, rejected and accepted in all."""
        counted = np.zeros((len(self.people), 5))
        for place, rows in enumerate((avoided, lost, None, self.is_rejected, self.is_accepted)):
            people = missed if rows is None else self.table.person[rows]
            counted[:, place] = np.bincount(self.column[people], minlength=len(self.people))
        return self.sample.totals(counted)

    def _behind(self, people: Ints, at: Ints) -> tuple[tuple[str, int], ...]:
        order = np.argsort(-at, kind="stable")[:MOST_KEPT]
        keys = self.ground.history.people
        return tuple(
            (keys[person], when) for person, when in zip(people[order].tolist(), at[order].tolist(), strict=True)
        )


def _count(totals: Reals) -> Count:
    low, high = interval(totals) or (float(totals[0]), float(totals[0]))
    return Count(int(totals[0]), low, high)


def _is_clear(totals: Reals) -> bool:
    """Whether sales rejects more of what hangs on the part than of all hand-offs, beyond what chance explains."""
    with np.errstate(invalid="ignore", divide="ignore"):
        here = totals[:, 0] / (totals[:, 0] + totals[:, 1])
        usual = totals[:, 3] / (totals[:, 3] + totals[:, 4])
    bounds = interval(here - usual)
    return bounds is not None and bounds[0] > 0 and bool(totals[0, 0] >= 2)


def _following(table: Handovers) -> Ints:
    """When each person's next hand-off opens; NEVER."""
    found = np.full(len(table), NEVER, np.int64)
    is_same = table.person[1:] == table.person[:-1]
    found[:-1][is_same] = table.at[1:][is_same]
    return found
