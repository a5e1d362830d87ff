"""Taking data out: people, companies, events, and the whole history as `rung decide` reads it."""

import contextlib
import csv
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from rung.access.actions import By, audited, require
from rung.history.models import Event
from rung.history.queries import counted
from rung.lifecycle import archiving, segments
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.generations import ensure_playbook
from rung.lifecycle.models import Standing
from rung.people.models import Alias, Company, CompanyTrait, Identity, Person, Trait
from rung.playbook.conditions import Condition, Scope, parse
from rung.terms.instants import format_instant, moment

WHAT: Final = ("people", "companies", "events", "history")
FORMATS: Final = ("csv", "xlsx", "ndjson", "parquet")
MOST_TRAIT_COLUMNS: Final = 300
MOST_XLSX_ROWS: Final = 1_048_575
_CHUNK: Final = 2_000
_BEGINS_A_FORMULA: Final = re.compile(r"[=+\-@\t\r]")
_IS_A_NUMBER: Final = re.compile(r"[+-][\d ()./-]*\Z", re.ASCII)


Row = Mapping[str, Any]


class NothingToExport(ValueError):
    """What was asked for cannot be written so; the text says what can."""


def export(
    *,
    what: str,
    where: str | None,
    format: str,
    to: BinaryIO,
    by: By,
    at: int,
    people: Sequence[int] | None = None,
) -> int:
    """Writes the rows, of these people only where they are named, and returns how many there are.

    Raises ConditionError for a condition that is none, NoColumn for a fact that no list can ask for, NothingToExport
    where the format cannot hold them, NotAllowed.
    """
    require(by, "export")
    with transaction.atomic():
        line = ensure_playbook(at=at)
        chosen = None
        if where:
            signals = tuple(signal.name for signal in line.playbook.signals)
            chosen = _people_where(parse(where, Scope(place="filter", signals=signals)), line, at)
        if people is not None:
            everybody = Standing.objects.filter(generation_id=line.generation_id, line=line.name)
            chosen = (chosen if chosen is not None else everybody).filter(person_id__in=people)
        columns, rows = _SOURCES[what](line, chosen)
        # Text from outside must not become a formula on whoever opens the file; a history is read by programs.
        is_for_people = what != "history" and format in ("csv", "xlsx")
        written = _WRITERS[format](to, columns, map(_harmless, rows) if is_for_people else rows)
        audited(by=by, verb="exported", object=what, data=_asked(where, people, written), at=at)
    return written


def export_segments(*, where: str | None, to: Path, by: By, at: int, progress: archiving.Progress | None = None) -> int:
    """Writes the history as Parquet segments into the folder, or adds what has happened since; returns how many events
    that were. Raises NothingToExport with `where`, or where the folder holds something else, NotAllowed."""
    require(by, "export")
    if where:
        raise NothingToExport("Segments hold a history whole: leave --where out, or choose --format ndjson.")
    if to.exists() and (not to.is_dir() or (any(to.iterdir()) and not (to / archiving.MANIFEST).is_file())):
        raise NothingToExport(f"{to} is no folder of a history: name a new one, or an empty one.")
    written = archiving.export(to, progress=progress)
    with transaction.atomic():
        audited(by=by, verb="exported", object="history", data={"where": "", "rows": written}, at=at)
    return written


def _asked(where: str | None, people: Sequence[int] | None, written: int) -> dict[str, object]:
    named = {} if people is None else {"people": list(people)[:100]}
    return {"where": where or "", "rows": written, **named}


def format_of(path: Path | None) -> str | None:
    """The format that a file's name asks for."""
    ending = path.suffix.lower().lstrip(".") if path is not None else ""
    return {"jsonl": "ndjson"}.get(ending, ending if ending in FORMATS else None)


