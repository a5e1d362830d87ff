"""One number through all its values: how many hand-offs, how many wins caught, where the knee is, what meets the
duties.

The knee is where the curve of wins caught over hand-offs, both stretched from 0 to 1, stands furthest above the line
from end to end (Satopää and others 2011, "Finding a Kneedle in a haystack"): before it hand-offs bring wins, behind it
they mostly bring work.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from rung.engine.trying import backtest as b
from rung.engine.trying import handovers as h
from rung.engine.trying.backtest import Definition, Scope, Told, minutes_of
from rung.engine.trying.handovers import NEVER, Deeds
from rung.engine.trying.resampling import Sample, interval
from rung.engine.trying.varying import Knob, knobs
from rung.playbook.definitions import Playbook
from rung.terms.instants import DAY, format_instant

Reals = NDArray[np.float64]

MONTH: Final = 30.4375


class Point(msgspec.Struct, frozen=True):
    """One value. Shares are 0 to 1; `low` and `high` bound the share of wins caught."""

    value: float
    opened: int
    accepted: int
    rejected: int
    undecided: int
    caught: int
    share: float | None
    low: float | None
    high: float | None
    hours: float
    per_month: float
    accepted_share: float | None
    earlier: int
    """Wins caught by the old definition too, but earlier."""
    days_earlier: float | None
    """The median of those caught at another time; below 0 = later."""
    meets: bool
    """Whether the playbook's duties would have been met."""


class Curve(msgspec.Struct, frozen=True):
    """A number through its values, the rest of the definition as it is."""

    path: str
    words: str
    unit: str
    old: Definition
    new: Definition
    as_of: str
    start: str
    end: str
    subset: str
    current: float
    """The value in the definition that is varied."""
    before: float | None
    """The value in the old definition; None where it has no such number."""
    wins: int
    points: tuple[Point, ...]
    knee: float
    knee_low: float
    knee_high: float
    duty: float | None
    duty_words: str


def curve(
    old: Told, base: Playbook, knob: Knob, values: Sequence[float], tolds: Sequence[Told], deeds: Deeds, scope: Scope
) -> Curve:
    """`tolds`: what the base says with each of the values."""
    months = max((scope.end - scope.start) / DAY / MONTH, 1 / MONTH)
    won = deeds.first_win
    winners = np.flatnonzero(scope.members & (won >= scope.start) & (won <= scope.end))
    before = b.caught_at(old.side.handovers, won, deeds.n_people)[winners]
    tables = [b.within(told.side.handovers, scope) for told in tolds]
    caught = [b.caught_at(told.side.handovers, won, deeds.n_people)[winners] for told in tolds]
    hands, wins, shares = _resampled(tables, caught, winners, deeds.n_people)
    points = [
        _point(value, table, at, before, shares[:, place], months, base)
        for place, (value, table, at) in enumerate(zip(values, tables, caught, strict=True))
    ]
    knees = np.array([values[place] for place in _knees(hands, wins)], float)
    low, high = np.percentile(knees[1:], (10, 90))
    duty, words = _duty(points, base, knob)
    return Curve(
        path=knob.path,
        words=knob.words,
        unit=knob.unit,
        old=Definition(old.playbook.name, old.playbook.version),
        new=Definition(base.name, base.version),
        as_of=format_instant(scope.end),
        start=format_instant(scope.start),
        end=format_instant(scope.end),
        subset=scope.subset,
        current=knob.value,
        before=next((each.value for each in knobs(old.playbook) if each.path == knob.path), None),
        wins=len(winners),
        points=tuple(points),
        knee=float(knees[0]),
        knee_low=float(low),
        knee_high=float(high),
        duty=duty,
        duty_words=words,
    )


