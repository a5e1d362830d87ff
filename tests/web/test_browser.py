"""What a person does in a browser, with the accessibility of each page looked at in both themes.

The pictures in docs/screenshots are made here where they are missing, or all anew with RUNG_SCREENSHOTS=1.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")

from axe_playwright_python.sync_playwright import Axe  # noqa: E402

from rung import wiring  # noqa: E402
from rung.jobs.clock import now  # noqa: E402
from rung.jobs.worker import Worker  # noqa: E402
from rung.people.models import Company  # noqa: E402
from web.conftest import World  # noqa: E402

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM: Final = next((found for name in BROWSERS if (found := shutil.which(name))), None)
PICTURES: Final = Path(__file__).parents[2] / "docs" / "screenshots"
DESK, PHONE = (1440, 900), (390, 844)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.one_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"), reason="there is no Chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    # Playwright runs a loop in this thread; Django would refuse the database there.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield found
        found.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Visit:
    """One person's window: what it complained of is kept, and must be nothing."""

    def __init__(self, browser: Any, address: str, size: tuple[int, int], theme: str) -> None:
        self.context = browser.new_context(viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
        self.context.add_cookies([{"name": "rung_theme", "value": theme, "url": address}])
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.home, self.complaints = address, []
        self.page.on("console", lambda told: self.heard(told))
        self.page.on("pageerror", lambda fault: self.complaints.append(str(fault)))

    def heard(self, told: Any) -> None:
        # The browser itself notes every page that is not there; one of ours is meant to be.
        if told.type == "error" and "404 (Not Found)" not in told.text:
            self.complaints.append(told.text)

    def sign_in(self, role: str) -> "Visit":
        self.page.goto(f"{self.home}/sign-in")
        self.page.click(f'form[action$="/{role}"] button')
        self.page.wait_for_url(lambda address: not address.endswith("/sign-in"))
        return self

    def open(self, path: str) -> Any:
        self.page.goto(f"{self.home}{path}")
        self.page.wait_for_load_state("networkidle")
        return self.page

    def close(self) -> None:
        self.context.close()
        assert not self.complaints, self.complaints


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
    page = visit().sign_in("sales").open("/people")
    expect = playwright.expect
    expect(page.locator("h1")).to_have_text("5 people are known to you")

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
    violations = Axe().run(page).response["violations"]
    return [
        f"{name} ({theme}): {found['id']}: {found['help']}: {[node['html'][:200] for node in found['nodes'][:3]]}"
        for found in violations
    ]


def picture(page: Any, name: str) -> None:
    to = PICTURES / f"{name}.png"
    if os.environ.get("RUNG_SCREENSHOTS") or not to.exists():
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=to)
