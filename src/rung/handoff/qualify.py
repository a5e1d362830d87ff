"""What sales learns of a person and notes: touches, answers, admissions, frictions, competitors."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import transaction

from rung.access.actions import Refused, audited, require
from rung.access.models import User
from rung.jobs import locks
from rung.lifecycle.actions import record
from rung.lifecycle.rules import Moved, NewEvent
from rung.people.models import Person
from rung.people.queries import living_ids
from rung.playbook.definitions import ALWAYS_KNOWN_QUESTIONS, Playbook, Question
from rung.terms.instants import BadInstant, moment, parse_instant
from rung.terms.kinds import ADMISSIONS, OUTCOMES
from rung.terms.stages import BANT
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


def answer_question(
    *,
    person: Person,
    question: str,
    answer: str,
    playbook: Playbook,
    by: User,
    at: int,
    confirmed: str = "",
    told: Mapping[str, str] | None = None,
) -> tuple[Moved, ...]:
    """An answer to a question of the playbook's sheets. Where the question tells a letter of BANT, the same answer is
    the letter's, `confirmed` yes or no, with what else was `told` as in `answer_letter`."""
    require(by, "qualify")
    text, name = _text(answer), _name_of(question)
    if not text:
        raise CannotNote("Write what they answered.")
    asked = next((each for each in questions_of(playbook) if each.name == name), None)
    if asked is None and name not in ALWAYS_KNOWN_QUESTIONS:
        raise CannotNote(f"“{name[:80]}” stands in no sheet of the playbook in force. Nothing was changed.")
    if name == "decision_date":
        text = _day(text)
    events = [NewEvent("question_answered", person=person.pk, data={"question": name, "answer": text})]
    if asked is not None and asked.letter is not None:
        if confirmed not in ("yes", "no"):
            raise CannotNote(f"Say yes or no: does it confirm the {asked.letter}?")
        data = {
            "letter": asked.letter,
            "confirmed": confirmed,
            **_answer_of(asked.letter, {**(told or {}), "value": text}),
        }
        events.append(NewEvent("bant_answered", person=person.pk, data=data))
    return _noted(events, person, by=by, at=at, verb="noted answer")


def questions_of(playbook: Playbook) -> list[Question]:
    """Every question that the playbook asks by name, of whatever sheet."""
    return [*playbook.questions, *(question for sheet in playbook.sheets for question in sheet.questions)]


def admit(*, person: Person, admission: str, by: User, at: int) -> tuple[Moved, ...]:
    """They consider us, or want a change."""
    require(by, "qualify")
    if admission not in ADMISSIONS:
        raise CannotNote(f"{admission[:40]!r} is no admission: choose one of {', '.join(ADMISSIONS)}.")
    event = NewEvent("admission_given", person=person.pk, data={"admission": admission})
    return _noted([event], person, by=by, at=at, verb="noted admission")


def find_friction(
    *, person: Person, friction: str, by: User, at: int, note: str = "", until: str = ""
) -> tuple[Moved, ...]:
    """Something stands in the way; with `until`, only until that day: whoever noted it is reminded then."""
    require(by, "qualify")
    name = _name_of(friction)
    if not name:
        raise CannotNote("Say what stands in the way.")
    data = {"friction": name, **({"note": _text(note)} if note.strip() else {})}
    if until.strip():
        data["until"] = _day(until)
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
