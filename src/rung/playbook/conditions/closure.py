"""A condition as a Python function: the target that says what the language means."""

import operator
from collections.abc import Callable
from typing import Final, Protocol

from rung.playbook.conditions.globs import glob
from rung.playbook.conditions.syntax import (
    And,
    Compare,
    Condition,
    Count,
    Fact,
    Holds,
    In,
    Known,
    Not,
    Operand,
    Operator,
    Or,
    Span,
    TextTest,
)

Value = float | int | str | bool | tuple[str, ...] | None
"""None means unknown. A length of time is an int of microseconds."""


class Facts(Protocol):
    """Where a condition looks things up."""

    def value(self, fact: Fact, /) -> Value: ...


Test = Callable[[Facts], bool]
Lookup = Callable[[Facts], Value]


def compiled(condition: Condition) -> Test:
    """The function that says whether the condition holds. It never raises for any value of a fact."""
    match condition:
        case And(parts):
            tests = tuple(compiled(part) for part in parts)
            return lambda facts: all(test(facts) for test in tests)
        case Or(parts):
            tests = tuple(compiled(part) for part in parts)
            return lambda facts: any(test(facts) for test in tests)
        case Not(part):
            negated = compiled(part)
            return lambda facts: not negated(facts)
        case Compare(left, op, right):
            return _comparison(_lookup(left), op, _lookup(right))
        case In():
            return _membership(condition)
        case TextTest():
            return _text_test(condition)
        case Known(fact):
            return lambda facts: facts.value(fact) is not None
        case Holds(operand):
            look = _lookup(operand)
            return lambda facts: look(facts) is True


def _lookup(operand: Operand) -> Lookup:
    match operand:
        case Fact():
            return lambda facts: facts.value(operand)
        case Count(parts):
            tests = tuple(compiled(part) for part in parts)
            return lambda facts: sum(test(facts) for test in tests)
        case Span(value):
            return lambda facts: value
        case _:
            constant = operand.value
            return lambda facts: constant


_NUMBERS: Final[dict[Operator, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_REST: Final[dict[Operator, Callable[[object, object], bool]]] = {"==": operator.eq, "!=": operator.ne}
"""Texts and truths have no order."""


def _comparison(left: Lookup, op: Operator, right: Lookup) -> Test:
    numbers, rest = _NUMBERS[op], _REST.get(op)

    def test(facts: Facts) -> bool:
        a, b = left(facts), right(facts)
        kind = kind_of(a)
        if kind is None or kind != kind_of(b):
            return False
        if kind is float:
            return numbers(float(a), float(b))  # type: ignore[arg-type]  # both are numbers: kind_of says so
        return rest is not None and rest(a, b)

    return test


def _membership(condition: In) -> Test:
    look = _lookup(condition.operand)
    items = {(type(item.value), item.value) for item in condition.items}
    kinds = {kind for kind, _ in items}
    negated = condition.negated

    def test(facts: Facts) -> bool:
        value = look(facts)
        kind = kind_of(value)
        return kind in kinds and ((kind, value) in items) is not negated

    return test


def _text_test(condition: TextTest) -> Test:
    fact, pattern = condition.fact, condition.pattern
    test: Callable[[str], bool]
    match condition.how:
        case "startswith":
            test = lambda text: text.startswith(pattern)  # noqa: E731
        case "endswith":
            test = lambda text: text.endswith(pattern)  # noqa: E731
        case "matches":
            test = glob(pattern)
        case "contains":
            return lambda facts: _contains(facts.value(fact), pattern)

    def on_text(facts: Facts) -> bool:
        value = facts.value(fact)
        return isinstance(value, str) and test(value)

    return on_text


def _contains(value: Value, pattern: str) -> bool:
    return isinstance(value, (str, tuple)) and pattern in value


def kind_of(value: Value) -> type | None:
    """What can be compared with what: float for all numbers, str, bool; None for the unknown and for lists."""
    if isinstance(value, bool):
        return bool
    if isinstance(value, (int, float)):
        return float
    return str if isinstance(value, str) else None
