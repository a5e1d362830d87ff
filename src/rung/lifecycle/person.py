"""One person as the page shows them: the standing explained at any instant, the climb so far, and what happened.

`person_page` answers from the stored state, at the same cost however much somebody did. What only their rows can tell
(which events gave the points, the score over time, what colleagues did) `whole_page` reads in a second request.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from rung.engine.deciding import Row
from rung.engine.explain import Explanation, Series, explain, explain_onward, explain_with_history
from rung.engine.states import StaleState
from rung.history.queries import stored
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.deciding import storing
from rung.lifecycle.deciding.rows import as_event, past_rows
from rung.lifecycle.models import Handoff, StageMove
from rung.lifecycle.rules import CORRECTIONS
from rung.people.models import Person
from rung.playbook.conditions import And, Compare, Condition, Fact, Number
from rung.playbook.definitions import Playbook
from rung.terms.events import Event
from rung.terms.stages import BANT


@dataclass(frozen=True, slots=True)
class Happening:
    """One row of the person's timeline. `points` are those its signals gave when they were new; 0 = none."""

    seq: int
    at: int
    kind: str
    data: Mapping[str, object]
    by: str
    is_of_company: bool
    points: float
    of: int | None = None
    """Of a colleague's: whose, by the id of who lives on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of one letter of BANT, and the event that told it; `confirmed` None = not asked yet."""

    letter: str
    confirmed: bool | None
    value: str
    is_told: bool
    by: str
    at: int | None
    seq: int | None
    confidence: int
    """0 to 3 dots."""


@dataclass(frozen=True, slots=True)
class PersonPage:
    """Everything the page of a person shows, as of `until` (microseconds UTC)."""

    until: int
    playbook: Playbook
    generation_id: int
    explanation: Explanation
    events: Mapping[int, Event]
    """What is behind the claims, by its `seq`: every event of the person's history where the page is whole."""
    series: Series | None
    """None where the page is not whole: then `happenings` are the newest, and tell no points."""
    happenings: tuple[Happening, ...]
    answers: tuple[Answer, ...]
    handoff: Handoff | None
    needed: float | None
    """The score that the next rung asks for, where its rule names one."""
    first_at: int


@dataclass(frozen=True, slots=True)
class AsOf:
    """The standing at an instant with its reasons, and the events behind them."""

    explanation: Explanation
    playbook: Playbook
    events: Mapping[int, Event]


def explained(person: Person, *, until: int) -> AsOf:
    """The standing at an instant, with its reasons and what was missing. Raises NoPlaybook."""
    line = lines.current()
    rows = past_rows([person.pk], line)[person.pk]
    return AsOf(explain(line.program, rows, until), line.playbook, _by_seq(rows))


def person_page(person: Person, *, at: int, most: int) -> PersonPage:
    """The page as of now with the newest `most` events, at most 6 queries. Raises NoPlaybook.

    Whole where there is no state to begin from: nobody has decided this person by this playbook and engine yet.
    """
    line = lines.current()
    stood = storing.standings_of([person.pk], line).get(person.pk)
    if stood is None or stood.state is None:
        return whole_page(person, at=at)
    moves = [storing.engine_move(row) for row in _moves_of(person, line)]
    rows = _newest(person, most)
    events = _by_seq(rows)
    if moves and moves[-1].seq is not None and moves[-1].seq not in events:
        events |= {row.seq: as_event(row, None, {}) for row in stored("e.seq = %s", [moves[-1].seq])}
    try:
        until = max(at, stood.decided_until)
        found = explain_onward(line.program, bytes(stood.state), until, past=moves, events=events)
    except StaleState:
        return whole_page(person, at=at)
    happened = _happenings(rows[-most:], found, line.playbook)
    return _page(person, line, at, found, rows, events=events, happenings=happened, series=None)


def whole_page(person: Person, *, at: int, samples: int = 72) -> PersonPage:
    """The whole page as of now, out of every row of the person's history. Raises NoPlaybook."""
    line = lines.current()
    rows = past_rows([person.pk], line)[person.pk]
    found, series = explain_with_history(line.program, rows, at, samples=samples)
    happened = _happenings(rows, found, line.playbook)
    return _page(person, line, at, found, rows, events=_by_seq(rows), happenings=happened, series=series)


