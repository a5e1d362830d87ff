"""People and companies as lists show them. Each function is one call of a page and a fixed number of queries.

Lists show the stored score and its time. Counts stop at 10 001, which lists read as "10,000+".
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.db import connection
from django.db.models import BooleanField, Count, F, Max, Q, QuerySet, Sum
from django.db.models.expressions import RawSQL

from rung import tables
from rung.history.queries import counted, decoded, last_seq
from rung.lifecycle import segments
from rung.lifecycle.models import StageMove, Standing
from rung.lifecycle.rules import CORRECTIONS
from rung.people.models import Alias, Company, Person, called
from rung.people.queries import id_named
from rung.playbook.conditions import Condition
from rung.terms.stages import RANK, STAGES
from rung.ui import words
from rung.ui.paging import Cursor, Key, Page

PER_PAGE: Final = 50
_LATEST: Final = 2_000
COUNTED: Final = 10_001
"""Nobody is counted beyond this."""

PEOPLE_SORTS: Final[Mapping[str, tuple[str, type]]] = {
    "last": ("last_at", int),
    "score": ("score", float),
    "since": ("since", int),
}
"""Name in the address → column of the standing, and the type of its values."""

COMPANY_SORTS: Final[Mapping[str, tuple[str, type]]] = {
    "name": ("name", str),
    "first": ("first_seen_at", int),
}


@dataclass(frozen=True, slots=True)
class LastEvent:
    seq: int
    kind: str
    at: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One line of a list of people. `name` falls back to the address, then to "Visitor" and a piece of the id."""

    id: int
    uuid: str
    name: str
    email: str
    title: str
    company: str
    company_uuid: str
    stage: str
    status: str
    lap: int
    score: float
    fit: float
    engagement: float
    temperature: str
    since_at: int
    last: LastEvent | None
    owner: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is asked for. `sort` is a name of the SORTS; from the greatest down unless `is_up`."""

    where: Condition | None = None
    text: str = ""
    is_anonymous: bool = False
    sort: str = "last"
    is_up: bool = False
    start: Cursor | None = None


def people_page(asked: Asked, *, generation_id: int | None, at: int) -> Page[PersonRow]:
    """One page of people, at most 5 queries."""
    if generation_id is None:
        return Page(rows=(), newer=None, older=None, total=0)
    column, _ = PEOPLE_SORTS[asked.sort]
    chosen = _chosen(asked, generation_id, at)
    if asked.where is None and not asked.text:
        total, found = _counted(chosen), _keyset(chosen, column, "person_id", asked.is_up, asked.start)
    else:
        # What is asked may be dear: so it is asked once, and an index is walked only where most people are meant.
        total, found = _counted_keyset(_few(asked, chosen, column, generation_id, at), column, asked.is_up, asked.start)
        if total == COUNTED:
            walked = _chosen(asked, generation_id, at, is_walked=True)
            found = _keyset(walked, column, "person_id", asked.is_up, asked.start)
    ids, newer, older = found
    return Page(rows=person_rows(ids, generation_id), newer=newer, older=older, total=total)


def people_ids(asked: Asked, *, generation_id: int | None, at: int, most: int) -> list[int]:
    """The ids of everybody the list holds, as many as `most`."""
    if generation_id is None:
        return []
    chosen = _chosen(asked, generation_id, at).order_by("person_id")
    return list(chosen.values_list("person_id", flat=True)[:most])


def count_people(wanted: Sequence[Condition | None], *, generation_id: int | None, at: int) -> list[int]:
    """How many known people each condition holds for, up to 10 001 each, in one query."""
    if generation_id is None or not wanted:
        return [0] * len(wanted)
    parts, values = [], []
    for condition in wanted:
        chosen = _chosen(Asked(where=condition), generation_id, at).order_by().values("pk")[:COUNTED]
        sql, params = chosen.query.sql_with_params()
        parts.append(f"(SELECT COUNT(*) FROM ({sql}) AS counted)")
        values.extend(params)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", values)
        row = cursor.fetchone()
    return [int(number) for number in row] if row else []


def latest_seq() -> int:
    """The seq of the latest event: as long as it is the same, nobody has moved but by time alone."""
    return last_seq()


_LINE: Final = (
    *("person_id", "stage", "status", "lap", "score", "fit", "engagement", "temperature", "since"),
    *("person__uuid", "person__name", "person__email", "person__phone", "person__title"),
    *("person__company__uuid", "person__company__name", "person__company__key"),
    *("person__owner__name", "person__owner__email"),
)
"""What a line of the list shows, as bare values: objects of five tables cost more than the question itself."""


def person_rows(person_ids: Sequence[int], generation_id: int) -> tuple[PersonRow, ...]:
    """The lines of these people, in their order; 3 queries. Whoever has no standing is left out."""
    standings = Standing.objects.filter(generation_id=generation_id, person_id__in=person_ids)
    by_person = {values[0]: values for values in standings.values_list(*_LINE)}
    last = last_events(person_ids)
    return tuple(_row(by_person[id_], last.get(id_)) for id_ in person_ids if id_ in by_person)


def last_events(person_ids: Sequence[int]) -> dict[int, LastEvent]:
    """The latest event that counts of each person, those merged into them included; 2 queries.

    That of `Standing.last_at`, by which lists sort: so corrections, which decide nothing by themselves, are left out.
    """
    living = dict(tables.read("SELECT old_id, living_id FROM people_alias WHERE living_id IN ({ids})", person_ids))
    living.update({id_: id_ for id_ in person_ids})
    return {
        living[person_id]: LastEvent(seq, kind, at, decoded(data))
        for person_id, seq, kind, at, data in tables.read(_LATEST_OF, list(living))
    }


_LATEST_OF: Final = f"""
    SELECT e.person_id, e.seq, e.kind, e.at, e.data FROM history_event e WHERE e.seq IN (
        SELECT (
            SELECT v.seq FROM history_event v
            WHERE v.person_id = p.id AND v.kind NOT IN ({", ".join(f"'{kind}'" for kind in sorted(CORRECTIONS))})
            AND NOT EXISTS (SELECT 1 FROM history_struck s WHERE s.seq = v.seq)
            ORDER BY v.at DESC, v.seq DESC LIMIT 1
        ) FROM people_person p WHERE p.id IN ({{ids}})
    ) ORDER BY e.at, e.seq
