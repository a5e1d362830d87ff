"""Adding somebody by hand, who referred whom, and what plug-ins found: parts around a person."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from rung.access.models import User
from rung.access.rules import NotAllowed, Refused
from rung.capture import adding, enriching
from rung.capture.adding import Written, WrittenCompany
from rung.capture.models import Enrichment
from rung.jobs.clock import now as this_instant
from rung.lifecycle import by_hand
from rung.people import doubles
from rung.people.models import Person
from rung.web import about, shell
from rung.web.asked import who_may, whole_number
from rung.web.links import company_href, person_href
from rung.web.people_found import living


@require_http_methods(["GET", "HEAD", "POST"])
def added(request: HttpRequest) -> HttpResponse:
    """GET people/new: the form. POST adds (303), says who is there already (409), or what is wrong (422)."""
    user = who_may("add people", request)
    if request.method != "POST":
        return shell.page(request, "web/person_new.html", {"written": Written()}, place="people")
    written = _written(request)
    context: dict[str, Any] = {"written": written}
    try:
        person = adding.add_person(written=written, by=user, at=this_instant())
    except adding.AlreadyHere as refusal:
        context |= {"here": refusal.person, "here_href": person_href(str(refusal.person.uuid))}
        return shell.page(request, "web/person_new.html", context, place="people", status=409)
    except Refused as refusal:
        return shell.page(
            request, "web/person_new.html", {**context, "refusal": str(refusal)}, place="people", status=422
        )
    messages.info(request, f"{person.called} is on the ladder now.")
    return HttpResponseRedirect(person_href(str(person.uuid)), status=303)


@require_http_methods(["GET", "HEAD", "POST"])
def company_added(request: HttpRequest) -> HttpResponse:
    """GET companies/new: the form. POST adds (303), says which is there already (409), or what is wrong (422)."""
    user = who_may("add people", request)
    if request.method != "POST":
        return shell.page(request, "web/company_new.html", {"written": WrittenCompany()}, place="companies")
    told = {name: request.POST.get(name, "").strip() for name in WrittenCompany.__dataclass_fields__}
    context: dict[str, Any] = {"written": WrittenCompany(**told)}
    try:
        company = adding.add_company(written=context["written"], by=user, at=this_instant())
    except adding.CompanyHere as refusal:
        context |= {"here": refusal.company, "here_href": company_href(str(refusal.company.uuid))}
        return shell.page(request, "web/company_new.html", context, place="companies", status=409)
    except Refused as refusal:
        context |= {"refusal": str(refusal)}
        return shell.page(request, "web/company_new.html", context, place="companies", status=422)
    messages.info(request, f"{company.name} is among the companies now.")
    return HttpResponseRedirect(company_href(str(company.uuid)), status=303)


@require_GET
def known(request: HttpRequest) -> HttpResponse:
    """GET people/known?email=…&phone=…: whether they are here already, while it is typed."""
    who_may("add people", request)
    told = {name: request.GET.get(name, "").replace("\0", "")[:320] for name in ("email", "phone")}
    person = adding.already_here(**told)
    context = {"here": person, "here_href": person_href(str(person.uuid)) if person else ""}
    return render(request, "web/_person_here.html", context)


@require_GET
def around(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """GET people/<uuid>/origin: who referred them and whom they referred, and what plug-ins found."""
    return _around(request, living(uuid))


@require_POST
def referral(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST people/<uuid>/referrals: this person referred somebody (`email`, `name`)."""
    user = who_may("add people", request)
    person = living(uuid)
    email, name = (request.POST.get(part, "") for part in ("email", "name"))
    try:
        adding.refer(referrer=person, email=email, name=name, by=user, at=this_instant())
    except Refused as refusal:
        return _around(request, person, refusal)
    return _around(request, person)


@require_POST
def facts(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST people/<uuid>/facts: what we have of them is put right (`name`, `title`, `email`, `phone`, `country`)."""
    user = who_may("describe people", request)
    person = living(uuid)
    told = {name: request.POST.get(name, getattr(person, name)) for name in by_hand.FACTS}
    try:
        by_hand.put_right(person=person, told=told, by=user, at=this_instant())
    except Refused as refusal:
        return _around(request, person, refusal, told)
    messages.info(request, "It is put right; what was told before stays in the history.")
    return HttpResponse(headers={"HX-Redirect": person_href(str(person.uuid))})


@require_POST
def enrichment(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST people/<uuid>/enrichments: asks the plug-in `plugin`, or takes over `field` of the answer `answer`."""
    user = who_may("describe people", request)
    person = living(uuid)
    answer = request.POST.get("answer", "")
    try:
        if answer:
            number = whole_number(answer) or 0
            if not Enrichment.objects.filter(pk=number, person=person).exists():
                raise Refused("There is nothing of that name to take over.")
            field = request.POST.get("field", "")
            enriching.take_over(enrichment_id=number, field=field, by=user, at=this_instant())
        else:
            enriching.ask(person=person, plugin=request.POST.get("plugin", ""), by=user, at=this_instant())
    except Refused as refusal:
        return _around(request, person, refusal)
    return _around(request, living(uuid))


def _around(
    request: HttpRequest, person: Person, refusal: Refused | None = None, told: dict[str, str] | None = None
) -> HttpResponse:
    referrer, given = adding.referrals_of(person)
    plugins = {code: plugin.name for code, plugin in enriching.enrichers().items()}
    asked = list(Enrichment.objects.filter(person=person).order_by("-pk")[:5])
    user = request.user
    assert isinstance(user, User)
    lines, known = about.about(person)
    context = {
        "person": person,
        "now": this_instant(),
        "about": lines,
        "facts": known,
        "right": [(name, _LABELS[name], (told or {}).get(name, getattr(person, name))) for name in by_hand.FACTS],
        "is_open": told is not None,
        "may_describe": user.may("describe people"),
        "referrer": referrer if isinstance(referrer, Person) else None,
        "referrer_href": person_href(str(referrer.uuid)) if isinstance(referrer, Person) else "",
        "referrer_said": referrer if isinstance(referrer, str) else "",
        "given": [(each, person_href(str(each.person.uuid)) if each.person else "") for each in given],
        "plugins": plugins.items(),
        "asked": [(each, plugins.get(each.plugin, each.plugin), _facts(person, each)) for each in asked],
        "likely": [
            (each, each.right if each.left_id == person.pk else each.left) for each in doubles.suggested_for(person, 3)
        ],
        "is_waiting": any(each.answered_at is None for each in asked),
        "refusal": str(refusal) if refusal else "",
        "may_add": user.may("add people"),
    }
    status = 200 if refusal is None else 403 if isinstance(refusal, NotAllowed) else 409
    return render(request, "web/_person_origin.html", context, status=status)


_LABELS: Final = {"name": "Name", "title": "Role", "email": "E-mail", "phone": "Phone", "country": "Country"}


def _facts(person: Person, asked: Enrichment) -> list[tuple[str, str, Any, Any]]:
    """(field, its name in words, what the plug-in found, what we have) of each."""
    return [
        (field, about.in_words(field), value, enriching.ours(person, field)) for field, value in asked.facts.items()
    ]


def _written(request: HttpRequest) -> Written:
    return Written(**{name: request.POST.get(name, "").strip() for name in Written.__dataclass_fields__})
