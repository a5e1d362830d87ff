"""Appending to the history. There is no function that changes or removes an event."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import uuid_utils
from django.db import connection

from rung.jobs import locks

_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Entry:
    """An event about to be appended; fields as in `history.models.Event`."""

    kind: str
    at: int
    received_at: int
    source: str
    message_id: str
    person_id: int | None = None
    company_id: int | None = None
    occurred_at: int | None = None
    sent_at: int | None = None
    by: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def new_message_id() -> str:
    """An id that rises with time, so that the unique index grows at its end and is no brake."""
    return str(uuid_utils.uuid7())


def append(entries: Sequence[Entry]) -> range:
    """Appends in the order given and returns their seqs. The caller holds a transaction and has dropped duplicates.

    Raises IntegrityError when a (source, message id) is there already.
    """
    if not entries:
        return range(0)
    locks.hold()
    seqs = _next_seqs(len(entries))
    rows = [
        (
            seq,
            entry.person_id,
            entry.company_id,
            entry.kind,
            entry.at,
            entry.occurred_at,
            entry.sent_at,
            entry.received_at,
            entry.source,
            entry.message_id,
            entry.by,
            _encode(entry.data).decode(),
        )
        for seq, entry in zip(seqs, entries, strict=True)
    ]
    columns = "seq, person_id, company_id, kind, at, occurred_at, sent_at, received_at, source, message_id, by, data"
    quoted = ", ".join(f'"{name}"' for name in columns.split(", "))
    if connection.vendor == "postgresql":
        _copy(quoted, rows)
    else:
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO history_event ({quoted}) VALUES ({', '.join(['%s'] * 12)})", rows)
    return seqs


def strike(*, seqs: Sequence[int], by_seq: int) -> None:
    """Notes that these events no longer count, by the correcting event; the events themselves stay."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO history_struck (seq, by_seq) VALUES (%s, %s) ON CONFLICT (seq) DO NOTHING",
            [(seq, by_seq) for seq in seqs],
        )


def strike_source(*, source: str, by_seq: int) -> int:
    """Notes that no event of this source counts any more; returns how many were struck."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO history_struck (seq, by_seq) SELECT seq, %s FROM history_event WHERE source = %s"
            " ON CONFLICT (seq) DO NOTHING",
            [by_seq, source],
        )
        return int(cursor.rowcount)


def _next_seqs(count: int) -> range:
    """The next seqs, which no other event has had, not even an erased one. The lock makes them a closed stretch."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT nextval(pg_get_serial_sequence('history_event', 'seq'))")
            first = int(cursor.fetchone()[0])
            if count > 1:
                cursor.execute("SELECT setval(pg_get_serial_sequence('history_event', 'seq'), %s)", [first + count - 1])
        else:
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = 'history_event'")
            found = cursor.fetchone()
            first = (int(found[0]) if found else 0) + 1
    return range(first, first + count)


def _copy(columns: str, rows: list[tuple[Any, ...]]) -> None:
    statement = f"COPY history_event ({columns}) FROM STDIN"
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
