"""A history that is imported may void answers: the desk goes along, as it does today.

Nothing else of a past takes anything off a desk (decision 16), but what was answered by an answer that never was waits
again. People are not made one by an import: its lines name them by their keys, and a merge wants an id of ours.
"""

from collections.abc import Callable

import pytest

from handoff.conftest import AT
from rung.access.models import User
from rung.handoff import actions
from rung.handoff.models import AnswerGiven, Assignment, Clock
from rung.lifecycle import undoing
from rung.lifecycle.many import bulk
from rung.lifecycle.many.bulk import Loaded
from rung.lifecycle.models import Handoff, Import, Standing
from rung.lifecycle.rules import NewEvent
from rung.people.rules import Keys
from rung.terms.instants import HOUR, MINUTE

pytestmark = pytest.mark.django_db


def imported(kind: str, *, email: str = "", number: int = 1, at: int, **data: object) -> Loaded:
    told = NewEvent(kind, keys=Keys(email=email), data=data, at=at, source=f"import:{number}", door="import")
    return bulk.load([told], by="rung", at=AT + HOUR)


def desks() -> list[tuple[str, str, list[str]]]:
    """Of each hand-off: its queue, its answer, and what its running clocks are of."""
    return [
        (
            row.assignment.queue,
            row.answer,
            list(Clock.objects.filter(assignment_id=row.pk, stopped_at=None).values_list("kind", flat=True)),
        )
        for row in Handoff.objects.select_related("assignment").order_by("pk")
    ]


@pytest.mark.parametrize(("answer", "owed"), [("accept", ["touch"]), ("reject", [])])
def test_an_answer_that_an_import_voids_puts_it_back_on_the_desk_as_it_was(
    hand_over: Callable[..., Assignment], team: dict[str, User], answer: str, owed: list[str]
) -> None:
    desk = hand_over()
    sam = desk.owner
    assert sam is not None
    if answer == "accept":
        actions.accept(handoff_id=desk.pk, by=sam, at=AT + MINUTE)
    else:
        actions.reject(handoff_id=desk.pk, reason="No budget", by=sam, at=AT + MINUTE)
    assert desks() == [("done", f"{answer}ed", owed)]
    told = imported("event_voided", at=AT + 2 * MINUTE, event=AnswerGiven.objects.get().message_id)
    assert (told.accepted, told.refused) == (1, [])
    assert Standing.objects.get(person=desk.person).stage == "mql"
    assert desks() == [("sales", "", ["answer"])]
    assert Assignment.objects.get().owner == sam
    actions.accept(handoff_id=desk.pk, by=sam, at=AT + 2 * HOUR)
    assert desks() == [("done", "accepted", ["touch"])]


def test_a_merge_in_an_imported_history_is_refused_and_leaves_both_desks(
    hand_over: Callable[..., Assignment], team: dict[str, User]
) -> None:
    hand_over("ana")
    bo = hand_over("bo", at=AT + MINUTE)
    told = imported("persons_merged", email="ana@acme.example", at=AT - HOUR, merged=str(bo.person.uuid))
    assert [refusal.reason for refusal in told.refused] == ["Say into whom: a merge needs the person who lives on."]
    assert desks() == [("sales", "", ["answer"]), ("sales", "", ["answer"])]


def test_an_import_that_voided_an_answer_and_is_undone_leaves_it_answered(
    hand_over: Callable[..., Assignment], team: dict[str, User]
) -> None:
    desk = hand_over()
    assert desk.owner is not None
    actions.accept(handoff_id=desk.pk, by=desk.owner, at=AT + MINUTE)
    found = Import.objects.create(name="x", kind="events", created_at=AT + HOUR, created_by="rung")
    imported("event_voided", number=found.pk, at=AT + 2 * MINUTE, event=AnswerGiven.objects.get().message_id)
    assert desks() == [("sales", "", ["answer"])]
    undoing.undo_import(number=found.pk, by="rung", at=AT + 2 * HOUR)
    assert Standing.objects.get(person=desk.person).stage == "sal"
    assert desks() == [("done", "accepted", ["touch"])]
