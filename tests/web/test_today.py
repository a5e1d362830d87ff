"""Today: the title says whom to answer, rows open, answers are nouns, refusals say who was first."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rung.handoff.actions import accept
from rung.handoff.models import Assignment, Clock, Task
from rung.history.models import Event
from rung.jobs.clock import now
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.terms.instants import MINUTE, SECOND, parse_instant
from rung.web import today
from web.conftest import World
from web.reading import words_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def waiting(world: World) -> Assignment:
    """Ana's hand-off, the only one that waits, with twenty minutes left by the wall clock."""
    at = now()
    Assignment.objects.exclude(person__name="Ana Lima").update(queue="done", ended_at=at)
    Clock.objects.exclude(person__name="Ana Lima").update(stopped_at=at)
    Clock.objects.filter(person__name="Ana Lima").update(due_at=at + 20 * MINUTE, warn_at=at + 10 * MINUTE)
    return Assignment.objects.select_related("handoff", "person").get(person__name="Ana Lima")


def post(client: Client, waiting: Assignment, noun: str, **said: str) -> Any:
    return client.post(f"/handoffs/{waiting.handoff.uuid}/{noun}", said)


def test_the_title_names_who_is_first_and_her_row_lies_open(sam: Client, waiting: Assignment) -> None:
    said = words_of(sam.get("/"))
    assert said.startswith(("Answer Ana Lima", "Ana Lima is first when the clock opens"))
    assert "It is the only hand-off on your desk." in said
    assert "Lately: Demo request, Form filled" in said
    assert "Accept A Reject R Return T" in said
    assert "Sales Lee" not in said
    assert "is next in turn in sales" in said


def test_the_page_asks_the_database_at_most_twelve_times(sam: Client, waiting: Assignment) -> None:
    sam.get("/")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        sam.get("/")
    assert len(asked) <= 12, "\n".join(query["sql"][:150] for query in asked)


def test_accepting_draws_the_row_anew_with_the_first_call_to_make(sam: Client, waiting: Assignment) -> None:
    answer = post(sam, waiting, "acceptance")
    assert answer.status_code == 200
    said = words_of(answer)
    assert "Accepted. Ana Lima is Sales accepted lead now. The first call is owed by" in said
    assert "Log a call: how did it go?" in said
    assert "First calls 1" in words_of(sam.get("/"))


def test_who_comes_second_reads_who_was_first(sam: Client, world: World, waiting: Assignment) -> None:
    accept(handoff_id=waiting.pk, by=world.users["admin"], at=now())
    before = Event.objects.count()
    answer = post(sam, waiting, "rejection", reason="No budget")
    assert answer.status_code == 409
    assert "Ada Berg accepted Ana Lima before you" in words_of(answer)
    assert Event.objects.count() == before


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "Say why: choose one of No budget, No authority"),
        ({"reason": "Ugly"}, "“Ugly” is no reason to reject in the playbook in force"),
        ({"reason": "Not urgent", "until": "tomorrow"}, "Say until when, as a day such as 2027-03-01"),
        ({"reason": "No budget", "note": "a\x00b"}, "NUL"),
    ],
)
def test_a_refused_answer_says_why_and_writes_nothing(
    sam: Client, waiting: Assignment, said: dict[str, str], words: str
) -> None:
    before = Event.objects.count()
    answer = post(sam, waiting, "rejection", **said)
    assert (answer.status_code, words in words_of(answer)) == (409, True)
    assert Event.objects.count() == before


def test_a_rejection_and_its_reason_reach_marketing(sam: Client, waiting: Assignment, world: World) -> None:
    assert "Rejected: No budget. Ana Lima is Nurture now." in words_of(
        post(sam, waiting, "rejection", reason="No budget")
    )
    rui = Client()
    rui.force_login(world.users["marketing"])
    assert "Ana Lima Acme Ports Rejected: No budget by Sam Lee" in words_of(rui.get("/"))


