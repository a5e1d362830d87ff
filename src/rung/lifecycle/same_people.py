"""Likely doubles: looked for after somebody was recorded or changed, swept each night, answered by one of ours."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import transaction

from rung.access.actions import By, Refused, audited, name_of, require
from rung.jobs import locks
from rung.jobs.actions import enqueue, enqueue_many
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent, News
from rung.people import doubles
from rung.people.models import Person, Suggestion
from rung.people.rules import NAMING
from rung.terms.instants import HOUR, MINUTE

CHECK: Final = "look for doubles"
SWEEP: Final = "sweep for doubles"
_ONE_BY_ONE: Final = 50
"""More people at once are left to a sweep soon after: a table that is brought in has its doubles compared together."""
_TELLING: Final = NAMING | {"persons_merged", "persons_unmerged"}


class CannotAnswer(Refused):
    """The suggestion cannot be answered so; the text says why."""


def ask(news: News) -> Sequence[NewEvent]:
    """After events: whoever told something of themselves is compared with who is like them, by the worker."""
    people = sorted({event.person_id for event in news.events if event.kind in _TELLING and event.person_id})
    if not people:
        return []
    if len(people) <= _ONE_BY_ONE:
        # Sites tell who somebody is with every page: one look a minute is enough.
        minute = news.at // MINUTE
        work = [(f"doubles:{person_id}:{minute}", {"people": [person_id]}) for person_id in people]
        enqueue_many(kind=CHECK, work=work, at=news.at)
    else:
        ask_sweep(news.at, run_after=news.at + 2 * MINUTE)
    return []


def ask_sweep(at: int, *, run_after: int | None = None) -> None:
    """Has everybody compared, once an hour at most."""
    enqueue(kind=SWEEP, key=f"doubles-sweep:{at // HOUR}", payload={}, at=at, run_after=run_after)


def check(payload: Mapping[str, Any], at: int) -> None:
    """The job: compares the people it names."""
    doubles.check([int(person_id) for person_id in payload["people"]], at=at)


def sweep(payload: Mapping[str, Any], at: int) -> None:
    """The long job: compares everybody."""
    doubles.sweep(at=at)


def merge(*, survivor: Person, merged: Person, by: By, at: int) -> None:
    """Makes two people one, as a suggestion said or as somebody knows. Raises Refused."""
    if survivor.is_anonymous and not merged.is_anonymous:
        raise CannotAnswer("Somebody we know cannot live on as an unknown visitor: keep the one we know.")
    actions.merge(survivor=survivor, merged=merged, by=by, at=at)


def keep_apart(*, suggestion_id: int, by: By, at: int) -> Suggestion:
    """They are not the same person, which is remembered: neither a check nor a sweep brings the pair up again."""
    require(by, "merge people")
    with transaction.atomic():
        locks.hold()
        found = Suggestion.objects.select_related("left", "right").filter(pk=suggestion_id).first()
        if found is None:
            raise CannotAnswer("There is no such suggestion any more. Nothing was changed.")
        if found.answer:
            raise CannotAnswer(f"{found.answered_by} said before that they are two. Nothing was changed.")
        found.answer, found.answered_by, found.answered_at = "different", name_of(by), at
        found.save(update_fields=["answer", "answered_by", "answered_at"])
        data = {"people": [str(found.left.uuid), str(found.right.uuid)]}
        audited(by=by, verb="kept people apart", object=f"person {found.left_id}", data=data, at=at)
    return found
