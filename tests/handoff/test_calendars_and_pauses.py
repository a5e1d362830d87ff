"""Clocks by the calendar of the owner's team, put off while somebody is away or a meeting is set."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.conftest import AT, PLAYBOOK, person, record
from rung.access.models import User
from rung.handoff import actions, clocks, reckoning, rules, timetable
from rung.handoff import team as desk
from rung.handoff.models import Absence, Assignment, Clock, Pause
from rung.history.models import Event
from rung.lifecycle.publishing import actions as publishing
from rung.playbook.loading import load
from rung.terms.business_time import WorkingTime, national_holidays
from rung.terms.durations import parse_duration
from rung.terms.instants import DAY, HOUR, MINUTE, parse_instant

HandOver = Callable[..., Assignment]
Team = dict[str, User]
EASTERN = PLAYBOOK.replace(
    "holidays: DE}",
    "holidays: DE, teams: {South: {timezone: America/New_York, hours: Mon-Fri 08:00-16:00, holidays: US}}}",
)
PAUSING = PLAYBOOK.replace("  on: mql", "  on: mql\n  pause: [meeting set, owner away]")


def at(text: str) -> int:
    return parse_instant(text)


def publish(text: str) -> None:
    publishing.publish(text, by="cli", at=AT - 20 * DAY)


@pytest.mark.django_db
def test_a_hand_off_runs_by_the_calendar_of_its_owners_team_and_changes_with_the_owner(
    hand_over: HandOver, team: Team
) -> None:
    """Monday 10:00 in Berlin is 4:00 in New York: four hours before South opens; North's half hour runs at once."""
    publish(EASTERN)
    waiting = hand_over()
    assert waiting.owner == team["sam"]
    assert Clock.objects.get().due_at == AT + 30 * MINUTE
    actions.reassign(handoff_id=waiting.pk, to=team["eva"], by=team["kim"], at=AT + MINUTE)
    clock = Clock.objects.get()
    assert (clock.due_at, clock.warn_at) == (
        at("2026-12-21T08:30:00-05:00"),
        at("2026-12-21T08:22:30-05:00"),
    )
    clocks.tick(AT + 2 * HOUR)
    assert not Event.objects.filter(kind__startswith="sla_").exists()
    actions.reassign(handoff_id=waiting.pk, to=team["tom"], by=team["kim"], at=AT + 2 * HOUR)
    assert Clock.objects.get().due_at == AT + 30 * MINUTE


@pytest.mark.django_db
def test_a_changed_calendar_of_one_team_moves_only_its_clocks(hand_over: HandOver, team: Team) -> None:
    publish(EASTERN)
    hand_over("ana")
    other = hand_over("ben")
    actions.reassign(handoff_id=other.pk, to=team["eva"], by=team["kim"], at=AT + MINUTE)
    clocks.tick(AT + MINUTE)
    publish(EASTERN.replace("Mon-Fri 08:00-16:00", "Tue-Fri 07:00-16:00"))
    clocks.tick(AT + 2 * MINUTE)
    assert Clock.objects.get(person=person("ana")).due_at == AT + 30 * MINUTE
    assert Clock.objects.get(person=person("ben")).due_at == at("2026-12-22T07:30:00-05:00")


@pytest.mark.django_db
def test_where_most_clocks_move_the_table_has_the_same_indexes_afterwards(
    hand_over: HandOver, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def indexes() -> dict[str, list[str]]:
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, Clock._meta.db_table)
        return {name: told["columns"] for name, told in found.items()}

    monkeypatch.setattr(reckoning, "_MANY", 1)
    hand_over()
    before, due_at = indexes(), Clock.objects.get().due_at
    publishing.publish(PLAYBOOK.replace("09:00-17:30", "12:00-17:30"), by="cli", at=AT + MINUTE)
    with CaptureQueriesContext(connection) as asked:
        clocks.tick(AT + MINUTE)
    assert Clock.objects.get().due_at != due_at
    assert indexes() == before and "clock_desk" in before
    dropped = [query["sql"] for query in asked if "DROP INDEX" in query["sql"]]
    assert len(dropped) == (3 if connection.vendor == "sqlite" else 0)


@pytest.mark.django_db
def test_a_team_across_a_clock_change_neither_loses_nor_wins_an_hour(hand_over: HandOver, team: Team) -> None:
    """New York changes its clocks two weeks before Berlin: Friday 15:45 there plus half an hour is Monday 8:15."""
    publish(EASTERN)
    friday = at("2027-03-12T15:45:00-05:00")
    team["sam"].is_active = team["tom"].is_active = False
    team["sam"].save(), team["tom"].save()
    hand_over(at=friday)
    clock = Clock.objects.get()
    assert clock.owner == team["eva"]
    assert clock.due_at == at("2027-03-15T08:15:00-04:00") == friday + 64 * HOUR - HOUR + 30 * MINUTE


