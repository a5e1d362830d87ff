"""The kernel: one person's rows in, moves out. Written in the part of Python that Numba compiles.

Everything here runs twice: as plain Python on lists (one person, small batches, explanations) and compiled on arrays
(replay, `compiled.py`). So it knows only numbers: ints for codes and microseconds, floats for points. `program.py`
and `encoding.py` turn a playbook and events into the four bundles below; the numbers in brackets, as in (S14), are
entries of docs/semantics.md.

    play       what the playbook says            known   what is known about each distinct value of a trait
    past       the rows, what happened           out     moves and hand-offs, written here
    who, sums  the person: whole numbers and reals, laid out by the constants below and the program's offsets
"""

import math
from typing import Any, Final, NamedTuple

# --- codes ----------------------------------------------------------------------------------------------------------

FOREVER: Final = 1 << 62
LATEST: Final = 4_133_980_800_000_000 - 1
"""The last instant there is (`terms.instants`): nobody is looked at later."""
HOUR: Final = 3_600_000_000
HALF_HOUR: Final = 1_800_000_000
NONE: Final = -1
YES: Final = -1
"""Where a condition's program ends when it holds …"""
NO: Final = -2
"""… and when it does not."""

SUSPECT: Final = 0
LEAD: Final = 1
CUSTOMER: Final = 6
ACTIVE: Final = 0
DISQUALIFIED: Final = 3

# The person's whole numbers. What stands behind N_FIXED is laid out by the program.
STAGE: Final = 0
STATUS: Final = 1
LAP: Final = 2
SINCE: Final = 3
"""When they came to where they stand: the last move, else when first known."""
FIRST_AT: Final = 4
HAS_ROWS: Final = 5
LAST_AT: Final = 6
LAST_SEQ: Final = 7
NOW: Final = 8
"""The latest instant looked at: a row's or a flip's."""
READ_AT: Final = 9
"""As at when conditions read engagement."""
WAITING: Final = 10
REST_UNTIL: Final = 11
HOLD_UNTIL: Final = 12
IDLE_FROM: Final = 13
SIGNALS: Final = 14
VISITS: Final = 15
VIEW_AT: Final = 16
ANSWER: Final = 17
REASON: Final = 18
REASON_UNTIL: Final = 19
TOUCHED: Final = 20
REACHED: Final = 21
LETTER: Final = 22
"""Four places: 0 never asked, 1 yes, 2 no."""
LETTER_AT: Final = 26
LETTER_TOLD: Final = 30
CONSIDERING: Final = 34
CHANGE: Final = 35
MAKERS: Final = 36
IS_CUSTOMER: Final = 37
CONSENTED: Final = 38
UNSUBSCRIBED: Final = 39
OPEN_LANE: Final = 40
"""The lane of the hand-off that is open and unanswered; 0 when none is."""
OPEN_AT: Final = 41
N_DEALS: Final = 42
N_BOUNCED: Final = 43
EMAIL_SPOILT: Final = 44
EMPTIED: Final = 45
"""1 while we suppose an arrival on `customer`: points and counts read as empty."""
DIRTY: Final = 46
"""Which groups of facts may have changed since conditions were last looked at."""
FIT_STALE: Final = 47
ENGAGEMENT_AT: Final = 48
"""As at when sums[ENGAGEMENT] was computed; NONE when it must be computed again."""
N_MOVES: Final = 49
N_HANDOFFS: Final = 50
ROW: Final = 51
"""The row being looked at; NONE at a flip by time alone."""
HAND_RAISED: Final = 52
N_FIXED: Final = 53

FIT: Final = 0
ENGAGEMENT: Final = 1
F_FIXED: Final = 2

ACCEPTED: Final = 1
REJECTED: Final = 2
RETURNED: Final = 3

HAND_RAISE: Final = 1
SCORED: Final = 2

OPENED: Final = 0
WITHDRAWN: Final = 4
"""What a hand-off did; 1 to 3 are the answers above."""

# Groups of facts, to look only at conditions whose facts may have changed.
G_TIME: Final = 1
G_SLOT: Final = 2
G_COUNT: Final = 4
G_TALK: Final = 8
G_DEAL: Final = 16
G_CONTACT: Final = 32
G_FIT: Final = 64
G_ALL: Final = 127

# What an event does by itself.
E_NONE: Final = 0
E_ANSWER: Final = 1
E_TOUCH: Final = 2
E_REACH: Final = 3
E_LETTER: Final = 4
E_FLAG: Final = 5
E_QUESTION: Final = 6
E_DEAL: Final = 7
E_LEFT: Final = 8
E_OVERRIDE: Final = 9
E_CONSENT: Final = 10
E_UNSUBSCRIBE: Final = 11
E_BOUNCE: Final = 12

DEAL_OPENED: Final = 1
DEAL_WON: Final = 2
DEAL_LOST: Final = 3

# Flags of a payload, from its kind.
K_OWN: Final = 1
K_LIFE: Final = 2
K_VIEW: Final = 4

# Steps of a condition's program.
OP_NUMBER: Final = 0
OP_SPAN: Final = 1
OP_STAGE: Final = 2
OP_STATUS: Final = 3
OP_FLAG: Final = 4
OP_ANSWER: Final = 5
OP_LETTER: Final = 6
OP_DEAL: Final = 7
OP_REACHABLE: Final = 8
OP_SLOT: Final = 9
OP_SLOT_KNOWN: Final = 10
OP_SLOTS: Final = 11
OP_KNOWN: Final = 12
OP_ZERO: Final = 13
OP_ADD: Final = 14
OP_SPANS: Final = 15

# Where a number comes from.
N_CONST: Final = 0
N_ENGAGEMENT: Final = 1
N_SCORE: Final = 2
N_FIT: Final = 3
N_SIGNALS: Final = 4
N_MATCHES: Final = 5
N_KIND: Final = 6
N_VISITS: Final = 7
N_BANT: Final = 8
N_BANT_TOLD: Final = 9
N_LAP: Final = 10
N_MAKERS: Final = 11
N_SLOT: Final = 12
N_REGISTER: Final = 13

# Since when a length of time counts.
D_IDLE: Final = 0
D_IN_STAGE: Final = 1
D_MATCH: Final = 2
D_KIND: Final = 3

LT: Final = 0
LE: Final = 1
GT: Final = 2
GE: Final = 3
EQ: Final = 4
NE: Final = 5

EMAIL: Final = 0
PHONE: Final = 1
COMPETITOR: Final = 2
DECISION_DATE: Final = 3
LIKELIHOOD: Final = 4
"""The slots that every program has."""

C_NOTHING: Final = -1
C_LETTER: Final = 50
C_SPAN: Final = 60
"""Where a clause's value comes from, beside the numbers (N_…): a letter's state, or C_SPAN + D_…."""

# Kinds of value, in known.kind.
V_UNKNOWN: Final = 0
V_NUMBER: Final = 1
V_TEXT: Final = 2
V_TRUTH: Final = 3
V_OTHER: Final = 4

PROMOTION: Final = 0
SETBACK: Final = 1
OVERRIDE: Final = 2

# A move, in out.moves: whole numbers, then in out.numbers: score, fit, engagement.
MOVE_WIDTH: Final = 10
(M_AT, M_FROM, M_FROM_STATUS, M_TO, M_TO_STATUS, M_CAUSE, M_LINE, M_PASSED, M_ROW, M_LAP) = range(MOVE_WIDTH)
HANDOFF_WIDTH: Final = 4
(H_AT, H_WHAT, H_LANE, H_ROW) = range(HANDOFF_WIDTH)

