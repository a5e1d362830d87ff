"""The planted better threshold is found again by trying it on the demo company's history."""

import io
import json

import numpy as np
import pytest

from demo.worlds import NOW, shipped
from rung.demo.company import line
from rung.engine import reading
from rung.engine.backtest import Scope, backtest
from rung.engine.trying import Ground, Wish
from rung.engine.varying import knob
from rung.playbook.loading import load
from rung.playbook.shipped import DEFAULT, read

pytestmark = pytest.mark.xdist_group("demo history")


@pytest.fixture(scope="module")
def ground() -> Ground:
    lines = b"\n".join(json.dumps(line(told, 7, n)).encode() for n, told in enumerate(shipped()[1], 1))
    return Ground(reading.read(io.BytesIO(lines)).history, until=NOW)


def test_the_planted_threshold_shows_the_planted_gain_inside_its_interval(ground: Ground) -> None:
    demo, _ = shipped()
    old = load(read(DEFAULT))
    new = knob(old, "stages.mql.enter:score").turned(old, 40)
    result, _ = ground.backtest(old, new)
    figures = {figure.id: figure for figure in result.figures}
    planted = demo.truth["realised"]["quiet"]
    # Everybody near the threshold is handed over besides, and no win is lost.
    assert (figures["opened"].low or 0) > 0 and planted["near"] <= (figures["opened"].high or 0)
    assert result.wins.missed == 0

    # Of the hidden group that called by themselves, the gain is the days by which 40 points came before the call.
    quiet = {human.key for human in demo.humans if human.soul == "quiet" and human.near_at and human.called_at}
    members = np.array([person in quiet for person in ground.history.people])
    scope = Scope(ground.first_at, ground.until, members)
    hidden, people = backtest(
        ground.told(old), ground.told(new), ground.deeds, scope, people=ground.history.people, events=0
    )
    assert hidden.wins.low is not None and hidden.wins.high is not None
    assert hidden.wins.low <= planted["days_earlier"] <= hidden.wins.high
    assert hidden.wins.earlier == planted["won"]
    assert {each.what for each in people.differing if each.won_at} == {"earlier"}


def test_the_salaries_paper_costs_hand_offs_and_wins_nothing(ground: Ground) -> None:
    old = load(read(DEFAULT))
    new = load(
        read(DEFAULT).replace(
            "on: content_downloaded, points: 10",
            "on: content_downloaded, when: 'not data.title.contains(\"salaries\")', points: 10",
        )
    )
    assert old.version != new.version
    result, _ = ground.backtest(old, new, Wish())
    figures = {figure.id: figure for figure in result.figures}
    assert (figures["opened"].high or 0) < 0 and (figures["rejected"].high or 0) < 0
    assert result.wins.missed <= 2
