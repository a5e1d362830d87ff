"""What we know of a person beside their standing: where they came from, whether we may write, every other fact."""

from dataclasses import dataclass
from typing import Final

from rung.history.queries import counted
from rung.people.models import Person
from rung.people.queries import with_merged

_SAID_ELSEWHERE: Final = frozenset({"name", "first_name", "last_name", "title", "email", "phone", "country", "heard"})
_CONSENTS: Final = ("consent_given", "consent_withdrawn", "unsubscribed")
MOST: Final = 40
"""Facts shown: a person with more of them has them in the export."""


@dataclass(frozen=True, slots=True)
class Line:
    """One fact: what it is, what is known, and from where or since when; `at` and `seq` where one event says so."""

    label: str
    value: str
    note: str = ""
    at: int | None = None
    seq: int | None = None


def about(person: Person) -> tuple[list[Line], list[Line]]:
    """Where they came from and whether we may write; and all their other facts, by name. Two queries."""
    facts = [
        Line(_in_words(field), _said(value))
        for field, value in sorted(person.traits.items())
        if field not in _SAID_ELSEWHERE and value not in (None, "", [])
    ]
    return [*_origin(person), _consent(person)], facts[:MOST]


def _origin(person: Person) -> list[Line]:
    tracked = " / ".join(part for part in (person.source, person.campaign) if part)
    heard = person.traits.get("heard")
    found = [Line("Came by", tracked, "as tracked")] if tracked else []
    if isinstance(heard, str) and heard:
        found.append(Line("Heard of us", f"“{heard}”", "in their own words"))
    return found


def _consent(person: Person) -> Line:
    """What they said last about being written to, with the words they agreed to."""
    ids = with_merged([person.pk])
    last = counted().filter(person_id__in=ids, kind__in=_CONSENTS).order_by("at", "seq").last()
    if last is None:
        return Line("May we write?", "They were not asked, or have not agreed yet")
    said = {"consent_given": "Yes", "consent_withdrawn": "No, they took it back", "unsubscribed": "No, unsubscribed"}
    text = last.data.get("text")
    return Line(
        "May we write?", said[last.kind], f"“{text}”" if isinstance(text, str) and text else "", last.at, last.seq
    )


def _in_words(field: str) -> str:
    words = field.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return str(value)