Ints = Any
"""A list of ints or an int64 array."""
Reals = Any
"""A list of floats or a float64 array."""


class Step(NamedTuple):
    """One step of a condition's program: a test with its arguments; its truth chooses where to go on."""

    op: int
    a: int
    b: int
    c: int
    d: int
    e: int
    yes: int
    no: int


class Signal(NamedTuple):
    """`half_life` 0.0 = never fades."""

    points: float
    cap: float
    half_life: float
    is_capped: int
    is_positive: int
    is_hand_raise: int


class FitLine(NamedTuple):
    when: int
    points: float


class Rung(NamedTuple):
    """`mask`: the groups of facts that may let somebody come here, setbacks waiting on the rung included."""

    is_used: int
    enter: int
    mask: int


class Line(NamedTuple):
    """A setback. `rest`: NONE, microseconds, or FOREVER."""

    when: int
    mask: int
    target: int
    status: int
    rest: int
    is_expansion: int
    names_rejected: int


class Reason(NamedTuple):
    """A reject reason: its own rest (NONE when it has none), and whether they wake at the date told with it."""

    rest: int
    wakes: int


class Standing(NamedTuple):
    """What matters to somebody who stands there (stage * 4 + status): ranges of the lists behind it.

    `rise_*` matter only to those who may be promoted.
    """

    lines_from: int
    lines_to: int
    timers_from: int
    timers_to: int
    rise_timers_from: int
    rise_timers_to: int
    decays_from: int
    decays_to: int
    rise_decays_from: int
    rise_decays_to: int


class Timer(NamedTuple):
    """A length of time that some condition compares with a fixed one."""

    source: int
    argument: int
    length: int


class Decay(NamedTuple):
    """A comparison of engagement or score (`of`) with something that does not fade."""

    of: int
    op: int
    source: int
    argument: int


class ProgramArrays(NamedTuple):
    """What the playbook says; each a list, or an array of records with the same fields."""

    steps: Any
    constants: Any
    spans: Any
    signals: Any
    fit: Any
    rungs: Any
    setbacks: Any
    reasons: Any
    standings: Any
    lines: Any
    timers: Any
    decays: Any
    valid_for: Any
    company_slots: Any
    lap_slots: Any
    # Where each part of the person begins in who (in sums the signals' sums begin at F_FIXED), and how many there are.
    match_count: int
    match_at: int
    matched: int
    kind_count: int
    kind_at: int
    flags: int
    slots: int
    registers: int
    deals: int
    n_signals: int
    n_kinds: int
    n_flags: int
    n_slots: int
    """Slots from here on hold an event's own data, for as long as the event is looked at."""
    handoff_rung: int
    fit_reads_bant: int
    negatives: Any
    """The signals with negative points, which never fade."""
    shortest_half_life: float
    """0.0 when nothing fades."""


class ValueRecord(NamedTuple):
    """A distinct value of a trait; `text` is equal for equal texts (or truths) of all traits. Of a text in the place of
    an e-mail or phone `number` is 1 where somebody can be reached by it."""

    kind: int
    number: float
    text: int


class Tables(NamedTuple):
    """Per slot its distinct values from `base[slot]` on, per atom whether each holds. Value 0 is the unknown."""

    base: Any
    values: Any
    truth_base: Any
    truth: Any


class RowRecord(NamedTuple):
    """`joins`: which company's facts apply from this row on, NONE where the company stays."""

    at: int
    seq: int
    payload: int
    has_rep: int
    joins: int


class Payload(NamedTuple):
    """What rows of one kind, reach and data do: alike rows share one."""

    flags: int
    tracked: int
    does: int
    x: int
    y: int
    z: int
    updates_from: int
    updates_to: int
    signals_from: int
    signals_to: int


class Update(NamedTuple):
    """`is_first`: told only where nothing is known yet (the first source stays)."""

    slot: int
    value: int
    is_first: int


class Match(NamedTuple):
    """A signal the payload matches: surely (`when` is YES), or if its condition then holds."""

    signal: int
    when: int


class Joining(NamedTuple):
    updates_from: int
    updates_to: int


class Rows(NamedTuple):
    rows: Any
    payloads: Any
    updates: Any
    matches: Any
    joins: Any


class Out(NamedTuple):
    """What happened to the person. Nothing is written beyond the room there is; the counts in who go on."""

    moves: Any
    numbers: Any
    moves_room: int
    handoffs: Any
    handoffs_room: int


# --- one person -----------------------------------------------------------------------------------------------------


def run(
    play: Any, known: Any, past: Any, who: Ints, sums: Reals, out: Any, start: int, end: int, until: int, trace: Any
) -> None:
    """The rows from `start` to `end`, then time alone up to and including `until`."""
    for row in range(start, end):
        at = past.rows[row].at
        if who[HAS_ROWS] == 0:
            who[HAS_ROWS] = 1
            who[FIRST_AT] = at
            who[SINCE] = at
            who[IDLE_FROM] = at
        else:
            pass_time(play, known, past, who, sums, out, at, trace)
        happen(play, known, past, who, sums, out, row, trace)
    if who[HAS_ROWS] == 1:
        pass_time(play, known, past, who, sums, out, until, trace)


def fresh(play: Any, who: Ints, sums: Reals) -> None:
    """A person nobody has heard of: on `suspect`, lap 1, everything else unknown or zero."""
    for i in range(play.deals):
        who[i] = 0
    for i in range(len(sums)):
        sums[i] = 0.0
    who[LAP] = 1
    who[VIEW_AT] = NONE
    who[REASON] = NONE
    who[REASON_UNTIL] = NONE
    who[ENGAGEMENT_AT] = NONE
    who[ROW] = NONE
    who[DIRTY] = G_ALL
    who[FIT_STALE] = 1


def pass_time(play: Any, known: Any, past: Any, who: Ints, sums: Reals, out: Any, limit: int, trace: Any) -> None:
    """Every flip by time alone up to and including `limit`, one after the other."""
    while True:
        flip = next_flip(play, known, who, sums, limit)
        if flip > limit:
            return
        if who[HOLD_UNTIL] == flip or who[REST_UNTIL] == flip:
            who[DIRTY] = G_ALL
        who[NOW] = flip
        who[READ_AT] = max(who[LAST_AT], flip - flip % HOUR)
        who[DIRTY] |= G_TIME | G_TALK
        if play.fit_reads_bant == 1:
            who[FIT_STALE] = 1
        who[ROW] = NONE
        who[HAND_RAISED] = 0
        look(play, known, past, who, sums, out, trace)


