"""Somebody is added by hand or referred, and plug-ins are asked: who is known keeps what they have."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from rung.access.actions import Refused, add_user
from rung.access.models import Audit
from rung.capture import adding, enriching, referring
from rung.capture.adding import Written, WrittenCompany
from rung.capture.collector import messages
from rung.capture.collector.messages import Envelope
from rung.capture.models import Enrichment
from rung.history.models import Event
from rung.jobs.clock import now
from rung.lifecycle import actions, published
from rung.lifecycle.models import Standing
from rung.lifecycle.rules import NewEvent
from rung.people.models import Company, Person
from rung.people.rules import Keys

ANA = Written(
    name="Ana Lima", email="Ana@acme.example", title="Head of IT", company="acme.example", source="fair", note="Tall."
)


@pytest.mark.django_db
def test_somebody_added_stands_on_the_ladder_with_source_and_note() -> None:
    ana = adding.add_person(written=ANA, by="test", at=now())
    assert (ana.name, ana.email, ana.source, ana.company.key) == (
        "Ana Lima",
        "Ana@acme.example",
        "fair",
        "acme.example",
    )
    assert ana.traits["note"] == "Tall."
    assert Standing.objects.get(person=ana).stage == "suspect"
    assert Audit.objects.filter(verb="added person").count() == 1


@pytest.mark.django_db
def test_a_company_is_added_before_anybody_of_it_is_known() -> None:
    told = {"site": "https://www.acme.example/about", "name": "Acme", "industry": "Ships", "employees": "1,250"}
    acme = adding.add_company(written=WrittenCompany(**told), by="test", at=now())
    assert (acme.key, acme.name, acme.traits) == (
        "acme.example",
        "Acme",
        {"name": "Acme", "industry": "Ships", "employees": 1250},
    )
    assert Event.objects.get().kind == "company_described"
    assert Audit.objects.filter(verb="added company").count() == 1
    assert adding.add_person(written=replace(ANA, company=""), by="test", at=now()).company == acme


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("written", "words"),
    [
        (WrittenCompany(), "Write its domain or its name"),
        (WrittenCompany(site="gmail.com"), "gmail.com is no domain of a firm"),
        (WrittenCompany(site="Acme Ltd"), "Acme Ltd is no domain of a firm"),
        (WrittenCompany(site="acme.example", employees="many"), "as one number"),
        (WrittenCompany(name="A\0"), "holds a NUL"),
        (WrittenCompany(name="x" * 251), "251 characters long"),
    ],
)
def test_what_is_no_company_is_refused_and_writes_nothing(written: WrittenCompany, words: str) -> None:
    with pytest.raises(Refused, match=words):
        adding.add_company(written=written, by="test", at=now())
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_a_company_that_is_here_is_said_and_keeps_everything(client: Client) -> None:
    acme = adding.add_company(written=WrittenCompany(site="acme.example", name="Acme"), by="test", at=now())
    client.force_login(add_user(email="sam@ours.example", role="sales", by="test", at=1))
    answer = client.post("/companies/new", {"site": "www.acme.example", "name": "Mallory"})
    assert answer.status_code == 409
    assert f'href="/companies/{acme.uuid}">Acme</a> is already here' in answer.content.decode()
    assert Event.objects.count() == 1
    made = client.post("/companies/new", {"name": "Solo Works"})
    solo = Company.objects.get(key="Solo Works")
    assert (made.status_code, made["Location"]) == (303, f"/companies/{solo.uuid}")


@pytest.mark.django_db
def test_who_is_here_already_is_said_and_keeps_everything() -> None:
    ana = adding.add_person(written=ANA, by="test", at=now())
    with pytest.raises(adding.AlreadyHere, match="Ana Lima is already here") as refusal:
        adding.add_person(written=Written(name="Mallory", email="ana@ACME.example"), by="test", at=now())
    assert refusal.value.person == ana
    assert Event.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("written", "words"),
    [
        (Written(name="Ana"), "an e-mail address or a phone number"),
        (Written(email="ana@"), "is no e-mail address"),
        (Written(phone="12"), "with its country"),
        (Written(email="info@acme.example"), "read by many"),
        (Written(email="a@b.example", referred_by="nobody@b.example"), "Nobody is known as"),
        (Written(email="a@b.example", name="x" * 300), "characters"),
        (Written(email="a@b.example", note="\0"), "Note"),
        (Written(email="a@b.example", company="x" * 251), "ompany"),
        (Written(email="a@b.example", name="\ud800"), "ame"),
    ],
)
def test_what_cannot_be_somebody_says_why_and_writes_nothing(written: Written, words: str) -> None:
    with pytest.raises(Refused, match=words):
        adding.add_person(written=written, by="test", at=now())
    assert (Person.objects.count(), Event.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_a_referral_stands_with_both() -> None:
    ana = adding.add_person(written=ANA, by="test", at=now())
    bo = adding.refer(referrer=ana, email="bo@lido.example", name="Bo", by="test", at=now())
    assert (bo.source, adding.referrals_of(bo)[0]) == ("referral", ana)
    eva = adding.add_person(written=Written(email="eva@lido.example", source="fair"), by="test", at=now())
    assert adding.refer(referrer=ana, email="eva@lido.example", name="", by="test", at=now()) == eva
    assert [each.person for each in adding.referrals_of(ana)[1]] == [eva, bo]
    eva.refresh_from_db()
    assert (eva.source, eva.traits["referred_by"]) == ("fair", "Ana@acme.example")
    with pytest.raises(Refused, match="themselves"):
        adding.refer(referrer=ana, email="ana@acme.example", name="", by="test", at=now())


@pytest.mark.django_db
def test_whom_a_referral_by_a_program_names_is_here_and_it_stands_with_both() -> None:
    jil = adding.add_person(written=Written(name="Jil", email="jil@kran.example"), by="test", at=now())
    hugo = adding.add_person(
        written=Written(name="Hugo", email="hugo@kran.example", source="fair"), by="test", at=now()
    )
    message = {"type": "track", "userId": "jil@kran.example", "event": "Referral Given"}
    told = [{**message, "properties": {"email": mail, "name": "H."}} for mail in ("hanna@x.example", hugo.email)]
    envelope = Envelope("key:crm", "secret", "m", received_at=now())
    for number, each in enumerate(told):
        events = messages.events_of(each, replace(envelope, message_id=f"m-{number}"))
        actions.record(events, by="", at=now())
    hanna = Person.objects.get(email="hanna@x.example")
    hugo.refresh_from_db()
    assert (hanna.name, hanna.source, hugo.name, hugo.source) == ("H.", "referral", "Hugo", "fair")
    assert [adding.referrals_of(each)[0] for each in (hanna, hugo)] == [jil, jil]
    assert [each.person for each in adding.referrals_of(jil)[1]] == [hugo, hanna]


def test_a_referral_of_nobody_or_of_themselves_tells_of_nobody_else() -> None:
    event = NewEvent("referral_given", keys=Keys(email="jil@kran.example"), message_id="1")
    for data in ({}, {"email": "nobody"}, {"email": "info@x.example"}, {"email": "JIL@kran.example"}, {"email": 7}):
        assert referring.told_of(replace(event, data=data), by="jil@kran.example") is None
    other = replace(event, kind="demo_requested", data={"email": "hugo@x.example"})
    assert referring.told_of(other, by="jil@kran.example") is None


@pytest.mark.django_db
def test_whoever_says_at_a_form_who_sent_them_stands_with_whom_they_name() -> None:
    jil = adding.add_person(written=Written(name="Jil", email="jil@kran.example"), by="test", at=now())
    said = {"name": "Hanna", "referred_by": "Jil@kran.example"}
    keys = Keys(email="hanna@x.example")
    actions.record([NewEvent("person_identified", keys=keys, data=said, source="form:demo", door="publishable")], by="")
    hanna = Person.objects.get(email="hanna@x.example")
    assert adding.referrals_of(hanna)[0] == jil
    (given,) = adding.referrals_of(jil)[1]
    assert (given.said, given.person, given.seq) == ("Hanna", hanna, None)


class Broken:
    name = "Broken"

    def ask(self, known: enriching.Known) -> Mapping[str, Any]:
        raise OSError("no network")


class Bold:
    name = "Bold"

    def ask(self, known: enriching.Known) -> Mapping[str, Any]:
        return {"title": "CEO", "linkedin": "https://l.example/ana", "email": "evil@x.example", "deep": [1]}


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    found = {"site": enriching.company_website, "broken": Broken(), "bold": Bold()}
    monkeypatch.setattr(enriching, "enrichers", lambda: found)
    yield


def answered(person: Person, plugin: str) -> Enrichment:
    asked = enriching.ask(person=person, plugin=plugin, by="test", at=now())
    assert enriching.turn(now()) == 1
    assert enriching.turn(now()) == 0
    asked.refresh_from_db()
    return asked


@pytest.mark.django_db(transaction=True)
def test_what_a_plugin_finds_stands_beside_and_fills_only_what_is_empty(plugins: None) -> None:
    ana = adding.add_person(written=ANA, by="test", at=now())
    asked = answered(ana, "bold")
    assert asked.facts == {"title": "CEO", "linkedin": "https://l.example/ana"}
    ana.refresh_from_db()
    assert "linkedin" not in ana.traits
    enriching.take_over(enrichment_id=asked.pk, field="linkedin", by="test", at=now())
    for field, words in (("title", "not overwritten"), ("linkedin", "not overwritten"), ("email", "nothing of that")):
        with pytest.raises(Refused, match=words):
            enriching.take_over(enrichment_id=asked.pk, field=field, by="test", at=now())
    ana.refresh_from_db()
    assert (ana.title, ana.traits["linkedin"]) == ("Head of IT", "https://l.example/ana")


@pytest.mark.django_db(transaction=True)
def test_the_example_finds_the_companys_site_and_a_broken_plugin_is_told(plugins: None) -> None:
    ana = adding.add_person(written=ANA, by="test", at=now())
    asked = answered(ana, "site")
    assert asked.facts == {"company.website": "https://acme.example"}
    enriching.take_over(enrichment_id=asked.pk, field="company.website", by="test", at=now())
    ana.company.refresh_from_db()
    assert ana.company.traits["website"] == "https://acme.example"
    assert answered(ana, "broken").fault == "It failed: OSError."
    free = adding.add_person(written=Written(email="fay@gmail.com"), by="test", at=now())
    assert answered(free, "site").facts == {}
    with pytest.raises(Refused, match="no such plug-in"):
        enriching.ask(person=ana, plugin="other", by="test", at=now())


class Slow:
    """Answers when it is let go, which nobody waits for."""

    name = "Slow"

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def ask(self, known: enriching.Known) -> Mapping[str, Any]:
        self.let_go.wait(60)
        return {"linkedin": "https://late.example"}


@pytest.mark.django_db(transaction=True)
def test_a_plugin_that_takes_too_long_is_told_so_and_holds_nobody(
    plugins: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow()
    monkeypatch.setattr(enriching, "PATIENCE", 0.01)
    monkeypatch.setattr(enriching, "_busy", {})
    monkeypatch.setattr(enriching, "enrichers", lambda: {"slow": slow, "site": enriching.company_website})
    ana = adding.add_person(written=ANA, by="test", at=now())
    try:
        late = [answered(ana, "slow").fault for _ in range(4)]
        assert late[:3] == ["It did not answer within 0 seconds."] * 3
        assert late[3] == "It still works on earlier questions: ask again later."
    finally:
        slow.let_go.set()
    for thread in enriching._busy["slow"]:
        thread.join(20)
    monkeypatch.setattr(enriching, "PATIENCE", 20)
    assert answered(ana, "site").facts == {"company.website": "https://acme.example"}
    assert answered(ana, "slow").facts == {"linkedin": "https://late.example"}
    assert [each.facts for each in Enrichment.objects.filter(plugin="slow").order_by("pk")][:3] == [{}, {}, {}]


class Naughty:
    """Says what no door lets in."""

    name = "Naughty"

    def ask(self, known: enriching.Known) -> Mapping[str, Any]:
        return {
            "a": float("nan"), "b": 2**63, "c": "x\0y", "d": "\ud800", "e\0": "x", "f": 7, 8: "x", "g": "y" * 2_000,
            "owner": "me@x.example", "": "x", "h": 10**5_000,
        }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_what_no_door_lets_in_does_not_come_in_by_a_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enriching, "enrichers", lambda: {"naughty": Naughty()})
    ana = adding.add_person(written=ANA, by="test", at=now())
    assert answered(ana, "naughty").facts == {"f": 7, "g": "y" * 1_000}


def test_a_plugin_that_cannot_be_loaded_leaves_the_others(settings: Any) -> None:
    settings.RUNG_ENRICHERS = ("nowhere.at:all", "rung.capture.enriching:company_website", "rung.terms:nothing")
    enriching.enrichers.cache_clear()
    try:
        assert list(enriching.enrichers()) == ["rung.capture.enriching:company_website"]
    finally:
        enriching.enrichers.cache_clear()


def test_the_shipped_plugin_is_installed() -> None:
    assert list(enriching.enrichers()) == ["rung.capture.enriching:company_website"]


@pytest.mark.django_db
def test_what_colleagues_do_counts_and_the_persons_page_says_so(client: Client) -> None:
    """A company's weak signals: somebody who did nothing gains by what a colleague does."""
    at = now()
    ana = adding.add_person(written=ANA, by="test", at=at)
    before = Standing.objects.get(person=ana).engagement
    view = [
        NewEvent(
            "page_viewed", keys=Keys(email="bo@acme.example"), company="acme.example", data={"path": f"/pricing/{n}"}
        )
        for n in range(3)
    ]
    actions.record(view, by="test", at=at + 1)
    after = Standing.objects.get(person=ana)
    assert after.engagement > before
    assert after.stage == "suspect"
    client.force_login(add_user(email="sam@ours.example", role="sales", by="test", at=1))
    pages = [client.get(f"/people/{ana.uuid}{part}").content.decode() for part in ("", "/standing")]
    name = next(signal.name for signal in published.playbook().signals if signal.is_company)
    assert any(name in page for page in pages)
    assert "Bo" in " ".join(pages) or "bo@acme.example" in " ".join(pages)
