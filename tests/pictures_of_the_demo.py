"""Takes the pictures of docs/screenshots that show a day in the demo company, from a demo that runs: `make pictures`.

Pages that only a story leads to (an interview, a proposal, a merge) are pictured by the browser tests instead, with
RUNG_SCREENSHOTS=1.
"""

import os
import sys
from pathlib import Path
from typing import Any, Final

TO: Final = Path(__file__).parents[1] / "docs" / "screenshots"
PAGES: Final = {
    "companies": ("revops", "/companies"),
    "feedback": ("marketing", "/feedback"),
    "forms": ("marketing", "/forms"),
    "form": ("", "/f/demo"),
    "form-edit": ("marketing", "/forms/demo"),
    "ladder": ("revops", "/ladder"),
    "matches": ("revops", "/people/matches"),
    "people": ("revops", "/people"),
    "playbook": ("marketing", "/playbook"),
    "team": ("manager", "/team"),
    "today": ("sales", "/"),
}
"""The name of each picture: who looks ("" for a visitor), and at which page."""
UNFINISHED: Final = ("Waiting for the worker", "still being worked out")
_LOOKS: Final = tuple((size, theme) for size in ((1440, 900), (390, 844)) for theme in ("light", "dark"))


def take(home: str, to: Path = TO) -> None:
    """All of them, of the demo at this address: on a desk and on a phone, light and dark."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for role in sorted({role for role, _ in PAGES.values()}):
            page = browser.new_context(reduced_motion="reduce").new_page()
            if role:
                page.goto(f"{home}/sign-in")
                page.click(f'form[action$="/{role}"] button')
                page.wait_for_url(lambda address: not address.endswith("/sign-in"))
            for name, (whose, address) in PAGES.items():
                if whose == role:
                    _picture(page, name, home, address, to)
        browser.close()


def _picture(page: Any, name: str, home: str, address: str, to: Path) -> None:
    for (width, height), theme in _LOOKS:
        page.context.add_cookies([{"name": "rung_theme", "value": theme, "url": home}])
        page.set_viewport_size({"width": width, "height": height})
        _finished(page, f"{home}{address}")
        page.screenshot(path=to / f"{name}-{width}-{theme}.png")


def _finished(page: Any, address: str) -> None:
    """Open it until nothing on it waits: a demo just made still works out its Feedback for a minute or two."""
    for _ in range(60):
        answer = page.goto(address, wait_until="networkidle")
        if not answer.ok:
            raise SystemExit(f"{address}: {answer.status}")
        said = page.inner_text("body")
        if not any(words in said for words in UNFINISHED):
            return
        page.wait_for_timeout(3_000)
    raise SystemExit(f"{address}: the worker does not come to an end")


if __name__ == "__main__":
    take(sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000")
