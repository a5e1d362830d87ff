"""The pages of lists and reports, as somebody reads them at an instant: what two houses must show alike."""

import io
import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Final
from unittest import mock

from django.core.cache import cache
from django.test import Client

from rung.jobs import clock as house_clock
from rung.lifecycle import exporting

REPORTS: Final = (
    *("/", "/ladder", "/people", "/people?sort=score", "/companies", "/feedback", "/team"),
    "/feedback/handoffs?answer=rejected",
)


def exported(what: str, *, at: int) -> str:
    """A CSV of all people or companies, as it leaves the house at an instant."""
    to = io.BytesIO()
    exporting.export(what=what, where=None, format="csv", to=to, by="rung", at=at)
    return to.getvalue().decode()


def seen(email: str, *, at: int, paths: Sequence[str] = REPORTS) -> dict[str, str]:
    """Path → the page, without what is made up anew each time (tokens, and the ids of hand-offs)."""
    from rung.access.models import User

    cache.clear()
    with mock.patch.object(house_clock, "time", SimpleNamespace(time_ns=lambda: at * 1_000)):
        client = Client()
        client.force_login(User.objects.get(email=email))
        found = {}
        for path in paths:
            answer = client.get(path, follow=True)
            assert answer.status_code == 200, path
            text = re.sub(r'(csrf[^"]*" value|nonce|content)="[^"]*"', "", answer.content.decode())
            found[path] = re.sub(r'"[A-Za-z0-9]{64}"|/handoffs/[0-9a-f-]{36}', "", text)
    return found
