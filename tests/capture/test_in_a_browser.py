"""In a real browser, on somebody else's site: Segment's browser client by npm and by snippet, and our own rung.js."""

import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import browsing
from browsing import browser
from capture.asking import SITE
from capture.serving import served, site
from rung.capture.collector import snippet, taking
from rung.capture.collector.inbox import Inbox
from rung.history.models import Event
from rung.people.models import Person

__all__ = ["browser"]

CLIENTS: Final = Path(__file__).parents[1] / "clients"
pytestmark = browsing.marks
needs_npm = pytest.mark.skipif(
    not (CLIENTS / "node_modules" / "next").is_dir() and not os.environ.get("CI"),
    reason="Segment's browser client is not installed: run tests/clients/install",
)


class Place:
    """A site, a collector, and a visitor whose browser complains of nothing."""

    def __init__(self, browser: Any, folder: Path, collector: str, address: str, inbox: Path) -> None:
        self.folder, self.collector, self.address, self.inbox = folder, collector, address, inbox
        self.browser, self.contexts = browser, []
        self.complaints: list[str] = []
        self.asked: list[str] = []

    def visitor(self, **how: Any) -> Any:
        context = self.browser.new_context(**how)
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(browsing.PATIENCE)
        page.on("console", lambda told: told.type == "error" and self.complaints.append(told.text))
        page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        page.on("request", lambda request: self.asked.append(f"{request.method} {request.url}"))
        return page

    def write(self, name: str, body: str, head: str = "") -> None:
        self.folder.joinpath(name).write_text(
            f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{name}</title>"
            f'<link rel=icon href="data:,">{head}</head><body>{body}</body></html>'
        )

    def messages(self, least: int = 0) -> list[dict[str, Any]]:
        """What is in the inbox, once there is as much as expected."""
        inbox = Inbox(self.inbox)
        try:
            for _ in range(600):
                found = inbox.after(0, 1_000)
                if len({each.item.message_id for each in found}) >= least:
                    break
                self.pages_wait()
            # What was under way when the page was left is sent once more; the history knows it by its id.
            messages = [json.loads(each.item.body) for each in found]
            return list({message["messageId"]: message for message in messages}.values())
        finally:
            inbox.close()

    def has_asked(self, beginning: str) -> bool:
        """Whether a page asked so. The browser tells of its requests while a page is waited for, not before."""
        for _ in range(100):
            if any(asked.startswith(beginning) for asked in self.asked):
                return True
            self.pages_wait()
        return False

    def pages_wait(self) -> None:
        for context in self.contexts:
            for page in context.pages:
                page.wait_for_timeout(50)
                return


@pytest.fixture
def place(browser: Any, tmp_path: Path) -> Iterator[Place]:
    folder, inbox = tmp_path / "site", tmp_path / "inbox.sqlite3"
    folder.mkdir()
    with served(inbox) as collector, site(folder) as address:
        made = Place(browser, folder, collector, address, inbox)
        yield made
        for context in made.contexts:
            context.close()
    assert made.complaints == []


SAID: Final = """
analytics.identify("u-1", {email: "ana@acme.example", name: "Ana Lima"});
analytics.page("Docs", "Pricing");
analytics.track("Demo Requested", {form: "demo"});
analytics.group("acme.example");
analytics.alias("u-1");
"""


