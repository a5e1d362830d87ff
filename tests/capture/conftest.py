"""A collector with two keys and an inbox of its own."""

from pathlib import Path

import pytest

from capture.asking import Asking


@pytest.fixture
def collector(tmp_path: Path) -> Asking:
    return Asking(tmp_path / "inbox.sqlite3")
