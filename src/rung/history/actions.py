"""Appending to the history. There is no function that changes or removes an event."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import uuid_utils

from rung import tables
from rung.history.models import Event
from rung.jobs import locks

_encode: Final = msgspec.json.Encoder().encode
_NO_DATA: Final[dict[str, Any]] = {}


class Entry(NamedTuple):
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
    data: Mapping[str, Any] = _NO_DATA


_COLUMNS: Final = ("seq", *Entry._fields)


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
    seqs = tables.next_ids(Event, len(entries))  # the lock makes them a closed stretch
    rows = [(seq, *entry[:-1], _encode(entry.data).decode()) for seq, entry in zip(seqs, entries, strict=True)]
    tables.insert(Event, _COLUMNS, rows)
    return seqs


def strike(*, seqs: Collection[int], by_seq: int) -> None:
    """Notes that these events no longer count, by the correcting event; the events themselves stay."""
    tables.change(
        f"INSERT INTO history_struck (seq, by_seq) SELECT seq, {by_seq:d} FROM history_event WHERE seq IN ({{ids}})"
        " ON CONFLICT (seq) DO NOTHING",
        seqs,
    )


def unstrike(*, by_seqs: Collection[int]) -> None:
    """Lets events count again that were struck by events which count no more themselves."""
    tables.change("DELETE FROM history_struck WHERE by_seq IN ({ids})", by_seqs)
