"""The ladder, a person and the playbook in a browser: what redraws, jumps, is put in force; axe in both themes.

The pictures in docs/screenshots are made here where they are missing, or all anew with RUNG_SCREENSHOTS=1; they show a
demo company of RUNG_SCREENSHOT_PEOPLE (500 where nothing is said: the fewest of whom a weakest step can be named).
"""

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

from rung import wiring
from rung.demo import loading
from rung.insight import jobs as insight_jobs
from rung.jobs.clock import now
from rung.jobs.worker import Worker
from rung.lifecycle import published
from rung.lifecycle.models import Standing
from rung.people.models import Person
from web import test_browser
from web.test_browser import DESK, PHONE, Visit, browser, house, picture, playwright, violations, visit

__all__ = ["browser", "house", "visit"]

pytestmark = test_browser.pytestmark


@pytest.fixture
def demo(browser: Any, live_server: Any, settings: Any) -> Iterator[Visit]:
    """A window on a small demo company."""
    settings.RUNG_DEMO = True
    loading.load(people=int(os.environ.get("RUNG_SCREENSHOT_PEOPLE", "500")), months=18, seed=7, now=now())
    insight_jobs.refresh(now())
    window = Visit(browser, str(live_server.url), DESK, "light").sign_in("revops")
    yield window
    window.close()


def test_the_slider_redraws_the_past_by_mouse_and_by_key(visit: Any) -> None:
    page = visit().sign_in("sales").open(f"/people/{Person.objects.get(name='Chiara Fontana').uuid}")
    expect = playwright.expect
    expect(page.locator("#as-of")).to_have_text("As of today: Customer, 0 points")
    expect(page.locator("#strip .here")).to_contain_text("Customer")
    slider = page.locator("[data-slider]")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator("#as-of")).to_contain_text(": Lead, 28 points")
    expect(page.locator("#strip .here")).to_contain_text("Lead")
    expect(page.locator('[aria-label="Why here"]')).to_contain_text("because we can reach them")
    expect(page.locator('[aria-label="What is missing"]')).to_contain_text("for Marketing qualified lead")
    expect(page.locator('[aria-label="Score"] .sub')).to_contain_text("28 of 50 needed")
    expect(page.locator("#timeline li.is-later p").first).to_contain_text("Hand-off opened")
    expect(page.locator("#timeline li:not(.day):not(.is-later) p").first).to_contain_text("Read Pricing")
    assert "Lead, 28 points" in slider.get_attribute("aria-valuetext")
    first = page.locator("#as-of").inner_text()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#as-of")).not_to_have_text(first)
    page.keyboard.press("End")
    expect(page.locator("#as-of")).to_have_text("As of today: Customer, 0 points")
    expect(page.locator("#timeline li.is-later")).to_have_count(0)


def test_the_timeline_is_filtered_without_a_new_page_and_claims_light_their_events(visit: Any) -> None:
    page = visit().sign_in("sales").open(f"/people/{Person.objects.get(name='Ana Lima').uuid}")
    expect = playwright.expect
    page.evaluate("window.isTheSamePage = true")
    page.click("#show-decisions")
    expect(page.locator("#timeline li:not(.day)")).to_have_count(3)
    expect(page.locator("#show-decisions")).to_be_focused()
    page.click("#show-all")
    expect(page.locator("#timeline li:not(.day)")).to_have_count(11)
    assert page.evaluate("window.isTheSamePage") is True

    page.locator(".why li", has_text="Demo request").hover()
    expect(page.locator("#timeline .is-lit")).to_contain_text("Asked for a demo")
    page.locator("#timeline li", has_text="Asked for a demo").hover()
    expect(page.locator(".why .is-lit").first).to_contain_text("Demo request")
    expect(page.locator(".legend .is-lit")).to_contain_text("Demo request")
    page.locator('.score-bar .seg[aria-label^="Demo request"]').focus()
    expect(page.locator("#timeline .is-lit")).to_contain_text("Asked for a demo")


def test_the_editor_marks_a_fault_while_typing_jumps_to_it_and_publishes_what_is_right(visit: Any) -> None:
    page = visit().sign_in("revops").open("/playbook?tab=source#line-72")
    expect = playwright.expect
    field = page.locator("textarea[name=text]")
    expect(field).to_be_focused()
    assert "score >= 50" in field.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
    page.keyboard.insert_text("    enter: scor >= 50 and fit >= 20")
    expect(page.locator("#verdict")).to_contain_text("Did you mean")
    expect(page.locator(".gutter .is-wrong")).to_have_text("72")
    expect(page.locator("#checked")).to_contain_text("1 fault, the first in line 72.")
    page.locator("#verdict [data-fault]").click()
    assert (
        field.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
        .strip()
        .startswith("enter: scor")
    )
    page.keyboard.insert_text("    enter: score >= 42 and fit >= 20")
    expect(page.locator("#verdict")).to_contain_text("What changes, in words")
    expect(page.locator(".gutter .is-wrong")).to_have_count(0)
    expect(page.locator("#checked")).to_contain_text("It can be run: 1 change.")

    page.get_by_role("button", name="Put in force").click()
    page.wait_for_url(re.compile("tab=history"))
    expect(page.locator(".note.pending")).to_contain_text("is being put in force, as Ren Castellanos asked")
    before = published.in_force().generation_id
    Worker(name="test", jobs=wiring.JOBS, long_jobs=wiring.LONG_JOBS, schedules=()).turn(now())
    assert published.in_force().generation_id != before
    expect(page.locator(".versions > ol > li")).to_have_count(2)
    expect(page.locator(".note.pending")).to_have_count(0)
    expect(page.locator(".versions > ol > li").first).to_contain_text("42")


def test_the_weakest_step_leads_to_its_people_and_every_page_is_accessible(demo: Visit) -> None:
    page = demo.open("/ladder")
    expect = playwright.expect
    page.click("text=The same as a table")
    expect(page.locator(".ladder table")).to_be_visible()
    told = page.locator(".act .btn.pri").inner_text()
    page.click(".act .btn.pri")
    page.wait_for_url(re.compile("/people.where="))
    expect(page.locator("h1")).to_contain_text(f"{told.removeprefix('Open the ')} match")

    found = []
    for theme in ("light", "dark"):
        for name, path in addresses().items():
            page.goto("about:blank")
            demo.looks(DESK, theme)
            page.goto(f"{demo.home}{path}")
            for size in (DESK, PHONE):
                page.set_viewport_size({"width": size[0], "height": size[1]})
                if page.evaluate("document.documentElement.scrollWidth") > size[0]:
                    found.append(f"{name} scrolls sideways at {size[0]} ({theme})")
                picture(page, f"{name}-{size[0]}-{theme}")
                found += faults_of(page, f"{name} at {size[0]} ({theme})")
    assert not found, "\n".join(found)


def faults_of(page: Any, name: str) -> list[str]:
    return [f"{name}: {each['id']}: {[node['html'][:200] for node in each['nodes'][:3]]}" for each in violations(page)]


def addresses() -> dict[str, str]:
    force = published.in_force()
    shown = Standing.objects.filter(
        generation_id=force.generation_id, stage__in=("mql", "sal", "prospect"), status="active"
    )
    person = (
        shown.select_related("person").order_by("-score").first() or Standing.objects.select_related("person").first()
    )
    return {
        "ladder": "/ladder",
        "person": f"/people/{person.person.uuid}",
        "playbook": "/playbook",
        "playbook-source": "/playbook?tab=source#line-72",
        "playbook-history": "/playbook?tab=history",
    }
