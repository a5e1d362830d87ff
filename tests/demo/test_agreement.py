"""The demo's people and the engine agree on where everybody stands."""

from collections import Counter

import pytest

from demo.engine_side import decided
from demo.worlds import NOW, shipped, small
from rung.demo import agreement
from rung.demo.staging import FIRST_LEFT, OPEN, SECOND_LEFT
from rung.playbook.loading import load
from rung.terms.business_time import WorkingTime, national_holidays
from rung.terms.durations import parse_duration
from rung.terms.instants import DAY, MINUTE

pytestmark = pytest.mark.xdist_group("demo history")


@pytest.fixture(scope="module")
def demo():
    return small()[0]


@pytest.fixture(scope="module")
def decisions():
    return decided(small()[1], NOW)


def test_the_likeness_repeats_what_moves_a_person_in_the_firms_playbook():
    playbook = load(agreement.text())
    enters = {code: stage.enter.text for code, stage in playbook.stages.items() if stage.enter is not None}
    assert enters["mql"] == f"score >= {agreement.THRESHOLD} and fit >= {agreement.FIT_NEEDED}"
    rests = {reason: told.rest and round(told.rest / DAY) for reason, told in playbook.handoff.reject_reasons.items()}
    assert {reason: agreement.RESTS.get(reason, 0) for reason in rests} == {
        reason: -1 if days is not None and days > 99999 else days or 0 for reason, days in rests.items()
    }
    valid = {letter: told.valid_for / DAY for letter, told in playbook.qualification.items() if told.valid_for}
    assert valid == agreement.ANSWER_VALID_DAYS


def test_everybody_stands_where_the_engine_says(demo, decisions):
    differing = []
    for human in demo.humans:
        moves = [(m.at, m.stage if m.status == "active" else m.status) for m in human.standing.moves if m.at <= NOW]
        found = [(m.at, m.to_code) for m in decisions[human.key].moves] if human.key in decisions else []
        if moves != found:
            differing.append((human.key, moves, found))
    assert len(differing) <= len(demo.humans) // 100, differing[:3]


def test_nobody_moves_more_than_four_times_in_a_day(demo, decisions):
    for day_of in (lambda at: at // DAY, demo.days.index):
        made = Counter((key, day_of(move.at)) for key, found in decisions.items() for move in found.moves)
        assert max(made.values()) <= 4, made.most_common(1)


def test_no_setback_is_undone_in_the_same_instant(decisions):
    for found in decisions.values():
        for before, after in zip(found.moves, found.moves[1:], strict=False):
            if before.cause == "setback" and before.lap == after.lap and before.from_code != "customer":
                assert after.at > before.at


def test_two_hand_offs_are_minutes_from_breach_and_a_dozen_wait(decisions):
    hours = WorkingTime("Europe/Berlin", (((540, 1050),),) * 5 + ((), ()), national_holidays("DE"))
    left = []
    for found in decisions.values():
        if found.standing.stage == "mql" and found.standing.status == "active":
            opened = found.handoffs[-1]
            assert opened.what == "opened" or opened.what == "returned"
            within = "30 business minutes" if opened.lane == "hand_raise" else "1 business day"
            left.append(hours.between(NOW, hours.add(opened.at, parse_duration(within))) / MINUTE)
    left.sort()
    assert abs(left[0] - FIRST_LEFT / MINUTE) < 1
    assert abs(left[1] - SECOND_LEFT / MINUTE) < 1
    assert left[2] > 27
    assert len(left) <= OPEN


def test_every_rung_is_peopled():
    stands = shipped()[0].truth["realised"]["stands"]
    assert stands["suspect"] > stands["lead"] / 2 > stands["sal"] > stands["opportunity"] / 2 > 0
    assert stands["mql"] == OPEN
    assert min(stands[code] for code in ("prospect", "customer", "nurture", "lost", "disqualified")) > 0
