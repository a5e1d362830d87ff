"""The SLA interview: six questions that every agreement answers, read from a playbook and written into one.

The questions are those that the first of the five articles asks of both sides. What somebody answers becomes lines of
the playbook; what they leave open stays as the playbook has it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import msgspec
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from rung.playbook.conditions import (
    And,
    Compare,
    Condition,
    Fact,
    Holds,
    Number,
    Or,
    Scope,
    Span,
    parse,
    source,
)
from rung.playbook.definitions import FOREVER, Playbook, RejectReason
from rung.playbook.loading import load
from rung.playbook.writing import opened, written
from rung.terms.durations import Duration
from rung.terms.instants import DAY

Confirming = Literal["spoken", "written", "interest"]
Raising = Literal["enough", "if_it_fits", "picture"]

SPOKEN_KINDS: Final = ("call_answered", "meeting_held", "contacted")
"""What is a confirmation by voice; a mail that was answered is none."""


class CannotAnswer(ValueError):
    """The playbook has nothing to which this answer could apply; says what to do first."""


class Trait(msgspec.Struct, frozen=True):
    """A fit line that is new."""

    name: str
    when: str
    points: float


class Deals(msgspec.Struct, frozen=True):
    """What successful deals have in common: the fit lines that stay, by name, and those that are new."""

    kept: tuple[str, ...]
    added: tuple[Trait, ...] = ()


class Confirmation(msgspec.Struct, frozen=True):
    """What confirms that somebody is ready: their voice, a reply as well, or much interest instead of either."""

    by: Confirming
    engagement: float = 50


class HandRaise(msgspec.Struct, frozen=True):
    """Whether a raised hand is enough to call, enough where the fit is not below `fit`, or needs the whole picture."""

    is_: Raising = msgspec.field(name="is")
    fit: float = 0


class Qualification(msgspec.Struct, frozen=True):
    """How many answers of budget, authority, need and timing it takes, 0 to 4."""

    to_pass: int
    to_offer: int


class Nurture(msgspec.Struct, frozen=True):
    """Who is kept warm and who is given up. `rests`: reject reason → "30d", "never", "date" or "" for none of its
    own. `disqualify_at`: the fit at or below which nobody goes on; None = nobody is given up for their fit."""

    idle_days: int | None
    disqualify_at: float | None
    rests: dict[str, str]


class Treatment(msgspec.Struct, frozen=True):
    """What is done once somebody is found, by when and how often. Business minutes, hours and days; None = not agreed.

    `treat`: rung → what one does there, a line each.
    """

    raised_minutes: int | None
    scored_hours: int | None
    touch_hours: int | None
    calls: int
    mails: int
    within_days: int | None
    treat: dict[str, tuple[str, ...]]


class Answers(msgspec.Struct, frozen=True):
    """The answers so far; None = left as the playbook has it."""

    deals: Deals | None = None
    confirmation: Confirmation | None = None
    hand_raise: HandRaise | None = None
    qualification: Qualification | None = None
    nurture: Nurture | None = None
    treatment: Treatment | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One screen: the article's words, and ours for what the answer decides."""

    number: int
    name: str
    text: str
    decides: str


QUESTIONS: Final = (
    Question(
        1,
        "deals",
        "What customer characteristics do you find in successful deals?",
        "Who fits: the points somebody has for who they are.",
    ),
    Question(
        2,
        "confirmation",
        "Do you need a verbal confirmation of readiness from a lead, or do other indicators work, too?",
        "What it takes to be a prospect.",
    ),
    Question(
        3,
        "hand_raise",
        "Is an interested hand-raise enough to begin calling, or do you need a more complete picture of interest?",
        "When marketing hands over somebody who asked to be called.",
    ),
    Question(
        4,
        "qualification",
        "Do you need full BANT qualification to pass a lead to sales, or can you work without one or two "
        "qualifications?",
        "How many answers it takes before the hand-off, and before it is an opportunity.",
    ),
    Question(
        5,
        "nurture",
        "How do you define prospects that should be nurtured, and which prospects do you disqualify?",
        "Who rests and for how long, who is kept warm, who is given up.",
    ),
    Question(
        6,
        "treatment",
        "Once you find a lead, what do you do with them?",
        "What is done on each rung, by when, and how often.",
    ),
)


