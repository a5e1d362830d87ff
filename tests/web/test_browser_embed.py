"""A form on somebody else's page, in a browser: embedded by one attribute, filled, thanked for, and on the ladder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from django.core import mail

from capture.serving import site
from rung import wiring
from rung.access import keys
from rung.capture.collector import taking
from rung.capture.forms import building
from rung.history.models import Event
from rung.jobs.clock import now
from rung.jobs.models import Outbox
from rung.jobs.worker import Worker
from rung.lifecycle.models import Handoff, Standing
from rung.people.models import Person
from web import test_browser
from web.test_browser import DESK, Visit, browser, playwright
from web.test_browser_be_a_lead import whole_house

__all__ = ["browser", "whole_house"]

pytestmark = test_browser.pytestmark

FORM: Final[dict[str, Any]] = {
    "title": "See it with your data",
    "button": "Ask for a demo",
    "kind": "demo_requested",
    "fields": [
        {"name": "name", "label": "Your name", "is_required": True},
        {"name": "email", "label": "Work e-mail", "kind": "email", "is_required": True},
        {"name": "title", "label": "Your role"},
        {"name": "company", "label": "Company", "means": "company"},
        {"name": "industry", "label": "Industry", "means": "company.industry"},
        {"name": "size", "label": "People in the company", "means": "company.employees"},
        {"name": "problem", "label": "What should get better?", "means": "bant.need"},
        {"name": "heard", "label": "How did you hear about us?", "means": "heard"},
    ],
    "consents": [
        {"name": "consent", "text": "You may write to me now and then."},
        {"name": "terms", "text": "I accept the terms.", "purpose": "terms", "is_required": True},
    ],
    "thanks": {
        "next": "One of us calls you.",
        "says_when": True,
        "promised": {"label": "The paper on berths", "address": "/demo-site/papers/port-volumes"},
        "offer_says": "While you wait:",
        "offer": {"label": "Read the prices", "address": "/demo-site/pricing"},
        "social": [{"label": "LinkedIn", "address": "https://social.example/acme"}],
    },
}


@pytest.fixture
def host_page(whole_house: str, tmp_path: Path) -> Iterator[str]:
    """A page of another origin that embeds the form by one attribute, with a link for whoever has no script."""
    building.save_form(slug="berths", told=FORM, by="test", at=now())
    building.publish_form(slug="berths", number=1, by="test", at=now())
    key = keys.add_key(name="acme-site", kind="publishable", by="test", at=now()).text
    folder = tmp_path / "host"
    folder.mkdir()
    folder.joinpath("index.html").write_text(
        f"""<!doctype html><html lang=en><head><meta charset=utf-8><title>Acme</title><link rel=icon href="data:,">
        <script async src="{whole_house}/rung.js" data-key="{key}" data-consent="given"></script></head>
        <body><h1>Acme plans berths</h1>
        <div data-rung-embed="berths" aria-label="Ask for a demo"><a href="{whole_house}/f/berths">Ask us</a></div>
        </body></html>"""
    )
    with site(folder) as address:
        yield address


def fill(place: Any) -> None:
    place.get_by_label("Your name").fill("Fay Moreau")
    place.get_by_label("Work e-mail").fill("fay@quai.example")
    place.get_by_label("Your role").fill("Head of planning")
    place.get_by_label("Company", exact=False).first.fill("quai.example")
    place.get_by_label("Industry").fill("Logistics")
    place.get_by_label("People in the company").fill("120")
    place.get_by_label("What should get better?").fill("Ships wait")
    place.get_by_label("How did you hear about us?").fill("A colleague")
    place.get_by_label("You may write to me now and then.").check()


def test_a_script_of_another_site_sends_the_answers_as_json(browser: Any, whole_house: str, host_page: str) -> None:
    """The browser asks first whether it may: it was answered that nothing of the kind is done here."""
    visit = Visit(browser, whole_house, DESK, "light")
    visit.page.goto(host_page)
    told = {"name": "Gil Roux", "email": "gil@quai.example", "terms": True}
    send = """([to, told]) => fetch(to, {method: "POST", headers: {"Content-Type": "application/json"},
        body: JSON.stringify(told)}).then(async answer => [answer.status, Object.keys(await answer.json())])"""
    assert visit.page.evaluate(send, [f"{whole_house}/f/berths", told]) == [201, ["thanks"]]
    assert visit.page.evaluate(send, [f"{whole_house}/f/berths", {**told, "email": "x"}]) == [422, ["errors"]]
    assert Person.objects.get(email="gil@quai.example").name == "Gil Roux"
    visit.complaints.clear()  # the browser notes the 422, which is meant
    visit.close()


def test_an_embedded_form_brings_its_person_onto_the_ladder_with_the_reason(
    browser: Any, whole_house: str, host_page: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("rung.web.forms.FASTEST", 0)
    expect = playwright.expect
    visit = Visit(browser, whole_house, DESK, "light")
    visit.page.goto(f"{host_page}/?utm_source=spring&utm_campaign=ports")
    frame = visit.page.frame_locator("[data-rung-embed] iframe")
    fill(frame)
    expect(visit.page.get_by_text("Ask us")).to_have_count(0)
    expect(visit.page.locator("iframe")).to_have_attribute("title", "Ask for a demo")
    expect(visit.page.locator("iframe")).not_to_have_css("height", "640px")  # as tall as the form needs
    frame.get_by_role("button", name="Ask for a demo").click()
    expect(frame.locator("#w-terms")).to_have_text("Without this the form cannot be sent.")
    expect(frame.get_by_label("Your name")).to_have_value("Fay Moreau")
    frame.get_by_label("I accept the terms.").check()
    frame.get_by_role("button", name="Ask for a demo").click()
    expect(frame.locator("h1")).to_have_text("Thank you, Fay")
    expect(frame.locator(".say")).to_contain_text("One of us calls you. You hear from us by")
    expect(frame.get_by_role("link", name="The paper on berths")).to_have_attribute("target", "_top")
    expect(frame.get_by_role("link", name="Read the prices")).to_be_visible()
    expect(frame.get_by_role("link", name="LinkedIn")).to_have_attribute("href", "https://social.example/acme")

    fay = Person.objects.get(email="fay@quai.example")
    assert (fay.source, fay.campaign) == ("spring", "ports")
    told = Event.objects.get(kind="demo_requested", source="form:berths")
    assert (told.data["heard"], told.data["utm_source"], told.data["referrer"]) == (
        "A colleague",
        "spring",
        host_page + "/",
    )
    assert Event.objects.get(kind="bant_answered", source="form:berths").data["told"] is True
    agreed = Event.objects.filter(data__form="berths", kind__in=("consent_given", "custom")).order_by("seq")
    assert [each.data["purpose"] for each in agreed] == ["marketing", "terms"]
    assert Standing.objects.get(person=fay).stage == "mql"
    assert Handoff.objects.filter(person=fay, answer="", withdrawn_at=None).count() == 1
    assert Outbox.objects.filter(kind="form thanks", done_at=None).count() == 1
    Worker(name="w", jobs={}, long_jobs=wiring.LONG_JOBS, schedules=()).turn(now())
    (letter,) = mail.outbox
    assert letter.to == ["fay@quai.example"]
    assert "Hello Fay," in letter.body
    assert "The paper on berths: " in letter.body

    page = visit.sign_in("sales").open(f"/people/{fay.uuid}")
    expect(page.locator("h1")).to_contain_text("Fay Moreau")
    expect(page.locator("main")).to_contain_text("Demo request")
    # The browser itself notes that the form came back with what is missing; that is meant to be.
    visit.complaints = [told for told in visit.complaints if "422" not in told]
    visit.close()
    taking.Intake(tmp_path / "inbox.sqlite3").turn(2**62)
    (seen,) = Event.objects.filter(kind="page_viewed", source="key:acme-site")
    fay.refresh_from_db()
    visitor = Person.objects.get(pk=seen.person_id)
    assert visitor.pk == fay.pk or visitor.is_merged


def test_without_scripts_the_link_leads_to_the_form(
    browser: Any, whole_house: str, host_page: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr("rung.web.forms.FASTEST", 0)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(host_page)
    page.get_by_role("link", name="Ask us").click()
    fill(page)
    page.get_by_label("I accept the terms.").check()
    page.get_by_role("button", name="Ask for a demo").click()
    playwright.expect(page.locator("h1")).to_have_text("Thank you, Fay")
    context.close()
    assert Person.objects.get(email="fay@quai.example").name == "Fay Moreau"
