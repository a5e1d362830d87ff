"""A playbook becomes a program: records and steps that the kernel runs, and what the encoder must know of each kind."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from rung.engine import kernel as k
from rung.playbook.conditions import (
    FACTS,
    And,
    Compare,
    Condition,
    Count,
    Fact,
    Facts,
    In,
    Known,
    Not,
    Number,
    Or,
    Span,
    Text,
    Truth,
    Value,
    compiled,
    facts_named,
)
from rung.playbook.conditions.syntax import Operand, Operator, walk
from rung.playbook.definitions import FOREVER, Playbook, Setback
from rung.terms.kinds import KINDS, SIGNS_OF_LIFE, VISIT_KINDS
from rung.terms.stages import BANT, RANK, STAGES, STATUS_RANK, STATUSES

ENGINE_VERSION: Final = 3
"""Rises whenever an answer, or what is kept of one, may change: 2 keeps marks (what lists ask answered() of); for 3 a
text that can be no address or number reaches nobody (S33)."""

_OPS: Final[dict[Operator, int]] = {"<": k.LT, "<=": k.LE, ">": k.GT, ">=": k.GE, "==": k.EQ, "!=": k.NE}
_TURNED: Final[dict[Operator, Operator]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_NUMBERS: Final = {
    "fit": k.N_FIT,
    "engagement": k.N_ENGAGEMENT,
    "score": k.N_SCORE,
    "signals": k.N_SIGNALS,
    "visits": k.N_VISITS,
    "bant": k.N_BANT,
    "bant_told": k.N_BANT_TOLD,
    "lap": k.N_LAP,
    "decision.makers": k.N_MAKERS,
}
_FLAGS: Final = {
    "touched": k.TOUCHED,
    "reached": k.REACHED,
    "is_customer": k.IS_CUSTOMER,
    "consented": k.CONSENTED,
    "unsubscribed": k.UNSUBSCRIBED,
    "admits.considering": k.CONSIDERING,
    "admits.change": k.CHANGE,
}
_ANSWERS: Final = {"accepted": k.ACCEPTED, "rejected": k.REJECTED, "returned": k.RETURNED}
_DEALS: Final = {"deal.open": k.DEAL_OPENED, "deal.won": k.DEAL_WON, "deal.lost": k.DEAL_LOST}
_DECAYING: Final = {"engagement": k.N_ENGAGEMENT, "score": k.N_SCORE}
_SLOT_FACTS: Final = ("competitor", "decision.date", "likelihood")
_LAP_SLOTS: Final = ("competitor", "decision.date")
_BRACKET_FLAGS: Final = ("friction", "answered", "ticked")
FIRST_TOLD: Final = {"person.source": "utm_source", "person.campaign": "utm_campaign"}
"""Traits that, never told, are the first such field of the person's own events (S28)."""
_GROUPS: Final = {
    **dict.fromkeys(("engagement", "idle", "in_stage"), k.G_TIME),
    "score": k.G_TIME | k.G_FIT,
    "since": k.G_TIME | k.G_COUNT,
    "fit": k.G_FIT,
    **dict.fromkeys(("signals", "times", "visits"), k.G_COUNT),
    **dict.fromkeys((*_DEALS, "is_customer"), k.G_DEAL),
    **dict.fromkeys(("reachable", "consented", "unsubscribed"), k.G_CONTACT),
    **dict.fromkeys(_SLOT_FACTS, k.G_SLOT),
    **dict.fromkeys(("stage", "status", "lap"), 0),
}
"""Which groups of changes concern a fact; all that is not named here is talk between sales and them."""

_Name = TypeVar("_Name")
_MOST_REMEMBERED: Final = 50_000


@dataclass(frozen=True, slots=True)
class Atom:
    """A condition over one trait alone, judged once per distinct value."""

    slot: int
    condition: Condition
    test: Callable[[Value], bool]


