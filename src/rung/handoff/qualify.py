"""What sales learns of a person: touches, answers, admissions, frictions, competitors; and what to ask next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

from django.db import transaction
from django.db.models.expressions import RawSQL

from rung.access.actions import Refused, audited, require
from rung.access.models import User
from rung.history.models import Event
from rung.history.queries import counted
from rung.jobs import locks
from rung.lifecycle.actions import record
from rung.lifecycle.models import Standing
from rung.lifecycle.published import InForce
from rung.lifecycle.rules import Moved, NewEvent
from rung.people.models import Person
from rung.people.queries import living_ids
from rung.playbook.definitions import Playbook, Question
from rung.terms.instants import LATEST, BadInstant, moment, parse_instant
from rung.terms.kinds import ADMISSIONS, OUTCOMES, REACHED, TOUCHES
from rung.terms.stages import BANT, RANK
from rung.terms.values import BadValue, clean_text

LONGEST: Final = 900
TOUCH_KINDS: Final[Mapping[str, str]] = {
    "call": "call_made",
    "mail": "email_written",
    "social": "social_touched",
    "letter": "direct_mail_sent",
    "meeting": "meeting_held",
    "no_show": "meeting_missed",
}
SPOKEN: Final = ("positive", "neutral", "negative", "not_now")
"""Outcomes of a call in which the person was spoken with."""
FRICTION_NEXT: Final[Mapping[str, str]] = {
    "budget": "Ask what the problem costs them today, and who else feels it.",
    "authority": "Ask who decides, and to be introduced.",
    "timing": "Agree on a day to speak again: reject as not urgent until then, and they wake by themselves.",
    "need": "Tell in one sentence which of their problems we solve, then ask whether it is theirs.",
}
"""What to do next about a friction of each letter."""
_ASKED: Final = ("bant_answered", "question_answered", "admission_given", "friction_found", "competitor_named")


class CannotNote(Refused):
    """What was typed cannot be noted; the text says why and what to write."""


def log_touch(*, person: Person, how: str, by: User, at: int, outcome: str = "", note: str = "") -> tuple[Moved, ...]:
    """A call, mail, letter, message or meeting; a call that was answered is two facts: we called, they spoke."""
    require(by, "log touches")
    if how not in TOUCH_KINDS:
        raise CannotNote(f"{how[:40]!r} is no way to reach people: choose one of {', '.join(TOUCH_KINDS)}.")
    if outcome and outcome not in OUTCOMES:
        raise CannotNote(f"{outcome[:40]!r} is no outcome: choose one of {', '.join(OUTCOMES)}.")
    if how == "call" and not outcome:
        raise CannotNote("Say how the call went.")
    data = {"outcome": outcome, "note": _text(note)}
    told = {name: value for name, value in data.items() if value}
    events = [NewEvent(TOUCH_KINDS[how], person=person.pk, data=told)]
    if how == "call" and outcome in SPOKEN:
        events.append(NewEvent("call_answered", person=person.pk, data={"outcome": outcome}))
    return _noted(events, person, by=by, at=at, verb=f"logged {how.replace('_', ' ')}")


def answer_letter(
    *, person: Person, letter: str, confirmed: str, by: User, at: int, told: Mapping[str, str]
) -> tuple[Moved, ...]:
    """An answer to a letter of BANT. `told` may hold value, amount and currency, period, role, date, confidence,
    who (said it) and is_told (they told it unasked)."""
    require(by, "qualify")
    if letter not in BANT:
        raise CannotNote(f"{letter[:40]!r} is no letter of BANT: choose one of {', '.join(BANT)}.")
    if confirmed not in ("yes", "no"):
        raise CannotNote("Say yes or no: is it confirmed?")
    data: dict[str, Any] = {"letter": letter, "confirmed": confirmed, **_answer_of(letter, told)}
    return _noted([NewEvent("bant_answered", person=person.pk, data=data)], person, by=by, at=at, verb="noted answer")


def answer_question(*, person: Person, question: str, answer: str, by: User, at: int) -> tuple[Moved, ...]:
    """An answer to a question of the playbook's sheets."""
    require(by, "qualify")
    text = _text(answer)
    if not text:
        raise CannotNote("Write what they answered.")
    if not _name_of(question):
        raise CannotNote("Choose a question.")
    if question == "decision_date":
        text = _day(text)
    data: dict[str, Any] = {"question": _name_of(question), "answer": text}
    return _noted(
        [NewEvent("question_answered", person=person.pk, data=data)], person, by=by, at=at, verb="noted answer"
    )


