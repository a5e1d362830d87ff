"""Files of rows: CSV in any of the usual encodings and delimiters, and XLSX; row by row, in bounded memory."""

import codecs
import csv
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

Cell = str | float | int | bool | datetime | date | None
"""What a cell holds. CSV knows only text; an empty cell is None."""

MOST_COLUMNS: Final = 1_000
LONGEST_ROW: Final = 1_000_000
"""Characters of one row; a quotation mark that is never closed would otherwise swallow the rest of the file."""
MOST_LINES_OF_A_ROW: Final = 500
LARGEST_WORKBOOK: Final = 512 << 20
"""Bytes of a workbook when unpacked."""
_DELIMITERS: Final = ",;\t|"
_CHUNK: Final = 1 << 20

csv.field_size_limit(LONGEST_ROW)


class Unreadable(ValueError):
    """A file that cannot be read as a table at all; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    """The line of the file (of the sheet, for a workbook) where the row begins."""
    cells: dict[str, Cell]


@dataclass(frozen=True, slots=True)
class BadRow:
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: the names of its columns, and its rows when they are asked for."""

    name: str
    header: tuple[str, ...]
    rows: Iterator[Row | BadRow]


def sheets(path: Path) -> Iterator[Sheet]:
    """The tables of a file: one for a CSV, one for each sheet with a header in a workbook. Raises Unreadable."""
    if path.suffix.lower() in {".xlsx", ".xlsm", ".xls", ".ods"}:
        yield from _workbook(path)
    else:
        yield _csv(path)


def encoding_of(path: Path) -> str:
    """The encoding of a text file: by its byte order mark, else UTF-8 where all of it is, UTF-16, cp1252."""
    with path.open("rb") as file:
        start = file.read(4096)
        for mark, name in (
            (codecs.BOM_UTF8, "utf-8-sig"),
            (codecs.BOM_UTF16_LE, "utf-16"),
            (codecs.BOM_UTF16_BE, "utf-16"),
        ):
            if start.startswith(mark):
                return name
        if start.count(0) * 4 > len(start):
            return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
        decoder = codecs.getincrementaldecoder("utf-8")()
        file.seek(0)
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _csv(path: Path) -> Sheet:
    encoding = encoding_of(path)
    if path.stat().st_size == 0:
        raise Unreadable(f"{path.name} is empty")
    lines = _Lines(path, encoding)
    rows = _records(lines, _delimiter(path, encoding))
    for _, cells in rows:
        if isinstance(cells, str):
            raise Unreadable(f"{path.name}: the header cannot be read: {cells}")
        if any(cell.strip() for cell in cells):
            header = _named(cells, path.name)
            return Sheet(path.name, header, _rows(header, rows))
    raise Unreadable(f"{path.name} holds no row")


def _delimiter(path: Path, encoding: str) -> str:
    """The character that parts the first lines into the same number of cells, and into most of them."""
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        sample = file.read(65_536).splitlines()[:20] or [""]
    quoted = [_unquoted(line) for line in sample if line.strip()]

    def fitness(delimiter: str) -> tuple[int, int]:
        first = quoted[0].count(delimiter) if quoted else 0
        return (sum(line.count(delimiter) == first for line in quoted) if first else 0, first)

    return max(_DELIMITERS, key=fitness)


def _unquoted(line: str) -> str:
    return "".join(line.split('"')[::2])


