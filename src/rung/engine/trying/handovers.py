"""What one replay says of hand-offs, and what really became of them: tables of numbers, one row a hand-off.

Human decisions are taken as they happened. A hand-off is *marketing's* when it opened on the hand-off rung, or above
it by something the person did. One that opened above the rung by an event of sales is none: sales was at work already
(that is how a replay shows people whom a stricter definition would not have handed over, but whom sales did work on).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rung.engine import kernel as k
from rung.engine.histories import KIND_NAMES, History
from rung.engine.replay import Replayed
from rung.terms.kinds import KINDS
from rung.terms.stages import RANK

Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

NEVER: Final = np.iinfo(np.int64).max
NONE: Final = -1
LATE: Final = -2
"""The tip of a hand-off that was looked for beyond the replay: see `Handovers.is_late`."""
BY_TIME: Final = -1
"""The tip of a hand-off that time alone opened."""
BY_COLLEAGUE: Final = -3
"""The tip of a hand-off that opened at what a colleague did, or at what was told about their company."""
UNDECIDED, ACCEPTED, REJECTED, RETURNED = 0, k.ACCEPTED, k.REJECTED, k.RETURNED
DIRECT: Final = "direct or unknown"
"""The source of people of whom none is told."""

_ANSWER_KINDS: Final = {"handoff_accepted": ACCEPTED, "handoff_rejected": REJECTED, "handoff_returned": RETURNED}
_IS_SALES: Final = np.array([KINDS[name].actor == "sales" for name in KIND_NAMES] + [False])
"""By kind; the last place is where NONE looks."""
_OPPORTUNITY: Final = RANK["opportunity"]


@dataclass(frozen=True, slots=True)
class Deeds:
    """What happened whatever the playbook: wins and answers by (person, time), and where people came from."""

    n_people: int
    first_at: Ints
    """Each person's first event."""
    source: Ints
    """Each person's source, a code into `sources`."""
    sources: tuple[str, ...]
    win_person: Ints
    win_at: Ints
    win_amount: NDArray[np.float64]
    """Minor units; 0 where none was told."""
    win_currency: Ints
    """A code into `currencies`, NONE where none was told."""
    currencies: tuple[str, ...]
    answer_person: Ints
    answer_at: Ints
    answer: Ints
    reason: Ints
    """A code into `reasons`, NONE where none was told."""
    reasons: tuple[str, ...]

    @property
    def first_win(self) -> Ints:
        """When each person first won, NEVER for those who did not."""
        first = np.full(self.n_people, NEVER, np.int64)
        np.minimum.at(first, self.win_person, self.win_at)
        return first


@dataclass(frozen=True, slots=True)
class Handovers:
    """Marketing's hand-offs under one playbook, by (person, time)."""

    person: Ints
    at: Ints
    tip: Ints
    """The kind of the event that tipped it, BY_TIME, BY_COLLEAGUE, or LATE."""
    cause: Ints
    line: Ints
    """Which rule opened it, as in a move."""
    lane: Ints
    answer: Ints
    """The answer recorded while it was open: UNDECIDED, ACCEPTED, REJECTED or RETURNED."""
    answer_at: Ints
    reason: Ints
    earlier: Ints
    """The last answer recorded before it opened, since the hand-off before it: told apart, never counted as its own."""
    is_open: Truths
    """Whether it waits for its answer at the end of the clock."""
    is_late: Truths
    """Sales worked on the person because of the other playbook's hand-off, before this one had handed them over:
    here is when it would have, by what they did themselves."""
    opportunity: Truths
    win: Ints
    """The win (a row of `Deeds`) that came of it, NONE where there is none yet."""

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True, slots=True)
class Spells:
    """Times on a rung, active. `end_at` of one that goes on is the end of the clock."""

    person: Ints
    stage: Ints
    start_at: Ints
    end_at: Ints
    is_over: Truths


@dataclass(frozen=True, slots=True)
class Side:
    """All that one replay says for a backtest."""

    handovers: Handovers
    spells: Spells
    leapt: Ints
    """When each person first went above the hand-off rung by an event of sales without a hand-off; NEVER."""
    stage: Ints
    status: Ints


