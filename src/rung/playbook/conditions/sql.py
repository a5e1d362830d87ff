"""A condition as SQL for DuckDB, Spark, SQLite and PostgreSQL. Import it by its own name: it brings sqlglot."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from sqlglot import exp

from rung.playbook.conditions.globs import ANY, ONE, alternatives, pairs
from rung.playbook.conditions.source import source_of
from rung.playbook.conditions.syntax import (
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
    Or,
    Span,
    Text,
    TextTest,
    Truth,
)

Dialect = Literal["duckdb", "spark", "sqlite", "postgres"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Where a fact is found: for each type its value may have, a sqlglot expression, NULL where it has another.

    A fact of one type has one: `Column(number=exp.column("score"))`. A trait may be a text for one person and a number
    for the next, so it has several. What is compared with a type that has no expression is FALSE, never an error.
    `number` must be double precision or a small integer, `span` whole microseconds. `texts` is an array of texts (on
    SQLite a text of JSON); `has_element` builds the question itself where a list lies in rows of a table. `known`
    replaces the question whether any of them is there.
    """

    number: exp.Expression | None = None
    text: exp.Expression | None = None
    truth: exp.Expression | None = None
    span: exp.Expression | None = None
    texts: exp.Expression | None = None
    has_element: Callable[[str], exp.Expression] | None = None
    known: exp.Expression | None = None


Columns = Callable[[Fact], Column | None]


class NoColumn(LookupError):
    """The condition names a fact that the table does not hold; the text says which."""

    def __init__(self, fact: Fact) -> None:
        super().__init__(f"`{source_of(fact)}` cannot be asked here")
        self.fact = fact


def to_sql(condition: Condition, dialect: Dialect, column: Columns) -> str:
    """The condition as a boolean SQL expression that is never NULL. Raises NoColumn.

    Every identifier is quoted. Values are literals in the text; with a driver that formats `%` double them.
    """
    return str(to_expression(condition, dialect, column).sql(dialect=dialect, identify=True))


def to_expression(condition: Condition, dialect: Dialect, column: Columns) -> exp.Expression:
    """The same as a sqlglot expression, in brackets where needed, for a larger query of this dialect."""
    written = _Writer(dialect, column).condition(condition)
    return exp.Paren(this=written) if isinstance(written, (exp.And, exp.Or)) else written


