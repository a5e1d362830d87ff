"""People decided together, each from nothing or on from a state: one run of the kernel, plain or compiled.

What they were, are and have done is held in tables, a row for each, from the stored states to the stored states.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from rung.engine import kernel as k
from rung.engine.deciding import (
    Decision,
    Encoded,
    Row,
    check_order,
    handoffs_told,
    key_updates,
    moves_told,
    room_for,
    rows_until,
    standing_columns,
    standings_told,
)
from rung.engine.encoding import Encoder, lists
from rung.engine.program import Program
from rung.engine.replay import STANDING_TYPES
from rung.engine.states import Kept, States, put_values
from rung.terms.stages import BANT

_FEWEST_MOVES: Final = 256


def decide(program: Program, rows: Sequence[Row], until: int, state: bytes | None = None) -> Decision:
    """The person after the rows, at `until` (inclusive); rows after it are not looked at.

    Any split of the rows into calls, and any extra calls without rows, give the same moves as one call. Raises
    OutOfOrder for a row before what the state has seen, StaleState for a state of another playbook or engine.
    """
    alone = Several(program)
    alone.add(rows, until, state)
    return alone.decided(is_compiled=False)[0]


class Asked(NamedTuple):
    """Somebody who is to be decided: the rows to look at, in order, and the state to go on from, if any."""

    rows: Sequence[Row]
    until: int
    kept: Kept | None


class Several:
    """People who are decided together: added one by one, then decided in one go."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.everybody: list[Asked] = []
        self._states = States(program)

    def add(self, rows: Sequence[Row], until: int, state: bytes | None = None) -> None:
        """One more person: their rows, up to when, and the state to go on from. Raises as `decide` does."""
        looked_at = rows_until(rows, until)
        kept = None
        if state is not None:
            kept = self._states.decoded(state)
            check_order(looked_at, kept)
        self.everybody.append(Asked(looked_at, until, kept))

    def decided(self, *, is_compiled: bool) -> list[Decision]:
        """What came of each, in the order added: as if each had been decided alone, in a fraction of the time.

        Loads Numba when `is_compiled`, so a process that serves pages must not ask for it.
        """
        if not self.everybody:
            return []
        encoded = Encoded(self.program)
        who, sums = self._people(encoded.encoder)
        records = [encoded.record(row) for asked in self.everybody for row in asked.rows]
        given = Given(
            encoder=encoded.encoder,
            past=lists(encoded.encoder, records),
            known=encoded.encoder.tables(),
            starts=np.cumsum([0, *[len(asked.rows) for asked in self.everybody]]),
            first_at=np.array([asked.rows[0].event.at if asked.rows else _NEVER for asked in self.everybody], np.int64),
        )
        return decisions(self.program, self.everybody, given, who, sums, is_compiled=is_compiled)

    def _people(self, encoder: Encoder) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Everybody's numbers before the first row."""
        room = max([room_for(rows, kept) for rows, _, kept in self.everybody])
        who, sums = self._states.restored([asked.kept for asked in self.everybody], self.program.person_size(room))
        first = self.program.arrays.slots
        for mine, (rows, _, kept) in zip(who, self.everybody, strict=True):
            if kept is not None:
                put_values(encoder, kept, mine)
                continue
            for told in key_updates(encoder, rows):
                mine[first + told.slot] = told.value
        return who, sums


class Given(NamedTuple):
    """Everybody's rows, one after the other, as the kernel reads them. `starts`: where each one's begin, and the end;
    `first_at`: when the first of them was."""

    encoder: Encoder
    past: k.Rows
    known: k.Tables
    starts: NDArray[np.int64]
    first_at: NDArray[np.int64]


def decisions(
    program: Program,
    everybody: Sequence[Asked],
    given: Given,
    who: NDArray[np.int64],
    sums: NDArray[np.float64],
    *,
    is_compiled: bool,
) -> list[Decision]:
    """What came of each. `who` and `sums`: a line for each, as they were before the first row."""
    return _Run(program, everybody, given, who, sums, _fast() if is_compiled else _PLAIN).decisions()


@dataclass(frozen=True, slots=True)
class _Machine:
    """The kernel's function, plain or compiled, and how bundles, columns and tables must look for it."""

    run_several: Callable[..., int]
    bundle: Callable[[Any], Any]
    column: Callable[[NDArray[Any]], Any]
    standings: Callable[[int], k.Standings]


