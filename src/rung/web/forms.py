"""Forms as the public sees them: the hosted page, its JSON endpoint, and the thank-you page. No script is needed."""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from rung.access.actions import Refused
from rung.access.headers import embeddable
from rung.access.queries import firm_name
from rung.capture.forms import answers as answering
from rung.capture.forms import building, promising, recognising, submitting
from rung.capture.forms import definitions as forms
from rung.capture.forms.definitions import Definition
from rung.capture.models import Form
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.terms.instants import SECOND
from rung.ui.tables import address
from rung.web import shell
from rung.web.limits import Limit, caller

SUBMISSIONS: Final = Limit("form", 60)
"""Submissions from one address in a quarter of an hour."""
VIEWS: Final = Limit("form-view", 1)
"""An address is counted as one view of a form in that time."""
CONFIRMATIONS: Final = Limit("form-confirmation", 60)
FASTEST: Final = 2 * SECOND
"""Nobody fills a form sooner than that after opening it."""
_OPENED: Final = "form-opened"
_THANKED: Final = "form-thanked"
LARGEST: Final = 64 * 1024
_COOKIE: Final = re.compile(r"[0-9a-f]{32}\Z")
_ROBOT: Final = re.compile(r"bot|crawl|spider|preview|monitor|headless|curl|wget|python", re.IGNORECASE)


@csrf_exempt  # anybody may send it from anywhere, so there is no session to protect
@login_not_required
@never_cache
@embeddable
@require_http_methods(["GET", "HEAD", "POST", "OPTIONS"])
def form(request: HttpRequest, slug: str) -> HttpResponse:
    """GET f/<slug> shows the form; POST takes the answers, from the page or as JSON (201, or 422 with the faults).
    OPTIONS is what a browser asks before it sends JSON for another site's page."""
    found, definition = _found(slug)
    if request.method == "OPTIONS":
        return _may_be_sent()
    if request.method != "POST":
        _seen(request, found)
        return _shown(request, found, definition)
    is_json = request.content_type == "application/json"
    wrong = _Wrong(request, found, definition, is_json)
    ip = caller(request)
    if SUBMISSIONS.is_reached(ip):
        return wrong.said({}, {"": "Too many answers came from your address: try again in a quarter of an hour."}, 429)
    SUBMISSIONS.count(ip)
    answers = _answers(request, is_json=is_json)
    if answers is None:
        return wrong.said({}, {"": "The answers cannot be read."})
    opened = _opened(answers)
    is_embedded = bool(answers.get("embed"))
    if answers.get(forms.TRAP) or (not is_json and (opened is None or this_instant() - opened["at"] < FASTEST)):
        # no person: thanked like everybody, and not recorded
        return _thanked(found, {"name": ""}, is_json=is_json, is_embedded=is_embedded)
    at = this_instant()
    try:
        filled = submitting.submit(
            form=found,
            answers=answers,
            also=_also(request, answers),
            submission_id=(opened or {}).get("id") or _own_id(answers) or secrets.token_hex(16),
            at=at,
            asked=(opened or {}).get("asks"),
        )
    except answering.NotFilled as fault:
        return wrong.said(answers, fault.faults)
    except submitting.NotPublished as refusal:
        return wrong.said({}, {"": str(refusal)}, 409)
    told = {"name": filled.first_name, "at": at, "confirm": filled.must_confirm}
    return _thanked(found, told, is_json=is_json, is_embedded=is_embedded)


@login_not_required
@never_cache
@embeddable
@require_GET
def thanks(request: HttpRequest, slug: str) -> HttpResponse:
    """GET f/<slug>/thanks?to=…: greets by the name that was told, from a signed address."""
    _, definition = _found(slug)
    try:
        told = signing.loads(request.GET.get("to", ""), salt=_THANKED, max_age=7 * 86_400)
    except signing.BadSignature:
        told = {}
    at = told.get("at")
    context = {
        "form": definition,
        "thanks": definition.thanks,
        "first_name": told.get("name", ""),
        "must_confirm": told.get("confirm", False),
        "by_when": promising.said(definition, published.playbook(), at) if isinstance(at, int) else "",
        "is_embedded": bool(request.GET.get("embed")),
    }
    return _page(request, "web/form_thanks.html", context)


