"""Reading the history in order, without what no longer counts."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from rung.history.models import Event, Struck

_KEYS_A_QUERY: Final = 400


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


def last_seq() -> int:
    """The seq of the latest event; 0 when there is none."""
    found = Event.objects.order_by("-seq").values_list("seq", flat=True).first()
    return found or 0


def known_messages(keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (source, message id) are in the history already."""
    by_source: dict[str, list[str]] = {}
    for source, message_id in keys:
        by_source.setdefault(source, []).append(message_id)
    known: set[tuple[str, str]] = set()
    for source, ids in by_source.items():
        for start in range(0, len(ids), _KEYS_A_QUERY):
            part = ids[start : start + _KEYS_A_QUERY]
            found = Event.objects.filter(source=source, message_id__in=part).values_list("message_id", flat=True)
            known.update((source, message_id) for message_id in found)
    return known


def seqs_of_message(message_id: str, source: str | None = None) -> list[int]:
    """The events a message id names: one, unless two sources used the same."""
    named = Q(message_id=message_id) if source is None else Q(message_id=message_id, source=source)
    return list(Event.objects.filter(named).order_by("seq").values_list("seq", flat=True))
