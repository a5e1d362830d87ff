"""A week of sales in a browser: a form, a holiday, a week-end, a warning, a rejection that teaches, and one who climbs.

The house's clock is set by the test; the worker's turns are taken by it, too.
"""

import re
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

import pytest

from browsing import QUIET
from rung import wiring
from rung.capture.forms import building
from rung.history.models import Event
from rung.jobs import clock as house_clock
from rung.jobs.worker import Worker
from rung.lifecycle import actions
from rung.lifecycle.deciding import line
from rung.lifecycle.models import Standing
from rung.lifecycle.rules import NewEvent
from rung.people.queries import person_named
from rung.people.rules import Keys
from rung.terms.instants import parse_instant
from web import test_browser
from web.test_browser import DESK, PHONE, browser, house, picture, playwright, violations, visit

__all__ = ["browser", "house", "visit"]

pytestmark = [*test_browser.pytestmark, pytest.mark.parametrize("clock", ["2026-12-24T16:00:00+01:00"], indirect=True)]
COMPANY: Final = {"name": "Kranhaus", "industry": "Logistics", "employees": 300, "country": "Germany"}


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, clock: None) -> Callable[[str], None]:
    """Sets the house's clock; the worker takes its turn then."""

    def set_to(told: str) -> None:
        behind = parse_instant(told) * 1_000 - time.time_ns()
        monkeypatch.setattr(house_clock, "time", SimpleNamespace(time_ns=lambda: time.time_ns() + behind))
        schedules = [each for each in wiring.SCHEDULES if each.name in ("look again", "clocks", "carried lines")]
        Worker(name="test", jobs=wiring.JOBS, schedules=schedules).turn(house_clock.now())

    return set_to


def happens(key: str, *events: tuple[str, dict[str, object]]) -> None:
    keys = Keys(email=f"{key}@kranhaus.example")
    told = [NewEvent(kind, keys=keys, data=data, company="kranhaus.example") for kind, data in events]
    recorded = actions.record(told, by="site", at=house_clock.now())
    assert not recorded.refused, recorded.refused


def standing(key: str) -> Standing:
    found = person_named(f"{key}@kranhaus.example")
    return Standing.objects.get(person=found, generation_id=line.current().generation_id)


def test_a_week(visit: Any, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rung.web.forms.FASTEST", 0)
    expect = playwright.expect
    expect.set_options(timeout=20_000)
    clear_the_desk()
    # Thursday, Christmas Eve, four in the afternoon: a form makes an MQL.
    described = NewEvent("company_described", company="kranhaus.example", data=COMPANY)
    actions.record([described], by="site", at=house_clock.now())
    happens("bea", ("person_described", {"name": "Bea Haug", "title": "Planner", "source": "google"}))
    happens("bea", ("question_asked", {"question": "Does it plan cranes as well?"}))
    assert standing("bea").stage == "lead"
    fills_the_form(visit, "Bea Haug", "bea@kranhaus.example")
    assert standing("bea").stage == "mql"
    sales = visit().sign_in("sales")
    page = sales.open("/")
    expect(page.locator("h1")).to_have_text(re.compile(r"Answer Bea Haug first: 8\sh\s(2.|30) left"))
    expect(page.locator("blockquote")).to_contain_text("Does it plan cranes as well?")

    # Saturday, the second day of Christmas: the clock stands still, and says until when.
    at("2026-12-26T12:00:00+01:00")
    expect(sales.open("/").locator(".todo-row.open .clock")).to_have_text(re.compile(r"7\sh(\s0.)?, from Mon 09:00"))
    assert not Event.objects.filter(kind="sla_warned").exists()

    # Monday after lunch: three quarters of the time are over.
    at("2026-12-28T13:53:00+01:00")
    assert Event.objects.filter(kind="sla_warned").count() == 1
    # It escalates: whoever has it and whoever leads them are told, each once.
    leader = visit().sign_in("manager").open("/team")
    leader.click(".bell")
    told = leader.locator("#news a", has_text="Bea Haug")
    expect(told).to_have_text(re.compile(r"The answer to Bea Haug is nearly late \(Sam Lee\)"))
    at("2026-12-28T13:55:00+01:00")
    assert Event.objects.filter(kind="sla_warned").count() == 1
    page = sales.open("/")
    page.click(".bell")
    expect(page.locator("#news a", has_text="nearly late")).to_have_text(
        re.compile("The answer to Bea Haug is nearly late")
    )
    page.keyboard.press("Escape")
    expect(page.locator("h1")).to_have_text(re.compile(r"Answer Bea Haug first: 2\sh\s0. left"))
    found = looked_at(page)
    for key in ("j", "r", "1"):
        page.keyboard.press(key)
    expect(page.locator("[data-consequence]").first).to_contain_text(
        "Bea goes to Nurture and rests until 28 March 2027."
    )
    found += looked_at(page)
    page.keyboard.press("Enter")
    expect(page.locator(".came")).to_contain_text(
        "Rejected: No budget. Bea Haug is Nurture now. Marketing sees the reason."
    )
    # The wrong key: taken back, she waits again, and is rejected after all.
    expect(page.locator(".toast")).to_contain_text("Bea Haug: Rejected: No budget")
    found += looked_at(page)
    page.keyboard.press("u")
    expect(page.locator(".came")).to_contain_text("Taken back: it waits again, and its clock ran on.")
    assert (standing("bea").stage, standing("bea").status) == ("mql", "active")
    for key in ("r", "1", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".came")).to_contain_text("Rejected: No budget.")

    # Marketing reads the reason against the line that carried her.
    at("2026-12-28T14:10:00+01:00")
    report = visit().sign_in("marketing").open("/feedback?period=month")
    expect(report.locator("h1")).to_have_text("Sales rejected 1 of 1: 1 for “No budget”")
    expect(report.locator("tr", has_text="Form filled")).to_have_text("Form filled signal111")
    found += looked_at(report)

    # Whatever she does, she does not come back within the cool-off.
    at("2027-01-11T10:00:00+01:00")
    happens("bea", ("form_submitted", {"form": "Port volumes"}), ("content_downloaded", {"title": "Cranes"}))
    assert (standing("bea").stage, standing("bea").status) == ("lead", "nurture")
    expect(sales.open("/").locator("h1")).to_have_text("Nothing waits for you")
    report.reload()
    report.get_by_role("link", name="No budget").first.click()
    expect(report.locator("main")).to_contain_text("Bea Haug")

    # Another asks for a demo: accepted, called, asked, and an opportunity, all by keyboard.
    happens("cyd", ("person_described", {"name": "Cyd Maas", "title": "Head of Planning", "source": "referral"}))
    happens("cyd", ("demo_requested", {"message": "Can we see it on Friday?"}))
    page = sales.open("/")
    expect(page.locator("h1")).to_have_text(re.compile(r"Answer Cyd Maas first: (2.|30)\sminutes left"))
    page.keyboard.press("a")
    expect(page.locator(".came").first).to_contain_text("Accepted. Cyd Maas is Sales accepted lead now.")
    page.keyboard.press("l")
    page.keyboard.press("1")
    expect(page.locator(".came").last).to_contain_text("Noted.")
    found += looked_at(page)
    asked(page, "main challenges in your operations", "Nobody knows when a crane is free")
    page.keyboard.press("y")  # need
    expect(page.locator(".came").last).to_contain_text("Cyd Maas is Prospect now")
    asked(page, "How will we solve a problem", "They see free cranes a day ahead")
    for letter in ("Timing", "Authority"):
        expect(page.locator(".next .eyebrow")).to_contain_text(letter)
        page.keyboard.press("y")
    expect(page.locator(".next .eyebrow")).to_contain_text("Budget")
    page.keyboard.press("c")
    expect(page.locator(".tag", has_text="Considers us")).to_be_visible()
    page.keyboard.press("w")
    expect(page.locator(".came").last).to_contain_text("Cyd Maas is Opportunity now, because reached and need")
    assert standing("cyd").stage == "opportunity"
    assert not found, "\n".join(found)


