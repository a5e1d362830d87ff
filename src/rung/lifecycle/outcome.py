"""What deciding one person came to, in the words of our tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rung.engine import kernel, several
from rung.engine.deciding import Decision, Move, Row, Session
from rung.lifecycle import compiling
from rung.lifecycle.handoffs import Change, Changes
from rung.lifecycle.line import Line
from rung.lifecycle.models import Standing
from rung.lifecycle.rules import Moved, is_new
from rung.people.models import Person
from rung.terms.events import Event
from rung.terms.stages import BANT, STATUS_RANK

_MOST_SIGNALS: Final = 6


@dataclass(frozen=True, slots=True)
class Counted:
    """How often something happened this lap, and when last."""

    name: str
    is_signal: bool
    times: int
    last_at: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One person's decision. `moves` are those of this call; `until` is the instant it was decided up to.

    `counted`: for an outcome from nothing all tallies; onward those of kinds are to be added, those of signals replace.
    `is_emptied`: older tallies are gone, because the person came to rest on `customer`.
    """

    person: Person
    decision: Decision
    moves: list[Moved]
    events: dict[int, Event]
    until: int
    decided_before: int
    last_seq: int
    last_at: int
    """When something last happened to the person themselves: what lists sort by and show. The engine's counts rows."""
    is_anew: bool
    letters_until: tuple[int | None, ...]
    bant_told: int
    counted: tuple[Counted, ...]
    is_emptied: bool

    def changes(self) -> Changes:
        """What happened to the person's hand-offs."""
        return Changes(self.person, [self._change(change) for change in self.decision.handoffs])

    def changes_past(self, decided_until: int, news: frozenset[int]) -> Changes:
        """What is new of it, where the past was decided again; and that none is open, if none is."""
        every = [self._change(change) for change in self.decision.handoffs]
        new = [
            change
            for change in every
            if is_new(change.at, change.event.seq if change.event else None, decided_until=decided_until, news=news)
        ]
        is_open = self.decision.standing.handoff_at is not None
        closing = next((change for change in reversed(every) if change.what != "opened"), None)
        if closing is None:
            closing = Change(self.until, "withdrawn", "scored", None)
        return Changes(self.person, new, is_open, closing)

    def _change(self, change: object) -> Change:
        at, what, lane, seq = change.at, change.what, change.lane, change.seq  # type: ignore[attr-defined]
        event = self.events.get(seq) if seq is not None else None
        return Change(at, what, lane, event, self._evidence(at) if what == "opened" else "")

    def _evidence(self, at: int) -> str:
        """Why sales gets this person, in a sentence that stays true when the playbook changes."""
        move = next((move for move in reversed(self.moves) if move.at == at), None)
        if move is None:
            return ""
        numbers = f"Score {move.score:.0f}: fit {move.fit:.0f}, engagement {move.engagement:.0f}."
        signals = sorted((c for c in self.counted if c.is_signal), key=lambda c: -c.last_at)[:_MOST_SIGNALS]
        done = ", ".join(f"{c.name}{f' × {c.times}' if c.times > 1 else ''}" for c in signals)
        return " ".join(
            part for part in (numbers, f"Lately: {done}." if done else "", f"Rule: {move.because}.") if part
        )