@needs_npm
@pytest.mark.django_db
@pytest.mark.parametrize("way", ["npm", "npm in batches", "snippet"])
def test_segments_browser_client_sends_to_us_when_its_host_is_changed(place: Place, way: str) -> None:
    if way == "snippet":
        shutil.copytree(CLIENTS / "node_modules/next/dist/umd", place.folder, dirs_exist_ok=True)
        place.write(
            "index.html",
            "",
            f"""<script>
            var analytics = window.analytics = window.analytics || [];
            analytics.methods = ["identify", "page", "track", "group", "alias"];
            analytics.methods.forEach(function (name) {{
              analytics[name] = function () {{ analytics.push([name].concat([].slice.call(arguments))); }};
            }});
            analytics._writeKey = "{SITE}"; analytics._cdn = "{place.collector}";
            {SAID}</script><script async src="standalone.js"></script>""",
        )
    else:
        bundler, out = str(CLIENTS / "node_modules/.bin/esbuild"), f"--outfile={place.folder / 'bundle.js'}"
        subprocess.run(
            [bundler, "next.js", "--bundle", "--format=iife", "--log-level=error", out], cwd=CLIENTS, check=True
        )
        delivery = {"deliveryStrategy": {"strategy": "batching", "config": {"size": 3, "timeout": 500}}}
        options = {"integrations": {"Segment.io": delivery}} if "batches" in way else {}
        place.write(
            "index.html",
            "",
            f"""<script src="bundle.js"></script><script>
            const settings = {{writeKey: "{SITE}", cdnURL: "{place.collector}"}};
            const analytics = AnalyticsBrowser.load(settings, {json.dumps(options)});
            {SAID}</script>""",
        )
    place.visitor().goto(f"{place.address}/index.html?utm_source=ads&utm_campaign=spring")
    assert len(place.messages(least=5)) == 5
    taking.Intake(place.inbox).turn(2**62)
    told = Event.objects.filter(source="key:site")
    assert sorted(told.values_list("kind", flat=True)) == [
        "demo_requested", "page_viewed", "person_identified", "person_identified", "person_identified",
    ]  # fmt: skip
    view = told.get(kind="page_viewed").data
    assert (view["path"], view["utm_source"], view["utm_campaign"]) == ("/index.html", "ads", "spring")
    ana = Person.objects.get()
    assert (ana.name, ana.email, ana.source) == ("Ana Lima", "ana@acme.example", "ads")
    # A real preflight went before, because the client sends its key in a header.
    assert place.has_asked(f"POST {place.collector}")


# rung.js


def ours(place: Place, **how: str) -> str:
    told = " ".join(f'data-{name}="{value}"' for name, value in how.items())
    return f'<script async src="{place.collector}/rung.js" data-key="{SITE}" {told}></script>'


def test_rung_js_is_small() -> None:
    assert len(gzip.compress(snippet.SOURCE.read_bytes(), 9)) <= 5 * 1024


def test_a_visit_tells_pages_campaign_referrer_names_and_what_led_away(place: Place) -> None:
    place.write("first.html", '<a id=on href="/pricing.html?token=1#x">on</a>')
    place.write(
        "pricing.html",
        '<button data-rung="Compare plans">Compare  all\nplans</button>'
        f'<a id=away href="{place.collector}/away?secret=1" target=_blank>Partner</a>',
        ours(place, pages="/pricing*=Pricing, /demo.html"),
    )
    page = place.visitor()
    page.goto(f"{place.address}/first.html")
    page.click("#on")
    page.wait_for_function("!!(window.rung && window.rung.page)")
    page.click("button")
    page.click("#away")
    page.evaluate("history.pushState({}, '', '/demo.html?utm_source=mail&utm_campaign=spring')")
    view, named, away, second = place.messages(least=4)
    assert view["type"] == "page"
    assert view["name"] == "Pricing"
    assert view["context"]["page"] == {
        "path": "/pricing.html", "url": f"{place.address}/pricing.html", "title": "pricing.html",
        "referrer": f"{place.address}/first.html",
    }  # fmt: skip
    assert (named["event"], named["properties"]) == (
        "Element Clicked",
        {"name": "Compare plans", "text": "Compare all plans"},
    )
    assert away["properties"] == {
        "name": "127.0.0.1", "text": "Partner", "href": f"{place.collector}/away", "outbound": True,
    }  # fmt: skip
    assert (second["name"], second["context"]["campaign"]) == ("/demo.html", {"source": "mail", "name": "spring"})
    assert second["context"]["page"]["referrer"] == f"{place.address}/pricing.html"
    assert len({message["anonymousId"] for message in (view, named, away, second)}) == 1


def stored(page: Any) -> tuple[str, int]:
    return page.evaluate("[document.cookie, localStorage.length + sessionStorage.length]")


def test_nothing_is_stored_before_the_visitor_says_yes_and_nothing_is_left_after_a_no(place: Place) -> None:
    place.write("index.html", "", ours(place))
    page = place.visitor()
    for _ in range(2):
        page.goto(f"{place.address}/index.html")
        page.wait_for_function("!!(window.rung && window.rung.page)")
    first, second = place.messages(least=2)
    assert "referrer" not in first["context"]["page"]
    assert first["anonymousId"] != second["anonymousId"]
    assert stored(page) == ["", 0]
    page.evaluate("rung.consent(true)")
    known = stored(page)[0]
    assert known == f"rung_id={second['anonymousId']}"
    page.goto(f"{place.address}/index.html")
    assert place.messages(least=3)[2]["anonymousId"] == second["anonymousId"]
    page.evaluate("rung.consent(false)")
    assert stored(page) == ["", 0]


