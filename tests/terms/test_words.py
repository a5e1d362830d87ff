"""Kinds, values, companies and durations: the vocabulary says what it lets in."""

import re
from pathlib import Path

import pytest

from rung.terms.addresses import may_be_email, may_be_phone
from rung.terms.companies import company_key, is_free_mailbox
from rung.terms.durations import BadDuration, Duration, parse_duration
from rung.terms.kinds import KINDS, REACHED, SIGNS_OF_LIFE, TOUCHES, kind_of_track
from rung.terms.values import BadValue, as_trait, normalised

ROOT = Path(__file__).parents[2]


def test_every_kind_stands_in_the_glossary_and_nothing_else_does():
    text = (ROOT / "docs/glossary.md").read_text()
    section = text.split("## Event kinds")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE)) == set(KINDS)


def test_a_system_event_is_never_a_persons_own():
    assert not KINDS["email_sent"].is_own
    assert KINDS["page_viewed"].is_own
    assert KINDS["deal_won"].is_own


def test_touches_replies_and_signs_of_life_are_kinds():
    assert set(KINDS) >= TOUCHES | REACHED | SIGNS_OF_LIFE


@pytest.mark.parametrize(
    ("name", "door", "kind"),
    [
        ("Page Viewed", "publishable", "page_viewed"),
        ("demoRequested", "publishable", "demo_requested"),
        ("Deal Won", "publishable", "custom"),
        ("Deal Won", "secret", "deal_won"),
        ("handoff_accepted", "secret", "custom"),
        ("Order Completed", "secret", "custom"),
        ("", "secret", "custom"),
    ],
)
def test_a_track_call_becomes_a_kind_only_where_its_door_may_write_it(name, door, kind):
    assert kind_of_track(name, door) == kind


@pytest.mark.parametrize(
    "value",
    ["a\x00b", "\ud800", float("nan"), float("inf"), 2**63, -(2**63), 10**400, "x" * 32_769, object()],
)
def test_a_value_no_door_lets_in_is_refused_by_name(value):
    with pytest.raises(BadValue, match="size"):
        normalised({"size": value})


def test_nesting_has_a_floor():
    deep: object = 1
    for _ in range(9):
        deep = {"a": deep}
    with pytest.raises(BadValue, match="nested deeper than 8"):
        normalised({"deep": deep})


def test_text_is_stored_in_one_unicode_form():
    assert normalised({"name": "Zoe\u0308"}) == {"name": "Zo\u00eb"}


def test_a_trait_keeps_its_type():
    assert as_trait("50", "employees") == "50"
    assert as_trait(50, "employees") == 50
    assert as_trait(True, "vip") is True
    assert as_trait(["a", " b "], "tags") == ("a", "b")
    with pytest.raises(BadValue, match="tags is a dict"):
        as_trait({"a": 1}, "tags")
    with pytest.raises(BadValue, match="1001 characters"):
        as_trait("x" * 1001, "note")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Acme.Example", "acme.example"),
        ("  ACME Ltd ", "ACME Ltd"),
        ("gmail.com", None),
        ("Sub.Domain.Example", "sub.domain.example"),
        ("", None),
        ("   ", None),
        ("1.2.3.4", "1.2.3.4"),
        ("Zoe\u0308 GmbH", "Zo\u00eb GmbH"),
    ],
)
def test_a_company_is_its_domain_else_its_name(text, key):
    assert company_key(text) == key


def test_a_free_mailbox_is_known_by_its_domain():
    assert is_free_mailbox("ana@GMAIL.com")
    assert not is_free_mailbox("ana@acme.example")


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("14d", Duration(14, "day")),
        ("30 business minutes", Duration(30, "minute", True)),
        ("1 business day", Duration(1, "day", True)),
        ("90 Days", Duration(90, "day")),
        ("2h", Duration(2, "hour")),
    ],
)
def test_a_duration_is_read_as_people_write_it(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["soon", "14", "d", "-1d", "1.5h", "14 weeks", "", 14, None, "9999999d"])
def test_what_is_no_duration_says_what_to_write(text):
    with pytest.raises(BadDuration, match="write 14d"):
        parse_duration(text)


def test_business_time_has_no_length_of_its_own():
    assert parse_duration("14d").micros == 14 * 86_400_000_000
    with pytest.raises(BadDuration, match="without a calendar"):
        _ = parse_duration("1 business day").micros


@pytest.mark.parametrize(
    ("text", "is_email"),
    [
        ("a@b.example", True), ("inês@açor.example", True), ("@kim@firm", True), ("n/a", False), ("@kim", False),
        ("kim(at)firm.example", False), ("kim@", False), ("@", False), ("", False), ("@@", False),
    ],
)  # fmt: skip
def test_an_address_has_something_on_both_sides_of_its_sign(text: str, is_email: bool) -> None:
    assert may_be_email(text) is is_email


@pytest.mark.parametrize(("text", "is_phone"), [("+49 30 1", True), ("٣", True), ("unknown", False), ("-", False)])
def test_a_phone_number_has_a_digit(text: str, is_phone: bool) -> None:
    assert may_be_phone(text) is is_phone
