"""Segment's message shapes, translated into the lines of a history."""

from collections.abc import Mapping
from typing import Final

from rung.terms.kinds import Door, kind_of_track

TYPES: Final = ("identify", "track", "page", "screen", "group", "alias")
_PAGE_FIELDS: Final = ("path", "url", "title", "referrer", "search")
_CAMPAIGN_FIELDS: Final = ("source", "medium", "term", "content")


class NotTranslated(ValueError):
    """A Segment message that says nothing Rung can record; the text says why."""


def lines_of(message: Mapping[str, object], door: Door) -> list[dict[str, object]]:
    """The history lines one message stands for: one, or for `group` with traits two.

    The lines hold what the message holds, unchecked: whoever calls reads them like any other line. Segment's clients
    write null for "absent", and numbers where an id is meant; both are taken as they are meant.
    """
    type_ = message.get("type")
    if type_ not in TYPES:
        raise NotTranslated(f"type {str(type_)[:40]!r} is none of {', '.join(TYPES)}")
    if type_ == "alias":
        raise NotTranslated("alias joins two identities, which a history does with persons_merged: write that instead")
    context = _mapping(message, "context")
    line: dict[str, object] = {
        "person": _identity(message.get("userId")) or _identity(message.get("anonymousId")),
        "at": message.get("timestamp"),
        "id": message.get("messageId"),
        "company": _identity(context.get("groupId")),
    }
    if type_ == "group":
        return _group(message, line)
    if type_ == "identify":
        return [{**line, "kind": "person_identified", "data": _mapping(message, "traits")}]
    if type_ == "track":
        return [{**line, **_track(message, door)}]
    return [{**line, "kind": "page_viewed", "data": _page(message, context)}]


def _track(message: Mapping[str, object], door: Door) -> dict[str, object]:
    name = message.get("event")
    if not isinstance(name, str) or not name.strip():
        raise NotTranslated("track without event: name what happened in the field event")
    kind = kind_of_track(name, door)
    data = _mapping(message, "properties")
    return {"kind": kind, "data": {**data, "event": name} if kind == "custom" else data}


def _page(message: Mapping[str, object], context: Mapping[str, object]) -> dict[str, object]:
    """The page's properties, then what only its context tells: where it was and which campaign led there."""
    page, campaign = _mapping(context, "page"), _mapping(context, "campaign")
    told = {
        "name": message.get("name"),
        "category": message.get("category"),
        **{field: page.get(field) for field in _PAGE_FIELDS},
        "utm_campaign": campaign.get("name"),
        **{f"utm_{field}": campaign.get(field) for field in _CAMPAIGN_FIELDS},
    }
    return {**{field: value for field, value in told.items() if value is not None}, **_mapping(message, "properties")}


def _group(message: Mapping[str, object], line: dict[str, object]) -> list[dict[str, object]]:
    """The person belongs to the company from now on; its traits describe the company, once for all colleagues."""
    company = _identity(message.get("groupId"))
    if company is None:
        raise NotTranslated("group without groupId: name the company")
    belongs = {**line, "kind": "person_described", "company": company, "data": {}}
    traits = _mapping(message, "traits")
    if not traits:
        return [belongs]
    return [belongs, {"kind": "company_described", "at": line["at"], "company": company, "data": traits}]


def _identity(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return str(value).strip() or None


def _mapping(holder: Mapping[str, object], name: str) -> dict[str, object]:
    value = holder.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise NotTranslated(f"{name} is a {type(value).__name__}: an object is allowed")
    return value
