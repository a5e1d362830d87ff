"""A webhook with a secret: what is not signed with it is turned away, and Zoom gets the proof it asks for.

The signatures were made by another program (openssl dgst -hmac), of the very bytes that stand here.
"""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from rung.access.actions import Refused, add_user
from rung.access.models import Audit
from rung.capture.models import HookMessage, Webhook
from rung.capture.webhooks import hooking, signing

SECRET = "s3cret"
A = '{"a":1}'
SIGNED: dict[str, tuple[str, dict[str, str]]] = {
    "Cal.com": (A, {"X-Cal-Signature-256": "5910e62016ef5034272c926c27071992a465c2335cecf41851bda071577f4f6d"}),
    "GitHub": (A, {"X-Hub-Signature-256": "sha256=5910e62016ef5034272c926c27071992a465c2335cecf41851bda071577f4f6d"}),
    "Intercom": (A, {"X-Hub-Signature": "sha1=79999786a1bff10cd4d7dd0b0752574af76be0b5"}),
    "tawk.to": (A, {"X-Tawk-Signature": "79999786a1bff10cd4d7dd0b0752574af76be0b5"}),
    "Zoom": (
        '{"event":"webinar.registration_created"}',
        {
            "X-Zm-Request-Timestamp": "1795183384",
            "X-Zm-Signature": "v0=0478ddf384f9051a2bd7a80c0755d6033860f48f257588d1e22685ebd926a087",
        },
    ),
    "Calendly": (
        '{"event":"invitee.created"}',
        {
            "Calendly-Webhook-Signature": "t=1795183384,"
            "v1=eee62cf45d7274274a135f81f974c7c07c7e0c2755b099e379b390b32e360745"
        },
    ),
}
ASKED = {"event": "endpoint.url_validation", "event_ts": 1, "payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"}}
PROOF = "f54f2d5fee8f181aab8371bada7fed9bb675eae464f18ed4fb91715244b58ef4"


@pytest.fixture
def tell(client: Client) -> Any:
    token = hooking.add_webhook(name="hook", template="empty", by="test", at=1).token

    def told(body: str, headers: dict[str, str] | None = None) -> Any:
        return client.post(f"/w/{token}", body, content_type="application/json", headers=headers or {})

    return told


def keep(secret: str) -> None:
    hooking.keep_secret(name="hook", secret=secret, by="test", at=2)


@pytest.mark.django_db
@pytest.mark.parametrize("product", SIGNED)
def test_what_a_product_signed_comes_in_and_the_same_changed_or_unsigned_does_not(tell: Any, product: str) -> None:
    body, headers = SIGNED[product]
    keep(SECRET)
    assert tell(body, headers).status_code == 200
    assert HookMessage.objects.count() == 1
    for asked in ((body, {}), (body + " ", headers), (body, dict.fromkeys(headers, "v0=é"))):
        answer = tell(*asked)
        assert (answer.status_code, answer.json()) == (
            401, {"error": "not signed with the secret that was kept for this address"},
        )  # fmt: skip
    keep("another")
    assert tell(body, headers).status_code == 401
    assert HookMessage.objects.count() == 1
    hooking.take_secret_away(name="hook", by="test", at=3)
    assert tell(body, headers).status_code == tell(body).status_code == 200


@pytest.mark.django_db
def test_zoom_gets_its_proof_and_nothing_is_kept_of_the_question(tell: Any) -> None:
    keep(SECRET)
    answer = tell(json.dumps(ASKED))
    assert (answer.status_code, answer.json()) == (
        200, {"plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": PROOF},
    )  # fmt: skip
    assert not HookMessage.objects.exists()


@pytest.mark.django_db
def test_zoom_is_told_what_to_do_where_no_secret_is_kept_yet(tell: Any) -> None:
    answer = tell(json.dumps(ASKED))
    assert (answer.status_code, answer.json()) == (
        422, {"error": "Zoom asks for a proof: keep its secret token here first, then let it ask again."},
    )  # fmt: skip


@pytest.mark.parametrize("token", ['v0:1795183384:{"event":"x"}', "", "a" * 101, None, 7, "a\n"])
def test_no_proof_is_given_that_would_sign_a_message(token: Any) -> None:
    with pytest.raises(signing.Unproven):
        signing.proof(SECRET, json.dumps({**ASKED, "payload": {"plainToken": token}}).encode())


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body", [b'{"event":"endpoint.url_validation","x":"\xff"}', b"[" * 50_000 + b'"endpoint.url_validation"']
)
def test_what_cannot_be_read_is_no_question_and_no_fault_of_ours(client: Client, body: bytes) -> None:
    assert signing.proof(SECRET, body) is None
    cache.clear()
    token = hooking.add_webhook(name="hook", template="empty", by="test", at=1).token
    answer = client.post(f"/w/{token}", body, content_type="application/json")
    assert (answer.status_code, answer.json()["outcome"]) == (200, "refused")


def test_a_message_that_only_speaks_of_the_question_is_none() -> None:
    for body in (
        b'{"event":"chat","text":"endpoint.url_validation"}',
        b'["endpoint.url_validation"]',
        b"endpoint.url_validation",
    ):
        assert signing.proof(SECRET, body) is None


@pytest.mark.django_db
def test_a_secret_is_shown_to_nobody_and_what_is_none_is_refused(tell: Any) -> None:
    keep(f"  {SECRET}\n")
    assert Webhook.objects.get().secret == SECRET
    entry = Audit.objects.order_by("-pk").first()
    assert entry is not None and (entry.verb, entry.data) == ("secured webhook", {"secret": "kept"})
    for wrong in ("a" * 201, "é", "a\0b"):
        with pytest.raises(Refused):
            keep(wrong)
    assert Webhook.objects.get().secret == SECRET


@pytest.mark.django_db
def test_an_empty_field_keeps_the_secret_and_only_a_tick_takes_it_away(tell: Any) -> None:
    keep(SECRET)
    ren = Client()
    ren.force_login(add_user(email="ren@ours.example", role="revops", by="test", at=1))
    address = "/capture/webhooks/hook/secret"
    refused = ren.post(address, {"secret": " "})
    assert refused.status_code == 422
    assert "write the secret, or tick “Take the secret away”" in refused.content.decode()
    assert Webhook.objects.get().secret == SECRET
    assert ren.post(address, {"secret": "", "away": "1"}).status_code == 303
    assert Webhook.objects.get().secret == ""
    entry = Audit.objects.order_by("-pk").first()
    assert entry is not None and (entry.verb, entry.data) == ("secured webhook", {"secret": "taken away"})
    assert 'name="away"' not in ren.get("/capture/webhooks/hook").content.decode()  # there is none to take away
