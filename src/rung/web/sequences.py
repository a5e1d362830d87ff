"""Sequences on the screen: started with one or with many, stopped by hand."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from rung.access.models import User
from rung.access.rules import NotAllowed, Refused
from rung.handoff import sequences
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.people.models import Person
from rung.web import people_acts, work
from rung.web.people_found import living


@require_POST
def changed(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST people/<uuid>/sequences {sequence} starts it; {stop: yes} ends what goes on."""
    person, by, at = living(uuid), request.user, this_instant()
    assert isinstance(by, User)
    try:
        if request.POST.get("stop"):
            said = f"{sequences.stop(person=person, by=by, at=at)} was stopped; what was left is off your list."
        else:
            name = request.POST.get("sequence", "")
            sequences.start(people=[person], name=name, by=by, at=at, playbook=published.playbook())
            said = f"{name} goes on; its touches are on your list."
    except Refused as fault:
        context = work.part(person, by, now=at) | {"work_refusal": str(fault)}
        return render(request, "web/_work.html", context, status=403 if isinstance(fault, NotAllowed) else 409)
    return work.shown(request, person, by, now=at, said=said)


@require_POST
def many(request: HttpRequest) -> HttpResponse:
    """POST people/sequences {sequence, …the list's selection}: with everybody selected who is in none."""
    by, at, question = request.user, this_instant(), people_acts.list_of(request)
    assert isinstance(by, User)
    name = request.POST.get("sequence", "")
    try:
        chosen = people_acts.selected_in(request, question, at)
        people = list(Person.objects.filter(pk__in=chosen[: sequences.MOST_AT_ONCE + 1]))
        count = sequences.start(people=people, name=name, by=by, at=at, playbook=published.playbook())
    except Refused as fault:
        return people_acts.shown_refused(request, fault, question)
    messages.success(request, f"{name} goes on with {count} {'person' if count == 1 else 'people'}: see your list.")
    return redirect(question.link())
