"""Who is referred: whoever a referral names is told of, too, so that it stands on both people's pages. Pure."""

from dataclasses import replace

from rung.lifecycle.rules import NewEvent
from rung.people.rules import Keys, is_role_address, normal_email


def told_of(event: NewEvent, *, by: str) -> NewEvent | None:
    """What the referral `event`, of whoever is known as `by`, says of the one it names by an address; None for any
    other event, and for one that names nobody. Who is known already keeps what is known of them."""
    if event.kind != "referral_given":
        return None
    named = event.data.get("referred") or event.data.get("email")
    email = normal_email(named) if isinstance(named, str) else None
    if email is None or is_role_address(email) or email == normal_email(by):
        return None
    name = event.data.get("name")
    data = {"email": email, "referred_by": by, "source": "referral"}
    if isinstance(name, str) and name.strip():
        data["name"] = name
    return replace(
        event, kind="person_described", person=None, keys=Keys(email=email), data=data, company=None, fills_only=True
    )
