"""Every way in which a playbook can be wrong: the exact line, the exact words, the fix."""

import pytest

from rung.playbook.definitions import Playbook
from rung.playbook.faults import PlaybookRefused
from rung.playbook.loading import check, load

GOOD = """\
playbook: 1
name: Test
signals: [{name: Pricing page, on: page_viewed, points: 8}]
stages:
  lead: {enter: signals >= 1}
  mql: {enter: score >= 50}
  customer: {enter: deal.won}
"""


def errors(more: str, base: str = GOOD) -> list[str]:
    return [str(fault).removeprefix("playbook.yaml:") for fault in check(base + more)[1]]


def warnings(more: str, base: str = GOOD) -> list[str]:
    playbook, faults, found = check(base + more)
    assert playbook is not None, faults
    return [str(fault).removeprefix("playbook.yaml:") for fault in found]


def test_a_good_playbook_has_no_fault() -> None:
    assert errors("") == [] and warnings("") == []


SECOND_COLON = (
    "2: A second colon, or a line indented too far, makes this unreadable. "
    "Put the value in quotes: '…', or line it up with its neighbours."
)
UNREADABLE = {
    "": "1: The file is empty. Start with `playbook: 1` and `stages:`.",
    "# only a comment\n": "1: The file is empty. Start with `playbook: 1` and `stages:`.",
    "- a\n- b\n": "1: The file is no mapping. Start with `playbook: 1`.",
    "playbook: 1\n\tname: x\n": "2: A tab stands where blanks are needed. Indent with blanks.",
    "playbook: 1\nname: 'x\nstages:\n": "2: A quotation mark is opened and never closed. Close it.",
    "playbook: 1\nname: a: b\n": SECOND_COLON,
    "playbook: 1\nstages: {lead: {enter: yes}\nname: x\n": (
        "3: A list or a mapping in brackets is not closed, or a comma is missing. Close it, or add the comma."
    ),
    "playbook: 1\n  name: x\n": SECOND_COLON,
    "playbook: 1\n---\nplaybook: 1\n": (
        "2: A second document begins here. A playbook is one document: remove the `---`."
    ),
    "%YAML 1.1\n---\nplaybook: 1\n": "2: A playbook is YAML 1.2. Remove the %YAML line.",
    "playbook: 1\nname: \x00\n": "2: A character that is not allowed in text. Remove it.",
}


@pytest.mark.parametrize("text", UNREADABLE)
def test_text_that_cannot_be_read_says_where_and_why(text: str) -> None:
    with pytest.raises(PlaybookRefused) as refusal:
        load(text)
    assert str(refusal.value).removeprefix("playbook.yaml:") == UNREADABLE[text]


def test_bytes_that_are_not_utf8_say_on_which_line() -> None:
    found = check(b"playbook: 1\nname: M\xfcller\n")[1]
    assert [str(fault) for fault in found] == ["playbook.yaml:2: The file is not UTF-8 text. Save it as UTF-8."]


def test_a_file_above_64_kib_is_refused_unread() -> None:
    assert errors("# " + "x" * 65_536 + "\n") == [
        "1: The file is 65,718 bytes long; 65,536 are allowed. "
        "Remove lines that no longer matter, or shorten long texts."
    ]


def test_deep_nesting_is_refused_before_it_costs_anything() -> None:
    assert errors("", "[" * 60_000) == [
        "1: The file is nested deeper than 10 levels here. A playbook needs no more: simplify this part."
    ]


def test_a_billion_laughs_are_refused_at_the_first() -> None:
    bomb = "words: &a {lead: x}\nbands: [*a, *a, *a]\n"
    assert errors(bomb) == [
        "8: The anchor &a is not allowed. Write the text out where it is needed.",
        "9: The alias *a is not allowed. Write the text out again.",
    ]


def test_a_python_tag_builds_nothing() -> None:
    assert errors("name2: !!python/object:os.system {a: b}\n") == [
        "8: Playbook: there is no key “name2” here. Did you mean name?",
        "8: The tag tag:yaml.org,2002:python/object:os.system is not allowed. "
        "Remove it; quote a text that looks like a number.",
    ]


