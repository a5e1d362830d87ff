"""The collector's inbox: a SQLite file of its own, so that capture never waits for the app.

The collector appends and answers after the commit; the worker reads above the position that the main database holds,
and deletes what it has taken. The file's random id goes with the position: numbers are given once in a file's life.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from pysqlite3 import dbapi2 as sqlite

log = logging.getLogger(__name__)

Fault = sqlite.Error
"""What goes wrong with the file: it is full, locked, or damaged."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS inbox_id (id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS inbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at INTEGER NOT NULL,
    sent_at INTEGER,
    source TEXT NOT NULL,
    door TEXT NOT NULL,
    message_id TEXT NOT NULL,
    has_gpc INTEGER NOT NULL,
    refused TEXT NOT NULL,
    words TEXT NOT NULL,
    count INTEGER NOT NULL,
    body BLOB NOT NULL
);
"""
_COLUMNS: Final = "received_at, sent_at, source, door, message_id, has_gpc, refused, words, count, body"


class Item(NamedTuple):
    """One message as it came, or (`refused` says which reason, `words` why) one that was turned away.

    `count` is how many events it stands for: 1, or more where a whole request could not be read and only counted.
    """

    received_at: int
    sent_at: int | None
    source: str
    door: str
    message_id: str
    has_gpc: bool
    refused: str
    words: str
    count: int
    body: bytes


class Numbered(NamedTuple):
    """An item with its number in the file."""

    number: int
    item: Item


class Inbox:
    """One connection to the file; used by one thread at a time."""

    def __init__(self, path: Path, *, synchronous: str = "FULL") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite.connect(str(path), timeout=20, isolation_level=None, check_same_thread=False)
        execute = self._connection.execute
        execute("PRAGMA journal_mode=WAL")
        execute(f"PRAGMA synchronous={synchronous}")
        execute("PRAGMA wal_autocheckpoint=4000")
        execute("BEGIN IMMEDIATE")
        for statement in _TABLES.split(";\n"):
            if statement.strip():
                execute(statement)
        if execute("SELECT 1 FROM inbox_id").fetchone() is None:
            execute("INSERT INTO inbox_id VALUES (?)", (secrets.token_hex(16),))
        execute("COMMIT")

    @property
    def id(self) -> str:
        """The file's own random id."""
        return str(self._connection.execute("SELECT id FROM inbox_id").fetchone()[0])

    def renew(self) -> str:
        """Gives the file a new id: after a restore its numbers may come a second time. What waits is read again."""
        new = secrets.token_hex(16)
        self._connection.execute("UPDATE inbox_id SET id = ?", (new,))
        return new

    def last_number(self) -> int:
        """The highest number ever given in this file."""
        found = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'inbox'").fetchone()
        return int(found[0]) if found else 0

    def append(self, items: Sequence[Item]) -> None:
        """Stores the items in one transaction; when this returns they are on the disk."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany(f"INSERT INTO inbox ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", items)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def after(self, position: int, limit: int, *, most_bytes: int = 16 << 20) -> list[Numbered]:
        """Up to `limit` items above the position, in order; fewer, but one at least, where they are large."""
        rows = self._connection.execute(
            f"SELECT number, {_COLUMNS} FROM inbox WHERE number > ? ORDER BY number LIMIT ?", (position, limit)
        )
        found, size = [], 0
        for row in rows:
            item = Item._make(row[1:])
            found.append(Numbered(row[0], item))
            size += len(item.body)
            if size >= most_bytes:
                break
        return found

    def delete_up_to(self, position: int) -> None:
        """Removes what the main database holds by now."""
        self._connection.execute("DELETE FROM inbox WHERE number <= ?", (position,))

    def is_empty(self) -> bool:
        """Whether nothing at all is in the file."""
        return self._connection.execute("SELECT 1 FROM inbox LIMIT 1").fetchone() is None

    def waiting(self, position: int) -> int:
        """How many items are not taken yet."""
        return int(self._connection.execute("SELECT count(*) FROM inbox WHERE number > ?", (position,)).fetchone()[0])

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


Tell = Callable[[list[Any], bool], None]
"""Told, in the writer's thread, for which tokens all is on the disk (True), or nothing (False)."""

_ITEM_OVERHEAD: Final = 300
"""Bytes that an item takes beside its body."""


class Writer:
    """Commits what many requests hand in together: one transaction, one wait for the disk, for all that came meanwhile.

    `hand_in` says no when too much is waiting already: that client must come back later. After `close` everything that
    was handed in is on the disk.
    """

    def __init__(self, open_inbox: Callable[[], Inbox], tell: Tell, *, most_bytes: int = 64 << 20) -> None:
        self._open = open_inbox
        self._tell = tell
        self._most = most_bytes
        self._waiting: list[tuple[Sequence[Item], Any, int]] = []
        self._size = 0
        self._changed = threading.Condition()
        self._is_closing = False
        self._thread = threading.Thread(target=self._write, name="inbox", daemon=True)
        self._thread.start()

    def hand_in(self, items: Sequence[Item], token: Any) -> bool:
        """Takes the items; `tell` hears of the token when they are committed, or could not be."""
        size = sum(len(item.body) + _ITEM_OVERHEAD for item in items)
        with self._changed:
            if self._is_closing or self._size + size > self._most:
                return False
            self._waiting.append((items, token, size))
            self._size += size
            self._changed.notify()
        return True

    def close(self) -> None:
        """Writes what is waiting, then ends the thread."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    def _write(self) -> None:
        inbox: Inbox | None = None
        while group := self._next_group():
            try:
                inbox = inbox or self._open()
                inbox.append([item for items, _, _ in group for item in items])
                is_stored = True
            except (Fault, OSError):
                # A full disk, a damaged file: nobody is told that it was stored, and the file is opened anew next time.
                log.exception("the inbox could not be written")
                is_stored, inbox = False, None
            with self._changed:
                self._size -= sum(size for _, _, size in group)
            self._tell([token for _, token, _ in group], is_stored)
        if inbox is not None:
            inbox.close()

    def _next_group(self) -> list[tuple[Sequence[Item], Any, int]]:
        """Everything that is waiting, as soon as there is anything; nothing when all is done and the writer closes."""
        with self._changed:
            while not self._waiting and not self._is_closing:
                self._changed.wait()
            group, self._waiting = self._waiting, []
        return group
