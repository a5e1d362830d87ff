"""HTTP as the server speaks it, with bounds that uvicorn has not: how long a head may be, how slow a client.

Without them one stranger fills the memory with headers that never end, and some hundred who send a byte a minute keep
everybody else out. A connection is looked at now and then; a request costs nothing for it.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD: Final = 64 << 10
"""Bytes of a request's first line and headers, and what one reading of the socket brings beyond."""
PATIENCE: Final = 20.0
"""Seconds for a head to come, and for anything at all to move."""
SLOWEST: Final = 1 << 10
"""Bytes a second, beyond the patience, at which a body must come and an answer be taken."""
EVERY: Final = 5.0
"""Seconds between two looks at a connection."""


class Bounded(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._awaits, self._came, self._since = "head", 0, self.loop.time()
        self._left, self._stuck = 0, 0
        self._looking: asyncio.TimerHandle = self.loop.call_later(EVERY, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._looking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._awaits == "head":
            self._came += len(data)
            if self._came > LARGEST_HEAD:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._awaits, self._came, self._since = "head", 0, self.loop.time()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._awaits, self._came, self._since = "body", 0, self.loop.time()

    def on_body(self, body: bytes) -> None:
        self._came += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._awaits = ""
        super().on_message_complete()

    def _look(self) -> None:
        if self.transport.is_closing():
            return
        if self._takes_nothing():
            self.transport.abort()
        elif self._is_slow():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._looking = self.loop.call_later(EVERY, self._look)

    def _is_slow(self) -> bool:
        """Whether what should come comes too slowly."""
        if self._awaits == "body" and self.flow.read_paused:
            self._since += EVERY  # it is we who do not read
        allowed = PATIENCE + (self._came / SLOWEST if self._awaits == "body" else 0)
        return bool(self._awaits) and self.loop.time() - self._since > allowed

    def _takes_nothing(self) -> bool:
        """Whether the client does not take its answer, and keeps one of our threads with it."""
        left = self.transport.get_write_buffer_size() if self.flow.write_paused else 0
        self._stuck = self._stuck + 1 if left and left > self._left - SLOWEST * EVERY else 0
        self._left = left
        return self._stuck > PATIENCE / EVERY

    def _refuse(self, status: HTTPStatus) -> None:
        """Says so where nothing was said yet, and hangs up. Who never began to speak is told nothing."""
        is_answered = self._awaits == "body" and self.cycle is not None and self.cycle.response_started
        if (self._came or self._awaits == "body") and not is_answered:
            words = f"{status.phrase}.".encode()
            head = f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
            self.transport.write(f"{head}content-length: {len(words)}\r\nconnection: close\r\n\r\n".encode() + words)
        self.transport.close()
