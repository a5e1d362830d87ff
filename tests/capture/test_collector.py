"""Segment's HTTP API as its clients use it: what is taken, what is refused and how, and that 200 means on the disk."""

import json
import zlib
from typing import Any

import pytest

from capture.asking import KEYS, SERVER, SITE, Asking
from rung.capture.collector.asgi import PATHS
from rung.capture.collector.inbox import Fault, Inbox
from rung.capture.collector.rates import Rates
from rung.capture.collector.submission import LARGEST_BODY, Key

VIEW = {"type": "page", "messageId": "m-1", "userId": "ana", "properties": {"path": "/pricing"},
        "timestamp": "2026-03-01T10:00:00.000Z"}  # fmt: skip


def view(**more: Any) -> dict[str, Any]:
    return {**VIEW, **more}


# What is taken


@pytest.mark.parametrize("path", sorted(PATHS))
def test_every_address_of_segment_takes_events(collector: Asking, path: str) -> None:
    kind = PATHS[path]
    event = view(type=kind or "page", event="Read", groupId="acme.example", previousId="x")
    told = event if kind else {"batch": [event]}
    answer = collector.post(path, told)
    assert (answer.status, answer.said) == (200, {"success": True})
    (item,) = collector.items()
    assert (item.source, item.door, item.message_id, item.refused) == ("key:server", "secret", "m-1", "")
    assert json.loads(item.body) == event


def test_a_single_event_without_a_type_has_that_of_its_address(collector: Asking) -> None:
    event = {name: value for name, value in VIEW.items() if name != "type"}
    assert collector.post("/v1/page", event).status == 200
    assert json.loads(collector.items()[0].body)["type"] == "page"


@pytest.mark.parametrize("zipped", [False, True])
def test_a_batch_is_taken_in_order_plain_and_gzipped(collector: Asking, zipped: bool) -> None:
    told = {"batch": [view(messageId=f"m-{n}") for n in range(3)], "sentAt": "2026-03-01T10:00:01.5Z"}
    assert collector.post("/v1/batch", told, zipped=zipped).status == 200
    assert [item.message_id for item in collector.items()] == ["m-0", "m-1", "m-2"]
    assert collector.items()[0].sent_at == 1_772_359_201_500_000


def test_what_a_batch_says_for_all_its_events_is_said_by_each(collector: Asking) -> None:
    own = view(context={"page": {"url": "https://a.example/"}})
    told = {"batch": [view(), own], "context": {"campaign": {"source": "ads"}, "page": {"url": "x"}}}
    assert collector.post("/v1/batch", told).status == 200
    first, second = (json.loads(item.body)["context"] for item in collector.items())
    assert first == {"campaign": {"source": "ads"}, "page": {"url": "x"}}
    assert second == {"campaign": {"source": "ads"}, "page": {"url": "https://a.example/"}}


def test_an_event_without_an_id_gets_one(collector: Asking) -> None:
    assert collector.post("/v1/page", {**VIEW, "messageId": None}).status == 200
    assert len(collector.items()[0].message_id) == 36


# By which key


def test_the_key_may_stand_in_the_header_or_in_the_body(collector: Asking) -> None:
    assert collector.post("/v1/page", VIEW, key=SITE).status == 200
    assert collector.post("/v1/page", view(writeKey=SITE), key=None).status == 200
    assert collector.post("/v1/batch", {"batch": [VIEW], "writeKey": SERVER}, key=None).status == 200
    assert collector.post("/v1/page", VIEW, key=None, authorization=f"Bearer {SERVER}").status == 200
    assert [item.door for item in collector.items()] == ["publishable", "publishable", "secret", "secret"]


@pytest.mark.parametrize("zipped", [False, True])
def test_what_is_refused_is_kept_so_that_it_can_be_replayed(collector: Asking, zipped: bool) -> None:
    """Inflated, and with the type that only its address named: replaying knows neither address nor headers."""
    event = {name: value for name, value in VIEW.items() if name != "type"}
    assert collector.post("/v1/page", event, key="rung_sec_of_nobody_at_all", zipped=zipped).status == 401
    assert collector.post("/v1/page", {**event, "timestamp": "yesterday"}, zipped=zipped).status == 400
    stranger, late = collector.items()
    assert json.loads(stranger.body) == VIEW
    assert json.loads(late.body) == {**VIEW, "timestamp": "yesterday"}


