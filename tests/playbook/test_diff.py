"""A changed playbook, told as one would tell it across the table: what was, what is, and on which lines."""

import re
from functools import cache

import pytest

from rung.playbook.definitions import Playbook
from rung.playbook.diff import Change, diff_in_words, turned
from rung.playbook.loading import load
from rung.playbook.shipped import read, shipped

OLD = """\
playbook: 1
name: Acme
words: {prospect: SQL}
fit:
  - {name: Right size, when: 50 <= company.employees <= 1000, points: 15}
signals:
  - {name: Pricing page, on: page_viewed, when: 'data.path.startswith("/pricing")', points: 8, cap: 24, half_life: 14d}
  - {name: Demo request, on: demo_requested, points: 40, hand_raise: yes}
temperature: {hot: 50, warm: 20}
stages:
  lead: {enter: reachable and signals >= 1}
  mql: {enter: score >= 50 and fit >= 15, treat: [Call]}
  sal: {enter: accepted}
  prospect: {enter: reached and bant >= 1}
setbacks:
  - {to: nurture, when: 'stage in ["mql", "sal"] and rejected', because: Sales rejected, rest: 30d}
  - {to: lead, when: 'stage == "mql" and idle >= days(90)', because: Silence}
handoff:
  on: mql
  accept_within: 1 business day
  reject_reasons: [{reason: No budget, rest: 90d}, Not urgent]
duties: {marketing: {mqls_per_month: 120}}
calendar: {timezone: Europe/Berlin, holidays: DE}
qualification: {budget: {ask: [What does it cost you?], valid_for: 180d}}
"""


@cache
def shipped_book(name: str) -> Playbook:
    return load(read(name))


def changes(*turns: tuple[str, str]) -> list[Change]:
    text = OLD
    for before, after in turns:
        assert before in text
        text = text.replace(before, after)
    return list(diff_in_words(load(OLD), load(text)))


CHANGES = {
    ("score >= 50", "score >= 42"): ("Marketing qualified lead: score is at least 50 → 42", 12, 12),
    ("score >= 50 and fit >= 15", "score >= 50"): (
        "Marketing qualified lead: no longer asked: fit is at least 15",
        12,
        12,
    ),
    ("enter: accepted", "enter: accepted and not touched"): (
        "Sales accepted lead: now also asked: we have not tried to reach them",
        13,
        13,
    ),
    (
        "enter: score >= 50 and fit >= 15",
        "enter: 'score >= 50 and fit >= 15 or fit >= 5 and times(\"Demo request\") >= 1'",
    ): (
        "Marketing qualified lead: now also when fit is at least 5 and “Demo request” happened at least once",
        12,
        12,
    ),
    ("enter: reached and bant >= 1", "enter: reached and bant >= 2 and accepted and not rejected"): (
        "SQL: at least one of budget, authority, need and timing is → 2 of budget, authority, need and timing are "
        "confirmed; now also asked: sales accepted; now also asked: sales has not rejected",
        14,
        14,
    ),
    ("idle >= days(90)', because: Silence", "idle >= days(60)', because: Silence for 60 days"): (
        "Step back “Silence”: is now called Silence for 60 days; there was no sign of life for 90 → 60 days",
        17,
        17,
    ),
    ("points: 8,", "points: 10,"): ("Signal Pricing page: 8 → 10 points", 7, 7),
    ("points: 8, cap: 24,", "points: 10, cap: 30,"): ("Signal Pricing page: 8 → 10 points; at most 24 → 30", 7, 7),
    (", cap: 24", ""): ("Signal Pricing page: at most 24 → no limit", 7, 7),
    ("half_life: 14d", "half_life: 36h"): ("Signal Pricing page: half of it fades in 14 days → 36 hours", 7, 7),
    (", hand_raise: yes", ""): ("Signal Demo request: is no longer a raised hand", 8, 8),
    ("name: Pricing page", "name: Prices"): ("Signal Pricing page: is now called Prices", 7, 7),
    ("points: 15}", "points: -15}"): ("Fit line Right size: 15 → −15 points", 5, 5),
    ("prospect: SQL", "prospect: Real prospect"): ("SQL is now called Real prospect", 3, 3),
    ("hot: 50", "hot: 60"): ("Hot: engagement is at least 50 → 60", 9, 9),
    (", rest: 30d", ", rest: never"): ("Step back “Sales rejected”: rest 30 days → for ever", 16, 16),
    (", rest: 30d", ""): ("Step back “Sales rejected”: rest 30 days → never", 16, 16),
    ("to: lead, when", "to: nurture, when"): ("Step back “Silence”: to Lead → Nurture", 17, 17),
    ("because: Silence", "because: No sign of life"): ("Step back “Silence”: is now called No sign of life", 17, 17),
    ("accept_within: 1 business day", "accept_within: 4 business hours"): (
        "Sales answers within 1 business day → 4 business hours.",
        20,
        20,
    ),
    ("mqls_per_month: 120", "mqls_per_month: 150"): ("Marketing owes 120 → 150 hand-offs a month.", 22, 22),
    ("rest: 90d}", "rest: 60d}"): ("Sales may reject with “No budget”: they rest for 90 → 60 days.", 21, 21),
    (", Not urgent", ""): ("No longer: Sales may reject with “Not urgent”.", 21, None),
    ("treat: [Call]", "treat: [Call, Write]"): ("New: Marketing qualified lead, what we do then: write.", None, 12),
    ("valid_for: 180d", "valid_for: 90d"): (
        "Budget: we ask “What does it cost you?”; an answer holds for 180 → 90 days.",
        24,
        24,
    ),
    ("name: Acme", "name: Acme Ltd"): ("The playbook “Acme” is now called “Acme Ltd”", 2, 2),
}


