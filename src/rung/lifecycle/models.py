"""Playbooks, generations, and where everybody stands by them: all of it can be built again from the history."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.db import models

from rung.access.models import Team
from rung.people.models import Company, Person
from rung.terms.stages import STAGES, STATUSES

MAIN: Final = "main"
"""The line of business, until a firm runs one playbook for each of several."""

MARK_NAME: Final = 200
"""Characters of a name that are told apart."""

_BUILT: dict[str, Any] = {"db_index": False, "db_constraint": False}
"""Of whom a row is that is built from the history. No key of the database's: PostgreSQL would look for its end once a
row at every commit, which is a fifth of an import. `rung doctor` looks for rows whose person is gone."""

_TRUE_FALSE_UNKNOWN = {"null": True, "default": None}


class PlaybookVersion(models.Model):
    """A playbook that was published, word for word. `version` is the hash of what it says."""

    version = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    text = models.TextField()
    created_at = models.BigIntegerField()
    created_by = models.CharField(max_length=254)

    def __str__(self) -> str:
        return f"{self.name} {self.version[:12]}"


class Generation(models.Model):
    """Everybody's standing by one playbook. Exactly one generation of a line is current (`Pointer`)."""

    line = models.CharField(max_length=40, default=MAIN)
    playbook = models.ForeignKey(PlaybookVersion, on_delete=models.PROTECT, related_name="generations")
    engine_version = models.CharField(max_length=40)
    built_to_seq = models.BigIntegerField(default=0)
    created_at = models.BigIntegerField()
    switched_at = models.BigIntegerField(null=True)
    is_followed = models.BooleanField(default=False)
    """Whether hand-offs opened and were withdrawn when it came into force: going back takes them back."""
    published_by = models.CharField(max_length=254)

    before = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    """The one that was in force while it was built; null where it is not to be gone on with."""
    builder = models.CharField(max_length=20, blank=True, default="")
    """The run that builds it: no other may write, and none once it is in force."""
    decided = models.IntegerField(default=0)
    """How many people have been written so far."""
    note = models.CharField(max_length=200, blank=True, default="")
    """Whether it goes on with what an earlier run left, or why it had to begin anew."""

    def __str__(self) -> str:
        return f"{self.line} {self.pk}"


class Pointer(models.Model):
    """Which generation of a line is current."""

    line = models.CharField(max_length=40, primary_key=True)
    generation = models.ForeignKey(Generation, on_delete=models.PROTECT, related_name="+")
    previous = models.ForeignKey(Generation, null=True, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.line} → {self.generation_id}"


