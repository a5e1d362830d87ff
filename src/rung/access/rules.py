"""Which role may do what: one table, and one question asked of it."""

from typing import Final

ROLES: Final = ("sales", "manager", "marketing", "revops", "admin")

_EVERYBODY: Final = frozenset(ROLES)
_SALES: Final = frozenset({"sales", "manager", "admin"})
_MARKETING: Final = frozenset({"marketing", "revops", "admin"})
_LEADERS: Final = frozenset({"manager", "revops", "admin"})
_REVOPS: Final = frozenset({"revops", "admin"})
_ADMIN: Final = frozenset({"admin"})

VERBS: Final[dict[str, frozenset[str]]] = {
    "see people": _EVERYBODY,
    "see playbook": _EVERYBODY,
    "describe people": _EVERYBODY,
    "see today": _EVERYBODY,
    "see team": _LEADERS,
    "answer hand-offs": _SALES,
    "take back answers": _SALES,
    "document hand-offs": _MARKETING,
    "log touches": _SALES | _MARKETING,
    "qualify": _SALES,
    "work deals": _SALES,
    "override stage": _LEADERS,
    "assign owner": _LEADERS,
    "import": _MARKETING,
    "undo import": _MARKETING,
    "export": _LEADERS | _MARKETING,
    "merge people": _LEADERS | _MARKETING,
    "void events": _REVOPS,
    "hold interview": _LEADERS | _MARKETING,
    "publish playbook": _REVOPS,
    "try playbook": _EVERYBODY,
    "propose playbook": _LEADERS | _MARKETING,
    "sign for marketing": frozenset({"marketing", "admin"}),
    "sign for sales": _SALES,
    "see capture": _MARKETING,
    "manage forms": _MARKETING,
    "manage webhooks": _MARKETING,
    "add people": _EVERYBODY,
    "replay events": _REVOPS,
    "see design": _REVOPS,
    "see audit": _LEADERS,
    "manage users": _ADMIN,
    "manage keys": _REVOPS,
    "name the firm": _ADMIN,
    "erase people": _ADMIN,
}
"""Verb → the roles that may; a verb that is not here belongs to nobody."""


KEY_KINDS: Final = ("publishable", "secret")
"""A publishable key stands in web pages: it appends events and fills what is empty. A secret one may do more."""


def source_of_key(name: str) -> str:
    """How the history names what a key of this name brings."""
    return f"key:{name}"


class Refused(Exception):
    """Somebody asked for what they may not have, or what cannot be done; the text is fit for them to read."""


class NotAllowed(Refused):
    """The role does not allow the verb."""


def may(role: str, verb: str) -> bool:
    """Whether the role allows the verb."""
    return role in VERBS.get(verb, frozenset())


def require(role: str, verb: str) -> None:
    """Raises NotAllowed, naming who may, unless the role allows the verb."""
    if not may(role, verb):
        allowed = [known for known in ROLES if may(known, verb)]
        raise NotAllowed(f"Your role ({role}) does not allow this: {verb}. Ask somebody in {' or '.join(allowed)}.")
