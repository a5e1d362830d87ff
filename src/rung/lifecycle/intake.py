"""What comes in at the one door: checked, identified, appended. Deciding comes after, in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rung.history import actions as history
from rung.history.queries import known_messages
from rung.lifecycle.correcting import corrections
from rung.lifecycle.rules import (
    CORRECTIONS,
    OF_A_COMPANY,
    Happened,
    NewEvent,
    NotRecorded,
    Ready,
    Refusal,
    number_of,
    ready,
)
from rung.people import actions as people
from rung.people.models import Company, Person
from rung.people.queries import known_ids
from rung.people.rules import DESCRIBING
from rung.people.strangers import filling_only, held_back
from rung.terms.values import BadValue


@dataclass(slots=True)
class Taken:
    """Events that were identified and appended, not yet decided. `happened` holds those added on the way, too."""

    duplicates: int = 0
    refused: list[Refusal] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    happened: list[Happened] = field(default_factory=list)
    people: dict[int, Person] = field(default_factory=dict)
    new: set[int] = field(default_factory=set)
    """Those of the people who were not known before."""
    company_keys: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Placed:
    """An event with the person and company it is of, ready to be appended. `is_given`: not one that we add."""

    ready: Ready
    found: people.Found
    is_given: bool
    at: int = 0


def taken_in(events: Sequence[NewEvent], *, by: str, at: int) -> Taken:
    """Checks, identifies and appends; deciding is left to the caller, in the same transaction."""
    taken = Taken()
    placed = _placed(_fresh(events, by, taken), at, taken)
    taken.people = {item.found.person.id: item.found.person for item in placed if item.found.person is not None}
    taken.new = {item.found.person.id for item in placed if item.found.is_new and item.found.person is not None}
    taken.company_keys = {item.found.company.id: item.found.company.key for item in placed if item.found.company}
    _time(placed, at)
    seqs = history.append([_entry(item, at) for item in placed])
    taken.happened = [_happened(item, seq) for item, seq in zip(placed, seqs, strict=True)]
    taken.seqs = [seq for item, seq in zip(placed, seqs, strict=True) if item.is_given]
    taken.places = [item.ready.index for item in placed if item.is_given]
    return taken


def _fresh(events: Sequence[NewEvent], by: str, result: Taken) -> list[Ready]:
    """The events that pass every check and are no repetition."""
    passed: list[Ready] = []
    for index, event in enumerate(events):
        try:
            passed.append(ready(event, index=index, by=by, new_id=history.new_message_id))
        except (NotRecorded, BadValue) as refusal:
            result.refused.append(Refusal(index, str(refusal)))
    told = [(events[item.index].message_id, item) for item in passed]
    known = known_messages((item.source, item.message_id) for message_id, item in told if message_id)
    fresh = []
    for item in passed:
        key = (item.source, item.message_id)
        if key in known:
            result.duplicates += 1
        else:
            known.add(key)
            fresh.append(item)
    return fresh


def _placed(fresh: Sequence[Ready], at: int, result: Taken) -> list[_Placed]:
    """Each event with its person and company, behind the events that say what was learnt of the person."""
    possible = []
    there = known_ids({item.person for item in fresh if item.person is not None})
    for item in fresh:
        reason = corrections.fault(item) if item.kind in CORRECTIONS else None
        if reason is None and item.person is not None and item.person not in there:
            reason = f"There is no person {item.person}."
        if reason is not None:
            result.refused.append(Refusal(item.index, reason))
        else:
            possible.append(item)
    found = people.identify(
        [
            people.Sighting(
                keys=item.keys,
                at=at if item.stated_at is None else item.stated_at,
                person_id=item.person,
                company=item.company,
                is_trusted=item.is_trusted,
                by_import=number_of(item.source),
                is_company_guessed=item.is_company_guessed,
            )
            for item in possible
        ]
    )
    known = _Known()
    placed: list[_Placed] = []
    for item, who in zip(possible, found, strict=True):
        placed += _learnt(item, who, known)
        data = item.data
        if not item.is_trusted and (who.claims is not None or (who.is_known_there and item.kind in DESCRIBING)):
            data = held_back(data, who.claims)
        described = who.company if item.kind == OF_A_COMPANY else who.person
        if described is not None and item.kind in _DESCRIBES:
            traits = known.of(described)
            if not item.is_trusted:
                data = filling_only(data, traits)
            traits.update(data)
        placed.append(_Placed(item if data is item.data else item._replace(data=data), who, True))
        if item.is_trusted and who.claims is not None:
            placed.append(_aside(item, who, "person_described", held_back({}, who.claims), "firm", by=item.by))
    return placed


_DESCRIBES: Final = DESCRIBING | {OF_A_COMPANY}


class _Known:
    """What is known of whom a batch describes, by what it has told so far."""

    def __init__(self) -> None:
        self._traits: dict[int, dict[str, Any]] = {}

    def of(self, described: Person | Company) -> dict[str, Any]:
        return self._traits.setdefault(id(described), dict(described.traits))


def _learnt(item: Ready, who: people.Found, known: _Known) -> list[_Placed]:
    """The events that go before: a visitor turned out to be somebody we know, an address became known, or is told for
    the first time by anybody but an import."""
    before = []
    assert who.person is not None or not who.merged
    for number, visitor in enumerate(who.merged):
        data = {"merged": str(visitor.uuid), "by_cookie": True}
        before.append(_aside(item, who, "persons_merged", data, f"merged{number or ''}"))
    told = _reaching(who.learnt, item)
    again, anothers = _reaching(who.again, item), _reaching(who.anothers, item)
    if not (told or again or anothers) or who.person is None:
        return before
    traits = known.of(who.person)
    if not item.is_trusted:
        told = {kind: value for kind, value in told.items() if not traits.get(kind)}
    for kind, value in again.items():
        # It may differ from what that import told, which stays for as long as the import does.
        (told if traits.get(kind) in (None, "", value) else anothers).setdefault(kind, value)
    if anothers:
        told["claimed"] = anothers
    if told:
        before.append(_aside(item, who, "person_described", told, "learnt"))
        traits.update(told)
    return before


def _reaching(keys: Sequence[tuple[str, str]], item: Ready) -> dict[str, Any]:
    """The addresses and numbers among keys, but for those that the event tells itself."""
    tells = item.data if item.kind in DESCRIBING else {}
    return {kind: value for kind, value in keys if kind in ("email", "phone") and not tells.get(kind)}


def _aside(
    item: Ready, who: people.Found, kind: str, data: dict[str, Any], mark: str, *, by: str = "system"
) -> _Placed:
    aside = item._replace(kind=kind, data=data, company=None, message_id=f"{item.message_id[:190]}:{mark}", by=by)
    return _Placed(aside, people.Found(who.person, None, arrived_id=who.arrived_id), False)


def _time(placed: Sequence[_Placed], arrived_at: int) -> None:
    """Imports keep the time they state; everything else takes effect on arrival, never before the person's latest."""
    latest: dict[int, int] = {}
    for item in placed:
        person = item.found.person
        if item.ready.stated_at is not None:
            item.at = item.ready.stated_at
        elif person is None:
            item.at = arrived_at
        else:
            item.at = max(arrived_at, latest.get(person.id, person.last_event_at))
        if person is not None:
            latest[person.id] = max(item.at, latest.get(person.id, person.last_event_at))
    _known_from_the_start(placed)


