"""Text to syntax tree: a whitelist over Python's own parser. Nothing is ever evaluated."""

import ast
import keyword
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeGuard

from rung.playbook.conditions.facts import FACTS, GROUPS, Scope, is_allowed, nearest, type_of
from rung.playbook.conditions.source import source_of
from rung.playbook.conditions.syntax import (
    OPERATORS,
    TESTS,
    TURNED,
    And,
    Compare,
    Condition,
    Constant,
    Count,
    Fact,
    Holds,
    In,
    Known,
    Not,
    Number,
    Operand,
    Operator,
    Or,
    Span,
    Test,
    Text,
    TextTest,
    Truth,
)
from rung.terms.instants import DAY, HOUR
from rung.terms.values import LARGEST_NUMBER

LONGEST: Final = 1_024
"""Bytes of a condition."""
DEEPEST: Final = 24
"""Levels of nesting; each bracket, `not` or `count` that changes the meaning is one."""
LONGEST_SPAN: Final = 36_500
"""Days."""

_UNITS: Final = {"days": DAY, "hours": HOUR}
_FUNCTIONS: Final = ("days", "hours", "known", "since", "times", "count", "friction", "answered", "ticked")
_OPERATORS: Final[dict[type[ast.cmpop], Operator]] = dict(
    zip((ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq), OPERATORS, strict=True)
)
_TRUTHS: Final = {"true": True, "false": False}
_ESCAPES: Final = re.compile(r"""\\(?:[\\'"nt]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|(?P<bad>))""")
_GLUED: Final = re.compile(r"(?<!\w)\d[\w.]*?(and|or|in|is|if|else|not)\b", re.ASCII)
"""`1and true`: Python reads it and grumbles on the console."""
_QUOTED: Final = re.compile(r"\"(\\.|[^\"\\])*\"|'(\\.|[^'\\])*'")
_FORBIDDEN: Final = re.compile("[\x00\ud800-\udfff]")
_BLANK: Final = str.maketrans("\n\r\t\f\v", "     ")


class ConditionError(ValueError):
    """A condition that is refused: what is wrong, at which character (from 0), and what to write instead.

    `others` is what is wrong besides, in other parts of the condition.
    """

    def __init__(self, message: str, column: int = 0, fix: str = "") -> None:
        super().__init__(message, column, fix)
        self.message = message
        self.column = column
        self.fix = fix
        self.others: list[ConditionError] = []

    def __str__(self) -> str:
        return f"{self.message} (character {self.column + 1})" + (f": {self.fix}" if self.fix else "")


def parse(text: str, scope: Scope, longest: int = LONGEST) -> Condition:
    """The condition that the text says. Raises ConditionError, and nothing else, for text that is none.

    `longest` is the limit in bytes; only canonical text, which may grow by a few brackets, needs another.
    """
    tree = _python(text, longest)
    return _Reader(text, scope).condition(tree, 0)


# --- Python's parser ------------------------------------------------------------------------------------------------


def _python(text: str, longest: int) -> ast.expr:
    broken = _FORBIDDEN.search(text)
    if broken:
        raise ConditionError("A NUL or a broken character", broken.start(), "remove it")
    if len(text.encode()) > longest:
        raise ConditionError(
            f"The condition is {len(text.encode())} bytes long, {longest} are allowed",
            longest,
            "split it, for instance into two fit lines or two signals",
        )
    lead = len(text) - len(text.lstrip())
    if lead == len(text):
        raise ConditionError("The condition is empty", 0, "write what must hold, such as score >= 50")
    for escape in _ESCAPES.finditer(text):
        if escape["bad"] is not None:
            raise ConditionError("A single \\ has no meaning here", escape.start(), "write \\\\ for one")
    glued = _GLUED.search(_without_texts(text))
    if glued:
        raise ConditionError(f"`{glued.group()}` is two words in one", glued.start(), "put a blank between them")
    try:
        tree = ast.parse(text.translate(_BLANK).lstrip(), mode="eval").body
    except SyntaxError as fault:
        raise _explained(text, lead, fault) from None
    except (RecursionError, MemoryError, ValueError):
        raise _too_deep(0) from None
    if _rest(text, tree):
        column = text.find("#", _characters(text, tree.end_col_offset or 0))
        raise ConditionError("A condition has no comments", max(column, 0), "put the comment on a line of its own")
    return tree