def admit(*, person: Person, admission: str, by: User, at: int) -> tuple[Moved, ...]:
    """They consider us, or want a change."""
    require(by, "qualify")
    if admission not in ADMISSIONS:
        raise CannotNote(f"{admission[:40]!r} is no admission: choose one of {', '.join(ADMISSIONS)}.")
    event = NewEvent("admission_given", person=person.pk, data={"admission": admission})
    return _noted([event], person, by=by, at=at, verb="noted admission")


def find_friction(*, person: Person, friction: str, by: User, at: int, note: str = "") -> tuple[Moved, ...]:
    """Something stands in the way."""
    require(by, "qualify")
    name = _name_of(friction)
    if not name:
        raise CannotNote("Say what stands in the way.")
    data = {"friction": name, **({"note": _text(note)} if note.strip() else {})}
    return _noted(
        [NewEvent("friction_found", person=person.pk, data=data)], person, by=by, at=at, verb="noted friction"
    )


def name_competitor(*, person: Person, competitor: str, using: str, by: User, at: int) -> tuple[Moved, ...]:
    """Another solution; `using` is now, trial, former, or nothing where they only consider it."""
    require(by, "qualify")
    name = _name_of(competitor)
    if not name:
        raise CannotNote("Name the other solution.")
    if using not in ("", "now", "trial", "former"):
        raise CannotNote("Say whether they use it now, on trial, or did before.")
    data: dict[str, Any] = {"competitor": name, "using": using == "now", **({"use": using} if using else {})}
    event = NewEvent("competitor_named", person=person.pk, data=data)
    return _noted([event], person, by=by, at=at, verb="noted competitor")


def tick(*, person: Person, line: str, playbook: Playbook, by: User, at: int) -> tuple[Moved, ...]:
    """A line of a checklist is done."""
    require(by, "qualify")
    if not any(line in checklist.lines for checklist in playbook.checklists):
        raise CannotNote(f"“{line[:80]}” stands in no checklist of the playbook in force.")
    return _noted(
        [NewEvent("checklist_ticked", person=person.pk, data={"line": line})], person, by=by, at=at, verb="ticked line"
    )


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
    """A question worth asking now. `letter` or `question` says what the answer is kept as; `why` it comes now."""

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
    asks: tuple[Ask, ...]
    answered: Mapping[str, str]
    ticks: tuple[tuple[str, tuple[tuple[str, bool], ...]], ...]
    calls: int
    state: "State"

    @property
    def next(self) -> Ask | None:
        return self.asks[0] if self.asks else None


def sheet(person: Person, force: InForce, *, at: int, events: Sequence[Event] | None = None) -> Sheet:
    """In two queries: the standing, and what was noted unless `events` (of `noted_of`) are given."""
    playbook = force.playbook
    standing = Standing.objects.filter(generation_id=force.generation_id, person=person).first()
    events = noted_of(person) if events is None else events
    answered = {
        str(e.data.get("question")): str(e.data.get("answer", "")) for e in events if e.kind == "question_answered"
    }
    frictions = dict.fromkeys(str(e.data.get("friction")) for e in events if e.kind == "friction_found")
    ticked = {str(e.data.get("line")) for e in events if e.kind == "checklist_ticked"}
    letters = tuple(_known(letter, standing, events, at=at) for letter in BANT)
    stage = standing.stage if standing else "suspect"
    return Sheet(
        standing=standing,
        letters=letters,
        considers=bool(standing and standing.admits_considering),
        wants_change=bool(standing and standing.admits_change),
        frictions=tuple((name, _what_next(name, playbook)) for name in frictions),
        competitor=standing.competitor if standing else "",
        asks=asks(playbook, stage, {each.letter: each.confirmed for each in letters}, answered),
        answered=answered,
        ticks=tuple(
            (checklist.name, tuple((line, line in ticked) for line in checklist.lines))
            for checklist in playbook.checklists
            if checklist.stage in (None, stage)
        ),
        calls=sum(event.kind == "call_made" for event in events),
        state=state(standing, events, playbook, at=at),
    )


@dataclass(frozen=True, slots=True)
class State:
    """Where the work with somebody stands inside their rung: new, attempt, connected, meeting, no_show or waiting."""

    name: str
    attempt: int = 0
    of: int = 0
    until: int | None = None


