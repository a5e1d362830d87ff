"""Forms that change: versions, what the public sees, consent that waits for a mailbox, and what is not asked again."""

import json
import re
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client

from capture.test_forms import ANSWERS, CONSENTS, DEMO, agreeing
from rung import wiring
from rung.access.actions import NotAllowed, Refused, add_user
from rung.access.models import Audit
from rung.capture.forms import answers as answering
from rung.capture.forms import building, promising
from rung.capture.forms import definitions as forms
from rung.capture.models import Form, FormSubmission, FormVersion, FormViews
from rung.history.models import Event
from rung.jobs.clock import now
from rung.jobs.worker import Worker
from rung.lifecycle import actions, published
from rung.lifecycle.models import Standing
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.people.rules import Keys
from rung.terms.instants import parse_instant

VISITOR = "a" * 32


@pytest.fixture(autouse=True)
def _people_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rung.web.forms.FASTEST", 0)


def public(told: dict[str, Any], slug: str = "demo") -> Form:
    form = building.save_form(slug=slug, told=told, by="test", at=now())
    return building.publish_form(slug=slug, number=form.version, by="test", at=now())


def sent(client: Client, query: str = "", **answers: str) -> Any:
    page = client.get(f"/f/demo{query}").content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    return client.post("/f/demo", {**hidden, **ANSWERS, **answers})


@pytest.mark.django_db
def test_the_public_sees_what_was_published_whatever_is_drafted(client: Client) -> None:
    building.save_form(slug="demo", told=DEMO, by="test", at=1)
    assert client.get("/f/demo").status_code == 404
    building.publish_form(slug="demo", number=1, by="test", at=2)
    building.save_form(slug="demo", told={**DEMO, "title": "Another title"}, by="test", at=3)
    assert "See it with your data" in client.get("/f/demo").content.decode()
    assert building.save_form(slug="demo", told={**DEMO, "title": "Another title"}, by="test", at=4).version == 2
    building.publish_form(slug="demo", number=2, by="test", at=5)
    assert "Another title" in client.get("/f/demo").content.decode()
    building.withdraw_form(slug="demo", by="test", at=6)
    assert client.get("/f/demo").status_code == 404
    assert client.post("/f/demo", ANSWERS).status_code == 404
    assert FormVersion.objects.count() == 2
    assert list(Audit.objects.order_by("seq").values_list("verb", flat=True)) == [
        "saved form", "published form", "saved form", "published form", "withdrew form",
    ]  # fmt: skip
    for verb in (building.withdraw_form, lambda **more: building.publish_form(number=9, **more)):
        with pytest.raises(Refused):
            verb(slug="demo", by="test", at=7)


@pytest.mark.django_db
def test_an_address_is_given_once_and_only_to_who_may(client: Client) -> None:
    building.new_form(slug="demo", told=DEMO, by="test", at=1)
    with pytest.raises(Refused, match="already"):
        building.new_form(slug="demo", told=DEMO, by="test", at=2)
    sam = add_user(email="sam@ours.example", role="sales", by="test", at=1)
    for act in (building.new_form, building.save_form):
        with pytest.raises(NotAllowed):
            act(slug="x", told=DEMO, by=sam, at=3)
    with pytest.raises(NotAllowed):
        building.publish_form(slug="demo", number=1, by=sam, at=3)
    assert Form.objects.get().published is None


@pytest.mark.django_db
def test_who_agreed_to_an_earlier_text_keeps_it(client: Client) -> None:
    public(DEMO)
    sent(client)
    public({**DEMO, "consent": "You may call me."})
    sent(client, email="bo@acme.example")
    texts = {each.text: (each.first, each.proofs) for each in building.consent_texts(Form.objects.get())}
    assert texts == {"You may call me.": (2, 1), "You may write to me.": (1, 1)}
    proofs = Event.objects.filter(kind="consent_given").order_by("seq").values_list("data", flat=True)
    assert [proof["text"] for proof in proofs] == ["You may write to me.", "You may call me."]


