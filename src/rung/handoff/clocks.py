"""What the worker does about clocks: warns, notes what is late, keeps up with the playbook, deals out the rest."""

from collections.abc import Sequence
from typing import Final

from django.db import connection, transaction
from django.db.models import QuerySet

from rung.handoff import dealing, rules
from rung.handoff.models import Assignment, Clock
from rung.jobs import locks
from rung.lifecycle import actions
from rung.lifecycle import line as lines
from rung.lifecycle.line import Line, NoPlaybook
from rung.lifecycle.models import Handoff
from rung.lifecycle.rules import NewEvent
from rung.terms.business_time import WorkingTime
from rung.terms.durations import Duration

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
        running = Clock.objects.filter(stopped_at__isnull=True, person__is_merged=False)
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
    """Computes the clocks anew that run by another playbook than the one in force; returns how many."""
    if not Clock.objects.filter(stopped_at__isnull=True).exclude(version=line.version).exists():
        return 0
    with transaction.atomic():
        locks.hold()
        return compute_again(line)


def compute_again(line: Line) -> int:
    """Every running clock by the times and the calendar of the line, in the caller's transaction."""
    working, promised = line.playbook.calendar.working_time(), line.playbook.handoff
    done = 0
    running = Clock.objects.filter(stopped_at__isnull=True)
    for kind, lane in list(running.values_list("kind", "lane").distinct().order_by()):
        within = rules.within_of(promised, kind, lane)
        ids, starts = _columns(running.filter(kind=kind, lane=lane))
        dues = _dues(within, promised.escalate_at, working, starts)
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE handoff_clock SET due_at = %s, warn_at = %s, version = %s WHERE id = %s",
                [(due_at, warn_at, line.version, id_) for (due_at, warn_at), id_ in zip(dues, ids, strict=True)],
            )
        done += len(ids)
    return done


def _columns(clocks: QuerySet[Clock]) -> tuple[Sequence[int], Sequence[int]]:
    rows = list(clocks.order_by("started_at").values_list("pk", "started_at"))
    return [row[0] for row in rows], [row[1] for row in rows]


def _dues(
    within: Duration | None, share: float | None, working: WorkingTime, starts: Sequence[int]
) -> Sequence[tuple[int | None, int | None]]:
    from rung.handoff import timetable  # many at once want NumPy, which the web process does without

    return timetable.dues(within, share, working, starts)
