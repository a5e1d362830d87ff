"""A whole history decided at once: made ready for some playbooks, run by the compiled kernel, back as columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rung.engine import kernel as k
from rung.engine import machine
from rung.engine.colleagues import Colleagues, Reaching, piece_of
from rung.engine.histories import KIND_NAMES, History, Ints, spread
from rung.engine.machine import Machine
from rung.engine.ordering import Ordered, Own, in_order
from rung.engine.payloads import Encoding
from rung.engine.program import Program
from rung.playbook.conditions import Value

STANDING_TYPES: Final[Mapping[str, Any]] = {
    **dict.fromkeys(k.Standings._fields, np.int8),
    **dict.fromkeys(("score", "fit", "engagement", "likelihood"), np.float64),
    **dict.fromkeys(("since", "first_at", "last_at", "idle_since", "rest_until", "hold_until", "open_at"), np.int64),
    **dict.fromkeys(("moves_to", "handoffs_to", "clauses"), np.int64),
    **dict.fromkeys(("lap", "signals", "visits", "decision_makers", "competitor", "decision_date"), np.int32),
}
"""The type of each column of standings."""

TEMPERATURES: Final = ("cold", "warm", "hot")

WORTH_COMPILING: Final = 20_000
"""Rows below which plain Python is done before Numba has been loaded."""


@dataclass(frozen=True, slots=True)
class Moves:
    """All moves by person and order of happening, column by column; `seq` and `row` say by which event: its row in the
    history, NONE where it stands elsewhere (a colleague's); both NONE by time alone."""

    person: Ints
    at: Ints
    from_stage: Ints
    from_status: Ints
    stage: Ints
    status: Ints
    cause: Ints
    line: Ints
    passed: Ints
    row: Ints
    seq: Ints
    lap: Ints
    score: NDArray[np.float64]
    fit: NDArray[np.float64]
    engagement: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Handoffs:
    person: Ints
    at: Ints
    what: Ints
    lane: Ints
    row: Ints
    seq: Ints


@dataclass(frozen=True, slots=True)
class Replayed:
    """Everybody's standing at `until`, in the order of `people`, and how they came there."""

    program: Program
    until: int
    people: Sequence[str]
    standings: k.Standings
    moves: Moves
    handoffs: Handoffs
    unreached: int
    """Colleagues that events did not reach because a company has too many."""
    competitors: list[Value]
    decision_dates: list[Value]
    clause_values: NDArray[np.float64] = field(repr=False)
    is_there: NDArray[np.bool_] = field(repr=False)
    """Of whom something had happened by then; nobody else stands anywhere yet."""


def replay(
    program: Program,
    history: History,
    until: int,
    *,
    clauses: k.Clauses | None = None,
    is_compiled: bool | None = None,
) -> Replayed:
    """Everybody in the history, decided from nothing. Rows after `until` are not looked at.

    `clauses`: what to find out about each person's next rung (`explain.clauses_of`), for `missing`. Loads Numba only
    for a history that is large, or when `is_compiled` says so.
    """
    return prepare(history, (program,), until, is_compiled=is_compiled).replay(program, clauses=clauses)


def prepare(
    history: History, programs: Sequence[Program], until: int, *, is_compiled: bool | None = None
) -> "Prepared":
    """The history made ready for these programs: read, joined by company, sorted, alike rows found, once for all."""
    if is_compiled is None:
        is_compiled = len(history.kind) >= WORTH_COMPILING
    how = machine.fast() if is_compiled else machine.plain()
    shared = shared_kinds(programs)
    own = in_order(history, programs, until, how)
    colleagues = None
    if shared or KIND_NAMES.index("company_described") in history.kind:
        piece = piece_of(history, programs, until, own.order, shared)
        own.came_row = piece.came_row
        colleagues = Colleagues([piece], programs, how)
    return Prepared(own, until, how, colleagues)


def shared_kinds(programs: Iterable[Program]) -> frozenset[str]:
    """The kinds of which a colleague's event is a row, for any of the programs."""
    return frozenset(kind for program in programs for kind in program.reaches_colleagues)


@dataclass(frozen=True, slots=True)
class Some:
    """Some of a history: these people (in order), and of their own rows only those that are kept."""

    people: Ints
    keeps: NDArray[np.bool_]
    """By row of the history. What reaches people by their company always stays."""


class Prepared:
    """A history, or a part of one, on which programs run: `replay` as often as you like, in several threads at once."""

    def __init__(self, own: Own, until: int, how: Machine, colleagues: Reaching | None, part: int = 0) -> None:
        self.own, self.until, self.history = own, until, own.history
        self._machine, self._colleagues, self._part = how, colleagues, part
        self._ordered: dict[frozenset[str], Ordered] = {}
        self._encodings: dict[object, Encoding] = {}

    @property
    def is_compiled(self) -> bool:
        return self._machine.is_compiled

    def replay(
        self, program: Program, until: int | None = None, *, clauses: k.Clauses | None = None, only: Some | None = None
    ) -> Replayed:
        """Everybody by this program, which must be one of those that this was prepared for or read the same fields.

        `until`: an earlier instant than that for which this was prepared. `only`: nobody else; numbers of people in
        the answer are then places in `only.people`.
        """
        ordered, encoding = self.ready_for(program)
        until = self.until if until is None else until
        records, starts, row = ordered.records, ordered.starts, ordered.row
        if until < self.until:
            is_before = records["at"] <= until
            starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(is_before)])[starts]
            records, row = records[is_before], row[is_before]
        keys, people = encoding.keys, self.history.people
        if only is not None:
            records, row, starts = _some(records, row, starts, only)
            keys = keys._replace(
                **{name: getattr(keys, name)[only.people] for name in _OF_PEOPLE if len(getattr(keys, name))}
            )
            people = [people[person] for person in only.people.tolist()]
        run = _Run(program, encoding, self._machine, records, starts, until, self.own.most_places)
        out, standings, values = run.everybody(keys, clauses or k.Clauses([0] * 8, [], [], [], 0))
        return _replayed(
            program, until, people, out, standings, values, (records["seq"], row, starts), ordered, encoding
        )

    def ready_for(self, program: Program) -> tuple[Ordered, Encoding]:
        """The rows in order, and what they are to the program."""
        ordered = self._ordered_for(program.reaches_colleagues)
        return ordered, self._encoding_for(program, ordered)

    def _ordered_for(self, shared: frozenset[str]) -> Ordered:
        if shared not in self._ordered:
            self._ordered[shared] = self.own.with_colleagues(self._colleagues, self._part, shared, self._machine)
        return self._ordered[shared]

    def _encoding_for(self, program: Program, ordered: Ordered) -> Encoding:
        """Programs that differ in thresholds alone read the history alike: they share what it is to them."""
        key = program.reading_key
        if key not in self._encodings:
            self._encodings[key] = Encoding(program, ordered.groups, ordered.facts, ordered.n_states, self.own.keys)
        return self._encodings[key]