def deeds(history: History, *, until: int) -> Deeds:
    """What the rows up to `until` say. A person's source is the last one told, else the first `utm_source` (S28)."""
    is_seen = (history.at <= until) & (history.person >= 0)
    n_people = len(history.people)
    first_at = np.full(n_people, NEVER, np.int64)
    np.minimum.at(first_at, history.person[is_seen], history.at[is_seen])
    source, sources = _sources(history, is_seen)
    wins = _rows(history, is_seen, ("deal_won",))
    amounts, currencies = _amounts([history.data[row] for row in wins.tolist()])
    answers = _rows(history, is_seen, tuple(_ANSWER_KINDS))
    codes = {KIND_NAMES.index(name): code for name, code in _ANSWER_KINDS.items()}
    reasons: dict[str, int] = {}
    told = [history.data[row].get("reason") for row in answers.tolist()]
    return Deeds(
        n_people=n_people,
        first_at=first_at,
        source=source,
        sources=sources,
        win_person=history.person[wins].astype(np.int64),
        win_at=history.at[wins],
        win_amount=amounts[0],
        win_currency=amounts[1],
        currencies=currencies,
        answer_person=history.person[answers].astype(np.int64),
        answer_at=history.at[answers],
        answer=np.array([codes[kind] for kind in history.kind[answers].tolist()], np.int64),
        reason=np.array([_code(reasons, reason) for reason in told], np.int64),
        reasons=tuple(reasons),
    )


def side(replayed: Replayed, history: History, found: Deeds, people: Ints | None = None) -> Side:
    """The hand-offs of a replay with what became of them, the times on rungs, and where everybody stands.

    `people`: who was replayed, in order, where that was not everybody; tables then speak of them by their own numbers,
    columns (`leapt stage status`) have a place for each of them.
    """
    opened, leapt = _opened(replayed, history)
    spells = _spells(replayed)
    if people is not None:
        opened = replace(opened, person=people[opened.person])
        spells = replace(spells, person=people[spells.person])
    return Side(
        handovers=_followed(replayed, opened, found, people),
        spells=spells,
        leapt=leapt,
        stage=np.asarray(replayed.standings.stage, np.int64),
        status=np.asarray(replayed.standings.status, np.int64),
    )


def opened(replayed: Replayed, history: History) -> "Opened":
    """Marketing's hand-offs of a replay as they opened, whatever became of them."""
    return _opened(replayed, history)[0]


def first_handover(table: "Handovers | Opened", n_people: int) -> Ints:
    """When each person was first handed over; NEVER."""
    first = np.full(n_people, NEVER, np.int64)
    np.minimum.at(first, table.person, table.at)
    return first


def with_late(
    this: Side, replayed: Replayed, found: Deeds, people: Ints | None = None, *, person: Ints, at: Ints
) -> Side:
    """The side with hand-offs added that only come after sales had begun, because of the other playbook's hand-off.

    `person`, `at`: whom, and when this playbook would have handed them over by what they did themselves.
    """
    if not len(person):
        return this
    nothing = np.zeros(len(person), np.int64)
    added = Opened(
        person=np.concatenate([this.handovers.person, person]),
        at=np.concatenate([this.handovers.at, at]),
        tip=np.concatenate([this.handovers.tip, nothing + LATE]),
        cause=np.concatenate([this.handovers.cause, nothing + k.PROMOTION]),
        line=np.concatenate([this.handovers.line, nothing + replayed.program.arrays.handoff_rung]),
        lane=np.concatenate([this.handovers.lane, nothing + k.SCORED]),
        answer=np.concatenate([this.handovers.answer, nothing]),
        answer_at=np.concatenate([this.handovers.answer_at, nothing + NEVER]),
        is_open=np.concatenate([this.handovers.is_open, np.zeros(len(person), bool)]),
    )
    order = np.lexsort((added.at, added.person))
    sorted_ = Opened(*(getattr(added, field.name)[order] for field in fields(Opened)))
    followed = _followed(replayed, sorted_, found, people)
    return Side(followed, this.spells, this.leapt, this.stage, this.status)


