"""Several people decided together, each from nothing or on from a state: one run of the kernel, plain or compiled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np

from rung.engine import kernel as k
from rung.engine.deciding import Encoded, Row, Session
from rung.engine.encoding import lists
from rung.engine.program import Program

_FEWEST_MOVES: Final = 256


@dataclass(frozen=True, slots=True)
class Asked:
    """One person to be decided: their rows, up to when, and the state to go on from, if any."""

    rows: Sequence[Row]
    until: int
    state: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Machine:
    """The kernel's function, plain or compiled, and how bundles, columns and tables must look for it."""

    run_several: Callable[..., int]
    bundle: Callable[[Any], Any]
    integers: Callable[[list[Any]], Any]
    table: Callable[[list[list[Any]], type], Any]


def sessions(program: Program, asked: Sequence[Asked], *, is_compiled: bool) -> list[Session]:
    """Everybody's session, run: the same answers as one session after the other, in a fraction of the time.

    Loads Numba when `is_compiled`, so a process that serves pages must not ask for it. Raises OutOfOrder and
    StaleState as Session does.
    """
    if not asked:
        return []
    shared = Encoded(program)
    everybody = [Session(program, one.rows, one.until, one.state, shared=shared) for one in asked]
    records, starts = [], [0]
    for session in everybody:
        records += session.records
        starts.append(len(records))
    known = shared.encoder.tables()
    _run(everybody, lists(shared.encoder, records), starts, known, _fast() if is_compiled else _PLAIN)
    for session in everybody:
        session.known = known
    return everybody


def _run(everybody: Sequence[Session], past: k.Rows, starts: list[int], known: k.Tables, machine: _Machine) -> None:
    who = machine.table([session.who for session in everybody], int)
    sums = machine.table([session.sums for session in everybody], float)
    moves_to, handoffs_to = (machine.integers([0] * len(everybody)) for _ in range(2))
    fixed = (
        machine.bundle(everybody[0].play),
        machine.bundle(known),
        machine.bundle(past),
        machine.integers(starts),
        machine.integers([session.until for session in everybody]),
        who,
        sums,
    )
    out, done = _room(_FEWEST_MOVES + 4 * len(everybody)), 0
    while True:
        place = machine.bundle(out)
        done = machine.run_several(*fixed, place, moves_to, handoffs_to, done)
        if done == len(everybody):
            break
        out = _larger(place)
        who[done][: len(everybody[done].who)] = _same(who, everybody[done].who)
        sums[done][:] = _same(sums, everybody[done].sums)
    _hand_out(everybody, who, sums, place, starts, _whole(moves_to), _whole(handoffs_to))


def _hand_out(
    everybody: Sequence[Session],
    who: Any,
    sums: Any,
    out: k.Out,
    starts: list[int],
    moves_to: list[int],
    handoffs_to: list[int],
) -> None:
    """Gives each session what came of it, as if it had been run alone."""
    moves, numbers, handoffs = _whole(out.moves), _whole(out.numbers), _whole(out.handoffs)
    first_move = first_handoff = 0
    for n, session in enumerate(everybody):
        last_move, last_handoff = moves_to[n], handoffs_to[n]
        session.who, session.sums = _whole(who[n]), _whole(sums[n])
        session.who[k.N_MOVES], session.who[k.N_HANDOFFS] = last_move - first_move, last_handoff - first_handoff
        mine = moves[first_move * k.MOVE_WIDTH : last_move * k.MOVE_WIDTH]
        theirs = handoffs[first_handoff * k.HANDOFF_WIDTH : last_handoff * k.HANDOFF_WIDTH]
        _from_own_first_row(mine, k.MOVE_WIDTH, k.M_ROW, starts[n])
        _from_own_first_row(theirs, k.HANDOFF_WIDTH, k.H_ROW, starts[n])
        session.out = k.Out(
            mine, numbers[3 * first_move : 3 * last_move], last_move - first_move, theirs, last_handoff - first_handoff
        )
        first_move, first_handoff = last_move, last_handoff


def _from_own_first_row(told: list[int], width: int, row: int, start: int) -> None:
    for place in range(row, len(told), width):
        if told[place] != k.NONE:
            told[place] -= start


def _room(moves: int) -> k.Out:
    return k.Out([0] * (moves * k.MOVE_WIDTH), [0.0] * (3 * moves), moves, [0] * (moves * k.HANDOFF_WIDTH), moves)


def _larger(out: k.Out) -> k.Out:
    wide = _room(4 * out.moves_room)
    for name in ("moves", "numbers", "handoffs"):
        told = _whole(getattr(out, name))
        getattr(wide, name)[: len(told)] = told
    return wide


def _whole(column: Any) -> list[Any]:
    return cast(list[Any], column.tolist()) if isinstance(column, np.ndarray) else list(column)


def _same(table: Any, values: list[Any]) -> Any:
    return np.array(values, table.dtype) if isinstance(table, np.ndarray) else list(values)


_PLAIN: Final = _Machine(k.run_several, lambda bundle: bundle, list, lambda rows, _: [list(row) for row in rows])


def _fast() -> _Machine:
    from rung.engine import compiled

    return _Machine(compiled.run_several, compiled.as_arrays, lambda column: np.array(column, np.int64), _padded)


def _padded(rows: list[list[Any]], type_: type) -> Any:
    table = np.zeros((len(rows), max(map(len, rows))), np.int64 if type_ is int else np.float64)
    for n, row in enumerate(rows):
        table[n, : len(row)] = row
    return table
