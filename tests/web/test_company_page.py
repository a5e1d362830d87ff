"""The page of a company: what its people did there, also where the event itself names no company."""

import pytest
from django.test import Client

from rung.jobs.clock import now
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.people.rules import Keys
from web.conftest import World
from web.reading import words_of

pytestmark = pytest.mark.django_db


def test_what_its_people_did_lately_is_on_the_page_since_they_are_there(sam: Client, world: World) -> None:
    ana = Person.objects.select_related("company").get(name="Ana Lima")
    keys, at = Keys(email=ana.email), now()
    read = NewEvent("page_viewed", keys=keys, data={"title": "Berth planning"}, source="key:site", message_id="1")
    actions.record([read], by="test", at=at)
    assert "Ana Lima read Berth planning" in words_of(sam.get(f"/companies/{ana.company.uuid}"))
    moved = NewEvent("person_described", keys=keys, company="lido.example", source="key:crm", message_id="2")
    actions.record([moved], by="test", at=at + 1)
    later = NewEvent("page_viewed", keys=keys, data={"title": "Beach chairs"}, source="key:site", message_id="3")
    actions.record([later], by="test", at=at + 2)
    ana.refresh_from_db()
    told = words_of(sam.get(f"/companies/{ana.company.uuid}"))
    assert "Read Beach chairs" in told
    assert "Read Berth planning" not in told
