"""Sequences: started by accepting, by hand or for many; ticked by touches, put off, ended by an answer."""

from collections.abc import Callable

import pytest

from handoff.conftest import AT, PLAYBOOK, person, record
from rung.access.models import Audit, User
from rung.handoff import actions, qualify, sequences, tasks
from rung.handoff.models import Assignment, SequenceRun, Task
from rung.handoff.sequences import CannotStart
from rung.history.models import Event
from rung.lifecycle.publishing import actions as publishing
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load
from rung.terms.instants import DAY, HOUR, MINUTE, parse_instant

HandOver = Callable[..., Assignment]
Team = dict[str, User]
TEXT = (
    PLAYBOOK
    + """
sequences:
  - name: Ten days
    starts: accepted
    steps: [{call: First call}, {wait: 1 business day}, {mail: Write}, {wait: 3 business days}, {call: Again}]
  - {name: Old flames, steps: [{letter: A card}]}
"""
)


def left() -> list[tuple[str, int]]:
    return [(task.what, task.due_at) for task in Task.objects.filter(done_at=None).order_by("due_at", "pk")]


def berlin(text: str) -> int:
    return parse_instant(f"{text}+01:00")


@pytest.fixture
def book(hand_over: HandOver, team: Team) -> Playbook:
    publishing.publish(TEXT, by="cli", at=AT - DAY)
    actions.accept(handoff_id=hand_over().pk, by=team["sam"], at=AT)
    return load(TEXT)


@pytest.mark.django_db
def test_accepting_puts_the_touches_on_the_desk_in_working_time(book: Playbook, team: Team) -> None:
    """Monday; Friday is Christmas, the week-end after it does not count."""
    assert left() == [
        ("First call", AT),
        ("Write", berlin("2026-12-22T10:00:00")),
        ("Again", berlin("2026-12-28T10:00:00")),
    ]
    assert {task.owner for task in Task.objects.all()} == {team["sam"]}


@pytest.mark.django_db
def test_a_call_does_the_call_and_an_answer_ends_the_rest(book: Playbook, team: Team) -> None:
    qualify.log_touch(person=person(), how="call", outcome="no_answer", by=team["sam"], at=AT + HOUR)
    assert [what for what, _ in left()] == ["Write", "Again"]
    record("email_replied", at=AT + 2 * HOUR, outcome="out_of_office")
    assert len(left()) == 2  # a machine is no answer
    record("email_replied", at=AT + 3 * HOUR, outcome="positive")
    run = SequenceRun.objects.get()
    assert (left(), run.ended_at, run.because) == ([], AT + 3 * HOUR, "They replied")
    assert Task.objects.get().done_at == AT + HOUR


@pytest.mark.django_db
def test_a_call_that_reaches_them_ends_it_too(book: Playbook, team: Team) -> None:
    qualify.log_touch(person=person(), how="call", outcome="positive", by=team["sam"], at=AT + HOUR)
    assert (left(), SequenceRun.objects.get().because) == ([], "They were spoken with")


@pytest.mark.django_db
def test_putting_one_off_keeps_the_distance_to_the_next(book: Playbook, team: Team) -> None:
    first = Task.objects.get(what="First call")
    tasks.snooze(tasks=list(Task.objects.all()), how_long="day", by=team["sam"], at=AT + HOUR)
    first.refresh_from_db()
    assert first.due_at == AT + HOUR + DAY
    assert left()[1:] == [
        ("Write", berlin("2026-12-22T10:00:00") + DAY + HOUR),
        ("Again", berlin("2026-12-28T10:00:00") + DAY + HOUR),
    ]


@pytest.mark.django_db
def test_one_goes_on_at_a_time_and_stopping_clears_the_desk(book: Playbook, team: Team) -> None:
    told = {"name": "Old flames", "by": team["sam"], "playbook": book}
    with pytest.raises(CannotStart, match="goes on with them already"):
        sequences.start(people=[person()], at=AT + MINUTE, **told)
    assert sequences.stop(person=person(), by=team["sam"], at=AT + MINUTE) == "Ten days"
    assert left() == []
    with pytest.raises(CannotStart, match="No sequence goes on"):
        sequences.stop(person=person(), by=team["sam"], at=AT + MINUTE)
    assert sequences.start(people=[person()], at=AT + HOUR, **told) == 1
    assert left() == [("A card", AT + HOUR)]
    verbs = list(Audit.objects.order_by("-seq").values_list("verb", flat=True)[:2])
    assert verbs == ["started sequence", "stopped sequence"]


@pytest.mark.django_db
def test_with_many_it_starts_with_those_who_are_in_none(hand_over: HandOver, book: Playbook, team: Team) -> None:
    hand_over("ben")
    hand_over("cara")
    people = [person(name) for name in ("ana", "ben", "cara")]
    told = {"people": people, "by": team["tom"], "at": AT, "playbook": book}
    assert sequences.start(name="Old flames", **told) == 2
    assert sorted(task.person.name for task in Task.objects.filter(owner=team["tom"])) == ["Ben", "Cara"]
    with pytest.raises(CannotStart, match="“Spam” is no sequence of the playbook in force: Ten days, Old flames"):
        sequences.start(name="Spam", **told)


@pytest.mark.django_db
def test_whoever_is_rejected_afterwards_is_no_longer_touched(book: Playbook, team: Team) -> None:
    record("handoff_rejected", at=AT + HOUR, reason="No budget")
    assert (left(), SequenceRun.objects.get().because) == ([], "Sales rejected them")


@pytest.mark.django_db
def test_a_meeting_that_is_planned_is_an_event_with_agenda_and_attendees(book: Playbook, team: Team) -> None:
    task = tasks.plan(
        person=person(), kind="meeting", what="Demo", day="2026-12-22", hour="14:00", attendees="Ana, her boss",
        by=team["sam"], at=AT + HOUR, playbook=book,
    )  # fmt: skip
    assert (task.minutes, task.attendees) == (30, "Ana, her boss")
    event = Event.objects.get(kind="meeting_booked")
    assert event.data == {"meeting_at": "2026-12-22T13:00:00+00:00", "agenda": "Demo", "attendees": "Ana, her boss"}
    assert left() == [("Demo", berlin("2026-12-22T14:00:00"))]  # the sequence has done its work
    assert "DESCRIPTION:With Ana\\, her boss\r\n" in tasks.calendar(team["sam"], at=AT, address="http://x")
    qualify.log_touch(person=person(), how="no_show", by=team["sam"], at=AT + 2 * DAY)
    assert left() == []
