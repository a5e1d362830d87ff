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