class Standing(models.Model):
    """Where one person stands, and the facts that lists filter by, as of `scored_at`. Instants are microseconds UTC.

    `decided_until` is the instant up to which time alone has been looked at.
    """

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="standings", **_BUILT)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="standings", **_BUILT)
    line = models.CharField(max_length=40, default=MAIN)

    stage = models.CharField(max_length=12, choices=[(code, code) for code in STAGES])
    status = models.CharField(max_length=12, choices=[(code, code) for code in STATUSES])
    lap = models.IntegerField(default=1)
    score = models.FloatField(default=0)
    fit = models.FloatField(default=0)
    engagement = models.FloatField(default=0)
    temperature = models.CharField(max_length=4, default="cold")
    since = models.BigIntegerField()
    scored_at = models.BigIntegerField()
    decided_until = models.BigIntegerField()
    due_at = models.BigIntegerField(null=True)

    is_anonymous = models.BooleanField(default=False)
    source = models.CharField(max_length=250, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        **_BUILT,
    )
    company = models.ForeignKey(Company, null=True, on_delete=models.SET_NULL, related_name="+", **_BUILT)

    budget = models.BooleanField(**_TRUE_FALSE_UNKNOWN)
    budget_until = models.BigIntegerField(null=True)
    authority = models.BooleanField(**_TRUE_FALSE_UNKNOWN)
    authority_until = models.BigIntegerField(null=True)
    need = models.BooleanField(**_TRUE_FALSE_UNKNOWN)
    need_until = models.BigIntegerField(null=True)
    timing = models.BooleanField(**_TRUE_FALSE_UNKNOWN)
    timing_until = models.BigIntegerField(null=True)
    bant = models.IntegerField(default=0)
    bant_told = models.IntegerField(default=0)

    accepted = models.BooleanField(default=False)
    rejected = models.BooleanField(default=False)
    returned = models.BooleanField(default=False)
    touched = models.BooleanField(default=False)
    reached = models.BooleanField(default=False)
    reachable = models.BooleanField(default=False)
    consented = models.BooleanField(default=False)
    unsubscribed = models.BooleanField(default=False)
    deal_open = models.BooleanField(default=False)
    deal_won = models.BooleanField(default=False)
    deal_lost = models.BooleanField(default=False)
    is_customer = models.BooleanField(default=False)
    competitor = models.CharField(max_length=250, blank=True)
    admits_considering = models.BooleanField(default=False)
    admits_change = models.BooleanField(default=False)
    decision_date = models.TextField(null=True)
    decision_makers = models.IntegerField(default=0)
    likelihood = models.FloatField(null=True)
    idle_since = models.BigIntegerField(null=True)
    signals = models.IntegerField(default=0)
    visits = models.IntegerField(default=0)
    rest_until = models.BigIntegerField(null=True)
    held_until = models.BigIntegerField(null=True)

    playbook_version = models.CharField(max_length=64)
    engine_version = models.CharField(max_length=40)
    last_seq = models.BigIntegerField(default=0)
    last_at = models.BigIntegerField(default=0)

    class Meta:
        # PostgreSQL writes every index of a row whose score changed, so each must earn its place: what names a person,
        # an owner or a company begins with them, and serves foreign keys and lists alike.
        constraints = [models.UniqueConstraint(fields=["person", "generation", "line"], name="standing_once")]
        indexes = [
            # How many stand where is counted from the index alone, and it changes only when somebody moves.
            models.Index(fields=["generation", "stage", "status", "is_anonymous", "lap"], name="standing_place"),
            # The two orders of the list of people; with the rung in the index most filters need no look at the row.
            models.Index(
                fields=["generation", "is_anonymous", "score", "person", "stage", "status"], name="standing_by_score"
            ),
            models.Index(
                fields=["generation", "is_anonymous", "last_at", "person", "stage", "status"], name="standing_by_last"
            ),
            models.Index(fields=["generation", "is_anonymous", "since", "person"], name="standing_by_since"),
            models.Index(fields=["generation", "source"], name="standing_source"),
            models.Index(
                fields=["owner", "generation"], name="standing_owner", condition=models.Q(owner__isnull=False)
            ),
            models.Index(
                fields=["company", "generation"], name="standing_company", condition=models.Q(company__isnull=False)
            ),
            models.Index(
                fields=["generation", "due_at"], name="standing_due", condition=models.Q(due_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.stage} {self.status}"


class State(models.Model):
    """The engine's own memory of a person, to be decided onward from, and what of their standing is asked then.

    A cache, never migrated: where it is missing or of another version, the person is decided again from nothing. It
    stands apart from the standing because lists read standings by the thousand and never this, and because a standing's
    fifty columns are long to read when somebody is decided.
    """

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="+", **_BUILT)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", **_BUILT)
    line = models.CharField(max_length=40, default=MAIN)
    state = models.BinaryField()
    stage = models.CharField(max_length=12)
    lap = models.IntegerField()
    decided_until = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    last_at = models.BigIntegerField()
    lasting = models.BigIntegerField(default=0)
    """A digest of what lasts in the standing, to know whether it must be written; 0: not known."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "generation", "line"], name="state_once")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.generation_id}"


class StageMove(models.Model):
    """One move of one person: from where to where, when, by which line of the playbook, on which event.

    `passed` marks a rung that was crossed, not rested on. `is_redefinition` marks a move that came of a changed
    playbook or of a corrected history: it had no consequences and is no flow.
    """

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="moves", **_BUILT)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="moves", **_BUILT)
    line_of_business = models.CharField(max_length=40, default=MAIN)
    number = models.IntegerField()
    at = models.BigIntegerField()
    from_stage = models.CharField(max_length=12)
    from_status = models.CharField(max_length=12)
    stage = models.CharField(max_length=12)
    status = models.CharField(max_length=12)
    cause = models.CharField(max_length=12)
    because = models.TextField(blank=True)
    rule_line = models.IntegerField(null=True)
    lap = models.IntegerField(default=1)
    score = models.FloatField()
    fit = models.FloatField()
    engagement = models.FloatField()
    event_seq = models.BigIntegerField(null=True)
    passed = models.BooleanField(default=False)
    is_redefinition = models.BooleanField(default=False)
    playbook_version = models.CharField(max_length=64)
    engine_version = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "generation", "line_of_business", "number"], name="move_once")
        ]
        indexes = [
            # Who moved from where to where in a period is one stretch of the index, counted from it alone.
            models.Index(
                fields=["generation", "is_redefinition", "cause", "stage", "from_stage", "at", "status", "rule_line"],
                name="move_flow",
            ),
            models.Index(fields=["event_seq"], name="move_event"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id}: {self.from_stage} → {self.stage}"


class FormerMove(models.Model):
    """A move that happened, and that a corrected past has no more. Should it come back, it is no re-definition.

    It belongs to no generation: what happened, happened whatever the playbook says now.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    line_of_business = models.CharField(max_length=40, default=MAIN)
    at = models.BigIntegerField()
    from_stage = models.CharField(max_length=12)
    from_status = models.CharField(max_length=12)
    stage = models.CharField(max_length=12)
    status = models.CharField(max_length=12)
    passed = models.BooleanField()

    def __str__(self) -> str:
        return f"{self.person_id}: {self.from_stage} → {self.stage}"


class Handoff(models.Model):
    """A person handed over to sales. It lives across generations: a changed playbook neither opens nor closes one."""

    LANES = ("hand_raise", "scored")
    ANSWERS = ("accepted", "rejected", "returned")

    uuid = models.UUIDField(unique=True)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="handoffs")
    line = models.CharField(max_length=40, default=MAIN)
    opened_at = models.BigIntegerField()
    opened_seq = models.BigIntegerField(null=True)
    lane = models.CharField(max_length=12, choices=[(lane, lane) for lane in LANES])
    evidence = models.TextField(blank=True)
    playbook_version = models.CharField(max_length=64, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="handoffs")
    answer = models.CharField(max_length=10, blank=True, choices=[(answer, answer) for answer in ANSWERS])
    reason = models.CharField(max_length=1000, blank=True)
    answered_at = models.BigIntegerField(null=True)
    answered_by = models.CharField(max_length=254, blank=True)
    withdrawn_at = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["person", "opened_at"], name="handoff_person"),
            models.Index(
                fields=["opened_at"],
                name="handoff_open",
                condition=models.Q(answered_at__isnull=True, withdrawn_at__isnull=True),
            ),
            models.Index(fields=["owner", "opened_at"], name="handoff_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.lane} {self.answer or 'open'}"


class Tally(models.Model):
    """How often, this lap, a person did a kind of thing or matched a signal, and when last: `times()` and `since()`."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="tallies", **_BUILT)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="tallies", **_BUILT)
    line = models.CharField(max_length=40, default=MAIN)
    name = models.CharField(max_length=200)
    is_signal = models.BooleanField()
    times = models.IntegerField()
    last_at = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "generation", "line", "is_signal", "name"], name="tally_once")
        ]
        indexes = [
            # Whoever did something so often, or since then, is found from the index alone. One for both: each event
            # changes both, and an index more is a fifth of what tallies cost.
            models.Index(fields=["generation", "is_signal", "name", "last_at", "times", "person"], name="tally_of_all"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.name} × {self.times}"


class Mark(models.Model):
    """What was told of a person this lap by a name: `friction("x")`, `answered("x")`, `ticked("x")`."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="marks", **_BUILT)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="marks", db_constraint=False)
    line = models.CharField(max_length=40, default=MAIN)
    fact = models.CharField(max_length=10)
    name = models.CharField(max_length=MARK_NAME)
    """The first characters of it: longer names that begin alike are one."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["generation", "fact", "name", "person", "line"], name="mark_once")
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.fact} {self.name}"


OF_A_GENERATION: Final = (Standing, State, StageMove, Tally, Mark)
"""What one generation says of a person: written, thrown away and made anew together."""


class Import(models.Model):
    """One file brought in: its events carry the source `import:<id>`, so that undoing it strikes them all."""

    name = models.CharField(max_length=254)
    kind = models.CharField(max_length=20)
    created_at = models.BigIntegerField()
    created_by = models.CharField(max_length=254)
    rows = models.IntegerField(default=0)
    accepted = models.IntegerField(default=0)
    duplicates = models.IntegerField(default=0)
    refused = models.IntegerField(default=0)
    undone_at = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"import {self.pk} {self.name}"


class Merge(models.Model):
    """What a merge changed beside the history, so that an unmerge can give it back; gone once it has.

    `rows`: {table, key, before, after} of each row of work that it changed or took away (`after` null). `moves`: person
    id → the moves that had been real and are not there any more.
    """

    seq = models.BigIntegerField(unique=True)
    """The event that made them one."""
    survivor = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    merged = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    rows: Any = models.JSONField(default=list)
    moves: Any = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.merged_id} into {self.survivor_id}"


class SavedView(models.Model):
    """A list of people that somebody kept: its name and the address that asks for it. A team's members share one."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="views")
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="views")
    """Whom it is shared with; null: nobody."""
    name = models.CharField(max_length=60)
    where = models.TextField(blank=True)
    text = models.CharField(max_length=100, blank=True)
    sort = models.CharField(max_length=20, blank=True)
    is_anonymous = models.BooleanField(default=False)
    created_at = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="view_once")]

    def __str__(self) -> str:
        return self.name


class BulkAct(models.Model):
    """One act on many people: whom, what, how far it has come. Undoing it voids each of its events."""

    uuid = models.UUIDField(unique=True)
    kind = models.CharField(max_length=20)
    data: Any = models.JSONField(default=dict)
    """`owner` (an e-mail address), or `because`; `back` is the address of the list it was asked from."""
    people: Any = models.JSONField(default=list)
    """The ids inside, in the order in which they are done."""
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.BigIntegerField()
    done = models.IntegerField(default=0)
    """How many of them have been done; on the way back, how many are left to undo."""
    refused = models.IntegerField(default=0)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    undone_at = models.BigIntegerField(null=True)
    """When somebody asked to undo it."""

    def __str__(self) -> str:
        return f"{self.kind} × {len(self.people)}"
