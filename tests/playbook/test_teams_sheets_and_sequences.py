"""Calendars of teams, pauses of clocks, other sheets than BANT, frictions with what to do, and sequences of touches."""

from datetime import date

import pytest

from rung.playbook.definitions import Playbook
from rung.playbook.diff import diff_in_words
from rung.playbook.loading import check, load
from rung.playbook.words import plain_words
from rung.terms.instants import parse_instant

GOOD = """\
playbook: 1
stages:
  lead: {enter: signals >= 1}
  mql: {enter: score >= 50}
"""
CALENDAR = """\
calendar:
  timezone: Europe/Berlin
  hours: Mon-Fri 09:00-17:30
  holidays: DE
  teams:
    London: {timezone: Europe/London, hours: Mon-Thu 08:00-16:00, holidays: GB}
    Night: {hours: Sat-Sun 00:00-24:00}
"""
SHEETS = """\
qualification:
  budget: {frictions: [{friction: No budget, do: Ask what it costs them today}, Too dear]}
  questions: [{name: pain, ask: Where does it hurt?, letter: need}]
  sheets: [MEDDICC, {name: Ours, questions: [{name: sponsor, ask: Who pays?, letter: authority}]}]
"""
SEQUENCES = """\
sequences:
  - {name: Ten days, starts: accepted, steps: [{call: Call}, {wait: 1 business day}, {mail: Write}]}
"""


def errors(more: str) -> list[str]:
    return [str(fault).removeprefix("playbook.yaml:") for fault in check(GOOD + more)[1]]


def book(more: str) -> Playbook:
    return load(GOOD + more)


def said(playbook: Playbook) -> list[str]:
    return [sentence.text for section in plain_words(playbook) for sentence in section.sentences]