@dataclass(frozen=True, slots=True)
class DataTest:
    """A condition over an event's own data alone, judged once per payload; its truth goes into the slot."""

    slot: int
    test: Callable[[Mapping[str, object]], bool]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A signal that events of a kind may match.

    With `test` alone the payload decides. With `when` (a program) the kernel does, and needs the slots of `tests` and
    `fields` of the event's data.
    """

    signal: int
    test: Callable[[Mapping[str, object]], bool] | None
    when: int
    reads: tuple[str, ...] = ()
    """The data fields that the outcome depends on."""
    tests: tuple[DataTest, ...] = ()
    fields: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class KindPlan:
    """What the encoder does with events of a kind."""

    flags: int
    tracked: int
    own: tuple[Candidate, ...]
    company: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A playbook made ready. `arrays` hold lists; `compiled.py` turns them into arrays."""

    playbook: Playbook
    arrays: k.ProgramArrays
    slots: tuple[str, ...]
    """The fact each slot holds; the data slots behind them have no name."""
    n_data_slots: int
    atoms: tuple[Atom, ...]
    kinds: Mapping[str, KindPlan]
    person_fields: tuple[tuple[str, int], ...]
    company_fields: tuple[tuple[str, int], ...]
    flags: Mapping[tuple[str, str], int]
    """Where `friction(x)`, `answered(x)` and `ticked(x)` stand in the person."""
    reasons: Mapping[str, int]
    tracked: Mapping[str, int]
    signal_index: Mapping[str, int]
    hot: int
    warm: int
    compared_slots: frozenset[int]
    """The slots of traits that are compared with each other."""
    entries: dict[Condition, int] = field(default_factory=dict, compare=False)
    """Where the program of each condition met so far begins."""
    assembler: "Assembler | None" = field(default=None, compare=False, repr=False)

    def entry(self, condition: Condition) -> int:
        """Where the condition's program begins; a part of a rule is assembled when first asked for (explanations)."""
        found = self.entries.get(condition)
        if found is None:
            assert self.assembler is not None
            found = self.entries[condition] = self.assembler.assemble(condition, k.YES, k.NO)
        return found

    def number_source(self, fact: Fact) -> tuple[int, int] | None:
        """Where the kernel finds the fact's number: a source and its argument; None for what is no number."""
        assert self.assembler is not None
        return self.assembler.number_source(fact)

    def length_source(self, fact: Fact) -> tuple[int, int]:
        """Since when the fact, a length of time, counts: a source and its argument."""
        assert self.assembler is not None
        return self.assembler.length_source(fact)

    @property
    def told_slots(self) -> tuple[int, ...]:
        """The slots of competitor, decision date and likelihood, which every program has."""
        return tuple(self.slots.index(name) for name in _SLOT_FACTS)

    @property
    def reaches_colleagues(self) -> frozenset[str]:
        """The kinds of which a colleague's event becomes a row (S4)."""
        return frozenset(kind for kind, plan in self.kinds.items() if plan.company)

    @property
    def reading_key(self) -> Hashable:
        """Equal for programs to which every event is the same: those that differ in thresholds, points and times."""
        signals = ((s.on, s.is_company, s.when.condition if s.when else None) for s in self.playbook.signals)
        candidates = (
            (c.signal, c.when, tuple(test.slot for test in c.tests), c.fields)
            for plan in self.kinds.values()
            for c in (*plan.own, *plan.company)
        )
        return (
            (self.slots, self.n_data_slots, self.playbook.rungs, self.compared_slots),
            tuple(tuple(numbers.items()) for numbers in (self.tracked, self.flags, self.reasons)),
            tuple(signals),
            tuple(candidates),
            tuple((atom.slot, atom.condition) for atom in self.atoms),
        )

    def person_size(self, room: int) -> int:
        """Whole numbers of a person with so much room for deals and bounced addresses."""
        return self.arrays.deals + room


def compile_program(playbook: Playbook) -> Program:
    """The program of the playbook."""
    assembler = Assembler(playbook)
    return assembler.program()


class _One:
    """A single fact's value, for judging conditions outside the kernel."""

    def __init__(self, value: Value) -> None:
        self._value = value

    def value(self, _: Fact, /) -> Value:
        return self._value


class _Data:
    """An event's own data as facts."""

    def __init__(self, data: Mapping[str, object]) -> None:
        self._data = data

    def value(self, fact: Fact, /) -> Value:
        return as_value(self._data.get(fact.name[5:]))


