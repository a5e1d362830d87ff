"""One round of deciding, live: the standings of whoever the news reaches, their moves and their hand-offs.

Whoever's news lie past what was decided is decided onward from the stored state; everybody else from nothing, out of
the history, which is the one way to take in a late import, a merge or a voided event.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rung import tables
from rung.engine.deciding import OutOfOrder, Row
from rung.engine.states import StaleState
from rung.history.queries import Stored
from rung.lifecycle.deciding import former, handoffs, storing
from rung.lifecycle.deciding.former import MoveKey
from rung.lifecycle.deciding.handoffs import Changes, Noted
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.deciding.outcome import Deciding, Outcome
from rung.lifecycle.deciding.rows import past_rows
from rung.lifecycle.models import OF_A_GENERATION, StageMove
from rung.lifecycle.rules import HandoffChanged, Moved, told_apart
from rung.people.models import Person


@dataclass(slots=True)
class Round:
    """What is to be decided: new rows by person, and who must be decided from nothing."""

    people: dict[int, Person] = field(default_factory=dict)
    rows: dict[int, list[Row]] = field(default_factory=dict)
    anew: set[int] = field(default_factory=set)
    news: set[int] = field(default_factory=set)
    """The seqs of this round's events."""
    new: set[int] = field(default_factory=set)
    """Whoever was not known before: the round's rows are all there are of them."""
    real: dict[int, set[MoveKey]] = field(default_factory=dict)
    """Moves that a merge had taken away, and that are real again when they come back."""
    settled: dict[int, int] = field(default_factory=dict)
    """Until when somebody had been decided under another id: nothing before it is news."""
    own: Mapping[int, Sequence[Stored]] | None = None
    """The events of everybody who is decided from nothing, where they have been read already."""
    untold_since: int | None = None
    """Since when an import lay there that is taken back: what their past has since then is news now."""
    noted: Mapping[int, Noted] = field(default_factory=dict)
    """What is known already of the hand-offs of whoever is decided on a past that is news."""

    def decided_until(self, outcome: Outcome) -> int:
        """Up to when what comes of somebody who is decided from nothing is no news."""
        until = max(outcome.decided_before, self.settled.get(outcome.person.id, -1))
        return until if self.untold_since is None else min(until, self.untold_since - 1)


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a round. Re-definitions are among the moves and are marked."""

    moves: list[Moved]
    handoffs: list[HandoffChanged]
    opened: Mapping[int, frozenset[int]] = field(default_factory=dict)
    """Whoever was decided from nothing: when hand-offs of theirs opened, as their past is told now."""


def decide_round(round_: Round, line: Line, *, at: int) -> Decided:
    """Decides everybody in the round up to `at` or their last row, and writes what came of it."""
    stood = storing.standings_of(round_.people, line)
    deciding, anew = Deciding(line), []
    for person_id in sorted(round_.people):
        standing = stood.get(person_id)
        if person_id in round_.anew or standing is None or standing.state is None:
            anew.append(person_id)
            continue
        rows = round_.rows.get(person_id, [])
        until = max(at, rows[-1].event.at if rows else 0, standing.decided_until)
        try:
            deciding.onward(round_.people[person_id], rows, until, standing, bytes(standing.state))
        except (OutOfOrder, StaleState):
            anew.append(person_id)
    known = [person_id for person_id in anew if person_id in round_.anew or person_id not in round_.new]
    past = past_rows(known, line, round_.own) if known else {}
    for person_id in anew:
        rows = past[person_id] if person_id in past else round_.rows[person_id]
        if not rows:
            forget([person_id], line)
            continue
        until = max(at, *(row.event.at for row in rows))
        deciding.anew(round_.people[person_id], rows, until, stood.get(person_id))
    return _written(deciding.outcomes(), stood, round_, line)


def forget(person_ids: Collection[int], line: Line) -> None:
    """Takes away what the line's generation says of them: of somebody without any event nothing can be said."""
    for model in OF_A_GENERATION:
        tables.change(
            f"DELETE FROM {model._meta.db_table} WHERE person_id IN ({{ids}}) AND generation_id = %s",
            person_ids,
            line.generation_id,
        )