"""


def search(text: str, *, generation_id: int | None, most: int = 6) -> tuple[tuple[PersonRow, ...], tuple[Company, ...]]:
    """People and companies whose name (any word of it) or address starts with the text; people of high score first,
    before them whoever the text is a key of."""
    companies = tuple(Company.objects.filter(_company_named(text)).defer("traits").order_by("name", "pk")[: most - 2])
    if generation_id is None:
        return (), companies
    known = Standing.objects.filter(generation_id=generation_id, is_anonymous__in=[False])
    chosen = _named(known, text, with_company=False, is_walked=True)
    ids = list(chosen.order_by("-score", "-person_id").values_list("person_id", flat=True)[:most])
    if (owner := id_named(text)) is not None and known.filter(person_id=owner).exists():
        ids = list(dict.fromkeys([owner, *ids]))
    return person_rows(ids, generation_id), companies


# -- companies ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """One line of the list of companies: the highest rung of its people, how many they are, their engagement."""

    id: int
    uuid: str
    name: str
    domain: str
    people: int
    stage: str
    engagement: float
    last_at: int | None


@dataclass(frozen=True, slots=True)
class CompanyPage:
    """Everything the page of one company says."""

    company: Company
    traits: tuple[tuple[str, str], ...]
    people: tuple[PersonRow, ...]
    people_count: int
    stage: str
    engagement: float
    on_rungs: Mapping[str, int]
    events: tuple["CompanyEvent", ...]
    former: tuple[Person, ...] = ()
    """Who was here and names another company now; their events here stay the company's."""
    moves: tuple[StageMove, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class CompanyEvent:
    seq: int
    at: int
    kind: str
    data: Mapping[str, Any]
    person_uuid: str
    person: str


def companies_page(
    *, text: str, sort: str, is_up: bool, start: Cursor | None, generation_id: int | None
) -> Page[CompanyRow]:
    """One page of companies, 3 queries: which, how many, and what their people amount to."""
    chosen = Company.objects.filter(_company_named(text)) if text else Company.objects.all()
    column, _ = COMPANY_SORTS[sort]
    ids, newer, older = _keyset(chosen, column, "pk", is_up, start)
    return Page(rows=_company_rows(ids, generation_id), newer=newer, older=older, total=_counted(chosen))


def company_page(company: Company, *, generation_id: int | None, events: int = 40) -> CompanyPage:
    """One company with its people (the highest rungs first, at most 100) and its latest events."""
    # `is_anonymous=False`, which no index serves: so SQLite takes the company's, and not that of everybody known.
    standings = Standing.objects.filter(generation_id=generation_id, company=company, is_anonymous=False)
    # Sorted here: asked to sort, SQLite walks the index of scores through everybody to find the few of one company.
    ranked = sorted(
        standings.values_list("person_id", "stage", "score", "engagement", "last_at"),
        key=lambda row: (-RANK[row[1]], -row[2]),
    )
    lately = [row[0] for row in sorted(ranked, key=lambda row: -row[4])[:_LATELY]]
    per_rung = Counter(row[1] for row in ranked)
    people = person_rows([row[0] for row in ranked[:100]], generation_id) if generation_id else ()
    return CompanyPage(
        company=company,
        traits=tuple(
            (name, words.fact(value, name)) for name, value in sorted(company.traits.items()) if name != "name"
        ),
        people=people,
        people_count=sum(per_rung.values()),
        stage=_highest(per_rung),
        engagement=sum(row[3] for row in ranked),
        on_rungs={code: per_rung[code] for code in STAGES if code in per_rung},
        events=_company_events(company, lately, events),
        former=_former(company),
    )


_LATELY: Final = 12
"""The people who did something last: the latest events of a company are theirs."""


def _former(company: Company, most: int = 12) -> tuple[Person, ...]:
    """Those of the company's latest events who work elsewhere now."""
    events = counted().filter(company_id=company.pk, person_id__isnull=False).order_by("-at", "-seq")
    here = Person.objects.filter(
        pk__in=events.values("person_id")[:_LATEST], is_anonymous=False, is_merged=False, company__isnull=False
    )
    return tuple(here.exclude(company=company).select_related("company").defer("traits").order_by("name", "pk")[:most])


def _company_rows(ids: Sequence[int], generation_id: int | None) -> tuple[CompanyRow, ...]:
    companies = Company.objects.defer("traits").in_bulk(ids)
    sums: dict[int, dict[str, Any]] = {}
    of_people = Standing.objects.filter(generation_id=generation_id, company_id__in=ids, is_anonymous=False)
    for row in of_people.values("company_id", "stage").annotate(
        n=Count("pk"), engagement=Sum("engagement"), last=Max("last_at")
    ):
        of = sums.setdefault(row["company_id"], {"stages": {}, "engagement": 0.0, "last": 0})
        of["stages"][row["stage"]] = row["n"]
        of["engagement"] += row["engagement"]
        of["last"] = max(of["last"], row["last"])
    rows = []
    for id_ in ids:
        company, of = companies[id_], sums.get(id_, {"stages": {}, "engagement": 0.0, "last": 0})
        rows.append(
            CompanyRow(
                id=id_,
                uuid=str(company.uuid),
                name=str(company),
                domain=company.domain,
                people=sum(of["stages"].values()),
                stage=_highest(of["stages"]),
                engagement=of["engagement"],
                last_at=of["last"] or None,
            )
        )
    return tuple(rows)


def _company_events(company: Company, lately: Sequence[int], most: int) -> tuple[CompanyEvent, ...]:
    """The latest that name the company, and the latest of its people since they are there: few events name one."""
    # One question with plain ids in it, which both databases answer by two indexes; what somebody did under an id that
    # was merged away is shown only where it names the company.
    theirs = Q(person_id__in=lately, company_id=None)
    events = list(counted().filter(Q(company_id=company.pk) | theirs).order_by("-at", "-seq")[: 2 * most])
    ids = {event.person_id for event in events if event.person_id is not None}
    living = dict(Alias.objects.filter(old_id__in=ids).values_list("old_id", "living_id"))
    people = Person.objects.defer("traits").in_bulk([living.get(id_, id_) for id_ in ids])
    said: list[CompanyEvent] = []
    for event in events:
        person = people.get(living.get(event.person_id, event.person_id)) if event.person_id is not None else None
        if event.company_id is None and (person is None or event.at < (person.company_since_at or 0)):
            continue
        said.append(
            CompanyEvent(
                seq=event.seq,
                at=event.at,
                kind=event.kind,
                data=event.data,
                person_uuid=str(person.uuid) if person else "",
                person=person.called if person else "",
            )
        )
    return tuple(said[:most])


# -- inside ---------------------------------------------------------------------------------------------------------


def _chosen(asked: Asked, generation_id: int, at: int, *, is_walked: bool = False) -> QuerySet[Standing]:
    # Django writes `is_anonymous=False` as NOT is_anonymous, which keeps SQLite from using the index; IN (0) does not.
    chosen = Standing.objects.filter(generation_id=generation_id, is_anonymous__in=[asked.is_anonymous])
    if asked.where is not None:
        chosen = segments.holding(chosen, asked.where, generation_id=generation_id, at=at, is_walked=is_walked)
    if not asked.text:
        return chosen
    return chosen.filter(_called(asked.text, "person__")) if is_walked else _named(chosen, asked.text)


def _named(
    standings: QuerySet[Standing], text: str, *, with_company: bool = True, is_walked: bool = False
) -> QuerySet[Standing]:
    """Those whose name, address or company starts with the text, or has a word that does, and whoever it is a key of:
    an address or a number of before, an id of a record that became theirs.

    `is_walked`: the first few are wanted in the order of an index: where they are many, each row is asked by itself.
    """
    ids = Person.objects.filter(_called(text, with_company=False)).values_list("pk", flat=True)
    if with_company:
        # By themselves: where either may hold, every person's row is read instead of two indexes.
        ids = ids.union(Person.objects.filter(_of_company(text)).values_list("pk", flat=True), all=True)
    # The ids themselves while they are few, so that the page and its count do not both search for them.
    found = list(ids[:COUNTED])
    if len(found) == COUNTED and is_walked:
        return standings.filter(_called(text, "person__", with_company=with_company))
    if len(found) == COUNTED:
        people = Person.objects.filter(_called(text, with_company=with_company))
        return standings.filter(person_id__in=people.values("pk"))
    owner = id_named(text)
    is_one, told = tables.among(list(dict.fromkeys([*found, *([owner] if owner is not None else [])])))
    return standings.filter(RawSQL(f"lifecycle_standing.person_id {is_one}", (told,), output_field=BooleanField()))


def _called(text: str, of: str = "", *, with_company: bool = True) -> Q:
    """Of a person, or of whatever has one `of` which this is asked."""
    named = _any_case(f"{of}name", text) | _any_case(f"{of}email", text, words=False)
    return named | _of_company(text, of) if with_company else named


def _of_company(text: str, of: str = "") -> Q:
    return Q(**{f"{of}company_id__in": Company.objects.filter(_company_named(text)).values("pk")})


def _company_named(text: str) -> Q:
    return _any_case("name", text) | _any_case("key", text, words=False)


def _any_case(column: str, text: str, *, words: bool = True) -> Q:
    # SQLite folds ASCII only; the other ways of writing the first letter are asked for by name.
    forms = {text} if text.isascii() else {text, text.lower(), text.title()}
    found = Q()
    for form in forms:
        found |= Q(**{f"{column}__istartswith": form})
        if words:
            found |= Q(**{f"{column}__icontains": f" {form}"})
    return found


def _keyset(
    rows: QuerySet[Any], column: str, id_column: str, is_up: bool, start: Cursor | None
) -> tuple[list[int], str | None, str | None]:
    """The ids of one page and the cursors of its neighbours."""
    up = _is_upwards(is_up, start)
    if start is not None:
        rows = rows.filter(_beyond(column, id_column, start.values, up))
    order = (F(column).asc(), F(id_column).asc()) if up else (F(column).desc(), F(id_column).desc())
    return _cut(list(rows.order_by(*order).values_list(column, id_column)[: PER_PAGE + 1]), start)


def _few(
    asked: Asked, chosen: QuerySet[Standing], column: str, generation_id: int, at: int
) -> tuple[str, tuple[Any, ...]]:
    """The SQL of those who are asked for, up to COUNTED, as (column, person_id)."""
    did = None
    if asked.where is not None and not asked.text:
        did = segments.whoever_did(asked.where, generation_id=generation_id, at=at)
    if did is None:
        return chosen.order_by().values(column, "person_id")[:COUNTED].query.sql_with_params()
    # From one tally to the next, until enough are found. Asked who is among those of the tallies, SQLite would first
    # sort all of them: CROSS JOIN keeps it from that, and means nothing else.
    known = _chosen(replace(asked, where=None), generation_id, at)
    standings, parameters = known.order_by().values(column, "person_id").query.sql_with_params()
    joined = f"({did}) AS d CROSS JOIN ({standings}) AS o WHERE o.person_id = d.person_id"
    return f"SELECT o.* FROM {joined} LIMIT {COUNTED}", parameters


def _counted_keyset(
    few_of: tuple[str, tuple[Any, ...]], column: str, is_up: bool, start: Cursor | None
) -> tuple[int, tuple[list[int], str | None, str | None]]:
    """How many standings they are, up to COUNTED, and below that the same page of them: one query."""
    few, parameters = few_of
    up = _is_upwards(is_up, start)
    side, way = (">", "ASC") if up else ("<", "DESC")
    beyond = f"WHERE ({column}, person_id) {side} (%s, %s)" if start is not None else ""
    order = f"ORDER BY {column} {way}, person_id {way}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH few({column}, person_id) AS MATERIALIZED ({few}) SELECT total, {column}, person_id"
            f" FROM (SELECT COUNT(*) AS total FROM few) AS all_of_them LEFT JOIN"
            f" (SELECT {column}, person_id FROM few {beyond} {order} LIMIT {PER_PAGE + 1}) AS shown ON TRUE {order}",
            [*parameters, *(start.values if start is not None else ())],
        )
        read = cursor.fetchall()
    return read[0][0], _cut([(value, id_) for _, value, id_ in read if id_ is not None], start)


