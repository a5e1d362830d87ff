"""What breaks programs, in every field of every page and part at once: an answer in words, never a 500.

Each database is asked what it is picky about: PostgreSQL keeps no NUL, numbers are the same to both. With all of
`capture.test_naughty_strings.TEXTS` (HYPOTHESIS_PROFILE=long) it takes minutes.
"""

import re
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.test import Client

import rung
from capture.test_naughty_strings import TEXTS
from examples import IS_LONG
from web.conftest import World
from web.test_matrix import address, routes, table

pytestmark = pytest.mark.django_db
PICKY: Final = {"sqlite": ("9" * 400,), "postgresql": ("x\0y",)}
PAGES: Final = Path(rung.__file__).parent / "web"


def fields() -> list[str]:
    """The name of every field that a page has or asks for."""
    asked = re.compile(r'\b(?:GET|POST|said|told|asked)(?:\.get|\.getlist)?[([]"([\w-]+)"')
    found = {name for file in PAGES.rglob("*.py") for name in asked.findall(file.read_text())}
    return sorted(
        found | {name for file in PAGES.rglob("*.html") for name in re.findall(r' name="([\w-]+)"', file.read_text())}
    )


def test_no_field_of_any_page_makes_it_fall(world: World, database: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(world.users["admin"])
    fallen = []
    methods = [(name, method) for name, method in table() if method != "HEAD" and name != "sign-out"]
    assert len(fields()) > 140 and {name for name, _ in methods} == set(routes()) - {"sign-out"}
    for text in TEXTS if IS_LONG else PICKY[database]:
        told = "&".join(f"{name}={quote(text.encode('utf-8', 'surrogatepass')[:400])}" for name in fields())
        for name, method in methods:
            cache.clear()
            form, query = (told, "") if method == "POST" else ("", told)
            to = address(name)
            answer = client.generic(method, to, form, "application/x-www-form-urlencoded", QUERY_STRING=query)
            if answer.status_code >= 500:
                fallen.append(f"{method} {name}: {text[:20]!r}")
    assert not fallen
