"""Lines that mislead, asked for by a page and tried by the worker's child: one run for a playbook and a day."""

import hashlib
from collections.abc import Callable
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import uuid_utils.compat
from django.db import transaction
from django.db.models import QuerySet

from rung.access.actions import require
from rung.access.models import User
from rung.engine.trying.ground import Ground, Wish
from rung.engine.trying.misleading import Behind, Line, Misleading
from rung.engine.trying.misleading import misleading as replayed
from rung.insight.models import Backtest
from rung.lifecycle import published
from rung.playbook.definitions import Playbook
from rung.terms.instants import DAY, micros, moment

LINES: Final = "line after line"
"""Stands for the number in such a run."""
LOOKED_BACK: Final = 365 * DAY
"""How far back lines are held against what sales answered."""
COUNTS: Final = {
    "avoided": "Rejected hand-offs that would not have been",
    "later": "Rejected hand-offs that would have come at another time",
    "lost": "Accepted hand-offs that would not have been",
    "missed": "Wins that would not have been handed over",
}
"""What is counted for each line → what its people are."""
_LEAST: Final = 2.0
"""Rejections avoided for a win missed, both at the careful end: below that no line is said to mislead."""


def ask(*, by: User, at: int) -> Backtest:
    """Asks what leaving out each line of the playbook in force by itself would have done: today's run.

    One that failed is tried again. Raises NotAllowed.
    """
    require(by, "try playbook")
    playbook = published.in_force().playbook
    with transaction.atomic():
        found = todays(playbook, at=at)
        if found is not None:
            runs(playbook).filter(pk=found.pk, state="failed").update(state="asked", attempts=0, error="")
            return found
        return Backtest.objects.create(
            uuid=uuid_utils.compat.uuid7(),
            key=hashlib.sha256(f"{playbook.version} {LINES}".encode()).hexdigest(),
            old_text=playbook.text,
            old_version=playbook.version,
            new_text=playbook.text,
            new_version=playbook.version,
            start_at=_day_began(playbook, at) - LOOKED_BACK,
            vary=LINES,
            asked_by=by,
            asked_at=at,
            said="Waiting for the worker",
        )


def runs(playbook: Playbook) -> QuerySet[Backtest]:
    """The runs of this playbook, the latest first; without the columns that a page does not read."""
    rows = Backtest.objects.filter(vary=LINES, old_version=playbook.version).order_by("-pk")
    return rows.defer("people", "old_text", "new_text")


def todays(playbook: Playbook, *, at: int) -> Backtest | None:
    """Today's run, a day as the firm cuts it."""
    return runs(playbook).filter(asked_at__gte=_day_began(playbook, at)).first()


def is_todays(run: Backtest, playbook: Playbook, *, at: int) -> bool:
    return bool(run.asked_at >= _day_began(playbook, at))


def tried(
    ground: Ground, playbook: Playbook, start: int | None, progress: Callable[[int, int], None]
) -> dict[str, Any]:
    """What came of it, as the columns of its row. A house younger than a year is looked at as far as it goes."""
    scope = ground.scope(playbook, Wish(start=max(start or 0, ground.first_at)))
    found, behind = replayed(ground, playbook, scope, progress)
    return {
        "misleading": msgspec.to_builtins(found),
        "people": msgspec.to_builtins(behind),
        "headline": headline(found)[:300],
    }


def found_of(run: Backtest) -> Misleading:
    return msgspec.convert(run.misleading, Misleading)


def behind_of(run: Backtest) -> Behind:
    """Who is behind the counts."""
    return msgspec.convert(run.people, Behind)


def worst(found: Misleading) -> Line | None:
    """The line that misleads most, if any does: more of what hangs on it is rejected than chance explains."""
    return next((line for line in found.lines if line.is_clear and line.rate >= _LEAST), None)


def headline(found: Misleading) -> str:
    """The answer: which line misleads, what it cost, and what leaving it out would have cost."""
    line = worst(found)
    if line is None:
        return "No single line of the playbook stands out as misleading."
    missed = line.missed.value
    cost = "no win would have been missed" if not missed else f"{missed} of {found.wins} wins would have been missed"
    return (
        f"“{line.name}” misleads: without it, {line.avoided.value} of {found.rejected} rejected hand-offs "
        f"would not have been, and {cost}."
    )


def _day_began(playbook: Playbook, at: int) -> int:
    zone = ZoneInfo(playbook.calendar.timezone)
    return micros(moment(at).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0))
