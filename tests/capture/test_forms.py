"""Forms: what can be one, what answers become, who is thanked, and what no stranger can do with them."""

import json
import re
from typing import Any, Final

import pytest
from django.core import mail
from django.test import Client

from rung import wiring
from rung.access.actions import NotAllowed, Refused, add_user
from rung.capture.forms import answers as answering
from rung.capture.forms import building, submitting
from rung.capture.forms import definitions as forms
from rung.capture.models import Form
from rung.history.models import Event
from rung.jobs.clock import now
from rung.jobs.models import Outbox
from rung.jobs.worker import Worker
from rung.lifecycle import actions
from rung.lifecycle.models import Handoff, Standing
from rung.lifecycle.rules import NewEvent
from rung.people.models import Company, Person
from rung.people.rules import Keys

DEMO: Final[dict[str, Any]] = {
    "title": "See it with your data",
    "kind": "demo_requested",
    "fields": [
        {"name": "name", "label": "Your name", "is_required": True},
        {"name": "email", "label": "E-mail", "kind": "email", "is_required": True},
        {"name": "phone", "label": "Phone", "kind": "tel"},
        {"name": "title", "label": "Role"},
        {"name": "company", "label": "Company", "means": "company"},
        {
            "name": "size", "label": "People", "kind": "select", "means": "company.employees",
            "options": ["10 to 49", "50 to 250"],
        },
        {"name": "problem", "label": "What should get better?", "means": "bant.need"},
        {"name": "change", "label": "We want a change", "kind": "checkbox", "means": "admits.change"},
        {"name": "today", "label": "What do you use?", "means": "competitor"},
        {"name": "heard", "label": "How did you hear about us?", "means": "heard"},
    ],
    "consent": "You may write to me.",
    "thanks": {
        "next": "We call you tomorrow.",
        "promised": {"label": "The paper", "address": "/papers/1"},
        "offer": {"label": "Read the prices", "address": "https://acme.example/pricing"},
    },
}  # fmt: skip
ANSWERS: Final = {
    "name": "Ana Lima", "email": "Ana@acme.example", "title": "Head of IT", "company": "acme.example",
    "size": "50 to 250", "problem": "Berths", "change": "yes", "today": "Qlarion", "heard": "A colleague",
    "consent": "yes",
}  # fmt: skip


def asked(**more: Any) -> dict[str, Any]:
    return {**DEMO, **more}


def agreeing(consents: Any) -> dict[str, Any]:
    """The form with these consent texts in place of its one."""
    return {**{name: value for name, value in DEMO.items() if name != "consent"}, "consents": consents}


def field(**told: Any) -> dict[str, Any]:
    return asked(fields=[*DEMO["fields"], {"label": "X", **told}])


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("x", "cannot be read"),
        ({}, "cannot be read"),
        (asked(kind="deal_won"), "nothing a form can be"),
        (asked(fields=DEMO["fields"][:1]), "must ask for an e-mail"),
        (asked(fields=[*DEMO["fields"], *DEMO["fields"][:1]]), "Two fields are called name"),
        (field(name="utm_source"), "cannot be a field's name"),
        (field(name=forms.TRAP), "cannot be a field's name"),
        (field(name="x", means="person.owner"), "choose one of"),
        (field(name="x", kind="select"), "nothing to choose from"),
        (field(name="x", kind="password"), "cannot be read"),
        (field(name="x", owner="me"), "cannot be read"),
        (agreeing([{"text": " "}]), "agrees to nothing"),
        (agreeing([{"text": "x"}, {"text": "y"}]), "are called consent"),
        (agreeing([{"text": "x", "name": "email"}]), "are called email"),
        (agreeing([{"text": "x", "name": "utm_source"}]), "cannot be a consent's name"),
        (agreeing([{"text": "x", "purpose": "all"}]), "choose one of marketing"),
        (agreeing([{"text": "x", "name": f"c{n}"} for n in range(11)]), "at most 10 consents"),
        (asked(thanks={"next": "x", "promised": {"label": "x", "address": "javascript:alert(1)"}}), "is no address"),
    ],
)
def test_what_cannot_be_a_form_says_what_to_change(told: Any, words: str) -> None:
    with pytest.raises(forms.BadForm) as fault:
        forms.definition_of(told)
    assert words in str(fault.value).replace("without anything to choose from", "nothing to choose from")


