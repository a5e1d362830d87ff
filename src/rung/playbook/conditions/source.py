"""The canonical text of a condition, which parses back to the same tree."""

import keyword
import unicodedata
from typing import Final

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
    Number,
    Operand,
    Or,
    Span,
    Text,
    TextTest,
    Truth,
)
from rung.terms.instants import DAY, HOUR


def source(condition: Condition) -> str:
    """The condition as it would best be written. `parse(source(c)) == c`."""
    match condition:
        case And(parts):
            return " and ".join(_conjuncts(parts))
        case Or(parts):
            return " or ".join(source(part) for part in parts)
        case Not(part):
            return f"not {_bracketed(part)}"
        case Compare(left, op, right):
            return f"{source_of(left)} {op} {source_of(right)}"
        case In(operand, items, negated):
            listed = ", ".join(source_of(item) for item in items)
            return f"{source_of(operand)} {'not in' if negated else 'in'} [{listed}]"
        case TextTest(fact, how, pattern):
            return f"{source_of(fact)}.{how}({_quoted(pattern)})"
        case Known(fact):
            return f"known({source_of(fact)})"
        case Holds(operand):
            return source_of(operand)


def source_of(operand: Operand) -> str:
    """An operand as it would best be written."""
    match operand:
        case Number(value):
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case Text(value):
            return _quoted(value)
        case Truth(value):
            return "true" if value else "false"
        case Span(micros):
            unit, word = (DAY, "days") if micros % DAY == 0 else (HOUR, "hours")
            return f"{word}({micros // unit if micros % unit == 0 else repr(micros / unit)})"
        case Fact(name, argument, is_signal):
            if argument is None:
                return _dotted(name)
            return f"{name}({argument if _is_bare(name, argument, is_signal) else _quoted(argument)})"
        case Count(parts):
            return f"count({', '.join(source(part) for part in parts)})"


def _conjuncts(parts: tuple[Condition, ...]) -> list[str]:
    """The parts of an `and`, with `a <= x and x <= b` written as the chain that it was."""
    written: list[str] = []
    for before, part in zip((None, *parts), parts, strict=False):
        if _is_chain(before, part):
            assert isinstance(part, Compare)
            written[-1] += f" {part.op} {source_of(part.right)}"
        else:
            written.append(source(part) if not isinstance(part, Or) else f"({source(part)})")
    return written


def _is_chain(before: Condition | None, part: Condition) -> bool:
    return (
        isinstance(before, Compare)
        and isinstance(part, Compare)
        and before.right == part.left
        and isinstance(part.left, (Fact, Count))
        and before.op[0] == part.op[0]
        and before.op[0] in "<>"
    )


def _bracketed(part: Condition) -> str:
    return source(part) if isinstance(part, (Holds, Known, TextTest)) else f"({source(part)})"


def _dotted(name: str) -> str:
    group, dot, field = name.partition(".")
    plain = field.isidentifier() and not keyword.iskeyword(field) and unicodedata.normalize("NFKC", field) == field
    return name if not dot or plain else f"{group}[{_quoted(field)}]"


def _is_bare(name: str, argument: str, is_signal: bool) -> bool:
    """A kind can stand without quotation marks, and then never means a signal of the same name."""
    is_kind = name in ("times", "since") and not is_signal
    return is_kind and argument.isidentifier() and not keyword.iskeyword(argument)


_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() else _escaped(c)) for c in text) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
