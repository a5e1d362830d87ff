"""One port: a raw ASGI app in front, Django (WSGI) behind it in a pool of threads.

Django's own async views are slow and its ORM needs threads anyway; the collector answers here without ever waiting for
Django.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, Final
from urllib.parse import unquote

THREADS: Final = 8
MOST_WAITING: Final = 256
"""Requests in the house at once; more are sent away with 503 instead of piling up."""
MOST_COMING: Final = 1_000
"""Requests whose bodies are still on their way: slow clients among them must not keep the others out."""
LARGEST_BODY: Final = 4 << 20
"""Bytes of a request: a mail of two megabytes, and room. Whoever asks is not known yet when they are read."""
LARGEST_UPLOAD: Final = 257 << 20
"""The same where files are taken (`capture.uploads.MOST_BYTES`, and the form around it); they wait on the disk."""
MOST_UPLOADS: Final = 8
"""Of those so many at once: a stranger must not fill the disk with files that nobody will look at."""
_IN_MEMORY: Final = 256 << 10
"""Bytes of a body that are held in memory, the rest waits on the disk: a thousand may be coming at once."""
_TAKES_FILES: Final = "/imports/new"

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class App:
    """The app that the server calls. Django is loaded when the server starts, before the first request."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="django")
        self._waiting = 0
        self._coming = 0
        self._uploading = 0
        self._django: Callable[..., Iterable[bytes]] | None = None
        self._collector: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path in _PROBES and scope["method"] not in ("GET", "HEAD"):
            await _json(send, 405, _ONLY_GET, (b"allow", b"GET, HEAD"))
        elif path == "/health":
            await _json(send, 200, _OK)
        elif path == "/ready":
            problem = await asyncio.get_running_loop().run_in_executor(self._pool, _why_not_ready)
            await _json(send, 503 if problem else 200, {"status": "not ready", "reason": problem} if problem else _OK)
        elif path.startswith("/v1/") or path == "/rung.js":
            await self._collecting().answer(scope, receive, send)
        elif self._waiting >= MOST_WAITING or self._coming >= MOST_COMING:
            await _json(send, 503, _BUSY)
        else:
            await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One more request in the house, and perhaps one more file on its way."""
        is_upload = scope["path"] == _TAKES_FILES and scope["method"] == "POST"
        if is_upload and self._uploading >= MOST_UPLOADS:
            await _json(send, 503, {"code": "busy", "message": "Too many files at once: try again in a moment."})
            return
        self._coming += 1
        self._uploading += is_upload
        try:
            await self._django_answers(scope, receive, send, LARGEST_UPLOAD if is_upload else LARGEST_BODY)
        finally:
            self._coming -= 1
            self._uploading -= is_upload

    async def _django_answers(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        told = dict(scope["headers"]).get(b"content-length", b"")
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
            try:
                if told.isdigit() and (len(told) > 12 or int(told) > most):
                    raise _TooLarge
                size = await _read(receive, body, most)
            except _TooLarge:
                await _json(send, 413, {"code": "too_large", "message": f"More than {most >> 20} MB."})
            except _HungUp:
                return  # half a form is none, even where it could be read
            else:
                await self._in_a_thread(_environ(scope, body, size), send)

    async def _in_a_thread(self, environ: dict[str, Any], send: Send) -> None:
        if self._waiting >= MOST_WAITING:
            await _json(send, 503, _BUSY)
            return
        loop = asyncio.get_running_loop()
        self._waiting += 1
        try:
            await loop.run_in_executor(self._pool, self._run, environ, loop, send)
        finally:
            self._waiting -= 1

    def _run(self, environ: dict[str, Any], loop: asyncio.AbstractEventLoop, send: Send) -> None:
        """Runs in a thread of the pool: each part of the answer waits until the client has taken the one before."""

        def say(message: dict[str, Any]) -> None:
            asyncio.run_coroutine_threadsafe(send(message), loop).result()

        def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            # Django begins a cookie's value with a blank, which HTTP does not allow.
            encoded = [(name.lower().encode("latin-1"), value.strip().encode("latin-1")) for name, value in headers]
            say({"type": "http.response.start", "status": int(status[:3]), "headers": encoded})

        parts = self._loaded()(environ, start)
        try:
            for part in parts:
                say({"type": "http.response.body", "body": part, "more_body": True})
            say({"type": "http.response.body", "body": b""})
        finally:
            getattr(parts, "close", lambda: None)()

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await asyncio.get_running_loop().run_in_executor(self._pool, self._loaded)
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                if self._collector is not None:
                    await self._collector.close()
                self._pool.shutdown(wait=True, cancel_futures=True)
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _collecting(self) -> Any:
        if self._collector is None:
            self._loaded()
            self._collector = new_collector()
        return self._collector

    def _loaded(self) -> Callable[..., Iterable[bytes]]:
        if self._django is None:
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rung.settings")
            from django.core.wsgi import get_wsgi_application

            self._django = get_wsgi_application()
        return self._django


def new_collector() -> Any:
    """The collector with this house's inbox and keys. Django is loaded by then."""
    from django.conf import settings

    from rung.capture.collector.asgi import Collector
    from rung.capture.collector.taking import inbox_path

    return Collector(inbox_path(), public_url=settings.PUBLIC_URL)


