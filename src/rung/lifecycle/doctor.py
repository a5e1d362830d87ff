"""Is this house in order? One check after the other, each with words for whoever keeps it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from rung import sqlite, tables
from rung.access.queries import first_broken_audit
from rung.jobs import clock
from rung.jobs.queries import outbox_state
from rung.lifecycle.publishing import rebuilding
from rung.terms.instants import MINUTE

LONGEST_WAIT: Final = 10 * MINUTE
"""An outbox row that is due and waits longer than this means that no worker runs."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, whether it is in order, and what was found."""

    name: str
    is_right: bool
    words: str


class Wrong(Exception):
    """A check that failed; the text says what was found and what to do."""


def examine(*, at: int | None = None) -> list[Check]:
    """All checks; one that fails does not stop the others."""
    now = clock.now() if at is None else at
    found = []
    for name, check in CHECKS:
        try:
            found.append(Check(name, True, check(now)))
        except Wrong as fault:
            found.append(Check(name, False, str(fault)))
    return found


def _version(at: int) -> str:
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            return f"PostgreSQL {cursor.fetchone()[0]}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()")
        (text,) = cursor.fetchone()
    if tuple(int(part) for part in text.split(".")) < sqlite.OLDEST:
        raise Wrong(f"SQLite {text} can lose committed writes: install pysqlite3 0.6.1 or newer")
    return f"SQLite {text}"


def _migrations(at: int) -> str:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise Wrong(f"{len(missing)} migrations have not run: rung migrate")
    return "all have run"


def _integrity(at: int) -> str:
    if connection.vendor != "sqlite":
        return "kept by PostgreSQL"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA quick_check(1)")
        (found,) = cursor.fetchone()
        cursor.execute("PRAGMA foreign_key_check")
        orphans = cursor.fetchall()
    if found != "ok":
        raise Wrong(f"the database file is damaged: {found}. Restore the last backup.")
    if orphans:
        raise Wrong(f"{len(orphans)} rows point at rows that are gone, the first in {orphans[0][0]}")
    return "the file is whole"


def _built_rows(at: int) -> str:
    """What is built from the history has no key of the database's, which would look for each row's end at commit."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if not field.is_relation or field.db_constraint:
                continue
            table, end = model._meta.db_table, field.related_model._meta
            found = tables.rows(
                f"SELECT COUNT(*) FROM {table} t WHERE t.{field.column} IS NOT NULL"
                f" AND NOT EXISTS (SELECT 1 FROM {end.db_table} e WHERE e.{end.pk.column} = t.{field.column})"
            )
            if orphans := found[0][0]:
                raise Wrong(
                    f"{orphans} rows of {table} are of a {field.name} that is gone: a fault of ours, please tell us"
                )
    return "each is of somebody"


def _journal(at: int) -> str:
    if connection.vendor != "sqlite":
        return "kept by PostgreSQL"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        (mode,) = cursor.fetchone()
    if mode != "wal":
        raise Wrong(f"the journal is {mode}, not WAL: readers and writers would wait for each other")
    return "WAL"


def _append_only(at: int) -> str:
    names = {"history_event_append_only", "access_audit_append_only"}
    query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    if connection.vendor == "sqlite":
        names = {f"{table}_no_{verb}" for table in ("history_event", "access_audit") for verb in ("update", "delete")}
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    with connection.cursor() as cursor:
        cursor.execute(query)
        missing = names - {row[0] for row in cursor.fetchall()}
    if missing:
        raise Wrong(f"nothing refuses changes of the history: {', '.join(sorted(missing))} is missing")
    return "the database refuses changes"


def _audit(at: int) -> str:
    broken = first_broken_audit()
    if broken is not None:
        raise Wrong(f"row {broken} of the audit log does not follow from the one before: somebody changed the log")
    return "the chain is whole"


def _outbox(at: int) -> str:
    state = outbox_state(at=at)
    if state.oldest_wait > LONGEST_WAIT:
        raise Wrong(
            f"{state.due} rows wait, the oldest for {state.oldest_wait // MINUTE} minutes: is a worker running?"
        )
    if state.failed:
        raise Wrong(f"{state.failed} rows were given up: look at their errors and try them again")
    return f"{state.due} rows are due"


def _parity(at: int) -> str:
    differences = rebuilding.sample(at=at)
    if differences:
        first = differences[0]
        raise Wrong(
            f"{first.person} stands otherwise than the history says ({first.field}: {first.stored!r}, replayed "
            f"{first.replayed!r}): rung rebuild --check names everybody"
        )
    return "a sample stands as the history says"


CHECKS: Final[tuple[tuple[str, Callable[[int], str]], ...]] = (
    ("database", _version),
    ("migrations", _migrations),
    ("integrity", _integrity),
    ("built rows", _built_rows),
    ("journal", _journal),
    ("append only", _append_only),
    ("audit log", _audit),
    ("outbox", _outbox),
    ("standings", _parity),
)