class _Place:
    """Where somebody stands, as facts."""

    def __init__(self, stage: int, status: int) -> None:
        self._places: dict[str, Value] = {"stage": STAGES[stage], "status": STATUSES[status]}

    def value(self, fact: Fact, /) -> Value:
        return self._places[fact.name]


def _remembered(test: Callable[[Facts], bool]) -> Callable[[Value], bool]:
    """The test of one value, which knows what it said before: a history in parts shows it the same values again."""
    said: dict[tuple[type, Value], bool] = {}

    def holds(value: Value) -> bool:
        key = (type(value), value)
        found = said.get(key)
        if found is None:
            found = test(_One(value))
            if len(said) < _MOST_REMEMBERED:
                said[key] = found
        return found

    return holds


def as_value(told: object) -> Value:
    """The value a condition can see: text, number, truth, list of texts; anything else is unknown."""
    if isinstance(told, (str, int, float)):
        return told
    if isinstance(told, (list, tuple)) and all(isinstance(item, str) for item in told):
        return tuple(told)
    return None


class Assembler:
    """Assembles conditions into steps, handing out slots, counters and flags as they are named."""

    def __init__(self, playbook: Playbook) -> None:
        self.playbook = playbook
        self.steps: list[k.Step] = []
        self.constants: list[float] = []
        self.spans: list[int] = []
        self.atoms: list[Atom] = []
        self.registers = 0
        self._candidates: dict[tuple[int, int], list[int]] = {}
        self.signal_index = {signal.name: index for index, signal in enumerate(playbook.signals)}
        facts = [fact for rule in self.rules() for fact in facts_named(rule)]
        self.slots = list(
            dict.fromkeys(("person.email", "person.phone", *_SLOT_FACTS, *(f.name for f in facts if _is_slot(f))))
        )
        self.tracked = _numbered(
            str(fact.argument) for fact in facts if fact.name in ("times", "since") and not fact.is_signal
        )
        flags = _numbered((fact.name, str(fact.argument)) for fact in facts if fact.name in _BRACKET_FLAGS)
        self.data_slots = 0
        self._lay_out(len(playbook.signals), len(self.tracked), len(flags))
        self.flag_at = {name: self.flags + index for name, index in flags.items()}
        self.data_tests: list[DataTest] = []
        self.data_fields: dict[str, int] = {}

    def _lay_out(self, n_signals: int, n_kinds: int, n_flags: int) -> None:
        self.match_count = k.N_FIXED
        self.match_at = self.match_count + n_signals
        self.matched = self.match_at + n_signals
        self.kind_count = self.matched + n_signals
        self.kind_at = self.kind_count + n_kinds
        self.flags = self.kind_at + n_kinds
        self.n_flags = n_flags

    def rules(self) -> Iterable[Condition]:
        """Every condition that the kernel may look at."""
        playbook = self.playbook
        yield from (line.when.condition for line in playbook.fit)
        yield from (signal.when.condition for signal in playbook.signals if signal.when is not None)
        yield from self.moving_rules()
        yield from (rule.condition for rule in (playbook.temperature.hot, playbook.temperature.warm) if rule)

    def moving_rules(self) -> Iterable[Condition]:
        yield from (stage.enter.condition for stage in self.playbook.stages.values())
        yield from (line.when.condition for line in self.playbook.setbacks)

    # --- the whole

    def program(self) -> Program:
        entries: dict[Condition, int] = {}

        def entry(condition: Condition) -> int:
            if condition not in entries:
                entries[condition] = self.assemble(condition, k.YES, k.NO)
            return entries[condition]

        kinds = self._kinds()
        arrays = self._arrays(entry)
        temperature = self.playbook.temperature
        hot, warm = (entry(rule.condition) if rule else k.NO for rule in (temperature.hot, temperature.warm))
        return Program(
            playbook=self.playbook,
            arrays=arrays,
            slots=tuple(self.slots),
            n_data_slots=self.data_slots,
            atoms=self.atoms,  # type: ignore[arg-type]  # grows when explanations ask for parts of rules
            kinds=kinds,
            person_fields=tuple((name[7:], i) for i, name in enumerate(self.slots) if name.startswith("person.")),
            company_fields=tuple((name[8:], i) for i, name in enumerate(self.slots) if name.startswith("company.")),
            flags=self.flag_at,
            reasons={name: index for index, name in enumerate(self.playbook.handoff.reject_reasons)},
            tracked=self.tracked,
            signal_index=self.signal_index,
            hot=hot,
            warm=warm,
            compared_slots=frozenset(at for step in self.steps if step.op == k.OP_SLOTS for at in (step.b, step.d)),
            entries=entries,
            assembler=self,
        )

    def _arrays(self, entry: Callable[[Condition], int]) -> k.ProgramArrays:
        """What the kernel reads. `entry`: the step at which a condition begins; asking for one assembles it."""
        playbook, signals = self.playbook, self.playbook.signals
        registers = self._finish_slots()
        fit = [k.FitLine(entry(line.when.condition), float(line.points)) for line in playbook.fit]
        rungs = [self._rung(code, entry) for code in STAGES]
        setbacks = [self._line(line, entry) for line in playbook.setbacks]
        standings, lines, timers, decays = _Ranges(self).all()
        fading = [signal.half_life for signal in signals if signal.half_life and signal.points > 0]
        return k.ProgramArrays(
            steps=self.steps,
            constants=self.constants,
            spans=self.spans,
            signals=[_signal(each.points, each.cap, each.half_life, each.is_hand_raise) for each in signals],
            fit=fit,
            rungs=rungs,
            setbacks=setbacks,
            reasons=[
                k.Reason(_rest(reason.rest), int(reason.wakes_on == "date"))
                for reason in playbook.handoff.reject_reasons.values()
            ],
            standings=standings,
            lines=lines,
            timers=timers,
            decays=decays,
            valid_for=[self._valid_for(letter) for letter in BANT],
            company_slots=[i for i, name in enumerate(self.slots) if name.startswith("company.")],
            lap_slots=[i for i, name in enumerate(self.slots) if name in _LAP_SLOTS],
            match_count=self.match_count,
            match_at=self.match_at,
            matched=self.matched,
            kind_count=self.kind_count,
            kind_at=self.kind_at,
            flags=self.flags,
            slots=self.slots_at,
            registers=registers,
            deals=registers + _MOST_REGISTERS,
            n_signals=len(signals),
            n_kinds=len(self.tracked),
            n_flags=self.n_flags,
            n_slots=len(self.slots),
            handoff_rung=RANK[playbook.handoff.on],
            negatives=[index for index, signal in enumerate(signals) if signal.points < 0],
            shortest_half_life=float(min(fading, default=0)),
            fit_reads_bant=int(any(f.name in BANT for line in playbook.fit for f in facts_named(line.when.condition))),
        )

    @property
    def slots_at(self) -> int:
        return self.flags + self.n_flags

    def _finish_slots(self) -> int:
        return self.slots_at + len(self.slots) + self.data_slots

    def _rung(self, code: str, entry: Callable[[Condition], int]) -> k.Rung:
        stage = self.playbook.stages.get(code)
        if stage is None:
            return k.Rung(0, k.NO, 0)
        condition = stage.enter.condition
        mask = _mask(condition)
        for line in self.candidates(RANK[code], k.ACTIVE):
            mask |= _mask(self.playbook.setbacks[line].when.condition)
        return k.Rung(1, entry(condition), mask)

    def _line(self, line: Setback, entry: Callable[[Condition], int]) -> k.Line:
        target, status = self.target(line)
        return k.Line(
            when=entry(line.when.condition),
            mask=_mask(line.when.condition),
            target=target,
            status=status,
            rest=k.NONE if line.lap else _rest(line.rest),
            is_expansion=int(line.lap is not None),
            names_rejected=int(any(fact.name == "rejected" for fact in facts_named(line.when.condition))),
        )

    def target(self, line: Setback) -> tuple[int, int]:
        """The rung (at most: whoever stands lower stays there) and the status to which a setback leads."""
        if line.to in RANK:
            return RANK[line.to], k.ACTIVE
        if line.to == "disqualified":
            return k.CUSTOMER, k.DISQUALIFIED
        return (k.LEAD if "lead" in self.playbook.stages else k.SUSPECT), STATUS_RANK[line.to]

    def candidates(self, stage: int, status: int) -> list[int]:
        """The setbacks that could fire for somebody who stands there, in order."""
        found = self._candidates.get((stage, status))
        if found is None:
            found = self._candidates[stage, status] = [
                index
                for index, line in enumerate(self.playbook.setbacks)
                if self._is_below(line, stage, status)
                and _settled(line.when.condition, _Place(stage, status)) is not False
            ]
        return found

    def _is_below(self, line: Setback, stage: int, status: int) -> bool:
        target, target_status = self.target(line)
        if line.to not in RANK:
            target = min(target, stage)
        if line.lap and stage != k.CUSTOMER:
            return False
        return target <= stage and target_status >= status and (target < stage or target_status > status)

    def _valid_for(self, letter: str) -> int:
        asked = self.playbook.qualification.get(letter)
        return (asked.valid_for or 0) if asked is not None else 0

    # --- kinds and signals

    def _kinds(self) -> dict[str, KindPlan]:
        plans = {}
        candidates = [self._candidate(index) for index in range(len(self.playbook.signals))]
        for code, kind in KINDS.items():
            mine = [
                (candidate, signal.is_company)
                for candidate, signal in zip(candidates, self.playbook.signals, strict=True)
                if signal.on == code
            ]
            flags = k.K_OWN * kind.is_own | k.K_LIFE * (code in SIGNS_OF_LIFE) | k.K_VIEW * (code in VISIT_KINDS)
            plans[code] = KindPlan(
                flags=flags,
                tracked=self.tracked.get(code, k.NONE),
                own=tuple(candidate for candidate, is_company in mine if not is_company),
                company=tuple(candidate for candidate, is_company in mine if is_company),
            )
        return plans

    def _candidate(self, index: int) -> Candidate:
        when = self.playbook.signals[index].when
        if when is None:
            return Candidate(index, None, k.YES)
        condition = when.condition
        reads = tuple(fact.name[5:] for fact in facts_named(condition) if fact.name.startswith("data."))
        if all(fact.name.startswith("data.") for fact in facts_named(condition)):
            return Candidate(index, _data_test(condition), k.YES, reads)
        self.data_tests, self.data_fields = [], {}
        entry = self.assemble(condition, k.YES, k.NO)
        return Candidate(index, None, entry, reads, tuple(self.data_tests), tuple(self.data_fields.items()))

    def _data_slot(self) -> int:
        self.data_slots += 1
        return len(self.slots) + self.data_slots - 1

    # --- conditions: assembled from the end, so that each step knows where to go on

    def assemble(self, condition: Condition, yes: int, no: int) -> int:
        """Where the condition's program begins; it ends at `yes` or `no`."""
        facts = facts_named(condition)
        if not facts:
            return yes if compiled(condition)(_One(None)) else no
        if all(fact.name.startswith("data.") for fact in facts):
            slot = self._data_slot()
            self.data_tests.append(DataTest(slot, _data_test(condition)))
            return self._step(k.OP_SLOT_KNOWN, yes, no, b=slot)
        if len(facts) == 1 and (alone := self._of_one(condition, facts[0], yes, no)) is not None:
            return alone
        match condition:
            case And(parts):
                for part in reversed(parts):
                    yes = self.assemble(part, yes, no)
                return yes
            case Or(parts):
                for part in reversed(parts):
                    no = self.assemble(part, yes, no)
                return no
            case Not(part):
                return self.assemble(part, no, yes)
            case Compare(left, op, right):
                return self._compare(left, op, right, yes, no)
            case In():
                return self._membership(condition, yes, no)
            case Known(fact):
                if fact.name != "since":
                    return yes
                source, argument = self.length_source(fact)
                return self._step(k.OP_KNOWN, yes, no, a=source, b=argument)
            case _:
                return no

    def _of_one(self, condition: Condition, fact: Fact, yes: int, no: int) -> int | None:
        """A condition over one fact alone that has few values or a slot; None for numbers and lengths of time."""
        test = compiled(condition)
        if any(isinstance(node, Count) for node in walk(condition)):
            return None
        if _is_slot(fact):
            if isinstance(condition, Known) and fact.name not in FIRST_TOLD:
                return self._step(k.OP_SLOT_KNOWN, yes, no, b=self.slots.index(fact.name))
            slot = self.slots.index(fact.name)
            self.atoms.append(Atom(slot, condition, _remembered(test)))
            return self._step(k.OP_SLOT, yes, no, b=slot, d=len(self.atoms) - 1)
        if fact.name in ("stage", "status"):
            codes = STAGES if fact.name == "stage" else STATUSES
            mask = sum(1 << i for i, code in enumerate(codes) if test(_One(code)))
            return self._step(k.OP_STAGE if fact.name == "stage" else k.OP_STATUS, yes, no, d=mask)
        if FACTS[fact.name].type != "truth":
            return None
        when_true, when_false = (yes if test(_One(truth)) else no for truth in (True, False))
        if fact.name in BANT:
            when_unknown = yes if test(_One(None)) else no
            letter = BANT.index(fact.name)
            is_no = self._step(k.OP_LETTER, when_false, when_unknown, b=letter, d=2)
            return self._step(k.OP_LETTER, when_true, is_no, b=letter, d=1)
        return when_true if when_true == when_false else self._truth(fact, when_true, when_false)

    def _truth(self, fact: Fact, yes: int, no: int) -> int:
        if fact.name in _ANSWERS:
            return self._step(k.OP_ANSWER, yes, no, b=_ANSWERS[fact.name])
        if fact.name in _DEALS:
            return self._step(k.OP_DEAL, yes, no, b=_DEALS[fact.name])
        if fact.name == "reachable":
            return self._step(k.OP_REACHABLE, yes, no)
        if fact.name in _FLAGS:
            return self._step(k.OP_FLAG, yes, no, b=_FLAGS[fact.name])
        return self._step(k.OP_FLAG, yes, no, b=self.flag_at[fact.name, str(fact.argument)])

    def _compare(self, left: Operand, op: Operator, right: Operand, yes: int, no: int) -> int:
        if isinstance(right, Span):
            assert isinstance(left, Fact)
            source, argument = self.length_source(left)
            return self._step(k.OP_SPAN, yes, no, a=source, b=argument, d=self._span(right.micros), e=_OPS[op])
        if (
            isinstance(left, Fact)
            and isinstance(right, Fact)
            and FACTS[left.name].type == "span" == FACTS[right.name].type
        ):
            (a, b), (c, d) = self.length_source(left), self.length_source(right)
            return self._step(k.OP_SPANS, yes, no, a=a, b=b, c=c, d=d, e=_OPS[op])
        for one, other, turned in ((left, right, op), (right, left, _TURNED[op])):
            if isinstance(one, Fact) and (constants := _few_values(one)):
                cases = (And((Compare(one, "==", c), Compare(c, turned, other))) for c in constants)
                return self.assemble(Or(tuple(cases)), yes, no)
            if isinstance(one, Count) and isinstance(other, Fact) and other.name in _DECAYING:
                counts = (Number(float(n)) for n in range(len(one.parts) + 1))
                fixed = (And((Compare(one, "==", n), Compare(n, turned, other))) for n in counts)
                return self.assemble(Or(tuple(fixed)), yes, no)
        slots = [self._slot_of(side) for side in (left, right)]
        if slots[0] is not None and slots[1] is not None:
            return self._step(k.OP_SLOTS, yes, no, b=slots[0], d=slots[1], e=_OPS[op])
        before: list[tuple[Count, int]] = []
        free = self.registers
        numbers = [self.number_source(side, before) for side in (left, right)]
        if numbers[0] is None or numbers[1] is None:
            return no
        (a, b), (c, d) = numbers[0], numbers[1]
        entry = self._step(k.OP_NUMBER, yes, no, a=a, b=b, c=c, d=d, e=_OPS[op])
        for count, register in reversed(before):
            entry = self._counting(count, register, entry)
        self.registers = free
        return entry

    def _counting(self, count: Count, register: int, then: int) -> int:
        """Counts into the register the parts that hold, and goes on."""
        entry = then
        for part in reversed(count.parts):
            entry = self.assemble(part, self._step(k.OP_ADD, entry, entry, b=register), entry)
        return self._step(k.OP_ZERO, entry, entry, b=register)

    def _membership(self, condition: In, yes: int, no: int) -> int:
        """A number in a list; every other fact in a list is a condition over one fact, and assembled as such."""
        operand, numbers = condition.operand, [item for item in condition.items if isinstance(item, Number)]
        if condition.negated:
            parts = tuple(Compare(operand, "!=", item) for item in numbers)
            return self.assemble(And(parts), yes, no) if parts else no
        return self.assemble(Or(tuple(Compare(operand, "==", item) for item in numbers)), yes, no) if numbers else no

    def number_source(self, side: Operand, before: list[tuple[Count, int]] | None = None) -> tuple[int, int] | None:
        match side:
            case Number(value):
                return k.N_CONST, self._constant(value)
            case Count():
                self.registers += 1
                assert before is not None
                before.append((side, self.registers - 1))
                return k.N_REGISTER, self.registers - 1
            case Fact(name, argument, is_signal):
                if (slot := self._slot_of(side)) is not None:
                    return k.N_SLOT, slot
                if name == "times":
                    return self._times(str(argument), is_signal)
                return (_NUMBERS[name], 0) if name in _NUMBERS else None
            case _:
                return None

    def _times(self, argument: str, is_signal: bool) -> tuple[int, int]:
        return (k.N_MATCHES, self.signal_index[argument]) if is_signal else (k.N_KIND, self.tracked[argument])

    def length_source(self, fact: Fact) -> tuple[int, int]:
        if fact.name == "since":
            argument = str(fact.argument)
            if fact.is_signal:
                return k.D_MATCH, self.signal_index[argument]
            return k.D_KIND, self.tracked[argument]
        return (k.D_IDLE, 0) if fact.name == "idle" else (k.D_IN_STAGE, 0)

    def _slot_of(self, side: Operand) -> int | None:
        if not isinstance(side, Fact):
            return None
        if side.name.startswith("data."):
            name = side.name[5:]
            if name not in self.data_fields:
                self.data_fields[name] = self._data_slot()
            return self.data_fields[name]
        return self.slots.index(side.name) if _is_slot(side) else None

    def _step(self, op: int, yes: int, no: int, a: int = 0, b: int = 0, c: int = 0, d: int = 0, e: int = 0) -> int:
        self.steps.append(k.Step(op, a, b, c, d, e, yes, no))
        return len(self.steps) - 1

    def _constant(self, value: float) -> int:
        if value not in self.constants:
            self.constants.append(value)
        return self.constants.index(value)

    def _span(self, value: int) -> int:
        if value not in self.spans:
            self.spans.append(value)
        return self.spans.index(value)