FAULTS = {
    # names that do not exist
    "handof: {on: mql}\n": "8: Playbook: there is no key “handof” here. Did you mean handoff?",
    "fit:\n  - {name: A, when: need, points: 1, pionts: 2}\n": (
        "9: Fit line “A”: there is no key “pionts” here. Did you mean points?"
    ),
    "words: {leed: Contact}\n": "8: Words: there is no key “leed” here. Did you mean lead?",
    "bands: {TOFU: [leed]}\n": "8: Bands: TOFU: there is no stage “leed”. Did you mean lead?",
    "bands: {TOFU: [sal]}\n": "8: Bands: TOFU: the rung sal is not used. Remove it, or add it to stages.",
    "bands:\n  TOFU: [lead]\n  MOFU: [lead]\n": "10: Bands: lead is in TOFU and in MOFU. Keep one of the two.",
    "setbacks:\n  - {to: sal, when: rejected, because: No}\n": (
        "9: Setback “No”: the rung sal is not used. "
        "Use one of suspect, lead, mql, customer, lost, nurture, disqualified, or add it to stages."
    ),
    "setbacks:\n  - {to: nurtur, when: rejected, because: No}\n": (
        "9: Setback “No”: there is no rung or status “nurtur”. Did you mean nurture?"
    ),
    "setbacks:\n  - {to: lead, when: 'times(\"Pricing pge\") >= 1', because: No}\n": (
        "9: Setback “No”: when, character 7: There is no signal or kind of event `Pricing pge`. "
        'Did you mean "Pricing page"?'
    ),
    "setbacks:\n  - {to: lead, when: 'stage == \"mqll\"', because: No}\n": (
        "9: Setback “No”: when: There is no stage `mqll`: did you mean `mql`? Correct it, or remove this part."
    ),
    "temperature: {hot: engagment >= 5}\n": (
        "8: Temperature: hot, character 1: There is no `engagment`. Did you mean `engagement`?"
    ),
    "handoff: {on: prospect}\n": "8: Handoff: the rung prospect is not used. Name a rung of stages.",
    "handoff: {on: customer}\n": "8: Handoff: nobody can be handed over on “customer”. There is: lead, mql.",
    # values of the wrong type
    "fit:\n  - {name: A, when: need, points: five}\n": (
        "9: Fit line “A”: points must be a number, not “five”. Write `points: 10`."
    ),
    'fit:\n  - {name: A, when: need, points: "5"}\n': (
        "9: Fit line “A”: points must be a number, not the text “5”. Write `points: 10`."
    ),
    "fit:\n  - {name: A, when: need, points: yes}\n": (
        "9: Fit line “A”: points must be a number, not “yes”. Write `points: 10`."
    ),
    "fit:\n  - {name: A, when: need, points: .nan}\n": "9: .nan is not a finite number. Write a number.",
    "fit:\n  - {name: A, when: need, points: 1e400}\n": "9: 1e400 is not a finite number. Write a number.",
    "fit: {name: A}\n": "8: Playbook: fit must be a list, not a mapping. Write `fit: [ … ]`.",
    "fit: [Industry]\n": "8: Fit line 1 must be a mapping, not “Industry”. Write `{name: …, when: …}`.",
    "temperature: 50\n": "8: Temperature must be a mapping, not 50. Write `{hot: …, warm: …}`.",
    "fit:\n  - {name: A, when: 5, points: 1}\n": (
        "9: Fit line “A”: when must be a condition, not 5. Write such as score >= 50."
    ),
    "fit:\n  - {name: A, when: need}\n": "9: Fit line “A”: points is missing. Add `points: …`.",
    "fit:\n  - {when: need, points: 1}\n": "9: Fit line 1: name is missing. Add `name: …`.",
    "fit:\n  - name: A\n    when:\n    points: 1\n": (
        "10: Fit line “A”: when is empty. Write its value, or remove the key."
    ),
    "handoff: {escalate_at: 0.75}\n": (
        "8: Handoff: escalate_at must be above 0% and up to 100%, not 0.75. Write such as 75%."
    ),
    "handoff: {escalate_at: 140%}\n": (
        "8: Handoff: escalate_at must be above 0% and up to 100%, not “140%”. Write such as 75%."
    ),
    "handoff: {first_touch_within: soon}\n": (
        "8: Handoff: first_touch_within must be a duration, not “soon”. Write 14d, 30 minutes or 1 business day."
    ),
    "review_by: 2027-13-01\n": "8: Playbook: review_by must be a date, not “2027-13-01”. Write it as 2027-11-01.",
    "duties: {marketing: {mqls_per_month: 12.5}}\n": (
        "8: Duties of marketing: mqls_per_month must be a whole number, not 12.5. Write `mqls_per_month: 12`."
    ),
    # the calendar
    "calendar: {timezone: Berlin}\n": "8: Calendar: there is no time zone “Berlin”. Did you mean Europe/Berlin?",
    "calendar: {hours: Mon-Fry 09:00-17:00}\n": (
        "8: Calendar: there is no day “Fry”. Write one of Mon Tue Wed Thu Fri Sat Sun."
    ),
    "calendar: {hours: Mon-Fri 9-17}\n": (
        "8: Calendar: “9-17” is no span of the day. Write such as `Mon-Fri 09:00-17:30`, several parted by commas."
    ),
    "calendar: {hours: Mon-Fri 17:00-09:00}\n": (
        "8: Calendar: “17:00-09:00” ends before it begins. Split a night shift at midnight: 22:00-24:00."
    ),
    "calendar: {hours: Mon-Fri 09:00-25:00}\n": (
        "8: Calendar: “09:00-25:00” is no time of day. Hours go from 00:00 to 24:00."
    ),
    "calendar: {holidays: Germany}\n": (
        "8: Calendar: we know no holidays of “Germany”. "
        "Write a country's two letters, such as DE, with a region as DE-BY."
    ),
    "calendar: {holidays: de}\n": "8: Calendar: we know no holidays of “de”. Did you mean DE?",
    "calendar: {holidays: false}\n": (
        "8: Calendar: holidays must be a country, not yes or no. Write a code such as DE, or `NO`."
    ),
    # rules of the format
    "setbacks:\n  - {to: lead, when: 'stage == \"mql\"', because: No, lap: expansion}\n": (
        '9: Setback “No”: a new lap starts from customer only. Begin the condition with `stage == "customer" and …`.'
    ),
    "setbacks:\n  - {to: lead, when: 'stage == \"customer\"', because: No, lap: expansion, rest: 3d}\n": (
        "9: Setback “No”: a new lap takes no rest. Remove rest."
    ),
    "setbacks:\n  - {to: nurture, when: 'stage == \"customer\"', because: No, lap: expansion}\n": (
        "9: Setback “No”: a new lap begins on a rung, not in nurture. Write `to: lead`."
    ),
    "setbacks:\n  - {to: lead, when: rejected, because: No, lap: second}\n": (
        "9: Setback “No”: lap cannot be “second”. There is: expansion."
    ),
    "setbacks:\n  - {to: lead, when: rejected, because: No, rest: 3 business days}\n": (
        "9: Setback “No”: rest is counted by the wall clock, not in business time. Write 3 days."
    ),
    "setbacks:\n  - {to: lead, when: rejected}\n": "9: Setback 1: because is missing. Add `because: …`.",
    "handoff:\n  reject_reasons:\n    - No budget\n    - {reason: No budget, rest: 3d}\n": (
        "11: Reject reason 2: “No budget” stands twice; first on line 10. Keep one of the two."
    ),
    "handoff: {reject_reasons: [{reason: Never, rest: never, wakes_on: date}]}\n": (
        "8: Reject reason 1: who never comes back does not wake on a date. Remove rest or wakes_on."
    ),
    "handoff: {return_reasons: [Duplicate, Duplicate]}\n": (
        "8: Handoff: “Duplicate” stands twice in return_reasons. Keep one of the two."
    ),
    "fit:\n  - {name: A, when: score >= 3, points: 5}\n": (
        "9: Fit line “A”: when, character 1: A fit line cannot name `score`: it says who they are, not what they do. "
        "Use person.<field>, company.<field>, budget, authority, need or timing."
    ),
    "fit:\n  - {name: A, when: need, points: 5}\n  - {name: A, when: budget, points: 5}\n": (
        "10: Fit line “A”: this name stands twice; first on line 9. Give it another."
    ),
    "checklists:\n  - {name: A, lines: [x]}\n  - {name: B, lines: [x]}\n": (
        "10: Checklist “B”: the line “x” stands in A too; one tick would count for both. Word one of them differently."
    ),
    "qualification: {questions: [{name: value, ask: Why?, within: 3d}]}\n": (
        "8: Question “value”: within counts from arriving on a rung. Add `must_at: prospect`."
    ),
    "journeys: [{name: A, when: need, steps: [{mail: Hello, wait: 3d}]}]\n": (
        "8: Journey “A”, step: a step is one thing. Write one of `mail call social letter task wait` a step."
    ),
    # conditions
    "fit:\n  - {name: A, when: company.employees => 5, points: 5}\n": (
        "9: Fit line “A”: when, character 19: `=>` is not part of a condition. Write `<=` or `>=`."
    ),
    "temperature: {hot: score >= 50 and score < 40}\n": (
        "8: Temperature, hot: `score >= 50` and `score < 40` cannot both be. Correct one of the two."
    ),
    "temperature: {hot: idle >= days(9) and idle < days(3)}\n": (
        "8: Temperature, hot: `idle >= days(9)` and `idle < days(3)` cannot both be. Correct one of the two."
    ),
    "temperature: {hot: accepted and not accepted}\n": (
        "8: Temperature, hot: `accepted` and `not accepted` cannot both be. Correct one of the two."
    ),
    'temperature: {hot: \'stage == "lead" and stage == "mql"\'}\n': (
        '8: Temperature, hot: `stage == "lead"` and `stage == "mql"` cannot both be. Correct one of the two.'
    ),
    "temperature: {hot: 'score == \"50\"'}\n": (
        '8: Temperature: hot: `score` is a number and `"50"` a text: comparing them is always false. '
        "Correct it, or remove this part."
    ),
    "temperature: {hot: score}\n": (
        "8: Temperature: hot: `score` is a number, never true by itself: compare it. Correct it, or remove this part."
    ),
}


