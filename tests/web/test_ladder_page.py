"""The ladder page: its sentence, the clause behind it, and numbers that open exactly their people."""

import re

import pytest
from django.test import Client

from rung.access.models import User
from rung.insight import jobs as insight_jobs
from rung.insight.models import Snapshot
from rung.jobs.clock import now
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people.rules import Keys
from rung.terms.instants import DAY, HOUR
from web.conftest import World
from web.reading import links_of, words_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def test_an_empty_ladder_says_how_people_get_there(users: dict[str, User], client: Client) -> None:
    client.force_login(users["sales"])
    said = words_of(client.get("/ladder"))
    assert "Nobody is on the ladder yet" in said
    assert "import a file with rung import, load the demo company with rung demo" in said
    assert "Lead 0 nobody new this month" in said
    assert "No duty can be measured yet" in said
    for premature in ("went on", "Band width", "The same as a table", "0 of 0"):
        assert premature not in said


def test_before_90_days_no_step_is_called_the_weakest(sam: Client) -> None:
    said = words_of(sam.get("/ladder"))
    assert "6 people on the ladder; too few arrived 90 to 180 days ago to name a weakest step" in said
    assert "Conversion needs people who arrived at least 90 days ago" in said
    assert "In the bands, not in the counts: 1 visitor without a name." in said


@pytest.fixture
def stalled(users: dict[str, User], client: Client) -> Client:
    """30 leads of 120 days ago, of whom 6 went on; two visitors nobody knows; each lead lacks points or fit."""
    at, events = now(), []
    for number in range(30):
        mail = f"lead{number}@harbour{number}.example"
        keys, since = Keys(email=mail), at - (120 + number % 20) * DAY
        described = {"name": f"Lead {number}", "email": mail, "title": "Head of data" if number < 12 else "Planner"}
        events.append(NewEvent("person_described", keys=keys, data=described, at=since, door="import"))
        events.append(NewEvent("newsletter_subscribed", keys=keys, data={}, at=since, door="import"))
        if number < 6:
            events.append(NewEvent("handoff_accepted", keys=keys, data={}, at=since + DAY, door="import"))
            events.append(NewEvent("deal_won", keys=keys, data={"deal": f"d{number}"}, at=since + DAY, door="import"))
    for visitor in ("v-1", "v-2"):
        keys = Keys(anonymous_id=visitor)
        events.append(NewEvent("page_viewed", keys=keys, data={"path": "/pricing"}, at=at - 100 * DAY, door="import"))
    told = actions.record(events, by="test", at=at)
    assert not told.refused, told.refused
    client.force_login(users["manager"])
    return client


def test_the_weakest_step_names_its_clause_and_opens_exactly_its_people(stalled: Client) -> None:
    page = stalled.get("/ladder")
    said = words_of(page)
    assert "Weakest step: Lead to MQL, 20 % go on within 90 days" in said
    assert "24 of the 24 who stand on Lead do not meet one clause yet: score is at least 50. Rule score >= 50," in said
    assert "of the playbook “Default”." in said
    assert "Open the 24 people" in said
    (opens,) = links_of(page, "btn pri")
    assert "24 people match" in words_of(stalled.get(opens))


def test_every_rung_opens_exactly_as_many_people_as_it_counts(stalled: Client) -> None:
    page = stalled.get("/ladder")
    counts = [int(count) for count in re.findall(r'<span class="ct">(\d+)</span>', page.content.decode())]
    addresses = links_of(page, "rg")
    assert len(addresses) == len(counts) == 7
    assert sum(counts) == 30
    for address, count in zip(addresses, counts, strict=True):
        told = words_of(stalled.get(address)).split(".")[0]
        assert told.startswith(f"{count} p" if count else "Nobody"), (address, told)


def test_a_quarter_and_a_month_are_told_apart_and_nonsense_is_a_month(sam: Client) -> None:
    assert "this quarter" in words_of(sam.get("/ladder?period=quarter"))
    assert "this month" in words_of(sam.get("/ladder"))
    assert "this month" in words_of(sam.get("/ladder?period=%00'"))


def test_the_table_says_the_same_as_the_picture(stalled: Client) -> None:
    table = words_of(stalled.get("/ladder")).split("The same as a table")[1]
    assert "Rung Stand here Arrived Fell Why they fell Went on Share in 90 days Change Time" in table
    assert "Lead 24 0 0 – 0 20 %" in table


def test_with_the_workers_snapshot_a_page_asks_the_database_at_most_twelve_times(
    stalled: Client, django_assert_max_num_queries: object
) -> None:
    insight_jobs.refresh(now())
    stalled.get("/ladder")
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        stalled.get("/ladder")


def test_the_late_answer_is_told_where_it_waits_and_what_marketing_holds_is_not_late(sam: Client, world: World) -> None:
    assert "1 answer late" in words_of(sam.get("/ladder"))


def test_old_conversions_say_how_old_they_are(stalled: Client) -> None:
    insight_jobs.refresh(now())
    assert "as of" not in words_of(stalled.get("/ladder"))
    Snapshot.objects.update(computed_at=now() - 2 * HOUR)
    assert "against the four quarters before, as of 2 h ago" in words_of(stalled.get("/ladder"))
