"""A table from somebody's desk into the house: taken in, looked at, tried, imported by the worker, undone."""

import hashlib
import secrets
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F

from rung.access.actions import Refused, audited, require
from rung.access.models import User
from rung.capture.imports import actions as imports
from rung.capture.imports import columns, guessing, making, sheets, staging
from rung.capture.imports.columns import Choices
from rung.capture.imports.histories import NothingToRead
from rung.capture.imports.mapping import Mapping as TablesMapping
from rung.capture.models import ImportedFile, LearnedMapping, Upload
from rung.jobs.actions import enqueue, try_again
from rung.jobs.models import Outbox
from rung.lifecycle import published
from rung.lifecycle.models import Import
from rung.terms.instants import DAY, format_instant

TRY: Final = "try import"
RUN: Final = "run import"
UNDO: Final = "undo import"

MOST_BYTES: Final = 256 << 20
SUFFIXES: Final = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm")
_SHOWN: Final = 6
_LOOKED_AT: Final = 200
_KEPT: Final = 7 * DAY
"""How long a file lies that nobody imported."""


def receive(*, name: str, size: int, chunks: Iterable[bytes], kind: str, by: User, at: int) -> Upload:
    """Takes a table in and guesses what its columns mean. Raises Refused, and keeps nothing then."""
    require(by, "import")
    name = _plain_name(name)
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise Refused(f"{name} is no table we read: save it as CSV or XLSX.")
    if size > MOST_BYTES:
        raise Refused(f"{name} is larger than {MOST_BYTES >> 20} MB: part it, or use rung import on the machine.")
    if kind and kind not in columns.KINDS:
        raise Refused("There is no such kind of table.")
    path = _folder() / f"{secrets.token_hex(16)}{suffix}"
    try:
        digest = _written(path, chunks)
        tables = _tables(path)
    except sheets.Unreadable as fault:
        path.unlink(missing_ok=True)
        raise Refused(f"{str(fault).replace(path.name, name)[:300]}.") from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    header, rows = max(tables, key=lambda table: _understood(table.header, kind, table.rows))[1:]
    choices = _guess(header, kind or columns.kind_of(header), rows)
    with transaction.atomic():
        made = Upload.objects.create(
            uuid=uuid.uuid4(), name=name, stored_as=path.name, size=size, sha256=digest, header=header,
            tables=[{"tab": table.tab, "header": table.header} for table in tables] if len(tables) > 1 else [],
            sample=_sample(header, rows),
            choices=choices.as_json(), asked_by=by, created_at=at,
        )  # fmt: skip
        audited(by=by, verb="uploaded table", object=f"upload {made.uuid}", data={"name": name, "size": size}, at=at)
    return made


