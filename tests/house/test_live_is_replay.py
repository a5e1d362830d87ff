"""Whatever happens, in whatever order it arrives, the standings are what the whole history says."""

import contextlib
import os
import random
from collections.abc import Iterable
from types import ModuleType

import pytest
from django.db import transaction

from rung.access.actions import Refused
from rung.history.models import Event
from rung.lifecycle import actions, undoing
from rung.lifecycle.deciding import anew, line
from rung.lifecycle.many import columns
from rung.lifecycle.models import Handoff, Mark, StageMove, Standing, Tally
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.publishing import rebuilding
from rung.lifecycle.rules import NewEvent
from rung.people.models import Alias, Company, Person
from rung.people.rules import Keys
from rung.terms.instants import DAY, HOUR, MINUTE

AT = 20_000 * DAY + 10 * HOUR
PLAYBOOK = """
playbook: 1
name: World
fit:
  - {name: Boss, when: 'person.title.matches("head of *")', points: 20}
  - {name: Right size, when: company.employees >= 50, points: 10}
signals:
  - {name: Page, on: page_viewed, points: 5, cap: 30, half_life: 5d}
  - {name: Demo, on: demo_requested, points: 40, half_life: 20d, hand_raise: yes}
  - {name: Bounce, on: email_bounced, points: -5}
  - {name: Active colleague, on: page_viewed, from: company, points: 2, cap: 10, half_life: 5d}
stages:
  lead: {enter: reachable and signals >= 1}
  mql: {enter: score >= 45 or times("Demo") >= 2}
  sal: {enter: accepted}
  opportunity: {enter: bant >= 1 and reached}
  customer: {enter: deal.won}
setbacks:
  - {to: nurture, when: 'stage in ["mql", "sal"] and rejected', because: Sales rejected, rest: 10d}
  - {to: lead, when: 'stage == "mql" and score < 30', because: Cooled down}
  - {to: nurture, when: 'stage in ["lead", "mql", "sal"] and idle >= days(30)', because: No sign of life}
  - {to: lead, when: 'stage == "customer" and in_stage >= days(20) and engagement >= 10', because: More, lap: expansion}
handoff: {on: mql}
qualification: {budget: {valid_for: 15d}}
"""
KINDS = ("page_viewed",) * 6 + (
    *("demo_requested", "bant_answered", "contacted", "handoff_accepted", "handoff_rejected", "deal_won", "deal_lost"),
    *("person_described", "company_described", "stage_overridden", "email_bounced", "unsubscribed"),
    *("friction_found", "question_answered", "checklist_ticked"),
)


SEEDS = range(int(os.environ.get("RUNG_TEST_WORLDS", "6")))


