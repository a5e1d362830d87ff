"""What a person does in a browser, with the accessibility of each page looked at in both themes.

The pictures in docs/screenshots are made here where they are missing, or all anew with RUNG_SCREENSHOTS=1; `make
pictures` takes the others of the demo company.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import browsing
from browsing import DESK, EVERY_LOOK, PHONE, Visit, browser, playwright, violations
from pictures_of_the_demo import PAGES
from rung import wiring
from rung.jobs.clock import now
from rung.jobs.worker import Worker
from rung.people.models import Company
from web.conftest import World

__all__ = ["EVERY_LOOK", "browser"]

PICTURES: Final = Path(__file__).parents[2] / "docs" / "screenshots"
LARGEST: Final = 250_000

pytestmark = [*browsing.marks, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def house(live_server: Any, world: World, settings: Any) -> str:
    settings.RUNG_DEMO = True
    return str(live_server.url)


@pytest.fixture
def visit(browser: Any, house: str) -> Iterator[Any]:
    opened: list[Visit] = []

    def made(size: tuple[int, int] = DESK, theme: str = "light") -> Visit:
        opened.append(Visit(browser, house, size, theme))
        return opened[-1]

    yield made
    for one in opened:
        one.close()


def test_a_day_at_the_table_of_people(visit: Any) -> None:
    """One click in; filter by chip and by text; the keyboard; the palette; dark mode that stays."""
    page = visit().open("/sign-in")
    page.click('form[action$="/sales"] button')
    page.wait_for_url(lambda address: not address.endswith("/sign-in"))
    page.click('nav a[href="/people"]')
    expect = playwright.expect
    expect(page.locator("h1")).to_have_text("5 people are known to you")

    page.wait_for_load_state()  # a key pressed before the scripts are there is nobody's
    page.keyboard.press("f")
    page.select_option("select[name=add]", "person.title")
    page.select_option("select[name=how]", "has")
    page.fill("#filter-menu input[name=value]", "head")
    page.click("text=Add the filter")
    expect(page.locator("h1")).to_have_text("2 people match")
    assert "where=person.title.matches" in page.url
    expect(page.locator("textarea[name=where]")).to_have_value('person.title.matches("*head*")')

    page.fill("textarea[name=where]", "scor >= 50")
    page.keyboard.press("Enter")
    expect(page.locator("#people-wrong")).to_contain_text("There is no scor")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.click("#people-wrong a")
    expect(page.locator("textarea[name=where]")).to_have_value("score >= 50")

    page.click('[aria-label^="Remove: score"]')
    expect(page.locator("tbody tr")).to_have_count(5)
    page.locator("main").focus()
    for key in ("j", "j", "x", "k", "x"):
        page.keyboard.press(key)
    expect(page.locator("[data-bulk]")).to_contain_text("2 selected")
    page.keyboard.press("Escape")
    expect(page.locator("[data-bulk]")).to_be_hidden()
    page.keyboard.press("Enter")
    page.wait_for_url("**/people/*-*")


def test_the_palette_finds_people_and_places(visit: Any) -> None:
    page = visit().sign_in("sales").open("/people")
    expect = playwright.expect
    page.keyboard.press("/")
    page.keyboard.type("acme")
    expect(page.locator("#palette [data-results]")).to_contain_text("Acme Ports")
    page.fill("#palette input", "chiara")
    expect(page.locator('#palette [aria-selected="true"]')).to_contain_text("Chiara Fontana")
    page.fill("#palette input", "compan")
    expect(page.locator("#palette [data-commands]")).to_contain_text("Companies")
    page.keyboard.press("Enter")
    page.wait_for_url("**/companies")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/people")


def test_dark_stays_dark_without_a_flash(visit: Any) -> None:
    page = visit().sign_in("sales").open("/people")
    page.click('.top [data-act="theme"]')
    assert page.locator("html").get_attribute("data-theme") == "dark"
    answer = page.goto(page.url)
    assert 'data-theme="dark"' in answer.text()


def test_a_phone_and_a_small_laptop_show_the_page_without_scrolling_sideways(visit: Any) -> None:
    window = visit(PHONE).sign_in("revops")
    for path in pages():
        page = window.open(path)
        for width, height in (PHONE, (1024, 768)):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_accessible_and_has_its_picture(visit: Any, theme: str) -> None:
    stranger = visit(theme=theme)
    found = looked_at(stranger.open("/sign-in"), "sign-in", theme)
    desk, phone = visit(DESK, theme).sign_in("revops"), visit(PHONE, theme).sign_in("revops")
    for path, name in pages().items():
        found += looked_at(desk.open(path), name, theme)
        found += looked_at(phone.open(path), name, theme, PHONE)
    assert not found, "\n".join(found)


def test_the_palette_and_the_menu_are_accessible_too(visit: Any) -> None:
    page = visit().sign_in("sales").open("/people")
    page.keyboard.press("/")
    page.keyboard.type("an")
    playwright.expect(page.locator("#palette [data-results]")).to_contain_text("Ana Lima")
    found = looked_at(page, "palette", "light")
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    found += looked_at(page, "filter-menu", "light")
    assert not found, "\n".join(found)


def test_what_is_done_to_many_is_accessible_and_can_be_undone(visit: Any) -> None:
    page = visit().sign_in("manager").open("/people")
    expect = playwright.expect
    page.locator("main").focus()
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    found = looked_at(page, "people-selected", "light")
    page.get_by_role("button", name="Give to…").click()
    found += looked_at(page, "people-give-to", "light")
    page.keyboard.press("Escape")
    expect(page.locator("[data-bulk]")).to_contain_text("2 selected")
    page.get_by_role("button", name="To nurture…").click()
    page.locator("input[name=nurture_because]").fill("After the fair")
    found += looked_at(page, "people-to-nurture", "light")
    page.keyboard.press("Enter")
    page.wait_for_url("**/people/acts/*")
    Worker(name="test", jobs=wiring.JOBS, long_jobs=wiring.LONG_JOBS, schedules=()).turn(now())
    expect(page.locator("h1")).to_contain_text("2 people")
    found += looked_at(page, "people-act", "light")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    found += looked_at(page, "people-act", "dark")
    assert not found, "\n".join(found)


def pages() -> dict[str, str]:
    company = Company.objects.get(key="acme.example").uuid
    return {
        "/people": "people",
        "/people?where=stage+%21%3D+%22customer%22+and+score+%3E%3D+10": "people-filtered",
        "/people?where=score+%3E+10000": "people-nobody",
        "/companies": "companies",
        f"/companies/{company}": "company",
        "/design": "design",
        "/nothing-here": "not-found",
    }


def looked_at(page: Any, name: str, theme: str, size: tuple[int, int] = DESK) -> list[str]:
    """What axe finds on the page, which is pictured on the way."""
    picture(page, f"{name}-{size[0]}-{theme}")
    return [
        f"{name} ({theme}): {found['id']}: {found['help']}: {[node['html'][:200] for node in found['nodes'][:3]]}"
        for found in violations(page)
    ]


def picture(page: Any, name: str) -> None:
    to = PICTURES / f"{name}.png"
    if name.rsplit("-", 2)[0] not in PAGES and (os.environ.get("RUNG_SCREENSHOTS") or not to.exists()):
        PICTURES.mkdir(parents=True, exist_ok=True)
        png, size = page.screenshot(), page.viewport_size
        if len(png) > LARGEST:
            # A page full of text: everybody who clones carries its picture, and its upper part shows it as well.
            png = page.screenshot(clip={"x": 0, "y": 0, "width": size["width"], "height": size["height"] * 4 // 5})
        to.write_bytes(png)


def test_a_window_used_again_knows_nothing_of_whoever_had_it(browser: Any, house: str) -> None:
    first = Visit(browser, house, PHONE, "dark").sign_in("sales")
    page = first.open("/people")
    page.evaluate("sessionStorage.setItem('kept', '1'); localStorage.setItem('kept', '1')")
    page.set_content("<img src='data:,'>")
    assert "image-alt" in {found["id"] for found in violations(page)}
    page.evaluate("console.error('something fell')")
    with pytest.raises(AssertionError, match="something fell"):
        first.close()
    second = Visit(browser, house, DESK, "light")
    assert second.page is page
    second.open("/people")
    assert page.url.endswith("/sign-in?next=/people")
    assert page.evaluate("[sessionStorage.kept ?? null, localStorage.kept ?? null, innerWidth]") == [None, None, 1440]
    assert page.locator("html").get_attribute("data-theme") == "light"
    second.close()
