"""The only module that knows all rooms: what follows from an event, from a move, and what runs later."""

from rung import tables
from rung.access import actions as access
from rung.capture import enriching, fetching
from rung.capture.collector import refusals, taking
from rung.capture.forms import submitting
from rung.capture.imports import uploads
from rung.handoff import carrying, clocks, desks, mailing, notifying, owners
from rung.handoff.models import Assignment, Clock, SequenceRun, Task
from rung.insight import interviewing, reviewing, trying_later
from rung.insight import jobs as insight_jobs
from rung.jobs.worker import Job, Schedule, Steady
from rung.lifecycle import archiving, bulk_acts, consequences, looking, same_people
from rung.lifecycle.models import Handoff
from rung.lifecycle.publishing import later as publishing_later
from rung.terms.instants import MINUTE, SECOND

ON_RECORDED: tuple[consequences.Consequence, ...] = (
    desks.note_touches,
    owners.note_owners,
    notifying.tell,
    same_people.ask,
)
"""After events were decided, in order: (news) → new events, in the same transaction."""

ON_CORRECTED: tuple[consequences.Consequence, ...] = (desks.note_voids,)
"""After an import corrected the past: (news) → nothing, for nothing follows from a past. In the same transaction."""

ON_MOVED: tuple[consequences.Consequence, ...] = (consequences.note_handoffs, desks.keep_desks)
"""After somebody moved or a hand-off changed, in order: (news) → new events, in the same transaction."""

JOBS: dict[str, Job] = {
    access.USER_CHANGED: owners.follow_user,
    same_people.CHECK: same_people.check,
}
"""Kind of outbox row → the function that does it, in the transaction that marks the row done."""

LONG_JOBS: dict[str, Job] = {
    publishing_later.KIND: publishing_later.publish_asked,
    interviewing.KIND: interviewing.gather_evidence,
    publishing_later.UNDO: publishing_later.undo_asked,
    submitting.THANKS: submitting.thank,
    mailing.KIND: mailing.send,
    bulk_acts.JOB: bulk_acts.carry_on,
    uploads.TRY: uploads.try_asked,
    uploads.RUN: uploads.run_asked,
    uploads.UNDO: uploads.undo_asked,
    same_people.SWEEP: same_people.sweep,
}
"""Kind of outbox row → what takes minutes, or waits for a mail server: it opens its own transactions, so
that nobody waits for the database meanwhile, and may be done twice."""

OF_PEOPLE = (Handoff, Assignment, Clock, SequenceRun, Task)
"""Tables of work done with people, what others need first: a merge may change their rows, and an unmerge gives back."""

SCHEDULES = (
    Schedule(name="look again", every=15 * SECOND, run=looking.look_again),
    Schedule(name="carried lines", every=15 * SECOND, run=carrying.carry),
    Schedule(name="clocks", every=15 * SECOND, run=clocks.tick),
    Schedule(name="morning digests", every=5 * MINUTE, run=mailing.ask_digests),
    Schedule(name="refresh the ladder", every=5 * MINUTE, run=insight_jobs.refresh),
    Schedule(name="keep the agreement's review", every=5 * MINUTE, run=reviewing.keep),
    Schedule(name="write the history's segments", every=10 * MINUTE, run=archiving.write_closed),
    Schedule(name="erase from the history's segments", cron="20 3 * * *", run=archiving.rewrite_erased),
    Schedule(name="keep the tables' statistics", every=10 * MINUTE, run=tables.keep_statistics),
    Schedule(name="sweep for doubles", cron="10 2 * * *", run=same_people.ask_sweep),
    Schedule(name="forget old backtests", cron="50 3 * * *", run=trying_later.forget_old),
    Schedule(name="forget old uploads", cron="30 3 * * *", run=uploads.forget_old),
    Schedule(name="forget old refusals", cron="40 3 * * *", run=refusals.forget_old),
)
"""What the worker does again and again."""

STEADY = (
    Steady(name="take the inbox in", turn=taking.Intake().turn),
    Steady(name="have definitions tried", turn=trying_later.Trier().turn),
    Steady(name="ask plug-ins", turn=enriching.turn, pause=2),
    Steady(name="fetch mail", turn=fetching.turn, pause=60),
)
"""What the worker does beside everything else, without a pause while there is work."""
