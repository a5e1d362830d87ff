"""A thousand events a second for two minutes: how long from a request to the standing that comes of it.

The whole of `rung up` in a house of its own; events come through the collector, fifty in a request, and one of each
tells of somebody new, for whose standing the database is asked again and again.
"""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from http.client import HTTPConnection
from pathlib import Path

A_REQUEST = 50
_SEEN = """
SELECT i.value FROM people_identity i JOIN lifecycle_standing s ON s.person_id = i.person_id
WHERE i.kind = 'user_id' AND i.value IN (SELECT value FROM json_each(?))
"""


def measure(*, rate: int, seconds: float) -> dict[str, float]:
    """p50 and p95 of the seconds from request to standing, and how many events a second were sent."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "RUNG_HOME": folder}
        rung = [sys.executable, "-m", "rung.cli"]
        made = subprocess.run(
            [*rung, "key", "add", "bench", "--kind", "secret", "--json"],
            env=environment,
            capture_output=True,
            check=True,
        )
        port = _free_port()
        house = subprocess.Popen([*rung, "up", "--port", str(port)], env=environment, stdout=subprocess.DEVNULL)
        try:
            _wait_for(port)
            return _Traffic(Path(folder, "rung.sqlite3"), port, json.loads(made.stdout)["key"], rate, seconds).measure()
        finally:
            house.send_signal(signal.SIGTERM)
            house.wait(30)


class _Traffic:
    def __init__(self, database: Path, port: int, key: str, rate: int, seconds: float) -> None:
        self.database, self.port, self.rate, self.seconds = database, port, rate, seconds
        self.headers = {"Authorization": "Basic " + b64encode(f"{key}:".encode()).decode()}
        self.sent_at: dict[str, float] = {}
        self.took: list[float] = []
        self.is_over = False

    def measure(self) -> dict[str, float]:
        watcher = threading.Thread(target=self._watch)
        watcher.start()
        begun = time.perf_counter()
        requests = int(self.rate * self.seconds / A_REQUEST)
        link = HTTPConnection("127.0.0.1", self.port, timeout=30)
        for number in range(requests):
            ahead = begun + number * A_REQUEST / self.rate - time.perf_counter()
            if ahead > 0:
                time.sleep(ahead)
            self._send(link, number)
        taken = time.perf_counter() - begun
        while self.sent_at and time.perf_counter() - begun < taken + 30:
            time.sleep(0.1)
        self.is_over = True
        watcher.join()
        times = sorted(self.took) + [float("inf")] * len(self.sent_at)
        return {
            "p50": times[len(times) // 2],
            "p95": times[int(0.95 * len(times))],
            "rate": requests * A_REQUEST / taken,
        }

    def _send(self, link: HTTPConnection, number: int) -> None:
        probe = f"probe-{number}"
        batch = [
            {"type": "page", "userId": f"u{(number * A_REQUEST + n) % 20_000}", "messageId": f"m{number}-{n}",
             "name": "Pricing", "properties": {"path": f"/page-{n % 7}"}}
            for n in range(A_REQUEST - 1)
        ]  # fmt: skip
        batch.append({"type": "identify", "userId": probe, "messageId": probe, "traits": {"title": "CTO"}})
        self.sent_at[probe] = time.perf_counter()
        link.request(
            "POST", "/v1/batch", json.dumps({"batch": batch}), {**self.headers, "Content-Type": "application/json"}
        )
        answer = link.getresponse()
        told = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {told.decode()}")

    def _watch(self) -> None:
        asked = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        while not self.is_over:
            waiting = json.dumps(list(self.sent_at))
            for (probe,) in asked.execute(_SEEN, [waiting]).fetchall():
                self.took.append(time.perf_counter() - self.sent_at.pop(probe))
            time.sleep(0.02)
        asked.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            link = HTTPConnection("127.0.0.1", port, timeout=5)
            link.request("GET", "/health")
            if link.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the house did not open")
