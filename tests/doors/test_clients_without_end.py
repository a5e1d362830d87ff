"""Clients that never end: heads that go on, bodies that drip, answers that nobody takes. Each is hung up on."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from rung import asgi, protocol, serving
from rung.asgi import App

ASK = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
SEND = b"POST /people HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nemail=a@acme.example"


@pytest.fixture
def asked() -> list[bytes]:
    """The bodies that reached Django."""
    return []


@pytest.fixture
def house(asked: list[bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server with little patience; a way to connect to it."""
    monkeypatch.setattr(protocol, "PATIENCE", 1.0)
    monkeypatch.setattr(protocol, "EVERY", 0.1)

    def respond(environ: dict[str, Any], start: Any) -> Iterator[bytes]:
        asked.append(environ["wsgi.input"].read())
        start("200 OK", [])
        yield b"so"
        if environ["PATH_INFO"] == "/large":
            yield b"x" * (12 << 20)

    app = App()
    app._django = respond
    listener = serving.listening("127.0.0.1", 0)
    server = uvicorn.Server(serving.configured(app, ()))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    with contextlib.ExitStack() as opened:

        def connect() -> socket.socket:
            return opened.enter_context(socket.create_connection(listener.getsockname(), timeout=20))

        yield connect
    server.should_exit = True
    thread.join()
    listener.close()


def answer(connection: socket.socket) -> bytes:
    """Everything until the server hangs up."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(1 << 16):
            found += part
    return found


@pytest.mark.parametrize("part", [b"X: y\r\n", b"y"], ids=["many headers", "one header"])
def test_a_head_that_goes_on_and_on_is_cut(house: Any, part: bytes) -> None:
    connection = house()
    connection.sendall(ASK + b"X: ")
    with contextlib.suppress(ConnectionError):
        for _ in range(1_000):
            connection.sendall(part * 10_000)
        pytest.fail("10 MB and more of a head were read")
    long = house()
    long.sendall(ASK + b"X: " + b"y" * 60_000 + b"\r\nConnection: close\r\n\r\n")
    assert answer(long).startswith(b"HTTP/1.1 200"), "one of a usual size is none"


def test_a_head_that_does_not_come_is_not_waited_for(house: Any) -> None:
    begun, silent = house(), house()
    begun.sendall(ASK)
    assert answer(begun).startswith(b"HTTP/1.1 408 Request Timeout")
    assert answer(silent) == b""


def test_slow_bodies_keep_nobody_out_and_half_a_form_is_none(
    house: Any, asked: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asgi, "MOST_WAITING", 3)
    slow = [house() for _ in range(5)]
    for connection in slow:
        connection.sendall(SEND)
    quick = house()
    quick.sendall(b"GET /people HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer(quick).startswith(b"HTTP/1.1 200")
    assert {answer(connection).partition(b"\r\n")[0] for connection in slow} == {b"HTTP/1.1 408 Request Timeout"}
    gone = house()
    gone.sendall(SEND)
    gone.close()
    quick = house()
    quick.sendall(SEND.replace(b"1000", b"20").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert answer(quick).startswith(b"HTTP/1.1 200")
    assert asked == [b"", b"email=a@acme.example"]


def test_bodies_on_their_way_are_counted_too(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "MOST_COMING", 0)
    connection = house()
    connection.sendall(b"GET /people HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer(connection).startswith(b"HTTP/1.1 503")


def test_who_does_not_take_the_answer_keeps_no_thread(house: Any) -> None:
    greedy = [house() for _ in range(asgi.THREADS)]
    for connection in greedy:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
    quick = house()
    quick.sendall(b"GET /people HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer(quick).startswith(b"HTTP/1.1 200")


def test_a_body_that_comes_slowly_but_steadily_is_read(house: Any, asked: list[bytes]) -> None:
    connection = house()
    connection.sendall(
        b"POST /people HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20480\r\nConnection: close\r\n\r\n"
    )
    for _ in range(20):
        connection.sendall(b"x" * 1_024)
        time.sleep(0.06)
    assert answer(connection).startswith(b"HTTP/1.1 200")
    assert asked == [b"x" * 20_480]
