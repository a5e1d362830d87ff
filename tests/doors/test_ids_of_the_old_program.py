"""Deals and calls of another program tell their people by its ids: they find whom its table of people brought."""

from pathlib import Path
from typing import Any

import pytest

from rung.capture.imports import actions as imports
from rung.lifecycle import actions
from rung.lifecycle.models import Standing
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.people.rules import Keys
from rung.terms.instants import DAY, parse_instant

pytestmark = pytest.mark.django_db
NOW = parse_instant("2026-03-10T12:00:00Z")
CONTACTS = "Record ID,First Name,Email\n101,Ana,ana@acme.example\n102,Bo,bo@acme.example\n103,Cy,\n"
DEALS = (
    "Record ID,Deal Name,Deal Stage,Amount,Create Date,Close Date,Deal owner,Associated Contact IDs\n"
    "7,Berths,Closed Won,1200,2026-02-01,2026-03-01,Sam,101;102\n"
    "8,Cranes,Closed Won,80,2026-02-01,2026-03-01,Sam,103\n"
    "9,Ropes,Closed Won,9,2026-02-01,2026-03-01,Sam,999\n"
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    settings.RUNG_HOME = tmp_path / "home"
    return tmp_path


def brought_in(home: Path, content: str, *, at: int) -> int:
    path = home / f"{at}.csv"
    path.write_text(content, encoding="utf-8")
    return int(imports.run([path], mapping=None, kind=None, by="rui", at=at).number or 0)


def customers() -> list[str]:
    won = Standing.objects.filter(deal_won=True).select_related("person").order_by("person__email", "person_id")
    return [standing.person.email or standing.person.identities.get().value for standing in won]


def test_a_deal_is_of_the_contact_whose_id_stands_first_in_it(home: Path) -> None:
    brought_in(home, CONTACTS, at=NOW)
    brought_in(home, DEALS, at=NOW + DAY)
    assert customers() == ["103", "999", "ana@acme.example"]
    assert Person.objects.count() == 4, "the three contacts, and one of whom only a deal tells"


def test_an_id_that_two_people_have_names_neither(home: Path) -> None:
    told = [
        NewEvent("person_described", keys=Keys(email=f"{who}@acme.example"), data={"record_id": "101"})
        for who in ("ana", "bo")
    ]
    actions.record(told, by="rui", at=NOW)
    brought_in(home, DEALS, at=NOW + DAY)
    assert customers() == ["101", "103", "999"]


def test_a_number_of_a_site_and_an_id_of_the_old_program_are_two_things(home: Path) -> None:
    actions.record([NewEvent("page_viewed", keys=Keys(user_id="101", anonymous_id="x"))], by="rui", at=NOW)
    brought_in(home, CONTACTS, at=NOW + 1)
    brought_in(home, DEALS, at=NOW + DAY)
    assert "ana@acme.example" in customers() and "101" not in customers()