def happen(play: Any, known: Any, past: Any, who: Ints, sums: Reals, out: Any, row: int, trace: Any) -> None:
    """One row: facts as after it, its matches, what it ends, then a look."""
    this = past.rows[row]
    payload = past.payloads[this.payload]
    at = this.at
    who[NOW] = at
    who[READ_AT] = at
    who[LAST_AT] = at
    who[LAST_SEQ] = this.seq
    who[ROW] = row
    who[HAND_RAISED] = 0
    who[DIRTY] |= G_TIME
    if this.joins != NONE:
        join(play, past, who, this.joins)
    if payload.updates_from < payload.updates_to:
        update(play, past, who, payload.updates_from, payload.updates_to)
    if payload.flags != 0 or payload.tracked != NONE:
        count(play, who, payload.flags, payload.tracked, at)
    if payload.does != E_NONE:
        take_in(play, who, out, payload.does, payload.x, payload.y, payload.z)
    if payload.signals_from < payload.signals_to:
        match(play, known, past, who, sums, payload.signals_from, payload.signals_to, payload.flags & K_OWN, trace)
    if payload.does == E_OVERRIDE:
        override(play, known, past, who, sums, out, payload.x, payload.y, payload.z)
    if payload.updates_from < payload.updates_to:
        forget_data(play, past, who, payload.updates_from, payload.updates_to)
    look(play, known, past, who, sums, out, trace)


# --- step 1: facts --------------------------------------------------------------------------------------------------


def join(play: Any, past: Any, who: Ints, company: int) -> None:
    """From now on another company's facts are theirs, as known by now."""
    for k in range(len(play.company_slots)):
        who[play.slots + play.company_slots[k]] = 0
    update(play, past, who, past.joins[company].updates_from, past.joins[company].updates_to)
    who[DIRTY] |= G_SLOT
    who[FIT_STALE] = 1


def update(play: Any, past: Any, who: Ints, first: int, last: int) -> None:
    """The traits that the row tells; its own data fields are forgotten again by `forget_data`."""
    for k in range(first, last):
        told = past.updates[k]
        if told.is_first == 1 and who[play.slots + told.slot] != 0:
            continue
        who[play.slots + told.slot] = told.value
        if told.slot < play.n_slots:
            who[DIRTY] |= G_SLOT | G_CONTACT
            who[FIT_STALE] = 1
            if told.slot == EMAIL:
                who[EMAIL_SPOILT] = is_spoilt(play, who)


def forget_data(play: Any, past: Any, who: Ints, first: int, last: int) -> None:
    for k in range(first, last):
        slot = past.updates[k].slot
        if slot >= play.n_slots:
            who[play.slots + slot] = 0


def is_spoilt(play: Any, who: Ints) -> int:
    """1 when the present address has hard-bounced (S10). Bounced addresses stand behind the deals."""
    first = play.deals + 2 * who[N_DEALS]
    for k in range(who[N_BOUNCED]):
        if who[first + k] == who[play.slots + EMAIL]:
            return 1
    return 0


def count(play: Any, who: Ints, flags: int, kind: int, at: int) -> None:
    """What is counted whether or not a signal matches: kinds, visits, signs of life. An own event ends waiting."""
    if flags & K_OWN and who[WAITING] == 1:
        who[WAITING] = 0
        who[DIRTY] = G_ALL
    if kind != NONE:
        who[play.kind_count + kind] += 1
        who[play.kind_at + kind] = at
        who[DIRTY] |= G_COUNT
    if flags & K_VIEW:
        if who[VIEW_AT] == NONE or at - who[VIEW_AT] >= HALF_HOUR:
            who[VISITS] += 1
            who[DIRTY] |= G_COUNT
        who[VIEW_AT] = at
    if flags & K_LIFE:
        who[IDLE_FROM] = at


def take_in(play: Any, who: Ints, out: Any, does: int, x: int, y: int, z: int) -> None:
    """What the event does by itself. A table in the form of a chain, hence its length."""
    who[DIRTY] |= G_TALK
    if does == E_TOUCH:
        who[TOUCHED] = 1
    elif does == E_REACH:
        who[REACHED] = 1
    elif does == E_ANSWER:
        who[ANSWER] = x
        who[REASON] = y
        who[REASON_UNTIL] = z
        if who[OPEN_LANE] != 0:
            note_handoff(who, out, x)
    elif does == E_LETTER:
        who[LETTER + x] = y
        who[LETTER_AT + x] = who[NOW]
        who[LETTER_TOLD + x] = z
        if play.fit_reads_bant == 1:
            who[FIT_STALE] = 1
    elif does == E_FLAG:
        who[x] = 1
    elif does == E_QUESTION:
        if x != NONE:
            who[x] = 1
        if y != NONE:
            who[MAKERS] = y
    elif does == E_DEAL:
        take_in_deal(play, who, x, y)
    elif does == E_LEFT:
        who[IS_CUSTOMER] = 0
        who[DIRTY] |= G_DEAL
    elif does == E_CONSENT:
        who[CONSENTED] = x
        if x == 1:
            who[UNSUBSCRIBED] = 0
        who[DIRTY] |= G_CONTACT
    elif does == E_UNSUBSCRIBE:
        who[UNSUBSCRIBED] = 1
        who[DIRTY] |= G_CONTACT
    elif does == E_BOUNCE:
        take_in_bounce(play, who)


def take_in_deal(play: Any, who: Ints, what: int, deal: int) -> None:
    who[DIRTY] |= G_DEAL
    if what == DEAL_WON:
        who[IS_CUSTOMER] = 1
        if who[REST_UNTIL] != 0 or who[HOLD_UNTIL] != 0:
            who[REST_UNTIL] = 0
            who[HOLD_UNTIL] = 0
            who[DIRTY] = G_ALL
    n = who[N_DEALS]
    for k in range(n):
        if who[play.deals + 2 * k] == deal:
            who[play.deals + 2 * k + 1] = what
            return
    first = play.deals + 2 * n
    for k in range(who[N_BOUNCED] - 1, -1, -1):
        who[first + 2 + k] = who[first + k]
    who[first] = deal
    who[first + 1] = what
    who[N_DEALS] = n + 1


def take_in_bounce(play: Any, who: Ints) -> None:
    if who[play.slots + EMAIL] != 0 and who[EMAIL_SPOILT] == 0:
        who[play.deals + 2 * who[N_DEALS] + who[N_BOUNCED]] = who[play.slots + EMAIL]
        who[N_BOUNCED] += 1
        who[EMAIL_SPOILT] = 1
    who[DIRTY] |= G_CONTACT


def match(
    play: Any, known: Any, past: Any, who: Ints, sums: Reals, first: int, last: int, is_own: int, trace: Any
) -> None:
    """Judges every signal first, with facts as before this event's own matches (S5), then counts those that match."""
    n = 0
    for k in range(first, last):
        when = past.matches[k].when
        if when != YES:
            fit(play, known, who, sums)
        if when == YES or holds(play, known, who, sums, when):
            who[play.matched + n] = past.matches[k].signal
            n += 1
    if n == 0:
        return
    at = who[NOW]
    is_sign = 0
    for k in range(n):
        signal = who[play.matched + k]
        fade_and_add(play, who, sums, signal, at)
        who[play.match_count + signal] += 1
        who[play.match_at + signal] = at
        is_sign |= play.signals[signal].is_positive
        who[HAND_RAISED] |= play.signals[signal].is_hand_raise
        if trace is not None:
            trace.append((who[ROW], signal))
    who[ENGAGEMENT_AT] = NONE
    who[DIRTY] |= G_COUNT
    if is_own != 0 and is_sign == 1:
        who[SIGNALS] += 1
        who[IDLE_FROM] = at
    if who[HAND_RAISED] == 1 and who[REST_UNTIL] != 0:
        who[REST_UNTIL] = 0
        who[DIRTY] = G_ALL


