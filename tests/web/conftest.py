"""The world of the page tests: a playbook, five users, and people recorded through the one door."""

import os
import time
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import base_user
from django.contrib.auth.hashers import make_password
from django.test import Client

from rung.access.actions import add_user
from rung.access.models import User
from rung.access.rules import ROLES
from rung.jobs import clock as house_clock
from rung.jobs.clock import now
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people.rules import Keys
from rung.terms.instants import DAY, HOUR, micros, moment, parse_instant

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


STARTED: Final = os.environ.get("RUNG_TEST_CLOCK", "2026-11-25T11:00:00Z")
"""When the tests of the pages begin: noon of a working day in Berlin. RUNG_TEST_CLOCK tries another instant."""


@pytest.fixture(autouse=True)
def clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The house's clock begins at STARTED, or where the test says, and runs on: a test says the same day and night."""
    behind = parse_instant(getattr(request, "param", STARTED)) * 1_000 - time.time_ns()
    monkeypatch.setattr(house_clock, "time", SimpleNamespace(time_ns=lambda: time.time_ns() + behind))


@dataclass(frozen=True)
class World:
    """Who signs in, and when it is."""

    users: dict[str, User]
    at: int


@pytest.fixture
def users(db: None) -> dict[str, User]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base_user, "make_password", _hashed)
        return {
            role: add_user(
                email=f"{role}@ours.example",
                name=NAMES[role],
                role=role,
                by="test",
                at=1,
                password=PASSWORD,
                is_demo=True,
            )
            for role in ROLES
        }


@cache
def _hashed(password: str) -> str:
    """A password's hash, made once in a process: it is dear on purpose, and all five have the same."""
    return make_password(password)


@pytest.fixture
def world(users: dict[str, User]) -> World:
    """Ana asked for a demo yesterday and waits; Chiara bought; the others read pages; one visitor is unknown."""
    at = now()
    events = []
    for number, (name, key, title, company) in enumerate(PEOPLE):
        keys, since = Keys(email=f"{key}@{company}"), morning(at - (20 - number) * DAY)
        described = {"name": name, "title": title, "email": f"{key}@{company}", "country": "NO"}
        events += [
            NewEvent("person_described", keys=keys, data=described, company=company, at=since, door="import"),
            *visits(keys, company, since, times=2 + number),
        ]
    ana, chiara = Keys(email="ana@acme.example"), Keys(email="chiara@lido.example")
    events += [
        NewEvent("company_described", company="acme.example", data=ACME, at=morning(at - 20 * DAY), door="import"),
        NewEvent("demo_requested", keys=ana, data={"form": "Demo"}, at=at - DAY, door="import"),
        NewEvent("form_submitted", keys=ana, data={"form": "Port volumes"}, at=at - 2 * DAY, door="import"),
        NewEvent("deal_won", keys=chiara, data={"deal": "d1"}, at=at - 3 * DAY, door="import"),
        *visits(Keys(anonymous_id="v-1"), None, at - DAY, times=2),
    ]
    told = actions.record(events, by="test", at=at)
    assert not told.refused, told.refused
    return World(users, at)


ACME: Final = {"name": "Acme Ports", "industry": "Logistics", "employees": 420}


def morning(at: int) -> int:
    """Nine o'clock of the instant's day in the playbook's calendar: the hours after it stay in that day."""
    local = moment(at).astimezone(ZoneInfo("Europe/Berlin"))
    return micros(local.replace(hour=9, minute=0, second=0, microsecond=0))


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
