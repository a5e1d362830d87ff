"""A whole history decided at once: encode, join, sort, run the compiled kernel, hand back columns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from rung.engine import joining
from rung.engine import kernel as k
from rung.engine.encoding import Encoder, is_timed
from rung.engine.program import FIRST_TOLD, Program, compile_program
from rung.engine.reading import KIND_NAMES, Columns, key_email
from rung.playbook.conditions import Value
from rung.playbook.loading import load
from rung.terms.companies import email_domain, is_free_mailbox

Ints = NDArray[np.int64]

STANDING_TYPES: Final[Mapping[str, Any]] = {
    **dict.fromkeys(k.Standings._fields, np.int8),
    **dict.fromkeys(("score", "fit", "engagement", "likelihood"), np.float64),
    **dict.fromkeys(("since", "first_at", "last_at", "idle_since", "rest_until", "hold_until", "open_at"), np.int64),
    **dict.fromkeys(("moves_to", "handoffs_to", "clauses"), np.int64),
    **dict.fromkeys(("lap", "signals", "visits", "decision_makers", "competitor", "decision_date"), np.int32),
}
"""The type of each column of standings."""

TEMPERATURES: Final = ("cold", "warm", "hot")

ROW_TYPE: Final = np.dtype([(name, np.int64) for name in k.RowRecord._fields])

WORTH_COMPILING: Final = 20_000
"""Rows below which plain Python is done before Numba has been loaded."""


class History(Protocol):
    """What `reading.Columns` gives: codes and times row by row, in order of arrival."""

    @property
    def people(self) -> list[str]: ...
    @property
    def companies(self) -> list[str]: ...
    @property
    def person(self) -> NDArray[np.int32]: ...
    @property
    def at(self) -> NDArray[np.int64]: ...
    @property
    def kind(self) -> NDArray[np.int16]: ...
    @property
    def company(self) -> NDArray[np.int32]: ...
    @property
    def data(self) -> list[Mapping[str, object]]: ...


@dataclass(frozen=True, slots=True)
class Moves:
    """All moves by person and order of happening, column by column; `row` is the history's row, NONE by time alone."""

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


def replay(
    program: Program,
    history: History,
    until: int,
    *,
    has_rep: NDArray[np.int8] | None = None,
    clauses: k.Clauses | None = None,
    is_compiled: bool | None = None,
) -> Replayed:
    """Everybody in the history, decided from nothing. Rows after `until` are not looked at.

    `has_rep`: rows whose event names who of sales acted. `clauses`: what to find out about each person's next rung
    (`explain.clauses_of`), for `missing`. Loads Numba only for a history that is large, or when `is_compiled` says so.
    """
    if is_compiled is None:
        is_compiled = len(history.kind) >= WORTH_COMPILING
    work = _Work(program, history, until, has_rep, _fast() if is_compiled else _plain())
    return work.run(clauses or k.Clauses([0] * 8, [], [], [], 0))


def warm_up() -> None:
    """Compiles the kernel where that has not been done since it last changed: some ten seconds, once a machine."""
    from rung.engine import warming  # what decides single people is not needed to replay

    program = compile_program(load("playbook: 1\nname: Warm\nstages: {lead: {enter: signals >= 1}}"))
    nothing = Columns(
        people=[],
        companies=[],
        person=np.zeros(0, np.int32),
        at=np.zeros(0, np.int64),
        kind=np.zeros(0, np.int16),
        company=np.zeros(0, np.int32),
        has_by=np.zeros(0, np.bool_),
        data=[],
    )
    replay(program, nothing, 0, is_compiled=True)
    warming.warm()


@dataclass(frozen=True, slots=True)
class _Machine:
    """The kernel's functions, plain or compiled, and how bundles and columns must look for them."""

    sort_rows: Callable[..., None]
    reach: Callable[..., int]
    run_all: Callable[..., int]
    bundle: Callable[[Any], Any]
    column: Callable[[Any], Any]


