"""Facts put right by hand: of a person, of a company; the past stays, nothing is taken from anybody else."""

import pytest
from django.test import Client

from rung.access.models import Audit
from rung.history.models import Event
from rung.people.models import Company, Person
from rung.people.queries import person_named
from web.conftest import World
from web.reading import words_of

pytestmark = pytest.mark.django_db


def ana() -> Person:
    return Person.objects.get(name="Ana Lima")


def told(person: Person, **other: str) -> dict[str, str]:
    return {name: getattr(person, name) for name in ("name", "title", "email", "phone", "country")} | other


def test_what_differs_is_told_anew_and_what_was_emptied_is_forgotten(sam: Client, world: World) -> None:
    person, before = ana(), Event.objects.count()
    right = told(person, name="Ana Lima Pires", title="", email="ana.lima@acme.example")
    answer = sam.post(f"/people/{person.uuid}/facts", right)
    assert answer.headers["HX-Redirect"] == f"/people/{person.uuid}"
    person.refresh_from_db()
    assert (person.name, person.title, person.email) == ("Ana Lima Pires", "", "ana.lima@acme.example")
    event = Event.objects.latest("seq")
    assert event.data == {"name": "Ana Lima Pires", "title": None, "email": "ana.lima@acme.example"}
    assert (event.by, Event.objects.count()) == (world.users["sales"].email, before + 1)
    assert person_named("ana@acme.example") == person  # the former address still leads to her
    assert Audit.objects.latest("seq").data == {"fields": ["email", "name", "title"]}


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({}, "That is what we have already"),
        ({"email": "ana@"}, "is no e-mail address"),
        ({"email": "info@acme.example"}, "read by many"),
        ({"email": "chiara@lido.example"}, "Chiara Fontana"),
        ({"phone": "12"}, "with its country"),
        ({"name": "a\0"}, "NUL"),
        ({"name": "", "email": "", "phone": ""}, "at least a name"),
    ],
)
def test_what_cannot_be_right_says_why_keeps_what_was_typed_and_changes_nothing(
    sam: Client, other: dict[str, str], words: str
) -> None:
    chiara = Person.objects.get(name="Chiara Fontana")
    other = {name: text.replace("chiara@lido.example", chiara.email) for name, text in other.items()}
    before = Event.objects.count()
    answer = sam.post(f"/people/{ana().uuid}/facts", told(ana(), **other))
    assert (answer.status_code, Event.objects.count()) == (409, before)
    assert words in words_of(answer)
    assert '<details class="body" open><summary>Put something right' in answer.content.decode()


def test_facts_of_a_company_are_put_right_for_everybody_who_works_there(sam: Client) -> None:
    company = Company.objects.get(pk=ana().company_id)
    page = f"/companies/{company.uuid}/facts"
    assert sam.post(page, {"employees": "1,200", "industry": "Shipping"}).status_code == 303
    company.refresh_from_db()
    assert (company.traits["employees"], company.traits["industry"]) == (1200, "Shipping")
    assert company.name == "Acme Ports"  # what was not told stays
    answer = sam.post(page, {"employees": "many"})
    assert answer.status_code == 409
    assert "as one number" in words_of(answer)
    assert "Right size" not in words_of(sam.get(f"/people/{ana().uuid}"))
