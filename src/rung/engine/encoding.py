"""Events become the numbers that the kernel reads: payloads, traits' values, rows."""

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from rung.engine import kernel as k
from rung.engine.histories import ABSENT
from rung.engine.program import FIRST_TOLD, Candidate, Program, as_value
from rung.engine.records import VALUE
from rung.playbook.conditions import Value
from rung.terms import instants
from rung.terms.addresses import may_be_email, may_be_phone
from rung.terms.companies import email_domain, is_free_mailbox
from rung.terms.kinds import ADMISSIONS, KINDS, REACHED, TOUCHES
from rung.terms.stages import BANT, RANK, STATUS_RANK

DEFAULT_HOLD: Final = 90 * instants.DAY
"""How long an override silences the rules when it does not say."""

_DESCRIBING: Final = frozenset({"person_identified", "person_described"})
_ANSWERS: Final = {"handoff_accepted": k.ACCEPTED, "handoff_rejected": k.REJECTED, "handoff_returned": k.RETURNED}
_DEALS: Final = {"deal_opened": k.DEAL_OPENED, "deal_won": k.DEAL_WON, "deal_lost": k.DEAL_LOST}
_CONFIRMED: Final[dict[object, int]] = {"yes": 1, "no": 2}
_ADMISSIONS: Final = dict(zip(ADMISSIONS, (k.CONSIDERING, k.CHANGE), strict=True))
_BRACKETS: Final = {
    "friction_found": ("friction", "friction"),
    "question_answered": ("answered", "question"),
    "checklist_ticked": ("ticked", "line"),
}

_REACHING: Final[Mapping[int, Callable[[str], bool]]] = {k.EMAIL: may_be_email, k.PHONE: may_be_phone}
"""By slot which of its texts somebody can be reached by."""
Does = tuple[int, int, int, int]
_FORGOTTEN: Final = object()
_NOTHING: Final[Does] = (k.E_NONE, 0, 0, 0)


