"""Figures that are dear to compute, definitions that were tried, and those that are proposed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
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


class Backtest(models.Model):
    """A definition that somebody wants tried, and what came of it. Instants are microseconds UTC.

    `result people curve` are those of `engine.backtest` and `engine.exploring`, as JSON: made once, never changed.
    """

    STATES = ("asked", "running", "done", "failed")

    uuid = models.UUIDField(unique=True)
    key = models.CharField(max_length=64, db_index=True)
    """Equal for wishes that say the same: the answer to the first is the answer to all while the history is warm."""
    old_text = models.TextField()
    old_version = models.CharField(max_length=64)
    new_text = models.TextField()
    new_version = models.CharField(max_length=64)
    start_at = models.BigIntegerField(null=True)
    subset = models.CharField(max_length=1024, blank=True)
    vary = models.CharField(max_length=300, blank=True)
    """One number and its values, as `rung backtest --vary` takes them; empty for a backtest."""
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.BigIntegerField()
    is_kept = models.BooleanField(default=False)
    """Whether it stays when its week is over: somebody keeps it, or a proposal rests on it."""
    state = models.CharField(max_length=8, default="asked", choices=[(state, state) for state in STATES])
    said = models.CharField(max_length=200, blank=True)
    """What is being done, while it runs."""
    done = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    error = models.TextField(blank=True)
    """Why it failed, in words for whoever asked."""
    attempts = models.IntegerField(default=0)
    lease_until = models.BigIntegerField(default=0)
    done_at = models.BigIntegerField(null=True)
    took = models.BigIntegerField(null=True)
    """Microseconds of replaying and counting."""
    as_of = models.BigIntegerField(null=True)
    headline = models.CharField(max_length=300, blank=True)
    result: Any = models.JSONField(null=True)
    people: Any = models.JSONField(null=True)
    curve: Any = models.JSONField(null=True)
    texts: Any = models.JSONField(null=True)
    """Of a comparison: the texts of all definitions; what came of it is in `comparison`."""
    comparison: Any = models.JSONField(null=True)
    misleading: Any = models.JSONField(null=True)
    """Of a run that leaves out line after line: `engine.misleading`; who is behind it is in `people`."""

    class Meta:
        indexes = [models.Index(fields=["state", "asked_at"], name="backtest_waiting")]

    def __str__(self) -> str:
        return f"{self.new_version[:12]} against {self.old_version[:12]}"


class Proposal(models.Model):
    """A playbook that somebody proposes: its text with the signatures it has so far, and what became of it."""

    STATES = ("open", "asked", "withdrawn", "replaced")
    """`asked`: put in force by the worker, or being put in force; the playbook in force says which."""

    uuid = models.UUIDField(unique=True)
    text = models.TextField()
    version = models.CharField(max_length=64, db_index=True)
    name = models.CharField(max_length=200)
    trial = models.ForeignKey(Backtest, null=True, on_delete=models.SET_NULL, related_name="proposals")
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    proposed_at = models.BigIntegerField()
    state = models.CharField(max_length=10, default="open", choices=[(state, state) for state in STATES])
    closed_at = models.BigIntegerField(null=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return f"{self.name} {self.version[:12]}"


class ProposalSignature(models.Model):
    """One side's signature under a proposal, by a user of that side."""

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="signatures")
    side = models.CharField(max_length=10)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signed_at = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["proposal", "side"], name="side_signs_once")]

    def __str__(self) -> str:
        return f"{self.side}: {self.user_id}"
