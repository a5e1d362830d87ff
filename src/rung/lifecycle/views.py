"""Lists of people that somebody keeps under a name, for themselves or for their team."""

from typing import Final

from django.db import transaction
from django.db.models import Q

from rung.access.actions import Refused, audited, require
from rung.access.models import User
from rung.lifecycle.models import SavedView

MOST: Final = 30
"""How many one person may keep: more than that is no row of tabs any more."""


def views_for(user: User) -> list[SavedView]:
    """Those the user keeps and those their team shares, by name; one query."""
    seen = Q(user=user) | (Q(team_id=user.team_id) if user.team_id is not None else Q())
    return list(SavedView.objects.filter(seen).select_related("user").order_by("name", "pk"))


def keep(
    *, name: str, where: str, text: str, sort: str, is_anonymous: bool, is_shared: bool, by: User, at: int
) -> SavedView:
    """Keeps the list under the name, in place of one of the user's own that was called so. Raises Refused."""
    require(by, "see people")
    name = " ".join(name.split())
    if not 1 <= len(name) <= 60:
        raise Refused("Give the view a name of at most 60 characters.")
    if is_shared and by.team_id is None:
        raise Refused("You are in no team to share it with.")
    with transaction.atomic():
        others = SavedView.objects.filter(user=by).exclude(name=name)
        if others.count() >= MOST:
            raise Refused(f"You keep {MOST} views already: forget one first.")
        asked = {"where": where, "text": text, "sort": sort, "is_anonymous": is_anonymous}
        view, _ = SavedView.objects.update_or_create(
            user=by, name=name, defaults={**asked, "team_id": by.team_id if is_shared else None, "created_at": at}
        )
        audited(by=by, verb="kept view", object=name, data={**asked, "is_shared": is_shared}, at=at)
    return view


def forget(*, view_id: int, by: User, at: int) -> SavedView:
    """Forgets one of the user's own views. Raises Refused for one that is not theirs."""
    with transaction.atomic():
        view = SavedView.objects.filter(pk=view_id, user=by).first()
        if view is None:
            raise Refused("Only whoever kept a view can forget it.")
        view.delete()
        audited(by=by, verb="forgot view", object=view.name, data={"where": view.where}, at=at)
    return view
