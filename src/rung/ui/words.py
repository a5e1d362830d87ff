"""Numbers and instants as a person reads them: counts, shares, money, ago, days."""

import math
from datetime import UTC, datetime, tzinfo
from typing import Final

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

COUNTED_UP_TO: Final = 10_000
"""Counts above this are not worth their price: lists read "10 000+"."""

_CLOSE: Final = "\N{NO-BREAK SPACE}"


def number(value: float | int | None, digits: int = 0) -> str:
    """12480 → "12,480"; 57.4 → "57"; the minus is a real minus. None → an en dash."""
    if value is None:
        return "–"
    text = f"{value:,.{digits}f}"
    if text.strip("-0.,") == "":
        text = text.lstrip("-")
    return text.replace("-", "−")


def fact(value: object, field: str = "") -> str:
    """A value that is known of somebody, in words: yes, a list with commas, thousands set apart, except where the
    field's name says that the number counts nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(fact(item, field) for item in value)
    if not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if _COUNTS_NOTHING & set(field.lower().split("_")) else f"{value:,}".replace("-", "−")


_COUNTS_NOTHING: Final = frozenset("year founded born zip postal postcode plz code id number no phone fax".split())


def short_of(value: float, goal: float | None) -> str:
    """A number beside its goal, never rounded up to what it does not reach: 49.97 of 50 → "49.9"."""
    if goal is None or value >= goal or float(f"{value:.0f}") < goal:
        return number(value)
    return number(math.floor(value * 10) / 10, 1)


def signed(value: float | int) -> str:
    """13 → "+13", -2 → "−2", 0 → "0"."""
    text = number(value)
    return f"+{text}" if value > 0 and text != "0" else text


def count(value: int) -> str:
    """What a list says about its length: exact up to 10 000, then "10,000+"."""
    return f"{COUNTED_UP_TO:,}+" if value > COUNTED_UP_TO else f"{value:,}"


def people(value: int) -> str:
    """ "1 person", "12 people", "10,000+ people"."""
    return f"{count(value)} {'person' if value == 1 else 'people'}"


def share(part: float, whole: float) -> str:
    """22 of 100 → "22 %"; nothing of nothing → an en dash."""
    return "–" if not whole else f"{100 * part / whole:.0f}{_CLOSE}%"


def money(minor: int, currency: str) -> str:
    """9600000, "EUR" → "€ 96,000": minor units in, whole units out."""
    sign = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}.get(currency, currency)
    whole = minor if currency == "JPY" else minor / 100
    return f"{sign}{_CLOSE}{number(whole)}"


def ago(at: int | None, now: int) -> str:
    """How long since the instant, in the largest unit that fits: "now", "12 min", "5 h", "3 d", "4 mo", "2 y"."""
    if at is None:
        return "–"
    gone = now - at
    if gone < MINUTE:
        return "now"
    for unit, word, until in ((MINUTE, "min", HOUR), (HOUR, "h", DAY), (DAY, "d", 60 * DAY)):
        if gone < until:
            return f"{gone // unit}{_CLOSE}{word}"
    months = gone // (30 * DAY)
    return f"{months}{_CLOSE}mo" if months < 24 else f"{gone // (365 * DAY)}{_CLOSE}y"


def duration(micros: int) -> str:
    """A length of time with two units at most: "12 min", "3 h 15", "2 d 4 h"."""
    minutes = micros // MINUTE
    if minutes < 60:
        return f"{minutes}{_CLOSE}min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}{_CLOSE}h {minutes:02d}" if minutes else f"{hours}{_CLOSE}h"
    days, hours = divmod(hours, 24)
    return f"{days}{_CLOSE}d {hours}{_CLOSE}h" if hours and days < 10 else f"{days}{_CLOSE}d"


def local(at: int, zone: tzinfo = UTC) -> datetime:
    """The instant as a datetime of that zone; the edge where microseconds become days."""
    return datetime.fromtimestamp(at / SECOND, tz=UTC).astimezone(zone)


def day(at: int, now: int, zone: tzinfo = UTC) -> str:
    """ "Today", "Yesterday", "17 Nov", and with the year when it is another one: "17 Nov 2024"."""
    then, today = local(at, zone), local(now, zone)
    gone = (today.date() - then.date()).days
    if gone in (0, 1):
        return ("Today", "Yesterday")[gone]
    text = f"{then.day} {then:%b}"
    return text if then.year == today.year else f"{text} {then.year}"


def clock_time(at: int, zone: tzinfo = UTC) -> str:
    """ "14:32" """
    return f"{local(at, zone):%H:%M}"


def exact(at: int, zone: tzinfo = UTC) -> str:
    """ "19 November 2026, 14:32", for tooltips and the machine-readable `time`."""
    then = local(at, zone)
    return f"{then.day} {then:%B} {then.year}, {then:%H:%M}"


def initials(name: str) -> str:
    """Ingrid Solberg → IS; a one-word name gives its first two letters."""
    words = [word for word in name.replace("@", " ").replace(".", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    if len(words) == 1:
        return words[0][:2].upper()
    return (words[0][0] + words[-1][0]).upper()
