"""A house of 100 000 people and 1 000 000 events, and how long its pages take through the whole app, warm, one client.

The house is filled past the doors (the door's own speed is another figure) with what a replay says of everybody, and
kept under var/ for the next run; the persons whose pages are asked for have been decided by the house itself.
"""

import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus
from uuid import UUID

ROOT: Final = Path(__file__).resolve().parents[1]
FILLED: Final = 3
"""Rises when the house is to be filled in another way."""
CONDITIONS: Final = (
    "score >= 20",
    'stage == "mql" and status == "active"',
    'stage == "lead" and person.title.matches("*chief*")',
    'times("page_viewed") >= 5',
    'times("form_submitted") >= 2 and score >= 10',
    "person.employees >= 2000 and not (status == 'nurture')",
    'since("email_clicked") < days(30)',
    "idle >= days(60) and engagement >= 1",
    "engagement >= 20 or visits >= 20",
)
SORTS: Final = ("", "score", "since", "last.up", "score.up")
SEARCHES: Final = ("p12", "p9999", "firm7", "firm123", "nobody")
WARM: Final = 20


@dataclass(frozen=True)
class Took:
    """Milliseconds within which 50 and 95 of 100 answers came, by the wall and of processor time; most queries."""

    page: str
    p50: float
    p95: float
    cpu_p95: float
    queries: int


def measure(*, people: int, events: int, requests: int) -> list[Took]:
    """Each kind of page, asked `requests` times at addresses that differ."""
    os.environ["RUNG_HOME"] = str(ROOT / "var" / f"bench-{people}-{FILLED}")
    from rung import starting

    starting.open_house()
    from django.test import Client

    from rung import tables
    from rung.access.actions import add_user
    from rung.access.models import User
    from rung.insight import jobs
    from rung.jobs.clock import now
    from rung.people.models import Person

    if not Person.objects.exists():
        fill(people, events)
    tables.keep_statistics()  # as the worker does
    user = User.objects.filter(role="admin").first() or add_user(
        email="bench@rung.example", role="admin", by="bench", at=now()
    )
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    asked = pages(requests)
    decide([int(address[-12:], 16) for address in asked["person"]])
    jobs.refresh(now())  # as the worker does every five minutes
    return [took(client, name, addresses) for name, addresses in asked.items()]


def decide(people: list[int]) -> None:
    """Gives these people the state that the house keeps of everybody it has decided itself."""
    from django.db import transaction

    from rung.jobs.clock import now
    from rung.lifecycle.generations import ensure_playbook
    from rung.lifecycle.many import bulk
    from rung.lifecycle.models import State

    missing = set(people) - set(State.objects.filter(person_id__in=people).values_list("person_id", flat=True))
    with transaction.atomic():
        bulk.decide_again(ensure_playbook(at=now()), sorted(missing), at=now())


