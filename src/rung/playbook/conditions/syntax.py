"""The syntax tree of a condition: frozen, comparable, the same for every target."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

Operator = Literal["<", "<=", ">", ">=", "==", "!="]
Test = Literal["startswith", "endswith", "contains", "matches"]

OPERATORS: Final[tuple[Operator, ...]] = ("<", "<=", ">", ">=", "==", "!=")
TESTS: Final[tuple[Test, ...]] = ("startswith", "endswith", "contains", "matches")
TURNED: Final[dict[Operator, Operator]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
"""What `a op b` becomes when it is written `b op a`."""


def _column() -> int:
    return field(default=0, compare=False, repr=False, kw_only=True)


# --- operands -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written; every target computes with double precision."""

    value: float
    column: int = _column()


@dataclass(frozen=True, slots=True)
class Text:
    """A text in NFC, as values are."""

    value: str
    column: int = _column()


@dataclass(frozen=True, slots=True)
class Truth:
    value: bool
    column: int = _column()


@dataclass(frozen=True, slots=True)
class Span:
    """`days(90)` or `hours(4)`: a length of time in microseconds."""

    micros: int
    column: int = _column()


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to look up: the dotted name, and for `times("Pricing page")` the text in the brackets.

    For `times` and `since`, `is_signal` says whether `argument` names a signal of the playbook or a kind of event.
    """

    name: str
    argument: str | None = None
    is_signal: bool = False
    column: int = _column()


@dataclass(frozen=True, slots=True)
class Count:
    """How many of the conditions hold."""

    parts: "tuple[Condition, ...]"
    column: int = _column()


Constant = Number | Text | Truth
Operand = Number | Text | Truth | Span | Fact | Count


# --- conditions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class And:
    """All hold. Never directly inside another And: the parser flattens. A chain `a <= x <= b` is an And too."""

    parts: "tuple[Condition, ...]"
    column: int = _column()


@dataclass(frozen=True, slots=True)
class Or:
    """At least one holds. Never directly inside another Or."""

    parts: "tuple[Condition, ...]"
    column: int = _column()


@dataclass(frozen=True, slots=True)
class Not:
    """Plain negation: true when the part is false, unknown values included."""

    part: "Condition"
    column: int = _column()


@dataclass(frozen=True, slots=True)
class Compare:
    """False when a side is unknown, when the types differ, and for an order of anything but numbers."""

    left: Operand
    op: Operator
    right: Operand
    column: int = _column()


@dataclass(frozen=True, slots=True)
class In:
    """Equal to one of the items. Negated: known, of the type of at least one item, and equal to none."""

    operand: Operand
    items: tuple[Constant, ...]
    negated: bool = False
    column: int = _column()


@dataclass(frozen=True, slots=True)
class TextTest:
    """A test of a whole text; `contains` also asks whether a list of texts has exactly this element."""

    fact: Fact
    how: Test
    pattern: str
    column: int = _column()


@dataclass(frozen=True, slots=True)
class Known:
    fact: Fact
    column: int = _column()


@dataclass(frozen=True, slots=True)
class Holds:
    """A bare name or `true`: holds only for the boolean true."""

    operand: Fact | Truth
    column: int = _column()


Condition = And | Or | Not | Compare | In | TextTest | Known | Holds
Node = Operand | Condition


def engagement_at_least(points: float) -> Compare:
    """What a bare number means in the playbook's `temperature`."""
    return Compare(Fact("engagement"), ">=", Number(float(points)))


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in the order they are written."""
    match node:
        case And(parts) | Or(parts) | Count(parts):
            return parts
        case Not(part):
            return (part,)
        case Compare(left, _, right):
            return (left, right)
        case In(operand, items):
            return (operand, *items)
        case TextTest(fact) | Known(fact):
            return (fact,)
        case Holds(operand):
            return (operand,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, in the order it is written."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def facts_named(condition: Node) -> list[Fact]:
    """Every fact the condition looks up, each once, in the order it is written."""
    return list(dict.fromkeys(node for node in walk(condition) if isinstance(node, Fact)))
