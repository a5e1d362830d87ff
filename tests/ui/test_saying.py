"""Numbers and instants as people read them, the geometry of small drawings, and pages named by their rows."""

import pytest

from rung.ui import charts, paging, words
from rung.ui.charts import ScorePoint
from rung.ui.words import DAY, HOUR, MINUTE

NOW = 20_000 * DAY + 14 * HOUR


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (0, "now"), (59 * 10**6, "now"), (12 * MINUTE, "12 min"), (5 * HOUR, "5 h"), (3 * DAY, "3 d"),
        (90 * DAY, "3 mo"),
        (3 * 365 * DAY, "3 y"),
    ],
)  # fmt: skip
def test_ago_takes_the_largest_unit_that_fits(gone: int, said: str) -> None:
    assert words.ago(NOW - gone, NOW) == said.replace(" ", "\N{NO-BREAK SPACE}")


def test_counts_stop_at_ten_thousand() -> None:
    assert [words.count(n) for n in (0, 10_000, 10_001)] == ["0", "10,000", "10,000+"]
    assert words.people(1) == "1 person"


def test_numbers_carry_a_real_minus_and_no_negative_zero() -> None:
    assert words.number(-2) == "−2" and words.signed(13) == "+13" and words.number(-0.2) == "0"
    assert words.number(None) == "–"


def test_a_number_is_not_rounded_up_to_the_goal_that_it_misses() -> None:
    assert [words.short_of(value, 50) for value in (49.97, 49.4, 50.0, 50.4, 12.5)] == ["49.9", "49", "50", "50", "12"]
    assert words.short_of(49.97, None) == "50"


def test_days_are_named_when_they_are_near() -> None:
    assert [words.day(NOW - n * DAY, NOW) for n in (0, 1)] == ["Today", "Yesterday"]
    assert words.day(NOW - 400 * DAY, NOW).split()[-1].isdigit()


def test_initials_of_every_kind_of_name() -> None:
    assert [words.initials(name) for name in ("Ana Lima", "Cher", "bo@acme.example", "…", "")] == [
        "AL",
        "CH",
        "BE",
        "?",
        "?",
    ]


def test_a_score_bar_puts_fifty_where_fifty_is() -> None:
    bar = charts.score_bar([ScorePoint("a", 30, 40), ScorePoint("b", 27, 27), ScorePoint("c", -2, -2)], needed=50)
    assert bar.total == 55
    assert bar.needed_x == pytest.approx(100 * 50 / bar.scale, abs=0.01)
    assert bar.segments[0].kept == 75 and bar.segments[1].x == pytest.approx(100 * 30 / bar.scale, abs=0.01)
    assert bar.losses[0].x == pytest.approx(100 * 55 / bar.scale, abs=0.01)


def test_a_score_bar_of_nothing_is_empty() -> None:
    assert charts.score_bar([]).segments == () and charts.percent(1, 0) == 0.0 and charts.spark([]) == ""


def test_a_page_address_reads_back_what_was_written() -> None:
    start = paging.Cursor("after", (57.5, 12))
    assert paging.cursor(start.text(), kinds=(float, int)) == start


@pytest.mark.parametrize(
    "text", ["", "%", "eyJ9", "WyJhIiwxXQ", "WyJhIix0cnVlLDFd", "x" * 700, "WyJ6IiwxLDJd", "\x00é"]
)
def test_a_page_address_of_somebody_else_is_refused(text: str) -> None:
    with pytest.raises(paging.BadCursor):
        paging.cursor(text, kinds=(float, int))
