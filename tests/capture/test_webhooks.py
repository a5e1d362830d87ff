"""Webhooks: what a message means, what is refused and replayed, and nothing that makes the door fall."""

import json
from typing import Any

import pytest
from django.test import Client

from rung.access.actions import NotAllowed, Refused, add_user
from rung.access.models import Audit
from rung.capture.models import HookMessage, Webhook
from rung.capture.webhooks import hook_mapping, hooking
from rung.capture.webhooks.hook_mapping import BadMapping, NotMapped
from rung.history.models import Event
from rung.jobs.clock import now
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.people.rules import Keys

BOOKED: dict[str, Any] = {
    "event": "invitee.created",
    "payload": {
        "uri": "https://api.calendly.example/invitees/1",
        "email": "ana@acme.example",
        "name": "Ana Lima",
        "scheduled_event": {"start_time": "2026-12-01T10:00:00Z", "name": "Demo"},
    },
}


def made(template: str = "booking", name: str = "calendly") -> str:
    return "/w/" + hooking.add_webhook(name=name, template=template, by="test", at=1).token


def plain_chat() -> str:
    """A webhook whose messages name a visitor and what they wrote."""
    where = made("empty", "chat")
    mapping = {"kind": "question_asked", "email": "/visitor/email", "name": "/visitor/name", "id": "/id"}
    hooking.map_webhook(name="chat", told={**mapping, "data": {"question": "/message"}}, by="test", at=1)
    return where


def told(client: Client, where: str, body: Any, content_type: str = "application/json") -> Any:
    return client.post(where, body if isinstance(body, (str, bytes)) else json.dumps(body), content_type=content_type)


@pytest.mark.django_db
def test_a_booking_is_an_event_of_its_person_once_however_often_it_is_told(client: Client) -> None:
    where = made()
    assert told(client, where, BOOKED).json() == {"outcome": "accepted", "events": 2, "why": ""}
    assert told(client, where, BOOKED).json()["outcome"] == "duplicate"
    assert told(client, where, {**BOOKED, "event": "routing_form_submission.created"}).json()["outcome"] == "passed"
    booked = Event.objects.get(kind="meeting_booked")
    assert (booked.source, booked.data) == ("webhook:calendly", {"starts": "2026-12-01T10:00:00Z", "meeting": "Demo"})
    ana = Person.objects.get()
    assert (ana.email, ana.name) == ("ana@acme.example", "Ana Lima")


@pytest.mark.django_db
def test_a_stranger_in_a_message_overwrites_nothing(client: Client) -> None:
    keys = Keys(email="ana@acme.example")
    actions.record([NewEvent("person_described", keys=keys, data={"name": "Ana Lima"})], by="test")
    other = {**BOOKED, "payload": {**BOOKED["payload"], "name": "Mallory"}}
    told(client, made(), other)
    assert Person.objects.get().name == "Ana Lima"


@pytest.mark.django_db
def test_what_is_refused_is_kept_and_replayed_once_the_mapping_is_right(client: Client) -> None:
    where = made("empty", "chat")
    message = {"who": {"mail": "bo@acme.example"}, "at": 1_760_000_000, "text": "Hello?"}
    answer = told(client, where, message)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "refused")
    assert Event.objects.count() == 0
    mapping = {"kind": "question_asked", "email": "/who/mail", "time": "/at", "data": {"question": "/text"}}
    hooking.map_webhook(name="chat", told=mapping, by="test", at=2)
    assert hooking.replay(name="chat", ids=None, by="test", at=now()) == (1, 0)
    asked = Event.objects.get(kind="question_asked")
    assert (asked.data, asked.occurred_at) == ({"question": "Hello?"}, 1_760_000_000_000_000)
    assert HookMessage.objects.get().outcome == "accepted"
    with pytest.raises(Refused, match="nothing to replay"):
        hooking.replay(name="chat", ids=None, by="test", at=3)
    verbs = list(Audit.objects.filter(object="webhook chat").order_by("seq").values_list("verb", flat=True))
    assert verbs == ["added webhook", "mapped webhook", "replayed webhook"]


@pytest.mark.django_db
def test_of_a_list_what_cannot_be_read_is_left_out_by_number_and_the_rest_comes_in_once(client: Client) -> None:
    where = made("attendance", "webinar")
    people = [{"email": f"p{number}@acme.example", "name": "Pia", "minutes": 40} for number in range(3)]
    assert told(client, where, {"participants": people}).json()["events"] == 6
    assert Event.objects.filter(kind="webinar_attended").count() == 3
    more = [*people, {"email": "no"}, {"name": "Nobody"}, {"email": "q@acme.example"}]
    answer = told(client, where, {"participants": more}).json()
    assert (answer["outcome"], answer["events"]) == ("accepted", 2)
    assert answer["why"] == (
        "2 left out: Number 4: no at /email is no e-mail address. Number 5: There is neither an e-mail address"
        " nor a phone number where the mapping looks for them."
    )
    assert Event.objects.filter(kind="webinar_attended").count() == 4
    none = told(client, where, {"participants": [{"email": "no"}]}).json()
    assert (none["outcome"], none["why"]) == ("refused", "Number 1: no at /email is no e-mail address.")