def rewritten(text: str, answers: Answers) -> str:
    """The playbook's text with the answers in it; without any, letter by letter as it was.

    Raises PlaybookRefused where the text is no playbook, CannotAnswer where an answer finds nothing to apply to. What
    comes back may still be refused by `check`, where an answer itself holds a condition that cannot be read.
    """
    playbook = load(text)
    given = [question.name for question in QUESTIONS if getattr(answers, question.name) is not None]
    if not given:
        return text
    tree = opened(text)
    for name in given:
        _WRITE[name](tree, playbook, getattr(answers, name))
    return written(tree)


def answers_in(playbook: Playbook) -> Answers:
    """What the playbook already answers; None where it says it in a way of its own."""
    return Answers(
        deals=Deals(tuple(line.name for line in playbook.fit)),
        confirmation=_confirmation_in(playbook),
        hand_raise=_hand_raise_in(playbook),
        qualification=_qualification_in(playbook),
        nurture=_nurture_in(playbook),
        treatment=_treatment_in(playbook),
    )


# --- 1: what successful deals have in common


def _write_deals(tree: Any, playbook: Playbook, deals: Deals) -> None:
    known = {line.name for line in playbook.fit}
    if unknown := [name for name in deals.kept if name not in known]:
        raise CannotAnswer(f"There is no fit line “{unknown[0]}” any more: open this question again.")
    if set(deals.kept) == known and not deals.added:
        return
    lines = _section(tree, "fit", CommentedSeq)
    for place in reversed(range(len(lines))):
        if " ".join(str(lines[place]["name"]).split()) not in deals.kept:
            del lines[place]
    for trait in deals.added:
        if trait.name in known:
            raise CannotAnswer(f"A fit line “{trait.name}” is there already: give this one another name.")
        points = int(trait.points) if float(trait.points).is_integer() else trait.points
        lines.append(_inline({"name": trait.name, "when": trait.when, "points": points}))


# --- 2: what confirms


def _write_confirmation(tree: Any, playbook: Playbook, answer: Confirmation) -> None:
    rungs = [code for code in ("prospect", "opportunity") if code in playbook.stages]
    if not rungs:
        raise CannotAnswer("This playbook uses neither prospect nor opportunity: add the rung first.")
    confirmed = {
        "spoken": (_REACHED, _SPOKEN),
        "written": (_REACHED,),
        "interest": (_any((_REACHED, _at_least("engagement", answer.engagement))),),
    }[answer.by]
    for code in rungs:
        parts = _conjuncts(_rule(tree, playbook, code))
        others = [part for part in parts if not _confirms(part)]
        if code == rungs[0] or len(others) < len(parts):
            _enter(tree, code, _all((*confirmed, *others)))


def _confirmation_in(playbook: Playbook) -> Confirmation | None:
    stage = playbook.stages.get("prospect") or playbook.stages.get("opportunity")
    for part in _conjuncts(stage.enter.condition) if stage else ():
        if isinstance(part, Or) and _confirms(part) and part != _SPOKEN:
            return Confirmation("interest", next(_number(each) for each in part.parts if isinstance(each, Compare)))
    found = [part for part in _conjuncts(stage.enter.condition) if _confirms(part)] if stage else []
    if _SPOKEN in found:
        return Confirmation("spoken")
    return Confirmation("written") if found else None


def _confirms(part: Condition) -> bool:
    if part in (_REACHED, _SPOKEN):
        return True
    return isinstance(part, Or) and len(part.parts) == 2 and _REACHED in part.parts and _asks(part, "engagement")


def _asks(part: Or, fact: str) -> bool:
    return any(isinstance(each, Compare) and each.left == Fact(fact) and each.op == ">=" for each in part.parts)


# --- 3: raised hands


def _write_hand_raise(tree: Any, playbook: Playbook, answer: HandRaise) -> None:
    code = _handed_over_on(playbook)
    raised = _raised(playbook)
    if not raised and answer.is_ != "picture":
        raise CannotAnswer("No signal is marked as a raised hand: write `hand_raise: yes` at one first.")
    outer, alternatives = _alternatives(_rule(tree, playbook, code))
    picture = [part for part in alternatives if not _is_raise(part, raised)]
    if not picture:
        raise CannotAnswer(f"Only a raised hand makes a {playbook.label(code).lower()} here: say what else does first.")
    if answer.is_ == "enough":
        picture += raised
    elif answer.is_ == "if_it_fits":
        picture.append(_all((_at_least("fit", answer.fit), _any(raised))))
    _enter(tree, code, _all((_any(picture), *outer)))


