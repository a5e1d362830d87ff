"""What is to be done later, and which scheduled runs were started."""

from __future__ import annotations

from typing import Any

from django.db import models


class Outbox(models.Model):
    """One thing to do later, written in the transaction that asks for it, claimed under a lease.

    `key` makes it happen once: a second row with the same key is never written.
    """

    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=200, unique=True)
    payload: Any = models.JSONField(default=dict)
    created_at = models.BigIntegerField()
    run_after = models.BigIntegerField()
    lease_until = models.BigIntegerField(default=0)
    attempts = models.IntegerField(default=0)
    worker = models.CharField(max_length=100, blank=True)
    done_at = models.BigIntegerField(null=True)
    failed_at = models.BigIntegerField(null=True)
    last_error = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["run_after", "id"],
                name="outbox_waiting",
                condition=models.Q(done_at__isnull=True, failed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class ScheduledRun(models.Model):
    """A schedule's turn that was taken: two workers cannot take the same."""

    schedule = models.CharField(max_length=60)
    run_at = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["schedule", "run_at"], name="scheduled_run_once")]

    def __str__(self) -> str:
        return f"{self.schedule} at {self.run_at}"