@pytest.mark.django_db
def test_consent_that_waits_counts_when_the_mailbox_confirms_and_once(client: Client) -> None:
    public({**DEMO, "is_double_opt_in": True})
    thanks = client.get(sent(client)["Location"]).content.decode()
    assert "One thing is left" in thanks
    assert not Event.objects.filter(kind="consent_given").exists()
    Worker(name="w", jobs={}, long_jobs=wiring.LONG_JOBS, schedules=()).turn(now())
    (where,) = re.findall(r"http\S+(/f/demo/confirmation/\S+)", str(mail.outbox[0].body))
    assert "You may write to me." in client.get(where).content.decode()
    assert not Event.objects.filter(kind="consent_given").exists()
    for _ in range(2):
        assert "that is confirmed" in client.post(where).content.decode()
    (proof,) = Event.objects.filter(kind="consent_given").values_list("data", flat=True)
    assert (proof["text"], proof["confirmed"]) == ("You may write to me.", "by a link in a mail")
    assert Event.objects.get(kind="consent_given").person_id == Person.objects.get().pk
    assert client.get("/f/demo/confirmation/guessed").status_code == 404
    assert client.post(where + "x").status_code == 404
    assert where.rpartition("/")[2] not in str(list(FormSubmission.objects.values()))


@pytest.mark.django_db
def test_of_several_consents_what_must_wait_waits_and_one_link_confirms_it(client: Client) -> None:
    public({**agreeing(CONSENTS), "is_double_opt_in": True})
    assert sent(client).status_code == 422
    page = sent(client, consent_2="yes").content.decode()
    assert "Without this the form cannot be sent." in page
    assert re.findall(r'name="(\w+)" value="yes" checked', page) == ["change", "consent", "consent_2"]
    assert sent(client, consent_2="yes", terms="yes").status_code == 303
    given = Event.objects.filter(kind__in=("consent_given", "custom")).order_by("seq")
    assert [told["purpose"] for told in given.values_list("data", flat=True)] == ["terms"]
    Worker(name="w", jobs={}, long_jobs=wiring.LONG_JOBS, schedules=()).turn(now())
    body = str(mail.outbox[0].body)
    assert "“You may write to me.” and “You may call me.”" in body
    (where,) = re.findall(r"http\S+(/f/demo/confirmation/\S+)", body)
    for _ in range(2):
        assert client.post(where).status_code == 200
    assert [(each.kind, each.data["purpose"], each.data.get("confirmed", "")) for each in given.all()] == [
        ("custom", "terms", ""),
        ("consent_given", "marketing", "by a link in a mail"),
        ("custom", "calls", "by a link in a mail"),
    ]
    (standing,) = Standing.objects.values_list("consented", flat=True)
    assert standing
    texts = {each.purpose: (each.proofs, each.unconfirmed) for each in building.consent_texts(Form.objects.get())}
    assert texts == {"marketing": (1, 0), "calls": (1, 0), "terms": (1, 0)}


@pytest.mark.django_db
def test_who_accepts_terms_has_not_agreed_to_be_written_to(client: Client) -> None:
    public(agreeing(CONSENTS))
    assert sent(client, consent="", terms="yes").status_code == 303
    assert not Standing.objects.get().consented
    assert Event.objects.get(kind="custom").data["text"] == "I accept the terms of June."


@pytest.mark.django_db
def test_what_is_known_of_a_visitor_is_not_asked_again_and_the_next_question_is(client: Client) -> None:
    more = [
        {"name": "title", "label": "Your role", "means": "person", "is_progressive": True, "is_required": True},
        {"name": "industry", "label": "Industry", "means": "company.industry", "is_progressive": True},
        {"name": "need", "label": "What hurts", "means": "bant.need", "is_progressive": True},
        {"name": "tool", "label": "Your tool", "is_progressive": True},
    ]
    public({**DEMO, "fields": [*DEMO["fields"][:2], *more], "at_once": 1})

    def asked(visitor: str = VISITOR) -> list[str]:
        page = client.get(f"/f/demo?rung_id={visitor}").content.decode()
        return [name for name in ("title", "industry", "need", "tool") if f'name="{name}"' in page]

    assert asked() == ["title"]
    assert sent(client, f"?rung_id={VISITOR}", title="").status_code == 422
    assert sent(client, f"?rung_id={VISITOR}").status_code == 303
    assert asked() == ["industry"]
    ana = Keys(email="ana@acme.example")
    told = NewEvent("company_described", company="acme.example", data={"industry": "Ports"})
    actions.record([told, NewEvent("person_described", keys=ana, company="acme.example")], by="test")
    assert asked() == ["need"]
    assert sent(client, f"?rung_id={VISITOR}", need="Berths").status_code == 303
    assert asked() == ["tool"]
    assert asked("b" * 32) == ["title"]
    page = client.get(f"/f/demo?rung_id={VISITOR}").content.decode()
    assert "Head of IT" not in page
    assert "Ana" not in page