_COMPARISONS: Final = {"<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE, "==": exp.EQ, "!=": exp.NEQ}
_ESCAPE: Final = "!"
"""No backslash: Spark would read it once more."""


@dataclass(frozen=True, slots=True)
class _Writer:
    dialect: Dialect
    columns: Columns

    def condition(self, condition: Condition) -> exp.Expression:
        match condition:
            case And(parts):
                return _joined(exp.And, [self.condition(part) for part in parts])
            case Or(parts):
                return _joined(exp.Or, [self.condition(part) for part in parts])
            case Not(part):
                return exp.Not(this=exp.Paren(this=self.condition(part)))
            case Compare():
                return self.comparison(condition)
            case In(operand, items, negated):
                return self.membership(operand, items, negated)
            case TextTest():
                return self.text_test(condition)
            case Known(fact):
                return self.known(fact)
            case Holds(Truth(value)):
                return exp.Boolean(this=value)
            case Holds(operand):
                truth = self.typed(operand).truth
                return _sure(truth) if truth is not None else exp.false()

    def comparison(self, node: Compare) -> exp.Expression:
        left, right = self.typed(node.left), self.typed(node.right)
        same_type = [(left.number, right.number), (left.span, right.span)]
        if node.op in ("==", "!="):
            same_type += [(left.text, right.text), (left.truth, right.truth)]
        return _any(
            _sure(_COMPARISONS[node.op](this=a.copy(), expression=b.copy()))
            for a, b in same_type
            if a is not None and b is not None
        )

    def membership(self, operand: Operand, items: Sequence[Constant], negated: bool) -> exp.Expression:
        typed = self.typed(operand)
        values = {Number: typed.number, Text: typed.text, Truth: typed.truth}
        found = []
        for kind, group in groupby(sorted(items, key=lambda item: type(item).__name__), type):
            value = values[kind]
            if value is not None:
                inside = exp.In(this=value.copy(), expressions=[_constant(item) for item in group])
                found.append(_sure(exp.Not(this=inside) if negated else inside))
        return _any(found)

    def known(self, fact: Fact) -> exp.Expression:
        column = self.typed(fact)
        if column.known is not None:
            return column.known.copy()
        given = (getattr(column, name) for name in ("number", "text", "truth", "span", "texts"))
        return _any(exp.Not(this=exp.Is(this=value.copy(), expression=exp.null())) for value in given if value)

    def text_test(self, node: TextTest) -> exp.Expression:
        column = self.typed(node.fact)
        tests: list[exp.Expression] = []
        if column.text is not None:
            match node.how:
                case "startswith":
                    tests.append(self.ends(column.text, node.pattern, at_start=True))
                case "endswith":
                    tests.append(self.ends(column.text, node.pattern, at_start=False))
                case "contains":
                    name = "INSTR" if self.dialect in ("spark", "sqlite") else "STRPOS"
                    place = _call(name, column.text.copy(), _text(node.pattern))
                    tests.append(exp.GT(this=place, expression=_number(0)))
                case "matches":
                    tests.extend(self.matches(column.text, node.pattern))
        if node.how == "contains":
            tests.extend(self.element(column, node.pattern))
        return _any(_sure(test) for test in tests)

    def ends(self, text: exp.Expression, pattern: str, *, at_start: bool) -> exp.Expression:
        """By cutting and comparing: exact on all four, with nothing to escape."""
        length = _number(len(pattern))
        if at_start:
            cut = _call("SUBSTR", text.copy(), _number(1), length)
        elif self.dialect == "sqlite":
            cut = _call("SUBSTR", text.copy(), exp.Neg(this=length))
        else:
            cut = _call("RIGHT", text.copy(), length)
        return exp.EQ(this=cut, expression=_text(pattern))

    def matches(self, text: exp.Expression, pattern: str) -> Iterator[exp.Expression]:
        folded = self.folded(text, pairs(pattern))
        for alternative in alternatives(pattern):
            like = exp.Like(this=folded.copy(), expression=_text("".join(map(_like, alternative))))
            yield exp.Escape(this=like, expression=_text(_ESCAPE))

    def folded(self, text: exp.Expression, letters: dict[str, str]) -> exp.Expression:
        """The text with the pattern's own letters in lower case, without asking the database what a letter is."""
        if not letters:
            return text
        if self.dialect != "sqlite":
            return _call("TRANSLATE", text.copy(), _text("".join(letters)), _text("".join(letters.values())))
        result = _call("LOWER", text.copy())  # ASCII only on SQLite, which is what is wanted
        for upper, lower in letters.items():
            if not upper.isascii():
                result = _call("REPLACE", result, _text(upper), _text(lower))
        return result

    def element(self, column: Column, element: str) -> Iterator[exp.Expression]:
        """Whether a list of texts has exactly this element."""
        if column.has_element is not None:
            yield column.has_element(element)
        if column.texts is None:
            return
        texts, wanted = column.texts.copy(), _text(element)
        match self.dialect:
            case "duckdb":
                yield _call("LIST_CONTAINS", texts, wanted)
            case "spark":
                yield _call("ARRAY_CONTAINS", texts, wanted)
            case "postgres":
                yield exp.EQ(this=wanted, expression=_call("ANY", texts))
            case "sqlite":
                equal = exp.EQ(this=exp.column("value", table="element"), expression=wanted)
                alias = exp.TableAlias(this=exp.to_identifier("element"))
                rows = exp.Table(this=_call("JSON_EACH", texts), alias=alias)
                yield exp.Exists(this=exp.select(exp.Literal.number(1)).from_(rows).where(equal))

    def typed(self, operand: Operand) -> Column:
        match operand:
            case Fact():
                column = self.columns(operand)
                if column is None:
                    raise NoColumn(operand)
                return column
            case Number():
                return Column(number=_constant(operand))
            case Text():
                return Column(text=_constant(operand))
            case Truth():
                return Column(truth=_constant(operand))
            case Span(micros):
                return Column(span=_number(micros))
            case Count(parts):
                return Column(number=exp.Paren(this=_sum([self.one_or_none(part) for part in parts])))

    def one_or_none(self, part: Condition) -> exp.Expression:
        return exp.case().when(self.condition(part), _number(1)).else_(_number(0))


def _sure(expression: exp.Expression) -> exp.Expression:
    return exp.Coalesce(this=expression.copy(), expressions=[exp.false()])


def _any(expressions: Iterator[exp.Expression] | Sequence[exp.Expression]) -> exp.Expression:
    found = list(expressions)
    return _joined(exp.Or, found) if found else exp.false()


def _joined(kind: type[exp.Expression], parts: Sequence[exp.Expression]) -> exp.Expression:
    """A balanced tree, so that two hundred parts are eight levels deep and not two hundred."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    left, right = _joined(kind, parts[:middle]), _joined(kind, parts[middle:])
    other = exp.Or if kind is exp.And else exp.And
    sides = [exp.Paren(this=side) if isinstance(side, other) else side for side in (left, right)]
    return kind(this=sides[0], expression=sides[1])


def _sum(parts: Sequence[exp.Expression]) -> exp.Expression:
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return exp.Add(this=_sum(parts[:middle]), expression=_sum(parts[middle:]))


def _call(name: str, *arguments: exp.Expression) -> exp.Expression:
    """A function by exactly this name: sqlglot would translate some, and not all of them rightly."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def _constant(constant: Constant) -> exp.Expression:
    match constant:
        case Truth(value):
            return exp.Boolean(this=value)
        case Number(value):
            return _number(value)
        case Text(value):
            return _text(value)


def _text(value: str) -> exp.Expression:
    return exp.Literal.string(value)


def _number(value: float) -> exp.Expression:
    """Whole numbers plain; others with an exponent, which all four read as double precision and not as a decimal."""
    if value < 0:
        return exp.Neg(this=_number(-value))
    if isinstance(value, int) or (value.is_integer() and value < 2**53):
        return exp.Literal.number(int(value))
    digits = repr(value)
    return exp.Literal.number(digits if "e" in digits else digits + "e0")


def _like(character: str) -> str:
    if character == ANY:
        return "%"
    if character == ONE:
        return "_"
    return _ESCAPE + character if character in ("%", "_", _ESCAPE) else character
