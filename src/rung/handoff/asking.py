"""What is known of somebody for the next talk, where the work with them stands, and what to ask next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final, Protocol

from django.db.models.expressions import RawSQL

from rung.handoff import cadence
from rung.handoff.cadence import Progress
from rung.history.models import Event
from rung.history.queries import counted
from rung.lifecycle.models import Standing
from rung.lifecycle.published import InForce
from rung.people.models import Person
from rung.playbook.definitions import Playbook, Question
from rung.terms.instants import LATEST, moment
from rung.terms.kinds import REACHED, TOUCHES
from rung.terms.stages import BANT, RANK

FRICTION_NEXT: Final[Mapping[str, str]] = {
    "budget": "Ask what the problem costs them today, and who else feels it.",
    "authority": "Ask who decides, and to be introduced.",
    "timing": "Agree on a day to speak again: reject as not urgent until then, and they wake by themselves.",
    "need": "Tell in one sentence which of their problems we solve, then ask whether it is theirs.",
}
"""What to do next about a friction of each letter, where the playbook does not say."""
_ASKED: Final = ("bant_answered", "question_answered", "admission_given", "friction_found", "competitor_named")


@dataclass(frozen=True, slots=True)
class Known:
    """One letter: what is known, who said it, until when it counts. `confirmed` None: not asked, or too long ago."""

    letter: str
    confirmed: bool | None
    value: str
    is_told: bool
    who: str
    by: str
    at: int | None
    until: int | None
    confidence: int
    seq: int | None


@dataclass(frozen=True, slots=True)
class Ask:
    """A question worth asking now. `letter` and `question` say what the answer is kept as; `why` it comes now."""

    words: str
    letter: str = ""
    question: str = ""
    sheet: str = ""
    why: str = ""
    is_due: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is known of one person for the talk, and what to ask next, best first."""

    standing: Standing | None
    letters: tuple[Known, ...]
    considers: bool
    wants_change: bool
    frictions: tuple[tuple[str, str], ...]
    """Friction → what to do next about it."""
    competitor: str
    """The other solution and how they have it: "Pipedrive (on trial)"."""
    asks: tuple[Ask, ...]
    answered: Mapping[str, str]
    sheets: tuple[tuple[str, tuple[tuple[Ask, str], ...]], ...]
    """Other sheets than BANT by name: each question, and what was answered or nothing."""
    ticks: tuple[tuple[str, tuple[tuple[str, bool], ...]], ...]
    calls: int
    state: "State"
    cadence: Progress | None

    @property
    def next(self) -> Ask | None:
        return self.asks[0] if self.asks else None


def sheet(person: Person, force: InForce, *, at: int, events: Sequence[Event] | None = None) -> Sheet:
    """In two queries: the standing, and what was noted unless `events` (of `noted_of`) are given."""
    playbook = force.playbook
    standing = Standing.objects.filter(generation_id=force.generation_id, person=person).first()
    events = noted_of(person) if events is None else events
    answered = answers_of(events)
    ticked = {str(e.data.get("line")) for e in events if e.kind == "checklist_ticked"}
    letters = tuple(_known(letter, standing, events, at=at) for letter in BANT)
    stage = standing.stage if standing else "suspect"
    return Sheet(
        standing=standing,
        letters=letters,
        considers=bool(standing and standing.admits_considering),
        wants_change=bool(standing and standing.admits_change),
        frictions=frictions_of(events, playbook),
        competitor=competitor_of(events),
        asks=asks(playbook, stage, {each.letter: each.confirmed for each in letters}, answered),
        answered=answered,
        sheets=sheets_of(playbook, answered),
        ticks=tuple(
            (checklist.name, tuple((line, line in ticked) for line in checklist.lines))
            for checklist in playbook.checklists
            if checklist.stage in (None, stage)
        ),
        calls=sum(event.kind == "call_made" for event in events),
        state=state(standing, events, playbook, at=at),
        cadence=cadence.of_person(
            standing, events, playbook, owner=lambda: standing.owner_id if standing else None, at=at
        ),
    )


def answers_of(events: Sequence[Event]) -> dict[str, str]:
    """Question → the last answer."""
    told = [event.data for event in events if event.kind == "question_answered"]
    return {str(data.get("question")): str(data.get("answer", "")) for data in told}


