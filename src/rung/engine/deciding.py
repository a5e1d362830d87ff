"""What deciding is about: rows in, a decision out; and one run of the kernel that stays open for questions."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from rung.engine import kernel as k
from rung.engine.encoding import Encoder, is_timed, lists
from rung.engine.program import Program
from rung.engine.states import Kept, States, put_values, room_of
from rung.playbook.conditions import Value
from rung.terms.addresses import key_email
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
_LETTERS: Final = (None, True, False)
_ANSWERS: Final = {"accepted": k.ACCEPTED, "rejected": k.REJECTED, "returned": k.RETURNED}
_TRUTHS: Final = (
    *("is_waiting", "touched", "reached", "reachable", "consented", "unsubscribed"),
    *("deal_open", "deal_won", "deal_lost", "is_customer", "admits_considering", "admits_change"),
)
"""Columns of standings in which the kernel writes 0 or 1."""
TEMPERATURES: Final = ("cold", "warm", "hot")
assert k.LATEST == LATEST


class OutOfOrder(Exception):
    """A row lies before what the state has seen: decide the person again from nothing."""


class NoRoom(Exception):
    """More moves than a session that is advanced step by step has room for."""


class Row(NamedTuple):
    """An event as it reaches a person: as their own, or by their company.

    `joins`: the facts of the company that this event makes theirs, as known by then; None where the company stays.
    """

    event: Event
    reach: Reach = "own"
    joins: Mapping[str, object] | None = None


class Move(NamedTuple):
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


class HandoffChange(NamedTuple):
    at: int
    what: What
    lane: Lane
    seq: int | None


class Standing(NamedTuple):
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


class Decision(NamedTuple):
    """What the rows made of the person. `moves` and `handoffs` are those of this call only.

    `due_at`: the next instant after `until` at which time alone may change something, if nothing else happens.
    """

    standing: Standing
    moves: tuple[Move, ...]
    handoffs: tuple[HandoffChange, ...]
    state: bytes
    due_at: int | None
    letters_until: tuple[int | None, ...]
    """Until when each letter's answer counts; None for no answer and for one that does not age."""
    bant_told: int
    matched: tuple[tuple[int, int, int], ...]
    """(signal, times this lap, last at) of those that matched in this call's rows."""


class Encoded:
    """Rows as numbers: events of a kind that tell the same, and each company's facts, once for all whom they reach.

    What they tell is the same where it is the same object: whoever holds this must hold the rows, too.
    """

    def __init__(self, program: Program) -> None:
        self.encoder = Encoder(program)
        self._own: dict[tuple[str, int], int] = {}
        self._by_company: dict[tuple[str, int], int] = {}
        self._joins: dict[int, int] = {}
        self._reaching: dict[int, k.RowRecord] = {}

    def record(self, row: Row) -> k.RowRecord:
        is_company = row.reach == "company"
        if is_company and row.joins is None:
            # The same row for everybody whom it reaches by their company.
            found = self._reaching.get(id(row))
            if found is None:
                found = self._reaching[id(row)] = self._record(row, is_company)
            return found
        return self._record(row, is_company)

    def _record(self, row: Row, is_company: bool) -> k.RowRecord:
        event = row.event
        joins = k.NONE
        if row.joins is not None:
            joins = self._joins.get(id(row.joins), k.NONE)
            if joins == k.NONE:
                joins = self._joins[id(row.joins)] = self.encoder.joining(row.joins)
        known = self._by_company if is_company else self._own
        key = (event.kind, id(event if is_timed(event.kind) else event.data))
        payload = known.get(key)
        if payload is None:
            payload = known[key] = self.encoder.payload(event.kind, event.data, event.at, is_company)
        has_rep = int(event.by is not None and not is_company and is_sales(event.kind))
        return k.RowRecord(event.at, event.seq, payload, has_rep, joins)


_TAKING_ROOM: Final = frozenset({"deal_opened", "deal_won", "deal_lost", "email_bounced"})
"""Kinds after which a person's numbers take more room: deals, and addresses that bounced."""