class Encoder:
    """Collects payloads and values, each distinct one once, and hands them over as tables.

    `finish` may be called once all rows of a batch are encoded.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        n_slots = len(program.slots) + program.n_data_slots
        self._ids: list[dict[object, int]] = [{} for _ in range(n_slots)]
        self.values: list[list[Value]] = [[None] for _ in range(n_slots)]
        self._deals: dict[object, int] = {}
        self.deals: list[object] = []
        self.payloads: list[k.Payload] = []
        self.updates: list[k.Update] = []
        self.matches: list[k.Match] = []
        self.joins: list[k.Joining] = []
        slot_of = {name: slot for slot, name in enumerate(program.slots)}
        self._competitor = slot_of.get("competitor", k.NONE)
        self._likelihood = slot_of.get("likelihood", k.NONE)
        self._decision_date = slot_of.get("decision.date", k.NONE)
        self._domain = slot_of.get("person.email_domain", k.NONE)
        self._free = slot_of.get("person.free_mailbox", k.NONE)
        self._first_told = [(slot_of[name], field) for name, field in FIRST_TOLD.items() if name in slot_of]
        self._first_slots = frozenset(slot for slot, _ in self._first_told)

    # --- values

    def value_id(self, slot: int, value: Value) -> int:
        """The number of the value among those of its slot; 0 is the unknown."""
        if value is None:
            return 0
        key = value if type(value) is str else (isinstance(value, bool), value)
        ids = self._ids[slot]
        found = ids.get(key)
        if found is None:
            found = ids[key] = len(self.values[slot])
            self.values[slot].append(value)
        return found

    def forgotten_id(self, slot: int) -> int:
        """The number of "told to be unknown", where being told differs from never having been (S28)."""
        found = self._ids[slot].get(_FORGOTTEN)
        if found is None:
            found = self._ids[slot][_FORGOTTEN] = len(self.values[slot])
            self.values[slot].append(None)
        return found

    def value_ids(self, slot: int, told: Sequence[object], is_person: bool) -> NDArray[np.int64]:
        """The number of each value as told, NONE for what is absent."""
        ids = self._ids[slot]
        if not ids and set(map(type, told[1:])) == {str} and told[0] is ABSENT:
            first = len(self.values[slot])
            self.values[slot] += cast(Sequence[str], told[1:])
            ids.update(zip(cast(Sequence[str], told[1:]), count(first), strict=False))
            return np.array([k.NONE, *range(first, first + len(told) - 1)], np.int64)
        may_forget = is_person and slot in self._first_slots
        found = np.full(len(told), k.NONE, np.int64)
        for place, value in enumerate(told):
            if value is not ABSENT:
                found[place] = self.value_id(slot, as_value(value)) or (self.forgotten_id(slot) if may_forget else 0)
        return found

    def deal_id(self, told: object) -> int:
        """The number of the deal; events that name none share one."""
        key = (type(told), told) if isinstance(told, (str, int, float, bool)) or told is None else repr(told)
        found = self._deals.get(key)
        if found is None:
            found = self._deals[key] = len(self.deals)
            self.deals.append(told)
        return found

    # --- payloads

    def payload(self, kind: str, data: Mapping[str, object], at: int, is_company: bool = False) -> int:
        """The number of a new payload. `at` matters only to `is_timed` kinds."""
        plan = self.program.kinds[kind]
        first_update, first_match = len(self.updates), len(self.matches)
        if is_company:
            flags, tracked, does, candidates = 0, k.NONE, _NOTHING, plan.company
            if kind == "company_described":
                self._describe_company(data)
        else:
            flags, tracked, candidates = plan.flags, plan.tracked, plan.own
            does = self._does(kind, data, at)
            self._describe(kind, data)
        for candidate in candidates:
            self._consider(candidate, data)
        self.payloads.append(
            k.Payload(flags, tracked, *does, first_update, len(self.updates), first_match, len(self.matches))
        )
        return len(self.payloads) - 1

    def joining(self, facts: Mapping[str, object]) -> int:
        """The number of a new company's facts, as known when somebody joins it."""
        first = len(self.updates)
        self._describe_company(facts)
        self.joins.append(k.Joining(first, len(self.updates)))
        return len(self.joins) - 1

    def email(self, address: str) -> tuple[k.Update, ...]:
        """The updates by which an address becomes somebody's e-mail."""
        first = len(self.updates)
        self._tell_email(address)
        found = tuple(self.updates[first:])
        del self.updates[first:]
        return found

    def _tell(self, slot: int, value: Value, is_first: int = 0) -> None:
        self.updates.append(k.Update(slot, self.value_id(slot, value), is_first))

    def _describe_company(self, data: Mapping[str, object]) -> None:
        for field, slot in self.program.company_fields:
            if field in data:
                self._tell(slot, as_value(data[field]))

    def _describe(self, kind: str, data: Mapping[str, object]) -> None:
        """What an event of the person's own says about traits and the like."""
        if not data:
            return
        if kind in _DESCRIBING:
            for field, slot in self.program.person_fields:
                if field == "email" and field in data:
                    self._tell_email(as_value(data[field]))
                elif field in data and slot not in (self._domain, self._free):
                    self._tell(slot, as_value(data[field]))
                    if self.updates[-1].value == 0 and slot in self._first_slots:
                        self.updates[-1] = k.Update(slot, self.forgotten_id(slot), 0)
        elif kind == "competitor_named" and self._competitor != k.NONE:
            self._tell(self._competitor, as_value(data.get("competitor")))
        elif kind == "likelihood_scored" and self._likelihood != k.NONE:
            self._tell(self._likelihood, as_value(data.get("likelihood")))
        elif kind == "question_answered" and data.get("question") == "decision_date" and self._decision_date != k.NONE:
            self._tell(self._decision_date, as_value(data.get("answer")))
        for slot, field in self._first_told:
            told = as_value(data.get(field))
            if told is not None:
                self._tell(slot, told, 1)

    def _tell_email(self, address: Value) -> None:
        self._tell(k.EMAIL, address)
        text = address if isinstance(address, str) else None
        if self._domain != k.NONE:
            self._tell(self._domain, email_domain(text) if text is not None else None)
        if self._free != k.NONE:
            self._tell(self._free, is_free_mailbox(text) if text is not None else None)

    def _consider(self, candidate: Candidate, data: Mapping[str, object]) -> None:
        if candidate.test is not None and not candidate.test(data):
            return
        for test in candidate.tests:
            if test.test(data):
                self._tell(test.slot, True)
        for name, slot in candidate.fields:
            self._tell(slot, as_value(data.get(name)))
        self.matches.append(k.Match(candidate.signal, candidate.when))

    def _does(self, kind: str, data: Mapping[str, object], at: int) -> Does:
        """What the event does by itself; unusable data make it an event that does nothing."""
        if kind in TOUCHES:
            return k.E_TOUCH, 0, 0, 0
        if kind in REACHED or (kind == "email_replied" and data.get("outcome") != "negative"):
            return k.E_REACH, 0, 0, 0
        if kind in _ANSWERS:
            return self._answer(kind, data)
        if kind in _DEALS:
            return k.E_DEAL, _DEALS[kind], self.deal_id(data.get("deal")), 0
        if kind == "bant_answered":
            return _letter(data)
        if kind == "admission_given":
            flag = _ADMISSIONS.get(data.get("admission"), k.NONE)  # type: ignore[call-overload]  # any value may be told
            return _NOTHING if flag == k.NONE else (k.E_FLAG, flag, 0, 0)
        if kind in _BRACKETS:
            return self._bracket(kind, data)
        if kind == "stage_overridden":
            return self._override(data, at)
        if kind == "email_bounced":
            return (k.E_BOUNCE, 0, 0, 0) if data.get("hard") is True else _NOTHING
        return _SIMPLE.get(kind, _NOTHING)

    def _answer(self, kind: str, data: Mapping[str, object]) -> Does:
        reason, until = data.get("reason"), k.NONE
        index = self.program.reasons.get(reason, k.NONE) if isinstance(reason, str) else k.NONE
        if isinstance(told := data.get("until"), str):
            until = _instant(told)
        return k.E_ANSWER, _ANSWERS[kind], index, until

    def _bracket(self, kind: str, data: Mapping[str, object]) -> Does:
        fact, name = _BRACKETS[kind]
        told = data.get(name)
        flag = self.program.flags.get((fact, told), k.NONE) if isinstance(told, str) else k.NONE
        if kind == "question_answered" and told == "decision_makers":
            return k.E_QUESTION, flag, _how_many(data.get("answer")), 0
        return _NOTHING if flag == k.NONE else (k.E_FLAG, flag, 0, 0)

    def _override(self, data: Mapping[str, object], at: int) -> Does:
        """An override that cannot be carried out does nothing (S23)."""
        to, status = data.get("to") or None, data.get("status") or "active"
        if override_fault(self.program, data) is not None:
            return _NOTHING
        until = at + DEFAULT_HOLD
        if "until" in data:
            told = data["until"]
            until = k.FOREVER if told is None else _instant(str(told))
        return k.E_OVERRIDE, k.NONE if to is None else RANK[str(to)], STATUS_RANK[str(status)], until

    # --- the tables

    def tables(self) -> k.Tables:
        """What is known about every value met so far."""
        base: list[int] = []
        records: list[k.ValueRecord] = []
        texts: dict[object, int] = {}
        compared = self.program.compared_slots
        for slot, values in enumerate(self.values):
            base.append(len(records))
            if slot in _REACHING:
                records += [_reaching(slot, value, texts) for value in values]
            elif slot in compared:
                records += [_record(value, texts) for value in values]
            else:  # texts that are compared with no other trait need no number
                records += [_TEXT if type(value) is str else _record(value, texts) for value in values]
        truth_base: list[int] = []
        truth: list[int] = []
        for atom in self.program.atoms:
            truth_base.append(len(truth))
            truth += [int(atom.test(value)) for value in self.values[atom.slot]]
        return k.Tables(base, records, truth_base, truth)

    def table_arrays(self) -> k.Tables:
        """As `tables`, as arrays."""
        base = np.cumsum([0, *map(len, self.values)][:-1])
        texts: dict[object, int] = {}
        parts = []
        for slot, values in enumerate(self.values):
            records = np.zeros(len(values), VALUE)
            records["kind"] = k.V_TEXT
            is_compared = slot in self.program.compared_slots
            for place, value in enumerate(values):
                if is_compared or type(value) is not str:
                    records[place] = _record(value, texts)
            if slot in _REACHING:
                reaches = _REACHING[slot]
                is_text = records["kind"] == k.V_TEXT
                records["number"][is_text] = [reaches(value) for value in values if type(value) is str]
            parts.append(records)
        truth_base: list[int] = []
        truth: list[bool] = []
        for atom in self.program.atoms:
            truth_base.append(len(truth))
            truth += map(atom.test, self.values[atom.slot])
        return k.Tables(base, np.concatenate(parts), np.array(truth_base, np.int64), np.array(truth, np.int64))