def _page(
    person: Person,
    line: lines.Line,
    at: int,
    found: Explanation,
    rows: Sequence[Row],
    *,
    events: Mapping[int, Event],
    happenings: tuple[Happening, ...],
    series: Series | None,
) -> PersonPage:
    return PersonPage(
        until=at,
        playbook=line.playbook,
        generation_id=line.generation_id,
        explanation=found,
        events=events,
        series=series,
        happenings=happenings,
        answers=_answers(rows, found),
        handoff=Handoff.objects.filter(person=person).select_related("owner").order_by("-opened_at").first(),
        needed=needed_score(line.playbook, found.standing.stage),
        first_at=found.standing.first_at if rows else at,
    )


def _moves_of(person: Person, line: lines.Line) -> QuerySet[StageMove]:
    return StageMove.objects.filter(
        generation_id=line.generation_id, person=person, line_of_business=line.name
    ).order_by("number")


def _newest(person: Person, most: int) -> list[Row]:
    """The person's newest events and every answer to a question, the oldest first: what the page shows."""
    own = "e.person_id IN (SELECT %s UNION ALL SELECT old_id FROM people_alias WHERE living_id = %s)"
    newest = f"SELECT e.seq FROM history_event e WHERE {own} ORDER BY e.at DESC, e.seq DESC LIMIT %s"
    answers = "'bant_answered', 'question_answered'"
    rows = stored(
        f"e.seq IN (SELECT seq FROM ({newest}) AS newest"
        f" UNION SELECT e.seq FROM history_event e WHERE {own} AND e.kind IN ({answers}))",
        [person.pk, person.pk, most, person.pk, person.pk],
    )
    return [Row(as_event(row, person.pk, {})) for row in rows if row.kind not in CORRECTIONS]


def _by_seq(rows: Sequence[Row]) -> dict[int, Event]:
    return {row.event.seq: row.event for row in rows}


def needed_score(playbook: Playbook, stage: str) -> float | None:
    """The number that the next rung's rule compares the score with; None where it names none."""
    rungs = playbook.rungs
    above = rungs[rungs.index(stage) + 1 :] if stage in rungs else ()
    for code in above:
        for clause in _clauses(playbook.stages[code].enter.condition):
            match clause:
                case Compare(Fact("score"), ">=" | ">", Number(value)):
                    return float(value)
    return None


def _clauses(condition: Condition) -> Sequence[Condition]:
    return condition.parts if isinstance(condition, And) else (condition,)


def _happenings(rows: Sequence[Row], found: Explanation, playbook: Playbook) -> tuple[Happening, ...]:
    points: dict[int, float] = defaultdict(float)
    worth = {signal.name: float(signal.points or 0) for signal in playbook.signals}
    for line in found.points:
        for seq in line.seqs:
            points[seq] += worth[line.signal]
    return tuple(
        Happening(
            seq=row.event.seq,
            at=row.event.at,
            kind=row.event.kind,
            data=row.event.data,
            by=row.event.by or "",
            is_of_company=row.reach == "company",
            points=points.get(row.event.seq, 0.0),
            of=int(row.event.person) if row.reach == "company" and row.event.person else None,
        )
        for row in reversed(rows)
        if row.reach == "own" or points.get(row.event.seq)
    )


def _answers(rows: Sequence[Row], found: Explanation) -> tuple[Answer, ...]:
    last: dict[object, Row] = {}
    for row in rows:
        if row.event.kind == "bant_answered" and row.reach == "own":
            last[row.event.data.get("letter")] = row
    return tuple(_answer(letter, getattr(found.standing, letter), last.get(letter)) for letter in BANT)


def _answer(letter: str, confirmed: bool | None, row: Row | None) -> Answer:
    if confirmed is None or row is None:
        return Answer(letter, None, "", False, "", None, None, 0)
    data = row.event.data
    value, confidence = data.get("value"), data.get("confidence")
    return Answer(
        letter=letter,
        confirmed=confirmed,
        value=_plain(value),
        is_told=data.get("told") in (True, "yes"),
        by=row.event.by or "",
        at=row.event.at,
        seq=row.event.seq,
        confidence=_dots(confidence),
    )


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items() if item not in (None, ""))
    return "" if value is None else str(value)


def _dots(confidence: object) -> int:
    words = {"low": 1, "medium": 2, "high": 3}
    if isinstance(confidence, str):
        return words.get(confidence, 2)
    if isinstance(confidence, (int, float)) and not isinstance(confidence, bool):
        return max(1, min(3, round(confidence * 3 if confidence <= 1 else confidence)))
    return 2