class _Lines:
    """The file's lines, numbered, which can be put back; bounded in length."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._file = path.open(encoding=encoding, errors="replace", newline="")
        self._back: list[tuple[int, str]] = []
        self._number = 0

    def next(self) -> tuple[int, str] | None:
        if self._back:
            return self._back.pop()
        line = "" if self._file.closed else self._file.readline(LONGEST_ROW + 1)
        if not line:
            self._file.close()
            return None
        self._number += 1
        while len(line) > LONGEST_ROW and not line.endswith("\n"):
            rest = self._file.readline(_CHUNK)
            if not rest or rest.endswith("\n"):
                break
        return self._number, line

    def put_back(self, lines: list[tuple[int, str]]) -> None:
        self._back.extend(reversed(lines))


class _Unclosed(Exception):
    """A quotation mark was opened and never closed."""


def _records(lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Each record with the line where it begins, or the reason why there is none.

    The reader asks for another line only inside quotes. Where it asks too often, or at the end of the file, a
    quotation mark was left open: the line that opened it is refused and reading starts again on the next one.
    """
    taken: list[tuple[int, str]] = []

    def supply() -> Iterator[str]:
        while True:
            line = lines.next()
            if line is None:
                if taken:
                    raise _Unclosed
                return
            taken.append(line)
            if len(taken) > MOST_LINES_OF_A_ROW or len(line[1]) > LONGEST_ROW:
                raise _Unclosed
            yield line[1]

    reader = csv.reader(supply(), delimiter=delimiter)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (_Unclosed, csv.Error):
            first, *rest = taken
            lines.put_back(rest)
            is_long = len(first[1]) > LONGEST_ROW
            reason = (
                f"longer than {LONGEST_ROW} characters"
                if is_long
                else 'a quotation mark (") is opened and never closed'
            )
            taken.clear()
            reader = csv.reader(supply(), delimiter=delimiter)
            yield first[0], reason
        else:
            number = taken[0][0]
            taken.clear()
            yield number, cells


def _rows(header: tuple[str, ...], records: Iterator[tuple[int, list[str] | str]]) -> Iterator[Row | BadRow]:
    for line, cells in records:
        if isinstance(cells, str):
            yield BadRow(line, cells)
            continue
        texts = [cell.strip() or None for cell in cells]
        if not any(texts):
            continue
        while len(texts) > len(header) and texts[-1] is None:
            texts.pop()
        if len(texts) != len(header):
            yield BadRow(line, f"{len(texts)} cells, where the header names {len(header)} columns")
        else:
            yield Row(line, dict(zip(header, texts, strict=True)))


def _named(cells: list[str], name: str) -> tuple[str, ...]:
    """The columns' names; one without a name is called by its place, a repeated one by its turn."""
    if len(cells) > MOST_COLUMNS:
        raise Unreadable(f"{name} has {len(cells)} columns: {MOST_COLUMNS} are allowed")
    names: list[str] = []
    for place, cell in enumerate(cells, 1):
        plain = " ".join(cell.replace("\ufeff", "").split()) or f"column {place}"
        turn = 2
        unique = plain
        while unique in names:
            unique = f"{plain} ({turn})"
            turn += 1
        names.append(unique)
    return tuple(names)


def _workbook(path: Path) -> Iterator[Sheet]:
    from python_calamine import CalamineError, CalamineWorkbook

    _guard(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        for name in book.sheet_names:
            rows = enumerate(book.get_sheet_by_name(name).iter_rows(), 1)
            sheet = _sheet(f"{path.name}, sheet {name}", rows)
            if sheet is not None:
                yield sheet
    except (CalamineError, OSError, zipfile.BadZipFile) as fault:
        raise Unreadable(f"{path.name} is no workbook that can be read: {fault}") from fault


def _guard(path: Path) -> None:
    """Refuses a small file that unpacks to a huge one, before it is unpacked."""
    if path.suffix.lower() == ".xls":
        return
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError) as fault:
        raise Unreadable(f"{path.name} is no workbook that can be read: {fault}") from fault
    if size > LARGEST_WORKBOOK:
        raise Unreadable(f"{path.name} unpacks to {size >> 20} MB: save the sheet as CSV instead")


def _sheet(name: str, rows: Iterator[tuple[int, Iterable[object]]]) -> Sheet | None:
    for _, values in rows:
        cells = list(values)
        if any(cell not in ("", None) for cell in cells):
            header = _named([str(cell) for cell in cells], name)
            return Sheet(name, header, _sheet_rows(header, rows))
    return None


def _sheet_rows(header: tuple[str, ...], rows: Iterator[tuple[int, Iterable[object]]]) -> Iterator[Row | BadRow]:
    for line, values in rows:
        cells = [_cell(value) for value in values]
        if any(cell is not None for cell in cells):
            yield Row(line, dict(zip(header, cells, strict=False)))


def _cell(value: object) -> Cell:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)  # a workbook has no whole numbers of its own
    if isinstance(value, (bool, int, float, datetime, date)):
        return value
    return None if value is None else str(value)
