"""Every test that uses the database runs twice: on SQLite and on PostgreSQL.

A test asks for the database as always with pytest-django (`@pytest.mark.django_db`, `db`, `client` with the mark,
`live_server`, …). The fixture `database` says which one it is: "sqlite" or "postgresql". A test marked `one_database`
keeps to SQLite: what the browser shows does not depend on it.
"""

import contextlib
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import hypothesis
import psycopg
import pytest
from _pytest.nodeid import coerce_node_id
from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections
from django.db.backends.sqlite3.operations import DatabaseOperations

from postgres_server import server_url

DATABASES: Final = ("sqlite", "postgresql")
_USES: Final = {"db", "transactional_db", "live_server", "django_db_reset_sequences", "django_db_setup"}
_made: dict[str, dict[str, Any]] = {}
_plain_flush: Final = DatabaseOperations.sql_flush


# A busy machine is no fault: no example fails because it was long in the making.
hypothesis.settings.register_profile(
    "patient", hypothesis.settings.default, suppress_health_check=[hypothesis.HealthCheck.too_slow], deadline=None
)
hypothesis.settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "one_database: keeps to SQLite")
    DatabaseOperations.sql_flush = _flush_past_triggers


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Names the group in the test's id, by which the tests of a group go to one worker.

    pytest-xdist 3.8 does so by an attribute that pytest 9.2 no longer has: groups were spread over all workers.
    """
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        groups = sorted({str(mark.args[0]) for mark in item.iter_markers("xdist_group")})
        if groups and not item.nodeid.endswith(ending := "@" + "_".join(groups)):
            item._id = coerce_node_id(item.nodeid + ending)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """The browser starts before the database: what Django opens in Playwright's loop is a connection of its own."""
    if "browser" in getattr(item, "fixturenames", ()):
        sys.modules["browsing"].the_browser()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    """The browser is one for all tests that follow each other, and goes before one that wants none."""
    yield
    if "browsing" in sys.modules and "browser" not in getattr(nextitem, "fixturenames", ()):
        sys.modules["browsing"].closed()
        # Outside Playwright's loop Django's connection is another: one from before may know no test's database.
        _point(settings.DATABASES["default"])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marks = metafunc.definition
    if marks.get_closest_marker("django_db") is None and not _USES & set(metafunc.fixturenames):
        return
    names = DATABASES[:1] if marks.get_closest_marker("one_database") else DATABASES
    parameters = [pytest.param(name, marks=pytest.mark.postgres if name == "postgresql" else ()) for name in names]
    metafunc.parametrize("database", parameters, indirect=True, scope="session")


@pytest.fixture(scope="session", autouse=True)
def database(request: pytest.FixtureRequest) -> str | None:
    """Which database the test runs on; None for a test without one."""
    return getattr(request, "param", None)


@pytest.fixture(autouse=True)
def _nobody_came_before() -> None:
    """How often an address or a key came is counted in the process: no test pays for the one before."""
    cache.clear()


@pytest.fixture(scope="session")
def django_db_setup(
    database: str, django_test_environment: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Points Django at the test's database: a copy of the one that the first worker of a run has migrated."""
    with django_db_blocker.unblock():
        if database not in _made:
            with _one_at_a_time(tmp_path_factory, database) as of_the_run:
                path = tmp_path_factory.mktemp("sqlite") / "test.sqlite3"
                _made[database] = _sqlite(path, of_the_run) if database == "sqlite" else _postgresql(of_the_run)
        _point(_made[database])


@pytest.fixture
def empty_house(database: str, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and nothing in them, to be copied: migrations take longer than most tests."""
    assert database == "sqlite", "for tests marked one_database"
    return _empty(_of_the_run(tmp_path_factory))


@pytest.fixture(scope="session", autouse=True)
def _databases_go_in_the_end(django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    yield
    with django_db_blocker.unblock():
        for database, config in _made.items():
            _point(config)
            connection.creation.destroy_test_db(_OLD_NAME, verbosity=0)
            if database == "postgresql":
                with _one_at_a_time(tmp_path_factory, database) as of_the_run:
                    _forget_template(of_the_run)


_OLD_NAME: Final = "rung"


def _of_the_run(tmp: pytest.TempPathFactory) -> Path:
    """A folder that all workers of a run share."""
    own = tmp.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@contextlib.contextmanager
def _one_at_a_time(tmp: pytest.TempPathFactory, database: str) -> Iterator[Path]:
    folder = _of_the_run(tmp)
    with open(folder / f"{database}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _point(config: dict[str, Any]) -> None:
    with contextlib.suppress(AttributeError, KeyError):
        connections["default"].close()
        del connections["default"]
    settings.DATABASES["default"] = connections.settings["default"] = config


def _migrate(config: dict[str, Any]) -> None:
    _point(config)
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    connection.close()


def _sqlite(path: Path, of_the_run: Path) -> dict[str, Any]:
    # A file, not memory: other threads and processes of a test see the same database.
    config = {**connections.settings["default"], **_sqlite_config(path)}
    if (empty := _empty(of_the_run)).exists():
        shutil.copy(empty, path)
    else:
        _migrate(config)
        shutil.copy(path, empty)
    return {**config, "NAME": str(path)}


def _empty(of_the_run: Path) -> Path:
    return of_the_run / "empty.sqlite3"


def _sqlite_config(path: Path) -> dict[str, Any]:
    from rung.settings import _sqlite as sqlite_settings

    found: Any = sqlite_settings(path)
    pragmas = found["OPTIONS"]["init_command"].replace("synchronous=FULL", "synchronous=OFF")
    return {**found, "OPTIONS": {**found["OPTIONS"], "init_command": pragmas}, "TEST": _test(str(path))}


def _postgresql(of_the_run: Path) -> dict[str, Any]:
    from rung.settings import postgres

    found: Any = postgres(server_url())
    options = {name: value for name, value in found["OPTIONS"].items() if name != "pool"}
    name = f"test_rung_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    config = {**connections.settings["default"], **found, "OPTIONS": options}
    if not (note := _template(of_the_run)).exists():
        _migrate({**config, "NAME": "postgres", "TEST": _test(f"{name}_empty")})
        note.write_text(f"{name}_empty")
    with psycopg.connect(server_url(), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{note.read_text()}"')
    return {**config, "NAME": name, "TEST": _test(name)}


def _template(of_the_run: Path) -> Path:
    """The file that says which database of PostgreSQL has all tables and nothing in them."""
    return of_the_run / "postgresql-template"


def _forget_template(of_the_run: Path) -> None:
    """Whoever ends first drops it; a worker that wants one later makes it anew."""
    if (note := _template(of_the_run)).exists():
        with psycopg.connect(server_url(), autocommit=True) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{note.read_text()}"')
        note.unlink()


def _test(name: str) -> dict[str, Any]:
    return {"NAME": name, "MIGRATE": True, "CHARSET": None, "COLLATION": None, "MIRROR": None}


def _flush_past_triggers(self: Any, style: Any, tables: Any, **options: Any) -> list[str]:
    """Emptying the tables after a test with real transactions must get past the append-only triggers."""
    with self.connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
    drops = [f'DROP TRIGGER "{name}"' for name, _ in triggers]
    return [*drops, *_plain_flush(self, style, tables, **options), *(sql for _, sql in triggers)]
