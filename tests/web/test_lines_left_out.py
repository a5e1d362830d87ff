"""Rules that mislead, on Feedback: asked for by looking, tried by the worker's child, each number opens its people."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from engine.leaving_world import WORLD, lives
from rung.access.models import User
from rung.insight import misleading
from rung.insight.models import Backtest
from rung.insight.trying_later import Warm
from rung.jobs import clock as house_clock
from rung.jobs.clock import now
from rung.lifecycle.many import bulk
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.people.rules import Keys
from rung.playbook.loading import load
from rung.terms.instants import DAY, parse_instant
from web.reading import words_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
ASKED = {"HX-Request": "true"}


@pytest.fixture
def house(users: dict[str, User]) -> dict[str, User]:
    at = parse_instant("2026-06-30")
    events = [
        NewEvent(
            str(told["kind"]),
            keys=Keys(email=str(told["person"])),
            data=told["data"],  # type: ignore[arg-type]
            at=parse_instant(str(told["at"])),
            by=str(told.get("by", "")) or None,
            door="import",
        )
        for told in lives()
    ]
    publishing.publish(WORLD, by="test", at=parse_instant("2026-01-01"))
    bulk.load(events, by="test", at=at)
    return users


@pytest.fixture
def rui(house: dict[str, User]) -> Client:
    client = Client()
    client.force_login(house["marketing"])
    return client


def work() -> None:
    """All that the worker's child would do."""
    child = Warm(now, is_compiled=False)
    while child.turn():
        pass


def tried(client: Client) -> Backtest:
    client.post(reverse("feedback-lines"), headers=ASKED)
    work()
    return Backtest.objects.get()


def test_looking_changes_nothing_and_the_page_asks_for_the_run_by_itself(rui: Client) -> None:
    page = rui.get("/feedback?period=year").content.decode()
    assert not Backtest.objects.exists()
    assert f'hx-post="{reverse("feedback-lines")}" hx-trigger="load"' in page
    part = rui.post(reverse("feedback-lines"), headers=ASKED)
    assert "Waiting for the worker" in words_of(part)
    assert Backtest.objects.get().vary == misleading.LINES
    assert rui.post(reverse("feedback-lines")).headers["Location"] == reverse("feedback")


def test_the_misleading_line_is_named_with_what_it_cost_and_what_leaving_it_out_costs(rui: Client) -> None:
    tried(rui)
    response = rui.get("/feedback?period=year")
    said = words_of(response)
    assert "“Salary paper” misleads: without it, 6 of 7 rejected hand-offs would not have been, and no win" in said
    row = said.split("At stake Try it ")[1]
    assert row.startswith("Salary paper signal, line 6 6 ")
    assert "Pricing page signal, line 4" in row and "they asked a question at least twice a way in, line" in row
    assert 'href="/playbook?tab=source#line-6"' in response.content.decode()


def test_a_page_with_what_was_tried_stays_within_its_queries(rui: Client) -> None:
    tried(rui)
    rui.get("/feedback?period=year")
    with CaptureQueriesContext(connection) as queries:
        rui.get("/feedback?period=year")
    assert len(queries) <= 12
    assert not any('"people" FROM "insight_backtest"' in each["sql"] for each in queries)


@pytest.mark.parametrize(
    ("path", "count", "names"),
    [
        ("signals.Salary paper", "avoided", ["gil", "fay", "dan", "cy", "bo", "eva"]),
        ("signals.Pricing page", "missed", ["ana"]),
        ("stages.mql.enter/2", "avoided", ["ivo"]),
        ("signals.Salary paper", "lost", []),
    ],
)
def test_every_number_opens_its_people(rui: Client, path: str, count: str, names: list[str]) -> None:
    run = tried(rui)
    page = rui.get(reverse("feedback-line-people", args=[run.uuid]), {"line": path, "count": count})
    said = words_of(page)
    places = [said.index(f"{name}@x.example") for name in names]
    assert places == sorted(places) and said.count("@x.example") == len(names)
    assert f": {len(names)}" in said
    person = Person.objects.get(email="dan@x.example")
    assert (f"/people/{person.uuid}" in page.content.decode()) == ("dan" in names)


@pytest.mark.parametrize("told", [{"line": "signals.No"}, {"line": "signals.Salary paper", "count": "all"}, {}])
def test_a_number_that_is_none_is_not_found(rui: Client, told: dict[str, str]) -> None:
    run = tried(rui)
    assert rui.get(reverse("feedback-line-people", args=[run.uuid]), told).status_code == 404
    assert rui.get(reverse("trial", args=[run.uuid])).status_code == 404


def test_one_click_opens_the_editor_with_the_line_left_out(rui: Client) -> None:
    tried(rui)
    href = "/playbook?tab=source&amp;without=signals.Salary+paper&amp;period=365#line-6"
    assert href in rui.get("/feedback?period=year").content.decode()
    page = rui.get("/playbook", {"tab": "source", "without": "signals.Salary paper", "period": "365"})
    said = page.content.decode()
    assert "without “Salary paper”" in said and "points: 0, cap: 20}" in said
    assert '<option value="365" selected>' in said
    refused = rui.get("/playbook", {"tab": "source", "without": "signals.Nobody"})
    assert "has no line signals.Nobody that could be left out" in words_of(refused)
    assert refused.status_code == 200


def test_a_day_has_one_run_and_yesterdays_is_shown_until_todays_is_done(
    rui: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tried(rui)
    rui.post(reverse("feedback-lines"), headers=ASKED)
    assert Backtest.objects.get().pk == first.pk
    real, late = house_clock.time, DAY * 1_000

    class Tomorrow:
        def time_ns(self) -> int:
            return int(real.time_ns()) + late

    monkeypatch.setattr(house_clock, "time", Tomorrow())
    assert "Salary paper signal" in words_of(rui.get("/feedback?period=year"))
    part = rui.post(reverse("feedback-lines"), headers=ASKED)
    assert Backtest.objects.count() == 2
    assert "Until then these are the last ones" in words_of(part) and "Salary paper signal" in words_of(part)


def test_a_run_that_failed_says_why_and_is_tried_again(rui: Client) -> None:
    rui.post(reverse("feedback-lines"), headers=ASKED)
    Backtest.objects.update(state="failed", error="The history is damaged: start the run again.")
    assert "The history is damaged" in words_of(rui.get("/feedback"))
    rui.post(reverse("feedback-lines"), headers=ASKED)
    assert Backtest.objects.get().state == "asked"


def test_another_playbook_is_tried_anew(rui: Client, house: dict[str, User]) -> None:
    tried(rui)
    publishing.publish(WORLD.replace("score >= 50", "score >= 60"), by="test", at=now())
    assert "Salary paper" not in words_of(rui.get("/feedback?period=month")).split("What carried them")[0]
    assert misleading.todays(load(WORLD), at=now()) is not None


def test_an_empty_house_is_told_that_there_is_no_history(users: dict[str, User]) -> None:
    client = Client()
    client.force_login(users["sales"])
    client.post(reverse("feedback-lines"), headers=ASKED)
    work()
    said = words_of(client.get("/feedback"))
    assert "There is no history yet" in said