def _hand_raise_in(playbook: Playbook) -> HandRaise | None:
    code = playbook.handoff.on
    if code not in playbook.stages:
        return None
    raised = _raised(playbook)
    _, alternatives = _alternatives(playbook.stages[code].enter.condition)
    for part in alternatives:
        if isinstance(part, And) and _is_raise(part, raised):
            return HandRaise("if_it_fits", next(_number(each) for each in part.parts if isinstance(each, Compare)))
    return HandRaise("enough" if any(_is_raise(part, raised) for part in alternatives) else "picture")


def _raised(playbook: Playbook) -> list[Condition]:
    names = [signal.name for signal in playbook.signals if signal.is_hand_raise]
    return [Compare(Fact("times", name, is_signal=True), ">=", Number(1.0)) for name in names]


def _is_raise(part: Condition, raised: Sequence[Condition]) -> bool:
    """Whether the part asks for a raised hand: by itself, or with a fit."""
    if part in raised:
        return True
    if not isinstance(part, And) or len(part.parts) != 2:
        return False
    fit, hands = part.parts
    asked = hands.parts if isinstance(hands, Or) else (hands,)
    return isinstance(fit, Compare) and fit.left == Fact("fit") and all(each in raised for each in asked)


def _alternatives(condition: Condition) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    """What must hold in any case (BANT letters asked for before the hand-off), and the ways of which one must."""
    outer = tuple(part for part in _conjuncts(condition) if _is_bant(part))
    inner = _all(part for part in _conjuncts(condition) if not _is_bant(part)) if outer else condition
    return outer, inner.parts if isinstance(inner, Or) else (inner,)


# --- 4: how many letters


def _write_qualification(tree: Any, playbook: Playbook, answer: Qualification) -> None:
    if not 0 <= answer.to_pass <= 4 or not 0 <= answer.to_offer <= 4:
        raise CannotAnswer("There are four answers: write 0 to 4.")
    asked = {_handed_over_on(playbook): answer.to_pass}
    if "opportunity" in playbook.stages:
        asked["opportunity"] = answer.to_offer
    for code, letters in asked.items():
        condition = _rule(tree, playbook, code)
        if _letters_asked(condition) != letters:
            others = [part for part in _conjuncts(condition) if not _is_bant(part)]
            if not others and not letters:
                raise CannotAnswer(
                    f"Nothing but answers makes a {playbook.label(code).lower()} here: say what else does first."
                )
            _enter(tree, code, _all((*others, *([_at_least("bant", letters)] if letters else []))))


def _qualification_in(playbook: Playbook) -> Qualification | None:
    passed, offered = playbook.stages.get(playbook.handoff.on), playbook.stages.get("opportunity")
    if passed is None or offered is None:
        return None
    return Qualification(_letters_asked(passed.enter.condition), _letters_asked(offered.enter.condition))


def _letters_asked(condition: Condition) -> int:
    return max((int(_number(part)) for part in _conjuncts(condition) if _is_bant(part)), default=0)


def _is_bant(part: Condition) -> bool:
    return (
        isinstance(part, Compare) and part.left == Fact("bant") and part.op == ">=" and isinstance(part.right, Number)
    )


# --- 5: kept warm or given up


def _write_nurture(tree: Any, playbook: Playbook, answer: Nurture) -> None:
    before = _nurture_in(playbook)
    if answer.idle_days != before.idle_days:
        _write_idle(_section(tree, "setbacks", CommentedSeq), playbook, answer.idle_days)
    if answer.disqualify_at != before.disqualify_at:
        _write_unfit(_section(tree, "setbacks", CommentedSeq), answer.disqualify_at)
    _write_rests(tree, playbook, answer.rests)


def _write_rests(tree: Any, playbook: Playbook, rests: dict[str, str]) -> None:
    before = _rests_in(playbook)
    if unknown := [reason for reason in rests if reason not in before]:
        raise CannotAnswer(f"There is no reason “{unknown[0]}” any more: open this question again.")
    for place, reason in enumerate(before):
        rest = rests.get(reason, before[reason])
        if rest != before[reason]:
            told = {"rest": None if rest == "date" else rest, "wakes_on": "date" if rest == "date" else None}
            kept = {"reason": reason, **{key: value for key, value in told.items() if value}}
            tree["handoff"]["reject_reasons"][place] = _inline(kept)


