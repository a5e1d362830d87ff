"""The team's page with two hundred reps, everybody without an owner or a next step, and every answer for marketing."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rung.access.models import Team, User
from rung.handoff import actions
from rung.handoff.models import Assignment, Clock
from rung.jobs.clock import now
from rung.lifecycle import actions as lifecycle
from rung.lifecycle.rules import NewEvent
from rung.people.rules import Keys
from rung.terms.instants import DAY, MINUTE
from web.conftest import World
from web.reading import links_of, words_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def signed_in(world: World, role: str) -> Client:
    client = Client()
    client.force_login(world.users[role])
    return client


def test_two_hundred_reps_cost_no_more_than_twelve_queries(world: World) -> None:
    teams = [Team.objects.create(name=f"T{number}") for number in range(8)]
    told = ((f"r{number}@ours.example", f"R {number}", teams[number % 8]) for number in range(200))
    User.objects.bulk_create(
        User(email=email, name=name, role="sales", team=team, created_at=1) for email, name, team in told
    )
    kim = signed_in(world, "manager")
    kim.get("/team")
    with CaptureQueriesContext(connection) as queries:
        answer = kim.get("/team")
    assert len(answer.context["members"]) == 201
    assert len(queries) <= 12, "\n".join(query["sql"][:150] for query in queries)


def test_everybody_without_an_owner_or_a_next_step_is_listed_page_by_page(world: World) -> None:
    told = []
    for number in range(130):
        keys = Keys(email=f"p{number}@loose.example")
        told += [NewEvent("person_described", keys=keys, data={"name": f"P {number:03}"})]
        told += [NewEvent("stage_overridden", keys=keys, data={"to": "prospect", "because": "met", "until": None})]
    assert not lifecycle.record(told, by="sales@ours.example", at=now()).refused
    Clock.objects.all().delete()  # nobody is owed anything, and nothing is planned
    kim = signed_in(world, "manager")
    first = kim.get("/team")
    count = first.context["loose_count"]
    assert count >= 130
    assert len(first.context["loose"]) == 12
    assert "?loose=1#loose" in links_of(first, "link")
    pages = [kim.get(f"/team?loose={page}") for page in (1, 2)]
    names = [row["name"] for page in pages for row in page.context["loose"]]
    assert len(names) == len(set(names)) == count
    assert "?loose=2#loose" in links_of(pages[0], "link")
    assert "?loose=3#loose" not in links_of(pages[1], "link")
    for odd in ("x", "0", "-1", "99999", "1e9", "²"):
        assert kim.get(f"/team?loose={odd}").status_code == 200


def test_marketing_reads_every_answer_with_its_reason_its_note_and_who_gave_it(world: World) -> None:
    waiting = Assignment.objects.select_related("person", "handoff").get(person__name="Ana Lima")
    Clock.objects.filter(assignment=waiting).update(started_at=now() - DAY, due_at=now() - 30 * MINUTE)
    ada, sam = world.users["admin"], world.users["sales"]
    actions.give_back(handoff_id=waiting.pk, reason="Missing fact", note="Which plant?", by=ada, at=now())
    actions.hand_over(handoff_id=waiting.pk, told={"plant": "Bergen"}, by=world.users["marketing"], at=now())
    actions.reject(handoff_id=waiting.pk, reason="No budget", note="Asked twice", by=sam, at=now())
    rui = signed_in(world, "marketing")
    said = words_of(rui.get("/"))
    assert "Ana Lima Acme Ports Rejected: No budget: Asked twice by Sam Lee" in said
    assert "Ana Lima Acme Ports Returned: Missing fact: Which plant? by Ada Berg 30 min late" in said
