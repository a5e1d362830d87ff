"""`.matches()`: whole text, upper and lower case alike, in time that grows with the text alone."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import examples
from random_conditions import patterns, texts
from rung.playbook.conditions.globs import folded, glob, pairs


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("cio", "CIO", True),
        ("cio", "cios", False),
        ("*cio*", "Deputy CIO, EMEA", True),
        ("vp *|chief *|head of *|* director", "Head of IT", True),
        ("vp *|chief *|head of *|* director", "Managing Director", True),
        ("vp *", "VP", False),
        ("v?", "VP", True),
        ("v?", "V", False),
        ("?", "", False),
        ("*", "", True),
        ("**a**", "bAb", True),
        ("*a?c*", "xxabxabcx", True),
        ("a*a", "a", False),
        ("*ab*ba*", "aba", False),
        ("100%", "100%", True),
        ("100%", "100 and more", False),
        ("a_c", "abc", False),
        ("[ab]", "a", False),
        ("a.c", "abc", False),
        ("geschäftsführer*", "GESCHÄFTSFÜHRERIN", True),
        ("директор*", "ДИРЕКТОР по ИТ", True),
        ("straße", "STRASSE", False),
        ("istanbul", "İstanbul", False),
        ("line?break", "line\nbreak", True),
        ("😀?", "😀😀", True),
    ],
)
def test_a_pattern_matches_the_whole_text(pattern, text, expected):
    assert glob(pattern)(text) is expected


def slowly(pattern, text):
    """The same by Python's regular expressions, which a test may use."""
    parts = {"*": "(?:.*)", "?": "(?:.)"}
    return any(
        re.fullmatch("".join(parts.get(c, re.escape(c)) for c in folded(alternative)), folded(text), re.DOTALL)
        for alternative in pattern.split("|")
    )


@given(patterns(), texts)
def test_it_agrees_with_the_slow_way(pattern, text):
    assert glob(pattern)(text) is bool(slowly(pattern, text))


@given(st.text("ab?*", min_size=1, max_size=8), st.text("ab", max_size=10))
@settings(max_examples=examples(100))
def test_it_agrees_with_the_slow_way_where_stars_overlap(pattern, text):
    assert glob(pattern)(text) is bool(slowly(pattern, text))


@given(st.characters(exclude_categories=("Cs",)))
def test_folding_pairs_letters_and_never_changes_a_length(character):
    assert len(folded(character)) == 1
    assert folded(folded(character)) == folded(character)
    alike = {character, *pairs(character)}
    assert {folded(each) for each in alike} == {folded(character)}


@pytest.mark.parametrize("pattern", ["*a" * 300 + "b", "*" + "a?" * 200 + "b*", "|".join(["*a*a*a*b"] * 100)])
def test_a_hostile_pattern_takes_no_longer_than_reading_the_text(pattern):
    """With backtracking each of these would take longer than the universe has; no clock is needed to see it."""
    assert glob(pattern)("a" * 32_768) is False