def override_fault(program: Program, data: Mapping[str, object]) -> str | None:
    """Why the override cannot be carried out under this playbook, in words; None when it can."""
    to, status = data.get("to") or None, data.get("status") or "active"
    if to is not None and not (isinstance(to, str) and to in program.playbook.rungs):
        return f"{to!r} is no rung that the playbook uses: there are {', '.join(program.playbook.rungs)}"
    if not (isinstance(status, str) and status in STATUS_RANK):
        return f"{status!r} is no status: there are {', '.join(STATUS_RANK)}"
    told = data.get("until")
    if told is not None and _instant(str(told)) == k.NONE:
        return f"{told!r} is not a time: write 2026-03-01T10:00:00Z, or a date alone"
    return None


def is_timed(kind: str) -> bool:
    """Whether what an event of the kind does depends on its time, so that alike ones do not share a payload."""
    return kind == "stage_overridden"


_SIMPLE: Final[Mapping[str, Does]] = {
    "customer_left": (k.E_LEFT, 0, 0, 0),
    "consent_given": (k.E_CONSENT, 1, 0, 0),
    "consent_withdrawn": (k.E_CONSENT, 0, 0, 0),
    "unsubscribed": (k.E_UNSUBSCRIBE, 0, 0, 0),
}
assert set(_SIMPLE) <= set(KINDS)


