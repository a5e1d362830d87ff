"""The event log. Append only: a database trigger refuses UPDATE and DELETE outside an erasure."""

from __future__ import annotations

from typing import Any

from django.db import models


class Event(models.Model):
    """Something that happened. Instants are microseconds UTC.

    `person_id` and `company_id` are as the event arrived; a merge never changes them (`people.Alias` says who lives).
    `at` is the effective time, `occurred_at sent_at` as told, `received_at` our clock.
    """

    seq = models.BigAutoField(primary_key=True)
    person_id = models.BigIntegerField(null=True)
    company_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=40)
    at = models.BigIntegerField()
    occurred_at = models.BigIntegerField(null=True)
    sent_at = models.BigIntegerField(null=True)
    received_at = models.BigIntegerField()
    source = models.CharField(max_length=100)
    message_id = models.CharField(max_length=200)
    by = models.CharField(max_length=254, blank=True)
    data: Any = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "message_id"], name="event_once")]
        indexes = [
            models.Index(fields=["person_id", "at", "seq"], name="event_person"),
            models.Index(
                fields=["company_id", "at"], name="event_company", condition=models.Q(company_id__isnull=False)
            ),
            models.Index(fields=["kind", "at"], name="event_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


class Struck(models.Model):
    """An event that no longer counts: voided, or brought by an undone import.

    `by_seq` is the event that says so; of an import that is undone its number, negative: it is said when all is done.
    """

    seq = models.BigIntegerField(primary_key=True)
    by_seq = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return f"{self.seq} by {self.by_seq}"


class Erasing(models.Model):
    """Rows exist only inside an erasure's transaction: while one does, the triggers let events be changed."""

    started_at = models.BigIntegerField()

    def __str__(self) -> str:
        return f"since {self.started_at}"
