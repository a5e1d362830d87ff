"""Whether a condition can ever hold: bounds that contradict each other, and answers fixed by what is known.

Neither test is complete, and neither is ever wrong when it says "never".
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from rung.playbook.conditions import (
    And,
    Compare,
    Condition,
    Count,
    Fact,
    Holds,
    In,
    Not,
    Number,
    Or,
    Span,
    Text,
    Truth,
    source,
)
from rung.playbook.conditions.syntax import Operand

MOST_BRANCHES: Final = 256
"""Alternatives looked at; a condition with more is taken to be possible."""

Known = Mapping[str, str | float | bool]
"""Values of facts by name, as far as they are known: texts, numbers (spans in microseconds), truths."""

Bounds = Mapping[str, tuple[float, float]]
"""Least and greatest value a numeric fact can have in this playbook."""

_ALWAYS_KNOWN: Final = frozenset(
    "fit engagement score signals visits times bant bant_told idle in_stage lap stage status".split()
)
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


# --- what is fixed by what is known ---------------------------------------------------------------------------------


def folded(condition: Condition, known: Known) -> bool | None:
    """The answer where the known facts settle it, whatever the others are; else None."""
    match condition:
        case And(parts):
            answers = [folded(part, known) for part in parts]
            return False if False in answers else None if None in answers else True
        case Or(parts):
            answers = [folded(part, known) for part in parts]
            return True if True in answers else None if None in answers else False
        case Not(part):
            answer = folded(part, known)
            return None if answer is None else not answer
        case Holds(Truth(value)):
            return value
        case Holds(Fact(name, None)) if isinstance(known.get(name), bool):
            return bool(known[name])
        case Compare(left, op, right):
            return _compared(_value(left, known), op, _value(right, known))
        case In(operand, items, negated):
            given = _value(operand, known)
            return None if given is None else (given in [_value(item, known) for item in items]) != negated
        case _:
            return None


def _value(operand: Operand, known: Known) -> str | float | bool | None:
    match operand:
        case Number(value) | Text(value) | Truth(value):
            return value
        case Span(micros):
            return micros
        case Fact(name, None):
            return known.get(name)
        case _:
            return None


def _compared(left: str | float | bool | None, op: str, right: str | float | bool | None) -> bool | None:
    if left is None or right is None:
        return None
    if op in ("==", "!="):
        return (left == right) == (op == "==")
    if isinstance(left, str) or isinstance(right, str):
        return False
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[op]


# --- what contradicts itself ----------------------------------------------------------------------------------------


@dataclass
class _Wanted:
    """What one alternative of a condition asks of one fact, gathered part by part."""

    least: float = -math.inf
    is_above: bool = False
    most: float = math.inf
    is_below: bool = False
    texts: frozenset[str] | None = None
    truth: bool | None = None
    told: list[str] = field(default_factory=list)

    def is_possible(self) -> bool:
        open_end = self.is_above or self.is_below
        return not (self.least > self.most or (self.least == self.most and open_end)) and self.texts != frozenset()


def contradiction(condition: Condition, bounds: Bounds | None = None) -> str | None:
    """Why the condition can never hold, or None where it may. `bounds` limit what numbers can be at all."""
    reasons: list[str] = []
    for branch in _branches(condition):
        if branch is None:
            return None
        reason = _clash(branch, bounds or {})
        if reason is None:
            return None
        reasons.append(reason)
    return reasons[0] if reasons else None


def dead_alternatives(condition: Condition) -> list[str]:
    """Reasons for those alternatives of a condition that can never hold while others may."""
    branches = list(_branches(condition))
    if None in branches:
        return []
    reasons = [_clash(branch or (), {}) for branch in branches]
    return list(dict.fromkeys(reason for reason in reasons if reason)) if None in reasons else []


def _branches(condition: Condition) -> Iterator[tuple[Condition, ...] | None]:
    """The alternatives, each a conjunction of simple parts; a single None when there are too many."""
    found = _alternatives(condition, True)
    if found is None:
        yield None
    else:
        yield from found


def _alternatives(condition: Condition, wanted: bool) -> list[tuple[Condition, ...]] | None:
    match condition:
        case Not(part):
            return _alternatives(part, not wanted)
        case And(parts) | Or(parts):
            each = [_alternatives(part, wanted) for part in parts]
            lists = [branches for branches in each if branches is not None]
            if len(lists) < len(each):
                return None
            if isinstance(condition, Or) == wanted:
                joined = [branch for branches in lists for branch in branches]
                return joined if len(joined) <= MOST_BRANCHES else None
            if math.prod(len(branches) for branches in lists) > MOST_BRANCHES:
                return None
            return [tuple(part for branch in chosen for part in branch) for chosen in product(*lists)]
        case _:
            return [(condition if wanted else Not(condition),)]


def _clash(branch: tuple[Condition, ...], bounds: Bounds) -> str | None:
    wanted: dict[str, _Wanted] = {}
    for part in branch:
        key = _note(part, wanted, bounds)
        if key is not None and not wanted[key].is_possible():
            told = wanted[key].told
            if len(told) == 1 and key in bounds:
                low, high = bounds[key]
                reach = f"at most {high:g}" if wanted[key].least > high or high < math.inf else f"at least {low:g}"
                return f"`{told[0]}` is out of reach: {key} can be {reach} with these lines"
            if told[0] == told[-1]:
                return f"`{told[0]}` cannot be"
            return f"`{told[0]}` and `{told[-1]}` cannot both be"
    return None


def _note(part: Condition, wanted: dict[str, _Wanted], bounds: Bounds) -> str | None:
    """Takes one part into account; the key of the fact it speaks of, or None where we cannot tell."""
    is_wanted, inner = (False, part.part) if isinstance(part, Not) else (True, part)
    match inner:
        case Holds(Fact() as fact):
            return _note_truth(wanted, fact, is_wanted, source(part))
        case Compare(left, op, right):
            if isinstance(left, (Number, Span, Text)):
                left, op, right = right, _TURNED[op], left  # type: ignore[assignment]
            if not is_wanted:
                if not (isinstance(left, Count) or (isinstance(left, Fact) and left.name in _ALWAYS_KNOWN)):
                    return None
                op = _OPPOSITE[op]  # type: ignore[assignment]
            return _note_compare(wanted, bounds, left, op, right, source(part))
        case In(Fact() as fact, items, negated) if fact.argument is None:
            texts = frozenset(item.value for item in items if isinstance(item, Text))
            if len(texts) < len(items) or (not is_wanted and fact.name not in _ALWAYS_KNOWN):
                return None
            return _note_texts(wanted, fact.name, texts, negated == is_wanted, source(part))
        case _:
            return None


def _note_truth(wanted: dict[str, _Wanted], fact: Fact, truth: bool, told: str) -> str:
    key = source(Holds(fact))
    want = wanted.setdefault(key, _Wanted())
    want.told.append(told)
    if want.truth is not None and want.truth != truth:
        want.texts = frozenset()
    want.truth = truth
    return key


def _note_texts(wanted: dict[str, _Wanted], key: str, texts: frozenset[str], is_excluded: bool, told: str) -> str:
    want = wanted.setdefault(key, _Wanted())
    if is_excluded:
        if want.texts is None:
            return key
        want.texts -= texts
    else:
        want.texts = texts if want.texts is None else want.texts & texts
    want.told.append(told)
    return key


def _note_compare(
    wanted: dict[str, _Wanted], bounds: Bounds, left: Operand, op: str, right: Operand, told: str
) -> str | None:
    if not isinstance(left, (Fact, Count)):
        return None
    key = source(Compare(left, "==", Number(0.0))).removesuffix(" == 0")
    if isinstance(right, Text):
        if op not in ("==", "!="):
            return None
        return _note_texts(wanted, key, frozenset({right.value}), op == "!=", told)
    number = right.value if isinstance(right, Number) else right.micros if isinstance(right, Span) else None
    if number is None or op == "!=":
        return None
    low, high = (0.0, float(len(left.parts))) if isinstance(left, Count) else bounds.get(key, (-math.inf, math.inf))
    want = wanted.setdefault(key, _Wanted(least=low, most=high))
    want.told.append(told)
    if op in (">", ">=", "==") and number >= want.least:
        want.is_above = op == ">" or (want.is_above and number == want.least)
        want.least = number
    if op in ("<", "<=", "==") and number <= want.most:
        want.is_below = op == "<" or (want.is_below and number == want.most)
        want.most = number
    if (op == "==") and not (low <= number <= high):
        want.least, want.most = math.inf, -math.inf
    return key
