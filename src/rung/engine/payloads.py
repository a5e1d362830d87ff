"""Alike rows of a history, and what they are to one program: payloads made once for all rows that share them.

The scalar `Encoder` says what each distinct combination of the fields that decide something does. Fields that are only
told (an address, a title) may differ from row to row: their updates are put in by the column.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rung.engine import kernel as k
from rung.engine.encoding import Encoder, is_timed
from rung.engine.histories import ABSENT, Codes, Told, distinct, spread
from rung.engine.program import FIRST_TOLD, Program
from rung.engine.records import JOINING, MATCH, PAYLOAD, UPDATE
from rung.playbook.conditions import Value
from rung.terms.companies import email_domain, is_free_mailbox
from rung.terms.kinds import KINDS

Records = NDArray[np.void]

_DESCRIBING: Final = ("person_identified", "person_described")
OF_A_COMPANY: Final = "company_described"

FIELDS_WITH_A_MEANING: Final[dict[str, tuple[str, ...]]] = {
    "competitor_named": ("competitor",),
    "likelihood_scored": ("likelihood",),
    "question_answered": ("question", "answer"),
    "friction_found": ("friction",),
    "checklist_ticked": ("line",),
    "admission_given": ("admission",),
    "bant_answered": ("letter", "confirmed", "told"),
    "email_replied": ("outcome",),
    "email_bounced": ("hard",),
    "stage_overridden": ("to", "status", "until"),
    **dict.fromkeys(("handoff_accepted", "handoff_rejected", "handoff_returned"), ("reason", "until")),
    **dict.fromkeys(("deal_opened", "deal_won", "deal_lost"), ("deal",)),
}
"""By kind, the data fields whose meaning is the engine's own, whatever the playbook says."""


def fields_read(program: Program, kind: str, is_company: bool = False) -> tuple[str, ...]:
    """The data fields by which rows of the kind do different things."""
    plan = program.kinds[kind]
    found = list(chain.from_iterable(c.reads for c in (plan.company if is_company else plan.own)))
    if not is_company:
        found += FIELDS_WITH_A_MEANING.get(kind, ())
        found += [field for name, field in FIRST_TOLD.items() if name in program.slots]
    return tuple(dict.fromkeys(found))


def fields_told(program: Program, kind: str, is_company: bool = False) -> tuple[str, ...]:
    """The data fields that rows of the kind only tell, to be remembered."""
    if is_company:
        return tuple(name for name, _ in program.company_fields) if kind == OF_A_COMPANY else ()
    return tuple(name for name, _ in program.person_fields) if kind in _DESCRIBING else ()


def fields_named(programs: Iterable[Program]) -> frozenset[str]:
    """Every data field that the programs, or the engine by itself, may read of any event."""
    found = {name for fields in FIELDS_WITH_A_MEANING.values() for name in fields}
    for program in programs:
        for kind in KINDS:
            for is_company in (False, True):
                found.update(fields_read(program, kind, is_company), fields_told(program, kind, is_company))
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Alike:
    """Rows of a kind, as they are to whom they reach, by what they told.

    `data`: each distinct combination of the fields that decide something (`ats`: its time, where that matters).
    `base`: by number of alike rows, which of those they are. `told`: their fields that are only told.
    """

    kind: str
    is_company: bool
    data: list[dict[str, object]]
    ats: list[int]
    base: Codes
    told: dict[str, Told]

    def __len__(self) -> int:
        return len(self.base)

    def only(self, numbers: NDArray[np.int64]) -> "Alike":
        """These of them alone."""
        used, base = np.unique(self.base[numbers], return_inverse=True)
        return Alike(
            self.kind,
            self.is_company,
            [self.data[n] for n in used.tolist()],
            [self.ats[n] for n in used.tolist()],
            base.astype(np.int32),
            {name: told.at(numbers) for name, told in self.told.items()},
        )


