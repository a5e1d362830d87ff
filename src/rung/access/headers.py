"""The headers that every page carries: a strict content policy, and nothing that lets another site look in."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)


EMBEDDABLE: Final = POLICY.replace("frame-ancestors 'none'", "frame-ancestors *")


def embeddable(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For a page that any site may show in a frame: it must know nobody's session and change nothing of ours by it."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        response = view(request, *args, **more)
        response.headers["Content-Security-Policy"] = EMBEDDABLE
        return response

    return shown


class SecurityHeaders:
    """Sets the policy unless a page set a stricter one of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        return response
