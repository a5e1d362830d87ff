"""Duties of both sides on Feedback: how far each is kept this month, and who is behind the figure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from rung.access.models import User
from rung.insight import duties as promised
from rung.insight.duties import Behind, Duty
from rung.insight.feedback import PER_PAGE
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.people.models import Person
from rung.ui import words
from rung.web import shell
from rung.web.links import person_href

_AT: Final = {
    "cadence": "Accepted",
    "nurture": "Came to it",
    "handed-over": "Handed over",
    "first-touch": "Touched, or due",
}


@require_GET
def duties(request: HttpRequest) -> HttpResponse:
    """GET feedback/duties: how far both sides' duties are kept this month, as a part that Feedback asks for."""
    shown = [_meter(each) for each in promised.duties(published.in_force(), at=this_instant())]
    return render(request, "web/_feedback_duties.html", {"duties": shown})


@require_GET
def duty(request: HttpRequest, name: str) -> HttpResponse:
    """GET feedback/duties/<name>?kept=yes|no&owner=: who is behind a duty, first those with whom it is not kept."""
    force, now = published.in_force(), this_instant()
    found = promised.duty(name, force, at=now)
    if found is None or any("\x00" in text for text in request.GET.values()):
        raise Http404
    owners = User.objects.in_bulk({each.owner_id for each in found.behind if each.owner_id})
    told, kept = request.GET, request.GET.get("kept", "")
    owner = told.get("owner", "")
    rows = [each for each in found.behind if not owner or str(each.owner_id) == owner]
    shown = [each for each in rows if kept not in ("yes", "no") or each.is_kept is (kept == "yes")]
    pages = Paginator(sorted(shown, key=lambda each: (each.is_kept, each.at, each.person_id)), PER_PAGE)
    page = pages.get_page(told.get("page"))
    by = next((str(user) for user in owners.values() if str(user.pk) == owner), "")
    context = {
        "duty": found,
        "said": _said(found, rows, by),
        "when": _AT.get(name, "Answered"),
        "tabs": _tabs(rows, told, kept),
        "rows": _rows(page, owners),
        "shown": f"{page.start_index()} to {page.end_index()} of {words.count(pages.count)}",
        "newer": _query(told, page=page.previous_page_number()) if page.has_previous() else "",
        "older": _query(told, page=page.next_page_number()) if page.has_next() else "",
        "firm": force.playbook.name,
        "zone": ZoneInfo(force.playbook.calendar.timezone),
        "now": now,
    }
    return shell.page(request, "web/feedback_duty.html", context, place="feedback")


def _meter(each: Duty) -> dict[str, Any]:
    """A duty as Feedback shows it: in words, as a meter in percent, and where its people are."""
    goal = None if each.promised is None or not each.is_share else 100 * each.promised
    if not each.is_share:
        said, value = f"{each.kept:,} of {each.promised or 0:,.0f}", 100 * each.done / (each.promised or 1)
    elif each.promised is None:
        said, value = f"{each.kept:,} of {each.of:,}" if each.of else "–", 100 * each.done
    else:
        said, value = f"{words.share(each.kept, each.of)} of {words.share(each.promised, 1)}", 100 * each.done
    is_short = each.is_share and bool(each.of) and each.done < (each.promised or 1)
    href = reverse("feedback-duty", args=[each.name])
    return {"it": each, "said": said, "value": value, "goal": goal, "tone": "warn" if is_short else "", "href": href}


def _said(found: Duty, rows: Sequence[Behind], by: str) -> str:
    """The title: with how many the duty is not kept."""
    missing, who = sum(not each.is_kept for each in rows), f", with {by}" if by else ""
    if not rows:
        return f"{found.words}: nobody yet{who}"
    if not found.is_share:
        return f"{found.words} this month: {words.people(len(rows))}{who}"
    if not missing:
        return f"None of {len(rows):,} {_MISSING[found.name][1]}{who}"
    return f"{missing:,} of {len(rows):,} {_MISSING[found.name][missing == 1]}{who}"


_MISSING: Final = {
    "accepted": ("were not accepted", "was not accepted"),
    "nurture": ("got too few mails in nurture", "got too few mails in nurture"),
    "in-time": ("were answered late", "was answered late"),
    "first-touch": ("were not touched in time", "was not touched in time"),
    "cadence": ("are behind the cadence", "is behind the cadence"),
}
"""Duty → what is so with several, and with one, of those with whom it is not kept."""


def _tabs(rows: Sequence[Behind], told: Mapping[str, str], kept: str) -> list[dict[str, Any]]:
    missing = sum(not each.is_kept for each in rows)
    counted = (("", "All", len(rows)), ("no", "Not kept", missing), ("yes", "Kept", len(rows) - missing))
    return [
        {"label": label, "href": _query(told, kept=code, page=1), "is_current": code == kept, "count": count}
        for code, label, count in counted
    ]


def _rows(page: Page, owners: Mapping[int, User]) -> list[dict[str, Any]]:
    people = Person.objects.select_related("company").in_bulk({each.person_id for each in page})
    return [
        {
            "it": each,
            "href": person_href(str(people[each.person_id].uuid)),
            "name": str(people[each.person_id]),
            "company": str(people[each.person_id].company or ""),
            "by": str(owners.get(each.owner_id or 0) or ""),
        }
        for each in page
        if each.person_id in people
    ]


def _query(told: Mapping[str, str], **changed: object) -> str:
    return f"?{urlencode({**dict(told.items()), **changed})}"
