"""One round of deciding, live: the standings of whoever the news reaches, their moves and their hand-offs.

Whoever's news lie past what was decided is decided onward from the stored state; everybody else from nothing, out of
the history, which is the one way to take in a late import, a merge or a voided event.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from rung import tables
from rung.engine.deciding import OutOfOrder, Row, StaleState
from rung.lifecycle import handoffs, storing
from rung.lifecycle.anew import MoveKey, key_of
from rung.lifecycle.line import Line
from rung.lifecycle.models import OF_A_GENERATION, StageMove
from rung.lifecycle.outcome import Deciding, Outcome
from rung.lifecycle.rows import past_rows
from rung.lifecycle.rules import HandoffChanged, Moved, told_apart
from rung.people.models import Person

_AT_A_TIME: Final = 400


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


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a round. Re-definitions are among the moves and are marked."""

    moves: list[Moved]
    handoffs: list[HandoffChanged]


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
    past = past_rows(known, line) if known else {}
    for person_id in anew:
        rows = past[person_id] if person_id in past else round_.rows[person_id]
        if not rows:
            forget(person_id, line)
            continue
        until = max(at, *(row.event.at for row in rows))
        deciding.anew(round_.people[person_id], rows, until, stood.get(person_id))
    return _written(deciding.outcomes(), stood, round_, line)


def forget(person_id: int, line: Line) -> None:
    """Of somebody without any event nothing can be said."""
    for model in OF_A_GENERATION:
        model.objects.filter(generation_id=line.generation_id, person_id=person_id).delete()


def _written(outcomes: Sequence[Outcome], stood: Mapping[int, storing.Stood], round_: Round, line: Line) -> Decided:
    news = frozenset(round_.news)
    moves: list[Moved] = []
    rows: list[Sequence[Any]] = []
    onward = [outcome for outcome in outcomes if not outcome.is_anew]
    anew = [outcome for outcome in outcomes if outcome.is_anew]
    counts = _move_counts([outcome.person.id for outcome in onward if outcome.moves], line)
    for outcome in onward:
        moves += outcome.moves
        first = counts.get(outcome.person.id, 0)
        rows += [storing.move_row(line, move, first + number) for number, move in enumerate(outcome.moves)]
    stored = _stored_moves([outcome.person.id for outcome in anew if outcome.person.id in stood], line)
    changes = [outcome.changes() for outcome in onward if outcome.decision.handoffs]
    for outcome in anew:
        before = stored.get(outcome.person.id, [])
        until = max(outcome.decided_before, round_.settled.get(outcome.person.id, -1))
        same, rest = told_apart(before, outcome.moves, decided_until=until, news=news)
        kept = [
            replace(new, is_redefinition=old.is_redefinition)
            for new, old in zip(outcome.moves, before[:same], strict=False)
        ]
        # Real again, but no news: what followed from it followed when it happened.
        back = round_.real.get(outcome.person.id, frozenset())
        told = [replace(move, is_redefinition=False) if key_of(move) in back else move for move in rest]
        rows += [storing.move_row(line, move, number) for number, move in enumerate([*kept, *told])]
        moves += rest
        changes.append(outcome.changes_past(until, news))
    if stored:
        StageMove.objects.filter(generation_id=line.generation_id, person_id__in=list(stored)).delete()
    tables.insert(StageMove, storing.MOVE_COLUMNS, rows)
    storing.write_standings(line, outcomes, stood)
    storing.write_tallies(line, outcomes)
    storing.write_marks(line, outcomes)
    return Decided(moves, handoffs.keep(changes, line))


def _stored_moves(person_ids: Sequence[int], line: Line) -> dict[int, list[Moved]]:
    found: dict[int, list[Moved]] = {}
    for part in _parts(person_ids):
        rows = StageMove.objects.filter(generation_id=line.generation_id, person_id__in=part).order_by("number")
        for row in rows:
            found.setdefault(row.person_id, []).append(storing.moved_of(row))
    return found


def _move_counts(person_ids: Sequence[int], line: Line) -> dict[int, int]:
    rows = tables.read(
        "SELECT person_id, COUNT(*) FROM lifecycle_stagemove WHERE person_id IN ({ids}) AND generation_id = %s"
        " GROUP BY person_id",
        person_ids,
        line.generation_id,
    )
    return dict(rows)


def _parts(values: Iterable[int]) -> Iterable[list[int]]:
    ordered = sorted(values)
    for start in range(0, len(ordered), _AT_A_TIME):
        yield ordered[start : start + _AT_A_TIME]
