"""Many people decided from nothing out of columns: as `several` decides them, without an object for each row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import numpy as np

from rung.engine import kernel as k
from rung.engine.deciding import Decision, Row
from rung.engine.histories import KIND_NAMES, History
from rung.engine.ordering import Ordered
from rung.engine.program import Program
from rung.engine.replay import prepare
from rung.engine.several import Asked, Given, decisions
from rung.engine.states import States
from rung.terms.events import Event


class Decided(NamedTuple):
    """What became of somebody, their rows, up to when they were decided, and the latest of the rows to arrive."""

    decision: Decision
    rows: Sequence[Row]
    until: int
    last_seq: int


def decided(program: Program, history: History, people: int, at: int) -> list[Decided]:
    """The first so many people of the history, by all of their rows, at the instant or their last row if that is later.

    Each of them has a row. Those behind them are their colleagues. Loads Numba.
    """
    part = prepare(history, (program,), k.LATEST, is_compiled=True)
    ordered, encoding = part.ready_for(program)
    starts = ordered.starts[: people + 1]
    records = ordered.records[: starts[-1]]
    untils = np.maximum(records["at"][starts[1:] - 1], at).tolist()
    everybody = [
        Asked(_Rows(history, ordered, first, end), until, None)
        for first, end, until in zip(starts[:-1].tolist(), starts[1:].tolist(), untils, strict=True)
    ]
    given = Given(
        encoder=encoding.encoder,
        past=k.Rows(records, encoding.payloads, encoding.updates, encoding.matches, encoding.joins),
        known=encoding.tables(),
        starts=starts,
        first_at=records["at"][starts[:-1]],
    )
    who = States(program).restored([None] * people, program.person_size(part.own.most_places))
    found = decisions(program, everybody, given, *who, is_compiled=True)
    last_seqs = np.maximum.reduceat(records["seq"], starts[:-1]).tolist()
    return [
        Decided(decision, asked.rows, asked.until, last_seq)
        for decision, asked, last_seq in zip(found, everybody, last_seqs, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Rows(Sequence[Row]):
    """A person's rows, each made when it is asked for: hardly any is."""

    history: History
    ordered: Ordered
    first: int
    end: int

    def __len__(self) -> int:
        return self.end - self.first

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[n] for n in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(place)
        record, row = self.ordered.records[self.first + place], int(self.ordered.row[self.first + place])
        if row == k.NONE:  # a colleague's, of whom no more is asked than when it came
            return Row(Event(int(record["seq"]), None, int(record["at"]), ""), "company")
        history = self.history
        kind = KIND_NAMES[history.kind[row]]
        person = history.people[history.person[row]]
        return Row(Event(int(record["seq"]), person, int(record["at"]), kind, history.data[row]))

    def __iter__(self) -> Iterator[Row]:
        return (self[place] for place in range(len(self)))