def _plain() -> _Machine:
    return _Machine(joining.sort_rows, joining.reach, k.run_all, _as_lists, lambda column: column.tolist())


def _fast() -> _Machine:
    from rung.engine import compiled

    return _Machine(compiled.sort_rows, compiled.reach, compiled.run_all, compiled.as_arrays, lambda column: column)


def _as_lists(bundle: Any) -> Any:
    return type(bundle)(*(part.tolist() if isinstance(part, np.ndarray) else part for part in bundle))


class _Work:
    def __init__(
        self,
        program: Program,
        history: History,
        until: int,
        has_rep: NDArray[np.int8] | None,
        machine: _Machine,
    ) -> None:
        self.program, self.history, self.until, self.machine = program, history, until, machine
        self.encoder = Encoder(program)
        self.keys = self._keys()
        self.payload = self._payloads()
        person = history.person
        if len(person) and history.at.max() > until:
            person = np.where(history.at <= until, person, k.NONE).astype(np.int32)
        self.person = person
        self.has_rep = has_rep
        self.unreached = 0

    def run(self, clauses: k.Clauses) -> Replayed:
        machine, encoder, n_people = self.machine, self.encoder, len(self.history.people)
        rows, starts = self._rows()
        past = machine.bundle(k.Rows([], encoder.payloads, encoder.updates, encoder.matches, encoder.joins))
        past = past._replace(
            rows=[k.RowRecord(*row) for row in rows.tolist()] if machine.run_all is k.run_all else rows
        )
        columns = k.Standings(*(np.zeros(n_people, STANDING_TYPES[name]) for name in k.Standings._fields))
        standings = machine.bundle(columns)
        values = machine.column(np.zeros(max(1, n_people * clauses.width), np.float64))
        who = machine.column(np.zeros(self.program.person_size(self._room(rows, starts)), np.int64))
        sums = machine.column(np.zeros(k.F_FIXED + self.program.arrays.n_signals, np.float64))
        fixed = (
            machine.bundle(self.program.arrays),
            machine.bundle(encoder.tables()),
            past,
            machine.column(starts),
            machine.bundle(self.keys),
            machine.bundle(clauses),
            values,
            who,
            sums,
        )
        out, done = machine.bundle(_room(n_people * 4 + 1024)), 0
        while True:
            done = machine.run_all(*fixed, out, standings, self.program.hot, self.program.warm, self.until, done)
            if done == n_people:
                break
            out = machine.bundle(_larger(out))
        return self._replayed(rows, _as_columns(standings), _out_columns(out), np.asarray(values, np.float64))

    def _replayed(self, rows: Any, standings: k.Standings, out: k.Out, values: NDArray[np.float64]) -> Replayed:
        n_people = len(self.history.people)
        n_moves = int(standings.moves_to[-1]) if n_people else 0
        n_handoffs = int(standings.handoffs_to[-1]) if n_people else 0
        moves = out.moves[: n_moves * k.MOVE_WIDTH].reshape(n_moves, k.MOVE_WIDTH)
        numbers = out.numbers[: 3 * n_moves].reshape(n_moves, 3)
        handoffs = out.handoffs[: n_handoffs * k.HANDOFF_WIDTH].reshape(n_handoffs, k.HANDOFF_WIDTH)
        return Replayed(
            program=self.program,
            until=self.until,
            people=self.history.people,
            standings=standings,
            moves=Moves(
                person=_owners(standings.moves_to),
                at=moves[:, k.M_AT],
                from_stage=moves[:, k.M_FROM],
                from_status=moves[:, k.M_FROM_STATUS],
                stage=moves[:, k.M_TO],
                status=moves[:, k.M_TO_STATUS],
                cause=moves[:, k.M_CAUSE],
                line=moves[:, k.M_LINE],
                passed=moves[:, k.M_PASSED],
                row=_seq_rows(rows, moves[:, k.M_ROW]),
                lap=moves[:, k.M_LAP],
                score=numbers[:, 0],
                fit=numbers[:, 1],
                engagement=numbers[:, 2],
            ),
            handoffs=Handoffs(
                _owners(standings.handoffs_to),
                handoffs[:, k.H_AT],
                handoffs[:, k.H_WHAT],
                handoffs[:, k.H_LANE],
                _seq_rows(rows, handoffs[:, k.H_ROW]),
            ),
            unreached=self.unreached,
            competitors=self.encoder.values[k.COMPETITOR],
            decision_dates=self.encoder.values[k.DECISION_DATE],
            clause_values=values,
        )

    # --- what rows do

    def _payloads(self) -> NDArray[np.int32]:
        """Each row's payload: alike rows of a kind share one."""
        payload = np.zeros(len(self.history.kind), np.int32)
        for code in np.unique(self.history.kind).tolist():
            kind = KIND_NAMES[code]
            if kind == "company_described":
                continue  # these are made for those whom they reach
            where = np.flatnonzero(self.history.kind == code)
            payload[where] = self._of_kind(kind, where)
        return payload

    def _of_kind(self, kind: str, where: Ints, is_company: bool = False) -> NDArray[np.int32] | int:
        make, data, at = self.encoder.payload, self.history.data, self.history.at
        fields = fields_read(self.program, kind, is_company)
        if is_timed(kind):
            return np.array([make(kind, data[row], int(at[row])) for row in where.tolist()], np.int32)
        if not fields:
            return make(kind, {}, 0, is_company)
        told = list(map(data.__getitem__, where.tolist()))
        keys = _keys_of(told, fields)
        first = dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))
        numbers = {key: make(kind, told[place], 0, is_company) for key, place in first.items()}
        return np.fromiter(map(numbers.__getitem__, keys), np.int32, len(keys))

    def _keys(self) -> k.Keys:
        """What each person's key says by itself: a valid e-mail address counts as their e-mail."""
        people, encoder = self.history.people, self.encoder
        slots = self.program.slots
        domain_slot = slots.index("person.email_domain") if "person.email_domain" in slots else k.NONE
        free_slot = slots.index("person.free_mailbox") if "person.free_mailbox" in slots else k.NONE
        email = np.zeros(len(people), np.int32)
        domain = np.zeros(len(people) if domain_slot != k.NONE else 0, np.int32)
        free = np.zeros(len(people) if free_slot != k.NONE else 0, np.int32)
        is_free: dict[str, int] = {}
        for person, key in enumerate(people):
            if "@" not in key or key_email(key) is None:
                continue
            email[person] = encoder.value_id(k.EMAIL, key)
            if domain_slot != k.NONE:
                domain[person] = encoder.value_id(domain_slot, email_domain(key))
            if free_slot != k.NONE:
                at = key[key.rindex("@") :]
                if at not in is_free:
                    is_free[at] = encoder.value_id(free_slot, is_free_mailbox(key))
                free[person] = is_free[at]
        return k.Keys(email, domain, free, domain_slot, free_slot)

    # --- rows in order, those that came by the company among them

    def _rows(self) -> tuple[Any, Ints]:
        history = self.history
        person = self.person
        seq = np.arange(len(person), dtype=np.int64)
        starts, order = self._sorted(person, history.at, seq)
        joins = np.full(len(person), k.NONE, np.int32)
        payload, row = self.payload, seq
        at = history.at
        has_rep = self.has_rep
        if self._needs_join():
            reached, payload_reached = self._join(starts, order, joins)
            if len(reached):
                person = np.concatenate([person, reached[:, 0].astype(np.int32)])
                row = np.concatenate([seq, reached[:, 1]])
                at = at[row]
                payload = np.concatenate([payload, payload_reached])
                joins = np.concatenate([joins, np.full(len(reached), k.NONE, np.int32)])
                if has_rep is not None:
                    has_rep = np.concatenate([has_rep, np.zeros(len(reached), np.int8)])
                starts, order = self._sorted(person, at, row)
        rows = np.zeros(len(order), ROW_TYPE)
        rows["at"] = at[order]
        rows["seq"] = row[order]
        rows["payload"] = payload[order]
        rows["joins"] = joins[order]
        if has_rep is not None:
            rows["has_rep"] = has_rep[order]
        return rows, starts

    def _sorted(self, person: NDArray[np.int32], at: Ints, seq: Ints) -> tuple[Ints, Ints]:
        """Where each person's rows begin, and the rows by (person, at, seq)."""
        column = self.machine.column
        starts = column(np.zeros(len(self.history.people) + 1, np.int64))
        order = column(np.zeros(int((person >= 0).sum()), np.int64))
        self.machine.sort_rows(column(person), column(at), column(seq), starts, order)
        return np.asarray(starts, np.int64), np.asarray(order, np.int64)

    def _needs_join(self) -> bool:
        """Even what no condition reads is a row, and so an instant at which engagement is exact (S4)."""
        return bool(self.program.reaches_colleagues) or KIND_NAMES.index("company_described") in self.history.kind

    def _join(self, starts: Ints, order: Ints, joins: NDArray[np.int32]) -> tuple[Ints, NDArray[np.int32]]:
        """Pairs (person, row) of what reaches people by their company, and the payloads; notes who joins which."""
        history = self.history
        person, company = self.person[order], history.company[order]
        place = np.arange(len(order))
        named = np.flatnonzero(company >= 0)
        is_new = np.ones(len(named), bool)
        same_person = person[named[1:]] == person[named[:-1]]
        is_new[1:] = ~(same_person & (company[named[1:]] == company[named[:-1]]))
        came = named[is_new]
        last_named = np.full(len(order), -1, np.int64)
        last_named[named] = named
        last_named = np.maximum.accumulate(last_named) if len(order) else last_named
        has_company = last_named >= starts[person]
        shared = np.isin(history.kind[order], [KIND_NAMES.index(kind) for kind in self.program.reaches_colleagues])
        acts = place[shared & has_company]
        described = np.flatnonzero(
            (history.kind == KIND_NAMES.index("company_described"))
            & (history.at <= self.until)
            & (history.company >= 0)
        )
        steps = np.concatenate(
            [
                _steps(0, company[came], person[came], order[came]),
                _steps(1, company[last_named[acts]], person[acts], order[acts]),
                _steps(2, history.company[described], np.full(len(described), k.NONE), described),
            ]
        )
        steps = steps[np.lexsort((steps[:, 3], history.at[steps[:, 3]]))]
        pairs = self._pairs(steps)
        self._note_joins(steps, joins)
        return pairs, self._payloads_reached(pairs[:, 1])

    def _pairs(self, steps: Ints) -> Ints:
        counted = np.zeros(1, np.int64)
        flat = self.machine.column(np.ascontiguousarray(steps).reshape(-1))
        room = 4 * len(steps) + 1024
        while True:
            pairs = self.machine.column(np.zeros(2 * room, np.int64))
            counted[0] = 0
            n = self.machine.reach(flat, len(self.history.companies), len(self.history.people), room, pairs, counted)
            if n <= room:
                self.unreached = int(counted[0])
                return np.asarray(pairs[: 2 * n], np.int64).reshape(n, 2)
            room = n

    def _note_joins(self, steps: Ints, joins: NDArray[np.int32]) -> None:
        """Whoever comes to a company is told, at that row, what is known about it by then."""
        joins[steps[steps[:, 0] == 0, 3]] = self.encoder.joining({})
        described = np.unique(steps[steps[:, 0] == 2, 1])
        fields = frozenset(name for name, _ in self.program.company_fields)
        if not len(described) or not fields:
            return
        facts: dict[int, dict[str, object]] = {}
        numbers: dict[int, int] = {}
        is_concerned = (steps[:, 0] != 1) & np.isin(steps[:, 1], described)
        for what, company, row in steps[is_concerned][:, [0, 1, 3]].tolist():
            if what == 2:
                told = self.history.data[row]
                facts.setdefault(company, {}).update({name: told[name] for name in fields if name in told})
                numbers.pop(company, None)
            elif company in facts:
                if company not in numbers:
                    numbers[company] = self.encoder.joining(facts[company])
                joins[row] = numbers[company]

    def _payloads_reached(self, rows: Ints) -> NDArray[np.int32]:
        """Payloads of rows as they are to those whom they reach by the company."""
        distinct, places = np.unique(rows, return_inverse=True)
        payload = np.zeros(len(distinct), np.int32)
        kinds = self.history.kind[distinct]
        for code in np.unique(kinds).tolist():
            where = np.flatnonzero(kinds == code)
            payload[where] = self._of_kind(KIND_NAMES[code], distinct[where], is_company=True)
        return payload[places]

    def _room(self, rows: Any, starts: Ints) -> int:
        """The most places for deals and bounced addresses that any one person may need."""
        does = np.array([payload.does for payload in self.encoder.payloads] or [0])
        needs = np.isin(does, (k.E_DEAL, k.E_BOUNCE))
        if not needs.any() or not len(rows):
            return 0
        owners = np.searchsorted(starts, np.flatnonzero(needs[rows["payload"]]), side="right") - 1
        return 3 * int(np.bincount(owners).max()) if len(owners) else 0


