"""Addresses of things, for pages that link to one another."""

from functools import cache
from typing import Final

from django.urls import reverse

from rung.ui.tables import address

_NIL: Final = "00000000-0000-0000-0000-000000000000"


def person_href(uuid: str) -> str:
    return _pattern("person").replace(_NIL, uuid)


def company_href(uuid: str) -> str:
    return _pattern("company").replace(_NIL, uuid)


def people_href(where: str = "", **parts: str | None) -> str:
    """The people for whom the condition holds: every number opens its people."""
    return address(reverse("people"), where=where, **parts)


@cache
def _pattern(name: str) -> str:
    # A list has a hundred of these; asking the routes for each costs as much as reading its rows.
    return reverse(name, args=[_NIL])
