"""From the inbox into the history: once, in order, whatever dies in between; what is refused can be taken in later."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from rung.access.actions import NotAllowed, Refused, add_user
from rung.capture.collector import refusals, taking
from rung.capture.collector.inbox import Inbox, Item
from rung.capture.models import Arrival, CaptureCount, InboxPosition, RefusedEvent
from rung.history.models import Event
from rung.lifecycle import actions
from rung.people.models import Person

pytestmark = pytest.mark.django_db
AT = 1_772_359_200_000_000


class House:
    """An inbox and its intake."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.inbox = Inbox(path)

    def put(self, *messages: dict[str, Any] | bytes, door: str = "secret", source: str = "key:app") -> None:
        self.inbox.append(
            [
                Item(AT + n, None, source, door, f"spare-{n}", False, "", "", 1, raw)
                if isinstance(raw, bytes)
                else Item(
                    AT + n, None, source, door, raw.get("messageId", f"spare-{n}"), False, "", "", 1,
                    json.dumps(raw).encode(),
                )
                for n, raw in enumerate(messages)
            ]
        )  # fmt: skip

    def turn(self) -> int:
        return taking.Intake(self.path).turn(2**62)

    def left(self) -> int:
        return self.inbox.waiting(0)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "inbox.sqlite3")
    yield made
    made.inbox.close()


def view(id_: str, user: str = "ana@acme.example", **more: Any) -> dict[str, Any]:
    return {"type": "page", "messageId": id_, "userId": user, "properties": {"path": "/pricing"}, **more}


def counts() -> dict[str, int]:
    found: dict[str, int] = {}
    for row in CaptureCount.objects.all():
        found[row.outcome] = found.get(row.outcome, 0) + row.number
    return found


def test_messages_become_events_of_their_people_in_order(house: House) -> None:
    house.put(
        {"type": "identify", "messageId": "1", "userId": "u-1", "traits": {"email": "Ana@Acme.example", "name": "Ana"}},
        view("2", "u-1", timestamp="2026-03-01T09:59:00Z"),
        {"type": "group", "messageId": "3", "userId": "u-1", "groupId": "acme.example", "traits": {"employees": 400}},
        {"type": "track", "messageId": "4", "userId": "u-1", "event": "Demo Requested", "properties": {"form": "demo"}},
        {"type": "track", "messageId": "5", "userId": "u-1", "event": "Tea Drunk"},
    )
    assert house.turn() == 5
    told = [
        (each.kind, each.message_id, each.source) for each in Event.objects.filter(source="key:app").order_by("seq")
    ]
    assert told == [
        ("person_identified", "1", "key:app"),
        ("page_viewed", "2", "key:app"),
        ("person_described", "3", "key:app"),
        ("company_described", "3:1", "key:app"),
        ("demo_requested", "4", "key:app"),
        ("custom", "5", "key:app"),
    ]
    ana = Person.objects.get()
    assert (ana.name, ana.email, ana.company.key) == ("Ana", "Ana@Acme.example", "acme.example")
    assert Event.objects.get(message_id="2").occurred_at == 1_772_359_140_000_000
    assert counts() == {"received": 5, "accepted": 5}
    assert (house.left(), InboxPosition.objects.get().number) == (0, 5)


def test_a_wrong_clock_is_put_right_by_how_long_ago_it_says_it_was(house: House) -> None:
    raw = json.dumps(view("1", timestamp="2001-01-01T00:00:00Z")).encode()
    sent_at = 978_307_200_000_000 + 90_000_000
    house.inbox.append([Item(AT, sent_at, "key:app", "secret", "1", False, "", "", 1, raw)])
    house.turn()
    assert Event.objects.get(message_id="1").occurred_at == AT - 90_000_000