@csrf_exempt  # the link itself is the proof; there is no session
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirmation(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """GET f/<slug>/confirmation/<token> shows what was agreed to; POST confirms it."""
    found = Form.objects.filter(slug=slug).first()
    if found is None:
        raise Http404
    at, ip = this_instant(), caller(request)
    context: dict[str, Any] = {"waiting": None}
    if CONFIRMATIONS.is_reached(ip):
        return _page(request, "web/form_confirmation.html", context, status=429)
    waiting = submitting.waiting_for(form=found, token=token[:100], at=at)
    if waiting is None:
        CONFIRMATIONS.count(ip)
        return _page(request, "web/form_confirmation.html", context, status=404)
    if request.method == "POST":
        try:
            waiting = submitting.confirm(form=found, token=token, at=at)
        except Refused as refusal:
            return _page(request, "web/form_confirmation.html", {**context, "refusal": str(refusal)}, status=409)
    return _page(request, "web/form_confirmation.html", {"waiting": waiting})


def _page(request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    """A page of the firm, under its name: visitors know nothing of Rung."""
    return shell.page(request, template, {**context, "firm": firm_name()}, status=status)


def _found(slug: str) -> tuple[Form, Definition]:
    found = Form.objects.filter(slug=slug).first()
    definition = building.published_definition(found) if found else None
    if found is None or definition is None:
        raise Http404
    return found, definition


def _seen(request: HttpRequest, found: Form) -> None:
    """Counts the view, unless a program looks or this address looked a moment ago."""
    who = f"{found.pk}:{caller(request)}"
    if request.method != "GET" or _ROBOT.search(request.headers.get("User-Agent", "")) or VIEWS.is_reached(who):
        return
    VIEWS.count(who)
    submitting.count_view(form=found, at=this_instant())


def _shown(
    request: HttpRequest,
    found: Form,
    definition: Definition,
    answers: Mapping[str, Any] | None = None,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    told, wrong = answers or {}, faults or {}
    asks = _asks(request, definition, told)
    context = {
        "form": definition,
        "slug": found.slug,
        "fields": [
            (each, _text(told.get(each.name)), wrong.get(each.name, ""))
            for each in definition.fields
            if each.name in asks
        ],
        "refusal": wrong.get("", ""),
        "is_wrong": bool(wrong),
        "boxes": [
            (each, told.get(each.name) in (True, "yes", "on"), wrong.get(each.name, "")) for each in definition.consents
        ],
        "hidden": _hidden(request, told, asks),
        "is_embedded": bool(told.get("embed") or request.GET.get("embed")),
        "trap": forms.TRAP,
    }
    return _page(request, "web/form.html", context, status=status)


def _asks(request: HttpRequest, definition: Definition, told: Mapping[str, Any]) -> list[str]:
    """The questions on the page; a form that comes back with faults asks what it asked."""
    opened = _opened(told)
    names = [each.name for each in definition.fields]
    if opened is not None and isinstance(opened.get("asks"), list):
        return [name for name in names if name in opened["asks"]]
    visitor = _also(request, {"rung_id": request.GET.get("rung_id", "")})["anonymous_id"]
    return [each.name for each in forms.asked(definition, recognising.known(definition, visitor))]


@dataclass(frozen=True, slots=True)
class _Wrong:
    """How a form says that it cannot take the answers: as it was asked."""

    request: HttpRequest
    found: Form
    definition: Definition
    is_json: bool

    def said(self, answers: Mapping[str, Any], faults: Mapping[str, str], status: int = 422) -> HttpResponse:
        if self.is_json:
            return _open(JsonResponse({"errors": dict(faults)}, status=status))
        return _shown(self.request, self.found, self.definition, answers, faults, status)


def _thanked(found: Form, told: Mapping[str, Any], *, is_json: bool, is_embedded: bool) -> HttpResponse:
    to = signing.dumps(dict(told), salt=_THANKED)
    where = address(reverse("form-thanks", args=[found.slug]), to=to, embed="1" if is_embedded else None)
    return _open(JsonResponse({"thanks": where}, status=201)) if is_json else HttpResponseRedirect(where, status=303)


def _open(response: HttpResponse) -> HttpResponse:
    """Any page may send a form as JSON; a visitor's cookies do not come along."""
    response["Access-Control-Allow-Origin"] = "*"
    return response


def _may_be_sent() -> HttpResponse:
    response = _open(HttpResponse(status=204))
    response["Access-Control-Allow-Methods"] = "POST"
    response["Access-Control-Allow-Headers"] = "content-type"
    response["Access-Control-Max-Age"] = "7200"
    return response


def _answers(request: HttpRequest, *, is_json: bool) -> dict[str, Any] | None:
    if not is_json:
        return {name: request.POST.get(name, "") for name in list(request.POST)[:100]}
    if len(request.body) > LARGEST:
        return None
    try:
        told = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _hidden(request: HttpRequest, told: Mapping[str, Any], asks: Sequence[str]) -> list[tuple[str, str]]:
    """What the page knows and the form brings along; a form that comes back with faults keeps what it had."""
    names = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "rung_id", "embed")
    kept = {name: _text(told.get(name)) or request.GET.get(name, "")[:250] for name in names}
    asked_from = request.GET.get("referrer", "") or request.headers.get("Referer", "")
    kept["referrer"] = _text(told.get("referrer")) or asked_from.partition("?")[0][:500]
    opened = {"id": secrets.token_hex(16), "at": this_instant(), "asks": list(asks)}
    kept["opened"] = _text(told.get("opened")) if _opened(told) else signing.dumps(opened, salt=_OPENED)
    return [(name, value) for name, value in kept.items() if value and "\0" not in value]


def _opened(answers: Mapping[str, Any]) -> dict[str, Any] | None:
    """When the form was opened, and the id that makes it count once however often it is sent."""
    try:
        told = signing.loads(_text(answers.get("opened")), salt=_OPENED, max_age=86_400)
    except signing.BadSignature:
        return None
    return told if isinstance(told, dict) else None


def _own_id(answers: Mapping[str, Any]) -> str:
    """A program may name its submission itself, so that sending it twice counts once."""
    told = _text(answers.get("id"))
    return told if re.fullmatch(r"[A-Za-z0-9._:-]{8,64}", told) else ""


def _also(request: HttpRequest, answers: Mapping[str, Any]) -> dict[str, str]:
    names = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "referrer")
    also = {name: _text(answers.get(name))[:500] for name in names}
    cookie = request.COOKIES.get("rung_id", "") or _text(answers.get("rung_id"))
    return {**also, "anonymous_id": cookie if _COOKIE.match(cookie) else ""}


def _text(value: object) -> str:
    return value if isinstance(value, str) else "on" if value is True else ""
