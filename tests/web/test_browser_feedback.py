"""Feedback in a browser: each line left out while one looks, its people, the draft one click away, duties, settings.

The pictures in docs/screenshots are made here where they are missing, or all anew with RUNG_SCREENSHOTS=1.
"""

import os
import re
from typing import Any

from rung.demo import loading
from rung.jobs.clock import now
from web import test_browser
from web.test_browser import DESK, Visit, browser, playwright
from web.test_browser_trials import child, looked_at

__all__ = ["browser", "child"]

pytestmark = test_browser.pytestmark


def test_each_line_is_left_out_while_one_looks_and_one_click_tries_it(
    browser: Any, live_server: Any, settings: Any, child: None
) -> None:
    settings.RUNG_DEMO = True
    loading.load(people=int(os.environ.get("RUNG_SCREENSHOT_PEOPLE", "300")), months=18, seed=7, now=now())
    window = Visit(browser, str(live_server.url), DESK, "light").sign_in("revops")
    page, expect = window.page, playwright.expect
    page.set_default_timeout(120_000)
    expect.set_options(timeout=120_000)
    page.goto(f"{window.home}/feedback?period=year")
    lines = page.locator("#misleading table tbody tr")
    expect(lines.first).to_be_visible()
    expect(page.locator("#because")).to_have_text(re.compile(r"misleads: without it|No single line"))
    found = looked_at(window, "feedback-misleading", "/feedback?period=year")

    avoided = lines.first.locator("td.num b").inner_text()
    lines.first.locator("td.num a").first.click()
    expect(page.locator("h1")).to_contain_text(f": {avoided}")
    found += looked_at(window, "feedback-line-people", None)
    page.go_back()

    name = lines.first.locator("th a").inner_text()
    page.get_by_role("link", name=f"Try it without {name}", exact=True).click()
    expect(page.locator("#source header")).to_contain_text(f"without “{name}”")
    expect(page.locator("#answer")).not_to_contain_text("Change a number")
    expect(page.locator("#checked")).to_contain_text("1 change")

    page.goto(f"{window.home}/feedback")
    page.get_by_role("link", name=re.compile("Cadence kept up with")).click()
    expect(page.locator("h1")).to_have_text(re.compile("cadence|Cadence"))
    found += looked_at(window, "feedback-duty", None)
    found += looked_at(window, "own-settings", "/settings")
    window.close()
    assert not found, "\n".join(found)