def _letter(data: Mapping[str, object]) -> Does:
    letter, confirmed = data.get("letter"), data.get("confirmed")
    if isinstance(confirmed, bool):
        answer = 1 if confirmed else 2
    else:
        answer = _CONFIRMED.get(confirmed, 0) if isinstance(confirmed, str) else 0
    if letter not in BANT or answer == 0:
        return _NOTHING
    return k.E_LETTER, BANT.index(str(letter)), answer, int(data.get("told") is True)


def _instant(told: str) -> int:
    try:
        return instants.parse_instant(told)
    except instants.BadInstant:
        return k.NONE


def _how_many(answer: object) -> int:
    """How many decision makers an answer names: a number as it is, a list or text by its parts."""
    if isinstance(answer, bool) or answer is None:
        return 0
    if isinstance(answer, (int, float)):
        return max(0, int(answer))
    parts = answer if isinstance(answer, (list, tuple)) else str(answer).replace(";", ",").replace("\n", ",").split(",")
    return sum(1 for part in parts if str(part).strip())


_TEXT: Final = k.ValueRecord(k.V_TEXT, 0.0, 0)


def _record(value: Value, texts: dict[object, int]) -> k.ValueRecord:
    if value is None:
        return k.ValueRecord(k.V_UNKNOWN, 0.0, 0)
    if isinstance(value, (bool, str)):
        text = texts.setdefault((type(value), value), len(texts))
        return k.ValueRecord(k.V_TEXT if isinstance(value, str) else k.V_TRUTH, 0.0, text)
    if isinstance(value, (int, float)):
        return k.ValueRecord(k.V_NUMBER, float(value), 0)
    return k.ValueRecord(k.V_OTHER, 0.0, 0)


def _reaching(slot: int, value: Value, texts: dict[object, int]) -> k.ValueRecord:
    """As `_record`; the number of a text says whether somebody can be reached by it."""
    record = _record(value, texts)
    if not isinstance(value, str):
        return record
    return k.ValueRecord(record.kind, float(_REACHING[slot](value)), record.text)


def lists(encoder: Encoder, rows: list[k.RowRecord]) -> k.Rows:
    """The batch for the uncompiled kernel."""
    return k.Rows(rows, encoder.payloads, encoder.updates, encoder.matches, encoder.joins)
