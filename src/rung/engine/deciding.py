"""One person's rows decided: from nothing, or on from where a stored state left off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from rung.engine import kernel as k
from rung.engine.encoding import Encoder, lists
from rung.engine.program import ENGINE_VERSION, Program, as_value
from rung.engine.reading import key_email
from rung.playbook.conditions import Value
from rung.terms.events import Event
from rung.terms.instants import LATEST
from rung.terms.kinds import KINDS
from rung.terms.stages import BANT, STAGES, STATUSES

Reach = Literal["own", "company"]
Cause = Literal["promotion", "setback", "override"]
Lane = Literal["hand_raise", "scored"]
What = Literal["opened", "accepted", "rejected", "returned", "withdrawn"]

_CAUSES: Final[tuple[Cause, ...]] = ("promotion", "setback", "override")
_WHATS: Final[tuple[What, ...]] = ("opened", "accepted", "rejected", "returned", "withdrawn")
_LANES: Final[Mapping[int, Lane]] = {k.HAND_RAISE: "hand_raise", k.SCORED: "scored"}


class OutOfOrder(Exception):
    """A row lies before what the state has seen: decide the person again from nothing."""


class NoRoom(Exception):
    """More moves than a session that is advanced step by step has room for."""


class StaleState(Exception):
    """The state is of another playbook or engine: decide the person again from nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """An event as it reaches a person: as their own, or by their company.

    `joins`: the facts of the company that this event makes theirs, as known by then; None where the company stays.
    """

    event: Event
    reach: Reach = "own"
    joins: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """From one place to another. `line` is the rule's line in the playbook file; `seq` None: by time alone.

    Codes are a rung, or the status where not active. `passed`: one of the rungs on the way, not the one reached.
    """

    at: int
    from_code: str
    to_code: str
    stage: str
    status: str
    cause: Cause
    because: str
    line: int | None
    passed: bool
    score: float
    fit: float
    engagement: float
    seq: int | None
    lap: int


@dataclass(frozen=True, slots=True)
class HandoffChange:
    at: int
    what: What
    lane: Lane
    seq: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person stands at `scored_at`, and the facts by which lists filter. Numbers are exact at that time."""

    stage: str
    status: str
    lap: int
    score: float
    fit: float
    engagement: float
    temperature: str
    since: int
    scored_at: int
    first_at: int
    last_at: int
    idle_since: int
    signals: int
    visits: int
    is_waiting: bool
    rest_until: int | None
    hold_until: int | None
    budget: bool | None
    authority: bool | None
    need: bool | None
    timing: bool | None
    bant: int
    accepted: bool
    rejected: bool
    returned: bool
    touched: bool
    reached: bool
    reachable: bool
    likelihood: float | None
    consented: bool
    unsubscribed: bool
    deal_open: bool
    deal_won: bool
    deal_lost: bool
    is_customer: bool
    competitor: str | None
    decision_date: str | None
    decision_makers: int
    admits_considering: bool
    admits_change: bool
    handoff_lane: Lane | None
    """The lane of the hand-off that is open and unanswered."""
    handoff_at: int | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rows made of the person. `moves` and `handoffs` are those of this call only.

    `due_at`: the next instant after `until` at which time alone may change something, if nothing else happens.
    """

    standing: Standing
    moves: tuple[Move, ...]
    handoffs: tuple[HandoffChange, ...]
    state: bytes
    due_at: int | None


def decide(program: Program, rows: Sequence[Row], until: int, state: bytes | None = None) -> Decision:
    """The person after the rows, at `until` (inclusive); rows after it are not looked at.

    Any split of the rows into calls, and any extra calls without rows, give the same moves as one call. Raises
    OutOfOrder for a row before what the state has seen, StaleState for a state of another playbook or engine.
    """
    session = Session(program, rows, until, state)
    session.run()
    return session.decision()


class Encoded:
    """Rows as numbers, each event and each company's facts once for all whom they reach.

    They are told apart by being the same object: whoever holds this must hold the rows, too.
    """

    def __init__(self, program: Program) -> None:
        self.encoder = Encoder(program)
        self._own: dict[int, int] = {}
        self._by_company: dict[int, int] = {}
        self._joins: dict[int, int] = {}

    def record(self, row: Row) -> k.RowRecord:
        event, is_company = row.event, row.reach == "company"
        joins = k.NONE
        if row.joins is not None:
            joins = self._joins.get(id(row.joins), k.NONE)
            if joins == k.NONE:
                joins = self._joins[id(row.joins)] = self.encoder.joining(row.joins)
        known = self._by_company if is_company else self._own
        payload = known.get(id(event))
        if payload is None:
            payload = known[id(event)] = self.encoder.payload(event.kind, event.data, event.at, is_company)
        has_rep = int(event.by is not None and not is_company and is_sales(event.kind))
        return k.RowRecord(event.at, event.seq, payload, has_rep, joins)


