"""Keeping persons and companies as their events describe them. All of it can be built again from the history."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec
from django.db import connection

from rung import tables
from rung.access.models import User
from rung.engine.reading import CORRECTIONS
from rung.history.models import Event
from rung.history.queries import stored, stored_of, with_events
from rung.people import rules
from rung.people.identify import Found, NoSuchPerson, Register, Sighting, ids_of, merge_ids, unmerge_ids
from rung.people.models import Alias, Company, CompanyTrait, Person, Trait

__all__ = [
    "Absorbed",
    "Found",
    "NoSuchPerson",
    "Sighting",
    "absorb",
    "absorb_companies",
    "absorbed",
    "describe_again",
    "describe_companies_again",
    "forget_whoever_has_no_event",
    "identify",
    "ids_of",
    "merge_ids",
    "unmerge_ids",
]

_AT_A_TIME: Final = 400
_PERSON_COLUMNS: Final = (
    "name",
    "email",
    "phone",
    "title",
    "country",
    "company_id",
    "company_since_at",
    "company_since_seq",
    "source",
    "campaign",
    "owner_id",
    "traits",
    "first_seen_at",
    "last_event_at",
)


_columns: Final = attrgetter(*_PERSON_COLUMNS)
_TRAITS_AT: Final = _PERSON_COLUMNS.index("traits")
assert _PERSON_COLUMNS[-1] == "last_event_at"
_TRAIT_COLUMNS: Final = ("field", "text", "word", "number", "truth", "is_item")
_encoded: Final = msgspec.json.Encoder().encode


class Absorbed(NamedTuple):
    """What persons and companies take from an event that was appended."""

    seq: int
    kind: str
    at: int
    data: Mapping[str, Any]
    by: str = ""
    company_id: int | None = None


def identify(sightings: Sequence[Sighting]) -> list[Found]:
    """Who each sighting is of, in order; new persons, companies and keys are written. Raises NoSuchPerson."""
    register = Register(sightings)
    found = [register.find(sighting) for sighting in sightings]
    register.write()
    return found


def absorb(events: Sequence[tuple[Person, Absorbed]]) -> None:
    """Brings persons up to date with events that are the latest of each person, in order."""
    users = _Users()
    _write([_folded(person, theirs, users) for person, theirs in _by_person(events)])


def describe_again(people: Iterable[Person]) -> None:
    """Works persons out anew from all their events; for a late, voided or merged history."""
    everybody = list(people)
    for start in range(0, len(everybody), _AT_A_TIME):
        _describe_again({person.id: person for person in everybody[start : start + _AT_A_TIME]})


def _describe_again(by_id: Mapping[int, Person]) -> None:
    living = {person_id: person_id for person_id in by_id}
    living.update(Alias.objects.filter(living_id__in=list(by_id)).values_list("old_id", "living_id"))
    told: dict[int, list[Absorbed]] = {person_id: [] for person_id in by_id}
    for event in stored_of(living):
        if event.kind in CORRECTIONS:
            continue  # said of the history, not of the person: nothing happened to them then
        told[living[event.person_id or 0]].append(
            Absorbed(event.seq, event.kind, event.at, event.data, event.by, event.company_id)
        )
    changed, users = [], _Users()
    for person_id, events in told.items():
        person = by_id[person_id]
        columns, before = _columns(person), person.traits
        for name in ("name", "email", "phone", "title", "country", "source", "campaign"):
            setattr(person, name, "")
        person.traits, person.company_id, person.owner_id = {}, None, None
        person.company_since_at = person.company_since_seq = None
        events.sort(key=lambda event: (event.at, event.seq))
        if events:
            person.first_seen_at = person.last_event_at = events[0].at
        after = _folded(person, events, users).after
        changed.append(_Changed(person, columns, before, after))
    _write(changed)


def absorb_companies(events: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Brings companies up to date with (company id, data) that are the latest told of each, in order."""
    companies = Company.objects.in_bulk({company_id for company_id, _ in events})
    before = {company_id: company.traits for company_id, company in companies.items()}
    for company_id, data in events:
        company = companies[company_id]
        company.traits = rules.overlaid(company.traits, rules.traits_told("company_described", data))
    _write_companies([(company, before[company.pk]) for company in companies.values()])


def describe_companies_again(company_ids: Iterable[int]) -> None:
    """Works companies out anew from all that was told of them."""
    ordered = sorted(set(company_ids))
    for start in range(0, len(ordered), _AT_A_TIME):
        part = ordered[start : start + _AT_A_TIME]
        companies = Company.objects.in_bulk(part)
        changed = [(company, company.traits) for company in companies.values()]
        for company in companies.values():
            company.traits = {}
        marks = ", ".join(["%s"] * len(part))
        for told in stored(f"kind = 'company_described' AND company_id IN ({marks})", part):
            company = companies[told.company_id or 0]
            company.traits = rules.overlaid(company.traits, rules.traits_told(told.kind, told.data))
        _write_companies(changed)


def forget_whoever_has_no_event(person_ids: Collection[int]) -> list[int]:
    """Removes persons of whom nothing is left (an undone import brought them); returns their ids."""
    if not person_ids:
        return []
    ends = {person_id: person_id for person_id in person_ids}
    ends.update(tables.read("SELECT old_id, living_id FROM people_alias WHERE living_id IN ({ids})", person_ids))
    kept = {ends[id_] for id_ in with_events(ends)}
    gone = [id_ for id_ in person_ids if id_ not in kept]
    for start in range(0, len(gone), _AT_A_TIME):
        Person.objects.filter(pk__in=gone[start : start + _AT_A_TIME]).delete()
    return gone