def _resampled(
    tables: Sequence[h.Handovers], caught: Sequence[b.Ints], winners: b.Ints, n_people: int
) -> tuple[Reals, Reals, Reals]:
    """Hand-offs, wins caught and their share of all wins: a row a resample, the first of them as it was, a column a
    value."""
    active = np.unique(np.concatenate([winners, *(table.person for table in tables)]))
    column = np.full(n_people, -1, np.int64)
    column[active] = np.arange(len(active))
    opened, is_caught = np.zeros((2, len(active), len(tables)))
    for place, (table, at) in enumerate(zip(tables, caught, strict=True)):
        opened[:, place] = np.bincount(column[table.person], minlength=len(active))
        is_caught[column[winners[at < NEVER]], place] = 1
    everybody = np.zeros((len(active), 1))
    everybody[column[winners]] = 1
    sample = Sample.of(len(active))
    hands, wins, total = sample.totals(opened), sample.totals(is_caught), sample.totals(everybody)
    with np.errstate(invalid="ignore", divide="ignore"):
        return hands, wins, wins / total


def _point(
    value: float, table: h.Handovers, at: b.Ints, before: b.Ints, share: Reals, months: float, base: Playbook
) -> Point:
    accepted, rejected = int((table.answer == h.ACCEPTED).sum()), int((table.answer == h.REJECTED).sum())
    both = (at < NEVER) & (before < NEVER)
    gone = (np.where(both, before, 0) - np.where(both, at, 0))[both]
    moved = gone[gone != 0]
    bounds = interval(share)
    per_month = len(table) / months
    accepted_share = accepted / (accepted + rejected) if accepted + rejected else None
    return Point(
        value=value,
        opened=len(table),
        accepted=accepted,
        rejected=rejected,
        undecided=int((table.answer == h.UNDECIDED).sum()),
        caught=int((at < NEVER).sum()),
        share=None if np.isnan(share[0]) else float(share[0]),
        low=bounds[0] if bounds else None,
        high=bounds[1] if bounds else None,
        hours=len(table) * minutes_of(base) / 60,
        per_month=per_month,
        accepted_share=accepted_share,
        earlier=int((gone > 0).sum()),
        days_earlier=float(np.median(moved)) / DAY if len(moved) else None,
        meets=_meets(base, per_month, accepted_share),
    )


def _knees(hands: Reals, wins: Reals) -> list[int]:
    """By resample, the place of the value at the knee; among equals the one with the fewest hand-offs."""
    x, y = _stretched(hands), _stretched(wins)
    above = np.round(y - x, 9)
    best = above.max(axis=1, keepdims=True)
    fewest = np.where(above == best, hands, np.inf)
    return [int(place) for place in fewest.argmin(axis=1)]


def _stretched(values: Reals) -> Reals:
    low, high = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    reach = np.where(high > low, high - low, 1.0)
    found: Reals = (values - low) / reach
    return found


def _meets(playbook: Playbook, per_month: float, accepted_share: float | None) -> bool:
    duties = playbook.duties
    enough = duties.mqls_per_month is None or per_month >= duties.mqls_per_month
    good = duties.accepted_share is None or (accepted_share is not None and accepted_share >= duties.accepted_share)
    return enough and good


def _duty(points: Sequence[Point], playbook: Playbook, knob: Knob) -> tuple[float | None, str]:
    """The value that meets marketing's duties with the fewest hand-offs, in words; or what comes nearest."""
    duties = playbook.duties
    asked = []
    if duties.mqls_per_month is not None:
        asked.append(f"{duties.mqls_per_month:g} hand-offs a month")
    if duties.accepted_share is not None:
        asked.append(f"{100 * duties.accepted_share:g} % of the answered ones accepted")
    if not asked:
        return None, "The playbook names no duty of marketing."
    said = " and ".join(asked)
    meeting = [point for point in points if point.meets]
    if meeting:
        best = min(meeting, key=lambda point: point.opened)
        return best.value, f"{knob.said(best.value)} meets the duties: {said}."
    if duties.mqls_per_month is not None and not any(p.per_month >= duties.mqls_per_month for p in points):
        most = max(points, key=lambda point: point.per_month)
        return None, f"No value meets the duties ({said}): {most.value:g} brings most, {most.per_month:.0f} a month."
    known = [point for point in points if point.accepted_share is not None]
    if not known:
        return None, f"No value can be held against the duties ({said}): no answer of sales is recorded."
    best = max(known, key=lambda point: point.accepted_share or 0.0)
    share = 100 * (best.accepted_share or 0.0)
    return None, f"No value meets the duties ({said}): at {best.value:g} sales accepted most, {share:.0f} %."
