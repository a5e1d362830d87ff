"""Texts that break programs, in every field of every door: each is kept, or refused in words, and nothing falls."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.cache import cache
from django.test import Client

from capture.asking import Asking
from capture.test_forms import ANSWERS, DEMO
from capture.test_messages import NAUGHTY as BROKEN
from rung.access.actions import Refused
from rung.capture import adding, enriching
from rung.capture.adding import Written
from rung.capture.collector import taking
from rung.capture.forms import building
from rung.capture.models import CaptureCount, Enrichment, FormSubmission, HookMessage, RefusedEvent
from rung.capture.webhooks import hooking
from rung.capture.webhooks.hook_templates import TEMPLATES
from rung.history.models import Event
from rung.jobs.clock import now
from rung.people.models import Person
from rung.terms.values import clean_text
from web.hostile import NAUGHTY

pytestmark = pytest.mark.django_db
TEXTS: Final = tuple(dict.fromkeys(text[:2_000] for text in (*NAUGHTY, *BROKEN)))
SOUND: Final = tuple(text for text in TEXTS if "\0" not in text and text.isprintable())


def test_what_segments_clients_say_around_an_event(tmp_path: Path) -> None:
    collector = Asking(tmp_path / "inbox.sqlite3")
    batch = []
    for number, text in enumerate(TEXTS):
        base = {"type": "page", "anonymousId": f"a-{number}", "timestamp": "2026-03-01T10:00:00Z"}
        odd = {text: text} if text else {"x": text}
        places: list[dict[str, Any]] = [
            {"context": {"page": {"path": text, "title": text}, "campaign": {"name": text, "source": text}}},
            {"context": {"groupId": text}}, {"context": odd}, {"integrations": odd}, {"properties": odd},
            {"type": "identify", "traits": {**odd, "email": text, "name": text, "phone": text}},
            {"type": "group", "groupId": text, "traits": odd}, {"type": "alias", "previousId": text}, {text: text},
        ]  # fmt: skip
        batch += [{**base, **place, "messageId": f"{number}-{turn}"} for turn, place in enumerate(places)]
    answer = collector.post("/v1/batch", {"batch": batch, "context": {"ip": "\0"}})
    assert answer.status == 200
    for text in TEXTS:
        one = collector.post("/v1/track", {"writeKey": text, "sentAt": text, "userId": "u", "event": text})
        assert one.status in (200, 400)
    taking.Intake(collector.path).turn(2**62)
    counts = {row.outcome: row.number for row in CaptureCount.objects.filter(source="key:server")}
    assert counts.pop("received") == len(batch) + len(TEXTS) == sum(counts.values())
    late = RefusedEvent.objects.filter(reason__in=("defect", "not_recorded")).values_list("words", flat=True)
    assert not list(late), "had its 200 and was refused later"
    assert counts["accepted"] > len(batch) // 2


@pytest.fixture
def list_of_people() -> Iterator[str]:
    """The address of a webhook that takes lists, with every place pointed at."""
    made = hooking.add_webhook(name="list", template="badges", by="test", at=1)
    more = {"id": "/no", "kind_at": "/did", "kinds": {"came": "webinar_attended"}}
    hooking.map_webhook(name="list", told={**TEMPLATES["badges"][1], **more}, by="test", at=1)
    return f"/w/{made.token}"


_SAID: Final = ("name", "last name", "title", "event", "notes", "other")
_READ: Final = ("email", "phone", "company", "scanned at", "no", "did")


def people() -> list[dict[str, str]]:
    """Each text in all places that say no more than a text, and in one of those that must be read."""
    lines = []
    for number, text in enumerate(TEXTS):
        read = _READ[number % len(_READ)]
        lines.append({"email": f"p{number}@x.example", **dict.fromkeys(_SAID, text)})
        lines.append({"email": f"q{number}@x.example", **({"did": "came"} if read == "did" else {}), read: text})
    return lines


def test_a_list_that_a_program_tells_as_json_or_csv(client: Client, list_of_people: str) -> None:
    lines = people()
    told = client.post(list_of_people, json.dumps({"rows": lines}), content_type="application/json")
    assert told.status_code == 200 and told.json()["outcome"] == "accepted", told.json()
    rows = io.StringIO()
    csv.DictWriter(rows, ("did", "email", *_SAID, *_READ[1:-1])).writeheader()
    csv.DictWriter(rows, ("did", "email", *_SAID, *_READ[1:-1])).writerows(lines)
    told = client.post(list_of_people, rows.getvalue().encode("utf-8", "surrogatepass"), content_type="text/csv")
    assert told.status_code == 200 and told.json()["outcome"] in ("accepted", "duplicate"), told.json()
    assert {row.outcome for row in HookMessage.objects.all()} <= {"accepted", "duplicate"}
    assert Event.objects.filter(source="webhook:list", data__notes="{{7*7}}").exists(), "kept as it is"


_READ_IN_A_MAIL: Final = (b"From", b"Message-ID", b"Auto-Submitted", b"Content-Type", b"Content-Transfer-Encoding")


def test_a_mail_in_each_of_its_parts(client: Client) -> None:
    webhook = hooking.add_webhook(name="post", template="empty", by="test", at=1).webhook
    for number, text in enumerate(TEXTS):
        raw = text.encode("utf-8", "surrogatepass")
        whose = b"a%d@b.example" % number
        soft = {b"From": b"%b <%b>" % (raw, whose), b"Subject": raw, b"In-Reply-To": raw, b"body": raw}
        name = _READ_IN_A_MAIL[number % len(_READ_IN_A_MAIL)]
        for told in (soft, {name: (b"text/plain; charset=%b" if name == b"Content-Type" else b"%b") % raw}):
            heads = {b"From": whose, b"Message-ID": b"<%d-%d>" % (number, len(told)), **told}
            body = heads.pop(b"body", b"Call me.")
            mail = b"".join(b"%b: %b\r\n" % head for head in heads.items()) + b"\r\n" + body
            message = hooking.receive(webhook=webhook, body=mail, content_type="message/rfc822", at=now())
            assert message.outcome in HookMessage.OUTCOMES and (message.words or message.outcome != "refused")
    asked = Event.objects.filter(source="webhook:post", kind="question_asked")
    assert asked.count() > len(SOUND)
    assert "{{7*7}}" in {event.data.get("subject") for event in asked}


def test_somebody_written_in_by_hand_and_whom_they_refer() -> None:
    referrer = adding.add_person(written=Written(email="ana@acme.example"), by="test", at=now())
    for number, text in enumerate(TEXTS):
        mail = f"w{number}@x.example"
        read = {("email", "phone", "company", "source", "referred_by")[number % 5]: text}
        for told in ({"email": mail, "name": text, "title": text, "note": text}, {"email": f"r{mail}", **read}):
            before = Person.objects.count()
            try:
                adding.add_person(written=Written(**told), by="test", at=now())
            except Refused as refusal:
                assert str(refusal) and Person.objects.count() == before
        try:
            adding.refer(referrer=referrer, email=f"n{mail}" if number % 2 else text, name=text, by="test", at=now())
        except Refused as refusal:
            assert str(refusal)
    noted = {person.traits.get("note") for person in Person.objects.all()}
    assert {clean_text(text) for text in SOUND if text.strip() and len(text) < 250} <= noted


def test_what_a_plugin_finds() -> None:
    ana = adding.add_person(written=Written(email="ana@acme.example"), by="test", at=now())
    for start in range(0, len(TEXTS), 25):
        facts = {f"f{start + number}": text for number, text in enumerate(TEXTS[start : start + 25])}
        kept = enriching._kept({**facts, **dict.fromkeys(facts.values(), "x")})
        asked = Enrichment.objects.create(person=ana, plugin="p", asked_at=1, asked_by="t", facts=kept, answered_at=1)
        for field in kept:
            if field.startswith("f") and kept[field]:
                enriching.take_over(enrichment_id=asked.pk, field=field, by="test", at=now())
    ana.refresh_from_db()
    assert len([field for field in ana.traits if field.startswith("f")]) > len(SOUND) // 2


def test_a_form_in_all_of_its_fields(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rung.web.forms.FASTEST", 0)
    building.save_form(slug="demo", told=DEMO, by="test", at=now())
    building.publish_form(slug="demo", number=1, by="test", at=now())
    for number, text in enumerate(TEXTS):
        cache.clear()
        mail = {"email": f"f{number}@x.example"}
        unseen = dict.fromkeys(("utm_source", "referrer", "rung_id", "embed", "id", "opened"), text)
        for told in (
            {"name": text, "title": text, "problem": text, "today": text, "heard": text, **unseen},
            {("company", "phone", "size", "email")[number % 4]: text},
        ):
            before = FormSubmission.objects.count()
            body = json.dumps({**ANSWERS, **mail, **told})
            answer = client.post("/f/demo", body, content_type="application/json")
            assert answer.status_code in (201, 422), (told, answer.content[:100])
            assert (FormSubmission.objects.count() == before) or answer.status_code == 201
        asked = {name: told.encode("utf-8", "surrogatepass") for name, told in unseen.items()}
        assert client.get("/f/demo", asked).status_code == 200
