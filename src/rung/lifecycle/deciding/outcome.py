"""What deciding people came to, in the words of our tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from rung.engine.deciding import Decision, HandoffChange, Move, Row
from rung.engine.several import Several
from rung.lifecycle.deciding import compiling
from rung.lifecycle.deciding.handoffs import Change, Changes, Noted
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.models import MARK_NAME
from rung.lifecycle.rules import Moved, is_new
from rung.people.models import Person
from rung.terms.kinds import ANSWER_KINDS
from rung.terms.stages import STATUS_RANK

_MOST_SIGNALS: Final = 6
NEVER: Final = -1


class Before(Protocol):
    """What is asked of a standing that is stored."""

    @property
    def stage(self) -> str: ...
    @property
    def lap(self) -> int: ...
    @property
    def decided_until(self) -> int: ...
    @property
    def last_seq(self) -> int: ...
    @property
    def last_at(self) -> int: ...


class Counted(NamedTuple):
    """How often something happened this lap, and when last."""

    name: str
    is_signal: bool
    times: int
    last_at: int


class Marked(NamedTuple):
    """What was told this lap: the fact that names it, and its name."""

    fact: str
    name: str


MARKING: Final = {
    "friction_found": ("friction", "friction"),
    "question_answered": ("answered", "question"),
    "checklist_ticked": ("ticked", "line"),
}
"""Kind of event → the fact, and the field of its data that bears the name."""


@dataclass(slots=True)  # not frozen, which would make each of the thousands of a batch by a call a field
class Outcome:
    """One person's decision, never changed. `moves` are those of this call; `until`: it was decided up to then.

    `counted`: for an outcome from nothing all tallies; onward those of kinds are to be added, those of signals replace.
    `is_emptied`: older tallies are gone, because the person came to rest on `customer`. `marked`: what was told by name
    in these rows and this lap, to be added; `is_new_lap`: what was told before is gone.
    """

    person: Person
    decision: Decision
    moves: list[Moved]
    rows: Sequence[Row]
    until: int
    decided_before: int
    last_seq: int
    last_at: int
    """When something last happened to the person themselves: what lists sort by and show. The engine's counts rows."""
    is_anew: bool
    counted: list[Counted]
    is_emptied: bool
    marked: list[Marked]
    is_new_lap: bool

    @property
    def has_stood(self) -> bool:
        """Whether the generation said something of the person before: of whoever is new there is nothing to renew."""
        return self.decided_before != NEVER

    @property
    def may_change_handoffs(self) -> bool:
        """Whether it is worth asking for `changes`, decided onward."""
        return bool(self.decision.handoffs or self.moves or any(row.event.kind in ANSWER_KINDS for row in self.rows))

    def changes(self) -> Changes:
        """What happened to the person's hand-offs, decided onward.

        A desk may hold one that the decision does not know: an import and a playbook take nothing away that lies there.
        Such a one ends by its answer, or when the person falls.
        """
        every = [self._change(change) for change in self.decision.handoffs]
        is_open = self.decision.standing.handoff_at is not None
        fall = None if is_open else next((move for move in reversed(self.moves) if move.cause != "promotion"), None)
        told = self._with_answers(every, frozenset(row.event.seq for row in self.rows))
        if fall is None:
            return Changes(self.person, told)
        return Changes(self.person, told, False, Change(fall.at, "withdrawn", "scored", None))

    def changes_past(self, decided_until: int, news: frozenset[int], noted: Noted | None = None) -> Changes:
        """What is new of it, where the past was decided again; and that none is open, if none is."""
        every = [self._change(change) for change in self.decision.handoffs]
        new = [
            change
            for change in every
            if is_new(change.at, change.event.seq if change.event else None, decided_until=decided_until, news=news)
            and not (noted and noted.knows(change))
        ]
        new = self._with_answers(new, news)
        is_open = self.decision.standing.handoff_at is not None
        closing = next((change for change in reversed(every) if change.what != "opened"), None)
        if closing is None:
            closing = Change(self.until, "withdrawn", "scored", None)
        return Changes(self.person, new, is_open, closing)

    def _with_answers(self, changes: list[Change], news: frozenset[int]) -> list[Change]:
        """The changes with the answers among the news that answer nothing by the decision, in order of time."""
        known = {change.event.seq for change in changes if change.what != "opened" and change.event is not None}
        others = [
            Change(row.event.at, ANSWER_KINDS[row.event.kind], "scored", row.event)
            for row in self.rows
            if row.event.kind in ANSWER_KINDS and row.event.seq in news - known and row.reach == "own"
        ]
        return sorted([*others, *changes], key=lambda change: change.at) if others else changes

    def _change(self, change: HandoffChange) -> Change:
        event = next((row.event for row in self.rows if row.event.seq == change.seq), None)
        evidence = self._evidence(change.at) if change.what == "opened" else ""
        return Change(change.at, change.what, change.lane, event, evidence)

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


