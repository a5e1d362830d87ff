"""The SLA interview in a browser: six answers, each replayed as it is given; signed, put in force, reminded of, undone.

The pictures in docs/screenshots are made here where they are missing, or all anew with RUNG_SCREENSHOTS=1.
"""

import os
import re
from collections.abc import Callable
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from rung import wiring
from rung.demo import loading
from rung.handoff.models import Task
from rung.insight import reviewing
from rung.insight.models import Backtest
from rung.jobs.clock import now
from rung.jobs.worker import Worker
from rung.lifecycle import published
from rung.lifecycle.models import Handoff
from rung.terms.instants import moment
from web import test_browser
from web.test_browser import DESK, Visit, browser, picture, playwright
from web.test_browser_trials import child, looked_at

__all__ = ["browser", "child"]

pytestmark = test_browser.pytestmark
A4: Final = (718, 1047)
"""A sheet of A4 inside margins of 10 mm, in the browser's pixels."""


@pytest.fixture
def demo(live_server: Any, settings: Any, child: None) -> str:
    settings.RUNG_DEMO = True
    loading.load(people=int(os.environ.get("RUNG_SCREENSHOT_PEOPLE", "300")), months=18, seed=7, now=now())
    return str(live_server.url)


def test_six_answers_make_an_agreement_that_is_signed_put_in_force_and_taken_back(browser: Any, demo: str) -> None:
    playwright.expect.set_options(timeout=60_000)
    mia = Visit(browser, demo, DESK, "light").sign_in("marketing")
    page, expect = mia.page, playwright.expect
    page.set_default_timeout(60_000)
    found = looked_at(mia, "interviews", "/interviews")
    page.get_by_role("button", name="Begin the interview").click()
    page.wait_for_url("**/1")
    expect(page.locator(".evidence")).to_contain_text("The worker is reading the history")
    work()
    expect(page.locator(".evidence .say")).to_contain_text("people you know have bought")
    for number, (give, words) in enumerate(ANSWERS, 1):
        give(page)
        expect(page.locator("#effect .changes")).to_contain_text(words)
        expect(page.locator('#effect [data-figure="opened"] td').nth(1)).to_have_text(re.compile(r"\d"))
        expect(page.locator("#effect-said")).to_have_text(re.compile("sales work$|work for sales$"))
        found += looked_at(mia, f"interview-{number}", None)
        page.get_by_role("button", name="Keep and go on").click()
        page.wait_for_url(re.compile(f"/{number + 1}$|/agreement$"))
    expect(page.locator("h1")).to_have_text("All six are answered")
    found += looked_at(mia, "interview-agreement", None)
    look_at_the_sheet(page)

    page.get_by_role("button", name="Propose to both sides").click()
    page.wait_for_url("**/playbook/proposals/*")
    proposed = page.url.removeprefix(demo)
    page.get_by_role("button", name="Sign for marketing").click()
    expect(page.locator("h1")).to_have_text("Sales has to sign this still")
    sam = Visit(browser, demo, DESK, "light").sign_in("sales")
    sam.open(proposed).get_by_role("button", name="Sign for sales").click()
    expect(sam.page.locator("h1")).to_have_text("Both sides have signed: it can be put in force")
    found += put_in_force(browser, demo, proposed)
    for window in (mia, sam):
        window.close()
    assert not found, "\n".join(found)


def test_an_answered_question_is_kept_by_the_enter_key_and_left_open_only_by_its_button(
    browser: Any, demo: str
) -> None:
    playwright.expect.set_options(timeout=60_000)
    window = Visit(browser, demo, DESK, "light").sign_in("marketing")
    page, expect = window.page, playwright.expect
    page.goto(f"{demo}/interviews")
    page.get_by_role("button", name="Begin the interview").press("Enter")
    page.wait_for_url("**/1")
    page.goto(page.url.removesuffix("1") + "2")
    page.locator("[name=by]:checked").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Much interest works, too")).to_be_checked()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Engagement that stands for a contact")).to_be_focused()
    page.keyboard.type("35")
    page.keyboard.press("Enter")
    page.wait_for_url("**/3")
    page.get_by_role("link", name="What it takes to be a prospect. answered").press("Enter")
    page.wait_for_url("**/2")
    page.get_by_label("Engagement that stands for a contact").press("Enter")
    page.wait_for_url("**/3")
    expect(page.locator(".asked-steps .is-answered")).to_have_count(1)
    page.goto(page.url.removesuffix("3") + "2")
    page.get_by_role("button", name="Leave it open").press("Enter")
    page.wait_for_url("**/3")
    expect(page.locator(".asked-steps .is-answered")).to_have_count(0)
    window.close()


def test_an_agreement_is_confirmed_for_another_year_without_a_change(browser: Any, demo: str) -> None:
    playwright.expect.set_options(timeout=60_000)
    window = Visit(browser, demo, DESK, "light").sign_in("marketing")
    page, expect = window.page, playwright.expect
    page.goto(f"{demo}/interviews")
    page.get_by_role("button", name="Begin the interview").click()
    for number in range(1, 7):
        page.wait_for_url(f"**/{number}")
        page.get_by_role("button", name="Keep and go on").click()
    page.wait_for_url("**/agreement")
    expect(page.locator(".say").first).to_contain_text("Nothing changes against the playbook in force.")
    earlier = published.playbook()
    page.get_by_role("button", name="Confirm it for another year").click()
    page.wait_for_url("**/playbook/proposals/*")
    proposed = page.url.removeprefix(demo)
    page.get_by_role("button", name="Sign for marketing").click()
    sam = Visit(browser, demo, DESK, "light").sign_in("sales")
    sam.open(proposed).get_by_role("button", name="Sign for sales").click()
    ren = Visit(browser, demo, DESK, "light").sign_in("revops")
    ren.open(proposed).get_by_role("button", name="Put in force").click()
    expect(ren.page.locator(".say").first).to_contain_text("a task for")
    found = published.playbook()
    assert (found.version, found.is_signed) == (earlier.version, True)
    assert earlier.review_by and found.review_by and found.review_by > earlier.review_by
    for each in (window, sam, ren):
        each.close()


