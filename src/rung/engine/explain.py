"""Why somebody stands where they stand, what their points are made of, and how they came here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rung.engine import kernel as k
from rung.engine.deciding import HandoffChange, Move, Row, Session, Standing
from rung.engine.missing import Clause, Missing, Plan, kept_back, next_rung, plans_of
from rung.engine.program import Program
from rung.playbook.definitions import Playbook
from rung.playbook.words import when_words
from rung.terms.events import Event
from rung.terms.instants import moment
from rung.terms.kinds import KINDS

if TYPE_CHECKING:
    from rung.engine.replay import Replayed

MOST_SIGNALS_NAMED: Final = 3
LEAST_POINTS: Final = 0.5
"""Signals with fewer points left have faded: they are no reason any more."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence that says why, when it came to be, and the events (`seq`) that prove it."""

    words: str
    at: int
    seqs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Points:
    """A signal's points: `now` = what counts, of `full` as earned; `faded` with time, `capped` by the limit."""

    signal: str
    now: float
    full: float
    faded: float
    capped: float
    cap: float | None
    times: int
    last_at: int
    """When one of them last happened."""
    seqs: tuple[int, ...]
    """The events, the oldest first; empty where the person was explained from a stored state."""


@dataclass(frozen=True, slots=True)
class FitPoints:
    name: str
    points: float
    holds: bool
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    standing: Standing
    reasons: tuple[Reason, ...]
    points: tuple[Points, ...]
    fit_lines: tuple[FitPoints, ...]
    missing: tuple[Clause, ...]
    moves: tuple[Move, ...]
    handoffs: tuple[HandoffChange, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """Where somebody stood at an instant, with numbers exact at that time."""

    at: int
    stage: str
    status: str
    score: float
    fit: float
    engagement: float


@dataclass(frozen=True, slots=True)
class Series:
    samples: tuple[Sample, ...]
    moves: tuple[Move, ...]


def explain(program: Program, rows: Sequence[Row], until: int) -> Explanation:
    """Everything there is to say about the person at `until`; `rows` are all of the person's, from the first on."""
    session = Session(program, rows, until)
    matches: list[tuple[int, int]] = []
    session.run(matches)
    return _explanation(session, session.moves(), {row.event.seq: row.event for row in session.rows}, matches)


def explain_onward(
    program: Program, state: bytes, until: int, *, past: Sequence[Move], events: Mapping[int, Event]
) -> Explanation:
    """The same without the rows: from a stored state, the moves made before, and the events that brought them.

    It costs the same however much a person did. All is equal but for `points`, whose events only the rows can tell,
    and `handoffs`, which are those of after the state. Raises StaleState.
    """
    session = Session(program, (), until, state)
    session.run()
    return _explanation(session, (*past, *session.moves()), events, ())


def explain_with_history(
    program: Program, rows: Sequence[Row], until: int, *, samples: int
) -> tuple[Explanation, Series]:
    """The explanation, and the person at evenly spaced instants from the first event to `until`, in one run."""
    session = Session(program, rows, until)
    matches: list[tuple[int, int]] = []
    taken = tuple(_samples(session, max(2, samples), matches)) if session.rows else ()
    moves = session.moves()
    events = {row.event.seq: row.event for row in session.rows}
    return _explanation(session, moves, events, matches), Series(taken, moves)


def _explanation(
    session: Session, moves: tuple[Move, ...], events: Mapping[int, Event], matches: Sequence[tuple[int, int]]
) -> Explanation:
    standing, playbook = session.standing(), session.program.playbook
    points = _points(session, matches)
    return Explanation(
        standing=standing,
        reasons=_reasons(playbook, session, standing, moves, points, events),
        points=points,
        fit_lines=_fit_lines(session),
        missing=_missing(session, standing),
        moves=moves,
        handoffs=session.handoffs(),
    )


def missing(program: Program, rows: Sequence[Row], until: int, state: bytes | None = None) -> tuple[Clause, ...]:
    """What is missing for the next rung at `until`, clause by clause; empty on the highest rung."""
    session = Session(program, rows, until, state)
    session.run()
    return _missing(session, session.standing())


def clauses_of(program: Program) -> k.Clauses:
    """What `replay` must find out about everybody so that `missing_texts` has words for them."""
    return Missing(program).clauses


def missing_texts(replayed: "Replayed") -> list[str]:
    """What everybody in a replayed history is missing, parts joined by "; "; empty on the highest rung."""
    return Missing(replayed.program).texts(replayed)


def _samples(session: Session, count: int, matches: list[tuple[int, int]]) -> Iterator[Sample]:
    first, until, row = session.rows[0].event.at, session.until, 0
    for n in range(count):
        at = first + (until - first) * n // (count - 1)
        end = row
        while end < len(session.rows) and session.rows[end].event.at <= at:
            end += 1
        session.advance(row, end, at, matches)
        row = end
        yield _sample(session, at)


def _sample(session: Session, at: int) -> Sample:
    stage, status, engagement, fit = session.numbers_at(at)
    return Sample(at, stage, status, engagement + fit, fit, engagement)


# --- points ---------------------------------------------------------------------------------------------------------


def _points(session: Session, matches: Sequence[tuple[int, int]]) -> tuple[Points, ...]:
    """By signal of the playbook, those with a match that still counts (`customer` empties the earlier ones)."""
    found = []
    for index, signal in enumerate(session.program.playbook.signals):
        times = session.who[session.play.match_count + index]
        if times == 0:
            continue
        seqs = [session.rows[row].event.seq for row, matched in matches if matched == index][-times:]
        full = float(signal.points or 0) * times
        left = session.sums[k.F_FIXED + index]
        record = session.play.signals[index]
        if record.half_life > 0.0:
            last = session.who[session.play.match_at + index]
            left *= 2.0 ** ((last - session.until) / record.half_life)
        now = min(record.cap, left) if record.is_capped else left
        found.append(
            Points(
                signal=signal.name,
                now=now,
                full=full,
                faded=full - left,
                capped=left - now,
                cap=record.cap if record.is_capped else None,
                times=times,
                last_at=session.who[session.play.match_at + index],
                seqs=tuple(seqs),
            )
        )
    return tuple(found)


def _fit_lines(session: Session) -> tuple[FitPoints, ...]:
    return tuple(
        FitPoints(line.name, float(line.points), session.holds(record.when), line.when.text)
        for line, record in zip(session.program.playbook.fit, session.play.fit, strict=True)
    )


# --- why here -------------------------------------------------------------------------------------------------------


def _reasons(
    playbook: Playbook,
    session: Session,
    standing: Standing,
    moves: Sequence[Move],
    points: Sequence[Points],
    events: Mapping[int, Event],
) -> tuple[Reason, ...]:
    """The move that led here, then what the score is made of."""
    if not moves:
        words = f"{playbook.label(standing.stage)} since they were first seen: no rule has moved them yet."
        return (Reason(words, standing.first_at),)
    last = moves[-1]
    event = events.get(last.seq) if last.seq is not None else None
    reasons = [Reason(move_words(playbook, last, event), last.at, (last.seq,) if last.seq is not None else ())]
    if passed := [move for move in moves if move.passed and (move.at, move.seq) == (last.at, last.seq)]:
        names = ", ".join(playbook.short_label(move.stage) for move in passed)
        reasons.append(Reason(f"On the way they passed {names}.", last.at))
    best = sorted((line for line in points if line.now >= LEAST_POINTS), key=lambda line: -line.now)[
        :MOST_SIGNALS_NAMED
    ]
    reasons += [Reason(_of_points(line), standing.scored_at, line.seqs) for line in best]
    if held := [line for line in _fit_lines(session) if line.holds]:
        listed = ", ".join(f"{line.name} {line.points:+g}" for line in held)
        reasons.append(Reason(f"Fit {standing.fit:g}: {listed}.", standing.scored_at))
    return tuple(reasons)


def move_words(playbook: Playbook, move: Move, event: Event | None) -> str:
    """A move as a sentence: to where, since when, by which rule with which numbers, and what tipped it."""
    day = f"{moment(move.at):%-d %b %Y}"
    to = playbook.label(move.stage if move.status == "active" else move.status)
    if move.cause == "override":
        who = f" by {event.by}" if event is not None and event.by else " by hand"
        return f"Set to {to} on {day}{who}" + (f": {move.because}." if move.because else ".")
    tipped = f" What tipped it: {KINDS[event.kind].words.lower()}." if event is not None else " Time alone did it."
    if move.cause == "setback":
        return f"{to} since {day}: {move.because}.{tipped}"
    enter = playbook.stages[move.stage].enter if move.stage in playbook.stages else None
    because = when_words(playbook, enter) if enter is not None else move.because
    numbers = f"score {_points_words(move.score)}, fit {_points_words(move.fit)}"
    return f"{to} since {day}, because {because} ({numbers}).{tipped}"


def _of_points(line: Points) -> str:
    words = f"{line.signal}: {_points_words(line.now)} points from {line.times} event{'' if line.times == 1 else 's'}"
    lost = [f"{_points_words(line.faded)} faded"] if line.faded >= LEAST_POINTS else []
    over = line.cap is not None and line.capped >= LEAST_POINTS
    lost += [f"{_points_words(line.capped)} above the limit of {line.cap:g}"] if over else []
    return words + (f" ({', '.join(lost)})." if lost else ".")


def _points_words(points: float) -> str:
    """One decimal at most: 37.5, 42."""
    return f"{round(points, 1):g}"


# --- what is missing ------------------------------------------------------------------------------------------------


def _missing(session: Session, standing: Standing) -> tuple[Clause, ...]:
    playbook = session.program.playbook
    rung = next_rung(playbook, standing.stage)
    if rung is None:
        return ()
    back = kept_back(
        standing.status,
        rung,
        is_waiting=standing.is_waiting,
        rest_until=standing.rest_until,
        hold_until=standing.hold_until,
    )
    words = clause_words(session, plans_of(session.program)[rung])
    return tuple(Clause(rung, sentence) for sentence in (*back, *words))


def clause_words(session: Session, plan: Plan) -> tuple[str, ...]:
    """What is missing for the plan's rung at the session's time."""
    holds, notes = 0, []
    for n, leaf in enumerate(plan.leaves):
        note = 0
        if session.holds(session.program.entry(leaf.condition)):
            holds |= 1 << n
        else:
            note = leaf.note(session.clause_value(leaf.source, leaf.argument))
        notes.append(note)
    return plan.words(holds, notes)
