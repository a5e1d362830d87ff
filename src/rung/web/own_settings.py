"""Settings: how one hears of news by mail; for admins, the firm's name."""

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from rung.access.actions import name_firm
from rung.access.models import User
from rung.access.queries import firm_name
from rung.access.rules import Refused
from rung.handoff import mailing
from rung.jobs.clock import now as this_instant
from rung.web import shell
from rung.web.asked import who_may

HOWS: Final = (
    ("at_once", "At once", "A mail for each thing, the moment it happens."),
    ("digest", "Each morning", f"One mail from {mailing.MORNING} in the morning, with what you have not seen by then."),
    ("never", "Never", "Only the bell in the top bar."),
)


@require_http_methods(["GET", "POST"])
def own_settings(request: HttpRequest) -> HttpResponse:
    """GET settings; POST settings {mail}: one's own, nobody else's."""
    refusal = ""
    if request.method == "POST":
        try:
            mailing.wish(how=request.POST.get("mail", ""), by=_user(request), at=this_instant())
            messages.success(request, "Kept.")
            return redirect("settings")
        except Refused as fault:
            refusal = str(fault)
    return _page(request, {"refusal": refusal}, status=409 if refusal else 200)


@require_POST
def firm(request: HttpRequest) -> HttpResponse:
    """POST settings/firm {name}: what forms and mails call the firm; empty is what the environment says."""
    user = who_may("name the firm", request)
    name = request.POST.get("name", "")
    try:
        kept = name_firm(name=name, by=user, at=this_instant())
    except Refused as fault:
        return _page(request, {"firm_refusal": str(fault)}, status=409)
    messages.success(request, f"Forms and mails go out as {kept}." if kept else "The name is that of the installation.")
    return redirect("settings")


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _page(request: HttpRequest, more: Mapping[str, str], *, status: int) -> HttpResponse:
    user = _user(request)
    how = mailing.wish_of(user)
    said = next(label for code, label, _ in HOWS if code == how)
    context = {"hows": HOWS, "how": how, "said": said, "email": user.email, **more}
    if user.may("name the firm"):
        context |= {"is_namer": True, "firms_name": firm_name(), "told_firm": settings.RUNG_FIRM}
    return shell.page(request, "web/settings.html", context, place="settings", status=status)
