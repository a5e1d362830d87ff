"""The SLA interview: what somebody answers becomes lines of the playbook, and nothing else of it changes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import examples
from rung.playbook import shipped
from rung.playbook.diff import diff_in_words
from rung.playbook.interview import (
    QUESTIONS,
    Answers,
    CannotAnswer,
    Confirmation,
    Deals,
    HandRaise,
    Nurture,
    Qualification,
    Trait,
    Treatment,
    answers_in,
    rewritten,
)
from rung.playbook.loading import load

DEFAULT = shipped.read("default")
SMALL = """playbook: 1
name: Acme
signals:
  - {name: Demo, on: demo_requested, points: 40, hand_raise: yes}
  - {name: Call, on: call_received, points: 20, hand_raise: yes}
stages:
  mql: {enter: score >= 50 and fit >= 20}   # agreed in May
  prospect: {enter: reached and bant >= 1}
  opportunity: {enter: bant >= 3 and reached}
handoff: {reject_reasons: [No budget, {reason: Not urgent, wakes_on: date}]}
"""


def enters(text: str) -> dict[str, str]:
    return {code: stage.enter.text for code, stage in load(text).stages.items()}


def said(text: str, answers: Answers) -> list[str]:
    return [change.words for change in diff_in_words(load(text), load(rewritten(text, answers)))]


def test_the_questions_are_the_six_of_the_article_in_order() -> None:
    assert [question.number for question in QUESTIONS] == [1, 2, 3, 4, 5, 6]
    assert QUESTIONS[0].text == "What customer characteristics do you find in successful deals?"


def test_without_an_answer_nothing_changes() -> None:
    assert rewritten(SMALL, Answers()) == SMALL


@pytest.mark.parametrize("name", shipped.shipped())
def test_answering_what_a_playbook_says_already_changes_nothing(name: str) -> None:
    text = shipped.read(name)
    assert load(rewritten(text, answers_in(load(text)))).version == load(text).version


def test_what_successful_deals_have_in_common_becomes_fit_lines() -> None:
    kept = tuple(line.name for line in load(DEFAULT).fit if line.name != "Small but fit")
    answers = Answers(deals=Deals(kept, (Trait("From Austria", 'company.country == "Austria"', 7),)))
    assert said(DEFAULT, answers) == [
        "Fit line Small but fit is removed (5 points)",
        "New fit line: From Austria gives 7 points when the company's country is “Austria”.",
    ]


def test_a_voice_is_asked_for_wherever_a_contact_was() -> None:
    spoken = "(times(call_answered) >= 1 or times(meeting_held) >= 1 or times(contacted) >= 1)"
    assert enters(rewritten(SMALL, Answers(confirmation=Confirmation("spoken")))) == {
        "mql": "score >= 50 and fit >= 20",
        "prospect": f"reached and {spoken} and bant >= 1",
        "opportunity": f"reached and {spoken} and bant >= 3",
    }


def test_much_interest_can_stand_for_a_contact_and_be_taken_back() -> None:
    first = rewritten(SMALL, Answers(confirmation=Confirmation("interest", 30)))
    assert enters(first)["prospect"] == "(reached or engagement >= 30) and bant >= 1"
    assert answers_in(load(first)).confirmation == Confirmation("interest", 30)
    assert (
        enters(rewritten(first, Answers(confirmation=Confirmation("written"))))["prospect"] == "reached and bant >= 1"
    )


def test_a_raised_hand_is_enough_or_enough_where_it_fits_or_not_enough() -> None:
    raised = 'times("Demo") >= 1 or times("Call") >= 1'
    enough = rewritten(SMALL, Answers(hand_raise=HandRaise("enough")))
    assert enters(enough)["mql"] == f"score >= 50 and fit >= 20 or {raised}"
    fitting = rewritten(enough, Answers(hand_raise=HandRaise("if_it_fits", 5)))
    assert enters(fitting)["mql"] == f"score >= 50 and fit >= 20 or fit >= 5 and ({raised})"
    assert answers_in(load(fitting)).hand_raise == HandRaise("if_it_fits", 5)
    assert enters(rewritten(fitting, Answers(hand_raise=HandRaise("picture"))))["mql"] == "score >= 50 and fit >= 20"


def test_letters_asked_before_the_hand_off_hold_for_raised_hands_too() -> None:
    answers = Answers(hand_raise=HandRaise("enough"), qualification=Qualification(2, 4))
    text = rewritten(SMALL, answers)
    assert enters(text) == {
        "mql": '(score >= 50 and fit >= 20 or times("Demo") >= 1 or times("Call") >= 1) and bant >= 2',
        "prospect": "reached and bant >= 1",
        "opportunity": "reached and bant >= 4",
    }
    found = answers_in(load(text))
    assert (found.hand_raise, found.qualification) == (HandRaise("enough"), Qualification(2, 4))


def test_who_rests_who_falls_silent_and_who_is_given_up() -> None:
    answers = Answers(nurture=Nurture(45, -20, {"No budget": "never", "Not urgent": "10d"}))
    playbook = load(rewritten(SMALL, answers))
    assert [(setback.to, setback.when.text, setback.because) for setback in playbook.setbacks] == [
        ("disqualified", "fit <= -20", "They do not fit"),
        ("nurture", 'stage in ["mql", "prospect"] and idle >= days(45)', "No sign of life for 45 days"),
    ]
    found = answers_in(playbook).nurture
    assert found == Nurture(45, -20, {"No budget": "never", "Not urgent": "10d"})
    gone = load(rewritten(playbook.text, Answers(nurture=Nurture(None, None, {}))))
    assert gone.setbacks == ()


def test_clocks_and_cadence_are_written_as_business_time() -> None:
    treat = {"mql": ("Call at once",)}
    text = rewritten(SMALL, Answers(treatment=Treatment(15, 4, 8, 3, 2, 10, treat)))
    playbook = load(text)
    assert str(playbook.handoff.accept_within_hand_raise) == "15 business minutes"
    assert str(playbook.handoff.accept_within_scored) == "4 business hours"
    assert str(playbook.handoff.first_touch_within) == "8 business hours"
    assert playbook.duties.cadence is not None and (playbook.duties.cadence.calls, playbook.duties.cadence.mails) == (
        3,
        2,
    )
    assert [each.what for each in playbook.stages["mql"].treat] == ["Call at once"]
    assert "# agreed in May" in text


def test_content_stays_with_a_line_that_stays() -> None:
    lines = ("Thank at once and send what was promised", "Ring them")
    treatment = Treatment(30, 8, 8, 3, 3, 10, {"lead": lines})
    treat = load(rewritten(DEFAULT, Answers(treatment=treatment))).stages["lead"].treat
    assert [(each.what, each.content) for each in treat] == [(lines[0], ("Thank-you mail",)), (lines[1], ())]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (Answers(deals=Deals(("Gone",))), "There is no fit line “Gone” any more"),
        (Answers(qualification=Qualification(5, 3)), "write 0 to 4"),
        (Answers(nurture=Nurture(None, None, {"Gone": "3d"})), "There is no reason “Gone” any more"),
        (Answers(treatment=Treatment(None, None, None, 0, 0, None, {"sal": ()})), "The rung sal is not used"),
    ],
)
def test_an_answer_that_finds_nothing_to_apply_to_is_refused(answers: Answers, words: str) -> None:
    with pytest.raises(CannotAnswer, match=words):
        rewritten(SMALL, answers)


def test_without_a_signal_that_raises_a_hand_there_is_no_short_way() -> None:
    text = SMALL.replace(", hand_raise: yes", "")
    with pytest.raises(CannotAnswer, match="No signal is marked as a raised hand"):
        rewritten(text, Answers(hand_raise=HandRaise("enough")))
    assert load(rewritten(text, Answers(hand_raise=HandRaise("picture")))).version == load(text).version


_confirmations = st.builds(Confirmation, st.sampled_from(["spoken", "written", "interest"]), st.sampled_from([30, 50]))
_raises = st.builds(HandRaise, st.sampled_from(["enough", "if_it_fits", "picture"]), st.sampled_from([0, 10]))
_letters = st.builds(Qualification, st.integers(0, 4), st.integers(0, 4))
_answers = st.builds(
    Answers,
    confirmation=st.none() | _confirmations,
    hand_raise=st.none() | _raises,
    qualification=st.none() | _letters,
)


@settings(max_examples=examples(10), deadline=None, derandomize=True, database=None)
@given(_answers, _answers)
def test_the_last_answer_counts_whatever_was_answered_before(first: Answers, last: Answers) -> None:
    whole = Answers(
        confirmation=last.confirmation or first.confirmation,
        hand_raise=last.hand_raise or first.hand_raise,
        qualification=last.qualification or first.qualification,
    )
    twice = load(rewritten(rewritten(SMALL, first), last))
    once = load(rewritten(SMALL, whole))
    assert {code: rule.enter.condition for code, rule in twice.stages.items()} == {
        code: rule.enter.condition for code, rule in once.stages.items()
    }