@contextlib.contextmanager
def target(path: Path | None) -> Iterator[BinaryIO]:
    """The file, which is there only when all of it was written; or standard output."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


# What is in it

_Source = tuple[Sequence[str], Iterator[Row]]


def _people_where(condition: Condition, line: Line, at: int) -> "QuerySet[Standing]":
    standings = Standing.objects.filter(generation_id=line.generation_id, line=line.name)
    return segments.holding(standings, condition, generation_id=line.generation_id, at=at)


_PERSON: Final = ("id", "your_id", "name", "email", "phone", "title", "country", "company", "source", "owner")
_STANDING: Final = ("stage", "status", "lap", "score", "fit", "engagement", "temperature", "since", "scored_at")


def _people(line: Line, chosen: "QuerySet[Standing] | None") -> _Source:
    standings = chosen if chosen is not None else Standing.objects.filter(generation_id=line.generation_id)
    standings = standings.filter(person__is_merged=False).select_related("person__company", "owner")
    standings = standings.prefetch_related(
        Prefetch("person__identities", Identity.objects.filter(kind="user_id").order_by("pk"))
    )
    fields = _fields(Trait)
    return [*_PERSON, *_STANDING, *(f"traits.{field}" for field in fields)], (
        _person(standing, fields) for standing in standings.order_by("person_id").iterator(chunk_size=_CHUNK)
    )


def _person(standing: Standing, fields: Sequence[str]) -> Row:
    person = standing.person
    return {
        "id": str(person.uuid),
        "your_id": "; ".join(identity.value for identity in person.identities.all()),
        **{name: getattr(person, name) for name in ("name", "email", "phone", "title", "country", "source")},
        "company": person.company.key if person.company else "",
        "owner": standing.owner.email if standing.owner else "",
        **{name: getattr(standing, name) for name in ("stage", "status", "lap", "temperature")},
        **{name: round(getattr(standing, name), 2) for name in ("score", "fit", "engagement")},
        "since": format_instant(standing.since),
        "scored_at": format_instant(standing.scored_at),
        **{f"traits.{field}": person.traits.get(field) for field in fields},
    }


def _companies(line: Line, chosen: "QuerySet[Standing] | None") -> _Source:
    # The condition speaks of the standings' own table, so it cannot stand inside another question: ids are asked first.
    ids = None if chosen is None else set(chosen.filter(company__isnull=False).values_list("company_id", flat=True))
    fields = _fields(CompanyTrait)
    columns = ["id", "key", "name", "domain", "first_seen_at", *(f"traits.{field}" for field in fields)]
    return columns, (
        {
            "id": str(company.uuid),
            **{name: getattr(company, name) for name in ("key", "name", "domain")},
            "first_seen_at": format_instant(company.first_seen_at),
            **{f"traits.{field}": company.traits.get(field) for field in fields},
        }
        for company in Company.objects.order_by("pk").iterator(chunk_size=_CHUNK)
        if ids is None or company.pk in ids
    )


def _fields(traits: type[Trait] | type[CompanyTrait]) -> list[str]:
    return list(traits.objects.order_by("field").values_list("field", flat=True).distinct()[:MOST_TRAIT_COLUMNS])


_HISTORY: Final = (
    "seq", "person", "at", "kind", "data", "id", "company", "source", "by", "occurred_at", "sent_at", "received_at",
)  # fmt: skip


def _events(line: Line, chosen: "QuerySet[Standing] | None") -> _Source:
    """The events that count, of the chosen people, under the ids of those who live on."""
    if chosen is None:
        return _HISTORY, _lines(counted())
    return _HISTORY, _lines(counted(), of=_with_merged(chosen))


def _with_merged(chosen: "QuerySet[Standing]") -> set[int | None]:
    ids: set[int | None] = set(chosen.values_list("person_id", flat=True))
    return ids | {old for old, living in Alias.objects.values_list("old_id", "living_id") if living in ids}


def _history(line: Line, chosen: "QuerySet[Standing] | None") -> _Source:
    """Every event as it arrived, corrections and corrected alike: the log's exact columns.

    Of the chosen people theirs, and all that is nobody's: what companies were told to be, and corrections.
    """
    if chosen is None:
        return _HISTORY, _lines(Event.objects.all())
    return _HISTORY, _lines(Event.objects.all(), of={*_with_merged(chosen), None})


def _lines(events: "QuerySet[Event]", of: set[int | None] | None = None) -> Iterator[Row]:
    chunk: list[Event] = []
    for event in events.order_by("seq").iterator(chunk_size=_CHUNK):
        if of is not None and event.person_id not in of:
            continue
        chunk.append(event)
        if len(chunk) == _CHUNK:
            yield from _told(chunk)
            chunk = []
    yield from _told(chunk)


def _told(events: Sequence[Event]) -> Iterator[Row]:
    people = dict(Person.objects.filter(pk__in={event.person_id for event in events}).values_list("pk", "uuid"))
    companies = dict(Company.objects.filter(pk__in={event.company_id for event in events}).values_list("pk", "key"))
    for event in events:
        yield {
            "seq": event.seq,
            "person": _name_outside(event.person_id, people),
            "at": _exact(event.at),
            "kind": event.kind,
            "data": event.data,
            "id": event.message_id,
            "company": companies.get(event.company_id) if event.company_id is not None else None,
            "source": event.source,
            "by": event.by or None,
            "occurred_at": _exact(event.occurred_at),
            "sent_at": _exact(event.sent_at),
            "received_at": _exact(event.received_at),
        }


def _name_outside(person_id: int | None, people: Mapping[int, UUID]) -> str | None:
    """Their id outside; whoever came with an import that was undone is gone, and named by their number in the log."""
    if person_id is None:
        return None
    return str(people.get(person_id, f"undone:{person_id}"))


def _exact(at: int | None) -> str | None:
    """With all its digits, so that reading it back gives the same instant."""
    return None if at is None else moment(at).isoformat().replace("+00:00", "Z")


_SOURCES: Final = {"people": _people, "companies": _companies, "events": _events, "history": _history}


# How it is written


def write_csv(to: BinaryIO, columns: Sequence[str], rows: Iterator[Row]) -> int:
    """Rows as a CSV in which nothing is a formula; returns how many."""
    return _csv(to, columns, (_harmless(row) for row in rows))


def _harmless(row: Row) -> Row:
    return {name: _neutral(value) for name, value in row.items()}


def _neutral(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula, with the quote that makes it text. Phone numbers stay."""
    if isinstance(value, str) and _BEGINS_A_FORMULA.match(value) and not _IS_A_NUMBER.match(value):
        return f"'{value}"
    return value


