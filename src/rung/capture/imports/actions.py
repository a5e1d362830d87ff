"""Bringing files into the house, and taking what they brought out of account again."""

import hashlib
import json
from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO, Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from rung.access.actions import By, Refused, audited, name_of, require
from rung.capture.imports import foreseeing, guessing, histories
from rung.capture.imports.columns import WHY
from rung.capture.imports.firms import Firms
from rung.capture.imports.foreseeing import Foreseen
from rung.capture.imports.histories import NothingToRead, Report, Taken
from rung.capture.imports.mapping import Mapping
from rung.capture.imports.sheets import Unreadable
from rung.capture.imports.staging import Counted
from rung.capture.imports.translating import LeftOut, Told, translated
from rung.capture.models import ImportedFile
from rung.engine.files import inputs, reading
from rung.history.models import Event
from rung.lifecycle import exporting, published, undoing
from rung.lifecycle.many import bulk
from rung.lifecycle.models import Import
from rung.lifecycle.rules import OF_A_COMPANY, NewEvent, Refusal
from rung.people.queries import known_by, told_of
from rung.people.rules import Keys, keys_of
from rung.terms.instants import format_instant

MOST_REASONS: Final = 50
HISTORIES: Final = (".ndjson", ".jsonl", ".json", ".gz")


@dataclass(frozen=True, slots=True)
class Undone:
    """An import that counts no more."""

    number: int
    name: str
    people: int

    def as_json(self) -> dict[str, object]:
        return {"undone": self.number, "name": self.name, "people": self.people}

    def in_words(self) -> str:
        return f"Import {self.number} ({self.name}) counts no more; {self.people:,} people were decided again."


def run(
    paths: Sequence[Path],
    *,
    mapping: Mapping | None,
    kind: str | None,
    by: By,
    at: int,
    is_dry: bool = False,
    is_again: bool = False,
    advance: Callable[[int], object] = lambda _: None,
    progress: bulk.Progress | None = None,
    names: dict[Path, str] | None = None,
    what: str = "",
    goes_on: Import | None = None,
    began: Callable[[Import], object] = lambda _: None,
) -> Report:
    """Brings the files in as one import. Nothing follows from what they tell of the past: no mail, no task.

    An import that was cut short goes on where it stopped when the same files come again. Raises Refused when one of
    the files was brought in before, and NothingToRead when none of them can be. `names`: what files that lie under a
    name of ours are called; `what`: the kind of table, as the list of imports shows it. `goes_on`: the very import
    that was cut short, where the caller knows it, as `began` was told it.
    """
    require(by, "import")
    files = histories.files(paths)
    if not files:
        raise NothingToRead("There is no table in the folder.")
    prints = {path: _print_of(path) for path in files}
    found = goes_on or _cut_short(prints)
    if not is_again and found is None:
        _refuse_known(prints)
    report, places = Report(taken=[], is_dry=is_dry), Places()
    events = partial(_events, files, mapping, kind, report=report, places=places, advance=advance)
    if is_dry:
        for _ in events(at, source=""):
            pass
        return report
    found = found or _begun(prints, what or kind or "", names or {}, by=by, at=at)
    began(found)
    try:
        # Traits without a time of their own are of the time at which the import began, however often it began anew.
        told = events(found.created_at, source=f"import:{found.pk}")
        _load(told, found, report, places, by=by, at=at, progress=progress or _nobody)
    except (NothingToRead, Unreadable):
        _take_back(found, by=by, at=at)
        raise
    return report


def _load(
    events: Iterator[NewEvent], found: Import, report: Report, places: "Places", *, by: By, at: int,
    progress: bulk.Progress,
) -> None:  # fmt: skip
    """Records the events, decides everybody they touch, and counts what came of it."""
    source = f"import:{found.pk}"
    before = Event.objects.filter(source=source).exclude(by="system").count()

    def refuse(refusal: Refusal) -> None:
        taken, line = places.of(refusal.index, report)
        taken.leave_out(LeftOut(line, refusal.reason))
        taken.lines -= 1

    loaded = bulk.load(
        events, by=by, at=at, resumed=source if before else "", total=bulk.MANY, deciding=progress,
        refuse=refuse, progress=lambda done, _: places.forget(done),
    )  # fmt: skip
    report.number, report.people = found.pk, loaded.people
    report.accepted, report.duplicates = loaded.accepted + before, loaded.duplicates - before
    report.refused_file = histories.write_left_out(report.taken, refused_file(found.pk))
    # Its counts come last: an import that has them came to its end.
    found.rows = sum(taken.rows for taken in report.taken)
    found.accepted, found.duplicates = report.accepted, report.duplicates
    found.refused = sum(taken.refused for taken in report.taken)
    found.save(update_fields=["rows", "accepted", "duplicates", "refused"])