def test_what_is_returned_lies_with_marketing_who_hands_it_over_again(
    sam: Client, waiting: Assignment, world: World
) -> None:
    assert "Returned to marketing" in words_of(post(sam, waiting, "return", reason="Missing fact", note="Which plant?"))
    rui = Client()
    rui.force_login(world.users["marketing"])
    assert "Complete Ana Lima first" in words_of(rui.get("/"))
    assert "Missing fact: Which plant?" in words_of(rui.get("/"))
    told = post(rui, waiting, "documentation", plant="Bergen")
    assert "Handed over: Sam Lee" in words_of(told)
    assert Person.objects.get(pk=waiting.person_id).traits["plant"] == "Bergen"


def test_another_team_s_hand_off_is_not_there(world: World, waiting: Assignment) -> None:
    from rung.access.actions import add_user

    eva = add_user(email="eva@ours.example", name="Eva", role="sales", team="South", by="test", at=1)
    client = Client()
    client.force_login(eva)
    assert client.get(f"/handoffs/{waiting.handoff.uuid}").status_code == 404
    assert post(client, waiting, "acceptance").status_code == 404


def test_a_call_two_answers_and_two_admissions_climb_the_ladder(sam: Client, waiting: Assignment) -> None:
    post(sam, waiting, "acceptance")
    at = f"/people/{waiting.person.uuid}"
    assert "Noted." in words_of(sam.post(f"{at}/touches", {"how": "call", "outcome": "positive"}))
    said = words_of(sam.post(f"{at}/answers", {"letter": "need", "confirmed": "yes", "value": "Port volumes"}))
    assert "Ana Lima is Prospect now, because reached and bant >= 1 and not rejected." in said
    assert "Ask next, must be answered to be Prospect “How will we solve a problem and create value for them?”" in said
    sam.post(f"{at}/answers", {"question": "value", "answer": "We take over the weekly forecast"})
    sam.post(f"{at}/answers", {"letter": "budget", "confirmed": "yes", "amount": "20,000", "period": "year"})
    sam.post(f"{at}/answers", {"letter": "timing", "confirmed": "yes", "date": "2027-03-01"})
    sam.post(f"{at}/admissions", {"admission": "considering"})
    said = words_of(sam.post(f"{at}/admissions", {"admission": "change"}))
    assert "Ana Lima is Opportunity now" in said
    assert Event.objects.get(kind="bant_answered", data__letter="budget").data == {
        "letter": "budget", "confirmed": "yes", "amount": 2_000_000, "currency": "EUR", "period": "year",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("noun", "said", "words"),
    [
        ("touches", {"how": "pigeon"}, "is no way to reach people"),
        ("touches", {"how": "call"}, "Say how the call went"),
        ("touches", {"how": "call", "outcome": "great"}, "is no outcome"),
        ("answers", {"letter": "hope", "confirmed": "yes"}, "is no letter of BANT"),
        ("answers", {"letter": "need", "confirmed": "maybe"}, "Say yes or no"),
        ("answers", {"letter": "budget", "confirmed": "yes", "amount": "lots"}, "in whole units"),
        ("answers", {"letter": "timing", "confirmed": "yes", "date": "soon"}, "is no day"),
        ("answers", {"question": "value", "answer": " "}, "Write what they answered"),
        ("answers", {"question": "decision_date", "answer": "soon"}, "is no day"),
        ("admissions", {"admission": "love"}, "is no admission"),
        ("frictions", {"friction": ""}, "Say what stands in the way"),
        ("competitors", {"competitor": "", "using": "now"}, "Name the other solution"),
        ("ticks", {"line": "never"}, "stands in no checklist"),
    ],
)
def test_what_cannot_be_noted_is_refused_in_words(
    sam: Client, waiting: Assignment, noun: str, said: dict[str, str], words: str
) -> None:
    before = Event.objects.count()
    answer = sam.post(f"/people/{waiting.person.uuid}/{noun}", said)
    assert (answer.status_code, words in words_of(answer)) == (409, True)
    assert Event.objects.count() == before