def test_of_a_key_that_nobody_knows_its_beginning_is_kept(collector: Asking) -> None:
    """So that a person finds the page or program that still has it; never the whole: it may be somebody's secret."""
    collector.post("/v1/page", VIEW, key="rung_sec_Xy12abcdefgh")
    collector.post("/v1/page", VIEW, key="abcdefghijklmnop")
    assert [item.words for item in collector.items()] == [
        "Nobody knows this key, or it was revoked: rung_sec_Xy12…",
        "Nobody knows this key, or it was revoked: abcd…",
    ]


@pytest.mark.parametrize("authorization", ["", "Basic", "Basic !!!", "Basic bm9ib2R5Og==", "Digest x", "Basic /w=="])
def test_without_a_key_that_holds_nothing_comes_in(collector: Asking, authorization: str) -> None:
    answer = collector.post("/v1/batch", {"batch": [VIEW, VIEW]}, key=None, authorization=authorization)
    assert answer.status == 401
    assert answer.said["code"] in ("no_key", "unknown_key")
    (item,) = collector.items()
    assert (item.source, item.refused, item.count) == ("", answer.said["code"], 2)


def test_a_key_made_a_moment_ago_holds(tmp_path: Any) -> None:
    readings = iter([{}, KEYS])
    asking = Asking(tmp_path / "inbox.sqlite3", keys=lambda: next(readings))
    assert asking.post("/v1/page", VIEW, key=SITE).status == 200


def test_whoever_asks_first_waits_for_one_reading_of_the_keys_and_no_more(tmp_path: Any) -> None:
    readings: list[int] = []
    asking = Asking(tmp_path / "inbox.sqlite3", keys=lambda: readings.append(1) or KEYS)
    assert asking.post("/v1/page", VIEW, key=SITE).status == 200
    assert len(readings) == 1


def test_nobody_is_refused_because_the_database_does_not_answer(tmp_path: Any) -> None:
    def broken() -> Any:
        raise OSError("no database")

    answer = Asking(tmp_path / "inbox.sqlite3", keys=broken).post("/v1/page", VIEW, key=SITE)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


def test_a_flood_of_strangers_is_counted_and_a_part_of_it_kept(collector: Asking) -> None:
    collector.ask_all([("POST", "/v1/page", json.dumps(VIEW).encode(), {})] * 150)
    items = collector.items()
    assert sum(item.count for item in items) == 150
    assert sum(bool(item.body) for item in items) == 60


# What is refused


def refused(collector: Asking, told: Any, path: str = "/v1/batch", **more: Any) -> tuple[int, str]:
    answer = collector.post(path, told, **more)
    return answer.status, answer.said["code"]


def test_requests_that_cannot_be_read_are_refused_by_name_and_kept(collector: Asking) -> None:
    assert refused(collector, b"{") == (400, "not_json")
    assert refused(collector, b"\xff\xfe{") == (400, "not_json")
    assert refused(collector, b"[" * 100_000 + b"]" * 100_000) == (400, "not_an_event")
    assert refused(collector, b'{"batch":' + b"[" * 100_000) == (400, "too_deep")
    assert refused(collector, [VIEW]) == (400, "not_an_event")
    assert refused(collector, {"batch": 7}) == (400, "not_an_event")
    assert refused(collector, {"events": []}) == (400, "no_batch")
    assert refused(collector, {"batch": []}) == (400, "empty_batch")
    assert refused(collector, {"batch": [VIEW] * 2_501}) == (400, "too_many_events")
    assert refused(collector, b"x" * (LARGEST_BODY + 1)) == (400, "too_large")
    assert refused(collector, b"x", content_encoding="gzip") == (400, "not_gzip")
    assert refused(collector, b"x", content_encoding="br") == (400, "unknown_encoding")
    assert refused(collector, b"7", path="/v1/page") == (400, "not_an_event")
    assert {item.source for item in collector.items()} == {"key:server"}
    assert [item.count for item in collector.items() if item.refused == "too_many_events"] == [2_501]