class _Run:
    """One run of the kernel over everybody who was added."""

    def __init__(
        self,
        program: Program,
        everybody: Sequence[Asked],
        given: Given,
        who: NDArray[np.int64],
        sums: NDArray[np.float64],
        machine: _Machine,
    ) -> None:
        self.program, self.everybody, self.given, self.machine = program, everybody, given, machine
        self.who, self.sums = who, sums
        self.untils = [asked.until for asked in everybody]
        self.due_at = np.full(len(everybody), k.NONE, np.int64)
        self.out = _room(_FEWEST_MOVES + 4 * len(everybody))
        self.standings = self._run()

    def _run(self) -> k.Standings:
        """Runs the kernel, and again from whomever there was no room for; everybody's standing, in lists."""
        machine, program, n = self.machine, self.program, len(self.everybody)
        who, sums, due_at = (machine.column(column) for column in (self.who, self.sums, self.due_at))
        standings = machine.bundle(machine.standings(n))
        fixed = (
            machine.bundle(program.arrays),
            machine.bundle(self.given.known),
            machine.bundle(self.given.past),
            machine.column(self.given.starts),
            machine.column(np.array(self.untils, np.int64)),
        )
        before, done = (self.who.copy(), self.sums.copy()), 0
        while True:
            place = machine.bundle(self.out)
            done = machine.run_several(*fixed, who, sums, place, standings, due_at, program.hot, program.warm, done)
            if done == n:
                break
            self.out = _larger(place)
            who[done][:], sums[done][:] = (table[done].tolist() for table in before)
        self.out = k.Out(*map(_whole, place))
        self.who, self.sums, self.due_at = np.asarray(who), np.asarray(sums), np.asarray(due_at)
        return k.Standings(*map(_whole, standings))

    def decisions(self) -> list[Decision]:
        """What came of each, column by column, then person by person."""
        moves, handoffs = self._moves_and_handoffs()
        columns = (
            standings_told(self.given.encoder, self.standings, self.untils),
            moves,
            handoffs,
            States(self.program).stored(self.given.encoder, self.who, self.sums),
            [None if at == k.NONE else at for at in self.due_at.tolist()],
            *self._letters(),
            self._matched(),
        )
        return list(map(Decision._make, zip(*columns, strict=True)))

    def _moves_and_handoffs(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Of each person; nearly nobody has any."""
        n = len(self.everybody)
        moves: list[tuple[Any, ...]] = [()] * n
        handoffs: list[tuple[Any, ...]] = [()] * n
        starts = self.given.starts.tolist()
        for place, first, end in _parts(self.standings.moves_to[:n]):
            told = self.out.moves[first * k.MOVE_WIDTH : end * k.MOVE_WIDTH]
            numbers = self.out.numbers[3 * first : 3 * end]
            moves[place] = moves_told(self.program, self.everybody[place].rows, told, numbers, starts[place])
        for place, first, end in _parts(self.standings.handoffs_to[:n]):
            told = self.out.handoffs[first * k.HANDOFF_WIDTH : end * k.HANDOFF_WIDTH]
            handoffs[place] = handoffs_told(self.everybody[place].rows, told, starts[place])
        return moves, handoffs

    def _letters(self) -> tuple[list[tuple[int | None, ...]], list[int]]:
        """Until when each letter's answer counts, and how many of those that count were told."""
        who, n_letters = self.who, len(BANT)
        until_when: list[tuple[int | None, ...]] = [_NO_LETTERS] * len(who)
        answers = who[:, k.LETTER : k.LETTER + n_letters]
        valid_for = np.array(self.program.arrays.valid_for, np.int64)
        ends = who[:, k.LETTER_AT : k.LETTER_AT + n_letters] + valid_for
        counts = (answers != 0) & ((valid_for == 0) | (who[:, [k.NOW]] < ends))
        told = (counts & (who[:, k.LETTER_TOLD : k.LETTER_TOLD + n_letters] != 0)).sum(axis=1)
        ages = counts & (valid_for != 0)
        for place in np.flatnonzero(ages.any(axis=1)).tolist():
            pairs = zip(ends[place].tolist(), ages[place].tolist(), strict=True)
            until_when[place] = tuple([end if does_age else None for end, does_age in pairs])
        return until_when, told.tolist()

    def _matched(self) -> list[tuple[tuple[int, int, int], ...]]:
        """(signal, times this lap, last at) of those that matched in each one's rows."""
        play, n = self.program.arrays, len(self.everybody)
        times = self.who[:, play.match_count : play.match_count + play.n_signals]
        last = self.who[:, play.match_at : play.match_at + play.n_signals]
        matched = (last >= self.given.first_at[:, None]) & (times != 0)
        who, signal = matched.nonzero()
        told = list(zip(signal.tolist(), times[matched].tolist(), last[matched].tolist(), strict=True))
        found: list[tuple[tuple[int, int, int], ...]] = [()] * n
        for place, first, end in _parts(np.searchsorted(who, np.arange(n), "right").tolist()):
            found[place] = tuple(told[first:end])
        return found


_NO_LETTERS: Final = (None,) * len(BANT)
_NEVER: Final = np.iinfo(np.int64).max


def _parts(ends: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(place, first, end) of each place that has something, given where each one's part ends."""
    first = 0
    for place, end in enumerate(ends):
        if end != first:
            yield place, first, end
            first = end


def _room(moves: int) -> k.Out:
    return k.Out([0] * (moves * k.MOVE_WIDTH), [0.0] * (3 * moves), moves, [0] * (moves * k.HANDOFF_WIDTH), moves)


def _larger(out: k.Out) -> k.Out:
    wide = _room(4 * out.moves_room)
    for name in ("moves", "numbers", "handoffs"):
        told = _whole(getattr(out, name))
        getattr(wide, name)[: len(told)] = told
    return wide


def _whole(column: Any) -> Any:
    return cast(list[Any], column.tolist()) if isinstance(column, np.ndarray) else column


_PLAIN: Final = _Machine(k.run_several, lambda bundle: bundle, lambda column: column.tolist(), standing_columns)


def _fast() -> _Machine:
    from rung.engine import compiled

    return _Machine(compiled.run_several, compiled.as_arrays, lambda column: column, _standing_arrays)


def _standing_arrays(people: int) -> k.Standings:
    return k.Standings(*(np.zeros(people, STANDING_TYPES[name]) for name in k.Standings._fields))
