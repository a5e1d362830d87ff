"""A history in Parquet, part by part: each part holds all rows of some people, read as columns of codes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rung.engine.files.segments import (
    BUCKETS,
    MANIFEST,
    TEXT,
    Corrected,
    bucket_of,
    buckets_of,
    compact,
    erased_of,
    read_file,
    read_manifest,
    type_of,
    value_told,
    with_fields,
)
from rung.engine.histories import ABSENT, CORRECTIONS, KIND_CODES, OF_NOBODY, BadHistory, Codes, Ints, Told, distinct
from rung.engine.kernel import NONE

_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
_ALWAYS: Final = ("seq", "person", "at", "kind", "company", "by")
_UNKNOWN: Final = -2
_NOT_ROWS: Final = frozenset(KIND_CODES[kind] for kind in CORRECTIONS)
_NOBODYS: Final = tuple(KIND_CODES[kind] for kind in OF_NOBODY)


class Source:
    """A folder of segments, and the events that are not in it yet (`tail`: COLUMNS, and columns of fields if any).

    `corrected`: what no longer counts; without it, what the history's own correcting events say.
    """

    def __init__(
        self,
        folder: Path,
        *,
        fields: Iterable[str] = (),
        tail: "pa.Table | None" = None,
        corrected: Corrected | None = None,
    ) -> None:
        self.folder, self.manifest = folder, read_manifest(folder)
        if not self.manifest.stretches and tail is None:
            raise BadHistory(f"{folder} holds no history: there is no {MANIFEST} that names one.")
        self.fields = tuple(dict.fromkeys(fields))
        self._tail = _by_bucket(tail) if tail is not None and tail.num_rows else {}
        self.rows = self.manifest.rows + (tail.num_rows if tail is not None else 0)
        last = [stretch.last_at for stretch in self.manifest.stretches]
        if tail is not None and tail.num_rows:
            last.append(pc.max(tail.column("at").cast(pa.int64())).as_py())
        self.last_at = max(last, default=0)
        self.has_tail = bool(self._tail)
        self._told_in_tail = ("anything",) if self._tail else ()
        told = corrected if corrected is not None else self._corrections()
        self.corrected = replace(told, erased=told.erased | erased_of(folder))
        self._strangers: dict[int, list[tuple[int, Ints, pa.Table]]] | None = None

    def parts(self) -> list[int]:
        """The parts that have rows."""
        return sorted({*self._arrived(), *(self._settled() if self.corrected.lives_as else ())})

    def part(self, number: int) -> "PartOfHistory":
        """All rows of the people who live in this part."""
        own = self.table(number, self._wanted())
        strangers = self._settled().get(number, []) if self.corrected.lives_as else []
        return PartOfHistory(self, number, own, strangers)

    def whole(self, *, until: int | None = None) -> "PartOfHistory":
        """Everybody's rows up to `until` at once, in order of arrival, and people in order of their first: the same
        however the history is cut. For those who look at a history from many sides."""
        return PartOfHistory(self, None, self.table(None, self._wanted()), [], until=until)

    def table(self, bucket: int | None, names: Sequence[str]) -> pa.Table:
        """These columns of everything that arrived in the bucket; of all buckets where it is None."""
        if bucket is None:
            found = [self.table(each, names) for each in self._arrived() or (0,)]
            return pa.concat_tables(found).unify_dictionaries().combine_chunks()
        tables = [
            read_file(self.folder / stretch.files[str(bucket)][0], names, stretch.fields)
            for stretch in self.manifest.stretches
            if str(bucket) in stretch.files
        ]
        if bucket in self._tail:
            tables.append(with_fields(self._tail[bucket], names).select(names))
        if not tables:
            return pa.table({name: pa.array([], type_of(name)) for name in names})
        return pa.concat_tables(tables).unify_dictionaries().combine_chunks()

    def columns_of(self, field: str) -> tuple[str, ...]:
        """The columns to read to know a field: none where nobody told it, the value alone where all told it as text."""
        told = set(self._told_in_tail)
        for stretch in self.manifest.stretches:
            told.update(stretch.fields.get(field, ("anything",)))
        return (f"data_{field}", f"type_{field}")[: 2 if told - {TEXT} else len(told)]

    def _arrived(self) -> list[int]:
        return sorted(
            {int(bucket) for stretch in self.manifest.stretches for bucket in stretch.files} | set(self._tail)
        )

    def _wanted(self) -> tuple[str, ...]:
        """The columns that are read of every part."""
        corrected = self.corrected
        names = [*_ALWAYS, *(["id"] if corrected.ids else []), *(["source"] if corrected.sources else [])]
        return (*names, *(column for field in self.fields for column in self.columns_of(field)))

    def _settled(self) -> dict[int, list[tuple[int, Ints, pa.Table]]]:
        """By part, the rows that arrived elsewhere under a key whose owner lives on here: from where, which, and they
        themselves with all columns that are known to be needed."""
        if self._strangers is None:
            found: dict[int, list[tuple[int, Ints, pa.Table]]] = {}
            for bucket in self._arrived():
                person = self.table(bucket, ("person",)).column("person")
                home = _homes(person, self.corrected)
                gone = np.flatnonzero((home != bucket) & (home != NONE))
                if not len(gone):
                    continue
                table = self.table(bucket, self._wanted()).take(pa.array(gone))
                for part in np.unique(home[gone]).tolist():
                    of = np.flatnonzero(home[gone] == part)
                    found.setdefault(part, []).append((bucket, gone[of], table.take(pa.array(of))))
            self._strangers = found
        return self._strangers

    # --- what the history says about itself

    def _corrections(self) -> Corrected:
        kinds = [kind for stretch in self.manifest.stretches for kind in stretch.kinds if kind in CORRECTIONS]
        if not kinds and not self._tail:
            return Corrected()
        rows: list[tuple[int, str, str | None, dict[str, Any]]] = []
        for bucket in range(BUCKETS):
            table = self.table(bucket, ("seq", "kind", "person", "data"))
            is_one = pc.is_in(table.column("kind").cast(pa.string()), pa.array(sorted(CORRECTIONS)))
            rows += (
                (row["seq"], row["kind"], row["person"], _decode(row["data"] or "{}"))
                for row in table.filter(is_one).to_pylist()
            )
        return corrections_of(rows)


def corrections_of(rows: Iterable[tuple[int, str, str | None, Mapping[str, Any]]]) -> Corrected:
    """What correcting events (seq, kind, person, data) say, in order of their arrival."""
    ids, sources, heirs = set(), set(), dict[str, str]()
    for _, kind, person, data in sorted(rows, key=lambda row: row[0]):
        if kind == "event_voided":
            ids.add(str(data["event"]))
        elif kind == "import_undone":
            sources.add(f"import:{data['import']}")
        elif kind == "persons_merged" and person is not None:
            heirs[str(data["merged"])] = person
        else:
            heirs.pop(str(data["merged"]), None)
    return Corrected(ids=frozenset(ids), sources=frozenset(sources), lives_as=heirs)


class PartOfHistory:
    """Rows of some people as the engine reads them; what no longer counts is left out.

    Columns of fields are read when they are asked for, and `forget` gives their room back.
    """

    def __init__(
        self,
        source: Source,
        number: int | None,
        own: pa.Table,
        strangers: Sequence[tuple[int, Ints, pa.Table]],
        *,
        until: int | None = None,
    ) -> None:
        self._source, self.number = source, number
        self._strangers = [(bucket, rows) for bucket, rows, _ in strangers]
        self._told: dict[str, Told] = {}
        self._data: Data | None = None
        table = own
        if strangers:
            table = pa.concat_tables([own, *(each for _, _, each in strangers)]).unify_dictionaries().combine_chunks()
        self._table: pa.Table | None = table
        kind, kinds = codes_of(table.column("kind"))
        known = np.array([*(KIND_CODES.get(name, _UNKNOWN) for name in kinds), _UNKNOWN])
        codes = known[kind]
        keep = self._that_count(table, codes, number)
        if until is not None:
            keep &= table.column("at").cast(pa.int64()).to_numpy() <= until
        self.unknown_kinds = sorted({name for name in kinds if name not in KIND_CODES})
        self._rows = None if keep.all() else np.flatnonzero(keep)
        if number is None:
            rows = np.flatnonzero(keep)
            self._rows = rows[np.argsort(table.column("seq").to_numpy()[rows], kind="stable")]
        self.kind = self._kept(codes).astype(np.int16)
        self.at: Ints = self._kept(table.column("at").cast(pa.int64()).to_numpy())
        self.seq: Ints = self._kept(table.column("seq").to_numpy())
        by, _ = codes_of(table.column("by"))
        self.has_by: NDArray[np.bool_] = self._kept(by) >= 0
        company, self.companies = codes_of(table.column("company"))
        self.company: Codes = self._kept(company)
        self.person, self.people = self._people(table.column("person"))

    def __len__(self) -> int:
        return len(self.at)

    def told(self, fields: Sequence[str], rows: Ints) -> list[Told]:
        """What these rows tell in each of the fields."""
        return [self._field(name).at(rows) for name in fields]

    def forget(self) -> None:
        """Gives back the room of what was told: it can be read again."""
        self._told.clear()
        self._table = None

    @property
    def data(self) -> Sequence[Mapping[str, object]]:
        """Everything that each row told; each row is read when it is asked for."""
        if self._data is None:
            self._data = Data(self._column("data"))
        return self._data

    def texts(self, name: str) -> pa.ChunkedArray:
        """Another column of the log, such as `id` or `source`, row by row."""
        return self._column(name)

    # --- reading

    def _that_count(self, table: pa.Table, kind: NDArray[Any], number: int | None) -> NDArray[np.bool_]:
        corrected = self._source.corrected
        keep = ~np.isin(kind, [*_NOT_ROWS, _UNKNOWN])
        if corrected.seqs:
            keep &= ~np.isin(table.column("seq").to_numpy(), np.fromiter(corrected.seqs, np.int64))
        for name, gone in (("id", corrected.ids), ("source", corrected.sources), ("person", corrected.erased)):
            if gone:
                is_gone = pc.is_in(table.column(name).cast(pa.string()), pa.array(sorted(gone), pa.string()))
                keep &= ~is_gone.to_numpy()
        if corrected.lives_as and number is not None:
            home = _homes(table.column("person"), corrected)
            keep &= (home == number) | (home == NONE)
        return keep

    def _people(self, column: pa.ChunkedArray) -> tuple[Codes, Sequence[str]]:
        """Living people's codes; everybody named has a row of their own."""
        codes, people = codes_of(column)
        codes = self._kept(codes)
        codes[np.isin(self.kind, _NOBODYS)] = NONE
        lives_as = self._source.corrected.lives_as
        if lives_as:
            living = [self._source.corrected.key(person) if person in lives_as else person for person in people]
            numbers: dict[str, int] = {}
            recoded = np.array([*(numbers.setdefault(person, len(numbers)) for person in living), NONE], np.int32)
            codes, people = recoded[codes], list(numbers)
        if self.number is None:
            return _by_first_row(codes, people)
        has_row = np.bincount(codes[codes >= 0], minlength=len(people)) > 0
        if has_row.all():
            return codes, people
        recoded = np.append(np.where(has_row, np.cumsum(has_row) - 1, NONE), NONE).astype(np.int32)
        return recoded[codes], [person for person, is_there in zip(people, has_row.tolist(), strict=True) if is_there]

    def _kept(self, column: Any) -> Any:
        return column if self._rows is None else column[self._rows]

    def _field(self, name: str) -> Told:
        if name not in self._told:
            read = [self._column(column) for column in self._source.columns_of(name)]
            if read:
                self._told[name] = told_of(*(whole_of(column) for column in read))
            else:
                self._told[name] = Told(np.zeros(len(self.at), np.int32), [ABSENT])
        return self._told[name]

    def _column(self, name: str) -> pa.ChunkedArray:
        if self._table is not None and name in self._table.column_names:
            column = self._table.column(name)
        else:
            tables = [self._source.table(self.number, (name,))]
            for bucket, rows in self._strangers:
                tables.append(self._source.table(bucket, (name,)).take(pa.array(rows)))
            column = pa.concat_tables(tables).unify_dictionaries().combine_chunks().column(name)
        return column if self._rows is None else column.take(pa.array(self._rows))


