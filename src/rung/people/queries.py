"""Finding persons and companies by whatever names them."""

import functools
import uuid
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, TypeVar

import msgspec
from django.db.models import BigIntegerField, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.base import ModelState
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from rung import tables
from rung.history.models import Event
from rung.history.queries import counted, in_order_of_arrival, stored, stored_of
from rung.people import strangers
from rung.people.models import Alias, Company, Identity, Person
from rung.people.rules import WORD_LENGTH, company_told, normal_email, normal_phone
from rung.people.strangers import Known
from rung.terms.companies import email_domain, is_domain

_Who = TypeVar("_Who", Person, Company)


def person_named(text: str) -> Person | None:
    """The living person behind an id of ours (UUID), an e-mail address, a phone number or a key of theirs."""
    text = text.strip()
    person_id = _living(_by_uuid(text) or _by_key(text) or _by_role_address(text))
    return Person.objects.select_related("company", "owner").filter(pk=person_id).first() if person_id else None


def id_named(text: str) -> int | None:
    """The id of the living person behind an id of ours, an address or a number, also one of before, or a key of theirs;
    at most two queries, each by an index."""
    text = text.strip()
    return _living(_by_uuid(text) or _by_key(text))


def company_of_address(address: str) -> str | None:
    """The key of the company whose domain an address has, for somebody of whom no company is known; None for a free
    mailbox, and for whoever has one: where they work is not told by the address they happen to write from."""
    told = normal_email(address)
    key = company_told(email_domain(told) or "") if told else None
    if told is None or key is None:
        return None
    person = person_named(told)
    if person is None or person.company is None:
        return key
    # Where they work is told by an import alone: it may be taken back, so what this door tells is kept beside it.
    return key if _told_by_import(person.company_since_seq) and beside_imports(person).company is None else None


def company_at_a_door(written: str | None, address: str) -> str | None:
    """The key of the company of somebody who wrote down an address and, perhaps, where they work. A name stands for the
    domain of their address, unless a company is known by that very name: else a firm would be two, one by its name and
    one by its domain, with half the colleagues each."""
    if written is None:
        return company_of_address(address)
    if is_domain(written) or Company.objects.filter(key=written).exists():
        return written
    return company_of_address(address) or written


def known_by(texts: Collection[str], fields: Sequence[str]) -> dict[str, str]:
    """Of each text the address of the one person of whom one of these facts is the text; in one query."""
    marks = ", ".join(["%s"] * len(fields))
    words = {text[:WORD_LENGTH] for text in texts}
    addresses: dict[str, set[str]] = {}
    for text, email in tables.read(_KNOWN_BY.replace("{fields}", marks), words, *fields):
        addresses.setdefault(text, set()).add(email)
    return {text: found.pop() for text in texts if len(found := addresses.get(text, set())) == 1}


_KNOWN_BY: Final = """
SELECT t.text, p.email FROM people_trait t JOIN people_person p ON p.id = t.person_id
WHERE t.word IN ({ids}) AND t.field IN ({fields}) AND p.email <> '' AND NOT p.is_merged
"""


IMPORTS: Final = "import:%"
"""The sources of all imports, as SQL compares texts."""


def is_told_of(key: str, *, but_by: str, kind: str = "") -> bool:
    """Whether an event that counts, by another source than this one (or than all `IMPORTS`), names the company of this
    key; an event of the kind, where one is told."""
    return bool(told_of([key], but_by=but_by, kind=kind))


def told_of(keys: Collection[str], *, but_by: str, kind: str = "") -> set[str]:
    """Those of the keys of which that holds, in one query."""
    return {key for (key,) in tables.read(_TOLD_OF, keys, but_by, kind, kind)}


_TOLD_OF: Final = """
WITH told AS (SELECT told.value FROM {values})
SELECT value FROM told WHERE (
    SELECT 1 FROM people_company c JOIN history_event e ON e.company_id = c.id
    WHERE c.key = told.value AND e.source NOT LIKE %s AND (e.kind = %s OR %s = '')
    AND NOT EXISTS (SELECT 1 FROM history_struck s WHERE s.seq = e.seq) LIMIT 1
) IS NOT NULL
"""


def beside_imports(person: Person) -> Known:
    """What is known of a living person by whatever came in at any other door than an import. `company` is loaded."""
    if not events_of([person.pk]).filter(source__startswith="import:").exists():
        return Known(person.traits, person.company.key if person.company else None)
    told = stored_of(list(with_merged([person.pk])), f"{_NO_IMPORT} AND (company_id IS NOT NULL OR kind IN {_KINDS})")
    companies = companies_by_id({event.company_id for event in told if event.company_id is not None})
    keys = {company_id: company.key for company_id, company in companies.items()}
    return strangers.known_by(in_order_of_arrival(told), keys)


def company_beside_imports(company: Company) -> Known:
    """What is known of a company so."""
    told = stored(f"company_id = %s AND kind = 'company_described' AND {_NO_IMPORT}", [company.pk])
    return strangers.known_by(in_order_of_arrival(told), {})


def is_known_beside_imports(person: Person) -> bool:
    """Whether anything came in of a living person at any other door than an import."""
    return events_of([person.pk]).exclude(source__startswith="import:").exists()


_NO_IMPORT: Final = "source NOT LIKE 'import:%%'"
_KINDS: Final = "('person_described', 'person_identified')"


