"""What a program's message means: which of its places is the address, the time, the kind. Pure: no clock."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from rung.people.rules import company_told, normal_email, normal_phone
from rung.terms.instants import EARLIEST, LATEST, BadInstant, micros, parse_instant
from rung.terms.kinds import KINDS
from rung.terms.values import BadValue, clean_text

LARGEST: Final = 256 * 1024
"""Bytes of one message."""
MOST_LEAVES: Final = 300
MOST_ITEMS: Final = 1_000
"""People in one message: attendees of a webinar, badges of a fair."""
DEEPEST: Final = 12
_TRAITS: Final = frozenset({"person_identified", "person_described", "company_described"})
MEANT: Final = tuple(
    code for code, kind in KINDS.items() if "secret" in kind.doors and code not in _TRAITS and kind.actor == "their"
)
"""The kinds that a webhook may tell: what people did. Answers, calls and deals come with a secret key."""


class BadMapping(ValueError):
    """A mapping that cannot be; the text says what to change."""


class NotMapped(ValueError):
    """A message from which no event comes; the text says why."""


class Mapped(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where in a message things stand, as JSON pointers (RFC 6901); `each` points to a list of people, if it is one.

    `kinds`: what stands at `kind_at` → the kind; anything else is passed over. Without `kind_at` all are `kind`.
    """

    kind: str = ""
    kind_at: str = ""
    kinds: dict[str, str] = {}
    each: str = ""
    email: str = ""
    phone: str = ""
    name: str = ""
    company: str = ""
    time: str = ""
    id: str = ""
    data: dict[str, str] = {}


PLACES: Final = {
    "email": "e-mail", "phone": "phone", "name": "name", "company": "company", "time": "when it happened",
    "id": "its own id", "kind_at": "what happened", "each": "the list of people",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meant:
    """One event that a message tells. `own_id` is the sender's id of it, empty where it has none."""

    kind: str
    email: str
    phone: str
    name: str
    company: str | None
    at: int | None
    own_id: str
    data: dict[str, Any]


TEMPLATES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "booking": (
        "Booking, as Calendly tells it",
        {
            "kind_at": "/event",
            "kinds": {"invitee.created": "meeting_booked"},
            "email": "/payload/email",
            "name": "/payload/name",
            "id": "/payload/uri",
            "data": {"starts": "/payload/scheduled_event/start_time", "meeting": "/payload/scheduled_event/name"},
        },
    ),
    "chat": (
        "Chat",
        {"kind": "question_asked", "email": "/visitor/email", "name": "/visitor/name", "id": "/id",
         "data": {"question": "/message"}},
    ),
    "webinar": (
        "Webinar attendance",
        {"kind": "webinar_attended", "each": "/participants", "email": "/email", "name": "/name",
         "data": {"minutes": "/minutes"}},
    ),
    "badges": (
        "Badge list of a fair, as CSV",
        {"kind": "custom", "each": "/rows", "email": "/email", "name": "/name", "company": "/company",
         "data": {"event": "/event", "title": "/title"}},
    ),
    "social": (
        "Social engagement",
        {"kind": "social_engaged", "email": "/author/email", "name": "/author/name", "id": "/id",
         "data": {"network": "/network", "what": "/action", "url": "/url"}},
    ),
    "empty": ("Something else", {}),
}  # fmt: skip


def mapping_of(told: object) -> Mapped:
    """The mapping in plain data. Raises BadMapping."""
    try:
        found = msgspec.convert(told, Mapped)
    except msgspec.ValidationError as fault:
        raise BadMapping(f"The mapping cannot be read: {fault}.") from None
    pointers = [found.each, found.email, found.phone, found.name, found.company, found.time, found.id, found.kind_at]
    for pointer in [*pointers, *found.data.values()]:
        if pointer and (not pointer.startswith("/") or len(pointer) > 500):
            raise BadMapping(f"{pointer[:60]!r} is no place in a message: places begin with /.")
    for kind in {found.kind, *found.kinds.values()} - {""}:
        if kind not in MEANT:
            raise BadMapping(f"{kind[:40]!r} is nothing a webhook can tell: choose what people do.")
    if any(not field or len(field) > 100 for field in found.data) or len(found.data) > 50:
        raise BadMapping("A detail needs a name of up to 100 characters, and there are at most 50.")
    return found


def read(body: bytes, content_type: str) -> Any:
    """A message as data: JSON, or CSV as {"rows": [...]}. Raises NotMapped."""
    if len(body) > LARGEST:
        raise NotMapped(f"It is larger than {LARGEST // 1024} KB.")
    if content_type.startswith("text/csv"):
        return {"rows": _rows(body)}
    try:
        told = json.loads(body, parse_constant=_no_number, parse_int=_whole)
    except (ValueError, RecursionError):
        raise NotMapped("It is not JSON.") from None
    if not isinstance(told, (dict, list)):
        raise NotMapped("It is neither an object nor a list.")
    return {"rows": told} if isinstance(told, list) else told