def alike(
    kind: str, is_company: bool, reads: dict[str, Told], tells: dict[str, Told], at: NDArray[np.int64]
) -> tuple[Alike, Codes]:
    """What is alike among rows of a kind, and each row's number among it."""
    n_rows = len(at)
    of_reads = [(told.codes, len(told.values)) for told in reads.values()]
    if is_timed(kind):
        of_reads.append((np.arange(n_rows, dtype=np.int32), n_rows))
    first, base = distinct(of_reads, n_rows)
    data = _objects(reads, first)
    ats = at[first].tolist()
    if not tells:
        return Alike(kind, is_company, data, ats, np.arange(len(first), dtype=np.int32), {}), base
    first, numbers = distinct([(base, len(data)), *((told.codes, len(told.values)) for told in tells.values())], n_rows)
    return Alike(kind, is_company, data, ats, base[first], {name: told.at(first) for name, told in tells.items()}), (
        numbers
    )


def _objects(columns: dict[str, Told], rows: NDArray[np.int64]) -> list[dict[str, object]]:
    told = {name: [column.values[code] for code in column.codes[rows].tolist()] for name, column in columns.items()}
    return [{name: values[n] for name, values in told.items() if values[n] is not ABSENT} for n in range(len(rows))]


@dataclass(frozen=True, slots=True)
class Keys:
    """Of so many people, those whose keys are e-mail addresses: who, and the addresses."""

    people: int
    person: NDArray[np.int64]
    address: list[str]