@dataclass(frozen=True, slots=True)
class Data(Sequence[Mapping[str, object]]):
    texts: pa.ChunkedArray

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, row: Any) -> Any:
        return _decode(self.texts[row].as_py() or "{}")

    def __iter__(self) -> Iterator[Mapping[str, object]]:
        return (_decode(text.as_py() or "{}") for text in self.texts)


def _by_first_row(codes: Codes, people: Sequence[str]) -> tuple[Codes, list[str]]:
    """Codes and people in order of each one's first row; who has none is left out."""
    first = np.full(len(people) + 1, len(codes), np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)  # the last that is written stays: the first row
    there = np.flatnonzero(first[:-1] < len(codes))
    there = there[np.argsort(first[there], kind="stable")]
    recoded = np.full(len(people) + 1, NONE, np.int32)
    recoded[there] = np.arange(len(there))
    return recoded[codes], [people[person] for person in there.tolist()]


def codes_of(column: pa.ChunkedArray) -> tuple[Codes, list[str]]:
    """A column's codes, NONE for null, and the texts they stand for."""
    whole = whole_of(column)
    codes = whole.indices.fill_null(NONE).to_numpy(zero_copy_only=False)
    return codes.astype(np.int32), whole.dictionary.to_pylist()


def whole_of(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """A coded column in one piece."""
    found = column.combine_chunks()
    if isinstance(found, pa.ChunkedArray):
        found = found.chunk(0) if found.num_chunks else pa.array([], type_of("person"))
    return found


def told_of(values: pa.DictionaryArray, types: "pa.DictionaryArray | None" = None) -> Told:
    codes = values.indices.fill_null(NONE).to_numpy(zero_copy_only=False).astype(np.int32) + 1
    texts = values.dictionary.to_pylist()
    if types is None or types.dictionary.to_pylist() == [TEXT]:
        return Told(codes, [ABSENT, *texts])
    of_types = types.indices.fill_null(NONE).to_numpy(zero_copy_only=False).astype(np.int32) + 1
    names = types.dictionary.to_pylist()
    is_told = np.flatnonzero(codes)
    first, pairs = distinct([(codes[is_told], len(texts) + 1), (of_types[is_told], len(names) + 1)], len(is_told))
    found = np.zeros(len(codes), np.int32)
    found[is_told] = pairs + 1
    rows = is_told[first]
    told = [
        value_told(texts[code - 1], names[type_ - 1])
        for code, type_ in zip(codes[rows].tolist(), of_types[rows].tolist(), strict=True)
    ]
    return Told(found, [ABSENT, *told])


def _homes(person: pa.ChunkedArray, corrected: Corrected) -> NDArray[np.int64]:
    """The part in which each row's person lives; NONE for rows of nobody."""
    person = whole_of(person)
    homes = np.array([*(bucket_of(corrected.key(key)) for key in person.dictionary.to_pylist()), NONE], np.int64)
    return np.asarray(homes[person.indices.fill_null(NONE).to_numpy(zero_copy_only=False)])


def _by_bucket(tail: pa.Table) -> dict[int, pa.Table]:
    buckets = buckets_of(tail)
    return {bucket: compact(tail.filter(pa.array(buckets == bucket))) for bucket in np.unique(buckets).tolist()}
