"""Signatures and review dates are written into a playbook's text, and nothing else of it changes."""

from datetime import date

import pytest

from rung.playbook import shipped
from rung.playbook.faults import PlaybookRefused
from rung.playbook.loading import load
from rung.playbook.writing import opened, signed_by, to_be_reviewed, written

SMALL = """playbook: 1
name: Acme
# what a lead is
stages:
  lead: {enter: reachable}   # anybody we can write to
"""
DAY = date(2026, 11, 25)


@pytest.mark.parametrize("name", shipped.shipped())
def test_a_playbook_that_is_opened_and_written_says_the_same(name: str) -> None:
    text = shipped.read(name)
    assert load(written(opened(text))).version == load(text).version


@pytest.mark.parametrize("name", shipped.shipped())
def test_every_playbook_can_be_signed_by_both_sides_and_reviewed_in_a_year(name: str) -> None:
    text = shipped.read(name)
    signed = signed_by(signed_by(text, side="sales", who="Sam Lee", on=DAY), side="marketing", who="Mia Ortiz", on=DAY)
    playbook = load(to_be_reviewed(signed, by=date(2027, 11, 25)))
    assert playbook.is_signed
    assert playbook.version == load(text).version
    assert playbook.review_by == date(2027, 11, 25)
    assert [line for line in text.split("\n") if "review_by" not in line] == [
        line
        for line in signed.split("\n")
        if "review_by" not in line and not line.startswith(("signed:", "  sales: Sam", "  marketing: Mia"))
    ]


def test_a_signature_stands_behind_the_name_with_side_day_and_version() -> None:
    version = load(SMALL).version[:12]
    assert signed_by(SMALL, side="sales", who="Sam  Lee", on=DAY) == SMALL.replace(
        "name: Acme\n", f"name: Acme\nsigned:\n  sales: Sam Lee 2026-11-25 {version}\n"
    )


def test_who_signs_again_replaces_the_own_signature_and_keeps_the_other() -> None:
    first = signed_by(signed_by(SMALL, side="sales", who="Sam Lee", on=DAY), side="marketing", who="Mia", on=DAY)
    again = load(signed_by(first, side="sales", who="Kim Tanaka", on=DAY))
    assert [(s.side, s.who) for s in again.signatures] == [("marketing", "Mia"), ("sales", "Kim Tanaka")]


def test_a_signature_under_another_version_goes_when_this_one_is_signed() -> None:
    stale = SMALL.replace("name: Acme\n", "name: Acme\nsigned: {marketing: Mia Ortiz 2026-01-01 aaaaaaaaaaaa}\n")
    signed = load(signed_by(stale, side="sales", who="Sam Lee", on=DAY))
    assert [s.side for s in signed.signatures] == ["sales"]


def test_a_file_in_braces_is_written_out_and_signed() -> None:
    text = '{"playbook": 1, "name": "Acme", "stages": {"lead": {"enter": "reachable"}}}'
    signed = load(signed_by(text, side="sales", who="Sam Lee", on=DAY))
    assert signed.is_signed_by("sales")
    assert signed.version == load(text).version


@pytest.mark.parametrize("who", ["", "  ", "Sam: Lee", "Sam\x07Lee", "{Sam}", "#1", "- Sam"])
def test_what_is_no_name_is_refused(who: str) -> None:
    with pytest.raises(ValueError, match="A signature is a name"):
        signed_by(SMALL, side="sales", who=who, on=DAY)


@pytest.mark.parametrize("who", ["Zoë O'Neil-Smith, PhD", "陳 大文", "Sam\nLee", "J. R. [ops]"])
def test_names_of_all_sorts_can_sign(who: str) -> None:
    assert load(signed_by(SMALL, side="sales", who=who, on=DAY)).signatures[0].who == " ".join(who.split())


def test_what_is_no_playbook_cannot_be_signed() -> None:
    with pytest.raises(PlaybookRefused):
        signed_by("playbook: 2", side="sales", who="Sam Lee", on=DAY)
