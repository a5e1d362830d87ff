"""People decided from nothing, and the rows that come of it: what generations are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from rung import tables
from rung.history.queries import Stored
from rung.lifecycle.deciding import former, storing
from rung.lifecycle.deciding.former import MoveKey
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.deciding.outcome import Deciding, Outcome
from rung.lifecycle.deciding.rows import past_rows
from rung.lifecycle.models import Mark, StageMove, Standing, State, Tally
from rung.people.models import Person
from rung.people.queries import people_by_id


class Rows(NamedTuple):
    """What is to be inserted, table by table."""

    standings: list[tuple[Any, ...]]
    states: list[tuple[Any, ...]]
    moves: list[tuple[Any, ...]]
    tallies: list[tuple[Any, ...]]
    marks: list[tuple[Any, ...]]


def decided(
    line: Line,
    person_ids: Sequence[int],
    *,
    at: int,
    people: Mapping[int, Person] | None = None,
    own: Mapping[int, Sequence[Stored]] | None = None,
) -> list[Outcome]:
    """What becomes of these living people by all that ever happened, at the instant.

    `people` and `own`: themselves and their events, where the caller has read them already.
    """
    by_id = people_by_id(person_ids) if people is None else people
    past = past_rows(list(by_id), line, own)
    deciding = Deciding(line)
    for person_id in person_ids:
        rows = past.get(person_id)
        if rows:
            deciding.anew(by_id[person_id], rows, max(at, rows[-1].event.at))
    return deciding.outcomes()


def real_moves(person_ids: Sequence[int], line: Line) -> dict[int, set[MoveKey]]:
    """The moves that did happen, as the generation in force and what was corrected since know them."""
    found = former.moves_of(person_ids, line.name)
    for person_id, *key, passed in tables.read(_REAL, person_ids, line.generation_id, line.name):
        found.setdefault(person_id, set()).add((*key, bool(passed)))  # type: ignore[arg-type]  # as the columns say
    return found


_REAL: Final = (
    "SELECT person_id, at, from_stage, from_status, stage, status, passed FROM lifecycle_stagemove"
    " WHERE person_id IN ({ids}) AND generation_id = %s AND line_of_business = %s AND NOT is_redefinition"
)


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
            is_real = former.key_of(move) in happened or (until is not None and move.at > until)
            told = move if is_real else replace(move, is_redefinition=True)
            moves.append(storing.move_row(line, told, number))
    standings = [storing.standing_row(line, outcome) for outcome in outcomes]
    return Rows(
        standings=standings,
        states=[
            storing.state_row(line, outcome, storing.lasting_in(row))
            for outcome, row in zip(outcomes, standings, strict=True)
        ],
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
