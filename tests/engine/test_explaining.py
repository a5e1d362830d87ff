"""Why here, what is missing, and what the points are made of: sentences for people."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import oracle, strategies
from engine.strategies import Written
from engine.test_oracle_worlds import book, told, when
from examples import examples
from rung.engine.company import joined
from rung.engine.deciding import Row
from rung.engine.explain import Explanation, explain, explain_onward, explain_with_history, missing
from rung.engine.program import Program, compile_program
from rung.engine.several import decide
from rung.playbook.definitions import Playbook
from rung.terms.events import Event
from rung.terms.instants import DAY, HOUR

LADDER = """
stages:
  lead: {enter: reachable and signals >= 1}
  mql: {enter: score >= 50 and fit >= 20}
  sal: {enter: accepted}
  prospect: {enter: reached and bant >= 1 and not rejected}
  opportunity: {enter: 'need and (budget or timing) and admits.change and answered("value")'}
  customer: {enter: deal.won}
setbacks:
  - {to: nurture, when: 'stage == "mql" and rejected', because: Sales rejected, rest: 30d}
"""
FIT = """
fit:
  - {name: Target industry, when: 'company.industry == "Software"', points: 15}
  - {name: Decision maker, when: 'person.title == "CTO"', points: 10}
"""
SIGNALS = """
signals:
  - {name: Page, on: page_viewed, points: 8, cap: 10, half_life: 1d}
  - {name: Demo, on: demo_requested, points: 40, hand_raise: yes}
  - {name: Call, on: call_received, points: 45, hand_raise: yes}