@pytest.mark.parametrize("turn", CHANGES)
def test_a_change_is_said_in_words_with_both_lines(turn: tuple[str, str]) -> None:
    (change,) = changes(turn)
    assert (change.words, change.old_line, change.new_line) == CHANGES[turn]


def test_lines_that_come_and_go_have_one_line_number() -> None:
    old, new = (
        load(OLD),
        load(OLD.replace("  - {name: Demo request, on: demo_requested, points: 40, hand_raise: yes}\n", "")),
    )
    (gone,) = diff_in_words(old, new)
    assert (gone.words, gone.old_line, gone.new_line) == ("Signal Demo request is removed (40 points)", 8, None)
    (come,) = diff_in_words(new, old)
    assert come.words == "New signal: Demo request (asked for a demo) gives 40 points. It is a raised hand."
    assert (come.old_line, come.new_line) == (None, 8)


def test_rungs_that_come_and_go_are_named() -> None:
    old, new = load(OLD), load(OLD.replace("  sal: {enter: accepted}\n", "").replace('"mql", "sal"', '"mql"'))
    words = [change.words for change in diff_in_words(old, new)]
    assert words[0] == "The rung Sales accepted lead is no longer used"
    assert diff_in_words(new, old)[0].words.startswith("The rung Sales accepted lead is new: ")


def test_another_order_of_setbacks_is_a_change_and_of_signals_is_none() -> None:
    lines = OLD.splitlines()
    lines[15], lines[16] = lines[16], lines[15]
    assert [c.words for c in diff_in_words(load(OLD), load("\n".join(lines)))] == [
        "The steps back are tried in another order"
    ]
    lines = OLD.splitlines()
    lines[6], lines[7] = lines[7], lines[6]
    assert diff_in_words(load(OLD), load("\n".join(lines))) == ()


def test_form_signatures_and_the_review_date_are_no_change() -> None:
    text = OLD.replace("score >= 50 and", "score>=50   and") + "review_by: 2027-01-01\n# a comment\n"
    assert diff_in_words(load(OLD), load(text)) == ()


@pytest.mark.parametrize("name", shipped())
def test_a_playbook_does_not_differ_from_itself_and_differs_from_every_other(name: str) -> None:
    book = shipped_book(name)
    assert diff_in_words(book, load("\n" + read(name))) == ()
    assert all(diff_in_words(book, shipped_book(other)) for other in shipped() if other != name)


def test_no_number_changes_unsaid() -> None:
    book = load(OLD)
    for found in re.finditer(r"(?<=[ :(])\d+(?=[,}d\s%)])", OLD):
        line = OLD.count("\n", 0, found.start()) + 1
        if line == 1:
            continue
        said = diff_in_words(book, load(OLD[: found.start()] + str(int(found.group()) + 1) + OLD[found.end() :]))
        assert [change.new_line for change in said] == [line], found


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("score is at least 50", "score is at least 42", "score is at least 50 → 42"),
        ("she is here", "she was here", "she is → was here"),
        ("a", "b", "a → b"),
        ("we call.", "we call and write.", "we call → we call and write."),
    ],
)
def test_common_words_are_said_once(before: str, after: str, said: str) -> None:
    assert turned(before, after) == said


def test_a_way_that_goes_and_one_that_stays_are_told_apart() -> None:
    both = load(OLD.replace("enter: accepted", "enter: accepted or touched"))
    (change,) = diff_in_words(both, load(OLD))
    assert change.words == "Sales accepted lead: no longer when we tried to reach them"