def _is_upwards(is_up: bool, start: Cursor | None) -> bool:
    return is_up != (start is not None and start.direction == "before")


def _cut(found: list[tuple[Key, int]], start: Cursor | None) -> tuple[list[int], str | None, str | None]:
    """The ids of the page, of which one more than it shows was read, and the cursors of its neighbours."""
    backwards = start is not None and start.direction == "before"
    has_more, found = len(found) > PER_PAGE, found[:PER_PAGE]
    if backwards:
        found.reverse()
    has_newer = has_more if backwards else start is not None
    has_older = True if backwards else has_more
    newer = Cursor("before", found[0]).text() if found and has_newer else None
    older = Cursor("after", found[-1]).text() if found and has_older else None
    return [id_ for _, id_ in found], newer, older


def _beyond(column: str, id_column: str, values: Iterable[Key], up: bool) -> Q:
    """Rows after these values. The first test gives the index its range, the second breaks ties."""
    value, id_ = values
    side = "gt" if up else "lt"
    return Q(**{f"{column}__{side}e": value}) & ~(Q(**{column: value}) & ~Q(**{f"{id_column}__{side}": id_}))


def _counted(rows: QuerySet[Any]) -> int:
    return int(rows.order_by().values("pk")[:COUNTED].count())


def _row(values: tuple[Any, ...], last: LastEvent | None) -> PersonRow:
    id_, stage, status, lap, score, fit, engagement, temperature, since = values[:9]
    uuid, name, email, phone, title, company_uuid, company_name, company_key, owner_name, owner_email = values[9:]
    return PersonRow(
        id=id_,
        uuid=str(uuid),
        name=called(name, email, phone, uuid),
        email=email,
        title=title,
        company=company_name or company_key or "",
        company_uuid=str(company_uuid) if company_uuid else "",
        stage=stage,
        status=status,
        lap=lap,
        score=score,
        fit=fit,
        engagement=engagement,
        temperature=temperature,
        since_at=since,
        last=last,
        owner=owner_name or owner_email or "",
    )


def _highest(stages: Mapping[str, int]) -> str:
    return max(stages, key=lambda code: RANK[code], default="")