@pytest.mark.parametrize("more", FAULTS)
def test_a_fault_names_its_line_and_its_fix(more: str) -> None:
    assert errors(more) == [FAULTS[more]]


SIGNALS = {
    "{name: A, on: page_view}": "2: Signal “A”: there is no kind of event “page_view”. Did you mean page_viewed?",
    "{name: A, on: handoff_opened}": (
        "2: Signal “A”: handoff_opened is Rung's own bookkeeping; no signal can rest on it. Choose a kind."
    ),
    "{name: A, on: page_viewed, points: -5, cap: 3}": "2: Signal “A”: negative points take no cap. Remove cap.",
    "{name: A, on: page_viewed, points: -5, half_life: 3d}": (
        "2: Signal “A”: negative points take no half_life. Remove half_life."
    ),
    "{name: A, on: page_viewed, points: 5, cap: 0}": (
        "2: Signal “A”: a cap of 0 takes all points away. Remove the signal's points, or the cap."
    ),
    "{name: A, on: page_viewed, points: 5, half_life: 0d}": (
        "2: Signal “A”: half_life is 0 days; it goes from 1 minute to 100 years. Write such as 14d."
    ),
    "{name: A, on: page_viewed, from: family}": "2: Signal “A”: from cannot be “family”. There is: company.",
    "{name: A, on: page_viewed, from: company, hand_raise: yes}": (
        "2: Signal “A”: a colleague cannot raise a hand for them. Remove one of the two."
    ),
    "{name: A, on: page_viewed, hand_raise: on}": (
        "2: Signal “A”: hand_raise must be yes or no, not “on”. Write `hand_raise: yes`."
    ),
}


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_signal_that_cannot_be_names_its_line_and_its_fix(signal: str) -> None:
    text = f"playbook: 1\nsignals: [{signal}]\nstages: {{mql: {{enter: signals >= 1}}}}\n"
    assert errors("", text) == [SIGNALS[signal]]