"""
ANA = "d0 10:00 person_described email=ana@acme.example title=CTO company=acme.example\n"
SOFTWARE = "d0 09:00 company_described company=acme.example industry=Software\n"


def acme() -> Playbook:
    return book(FIT, SIGNALS, LADDER)


def rows_of(program: Program, world: str, until: str) -> list[Row]:
    return joined(program, told(world), when(*until.split()))["ana"]


def why(world: str, until: str = "d1") -> Explanation:
    program = compile_program(acme())
    return explain(program, rows_of(program, world, until), when(*until.split()))


def lacks(playbook: Playbook, world: str, until: str = "d0 12:00") -> list[str]:
    program = compile_program(playbook)
    clauses = missing(program, rows_of(program, world, until), when(*until.split()))
    return [clause.words for clause in clauses]


def test_what_is_missing_names_the_points_and_the_signal_that_would_bring_them() -> None:
    world = SOFTWARE + ANA + "d0 11:00 page_viewed"
    assert lacks(acme(), world, "d0 11:00") == ["17 more points, or “Demo”"]


def test_a_point_and_a_bit_are_two_points() -> None:
    assert lacks(acme(), SOFTWARE + ANA + "d0 11:00 page_viewed", "d0 12:00") == ["18 more points, or “Demo”"]


def test_clauses_that_hold_are_not_named() -> None:
    world = ANA + "d0 11:00 demo_requested"
    assert lacks(acme(), world, "d0 11:00") == ["10 more points of fit"]


def test_a_letter_never_asked_differs_from_a_no() -> None:
    world = ANA + "d0 10:10 contacted by=sam\nd0 10:20 bant_answered letter=need confirmed=yes\n"
    asked = lacks(acme(), world + "d0 10:30 bant_answered letter=budget confirmed=no")
    assert asked == [
        "budget answered no, or timing not asked yet",
        "has not said yet that they want a change",
        "“value” not answered yet",
    ]


def test_what_is_in_the_way_is_said_as_such() -> None:
    book_ = book(SIGNALS, "stages: {lead: {enter: signals >= 1}, prospect: {enter: reached and not rejected}}")
    assert lacks(book_, "d0 10:00 page_viewed\nd0 10:30 handoff_rejected") == [
        "not spoken with yet",
        "sales rejected the last hand-off",
    ]


def test_a_trait_that_is_unknown_is_asked_for() -> None:
    book_ = book(SIGNALS, "stages: {lead: {enter: company.employees >= 50}}")
    assert lacks(book_, "d0 10:00 page_viewed") == ["employees not known yet"]
    world = "d0 09:00 company_described company=acme.example employees=20\nd0 10:00 page_viewed company=acme.example"
    assert lacks(book_, world) == ["employees not at least 50"]


def test_a_count_says_how_many_more_of_what() -> None:
    book_ = book(SIGNALS, "stages: {lead: {enter: 'count(need, budget, reached) >= 2'}}")
    assert lacks(book_, "d0 10:00 contacted") == ["1 more of: need not asked yet, budget not asked yet"]


def test_a_length_of_time_says_how_much_is_left() -> None:
    book_ = book(SIGNALS, "stages: {lead: {enter: in_stage >= days(3)}}")
    assert lacks(book_, "d0 12:00 page_viewed", "d1 12:00") == ["2 days more on this rung"]


def test_who_rests_is_told_until_when() -> None:
    world = SOFTWARE + ANA + "d0 11:00 demo_requested\nd0 11:10 handoff_rejected"
    words = lacks(acme(), world, "d0 11:20")
    assert words[:2] == ["waiting for them to do something", "resting until 31 Mar 2026"]


def test_on_the_highest_rung_nothing_is_missing() -> None:
    assert lacks(acme(), "d0 10:00 deal_won") == []


def test_why_here_names_the_event_the_rule_and_the_numbers() -> None:
    found = why(SOFTWARE + ANA + "d0 11:00 demo_requested", "d0 12:00")
    assert found.standing.stage == "mql"
    assert found.reasons[0].words == (
        "Marketing qualified lead since 1 Mar 2026, because score is at least 50 and fit is at least 20 "
        "(score 65, fit 25). What tipped it: asked for a demo."
    )
    assert found.reasons[0].seqs == (3,)
    assert found.reasons[-1].words == "Fit 25: Target industry +15, Decision maker +10."


def test_points_tell_what_faded_and_what_the_limit_took() -> None:
    found = why(ANA + "d0 10:00 page_viewed\nd0 10:00 page_viewed", "d0 10:00")
    (page,) = found.points
    assert (page.signal, page.now, page.full, page.faded, page.capped, page.times) == ("Page", 10, 16, 0, 6, 2)
    (page,) = why(ANA + "d0 10:00 page_viewed\nd0 10:00 page_viewed", "d1 10:00").points
    assert (page.now, page.full, page.faded, page.capped) == (8, 16, 8, 0)
    assert page.seqs == (2, 3)


def test_points_of_before_the_win_are_gone_with_their_events() -> None:
    found = why("d0 10:00 demo_requested\nd0 11:00 deal_won\nd0 12:00 demo_requested", "d0 13:00")
    (demo,) = found.points
    assert (demo.now, demo.seqs) == (40, (3,))


def test_somebody_no_rule_has_moved_is_explained_too() -> None:
    found = why("d0 10:00 email_sent")
    assert [reason.words for reason in found.reasons] == [
        "Potential lead since they were first seen: no rule has moved them yet."
    ]


def test_an_override_is_explained_by_who_and_why() -> None:
    found = why("d0 10:00 email_sent\nd0 11:00 stage_overridden to=sal because='Met at the fair' by=sam")
    assert found.reasons[0].words == "Set to Sales accepted lead on 1 Mar 2026 by sam: Met at the fair."
    assert found.missing[0].words == "set by hand until 30 May 2026"


@pytest.mark.parametrize("samples", [2, 5, 50])
def test_the_series_ends_where_the_standing_is(samples: int) -> None:
    program = compile_program(acme())
    rows, until = rows_of(program, SOFTWARE + ANA + "d0 11:00 demo_requested\nd2 10:00 page_viewed", "d9"), when("d9")
    found, series = explain_with_history(program, rows, until, samples=samples)
    assert found == explain(program, rows, until)
    last = series.samples[-1]
    assert (last.stage, last.score) == (found.standing.stage, found.standing.score)
    assert series.moves == found.moves
    assert len(series.samples) == samples


@settings(
    max_examples=examples(25), deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(
    strategies.playbooks(),
    strategies.histories(),
    st.sampled_from([0, HOUR, 4 * DAY]),
    st.sampled_from([0, HOUR, DAY]),
)
def test_explained_from_a_stored_state_is_explained_from_all_rows(
    written: Written, events: list[Event], decided: int, later: int
) -> None:
    last = max(event.at for event in events)
    program = compile_program(written.playbook)
    for rows in joined(program, oracle.corrected(events), last).values():
        whole = explain(program, rows, last + decided + later)
        stored = decide(program, rows, last + decided)
        by_seq = {row.event.seq: row.event for row in rows}
        onward = explain_onward(program, stored.state, last + decided + later, past=stored.moves, events=by_seq)
        without_events = tuple(replace(line, seqs=()) for line in whole.points)
        assert replace(onward, reasons=(), handoffs=()) == replace(
            whole, points=without_events, reasons=(), handoffs=()
        )
        assert [(each.words, each.at) for each in onward.reasons] == [(each.words, each.at) for each in whole.reasons]
