"""Clocks: business time, a warning and a breach as events once each, and a calendar that changes."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.conftest import AT, PLAYBOOK, person
from rung.access.models import User
from rung.handoff import actions, clocks, rules, timetable
from rung.handoff.models import Assignment, Clock
from rung.history.models import Event
from rung.lifecycle import actions as lifecycle
from rung.lifecycle.models import Handoff
from rung.lifecycle.publishing import actions as publishing
from rung.terms.business_time import WorkingTime, national_holidays
from rung.terms.durations import parse_duration
from rung.terms.instants import DAY, HOUR, MINUTE, parse_instant

HandOver = Callable[..., Assignment]
OFFICE = ((9 * 60, 12 * 60), (13 * 60, 17 * 60 + 30))
CALENDARS = (
    WorkingTime("Europe/Berlin", (OFFICE,) * 5 + ((), ()), national_holidays("DE")),
    WorkingTime("America/New_York", (((0, 1440),),) * 7),
    WorkingTime("Asia/Kathmandu", (((540, 1020),),) * 4 + (((600, 720),), (), ((0, 60), (1380, 1440)))),
)


def sla_events() -> list[str]:
    return list(Event.objects.filter(kind__startswith="sla_").order_by("seq").values_list("kind", flat=True))


@pytest.mark.django_db
def test_a_clock_over_a_weekend_and_a_holiday_warns_and_is_late_once_each(hand_over: HandOver) -> None:
    """Christmas Eve at noon, one business day: Christmas and the week-end do not count, due on Monday at noon."""
    at = parse_instant("2026-12-24T12:00:00+01:00")
    hand_over(kind="content_downloaded", interest="Ports", at=at)
    clock = Clock.objects.get()
    assert clock.due_at == parse_instant("2026-12-28T12:00:00+01:00")
    assert clock.warn_at == parse_instant(
        "2026-12-28T09:52:30+01:00"
    )  # 75 % of 8.5 hours: 5.5 on the Eve, then 52.5 min
    for instant, told in (
        ("2026-12-27T23:00:00+01:00", []),
        ("2026-12-28T09:52:29+01:00", []),
        ("2026-12-28T09:52:30+01:00", ["sla_warned"]),
        ("2026-12-28T11:00:00+01:00", ["sla_warned"]),
        ("2026-12-28T12:00:00+01:00", ["sla_warned", "sla_breached"]),
        ("2026-12-29T12:00:00+01:00", ["sla_warned", "sla_breached"]),
    ):
        clocks.tick(parse_instant(instant))
        assert sla_events() == told, instant
    event = Event.objects.get(kind="sla_breached")
    assert event.data == {"duty": "answer", "handoff": Handoff.objects.get().pk, "lane": "scored"}


@pytest.mark.django_db
def test_a_warning_noted_before_a_crash_is_not_noted_again(hand_over: HandOver) -> None:
    hand_over()
    clocks.tick(AT + 25 * MINUTE)
    Clock.objects.update(warned_at=None)  # as if the note on the clock had been lost
    clocks.tick(AT + 26 * MINUTE)
    assert sla_events() == ["sla_warned"]
    assert Clock.objects.get().warned_at == AT + 26 * MINUTE


@pytest.mark.django_db
def test_an_answer_stops_the_clock_and_a_clock_that_jumps_back_says_nothing(
    hand_over: HandOver, team: dict[str, User]
) -> None:
    waiting = hand_over()
    clocks.tick(AT - DAY)
    actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + MINUTE)
    clocks.tick(AT + 2 * HOUR)
    assert sla_events() == []
    clocks.tick(AT + 2 * DAY)  # the first touch, nobody made it
    assert sla_events() == ["sla_warned", "sla_breached"]
    assert Event.objects.filter(kind="sla_breached").get().data["duty"] == "touch"


@pytest.mark.django_db
def test_a_changed_calendar_moves_what_runs(hand_over: HandOver) -> None:
    hand_over(kind="content_downloaded", interest="Ports", at=parse_instant("2026-12-23T16:00:00+01:00"))
    assert Clock.objects.get().due_at == parse_instant("2026-12-24T16:00:00+01:00")
    publishing.publish(PLAYBOOK.replace("holidays: DE", "holidays: [DE, 2026-12-24]"), by="cli", at=AT + 3 * DAY)
    clocks.tick(AT + 3 * DAY)
    assert Clock.objects.get().due_at == parse_instant("2026-12-28T16:00:00+01:00")
    assert sla_events() == []


@pytest.mark.django_db
def test_a_history_that_was_loaded_comes_onto_desks_at_the_next_turn(hand_over: HandOver) -> None:
    hand_over()
    Assignment.objects.all().delete()
    clocks.tick(AT + MINUTE)
    waiting = Assignment.objects.get()
    assert (waiting.queue, waiting.person) == ("sales", person())
    assert Clock.objects.get().due_at == AT + 30 * MINUTE


@pytest.mark.django_db
def test_a_reply_wants_an_answer_and_a_call_is_one(hand_over: HandOver, team: dict[str, User]) -> None:
    actions.accept(handoff_id=hand_over().pk, by=team["sam"], at=AT + MINUTE)
    reply = lifecycle.NewEvent("email_replied", person=person().pk, data={"text": "Thursday works"})
    lifecycle.record([reply], by="mail", at=AT + HOUR)
    clock = Clock.objects.get(kind="reply")
    assert (clock.owner, clock.due_at, clock.stopped_at) == (team["sam"], AT + HOUR + DAY, None)
    assert Clock.objects.get(kind="touch").stopped_at == AT + HOUR
    lifecycle.record([lifecycle.NewEvent("email_written", person=person().pk)], by="sam@ours.example", at=AT + 2 * HOUR)
    assert Clock.objects.get(kind="reply").stopped_at == AT + 2 * HOUR


@given(
    st.lists(st.integers(parse_instant("2025-10-20"), parse_instant("2026-04-10")), min_size=64, max_size=90),
    st.sampled_from(CALENDARS),
    st.sampled_from(("30 business minutes", "9 business hours", "1 business day", "3 business days", "2 hours")),
    st.sampled_from((None, 0.0, 0.5, 0.75, 1.0)),
)
@settings(max_examples=40, deadline=None)
def test_many_clocks_at_once_say_what_each_says_alone(
    starts: list[int], working: WorkingTime, within: str, share: float | None
) -> None:
    duration = parse_duration(within)
    alone = [rules.due(duration, share, working, started_at=start) for start in starts]
    assert timetable.dues(duration, share, working, starts) == [(owed.due_at, owed.warn_at) for owed in alone]


def test_a_calendar_that_is_never_open_runs_no_clock() -> None:
    closed = WorkingTime("UTC", ((),) * 7)
    owed = rules.due(parse_duration("1 business day"), 0.75, closed, started_at=AT)
    assert (owed.due_at, owed.warn_at) == (None, None)