_MOST_REGISTERS: Final = 64
"""Counts within counts; a condition of 1 KiB cannot nest deeper."""


class _Ranges:
    """By standing: the setbacks that could fire there, and what time alone may change."""

    def __init__(self, assembler: Assembler) -> None:
        self.assembler = assembler
        self.lines: list[int] = []
        self.timers: list[k.Timer] = []
        self.decays: list[k.Decay] = []
        self._risen: dict[int, tuple[tuple[int, int], tuple[int, int]]] = {}

    def all(self) -> tuple[list[k.Standing], list[int], list[k.Timer], list[k.Decay]]:
        standings = [self._standing(stage, status) for stage in range(len(STAGES)) for status in range(len(STATUSES))]
        return standings, self.lines, self.timers, self.decays

    def _standing(self, stage: int, status: int) -> k.Standing:
        playbook, candidates = self.assembler.playbook, self.assembler.candidates(stage, status)
        falling = [playbook.setbacks[line].when.condition for line in candidates]
        first_line = len(self.lines)
        self.lines += candidates
        timers, decays = self._timers(falling), self._decays(falling)
        rise_timers, rise_decays = self._rising(stage)
        return k.Standing(first_line, len(self.lines), *timers, *rise_timers, *decays, *rise_decays)

    def _rising(self, stage: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """What time alone may change about rising from a rung, whatever the status."""
        found = self._risen.get(stage)
        if found is None:
            playbook, rising = self.assembler.playbook, list[Condition]()
            for code, above in playbook.stages.items():
                if RANK[code] > stage:
                    rising.append(above.enter.condition)
                    waiting = self.assembler.candidates(RANK[code], k.ACTIVE)
                    rising += [playbook.setbacks[line].when.condition for line in waiting]
            found = self._risen[stage] = self._timers(rising), self._decays(rising)
        return found

    def _timers(self, conditions: list[Condition]) -> tuple[int, int]:
        first = len(self.timers)
        self.timers += dict.fromkeys(
            k.Timer(*self.assembler.length_source(node.left), node.right.micros)
            for condition in conditions
            for node in walk(condition)
            if isinstance(node, Compare) and isinstance(node.right, Span) and isinstance(node.left, Fact)
        )
        return first, len(self.timers)

    def _decays(self, conditions: list[Condition]) -> tuple[int, int]:
        first = len(self.decays)
        found = []
        for node in (node for condition in conditions for node in walk(condition)):
            match node:
                case Compare(left, op, right):
                    found += self._decays_of(left, op, right)
                    found += self._decays_of(right, _TURNED[op], left)
                case In(operand, items):
                    for item in items:
                        found += self._decays_of(operand, "==", item)
                case _:
                    pass
        self.decays += dict.fromkeys(found)
        return first, len(self.decays)

    def _decays_of(self, left: Operand, op: Operator, right: Operand) -> list[k.Decay]:
        if not isinstance(left, Fact) or left.name not in _DECAYING:
            return []
        if isinstance(right, Fact) and right.name in _DECAYING:
            return []  # their difference is fit, which does not fade
        of = _DECAYING[left.name]
        if isinstance(right, Count):
            fixed = [Number(float(n)) for n in range(len(right.parts) + 1)]
            return [decay for n in fixed for decay in self._decays_of(left, op, n)]
        number = self.assembler.number_source(right)
        return [] if number is None else [k.Decay(of, _OPS[op], *number)]


def _numbered(names: Iterable[_Name]) -> dict[_Name, int]:
    return {name: index for index, name in enumerate(dict.fromkeys(names))}


def _signal(points: float, cap: float | None, half_life: int | None, is_hand_raise: bool) -> k.Signal:
    """A signal with negative points takes neither cap nor half-life."""
    if points < 0:
        cap = half_life = None
    return k.Signal(
        points=float(points),
        cap=float(cap or 0),
        half_life=float(half_life or 0),
        is_capped=int(cap is not None),
        is_positive=int(points >= 0),
        is_hand_raise=int(is_hand_raise),
    )


def _rest(rest: int | None) -> int:
    if rest is None:
        return k.NONE
    return k.FOREVER if rest >= FOREVER else rest


def _is_slot(fact: Fact) -> bool:
    return fact.name.startswith(("person.", "company.")) or fact.name in _SLOT_FACTS


def _few_values(fact: Fact) -> tuple[Text | Truth, ...]:
    """All values of a fact that has only few of them."""
    if fact.name == "stage":
        return tuple(Text(code) for code in STAGES)
    if fact.name == "status":
        return tuple(Text(code) for code in STATUSES)
    if fact.name in FACTS and FACTS[fact.name].type == "truth":
        return (Truth(True), Truth(False))
    return ()


def _mask(condition: Condition) -> int:
    """The groups of facts whose changes may change the condition."""
    mask = 0
    for fact in facts_named(condition):
        group = k.G_SLOT if fact.name.startswith(("person.", "company.")) else k.G_TALK
        mask |= _GROUPS.get(fact.name, group)
    return mask or k.G_ALL


def _settled(condition: Condition, place: _Place) -> bool | None:
    """Whether the condition holds for everybody who stands there, for nobody, or (None) for some."""
    facts = facts_named(condition)
    if all(fact.name in ("stage", "status") for fact in facts):
        return compiled(condition)(place)
    match condition:
        case And(parts) | Or(parts):
            settled = [_settled(part, place) for part in parts]
            decides = isinstance(condition, Or)
            if decides in settled:
                return decides
            return None if None in settled else not decides
        case Not(part):
            inner = _settled(part, place)
            return None if inner is None else not inner
        case _:
            return None


def _data_test(condition: Condition) -> Callable[[Mapping[str, object]], bool]:
    test = compiled(condition)
    return lambda data: test(_Data(data))
