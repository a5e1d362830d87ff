"""Who may load the compiler of the kernel: whatever serves pages never does."""

import fcntl
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rung.engine import kernel, warming
from rung.lifecycle.deciding import compiling

WEB = """
import sys
from rung.starting import open_house
open_house()
import rung.asgi
from django.test import Client
from rung.lifecycle import actions
from rung.lifecycle.deciding import compiling
from rung.lifecycle.many import bulk
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.publishing import rebuilding
from rung.lifecycle.rules import NewEvent
from rung.people.rules import Keys
from rung.terms.instants import DAY
AT = 20_000 * DAY
def event(name, door):
    return NewEvent(kind="page_viewed", keys=Keys(email=f"{name}@acme.example"), at=AT, door=door)
compiling.begin(1_000_000)
bulk.load([event("ana", "import")], by="system", at=AT, total=1_000_000)
actions.record([event("rui", "system")], by="system", at=AT)
assert rebuilding.rebuild(check=True, at=AT).differences == ()
assert Client().get("/sign-in").status_code < 500
assert not compiling.is_ready(1_000)
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("numba", "llvmlite", "pyarrow", "duckdb")))
"""


@pytest.mark.one_database
def test_a_process_that_serves_pages_never_loads_what_only_replays_need(tmp_path: Path, empty_house: Path) -> None:
    shutil.copy(empty_house, tmp_path / "rung.sqlite3")
    environment = {**os.environ, "RUNG_HOME": str(tmp_path), "RUNG_DATABASE_URL": ""}
    done = subprocess.run([sys.executable, "-c", WEB], capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The children that were started, on a process as it begins; each is given an exit code by the test."""
    children: list[Any] = []

    def start(*_: object, **__: object) -> Any:
        children.append(SimpleNamespace(code=None, poll=lambda: children[-1].code))
        return children[-1]

    monkeypatch.setattr(compiling, "_this", compiling._Process())
    monkeypatch.setattr(compiling.subprocess, "Popen", start)
    return children


def test_a_command_with_many_people_has_the_kernel_compiled_while_it_begins(started: list[Any]) -> None:
    compiling.allow()
    compiling.begin(compiling.WORTH_IT)
    compiling.begin(compiling.WORTH_IT)
    assert len(started) == 1
    assert not compiling.is_ready(1_000)
    started[0].code = 0
    assert compiling.is_ready(1_000)


def test_few_people_are_not_worth_it_and_what_cannot_be_compiled_stays_plain(started: list[Any]) -> None:
    compiling.allow()
    compiling.begin(compiling.WORTH_IT - 1)
    assert started == []
    compiling.begin(compiling.WORTH_IT)
    started[0].code = 1
    assert not compiling.is_ready(1_000)


def test_who_compiles_takes_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[int] = []
    monkeypatch.setattr(warming, "warm", lambda: compiled.append(1))
    second = threading.Thread(target=warming.warm_once)
    with Path(kernel.__file__).open("rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        second.start()
        second.join(0.3)
        assert compiled == []
    second.join(60)
    assert compiled == [1]
