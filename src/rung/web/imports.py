"""Imports: what was brought in, a table on its way in, what it would do, what it did, and taking it back."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from rung.access.actions import Refused
from rung.access.models import User
from rung.capture import dates, numbers
from rung.capture.imports import actions as imports
from rung.capture.imports import columns, staging, timing, uploads
from rung.capture.imports.columns import Choice, Choices
from rung.capture.models import Upload
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.lifecycle.models import Import
from rung.terms.instants import is_zone
from rung.terms.kinds import KINDS
from rung.ui import words
from rung.web import shell
from rung.web.asked import who_may, whole_number

A_PAGE: Final = 50
_STATES: Final = {
    "mapping": "to be looked at",
    "trying": "being tried",
    "tried": "ready to import",
    "running": "being imported",
    "failed": "could not be read",
}


@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """GET imports: what was brought in, and what is on its way."""
    return _list(request)


@require_POST
def received(request: HttpRequest) -> HttpResponse:
    """POST imports: a table (`file`) of a `kind`; leads to what its columns mean."""
    user = who_may("import", request)
    file = request.FILES.get("file")
    try:
        if file is None or not file.name:
            raise Refused("Choose a file first: a CSV or an XLSX.")
        made = uploads.receive(
            name=file.name, size=file.size or 0, chunks=file.chunks(), kind=request.POST.get("kind", ""),
            by=user, at=this_instant(),
        )  # fmt: skip
    except Refused as refusal:
        return _list(request, {"refusal": str(refusal)}, status=422)
    return redirect("import", made.uuid)


@require_GET
def one(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """GET imports/<uuid>: what its columns mean, what would come of it, or what came of it."""
    who_may("import", request)
    return _page(request, _found(uuid))


@require_POST
def mapping(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST imports/<uuid>/mapping: what the columns mean; the worker tries it. `act=kind|sheet` guesses anew."""
    user, found = who_may("import", request), _found(uuid)
    post = request.POST
    try:
        if post.get("act") == "kind":
            uploads.as_kind(upload=found, kind=post.get("kind", ""), by=user, at=this_instant())
        elif post.get("act") == "sheet":
            place = whole_number(post.get("sheet", ""))
            uploads.as_table(upload=found, place=-1 if place is None else place, by=user, at=this_instant())
        else:
            uploads.choose(upload=found, choices=_chosen(found, post), by=user, at=this_instant())
    except Refused as refusal:
        return _page(request, found, {"refusal": str(refusal)}, chosen=_chosen(found, post), status=422)
    return redirect("import", uuid)


