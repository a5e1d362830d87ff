"""Segment's own clients, unmodified: their queues drain into Rung, and every event is in the history once.

`tests/clients/install` puts them there (make test does); what is not there is skipped visibly, except in CI.
"""

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from capture.asking import SERVER
from capture.serving import served
from rung.capture.collector import snippet, taking
from rung.capture.collector.asgi import Collector
from rung.capture.models import CaptureCount, RefusedEvent
from rung.history.models import Event
from rung.people.models import Person

CLIENTS: Final = Path(__file__).parents[1] / "clients"
MORE: Final = 250
VERSIONS: Final = ("python-2.2", "python-2.3", "python-2.4", "node-1.1", "node-2.3", "node-3.1")

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("clients")]


def command(version: str) -> tuple[list[str], dict[str, str]]:
    """How the client is started. Skips where it is not there."""
    if version.startswith("python"):
        home = CLIENTS / "installed" / version
        _there(home.is_dir(), f"{version} is not installed: run tests/clients/install")
        return [sys.executable, str(CLIENTS / "send.py")], {**os.environ, "PYTHONPATH": str(home)}
    home = CLIENTS / "node_modules" / version
    _there(home.is_dir() and shutil.which("node") is not None, f"{version} is not installed: run tests/clients/install")
    return ["node", str(CLIENTS / "send.mjs"), version], {**os.environ}


def _there(is_there: bool, words: str) -> None:
    if not is_there:
        assert not os.environ.get("CI"), words
        pytest.skip(words)


def sent(version: str, address: str, key: str = SERVER, more: int = MORE) -> list[str]:
    """What the client complained of."""
    words, environment = command(version)
    done = subprocess.run(
        [*words, key, address, str(more)], capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout.splitlines()[-1]))


def counts() -> dict[str, int]:
    found: dict[str, int] = {}
    for row in CaptureCount.objects.all():
        found[row.outcome] = found.get(row.outcome, 0) + row.number
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_a_clients_queue_drains_and_everything_is_in_the_history_once(version: str, tmp_path: Path) -> None:
    path = tmp_path / "inbox.sqlite3"
    with served(path) as address:
        assert sent(version, address) == []
    taking.Intake(path).turn(2**62)
    assert counts() == {"received": 7 + MORE, "accepted": 6 + MORE, "bad_value": 1}
    told = Event.objects.filter(source="key:server")
    used = sorted(each.data["number"] for each in told.filter(kind="product_used"))
    assert used == list(range(MORE))
    kinds = sorted(told.exclude(kind="product_used").values_list("kind", flat=True))
    assert kinds == [
        "company_described", "demo_requested", "page_viewed", "page_viewed", "person_described", "person_identified",
        "person_identified",
    ]  # fmt: skip
    ana = Person.objects.get(email="ana@acme.example")
    assert (ana.name, ana.title, ana.company.key) == ("Ana Lima", "Head of IT", "acme.example")
    assert told.get(data__name="Home").data["größe"] == "ʇɥƃᴉɹ 😀"
    assert RefusedEvent.objects.get().reason == "bad_value"


@pytest.mark.one_database
@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_with_a_key_that_does_not_hold_is_told_so(version: str, tmp_path: Path) -> None:
    path = tmp_path / "inbox.sqlite3"
    with served(path) as address:
        assert sent(version, address, key="rung_sec_of_nobody", more=0) != []
    taking.Intake(path).turn(2**62)
    told = counts()  # Node's 1.1 tries again even then
    assert told["received"] == told["unknown_key"] >= 7


@pytest.mark.one_database
@pytest.mark.parametrize(("name", "version"), [("Python", "python-2.4"), ("Node", "node-3.1")])
def test_what_the_page_says_to_type_is_all_there_is_to_type(name: str, version: str, tmp_path: Path) -> None:
    """Some hundred events more than the client sends at once: without its last line they would be lost at the end."""
    path = tmp_path / "inbox.sqlite3"
    (python, *_), environment = command(version)
    with served(path) as address:
        code = next(each.code for each in snippet.clients("", SERVER, address) if each.name == name)
        once = next(line for line in code.splitlines() if line.startswith("analytics.track"))
        code = code.replace(once, "\n".join([once] * 251)).replace("@segment/analytics-node", version)
        script = CLIENTS / f"typed-{tmp_path.name}.mjs" if name == "Node" else tmp_path / "typed.py"
        try:
            script.write_text(code)
            subprocess.run([python, str(script)], env=environment, timeout=60, check=True)
        finally:
            script.unlink()
    taking.Intake(path).turn(2**62)
    assert Event.objects.filter(source="key:server", kind="demo_requested").count() == 251
    assert Person.objects.get().email == "ana@acme.example"


AWAY: Final = {503: {"code": "no_disk", "message": "full"}, 429: {"code": "too_fast", "message": "too many"}}


@pytest.mark.one_database
@pytest.mark.parametrize("status", AWAY)
def test_clients_that_are_sent_away_come_back_until_all_is_there(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every second answer is lost: the client sends again what it was not told is there, and nothing counts twice.

    All versions at once, each to a collector of its own: what they do most is wait.
    """
    stored = Collector._stored
    turns: defaultdict[int, Iterator[int]] = defaultdict(itertools.count)

    async def now_and_then(self: Any, items: Any) -> Any:
        answer = await stored(self, items)
        if next(turns[id(self)]) % 2 == 0:
            return status, AWAY[status], ((b"retry-after", b"1"),)
        return answer

    def complaints(version: str) -> list[str]:
        with served(tmp_path / version) as address:
            return sent(version, address, more=20)

    monkeypatch.setattr(Collector, "_stored", now_and_then)
    with ThreadPoolExecutor(len(VERSIONS)) as clients:
        assert list(clients.map(complaints, VERSIONS)) == [[]] * len(VERSIONS)
    for number, version in enumerate(VERSIONS, 1):
        CaptureCount.objects.all().delete()
        taking.Intake(tmp_path / version).turn(2**62)
        told = counts()
        assert (told["accepted"], told["bad_value"] >= 1) == (26, True), version
        assert told["received"] == sum(count for outcome, count in told.items() if outcome != "received"), version
        assert Event.objects.filter(source="key:server", kind="product_used").count() == 20 * number, version
