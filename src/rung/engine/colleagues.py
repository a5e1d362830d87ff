"""The one join of a replay: what reaches people by their company, on intervals of belonging.

A history may come in parts, each with all rows of some people. Every part hands in its piece: who came to which company
when, and what colleagues are to learn. Put together they are one timeline a company, of which everybody who belonged
there gets the stretch of their time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from rung.engine import joining
from rung.engine.histories import ABSENT, KIND_CODES, Codes, History, Ints, Told, distinct, key_of, spread
from rung.engine.kernel import NONE
from rung.engine.machine import Machine
from rung.engine.payloads import OF_A_COMPANY, Alike, alike, fields_read, fields_told
from rung.engine.program import Program

PART: Final = 32
"""A person is known to all by the number of their part, shifted so far, and their number in it."""
COMPANY, PERSON, AT, SEQ = range(4)


@dataclass(frozen=True, slots=True)
class Piece:
    """One part's share. Steps are rows of (company, person, at, seq), companies as codes of this part.

    `came`: whoever names another company than before, by person and time, and `came_row`, where that is in the part's
    own rows. `acts`, `described`: by kind the steps, and what they told in the fields that matter.
    """

    companies: Sequence[str]
    came: Ints
    came_row: Ints
    acts: dict[str, tuple[Ints, dict[str, Told]]]
    described: tuple[Ints, dict[str, Told]]


def piece_of(
    history: History, programs: Sequence[Program], until: int, order: Ints, shared: frozenset[str], part: int = 0
) -> Piece:
    """What a part gives to the join. `order`: its people's rows by (person, at, seq)."""
    person, company = history.person[order].astype(np.int64), history.company[order].astype(np.int64)
    came = who_came(history, order)
    acts = {}
    kinds = history.kind[order]
    for kind in sorted(shared):
        places = np.flatnonzero(kinds == KIND_CODES[kind])
        last = np.searchsorted(came, places, side="right") - 1
        is_there = last >= 0
        is_there[is_there] = person[came[last[is_there]]] == person[places[is_there]]
        places, there = places[is_there], came[last[is_there]]
        if len(places):
            rows = order[places]
            told = _told(history, rows, [fields_read(program, kind, True) for program in programs])
            acts[kind] = _steps(company[there], person[places] + (part << PART), history, rows), told
    rows = np.flatnonzero((history.kind == KIND_CODES[OF_A_COMPANY]) & (history.company >= 0) & (history.at <= until))
    fields = [
        (*fields_read(program, OF_A_COMPANY, True), *fields_told(program, OF_A_COMPANY, True)) for program in programs
    ]
    described = _steps(history.company[rows], np.full(len(rows), NONE), history, rows)
    came_row = order[came]
    return Piece(
        companies=history.companies,
        came=_steps(company[came], person[came] + (part << PART), history, came_row),
        came_row=came,
        acts=acts,
        described=(described, _told(history, rows, fields)),
    )


def who_came(history: History, order: Ints) -> Ints:
    """The places in the order at which somebody names another company than before."""
    person, company = history.person[order], history.company[order]
    named = np.flatnonzero(company >= 0)
    is_new = np.ones(len(named), bool)
    is_new[1:] = (person[named[1:]] != person[named[:-1]]) | (company[named[1:]] != company[named[:-1]])
    return named[is_new]


def _steps(company: Any, person: Any, history: History, rows: Ints) -> Ints:
    return np.stack([company, person, history.at[rows], history.seq[rows]], axis=1).astype(np.int64)


def _told(history: History, rows: Ints, fields: Sequence[Sequence[str]]) -> dict[str, Told]:
    names = list(dict.fromkeys(name for some in fields for name in some))
    return dict(zip(names, history.told(names, rows), strict=True))


@dataclass(frozen=True, slots=True)
class Reached:
    """What reaches the people of one part: who (number in the part), and which entry."""

    person: Ints
    entry: Ints
    unreached: int


