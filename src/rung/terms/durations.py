"""Durations as people write them: `14d`, `30 minutes`, `30 business minutes`, `10 business days`."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from rung.terms import instants

Unit = Literal["minute", "hour", "day"]

_WORDS: Final[dict[str, Unit]] = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "minute"),
    **dict.fromkeys(("h", "hour", "hours"), "hour"),
    **dict.fromkeys(("d", "day", "days"), "day"),
}
_MICROS: Final[dict[Unit, int]] = {"minute": instants.MINUTE, "hour": instants.HOUR, "day": instants.DAY}
_WRITTEN: Final = re.compile(r"\s*(\d{1,6})\s*(business\s+)?([a-z]+)\s*\Z", re.IGNORECASE | re.ASCII)


class BadDuration(ValueError):
    """Text that is no duration; says what to write."""


@dataclass(frozen=True, slots=True)
class Duration:
    """`count` units of time, `is_business` when only business time counts."""

    count: int
    unit: Unit
    is_business: bool = False

    @property
    def micros(self) -> int:
        """Microseconds of wall-clock time. Business time has none of its own: it needs a calendar."""
        if self.is_business:
            raise BadDuration(f"{self} has no length without a calendar")
        return self.count * _MICROS[self.unit]

    def __str__(self) -> str:
        business = "business " if self.is_business else ""
        return f"{self.count} {business}{self.unit}{'' if self.count == 1 else 's'}"


def parse_duration(text: object) -> Duration:
    """`14d` or `30 business minutes`. Raises BadDuration with what to write instead."""
    found = _WRITTEN.match(text) if isinstance(text, str) else None
    unit = _WORDS.get(found.group(3).lower()) if found else None
    if not found or unit is None:
        raise BadDuration(f"{text!r} is not a duration: write 14d, 30 minutes or 1 business day")
    return Duration(int(found.group(1)), unit, bool(found.group(2)))
