"""Whatever a stranger sends to the doors that ask for no session: never a 5xx, every refusal has its words, what is
refused writes nothing, and nothing that was received is lost or counted twice.

The examples are the same in each run. `HYPOTHESIS_PROFILE=long` looks at forty times as many.
"""

import gzip
import io
import json
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capture.asking import SERVER, SITE, Asking, basic
from capture.test_collector import VIEW
from capture.test_forms import ANSWERS, DEMO
from rung.asgi import _environ
from rung.capture.collector import taking
from rung.capture.collector.asgi import PATHS
from rung.capture.collector.inbox import Inbox
from rung.capture.forms import building
from rung.capture.models import CaptureCount, FormSubmission, HookMessage, RefusedEvent
from rung.capture.webhooks import hooking
from rung.capture.webhooks.hook_templates import TEMPLATES
from rung.history.models import Event
from rung.jobs.clock import now
from rung.people.models import Person
from web.hostile import NAUGHTY

pytestmark = pytest.mark.django_db
FEW: Final = settings(
    max_examples=settings().max_examples if settings().max_examples > 1_000 else 25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    deadline=None,
    derandomize=True,
)
WORSE: Final = (
    "\0", "\ud800", "9" * 5_000, "1970-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "-0001-01-01", "2026-02-30",
    "💥" * 400, "a\r\nBcc: x@y.example", "x" * 1_001, "y" * 70_000, "n/a", "kim(at)firm.example", "ana@acme.example",
    "+49 30 1",
)  # fmt: skip
NUMBERS: Final = (0, -1, 2**53, 2**63, 2**64, -(2**63) - 1, 1e308, float("nan"), float("inf"), 10**400)

texts = st.sampled_from((*NAUGHTY, *WORSE)) | st.text(max_size=12)
plain = st.none() | st.booleans() | st.sampled_from(NUMBERS) | texts
names = st.sampled_from(
    (
        "type", "event", "userId", "anonymousId", "messageId", "timestamp", "sentAt", "originalTimestamp", "traits",
        "properties", "context", "integrations", "batch", "writeKey", "groupId", "previousId", "name", "email", "phone",
        "path", "url", "page", "campaign", "payload", "topic", "data", "item", "visitor", "object", "rows", "each",
        "id", "kind", "",
    )
) | texts  # fmt: skip
anything = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)
DEEP: Final = ("[" * 100_000, '{"a":' * 20_000 + "1" + "}" * 20_000, '{"batch":[' + "[" * 5_000 + "]" * 5_000 + "]}")
bodies = (
    anything.map(lambda told: json.dumps(told).encode())
    | st.sampled_from([text.encode() for text in (*DEEP, "", "{", "nul", '{"a":1}{"b":2}', '{"a":1,"a":2}')])
    | st.sampled_from([b"\xff\xfe\x00{", b"\xef\xbb\xbf{}", gzip.compress(b"0" * 600_000), b"x" * 600_000])
    | st.binary(max_size=40)
)
types = st.sampled_from(
    (
        "application/json", "application/json; charset=utf-16", "application/json; charset=none-such", "text/plain",
        "text/csv", "application/x-www-form-urlencoded",
        "multipart/form-data", "multipart/form-data; boundary=x", "multipart/form-data; boundary=" + "b" * 300,
        "message/rfc822", "", "\xff", "a/b; c=\"",
    )
)  # fmt: skip
events = st.fixed_dictionaries(
    {"type": st.sampled_from(("track", "identify", "page", "screen", "group", "alias")) | plain},
    optional={
        "userId": plain, "anonymousId": plain, "messageId": st.sampled_from(("m-1", "m-2", "m-3")) | plain,
        "event": plain, "traits": anything, "properties": anything, "context": anything, "timestamp": plain,
        "sentAt": plain, "groupId": plain, "previousId": plain,
    },
)  # fmt: skip
batches = st.fixed_dictionaries(
    {"batch": st.lists(events, max_size=4) | anything},
    optional={"writeKey": plain, "sentAt": plain, "context": anything},
)


# Segment's API


@FEW
@given(
    path=st.sampled_from(sorted(PATHS)),
    body=(batches | events).map(lambda told: json.dumps(told).encode()) | bodies,
    encoding=st.sampled_from(("", "", "gzip", "identity", "br", "gzip, gzip", "\xff")),
    is_zipped=st.booleans(),
    authorization=st.sampled_from(
        (
            basic(SERVER)["authorization"],
            basic(SITE)["authorization"],
            f"Bearer {SERVER}",
            "",
            "Basic \xff",
            "Basic ====",
        )
    ),
    content_type=types,
)
def test_every_address_of_segment_answers_whatever_comes(tmp_path_factory: Any, **asked: Any) -> None:
    collector = Asking(tmp_path_factory.mktemp("inbox") / "inbox.sqlite3")
    body = gzip.compress(asked["body"]) if asked["is_zipped"] else asked["body"]
    headers = {"authorization": asked["authorization"], "content-encoding": asked["encoding"]}
    answer = collector.ask("POST", asked["path"], body, {**headers, "content-type": asked["content_type"]})
    assert answer.status in (200, 400, 401, 413, 429), answer
    if answer.status == 200:
        assert answer.said["success"] is True
    else:
        assert answer.said["code"] and answer.said["message"]
    items = collector.items()
    if answer.status != 200:
        assert all(item.refused for item in items), "what is refused whole is nowhere taken"
    assert collector.post("/v1/page", VIEW).status == 200, "told in every example: once taken, else a duplicate"
    assert_nothing_is_lost(collector.path, 1 + sum(item.count for item in items))