def test_a_site_that_waits_for_consent_sends_nothing_before_it(place: Place) -> None:
    place.write("index.html", "", ours(place, consent="required"))
    page = place.visitor()
    page.goto(f"{place.address}/index.html")
    page.wait_for_function("!!(window.rung && window.rung.page)")
    page.wait_for_timeout(800)
    assert place.messages() == []
    page.evaluate("rung.consent(true)")
    assert [message["type"] for message in place.messages(least=1)] == ["page"]


def test_a_signal_of_global_privacy_control_is_stronger_than_the_sites_word(place: Place) -> None:
    place.write("index.html", "", ours(place, consent="given"))
    page = place.visitor()
    page.goto(f"{place.address}/index.html")
    place.messages(least=1)
    assert "rung_id=" in stored(page)[0]
    private = place.visitor()
    private.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    private.goto(f"{place.address}/index.html")
    place.messages(least=2)
    assert stored(private) == ["", 0]
    # Whoever turns it on later takes back what the site had said for them.
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    page.goto(f"{place.address}/index.html")
    place.messages(least=3)
    assert stored(page) == ["", 0]


FORM: Final = """<form name="talk" action="thanks.html" {more}><input name="name" value="Ana Lima">
<input type="email" name="work" value="ana@acme.example"><input type="tel" name="tel" value="+4930123456">
<input name="password2" value="geheim"><input type="password" name="p" value="geheim">
<input type="hidden" name="h" value="x">
<input name="cc" autocomplete="cc-number" value="4111"><input type="checkbox" name="news" value="yes">
<textarea name="need">A crane</textarea><button>Send</button></form>"""


@pytest.mark.django_db
def test_forms_are_told_where_the_site_says_so_and_never_what_is_secret(place: Place) -> None:
    place.write("thanks.html", "Thanks")
    place.write("quiet.html", FORM.format(more=""), ours(place))
    place.write("index.html", FORM.format(more='data-rung-form="Talk to us"'), ours(place))
    page = place.visitor()
    for name in ("quiet", "index"):
        page.goto(f"{place.address}/{name}.html")
        page.wait_for_function("!!(window.rung && window.rung.page)")
        page.click("button")
        page.wait_for_url("**/thanks.html*")
    messages = place.messages(least=4)
    # The page that is left and the one that comes tell at the same time: which arrives first is the network's affair.
    identify, *pages, track = sorted(messages, key=lambda message: ("identify", "page", "track").index(message["type"]))
    assert [message["type"] for message in (identify, *pages, track)] == ["identify", "page", "page", "track"]
    assert identify["traits"] == {"name": "Ana Lima", "email": "ana@acme.example", "phone": "+4930123456"}
    assert track["properties"] == {
        "form": "Talk to us", "name": "Ana Lima", "email": "ana@acme.example", "phone": "+4930123456",
        "need": "A crane",
    }  # fmt: skip
    taking.Intake(place.inbox).turn(2**62)
    ana = Person.objects.get(email="ana@acme.example")
    assert (ana.name, ana.is_anonymous) == ("Ana Lima", False)


def test_whatever_the_page_has_done_to_the_browser_it_hears_nothing_of_us(place: Place) -> None:
    broken = """<script>
    Object.defineProperty(document, "cookie", {get() { throw Error("no") }, set() { throw Error("no") }});
    window.fetch = () => { throw Error("no") }; crypto.getRandomValues = () => { throw Error("no") };
    history.pushState = function () { throw Error("theirs") };
    </script>"""
    place.write("index.html", "<a href='#' data-rung>x</a>", broken + ours(place, forms=""))
    page = place.visitor()
    page.goto(f"{place.address}/index.html")
    page.click("a")
    page.evaluate("window.rung.track('x'); window.rung.consent(true); window.rung.identify(null)")
    page.wait_for_timeout(600)
    assert place.messages() == []


def test_what_the_collector_cannot_take_now_is_sent_again(place: Place) -> None:
    place.write("index.html", "", ours(place))
    page = place.visitor()
    turns = iter([503, 429])

    def answer(route: Any) -> None:
        status = next(turns, None)
        headers = {
            "access-control-allow-origin": "*",
            "access-control-expose-headers": "retry-after",
            "retry-after": "1",
        }
        route.continue_() if status is None else route.fulfill(status=status, headers=headers)

    page.route("**/v1/b", answer)
    page.goto(f"{place.address}/index.html")
    assert [message["type"] for message in place.messages(least=1)] == ["page"]
    place.complaints[:] = [
        told for told in place.complaints if "status of 503" not in told and "status of 429" not in told
    ]
