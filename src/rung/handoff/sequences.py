"""Sequences of the playbook with people: touches as tasks on a desk, ticked off as they are made, until they answer."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import uuid_utils.compat
from django.db import transaction

from rung.access.actions import Refused, audited, require
from rung.access.models import User
from rung.handoff.models import SequenceRun, Task
from rung.jobs import locks
from rung.lifecycle.rules import Happened
from rung.people.models import Person
from rung.playbook import definitions
from rung.playbook.definitions import Playbook
from rung.terms.business_time import NeverOpen, WorkingTime
from rung.terms.durations import Duration

MOST_AT_ONCE: Final = 200
_TASKS: Final = {"mail": "mail", "call": "call", "social": "social", "letter": "letter", "task": "other"}
_MADE: Final = {
    "call_made": "call",
    "email_written": "mail",
    "social_touched": "social",
    "direct_mail_sent": "letter",
    "meeting_held": "meeting",
    "meeting_missed": "meeting",
}
"""Touch → the kind of task that it does."""
_ENDS: Final = {
    "email_replied": "They replied",
    "call_answered": "They were spoken with",
    "call_received": "They called",
    "contacted": "They were spoken with",
    "meeting_booked": "A meeting is set",
    "meeting_held": "They met us",
    "handoff_rejected": "Sales rejected them",
    "handoff_returned": "It was returned",
    "deal_won": "They bought",
    "unsubscribed": "They unsubscribed",
}
"""What ends a sequence, and how that is said."""


class CannotStart(Refused):
    """The sequence cannot go on with them; the text says why."""


def start(*, people: Sequence[Person], name: str, by: User, at: int, playbook: Playbook) -> int:
    """Starts a sequence with each who is in none; its touches come onto the caller's desk. Returns with how many."""
    require(by, "log touches")
    sequence = next((each for each in playbook.sequences if each.name == name), None)
    if sequence is None:
        known = ", ".join(each.name for each in playbook.sequences) or "there is none"
        raise CannotStart(f"“{name[:80]}” is no sequence of the playbook in force: {known}. Nothing was started.")
    if not people:
        raise CannotStart("Nobody is selected.")
    if len(people) > MOST_AT_ONCE:
        raise CannotStart(f"At most {MOST_AT_ONCE} people at once: nobody makes more touches than that.")
    with transaction.atomic():
        locks.hold()
        busy = set(_running([person.pk for person in people]).values_list("person_id", flat=True))
        fresh = [person for person in people if person.pk not in busy]
        for person in fresh:
            _begin(person.pk, by, sequence, at=at, playbook=playbook)
            audited(by=by, verb="started sequence", object=f"person {person.pk}", data={"sequence": name}, at=at)
    if not fresh:
        raise CannotStart("A sequence goes on with them already. Nothing was started.")
    return len(fresh)


def stop(*, person: Person, by: User, at: int) -> str:
    """Ends the sequence by hand; what was not done yet goes from the desk. Returns its name."""
    require(by, "log touches")
    with transaction.atomic():
        locks.hold()
        run = _running([person.pk]).first()
        if run is None:
            raise CannotStart("No sequence goes on with them. Nothing was changed.")
        end([person.pk], because=f"{by} stopped it", at=at)
        audited(by=by, verb="stopped sequence", object=f"person {person.pk}", data={"sequence": run.sequence}, at=at)
    return run.sequence


def begin_by_itself(person_id: int, owner: User | None, *, at: int, playbook: Playbook) -> None:
    """What the playbook starts when sales accepts somebody, in the caller's transaction."""
    sequence = next((each for each in playbook.sequences if each.starts == "accepted"), None)
    if sequence is not None and owner is not None and not _running([person_id]).exists():
        _begin(person_id, owner, sequence, at=at, playbook=playbook)


