"""The collector: a raw ASGI app that speaks Segment's HTTP API and answers 200 only when the events are on the disk."""

import asyncio
import base64
import binascii
import json
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import uuid_utils

from rung.capture.collector import snippet
from rung.capture.collector.inbox import Inbox, Item, Writer
from rung.capture.collector.keyring import CannotTell, KeyRing
from rung.capture.collector.rates import Rates
from rung.capture.collector.submission import (
    LARGEST_BODY,
    Key,
    Refused,
    Submission,
    header_key,
    passed_through,
    storable,
    with_type,
)
from rung.jobs.clock import now

log = logging.getLogger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_TYPES: Final = ("track", "identify", "page", "screen", "group", "alias")
PATHS: Final[dict[str, str | None]] = {
    **{f"/v1/{name}": name for name in _TYPES},
    **{f"/v1/{name[0]}": name for name in _TYPES},
    **dict.fromkeys(("/v1/batch", "/v1/b", "/v1/import")),
}
"""Address → the type of the one event it takes; None where it takes many."""
_SETTINGS: Final = re.compile(r"/v1/projects/([^/]{1,100})/settings\Z")
_PIXEL: Final = re.compile(rf"/v1/pixel/({'|'.join(_TYPES)})\Z")
_POST: Final = ("POST",)
_GET: Final = ("GET", "HEAD")
ADDRESSES: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys((*PATHS, "/v1/m"), _POST),
    **dict.fromkeys(("/rung.js", "/v1/projects/{key}/settings", "/v1/pixel/{type}"), _GET),
}
"""Everything there is here, as a description names it, and the methods that do something there."""
_GIF: Final = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

COME_BACK: Final = {
    "too_fast": (429, "Too many events a second with this key."),
    "busy": (503, "Too much is waiting to be stored."),
    "no_database": (503, "It cannot be checked now whether this key holds."),
    "no_disk": (503, "The events cannot be stored now."),
}
"""Why somebody should come back: code → (status, words)."""
_SOON: Final = 1
_LATER: Final = 5
"""Seconds a client is asked to wait: when the queue is full, and when the disk or the database does not answer."""
_MOST_KEPT: Final = 60
"""Requests of strangers whose bodies are kept in a minute; the others are only counted."""

_NOT_INFLATED: Final = frozenset({"not_gzip", "unknown_encoding", "too_large"})
"""What is refused before it is inflated; of all else the inflated text is kept, to be read and replayed."""
_PREFIX: Final = re.compile("(?:rung_(?:pub|sec)_)?")

