"""A worker is killed in the middle of long work: another goes on with it, once, and nobody sees a difference."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from postgres_server import _elsewhere, server_url
from rung.access.actions import add_user
from rung.access.models import Audit, User
from rung.capture.imports import uploads
from rung.capture.models import Upload
from rung.history.models import Event
from rung.jobs.clock import now
from rung.jobs.models import Outbox
from rung.jobs.worker import Worker
from rung.lifecycle.deciding import line
from rung.lifecycle.generations import new_generation
from rung.lifecycle.many import bulk
from rung.lifecycle.models import OF_A_GENERATION, Generation, Import, StageMove, Standing, Tally
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.publishing import building, rebuilding
from rung.lifecycle.publishing import later as publishing_later
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.people.rules import Keys
from rung.terms.instants import DAY, parse_instant
from rung.wiring import JOBS, LONG_JOBS

pytestmark = pytest.mark.django_db(transaction=True)

PLAYBOOK = """
playbook: 1
name: Test
signals: [{{name: Page, on: page_viewed, points: 10, half_life: 14d}}]
stages:
  lead: {{enter: signals >= 1}}
  mql: {{enter: score >= {points}}}
  sal: {{enter: accepted}}
setbacks: [{{to: nurture, when: 'stage in ["lead", "mql"] and idle >= days(90)', because: No sign of life}}]
"""
LONG_AGO = parse_instant("2026-01-05T10:00:00Z")

WORKER = """
import os, sys, time
from pathlib import Path
from rung import starting

starting.open_house()
from rung import wiring
from rung.capture.imports import uploads
from rung.jobs import holding, worker
from rung.lifecycle.many import bulk, columns, deciders
from rung.lifecycle.publishing import building
from rung.lifecycle.publishing import later as publishing_later
from rung.terms.instants import SECOND

folder, held = Path(sys.argv[1]), sys.argv[2]
# The same as ever, only in seconds where it is minutes, in few where it is thousands, and without the schedules.
holding.LEASE, holding.BEAT = 3 * SECOND, 0.2
wiring.SCHEDULES = wiring.STEADY = ()
bulk._PEOPLE_AT_A_TIME = building._PEOPLE_A_PART = 10
bulk.load.__kwdefaults__["at_a_time"] = 200


def told(name):
    with (folder / name).open("a") as file:
        file.write(f"{os.getpid()}\\n")


def begun(job):
    def work(payload, at):
        told("begun")
        job(payload, at)
    return work


def holding_at(real, turn):
    calls = []
    def called(*args, **named):
        calls.append(1)
        if len(calls) == turn:
            told("held")
            time.sleep(600)
        return real(*args, **named)
    return called


for kind in (publishing_later.KIND, uploads.RUN):
    wiring.LONG_JOBS[kind] = begun(wiring.LONG_JOBS[kind])
take = worker.Worker._take_long
worker.Worker._take_long = lambda self, at: (take(self, at), told("turns"))[0]
if held == "publish":
    columns.rows_of = holding_at(columns.rows_of, 3)
if held == "import":
    progress = uploads._progress
    uploads._progress = lambda upload: holding_at(progress(upload), 2)

from rung.cli import app