class Reaching(Protocol):
    """What brings people the rows of their companies: joined here, or (Spark) before."""

    @property
    def entries(self) -> Ints: ...
    @property
    def number(self) -> Ints: ...
    @property
    def groups(self) -> list[Alike]: ...
    @property
    def facts(self) -> dict[str, Told]: ...
    def of(self, part: int, shared: frozenset[str], /) -> Reached: ...
    def state_at(self, part: int, /) -> Ints: ...


class Colleagues:
    """All pieces put together. `entries` (company, person, at, seq) are sorted by (company, at, seq); those of
    companies too large for everybody to be reached stand behind them.

    `number`: what each entry is among `groups`; `state`: which facts of the company are known as after it, among the
    states of which `facts` holds the fields; state 0 knows nothing.
    """

    def __init__(self, pieces: Sequence[Piece], programs: Sequence[Program], machine: Machine) -> None:
        self._machine = machine
        self._large: dict[frozenset[str], tuple[Ints, int]] = {}
        company_of = _numbering(pieces)
        self.came = [_with_company(piece.came, codes) for piece, codes in zip(pieces, company_of, strict=True)]
        self.n_companies = max((int(codes.max(initial=-1)) + 1 for codes in company_of), default=0)
        everybody = np.concatenate([came[:, COMPANY] for came in self.came] or [np.zeros(0, np.int64)])
        members = np.bincount(everybody, minlength=self.n_companies)
        self._is_large = members > joining.MOST_COLLEAGUES + 1
        self.groups: list[Alike] = []
        acts = self._acts(pieces, company_of, programs)
        described, number, told = self._described(pieces, company_of, programs)
        self._put_in_order(acts, (described, number))
        self.facts: dict[str, Told] = self._states(described, told)

    def of(self, part: int, shared: frozenset[str]) -> Reached:
        """What reaches the people of the part where events of these kinds reach colleagues."""
        came = self.came[part]
        low, high = self._stretches(came)
        counts = high - low
        entries = spread(low, counts)
        person = np.repeat(came[:, PERSON], counts)
        wanted = self._is_wanted(shared)
        keep = (self.entries[entries, PERSON] != person) & wanted[entries]
        person, entries = person[keep], entries[keep]
        pairs, unreached = self._of_large(shared)
        if len(pairs):
            pairs = pairs[pairs[:, 0] >> PART == part]
            person, entries = np.concatenate([person, pairs[:, 0]]), np.concatenate([entries, pairs[:, 1]])
        return Reached(person & ((1 << PART) - 1), entries, unreached)

    def state_at(self, part: int) -> Ints:
        """For everybody of the part who comes to a company, the state of its facts as known by then."""
        low, _ = self._stretches(self.came[part])
        is_told = low > self._starts[self.came[part][:, COMPANY]]
        return np.where(is_told, self.state[np.where(is_told, low - 1, 0)] if len(self.state) else 0, 0)

    def _stretches(self, came: Ints) -> tuple[Ints, Ints]:
        """From where to where in the entries everybody who came belonged to the company."""
        column = self._machine.column
        low, high = column(np.zeros(len(came), np.int64)), column(np.zeros(len(came), np.int64))
        ends = np.full((len(came), 2), np.iinfo(np.int64).max)
        if len(came):
            is_same = came[1:, PERSON] == came[:-1, PERSON]
            ends[:-1][is_same] = came[1:][is_same][:, [AT, SEQ]]
        columns = (came[:, COMPANY], came[:, AT], came[:, SEQ], ends[:, 0], ends[:, 1])
        self._machine.stretches(
            *(column(np.ascontiguousarray(values)) for values in columns),
            *(column(values) for values in (self._starts, self._at, self._seq)),
            low,
            high,
        )
        return np.asarray(low, np.int64), np.asarray(high, np.int64)

    def _is_wanted(self, shared: frozenset[str]) -> NDArray[np.bool_]:
        wanted = np.array([group.kind == OF_A_COMPANY or group.kind in shared for group in self.groups], bool)
        sizes = [len(group) for group in self.groups]
        return np.repeat(wanted, sizes)[self.number] if len(self.number) else np.zeros(0, bool)

    def _of_large(self, shared: frozenset[str]) -> tuple[Ints, int]:
        """Pairs (person, entry) of those whom events of large companies reach, and how many they did not reach."""
        if shared not in self._large:
            self._large[shared] = self._reached_at_large(shared)
        return self._large[shared]

    def _reached_at_large(self, shared: frozenset[str]) -> tuple[Ints, int]:
        n_timeline = int(self._starts[-1])
        wanted = self._is_wanted(shared)
        acts = n_timeline + np.flatnonzero(wanted[n_timeline:])
        if not len(acts):
            return np.zeros((0, 2), np.int64), 0
        came = np.concatenate(self.came)
        there = came[np.isin(came[:, COMPANY], np.flatnonzero(self._is_large)), PERSON]
        came = came[np.isin(came[:, PERSON], there)]
        people, members = np.unique(np.concatenate([came[:, PERSON], self.entries[acts, PERSON]]), return_inverse=True)
        both = np.concatenate([came, self.entries[acts]])
        steps = np.zeros((len(both), 4), np.int64)
        steps[len(came) :, 0] = 1
        steps[:, 1], steps[:, 2] = both[:, COMPANY], members
        steps[len(came) :, 3] = acts
        steps = steps[np.lexsort((steps[:, 0], both[:, SEQ], both[:, AT]))]
        pairs, unreached = self._pairs(steps, len(people))
        return np.stack([people[pairs[:, 0]], pairs[:, 1]], axis=1), unreached

    def _pairs(self, steps: Ints, n_people: int) -> tuple[Ints, int]:
        counted = self._machine.column(np.zeros(1, np.int64))
        flat = self._machine.column(np.ascontiguousarray(steps).reshape(-1))
        room = 4 * len(steps) + 1024
        while True:
            pairs = self._machine.column(np.zeros(2 * room, np.int64))
            counted[0] = 0
            n = self._machine.reach(flat, self.n_companies, n_people, room, pairs, counted)
            if n <= room:
                return np.asarray(pairs[: 2 * n], np.int64).reshape(n, 2), int(counted[0])
            room = n

    # --- putting the pieces together

    def _acts(
        self, pieces: Sequence[Piece], company_of: Sequence[Ints], programs: Sequence[Program]
    ) -> list[tuple[Ints, Ints]]:
        found = []
        for kind in sorted({kind for piece in pieces for kind in piece.acts}):
            mine = [
                (piece.acts[kind], codes) for piece, codes in zip(pieces, company_of, strict=True) if kind in piece.acts
            ]
            steps = np.concatenate([_with_company(steps, codes) for (steps, _), codes in mine])
            told = _together([told for (_, told), _ in mine])
            found.append((steps, self._number(kind, steps, told, {})))
        return found

    def _described(
        self, pieces: Sequence[Piece], company_of: Sequence[Ints], programs: Sequence[Program]
    ) -> tuple[Ints, Ints, dict[str, Told]]:
        steps = np.concatenate(
            [_with_company(piece.described[0], codes) for piece, codes in zip(pieces, company_of, strict=True)]
            or [np.zeros((0, 4), np.int64)]
        )
        told = _together([piece.described[1] for piece in pieces])
        reads = dict.fromkeys(name for program in programs for name in fields_read(program, OF_A_COMPANY, True))
        tells = dict.fromkeys(name for program in programs for name in fields_told(program, OF_A_COMPANY, True))
        number = self._number(
            OF_A_COMPANY,
            steps,
            {name: told[name] for name in reads},
            {name: told[name] for name in tells if name not in reads},
        )
        return steps, number, {name: told[name] for name in tells}

    def _number(self, kind: str, steps: Ints, reads: dict[str, Told], tells: dict[str, Told]) -> Ints:
        first = sum(map(len, self.groups))
        group, numbers = alike(kind, True, reads, tells, steps[:, AT])
        self.groups.append(group)
        return numbers.astype(np.int64) + first

    def _put_in_order(self, acts: list[tuple[Ints, Ints]], described: tuple[Ints, Ints]) -> None:
        steps = np.concatenate([described[0], *(steps for steps, _ in acts)])
        number = np.concatenate([described[1], *(number for _, number in acts)])
        is_act = np.arange(len(steps)) >= len(described[0])
        is_behind = is_act & self._is_large[steps[:, COMPANY]]
        order = np.lexsort((steps[:, SEQ], steps[:, AT], steps[:, COMPANY], is_behind))
        self.entries, self.number = steps[order], number[order]
        n_timeline = int((~is_behind).sum())
        timeline = self.entries[:n_timeline]
        self._starts = np.searchsorted(timeline[:, COMPANY], np.arange(self.n_companies + 1))
        self._at, self._seq = timeline[:, AT].copy(), timeline[:, SEQ].copy()
        place = np.full(len(steps), NONE, np.int64)
        place[order] = np.arange(len(steps))
        self._place_of_described = place[: len(described[0])]
        self._n_timeline = n_timeline

    def _states(self, described: Ints, told: dict[str, Told]) -> dict[str, Told]:
        """Numbers the states of companies' facts, field by field the latest told; null forgets."""
        order = np.argsort(self._place_of_described)
        company = described[order, COMPANY]
        place = np.arange(len(order))
        first = np.searchsorted(company, company)
        columns: dict[str, Told] = {}
        for name, column in told.items():
            codes = column.codes[order]
            last = np.maximum.accumulate(np.where(codes > 0, place, -1)) if len(codes) else place
            columns[name] = Told(np.where(last >= first, codes[last], 0).astype(np.int32), column.values)
        firsts, states = distinct([(each.codes, len(each.values)) for each in columns.values()], len(order))
        # State 0, nothing known, stands before those that there are.
        of_described = np.zeros(self._n_timeline, np.int64)
        of_described[self._place_of_described[order]] = states + 1
        timeline = np.arange(self._n_timeline)
        latest = np.maximum.accumulate(np.where(of_described > 0, timeline, -1)) if self._n_timeline else timeline
        begin = self._starts[self.entries[: self._n_timeline, COMPANY]]
        self.state = np.where(latest >= begin, of_described[latest], 0)
        return {
            name: Told(np.concatenate([np.zeros(1, np.int32), each.codes[firsts]]), each.values)
            for name, each in columns.items()
        }


