"""What `rung decide` reads, and what it refuses and why."""

import io
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rung.engine.files import reading
from rung.engine.files.reading import Reading
from rung.engine.histories import KIND_NAMES, NONE
from rung.terms.addresses import key_email
from rung.terms.instants import BadInstant, parse_instant

NOON = "2026-03-01T12:00:00Z"


def line(**fields: Any) -> dict[str, Any]:
    return {"person": "ana@acme.example", "at": NOON, "kind": "page_viewed", **fields}


def read(*lines: Any, **options: Any) -> Reading:
    told = [told if isinstance(told, bytes) else json.dumps(told).encode() for told in lines]
    return reading.read(io.BytesIO(b"\n".join(told)), **options)


def reason(told: Any) -> str:
    """The reason for which the line, between two good ones, is refused; the others must come through."""
    result = read(line(id="a"), told, line(id="b"))
    assert len(result.history) == 2
    assert [refused.line for refused in result.refused] == [2]
    return result.refused[0].reason


def test_a_line_becomes_a_row_of_its_person() -> None:
    history = read(line(data={"path": "/pricing"}, company="Acme.Example")).history
    assert history.people == ["ana@acme.example"]
    assert history.companies == ["acme.example"]
    assert history.at.tolist() == [parse_instant(NOON)]
    assert [KIND_NAMES[code] for code in history.kind] == ["page_viewed"]
    assert history.data == [{"path": "/pricing"}]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (b'{"person": "ana"', "not JSON"),
        (b"hello", "not JSON"),
        (b"[1, 2]", "not an object but a list"),
        (b'"ana"', "not an object but a text"),
        (b"null", "not an object but null"),
        (b'{"a": 1} {"b": 2}', "not JSON: Extra data"),
        (b'{"person": "\xff"}', "not UTF-8: byte 0xff at position 13"),
        (b"\xff\xfe{\x00", "not UTF-8"),
        (b'{"person": "ana", "at": "%s", "kind": "page_viewed", "person": "rui"}', "the key 'person' stands twice"),
        (b'{"person": "ana", "at": "%s", "kind": "page_viewed", "kind": "page_viewed"}', "the key 'kind' stands twice"),
        (b'{"person": "ana", "person" : "rui", "at": "%s", "kind": "page_viewed"}', "the key 'person' stands twice"),
        (b'{"person":"ana","at":"%s","kind":"custom","data":{"a":1,"b":":","a":2}}', "the key 'a' stands twice"),
        (b'{"person":"ana","at":"%s","kind":"custom","data":{"a":{"b":1,"b":1}}}', "the key 'b' stands twice"),
        (b'{"person":"ana","at":"%s","kind":"custom","data":{"a":1},"data":{"a":1}}', "the key 'data' stands twice"),
        (b'{"person":"ana","at":"%s","kind":"custom","x":1,"x":2}', "the key 'x' stands twice"),
        (b'{"person":"ana","at":"%s","kind":"custom","\\u006bind":"custom"}', "the key 'kind' stands twice"),
        (b'{"person":"ana","at":"%s","kind":"nominated","by":null,"by":"rui"}', "the key 'by' stands twice"),
        (b'{"userId":"ana","timestamp":"%s","type":"page","type":"page"}', "the key 'type' stands twice"),
        (json.dumps(line(x=0)).replace(": 0}", ": " + "9" * 5000 + "}").encode(), "is larger than a number may be"),
        (line(person=None), "no person"),
        (line(person=""), "no person"),
        (line(person="   "), "no person"),
        ({"at": NOON, "kind": "page_viewed"}, "no person"),
        (line(person=7), "person is a number: a text is allowed"),
        (line(person="a\x00b"), "person holds a NUL"),
        (line(person="\ud800"), "person holds a NUL or a broken character"),
        (line(person="x" * 1001), "person is 1001 characters long"),
        (line(at=None), "no time"),
        ({"person": "ana", "kind": "page_viewed"}, "no time"),
        (line(at=1772359200), "at is a number: a text is allowed"),
        (line(at="2026-03-01T12:00:00"), "has no offset"),
        (line(at="yesterday"), "is not a time"),
        (line(at=""), "is not a time"),
        (line(at="2026-02-30"), "is not a day and time that exists"),
        (line(at="0000-01-01"), "is not a day and time that exists"),
        (line(at="0001-01-01"), "is outside 1970 to 2100"),
        (line(at="9999-12-31T23:59:59Z"), "is outside 1970 to 2100"),
        (line(at="1970-01-01T00:00:00+01:00"), "is outside 1970 to 2100"),
        (line(kind=None), "no kind"),
        (line(kind=""), "no kind"),
        (line(kind="page_vieved"), "unknown kind 'page_vieved'"),
        (line(kind="bant_answered"), "bant_answered without letter"),
        (line(kind="bant_answered", data={"letter": "budget"}), "bant_answered without confirmed"),
        (line(kind="persons_merged"), "persons_merged without merged"),
        (line(kind="company_described", person=None), "company_described without company"),
        (line(kind="company_described", company="gmail.com"), "company_described without company"),
        (line(data=[1]), "data is a list: an object is allowed"),
        (line(data="x"), "data is a text"),
        (line(data={"a": "x\x00"}), "a holds a NUL"),
        (line(data={"a": "\udfff"}), "a holds a NUL or a broken character"),
        (line(data={"a\x00": 1}), "holds a NUL or a broken character"),
        (line(data={"": 1}), "field name '' is not allowed"),
        (line(data={"a": float("nan")}), "NaN is not a number that JSON knows"),
        (line(data={"a": float("-inf")}), "-Infinity is not a number"),
        (line(data={"a": 2**63}), "a is larger than a number may be"),
        (line(data={"a": -(2**63)}), "a is larger than a number may be"),
        (line(data={"a": 1e19}), "a is larger than a number may be"),
        (json.dumps(line(data={"a": 0})).replace("0}", "1e400}").encode(), "a is not a finite number"),
        (json.dumps(line(data={"a": 0})).replace("0}", "9" * 5000 + "}").encode(), "is larger than a number may be"),
        (line(data={"a": "x" * 32_769}), "a is 32769 characters long"),
        (line(data={f"f{n}": n for n in range(201)}), "201 fields are too many"),
        (line(data=json.loads('{"a":' * 9 + "1" + "}" * 9)), "nested deeper than 8 levels"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested deeper than 8 levels"),
        (line(data={"a": "x" * 1_000_000}), "the line is longer than 1000000 bytes"),
        (line(id=["a"]), "id is a list"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_bad_line_is_refused_with_its_reason_and_the_rest_goes_on(told: Any, words: str) -> None:
    assert words in reason(told.replace(b"%s", NOON.encode()) if isinstance(told, bytes) else told)


@pytest.mark.parametrize(
    "told",
    [
        line(id="a", data={"id": "a", "at": 1}),
        line(data={"url": "https://acme.example:8080/?a:b", "utm:source": "x"}),
        line(person="anonymous:7", source="key:web", by="form:Demo", id="m:1"),
        line(id=None, company=None, source=None, data=None),
        line(data={}, mood="good", more={"mood": [{"mood": 1}, {"mood": 2}]}),
        line(seq=1, occurred_at=NOON, sent_at=None, received_at="then: now"),
        line(at="2026-03-01T13:00:00+01:00", data={"a": {"a": {"a": ":"}}}),
    ],
    ids=str,
)
def test_a_key_may_stand_once_in_each_object_and_colons_in_texts_are_none(told: Any) -> None:
    for text in (json.dumps(told), json.dumps(told, separators=(" , ", " : "))):
        assert len(read(text.encode()).history) == 1


@given(st.data())
def test_two_of_the_same_key_are_found_wherever_they_stand(data: st.DataObject) -> None:
    names = st.text("ab:", min_size=1, max_size=2)
    values = st.recursive(st.integers(-9, 9) | st.text('a:"\\', max_size=3), lambda inner: st.lists(inner, max_size=2))
    told = data.draw(st.dictionaries(names, values, min_size=1, max_size=4))
    name = data.draw(st.sampled_from(sorted(told)))
    good = json.dumps(line(data=told))
    twice = good.replace('"data": {', f'"data": {{{json.dumps(name)}: 1, ', 1)
    found = read(good.encode(), twice.encode())
    assert (len(found.history), [refused.line for refused in found.refused]) == (1, [2])


def test_an_event_over_two_lines_is_two_bad_lines_even_where_another_line_holds_two_events() -> None:
    event = json.dumps(line(data={"a": {"b": 1}})).encode()
    for place in (event.index(b', "at"'), event.index(b', "kind"'), event.index(b'{"b"'), len(event) - 1):
        found = read(event[:place], event[place:], event + b" " + event, event)
        assert (len(found.history), [refused.line for refused in found.refused]) == (1, [1, 2, 3])


PARTS = st.sampled_from(
    (
        json.dumps(line()), json.dumps(line(data={"a": {"b": ":"}})), json.dumps(line(id="a", seq=7)),
        '{"person": "ana", "at": "2026-03-01T12:00:00Z"', ', "kind": "page_viewed"}', ', "kind": "custom", "data": {}',
        "}", "{", " ", "\r", '{"person": ', '"rui"', '"\\u0061"',
    )
)  # fmt: skip


@given(st.lists(st.lists(PARTS, max_size=3).map("".join), max_size=5))
def test_lines_are_read_together_as_each_is_read_alone(lines: list[str]) -> None:
    told = [text.encode() for text in lines]
    together, alone = read(*told), read(*told, b"no event")  # which no decoder takes: each line is looked at alone
    assert together.refused == [refused for refused in alone.refused if refused.line <= len(told)]
    assert together.history.data == alone.history.data
    assert together.history.at.tolist() == alone.history.at.tolist()
    assert (together.history.people, together.duplicates) == (alone.history.people, alone.duplicates)


def test_a_line_of_twenty_megabytes_costs_no_more_than_its_reason() -> None:
    assert "longer than" in reason(b'{"person": "' + b"x" * 20_000_000)


def test_empty_lines_carriage_returns_and_a_byte_order_mark_are_no_faults() -> None:
    good = json.dumps(line()).encode()
    result = reading.read(io.BytesIO(b"\xef\xbb\xbf" + good + b"\r\n\r\n   \n\n" + good + b"\r\n"))
    assert (len(result.history), result.lines, result.refused) == (2, 2, [])


def test_line_numbers_count_empty_lines_too() -> None:
    result = reading.read(io.BytesIO(b"\n\nhello\n"))
    assert [refused.line for refused in result.refused] == [3]


def test_a_repeated_id_is_dropped_and_counted() -> None:
    result = read(line(id="m1"), line(id="m1", kind="demo_requested"), line(id=7), line(id="7"), line(), line(id=""))
    assert (len(result.history), result.duplicates) == (4, 2)


def test_a_refused_line_does_not_use_up_its_id() -> None:
    result = read(line(id="m1", at="yesterday"), line(id="m1"))
    assert (len(result.history), result.duplicates) == (1, 0)


def test_the_same_id_from_two_sources_is_two_events() -> None:
    assert read(line(id="m1", source="web"), line(id="m1", source="crm")).duplicates == 0


@given(
    st.lists(
        st.builds(
            "{}{}{}{}".format,
            st.sampled_from(["2026-03-01", "2026-02-29", "1970-01-01", "2100-12-31", "0000-01-01", "x"]),
            st.sampled_from(["T00:00", "T23:59", " 12:34", "T24:00", "T1:00", ""]),
            st.sampled_from([":30", ":60", ":59.5", ":00,123456789", ""]),
            st.sampled_from(["Z", "z", "+01:00", "-0130", "+14", "+25:00", ""]),
        ),
        max_size=12,
    )
)
@settings(deadline=None)
def test_a_time_means_the_same_whether_its_parts_were_seen_before_or_not(texts: list[str]) -> None:
    def instant(parse: Any, text: str) -> object:
        try:
            return parse(text)
        except BadInstant as refusal:
            return str(refusal)

    clock = reading._Clock()
    for text in texts:
        assert instant(clock.instant, text) == instant(parse_instant, text)


@pytest.mark.parametrize("at", ["2026-03-01T13:00:00+01:00", "2026-03-01 12:00Z", "2026-03-01T12:00:00.000000000Z"])
def test_times_are_placed_on_one_line(at: str) -> None:
    assert read(line(at=at)).history.at.tolist() == [parse_instant(NOON)]


def test_a_date_alone_is_midnight_utc() -> None:
    assert read(line(at="2026-03-01")).history.at.tolist() == [parse_instant("2026-03-01T00:00:00Z")]


def test_events_after_until_are_not_looked_at_and_counted() -> None:
    result = read(line(), line(at="2026-03-02", person="rui"), until=parse_instant(NOON))
    assert (result.history.people, result.after_until, result.last_at) == (["ana@acme.example"], 1, parse_instant(NOON))


def test_a_company_is_described_without_a_person() -> None:
    told = {"at": NOON, "kind": "company_described", "company": " Acme.example ", "data": {"employees": 50}}
    history = read(told).history
    assert (history.people, history.companies, history.person.tolist()) == ([], ["acme.example"], [NONE])


def test_a_free_mailbox_is_nobodys_company() -> None:
    assert read(line(company="gmail.com")).history.company.tolist() == [NONE]


def test_text_is_kept_in_one_form() -> None:
    history = read(line(person="José", data={"name": "José"}), line(person="José")).history
    assert history.people == ["José"]
    assert history.data[0] == {"name": "José"}


@pytest.mark.parametrize("key", ["ana@acme.example", "Ana.Lima+x@mail.acme.example", "o'hara@acme.example"])
def test_a_key_that_is_a_valid_address_is_an_email(key: str) -> None:
    assert key_email(key) == key


@pytest.mark.parametrize(
    "key", ["ana", "ana@acme", "@acme.example", "a..b@acme.example", "a b@acme.example", "a@b@c.example"]
)
def test_a_key_that_is_no_address_is_none(key: str) -> None:
    assert key_email(key) is None


# Corrections


def test_a_voided_event_was_never_there() -> None:
    result = read(line(id="m1"), line(id="m2"), line(kind="event_voided", data={"event": "m1"}))
    assert (len(result.history), result.voided) == (1, 1)


def test_an_undone_import_takes_its_people_with_it() -> None:
    undone = {"at": NOON, "kind": "import_undone", "data": {"import": 3}}
    result = read(line(), line(person="rui", source="import:3"), line(source="import:4"), undone)
    assert (result.history.people, len(result.history)) == (["ana@acme.example"], 2)


def test_merged_people_are_one_from_their_first_event() -> None:
    merged = line(person="ana@acme.example", kind="persons_merged", data={"merged": "ana-phone"})
    history = read(line(person="ana-phone"), line(), merged, line(person="ana-phone")).history
    assert (history.people, history.person.tolist()) == (["ana@acme.example"], [0, 0, 0])


def test_an_undone_merge_parts_them_again() -> None:
    merged = line(kind="persons_merged", data={"merged": "ana-phone"})
    history = read(line(person="ana-phone"), merged, {**merged, "kind": "persons_unmerged"}, line()).history
    assert sorted(history.people) == ["ana-phone", "ana@acme.example"]


def test_a_ring_of_merges_ends() -> None:
    ring = [
        line(person="a", kind="persons_merged", data={"merged": "b"}),
        line(person="b", kind="persons_merged", data={"merged": "a"}),
    ]
    assert len(read(line(person="a"), line(person="b"), *ring).history) == 2


def test_a_correction_after_until_is_not_looked_at() -> None:
    late = line(kind="event_voided", at="2026-03-02", data={"event": "m1"})
    assert len(read(line(id="m1"), late, until=parse_instant(NOON)).history) == 1


# Segment


def message(type_: str, **fields: Any) -> dict[str, Any]:
    return {"type": type_, "userId": "ana@acme.example", "timestamp": NOON, "messageId": "s1", **fields}


def rows(*lines: Any) -> list[tuple[str, dict[str, object]]]:
    history = read(*lines).history
    return [(KIND_NAMES[kind], dict(data)) for kind, data in zip(history.kind, history.data, strict=True)]


def test_identify_tells_who_they_are() -> None:
    assert rows(message("identify", traits={"title": "CIO"})) == [("person_identified", {"title": "CIO"})]


def test_a_track_named_like_a_kind_is_that_kind() -> None:
    assert rows(message("track", event="Demo Requested", properties={"a": 1})) == [("demo_requested", {"a": 1})]


def test_a_track_of_another_name_is_custom_and_keeps_it() -> None:
    told = message("track", event="Video Played", properties={"name": "intro"})
    assert rows(told) == [("custom", {"name": "intro", "event": "Video Played"})]


def test_a_page_is_read_with_its_place_and_campaign() -> None:
    context = {
        "page": {"path": "/pricing", "referrer": "https://x.example"},
        "campaign": {"name": "spring", "source": "ads"},
    }
    told = message("page", name="Pricing", context=context, properties={"title": "Prices"})
    assert rows(told) == [
        (
            "page_viewed",
            {"name": "Pricing", "path": "/pricing", "referrer": "https://x.example", "utm_campaign": "spring"}
            | {"utm_source": "ads", "title": "Prices"},
        )
    ]


def test_a_screen_is_a_page() -> None:
    assert rows(message("screen", name="Home")) == [("page_viewed", {"name": "Home"})]


def test_a_group_names_the_company_and_describes_it() -> None:
    history = read(message("group", groupId="Acme.example", traits={"employees": 50})).history
    assert [KIND_NAMES[code] for code in history.kind] == ["person_described", "company_described"]
    assert (history.person.tolist(), history.company.tolist()) == ([0, NONE], [0, 0])


def test_an_anonymous_visitor_is_a_person_and_null_is_absent() -> None:
    told = message("track", event="x", userId=None, anonymousId="anon-1", context={"groupId": 42})
    history = read(told).history
    assert (history.people, history.companies) == (["anon-1"], ["42"])


def test_a_message_sent_twice_counts_once() -> None:
    assert read(message("page"), message("page")).duplicates == 1


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (message("alias", previousId="anon-1"), "alias joins two identities"),
        (message("dance"), "type 'dance' is none of identify"),
        (message("track"), "track without event"),
        (message("group"), "group without groupId"),
        (message("page", userId=None), "no person"),
        (message("page", timestamp=None), "no time"),
        (message("page", timestamp="2026-03-01T12:00:00"), "has no offset"),
        (message("page", properties=[1]), "properties is a list"),
        (message("identify", traits={"a": "\x00"}), "a holds a NUL"),
    ],
)
def test_a_message_that_says_nothing_is_refused(told: Any, words: str) -> None:
    assert words in reason(told)


