"""Every test that uses the database runs twice: on SQLite and on PostgreSQL.

A test asks for the database as always with pytest-django (`@pytest.mark.django_db`, `db`, `client` with the mark,
`live_server`, …). The fixture `database` says which one it is: "sqlite" or "postgresql". A test marked `one_database`
keeps to SQLite: what the browser shows does not depend on it.
"""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import hypothesis
import pytest
from _pytest.nodeid import coerce_node_id
from django.conf import settings
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


@pytest.fixture(scope="session")
def django_db_setup(
    database: str, django_test_environment: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Points Django at the test's database, made once in a process."""
    with django_db_blocker.unblock():
        if database not in _made:
            _point(_sqlite(tmp_path_factory) if database == "sqlite" else _postgresql())
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
            _made[database] = {**connection.settings_dict}
            if database == "sqlite":
                connection.close()
                shutil.copy(_made[database]["NAME"], _empty(_made[database]))
        _point(_made[database])


@pytest.fixture
def empty_house(database: str, django_db_setup: None) -> Path:
    """A SQLite file with all tables and nothing in them, to be copied: migrations take longer than most tests."""
    assert database == "sqlite", "for tests marked one_database"
    return _empty(_made[database])


def _empty(config: dict[str, Any]) -> Path:
    return Path(config["NAME"]).with_name("empty.sqlite3")


@pytest.fixture(scope="session", autouse=True)
def _databases_go_in_the_end(django_db_blocker: Any) -> Iterator[None]:
    yield
    with django_db_blocker.unblock():
        for config in _made.values():
            _point(config)
            connection.creation.destroy_test_db(_OLD_NAME, verbosity=0)


_OLD_NAME: Final = "rung"


def _point(config: dict[str, Any]) -> None:
    with contextlib.suppress(AttributeError, KeyError):
        connections["default"].close()
        del connections["default"]
    settings.DATABASES["default"] = connections.settings["default"] = config


def _sqlite(tmp: pytest.TempPathFactory) -> dict[str, Any]:
    # A file, not memory: other threads and processes of a test see the same database.
    path: Path = tmp.mktemp("sqlite") / "test.sqlite3"
    config = {**connections.settings["default"]}
    return {**config, **_sqlite_config(path)}


def _sqlite_config(path: Path) -> dict[str, Any]:
    from rung.settings import _sqlite as sqlite_settings

    found: Any = sqlite_settings(path)
    pragmas = found["OPTIONS"]["init_command"].replace("synchronous=FULL", "synchronous=OFF")
    return {**found, "OPTIONS": {**found["OPTIONS"], "init_command": pragmas}, "TEST": _test(str(path))}


def _postgresql() -> dict[str, Any]:
    from rung.settings import postgres

    found: Any = postgres(server_url())
    options = {name: value for name, value in found["OPTIONS"].items() if name != "pool"}
    name = f"test_rung_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    config = {**connections.settings["default"], **found, "OPTIONS": options}
    return {**config, "NAME": "postgres", "TEST": _test(name)}


def _test(name: str) -> dict[str, Any]:
    return {"NAME": name, "MIGRATE": True, "CHARSET": None, "COLLATION": None, "MIRROR": None}


def _flush_past_triggers(self: Any, style: Any, tables: Any, **options: Any) -> list[str]:
    """Emptying the tables after a test with real transactions must get past the append-only triggers."""
    with self.connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
    drops = [f'DROP TRIGGER "{name}"' for name, _ in triggers]
    return [*drops, *_plain_flush(self, style, tables, **options), *(sql for _, sql in triggers)]
