"""One act on many people: few at once, many by the worker, each person's event through the one door.

What an act wrote is named by its id, so that done twice it is written once, and undoing it voids exactly those events.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from django.db import transaction

from rung.access.actions import Refused, audited, require
from rung.access.models import User
from rung.jobs.actions import enqueue
from rung.lifecycle.actions import record
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.models import BulkAct, Handoff, Standing
from rung.lifecycle.rules import NewEvent
from rung.people.queries import living_ids
from rung.terms.stages import RANK

JOB: Final = "bulk act"
MOST: Final = 10_000
AT_ONCE: Final = 50
"""So few are done while one waits."""
_AT_A_TIME: Final = 200
_SOURCE: Final = "bulk"

VERBS: Final = {"owner": "assign owner", "nurture": "override stage", "disqualified": "override stage"}
"""Act → what the role must be allowed."""


def ask(
    *, kind: str, people: Sequence[int], by: User, at: int, owner: str = "", because: str = "", back: str = ""
) -> BulkAct:
    """Does the act, or has the worker do it where there are many. Raises Refused in words."""
    if kind not in VERBS:
        raise Refused("There is no such act.")
    require(by, VERBS[kind])
    if not people:
        raise Refused("Nobody is selected.")
    if len(people) > MOST:
        raise Refused(f"These are more than {MOST:,} people: narrow the list down first.")
    data = {"back": back, **_said(kind, owner.strip(), because.strip())}
    with transaction.atomic():
        act = BulkAct.objects.create(
            uuid=uuid.uuid4(), kind=kind, data=data, people=list(dict.fromkeys(people)), asked_by=by, asked_at=at
        )
        told = {"people": len(act.people), **data}
        audited(by=by, verb=f"acted on many: {kind}", object=f"bulk act {act.uuid}", data=told, at=at)
        _carry_on(act, at=at, way="on")
    return act


def undo(*, act: BulkAct, by: User, at: int) -> None:
    """Voids every event of the act, so that everybody stands as if it had never been. Raises Refused."""
    require(by, VERBS[act.kind])
    with transaction.atomic():
        act = BulkAct.objects.select_for_update().get(pk=act.pk)
        if act.undone_at is not None:
            raise Refused("This was undone before.")
        if is_running(act):
            raise Refused("This is still being done: wait until it is, then undo it.")
        act.undone_at, act.undone_by = at, by
        act.save(update_fields=["undone_at", "undone_by"])
        audited(by=by, verb="undid act on many", object=f"bulk act {act.uuid}", data={"people": act.done}, at=at)
        _carry_on(act, at=at, way="back")


def carry_on(payload: Mapping[str, object], at: int) -> None:
    """The worker's part: a chunk of people in a transaction, from wherever it stopped."""
    while True:
        with transaction.atomic():
            act = BulkAct.objects.select_for_update().get(pk=payload["act"])
            if not is_running(act):
                return
            _step(act, at=at)


def is_running(act: BulkAct) -> bool:
    """Whether people are left to be done, or to be undone."""
    return act.done < len(act.people) if act.undone_at is None else act.done > 0


def _said(kind: str, owner: str, because: str) -> dict[str, str]:
    if kind == "owner":
        if owner and not User.objects.filter(email=owner, is_active=True).exists():
            raise Refused(f"Nobody of ours is called {owner[:100]}.")
        return {"owner": owner}
    if not because:
        raise Refused("Say why: the reason is shown with the rung.")
    return {"because": because[:1_000]}


def _carry_on(act: BulkAct, *, at: int, way: str) -> None:
    if len(act.people) <= AT_ONCE:
        while is_running(act):
            _step(act, at=at)
    else:
        enqueue(kind=JOB, key=f"{JOB} {act.uuid} {way}", payload={"act": act.pk}, at=at)


def _step(act: BulkAct, *, at: int) -> None:
    if act.undone_at is None:
        part = act.people[act.done : act.done + _AT_A_TIME]
        living = living_ids(part)
        down = _down(act.kind, set(living.values()))
        events = [_event(act, person_id, living[person_id], down) for person_id in part]
        told = record(events, by=act.asked_by, at=at)
        act.refused += len(told.refused)
        act.done += len(part)
    else:
        part = act.people[max(0, act.done - _AT_A_TIME) : act.done]
        voids = [
            NewEvent("event_voided", data={"event": _message_id(act, id_)}, source=_SOURCE, door="system",
                     message_id=f"{_message_id(act, id_)}:undone")
            for id_ in part
        ]  # fmt: skip
        record(voids, by=act.undone_by or act.asked_by, at=at)
        act.done -= len(part)
    act.save(update_fields=["done", "refused"])


def _down(kind: str, people: Collection[int]) -> dict[int, str]:
    """Who comes down to which rung: in nurture nobody stands above `lead` (as by a setback), customers apart; and what
    waits for sales is withdrawn from whoever is disqualified, which only leaving its rung does."""
    if kind not in ("nurture", "disqualified"):
        return {}
    line = lines.current()
    low = "lead" if "lead" in line.playbook.rungs else "suspect"
    above = [stage for stage in line.playbook.rungs if RANK[low] < RANK[stage] < RANK["customer"]]
    rows = Standing.objects.filter(generation_id=line.generation_id, person_id__in=people, stage__in=above)
    if kind == "disqualified":
        waiting = Handoff.objects.filter(person_id__in=people, answered_at=None, withdrawn_at=None)
        rows = rows.filter(person_id__in=waiting.values("person_id"))
    return dict.fromkeys(rows.values_list("person_id", flat=True), low)


def _event(act: BulkAct, person_id: int, living_id: int, down: Mapping[int, str]) -> NewEvent:
    named = {"person": living_id, "source": _SOURCE, "message_id": _message_id(act, person_id)}
    if act.kind == "owner":
        return NewEvent("person_described", data={"owner": act.data["owner"] or None}, **named)
    to = {"to": down[living_id]} if living_id in down else {}
    return NewEvent("stage_overridden", data={"status": act.kind, "because": act.data["because"], **to}, **named)


def _message_id(act: BulkAct, person_id: int) -> str:
    return f"{act.uuid}:{person_id}"