class World:
    """A few people at two companies, to whom things happen in an order that a seed chooses."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = AT
        self.count = 0

    def live(self) -> None:
        self.now += self.random.choice((0, MINUTE, HOUR, DAY, 6 * DAY))
        self.record([self.event() for _ in range(self.random.randint(1, 4))])

    def imported(self) -> None:
        events = []
        for _ in range(self.random.randint(1, 4)):
            at = self.now - self.random.randint(0, 40 * 24) * HOUR
            told = self.event()
            source = f"import:{self.random.randint(1, 3)}"
            events.append(
                NewEvent(
                    kind=told.kind,
                    keys=told.keys,
                    data=told.data,
                    company=told.company,
                    at=at,
                    door="import",
                    source=source,
                )
            )
        self.record(events)

    def looked(self) -> None:
        self.now += self.random.choice((HOUR, DAY, 35 * DAY))
        actions.look_again(at=self.now)

    def voided(self) -> None:
        if self.count:
            event = f"m{self.random.randint(1, self.count)}"
            self.record([NewEvent(kind="event_voided", data={"event": event}, door="system")])

    def undone(self) -> None:
        with contextlib.suppress(Refused):  # there is none, or it was undone before
            undoing.undo_import(number=self.random.randint(1, 3), by="test", at=self.now)

    def merged(self) -> None:
        people = list(Person.objects.filter(is_merged=False).order_by("pk"))
        if len(people) > 1:
            one, other = self.random.sample(people, 2)
            data = {"merged": str(other.uuid)}
            self.record([NewEvent(kind="persons_merged", person=one.pk, data=data, door="system")])

    def unmerged(self) -> None:
        for alias in Alias.objects.select_related("old").order_by("old_id")[:1]:
            data = {"merged": str(alias.old.uuid)}
            self.record([NewEvent(kind="persons_unmerged", person=alias.old_id, data=data, door="system")])

    def event(self) -> NewEvent:
        kind = self.random.choice(KINDS)
        number = self.random.randint(0, 4)
        keys = self.random.choice(
            (
                Keys(email=f"p{number}@acme.example"),
                Keys(email=f"p{number}@acme.example"),
                Keys(anonymous_id=f"c{number}"),
                Keys(anonymous_id=f"c{number}", email=f"p{number}@acme.example"),
            )
        )
        company = self.random.choice((None, None, "acme.example", "other.example"))
        data = {
            "bant_answered": {"letter": "budget", "confirmed": self.random.choice(("yes", "no"))},
            "person_described": {"title": self.random.choice(("Head of IT", "Clerk", None))},
            "company_described": {"employees": self.random.choice((10, 60, None))},
            "stage_overridden": {"to": self.random.choice(("lead", "sal", None)), "because": "x"},
            "friction_found": {"friction": self.random.choice(("No budget", "Not urgent"))},
            "question_answered": {"question": self.random.choice(("pain", None))},
            "checklist_ticked": {"line": "Knows us"},
            "email_bounced": {"hard": self.random.choice((True, False))},
        }.get(kind, {})
        self.count += 1
        return NewEvent(
            kind=kind,
            keys=Keys() if kind == "company_described" else keys,
            data=data,
            company="acme.example" if kind == "company_described" else company,
            message_id=f"m{self.count}",
            door="system",
        )

    def record(self, events: list[NewEvent]) -> None:
        actions.record(events, by="sam@acme.example", at=self.now)


_seen: dict[int, object] = {}


@pytest.mark.xdist_group("worlds")
@pytest.mark.django_db
@pytest.mark.parametrize("seed", SEEDS)
def test_live_is_replay_and_both_databases_agree(seed: int) -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    world = World(seed)
    steps = (world.live,) * 6 + (world.imported, world.imported, world.looked, world.looked)
    steps += (world.voided, world.undone, world.merged, world.unmerged)
    for number in range(25):
        step = world.random.choice(steps)
        with transaction.atomic():
            step()
        told = rebuilding.rebuild(check=True, at=world.now)
        assert told.differences == (), f"step {number}: {step.__name__}"
        assert from_nothing(columns, world.now) == from_nothing(anew, world.now), f"step {number}: {step.__name__}"
    assert _seen.setdefault(seed, _tables()) == _tables(), "SQLite and PostgreSQL hold the same"


def from_nothing(how: ModuleType, at: int) -> list[list[str]]:
    """Every row of everybody, decided from all that ever happened."""
    current = line.current()
    people = Person.objects.filter(is_merged=False).values_list("pk", flat=True)
    rows = anew.rows_of(current, how.decided(current, list(people), at=at), real={})
    return [sorted(map(repr, table)) for table in rows]


def _tables() -> object:
    """What the tables say, with ids replaced by their order: sequences go on from test to test."""
    person = _ranks(Person.objects.order_by("pk").values_list("pk", flat=True))
    seq = _ranks(Event.objects.order_by("seq").values_list("seq", flat=True))
    company = _ranks(Company.objects.order_by("pk").values_list("pk", flat=True))
    # These name rows by ids, which go on from test to test on PostgreSQL.
    by_id = ("persons_merged", "persons_unmerged", "handoff_opened", "handoff_withdrawn")
    events = Event.objects.order_by("seq").exclude(kind__in=by_id)
    standings = Standing.objects.order_by("person_id").select_related("generation").filter(generation__pk=_current())
    moves = StageMove.objects.order_by("person_id", "number").filter(generation_id=_current())
    told = ("stage", "status", "score", "fit", "engagement", "because", "at", "passed", "is_redefinition")
    held = ("stage", "status", "lap", "score", "since", "due_at", "budget", "reachable", "signals", "decided_until")
    return (
        # Nobody is behind the events of an import that was undone and had brought the person.
        [(e.kind, e.at, person.get(e.person_id or 0), e.data, e.by, e.source) for e in events],
        [
            (person[s.person_id], s.company_id and company[s.company_id], *(getattr(s, n) for n in held))
            for s in standings
        ],
        [(person[m.person_id], m.event_seq and seq[m.event_seq], *(getattr(m, n) for n in told)) for m in moves],
        [(person[h.person_id], h.opened_at, h.lane, h.answer, h.evidence) for h in Handoff.objects.order_by("pk")],
        sorted(
            (person[t.person_id], t.name, t.is_signal, t.times, t.last_at)
            for t in Tally.objects.filter(generation_id=_current())
        ),
        sorted((person[m.person_id], m.fact, m.name) for m in Mark.objects.filter(generation_id=_current())),
    )


def _ranks(ids: Iterable[int]) -> dict[int, int]:
    return {id_: rank for rank, id_ in enumerate(ids, start=1)}


def _current() -> int:
    return line.current().generation_id