def test_duplicate_keys_are_refused_wherever_they_stand() -> None:
    assert errors("name: Again\n") == ["8: The key name stands twice; first on line 2. Keep one of the two."]
    assert errors("words: {lead: A, lead: B}\n") == [
        "8: The key lead stands twice; first on line 8. Keep one of the two."
    ]
    assert errors("", GOOD.replace("  mql:", "  lead:"))[0] == (
        "6: The key lead stands twice; first on line 5. Keep one of the two."
    )


def test_a_format_of_the_future_is_refused() -> None:
    assert errors("", GOOD.replace("playbook: 1", "playbook: 2")) == [
        "1: Playbook: this Rung reads format 1 only. Write `playbook: 1`."
    ]
    assert errors("", GOOD.replace("playbook: 1\n", "")) == [
        "1: Playbook: playbook is missing. Add `playbook: 1`, the version of the format."
    ]


def test_a_playbook_without_a_ladder_is_refused() -> None:
    assert errors("", "playbook: 1\n") == [
        "1: Playbook: stages is missing: there is no ladder. Add `stages:` with at least one rung."
    ]
    assert errors("", "playbook: 1\nstages:\n  suspect: {enter: yes}\n") == [
        "3: Stage suspect: everybody starts here; it takes no condition. Remove enter.",
        "3: Stages: no rung above suspect is used. Add one, such as `lead: {enter: signals >= 1}`.",
    ]


