"""The wrong key on Today: the cursor goes on to the next, U brings it back, and the next key acts on whom one sees."""

from collections.abc import Callable
from typing import Any

import pytest

from rung.lifecycle.models import Handoff
from web import test_browser
from web.test_browser import browser, house, playwright, visit
from web.test_browser_week import at, bea_and_cyd_ask_for_a_demo, clear_the_desk, standing

__all__ = ["at", "browser", "house", "visit"]

pytestmark = [*test_browser.pytestmark, pytest.mark.parametrize("clock", ["2026-12-22T10:00:00+01:00"], indirect=True)]


def test_the_cursor_goes_on_and_comes_back_with_what_is_taken_back(visit: Any, at: Callable[[str], None]) -> None:
    expect = playwright.expect
    expect.set_options(timeout=20_000)
    clear_the_desk()
    bea_and_cyd_ask_for_a_demo()
    page = visit().sign_in("sales").open("/")
    cursor = page.locator(".todo-row.is-cursor .nm")
    for key in ("r", "1", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".came")).to_contain_text("Rejected: No budget")
    expect(cursor).to_have_text("Cyd Maas")
    page.keyboard.press("u")
    expect(page.locator(".came")).to_contain_text("Taken back")
    expect(cursor).to_have_text("Bea Haug")
    expect(page.locator(".toast")).to_have_count(0)
    page.keyboard.press("a")
    expect(page.locator(".came")).to_contain_text("Accepted. Bea Haug is Sales accepted lead now.")
    expect(cursor).to_have_text("Bea Haug")  # the first call is hers
    page.keyboard.press("u")
    expect(page.locator(".came")).to_contain_text("Taken back")
    assert (standing("bea").stage, standing("cyd").stage) == ("mql", "mql")
    assert not Handoff.objects.filter(person__name__in=("Bea Haug", "Cyd Maas")).exclude(answer="").exists()
