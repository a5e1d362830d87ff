"""Importing in a browser: a table chosen, its columns looked at, tried, brought in and taken back; axe twice."""

import os
from pathlib import Path
from typing import Any

import pytest

from web import test_browser
from web.test_browser import DESK, PHONE, browser, house, playwright, visit
from web.test_browser_pages import faults_of
from web.test_imports_pages import HUBSPOT, home, work

__all__ = ["browser", "home", "house", "visit"]

pytestmark = test_browser.pytestmark


@pytest.mark.parametrize(("size", "theme"), [(DESK, "light"), (PHONE, "dark")])
def test_a_table_is_brought_in_and_taken_back(visit: Any, tmp_path: Path, size: tuple[int, int], theme: str) -> None:
    expect = playwright.expect
    table = tmp_path / "contacts.csv"
    stages = ("Lifecycle Stage", "Customer", "Opportunity", "Subscriber")
    rows = zip(HUBSPOT.splitlines(), stages, strict=True)
    table.write_text("".join(f"{row},{stage}\n" for row, stage in rows), "utf-8")
    page = visit(size, theme).sign_in("marketing").open("/imports")
    looked_at(page, "imports-empty", theme)
    page.set_input_files("#import-file", table)
    page.click("text=Look at it")
    expect(page.locator("h1")).to_contain_text("9 of 10 columns are understood")
    looked_at(page, "import-columns", theme)
    page.select_option('[aria-label="What Number of Pages means"]', "")
    page.click("text=Try it, writing nothing")
    expect(page.locator(".note[role=status]")).to_contain_text("Nothing is written yet")
    work()
    expect(page.locator("h1")).to_have_text("2 new people, 1 we know, 0 rows refused")
    expect(page.locator("[aria-label='Stages of the old program']")).to_contain_text(
        "1 person is said to be a customer"
    )
    looked_at(page, "import-tried", theme)
    page.click("text=Bring 3 events in")
    expect(page.locator(".note[role=status]")).to_contain_text("You can leave")
    looked_at(page, "import-running", theme)
    work()
    expect(page.locator("h1")).to_have_text("contacts.csv brought 3 events")
    looked_at(page, "import-done", theme)
    page.click("text=Undo import")
    expect(page.locator(".note[role=status]")).to_contain_text("taken back")
    work()
    expect(page.locator("h1")).to_have_text("contacts.csv counts no more")
    page.click("text=All imports")
    looked_at(page, "imports", theme)


def test_what_a_bought_list_must_say_is_asked_as_soon_as_the_kind_is_chosen(visit: Any, tmp_path: Path) -> None:
    expect = playwright.expect
    table = tmp_path / "list.csv"
    table.write_text("Email,City\nana@acme.example,Oslo\n", "utf-8")
    page = visit().sign_in("marketing").open("/imports")
    page.set_input_files("#import-file", table)
    page.click("text=Look at it")
    expect(page.locator("[name=basis]")).to_have_count(0)
    page.select_option("#kind", "list")
    expect(page.locator("[name=basis]")).to_be_visible()
    expect(page.locator("[name=source]")).to_be_visible()
    expect(page.locator("#kind")).to_have_value("list")
    looked_at(page, "import-list", "light")
    page.select_option("#kind", "people")
    expect(page.locator("[name=basis]")).to_have_count(0)


def looked_at(page: Any, name: str, theme: str) -> None:
    """No fault that axe finds, nothing beyond the edge; a picture where one is asked for."""
    assert faults_of(page, f"{name}, {theme}") == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name}, {theme}"
    if to := os.environ.get("RUNG_LOOK"):
        page.screenshot(path=f"{to}/{name}-{theme}.png", full_page=True)
