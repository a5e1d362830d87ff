"""A history as Parquet: closed stretches cut by `seq`, each in 64 buckets by person, listed in one manifest.

DuckDB, Polars and Spark read the files without Rung (docs/history.md). `person` and `company` are as they arrived; the
data fields that a published playbook names are columns of their own: `data_<field>` holds the value as text, and
`type_<field>` says what it was told as, so that nothing is lost. What the manifest does not name does not exist.
"""

import json
import os
import secrets
import shutil
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rung.engine.histories import ABSENT, BadHistory

SCHEMA: Final = 1
"""Rises when a reader of today could no longer read what is written."""
BUCKETS: Final = 64
MANIFEST: Final = "manifest.json"
ERASED: Final = "erased.parquet"
"""Lists the persons whose events do not count, until their buckets are rewritten."""

_CODED: Final = pa.dictionary(pa.int32(), pa.string())
_TIME: Final = pa.timestamp("us")
COLUMNS: Final = pa.schema(
    [
        ("seq", pa.int64()),
        ("person", _CODED),
        ("at", _TIME),
        ("kind", _CODED),
        ("data", pa.string()),
        ("id", pa.string()),
        ("company", _CODED),
        ("source", _CODED),
        ("by", _CODED),
        ("occurred_at", _TIME),
        ("sent_at", _TIME),
        ("received_at", _TIME),
    ]
)
"""The log's own columns; times are UTC."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The events from one seq to another. `files`: by bucket the file's place in the folder and its rows; `fields`: by
    field with columns of its own, what it was told as."""

    first_seq: int
    last_seq: int
    rows: int
    last_at: int
    fields: dict[str, tuple[str, ...]]
    kinds: dict[str, int]
    files: dict[str, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that a history in a folder consists of."""

    schema: int = SCHEMA
    buckets: int = BUCKETS
    stretches: tuple[Stretch, ...] = ()

    @property
    def last_seq(self) -> int:
        return max((stretch.last_seq for stretch in self.stretches), default=0)

    @property
    def rows(self) -> int:
        return sum(stretch.rows for stretch in self.stretches)

    def with_stretch(self, stretch: Stretch, instead_of: Sequence[Stretch] = ()) -> "Manifest":
        kept = [each for each in self.stretches if each not in instead_of]
        return replace(self, stretches=tuple(sorted([*kept, stretch], key=lambda each: each.first_seq)))


def bucket_of(key: str | None) -> int:
    """The bucket of a person's (or company's) id as it arrived: CRC-32 of its UTF-8 bytes, modulo 64."""
    return zlib.crc32((key or "").encode()) % BUCKETS


def read_manifest(folder: Path) -> Manifest:
    """What the folder holds; nothing where there is no manifest. Raises BadHistory for one that cannot be read."""
    path = folder / MANIFEST
    if not path.is_file():
        return Manifest()
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.MsgspecError as fault:
        raise BadHistory(f"{path} is no manifest of a history: {fault}") from None
    if found.schema > SCHEMA:
        raise BadHistory(f"{path} was written by a later Rung (schema {found.schema}): upgrade this one to read it.")
    return found


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replaces the manifest at once: a reader sees the one before or this one, never a part."""
    path = folder / MANIFEST
    unfinished = path.with_name(f"{MANIFEST}.{secrets.token_hex(4)}.part")
    with unfinished.open("wb") as file:
        file.write(json.dumps(asdict(manifest), indent=1).encode())
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def write_stretch(folder: Path, table: pa.Table, fields: Sequence[str]) -> Stretch:
    """Writes the events of a closed stretch and returns what the manifest must say of it. Until it does, nobody reads
    the files. `table` has COLUMNS and the columns of `fields`."""
    seqs = table.column("seq")
    first_seq, last_seq = pc.min(seqs).as_py(), pc.max(seqs).as_py()
    name = f"{first_seq:012d}-{last_seq:012d}-{secrets.token_hex(4)}"
    target = folder / name
    target.mkdir(parents=True)
    buckets = buckets_of(table)
    # Sorted as a replay wants it: alike values stand together, and whoever sorts again is nearly done.
    order = np.lexsort((seqs.to_numpy(), table.column("at").cast(pa.int64()).to_numpy(), _ranks(table), buckets))
    table, buckets = table.take(pa.array(order)), buckets[order]
    files: dict[str, tuple[str, int]] = {}
    bounds = np.searchsorted(buckets, np.arange(BUCKETS + 1))
    for bucket in range(BUCKETS):
        rows = table.slice(bounds[bucket], bounds[bucket + 1] - bounds[bucket])
        if rows.num_rows:
            place = f"{name}/{bucket:02d}.parquet"
            _write(folder / place, rows)
            files[str(bucket)] = (place, rows.num_rows)
    kinds = {each["values"]: each["counts"] for each in pc.value_counts(_texts(table.column("kind"))).to_pylist()}
    last_at = pc.max(table.column("at").cast(pa.int64())).as_py()
    told = {name: tuple(pc.unique(_texts(table.column(f"type_{name}")).drop_null()).to_pylist()) for name in fields}
    return Stretch(first_seq, last_seq, table.num_rows, last_at, told, kinds, files)