def test_marketing_may_log_a_touch_and_may_not_qualify(world: World, waiting: Assignment) -> None:
    rui = Client()
    rui.force_login(world.users["marketing"])
    at = f"/people/{waiting.person.uuid}"
    assert rui.post(f"{at}/touches", {"how": "mail"}).status_code == 200
    refused = rui.post(f"{at}/answers", {"letter": "need", "confirmed": "yes"})
    assert (refused.status_code, "does not allow this: qualify" in words_of(refused)) == (403, True)


def test_replies_and_deals_at_risk_have_their_rows(sam: Client, world: World, waiting: Assignment) -> None:
    accept(handoff_id=waiting.pk, by=world.users["sales"], at=now())
    reply = NewEvent("email_replied", person=waiting.person_id, data={"text": "Yes, Thursday works."})
    deal = NewEvent("deal_opened", person=waiting.person_id, data={"deal": "d7"})
    actions.record([reply, deal], by="mail", at=now() + SECOND)
    said = words_of(sam.get("/"))
    assert "Write back to Ana Lima" in said
    assert "“Yes, Thursday works.”" in said
    assert "No decision maker named" in said


def test_with_nothing_to_do_the_page_says_what_would_be_here(sam: Client, waiting: Assignment) -> None:
    Clock.objects.update(stopped_at=now())
    assert words_of(sam.get("/")).startswith("Nothing waits for you A hand-off shows up here the moment it opens")


def test_a_late_clock_says_how_late(sam: Client, waiting: Assignment) -> None:
    Clock.objects.update(due_at=now() - 5 * MINUTE)
    assert "Answer Ana Lima now: 5 min late" in words_of(sam.get("/"))


def test_an_answer_is_taken_back_from_its_row_and_the_row_waits_again(sam: Client, waiting: Assignment) -> None:
    answer = post(sam, waiting, "rejection", reason="No budget")
    news = json.loads(answer.headers["HX-Trigger"])["rung:answered"]
    assert news == {"said": "Ana Lima: Rejected: No budget", "undo": f"/handoffs/{waiting.handoff.uuid}/undoing"}
    assert "Undo U" in words_of(answer)
    back = post(sam, waiting, "undoing")
    said = words_of(back)
    assert (back.status_code, "Taken back: it waits again, and its clock ran on." in said) == (200, True)
    assert "Accept A Reject R Return T" in said
    assert "HX-Trigger" not in back.headers
    assert words_of(sam.get("/")).startswith(("Answer Ana Lima", "Ana Lima is first when the clock opens"))
    again = post(sam, waiting, "undoing")
    words = "The answer was taken back before. Nothing was changed."
    assert (again.status_code, words in words_of(again)) == (409, True)


def test_what_followed_is_said_on_the_row(sam: Client, waiting: Assignment) -> None:
    post(sam, waiting, "acceptance")
    sam.post(f"/people/{waiting.person.uuid}/touches", {"how": "call", "outcome": "no_answer"})
    back = post(sam, waiting, "undoing")
    words = "Since then Sam Lee noted: Called them (Ana Lima). The answer stands."
    assert (back.status_code, words in words_of(back)) == (409, True)


def test_another_team_s_answer_cannot_be_taken_back(sam: Client, world: World, waiting: Assignment) -> None:
    from rung.access.actions import add_user

    post(sam, waiting, "acceptance")
    eva = add_user(email="eva@ours.example", name="Eva", role="sales", team="South", by="test", at=1)
    for user, status in ((eva, 404), (world.users["marketing"], 403)):
        client = Client()
        client.force_login(user)
        assert post(client, waiting, "undoing").status_code == status


