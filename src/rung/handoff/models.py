"""Whose desk a hand-off lies on and why, the clocks that run, and who of ours can take what."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from rung.access.models import Team
from rung.lifecycle.models import Handoff
from rung.people.models import Person


class Assignment(models.Model):
    """A hand-off on somebody's desk. Instants are microseconds UTC.

    It outlives the first answer: what sales returns lies with marketing until it is handed over again. `owner` is
    whoever must act next on the side of sales; nobody, while the queue is "nobody".
    """

    QUEUES = ("sales", "marketing", "nobody", "done")

    handoff = models.OneToOneField(Handoff, primary_key=True, on_delete=models.CASCADE, related_name="assignment")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="assignments")
    lane = models.CharField(max_length=12)
    queue = models.CharField(max_length=10, choices=[(queue, queue) for queue in QUEUES])
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="desk")
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, related_name="desk")
    because = models.CharField(max_length=300, blank=True)
    """Why this owner, or why nobody."""
    lacking: Any = models.JSONField(default=list)
    """What marketing has yet to document, in the playbook's words."""
    note = models.CharField(max_length=1000, blank=True)
    """What was said when it went back to marketing."""
    assigned_at = models.BigIntegerField()
    ended_at = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["queue", "owner", "person"],
                name="assignment_waiting",
                condition=models.Q(ended_at__isnull=True),
            ),
            models.Index(fields=["person"], name="assignment_person", condition=models.Q(ended_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.handoff_id} {self.queue}"


class AnswerGiven(models.Model):
    """An answer of sales and the desk as it was before, so that it can be taken back. The answer itself is an event."""

    event_seq = models.BigIntegerField(primary_key=True)
    message_id = models.CharField(max_length=200, db_index=True)
    """The answer's, by which it is voided."""
    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="answers")
    answer = models.CharField(max_length=10)
    by = models.CharField(max_length=254, blank=True)
    answered_at = models.BigIntegerField()
    undone_at = models.BigIntegerField(null=True)

    queue = models.CharField(max_length=10)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    because = models.CharField(max_length=300, blank=True)
    note = models.CharField(max_length=1000, blank=True)
    assigned_at = models.BigIntegerField()
    clock = models.ForeignKey("Clock", null=True, on_delete=models.SET_NULL, related_name="+")
    """The clock that the answer stopped."""
    sequence: Any = models.JSONField(default=dict)
    """The sequence that the answer ended, with what was left of it."""

    class Meta:
        indexes = [models.Index(fields=["assignment", "event_seq"], name="answer_given")]

    def __str__(self) -> str:
        return f"{self.assignment_id} {self.answer}"


class Clock(models.Model):
    """One duty of sales with its time: to answer a hand-off, to make the first touch, to answer a reply.

    `warn_at` is the share of the time at which the duty escalates.
    """

    KINDS = ("answer", "touch", "reply")

    kind = models.CharField(max_length=10, choices=[(kind, kind) for kind in KINDS])
    assignment = models.ForeignKey(Assignment, null=True, on_delete=models.CASCADE, related_name="clocks")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="clocks")
    lane = models.CharField(max_length=12, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="clocks")
    event_seq = models.BigIntegerField(null=True)
    """What started it, where that was an event: a reply."""
    started_at = models.BigIntegerField()
    due_at = models.BigIntegerField(null=True)
    warn_at = models.BigIntegerField(null=True)
    warned_at = models.BigIntegerField(null=True)
    breached_at = models.BigIntegerField(null=True)
    paused_at = models.BigIntegerField(null=True)
    """Since when it stands still; it neither warns nor is late then."""
    stopped_at = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "assignment", "started_at"], name="clock_once"),
            models.UniqueConstraint(fields=["kind", "event_seq"], name="clock_of_event_once"),
        ]
        indexes = [
            models.Index(fields=["owner", "due_at"], name="clock_desk", condition=models.Q(stopped_at__isnull=True)),
            models.Index(
                fields=["warn_at"],
                name="clock_to_warn",
                condition=models.Q(stopped_at__isnull=True, warned_at__isnull=True),
            ),
            models.Index(
                fields=["due_at"],
                name="clock_to_breach",
                condition=models.Q(stopped_at__isnull=True, breached_at__isnull=True),
            ),
            models.Index(fields=["person"], name="clock_person", condition=models.Q(stopped_at__isnull=True)),
            models.Index(fields=["kind", "started_at"], name="clock_started"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.person_id}"


class Pause(models.Model):
    """A time in which a clock stood still for a meeting; until `latest_at` where nobody says how the meeting went."""

    clock = models.ForeignKey(Clock, on_delete=models.CASCADE, related_name="pauses")
    from_at = models.BigIntegerField()
    until_at = models.BigIntegerField(null=True)
    latest_at = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["clock", "from_at"], name="pause_once")]
        indexes = [models.Index(fields=["latest_at"], name="pause_running", condition=models.Q(until_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.clock_id} from {self.from_at}"


class Reckoning(models.Model):
    """By which playbook's times and calendar the running clocks of a line were computed last."""

    line = models.CharField(max_length=40, primary_key=True)
    version = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.line} {self.version[:12]}"


class Rep(models.Model):
    """What one of ours takes: countries, skills, how many that wait at most; `turn` is the number of the last one."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE)
    countries: Any = models.JSONField(default=list)
    skills: Any = models.JSONField(default=list)
    capacity = models.IntegerField(null=True)
    turn = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.user_id)


class Absence(models.Model):
    """Days on which somebody gets no new hand-offs: from and until, both included, in the playbook's zone."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="absences")
    from_date = models.DateField()
    until_date = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["until_date", "from_date"], name="absence_days")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.from_date} to {self.until_date}"


