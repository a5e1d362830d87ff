"""A condition as a question to the tables: for which standings of a generation it holds.

One compiler serves lists, counts, exports and whatever else picks people, so that all of them pick the same.

What a standing holds itself becomes a comparison of its columns. What lies in other tables (traits, tallies) becomes
`person_id IN (SELECT …)`: such a question is answered from an index once, not once a row.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from django.db import connection
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from sqlglot import exp

from rung.lifecycle.models import MAIN, MARK_NAME, Standing
from rung.playbook.conditions.closure import compiled
from rung.playbook.conditions.sql import Column, Dialect, NoColumn, to_expression
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
    Or,
    TextTest,
    facts_named,
)
from rung.terms.companies import FREE_MAILBOXES
from rung.terms.stages import BANT

__all__ = ["NoColumn", "holding", "sql_of", "whoever_did"]

_NUMBERS: Final = {"score", "fit", "engagement", "likelihood", "signals", "visits", "bant_told", "lap"}
_TEXTS: Final = {"stage": "stage", "status": "status", "decision.date": "decision_date", "competitor": "competitor"}
_TRUTHS: Final = {
    **{
        name: name
        for name in (
            "accepted", "rejected", "returned", "touched", "reached", "reachable", "consented", "unsubscribed",
            "is_customer",
        )
    },
    "deal.open": "deal_open",
    "deal.won": "deal_won",
    "deal.lost": "deal_lost",
    "admits.considering": "admits_considering",
    "admits.change": "admits_change",
}  # fmt: skip
_SINCE: Final = {"idle": "idle_since", "in_stage": "since"}
_PERSON: Final = {"person.source": "source", "person.campaign": "campaign"}
_DERIVED: Final = {"person.email_domain", "person.free_mailbox"}
_MARKS: Final = ("friction", "answered", "ticked")
_MINUTE: Final = 60_000_000
_WORD: Final = 100
"""Characters of a trait's text that are indexed."""


def holding(
    standings: QuerySet[Standing], condition: Condition, *, generation_id: int, at: int, is_walked: bool = False
) -> QuerySet[Standing]:
    """The standings for which the condition holds at the instant. Every fact can be asked.

    `is_walked`: the first few of many are wanted in the order of an index, so that each row is best asked by itself.
    """
    return standings.filter(as_filter(condition, generation_id=generation_id, at=at, is_walked=is_walked))


def as_filter(condition: Condition, *, generation_id: int, at: int, is_walked: bool = False) -> RawSQL:
    """The condition as an expression over the standings, for a filter or a conditional count."""
    sql = sql_of(condition, generation_id=generation_id, at=at, dialect=_dialect(), is_walked=is_walked)
    # The driver reads % as the start of a parameter; our values are literals that sqlglot has quoted.
    return RawSQL(sql.replace("%", "%%"), (), output_field=BooleanField())


def whoever_did(condition: Condition, *, generation_id: int, at: int) -> str | None:
    """SQL that reads the ids of those for whom the condition holds, each once, where their tallies alone say so.

    None where it asks more than how often or how long ago one thing was, or holds for those who never did it.
    """
    return _whoever_did(condition, generation_id, at - at % _MINUTE, _dialect())


@lru_cache(maxsize=100)
def _whoever_did(condition: Condition, generation_id: int, at: int, dialect: Dialect) -> str | None:
    facts = facts_named(condition)
    if len(facts) != 1 or not _is_leaf(condition) or facts[0].name not in ("times", "since"):
        return None
    if compiled(condition)(_Never()):
        return None
    asked = _Asked(generation_id=generation_id, at=at, dialect=dialect)
    rows = asked.in_tallies(condition, facts[0])
    return str(rows.sql(dialect=dialect, identify=True)).replace("%", "%%")


def sql_of(condition: Condition, *, generation_id: int, at: int, dialect: Dialect, is_walked: bool = False) -> str:
    """The condition over the columns of `lifecycle_standing`, as SQL for a WHERE."""
    # Ages are asked to the minute, so that the same question within a minute is compiled once.
    return _compiled(condition, generation_id, at - at % _MINUTE, dialect, is_walked)


@lru_cache(maxsize=500)
def _compiled(condition: Condition, generation_id: int, at: int, dialect: Dialect, is_walked: bool) -> str:
    asked = _Asked(generation_id=generation_id, at=at, dialect=dialect, is_walked=is_walked)
    expression = to_expression(asked.rewritten(condition), dialect, asked.column)
    return str(_without_coalesce(expression).sql(dialect=dialect, identify=True))


def _dialect() -> Dialect:
    return "postgres" if connection.vendor == "postgresql" else "sqlite"


