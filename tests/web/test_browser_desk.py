"""A rep's keys: the title follows each answer, tasks are chosen and put off, a person's page takes the same keys."""

from collections.abc import Callable
from typing import Any

import pytest

from rung.access.models import User
from rung.handoff import actions as answers
from rung.handoff import carrying, tasks
from rung.handoff.models import Assignment, Task
from rung.jobs import clock as house_clock
from rung.lifecycle import published
from rung.people.queries import person_named
from web import test_browser
from web.test_browser import PHONE, browser, house, playwright, visit
from web.test_browser_week import at, bea_and_cyd_ask_for_a_demo, clear_the_desk, looked_at

__all__ = ["at", "browser", "house", "visit"]

pytestmark = [*test_browser.pytestmark, pytest.mark.parametrize("clock", ["2026-12-22T10:00:00+01:00"], indirect=True)]


def test_a_morning_by_keyboard(visit: Any, at: Callable[[str], None]) -> None:
    expect = playwright.expect
    expect.set_options(timeout=20_000)
    clear_the_desk()
    bea_and_cyd_ask_for_a_demo()
    page = visit().sign_in("sales").open("/")
    expect(page.locator("#n-handoffs")).to_have_text("2")
    page.keyboard.press("a")
    expect(page.locator("h1")).to_contain_text("Answer Cyd Maas first")  # the title is the next answer
    expect(page.locator("#n-handoffs")).to_have_text("1")
    expect(page.locator('[data-do="u"]')).to_have_count(1)
    for key in ("l", "6"):
        page.keyboard.press(key)
    expect(page.locator(".came").last).to_contain_text("Noted.")
    expect(page.locator('[data-do="u"]')).to_have_count(0)  # a call followed: the answer stands
    expect(page.locator(".where")).to_contain_text("Attempt 1 of 6")

    # Two tasks of today are put off together, without a mouse.
    sam, bea = User.objects.get(role="sales"), person_named("bea@kranhaus.example")
    assert bea is not None
    told = {"kind": "other", "day": "2026-12-22", "hour": "", "by": sam, "at": house_clock.now(), "person": bea}
    for what in ("Ask for the plan", "Send the plan"):
        tasks.plan(what=what, playbook=published.playbook(), **told)  # type: ignore[arg-type]
    page.reload()
    rows = page.locator(".todo-row", has=page.locator(".tick"))
    chosen = rows.filter(has_text="the plan")
    for _ in range(page.locator(".todo-row").count()):
        if page.locator(".todo-row.is-cursor", has_text="the plan").count():
            break
        page.keyboard.press("j")
    for key in ("x", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator(".tick input:checked")).to_have_count(2)
    found = looked_at(page)
    page.keyboard.press("s")
    expect(page.locator(".toast")).to_contain_text("2 tasks put off.")
    expect(chosen).to_have_count(0)
    assert {task.due_at for task in Task.objects.filter(what__contains="the plan")} != {told["at"]}

    # On her page the same keys; what is planned is called off there.
    page.goto(f"{page.url.rstrip('/')}/people/{bea.uuid}")
    page.keyboard.press("l")
    expect(page.locator("#work .planned")).to_contain_text("Send the plan")
    page.locator("#work").get_by_role("button", name="Call off: Send the plan").click()
    expect(page.locator(".toast")).to_contain_text("1 task called off.")
    page.keyboard.press("l")
    expect(page.locator("#work .outcomes").first).to_be_visible()
    page.keyboard.press("2")
    expect(page.locator(".phead .act")).to_contain_text("connected")
    expect(page.locator(".phead .act")).to_contain_text("with Sam Lee")
    found += looked_at(page)
    assert not found, "\n".join(found)


def test_feedback_and_the_team_are_read_on_a_phone_without_scrolling_sideways(
    visit: Any, at: Callable[[str], None]
) -> None:
    waiting = Assignment.objects.get(person__name="Ana Lima")
    answers.reject(handoff_id=waiting.pk, reason="No budget", by=User.objects.get(role="sales"), at=house_clock.now())
    carrying.carry(house_clock.now())
    wide = "[...document.querySelectorAll('.scroll-x')].map((it) => it.scrollWidth - it.clientWidth)"
    for path, tables in (("/team", 1), ("/feedback?period=year", 2)):
        phone = visit(PHONE).sign_in("manager").open(path)
        playwright.expect(phone.locator(".table.fold").first).to_be_visible()
        found = phone.evaluate(wide)
        assert len(found) >= tables and max(found) <= 1, path