def room_for(rows: Sequence[Row], kept: Kept | None) -> int:
    """How many numbers the person's deals and addresses may need."""
    room = 0
    for row in rows:
        if row.event.kind in _TAKING_ROOM:
            room += 3
    return room + room_of(kept) if kept else room


def rows_until(rows: Sequence[Row], until: int) -> list[Row]:
    """The rows that are looked at, in order."""
    looked_at = [row for row in rows if row.event.at <= until]
    if len(looked_at) > 1:
        looked_at.sort(key=_order)
    return looked_at


def check_order(rows: Sequence[Row], kept: Kept) -> None:
    """Raises OutOfOrder for a row before what the state has seen."""
    if rows and _order(rows[0]) < kept.seen:
        raise OutOfOrder(f"event {rows[0].event.seq} lies before what was decided")


def key_updates(encoder: Encoder, rows: Sequence[Row]) -> Sequence[k.Update]:
    """A new person's key that is an e-mail address counts as their e-mail."""
    address = key_email(rows[0].event.person or "") if rows else None
    return encoder.email(address) if address else ()


class Session:
    """One run of the uncompiled kernel, open for questions afterwards: explanations."""

    def __init__(self, program: Program, rows: Sequence[Row], until: int, state: bytes | None = None) -> None:
        self.program, self.until = program, until
        self.rows = rows_until(rows, until)
        self.shared = Encoded(program)
        self.encoder = self.shared.encoder
        self.play = program.arrays
        states = States(program)
        kept = states.decoded(state) if state is not None else None
        if kept is not None:
            check_order(self.rows, kept)
        who, sums = states.restored([kept], program.person_size(room_for(self.rows, kept)))
        self.who: list[int] = who[0].tolist()
        self.sums: list[float] = sums[0].tolist()
        if kept is not None:
            put_values(self.encoder, kept, self.who)
        records = [self.shared.record(row) for row in self.rows]
        for told in key_updates(self.encoder, self.rows) if kept is None else ():
            self.who[self.play.slots + told.slot] = told.value
        self.past = lists(self.encoder, records)
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

    def advance(self, first: int, end: int, at: int, trace: list[Any] | None = None) -> None:
        """The rows from `first` to `end`, then time alone up to `at`: for those who want to stop on the way."""
        k.run(self.play, self.known, self.past, self.who, self.sums, self.out, first, end, at, trace)
        if self.who[k.N_MOVES] > self.out.moves_room or self.who[k.N_HANDOFFS] > self.out.handoffs_room:
            raise NoRoom("more moves than anybody makes")

    def numbers_at(self, at: int) -> tuple[str, str, float, float]:
        """Stage, status, engagement and fit at an instant that `advance` has reached; changes nothing."""
        fit = k.fit(self.play, self.known, self.who, self.sums)
        engagement = k.engagement_at(self.play, self.who, self.sums, at)
        return STAGES[self.who[k.STAGE]], STATUSES[self.who[k.STATUS]], engagement, fit

    def clause_value(self, source: int, argument: int) -> float:
        """How far a clause has come, once `standing` has said as at when."""
        return k.clause_value(self.play, self.known, self.who, self.sums, source, argument)

    def holds(self, entry: int) -> bool:
        """Whether a condition holds, once `standing` has said as at when."""
        if len(self.known.truth_base) < len(self.program.atoms):
            self.known = self.encoder.tables()  # a part of a rule that nobody asked for before
        return k.holds(self.play, self.known, self.who, self.sums, entry)

    # --- what came of it

    def value(self, slot: int) -> Value:
        return self.encoder.values[slot][self.who[self.play.slots + slot]]

    def moves(self) -> tuple[Move, ...]:
        n = self.who[k.N_MOVES]
        return moves_told(self.program, self.rows, self.out.moves[: n * k.MOVE_WIDTH], self.out.numbers)

    def handoffs(self) -> tuple[HandoffChange, ...]:
        return handoffs_told(self.rows, self.out.handoffs[: self.who[k.N_HANDOFFS] * k.HANDOFF_WIDTH])

    def standing(self) -> Standing:
        """Where they stand at `until`. Changes what time it is for the session: ask last."""
        columns = standing_columns(1)
        k.put_standing(
            self.play, self.known, self.who, self.sums, columns, self.program.hot, self.program.warm, self.until, 0
        )
        return standings_told(self.encoder, columns, (self.until,))[0]


