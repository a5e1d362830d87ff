"""Reading and writing standings, moves and tallies by the thousand, alike on both databases."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from hashlib import blake2b
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple, cast

import msgspec
from django.db import connection

from rung import tables
from rung.engine.deciding import Cause
from rung.engine.deciding import Move as EngineMove
from rung.engine.deciding import Standing as Told
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.deciding.outcome import Outcome
from rung.lifecycle.models import Mark, StageMove, Standing, State, Tally
from rung.lifecycle.rules import Moved
from rung.terms.stages import BANT

STANDING_COLUMNS: Final = tables.columns_of(Standing)
STATE_COLUMNS: Final = tables.columns_of(State)
MOVE_COLUMNS: Final = tables.columns_of(StageMove)
TALLY_COLUMNS: Final = tables.columns_of(Tally)
MARK_COLUMNS: Final = tables.columns_of(Mark)
_KEY: Final = ("generation_id", "person_id", "line")
_OURS: Final = (
    *_KEY,
    *("decided_until", "due_at", "is_anonymous", "source", "owner_id", "company_id", "competitor", "held_until"),
    *(f"{letter}_until" for letter in BANT),
    *("bant_told", "playbook_version", "engine_version", "last_seq", "last_at"),
)
"""What a standing's row has beside (or instead of) what the engine says of it."""
_SOURCES: Final = (*_OURS, *Told._fields)
_in_order: Final = itemgetter(*(_SOURCES.index(name) for name in STANDING_COLUMNS))

_MOVING: Final = tuple(
    name
    for name in STANDING_COLUMNS
    if name
    in {
        *("score", "fit", "engagement", "temperature", "scored_at", "decided_until", "due_at", "last_seq", "last_at"),
        *("signals", "visits", "idle_since", "likelihood"),
    }
)
"""What nearly every event changes. Where nothing else did, most of a standing's indexes need not be touched."""
_OTHERS: Final = tuple(name for name in STANDING_COLUMNS if name not in _MOVING and name not in _KEY)
_moving: Final = itemgetter(*(STANDING_COLUMNS.index(name) for name in (*_MOVING, *_KEY)))
_others: Final = itemgetter(*(STANDING_COLUMNS.index(name) for name in _OTHERS))
_encoded: Final = msgspec.msgpack.Encoder().encode
_whole: Final = itemgetter(*(STANDING_COLUMNS.index(name) for name in (*_MOVING, *_OTHERS, *_KEY)))
_MOVED: Final = tuple(field.name for field in fields(Moved))
assert _MOVED[0] == "person_id" and _MOVED[-2:] == ("passed", "is_redefinition")
_moved: Final = attrgetter(*_MOVED)
_move_in_order: Final = itemgetter(
    *(
        (*_MOVED, "generation_id", "line_of_business", "number", "playbook_version", "engine_version").index(name)
        for name in MOVE_COLUMNS
    )
)


class Stood(NamedTuple):
    """What is stored of a standing, as far as deciding onward needs it.

    `state` is None where the engine's memory is lost: the person is decided again from nothing. `lasting`: the digest
    of what lasts in it.
    """

    person_id: int
    stage: str
    lap: int
    decided_until: int
    last_seq: int
    last_at: int
    lasting: int
    state: bytes | None


def standings_of(person_ids: Collection[int], line: Line) -> dict[int, Stood]:
    """What is stored of these people's standings in the line's generation."""
    of = line.generation_id, line.name
    found = {row[0]: Stood._make(row) for row in tables.read(_STATES_READ, sorted(person_ids), *of)}
    rest = sorted(set(person_ids) - found.keys())
    return found | {row[0]: Stood(*row, 0, None) for row in tables.read(_STANDINGS_READ, rest, *of)}


_STATES_READ: Final = (
    f"SELECT {', '.join(Stood._fields)} FROM lifecycle_state"
    " WHERE person_id IN ({ids}) AND generation_id = %s AND line = %s"
)
_STANDINGS_READ: Final = (
    f"SELECT {', '.join(Stood._fields[:-2])} FROM lifecycle_standing"
    " WHERE person_id IN ({ids}) AND generation_id = %s AND line = %s"
)


def write_standings(line: Line, outcomes: Sequence[Outcome], stood: Mapping[int, Stood]) -> None:
    """Writes what people's standings have become, and the states, given what is stored."""
    fresh, whole, moving, states = [], [], [], []
    for outcome in outcomes:
        row = standing_row(line, outcome)
        lasting = lasting_in(row)
        states.append(state_row(line, outcome, lasting))
        before = stood.get(outcome.person.id)
        if before is None:
            fresh.append(row)
        elif before.lasting == lasting:
            moving.append(_moving(row))
        else:
            whole.append(_whole(row))
    tables.insert(Standing, STANDING_COLUMNS, fresh)
    tables.update(Standing, (*_MOVING, *_OTHERS), _KEY, whole)
    tables.update(Standing, _MOVING, _KEY, moving)
    tables.upsert(State, STATE_COLUMNS, _KEY, states)


def standing_row(line: Line, outcome: Outcome) -> tuple[Any, ...]:
    """A standing's columns, in the order of STANDING_COLUMNS."""
    decision, person = outcome.decision, outcome.person
    ours = (
        line.generation_id,
        person.id,
        line.name,
        outcome.until,
        decision.due_at,
        int(person.is_anonymous),
        person.source,
        person.owner_id,
        person.company_id,
        (decision.standing.competitor or "")[:250],
        decision.standing.hold_until,
        *decision.letters_until,
        decision.bant_told,
        line.version,
        line.engine_version,
        outcome.last_seq,
        outcome.last_at,
    )
    return _in_order((*ours, *decision.standing))


