"""What waits, what failed, and how old the oldest waiting row is."""

from dataclasses import dataclass

from django.db.models import Min, QuerySet

from rung.jobs.models import Outbox


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How the outbox is doing: rows that are due, rows given up, and how long the oldest due row has waited (µs)."""

    due: int
    failed: int
    oldest_wait: int


def outbox_state(*, at: int) -> OutboxState:
    """The outbox at an instant."""
    due = Outbox.objects.filter(done_at__isnull=True, failed_at__isnull=True, run_after__lte=at)
    oldest = due.aggregate(oldest=Min("run_after"))["oldest"]
    return OutboxState(due=due.count(), failed=failed().count(), oldest_wait=at - oldest if oldest is not None else 0)


def failed() -> QuerySet[Outbox]:
    """Rows that were given up, latest first."""
    return Outbox.objects.filter(failed_at__isnull=False).order_by("-failed_at")
