"""How a table's times are read, shown on one of its own: whose clock it is that they tell. Pure.

A time that a change of the clocks skips is read as if they had not been put forward (02:30 is 03:30 then); of a time
that comes twice the first is meant. So Python reads them (`fold=0`).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Final
from zoneinfo import ZoneInfo

from rung.capture import dates
from rung.capture.imports import columns
from rung.capture.imports.columns import Choices

_LOOKED_AT: Final = 400


def example(choices: Choices, sample: Sequence[Mapping[str, str]]) -> str:
    """`03/04/2025 09:00 is read as 3 April 2025, 09:00 in Berlin`, of a cell that names no zone, one with a clock where
    there is one; empty where there is no such cell."""
    zone, said = ZoneInfo(choices.zone), ""
    times = [choice.column for choice in choices.columns if columns.is_time(choice)]
    texts = [text for row in sample for column in times if (text := row.get(column, ""))]
    for text in texts[:_LOOKED_AT]:
        read = dates.read(text, day_first=choices.dates == dates.DAY_FIRST)
        if read is None or read.tzinfo is not None:
            continue
        local = read.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
        found = f"{text[:40]} is read as {local.day} {local:%B %Y, %H:%M} {place_of(choices.zone)}"
        if ":" in text:
            return found
        said = said or found
    return said


def place_of(zone: str) -> str:
    """`in Berlin`, as people call a zone."""
    return zone if "/" not in zone else f"in {zone.rpartition('/')[2].replace('_', ' ')}"