def test_a_gzip_bomb_is_stopped_where_it_passes_the_limit(collector: Asking) -> None:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(40)) + packer.flush()
    assert refused(collector, bomb, content_encoding="gzip") == (400, "too_large")


BAD: dict[str, tuple[str, Any]] = {
    "no identity": ("no_identity", {"userId": None, "anonymousId": " "}),
    "an identity that is none": ("bad_value", {"userId": [1]}),
    "no such type": ("not_an_event", {"type": "sneeze"}),
    "no type": ("not_an_event", {"type": None}),
    "a track of nothing": ("not_an_event", {"type": "track", "event": " "}),
    "properties that are none": ("not_an_event", {"properties": "x"}),
    "NUL": ("bad_value", {"properties": {"a": "x\0y"}}),
    "NUL in a name": ("bad_value", {"properties": {"x\0y": 1}}),
    "half a character": ("bad_value", {"properties": {"a": "\ud800"}}),
    "half a character in the id": ("bad_value", {"messageId": "\udfff"}),
    "NaN": ("bad_value", {"properties": {"a": float("nan")}}),
    "Infinity": ("bad_value", {"properties": {"a": float("inf")}}),
    "2^63": ("bad_value", {"properties": {"a": 2**63}}),
    "-2^63": ("bad_value", {"properties": {"a": -(2**63)}}),
    "5000 digits": ("bad_value", {"properties": {"a": 10**4_000}}),
    "nested": ("bad_value", {"properties": {"a": [[[[[[[[[1]]]]]]]]]}}),
    "1 000 fields": ("bad_value", {"properties": {str(n): 1 for n in range(1_000)}}),
    "a long id": ("bad_value", {"messageId": "m" * 151}),
    "year 9999": ("bad_time", {"timestamp": "9999-12-31T23:59:59-12:00"}),
    "year 1": ("bad_time", {"timestamp": "0001-01-01T00:00:00+14:00"}),
    "no day": ("bad_time", {"timestamp": "2026-02-30T00:00:00Z"}),
    "no time": ("bad_time", {"timestamp": "yesterday"}),
    "a number for a time": ("bad_time", {"timestamp": 1e300}),
    "too large": ("event_too_large", {"properties": {"a": ["x" * 1_000] * 40}}),
    "an answer without a letter": ("incomplete", {"type": "track", "event": "Bant Answered"}),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_a_bad_event_is_refused_by_name_and_the_others_of_its_batch_go_on(collector: Asking, case: str) -> None:
    reason, fault = BAD[case]
    batch = {"batch": [view(messageId="m-0"), view(messageId="m-1") | fault, view(messageId="m-2")]}
    answer = collector.post("/v1/batch", batch)
    assert (answer.status, answer.said) == (200, {"success": True, "refused": 1})
    assert [item.refused for item in collector.items()] == ["", reason, ""]
    assert collector.items()[1].words


@pytest.mark.parametrize("case", sorted(set(BAD) - {"no type"}))
def test_a_bad_event_alone_is_answered_with_400(collector: Asking, case: str) -> None:
    reason, fault = BAD[case]
    event = view() | fault
    answer = collector.post(f"/v1/{event['type'] if event['type'] == 'track' else 'page'}", event)
    assert (answer.status, answer.said["code"]) == (400, reason)
    assert [item.refused for item in collector.items()] == [reason]


def test_a_browser_writes_only_what_a_browser_may(collector: Asking) -> None:
    events = [
        {"type": "track", "event": "Deal Won", "userId": "ana", "properties": {"deal": "d1"}},
        {"type": "group", "groupId": "acme.example", "traits": {"employees": 1}},
    ]
    collector.post("/v1/batch", {"batch": events}, key=SITE)
    assert [item.refused for item in collector.items()] == ["", "no_identity"]


# 200 means on the disk


def test_a_disk_that_does_not_take_it_is_never_answered_with_200(collector: Asking, monkeypatch: Any) -> None:
    def full(*_: Any) -> None:
        raise Fault("database or disk is full")

    monkeypatch.setattr(Inbox, "append", full)
    answer = collector.post("/v1/page", VIEW)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    monkeypatch.undo()
    assert collector.post("/v1/page", VIEW).status == 200


def test_too_much_at_once_is_sent_away_for_a_second(collector: Asking, monkeypatch: Any) -> None:
    monkeypatch.setattr("rung.capture.collector.inbox.Writer.hand_in", lambda *_: False)
    answer = collector.post("/v1/page", VIEW)
    assert (answer.status, answer.headers["retry-after"], answer.said["code"]) == (503, "1", "busy")


def test_a_publishable_key_that_runs_wild_is_slowed_down(tmp_path: Any) -> None:
    at = [0.0]
    rates = Rates(a_second=1, clock=lambda: at[0])
    asking = Asking(tmp_path / "inbox.sqlite3", rates=rates)
    assert asking.post("/v1/batch", {"batch": [VIEW] * 10}, key=SITE).status == 200
    answer = asking.post("/v1/batch", {"batch": [VIEW] * 4}, key=SITE)
    assert (answer.status, answer.headers["retry-after"]) == (429, "4")
    assert asking.post("/v1/batch", {"batch": [VIEW] * 40}).status == 200
    at[0] = 4.0
    assert asking.post("/v1/batch", {"batch": [VIEW] * 4}, key=SITE).status == 200
    assert rates.wait(Key("key:other", "publishable"), 10) == 0


# What browsers need


@pytest.mark.parametrize("path", ["/v1/p", "/v1/batch", "/v1/anything"])
def test_a_preflight_is_answered_without_a_key(collector: Asking, path: str) -> None:
    answer = collector.ask("OPTIONS", path, headers={"origin": "https://shop.example"})
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers


def test_every_answer_may_be_read_by_the_page_that_asked(collector: Asking) -> None:
    answers = [collector.post("/v1/p", VIEW), collector.post("/v1/p", b"{"), collector.post("/v1/p", VIEW, key=None)]
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {"*"}
    assert {answer.headers["access-control-expose-headers"] for answer in answers} == {"retry-after"}


def test_the_settings_of_a_publishable_key_say_where_to_send_to(collector: Asking) -> None:
    answer = collector.get(f"/v1/projects/{SITE}/settings")
    assert answer.status == 200
    told = answer.said["integrations"]["Segment.io"]
    assert (told["apiHost"], told["protocol"]) == ("rung.acme.example/v1", "https")
    assert collector.get(f"/v1/projects/{SERVER}/settings").status == 404
    assert collector.get("/v1/projects/nobody/settings").status == 404


def test_a_picture_is_a_picture_whatever_it_says(collector: Asking) -> None:
    told = f"userId=ana&event=Mail+Opened&writeKey={SITE}&properties.subject=Hello"
    for query in (told, "data=!!!", "data=eyJhIjoxfQ", "", "userId=%00", "&" * 500):
        answer = collector.get(f"/v1/pixel/track?{query}")
        assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    first = collector.items()[0]
    assert (first.refused, json.loads(first.body)["properties"]) == ("", {"subject": "Hello"})


def test_what_is_not_there_says_so(collector: Asking) -> None:
    assert collector.post("/v1/nothing", VIEW).status == 404
    assert collector.get("/v1/batch").status == 405
    assert collector.ask("DELETE", "/v1/batch").status == 405
    assert collector.post("/v1/m", {"series": []}, key=None).status == 200
    assert collector.items() == []


def test_global_privacy_control_goes_along(collector: Asking) -> None:
    for told in ("1", "0", "true"):
        collector.post("/v1/page", VIEW, sec_gpc=told)
    assert [bool(item.has_gpc) for item in collector.items()] == [True, False, False]
