"""An answer taken back: whoever pressed the wrong key finds the hand-off on the desk as it was, its clock running on.

The answer's event is voided, so the person stands as if it had not been given. The time between counts: the rep had
the person all along. What was told is not told again, and what followed from the answer stands in its way.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from rung.access.actions import NotAllowed, Refused, audited, require
from rung.access.models import User
from rung.handoff import dealing, notifying, sequences
from rung.handoff.models import AnswerGiven, Assignment, Clock, SequenceRun, Task
from rung.history.models import Event
from rung.jobs import locks
from rung.lifecycle.actions import record
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.models import Handoff, StageMove, Standing
from rung.lifecycle.rules import Happened, NewEvent
from rung.people.models import Person
from rung.people.queries import events_of, living_ids
from rung.terms.instants import MINUTE
from rung.terms.kinds import ANSWER_KINDS, KINDS, REACHED

WITHIN: Final = 10 * MINUTE
"""How long whoever answered may take it back; those who lead may as long as nothing has followed."""
_LEADERS: Final = ("manager", "admin")
_STANDS: Final = "The answer stands."


class CannotTakeBack(Refused):
    """The answer stands; the text says what followed, or who may take it back."""


def take_back(*, handoff_id: int, by: User, at: int) -> Assignment:
    """Voids the last answer to a hand-off; it lies where it lay, and its clock runs on as if never stopped.

    Raises CannotTakeBack, NotAllowed.
    """
    require(by, "take back answers")
    with transaction.atomic():
        locks.hold()
        given = _last(handoff_id)
        _check_who(given, by, at=at)
        followed = _followed(given, at=at)
        if followed:
            raise CannotTakeBack(f"{followed} {_STANDS}")
        data = {"event": given.message_id, "because": "taken back"}
        event = NewEvent("event_voided", person=given.assignment.person.pk, data=data, door="system")
        told = record([event], by=by, at=at)
        if told.refused:
            raise CannotTakeBack(f"{told.refused[0].reason} {_STANDS}")
        fresh = Assignment.objects.select_related("owner", "handoff", "person__company").get(pk=handoff_id)
        if fresh.ended_at is not None:
            raise CannotTakeBack(f"By now {fresh.person} would not be handed over any more. {_STANDS}")
        data = {"answer": given.answer, "answered_by": given.by, "event": given.message_id}
        audited(by=by, verb="took back answer", object=f"hand-off {handoff_id}", data=data, at=at)
    return fresh


def may_take_back(given: AnswerGiven | None, by: User, *, at: int) -> bool:
    """Whether a page offers it; what has followed is looked at when it is asked for."""
    if given is None or given.undone_at is not None or not by.may("take back answers"):
        return False
    return by.role in _LEADERS or (given.by == by.email and at - given.answered_at < WITHIN)


def last_answer(handoff_id: int) -> AnswerGiven | None:
    """The latest answer to a hand-off that was not taken back."""
    given = AnswerGiven.objects.filter(assignment_id=handoff_id, undone_at=None).select_related("assignment")
    return given.order_by("-event_seq").first()


def has_followed(given: AnswerGiven, person: Person, *, rest_until: int | None, at: int) -> bool:
    """Whether something stands in the way of taking back the answer to a person's latest hand-off, moves left out: for
    a page, which knows the person's moves and rest; one query at most."""
    waiting = given.assignment
    if waiting.assigned_at > given.answered_at:
        return True
    if given.answer == "accepted" and person.owner_id != waiting.owner_id:
        return True
    if given.answer == "rejected" and rest_until is not None and rest_until <= at:
        return True
    return _noted_since(given, person) is not None


def remember(event: Happened, assignment: Assignment, going_on: Mapping[str, Any]) -> None:
    """Keeps the desk as it is, just before the answer changes it; in the caller's transaction."""
    clock = Clock.objects.filter(assignment=assignment, kind="answer", stopped_at__isnull=True).first()
    AnswerGiven.objects.create(
        event_seq=event.seq,
        message_id=event.message_id,
        assignment=assignment,
        answer=event.kind.removeprefix("handoff_"),
        by=event.by,
        answered_at=event.at,
        queue=assignment.queue,
        owner_id=assignment.owner_id,
        because=assignment.because,
        note=assignment.note,
        assigned_at=assignment.assigned_at,
        clock=clock,
        sequence=dict(going_on),
    )