def fade_and_add(play: Any, who: Ints, sums: Reals, signal: int, at: int) -> None:
    """The signal's sum as at its last match: faded to now, and the new points."""
    total = sums[F_FIXED + signal]
    half_life = play.signals[signal].half_life
    if total != 0.0 and half_life > 0.0:
        total = total * math.exp2((who[play.match_at + signal] - at) / half_life)
    sums[F_FIXED + signal] = total + play.signals[signal].points


# --- numbers --------------------------------------------------------------------------------------------------------


def engagement_at(play: Any, who: Ints, sums: Reals, at: int) -> float:
    """Σ min(cap, Σ points · 2^(−age / half_life)), rounded to 6 decimals."""
    total = 0.0
    for k in range(play.n_signals):
        points = sums[F_FIXED + k]
        if points != 0.0:
            signal = play.signals[k]
            if signal.half_life > 0.0:
                points = points * math.exp2((who[play.match_at + k] - at) / signal.half_life)
            if signal.is_capped == 1 and points > signal.cap:
                points = signal.cap
            total += points
    return rounded(total)


def rounded(value: float) -> float:
    """To 6 decimals exactly as Python's `round(value, 6)`, which Numba's is not: half to even on the exact value."""
    scaled = value * 1e6
    if abs(scaled) >= 4503599627370496.0:
        return value
    low = math.floor(scaled)
    half = scaled - low
    if half > 0.5:
        low += 1
    elif half == 0.5:
        # The product may have been rounded to the tie: its exact error (Dekker's product) decides, else evenness.
        high = value * 134217729.0
        high = high - (high - value)
        error = (high * 1e6 - scaled) + (value - high) * 1e6
        if error > 0.0 or (error == 0.0 and low % 2 == 1):
            low += 1
    return low / 1e6


def engagement(play: Any, who: Ints, sums: Reals) -> float:
    """As conditions read it."""
    if who[EMPTIED] == 1:
        return 0.0
    if who[ENGAGEMENT_AT] != who[READ_AT]:
        sums[ENGAGEMENT] = engagement_at(play, who, sums, who[READ_AT])
        who[ENGAGEMENT_AT] = who[READ_AT]
    return sums[ENGAGEMENT]  # type: ignore[no-any-return]  # a list of floats or an array


def is_out_of_reach(play: Any, who: Ints, sums: Reals, source: int, bound: float) -> bool:
    """Whether engagement (or score) lies below the bound even if nothing had faded since each signal's last match.

    Spares most people most exact sums, each of which costs a power per signal. With leeway for rounding.
    """
    if source != N_ENGAGEMENT and source != N_SCORE:
        return False
    if who[ENGAGEMENT_AT] == who[READ_AT] or who[EMPTIED] == 1:
        return False
    total = 0.0
    if source == N_SCORE:
        total = sums[FIT]
    for k in range(play.n_signals):
        points = sums[F_FIXED + k]
        if play.signals[k].is_capped == 1 and points > play.signals[k].cap:
            points = play.signals[k].cap
        total += points
    return total < bound - 1e-5 - abs(bound) * 1e-9


def fit(play: Any, known: Any, who: Ints, sums: Reals) -> float:
    if who[FIT_STALE] == 1:
        total = 0.0
        for k in range(len(play.fit)):
            if holds(play, known, who, sums, play.fit[k].when):
                total += play.fit[k].points
        if total != sums[FIT]:
            sums[FIT] = total
            who[DIRTY] |= G_FIT
        who[FIT_STALE] = 0
    return sums[FIT]  # type: ignore[no-any-return]  # a list of floats or an array


def number(play: Any, known: Any, who: Ints, sums: Reals, source: int, argument: int) -> float:
    """The number a comparison looks at; NaN when it is unknown."""
    if source == N_CONST:
        return float(play.constants[argument])
    if source == N_ENGAGEMENT:
        return engagement(play, who, sums)
    if source == N_SCORE:
        return float(engagement(play, who, sums) + sums[FIT])
    if source == N_FIT:
        return sums[FIT]  # type: ignore[no-any-return]  # a list of floats or an array
    if source == N_SLOT:
        value = known.values[known.base[argument] + who[play.slots + argument]]
        return value.number if value.kind == V_NUMBER else math.nan
    return float(whole_number(play, who, source, argument))


def whole_number(play: Any, who: Ints, source: int, argument: int) -> int:
    """Counts: those of points and visits are empty while we suppose an arrival on `customer`."""
    found = 0
    if source == N_REGISTER:
        found = who[play.registers + argument]
    elif source in (N_BANT, N_BANT_TOLD):
        for letter in range(4):
            if is_answered(play, who, letter):
                if source == N_BANT_TOLD:
                    found += who[LETTER_TOLD + letter]
                elif who[LETTER + letter] == 1:
                    found += 1
    elif source == N_LAP:
        found = who[LAP]
    elif source == N_MAKERS:
        found = who[MAKERS]
    elif who[EMPTIED] == 1:
        found = 0
    elif source == N_SIGNALS:
        found = who[SIGNALS]
    elif source == N_VISITS:
        found = who[VISITS]
    elif source == N_MATCHES:
        found = who[play.match_count + argument]
    elif source == N_KIND:
        found = who[play.kind_count + argument]
    return found


def is_answered(play: Any, who: Ints, letter: int) -> bool:
    """Asked, and the answer has not expired."""
    if who[LETTER + letter] == 0:
        return False
    valid_for = play.valid_for[letter]
    return valid_for == 0 or who[NOW] < who[LETTER_AT + letter] + valid_for  # type: ignore[no-any-return]  # ints


def counts_from(play: Any, who: Ints, source: int, argument: int) -> int:
    """Since when a length of time counts; NONE when it is unknown."""
    if source == D_IDLE:
        return who[IDLE_FROM]  # type: ignore[no-any-return]  # a list of ints or an array
    if source == D_IN_STAGE:
        return who[SINCE]  # type: ignore[no-any-return]  # a list of ints or an array
    if who[EMPTIED] == 1:
        return NONE
    if source == D_MATCH:
        return who[play.match_at + argument] if who[play.match_count + argument] > 0 else NONE
    return who[play.kind_at + argument] if who[play.kind_count + argument] > 0 else NONE


# --- conditions -----------------------------------------------------------------------------------------------------


