"""Persons, companies, the keys that identify them, and which id lives on as which.

The typed columns hold the first 250 characters of a value, which PostgreSQL can always index; `traits` holds it whole.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models


class Company(models.Model):
    """A company, known by its key: the lower-case domain where it has one, else its name as told."""

    uuid = models.UUIDField(unique=True)
    key = models.CharField(max_length=250, unique=True)
    name = models.CharField(max_length=250, blank=True)
    domain = models.CharField(max_length=253, blank=True)
    traits: Any = models.JSONField(default=dict)
    first_seen_at = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["name", "key"], name="company_name_key")]

    def __str__(self) -> str:
        return self.name or self.key


class Person(models.Model):
    """Somebody we know of. `uuid` is the id outside; instants are microseconds UTC.

    `company_since_at` and `company_since_seq` are the event that began the present belonging: colleagues are reached in
    that order.
    """

    uuid = models.UUIDField(unique=True)
    name = models.CharField(max_length=250, blank=True)
    email = models.CharField(max_length=320, blank=True)
    phone = models.CharField(max_length=250, blank=True)
    title = models.CharField(max_length=250, blank=True)
    country = models.CharField(max_length=250, blank=True)
    company = models.ForeignKey(
        Company, null=True, blank=True, on_delete=models.PROTECT, related_name="people", db_index=False
    )
    company_since_at = models.BigIntegerField(null=True)
    company_since_seq = models.BigIntegerField(null=True)
    source = models.CharField(max_length=250, blank=True)
    campaign = models.CharField(max_length=250, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="owned_people",
        db_index=False,
    )
    traits: Any = models.JSONField(default=dict)
    is_anonymous = models.BooleanField(default=False)
    is_merged = models.BooleanField(default=False)
    first_seen_at = models.BigIntegerField()
    last_event_at = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["email"], name="person_email"),
            # Search looks for the beginning of any word of a name: it reads this index through, and no row.
            models.Index(fields=["name", "email"], name="person_name_email"),
            models.Index(fields=["company", "company_since_at", "company_since_seq"], name="person_company_since"),
            models.Index(fields=["first_seen_at"], name="person_first_seen"),
            models.Index(fields=["source"], name="person_source"),
            models.Index(fields=["owner"], name="person_owner", condition=models.Q(owner__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.called

    @property
    def called(self) -> str:
        """What pages call them: never empty, though many are known by a number or an id alone."""
        return called(self.name, self.email, self.phone, self.uuid)


def called(name: str, email: str, phone: str, uuid: UUID) -> str:
    """`Person.called` of a row of columns."""
    return name or email or phone or f"Visitor {str(uuid)[-6:]}"


class _Trait(models.Model):
    """One value of one field, for filters: exactly one of text, number, truth is set; a list has a row per item.

    `is_item` sets those rows apart: a list of one text is not that text.

    `word` is the first 100 characters of `text`: short enough to index on PostgreSQL whatever the script, and equal to
    the whole text whenever it is shorter than 100.
    """

    field = models.CharField(max_length=200)
    text = models.CharField(max_length=1000, null=True)
    word = models.CharField(max_length=100, null=True)
    number = models.FloatField(null=True)
    truth = models.BooleanField(null=True)
    is_item = models.BooleanField(default=False)

    class Meta:
        abstract = True


class Trait(_Trait):
    """A person's trait beyond name, e-mail, phone, title and country."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="trait_rows", db_constraint=False)

    class Meta:
        indexes = [
            models.Index(fields=["field", "word"], name="trait_word"),
            models.Index(fields=["field", "number"], name="trait_number", condition=models.Q(number__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.field}"


class CompanyTrait(_Trait):
    """A company's trait."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="trait_rows", db_constraint=False)

    class Meta:
        indexes = [
            models.Index(fields=["field", "word"], name="company_trait_word"),
            models.Index(
                fields=["field", "number"], name="company_trait_number", condition=models.Q(number__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.company_id} {self.field}"


class Identity(models.Model):
    """A key that names a person; it names the person it was given to, whoever lives on as whom."""

    KINDS = ("user_id", "email", "phone", "anonymous_id")

    kind = models.CharField(max_length=20, choices=[(kind, kind) for kind in KINDS])
    value = models.CharField(max_length=320)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="identities")
    since_at = models.BigIntegerField()
    by_import = models.BigIntegerField(null=True)
    """The number of the import that gave it: undoing that takes it away again."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "value"], name="identity_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class AlsoTold(models.Model):
    """Who else told a key that an import gave, once each, and of whom: that holds when the import is undone."""

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="also_told")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    by_import = models.BigIntegerField(null=True)
    """The import that told it, too; none for what came in at any other door."""
    since_at = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.identity_id} of {self.person_id}"


class Alias(models.Model):
    """A merged person: `into` is the one it was merged into, `living` the one at the end of the chain."""

    old = models.OneToOneField(Person, primary_key=True, on_delete=models.CASCADE, related_name="alias")
    into = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="merged_directly")
    living = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="merged")

    def __str__(self) -> str:
        return f"{self.old_id} → {self.living_id}"


class Suggestion(models.Model):
    """Two people who are likely one, and why; `left` is the one known longer.

    `answer` is "different" once somebody said so: that is remembered. A pair that became one keeps its row, which is
    shown again should they be two again.
    """

    ANSWERS = ("", "different")

    left = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    right = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="likely_same")
    odds = models.FloatField()
    """So many to one."""
    reason = models.CharField(max_length=500)
    found_at = models.BigIntegerField()
    answer = models.CharField(max_length=10, blank=True, choices=[(answer, answer) for answer in ANSWERS])
    answered_by = models.CharField(max_length=254, blank=True)
    answered_at = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["left", "right"], name="suggestion_once")]
        indexes = [models.Index(fields=["answer", "-odds", "id"], name="suggestion_likeliest")]

    def __str__(self) -> str:
        return f"{self.left_id} = {self.right_id}?"


class Block(models.Model):
    """A block somebody stands in: `key` is a hash of what its people share. Only who shares one is compared."""

    key = models.BigIntegerField()
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "person"], name="block_once")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.key}"


class Learnt(models.Model):
    """What the last sweep learnt of everybody, for the checks of single people until the next one."""

    at = models.BigIntegerField()
    model: Any = models.JSONField()

    def __str__(self) -> str:
        return f"learnt at {self.at}"