def note(event: Happened) -> None:
    """A touch does the task that asked for it; an answer of theirs ends the sequence."""
    kind = _MADE.get(event.kind)
    if kind is not None and not event.data.get("called_off"):
        planned = Task.objects.filter(person_id=event.person_id, kind=kind, done_at=None)
        # Only what a sequence or a meeting planned: a task of one's own says more than its kind.
        due = planned.filter(run__isnull=False) if kind != "meeting" else planned
        first = due.order_by("due_at", "pk").first()
        if first is not None:
            Task.objects.filter(pk=first.pk).update(done_at=event.at)
    is_machine = event.data.get("machine") is True or event.data.get("outcome") == "out_of_office"
    if event.kind in _ENDS and event.person_id is not None and not is_machine:
        end([event.person_id], because=_ENDS[event.kind], at=event.at)


def end(person_ids: Sequence[int], *, because: str, at: int) -> None:
    """Ends what goes on with these people; what was not done goes from the desk."""
    running = list(_running(person_ids).values_list("pk", flat=True))
    if running:
        Task.objects.filter(run__in=running, done_at=None).delete()
        SequenceRun.objects.filter(pk__in=running).update(ended_at=at, because=because[:200])


def kept(person_id: int) -> dict[str, Any]:
    """What goes on with somebody, with the touches that are left: as `restore` takes it; {} where nothing does."""
    run = _running([person_id]).first()
    if run is None:
        return {}
    left = Task.objects.filter(run=run, done_at=None).values("uuid", "owner_id", "kind", "what", "due_at", "created_at")
    return {"run": run.pk, "tasks": [{**task, "uuid": str(task["uuid"])} for task in left.order_by("due_at", "pk")]}


def restore(kept_: Mapping[str, Any]) -> None:
    """Lets a sequence go on that was ended by mistake, with the touches that were left, in the caller's transaction."""
    run = SequenceRun.objects.filter(pk=kept_.get("run"), ended_at__isnull=False).first()
    if run is None or _running([run.person_id]).exists():
        return
    SequenceRun.objects.filter(pk=run.pk).update(ended_at=None, because="")
    Task.objects.bulk_create([Task(run=run, person_id=run.person_id, **task) for task in kept_["tasks"]])


def become_one(merged_id: int, living_id: int, *, at: int) -> None:
    """Two records are one person: one sequence goes on, the living one's where both have one."""
    if _running([living_id]).exists():
        end([merged_id], because="Two records became one", at=at)
    SequenceRun.objects.filter(person_id=merged_id).update(person_id=living_id)
    Task.objects.filter(person_id=merged_id, done_at=None).update(person_id=living_id)


def of(person: Person) -> tuple[SequenceRun, int] | None:
    """What goes on with somebody, and how many touches are left: one query each."""
    run = _running([person.pk]).first()
    return (run, Task.objects.filter(run=run, done_at=None).count()) if run is not None else None


def _running(person_ids: Sequence[int]) -> Any:
    return SequenceRun.objects.filter(person_id__in=list(person_ids), ended_at__isnull=True)


def _begin(person_id: int, owner: User, sequence: definitions.Sequence, *, at: int, playbook: Playbook) -> None:
    run = SequenceRun.objects.create(person_id=person_id, owner=owner, sequence=sequence.name, started_at=at)
    working = playbook.calendar.of(owner.team.name if owner.team else "").working_time()
    due_at, tasks = at, []
    for step in sequence.steps:
        if step.kind == "wait":
            assert step.wait is not None
            due_at = _later(working, due_at, step.wait)
            continue
        due_at = _later(working, due_at, None)
        tasks.append(
            Task(
                uuid=uuid_utils.compat.uuid7(),
                person_id=person_id,
                owner=owner,
                kind=_TASKS[step.kind],
                what=step.what,
                due_at=due_at,
                run=run,
                created_at=at,
            )
        )
    Task.objects.bulk_create(tasks)


def _later(working: WorkingTime, at: int, wait: Duration | None) -> int:
    """After the wait, in working time; at once where the calendar is never open."""
    try:
        return working.opening(at) if wait is None else working.add(at, wait)
    except NeverOpen:
        return at
