"""What the worker computes ahead, so that no page waits for it."""

from dataclasses import asdict

from rung.insight.models import Snapshot
from rung.insight.queries import period_start, ranks_used, read_steps, report_of
from rung.lifecycle import published


def refresh(at: int) -> None:
    """Compute the steps of this month and this quarter anew."""
    force = published.in_force()
    if force.generation_id is None:
        return
    ranks = ranks_used(force.playbook)
    for months in (1, 3):
        start = period_start(at, force.playbook.calendar.timezone, months=months)
        found = read_steps(force.generation_id, ranks, start=start, now=at)
        Snapshot.objects.update_or_create(
            report=report_of(months),
            generation_id=force.generation_id,
            defaults={"computed_at": at, "figures": {"start": start, "steps": [asdict(step) for step in found]}},
        )
