"""What follows here from events and moves: hand-offs come onto a desk, answers end them, touches stop their clocks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from rung.access.models import User
from rung.handoff import dealing, pausing, sequences, taking_back, tasks
from rung.handoff.models import Assignment, Clock
from rung.lifecycle.deciding import handoffs
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.models import Handoff
from rung.lifecycle.rules import HandoffChanged, Happened, Moved, NewEvent, News
from rung.people.models import Person
from rung.people.queries import events_of
from rung.terms.kinds import ANSWER_KINDS, REACHED, TOUCHES
from rung.terms.stages import RANK

_FIRST_TOUCHES = TOUCHES | REACHED


def keep_desks(news: News) -> list[NewEvent]:
    """After moves: hand-offs that opened are dealt out; whoever was withdrawn, or fell from the rung, is let go."""
    opened = {change.handoff_id for change in news.handoffs if change.what == "opened"}
    if opened:
        dealing.deal(list(Handoff.objects.filter(pk__in=opened).order_by("pk")), lines.current(), at=news.at)
    told = {event.seq for event in news.events if event.kind in ANSWER_KINDS}
    for change in news.handoffs:
        if change.what == "withdrawn":
            _end(Assignment.objects.filter(handoff_id=change.handoff_id, ended_at__isnull=True), at=change.at)
        elif change.what != "opened" and (change.handoff_id in opened or change.event_seq not in told):
            # Other answers were noted with their event, before.
            _note_change(change)
    _let_go(news.moves, at=news.at)
    return []


def note_voids(news: News) -> list[NewEvent]:
    """After an import voided answers: what they answered lies on its desk again. Else it waits and nobody knows."""
    for event in news.events:
        if event.kind == "event_voided":
            taking_back.reopen(event)
    return []


def note_touches(news: News) -> list[NewEvent]:
    """After events: answers to what marketing handed over again, touches, replies, and people who became one."""
    for event in news.events:
        if event.kind == "event_voided":
            taking_back.reopen(event)
        if event.person_id is None:
            continue
        going_on = sequences.kept(event.person_id) if event.kind in ANSWER_KINDS else {}
        sequences.note(event)
        if event.kind in ANSWER_KINDS:
            _note_answer(event, going_on)
        elif event.kind in _FIRST_TOUCHES:
            _stop(Clock.objects.filter(person_id=event.person_id, kind__in=("touch", "reply")), at=event.at)
        elif event.kind == "email_replied":
            _stop(Clock.objects.filter(person_id=event.person_id, kind="touch"), at=event.at)
            _start_reply(event)
        elif event.kind in ("meeting_booked", "meeting_missed"):
            pausing.note(event, lines.current().playbook)
        elif event.kind == "persons_merged":
            _become_one(event)
        elif event.kind == "bant_answered" and event.data.get("contract_end"):
            _remind(event, event.data["contract_end"], "their contract ends")
        elif event.kind == "friction_found" and event.data.get("until"):
            _remind(event, event.data["until"], str(event.data.get("friction", "")))
    return []


def _remind(event: Happened, until: object, because: str) -> None:
    """Who noted a day on which to come back is reminded on it."""
    rep = User.objects.filter(email=event.by.lower()).first()
    person = Person.objects.filter(pk=event.person_id).first()
    if isinstance(until, str) and rep is not None and person is not None:
        playbook = lines.current().playbook
        key = f"wake:{event.seq}"
        tasks.wake(person=person, owner=rep, day=until, because=because, key=key, at=event.at, playbook=playbook)


def _note_change(change: HandoffChanged) -> None:
    assignment = Assignment.objects.select_related("handoff").filter(handoff_id=change.handoff_id).first()
    if assignment is not None:
        handoff = assignment.handoff
        _answered(assignment, change.what, handoff.answered_by, handoff.reason, "", at=change.at)


def _note_answer(event: Happened, going_on: Mapping[str, Any]) -> None:
    reason, note = event.data.get("reason"), event.data.get("note")
    open_ = Assignment.objects.filter(person_id=event.person_id, ended_at__isnull=True).order_by("-handoff_id").first()
    if open_ is not None:
        taking_back.remember(event, open_, going_on)
        _answered(
            open_,
            ANSWER_KINDS[event.kind],
            event.by,
            reason if isinstance(reason, str) else "",
            note if isinstance(note, str) else "",
            at=event.at,
        )
    if event.kind == "handoff_rejected":
        _remind(event, event.data.get("until"), reason if isinstance(reason, str) else "not now")
    if open_ is None and event.kind == "handoff_rejected":
        _stop(Clock.objects.filter(person_id=event.person_id), at=event.at)


def _answered(assignment: Assignment, answer: str, by: str, reason: str, note: str, *, at: int) -> None:
    """Ends the assignment, or gives it back to marketing, or to another rep."""
    if assignment.ended_at is not None:
        return
    line = lines.current()
    _stop(Clock.objects.filter(assignment=assignment), at=at)
    if answer == "returned":
        _returned(assignment, line, by, reason, note, at=at)
        return
    if answer == "accepted":
        rep = User.objects.filter(email=by.lower()).first()
        assignment.owner = rep or assignment.owner
        assignment.team_id = rep.team_id if rep else assignment.team_id
        if assignment.owner_id is not None:
            handoffs.give({assignment.pk: assignment.owner_id})
    assignment.queue, assignment.ended_at = "done", at
    assignment.save()
    if answer == "accepted":
        _start_touch(assignment, line, at=at)
        sequences.begin_by_itself(assignment.person_id, assignment.owner, at=at, playbook=line.playbook)


def _returned(assignment: Assignment, line: Line, by: str, reason: str, note: str, *, at: int) -> None:
    said = f"{reason}: {note}" if note else reason or "Returned"
    if "owner" in reason.lower():
        rep = User.objects.filter(email=by.lower()).values_list("pk", flat=True).first()
        dealing.deal([assignment.handoff], line, at=at, not_to={assignment.pk: rep} if rep else None)
        Assignment.objects.filter(pk=assignment.pk).update(note=said[:1000])
        return
    assignment.queue, assignment.owner, assignment.note = "marketing", None, said[:1000]
    assignment.because, assignment.assigned_at = "Sales returned it", at
    assignment.save()


def _start_touch(assignment: Assignment, line: Line, *, at: int) -> None:
    if line.playbook.handoff.first_touch_within is None:
        return
    row = dealing.clock_row("touch", assignment.person_id, line, at, assignment.owner_id, assignment.handoff)
    _started([row], line)
    # Whoever got in touch before they accepted owes no first touch any more.
    touches = events_of([assignment.person_id]).filter(kind__in=_FIRST_TOUCHES, at__gte=assignment.handoff.opened_at)
    first = touches.filter(at__lte=at).order_by("at").values_list("at", flat=True).first()
    if first is not None:
        _stop(Clock.objects.filter(assignment=assignment, kind="touch", started_at=at), at=first)


def _start_reply(event: Happened) -> None:
    """A reply wants an answer from whoever owns the person, within the time of a first touch."""
    line = lines.current()
    assert event.person_id is not None
    owner_id = Person.objects.filter(pk=event.person_id).values_list("owner_id", flat=True).first()
    is_machine = event.data.get("machine") is True or event.data.get("outcome") == "out_of_office"
    if owner_id is None or is_machine or line.playbook.handoff.first_touch_within is None:
        return
    _stop(Clock.objects.filter(person_id=event.person_id, kind="reply"), at=event.at)
    _started([dealing.clock_row("reply", event.person_id, line, event.at, owner_id, event_seq=event.seq)], line)


def _started(rows: Sequence[tuple[Any, ...]], line: Line) -> None:
    """Starts clocks, which stand still at once where a meeting is set."""
    dealing.start(rows)
    people = {row[dealing.CLOCK_COLUMNS.index("person_id")] for row in rows}
    fresh = Clock.objects.filter(person_id__in=people, kind__in=("touch", "reply"), stopped_at__isnull=True)
    pausing.begin_if_set(fresh.filter(paused_at__isnull=True), line.playbook)


def _let_go(moves: Sequence[Moved], *, at: int) -> None:
    """What was returned and still waits ends when the person falls from the rung, or beside the ladder."""
    on = RANK[lines.current().playbook.handoff.on] if moves else 0
    left = [move for move in moves if RANK[move.from_stage] >= on]
    fallen = [move.person_id for move in left if move.status != "active" or RANK[move.stage] < on]
    if fallen:
        returned = Q(handoff__answer="returned")
        _end(Assignment.objects.filter(returned, person_id__in=fallen, ended_at__isnull=True), at=at)
        _stop(Clock.objects.filter(person_id__in=fallen, kind="touch"), at=at)
        sequences.end(fallen, because="They are no longer worked", at=at)


def _end(assignments: Iterable[Assignment], *, at: int) -> None:
    for assignment in assignments:
        assignment.queue, assignment.ended_at = "done", at
        assignment.save(update_fields=["queue", "ended_at"])
        _stop(Clock.objects.filter(assignment=assignment), at=at)


def _stop(clocks: QuerySet[Clock], *, at: int) -> None:
    clocks.filter(stopped_at__isnull=True).update(stopped_at=at, paused_at=None)


def _become_one(event: Happened) -> None:
    merged = Person.objects.filter(uuid=event.data["merged"]).values_list("pk", flat=True).first()
    Assignment.objects.filter(person_id=merged, ended_at__isnull=True).update(person_id=event.person_id)
    Clock.objects.filter(person_id=merged, stopped_at__isnull=True).update(person_id=event.person_id)
    # Of two open hand-offs the older stays, and an answer to one is an answer to both: their desks and clocks end.
    gone = Q(handoff__withdrawn_at__isnull=False) | Q(handoff__answer__in=("accepted", "rejected"))
    _end(Assignment.objects.filter(gone, person_id=event.person_id, ended_at__isnull=True), at=event.at)
    if merged is not None and event.person_id is not None:
        sequences.become_one(merged, event.person_id, at=event.at)
