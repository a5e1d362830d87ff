"""What the engine says of the demo's people, by the plainest join of companies there is."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from rung.demo import agreement
from rung.demo.story import Told
from rung.engine.deciding import Decision, Row
from rung.engine.program import Program, compile_program
from rung.engine.several import decide
from rung.playbook.loading import load
from rung.terms.events import Event


def firms_program() -> Program:
    return compile_program(load(agreement.text()))


def rows_by_person(told: Sequence[Told], program: Program) -> dict[str, list[Row]]:
    """Everybody's rows: their own, and those of colleagues of the company they named last."""
    rows: dict[str, list[Row]] = defaultdict(list)
    facts: dict[str, dict[str, object]] = defaultdict(dict)
    home: dict[str, str] = {}
    members: dict[str, list[str]] = defaultdict(list)
    for seq, line in enumerate(told, start=1):
        event = Event(seq, line.person, line.at, line.kind, line.data, line.company, line.by)
        if line.person is None:
            assert line.company is not None
            facts[line.company].update(line.data)
            for member in members[line.company]:
                rows[member].append(Row(event, "company"))
            continue
        joins: Mapping[str, object] | None = None
        if line.company is not None and home.get(line.person) != line.company:
            if line.person in home:
                members[home[line.person]].remove(line.person)
            home[line.person] = line.company
            members[line.company].append(line.person)
            joins = dict(facts[line.company])
        rows[line.person].append(Row(event, "own", joins))
        if line.person in home and line.kind in program.reaches_colleagues:
            for member in members[home[line.person]]:
                if member != line.person:
                    rows[member].append(Row(event, "company"))
    return rows


def decided(told: Sequence[Told], until: int) -> dict[str, Decision]:
    program = firms_program()
    return {person: decide(program, rows, until) for person, rows in rows_by_person(told, program).items()}
