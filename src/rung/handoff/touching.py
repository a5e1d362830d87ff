"""How soon somebody of ours got in touch: working time from the opening of a hand-off to the first touch."""

from dataclasses import dataclass

from rung.handoff.lateness import Lateness
from rung.handoff.models import Clock


@dataclass(frozen=True, slots=True)
class Touched:
    """A first touch that was made. `took`: microseconds of the owner's working time, pauses left out."""

    owner_id: int | None
    took: int
    is_in_time: bool


def first_touches(lateness: Lateness, *, start: int, at: int) -> list[Touched]:
    """Of the hand-offs opened since `start`: one query. What was loaded with a history has no clocks, and none here."""
    clocks = Clock.objects.filter(kind="touch", stopped_at__isnull=False, assignment__isnull=False)
    opened = clocks.filter(assignment__handoff__opened_at__gte=start, assignment__handoff__opened_at__lte=at)
    columns = ("owner_id", "assignment__handoff__opened_at", "stopped_at", "due_at")
    found = []
    for owner_id, opened_at, touched_at, due_at in opened.values_list(*columns):
        is_in_time = due_at is None or touched_at <= due_at
        found.append(Touched(owner_id, lateness.worked(owner_id, opened_at, touched_at), is_in_time))
    return found