def test_today_and_the_team_on_a_phone_and_in_the_dark(visit: Any, at: Callable[[str], None]) -> None:
    found, window = [], visit()
    for role, path, name in (
        ("sales", "/", "today"),
        ("manager", "/team", "team"),
        ("marketing", "/feedback", "feedback"),
    ):
        window.sign_in(role)
        for theme in ("light", "dark"):
            page = window.looks(PHONE, theme).open(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path
            picture(page, f"{name}-390-{theme}")
            page = window.looks(DESK, theme).open(path)
            picture(page, f"{name}-1440-{theme}")
            found += looked_at(page)
    assert not found, "\n".join(found)


def fills_the_form(visit: Any, name: str, email: str) -> None:
    """A stranger fills the form that marketing published."""
    fields = [
        {"name": "name", "label": "Your name", "means": "person"},
        {"name": "email", "label": "Work e-mail", "kind": "email", "is_required": True},
    ]
    told = {"title": "Port volumes", "fields": fields, "thanks": {"next": "We send the figures."}}
    building.save_form(slug="port-volumes", told=told, by="test", at=house_clock.now())
    building.publish_form(slug="port-volumes", number=1, by="test", at=house_clock.now())
    page = visit().open("/f/port-volumes")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Work e-mail").fill(email)
    page.get_by_role("button", name="Send").click()
    playwright.expect(page.locator("h1")).to_contain_text("Thank you")


def bea_and_cyd_ask_for_a_demo() -> None:
    described = NewEvent("company_described", company="kranhaus.example", data=COMPANY)
    actions.record([described], by="site", at=house_clock.now())
    for key, name in (("bea", "Bea Haug"), ("cyd", "Cyd Maas")):
        happens(key, ("person_described", {"name": name, "title": "Head of Planning", "source": "google"}))
        happens(key, ("demo_requested", {"message": "Can we see it on Friday?"}))


def clear_the_desk() -> None:
    """The people of the world waited before: they are no part of this week."""
    from rung.handoff.models import Assignment, Clock

    Assignment.objects.update(queue="done", ended_at=house_clock.now())
    Clock.objects.update(stopped_at=house_clock.now())


def asked(page: Any, words: str, answer: str) -> None:
    """The next question, answered without a mouse."""
    playwright.expect(page.locator(".next .q")).to_contain_text(words)
    page.evaluate(QUIET)  # what was just swapped in is htmx's only some milliseconds later; nobody types as fast
    page.keyboard.press("q")
    playwright.expect(page.locator(".next input:focus")).to_be_visible()
    page.keyboard.type(answer)
    page.keyboard.press("Enter")
    playwright.expect(page.locator(".next .q")).not_to_contain_text(words)


def looked_at(page: Any) -> list[str]:
    return [
        f"{page.url}: {each['id']}: {[node['html'][:160] for node in each['nodes'][:3]]}" for each in violations(page)
    ]
