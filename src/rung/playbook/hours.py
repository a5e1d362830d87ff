"""The calendar of the file: zone, working hours, holidays."""

import re
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from rung.playbook.definitions import Calendar
from rung.playbook.faults import did_you_mean
from rung.playbook.fields import Part
from rung.playbook.tree import Branch, Leaf
from rung.terms.business_time import Interval

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_KEYS: Final = ("timezone", "hours", "holidays")
_ADVICE: Final = "Write such as `Mon-Fri 09:00-17:30`, several parted by commas."
_PIECE: Final = re.compile(
    r"(?P<first>[A-Za-z]{3})(?:\s*-\s*(?P<last>[A-Za-z]{3}))?\s+(?P<spans>\d.*)\Z|(?P<more>\d.*)\Z", re.ASCII
)
_SPAN: Final = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\Z", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)


def read_calendar(root: Part) -> Calendar:
    """The calendar; Monday to Friday, nine to five, UTC, where the file says nothing."""
    part = root.part("calendar", "Calendar", (*_KEYS, "teams"))
    firm = _calendar(part, Calendar())
    teams = part.part("teams", "Calendar, teams", None)
    found: dict[str, Calendar] = {}
    for name, entry in teams.entries.items():
        if name.lower() in (known.lower() for known in found):
            teams.error(entry.line, f"the team {name} stands twice.", "Keep one of the two.")
        found[name] = _calendar(teams.part_in(entry.value, f"Calendar of {name}", _KEYS), firm)
    return replace(firm, teams=found)


def _calendar(part: Part, otherwise: Calendar) -> Calendar:
    """A calendar; what it leaves out is as in the other one."""
    hours = part.text("hours") or otherwise.hours
    week = _week(part, hours) if part.has("hours") else otherwise.week
    codes, days_off = _holidays(part) if part.has("holidays") else (otherwise.holidays, otherwise.days_off)
    return Calendar(_zone(part, otherwise.timezone), week, codes, days_off, hours, line=part.line, lines=part.lines())


def _zone(part: Part, otherwise: str) -> str:
    zone = part.text("timezone")
    if zone and zone not in _zones():
        part.error(part.line_of("timezone"), f"there is no time zone “{zone}”.", _near_zone(zone))
        return otherwise
    return zone or otherwise


def _near_zone(zone: str) -> str:
    city = zone.rpartition("/")[2].strip().replace(" ", "_").lower()
    same_city = [each for each in _zones() if each.lower().endswith(f"/{city}")]
    if same_city:
        return f"Did you mean {same_city[0]}?"
    return did_you_mean(zone, _zones(), "Write it as Europe/Berlin.")


@cache
def _zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


def _week(part: Part, hours: str) -> tuple[tuple[Interval, ...], ...]:
    week: list[list[Interval]] = [[] for _ in DAYS]
    line, days = part.line_of("hours"), [0]
    for piece in hours.split(","):
        found = _PIECE.match(piece.strip())
        if found is None:
            part.error(line, f"“{piece.strip()}” are no working hours.", _ADVICE)
            continue
        if not found["more"]:
            days = _days(part, line, found["first"], found["last"] or found["first"])
        elif piece == hours.split(",")[0]:
            part.error(line, f"“{piece.strip()}” names no day.", _ADVICE)
            continue
        interval = _interval(part, line, found["more"] or found["spans"])
        for day in days if interval else ():
            assert interval is not None
            if any(opens < interval[1] and interval[0] < closes for opens, closes in week[day]):
                part.error(line, f"the hours of {DAYS[day]} overlap.", "Let each hour stand once.")
            week[day].append(interval)
    if not any(week) and not part.notes.errors:
        part.error(line, "there is no open time.", _ADVICE)
    return tuple(tuple(sorted(day)) for day in week)


def _days(part: Part, line: int, first: str, last: str) -> list[int]:
    found = [DAYS.index(name.capitalize()) if name.capitalize() in DAYS else None for name in (first, last)]
    for name, day in zip((first, last), found, strict=True):
        if day is None:
            part.error(line, f"there is no day “{name}”.", f"Write one of {' '.join(DAYS)}.")
            return []
    start, end = found
    assert start is not None and end is not None
    return list(range(start, end + 1)) if start <= end else [*range(start, 7), *range(end + 1)]


def _interval(part: Part, line: int, text: str) -> Interval | None:
    found = _SPAN.match(text.strip())
    if found is None:
        part.error(line, f"“{text.strip()}” is no span of the day.", _ADVICE)
        return None
    first_hour, first_minute, last_hour, last_minute = (int(each) for each in found.groups())
    opens, closes = first_hour * 60 + first_minute, last_hour * 60 + last_minute
    if max(first_minute, last_minute) > 59 or closes > 1440:
        part.error(line, f"“{text.strip()}” is no time of day.", "Hours go from 00:00 to 24:00.")
        return None
    if opens >= closes:
        part.error(line, f"“{text.strip()}” ends before it begins.", "Split a night shift at midnight: 22:00-24:00.")
        return None
    return opens, closes


def _holidays(part: Part) -> tuple[tuple[str, ...], tuple[date, ...]]:
    entry = part.entries.get("holidays")
    if entry is None:
        return (), ()
    if isinstance(entry.value, Branch):
        texts = part.texts("holidays")
    else:
        text = part.text("holidays")
        texts = (text,) if text else ()
    if isinstance(entry.value, Leaf) and isinstance(entry.value.value, bool):
        part.error(entry.line, "holidays must be a country, not yes or no.", "Write a code such as DE, or `NO`.")
        return (), ()
    codes = [text for text in texts if not _DATE.match(text)]
    for code in codes:
        fix = _country_fix(code)
        if fix:
            part.error(entry.line, f"we know no holidays of “{code}”.", fix)
    days = [part.day_in(Leaf(text, entry.line), "holidays") for text in texts if _DATE.match(text)]
    return tuple(codes), tuple(day for day in days if day is not None)


def _country_fix(code: str) -> str:
    """ "" for a country (and region) whose holidays are known, else what to write."""
    countries = _countries()
    country, dash, region = code.partition("-")
    if country not in countries:
        upper = code.upper().partition("-")[0]
        if upper in countries:
            return f"Did you mean {code.upper()}?"
        return "Write a country's two letters, such as DE, with a region as DE-BY."
    if dash and region not in countries[country]:
        return f"The regions of {country} are: {', '.join(countries[country])}."
    return ""


@cache
def _countries() -> dict[str, list[str]]:
    from holidays import list_supported_countries  # slow to import, and most playbooks name one country

    return {code: list(regions) for code, regions in list_supported_countries(include_aliases=False).items()}