def _flat(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return _neutral("; ".join(value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


def _csv(to: BinaryIO, columns: Sequence[str], rows: Iterator[Row]) -> int:
    text = io.TextIOWrapper(to, encoding="utf-8", newline="", write_through=True)
    writer, count = csv.writer(text), 0
    writer.writerow(_neutral(column) for column in columns)
    for count, row in enumerate(rows, 1):  # noqa: B007 - how many there were
        writer.writerow(_flat(row[column]) for column in columns)
    text.detach()
    return count


def _ndjson(to: BinaryIO, columns: Sequence[str], rows: Iterator[Row]) -> int:
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 - how many there were
        told = {column: row[column] for column in columns if row[column] is not None}
        to.write(json.dumps(told, ensure_ascii=False).encode() + b"\n")
    return count


def _xlsx(to: BinaryIO, columns: Sequence[str], rows: Iterator[Row]) -> int:
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(to, {**options, "strings_to_numbers": False}) as book:
        sheet, count = book.add_worksheet("Rung"), 0
        for place, column in enumerate(columns):
            sheet.write_string(0, place, _neutral(column))
        for count, row in enumerate(rows, 1):
            if count > MOST_XLSX_ROWS:
                raise NothingToExport(f"A sheet holds {MOST_XLSX_ROWS:,} rows: choose --format csv.")
            for place, column in enumerate(columns):
                _cell(sheet, count, place, _flat(row[column]))
    return count


def _cell(sheet: Any, row: int, place: int, value: Any) -> None:
    if isinstance(value, str):
        sheet.write_string(row, place, value[:32_767])
    elif value is not None:
        sheet.write_number(row, place, value)


def _parquet(to: BinaryIO, columns: Sequence[str], rows: Iterator[Row]) -> int:
    """Numbers stay numbers where a column has nothing else; all else is text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {name: pa.float64() for name in ("score", "fit", "engagement")} | {
        name: pa.int64() for name in ("seq", "lap")
    }
    schema = pa.schema([(column, types.get(column, pa.string())) for column in columns])
    count = 0
    with pq.ParquetWriter(to, schema) as writer:
        for part in _parts(rows):
            arrays = [
                pa.array([_typed(row[column], column in types) for row in part], schema.field(column).type)
                for column in columns
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(part)
    return count


def _typed(value: Any, is_number: bool) -> Any:
    if is_number or value is None:
        return value
    return str(_flat(value))


def _parts(rows: Iterator[Row]) -> Iterator[list[Row]]:
    part: list[Row] = []
    for row in rows:
        part.append(row)
        if len(part) == 10_000:
            yield part
            part = []
    if part:
        yield part


_WRITERS: Final = {"csv": _csv, "xlsx": _xlsx, "ndjson": _ndjson, "parquet": _parquet}
