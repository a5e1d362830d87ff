"""Due times of many clocks at once: the same answers as `rules.due`, from one table of the calendar's open spans."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from rung.handoff import rules
from rung.terms.business_time import WorkingTime
from rung.terms.durations import Duration
from rung.terms.instants import DAY, MINUTE, moment

_AHEAD: Final = 120 * DAY
"""How far behind the latest start the table reaches; whatever is due later is computed by itself."""

Dues = list[tuple[int | None, int | None]]


def dues(
    within: Duration | None,
    share: float | None,
    working: WorkingTime,
    starts: Sequence[int],
    pauses: Sequence[rules.Span] = (),
) -> Dues:
    """(due at, warn at) of each start, in order; all of them stand still in the same `pauses`."""
    if len(starts) < rules.FEW or within is None or not within.is_business or within.count == 0:
        return [_alone(within, share, working, start, pauses) for start in starts]
    table = _Table(working, min(starts), max(starts) + _AHEAD)
    at = np.asarray(starts, dtype=np.int64)
    due_at = table.days_later(at, within.count) if within.unit == "day" else table.later(at, _micros(within))
    warn_at = table.share_of(at, due_at, share) if share is not None else np.full(len(at), _NONE)
    for pause in rules.joined(pauses, min(starts)):
        due_at = table.put_off(at, due_at, pause)
        warn_at = table.put_off(at, warn_at, pause) if share is not None else warn_at
    found: Dues = list(zip(due_at.tolist(), warn_at.tolist(), strict=True))
    beyond = np.flatnonzero(due_at < 0)
    for index in beyond.tolist():
        found[index] = _alone(within, share, working, starts[index], pauses)
    for index in np.flatnonzero(warn_at < 0).tolist() if share is not None else ():
        found[index] = _alone(within, share, working, starts[index], pauses)
    return found if share is not None else [(due, None) for due, _ in found]


_NONE: Final = -1


def _alone(
    within: Duration | None, share: float | None, working: WorkingTime, start: int, pauses: Sequence[rules.Span]
) -> tuple[Any, Any]:
    owed = rules.due(within, share, working, started_at=start, pauses=pauses)
    return owed.due_at, owed.warn_at


def _micros(within: Duration) -> int:
    return within.count * (MINUTE if within.unit == "minute" else 60 * MINUTE)


class _Table:
    """The open spans between two instants, each placed by its own day's offset, and how much was open before each."""

    def __init__(self, working: WorkingTime, first: int, last: int) -> None:
        zone = ZoneInfo(working.zone)
        day = moment(first).astimezone(zone).date() - timedelta(days=1)
        end = moment(last).astimezone(zone).date()
        opens: list[int] = []
        closes: list[int] = []
        minutes: list[tuple[int, int]] = []
        self.days: list[Any] = []
        self.first_of_day: list[int] = []
        day_of: list[int] = []
        while day <= end:
            spans = working.spans(day)
            if spans:
                self.days.append(day)
                self.first_of_day.append(len(opens))
                opens += [span[0] for span in spans]
                closes += [span[1] for span in spans]
                minutes += list(working.week[day.weekday()])
                day_of += [len(self.days) - 1] * len(spans)
            day += timedelta(days=1)
        self.working, self.minutes = working, minutes
        self.opens, self.closes = np.asarray(opens, np.int64), np.asarray(closes, np.int64)
        self.day_of = np.asarray(day_of, np.int64)
        lengths = self.closes - self.opens
        self.before = np.concatenate(([0], np.cumsum(lengths)[:-1])) if len(lengths) else lengths

    def later(self, at: Any, open_time: Any) -> Any:
        """The instants after so much open time; −1 where the table ends before."""
        return self._instant(self._worked(at) + open_time)

    def share_of(self, start: Any, end: Any, share: float) -> Any:
        """The instants at which the share of the open time between has passed; −1 where `end` is."""
        known = np.where(end < 0, start, end)
        worked = self._worked(start)
        part = ((self._worked(known) - worked) * share).astype(np.int64)
        found = self._instant(worked + part)
        # No open time at all to pass: the next opening, as one clock alone has it.
        return np.where(end < 0, _NONE, np.where(part == 0, self._opening(start)[1], found))

    def put_off(self, start: Any, at: Any, pause: rules.Span) -> Any:
        """Instants after the pause began, as much open time later as it held after each start; −1 beyond the table."""
        from_at = np.maximum(start, pause[0])
        lost = np.where(at > from_at, np.maximum(self._worked(pause[1]) - self._worked(from_at), 0), 0)
        known = np.where(at < 0, from_at, at)
        return np.where(at < 0, _NONE, np.where(lost > 0, self._instant(self._worked(known) + lost), at))

    def days_later(self, at: Any, count: int) -> Any:
        """The same local time so many working days later, cut to that day's open spans; −1 beyond the table."""
        span, instant = self._opening(at)
        safe = np.minimum(span, len(self.opens) - 1)
        base, length = self._same_time(count)
        is_known = (span < len(self.opens)) & (base[safe] >= 0)
        wanted = base[safe] + (instant - self.opens[safe])
        # Where the clocks change inside a span, that one span is computed by itself.
        is_straight = length[safe] == self.closes[safe] - self.opens[safe]
        first = np.asarray([*self.first_of_day, len(self.opens)])[
            np.minimum(self.day_of[safe] + count, len(self.days) - 1)
        ]
        place = np.searchsorted(self.opens, wanted, side="right") - 1
        cut = np.where(
            place < first, self.opens[first], np.minimum(wanted, self.closes[np.clip(place, 0, len(self.opens) - 1)])
        )
        return np.where(is_known & is_straight, cut, _NONE)

    def _same_time(self, count: int) -> tuple[Any, Any]:
        """For each span: its opening's local time so many working days later, and its length there."""
        base = np.full(len(self.opens), _NONE, np.int64)
        length = np.zeros(len(self.opens), np.int64)
        for index, (opens, closes) in enumerate(self.minutes):
            target = int(self.day_of[index]) + count
            if target < len(self.days):
                base[index] = self.working.instant(self.days[target], opens)
                length[index] = self.working.instant(self.days[target], closes) - base[index]
        return base, length

    def _opening(self, at: Any) -> tuple[Any, Any]:
        """The span that is open at the instant or opens next, and the instant or that opening."""
        span = np.searchsorted(self.closes, at, side="right")
        return span, np.maximum(at, self.opens[np.minimum(span, len(self.opens) - 1)])

    def _worked(self, at: Any) -> Any:
        span = np.clip(np.searchsorted(self.opens, at, side="right") - 1, 0, None)
        inside = np.clip(at - self.opens[span], 0, self.closes[span] - self.opens[span])
        return self.before[span] + inside

    def _instant(self, worked: Any) -> Any:
        span = np.searchsorted(self.before, worked, side="left") - 1
        safe = np.clip(span, 0, len(self.opens) - 1)
        found = self.opens[safe] + (worked - self.before[safe])
        return np.where((span >= 0) & (found <= self.closes[safe]), found, _NONE)