def meant(told: Any, mapping: Mapped) -> list[Meant]:
    """The events of a message. Raises NotMapped: one that cannot be read, names its place in the list."""
    items = [told]
    if mapping.each:
        items = at(told, mapping.each)
        if not isinstance(items, list):
            raise NotMapped(f"There is no list at {mapping.each}.")
        if len(items) > MOST_ITEMS:
            raise NotMapped(f"It names more than {MOST_ITEMS} people.")
    found = []
    for number, item in enumerate(items, start=1):
        try:
            one = _one(told, item, mapping)
        except (NotMapped, BadValue) as fault:
            raise NotMapped(f"Number {number}: {fault}" if mapping.each else str(fault)) from None
        if one is not None:
            found.append(one)
    return found


def at(told: Any, pointer: str) -> Any:
    """What stands at a JSON pointer; None where nothing does."""
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(told, dict):
            told = told.get(part)
        elif isinstance(told, list) and part.isascii() and part.isdigit() and len(part) < 6:
            told = told[int(part)] if int(part) < len(told) else None
        else:
            return None
    return told


def leaves(told: Any, each: str = "") -> list[tuple[str, str]]:
    """(pointer, value as text) of everything in a message that can be pointed at, the first of a list for all.

    Below `each` the pointers begin at one item of that list.
    """
    found = [(pointer, value) for pointer, value in _walk(told, "", 0) if not (each and pointer.startswith(f"{each}/"))]
    items = at(told, each) if each else None
    if isinstance(items, list) and items:
        found += list(_walk(items[0], "", 0))
    return found[:MOST_LEAVES]


def _walk(told: Any, pointer: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > DEEPEST:
        return
    if isinstance(told, dict):
        for name, value in list(told.items())[:MOST_LEAVES]:
            yield from _walk(value, f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}", depth + 1)
    elif isinstance(told, list):
        yield pointer or "/", f"a list of {len(told)}"
        if told and pointer:
            yield from _walk(told[0], f"{pointer}/0", depth + 1)
    else:
        yield pointer, "" if told is None else str(told)[:200]


def _one(told: Any, item: Any, mapping: Mapped) -> Meant | None:
    kind = mapping.kind
    if mapping.kind_at:
        said = _text(told, item, mapping.kind_at)
        kind = mapping.kinds.get(said, "")
        if not kind:
            return None
    if not kind:
        raise NotMapped("Nobody said what it is that people do here: choose it, or where it stands.")
    email, phone = _text(told, item, mapping.email), _text(told, item, mapping.phone)
    if email and normal_email(email) is None:
        raise NotMapped(f"{email[:60]} at {mapping.email} is no e-mail address.")
    if not email and normal_phone(phone) is None:
        raise NotMapped("There is neither an e-mail address nor a phone number where the mapping looks for them.")
    company = _text(told, item, mapping.company)
    return Meant(
        kind=kind,
        email=email,
        phone=phone if normal_phone(phone) else "",
        name=_text(told, item, mapping.name)[:250],
        company=company_told(company) if company else None,
        at=_instant(_found(told, item, mapping.time)) if mapping.time else None,
        own_id=_text(told, item, mapping.id)[:120],
        data={field: value for field, pointer in mapping.data.items()
              if (value := _value(_found(told, item, pointer))) is not None},
    )  # fmt: skip


def _found(told: Any, item: Any, pointer: str) -> Any:
    """In the item of the list, else in the whole message: what is said once counts for all."""
    found = at(item, pointer)
    return at(told, pointer) if found is None else found


def _text(told: Any, item: Any, pointer: str) -> str:
    found = _found(told, item, pointer) if pointer else None
    if not isinstance(found, (str, int, float)) or isinstance(found, bool):
        return ""
    return clean_text(str(found), pointer, 1_000)


def _value(found: Any) -> Any:
    if isinstance(found, str):
        return clean_text(found[:1_000], "a detail", 1_000)
    return found if isinstance(found, (bool, int, float)) else None


def _instant(found: Any) -> int | None:
    """ISO 8601, or seconds or milliseconds since 1970."""
    if found is None or found == "":
        return None
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        told = int(found * (1_000_000 if found < 1e11 else 1_000)) if abs(found) < 1e17 else -1
        if EARLIEST <= told <= LATEST:
            return told
    elif isinstance(found, str):
        try:
            return parse_instant(found)
        except BadInstant:
            pass
        try:
            parsed = datetime.fromisoformat(found)
            return micros(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            pass
    raise NotMapped(f"{str(found)[:40]!r} is no time.")


def _rows(body: bytes) -> list[Mapping[str, str]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("cp1252", "replace")
    lines = text.splitlines(keepends=True)
    try:
        dialect = ";" if lines and lines[0].count(";") > lines[0].count(",") else "\t" if "\t" in text[:500] else ","
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect)
        heads = [head.strip().lower() for head in next(reader, [])]
        rows = [dict(zip(heads, row, strict=False)) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as fault:
        raise NotMapped(f"It is no CSV: {fault}.") from None
    if len(rows) > MOST_ITEMS:
        raise NotMapped(f"It names more than {MOST_ITEMS} people: import it as a file instead.")
    return rows


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _whole(digits: str) -> int | float:
    if len(digits) > 18:
        raise ValueError("a number too large")
    return int(digits)
