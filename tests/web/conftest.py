"""The world of the page tests: a playbook, five users, and people recorded through the one door."""

from dataclasses import dataclass
from typing import Final

import pytest
from django.core.cache import cache
from django.test import Client

from rung.access.actions import add_user
from rung.access.models import User
from rung.access.rules import ROLES
from rung.jobs.clock import now
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people.rules import Keys
from rung.terms.instants import DAY, HOUR

PASSWORD: Final = "a quiet harbour at noon"
NAMES: Final = {
    "sales": "Sam Lee",
    "manager": "Kim Tanaka",
    "marketing": "Rui Santos",
    "revops": "Ren Castellanos",
    "admin": "Ada Berg",
}
PEOPLE: Final = (
    ("Ana Lima", "ana", "Head of IT", "acme.example"),
    ("Bo Virtanen", "bo", "Data engineer", "acme.example"),
    ("Chiara Fontana", "chiara", "CFO", "lido.example"),
    ("Diego Fuentes", "diego", "Head of data", "minera.example"),
    ("Elif Yıldız", "elif", "Planner", "marmara.example"),
)


@dataclass(frozen=True)
class World:
    """Who signs in, and when it is."""

    users: dict[str, User]
    at: int


@pytest.fixture(autouse=True)
def _nobody_tried_before() -> None:
    cache.clear()


@pytest.fixture
def users(db: None) -> dict[str, User]:
    return {
        role: add_user(
            email=f"{role}@ours.example", name=NAMES[role], role=role, by="test", at=1, password=PASSWORD, is_demo=True
        )
        for role in ROLES
    }


@pytest.fixture
def world(users: dict[str, User]) -> World:
    """Ana asked for a demo yesterday and waits; Chiara bought; the others read pages; one visitor is unknown."""
    at = now()
    events = []
    for number, (name, key, title, company) in enumerate(PEOPLE):
        keys, since = Keys(email=f"{key}@{company}"), at - (20 - number) * DAY
        described = {"name": name, "title": title, "email": f"{key}@{company}", "country": "NO"}
        events += [
            NewEvent("person_described", keys=keys, data=described, company=company, at=since, door="import"),
            *visits(keys, company, since, times=2 + number),
        ]
    ana, chiara = Keys(email="ana@acme.example"), Keys(email="chiara@lido.example")
    events += [
        NewEvent("company_described", company="acme.example", data=ACME, at=at - 20 * DAY, door="import"),
        NewEvent("demo_requested", keys=ana, data={"form": "Demo"}, at=at - DAY, door="import"),
        NewEvent("form_submitted", keys=ana, data={"form": "Port volumes"}, at=at - 2 * DAY, door="import"),
        NewEvent("deal_won", keys=chiara, data={"deal": "d1"}, at=at - 3 * DAY, door="import"),
        *visits(Keys(anonymous_id="v-1"), None, at - DAY, times=2),
    ]
    told = actions.record(events, by="test", at=at)
    assert not told.refused, told.refused
    return World(users, at)


ACME: Final = {"name": "Acme Ports", "industry": "Logistics", "employees": 420}


def visits(keys: Keys, company: str | None, since: int, *, times: int) -> list[NewEvent]:
    return [
        NewEvent(
            "page_viewed",
            keys=keys,
            data={"path": "/pricing", "title": "Pricing"},
            company=company,
            at=since + visit * HOUR,
            door="import",
        )
        for visit in range(times)
    ]


@pytest.fixture
def sam(client: Client, world: World) -> Client:
    client.force_login(world.users["sales"])
    return client