def _sample(header: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The first rows, and of a column that is empty in them the first value that there is."""
    first = [{column: _said(row.get(column)) for column in header} for row in rows[:_SHOWN]]
    empty = (column for column in header if not any(row[column] for row in first))
    further = ((column, next(filter(None, (_said(row.get(column)) for row in rows)), "")) for column in empty)
    return [*first, *({column: value} for column, value in further if value)]


def as_kind(*, upload: Upload, kind: str, by: User, at: int) -> None:
    """Guesses anew what the columns mean, for a table of another kind."""
    require(by, "import")
    _open(upload)
    if kind not in columns.KINDS:
        raise Refused("There is no such kind of table.")
    rows = _rows_of(upload)
    # Asked again for the kind it has, it forgets for this file what somebody once said.
    known = _learned(upload.header, kind) if kind != upload.choices["kind"] else None
    choices = known or _guessed(upload.header, kind, rows)
    upload.choices, upload.state = choices.as_json(), "mapping"
    upload.save(update_fields=["choices", "state"])


def as_table(*, upload: Upload, place: int, by: User, at: int) -> None:
    """Another table of the workbook is meant: its columns are guessed."""
    require(by, "import")
    _open(upload)
    if not 0 <= place < len(upload.tables):
        raise Refused("There is no such sheet.")
    upload.header = upload.tables[place]["header"]
    rows, kind = _rows_of(upload), columns.kind_of(upload.header)
    upload.choices, upload.state = _guess(upload.header, kind, rows).as_json(), "mapping"
    upload.sample = _sample(upload.header, rows)
    upload.save(update_fields=["header", "choices", "state", "sample"])


def choose(*, upload: Upload, choices: Choices, by: User, at: int) -> None:
    """Keeps what the columns mean, learns it for the next file of this header, and has the import tried."""
    require(by, "import")
    _open(upload)
    if told := columns.faults(choices):
        raise Refused(" ".join(told))
    with transaction.atomic():
        _learn(upload, choices, by=by, at=at)
        Upload.objects.filter(pk=upload.pk).update(
            choices=choices.as_json(), state="trying", error="", rows_done=0, foreseen={}
        )
        audited(by=by, verb="said what columns mean", object=f"upload {upload.uuid}", data=choices.as_json(), at=at)
        enqueue(kind=TRY, key=f"{TRY} {upload.uuid} {at}", payload={"upload": upload.pk}, at=at)


def begin(*, upload: Upload, is_again: bool, by: User, at: int) -> None:
    """Has the worker import it, or go on with what it gave up. Raises Refused where it was brought in before and nobody
    says `is_again`."""
    require(by, "import")
    with transaction.atomic():
        upload = Upload.objects.select_for_update().get(pk=upload.pk)
        if stopped := given_up(upload):
            audited(
                by=by, verb="went on with import", object=f"upload {upload.uuid}", data={"name": upload.name}, at=at
            )
            try_again(row_id=stopped.pk, at=at)
            return
        if upload.state != "tried":
            raise Refused("It is not ready: what the columns mean has to be tried first.")
        known = before(upload)
        if known is not None and not is_again:
            raise Refused(
                f"{known.name} was brought in before, as import {known.of_id}: "
                "undo that first, or say that you mean it."
            )
        upload.state, upload.is_again, upload.rows_done, upload.decided = "running", is_again, 0, 0
        upload.save(update_fields=["state", "is_again", "rows_done", "decided"])
        audited(by=by, verb="began import", object=f"upload {upload.uuid}", data={"name": upload.name}, at=at)
        enqueue(kind=RUN, key=f"{RUN} {upload.uuid} {at}", payload={"upload": upload.pk}, at=at)


def forget(*, upload: Upload, by: User, at: int) -> None:
    """Throws an upload away that was not imported, with its file."""
    require(by, "import")
    if upload.state == "done" or upload.brought_id is not None or (upload.state == "running" and not given_up(upload)):
        raise Refused("It is imported, or being imported: undo it instead.")
    with transaction.atomic():
        audited(by=by, verb="threw upload away", object=f"upload {upload.uuid}", data={"name": upload.name}, at=at)
        upload.delete()
    path_of(upload).unlink(missing_ok=True)


def ask_undo(*, number: int, by: User, at: int) -> None:
    """Has the worker undo an import. Raises Refused."""
    require(by, "undo import")
    found = Import.objects.filter(pk=number).first()
    if found is None:
        raise Refused(f"There is no import {number}.")
    if found.undone_at is not None:
        raise Refused(f"Import {number} was undone before.")
    coming = Upload.objects.filter(brought=found, state="running").first()
    if coming is not None and not given_up(coming):
        raise Refused("It is still being imported: wait until it is done, then undo it.")
    if is_being_undone(number):
        raise Refused("It is being undone already.")
    enqueue(kind=UNDO, key=f"{UNDO} {number} {at}", payload={"number": number, "by": by.pk}, at=at)


def given_up(upload: Upload) -> Outbox | None:
    """What the worker gave up of it: it was killed over it too often, or it went wrong again and again."""
    kind = {"trying": TRY, "running": RUN}.get(upload.state)
    row = Outbox.objects.filter(kind=kind, payload__upload=upload.pk).order_by("-pk").first() if kind else None
    return row if row is not None and row.failed_at is not None else None


def is_undoing_given_up(number: int) -> bool:
    """Whether the worker was asked to undo it, and gave up."""
    row = Outbox.objects.filter(kind=UNDO, payload__number=number).order_by("-pk").first()
    return row is not None and row.failed_at is not None


def is_being_undone(number: int) -> bool:
    """Whether the worker has been asked to undo it and is not done."""
    return number in being_undone()


def being_undone() -> set[int]:
    """The numbers of the imports that the worker is to undo."""
    rows = Outbox.objects.filter(kind=UNDO, done_at__isnull=True, failed_at__isnull=True)
    return {int(payload["number"]) for payload in rows.values_list("payload", flat=True)}


def try_asked(payload: Mapping[str, Any], at: int) -> None:
    """The worker's part: says what would come of it."""
    upload = Upload.objects.filter(pk=payload["upload"], state="trying").first()
    if upload is None:
        return
    try:
        Upload.objects.filter(pk=upload.pk).update(rows_done=0)
        found = imports.foresee(
            path_of(upload), _mapping(upload), by=upload.asked_by, at=at, advance=_progress(upload),
            counted=staging.Counted(staging.trait_of(choices_of(upload))),
        )  # fmt: skip
    except (NothingToRead, sheets.Unreadable, Refused) as refusal:
        _failed(upload, refusal)
    else:
        Upload.objects.filter(pk=upload.pk).update(state="tried", foreseen=found.as_json())


def run_asked(payload: Mapping[str, Any], at: int) -> None:
    """The worker's part: imports it; when it was killed over it, it goes on where it stopped."""
    upload = Upload.objects.select_related("brought").filter(pk=payload["upload"], state="running").first()
    if upload is None:
        return
    if upload.brought is None or not upload.brought.rows:
        try:
            _bring(upload, at)
        except (NothingToRead, sheets.Unreadable, Refused) as refusal:
            _failed(upload, refusal)
            return
    Upload.objects.filter(pk=upload.pk).update(state="done")
    path_of(upload).unlink(missing_ok=True)


def _bring(upload: Upload, at: int) -> None:
    row = Upload.objects.filter(pk=upload.pk)
    row.update(rows_done=0, decided=0)
    imports.run(
        [path_of(upload)], mapping=_mapping(upload), kind=None, by=upload.asked_by, at=at,
        is_again=upload.is_again, names={path_of(upload): upload.name}, what=upload.choices["kind"],
        goes_on=upload.brought, began=lambda found: row.update(brought=found),
        advance=_progress(upload), progress=lambda done, _: row.update(decided=done),
    )  # fmt: skip


def undo_asked(payload: Mapping[str, Any], at: int) -> None:
    """The worker's part. Done twice it does no harm."""
    number = int(payload["number"])
    if not Import.objects.filter(pk=number, undone_at__isnull=False).exists():
        imports.undo(number=number, by=User.objects.get(pk=payload["by"]), at=at)


def forget_old(at: int) -> None:
    """Throws away what nobody imported for a week."""
    for upload in Upload.objects.filter(created_at__lt=at - _KEPT).exclude(state__in=("running", "done")):
        upload.delete()
        path_of(upload).unlink(missing_ok=True)


def before(upload: Upload) -> ImportedFile | None:
    """The import that brought the same file, unless it was undone or never came to its end."""
    known = ImportedFile.objects.filter(sha256=upload.sha256, of__undone_at=None).exclude(of__rows=0)
    return known.select_related("of").first()


def choices_of(upload: Upload) -> Choices:
    """What its columns mean."""
    return columns.from_json(upload.choices)


def path_of(upload: Upload) -> Path:
    """Where its file lies."""
    return _folder() / Path(upload.stored_as).name


def _open(upload: Upload) -> None:
    if upload.state in ("running", "done"):
        raise Refused("It is imported, or being imported: what its columns mean cannot be changed any more.")


def _mapping(upload: Upload) -> TablesMapping:
    return TablesMapping("", ZoneInfo("UTC"), (making.table_of(choices_of(upload)),))


def _progress(upload: Upload) -> Any:
    def advance(rows: int) -> None:
        Upload.objects.filter(pk=upload.pk).update(rows_done=F("rows_done") + rows)

    return advance


def _failed(upload: Upload, refusal: Exception) -> None:
    words = str(refusal).replace(upload.stored_as, upload.name)
    Upload.objects.filter(pk=upload.pk).update(state="failed", error=words[:1000])


def _learn(upload: Upload, choices: Choices, *, by: User, at: int) -> None:
    """Keeps what somebody corrected. A guess that nobody changed is no correction: it would outlive a better one. Where
    a list was bought, and whether stages become deals, is said of each file anew."""
    key = _print(upload.header, choices.kind)
    kept = replace(choices, source="", basis="", proof="", stages="", since="", learned_by="")
    if kept == _guessed(upload.header, choices.kind, _rows_of(upload)):
        LearnedMapping.objects.filter(print=key).delete()
        return
    told = {"choices": kept.as_json(), "learned_by": by.email, "learned_at": at}
    LearnedMapping.objects.update_or_create(print=key, defaults=told)


def _guessed(header: Sequence[str], kind: str, rows: Sequence[Mapping[str, sheets.Cell]]) -> Choices:
    """The guess, with times read in the firm's own zone."""
    return columns.guessed(header, kind, rows, zone=published.playbook().calendar.timezone)


def _learned(header: Sequence[str], kind: str) -> Choices | None:
    known = LearnedMapping.objects.filter(print=_print(header, kind)).first()
    if known is None:
        return None
    found = columns.from_json(known.choices)
    by_slug = {guessing.slug(choice.column): choice for choice in found.columns}
    choices = tuple(replace(by_slug[guessing.slug(column)], column=column) for column in header)
    return replace(found, columns=choices, learned_by=f"{known.learned_by} on {format_instant(known.learned_at)[:10]}")


def _print(header: Sequence[str], kind: str) -> str:
    slugs = "\n".join([kind, *sorted(guessing.slug(column) for column in header)])
    return hashlib.sha256(slugs.encode()).hexdigest()


class _Table(NamedTuple):
    """A table as it is looked at: what the workbook calls it, its columns and its first rows."""

    tab: str
    header: list[str]
    rows: list[dict[str, sheets.Cell]]


def _each_table(path: Path) -> Iterator[_Table]:
    for sheet in sheets.sheets(path):
        if rows := list(islice(sheet.rows, _LOOKED_AT)):
            yield _Table(sheet.tab, list(sheet.header), [row.cells for row in rows if isinstance(row, sheets.Row)])


def _tables(path: Path) -> list[_Table]:
    """The tables of a file that have rows. Raises Unreadable where none has."""
    found = list(_each_table(path))
    if not found:
        raise sheets.Unreadable(f"{path.name} holds no row below the names of its columns")
    return found


def _rows_of(upload: Upload) -> list[dict[str, sheets.Cell]]:
    """The first rows of the table that is meant."""
    return next(table.rows for table in _each_table(path_of(upload)) if table.header == upload.header)


def _understood(header: Sequence[str], kind: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """How many columns say what they are: of several sheets the one that says most is probably meant."""
    guess = columns.guessed(header, kind or columns.kind_of(header), rows)
    return sum(choice.to not in (columns.OWN, columns.LEFT_OUT) for choice in guess.columns)


def _guess(header: Sequence[str], kind: str, rows: Sequence[Mapping[str, Any]]) -> Choices:
    return _learned(header, kind) or _guessed(header, kind, rows)


def _written(path: Path, chunks: Iterable[bytes]) -> str:
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > MOST_BYTES:
                raise Refused(f"It is larger than {MOST_BYTES >> 20} MB.")
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _folder() -> Path:
    folder = Path(settings.RUNG_HOME) / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _plain_name(name: str) -> str:
    """The last part of the name, without what no database keeps."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[-200:].encode("utf-8", "replace").decode() or "table.csv"


def _said(cell: sheets.Cell) -> str:
    if isinstance(cell, (datetime, date)):
        return cell.isoformat(sep=" ") if isinstance(cell, datetime) else cell.isoformat()
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return "" if cell is None else str(cell).replace("\x00", "").encode("utf-8", "replace").decode()[:200]


def touched(number: int) -> tuple[int, int]:
    """How many events and people undoing the import would touch."""
    from rung.history.models import Event

    found = Event.objects.filter(source=f"import:{number}").aggregate(
        events=Count("seq"), people=Count("person_id", distinct=True)
    )
    return found["events"], found["people"]
