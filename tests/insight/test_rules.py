from rung.insight.rules import Step, steps, weakest
from rung.terms.instants import DAY

NOW = 2_000 * DAY
LEAD, MQL, SAL = 1, 2, 3


def step(**changes) -> Step:
    start = {"rank": 1, "next_rank": 2, "went_on": 5, "share": 0.5, "arrived": 100, "usual": 0.5, "usual_arrived": 400}
    return Step(**{**start, "median_time": DAY, **changes})


def test_conversion_speaks_of_those_who_had_ninety_days_to_go_on():
    ripe, young = NOW - 120 * DAY, NOW - 10 * DAY
    climbs = [{LEAD: ripe, MQL: ripe + 5 * DAY}, {LEAD: ripe}, {LEAD: young}, {LEAD: young, MQL: young + DAY}]
    (found,) = steps(climbs, (LEAD, MQL), start=NOW - 30 * DAY, now=NOW)
    assert (found.share, found.arrived) == (0.5, 2)
    assert found.went_on == 1
    assert found.median_time == DAY


def test_whoever_takes_longer_than_ninety_days_did_not_go_on():
    ripe = NOW - 150 * DAY
    (found,) = steps([{LEAD: ripe, MQL: ripe + 91 * DAY}], (LEAD, MQL), start=NOW, now=NOW)
    assert (found.share, found.arrived) == (0.0, 1)


def test_jumping_over_a_rung_goes_on_from_the_rung_below():
    ripe = NOW - 120 * DAY
    lead_step, mql_step = steps([{LEAD: ripe, SAL: ripe + DAY}], (LEAD, MQL, SAL), start=0, now=NOW)
    assert lead_step.share == 1.0
    assert mql_step.share is None


def test_usual_is_the_four_quarters_before():
    old = NOW - 300 * DAY
    (found,) = steps([{LEAD: old, MQL: old + DAY}, {LEAD: old}], (LEAD, MQL), start=NOW - DAY, now=NOW)
    assert (found.usual, found.usual_arrived, found.share, found.change) == (0.5, 2, None, None)


def test_the_weakest_step_is_the_one_that_fell():
    usual, fallen = step(share=0.10, usual=0.10), step(rank=4, share=0.22, usual=0.34)
    assert weakest([usual, fallen]) is fallen


def test_without_a_fall_the_weakest_step_is_the_lowest_above_the_first():
    first, low, high = (
        step(share=0.04, usual=0.04),
        step(rank=2, share=0.2, usual=0.2),
        step(rank=3, share=0.8, usual=0.8),
    )
    assert weakest([first, high, low]) is low


def test_a_handful_of_people_is_no_fall():
    assert step(share=0.0, usual=0.9, arrived=5).fall == 0.0
    assert weakest([]) is None


def test_a_fall_is_measured_in_standard_errors():
    assert round(step(share=0.22, usual=0.34, arrived=100, usual_arrived=400).fall, 2) == 2.31
