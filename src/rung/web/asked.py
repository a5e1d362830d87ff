"""What nearly every page reads of a request: whether the asker may, and a whole number."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from rung.access.models import User


def who_may(verb: str, request: HttpRequest) -> User:
    """Whoever asks, if they may do it. Raises PermissionDenied, which is a page with 403."""
    user = request.user
    if not isinstance(user, User) or not user.may(verb):
        raise PermissionDenied
    return user


def whole_number(text: str, *, digits: int = 18) -> int | None:
    """The number from 0 up that the text is, of so many digits at the most; None for anything else.

    Eighteen digits are what both databases keep.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None
