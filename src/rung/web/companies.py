"""The list of companies, and one company: its people on their rungs, what it amounts to, what happened there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from rung.access.models import User
from rung.access.rules import Refused
from rung.jobs.clock import now as this_instant
from rung.lifecycle import by_hand, published, queries
from rung.lifecycle.queries import CompanyEvent, CompanyPage
from rung.people.models import Company
from rung.people.queries import company_named
from rung.playbook.definitions import Playbook
from rung.terms.stages import RANK
from rung.terms.values import BadValue, clean_text
from rung.ui import words
from rung.ui.paging import BadCursor, cursor
from rung.ui.tables import Column, address
from rung.web import happenings, shell
from rung.web.asked import who_may
from rung.web.links import company_href, person_href
from rung.web.people import line

LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the company's timeline, for the tag `timeline`."""

    seq: int
    at: int
    icon: str
    said: str
    who: str
    who_href: str
    before: str = ""
    points: str = ""
    is_move: bool = False


@require_GET
def companies(request: HttpRequest) -> HttpResponse:
    in_force = published.in_force()
    text, sort, is_up = _asked(request)
    kinds = (queries.COMPANY_SORTS[sort][1], int)
    try:
        start = cursor(request.GET["page"], kinds=kinds) if request.GET.get("page") else None
    except BadCursor:
        start = None
    page = queries.companies_page(text=text, sort=sort, is_up=is_up, start=start, generation_id=in_force.generation_id)
    here = reverse("companies")
    parts = {"q": text, "sort": _sort_text(sort, is_up)}
    context = {
        "firm": in_force.playbook.name,
        "title": f"{_count(page.total)} called “{text}”" if text else f"{_count(page.total)} with people you know",
        "said": "Their standing is the highest rung of their people.",
        "text": text,
        "lines": [
            (row, company_href(row.uuid), in_force.playbook.short_label(row.stage) if row.stage else "")
            for row in page.rows
        ],
        "columns": _columns(here, text, sort, is_up),
        "newer": address(here, **parts, page=page.newer) if page.newer else "",
        "older": address(here, **parts, page=page.older) if page.older else "",
        "foot": f"{len(page.rows)} of {_count(page.total)}."
        if len(page.rows) < page.total
        else f"{_count(page.total)}.",
        "all_companies": here,
        "add_company": reverse("companies-new"),
    }
    return shell.page(request, "web/companies.html", context, place="companies")


@require_GET
def company(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """GET companies/<uuid>: its people and their rungs, what happened there, what we know."""
    return _page(request, _living(uuid))


@require_POST
def facts(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST companies/<uuid>/facts: what we have of it is put right (`name`, `industry`, `employees`, `country`)."""
    user = who_may("describe people", request)
    found = _living(uuid)
    told = {name: request.POST[name] for name in by_hand.FACTS_OF_A_COMPANY if name in request.POST}
    try:
        by_hand.put_company_right(company=found, told=told, by=user, at=this_instant())
    except Refused as refusal:
        return _page(request, found, {"refusal": str(refusal), "right": _right(found, told)}, status=409)
    messages.info(request, "It is put right, for everybody who works there.")
    return HttpResponseRedirect(company_href(str(found.uuid)), status=303)


def _living(uuid: UUID) -> Company:
    found = company_named(str(uuid))
    if found is None:
        raise Http404
    return found


def _right(found: Company, told: Mapping[str, str]) -> list[tuple[str, str, str]]:
    known = {**found.traits, "name": found.name}
    labels = {"name": "Name", "industry": "Industry", "employees": "People who work there", "country": "Country"}
    return [(name, label, told.get(name, by_hand.as_text(known.get(name)))) for name, label in labels.items()]


def _page(
    request: HttpRequest, found: Company, more: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    in_force = published.in_force()
    page = queries.company_page(found, generation_id=in_force.generation_id)
    playbook = in_force.playbook
    context: dict[str, Any] = {
        "firm": playbook.name,
        "company": found,
        "said": _said(page, playbook),
        "page": page,
        "label": playbook.short_label(page.stage) if page.stage else "",
        "lines": [line(row, playbook) for row in page.people],
        "on_rungs": [(code, playbook.short_label(code), n) for code, n in page.on_rungs.items()],
        "most": max(page.on_rungs.values(), default=0),
        "former": [(each, person_href(str(each.uuid))) for each in page.former],
        "entries": [_entry(event) for event in page.events],
        "facts": [(name.replace("_", " ").capitalize(), value) for name, value in page.traits],
        "now": this_instant(),
        "right": _right(found, {}),
        "may_describe": isinstance(request.user, User) and request.user.may("describe people"),
        **(more or {}),
    }
    return shell.page(request, "web/company.html", context, place="companies", status=status)


def _asked(request: HttpRequest) -> tuple[str, str, bool]:
    try:
        text = clean_text(request.GET.get("q", "")[:LONGEST], "search")
    except BadValue:
        text = ""
    name, _, way = request.GET.get("sort", "").partition(".")
    return (text, name, way != "down") if name in queries.COMPANY_SORTS else (text, "name", True)


def _sort_text(sort: str, is_up: bool) -> str | None:
    return None if (sort, is_up) == ("name", True) else sort if is_up else f"{sort}.down"


def _columns(here: str, text: str, sort: str, is_up: bool) -> list[Column]:
    turned = _sort_text("name", not is_up if sort == "name" else True)
    order = ("ascending" if is_up else "descending") if sort == "name" else ""
    return [
        Column("Company", address(here, q=text, sort=turned), order, tip="Sort by name"),
        Column("Domain", css="hide-s"),
        Column("Highest rung", css="c-rung"),
        Column("People", is_number=True, css="c-score"),
        Column("Engagement", is_number=True, css="hide-s"),
        Column("Last event", is_number=True, css="hide-s"),
    ]


def _count(number: int) -> str:
    return f"{words.count(number)} {'company' if number == 1 else 'companies'}"


def _said(page: CompanyPage, playbook: Playbook) -> str:
    """What is true of the company, in a sentence; the page's answer."""
    if not page.people_count:
        return "Nobody here has a rung yet."
    climbed = [row for row in page.people if row.stage == page.stage]
    first = climbed[0].name if climbed else ""
    others = page.people_count - 1
    above = sum(n for code, n in page.on_rungs.items() if RANK[code] > RANK["lead"])
    told = f"{first} stands highest, on {playbook.short_label(page.stage)}."
    if others:
        told += f" {words.people(others)} besides; {above} above {playbook.short_label('lead')}."
    return told


def _entry(event: CompanyEvent) -> Entry:
    before, after = happenings.around(event.kind, event.data) if event.person else ("", "")
    return Entry(
        seq=event.seq,
        at=event.at,
        icon=happenings.icon(event.kind),
        said=after or happenings.said(event.kind, event.data),
        before=before,
        who=event.person,
        who_href=person_href(event.person_uuid) if event.person_uuid else "",
    )
