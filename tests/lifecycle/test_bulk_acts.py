"""One act on many: written once however often it is begun, done by the worker where they are many, undone whole."""

import pytest

from rung.access.actions import Refused, add_user
from rung.access.models import User
from rung.history.models import Event
from rung.jobs.worker import Worker
from rung.lifecycle import actions, bulk_acts, published
from rung.lifecycle.models import BulkAct, Standing
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.people.rules import Keys
from rung.terms.instants import DAY, HOUR

pytestmark = pytest.mark.django_db
AT = 20_000 * DAY + 10 * HOUR


@pytest.fixture
def kim() -> User:
    return add_user(email="kim@ours.example", name="Kim", role="manager", by="test", at=AT)


def people(many: int) -> list[int]:
    told = [
        NewEvent("form_submitted", keys=Keys(email=f"p{n}@mail.example"), data={"form": "Contact"}) for n in range(many)
    ]
    actions.record(told, by="test", at=AT)
    return list(Person.objects.order_by("pk").values_list("pk", flat=True))


def statuses() -> set[str]:
    rows = Standing.objects.filter(generation_id=published.in_force().generation_id)
    return set(rows.values_list("status", flat=True))


def test_a_few_are_given_over_at_once_and_undone_whole(kim: User) -> None:
    ids = people(3)
    before = list(Standing.objects.order_by("person_id").values_list("stage", "status", "owner_id"))
    act = bulk_acts.ask(kind="owner", people=ids, owner="kim@ours.example", by=kim, at=AT + HOUR)
    assert set(Person.objects.values_list("owner_id", flat=True)) == {kim.pk}
    assert set(Standing.objects.values_list("owner_id", flat=True)) == {kim.pk}
    bulk_acts.undo(act=act, by=kim, at=AT + HOUR)
    assert list(Standing.objects.order_by("person_id").values_list("stage", "status", "owner_id")) == before
    with pytest.raises(Refused, match="undone before"):
        bulk_acts.undo(act=act, by=kim, at=AT + HOUR)


def test_many_are_done_by_the_worker_and_written_once_however_often_it_begins(kim: User) -> None:
    ids = people(bulk_acts.AT_ONCE + 1)
    act = bulk_acts.ask(kind="nurture", people=ids, because="Fair of last year", by=kim, at=AT + HOUR)
    assert statuses() == {"active"} and bulk_acts.is_running(act)
    with pytest.raises(Refused, match="still being done"):
        bulk_acts.undo(act=act, by=kim, at=AT + HOUR)
    worker = Worker(name="test", jobs={}, long_jobs={bulk_acts.JOB: bulk_acts.carry_on}, schedules=())
    worker.turn(AT + 2 * HOUR)
    assert statuses() == {"nurture"}
    # A crash before the row of the act was written: everything is begun again, and nothing is written twice.
    BulkAct.objects.update(done=0)
    bulk_acts.carry_on({"act": act.pk}, AT + 2 * HOUR)
    assert Event.objects.filter(kind="stage_overridden").count() == len(ids)
    bulk_acts.undo(act=act, by=kim, at=AT + 3 * HOUR)
    worker.turn(AT + 3 * HOUR)
    act.refresh_from_db()
    assert statuses() == {"active"} and not bulk_acts.is_running(act)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"kind": "erase", "people": [1]}, "no such act"),
        ({"kind": "owner", "people": []}, "Nobody is selected"),
        ({"kind": "owner", "people": [1], "owner": "x@y.example"}, "Nobody of ours is called x@y.example"),
        ({"kind": "nurture", "people": [1], "because": "  "}, "Say why"),
        ({"kind": "nurture", "people": range(10_001), "because": "x"}, "more than 10,000 people"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(kim: User, asked: dict[str, object], words: str) -> None:
    with pytest.raises(Refused, match=words):
        bulk_acts.ask(by=kim, at=AT, **asked)
    assert not BulkAct.objects.exists()
