"""Several people decided together, each from nothing or on from a state: one run of the kernel, plain or compiled."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np

from rung.engine import kernel as k
from rung.engine.deciding import Decision, Encoded, Row, Session, standing_columns, standings_told
from rung.engine.encoding import lists
from rung.engine.program import Program
from rung.engine.replay import STANDING_TYPES

_FEWEST_MOVES: Final = 256


@dataclass(frozen=True, slots=True)
class _Machine:
    """The kernel's function, plain or compiled, and how bundles, columns and tables must look for it."""

    run_several: Callable[..., int]
    bundle: Callable[[Any], Any]
    integers: Callable[[list[Any]], Any]
    table: Callable[[list[list[Any]], str], Any]
    standings: Callable[[int], k.Standings]


class Several:
    """People who are decided together: added one by one, then decided in one go."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.shared = Encoded(program)
        self.sessions: list[Session] = []

    def add(self, rows: Sequence[Row], until: int, state: bytes | None = None) -> Session:
        """One more person: their rows, up to when, and the state to go on from. Raises as `decide` does."""
        session = Session(self.program, rows, until, state, shared=self.shared)
        self.sessions.append(session)
        return session

    def decided(self, *, is_compiled: bool) -> list[Decision]:
        """What came of each, in the order added: as if each had been decided alone, in a fraction of the time.

        Loads Numba when `is_compiled`, so a process that serves pages must not ask for it.
        """
        if not self.sessions:
            return []
        return _run(self.sessions, self.shared, _fast() if is_compiled else _PLAIN)


def _run(everybody: Sequence[Session], shared: Encoded, machine: _Machine) -> list[Decision]:
    program, records, starts = everybody[0].program, [], [0]
    for session in everybody:
        records += session.records
        starts.append(len(records))
    who = machine.table([session.who for session in everybody], "q")
    sums = machine.table([session.sums for session in everybody], "d")
    standings = machine.bundle(machine.standings(len(everybody)))
    due_at = machine.integers([k.NONE] * len(everybody))
    known = shared.encoder.tables()
    fixed = (
        machine.bundle(everybody[0].play),
        machine.bundle(known),
        machine.bundle(lists(shared.encoder, records)),
        machine.integers(starts),
        machine.integers([session.until for session in everybody]),
        who,
        sums,
    )
    out, done = _room(_FEWEST_MOVES + 4 * len(everybody)), 0
    while True:
        place = machine.bundle(out)
        done = machine.run_several(*fixed, place, standings, due_at, program.hot, program.warm, done)
        if done == len(everybody):
            break
        out = _larger(place)
        who[done][: len(everybody[done].who)] = _same(who, everybody[done].who)
        sums[done][:] = _same(sums, everybody[done].sums)
    columns = k.Standings(*map(_whole, standings))
    _hand_out(everybody, _table(who), _table(sums), place, starts, columns)
    told = standings_told(shared.encoder, columns, [session.until for session in everybody])
    for session in everybody:
        session.known = known
    return [session.decided(*found) for session, *found in zip(everybody, told, _whole(due_at), strict=True)]


def _hand_out(
    everybody: Sequence[Session],
    who: list[list[int]],
    sums: list[list[float]],
    out: k.Out,
    starts: list[int],
    standings: k.Standings,
) -> None:
    """Gives each session what came of it, as if it had been run alone."""
    moves, numbers, handoffs = _whole(out.moves), _whole(out.numbers), _whole(out.handoffs)
    first_move = first_handoff = 0
    n_moves, n_handoffs = k.N_MOVES, k.N_HANDOFFS
    for n, (session, last_move, last_handoff) in enumerate(
        zip(everybody, standings.moves_to[: len(everybody)], standings.handoffs_to[: len(everybody)], strict=True)
    ):
        session.who, session.sums = who[n], sums[n]
        if last_move == first_move and last_handoff == first_handoff:  # nearly always
            session.who[n_moves] = session.who[n_handoffs] = 0
            session.out = _NOTHING
            continue
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


_NOTHING: Final = k.Out([], [], 0, [], 0)
"""What came of whoever neither moved nor had a hand-off; nobody writes into it."""


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


def _table(table: Any) -> list[list[Any]]:
    return cast(list[list[Any]], table.tolist()) if isinstance(table, np.ndarray) else table


def _same(table: Any, values: list[Any]) -> Any:
    return np.array(values, table.dtype) if isinstance(table, np.ndarray) else list(values)


_PLAIN: Final = _Machine(
    k.run_several, lambda bundle: bundle, list, lambda rows, _: [list(row) for row in rows], standing_columns
)


def _fast() -> _Machine:
    from rung.engine import compiled

    return _Machine(compiled.run_several, compiled.as_arrays, _integers, _padded, _standing_arrays)


def _integers(column: list[int]) -> Any:
    return np.array(column, np.int64)


def _standing_arrays(people: int) -> k.Standings:
    return k.Standings(*(np.zeros(people, STANDING_TYPES[name]) for name in k.Standings._fields))


def _padded(rows: list[list[Any]], type_: str) -> Any:
    """A table of whole numbers ("q") or reals ("d"), as wide as the longest row."""
    width = max(map(len, rows))
    flat = array(type_)
    for row in rows:
        # Of a list an array is made in one go; `extend` would ask it for one number after the other.
        flat += array(type_, row if len(row) == width else row + [0] * (width - len(row)))
    return np.frombuffer(flat, np.int64 if type_ == "q" else np.float64).reshape(len(rows), width)