def holds(play: Any, known: Any, who: Ints, sums: Reals, entry: int) -> bool:
    """Whether the condition whose program begins there holds. One long chain: a call per step would cost more."""
    while entry >= 0:
        step = play.steps[entry]
        op = step.op
        truth = False
        if op == OP_NUMBER:
            if step.c == N_CONST and is_out_of_reach(play, who, sums, step.a, play.constants[step.d]):
                truth = step.e == LT or step.e == LE or step.e == NE
            else:
                left = number(play, known, who, sums, step.a, step.b)
                right = number(play, known, who, sums, step.c, step.d)
                truth = compares(left, step.e, right)
        elif op == OP_STAGE:
            truth = (step.d >> who[STAGE]) & 1 == 1
        elif op == OP_FLAG:
            truth = who[step.b] == 1
        elif op == OP_SPAN:
            begin = counts_from(play, who, step.a, step.b)
            if begin != NONE:
                truth = (who[NOW] - begin >= play.spans[step.d]) == (step.e == GE)
        elif op == OP_SPANS:
            # Both lengths grow alike: whichever began first is the longer one, and no time passing changes that.
            begin = counts_from(play, who, step.a, step.b)
            other = counts_from(play, who, step.c, step.d)
            if begin != NONE and other != NONE:
                truth = (begin <= other) == (step.e == GE)
        elif op == OP_ANSWER:
            truth = who[ANSWER] == step.b
        elif op == OP_LETTER:
            truth = is_answered(play, who, step.b) and (step.d == 0 or who[LETTER + step.b] == step.d)
        elif op == OP_SLOT:
            truth = known.truth[known.truth_base[step.d] + who[play.slots + step.b]] == 1
        elif op == OP_SLOT_KNOWN:
            truth = who[play.slots + step.b] != 0
        elif op == OP_DEAL:
            truth = has_deal(play, who, step.b)
        elif op == OP_STATUS:
            truth = (step.d >> who[STATUS]) & 1 == 1
        elif op == OP_REACHABLE:
            truth = is_reachable(play, known, who)
        elif op == OP_SLOTS:
            truth = slots_compare(play, known, who, step.b, step.d, step.e)
        elif op == OP_KNOWN:
            truth = counts_from(play, who, step.a, step.b) != NONE
        elif op == OP_ZERO:
            who[play.registers + step.b] = 0
        elif op == OP_ADD:
            who[play.registers + step.b] += 1
        entry = step.yes if truth else step.no
    return entry == YES


def compares(left: float, op: int, right: float) -> bool:
    if op == GE:
        return left >= right
    if op == LT:
        return left < right
    if op == LE:
        return left <= right
    if op == GT:
        return left > right
    if op == EQ:
        return left == right
    return left == left and right == right and left != right


def has_deal(play: Any, who: Ints, how: int) -> bool:
    """Some deal open; some won; or some lost and none open or won."""
    found = False
    for k in range(who[N_DEALS]):
        state = who[play.deals + 2 * k + 1]
        if state == how:
            found = True
        elif how == DEAL_LOST and state in (DEAL_OPENED, DEAL_WON):
            return False
    return found


def is_reachable(play: Any, known: Any, who: Ints) -> bool:
    """An e-mail that has not hard-bounced, or a phone number; not any text in their place (S33)."""
    email = known.values[known.base[EMAIL] + who[play.slots + EMAIL]]
    if email.kind == V_TEXT and email.number != 0.0 and who[EMAIL_SPOILT] == 0:
        return True
    phone = known.values[known.base[PHONE] + who[play.slots + PHONE]]
    return phone.kind == V_TEXT and phone.number != 0.0  # type: ignore[no-any-return]  # ints


def slots_compare(play: Any, known: Any, who: Ints, left: int, right: int, op: int) -> bool:
    """Two traits with each other: only of the same kind, and only numbers have an order."""
    a = known.values[known.base[left] + who[play.slots + left]]
    b = known.values[known.base[right] + who[play.slots + right]]
    if a.kind != b.kind or a.kind == V_UNKNOWN or a.kind == V_OTHER:
        return False
    if a.kind == V_NUMBER:
        return compares(a.number, op, b.number)
    return (op == EQ and a.text == b.text) or (op == NE and a.text != b.text)


# --- flips by time alone --------------------------------------------------------------------------------------------


def next_flip(play: Any, known: Any, who: Ints, sums: Reals, limit: int) -> int:
    """The first instant after NOW, at or before `limit`, at which time alone may change an answer that matters.

    Any instant beyond `limit` stands for none.
    """
    now = who[NOW]
    best = limit + 1
    if now < who[HOLD_UNTIL] < best:
        best = who[HOLD_UNTIL]
    if now < who[REST_UNTIL] < best:
        best = who[REST_UNTIL]
    for letter in range(4):
        if play.valid_for[letter] > 0 and who[LETTER + letter] != 0:
            at = who[LETTER_AT + letter] + play.valid_for[letter]
            if now < at < best:
                best = at
    if now < who[HOLD_UNTIL]:
        return best
    here = play.standings[who[STAGE] * 4 + who[STATUS]]
    best = next_timer(play, who, here.timers_from, here.timers_to, best)
    is_rising = who[WAITING] == 0 and who[STATUS] != DISQUALIFIED
    if is_rising:
        best = next_timer(play, who, here.rise_timers_from, here.rise_timers_to, best)
    if best - best % HOUR <= now:
        return best
    best = next_decay(play, known, who, sums, here.decays_from, here.decays_to, best)
    if is_rising:
        best = next_decay(play, known, who, sums, here.rise_decays_from, here.rise_decays_to, best)
    return best


def next_timer(play: Any, who: Ints, first: int, last: int, best: int) -> int:
    """Exact flips: a length of time reaches what a condition compares it with."""
    now = who[NOW]
    for k in range(first, last):
        timer = play.timers[k]
        begin = counts_from(play, who, timer.source, timer.argument)
        if begin != NONE and now < begin + timer.length < best:
            best = begin + timer.length
    return best


def next_decay(play: Any, known: Any, who: Ints, sums: Reals, first: int, last: int, best: int) -> int:
    """Flips through decay: per comparison, the first whole hour at which it has its new value.

    Between rows engagement never rises, so "below c" and "at most c" each become true once and stay so.
    """
    for k in range(first, last):
        decay = play.decays[k]
        bound = number(play, known, who, sums, decay.source, decay.argument)
        if is_out_of_reach(play, who, sums, decay.of, bound):
            continue
        plus = 0.0
        if decay.of == N_SCORE:
            plus = sums[FIT]
        value = engagement(play, who, sums) + plus
        is_equal = value == bound
        if not value >= bound or (is_equal and (decay.op == GT or decay.op == LE)):
            continue
        if decay.op == GE or decay.op == LT or is_equal:
            best = first_hour(play, who, sums, bound, plus, False, best)
        else:
            at = first_hour(play, who, sums, bound, plus, True, best)
            if at < best and (decay.op == GT or decay.op == LE or engagement_at(play, who, sums, at) + plus == bound):
                best = at
    return best


def first_hour(play: Any, who: Ints, sums: Reals, bound: float, plus: float, is_at_most: bool, best: int) -> int:
    """The first whole hour after NOW and before `best` at which the value is below (or at) the bound, else `best`."""
    low = who[NOW] // HOUR
    high = (best - 1) // HOUR
    if high <= low or stays_above(play, who, sums, bound, plus, high * HOUR):
        return best
    if not is_below(engagement_at(play, who, sums, high * HOUR) + plus, bound, is_at_most):
        return best
    step = 1
    while low + step < high:
        if is_below(engagement_at(play, who, sums, (low + step) * HOUR) + plus, bound, is_at_most):
            high = low + step
            break
        low += step
        step *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if is_below(engagement_at(play, who, sums, middle * HOUR) + plus, bound, is_at_most):
            high = middle
        else:
            low = middle
    return high * HOUR


def stays_above(play: Any, who: Ints, sums: Reals, bound: float, plus: float, at: int) -> bool:
    """Whether the value cannot reach the bound by then, even if all of it faded as fast as the fastest signal.

    Spares the exact sum at most rows. A bound may be lower than need be by rounding: a millionth of leeway and more.
    """
    if play.shortest_half_life == 0.0:
        return True
    value = engagement(play, who, sums)
    fading = value
    for k in range(len(play.negatives)):
        fading -= sums[F_FIXED + play.negatives[k]]
    faded = fading * (1.0 - math.exp2((who[READ_AT] - at) / play.shortest_half_life))
    return value + plus - faded > bound + 1e-5 + abs(fading) * 1e-12


