"""The house at work: events recorded live, a file imported and undone, a changed playbook put in force.

Each figure is taken in a process and a house of its own, on SQLite or PostgreSQL; `run.py` starts them. Prints JSON.
"""

import contextlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DATABASES = ("sqlite", "postgres")
SECOND = 1_000_000
DAY = 86_400 * SECOND
START = 20_400 * DAY
PATHS = ("/", "/pricing", "/product", "/blog/how-to-choose", "/docs/start", "/customers", "/about", "/contact")
TITLES = ("Chief Financial Officer", "Head of IT", "Developer", "VP Sales", "Assistant", "Plant manager")
INDUSTRIES = ("Software", "Retail", "Schools", "Farming", "Transport", "Health", "Hotels", "Building")


def in_a_house_of_its_own(figure: str, database: str, *sizes: int) -> dict[str, float]:
    """Runs one figure in a child process and returns what it printed."""
    with tempfile.TemporaryDirectory(prefix="rung-bench-") as home, _address(database) as url:
        environment = {**os.environ, "RUNG_HOME": home, "RUNG_DATABASE_URL": url}
        command = [sys.executable, __file__, figure, *map(str, sizes)]
        done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextlib.contextmanager
def _address(database: str) -> Iterator[str]:
    """The address of an empty database; PostgreSQL is the tests' throw-away server, here with everything it does for
    safety."""
    if database == "sqlite":
        yield ""
        return
    sys.path.insert(0, str(ROOT / "tests"))
    import postgres_server

    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        postgres_server._SETTINGS[name] = "on"
    postgres_server._SETTINGS |= {"shared_buffers": "512MB", "max_wal_size": "4GB"}
    with postgres_server.new_database() as url:
        yield url


# Live


