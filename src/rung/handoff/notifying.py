"""Telling our own people: a new hand-off on their desk, one that is nearly late, one that is late; each once."""

from collections.abc import Iterable, Sequence

from django.db.models import QuerySet

from rung.access.models import User
from rung.handoff import mailing
from rung.handoff.models import Assignment, Clock, Notification
from rung.lifecycle.rules import Happened, NewEvent, News

_DUTIES = {"answer": "the answer to", "touch": "the first call to", "reply": "the reply to"}
MOST = 30


def tell(news: News) -> list[NewEvent]:
    """After events: owners hear of what is new or nearly late, their leaders of what is escalated."""
    told: list[Notification] = []
    opened = [event for event in news.events if event.kind == "handoff_opened"]
    told += _whose([event.data["handoff"] for event in opened], at=news.at)
    told += _sla([event for event in news.events if event.kind in ("sla_warned", "sla_breached")], at=news.at)
    _keep(told, at=news.at)
    return []


def tell_whose(handoff_ids: Sequence[int], *, at: int) -> None:
    """After hand-offs changed desks: whoever has one now hears of it, and leaders of what nobody has."""
    _keep(list(_whose(handoff_ids, at=at)), at=at)


def tell_gone(assignment: Assignment, colleague: User, *, key: str, at: int) -> None:
    """Whoever had it by mistake hears that it is gone from their desk."""
    name, href = str(assignment.person), f"/people/{assignment.person.uuid}"
    words = f"{name} is not on your desk any more: the return was taken back"
    _keep([_to(colleague.pk, key, words, href, at)], at=at)


def _keep(told: Sequence[Notification], *, at: int) -> None:
    Notification.objects.bulk_create(told, ignore_conflicts=True)
    mailing.ask_at_once(told, at=at)


def _whose(handoff_ids: Sequence[int], *, at: int) -> Iterable[Notification]:
    """Keyed by when it came onto the desk: it is told once each time it comes, never twice of one coming."""
    if not handoff_ids:
        return
    rows = Assignment.objects.filter(pk__in=handoff_ids, ended_at__isnull=True).select_related("person")
    leaders: list[int] | None = None
    for each in rows.order_by("pk"):
        name, href, key = str(each.person), f"/people/{each.person.uuid}", f"{each.pk}:{each.assigned_at}"
        if each.owner_id is not None:
            yield _to(each.owner_id, f"desk:{key}", f"{name} is on your desk: {each.because}", href, at)
        elif each.queue == "nobody":
            leaders = _leaders() if leaders is None else leaders
            for leader in leaders:
                words = f"{name} is on nobody's desk: {each.because}"
                yield _to(leader, f"nobody:{key}", words, "/team", at, urgent=True)


def _sla(events: Sequence[Happened], *, at: int) -> Iterable[Notification]:
    if not events:
        return
    ids = {int(event.message_id.rpartition(":")[2]): event for event in events}
    leaders = _leaders()
    for clock in Clock.objects.filter(pk__in=ids).select_related("person", "owner"):
        event = ids[clock.pk]
        is_late = event.kind == "sla_breached"
        what = f"{_DUTIES[clock.kind]} {clock.person} is {'late' if is_late else 'nearly late'}"
        href = f"/people/{clock.person.uuid}"
        if clock.owner_id is not None:
            yield _to(clock.owner_id, event.message_id, what[0].upper() + what[1:], href, at, urgent=True)
        whose = f" ({clock.owner})" if clock.owner else ""
        for leader in leaders:
            yield _to(leader, event.message_id, f"{what[0].upper()}{what[1:]}{whose}", "/team", at, urgent=is_late)


def _leaders() -> list[int]:
    return list(User.objects.filter(role="manager", is_active=True).values_list("pk", flat=True))


def _to(user_id: int, key: str, words: str, href: str, at: int, *, urgent: bool = False) -> Notification:
    return Notification(user_id=user_id, key=key[:120], words=words[:300], href=href, is_urgent=urgent, created_at=at)


def unread(user: User) -> QuerySet[Notification]:
    """What the user has not seen yet, the latest first."""
    return Notification.objects.filter(user=user, read_at=None).order_by("-created_at", "-pk")


def read(*, by: User, at: int) -> int:
    """Everything up to now has been seen."""
    return Notification.objects.filter(user=by, read_at=None, created_at__lte=at).update(read_at=at)
