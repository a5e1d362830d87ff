"""What is done to everybody selected in the list of people: given over, set aside, taken out, each as one act."""

import io
from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from rung.access.models import User
from rung.access.rules import NotAllowed, Refused
from rung.jobs.clock import now as this_instant
from rung.lifecycle import bulk_acts, published, queries, views
from rung.lifecycle.exporting import export
from rung.lifecycle.models import BulkAct
from rung.people.models import Person
from rung.people.queries import living_ids
from rung.ui import words
from rung.web import shell
from rung.web.people import Line, Question, asked, line, question_of

_LISTED: Final = 50
_DONE: Final = {"owner": "given to {who}", "nurture": "set to nurture", "disqualified": "disqualified"}
_DOING: Final = {
    "owner": "Giving {n} to {who}",
    "nurture": "Setting {n} to nurture",
    "disqualified": "Disqualifying {n}",
}


@require_POST
def acts(request: HttpRequest) -> HttpResponse:
    """POST people/acts: one act on those selected, or on everybody whom the list holds."""
    kind, post = request.POST.get("act", ""), request.POST
    at, question = this_instant(), list_of(request)
    try:
        act = bulk_acts.ask(
            kind=kind,
            people=selected_in(request, question, at),
            by=_user(request),
            at=at,
            owner=post.get("owner", ""),
            because=post.get(f"{kind}_because", ""),
            back=question.link(),
        )
    except Refused as refusal:
        return shown_refused(request, refusal, question)
    return redirect("people-act", act.uuid)


@require_GET
def act(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """GET people/acts/<uuid>: how far it has come."""
    return shell.page(request, "web/people_act.html", _told(_found(uuid), _user(request)), place="people")


@require_POST
def undoing(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST people/acts/<uuid>/undoing."""
    found = _found(uuid)
    try:
        bulk_acts.undo(act=found, by=_user(request), at=this_instant())
    except Refused as refusal:
        context = {**_told(found, _user(request)), "refusal": str(refusal)}
        return shell.page(request, "web/people_act.html", context, place="people", status=_status(refusal))
    return redirect("people-act", uuid)


@require_POST
def exports(request: HttpRequest) -> HttpResponse:
    """POST people/exports: those selected as a CSV file."""
    at, question, to = this_instant(), list_of(request), io.BytesIO()
    try:
        if not (people := selected_in(request, question, at)):
            raise Refused("Nobody is selected.")
        export(what="people", where=None, format="csv", to=to, by=_user(request), at=at, people=people)
    except Refused as refusal:
        return shown_refused(request, refusal, question)
    headers = {"Content-Disposition": 'attachment; filename="people.csv"'}
    return HttpResponse(to.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


@require_POST
def keep_view(request: HttpRequest) -> HttpResponse:
    """POST people/views: keeps the list under a name."""
    question = list_of(request)
    try:
        views.keep(
            name=request.POST.get("name", ""),
            where=question.where,
            text=question.text,
            sort=question.sort_text,
            is_anonymous=question.is_anonymous,
            is_shared=bool(request.POST.get("is_shared")),
            by=_user(request),
            at=this_instant(),
        )
    except Refused as refusal:
        return shown_refused(request, refusal, question)
    return redirect(question.link())


@require_POST
def forget_view(request: HttpRequest, view_id: int) -> HttpResponse:
    """POST people/views/<id>/removal."""
    try:
        views.forget(view_id=view_id, by=_user(request), at=this_instant())
    except Refused as refusal:
        return shown_refused(request, refusal, list_of(request))
    return redirect("people")


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # the middleware lets nobody else in
    return request.user


def list_of(request: HttpRequest) -> Question:
    return question_of(request.POST, published.playbook())


def selected_in(request: HttpRequest, question: Question, at: int) -> list[int]:
    most = bulk_acts.MOST + 1
    if request.POST.get("everyone"):
        force = published.in_force()
        return queries.people_ids(asked(question), generation_id=force.generation_id, at=at, most=most)
    named = [uuid for text in request.POST.getlist("person")[:most] if (uuid := _uuid(text))]
    return list(Person.objects.filter(uuid__in=named, is_merged=False).order_by("pk").values_list("pk", flat=True))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _found(uuid: UUID) -> BulkAct:
    found = BulkAct.objects.select_related("asked_by", "undone_by").filter(uuid=uuid).first()
    if found is None:
        raise Http404
    return found


def _status(refusal: Refused) -> int:
    return 403 if isinstance(refusal, NotAllowed) else 409


def shown_refused(request: HttpRequest, refusal: Refused, question: Question) -> HttpResponse:
    context = {
        "title": "Nothing was done",
        "said": "Nobody was changed.",
        "refusal": str(refusal),
        "back": question.link(),
        "place_words": "Not done",
    }
    return shell.page(request, "web/people_act.html", context, place="people", status=_status(refusal))


def _told(act: BulkAct, viewer: User) -> dict[str, Any]:
    total, is_running = len(act.people), bulk_acts.is_running(act)
    owner = act.data.get("owner", "")
    who = (User.objects.filter(email=owner).values_list("name", flat=True).first() or owner) if owner else "nobody"
    is_back = act.undone_at is not None
    people = words.people(total)
    if is_running:
        title = f"Undoing it for {people}" if is_back else _DOING[act.kind].format(n=people, who=who)
    elif is_back:
        title = f"{people} {'stands' if total == 1 else 'stand'} as if it had not been done"
    else:
        title = f"{people} {'was' if total == 1 else 'were'} {_DONE[act.kind].format(who=who)}"
    because = f", because: {act.data['because']}" if act.data.get("because") else ""
    refused = f" {words.people(act.refused)} could not be changed." if act.refused and not is_back else ""
    return {
        "act": act,
        "title": title,
        "said": f"{act.asked_by.name or act.asked_by.email} asked for it{because}.{refused}",
        "is_running": is_running,
        "done": total - act.done if is_back else act.done,
        "total": total,
        "share": 100 * (total - act.done if is_back else act.done) / total if total else 100,
        "can_undo": not is_running and not is_back and viewer.may(bulk_acts.VERBS[act.kind]),
        "back": act.data.get("back") or reverse("people"),
        "place_words": "Undone" if is_back else "Done together",
        "lines": [] if is_running else _lines(act),
        "listed": _LISTED,
    }


def _lines(act: BulkAct) -> list[Line]:
    """The first of them as they stand now."""
    force = published.in_force()
    if force.generation_id is None:
        return []
    first = act.people[:_LISTED]
    living = living_ids(first)
    ids = list(dict.fromkeys(living[id_] for id_ in first))
    return [line(row, force.playbook) for row in queries.person_rows(ids, force.generation_id)]
