"""What is printed parses back, and nothing but ConditionError ever comes out of the parser."""

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from examples import examples
from random_conditions import ALL_FACTS, SCOPE, conditions
from rung.playbook.conditions import ConditionError, Scope, check, compiled, facts_named, parse, source
from rung.playbook.conditions.words import in_words

WORDS = (
    "and or not in is ( ) [ ] , . < <= > >= == != = score person company data person.title idle since times known "
    "count days hours friction true false None 1 -1 1.5 1e999 'a' \"b\" \\ # lambda if else : := ** + * f'' b'' "
    "page_viewed 'Pricing page' .matches .contains 0x10 1_0 é \n \t ~ @ `"
).split(" ")


@settings(max_examples=examples(50))
@given(conditions(ALL_FACTS))
def test_canonical_source_parses_back_to_the_same_tree(condition):
    assert parse(source(condition), SCOPE, longest=1_000_000) == condition


@settings(max_examples=examples(50))
@given(conditions(ALL_FACTS))
def test_every_condition_can_be_checked_compiled_and_said_in_words(condition):
    assert all(isinstance(finding, str) and finding for finding in check(condition, SCOPE))
    assert in_words(condition)
    assert set(facts_named(condition)) <= set(ALL_FACTS)
    compiled(condition)


@settings(max_examples=examples(50))
@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)))
@example("\ud800")
@example("a\x00b")
@example("1and true")
def test_any_text_is_a_condition_or_is_refused_with_words(text):
    try:
        condition = parse(text, SCOPE)
    except ConditionError as refusal:
        assert refusal.message
        assert refusal.fix
        assert 0 <= refusal.column <= len(text)
    else:
        assert parse(source(condition), SCOPE, longest=10_000) == condition


@settings(max_examples=examples(50))
@given(conditions(ALL_FACTS), st.integers(0, 200), st.sampled_from(WORDS))
def test_a_slip_of_the_pen_is_refused_or_read_never_a_crash(condition, place, slip):
    text = source(condition)
    with contextlib.suppress(ConditionError):
        parse(text[:place] + slip + text[place:], SCOPE, longest=1_000_000)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("50 <= company.employees <= 1000", "50 <= company.employees <= 1000"),
        ("(score>=50)and(fit>=20)", "score >= 50 and fit >= 20"),
        ("(reachable and accepted) and need", "reachable and accepted and need"),
        ("reachable and (accepted or need)", "reachable and (accepted or need)"),
        ("not (score >= 50)", "not (score >= 50)"),
        ("not reachable", "not reachable"),
        ("not not reachable", "not (not reachable)"),
        ("days(90) <= idle", "idle >= days(90)"),
        ("hours(48) > in_stage", "in_stage < days(2)"),
        ("idle >= days(0.5)", "idle >= hours(12)"),
        ("idle >= hours(0.1)", "idle >= hours(0.1)"),
        ("person.title == 'VP \"Sales\"'", 'person.title == "VP \\"Sales\\""'),
        ('person["title"] == True', "person.title == true"),
        ('person["Job title"] == "x"', 'person["Job title"] == "x"'),
        ('data["from"] == "x"', 'data["from"] == "x"'),
        ("times('page_viewed') > 1", "times(page_viewed) > 1"),
        ("score >= 5_0.50", "score >= 50.5"),
        ("score >= -0", "score >= 0"),
        ("score\n  >= 50\n", "score >= 50"),
        ("count( need,budget ) >= 2", "count(need, budget) >= 2"),
    ],
)
def test_a_condition_is_printed_as_it_would_best_be_written(written, canonical):
    scope = Scope("signal", signals=["Pricing page"])
    assert source(parse(written, scope)) == canonical
    assert parse(canonical, scope) == parse(written, scope)