def test_the_same_message_comes_in_once_however_often_it_is_sent(house: House) -> None:
    house.put(view("1"), view("1"))
    house.turn()
    house.put(view("1"), view("2"))
    house.turn()
    house.put(view("1"), source="key:other")
    house.turn()
    assert Event.objects.filter(kind="page_viewed").count() == 3
    assert counts() == {"received": 5, "accepted": 3, "duplicate": 2}


def test_a_worker_that_died_before_it_could_delete_takes_nothing_twice(house: House, monkeypatch: Any) -> None:
    house.put(*(view(str(n)) for n in range(5)))
    monkeypatch.setattr(Inbox, "delete_up_to", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        house.turn()
    monkeypatch.undo()
    house.put(view("6"))
    assert house.turn() == 1
    assert (counts(), house.left()) == ({"received": 6, "accepted": 6}, 0)


def test_a_worker_that_dies_in_the_middle_leaves_everything_where_it_was(house: House, monkeypatch: Any) -> None:
    house.put(*(view(str(n)) for n in range(5)))
    monkeypatch.setattr(taking, "tally", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        house.turn()
    monkeypatch.undo()
    assert (Event.objects.count(), house.left()) == (0, 5)
    house.turn()
    assert counts() == {"received": 5, "accepted": 5}


def test_among_many_messages_a_transaction_takes_twice_as_many_while_it_is_short() -> None:
    half, whole = taking.LONGEST_HOLD // 2, taking.LONGEST_HOLD
    assert [taking.at_a_time(800, held=held) for held in (0, half, half + 1, whole, whole + 1)] == [
        1_600, 1_600, 800, 800, 400,
    ]  # fmt: skip
    assert (taking.at_a_time(taking.MOST, held=0), taking.at_a_time(taking.FEWEST, held=2 * whole)) == (4_000, 100)


def test_a_backlog_is_taken_in_ever_larger_parts(house: House, monkeypatch: Any) -> None:
    house.put(*[view(str(number), user=f"u{number % 3}") for number in range(700)])
    record, parts = actions.record, []

    def counting(events: Any, **told: Any) -> Any:
        parts.append(len(events))
        return record(events, **told)

    monkeypatch.setattr(actions, "record", counting)
    monkeypatch.setattr(taking, "LONGEST_HOLD", 2**40)
    assert (house.turn(), parts) == (700, [100, 200, 400])


def test_large_messages_are_read_a_few_at_a_time(house: House) -> None:
    house.put(*[view(str(number), body="x" * 1_000) for number in range(5)])
    assert [len(house.inbox.after(0, 5, most_bytes=size)) for size in (1, 2_000, 2_400, 10_000)] == [1, 2, 3, 5]


def test_a_database_that_is_away_loses_nothing_and_blames_no_message(house: House, monkeypatch: Any) -> None:
    house.put(view("1"))

    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("the server closed the connection")

    with monkeypatch.context() as patch, pytest.raises(OperationalError):
        patch.setattr(actions, "record", away)
        house.turn()
    assert (RefusedEvent.objects.count(), house.left()) == (0, 1)
    assert house.turn() == 1


def test_a_message_that_breaks_the_house_stands_alone_in_the_log(house: House, monkeypatch: Any) -> None:
    record = actions.record

    def breaking(events: Any, **how: Any) -> Any:
        if any(event.message_id == "3" for event in events):
            raise ZeroDivisionError("a defect")
        return record(events, **how)

    monkeypatch.setattr(actions, "record", breaking)
    house.put(*(view(str(n)) for n in range(8)), b"not even JSON")
    assert house.turn() == 9
    assert counts() == {"received": 9, "accepted": 7, "defect": 1, "not_json": 1}
    told = RefusedEvent.objects.get(reason="defect")
    assert (told.message_id, told.words) == ("3", "ZeroDivisionError: a defect")


def test_a_restored_inbox_counts_as_another_one(house: House, tmp_path: Path) -> None:
    house.put(*(view(str(n)) for n in range(5)))
    house.turn()
    InboxPosition.objects.update(number=500)  # as if the main database were younger than this file
    house.put(view("9"))
    assert house.turn() == 1
    assert sorted(InboxPosition.objects.values_list("number", flat=True)) == [6, 500]


def test_the_feed_shows_the_latest_with_what_became_of_them(house: House) -> None:
    house.put(view("1"), view("1"), b"{}")
    house.turn()
    told = [(each.said, each.outcome) for each in Arrival.objects.order_by("pk")]
    assert told[:2] == [("Read a page: /pricing", "accepted"), ("Read a page: /pricing", "duplicate")]
    assert told[2][1] == "not_an_event"
    assert Arrival.objects.earliest("pk").event_seq == Event.objects.get(message_id="1").seq


# Refused, and taken in after all


@pytest.fixture
def ren(db: None) -> Any:
    return add_user(email="ren@ours.example", role="revops", by="test", at=1)


def test_what_was_refused_for_a_cause_that_is_gone_is_taken_in_once(house: House, ren: Any) -> None:
    batch = {"batch": [view("a"), view("b")]}
    raw = json.dumps(batch).encode()
    house.inbox.append([Item(AT, None, "", "", "spare", False, "unknown_key", "", 2, raw)])
    house.turn()
    row = RefusedEvent.objects.get()
    told = refusals.replay(ids=[row.pk], by=ren, at=AT)
    assert (told.accepted, told.duplicates, told.refused) == (2, 0, 0)
    assert Event.objects.filter(source="replayed", kind="page_viewed").count() == 2
    row.refresh_from_db()
    assert (row.replayed_at, row.replayed_by) == (AT, "ren@ours.example")
    with pytest.raises(Refused, match="nothing to replay"):
        refusals.replay(ids=[row.pk], by=ren, at=AT)
    assert counts() == {"received": 4, "unknown_key": 2, "accepted": 2}


def test_what_is_still_wrong_stays_where_it_was_with_the_reason(house: House, ren: Any) -> None:
    house.put(view("1", timestamp="yesterday"), {"batch": [{"type": "sneeze"}, view("a", timestamp="today")]})
    house.turn()
    before = counts()
    told = refusals.replay(ids=list(RefusedEvent.objects.values_list("pk", flat=True)), by=ren, at=AT)
    assert (told.accepted, told.duplicates, told.refused) == (0, 0, 2)
    assert (Event.objects.count(), counts()) == (0, before)
    assert sorted(RefusedEvent.objects.values_list("reason", flat=True)) == ["bad_time", "not_an_event"]


def test_of_a_request_that_is_replayed_one_bad_event_costs_none_of_the_others(house: House, ren: Any) -> None:
    raw = json.dumps({"batch": [view("a"), {"type": "sneeze"}, view("b", timestamp="yesterday")]}).encode()
    house.inbox.append([Item(AT, None, "", "", "spare", False, "unknown_key", "", 3, raw)])
    house.turn()
    told = refusals.replay(ids=[RefusedEvent.objects.get().pk], by=ren, at=AT)
    assert (told.accepted, told.duplicates, told.refused) == (1, 0, 2)
    assert Event.objects.get(kind="page_viewed").source == "replayed"
    left = RefusedEvent.objects.filter(replayed_at=None).order_by("pk")
    assert [(row.reason, row.count, row.source) for row in left] == [("not_an_event", 1, ""), ("bad_time", 1, "")]
    assert json.loads(left[1].body)["messageId"] == "b"
    assert counts() == {"received": 6, "unknown_key": 3, "accepted": 1, "not_an_event": 1, "bad_time": 1}


def test_who_may_not_replay_changes_nothing(house: House) -> None:
    house.put(view("1", timestamp="yesterday"))
    house.turn()
    sam = add_user(email="sam@ours.example", role="sales", by="test", at=1)
    with pytest.raises(NotAllowed):
        refusals.replay(ids=[1], by=sam, at=AT)


def test_old_refusals_are_forgotten(house: House) -> None:
    house.put(b"{}")
    house.turn()
    refusals.forget_old(AT + 91 * 86_400_000_000)
    assert RefusedEvent.objects.count() == 0


# What a key that stands in every page may do


def test_a_browser_fills_what_is_empty_and_overwrites_nothing(house: House) -> None:
    traits = {"email": "ana@acme.example", "name": "Ana Lima", "phone": "+4930123456"}
    house.put({"type": "identify", "messageId": "1", "userId": "u-1", "traits": traits})
    house.turn()
    evil = {
        "email": "evil@x.example",
        "name": "Mallory",
        "phone": "+4930999999",
        "title": "Head of IT",
        "stage": "customer",
    }
    house.put(
        {"type": "identify", "messageId": "2", "userId": "u-1", "traits": evil},
        {"type": "track", "messageId": "3", "userId": "u-1", "event": "Deal Won", "properties": {"deal": "d"}},
        door="publishable",
        source="key:site",
    )
    house.turn()
    ana = Person.objects.get()
    assert (ana.name, ana.email, ana.phone, ana.title) == ("Ana Lima", "ana@acme.example", "+4930123456", "Head of IT")
    assert not Event.objects.filter(kind="deal_won").exists()
    assert Event.objects.get(message_id="2").data["claimed"] == {
        "email": "evil@x.example", "name": "Mallory", "phone": "+4930999999",
    }  # fmt: skip


def test_a_browser_cannot_give_a_known_person_another_address_to_be_known_by(house: House) -> None:
    house.put({"type": "identify", "messageId": "1", "userId": "u-1", "traits": {"email": "ana@acme.example"}})
    house.put(
        {"type": "identify", "messageId": "2", "userId": "u-1", "traits": {"email": "evil@x.example"}},
        {"type": "page", "messageId": "3", "userId": "evil@x.example"},
        door="publishable",
        source="key:site",
    )
    house.turn()
    assert Event.objects.get(message_id="3").person_id != Event.objects.get(message_id="1").person_id


def test_a_browser_cannot_move_a_known_person_to_another_company(house: House) -> None:
    house.put({"type": "group", "messageId": "1", "userId": "u-1", "groupId": "acme.example"})
    house.put(
        {"type": "group", "messageId": "2", "userId": "u-1", "groupId": "evil.example", "traits": {"employees": 1}},
        {"type": "group", "messageId": "3", "userId": "u-2", "groupId": "evil.example"},
        door="publishable",
        source="key:site",
    )
    house.turn()
    first, second = Person.objects.order_by("pk")
    assert (first.company.key, second.company.key) == ("acme.example", "evil.example")
    assert second.company.traits == {}


def test_two_known_people_are_never_made_one_by_an_alias_or_a_cookie(house: House) -> None:
    house.put(
        {"type": "identify", "messageId": "1", "userId": "u-1", "anonymousId": "c-1"},
        {"type": "identify", "messageId": "2", "userId": "u-2", "anonymousId": "c-1"},
        {"type": "alias", "messageId": "3", "userId": "u-1", "previousId": "u-2"},
        {"type": "alias", "messageId": "4", "userId": "u-1", "previousId": "u-1"},
        door="publishable",
        source="key:site",
    )
    house.turn()
    assert Person.objects.filter(is_merged=False, is_anonymous=False).count() == 2
    assert counts() == {"received": 4, "accepted": 4}


def test_a_visitor_becomes_the_known_person_with_all_they_did(house: House) -> None:
    house.put(
        {"type": "page", "messageId": "1", "anonymousId": "c-1", "properties": {"path": "/pricing"}},
        {"type": "alias", "messageId": "2", "userId": "u-1", "previousId": "c-1"},
        {"type": "page", "messageId": "3", "userId": "u-1"},
        door="publishable",
        source="key:site",
    )
    house.turn()
    assert Person.objects.filter(is_merged=False).count() == 1