class Carried(models.Model):
    """A line of the playbook that had points in a hand-off when it opened.

    `is_decisive`: without this line's points the person would not have been handed over then.
    """

    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="carried")
    line = models.CharField(max_length=200)
    is_fit = models.BooleanField()
    points = models.FloatField()
    is_decisive = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["handoff", "is_fit", "line"], name="carried_once")]
        indexes = [models.Index(fields=["line", "handoff"], name="carried_line")]

    def __str__(self) -> str:
        return f"{self.line} of {self.handoff_id}"


class SequenceRun(models.Model):
    """A sequence of the playbook that goes on with somebody, until they answer; one at a time a person."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="sequences")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sequences")
    sequence = models.CharField(max_length=100)
    started_at = models.BigIntegerField()
    ended_at = models.BigIntegerField(null=True)
    because = models.CharField(max_length=200, blank=True)
    """Why it ended, in words."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person"], condition=models.Q(ended_at__isnull=True), name="one_sequence_a_person"
            )
        ]
        indexes = [models.Index(fields=["person", "started_at"], name="sequence_person")]

    def __str__(self) -> str:
        return f"{self.sequence} of {self.person_id}"


class Task(models.Model):
    """Something one of ours means to do with a person: a call, a mail, a meeting. What was done is an event.

    Without a person it is about the house's own agreement, and `href` says where it is done.
    """

    KINDS = ("call", "mail", "social", "letter", "meeting", "other")

    uuid = models.UUIDField(unique=True)
    person = models.ForeignKey(Person, null=True, on_delete=models.CASCADE, related_name="tasks")
    href = models.CharField(max_length=300, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tasks")
    kind = models.CharField(max_length=10, choices=[(kind, kind) for kind in KINDS])
    what = models.CharField(max_length=500)
    due_at = models.BigIntegerField()
    minutes = models.IntegerField(default=0)
    """How long a meeting lasts; 0 = a moment."""
    attendees = models.CharField(max_length=500, blank=True)
    """Who comes to a meeting, in words."""
    run = models.ForeignKey(SequenceRun, null=True, on_delete=models.CASCADE, related_name="tasks")
    key = models.CharField(max_length=100, null=True, unique=True)
    """What the house made it for: it is made once."""
    created_at = models.BigIntegerField()
    done_at = models.BigIntegerField(null=True)
    """When it was ticked off, or called off."""
    cancelled_at = models.BigIntegerField(null=True)
    """When it was called off: it will not take place."""

    class Meta:
        indexes = [
            models.Index(fields=["owner", "due_at"], name="task_desk", condition=models.Q(done_at__isnull=True)),
            models.Index(fields=["person"], name="task_person", condition=models.Q(done_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


class Feed(models.Model):
    """The secret address of somebody's calendar: kept as a hash, so that the database gives no address away."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE)
    hash = models.CharField(max_length=64, unique=True)
    created_at = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.user_id)


class Notification(models.Model):
    """Something one of ours should know; `key` makes it be told once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    key = models.CharField(max_length=120)
    words = models.CharField(max_length=300)
    href = models.CharField(max_length=300)
    is_urgent = models.BooleanField(default=False)
    created_at = models.BigIntegerField()
    read_at = models.BigIntegerField(null=True)
    mailed_at = models.BigIntegerField(null=True)
    """When it was handed to the mail server, or given up: never twice."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="notification_once")]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="notification_user"),
            models.Index(fields=["user"], name="notification_unread", condition=models.Q(read_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.words


class MailWish(models.Model):
    """How somebody wants to hear by mail what the bell tells; whoever said nothing gets a digest each morning."""

    HOWS = ("at_once", "digest", "never")

    user = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE)
    how = models.CharField(max_length=10, choices=[(how, how) for how in HOWS])

    def __str__(self) -> str:
        return f"{self.user_id} {self.how}"
