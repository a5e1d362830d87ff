"""Times as people and programs write them, several ways in one column. Whether day or month comes first is told."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

DAY_FIRST: Final = "day first"
MONTH_FIRST: Final = "month first"
_MONTHS: Final = {
    beginning: number
    for number, beginnings in enumerate(
        (
            "jan jän ene gen",
            "feb fév fev",
            "mar mär mrt",
            "apr avr abr",
            "may mai mei mag",
            "jun juin giu",
            "jul juil lug",
            "aug aoû aou ago",
            "sep set",
            "oct okt ott out",
            "nov",
            "dec dez déc dic",
        ),
        1,
    )
    for beginning in beginnings.split()
}
"""How months begin in English, German, French, Spanish, Portuguese, Italian and Dutch."""
_CLOCK: Final = r"(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*([AaPp][Mm])?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?\Z"
_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})" + _CLOCK, re.ASCII)
_YEAR_LAST: Final = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})" + _CLOCK, re.ASCII)
_DAY_NAME: Final = re.compile(
    r"([0-9]{1,2})(?:\.|st|nd|rd|th)?[ -](?:de )?([^\W\d_]{3,12})\.?,?(?:[ -]| de )([0-9]{4}|[0-9]{2})" + _CLOCK
)
_NAME_DAY: Final = re.compile(r"([^\W\d_]{3,12})\.? ([0-9]{1,2})(?:st|nd|rd|th)?,? ([0-9]{4})" + _CLOCK)
_WEEKDAY: Final = re.compile(r"\A[^\W\d_]{2,10}\.?, ")
_EIGHT: Final = re.compile(r"(?:19|20)\d{6}\Z", re.ASCII)
_SERIAL: Final = re.compile(r"\d{5}(?:\.\d+)?\Z", re.ASCII)
_STAMP: Final = re.compile(r"\d{10}(?:\d{3})?\Z", re.ASCII)
_SERIALS: Final = (20_000, 73_415)
"""Days since 30 December 1899 that a workbook writes for 1954 to 2100: what else has five digits is no date."""


def read(text: str, *, day_first: bool) -> datetime | None:
    """The time the text says, with its offset where it has one; None where it says none.

    Read are: ISO 8601, year first with `-`, `/` or `.` or nothing between, day or month first, months by their names in
    seven languages, with a day of the week before, 12-hour clocks, a workbook's day numbers and UNIX seconds or
    milliseconds. A first part above 12 is a day, whatever comes first otherwise.
    """
    text = _WEEKDAY.sub("", text.strip(), count=1)
    if _EIGHT.match(text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    if _SERIAL.match(text) and _SERIALS[0] <= float(text) <= _SERIALS[1]:
        return datetime(1899, 12, 30) + timedelta(seconds=round(float(text) * 86_400))
    if _STAMP.match(text):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    parts = _parts(text, day_first)
    if parts is None:
        return None
    (year, month, day), clock = parts
    try:
        return _with_clock(datetime(year, month, day), *clock)
    except ValueError:
        return None


def is_day_first(texts: Iterable[str]) -> bool | None:
    """Whether the column's days come before its months, by a part above 12; None where every date can be both."""
    for text in texts:
        if found := _YEAR_LAST.match(text.strip()):
            if int(found[1]) > 12:
                return True
            if int(found[2]) > 12:
                return False
    return None


_Clock = tuple[str | None, str | None, str | None, str | None, str | None]


def _parts(text: str, day_first: bool) -> tuple[tuple[int, int, int], _Clock] | None:
    if found := _YEAR_FIRST.match(text):
        date = int(found[1]), int(found[2]), int(found[3])
    elif found := _YEAR_LAST.match(text):
        one, two, year = int(found[1]), int(found[2]), int(found[3])
        year = _whole(year)
        is_day = one > 12 or (day_first and two <= 12)
        date = (year, two, one) if is_day else (year, one, two)
    elif found := _DAY_NAME.match(text):
        date = _whole(int(found[3])), _month(found[2]), int(found[1])
    elif found := _NAME_DAY.match(text):
        date = int(found[3]), _month(found[1]), int(found[2])
    else:
        return None
    return date, (found[4], found[5], found[6], found[7], found[8])


def _whole(year: int) -> int:
    return year if year > 99 else year + (2000 if year < 70 else 1900)


def _month(name: str) -> int:
    """The number of the month; 0, which no date has, where the name is none's."""
    name = name.lower()
    return _MONTHS.get(name[:4], 0) or _MONTHS.get(name[:3], 0)


def _with_clock(
    day: datetime, hour: str | None, minute: str | None, second: str | None, half: str | None, offset: str | None
) -> datetime:
    if hour is not None:
        hours = int(hour)
        if half:
            hours = hours % 12 + (12 if half.lower() == "pm" else 0)
        day = day.replace(hour=hours, minute=int(minute or 0), second=int(second or 0))
    if offset:
        told = "+00:00" if offset in ("Z", "UTC", "GMT") else offset if ":" in offset else f"{offset[:3]}:{offset[3:]}"
        day = day.replace(tzinfo=datetime.fromisoformat(f"2000-01-01T00:00{told}").tzinfo)
    return day