def pages(requests: int) -> dict[str, list[str]]:
    """The addresses of each kind of page. Persons and companies are drawn twice: any, and by how much they did."""
    from rung.history.models import Event
    from rung.people.models import Company, Person

    rng = random.Random(1)
    last = Event.objects.order_by("-seq").values_list("seq", flat=True)[0]
    drawn = Event.objects.filter(seq__in=rng.sample(range(1, last), requests))
    active = [id_ for id_ in drawn.values_list("person_id", flat=True) if id_]
    anyone = rng.sample(range(1, Person.objects.count()), requests)
    of_events = [id_ for id_ in drawn.values_list("company_id", flat=True) if id_]
    any_company = rng.sample(range(1, Company.objects.count()), requests)
    mixed = [*active[: requests // 2], *anyone[: requests - requests // 2]]
    firms = ([*of_events, *any_company][:requests]) if of_events else any_company
    rng.shuffle(mixed)
    lists = ["/people", *(f"/people?where={quote_plus(where)}&sort={sort}" for where in CONDITIONS for sort in SORTS)]
    lists += [f"/people?sort={sort}" for sort in SORTS] + [f"/people?q={text}" for text in SEARCHES]
    rng.shuffle(lists)
    return {
        "people": [lists[n % len(lists)] for n in range(requests)],
        "person": [f"/people/{UUID(int=id_)}" for id_ in mixed],
        "company": [f"/companies/{UUID(int=id_)}" for id_ in firms],
        "companies": [("/companies", "/companies?sort=first", "/companies?q=firm7")[n % 3] for n in range(requests)],
        "ladder": [("/ladder", "/ladder?period=quarter")[n % 2] for n in range(requests)],
    }


def took(client: Any, page: str, addresses: list[str]) -> Took:
    """How long the page takes; the first answers, which warm what a process keeps, are not counted."""
    walls, cpus, queries = [], [], 0
    for turn, address in enumerate([*addresses[:WARM], *addresses]):
        asked, wall, cpu = counted(lambda address=address: client.get(address))
        if asked[0].status_code != 200:
            raise RuntimeError(f"{address} answered {asked[0].status_code}")
        if turn >= WARM:
            walls.append(1_000 * wall)
            cpus.append(1_000 * cpu)
            queries = max(queries, asked[1])
    if os.environ.get("RUNG_BENCH_SLOWEST"):
        for wall, address in sorted(zip(walls, addresses, strict=True), reverse=True)[:12]:
            print(f"  {wall:7.1f} ms  {address}", file=sys.stderr)
    return Took(page, statistics.median(walls), at_95(walls), at_95(cpus), queries)


def counted(ask: Callable[[], Any]) -> tuple[tuple[Any, int], float, float]:
    """The answer and how many queries it took, with seconds by the wall and of processor time."""
    from django.db import connection

    asked = 0

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal asked
        asked += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = ask()
        return (answer, asked), time.perf_counter() - wall, time.process_time() - cpu


def at_95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]


# filling


def fill(people: int, events: int) -> None:
    """Everything that pages read, as a replay of the bench's history says."""
    from django.db import transaction
    from run import write_history

    from rung.engine import replay
    from rung.engine.files import reading
    from rung.jobs.clock import now
    from rung.lifecycle.generations import ensure_playbook

    print(f"Filling a house of {people:,} people and {events:,} events …", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "history.ndjson")
        write_history(path, events, start=datetime.now(UTC) - timedelta(days=365))
        with path.open("rb") as stream:
            found = reading.read(stream)
    line = ensure_playbook(at=now())
    replayed = replay.replay(line.program, found.history, found.last_at or 0)
    with transaction.atomic():
        _Filling(found.history, replayed, line).write()


class _Filling:
    def __init__(self, history: Any, replayed: Any, line: Any) -> None:
        self.history, self.replayed, self.line = history, replayed, line
        self.traits: list[dict[str, Any]] = [{} for _ in history.people]
        self.tallies: list[Counter[str]] = [Counter() for _ in history.people]
        self.last: list[dict[str, int]] = [{} for _ in history.people]
        self.company = [0] * len(history.people)

    def write(self) -> None:
        from rung.history.models import Event
        from rung.lifecycle.models import StageMove, Standing, Tally
        from rung.people.models import Company, Identity, Person, Trait

        self._insert(Event, self._events())
        self._insert(Company, self._companies())
        self._insert(Person, self._people())
        self._insert(
            Identity,
            (
                {"kind": "email", "value": key, "person_id": n, "since_at": 0}
                for n, key in enumerate(self.history.people, 1)
            ),
        )
        self._insert(Trait, self._traits())
        self._insert(Standing, self._standings())
        self._insert(StageMove, self._moves())
        self._insert(Tally, self._tallies())

    def _insert(self, model: Any, rows: Iterator[dict[str, Any]]) -> None:
        from rung import tables

        fields = {field.column: field for field in model._meta.concrete_fields}
        defaults = {name: field.get_default() for name, field in fields.items()}
        rows = iter(rows)
        first = next(rows)
        names = [name for name in fields if name in first or not fields[name].primary_key]

        def values() -> Iterator[list[Any]]:
            yield [first.get(name, defaults[name]) for name in names]
            for row in rows:
                yield [row.get(name, defaults[name]) for name in names]

        tables.insert(model, names, values())

    def _events(self) -> Iterator[dict[str, Any]]:
        from rung.engine.histories import KIND_NAMES

        history = self.history
        columns = (history.person.tolist(), history.at.tolist(), history.kind.tolist(), history.company.tolist())
        for seq, (person, at, kind, company) in enumerate(zip(*columns, strict=True), 1):
            name, data = KIND_NAMES[kind], history.data[seq - 1]
            self.tallies[person][name] += 1
            self.last[person][name] = at
            if name == "person_identified":
                self.traits[person] |= data
            if company >= 0:
                self.company[person] = company + 1
            yield {
                "seq": seq, "person_id": person + 1, "company_id": company + 1 if company >= 0 else None, "kind": name,
                "at": at, "occurred_at": at, "received_at": at, "source": "bench", "message_id": f"m{seq}",
                "data": json.dumps(data),
            }  # fmt: skip

    def _companies(self) -> Iterator[dict[str, Any]]:
        for n, key in enumerate(self.history.companies, 1):
            names = {"key": key, "name": key, "domain": key}
            yield {"id": n, "uuid": UUID(int=n).hex, **names, "traits": "{}", "first_seen_at": 0}

    def _people(self) -> Iterator[dict[str, Any]]:
        standings = self.replayed.standings
        for n, key in enumerate(self.history.people, 1):
            yield {
                "id": n, "uuid": UUID(int=n).hex, "name": key.partition("@")[0], "email": key,
                "title": self.traits[n - 1].get("title", ""), "company_id": self.company[n - 1] or None,
                "company_since_at": 0, "company_since_seq": 0, "traits": json.dumps(self.traits[n - 1]),
                "first_seen_at": int(standings.first_at[n - 1]), "last_event_at": int(standings.last_at[n - 1]),
            }  # fmt: skip

    def _traits(self) -> Iterator[dict[str, Any]]:
        for n, traits in enumerate(self.traits, 1):
            if "employees" in traits:
                yield {"person_id": n, "field": "employees", "number": traits["employees"]}

    def _standings(self) -> Iterator[dict[str, Any]]:
        from rung.terms.stages import STAGES, STATUSES

        told, until = self.replayed.standings, self.replayed.until
        for n in range(len(self.history.people)):
            yield {
                "generation_id": self.line.generation_id, "person_id": n + 1, "stage": STAGES[told.stage[n]],
                "status": STATUSES[told.status[n]], "lap": int(told.lap[n]), "score": float(told.score[n]),
                "fit": float(told.fit[n]), "engagement": float(told.engagement[n]),
                "temperature": ("cold", "warm", "hot")[told.temperature[n]], "since": int(told.since[n]),
                "scored_at": until, "decided_until": until, "company_id": self.company[n] or None,
                "signals": int(told.signals[n]), "visits": int(told.visits[n]), "idle_since": int(told.idle_since[n]),
                "last_at": int(told.last_at[n]), "reachable": True, "playbook_version": self.line.version,
                "engine_version": self.line.engine_version,
            }  # fmt: skip

    def _moves(self) -> Iterator[dict[str, Any]]:
        from rung.engine.deciding import reason_of
        from rung.terms.stages import STAGES, STATUSES

        moves = self.replayed.moves
        for n in range(len(moves.at)):
            because, rule_line = reason_of(self.line.program, int(moves.cause[n]), int(moves.line[n]), None)
            row = int(moves.row[n])
            yield {
                "generation_id": self.line.generation_id, "person_id": int(moves.person[n]) + 1, "number": n,
                "at": int(moves.at[n]), "from_stage": STAGES[moves.from_stage[n]],
                "from_status": STATUSES[moves.from_status[n]], "stage": STAGES[moves.stage[n]],
                "status": STATUSES[moves.status[n]], "cause": ("promotion", "setback", "override")[moves.cause[n]],
                "because": because, "rule_line": rule_line, "lap": int(moves.lap[n]), "score": float(moves.score[n]),
                "fit": float(moves.fit[n]), "engagement": float(moves.engagement[n]),
                "event_seq": row + 1 if row >= 0 else None, "passed": bool(moves.passed[n]),
                "playbook_version": self.line.version, "engine_version": self.line.engine_version,
            }  # fmt: skip

    def _tallies(self) -> Iterator[dict[str, Any]]:
        for n, tally in enumerate(self.tallies, 1):
            for name, times in tally.items():
                yield {
                    "generation_id": self.line.generation_id, "person_id": n, "name": name, "is_signal": False,
                    "times": times, "last_at": self.last[n - 1][name],
                }  # fmt: skip
