"""What was told by name counts until a new lap begins, and lists can ask for it."""

import pytest

from house.test_live_is_replay import AT, PLAYBOOK
from rung.lifecycle import actions, queries
from rung.lifecycle.deciding.line import current
from rung.lifecycle.models import Standing
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.publishing import rebuilding
from rung.lifecycle.queries import Asked
from rung.lifecycle.rules import NewEvent
from rung.people.rules import Keys
from rung.playbook.conditions import Scope, parse
from rung.terms.instants import DAY, HOUR

pytestmark = pytest.mark.django_db


def test_a_friction_is_listed_until_the_next_lap_begins_and_again_when_it_is_told_again() -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    told("friction_found", AT, friction="No budget")
    assert listed('friction("No budget")', AT + HOUR) == ["ana"]
    assert listed('friction("Not urgent") or answered("No budget")', AT + HOUR) == []
    told("deal_won", AT + DAY)
    assert listed('friction("No budget") and stage == "customer"', AT + DAY) == ["ana"], "coming to rest keeps it"
    for hours in range(4):
        told("page_viewed", AT + 22 * DAY + hours * HOUR)
    told("question_answered", AT + 23 * DAY, question="pain", answer="Ships late")
    assert Standing.objects.get().lap == 2
    assert listed('friction("No budget")', AT + 23 * DAY) == []
    assert listed('answered("pain")', AT + 23 * DAY) == ["ana"]
    told("friction_found", AT + 24 * DAY, friction="No budget")
    assert listed('friction("No budget") and answered("pain")', AT + 24 * DAY) == ["ana"]
    assert rebuilding.rebuild(check=True, at=AT + 24 * DAY).differences == ()


def test_a_name_beyond_what_is_told_apart_is_asked_by_its_beginning() -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    name = "x" * 300
    told("checklist_ticked", AT, line=name)
    assert listed(f'ticked("{name}")', AT + HOUR) == ["ana"]


def told(kind: str, at: int, **data: object) -> None:
    event = NewEvent(kind=kind, keys=Keys(email="ana@acme.example"), data=data, at=at, door="system")
    actions.record([event], by="system", at=at)


def listed(text: str, at: int) -> list[str]:
    asked = Asked(where=parse(text, Scope("filter")))
    rows = queries.people_page(asked, generation_id=current().generation_id, at=at).rows
    return [row.email.partition("@")[0] for row in rows]
