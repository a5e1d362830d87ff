"""Customers of the program before stand on customer, where somebody asks for it: by a won deal on the day given."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from rung.capture.models import LearnedMapping, Upload
from rung.handoff import clocks
from rung.handoff.models import Assignment
from rung.history.models import Event
from rung.history.queries import counted
from rung.jobs.clock import now
from rung.lifecycle.models import Handoff, Import, StageMove, Standing
from rung.people.models import Person
from rung.terms.instants import format_instant
from web.conftest import World
from web.reading import words_of
from web.test_imports_pages import home, signed_in, to_the_end, upload, work

__all__ = ["home"]

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

HUBSPOT = (
    "Email,Lifecycle Stage,Create Date,Became a Customer Date,Became an Opportunity Date\n"
    "cy@firm.example,Customer,2023-01-10 09:00,2023-05-02 10:30,2023-03-01 08:00\n"
    "di@firm.example,customer,2023-01-10 09:00,,\n"
    "ed@firm.example,Evangelist,2023-01-10 09:00,31/31/2023,\n"
    "op@firm.example,Opportunity,2023-01-10 09:00,,2023-06-01 12:00\n"
    "ma@firm.example,Marketing Qualified Lead,2023-01-10 09:00,,\n"
    "mb@firm.example,Marketing Qualified Lead,2023-01-10 09:00,,\n"
    "su@firm.example,Subscriber,2023-01-10 09:00,,\n"
)


def tried(client: Client, content: str = HUBSPOT, **said: str) -> str:
    address = str(upload(client, content).headers["Location"])
    assert client.post(f"{address}/mapping", said).status_code == 302
    work()
    return address


def stages() -> dict[str, str]:
    rows = Standing.objects.filter(person__email__endswith="@firm.example").values_list("person__email", "stage")
    return {email.partition("@")[0]: stage for email, stage in rows}


def deals() -> list[tuple[str, str, str]]:
    told = counted().filter(kind__startswith="deal_", data__deal="before").order_by("at", "seq")
    names = dict(Person.objects.values_list("pk", "email"))
    return [(names[each.person_id or 0].partition("@")[0], each.kind, format_instant(each.at)) for each in told]


def test_unasked_a_stage_is_kept_as_a_trait_and_the_preview_says_so(world: World) -> None:
    client = signed_in(world)
    address = tried(client)
    said = words_of(client.get(address))
    assert "3 people are said to be customers, 1 person an opportunity." in said
    assert "As it is, that is only kept: nobody stands on a rung by it." in said
    assert "Marketing Qualified Lead (2), Subscriber (1): who that is our agreement says itself" in said
    client.post(f"{address}/run")
    work()
    assert set(stages().values()) == {"suspect"}
    assert deals() == []
    cy = Person.objects.get(email="cy@firm.example")
    assert (cy.traits["lifecycle_stage"], cy.traits["became_a_customer_date"]) == ("Customer", "2023-05-02")


def test_asked_for_it_records_a_won_deal_on_the_day_given_and_undoing_takes_it_back(world: World) -> None:
    client = signed_in(world)
    before = Handoff.objects.count(), Person.objects.count(), StageMove.objects.count()
    address = tried(client)
    assert client.post(f"{address}/mapping", {"stages": "deals"}).status_code == 302
    work()
    said = words_of(client.get(address))
    assert "A won deal is recorded for 1, an open one for 1, on the day given." in said
    assert "Of 2 no day is told: no deal is recorded for them." in said
    client.post(f"{address}/run")
    work()
    assert deals() == [
        ("cy", "deal_opened", "2023-03-01T07:00:00Z"),
        ("cy", "deal_won", "2023-05-02T08:30:00Z"),
        ("op", "deal_opened", "2023-06-01T10:00:00Z"),
    ]
    assert stages() == dict.fromkeys(("di", "ed", "op", "ma", "mb", "su"), "suspect") | {"cy": "customer"}
    clocks.deal_out(at=now())  # what lies on no desk yet
    assert Assignment.objects.count() == before[0]  # whoever bought long ago is nobody's work of today
    found = Import.objects.get()
    assert found.refused == 0  # a day that cannot be read costs a cell, not the row
    client.post(reverse("import-undoing", args=[found.pk]))
    work()
    assert (Handoff.objects.count(), Person.objects.count(), StageMove.objects.count()) == before
    assert (stages(), deals()) == ({}, [])


def test_a_deal_won_before_is_handed_to_nobody_and_names_whose_it_was(world: World) -> None:
    client = signed_in(world)
    to_the_end(client, "Email,City,Create Date\nkai@firm.example,Oslo,2022-01-03\n")
    before = list(Handoff.objects.order_by("pk").values_list("pk", flat=True)), Assignment.objects.count()
    address = tried(
        client,
        "Person - Email,Deal - Title,Deal - Owner,Deal - Status,Deal - Won time\n"
        "cy@firm.example,Fleet,Sam Lee,Won,2023-05-02 10:30\n"
        "kai@firm.example,Crane,,Won,2023-05-02 10:30\n",
    )
    client.post(f"{address}/run")
    work()
    clocks.deal_out(at=now())
    assert Assignment.objects.count() == before[1]
    told = counted().filter(kind="deal_won", data__deal__in=("Fleet", "Crane")).order_by("seq")
    assert [each.by for each in told] == ["Sam Lee", "the program before"]
    client.post(reverse("import-undoing", args=[Import.objects.latest("pk").pk]))
    work()
    assert list(Handoff.objects.order_by("pk").values_list("pk", flat=True)) == before[0]


def test_whoever_has_no_day_counts_from_the_day_that_is_told_for_all(world: World) -> None:
    client = signed_in(world)
    address = tried(client, stages="deals", since="2024-01-01")
    said = words_of(client.get(address))
    assert "on the day given or else on 2024-01-01. Of 1 no day is told" in said  # 31/31/2023 is none
    client.post(f"{address}/run")
    work()
    assert ("di", "deal_won", "2023-12-31T23:00:00Z") in deals()
    assert [name for name, kind, _ in deals() if kind == "deal_won"] == ["cy", "di"]
    assert {name for name, stage in stages().items() if stage == "customer"} == {"cy", "di"}
    assert not LearnedMapping.objects.exists()  # asked for of each file anew


def test_pipedrives_labels_say_who_bought_and_a_lead_status_moves_nobody(world: World) -> None:
    client = signed_in(world)
    address = tried(client, "Person - Email,Person - Label\nkaj@firm.example,Customer\nlea@firm.example,Hot lead\n")
    assert "1 person is said to be a customer." in words_of(client.get(address))
    address = tried(client, "Email,LeadSource,Status,IsConverted\nsia@firm.example,Web,Closed - Converted,true\n")
    said = words_of(client.get(address))
    assert "Closed - Converted (1): who that is our agreement says itself" in said
    assert "is said to be" not in said
    assert not Event.objects.filter(kind="deal_won", data__deal="before").exists()


def test_what_is_no_day_or_no_choice_is_not_taken(world: World) -> None:
    client: Any = signed_in(world)
    tried(client, stages="sell", since="yesterday")
    told = Upload.objects.get().choices
    assert (told["stages"], told["since"]) == ("", "")
