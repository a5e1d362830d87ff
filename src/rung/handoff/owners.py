"""What follows when a person gets another owner, or one of ours changes team or leaves: desks and clocks go along."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F

from rung.access.models import User
from rung.handoff import dealing, reckoning
from rung.handoff.models import Assignment, Clock
from rung.jobs import locks
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.deciding.line import Line, NoPlaybook
from rung.lifecycle.rules import NewEvent, News
from rung.people.rules import DESCRIBING
from rung.terms.instants import moment

_AT_A_TIME: Final = 400


def note_owners(news: News) -> list[NewEvent]:
    """After events: what waits of somebody who was given to another rep goes to that rep's desk and calendar."""
    told = {event.person_id for event in news.events if event.kind in DESCRIBING and "owner" in event.data}
    given = sorted(person_id for person_id in told if person_id is not None)
    for start in range(0, len(given), _AT_A_TIME):
        _go_along(given[start : start + _AT_A_TIME], lines.current(), at=news.at)
    return []


def _go_along(person_ids: Sequence[int], line: Line, *, at: int) -> None:
    """Hand-offs go to owners who take them and are there; a first call and a reply to whoever owns the person."""
    today = moment(at).astimezone(ZoneInfo(line.playbook.calendar.timezone)).date()
    waiting = Assignment.objects.filter(
        person_id__in=person_ids, ended_at__isnull=True, queue__in=("sales", "nobody"), person__owner__is_active=True
    )
    taken = waiting.filter(person__owner__role="sales").exclude(person__owner__in=dealing.away_on(today))
    moved = [each for each in taken.select_related("person__owner") if each.owner_id != each.person.owner_id]
    for each in moved:
        owner = each.person.owner
        assert owner is not None
        each.queue, each.owner, each.team_id, each.assigned_at = "sales", owner, owner.team_id, at
        each.because = f"{owner} owns {each.person} now"[:300]
    if moved:
        dealing.put_on(moved, at=at)
    others = Clock.objects.filter(person_id__in=person_ids, kind__in=("touch", "reply"), stopped_at__isnull=True)
    owed = others.filter(person__owner__is_active=True).exclude(person__owner=F("owner")).select_related("person")
    clocks = [clock for clock in owed if clock.owner_id != clock.person.owner_id]
    for clock in clocks:
        Clock.objects.filter(pk=clock.pk).update(owner_id=clock.person.owner_id)
    reckoning.again(line.playbook, ids=[clock.pk for clock in clocks])


def follow_user(payload: Mapping[str, Any], at: int) -> None:
    """The job after one of ours changed: their clocks run by their team's calendar; whoever takes no hand-offs any
    more leaves those that wait to colleagues."""
    user = User.objects.filter(pk=payload["user"]).first()
    try:
        line = lines.current()
    except NoPlaybook:
        return
    if user is None:
        return
    with transaction.atomic():
        locks.hold()
        lying = Assignment.objects.filter(owner=user, queue="sales", ended_at__isnull=True)
        if user.role == "sales" and user.is_active:
            lying.update(team_id=user.team_id)
        else:
            _leave(list(lying.select_related("handoff", "person")), user, line, at=at)
        reckoning.again(line.playbook, owner_id=user.pk)


def _leave(assignments: Sequence[Assignment], user: User, line: Line, *, at: int) -> None:
    for each in assignments:
        each.queue, each.owner, each.team, each.assigned_at = "nobody", None, None, at
        each.because = f"{user} takes no hand-offs any more"[:300]
    if assignments:
        dealing.put_on(assignments, at=at)
        dealing.find_somebody(assignments, line, at=at)