def _write_idle(setbacks: Any, playbook: Playbook, days: int | None) -> None:
    place = _idle_line(playbook)
    because = f"No sign of life for {days} days"
    if days is None:
        if place is not None:
            del setbacks[place]
    elif place is None:
        rungs = [code for code in ("mql", "sal", "prospect") if code in playbook.stages]
        if not rungs:
            raise CannotAnswer("No rung above lead is used: there is nobody who could fall silent there.")
        named = ", ".join(f'"{code}"' for code in rungs)
        setbacks.append(
            _inline({"to": "nurture", "when": f"stage in [{named}] and idle >= days({days})", "because": because})
        )
    else:
        setback = playbook.setbacks[place]
        parts = [
            replace(part, right=Span(days * DAY)) if isinstance(part, Compare) and part.left == Fact("idle") else part
            for part in _conjuncts(setback.when.condition)
        ]
        setbacks[place]["when"] = source(_all(parts))
        if setback.because.startswith("No sign of life for "):
            setbacks[place]["because"] = because


def _write_unfit(setbacks: Any, at: float | None) -> None:
    """Looks in the lines as they are now: one of them may just have gone."""
    places = [
        place
        for place, setback in enumerate(setbacks)
        if setback["to"] == "disqualified" and re.fullmatch(r"\s*fit\s*<=\s*-?[\d.]+\s*", str(setback["when"]))
    ]
    if at is None:
        for place in reversed(places):
            del setbacks[place]
        return
    when = source(Compare(Fact("fit"), "<=", Number(float(at))))
    if places:
        setbacks[places[0]]["when"] = when
    else:
        setbacks.insert(0, _inline({"to": "disqualified", "when": when, "because": "They do not fit"}))


def _nurture_in(playbook: Playbook) -> Nurture:
    place = _idle_line(playbook)
    unfit = [
        found
        for setback in playbook.setbacks
        if setback.to == "disqualified" and (found := _unfit_at(setback.when.condition)) is not None
    ]
    return Nurture(
        idle_days=None if place is None else _idle_days(playbook.setbacks[place].when.condition),
        disqualify_at=unfit[0] if unfit else None,
        rests=_rests_in(playbook),
    )


def _rests_in(playbook: Playbook) -> dict[str, str]:
    return {name: _rest_in(reason) for name, reason in playbook.handoff.reject_reasons.items()}


def _rest_in(reason: RejectReason) -> str:
    if reason.wakes_on:
        return "date"
    if reason.rest is None:
        return ""
    return "never" if reason.rest >= FOREVER else f"{reason.rest // DAY}d"


def _idle_line(playbook: Playbook) -> int | None:
    """The first setback to nurture for silence alone."""
    for place, setback in enumerate(playbook.setbacks):
        if setback.to == "nurture" and _idle_days(setback.when.condition) is not None:
            return place
    return None


def _idle_days(condition: Condition) -> int | None:
    for part in _conjuncts(condition):
        if isinstance(part, Compare) and part.left == Fact("idle") and isinstance(part.right, Span):
            return part.right.micros // DAY if part.right.micros % DAY == 0 else None
    return None


def _unfit_at(condition: Condition) -> float | None:
    is_unfit = isinstance(condition, Compare) and condition.left == Fact("fit") and condition.op == "<="
    return _number(condition) if is_unfit and isinstance(condition, Compare) else None


# --- 6: what is done


def _write_treatment(tree: Any, playbook: Playbook, answer: Treatment) -> None:
    for code, lines in answer.treat.items():
        if code not in playbook.rungs:
            raise CannotAnswer(f"The rung {code} is not used any more: open this question again.")
        _write_treat(tree, playbook, code, lines)
    before = _treatment_in(playbook)
    if (answer.raised_minutes, answer.scored_hours) != (before.raised_minutes, before.scored_hours):
        clocks = {
            "hand_raise": _business(answer.raised_minutes, "minute"),
            "scored": _business(answer.scored_hours, "hour"),
        }
        agreed = _inline({lane: text for lane, text in clocks.items() if text})
        _set(_section(tree, "handoff", CommentedMap), "accept_within", agreed)
    if answer.touch_hours != before.touch_hours:
        _set(_section(tree, "handoff", CommentedMap), "first_touch_within", _business(answer.touch_hours, "hour"))
    if (answer.calls, answer.mails, answer.within_days) != (before.calls, before.mails, before.within_days):
        sales = _section(_section(tree, "duties", CommentedMap), "sales", CommentedMap)
        told = {"calls": answer.calls, "mails": answer.mails, "within": _business(answer.within_days, "day")}
        is_agreed = bool(answer.within_days and (answer.calls or answer.mails))
        _set(sales, "cadence", _inline({key: value for key, value in told.items() if value}) if is_agreed else None)


