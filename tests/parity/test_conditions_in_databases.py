"""The closure, DuckDB, SQLite, PostgreSQL and Spark give the same answer for any condition and any people."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

import duckdb
import psycopg
import pysqlite3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from postgres_server import new_database
from random_conditions import NASTY, SOME_FACTS, Person, worlds
from rung.playbook.conditions import Compare, Condition, Fact, Known, Text, TextTest, compiled
from rung.playbook.conditions.closure import Value
from rung.playbook.conditions.facts import entry
from rung.playbook.conditions.sql import Column, Dialect, to_sql

Ask = Callable[[Sequence[Condition], Sequence[Person]], list[list[bool]]]
"""For each person the answer to each condition."""

TYPES = ("number", "text", "truth", "span", "texts")
SQL_TYPES = {
    "duckdb": ("DOUBLE", "VARCHAR", "BOOLEAN", "BIGINT", "VARCHAR[]"),
    "postgres": ("double precision", "text", "boolean", "bigint", "text[]"),
    "sqlite": ("REAL", "TEXT", "BOOLEAN", "INTEGER", "TEXT"),
    "spark": ("double", "string", "boolean", "bigint", "array<string>"),
}
NAMES = {fact: f"{'from' if not place else 'at'}{place or ''}" for place, fact in enumerate(SOME_FACTS)}


def typed(value: Value, fact: Fact) -> tuple[Any, ...]:
    """The value in the one of five columns that is of its type."""
    kinds = {bool: "truth", str: "text", tuple: "texts", float: "number", int: "number"}
    mine = "span" if value is not None and entry(fact).type == "span" else kinds.get(type(value))
    return tuple(value if kind == mine else None for kind in TYPES)


def columns(fact: Fact) -> Column | None:
    if fact not in NAMES:
        return None
    wanted = TYPES if entry(fact).type == "trait" else (entry(fact).type,)
    return Column(**{kind: exp.column(f"{NAMES[fact]} {kind}") for kind in wanted})


def table(dialect: Dialect) -> str:
    kinds = tuple(zip(TYPES, SQL_TYPES[dialect], strict=True))
    listed = ", ".join(f'"{name} {kind}" {sql}' for name in NAMES.values() for kind, sql in kinds)
    return f'CREATE TEMPORARY TABLE people ("row" INTEGER, {listed})'


def row(person: Person, number: int) -> list[Any]:
    return [number, *(cell for fact in SOME_FACTS for cell in typed(person.value(fact), fact))]


def question(conditions_: Sequence[Condition], dialect: Dialect) -> str:
    asked = ", ".join(to_sql(condition, dialect, columns) for condition in conditions_)
    return f'SELECT {asked} FROM people ORDER BY "row"'


def asker(dialect: Dialect, execute: Callable[..., Any], mark: str) -> Ask:
    width = 1 + len(NAMES) * len(TYPES)
    execute(table(dialect))

    def ask(conditions_: Sequence[Condition], people_: Sequence[Person]) -> list[list[bool]]:
        execute("DELETE FROM people")
        cells = [cell for number, person in enumerate(people_) for cell in row(person, number)]
        if dialect == "sqlite":
            cells = [json.dumps(cell) if isinstance(cell, tuple) else cell for cell in cells]
        else:
            cells = [list(cell) if isinstance(cell, tuple) else cell for cell in cells]
        marks = ", ".join([f"({', '.join([mark] * width)})"] * len(people_))
        execute(f"INSERT INTO people VALUES {marks}", cells)
        answers = execute(question(conditions_, dialect)).fetchall()
        assert all(answer in (True, False) for line in answers for answer in line), "a condition was NULL"
        return [[bool(answer) for answer in line] for line in answers]

    return ask


@pytest.fixture(scope="module")
def in_duckdb() -> Iterator[Ask]:
    with duckdb.connect() as connection:
        yield asker("duckdb", connection.execute, "?")


@pytest.fixture(scope="module")
def in_sqlite() -> Iterator[Ask]:
    connection = pysqlite3.connect(":memory:")
    connection.execute("PRAGMA case_sensitive_like = ON")  # somebody else's setting must not matter
    yield asker("sqlite", connection.execute, "?")
    connection.close()


@pytest.fixture(scope="module")
def in_postgres() -> Iterator[Ask]:
    with new_database() as url, psycopg.connect(url, autocommit=True) as connection:
        yield asker("postgres", connection.execute, "%s")


@pytest.fixture(scope="module")
def in_spark() -> Iterator[Ask]:
    pytest.importorskip("pyspark", reason="no Spark: pip install pyspark")
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.codegen.wholeStage", "false")  # compiling hundreds of columns takes Spark minutes
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .getOrCreate()
    )
    kinds = tuple(zip(TYPES, SQL_TYPES["spark"], strict=True))
    schema = ", ".join(["`row` int", *(f"`{name} {kind}` {sql}" for name in NAMES.values() for kind, sql in kinds)])

    def ask(conditions_: Sequence[Condition], people_: Sequence[Person]) -> list[list[bool]]:
        rows = [row(person, number) for number, person in enumerate(people_)]
        spark.createDataFrame(rows, schema).createOrReplaceTempView("people")
        return [list(line) for line in spark.sql(question(conditions_, "spark").replace('"row"', "`row`")).collect()]

    yield ask
    spark.stop()


def agree(ask: Ask, conditions_: Sequence[Condition], people_: Sequence[Person]) -> None:
    tests = [compiled(condition) for condition in conditions_]
    for person, answers in zip_longest(people_, ask(conditions_, people_)):
        expected = [test(person) for test in tests]
        for condition, ours, theirs in zip_longest(conditions_, expected, answers):
            assert theirs is ours, f"{condition} of {person}"


often = settings(
    max_examples=int(os.environ.get("RUNG_EXAMPLES", "80")), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@often
@given(world=worlds())
def test_duckdb_and_sqlite_agree(in_duckdb, in_sqlite, world):
    agree(in_duckdb, *world)
    agree(in_sqlite, *world)


@pytest.mark.postgres
@often
@given(world=worlds())
def test_postgres_agrees(in_postgres, world):
    agree(in_postgres, *world)


@settings(often, max_examples=4)
@given(some_worlds=st.lists(worlds(), min_size=10, max_size=10))
def test_spark_agrees(in_spark, some_worlds):
    """A query takes Spark long, however small: so ten worlds at once, and everybody is asked everything."""
    agree(in_spark, *([each for world in some_worlds for each in world[part]] for part in (0, 1)))


# --- every nasty letter against every other ------------------------------------------------------------------------

TITLE = Fact("person.title")
LETTERS = [letter for letter in NASTY if letter not in "*?|"]


def letters_agree(ask: Ask) -> None:
    """Each letter as a pattern, alone and inside, on each letter as a text: no engine may have its own idea of case."""
    people_ = [Person({TITLE: text}) for letter in LETTERS for text in (letter, f"x{letter}y", f"{letter}{letter}")]
    tests = [TextTest(TITLE, "matches", pattern) for letter in LETTERS for pattern in (letter, f"?{letter}*")]
    tests += [TextTest(TITLE, how, letter) for letter in LETTERS for how in ("startswith", "endswith", "contains")]
    equal = [Compare(TITLE, "==", Text(letter)) for letter in LETTERS]
    within = [TextTest(TITLE, how, f"{letter}y") for letter in LETTERS for how in ("endswith", "contains")]
    lists = [Person({TITLE: (letter, "b")}) for letter in LETTERS]
    agree(ask, [*tests, *equal, *within, Known(TITLE)], [*people_, *lists])


def test_letters_agree_in_duckdb(in_duckdb):
    letters_agree(in_duckdb)


def test_letters_agree_in_sqlite(in_sqlite):
    letters_agree(in_sqlite)


@pytest.mark.postgres
def test_letters_agree_in_postgres(in_postgres):
    letters_agree(in_postgres)


def test_letters_agree_in_spark(in_spark):
    letters_agree(in_spark)
