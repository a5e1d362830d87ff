"""What capture keeps: imported files, how far the inbox was taken in, what came and what was refused."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from rung.lifecycle.models import Import


class ImportedFile(models.Model):
    """A file of an import; `sha256` tells when the same file comes again."""

    of = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=254)
    sha256 = models.CharField(max_length=64, db_index=True)

    def __str__(self) -> str:
        return f"{self.name} {self.sha256[:12]}"


class InboxPosition(models.Model):
    """How far an inbox file has been taken in: everything up to `number` is in the history, or refused."""

    inbox_id = models.CharField(max_length=32, primary_key=True)
    number = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.inbox_id[:8]} up to {self.number}"


class CaptureCount(models.Model):
    """How many events came in an hour, and what became of them: received = accepted + duplicate + refused, always.

    `outcome` is "received", "accepted", "duplicate", or a reason of `messages.REASONS`.
    """

    hour_at = models.BigIntegerField()
    source = models.CharField(max_length=100, blank=True)
    outcome = models.CharField(max_length=40)
    number = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour_at", "source", "outcome"], name="capture_count_once")]

    def __str__(self) -> str:
        return f"{self.number} {self.outcome}"


class Arrival(models.Model):
    """One of the latest messages that came, for the live feed; older ones are forgotten."""

    received_at = models.BigIntegerField()
    source = models.CharField(max_length=100, blank=True)
    said = models.CharField(max_length=200)
    outcome = models.CharField(max_length=40)
    event_seq = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.said} ({self.outcome})"


class RefusedEvent(models.Model):
    """What was refused, as it came, so that a person can read it and, when the cause is gone, take it in after all."""

    received_at = models.BigIntegerField()
    sent_at = models.BigIntegerField(null=True)
    source = models.CharField(max_length=100, blank=True)
    door = models.CharField(max_length=20, blank=True)
    message_id = models.CharField(max_length=200)
    has_gpc = models.BooleanField(default=False)
    reason = models.CharField(max_length=40)
    words = models.CharField(max_length=1000)
    count = models.IntegerField(default=1)
    body = models.BinaryField()
    replayed_at = models.BigIntegerField(null=True)
    replayed_by = models.CharField(max_length=254, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["reason", "id"], name="refused_reason"),
            models.Index(fields=["source", "id"], name="refused_source"),
        ]

    def __str__(self) -> str:
        return f"{self.reason}: {self.words[:40]}"


class Form(models.Model):
    """A form at /f/<slug>; `definition` is what `capture.forms` reads, as it was saved last.

    The public sees the version `published`; None: nobody sees it. `version` is the number of the last one.
    """

    slug = models.CharField(max_length=60, unique=True)
    definition = models.TextField()
    version = models.IntegerField(default=1)
    published = models.IntegerField(null=True)
    created_at = models.BigIntegerField()
    changed_at = models.BigIntegerField()
    changed_by = models.CharField(max_length=254)

    def __str__(self) -> str:
        return self.slug


class FormVersion(models.Model):
    """A form as it was saved once; never changed, so that every answer can be read beside what was asked."""

    form = models.ForeignKey(Form, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    definition = models.TextField()
    saved_at = models.BigIntegerField()
    saved_by = models.CharField(max_length=254)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["form", "number"], name="form_version_once")]

    def __str__(self) -> str:
        return f"{self.form_id} version {self.number}"


class FormViews(models.Model):
    """How often a form was opened on a day, each address once in a quarter of an hour."""

    form = models.ForeignKey(Form, on_delete=models.CASCADE, related_name="views")
    day_at = models.BigIntegerField()
    number = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["form", "day_at"], name="form_views_once")]

    def __str__(self) -> str:
        return f"{self.number} on {self.day_at}"


class FormSubmission(models.Model):
    """One set of answers that was taken. What was said is in the history, under `message_id` of the source form:<slug>.

    `token` (a SHA-256) is what the link in the mail must carry, where something that was agreed to waits for it.
    """

    form = models.ForeignKey(Form, on_delete=models.CASCADE, related_name="submissions")
    version = models.IntegerField()
    message_id = models.CharField(max_length=200)
    submitted_at = models.BigIntegerField()
    token = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["form", "message_id"], name="form_submission_once")]
        indexes = [
            models.Index(fields=["form", "submitted_at"], name="form_submission_at"),
            models.Index(fields=["token"], name="form_submission_token"),
        ]

    def __str__(self) -> str:
        return self.message_id


class FormConsent(models.Model):
    """One text that was agreed to with a form: the proof. It counts from `confirmed_at` on; None: it still waits."""

    submission = models.ForeignKey(FormSubmission, on_delete=models.CASCADE, related_name="consents")
    purpose = models.CharField(max_length=20)
    text = models.TextField()
    version = models.CharField(max_length=12)
    confirmed_at = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.purpose} {self.version}"


class Webhook(models.Model):
    """A secret address at which a program tells what people did. `mapping` is what `hook_mapping` reads."""

    name = models.CharField(max_length=60, unique=True)
    token = models.CharField(max_length=64, unique=True)
    """The SHA-256 of the address's last part; a closed one has another."""
    mapping: Any = models.JSONField(default=dict)
    secret = models.CharField(max_length=200, blank=True, default="")
    """With what the program signs its messages; whoever signs otherwise is turned away. Empty: it signs nothing."""
    created_at = models.BigIntegerField()
    created_by = models.CharField(max_length=254)
    closed_at = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return self.name

    @property
    def source(self) -> str:
        return f"webhook:{self.name}"


