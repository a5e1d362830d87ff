"""What one can filter people by: the menu, the one clause it makes, and reading a condition that somebody typed."""

import re
from dataclasses import dataclass
from typing import Final

from rung.playbook.conditions import (
    FACTS,
    And,
    Compare,
    Condition,
    ConditionError,
    Fact,
    Holds,
    In,
    Known,
    Not,
    Number,
    Scope,
    Span,
    Text,
    TextTest,
    check,
    parse,
    source,
)
from rung.playbook.definitions import Playbook
from rung.terms.instants import DAY

HOWS: Final = (
    ("ge", "at least"),
    ("le", "at most, or within"),
    ("eq", "is"),
    ("ne", "is not"),
    ("has", "contains"),
    ("known", "is known"),
    ("unknown", "is not known"),
)

_TRUTHS: Final = (
    "reachable accepted rejected returned touched reached budget authority need timing deal.open deal.won deal.lost "
    "is_customer consented unsubscribed"
).split()
_MARKS: Final = ("friction", "answered", "ticked")
_FIELDS: Final = (
    ("person.title", "Title"),
    ("person.country", "Country"),
    ("person.source", "Source"),
    ("person.campaign", "Campaign"),
    ("person.email_domain", "Domain of the address"),
    ("company.industry", "Company: industry"),
    ("company.employees", "Company: employees"),
)
_NUMBERS: Final = (("score", "Score"), ("fit", "Fit"), ("engagement", "Engagement"), ("bant", "BANT answers"))
_SPANS: Final = (("idle", "Days without a sign of life"), ("in_stage", "Days on this rung"))
_MEANT: Final = re.compile(r"did you mean [`\"](?P<name>[^`\"]+)[`\"]\?")
_WORD: Final = re.compile(r"\"[^\"]*\"|'[^']*'|[A-Za-z_][\w.]*")


class BadClause(ValueError):
    """The menu was filled in a way that makes no condition; the words say what to change."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A condition that was not understood: what is wrong, where, and the whole text put right if we can guess it."""

    said: str
    at: int
    fixed: str = ""
    fix: str = ""


def scope(playbook: Playbook) -> Scope:
    return Scope(place="filter", signals=tuple(signal.name for signal in playbook.signals))


def read(text: str, playbook: Playbook) -> tuple[Condition | None, Wrong | None]:
    """The condition, or what is wrong with it. Empty text is no condition."""
    if not text.strip():
        return None, None
    asked = scope(playbook)
    try:
        condition = parse(text, asked)
    except ConditionError as fault:
        return None, _wrong(text, fault)
    doubts = check(condition, asked)
    if doubts:
        return None, Wrong(said=f"{doubts[0].rstrip('.')}.", at=-1)
    return condition, None


Menu = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def menu(playbook: Playbook) -> Menu:
    """Groups of (code, label): what the filter menu offers."""
    return (
        ("Where they stand", (("stage", "Rung"), ("status", "Status"), *_NUMBERS, *_SPANS)),
        ("What they did, how often", tuple((f"times:{signal.name}", signal.name) for signal in playbook.signals)),
        ("What they did, days ago", tuple((f"since:{signal.name}", signal.name) for signal in playbook.signals)),
        ("What sales knows", tuple((name, FACTS[name].words.capitalize()) for name in _TRUTHS)),
        ("What sales was told", tuple(_told(playbook))),
        ("Who they are", _FIELDS),
    )


def _told(playbook: Playbook) -> list[tuple[str, str]]:
    """What the playbook names and sales ticks, finds or asks."""
    frictions = dict.fromkeys(name for letter in playbook.qualification.values() for name in letter.frictions)
    return [
        *((f"friction:{name}", f"In the way: {name}") for name in frictions),
        *((f"answered:{each.name}", f"Answered: {each.ask}") for each in playbook.questions),
        *((f"ticked:{line}", f"Ticked: {line}") for each in playbook.checklists for line in each.lines),
    ]


