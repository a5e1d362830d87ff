"""`make faults`: the guarantees of docs/reliability.md, each as a procedure whose judge stands outside our code.

    python faults/run.py killing [--events 200000] [--kills 50] [--planted BUG]
    python faults/run.py undoing [--rows 100000] [--people 20000] [--database postgresql] [--planted BUG]

Each procedure prints one JSON object and ends with 1 where the guarantee was broken. With --planted the house runs with
that bug in it, and the procedure must break: a test that cannot fail proves nothing.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CLIENT = ROOT / "tests" / "clients" / "installed" / "python-2.4"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("procedure", choices=["killing", "undoing"])
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pace", type=float, default=8, help="seconds of streaming for each kill")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--empty", type=Path, help="a SQLite file with all tables, to begin from without migrations")
    parser.add_argument("--planted", default="")
    options = parser.parse_args()
    if options.procedure == "undoing":
        found = undoing(rows=options.rows, people=options.people, database=options.database, planted=options.planted)
    else:
        found = killing(
            events=options.events, kills=options.kills, seed=options.seed, pace=options.pace, planted=options.planted,
            empty=options.empty,
        )  # fmt: skip
    print(json.dumps(found, indent=2))
    sys.exit(0 if found["is_kept"] else 1)


class Roles:
    """The web process (with the collector) and the worker, on a socket of ours; who is killed comes again."""

    def __init__(self, home: Path, planted: str) -> None:
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(1024)
        self.listener.set_inheritable(True)
        self.port = self.listener.getsockname()[1]
        self.environment = {**os.environ, "RUNG_HOME": str(home), "PYTHONPATH": str(ROOT / "src")}
        begin = (
            [sys.executable, str(ROOT / "faults" / "planted.py"), planted]
            if planted
            else [sys.executable, "-m", "rung.cli"]
        )
        self.commands = {
            "web": [*begin, "web", "--fd", str(self.listener.fileno())],
            "worker": [*begin, "worker"],
        }
        self.takes = 3.0
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.log = (home / "log").open("ab")

    def start(self, role: str) -> None:
        self.running[role] = subprocess.Popen(
            self.commands[role],
            env=self.environment,
            pass_fds=(self.listener.fileno(),),
            stdout=self.log,
            stderr=self.log,
        )

    def kill(self, role: str) -> None:
        """No farewell: SIGKILL."""
        self.running[role].send_signal(signal.SIGKILL)
        self.running[role].wait()
        self.start(role)

    def wait_until_back(self, role: str) -> None:
        """The web process says so itself; the worker takes about as long."""
        began = time.monotonic()
        if role == "web":
            self.wait_until_ready()
            self.takes = time.monotonic() - began
        else:
            time.sleep(self.takes + 1)

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(60)
        self.listener.close()
        self.log.close()

    def wait_until_ready(self) -> None:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError("the house does not open")


def killing(
    *, events: int, kills: int, seed: int, pace: float, planted: str = "", empty: Path | None = None
) -> dict[str, object]:
    """Fault 1: every process is killed at random while Segment's unmodified client streams, 5 % of it twice.

    The judge is the client's own ledger against the database file, read by Python's own sqlite3.
    """
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if empty is not None:
            shutil.copy(empty, home / "rung.sqlite3")
        environment = {**os.environ, "RUNG_HOME": folder}
        made = subprocess.run(
            [sys.executable, "-m", "rung.cli", "key", "add", "app", "--kind", "secret", "--json"],
            env=environment, check=True, capture_output=True,
        )  # fmt: skip
        key = json.loads(made.stdout)["key"]
        roles = Roles(home, planted)
        for role in roles.commands:
            roles.start(role)
        roles.wait_until_ready()
        sending = subprocess.Popen(
            [
                sys.executable, str(ROOT / "faults" / "stream.py"), key, f"http://127.0.0.1:{roles.port}", str(events),
                str(seed), str(kills * pace),
            ],
            env={**os.environ, "PYTHONPATH": str(CLIENT)}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        said: list[str] = []
        reading = threading.Thread(target=lambda: said.append(sending.stdout.read() if sending.stdout else ""))
        reading.start()
        _wait_until_something_came(home)
        killed: Counter[str] = Counter()
        while sum(killed.values()) < kills and sending.poll() is None:
            time.sleep(dice.uniform(0.05, 1.5))
            role = dice.choice(sorted(roles.commands))
            roles.kill(role)
            killed[role] += 1
            roles.wait_until_back(role)  # whoever is killed while still starting has nothing to lose
        sending.wait()
        reading.join()
        ledger = json.loads(said[0])
        _wait_until_taken_in(home)
        roles.stop()
        found = _judged(home, ledger)
    return {**found, "killed": dict(killed), "planted": planted or None}


def _wait_until_something_came(home: Path) -> None:
    for _ in range(600):
        inbox = sqlite3.connect(home / "inbox.sqlite3")
        try:
            if inbox.execute("SELECT count(*) FROM sqlite_sequence").fetchone()[0]:
                return
        except sqlite3.OperationalError:
            pass  # its tables are not there yet
        finally:
            inbox.close()
        time.sleep(0.1)


def _wait_until_taken_in(home: Path) -> None:
    """Until the inbox is empty; some minutes at most."""
    for _ in range(1_200):
        inbox = sqlite3.connect(home / "inbox.sqlite3")
        left = inbox.execute("SELECT count(*) FROM inbox").fetchone()[0]
        inbox.close()
        if not left:
            return
        time.sleep(0.5)


def _judged(home: Path, ledger: dict[str, list[str]]) -> dict[str, object]:
    """Every acknowledged event is there once; received = accepted + duplicate + refused."""
    database = sqlite3.connect(home / "rung.sqlite3")
    there = Counter(
        row[0]
        for row in database.execute(
            "SELECT message_id FROM history_event WHERE source = 'key:app' AND kind = 'product_used'"
        )
    )
    counts = dict(database.execute("SELECT outcome, sum(number) FROM capture_capturecount GROUP BY outcome").fetchall())
    database.close()
    acknowledged = set(ledger["acknowledged"])
    received = counts.pop("received", 0)
    lost = acknowledged - set(there)
    doubled = [id_ for id_, times in there.items() if times > 1]
    return {
        "acknowledged": len(acknowledged),
        "given_up_by_the_client": len(ledger["given_up"]),
        "there": len(there),
        "lost": len(lost),
        "doubled": len(doubled),
        "received": received,
        "outcomes": counts,
        "is_kept": not lost and not doubled and received == sum(counts.values()),
    }


def undoing(*, rows: int, people: int, database: str, planted: str = "") -> dict[str, object]:
    """An import as dirty as they come is taken back: the house equals, table by table and field by field, a copy that
    never had it; and the same files come in again. The judge is Python's own sqlite3, or psycopg.
    """
    for folder_of_code in ("tests", "src"):
        sys.path.insert(0, str(ROOT / folder_of_code))
    import dirty

    with ExitStack() as until_done:
        files = Path(until_done.enter_context(tempfile.TemporaryDirectory()))
        houses = until_done.enter_context(_files() if database == "sqlite" else _postgres())
        with_it = houses.first
        began = _step(with_it, "lived", str(people))
        Path(files, "passing_by.json").write_text(json.dumps(began["passing_by"]))
        without_it = houses.copied()
        sizes = str(rows), str(people), str(files)
        first = _step(with_it, "with", *sizes, *([planted] if planted else []))
        _step(without_it, "without", str(people), str(files))
        with without_it.rows() as read:
            later = dirty.noticed_between(read)
            without = dirty.picture(read, without_it.tables(read), later)
        with with_it.rows() as read:
            found = dirty.picture(read, with_it.tables(read), later)
        differ = dirty.differences(without, found)
        pages = [_told(house, files / name, later) for house, name in ((without_it, "x"), (with_it, "y"))]
        differ += [
            f"{what} reads otherwise: {told}" for what in pages[0] for told in _lines(pages[0][what], pages[1][what])
        ]
        second = _step(with_it, "again", *sizes)
    return {
        **first,
        "database": database,
        "tables": len(without),
        "rows_compared": sum(sum(told.values()) for told in without.values()),
        "people_noticed_later": len(later),
        "read_by_people": sorted(pages[0]),
        "differences": [told[:300] for told in differ[:20]],
        "again": second,
        "planted": planted or None,
        "is_kept": not differ and second["accepted"] == first["accepted"],
    }


def _told(house: "House", file: Path, later: frozenset[str]) -> dict[str, Counter[str]]:
    """What people read of the house, line by line, but for lines about the people of whom something was noted later.

    Whoever came while the import lay there has another id than in the other house: they go by their names, and lines
    of equals in another order are the same.
    """
    import dirty

    _step(house, "told", str(file))
    with house.rows() as read:
        names = dirty.Names.of(read).uuids
    told = {
        what: [line for line in text.replace("<tr", "\n<tr").splitlines() if line]
        for what, text in json.loads(file.read_text()).items()
    }
    return {
        what: Counter(
            named for line in lines if not later & set(_named(line, names)) if (named := _by_name(line, names))
        )
        for what, lines in told.items()
    }


def _named(line: str, names: dict[str, str]) -> list[str]:
    return [names[uuid] for uuid in _UUID.findall(line) if uuid in names]


def _by_name(line: str, names: dict[str, str]) -> str:
    return _UUID.sub(lambda found: names.get(found[0], found[0]), line)


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _lines(one: Counter[str], other: Counter[str]) -> list[str]:
    return [f"-{line}" for line in list(one - other)[:2]] + [f"+{line}" for line in list(other - one)[:2]]


Rows = Callable[[str], list[dict[str, Any]]]


@dataclass(frozen=True)
class House:
    """A folder, and the database's address where it is not in the folder."""

    home: Path
    url: str = ""

    @contextmanager
    def rows(self) -> Iterator[Rows]:
        """Reads the database by a library that is not ours."""
        if self.url:
            import psycopg
            from psycopg.rows import dict_row

            with psycopg.connect(self.url, row_factory=dict_row) as server:
                yield lambda statement: server.execute(statement.encode()).fetchall()
            return
        file = sqlite3.connect(self.home / "rung.sqlite3")
        file.row_factory = sqlite3.Row
        try:
            yield lambda statement: [dict(row) for row in file.execute(statement)]
        finally:
            file.close()

    def tables(self, read: Rows) -> list[str]:
        if self.url:
            return [row["name"] for row in read("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")]
        names = [row["name"] for row in read("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [name for name in names if not name.startswith("sqlite_")]


@dataclass(frozen=True)
class Houses:
    """The first house, and how to get a copy of it."""

    first: House
    copied: Callable[[], House]


@contextmanager
def _files() -> Iterator[Houses]:
    with tempfile.TemporaryDirectory() as folder:
        one, other = Path(folder, "with"), Path(folder, "without")
        yield Houses(House(one), lambda: House(shutil.copytree(one, other)))


@contextmanager
def _postgres() -> Iterator[Houses]:
    """Two databases of the tests' own server, the second made from the first."""
    import postgres_server

    with _files() as files, postgres_server.new_database() as url, ExitStack() as later:
        environment = {**os.environ, "RUNG_HOME": str(files.first.home), "RUNG_DATABASE_URL": url}
        subprocess.run([sys.executable, "-m", "rung.cli", "migrate"], env=environment, check=True, capture_output=True)

        def copied() -> House:
            copy = later.enter_context(postgres_server.new_database(of=url))
            return House(files.copied().home, copy)

        yield Houses(House(files.first.home, url), copied)


def _step(house: House, *words: str) -> dict[str, Any]:
    environment = {
        **os.environ, "RUNG_HOME": str(house.home), "RUNG_DATABASE_URL": house.url, "PYTHONPATH": str(ROOT / "src"),
    }  # fmt: skip
    command = [sys.executable, str(ROOT / "faults" / "undoing.py"), *words]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


if __name__ == "__main__":
    main()
