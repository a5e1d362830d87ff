"""From stored events to the rows that decide a person: their own, and those that reach them by their company."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from rung import tables
from rung.engine import joining
from rung.engine.deciding import Row
from rung.history.models import Event as StoredEvent
from rung.history.queries import Stored, stored, stored_of
from rung.lifecycle.line import Line
from rung.lifecycle.rules import CORRECTIONS, OF_A_COMPANY
from rung.people.models import Alias, Company
from rung.people.queries import living_ids
from rung.terms.events import Event

_AT_A_TIME = 400


def key_of(person_id: int) -> str:
    """How the engine knows a person: by the id inside, which is no address and tells it nothing."""
    return str(person_id)


def past_rows(person_ids: Collection[int], line: Line) -> dict[int, list[Row]]:
    """Every row of these living people out of the history, in order of (at, seq)."""
    own = _own_events(person_ids)
    theirs = {row.seq: (row, person_id) for person_id, rows in own.items() for row in rows}
    company_ids = {row.company_id for row, _ in theirs.values() if row.company_id is not None}
    everything: dict[int, tuple[Stored, int | None]] = dict(theirs)
    if company_ids:
        everything.update(_shared_rows(company_ids, line))
        everything.update(theirs)
    rows = sorted(
        ((row, person_id) for row, person_id in everything.values() if row.kind not in CORRECTIONS),
        key=lambda item: (item[0].at, item[0].seq),
    )
    keys = _company_keys({row.company_id for row, _ in rows if row.company_id is not None})
    return _joined(rows, keys, set(person_ids), line)


def _joined(
    rows: Sequence[tuple[Stored, int | None]], keys: Mapping[int, str], wanted: set[int], line: Line
) -> dict[int, list[Row]]:
    """The rows of the wanted people: their own, with the facts of a company they come to, and their company's."""
    people: dict[int, int] = {}
    companies: dict[int, int] = {}
    present: dict[int, int] = {}
    facts: dict[int, dict[str, Any]] = {}
    steps: list[int] = []
    found: dict[int, list[Row]] = {person_id: [] for person_id in wanted}
    for number, (row, person_id) in enumerate(rows):
        company_id = row.company_id
        if row.kind == OF_A_COMPANY:
            facts[company_id] = {**facts.get(company_id, {}), **row.data}
            steps += [2, companies.setdefault(company_id, len(companies)), joining.NONE, number]
            continue
        if person_id is None:
            continue
        person = people.setdefault(person_id, len(people))
        joins = None
        if company_id is not None and company_id != present.get(person_id):
            present[person_id] = company_id
            joins = facts.get(company_id, {})
            steps += [0, companies.setdefault(company_id, len(companies)), person, number]
        if row.kind in line.shared_kinds and person_id in present:
            steps += [1, companies[present[person_id]], person, number]
        if person_id in wanted:
            found[person_id].append(Row(as_event(row, person_id, keys), "own", joins))
    reaching: dict[int, Row] = {}
    for person_id, number in _reached(steps, people, len(companies), wanted):
        if number not in reaching:
            row, of = rows[number]
            reaching[number] = Row(as_event(row, of, keys), "company")
        found[person_id].append(reaching[number])
    for theirs in found.values():
        theirs.sort(key=lambda row: (row.event.at, row.event.seq))
    return found


def _reached(steps: list[int], people: Mapping[int, int], n_companies: int, wanted: set[int]) -> list[tuple[int, int]]:
    """(person id, number of the row) of every row that comes to one of the wanted by their company."""
    room = 1024
    while True:
        pairs = [0] * (2 * room)
        n = joining.reach(steps, n_companies, len(people), room, pairs, [0])
        if n <= room:
            break
        room = n
    ids = list(people)
    told = ((ids[pairs[2 * k]], pairs[2 * k + 1]) for k in range(n))
    return [(person_id, number) for person_id, number in told if person_id in wanted]


def as_event(row: Any, person_id: int | None, company_keys: Mapping[int, str]) -> Event:
    """A stored or just recorded event as the engine sees it, under the id of the person who lives on."""
    return Event(
        seq=row.seq,
        person=None if person_id is None or row.kind == OF_A_COMPANY else key_of(person_id),
        at=row.at,
        kind=row.kind,
        data=row.data,
        company=company_keys.get(row.company_id) if row.company_id is not None else None,
        by=row.by or None,
        source=row.source,
        message_id=row.message_id,
    )


def _own_events(person_ids: Collection[int]) -> dict[int, list[Stored]]:
    """The counted events of each living person, those of whoever was merged into them included."""
    living = _with_merged(person_ids)
    found: dict[int, list[Stored]] = {person_id: [] for person_id in person_ids}
    for row in stored_of(living):
        found[living[row.person_id or 0]].append(row)
    return found


def _with_merged(person_ids: Collection[int]) -> dict[int, int]:
    living = {person_id: person_id for person_id in person_ids}
    for part in _parts(person_ids):
        living.update(Alias.objects.filter(living_id__in=part).values_list("old_id", "living_id"))
    return living


def _shared_rows(company_ids: Collection[int], line: Line) -> dict[int, tuple[Stored, int | None]]:
    """What companies were told to be; and, where colleagues count, their company-naming and company-scoped events."""
    rows: dict[int, tuple[Stored, int | None]] = {}
    for part in _parts(company_ids):
        marks = ", ".join(["%s"] * len(part))
        for row in stored(f"kind = %s AND company_id IN ({marks})", [OF_A_COMPANY, *part]):
            rows[row.seq] = (row, None)
    if not line.shared_kinds:
        return rows
    colleagues = _with_merged(set(living_ids(sorted(ever_there(company_ids))).values()))
    kinds = ", ".join(f"'{kind}'" for kind in sorted(line.shared_kinds))  # codes of ours, not what somebody typed
    for row in stored_of(colleagues, f"company_id IS NOT NULL OR kind IN ({kinds})"):
        rows[row.seq] = (row, colleagues[row.person_id or 0])
    return rows


def ever_there(company_ids: Collection[int]) -> set[int]:
    """The ids, as they arrived, of everybody who ever named one of these companies."""
    found: set[int] = set()
    for part in _parts(company_ids):
        rows = StoredEvent.objects.filter(company_id__in=part, person_id__isnull=False).order_by()
        found.update(rows.values_list("person_id", flat=True).distinct())
    return found


def _company_keys(company_ids: Collection[int]) -> dict[int, str]:
    keys: dict[int, str] = {}
    for part in _parts(company_ids):
        keys.update(Company.objects.filter(pk__in=part).values_list("pk", "key"))
    return keys


def colleagues_of(company_ids: Collection[int]) -> dict[int, list[tuple[int, int, int]]]:
    """For each company (since at, since seq, person id) of everybody whose present one it is, who came first first."""
    found: dict[int, list[tuple[int, int, int]]] = {company_id: [] for company_id in company_ids}
    for company_id, *entry in tables.read(_COLLEAGUES, company_ids):
        found[company_id].append((entry[0], entry[1], entry[2]))
    for entries in found.values():
        entries.sort()
    return found


_COLLEAGUES: Final = """
SELECT company_id, company_since_at, company_since_seq, id FROM people_person
WHERE company_id IN ({ids}) AND NOT is_merged
"""


def _parts(values: Iterable[int]) -> Iterable[list[int]]:
    ordered = sorted(values)
    for start in range(0, len(ordered), _AT_A_TIME):
        yield ordered[start : start + _AT_A_TIME]
