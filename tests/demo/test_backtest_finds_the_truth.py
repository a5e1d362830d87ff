"""The planted better threshold is found again by trying it on the demo company's history."""

import io
import json

import numpy as np
import pytest

from demo.worlds import NOW, shipped
from rung.demo import agreement
from rung.demo.company import line
from rung.engine.files import reading
from rung.engine.trying import leaving
from rung.engine.trying.backtest import Scope, backtest
from rung.engine.trying.ground import Ground, Wish
from rung.engine.trying.misleading import misleading
from rung.engine.trying.varying import knob
from rung.insight.misleading import LOOKED_BACK
from rung.playbook.loading import load

pytestmark = pytest.mark.xdist_group("demo history")


@pytest.fixture(scope="module")
def ground() -> Ground:
    lines = b"\n".join(json.dumps(line(told, 7, n)).encode() for n, told in enumerate(shipped()[1], 1))
    return Ground(reading.read(io.BytesIO(lines)).history, until=NOW)


def test_the_planted_threshold_shows_the_planted_gain_inside_its_interval(ground: Ground) -> None:
    demo, _ = shipped()
    old = load(agreement.text())
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


def test_the_salaries_paper_is_found_as_the_line_that_misleads(ground: Ground) -> None:
    demo, _ = shipped()
    book = load(agreement.text())
    found, behind = misleading(ground, book, ground.scope(book, Wish(start=NOW - LOOKED_BACK)))
    first, second = found.lines[:2]
    assert (first.name, first.is_clear, first.missed.value) == ("Salaries paper", True, 0)
    assert first.avoided.low >= 15 and first.lost.high <= 8
    assert first.rate > 3 * second.rate
    # Whom it spares sales are those of whom it was planted, and none of them ever bought.
    planted = {human.key for human in demo.humans if human.wants_salaries}
    assert {person for person, _ in behind[first.path]["avoided"]} <= planted
    assert demo.truth["realised"]["salaries"]["won"] == 0


def test_without_the_salaries_paper_hand_offs_and_rejections_vanish_and_no_win_is_missed(ground: Ground) -> None:
    book = load(agreement.text())
    left_out = load(leaving.text_without(book, leaving.part(book, "signals.Salaries paper")))
    result, _ = ground.backtest(book, left_out, Wish())
    figures = {figure.id: figure for figure in result.figures}
    assert (figures["opened"].high or 0) < 0 and (figures["rejected"].high or 0) < 0
    assert result.wins.missed == 0
