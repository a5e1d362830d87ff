"""Taking in after all what was refused, and forgetting what is old."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from rung.access.actions import By, Refused, audited, name_of, require
from rung.capture import taking
from rung.capture.inbox import Item
from rung.capture.messages import NotTaken, message_of, sighted
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
    """What came of it, event by event; those refused again stay where they were, with the new reason."""

    accepted: int
    duplicates: int
    refused: int


class _StillRefused(Exception):
    """Undoes what a request brought of which a part is still refused."""


def replay(*, ids: Sequence[int], by: By, at: int) -> Replayed:
    """Takes the refused events in as if they came now, with the rights of the key they came with."""
    require(by, "replay events")
    accepted = duplicates = refused = 0
    with transaction.atomic():
        locks.hold()
        rows = list(RefusedEvent.objects.filter(pk__in=list(ids)[:MOST], replayed_at=None).order_by("pk"))
        if not rows:
            raise Refused("There is nothing to replay: it was replayed before, or it is gone.")
        for row in rows:
            messages = _again(row, at)
            if messages is None:
                refused += 1
                continue
            row.replayed_at, row.replayed_by = at, name_of(by)
            row.save(update_fields=["replayed_at", "replayed_by"])
            accepted += sum(message.outcome == "accepted" for message in messages)
            duplicates += sum(message.outcome == "duplicate" for message in messages)
        told = {"rows": len(rows), "accepted": accepted, "duplicates": duplicates, "refused": refused}
        audited(by=by, verb="replayed events", object="", data=told, at=at)
    return Replayed(accepted, duplicates, refused)


def forget_old(at: int) -> None:
    """Removes refused events after three months, and the oldest where there are very many."""
    RefusedEvent.objects.filter(received_at__lt=at - _KEPT_FOR).delete()
    newest = RefusedEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
    if newest is not None:
        RefusedEvent.objects.filter(pk__lte=newest - _MOST_KEPT).delete()


def _again(row: RefusedEvent, at: int) -> list[taking.Message] | None:
    """The messages of the row, recorded; None when one of them is still refused: then nothing of the row is."""
    try:
        with transaction.atomic():
            messages = taking.take(_items(row), at=at)
            still = next((each for each in messages if each.outcome not in ("accepted", "duplicate")), None)
            if still is not None:
                row.reason, row.words = still.outcome, still.words
                raise _StillRefused
    except NotTaken as refusal:
        row.reason, row.words = refusal.reason, str(refusal)[:1_000]
    except _StillRefused:
        pass
    else:
        return messages
    row.save(update_fields=["reason", "words"])
    return None


def _items(row: RefusedEvent) -> list[Item]:
    """The events of a refused event, or of a request that was refused whole."""
    body = bytes(row.body)
    door: Door = "secret" if row.door == "secret" else "publishable"
    told = message_of(body)
    batch = told.get("batch")
    if not isinstance(batch, list):
        return [_item(row, door, body, row.message_id)]
    return [_item(row, door, json.dumps(each).encode(), f"{row.message_id}:{turn}") for turn, each in enumerate(batch)]


def _item(row: RefusedEvent, door: Door, raw: bytes, spare_id: str) -> Item:
    found = sighted(raw, door=door)
    return Item(
        row.received_at, row.sent_at, row.source or SOURCE, door, found.message_id or spare_id, row.has_gpc,
        "", "", 1, found.raw,
    )  # fmt: skip
