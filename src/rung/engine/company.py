"""What reaches a person by their company: the one join, on intervals of belonging, for histories held as events."""

from collections.abc import Iterable, Mapping, Sequence

from rung.engine import joining
from rung.engine.deciding import Row
from rung.engine.program import Program
from rung.terms.events import Event


def joined(program: Program, events: Iterable[Event], until: int) -> dict[str, list[Row]]:
    """Everybody's rows up to `until`: their own events, and what their company of that time brings, in order.

    A person belongs to the company that their latest event which names one names. What a colleague does reaches at
    most 500 others, those who came first; what is told about the company reaches all.
    """
    history = sorted((event for event in events if event.at <= until), key=lambda event: (event.at, event.seq))
    fields = frozenset(name for name, _ in program.company_fields)
    people = _numbers(event.person for event in history)
    companies = _numbers(event.company for event in history)
    shared = program.reaches_colleagues
    rows: list[list[Row]] = [[] for _ in people]
    present: dict[str, str] = {}
    known: dict[str, dict[str, object]] = {}
    steps: list[int] = []
    for number, event in enumerate(history):
        if event.person is None:
            if event.kind == "company_described" and event.company is not None:
                known.setdefault(event.company, {}).update(_told(event, fields))
                steps += [2, companies[event.company], joining.NONE, number]
            continue
        joins: Mapping[str, object] | None = None
        if event.company is not None and present.get(event.person) != event.company:
            present[event.person] = event.company
            joins = dict(known.get(event.company, {}))
            steps += [0, companies[event.company], people[event.person], number]
        if event.kind in shared and event.person in present:
            steps += [1, companies[present[event.person]], people[event.person], number]
        rows[people[event.person]].append(Row(event, "own", joins))
    for person, number in _pairs(steps, len(companies), len(people)):
        rows[person].append(Row(history[number], "company"))
    for theirs in rows:
        theirs.sort(key=lambda row: (row.event.at, row.event.seq))
    return dict(zip(people, rows, strict=True))


def _pairs(steps: Sequence[int], n_companies: int, n_people: int) -> Iterable[tuple[int, int]]:
    counted = [0]
    room = joining.reach(steps, n_companies, n_people, 0, [], counted)
    pairs = [0] * (2 * room)
    joining.reach(steps, n_companies, n_people, room, pairs, counted)
    return zip(pairs[::2], pairs[1::2], strict=True)


def _told(event: Event, fields: frozenset[str]) -> dict[str, object]:
    return {name: event.data[name] for name in fields if name in event.data}


def _numbers(names: Iterable[str | None]) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(n for n in names if n is not None))}
