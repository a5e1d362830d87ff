"""What the worker computes ahead, so that no page waits for it."""

from rung.insight.models import Snapshot
from rung.insight.queries import computed, period_start, report_of
from rung.lifecycle import published


def refresh(at: int) -> None:
    """Compute the steps of this month and this quarter anew."""
    force = published.in_force()
    if force.generation_id is None:
        return
    for months in (1, 3):
        start = period_start(at, force.playbook.calendar.timezone, months=months)
        found = computed(force.playbook, force.generation_id, start=start, now=at)
        Snapshot.objects.update_or_create(
            report=report_of(months),
            generation_id=force.generation_id,
            defaults={"computed_at": at, "figures": found.figures(start)},
        )
