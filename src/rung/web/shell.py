"""The frame around every page: which places there are for this user, and the one function that renders a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from rung.access.models import User
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.ui.context import look


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to go. `name` is the route's name: a place without a route is not shown, so no link is dead."""

    name: str
    label: str
    icon: str
    verb: str
    keys: str = ""
    on_phone: bool = True


PLACES: Final[tuple[tuple[str, tuple[Place, ...]], ...]] = (
    (
        "",
        (
            Place("home", "Today", "today", "see today", "t"),
            Place("team", "Team", "people", "see team", "m", on_phone=False),
        ),
    ),
    (
        "Know",
        (
            Place("ladder", "Ladder", "ladder", "see people", "l"),
            Place("people", "People", "people", "see people", "p"),
            Place("companies", "Companies", "company", "see people", "c"),
            Place("feedback", "Feedback", "insight", "see people", "f", on_phone=False),
        ),
    ),
    (
        "Run",
        (
            Place("playbook", "Playbook", "playbook", "see playbook", "b"),
            Place("forms", "Forms", "form", "manage forms", "o", on_phone=False),
            Place("capture", "Capture", "bolt", "see capture", "n", on_phone=False),
            Place("imports", "Imports", "import", "import", "i", on_phone=False),
        ),
    ),
    ("", (Place("design", "Design kit", "eye", "see design", "d", on_phone=False),)),
)

ROLE_LABELS: Final = {
    "sales": "Sales",
    "manager": "Manager",
    "marketing": "Marketing",
    "revops": "RevOps",
    "admin": "Admin",
}


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    place: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render a page in the frame. `place` is the name of the place it belongs to.

    Every template may use `now` (micros) and `viewer`; both are set here so that one page tells one time.
    """
    viewer = request.user
    frame: dict[str, Any] = {**look(request), "now": this_instant(), "viewer": viewer}
    if isinstance(viewer, User):
        frame |= {
            # Asked only where the frame shows it; a page that has read the playbook says it itself.
            "firm": SimpleLazyObject(lambda: published.in_force().playbook.name),
            "navigation": navigation(viewer, place),
            "role_label": ROLE_LABELS.get(viewer.role, viewer.role),
            "commands": _commands(viewer),
            "bell": reverse("notifications"),
        }
    return render(request, template, {**frame, **(context or {})}, status=status)


def navigation(user: User, current: str = "") -> list[tuple[str, list[dict[str, Any]]]]:
    """The places that exist and that this user may see, in groups; groups without a place are left out."""
    groups = []
    for label, places in PLACES:
        shown = [shown for place in places if user.may(place.verb) and (shown := _shown(place, current))]
        if shown:
            groups.append((label, shown))
    return groups


def _commands(user: User) -> list[dict[str, str]]:
    """What the palette can do beside going somewhere."""
    commands = []
    if user.may("add people"):
        commands.append({"code": "add-person", "href": reverse("people-new"), "icon": "plus", "label": "Add somebody",
                         "words": "new person lead quick add manual"})  # fmt: skip
    if user.may("merge people"):
        commands.append({"code": "doubles", "href": reverse("people-matches"), "icon": "merge",
                         "label": "Likely doubles", "words": "duplicates same person merge match review"})  # fmt: skip
    if user.may("manage forms"):
        commands.append({"code": "new-form", "href": reverse("forms"), "icon": "form", "label": "Make a form",
                         "words": "new form builder"})  # fmt: skip
    if user.may("manage webhooks"):
        commands.append({"code": "webhooks", "href": reverse("webhooks"), "icon": "link", "label": "Webhooks",
                         "words": "door booking chat badge list webinar"})  # fmt: skip
    return commands


def _shown(place: Place, current: str) -> dict[str, Any] | None:
    try:
        href = reverse(place.name)
    except NoReverseMatch:
        return None
    return {
        "code": place.name,
        "href": href,
        "label": place.label,
        "icon": place.icon,
        "keys": place.keys,
        "on_phone": place.on_phone,
        "is_current": place.name == current,
    }
