"""Whatever comes is taken or refused by name; the fast way lets nothing pass that the slow one would not."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rung.capture.collector import messages, taking
from rung.capture.collector.inbox import Inbox, Item
from rung.capture.collector.messages import Envelope, NotTaken, events_of, message_of, sighted
from rung.capture.collector.submission import Key, Submission, passed_through
from rung.capture.models import CaptureCount, RefusedEvent
from rung.history.models import Event
from rung.lifecycle.rules import ready
from rung.terms.kinds import KINDS

NAUGHTY: Final = (
    "", " ", "undefined", "null", "NULL", "true", "1e309", "-0", "0x1", "1,000", "\t\r\n\x0b\x0c", "\x00", "a\x00b",
    "\u200b\u200e\ufeff", "\u2028\u2029", "\ufffe\uffff", "\U0001f4a9", "\ufdfa" * 50, "Z\u032e\u031e\u0320A\u0317",
    "e\u0301\u00e9", "田中さん", "\u05de\u05b0\u05dc", "\u0627\u0644\u0643\u0644", "İıß", "ＡＢＣ", "' OR 1=1--",
    '"; DROP TABLE people;--', "<script>alert(1)</script>", "{{7*7}}", "{% debug %}", "${jndi:ldap://x}",
    "../../etc/passwd", "=cmd|' /C calc'!A0", "%s%n%d", "\\", "\\u0000", "\ud800", "\udfff\ud800", "x" * 1_001,
    "y" * 32_000, "data:text/html,x", "javascript:alert(1)", "http://a b", "\x1b[31m", "2026-02-30",
    "9999-12-31T23:59:59-12:00", "9223372036854775808", "\r\nBcc: x@y.example", "ana@acme.example\0",
)  # fmt: skip
FIELDS: Final = (
    "messageId",
    "userId",
    "anonymousId",
    "event",
    "type",
    "name",
    "category",
    "timestamp",
    "groupId",
    "previousId",
)

_texts = st.one_of(st.sampled_from(NAUGHTY), st.text(max_size=20))
_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_texts, inner, max_size=3)),
    max_leaves=12,
)
_data = st.one_of(_values, st.dictionaries(_texts, _values, max_size=5))
_instants = st.one_of(st.just("2026-03-01T10:00:00Z"), st.datetimes().map(lambda at: at.isoformat()), _texts)
_messages = st.fixed_dictionaries(
    {"type": st.sampled_from(("identify", "track", "page", "screen", "group", "alias", "nothing"))},
    optional={
        "messageId": st.one_of(st.just("m-1"), _texts, st.integers()),
        "userId": st.one_of(st.just("u-1"), _texts, st.integers(), st.none()),
        "anonymousId": st.one_of(st.just("c-1"), _texts, st.none()),
        "event": st.one_of(st.sampled_from(("Demo Requested", "Bant Answered", "Deal Won", "Tea Drunk")), _texts),
        "timestamp": _instants,
        "properties": _data,
        "traits": _data,
        "context": st.one_of(_values, st.fixed_dictionaries({"page": _data, "campaign": _data, "groupId": _values})),
        "name": _values,
        "groupId": _values,
        "previousId": _values,
    },
)


@pytest.mark.parametrize("digits", [25, 3_999, 4_001])
@pytest.mark.parametrize("where", ["beside", "context"])
@pytest.mark.parametrize("type_", ["page", None])
def test_a_number_where_nobody_reads_is_no_reason_to_refuse_an_event_that_has_its_200(
    digits: int, where: str, type_: str | None
) -> None:
    """Found by schemathesis: let in by the fast way, refused when it was taken in."""
    number = b"9" * digits
    odd = b'"context": {"odd": [' + number + b"]}" if where == "context" else b'"odd": ' + number
    told = b'"type": "page", ' if type_ else b""
    raw = b"{" + told + b'"anonymousId": "a", "messageId": "m", "timestamp": "2026-03-01T10:00:00Z", ' + odd + b"}"
    try:
        found = sighted(raw, door="publishable", path_type="page")
    except NotTaken as refusal:
        assert (refusal.reason, type_, digits) == ("bad_value", None, 4_001), "said at once, and by name"
        return
    (event,) = events_of(message_of(found.raw), Envelope("key:site", "publishable", "m", received_at=2**50))
    assert event.kind == "page_viewed"


def test_bytes_that_are_no_text_are_refused_in_words() -> None:
    with pytest.raises(NotTaken) as refused:
        message_of(b'{"a": "\xff"}')
    assert str(refused.value) == "It is not JSON: its bytes are no text in UTF-8, from byte 8 on."


def test_what_is_nested_deeper_than_a_worker_reads_is_refused_before_its_200() -> None:
    def nested(depth: int) -> bytes:
        inner = b"[" * depth + b'"[{"' + b"]" * depth
        return b'{"type": "page", "anonymousId": "a", "messageId": "m", "timestamp": "2026-03-01T10:00:00Z",' \
            b'"context": {"odd": ' + inner + b', "many": [' + b"[]," * 500 + b"1]}}"  # fmt: skip

    assert sighted(nested(290), door="publishable").message_id == "m"
    with pytest.raises(NotTaken) as refusal:
        sighted(nested(300), door="publishable")
    assert refusal.value.reason == "too_deep"


_quick = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_quick
@given(_messages, st.sampled_from(("publishable", "secret")))
def test_what_passes_at_a_glance_passes_a_close_look_too(message: dict[str, Any], door: Any) -> None:
    raw = json.dumps(message).encode()
    quick = messages._at_a_glance(raw, door)
    if quick is not None:
        assert messages._closely(raw, door, None).message_id == quick.message_id


@_quick
@given(_messages, st.sampled_from(("publishable", "secret")))
def test_what_is_taken_can_be_recorded_and_all_else_has_a_reason(message: dict[str, Any], door: Any) -> None:
    raw = json.dumps(message).encode()
    try:
        found = sighted(raw, door=door)
    except NotTaken as refusal:
        assert refusal.reason in messages.REASONS
        return
    envelope = Envelope("key:site", door, found.message_id or "spare", received_at=1_772_359_200_000_000, sent_at=5)
    for event in events_of(message_of(found.raw), envelope):
        ready(event, index=0, by="collector", new_id=str)
        assert door in KINDS[event.kind].doors


@_quick
@given(st.binary(max_size=200), st.sampled_from((None, "track", "page")), st.sampled_from(("", "gzip", "br")))
def test_whatever_bytes_come_a_request_ends_with_an_answer(body: bytes, path_type: str | None, encoding: str) -> None:
    submission = Submission(
        body=body, path_type=path_type, encoding=encoding, authorization="", has_gpc=False, received_at=1,
        key_of=lambda _: Key("key:site", "secret"), new_id=lambda: "new",
    )  # fmt: skip
    refused = passed_through(submission)
    assert refused is None or refused.reason in messages.REASONS


@pytest.mark.django_db
def test_naughty_strings_in_every_field_break_nothing_and_are_all_accounted_for(tmp_path: Path) -> None:
    path = tmp_path / "inbox.sqlite3"
    told = []
    for number, text in enumerate(NAUGHTY):
        base = {"type": "track", "userId": f"u-{number}", "event": "Tea Drunk", "timestamp": "2026-03-01T10:00:00Z"}
        told += [{**base, "messageId": f"{field}-{number}", field: text} for field in FIELDS]
        for inside in ({"a": text}, {text or "b": 1}, {"email": text, "phone": text, "company": text}, {"path": text}):
            told.append({**base, "type": "identify", "messageId": f"t-{len(told)}", "traits": inside})
            told.append({**base, "type": "page", "messageId": f"p-{len(told)}", "properties": inside})
    inbox = Inbox(path)
    inbox.append(
        [
            Item(
                1_772_359_200_000_000,
                None,
                "key:app",
                "secret",
                f"spare-{n}",
                False,
                "",
                "",
                1,
                json.dumps(each).encode(),
            )
            for n, each in enumerate(told)
        ]
    )
    inbox.close()
    taking.Intake(path).turn(2**62)
    counts = {row.outcome: row.number for row in CaptureCount.objects.all()}
    assert counts.pop("received") == len(told) == sum(counts.values())
    assert "defect" not in counts, RefusedEvent.objects.filter(reason="defect").values_list("words", flat=True)
    assert counts["accepted"] == Event.objects.filter(source="key:app").exclude(by="system").count()
