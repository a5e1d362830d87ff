"""A PostgreSQL for the tests: the one RUNG_TEST_DATABASE_URL names, else a throw-away server of this test session.

`server_url()` starts it on first use; all xdist workers of a run share it. It stops soon after the session is gone,
however that ends. Where there is neither, tests skip visibly and say what to install, except in CI, where they fail.
"""

import fcntl
import functools
import getpass
import grp
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

_SETTINGS = {
    "listen_addresses": "''",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}
_BIN_DIRS = ("/usr/local/bin", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True))


def server_url() -> str:
    """The address of the database `postgres` on the server; skips the test, or fails it in CI, when there is none."""
    url = os.environ.get("RUNG_TEST_DATABASE_URL", "").strip() or _started()
    if url is None:
        if os.environ.get("CI"):
            pytest.fail(f"CI must test PostgreSQL: {why_not()}")
        pytest.skip(why_not())
    return url


def why_not() -> str:
    """What is missing for tests on PostgreSQL."""
    return "no PostgreSQL: set RUNG_TEST_DATABASE_URL, or install its server (apt install postgresql)"


@contextmanager
def new_database(*, of: str = "") -> Iterator[str]:
    """The URL of an empty database on the server, for as long as the block runs; or of a copy of that at `of`."""
    url, name = server_url(), f"rung_test_{uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as connection:
        template = of.partition("?")[0].rsplit("/", 1)[-1]
        connection.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
    try:
        yield _elsewhere(url, name)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _elsewhere(url: str, name: str) -> str:
    """The same server, another database."""
    head, mark, options = url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}{mark}{options}"


@functools.cache
def _started() -> str | None:
    """The URL of this session's server, started by the worker that asks first; None when none is installed."""
    if _program("initdb") is None or _program("pg_ctl") is None:
        return None
    session = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "alone")
    note = Path(tempfile.gettempdir()) / f"rung-pg-{os.getuid()}-{session}-{run}"
    with open(note, "a+") as shared:
        fcntl.flock(shared, fcntl.LOCK_EX)
        shared.seek(0)
        url = shared.read()
        if not url:
            url = _start(session, note)
            shared.write(url)
    return url


def _start(session: int, note: Path) -> str:
    """initdb refuses root, so root starts it as somebody who may do nothing else."""
    user = _somebody()
    home = Path(tempfile.mkdtemp(prefix="rung-pg-"))
    if user is not None:
        shutil.chown(home, user["user"], user["group"])
    data, log = home / "data", home / "log"
    options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items()) + f" -k {home}"
    initdb = [
        _program("initdb"),
        "-D",
        data,
        "-U",
        "rung",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ]
    start = [_program("pg_ctl"), "-D", data, "-l", log, "-o", options, "-w", "-t", "60", "start"]
    for command in (initdb, start):
        done = subprocess.run(
            [str(part) for part in command], cwd=home, capture_output=command is initdb, text=True, **(user or {})
        )
        if done.returncode:
            words = (done.stderr or "") + (log.read_text() if log.exists() else "")
            shutil.rmtree(home, ignore_errors=True)
            raise RuntimeError(f"PostgreSQL does not start: {words.strip()[-500:]}")
    _watch(session, home, note, user)
    return f"postgresql://rung@/postgres?host={home}"


def _watch(session: int, home: Path, note: Path, user: Mapping[str, str] | None) -> None:
    """A process of its own that stops the server and removes its files once the test session is gone."""
    script = (
        'while kill -0 "$1" 2>/dev/null && [ ! -e "$2/stop" ]; do sleep 1; done; '
        '"$3" -D "$2/data" -m immediate stop; rm -rf "$2" "$4"'
    )
    arguments = [str(session), str(home), str(_program("pg_ctl")), str(note)]
    if user is not None:
        script = script.replace('"$3"', f'setpriv --reuid={user["user"]} --regid={user["group"]} --clear-groups "$3"')
    subprocess.Popen(
        ["/bin/sh", "-c", script, "watch", *arguments],
        cwd="/",
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _somebody() -> dict[str, str] | None:
    """Whom to start the server as: root cannot, everybody else starts it as themselves."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": name, "group": grp.getgrgid(entry.pw_gid).gr_name}
    raise RuntimeError(f"{getpass.getuser()} may not run PostgreSQL, and there is neither postgres nor nobody")


def _program(name: str) -> str | None:
    return shutil.which(name) or next(
        (str(Path(place) / name) for place in _BIN_DIRS if (Path(place) / name).exists()), None
    )