def state(standing: Standing | None, events: Sequence[Event], playbook: Playbook, *, at: int) -> State:
    """The working state by what was noted since the person came to this rung; `of`: attempts the cadence promises."""
    if standing is not None and standing.rest_until is not None and standing.rest_until > at:
        return State("waiting", until=standing.rest_until)
    since = standing.since if standing else 0
    kinds = [event.kind for event in events if event.at >= since]
    for kind in reversed(kinds):
        if kind in ("meeting_booked", "meeting_missed"):
            return State("meeting" if kind == "meeting_booked" else "no_show")
        if kind in REACHED:
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
    """The questions still open, best first: what must be answered on this rung; an open question to begin with; the
    letters in the order need, timing, authority, budget, since people tell their pain before their price; the rest."""
    open_ = [question for question in playbook.questions if question.name not in answered]
    due = [question for question in open_ if question.must_at and RANK[question.must_at] <= RANK[stage]]
    began = any(letters.values()) or bool(answered)
    openers = [question for question in open_ if question.sheet == "open" and question not in due]
    rest = [question for question in open_ if question not in due and question not in openers]
    found = [_asked(question, playbook, is_due=True) for question in due]
    if not began:
        found += [_asked(question, playbook) for question in openers]
    for letter in ("need", "timing", "authority", "budget"):
        words = playbook.qualification[letter].ask if letter in playbook.qualification else ()
        if letters.get(letter) is None and words:
            found.append(Ask(words[0], letter=letter, why="not asked yet"))
    found += [_asked(question, playbook) for question in ([] if not began else openers) + rest]
    return tuple(found)


def _asked(question: Question, playbook: Playbook, *, is_due: bool = False) -> Ask:
    why = f"must be answered to be {playbook.label(question.must_at)}" if question.must_at else question.sheet
    return Ask(question.ask, question=question.name, sheet=question.sheet, why=why, is_due=is_due)


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
        names = {each.lower() for each in told.frictions} if told else set()
        if friction.lower() in names:
            return FRICTION_NEXT[letter]
    return "Say it back in your own words, and ask what would have to be true instead."


_AMOUNT_PERIODS: Final = ("once", "month", "year")
_ROLES: Final = ("decides", "influences", "none")
_AGAINST: Final = ("below", "above")


def _answer_of(letter: str, told: Mapping[str, str]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name in ("value", "who"):
        if text := _text(told.get(name, "")):
            data[name] = text
    if told.get("is_told"):
        data["told"] = True
    if confidence := told.get("confidence", ""):
        if confidence not in ("1", "2", "3"):
            raise CannotNote("How sure are you? Choose 1, 2 or 3.")
        data["confidence"] = int(confidence)
    if letter == "budget":
        data |= _budget(told)
    if letter == "authority" and told.get("role"):
        data["role"] = _one_of(told["role"], _ROLES, "role")
    if letter == "timing":
        data |= {name: _day(told[name]) for name in ("date", "contract_end") if told.get(name, "").strip()}
    return data


def _budget(told: Mapping[str, str]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    amount = told.get("amount", "").replace(",", "").replace(" ", "")
    if amount:
        if not (amount.isascii() and amount.isdigit() and len(amount) <= 12):
            raise CannotNote("Write the amount in whole units, such as 20000.")
        currency = _text(told.get("currency", "")).upper() or "EUR"
        if len(currency) != 3 or not currency.isalpha():
            raise CannotNote("Write the currency in three letters, such as EUR.")
        data |= {"amount": int(amount) * 100, "currency": currency}
        data["period"] = _one_of(told.get("period") or "once", _AMOUNT_PERIODS, "period")
    if told.get("against_price"):
        data["against_price"] = _one_of(told["against_price"], _AGAINST, "price")
    return data


def _one_of(text: str, allowed: Sequence[str], what: str) -> str:
    if text not in allowed:
        raise CannotNote(f"{text[:40]!r} is no {what}: choose one of {', '.join(allowed)}.")
    return text


def _day(text: str) -> str:
    try:
        return moment(parse_instant(text.strip()[:40])).date().isoformat()
    except BadInstant:
        raise CannotNote(f"{text[:40]!r} is no day: write such as 2027-03-01.") from None


def _text(text: str) -> str:
    try:
        return clean_text(text, "text", LONGEST)
    except BadValue as fault:
        raise CannotNote(f"{fault}.") from None


def _name_of(text: str) -> str:
    return _text(text)[:200]


def _noted(events: Sequence[NewEvent], person: Person, *, by: User, at: int, verb: str) -> tuple[Moved, ...]:
    with transaction.atomic():
        locks.hold()
        if living_ids([person.pk])[person.pk] != person.pk:
            raise CannotNote("This record was merged into another one: open it again.")
        told = record(events, by=by, at=at)
        if told.refused:
            raise CannotNote(told.refused[0].reason)
        audited(by=by, verb=verb, object=f"person {person.pk}", data=dict(events[0].data), at=at)
    return told.moves
