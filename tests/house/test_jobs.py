"""Work for later is done once, by one worker, and tried again when it goes wrong."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, connections, transaction

from rung.jobs import actions, holding, queries
from rung.jobs.clock import now
from rung.jobs.models import Outbox, ScheduledRun
from rung.jobs.worker import Schedule, Worker
from rung.terms.instants import DAY, HOUR, MINUTE, SECOND

AT = 20_000 * DAY


def enqueued(count: int = 1, at: int = AT) -> None:
    actions.enqueue_many(kind="mail", work=[(f"mail {number}", {"to": number}) for number in range(count)], at=at)


def worker(**jobs: object) -> Worker:
    return Worker(name="w", jobs=jobs, schedules=())  # type: ignore[arg-type]


@pytest.mark.django_db
def test_the_same_key_is_written_once() -> None:
    assert actions.enqueue(kind="mail", key="welcome ana", payload={}, at=AT)
    assert not actions.enqueue(kind="mail", key="welcome ana", payload={}, at=AT)
    assert Outbox.objects.count() == 1


@pytest.mark.django_db
def test_what_is_asked_for_in_a_failed_transaction_is_never_done() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueued()
        raise ZeroDivisionError
    assert not Outbox.objects.exists()


@pytest.mark.django_db
def test_a_leased_row_is_nobody_elses_until_the_lease_ends() -> None:
    enqueued()
    (mine,) = actions.claim(worker="one", at=AT, kinds=["mail"])
    assert actions.claim(worker="two", at=AT + MINUTE, kinds=["mail"]) == []
    (theirs,) = actions.claim(worker="two", at=AT + actions.LEASE, kinds=["mail"])
    assert theirs.attempts == 2
    assert not actions.finish(mine, at=AT + actions.LEASE), "a late worker cannot end somebody else's lease"
    assert actions.finish(theirs, at=AT + actions.LEASE)


@pytest.mark.django_db
def test_only_due_rows_of_known_kinds_are_claimed_oldest_first() -> None:
    actions.enqueue(kind="mail", key="later", payload={}, at=AT, run_after=AT + HOUR)
    actions.enqueue(kind="mail", key="second", payload={}, at=AT)
    actions.enqueue(kind="mail", key="first", payload={}, at=AT - HOUR)
    actions.enqueue(kind="other", key="other", payload={}, at=AT)
    assert [claim.key for claim in actions.claim(worker="w", at=AT, kinds=["mail"])] == ["first", "second"]


@pytest.mark.django_db
def test_a_failing_job_waits_longer_each_time_and_is_given_up_visibly() -> None:
    enqueued()
    waits, at = [], AT
    for _ in range(actions.MOST_ATTEMPTS):
        (claim,) = actions.claim(worker="w", at=at, kinds=["mail"])
        actions.give_back(claim, at=at, error="no route to host")
        row = Outbox.objects.get()
        waits.append(row.run_after - at)
        at = row.run_after
    assert waits[:3] == [10 * SECOND, 40 * SECOND, 160 * SECOND]
    assert (row.last_error, row.failed_at) == ("no route to host", at)
    assert queries.outbox_state(at=at).failed == 1
    assert actions.try_again(row_id=row.pk, at=at)
    assert len(actions.claim(worker="w", at=at, kinds=["mail"])) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_every_row_exactly_once() -> None:
    enqueued(60)
    done: list[str] = []

    def work(name: str) -> None:
        while claims := actions.claim(worker=name, at=AT, kinds=["mail"], limit=4):
            for claim in claims:
                done.append(claim.key)
                assert actions.finish(claim, at=AT)
        connections.close_all()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == len(set(done)) == 60
    assert Outbox.objects.filter(attempts=1, done_at=AT).count() == 60


@pytest.mark.django_db
def test_a_job_and_its_mark_are_one_transaction(caplog: pytest.LogCaptureFixture) -> None:
    enqueued()

    def halfway(payload: object, at: int) -> None:
        actions.enqueue(kind="other", key="half done", payload={}, at=at)
        raise ZeroDivisionError

    assert worker(mail=halfway).turn(AT)
    assert not Outbox.objects.filter(key="half done").exists()
    assert "ZeroDivisionError" in Outbox.objects.get().last_error


@pytest.mark.django_db
def test_a_stopped_worker_finishes_the_row_in_hand_and_gives_the_others_back() -> None:
    enqueued(3)
    subject = worker(mail=lambda payload, at: subject.stop())
    subject.turn(AT)
    assert Outbox.objects.filter(done_at__isnull=False).count() == 1
    assert Outbox.objects.filter(done_at__isnull=True, lease_until=0).count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_long_row_is_nobody_elses_while_its_worker_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "BEAT", 0.05)
    actions.enqueue(kind="publish", key="publish", payload={}, at=AT)
    done: list[str] = []
    (first, seen_first), (second, _) = (long_worker(name, done) for name in ("one", "two"))
    with working(first):
        seen_first.begun.wait(30)
        # As if the lease had run out: its thread renews it.
        Outbox.objects.update(lease_until=now() + SECOND)
        until(lambda: Outbox.objects.get().lease_until > now() + holding.LEASE - 20 * SECOND)
        second.turn(now())
        assert done == []
        seen_first.may_end.set()
    assert done == ["one"]
    assert Outbox.objects.filter(attempts=1, worker="one", done_at__isnull=False, lease_until=0).exists()


@pytest.mark.one_database
@pytest.mark.django_db(transaction=True)
def test_a_lease_that_could_not_be_renewed_in_time_frees_nothing_while_the_worker_lives() -> None:
    actions.enqueue(kind="publish", key="publish", payload={}, at=AT)
    done: list[str] = []
    (first, seen_first), (second, seen_second) = (long_worker(name, done) for name in ("one", "two"))
    with working(first):
        seen_first.begun.wait(30)
        Outbox.objects.update(lease_until=0)  # a long transaction of its own kept the thread from renewing
        assert second.turn(now()) is False
        assert not seen_second.begun.is_set()
        seen_first.may_end.set()
    assert done == ["one"]


@pytest.mark.django_db(transaction=True)
def test_whoever_lost_a_long_row_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "BEAT", 0.05)
    actions.enqueue(kind="publish", key="publish", payload={}, at=AT)
    (mine,) = actions.claim(worker="w", at=AT, kinds=["publish"])
    told = threading.Event()
    with holding.kept(mine, on_lost=told.set):
        # The same name, started anew.
        (theirs,) = actions.claim(worker="w", at=AT + actions.LEASE, kinds=["publish"])
        assert told.wait(30)
    assert not actions.finish(mine, at=AT + actions.LEASE)
    assert actions.finish(theirs, at=AT + actions.LEASE)


@pytest.mark.django_db
@pytest.mark.parametrize("off", ["", "hashjoin hashagg sort material"])
def test_no_more_rows_are_claimed_than_asked_for_however_the_database_goes_about_it(off: str) -> None:
    for number in range(5):
        actions.enqueue(kind="publish", key=f"publish {number}", payload={}, at=AT)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for way in off.split():
                cursor.execute(f"SET LOCAL enable_{way} = off")
    assert [row.key for row in actions.claim(worker="w", at=AT, kinds=["publish"], limit=2)] == [
        "publish 0",
        "publish 1",
    ]


@pytest.mark.django_db
def test_long_rows_are_claimed_one_by_one_and_the_rest_is_anybodys() -> None:
    for number in range(3):
        actions.enqueue(kind="publish", key=f"publish {number}", payload={}, at=AT)
    claimed: list[int] = []
    subject = Worker(
        name="w",
        jobs={},
        long_jobs={"publish": lambda payload, at: claimed.append(Outbox.objects.filter(attempts=1).count())},
        schedules=(),
    )
    assert subject.turn(AT) is True
    assert claimed == [1, 2, 3]
    assert subject.turn(AT) is False


@pytest.mark.django_db
def test_a_long_row_that_ends_worker_after_worker_is_given_up_visibly() -> None:
    actions.enqueue(kind="publish", key="publish", payload={}, at=AT)
    Outbox.objects.update(attempts=actions.MOST_ATTEMPTS)
    done: list[str] = []
    subject, _ = long_worker("w", done)
    subject.turn(AT)
    row = Outbox.objects.get()
    assert done == [] and row.failed_at is not None
    assert "The worker ended 8 times in the middle of it." in row.last_error


class Seen:
    """What a long job tells of itself, and when it may end."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()