def moves_told(
    program: Program, rows: Sequence[Row], moves: Sequence[int], numbers: Sequence[float], first: int = 0
) -> tuple[Move, ...]:
    """One person's moves as the kernel has written them, in words. `first`: their first row among everybody's."""
    found = []
    for n in range(len(moves) // k.MOVE_WIDTH):
        told = moves[n * k.MOVE_WIDTH : (n + 1) * k.MOVE_WIDTH]
        at, stage, status, to, to_status, cause, line, passed, row, lap = told
        score, fit, engagement = numbers[3 * n : 3 * n + 3]
        event = rows[row - first].event if row != k.NONE else None
        because, line_number = reason_of(program, cause, line, event)
        found.append(
            Move(
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
        )
    return tuple(found)


def handoffs_told(rows: Sequence[Row], handoffs: Sequence[int], first: int = 0) -> tuple[HandoffChange, ...]:
    """The same of hand-offs."""
    changes = []
    for n in range(len(handoffs) // k.HANDOFF_WIDTH):
        at, what, lane, row = handoffs[n * k.HANDOFF_WIDTH : (n + 1) * k.HANDOFF_WIDTH]
        seq = rows[row - first].event.seq if row != k.NONE else None
        changes.append(HandoffChange(at, _WHATS[what], _LANES[lane], seq))
    return tuple(changes)


def standing_columns(people: int) -> k.Standings:
    """Room for the standings of so many people, in lists."""
    return k.Standings(*([0] * people for _ in k.Standings._fields))


def standings_told(encoder: Encoder, columns: k.Standings, untils: Sequence[int]) -> list[Standing]:
    """What the kernel has put into the columns (lists), in words, one standing for each person."""
    c, told = columns, columns._asdict()
    competitor, decision_date, _ = (encoder.values[slot] for slot in encoder.program.told_slots)
    told |= {name: map(bool, told[name]) for name in _TRUTHS}
    letters = {letter: [_LETTERS[code] for code in told[letter]] for letter in BANT}
    told |= letters
    told["bant"] = [theirs.count(True) for theirs in zip(*letters.values(), strict=True)]
    told |= {name: [code == answer for code in c.answer] for name, answer in _ANSWERS.items()}
    told |= {
        "stage": [STAGES[code] for code in c.stage],
        "status": [STATUSES[code] for code in c.status],
        "temperature": [TEMPERATURES[code] for code in c.temperature],
        "scored_at": untils,
        "rest_until": _after(c.rest_until, untils),
        "hold_until": _after(c.hold_until, untils),
        "likelihood": [None if math.isnan(number) else number for number in c.likelihood],
        "competitor": _texts(competitor, c.competitor),
        "decision_date": _texts(decision_date, c.decision_date),
        "handoff_lane": [_LANES.get(lane) for lane in c.open_lane],
        "handoff_at": [at if lane else None for at, lane in zip(c.open_at, c.open_lane, strict=True)],
    }
    rows = zip(*(told[name] for name in Standing._fields), strict=True)
    return list(map(Standing._make, rows))  # a call would take each row apart into its many arguments and together


def _after(instants: Sequence[int], untils: Sequence[int]) -> list[int | None]:
    return [at if at > until else None for at, until in zip(instants, untils, strict=True)]


def _texts(values: Sequence[Value], ids: Iterable[int]) -> list[str | None]:
    return [value if isinstance(value := values[id_], str) else None for id_ in ids]


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
