"""A past that was corrected lets go of the hand-off it no longer has: the row, the desk, the clock and the timeline."""

from typing import Any

import pytest

from handoff.conftest import AT
from rung.handoff.models import Assignment, Clock
from rung.history.models import Event
from rung.lifecycle import actions
from rung.lifecycle.models import Handoff
from rung.lifecycle.rules import NewEvent
from rung.people.rules import Keys
from rung.terms.instants import DAY, HOUR

pytestmark = pytest.mark.django_db


def test_whoever_asked_for_nothing_lies_on_nobodys_desk(playbook: None, team: dict[str, Any]) -> None:
    keys = Keys(email="ana@acme.example")
    told = {"title": "Head of IT", "source": "google"}
    asked = NewEvent("demo_requested", keys=keys, message_id="asked")
    actions.record([NewEvent("person_described", keys=keys, data=told), asked], by="test", at=AT)
    assert Clock.objects.get().stopped_at is None
    actions.void(message_id="asked", by="test", at=AT + HOUR)
    assert Handoff.objects.get().withdrawn_at is not None
    assert Assignment.objects.get().queue == "done"
    assert Clock.objects.get().stopped_at is not None
    kinds = Event.objects.filter(kind__startswith="handoff_").order_by("seq").values_list("kind", flat=True)
    assert list(kinds) == ["handoff_opened", "handoff_withdrawn"]
    actions.look_again(at=AT + 2 * DAY)
    assert not Event.objects.filter(kind__in=("sla_warned", "sla_breached")).exists()