class Session:
    """One run of the uncompiled kernel, open for questions afterwards (explanations)."""

    def __init__(
        self,
        program: Program,
        rows: Sequence[Row],
        until: int,
        state: bytes | None = None,
        *,
        shared: "Encoded | None" = None,
    ) -> None:
        """With `shared`, the session is one of several that are run together (`several.py`)."""
        self.program, self.until = program, until
        self.rows = sorted((row for row in rows if row.event.at <= until), key=_order)
        self.shared = shared or Encoded(program)
        self.encoder = self.shared.encoder
        self.play = program.arrays
        self.who, self.sums = self._person(state)
        if self.who[k.HAS_ROWS] and self.rows and _order(self.rows[0]) < self._seen():
            raise OutOfOrder(f"event {self.rows[0].event.seq} lies before what was decided")
        self.records = [self.shared.record(row) for row in self.rows]
        if state is None and self.rows:
            self._take_key()
        if shared is None:
            self.past = lists(self.encoder, self.records)
            self.known = self.encoder.tables()
            self.out = _room(64 + 4 * len(self.rows))

    def run(self, trace: list[Any] | None = None) -> None:
        """All rows, then time alone. Begins again with more room where moves did not fit."""
        who, sums = list(self.who), list(self.sums)
        while True:
            k.run(self.play, self.known, self.past, self.who, self.sums, self.out, 0, len(self.rows), self.until, trace)
            if self.who[k.N_MOVES] <= self.out.moves_room and self.who[k.N_HANDOFFS] <= self.out.handoffs_room:
                return
            self.out = _room(4 * self.out.moves_room)
            self.who[:], self.sums[:] = who, sums
            if trace is not None:
                trace.clear()

    def advance(self, first: int, end: int, at: int) -> None:
        """The rows from `first` to `end`, then time alone up to `at`: for those who want to stop on the way."""
        k.run(self.play, self.known, self.past, self.who, self.sums, self.out, first, end, at, None)
        if self.who[k.N_MOVES] > self.out.moves_room or self.who[k.N_HANDOFFS] > self.out.handoffs_room:
            raise NoRoom("more moves than anybody makes")

    def numbers_at(self, at: int) -> tuple[str, str, float, float]:
        """Stage, status, engagement and fit at an instant that `advance` has reached; changes nothing."""
        fit = k.fit(self.play, self.known, self.who, self.sums)
        engagement = k.engagement_at(self.play, self.who, self.sums, at)
        return STAGES[self.who[k.STAGE]], STATUSES[self.who[k.STATUS]], engagement, fit

    def clause_value(self, source: int, argument: int) -> float:
        """How far a clause has come, once `standing` or `look_at` has said as at when."""
        return k.clause_value(self.play, self.known, self.who, self.sums, source, argument)

    def holds(self, entry: int) -> bool:
        """Whether a condition holds, once `standing` or `look_at` has said as at when."""
        if len(self.known.truth_base) < len(self.program.atoms):
            self.known = self.encoder.tables()  # a part of a rule that nobody asked for before
        return k.holds(self.play, self.known, self.who, self.sums, entry)

    def look_at(self, at: int) -> None:
        """Reads facts as at this instant from now on: for printing, when all is decided."""
        self.who[k.NOW] = self.who[k.READ_AT] = at
        self.who[k.ENGAGEMENT_AT] = k.NONE
        k.fit(self.play, self.known, self.who, self.sums)

    def decision(self) -> Decision:
        due_at = None
        if self.who[k.HAS_ROWS]:
            k.fit(self.play, self.known, self.who, self.sums)
            due_at = k.next_flip(self.play, self.known, self.who, self.sums, LATEST)
        state = self.state()
        return Decision(
            standing=self.standing(),
            moves=self.moves(),
            handoffs=self.handoffs(),
            state=state,
            due_at=due_at if due_at is not None and due_at <= LATEST else None,
        )

    # --- the person

    def _person(self, state: bytes | None) -> tuple[list[int], list[float]]:
        play = self.play
        room = 3 * sum(row.event.kind in ("deal_opened", "deal_won", "deal_lost", "email_bounced") for row in self.rows)
        sums = [0.0] * (k.F_FIXED + play.n_signals)
        if state is None:
            who = [0] * self.program.person_size(room)
            k.fresh(play, who, sums)
            return who, sums
        kept = _decoded(self.program, state)
        who = [0] * self.program.person_size(room + 2 * len(kept.deals) + len(kept.spoilt))
        who[: play.slots] = kept.who
        for slot, value in enumerate(kept.values):
            is_forgotten = value == _FORGOTTEN
            who[play.slots + slot] = (
                self.encoder.forgotten_id(slot) if is_forgotten else self.encoder.value_id(slot, as_value(value))
            )
        behind = play.deals
        for told, how in kept.deals:
            who[behind : behind + 2] = [self.encoder.deal_id(told), how]
            behind += 2
        who[behind : behind + len(kept.spoilt)] = [self.encoder.value_id(k.EMAIL, address) for address in kept.spoilt]
        return who, kept.sums

    def _seen(self) -> tuple[int, int]:
        """The last row, or (later) the last flip: what comes after it can still be told in order."""
        last = (self.who[k.LAST_AT], self.who[k.LAST_SEQ])
        return max(last, (self.who[k.NOW], 0))

    def _take_key(self) -> None:
        """A key that is an e-mail address counts as their e-mail."""
        address = key_email(self.rows[0].event.person or "")
        for told in self.encoder.email(address) if address else ():
            self.who[self.play.slots + told.slot] = told.value

    def state(self) -> bytes:
        """All that is needed to go on; values are stored as they are, not as this session's numbers."""
        play, who = self.play, list(self.who)
        for place, nothing in _OF_THIS_CALL:
            who[place] = nothing
        n_deals, n_spoilt = who[k.N_DEALS], who[k.N_BOUNCED]
        behind = play.deals + 2 * n_deals
        kept = _Kept(
            version=(ENGINE_VERSION, self.program.playbook.version),
            who=who[: play.slots],
            sums=self.sums,
            values=[_FORGOTTEN if self._is_forgotten(slot) else self.value(slot) for slot in range(play.n_slots)],
            deals=[
                (self.encoder.deals[who[play.deals + 2 * deal]], who[play.deals + 2 * deal + 1])
                for deal in range(n_deals)
            ],
            spoilt=[str(self.encoder.values[k.EMAIL][who[behind + i]]) for i in range(n_spoilt)],
        )
        return _ENCODER.encode(kept)

    def _is_forgotten(self, slot: int) -> bool:
        return self.value(slot) is None and self.who[self.play.slots + slot] != 0

    # --- what came of it

    def value(self, slot: int) -> Value:
        return self.encoder.values[slot][self.who[self.play.slots + slot]]

    def moves(self) -> tuple[Move, ...]:
        return tuple(self._move(n) for n in range(self.who[k.N_MOVES]))

    def _move(self, n: int) -> Move:
        at, stage, status, to, to_status, cause, line, passed, row, lap = self.out.moves[
            n * k.MOVE_WIDTH : (n + 1) * k.MOVE_WIDTH
        ]
        score, fit, engagement = self.out.numbers[3 * n : 3 * n + 3]
        event = self.rows[row].event if row != k.NONE else None
        because, line_number = reason_of(self.program, cause, line, event)
        return Move(
            at=at,
            from_code=code_of(stage, status),
            to_code=code_of(to, to_status),
            stage=STAGES[to],
            status=STATUSES[to_status],
            cause=_CAUSES[cause],
            because=because,
            line=line_number,
            passed=bool(passed),
            score=score,
            fit=fit,
            engagement=engagement,
            seq=event.seq if event is not None else None,
            lap=lap,
        )

    def handoffs(self) -> tuple[HandoffChange, ...]:
        changes = []
        for n in range(self.who[k.N_HANDOFFS]):
            at, what, lane, row = self.out.handoffs[n * k.HANDOFF_WIDTH : (n + 1) * k.HANDOFF_WIDTH]
            seq = self.rows[row].event.seq if row != k.NONE else None
            changes.append(HandoffChange(at, _WHATS[what], _LANES[lane], seq))
        return tuple(changes)

    def standing(self) -> Standing:
        """Where they stand at `until`. Changes what time it is for the session: ask last."""
        who, play = self.who, self.play
        self.look_at(self.until)
        engagement, fit = k.engagement(play, who, self.sums), self.sums[k.FIT]
        letters = [self._letter(letter) for letter in range(len(BANT))]
        competitor, decision_date, likelihood = (self.value(slot) for slot in self.program.told_slots)
        is_likely = isinstance(likelihood, (int, float)) and not isinstance(likelihood, bool)
        return Standing(
            stage=STAGES[who[k.STAGE]],
            status=STATUSES[who[k.STATUS]],
            lap=who[k.LAP],
            score=engagement + fit,
            fit=fit,
            engagement=engagement,
            temperature=self.temperature(),
            since=who[k.SINCE],
            scored_at=self.until,
            first_at=who[k.FIRST_AT],
            last_at=who[k.LAST_AT],
            idle_since=who[k.IDLE_FROM],
            signals=who[k.SIGNALS],
            visits=who[k.VISITS],
            is_waiting=who[k.WAITING] == 1,
            rest_until=who[k.REST_UNTIL] if who[k.REST_UNTIL] > self.until else None,
            hold_until=who[k.HOLD_UNTIL] if who[k.HOLD_UNTIL] > self.until else None,
            budget=letters[0],
            authority=letters[1],
            need=letters[2],
            timing=letters[3],
            bant=letters.count(True),
            accepted=who[k.ANSWER] == k.ACCEPTED,
            rejected=who[k.ANSWER] == k.REJECTED,
            returned=who[k.ANSWER] == k.RETURNED,
            touched=who[k.TOUCHED] == 1,
            reached=who[k.REACHED] == 1,
            reachable=k.is_reachable(play, self.known, who),
            likelihood=float(likelihood) if is_likely else None,  # type: ignore[arg-type]  # a number: just asked
            consented=who[k.CONSENTED] == 1,
            unsubscribed=who[k.UNSUBSCRIBED] == 1,
            deal_open=k.has_deal(play, who, k.DEAL_OPENED),
            deal_won=k.has_deal(play, who, k.DEAL_WON),
            deal_lost=k.has_deal(play, who, k.DEAL_LOST),
            is_customer=who[k.IS_CUSTOMER] == 1,
            competitor=competitor if isinstance(competitor, str) else None,
            decision_date=decision_date if isinstance(decision_date, str) else None,
            decision_makers=who[k.MAKERS],
            admits_considering=who[k.CONSIDERING] == 1,
            admits_change=who[k.CHANGE] == 1,
            handoff_lane=_LANES.get(who[k.OPEN_LANE]),
            handoff_at=who[k.OPEN_AT] if who[k.OPEN_LANE] else None,
        )

    def _letter(self, letter: int) -> bool | None:
        return self.who[k.LETTER + letter] == 1 if k.is_answered(self.play, self.who, letter) else None

    def temperature(self) -> str:
        if self.holds(self.program.hot):
            return "hot"
        return "warm" if self.holds(self.program.warm) else "cold"


