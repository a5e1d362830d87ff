"""Who is this? One batch of sightings, answered in order, written at the end.

Keys decide: our own id before e-mail before phone before cookie. Known beats anonymous: a cookie's anonymous person
becomes the known one, or is merged into them. Two people who are both known are never made one by a cookie, nor by a
number that they share: a firm's switchboard stands with everybody who works there.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import uuid_utils.compat

from rung import tables
from rung.people.models import Alias, AlsoTold, Company, Identity, Person
from rung.people.queries import companies_of_keys, living_ids, made, people_by_id
from rung.people.rules import Keys


class Sighting(NamedTuple):
    """What one event says about who: keys, or the person's id where the caller knows it, and the company's key."""

    keys: Keys
    at: int
    person_id: int | None = None
    company: str | None = None
    is_trusted: bool = True
    """False for what a stranger's browser says: it gives a known person no second key of a kind."""
    by_import: int | None = None
    """The number of the import that says so: a key that it gives goes when it is undone."""
    is_company_guessed: bool = False
    """Whoever works at another company stays there, as if a stranger had named it."""


@dataclass(slots=True)
class Found:
    """Who it is. Ids are there once the register has been written.

    `merged`: the anonymous persons that turned out to be this one. `learnt`: keys that were new for the person.
    `again`: keys of theirs that only imports had told until now. `anothers`: keys that an import gave somebody else.
    """

    person: Person | None
    company: Company | None
    merged: list[Person] = field(default_factory=list)
    learnt: list[tuple[str, str]] = field(default_factory=list)
    again: list[tuple[str, str]] = field(default_factory=list)
    anothers: list[tuple[str, str]] = field(default_factory=list)
    claims: str | None = None
    """The key of a company of which a stranger says it of somebody who works at another."""
    is_known_there: bool = False
    """Whether a stranger says of them that they work where they do."""
    is_new: bool = False
    arrived_id: int | None = None
    """Whose the key or the id is, where they live on as `person`: what is told of them stays theirs."""


class NoSuchPerson(LookupError):
    """An id that names nobody."""