def joined(parts: Sequence[Side]) -> Side:
    """One side of several, each of people who come after those of the one before."""
    return Side(
        handovers=_stacked([part.handovers for part in parts]),
        spells=_stacked([part.spells for part in parts]),
        leapt=np.concatenate([part.leapt for part in parts]),
        stage=np.concatenate([part.stage for part in parts]),
        status=np.concatenate([part.status for part in parts]),
    )


def with_some(base: Side, some: Side, people: Ints) -> Side:
    """The side with what another one says of these people in place of what it says itself."""
    is_theirs = np.zeros(len(base.stage), bool)
    is_theirs[people] = True
    columns = {}
    for name in ("leapt", "stage", "status"):
        columns[name] = getattr(base, name).copy()
        columns[name][people] = getattr(some, name)
    return Side(
        handovers=_in_place(base.handovers, some.handovers, is_theirs, "at"),
        spells=_in_place(base.spells, some.spells, is_theirs, "start_at"),
        **columns,
    )


def outcome(replayed: Replayed) -> NDArray[np.uint64]:
    """A number for each person that is another one where moves or hand-offs are others."""
    found = np.zeros(len(replayed.people), np.uint64)
    moves, handoffs = replayed.moves, replayed.handoffs
    for table, names in ((moves, _OF_MOVES), (handoffs, ("at", "what", "lane", "seq"))):
        mixed = np.zeros(len(table.at), np.uint64)
        for name in names:
            mixed = (mixed ^ getattr(table, name).astype(np.uint64)) * _ODD
            mixed ^= mixed >> np.uint64(29)
        # Whatever happens twice to one person happens at another place in their order, so sums tell it apart.
        place = np.arange(len(mixed)) - np.searchsorted(table.person, table.person)
        np.add.at(found, table.person, mixed * (2 * place.astype(np.uint64) + np.uint64(1)))
    return found


_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_OF_MOVES: Final = ("at", "seq", "from_stage", "from_status", "stage", "status", "cause", "line", "passed", "lap")


def _stacked(tables: Sequence[Any]) -> Any:
    first = tables[0]
    return type(first)(*(np.concatenate([getattr(each, f.name) for each in tables]) for f in fields(first)))


def _in_place(base: Any, some: Any, is_theirs: Truths, time: str) -> Any:
    kept = ~is_theirs[base.person]
    table = _stacked([type(base)(*(getattr(base, f.name)[kept] for f in fields(base))), some])
    order = np.lexsort((getattr(table, time), table.person))
    return type(table)(*(getattr(table, f.name)[order] for f in fields(table)))


# --- hand-offs ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """Hand-offs as a replay opened and closed them."""

    person: Ints
    at: Ints
    tip: Ints
    cause: Ints
    line: Ints
    lane: Ints
    answer: Ints
    answer_at: Ints
    is_open: Truths


def _opened(replayed: Replayed, history: History) -> tuple[Opened, Ints]:
    """Marketing's hand-offs, and by person when sales first went ahead without one."""
    table, moves = replayed.handoffs, replayed.moves
    first = np.flatnonzero(table.what == k.OPENED)
    after = np.minimum(first + 1, max(len(table.what) - 1, 0))
    has_end = (after > first) & (table.person[after] == table.person[first]) & (table.what[after] != k.OPENED)
    ended = np.where(has_end, table.what[after], NONE)
    kind = _kinds_of(history, table.row)
    kind[(kind == BY_TIME) & (table.seq >= 0)] = BY_COLLEAGUE
    is_told = np.isin(kind[after], [KIND_NAMES.index(name) for name in _ANSWER_KINDS])
    answer = np.where(has_end & is_told & (ended != k.WITHDRAWN), ended, UNDECIDED)
    person, at = table.person[first], table.at[first]
    # Which move opened it: the first at that instant that came to rest on the hand-off rung or above.
    rung = replayed.program.arrays.handoff_rung
    came = np.flatnonzero((moves.passed == 0) & (moves.stage >= rung))
    keys = Keys(moves.at[came], at)
    places = np.searchsorted(keys.of(moves.person[came], moves.at[came]), keys.of(person, at))
    move = came[np.minimum(places, max(len(came) - 1, 0))] if len(came) else np.zeros(len(first), np.int64)
    stage = moves.stage[move] if len(came) else move
    tip = kind[first]
    is_ahead = (stage > rung) & (tip >= 0) & _IS_SALES[tip]
    leapt = np.full(len(replayed.people), NEVER, np.int64)
    np.minimum.at(leapt, person[is_ahead], at[is_ahead])
    kept = ~is_ahead
    opened = Opened(
        person=person[kept],
        at=at[kept],
        tip=tip[kept],
        cause=(moves.cause[move] if len(came) else move)[kept],
        line=(moves.line[move] if len(came) else move)[kept],
        lane=table.lane[first][kept],
        answer=answer[kept],
        answer_at=np.where(answer != UNDECIDED, table.at[after], NEVER)[kept],
        is_open=~has_end[kept],
    )
    return opened, leapt


