"""A house of 100 000 people and 1 000 000 events, and how long its pages take through the whole app, warm, one client.

The house is filled past the doors (the door's own speed is another figure) with what a replay says of everybody, and
kept under var/ for the next run.
"""

import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parents[1]
LISTS = (
    "/people",
    "/people?sort=-score",
    "/people?where=score+%3E%3D+20",
    '/people?where=stage+%3D%3D+"lead"+and+person.title.matches("*chief*")',
    '/people?where=times("page_viewed")+%3E%3D+5',
)


def measure(*, people: int, events: int, requests: int) -> list[tuple[str, float]]:
    """(figure, milliseconds) of the people list and of persons' pages."""
    os.environ["RUNG_HOME"] = str(ROOT / "var" / f"bench-{people}")
    from rung import starting

    starting.open_house()
    from django.test import Client

    from rung.access.actions import add_user
    from rung.access.models import User
    from rung.jobs.clock import now
    from rung.people.models import Person

    if not Person.objects.exists():
        fill(people, events)
    user = User.objects.filter(role="admin").first() or add_user(
        email="bench@rung.example", role="admin", by="bench", at=now()
    )
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    ids = list(Person.objects.values_list("uuid", flat=True)[: 20 * requests])
    random.Random(1).shuffle(ids)
    found = []
    for name, addresses in (
        ("people", [LISTS[n % len(LISTS)] for n in range(requests)]),
        ("person", [f"/people/{id_}" for id_ in ids[:requests]]),
    ):
        wall, cpu = p95(client, addresses)
        found += [(f"{name}-p95", wall), (f"{name}-p95-cpu", cpu)]
    return found


def p95(client: Any, addresses: list[str]) -> tuple[float, float]:
    """Milliseconds, by the wall and of processor time, within which 95 of 100 answers came; the first 20 are not
    counted."""
    walls, cpus = [], []
    for turn, address in enumerate([*addresses[:20], *addresses]):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = client.get(address)
        took = 1_000 * (time.perf_counter() - wall), 1_000 * (time.process_time() - cpu)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}")
        if turn >= 20:
            walls.append(took[0])
            cpus.append(took[1])
    return sorted(walls)[int(0.95 * len(walls))], sorted(cpus)[int(0.95 * len(cpus))]


def fill(people: int, events: int) -> None:
    """Everything that pages read, as a replay of the bench's history says."""
    from django.db import transaction
    from run import write_history

    from rung.engine import reading, replay
    from rung.jobs.clock import now
    from rung.lifecycle.generations import ensure_playbook

    print(f"Filling a house of {people:,} people and {events:,} events …", file=sys.stderr)  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "history.ndjson")
        write_history(path, events)
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
        from rung.engine.reading import KIND_NAMES

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