class Register:
    """The part of persons, companies and keys that a batch touches, held in memory until it is written."""

    def __init__(self, sightings: Sequence[Sighting]) -> None:
        self._identities: dict[tuple[str, str], Person] = {}
        self._owners: dict[tuple[str, str], int] = {}
        """Whose a stored key is, whoever they live on as."""
        self._living: dict[int, Person] = {}
        self._tellers: dict[tuple[str, str], tuple[int, set[int | None]]] = {}
        """Of the keys that an import gave: their row's id, and which import told them, None where anybody else did."""
        self._has: set[tuple[int, str]] = set()
        """Which person (the object's own id, for this batch) has a key of which kind."""
        self._companies: dict[str, Company] = {}
        self._works_at: dict[int, Company] = {}
        """Where whom the batch names works by what it has told so far, by the person object's own id."""
        self._new_people: list[Person] = []
        self._new_companies: list[Company] = []
        self._new_keys: dict[tuple[str, str], tuple[Person, int | None, Sighting]] = {}
        self._known: list[Person] = []
        self._also: list[tuple[int, Found, Sighting]] = []
        self._merges: list[tuple[Person, Person]] = []
        self._load(sightings)

    def find(self, sighting: Sighting) -> Found:
        """Who the sighting is of; whoever is new is made. Raises NoSuchPerson for an id that names nobody."""
        found = self._who(sighting)
        if found.person is not None:
            self._attach(found, sighting)
        if sighting.company:
            self._name_company(sighting.company, found, sighting)
        return found

    def write(self) -> None:
        """Writes whoever is new, whoever became known, new keys and merges. The caller holds the lock of the house."""
        _number(Company, self._new_companies)
        _number(Person, self._new_people)
        keys = [
            (*key, arrived_id or person.pk, sighting.at, sighting.by_import)
            for key, (person, arrived_id, sighting) in self._new_keys.items()
        ]
        tables.insert(Identity, ("kind", "value", "person_id", "since_at", "by_import"), keys)
        also = [
            (identity_id, found.arrived_id or (found.person.pk if found.person else None), told.at, told.by_import)
            for identity_id, found, told in self._also
        ]
        tables.insert(AlsoTold, ("identity_id", "person_id", "since_at", "by_import"), also)
        if self._known:
            Person.objects.filter(pk__in=[person.pk for person in self._known]).update(is_anonymous=False)
        for survivor, merged in self._merges:
            merge_ids(survivor_id=survivor.pk, merged_id=merged.pk)

    def _load(self, sightings: Sequence[Sighting]) -> None:
        wanted: dict[str, set[str]] = {kind: set() for kind in Identity.KINDS}
        ids: set[int] = set()
        companies: set[str] = set()
        for sighting in sightings:
            if sighting.person_id is not None:
                ids.add(sighting.person_id)
            for kind, value in sighting.keys.strong():
                wanted[kind].add(value)
            if sighting.keys.anonymous_id:
                wanted["anonymous_id"].add(sighting.keys.anonymous_id)
            if sighting.company:
                companies.add(sighting.company)
        keys: dict[tuple[str, str], int] = {}
        for kind, values in wanted.items():
            rows = tables.read(_OF_KEYS, sorted(values), kind)
            keys.update(((kind, value), person_id) for value, person_id in rows if person_id is not None)
        ids.update(keys.values())
        ends = living_ids(ids)
        people = people_by_id(set(ends.values()))
        given: dict[tuple[str, str], tuple[int, set[int | None]]] = {}
        for identity_id, owner, kind, value, by_import in tables.read(_TOLD_KEYS, {*people, *ends}):
            if owner in people and kind != "anonymous_id":
                self._has.add((id(people[owner]), kind))
            if by_import is not None and (kind, value) in keys:
                given[kind, value] = identity_id, {by_import}
        self._load_tellers(given, {sighting.by_import for sighting in sightings})
        self._living = {id_: people[end] for id_, end in ends.items() if end in people}
        self._owners = keys
        self._identities = {key: self._living[person_id] for key, person_id in keys.items()}
        self._companies = companies_of_keys(companies)

    def _load_tellers(self, given: dict[tuple[str, str], tuple[int, set[int | None]]], now: set[int | None]) -> None:
        """Who else told these keys of imports; asked only where somebody tells them now who did not give them."""
        tellers = {id_: told for id_, told in given.values() if now - told}
        for identity_id, by_import in tables.read(_ALSO_TOLD, tellers):
            tellers[identity_id].add(by_import)
        self._tellers = given

    def _who(self, sighting: Sighting) -> Found:
        if sighting.person_id is None:
            return self._by_keys(sighting) if sighting.keys else Found(None, None)
        if sighting.person_id not in self._living:
            raise NoSuchPerson(f"There is no person {sighting.person_id}.")
        return Found(self._end(self._living[sighting.person_id]), None, arrived_id=sighting.person_id)

    def _by_keys(self, sighting: Sighting) -> Found:
        keys = sighting.keys
        key = next((key for key in keys.strong() if key in self._identities and self._tells_who(key, keys)), None)
        known = self._identities[key] if key else None
        visitor = self._identities.get(("anonymous_id", keys.anonymous_id)) if keys.anonymous_id else None
        known = self._end(known) if known else None
        visitor = self._end(visitor) if visitor else None
        if known is not None:
            found = Found(known, None, arrived_id=self._owners.get(key) if key else None)
            if visitor is not None and visitor is not known and visitor.is_anonymous:
                self._merges.append((known, visitor))
                visitor._rung_merged_into = known  # type: ignore[attr-defined]  # lives as long as the batch
                found.merged.append(visitor)
            return found
        is_named = any(True for _ in keys.strong())
        if visitor is not None and (visitor.is_anonymous or not is_named):
            cookie = ("anonymous_id", keys.anonymous_id)
            return Found(visitor, None, arrived_id=self._owners.get(cookie))
        return Found(self._new_person(sighting.at, is_anonymous=not is_named), None, is_new=True)

    def _tells_who(self, key: tuple[str, str], keys: Keys) -> bool:
        """Whether the key names its owner: a number does only where it is all that one of the two sides says."""
        if key[0] != "phone" or not (keys.email or keys.user_id):
            return True
        owner = id(self._end(self._identities[key]))
        return (owner, "email") not in self._has and (owner, "user_id") not in self._has

    def _attach(self, found: Found, sighting: Sighting) -> None:
        """Gives the person every key of the sighting that nobody has yet."""
        person = found.person
        assert person is not None
        for key in sighting.keys.strong():
            may_have = sighting.is_trusted or (id(person), key[0]) not in self._has
            if key not in self._identities and may_have:
                self._identify(key, found, sighting)
                found.learnt.append(key)
                if person.is_anonymous:
                    person.is_anonymous = False
                    self._known.append(person)
            elif self._is_told_anew(key, sighting):
                is_theirs = self._end(self._identities[key]) is person
                if is_theirs or may_have:
                    self._tell_also(key, found, sighting)
                    (found.again if is_theirs else found.anothers).append(key)
        cookie = ("anonymous_id", sighting.keys.anonymous_id)
        if cookie[1] and cookie not in self._identities:
            self._identify(cookie, found, sighting)
        elif self._is_told_anew(cookie, sighting):
            self._tell_also(cookie, found, sighting)

    def _is_told_anew(self, key: tuple[str, str], sighting: Sighting) -> bool:
        """Whether it is the first time that this import, or anybody but imports, tells a key that an import gave."""
        _, tellers = self._tellers.get(key, (0, frozenset[int | None]((None,))))
        return None not in tellers and sighting.by_import not in tellers

    def _tell_also(self, key: tuple[str, str], found: Found, sighting: Sighting) -> None:
        identity_id, tellers = self._tellers[key]
        tellers.add(sighting.by_import)
        self._also.append((identity_id, found, sighting))

    def _identify(self, key: tuple[str, str], found: Found, sighting: Sighting) -> None:
        person = found.person
        assert person is not None
        self._identities[key] = person
        self._has.add((id(person), key[0]))
        self._new_keys[key] = person, found.arrived_id, sighting
        if found.arrived_id is not None:
            self._owners[key] = found.arrived_id

    def _new_person(self, at: int, *, is_anonymous: bool) -> Person:
        person = made(
            Person, uuid=uuid_utils.compat.uuid7(), is_anonymous=is_anonymous, first_seen_at=at, last_event_at=at
        )
        self._new_people.append(person)
        return person

    def _name_company(self, key: str, found: Found, sighting: Sighting) -> None:
        """Says which company it is: where the person works from now on, unless a stranger says it of somebody who works
        at another. Of a company that is only claimed nothing is made."""
        person, known = found.person, self._companies.get(key)
        if person is not None and not (sighting.is_trusted and not sighting.is_company_guessed):
            at_now = self._works_at.get(id(person), person.company_id)
            if at_now is not None and (known is None or at_now not in (known, known.pk)):
                found.claims = key
                return
            found.is_known_there = at_now is not None
        found.company = known or self._new_company(key, sighting.at)
        if person is not None:
            self._works_at[id(person)] = found.company

    def _new_company(self, key: str, at: int) -> Company:
        domain = key if "." in key and " " not in key and key == key.lower() else ""
        company = made(Company, uuid=uuid_utils.compat.uuid7(), key=key, name=key, domain=domain, first_seen_at=at)
        self._companies[key] = company
        self._new_companies.append(company)
        return company

    @staticmethod
    def _end(person: Person) -> Person:
        while (into := getattr(person, "_rung_merged_into", None)) is not None:
            person = into
        return person