@pytest.mark.django_db
def test_a_badge_list_comes_as_csv(client: Client) -> None:
    where = made("badges", "fair")
    text = "\ufeffEmail;Name;Company\r\nana@acme.example;Ana Lima;acme.example\r\nbo@acme.example;Bo;acme.example\r\n"
    assert told(client, where, text.encode(), "text/csv; charset=utf-8").json()["events"] == 4
    assert set(Person.objects.values_list("company__key", flat=True)) == {"acme.example"}


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"kind": "deal_won"}, "nothing a webhook can tell"),
        ({"kinds": {"x": "person_identified"}}, "nothing a webhook can tell"),
        ({"email": "who"}, "is no place"),
        ({"email": 3}, "cannot be read"),
        ({"owner": "/x"}, "cannot be read"),
        ({"data": {"": "/x"}}, "needs a name"),
    ],
)
def test_what_cannot_be_a_mapping_says_why(mapping: Any, words: str) -> None:
    with pytest.raises(BadMapping, match=words):
        hook_mapping.mapping_of(mapping)


def test_every_place_of_a_message_can_be_pointed_at() -> None:
    message = {"a/b": {"c~d": 1}, "list": [{"x": "y"}, {"x": "z"}], "none": None}
    for pointer, value in hook_mapping.leaves(message):
        found = hook_mapping.at(message, pointer)
        assert value == f"a list of {len(found)}" if isinstance(found, list) else value == str(found or "")
    assert ("/x", "y") in hook_mapping.leaves(message, "/list")
    assert hook_mapping.at(message, "/list/9/x") is None


@pytest.mark.django_db
def test_nothing_hostile_makes_the_door_fall(client: Client) -> None:
    where = plain_chat()
    naughty: list[Any] = [
        "", "{", "[]", "7", '"x"', "[" * 100_000, '{"a":' * 5_000, '{"x": NaN}', '{"x": 1e999}', b"\xff\xfe\x00",
        '{"id": ' + "9" * 5_000 + "}", {"visitor": {"email": "a\0@b.example"}}, {"visitor": "x"},
        {"visitor": {"email": ["a@b.example"]}}, {"visitor": {"email": "a@b.example"}, "message": "\0"},
        {"visitor": {"email": "a@b.example", "name": "x" * 5_000}},
        '{"visitor": {"email": "a@b.example", "name": "\\ud800"}}',
        {"visitor": {"email": "a@b.example"}, "message": {"deep": [1]}, "id": "y" * 900},
    ]  # fmt: skip
    for body in naughty:
        for content_type in ("application/json", "text/csv", "application/x-www-form-urlencoded"):
            assert told(client, where, body, content_type).status_code == 200, str(body)[:40]
    assert told(client, where, "x" * 300_000).status_code == 413
    assert Webhook.objects.get().messages.count() == 3 * len(naughty)


@pytest.mark.django_db
def test_an_address_is_secret_closed_for_good_and_kept_from_guessing(client: Client) -> None:
    where = made()
    assert where.removeprefix("/w/") not in str(list(Webhook.objects.values()))
    hooking.close_webhook(name="calendly", by="test", at=2)
    assert told(client, where, BOOKED).status_code == 404
    for _ in range(100):
        told(client, "/w/guess", BOOKED)
    assert told(client, "/w/guess", BOOKED).status_code == 429
    sam = add_user(email="sam@ours.example", role="sales", by="test", at=1)
    for act in (
        lambda: hooking.add_webhook(name="x", template="chat", by=sam, at=3),
        lambda: hooking.map_webhook(name="calendly", told={}, by=sam, at=3),
        lambda: hooking.replay(name="calendly", ids=None, by=sam, at=3),
        lambda: hooking.close_webhook(name="calendly", by=sam, at=3),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_a_time_is_read_in_the_ways_programs_write_it() -> None:
    mapping = hook_mapping.mapping_of({"kind": "meeting_booked", "email": "/e", "time": "/t"})
    at = 1_764_583_200_000_000
    for written in ("2025-12-01T10:00:00Z", "2025-12-01T11:00:00+01:00", 1_764_583_200, 1_764_583_200_000):
        ((one,), _) = hook_mapping.meant({"e": "a@b.example", "t": written}, mapping)
        assert one.at == at, written
    for written in ("soon", 1e300, -5, True, [1]):
        with pytest.raises(NotMapped, match="is no time"):
            hook_mapping.meant({"e": "a@b.example", "t": written}, mapping)


@pytest.mark.django_db
def test_a_message_of_which_a_part_cannot_be_kept_leaves_nothing_behind(client: Client) -> None:
    where = plain_chat()
    answer = told(client, where, '{"visitor": {"email": "pia@b.example"}, "message": 1e999}').json()
    assert (answer["outcome"], answer["why"]) == ("refused", "question is not a finite number")
    assert not Person.objects.exists()
