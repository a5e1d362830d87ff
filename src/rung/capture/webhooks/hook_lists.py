"""Lists that come in one message: an attendance report, a fair's badges, as CSV or as a workbook."""

import codecs
import csv
import io
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

from rung.capture.imports import sheets
from rung.capture.imports.sheets import Cell, Row, Sheet

_LARGEST_WORKBOOK: Final = 16 << 20
"""Bytes of a workbook when unpacked; whoever sends it waits for its reading, and so does a thread of the house."""


class NoList(ValueError):
    """What came is no list that can be read; the text says why."""


def is_workbook(body: bytes) -> bool:
    """Whether it begins as a workbook (XLSX) does, whatever its content type says."""
    return body.startswith(b"PK\x03\x04")


def rows(body: bytes, *, most: int) -> list[dict[str, str]]:
    """The lines of a list, each by the names of its columns in small letters. Raises NoList, also above `most`."""
    found = _of_workbook(body, most) if is_workbook(body) else _of_text(body)
    if len(found) > most:
        raise NoList(f"It names more than {most} people: import it as a file instead.")
    return found


def _of_text(body: bytes) -> list[dict[str, str]]:
    text = _text(body)
    lines = text.splitlines(keepends=True)
    try:
        dialect = ";" if lines and lines[0].count(";") > lines[0].count(",") else "\t" if "\t" in text[:500] else ","
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect)
        read = [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as fault:
        raise NoList(f"It is no CSV: {fault}.") from None
    head = _head(read)
    heads = [each.strip().lower() for each in read[head]] if read else []
    topic = _topic(read[:head])
    return [{**topic, **dict(zip(heads, row, strict=False))} for row in read[head + 1 :]]


def _text(body: bytes) -> str:
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # "Unicode text", as Excel saves it
        return body.decode("utf-16", "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def _head(read: Sequence[Sequence[str]]) -> int:
    """Which row names the columns: reports begin with some lines about themselves."""
    for number, row in enumerate(read[:30]):
        if any("mail" in cell.lower() and "@" not in cell for cell in row):
            return number
    return 0


def _topic(above: Sequence[Sequence[str]]) -> dict[str, str]:
    """What the report says above its list of what it is about: each line of it is about that."""
    for names, values in pairwise(above):
        for name, value in zip(names, values, strict=False):
            if name.strip().lower() == "topic" and value.strip():
                return {"topic": value.strip()}
    return {}


def _of_workbook(body: bytes, most: int) -> list[dict[str, str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            if sum(each.file_size for each in packed.infolist()) > _LARGEST_WORKBOOK:
                raise NoList("It unpacks to more than 16 MB: import it as a file instead.")
        with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
            file.write(body)
            file.flush()
            found = list(sheets.sheets(Path(file.name)))
            return _lines(next((each for each in found if _names_mail(each)), found[0]), most) if found else []
    except (zipfile.BadZipFile, sheets.Unreadable) as fault:
        raise NoList(f"It is no workbook that can be read: {fault}") from None


def _names_mail(sheet: Sheet) -> bool:
    return any("mail" in name.lower() for name in sheet.header)


def _lines(sheet: Sheet, most: int) -> list[dict[str, str]]:
    lines: list[dict[str, str]] = []
    for row in sheet.rows:
        if isinstance(row, Row):
            lines.append({name.strip().lower(): _said(value) for name, value in row.cells.items() if value is not None})
        if len(lines) > most:
            break
    return lines


def _said(value: Cell) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
