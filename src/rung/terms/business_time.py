"""Working time: when the firm is open, and what instant is so much open time away.

Everything is computed by whole working intervals, one a day at most three, never minute by minute, and every interval
is placed on the time line by its own day's offset, so that a clock change neither loses nor invents an hour.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from rung.terms.durations import Duration
from rung.terms.instants import MINUTE, micros, moment

Interval = tuple[int, int]
"""Minutes after midnight, local: from, to (exclusive), 0 to 1440."""

LONGEST_SEARCH: Final = timedelta(days=800)
"""How far ahead open time is looked for before we say that there is none."""


class NeverOpen(ValueError):
    """A calendar without open time cannot run a clock."""


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """When one team works: a zone, the open intervals of Monday to Sunday, and its holidays."""

    zone: str
    week: tuple[tuple[Interval, ...], ...]
    is_holiday: Callable[[date], bool] = lambda day: False

    def add(self, at: int, duration: Duration) -> int:
        """The instant at which `duration` has passed since `at`; wall-clock time unless it is business time.

        A business day ends at the same local time on a later working day (at closing time where that day closes
        earlier); outside working time the count starts at the next opening. Raises NeverOpen.
        """
        if not duration.is_business:
            return at + duration.micros
        if duration.unit == "day":
            return self._add_days(self.opening(at), duration.count)
        return self.after(at, duration.count * (MINUTE if duration.unit == "minute" else 60 * MINUTE))

    def after(self, at: int, open_time: int) -> int:
        """The instant at which so many microseconds of open time have passed since `at`. Raises NeverOpen."""
        for opens, closes in self._open_from(at):
            start = max(opens, at)
            if closes - start >= open_time:
                return start + open_time
            open_time -= closes - start
        raise NeverOpen(f"the calendar has too little open time in the {LONGEST_SEARCH.days} days after {moment(at)}")

    def between(self, start: int, end: int) -> int:
        """Microseconds of open time from `start` to `end`; 0 when `end` is not later."""
        total = 0
        for opens, closes in self._open_from(start):
            if opens >= end:
                break
            total += min(closes, end) - max(opens, start)
        return total

    def is_open(self, at: int) -> bool:
        """Whether the instant is working time."""
        return any(opens <= at < closes for opens, closes in self.spans(self._day(at)))

    def opening(self, at: int) -> int:
        """The instant itself when open, else the next opening. Raises NeverOpen."""
        for opens, closes in self._open_from(at):
            if closes > at:
                return max(opens, at)
        raise NeverOpen(f"the calendar has no open time in the {LONGEST_SEARCH.days} days after {moment(at).date()}")

    def spans(self, day: date) -> tuple[Interval, ...]:
        """The open spans of a day, as instants."""
        intervals = self.week[day.weekday()]
        if not intervals or self.is_holiday(day):
            return ()
        return tuple((self.instant(day, start), self.instant(day, end)) for start, end in intervals)

    def instant(self, day: date, minutes: int) -> int:
        """The instant at which so many minutes of the day have passed by the wall clock."""
        extra, minutes = divmod(minutes, 1440)
        local = datetime.combine(day + timedelta(days=extra), time(minutes // 60, minutes % 60), ZoneInfo(self.zone))
        return micros(local)

    def _add_days(self, at: int, count: int) -> int:
        if count == 0:
            return at
        local = moment(at).astimezone(ZoneInfo(self.zone))
        last = local.date() + LONGEST_SEARCH + timedelta(days=2 * count)
        day = local.date()
        while count and day < last:
            day += timedelta(days=1)
            count -= bool(self.spans(day))
        if count:
            raise NeverOpen("the calendar has too few working days")
        spans = self.spans(day)
        wanted = self.instant(day, local.hour * 60 + local.minute) + at % MINUTE
        opened = [(opens, closes) for opens, closes in spans if opens <= wanted]
        return min(wanted, opened[-1][1]) if opened else spans[0][0]

    def _open_from(self, at: int) -> Iterator[Interval]:
        day = self._day(at) - timedelta(days=1)
        last = day + LONGEST_SEARCH
        while day < last:
            yield from (span for span in self.spans(day) if span[1] > at)
            day += timedelta(days=1)

    def _day(self, at: int) -> date:
        return moment(at).astimezone(ZoneInfo(self.zone)).date()


@cache
def national_holidays(country: str, region: str | None = None) -> Callable[[date], bool]:
    """Whether a day is a public holiday of the country (ISO 3166 code, with a region's code where it has its own)."""
    import holidays  # slow to import, and most commands never ask

    calendar = holidays.country_holidays(country, subdiv=region)
    return lambda day: day in calendar
