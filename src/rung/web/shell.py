"""The frame around every page: which places there are for this user, and the one function that renders a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
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


@dataclass(frozen=True, slots=True)
class Shown:
    """A place as the frame shows it to somebody."""

    place: Place
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Command:
    """Something the palette can do; `words` are what it is found by."""

    code: str
    href: str
    icon: str
    label: str
    words: str


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

COMMANDS: Final = (
    ("add people", "add-person", "people-new", "plus", "Add somebody", "new person lead quick add manual"),
    ("add people", "add-company", "companies-new", "plus", "Add a company", "new firm account organisation manual"),
    (
        "merge people",
        "doubles",
        "people-matches",
        "merge",
        "Likely doubles",
        "duplicates same person merge match review",
    ),
    ("manage forms", "new-form", "forms", "form", "Make a form", "new form builder"),
    ("manage webhooks", "webhooks", "webhooks", "link", "Webhooks", "door booking chat badge list webinar"),
)
"""What the palette can do beside going somewhere: verb, code, route, icon, label, and the words it is found by."""

ROLE_LABELS: Final = {
    "sales": "Sales",
    "manager": "Manager",
    "marketing": "Marketing",
    "revops": "RevOps",
    "admin": "Admin",
}


def done(request: HttpRequest, words: str, *, undo: str, **fields: object) -> None:
    """A toast on the next page that says what was done, with a button that takes it back: a POST of the fields to the
    address `undo`."""
    messages.info(request, words, extra_tags=f"undo {undo}?{urlencode(fields)}")


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


Navigation = tuple[tuple[str, tuple[Shown, ...]], ...]


def navigation(user: User, current: str = "") -> Navigation:
    """The places that exist and that this user may see, in groups; groups without a place are left out."""
    groups = []
    for label, places in PLACES:
        shown = tuple(shown for place in places if user.may(place.verb) and (shown := _shown(place, current)))
        if shown:
            groups.append((label, shown))
    return tuple(groups)


def _commands(user: User) -> tuple[Command, ...]:
    """What the palette can do beside going somewhere."""
    return tuple(
        Command(code, _href(name), icon, label, words)
        for verb, code, name, icon, label, words in COMMANDS
        if user.may(verb)
    )


def _shown(place: Place, current: str) -> Shown | None:
    href = _href(place.name)
    return Shown(place, href, place.name == current) if href else None


@cache
def _href(name: str) -> str:
    """The address of a route; empty where there is none."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
