"""A condition as chips: one for each part that must hold, with the condition that is left when it is taken away."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rung.playbook.conditions import (
    FACTS,
    And,
    Compare,
    Condition,
    Fact,
    Holds,
    In,
    Known,
    Not,
    Number,
    Span,
    Text,
    TextTest,
    Truth,
    source,
)
from rung.terms.instants import DAY, HOUR
from rung.terms.kinds import KINDS

Label = Callable[[str], str]
"""What the firm calls a rung or a status."""

_THAN: Final = {">=": "at least", ">": "above", "<=": "at most", "<": "below", "==": "", "!=": "not"}
_TURNED: Final = {">=": "<=", ">": "<", "<=": ">=", "<": ">", "==": "==", "!=": "!="}
_TESTS: Final = {"startswith": "starts with", "endswith": "ends with", "contains": "contains", "matches": "is like"}
_NAMES: Final = {"stage": "rung", "idle": "no sign of life", "in_stage": "on this rung", "bant": "BANT answers"}


@dataclass(frozen=True, slots=True)
class Chip:
    """`name` is quiet, `value` strong; `text` is the part as the playbook writes it, `rest` what remains without it."""

    name: str
    value: str
    text: str
    rest: str

    @property
    def words(self) -> str:
        return f"{self.name} {self.value}".strip()


def chips(condition: Condition | None, label: Label) -> tuple[Chip, ...]:
    """The parts of the condition in the order they are written; a chain such as 50 <= x <= 90 is one of each side."""
    if condition is None:
        return ()
    parts = condition.parts if isinstance(condition, And) else (condition,)
    made = []
    for index, part in enumerate(parts):
        others = parts[:index] + parts[index + 1 :]
        name, value = words(part, label)
        made.append(Chip(name=name, value=value, text=source(part), rest=joined(others)))
    return tuple(made)


def joined(parts: tuple[Condition, ...]) -> str:
    """The condition that all of them hold; empty when there is none."""
    return "" if not parts else source(parts[0]) if len(parts) == 1 else source(And(parts))


def words(part: Condition, label: Label) -> tuple[str, str]:
    """(name, value) of one part: ("score", "at least 50"), ("rung", "MQL, SAL"), ("", "sales accepted")."""
    match part:
        case Compare(Fact() as fact, op, (Number() | Text() | Truth() | Span()) as constant):
            return _compared(fact, op, constant, label)
        case Compare((Number() | Text() | Truth() | Span()) as constant, op, Fact() as fact):
            return _compared(fact, _TURNED[op], constant, label)
        case In(Fact() as fact, items, negated):
            listed = ", ".join(_said(item, fact, label) for item in items)
            return _name(fact), f"not {listed}" if negated else listed
        case TextTest(fact, how, pattern):
            return _name(fact), f"{_TESTS[how]} {pattern.replace('|', ' or ')}"
        case Known(fact):
            return _name(fact), "is known"
        case Holds(Fact() as fact):
            return _held(fact)
        case Not(Holds(Fact() as fact)):
            name, value = _held(fact)
            return f"not {name}".strip(), value
        case Not(Known(fact)):
            return _name(fact), "is not known"
        case _:
            return "", source(part)


def _compared(fact: Fact, op: str, constant: Number | Text | Truth | Span, label: Label) -> tuple[str, str]:
    if isinstance(constant, Span):
        time = _time(constant.micros)
        if fact.name == "since":
            return _name(fact), f"within {time}" if op in ("<", "<=") else f"not for {time}"
        return _name(fact), f"for {time}" if op in (">=", ">") else f"under {time}"
    if fact.name == "times" and isinstance(constant, Number):
        unit = "time" if constant.value == 1 else "times"
        return _name(fact), f"{_THAN[op]} {_number(constant.value)} {unit}".strip()
    return _name(fact), f"{_THAN[op]} {_said(constant, fact, label)}".strip()


def _held(fact: Fact) -> tuple[str, str]:
    if fact.argument is not None:
        return FACTS[fact.name].words, fact.argument
    return "", FACTS[fact.name].words if fact.name in FACTS else _name(fact)


def _name(fact: Fact) -> str:
    if fact.name in ("times", "since"):
        kind = KINDS.get(fact.argument or "")
        return kind.words.lower() if kind and not fact.is_signal else fact.argument or ""
    if fact.name in _NAMES:
        return _NAMES[fact.name]
    if fact.name in FACTS:
        return FACTS[fact.name].words if fact.name != "status" else "status"
    group, _, field = fact.name.partition(".")
    field = field.replace("_", " ")
    return field if group == "person" else f"{group} {field}"


def _said(constant: Number | Text | Truth | Span, fact: Fact, label: Label) -> str:
    match constant:
        case Number(value):
            return _number(value)
        case Text(value):
            return label(value) if fact.name in ("stage", "status") else value
        case Truth(value):
            return "yes" if value else "no"
        case Span(micros):
            return _time(micros)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value.is_integer() else f"{value:,g}"


def _time(micros: int) -> str:
    amount, unit = (micros / DAY, "day") if micros % DAY == 0 else (micros / HOUR, "hour")
    return f"{amount:g} {unit}{'' if amount == 1 else 's'}"
