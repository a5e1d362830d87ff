"""People decided from nothing, and the rows that come of it: what generations are made of."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from rung import tables
from rung.lifecycle import storing
from rung.lifecycle.line import Line
from rung.lifecycle.models import Mark, StageMove, Standing, State, Tally
from rung.lifecycle.outcome import Deciding, Outcome
from rung.lifecycle.rows import past_rows
from rung.lifecycle.rules import Moved
from rung.people.queries import people_by_id

MoveKey = tuple[int, str, str, str, str, bool]


class Rows(NamedTuple):
    """What is to be inserted, table by table."""

    standings: list[tuple[Any, ...]]
    states: list[tuple[Any, ...]]
    moves: list[tuple[Any, ...]]
    tallies: list[tuple[Any, ...]]
    marks: list[tuple[Any, ...]]


def decided(line: Line, person_ids: Sequence[int], *, at: int) -> list[Outcome]:
    """What becomes of these living people by all that ever happened, at the instant."""
    by_id = people_by_id(person_ids)
    past = past_rows(list(by_id), line)
    deciding = Deciding(line)
    for person_id in person_ids:
        rows = past.get(person_id)
        if rows:
            deciding.anew(by_id[person_id], rows, max(at, rows[-1].event.at))
    return deciding.outcomes()


def key_of(move: Moved) -> MoveKey:
    """What makes two moves the same step, whatever decided them."""
    return move.at, move.from_stage, move.from_status, move.stage, move.status, move.passed


def real_moves(person_ids: Sequence[int], line: Line) -> dict[int, set[MoveKey]]:
    """The moves that did happen, as the generation in force knows them."""
    found: dict[int, set[MoveKey]] = {}
    rows = StageMove.objects.filter(generation_id=line.generation_id, person_id__in=person_ids, is_redefinition=False)
    for row in rows.values_list("person_id", "at", "from_stage", "from_status", "stage", "status", "passed"):
        found.setdefault(row[0], set()).add(row[1:])
    return found


def rows_of(
    line: Line,
    outcomes: Sequence[Outcome],
    *,
    real: dict[int, set[MoveKey]],
    known: dict[int, int] | None = None,
) -> Rows:
    """The rows of outcomes from nothing. `real`: the moves that did happen; all others are re-definitions, unless
    `known` says until when people were decided before, and they come later: then they are news."""
    moves: list[tuple[Any, ...]] = []
    for outcome in outcomes:
        person_id = outcome.person.pk
        until = None if known is None else known.get(person_id, -1)
        happened = real.get(person_id, set())
        for number, move in enumerate(outcome.moves):
            is_real = key_of(move) in happened or (until is not None and move.at > until)
            moves.append(storing.move_row(line, replace(move, is_redefinition=not is_real), number))
    return Rows(
        standings=[storing.standing_row(line, outcome) for outcome in outcomes],
        states=[storing.state_row(line, outcome) for outcome in outcomes],
        moves=moves,
        tallies=[row for outcome in outcomes for row in storing.tally_rows(line, outcome)],
        marks=[row for outcome in outcomes for row in storing.mark_rows(line, outcome)],
    )


def insert(rows: Rows) -> None:
    """Writes rows of people of whom the generation says nothing yet."""
    tables.insert(Standing, storing.STANDING_COLUMNS, rows.standings)
    tables.insert(State, storing.STATE_COLUMNS, rows.states)
    tables.insert(StageMove, storing.MOVE_COLUMNS, rows.moves)
    tables.insert(Tally, storing.TALLY_COLUMNS, rows.tallies)
    if rows.marks:
        tables.insert(Mark, storing.MARK_COLUMNS, rows.marks)
