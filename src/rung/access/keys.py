"""API keys: made and shown once, looked up by their hash, revoked."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet

from rung.access import rules
from rung.access.actions import By, audited, name_of, require
from rung.access.models import ApiKey
from rung.access.rules import Refused

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}\Z")
_LETTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PREFIX: Final = {"publishable": "rung_pub_", "secret": "rung_sec_"}
_LENGTH: Final = 32
"""Letters of 62: 190 bits, which is why a fast hash is right."""


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A new key: `text` is shown now and never again."""

    key: ApiKey
    text: str


def add_key(*, name: str, kind: str, by: By, at: int) -> MadeKey:
    """A new key. One of a name that is there already continues the same source; both hold until one is revoked."""
    require(by, "manage keys")
    name = name.strip()
    if not _NAME.match(name):
        raise Refused(f"{name[:60]!r} cannot be a key's name: use up to 60 of a-z, 0-9, dot and dash, as in web-site.")
    if kind not in rules.KEY_KINDS:
        raise Refused(f"{kind[:40]!r} is no kind of key: choose publishable or secret.")
    if ApiKey.objects.filter(name=name).exclude(kind=kind).exists():
        raise Refused(f"{name} is the name of a key of the other kind: choose another name.")
    text = _PREFIX[kind] + "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    shown = text if kind == "publishable" else text[: len(_PREFIX[kind]) + 4]
    with transaction.atomic():
        key = ApiKey.objects.create(
            name=name, kind=kind, sha256=hash_of_key(text), shown=shown, created_at=at, created_by=name_of(by)
        )
        audited(by=by, verb="added key", object=f"key {key.pk}", data={"name": name, "kind": kind}, at=at)
    return MadeKey(key, text)


def revoke_key(*, key_id: int, by: By, at: int) -> ApiKey:
    """From now on nothing comes in with this key."""
    require(by, "manage keys")
    with transaction.atomic():
        key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
        if key is None:
            raise Refused(f"There is no key {key_id}.")
        if key.revoked_at is not None:
            raise Refused(f"Key {key_id} ({key.name}) was revoked before.")
        key.revoked_at = at
        key.save(update_fields=["revoked_at"])
        audited(by=by, verb="revoked key", object=f"key {key.pk}", data={"name": key.name, "kind": key.kind}, at=at)
    return key


def all_keys() -> QuerySet[ApiKey]:
    """All keys, those that hold first, the latest first."""
    return ApiKey.objects.order_by(F("revoked_at").asc(nulls_first=True), "-pk")


def keys_in_force() -> dict[str, ApiKey]:
    """Hash → key, of all that hold."""
    return {key.sha256: key for key in ApiKey.objects.filter(revoked_at=None)}


def hash_of_key(text: str) -> str:
    """The SHA-256 under which a key is kept."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
