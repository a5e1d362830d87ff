"""Merge, then unmerge: the house is, table by table, what it would have been without either."""

import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction

import pages_compared
from rung.access.models import Team, User
from rung.handoff import sequences
from rung.handoff.models import Assignment, Clock, SequenceRun, Task
from rung.history.models import Event
from rung.insight import feedback
from rung.insight import queries as ladder_figures
from rung.lifecycle import actions, exporting, published, queries
from rung.lifecycle.deciding import line
from rung.lifecycle.deciding.rounds import Round, decide_round
from rung.lifecycle.models import Handoff, Merge, StageMove, Standing
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.publishing import rebuilding
from rung.lifecycle.queries import Asked
from rung.lifecycle.rules import NewEvent
from rung.people.models import Alias, Identity, Person
from rung.people.queries import people_by_id, person_named
from rung.people.rules import Keys
from rung.terms.instants import DAY, HOUR, MINUTE

pytestmark = pytest.mark.django_db
AT = 20_000 * DAY + 10 * HOUR
PLAYBOOK = """
playbook: 1
name: Merging
fit:
  - {name: Boss, when: 'person.title.matches("head of *")', points: 20}
signals:
  - {name: Page, on: page_viewed, points: 5, cap: 30, half_life: 5d}
  - {name: Demo, on: demo_requested, points: 40, half_life: 20d, hand_raise: yes}
  - {name: Active colleague, on: page_viewed, from: company, points: 2, cap: 10, half_life: 5d}
stages:
  lead: {enter: reachable and signals >= 1}
  mql: {enter: score >= 45 or times("Demo") >= 1}
  sal: {enter: accepted}
  opportunity: {enter: bant >= 1 and reached}
  customer: {enter: deal.won}
setbacks:
  - {to: nurture, when: 'stage in ["mql", "sal"] and rejected', because: Sales rejected, rest: 10d}
  - {to: nurture, when: 'stage in ["lead", "mql", "sal"] and idle >= days(30)', because: No sign of life}
handoff: {on: mql, accept_within: {scored: 1 business day}, first_touch_within: 1 business day}
sequences:
  - {name: First week, steps: [{call: Say hello}, {wait: 1 business day}, {mail: Write}]}
"""
APPEND_ONLY = {"history.Event", "access.Audit", "lifecycle.Merge"}
"""What a merge and its undoing are written in; everything else must be as if neither had been."""
OUTSIDE = {"sessions.Session", "jobs.ScheduledRun", "jobs.Outbox"}


def told(name: str, kind: str, data: dict[str, Any] | None = None, company: str | None = "acme.example") -> NewEvent:
    return NewEvent(kind=kind, keys=Keys(email=f"{name}@acme.example"), data=data or {}, company=company, door="system")


def record(*events: NewEvent, at: int) -> None:
    assert actions.record(list(events), by="sam@acme.example", at=at).refused == ()


def person(name: str) -> Person:
    return Identity.objects.get(kind="email", value=f"{name}@acme.example").person


def tables() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table but the two that only grow."""
    found = {}
    for model in apps.get_models():
        if model._meta.label in APPEND_ONLY | OUTSIDE or not model._meta.managed:
            continue
        rows = [
            {name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()}
            for row in model._default_manager.values()
        ]
        found[model._meta.label] = sorted(rows, key=lambda row: [str(value) for value in row.values()])
    return found


def differences(one: dict[str, list[dict[str, Any]]], other: dict[str, list[dict[str, Any]]]) -> list[str]:
    """What differs, row by row, in words that a failed test can show. Keys of rows written anew are not compared."""
    found = []
    for label in one:
        left, right = ([without_key(label, row) for row in side[label]] for side in (one, other))
        alone = [row for row in left if row not in right]
        new = [row for row in right if row not in left]
        for row in alone:
            twin = next((each for each in new if near(row, each)), {})
            fields = {name: (value, twin.get(name)) for name, value in row.items() if twin.get(name) != value}
            found.append(f"{label}: {fields if twin else row}")
        found += [f"{label}: only after the unmerge: {row}" for row in new[len(alone) :]]
    return found


def told_outside(at: int) -> dict[str, object]:
    """What people read of the house: lists, exports, the ladder, the report on sales' answers."""
    told: dict[str, object] = {}
    for what in ("people", "companies"):
        to = io.BytesIO()
        exporting.export(what=what, where=None, format="csv", to=to, by="system", at=at)
        told[what] = sorted(to.getvalue().decode().splitlines())
    here = line.current()
    told["ladder"] = ladder_figures.ladder(here.playbook, here.generation_id, months=3, now=at)
    told["feedback"] = feedback.report(published.in_force(), days=90, at=at)
    told["list"] = sorted(map(str, queries.people_page(Asked(), generation_id=here.generation_id, at=at).rows))
    return told


