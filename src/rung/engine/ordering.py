"""A part of a history in the order in which it is decided, alike rows numbered: once for all programs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rung.engine import kernel as k
from rung.engine.colleagues import Reaching
from rung.engine.histories import KIND_NAMES, History, Ints, Told
from rung.engine.machine import Machine
from rung.engine.payloads import OF_A_COMPANY, Alike, Keys, alike, fields_read, fields_told
from rung.engine.program import Program
from rung.engine.records import ROW
from rung.terms.addresses import key_email
from rung.terms.kinds import KINDS

_NEED_PLACES = ("deal_opened", "deal_won", "deal_lost", "email_bounced")
_SALES = np.array([KINDS[name].actor == "sales" for name in KIND_NAMES])


@dataclass(frozen=True, slots=True)
class Ordered:
    """Rows by (person, at, seq), those that came by the company among them.

    `records` are the kernel's, a payload's number being that of alike rows among `groups`; `row`: each one's row in
    the history, NONE for one that came by the company. `starts`: where each person's rows begin.
    """

    records: Any
    starts: Ints
    row: Ints
    groups: list[Alike]
    facts: dict[str, Told]
    n_states: int
    unreached: int


@dataclass(slots=True)
class Own:
    """People's own rows in order; `number` says for each row of the order what it is among `groups`."""

    history: History
    order: Ints
    starts: Ints
    number: Ints
    groups: list[Alike]
    keys: Keys
    most_places: int
    """The most places for deals and bounced addresses that any one person may need."""
    came_row: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """The places in the order at which somebody comes to a company."""

    def with_colleagues(self, colleagues: Reaching | None, part: int, shared: frozenset[str], how: Machine) -> Ordered:
        """The rows where events of the shared kinds reach colleagues."""
        records = self._records()
        if colleagues is None:
            return Ordered(records, self.starts, self.order, self.groups, {}, 0, 0)
        states, place = np.unique(colleagues.state_at(part), return_inverse=True)
        records["joins"][self.came_row] = place
        facts = {name: told.at(states) for name, told in colleagues.facts.items()}
        reached = colleagues.of(part, shared)
        groups, number = _only(colleagues.groups, colleagues.number[reached.entry])
        more = np.zeros(len(reached.entry), ROW)
        more["at"], more["seq"] = colleagues.entries[reached.entry, 2], colleagues.entries[reached.entry, 3]
        more["payload"] = number + sum(map(len, self.groups))
        more["joins"] = k.NONE
        records = np.concatenate([records, more])
        row = np.concatenate([self.order, np.full(len(more), k.NONE, np.int64)])
        owners = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        person = np.concatenate([owners, reached.person]).astype(np.int32)
        starts, order = sorted_rows(person, records["at"].copy(), records["seq"].copy(), len(self.starts) - 1, how)
        return Ordered(
            records[order], starts, row[order], [*self.groups, *groups], facts, len(states), reached.unreached
        )

    def _records(self) -> Any:
        history, order = self.history, self.order
        records = np.zeros(len(order), ROW)
        records["at"] = history.at[order]
        records["seq"] = history.seq[order]
        records["payload"] = self.number
        records["has_rep"] = history.has_by[order] & _SALES[history.kind[order]]
        records["joins"] = k.NONE
        return records


def in_order(history: History, programs: Sequence[Program], until: int, how: Machine) -> Own:
    """Everybody's own rows up to `until`, sorted, and what is alike among them for any of the programs."""
    person = history.person
    if len(person) and history.at.max() > until:
        person = np.where(history.at <= until, person, k.NONE).astype(np.int32)
    starts, order = sorted_rows(person, history.at, history.seq, len(history.people), how)
    groups, numbers = _alike(history, programs, person)
    needs = np.isin(history.kind[order], [KIND_NAMES.index(kind) for kind in _NEED_PLACES])
    owners = np.searchsorted(starts, np.flatnonzero(needs), side="right") - 1
    most_places = 3 * int(np.bincount(owners).max()) if len(owners) else 0
    return Own(history, order, starts, numbers[order], groups, _keys(history.people), most_places)


def sorted_rows(person: Any, at: Ints, seq: Ints, n_people: int, how: Machine) -> tuple[Ints, Ints]:
    """Where each person's rows begin, and the rows by (person, at, seq); those of nobody are left out."""
    column = how.column
    starts = column(np.zeros(n_people + 1, np.int64))
    order = column(np.zeros(int((person >= 0).sum()), np.int64))
    how.sort_rows(column(person), column(at), column(seq), starts, order)
    return np.asarray(starts, np.int64), np.asarray(order, np.int64)


def _alike(history: History, programs: Sequence[Program], person: Any) -> tuple[list[Alike], Ints]:
    groups: list[Alike] = []
    numbers = np.zeros(len(history.kind), np.int64)
    first = 0
    for code in np.unique(history.kind).tolist():
        kind = KIND_NAMES[code]
        if kind == OF_A_COMPANY:
            continue  # these are made for those whom they reach
        rows = np.flatnonzero((history.kind == code) & (person >= 0))
        reads = dict.fromkeys(name for program in programs for name in fields_read(program, kind))
        tells = dict.fromkeys(name for program in programs for name in fields_told(program, kind) if name not in reads)
        told = history.told([*reads, *tells], rows)
        group, numbers_of_kind = alike(
            kind,
            False,
            dict(zip(reads, told, strict=False)),
            dict(zip(tells, told[len(reads) :], strict=True)),
            history.at[rows],
        )
        groups.append(group)
        numbers[rows] = numbers_of_kind + first
        first += len(group)
    return groups, numbers


def _only(groups: Sequence[Alike], numbers: Ints) -> tuple[list[Alike], Ints]:
    """The groups without what none of the numbers names, and the numbers among what is left."""
    is_used = np.zeros(sum(map(len, groups)), bool)
    is_used[numbers] = True
    left, first = [], 0
    for group in groups:
        used = np.flatnonzero(is_used[first : first + len(group)])
        first += len(group)
        if len(used):
            left.append(group.only(used))
    return left, (np.cumsum(is_used) - 1)[numbers]


def _keys(people: Sequence[str]) -> Keys:
    persons = [person for person, key in enumerate(people) if "@" in key and key_email(key) is not None]
    return Keys(len(people), np.array(persons, np.int64), [people[person] for person in persons])