def _told_by_import(seq: int | None) -> bool:
    source = Event.objects.filter(seq=seq).values_list("source", flat=True).first() if seq is not None else None
    return source is not None and source.startswith("import:")


def company_named(text: str) -> Company | None:
    """The company behind an id of ours or its key."""
    as_uuid = _uuid(text)
    found = Company.objects.filter(uuid=as_uuid) if as_uuid else Company.objects.filter(key=text.strip())
    return found.first() or Company.objects.filter(key=text.strip().lower()).first()


def living_ids(person_ids: Collection[int]) -> dict[int, int]:
    """For each id the id of the person who lives on as it."""
    rows = tables.read("SELECT old_id, living_id FROM people_alias WHERE old_id IN ({ids})", person_ids)
    return {**{id_: id_ for id_ in person_ids}, **dict(rows)}


def with_merged(person_ids: Collection[int]) -> dict[int, int]:
    """The ids of these living persons and of everybody who was merged into them, each with the one who lives on."""
    merged = tables.read("SELECT old_id, living_id FROM people_alias WHERE living_id IN ({ids})", person_ids)
    return {**{person_id: person_id for person_id in person_ids}, **dict(merged)}


def events_of(person_ids: Collection[int] | None) -> QuerySet[Event]:
    """The events that count of these living persons (None: of everybody) and of whoever was merged into them, in one
    query; each event's `living` is the id of the person who lives on."""
    living = Subquery(Alias.objects.filter(old_id=OuterRef("person_id")).values("living_id")[:1])
    events = counted().annotate(living=Coalesce(living, F("person_id"), output_field=BigIntegerField()))
    if person_ids is None:
        return events
    ids = list(person_ids)
    marks = ", ".join(["%s"] * len(ids)) or "NULL"
    # One descent of the index per id: an OR over both would go through all events of a kind.
    own = f"SELECT id FROM people_person WHERE id IN ({marks})"
    merged = f"SELECT old_id FROM people_alias WHERE living_id IN ({marks})"
    return events.filter(person_id__in=RawSQL(f"{own} UNION ALL {merged}", [*ids, *ids]))


def known_ids(person_ids: Collection[int]) -> set[int]:
    """Those of the ids that are a person's."""
    return {id_ for (id_,) in tables.read("SELECT id FROM people_person WHERE id IN ({ids})", person_ids)}


def people_by_id(person_ids: Collection[int]) -> dict[int, Person]:
    """The persons of these ids, by the thousand."""
    return {person.pk: person for person in _loaded(Person, "id", person_ids)}


def companies_by_id(company_ids: Collection[int]) -> dict[int, Company]:
    """The companies of these ids."""
    return {company.pk: company for company in _loaded(Company, "id", company_ids)}


def companies_of_keys(keys: Collection[str]) -> dict[str, Company]:
    """The companies of these keys, those that are there."""
    return {company.key: company for company in _loaded(Company, "key", keys)}


def made(model: type[_Who], **told: Any) -> _Who:
    """A new person or company, not yet written: Django asks each field for its default, which takes its time."""
    found = model.__new__(model)
    found.__dict__.update(_defaults(model), **told, traits={}, _state=ModelState())
    return found


@functools.cache
def _defaults(model: type[Person] | type[Company]) -> dict[str, Any]:
    return {field.attname: field.get_default() for field in model._meta.concrete_fields}


_told: Final = msgspec.json.Decoder(dict[str, Any]).decode


def _loaded(model: type[_Who], column: str, values: Collection[Any]) -> Iterator[_Who]:
    """One query, and no more of Django than the objects, which are filled as unpickling fills them."""
    fields = model._meta.concrete_fields
    names = [field.attname for field in fields]
    uuid_at, traits_at = names.index("uuid"), names.index("traits")
    columns = ", ".join(f'"{field.column}"' for field in fields)
    for row in tables.read(f'SELECT {columns} FROM {model._meta.db_table} WHERE "{column}" IN ({{ids}})', values):
        told = list(row)
        told[traits_at] = _told(told[traits_at])
        if isinstance(told[uuid_at], str):
            told[uuid_at] = uuid.UUID(int=int(told[uuid_at], 16))
        found = model.__new__(model)
        found.__dict__.update(zip(names, told, strict=True), _state=ModelState())
        found._state.adding, found._state.db = False, "default"
        yield found


def _by_uuid(text: str) -> int | None:
    as_uuid = _uuid(text)
    return Person.objects.filter(uuid=as_uuid).values_list("pk", flat=True).first() if as_uuid else None


def _by_key(text: str) -> int | None:
    keys = {"email": normal_email(text), "user_id": text, "phone": normal_phone(text), "anonymous_id": text}
    wanted = [Q(kind=kind, value=value) for kind, value in keys.items() if value]
    if not wanted:
        return None
    found = dict(Identity.objects.filter(functools.reduce(Q.__or__, wanted)).values_list("kind", "person_id"))
    return next((found[kind] for kind in keys if kind in found), None)


def _by_role_address(text: str) -> int | None:
    """A role address identifies nobody, but it may stand in exactly one record."""
    same = list(Person.objects.filter(email__iexact=text, is_merged=False).values_list("pk", flat=True)[:2])
    return same[0] if len(same) == 1 else None


def _living(person_id: int | None) -> int | None:
    if person_id is None:
        return None
    return Alias.objects.filter(old_id=person_id).values_list("living_id", flat=True).first() or person_id


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text.strip())
    except ValueError:
        return None
