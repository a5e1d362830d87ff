"""Files of rows become the lines of a history, without a database: what `rung import … --to` writes."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from rung.capture.guessing import guessed
from rung.capture.mapping import Mapping, TableMapping
from rung.capture.sheets import Row, Sheet, sheets
from rung.capture.translating import LeftOut, Told, translated
from rung.terms import instants


@dataclass(slots=True)
class Taken:
    """What came of one table."""

    table: str
    mapped_as: str | None
    """None when no table of the mapping has these columns: the table was not read."""
    rows: int = 0
    lines: int = 0
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return sum(not each.is_cell for each in self.left_out)

    @property
    def cells_left_out(self) -> int:
        return sum(each.is_cell for each in self.left_out)


class NothingToRead(ValueError):
    """None of the tables is one that the mapping, or the guess by headers, knows."""


def files(paths: Sequence[Path]) -> list[Path]:
    """The files meant: a folder stands for the tables in it."""
    found: list[Path] = []
    for path in paths:
        found += sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    return found


SUFFIXES: Final = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods")


def tables(
    paths: Sequence[Path], mapping: Mapping | None, kind: str | None
) -> Iterator[tuple[Sheet, TableMapping | None]]:
    """Each table of the files with its mapping: by the columns it has, or guessed from their names."""
    for path in files(paths):
        for sheet in sheets(path):
            yield sheet, mapping.table_for(sheet.header) if mapping else guessed(sheet.header, kind)


def write_history(
    paths: Sequence[Path], *, mapping: Mapping | None, kind: str | None, to: IO[str], now: int
) -> Iterator[Taken]:
    """Writes the history line by line and yields each table's account when it is done."""
    for sheet, table in tables(paths, mapping, kind):
        taken = Taken(sheet.name, table.name if table else None)
        if table is not None:
            for told in translated(counted(sheet, taken), table, prefix=f"{sheet.name}", now=now):
                if isinstance(told, LeftOut):
                    taken.left_out.append(told)
                else:
                    taken.lines += 1
                    to.write(line_of(told))
        yield taken


def counted(sheet: Sheet, taken: Taken) -> Iterator[Row]:
    """The rows, counted as they pass."""
    for row in sheet.rows:
        taken.rows += 1
        yield row  # type: ignore[misc]


def line_of(told: Told) -> str:
    """A line as `rung decide` reads it."""
    fields: dict[str, object] = {"at": exact(told.at), "kind": told.kind}
    if told.person is not None:
        fields = {"person": told.person, **fields}
    if told.company is not None:
        fields["company"] = told.company
    if told.data:
        fields["data"] = told.data
    fields["id"] = told.id
    return json.dumps(fields, ensure_ascii=False) + "\n"


def exact(at: int) -> str:
    """The instant with all its digits, so that reading it back gives the same one."""
    return instants.moment(at).isoformat().replace("+00:00", "Z")
