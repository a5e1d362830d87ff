"""The pages of doubles and records: who may what, what is refused by name, and how many questions they ask."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rung.jobs.clock import now
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people import doubles
from rung.people.models import Alias, Identity, Person, Suggestion
from rung.people.rules import Keys
from web.conftest import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def known(email: str, **data: str) -> Person:
    event = NewEvent("person_described", keys=Keys(email=email), data={"email": email, **data})
    assert actions.record([event], by="test", at=now()).refused == ()
    return Identity.objects.get(kind="email", value=email).person


@pytest.fixture
def pair(world: World) -> Suggestion:
    ana = known("ana@acme.example", phone="+351 912 345 678")
    double = known("ana.lima@mail.example", name="Anna Lima", phone="0912 345 678")
    doubles.check([ana.pk, double.pk], at=now())
    return Suggestion.objects.get()


@pytest.fixture
def rui(client: Client, world: World) -> Client:
    client.force_login(world.users["marketing"])
    return client


def test_the_page_asks_few_questions_however_many_pairs_there_are(rui: Client, pair: Suggestion) -> None:
    for number in range(30):
        known(f"bo.virtanen{number}@home{number}.example", name="Zygmunt Brzezicki", phone=f"0915 555 55{number % 3}")
    doubles.sweep(at=now())
    assert Suggestion.objects.count() > 30
    with CaptureQueriesContext(connection) as asked:
        page = rui.get("/people/matches").content.decode()
    assert len(asked) <= 12
    assert "20+ pairs may be one person" in page


def test_sales_reads_pairs_and_decides_nothing(sam: Client, pair: Suggestion) -> None:
    assert "Marketing, managers, RevOps and admins decide" in sam.get("/people/matches").content.decode()
    for path, told in (
        (f"/people/matches/{pair.pk}/merging", {"survivor": "left"}),
        (f"/people/matches/{pair.pk}/difference", {}),
        (f"/people/{pair.left.uuid}/merging", {"other": "ana.lima@mail.example"}),
        (f"/people/{pair.left.uuid}/unmerging", {"merged": str(pair.right.uuid)}),
    ):
        assert sam.post(path, told).status_code == 403, path
    assert not Alias.objects.exists()
    assert Suggestion.objects.get().answer == ""


def test_what_cannot_be_done_is_refused_by_name(rui: Client, pair: Suggestion) -> None:
    ana = f"/people/{pair.left.uuid}"
    for path, told, words in (
        (f"/people/matches/{pair.pk}/merging", {"survivor": "both"}, "Say who lives on"),
        (f"/people/matches/{10**25}/merging", {"survivor": "left"}, "no such suggestion"),
        (f"/people/matches/{10**25}/difference", {}, "no such suggestion"),
        (f"{ana}/merging", {"other": "nobody\0@x"}, "Nobody is known by that"),
        (f"{ana}/merging", {"other": "ana@acme.example"}, "one person already"),
        (f"{ana}/unmerging", {"merged": str(uuid4())}, "not merged into this person"),
        (f"{ana}/unmerging", {"merged": "x"}, "not merged into this person"),
        (f"{ana}/employers", {"company": "gmail.com"}, "a provider of free mailboxes is none"),
        (f"{ana}/employers", {"company": "co.uk"}, "Write the new company"),
        (f"{ana}/employers", {"company": "Acme.example"}, "work at Acme Ports already"),
        (f"{ana}/employers", {"company": "quai.example", "email": "info@quai.example"}, "read by many"),
        (f"{ana}/employers", {"company": "quai.example", "email": "bo@acme.example"}, "is Bo Virtanen"),
        (f"{ana}/employers", {"company": "a\0b"}, "broken character"),
    ):
        answer = rui.post(path, told)
        assert (answer.status_code, words in answer.content.decode()) == (409, True), (path, told)
    assert not Alias.objects.exists()


def test_an_address_of_the_page_names_the_other_record(rui: Client, pair: Suggestion) -> None:
    told = {"other": f"https://rung.example/people/{pair.right.uuid}"}
    assert rui.post(f"/people/{pair.left.uuid}/merging", told).status_code == 303
    assert Alias.objects.get().old == pair.right
    # The old address leads to the one who lives on, also here.
    assert "1 record became" in rui.get(f"/people/{pair.right.uuid}/records").content.decode()


def test_a_pair_by_a_number_that_is_none_shows_the_likeliest(rui: Client, pair: Suggestion) -> None:
    for asked in ("x", "²", "9" * 40, "0", str(pair.pk + 1)):
        assert rui.get("/people/matches", {"pair": asked}).status_code == 200, asked


def test_looking_changes_nothing(rui: Client, pair: Suggestion) -> None:
    before = Person.objects.count(), Suggestion.objects.count()
    rui.get("/people/matches")
    rui.get(f"/people/{pair.left.uuid}/records")
    assert (Person.objects.count(), Suggestion.objects.count()) == before


def test_a_merge_is_taken_back_from_its_toast(rui: Client, pair: Suggestion) -> None:
    ana = f"/people/{pair.left.uuid}"
    for path, told in (
        (f"/people/matches/{pair.pk}/merging", {"survivor": "left"}),
        (f"{ana}/merging", {"other": str(pair.right.uuid)}),
    ):
        page = rui.post(path, told, follow=True).content.decode()
        toast = page.partition('class="toast"')[2]
        assert f'action="{ana}/unmerging"' in toast
        assert f'<input type="hidden" name="merged" value="{pair.right.uuid}">' in toast
        assert Alias.objects.get().living_id == pair.left_id
        assert rui.post(f"{ana}/unmerging", {"merged": str(pair.right.uuid)}).status_code == 303
        assert not Alias.objects.exists()
    assert "Undo</button>" not in rui.get(ana).content.decode().partition('class="toast"')[2]  # told once


def test_the_palette_and_the_list_find_whoever_a_former_address_or_a_number_belongs_to(
    rui: Client, pair: Suggestion
) -> None:
    assert rui.post(f"/people/matches/{pair.pk}/merging", {"survivor": "left"}).status_code == 303
    survivor = Person.objects.get(pk=pair.left_id)
    assert survivor.email == "ana.lima@mail.example"  # told last
    for text in ("ana@acme.example", "+351 912 345 678", str(pair.right.uuid)):
        for place in ("/search", "/people"):
            page = rui.get(place, {"q": text}).content.decode()
            assert f'href="/people/{survivor.uuid}"' in page, (place, text)
    for place in ("/search", "/people"):
        page = rui.get(place, {"q": "nobody@acme.example"}).content.decode()
        assert f"/people/{survivor.uuid}" not in page, place