def is_below(value: float, bound: float, is_at_most: bool) -> bool:
    return value < bound or (is_at_most and value == bound)


# --- steps 2 to 5: rules --------------------------------------------------------------------------------------------


def look(play: Any, known: Any, past: Any, who: Ints, sums: Reals, out: Any, trace: Any) -> None:
    """Setbacks until none fires, then promotions until none is left."""
    if who[NOW] < who[HOLD_UNTIL]:
        who[DIRTY] = G_ALL
        return
    is_set_back = False
    while True:
        fit(play, known, who, sums)
        line = first_setback(play, known, who, sums, who[STAGE] * 4 + who[STATUS])
        if line == NONE:
            break
        set_back(play, known, past, who, sums, out, line)
        if play.setbacks[line].is_expansion == 0:
            is_set_back = True
    if not is_set_back and who[WAITING] == 0 and who[STATUS] != DISQUALIFIED:
        while True:
            rung = highest_rung(play, known, who, sums)
            if rung == NONE:
                break
            promote(play, known, past, who, sums, out, rung)
    who[DIRTY] = 0


def first_setback(play: Any, known: Any, who: Ints, sums: Reals, standing: int) -> int:
    """The first line that fires; `lines` holds, by standing, those whose target is strictly below it."""
    here = play.standings[standing]
    for k in range(here.lines_from, here.lines_to):
        line = play.setbacks[play.lines[k]]
        if line.mask & who[DIRTY] != 0 and holds(play, known, who, sums, line.when):
            return play.lines[k]  # type: ignore[no-any-return]  # an int
    return NONE


def highest_rung(play: Any, known: Any, who: Ints, sums: Reals) -> int:
    """The highest enabled rung above whose `enter` holds and on which, as if already arrived, no setback would fire."""
    top = CUSTOMER
    if who[NOW] < who[REST_UNTIL]:
        top = LEAD
    for rung in range(top, who[STAGE], -1):
        here = play.rungs[rung]
        if here.is_used == 0 or here.mask & who[DIRTY] == 0:
            continue
        if holds(play, known, who, sums, here.enter) and would_stay(play, known, who, sums, rung):
            return rung
    return NONE


def would_stay(play: Any, known: Any, who: Ints, sums: Reals, rung: int) -> bool:
    """Whether no setback would fire on the rung: facts are changed as by the arrival, and changed back."""
    if play.standings[rung * 4].lines_from == play.standings[rung * 4].lines_to:
        return True
    stage, status, since, answer, dirty = who[STAGE], who[STATUS], who[SINCE], who[ANSWER], who[DIRTY]
    who[STAGE] = rung
    who[STATUS] = ACTIVE
    who[SINCE] = who[NOW]
    who[DIRTY] = G_ALL
    if rung == play.handoff_rung:
        who[ANSWER] = 0
    if rung == CUSTOMER:
        who[EMPTIED] = 1
    line = first_setback(play, known, who, sums, rung * 4)
    who[STAGE] = stage
    who[STATUS] = status
    who[SINCE] = since
    who[ANSWER] = answer
    who[DIRTY] = dirty
    who[EMPTIED] = 0
    return line == NONE


def promote(play: Any, known: Any, past: Any, who: Ints, sums: Reals, out: Any, to: int) -> None:
    stage, status = who[STAGE], who[STATUS]
    for rung in range(stage + 1, to):
        if play.rungs[rung].is_used == 1:
            note_move(play, who, sums, out, stage, status, rung, ACTIVE, PROMOTION, to, 1)
            stage, status = rung, ACTIVE
    note_move(play, who, sums, out, stage, status, to, ACTIVE, PROMOTION, to, 0)
    arrive(play, past, who, sums, out, to, ACTIVE, True)


def set_back(play: Any, known: Any, past: Any, who: Ints, sums: Reals, out: Any, line: int) -> None:
    setback = play.setbacks[line]
    to = min(setback.target, who[STAGE])
    if setback.is_expansion == 1:
        who[LAP] += 1
    note_move(play, who, sums, out, who[STAGE], who[STATUS], to, setback.status, SETBACK, line, 0)
    if setback.is_expansion == 1:
        start_lap(play, who)
    else:
        who[WAITING] = 1
        rest = rest_until(play, who, setback.rest, setback.names_rejected)
        if rest != NONE:
            who[REST_UNTIL] = rest
        if who[ANSWER] != REJECTED:
            who[ANSWER] = 0
        who[TOUCHED] = 0
        who[REACHED] = 0
    arrive(play, past, who, sums, out, to, setback.status, False)


def rest_until(play: Any, who: Ints, rest: int, names_rejected: int) -> int:
    """Until when the setback lets them rest; NONE when it says nothing. A reject reason's rest comes first (S15)."""
    reason = who[REASON]
    if names_rejected == 1 and who[ANSWER] == REJECTED and reason != NONE:
        if play.reasons[reason].wakes == 1 and who[REASON_UNTIL] != NONE:
            return who[REASON_UNTIL]  # type: ignore[no-any-return]  # a list of ints or an array
        if play.reasons[reason].rest != NONE:
            rest = play.reasons[reason].rest
    if rest in (NONE, FOREVER):
        return rest
    return who[NOW] + rest  # type: ignore[no-any-return]  # a list of ints or an array


def start_lap(play: Any, who: Ints) -> None:
    """Every per-lap fact is emptied but those that `customer` emptied when they came there."""
    who[ANSWER] = 0
    who[REASON] = NONE
    who[REASON_UNTIL] = NONE
    who[TOUCHED] = 0
    who[REACHED] = 0
    for letter in range(4):
        who[LETTER + letter] = 0
        who[LETTER_TOLD + letter] = 0
    who[CONSIDERING] = 0
    who[CHANGE] = 0
    who[MAKERS] = 0
    for k in range(play.n_flags):
        who[play.flags + k] = 0
    for k in range(len(play.lap_slots)):
        who[play.slots + play.lap_slots[k]] = 0
    first = play.deals + 2 * who[N_DEALS]
    for k in range(who[N_BOUNCED]):
        who[play.deals + k] = who[first + k]
    who[N_DEALS] = 0
    if play.fit_reads_bant == 1:
        who[FIT_STALE] = 1


def override(
    play: Any, known: Any, past: Any, who: Ints, sums: Reals, out: Any, to: int, status: int, until: int
) -> None:
    """Somebody decides by hand: `to` NONE = the present rung; rules are silent before `until`. Rest ends."""
    if to == NONE:
        to = who[STAGE]
    who[REST_UNTIL] = 0
    who[HOLD_UNTIL] = until
    who[DIRTY] = G_ALL
    if to == who[STAGE] and status == who[STATUS]:
        return
    fit(play, known, who, sums)
    note_move(play, who, sums, out, who[STAGE], who[STATUS], to, status, OVERRIDE, NONE, 0)
    arrive(play, past, who, sums, out, to, status, False)