@dataclass(slots=True)
class _Told:
    """What outcomes tell: their moves that are news or re-definitions, the rows of all to be written, and what changed
    about hand-offs."""

    moves: list[Moved] = field(default_factory=list)
    rows: list[Sequence[Any]] = field(default_factory=list)
    changes: list[Changes] = field(default_factory=list)


def _written(outcomes: Sequence[Outcome], stood: Mapping[int, storing.Stood], round_: Round, line: Line) -> Decided:
    anew = [outcome for outcome in outcomes if outcome.is_anew]
    told = _told_onward([outcome for outcome in outcomes if not outcome.is_anew], line)
    past = _told_anew(anew, stood, round_, line)
    tables.insert(StageMove, storing.MOVE_COLUMNS, told.rows + past.rows)
    storing.write_standings(line, outcomes, stood)
    storing.write_tallies(line, outcomes)
    storing.write_marks(line, outcomes)
    opened = {
        outcome.person.id: frozenset(change.at for change in outcome.decision.handoffs if change.what == "opened")
        for outcome in anew
    }
    return Decided(told.moves + past.moves, handoffs.keep(told.changes + past.changes, line), opened)


def _told_onward(outcomes: Sequence[Outcome], line: Line) -> _Told:
    told = _Told(changes=[outcome.changes() for outcome in outcomes if outcome.may_change_handoffs])
    counts = _move_counts([outcome.person.id for outcome in outcomes if outcome.moves], line)
    for outcome in outcomes:
        told.moves += outcome.moves
        first = counts.get(outcome.person.id, 0)
        told.rows += [storing.move_row(line, move, first + number) for number, move in enumerate(outcome.moves)]
    return told


def _told_anew(outcomes: Sequence[Outcome], stood: Mapping[int, storing.Stood], round_: Round, line: Line) -> _Told:
    """Of whom was decided from nothing: what their past has, against what was stored of it, which is taken away where
    it differs."""
    told, news = _Told(), frozenset(round_.news)
    stored = storing.moves_of([outcome.person.id for outcome in outcomes if outcome.person.id in stood], line)
    happened = former.moves_of([outcome.person.id for outcome in outcomes], line.name)
    happened_to: dict[int, set[MoveKey]] = {}
    present: dict[int, set[MoveKey]] = {}
    for outcome in outcomes:
        person_id = outcome.person.id
        before = stored.get(person_id, [])
        until = round_.decided_until(outcome)
        same, rest = told_apart(before, outcome.moves, decided_until=until, news=news)
        told.changes.append(outcome.changes_past(until, news, round_.noted.get(person_id)))
        real = {former.key_of(move) for move in before if not move.is_redefinition}
        real |= happened.get(person_id, set()) | round_.real.get(person_id, set())
        told.moves += [move for move in rest if move.is_redefinition or former.key_of(move) not in real]
        # What happened once, and comes back as the past is told now, is no re-definition; nor is it news.
        flags = [move.is_redefinition for move in before[:same]]
        flags += [move.is_redefinition and former.key_of(move) not in real for move in rest]
        moves = [replace(move, is_redefinition=flag) for move, flag in zip(outcome.moves, flags, strict=True)]
        if moves == before:
            continue
        told.rows += [storing.move_row(line, move, number) for number, move in enumerate(moves)]
        happened_to[person_id], present[person_id] = real, {former.key_of(move) for move in moves}
    storing.forget_moves(list(present), line)
    former.keep(happened_to, present, line.name)
    return told


def _move_counts(person_ids: Sequence[int], line: Line) -> dict[int, int]:
    rows = tables.read(
        "SELECT person_id, COUNT(*) FROM lifecycle_stagemove WHERE person_id IN ({ids}) AND generation_id = %s"
        " GROUP BY person_id",
        person_ids,
        line.generation_id,
    )
    return dict(rows)
