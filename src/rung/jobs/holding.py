"""A long row in hand: its lease is short, and a thread renews it while the work goes on.

So a killed worker's row is free after a minute, however long the work takes, and nobody else begins it before. On
SQLite a long transaction of the work itself, or of anybody, may keep the thread from renewing in time. There all
workers are on one machine, and a locked file, which the kernel lets go of when its process ends, says who is at it.
"""

import fcntl
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from django.db import DatabaseError, connection

from rung.jobs import actions
from rung.jobs.actions import Claim
from rung.jobs.clock import now
from rung.terms.instants import MINUTE, SECOND

log = logging.getLogger(__name__)

LEASE: Final = MINUTE
BEAT: Final = 10.0
"""Seconds between two renewals."""


@contextmanager
def only_one() -> Iterator[bool]:
    """Whether this worker may begin a long row now; nobody else may while the block runs.

    PostgreSQL has many writers: there the leases alone say so, row by row, and this is always true.
    """
    if connection.vendor != "sqlite":
        yield True
        return
    path = f"{connection.settings_dict['NAME']}-long-work"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


@contextmanager
def kept(claimed: Claim, *, on_lost: Callable[[], None] | None = None) -> Iterator[None]:
    """Renews the row's lease for as long as the block runs.

    Where the lease is lost all the same (the process was suspended, or the database was away for longer than it
    lasts), `on_lost` is called from the thread: by default this process ends at once, so that it writes nothing more
    beside whoever has the row by now.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_renew, args=(claimed, ended, on_lost or _end), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _renew(claimed: Claim, ended: threading.Event, on_lost: Callable[[], None]) -> None:
    renewed = time.monotonic()
    is_only_writer = connection.vendor == "sqlite"
    try:
        while not ended.wait(BEAT):
            with suppress(DatabaseError):
                if actions.extend(claimed, at=now(), lease=LEASE):
                    renewed = time.monotonic()
                elif actions.is_lost(claimed):
                    break
            if not is_only_writer and time.monotonic() - renewed > LEASE / SECOND:
                break
    finally:
        connection.close()
    if not ended.is_set():
        log.error("another worker has %s %s by now", claimed.kind, claimed.key)
        on_lost()


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
