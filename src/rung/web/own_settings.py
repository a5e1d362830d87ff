"""Settings: how one hears of news by mail."""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from rung.access.models import User
from rung.access.rules import Refused
from rung.handoff import mailing
from rung.jobs.clock import now as this_instant
from rung.web import shell

HOWS: Final = (
    ("at_once", "At once", "A mail for each thing, the moment it happens."),
    ("digest", "Each morning", f"One mail from {mailing.MORNING} in the morning, with what you have not seen by then."),
    ("never", "Never", "Only the bell in the top bar."),
)


@require_http_methods(["GET", "POST"])
def own_settings(request: HttpRequest) -> HttpResponse:
    """GET settings; POST settings {mail}: one's own, nobody else's."""
    user = request.user
    assert isinstance(user, User)
    refusal = ""
    if request.method == "POST":
        try:
            mailing.wish(how=request.POST.get("mail", ""), by=user, at=this_instant())
            messages.success(request, "Kept.")
            return redirect("settings")
        except Refused as fault:
            refusal = str(fault)
    how = mailing.wish_of(user)
    said = next(label for code, label, _ in HOWS if code == how)
    context = {"hows": HOWS, "how": how, "refusal": refusal, "said": said, "email": user.email}
    return shell.page(request, "web/settings.html", context, place="settings", status=409 if refusal else 200)
