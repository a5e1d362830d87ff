import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.terms.instants import EARLIEST, LATEST, BadInstant, floor_hour, format_instant, micros, moment, parse_instant


def test_a_date_alone_is_midnight_utc():
    assert parse_instant("2026-03-01") == parse_instant("2026-03-01T00:00:00Z") == 1_772_323_200_000_000


def test_an_offset_moves_the_instant():
    assert parse_instant("2026-03-01T10:00:00+02:00") == parse_instant("2026-03-01T08:00:00Z")
    assert parse_instant("2026-03-01T10:00:00-0530") == parse_instant("2026-03-01T15:30:00Z")


def test_digits_past_the_microsecond_are_cut_never_rounded():
    assert parse_instant("2026-03-01T23:59:59.999999999Z") == parse_instant("2026-03-02") - 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-03-01T10:00:00", "has no offset"),
        ("2026-03-01 10:00", "has no offset"),
        ("0000-01-01T00:00:00Z", "not a day and time that exists"),
        ("9999-01-01T00:00:00Z", "outside 1970 to 2100"),
        ("1969-12-31T23:59:59Z", "outside 1970 to 2100"),
        ("2026-02-30", "not a day and time that exists"),
        ("2026-03-01T25:00:00Z", "not a day and time that exists"),
        ("yesterday", "is not a time"),
        ("", "is not a time"),
        ("２０２６-03-01", "is not a time"),
        ("9999-12-31T23:59:59-23:59", "outside 1970 to 2100"),
    ],
)
def test_a_time_that_cannot_be_placed_says_why(text, words):
    with pytest.raises(BadInstant, match=words):
        parse_instant(text)


@given(st.integers(EARLIEST, LATEST))
def test_an_instant_survives_the_way_through_a_datetime(at):
    assert micros(moment(at)) == at
    assert parse_instant(moment(at).isoformat()) == at


def test_what_is_printed_has_whole_seconds():
    assert format_instant(1_772_359_200_999_999) == "2026-03-01T10:00:00Z"


def test_the_last_whole_hour_is_at_or_before():
    hour = parse_instant("2026-03-01T10:00:00Z")
    assert floor_hour(hour) == hour
    assert floor_hour(hour + 1) == hour
    assert floor_hour(hour - 1) == parse_instant("2026-03-01T09:00:00Z")