def reopen(event: Happened) -> None:
    """After an answer was voided: the desk, the clock and the sequence are as they were before it."""
    given = AnswerGiven.objects.filter(message_id=event.data["event"], undone_at=None).first()
    if given is None:
        _deal_anew(event)
        return
    AnswerGiven.objects.filter(pk=given.pk).update(undone_at=event.at)
    later = AnswerGiven.objects.filter(assignment_id=given.assignment_id, event_seq__gt=given.pk, undone_at=None)
    assignment = Assignment.objects.select_related("handoff__person", "owner").get(pk=given.assignment_id)
    if later.exists() or assignment.handoff.withdrawn_at is not None:
        return
    # Whoever became somebody else's record since lives on as them.
    assignment.person, colleague = assignment.handoff.person, assignment.owner
    # What the answer began was never owed: a first touch, a colleague's clock, a sequence, a day to wake on.
    begun = Clock.objects.filter(assignment=assignment, started_at__gte=given.answered_at)
    begun.exclude(pk=given.clock_id).delete()
    SequenceRun.objects.filter(person_id=assignment.person_id, started_at=given.answered_at).delete()
    Task.objects.filter(key=f"wake:{given.pk}", done_at=None).delete()
    sequences.restore(given.sequence)
    owner = given.owner if given.owner is not None and given.owner.is_active else None
    assignment.queue = "nobody" if given.queue == "sales" and owner is None else given.queue
    assignment.owner, assignment.team = owner, owner.team if owner is not None else None
    assignment.because, assignment.note = given.because, given.note
    assignment.assigned_at, assignment.ended_at = given.assigned_at, None
    assignment.save()
    Handoff.objects.filter(pk=assignment.pk).update(owner=owner)
    Clock.objects.filter(pk=given.clock_id).update(stopped_at=None, person=assignment.person)
    dealing.put_on([assignment], at=event.at, is_news=owner != given.owner)
    if given.answer == "returned" and colleague is not None and colleague != owner:
        notifying.tell_gone(assignment, colleague, key=f"gone:{given.pk}", at=event.at)


def _deal_anew(event: Happened) -> None:
    """An answer that opened what it answered left no desk to go back to: what waits by it now comes onto one."""
    answers = Event.objects.filter(message_id=event.data["event"], kind__in=ANSWER_KINDS, person_id__isnull=False)
    people = living_ids(sorted(answers.values_list("person_id", flat=True)))
    waiting = Handoff.objects.filter(person_id__in=set(people.values()), answered_at=None, withdrawn_at=None)
    dealing.deal(list(waiting.filter(assignment__ended_at__isnull=False)), lines.current(), at=event.at)


def _last(handoff_id: int) -> AnswerGiven:
    answers = AnswerGiven.objects.filter(assignment_id=handoff_id).order_by("-event_seq")
    of = ("assignment__owner", "assignment__handoff__person__owner")
    given = answers.filter(undone_at=None).select_related(*of).first()
    if given is not None:
        given.assignment.person = given.assignment.handoff.person  # who may have become another record's
        return given
    if answers.exists():
        raise CannotTakeBack("The answer was taken back before. Nothing was changed.")
    raise CannotTakeBack("There is no answer here that can be taken back. Nothing was changed.")


def _check_who(given: AnswerGiven, by: User, *, at: int) -> None:
    if by.role in _LEADERS:
        return
    who = User.objects.filter(email=given.by).first() or given.by or "Somebody"
    if given.by != by.email:
        raise NotAllowed(f"{who} answered: they, or whoever leads them, may take it back. {_STANDS}")
    if at - given.answered_at >= WITHIN:
        minutes = WITHIN // MINUTE
        raise CannotTakeBack(f"It is more than {minutes} minutes ago: ask whoever leads you to take it back. {_STANDS}")


def _followed(given: AnswerGiven, *, at: int) -> str:
    """What followed from the answer or after it, in a sentence; empty when nothing did."""
    waiting, person = given.assignment, given.assignment.person
    if Handoff.objects.filter(person=person, pk__gt=waiting.pk).exists():
        return f"Another hand-off of {person} has been opened since."
    if waiting.assigned_at > given.answered_at:
        return f"It was handed on since: it lies with {waiting.owner or 'nobody yet'}."
    if given.answer == "accepted" and person.owner_id != waiting.owner_id:
        return f"{person} was given to {person.owner or 'nobody'} since."
    return _worked(given) or _moved(given) or _rested(given, at=at)


def _worked(given: AnswerGiven) -> str:
    """What sales noted since, or what they said to us."""
    person = given.assignment.person
    since = _noted_since(given, person)
    if since is None:
        return ""
    words = KINDS[since.kind].words
    who = User.objects.filter(email=since.by).first()
    return f"Since then {f'{who} noted' if who else 'it was noted'}: {words} ({person})."


def _noted_since(given: AnswerGiven, person: Person) -> Event | None:
    return events_of([person.pk]).filter(kind__in=_WORKED, seq__gt=given.pk).order_by("seq").first()


_WORKED: Final = {code for code, kind in KINDS.items() if kind.actor == "sales"} | REACHED | {"email_replied"}


def _moved(given: AnswerGiven) -> str:
    line, person = lines.current(), given.assignment.person
    moves = StageMove.objects.filter(generation_id=line.generation_id, person=person, line_of_business=line.name)
    later = moves.filter(Q(at__gt=given.answered_at) | Q(at=given.answered_at, event_seq__gt=given.pk))
    move = later.order_by("-number").first()
    if move is None:
        return ""
    place = line.playbook.label(move.stage if move.status == "active" else move.status)
    return f"{person} has moved since: {place}, because {move.because}."


def _rested(given: AnswerGiven, *, at: int) -> str:
    if given.answer != "rejected":
        return ""
    standing = Standing.objects.filter(generation_id=lines.current().generation_id, person=given.assignment.person)
    until = standing.values_list("rest_until", flat=True).first()
    return f"The rest of {given.assignment.person} is over." if until is not None and until <= at else ""