class HookMessage(models.Model):
    """One of the latest messages that came to a webhook, whole; what was refused can be taken in again."""

    OUTCOMES = ("accepted", "duplicate", "passed", "refused")

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="messages")
    received_at = models.BigIntegerField()
    content_type = models.CharField(max_length=100, blank=True)
    body = models.BinaryField()
    outcome = models.CharField(max_length=20)
    words = models.CharField(max_length=1000, blank=True)
    events = models.IntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["webhook", "outcome", "id"], name="hook_message_outcome")]

    def __str__(self) -> str:
        return f"{self.webhook_id} {self.outcome}"


class Enrichment(models.Model):
    """A question to a plug-in about somebody, and what it answered: shown beside what we have."""

    person = models.ForeignKey("people.Person", on_delete=models.CASCADE, related_name="+")
    plugin = models.CharField(max_length=200)
    asked_at = models.BigIntegerField()
    asked_by = models.CharField(max_length=254)
    answered_at = models.BigIntegerField(null=True)
    facts: Any = models.JSONField(default=dict)
    fault = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["person", "id"], name="enrichment_person")]

    def __str__(self) -> str:
        return f"{self.plugin} on {self.person_id}"


class Upload(models.Model):
    """A table somebody uploaded, from its first look to its import. The file itself lies under a random name."""

    STATES = ("mapping", "trying", "tried", "running", "done", "failed")

    uuid = models.UUIDField(unique=True)
    name = models.CharField(max_length=254)
    """As it was called where it came from: shown, never opened."""
    stored_as = models.CharField(max_length=60)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=10, default="mapping", choices=[(state, state) for state in STATES])
    header: Any = models.JSONField(default=list)
    tables: Any = models.JSONField(default=list)
    """Of a workbook with several tables: each one's `tab` and `header`, in their order."""
    sample: Any = models.JSONField(default=list)
    choices: Any = models.JSONField(default=dict)
    foreseen: Any = models.JSONField(default=dict)
    rows_done = models.IntegerField(default=0)
    decided = models.IntegerField(default=0)
    error = models.CharField(max_length=1000, blank=True)
    is_again = models.BooleanField(default=False)
    brought = models.ForeignKey(Import, null=True, on_delete=models.CASCADE, related_name="uploads")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["-created_at"], name="upload_latest")]

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"


class LearnedMapping(models.Model):
    """What somebody said that the columns of a header mean, for the next file with the same ones."""

    print = models.CharField(max_length=64, unique=True)
    """Of the kind of table and the columns' names, whatever their order and case."""
    choices: Any = models.JSONField(default=dict)
    learned_by = models.CharField(max_length=254)
    learned_at = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.print[:12]} by {self.learned_by}"
