"""Keeping persons and companies as their events describe them. All of it can be built again from the history."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from rung.access.models import User
from rung.history.models import Event
from rung.history.queries import counted, stored_of
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


@dataclass(frozen=True, slots=True)
class Absorbed:
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
    _write([_folded(person, theirs) for person, theirs in _by_person(events)])


def describe_again(people: Iterable[Person]) -> None:
    """Works persons out anew from all their events; for a late, voided or merged history."""
    everybody = list(people)
    for start in range(0, len(everybody), _AT_A_TIME):
        _describe_again({person.pk: person for person in everybody[start : start + _AT_A_TIME]})


def _describe_again(by_id: Mapping[int, Person]) -> None:
    living = {person_id: person_id for person_id in by_id}
    living.update(Alias.objects.filter(living_id__in=list(by_id)).values_list("old_id", "living_id"))
    told: dict[int, list[Absorbed]] = {person_id: [] for person_id in by_id}
    for event in stored_of(living):
        told[living[event.person_id or 0]].append(
            Absorbed(event.seq, event.kind, event.at, event.data, event.by, event.company_id)
        )
    changed = []
    for person_id, events in told.items():
        person = by_id[person_id]
        before = dict(person.traits)
        for name in ("name", "email", "phone", "title", "country", "source", "campaign"):
            setattr(person, name, "")
        person.traits, person.company_id, person.owner_id = {}, None, None
        person.company_since_at = person.company_since_seq = None
        events.sort(key=lambda event: (event.at, event.seq))
        if events:
            person.first_seen_at = person.last_event_at = events[0].at
        _, _, after = _folded(person, events)
        changed.append((person, before, after))
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
    companies = Company.objects.in_bulk(set(company_ids))
    changed = []
    for company in companies.values():
        before, company.traits = company.traits, {}
        told = counted().filter(kind="company_described", company_id=company.pk).order_by("at", "seq")
        for data in told.values_list("data", flat=True):
            company.traits = rules.overlaid(company.traits, rules.traits_told("company_described", data))
        changed.append((company, before))
    _write_companies(changed)


def forget_whoever_has_no_event(person_ids: Iterable[int]) -> list[int]:
    """Removes persons of whom nothing is left (an undone import brought them); returns their ids."""
    gone = [id_ for id_ in person_ids if not counted().filter(person_id__in=ids_of(id_)).exists()]
    Person.objects.filter(pk__in=gone).delete()
    return gone


def absorbed(event: Event) -> Absorbed:
    """What persons take from a stored event."""
    return Absorbed(event.seq, event.kind, event.at, event.data, event.by, event.company_id)


_Changed = tuple[Person, dict[str, Any], dict[str, Any]]


def _by_person(events: Sequence[tuple[Person, Absorbed]]) -> list[tuple[Person, list[Absorbed]]]:
    grouped: dict[int, tuple[Person, list[Absorbed]]] = {}
    for person, event in events:
        grouped.setdefault(person.pk, (person, []))[1].append(event)
    return list(grouped.values())


def _folded(person: Person, events: Sequence[Absorbed]) -> _Changed:
    """The person after the events, with the traits before and after."""
    before = traits = dict(person.traits)
    for event in events:
        told = rules.traits_told(event.kind, event.data)
        if told:
            traits = rules.overlaid(traits, told)
        if event.company_id is not None and event.company_id != person.company_id:
            person.company_id = event.company_id
            person.company_since_at, person.company_since_seq = event.at, event.seq
        for name, first in rules.campaign_of(event.data).items():
            setattr(person, name, getattr(person, name) or first[:250])
        for name in ("source", "campaign"):
            if name in told:
                setattr(person, name, told[name][:250] if isinstance(told[name], str) else "")
        if event.kind == "handoff_accepted" or "owner" in told:
            person.owner_id = _user_id(event.by if event.kind == "handoff_accepted" else told["owner"])
        person.first_seen_at = min(person.first_seen_at, event.at)
        person.last_event_at = max(person.last_event_at, event.at)
    if traits is not before:
        person.traits = traits
        for name, text in rules.columns_of(traits).items():
            setattr(person, name, text)
    return person, before, traits


def _user_id(email: object) -> int | None:
    if not isinstance(email, str):
        return None
    return User.objects.filter(email=email.lower()).values_list("pk", flat=True).first()


def _write(changed: Sequence[_Changed]) -> None:
    if not changed:
        return
    sets = ", ".join(f'"{name}" = %s' for name in _PERSON_COLUMNS)
    rows = [
        [*(_stored(person, name) for name in _PERSON_COLUMNS), person.pk]
        for person, _, _ in sorted(changed, key=lambda change: change[0].pk)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE people_person SET {sets} WHERE id = %s", rows)
    rows_of_traits: list[Trait] = []
    for person, before, after in changed:
        stale, fresh = _trait_changes(before, after)
        if stale:
            Trait.objects.filter(person_id=person.pk, field__in=stale).delete()
        rows_of_traits += [Trait(person_id=person.pk, **row) for row in fresh]
    Trait.objects.bulk_create(rows_of_traits, batch_size=500)


def _stored(row: Person | Company, name: str) -> Any:
    value = getattr(row, name)
    return json.dumps(value) if name == "traits" else value


def _write_companies(changed: Sequence[tuple[Company, dict[str, Any]]]) -> None:
    for company, before in changed:
        company.name = rules.company_name(company.key, company.traits)
        company.save(update_fields=["name", "traits"])
        stale, fresh = _trait_changes(before, company.traits)
        if stale:
            CompanyTrait.objects.filter(company_id=company.pk, field__in=stale).delete()
        if fresh:
            CompanyTrait.objects.bulk_create([CompanyTrait(company_id=company.pk, **row) for row in fresh])


def _trait_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """The fields whose rows go, and the rows that come."""
    differ = [name for name in {**before, **after} if before.get(name) != after.get(name)]
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