def assert_nothing_is_lost(inbox: Path, received: int) -> None:
    """received = accepted + duplicate + refused, once the worker has taken the inbox in."""
    CaptureCount.objects.all().delete()
    before = Event.objects.exclude(by="system").filter(source__startswith="key:").count()
    taking.Intake(inbox).turn(2**62)
    counted: dict[str, int] = {}
    for row in CaptureCount.objects.all():
        counted[row.outcome] = counted.get(row.outcome, 0) + row.number
    assert counted.pop("received") == received == sum(counted.values())
    after = Event.objects.exclude(by="system").filter(source__startswith="key:").count()
    assert (after > before) == (counted.get("accepted", 0) > 0)
    assert not Inbox(inbox).waiting(0)


@FEW
@given(
    method=st.sampled_from(("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")),
    path=st.sampled_from(
        (*sorted(PATHS), "/rung.js", "/v1/m", "/v1/none", "/v1/projects/x/settings", f"/v1/projects/{SITE}/settings")
    )
    | st.sampled_from(("/v1/pixel/track", "/v1/pixel/page", "/v1/pixel/none")),
    query=st.text(st.characters(max_codepoint=255), max_size=30)
    | st.sampled_from(("data=====", "data=%ff", "data=e30", "a.b=1&a=2", "&" * 300, "traits.email=n/a&userId=%00")),
)
def test_what_is_only_asked_for_answers_and_never_falls(
    tmp_path_factory: Any, method: str, path: str, query: str
) -> None:
    collector = Asking(tmp_path_factory.mktemp("inbox") / "inbox.sqlite3")
    answer = collector.ask(method, f"{path}?{query}" if "?" not in query else path)
    assert answer.status in (200, 204, 400, 404, 405)
    assert answer.status < 400 or answer.body


# Forms and webhooks


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Event, Person, FormSubmission, HookMessage, RefusedEvent))


@FEW
@given(
    body=st.dictionaries(
        st.sampled_from((*ANSWERS, "opened", "rung_id", "embed", "id", "utm_source")), anything, max_size=4
    ).map(lambda told: json.dumps({**ANSWERS, **told}).encode())
    | bodies,
    content_type=st.just("application/json") | types,
    cookie=st.sampled_from(("", "a" * 32, "\xff", "\0", "x" * 5_000)),
    query=st.sampled_from(("", "?referrer=%00", "?utm_source=%ff", "?embed=1", "?x[]=1&x[]=2")),
)
def test_a_form_takes_or_names_what_it_does_not_take(
    public_form: Client, body: bytes, content_type: str, cookie: str, query: str
) -> None:
    cache.clear()
    before = counts()
    answer = public_form.generic(
        "POST", f"/f/demo{query}", body, content_type, HTTP_COOKIE=f"rung_id={cookie}", HTTP_REFERER=cookie
    )
    assert answer.status_code in (201, 303, 400, 413, 422), answer.content[:200]
    if answer.status_code >= 400:
        assert counts() == before
        assert answer.content


@FEW
@given(body=bodies, content_type=types, template=st.sampled_from(sorted(TEMPLATES)))
def test_a_webhook_keeps_whatever_comes_and_says_what_became_of_it(
    hooks: dict[str, str], body: bytes, content_type: str, template: str
) -> None:
    cache.clear()
    before = counts()
    answer = Client(raise_request_exception=False).generic("POST", hooks[template], body, content_type)
    assert answer.status_code in (200, 413), answer.content[:200]
    if answer.status_code == 413:
        assert answer.json()["error"] and counts() == before
        return
    said = answer.json()
    assert said["outcome"] in ("accepted", "duplicate", "passed", "refused")
    assert said["why"] or said["outcome"] != "refused"
    if said["outcome"] != "accepted":
        assert counts()[:3] == before[:3]


@pytest.mark.parametrize(
    ("told", "passed_on"),
    [
        ("application/x-www-form-urlencoded; charset=rot13", "application/x-www-form-urlencoded"),
        ("text/plain; charset*=utf-8''hex", "text/plain"),
        ("text/plain; charset=utf-8; charset=undefined", "text/plain"),
        ("text/plain; charset=UTF-8", "text/plain; charset=UTF-8"),
        ('multipart/form-data; boundary="x"; charset="windows-1252"',) * 2,
    ],
)
def test_a_charset_that_is_none_of_texts_is_not_passed_on(told: str, passed_on: str) -> None:
    """Found by this file: with an address that has a query, Django fell before any page of ours was asked."""
    scope = {
        "method": "POST", "raw_path": b"/f/demo", "query_string": b"referrer=%00", "http_version": "1.1",
        "headers": [(b"content-type", told.encode())],
    }  # fmt: skip
    request = WSGIRequest(_environ(scope, io.BytesIO(b"a=b"), 3))
    assert request.META["CONTENT_TYPE"] == passed_on
    assert request.GET["referrer"] == "\0"


@pytest.fixture
def public_form(monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr("rung.web.forms.FASTEST", 0)
    building.save_form(slug="demo", told=DEMO, by="test", at=now())
    building.publish_form(slug="demo", number=1, by="test", at=now())
    return Client(raise_request_exception=False)


@pytest.fixture
def hooks() -> dict[str, str]:
    made = {code: hooking.add_webhook(name=code, template=code, by="test", at=1) for code in TEMPLATES}
    return {code: f"/w/{each.token}" for code, each in made.items()}
