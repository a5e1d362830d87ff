"""Trying a definition on a page: the draft on the left, what last year would have been on the right."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from rung.access.models import User
from rung.engine.program import compile_program
from rung.engine.trying.ground import CannotTry, why
from rung.engine.trying.varying import Knob, knob, knobs, usual_values
from rung.insight import behind, comparing, telling, trying_later
from rung.insight.misleading import LINES
from rung.insight.models import Backtest
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.deciding.rows import past_rows
from rung.people.models import Person
from rung.playbook.conditions import ConditionError
from rung.playbook.definitions import Playbook
from rung.playbook.diff import diff_in_words
from rung.playbook.faults import PlaybookRefused
from rung.playbook.words import day_words
from rung.terms.instants import DAY, SECOND, moment
from rung.web import shell
from rung.web.links import person_href

PERIODS: Final = (("", "The whole history"), ("365", "The last 12 months"), ("183", "The last 6 months"))
MOST_LISTED: Final = 200
MOST_BESIDE: Final = 6
"""Runs beside each other: more columns than that, and nobody reads them."""


@require_http_methods(["GET", "POST"])
def trials(request: HttpRequest) -> HttpResponse:
    """POST playbook/trials: asks for a trial of the text; GET: the runs that were kept, and the latest."""
    if request.method == "POST":
        return _asked(request)
    kept = (
        Backtest.objects.filter(vary="", texts__isnull=True)
        .select_related("asked_by")
        .defer("people", "curve", "old_text", "new_text")
    )
    context = {
        "kept": [_listed(run) for run in kept.filter(is_kept=True).order_by("-asked_at")[:50]],
        "latest": [_listed(run) for run in kept.filter(is_kept=False).order_by("-asked_at")[:20]],
    }
    return shell.page(request, "web/trials.html", context, place="playbook")


@require_GET
def beside(request: HttpRequest) -> HttpResponse:
    """GET playbook/trials/beside?run=…&run=…: runs beside each other; without two of them, what to do."""
    asked = list(dict.fromkeys(_uuids(request.GET.getlist("run"))))[:MOST_BESIDE]
    found = Backtest.objects.filter(uuid__in=asked, state="done", result__isnull=False, texts__isnull=True, vary="")
    runs = sorted(found.select_related("asked_by").defer("people", "curve"), key=lambda run: asked.index(run.uuid))
    results = [trying_later.result_of(run) for run in runs]
    context = {
        "columns": [_column(run) for run in runs],
        "lines": comparing.beside(results) if len(runs) > 1 else (),
        "apart": comparing.apart(results) if len(runs) > 1 else (),
        "gone": len(asked) - len(runs),
    }
    return shell.page(request, "web/trials_beside.html", context, place="playbook")


def _column(run: Backtest) -> dict[str, Any]:
    old, new = trying_later.read(run.old_text), trying_later.read(run.new_text)
    return {
        "run": run,
        "href": reverse("trial", args=[run.uuid]),
        "said": telling.changed_number(old, new) or new.name,
        "changes": diff_in_words(old, new),
        "as_of": day_words(moment(run.as_of or run.asked_at).astimezone(ZoneInfo(old.calendar.timezone)).date()),
    }


@require_GET
def trial(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """GET playbook/trials/<uuid>: one run on a page to read, share and print; `part` is what a page looks for again."""
    # What compares definitions, or leaves out line after line, has pages of its own.
    run = get_object_or_404(Backtest.objects.filter(texts__isnull=True).exclude(vary=LINES), uuid=uuid)
    part = request.GET.get("part", "")
    if part == "state":
        return render(request, "web/_trial_state.html", {**_result(request, run), "is_part": True})
    context: dict[str, Any] = {**_result(request, run), "is_own": True}
    if run.vary and run.state == "done":
        context |= _curve(run, "")
    return shell.page(request, "web/trial.html", context, place="playbook")


@require_POST
def curve(request: HttpRequest) -> HttpResponse:
    """POST playbook/curves: every value of one number of the text; changes nothing but what was asked for."""
    text, path = _text(request), request.POST.get("number", "")
    try:
        old, new = published.playbook(), trying_later.read(text)
        turned = _number(old, new, path)
        base = trying_later.base_of_curve(old, new, turned.path)
        asked = f"{turned.path}={usual_values(_number(old, trying_later.read(base), turned.path))}"
        run = trying_later.ask(text=base, by=_user(request), at=this_instant(), vary=asked, **_wish(request))
    except (PlaybookRefused, ConditionError, CannotTry) as refusal:
        return render(request, "web/_trial_curve.html", {"refusal": _words(refusal)})
    context = {**_curve(run, f"{turned.value:g}"), "numbers": _numbers(new), "chosen": turned.path}
    if run.state == "done":
        context |= _slider(turned, new, context["curve"])
    return render(request, "web/_trial_curve.html", context)


@require_GET
def people(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """GET playbook/trials/<uuid>/people?side=new&answer=rejected…: who is behind a number."""
    run = _done(uuid)
    found = trying_later.people_of(run)
    side = "old" if request.GET.get("side") == "old" else "new"
    book = trying_later.read(run.old_text if side == "old" else run.new_text)
    rows, said, when = behind.behind(found, 0 if side == "old" else 1, request.GET.dict(), book)
    known = named({row.person for row in rows[:MOST_LISTED]})
    definition = run.old_version if side == "old" else run.new_version
    context = {
        "run": run,
        "rows": [(row, *known.get(row.person, (row.person, "", ""))) for row in rows[:MOST_LISTED]],
        "count": len(rows),
        "people": len({row.person for row in rows}),
        "said": said,
        "when": when,
        "version": definition[:12],
        "side": side,
        "why_href": reverse("trial-why", args=[run.uuid]),
    }
    return shell.page(request, "web/trial_people.html", context, place="playbook")


@require_GET
def explanation(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """GET playbook/trials/<uuid>/why?person=…: the same person under both definitions, at the instant they part."""
    run = _done(uuid)
    told = request.GET.get("person", "")
    known = _uuids([told])
    person = Person.objects.filter(uuid__in=known).first() if known else None
    if person is None:
        raise Http404
    found = trying_later.people_of(run)
    each = next((one for one in found.differing if one.person == told), None)
    times = [at for at in (each.old_at, each.new_at) if at is not None] if each else []
    at = min(times) if times and each and each.what not in ("elsewhere", "again") else run.as_of or this_instant()
    sides = []
    for text in (run.old_text, run.new_text):
        book = trying_later.read(text)
        program = compile_program(book)
        rows = past_rows([person.pk], Line(0, book, program, program.reaches_colleagues, "")).get(person.pk, [])
        sides.append((book, why(program, rows, at)))
    context = {
        "run": run,
        "person": person,
        "href": person_href(str(person.uuid)),
        "sides": sides,
        "at": at,
        "zone": ZoneInfo(sides[0][0].calendar.timezone),
        "really": telling.really(each, ZoneInfo(sides[0][0].calendar.timezone)) if each else "",
    }
    return shell.page(request, "web/trial_why.html", context, place="playbook")


@require_POST
def keeping(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST playbook/trials/<uuid>/keeping: keeps the run; `off` lets it go."""
    run = get_object_or_404(Backtest, uuid=uuid)
    trying_later.keep(run=run, is_kept="off" not in request.POST)
    return HttpResponseRedirect(reverse("trial", args=[uuid]), status=303)