def frictions_of(events: Sequence[Event], playbook: Playbook) -> tuple[tuple[str, str], ...]:
    """What stands in the way, and what to do next about each; with the day where it is only not yet."""
    found: dict[str, str] = {}
    for event in events:
        if event.kind == "friction_found":
            name, until = str(event.data.get("friction")), event.data.get("until")
            found[name] = f"{name}, until {until}" if isinstance(until, str) else name
    return tuple((said, _what_next(name, playbook)) for name, said in found.items())


_USES: Final = {"now": "in use", "trial": "on trial", "former": "used before"}


def competitor_of(events: Sequence[Event]) -> str:
    """The other solution that was named last and how they have it; "" where none was."""
    last = next((event.data for event in reversed(events) if event.kind == "competitor_named"), None)
    if last is None:
        return ""
    use = last.get("use") or ("now" if last.get("using") is True else "")
    said = _USES.get(use) if isinstance(use, str) else None
    return f"{last.get('competitor')} ({said or 'considered'})"


def sheets_of(playbook: Playbook, answered: Mapping[str, str]) -> tuple[tuple[str, tuple[tuple[Ask, str], ...]], ...]:
    """The playbook's other sheets, question by question."""
    return tuple(
        (each.name, tuple((_asked(question, playbook), answered.get(question.name, "")) for question in each.questions))
        for each in playbook.sheets
    )


@dataclass(frozen=True, slots=True)
class State:
    """Where the work with somebody stands inside their rung: new, attempt, connected, meeting, no_show or waiting."""

    name: str
    attempt: int = 0
    of: int = 0
    until: int | None = None


