"""The table of people: one condition as chips, text and address; pages that do not slip; errors that teach."""

import re
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people.rules import Keys
from rung.terms.instants import MINUTE
from web.conftest import World

pytestmark = pytest.mark.django_db


def names(page: Any) -> list[str]:
    return re.findall(
        r'aria-label="Select ([^"]+)"', unescape(page.content.decode()).replace("Select all on this page", "")
    )


def people(client: Client, address: str = "") -> list[str]:
    return names(client.get(f"/people{address}"))


def test_the_frame_says_whose_house_it_is(sam: Client) -> None:
    for path in ("/people", "/ladder", "/playbook", "/companies"):
        page = sam.get(path).content.decode()
        assert "<small>Default</small>" in page, path


def test_everyone_who_is_known_is_listed_and_visitors_stand_apart(sam: Client) -> None:
    assert set(people(sam)) == {"Ana Lima", "Bo Virtanen", "Chiara Fontana", "Diego Fuentes", "Elif Yıldız"}
    (visitor,) = people(sam, "?who=visitors")
    assert visitor.startswith("Visitor ")


def test_the_address_the_chips_and_the_text_are_one_condition(sam: Client) -> None:
    page = sam.get("/people", {"where": 'person.title.matches("head*") and stage != "customer"'}).content.decode()
    assert set(re.findall(r"Select (Ana|Diego)", page)) == {"Ana", "Diego"}
    assert "title <b>is like head*</b>" in page
    assert "rung <b>not Customer</b>" in page
    rest = quote('stage != "customer"', safe="").replace("%20", "+")
    assert f'href="/people?where={rest}" aria-label="Remove: title is like head*"' in page


def test_the_menu_adds_one_part_to_the_condition(sam: Client) -> None:
    asked = {"where": 'stage != "customer"', "add": "person.title", "how": "has", "value": "head"}
    page = sam.get("/people", asked, headers={"HX-Request": "true"})
    assert set(names(page)) == {"Ana Lima", "Diego Fuentes"}
    assert page.headers["HX-Push-Url"].startswith("/people?where=stage+%21%3D+%22customer%22+and+person.title.matches")


def test_a_wrong_condition_is_taught_and_the_table_stays(sam: Client) -> None:
    page = sam.get("/people", {"where": "scor >= 50", "last": 'stage == "customer"'})
    text = page.content.decode()
    assert "There is no <code>scor</code>." in text
    assert 'Did you mean <a class="link" href="/people?where=score+%3E%3D+50">score</a>?' in text
    assert "The table still shows the last condition that worked." in text
    assert names(page) == ["Chiara Fontana"]


def test_people_are_found_by_the_beginning_of_a_name_an_address_or_a_company(sam: Client) -> None:
    assert people(sam, "?q=fue") == ["Diego Fuentes"]
    assert people(sam, "?q=elif@mar") == ["Elif Yıldız"]
    assert set(people(sam, "?q=acme")) == {"Ana Lima", "Bo Virtanen"}
    assert people(sam, "?q=ontana") == []


def test_nobody_in_a_list_is_said_with_a_way_on(sam: Client) -> None:
    text = sam.get("/people", {"where": "score > 100000"}).content.decode()
    assert "Nobody matches" in text and "Take a chip away" in text


def test_a_page_takes_at_most_twelve_queries(sam: Client) -> None:
    for address in ("/people", "/people?where=person.title.matches(%22head*%22)&q=a", "/companies", "/search?q=a"):
        with CaptureQueriesContext(connection) as asked:
            assert sam.get(address).status_code == 200
        assert len(asked) <= 12, (address, len(asked))


def test_pages_walk_through_everyone_once_and_back_again(sam: Client, world: World) -> None:
    crowd(world, 97)
    for sort in ("last", "last.up", "score", "score.up", "since"):
        there, address = [], f"/people?sort={sort}"
        while address:
            page = sam.get(address)
            there.append(names(page))
            address = link(page, "next")
        everybody = [name for part in there for name in part]
        assert len(everybody) == len(set(everybody)) == 102
        assert [len(part) for part in there] == [50, 50, 2]
        assert names(sam.get(link(page, "prev"))) == there[1]


def test_a_page_does_not_slip_when_somebody_new_arrives(sam: Client, world: World) -> None:
    crowd(world, 60)
    first = sam.get("/people")
    following = link(first, "next")
    before = names(sam.get(following))
    crowd(world, 3, prefix="new", at=world.at + MINUTE)
    assert names(sam.get(following)) == before


def test_a_broken_page_address_starts_at_the_beginning(sam: Client) -> None:
    assert len(people(sam, "?page=%00")) == len(people(sam, "?page=WzEsMl0&sort=score")) == 5


def test_what_people_call_themselves_is_never_markup(sam: Client, world: World) -> None:
    keys = Keys(email="x@evil.example")
    said = {"name": '"><svg onload=alert(1)>', "title": "<script>alert(1)</script>"}
    actions.record([NewEvent("person_described", keys=keys, data=said)], by="test", at=world.at + 1)
    text = sam.get("/people?q=%22%3E%3Csvg").content.decode()
    assert "<svg onload" not in text and "<script>alert" not in text


def test_the_tabs_count_their_people(sam: Client) -> None:
    text = sam.get("/people/counts").content.decode()
    assert re.search(r'Everyone <span class="n">5</span>', text)
    assert re.search(r'Customers <span class="n">1</span>', text)


def crowd(world: World, many: int, *, prefix: str = "p", at: int | None = None) -> None:
    events = [
        NewEvent(
            "person_described",
            keys=Keys(email=f"{prefix}{number}@crowd.example"),
            data={"name": f"{prefix.title()} Number {number}"},
        )
        for number in range(many)
    ]
    actions.record(events, by="test", at=at or world.at)


def link(page: Any, rel: str) -> str:
    found = re.search(rf'<a class="btn sm" href="([^"]+)" rel="{rel}"', page.content.decode())
    return unescape(found[1]) if found else ""