def compact(rows: pa.Table) -> pa.Table:
    """The rows with dictionaries of what they themselves hold: a slice drags those of its whole table along."""
    arrays = []
    for column in rows.columns:
        whole = column.combine_chunks()
        is_coded = pa.types.is_dictionary(column.type)
        arrays.append(whole.cast(pa.string()).dictionary_encode() if is_coded else whole)
    return pa.table(arrays, names=rows.column_names)


def _write(path: Path, rows: pa.Table) -> None:
    with path.open("wb") as file:
        pq.write_table(
            compact(rows),
            file,
            row_group_size=1 << 21,
            compression="zstd",
            use_dictionary=[name for name in rows.column_names if pa.types.is_dictionary(rows.schema.field(name).type)],
            dictionary_pagesize_limit=64 << 20,
            write_statistics=True,
        )
        file.flush()
        os.fsync(file.fileno())


def buckets_of(table: pa.Table) -> np.ndarray[Any, Any]:
    """The bucket of each row: by person, the events of companies by company, all else in the first."""
    person, company = (table.column(name).combine_chunks() for name in ("person", "company"))
    found = np.zeros(table.num_rows, np.int64)
    for column, where in ((company, person.is_null()), (person, person.is_valid())):
        of = np.array([*map(bucket_of, column.dictionary.to_pylist()), bucket_of(None)], np.int64)
        mask = where.to_numpy(zero_copy_only=False)
        found[mask] = of[column.indices.fill_null(len(of) - 1).to_numpy(zero_copy_only=False)][mask]
    return found


def _ranks(table: pa.Table) -> np.ndarray[Any, Any]:
    person = table.column("person").combine_chunks()
    rank = np.empty(len(person.dictionary) + 1, np.int64)
    order = pc.sort_indices(person.dictionary).to_numpy()
    rank[order], rank[-1] = np.arange(len(order)), -1
    codes = person.indices.fill_null(len(order)).to_numpy(zero_copy_only=False)
    return np.asarray(rank[codes])


def _texts(column: Any) -> Any:
    return column.cast(pa.string())


def read_stretch(folder: Path, stretch: Stretch, fields: Sequence[str]) -> pa.Table:
    """All of a stretch in order of arrival, with the columns of these fields."""
    names = [*COLUMNS.names, *(name for field in fields for name in (f"data_{field}", f"type_{field}"))]
    tables = [read_file(folder / place, names, stretch.fields) for place, _ in stretch.files.values()]
    return pa.concat_tables(tables).unify_dictionaries().sort_by("seq")


def read_file(path: Path, names: Sequence[str], fields: Iterable[str]) -> pa.Table:
    """These columns of a file; those of a field that has none are told out of the data."""
    there = [name for name in names if name in COLUMNS.names or name[5:] in fields]
    wanted = [*there, "data"] if len(there) < len(names) and "data" not in there else there
    coded = [name for name in wanted if is_coded(name)]
    try:
        table = pq.read_table(path, columns=wanted, read_dictionary=coded, use_threads=False)
    except FileNotFoundError:
        raise BadHistory(f"A part of the history is missing: {_place(path)}. {_MEND}") from None
    except (OSError, pa.ArrowException):
        raise BadHistory(f"A part of the history cannot be read, it is damaged: {_place(path)}. {_MEND}") from None
    return with_fields(table, names).select(names)


def _place(path: Path) -> str:
    return "/".join(path.parts[-3:])


_MEND: Final = (
    f"Start the run again. Where that does not help, remove {MANIFEST} beside it: the worker, or `rung export history "
    "--format parquet`, writes the history anew from the database."
)