class CollectorAlone:
    """The collector as a process of its own: `rung collector`."""

    def __init__(self) -> None:
        self._collector: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._collector is None:
            from rung.starting import open_house

            open_house(migrates=False)
            self._collector = new_collector()
        if scope["type"] == "http" and scope["path"] in ("/health", "/ready"):
            await _json(send, 200, _OK)
        else:
            await self._collector(scope, receive, send)


_PROBES: Final = ("/health", "/ready")
_OK: Final = {"status": "ok"}
_BUSY: Final = {"code": "busy", "message": "Too many requests at once: try again in a moment."}
_ONLY_GET: Final = {"code": "method_not_allowed", "message": "Ask with GET."}


def _why_not_ready() -> str | None:
    """Why people cannot work yet, None when they can; with a connection that is alive."""
    from django.db import close_old_connections

    close_old_connections()
    return problem_of_the_database()


def problem_of_the_database() -> str | None:
    """It does not answer, or its tables are of another version."""
    from django.db import DatabaseError, connection
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "the database is not migrated: run rung migrate"
    except DatabaseError as fault:
        return f"the database does not answer: {fault}"
    return None


class _TooLarge(Exception):
    """The body is larger than may be."""


class _HungUp(Exception):
    """Whoever sent the body hung up before it was whole."""


async def _read(receive: Receive, into: IO[bytes], most: int) -> int:
    """Reads the whole body; returns its size. Raises _TooLarge as soon as it is, and _HungUp."""
    size, is_more = 0, True
    while is_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _HungUp
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise _TooLarge
        into.write(part)
        is_more = message.get("more_body", False)
    into.seek(0)
    return size


async def _json(send: Send, status: int, content: dict[str, Any], *more: tuple[bytes, bytes]) -> None:
    body = json.dumps(content).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _environ(scope: Scope, body: IO[bytes], size: int) -> dict[str, Any]:
    """The request as WSGI wants it: bytes of the path and of headers as Latin-1 text."""
    host, port = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(scope["raw_path"].decode("latin-1").partition("?")[0], "latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 80),
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(size),
    }
    for name, value in scope["headers"]:
        # A name with an underscore would be taken for another header's dashes.
        if b"_" in name or name == b"content-length":
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        text = value.decode("latin-1")
        if key == "CONTENT_TYPE":
            text = _with_a_charset_of_texts(text)
        joint = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{joint}{text}" if key in environ else text
    return environ


_CHARSETS: Final = re.compile(
    r"charset\s*=\s*\"?(?:utf-?8|utf-?16(?:le|be)?|(?:us-)?ascii|iso-?8859-\d+|latin-?1|windows-125\d|cp125\d|koi8-[ru]|gbk"
    r"|gb2312|gb18030|big5|shift_jis|euc-(?:jp|kr))\"?\s*(?=;|\Z)",
    re.IGNORECASE,
)


def _with_a_charset_of_texts(content_type: str) -> str:
    """Django decodes even the address by the charset, and falls over one that Python knows but is none (rot13, hex)."""
    is_known = "charset" not in _CHARSETS.sub("", content_type).lower()
    return content_type if is_known else content_type.partition(";")[0]


app = App()
collector_alone = CollectorAlone()