def _numbering(pieces: Sequence[Piece]) -> list[Ints]:
    """For each piece the number of each of its companies among all."""
    numbers: dict[str, int] = {}
    return [
        np.array([numbers.setdefault(name, len(numbers)) for name in piece.companies], np.int64) for piece in pieces
    ]


def _with_company(steps: Ints, numbers: Ints) -> Ints:
    found = steps.copy()
    if len(found):
        found[:, COMPANY] = numbers[steps[:, COMPANY]]
    return found


def _together(pieces: Sequence[dict[str, Told]]) -> dict[str, Told]:
    """The same fields of several pieces as one, each distinct value once."""
    names = dict.fromkeys(name for piece in pieces for name in piece)
    return {name: _joined([piece[name] for piece in pieces]) for name in names}


def _joined(columns: Sequence[Told]) -> Told:
    if len(columns) == 1:
        return columns[0]
    numbers: dict[object, int] = {key_of(ABSENT): 0}
    values: list[Any] = [ABSENT]
    codes: list[Codes] = []
    for column in columns:
        recoded = np.zeros(len(column.values), np.int32)
        for code, value in enumerate(column.values):
            key = key_of(value)
            found = numbers.get(key)
            if found is None:
                found = numbers[key] = len(values)
                values.append(value)
            recoded[code] = found
        codes.append(recoded[column.codes])
    return Told(np.concatenate(codes), values)
