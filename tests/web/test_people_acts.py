"""Views that one keeps, and what is done to everybody selected in the list."""

import pytest
from django.test import Client

from rung.access.models import Team
from rung.lifecycle.models import BulkAct, SavedView
from rung.people.models import Person
from web.conftest import World
from web.reading import words_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
IT = 'person.title.matches("*head*")'


@pytest.fixture
def kim(client: Client, world: World) -> Client:
    client.force_login(world.users["manager"])
    return client


def ids(*names: str) -> list[str]:
    return [str(Person.objects.get(name=name).uuid) for name in names]


def test_a_view_is_kept_shared_with_the_team_and_forgotten_by_its_keeper(sam: Client, world: World) -> None:
    team = Team.objects.create(name="North")
    for role in ("sales", "manager"):
        world.users[role].team = team
        world.users[role].save()
    sam.force_login(world.users["sales"])
    told = {"name": " Heads   of IT ", "where": IT, "sort": "score", "is_shared": "1"}
    kept = sam.post("/people/views", told, follow=True)
    assert kept.request["QUERY_STRING"] and "Forget “Heads of IT”" in words_of(kept)
    current = [tab["label"] for tab in kept.context["tabs"] if tab["is_current"]]
    assert current == ["Heads of IT"]

    sam.force_login(world.users["manager"])
    shared = words_of(sam.get("/people"))
    assert "Heads of IT" in shared
    view = SavedView.objects.get()
    refused = sam.post(f"/people/views/{view.pk}/removal")
    assert refused.status_code == 409 and "Only whoever kept a view" in words_of(refused)
    sam.force_login(world.users["marketing"])
    assert "Heads of IT" not in words_of(sam.get("/people"))
    sam.force_login(world.users["sales"])
    sam.post(f"/people/views/{view.pk}/removal")
    assert not SavedView.objects.exists()


def test_without_a_name_or_a_team_nothing_is_kept(sam: Client) -> None:
    assert "Give the view a name" in words_of(sam.post("/people/views", {"where": IT}))
    assert "You are in no team" in words_of(sam.post("/people/views", {"name": "x", "is_shared": "1"}))
    assert not SavedView.objects.exists()


def test_those_selected_are_given_over_and_it_is_undone(kim: Client) -> None:
    chosen = ids("Ana Lima", "Bo Virtanen")
    told = {"person": [*chosen, "nonsense"], "act": "owner", "owner": "sales@ours.example", "where": IT}
    done = kim.post("/people/acts", told, follow=True)
    assert "2 people were given to Sam Lee" in words_of(done)
    assert set(Person.objects.filter(uuid__in=chosen).values_list("owner__email", flat=True)) == {"sales@ours.example"}
    assert done.context["back"].startswith("/people?where=person.title")
    undone = kim.post(f"/people/acts/{BulkAct.objects.get().uuid}/undoing", follow=True)
    assert "2 people stand as if it had not been done" in words_of(undone)
    assert not Person.objects.exclude(owner=None).exists()


def test_everybody_whom_the_list_holds_can_be_meant(kim: Client) -> None:
    told = {"everyone": "1", "where": IT, "act": "disqualified", "disqualified_because": "A test of ours"}
    done = words_of(kim.post("/people/acts", told, follow=True))
    assert "2 people were disqualified" in done and "because: A test of ours" in done
    assert "2 people match" in words_of(kim.get("/people?where=status == 'disqualified'"))


def test_those_selected_are_taken_out_as_a_file_that_holds_only_them(kim: Client) -> None:
    file = kim.post("/people/exports", {"person": ids("Ana Lima")})
    assert file["Content-Disposition"] == 'attachment; filename="people.csv"'
    lines = file.content.decode().splitlines()
    assert len(lines) == 2 and "ana@acme.example" in lines[1]


def test_sales_sees_no_act_it_may_not_do(sam: Client) -> None:
    page = sam.get("/people").content.decode()
    assert "Copy the addresses" in page and "Disqualify" not in page and "Give to" not in page
    told = {"person": ids("Ana Lima"), "act": "nurture", "nurture_because": "x"}
    assert sam.post("/people/acts", told).status_code == 403
    assert not BulkAct.objects.exists()
