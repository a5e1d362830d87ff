"""What people see when something is not as it should be: what happened, what still works, what to do."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rung.ui.context import look


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(
        request,
        400,
        "This request could not be read",
        "Nothing was changed. The address or the form was damaged on its way.",
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    words = str(exception) if exception and str(exception) else "Your role does not open this page."
    return _page(request, 403, "This is not yours to open", f"{words} Nothing was changed.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(
        request,
        404,
        "There is nothing at this address",
        "It may have been merged, erased, or mistyped. Search finds people by name, address or company.",
    )


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(
        request,
        403,
        "This form is too old to be sent",
        "You may have signed in again in another window. Nothing was changed. "
        "Go back, load the page anew, send it again.",
    )


def failed(request: HttpRequest) -> HttpResponse:
    return _page(
        request,
        500,
        "This went wrong on our side",
        "What you entered may not have been kept; everything recorded before is safe. "
        "Try again in a moment. If it happens again, tell whoever runs Rung the time and this address.",
    )


def _page(request: HttpRequest, status: int, title: str, words: str) -> HttpResponse:
    # No database and no user here: these pages must come out when everything else fails.
    context: dict[str, Any] = {
        **look(request),
        "status": status,
        "heading": title,
        "words": words,
        "path": request.path,
    }
    return render(request, "web/error.html", context, status=status)
