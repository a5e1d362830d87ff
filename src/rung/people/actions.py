"""Keeping persons and companies as their events describe them. All of it can be built again from the history."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec

from rung import tables
from rung.access.models import User
from rung.engine.histories import CORRECTIONS
from rung.history.models import Event
from rung.history.queries import Stored, stored, stored_of, with_events
from rung.people import rules
from rung.people.identify import Found, NoSuchPerson, Register, Sighting, ids_of, merge_ids, unmerge_ids
from rung.people.models import Company, CompanyTrait, Identity, Person, Trait
from rung.people.queries import with_merged

__all__ = [
    "Absorbed",
    "Changes",
    "Found",
    "NoSuchPerson",
    "Sighting",
    "absorb",
    "absorb_companies",
    "absorbed",
    "describe",
    "describe_again",
    "describe_companies_again",
    "described",
    "forget_whoever_has_no_event",
    "identify",
    "ids_of",
    "know_companies_since",
    "merge_ids",
    "own_events",
    "remove",
    "remove_companies",
    "take_keys",
    "unmerge_ids",
    "without_events",
    "write",
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
    write(_changes([_folded(person, theirs, users) for person, theirs in _by_person(events)]))


def describe_again(people: Iterable[Person]) -> None:
    """Works persons out anew from all their events; for a late, voided or merged history."""
    by_id = {person.id: person for person in people}
    describe(by_id, own_events(by_id))


def own_events(person_ids: Collection[int]) -> dict[int, list[Stored]]:
    """The counted events of each living person, in order, those of whoever was merged into them included."""
    living = with_merged(person_ids)
    found: dict[int, list[Stored]] = {person_id: [] for person_id in person_ids}
    for event in stored_of(living):
        found[living[event.person_id or 0]].append(event)
    if len(living) > len(found):
        for person_id in {living_id for old_id, living_id in living.items() if old_id != living_id}:
            found[person_id].sort(key=_in_order)
    return found


_in_order: Final = attrgetter("at", "seq")


def describe(people: Mapping[int, Person], told: Mapping[int, Sequence[Stored]]) -> None:
    """Works persons out anew from all their events, which are given in order."""
    write(described(people, told))


def described(people: Mapping[int, Person], told: Mapping[int, Sequence[Stored]]) -> "Changes":
    """The same, still to be written."""
    changed, users = [], _Users()
    for person_id, theirs in told.items():
        # Corrections are said of the history, not of the person: nothing happened to them then.
        events = [event for event in theirs if event.kind not in CORRECTIONS]
        person = people[person_id]
        columns, before = _columns(person), person.traits
        person.name = person.email = person.phone = person.title = person.country = ""
        person.source = person.campaign = ""
        person.traits, person.company_id, person.owner_id = {}, None, None
        person.company_since_at = person.company_since_seq = None
        if events:
            person.first_seen_at = person.last_event_at = events[0].at
        after = _folded(person, events, users).after
        changed.append(_Changed(person, columns, before, after))
    return _changes(changed)


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
    ends = with_merged(person_ids)
    kept = {ends[id_] for id_ in with_events(ends)}
    gone = [id_ for id_ in person_ids if id_ not in kept]
    remove(gone)
    return gone


def remove(person_ids: Collection[int]) -> None:
    """Removes persons and all that hangs on them, in every room; whoever was merged into them goes, too."""
    tables.remove(Person, list(with_merged(person_ids)))


def take_keys(person_ids: Collection[int], *, by_import: int) -> None:
    """Takes the keys away that only the import told of these people, who are given with whoever was merged into them.

    What somebody else told, too, is theirs of whom they told it, since then. Whom nobody but the import ever named
    keeps their keys: one of ours did something with them, and the next visit would be a stranger's.
    """
    given = {}
    for also in tables.read(_ALSO_TOLD, person_ids, by_import, by_import):
        given.setdefault(also[1], also)
    rows = [(person_id, since_at, teller, id_) for _, id_, person_id, since_at, teller in given.values()]
    tables.update(Identity, ("person_id", "since_at", "by_import"), ("id",), rows)
    tables.change("DELETE FROM people_alsotold WHERE id IN ({ids})", [also[0] for also in given.values()])
    tables.change("DELETE FROM people_alsotold WHERE person_id IN ({ids}) AND by_import = %s", person_ids, by_import)
    bare = {id_ for (id_,) in tables.read(_OF_AN_IMPORT, person_ids, by_import)}
    tables.change(_TAKE_KEYS, sorted(bare), by_import, by_import)
    tables.change(_UNKNOWN, sorted(bare))


_ALSO_TOLD: Final = """
SELECT also.id, also.identity_id, also.person_id, also.since_at, also.by_import FROM people_identity own
JOIN people_alsotold also ON also.identity_id = own.id
WHERE own.person_id IN ({ids}) AND own.by_import = %s AND (also.by_import IS NULL OR also.by_import <> %s)
ORDER BY also.id
"""
_OF_AN_IMPORT: Final = "SELECT DISTINCT person_id FROM people_identity WHERE person_id IN ({ids}) AND by_import = %s"
_TAKE_KEYS: Final = """
DELETE FROM people_identity WHERE person_id IN ({ids}) AND by_import = %s AND EXISTS (
    SELECT 1 FROM people_identity own
    WHERE own.person_id = people_identity.person_id AND (own.by_import IS NULL OR own.by_import <> %s)
)
"""
_UNKNOWN: Final = """
UPDATE people_person SET is_anonymous = (1 = 1) WHERE id IN ({ids})
AND EXISTS (SELECT 1 FROM people_identity own WHERE own.person_id = people_person.id)
AND NOT EXISTS (
    SELECT 1 FROM people_identity own WHERE own.person_id = people_person.id AND own.kind <> 'anonymous_id'
)
"""
"""Whom only the import knew by name is the visitor again that they were."""


def without_events(company_ids: Collection[int]) -> set[int]:
    """Those of the companies that no event which counts names any more."""
    named = tables.read(_NAMED, company_ids)
    return set(company_ids) - {company_id for (company_id,) in named}


_NAMED: Final = """
SELECT DISTINCT company_id FROM history_event e WHERE company_id IN ({ids})
AND NOT EXISTS (SELECT 1 FROM history_struck s WHERE s.seq = e.seq)
"""


def remove_companies(company_ids: Collection[int]) -> None:
    """Removes companies of whom nothing is left; nobody belongs to them any more."""
    tables.remove(Company, company_ids)


def know_companies_since(company_ids: Collection[int]) -> None:
    """Works out anew since when companies are known of whom an import told first: it may be one that was taken back.

    Known they are since the first event that arrived, counts and names them.
    """
    first = [id_ for (id_,) in tables.read(_FIRST_TOLD_BY_IMPORT, company_ids)]
    tables.update(
        Company, ("first_seen_at",), ("id",), [(at, company_id) for company_id, at in tables.read(_FIRST, first)]
    )


_FIRST_TOLD_BY_IMPORT: Final = """
SELECT company_id FROM history_event WHERE source LIKE 'import:%%' AND seq IN (
    SELECT MIN(seq) FROM history_event WHERE company_id IN ({ids}) GROUP BY company_id
)
"""
_FIRST: Final = """
SELECT company_id, first_at FROM (
    SELECT e.company_id, CASE WHEN e.source LIKE 'import:%%' THEN e.at ELSE e.received_at END AS first_at,
    ROW_NUMBER() OVER (PARTITION BY e.company_id ORDER BY e.received_at, e.seq) AS place
    FROM history_event e WHERE e.company_id IN ({ids})
    AND NOT EXISTS (SELECT 1 FROM history_struck s WHERE s.seq = e.seq)
) told WHERE place = 1
"""
"""By when it arrived: what was told again has a seq of later."""


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


def _folded(person: Person, events: Sequence[Absorbed | Stored], users: "_Users") -> _Changed:
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


class Changes(NamedTuple):
    """What is to be written of persons: whole rows; only when they were last seen; the rows of their traits."""

    whole: list[tuple[Any, ...]]
    seen: list[tuple[Any, ...]]
    traits: "_TraitRows"


class _TraitRows(NamedTuple):
    """Fields of which the rows go, as (owner, field), and the rows that come."""

    gone: list[tuple[int, str]]
    come: list[tuple[Any, ...]]


def _changes(changed: Sequence[_Changed]) -> Changes:
    """What is to be written; of those who only did something, only when."""
    whole: list[tuple[Any, ...]] = []
    seen: list[tuple[Any, ...]] = []
    for change in sorted(changed, key=lambda change: change.person.id):
        columns = _columns(change.person)
        if columns[:-1] != change.columns[:-1] or not _are_same(change.before, change.after):
            traits = _encoded(change.after).decode()
            whole.append((*columns[:_TRAITS_AT], traits, *columns[_TRAITS_AT + 1 :], change.person.id))
        elif columns != change.columns:
            seen.append((columns[-1], change.person.id))
    return Changes(whole, seen, _trait_rows([(each.person.id, each.before, each.after) for each in changed]))


def write(changes: Changes) -> None:
    """Writes what has become of persons."""
    tables.update(Person, _PERSON_COLUMNS, ("id",), changes.whole)
    tables.update(Person, _PERSON_COLUMNS[-1:], ("id",), changes.seen)
    _write_traits(Trait, "person_id", changes.traits)


def _trait_rows(changed: Sequence[tuple[int, dict[str, Any], dict[str, Any]]]) -> _TraitRows:
    """The rows of the fields that changed."""
    found = _TraitRows([], [])
    for pk, before, after in changed:
        if after is before:
            continue
        differ = [name for name in {**before, **after} if _is_other(before.get(name), after.get(name))]
        found.gone.extend([(pk, name) for name in differ if name in before])
        found.come.extend(
            [
                (pk, field, text, text and text[: rules.WORD_LENGTH], number, truth, is_item)
                for field, text, number, truth, is_item in rules.trait_rows(
                    {name: after[name] for name in differ if name in after} if before else after
                )
            ]
        )
    return found


def _write_traits(model: type[Trait] | type[CompanyTrait], owner: str, rows: _TraitRows) -> None:
    """Takes the rows away that go and puts those that come, in two statements for everybody."""
    tables.delete(model, (owner, "field"), rows.gone)
    tables.insert(model, (owner, *_TRAIT_COLUMNS), rows.come)


def _write_companies(changed: Sequence[tuple[Company, dict[str, Any]]]) -> None:
    for company, _ in changed:
        company.name = rules.company_name(company.key, company.traits)
    rows = [(company.name, _encoded(company.traits).decode(), company.pk) for company, _ in changed]
    tables.update(Company, ("name", "traits"), ("id",), rows)
    traits = _trait_rows([(company.pk, before, company.traits) for company, before in changed])
    _write_traits(CompanyTrait, "company_id", traits)


def _are_same(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return before is after or (before == after and list(map(type, before.values())) == list(map(type, after.values())))


def _is_other(before: object, after: object) -> bool:
    """1 and true are not the same trait, though Python calls them equal."""
    return before != after or type(before) is not type(after)
