"""Files of rows: CSV in any of the usual encodings and delimiters, and XLSX; row by row, in bounded memory."""

import codecs
import csv
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import chain, islice
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
_TITLES: Final = 20
"""Rows among which the names of a sheet's columns are looked for."""
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
    tab: str = ""
    """What a workbook calls it."""


def sheets(path: Path) -> Iterator[Sheet]:
    """The tables of a file: one for a CSV, one for each sheet with a header in a workbook. Raises Unreadable."""
    if path.suffix.lower() in {".xlsx", ".xlsm", ".xls", ".ods"}:
        yield from _workbook(path)
    else:
        yield _csv(path)


def encoding_of(path: Path) -> str:
    """The encoding of a text file: by its byte order mark, else UTF-16 where every second byte is 0, else UTF-8."""
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
    return "utf-8"


def _as_windows_wrote_it(fault: UnicodeError) -> tuple[str, int]:
    """What is no UTF-8 is Windows-1252: files come in one or the other, and glued together from both."""
    assert isinstance(fault, UnicodeDecodeError)
    if not fault.encoding.lower().startswith("utf-8"):
        return "\ufffd", fault.end
    return fault.object[fault.start : fault.end].decode("cp1252", "replace"), fault.end


codecs.register_error("windows", _as_windows_wrote_it)


def _csv(path: Path) -> Sheet:
    if path.stat().st_size == 0:
        raise Unreadable(f"{path.name} is empty")
    _is_text(path)
    encoding = encoding_of(path)
    records = _Records(_Lines(path, encoding), _delimiter(path, encoding))
    for _, cells in records:
        if isinstance(cells, str):
            raise Unreadable(f"{path.name}: the header cannot be read: {cells}")
        if any(cell.strip() for cell in cells):
            header = _named(cells, path.name)
            records.width = len(header)
            return Sheet(path.name, header, _rows(header, _texts(cells), records))
    raise Unreadable(f"{path.name} holds no row")


_MARKS: Final = {
    b"%PDF-": "a PDF", b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"GIF8": "a picture",
    b"PK\x03\x04": "a workbook or an archive", b"\xd0\xcf\x11\xe0": "a workbook of old Excel",
    b"\x1f\x8b": "a packed file", b"<!DOCTYPE": "a web page", b"<html": "a web page",
}  # fmt: skip
"""How files begin that are no text in rows, whatever they are called."""
_MOST_CONTROLS: Final = 0.1


def _is_text(path: Path) -> None:
    """Raises Unreadable for what is no text: every reader finds rows in it somehow."""
    with path.open("rb") as file:
        start = file.read(4096)
    for mark, what in _MARKS.items():
        if start.startswith(mark):
            raise Unreadable(f"{path.name} is {what}, whatever its name says: save the table as CSV or XLSX")
    controls = sum(byte < 9 or 13 < byte < 32 for byte in start if byte)
    if controls > _MOST_CONTROLS * len(start):
        raise Unreadable(f"{path.name} is no text: save the table as CSV or XLSX")


def _delimiter(path: Path, encoding: str) -> str:
    """The character that parts the first lines into the same number of cells, and into most of them."""
    with path.open(encoding=encoding, errors="windows", newline="") as file:
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
        self._file = path.open(encoding=encoding, errors="windows", newline="")
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


class _Records:
    """Each record with the line where it begins, or the reason why there is none.

    The reader asks for another line only inside quotes. Where it asks too often, at the end of the file, or where the
    lines it took make no record of so many cells, a quotation mark was left open: the line that opened it is refused
    and reading starts again on the next one.
    """

    def __init__(self, lines: _Lines, delimiter: str) -> None:
        self.width = 0
        """How many cells a record has; 0 while nobody knows."""
        self._lines, self._delimiter = lines, delimiter
        self._taken: list[tuple[int, str]] = []
        self._reader = csv.reader(self._supply(), delimiter=delimiter)

    def __iter__(self) -> Iterator[tuple[int, list[str] | str]]:
        while True:
            try:
                cells = next(self._reader)
                if len(self._taken) > 1 and not self._is_sound(cells):
                    raise _Unclosed
            except StopIteration:
                return
            except (_Unclosed, csv.Error):
                yield self._again()
            else:
                number = self._taken[0][0]
                self._taken.clear()
                yield number, cells

    def _supply(self) -> Iterator[str]:
        while True:
            line = self._lines.next()
            if line is None:
                if self._taken:
                    raise _Unclosed
                return
            self._taken.append(line)
            if len(self._taken) > MOST_LINES_OF_A_ROW or len(line[1]) > LONGEST_ROW:
                raise _Unclosed
            yield line[1]

    def _is_sound(self, cells: list[str]) -> bool:
        """Whether several lines are one record: its quotation marks stand where they should, and its cells are all."""
        try:
            (strictly,) = csv.reader([line for _, line in self._taken], delimiter=self._delimiter, strict=True)
        except (ValueError, csv.Error):
            return False
        has_all = not self.width or (len(cells) >= self.width and not any(cells[self.width :]))
        return strictly == cells and has_all

    def _again(self) -> tuple[int, str]:
        """Refuses the first of the lines taken; the others are read again."""
        (number, line), *rest = self._taken
        self._lines.put_back(rest)
        self._taken.clear()
        self._reader = csv.reader(self._supply(), delimiter=self._delimiter)
        if len(line) > LONGEST_ROW:
            return number, f"longer than {LONGEST_ROW} characters"
        return number, 'a quotation mark (") is opened and never closed'


def _texts(cells: Iterable[str]) -> list[str | None]:
    return [cell.strip() or None for cell in cells]


def _rows(
    header: tuple[str, ...], told: list[str | None], records: Iterable[tuple[int, list[str] | str]]
) -> Iterator[Row | BadRow]:
    for line, cells in records:
        if isinstance(cells, str):
            yield BadRow(line, cells)
            continue
        texts = _texts(cells)
        if not any(texts):
            continue
        if texts == told:
            yield BadRow(line, "the names of the columns again")
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
                yield replace(sheet, tab=name)
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
    first = [(line, list(values)) for line, values in islice(rows, _TITLES)]
    filled = [sum(cell not in ("", None) for cell in cells) for _, cells in first]
    # A title, a date, a note above a table fill a cell or two, merged or not; its names stand in the first fuller row.
    most = max(filled, default=0)
    least = 3 if most >= 6 else 2 if most >= 2 else 1
    for place, (_, cells) in enumerate(first):
        if filled[place] >= least:
            header = _named([str(cell) for cell in cells], name)
            rest = chain(first[place + 1 :], rows)
            return Sheet(name, header, _sheet_rows(header, [_cell(cell) for cell in cells], rest))
    return None


def _sheet_rows(
    header: tuple[str, ...], told: list[Cell], rows: Iterable[tuple[int, Iterable[object]]]
) -> Iterator[Row | BadRow]:
    for line, values in rows:
        cells = [_cell(value) for value in values]
        if cells == told:
            yield BadRow(line, "the names of the columns again")
        elif any(cell is not None for cell in cells):
            yield Row(line, dict(zip(header, cells, strict=False)))


def _cell(value: object) -> Cell:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)  # a workbook has no whole numbers of its own
    if isinstance(value, (bool, int, float, datetime, date)):
        return value
    return None if value is None else str(value)
