"""Be a lead, in a browser: read the invented firm's prices, fill its form, and find yourself on the ladder."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from django.core.wsgi import get_wsgi_application

from rung import asgi, serving
from rung.capture.collector import taking
from rung.demo import site
from rung.history.models import Event
from rung.lifecycle.models import Handoff, Standing
from rung.people.models import Person
from web import test_browser
from web.conftest import World
from web.test_browser import DESK, PHONE, Visit, browser, playwright
from web.test_browser_pages import faults_of

__all__ = ["browser"]

pytestmark = test_browser.pytestmark


@pytest.fixture
def whole_house(world: World, settings: Any, tmp_path: Path) -> Iterator[str]:
    """The one port as it is served: the collector in front, Django behind, in demo mode."""
    settings.RUNG_DEMO, settings.RUNG_HOME, settings.ALLOWED_HOSTS = True, tmp_path, ["*"]
    site.open_site(at=world.at)
    app = asgi.App()
    app._django = get_wsgi_application()
    listener = serving.listening("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


def test_a_newcomer_becomes_a_lead_and_watches_it(browser: Any, whole_house: str, tmp_path: Path) -> None:
    expect = playwright.expect
    visit = Visit(browser, whole_house, DESK, "light")
    page = visit.open("/demo-site?utm_source=ads")
    page.click("text=Pricing")
    expect(page.locator("h1")).to_have_text("Pricing")
    page.wait_for_timeout(600)
    page.click("text=See it with your data")
    page.wait_for_timeout(2_100)  # nobody fills a form faster than that
    page.fill("#f-name", "Noor Haddad")
    page.fill("#f-email", "noor@quay.example")
    page.fill("#f-title", "Head of planning")
    page.fill("#f-company", "quay.example")
    page.select_option("#f-industry", "Logistics")
    page.select_option("#f-size", "50 to 250")
    page.fill("#f-problem", "Ships wait too long")
    page.click("text=Ask for a demo")
    expect(page.locator("h1")).to_have_text("Thank you, Noor")
    expect(page.get_by_role("link", name="Read the prices")).to_be_visible()
    assert faults_of(page, "thanks") == []
    page.get_by_role("link", name="Forecasting port volumes").click()
    expect(page.locator("h1")).to_have_text("Forecasting port volumes")
    page.wait_for_timeout(600)
    visit.close()
    taking.Intake(tmp_path / "inbox.sqlite3").turn(2**62)
    noor = Person.objects.get(email="noor@quay.example")
    assert Standing.objects.get(person=noor).stage == "mql"
    assert Handoff.objects.filter(person=noor, answer="", withdrawn_at=None).count() == 1
    pages = [
        each.data["path"] for each in Event.objects.filter(kind="page_viewed", source="key:demo-site").order_by("seq")
    ]
    assert pages == ["/", "/pricing", "/papers/port-volumes"]
    assert noor.source == "ads"


@pytest.mark.parametrize(("size", "theme"), [(DESK, "light"), (PHONE, "dark")])
def test_the_form_is_accessible_and_works_without_scripts(
    browser: Any, whole_house: str, size: tuple[int, int], theme: str
) -> None:
    visit = Visit(browser, whole_house, size, theme)
    for path in ("/f/demo", "/demo-site/pricing"):
        page = visit.open(path)
        assert faults_of(page, path) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    visit.close()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{whole_house}/f/paper")
    page.wait_for_timeout(2_100)
    page.click("text=Send me the paper")
    playwright.expect(page.locator("#w-email")).to_have_text("Work e-mail is missing.")
    page.fill("#f-name", "Noor")
    page.fill("#f-email", "noor@quay.example")
    page.click("text=Send me the paper")
    playwright.expect(page.locator("h1")).to_have_text("Thank you, Noor")
    context.close()
    assert Event.objects.filter(kind="content_downloaded").count() == 1