def with_fields(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """The table with the columns of fields that it has not, as in a stretch written before a playbook named them."""
    missing = dict.fromkeys(name[5:] for name in names if name not in table.column_names)
    if missing:
        made = field_columns((text.as_py() for text in table.column("data")), tuple(missing))
        for name, column in made.items():
            if name not in table.column_names:
                table = table.append_column(name, column)
    return table


def is_coded(name: str) -> bool:
    return name.startswith(("data_", "type_")) or pa.types.is_dictionary(type_of(name))


def type_of(name: str) -> pa.DataType:
    return COLUMNS.field(name).type if name in COLUMNS.names else _CODED


def remove_unnamed(folder: Path, manifest: Manifest, *, before: float | None) -> None:
    """Removes what the manifest does not name and nobody has touched since `before` (POSIX time; None: whatever its
    age): stretches that were replaced, and those of a killed writer."""
    named = {Path(place).parts[0] for stretch in manifest.stretches for place, _ in stretch.files.values()}
    for path in folder.iterdir():
        is_ours = path.is_dir() or path.name.endswith(".part")
        if not is_ours or path.name in named:
            continue
        if before is not None and path.stat().st_mtime > before:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


# --- erasure


def erased_of(folder: Path) -> frozenset[str]:
    """The persons, as they arrived, whose events do not count any more."""
    path = folder / ERASED
    if not path.is_file():
        return frozenset()
    return frozenset(pq.read_table(path, columns=["person"]).column("person").to_pylist())


def add_erased(folder: Path, persons: Iterable[str]) -> None:
    """From now on nobody reads the events of these persons."""
    unfinished = folder / f"{ERASED}.{secrets.token_hex(4)}.part"
    pq.write_table(pa.table({"person": sorted(erased_of(folder) | set(persons))}), unfinished)
    unfinished.replace(folder / ERASED)


def without_erased(folder: Path, manifest: Manifest) -> tuple[Manifest, int]:
    """The buckets of erased persons written anew, without their events; and how many events that were."""
    gone = erased_of(folder)
    buckets = {str(bucket_of(person)) for person in gone}
    count, stretches = 0, []
    for stretch in manifest.stretches:
        files = dict(stretch.files)
        for bucket in sorted(buckets & set(files)):
            place, rows = files.pop(bucket)
            table = pq.read_table(folder / place)
            is_gone = pc.is_in(_texts(table.column("person")), pa.array(sorted(gone), pa.string()))
            left = table.filter(pc.invert(is_gone))
            count += rows - left.num_rows
            if left.num_rows:
                target = f"{Path(place).parent}/{bucket.zfill(2)}-{secrets.token_hex(4)}.parquet"
                _write(folder / target, left)
                files[bucket] = (target, left.num_rows)
        stretches.append(replace(stretch, files=files, rows=sum(rows for _, rows in files.values())))
    return replace(manifest, stretches=tuple(stretches)), count


def remove_replaced_files(folder: Path, manifest: Manifest) -> None:
    """Removes bucket files that the manifest names no more: what was erased must not lie on the disk."""
    named = {place for stretch in manifest.stretches for place, _ in stretch.files.values()}
    for path in folder.glob("*/*.parquet"):
        if str(path.relative_to(folder)) not in named:
            path.unlink(missing_ok=True)


def table_of(columns: Mapping[str, Sequence[Any]], fields: Sequence[str]) -> pa.Table:
    """Events as a table with the columns of these fields. `columns`: by name of COLUMNS, times in microseconds, `data`
    as JSON; a name left out is null throughout."""
    n_rows = len(columns["seq"])
    arrays: dict[str, Any] = {}
    for column in COLUMNS:
        told = columns.get(column.name)
        if told is None:
            arrays[column.name] = pa.nulls(n_rows, column.type)
        elif pa.types.is_dictionary(column.type):
            arrays[column.name] = pa.array(told, pa.string()).dictionary_encode()
        elif pa.types.is_timestamp(column.type):
            arrays[column.name] = pa.array(told, pa.int64()).cast(column.type)
        else:
            arrays[column.name] = pa.array(told, column.type)
    return pa.table({**arrays, **field_columns(columns["data"], fields)})


# --- data fields as columns


_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
_encode: Final = msgspec.json.Encoder().encode
TEXT: Final = "text"
_TYPES: Final = {
    str: TEXT,
    int: "number",
    float: "number",
    bool: "truth",
    list: "list",
    dict: "object",
    type(None): "null",
}


def field_columns(data: Iterable[str | bytes | None], fields: Sequence[str]) -> dict[str, pa.Array]:
    """The columns of these fields, from events' data as JSON."""
    texts: dict[str, list[str | None]] = {name: [] for name in fields}
    types: dict[str, list[str | None]] = {name: [] for name in fields}
    for row in data:
        told = _decode(row) if row else {}
        for name in fields:
            value = told.get(name, ABSENT)
            if value is ABSENT:
                texts[name].append(None)
                types[name].append(None)
            else:
                texts[name].append(value if type(value) is str else _encode(value).decode())
                types[name].append(_TYPES[type(value)])
    columns = {}
    for name in fields:
        columns[f"data_{name}"] = pa.array(texts[name], pa.string()).dictionary_encode()
        columns[f"type_{name}"] = pa.array(types[name], pa.string()).dictionary_encode()
    return columns


def value_told(text: str, type_: str) -> object:
    """What a field was told as."""
    return text if type_ == TEXT else msgspec.json.decode(text)


# --- corrections


@dataclass(frozen=True, slots=True)
class Corrected:
    """What no longer counts, and who lives on as whom: by key as it arrived."""

    seqs: frozenset[int] = frozenset()
    ids: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    lives_as: Mapping[str, str] = field(default_factory=dict)
    erased: frozenset[str] = frozenset()

    def key(self, person: str) -> str:
        """The key of whoever the person lives on as; a ring of merges ends where it began."""
        seen = {person}
        while (heir := self.lives_as.get(person)) is not None and heir not in seen:
            seen.add(heir)
            person = heir
        return person
