"""Other sheets than BANT, one typed answer for question and letter, frictions until a day, checklists that score."""

from collections.abc import Callable

import pytest

from handoff.conftest import AT, PLAYBOOK, person
from rung.access.models import User
from rung.handoff import actions, asking, qualify
from rung.handoff.models import Assignment, Task
from rung.handoff.qualify import CannotNote
from rung.history.models import Event
from rung.lifecycle.models import Standing
from rung.lifecycle.published import in_force
from rung.lifecycle.publishing import actions as publishing
from rung.playbook.definitions import Playbook
from rung.terms.instants import DAY, MINUTE, parse_instant

HandOver = Callable[..., Assignment]
MORE = """
qualification:
  budget: {ask: [Is there money?], frictions: [{friction: No budget, do: Ask what it costs them today}, Too dear]}
  need: {ask: [What hurts?]}
  timing: {ask: [By when?]}
  questions:
    - {name: challenges, sheet: open, ask: What are your challenges?}
    - {name: value, sheet: pain, ask: How will we create value?, must_at: prospect}
  sheets: [MEDDICC, CHAMP]
checklists: [{name: Ready, lines: [Met the boss]}]
"""
TEXT = (
    PLAYBOOK.replace(
        "  - {name: Paper",
        "  - {name: Met, on: checklist_ticked, when: 'data.line == \"Met the boss\"', points: 7}\n  - {name: Paper",
    )
    + MORE
)


@pytest.fixture
def book(hand_over: HandOver, team: dict[str, User]) -> Playbook:
    publishing.publish(TEXT, by="cli", at=AT - DAY)
    actions.accept(handoff_id=hand_over().pk, by=team["sam"], at=AT)
    return in_force().playbook


def asked(at: int) -> list[tuple[str, str, str]]:
    return [(ask.question, ask.letter, ask.why) for ask in asking.sheet(person(), in_force(), at=at).asks]


@pytest.mark.django_db
def test_the_first_sheet_is_asked_instead_of_the_letters_and_what_is_known_is_not_asked_again(
    book: Playbook, team: dict[str, User]
) -> None:
    assert asked(AT)[:4] == [
        ("challenges", "", "open"),
        ("metrics", "budget", "MEDDICC"),
        ("economic_buyer", "authority", "MEDDICC"),
        ("decision_criteria", "", "MEDDICC"),
    ]
    told = {"person": person(), "by": team["sam"], "at": AT + MINUTE}
    qualify.answer_letter(letter="budget", confirmed="yes", told={"amount": "20000"}, **told)
    qualify.answer_question(
        question="identified_pain", answer="Quotes take a week", confirmed="yes", playbook=book, **told
    )
    names = [name for name, _, _ in asked(AT + MINUTE)]
    assert "metrics" not in names and "identified_pain" not in names and names[0] == "economic_buyer"
    assert not any(letter == "need" for _, letter, _ in asked(AT + MINUTE))


@pytest.mark.django_db
def test_an_answer_typed_once_is_the_questions_and_the_letters(book: Playbook, team: dict[str, User]) -> None:
    told = {"person": person(), "by": team["sam"], "playbook": book}
    qualify.answer_question(
        question="decision_process", answer="Board in May", confirmed="yes", at=AT + MINUTE,
        told={"date": "2027-05-10", "confidence": "3", "who": "Her boss", "is_told": "yes"}, **told,
    )  # fmt: skip
    kinds = list(Event.objects.order_by("-seq").values_list("kind", "data")[:2])
    assert kinds == [
        ("bant_answered", {"letter": "timing", "confirmed": "yes", "value": "Board in May", "who": "Her boss",
                           "told": True, "confidence": 3, "date": "2027-05-10"}),
        ("question_answered", {"question": "decision_process", "answer": "Board in May"}),
    ]  # fmt: skip
    found = asking.sheet(person(), in_force(), at=AT + MINUTE)
    timing = next(letter for letter in found.letters if letter.letter == "timing")
    assert (timing.value, timing.who, timing.confidence, timing.is_told) == (
        "by 2027-05-10, Board in May", "Her boss", 3, True,
    )  # fmt: skip
    assert [(name, sum(bool(answer) for _, answer in lines)) for name, lines in found.sheets] == [
        ("MEDDICC", 1), ("CHAMP", 0),
    ]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("question", "confirmed", "refusal"),
    [
        ("metrics", "", "Say yes or no: does it confirm the budget?"),
        ("dropped_last_week", "yes", "“dropped_last_week” stands in no sheet of the playbook in force"),
    ],
)
def test_an_answer_that_cannot_be_kept_is_refused_and_nothing_is_written(
    book: Playbook, team: dict[str, User], question: str, confirmed: str, refusal: str
) -> None:
    before = Event.objects.count()
    with pytest.raises(CannotNote, match=refusal):
        qualify.answer_question(
            person=person(), question=question, answer="10 %", confirmed=confirmed, playbook=book, by=team["sam"], at=AT
        )
    assert Event.objects.count() == before


@pytest.mark.django_db
def test_a_friction_says_what_to_do_next_and_until_when(book: Playbook, team: dict[str, User]) -> None:
    told = {"person": person(), "by": team["sam"], "at": AT + MINUTE}
    qualify.find_friction(friction="No budget", until="2027-03-01", **told)
    qualify.find_friction(friction="Too dear", **told)
    assert asking.sheet(person(), in_force(), at=AT + MINUTE).frictions == (
        ("No budget, until 2027-03-01", "Ask what it costs them today."),
        ("Too dear", "Ask what the problem costs them today, and who else feels it."),
    )
    task = Task.objects.get()
    assert (task.what, task.owner, task.due_at) == (
        "Woke up today: No budget", team["sam"], parse_instant("2027-03-01T09:00:00+01:00"),
    )  # fmt: skip
    with pytest.raises(CannotNote, match="is no day"):
        qualify.find_friction(friction="Too dear", until="soon", **told)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("using", "said"),
    [
        ("", "Pipes (considered)"),
        ("now", "Pipes (in use)"),
        ("trial", "Pipes (on trial)"),
        ("former", "Pipes (used before)"),
    ],
)
def test_the_other_solution_is_shown_with_how_they_have_it(
    book: Playbook, team: dict[str, User], using: str, said: str
) -> None:
    qualify.name_competitor(person=person(), competitor="Pipes", using=using, by=team["sam"], at=AT + MINUTE)
    assert asking.sheet(person(), in_force(), at=AT + MINUTE).competitor == said


@pytest.mark.django_db
def test_a_ticked_line_scores(book: Playbook, team: dict[str, User]) -> None:
    before = Standing.objects.get(person=person(), generation_id=in_force().generation_id).score
    qualify.tick(person=person(), line="Met the boss", playbook=book, by=team["sam"], at=AT)
    assert Standing.objects.get(person=person(), generation_id=in_force().generation_id).score == before + 7
    assert asking.sheet(person(), in_force(), at=AT).ticks == (("Ready", (("Met the boss", True),)),)