@pytest.mark.django_db
def test_a_meeting_that_is_set_stops_the_clock_of_the_first_touch_until_it_was_missed(
    hand_over: HandOver, team: Team
) -> None:
    publish(PAUSING)
    waiting = hand_over()
    actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT)
    touch = Clock.objects.get(kind="touch")
    assert touch.due_at == AT + DAY  # Tuesday, 10:00
    record("meeting_booked", at=AT + HOUR, meeting_at="2026-12-23T11:00:00+01:00")
    touch.refresh_from_db()
    assert touch.paused_at == AT + HOUR
    clocks.tick(AT + DAY + 2 * HOUR)
    assert not Event.objects.filter(kind__startswith="sla_", data__duty="touch").exists()
    record("meeting_missed", at=at("2026-12-23T11:30:00+01:00"))
    touch.refresh_from_db()
    # Paused from Monday 11:00 to Wednesday 11:30: two working days of 8.5 hours, and half an hour.
    assert (touch.paused_at, touch.due_at) == (None, at("2026-12-24T10:30:00+01:00"))
    clocks.tick(at("2026-12-24T10:30:00+01:00"))
    assert Event.objects.filter(kind="sla_breached", data__duty="touch").count() == 1


@pytest.mark.django_db
def test_a_meeting_of_which_nobody_tells_ends_its_pause_a_day_later(hand_over: HandOver, team: Team) -> None:
    publish(PAUSING)
    waiting = hand_over()
    record("meeting_booked", at=AT + MINUTE, meeting_at="2026-12-21T15:00:00+01:00")
    actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + HOUR)
    touch = Clock.objects.get(kind="touch")
    assert touch.paused_at == AT + HOUR  # it starts while a meeting is set
    clocks.tick(at("2026-12-22T14:59:00+01:00"))
    touch.refresh_from_db()
    assert touch.paused_at == AT + HOUR
    clocks.tick(at("2026-12-22T15:00:00+01:00"))
    touch.refresh_from_db()
    # Due on Tuesday at 11:00; paused from Monday 11:00 to Tuesday 15:00, 12.5 working hours.
    assert (touch.paused_at, touch.due_at) == (None, at("2026-12-23T15:00:00+01:00"))
    assert Pause.objects.get().until_at == at("2026-12-22T15:00:00+01:00")


@pytest.mark.django_db
def test_a_playbook_that_no_longer_pauses_lets_clocks_run_on(hand_over: HandOver, team: Team) -> None:
    publish(PAUSING)
    waiting = hand_over()
    actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT)
    record("meeting_booked", at=AT + HOUR)
    clocks.tick(AT + HOUR)
    publish(PLAYBOOK)
    clocks.tick(AT + 2 * HOUR)
    touch = Clock.objects.get(kind="touch")
    assert (touch.paused_at, touch.due_at, Pause.objects.count()) == (None, AT + DAY, 0)


@pytest.mark.django_db
def test_days_away_put_off_what_is_owed_and_coming_back_early_takes_it_back(hand_over: HandOver, team: Team) -> None:
    publish(PAUSING)
    hand_over(kind="content_downloaded", interest="Ports")
    clock = Clock.objects.get()
    assert (clock.owner, clock.due_at) == (team["sam"], AT + DAY)
    playbook = load(PAUSING)
    told = {"user": team["sam"], "by": team["sam"], "playbook": playbook}
    desk.set_absence(first="2026-12-22", last="2026-12-23", at=AT + HOUR, **told)
    clock.refresh_from_db()
    assert clock.due_at == at("2026-12-24T10:00:00+01:00")
    desk.end_absences(at=at("2026-12-23T09:30:00+01:00"), **told)
    clock.refresh_from_db()
    assert clock.due_at == at("2026-12-23T10:00:00+01:00")
    assert Absence.objects.get().until_date == date(2026, 12, 22)


ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
STARTS = st.integers(at("2026-10-01T00:00:00Z"), at("2026-12-31T00:00:00Z"))
SPANS = st.lists(st.tuples(STARTS, st.integers(1, 6 * DAY)), max_size=3)


@settings(max_examples=60, deadline=None)
@given(
    ZONES,
    st.sampled_from(["30 business minutes", "1 business day", "3 business hours"]),
    SPANS,
    st.lists(STARTS, min_size=64, max_size=70),
)
def test_pauses_of_many_clocks_are_those_of_each(
    zone: str, within: str, spans: list[tuple[int, int]], starts: list[int]
) -> None:
    working = WorkingTime(zone, (((540, 720), (780, 1050)),) * 5 + ((), ()), national_holidays("DE"))
    pauses = [(start, start + length) for start, length in spans]
    duration = parse_duration(within)
    owed = [rules.due(duration, 0.75, working, started_at=start, pauses=pauses) for start in starts]
    assert timetable.dues(duration, 0.75, working, starts, pauses) == [(each.due_at, each.warn_at) for each in owed]


def test_pauses_that_overlap_count_once_and_those_before_the_start_not_at_all() -> None:
    assert rules.joined([(50, 90), (10, 20), (80, 100), (0, 5)], 15) == [(15, 20), (50, 100)]
    always = WorkingTime("UTC", (((0, 1440),),) * 7)
    owed = rules.due(parse_duration("2h"), None, always, started_at=AT, pauses=[(AT + HOUR, AT + 3 * HOUR)])
    assert owed == replace(owed, due_at=AT + 4 * HOUR)
