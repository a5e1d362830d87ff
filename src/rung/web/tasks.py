"""Tasks on the screen, and as a calendar that programs subscribe to; and what our own people are told."""

from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST, require_safe

from rung.access.models import User
from rung.access.rules import NotAllowed, Refused
from rung.handoff import notifying, tasks
from rung.handoff.models import Task
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.web import work
from rung.web.people_found import living


@require_POST
def planned(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST people/<uuid>/tasks {kind, what, day, hour, minutes, attendees}: a next step."""
    person, by, at, said = living(uuid), request.user, this_instant(), request.POST
    assert isinstance(by, User)
    try:
        task = tasks.plan(
            person=person,
            kind=said.get("kind", ""),
            what=said.get("what", ""),
            day=said.get("day", ""),
            hour=said.get("hour", ""),
            minutes=said.get("minutes", ""),
            attendees=said.get("attendees", ""),
            by=by,
            at=at,
            playbook=published.playbook(),
        )
    except Refused as fault:
        context = work.part(person, by, now=at) | {"work_refusal": str(fault)}
        return render(request, "web/_work.html", context, status=403 if isinstance(fault, NotAllowed) else 409)
    return work.shown(request, person, by, now=at, said=f"Planned: {task.what}.")


@require_POST
def changed(request: HttpRequest) -> HttpResponse:
    """POST tasks/changes {task…, act}: one or many, done, called off, or put off by an hour, a day, a week.

    Asked for by the work with a person, that part comes back.
    """
    by, at, act = request.user, this_instant(), request.POST.get("act", "")
    assert isinstance(by, User)
    ids = [text for text in request.POST.getlist("task")[:200] if _is_uuid(text)]
    chosen = list(Task.objects.filter(uuid__in=ids, owner=by).select_related("person__company"))
    try:
        if not chosen:
            raise tasks.CannotPlan("Choose tasks of your own. Nothing was changed.")
        if act == "done":
            tasks.done(tasks=chosen, by=by, at=at)
        elif act == "off":
            tasks.call_off(tasks=chosen, by=by, at=at)
        else:
            tasks.snooze(tasks=chosen, how_long=act, by=by, at=at)
    except Refused as fault:
        return HttpResponse(str(fault), status=409, content_type="text/plain; charset=utf-8")
    said = f"{len(chosen)} {'task' if len(chosen) == 1 else 'tasks'} {_DID.get(act, 'put off')}."
    if request.htmx and chosen[0].person is not None:
        return work.shown(request, chosen[0].person, by, now=at, said=said)
    messages.success(request, said)
    return redirect("home")


_DID: Final = {"done": "done", "off": "called off"}


@require_POST
def feed_made(request: HttpRequest) -> HttpResponse:
    """POST calendar: a new secret address, shown once; an older one ends."""
    assert isinstance(request.user, User)
    token = tasks.new_feed(by=request.user, at=this_instant())
    address = f"{settings.PUBLIC_URL}{reverse('calendar-feed', args=[token])}"
    if request.htmx:
        return render(request, "web/_calendar.html", {"address": address})
    messages.success(request, f"Subscribe to {address} in your calendar. It is shown this once; an older one ended.")
    return redirect("home")


@require_safe
@login_not_required
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """GET calendar/<token>.ics: whoever knows the address reads that calendar, and nothing else."""
    user = tasks.feed_of(token)
    if user is None:
        raise Http404
    text = tasks.calendar(user, at=this_instant(), address=settings.PUBLIC_URL)
    answer = HttpResponse(text, content_type="text/calendar; charset=utf-8")
    answer.headers["Cache-Control"] = "private, max-age=300"
    return answer


@require_GET
def notifications(request: HttpRequest) -> HttpResponse:
    """GET notifications: what is new, as a part that the frame asks for now and then."""
    assert isinstance(request.user, User)
    rows = list(notifying.unread(request.user)[: notifying.MOST])
    return render(request, "web/_notifications.html", {"rows": rows, "now": this_instant()})


@require_POST
def notifications_read(request: HttpRequest) -> HttpResponse:
    """POST notifications/reading: all of it has been seen."""
    assert isinstance(request.user, User)
    notifying.read(by=request.user, at=this_instant())
    return render(request, "web/_notifications.html", {"rows": [], "now": this_instant()})


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
