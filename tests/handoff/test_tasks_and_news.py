"""Tasks with their calendar, working states inside a rung, and news that are told once."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from handoff.conftest import AT, person, record
from rung.access.actions import NotAllowed
from rung.access.models import Audit, User
from rung.handoff import actions, asking, clocks, qualify, tasks
from rung.handoff.models import Assignment, Notification, Task
from rung.history.models import Event
from rung.lifecycle import published
from rung.terms.instants import DAY, HOUR, MINUTE, parse_instant
from rung.web import happenings

pytestmark = pytest.mark.django_db
HandOver = Callable[..., Assignment]
Team = dict[str, User]
BERLIN = ZoneInfo("Europe/Berlin")


def planned(by: User, **told: str) -> Task:
    asked = {"kind": "call", "what": "Ask who signs; budget, too", "day": "2026-12-22", "hour": "14:30", **told}
    return tasks.plan(person=person(), by=by, at=AT, playbook=published.playbook(), **asked)  # type: ignore[arg-type]


def test_a_task_is_due_at_its_hour_done_once_and_put_off(hand_over: HandOver, team: Team) -> None:
    hand_over()
    task = planned(team["sam"])
    assert task.due_at == parse_instant("2026-12-22T14:30:00+01:00")
    assert planned(team["sam"], hour="").due_at == parse_instant("2026-12-22T09:00:00+01:00")
    assert Audit.objects.latest("seq").verb == "planned task"
    assert tasks.snooze(tasks=[task], how_long="day", by=team["sam"], at=AT) == 1
    assert Task.objects.get(pk=task.pk).due_at == AT + DAY
    assert tasks.due_today(team["sam"], published.playbook(), at=AT) == []
    assert len(tasks.due_today(team["sam"], published.playbook(), at=AT + DAY)) == 2
    tasks.done(tasks=[task], by=team["sam"], at=AT + HOUR)
    assert Task.objects.get(pk=task.pk).done_at == AT + HOUR


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"kind": "dance"}, "is no kind of task"),
        ({"day": "soon"}, "Write the day as"),
        ({"hour": "25:00"}, "Write the day as"),
        ({"day": "2020-01-01"}, "must not be over"),
        ({"day": "2099-01-01"}, "five years ahead"),
        ({"minutes": "many"}, "how many minutes"),
        ({"minutes": "9" * 5_000}, "how many minutes"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_words(
    hand_over: HandOver, team: Team, told: dict[str, str], words: str
) -> None:
    hand_over()
    with pytest.raises(tasks.CannotPlan, match=words):
        planned(team["sam"], **told)
    assert not Task.objects.exists()


def test_the_calendar_says_what_when_and_with_whom(hand_over: HandOver, team: Team) -> None:
    hand_over(name="ana")
    task = planned(team["sam"], kind="meeting", what="Démo: who signs, and why " * 3, minutes="45")
    planned(team["tom"])
    token = tasks.new_feed(by=team["sam"], at=AT)
    assert tasks.feed_of(token) == team["sam"]
    text = tasks.calendar(team["sam"], at=AT, address="https://rung.example")
    assert text.count("BEGIN:VEVENT") == 1
    assert "DTSTART:20261222T133000Z\r\nDTEND:20261222T141500Z\r\n" in text
    assert f"UID:{task.uuid}@rung" in text
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    unfolded = text.replace("\r\n ", "")
    assert "SUMMARY:Démo: who signs\\, and why Démo" in unfolded
    assert "TRANSP:OPAQUE" in text, "a meeting takes its time"
    planned(team["sam"], kind="call", what="Call her")
    assert tasks.calendar(team["sam"], at=AT, address="https://rung.example").count("TRANSP:TRANSPARENT") == 1
    assert tasks.feed_of("x") is None
    tasks.new_feed(by=team["sam"], at=AT)
    assert tasks.feed_of(token) is None


def test_a_meeting_called_off_is_an_event_and_is_set_no_more(hand_over: HandOver, team: Team) -> None:
    """Two are planned; the one that is called off leaves the other as it is, and the feed says which is which."""
    actions.accept(handoff_id=hand_over().pk, by=team["sam"], at=AT)
    record("call_answered", at=AT + MINUTE)
    demo = planned(team["sam"], kind="meeting", what="Demo")
    assert state_of(AT + HOUR) == "meeting set"
    assert tasks.call_off(tasks=[demo], by=team["sam"], at=AT + HOUR) == 1
    assert tasks.call_off(tasks=[demo], by=team["sam"], at=AT + HOUR) == 0, "once is enough"
    assert state_of(AT + 2 * HOUR) == "connected"
    (event,) = Event.objects.filter(kind="meeting_missed")
    assert (event.data, happenings.said(event.kind, event.data)) == ({"called_off": True}, "Called off a meeting")
    assert Audit.objects.latest("seq").verb == "called off task"
    talk = planned(team["sam"], kind="meeting", what="Talk")
    tasks.call_off(tasks=[planned(team["sam"], kind="meeting", what="Lunch")], by=team["sam"], at=AT + 3 * HOUR)
    assert Task.objects.get(pk=talk.pk).done_at is None, "the other meeting stays"
    assert state_of(AT + 4 * HOUR) == "meeting set"
    tasks.done(tasks=[planned(team["sam"], what="Call")], by=team["sam"], at=AT + 4 * HOUR)
    text = tasks.calendar(team["sam"], at=AT + 5 * HOUR, address="x").replace("\r\n ", "")
    told = {part.split("SUMMARY:")[1].split(" (")[0]: part for part in text.split("BEGIN:VEVENT")[1:]}
    is_off = {what: "STATUS:CANCELLED" in part for what, part in told.items()}
    assert is_off == {"Demo": True, "Talk": False, "Lunch": True, "Done: Call": False}
    assert text.count("DTSTAMP:20261221T140000Z") == 4, "what was put off or called off replaces the older copy"


def test_who_may_not_plan_calls_nothing_of_others_off(hand_over: HandOver, team: Team) -> None:
    hand_over()
    task = planned(team["sam"], kind="meeting", what="Demo")
    before = Event.objects.count()
    with pytest.raises(NotAllowed):
        tasks.call_off(tasks=[task], by=team["tom"], at=AT + HOUR)
    assert (Task.objects.get(pk=task.pk).done_at, Event.objects.count()) == (None, before)


def state_of(at: int) -> str:
    return asking.state_in_words(asking.sheet(person(), published.in_force(), at=at).state, BERLIN)


def test_who_was_rejected_until_a_day_is_on_the_rep_s_list_that_day(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    actions.reject(handoff_id=waiting.pk, reason="Not urgent", until="2027-03-01", by=team["sam"], at=AT)
    task = Task.objects.get()
    assert (task.what, task.owner) == ("Woke up today: Not urgent", team["sam"])
    assert task.due_at == parse_instant("2027-03-01T09:00:00+01:00")


def test_the_end_of_a_contract_brings_the_person_back(hand_over: HandOver, team: Team) -> None:
    hand_over()
    told = {"contract_end": "2027-06-30", "value": "With Qlarion"}
    qualify.answer_letter(person=person(), letter="timing", confirmed="no", told=told, by=team["sam"], at=AT)
    task = Task.objects.get()
    assert (task.what, task.due_at) == (
        "Woke up today: their contract ends",
        parse_instant("2027-06-30T09:00:00+02:00"),
    )


def test_the_state_of_the_work_follows_what_was_noted(hand_over: HandOver, team: Team) -> None:
    actions.accept(handoff_id=hand_over().pk, by=team["sam"], at=AT)
    said = []

    def state(at: int) -> str:
        found = asking.sheet(person(), published.in_force(), at=at).state
        return asking.state_in_words(found, BERLIN)

    said.append(state(AT + MINUTE))
    for minute, kind in enumerate(
        ("call_made", "email_written", "meeting_booked", "meeting_missed", "call_answered"), 2
    ):
        record(kind, at=AT + minute * MINUTE)
        said.append(state(AT + minute * MINUTE))
    assert said == ["new", "attempt 1", "attempt 2", "meeting set", "no-show", "connected"]
    record("handoff_rejected", at=AT + HOUR, reason="No budget")
    assert state(AT + HOUR) == "waiting until 21 March 2027"


def test_news_are_told_once_to_the_owner_and_escalated_to_the_leader(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    owner = waiting.owner
    assert owner is not None
    for minutes in (25, 26, 40, 41):
        clocks.tick(AT + minutes * MINUTE)
    mine = list(Notification.objects.filter(user=owner).order_by("pk").values_list("words", flat=True))
    assert mine == [
        f"Ana is on your desk: {owner} is next in turn in the north team",
        "The answer to Ana is nearly late",
        "The answer to Ana is late",
    ]
    leaders = list(Notification.objects.filter(user=team["kim"]).order_by("pk").values_list("words", flat=True))
    assert leaders == [f"The answer to Ana is nearly late ({owner})", f"The answer to Ana is late ({owner})"]
    assert not Notification.objects.exclude(user__in=[owner, team["kim"]]).exists()
