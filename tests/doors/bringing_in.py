"""Small tables brought in, and who works where by then: for tests of the firms that tables name, or do not."""

from pathlib import Path
from typing import Any

import pytest

from rung.capture.imports import actions as imports
from rung.people.models import Person
from rung.terms.instants import parse_instant

NOW = parse_instant("2026-03-10T12:00:00Z")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    settings.RUNG_HOME = tmp_path / "home"
    return tmp_path


def brought_in(home: Path, content: str, *, at: int = NOW, **options: Any) -> int:
    path = home / f"{at}.csv"
    path.write_text(content, encoding="utf-8")
    report = imports.run([path], **{"mapping": None, "kind": None, "by": "rui", "at": at, **options})
    return int(report.number or 0)


def belonging() -> dict[str, str]:
    return dict(Person.objects.exclude(company=None).order_by("email").values_list("email", "company__key"))
