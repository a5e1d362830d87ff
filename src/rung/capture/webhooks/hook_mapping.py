"""What a program's message means: which of its places is the address, the time, the kind. Pure: no clock."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from rung.capture import dates
from rung.capture.inbound_mail.letters import plain_text
from rung.capture.webhooks import hook_lists
from rung.people.rules import company_told, is_role_address, normal_email, normal_phone
from rung.terms.instants import EARLIEST, LATEST, BadInstant, is_zone, micros, parse_instant
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


ONCE: Final = frozenset({"webinar_attended"})
"""What somebody does once under one id, however often a program tells it: a line that drops, and they join again."""


class BadMapping(ValueError):
    """A mapping that cannot be; the text says what to change."""


class NotMapped(ValueError):
    """A message from which no event comes; the text says why."""


Places = str | tuple[str, ...]
"""A JSON pointer (RFC 6901), empty for none; or several, of which the first counts at which something stands."""


class Mapped(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where in a message things stand; `each` points to a list of people, if it is one.

    `kinds`: what stands at `kind_at` → the kind; anything else is passed over. Nothing there: it is `kind`.
    """

    kind: str = ""
    kind_at: Places = ""
    kinds: dict[str, str] = {}
    each: Places = ""
    email: Places = ""
    phone: Places = ""
    name: Places = ""
    last_name: Places = ""
    title: Places = ""
    company: Places = ""
    time: Places = ""
    id: Places = ""
    data: dict[str, Places] = {}
    zone: str = ""
    """Of times that name none, such as Europe/Lisbon; empty: the firm's own."""


