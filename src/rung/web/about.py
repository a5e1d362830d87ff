"""What we know of a person beside their standing: where they came from, whether we may write, every other fact."""

from dataclasses import dataclass
from typing import Final

from rung.access.models import User
from rung.history.models import Event
from rung.history.queries import counted
from rung.people.models import Person
from rung.people.queries import with_merged
from rung.terms.instants import SECOND
from rung.ui import words
from rung.web import happenings

_SAID_ELSEWHERE: Final = frozenset(
    "name first_name last_name title email phone country heard source campaign referred_by".split()
)
_OF_THE_COMPANY: Final = ("company", "company_name")
_WHO_THEY_ARE: Final = frozenset({"person_identified", "person_described"})
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
        Line(in_words(field), words.fact(value, field))
        for field, value in sorted(person.traits.items())
        if field not in _SAID_ELSEWHERE and value not in (None, "", []) and not _is_their_company(person, field)
    ]
    return [*_origin(person), _consent(person)], facts[:MOST]


def _is_their_company(person: Person, field: str) -> bool:
    """Whether the fact is the name of the company beside which it would stand."""
    if field not in _OF_THE_COMPANY or person.company is None:
        return False
    told = str(person.traits.get(field)).strip().casefold()
    return told in (person.company.name.casefold(), person.company.key.casefold())


def _origin(person: Person) -> list[Line]:
    tracked = " / ".join(part for part in (person.source, person.campaign) if part)
    heard = person.traits.get("heard")
    first = _first(person)
    found = []
    if tracked:
        is_tracked = first is not None and first.source.startswith(("key:", "form:"))
        found.append(Line("Came by", tracked, "as tracked" if is_tracked else "as told"))
    if first is not None:
        how = _door(first)
        found.append(Line("First seen", happenings.said(first.kind, first.data), how, first.at, first.seq))
    if isinstance(heard, str) and heard:
        found.append(Line("Heard of us", f"“{heard}”", "in their own words"))
    return found


def _first(person: Person) -> Event | None:
    """The event by which we know them; of those that came together rather what they did than who they are."""
    ids = with_merged([person.pk])
    came = list(counted().filter(person_id__in=ids).exclude(by="system").order_by("at", "seq")[:4])
    together = [each for each in came if each.at - came[0].at < SECOND and each.source == came[0].source]
    return next((each for each in together if each.kind not in _WHO_THEY_ARE), came[0] if came else None)


def _door(event: Event) -> str:
    """By which door an event came in, and who told it."""
    door, _, name = event.source.partition(":")
    if door in _DOORS:
        return f"{_DOORS[door]} {name}"
    if "@" in event.by:
        who = User.objects.filter(email=event.by).values_list("name", flat=True).first()
        return f"written in by {who or event.by}"
    return ""


_DOORS: Final = {
    "webhook": "by the webhook",
    "form": "by the form",
    "key": "by the key",
    "import": "by import",
    "enrichment": "found by",
}


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


def in_words(field: str) -> str:
    """The name of a field as people say it: `company.website` is "Company website"."""
    told = field.replace("_", " ").replace(".", " ").strip()
    return told[:1].upper() + told[1:]
