"""Days and times as people and programs write them, several ways in one column."""

from datetime import datetime

import pytest

from rung.capture import dates

DAY = "2021-04-15 00:00:00"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("15 Apr, 2021 00:03:00", "2021-04-15 00:03:00"), ("Apr 15, 2021", DAY), ("April 15th, 2021", DAY),
        ("15-Apr-21", DAY), ("15-Apr-2021", DAY), ("15. April 2021", DAY), ("20210415", DAY), ("2021/4/15", DAY),
        ("Thu, 15 Apr 2021 10:22:33 GMT", "2021-04-15 10:22:33+00:00"), ("15 avr. 2021", DAY), ("15 abr 2021", DAY),
        ("15 de abril de 2021", DAY), ("Donnerstag, 15. April 2021", DAY), ("3 März 2021", "2021-03-03 00:00:00"),
        ("14 juillet 2021", "2021-07-14 00:00:00"), ("14 juin 2021", "2021-06-14 00:00:00"),
        ("1 août 2021", "2021-08-01 00:00:00"), ("5 Mai 2021", "2021-05-05 00:00:00"), ("44301", DAY),
        ("2 ottobre 2021", "2021-10-02 00:00:00"), ("31 dic 2021", "2021-12-31 00:00:00"),
        ("2021-04-15T10:22:33.000+0000", "2021-04-15 10:22:33+00:00"), ("4/15/2021 3:04 PM", "2021-04-15 15:04:00"),
        ("15.04.21 9:05", "2021-04-15 09:05:00"), ("1618481232", "2021-04-15 10:07:12+00:00"),
    ],
)  # fmt: skip
def test_a_day_is_read_however_it_is_written(text: str, said: str) -> None:
    assert str(dates.read(text, day_first=True)) == said
    assert str(dates.read(text, day_first=False)) == said


def test_where_both_could_be_the_day_the_column_says_which_comes_first() -> None:
    assert dates.read("03/04/2021", day_first=True) == datetime(2021, 4, 3)
    assert dates.read("03/04/2021", day_first=False) == datetime(2021, 3, 4)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "15 Foo 2021", "31 Feb 2021", "Q2 2021", "2021-04", "20211315", "12345678", "15 Apr", "x, y"],
)
def test_what_says_no_day_is_none(text: str) -> None:
    assert dates.read(text, day_first=True) is None