def merge_ids(*, survivor_id: int, merged_id: int) -> None:
    """Makes one person live on as another; whoever had been merged into them follows."""
    Alias.objects.create(old_id=merged_id, into_id=survivor_id, living_id=survivor_id)
    Alias.objects.filter(living_id=merged_id).update(living_id=survivor_id)
    Person.objects.filter(pk=merged_id).update(is_merged=True)


def unmerge_ids(*, merged_id: int) -> None:
    """Gives a merged person their own life back, with everybody who had been merged into them."""
    Alias.objects.filter(old_id=merged_id).delete()
    Person.objects.filter(pk=merged_id).update(is_merged=False)
    front = [merged_id]
    while front:
        front = list(Alias.objects.filter(into_id__in=front).values_list("old_id", flat=True))
        Alias.objects.filter(old_id__in=front).update(living_id=merged_id)


def ids_of(living_id: int) -> list[int]:
    """The id of a living person and of everybody who was merged into them."""
    return [living_id, *Alias.objects.filter(living_id=living_id).values_list("old_id", flat=True)]


_TOLD_KEYS: Final = """
SELECT id, person_id, kind, value, by_import FROM people_identity
WHERE person_id IN ({ids}) AND (kind <> 'anonymous_id' OR by_import IS NOT NULL)
"""
_ALSO_TOLD: Final = "SELECT identity_id, by_import FROM people_alsotold WHERE identity_id IN ({ids})"
_OF_KEYS: Final = """
WITH told AS (SELECT told.value FROM {values})
SELECT value, (SELECT i.person_id FROM people_identity i WHERE i.value = told.value AND i.kind = %s) FROM told
"""


def _number(model: type[Person] | type[Company], rows: Sequence[Person | Company]) -> None:
    """Gives new rows their ids and writes them."""
    if not rows:
        return
    names = [(field.attname, field.column) for field in model._meta.concrete_fields]
    for row, id_ in zip(rows, tables.next_ids(model, len(rows)), strict=True):
        row.pk = id_
    told = [[_plain(name, row.__dict__) for name, _ in names] for row in rows]
    tables.insert(model, [column for _, column in names], told)


def _plain(name: str, row: dict[str, Any]) -> object:
    value = row[name]
    if name == "uuid":
        return value.hex
    return (json.dumps(value) if value else "{}") if name == "traits" else value