def _followed(replayed: Replayed, opened: Opened, found: Deeds, people: Ints | None = None) -> Handovers:
    """The hand-offs with what came of each before the person's next one."""
    moves, n = replayed.moves, len(opened.person)
    following = np.full(n, NEVER, np.int64)
    if n:
        is_same = opened.person[1:] == opened.person[:-1]
        following[:-1][is_same] = opened.at[1:][is_same]
    reached = np.flatnonzero(moves.stage == _OPPORTUNITY)
    climbed = moves.person[reached] if people is None else people[moves.person[reached]]
    opportunity = _next(opened, following, climbed, moves.at[reached], is_strict=False)
    win = _next(opened, following, found.win_person, found.win_at, is_strict=True)
    reason = np.full(n, NONE, np.int64)
    decided = np.flatnonzero(opened.answer != UNDECIDED)
    keys = Keys(found.answer_at, opened.at, opened.answer_at[decided])
    known = keys.of(found.answer_person, found.answer_at)
    if len(known):
        place = np.searchsorted(known, keys.of(opened.person[decided], opened.answer_at[decided]))
        reason[decided] = found.reason[np.minimum(place, len(known) - 1)]
    return Handovers(
        **{field.name: getattr(opened, field.name) for field in fields(Opened)},
        reason=reason,
        earlier=_earlier(opened, found, known, keys),
        is_late=opened.tip == LATE,
        opportunity=opportunity != NONE,
        win=win,
    )


def _earlier(opened: Opened, found: Deeds, known: Ints, keys: "Keys") -> Ints:
    """The last answer before each undecided hand-off, and after the one before it."""
    earlier = np.zeros(len(opened.person), np.int64)
    if not len(known) or not len(opened.person):
        return earlier
    place = np.searchsorted(known, keys.of(opened.person, opened.at)) - 1
    at = np.maximum(place, 0)
    is_theirs = (place >= 0) & (found.answer_person[at] == opened.person)
    before = np.full(len(opened.person), NONE, np.int64)
    is_same = opened.person[1:] == opened.person[:-1]
    before[1:][is_same] = opened.at[:-1][is_same]
    is_since = is_theirs & (found.answer_at[at] >= before)
    # An answer that closed the hand-off before is that one's own.
    owned = np.full(len(opened.person), NEVER, np.int64)
    owned[1:][is_same] = opened.answer_at[:-1][is_same]
    is_free = is_since & (found.answer_at[at] != owned) & (opened.answer == UNDECIDED)
    earlier[is_free] = found.answer[at][is_free]
    return earlier


def _next(opened: Opened, following: Ints, person: Ints, at: Ints, *, is_strict: bool) -> Ints:
    """The first of what happened (rows by person and time) from each hand-off on and before the next; NONE."""
    if not len(person) or not len(opened.person):
        return np.full(len(opened.person), NONE, np.int64)
    keys = Keys(at, opened.at)
    happened = keys.of(person, at)
    place = np.searchsorted(happened, keys.of(opened.person, opened.at), side="right" if is_strict else "left")
    row = np.minimum(place, len(happened) - 1)
    is_it = (place < len(happened)) & (person[row] == opened.person) & (at[row] < following)
    return np.where(is_it, row, NONE)


class Keys:
    """One number for (person, instant), in their order: instants are told by their rank among those that occur."""

    def __init__(self, *instants: Ints) -> None:
        self.instants = np.unique(np.concatenate(instants)) if instants else np.zeros(0, np.int64)

    def of(self, person: Ints, at: Ints) -> Ints:
        return (np.asarray(person, np.int64) << 32) | np.searchsorted(self.instants, at)


