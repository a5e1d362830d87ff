"""One port, a web process and a worker: started again when they die, stopped together."""

import asyncio
import io
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from rung import asgi, serving
from rung.capture.collector.asgi import Collector


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_a_port_that_is_taken_says_so_and_names_another() -> None:
    port = free_port()
    taken = serving.listening("127.0.0.1", port)
    with pytest.raises(serving.PortTaken, match=rf"127.0.0.1:{port} .* --port {port + 1}"):
        serving.listening("127.0.0.1", port)
    taken.close()


def test_a_child_that_dies_is_started_again_ever_more_slowly() -> None:
    child = serving.Child("worker", [sys.executable, "-c", "raise SystemExit(3)"])
    pauses = []
    for _ in range(3):
        child.start({})
        assert child.process is not None
        child.process.wait()
        assert child.has_ended() == 3
        pauses.append(child.pause)
    assert pauses == [1.0, 2.0, 4.0]


def test_the_supervisor_stops_its_children_and_says_what_died(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the test's own process keeps its handlers
    said: list[str] = []
    sleeper = serving.Child("web", [sys.executable, "-c", "import time; time.sleep(60)"])
    dying = serving.Child("worker", [sys.executable, "-c", "raise SystemExit(3)"])
    supervisor = serving.Supervisor([sleeper, dying], say=said.append)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    for _ in range(200):
        if said:
            break
        thread.join(0.1)
    process = sleeper.process
    supervisor._stopping.set()
    thread.join(30)
    assert said[0] == "The worker process ended (exit code 3); it starts again in 1 s."
    assert process is not None
    assert process.poll() == -signal.SIGTERM


# The raw app


def answered(
    path: str,
    *,
    app: Any = None,
    headers: list[tuple[bytes, bytes]] = [],  # noqa: B006
    body: bytes = b"",
    method: str = "GET",
) -> Any:
    """The status, the headers and the body of the answer to one request."""
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "http_version": "1.1",
        "headers": headers, "scheme": "http", "server": ("localhost", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run((app or asgi.App())(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(message.get("body", b"") for message in sent[1:])


def with_django(respond: Any) -> asgi.App:
    app = asgi.App()
    app._django = respond
    return app


def test_health_answers_without_the_database() -> None:
    assert answered("/health")[0::2] == (200, b'{"status": "ok"}')


@pytest.mark.parametrize(("path", "status"), [("/v1/track", 405), ("/v1/nothing", 404), ("/rung.js", 200)])
def test_the_collector_answers_at_its_addresses_without_asking_django(path: str, status: int) -> None:
    app = with_django(None)
    app._collector = Collector(Path("nowhere"), public_url="https://rung.acme.example")
    assert answered(path, app=app)[0] == status


def test_django_is_asked_in_a_thread_and_its_answer_passed_on_in_parts() -> None:
    def respond(environ: dict[str, Any], start: Any) -> list[bytes]:
        start("201 Created", [("Set-Cookie", " a=b"), ("X-Thread", threading.current_thread().name)])
        return [environ["wsgi.input"].read(), environ["PATH_INFO"].encode("latin-1"), environ["HTTP_X_A"].encode()]

    status, headers, body = answered(
        "/people", app=with_django(respond), headers=[(b"x-a", b"1"), (b"x-a", b"2"), (b"x_a", b"3")], body=b"hello "
    )
    assert (status, body) == (201, b"hello /people1,2")
    assert headers[b"set-cookie"] == b"a=b"
    assert headers[b"x-thread"].startswith(b"django")


def test_a_body_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "LARGEST_BODY", 10)
    assert answered("/people", app=with_django(None), body=b"x" * 11)[0] == 413
    for told in (b"11", b"9" * 5_000):
        headers = [(b"content-length", told)]
        assert answered("/people", app=with_django(None), headers=headers)[0] == 413  # before a byte of it is read


def test_only_where_files_are_taken_a_body_may_be_large_and_so_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def respond(environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [])
        return [f"{len(environ['wsgi.input'].read())} of {environ['CONTENT_LENGTH']}".encode()]

    monkeypatch.setattr(asgi, "LARGEST_BODY", 10)
    monkeypatch.setattr(asgi, "LARGEST_UPLOAD", 20)
    monkeypatch.setattr(asgi, "_IN_MEMORY", 5)
    app, file = with_django(respond), {"method": "POST", "body": b"x" * 20}
    assert answered("/imports/new", app=app, **file)[::2] == (200, b"20 of 20")
    assert answered("/imports/new", app=app, method="POST", body=b"x" * 21)[0] == 413
    assert answered("/imports/new", app=app, body=b"x" * 11)[0] == 413
    assert answered("/imports", app=app, **file)[0] == 413
    app._uploading = asgi.MOST_UPLOADS
    assert answered("/imports/new", app=app, **file)[0] == 503
    assert answered("/people", app=app, body=b"x")[0] == 200


def test_too_many_requests_at_once_are_sent_away() -> None:
    app = with_django(None)
    app._waiting = asgi.MOST_WAITING
    assert answered("/people", app=app)[0] == 503


@pytest.mark.django_db
def test_ready_says_yes_when_the_tables_are_there() -> None:
    assert asgi.problem_of_the_database() is None


# Behind a proxy


@pytest.mark.parametrize(
    ("trusted", "from_", "forwarded", "asker"),
    [
        pytest.param((), "127.0.0.1", "203.0.113.7", "127.0.0.1", id="nobody's header counts until a proxy is named"),
        pytest.param(("10.0.0.0/8",), "198.51.100.9", "203.0.113.7", "198.51.100.9", id="a stranger's never counts"),
        pytest.param(("10.0.0.0/8",), "10.1.2.3", "203.0.113.7", "203.0.113.7", id="a trusted proxy's counts"),
        pytest.param(
            ("10.0.0.0/8",), "10.1.2.3", "1.1.1.1, 203.0.113.7", "203.0.113.7",
            id="what the stranger wrote before it came to the proxy does not count",
        ),
        pytest.param(
            ("10.0.0.0/8", "192.0.2.1"), "10.1.2.3", "1.1.1.1, 203.0.113.7, 192.0.2.1", "203.0.113.7",
            id="of two trusted proxies the farther one tells",
        ),
        pytest.param(("::1",), "::1", "2001:db8::7", "2001:db8::7", id="addresses may be of version 6"),
        pytest.param(("10.0.0.0/8",), "10.1.2.3", "", "10.1.2.3", id="a proxy that says nothing is the asker"),
    ],
)  # fmt: skip
def test_who_asks_is_told_by_trusted_proxies_only(
    trusted: tuple[str, ...], from_: str, forwarded: str, asker: str
) -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(asgi._environ(scope, io.BytesIO(), 0)["REMOTE_ADDR"])

    config = serving.configured(app, trusted)
    config.load()
    scope = {
        "type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "http_version": "1.1",
        "headers": [(b"x-forwarded-for", forwarded.encode())] if forwarded else [], "scheme": "http",
        "server": ("localhost", 80), "client": (from_, 4711), "asgi": {"version": "3.0"},
    }  # fmt: skip
    asyncio.run(config.loaded_app(scope, None, None))
    assert seen == [asker]
