"""What a backtest says of small worlds, to the last number; and what it must never say."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from engine import oracle, strategies
from engine.strategies import Written
from engine.test_replay_parity import columns
from engine.trying_world import book, event, ground, pages, year
from examples import examples
from rung.engine.program import compile_program
from rung.engine.trying.backtest import Figure, Result
from rung.engine.trying.ground import CannotTry, Ground, Wish, why
from rung.engine.trying.resampling import Sample, interval
from rung.playbook.conditions import ConditionError
from rung.terms.events import Event
from rung.terms.instants import DAY, parse_instant


def figures(result: Result) -> dict[str, Figure]:
    return {figure.id: figure for figure in result.figures}


def numbers(result: Result, *ids: str) -> list[tuple[float | None, float | None]]:
    found = figures(result)
    return [(found[id].old, found[id].new) for id in ids]


@settings(
    max_examples=examples(15), deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(strategies.playbooks(), strategies.histories())
def test_a_definition_against_itself_differs_in_nothing(written: Written, told: list[Event]) -> None:
    history = columns(sorted(oracle.corrected(told), key=lambda each: each.seq))
    if not history.people or not len(history):
        return
    result, people = Ground(history, is_compiled=False).backtest(written.playbook, written.playbook)
    for figure in result.figures:
        assert figure.old == figure.new and figure.change in (0, None), figure
        assert (figure.low, figure.high) in ((0, 0), (None, None)), figure
    for rows in (result.by_month, result.by_source, result.by_rule, result.by_tip, result.by_reason):
        assert all(row.old == row.new for row in rows)
    assert (result.differing, result.elsewhere, people.differing) == (0, 0, ())
    assert (result.wins.missed, result.wins.gained, result.wins.earlier, result.wins.later) == (0, 0, 0, 0)
    assert people.old == people.new


def test_a_lower_threshold_hands_over_earlier_and_more_and_what_nobody_judged_is_told_apart() -> None:
    result, people = ground().backtest(book(50), book(40))
    told = numbers(result, "opened", "accepted", "rejected", "undecided", "open", "opportunity", "won", "caught")
    assert told == [(3, 5), (1, 1), (1, 1), (1, 3), (1, 2), (1, 2), (1, 2), (1, 2)]
    assert (result.wins.gained, result.wins.missed, result.wins.earlier) == (1, 0, 1)
    assert result.wins.median_days == 4.0
    assert figures(result)["amount_EUR"].change == 50_00
    dan = next(each for each in people.differing if each.person == "dan@x.example")
    assert (dan.what, dan.old_at, dan.answer) == ("only_new", None, "")
    assert dan.new_at == parse_instant("2026-03-04T10:00:00Z")
    assert {row.key: (row.old.opened, row.new.opened) for row in result.by_source} == {
        "direct or unknown": (2, 4),
        "fair": (1, 1),
    }
    assert [(row.key, row.new.rejected) for row in result.by_reason] == [("No budget", 1)]


def test_a_higher_threshold_misses_wins_and_takes_no_credit_for_what_sales_began_without_it() -> None:
    result, people = ground().backtest(book(50), book(60))
    # Ana read her sixth page after sales had answered for her: there she would have been handed over.
    assert numbers(result, "opened", "accepted", "undecided", "earlier", "caught") == [
        (3, 1),
        (1, 0),
        (1, 1),
        (0, 1),
        (1, 1),
    ]
    assert (result.wins.later, result.wins.median_days) == (1, -21.0)
    (late,) = people.new
    assert (late.person, late.is_late, late.answer) == ("ana@x.example", True, 0)
    gone, _ = ground().backtest(book(50), book(90))
    assert numbers(gone, "opened", "caught", "recall") == [(3, 0), (1, 0), (0.5, 0.0)]
    assert (gone.wins.missed, gone.wins.by_neither) == (1, 1)


def test_people_still_open_are_censored_and_not_failures() -> None:
    events = [
        event("ana", "01-05", "demo_requested"),
        event("ana", "01-10", "deal_won", deal="d"),
        event("bo", "01-05", "demo_requested"),
        event("cleo", "06-29", "demo_requested"),
    ]
    result, _ = ground(events, "2026-06-30T00:00:00Z").backtest(book(), book())
    # One of the two who were followed long enough has won; Cleo, a day old, tells nothing.
    assert figures(result)["precision"].old == pytest.approx(1 / 2)
    young, _ = ground([*events, event("dan", "06-29", "demo_requested")]).backtest(book(), book())
    assert figures(young)["precision"].old == pytest.approx(1 / 2)


def test_a_period_and_a_subset_restrict_every_figure() -> None:
    only, _ = ground().backtest(book(50), book(40), Wish(start=parse_instant("2026-02-01")))
    assert numbers(only, "opened", "won") == [(2, 4), (0, 1)]
    fair, _ = ground().backtest(book(50), book(40), Wish(subset='person.source == "fair"'))
    assert (fair.members, fair.people) == (1, 5)
    assert numbers(fair, "opened", "caught") == [(1, 1), (1, 1)]


def test_what_cannot_be_tried_says_why_in_words() -> None:
    with pytest.raises(CannotTry, match="Nobody meets “score > 5000” on 30 Jun 2026: 5 people were looked at"):
        ground().backtest(book(), book(40), Wish(subset="score > 5000"))
    with pytest.raises(CannotTry, match=r"Nothing lies between .*: the history runs from 5 Jan 2026 to 30 Jun 2026"):
        ground().backtest(book(), book(40), Wish(start=parse_instant("2027-01-01")))
    with pytest.raises(ConditionError):
        ground().backtest(book(), book(40), Wish(subset="scor > 1"))
    with pytest.raises(CannotTry, match="The history is empty"):
        ground([])


def test_holes_and_facts_that_the_history_has_not_are_told() -> None:
    result, _ = ground(pages("ana", "01-05", "04-20")).backtest(book(), book(40))
    assert result.warnings == (
        "Nothing at all happened from 5 Jan 2026 to 20 Apr 2026: 105 days are missing.",
        "No answer of sales is recorded in this history: every hand-off counts as not decided.",
        "“Acme” asks for “asked for a demo” (demo_requested), of which this history has none.",
    )


def test_every_figure_names_both_versions_and_the_day() -> None:
    old, new = book(50), book(40)
    result, _ = ground().backtest(old, new)
    assert {(f.old_version, f.new_version, f.as_of) for f in result.figures} == {
        (old.version[:12], new.version[:12], "2026-06-30T00:00:00Z")
    }


def test_work_for_sales_is_the_look_and_the_touches_that_the_cadence_owes() -> None:
    result, _ = ground().backtest(book(50), book(40))
    # 5 minutes to look, two calls of 10 and a mail of 5: half an hour each.
    assert numbers(result, "hours") == [(1.5, 2.5)]


def test_both_definitions_explain_the_same_person_at_the_same_instant() -> None:
    there = ground()
    programs = [compile_program(book(score)) for score in (50, 40)]
    dan = there.history.people.index("dan@x.example")
    at = parse_instant("2026-03-04T10:00:00Z")
    old, new = (why(program, there.rows_of([dan], program)["dan@x.example"], at) for program in programs)
    assert (old.is_handed_over, new.is_handed_over) == (False, True)
    assert old.words == ("Lead, with 40.0 points (fit 0).", "Missing: 10 more points, or “Demo request”.")
    assert new.words[0].startswith("Marketing qualified lead since 4 Mar 2026, because score is at least 40")


def test_intervals_hold_the_figure_and_narrow_with_more_people() -> None:
    few, many = (Sample.of(n).totals(np.ones((n, 1)))[:, 0] / n for n in (50, 5_000))
    low, high = interval(few) or (0, 0)
    assert low < 1 < high
    tight = interval(many) or (0, 0)
    assert high - low > 5 * (tight[1] - tight[0])


def test_a_median_time_counts_those_who_are_still_there_as_not_over() -> None:
    sample = Sample.of(4)
    duration = np.array([1, 2, 3, 10]) * DAY
    ended = np.array([True, True, False, False])
    told = sample.median_by(duration=duration, is_over=ended, person=np.arange(4))
    assert told[0] == 2 * DAY
    open_ = sample.median_by(duration=duration, is_over=np.array([True, False, False, False]), person=np.arange(4))
    assert np.isnan(open_[0])


def test_the_same_history_gives_the_same_figures_again() -> None:
    one, other = (ground(year()).backtest(book(50), book(40)) for _ in range(2))
    assert one == other