# --- times on rungs -------------------------------------------------------------------------------------------------


def _spells(replayed: Replayed) -> Spells:
    moves, standings = replayed.moves, replayed.standings
    rested = np.flatnonzero(moves.passed == 0)
    n_people = len(replayed.people)
    everybody = np.arange(n_people)
    # Everybody begins on the lowest rung, when first seen.
    person = np.concatenate([everybody, moves.person[rested]])
    at = np.concatenate([np.asarray(standings.first_at, np.int64), moves.at[rested]])
    stage = np.concatenate([np.zeros(n_people, np.int64), moves.stage[rested]])
    status = np.concatenate([np.zeros(n_people, np.int64), moves.status[rested]])
    order = np.lexsort((np.arange(len(person)), at, person))
    person, at, stage, status = person[order], at[order], stage[order], status[order]
    end = np.full(len(person), replayed.until, np.int64)
    is_over = np.zeros(len(person), bool)
    if len(person):
        is_over[:-1] = person[1:] == person[:-1]
        end[:-1][is_over[:-1]] = at[1:][is_over[:-1]]
    is_kept = (status == k.ACTIVE) & (end > at)
    return Spells(person[is_kept], stage[is_kept], at[is_kept], end[is_kept], is_over[is_kept])


# --- what happened --------------------------------------------------------------------------------------------------


def _rows(history: History, is_seen: Truths, kinds: Sequence[str]) -> Ints:
    """The rows of these kinds by (person, time, arrival)."""
    codes = [KIND_NAMES.index(name) for name in kinds]
    rows = np.flatnonzero(np.isin(history.kind, codes) & is_seen)
    return rows[np.lexsort((rows, history.at[rows], history.person[rows]))]


def _kinds_of(history: History, rows: Ints) -> Ints:
    kinds = np.asarray(history.kind, np.int64)
    return np.where(rows >= 0, kinds[np.maximum(rows, 0)] if len(kinds) else NONE, BY_TIME)


def _amounts(data: Sequence[Mapping[str, object]]) -> tuple[tuple[NDArray[np.float64], Ints], tuple[str, ...]]:
    currencies: dict[str, int] = {}
    amounts, codes = np.zeros(len(data)), np.full(len(data), NONE, np.int64)
    for row, told in enumerate(data):
        amount, currency = told.get("amount"), told.get("currency")
        if isinstance(amount, (int, float)) and not isinstance(amount, bool) and isinstance(currency, str):
            amounts[row], codes[row] = amount, _code(currencies, currency)
    return (amounts, codes), tuple(currencies)


def _sources(history: History, is_seen: Truths) -> tuple[Ints, tuple[str, ...]]:
    codes: dict[str, int] = {DIRECT: 0}
    source = np.zeros(len(history.people), np.int64)
    is_told = np.zeros(len(history.people), bool)
    described = _rows(history, is_seen, ("person_identified", "person_described"))
    rows, told = _that_tell(history, "source", described, codes)
    # Of several for one person the last stays: rows are in order of time.
    source[history.person[rows]] = np.maximum(told, 0)
    is_told[history.person[rows]] = True
    asked = np.flatnonzero(is_seen)
    asked = asked[~is_told[history.person[asked]]]
    rows, told = _that_tell(history, "utm_source", asked, codes)
    rows, told = rows[told != NONE], told[told != NONE]
    latest = np.lexsort((rows, history.at[rows]))[::-1]  # so that the first of each person is put in last
    source[history.person[rows[latest]]] = told[latest]
    return source, tuple(codes)


def _that_tell(history: History, field: str, rows: Ints, codes: dict[str, int]) -> tuple[Ints, Ints]:
    """The rows that tell the field, and a code for each: NONE for what is no text."""
    if not len(rows):
        return rows, rows
    (told,) = history.told((field,), rows)
    is_there = told.codes != 0
    values = np.array([_code(codes, value) for value in told.values], np.int64)
    return rows[is_there], values[told.codes[is_there]]


def _code(codes: dict[str, int], told: object) -> int:
    if not isinstance(told, str) or not told:
        return NONE
    return codes.setdefault(told, len(codes))