def arrive(play: Any, past: Any, who: Ints, sums: Reals, out: Any, stage: int, status: int, is_promotion: bool) -> None:
    """They stand there now; coming from another rung, hand-offs open or are withdrawn and `customer` empties."""
    before, on = who[STAGE], play.handoff_rung
    is_unanswered = who[OPEN_LANE] != 0
    who[STAGE] = stage
    who[STATUS] = status
    who[SINCE] = who[NOW]
    who[DIRTY] = G_ALL
    if stage == before:
        return
    if is_unanswered and (before == on or not is_promotion):
        note_handoff(who, out, WITHDRAWN)
    if stage == on:
        open_handoff(who, out, HAND_RAISE if who[HAND_RAISED] == 1 else SCORED)
        who[ANSWER] = 0
        who[REASON] = NONE
        who[REASON_UNTIL] = NONE
    elif is_promotion and stage > on and (before < on or (before == on and is_unanswered)):
        open_handoff(who, out, HAND_RAISE)
        if who[ROW] != NONE and past.rows[who[ROW]].has_rep == 1:
            note_handoff(who, out, ACCEPTED)
    if stage == CUSTOMER:
        empty(play, who, sums)


def empty(play: Any, who: Ints, sums: Reals) -> None:
    """Coming to rest on `customer`: engagement, signals, times, since and visits start afresh."""
    for signal in range(play.n_signals):
        sums[F_FIXED + signal] = 0.0
        who[play.match_count + signal] = 0
    for kind in range(play.n_kinds):
        who[play.kind_count + kind] = 0
    who[SIGNALS] = 0
    who[VISITS] = 0
    who[VIEW_AT] = NONE
    who[ENGAGEMENT_AT] = NONE


# --- what is written down -------------------------------------------------------------------------------------------


def note_move(
    play: Any,
    who: Ints,
    sums: Reals,
    out: Any,
    stage: int,
    status: int,
    to: int,
    to_status: int,
    cause: int,
    line: int,
    passed: int,
) -> None:
    """A move with its numbers, exact at its own time, as before its own effects (S12)."""
    n = who[N_MOVES]
    who[N_MOVES] = n + 1
    if n >= out.moves_room:
        return
    k = n * MOVE_WIDTH
    out.moves[k + M_AT] = who[NOW]
    out.moves[k + M_FROM] = stage
    out.moves[k + M_FROM_STATUS] = status
    out.moves[k + M_TO] = to
    out.moves[k + M_TO_STATUS] = to_status
    out.moves[k + M_CAUSE] = cause
    out.moves[k + M_LINE] = line
    out.moves[k + M_PASSED] = passed
    out.moves[k + M_ROW] = who[ROW]
    out.moves[k + M_LAP] = who[LAP]
    points = engagement(play, who, sums) if who[READ_AT] == who[NOW] else engagement_at(play, who, sums, who[NOW])
    out.numbers[3 * n] = points + sums[FIT]
    out.numbers[3 * n + 1] = sums[FIT]
    out.numbers[3 * n + 2] = points


def open_handoff(who: Ints, out: Any, lane: int) -> None:
    who[OPEN_LANE] = lane
    who[OPEN_AT] = who[NOW]
    put_handoff(who, out, OPENED)


def note_handoff(who: Ints, out: Any, what: int) -> None:
    """The open hand-off is answered or withdrawn."""
    put_handoff(who, out, what)
    who[OPEN_LANE] = 0


def put_handoff(who: Ints, out: Any, what: int) -> None:
    n = who[N_HANDOFFS]
    who[N_HANDOFFS] = n + 1
    if n >= out.handoffs_room:
        return
    k = n * HANDOFF_WIDTH
    out.handoffs[k + H_AT] = who[NOW]
    out.handoffs[k + H_WHAT] = what
    out.handoffs[k + H_LANE] = who[OPEN_LANE]
    out.handoffs[k + H_ROW] = who[ROW]


# --- everybody ------------------------------------------------------------------------------------------------------


class Standings(NamedTuple):
    """Where everybody stands, column by column; letters are 0 unknown, 1 yes, 2 no."""

    stage: Any
    status: Any
    lap: Any
    score: Any
    fit: Any
    engagement: Any
    temperature: Any
    since: Any
    first_at: Any
    last_at: Any
    idle_since: Any
    signals: Any
    visits: Any
    is_waiting: Any
    rest_until: Any
    hold_until: Any
    answer: Any
    touched: Any
    reached: Any
    reachable: Any
    budget: Any
    authority: Any
    need: Any
    timing: Any
    deal_open: Any
    deal_won: Any
    deal_lost: Any
    is_customer: Any
    consented: Any
    unsubscribed: Any
    admits_considering: Any
    admits_change: Any
    decision_makers: Any
    competitor: Any
    decision_date: Any
    likelihood: Any
    open_lane: Any
    open_at: Any
    moves_to: Any
    """Their moves are those before this one, from where the person before them ends; `handoffs_to` likewise."""
    handoffs_to: Any
    clauses: Any
    """Which clauses of the next rung hold, one bit each."""


class Clauses(NamedTuple):
    """By rung, from `first[rung]` to `first[rung + 1]`: the clauses of its `enter`, and the value that words need."""

    first: Any
    entry: Any
    source: Any
    argument: Any
    width: int


class Keys(NamedTuple):
    """What each person's key says by itself: an e-mail address, as value numbers of the slots (0: none)."""

    email: Any
    domain: Any
    free: Any
    domain_slot: int
    free_slot: int


def lend(bundle: Any) -> Any:
    """The bundle itself; compiled, a pointer to it, for a bundle handed on by value is copied at every call; and an
    array without its owner, for otherwise every call that hands it on counts references, twice, atomically."""
    return bundle


def run_all(
    play: Any,
    known: Any,
    past: Any,
    starts: Any,
    keys: Any,
    clauses: Any,
    values: Any,
    who: Ints,
    sums: Reals,
    out: Any,
    standings: Any,
    hot: int,
    warm: int,
    until: int,
    begin: int,
) -> int:
    """Everybody from person `begin` on. Returns how many are done: fewer than all when the room for moves ran out."""
    return run_each(
        lend(play),
        lend(known),
        lend(past),
        lend(starts),
        lend(keys),
        lend(clauses),
        lend(values),
        lend(who),
        lend(sums),
        lend(out),
        lend(standings),
        hot,
        warm,
        until,
        begin,
    )


def run_each(
    play: Any,
    known: Any,
    past: Any,
    starts: Any,
    keys: Any,
    clauses: Any,
    values: Any,
    who: Ints,
    sums: Reals,
    out: Any,
    standings: Any,
    hot: int,
    warm: int,
    until: int,
    begin: int,
) -> int:
    """As `run_all`."""
    n_people = len(starts) - 1
    for person in range(begin, n_people):
        fresh(play, who, sums)
        go_on_writing(who, standings, person)
        if keys.email[person] != 0:
            who[play.slots + EMAIL] = keys.email[person]
            if keys.domain_slot != NONE:
                who[play.slots + keys.domain_slot] = keys.domain[person]
            if keys.free_slot != NONE:
                who[play.slots + keys.free_slot] = keys.free[person]
        run(play, known, past, who, sums, out, starts[person], starts[person + 1], until, None)
        if not had_room(who, out, standings, person):
            return person
        put_standing(play, known, who, sums, standings, hot, warm, until, person)
        if clauses.width > 0:
            put_clauses(play, known, who, sums, clauses, values, standings, person)
    return n_people