PLACES: Final = {
    "email": "e-mail", "phone": "phone", "name": "name or first name", "last_name": "last name",
    "title": "job title", "company": "company", "time": "when it happened", "id": "its own id",
    "kind_at": "what happened", "each": "the list of people",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meant:
    """One event that a message tells. `own_id` names it among all of the sender's."""

    kind: str
    email: str
    phone: str
    name: str
    title: str
    company: str | None
    at: int | None
    own_id: str
    data: dict[str, Any]


def mapping_of(told: object) -> Mapped:
    """The mapping in plain data. Raises BadMapping."""
    try:
        found = msgspec.convert(told, Mapped)
    except msgspec.ValidationError as fault:
        raise BadMapping(f"The mapping cannot be read: {fault}.") from None
    named = [pointer for place in PLACES for pointer in pointers(getattr(found, place))]
    named += [pointer for places in found.data.values() for pointer in pointers(places)]
    for pointer in named:
        if not pointer.startswith("/") or len(pointer) > 500:
            raise BadMapping(f"{pointer[:60]!r} is no place in a message: places begin with /.")
    for kind in {found.kind, *found.kinds.values()} - {""}:
        if kind not in MEANT:
            raise BadMapping(f"{kind[:40]!r} is nothing a webhook can tell: choose what people do.")
    if found.zone and not is_zone(found.zone):
        raise BadMapping(f"{found.zone[:40]!r} is no time zone: write one such as Europe/Lisbon, or UTC.")
    if any(not field or len(field) > 100 for field in found.data) or len(found.data) > 50:
        raise BadMapping("A detail needs a name of up to 100 characters, and there are at most 50.")
    return found


def read(body: bytes, content_type: str) -> Any:
    """A message as data: JSON, or a list (CSV, a workbook) as {"rows": [...]}. Raises NotMapped."""
    if len(body) > LARGEST:
        raise NotMapped(f"It is larger than {LARGEST // 1024} KB.")
    if content_type.startswith("text/csv") or hook_lists.is_workbook(body):
        try:
            return {"rows": hook_lists.rows(body, most=MOST_ITEMS)}
        except hook_lists.NoList as fault:
            raise NotMapped(str(fault)) from None
    try:
        told = json.loads(body, parse_constant=_no_number, parse_int=_whole)
    except (ValueError, RecursionError):
        raise NotMapped("It is not JSON.") from None
    if not isinstance(told, (dict, list)):
        raise NotMapped("It is neither an object nor a list.")
    return {"rows": told} if isinstance(told, list) else told


def pointers(places: Places) -> tuple[str, ...]:
    """Those that there are, in the order in which they are looked at."""
    told = (places,) if isinstance(places, str) else places
    return tuple(pointer for pointer in told if pointer)


def meant(told: Any, mapping: Mapped, *, zone: str = "UTC") -> tuple[list[Meant], list[str]]:
    """The events of a message, and of a list what is left out, each with its number and why; `zone`: of times that name
    none, where the mapping does not say it. Raises NotMapped where nothing can be read."""
    mapping = mapping if mapping.zone else msgspec.structs.replace(mapping, zone=zone)
    each = pointers(mapping.each)
    if not each:
        try:
            one = _one(told, told, mapping)
        except BadValue as fault:
            raise NotMapped(str(fault)) from None
        return ([one] if one else []), []
    items = _at(told, each)
    if not isinstance(items, list):
        raise NotMapped(f"There is no list at {each[0]}.")
    if len(items) > MOST_ITEMS:
        raise NotMapped(f"It names more than {MOST_ITEMS} people.")
    times = (_found(told, item, mapping.time) for item in items) if mapping.time else ()
    day_first = dates.is_day_first(time[:60] for time in times if isinstance(time, str))
    found: list[Meant] = []
    left_out: list[str] = []
    for number, item in enumerate(items, start=1):
        try:
            one = _one(told, item, mapping, day_first)
        except (NotMapped, BadValue) as fault:
            left_out.append(f"Number {number}: {fault}")
        else:
            found += [one] if one else []
    if left_out and not found:
        raise NotMapped(left_out[0])
    return _came_once(found), left_out


def _came_once(told: Sequence[Meant]) -> list[Meant]:
    """Whoever left a webinar and came back has a line for each time in a list of who came: they attended once."""
    seen: set[tuple[str, str, str]] = set()
    kept = []
    for each in told:
        same = (each.kind, normal_email(each.email) or each.phone, str(each.data.get("webinar", "")))
        if each.kind not in ONCE or same not in seen:
            kept.append(each)
        seen.add(same)
    return kept


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


def leaves(told: Any, each: Places = "") -> list[tuple[str, str]]:
    """(pointer, value as text) of everything in a message that can be pointed at, the first of a list for all.

    Below `each` the pointers begin at one item of that list.
    """
    lists = tuple(f"{pointer}/" for pointer in pointers(each))
    found = [(pointer, value) for pointer, value in _walk(told, "", 0) if not pointer.startswith(lists)]
    items = _at(told, pointers(each))
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


def _one(told: Any, item: Any, mapping: Mapped, day_first: bool | None = None) -> Meant | None:
    said = _text(told, item, mapping.kind_at)
    kind = mapping.kinds.get(said, "") if said or (mapping.kind_at and not mapping.kind) else mapping.kind
    if mapping.kind_at and not kind:
        return None
    if not kind:
        raise NotMapped("Nobody said what it is that people do here: choose it, or where it stands.")
    email, phone = _text(told, item, mapping.email), _text(told, item, mapping.phone)
    if email and normal_email(email) is None:
        raise NotMapped(f"{email[:60]} at {_where(told, item, mapping.email)} is no e-mail address.")
    if email and is_role_address(email) and normal_phone(phone) is None:
        raise NotMapped(f"{email[:60]} is read by many and names nobody.")
    if not email and normal_phone(phone) is None:
        raise NotMapped("There is neither an e-mail address nor a phone number where the mapping looks for them.")
    company = _text(told, item, mapping.company)
    names = (_text(told, item, mapping.name), _text(told, item, mapping.last_name))
    return Meant(
        kind=kind,
        email=email,
        phone=phone if normal_phone(phone) else "",
        name=" ".join(name for name in names if name)[:250],
        title=_text(told, item, mapping.title)[:250],
        company=company_told(company) if company else None,
        at=_instant(_found(told, item, mapping.time), ZoneInfo(mapping.zone), day_first) if mapping.time else None,
        own_id=_own_id(told, item, mapping, kind, email or phone),
        data={field: value for field, places in mapping.data.items()
              if (value := _value(_found(told, item, places))) is not None},
    )  # fmt: skip


def _own_id(told: Any, item: Any, mapping: Mapped, kind: str, who: str) -> str:
    """The sender's id of it, with who it is of where several share it; else what the item itself says: a list that
    comes again with one more line brings that line."""
    own = _text(told, item, mapping.id)[:120]
    if not own:
        return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()[:32]
    is_shared = kind in ONCE or (item is not told and _at(item, pointers(mapping.id)) is None)
    return f"{own}:{who[:120]}" if is_shared else own


def _where(told: Any, item: Any, places: Places) -> str:
    named = pointers(places)
    return next((pointer for pointer in named if _found(told, item, pointer) is not None), named[0])


def _found(told: Any, item: Any, places: Places) -> Any:
    """In the item of the list, else in the whole message: what is said once counts for all."""
    found = _at(item, pointers(places))
    return _at(told, pointers(places)) if found is None else found


def _at(told: Any, named: Sequence[str]) -> Any:
    """What stands at the first of these pointers at which something does."""
    return next((found for pointer in named if (found := at(told, pointer)) is not None and found != ""), None)


def _text(told: Any, item: Any, places: Places) -> str:
    found = _found(told, item, places) if places else None
    if not isinstance(found, (str, int, float)) or isinstance(found, bool):
        return ""
    return clean_text(str(found), pointers(places)[0], 1_000).strip()


def _value(found: Any) -> Any:
    if found in _NOTHING:
        return None
    if isinstance(found, str):
        return clean_text(plain_text(found)[:1_000] if _HTML.match(found) else found[:1_000], "a detail", 1_000)
    return found if isinstance(found, (bool, int, float)) else None


def _instant(found: Any, zone: tzinfo, day_first: bool | None) -> int | None:
    """A time as programs and people write it, or seconds or milliseconds since 1970; `zone`: of one that names none.

    `day_first`: what the list's other times say; else a clock of twelve hours is American, and puts the month first.
    """
    if found in _NOTHING:
        return None
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        told = int(found * (1_000_000 if found < 1e11 else 1_000)) if abs(found) < 1e17 else -1
        if EARLIEST <= told <= LATEST:
            return told
    elif isinstance(found, str):
        if len(found) > len("2026-11-19"):  # a day alone begins in the zone
            with suppress(BadInstant):
                return parse_instant(found)
        is_american = found.rstrip()[-2:].lower() in ("am", "pm")
        parsed = dates.read(found[:60], day_first=not is_american if day_first is None else day_first)
        with suppress(ValueError, OverflowError):
            parsed = parsed or datetime.fromisoformat(found)
            return micros(parsed if parsed.tzinfo else parsed.replace(tzinfo=zone))
    ways = "2026-11-19 14:05, 19.11.2026 14:05 or 11/19/2026 2:05 PM"
    raise NotMapped(f"{str(found)[:40]!r} is no time that can be read: write it as {ways}.")


_NOTHING: Final = (None, "", "-", "--")
"""So reports write that there is nothing, as where somebody never joined."""
_HTML: Final = re.compile(r"\s*<(p|div|br|span)\b[^<>]*>", re.IGNORECASE)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _whole(digits: str) -> int | float:
    if len(digits) > 18:
        raise ValueError("a number too large")
    return int(digits)