def live(people: int, events: int) -> dict[str, float]:
    """Batches as the collector's worker brings them where many wait, then single events; beside them bare INSERTs of
    the same rows."""
    from rung.capture.collector import taking
    from rung.history.queries import last_seq
    from rung.lifecycle import actions
    from rung.lifecycle.many import bulk

    stream = Stream(people)
    bulk.load(stream.past(), by="bench", at=START)
    at = START
    for _ in range(2):  # whatever is loaded or compiled on the first use
        actions.record(stream.batch(1_000), by="collector", at=at)
    told, first, clock, moves = stream.batch(events), last_seq() + 1, Clock(), 0
    batch, largest, done = 1_000, 0, 0
    clock.start()
    while done < events:
        at += SECOND
        part, begun = told[done : done + batch], time.perf_counter()
        recorded = actions.record(part, by="collector", at=at)
        assert recorded.accepted == len(part), recorded.refused[:3]
        moves, done, largest = moves + len(recorded.moves), done + len(part), max(largest, len(part))
        batch = taking.at_a_time(batch, held=int(SECOND * (time.perf_counter() - begun)))
    taken = clock.stop()
    singles = []
    for _ in range(60):
        at += SECOND
        part = stream.batch(1)
        begun = time.perf_counter()
        actions.record(part, by="sam@acme.example", at=at)
        singles.append(time.perf_counter() - begun)
    bare, rows = bare_inserts(first, largest, clock)
    return {
        "events": events,
        "rows": rows,
        "moves": moves,
        "batch": largest,
        "wall": events / taken["wall"],
        "cpu": events / taken["cpu"],
        "bare_wall": rows / bare["wall"],
        "bare_cpu": rows / bare["cpu"],
        "single_ms": 1_000 * sorted(singles)[len(singles) // 2],
    }


class Stream:
    """Visitors of a firm's site: half of all events are of people we know, half of these at companies of four.

    Of the rest most are visitors seen before; one in five is new.
    """

    def __init__(self, people: int, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.people = people
        self.visitors = people
        self.count = 0

    def past(self, days: Sequence[int] = (60, 20)) -> Iterator[Any]:
        """What is known before: everybody once described, with their company, and visits so many days ago."""
        from rung.lifecycle.rules import NewEvent

        for number in range(self.people):
            told = {
                "email": f"p{number}@example.org",
                "title": TITLES[number % len(TITLES)],
                "name": f"Person {number}",
            }
            at = START - 90 * DAY + number * SECOND
            yield self._new(NewEvent, "person_described", number, told, door="import", at=at)
            if number % 8 == 0:
                of_company = {
                    "industry": INDUSTRIES[number // 8 % 8],
                    "employees": number % 2_000,
                    "name": f"Firm {number}",
                }
                yield NewEvent(
                    kind="company_described", data=of_company, company=self._company(number), door="import", at=at,
                    source="past", message_id=f"c{number}",
                )  # fmt: skip
            for day in days:
                page = {"path": self.random.choice(PATHS)}
                yield self._new(NewEvent, "page_viewed", number, page, door="import", at=START - day * DAY + number)

    def batch(self, size: int) -> list[Any]:
        from rung.lifecycle.rules import NewEvent

        return [self._event(NewEvent) for _ in range(size)]

    def _event(self, new: Any) -> Any:
        draw = self.random.random()
        if self.random.random() < 0.5:
            number = self.random.randrange(self.people)
        elif self.random.random() < 0.8:
            number = self.random.randrange(self.people, self.visitors + 1)
        else:
            self.visitors += 1
            number = self.visitors
        page = self.random.choice(PATHS)
        seen = {"path": page, "url": f"https://www.example.com{page}", "title": "A page", "referrer": ""}
        if draw < 0.70:
            return self._new(new, "page_viewed", number, seen)
        if draw < 0.82:
            return self._new(new, "element_clicked", number, {"name": "menu", **seen})
        if draw < 0.90:
            return self._new(new, "email_opened", number, {"campaign": "spring"}, door="secret")
        if draw < 0.93:
            return self._new(new, "content_downloaded", number, {"content": "paper-3"})
        if draw < 0.95:
            return self._new(new, "webinar_attended", number, {"webinar": "w1"}, door="secret")
        if draw < 0.998:
            return self._new(new, "person_identified", number, {"country": "Germany", "city": f"C{number % 50}"})
        told = {"email": f"p{number}@example.org", "form": "demo", "message": "Please call me."}
        return self._new(new, "demo_requested", number, told)

    def _new(
        self,
        new: Any,
        kind: str,
        number: int,
        data: dict[str, object],
        door: str = "publishable",
        at: int | None = None,
    ) -> Any:
        from rung.history.actions import new_message_id
        from rung.people.rules import Keys

        self.count += 1
        is_known = number < self.people
        return new(
            kind=kind,
            keys=Keys(user_id=f"u{number}" if is_known else "", anonymous_id=f"cookie-{number}"),
            data=data,
            company=self._company(number) if is_known and kind.startswith("person_") else None,
            at=at,
            source="site" if at is None else "past",
            message_id=new_message_id(),
            door=door,
        )

    def _company(self, number: int) -> str | None:
        return f"firm{number // 8}.example" if number % 8 < 4 else None


# Import


def import_(people: int, rows: int) -> dict[str, float]:
    """A file of contacts, half of whom are known, brought in and undone; beside it bare INSERTs of the same events."""
    from django.conf import settings

    from rung.capture.imports import actions as imports
    from rung.history.queries import last_seq
    from rung.lifecycle.many import bulk

    bulk.load(Stream(people).past(), by="bench", at=START)
    path = Path(settings.RUNG_HOME) / "contacts.csv"
    write_contacts(path, rows, known=people)
    first, clock = last_seq() + 1, Clock()
    clock.start()
    report = imports.run([path], mapping=None, kind="people", by="system", at=START + DAY)
    taken = clock.stop()
    assert report.number is not None and report.taken[0].rows == rows, report
    bare, events = bare_inserts(first, 5_000, clock)
    clock.start()
    imports.undo(number=report.number, by="system", at=START + 2 * DAY)
    undone = clock.stop()
    return {
        "events": events,
        "wall": rows / taken["wall"],
        "cpu": rows / taken["cpu"],
        "bare_wall": events / bare["wall"],
        "bare_cpu": events / bare["cpu"],
        "undo_wall": rows / undone["wall"],
        "undo_cpu": rows / undone["cpu"],
    }


def memory(rows: int) -> dict[str, float]:
    """The most memory that bringing so many rows into an empty house took, and taking them back; one in ten is refused.

    In MiB, of this process and those it starts, without the file that SQLite maps: up to 256 MiB of it are looked at
    where they lie in the system's cache, which takes them back when it needs them.
    """
    from django.conf import settings

    from rung.capture.imports import actions as imports

    path = Path(settings.RUNG_HOME) / "contacts.csv"
    write_contacts(path, rows, known=rows // 10)
    with path.open("a", encoding="utf-8") as file:
        file.writelines("n/a,No,Body,Buyer,none.example,,web,2025-01-01\n" for _ in range(rows // 10))
    with _watched() as most:
        report = imports.run([path], mapping=None, kind="people", by="system", at=START + DAY)
    assert report.number is not None and report.taken[0].refused == rows // 10, report.taken[0].refused
    with _watched() as most_undone:
        imports.undo(number=report.number, by="system", at=START + 2 * DAY)
    return {"import": max(most), "undo": max(most_undone)}


@contextlib.contextmanager
def _watched() -> Iterator[list[float]]:
    """How much memory of their own these processes have, twenty times a second: Linux keeps no highest of it."""
    seen, ended = [_own_memory()], threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            seen.append(_own_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


def _own_memory() -> float:
    tasks = Path("/proc/self/task").glob("*/children")
    started = [pid for task in tasks for pid in task.read_text().split()]
    return sum(map(_memory_of, ("self", *started)))


def _memory_of(process: str) -> float:
    try:
        told = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    except OSError:  # it ended meanwhile
        return 0.0
    return float(told[1]) / 1024 if told else 0.0


def write_contacts(path: Path, rows: int, *, known: int) -> None:
    """Every second row is somebody of the house."""
    draw = random.Random(2)
    with path.open("w", encoding="utf-8") as file:
        file.write("Email,First Name,Last Name,Job Title,Company,Country,Lead Source,Create Date\n")
        for number in range(rows):
            person = number // 2 % known if number % 2 else known + number
            at = f"2025-{1 + number % 12:02}-{1 + number % 28:02}"
            title, country = draw.choice(TITLES), draw.choice(("Germany", "France", "Austria"))
            name = f"p{person}@example.org,First{person},Last{person}"
            file.write(f"{name},{title},firm{person // 8}.example,{country},web,{at}\n")


# Publish


def publish(people: int) -> dict[str, float]:
    """A changed playbook put in force for everybody; beside it bare INSERTs of the standings that come of it.

    Ten events a person, as in the guarantee.
    """
    from rung.history.models import Event
    from rung.lifecycle.many import bulk
    from rung.lifecycle.publishing import actions as publishing
    from rung.playbook import shipped

    bulk.load(Stream(people).past(range(80, 0, -9)), by="bench", at=START)
    text = shipped.read(shipped.DEFAULT)
    changed = text.replace("score >= 50", "score >= 42")
    assert changed != text
    clock = Clock()
    clock.start()
    done = publishing.publish(changed, by="system", at=START + DAY)
    taken = clock.stop()
    assert done.people == people, done
    bare, rows = bare_inserts(done.generation_id, 5_000, clock, "lifecycle_standing", "generation_id")
    return {
        "events": Event.objects.count(),
        "wall": people / taken["wall"],
        "cpu": people / taken["cpu"],
        "bare_wall": rows / bare["wall"],
        "bare_cpu": rows / bare["cpu"],
    }


def bare_inserts(
    first: int, batch: int, clock: "Clock", table: str = "history_event", column: str = "seq"
) -> tuple[dict[str, float], int]:
    """The rows of a table from a number on, put as they are into an empty table with the same indexes."""
    from django.db import connection, transaction

    with connection.cursor() as cursor:
        _empty_twin(cursor, table)
        cursor.execute(f'SELECT * FROM {table} WHERE "{column}" >= %s ORDER BY 1', [first])
        names = ", ".join(f'"{column[0]}"' for column in cursor.description)
        rows = cursor.fetchall()
    marks = ", ".join(["%s"] * len(rows[0]))
    clock.start()
    for start in range(0, len(rows), batch):
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY bare_event ({names}) FROM STDIN") as copy:
                    for row in rows[start : start + batch]:
                        copy.write_row(row)
            else:
                cursor.executemany(f"INSERT INTO bare_event ({names}) VALUES ({marks})", rows[start : start + batch])
    return clock.stop(), len(rows)


SQL_OF_A_TABLE = """
SELECT type, sql FROM sqlite_master WHERE tbl_name = %s AND sql IS NOT NULL AND type <> 'trigger' ORDER BY type DESC
"""


def _empty_twin(cursor: Any, table: str) -> None:
    from django.db import connection

    if connection.vendor == "postgresql":
        cursor.execute(f"CREATE TABLE bare_event (LIKE {table} INCLUDING ALL)")
        return
    cursor.execute(SQL_OF_A_TABLE, [table])
    for type_, statement in cursor.fetchall():
        named = statement.replace(f'"{table}"', '"bare_event"')
        cursor.execute(re.sub(r'INDEX "(\w+)"', r'INDEX "bare_\1"', named) if type_ == "index" else named)


class Clock:
    """Time by the wall, and processor time of this process, those it ended, and the database's that serves it."""

    def __init__(self) -> None:
        from django.db import connection

        self.server: Path | None = None
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self.server = Path(f"/proc/{cursor.fetchone()[0]}/stat")

    def start(self) -> None:
        self._wall, self._cpu = time.perf_counter(), self._used()

    def stop(self) -> dict[str, float]:
        return {"wall": time.perf_counter() - self._wall, "cpu": self._used() - self._cpu}

    def _used(self) -> float:
        told = os.times()
        used = told.user + told.system + told.children_user + told.children_system
        if self.server is not None and self.server.exists():
            fields = self.server.read_text().rpartition(")")[2].split()
            used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return used


FIGURES: dict[str, Callable[..., dict[str, float]]] = {
    "live": live,
    "import": import_,
    "memory": memory,
    "publish": publish,
}


def main(figure: str, sizes: Sequence[int]) -> None:
    from rung import starting

    starting.open_house(migrates=False)
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    starting.serve_no_pages()
    print(json.dumps(FIGURES[figure](*sizes)))


if __name__ == "__main__":
    main(sys.argv[1], [int(size) for size in sys.argv[2:]])
