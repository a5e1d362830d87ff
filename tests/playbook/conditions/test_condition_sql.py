"""What a condition becomes in SQL, letter by letter. That databases answer it alike is in tests/parity."""

import pytest
from sqlglot import exp

from rung.playbook.conditions import Fact, Scope, parse
from rung.playbook.conditions.facts import entry
from rung.playbook.conditions.sql import Column, Dialect, NoColumn, to_sql

SCOPE = Scope("filter", signals=["Pricing page"])


def sql(text: str, dialect: Dialect = "duckdb") -> str:
    def column(fact: Fact) -> Column | None:
        name = exp.column(fact.name.partition(".")[2] or fact.name)
        kinds = {"number": {"number": name}, "truth": {"truth": name}, "span": {"span": name}}
        return Column(**kinds.get(entry(fact).type, {"text": name}))

    return to_sql(parse(text, SCOPE), dialect, column)


def test_each_comparison_is_never_null_and_names_are_quoted():
    assert sql("score >= 50 and not (person.at == 'x')") == (
        '(COALESCE("score" >= 50, FALSE) AND NOT (COALESCE("at" = \'x\', FALSE)))'
    )


def test_each_engine_gets_its_own_function():
    assert sql('person.title.contains("x")', "postgres") == """COALESCE(STRPOS("title", 'x') > 0, FALSE)"""
    assert sql('person.title.contains("x")', "sqlite") == """COALESCE(INSTR("title", 'x') > 0, FALSE)"""
    assert sql('person.title.contains("x")', "spark") == """COALESCE(INSTR(`title`, 'x') > 0, FALSE)"""


def test_a_pattern_becomes_like_with_its_own_letters_folded():
    assert sql('person.title.matches("*c%o?")') == (
        """COALESCE(TRANSLATE("title", 'CO', 'co') LIKE '%c!%o_' ESCAPE '!', FALSE)"""
    )


def test_what_is_of_another_type_is_false_without_asking():
    assert sql("person.title >= 5 or accepted == 1") == "(FALSE OR FALSE)"


def test_hostile_text_stays_text():
    for dialect in ("duckdb", "sqlite", "postgres", "spark"):
        written = sql("""person.title == "'; DROP TABLE people; --" """, dialect)
        assert "''; DROP" in written or r"\'; DROP" in written


def test_a_condition_of_very_many_parts_is_written():
    assert sql(" or ".join(["need"] * 128)).count("COALESCE") == 128


def test_a_fact_without_a_column_is_refused_by_name():
    with pytest.raises(NoColumn, match="score"):
        to_sql(parse("score >= 5", SCOPE), "duckdb", lambda fact: None)


def test_a_list_in_rows_of_another_table_is_asked_as_the_caller_says():
    column = Column(has_element=lambda element: exp.condition(f"EXISTS(SELECT 1 FROM trait WHERE value = '{element}')"))
    written = to_sql(parse('person.tags.contains("vip")', SCOPE), "sqlite", lambda fact: column)
    assert written == """COALESCE(EXISTS(SELECT 1 FROM "trait" WHERE "value" = 'vip'), FALSE)"""
