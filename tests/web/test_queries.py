"""Every page asks the database at most twelve questions, and no more of them when there is more to show."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rung.insight import jobs
from rung.jobs.clock import now
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people.models import Company, Person
from rung.people.rules import Keys
from rung.terms.instants import MINUTE
from web.conftest import World, visits

pytestmark = pytest.mark.django_db

MOST = 12
PAGES: dict[str, Callable[[], str]] = {
    "people": lambda: "/people",
    "people filtered": lambda: '/people?sort=score&where=score >= 1 and times("Pricing page") >= 1',
    "people searched": lambda: "/people?q=a",
    "person": lambda: f"/people/{Person.objects.get(name='Ana Lima').uuid}",
    "companies": lambda: "/companies",
    "company": lambda: f"/companies/{Company.objects.get(key='acme.example').uuid}",
    "ladder": lambda: "/ladder",
}


def queries_of(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(path).status_code == 200, path
    return len(asked)


@pytest.fixture
def crowd(world: World) -> Iterator[Callable[[], Any]]:
    """Adds thirty colleagues of Ana's who visit, and ten events of hers, two of them by somebody of ours."""

    def added() -> None:
        at = now()
        events = []
        for number in range(30):
            keys = Keys(email=f"colleague{number}@acme.example")
            told = {"name": f"Colleague {number}", "email": f"colleague{number}@acme.example"}
            events.append(
                NewEvent("person_described", keys=keys, data=told, company="acme.example", at=at, door="import")
            )
            events += visits(keys, "acme.example", at, times=2)
        ana = Keys(email="ana@acme.example")
        events += visits(ana, "acme.example", at, times=8)
        for user in ("sales", "manager"):
            called = NewEvent("contacted", keys=ana, data={}, at=at, by=world.users[user].email, door="import")
            events.append(called)
        told = actions.record(events, by="test", at=at + MINUTE)
        assert not told.refused, told.refused

    yield added


def test_pages_ask_at_most_twelve_times_and_not_more_for_more_rows(
    sam: Client, world: World, crowd: Callable[[], None]
) -> None:
    jobs.refresh(now())
    few = {name: queries_of(sam, path()) for name, path in PAGES.items()}
    crowd()
    many = {name: queries_of(sam, path()) for name, path in PAGES.items()}
    assert {name: count for name, count in many.items() if count > MOST} == {}
    # One more at most: names are asked for where somebody of ours acted.
    assert all(many[name] <= few[name] + 1 for name in PAGES), (few, many)