@dataclass(slots=True)
class _Asked:
    """One question: the rewriting of its parts that lie in other tables, and the columns of those that do not."""

    generation_id: int
    at: int
    dialect: Dialect
    is_walked: bool = False
    elsewhere: dict[str, exp.Expression] = field(default_factory=dict)

    def rewritten(self, node: Condition) -> Condition:
        match node:
            case And(parts):
                return And(tuple(self.rewritten(part) for part in parts))
            case Or(parts):
                return Or(tuple(self.rewritten(part) for part in parts))
            case Not(part):
                return Not(self.rewritten(part))
            case Compare(left, op, right):
                node = Compare(self.counted(left), op, self.counted(right))
            case In(operand):
                node = replace(node, operand=self.counted(operand))
            case _:
                pass
        facts = facts_named(node)
        if len(facts) != 1 or not _is_leaf(node):
            return node
        membership = self.membership(node, facts[0])
        if membership is None:
            return node
        name = f"#{len(self.elsewhere)}"
        self.elsewhere[name] = membership
        return Holds(Fact(name))

    def counted(self, operand: Operand) -> Operand:
        return Count(tuple(self.rewritten(part) for part in operand.parts)) if isinstance(operand, Count) else operand

    def membership(self, leaf: Condition, fact: Fact) -> exp.Expression | None:
        """The leaf as `… IN (SELECT …)`, or None where the standing itself holds the fact."""
        group = fact.name.partition(".")[0]
        if fact.name in ("times", "since"):
            return self.in_tally(leaf, fact)
        if fact.name in _MARKS:
            return self.in_marks(leaf, fact)
        if fact.name in _PERSON or fact.name in _DERIVED:
            rows = self.selected("people_person", "id", leaf, _person_column(self.dialect))
            return self.among("person_id", "id", rows)
        if group == "person":
            return self.among("person_id", "person_id", self.in_traits("people_trait", "person_id", leaf, fact))
        if group == "company":
            return self.among(
                "company_id", "company_id", self.in_traits("people_companytrait", "company_id", leaf, fact)
            )
        return None

    def among(self, column: str, key: str, rows: exp.Select) -> exp.Expression:
        """Whether the standing's column is among the rows' keys: answered once for all, or by a look for each row."""
        if not self.is_walked:
            return _in(_standing(column), rows)
        return exp.Exists(this=rows.where(exp.EQ(this=exp.column(key, table="t"), expression=_standing(column))))

    def in_traits(self, table: str, key: str, leaf: Condition, fact: Fact) -> exp.Select:
        named = exp.EQ(this=exp.column("field", table="t"), expression=_literal(fact.name.partition(".")[2]))
        words = _words_equal_to(leaf)
        if words:
            exact = exp.In(this=exp.column("word", table="t"), expressions=[_literal(word[:_WORD]) for word in words])
            named = exp.And(this=named, expression=exact)
        return self.selected(table, key, leaf, _trait_column, named)

    def in_tally(self, leaf: Condition, fact: Fact) -> exp.Expression:
        """Tallies exist only from once on: what holds for never is asked by its opposite."""
        holds_for_never = compiled(leaf)(_Never())
        asked: Condition = Not(leaf) if holds_for_never else leaf
        found = self.among("person_id", "person_id", self.in_tallies(asked, fact))
        return exp.Not(this=found) if holds_for_never else found

    def in_tallies(self, leaf: Condition, fact: Fact) -> exp.Select:
        """The tallies for which the leaf holds."""
        return self.selected("lifecycle_tally", "person_id", leaf, self.tally_column, self.tally_of(fact))

    def in_marks(self, leaf: Condition, fact: Fact) -> exp.Expression:
        """The same of marks, which say that it was told, and nothing else."""
        holds_for_never = compiled(leaf)(_Never())
        asked: Condition = Not(leaf) if holds_for_never else leaf
        rows = self.selected(
            "lifecycle_mark", "person_id", asked, lambda _: Column(truth=exp.true()), self.mark_of(fact)
        )
        found = self.among("person_id", "person_id", rows)
        return exp.Not(this=found) if holds_for_never else found

    def mark_of(self, fact: Fact) -> exp.Expression:
        return exp.and_(
            exp.EQ(this=exp.column("generation_id", table="t"), expression=exp.Literal.number(self.generation_id)),
            exp.EQ(this=exp.column("fact", table="t"), expression=_literal(fact.name)),
            exp.EQ(this=exp.column("name", table="t"), expression=_literal((fact.argument or "")[:MARK_NAME])),
        )

    def tally_of(self, fact: Fact) -> exp.Expression:
        # Row by row the whole key is named, so that nobody's tallies but theirs are looked at; the line by its name, so
        # that the index which is walked says all that is asked of the standing.
        line = exp.EQ(this=exp.column("line", table="t"), expression=_literal(MAIN))
        return exp.and_(
            *([line] if self.is_walked else []),
            exp.EQ(this=exp.column("generation_id", table="t"), expression=exp.Literal.number(self.generation_id)),
            exp.EQ(this=exp.column("is_signal", table="t"), expression=exp.Boolean(this=fact.is_signal)),
            exp.EQ(this=exp.column("name", table="t"), expression=_literal(fact.argument or "")),
        )

    def selected(
        self,
        table: str,
        key: str,
        leaf: Condition,
        column: Callable[[Fact], Column | None],
        also: exp.Expression | None = None,
    ) -> exp.Select:
        test = _without_coalesce(to_expression(leaf, self.dialect, column))
        rows = exp.select(exp.column(key, table="t")).from_(
            exp.Table(this=exp.to_identifier(table), alias=exp.TableAlias(this=exp.to_identifier("t")))
        )
        return rows.where(test if also is None else exp.and_(also, test))

    def tally_column(self, fact: Fact) -> Column | None:
        if fact.name == "times":
            return Column(number=exp.column("times", table="t"))
        return Column(span=self.since(exp.column("last_at", table="t")))

    def column(self, fact: Fact) -> Column | None:
        """Where a standing holds the fact itself, or what has been rewritten."""
        if fact.name in self.elsewhere:
            return Column(truth=self.elsewhere[fact.name])
        if fact.name in _NUMBERS:
            return Column(number=_standing(fact.name))
        if fact.name == "decision.makers":
            return Column(number=_standing("decision_makers"))
        if fact.name in _TEXTS:
            text = exp.Nullif(this=_standing(_TEXTS[fact.name]), expression=_literal(""))
            return Column(text=text if fact.name == "competitor" else _standing(_TEXTS[fact.name]))
        if fact.name in _TRUTHS:
            return Column(truth=_standing(_TRUTHS[fact.name]))
        if fact.name in _SINCE:
            return Column(span=self.since(_standing(_SINCE[fact.name])))
        if fact.name in BANT:
            return Column(truth=self.unexpired(fact.name))
        if fact.name == "bant":
            return Column(number=exp.Paren(this=_sum([self.is_true(letter) for letter in BANT])))
        return self.beyond(fact)

    def beyond(self, fact: Fact) -> Column | None:
        """A fact of another table, compared with another fact: asked row by row."""
        if fact.name in _PERSON or fact.name in _DERIVED:
            column = _person_column(self.dialect)(fact)
            return _each(column, self.of_standing("people_person", "id", "person_id"))
        if fact.name in ("times", "since"):
            of_standing = self.of_standing("lifecycle_tally", "person_id", "person_id", self.tally_of(fact))
            if fact.name == "since":
                return Column(span=self.since(of_standing(exp.column("last_at", table="t"))))
            none = exp.Literal.number(0)
            return Column(number=exp.Coalesce(this=of_standing(exp.column("times", table="t")), expressions=[none]))
        if fact.name in _MARKS:
            told = self.of_standing("lifecycle_mark", "person_id", "person_id", self.mark_of(fact))(exp.true())
            return Column(truth=exp.Coalesce(this=told, expressions=[exp.false()]))
        group, _, name = fact.name.partition(".")
        tables = {"person": ("people_trait", "person_id"), "company": ("people_companytrait", "company_id")}
        if group in tables:
            table, key = tables[group]
            named = exp.EQ(this=exp.column("field", table="t"), expression=_literal(name))
            scalar = exp.Not(this=exp.column("is_item", table="t"))
            return _each(_trait_column(fact), self.of_standing(table, key, key, exp.and_(named, scalar)))
        return None

    def of_standing(
        self, table: str, key: str, column: str, also: exp.Expression | None = None
    ) -> Callable[[exp.Expression], exp.Expression]:
        same = exp.EQ(this=exp.column(key, table="t"), expression=_standing(column))
        where = same if also is None else exp.and_(same, also)
        alias = exp.Table(this=exp.to_identifier(table), alias=exp.TableAlias(this=exp.to_identifier("t")))
        return lambda value: exp.Subquery(this=exp.select(value).from_(alias.copy()).where(where.copy()).limit(1))

    def since(self, instant: exp.Expression) -> exp.Expression:
        return exp.Paren(this=exp.Sub(this=exp.Literal.number(self.at), expression=instant))

    def unexpired(self, letter: str) -> exp.Expression:
        until = _standing(f"{letter}_until")
        open_ = exp.Or(
            this=exp.Is(this=until, expression=exp.null()),
            expression=exp.GT(this=until.copy(), expression=exp.Literal.number(self.at)),
        )
        return exp.case().when(open_, _standing(letter))

    def is_true(self, letter: str) -> exp.Expression:
        one, none = exp.Literal.number(1), exp.Literal.number(0)
        return exp.case().when(self.unexpired(letter), one).else_(none)