def test_answers_become_events_and_what_is_volunteered_is_told_by_the_person() -> None:
    filled = answering.filled(forms.definition_of(DEMO), "demo", ANSWERS, also={"utm_source": "ads"})
    told = {event.kind: event.data for event in filled.events}
    assert list(told) == [
        "person_identified", "demo_requested", "bant_answered", "admission_given", "competitor_named", "consent_given",
    ]  # fmt: skip
    ana = {"name": "Ana Lima", "email": "Ana@acme.example", "title": "Head of IT", "heard": "A colleague"}
    assert told["person_identified"] == ana
    assert told["demo_requested"]["form"] == "See it with your data"
    assert (told["demo_requested"]["utm_source"], told["demo_requested"]["heard"]) == ("ads", "A colleague")
    assert told["bant_answered"] == {
        "letter": "need", "confirmed": "yes", "value": "Berths", "told": True, "form": "demo",
    }  # fmt: skip
    assert told["consent_given"]["version"] == forms.definition_of(DEMO).consents[0].version
    assert (filled.first_name, filled.company, filled.company_facts) == ("Ana", "acme.example", {"employees": 50})


CONSENTS: Final = [
    {"name": "consent", "text": "You may write to me."},
    {"name": "consent_2", "text": "You may call me.", "purpose": "calls"},
    {"name": "terms", "text": "I accept the terms of June.", "purpose": "terms", "is_required": True},
]


def test_how_they_heard_of_us_is_kept_beside_the_tracked_source_whatever_the_question_is_called() -> None:
    asks = {"name": "finding_us", "label": "How did you find us?", "means": "heard"}
    form = forms.definition_of({**DEMO, "fields": [*DEMO["fields"][:2], asks]})
    answers = {"name": "Ana Lima", "email": "ana@acme.example", "finding_us": "A colleague", "consent": "yes"}
    told = answering.filled(form, "demo", answers, also={"utm_source": "linkedin"}).events
    assert told[0].data["heard"] == "A colleague"
    assert (told[1].data["heard"], told[1].data["utm_source"]) == ("A colleague", "linkedin")
    assert "finding_us" not in told[1].data


def test_each_text_agreed_to_is_evidence_of_its_own_and_only_one_lets_us_write() -> None:
    form = forms.definition_of(agreeing(CONSENTS))
    told = answering.filled(form, "demo", {**ANSWERS, "consent_2": True, "terms": "on"}, also={})
    proofs = [(each.kind, each.data["purpose"], each.data["text"]) for each in told.events if "purpose" in each.data]
    assert proofs == [
        ("consent_given", "marketing", "You may write to me."),
        ("custom", "calls", "You may call me."),
        ("custom", "terms", "I accept the terms of June."),
    ]
    assert len({each.data["version"] for each in told.events if "version" in each.data}) == 3
    bare = {name: value for name, value in ANSWERS.items() if name != "consent"}
    only_terms = answering.filled(form, "demo", {**bare, "terms": "on"}, also={})
    assert [each.data["event"] for each in only_terms.events if each.kind == "custom"] == ["Agreed"]
    assert not any(each.kind == "consent_given" for each in only_terms.events)
    with pytest.raises(answering.NotFilled) as fault:
        answering.filled(form, "demo", ANSWERS, also={})
    assert fault.value.faults == {"terms": "Without this the form cannot be sent."}


def test_all_that_is_wrong_is_said_at_once() -> None:
    answers = {"name": " ", "email": "ana@", "phone": "123", "size": "many", "title": "x\0y", "company": ["a"]}
    with pytest.raises(answering.NotFilled) as fault:
        answering.filled(forms.definition_of(DEMO), "demo", answers, also={})
    assert set(fault.value.faults) == {"name", "email", "phone", "size", "title", "company"}


@pytest.mark.parametrize("name", ["http://evil.example", "Buy+now!", "a@b", "x1", "<b>"])
def test_nobody_is_greeted_by_an_advertisement(name: str) -> None:
    filled = answering.filled(forms.definition_of(DEMO), "demo", {**ANSWERS, "name": name}, also={})
    assert filled.first_name == ""


# In the house


@pytest.fixture
def form(db: None) -> Form:
    building.save_form(slug="demo", told=DEMO, by="test", at=1)
    return building.publish_form(slug="demo", number=1, by="test", at=1)


def filled_in(client: Client, **answers: Any) -> Any:
    """As a person does: open the page, take some seconds, send it."""
    page = client.get("/f/demo?utm_source=ads", headers={"referer": "https://search.example/?q=x"}).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    return client.post("/f/demo", {**hidden, **ANSWERS, **answers})


@pytest.fixture(autouse=True)
def _people_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rung.web.forms.FASTEST", 0)


