"""A duty's clock as pages show it: time left in words, a ring, and when it runs again."""

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from rung.playbook.definitions import Playbook
from rung.terms.business_time import NeverOpen, WorkingTime
from rung.terms.durations import Duration
from rung.terms.instants import HOUR, MINUTE, SECOND
from rung.ui import words
from rung.web.reasons import day_in_sentence

SOON: Final = HOUR
NEARLY: Final = 30 * MINUTE


@dataclass(frozen=True, slots=True)
class Shown:
    """`left` is the share of the time left in percent; `seconds` the time left, which runs only while `is_running`."""

    said: str
    left: float
    tone: str
    when: str
    seconds: int
    is_running: bool
    total: int

    @property
    def is_late(self) -> bool:
        return self.seconds <= 0


def shown(
    playbook: Playbook,
    *,
    within: Duration | None,
    started_at: int,
    due_at: int | None,
    now: int,
    zone: ZoneInfo,
    team: str = "",
    is_paused: bool = False,
) -> Shown | None:
    """The clock of one duty; None where no time is set. Outside the team's business time it stands still, and says
    until when; while a meeting is set it is paused."""
    if due_at is None:
        return None
    when = _when(due_at, now, zone)
    if is_paused:
        return Shown(
            "paused: a meeting is set", 100, "idle", "after the meeting", max(1, due_at - now) // SECOND, False, 1
        )
    if due_at <= now:
        late = now - due_at
        return Shown(f"{words.duration(late)} late", 0, "bad", when, -late // SECOND, True, 1)
    working = playbook.calendar.of(team).working_time()
    is_business = within is not None and within.is_business
    left = working.between(now, due_at) if is_business else due_at - now
    total = max(1, working.between(started_at, due_at) if is_business else due_at - started_at)
    share = min(100.0, 100 * left / total)
    if is_business and not working.is_open(now):
        # Nothing runs out at night: the clock says when it goes on.
        return Shown(
            _opens(working, now, zone),
            share,
            "idle",
            when,
            left // SECOND,
            False,
            total // SECOND,
        )
    tone = "bad" if left < NEARLY else "warn" if left < SOON else ""
    return Shown(f"{words.duration(left)} left", share, tone, when, left // SECOND, True, total // SECOND)


def _opens(working: WorkingTime, now: int, zone: ZoneInfo) -> str:
    try:
        return f"opens {_when(working.opening(now), now, zone)}"
    except NeverOpen:
        return "never opens"


def _when(at: int, now: int, zone: ZoneInfo) -> str:
    time = words.clock_time(at, zone)
    ahead = (words.local(at, zone).date() - words.local(now, zone).date()).days
    if ahead == 0:
        return time
    if 0 < ahead < 7:
        return f"tomorrow, {time}" if ahead == 1 else f"{words.local(at, zone):%a} {time}"
    return f"{day_in_sentence(at, now, zone)}, {time}"
