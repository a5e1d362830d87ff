"""How many events a second the collector acknowledges after they are committed, against the same with nothing stored.

The collector is a process of its own, as it is served; whoever sends is another one, over connections that stay open.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEY = "rung_sec_of_the_bench"
CONNECTIONS = 64
SECONDS = 3.0


@dataclass(frozen=True)
class Rate:
    """Events acknowledged a second, by the wall and by the collector's own processor time."""

    wall: float
    cpu: float


def measure(runs: int, seconds: float = SECONDS) -> dict[tuple[int, bool], list[Rate]]:
    """(events a request, whether they are stored) → a rate for each run; the runs take turns."""
    found: dict[tuple[int, bool], list[Rate]] = {}
    for _ in range(runs):
        for events in (1, 20):
            for is_stored in (True, False):
                found.setdefault((events, is_stored), []).append(_one_run(events, is_stored, seconds))
    return found


def _one_run(events: int, is_stored: bool, seconds: float) -> Rate:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, str(Path(folder, "inbox.sqlite3")), "stored" if is_stored else "dropped"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            asyncio.run(_send(port, events, 0.5))
            cpu, wall = _cpu(server.pid), time.perf_counter()
            answered = asyncio.run(_send(port, events, seconds))
            wall, cpu = time.perf_counter() - wall, _cpu(server.pid) - cpu
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)
    return Rate(answered * events / wall, answered * events / cpu)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Sender(asyncio.Protocol):
    """Sends, waits for the answer, sends again; messages have ids that rise."""

    def __init__(self, number: int, events: int, until: float, done: "asyncio.Future[int]") -> None:
        self.number, self.events, self.until, self.done = number, events, until, done
        self.sent = self.answered = 0
        self.heard = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self.heard += data
        if not self.heard.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(self.heard.decode("latin-1")))
            return
        if not self.heard.endswith(b'{"success": true}'):
            return
        self.heard = b""
        self.answered += 1
        if time.perf_counter() < self.until:
            self._next()
        else:
            self.transport.close()
            self.done.set_result(self.answered)

    def _next(self) -> None:
        batch = []
        for _ in range(self.events):
            self.sent += 1
            batch.append(_EVENT % (self.number, self.sent, self.sent % 977))
        body = (
            batch[0] if self.events == 1 else b'{"batch":[' + b",".join(batch) + b'],"sentAt":"2026-03-01T10:00:01Z"}'
        )
        head = _HEAD % (b"track" if self.events == 1 else b"batch", len(body))
        self.transport.write(head + body)


_EVENT = (
    b'{"type":"track","messageId":"bench-%d-%012d","userId":"u-%d","event":"Product Used",'
    b'"timestamp":"2026-03-01T10:00:00.000Z","properties":{"plan":"team","seats":12,"path":"/boards/7"},'
    b'"context":{"library":{"name":"bench","version":"1"}}}'
)
_HEAD = (
    b"POST /v1/%s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nauthorization: Basic "
    + b64encode(f"{KEY}:".encode())
    + b"\r\ncontent-length: %d\r\n\r\n"
)


async def _send(port: int, events: int, seconds: float) -> int:
    loop = asyncio.get_running_loop()
    until = time.perf_counter() + seconds
    waiting = []
    for number in range(CONNECTIONS):
        done: asyncio.Future[int] = loop.create_future()
        await loop.create_connection(lambda n=number, d=done: _Sender(n, events, until, d), "127.0.0.1", port)  # type: ignore[misc]
        waiting.append(done)
    return sum(await asyncio.gather(*waiting))


def _serve(path: Path, is_stored: bool) -> None:
    import uvicorn

    from rung import serving, sqlite

    sqlite.install()
    from rung.access.keys import hash_of_key
    from rung.capture.collector.asgi import Collector
    from rung.capture.collector.keyring import KeyRing
    from rung.capture.collector.submission import Key

    keys = {hash_of_key(KEY): Key("key:bench", "secret")}
    collector = Collector(path, public_url="http://localhost", keys=KeyRing(lambda: keys))
    if not is_stored:

        async def nothing(items: Any) -> None:
            return None

        collector._stored = nothing  # type: ignore[method-assign]  # the same server and parser, nothing stored
    listener = serving.listening("127.0.0.1", 0)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(collector, lifespan="on", access_log=False, log_level="warning", server_header=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rung.settings")
    os.environ.setdefault("RUNG_HOME", tempfile.mkdtemp())
    import django

    django.setup()
    _serve(Path(sys.argv[1]), sys.argv[2] == "stored")