class _Never:
    """The facts of somebody who never did it."""

    def value(self, fact: Fact, /) -> int | bool | None:
        return False if fact.name in _MARKS else 0 if fact.name == "times" else None


def _is_leaf(node: Condition) -> bool:
    return isinstance(node, (Compare, In, TextTest, Known, Holds)) and not any(
        isinstance(side, Count)
        for side in (getattr(node, "left", None), getattr(node, "right", None), getattr(node, "operand", None))
    )


def _words_equal_to(leaf: Condition) -> list[str]:
    """The texts one of which the value must be, where the leaf says so: then the index on words finds the rows."""
    match leaf:
        case Compare(Fact(), "==", right) if hasattr(right, "value") and isinstance(right.value, str):
            return [right.value]
        case Compare(left, "==", Fact()) if hasattr(left, "value") and isinstance(left.value, str):
            return [left.value]
        case In(_, items, False) if all(isinstance(item.value, str) for item in items):
            return [str(item.value) for item in items]
        case _:
            return []


def _trait_column(fact: Fact) -> Column:
    """A trait's row: an item of a list is asked for by `contains` only, and by being known."""

    def scalar(name: str) -> exp.Expression:
        return exp.case().when(exp.Not(this=exp.column("is_item", table="t")), exp.column(name, table="t"))

    def has(element: str) -> exp.Expression:
        same = exp.EQ(this=exp.column("text", table="t"), expression=_literal(element))
        return exp.Paren(this=exp.and_(exp.column("is_item", table="t"), same))

    return Column(
        number=scalar("number"), text=scalar("text"), truth=scalar("truth"), has_element=has, known=exp.true()
    )