def run_several(
    play: Any,
    known: Any,
    past: Any,
    starts: Any,
    untils: Any,
    who: Any,
    sums: Any,
    out: Any,
    standings: Any,
    due_at: Any,
    hot: int,
    warm: int,
    begin: int,
) -> int:
    """Some people from `begin` on, each with a row of `who` and `sums`, prepared, and with an `until`; as `run_all`.

    Whoever there was no room for has to be prepared again. `due_at`: when time alone may change something next.
    """
    return run_each_of(
        lend(play),
        lend(known),
        lend(past),
        lend(starts),
        lend(untils),
        lend(who),
        lend(sums),
        lend(out),
        lend(standings),
        lend(due_at),
        hot,
        warm,
        begin,
    )


def run_each_of(
    play: Any,
    known: Any,
    past: Any,
    starts: Any,
    untils: Any,
    who: Any,
    sums: Any,
    out: Any,
    standings: Any,
    due_at: Any,
    hot: int,
    warm: int,
    begin: int,
) -> int:
    """As `run_several`."""
    n_people = len(untils)
    for person in range(begin, n_people):
        mine = who[person]
        go_on_writing(mine, standings, person)
        run(play, known, past, mine, sums[person], out, starts[person], starts[person + 1], untils[person], None)
        if not had_room(mine, out, standings, person):
            return person
        due_at[person] = next_due(play, known, mine, sums[person])
        stand(play, known, mine, sums[person], standings, hot, warm, untils[person], person)
    return n_people


def go_on_writing(who: Ints, standings: Any, person: int) -> None:
    """The person's moves and hand-offs come after those of the person before."""
    who[N_MOVES] = standings.moves_to[person - 1] if person > 0 else 0
    who[N_HANDOFFS] = standings.handoffs_to[person - 1] if person > 0 else 0


def had_room(who: Ints, out: Any, standings: Any, person: int) -> bool:
    """Whether all moves and hand-offs of the person were written; where they end, then."""
    if who[N_MOVES] > out.moves_room or who[N_HANDOFFS] > out.handoffs_room:
        return False
    standings.moves_to[person] = who[N_MOVES]
    standings.handoffs_to[person] = who[N_HANDOFFS]
    return True


def next_due(play: Any, known: Any, who: Ints, sums: Reals) -> int:
    """When time alone may change something next; NONE for never."""
    if who[HAS_ROWS] == 0:
        return NONE
    fit(play, known, who, sums)
    at = next_flip(play, known, who, sums, LATEST)
    return at if at <= LATEST else NONE


def stand(
    play: Any, known: Any, who: Ints, sums: Reals, standings: Any, hot: int, warm: int, until: int, person: int
) -> None:
    """As `put_standing`, and the person goes on from where they were: what is printed is no look."""
    now = who[NOW]
    read_at = who[READ_AT]
    points = sums[ENGAGEMENT]
    put_standing(play, known, who, sums, standings, hot, warm, until, person)
    who[NOW] = now
    who[READ_AT] = read_at
    who[ENGAGEMENT_AT] = NONE
    sums[ENGAGEMENT] = points


def put_standing(
    play: Any,
    known: Any,
    who: Ints,
    sums: Reals,
    standings: Any,
    hot: int,
    warm: int,
    until: int,
    person: int,
) -> None:
    """The person's line in the columns, numbers exact at `until`. A list of columns, hence its length."""
    who[NOW] = until
    who[READ_AT] = until
    who[ENGAGEMENT_AT] = NONE
    points = engagement(play, who, sums)
    standings.stage[person] = who[STAGE]
    standings.status[person] = who[STATUS]
    standings.lap[person] = who[LAP]
    standings.fit[person] = fit(play, known, who, sums)
    standings.engagement[person] = points
    standings.score[person] = points + sums[FIT]
    standings.temperature[person] = 0
    if holds(play, known, who, sums, hot):
        standings.temperature[person] = 2
    elif holds(play, known, who, sums, warm):
        standings.temperature[person] = 1
    standings.since[person] = who[SINCE]
    standings.first_at[person] = who[FIRST_AT]
    standings.last_at[person] = who[LAST_AT]
    standings.idle_since[person] = who[IDLE_FROM]
    standings.signals[person] = who[SIGNALS]
    standings.visits[person] = who[VISITS]
    standings.is_waiting[person] = who[WAITING]
    standings.rest_until[person] = who[REST_UNTIL]
    standings.hold_until[person] = who[HOLD_UNTIL]
    standings.answer[person] = who[ANSWER]
    standings.touched[person] = who[TOUCHED]
    standings.reached[person] = who[REACHED]
    standings.reachable[person] = is_reachable(play, known, who)
    standings.budget[person] = letter_state(play, who, 0)
    standings.authority[person] = letter_state(play, who, 1)
    standings.need[person] = letter_state(play, who, 2)
    standings.timing[person] = letter_state(play, who, 3)
    standings.deal_open[person] = has_deal(play, who, DEAL_OPENED)
    standings.deal_won[person] = has_deal(play, who, DEAL_WON)
    standings.deal_lost[person] = has_deal(play, who, DEAL_LOST)
    standings.is_customer[person] = who[IS_CUSTOMER]
    standings.consented[person] = who[CONSENTED]
    standings.unsubscribed[person] = who[UNSUBSCRIBED]
    standings.admits_considering[person] = who[CONSIDERING]
    standings.admits_change[person] = who[CHANGE]
    standings.decision_makers[person] = who[MAKERS]
    standings.competitor[person] = who[play.slots + COMPETITOR]
    standings.decision_date[person] = who[play.slots + DECISION_DATE]
    standings.likelihood[person] = number(play, known, who, sums, N_SLOT, LIKELIHOOD)
    standings.open_lane[person] = who[OPEN_LANE]
    standings.open_at[person] = who[OPEN_AT]


def letter_state(play: Any, who: Ints, letter: int) -> int:
    """0 unknown, 1 yes, 2 no."""
    return who[LETTER + letter] if is_answered(play, who, letter) else 0


def next_rung(play: Any, stage: int) -> int:
    """The lowest rung in use above, NONE on the highest."""
    for rung in range(stage + 1, CUSTOMER + 1):
        if play.rungs[rung].is_used == 1:
            return rung
    return NONE


def put_clauses(
    play: Any, known: Any, who: Ints, sums: Reals, clauses: Any, values: Any, standings: Any, person: int
) -> None:
    """Which clauses of the next rung hold, and the values that the words of the others need."""
    standings.clauses[person] = 0
    rung = next_rung(play, who[STAGE])
    if rung == NONE:
        return
    first = clauses.first[rung]
    for k in range(first, clauses.first[rung + 1]):
        place = person * clauses.width + k - first
        values[place] = 0.0
        if holds(play, known, who, sums, clauses.entry[k]):
            standings.clauses[person] |= 1 << (k - first)
        else:
            values[place] = clause_value(play, known, who, sums, clauses.source[k], clauses.argument[k])


def clause_value(play: Any, known: Any, who: Ints, sums: Reals, source: int, argument: int) -> float:
    """How far a clause has come: its number, the state of its letter, or the length of time in microseconds."""
    if source == C_NOTHING:
        return 0.0
    if source == C_LETTER:
        return float(letter_state(play, who, argument))
    if source >= C_SPAN:
        begin = counts_from(play, who, source - C_SPAN, argument)
        return float(who[NOW] - begin) if begin != NONE else -1.0
    return number(play, known, who, sums, source, argument)
