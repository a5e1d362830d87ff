"""Forms as the public sees them: the hosted page, its JSON endpoint, and the thank-you page. No script is needed."""

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from rung.capture import forms, submitting
from rung.capture.models import Form
from rung.jobs.clock import now as this_instant
from rung.terms.instants import SECOND
from rung.ui.tables import address
from rung.web import shell
from rung.web.limits import Limit

SUBMISSIONS: Final = Limit("form", 60)
"""Submissions from one address in a quarter of an hour."""
FASTEST: Final = 2 * SECOND
"""Nobody fills a form sooner than that after opening it."""
_OPENED: Final = "form-opened"
_THANKED: Final = "form-thanked"
_LARGEST: Final = 64 * 1024
_COOKIE: Final = re.compile(r"[0-9a-f]{32}\Z")


@csrf_exempt  # anybody may send it from anywhere, so there is no session to protect
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def form(request: HttpRequest, slug: str) -> HttpResponse:
    """GET f/<slug> shows the form; POST takes the answers, from the page or as JSON (201, or 422 with the faults)."""
    found = _found(slug)
    if request.method != "POST":
        return _shown(request, found)
    is_json = request.content_type == "application/json"
    ip = request.META.get("REMOTE_ADDR", "")
    if SUBMISSIONS.is_reached(ip):
        faults = {"": "Too many answers came from your address: try again in a quarter of an hour."}
        return _wrong(request, found, {}, faults, 429, is_json=is_json)
    SUBMISSIONS.count(ip)
    answers = _answers(request, is_json=is_json)
    if answers is None:
        return _wrong(request, found, {}, {"": "The answers cannot be read."}, 422, is_json=is_json)
    opened = _opened(answers)
    if answers.get(forms.TRAP) or (not is_json and (opened is None or this_instant() - opened["at"] < FASTEST)):
        return _thanked(found, "", is_json=is_json)  # no person: thanked like everybody, and not recorded
    try:
        filled = submitting.submit(
            form=found,
            answers=answers,
            also=_also(request, answers),
            submission_id=(opened or {}).get("id") or _own_id(answers) or secrets.token_hex(16),
            at=this_instant(),
        )
    except forms.NotFilled as fault:
        return _wrong(request, found, answers, fault.faults, 422, is_json=is_json)
    return _thanked(found, filled.first_name, is_json=is_json)


@login_not_required
@never_cache
@require_GET
def thanks(request: HttpRequest, slug: str) -> HttpResponse:
    """GET f/<slug>/thanks?to=…: greets by the name that was told, from a signed address."""
    found = _found(slug)
    try:
        told = signing.loads(request.GET.get("to", ""), salt=_THANKED, max_age=7 * 86_400)
    except signing.BadSignature:
        told = {}
    definition = submitting.definition_of(found)
    context = {"form": definition, "thanks": definition.thanks, "first_name": told.get("name", "")}
    return shell.page(request, "web/form_thanks.html", context)


def _found(slug: str) -> Form:
    found = Form.objects.filter(slug=slug).first()
    if found is None:
        raise Http404
    return found


def _shown(
    request: HttpRequest,
    found: Form,
    answers: Mapping[str, Any] | None = None,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    definition = submitting.definition_of(found)
    told, wrong = answers or {}, faults or {}
    context = {
        "form": definition,
        "slug": found.slug,
        "fields": [(each, _text(told.get(each.name)), wrong.get(each.name, "")) for each in definition.fields],
        "refusal": wrong.get("", ""),
        "is_wrong": bool(wrong),
        "has_consented": bool(told.get("consent")),
        "hidden": _hidden(request, told),
        "trap": forms.TRAP,
    }
    return shell.page(request, "web/form.html", context, status=status)


def _wrong(
    request: HttpRequest,
    found: Form,
    answers: Mapping[str, Any],
    faults: Mapping[str, str],
    status: int,
    *,
    is_json: bool,
) -> HttpResponse:
    if is_json:
        return _open(JsonResponse({"errors": dict(faults)}, status=status))
    return _shown(request, found, answers, faults, status)


def _thanked(found: Form, first_name: str, *, is_json: bool) -> HttpResponse:
    to = signing.dumps({"name": first_name}, salt=_THANKED)
    where = address(reverse("form-thanks", args=[found.slug]), to=to)
    return _open(JsonResponse({"thanks": where}, status=201)) if is_json else HttpResponseRedirect(where, status=303)


def _open(response: HttpResponse) -> HttpResponse:
    """Any page may send a form as JSON; a visitor's cookies do not come along."""
    response["Access-Control-Allow-Origin"] = "*"
    return response


def _answers(request: HttpRequest, *, is_json: bool) -> dict[str, Any] | None:
    if not is_json:
        return {name: request.POST.get(name, "") for name in list(request.POST)[:100]}
    if len(request.body) > _LARGEST:
        return None
    try:
        told = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _hidden(request: HttpRequest, told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the page knows and the form brings along; a form that comes back with faults keeps what it had."""
    names = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
    kept = {name: _text(told.get(name)) or request.GET.get(name, "")[:250] for name in names}
    kept["referrer"] = _text(told.get("referrer")) or request.headers.get("Referer", "").partition("?")[0][:500]
    opened = {"id": secrets.token_hex(16), "at": this_instant()}
    kept["opened"] = _text(told.get("opened")) or signing.dumps(opened, salt=_OPENED)
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
