"""Rules that mislead, on Feedback: each line of the playbook left out on the house's history, and who is behind it."""

from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from rung.access.models import User
from rung.engine.trying.misleading import Count, Line
from rung.insight import misleading
from rung.insight.models import Backtest
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.playbook.definitions import Playbook
from rung.terms.instants import parse_instant
from rung.ui import words
from rung.web import shell
from rung.web.reasons import day_in_sentence
from rung.web.trials import MOST_LISTED, named

MOST: Final = 8
LATEST: Final = 3
"""Runs that are looked through for today's and for the last that is done."""
WHATS: Final = {"signal": "signal", "fit": "fit", "condition": "a way in"}


@require_http_methods(["GET", "POST"])
def lines(request: HttpRequest) -> HttpResponse:
    """POST feedback/lines: asks for today's run; GET: how far it is, or what came of it. Part of the page Feedback."""
    playbook, now = published.in_force().playbook, this_instant()
    if request.method == "POST":
        if not isinstance(request.user, User):
            raise PermissionDenied
        misleading.ask(by=request.user, at=now)
        if not request.headers.get("HX-Request"):
            return HttpResponseRedirect(reverse("feedback"), status=303)
    return render(request, "web/_feedback_misleading.html", shown(playbook, at=now) | {"is_part": True})


@require_GET
def people(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """GET feedback/lines/<uuid>/people?line=&count=: who is behind a number of a line that was left out."""
    run = get_object_or_404(Backtest, uuid=uuid, vary=misleading.LINES, state="done")
    count, path = request.GET.get("count", ""), request.GET.get("line", "")
    line = next((each for each in misleading.found_of(run).lines if each.path == path), None)
    if line is None or count not in misleading.COUNTS:
        raise Http404
    playbook, now = published.in_force().playbook, this_instant()
    behind = misleading.behind_of(run)[path][count]
    known = named({person for person, _ in behind[:MOST_LISTED]})
    total = line.later if count == "later" else getattr(line, count).value
    context = {
        "said": misleading.COUNTS[count],
        "line": line,
        "total": total,
        "rows": [(*known.get(person, (person, "", "")), at) for person, at in behind[:MOST_LISTED]],
        "when": "Won" if count == "missed" else "Handed over",
        "as_of": _day(run.as_of or now, playbook, now),
        "draft": _draft(line),
    }
    return shell.page(request, "web/feedback_line.html", context, place="feedback")


def shown(playbook: Playbook, *, at: int) -> dict[str, Any]:
    """What Feedback shows: the latest run that is done, and how far today's is; `is_wanted` until somebody asked."""
    latest = list(misleading.runs(playbook)[:LATEST])
    today = next((run for run in latest if misleading.is_todays(run, playbook, at=at)), None)
    done = next((run for run in latest if run.state == "done"), None)
    context: dict[str, Any] = {"today": today, "run": done, "is_wanted": today is None}
    if today is not None:
        context["share"] = 100 * today.done / today.total if today.total else None
    if done is None:
        return context
    found = misleading.found_of(done)
    spared = [line for line in found.lines if line.avoided.value]
    return context | {
        "headline": done.headline,
        "found": found,
        "since": _day(parse_instant(found.start), playbook, at),
        "as_of": _day(done.as_of or at, playbook, at),
        "rows": [_row(line, done) for line in spared[:MOST]],
        "others": len(found.lines) - len(spared[:MOST]),
    }


def _row(line: Line, run: Backtest) -> dict[str, Any]:
    at = reverse("feedback-line-people", args=[run.uuid])
    return {
        "it": line,
        "what": WHATS[line.what],
        "source": f"{reverse('playbook')}?tab=source#line-{line.number}",
        "draft": _draft(line),
        "stake": words.number(line.stake, 1 if 0 < line.stake < 10 else 0),
        "cells": [
            (count, label, getattr(line, count).value, _between(getattr(line, count)), f"{at}?{_query(line, count)}")
            for count, label in _CELLS.items()
        ],
        "later": f"{at}?{_query(line, 'later')}",
    }


_CELLS: Final = {"avoided": "Rejections avoided", "lost": "Acceptances lost", "missed": "Wins missed"}


def _day(at: int, playbook: Playbook, now: int) -> str:
    return day_in_sentence(at, now, ZoneInfo(playbook.calendar.timezone))


def _between(count: Count) -> str:
    low, high = round(count.low), round(count.high)
    return f"{low:,} to {high:,}" if low != high else ""


def _query(line: Line, count: str) -> str:
    return urlencode({"line": line.path, "count": count})


def _draft(line: Line) -> str:
    """The editor with the line left out, tried over the same time."""
    told = urlencode({"tab": "source", "without": line.path, "period": "365"})
    return f"{reverse('playbook')}?{told}#line-{line.number}"