def with_clause(condition: Condition | None, *, fact: str, how: str, value: str, playbook: Playbook) -> str:
    """The condition with one more part, as text. Raises BadClause."""
    made = clause(fact=fact, how=how, value=value.strip(), playbook=playbook)
    parts = () if condition is None else condition.parts if isinstance(condition, And) else (condition,)
    return source(made) if not parts else source(And((*parts, *(made.parts if isinstance(made, And) else (made,)))))


def clause(*, fact: str, how: str, value: str, playbook: Playbook) -> Condition:
    known = {code for _, items in menu(playbook) for code, _ in items}
    if fact not in known or how not in dict(HOWS):
        raise BadClause("Choose what to filter by from the menu.")
    name, _, argument = fact.partition(":")
    asked = Fact(name, argument or None, is_signal=name in ("times", "since"))
    if how in ("known", "unknown"):
        if name in ("times", *_MARKS, *dict(_NUMBERS), "stage", "status"):
            raise BadClause("This is always known. Choose “at least” or “is”.")
        return Known(asked) if how == "known" else Not(Known(asked))
    if name in _TRUTHS or name in _MARKS:
        return Not(Holds(asked)) if how == "ne" or value.lower() in ("no", "false") else Holds(asked)
    if name == "since" or name in dict(_SPANS):
        return Compare(asked, ">=" if how == "ge" else "<", Span(_days(value)))
    if name in ("stage", "status"):
        return _place(asked, how, value, playbook)
    if name == "times" or name in dict(_NUMBERS):
        return _number(asked, how, value)
    return _field(asked, how, value)


def _place(asked: Fact, how: str, value: str, playbook: Playbook) -> Condition:
    codes = playbook.rungs if asked.name == "stage" else ("active", "lost", "nurture", "disqualified")
    by_label = {playbook.label(code).lower(): code for code in codes} | {
        playbook.short_label(code).lower(): code for code in codes
    }
    code = value if value in codes else by_label.get(value.lower())
    if code is None:
        raise BadClause(f"There is no {value or 'such rung'}. There is {', '.join(map(playbook.short_label, codes))}.")
    place = codes.index(code)
    if how in ("ge", "le") and asked.name == "stage":
        rungs = codes[place:] if how == "ge" else codes[: place + 1]
        return In(asked, tuple(Text(rung) for rung in rungs))
    return Compare(asked, "!=" if how == "ne" else "==", Text(code))


def _number(asked: Fact, how: str, value: str) -> Condition:
    number = _as_number(value)
    if number is None:
        raise BadClause("Write a number.")
    ops: dict[str, str] = {"ge": ">=", "le": "<=", "eq": "==", "ne": "!="}
    if how not in ops:
        raise BadClause("A number is at least, at most, is or is not something.")
    return Compare(asked, ops[how], Number(number))  # type: ignore[arg-type]


def _field(asked: Fact, how: str, value: str) -> Condition:
    if not value:
        raise BadClause("Write a value.")
    if how == "has":
        return TextTest(asked, "matches", f"*{value}*")
    number = _as_number(value)
    if how in ("ge", "le") or number is not None:
        return _number(asked, how, value)
    return Compare(asked, "!=" if how == "ne" else "==", Text(value))


def _days(value: str) -> int:
    number = _as_number(value)
    if number is None or not 0 <= number <= 36_500:
        raise BadClause("Write a number of days.")
    return round(number * DAY)


def _as_number(value: str) -> float | None:
    try:
        number = float(value.replace(",", ""))
    except ValueError:
        return None
    return number if abs(number) < 1e15 else None


def _wrong(text: str, fault: ConditionError) -> Wrong:
    meant = _MEANT.search(fault.fix)
    fixed = ""
    if meant:
        word = next((found for found in _WORD.finditer(text) if found.start() >= fault.column), None)
        if word:
            inner = f'"{meant["name"]}"' if word.group()[0] in "\"'" else meant["name"]
            fixed = text[: word.start()] + inner + text[word.end() :]
    fix = fault.fix[:1].upper() + fault.fix[1:]
    return Wrong(said=f"{fault.message}.", at=fault.column, fixed=fixed, fix=meant["name"] if fixed and meant else fix)
