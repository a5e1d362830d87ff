"""Reading and writing rows by the thousand, alike on SQLite and PostgreSQL: no objects, and no query for each row.

Truths are written as 0 and 1: SQLite's driver looks for a converter for each `True`, which costs more than the rest.
"""

import functools
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final
from zlib import crc32

import msgspec
from django.db import connection, models

_CHUNK: Final = 5_000
_encode: Final = msgspec.json.Encoder().encode
_WORTH_COPYING: Final = 24
"""Rows below which PostgreSQL takes them one by one sooner than through a table beside."""


def columns_of(model: type[models.Model], *, without: Collection[str] = ()) -> tuple[str, ...]:
    """The columns of a table without its own id, in the model's order."""
    return tuple(f.column for f in model._meta.concrete_fields if not f.primary_key and f.column not in without)


def insert(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Inserts rows: COPY on PostgreSQL, one prepared statement on SQLite."""
    table = model._meta.db_table
    if connection.vendor == "postgresql":
        _copy(table, columns, rows)
        return
    statement = f"INSERT INTO {table} ({_names(columns)}) VALUES ({_marks(columns)})"
    rows = iter(rows)
    with connection.cursor() as cursor:
        while part := list(islice(rows, _CHUNK)):
            cursor.executemany(statement, part)


def upsert(
    model: type[models.Model],
    columns: Sequence[str],
    key: Sequence[str],
    rows: Sequence[Sequence[Any]],
    sets: Callable[[str], str] | None = None,
) -> None:
    """Inserts rows, in place of those of the same key, which no two rows share.

    `sets` is what the columns beside the key become where a row is there already, given the name by which the new row
    goes; left out, all become what the new row says.
    """
    table, rest = model._meta.db_table, [name for name in columns if name not in key]
    told = sets("excluded") if sets else ", ".join(f'"{name}" = excluded."{name}"' for name in rest)
    conflict = f"ON CONFLICT ({_names(key)}) DO UPDATE SET {told}"
    _through(
        model,
        columns,
        rows,
        one=f"INSERT INTO {table} ({_names(columns)}) VALUES ({_marks(columns)}) {conflict}",
        # WHERE true: without it SQLite's parser takes ON for a join's; PostgreSQL does not mind.
        all_=f"INSERT INTO {table} ({_names(columns)}) SELECT {_names(columns)} FROM {{beside}} WHERE true {conflict}",
    )


def update(
    model: type[models.Model], columns: Sequence[str], key: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Changes rows that are there: each row says the columns, then the key."""
    table = model._meta.db_table
    where = " AND ".join(f'"{name}" = %s' for name in key)
    sets = ", ".join(f'"{name}" = %s' for name in columns)
    joined = " AND ".join(f't."{name}" = new."{name}"' for name in key)
    told = ", ".join(f'"{name}" = new."{name}"' for name in columns)
    _through(
        model,
        (*columns, *key),
        rows,
        one=f"UPDATE {table} SET {sets} WHERE {where}",
        all_=f"UPDATE {table} t SET {told} FROM {{beside}} new WHERE {joined}",
    )


def delete(model: type[models.Model], key: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Takes away whatever has one of these keys."""
    table = model._meta.db_table
    where = " AND ".join(f'"{name}" = %s' for name in key)
    joined = " AND ".join(f't."{name}" = gone."{name}"' for name in key)
    _through(
        model,
        key,
        rows,
        one=f"DELETE FROM {table} WHERE {where}",
        all_=f"DELETE FROM {table} t USING {{beside}} gone WHERE {joined}",
    )


@contextmanager
def indexed_once(model: type[models.Model], columns: Collection[str]) -> Iterator[None]:
    """Around a change of these columns in most rows of a table, in the caller's transaction: on SQLite the indexes that
    hold them are built once, at the end. PostgreSQL would keep its readers waiting for that, and is left as it is."""
    table = model._meta.db_table
    said: list[tuple[str, str]] = []
    if connection.vendor == "sqlite":
        made = rows("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = %s AND sql <> ''", table)
        said = [(name, sql) for name, sql in made if any(f'"{column}"' in sql for column in columns)]
    with connection.cursor() as cursor:
        for name, _ in said:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        for _, sql in said:
            cursor.execute(sql)


def read(statement: str, ids: Collection[Any], *parameters: object) -> list[tuple[Any, ...]]:
    """The rows of a statement in which `IN ({ids})` stands for the values, in one query however many there are.

    `{values}` is a table of them instead, whose one column is `told.value`: what is asked of each in a SELECT of its
    own is found by an index, whatever PostgreSQL thinks how many there are. `parameters` are those of the %s after it.
    """
    if not ids:
        return []
    with connection.cursor() as cursor:
        _asked(cursor, statement, ids, parameters)
        return cursor.fetchall()


def rows(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """The rows of a statement that names no ids."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def numbers(statement: str, *parameters: object) -> "array[int]":
    """The first column of a statement's rows, which are numbers, eight bytes each: there may be millions."""
    found = array("q")
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        while part := cursor.fetchmany(_CHUNK):
            found.extend(number for (number,) in part)
    return found


def change(statement: str, ids: Collection[Any], *parameters: object) -> int:
    """Carries out a statement in which `IN ({ids})` stands for the values, as `read` does; how many rows changed."""
    if not ids:
        return 0
    with connection.cursor() as cursor:
        _asked(cursor, statement, ids, parameters)
        return int(cursor.rowcount)


def among(ids: Collection[int]) -> tuple[str, object]:
    """`IN` or its like for so many numbers, with one %s, and what that %s stands for."""
    if connection.vendor == "postgresql":
        return "= ANY(%s::bigint[])", _as_array(ids)
    return "IN (SELECT value FROM json_each(%s))", _as_json(list(ids))


def _as_json(ids: Sequence[Any]) -> str:
    return _encode(ids).decode()


def _as_array(ids: Collection[Any]) -> str:
    """The values as PostgreSQL writes an array, which its driver would do value by value in ten times the time."""
    if isinstance(next(iter(ids), None), str):
        return '{"' + '","'.join([text.replace("\\", "\\\\").replace('"', '\\"') for text in ids]) + '"}'
    return "{" + ",".join(map(str, ids)) + "}"


def _asked(cursor: Any, statement: str, ids: Collection[Any], parameters: Sequence[object]) -> None:
    if connection.vendor == "postgresql":
        type_ = "text" if isinstance(next(iter(ids)), str) else "bigint"
        # An array, not unnest of it: the planner sees how many there are and walks the index, counted or not.
        told = statement.replace("IN ({ids})", f"= ANY(%s::{type_}[])")
        told = told.replace("{values}", f"unnest(%s::{type_}[]) told(value)")
        cursor.execute(told, [_as_array(ids), *parameters])
    else:
        told = statement.replace("{ids}", "SELECT value FROM json_each(%s)")
        told = told.replace("{values}", "json_each(%s) told")
        cursor.execute(told, [_as_json(list(ids)), *parameters])


def remove(model: type[models.Model], ids: Collection[int]) -> None:
    """Deletes these rows and whatever hangs on them, as the models say: a statement a table, no object for any row."""
    for statement in _removals(model):
        change(statement, ids)


@functools.cache
def _removals(model: type[models.Model]) -> tuple[str, ...]:
    """What to say, in order, so that rows of the model can go; `{ids}` stands for the ids."""
    found: list[str] = []

    def gather(of: type[models.Model], which: str) -> None:
        for relation in of._meta.get_fields(include_hidden=True):
            if not isinstance(relation, models.ForeignObjectRel):
                continue
            child, column = relation.related_model, relation.field.column
            where = f'"{column}" IN ({which})'
            if relation.on_delete is models.SET_NULL:
                found.append(f'UPDATE {child._meta.db_table} SET "{column}" = NULL WHERE {where}')
            elif relation.on_delete is models.CASCADE:
                gather(child, f'SELECT "{child._meta.pk.column}" FROM {child._meta.db_table} WHERE {where}')
                found.append(f"DELETE FROM {child._meta.db_table} WHERE {where}")

    gather(model, "{ids}")
    return (*found, f'DELETE FROM {model._meta.db_table} WHERE "{model._meta.pk.column}" IN ({{ids}})')


def keep_statistics(at: int = 0) -> None:
    """Lets SQLite count anew what has grown tenfold: which index is worth walking. PostgreSQL does so by itself.

    Without the counts it walks an index over everybody of a generation, and looks each of them up, where reading the
    table from end to end takes half the time.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA optimize=0x10002")


def count_anew(models_: Collection[type[models.Model]]) -> None:
    """Has PostgreSQL count at once what a load of thousands brought: by itself it would a minute or more later, and
    until then it plans as if the tables were empty. SQLite is asked by the schedule."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in models_)}")


def look_up_by_index() -> None:
    """For the rest of a transaction that looks a few thousand rows up by their keys: PostgreSQL is not to read whole
    tables for that. It cannot know how few rows a table of ours beside holds, and takes a house for small that is not.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_BY_INDEX)


_BY_INDEX: Final = "".join(
    f"SET LOCAL {way} = off;" for way in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit")
)
"""Not compiled either: a way that is off counts as very dear, and PostgreSQL compiles whatever is dear."""


def next_ids(model: type[models.Model], count: int) -> range:
    """Ids for new rows, which no row has had, not even one that is gone. The caller holds the lock of the house."""
    table, key = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s))", [table, key])
            first = int(cursor.fetchone()[0])
            if count > 1:
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [table, key, first + count - 1])
        else:
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
            found = cursor.fetchone()
            first = (int(found[0]) if found else 0) + 1
    return range(first, first + count)


def _through(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]], *, one: str, all_: str
) -> None:
    """The statement for each row; on PostgreSQL many rows go into a table beside, and all at once from there."""
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.executemany(one, rows)
        elif len(rows) < _WORTH_COPYING:
            cursor.executemany(one, list(_typed(model, columns, rows)))
        else:
            table = model._meta.db_table
            beside = f"beside_{table}_{crc32(_names(columns).encode()):08x}"
            likeness = f"SELECT {_names(columns)} FROM {table} WITH NO DATA"
            cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS {beside} ON COMMIT DELETE ROWS AS {likeness}")
            cursor.execute(f"TRUNCATE {beside}")
            _copy(beside, columns, rows)
            cursor.execute(all_.format(beside=beside))


def _typed(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    """With truths as PostgreSQL wants them."""
    fields = {field.column: field for field in model._meta.concrete_fields}
    truths = [isinstance(fields[name], models.BooleanField) for name in columns]
    for row in rows:
        yield [bool(v) if is_truth and v is not None else v for v, is_truth in zip(row, truths, strict=True)]


def _copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    statement = f"COPY {table} ({_names(columns)}) FROM STDIN"
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _marks(columns: Sequence[str]) -> str:
    return ", ".join(["%s"] * len(columns))
