"""People who are likely one: found when somebody is recorded or changed, and by a sweep through everybody.

Only suggested: people who are both known are made one by somebody of ours, never by this.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from hashlib import blake2b
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet

from rung import tables
from rung.people import matching
from rung.people.matching import Match, Model, Record
from rung.people.models import Block, Learnt, Person, Suggestion
from rung.people.rules import is_role_address, normal_email, normal_phone

KINDS: Final = {
    "first": "first",
    "last": "last",
    "email": "email",
    "phone": "phone",
    "company": "company",
    "date of birth": "date",
    "city": "text",
}
MOST_SWEPT: Final = 250_000
"""The sweep takes so many people, those of whom something happened last: it holds them in memory."""
MOST_FOUND: Final = 10_000
_IN_A_BLOCK: Final = 100
_PUT_AT_A_TIME: Final = 2_000
_COMMON: Final = 5_000
"""So many of the commonest values of a field are remembered; what is rarer counts as rare."""
_COLUMNS: Final = ("pk", "name", "email", "phone", "country", "traits", "company__key")
_BORN: Final = ("date_of_birth", "birthdate", "birthday", "dob")
_CITY: Final = ("city", "town")


def check(person_ids: Collection[int], *, at: int) -> int:
    """Compares each of these living people with whoever shares a block with them; returns how many pairs are new."""
    model = _model()
    asked = dict(_records(_known().filter(pk__in=list(person_ids))))
    blocks = _put_in_blocks(asked)
    with_whom = {person_id: _sharing(keys) - {person_id} for person_id, keys in blocks.items()}
    everybody = sorted(set().union(*with_whom.values()))
    others = {pk: told for part in _parts(everybody) for pk, told in _records(_known().filter(pk__in=part))}
    found: dict[tuple[int, int], Match] = {}
    for person_id, ids in with_whom.items():
        for other_id in ids & others.keys():
            match = model.match(asked[person_id], others[other_id])
            if match.odds >= matching.DEFAULT_ODDS:
                found[min(person_id, other_id), max(person_id, other_id)] = match
    return _keep(found, at=at)


def sweep(*, at: int) -> int:
    """Compares everybody, learns, and makes the open suggestions what it found; returns how many there are."""
    rows = list(_records(_known().order_by("-last_event_at", "pk")[:MOST_SWEPT]))
    ids, records = [pk for pk, _ in rows], [record for _, record in rows]
    model, told = matching.matches(records, KINDS)
    Learnt.objects.all().delete()
    Learnt.objects.create(at=at, model=_plain(model))
    pairs = ((ids[a], ids[b], match) for (a, b), match in told[:MOST_FOUND])
    found = {(min(one, other), max(one, other)): match for one, other, match in pairs}
    swept = set(ids)
    stale = [
        pk
        for pk, left, right in Suggestion.objects.filter(answer="").values_list("pk", "left_id", "right_id")
        if (left, right) not in found and left in swept and right in swept
    ]
    for part in _parts(stale):
        Suggestion.objects.filter(pk__in=part).delete()
    _keep(found, at=at)
    for start in range(0, len(rows), _PUT_AT_A_TIME):
        with transaction.atomic():
            _put_in_blocks(dict(rows[start : start + _PUT_AT_A_TIME]))
    return len(found)


def is_swept() -> bool:
    """Whether everybody was compared once."""
    return Learnt.objects.exists()


def open_suggestions() -> QuerySet[Suggestion]:
    """Pairs that nobody has answered yet and whose people are two, likeliest first."""
    living = Suggestion.objects.filter(answer="", left__is_merged=False, right__is_merged=False)
    return living.select_related("left__company", "right__company").order_by("-odds", "pk")


def suggested_for(person: Person, most: int = 5) -> list[Suggestion]:
    """The open suggestions that name the person."""
    return list(open_suggestions().filter(Q(left=person) | Q(right=person))[:most])


def record_of(told: Mapping[str, Any]) -> Record:
    """What is compared of a person: their columns and traits. An address of an office is nobody's."""
    traits = told["traits"]
    first, last = matching.name_parts(told["name"])
    email = normal_email(told["email"]) or ""
    texts = {
        "first": _text(traits, "first_name", "firstName") or first,
        "last": _text(traits, "last_name", "lastName") or last,
        "email": "" if is_role_address(email) else email,
        "phone": normal_phone(told["phone"], told["country"]) or told["phone"],
        "company": told["company__key"] or "",
        "date of birth": _text(traits, *_BORN),
        "city": _text(traits, *_CITY),
    }
    return matching.prepared(texts, KINDS)


