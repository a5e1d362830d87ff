"""The pages of lists and reports, as somebody reads them at an instant: what two houses must show alike."""

import re
from types import SimpleNamespace
from typing import Final

import pytest
from django.core.cache import cache
from django.test import Client

from rung.jobs import clock as house_clock

REPORTS: Final = ("/", "/ladder", "/people", "/companies", "/feedback", "/feedback/handoffs?answer=rejected", "/team")


def seen(monkeypatch: pytest.MonkeyPatch, email: str, *, at: int) -> dict[str, str]:
    """Path → the page, without what is made up anew each time (tokens, and the ids of hand-offs)."""
    from rung.access.models import User

    cache.clear()
    with monkeypatch.context() as patched:
        patched.setattr(house_clock, "time", SimpleNamespace(time_ns=lambda: at * 1_000))
        client = Client()
        client.force_login(User.objects.get(email=email))
        found = {}
        for path in REPORTS:
            answer = client.get(path, follow=True)
            assert answer.status_code == 200, path
            text = re.sub(r'(csrf[^"]*" value|nonce|content)="[^"]*"', "", answer.content.decode())
            found[path] = re.sub(r'"[A-Za-z0-9]{64}"|/handoffs/[0-9a-f-]{36}', "", text)
    return found
