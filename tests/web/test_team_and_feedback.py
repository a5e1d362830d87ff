"""The manager's team, and the report that holds sales' reasons against what caused the hand-offs."""

from typing import Any, Final

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rung.access.models import Audit
from rung.handoff import actions, carrying
from rung.handoff.models import Absence, Assignment, Carried, Clock, Rep
from rung.jobs.clock import now
from rung.lifecycle.publishing import actions as publishing
from rung.playbook import shipped
from rung.terms.instants import MINUTE
from web.conftest import World
from web.reading import links_of, words_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def kim(world: World) -> Client:
    client = Client()
    client.force_login(world.users["manager"])
    return client


@pytest.fixture
def waiting(world: World) -> Assignment:
    return Assignment.objects.select_related("handoff", "person").get(person__name="Ana Lima")


def asked(client: Client, path: str) -> tuple[Any, int]:
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    return answer, len(queries)


def test_a_manager_s_day_is_the_team_s(kim: Client, waiting: Assignment) -> None:
    assert kim.get("/").headers["Location"] == "/team"
    Clock.objects.update(due_at=now() - MINUTE)
    answer, queries = asked(kim, "/team")
    said = words_of(answer)
    assert "1 hand-off is late, with Sam Lee" in said
    assert "Ana Lima Acme Ports Sam Lee is next in turn in sales" in said
    assert queries <= 12


def test_a_hand_off_is_given_to_somebody_who_answers_them(kim: Client, world: World, waiting: Assignment) -> None:
    at = f"/handoffs/{waiting.handoff.uuid}/assignment"
    assert kim.post(at, {"to": str(world.users["sales"].pk)}).status_code == 302
    waiting.refresh_from_db()
    assert waiting.because == "Kim Tanaka gave it to Sam Lee"
    assert Audit.objects.latest("seq").verb == "reassigned hand-off"
    refused = kim.post(at, {"to": str(world.users["marketing"].pk)})
    assert (refused.status_code, "Rui Santos does not answer hand-offs" in words_of(refused)) == (409, True)
    assert kim.post(at, {"to": "nobody"}).status_code == 409


@pytest.mark.parametrize(
    ("noun", "said", "words"),
    [
        ("desk", {"capacity": "many"}, "Write how many may wait"),
        ("desk", {"capacity": "-1"}, "Write how many may wait"),
        ("absence", {"from": "soon", "until": "later"}, "Write the first and the last day"),
        ("absence", {"from": "2030-01-02", "until": "2030-01-01"}, "The last day lies before the first"),
        ("absence", {"from": "2001-01-01", "until": "2001-01-02"}, "must not be over"),
    ],
)
def test_what_cannot_be_set_is_refused_in_words(
    kim: Client, world: World, noun: str, said: dict[str, str], words: str
) -> None:
    answer = kim.post(f"/team/{world.users['sales'].pk}/{noun}", said)
    assert (answer.status_code, words in words_of(answer)) == (409, True)
    assert not Absence.objects.exists()


def test_a_rep_s_desk_and_days_away_are_kept(kim: Client, world: World) -> None:
    rep = world.users["sales"]
    kim.post(f"/team/{rep.pk}/desk", {"capacity": "5", "countries": "Norway, Sweden", "skills": "Greek"})
    kept = Rep.objects.get(user=rep)
    assert (kept.capacity, kept.countries, kept.skills) == (5, ["Norway", "Sweden"], ["Greek"])
    kim.post(f"/team/{rep.pk}/absence", {"from": "2020-01-01", "until": "2999-01-01"})
    assert not Absence.objects.exists()
    day = kim.get("/team").context["today"]
    kim.post(f"/team/{rep.pk}/absence", {"from": day, "until": day})
    assert "away until" in words_of(kim.get("/team"))
    kim.post(f"/team/{rep.pk}/absence", {"back": "yes"})
    assert not Absence.objects.exists()


def test_a_rejection_is_held_against_the_line_that_caused_it(world: World, waiting: Assignment) -> None:
    by = world.users["sales"]
    actions.reject(handoff_id=waiting.pk, reason="Wrong person", by=by, at=now())
    carrying.carry(now())
    lines = {row.line: row.is_decisive for row in Carried.objects.filter(handoff=waiting.handoff)}
    assert lines == {
        "Page read": False,
        "Pricing page": True,
        "Target industry": True,
        "Right size": True,
        "Decision maker": True,
    }
    client = Client()
    client.force_login(world.users["marketing"])
    answer, queries = asked(client, "/feedback?period=month")
    said = words_of(answer)
    assert said.startswith("Sales rejected 1 of 1: 1 for “Wrong person”")
    assert "Wrong person" in said.split("Why sales rejected")[1]
    assert queries <= 12
    people = words_of(client.get("/feedback/handoffs?period=month&answer=rejected&reason=Wrong+person"))
    assert people.startswith("1 hand-off was rejected for “Wrong person”")
    assert "Ana Lima Acme Ports" in people
    assert links_of(answer, "link")


