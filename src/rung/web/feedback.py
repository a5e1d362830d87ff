"""Feedback: what sales answered and why, against source, campaign and the very line that caused the hand-off."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from rung.handoff.verdicts import Verdict
from rung.insight import feedback as reports
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.lifecycle.models import Handoff
from rung.terms.instants import DAY
from rung.ui import words
from rung.web import misleading, shell
from rung.web.links import person_href

PERIODS: Final = (("month", "30 days"), ("quarter", "Quarter"), ("year", "Year"))
_ANSWERS: Final = ("", "open", "answered", "accepted", "rejected", "returned", reports.AGAIN, reports.TOUCHED)


@require_GET
def feedback(request: HttpRequest) -> HttpResponse:
    """GET feedback?period=: the report."""
    force, now = published.in_force(), this_instant()
    period = _period(request)
    found = reports.report(force, days=reports.PERIODS[period], at=now)
    context = {
        "said": _said(found),
        "report": found,
        "period": period,
        "periods": PERIODS,
        "reasons": [(reason, count, _to(period, answer="rejected", reason=reason)) for reason, count in found.reasons],
        "sources": [_share(each, period, "source") for each in found.sources],
        "campaigns": [_share(each, period, "campaign") for each in found.campaigns],
        "lines": [_line(each, period) for each in found.lines],
        "answers": [
            ("Accepted", found.accepted, words.share(found.accepted, found.answered), _to(period, answer="accepted")),
            ("Rejected", found.rejected, words.share(found.rejected, found.answered), _to(period, answer="rejected")),
            ("Returned", found.returned, words.share(found.returned, found.answered), _to(period, answer="returned")),
            ("Waiting", found.open, "", _to(period, answer="open")),
        ],
        "touched_href": _to(period, answer=reports.TOUCHED),
        "median_touch": words.duration(found.median_touch) if found.median_touch is not None else "",
        "again_href": _to(period, answer=reports.AGAIN),
        "opened_href": _to(period),
        "in_time_href": _to(period, answer="answered", late="no"),
        "late_href": _to(period, answer="answered", late="yes"),
        "late": found.answered - found.in_time,
        "answered_href": _to(period, answer="answered"),
        "in_time": words.share(found.in_time, found.answered),
        "median": words.duration(found.median_time) if found.median_time is not None else "",
        "firm": force.playbook.name,
        "now": now,
    }
    mislead = misleading.shown(force.playbook, at=now)
    return shell.page(request, "web/feedback.html", context | mislead, place="feedback")


@require_GET
def handoffs(request: HttpRequest) -> HttpResponse:
    """GET feedback/handoffs?period=&answer=&reason=&source=&campaign=&line=: the people behind a number."""
    force, now, period = published.in_force(), this_instant(), _period(request)
    told = request.GET
    asked = _asked(told, start=now - reports.PERIODS[period] * DAY)
    pages = Paginator(reports.handoffs(asked, force.playbook), reports.PER_PAGE)
    page = pages.get_page(told.get("page"))
    rest = {name: text for name, text in told.items() if name != "page"}
    answers = reports.answers_of(list(page))
    context = {
        "said": _people_said(pages.count, asked),
        "rows": [_row(handoff, *answers[handoff.pk]) for handoff in page],
        "shown": f"{page.start_index()} to {page.end_index()} of {words.count(pages.count)}",
        "newer": f"?{urlencode({**rest, 'page': page.previous_page_number()})}" if page.has_previous() else "",
        "older": f"?{urlencode({**rest, 'page': page.next_page_number()})}" if page.has_next() else "",
        "report_href": f"{reverse('feedback')}?period={period}",
        "firm": force.playbook.name,
        "zone": ZoneInfo(force.playbook.calendar.timezone),
        "now": now,
    }
    return shell.page(request, "web/feedback_handoffs.html", context, place="feedback")


def _row(handoff: Handoff, said: Verdict, by: str) -> dict[str, Any]:
    """A hand-off with the answer that counts and who gave it; while it waits, whom it waits for."""
    person = handoff.person
    return {
        "href": person_href(str(person.uuid)),
        "name": person.called,
        "company": str(person.company) if person.company_id else "",
        "source": " / ".join(part for part in (person.source, person.campaign) if part),
        "answer": said.answer or ("withdrawn" if said.withdrawn_at else "waiting"),
        "reason": said.reason,
        "was_returned": said.was_returned,
        "opened_at": handoff.opened_at,
        "answered_at": said.answered_at,
        "by": by,
        "waits_for": str(handoff.owner or "") if not said.answer and said.withdrawn_at is None else "",
        "evidence": handoff.evidence,
    }


def _asked(told: Mapping[str, str], *, start: int) -> reports.Asked:
    """What the address asks for; raises Http404 for what no text can hold."""
    if any("\x00" in text for text in told.values()):
        raise Http404
    answer = told.get("answer", "")
    return reports.Asked(
        start=start,
        answer=answer if answer in _ANSWERS else "",
        reason=told.get("reason", "")[:1000],
        source=told["source"][:250] if "source" in told else None,
        campaign=told["campaign"][:250] if "campaign" in told else None,
        line=told.get("line", "")[:200],
        is_decisive=told.get("decisive") == "yes",
        is_late={"yes": True, "no": False}.get(told.get("late", "")),
    )


def _period(request: HttpRequest) -> str:
    told = request.GET.get("period", "")
    return told if told in reports.PERIODS else "quarter"


def _to(period: str, **told: str) -> str:
    return f"{reverse('feedback-handoffs')}?{urlencode({'period': period, **told})}"


def _said(found: reports.Report) -> str:
    """The title: how many of the answered ones sales rejected, and why most of all."""
    if not found.answered:
        return "Sales has answered no hand-off in this time"
    if not found.rejected:
        return f"Sales rejected none of {found.answered}"
    reason, count = found.reasons[0]
    return f"Sales rejected {found.rejected} of {found.answered}: {count} for “{reason}”"


def _share(each: reports.Share, period: str, by: str) -> dict[str, Any]:
    return {
        "name": each.name or "no source",
        "rejected": each.rejected,
        "answered": each.answered,
        "share": words.share(each.rejected, each.answered),
        "href": _to(period, answer="rejected", **{by: each.name}),
        "all": _to(period, answer="answered", **{by: each.name}),
        "reasons": [
            (reason, count, _to(period, answer="rejected", reason=reason, **{by: each.name}))
            for reason, count in each.reasons
        ],
    }


def _line(each: reports.Line, period: str) -> dict[str, Any]:
    return {
        "it": each,
        "source": f"{reverse('playbook')}?tab=source#line-{each.number}" if each.number else "",
        "carried": _to(period, line=each.name),
        "rejected": _to(period, line=each.name, answer="rejected"),
        "hung": _to(period, line=each.name, answer="rejected", decisive="yes"),
    }


def _people_said(count: int, asked: reports.Asked) -> str:
    told = {
        "open": "waits",
        "answered": "was answered",
        reports.TOUCHED: "had a first touch",
        reports.AGAIN: "was returned first and answered again",
    }
    what = told.get(asked.answer, f"was {asked.answer}" if asked.answer else "opened")
    if count == 0:
        return "No hand-off is behind this number"
    many = what.replace("was", "were").replace("waits", "wait")
    if asked.is_late is not None:
        what, many = (f"{each} {'late' if asked.is_late else 'in time'}" for each in (what, many))
    why = f" for “{asked.reason}”" if asked.reason else ""
    by = f", carried by “{asked.line}”" if asked.line else ""
    return f"1 hand-off {what}{why}{by}" if count == 1 else f"{words.count(count)} hand-offs {many}{why}{by}"