def _rest(text: str, tree: ast.expr) -> str:
    """What stands behind the expression but brackets and blanks: a comment, which Python drops silently."""
    return text.lstrip().encode()[tree.end_col_offset :].decode().strip().strip(") \n\r\t\f\v")


def _characters(text: str, offset: int) -> int:
    """Python counts bytes from the first that is no blank; people count characters from the start."""
    stripped = text.lstrip()
    return len(text) - len(stripped) + len(stripped.encode()[:offset].decode(errors="ignore"))


def _too_deep(column: int) -> ConditionError:
    return ConditionError(
        f"The condition is nested deeper than {DEEPEST} levels", column, "split it, or say it with fewer brackets"
    )


_HINTS: Final[tuple[tuple[str, str], ...]] = (
    (r"&&", "write `and`"),
    (r"\|\|", "write `or`"),
    (r"\b(AND|OR|NOT|IN)\b", "write `and`, `or`, `not`, `in` in small letters"),
    (r"<>", "write `!=`"),
    (r"=[<>]", "write `<=` or `>=`"),
    (r"!(?!=)", "write `not`"),
    (r"(?<![<>=!])=(?!=)", "write `==` to compare"),
    (r"\b(person|company|data)\.(\w+)", 'a field named like one of Python\'s own words is written person["{1}"]'),
)


def _explained(text: str, lead: int, fault: SyntaxError) -> ConditionError:
    at_end = len(text.rstrip()) - 1
    column = min(fault.offset - 1 + lead, at_end) if fault.offset and fault.lineno == 1 else at_end  # 0: ends too soon
    reason = fault.msg or ""
    if "nested" in reason:
        return _too_deep(column)
    if "unterminated" in reason:
        return ConditionError("A quotation mark is not closed", column, "close the text with the same mark")
    if "was never closed" in reason:
        return ConditionError("A bracket is not closed", column, "close it")
    if "unmatched" in reason or "does not match" in reason:
        return ConditionError("A bracket closes none that is open", column, "remove it or open one")
    bare = _without_texts(text)
    for pattern, fix in _HINTS[:-1]:
        found = re.search(pattern, bare)
        if found:
            return ConditionError(f"`{found.group()}` is not part of a condition", found.start(), fix)
    field = _keyword_field(bare)
    if field:
        return field
    return ConditionError("This is no condition", column, "write for instance: score >= 50 and reachable")


def _without_texts(text: str) -> str:
    return _QUOTED.sub(lambda found: " " * len(found.group()), text)


def _keyword_field(text: str) -> ConditionError | None:
    for found in re.finditer(_HINTS[-1][0], text):
        group, name = found.groups()
        if keyword.iskeyword(name):
            return ConditionError(
                f"`{name}` is one of Python's own words", found.start(2), f'write {group}["{name}"] for this field'
            )
    return None