class Deciding:
    """People to be decided together, each onward from a stored state or from nothing, and then all at once."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._several = Several(line.program)
        self._asked: list[tuple[Person, Before | None, bool]] = []

    def onward(self, person: Person, rows: Sequence[Row], until: int, standing: Before, state: bytes) -> None:
        """Adds somebody whose news lie past what was decided. May raise OutOfOrder and StaleState."""
        self._several.add(rows, until, state)
        self._asked.append((person, standing, False))

    def anew(self, person: Person, rows: Sequence[Row], until: int, standing: Before | None = None) -> None:
        """Adds somebody with all their rows, and the standing they have so far, if any."""
        self._several.add(rows, until)
        self._asked.append((person, standing, True))

    def outcomes(self) -> list[Outcome]:
        """Everybody's, in the order added: compiled where this process may."""
        decisions = self._several.decided(is_compiled=compiling.is_ready(len(self._asked)))
        return [
            _outcome(self.line, person, asked.rows, asked.until, decision, standing, is_anew)
            for (person, standing, is_anew), asked, decision in zip(
                self._asked, self._several.everybody, decisions, strict=True
            )
        ]


def _outcome(
    line: Line,
    person: Person,
    rows: Sequence[Row],
    until: int,
    decision: Decision,
    standing: Before | None,
    is_anew: bool,
) -> Outcome:
    moves: list[Moved] = []
    emptied_by = lap_begun_by = None
    if decision.moves:
        moves = moved(person.id, decision.moves, "suspect" if is_anew or standing is None else standing.stage)
        emptied_by = emptied(moves)
        lap_begun_by = lap_begun(moves, 1 if is_anew or standing is None else standing.lap)
    last_seq, last_at = (0, 0) if is_anew or standing is None else (standing.last_seq, standing.last_at)
    for row in rows:
        last_seq = max(last_seq, row.event.seq)
        if row.reach == "own":
            last_at = max(last_at, row.event.at)
    signals = line.playbook.signals
    return Outcome(
        person=person,
        decision=decision,
        moves=moves,
        rows=rows,
        until=until,
        decided_before=standing.decided_until if standing else NEVER,
        last_seq=last_seq,
        last_at=last_at,
        is_anew=is_anew,
        counted=[
            *kinds_counted(rows, emptied_by),
            *(Counted(signals[signal].name, True, times, at) for signal, times, at in decision.matched),
        ],
        is_emptied=emptied_by is not None,
        marked=marks(rows, lap_begun_by),
        is_new_lap=lap_begun_by is not None,
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


def emptied(moves: Sequence[Moved]) -> Moved | None:
    """The last of the moves that emptied the counts: by which the person came to rest on `customer`."""
    return next((move for move in reversed(moves) if _empties(move)), None)


def _empties(move: Moved) -> bool:
    return move.stage == "customer" and not move.passed and move.from_stage != "customer"


def kinds_counted(rows: Sequence[Row], emptied_by: Moved | None) -> list[Counted]:
    """How often each kind happened to the person themselves after the counts were last emptied."""
    if len(rows) == 1 and emptied_by is None:  # most live news: one event of one person
        (row,) = rows
        return [Counted(row.event.kind, False, 1, row.event.at)] if row.reach == "own" else []
    times: dict[str, int] = {}
    latest: dict[str, int] = {}
    last = _place(emptied_by)
    for row in rows:
        if row.reach == "own" and (row.event.at, row.event.seq) > last:
            times[row.event.kind] = times.get(row.event.kind, 0) + 1
            latest[row.event.kind] = row.event.at
    return [Counted(kind, False, count, latest[kind]) for kind, count in times.items()]


def lap_begun(moves: Sequence[Moved], lap: int) -> Moved | None:
    """The last of the moves that began a lap."""
    begun = None
    for move in moves:
        if move.lap > lap:
            lap, begun = move.lap, move
    return begun


def marks(rows: Sequence[Row], lap_begun_by: Moved | None) -> list[Marked]:
    """What was told by name since the lap began."""
    if not any(row.event.kind in MARKING for row in rows):
        return []
    found = set()
    last = _place(lap_begun_by)
    for row in rows:
        if row.event.kind in MARKING and row.reach == "own" and (row.event.at, row.event.seq) > last:
            fact, field = MARKING[row.event.kind]
            name = row.event.data.get(field)
            if isinstance(name, str):
                found.add(Marked(fact, name[:MARK_NAME]))
    return sorted(found)


def _place(move: Moved | None) -> tuple[int, int]:
    """Events up to here came before the move; (at, seq)."""
    if move is None:
        return (-1, -1)
    return (move.at, move.event_seq if move.event_seq is not None else -1)
