"""Forms in a browser: one is made by keyboard, seen beside the editor, published, framed by another page and filled."""

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rung.capture.forms import building
from rung.capture.models import Form
from rung.jobs.clock import now
from rung.people.models import Person
from rung.web.form_starts import STARTS
from web import test_browser
from web.test_browser import EVERY_LOOK, browser, house, picture, playwright, visit
from web.test_browser_pages import faults_of

__all__ = ["browser", "house", "visit"]

pytestmark = test_browser.pytestmark


@pytest.fixture
def other_site(house: str) -> Iterator[str]:
    """A page of somebody else's, with our form in a frame."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(f'<iframe src="{house}/f/demo?embed=1" width="600" height="900"></iframe>'.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def test_a_form_is_made_and_its_preview_follows(visit: Any) -> None:
    expect = playwright.expect
    page = visit().sign_in("marketing").open("/forms")
    page.fill("#new-title", "See it with your data")
    page.click("text=Make the form")
    expect(page.locator("h1")).to_have_text("Nobody sees this form yet")
    page.fill("[name=title]", "Look at your own numbers")
    expect(page.locator("#preview")).to_contain_text("Look at your own numbers")
    labels = page.locator("#editor [data-rows] [name^='label.']")
    expect(labels.nth(2)).to_have_value("Company")
    page.get_by_role("button", name="Move Company up").press("Enter")
    expect(labels.nth(1)).to_have_value("Company")
    expect(page.get_by_role("button", name="Move Company up")).to_be_focused()
    page.locator("[data-row]").nth(0).locator("[data-grip]").drag_to(page.locator("[data-row]").nth(2))
    expect(labels.nth(0)).to_have_value("Company")
    page.get_by_role("button", name="Add a question").press("Enter")
    page.keyboard.type("Your favourite bird")
    expect(page.locator("#preview")).to_contain_text("Your favourite bird")
    page.get_by_role("button", name="Remove How did you hear about us?").press("Enter")
    expect(page.locator("#preview")).not_to_contain_text("How did you hear")
    page.click("text=Keep and publish")
    expect(page.locator("h1")).to_have_text("Public, and nobody has filled it yet")
    told = building.definition_of(Form.objects.get())
    assert told.fields[0].name == "company"
    assert told.fields[-1].name == "your_favourite_bird"


def test_the_pages_of_forms_are_accessible_and_fit(visit: Any) -> None:
    for slug in ("demo", "newsletter"):
        told = {**STARTS[slug][1], "title": STARTS[slug][0]}
        form = building.save_form(slug=slug, told=told, by="test", at=now())
        building.publish_form(slug=slug, number=form.version, by="test", at=now())
    window = visit().sign_in("marketing")
    for size, theme in EVERY_LOOK:
        window.looks(size, theme)
        for name, path in (("forms", "/forms"), ("form-edit", "/forms/demo"), ("form", "/f/demo")):
            page = window.open(path)
            assert faults_of(page, f"{name}, {theme}") == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, theme)
            picture(page, f"{name}-{size[0]}-{theme}")


def test_a_form_in_another_sites_frame_is_filled_and_thanks(visit: Any, other_site: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("rung.web.forms.FASTEST", 0)
    told = {**STARTS["demo"][1], "title": "See it"}
    building.save_form(slug="demo", told=told, by="test", at=now())
    building.publish_form(slug="demo", number=1, by="test", at=now())
    window = visit()
    window.page.goto(other_site)
    frame = window.page.frame_locator("iframe")
    frame.get_by_label("Your name").fill("Fay Moreau")
    frame.get_by_label("Work e-mail").fill("fay@quai.example")
    frame.get_by_text("Ask for a demo", exact=True).last.click()
    playwright.expect(frame.locator("h1")).to_have_text("Thank you, Fay")
    playwright.expect(frame.locator(".say")).to_contain_text("You hear from us by")
    assert Person.objects.filter(email="fay@quai.example").exists()