def _nobody(done: int, people: int) -> None:
    """For whoever asks for no progress."""


def _take_back(found: Import, *, by: By, at: int) -> None:
    """What cannot be read to its end leaves nothing: neither half of it nor an import without events."""
    if Event.objects.filter(source=f"import:{found.pk}").exists():
        undoing.undo_import(number=found.pk, by=by, at=at)
    else:
        found.delete()


def undo(*, number: int, by: By, at: int, progress: bulk.Progress | None = None) -> Undone:
    """Takes an import out of account; everybody it touched is decided as if it had never been. Raises Refused."""
    found = Import.objects.filter(pk=number).first()
    if found is None:
        raise Refused(f"There is no import {number}.")
    people = undoing.undo_import(number=number, by=by, at=at, progress=progress)
    return Undone(number, found.name, people)


def _print_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def foresee(
    path: Path,
    mapping: Mapping,
    *,
    by: By,
    at: int,
    advance: Callable[[int], object] = lambda _: None,
    counted: Counted | None = None,
) -> Foreseen:
    """What bringing the file in would do; `counted` counts the stages of another program. Writes nothing. Raises
    NothingToRead and Unreadable."""
    require(by, "import")
    report, places = Report(taken=[], is_dry=True), Places()
    events = _events([path], mapping, None, at, source="", report=report, places=places, advance=advance)

    def refuse(index: int, reason: str) -> None:
        taken, line = places.of(index, report)
        taken.leave_out(LeftOut(line, reason))

    found = foreseeing.foresee(events, refuse, places.forget, counted)
    found.rows = sum(taken.rows for taken in report.taken)
    found.refused = sum(taken.refused for taken in report.taken)
    found.cells_left_out = sum(taken.cells_left_out for taken in report.taken)
    left_out = sorted((each.line, each.reason) for taken in report.taken for each in taken.left_out)
    found.reasons = left_out[:MOST_REASONS]
    return found


def refused_file(number: int) -> Path:
    """Where what an import left out is written, line by line."""
    return Path(settings.RUNG_HOME) / "imports" / f"import-{number}-refused.ndjson"


def refused_as_csv(number: int, to: IO[bytes]) -> None:
    """What an import left out as a CSV, harmless to spreadsheets."""
    rows = (
        {"line": each["line"], "what": "row" if each["whole_line"] else "cell", "reason": each["reason"]}
        for each in _told_left_out(number)
    )
    exporting.write_csv(to, ("line", "what", "reason"), rows)


def rows_to_correct_as_csv(number: int, to: IO[bytes]) -> None:
    """The rows that an import left out, with their own columns and the reason last: to be corrected and brought in
    again. Rows that could not be read as such are not among them."""
    told = [each for each in _told_left_out(number) if each.get("cells")]
    names = dict.fromkeys(name for each in told for name in each["cells"])
    rows = ({**dict.fromkeys(names), **each["cells"], WHY: f"line {each['line']}: {each['reason']}"} for each in told)
    exporting.write_csv(to, (*names, WHY), rows)


def has_rows_to_correct(number: int) -> bool:
    """Whether there is any such row."""
    return any(each.get("cells") for each in _told_left_out(number))


def _told_left_out(number: int) -> Iterator[dict[str, Any]]:
    path = refused_file(number)
    if path.is_file():
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _begun(prints: dict[Path, str], what: str, names: dict[Path, str], *, by: By, at: int) -> Import:
    called = {path: names.get(path, path.name)[:254] for path in prints}
    with transaction.atomic():
        found = Import.objects.create(
            name=", ".join(called.values())[:254], kind=what, created_at=at, created_by=name_of(by)
        )
        ImportedFile.objects.bulk_create(
            [ImportedFile(of=found, name=called[path], sha256=print_) for path, print_ in prints.items()]
        )
        audited(by=by, verb="import", object=f"import {found.pk}", data={"name": found.name}, at=at)
    return found


def _cut_short(prints: dict[Path, str]) -> Import | None:
    """The import of exactly these files that never came to its end: nothing was counted yet."""
    begun = Import.objects.filter(rows=0, undone_at=None, files__sha256__in=prints.values()).distinct().order_by("-pk")
    for found in begun:
        if sorted(found.files.values_list("sha256", flat=True)) == sorted(prints.values()):
            return found
    return None


