"""What the places of a program's first message probably are: by what stands there and what they are called. Pure."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from rung.people.rules import normal_email, normal_phone
from rung.terms.instants import BadInstant, parse_instant

_A_LIST: Final = re.compile(r"a list of \d+\Z")


def guessed(leaves: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A mapping of (pointer, value) as `hook_mapping.leaves` finds them; only what can be told from one message. What
    people did cannot: that remains to be chosen."""
    found: dict[str, Any] = {}
    data: dict[str, str] = {}
    each = _each(leaves)
    inside = [
        (pointer.removeprefix(f"{each}/0"), value) for pointer, value in leaves if pointer.startswith(f"{each}/0/")
    ]
    for pointer, value in inside if each else leaves:
        name = _slug(pointer)
        place = next((place for place, fits in _FITS if place not in found and fits(name, value)), "")
        if place:
            found[place] = pointer
        elif name in _SAID and value and not _A_LIST.match(value):
            data.setdefault(_SAID[name], pointer)
    return {} if "email" not in found and "phone" not in found else {**found, "data": data, "each": each}


def _each(leaves: Sequence[tuple[str, str]]) -> str:
    """The list whose first item has an address, where no address stands outside of lists."""
    held = [pointer for pointer, value in leaves if normal_email(value) is not None]
    if not held or any("/0/" not in pointer for pointer in held):
        return ""
    return held[0].partition("/0/")[0]


def _slug(pointer: str) -> str:
    return re.sub(r"[^a-z]", "", pointer.rpartition("/")[2].lower())


def _called(*names: str) -> Callable[[str, str], bool]:
    return lambda name, value: name in names and bool(value) and not _A_LIST.match(value)


def _is_time(name: str, value: str) -> bool:
    if not re.match(r"\d{4}-\d\d-\d\d", value):
        return False
    try:
        parse_instant(value)
    except (BadInstant, ValueError):
        return False
    return True


_PHONES: Final = frozenset({"phone", "tel", "telephone", "mobile", "cell", "phonenumber", "mobilephone", "number"})
_FITS: Final[tuple[tuple[str, Callable[[str, str], bool]], ...]] = (
    ("email", lambda _, value: normal_email(value) is not None),
    ("phone", lambda name, value: name in _PHONES and normal_phone(value) is not None),
    ("name", _called("name", "fullname", "firstname", "givenname", "displayname", "visitorname", "contactname")),
    ("last_name", _called("lastname", "surname", "familyname")),
    ("title", _called("jobtitle", "title", "role", "position")),
    ("company", _called("company", "companyname", "org", "organisation", "organization", "firm", "employer")),
    ("id", _called("id", "uuid", "eventid", "messageid")),
    ("time", _is_time),
)
_SAID: Final = {
    **dict.fromkeys(("question", "lastquestion", "message", "text", "comment", "note", "body"), "question"),
    **dict.fromkeys(("subject", "topic"), "topic"),
    **dict.fromkeys(("url", "page", "pageurl"), "url"),
}
"""What is worth keeping as a detail, and under which name the timeline looks for it."""