def lasting_in(row: tuple[Any, ...]) -> int:
    """A digest of what lasts in a standing's row: all but what nearly every event changes."""
    return int.from_bytes(blake2b(_encoded(_others(row)), digest_size=8).digest(), "little", signed=True)


def state_row(line: Line, outcome: Outcome, lasting: int) -> tuple[Any, ...]:
    """A state's columns, in the order of STATE_COLUMNS; `lasting`: the digest of the standing that it goes with."""
    standing = outcome.decision.standing
    return (
        line.generation_id,
        outcome.person.id,
        line.name,
        outcome.decision.state,
        standing.stage,
        standing.lap,
        outcome.until,
        outcome.last_seq,
        outcome.last_at,
        lasting,
    )


assert STATE_COLUMNS[3:] == ("state", "stage", "lap", "decided_until", "last_seq", "last_at", "lasting")


def move_row(line: Line, move: Moved, number: int) -> tuple[Any, ...]:
    """A move's columns, in the order of MOVE_COLUMNS."""
    told = _moved(move)
    ours = (line.generation_id, line.name, number, line.version, line.engine_version)
    return _move_in_order((*told[:-2], int(told[-2]), int(told[-1]), *ours))


def moves_of(person_ids: Collection[int], line: Line) -> dict[int, list[Moved]]:
    """By person their moves in the line's generation, in order."""
    found: dict[int, list[Moved]] = {}
    for row in tables.read(_MOVES_READ, person_ids, line.generation_id, line.name):
        found.setdefault(row[0], []).append(Moved(*row[:-2], bool(row[-2]), bool(row[-1])))
    return found


_MOVES_READ: Final = (
    f"SELECT {', '.join(_MOVED)} FROM lifecycle_stagemove WHERE person_id IN ({{ids}}) AND generation_id = %s"
    " AND line_of_business = %s ORDER BY person_id, number"
)


def forget_moves(person_ids: Collection[int], line: Line) -> None:
    """Takes away these people's moves in the line's generation, to be written anew."""
    statement = "DELETE FROM lifecycle_stagemove WHERE person_id IN ({ids}) AND generation_id = %s"
    tables.change(f"{statement} AND line_of_business = %s", person_ids, line.generation_id, line.name)


def engine_move(row: StageMove) -> EngineMove:
    """The move a row holds, as the engine tells it."""
    return EngineMove(
        at=row.at,
        from_code=row.from_stage if row.from_status == "active" else row.from_status,
        to_code=row.stage if row.status == "active" else row.status,
        stage=row.stage,
        status=row.status,
        cause=cast(Cause, row.cause),
        because=row.because,
        line=row.rule_line,
        passed=row.passed,
        score=row.score,
        fit=row.fit,
        engagement=row.engagement,
        seq=row.event_seq,
        lap=row.lap,
    )


def write_tallies(line: Line, outcomes: Sequence[Outcome]) -> None:
    """Adds kinds, sets signals; whoever was emptied or decided from nothing starts afresh."""
    afresh = [each.person.id for each in outcomes if each.is_emptied or (each.is_anew and each.has_stood)]
    _forget(Tally, afresh, line)
    greatest = "GREATEST" if connection.vendor == "postgresql" else "MAX"
    tables.upsert(
        Tally,
        TALLY_COLUMNS,
        ("generation_id", "person_id", "line", "is_signal", "name"),
        [row for outcome in outcomes for row in tally_rows(line, outcome)],
        lambda new: (
            f"times = {new}.times + CASE WHEN {new}.is_signal THEN 0 ELSE lifecycle_tally.times END,"
            f" last_at = {greatest}({new}.last_at, lifecycle_tally.last_at)"
        ),
    )


def write_marks(line: Line, outcomes: Sequence[Outcome]) -> None:
    """Adds what was told by name; whoever began a lap or is decided from nothing starts afresh."""
    afresh = [each.person.id for each in outcomes if each.is_new_lap or (each.is_anew and each.has_stood)]
    _forget(Mark, afresh, line)
    rows = [row for outcome in outcomes if outcome.marked for row in mark_rows(line, outcome)]
    tables.upsert(Mark, MARK_COLUMNS, MARK_COLUMNS, rows, lambda new: f"name = {new}.name")


def _forget(model: type[Tally] | type[Mark], person_ids: Collection[int], line: Line) -> None:
    statement = f"DELETE FROM {model._meta.db_table} WHERE person_id IN ({{ids}}) AND generation_id = %s"
    tables.change(statement, person_ids, line.generation_id)


def mark_rows(line: Line, outcome: Outcome) -> Iterable[tuple[Any, ...]]:
    """What was told of a person by name, in the order of MARK_COLUMNS."""
    generation, person_id, name = line.generation_id, outcome.person.id, line.name
    return [(generation, person_id, name, marked.fact, marked.name) for marked in outcome.marked]


def tally_rows(line: Line, outcome: Outcome) -> Iterable[tuple[Any, ...]]:
    """A person's tallies, in the order of TALLY_COLUMNS."""
    generation, person_id, name = line.generation_id, outcome.person.id, line.name
    return [
        (generation, person_id, name, counted.name, int(counted.is_signal), counted.times, counted.last_at)
        for counted in outcome.counted
    ]


assert TALLY_COLUMNS == ("generation_id", "person_id", "line", "name", "is_signal", "times", "last_at")
assert MARK_COLUMNS == ("generation_id", "person_id", "line", "fact", "name")