# The fast way and the slow way

_SCALARS = st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats() | st.text(max_size=20)
_DATA = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
_LINES = st.fixed_dictionaries(
    {},
    optional={
        "person": st.sampled_from(["ana", " ana ", "", "josé", 7, None, "a\x00"]),
        "at": st.sampled_from(
            [NOON, "2026-03-01", "2026-03-01T23:30:00-01:00", "x", "2101-01-01", None, "1970-01-01T00:00:00+01:00"]
        ),
        "kind": st.sampled_from(
            ["page_viewed", "custom", "bant_answered", "company_described", "event_voided", "no", None]
        ),
        "data": _DATA | st.dictionaries(st.text(max_size=5), _DATA, max_size=4),
        "id": st.sampled_from(["a", "b ", 7, "7", "", None, "é"]),
        "company": st.sampled_from(["acme.example", "Acme", "gmail.com", "", " ", None, 5]),
        "source": st.sampled_from(["web", "", None]),
        "by": st.sampled_from(["sam", "", None]),
        "extra": _DATA,
    },
)


@given(st.lists(_LINES, max_size=6))
@example([{}, {"kind": "page_viewed", "at": NOON, "extra": -(10**19)}])
@example([{"person": "ana", "kind": "page_viewed", "at": NOON, "extra": 10**21}])
@settings(max_examples=300, deadline=None)
def test_the_fast_way_and_the_slow_way_agree(told: list[dict[str, Any]]) -> None:
    ascii_lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in told).encode("utf-8", "replace")
    fast, slow = reading._Reader(None), reading._Reader(None)
    slow._decode = _refuses_everything  # type: ignore[assignment,method-assign]
    fast.take(ascii_lines.split(b"\n"))
    slow.take(ascii_lines.split(b"\n"))
    a, b = fast.reading(), slow.reading()
    assert (a.refused, a.lines, a.duplicates, a.voided) == (b.refused, b.lines, b.duplicates, b.voided)
    for name in ("people", "companies", "data"):
        assert repr(getattr(a.history, name)) == repr(getattr(b.history, name))
    for name in ("person", "at", "kind", "company", "has_by"):
        assert getattr(a.history, name).tolist() == getattr(b.history, name).tolist()


def _refuses_everything(line: bytes) -> Any:
    raise reading.msgspec.DecodeError("the slow way, please")
