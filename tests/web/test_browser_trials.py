"""A definition tried in a browser: what is typed and pulled is replayed, numbers open people, pages are accessible.

The pictures in docs/screenshots are made here where they are missing, or all anew with RUNG_SCREENSHOTS=1.
"""

import os
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from rung.demo import loading
from rung.insight import trying_later
from rung.insight.models import Backtest
from rung.jobs.clock import now
from web import test_browser
from web.test_browser import DESK, PHONE, Visit, browser, picture, playwright
from web.test_browser_pages import faults_of

__all__ = ["browser"]

pytestmark = test_browser.pytestmark


@pytest.fixture
def child(live_server: Any) -> Iterator[threading.Event]:
    """What the worker's child does, in a thread; it rests while the event is set.

    It decides by the compiled kernel, which a house this small would not wait for; `make test` has it ready.
    """
    ending, resting = threading.Event(), threading.Event()

    def answer() -> None:
        warm = trying_later.Warm(now, is_compiled=True)
        while not ending.is_set():
            if resting.is_set() or not warm.turn():
                ending.wait(0.1)
        connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    yield resting
    ending.set()
    thread.join()


def test_a_number_is_pulled_and_last_year_replays(
    browser: Any, live_server: Any, settings: Any, child: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RUNG_DEMO = True
    loading.load(people=int(os.environ.get("RUNG_SCREENSHOT_PEOPLE", "300")), months=18, seed=7, now=now())
    window = Visit(browser, str(live_server.url), DESK, "light").sign_in("revops")
    page, expect = window.page, playwright.expect
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    page.goto(f"{window.home}/playbook?tab=source#line-73")
    slider = page.locator("[data-turn]")
    expect(slider).to_have_value("50")
    expect(page.locator("#answer")).to_contain_text("Change a number")
    slider.focus()
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    expect(page.locator("#curve")).to_contain_text("44 draft")
    with monkeypatch.context() as aged:
        # A minute later the curve is asked for anew: its panel waits for the worker, and the keys still count.
        aged.setattr(trying_later, "WARM", 0)
        child.set()
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#curve")).to_contain_text("Waiting for the worker")
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#source textarea")).to_have_value(re.compile("score >= 42 and fit"))
        expect(slider).to_be_focused()
    child.clear()
    expect(page.locator("#answer")).to_contain_text("42 instead of 50:")
    assert "score >= 42 and fit" in page.locator("#source textarea").input_value()
    expect(page.locator('[data-figure="opened"] td').nth(1)).to_have_text(re.compile(r"\d+"))
    expect(page.locator("#curve")).to_contain_text("42 draft")
    expect(slider).to_be_focused()
    expect(page.locator("#checked")).to_contain_text("1 change")

    found = looked_at(window, "playbook-trial", None)
    opened = page.locator('[data-figure="opened"] td').nth(1).inner_text()
    page.locator('[data-figure="opened"] td a').nth(1).click()
    expect(page.locator("h1")).to_contain_text(f"All hand-offs: {opened}, ")
    run = Backtest.objects.filter(vary="", headline__startswith="42").latest("pk")
    found += looked_at(window, "trial", f"/playbook/trials/{run.uuid}")
    found += looked_at(window, "trial-people", f"/playbook/trials/{run.uuid}/people?side=new&answer=rejected")
    page.goto(f"{window.home}/playbook/definitions")
    page.get_by_role("button", name="Compare them with yours").click()
    page.locator("table.same-people").wait_for()
    found += looked_at(window, "definitions", "/playbook/definitions")
    page.locator(".same-people summary").first.click()
    expect(page.locator(".same-people details[open] p")).to_contain_text("since")
    page.goto(f"{window.home}/playbook/trials/{run.uuid}")
    page.get_by_role("button", name="Propose").click()
    page.wait_for_url("**/playbook/proposals/*")
    found += looked_at(window, "proposal", None)
    window.close()
    assert not found, "\n".join(found)


def looked_at(window: Visit, name: str, path: str | None) -> list[str]:
    """What is wrong with a page at both sizes and in both themes; with its pictures."""
    found, page = [], window.page
    here = path or page.url.removeprefix(window.home)
    for theme in ("light", "dark"):
        for size in (DESK, PHONE):
            window.looks(size, theme)
            if path is not None:
                page.goto(f"{window.home}{here}")
            else:
                page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
            if page.evaluate("document.documentElement.scrollWidth") > size[0]:
                found.append(f"{name} scrolls sideways at {size[0]} ({theme})")
            picture(page, f"{name}-{size[0]}-{theme}")
            found += faults_of(page, f"{name} at {size[0]} ({theme})")
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    return found
