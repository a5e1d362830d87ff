"""Signing in by e-mail and password, by one click in the demo, and signing out."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from rung.access.models import User
from rung.web import limits, shell

WRONG: Final = "This address and password do not belong together. Check both; an admin can set a new password."
TOO_MANY: Final = "That was tried too often. Wait 15 minutes, or ask an admin for a new password."


@dataclass(frozen=True, slots=True)
class Face:
    """Somebody to be in the demo, and what they will see."""

    role: str
    job: str
    sees: str


FACES: Final = (
    Face("sales", "Sales", "The people waiting for an answer, why each of them is here, and what to ask next."),
    Face("marketing", "Marketing", "What sales answered and why, and which rule caused the hand-offs they rejected."),
    Face("manager", "Sales manager", "What is about to be late and whose it is; the ladder, and its weakest step."),
    Face("revops", "Revenue operations", "The playbook: read it, change it, see in words what changes, publish it."),
)


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """GET shows the form, POST signs in. Somebody signed in goes home."""
    if request.method == "POST":
        return _try(request)
    if request.user.is_authenticated:
        return redirect(_next(request))
    return _form(request)


@login_not_required
@require_POST
def face(request: HttpRequest, role: str) -> HttpResponse:
    """POST sign-in/faces/<role>: be that person, in the demo only."""
    if not settings.RUNG_DEMO or role not in {known.role for known in FACES}:
        raise Http404
    user = User.objects.filter(is_demo=True, is_active=True, role=role).order_by("pk").first()
    if user is None:
        raise Http404
    return _welcome(request, user)


@require_POST
@login_not_required
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign-in")


def _try(request: HttpRequest) -> HttpResponse:
    email = request.POST.get("email", "").strip().lower()[:254]
    password = request.POST.get("password", "")[:1000]
    address = limits.caller(request)
    pair = f"{address} {email}"
    if limits.PAIR.is_reached(pair) or limits.ADDRESS.is_reached(address) or limits.ACCOUNT.is_reached(email):
        return _form(request, error=TOO_MANY, email=email, status=429)
    user = authenticate(request, username=email, password=password) if "\x00" not in email + password else None
    if not isinstance(user, User):
        for limit, what in ((limits.PAIR, pair), (limits.ADDRESS, address), (limits.ACCOUNT, email)):
            limit.count(what)
        return _form(request, error=WRONG, email=email, status=422)
    limits.PAIR.forget(pair)
    return _welcome(request, user)


def _welcome(request: HttpRequest, user: User) -> HttpResponse:
    # `login` makes a new session key, so a key that was planted before is worth nothing.
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponseRedirect(_next(request))


def _form(request: HttpRequest, *, error: str = "", email: str = "", status: int = 200) -> HttpResponse:
    context = {"error": error, "email": email, "next": _next(request, default=""), "faces": _faces()}
    return shell.page(request, "web/sign_in.html", context, status=status)


def _faces() -> list[dict[str, str]]:
    if not settings.RUNG_DEMO:
        return []
    known: dict[str, User] = {}
    for user in User.objects.filter(is_demo=True, is_active=True).order_by("pk"):
        known.setdefault(user.role, user)
    return [
        {"role": face.role, "name": known[face.role].name, "job": face.job, "sees": face.sees}
        for face in FACES
        if face.role in known
    ]


def _next(request: HttpRequest, default: str = "/") -> str:
    """Where to go after: an address of this house only."""
    told = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(told, allowed_hosts=None) and not urlsplit(told).netloc
    return told if told.startswith("/") and safe else default
