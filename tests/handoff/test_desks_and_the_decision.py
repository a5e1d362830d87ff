"""A desk may hold what the decision does not know any more: it ends all the same, and never hides what opens next.

An import says how the past was, and a playbook how it is meant; neither takes anything off a desk (decision 16). So a
row of a hand-off may be open of which the decision knows nothing.
"""

from collections.abc import Callable

import pytest

from handoff.conftest import AT, PLAYBOOK, record
from rung.access.models import User
from rung.handoff import actions
from rung.handoff.models import Assignment, Clock
from rung.lifecycle import actions as lifecycle
from rung.lifecycle.many import bulk
from rung.lifecycle.models import Handoff
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.rules import NewEvent
from rung.people.rules import Keys
from rung.terms.instants import DAY, HOUR, MINUTE

pytestmark = pytest.mark.django_db

NOON = "2026-12-21T13:30:00+01:00"
ASKED_AGAIN = AT + 5 * HOUR


def imported(kind: str, *, at: int, **data: object) -> None:
    """An import tells of ana's past."""
    told = NewEvent(kind, keys=Keys(email="ana@acme.example"), data=data, at=at, source="import:1", door="import")
    assert bulk.load([told], by="rung", at=AT + HOUR).accepted == 1


def desks() -> list[tuple[str, str, bool, bool]]:
    """Each hand-off: its answer, its queue, whether the row is open and whether a clock of its answer runs."""
    running = set(Clock.objects.filter(kind="answer", stopped_at=None).values_list("assignment_id", flat=True))
    return [
        (row.answer, row.assignment.queue, row.answered_at is None and row.withdrawn_at is None, row.pk in running)
        for row in Handoff.objects.select_related("assignment").order_by("pk")
    ]


@pytest.mark.parametrize("answer", ["accept", "reject"])
def test_what_an_import_had_answered_already_ends_by_its_answer_and_the_next_one_is_dealt(
    hand_over: Callable[..., Assignment], team: dict[str, User], answer: str
) -> None:
    desk = hand_over()
    imported("handoff_accepted", at=AT + 10 * MINUTE)
    assert desks() == [("", "sales", True, True)], "an import takes nothing off a desk"
    sam = desk.owner
    assert sam is not None
    if answer == "accept":
        actions.accept(handoff_id=desk.pk, by=sam, at=AT + 2 * HOUR)
    else:
        actions.reject(handoff_id=desk.pk, reason="No budget", by=sam, at=AT + 2 * HOUR)
    said = f"{answer}ed"
    assert desks() == [(said, "done", False, False)]
    assert Handoff.objects.get().answered_by == sam.email
    record("stage_overridden", at=AT + 3 * HOUR, to="lead", because="not yet", until=NOON)
    record("demo_requested", at=ASKED_AGAIN)
    assert desks() == [(said, "done", False, False), ("", "sales", True, True)]


def test_what_a_stricter_playbook_would_not_have_handed_over_ends_by_its_rejection(
    hand_over: Callable[..., Assignment], team: dict[str, User]
) -> None:
    desk = hand_over()
    publishing.publish(PLAYBOOK.replace("score >= 40", "score >= 70"), by="cli", at=AT + HOUR)
    assert desks() == [("", "sales", True, True)], "a playbook takes nothing off a desk"
    assert desk.owner is not None
    actions.reject(handoff_id=desk.pk, reason="No budget", by=desk.owner, at=AT + 2 * HOUR)
    row = Handoff.objects.get()
    assert (row.answer, row.reason, row.answered_at) == ("rejected", "No budget", AT + 2 * HOUR)
    record("demo_requested", at=ASKED_AGAIN)
    assert desks() == [("rejected", "done", False, False), ("", "sales", True, True)]


def test_whoever_falls_is_off_the_desk_though_an_import_said_that_nothing_was_open(
    hand_over: Callable[..., Assignment],
) -> None:
    hand_over()
    imported("handoff_accepted", at=AT + 10 * MINUTE)
    record("stage_overridden", at=AT + 3 * HOUR, to="lead", because="not yet", until=NOON)
    assert desks() == [("", "done", False, False)]
    assert Handoff.objects.get().withdrawn_at == AT + 3 * HOUR
    record("demo_requested", at=ASKED_AGAIN)
    assert [row[1] for row in desks()] == ["done", "sales"]


def test_whoever_rises_stays_on_the_desk(hand_over: Callable[..., Assignment]) -> None:
    hand_over()
    imported("handoff_accepted", at=AT + 10 * MINUTE)
    record("bant_answered", at=AT + 2 * HOUR, letter="need", confirmed="yes")
    record("call_answered", at=AT + 2 * HOUR)
    assert desks() == [("", "sales", True, True)]


def test_an_acceptance_that_opened_it_and_counts_no_more_leaves_it_on_a_desk_where_an_import_opens_it(
    playbook: None, team: dict[str, User]
) -> None:
    keys = Keys(email="ana@acme.example")
    told = {"title": "Head of IT", "source": "google"}
    accepted = NewEvent("handoff_accepted", keys=keys, message_id="accepted", door="app")
    lifecycle.record([NewEvent("person_described", keys=keys, data=told), accepted], by="sam@ours.example", at=AT)
    assert desks() == [("accepted", "done", False, False)]
    imported("content_downloaded", at=AT - DAY)
    lifecycle.void(message_id="accepted", by="test", at=AT + 2 * HOUR)
    assert desks() == [("", "marketing", True, False)], "nobody knows yet what ana is interested in"