def long_worker(name: str, done: list[str]) -> tuple[Worker, Seen]:
    seen = Seen()

    def job(payload: object, at: int) -> None:
        seen.begun.set()
        assert seen.may_end.wait(60)
        done.append(name)

    return Worker(name=name, jobs={}, long_jobs={"publish": job}, schedules=()), seen


@contextmanager
def working(subject: Worker) -> Iterator[None]:
    def turn() -> None:
        subject.turn(now())
        connections.close_all()

    thread = threading.Thread(target=turn)
    thread.start()
    yield
    thread.join()


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


@pytest.mark.django_db
def test_a_scheduled_turn_is_taken_by_one_worker_only() -> None:
    turns: list[int] = []
    nightly = Schedule(name="nightly", cron="0 3 * * *", run=turns.append)
    for name in ("one", "two"):
        Worker(name=name, jobs={}, schedules=[nightly]).turn(AT + 4 * HOUR)
    assert turns == [AT + 4 * HOUR]
    assert ScheduledRun.objects.get().run_at == AT + 3 * HOUR


@pytest.mark.django_db
def test_a_short_rhythm_runs_once_in_each_beat() -> None:
    turns: list[int] = []
    subject = Worker(name="w", jobs={}, schedules=[Schedule(name="look", every=MINUTE, run=turns.append)])
    for at in (AT, AT + 1, AT + MINUTE, AT + MINUTE + 1):
        subject.turn(at)
    assert turns == [AT, AT + MINUTE]