_OF_PEOPLE: Final = ("email", "domain", "free")
"""What the keys say person by person."""


def _some(records: Any, row: Ints, starts: Ints, only: Some) -> tuple[Any, Ints, Ints]:
    """The rows of some people, and where each one's begin."""
    counts = np.diff(starts)[only.people]
    places = spread(starts[:-1][only.people], counts)
    owner = np.repeat(np.arange(len(only.people)), counts)
    rows = row[places]
    is_kept = (rows < 0) | only.keeps[np.maximum(rows, 0)]
    kept = np.bincount(owner[is_kept], minlength=len(only.people))
    return records[places[is_kept]], rows[is_kept], np.concatenate([np.zeros(1, np.int64), np.cumsum(kept)])


class _Run:
    """One run of the kernel over everybody."""

    def __init__(
        self,
        program: Program,
        encoding: Encoding,
        how: Machine,
        records: Any,
        starts: Ints,
        until: int,
        most_places: int,
    ) -> None:
        self.program, self.machine, self.until = program, how, until
        self.n_people = len(starts) - 1
        bundle, column = how.bundle, how.column
        past = k.Rows(records, encoding.payloads, encoding.updates, encoding.matches, encoding.joins)
        self.play, self.past, self.starts = bundle(program.arrays), bundle(past), column(starts)
        self.known = bundle(encoding.tables())
        self.who = column(np.zeros(program.person_size(most_places), np.int64))
        self.sums = column(np.zeros(k.F_FIXED + program.arrays.n_signals, np.float64))

    def everybody(self, keys: k.Keys, clauses: k.Clauses) -> tuple[k.Out, k.Standings, NDArray[np.float64]]:
        bundle, column, n_people = self.machine.bundle, self.machine.column, self.n_people
        standings = bundle(k.Standings(*(np.zeros(n_people, STANDING_TYPES[name]) for name in k.Standings._fields)))
        values = column(np.zeros(max(1, n_people * clauses.width), np.float64))
        fixed = (
            self.play,
            self.known,
            self.past,
            self.starts,
            bundle(keys),
            bundle(clauses),
            values,
            self.who,
            self.sums,
        )
        out, done = bundle(_room(n_people * 4 + 1024)), 0
        while True:
            done = self.machine.run_all(*fixed, out, standings, self.program.hot, self.program.warm, self.until, done)
            if done == n_people:
                break
            out = bundle(_larger(out))
        return _out_columns(out), _as_columns(standings), np.asarray(values, np.float64)


