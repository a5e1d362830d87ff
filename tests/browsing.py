"""A browser for the tests: one for all that follow each other, windows used again, and what axe says of a page.

A window is dear: each begins with a process of its own, which reads every style and script anew. One that is given back
goes on to the next test without what the last one left in it: no cookies, no storage, no other pages, no listeners.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")

from axe_playwright_python.sync_playwright import Axe  # noqa: E402

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM: Final = next((found for name in BROWSERS if (found := shutil.which(name))), None)
DESK, PHONE = (1440, 900), (390, 844)
EVERY_LOOK: Final = ((DESK, "light"), (PHONE, "light"), (PHONE, "dark"), (DESK, "dark"))
PATIENCE: Final = 20_000
"""Milliseconds that a page is waited for, on a machine that does much else."""

QUIET: Final = """async () => {
    for (let turns = 0; turns < 5; turns++) {
        await new Promise((done) => setTimeout(done, 20));
        if (document.querySelector(".htmx-request")) turns = 0;
    }
}"""
"""Waits until nothing that a page asks for by itself was on its way for a tenth of a second, not for half a one."""

marks: Final = [
    pytest.mark.browser,
    pytest.mark.one_database,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"), reason="there is no Chromium"),
]


# One browser


_running: Final = ExitStack()
_started: list[Any] = []
_spare: Final[list[Any]] = []


def the_browser() -> Any:
    """The browser, started where none runs; it runs until `closed`."""
    if not _started:
        _started.append(_running.enter_context(_browser()))
    return _started[0]


@pytest.fixture
def browser() -> Any:
    """The browser; tests/conftest.py starts it before all else, and ends it before a test that wants none."""
    return the_browser()


def closed() -> None:
    """Ends the browser, if one runs: Playwright has a loop in this thread, and other tests have loops of their own."""
    _started.clear()
    _spare.clear()
    _running.close()


@contextmanager
def _browser() -> Iterator[Any]:
    # Playwright runs a loop in this thread; Django would refuse the database there.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with playwright.sync_playwright() as started:
            found = started.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
            )
            yield found
            found.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


# Windows


class Visit:
    """One person's window: what it complained of is kept, and must be nothing."""

    def __init__(self, browser: Any, address: str, size: tuple[int, int], theme: str) -> None:
        self.page = _spare.pop() if _spare else browser.new_context(reduced_motion="reduce").new_page()
        self.context = self.page.context
        self.page.set_default_timeout(PATIENCE)
        self.home, self.complaints = address, []
        self.page.on("console", self.heard)
        self.page.on("pageerror", self.fell)
        self.looks(size, theme)

    def heard(self, told: Any) -> None:
        # The browser itself notes every page that is not there; one of ours is meant to be.
        if told.type == "error" and "404 (Not Found)" not in told.text:
            self.complaints.append(told.text)

    def fell(self, fault: Any) -> None:
        self.complaints.append(str(fault))

    def looks(self, size: tuple[int, int], theme: str) -> "Visit":
        """From the next page on it has this size and this theme."""
        self.context.add_cookies([{"name": "rung_theme", "value": theme, "url": self.home}])
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        return self

    def sign_in(self, role: str) -> "Visit":
        """By the same one click on a face, without looking at the page that shows them."""
        client = Client()
        assert client.post(reverse("face", args=[role])).status_code == 302
        session = client.cookies[settings.SESSION_COOKIE_NAME]
        self.context.add_cookies([{"name": session.key, "value": session.value, "url": self.home}])
        return self

    def open(self, path: str) -> Any:
        self.page.goto(f"{self.home}{path}")
        self.page.evaluate(QUIET)
        if self.page.locator("[hx-trigger*='load delay']").count():
            self.page.wait_for_load_state("networkidle")
        return self.page

    def close(self) -> None:
        """Gives the window back. What is still on its way when the page is left is no complaint."""
        self.page.remove_listener("console", self.heard)
        self.page.remove_listener("pageerror", self.fell)
        for other in self.context.pages:
            if other is not self.page:
                other.close()
        if self.page.url.startswith("http"):
            self.page.evaluate("sessionStorage.clear(); localStorage.clear()")
        self.page.goto("about:blank")
        self.context.clear_cookies()
        self.context.clear_permissions()
        _spare.append(self.page)
        assert not self.complaints, self.complaints


# What is wrong with a page


def violations(page: Any) -> list[dict[str, Any]]:
    """What axe finds on the page; what it finds in order stays in the browser, as it is by far the most."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(Axe().axe_script)
    found: list[dict[str, Any]] = page.evaluate(
        "axe.run({resultTypes: ['violations']}).then((told) => told.violations)"
    )
    return found
