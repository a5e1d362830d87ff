"""One number of a playbook, turned in the definition and in its file alike; and the curve of all its values."""

import pytest

from engine.trying_world import BOOK, book, event, ground, year
from rung.engine.trying import exploring
from rung.engine.trying.ground import CannotTry, Wish
from rung.engine.trying.varying import Knob, knob, knobs, values_of, wanted
from rung.playbook import shipped
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load
from rung.terms.instants import format_instant
from rung.terms.stages import RANK


def said(playbook: Playbook) -> tuple[object, ...]:
    """All that moves people, apart from how it is written."""
    return (
        tuple((line.when.condition, line.points) for line in playbook.fit),
        tuple((s.when and s.when.condition, s.points, s.cap, s.half_life) for s in playbook.signals),
        tuple((line.when.condition, line.rest) for line in playbook.setbacks),
        tuple((code, stage.enter.condition) for code, stage in playbook.stages.items()),
        tuple(playbook.handoff.reject_reasons.values()),
        tuple(letter.valid_for for letter in playbook.qualification.values()),
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
    with pytest.raises(CannotTry, match=r"no number zzz in .* There are stages.mql.enter:score, .* and \d+ more\."):
        knob(playbook, "zzz")


def test_every_number_of_time_in_a_file_can_be_turned_whatever_its_layout() -> None:
    text = BOOK.replace(
        "reject_reasons: [{reason: No budget}, {reason: Not urgent}]}",
        "reject_reasons: [{reason: No budget, rest: 90d}, {reason: Not urgent, rest: 12h}, {reason: No, rest: never}]}",
    )
    text += """qualification:
  budget:
    ask:
      - Is there a budget?   # valid_for: 1d
    valid_for: "182d"
  need: {valid_for: 36h, ask: ["Why now, rest: 5d?"]}
"""
    playbook = load(text)
    found = {each.path: each for each in knobs(playbook) if each.path.startswith(("handoff", "qualification"))}
    assert {path: (each.value, each.words, each.said(each.value)) for path, each in found.items()} == {
        "handoff.reject_reasons.No budget.rest": (90, "rest when sales says “No budget”", "90 days"),
        "handoff.reject_reasons.Not urgent.rest": (0.5, "rest when sales says “Not urgent”", "0.5 days"),
        "qualification.budget.valid_for": (182, "how long an answer about budget holds", "182 days"),
        "qualification.need.valid_for": (1.5, "how long an answer about need holds", "1.5 days"),
    }
    for each in found.values():
        turned = each.in_text(playbook, 7)
        assert said(load(turned)) == said(each.turned(playbook, 7)) != said(playbook)
        begin, end, suffix = each.place(playbook)
        assert text[:begin] + f"7{suffix}" + text[end:] == turned
    assert knob(playbook, "handoff.reject_reasons.no budget.rest").value == 90


def test_of_two_lines_that_stand_on_one_the_right_one_is_turned() -> None:
    playbook = load(
        "playbook: 1\nname: X\nstages: {lead: {enter: signals >= 1}}\n"
        "signals: [{name: A, on: page_viewed, points: 1}, {name: B, on: demo_requested, points: 1}]\n"
    )
    turned = load(knob(playbook, "signals.B.points").in_text(playbook, 9))
    assert [signal.points for signal in turned.signals] == [1, 9]


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


RESTING = (
    BOOK.replace("{reason: No budget}", "{reason: No budget, rest: 90d}").replace(
        "enter: need and not rejected", "enter: need and signals >= 6"
    )
    + "qualification: {need: {valid_for: 60d}}\n"
)


@pytest.mark.parametrize(
    ("path", "values", "bo_again", "ana_reaches"),
    [
        # Bo, rejected on 4 February, looks again on 20 March; after 90 days time alone hands him over.
        ("handoff.reject_reasons.No budget.rest", [10, 40, 90], ["2026-03-20", "2026-03-20", "2026-05-05"], [1, 1, 1]),
        # Ana said why on 20 January and gives the sixth sign of life on 2 February.
        ("qualification.need.valid_for", [1, 13, 14], ["2026-05-05"] * 3, [0, 0, 1]),
    ],
)
def test_a_rest_and_the_time_of_an_answer_are_turned_in_a_replay(
    path: str, values: list[int], bo_again: list[str], ana_reaches: list[int]
) -> None:
    there = ground([*year(), event("bo", "03-20", "page_viewed", path="/pricing")])
    base = load(RESTING)
    turned = knob(base, path)
    tolds = there.told_all([turned.turned(base, value) for value in values], lambda done: None)
    ana, bo = (there.history.people.index(f"{name}@x.example") for name in ("ana", "bo"))
    opened = [told.side.handovers.at[told.side.handovers.person == bo].tolist() for told in tolds]
    assert [format_instant(at[-1])[:10] for at in opened] == bo_again and [len(at) for at in opened] == [2] * 3
    spells = [told.side.spells for told in tolds]
    reached = [int(((each.person == ana) & (each.stage == RANK["opportunity"])).sum()) for each in spells]
    assert reached == ana_reaches
    for value, told in zip(values, tolds, strict=True):
        alone = there.told(load(turned.in_text(base, value)))
        assert told.side.handovers.at.tolist() == alone.side.handovers.at.tolist()
        assert told.side.spells.start_at.tolist() == alone.side.spells.start_at.tolist()


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