def test_every_fault_is_said_at_once() -> None:
    found = errors("handof: {}\nreview_by: soon\nfit:\n  - {name: A, when: scor > 1, points: x}\n")
    assert [line.split(":")[0] for line in found] == ["8", "9", "11", "11"]


def test_a_section_holds_200_lines() -> None:
    fit = "fit:\n" + "".join(f"  - {{name: L{n}, when: need, points: 1}}\n" for n in range(201))
    assert errors(fit) == ["209: Playbook: fit has 201 lines; 200 are allowed. Remove those that matter least."]


def test_a_condition_holds_one_kib() -> None:
    long = " or ".join(["need"] * 150)
    assert errors(f"fit:\n  - {{name: A, when: {long}, points: 1}}\n") == [
        "9: Fit line “A”: when is 1,196 bytes long; 1,024 are allowed. Split it into two lines."
    ]


WARNINGS = {
    "setbacks:\n  - {to: mql, when: 'stage == \"lead\" and rejected', because: No}\n": (
        "9: Setback “No”: this line can never fire: it asks for lead, and mql is not below. "
        "Name rungs above the target, or choose a lower target."
    ),
    "setbacks:\n  - {to: lead, when: 'status == \"nurture\"', because: No}\n": (
        "9: Setback “No”: this line can never fire: it asks for suspect or lead or mql or customer, "
        "and lead is not below. Name rungs above the target, or choose a lower target."
    ),
    "setbacks:\n  - {to: lead, when: 'stage == \"mql\"', because: No}\n": (
        "6: Stage mql: nobody can arrive: “No” (line 9) holds there at once. "
        "Let the setback ask for more than the rung."
    ),
    "setbacks:\n  - {to: nurture, when: 'stage == \"sal\" and rejected', because: No}\n": (
        "9: Setback “No”: nobody ever stands on sal, which is not used. Remove it, or add the rung."
    ),
    "temperature: {hot: fit >= 30}\nfit:\n  - {name: A, when: need, points: 10}\n": (
        "8: Temperature, hot: this line can never fire: `fit >= 30` is out of reach: fit can be at most 10 "
        "with these lines. Ask for less, or give more points."
    ),
    "temperature: {hot: no}\n": (
        "8: Temperature, hot: this line can never fire. Write a condition that may hold, or remove it."
    ),
    "temperature: {hot: accepted or (score > 5 and score < 3)}\n": (
        "8: Temperature, hot: one alternative can never hold: `score > 5` and `score < 3` cannot both be. "
        "Correct it, or remove it."
    ),
    "fit:\n  - {name: A, when: need, points: 0}\n": (
        "9: Fit line “A”: 0 points change nothing. Give it points, or remove the line."
    ),
    "handoff:\n  route:\n    - {to: All}\n    - {to: Sales, when: need}\n": (
        "11: Handoff: no hand-off gets past the line before, which has no condition. "
        "Give that line a `when`, or move it to the end."
    ),
}


