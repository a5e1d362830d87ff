"""Whose clock a table's or a message's time is of, where it does not say so itself."""

import pytest

from rung.capture.imports import columns, making, timing
from rung.capture.imports.sheets import Row
from rung.capture.imports.translating import Told, translated
from rung.capture.webhooks import hook_mapping
from rung.terms.instants import format_instant

HEADER = ["Email", "Create Date"]


def read(cell: str, zone: str) -> str:
    choices = columns.guessed(HEADER, "people", [], zone=zone)
    rows = iter([Row(2, {"Email": "ana@acme.example", "Create Date": cell})])
    (told,) = translated(rows, making.table_of(choices), prefix="x", now=0)
    assert isinstance(told, Told)
    return format_instant(told.at)


@pytest.mark.parametrize(
    ("cell", "zone", "at"),
    [
        ("03/04/2025 09:00", "Europe/Berlin", "2025-04-03T07:00:00Z"),
        ("03/04/2025 09:00", "UTC", "2025-04-03T09:00:00Z"),
        ("2025-04-03T09:00:00+05:30", "Europe/Berlin", "2025-04-03T03:30:00Z"),  # it says so itself
        ("03/04/2025", "America/Chicago", "2025-04-03T05:00:00Z"),
        # Skipped when the clocks went forward: as if they had not, so 03:30 of the new time.
        ("2025-03-30 02:30", "Europe/Berlin", "2025-03-30T01:30:00Z"),
        ("2025-03-30 03:30", "Europe/Berlin", "2025-03-30T01:30:00Z"),
        # Twice there when they went back: the first is meant.
        ("2025-10-26 02:30", "Europe/Berlin", "2025-10-26T00:30:00Z"),
        ("2025-10-26 03:30", "Europe/Berlin", "2025-10-26T02:30:00Z"),
    ],
)
def test_a_time_is_of_the_zone_that_the_mapping_says(cell: str, zone: str, at: str) -> None:
    assert read(cell, zone) == at


@pytest.mark.parametrize(
    ("cells", "zone", "said"),
    [
        (["03/04/2025 09:00"], "Europe/Berlin", "03/04/2025 09:00 is read as 3 April 2025, 09:00 in Berlin"),
        (["04/03/2025", "", "1/4/2025 1:05 PM"], "America/New_York", "1/4/2025 1:05 PM is read as 1 April 2025, 13:05 in New York"),  # noqa: E501 - one sentence
        (["2025-03-30 02:30"], "Europe/Berlin", "2025-03-30 02:30 is read as 30 March 2025, 03:30 in Berlin"),
        (["2025-04-03"], "UTC", "2025-04-03 is read as 3 April 2025, 00:00 UTC"),
        (["2025-04-03T09:00Z", "soon", ""], "Europe/Berlin", ""),
    ],
)  # fmt: skip
def test_one_of_the_tables_own_times_shows_how_they_are_read(cells: list[str], zone: str, said: str) -> None:
    choices = columns.guessed(HEADER, "people", [], zone=zone)
    assert timing.example(choices, [{"Create Date": cell} for cell in cells]) == said


@pytest.mark.parametrize(
    ("told", "zone", "at"),
    [
        ("2026-11-19 10:15:00", "", "2026-11-19T09:15:00Z"),  # the firm's own
        ("Nov 19, 2026 10:15:00 AM", "America/New_York", "2026-11-19T15:15:00Z"),
        ("2026-11-19T10:15:00Z", "America/New_York", "2026-11-19T10:15:00Z"),
        ("2026-11-19", "", "2026-11-18T23:00:00Z"),
        (1_763_547_300, "America/New_York", "2025-11-19T10:15:00Z"),
    ],
)
def test_a_messages_time_is_of_the_zone_of_its_mapping_else_of_the_firm(told: object, zone: str, at: str) -> None:
    mapping = hook_mapping.mapping_of({"kind": "custom", "email": "/email", "time": "/at", "zone": zone})
    ((one,), _) = hook_mapping.meant({"email": "ana@acme.example", "at": told}, mapping, zone="Europe/Berlin")
    assert one.at is not None
    assert format_instant(one.at) == at


def test_what_is_no_zone_is_refused_by_name() -> None:
    for name in ("Mars/Base", "../../etc/passwd", "Europe", "x" * 300):
        with pytest.raises(hook_mapping.BadMapping, match="is no time zone: write one such as Europe/Lisbon"):
            hook_mapping.mapping_of({"kind": "custom", "zone": name})
