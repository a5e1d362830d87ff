"""The other doors in a browser: a webhook is pointed at its message, somebody is added by key, a plug-in is asked."""

import json
from typing import Any

from rung.capture import enriching
from rung.capture.webhooks import hooking
from rung.history.models import Event
from rung.jobs.clock import now
from rung.people.models import Person
from web import test_browser
from web.test_browser import DESK, EVERY_LOOK, PHONE, browser, house, picture, playwright, visit
from web.test_browser_pages import faults_of

__all__ = ["browser", "house", "visit"]

pytestmark = test_browser.pytestmark

MESSAGE = {"visitor": {"mail": "fay@quai.example", "called": "Fay Moreau"}, "text": "Do you plan berths?", "no": "c-1"}


def test_a_webhook_is_made_and_its_message_pointed_at(visit: Any) -> None:
    expect = playwright.expect
    page = visit().sign_in("marketing").open("/capture/webhooks")
    page.fill("#hook-name", "chat")
    page.select_option("#hook-template", "empty")
    page.click("text=Make the address")
    where = page.locator("#made-hook").inner_text()
    token = where.rpartition("/")[2]
    webhook = hooking.webhook_at(token)
    assert webhook is not None
    hooking.receive(webhook=webhook, body=json.dumps(MESSAGE).encode(), content_type="application/json", at=now())
    page.click("text=say what it means")
    expect(page.locator("h1")).to_have_text("1 of 1 message refused")
    page.select_option('[aria-label="/visitor/mail is"]', "email")
    page.select_option('[aria-label="/visitor/called is"]', "name")
    page.select_option('[aria-label="/text is"]', "data")
    page.fill('[aria-label="Name of the detail at /text"]', "question")
    page.select_option("[name=kind]", "question_asked")
    page.click("text=Try it on this message")
    expect(page.locator("#would")).to_contain_text("Fay Moreau: Asked a question")
    assert not Event.objects.filter(kind="question_asked").exists()
    page.click("text=Read messages so")
    page.click("text=Replay the refused")
    expect(page.locator("h1")).to_have_text("Every message of chat was understood")
    assert Event.objects.get(kind="question_asked").data == {"question": "Do you plan berths?"}
    window = visit().sign_in("marketing")
    for size, theme in EVERY_LOOK:
        window.looks(size, theme)
        for name, path in (("webhooks", "/capture/webhooks"), ("webhook", "/capture/webhooks/chat")):
            page = window.open(path)
            assert faults_of(page, f"{name}, {theme}") == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, theme)
            picture(page, f"{name}-{size[0]}-{theme}")


def test_what_each_door_takes_and_answers_is_read_on_a_page(visit: Any) -> None:
    expect = playwright.expect
    for size, theme in ((DESK, "light"), (PHONE, "dark")):
        page = visit(size, theme).sign_in("sales").open("/api/docs")
        page.locator("summary", has_text="Takes many events").click()
        door = page.locator("details[open]")
        expect(door).to_contain_text("also /v1/b, /v1/import")
        expect(door.locator("tbody tr")).to_have_count(6)
        assert faults_of(page, theme) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), theme
        picture(page, f"doors-{size[0]}-{theme}")
        door.locator("a", has_text="Batch").click()
        expect(page.locator("#part-Batch")).to_be_in_viewport()


def test_somebody_is_added_by_a_key_and_who_is_here_is_said_at_once(visit: Any) -> None:
    expect = playwright.expect
    page = visit().sign_in("sales").open("/people")
    page.keyboard.press("+")
    page.wait_for_url("**/people/new")
    page.fill("[name=email]", "ana@acme.example")
    expect(page.locator("#here")).to_contain_text("Ana Lima is already here")
    page.fill("[name=email]", "fay@quai.example")
    expect(page.locator("#here")).to_be_empty()
    page.fill("[name=name]", "Fay Moreau")
    page.fill("[name=referred_by]", "ana@acme.example")
    page.click("text=Add them")
    expect(page.locator("h1")).to_contain_text("Fay Moreau")
    expect(page.locator("#origin")).to_contain_text("Referred by Ana Lima")
    page.click("text=They referred somebody, or ask a plug-in")
    page.locator("#origin button", has_text="Company website").press("Enter")
    expect(page.locator("#origin")).to_contain_text("the answer comes by itself")
    assert enriching.turn(now()) == 1
    expect(page.locator("#origin")).to_contain_text("https://quai.example")
    path = f"/people/{Person.objects.get(email='fay@quai.example').uuid}"
    window = visit().sign_in("sales")
    for size, theme in EVERY_LOOK:
        window.looks(size, theme)
        for name, where in (("person-new", "/people/new"), ("person-origin", path)):
            page = window.open(where)
            assert faults_of(page, f"{name}, {theme}") == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, theme)
            picture(page, f"{name}-{size[0]}-{theme}")
