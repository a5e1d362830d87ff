"""Files of rows become the lines of a history, without a database: what `rung import … --to` writes."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import IO, Final
from zoneinfo import ZoneInfo

from rung.capture.imports import making
from rung.capture.imports.mapping import Mapping, TableMapping
from rung.capture.imports.sheets import BadRow, Row, Sheet, sheets
from rung.capture.imports.translating import LeftOut, Told, translated
from rung.terms import instants


@dataclass(slots=True)
class Taken:
    """What came of one table."""

    table: str
    mapped_as: str | None
    """None when no table of the mapping has these columns: the table was not read."""
    rows: int = 0
    lines: int = 0
    refused: int = 0
    cells_left_out: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    """The first of them; the others lie in a file meanwhile."""
    spilt: IO[str] | None = None

    def leave_out(self, each: LeftOut) -> None:
        """Notes a row or a cell that is not taken over; there may be millions."""
        self.refused += not each.is_cell
        self.cells_left_out += each.is_cell
        if len(self.left_out) < MOST_KEPT:
            self.left_out.append(each)
            return
        if self.spilt is None:
            self.spilt = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - goes with the report
        self.spilt.write(_left_out_line(self.table, each))

    def lines_left_out(self) -> Iterator[str]:
        """All of them, one JSON object a line."""
        yield from (_left_out_line(self.table, each) for each in self.left_out)
        if self.spilt is not None:
            self.spilt.seek(0)
            yield from self.spilt


@dataclass(slots=True)
class Report:
    """What came of an import, for people and for programs. `number` is there when it went into the database."""

    taken: list[Taken]
    to: str | None = None
    is_dry: bool = False
    number: int | None = None
    accepted: int = 0
    duplicates: int = 0
    people: int = 0
    refused_file: str | None = None

    @property
    def is_something_taken(self) -> bool:
        return any(taken.lines for taken in self.taken)

    def as_json(self) -> dict[str, object]:
        return {
            "import": self.number,
            "to": self.to,
            "dry_run": self.is_dry,
            "tables": [
                {
                    "table": taken.table,
                    "mapped_as": taken.mapped_as,
                    "rows": taken.rows,
                    "events": taken.lines,
                    "refused": taken.refused,
                    "cells_left_out": taken.cells_left_out,
                    "left_out": [{"line": each.line, "reason": each.reason} for each in taken.left_out[:MOST_SHOWN]],
                }
                for taken in self.taken
            ],
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "people": self.people,
            "refused_file": self.refused_file,
        }

    def in_words(self) -> str:
        parts = []
        for taken in self.taken:
            if taken.mapped_as is None:
                parts.append(f"{taken.table}: not read, because no table of the mapping has these columns")
                continue
            refused = f", {taken.refused:,} refused" if taken.refused else ""
            cells = f", {taken.cells_left_out:,} cells left out" if taken.cells_left_out else ""
            parts.append(
                f"{taken.table} ({taken.mapped_as}): {taken.rows:,} rows, {taken.lines:,} events{refused}{cells}"
            )
            parts += [f"  line {each.line}: {each.reason}" for each in taken.left_out[:MOST_SHOWN]]
            if len(taken.left_out) > MOST_SHOWN:
                parts.append("  …")
        if self.is_dry:
            parts.append("Nothing was written: this was a dry run.")
        if self.to:
            parts.append(f"Wrote {self.to}")
        if self.number is not None:
            again = f", {self.duplicates:,} that were there before" if self.duplicates else ""
            parts.append(f"Import {self.number}: {self.accepted:,} events of {self.people:,} people{again}.")
            parts.append(f"To take it back: rung undo-import {self.number}")
        if self.refused_file:
            parts.append(f"What was left out, line by line: {self.refused_file}")
        return "\n".join(parts)


class NothingToRead(ValueError):
    """None of the tables is one that the mapping, or the guess by headers, knows."""


UTC: Final = ZoneInfo("UTC")
MOST_SHOWN: Final = 5
_LOOKED_AT: Final = 200
MOST_KEPT: Final = 1_000
"""Rows and cells left out that are kept in memory."""


def write_history_file(
    paths: Sequence[Path], *, mapping: Mapping | None, kind: str | None, to: Path, now: int
) -> Report:
    """Writes the history into a file, and what was left out beside it."""
    with to.open("w", encoding="utf-8") as file:
        report = Report(list(write_history(paths, mapping=mapping, kind=kind, to=file, now=now)), to=str(to))
    report.refused_file = write_left_out(report.taken, to.with_name(f"{to.stem}-refused.ndjson"))
    return report


def write_left_out(taken: Sequence[Taken], path: Path) -> str | None:
    """One JSON object for each row or cell that was left out; no file where nothing was."""
    if not any(table.left_out for table in taken):
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for table in taken:
            file.writelines(table.lines_left_out())
    return str(path)


def _left_out_line(table: str, each: LeftOut) -> str:
    told = {"table": table, "line": each.line, "reason": each.reason, "whole_line": not each.is_cell}
    if each.cells is not None:
        told["cells"] = {name: cell if cell is None else str(cell) for name, cell in each.cells.items()}
    return json.dumps(told, ensure_ascii=False) + "\n"


def files(paths: Sequence[Path]) -> list[Path]:
    """The files meant: a folder stands for the tables in it."""
    found: list[Path] = []
    for path in paths:
        found += sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    return found


SUFFIXES: Final = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods")


def tables(
    paths: Sequence[Path], mapping: Mapping | None, kind: str | None, zone: ZoneInfo = UTC
) -> Iterator[tuple[Sheet, TableMapping | None]]:
    """Each table of the files with its mapping: by the columns it has, or guessed from their names, `zone` then being
    that of times without an offset."""
    for path in files(paths):
        for sheet in sheets(path):
            if mapping is not None:
                yield sheet, mapping.table_for(sheet.header)
                continue
            first = list(islice(sheet.rows, _LOOKED_AT))
            cells = [row.cells for row in first if isinstance(row, Row)]
            yield replace(sheet, rows=chain(first, sheet.rows)), making.guessed(sheet.header, kind, cells, zone)


def write_history(
    paths: Sequence[Path], *, mapping: Mapping | None, kind: str | None, to: IO[str], now: int
) -> Iterator[Taken]:
    """Writes the history line by line and yields each table's account when it is done."""
    for sheet, table in tables(paths, mapping, kind):
        taken = Taken(sheet.name, table.name if table else None)
        if table is not None:
            for told in translated(counted(sheet, taken), table, prefix=prefix_of(sheet), now=now):
                if isinstance(told, LeftOut):
                    taken.leave_out(told)
                else:
                    taken.lines += 1
                    to.write(line_of(told))
        yield taken


def prefix_of(sheet: Sheet) -> str:
    """How ids of a table begin; short enough to leave room for the line."""
    return sheet.name[-150:]


def counted(sheet: Sheet, taken: Taken) -> Iterator[Row | BadRow]:
    """The rows, counted as they pass."""
    for row in sheet.rows:
        taken.rows += 1
        yield row


def line_of(told: Told) -> str:
    """A line as `rung decide` reads it."""
    fields: dict[str, object] = {"at": exact(told.at), "kind": told.kind}
    if told.person is not None:
        fields = {"person": told.person, **fields}
    if told.company is not None:
        fields["company"] = told.company
    if told.data:
        fields["data"] = told.data
    if told.by is not None:
        fields["by"] = told.by
    fields["id"] = told.id
    return json.dumps(fields, ensure_ascii=False) + "\n"


def exact(at: int) -> str:
    """The instant with all its digits, so that reading it back gives the same one."""
    return instants.moment(at).isoformat().replace("+00:00", "Z")
