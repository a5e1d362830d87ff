"""One number of a playbook, turned in the definition and in its file alike; and the curve of all its values."""

import pytest

from engine.trying_world import book, ground
from rung.engine import exploring
from rung.engine.trying import CannotTry, Wish
from rung.engine.varying import Knob, knob, knobs, values_of, wanted
from rung.playbook import shipped
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load


def said(playbook: Playbook) -> tuple[object, ...]:
    """All that moves people, apart from how it is written."""
    return (
        tuple((line.when.condition, line.points) for line in playbook.fit),
        tuple((s.when and s.when.condition, s.points, s.cap, s.half_life) for s in playbook.signals),
        tuple((line.when.condition, line.rest) for line in playbook.setbacks),
        tuple((code, stage.enter.condition) for code, stage in playbook.stages.items()),
    )


@pytest.mark.parametrize("name", shipped.shipped())
def test_the_file_with_a_number_changed_says_what_the_turned_definition_says(name: str) -> None:
    playbook = load(shipped.read(name))
    found = knobs(playbook)
    # Reading a file takes long: of each sort of number the first, and the last of all.
    chosen = {each.path.rpartition(".")[2].partition(":")[0]: each for each in reversed(found)} | {"last": found[-1]}
    for each in chosen.values():
        text = each.in_text(playbook, each.value + 3)
        assert said(load(text)) == said(each.turned(playbook, each.value + 3)), each.path
        assert len(text.splitlines()) == len(playbook.text.splitlines())
        assert sum(a != b for a, b in zip(text.splitlines(), playbook.text.splitlines(), strict=True)) == 1


def test_a_number_is_found_by_its_path_and_a_wrong_path_names_the_nearest() -> None:
    playbook = load(shipped.read("default"))
    assert (knob(playbook, "stages.mql.enter:score").value, knob(playbook, "stages.mql.enter:fit").value) == (50, 20)
    assert knob(playbook, 'signals."Pricing page".half_life').value == 14
    assert knob(playbook, "fit.right size.when:company.employees>=").value == 50
    assert knob(playbook, "setbacks.3.rest").value == 30
    with pytest.raises(CannotTry, match=r"no number stages.mql.enter:scor .* Did you mean stages.mql.enter:score\?"):
        knob(playbook, "stages.mql.enter:scor")
    with pytest.raises(CannotTry, match=r"Did you mean fit.Right size.when:company.employees>= or"):
        knob(playbook, "fit.Right size.when:company.employees")


def test_a_range_is_at_most_forty_values_and_says_what_would_do() -> None:
    assert values_of("20:90:10") == (20, 30, 40, 50, 60, 70, 80, 90)
    assert values_of("0.5:1.5:0.25") == (0.5, 0.75, 1.0, 1.25, 1.5)
    assert wanted("fit.Right size.when:company.employees>==10:20:5").path == "fit.Right size.when:company.employees>="
    for wrong in ("20:90", "a:b:c", "20:90:0", "90:20:5", "1:1e99:1"):
        with pytest.raises(CannotTry):
            values_of(wrong)
    with pytest.raises(CannotTry, match=r"701 values; 40 are the most. A step of 1.79 would do"):
        values_of("20:90:0.1")


def curve(span: str) -> exploring.Curve:
    there, base = ground(), book(50)
    asked = wanted(f"stages.mql.enter:score={span}")
    turned: Knob = knob(base, asked.path)
    tolds = there.told_all([turned.turned(base, value) for value in asked.values], lambda done: None)
    return exploring.curve(there.told(base), base, turned, asked.values, tolds, there.deeds, there.scope(base, Wish()))


def test_the_curve_of_hand_offs_against_wins_caught_with_its_knee_and_the_duties() -> None:
    found = curve("20:70:10")
    assert [(p.value, p.opened, p.caught) for p in found.points] == [
        (20, 5, 2),
        (30, 5, 2),
        (40, 5, 2),
        (50, 3, 1),
        (60, 1, 1),
        (70, 0, 0),
    ]
    assert (found.current, found.before, found.wins) == (50, 50, 2)
    # At 60 one hand-off of five brings one win of two: no value stands further above the line from end to end.
    assert found.knee == 60
    assert found.duty is None
    assert found.duty_words == (
        "No value meets the duties (1 hand-offs a month and 50 % of the answered ones accepted): "
        "20 brings most, 1 a month."
    )


def test_each_value_says_the_same_as_a_replay_of_its_own() -> None:
    there, base = ground(), book(50)
    turned = knob(base, "stages.mql.enter:score")
    values = [20, 30, 40, 50, 60, 70]
    together = ground().told_all([turned.turned(base, value) for value in values], lambda done: None)
    for value, told in zip(values, together, strict=True):
        alone = there.told(load(turned.in_text(base, value)))
        assert told.side.handovers.at.tolist() == alone.side.handovers.at.tolist()
        assert told.side.handovers.person.tolist() == alone.side.handovers.person.tolist()
        assert told.side.handovers.answer.tolist() == alone.side.handovers.answer.tolist()
        assert told.side.leapt.tolist() == alone.side.leapt.tolist()
