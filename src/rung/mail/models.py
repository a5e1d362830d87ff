"""What was sent, to be found again by its Message-ID."""

from __future__ import annotations

from django.db import models


class Sent(models.Model):
    """A mail of ours. `key` says what it is about, once; `person_id` is whom it went to, None for one of ours.

    The id as it was then: whoever was merged since lives on under another.
    """

    message_id = models.CharField(max_length=120, unique=True)
    key = models.CharField(max_length=200, unique=True)
    person_id = models.BigIntegerField(null=True, db_index=True)
    to = models.CharField(max_length=320)
    sent_at = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.key} to {self.to}"
