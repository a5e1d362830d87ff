"""A table that tells a firm by its name means the one whose domain the address beside has: one firm, not two."""

import json
from pathlib import Path

import pytest
from django.test import Client

from doors.bringing_in import NOW, belonging, brought_in, home
from rung.capture.imports import actions as imports
from rung.capture.imports.firms import Firms
from rung.capture.webhooks import hooking
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people.models import Company
from rung.people.rules import Keys
from rung.terms.instants import DAY

__all__ = ["home"]


def firms() -> dict[str, str]:
    return dict(Company.objects.order_by("key").values_list("key", "name"))


CONTACTS = """Email,First Name,Company Name
ana@acme.example,Ana,Acme
bo@eu.acme.example,Bo,ACME Ltd
cy@gmail.com,Cy,Acme
di@gmail.com,Di,Solo Works
"""


@pytest.mark.django_db
def test_the_firm_of_contacts_is_that_of_their_domain_and_bears_the_name_told_first(home: Path) -> None:
    brought_in(home, CONTACTS)
    assert firms() == {"Acme": "Acme", "Solo Works": "Solo Works", "acme.example": "Acme"}
    assert belonging() == {
        "ana@acme.example": "acme.example",
        "bo@eu.acme.example": "acme.example",
        "cy@gmail.com": "Acme",  # a free mailbox says nothing of a firm
        "di@gmail.com": "Solo Works",
    }


@pytest.mark.django_db
def test_contacts_join_the_firms_that_a_table_of_companies_brought(home: Path) -> None:
    brought_in(home, "Company name,Website URL,Industry\nAcme Holding,acme.example,Ships\n", at=NOW - DAY)
    brought_in(home, CONTACTS)
    assert firms()["acme.example"] == "Acme Holding"
    assert belonging()["ana@acme.example"] == "acme.example"


@pytest.mark.django_db
def test_a_firm_that_goes_by_its_name_stays_the_one_that_is_meant(home: Path) -> None:
    brought_in(home, "Company name,Industry\nAcme,Ships\n", at=NOW - DAY)
    brought_in(home, CONTACTS)
    assert belonging()["ana@acme.example"] == belonging()["cy@gmail.com"] == "Acme"
    assert belonging()["bo@eu.acme.example"] == "acme.example"


@pytest.mark.django_db
def test_the_same_file_means_the_same_firms_when_its_import_was_taken_back(home: Path) -> None:
    first = brought_in(home, CONTACTS)
    before = (firms(), belonging())
    imports.undo(number=first, by="rui", at=NOW + 1)
    assert (firms(), belonging()) == ({}, {})
    brought_in(home, CONTACTS, at=NOW + 2)
    assert (firms(), belonging()) == before


@pytest.mark.django_db
def test_what_others_said_of_a_firm_keeps_its_name(home: Path) -> None:
    actions.record(
        [NewEvent("company_described", company="acme.example", data={"name": "Acme of Lagos"})], by="rui", at=NOW
    )
    brought_in(home, CONTACTS, at=NOW + DAY)
    assert firms()["acme.example"] == "Acme of Lagos"


@pytest.mark.django_db
def test_a_mapping_that_says_which_column_is_the_company_is_taken_at_its_word(home: Path) -> None:
    from rung.capture.imports import mapping

    text = "import: 1\ntables:\n  - {name: x, person: Email, company: Company Name, traits: {first_name: First Name}}\n"
    brought_in(home, CONTACTS, mapping=mapping.load(text))
    assert belonging()["ana@acme.example"] == "Acme"


@pytest.mark.django_db
def test_a_webhook_that_tells_a_name_means_the_firm_of_the_domain_and_names_it() -> None:
    where = hooking.add_webhook(name="social", template="social", by="test", at=1).token
    told = {"email": "ana@acme.example", "company": "Acme"}
    answer = Client().post(f"/w/{where}", json.dumps(told), content_type="application/json")
    assert answer.status_code == 200
    assert (firms(), belonging()) == ({"acme.example": "Acme"}, {"ana@acme.example": "acme.example"})
    actions.record([NewEvent("page_viewed", keys=Keys(email="ana@acme.example"))], by="rui", at=NOW)
    assert firms() == {"acme.example": "Acme"}


def test_each_name_is_told_once_and_a_domain_stands_for_itself() -> None:
    firms = Firms()
    assert firms.meant("acme.example", "ana@acme.example") == ("acme.example", "")
    assert firms.meant("Acme", "ana@acme.example") == ("acme.example", "Acme")
    assert firms.meant("ACME", "bo@acme.example") == ("acme.example", "Acme")
    assert firms.meant("Acme", "record-7") == ("Acme", "")
    assert firms.meant("Acme", "ana@gmail.com") == ("Acme", "")
