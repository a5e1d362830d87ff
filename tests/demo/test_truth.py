"""The planted causes come out of the history as `docs/demo.md` says."""

import json

import pytest

from demo.worlds import NOW, shipped
from rung.demo import truth
from rung.insight.rules import steps, weakest
from rung.terms.instants import DAY
from rung.terms.stages import RANK

pytestmark = pytest.mark.xdist_group("demo history")


@pytest.fixture(scope="module")
def told():
    return shipped()[0].truth


@pytest.fixture(scope="module")
def realised(told):
    return told["realised"]


def test_the_truth_is_fit_for_json(told):
    assert json.loads(json.dumps(told))["planted"] == truth.PLANTED


def test_who_read_the_prices_twice_wins_more_often(realised):
    assert 1.6 < realised["pricing_twice_odds_ratio"] < 4.5


def test_who_was_answered_late_wins_less_often(realised):
    assert realised["answered_late_odds_ratio"] < 0.85


def test_a_purchased_list_never_wins(realised):
    assert realised["purchased_wins"] == 0


def test_the_salaries_paper_misleads(realised):
    salaries = realised["salaries"]
    assert salaries["answered"] > 30
    assert salaries["rejected"] / salaries["answered"] > 0.7
    assert salaries["not_urgent"] / salaries["rejected"] > 0.6


def test_jonas_is_late_on_mondays(realised):
    assert realised["late"]["jonas_on_mondays"]["share"] > 0.7
    assert realised["late"]["everybody_else"]["share"] < 0.25


def test_manufacturers_take_longer(realised):
    assert realised["days_to_win"]["Manufacturing"] > 1.25 * realised["days_to_win"]["others"]


def test_the_weakest_step_is_from_prospect_to_opportunity_of_late(realised):
    step = realised["prospect_to_opportunity"]
    assert step["weak_days"]["share"] < 0.75 * step["before"]["share"]


def test_the_quiet_ones_win_without_reaching_the_threshold(realised):
    quiet = realised["quiet"]
    assert quiet["called"] > 25
    assert quiet["won"] > 10
    assert quiet["days_earlier"] > 7


def test_the_ladder_names_prospect_to_opportunity_as_its_weakest_step():
    demo, told = shipped()
    first = {line.person: line.at for line in reversed(told)}
    climbs = []
    for human in demo.humans:
        climb = {0: first[human.key]} if human.key in first else {}
        for move in human.standing.moves:
            if move.at <= NOW and move.status == "active":
                climb.setdefault(RANK[move.stage], move.at)
        climbs.append(climb)
    found = steps(climbs, range(7), start=NOW - 30 * DAY, now=NOW)
    weak = weakest(found)
    assert weak is not None and weak.rank == RANK["prospect"]
    assert weak.share is not None and weak.usual is not None and weak.share < 0.6 * weak.usual
