"""Building standings again from the history, and proving that they are what the history says."""

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from rung.access.actions import By, audited
from rung.engine.deciding import Standing as Told
from rung.engine.states import StaleState, States
from rung.jobs import clock, locks
from rung.lifecycle.deciding import compiling, storing
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.deciding.outcome import Deciding, Outcome
from rung.lifecycle.deciding.rows import past_rows
from rung.lifecycle.generations import ensure_playbook
from rung.lifecycle.many import bulk
from rung.lifecycle.models import Generation, Mark, StageMove, Standing, Tally
from rung.people.models import Person

Progress = Callable[[int, int], None]

_AT_A_TIME: Final = 400
_CLOSE: Final = 1e-6
_TOLD: Final = set(Told._fields) & set(storing.STANDING_COLUMNS)
_COMPARED: Final = (
    *sorted(_TOLD - {"scored_at", "competitor"}),
    *("due_at", "bant_told", "competitor", "source", "company_id", "owner_id", "is_anonymous"),
)
_MOVE_COMPARED: Final = (
    *("at", "from_stage", "from_status", "stage", "status", "cause", "because", "passed", "lap"),
    *("score", "fit", "engagement"),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """Somebody whose stored standing is not what a replay says: which field, as stored and as replayed."""

    person_id: int
    person: str
    field: str
    stored: Any
    replayed: Any


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many people were looked at, and what differs (with `check`) or differed (without)."""

    people: int
    differences: tuple[Difference, ...]


def rebuild(*, check: bool = False, by: By = "cli", at: int | None = None, progress: Progress | None = None) -> Rebuilt:
    """Decides everybody from nothing, each up to the instant their standing is of, and compares.

    Without `check` whoever differs is written anew, and whoever cannot be gone on from: their state is lost, or of
    another engine. That is no move and has no consequences.
    """
    at = clock.now() if at is None else at
    line = ensure_playbook(at=at)
    ids = bulk.side_by_side(list(Person.objects.filter(is_merged=False).values_list("pk", flat=True)))
    compiling.begin(len(ids))
    differences: list[Difference] = []
    for start in range(0, len(ids), _AT_A_TIME):
        part = ids[start : start + _AT_A_TIME]
        with transaction.atomic():
            if not check:
                locks.hold()
            found = list(_compared(line, part, at))
            differences += found
            if not check:
                again = {difference.person_id for difference in found} | _without_state(line, part)
                bulk.decide_again(line, sorted(again), at=at)
        if progress is not None:
            progress(min(start + _AT_A_TIME, len(ids)), len(ids))
    if not check:
        people = len({difference.person_id for difference in differences})
        audited(by=by, verb="rebuilt standings", object="", data={"people": len(ids), "differed": people}, at=at)
    return Rebuilt(len(ids), tuple(differences))


def after_upgrade(*, at: int, progress: Progress | None = None) -> Rebuilt | None:
    """Decides everybody again where another ENGINE_VERSION decided; None where there is nothing to do.

    The generation bears the new version only when all is done: broken off, it begins again.
    """
    try:
        line = lines.current()
    except lines.NoPlaybook:
        return None
    in_force = Generation.objects.filter(pk=line.generation_id)
    if not in_force.exclude(engine_version=line.engine_version).exists():
        return None
    rebuilt = rebuild(by="system", at=at, progress=progress)
    in_force.update(engine_version=line.engine_version)
    return rebuilt


def sample(*, at: int, size: int = 50) -> tuple[Difference, ...]:
    """The same proof for a few people, evenly spread over everybody: quick enough for `doctor`."""
    line = ensure_playbook(at=at)
    ids = list(Person.objects.filter(is_merged=False).order_by("pk").values_list("pk", flat=True))
    step = max(1, len(ids) // size)
    return tuple(_compared(line, ids[::step][:size], at))


def _without_state(line: Line, person_ids: Sequence[int]) -> set[int]:
    """Those who stand somewhere, and whose state is missing or of another playbook or engine."""
    without, states = set(), States(line.program)
    for stood in storing.standings_of(person_ids, line).values():
        try:
            if stood.state is None:
                raise StaleState("there is none")
            states.decoded(bytes(stood.state))
        except StaleState:
            without.add(stood.person_id)
    return without


def _compared(line: Line, person_ids: Sequence[int], at: int) -> Iterator[Difference]:
    people = Person.objects.in_bulk(list(person_ids))
    standings = {
        row.person_id: row
        for row in Standing.objects.filter(generation_id=line.generation_id, person_id__in=list(people))
    }
    moves: dict[int, list[StageMove]] = {}
    for move in StageMove.objects.filter(generation_id=line.generation_id, person_id__in=list(people)).order_by(
        "number"
    ):
        moves.setdefault(move.person_id, []).append(move)
    tallies: dict[int, dict[tuple[str, bool], tuple[int, int]]] = {}
    for tally in Tally.objects.filter(generation_id=line.generation_id, person_id__in=list(people)):
        tallies.setdefault(tally.person_id, {})[tally.name, tally.is_signal] = (tally.times, tally.last_at)
    marks: dict[int, set[tuple[str, str]]] = {}
    for mark in Mark.objects.filter(generation_id=line.generation_id, person_id__in=list(people)):
        marks.setdefault(mark.person_id, set()).add((mark.fact, mark.name))
    past = past_rows(list(people), line)
    deciding = Deciding(line)
    for person_id, person in people.items():
        standing = standings.get(person_id)
        rows = past.get(person_id) or []
        if standing is None or not rows:
            if standing is not None or rows:
                yield _difference(person, "standing", "none" if standing is None else "one", "one" if rows else "none")
            continue
        deciding.anew(person, rows, max(standing.decided_until, rows[-1].event.at))
    for outcome in deciding.outcomes():
        person, person_id = outcome.person, outcome.person.pk
        yield from _standing_differs(line, standings[person_id], outcome)
        yield from _moves_differ(moves.get(person_id, []), outcome)
        replayed = {(counted.name, counted.is_signal): (counted.times, counted.last_at) for counted in outcome.counted}
        if tallies.get(person_id, {}) != replayed:
            yield _difference(person, "tallies", tallies.get(person_id, {}), replayed)
        if marks.get(person_id, set()) != set(outcome.marked):
            yield _difference(person, "marks", _marks(marks.get(person_id, set())), _marks(set(outcome.marked)))


def _standing_differs(line: Line, stored: Standing, outcome: Outcome) -> Iterator[Difference]:
    replayed = dict(zip(storing.STANDING_COLUMNS, storing.standing_row(line, outcome), strict=True))
    for name in _COMPARED:
        mine = getattr(stored, name)
        if not _same(mine, replayed[name]):
            yield _difference(outcome.person, name, mine, replayed[name])


def _moves_differ(stored: Sequence[StageMove], outcome: Outcome) -> Iterator[Difference]:
    if len(stored) != len(outcome.moves):
        yield _difference(outcome.person, "moves", len(stored), len(outcome.moves))
        return
    for number, (mine, theirs) in enumerate(zip(stored, outcome.moves, strict=True), start=1):
        for name in _MOVE_COMPARED:
            if not _same(getattr(mine, name), getattr(theirs, name)):
                yield _difference(outcome.person, f"move {number}: {name}", getattr(mine, name), getattr(theirs, name))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= _CLOSE
    return bool(one == other)


def _marks(found: Set[tuple[str, str]]) -> str:
    return ", ".join(f'{fact}("{name}")' for fact, name in sorted(found)) or "none"


def _difference(person: Person, field: str, stored: Any, replayed: Any) -> Difference:
    return Difference(person.pk, str(person), field, stored, replayed)