class Encoding:
    """Alike rows as numbers for every program that reads them the same way (`Program.reading_key`).

    Payload n is what the n-th alike rows do, counted over all groups; joining n is what somebody learns who comes to a
    company of which the n-th state of facts is known.
    """

    def __init__(
        self, program: Program, groups: Sequence[Alike], states: dict[str, Told], n_states: int, keys: Keys
    ) -> None:
        self.program = program
        self.encoder = Encoder(program)
        slot_of = {name: slot for slot, name in enumerate(program.slots)}
        self._domain, self._free = slot_of.get("person.email_domain"), slot_of.get("person.free_mailbox")
        payloads = [self._scalar(group) for group in groups]
        self._updates = [np.array(self.encoder.updates, UPDATE)]
        self._n_updates = len(self.encoder.updates)
        made = [self._with_told(group, payload) for group, payload in zip(groups, payloads, strict=True)]
        self.payloads: Records = np.concatenate(made) if made else np.zeros(0, PAYLOAD)
        self.joins = self._joins(states, n_states)
        self.matches: Records = np.array(self.encoder.matches, MATCH)
        self.updates = np.concatenate(self._updates)
        self.keys = self._keys(keys)
        self._tables: k.Tables | None = None

    def _keys(self, keys: Keys) -> k.Keys:
        """What each person's key says by itself: a valid e-mail address counts as their e-mail."""
        columns = [
            np.zeros(keys.people if slot is not None else 0, np.int64) for slot in (k.EMAIL, self._domain, self._free)
        ]
        if keys.address:
            told = Told(np.arange(1, len(keys.address) + 1, dtype=np.int32), [ABSENT, *keys.address])
            for slot, ids in self._address_ids(told):
                place = (k.EMAIL, self._domain, self._free).index(slot)
                columns[place][keys.person] = ids[1:]
        slots = [k.NONE if slot is None else slot for slot in (self._domain, self._free)]
        return k.Keys(columns[0], columns[1], columns[2], slots[0], slots[1])

    def tables(self) -> k.Tables:
        """What is known about every value met, as arrays."""
        if self._tables is None or len(self._tables.truth_base) < len(self.program.atoms):
            self._tables = self.encoder.table_arrays()
        return self._tables

    # --- what each combination does

    def _scalar(self, group: Alike) -> Records:
        make = self.encoder.payload
        numbers = [make(group.kind, data, at, group.is_company) for data, at in zip(group.data, group.ats, strict=True)]
        return np.array([self.encoder.payloads[number] for number in numbers], PAYLOAD)

    def _with_told(self, group: Alike, base: Records) -> Records:
        payloads = base[group.base]
        columns = self._told_updates(group) if group.told else []
        if not columns:
            return payloads
        first, counts, told = _flat(columns, len(group))
        more = payloads["updates_to"] - payloads["updates_from"]
        if more.any():
            told, first = _with_more(told, counts, payloads, more, self._updates[0])
            counts = counts + more
        payloads["updates_from"] = self._n_updates + first
        payloads["updates_to"] = payloads["updates_from"] + counts
        self._put(told)
        return payloads

    def _told_updates(self, group: Alike) -> "list[tuple[int, NDArray[np.int64]]]":
        fields = self.program.company_fields if group.is_company else self.program.person_fields
        return self._column_updates(group.told, fields, is_person=not group.is_company)

    def _column_updates(
        self, told: dict[str, Told], fields: Sequence[tuple[str, int]], is_person: bool
    ) -> "list[tuple[int, NDArray[np.int64]]]":
        """Slot by slot the value told by each of the rows, NONE where it tells nothing; in order of the fields."""
        columns: list[tuple[int, NDArray[np.int64]]] = []
        for field, slot in fields:
            if field not in told or (is_person and slot in (self._domain, self._free)):
                continue
            column = told[field]
            if is_person and field == "email":
                columns += [(of, ids[column.codes]) for of, ids in self._address_ids(column)]
            else:
                ids = self.encoder.value_ids(slot, column.values, is_person)
                columns.append((slot, ids[column.codes]))
        return columns

    def _address_ids(self, column: Told) -> "list[tuple[int, NDArray[np.int64]]]":
        """An e-mail told is three traits: the address, its domain, and whether that is a free mailbox."""
        found = [(k.EMAIL, self.encoder.value_ids(k.EMAIL, column.values, is_person=True))]
        for slot, derive in ((self._domain, email_domain), (self._free, is_free_mailbox)):
            if slot is not None:
                found.append((slot, self._derived_ids(slot, derive, column.values)))
        return found

    def _derived_ids(
        self, slot: int, derive: Callable[[str], Value], addresses: Sequence[object]
    ) -> "NDArray[np.int64]":
        """What follows from each address: worked out once for each text behind the sign."""
        ids: dict[object, int] = {}
        found = np.zeros(len(addresses), np.int64)
        for place, address in enumerate(addresses):
            if type(address) is str:
                domain = address.rpartition("@")[1:]
                if domain not in ids:
                    ids[domain] = self.encoder.value_id(slot, derive(address))
                found[place] = ids[domain]
            elif address is ABSENT:
                found[place] = k.NONE
        return found

    def _joins(self, states: dict[str, Told], n_states: int) -> Records:
        joins = np.zeros(n_states, JOINING)
        columns = self._column_updates(states, self.program.company_fields, is_person=False)
        if columns:
            first, counts, told = _flat(columns, n_states)
            joins["updates_from"] = self._n_updates + first
            joins["updates_to"] = joins["updates_from"] + counts
            self._put(told)
        return joins

    def _put(self, updates: Records) -> None:
        self._updates.append(updates)
        self._n_updates += len(updates)


def _flat(columns: "list[tuple[int, NDArray[np.int64]]]", n_rows: int) -> tuple[Any, Any, Records]:
    """The updates of all rows, one row's after the other's: where each row's begin, how many, and they themselves."""
    values = np.stack([ids for _, ids in columns], axis=1)
    is_told = values != k.NONE
    counts = is_told.sum(axis=1)
    updates = np.zeros(int(counts.sum()), UPDATE)
    updates["slot"] = np.broadcast_to(np.array([slot for slot, _ in columns]), values.shape)[is_told]
    updates["value"] = values[is_told]
    return np.cumsum(counts) - counts, counts, updates


def _with_more(told: Records, counts: Any, payloads: Records, more: Any, scalar: Records) -> tuple[Records, Any]:
    """The told updates with each row's own behind them, and where each row's begin."""
    whole = counts + more
    first = np.cumsum(whole) - whole
    updates = np.zeros(int(whole.sum()), UPDATE)
    updates[spread(first, counts)] = told
    updates[spread(first + counts, more)] = scalar[spread(payloads["updates_from"], more)]
    return updates, first
