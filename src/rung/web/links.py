"""Addresses of things, for pages that link to one another."""

from django.urls import NoReverseMatch, reverse

from rung.ui.tables import address


def person_href(uuid: str) -> str:
    """Empty as long as there is no page of a person."""
    try:
        return reverse("person", args=[uuid])
    except NoReverseMatch:
        return ""


def company_href(uuid: str) -> str:
    return reverse("company", args=[uuid])


def people_href(where: str = "", **parts: str | None) -> str:
    """The people for whom the condition holds: every number opens its people."""
    return address(reverse("people"), where=where, **parts)