class Stands(Protocol):
    """Where a person stands: the stored row, or the engine's own."""

    @property
    def stage(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def since(self) -> int: ...
    @property
    def rest_until(self) -> int | None: ...


def state(standing: Stands | None, events: Sequence[Event], playbook: Playbook, *, at: int) -> State:
    """The working state by what was noted since the person came to this rung; `of`: attempts the cadence promises."""
    if standing is not None and standing.rest_until is not None and standing.rest_until > at:
        return State("waiting", until=standing.rest_until)
    since = standing.since if standing else 0
    here = [event for event in events if event.at >= since]
    kinds, called_off = [event.kind for event in here], 0
    for event in reversed(here):
        if event.kind == "meeting_missed" and event.data.get("called_off"):
            called_off += 1
        elif event.kind == "meeting_booked" and called_off:
            called_off -= 1  # as if it had never been set
        elif event.kind in ("meeting_booked", "meeting_missed"):
            return State("meeting" if event.kind == "meeting_booked" else "no_show")
        elif event.kind in REACHED:
            return State("connected")
    attempts = sum(kind in TOUCHES for kind in kinds)
    promised = playbook.duties.cadence
    of = promised.calls + promised.mails + promised.social + promised.letters if promised else 0
    return State("attempt", attempts, of) if attempts else State("new", of=of)


def state_in_words(found: State, zone: tzinfo) -> str:
    """ "attempt 2 of 6", "waiting until 1 March 2027"."""
    if found.name == "waiting":
        assert found.until is not None
        day = moment(found.until).astimezone(zone) if found.until < LATEST else None
        return f"waiting until {day.day} {day:%B %Y}" if day else "waiting for good"
    if found.name == "attempt":
        return f"attempt {found.attempt}{f' of {found.of}' if found.of >= found.attempt else ''}"
    return {"new": "new", "connected": "connected", "meeting": "meeting set", "no_show": "no-show"}[found.name]


def asks(
    playbook: Playbook, stage: str, letters: Mapping[str, bool | None], answered: Mapping[str, str]
) -> tuple[Ask, ...]:
    """The questions still open, best first: what must be answered on this rung; an open question to begin with; those
    of the playbook's first other sheet, whose answers answer letters too; the letters in the order need, timing,
    authority, budget, since people tell their pain before their price; the rest."""
    open_ = [question for question in playbook.questions if question.name not in answered]
    due = [question for question in open_ if question.must_at and RANK[question.must_at] <= RANK[stage]]
    began = any(letters.values()) or bool(answered)
    openers = [question for question in open_ if question.sheet == "open" and question not in due]
    rest = [question for question in open_ if question not in due and question not in openers]
    found = [_asked(question, playbook, is_due=True) for question in due]
    if not began:
        found += [_asked(question, playbook) for question in openers]
    sheet_questions = playbook.sheets[0].questions if playbook.sheets else ()
    # A letter that is known need not be asked a second time in other words.
    wanted = [
        q for q in sheet_questions if q.name not in answered and (q.letter is None or letters.get(q.letter) is None)
    ]
    found += [_asked(question, playbook, why=playbook.sheets[0].name) for question in wanted]
    covered = {question.letter for question in wanted}
    for letter in ("need", "timing", "authority", "budget"):
        words = playbook.qualification[letter].ask if letter in playbook.qualification else ()
        if letters.get(letter) is None and words and letter not in covered:
            found.append(Ask(words[0], letter=letter, why="not asked yet"))
    found += [_asked(question, playbook) for question in ([] if not began else openers) + rest]
    return tuple(found)


def _asked(question: Question, playbook: Playbook, *, is_due: bool = False, why: str = "") -> Ask:
    if question.must_at:
        why = f"must be answered to be {playbook.label(question.must_at)}"
    return Ask(question.ask, question.letter or "", question.name, question.sheet, why or question.sheet, is_due)


NOTED: Final = (*_ASKED, "checklist_ticked", "meeting_booked", "meeting_missed", *sorted(TOUCHES | REACHED))
_MOST_NOTED: Final = 400


def noted_of(person: Person, also: Sequence[str] = ()) -> list[Event]:
    """What was noted of the person, and of whoever was merged into them, oldest first; `also` of further kinds."""
    # One descent of the index per id: an OR over both would go through all events of these kinds.
    ids = RawSQL("SELECT %s UNION ALL SELECT old_id FROM people_alias WHERE living_id = %s", [person.pk, person.pk])
    events = counted().filter(person_id__in=ids, kind__in={*NOTED, *also})
    return list(reversed(events.order_by("-at", "-seq")[:_MOST_NOTED]))


def _known(letter: str, standing: Standing | None, events: Sequence[Event], *, at: int) -> Known:
    until = getattr(standing, f"{letter}_until") if standing else None
    confirmed = getattr(standing, letter) if standing and (until is None or until > at) else None
    last = next((e for e in reversed(events) if e.kind == "bant_answered" and e.data.get("letter") == letter), None)
    if confirmed is None or last is None:
        return Known(letter, None, "", False, "", "", None, None, 0, None)
    data = last.data
    return Known(
        letter=letter,
        confirmed=confirmed,
        value=value_of(data),
        is_told=data.get("told") in (True, "yes"),
        who=str(data.get("who") or ""),
        by=last.by,
        at=last.at,
        until=until,
        confidence=_dots(data.get("confidence")),
        seq=last.seq,
    )


def value_of(data: Mapping[str, Any]) -> str:
    """An answer's value in words: "EUR 20,000 a year, below the price"; "decides"; "by 1 March 2027"."""
    parts = []
    amount = data.get("amount")
    if isinstance(amount, (int, float)) and not isinstance(amount, bool):
        period = f" a {data['period']}" if data.get("period") in ("month", "year") else ""
        parts.append(f"{data.get('currency') or ''} {amount / 100:,.0f}{period}".strip())
    for name, words in (
        ("against_price", "{} the price"),
        ("role", "{}"),
        ("date", "by {}"),
        ("contract_end", "contract ends {}"),
    ):
        if isinstance(data.get(name), str) and data[name]:
            parts.append(words.format(data[name]))
    value = data.get("value")
    if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "":
        parts.append(str(value))
    return ", ".join(parts)


def _dots(confidence: object) -> int:
    words = {"low": 1, "medium": 2, "high": 3}
    if isinstance(confidence, str):
        return words.get(confidence, 2)
    if isinstance(confidence, (int, float)) and not isinstance(confidence, bool):
        return max(1, min(3, round(confidence)))
    return 2


def _what_next(friction: str, playbook: Playbook) -> str:
    for letter in BANT:
        told = playbook.qualification.get(letter)
        if told is not None and friction in told.remedies:
            return f"{told.remedies[friction]}."
        if told is not None and friction.lower() in {each.lower() for each in told.frictions}:
            return FRICTION_NEXT[letter]
    return "Say it back in your own words, and ask what would have to be true instead."
