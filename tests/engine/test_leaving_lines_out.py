"""Each line of a playbook left out by itself: what that had spared sales, and what it had cost."""

import pytest

from engine.leaving_world import WORLD, book, lives
from engine.trying_world import BOOK, event, ground, pages
from rung.engine.trying import leaving
from rung.engine.trying.ground import CannotTry, Wish
from rung.engine.trying.misleading import Misleading, misleading
from rung.playbook.loading import load


def looked(start: int | None = None) -> tuple[Misleading, dict[str, dict[str, tuple[tuple[str, int], ...]]]]:
    world = ground(lives())
    return misleading(world, book(), world.scope(book(), Wish(start=start)))


def test_every_way_in_is_a_part_and_what_keeps_people_out_is_none() -> None:
    assert [(part.path, part.what) for part in leaving.parts(book())] == [
        ("signals.Pricing page", "signal"),
        ("signals.Demo request", "signal"),
        ("signals.Salary paper", "signal"),
        ("fit.Harbour", "fit"),
        ("stages.mql.enter/1", "condition"),
        ("stages.mql.enter/2", "condition"),
    ]
    narrow = load(BOOK.replace("score >= 50", "'score >= 50 and count(reachable, signals >= 1, visits >= 2) >= 2'"))
    ways = [part for part in leaving.parts(narrow) if part.what == "condition"]
    assert len(ways) == 3
    left = leaving.without(narrow, ways[0]).stages["mql"].enter.text
    assert left == "score >= 50 and count(signals >= 1, visits >= 2) >= 2"


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("signals.Salary paper", "points: 0, cap: 20}"),
        ("fit.Harbour", '== "Ports", points: 0}'),
        ("stages.mql.enter/1", "mql: {enter: 'times(question_asked) >= 2'}"),
        ("stages.mql.enter/2", "mql: {enter: 'score >= 50'}"),
    ],
)
def test_the_file_without_a_part_says_what_was_replayed_and_is_else_the_same(path: str, written: str) -> None:
    it = leaving.part(book(), path)
    text = leaving.text_without(book(), it)
    assert written in text
    changed = [new for old, new in zip(WORLD.splitlines(), text.splitlines(), strict=True) if old != new]
    assert len(changed) == 1
    read, replayed = load(text), leaving.without(book(), it)
    assert (read.signals, read.fit, read.stages) == (replayed.signals, replayed.fit, replayed.stages)
    assert replayed.version != book().version


def test_a_part_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(CannotTry, match=r"has no line signals\.Webinar"):
        leaving.part(book(), "signals.Webinar")


def test_the_line_that_carried_the_rejected_ones_comes_first() -> None:
    found, behind = looked()
    assert (found.opened, found.accepted, found.rejected, found.wins) == (14, 6, 7, 1)
    first = found.lines[0]
    assert (first.name, first.what, first.avoided.value, first.later) == ("Salary paper", "signal", 6, 0)
    assert (first.lost.value, first.missed.value, first.is_clear) == (0, 0, True)
    assert first.avoided.low >= 1 and first.rate == first.avoided.low
    keys = [person for person, _ in behind[first.path]["avoided"]]
    assert keys == [f"{name}@x.example" for name in ("gil", "fay", "dan", "cy", "bo", "eva")]


def test_a_win_that_would_have_been_missed_is_counted_as_cost() -> None:
    by_name = {line.path: line for line in looked()[0].lines}
    pricing = by_name["signals.Pricing page"]
    assert (pricing.avoided.value, pricing.lost.value, pricing.missed.value) == (6, 6, 1)
    assert pricing.rate < by_name["signals.Salary paper"].rate
    assert [person for person, _ in looked()[1]["signals.Pricing page"]["missed"]] == ["ana@x.example"]


def test_a_way_in_is_left_out_like_a_line() -> None:
    by_path = {line.path: line for line in looked()[0].lines}
    asked_twice = by_path["stages.mql.enter/2"]
    assert (asked_twice.avoided.value, asked_twice.lost.value) == (1, 0)
    assert asked_twice.name == "they asked a question at least twice"


def test_a_rejection_that_is_only_put_off_is_told_apart() -> None:
    """Without the paper gus is handed over a week later by prices alone: sales had looked at him all the same."""
    life = [
        *pages("gus", "02-01", "02-02", "02-03"),
        event("gus", "02-04", "content_downloaded", title="The salary survey"),
        event("gus", "02-05", "handoff_rejected", reason="Not urgent"),
        *pages("gus", "02-06", "02-09"),
    ]
    world = ground(life)
    found, _ = misleading(world, book(), world.scope(book(), Wish()))
    paper = next(line for line in found.lines if line.name == "Salary paper")
    assert (paper.avoided.value, paper.later) == (0, 1)


def test_one_history_gives_one_answer() -> None:
    assert looked() == looked()