@pytest.mark.django_db
def test_a_form_puts_somebody_on_the_ladder_and_thanks_them_in_one_transaction(client: Client, form: Form) -> None:
    answer = filled_in(client)
    assert answer.status_code == 303
    thanks = client.get(answer["Location"]).content.decode()
    for words in ("Thank you, Ana", "We call you tomorrow.", 'href="/papers/1"', "Read the prices"):
        assert words in thanks
    ana = Person.objects.get(email="Ana@acme.example")
    assert (ana.name, ana.title, ana.source, ana.company.key) == ("Ana Lima", "Head of IT", "ads", "acme.example")
    assert Company.objects.get().traits == {"employees": 50}
    assert Standing.objects.get(person=ana).stage == "mql"
    assert [(each.lane, each.answer) for each in Handoff.objects.all()] == [("hand_raise", "")]
    told = Event.objects.get(kind="demo_requested")
    assert (told.data["referrer"], told.by) == ("https://search.example/", "")
    assert Event.objects.get(kind="bant_answered").data["told"] is True
    (row,) = Outbox.objects.filter(kind=submitting.THANKS)
    Worker(name="w", jobs={}, long_jobs=wiring.LONG_JOBS, schedules=()).turn(now())
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["Ana@acme.example"], "The paper")
    assert sent.body.startswith("Hello Ana,\n\nWe call you tomorrow.\n\nThe paper: http")
    row.refresh_from_db()
    assert row.done_at


@pytest.mark.django_db
def test_sending_the_same_answers_again_counts_once(client: Client, form: Form) -> None:
    opened = client.get("/f/demo").content.decode().split('name="opened" value="')[1].split('"')[0]
    for _ in range(3):
        assert client.post("/f/demo", {**ANSWERS, "opened": opened}).status_code == 303
    assert Event.objects.filter(kind="demo_requested").count() == 1
    assert Outbox.objects.filter(kind=submitting.THANKS).count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["trap", "too fast", "no page"])
def test_whoever_is_no_person_is_thanked_and_not_recorded(
    client: Client, form: Form, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "too fast":
        monkeypatch.setattr("rung.web.forms.FASTEST", 60_000_000)
    more = {forms.TRAP: "x"} if how == "trap" else {"opened": "nonsense"} if how == "no page" else {}
    assert filled_in(client, **more).status_code == 303
    assert (Event.objects.count(), Outbox.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_a_form_that_is_not_filled_comes_back_with_what_was_typed(client: Client, form: Form) -> None:
    answer = filled_in(client, email="ana@", name="<script>")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "ana@ is no e-mail address" in page
    assert 'value="&lt;script&gt;"' in page
    assert Event.objects.count() == 0


@pytest.mark.django_db
def test_a_stranger_overwrites_nothing_of_whom_we_know(client: Client, form: Form) -> None:
    keys = Keys(email="ana@acme.example")
    known = {"name": "Ana Lima", "title": "CEO", "email": "ana@acme.example"}
    described = NewEvent("company_described", company="acme.example", data={"employees": 400})
    actions.record([NewEvent("person_described", keys=keys, data=known, company="acme.example"), described], by="test")
    filled_in(client, name="Mallory", title="Intern", company="evil.example", size="10 to 49")
    ana = Person.objects.get()
    assert (ana.name, ana.title, ana.company.key) == ("Ana Lima", "CEO", "acme.example")
    assert Company.objects.get(key="acme.example").traits == {"employees": 400}


@pytest.mark.django_db
def test_a_program_sends_answers_as_json(client: Client, form: Form) -> None:
    def sent(told: Any) -> Any:
        body = told if isinstance(told, str) else json.dumps(told)
        return client.post("/f/demo", body, content_type="application/json")

    answer = sent({**ANSWERS, "id": "order-0001"})
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (201, "*")
    assert answer.json()["thanks"].startswith("/f/demo/thanks?to=")
    assert sent({**ANSWERS, "id": "order-0001"}).status_code == 201
    assert Event.objects.filter(kind="demo_requested").count() == 1
    assert sent({"name": "Ana"}).json()["errors"] == {"email": "E-mail is missing."}
    deep, broken = "[" * 100_000, '{"name": {"a": 1}}'
    for hostile in ("{", "[]", "7", deep, '{"name": NaN}', "x" * 70_000, broken, '{"name": "\\ud800"}'):
        assert sent(hostile).status_code == 422, hostile[:20]


@pytest.mark.django_db
def test_too_many_answers_from_one_address_are_sent_away(client: Client, form: Form) -> None:
    for _ in range(60):
        client.post("/f/demo", {})
    assert client.post("/f/demo", ANSWERS).status_code == 429


@pytest.mark.django_db
def test_who_may_not_manage_forms_changes_none(form: Form) -> None:
    sam = add_user(email="sam@ours.example", role="sales", by="test", at=1)
    with pytest.raises(NotAllowed):
        building.save_form(slug="demo", told=DEMO, by=sam, at=2)
    with pytest.raises(Refused, match="form's address"):
        building.save_form(slug="../x", told=DEMO, by="test", at=2)
    assert Form.objects.get().changed_at == 1
