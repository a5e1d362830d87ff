"""What the worker does about clocks: warns, notes what is late, keeps up with the playbook, deals out the rest."""

from typing import Final

from django.db import transaction

from rung.handoff import dealing, pausing, reckoning
from rung.handoff.models import Assignment, Clock, Pause, Reckoning
from rung.jobs import locks
from rung.lifecycle import actions
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.deciding.line import Line, NoPlaybook
from rung.lifecycle.models import Handoff
from rung.lifecycle.rules import NewEvent

SOURCE: Final = "clock"
_AT_A_TIME: Final = 100
_MOST_BATCHES: Final = 50
_DEALT_AT_A_TIME: Final = 2_000


def tick(at: int) -> None:
    """One turn: what should run is on a desk, by the times in force, and whatever is due has been said."""
    try:
        line = lines.current()
    except NoPlaybook:
        return
    deal_out(at=at)
    keep_up(line)
    end_long_pauses(line, at=at)
    for _ in range(_MOST_BATCHES):
        if tell_due(at=at) < _AT_A_TIME:
            return


def deal_out(*, at: int) -> int:
    """Puts open hand-offs on desks that never lay on one (a history that was loaded), and tries again with those
    for whom nobody was free. Returns how many were tried."""
    tried = last = 0
    while handoffs := _lying_about(after=last):
        last, tried = handoffs[-1].pk, tried + len(handoffs)
        with transaction.atomic():
            locks.hold()
            dealing.deal(handoffs, lines.current(), at=at)
    line = lines.current()
    waiting = Assignment.objects.filter(queue="nobody", ended_at__isnull=True).select_related("handoff")
    nobody = list(waiting.order_by("handoff_id")[:_DEALT_AT_A_TIME])
    if nobody and any(each.has_room and not each.is_away for each in dealing.candidates(line, at=at)):
        with transaction.atomic():
            locks.hold()
            dealing.find_somebody(nobody, line, at=at)
    return tried + len(nobody)


def _lying_about(*, after: int) -> list[Handoff]:
    """Open hand-offs that never lay on a desk."""
    rows = Handoff.objects.filter(answered_at=None, withdrawn_at=None, assignment__isnull=True, pk__gt=after)
    return list(rows.order_by("pk")[:_DEALT_AT_A_TIME])


def tell_due(*, at: int) -> int:
    """Notes up to a batch of clocks whose time to warn or to be late has come, each once; returns how many.

    The event's message id is the clock's: a second one is a duplicate, whatever crashed in between.
    """
    with transaction.atomic():
        locks.hold()
        running = Clock.objects.filter(stopped_at__isnull=True, paused_at__isnull=True, person__is_merged=False)
        warned = list(running.filter(warned_at__isnull=True, warn_at__lte=at).order_by("warn_at")[:_AT_A_TIME])
        late = list(running.filter(breached_at__isnull=True, due_at__lte=at).order_by("due_at")[:_AT_A_TIME])
        told = [_event(clock, "sla_warned") for clock in warned] + [_event(clock, "sla_breached") for clock in late]
        if told:
            actions.record(told, by="system", at=at)
            Clock.objects.filter(pk__in=[clock.pk for clock in warned]).update(warned_at=at)
            Clock.objects.filter(pk__in=[clock.pk for clock in late]).update(breached_at=at)
    return max(len(warned), len(late))


def _event(clock: Clock, kind: str) -> NewEvent:
    data: dict[str, object] = {"duty": clock.kind}
    if clock.assignment_id is not None:
        data |= {"handoff": clock.assignment_id, "lane": clock.lane}
    return NewEvent(
        kind=kind,
        person=clock.person_id,
        data=data,
        source=SOURCE,
        message_id=f"{kind}:{clock.pk}",
        door="system",
    )


def keep_up(line: Line) -> int:
    """Computes the running clocks anew when they were computed by another playbook; returns how many."""
    if Reckoning.objects.filter(line=line.name, version=line.version).exists():
        return 0
    with transaction.atomic():
        locks.hold()
        _keep_pauses(line)
        done = reckoning.again(line.playbook)
        Reckoning.objects.update_or_create(line=line.name, defaults={"version": line.version})
    return done


def _keep_pauses(line: Line) -> None:
    """A playbook that pauses for no meeting lets every clock run on."""
    if "meeting set" not in line.playbook.handoff.pause:
        Pause.objects.filter(clock__stopped_at__isnull=True).delete()
        Clock.objects.filter(paused_at__isnull=False, stopped_at__isnull=True).update(paused_at=None)


def end_long_pauses(line: Line, *, at: int) -> int:
    """Lets clocks run on whose meeting is over by now and nobody said how it went; returns how many."""
    if not Pause.objects.filter(until_at__isnull=True, latest_at__lte=at).exists():
        return 0
    with transaction.atomic():
        locks.hold()
        over = list(Pause.objects.filter(until_at__isnull=True, latest_at__lte=at).select_related("clock"))
        for pause in over:
            pausing.end([pause], at=pause.latest_at)
        reckoning.again(line.playbook, ids=[pause.clock_id for pause in over])
    return len(over)
