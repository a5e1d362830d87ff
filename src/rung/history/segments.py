"""The history as Parquet beside the database: closed stretches written by the worker, the rest read from the tables.

Ids become words on the way: whoever calls says how persons and companies are named outside (`Names`). pyarrow is large
and is loaded by whoever writes or reads, never by an idle process.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import connection

from rung.history.queries import last_seq

if TYPE_CHECKING:
    import pyarrow as pa

    from rung.engine.files.segments import Manifest, Stretch

Progress = Callable[[int, int], None]
"""Called with (events done, in all)."""

WORTH_CUTTING: Final = 50_000
"""Events below which the worker leaves them in the database: each cut writes up to 64 files."""
_AT_A_TIME: Final = 500_000
_LARGEST: Final = 4_000_000
"""Rows of a stretch that is joined with no other any more."""
_KEPT_FOR: Final = 3_600
"""Seconds for which files that were replaced stay, for whoever is reading them."""


@dataclass(frozen=True, slots=True)
class Names:
    """How ids are named outside: functions of some ids to their names."""

    people: Callable[[Sequence[int]], Mapping[int, str]]
    companies: Callable[[Sequence[int]], Mapping[int, str]]


def folder() -> Path:
    """Where the house keeps its segments."""
    return Path(settings.RUNG_HOME) / "history"


def write_closed(
    to: Path,
    *,
    names: Names,
    fields: Iterable[str],
    least: int = 1,
    progress: Progress | None = None,
) -> int:
    """Writes what happened since the last stretch, if it is at least so much; returns how many events that were.

    Everything that can be seen is closed: whoever appends holds the one lock until they commit. Small stretches are
    joined to larger ones, and one that lacks a column of `fields` is written anew, one at a time.
    """
    from rung.engine.files import segments

    wanted = sorted(set(fields))
    with _only_writer(to):
        manifest = segments.read_manifest(to)
        last, done = last_seq(), 0
        total = _count(manifest.last_seq, last)
        while total and total >= least and done < total:
            table = events_after(manifest.last_seq, last, names=names, fields=wanted, most=_AT_A_TIME)
            if not table.num_rows:
                break
            done += table.num_rows
            manifest = _appended(to, manifest, table, wanted)
            if progress is not None:
                progress(done, total)
        manifest = _with_fields(to, manifest, wanted)
        segments.remove_unnamed(to, manifest, before=time.time() - _KEPT_FOR)
    return done


def events_after(seq: int, last: int, *, names: Names, fields: Sequence[str], most: int | None = None) -> pa.Table:
    """The events after one seq up to another as a table of segments, at most so many."""
    from rung.engine.files.segments import table_of

    statement = f"""
        SELECT seq, person_id, at, kind, {_AS_TEXT[connection.vendor]}, message_id, company_id, source, "by",
               occurred_at, sent_at, received_at
        FROM history_event WHERE seq > %s AND seq <= %s ORDER BY seq {f"LIMIT {most}" if most else ""}
        """
    with connection.cursor() as cursor:
        cursor.execute(statement, [seq, last])
        rows = cursor.fetchall()
    told = dict(zip(_READ, map(list, zip(*rows, strict=True)), strict=False)) if rows else {name: [] for name in _READ}
    told["person"] = _named(told["person"], names.people)
    told["company"] = _named(told["company"], names.companies)
    told["by"] = [by or None for by in told["by"]]
    return table_of(told, fields)


def erase(to: Path, persons: Iterable[str]) -> None:
    """From now on nobody reads the events of these persons (by name as it arrived); `rewrite_erased` removes them."""
    from rung.engine.files import segments

    with _only_writer(to):
        segments.add_erased(to, persons)


def rewrite_erased(to: Path) -> int:
    """Writes the buckets of erased persons anew without their events and removes the old files; returns how many."""
    from rung.engine.files import segments

    with _only_writer(to):
        manifest = segments.read_manifest(to)
        rewritten, count = segments.without_erased(to, manifest)
        segments.write_manifest(to, rewritten)
        segments.remove_unnamed(to, rewritten, before=None)
        segments.remove_replaced_files(to, rewritten)
        (to / segments.ERASED).unlink(missing_ok=True)
    return count


_AS_TEXT: Final = {"sqlite": "data", "postgresql": "data::text"}
_READ: Final = (
    "seq", "person", "at", "kind", "data", "id", "company", "source", "by", "occurred_at", "sent_at", "received_at",
)  # fmt: skip


def _count(after: int, last: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM history_event WHERE seq > %s AND seq <= %s", [after, last])
        return int(cursor.fetchone()[0])


def _named(ids: Sequence[int | None], names: Callable[[Sequence[int]], Mapping[int, str]]) -> list[str | None]:
    """Whoever was known only by an import that was undone is in no table any more: their events name nobody."""
    known = names(sorted({id_ for id_ in ids if id_ is not None}))
    return [None if id_ is None else known.get(id_) for id_ in ids]


def _appended(to: Path, manifest: Manifest, table: pa.Table, fields: Sequence[str]) -> Manifest:
    """The stretch is written together with those before it that are no longer than it has grown by then."""
    import pyarrow as pa

    from rung.engine.files import segments

    absorbed: list[Stretch] = []
    rows = table.num_rows
    for stretch in reversed(manifest.stretches):
        if stretch.rows > rows or stretch.rows + rows > _LARGEST:
            break
        absorbed.append(stretch)
        rows += stretch.rows
    parts = [segments.read_stretch(to, stretch, fields) for stretch in reversed(absorbed)]
    whole = pa.concat_tables([*parts, table]).unify_dictionaries() if parts else table
    changed = manifest.with_stretch(segments.write_stretch(to, whole, fields), absorbed)
    segments.write_manifest(to, changed)
    return changed


def _with_fields(to: Path, manifest: Manifest, fields: Sequence[str]) -> Manifest:
    """One stretch that was written before a playbook named some field is given its columns."""
    from rung.engine.files import segments

    for stretch in manifest.stretches:
        if set(fields) - set(stretch.fields):
            table = segments.read_stretch(to, stretch, fields)
            manifest = manifest.with_stretch(segments.write_stretch(to, table, fields), [stretch])
            segments.write_manifest(to, manifest)
            break
    return manifest


@contextmanager
def _only_writer(to: Path) -> Iterator[None]:
    """One process writes a folder; who comes second waits."""
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (to / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    # The lock ends with the file: a killed writer leaves none behind.