class _Kept(msgspec.Struct, array_like=True):
    """A stored state."""

    version: tuple[int, str]
    who: list[int]
    sums: list[float]
    values: list[Any]
    deals: list[tuple[Any, int]]
    spoilt: list[str]


_OF_THIS_CALL: Final = (
    (k.ENGAGEMENT_AT, k.NONE),
    (k.ROW, k.NONE),
    (k.HAND_RAISED, 0),
    (k.N_MOVES, 0),
    (k.N_HANDOFFS, 0),
)
"""Places in a person that mean something only while one call runs, and what a state holds there."""
_FORGOTTEN: Final = [0]
"""Stands in a stored state for "told to be unknown"; no trait's value looks like it."""
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Kept)


def _decoded(program: Program, state: bytes) -> _Kept:
    try:
        kept = _DECODER.decode(state)
    except msgspec.MsgspecError as fault:
        raise StaleState("the state cannot be read") from fault
    if kept.version != (ENGINE_VERSION, program.playbook.version):
        raise StaleState("the state is of another playbook or engine")
    return kept


def code_of(stage: int, status: int) -> str:
    """How a move names a place: the rung, or the status where not active."""
    return STAGES[stage] if status == k.ACTIVE else STATUSES[status]


def reason_of(program: Program, cause: int, line: int, event: Event | None) -> tuple[str, int | None]:
    """Why somebody moved: the setback's words, the `enter` text of the rung reached, or what the overrider said."""
    if cause == k.PROMOTION:
        rule = program.playbook.stages[STAGES[line]].enter
        return rule.text, rule.line
    if cause == k.SETBACK:
        setback = program.playbook.setbacks[line]
        return setback.because, setback.line
    because = event.data.get("because") if event is not None else None
    return (because if isinstance(because, str) else ""), None


def is_sales(kind: str) -> bool:
    return KINDS[kind].actor == "sales"


def _order(row: Row) -> tuple[int, int]:
    return row.event.at, row.event.seq


def _room(moves: int) -> k.Out:
    return k.Out([0] * (moves * k.MOVE_WIDTH), [0.0] * (3 * moves), moves, [0] * (moves * k.HANDOFF_WIDTH), moves)
