"""Asking for work later, claiming it under a lease, and saying how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection, transaction

from rung.jobs.models import Outbox, ScheduledRun
from rung.terms.instants import HOUR, MINUTE, SECOND

LEASE: Final = 5 * MINUTE
MOST_ATTEMPTS: Final = 8
_FIRST_WAIT: Final = 10 * SECOND
_LONGEST_WAIT: Final = 6 * HOUR
_ERROR_LENGTH: Final = 2_000
_AHEAD: Final = MINUTE
"""What was asked for so far ahead was written by a clock that was wrong: it is due now, not then."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A row this worker may work on until its lease ends."""

    id: int
    kind: str
    key: str
    payload: Any
    attempts: int
    worker: str


def enqueue(*, kind: str, key: str, payload: Mapping[str, object], at: int, run_after: int | None = None) -> bool:
    """Writes the row in the caller's transaction; False when a row with this key was written before, done or not."""
    rows = [_row(kind=kind, key=key, payload=payload, at=at, run_after=run_after)]
    return bool(_inserted(rows))


def enqueue_many(*, kind: str, work: Sequence[tuple[str, Mapping[str, object]]], at: int) -> int:
    """Writes a row for each (key, payload) whose key is new; returns how many."""
    return _inserted([_row(kind=kind, key=key, payload=payload, at=at, run_after=None) for key, payload in work])


def claim(*, worker: str, at: int, kinds: Sequence[str], limit: int = 10, lease: int = LEASE) -> list[Claim]:
    """Up to `limit` due rows, oldest first, leased to this worker: nobody else gets them before the lease ends."""
    if not kinds:
        return []
    skip = " FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            # MATERIALIZED: PostgreSQL may otherwise look for due rows once for each row it updates, past the limit.
            f"""
            WITH due AS MATERIALIZED (
                SELECT id FROM jobs_outbox
                WHERE done_at IS NULL AND failed_at IS NULL AND (run_after <= %s OR created_at > %s)
                  AND lease_until <= %s
                  AND kind IN ({", ".join(["%s"] * len(kinds))})
                ORDER BY run_after, id LIMIT %s{skip})
            UPDATE jobs_outbox SET lease_until = %s, attempts = attempts + 1, worker = %s
            WHERE id IN (SELECT id FROM due)
            RETURNING id
            """,
            [at, at + _AHEAD, at, *kinds, limit, at + lease, worker],
        )
        ids = [row[0] for row in cursor.fetchall()]
    rows = Outbox.objects.filter(pk__in=ids).order_by("run_after", "id")
    return [Claim(row.pk, row.kind, row.key, row.payload, row.attempts, worker) for row in rows]


def extend(claimed: Claim, *, at: int, lease: int = LEASE) -> bool:
    """Keeps a long job's lease; False when somebody else has the row by now: stop working on it."""
    return bool(_held(claimed).update(lease_until=at + lease))


def is_lost(claimed: Claim) -> bool:
    """Whether somebody else has the row by now, or has done it."""
    return Outbox.objects.filter(pk=claimed.id).exists() and not _held(claimed).exists()


def finish(claimed: Claim, *, at: int) -> bool:
    """Marks the row done, inside the transaction of what was done; False when the lease was lost: roll back."""
    return bool(_held(claimed).update(done_at=at, lease_until=0, last_error=""))


def give_back(claimed: Claim, *, at: int, error: str) -> None:
    """The attempt went wrong: try again later, waiting longer each time, and give up after `MOST_ATTEMPTS`."""
    if claimed.attempts >= MOST_ATTEMPTS:
        _held(claimed).update(failed_at=at, lease_until=0, last_error=error[:_ERROR_LENGTH])
        return
    wait = min(_FIRST_WAIT * 4 ** (claimed.attempts - 1), _LONGEST_WAIT)
    _held(claimed).update(run_after=at + wait, lease_until=0, last_error=error[:_ERROR_LENGTH])


def try_again(*, row_id: int, at: int) -> bool:
    """A person's wish: a row that was given up gets all its attempts back."""
    return bool(
        Outbox.objects.filter(pk=row_id, failed_at__isnull=False).update(failed_at=None, attempts=0, run_after=at)
    )


def forget_done(*, kind: str, before: int) -> None:
    """Takes away rows of a kind that were done before an instant: their keys may be asked for again."""
    Outbox.objects.filter(kind=kind, done_at__lt=before).delete()


def take_turn(*, schedule: str, run_at: int) -> bool:
    """Whether this worker is the one that runs the schedule's turn."""
    turn = ScheduledRun(schedule=schedule, run_at=run_at)
    with transaction.atomic():
        if ScheduledRun.objects.filter(schedule=schedule, run_at=run_at).exists():
            return False
        ScheduledRun.objects.bulk_create([turn], ignore_conflicts=True)
        ScheduledRun.objects.filter(schedule=schedule, run_at__lt=run_at - 400 * 24 * HOUR).delete()
    return True


def _row(*, kind: str, key: str, payload: Mapping[str, object], at: int, run_after: int | None) -> Outbox:
    return Outbox(
        kind=kind, key=key, payload=dict(payload), created_at=at, run_after=at if run_after is None else run_after
    )


def _inserted(rows: list[Outbox]) -> int:
    known = set(Outbox.objects.filter(key__in=[row.key for row in rows]).values_list("key", flat=True))
    fresh = {row.key: row for row in rows if row.key not in known}
    Outbox.objects.bulk_create(fresh.values(), ignore_conflicts=True)
    return len(fresh)


def _held(claimed: Claim) -> Any:
    # The worker's name and the attempt stand in every condition, so that a late worker cannot end somebody else's
    # lease. The name alone is not enough: whoever is started anew may have the same one.
    mine = Outbox.objects.filter(pk=claimed.id, worker=claimed.worker, attempts=claimed.attempts)
    return mine.filter(done_at__isnull=True, failed_at__isnull=True)