TEAMS: Final = {
    "pause: [meeting set]": "pause: [meeting set, owner away]",
    "holidays: DE}": "holidays: DE, teams: {North: {timezone: Europe/Oslo, hours: Mon-Fri 08:00-16:00, holidays: NO}}}",
}


def test_what_was_returned_and_accepted_counts_as_accepted_and_every_part_asks_at_most_twelve_times(
    world: World, waiting: Assignment
) -> None:
    """With calendars of teams, days away, and somebody who was merged: all that costs a question more."""
    text = shipped.read("default")
    for before, after in TEAMS.items():
        assert text.count(before) == 1
        text = text.replace(before, after)
    publishing.publish(text, by="cli", at=now())
    sam, rui = world.users["sales"], world.users["marketing"]
    actions.give_back(handoff_id=waiting.pk, reason="Missing fact", by=sam, at=now())
    actions.hand_over(handoff_id=waiting.pk, told={}, by=rui, at=now())
    actions.accept(handoff_id=waiting.pk, by=sam, at=now())
    client = Client()
    client.force_login(rui)
    answer, queries = asked(client, "/feedback?period=month")
    assert queries <= 12, queries
    said = words_of(answer)
    assert "Accepted 100 % 1" in said and "Returned 0 % 0" in said and "Returned first, answered again 1" in said
    duties, queries = asked(client, "/feedback/duties")
    assert queries <= 12, queries
    assert "Accepted by sales marketing 100 % of 70 %" in words_of(duties)
    people, queries = asked(client, "/feedback/handoffs?period=month&answer=accepted")
    assert queries <= 12, queries
    assert "Accepted returned first" in words_of(people) and words_of(people).count("Sam Lee") == 1
    assert words_of(client.get("/feedback/handoffs?answer=returned")).startswith("No hand-off is behind")
    again = words_of(client.get("/feedback/handoffs?answer=again"))
    assert again.startswith("1 hand-off was returned first and answered again")


def test_the_owner_of_the_desk_is_not_who_answered(world: World, waiting: Assignment) -> None:
    """Kim leads: she rejects what lies on Sam's desk, and the report names her; what waits names whom it waits for."""
    client = Client()
    client.force_login(world.users["marketing"])
    assert "with Sam Lee" in words_of(client.get("/feedback/handoffs?answer=open"))
    actions.reject(handoff_id=waiting.pk, reason="Wrong person", by=world.users["manager"], at=now())
    people = words_of(client.get("/feedback/handoffs?answer=rejected"))
    assert "Kim Tanaka" in people and "Sam Lee" not in people


def test_the_people_behind_a_number_may_be_nobody(world: World) -> None:
    client = Client()
    client.force_login(world.users["marketing"])
    said = words_of(client.get("/feedback/handoffs?answer=rejected&source=%27x&line=no&decisive=yes&won=yes&page=9"))
    assert "Nobody is behind this number now" in said
    assert client.get("/feedback/handoffs?reason=%00").status_code == 404
    assert "Sales has answered no hand-off" in words_of(client.get("/feedback?period=%00"))


def test_every_figure_of_a_duty_opens_its_people(world: World, waiting: Assignment) -> None:
    actions.reject(handoff_id=waiting.pk, reason="Wrong person", by=world.users["sales"], at=now())
    client = Client()
    client.force_login(world.users["marketing"])
    assert 'hx-get="/feedback/duties"' in client.get("/feedback?period=month").content.decode()
    report = client.get("/feedback/duties").content.decode()
    names = ("handed-over", "accepted", "nurture", "in-time", "first-touch", "cadence")
    assert all(f'href="/feedback/duties/{name}"' in report for name in names)
    accepted = words_of(client.get("/feedback/duties/accepted"))
    assert accepted.startswith("1 of 1 was not accepted A duty of marketing")
    assert "Ana Lima Acme Ports" in accepted and "Rejected: Wrong person Sam Lee" in accepted
    assert words_of(client.get("/feedback/duties/accepted?kept=yes")).count("Ana Lima") == 0
    late = words_of(client.get("/feedback/duties/in-time"))
    assert late.startswith("1 of 1 was answered late") and "Answered late Sam Lee" in late
    people = words_of(client.get("/feedback/handoffs?period=month&answer=answered&late=yes"))
    assert people.startswith("1 hand-off was answered late") and "Ana Lima" in people
    assert "No hand-off is behind" in words_of(client.get("/feedback/handoffs?answer=answered&late=no"))
