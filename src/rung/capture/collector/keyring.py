"""The API keys as the collector sees them: in memory, read anew beside the requests, not waited for when known."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from rung.access.keys import hash_of_key, keys_in_force
from rung.capture.collector.submission import Key

log = logging.getLogger(__name__)

FRESH: Final = 2.0
"""Seconds after which the keys are read again; so long a revoked key may still hold."""
_SHORTEST: Final = 0.2
"""Seconds between two readings, however many strangers knock."""


class CannotTell(Exception):
    """The database does not answer, so nobody can say whether the key holds: never a reason to refuse an event."""


def read_keys() -> Mapping[str, Key]:
    """Hash → key, of all that hold, from the main database."""
    from django.db import close_old_connections

    close_old_connections()
    return {
        sha256: Key(source=key.source, door="secret" if key.kind == "secret" else "publishable")
        for sha256, key in keys_in_force().items()
    }


class KeyRing:
    """Which keys hold. `known` answers at once; `sure` asks the database about a key that is not known."""

    def __init__(self, read: Callable[[], Mapping[str, Key]] = read_keys) -> None:
        self._read = read
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="keys")
        self._by_hash: Mapping[str, Key] | None = None
        self._by_text: dict[str, Key] = {}
        self._read_at = 0.0
        self._reading: asyncio.Task[None] | None = None

    def known(self, text: str) -> Key | None:
        """The key, if it is one that held when the keys were last read."""
        if time.monotonic() - self._read_at > FRESH and self._reading is None:
            self._begin()
        found = self._by_text.get(text)
        if found is None and self._by_hash is not None:
            found = self._by_hash.get(hash_of_key(text))
            if found is not None:
                self._by_text[text] = found
        return found

    async def sure(self, text: str) -> Key | None:
        """The key; that there is none says a reading that began after the question.

        Raises CannotTell when the database does not answer.
        """
        if (running := self._reading) is not None:
            await running
            if (found := self.known(text)) is not None:
                return found
        if self._reading is None:
            self._begin(wait=max(0.0, self._read_at + _SHORTEST - time.monotonic()))
        assert self._reading is not None
        asked_at = time.monotonic()
        await self._reading
        if self._read_at < asked_at:
            raise CannotTell
        return self.known(text)

    def close(self) -> None:
        """Ends the thread that reads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, wait: float = 0.0) -> None:
        self._reading = asyncio.get_running_loop().create_task(self._read_again(wait))

    async def _read_again(self, wait: float) -> None:
        try:
            if wait:
                await asyncio.sleep(wait)
            self._by_hash = await asyncio.get_running_loop().run_in_executor(self._pool, self._read)
            self._by_text = {}
            self._read_at = time.monotonic()
        except Exception as fault:  # noqa: BLE001 - whatever the database says, the keys known so far go on holding
            log.warning("the API keys cannot be read: %s", fault)
        finally:
            self._reading = None