def absorbed(event: Event) -> Absorbed:
    """What persons take from a stored event."""
    return Absorbed(event.seq, event.kind, event.at, event.data, event.by, event.company_id)


class _Changed(NamedTuple):
    """A person who has been brought up to date, with their columns before, and their traits before and after."""

    person: Person
    columns: tuple[Any, ...]
    before: dict[str, Any]
    after: dict[str, Any]


def _by_person(events: Sequence[tuple[Person, Absorbed]]) -> list[tuple[Person, list[Absorbed]]]:
    grouped: dict[int, tuple[Person, list[Absorbed]]] = {}
    for person, event in events:
        grouped.setdefault(person.id, (person, []))[1].append(event)
    return list(grouped.values())


def _folded(person: Person, events: Sequence[Absorbed], users: "_Users") -> _Changed:
    """The person after the events, with the traits before and after."""
    columns, before = _columns(person), person.traits
    traits, company_id = before, person.company_id
    for event in events:
        if event.company_id is not None and event.company_id != company_id:
            person.company_id = company_id = event.company_id
            person.company_since_at, person.company_since_seq = event.at, event.seq
        if event.kind == "handoff_accepted":
            person.owner_id = users.id_of(event.by)
        if not event.data:
            continue
        if "utm_source" in event.data or "utm_campaign" in event.data:
            for name, first in rules.campaign_of(event.data).items():
                setattr(person, name, getattr(person, name) or first[:250])
        told = rules.traits_told(event.kind, event.data) if event.kind in rules.DESCRIBING else None
        if not told:
            continue
        traits = rules.overlaid(traits, told)
        for name in ("source", "campaign"):
            if name in told:
                setattr(person, name, told[name][:250] if isinstance(told[name], str) else "")
        if "owner" in told:
            person.owner_id = users.id_of(told["owner"])
    for event in events:
        person.first_seen_at = min(person.first_seen_at, event.at)
        person.last_event_at = max(person.last_event_at, event.at)
    if traits is not before:
        person.traits = traits
        for name, text in rules.columns_of(traits).items():
            setattr(person, name, text)
    return _Changed(person, columns, before, traits)


class _Users:
    """Whom an address names, asked once each."""

    def __init__(self) -> None:
        self._known: dict[str, int | None] = {}

    def id_of(self, email: object) -> int | None:
        if not isinstance(email, str):
            return None
        email = email.lower()
        if email not in self._known:
            self._known[email] = User.objects.filter(email=email).values_list("pk", flat=True).first()
        return self._known[email]


def _write(changed: Sequence[_Changed]) -> None:
    """Writes persons; of those who only did something, only when."""
    whole, seen = [], []
    for change in sorted(changed, key=lambda change: change.person.id):
        columns = _columns(change.person)
        if change.after is not change.before or columns[:-1] != change.columns[:-1]:
            traits = _encoded(change.after).decode()
            whole.append((*columns[:_TRAITS_AT], traits, *columns[_TRAITS_AT + 1 :], change.person.id))
        elif columns != change.columns:
            seen.append((columns[-1], change.person.id))
    tables.update(Person, _PERSON_COLUMNS, ("id",), whole)
    tables.update(Person, _PERSON_COLUMNS[-1:], ("id",), seen)
    _write_traits(Trait, "person_id", [(change.person.id, change.before, change.after) for change in changed])


def _write_traits(
    model: type[Trait] | type[CompanyTrait], owner: str, changed: Sequence[tuple[int, dict[str, Any], dict[str, Any]]]
) -> None:
    """Takes the rows of fields that changed away and puts the new ones, in two statements for everybody."""
    gone: list[tuple[int, str]] = []
    come: list[tuple[Any, ...]] = []
    for pk, before, after in changed:
        if after is before:
            continue
        stale, fresh = _trait_changes(before, after)
        gone += [(pk, field) for field in stale]
        come += [(pk, *(row[name] for name in _TRAIT_COLUMNS)) for row in fresh]
    if gone:
        with connection.cursor() as cursor:
            cursor.executemany(f'DELETE FROM {model._meta.db_table} WHERE "{owner}" = %s AND field = %s', gone)
    tables.insert(model, (owner, *_TRAIT_COLUMNS), come)


def _write_companies(changed: Sequence[tuple[Company, dict[str, Any]]]) -> None:
    for company, _ in changed:
        company.name = rules.company_name(company.key, company.traits)
    rows = [(company.name, _encoded(company.traits).decode(), company.pk) for company, _ in changed]
    tables.update(Company, ("name", "traits"), ("id",), rows)
    _write_traits(CompanyTrait, "company_id", [(company.pk, before, company.traits) for company, before in changed])


def _is_other(before: object, after: object) -> bool:
    """1 and true are not the same trait, though Python calls them equal."""
    return before != after or type(before) is not type(after)


def _trait_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """The fields whose rows go, and the rows that come."""
    differ = [name for name in {**before, **after} if _is_other(before.get(name), after.get(name))]
    fresh = rules.trait_rows({name: after[name] for name in differ if name in after})
    return [name for name in differ if name in before], [
        {
            "field": field,
            "text": text,
            "word": text and text[: rules.WORD_LENGTH],
            "number": number,
            "truth": truth,
            "is_item": is_item,
        }
        for field, text, number, truth, is_item in fresh
    ]
