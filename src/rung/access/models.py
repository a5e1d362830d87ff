"""Users, teams, API keys and the audit log."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.crypto import salted_hmac

from rung.access import rules


class Team(models.Model):
    """People who share their work: a team sees its own hand-offs."""

    name = models.CharField(max_length=100, unique=True)

    def __str__(self) -> str:
        return self.name


class User(AbstractBaseUser):
    """Somebody of ours who signs in by e-mail."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=20, choices=[(role, role) for role in rules.ROLES])
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="members")
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    created_at = models.BigIntegerField()

    objects = BaseUserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []

    def __str__(self) -> str:
        return self.name or self.email

    def get_session_auth_hash(self) -> str:
        """What a session must match: it ends when the password, the role or the account's state changes."""
        said = f"{self.password}|{self.role}|{self.team_id}|{self.is_active}"
        return salted_hmac("rung.access.session", said, algorithm="sha256").hexdigest()

    def get_session_auth_fallback_hash(self) -> list[str]:
        """No older keys: a changed secret key signs everybody out."""
        return []

    def may(self, verb: str) -> bool:
        """Whether this user's role allows the verb (`rules.VERBS`)."""
        return self.is_active and rules.may(self.role, verb)


class ApiKey(models.Model):
    """A key with which a site or a program writes, kept by its SHA-256.

    `name` is the source under which its events stand in the history. Keys of one name are one source, so that a key
    can be changed for another without counting an event twice.
    """

    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=20, choices=[(kind, kind) for kind in rules.KEY_KINDS])
    sha256 = models.CharField(max_length=64, unique=True)
    shown = models.CharField(max_length=80)
    """A publishable key whole; of a secret one only how it begins."""
    created_at = models.BigIntegerField()
    created_by = models.CharField(max_length=254)
    revoked_at = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["name"], name="api_key_name")]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"

    @property
    def source(self) -> str:
        return rules.source_of_key(self.name)


class FirmName(models.Model):
    """The firm's own name, as an admin wrote it: one row, or none while that of the environment holds."""

    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Audit(models.Model):
    """Who did what, in the order it was done. Append only; each row's hash covers the row before it."""

    seq = models.BigAutoField(primary_key=True)
    at = models.BigIntegerField()
    by = models.CharField(max_length=254)
    verb = models.CharField(max_length=60)
    object = models.CharField(max_length=254, blank=True)
    data: Any = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        indexes = [
            models.Index(fields=["at"], name="audit_at"),
            models.Index(fields=["object", "seq"], name="audit_object"),
        ]

    def __str__(self) -> str:
        return f"{self.by} {self.verb} {self.object}"