def test_a_team_has_its_own_calendar_and_what_it_leaves_out_is_the_firms() -> None:
    calendar = book(CALENDAR).calendar
    london, night = calendar.of("london"), calendar.of("Night")
    assert (london.timezone, london.week[3], london.week[4], london.holidays) == (
        *("Europe/London", ((480, 960),)),
        *((), ("GB",)),
    )
    assert (night.timezone, night.week[5], night.week[0], night.holidays) == (
        "Europe/Berlin",
        ((0, 1440),),
        (),
        ("DE",),
    )
    assert calendar.of("North") is calendar.of("") is calendar
    working = london.working_time()
    # Whit Monday is a holiday of Germany only; the late May holiday one of England.
    assert working.is_open(parse_instant("2026-06-01T10:00:00+01:00")) and not working.spans(date(2026, 5, 25))
    assert (
        "The team London works Mon to Thu 08:00 to 16:00 in Europe/London, except on the public holidays of GB."
        in said(book(CALENDAR))
    )


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (
            "calendar: {teams: {North: {hours: ''}}}\n",
            "5: Calendar of North: hours is empty. Write its value, or remove the key.",
        ),
        (
            "calendar: {hours: none}\n",
            "5: Calendar: “none” are no working hours. Write such as `Mon-Fri 09:00-17:30`, several parted by commas.",
        ),
        (
            "calendar: {teams: {North: {zone: UTC}}}\n",
            "5: Calendar of North: there is no key “zone” here. Did you mean timezone?",
        ),
        (
            "calendar: {teams: {North: {hours: Mon-Fri 9:00-17:00}, north: {hours: Mon 9:00-10:00}}}\n",
            "5: Calendar, teams: the team north stands twice. Keep one of the two.",
        ),
        (
            "handoff: {pause: [meeting seat]}\n",
            "5: Handoff: a clock cannot pause for “meeting seat”. Did you mean meeting set?",
        ),
        (
            "qualification: {sheets: [SPIN]}\n",
            "5: Qualification: we bring along no sheet “SPIN”."
            " Write one of MEDDICC, CHAMP, or `{name: …, questions: [ … ]}`.",
        ),
        (
            "qualification: {sheets: [{name: Ours}]}\n",
            "5: Sheet 1: it asks nothing. Add `questions: [{name: …, ask: …}]`.",
        ),
        (
            "qualification: {questions: [{name: champion, ask: Who?}], sheets: [MEDDICC]}\n",
            "5: Qualification: the question champion of MEDDICC stands in questions too. Give it another name.",
        ),
        (
            "qualification: {sheets: [CHAMP, CHAMP]}\n",
            "5: Qualification: the sheet CHAMP is there already. Keep one of the two.",
        ),
        (
            "qualification: {questions: [{name: a, ask: b, letter: money}]}\n",
            "5: Question “a”: letter cannot be “money”. There is: budget, authority, need, timing.",
        ),
        (
            "sequences: [{name: A, steps: [{wait: 1d}]}]\n",
            "5: Sequence “A”: it holds no touch."
            " Add `steps: [{call: First call}, {wait: 1 business day}, {mail: What we talked about}]`.",
        ),
        (
            "sequences:\n  - {name: A, starts: accepted, steps: [{call: x}]}\n"
            "  - {name: B, starts: accepted, steps: [{call: x}]}\n",
            "7: Sequence “B”: “A” starts by itself already. Let one of them start by hand.",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line_and_the_fix(more: str, fault: str) -> None:
    assert fault in errors(more)


def test_sheets_that_rung_brings_along_and_the_firms_own_are_read_and_said() -> None:
    playbook = book(SHEETS)
    assert [sheet.name for sheet in playbook.sheets] == ["MEDDICC", "Ours"]
    assert [(each.name, each.letter) for each in playbook.sheets[0].questions] == [
        *(("metrics", "budget"), ("economic_buyer", "authority"), ("decision_criteria", None)),
        *(("decision_process", "timing"), ("identified_pain", "need"), ("champion", None), ("competition", None)),
    ]
    assert playbook.questions[0].letter == "need" and playbook.sheets[1].questions[0].letter == "authority"
    assert playbook.qualification["budget"].frictions == ("No budget", "Too dear")
    assert playbook.qualification["budget"].remedies == {"No budget": "Ask what it costs them today"}
    sentences = said(playbook)
    assert "We ask first by the sheet MEDDICC." in sentences and "We ask by the sheet Ours." in sentences
    assert "We ask to qualify: “Who pays?” The answer tells the authority." in sentences
    assert "When “No budget” stands in the way: ask what it costs them today." in sentences


def test_conditions_may_name_questions_of_sheets_and_frictions_with_a_remedy() -> None:
    rung = '  prospect: {enter: \'answered("champion") and answered("sponsor") and friction("No budget")\'}\n'
    assert check(GOOD + rung + SHEETS)[1] == ()
    assert errors(rung.replace("champion", "champignon") + SHEETS)[0].startswith("5: Stage prospect: enter")


def test_a_sequence_is_read_and_said() -> None:
    found = book(SEQUENCES).sequences[0]
    assert (found.name, found.starts, [step.kind for step in found.steps]) == (
        "Ten days",
        "accepted",
        ["call", "wait", "mail"],
    )
    assert (
        "Ten days begins when sales accepts somebody, and ends when they answer:"
        " a call “Call”, wait 1 business day, a mail “Write”." in said(book(SEQUENCES))
    )


@pytest.mark.parametrize(
    ("text", "before", "after", "words"),
    [
        (
            CALENDAR,
            "08:00-16:00",
            "07:00-15:00",
            "The team London works Mon to Thu 08:00 to 16:00 → 07:00 to 15:00 in Europe/London,"
            " except on the public holidays of GB.",
        ),
        (
            "handoff: {pause: [meeting set]}\n",
            "{pause: [meeting set]}",
            "{}",
            "No longer: A first touch and a reply wait while a meeting is set that was neither held nor missed.",
        ),
        (SHEETS, "Who pays?", "Who signs?", "We ask to qualify: “Who pays?” → signs?” The answer tells the authority."),
        (
            SEQUENCES,
            "1 business day",
            "2 business days",
            "Ten days begins when sales accepts somebody, and ends when they answer:"
            " a call “Call”, wait 1 business day, → 2 business days, a mail “Write”.",
        ),
    ],
)
def test_what_changed_is_said_in_words(text: str, before: str, after: str, words: str) -> None:
    old, new = book(text), book(text.replace(before, after))
    assert old.version != new.version
    assert [change.words for change in diff_in_words(old, new)] == [words]
