"""Running Rung: one web process, one worker, and whoever starts them again when they die."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import uvicorn

_LONGEST_PAUSE: Final = 30.0
_QUIET: Final = 60.0
"""Seconds after which a child that ran so long is started again at once."""
_PATIENCE: Final = 20.0
"""Seconds a child may take to finish its work when told to stop."""


class PortTaken(Exception):
    """Somebody else listens there; the text says what to do."""


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens at the address; it outlives the web process, so that no request is lost in between."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(2048)
    except OSError as fault:
        found.close()
        if port and port < 1024 and isinstance(fault, PermissionError):
            raise PortTaken(f"Port {port} needs an administrator: choose one from 1024 up with --port.") from fault
        raise PortTaken(
            f"Nothing can be served at {host}:{port} ({fault.strerror}): another program may use the port. "
            f"Stop it, or choose another one: rung up --port {port + 1}"
        ) from fault
    found.set_inheritable(True)
    return found


def run(listener: socket.socket) -> None:
    """The web app at the socket and one worker, until SIGINT or SIGTERM."""
    fd = listener.fileno()
    web = Child("web", command("web", "--fd", str(fd)), (fd,))
    Supervisor([web, Child("worker", command("worker"))], say=_note).run()
    _note("Stopped.")


def _note(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def inherited(fd: int) -> socket.socket:
    """The socket that the supervisor opened and passed on."""
    return socket.socket(fileno=fd)


def serve_web(*, listener: socket.socket) -> None:
    """Serves the web app, with the collector in front, at the socket until SIGTERM or SIGINT."""
    _serve("rung.asgi:app", listener)


def serve_collector(*, listener: socket.socket) -> None:
    """Serves the collector alone."""
    _serve("rung.asgi:collector_alone", listener)


def _serve(app: str, listener: socket.socket) -> None:
    import uvicorn

    from rung import settings

    config = configured(app, settings.RUNG_TRUSTED_PROXIES)
    uvicorn.Server(config).run(sockets=[listener])


def configured(app: Any, trusted_proxies: Sequence[str]) -> "uvicorn.Config":
    """How the server runs an app. Behind one of the trusted proxies the asker is whom it names in X-Forwarded-For, read
    from the right up to the first address that is not trusted; everybody else's header is not looked at."""
    import uvicorn

    from rung.protocol import Bounded

    return uvicorn.Config(
        app,
        http=Bounded,
        lifespan="on",
        access_log=False,
        log_level="warning",
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        server_header=False,
        timeout_graceful_shutdown=10,
    )


@dataclass
class Child:
    """One process that must run: started again when it ends, ever more slowly when it keeps ending."""

    name: str
    command: list[str]
    pass_fds: tuple[int, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    pause: float = 0.5
    start_after: float = field(default=0.0)

    def start(self, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(self.command, pass_fds=self.pass_fds, env=dict(environment))
        self.started_at = time.monotonic()

    def has_ended(self) -> int | None:
        """The exit code if it ended since it was started, and when it may start again; None while it runs."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        ran = time.monotonic() - self.started_at
        self.pause = 0.5 if ran > _QUIET else min(2 * self.pause, _LONGEST_PAUSE)
        self.start_after = time.monotonic() + (0.0 if ran > _QUIET else self.pause)
        self.process = None
        return code


class Supervisor:
    """Keeps its children running until it is told to stop; then stops them all and waits for them."""

    def __init__(self, children: list[Child], *, say: Callable[[str], None]) -> None:
        self.children = children
        self._say = say
        self._stopping = threading.Event()
        # A child whose supervisor was killed sees another parent and ends by itself.
        self._environment = {**os.environ, "RUNG_PARENT": str(os.getpid())}

    def run(self) -> None:
        """Returns after SIGINT or SIGTERM, when every child has ended."""
        for wish in (signal.SIGTERM, signal.SIGINT):
            signal.signal(wish, lambda *_: self._stopping.set())
        try:
            while not self._stopping.is_set():
                self._look_after()
                self._stopping.wait(0.2)
        finally:
            self._stop()

    def _look_after(self) -> None:
        for child in self.children:
            code = child.has_ended()
            if code is not None:
                self._say(f"The {child.name} process ended ({_how(code)}); it starts again in {child.pause:g} s.")
            if child.process is None and time.monotonic() >= child.start_after:
                child.start(self._environment)

    def _stop(self) -> None:
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        end = time.monotonic() + _PATIENCE
        for process in running:
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def end_with_parent() -> None:
    """Ends this process when its supervisor is gone, however that died. Does nothing without one."""
    parent = int(os.environ.get("RUNG_PARENT") or 0)
    if not parent:
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def command(*words: str) -> list[str]:
    """How this Rung starts itself again for another role."""
    return [sys.executable, "-m", "rung.cli", *words]


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
