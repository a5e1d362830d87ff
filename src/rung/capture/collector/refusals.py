"""Taking in after all what was refused, and forgetting what is old."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from rung.access.actions import By, Refused, audited, name_of, require
from rung.capture.collector import taking
from rung.capture.collector.inbox import Item
from rung.capture.collector.messages import NotTaken, message_of, sighted
from rung.capture.collector.submission import storable
from rung.capture.models import RefusedEvent
from rung.jobs import locks
from rung.terms.instants import DAY
from rung.terms.kinds import Door

SOURCE: Final = "replayed"
"""The source of what came with no key that we know."""
MOST: Final = 500
"""Refused events that are replayed in one go."""
_KEPT_FOR: Final = 90 * DAY
_MOST_KEPT: Final = 100_000


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of it, event by event; those refused again stay, with the reason of today."""

    accepted: int
    duplicates: int
    refused: int


class _StillRefused(Exception):
    """Undoes what was noted of a row of which nothing can be taken in yet."""


def replay(*, ids: Sequence[int], by: By, at: int) -> Replayed:
    """Takes the refused events in as if they came now, with the rights of the key they came with."""
    require(by, "replay events")
    became: Counter[str] = Counter()
    with transaction.atomic():
        locks.hold()
        rows = list(RefusedEvent.objects.filter(pk__in=list(ids)[:MOST], replayed_at=None).order_by("pk"))
        if not rows:
            raise Refused("There is nothing to replay: it was replayed before, or it is gone.")
        for row in rows:
            outcomes = _again(row, at)
            became += outcomes
            if outcomes["refused"] < outcomes.total():
                row.replayed_at, row.replayed_by = at, name_of(by)
                row.save(update_fields=["replayed_at", "replayed_by"])
        told = {name: became[name] for name in ("accepted", "duplicate", "refused")}
        audited(by=by, verb="replayed events", object="", data={"rows": len(rows), **told}, at=at)
    return Replayed(told["accepted"], told["duplicate"], told["refused"])


def forget_old(at: int) -> None:
    """Removes refused events after three months, and the oldest where there are very many."""
    RefusedEvent.objects.filter(received_at__lt=at - _KEPT_FOR).delete()
    newest = RefusedEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
    if newest is not None:
        RefusedEvent.objects.filter(pk__lte=newest - _MOST_KEPT).delete()


def _again(row: RefusedEvent, at: int) -> Counter[str]:
    """How many messages of the row became what. Of a request those that are still refused are from now on kept one by
    one, each with its reason; where nothing is taken, the row stays what it was, with the reason of today."""
    try:
        with transaction.atomic():
            messages = taking.take(_items(row), at=at)
            if all(_became(each) == "refused" for each in messages):
                row.reason, row.words = messages[0].outcome, messages[0].words
                raise _StillRefused
    except NotTaken as refusal:
        row.reason, row.words = refusal.reason, str(refusal)[:1_000]
    except _StillRefused:
        pass
    else:
        return Counter(_became(each) for each in messages)
    row.save(update_fields=["reason", "words"])
    return Counter(refused=row.count)


def _became(message: taking.Message) -> str:
    return message.outcome if message.outcome in ("accepted", "duplicate") else "refused"


def _items(row: RefusedEvent) -> list[Item]:
    """The events of a refused event, or of a request that was refused whole. Raises NotTaken for what is neither."""
    body = bytes(row.body)
    told = message_of(body)
    batch = told.get("batch")
    if not isinstance(batch, list):
        return [_item(row, body, row.message_id)]
    if not batch:
        raise NotTaken("empty_batch")
    return [_item(row, json.dumps(each).encode(), f"{row.message_id}:{turn}") for turn, each in enumerate(batch)]


def _item(row: RefusedEvent, raw: bytes, spare_id: str) -> Item:
    door: Door = "secret" if row.door == "secret" else "publishable"
    reason = words = ""
    try:
        message_id, raw = sighted(raw, door=door)
    except NotTaken as refusal:
        message_id, reason, words = "", refusal.reason, storable(str(refusal))
    source = row.source or ("" if reason else SOURCE)
    return Item(
        row.received_at, row.sent_at, source, door, message_id or spare_id, row.has_gpc,
        reason, words, 1, raw,
    )  # fmt: skip