def test_whoever_leads_takes_it_back_on_the_person_s_page_while_nothing_has_moved_them(
    sam: Client, world: World, waiting: Assignment
) -> None:
    post(sam, waiting, "rejection", reason="No budget")
    page = f"/people/{waiting.person.uuid}"
    kim = Client()
    kim.force_login(world.users["manager"])
    assert "Take the answer back" in words_of(kim.get(page))
    told = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}"}
    answer = kim.post(f"/handoffs/{waiting.handoff.uuid}/undoing", headers=told)
    assert answer.headers["HX-Refresh"] == "true"
    drawn = kim.get(page).content.decode()
    assert "Taken back: it waits again, and its clock ran on." in drawn
    assert "Take the answer back" not in drawn


@pytest.mark.parametrize(("answer", "told"), [("acceptance", {}), ("return", {"reason": "Missing fact"})])
def test_what_would_be_refused_is_not_offered(
    sam: Client, world: World, waiting: Assignment, answer: str, told: dict[str, str]
) -> None:
    """After the answer it is, after a letter was sent it is not: that would stand in the way."""
    post(sam, waiting, answer, **told)
    page = f"/people/{waiting.person.uuid}"
    kim = Client()
    kim.force_login(world.users["manager"])
    assert "Take the answer back" in words_of(kim.get(page))
    sam.post(f"{page}/touches", {"how": "letter"})
    assert "Take the answer back" not in words_of(kim.get(page))
    refused = kim.post(f"/handoffs/{waiting.handoff.uuid}/undoing")
    assert refused.status_code == 409 and "Since then Sam Lee noted: Sent a letter" in words_of(refused)


def test_what_was_returned_first_is_accepted_like_any_other(sam: Client, world: World, waiting: Assignment) -> None:
    post(sam, waiting, "return", reason="Missing fact")
    rui = Client()
    rui.force_login(world.users["marketing"])
    post(rui, waiting, "documentation")
    said = post(sam, waiting, "acceptance")
    assert "Accepted. Ana Lima is Sales accepted lead now. The first call is owed" in words_of(said)
    assert "Log a call" in words_of(said)
    kim = Client()
    kim.force_login(world.users["manager"])
    late = post(kim, waiting, "rejection", reason="No budget")
    assert late.status_code == 409 and "Sam Lee accepted Ana Lima before you" in words_of(late)


def test_what_is_planned_stands_beside_the_work_and_is_called_off_there(
    sam: Client, world: World, waiting: Assignment
) -> None:
    page = f"/people/{waiting.person.uuid}"
    told = {"kind": "meeting", "what": "Demo", "day": "2026-11-27", "hour": "14:30", "attendees": "Her boss"}
    assert "27 Nov, 14:30 Demo Meeting with Her boss Call off" in words_of(sam.post(f"{page}/tasks", told))
    assert "A meeting is set: how did it go?" in words_of(sam.get(f"{page}/work"))
    assert "meeting set" in words_of(sam.get(page))
    kim = Client()
    kim.force_login(world.users["manager"])
    assert "Demo Meeting with Her boss, Sam Lee" in words_of(kim.get(f"{page}/work"))
    task = Task.objects.get(what="Demo")
    refused = kim.post("/tasks/changes", {"task": str(task.uuid), "act": "off"})
    assert refused.status_code == 409 and Task.objects.get(pk=task.pk).done_at is None
    said = sam.post("/tasks/changes", {"task": str(task.uuid), "act": "off"}, headers={"HX-Request": "true"})
    assert "1 task called off." in words_of(said) and "Call off" not in words_of(said)
    assert "Called off a meeting" in words_of(sam.get(f"{page}?whole=1"))


def test_a_deal_whose_day_passed_says_by_how_many_days() -> None:
    noon = parse_instant("2026-03-05T12:00:00Z")
    told = [today._past(day, noon) for day in ("2026-03-01", "2026-03-04", "2026-03-05", "soon")]
    assert told == ["4 d past", "1 d past", "1 d past", "day past"]
