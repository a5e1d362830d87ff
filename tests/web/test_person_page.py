"""The page of a person: sentences with their evidence, the timeline's order, and any day of the past."""

import uuid
from typing import Any

import pytest
from django.test import Client

from rung.access.models import User
from rung.jobs.clock import now
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.people.rules import Keys
from rung.terms.instants import DAY
from rung.web.about import in_words
from web.conftest import World
from web.reading import words_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def page_of(name: str, query: str = "") -> str:
    return f"/people/{Person.objects.get(name=name).uuid}{query}"


def test_the_reasons_read_like_a_person_wrote_them(sam: Client) -> None:
    said = words_of(sam.get(page_of("Ana Lima")))
    assert "Head of IT, Acme Ports, ana@acme.example, NO" in said
    assert (
        ", because their score is at least 50 and fit is at least 20. What tipped it: Read Pricing. 58 points then"
        in said
    )
    assert "Demo request once, yesterday. +40 full" in said
    assert "They fit: Target industry +15, Right size +15, Decision maker +10. fit 40" in said
    assert "What is missing for Sales accepted lead Sales has not accepted yet" in said
    assert "Ask next, open “Can you tell me about the main challenges in your operations?”" in said


def test_who_bought_waits_for_nobodys_answer_and_misses_nothing(sam: Client) -> None:
    said = words_of(sam.get(page_of("Chiara Fontana")))
    assert "because a deal is won. What tipped it: Won a deal: d1. On the way they passed MQL, SAL, Prospect" in said
    assert "Nothing is missing This is the highest rung of the ladder." in said
    assert "late" not in said


def test_moves_stand_above_the_event_that_caused_them_and_the_newest_is_first(sam: Client) -> None:
    entries = sam.get(page_of("Chiara Fontana")).context["entries"]
    assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)
    won = next(at for at, entry in enumerate(entries) if entry.said.startswith("Won a deal"))
    assert [entry.said for entry in entries[won - 5 : won]] == [
        "Became Customer", "Passed Opportunity", "Passed Prospect", "Passed SAL", "Passed MQL",
    ]  # fmt: skip
    assert {entry.seq for entry in entries[won - 5 : won + 1]} == {entries[won].seq}


def test_our_own_people_are_named_not_addressed(sam: Client, world: World) -> None:
    answer = {"letter": "need", "confirmed": True, "value": "Monday forecast by hand"}
    ana, sam_lee = Keys(email="ana@acme.example"), world.users["sales"].email
    heard = NewEvent("bant_answered", keys=ana, data=answer, at=now(), by=sam_lee, door="import")
    told = actions.record([heard], by=world.users["sales"], at=now())
    assert not told.refused, told.refused
    said = words_of(sam.get(page_of("Ana Lima")))
    assert "Need Yes: Monday forecast by hand asked by Sam Lee, today" in said
    assert "Need confirmed: Monday forecast by hand (Sam Lee)" in said
    assert "sales@ours.example" not in said


def test_points_that_faded_are_told_once(sam: Client, world: World) -> None:
    keys = Keys(email="elif@marmara.example")
    old = NewEvent("content_downloaded", keys=keys, data={"content": "Guide"}, at=now() - 400 * DAY, door="import")
    actions.record([old], by="test", at=now())
    said = words_of(sam.get(page_of("Elif Yıldız")))
    assert "1 faded away: Paper downloaded" in said
    assert "+0" not in said


def test_the_timeline_shows_one_kind_when_asked(sam: Client) -> None:
    page = sam.get(page_of("Ana Lima", "?show=decisions"))
    assert {entry.group for entry in page.context["entries"]} == {"decisions"}
    assert "Nothing of this kind yet" in words_of(sam.get(page_of("Ana Lima", "?show=mail")))
    everything = sam.get(page_of("Ana Lima", "?show=nonsense"))
    assert len(everything.context["entries"]) == everything.context["all_events"]


def test_a_day_of_the_past_is_decided_as_of_its_end(sam: Client) -> None:
    first = words_of(sam.get(page_of("Chiara Fontana", "/standing?day=0")))
    assert "Lead, 28 points" in first and "Customer since" not in first
    last = words_of(sam.get(page_of("Chiara Fontana", "/standing?day=99999")))
    assert "As of today: Customer, 0 points" in last
    assert 'id="strip" hx-swap-oob="true"' in sam.get(page_of("Ana Lima", "/standing?day=1")).content.decode()


@pytest.mark.parametrize("day", ["", "-1", "1.5", "x", "٣", "123456", "1%00", "0x1"])
def test_a_day_that_is_none_is_not_found(sam: Client, day: str) -> None:
    assert sam.get(page_of("Ana Lima", f"/standing?day={day}")).status_code == 404


def test_an_unknown_person_is_not_found(sam: Client) -> None:
    for path in (f"/people/{uuid.uuid4()}", f"/people/{uuid.uuid4()}/standing?day=1", "/people/7", "/people/%00"):
        assert sam.get(path).status_code == 404, path


def test_a_merged_id_leads_to_who_lives_on(sam: Client, world: World) -> None:
    visitor = Person.objects.get(email="", name="")
    told = NewEvent(
        "person_identified",
        keys=Keys(email="ana@acme.example", anonymous_id="v-1"),
        data={"email": "ana@acme.example"},
        at=now(),
        door="import",
    )
    actions.record([told], by="test", at=now())
    ana = Person.objects.get(name="Ana Lima")
    assert sam.get(f"/people/{visitor.uuid}")["Location"] == f"/people/{ana.uuid}"
    assert sam.get(f"/people/{visitor.uuid}/standing?day=1").status_code == 200


