"""The only module that knows all rooms: what follows from an event, from a move, and what runs later."""

from rung.jobs.worker import Schedule
from rung.lifecycle import consequences, looking
from rung.terms.instants import SECOND

ON_RECORDED: tuple[consequences.Consequence, ...] = ()
"""After events were decided, in order: (news) → new events, in the same transaction."""

ON_MOVED: tuple[consequences.Consequence, ...] = (consequences.note_handoffs,)
"""After somebody moved or a hand-off changed, in order: (news) → new events, in the same transaction."""

JOBS = {}
"""Kind of outbox row → the function that does it."""

SCHEDULES = (Schedule(name="look again", every=15 * SECOND, run=looking.look_again),)
"""What the worker does again and again."""