def _write_treat(tree: Any, playbook: Playbook, code: str, lines: Sequence[str]) -> None:
    treatments = playbook.treat_suspect if code == "suspect" else playbook.stages[code].treat
    if tuple(treatment.what for treatment in treatments) == tuple(lines):
        return
    content = {treatment.what: treatment.content for treatment in treatments}
    told = CommentedSeq(
        _inline({"do": line, "content": list(content[line])}) if content.get(line) else line for line in lines
    )
    stage = _section(tree["stages"], code, CommentedMap)
    _set(stage, "treat", told if lines else None)


def _treatment_in(playbook: Playbook) -> Treatment:
    handoff, cadence = playbook.handoff, playbook.duties.cadence
    return Treatment(
        raised_minutes=_count_of(handoff.accept_within_hand_raise, "minute", playbook),
        scored_hours=_count_of(handoff.accept_within_scored, "hour", playbook),
        touch_hours=_count_of(handoff.first_touch_within, "hour", playbook),
        calls=cadence.calls if cadence else 0,
        mails=cadence.mails if cadence else 0,
        within_days=cadence.within.count if cadence and cadence.within else None,
        treat={
            code: tuple(
                each.what for each in (playbook.treat_suspect if code == "suspect" else playbook.stages[code].treat)
            )
            for code in playbook.rungs
        },
    )


def _count_of(duration: Duration | None, unit: str, playbook: Playbook) -> int | None:
    """The duration in business minutes or hours, rounded; a business day is as long as the firm's longest day."""
    if duration is None:
        return None
    day = max((sum(end - start for start, end in hours) for hours in playbook.calendar.week), default=0) or 480
    minutes = duration.count * {"minute": 1, "hour": 60, "day": day if duration.is_business else 1440}[duration.unit]
    return round(minutes / {"minute": 1, "hour": 60}[unit])


def _business(count: int | None, unit: Literal["minute", "hour", "day"]) -> str | None:
    return None if not count else str(Duration(count, unit, is_business=True))


# --- what all of them need


def _handed_over_on(playbook: Playbook) -> str:
    code = playbook.handoff.on
    if code not in playbook.stages:
        raise CannotAnswer(f"This playbook does not use the rung {code}, on which hand-offs open: add it first.")
    return code


def _rule(tree: Any, playbook: Playbook, code: str) -> Condition:
    """The rung's condition as it stands now, an earlier answer included."""
    scope = Scope("stage", signals=[signal.name for signal in playbook.signals])
    return parse(str(tree["stages"][code]["enter"]), scope)


def _enter(tree: Any, code: str, condition: Condition) -> None:
    tree["stages"][code]["enter"] = source(condition)


def _section(mapping: Any, key: str, make: Callable[[], Any]) -> Any:
    """The section, made where there is none: only who writes into it calls this, so that nothing else changes."""
    if mapping.get(key) is None:
        mapping[key] = make()
    return mapping[key]


def _set(mapping: Any, key: str, value: object) -> None:
    if value is None or value == {}:
        mapping.pop(key, None)
    else:
        mapping[key] = value


def _inline(told: dict[str, Any]) -> CommentedMap:
    mapping = CommentedMap(told)
    mapping.fa.set_flow_style()
    return mapping


def _conjuncts(condition: Condition) -> tuple[Condition, ...]:
    return condition.parts if isinstance(condition, And) else (condition,)


def _all(parts: Iterable[Condition]) -> Condition:
    flat = tuple(each for part in parts for each in _conjuncts(part))
    return flat[0] if len(flat) == 1 else And(flat)


def _any(parts: Iterable[Condition]) -> Condition:
    flat = tuple(each for part in parts for each in (part.parts if isinstance(part, Or) else (part,)))
    return flat[0] if len(flat) == 1 else Or(flat)


def _at_least(fact: str, number: float) -> Condition:
    return Compare(Fact(fact), ">=", Number(float(number)))


def _number(part: Condition) -> float:
    assert isinstance(part, Compare) and isinstance(part.right, Number)
    return part.right.value


_REACHED: Final = Holds(Fact("reached"))
_SPOKEN: Final = _any(Compare(Fact("times", kind), ">=", Number(1.0)) for kind in SPOKEN_KINDS)

_WRITE: Final[dict[str, Callable[[Any, Playbook, Any], None]]] = {
    "deals": _write_deals,
    "confirmation": _write_confirmation,
    "hand_raise": _write_hand_raise,
    "qualification": _write_qualification,
    "nurture": _write_nurture,
    "treatment": _write_treatment,
}
