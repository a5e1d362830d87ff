"""Instants are whole microseconds since 1970-01-01T00:00:00Z, as plain integers, from 1970 to the end of 2100."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MICROSECOND: Final = 1
SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

EARLIEST: Final = 0
LATEST: Final = 4_133_980_800 * SECOND - 1
"""The last microsecond of the year 2100."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_INSTANT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|z|[+-]\d{2}(:?\d{2})?)\Z", re.ASCII
)
_NAIVE: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\Z", re.ASCII)


class BadInstant(ValueError):
    """A time that cannot be placed on the one time line; the text says why and what to write instead."""


def parse_instant(text: str) -> int:
    """Microseconds for an ISO 8601 time with an offset, or for a date alone (00:00Z).

    Raises BadInstant for a time without an offset, before 1970, after 2100, or one that is no time at all.
    Digits past the microsecond are cut, never rounded, so that a time cannot move into the next second.
    """
    if _DATE.match(text):
        return _parsed(text, text + "T00:00:00+00:00")
    if _INSTANT.match(text):
        return _parsed(text, _clipped(text))
    if _NAIVE.match(text):
        raise BadInstant(f"time {text!r} has no offset: write {text}Z or {text}+01:00")
    raise BadInstant(f"{text[:40]!r} is not a time: write 2026-03-01T10:00:00Z, or a date alone")


def format_instant(at: int) -> str:
    """`2026-03-01T10:00:00Z`: whole seconds, cut, in UTC."""
    return moment(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(at: int) -> datetime:
    """The instant as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=at)


def micros(moment_: datetime) -> int:
    """The aware datetime as microseconds; exact, unlike `timestamp()`. Raises BadInstant outside 1970 to 2100."""
    if moment_.tzinfo is None:
        raise BadInstant("a time without a zone cannot be placed")
    since = moment_ - _EPOCH
    at = (since.days * 86_400 + since.seconds) * SECOND + since.microseconds
    if not EARLIEST <= at <= LATEST:
        raise BadInstant(f"{moment_.isoformat()} is outside 1970 to 2100")
    return at


def is_zone(name: str) -> bool:
    """Whether there is a time zone of that name, such as Europe/Lisbon."""
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return False
    return True


def floor_hour(at: int) -> int:
    """The last whole hour UTC at or before the instant."""
    return at - at % HOUR


def _clipped(text: str) -> str:
    text = text.replace(",", ".")
    whole, dot, rest = text.partition(".")
    if not dot:
        return text
    digits = re.match(r"\d+", rest, re.ASCII)
    count = len(digits.group()) if digits else 0
    return f"{whole}.{rest[: min(count, 6)]:0<6}{rest[count:]}"


def _parsed(original: str, text: str) -> int:
    try:
        return micros(datetime.fromisoformat(text))
    except BadInstant:
        raise BadInstant(f"time {original!r} is outside 1970 to 2100") from None
    except (ValueError, OverflowError):
        raise BadInstant(f"{original!r} is not a day and time that exists") from None
