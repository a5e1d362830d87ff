"""Writing standings, moves and tallies by the thousand, alike on both databases."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, Final

from django.db import connection, models

from rung.engine.deciding import Standing as Told
from rung.lifecycle.line import Line
from rung.lifecycle.models import StageMove, Standing, Tally
from rung.lifecycle.outcome import Outcome
from rung.lifecycle.rules import Moved
from rung.terms.stages import BANT

_CHUNK: Final = 5_000


def columns_of(model: type[models.Model]) -> tuple[str, ...]:
    """The columns of a table without its own id, in the model's order."""
    return tuple(field.column for field in model._meta.concrete_fields if not field.primary_key)


STANDING_COLUMNS: Final = columns_of(Standing)
MOVE_COLUMNS: Final = columns_of(StageMove)
TALLY_COLUMNS: Final = columns_of(Tally)
_TOLD: Final = {field.name for field in fields(Told)} & set(STANDING_COLUMNS)
_MOVED: Final = tuple(field.name for field in fields(Moved))


def insert(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Inserts rows of a table: COPY on PostgreSQL, one prepared statement on SQLite."""
    names = ", ".join(f'"{name}"' for name in columns)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(columns))
            for part in _parts(rows):
                cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", part)


def upsert_standings(rows: Sequence[Sequence[Any]]) -> None:
    """Writes standings (all columns), in place of those of the same generation, person and line."""
    _upsert(Standing, STANDING_COLUMNS, ("generation_id", "person_id", "line"), rows)


def _upsert(
    model: type[models.Model], columns: Sequence[str], key: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    if not rows:
        return
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join(["%s"] * len(columns))
    sets = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in key)
    statement = (
        f"INSERT INTO {model._meta.db_table} ({names}) VALUES ({marks})"
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}"
    )
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)


def _parts(rows: Iterable[Sequence[Any]]) -> Iterable[list[Sequence[Any]]]:
    part: list[Sequence[Any]] = []
    for row in rows:
        part.append(row)
        if len(part) == _CHUNK:
            yield part
            part = []
    if part:
        yield part


def standing_row(line: Line, outcome: Outcome) -> tuple[Any, ...]:
    """A standing's columns, in the order of STANDING_COLUMNS."""
    told, person = outcome.decision.standing, outcome.person
    values: dict[str, Any] = {name: getattr(told, name) for name in _TOLD}
    for letter, until in zip(BANT, outcome.letters_until, strict=True):
        values[f"{letter}_until"] = until
    values |= {
        "generation_id": line.generation_id,
        "person_id": person.pk,
        "line": line.name,
        "decided_until": outcome.until,
        "due_at": outcome.decision.due_at,
        "is_anonymous": person.is_anonymous,
        "source": person.source,
        "owner_id": person.owner_id,
        "company_id": person.company_id,
        "bant_told": outcome.bant_told,
        "competitor": (told.competitor or "")[:250],
        "held_until": told.hold_until,
        "playbook_version": line.version,
        "engine_version": line.engine_version,
        "last_seq": outcome.last_seq,
        "last_at": outcome.last_at,
        "state": outcome.decision.state,
    }
    return tuple(values[name] for name in STANDING_COLUMNS)


def move_row(line: Line, move: Moved, number: int) -> tuple[Any, ...]:
    """A move's columns, in the order of MOVE_COLUMNS."""
    values = {name: getattr(move, name) for name in _MOVED} | {
        "generation_id": line.generation_id,
        "line_of_business": line.name,
        "number": number,
        "playbook_version": line.version,
        "engine_version": line.engine_version,
    }
    return tuple(values[name] for name in MOVE_COLUMNS)


def moved_of(row: StageMove) -> Moved:
    """The move a row holds."""
    return Moved(**{name: getattr(row, name) for name in _MOVED})


def write_tallies(line: Line, outcomes: Sequence[Outcome]) -> None:
    """Adds kinds, sets signals; whoever was emptied or decided from nothing starts afresh."""
    afresh = [outcome.person.pk for outcome in outcomes if outcome.is_anew or outcome.is_emptied]
    for start in range(0, len(afresh), 400):
        part = afresh[start : start + 400]
        Tally.objects.filter(generation_id=line.generation_id, person_id__in=part).delete()
    rows = [row for outcome in outcomes for row in tally_rows(line, outcome)]
    names = ", ".join(TALLY_COLUMNS)
    greatest = "GREATEST" if connection.vendor == "postgresql" else "MAX"
    statement = (
        f"INSERT INTO lifecycle_tally ({names}) VALUES ({', '.join(['%s'] * len(TALLY_COLUMNS))})"
        " ON CONFLICT (generation_id, person_id, line, is_signal, name) DO UPDATE SET"
        " times = excluded.times + CASE WHEN excluded.is_signal THEN 0 ELSE lifecycle_tally.times END,"
        f" last_at = {greatest}(excluded.last_at, lifecycle_tally.last_at)"
    )
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)


def tally_rows(line: Line, outcome: Outcome) -> Iterable[tuple[Any, ...]]:
    """A person's tallies, in the order of TALLY_COLUMNS."""
    for counted in outcome.counted:
        values = {
            "generation_id": line.generation_id,
            "person_id": outcome.person.pk,
            "line": line.name,
            "name": counted.name,
            "is_signal": counted.is_signal,
            "times": counted.times,
            "last_at": counted.last_at,
        }
        yield tuple(values[name] for name in TALLY_COLUMNS)
