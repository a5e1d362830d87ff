"""Whoever comes by a door where people write an address is of the firm whose domain it has, unless told otherwise."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from capture.test_forms import ANSWERS, DEMO
from rung.capture import adding
from rung.capture.adding import Written
from rung.capture.forms import building, submitting
from rung.capture.inbound_mail import mailbox
from rung.capture.inbound_mail.letters import letter_of
from rung.capture.models import Form
from rung.capture.webhooks import hooking
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.people.rules import Keys

pytestmark = pytest.mark.django_db
AT = 20_000 * 86_400_000_000


def by_form(email: str) -> None:
    if not Form.objects.exists():
        building.save_form(slug="demo", told=DEMO, by="test", at=1)
        building.publish_form(slug="demo", number=1, by="test", at=1)
    answers = {**{name: said for name, said in ANSWERS.items() if name != "company"}, "email": email}
    submitting.submit(form=Form.objects.get(), answers=answers, also={}, submission_id=email, at=AT)


def by_hand(email: str) -> None:
    adding.add_person(written=Written(email=email), by="test", at=AT)


def by_mail(email: str) -> None:
    body = f"From: {email}\r\nSubject: Berths\r\n\r\nHow much?\r\n".encode()
    actions.record(mailbox.events_of(letter_of(body), "webhook:post"), by="", at=AT)


def by_webhook(email: str) -> None:
    where = hooking.add_webhook(name="social", template="social", by="test", at=1).token
    Client().post(f"/w/{where}", json.dumps({"email": email}), content_type="application/json")


DOORS: dict[str, Callable[[str], Any]] = {"form": by_form, "hand": by_hand, "mail": by_mail, "webhook": by_webhook}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("email", "company"), [("fay@eu.quai.example", "quai.example"), ("fay@gmail.com", None)])
def test_somebody_new_is_of_the_firm_of_their_address(door: str, email: str, company: str | None) -> None:
    DOORS[door](email)
    fay = Person.objects.get(email=email)
    assert (fay.company.key if fay.company else None) == company


def by_form_of(company: str, email: str) -> Person:
    if not Form.objects.exists():
        building.save_form(slug="demo", told=DEMO, by="test", at=1)
        building.publish_form(slug="demo", number=1, by="test", at=1)
    answers = {**ANSWERS, "company": company, "email": email}
    submitting.submit(form=Form.objects.get(), answers=answers, also={}, submission_id=email, at=AT)
    return Person.objects.select_related("company").get(email=email)


def by_hand_of(company: str, email: str) -> Person:
    adding.add_person(written=Written(email=email, company=company), by="test", at=AT)
    return Person.objects.select_related("company").get(email=email)


@pytest.mark.parametrize("door", [by_form_of, by_hand_of])
def test_a_firm_that_is_written_by_its_name_is_the_one_of_the_address(door: Callable[[str, str], Person]) -> None:
    fay = door("Quai Shipping", "fay@quai.example")
    assert (fay.company.key, fay.company.name) == ("quai.example", "Quai Shipping")
    gil = door("Quai Shipping Ltd.", "gil@quai.example")
    assert (gil.company, gil.company.name) == (fay.company, "Quai Shipping")
    ida = door("Harbour Consult", "ida@gmail.com")
    assert ida.company.key == "Harbour Consult"
    # Who came by a table that named the firm so are colleagues of whoever writes it so.
    assert door("Harbour Consult", "joe@harbour.example").company == ida.company


@pytest.mark.parametrize("door", ["form", "mail", "webhook"])
def test_whoever_has_an_employer_keeps_them_whatever_address_they_write_from(door: str) -> None:
    told = NewEvent("person_described", keys=Keys(email="fay@quai.example"), company="lido.example", data={"name": "F"})
    actions.record([told], by="test", at=AT - 1)
    DOORS[door]("fay@quai.example")
    company = Person.objects.get().company
    assert company is not None and company.key == "lido.example"
