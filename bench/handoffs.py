"""Hand-offs by the thousand: Today with ten thousand open, a hundred thousand dealt out, a million clocks anew.

Runs in a process and a house of its own, on SQLite: `run.py` starts it. Prints JSON: figure → (wall, processor time,
the same of the reference).
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

SECOND = 1_000_000
DAY = 86_400 * SECOND
REPS = 200


def measured(open_: int, dealt: int, clocks: int, runs: int) -> dict[str, list[float]]:
    """Runs the three figures in a child process."""
    with tempfile.TemporaryDirectory(prefix="rung-bench-") as home:
        command = [sys.executable, __file__, str(open_), str(dealt), str(clocks), str(runs)]
        environment = {**os.environ, "RUNG_HOME": home, "RUNG_DATABASE_URL": ""}
        done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    found: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def took(run: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


def main(open_: int, dealt: int, clocks: int, runs: int) -> dict[str, list[float]]:
    from rung import starting

    starting.open_house()
    from django.db import connection, transaction

    from rung.handoff import clocks as jobs
    from rung.handoff.models import Assignment, Clock
    from rung.jobs.clock import now

    at = now()
    line = prepared(at)
    fill(dealt, line, at)
    found: dict[str, list[float]] = {}
    bare = took(lambda: bare_rows(dealt))
    deal = took(lambda: jobs.deal_out(at=at))
    assert Assignment.objects.count() == dealt
    found["deal"] = [*deal, *bare]
    # Today, with the first ten thousand still open.
    Clock.objects.filter(pk__gt=open_).update(stopped_at=at)
    Assignment.objects.exclude(pk__in=Clock.objects.filter(stopped_at=None).values("assignment")).update(ended_at=at)
    found["today"] = today(40 * runs)
    more_clocks(clocks - open_, at)

    def again() -> None:
        with transaction.atomic():
            assert jobs.reckoning.again(line.playbook) == clocks

    def touched() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE handoff_clock SET due_at = due_at + 1, warn_at = warn_at + 1 WHERE stopped_at IS NULL"
            )

    reference = took(touched)
    found["recompute"] = [*took(again), *reference]
    return found


def prepared(at: int) -> Any:
    from rung.access.actions import add_user
    from rung.lifecycle.generations import ensure_playbook

    line = ensure_playbook(at=at)
    for number in range(REPS):
        add_user(
            email=f"rep{number}@bench.example",
            name=f"Rep {number}",
            role="sales",
            team=f"T{number % 8}",
            by="bench",
            at=1,
        )
    return line


def fill(count: int, line: Any, at: int) -> None:
    """People on the hand-off rung, each with an open hand-off and what they said; a third belong to a rep."""
    from django.db import transaction

    from rung.access.models import User
    from rung.history.models import Event
    from rung.lifecycle.models import Handoff, Standing, Tally
    from rung.people.models import Person

    chance, owners = random.Random(3), list(User.objects.filter(role="sales").values_list("pk", flat=True))

    def owner(n: int) -> int | None:
        return owners[n % len(owners)] if n % 3 == 0 else None

    told = {
        "generation_id": line.generation_id,
        "playbook_version": line.version,
        "engine_version": line.engine_version,
    }
    opened = [at - chance.randrange(5 * DAY) for _ in range(count)]
    with transaction.atomic():
        write(Person, ({
            "id": n, "uuid": UUID(int=n).hex, "name": f"Person {n}", "email": f"p{n}@bench.example", "source": "google",
            "owner_id": owner(n), "traits": "{}", "first_seen_at": at - 30 * DAY, "last_event_at": opened[n - 1],
        } for n in range(1, count + 1)))  # fmt: skip
        write(Standing, ({
            **told, "person_id": n, "stage": "mql", "status": "active", "score": 60.0, "since": opened[n - 1],
            "scored_at": at, "decided_until": at, "owner_id": owner(n), "idle_since": opened[n - 1], "last_at": at,
        } for n in range(1, count + 1)))  # fmt: skip
        write(Handoff, ({
            "id": n, "uuid": UUID(int=n).hex, "person_id": n, "opened_at": opened[n - 1], "owner_id": owner(n),
            "lane": "scored" if n % 4 else "hand_raise", "evidence": "Score 60.", "playbook_version": line.version,
        } for n in range(1, count + 1)))  # fmt: skip
        write(Tally, ({
            "generation_id": line.generation_id, "person_id": n, "name": name, "is_signal": False, "times": 1,
            "last_at": at,
        } for n in range(1, count + 1) for name in ("page_viewed", "question_asked")))  # fmt: skip
        kinds = ("question_asked", "page_viewed", "page_viewed", "form_submitted")
        write(Event, ({
            "seq": 10 + 4 * n + k, "person_id": n, "kind": kind, "at": opened[n - 1] - k, "occurred_at": at,
            "received_at": at, "source": "bench", "message_id": f"m{n}-{k}", "data": '{"question": "Can we see it?"}',
        } for n in range(1, count + 1) for k, kind in enumerate(kinds)))  # fmt: skip


def write(model: Any, rows: Iterator[dict[str, Any]]) -> None:
    from rung import tables

    fields = {field.column: field for field in model._meta.concrete_fields}
    defaults = {name: field.get_default() for name, field in fields.items()}
    first = next(rows)
    names = [name for name in fields if name in first or not fields[name].primary_key]

    def values() -> Iterator[list[Any]]:
        yield [first.get(name, defaults[name]) for name in names]
        for row in rows:
            yield [row.get(name, defaults[name]) for name in names]

    tables.insert(model, names, values())


def bare_rows(count: int) -> None:
    """The reference of dealing out: as many bare rows, written and taken away again."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE bare (a INTEGER PRIMARY KEY, b INTEGER, c INTEGER, d TEXT)")
        cursor.executemany("INSERT INTO bare VALUES (%s, %s, %s, %s)", [(n, n, n, "x" * 40) for n in range(2 * count)])
        cursor.execute("DROP TABLE bare")


def more_clocks(count: int, at: int) -> None:
    from django.db import transaction

    from rung.handoff.models import Clock

    chance = random.Random(4)
    starts = sorted(at - chance.randrange(60 * DAY) for _ in range(count))  # hand-offs open one after the other
    lanes = ("hand_raise", "scored", "scored", "scored")
    with transaction.atomic():
        write(Clock, ({
            "id": 2_000_000 + n, "kind": "answer", "lane": lanes[n % 4], "person_id": 1 + n % 5_000,
            "started_at": starts[n], "due_at": at, "warn_at": at,
        } for n in range(count)))  # fmt: skip


def today(requests: int) -> list[float]:
    """95 of 100 answers of the page came within so many milliseconds; every request is another rep's."""
    from django.test import Client

    from rung.access.models import User

    clients = []
    for user in User.objects.filter(role="sales")[:20]:
        client = Client(headers={"host": "localhost"})
        client.force_login(user)
        client.get("/")
        clients.append(client)
    times = [took(lambda turn=turn: clients[turn % len(clients)].get("/")) for turn in range(requests)]
    return [1_000 * sorted(time[clock] for time in times)[int(0.95 * len(times))] for clock in (0, 1)] + [100.0, 100.0]


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
    print(json.dumps(main(*map(int, sys.argv[1:]))))
