"""Likely doubles in a browser: found, looked at side by side, decided by key, taken back; addresses and employers."""

from typing import Any

from rung import wiring
from rung.jobs.clock import now
from rung.jobs.worker import Worker
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people.models import Alias, Company, Person, Suggestion
from rung.people.rules import Keys
from web import test_browser
from web.test_browser import EVERY_LOOK, browser, house, picture, playwright, visit
from web.test_browser_pages import faults_of

__all__ = ["browser", "house", "visit"]

pytestmark = test_browser.pytestmark


def known(email: str, company: str | None = None, **data: str) -> None:
    event = NewEvent("person_described", keys=Keys(email=email), data={"email": email, **data}, company=company)
    assert actions.record([event], by="test", at=now()).refused == ()


def worked() -> None:
    worker = Worker(name="w", jobs=wiring.JOBS, long_jobs=wiring.LONG_JOBS, schedules=())
    while worker.turn(now()):
        pass


def looked_at(visit: Any, name: str, path: str) -> None:
    window = visit().sign_in("marketing")
    for size, theme in EVERY_LOOK:
        page = window.looks(size, theme).open(path)
        assert faults_of(page, f"{name}, {theme}") == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, size, theme)
        picture(page, f"{name}-{size[0]}-{theme}")


def test_nobody_here_twice_teaches_what_would_be_shown(visit: Any) -> None:
    page = visit().sign_in("marketing").open("/people")
    page.click("text=Likely doubles")
    playwright.expect(page.locator("h1")).to_have_text("Nobody seems to be here twice")
    looked_at(visit, "matches-nobody", "/people/matches")


def test_a_pair_is_decided_by_key_and_taken_back(visit: Any) -> None:
    expect = playwright.expect
    known("ana.lima@mail.example", name="Anna Lima", title="Head of IT", phone="0912 345 678", city="Porto")
    known("ana@acme.example", phone="+351 912 345 678", city="Lisboa")
    known("b.virtanen@home.example", company="acme.example", name="Bo Virtanen", title="Data engineer")
    worked()
    assert Suggestion.objects.count() == 2
    looked_at(visit, "matches", "/people/matches")
    page = visit().sign_in("marketing").open("/people/matches")
    expect(page.locator("h1")).to_have_text("2 pairs may be one person")
    first = page.locator("#pair h2").inner_text()
    page.keyboard.press("j")
    expect(page.locator("#pair h2")).not_to_have_text(first)
    page.keyboard.press("k")
    expect(page.locator("#pair h2")).to_have_text(first)
    ana = Suggestion.objects.get(left__email="ana@acme.example")
    page = visit().sign_in("marketing").open(f"/people/matches?pair={ana.pk}")
    expect(page.locator("#pair")).to_contain_text("Same phone")
    expect(page.locator("tr.differs th", has_text="City")).to_be_visible()
    page.keyboard.press("1")
    expect(page.locator(".toast")).to_contain_text("Anna Lima lives on in Ana Lima")
    expect(page.locator("h1")).to_have_text("1 pair may be one person")
    assert Alias.objects.get().living == ana.left
    page.keyboard.press("n")
    expect(page.locator("h1")).to_have_text("Nobody seems to be here twice")
    assert Suggestion.objects.get(answer="different").left.name == "Bo Virtanen"
    looked_at(visit, "records", f"/people/{ana.right.uuid}/records")
    page = visit().sign_in("marketing").open(f"/people/{ana.right.uuid}/records")
    expect(page.locator("h1")).to_have_text("1 record became Anna Lima")
    page.click("text=Take it back")
    expect(page.locator("h1")).to_have_text("Ana Lima is one record")
    assert not Alias.objects.exists()
    expect(page.locator("[aria-label='Likely the same']")).to_contain_text("Anna Lima")


def test_a_person_page_leads_to_its_likely_double_and_a_change_of_employer_keeps_the_old_map(visit: Any) -> None:
    expect = playwright.expect
    known("b.virtanen@home.example", company="acme.example", name="Bo Virtanen", title="Data engineer")
    worked()
    bo = Person.objects.get(email="bo@acme.example")
    page = visit().sign_in("sales").open(f"/people/{bo.uuid}")
    expect(page.locator("#origin")).to_contain_text("Likely the same as Bo Virtanen")
    page.click("text=Records, addresses and employers")
    page.fill("[name=company]", "https://www.quai.example/about")
    page.fill("[name=email]", "bo@quai.example")
    page.click("text=Note it")
    expect(page.locator("#had")).to_contain_text("left acme.example")
    expect(page.locator("tr", has_text="quai.example").first).to_contain_text("still")
    page.locator("a", has_text="quai.example").first.click()
    expect(page.locator("h1")).to_have_text("quai.example")
    before = Company.objects.get(key="acme.example")
    page = visit().sign_in("sales").open(f"/companies/{before.uuid}")
    expect(page.locator("[aria-label='Formerly here']")).to_contain_text("Bo Virtanen")