app(["worker"])
"""


def test_a_publish_goes_on_where_it_was_killed(tmp_path: Path, settings: Any) -> None:
    settings.RUNG_HOME = tmp_path
    ren = revops()
    visits = [page(number, LONG_AGO + n * DAY) for number in range(60) for n in range(number % 6 + 1)]
    bulk.load(visits, by="test", at=LONG_AGO + 9 * DAY)
    publishing.publish(PLAYBOOK.format(points=50), by="test", at=LONG_AGO + 9 * DAY)
    publishing_later.ask(text=PLAYBOOK.format(points=25), by=ren, at=now())

    def is_half_done() -> None:
        pending = publishing_later.pending()
        assert pending is not None and (pending.decided, pending.people, pending.note) == (20, 60, "")

    killed_and_gone_on(tmp_path, "publish", meanwhile=is_half_done)
    made = line.generation_of()
    assert (
        made is not None and made.note == "An earlier run was cut short after 20 people. This one goes on from there."
    )
    assert Event.objects.filter(kind="playbook_published").count() == 2, "the one at first, and this one once"
    assert Audit.objects.filter(verb="published playbook", object="Test").count() == 2
    assert not Generation.objects.filter(switched_at=None).exists()
    assert (Standing.objects.filter(generation=made).count(), made.decided) == (60, 60)
    assert rows(made) == rows(unbroken(made))
    assert StageMove.objects.filter(generation=made, stage="mql").exists()


def test_an_import_goes_on_where_it_was_killed(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RUNG_HOME = tmp_path
    monkeypatch.setitem(bulk.load.__kwdefaults__, "at_a_time", 200)
    asked_to_import()
    Worker(name="unbroken", jobs=JOBS, long_jobs=LONG_JOBS, schedules=()).turn(now())
    unbroken = imported()
    # 1500 calls, letters and meetings, and the name of each of the 500 once.
    assert (unbroken["counts"], len(unbroken["standings"])) == ([(1_501, 2_000, 0, 1)], 500)
    call_command("flush", verbosity=0, interactive=False)

    asked_to_import()

    def is_half_done() -> None:
        assert Upload.objects.get().rows_done == 500
        assert 0 < Event.objects.count() < 2_000

    killed_and_gone_on(tmp_path, "import", meanwhile=is_half_done)
    assert imported() == unbroken
    assert Upload.objects.get().state == "done"


# Two workers, of which the first is killed


def killed_and_gone_on(folder: Path, what: str, *, meanwhile: Callable[[], None]) -> None:
    """A second worker waits for as long as the first one lives, however long that takes; then it does the work."""
    with worker(folder, what) as first:
        until(lambda: lines(folder, "held") == [first.pid], first)
        with worker(folder, "nothing") as second:
            until(lambda: lines(folder, "turns").count(second.pid) > 1, second)
            begun_at = time.monotonic()
            until(lambda: time.monotonic() - begun_at > 3.5, second)  # longer than a lease lasts
            turns = lines(folder, "turns").count(second.pid)
            until(lambda: lines(folder, "turns").count(second.pid) > turns, second)
            assert lines(folder, "begun") == [first.pid], "nobody else begins it while the first one lives"
            meanwhile()
            first.send_signal(signal.SIGKILL)
            first.wait()
            until(lambda: not Outbox.objects.filter(done_at=None).exists(), second)
    row = Outbox.objects.get(kind__in=(publishing_later.KIND, uploads.RUN))
    assert (row.attempts, row.failed_at, row.last_error) == (2, None, "")
    assert lines(folder, "begun") == [first.pid, second.pid]


@contextmanager
def worker(folder: Path, held: str) -> "Iterator[subprocess.Popen[bytes]]":
    name = str(connection.settings_dict["NAME"])
    url = f"sqlite://{name}" if connection.vendor == "sqlite" else _elsewhere(server_url(), name)
    environment = {**os.environ, "RUNG_HOME": str(folder), "RUNG_DATABASE_URL": url}
    process = subprocess.Popen([sys.executable, "-c", WORKER, str(folder), held], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(is_so: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 300
    while not is_so():
        assert process.poll() is None, "the worker ended by itself"
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def lines(folder: Path, name: str) -> list[int]:
    path = folder / name
    return [int(each) for each in path.read_text().split()] if path.exists() else []


# What came of it


def page(number: int, at: int) -> NewEvent:
    return NewEvent("page_viewed", keys=Keys(email=f"p{number}@acme.example"), door="import", at=at)


def revops() -> User:
    return add_user(email="ren@ours.example", name="Ren", role="revops", by="test", at=LONG_AGO)


def unbroken(made: Generation) -> Generation:
    """The same playbook decided in one go, as of the same instant."""
    assert made.before is not None
    generation = new_generation(line.of(made).playbook, by="test", at=made.created_at)
    Generation.objects.filter(pk=generation.pk).update(builder="test")
    building.decide_everyone(building.Building(generation, "test"), before=line.of(made.before))
    return generation


def rows(generation: Generation) -> list[list[dict[str, Any]]]:
    hidden = {"id", "generation_id"}
    return [
        sorted(({name: value for name, value in row.items() if name not in hidden} for row in found.values()), key=str)
        for found in (model.objects.filter(generation=generation) for model in OF_A_GENERATION)
    ]


def asked_to_import() -> None:
    ren = revops()
    told = ["Email,First Name,Type,Date,Outcome"]
    for number in range(1_500):
        kind = ("Call", "Email", "Meeting")[number % 3]
        told.append(
            f"p{number % 500}@acme.example,P{number % 500},{kind},2026-01-{number % 28 + 1:02d} 10:00,Connected"
        )
    told.append("nobody,,,,")
    content = "\n".join(told).encode()
    upload = uploads.receive(name="calls.csv", size=len(content), chunks=[content], kind="activities", by=ren, at=now())
    choices = uploads.choices_of(upload)
    uploads.choose(upload=upload, choices=choices, by=ren, at=now())
    Upload.objects.update(state="tried")
    Outbox.objects.all().delete()
    upload.refresh_from_db()
    uploads.begin(upload=upload, is_again=False, by=ren, at=now())


def imported() -> dict[str, Any]:
    """All that came of an import, without ids and without the instants at which it ran, when it was told the names."""

    def told_at(kind: str, at: int) -> int:
        return 0 if kind == "person_described" else at

    assert not rebuilding.rebuild(check=True, at=now()).differences
    email = dict(Person.objects.values_list("pk", "email")) | {None: ""}
    events = Event.objects.values_list("person_id", "kind", "at", "message_id", "data")
    moves = StageMove.objects.values_list("person__email", "number", "stage", "because", "is_redefinition")
    standings = Standing.objects.order_by("person__email")
    return {
        "counts": list(Import.objects.values_list("rows", "accepted", "duplicates", "refused")),
        "events": sorted(
            (
                (email[person], kind, told_at(kind, at), id_.partition(":")[2], data)
                for person, kind, at, id_, data in events
            ),
            key=str,
        ),
        "standings": list(standings.values_list("person__email", "stage", "status", "lap", "signals")),
        "moves": sorted(moves),
        "tallies": sorted(
            (whose, name, times, told_at(name, at))
            for whose, name, times, at in Tally.objects.values_list("person__email", "name", "times", "last_at")
        ),
        "audit": sorted(Audit.objects.values_list("verb", flat=True)),
    }