def put_in_force(browser: Any, demo: str, proposed: str) -> list[str]:
    """Counted, chosen with what follows, put in force, and gone back from; what is wrong with the pages on the way."""
    expect = playwright.expect
    ren = Visit(browser, demo, DESK, "light").sign_in("revops")
    page = ren.open(proposed)
    page.set_default_timeout(60_000)
    # The last answer's backtest has counted it already; as if it were over a week ago.
    expect(page.locator("#put-in-force")).to_contain_text("Counted today")
    Backtest.objects.all().delete()
    page.goto(f"{demo}{proposed}")
    expect(page.get_by_label("Nothing follows")).to_be_checked()
    expect(page.get_by_label("What follows is carried out")).to_be_disabled()
    found = looked_at(ren, "proposal-signed", None)
    page.get_by_role("button", name="Count what would follow").click()
    expect(page.locator("#put-in-force")).to_contain_text("would open and come onto desks")
    expect(page.get_by_label("Nothing follows")).to_be_checked()
    found += looked_at(ren, "proposal-counted", None)
    opens, withdraws = (int(page.locator("#put-in-force a").nth(place).inner_text().split()[0]) for place in (0, 1))
    assert opens > 0
    page.get_by_label("What follows is carried out").check()
    before = published.playbook().version
    waited = waiting()
    page.get_by_role("button", name="Put in force").click()
    expect(page.locator(".note.pending")).to_contain_text("is being put in force, as Ren Lindqvist asked")
    work()
    expect(page.locator("h1")).to_have_text("This playbook is in force")
    assert waiting() - waited == opens - withdraws
    found += looked_at(ren, "proposal-in-force", None)
    is_reminded(page)

    page.goto(f"{demo}/playbook?tab=history")
    page.get_by_role("button", name="Go back to the one before").click()
    expect(page.locator(".note.pending")).to_be_visible()
    work()
    assert (published.playbook().version, waiting()) == (before, waited)
    ren.close()
    return found


def is_reminded(page: Any) -> None:
    """Both who signed have the review among their tasks, a year from today."""
    on = in_berlin().replace(year=in_berlin().year + 1)
    assert published.playbook().review_by == on
    playwright.expect(page.locator(".say").first).to_contain_text("a task for Mia Ortiz and Sam Okafor")
    reviewing.keep(now())
    tasks = Task.objects.filter(key__startswith="review:").order_by("owner__role")
    assert [(task.owner.role, moment(task.due_at).astimezone(BERLIN).date()) for task in tasks] == [
        ("marketing", on),
        ("sales", on),
    ]


def waiting() -> int:
    """Hand-offs that wait for an answer."""
    return Handoff.objects.filter(answered_at=None, withdrawn_at=None).count()


def look_at_the_sheet(page: Any) -> None:
    """One page of A4, dark ink on white paper, whatever theme the screen has."""
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    sheets = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", sheets)) == 1
    page.emulate_media(media="print")
    page.set_viewport_size({"width": A4[0], "height": A4[1]})
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    playwright.expect(page.locator(".sheet")).to_be_visible()
    playwright.expect(page.get_by_role("button", name="Propose to both sides")).to_be_hidden()
    picture(page, "interview-sheet-print")
    page.emulate_media(media="screen")
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})


def work() -> None:
    """All that the worker would do."""
    worker = Worker(name="test", jobs=wiring.JOBS, long_jobs=wiring.LONG_JOBS, schedules=())
    while worker.turn(now()):
        pass


BERLIN: Final = ZoneInfo("Europe/Berlin")


def in_berlin() -> date:
    return moment(now()).astimezone(BERLIN).date()


def deals(page: Any) -> None:
    page.locator("[name=kept]").last.uncheck()


def confirmation(page: Any) -> None:
    page.get_by_label("Yes, by voice").check()


def hand_raise(page: Any) -> None:
    page.get_by_label("Enough where they fit").check()
    page.get_by_label("Fit of at least").fill("10")


def qualification(page: Any) -> None:
    page.locator("[name=to_offer][value='2']").check()


def nurture(page: Any) -> None:
    page.get_by_label("Days of silence after which somebody is nurtured").fill("60")


def treatment(page: Any) -> None:
    page.get_by_label("Everybody else within").fill("4")


ANSWERS: Final[tuple[tuple[Callable[[Any], None], str], ...]] = (
    (deals, "Fit line Works for a competitor is removed"),
    (confirmation, "Prospect: now also asked: they answered a call"),
    (hand_raise, "Marketing qualified lead: now also when fit is at least 10"),
    (qualification, "at least 3 → 2 of budget"),
    (nurture, "there was no sign of life for 90 → 60 days"),
    (treatment, "within 1 business day → 4 business hours otherwise"),
)
"""How each question is answered, and what the page then says it changes."""
