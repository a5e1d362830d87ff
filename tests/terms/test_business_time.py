from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.terms.business_time import NeverOpen, WorkingTime, national_holidays
from rung.terms.durations import parse_duration
from rung.terms.instants import DAY, HOUR, MINUTE, parse_instant

OFFICE = ((9 * 60, 17 * 60 + 30),)
BERLIN = WorkingTime("Europe/Berlin", (OFFICE,) * 5 + ((), ()), national_holidays("DE"))


def due(start: str, duration: str, calendar: WorkingTime = BERLIN) -> int:
    return calendar.add(parse_instant(start), parse_duration(duration))


def test_thirty_business_minutes_before_closing_end_the_next_morning():
    assert due("2026-11-19T17:15:00+01:00", "30 business minutes") == parse_instant("2026-11-20T09:15:00+01:00")


def test_friday_evening_is_answered_on_monday():
    assert due("2026-11-20T17:20:00+01:00", "30 business minutes") == parse_instant("2026-11-23T09:20:00+01:00")
    assert due("2026-11-21T12:00:00+01:00", "30 business minutes") == parse_instant("2026-11-23T09:30:00+01:00")


def test_a_business_day_ends_at_the_same_time_on_the_next_working_day():
    assert due("2026-11-20T10:44:00+01:00", "1 business day") == parse_instant("2026-11-23T10:44:00+01:00")


def test_a_business_day_that_starts_on_a_sunday_starts_on_monday_morning():
    assert due("2026-11-22T10:44:00+01:00", "1 business day") == parse_instant("2026-11-24T09:00:00+01:00")


def test_a_holiday_is_no_working_day():
    assert due("2026-12-24T16:00:00+01:00", "1 business day") == parse_instant("2026-12-28T16:00:00+01:00")


def test_the_hour_that_a_clock_change_takes_is_not_counted():
    nights = WorkingTime("Europe/Berlin", (((0, 1440),),) * 7)
    assert due("2026-03-29T01:00:00+01:00", "2 business hours", nights) == parse_instant("2026-03-29T04:00:00+02:00")
    assert nights.between(parse_instant("2026-03-28T23:00:00Z"), parse_instant("2026-03-29T22:00:00Z")) == 23 * HOUR


def test_wall_clock_time_needs_no_calendar():
    assert due("2026-11-21T12:00:00+01:00", "2 hours") == parse_instant("2026-11-21T14:00:00+01:00")


def test_a_calendar_that_is_never_open_says_so():
    with pytest.raises(NeverOpen, match="no open time"):
        WorkingTime("UTC", ((),) * 7).opening(parse_instant("2026-01-01"))


def test_open_time_between_two_instants_leaves_the_nights_out():
    start, end = parse_instant("2026-11-19T17:00:00+01:00"), parse_instant("2026-11-20T10:00:00+01:00")
    assert BERLIN.between(start, end) == 90 * MINUTE
    assert BERLIN.between(end, start) == 0
    assert BERLIN.is_open(end)
    assert not BERLIN.is_open(start + HOUR)


@given(st.integers(parse_instant("2024-01-01"), parse_instant("2030-01-01")), st.integers(1, 5000))
def test_the_open_time_before_the_due_time_is_the_duration(start, minutes):
    end = due_in(start, minutes)
    assert BERLIN.between(start, end) == minutes * MINUTE
    assert end - start < minutes * MINUTE * 12 + 8 * DAY


def due_in(start: int, minutes: int) -> int:
    return BERLIN.add(start, parse_duration(f"{minutes} business minutes"))


def test_holidays_know_their_country_and_region():
    assert national_holidays("DE")(date(2026, 10, 3))
    assert not national_holidays("DE")(date(2026, 11, 1))
    assert national_holidays("DE", "BY")(date(2026, 11, 1))
