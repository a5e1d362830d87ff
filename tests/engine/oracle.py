"""The oracle: section 4 of the architecture read aloud, naive and slow, by somebody who has not read the kernel.

It keeps a person's whole list of rows and works every fact out from that list, by its definition, each time somebody
asks. Nothing is kept up to date, nothing is incremental; the only things remembered are those that the text itself
remembers: where the person stands, since when, what was emptied when, and until when rules are silent.
Ambiguous sentences are read as docs/semantics.md says; numbers in brackets, as in (S14), are its entries.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from rung.engine.histories import CORRECTIONS
from rung.playbook.conditions.syntax import (
    And,
    Compare,
    Count,
    Fact,
    Holds,
    In,
    Known,
    Not,
    Number,
    Or,
    Span,
    Text,
    TextTest,
    Truth,
    walk,
)
from rung.playbook.definitions import FOREVER
from rung.terms.addresses import key_email
from rung.terms.companies import email_domain, is_free_mailbox
from rung.terms.events import Event
from rung.terms.instants import DAY, HOUR, BadInstant, floor_hour, parse_instant
from rung.terms.kinds import ANSWER_KINDS, KINDS, REACHED, SIGNS_OF_LIFE, TOUCHES, VISIT_KINDS
from rung.terms.stages import BANT, RANK, STAGES, STATUS_RANK

DECAYING = {"engagement", "score"}
DURATIONS = {"idle", "in_stage", "since"}


# --- what comes out: plain tuples -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """`moves`: (at, from, to, cause, because, passed, score, fit, engagement, seq, lap); `handoffs`:
    (at, what, lane, seq).

    `standing`: what the text says about the person at `until`, by name. A move by time alone has seq None.
    """

    moves: list[tuple[Any, ...]]
    handoffs: list[tuple[Any, ...]]
    standing: dict[str, Any]


# --- conditions: a walk over the tree ---------------------------------------------------------------------------------


def holds(condition: Any, facts: "Facts") -> bool:
    """Whether the condition holds, straight from the language's paragraph in section 4."""
    match condition:
        case And(parts):
            return all(holds(part, facts) for part in parts)
        case Or(parts):
            return any(holds(part, facts) for part in parts)
        case Not(part):
            return not holds(part, facts)
        case Holds(operand):
            return amount(operand, facts) is True
        case Known(fact):
            return facts.value(fact) is not None
        case Compare(left, op, right):
            return compares(amount(left, facts), op, amount(right, facts))
        case In(operand, items, negated):
            value = amount(operand, facts)
            if negated:
                alike = any(kind_of(item.value) == kind_of(value) for item in items)
                return value is not None and alike and all(item.value != value for item in items)
            return any(compares(value, "==", item.value) for item in items)
        case TextTest(fact, how, pattern):
            return passes(facts.value(fact), how, pattern)
    raise AssertionError(condition)


def amount(operand: Any, facts: "Facts") -> Any:
    match operand:
        case Number(value) | Text(value) | Truth(value):
            return value
        case Span(micros):
            return micros
        case Count(parts):
            return sum(holds(part, facts) for part in parts)
        case Fact():
            return facts.value(operand)
    raise AssertionError(operand)


def kind_of(value: Any) -> str:
    """Booleans are not numbers, texts are not numbers, lists are nothing that compares."""
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, (int, float)):
        return "number"
    return "text" if isinstance(value, str) else "other"


def compares(left: Any, op: str, right: Any) -> bool:
    """False for an unknown side and for wrong types; strings (and booleans) have no order."""
    if left is None or right is None or kind_of(left) != kind_of(right) or kind_of(left) == "other":
        return False
    if op == "==":
        return bool(left == right)
    if op == "!=":
        return bool(left != right)
    if kind_of(left) != "number":
        return False
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[op])


def passes(value: Any, how: str, pattern: str) -> bool:
    if how == "contains" and isinstance(value, tuple):
        return pattern in value
    if not isinstance(value, str):
        return False
    if how == "startswith":
        return value.startswith(pattern)
    if how == "endswith":
        return value.endswith(pattern)
    if how == "contains":
        return pattern in value
    escaped = pattern.lower().replace("[", "[[]")
    return any(fnmatchcase(value.lower(), glob) for glob in escaped.split("|"))


# --- one person -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """A row that has happened, and the names of the signals it matched, judged when it happened."""

    event: Event
    is_own: bool
    """Not `system`, and not come by the company (S1)."""
    is_colleagues: bool
    matched: tuple[str, ...] = ()


