"""Users come, change and go; every act is written into the audit log in the same transaction."""

import hashlib
import json
from collections.abc import Mapping
from typing import Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from rung.access import rules
from rung.access.models import Audit, FirmName, Team, User
from rung.access.rules import NotAllowed, Refused
from rung.jobs import locks
from rung.jobs.actions import enqueue
from rung.terms.values import BadValue, clean_text

__all__ = ["By", "NotAllowed", "Refused", "add_user", "audited", "change_user", "name_firm", "name_of", "require"]

By = User | str
"""Who acts: a user, or the name of a part of the house ("system", "import:4")."""

USER_CHANGED: Final = "user changed"
"""The job by which other rooms follow."""
_LONGEST_NAME: Final = 254
_LONGEST_FIRM: Final = 100


def name_of(by: By) -> str:
    """How the history and the audit log name whoever acts: a user's e-mail, or the name given."""
    return (by if isinstance(by, str) else by.email)[:_LONGEST_NAME]


def require(by: By, verb: str) -> None:
    """Raises NotAllowed unless `by` may; parts of the house may everything."""
    if isinstance(by, User):
        if not by.is_active:
            raise NotAllowed("Your account has been closed.")
        rules.require(by.role, verb)


def audited(*, by: By, verb: str, object: str, data: Mapping[str, object], at: int) -> Audit:
    """Appends to the audit log, in the caller's transaction or one of its own; each row hashes the one before too."""
    with transaction.atomic():
        locks.hold()
        last = Audit.objects.order_by("-seq").first()
        row = Audit(
            at=at,
            by=name_of(by),
            verb=verb,
            object=object[:_LONGEST_NAME],
            data=dict(data),
            previous_hash=last.hash if last else "",
        )
        row.hash = hash_of(row)
        row.save(force_insert=True)
    return row


def hash_of(row: Audit) -> str:
    """The hash a row must have: over all it says and the hash of the row before."""
    said = [row.previous_hash, row.at, row.by, row.verb, row.object, row.data]
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def add_user(
    *,
    email: str,
    role: str,
    by: By,
    at: int,
    name: str = "",
    team: str = "",
    password: str | None = None,
    is_demo: bool = False,
) -> User:
    """A new user, who can sign in once there is a password. Raises Refused for what cannot be."""
    require(by, "manage users")
    email = email.strip().lower()
    _check_email(email)
    _check_role(role)
    with transaction.atomic():
        if User.objects.filter(email=email).exists():
            raise Refused(f"There is a user {email} already.")
        user = User(
            email=email, name=name.strip() or email.partition("@")[0], role=role, created_at=at, is_demo=is_demo
        )
        user.team = Team.objects.get_or_create(name=team)[0] if team else None
        _set_password(user, password)
        user.save(force_insert=True)
        audited(by=by, verb="added user", object=email, data={"role": role, "team": team}, at=at)
    return user


def change_user(
    *,
    user: User,
    by: By,
    at: int,
    role: str | None = None,
    team: str | None = None,
    is_active: bool | None = None,
    password: str | None = None,
) -> User:
    """Another role, team ("" = none) or password, or the end of an account; all sessions of the user end.

    What the user has in hand follows by a job: clocks by the calendar of the team, desks of whoever leaves sales.
    """
    require(by, "manage users")
    changed: dict[str, object] = {}
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        if role is not None:
            _check_role(role)
            user.role = changed["role"] = role
        if team is not None:
            user.team = Team.objects.get_or_create(name=team.strip())[0] if team.strip() else None
            changed["team"] = team.strip()
        if is_active is not None:
            user.is_active = changed["is_active"] = is_active
        if password is not None:
            _set_password(user, password)
            changed["password"] = "changed"
        _check_an_admin_is_left(user)
        user.save()
        row = audited(by=by, verb="changed user", object=user.email, data=changed, at=at)
        if changed.keys() - {"password"}:
            enqueue(kind=USER_CHANGED, key=f"{USER_CHANGED} {row.seq}", payload={"user": user.pk}, at=at)
    return user


def name_firm(*, name: str, by: By, at: int) -> str:
    """The name under which forms and mails go out from now on; an empty one gives that of the environment back."""
    require(by, "name the firm")
    try:
        name = " ".join(clean_text(name, "the name", _LONGEST_FIRM).split())
    except BadValue:
        raise Refused(f"That cannot be the firm's name: write up to {_LONGEST_FIRM} characters.") from None
    with transaction.atomic():
        audited(by=by, verb="named the firm", object="", data={"name": name}, at=at)
        FirmName.objects.all().delete()
        if name:
            FirmName.objects.create(name=name)
    return name


def _check_email(email: str) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise Refused(f"{email!r} is not an e-mail address.") from None


def _check_role(role: str) -> None:
    if role not in rules.ROLES:
        raise Refused(f"{role!r} is not a role: choose one of {', '.join(rules.ROLES)}.")


def _set_password(user: User, password: str | None) -> None:
    if password is not None:
        try:
            validate_password(password, user)
        except ValidationError as fault:
            raise Refused(" ".join(fault.messages)) from None
    user.set_password(password)


def _check_an_admin_is_left(user: User) -> None:
    if user.role == "admin" and user.is_active:
        return
    if not User.objects.filter(role="admin", is_active=True).exclude(pk=user.pk).exists():
        was_admin = User.objects.filter(pk=user.pk, role="admin", is_active=True).exists()
        if was_admin:
            raise Refused("This is the last admin: make somebody else admin first.")
