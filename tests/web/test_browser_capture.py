"""The capture page in a browser: a key, its snippet, what arrives and is refused; axe in both themes."""

import json
from pathlib import Path
from typing import Any

from rung.capture.collector import taking
from rung.capture.collector.inbox import Inbox, Item
from web import test_browser
from web.test_browser import DESK, PHONE, browser, house, playwright, visit
from web.test_browser_pages import faults_of

__all__ = ["browser", "house", "visit"]

pytestmark = test_browser.pytestmark


def put(path: Path, at: int, **more: Any) -> None:
    """One message of a visitor comes in."""
    told = {"type": "page", "anonymousId": "v-1", "properties": {"path": "/pricing"}, **more}
    inbox = Inbox(path)
    inbox.append(
        [Item(at, None, "key:web-site", "publishable", f"m-{more}", False, "", "", 1, json.dumps(told).encode())]
    )
    inbox.close()
    taking.Intake(path).turn(2**62)


def test_what_arrives_shows_up_by_itself_and_what_is_refused_can_be_read(
    visit: Any, world: Any, tmp_path: Path
) -> None:
    expect = playwright.expect
    window = visit().sign_in("revops")
    page = window.open("/capture")
    expect(page.locator("h1")).to_have_text("Nothing has come in during the last 24 hours")
    page.fill("#key-name", "web-site")
    page.click("text=Make a key")
    expect(page.locator(".made code")).to_contain_text("rung_pub_")
    expect(page.locator("#snippet")).to_contain_text("/rung.js")
    window.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("text=Copy the snippet")
    expect(page.locator(".toast")).to_contain_text("on the clipboard")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#snippet").inner_text().strip()
    page = window.open("/capture")
    put(tmp_path / "inbox.sqlite3", world.at)
    expect(page.locator("#arrived")).to_contain_text("Visitor ")
    put(tmp_path / "inbox.sqlite3", world.at, timestamp="yesterday")
    expect(page.locator("#arrived")).to_contain_text("refused")
    for size, theme in ((DESK, "light"), (PHONE, "dark")):
        window = visit(size, theme).sign_in("revops")
        page = window.open("/capture")
        page.click(".refusals summary")
        expect(page.locator(".refusals pre")).to_contain_text('"timestamp": "yesterday"')
        assert faults_of(page, f"capture, {theme}") == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), theme
    page.click("text=Replay it")
    expect(page.locator(".toast")).to_contain_text("1 still refused")