@require_POST
def repetition(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST playbook/trials/<uuid>/repetition: a run that failed is tried again."""
    run = get_object_or_404(Backtest, uuid=uuid)
    trying_later.again(run=run, at=this_instant())
    return HttpResponseRedirect(reverse("trial", args=[uuid]), status=303)


def _asked(request: HttpRequest) -> HttpResponse:
    try:
        run = trying_later.ask(text=_text(request), by=_user(request), at=this_instant(), **_wish(request))
    except (PlaybookRefused, ConditionError, CannotTry) as refusal:
        status = 200 if request.headers.get("HX-Request") else 422
        return render(request, "web/_trial_state.html", {"refusal": _words(refusal)}, status=status)
    if request.headers.get("HX-Request"):
        return render(request, "web/_trial_state.html", {**_result(request, run), "is_part": True})
    return HttpResponseRedirect(reverse("trial", args=[run.uuid]), status=303)


def _result(request: HttpRequest, run: Backtest) -> dict[str, Any]:
    """What a run's page and the editor's right side show of it."""
    context: dict[str, Any] = {
        "run": run,
        "delay": _delay(run),
        "share": 100 * run.done / run.total if run.total else None,
        "may_propose": isinstance(request.user, User) and request.user.may("propose playbook"),
    }
    if run.state != "done" or run.result is None:
        return context
    old, new = trying_later.read(run.old_text), trying_later.read(run.new_text)
    result, found = trying_later.result_of(run), trying_later.people_of(run)
    zone = ZoneInfo(old.calendar.timezone)
    shown = telling.people_shown(
        found,
        named=named({each.person for each in found.differing[: telling.MOST_SHOWN]}),
        zone=zone,
        handoff=old.short_label(old.handoff.on),
        places=(old, new),
        most=telling.MOST_SHOWN if "part" not in request.GET and request.method == "GET" else 12,
    )
    page = telling.page(result, old, new)
    return context | {
        "page": page,
        "labels": telling.labels(old, new, is_in_force=old.version == published.playbook().version),
        "shown": shown,
        "people_href": reverse("trial-people", args=[run.uuid]),
        "why_href": reverse("trial-why", args=[run.uuid]),
        "took": f"replayed in {_took(run)}",
        "changes": diff_in_words(old, new),
        "is_same": old.version == new.version,
    }


def _curve(run: Backtest, draft: str) -> dict[str, Any]:
    share = 100 * run.done / run.total if run.total else None
    context: dict[str, Any] = {"run": run, "share": share, "draft": draft, "delay": _delay(run)}
    if run.state == "done":
        found = trying_later.curve_of(run)
        value = _float(draft)
        context |= {
            "curve": found,
            "drawn": telling.drawn(found, value),
            "curve_said": telling.curve_headline(found),
            "took_curve": f"{len(found.points)} values in {_took(run)}",
        }
    return context


def _slider(turned: Knob, new: Playbook, found: Any) -> dict[str, Any]:
    """Where the number stands in the text, so that pulling the slider writes it there."""
    try:
        begin, end, suffix = turned.place(new)
    except CannotTry:
        return {}
    return {
        "slider": {
            "begin": begin,
            "end": end,
            "suffix": suffix,
            "value": f"{turned.value:g}",
            "least": f"{found.points[0].value:g}",
            "most": f"{found.points[-1].value:g}",
            "words": turned.words,
        }
    }


def _number(old: Playbook, new: Playbook, path: str) -> Knob:
    """The number asked for; else the one that the draft changes, else the score of the hand-off, else the first."""
    found = knobs(new)
    if path:
        return knob(new, path)
    before = {each.path: each.value for each in knobs(old)}
    changed = [each for each in found if each.path in before and before[each.path] != each.value]
    usual = [each for each in found if each.path == f"stages.{new.handoff.on}.enter:score"]
    chosen = [*(changed if len(changed) == 1 else []), *usual, *found]
    if not chosen:
        raise CannotTry("This playbook has no number that could be turned.")
    return chosen[0]


def _numbers(playbook: Playbook) -> list[tuple[str, str]]:
    return [(each.path, f"{each.words} ({each.said(each.value)})") for each in knobs(playbook)]


def named(keys: set[str]) -> dict[str, tuple[str, str, str]]:
    """Name, company and address of the people behind keys; in two queries."""
    rows = Person.objects.filter(uuid__in=_uuids(keys)).values_list("uuid", "name", "email", "company__name")
    return {
        str(uuid): (name or email or "A visitor", company or "", person_href(str(uuid)))
        for uuid, name, email, company in rows
    }


def _uuids(keys: Iterable[str]) -> list[UUID]:
    found = []
    for key in keys:
        try:
            found.append(UUID(key))
        except ValueError:
            continue
    return found


def _listed(run: Backtest) -> dict[str, Any]:
    told: dict[str, Any] = {"run": run, "href": reverse("trial", args=[run.uuid])}
    if run.state == "done" and run.result:
        figures = {each["id"]: each for each in run.result["figures"]}
        told["cells"] = [
            (figures[name]["old"], figures[name]["new"]) for name in ("opened", "accepted", "caught", "hours")
        ]
        told["name"] = run.result["new"]["name"]
    return told


def _done(uuid: UUID) -> Backtest:
    run = get_object_or_404(Backtest, uuid=uuid)
    if run.state != "done" or run.result is None:
        raise Http404
    return run


def _wish(request: HttpRequest) -> dict[str, Any]:
    days = request.POST.get("period", "")
    start = this_instant() - int(days) * DAY if days in {code for code, _ in PERIODS if code} else None
    # A day is as near as a period is meant; the same wish asked again is the same.
    return {"start": None if start is None else start - start % DAY, "subset": request.POST.get("subset", "")[:1024]}


def _text(request: HttpRequest) -> str:
    """The text of the form; browsers send the lines of a form with \\r\\n."""
    return request.POST.get("text", "").replace("\r\n", "\n")


def _words(refusal: Exception) -> str:
    if isinstance(refusal, PlaybookRefused):
        return "The file has faults: mend them, and it is tried at once."
    return str(refusal)


def _took(run: Backtest) -> str:
    return f"{(run.took or 0) / 1_000_000:.1f} s"


def _delay(run: Backtest) -> str:
    """When a page looks again: at once while an answer is due any moment, calmly when it takes long."""
    return "150ms" if this_instant() - run.asked_at < 4 * SECOND else "1500ms"


def _float(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User) or not request.user.may("try playbook"):
        raise PermissionDenied
    return request.user