def decided(
    line: Line, person: Person, rows: Sequence[Row], until: int, standing: Standing | None, state: bytes | None
) -> Outcome:
    """The person after the rows, from nothing or from the state. May raise OutOfOrder and StaleState."""
    session = Session(line.program, rows, until, state)
    session.run()
    return _outcome(line, person, session, standing, is_anew=state is None)


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody to be decided from nothing, and their standing so far."""

    person: Person
    rows: Sequence[Row]
    until: int
    standing: Standing | None = None


def decided_from_nothing(line: Line, asked: Sequence[Asked]) -> list[Outcome]:
    """All these people, in order, each as `decided` would: together, and compiled where this process may."""
    sessions = several.sessions(
        line.program, [several.Asked(one.rows, one.until) for one in asked], is_compiled=compiling.is_ready()
    )
    return [
        _outcome(line, one.person, session, one.standing, is_anew=True)
        for one, session in zip(asked, sessions, strict=True)
    ]


def _outcome(line: Line, person: Person, session: Session, standing: Standing | None, *, is_anew: bool) -> Outcome:
    decision = session.decision()
    moves = moved(person.pk, decision.moves, "suspect" if is_anew or standing is None else standing.stage)
    emptied_by = next((move for move in reversed(moves) if _empties(move)), None)
    counted = [*_kinds(session.rows, emptied_by), *_signals(line, session, since=None if is_anew else session.rows)]
    so_far = standing if standing and not is_anew else None
    own = [row.event.at for row in session.rows if row.reach == "own"]
    return Outcome(
        person=person,
        decision=decision,
        moves=moves,
        events={row.event.seq: row.event for row in session.rows},
        until=session.until,
        decided_before=standing.decided_until if standing else -1,
        last_seq=max([*(row.event.seq for row in session.rows), so_far.last_seq if so_far else 0]),
        last_at=max([*own, so_far.last_at if so_far else 0]),
        is_anew=is_anew,
        letters_until=_letters_until(line, session),
        bant_told=sum(
            1
            for letter in range(len(BANT))
            if session.who[kernel.LETTER_TOLD + letter] and kernel.is_answered(session.play, session.who, letter)
        ),
        counted=tuple(counted),
        is_emptied=emptied_by is not None,
    )


def moved(person_id: int, moves: Sequence[Move], stage: str) -> list[Moved]:
    """The engine's moves as ours. `stage` is where the first of them starts."""
    told = []
    for move in moves:
        is_beside = move.from_code in STATUS_RANK
        told.append(
            Moved(
                person_id=person_id,
                at=move.at,
                from_stage=stage if is_beside else move.from_code,
                from_status=move.from_code if is_beside else "active",
                stage=move.stage,
                status=move.status,
                cause=move.cause,
                because=move.because,
                rule_line=move.line,
                lap=move.lap,
                score=move.score,
                fit=move.fit,
                engagement=move.engagement,
                event_seq=move.seq,
                passed=move.passed,
            )
        )
        stage = move.stage
    return told


def _empties(move: Moved) -> bool:
    return move.stage == "customer" and not move.passed and move.from_stage != "customer"


def _kinds(rows: Sequence[Row], emptied_by: Moved | None) -> list[Counted]:
    """How often each kind happened to the person themselves after the counts were last emptied."""
    last = (-1, -1)
    if emptied_by is not None:
        last = (emptied_by.at, emptied_by.event_seq if emptied_by.event_seq is not None else -1)
    times: dict[str, int] = {}
    latest: dict[str, int] = {}
    for row in rows:
        if row.reach == "own" and (row.event.at, row.event.seq) > last:
            times[row.event.kind] = times.get(row.event.kind, 0) + 1
            latest[row.event.kind] = row.event.at
    return [Counted(kind, False, count, latest[kind]) for kind, count in times.items()]


def _signals(line: Line, session: Session, since: Sequence[Row] | None) -> list[Counted]:
    """How often each signal matched this lap; with `since`, only those that matched in these rows."""
    play, who = session.play, session.who
    first_at = since[0].event.at if since else 0
    counted = []
    for index, signal in enumerate(line.playbook.signals):
        times, last_at = who[play.match_count + index], who[play.match_at + index]
        if times > 0 and (since is None or (since and last_at >= first_at)):
            counted.append(Counted(signal.name, True, times, last_at))
    return counted


def _letters_until(line: Line, session: Session) -> tuple[int | None, ...]:
    """Until when each letter's answer counts; None for no answer and for one that does not age."""
    found: list[int | None] = []
    for index, letter in enumerate(BANT):
        asked = line.playbook.qualification.get(letter)
        valid_for = asked.valid_for if asked else None
        is_answered = kernel.is_answered(session.play, session.who, index)
        found.append(session.who[kernel.LETTER_AT + index] + valid_for if is_answered and valid_for else None)
    return tuple(found)