_CORS: Final = (
    # Any site may send events, and none may use a visitor's cookies for it: no credentials.
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"retry-after"),
)
_PREFLIGHT: Final = (
    *_CORS,
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    # The wildcard would not cover Authorization.
    (b"access-control-allow-headers", b"authorization, content-type, content-encoding, x-retry-count"),
    (b"access-control-max-age", b"7200"),
)
_ALWAYS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class Collector:
    """The app. `path` is the inbox file; `public_url` is where browsers reach us."""

    def __init__(self, path: Path, *, public_url: str, keys: KeyRing | None = None, rates: Rates | None = None) -> None:
        self._path = path
        self._public_url = public_url
        self._keys = keys or KeyRing()
        self._rates = rates or Rates()
        self._writer: Writer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._uncounted: Counter[tuple[str, str]] = Counter()
        self._kept_in = (0, 0)
        self._flushing: asyncio.TimerHandle | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self.answer(scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        method, path = scope["method"], scope["path"]
        if method == "OPTIONS":
            await _respond(send, 204, b"", _PREFLIGHT)
            return
        methods = _methods_at(path)
        if not methods:
            await _json(send, 404, _NOTHING)
        elif method not in methods:
            told = {"code": "method_not_allowed", "message": f"{method} does nothing here."}
            await _json(send, 405, told, ((b"allow", ", ".join((*methods, "OPTIONS")).encode()),))
        elif path in PATHS:
            await self._take(scope, receive, send)
        elif path == "/v1/m":
            await _json(send, 200, _SUCCESS)  # a client's figures about itself: nobody here reads them
        else:
            await self._give(scope, send)

    # Taking events

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if body is None:
            return  # whoever sent it hung up before it was whole
        headers = _headers(scope)
        submission = Submission(
            body=body,
            path_type=PATHS[scope["path"]],
            encoding=headers.get(b"content-encoding", b"").decode("latin-1").strip().lower(),
            authorization=headers.get(b"authorization", b"").decode("latin-1"),
            has_gpc=headers.get(b"sec-gpc") == b"1",
            received_at=now(),
            key_of=self._keys.known,
            new_id=_new_id,
        )
        status, told, more = await self._outcome(submission)
        await _json(send, status, told, more)

    async def _outcome(self, submission: Submission) -> "_Answer":
        body = submission.body
        refused = passed_through(submission)
        if refused is not None and refused.reason == "unknown_key":
            try:
                key = await self._keys.sure(submission.told_key)
            except CannotTell:
                return _come_back("no_database", _LATER)
            if key is not None:
                submission.body = body
                refused = passed_through(submission)
        if submission.key is not None and (wait := self._rates.wait(submission.key, len(submission.raws) or 1)):
            return _come_back("too_fast", wait)
        if refused is not None:
            submission.key = submission.key or await self._key_in_header(submission)
            kept = body if refused.reason in _NOT_INFLATED else with_type(submission.body, submission.path_type)
            if submission.key is None:
                self._note_stranger(refused, kept, submission)
                return _no(refused)
            submission.items = [_whole(refused, submission.key.source, submission.key.door, kept, submission)]
        answer = await self._stored(submission.items)
        if answer is not None:
            return answer
        if refused is not None:
            return _no(refused)
        if submission.path_type is not None and submission.first_refusal is not None:
            return 400, {"code": submission.first_refusal.reason, "message": str(submission.first_refusal)}, ()
        if submission.refused:
            return 200, {"success": True, "refused": submission.refused}, ()
        return 200, _SUCCESS, ()

    async def _key_in_header(self, submission: Submission) -> Key | None:
        """By which key a request came that could not be read as far as its key."""
        told = header_key(submission.authorization)
        if not told or submission.told_key:
            return None
        try:
            return self._keys.known(told) or await self._keys.sure(told)
        except CannotTell:
            return None

    async def _stored(self, items: list[Item]) -> "_Answer | None":
        """None when the items are on the disk; else what to tell the client, so that it comes back."""
        writer = self._started()
        assert self._loop is not None
        done: asyncio.Future[bool] = self._loop.create_future()
        if not writer.hand_in(items, done):
            return _come_back("busy", _SOON)
        if not await done:
            return _come_back("no_disk", _LATER)
        return None

    def _started(self) -> Writer:
        if self._writer is None:
            self._loop = asyncio.get_running_loop()
            self._writer = Writer(lambda: Inbox(self._path), self._tell)
        return self._writer

    def _tell(self, tokens: list[Any], is_stored: bool) -> None:
        """In the writer's thread: one message into the loop for all requests of a group."""
        waiting = [token for token in tokens if token is not None]
        if waiting and self._loop is not None:
            self._loop.call_soon_threadsafe(_settle, waiting, is_stored)

    def _note_stranger(self, refused: Refused, body: bytes, submission: Submission) -> None:
        """Requests without a key that holds are counted; of some the body is kept, so that nobody can fill the disk."""
        minute = submission.received_at // 60_000_000
        since, kept = self._kept_in
        kept = kept if since == minute else 0
        if kept < _MOST_KEPT:
            self._kept_in = (minute, kept + 1)
            said = replace(refused, words=_with_beginning(refused, submission.told_key))
            self._started().hand_in([_whole(said, "", "", body, submission)], None)
            return
        self._uncounted[refused.reason, refused.said] += refused.count
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(1.0, self._count_strangers)

    def _count_strangers(self) -> None:
        self._flushing = None
        counted, self._uncounted = self._uncounted, Counter()
        items = [
            Item(now(), None, "", "", _new_id(), False, reason, words, number, b"")
            for (reason, words), number in counted.items()
        ]
        if items:
            self._started().hand_in(items, None)

    # Giving what clients load

    async def _give(self, scope: Scope, send: Send) -> None:
        path = scope["path"]
        if found := _SETTINGS.match(path):
            await self._give_settings(found.group(1), send)
        elif found := _PIXEL.match(path):
            await self._take_pixel(found.group(1), scope, send)
        else:
            await snippet.give(scope, send)

    async def _give_settings(self, text: str, send: Send) -> None:
        try:
            key = self._keys.known(text) or await self._keys.sure(text)
        except CannotTell:
            await _json(send, *_come_back("no_database", _LATER))
            return
        if key is None or key.door != "publishable":
            await _respond(send, 404, b"There is no such key.", (*_CORS, (b"content-type", b"text/plain")))
            return
        await _json(send, 200, snippet.settings(text, self._public_url), ((b"cache-control", b"max-age=60"),))

    async def _take_pixel(self, type_: str, scope: Scope, send: Send) -> None:
        """A picture in a mail or a page without scripts: always a picture, whatever it says."""
        submission = Submission(
            body=_pixel_message(scope["query_string"]),
            path_type=type_,
            encoding="",
            authorization="",
            has_gpc=_headers(scope).get(b"sec-gpc") == b"1",
            received_at=now(),
            key_of=self._keys.known,
            new_id=_new_id,
        )
        await self._outcome(submission)
        await _respond(send, 200, _GIF, (*_CORS, *_ALWAYS, (b"content-type", b"image/gif")))

    # Beginning and end

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._started()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def close(self) -> None:
        """Everything handed in is on the disk before this returns."""
        if self._flushing is not None:
            self._flushing.cancel()
        if self._writer is not None:
            self._count_strangers()
            await asyncio.get_running_loop().run_in_executor(None, self._writer.close)
        self._keys.close()


_Answer = tuple[int, dict[str, Any], tuple[tuple[bytes, bytes], ...]]
_SUCCESS: Final = {"success": True}
_NOTHING: Final = {"code": "not_found", "message": "There is nothing at this address."}


def _no(refused: Refused) -> _Answer:
    more = ((b"www-authenticate", b'Basic realm="write key"'),) if refused.status == 401 else ()
    return refused.status, {"code": refused.reason, "message": refused.said}, more


def _with_beginning(refused: Refused, key: str) -> str:
    """Which page or program has a key that does not hold is found by its beginning; the whole may be a secret."""
    if refused.reason != "unknown_key":
        return refused.said
    shown = key[: len(_PREFIX.match(key)[0]) + 4]  # type: ignore[index] - it matches every text
    return f"{refused.said.rstrip('.')}: {shown}…"


def _come_back(code: str, seconds: int) -> _Answer:
    status, words = COME_BACK[code]
    return status, {"code": code, "message": words}, ((b"retry-after", str(seconds).encode()),)


def _methods_at(path: str) -> tuple[str, ...]:
    """The methods that do something at an address; none where there is nothing."""
    if _SETTINGS.match(path) or _PIXEL.match(path):
        return _GET
    return ADDRESSES.get(path, ()) if "{" not in path else ()


def _settle(waiting: list["asyncio.Future[bool]"], is_stored: bool) -> None:
    for future in waiting:
        if not future.done():
            future.set_result(is_stored)


def _whole(refused: Refused, source: str, door: str, body: bytes, submission: Submission) -> Item:
    """A request that was refused whole."""
    return Item(
        submission.received_at, submission.sent_at, source, door, _new_id(), submission.has_gpc,
        refused.reason, storable(refused.said), refused.count, body[:LARGEST_BODY],
    )  # fmt: skip


def _new_id() -> str:
    return str(uuid_utils.uuid7())


def _pixel_message(query: bytes) -> bytes:
    """`data` holds the message as base64 of JSON; else each parameter is a field, with dots for what is inside."""
    fields = dict(parse_qsl(query.decode("latin-1"), max_num_fields=200)) if query.count(b"&") < 200 else {}
    if "data" in fields:
        try:
            return base64.b64decode(fields["data"].replace("-", "+").replace("_", "/") + "==")
        except (binascii.Error, ValueError):
            return b""
    message: dict[str, Any] = {}
    for name, value in fields.items():
        outer, dot, inner = name.partition(".")
        if dot:
            message.setdefault(outer, {})
            if isinstance(message[outer], dict):
                message[outer][inner] = value
        else:
            message[outer] = value
    return json.dumps(message).encode()


def _headers(scope: Scope) -> dict[bytes, bytes]:
    return dict(scope["headers"])


async def _body(receive: Receive) -> bytes | None:
    """The body, or as much of it as shows that it is too large; None when the client hung up."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body") or size > LARGEST_BODY:
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _json(send: Send, status: int, content: Any, more: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    kept = tuple(header for header in _ALWAYS if header[0] not in {name for name, _ in more})
    headers = (*_CORS, *kept, (b"content-type", b"application/json"), *more)
    await _respond(send, status, _SUCCESS_BODY if content is _SUCCESS else json.dumps(content).encode(), headers)


_SUCCESS_BODY: Final = b'{"success": true}'


async def _respond(send: Send, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    length = () if status == 204 else ((b"content-length", str(len(body)).encode()),)
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})
