"""The capture page: what arrives, what was refused and why, the snippet, and keys that are made and revoked."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from rung.access import keys
from rung.access.models import ApiKey, Audit
from rung.capture.collector import taking
from rung.capture.collector.inbox import Inbox, Item
from rung.capture.forms import building, submitting
from rung.capture.models import HookMessage, RefusedEvent, Webhook
from rung.people.models import Person
from rung.web.form_starts import STARTS
from web.conftest import World
from web.reading import words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ren(client: Client, world: World) -> Client:
    client.force_login(world.users["revops"])
    return client


@pytest.fixture
def came(world: World, tmp_path: Path) -> Path:
    """Ana read a page, twice told; something was refused for its time, and a stranger knocked with two events."""
    inbox = Inbox(tmp_path / "inbox.sqlite3")
    view = {"type": "page", "messageId": "1", "userId": "ana@acme.example", "properties": {"path": "/pricing"}}
    late = {**view, "messageId": "2", "timestamp": "<script>alert(1)</script>"}
    batch = json.dumps({"batch": [{**view, "messageId": "3"}, {**view, "messageId": "4"}]}).encode()

    def item(raw: bytes, id_: str, source: str = "key:site", refused: str = "", count: int = 1) -> Item:
        door = "publishable" if source else ""
        return Item(world.at, None, source, door, id_, False, refused, refused and "Nobody knows it.", count, raw)

    inbox.append(
        [
            item(json.dumps(view).encode(), "1"),
            item(json.dumps(view).encode(), "1"),
            item(json.dumps(late).encode(), "2"),
            item(batch, "5", source="", refused="unknown_key", count=2),
        ]
    )
    inbox.close()
    taking.Intake(tmp_path / "inbox.sqlite3").turn(2**62)
    return tmp_path


def test_the_page_says_what_came_what_became_of_it_and_of_whom(ren: Client, came: Path) -> None:
    answer = ren.get("/capture")
    said = words_of(answer)
    assert "5 events have come in during the last 24 hours, 3 refused" in said
    assert "5 received = 1 accepted + 1 known already + 3 refused" in said
    ana = Person.objects.get(email="ana@acme.example")
    assert f"/people/{ana.uuid}" in answer.content.decode()
    assert "Read a page: /pricing" in said


def test_what_was_refused_can_be_filtered_and_is_shown_as_text(ren: Client, came: Path) -> None:
    page = ren.get("/capture").content.decode()
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    page = ren.get("/capture?reason=unknown_key").content.decode()
    assert "2 events" in page
    assert (page.count('tag">unknown key<'), page.count('tag">bad time<')) == (1, 0)
    assert words_of(ren.get("/capture?reason=too_deep")).count("Nothing is refused for this reason") == 1
    assert ren.get("/capture?reason=nonsense&before=x").status_code == 200


def test_a_reason_that_is_gone_is_replayed_and_said(ren: Client, came: Path) -> None:
    answer = ren.post("/capture/replays", {"reason": "unknown_key"}, follow=True)
    assert "2 taken in." in answer.content.decode()
    assert not RefusedEvent.objects.filter(reason="unknown_key", replayed_at=None).exists()
    late = RefusedEvent.objects.get(reason="bad_time")
    answer = ren.post("/capture/replays", {"refused": str(late.pk)}, follow=True)
    assert "1 still refused" in answer.content.decode()
    assert ren.post("/capture/replays", {"refused": "9" * 30}).status_code == 409
    assert Audit.objects.filter(verb="replayed events").count() == 2


def test_a_key_is_shown_once_and_the_snippet_carries_it_when_it_is_publishable(ren: Client) -> None:
    assert "no publishable key yet" in words_of(ren.get("/capture"))
    made = ren.post("/capture/keys", {"name": "crm", "kind": "secret"})
    assert made.status_code == 201
    secret = next(word for word in words_of(made).split() if word.startswith("rung_sec_"))
    assert secret not in ren.get("/capture").content.decode()
    assert keys.hash_of_key(secret) in keys.keys_in_force()
    ren.post("/capture/keys", {"name": "web-site", "kind": "publishable"})
    site = ApiKey.objects.get(name="web-site")
    assert f'data-key="{site.shown}"' in words_of(ren.get("/capture"))
    assert ren.post(f"/capture/keys/{site.pk}/revocation").status_code == 303
    assert "no publishable key yet" in words_of(ren.get("/capture"))
    assert ren.post(f"/capture/keys/{site.pk}/revocation").status_code == 409
    assert list(Audit.objects.order_by("seq").values_list("verb", flat=True))[-3:] == [
        "added key", "added key", "revoked key",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind"), [("", "secret"), ("Wéb/site", "secret"), ("x" * 61, "secret"), ("a", "public"), ("a\0", "secret")]
)
def test_what_cannot_be_a_key_is_refused_in_words(ren: Client, name: str, kind: str) -> None:
    answer = ren.post("/capture/keys", {"name": name, "kind": kind})
    assert answer.status_code == 422
    assert ApiKey.objects.count() == 0


def test_a_keys_name_is_taken_as_people_write_names(ren: Client) -> None:
    assert ren.post("/capture/keys", {"name": " Web site ", "kind": "publishable"}).status_code == 201
    assert ApiKey.objects.get().name == "web-site"


def test_the_page_has_what_to_type_for_each_client_with_host_and_key_in_it(ren: Client) -> None:
    made = ren.post("/capture/keys", {"name": "crm", "kind": "secret"})
    secret = next(word for word in words_of(made).split() if word.startswith("rung_sec_"))
    assert words_of(made).count(secret) == 4  # by itself, for Python, Node and curl
    assert words_of(ren.get("/capture")).count('analytics.write_key = "rung_sec_…"') == 1


def test_what_one_key_sent_and_was_refused_is_one_click_away(ren: Client, came: Path) -> None:
    keys.add_key(name="site", kind="publishable", by="test", at=1)
    page = ren.get("/capture")
    assert "publishable · 3 in 24 hours, 1 refused" in words_of(page)
    assert 'href="/capture?source=key%3Asite#refused"' in page.content.decode()
    page = ren.get("/capture?source=key:site").content.decode()
    assert (page.count('tag">unknown key<'), page.count('tag">bad time<'), page.count("only of site")) == (0, 1, 1)


def test_what_no_later_day_can_read_is_not_offered_for_replay(ren: Client, came: Path) -> None:
    RefusedEvent.objects.filter(reason="bad_time").update(reason="not_json")
    page = ren.get("/capture?reason=not_json").content.decode()
    assert (page.count('tag">not json<'), page.count("Replay it")) == (1, 0)
    assert ren.get("/capture?reason=unknown_key").content.decode().count("Replay it") == 1


def test_the_same_again_and_again_is_one_line_of_the_feed_with_its_key(
    ren: Client, world: World, tmp_path: Path
) -> None:
    inbox = Inbox(tmp_path / "inbox.sqlite3")
    used = {"type": "track", "event": "Product Used", "userId": "ana@acme.example"}
    raws = [json.dumps({**used, "messageId": str(number)}).encode() for number in range(7)]
    inbox.append(
        [Item(world.at, None, "key:site", "publishable", str(n), False, "", "", 1, raw) for n, raw in enumerate(raws)]
    )
    inbox.close()
    taking.Intake(tmp_path / "inbox.sqlite3").turn(2**62)
    page = words_of(ren.get("/capture"))
    assert "Used the product, 7 times · site" in page
    assert page.count("Used the product") == 1


def test_a_name_keeps_its_kind_and_a_second_key_of_it_continues_the_source(ren: Client) -> None:
    for kind, status in (("secret", 201), ("secret", 201), ("publishable", 422)):
        assert ren.post("/capture/keys", {"name": "crm", "kind": kind}).status_code == status
    assert {key.source for key in ApiKey.objects.all()} == {"key:crm"}


def test_the_feed_renews_itself_in_few_questions(ren: Client, came: Path, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(12):
        answer = ren.get("/capture/feed")
    assert 'id="arrived"' in answer.content.decode()
    with django_assert_max_num_queries(16):
        ren.get("/capture")


def test_the_feed_and_its_sentence_know_the_other_doors(ren: Client, world: World, came: Path) -> None:
    told = {**STARTS["demo"][1], "title": "See it"}
    building.save_form(slug="see-it", told=told, by="test", at=world.at)
    form = building.publish_form(slug="see-it", number=1, by="test", at=world.at)
    answers = {"name": "Gus Nord", "email": "gus@nord.example"}
    submitting.submit(form=form, answers=answers, also={}, submission_id="filled-once", at=world.at)
    hook = Webhook.objects.create(name="chat", token="t", created_at=1, created_by="test")
    for number, outcome in enumerate(("accepted", "passed", "refused")):
        words = "" if outcome == "accepted" else f"it was {outcome}"
        HookMessage.objects.create(webhook=hook, received_at=world.at + number, outcome=outcome, words=words, events=2)
    page = words_of(ren.get("/capture"))
    assert (
        "5 events have come in during the last 24 hours, 3 refused; 1 form was filled, 3 messages came to webhooks"
        in page
    )
    assert "Gus Nord Filled a form · form see-it e-" in page
    assert "it was refused webhook chat refused" in page
    assert "it was passed webhook chat passed over" in page
    assert "2 events webhook chat" in page