def _known() -> QuerySet[Person]:
    return Person.objects.filter(is_merged=False, is_anonymous=False)


def _records(people: QuerySet[Person]) -> Iterator[tuple[int, Record]]:
    for row in people.values_list(*_COLUMNS).iterator(chunk_size=2_000):
        yield row[0], record_of(dict(zip(_COLUMNS, row, strict=True)))


def _put_in_blocks(records: Mapping[int, Record]) -> dict[int, set[int]]:
    """Writes in which blocks these people stand, where that changed; returns each one's."""
    now = {pk: {_hashed(key) for key in matching.keys(record, KINDS)} for pk, record in records.items()}
    for part in _parts(list(now)):
        was: dict[int, set[int]] = {pk: set() for pk in part}
        for pk, key in Block.objects.filter(person_id__in=part).values_list("person_id", "key"):
            was[pk].add(key)
        if gone := [pk for pk in part if was[pk] - now[pk]]:
            Block.objects.filter(person_id__in=gone).delete()
            was.update((pk, set()) for pk in gone)
        tables.insert(Block, ("key", "person_id"), [(key, pk) for pk in part for key in now[pk] - was[pk]])
    return now


def _sharing(keys: Collection[int]) -> set[int]:
    """Whoever stands in one of the blocks; one that is too large says nothing."""
    by_key: dict[int, list[int]] = {}
    for key, person_id in tables.read("SELECT key, person_id FROM people_block WHERE key IN ({ids})", sorted(keys)):
        by_key.setdefault(key, []).append(person_id)
    return {pk for people in by_key.values() if len(people) <= _IN_A_BLOCK for pk in people}


def _hashed(key: Sequence[str]) -> int:
    return int.from_bytes(blake2b("\0".join(key).encode(), digest_size=8).digest(), "big", signed=True)


def _keep(found: Mapping[tuple[int, int], Match], *, at: int) -> int:
    """Writes suggestions; what was answered stays answered. Returns how many are new."""
    rows = [
        Suggestion(left_id=left, right_id=right, odds=min(match.odds, 1e12), reason=match.reason[:500], found_at=at)
        for (left, right), match in found.items()
    ]
    before = Suggestion.objects.count()
    Suggestion.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["left", "right"],
        update_fields=["odds", "reason"],
        batch_size=500,
    )
    return Suggestion.objects.count() - before


def _model() -> Model:
    """What the last sweep learnt, or what holds in general."""
    learnt = Learnt.objects.order_by("-at").first()
    people = _known().count()
    if learnt is None or learnt.model.get("kinds") != KINDS:
        return matching.standard(KINDS, people)
    return replace(Model(**learnt.model), prior=min(learnt.model["prior"], matching.standard(KINDS, people).prior * 10))


def _plain(model: Model) -> dict[str, Any]:
    told = asdict(model)
    told["counts"] = {
        name: dict(sorted(((v, n) for v, n in counts.items() if n > 1), key=lambda item: -item[1])[:_COMMON])
        for name, counts in model.counts.items()
    }
    return told


def _text(traits: Mapping[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := traits.get(name), str) and value.strip()), "")


def _parts(values: Sequence[int]) -> Iterable[Sequence[int]]:
    return (values[start : start + 400] for start in range(0, len(values), 400))