@dataclass(frozen=True)
class Memory:
    """All that the text remembers about a person besides the rows. `*_from`: rows before this index are emptied."""

    stage: str = "suspect"
    status: str = "active"
    lap: int = 1
    moved_at: int | None = None
    is_waiting: bool = False
    rest_until: int | None = None
    hold_until: int | None = None
    lap_from: int = 0
    points_from: int = 0
    answers_from: int = 0
    """`accepted returned touched reached` were cleared here."""
    handoff_from: int = 0
    """The latest hand-off opened here with all three answers cleared."""
    open_lane: str | None = None
    """The lane of the hand-off that is open and unanswered."""


@dataclass(frozen=True)
class Facts:
    """Every fact at instant `at`, each by its definition, from the list of rows."""

    playbook: Any
    rows: Sequence[Seen]
    memory: Memory
    at: int
    read_at: int
    """The time as at which conditions read engagement and score."""
    described: Sequence[Event] = ()
    """Every `company_described` of the whole history."""
    data: Mapping[str, object] | None = None
    worked_out: dict[Any, float] = field(default_factory=dict, compare=False)
    """Engagement and fit by instant and rows: not worked out twice, for the sake of the hourly scan."""

    def value(self, fact: Fact) -> Any:
        name, argument = fact.name, fact.argument
        room, dot, field_name = name.partition(".")
        if dot and room in ("person", "company", "data"):
            return {"person": self.person, "company": self.company, "data": self.told}[room](field_name)
        if name == "times":
            return len(self.these(fact))
        if name == "since":
            these = self.these(fact)
            return self.at - these[-1].event.at if these else None
        if name == "friction":
            return any(event.data.get("friction") == argument for event in self.this_lap("friction_found"))
        if name == "answered":
            return any(event.data.get("question") == argument for event in self.this_lap("question_answered"))
        if name == "ticked":
            return any(event.data.get("line") == argument for event in self.this_lap("checklist_ticked"))
        if dot and room == "admits":
            return any(event.data.get("admission") == field_name for event in self.this_lap("admission_given"))
        if dot and room == "deal":
            return self.deal(field_name)
        if dot and room == "decision":
            return {"date": self.decision_date, "makers": self.decision_makers}[field_name]()
        if name in BANT:
            return self.letter(name)
        return getattr(self, name)()

    # who they are

    def person(self, name: str) -> Any:
        if name == "free_mailbox":
            email = self.person("email")
            return is_free_mailbox(email) if isinstance(email, str) else None
        if name == "email_domain":
            email = self.person("email")
            return email_domain(email) if isinstance(email, str) else None
        told = [e.data[name] for e in self.mine("person_identified", "person_described") if name in e.data]
        if told:
            return trait(told[-1])
        if name in ("source", "campaign"):  # (S28)
            touches = [row.event.data.get(f"utm_{name}") for row in self.rows if not row.is_colleagues]
            return next((touch for touch in touches if isinstance(touch, str) and touch), None)
        return key_email(self.rows[0].event.person or "") if name == "email" and self.rows else None

    def company(self, name: str) -> Any:
        """The latest value of the present company: the company named by the person's latest event that names one."""
        named = [row.event.company for row in self.rows if not row.is_colleagues and row.event.company]
        if not named:
            return None
        now = order(self.rows[-1].event)
        told = [
            event.data[name]
            for event in sorted(self.described, key=order)
            if event.company == named[-1] and order(event) <= now and name in event.data
        ]
        return trait(told[-1]) if told else None

    def told(self, name: str) -> Any:
        return trait((self.data or {}).get(name))

    def reachable(self) -> bool:
        """An e-mail that has not hard-bounced, or a phone number; a bounce spoils the address of that time (S10)."""
        email, spoilt = self.person("email"), set()
        for index, row in enumerate(self.rows):
            if row.event.kind == "email_bounced" and row.event.data.get("hard") is True:
                spoilt.add(replace(self, rows=self.rows[: index + 1]).person("email"))
        phone = self.person("phone")
        # (S33): written from the text, and not with the words of `terms.addresses`.
        is_email = isinstance(email, str) and "@" in email[1:-1]
        is_phone = isinstance(phone, str) and any(sign.isdecimal() for sign in phone)
        return (is_email and email not in spoilt) or is_phone

    def consented(self) -> bool:
        told = self.mine("consent_given", "consent_withdrawn")
        return bool(told) and told[-1].kind == "consent_given"

    def unsubscribed(self) -> bool:
        told = self.mine("consent_given", "unsubscribed")
        return bool(told) and told[-1].kind == "unsubscribed"

    # what they did

    def points_rows(self) -> Sequence[Seen]:
        return self.rows[self.memory.points_from :]

    def these(self, fact: Fact) -> Sequence[Seen]:
        """The rows that `times` and `since` count: matches of a signal, or the person's rows of a kind (S3)."""
        if fact.is_signal:
            return [row for row in self.points_rows() if fact.argument in row.matched]
        return [row for row in self.points_rows() if row.event.kind == fact.argument and not row.is_colleagues]

    def is_interest(self, row: Seen) -> bool:
        """An own event that matched a signal with positive or no points."""
        return row.is_own and any((s.points or 0) >= 0 for s in self.playbook.signals if s.name in row.matched)

    def signals(self) -> int:
        return sum(self.is_interest(row) for row in self.points_rows())

    def visits(self) -> int:
        views = [row.event.at for row in self.points_rows() if row.event.kind in VISIT_KINDS and not row.is_colleagues]
        return sum(i == 0 or at - views[i - 1] >= HOUR // 2 for i, at in enumerate(views))

    def idle(self) -> int:
        alive = [row for row in self.rows if self.is_interest(row) or (row.is_own and row.event.kind in SIGNS_OF_LIFE)]
        return self.at - (alive[-1] if alive else self.rows[0]).event.at

    def in_stage(self) -> int:
        return self.at - self.since()

    def since(self) -> int:
        return self.rows[0].event.at if self.memory.moved_at is None else self.memory.moved_at

    # numbers

    def fit(self) -> float:
        key = ("fit", self.at, self.memory.lap_from, len(self.rows))
        if key not in self.worked_out:
            self.worked_out[key] = sum(line.points for line in self.playbook.fit if holds(line.when.condition, self))
        return self.worked_out[key]

    def engagement(self) -> float:
        return self.engagement_at(self.read_at)

    def engagement_at(self, at: int) -> float:
        key = (at, self.memory.points_from, len(self.rows))
        if key not in self.worked_out:
            total = sum(signal_points(signal, self.matches(signal.name), at) for signal in self.playbook.signals)
            self.worked_out[key] = round(total, 6)
        return self.worked_out[key]

    def matches(self, name: str) -> list[int]:
        return [row.event.at for row in self.points_rows() if name in row.matched]

    def score(self) -> float:
        return self.engagement() + self.fit()

    def likelihood(self) -> Any:
        told = self.mine("likelihood_scored")
        return trait(told[-1].data.get("likelihood")) if told else None

    # what sales and they told each other

    def mine(self, *kinds: str, start: int = 0) -> list[Event]:
        """The person's events of these kinds, those of colleagues left out, among the rows from `start` on."""
        return [row.event for row in self.rows[start:] if row.event.kind in kinds and not row.is_colleagues]

    def this_lap(self, *kinds: str) -> list[Event]:
        return self.mine(*kinds, start=self.memory.lap_from)

    def answer(self) -> str | None:
        """The answer given to the latest hand-off; the last one counts (S22). Setbacks leave only a rejection."""
        start = max(self.memory.handoff_from, self.memory.lap_from)
        answers = self.mine(*ANSWER_KINDS, start=start)
        if not answers:
            return None
        given, since_setback = ANSWER_KINDS[answers[-1].kind], self.rows[self.memory.answers_from :]
        is_fresh = any(row.event is answers[-1] for row in since_setback)
        return given if is_fresh or given == "rejected" else None

    def accepted(self) -> bool:
        return self.answer() == "accepted"

    def rejected(self) -> bool:
        return self.answer() == "rejected"

    def returned(self) -> bool:
        return self.answer() == "returned"

    def since_setback(self, *kinds: str) -> list[Event]:
        return self.mine(*kinds, start=max(self.memory.answers_from, self.memory.lap_from))

    def touched(self) -> bool:
        return bool(self.since_setback(*TOUCHES))

    def reached(self) -> bool:
        replies = self.since_setback("email_replied")
        return bool(self.since_setback(*REACHED)) or any(reply.data.get("outcome") != "negative" for reply in replies)

    def last_answer(self, letter: str) -> Event | None:
        """The last answer to the letter that still counts: expired from `at + valid_for` on."""
        answers = [event for event in self.this_lap("bant_answered") if is_answer(event, letter)]
        valid_for = self.valid_for(letter)
        if not answers or (valid_for is not None and self.at >= answers[-1].at + valid_for):
            return None
        return answers[-1]

    def valid_for(self, letter: str) -> int | None:
        asked = self.playbook.qualification.get(letter)
        return asked.valid_for if asked is not None else None

    def letter(self, letter: str) -> bool | None:
        answer = self.last_answer(letter)
        return None if answer is None else answer.data["confirmed"] in ("yes", True)

    def bant(self) -> int:
        return sum(self.letter(letter) is True for letter in BANT)

    def bant_told(self) -> int:
        answers = [self.last_answer(letter) for letter in BANT]
        return sum(answer is not None and answer.data.get("told") is True for answer in answers)

    def competitor(self) -> Any:
        told = self.this_lap("competitor_named")
        return trait(told[-1].data.get("competitor")) if told else None

    def asked(self, question: str) -> Any:
        answers = [e for e in self.this_lap("question_answered") if e.data.get("question") == question]
        return answers[-1].data.get("answer") if answers else None

    def decision_date(self) -> str | None:
        answer = self.asked("decision_date")
        return answer if isinstance(answer, str) else None

    def decision_makers(self) -> int:
        """A number as it is, a list or a text by its parts that are not blank (S29)."""
        answer = self.asked("decision_makers")
        if isinstance(answer, str):
            answer = re.split(r"[,;\n]", answer)
        if isinstance(answer, (list, tuple)):
            return sum(bool(str(part).strip()) for part in answer)
        return max(0, int(answer)) if isinstance(answer, (int, float)) and not isinstance(answer, bool) else 0

    def deal(self, how: str) -> bool:
        last: dict[Any, str] = {}  # 1 and "1" are two deals (S31)
        for event in self.this_lap("deal_opened", "deal_won", "deal_lost"):
            last[event.data.get("deal")] = event.kind
        states = last.values()
        if how == "lost":
            return "deal_lost" in states and "deal_opened" not in states and "deal_won" not in states
        return {"open": "deal_opened", "won": "deal_won"}[how] in states

    def is_customer(self) -> bool:
        told = self.mine("deal_won", "customer_left")
        return bool(told) and told[-1].kind == "deal_won"

    # where they stand

    def stage(self) -> str:
        return self.memory.stage

    def status(self) -> str:
        return self.memory.status

    def lap(self) -> int:
        return self.memory.lap


def signal_points(signal: Any, matches: Sequence[int], at: int) -> float:
    """min(cap, Σ points · 2^(−(t − atᵢ)/half_life)); a signal with negative points takes neither."""
    points = signal.points or 0
    if points < 0 or signal.half_life is None:
        total = float(points * len(matches))
    else:
        total = sum(points * 2.0 ** (-(at - match) / signal.half_life) for match in matches)
    return total if signal.cap is None or points < 0 else min(signal.cap, total)


def trait(value: object) -> Any:
    """Values that a condition can see: text, number, boolean, list of texts; everything else is unknown."""
    if isinstance(value, (list, tuple)):
        return tuple(value) if all(isinstance(item, str) for item in value) else None
    return value if isinstance(value, (str, int, float, bool)) else None


def is_answer(event: Event, letter: str) -> bool:
    confirmed = event.data.get("confirmed")
    return event.data.get("letter") == letter and (isinstance(confirmed, bool) or confirmed in ("yes", "no"))


def order(event: Event) -> tuple[int, int]:
    return (event.at, event.seq)


def code(stage: str, status: str) -> str:
    """How a move names a place: the rung, or the status where not active."""
    return stage if status == "active" else status


@dataclass
class Person:
    """One person on the way through their rows."""

    playbook: Any
    described: Sequence[Event] = ()
    rows: list[Seen] = field(default_factory=list)
    memory: Memory = Memory()
    looked_at: int = 0
    """The latest instant that was looked at."""
    event: Event | None = None
    """The event of this instant; None at a flip by time alone."""
    matched: tuple[str, ...] = ()
    moves: list[tuple[Any, ...]] = field(default_factory=list)
    handoffs: list[tuple[Any, ...]] = field(default_factory=list)

    # --- instants

    def happen(self, event: Event, reach: str) -> None:
        """One event: flips due at or before it come first, then it is looked at."""
        self.pass_time(event.at)
        self.looked_at, self.event = event.at, event
        is_own = reach == "own" and KINDS[event.kind].is_own
        seen = Seen(event, is_own, reach != "own")
        self.rows.append(seen)
        self.matched = self.judged(seen)
        self.rows[-1] = replace(seen, matched=self.matched)
        self.take_in(event, is_own)
        self.look(event.at)
        self.event, self.matched = None, ()

    def pass_time(self, until: int) -> None:
        """Every flip by time alone up to and including `until`, one after the other."""
        while self.rows:
            flip = self.next_flip(until)
            if flip is None:
                return
            self.looked_at = flip
            self.look(flip)

    def next_flip(self, until: int) -> int | None:
        """The first later instant at which time alone may change an answer; none before or at `until` = None.

        Exact instants are the known beginnings plus every length of time the playbook names: too many rather than
        too few, for looking again without a flip changes nothing.
        """
        exact = [at for at in self.deadlines() if self.looked_at < at <= until]
        first = min(exact, default=None)
        hour = self.next_decay_flip(until if first is None else first)
        return first if hour is None else hour

    def deadlines(self) -> Iterable[int]:
        facts = self.facts(self.looked_at)
        yield from (at for at in (self.memory.rest_until, self.memory.hold_until) if at is not None)
        for letter in BANT:
            valid_for = facts.valid_for(letter)
            yield from (
                r.event.at + valid_for for r in self.rows if valid_for is not None and is_answer(r.event, letter)
            )
        starts = {facts.since(), *(row.event.at for row in self.rows)}
        yield from (start + span for start in starts for span in self.spans)

    def next_decay_flip(self, until: int) -> int | None:
        """The first whole hour at which some comparison with engagement or score has a new value."""
        fading = {signal.name for signal in self.playbook.signals if signal.half_life is not None}
        if not any(fading & set(row.matched) for row in self.rows):
            return None
        before = self.answers(self.looked_at)
        hour = floor_hour(self.looked_at) + HOUR
        while hour <= until:
            if self.answers(hour) != before:
                return hour
            hour += HOUR
        return None

    def answers(self, at: int) -> list[bool]:
        facts = self.facts(at)
        return [holds(node, facts) for node in self.comparisons]

    @cached_property
    def comparisons(self) -> list[Any]:
        """Every comparison of engagement or score, by itself."""
        return [
            node
            for rule in self.rules
            for node in walk(rule)
            if isinstance(node, (Compare, In))
            and any(isinstance(below, Fact) and below.name in DECAYING for below in walk(node))
        ]

    @cached_property
    def spans(self) -> set[int]:
        """Every length of time that the playbook names."""
        return {node.micros for rule in self.rules for node in walk(rule) if isinstance(node, Span)}

    @cached_property
    def rules(self) -> list[Any]:
        """Every condition by which a person may be moved."""
        enters = [stage.enter.condition for code, stage in self.playbook.stages.items() if code != "suspect"]
        return enters + [line.when.condition for line in self.playbook.setbacks]

    def facts(self, at: int, memory: Memory | None = None) -> Facts:
        """Facts at an instant; engagement read as at the later of the last row and the last whole hour."""
        last_row = self.rows[-1].event.at
        return Facts(self.playbook, self.rows, memory or self.memory, at, max(last_row, floor_hour(at)), self.described)

    # --- step 1: facts

    def judged(self, seen: Seen) -> tuple[str, ...]:
        """The signals the row matches, with all facts as after the event (S5)."""
        facts = replace(self.facts(seen.event.at), data=seen.event.data)
        return tuple(
            signal.name
            for signal in self.playbook.signals
            if signal.on == seen.event.kind
            and signal.is_company == seen.is_colleagues
            and (signal.when is None or holds(signal.when.condition, facts))
        )

    def take_in(self, event: Event, is_own: bool) -> None:
        """What the event does by itself, before any rule: ends waiting, rest and hold; answers; overrides."""
        raises = {signal.name for signal in self.playbook.signals if signal.is_hand_raise}
        is_won = event.kind == "deal_won" and not self.rows[-1].is_colleagues
        if is_own:
            self.remember(is_waiting=False)
        if is_won or raises & set(self.matched):
            self.remember(rest_until=None)
        if is_won:
            self.remember(hold_until=None)
        if self.rows[-1].is_colleagues:
            return
        if event.kind in ANSWER_KINDS and self.memory.open_lane is not None:
            self.note_handoff(event.at, ANSWER_KINDS[event.kind])
        if event.kind == "stage_overridden":
            self.override(event)

    def override(self, event: Event) -> None:
        """`to` missing = the present rung, `status` missing = active, `until` missing = 90 days, null = no end."""
        stage = event.data.get("to") or self.memory.stage
        status = event.data.get("status") or "active"
        if stage not in self.used() or status not in STATUS_RANK:
            return
        until = event.at + 90 * DAY
        if "until" in event.data:
            told = event.data["until"]
            try:
                until = FOREVER if told is None else parse_instant(str(told))
            except BadInstant:
                return
        self.remember(hold_until=until, rest_until=None)
        if (stage, status) == (self.memory.stage, self.memory.status):
            return
        self.note_move(event.at, stage, status, "override", event.data.get("because") or "")
        self.arrive(event.at, stage, status, is_promotion=False)

    # --- steps 2 to 5: rules

    def look(self, at: int) -> None:
        if self.memory.hold_until is not None and at < self.memory.hold_until:
            return
        is_set_back = False
        while (line := self.first_setback(at)) is not None:
            is_set_back = self.set_back(at, line) or is_set_back
        while not is_set_back and (to := self.promotion(at)) is not None:
            self.promote(at, to)

    def first_setback(self, at: int, memory: Memory | None = None) -> Any:
        """The first line whose `when` holds and whose target is strictly below the (or a supposed) standing."""
        memory = memory or self.memory
        facts = self.facts(at, memory)
        for line in self.playbook.setbacks:
            stage, status = self.target(line, memory)
            is_allowed = not line.lap or memory.stage == "customer"
            rungs, statuses = RANK[stage] - RANK[memory.stage], STATUS_RANK[status] - STATUS_RANK[memory.status]
            is_below = rungs <= 0 and statuses >= 0 and (rungs < 0 or statuses > 0)
            if is_allowed and is_below and holds(line.when.condition, facts):
                return line
        return None

    def target(self, line: Any, memory: Memory) -> tuple[str, str]:
        if line.to in RANK:
            return line.to, "active"
        if line.to == "disqualified":
            return memory.stage, "disqualified"
        lead = "lead" if "lead" in self.used() else "suspect"
        return min(lead, memory.stage, key=lambda stage: RANK[stage]), line.to

    def set_back(self, at: int, line: Any) -> bool:
        """Moves the person down; True when it was one that stops promotions at this instant."""
        stage, status = self.target(line, self.memory)
        if line.lap:
            self.remember(lap=self.memory.lap + 1)
        rest_until = None if line.lap else self.rest_until(at, line)
        self.note_move(at, stage, status, "setback", line.because)
        if line.lap:
            self.remember(lap_from=len(self.rows))
        else:
            self.remember(is_waiting=True, answers_from=len(self.rows))
            if rest_until is not None:
                self.remember(rest_until=rest_until)
        self.arrive(at, stage, status, is_promotion=False)
        return not line.lap

    def rest_until(self, at: int, line: Any) -> int | None:
        """The line's own rest, or that of the reject reason (S15); None = this setback says nothing about rest."""
        rest = line.rest
        if self.facts(at).rejected() and any(
            isinstance(n, Fact) and n.name == "rejected" for n in walk(line.when.condition)
        ):
            told = self.facts(at).mine("handoff_rejected")[-1]
            reason = self.playbook.handoff.reject_reasons.get(told.data.get("reason"))
            if reason is not None and reason.wakes_on and isinstance(told.data.get("until"), str):
                return parse_instant(str(told.data["until"]))
            if reason is not None and reason.rest is not None:
                rest = reason.rest
        return None if rest is None else at + rest

    def promotion(self, at: int) -> str | None:
        """The highest enabled rung above whose `enter` holds and on which, as if arrived, no setback would fire."""
        memory = self.memory
        if memory.is_waiting or memory.status == "disqualified":
            return None
        is_resting = memory.rest_until is not None and at < memory.rest_until
        for stage in reversed(STAGES):
            if stage not in self.used() or RANK[stage] <= RANK[memory.stage]:
                continue
            if is_resting and RANK[stage] > RANK["lead"]:
                continue
            if not holds(self.playbook.stages[stage].enter.condition, self.facts(at)):
                continue
            if self.first_setback(at, self.arrived(at, stage, "active")) is None:
                return stage
        return None

    def promote(self, at: int, to: str) -> None:
        because = self.playbook.stages[to].enter.text
        for stage in STAGES:
            if stage in self.used() and RANK[self.memory.stage] < RANK[stage] < RANK[to]:
                self.note_move(at, stage, "active", "promotion", because, is_passed=True)
        self.note_move(at, to, "active", "promotion", because)
        self.arrive(at, to, "active", is_promotion=True)

    # --- what a move does

    def arrived(self, at: int, stage: str, status: str) -> Memory:
        """The memory of somebody who has just come to rest there: what the rungs themselves empty and clear."""
        memory = replace(self.memory, stage=stage, status=status, moved_at=at)
        if stage != self.memory.stage and stage == "customer":
            memory = replace(memory, points_from=len(self.rows))
        if stage != self.memory.stage and stage == self.playbook.handoff.on:
            memory = replace(memory, handoff_from=len(self.rows))
        return memory

    def arrive(self, at: int, stage: str, status: str, *, is_promotion: bool) -> None:
        before, on = self.memory.stage, self.playbook.handoff.on
        is_unanswered = self.memory.open_lane is not None
        self.memory = self.arrived(at, stage, status)
        if stage == before:
            return
        if is_unanswered and (before == on or not is_promotion):
            self.note_handoff(at, "withdrawn")
        raises = {signal.name for signal in self.playbook.signals if signal.is_hand_raise}
        if stage == on:
            self.open_handoff(at, "hand_raise" if raises & set(self.matched) else "scored")
        elif is_promotion and RANK[stage] > RANK[on] and (RANK[before] < RANK[on] or (before == on and is_unanswered)):
            self.open_handoff(at, "hand_raise")
            if self.event is not None and KINDS[self.event.kind].actor == "sales" and self.event.by:
                self.note_handoff(at, "accepted")

    def open_handoff(self, at: int, lane: str) -> None:
        self.remember(open_lane=lane)
        self.handoffs.append((at, "opened", lane, self.event.seq if self.event else None))

    def note_handoff(self, at: int, what: str) -> None:
        self.handoffs.append((at, what, self.memory.open_lane, self.event.seq if self.event else None))
        self.remember(open_lane=None)

    def note_move(self, at: int, stage: str, status: str, cause: str, because: str, *, is_passed: bool = False) -> None:
        """The row of a move; a passed rung is where the next row starts from."""
        facts = self.facts(at)
        engagement, fit = facts.engagement_at(at), facts.fit()
        start = code(self.memory.stage, self.memory.status)
        if self.moves and self.moves[-1][5] and self.moves[-1][0] == at:
            start = self.moves[-1][2]
        seq = self.event.seq if self.event else None
        self.moves.append(
            (
                at,
                start,
                code(stage, status),
                cause,
                because,
                is_passed,
                engagement + fit,
                fit,
                engagement,
                seq,
                self.memory.lap,
            )
        )

    def used(self) -> set[str]:
        return {"suspect", *self.playbook.stages}

    def remember(self, **news: Any) -> None:
        self.memory = replace(self.memory, **news)

    # --- the end

    def standing(self, until: int) -> dict[str, Any]:
        facts = self.facts(until)
        exact = replace(facts, read_at=until)
        return {
            "stage": facts.stage(),
            "status": facts.status(),
            "lap": facts.lap(),
            "score": exact.score(),
            "fit": exact.fit(),
            "engagement": exact.engagement(),
            "temperature": temperature(self.playbook, exact),
            "since": facts.since(),
            "accepted": facts.accepted(),
            "rejected": facts.rejected(),
            "returned": facts.returned(),
            "touched": facts.touched(),
            "reached": facts.reached(),
            "reachable": facts.reachable(),
            "budget": facts.letter("budget"),
            "authority": facts.letter("authority"),
            "need": facts.letter("need"),
            "timing": facts.letter("timing"),
            "deal_open": facts.deal("open"),
            "deal_won": facts.deal("won"),
            "deal_lost": facts.deal("lost"),
            "is_customer": facts.is_customer(),
            "consented": facts.consented(),
            "unsubscribed": facts.unsubscribed(),
            "likelihood": facts.likelihood(),
            "competitor": facts.competitor(),
            "decision_date": facts.decision_date(),
            "decision_makers": facts.decision_makers(),
            "signals": facts.signals(),
            "visits": facts.visits(),
            "bant": facts.bant(),
            "idle_since": until - facts.idle(),
            "admits_change": facts.value(Fact("admits.change")),
            "admits_considering": facts.value(Fact("admits.considering")),
            "is_waiting": self.memory.is_waiting,
            "handoff_lane": self.memory.open_lane,
        }


def temperature(playbook: Any, facts: Facts) -> str:
    warmth = playbook.temperature
    for name in ("hot", "warm"):
        rule = getattr(warmth, name, None) if warmth is not None else None
        if rule is not None and holds(rule.condition, facts):
            return name
    return "cold"


def decide(playbook: Any, rows: Iterable[tuple[Event, str]], until: int, described: Sequence[Event] = ()) -> Outcome:
    """One person from nothing: `rows` are (event, reach); events after `until` are not looked at."""
    person = Person(playbook, described)
    for event, reach in sorted(rows, key=lambda row: order(row[0])):
        if event.at <= until:
            person.happen(event, reach)
    person.pass_time(until)
    return Outcome(person.moves, person.handoffs, person.standing(until))


# --- whole histories --------------------------------------------------------------------------------------------------


def decide_all(playbook: Any, events: Iterable[Event], until: int, limit: int = 500) -> dict[str, Outcome]:
    """Everybody in a history, corrections, merges and colleagues included."""
    history = corrected([event for event in events if event.at <= until])
    described = [event for event in history if event.kind == "company_described"]
    rows = joined(playbook, history, limit)
    return {person: decide(playbook, theirs, until, described) for person, theirs in rows.items()}


def corrected(events: Sequence[Event]) -> list[Event]:
    """The history as the corrections leave it: voided and undone events gone, merged people one (S26)."""
    in_order = sorted(events, key=lambda event: event.seq)
    voided = {event.data["event"] for event in in_order if event.kind == "event_voided"}
    undone = {f"import:{event.data['import']}" for event in in_order if event.kind == "import_undone"}
    kept = [e for e in in_order if e.source not in undone and (e.message_id is None or e.message_id not in voided)]
    alias: dict[str, str] = {}
    for event in kept:
        if event.kind == "persons_merged" and event.person is not None:
            alias[str(event.data["merged"])] = event.person
        elif event.kind == "persons_unmerged":
            alias.pop(str(event.data["merged"]), None)
    return [replace(e, person=living(e.person, alias)) for e in kept if e.kind not in CORRECTIONS]


def living(person: str | None, alias: Mapping[str, str]) -> str | None:
    seen = set()
    while person in alias and person not in seen:
        seen.add(person)
        person = alias[person]
    return person


def joined(playbook: Any, history: Sequence[Event], limit: int) -> dict[str, list[tuple[Event, str]]]:
    """Every person's rows: their own events, and those that reach them by their company of that time."""
    people = sorted({event.person for event in history if event.person is not None})
    own = {person: sorted((e for e in history if e.person == person), key=order) for person in people}
    rows = {person: [(event, "own") for event in own[person]] for person in people}
    shared = {signal.on for signal in playbook.signals if signal.is_company}
    for event in history:
        is_description = event.kind == "company_described"
        if not is_description and (event.kind not in shared or event.person is None):
            continue
        company = event.company if is_description else belonging(own[event.person or ""], event)[0]
        if company is None:
            continue
        others = [person for person in people if person != event.person]
        there = [(since, person) for person in others for at, since in [belonging(own[person], event)] if at == company]
        reached = sorted(there) if is_description else sorted(there)[:limit]
        for _, person in reached:
            rows[person].append((event, "company"))
    return rows


def belonging(own: Sequence[Event], event: Event) -> tuple[str | None, tuple[int, int]]:
    """The company of the time of the event, and (at, seq) of the event with which this belonging began."""
    company, since = None, (0, 0)
    for earlier in own:
        if order(earlier) > order(event):
            break
        if earlier.company and earlier.company != company:
            company, since = earlier.company, order(earlier)
    return company, since


# --- what is compared -------------------------------------------------------------------------------------------------


def same(expected: Outcome, found: Any) -> None:
    assert shown_handoffs(found) == expected.handoffs
    assert [rounded(move) for move in moves_of(found)] == [rounded(move) for move in expected.moves]
    standing = {name: getattr(found.standing, name) for name in expected.standing}
    assert rounded(standing.items()) == rounded(expected.standing.items())


def moves_of(found: Any) -> list[tuple[Any, ...]]:
    return [
        (m.at, m.from_code, m.to_code, m.cause, m.because, m.passed, m.score, m.fit, m.engagement, m.seq, m.lap)
        for m in found.moves
    ]


def shown_handoffs(found: Any) -> list[tuple[Any, ...]]:
    return [(change.at, change.what, change.lane, change.seq) for change in found.handoffs]


def rounded(values: Any) -> Any:
    """Numbers to 5 decimals: engagement is rounded to 6 from sums made in another order."""
    if isinstance(values, float):
        return round(values, 5) + 0.0
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        return values
    return tuple(rounded(value) for value in values)
