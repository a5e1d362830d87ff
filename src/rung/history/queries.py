"""Reading the history in order, without what no longer counts."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from rung import tables
from rung.history.models import Event, Struck

decoded: Final = msgspec.json.Decoder(dict[str, Any]).decode


class Stored(NamedTuple):
    """An event read by the thousand: what deciding needs of it, without Django's objects."""

    seq: int
    person_id: int | None
    company_id: int | None
    kind: str
    at: int
    source: str
    message_id: str
    by: str
    data: Mapping[str, Any]


def counted() -> QuerySet[Event]:
    """The events that count: neither voided nor brought by an undone import."""
    return Event.objects.filter(~Exists(Struck.objects.filter(seq=OuterRef("seq"))))


def in_order(*, person_ids: Sequence[int]) -> QuerySet[Event]:
    """The events of these ids (a person and all who were merged into them), in the order they are decided."""
    return counted().filter(person_id__in=person_ids).order_by("at", "seq")


def read_in_order(*, after: int = 0, up_to: int | None = None, chunk: int = 5_000) -> Iterator[Event]:
    """All that count, by seq, from after one seq up to and including another."""
    events = counted().filter(seq__gt=after)
    if up_to is not None:
        events = events.filter(seq__lte=up_to)
    return events.order_by("seq").iterator(chunk_size=chunk)


def stored(condition: str, parameters: Sequence[object], order: str = "at, seq") -> list[Stored]:
    """The counted events that meet a condition of ours in SQL, with %s for each parameter, in order of (at, seq)."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT seq, person_id, company_id, kind, at, source, message_id, "by", data FROM history_event e
            WHERE ({condition}) AND NOT EXISTS (SELECT 1 FROM history_struck s WHERE s.seq = e.seq)
            ORDER BY {order}
            """,
            parameters,
        )
        # Many events tell the same, word for word: they share what was told, and what is made of it later.
        told: dict[Any, Any] = {}
        return [Stored(*row[:8], _shared(row[8], told)) for row in cursor.fetchall()]


def _shared(text: Any, told: dict[Any, Any]) -> Any:
    if not isinstance(text, str):
        return decoded(text)
    found = told.get(text)
    if found is None:
        found = told[text] = decoded(text)
    return found


def stored_of(person_ids: Collection[int], further: str = "") -> list[Stored]:
    """The counted events of these ids, one id after the other, each id's in order of (at, seq).

    `further` narrows them by a condition of ours without parameters.
    """
    if not person_ids:
        return []
    is_one, ids = tables.among(sorted(person_ids))
    return stored(f"person_id {is_one}{f' AND ({further})' if further else ''}", [ids], "person_id, at, seq")


class Telling(NamedTuple):
    """Events by the ten thousand, column by column; `data` as it is stored: JSON."""

    person_id: Sequence[int | None]
    seq: Sequence[int]
    at: Sequence[int]
    kind: Sequence[str]
    company_id: Sequence[int | None]
    has_by: Sequence[bool]
    data: Sequence[str]


def telling(column: Literal["person_id", "company_id"], ids: Collection[int], condition: str) -> Telling:
    """The counted events of these people or companies that meet a condition of ours without parameters; in no order."""
    if not ids:
        return _NOTHING
    is_one, told = tables.among(sorted(ids))
    found = tables.rows(
        f"""
        SELECT person_id, seq, at, kind, company_id, "by" <> '', data FROM history_event e
        WHERE {column} {is_one} AND ({condition}) AND NOT EXISTS (SELECT 1 FROM history_struck s WHERE s.seq = e.seq)
        """,
        told,
    )
    return Telling(*zip(*found, strict=True)) if found else _NOTHING


_NOTHING: Final = Telling((), (), (), (), (), (), ())


def with_events(person_ids: Collection[int]) -> set[int]:
    """Those of the ids, as they arrived, of whom some event counts."""
    rows = tables.read(
        """
        SELECT DISTINCT person_id FROM history_event e
        WHERE person_id IN ({ids}) AND NOT EXISTS (SELECT 1 FROM history_struck s WHERE s.seq = e.seq)
        """,
        person_ids,
    )
    return {person_id for (person_id,) in rows}


def arrivals(events: Collection[Stored]) -> dict[int, int]:
    """When each of the events came in: seq → instant."""
    told = tables.read("SELECT seq, received_at FROM history_event WHERE seq IN ({ids})", [each.seq for each in events])
    return dict(told)


def in_order_of_arrival(events: Collection[Stored], arrived: Mapping[int, int] | None = None) -> list[Stored]:
    """The events as they came in: what was told again has a seq of later, and arrived when it was told first.

    `arrived`: the `arrivals` of these events, where they were asked for with others.
    """
    arrived = arrivals(events) if arrived is None else arrived
    return sorted(events, key=lambda event: (arrived[event.seq], event.seq))


def last_seq() -> int:
    """The seq of the latest event; 0 when there is none."""
    found = Event.objects.order_by("-seq").values_list("seq", flat=True).first()
    return found or 0


class Reading(NamedTuple):
    """How far the history was when it was read: two readings alike saw the same."""

    last_seq: int
    struck: int


def reading() -> Reading:
    """The history as it stands. Whoever reads it piece by piece asks before the first, and again after the last."""
    return Reading(last_seq(), Struck.objects.count())


def known_messages(keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (source, message id) are in the history already."""
    by_source: dict[str, list[str]] = {}
    for source, message_id in keys:
        by_source.setdefault(source, []).append(message_id)
    known: set[tuple[str, str]] = set()
    for source, ids in by_source.items():
        known.update((source, message_id) for (message_id,) in tables.read(_KNOWN, ids, source))
    return known


_KNOWN: Final = """
SELECT told.value FROM {values}
WHERE (SELECT e.seq FROM history_event e WHERE e.message_id = told.value AND e.source = %s) IS NOT NULL
"""
"""Asked of each by itself: PostgreSQL would read every event of a source of which it thinks that it has few."""


def seqs_of_message(message_id: str, source: str | None = None) -> list[int]:
    """The events a message id names: one, unless two sources used the same."""
    named = Q(message_id=message_id) if source is None else Q(message_id=message_id, source=source)
    return list(Event.objects.filter(named).order_by("seq").values_list("seq", flat=True))