def near(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in ("id", "person_id", "handoff_id", "number", "name"))


REWRITTEN = {"lifecycle.Standing", "lifecycle.State", "lifecycle.StageMove", "lifecycle.Tally", "lifecycle.Mark"}
"""What deciding writes anew, under new keys of its own that nothing refers to."""
REWRITTEN |= {"people.Trait"}


def without_key(label: str, row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"} if label in REWRITTEN else row


def as_of(at: int) -> None:
    """Decides everybody from nothing at the instant: what an unmerge does to those it touches, and nothing else."""
    people = people_by_id(list(Person.objects.filter(is_merged=False).values_list("pk", flat=True)))
    decide_round(Round(people=people, anew=set(people)), line.current(), at=at)


def without_either(at: int) -> dict[str, list[dict[str, Any]]]:
    """The copy: the same house, looked at as of the same instant, thrown away again."""
    found: dict[str, list[dict[str, Any]]] = {}
    with transaction.atomic():
        as_of(at)
        found = tables()
        transaction.set_rollback(True)
    return found


def in_a_copy(told: Callable[[], object]) -> object:
    """What is seen in a house that is thrown away."""
    with transaction.atomic():
        seen = told()
        transaction.set_rollback(True)
    return seen


@pytest.fixture
def sam() -> User:
    team = Team.objects.create(name="North")
    return User.objects.create(email="sam@acme.example", name="Sam", role="sales", team=team, created_at=AT)


@pytest.fixture
def house(sam: User) -> None:
    """Ana and Anna both handed over, each with work under way; Rui is their colleague, Eva works elsewhere."""
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    record(told("rui", "page_viewed"), told("eva", "page_viewed", company="globex.example"), at=AT)
    for number, name in enumerate(("anna", "ana")):
        at = AT + number * 10 * MINUTE
        record(told(name, "person_described", {"title": "Head of IT", "name": name.title(), "seats": number}), at=at)
        record(told(name, "page_viewed", {"path": "/pricing"}), told(name, "demo_requested"), at=at + MINUTE)
    record(told("ana", "handoff_accepted"), at=AT + HOUR)
    record(told("ana", "friction_found", {"friction": "No budget"}), told("ana", "contacted"), at=AT + 2 * HOUR)
    playbook = line.current().playbook
    for name in ("ana", "anna"):
        sequences.start(people=[person(name)], name="First week", by=sam, at=AT + 3 * HOUR, playbook=playbook)
    record(told("ana", "call_made"), at=AT + 4 * HOUR)


def merge(survivor: str, merged: str, at: int) -> None:
    actions.merge(survivor=person(survivor), merged=person(merged), by="system", at=at)


def unmerge(merged: str, at: int) -> None:
    actions.unmerge(merged=person(merged), by="system", at=at)


@pytest.mark.parametrize(("survivor", "merged"), [("ana", "anna"), ("anna", "ana"), ("eva", "ana"), ("ana", "rui")])
@pytest.mark.usefixtures("house")
def test_a_merge_and_its_unmerge_leave_every_table_list_and_report_as_it_was(survivor: str, merged: str) -> None:
    User.objects.create(email="kim@acme.example", name="Kim", role="manager", created_at=AT)
    later = AT + 2 * DAY

    def read() -> tuple[object, object]:
        as_of(later)
        return told_outside(later), pages_compared.seen("kim@acme.example", at=later)

    copy, read_in_the_copy = without_either(later), in_a_copy(read)
    before = tables()
    merge(survivor, merged, AT + DAY)
    assert differences(before, tables()), "a merge changes something"
    unmerge(merged, later)
    assert rebuilding.rebuild(check=True, at=later).differences == ()
    assert in_a_copy(read) == read_in_the_copy
    as_of(later)
    assert differences(copy, tables()) == []
    assert Merge.objects.count() == 0


@pytest.mark.usefixtures("house")
def test_what_was_real_is_real_again_and_nothing_follows_twice() -> None:
    real = StageMove.objects.filter(is_redefinition=False).order_by("person_id", "number")
    before, handed = list(real.values_list("person_id", "at", "stage")), Handoff.objects.count()
    merge("ana", "anna", AT + DAY)
    unmerge("anna", AT + 2 * DAY)
    assert list(real.values_list("person_id", "at", "stage")) == before
    assert (Handoff.objects.count(), Event.objects.filter(kind="handoff_opened").count()) == (handed, handed)


@pytest.mark.usefixtures("house")
def test_while_they_are_one_all_work_is_the_survivors_and_every_old_id_resolves() -> None:
    anna = person("anna")
    merge("ana", "anna", AT + DAY)
    ana = person("ana")
    assert person_named(str(anna.uuid)) == person_named("anna@acme.example") == ana
    for model in (Handoff, Assignment, Clock, SequenceRun):
        assert not model.objects.filter(person=anna).exists(), model
    assert SequenceRun.objects.filter(person=ana, ended_at=None).count() == 1
    assert not Standing.objects.filter(person=anna).exists()
    unmerge("anna", AT + 2 * DAY)
    assert (person_named(str(anna.uuid)), Alias.objects.count()) == (anna, 0)


@pytest.mark.usefixtures("house")
def test_what_happened_meanwhile_stays_with_whose_key_it_came_by() -> None:
    merge("ana", "anna", AT + DAY)
    record(told("anna", "page_viewed"), told("ana", "call_answered", {"outcome": "positive"}), at=AT + DAY + HOUR)
    ana = person("ana")
    assert SequenceRun.objects.filter(person=ana, ended_at=None).count() == 0
    anna = Person.objects.get(pk=Alias.objects.get().old_id)
    assert Event.objects.filter(person_id=anna.pk).order_by("-seq")[0].kind == "page_viewed"
    unmerge("anna", AT + 2 * DAY)
    assert Standing.objects.get(person=anna).signals == 3
    run = SequenceRun.objects.get(person=anna)
    assert (run.ended_at, Task.objects.filter(run=run, done_at=None).count()) == (None, 2)
    assert SequenceRun.objects.get(person=ana).because == "They were spoken with"
    assert rebuilding.rebuild(check=True, at=AT + 2 * DAY).differences == ()


@pytest.mark.usefixtures("house")
def test_of_three_that_became_one_the_middle_one_gets_everything_back() -> None:
    record(told("mia", "demo_requested", company="acme.example"), at=AT + 5 * HOUR)
    anna, later = person("anna"), AT + 2 * DAY

    def the_others() -> object:
        merge("ana", "mia", AT + DAY + HOUR)
        as_of(later)
        return tables()

    copy = in_a_copy(the_others)
    merge("ana", "anna", AT + DAY)
    merge("ana", "mia", AT + DAY + HOUR)
    unmerge("anna", later)
    as_of(later)
    assert Handoff.objects.get(person=anna).withdrawn_at is None
    assert not differences(copy, tables())  # type: ignore[arg-type]


@pytest.mark.usefixtures("house")
def test_a_chain_comes_apart_in_the_middle_and_whole_again() -> None:
    record(told("mia", "demo_requested"), at=AT + 5 * HOUR)
    later = AT + 3 * DAY
    copy = without_either(later)
    mia, anna = person("mia"), person("anna")
    merge("anna", "mia", AT + DAY)
    merge("ana", "anna", AT + DAY + HOUR)
    actions.unmerge(merged=anna, by="system", at=AT + 2 * DAY)
    assert Alias.objects.get(old=mia).living == anna
    actions.unmerge(merged=mia, by="system", at=later)
    as_of(later)
    assert differences(copy, tables()) == []


KINDS = ("page_viewed", "page_viewed", "page_viewed", "demo_requested", "contacted", "call_made", "handoff_accepted")
KINDS += ("handoff_rejected", "bant_answered", "friction_found", "email_replied", "person_described")
DATA: dict[str, dict[str, Any]] = {
    "bant_answered": {"letter": "budget", "confirmed": "yes"},
    "friction_found": {"friction": "Not urgent"},
    "person_described": {"title": "Head of IT"},
}


@pytest.mark.parametrize("seed", range(8))
def test_whatever_went_before_an_unmerge_gives_everything_back(seed: int, sam: User) -> None:
    rng = random.Random(seed)
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    names, now = ("ana", "anna", "rui", "eva", "mia"), AT
    playbook = line.current().playbook
    record(*(told(name, "page_viewed") for name in names), at=now)
    for _ in range(30):
        now += rng.choice((MINUTE, HOUR, 8 * HOUR))
        name, kind = rng.choice(names), rng.choice(KINDS)
        record(told(name, kind, DATA.get(kind), rng.choice(("acme.example", "globex.example", None))), at=now)
        if rng.random() < 0.15:
            busy = SequenceRun.objects.filter(person=person(name), ended_at=None).exists()
            if not busy:
                sequences.start(people=[person(name)], name="First week", by=sam, at=now, playbook=playbook)
    merges = [rng.sample(names, 2) for _ in range(rng.choice((1, 1, 2)))]
    if len(merges) == 2 and len({*merges[0], *merges[1]}) < 4:
        merges = merges[:1]
    later = now + DAY
    copy = without_either(later)
    for survivor, merged in merges:
        merge(survivor, merged, now)
    for _, merged in rng.sample(merges, len(merges)):
        unmerge(merged, later)
    assert rebuilding.rebuild(check=True, at=later).differences == ()
    as_of(later)
    assert differences(copy, tables()) == []