# --- the whitelist --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reader:
    """Lowers Python's tree into ours, refusing all that is not on the list."""

    text: str
    scope: Scope

    # conditions

    def condition(self, node: ast.expr, depth: int) -> Condition:
        at = self.column(node)
        if depth > DEEPEST:
            raise _too_deep(at)
        match node:
            case ast.BoolOp(op=ast.And()):
                return And(self.flattened(node, And, depth), column=at)
            case ast.BoolOp(op=ast.Or()):
                return Or(self.flattened(node, Or, depth), column=at)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Not(self.condition(operand, depth + 1), column=at)
            case ast.Compare():
                return self.comparison(node, depth)
            case ast.Call(func=ast.Name(id="known")):
                return Known(self.fact(self.only_argument(node, "one fact, such as known(person.title)")), column=at)
            case ast.Call(func=ast.Attribute()):
                return self.text_test(node)
            case _:
                return self.bare(node, depth)

    def flattened(self, node: ast.BoolOp, kind: type[And] | type[Or], depth: int) -> tuple[Condition, ...]:
        parts: list[Condition] = []
        faults: list[ConditionError] = []
        for value in node.values:
            try:
                part = self.condition(value, depth + 1)
            except ConditionError as fault:
                faults += [fault, *fault.others]
                continue
            parts.extend(part.parts if isinstance(part, kind) else (part,))
        if faults:
            faults[0].others = faults[1:]
            raise faults[0]
        return tuple(parts)

    def bare(self, node: ast.expr, depth: int) -> Condition:
        operand = self.operand(node, depth)
        shown = self.source(node)
        match operand:
            case Fact(name="times"):
                raise self.refused(node, f"`{shown}` is a number, no condition", f"write {shown} >= 1")
            case Fact(name="since"):
                raise self.refused(node, f"`{shown}` is a length of time, no condition", f"write {shown} < days(30)")
            case Fact() | Truth():
                return Holds(operand, column=operand.column)
            case Count():
                raise self.refused(node, "count() is a number, no condition", "compare it, such as count(a, b) >= 2")
            case _:
                raise self.refused(node, f"`{shown}` is no condition by itself", "compare it, such as score >= 50")

    # comparisons

    def comparison(self, node: ast.Compare, depth: int) -> Condition:
        parts: list[Condition] = []
        left_node = node.left
        left: Operand | None = None
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, (ast.In, ast.NotIn)):
                negated = isinstance(op, ast.NotIn)
                parts.append(self.membership(left_node, left, right_node, negated, depth))
                left = None
            elif isinstance(op, (ast.Is, ast.IsNot)):
                raise self.refused(
                    right_node, "`is` is not part of a condition", "write == to compare, known(x) to ask"
                )
            else:
                left = left if left is not None else self.operand(left_node, depth)
                right = self.operand(right_node, depth)
                parts.append(self.compared(node, left, _OPERATORS[type(op)], right))
                left = right
            left_node = right_node
        return parts[0] if len(parts) == 1 else And(tuple(parts), column=self.column(node))

    def membership(
        self, left_node: ast.expr, left: Operand | None, right: ast.expr, negated: bool, depth: int
    ) -> Condition:
        if not isinstance(right, ast.List):
            turned = f"{self.source(right)}.contains({self.source(left_node)})"
            fix = f"to ask a list, write {turned}" if isinstance(right, (ast.Name, ast.Attribute)) else "write [a, b]"
            raise self.refused(right, "`in` needs a list in square brackets", fix)
        operand = left if left is not None else self.operand(left_node, depth)
        if type_of(operand) == "span":
            raise self.refused(left_node, "A length of time is in no list", "compare it with >= or <")
        if not right.elts:
            raise self.refused(right, "The list is empty", "name at least one value")
        items: list[Constant] = []
        for item in right.elts:
            value = self.operand(item, depth)
            if not isinstance(value, (Number, Text, Truth)):
                raise self.refused(item, "A list holds fixed values only", "write texts, numbers, true or false")
            items.append(value)
        return In(operand, tuple(items), negated, column=self.column(left_node))

    def compared(self, node: ast.Compare, left: Operand, op: Operator, right: Operand) -> Compare:
        if type_of(left) != "span" and type_of(right) != "span":
            return Compare(left, op, right, column=left.column)
        if isinstance(left, Span):
            left, op, right = right, TURNED[op], left
        are_lengths = type_of(left) == "span" and type_of(right) == "span"
        if not isinstance(left, Fact) or not are_lengths or not isinstance(right, (Fact, Span)):
            shown = self.source(node)
            raise ConditionError(
                f"`{shown}` compares a length of time with something else",
                min(left.column, right.column),
                "compare idle, in_stage or since() with days() or hours(), such as idle >= days(90)",
            )
        if op not in (">=", "<"):
            better = ">=" if op in (">", "==") else "<"
            raise ConditionError(
                "A length of time is compared with >= or < only",
                min(left.column, right.column),
                f"write {source_of(left)} {better} {source_of(right)}",
            )
        return Compare(left, op, right, column=min(left.column, right.column))

    def text_test(self, node: ast.Call) -> Condition:
        assert isinstance(node.func, ast.Attribute)
        how: Test | None = next((test for test in TESTS if test == node.func.attr), None)
        if how is None:
            raise self.no_such_test(node, node.func.attr)
        fact = self.fact(node.func.value)
        pattern = self.operand(self.only_argument(node, f'one text, such as .{how}("vp")'), 0)
        if not isinstance(pattern, Text):
            raise self.refused(node.args[0], f"`.{how}()` needs a text in quotation marks", f'write .{how}("…")')
        if not pattern.value:
            raise self.refused(
                node.args[0], f"`.{how}()` of an empty text", f"write known({self.source(node.func.value)})"
            )
        if how == "matches" and not all(pattern.value.split("|")):
            raise self.refused(node.args[0], "An alternative between the | is empty", "remove the | too many")
        return TextTest(fact, how, pattern.value, column=self.column(node))

    # operands

    def operand(self, node: ast.expr, depth: int) -> Operand:
        at = self.column(node)
        match node:
            case ast.Constant():
                return self.constant(node)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)) if _is_number(value):
                return Number(self.finite(node, -value), column=at)
            case ast.Name(id=("true" | "false") as word):
                return Truth(_TRUTHS[word], column=at)
            case ast.Call(func=ast.Name(id="count")):
                return self.count(node, depth)
            case ast.Call(func=ast.Name(id=("days" | "hours") as unit)):
                return self.span(node, unit)
            case _:
                return self.fact(node)

    def constant(self, node: ast.Constant) -> Operand:
        at = self.column(node)
        match node.value:
            case bool() as value:
                return Truth(value, column=at)
            case str() as text:
                broken = _FORBIDDEN.search(text)
                if broken:
                    raise self.refused(node, "The text holds a NUL or a broken character", "remove it")
                return Text(unicodedata.normalize("NFC", text), column=at)
            case int() | float() as number:
                return Number(self.finite(node, number), column=at)
            case None:
                raise self.refused(node, "`None` is not part of a condition", "write known(x), or not known(x)")
            case _:
                raise self.refused(
                    node, f"`{self.source(node)}` is not part of a condition", "write a text or a number"
                )

    def finite(self, node: ast.expr, number: float) -> float:
        if not -LARGEST_NUMBER < number < LARGEST_NUMBER:  # nor NaN, nor infinite, nor a number beyond any float
            raise self.refused(node, "The number is too large", "numbers go up to 2^63")
        return float(number) + 0.0  # no -0.0: it prints as another text than 0 and equals it

    def span(self, node: ast.Call, unit: str) -> Span:
        length = self.only_argument(node, f"one number, such as {unit}(30)")
        value = length.value if isinstance(length, ast.Constant) else None
        if not _is_number(value) or not -LARGEST_NUMBER < value < LARGEST_NUMBER:
            raise self.refused(length, f"{unit}() needs a number that is not negative", f"write {unit}(30)")
        micros = round(Fraction(value) * _UNITS[unit])
        if micros > LONGEST_SPAN * DAY:
            raise self.refused(length, "The time is longer than 100 years", f"write {unit}(30)")
        return Span(micros, column=self.column(node))

    def count(self, node: ast.Call, depth: int) -> Count:
        if not node.args or node.keywords or any(isinstance(part, ast.Starred) for part in node.args):
            raise self.refused(node, "count() needs conditions", "write count(budget, need, visits >= 2) >= 2")
        return Count(tuple(self.condition(part, depth + 1) for part in node.args), column=self.column(node))

    # facts

    def fact(self, node: ast.expr) -> Fact:
        at = self.column(node)
        match node:
            case ast.Name(id=name):
                return self.named(node, name)
            case ast.Attribute(value=ast.Name(id=group), attr=field):
                return self.named(node, f"{group}.{field}")
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id=group))) if group in GROUPS:
                raise self.refused(node, f"`{self.source(node)}` is too deep", f"a field is written {group}.<field>")
            case ast.Subscript(value=ast.Name(id=group), slice=ast.Constant(value=str() as field)) if group in GROUPS:
                if not field or _FORBIDDEN.search(field):
                    raise self.refused(node, "The field has no proper name", f'write {group}["Job title"]')
                return self.placed(Fact(f"{group}.{field}", column=at))
            case ast.Call(func=ast.Name(id=name)):
                return self.looked_up(node, name)
            case ast.Call(func=ast.Attribute(attr=test)) if test not in TESTS:
                raise self.no_such_test(node, test)
            case ast.Call(func=ast.Attribute()):
                raise self.refused(node, "A test of a text is true or false by itself", "do not compare it")
            case _:
                raise self.foreign(node)

    def named(self, node: ast.expr, name: str) -> Fact:
        group, dot, _ = name.partition(".")
        if group in GROUPS:
            if not dot:
                raise self.refused(node, f"`{name}` is a group of fields", f"write {name}.<field>")
            return self.placed(Fact(name, column=self.column(node)))
        known = FACTS.get(name)
        if known is None:
            raise self.unknown(node, name)
        if known.brackets:
            example = {"happening": '"Pricing page"', "line": '"line"'}.get(known.brackets, '"text"')
            raise self.refused(node, f"`{name}` needs brackets", f"write {name}({example})")
        return self.placed(Fact(name, column=self.column(node)))

    def looked_up(self, node: ast.Call, name: str) -> Fact:
        known = FACTS.get(name)
        if known is None or not known.brackets:
            if known or name in _FUNCTIONS:
                raise self.refused(node, f"`{name}()` cannot stand here", f"write {name}" if known else "use a fact")
            meant = nearest(name, _FUNCTIONS)
            fix = f"did you mean {meant}()?" if meant else "there are " + " ".join(f"{word}()" for word in _FUNCTIONS)
            raise self.refused(node, f"There is no `{name}()`", fix)
        argument = self.only_argument(node, f'one name, such as {name}("Pricing page")')
        at = self.column(node)
        if known.brackets == "happening":
            text, is_signal = self.happening(argument)
            return self.placed(Fact(name, text, is_signal, column=at))
        text_node = self.operand(argument, 0)
        if not isinstance(text_node, Text) or not text_node.value:
            raise self.refused(argument, f"`{name}()` needs a text in quotation marks", f'write {name}("…")')
        return self.placed(Fact(name, text_node.value, column=at))

    def happening(self, node: ast.expr) -> tuple[str, bool]:
        """What times() and since() count: quoted a signal if there is one of that name, else a kind; bare a kind."""
        if isinstance(node, ast.Name):
            if node.id not in self.scope.kinds:
                raise self.unknown_happening(node, node.id, self.scope.kinds)
            return node.id, False
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            raise self.refused(node, "The name of a signal or of a kind of event is missing", 'write "Pricing page"')
        name = unicodedata.normalize("NFC", node.value)
        if name in self.scope.signals:
            return name, True
        if name in self.scope.kinds:
            return name, False
        raise self.unknown_happening(node, name, [*self.scope.signals, *self.scope.kinds])

    def unknown_happening(self, node: ast.expr, name: str, names: Collection[str]) -> ConditionError:
        meant = nearest(name, names)
        if meant is None or not isinstance(node, ast.Name):
            meant = nearest(name, self.scope.signals) or meant
            meant = f'"{meant}"' if meant in self.scope.signals else meant
        what = "kind of event" if isinstance(node, ast.Name) else "signal or kind of event"
        fix = f"did you mean {meant}?" if meant else 'a signal is written with quotation marks: "Pricing page"'
        return self.refused(node, f"There is no {what} `{name}`", fix)

    def placed(self, fact: Fact) -> Fact:
        """The fact, if it may be named where the condition stands."""
        place = self.scope.place
        if is_allowed(fact.name, place):
            return fact
        if fact.name.startswith("data."):
            raise ConditionError(
                f"`{fact.name}` can be named only in the `when` of a signal",
                fact.column,
                'make a signal of it and write times("its name") >= 1',
            )
        where = "A fit line" if place == "fit" else "A persona"
        raise ConditionError(
            f"{where} cannot name `{fact.name}`: it says who they are, not what they do",
            fact.column,
            "use person.<field>, company.<field>, budget, authority, need or timing",
        )

    # refusals

    def unknown(self, node: ast.expr, name: str) -> ConditionError:
        places = [fact for fact in FACTS if is_allowed(fact, self.scope.place)]
        meant = nearest(name, [*places, *_TRUTHS])
        group, dot, field = name.partition(".")
        if dot and nearest(group, GROUPS):
            meant = f"{nearest(group, GROUPS)}.{field}"
        meant = {"yes": "true", "no": "false", "null": None, "none": None}.get(name.lower(), meant)
        if meant:
            fix = f"did you mean `{meant}`?"
        elif dot:
            fix = "fields are written person.<field> or company.<field>"
        else:
            fix = f'a field is written person.{name} or company.{name}, a text "{name}"'
        return self.refused(node, f"There is no `{name}`", fix)

    def no_such_test(self, node: ast.expr, name: str) -> ConditionError:
        meant = nearest(name, TESTS)
        fix = f"did you mean .{meant}()?" if meant else "there are .startswith() .endswith() .contains() .matches()"
        return self.refused(node, f"There is no `.{name}()`", fix)

    def foreign(self, node: ast.expr) -> ConditionError:
        words, fix = next(
            ((words, fix) for kinds, words, fix in _FOREIGN if isinstance(node, kinds)),
            (f"`{self.source(node)[:40]}` is not part of a condition", "write for instance: score >= 50"),
        )
        return self.refused(node, words, fix)

    def only_argument(self, node: ast.Call, needed: str) -> ast.expr:
        if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
            name = node.func.id if isinstance(node.func, ast.Name) else f".{getattr(node.func, 'attr', '')}"
            raise self.refused(node, f"`{name}()` takes exactly one thing", f"give it {needed}")
        return node.args[0]

    def refused(self, node: ast.expr, message: str, fix: str) -> ConditionError:
        return ConditionError(message, self.column(node), fix)

    def column(self, node: ast.expr) -> int:
        return _characters(self.text, node.col_offset)

    def source(self, node: ast.expr) -> str:
        written = self.text[self.column(node) : _characters(self.text, node.end_col_offset or 0)]
        return " ".join(written.split())


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_FOREIGN: Final[tuple[tuple[type[ast.expr] | tuple[type[ast.expr], ...], str, str], ...]] = (
    (ast.BinOp, "A condition does not calculate", "put the result there yourself"),
    (ast.UnaryOp, "Only a number can have a sign", "write -5, or `not` to negate a condition"),
    ((ast.List, ast.Tuple, ast.Set), "A list can stand only behind `in`", 'write person.country in ["DE", "FR"]'),
    (ast.Compare, "A comparison cannot be compared", "join two with `and`"),
    (ast.BoolOp, "`and` and `or` cannot be compared", "compare each side, or count them: count(a, b) >= 1"),
    (ast.JoinedStr, "A text cannot have parts to fill in", "write a plain text"),
    (ast.IfExp, "There is no if in a condition", "write it with and / or"),
    (ast.Subscript, "Square brackets can follow only person, company and data", 'write person["Job title"]'),
)
