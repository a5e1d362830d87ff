"""Figures that are dear to compute, kept for a few minutes."""

from __future__ import annotations

from typing import Any

from django.db import models


class Snapshot(models.Model):
    """The figures of one report by one generation, as of `computed_at` (microseconds UTC): a cache, never a source."""

    report = models.CharField(max_length=40)
    generation_id = models.BigIntegerField()
    computed_at = models.BigIntegerField()
    figures: Any = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "generation_id"], name="snapshot_once")]

    def __str__(self) -> str:
        return f"{self.report} {self.generation_id}"


class Interview(models.Model):
    """One SLA interview: the playbook it began with, the answers so far, and the evidence read when it began.

    `answers` is `rung.playbook.interview.Answers`, `evidence` a mapping of questions to `rung.insight.evidence`, both
    as JSON. `evidence` is null until the worker has read the history.
    """

    uuid = models.UUIDField(unique=True)
    started_at = models.BigIntegerField()
    started_by = models.CharField(max_length=254)
    text = models.TextField()
    version = models.CharField(max_length=64)
    answers: Any = models.JSONField(default=dict)
    changed_at = models.BigIntegerField()
    evidence: Any = models.JSONField(null=True)
    evidence_at = models.BigIntegerField(null=True)
    proposed_at = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-started_at"], name="interview_started")]

    def __str__(self) -> str:
        return f"{self.uuid} of {self.version[:12]}"