@pytest.mark.parametrize("more", WARNINGS)
def test_what_is_suspicious_is_a_warning_and_no_fault(more: str) -> None:
    assert WARNINGS[more] in warnings(more)
    assert len(warnings(more)) <= 2


def test_a_rung_that_asks_for_itself_is_suspicious() -> None:
    text = GOOD.replace("score >= 50", 'stage == "mql" and score >= 50')
    assert warnings("", text) == [
        "6: Stage mql: nobody can enter: the condition holds for nobody who stands below. "
        "Do not ask for the rung itself, nor for one above."
    ]


def test_points_that_never_suffice_are_suspicious() -> None:
    text = GOOD.replace("points: 8", "points: 8, cap: 24")
    assert warnings("", text) == [
        "6: Stage mql: this line can never fire: `score >= 50` is out of reach: score can be at most 24 "
        "with these lines. Ask for less, or give more points."
    ]


def test_a_ladder_without_a_hand_off_rung_is_suspicious() -> None:
    text = "playbook: 1\nstages:\n  lead: {enter: yes}\n  prospect: {enter: need}\n"
    assert warnings("", text) == ["1: Handoff: it opens on mql, which is not used. Write `handoff: {on: prospect}`."]


@pytest.mark.parametrize(
    "condition",
    [
        "score >= 50 and score <= 50",
        "score > 5 or score < 3",
        "not (company.employees >= 50) and not (company.employees < 50)",  # true when the size is unknown
        'person.country in ["DE"] and person.city == "Bonn"',
        "count(need, budget, timing) >= 2 and bant <= 4",
        'stage in ["lead", "mql"] and stage == "mql"',
    ],
)
def test_what_can_be_true_is_not_called_a_contradiction(condition: str) -> None:
    assert errors(f"journeys:\n  - name: A\n    when: '{condition}'\n    steps: [{{mail: Hello}}]\n") == []


def test_a_review_that_is_due_is_suspicious_only_when_the_day_is_told() -> None:
    from datetime import date

    text = GOOD + "review_by: 2026-11-01\n"
    assert check(text)[2] == ()
    assert check(text, today=date(2026, 11, 1))[2] == ()
    found = check(text, today=date(2026, 11, 2))[2]
    assert [str(fault) for fault in found] == [
        "playbook.yaml:8: The review was due on 2026-11-01. Meet, agree, and set the next date."
    ]


def test_the_refusal_carries_its_faults_and_reads_as_lines() -> None:
    with pytest.raises(PlaybookRefused) as refusal:
        load("playbook: 1\nstages: 5\n", file="acme.yaml")
    assert refusal.value.errors[0].file == "acme.yaml"
    assert str(refusal.value).splitlines()[0] == (
        "acme.yaml:2: Stages must be a mapping, not 5. Write `{suspect: …, lead: …}`."
    )


def test_load_gives_the_playbook() -> None:
    assert isinstance(load(GOOD), Playbook)


def test_every_fault_of_a_condition_is_told_at_once() -> None:
    text = (
        "playbook: 1\nname: T\nstages:\n  mql: {enter: 'person.a.matches(3) or person.b in 5 or not person.c == [1]'}\n"
    )
    _, errors, _ = check(text)
    assert [fault.message for fault in errors] == [
        "Stage mql: enter, character 18: `.matches()` needs a text in quotation marks.",
        "Stage mql: enter, character 36: `in` needs a list in square brackets.",
        "Stage mql: enter, character 57: A list can stand only behind `in`.",
    ]
    assert {fault.line for fault in errors} == {4}
