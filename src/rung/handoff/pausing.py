"""Clocks that stand still while a meeting is set: from its booking until it was held or missed, or its day is over."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rung.handoff import reckoning
from rung.handoff.models import Clock, Pause
from rung.history.queries import counted
from rung.lifecycle.rules import Happened
from rung.playbook.definitions import Playbook
from rung.terms.instants import DAY, BadInstant, parse_instant

LONGEST: Final = 14 * DAY
"""How long a clock stands still for a meeting of which nobody says when it is."""
AFTER: Final = DAY
"""How long after a meeting somebody may take to say how it went."""
_KINDS: Final = ("touch", "reply")
_OVER: Final = ("meeting_held", "meeting_missed")
MEETINGS: Final = ("meeting_booked", *_OVER)


def note(event: Happened, playbook: Playbook) -> None:
    """A meeting was booked, held or missed: the person's clocks stop, or run on."""
    if "meeting set" not in playbook.handoff.pause:
        return
    running = Clock.objects.filter(person_id=event.person_id, kind__in=_KINDS, stopped_at__isnull=True)
    if event.kind == "meeting_booked":
        _begin(running, event.data, at=event.at)
        return
    pauses = list(Pause.objects.filter(clock__in=running, until_at__isnull=True).select_related("clock"))
    end(pauses, at=event.at)
    reckoning.again(playbook, ids=[pause.clock_id for pause in pauses])


def begin_if_set(clocks: Iterable[Clock], playbook: Playbook) -> None:
    """A clock that starts while a meeting is set stands still from its first moment."""
    for clock in clocks if "meeting set" in playbook.handoff.pause else ():
        events = counted().filter(person_id=clock.person_id, kind__in=MEETINGS, at__lte=clock.started_at)
        last = events.order_by("-at", "-seq").first()
        if last is not None and last.kind == "meeting_booked" and _latest(last.data, last.at) > clock.started_at:
            _begin([clock], last.data, at=clock.started_at, booked_at=last.at)


def end(pauses: Iterable[Pause], *, at: int) -> None:
    """These are over; their clocks have to be computed anew."""
    for pause in pauses:
        pause.until_at = max(at, pause.from_at)
        pause.save(update_fields=["until_at"])
        Clock.objects.filter(pk=pause.clock_id).update(paused_at=None)


def _begin(clocks: Iterable[Clock], data: Mapping[str, Any], *, at: int, booked_at: int | None = None) -> None:
    latest_at = _latest(data, at if booked_at is None else booked_at)
    for clock in clocks:
        from_at = max(at, clock.started_at)
        running = Pause.objects.filter(clock=clock, until_at__isnull=True)
        # Another meeting was set while one was: the later of the two ends the pause.
        if not running.update(latest_at=latest_at):
            Pause.objects.update_or_create(
                clock=clock, from_at=from_at, defaults={"until_at": None, "latest_at": latest_at}
            )
            Clock.objects.filter(pk=clock.pk).update(paused_at=from_at)


def _latest(data: Mapping[str, Any], booked_at: int) -> int:
    meeting_at = data.get("meeting_at")
    try:
        return max(booked_at, parse_instant(meeting_at) + AFTER) if isinstance(meeting_at, str) else booked_at + LONGEST
    except BadInstant:
        return booked_at + LONGEST