def _known_from_the_start(placed: Sequence[_Placed]) -> None:
    """An import's address counts from the person's first event in it, in whatever order the file stands."""
    earliest: dict[int, int] = {}
    for item in placed:
        if item.found.person is not None:
            earliest[item.found.person.id] = min(item.at, earliest.get(item.found.person.id, item.at))
    for item in placed:
        is_learnt = not item.is_given and item.ready.kind == "person_described" and item.ready.by == "system"
        if is_learnt and item.ready.stated_at is not None and item.found.person is not None:
            item.at = earliest[item.found.person.id]


def _entry(item: _Placed, arrived_at: int) -> history.Entry:
    told = item.ready
    return history.Entry(
        kind=told.kind,
        at=item.at,
        received_at=arrived_at,
        source=told.source,
        message_id=told.message_id,
        person_id=item.found.arrived_id or (item.found.person.id if item.found.person else None),
        company_id=item.found.company.id if item.found.company else None,
        occurred_at=told.occurred_at,
        sent_at=told.sent_at,
        by=told.by,
        data=told.data,
    )


def _happened(item: _Placed, seq: int) -> Happened:
    told = item.ready
    return Happened(
        seq=seq,
        kind=told.kind,
        at=item.at,
        person_id=item.found.person.id if item.found.person else None,
        company_id=item.found.company.id if item.found.company else None,
        data=told.data,
        by=told.by,
        source=told.source,
        message_id=told.message_id,
    )