def test_somebody_first_seen_today_has_no_past_to_slide_through(sam: Client, world: World) -> None:
    keys = Keys(email="new@quay.example")
    seen = NewEvent("newsletter_subscribed", keys=keys, data={}, at=now(), door="import")
    actions.record([seen], by="test", at=now())
    page = sam.get(f"/people/{Person.objects.get(email='new@quay.example').uuid}?whole=1")
    assert "data-slider" not in page.content.decode()
    assert "3 entries since today" in words_of(page)
    assert "Lead since today, because we can reach them" in words_of(page).replace("Lead today", "Lead since today")


def test_the_page_does_not_ask_once_for_each_event(sam: Client, django_assert_max_num_queries: Any) -> None:
    sam.get(page_of("Ana Lima"))
    address = page_of("Ana Lima")
    with django_assert_max_num_queries(15):
        sam.get(address)
    with django_assert_max_num_queries(13):
        sam.get(f"{address}/standing?day=3")


def test_the_page_from_the_stored_state_says_what_the_whole_history_says(
    sam: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rung.web.person.this_instant", lambda: world.at + 3 * DAY)
    for person in Person.objects.exclude(name=""):
        begun = sam.get(f"/people/{person.uuid}")
        whole = sam.get(f"/people/{person.uuid}?whole=1")
        assert not begun.context["is_whole"] and whole.context["is_whole"]
        for what in ("standing", "missing", "fit_lines", "steps", "answers", "clock", "question", "first_day", "since"):
            assert begun.context[what] == whole.context[what], (person.name, what)
        told = [[(each.words, each.points, each.note) for each in page.context["reasons"]] for page in (begun, whole)]
        assert told[0] == told[1]
        points = [
            [(each.name, each.now, each.full, each.note) for each in page.context["points"]] for page in (begun, whole)
        ]
        assert points[0] == points[1]
        own = [entry.said for entry in whole.context["entries"] if not entry.who]
        assert [entry.said for entry in begun.context["entries"]] == own


def test_about_them_says_where_they_came_from_whether_we_may_write_and_every_other_fact(sam: Client) -> None:
    ana = Person.objects.get(name="Ana Lima")
    page = f"/people/{ana.uuid}/origin"
    assert "May we write? They were not asked, or have not agreed yet" in words_of(sam.get(page))
    keys = Keys(email="ana@acme.example")
    told = {"heard": "A colleague", "newsletter_topics": ["ports", "cranes"], "seats": 40, "is_trialist": True}
    text = {"text": "You may write to me.", "version": "1"}
    actions.record(
        [
            NewEvent(
                "page_viewed", keys=keys, data={"path": "/", "utm_source": "ads", "utm_campaign": "may"}, at=now()
            ),
            NewEvent("person_described", keys=keys, data=told, at=now(), door="import"),
            NewEvent("consent_given", keys=keys, data=text, at=now(), door="import"),
        ],
        by="test",
        at=now(),
    )
    said = words_of(sam.get(page))
    assert "Heard of us “A colleague” in their own words" in said
    assert "May we write? Yes “You may write to me.” · now" in said
    for fact in ("Newsletter topics ports, cranes", "Seats 40", "Is trialist yes"):
        assert fact in said
    actions.record([NewEvent("unsubscribed", keys=keys, at=now(), door="import")], by="test", at=now())
    assert "May we write? No, unsubscribed" in words_of(sam.get(page))


def test_the_page_says_by_which_door_they_came_and_by_what(sam: Client) -> None:
    keys = Keys(email="jil@kran.example")
    told = {"name": "Jil", "company_name": "Kran", "seats": 12500, "founded_year": 1998}
    actions.record(
        [
            NewEvent("company_described", company="kran.example", data={"name": "Kran"}, door="secret"),
            NewEvent("person_identified", keys=keys, data=told, company="kran.example", source="webhook:zoom"),
            NewEvent("webinar_registered", keys=keys, data={"webinar": "Berths"}, source="webhook:zoom"),
        ],
        by="",
        at=now(),
    )
    said = words_of(sam.get(f"/people/{Person.objects.get(email='jil@kran.example').uuid}/origin"))
    assert "First seen Registered for a webinar: Berths by the webhook zoom · now" in said
    assert "Seats 12,500" in said and "Founded year 1998" in said
    assert "Company name" not in said  # it is the company's, which the page names


def test_whoever_was_written_in_by_one_of_ours_is_said_to_be(sam: Client) -> None:
    by = User.objects.get(role="sales", name__startswith="Sam")
    actions.record([NewEvent("person_described", keys=Keys(email="bo@kran.example"), data={"source": "fair"})], by=by)
    said = words_of(sam.get(f"/people/{Person.objects.get(email='bo@kran.example').uuid}/origin"))
    assert "Came by fair as told First seen Details noted written in by" in said
    assert "Source" not in said


def test_a_fact_bears_a_name_that_people_say() -> None:
    assert (in_words("company.website"), in_words("newsletter_topics")) == ("Company website", "Newsletter topics")