def test_an_answer_that_means_no_is_told_as_no() -> None:
    fields = [
        DEMO["fields"][1],
        {
            "name": "money", "label": "Money?", "kind": "select", "options": ["Yes", "No"],
            "means": "bant.budget", "means_no": ["No"],
        },
        {"name": "tool", "label": "Tool?", "means": "competitor", "means_no": ["None"]},
    ]  # fmt: skip
    form = forms.definition_of({**DEMO, "fields": fields})
    told = answering.filled(form, "demo", {"email": "a@b.example", "money": "No", "tool": "None"}, also={}).events
    assert [(each.kind, each.data.get("confirmed")) for each in told] == [
        ("person_identified", None), ("demo_requested", None), ("bant_answered", "no"),
    ]  # fmt: skip


@pytest.mark.django_db
def test_the_thanks_promise_what_the_playbook_promises_to_a_raised_hand() -> None:
    told = {**DEMO, "thanks": {**DEMO["thanks"], "says_when": True}}
    at = parse_instant("2026-11-25T11:00:00Z")
    playbook = published.playbook()
    said = promising.said(forms.definition_of(told), playbook, at)
    assert said == "You hear from us by Thursday, 26 November, 12:30 (Europe/Berlin)."
    assert promising.said(forms.definition_of(DEMO), playbook, at) == ""
    assert promising.said(forms.definition_of({**told, "kind": "content_downloaded"}), playbook, at) == ""


@pytest.mark.django_db
def test_views_are_counted_once_an_address_and_not_for_robots(client: Client) -> None:
    form = public(DEMO)
    for _ in range(3):
        client.get("/f/demo")
    client.get("/f/demo", headers={"user-agent": "Googlebot/2.1"}, REMOTE_ADDR="10.0.0.2")
    client.head("/f/demo", REMOTE_ADDR="10.0.0.3")
    client.get("/f/demo", REMOTE_ADDR="10.0.0.4")
    assert FormViews.objects.get().number == 2
    sent(client)
    figures = building.figures()[form.pk]
    assert (figures.views, figures.submissions, figures.share) == (2, 1, 0.5)


@pytest.mark.django_db
def test_nothing_that_is_naughty_makes_a_form_fall(client: Client) -> None:
    public({**DEMO, "is_double_opt_in": True})
    naughty = [
        "\0", "\ud800", "💥" * 400, "{{ 7*7 }}", "{% x %}", "=cmd|' /C calc'!A0", "' OR 1=1 --", "<img src=x>",
        "9" * 5_000, "nan", "\u202e", "a\r\nBcc: x@y.example",
    ]  # fmt: skip
    names = [*(each["name"] for each in DEMO["fields"]), "consent", "opened", "rung_id", "utm_source", "embed", "id"]
    for text in naughty:
        for name in names:
            cache.clear()
            answer = client.post("/f/demo", json.dumps({**ANSWERS, name: text}), content_type="application/json")
            assert answer.status_code in (201, 422), (name, text[:20])
            if "\ud800" not in text:
                assert sent(client, **{name: text}).status_code in (303, 422), (name, text[:20])
    cache.clear()
    Worker(name="w", jobs={}, long_jobs=wiring.LONG_JOBS, schedules=()).turn(now())
    assert all("\n" not in message.subject for message in mail.outbox)