@dataclass(slots=True)
class Places:
    """Where each event came from, the table by its turn and the line, until its chunk is through."""

    first: int = 0
    tables: "array[int]" = field(default_factory=lambda: array("q"))
    lines: "array[int]" = field(default_factory=lambda: array("q"))

    def note(self, table: int, line: int) -> None:
        self.tables.append(table)
        self.lines.append(line)

    def of(self, index: int, report: Report) -> tuple[Taken, int]:
        return report.taken[self.tables[index - self.first]], self.lines[index - self.first]

    def forget(self, before: int) -> None:
        """Nobody asks any more for what came before the index."""
        del self.tables[: before - self.first], self.lines[: before - self.first]
        self.first = before


def _refuse_known(prints: dict[Path, str]) -> None:
    known = ImportedFile.objects.filter(sha256__in=prints.values(), of__undone_at=None).select_related("of").first()
    if known is not None:
        number, day = known.of.pk, format_instant(known.of.created_at)[:10]
        raise Refused(
            f"{known.name} was brought in before, as import {number} on {day}: "
            f"undo that first (rung undo-import {number}), or say --again."
        )


def _events(
    files: Sequence[Path],
    mapping: Mapping | None,
    kind: str | None,
    at: int,
    source: str,
    *,
    report: Report,
    places: Places,
    advance: Callable[[int], object],
) -> Iterator[NewEvent]:
    """Every event of the files; `places` notes for each where it came from."""
    for path in files:
        parts = (
            _of_history(path, report, source)
            if _is_history(path, kind)
            else _of_tables(path, mapping, kind, at, report, source)
        )
        for taken, line, event in parts:
            places.note(len(report.taken) - 1, line)
            taken.lines += 1
            if taken.lines % 500 == 0:
                advance(500)
            yield event
    if not any(taken.rows or taken.mapped_as is None for taken in report.taken):
        raise NothingToRead("There is no row below the names of the columns.")
    if all(taken.mapped_as is None for taken in report.taken):
        raise NothingToRead(
            "None of the tables has columns that say who it is about: write a mapping (docs/imports.md)."
        )


def _is_history(path: Path, kind: str | None) -> bool:
    return path.suffix.lower() in HISTORIES or (kind == "events" and path.suffix.lower() not in histories.SUFFIXES)


Part = tuple[Taken, int, NewEvent]


def _of_history(path: Path, report: Report, source: str) -> Iterator[Part]:
    taken = Taken(path.name, "events")
    report.taken.append(taken)
    with inputs.opened(path) as stream:
        for told in reading.told_events(stream):
            taken.rows += 1
            if isinstance(told, reading.Refused):
                taken.leave_out(LeftOut(told.line, told.reason))
            else:
                # The same line has the same id whenever it comes, so that an import can go on after it was cut short.
                id_ = told.id or f"{path.name[-150:]}:{told.line}"
                yield taken, told.line, _new(told, source, id_, by=told.by)


def _of_tables(
    path: Path, mapping: Mapping | None, kind: str | None, at: int, report: Report, source: str
) -> Iterator[Part]:
    zone = ZoneInfo(published.playbook().calendar.timezone)
    firms = Firms(partial(told_of, but_by=source), partial(told_of, but_by=source, kind=OF_A_COMPANY))
    for sheet, table in histories.tables([path], mapping, kind, zone):
        taken = Taken(sheet.name, table.name if table else None)
        report.taken.append(taken)
        if table is None:
            if mapping is not None:
                name = sheet.name.removeprefix(f"{path.name}, ")
                taken.leave_out(LeftOut(1, f"{name} has other columns: it was not read"))
            continue
        rows = histories.counted(sheet, taken)
        prefix = histories.prefix_of(sheet)
        for told in translated(rows, table, prefix=prefix, now=at, firms=firms, known_as=addresses_of_ids):
            if isinstance(told, LeftOut):
                taken.leave_out(told)
            else:
                fills_only = table.fills_only or (table.is_beside and told.kind == "person_described")
                event = _new(told, source, told.id, by=told.by, fills_only=fills_only)
                yield taken, told.line, replace(event, is_company_guessed=True) if told.is_company_guessed else event


def addresses_of_ids(ids: Collection[str]) -> dict[str, str]:
    """The addresses of those who had these ids in the program before, each if an import told it of exactly one."""
    return known_by(ids, guessing.KEYS)


def _new(
    told: Told | reading.ToldEvent, source: str, id_: str, *, by: str | None = None, fills_only: bool = False
) -> NewEvent:
    return NewEvent(
        kind=told.kind,
        keys=keys_of(told.person) if told.person is not None else Keys(),
        data=told.data,
        company=told.company,
        at=told.at,
        source=source,
        message_id=id_,
        by=by,
        door="import",
        fills_only=fills_only,
    )