@require_POST
def run(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST imports/<uuid>/run: the worker brings it in, or goes on with what it gave up."""
    user, found = who_may("import", request), _found(uuid)
    try:
        uploads.begin(upload=found, is_again=bool(request.POST.get("again")), by=user, at=this_instant())
    except Refused as refusal:
        return _page(request, found, {"refusal": str(refusal)}, status=409)
    return redirect("import", uuid)


@require_POST
def removal(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST imports/<uuid>/removal: throws away what was not imported."""
    user, found = who_may("import", request), _found(uuid)
    try:
        uploads.forget(upload=found, by=user, at=this_instant())
    except Refused as refusal:
        return _page(request, found, {"refusal": str(refusal)}, status=409)
    return redirect("imports")


@require_GET
def brought(request: HttpRequest, number: int) -> HttpResponse:
    """GET imports/<number>: an import that came in, from here or by a command."""
    who_may("import", request)
    return _done_page(request, _import(number))


@require_POST
def undoing(request: HttpRequest, number: int) -> HttpResponse:
    """POST imports/<number>/undoing: the worker takes it out of account."""
    user = who_may("import", request)
    found = _import(number)
    try:
        uploads.ask_undo(number=number, by=user, at=this_instant())
    except Refused as refusal:
        return _done_page(request, found, {"refusal": str(refusal)}, status=409)
    return redirect("import-done", number)


@require_GET
def refused(request: HttpRequest, number: int) -> HttpResponse:
    """GET imports/<number>/refused.csv: what was left out, line by line."""
    return _csv(request, number, "refused", imports.refused_as_csv)


@require_GET
def to_correct(request: HttpRequest, number: int) -> HttpResponse:
    """GET imports/<number>/to-correct.csv: the rows that were left out, with their own columns and the reason."""
    return _csv(request, number, "to-correct", imports.rows_to_correct_as_csv)


def _csv(request: HttpRequest, number: int, called: str, write: Callable[[int, IO[bytes]], None]) -> HttpResponse:
    who_may("import", request)
    _import(number)
    to = io.BytesIO()
    write(number, to)
    headers = {"Content-Disposition": f'attachment; filename="import-{number}-{called}.csv"'}
    return HttpResponse(to.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def _list(request: HttpRequest, more: Mapping[str, Any] | None = None, *, status: int = 200) -> HttpResponse:
    user = who_may("import", request)
    before = whole_number(request.GET.get("before", ""))
    rows = Import.objects.exclude(uploads__state="running").order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    shown = list(rows[: A_PAGE + 1])
    pending = Upload.objects.exclude(state="done").select_related("asked_by").order_by("-created_at")[:20]
    undoing_now = uploads.being_undone()
    names = dict(User.objects.filter(email__in={row.created_by for row in shown}).values_list("email", "name"))
    context: dict[str, Any] = {
        "title": _title(shown),
        "lines": [
            {
                "row": row,
                "href": reverse("import-done", args=[row.pk]),
                "by": names.get(row.created_by, row.created_by),
                "what": columns.KINDS.get(row.kind, row.kind or "people"),
                "state": _state(row, undoing_now),
            }
            for row in shown[:A_PAGE]
        ],
        "pending": [(upload, _pending(upload), upload.choices["kind"]) for upload in pending],
        "older": f"?before={shown[A_PAGE - 1].pk}" if len(shown) > A_PAGE else "",
        "kinds": columns.KINDS.items(),
        "most": uploads.MOST_BYTES >> 20,
        "is_busy": bool(undoing_now) or any(upload.state in ("running", "trying") for upload in pending),
        "viewer": user,
        **(more or {}),
    }
    return shell.page(request, "web/imports.html", context, place="imports", status=status)


def _pending(upload: Upload) -> str:
    return "stopped" if uploads.given_up(upload) else _STATES[upload.state]


def _title(shown: Sequence[Import]) -> str:
    if not shown:
        return "Bring your people in: nothing has been imported yet"
    latest = shown[0]
    if latest.undone_at is not None:
        return f"The last import, {latest.name}, was undone"
    return f"The last import brought {words.count(latest.accepted)} events from {words.count(latest.rows)} rows"


def _state(row: Import, undoing_now: set[int]) -> str:
    if row.undone_at is not None:
        return "undone"
    return "being undone" if row.pk in undoing_now else "in force" if row.rows else "cut short"


def _page(
    request: HttpRequest,
    found: Upload,
    more: Mapping[str, Any] | None = None,
    *,
    chosen: Choices | None = None,
    status: int = 200,
) -> HttpResponse:
    if found.state == "done" and found.brought_id is not None:
        return redirect("import-done", found.brought_id)
    choices = chosen or uploads.choices_of(found)
    targets, stopped = columns.TARGETS[choices.kind], uploads.given_up(found)
    context: dict[str, Any] = {
        "upload": found,
        "title": f"{found.name} stopped halfway" if stopped else _title_of(found, choices),
        "choices": choices,
        "tables": [(place, table["tab"], table["header"] == found.header) for place, table in enumerate(found.tables)],
        "kinds": columns.KINDS.items(),
        "kind_said": columns.KINDS[choices.kind].lower(),
        "lines": [_line(choice, found.sample, targets) for choice in choices.columns],
        "types": columns.TYPES.items(),
        "bases": columns.BASES.items(),
        "orders": (
            (dates.DAY_FIRST, "day first: 31/12/2025, and 03/04 is 3 April"),
            (dates.MONTH_FIRST, "month first: 12/31/2025, and 03/04 is 4 March"),
        ),
        "decimals": ((numbers.POINT, f"a point: {numbers.POINT}"), (numbers.COMMA, f"a comma: {numbers.COMMA}")),
        "faults": columns.faults(choices),
        "time_example": timing.example(choices, found.sample),
        **_foreseen(found.foreseen, choices),
        "is_working": found.state in ("trying", "running") and stopped is None,
        "stopped": stopped,
        "is_open": found.state in ("mapping", "failed") or bool(request.GET.get("change")) or status == 422,
        "before": uploads.before(found) if found.state == "tried" else None,
        **(more or {}),
    }
    return shell.page(request, "web/import.html", context, place="imports", status=status)


def _foreseen(told: Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    """What would come of it, as the worker found; nothing of it before."""
    kinds = told.get("kinds", {}).items()
    return {
        "foreseen": told,
        "happened": [(KINDS[kind].words, number) for kind, number in kinds if kind != "imported"],
        "staged": staging.staged(choices, told.get("stages", {}), told.get("deals", {})),
    }


def _line(choice: Choice, sample: Sequence[Mapping[str, str]], targets: Mapping[str, str]) -> dict[str, Any]:
    values = list(dict.fromkeys(value for row in sample if (value := row.get(choice.column, ""))))
    return {"choice": choice, "values": values[:3], "targets": targets.items()}


def _title_of(found: Upload, choices: Choices) -> str:
    told = found.foreseen
    if found.state == "trying":
        return f"Reading {found.name}: {words.count(found.rows_done)} rows so far"
    if found.state == "running":
        return f"Bringing {found.name} in"
    if found.state == "failed":
        return f"{found.name} could not be read"
    if found.state == "tried" and choices.kind == "companies":
        return f"{words.count(told['new_companies'])} new companies, {words.count(told['matched_companies'])} we know"
    if found.state == "tried":
        new, known, left = (words.count(told[name]) for name in ("new", "matched", "refused"))
        return f"{new} new people, {known} we know, {left} rows refused"
    known = sum(choice.to not in (columns.OWN, columns.LEFT_OUT) for choice in choices.columns)
    return f"{known} of {len(choices.columns)} columns are understood: look at them, then try it"


def _done_page(
    request: HttpRequest, found: Import, more: Mapping[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    events, people = uploads.touched(found.pk) if found.undone_at is None else (0, 0)
    is_undoing = found.undone_at is None and uploads.is_being_undone(found.pk)
    context: dict[str, Any] = {
        "found": found,
        "title": _title_done(found, is_undoing),
        "what": columns.KINDS.get(found.kind, found.kind or "people").lower(),
        "by": User.objects.filter(email=found.created_by).values_list("name", flat=True).first() or found.created_by,
        "events": events,
        "has_rows_to_correct": imports.has_rows_to_correct(found.pk),
        "people": people,
        "has_refused": imports.refused_file(found.pk).is_file(),
        "is_undoing": is_undoing,
        "has_stopped": found.undone_at is None and uploads.is_undoing_given_up(found.pk),
        "playbook_zone": ZoneInfo(published.playbook().calendar.timezone),
        **(more or {}),
    }
    return shell.page(request, "web/import_done.html", context, place="imports", status=status)


def _title_done(found: Import, is_undoing: bool) -> str:
    if found.undone_at is not None:
        return f"{found.name} counts no more"
    if is_undoing:
        return f"Taking {found.name} back"
    return f"{found.name} brought {words.count(found.accepted)} events"


def _chosen(found: Upload, post: Mapping[str, Any]) -> Choices:
    """The form's answers; whatever it does not say stays as it was."""
    told = uploads.choices_of(found)
    zone = str(post.get("zone", told.zone)).strip()
    order = str(post.get("dates", told.dates))
    return Choices(
        kind=told.kind,
        columns=tuple(
            Choice(
                each.column,
                _one_of(post.get(f"to-{place}"), (*columns.TARGETS[told.kind], columns.OWN, columns.LEFT_OUT), each.to),
                _one_of(post.get(f"type-{place}"), columns.TYPES, each.type),
            )
            for place, each in enumerate(told.columns)
        ),
        dates=order if order in (dates.DAY_FIRST, dates.MONTH_FIRST) else told.dates,
        numbers=_one_of(post.get("numbers"), (numbers.POINT, numbers.COMMA), told.numbers),
        zone=zone if is_zone(zone) else told.zone,
        currency=(str(post.get("currency", told.currency)).strip().upper() or told.currency)[:3],
        source=_text(post.get("source", told.source)),
        basis=_one_of(post.get("basis"), columns.BASES, told.basis),
        proof=_text(post.get("proof", told.proof)),
        stages=_one_of(post.get("stages"), ("", staging.DEALS), told.stages),
        since=_day(post.get("since", told.since)),
    )


def _one_of(told: object, known: Any, otherwise: str) -> str:
    return told if isinstance(told, str) and told in known else otherwise


def _text(told: object) -> str:
    return str(told).replace("\x00", "").strip()[:300]


def _day(told: object) -> str:
    """The date, as 2025-12-31, or nothing."""
    read = dates.read(str(told), day_first=True)
    return read.date().isoformat() if read is not None and 1970 <= read.year < 2100 else ""


def _found(uuid: UUID) -> Upload:
    found = Upload.objects.select_related("asked_by").filter(uuid=uuid).first()
    if found is None:
        raise Http404
    return found


def _import(number: int) -> Import:
    found = Import.objects.filter(pk=number).first() if number < 2**62 else None
    if found is None:
        raise Http404
    return found