def _person_column(dialect: Dialect) -> Callable[[Fact], Column]:
    def column(fact: Fact) -> Column:
        if fact.name in _PERSON:
            return Column(text=exp.Nullif(this=exp.column(_PERSON[fact.name], table="t"), expression=_literal("")))
        email = exp.column("email", table="t")
        place = exp.Anonymous(this="INSTR" if dialect == "sqlite" else "STRPOS", expressions=[email, _literal("@")])
        after = exp.Add(this=place.copy(), expression=exp.Literal.number(1))
        domain = exp.Anonymous(
            this="LOWER", expressions=[exp.Anonymous(this="SUBSTR", expressions=[email.copy(), after])]
        )
        has_email = exp.GT(this=place, expression=exp.Literal.number(0))
        if fact.name == "person.email_domain":
            return Column(text=exp.case().when(has_email, domain))
        free = exp.In(this=domain, expressions=[_literal(name) for name in sorted(FREE_MAILBOXES)])
        return Column(truth=exp.case().when(has_email, free))

    return column


def _each(column: Column, wrapped: Callable[[exp.Expression], exp.Expression]) -> Column:
    return Column(
        number=None if column.number is None else wrapped(column.number),
        text=None if column.text is None else wrapped(column.text),
        truth=None if column.truth is None else wrapped(column.truth),
    )


def _without_coalesce(node: exp.Expression) -> exp.Expression:
    """Drops COALESCE(x, FALSE) where unknown and false are the same: in a WHERE, below AND and OR but no NOT.

    An index serves `score >= 50`; it does not serve COALESCE(score >= 50, FALSE).
    """
    if isinstance(node, (exp.And, exp.Or)):
        node.set("this", _without_coalesce(node.this))
        node.set("expression", _without_coalesce(node.expression))
    elif isinstance(node, exp.Paren):
        node.set("this", _without_coalesce(node.this))
    elif isinstance(node, exp.Coalesce):
        inner: exp.Expression = node.this
        return exp.Paren(this=inner) if isinstance(inner, (exp.And, exp.Or)) else inner
    return node


def _in(column: exp.Expression, rows: exp.Expression) -> exp.Expression:
    return exp.In(this=column, query=exp.Subquery(this=rows))


def _standing(name: str) -> exp.Expression:
    return exp.column(name, table="lifecycle_standing")


def _literal(text: str) -> exp.Expression:
    return exp.Literal.string(text)


def _sum(parts: list[exp.Expression]) -> exp.Expression:
    total = parts[0]
    for part in parts[1:]:
        total = exp.Add(this=total, expression=part)
    return total