def fields_read(program: Program, kind: str, is_company: bool = False) -> tuple[str, ...]:
    """The data fields that a payload of the kind depends on."""
    plan = program.kinds[kind]
    found: list[str] = list(chain.from_iterable(c.reads for c in (plan.company if is_company else plan.own)))
    if kind == "company_described":
        found += [name for name, _ in program.company_fields]
    if not is_company:
        found += _FIELDS.get(kind, ())
        if kind in ("person_identified", "person_described"):
            found += [name for name, _ in program.person_fields]
        found += [field for name, field in FIRST_TOLD.items() if name in program.slots]
    return tuple(dict.fromkeys(found))


_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "competitor_named": ("competitor",),
    "likelihood_scored": ("likelihood",),
    "question_answered": ("question", "answer"),
    "friction_found": ("friction",),
    "checklist_ticked": ("line",),
    "admission_given": ("admission",),
    "bant_answered": ("letter", "confirmed", "told"),
    "email_replied": ("outcome",),
    "email_bounced": ("hard",),
    **dict.fromkeys(("handoff_accepted", "handoff_rejected", "handoff_returned"), ("reason", "until")),
    **dict.fromkeys(("deal_opened", "deal_won", "deal_lost"), ("deal",)),
}


def _keys_of(told: list[Mapping[str, object]], fields: tuple[str, ...]) -> list[Any]:
    """By what alike payloads are known: texts as they are, everything else with its type (1 is not true)."""
    columns = []
    for name in fields:
        column: list[Any] = [data.get(name, _ABSENT) for data in told]
        is_plain = set(map(type, column)) <= {str, type(_ABSENT)}
        columns.append(column if is_plain else list(map(_key, column)))
    return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))


_ABSENT: Final = object()


def _key(told: object) -> object:
    if type(told) is str or told is _ABSENT:
        return told
    if isinstance(told, (int, float, bool)) or told is None:
        return type(told), told
    return repr(told)


def _steps(what: int, company: Any, person: Any, row: Any) -> Ints:
    steps = np.empty((len(row), 4), np.int64)
    steps[:, 0], steps[:, 1], steps[:, 2], steps[:, 3] = what, company, person, row
    return steps


def _owners(ends: Ints) -> Ints:
    return np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))


def _seq_rows(rows: Any, places: Ints) -> Ints:
    return np.where(places >= 0, rows["seq"][places] if len(rows) else k.NONE, k.NONE)


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
