"""From stored events to the rows that decide a person: their own, and those that reach them by their company."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from rung import tables
from rung.engine import joining
from rung.engine.deciding import Row
from rung.history.queries import Stored, stored, stored_of
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.rules import CORRECTIONS, OF_A_COMPANY
from rung.people.actions import own_events
from rung.people.queries import living_ids, with_merged
from rung.terms.events import Event


def key_of(person_id: int) -> str:
    """How the engine knows a person: by the id inside, which is no address and tells it nothing."""
    return str(person_id)


def past_rows(
    person_ids: Collection[int], line: Line, own: Mapping[int, Sequence[Stored]] | None = None
) -> dict[int, list[Row]]:
    """Every row of these living people out of the history, in order of (at, seq). `own`: their events, where the
    caller has read them already."""
    own = own_events(person_ids) if own is None else own
    company_ids = {row.company_id for rows in own.values() for row in rows if row.company_id is not None}
    placed = [(row.at, row.seq, row, person_id) for person_id, rows in own.items() for row in rows]
    if company_ids:
        placed += _shared_rows(company_ids, line, own.keys())
    placed.sort()  # two events never have the same seq
    keys = _company_keys({row.company_id for _, _, row, _ in placed if row.company_id is not None})
    return _joined(placed, keys, set(person_ids), line)


_Placed = tuple[int, int, Stored, int | None]
"""An event in its place: at, seq, itself, and of whom it is, if of anybody."""


def _joined(placed: Sequence[_Placed], keys: Mapping[int, str], wanted: set[int], line: Line) -> dict[int, list[Row]]:
    """The rows of the wanted people: their own, with the facts of a company they come to, and their company's."""
    people: dict[int, int] = {}
    companies: dict[int, int] = {}
    present: dict[int, int] = {}
    facts: dict[int, dict[str, Any]] = {}
    steps: list[int] = []
    shared_kinds = line.shared_kinds
    found: dict[int, list[Row]] = {person_id: [] for person_id in wanted}
    for number, (_, _, row, person_id) in enumerate(placed):
        kind, company_id = row.kind, row.company_id
        if kind == OF_A_COMPANY:
            facts[company_id] = {**facts.get(company_id, _NO_FACTS), **row.data}  # type: ignore[index]  # it names one
            steps += (2, companies.setdefault(company_id, len(companies)), joining.NONE, number)  # type: ignore[arg-type]
            continue
        if person_id is None or kind in CORRECTIONS:
            continue
        joins: Mapping[str, Any] | None = None
        if company_id is not None and company_id != present.get(person_id):
            present[person_id] = company_id
            joins = facts.get(company_id, _NO_FACTS)
            person = people.setdefault(person_id, len(people))
            steps += (0, companies.setdefault(company_id, len(companies)), person, number)
        if kind in shared_kinds and person_id in present:
            person = people.setdefault(person_id, len(people))
            steps += (1, companies[present[person_id]], person, number)
        if person_id in wanted:
            found[person_id].append(Row(as_event(row, person_id, keys), "own", joins))
    reaching: dict[int, Row] = {}
    reached: set[int] = set()
    for person_id, number in _reached(steps, people, len(companies), wanted):
        if number not in reaching:
            _, _, row, of = placed[number]
            reaching[number] = Row(as_event(row, of, keys), "company")
        found[person_id].append(reaching[number])
        reached.add(person_id)
    for person_id in reached:
        found[person_id].sort(key=lambda row: (row.event.at, row.event.seq))
    return found


_NO_FACTS: Final[Mapping[str, Any]] = {}


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


def _shared_rows(company_ids: Collection[int], line: Line, known: Collection[int]) -> list[_Placed]:
    """What companies were told to be; and, where colleagues count, the company-naming and company-scoped events of
    everybody but the known."""
    is_one, ids = tables.among(company_ids)
    told = stored(f"kind = %s AND company_id {is_one}", [OF_A_COMPANY, ids])
    found: list[_Placed] = [(row.at, row.seq, row, None) for row in told]
    if not line.shared_kinds:
        return found
    living = set(living_ids(ever_there(company_ids)).values()).difference(known)
    colleagues = with_merged(living)
    kinds = ", ".join(f"'{kind}'" for kind in sorted(line.shared_kinds))  # codes of ours, not what somebody typed
    theirs = stored_of(colleagues, f"company_id IS NOT NULL OR kind IN ({kinds})")
    return found + [(row.at, row.seq, row, colleagues[row.person_id or 0]) for row in theirs]


def ever_there(company_ids: Collection[int]) -> set[int]:
    """The ids, as they arrived, of everybody who ever named one of these companies."""
    return {id_ for (id_,) in tables.read(_EVER_THERE, company_ids)}


_EVER_THERE: Final = """
SELECT DISTINCT person_id FROM history_event WHERE company_id IN ({ids}) AND person_id IS NOT NULL
"""


def _company_keys(company_ids: Collection[int]) -> dict[int, str]:
    return dict(tables.read("SELECT id, key FROM people_company WHERE id IN ({ids})", company_ids))


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