def _replayed(
    program: Program,
    until: int,
    people: Sequence[str],
    out: k.Out,
    standings: k.Standings,
    values: NDArray[np.float64],
    events: tuple[Ints, Ints, Ints],
    ordered: Ordered,
    encoding: Encoding,
) -> Replayed:
    return Replayed(
        program=program,
        until=until,
        people=people,
        standings=standings,
        moves=_moves(out, standings, events),
        handoffs=_handoffs(out, standings, events),
        unreached=ordered.unreached,
        competitors=encoding.encoder.values[k.COMPETITOR],
        decision_dates=encoding.encoder.values[k.DECISION_DATE],
        clause_values=values,
        is_there=np.diff(events[2]) > 0,
    )


def _moves(out: k.Out, standings: k.Standings, events: tuple[Ints, Ints, Ints]) -> Moves:
    n_moves = int(standings.moves_to[-1]) if len(standings.moves_to) else 0
    moves = out.moves[: n_moves * k.MOVE_WIDTH].reshape(n_moves, k.MOVE_WIDTH)
    numbers = out.numbers[: 3 * n_moves].reshape(n_moves, 3)
    seq, row = (_found(column, moves[:, k.M_ROW]) for column in events[:2])
    return Moves(
        person=_owners(standings.moves_to),
        at=moves[:, k.M_AT],
        from_stage=moves[:, k.M_FROM],
        from_status=moves[:, k.M_FROM_STATUS],
        stage=moves[:, k.M_TO],
        status=moves[:, k.M_TO_STATUS],
        cause=moves[:, k.M_CAUSE],
        line=moves[:, k.M_LINE],
        passed=moves[:, k.M_PASSED],
        row=row,
        seq=seq,
        lap=moves[:, k.M_LAP],
        score=numbers[:, 0],
        fit=numbers[:, 1],
        engagement=numbers[:, 2],
    )


def _handoffs(out: k.Out, standings: k.Standings, events: tuple[Ints, Ints, Ints]) -> Handoffs:
    n_handoffs = int(standings.handoffs_to[-1]) if len(standings.handoffs_to) else 0
    handoffs = out.handoffs[: n_handoffs * k.HANDOFF_WIDTH].reshape(n_handoffs, k.HANDOFF_WIDTH)
    seq, row = (_found(column, handoffs[:, k.H_ROW]) for column in events[:2])
    owners = _owners(standings.handoffs_to)
    return Handoffs(owners, handoffs[:, k.H_AT], handoffs[:, k.H_WHAT], handoffs[:, k.H_LANE], row, seq)


def _owners(ends: Ints) -> Ints:
    return np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))


def _found(column: Ints, places: Ints) -> Ints:
    return np.where(places >= 0, column[places] if len(column) else k.NONE, k.NONE)


def _room(moves: int) -> k.Out:
    return k.Out(
        np.zeros(moves * k.MOVE_WIDTH, np.int64),
        np.zeros(3 * moves, np.float64),
        moves,
        np.zeros(moves * k.HANDOFF_WIDTH, np.int64),
        moves,
    )


def _as_columns(standings: k.Standings) -> k.Standings:
    return k.Standings(
        *(np.asarray(column, STANDING_TYPES[name]) for name, column in zip(k.Standings._fields, standings, strict=True))
    )


def _out_columns(out: k.Out) -> k.Out:
    return k.Out(
        np.asarray(out.moves, np.int64),
        np.asarray(out.numbers, np.float64),
        out.moves_room,
        np.asarray(out.handoffs, np.int64),
        out.handoffs_room,
    )


def _larger(out: k.Out) -> k.Out:
    wide = _room(2 * out.moves_room)
    for name in ("moves", "numbers", "handoffs"):
        old = getattr(out, name)
        getattr(wide, name)[: len(old)] = old
    return wide


def people_order(people: Iterable[str]) -> list[int]:
    """The order in which people are printed: by key."""
    keys = list(people)
    return sorted(range(len(keys)), key=keys.__getitem__)
