"""The table of people: one condition as chips, as text and as the address."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_GET

from rung.access.models import User
from rung.access.queries import users
from rung.jobs.clock import now as this_instant
from rung.lifecycle import bulk_acts, published, queries
from rung.lifecycle.models import SavedView
from rung.lifecycle.queries import Asked, PersonRow
from rung.lifecycle.views import views_for
from rung.playbook.conditions import Condition, source
from rung.playbook.definitions import Playbook
from rung.terms.values import BadValue, clean_text
from rung.ui import words
from rung.ui.paging import BadCursor, Cursor, cursor
from rung.ui.tables import Column, address
from rung.web import filters, happenings, shell
from rung.web.chips import chips
from rung.web.filters import BadClause, Wrong
from rung.web.links import company_href, person_href
from rung.web.views import View, views

LONGEST_TEXT: Final = 100
_ORDERS: Final = {
    "last": "newest event first",
    "score": "highest score first",
    "since": "newest on their rung first",
}
_ORDERS_UP: Final = {
    "last": "longest silence first",
    "score": "lowest score first",
    "since": "longest on their rung first",
}


@dataclass(frozen=True, slots=True)
class Question:
    """The address, understood: what is asked, and what was wrong with how it was asked."""

    typed: str
    """What stands in the field, right or wrong."""
    condition: Condition | None
    where: str
    """The canonical text of the condition that the table shows."""
    wrong: Wrong | None
    text: str
    is_anonymous: bool
    sort: str
    is_up: bool
    start: Cursor | None

    def link(self, **changed: str | None) -> str:
        """The address of the same question with some parts changed; a changed question starts at its first page."""
        parts: dict[str, str | None] = {
            "who": "visitors" if self.is_anonymous else None,
            "where": self.where,
            "q": self.text,
            "sort": _sort_text(self.sort, self.is_up),
        }
        return address(reverse("people"), **{**parts, **changed})

    @property
    def sort_text(self) -> str:
        return _sort_text(self.sort, self.is_up) or ""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table with its words."""

    row: PersonRow
    href: str
    company_href: str
    rung_label: str
    happened: str
    last_at: int | None


@require_GET
def people(request: HttpRequest) -> HttpResponse:
    at = this_instant()
    in_force = published.in_force()
    playbook = in_force.playbook
    question = question_of(request.GET, playbook)
    page = queries.people_page(asked(question), generation_id=in_force.generation_id, at=at)
    kept = views_for(request.user) if isinstance(request.user, User) else []
    view = next((view for view in views(playbook) if view.where == question.where and not question.is_anonymous), None)
    context: dict[str, Any] = {
        "firm": playbook.name,
        "question": question,
        "title": _title(question, view, page.total),
        "said": _said(question, page.total),
        "tabs": _tabs(question, playbook, kept),
        "kept": next((view for view in kept if _is(view, question)), None),
        "sort": question.sort_text,
        "acts": _acts(request.user, in_force.playbook),
        "total": page.total,
        "chips": [(chip, question.link(where=chip.rest)) for chip in chips(question.condition, playbook.short_label)],
        "columns": _columns(question),
        "lines": [line(row, playbook) for row in page.rows],
        "newer": question.link(page=page.newer) if page.newer else "",
        "older": question.link(page=page.older) if page.older else "",
        "foot": _foot(page.total, len(page.rows), playbook, in_force.generation_id),
        "empty": _empty(question, view, in_force.generation_id),
        "menu": filters.menu(playbook),
        "hows": filters.HOWS,
        "rungs": [(code, playbook.short_label(code)) for code in playbook.rungs],
        "without_text": question.link(q=None),
        "fixed": question.link(where=question.wrong.fixed) if question.wrong and question.wrong.fixed else "",
    }
    response = shell.page(request, "web/people.html", {**context, "now": at}, place="people")
    if request.headers.get("HX-Request") and (request.GET.get("add") or question.wrong is None):
        # The address always says the condition that the table shows, in its canonical words.
        response.headers["HX-Push-Url"] = question.link(page=request.GET.get("page"))
    return response


@require_GET
def people_counts(request: HttpRequest) -> HttpResponse:
    """The numbers on the tabs, asked for after the page is shown, because nobody should wait for them."""
    in_force = published.in_force()
    made = views(in_force.playbook)
    numbers = _numbers(made, in_force.generation_id, in_force.playbook, this_instant())
    question = question_of(request.GET, in_force.playbook)
    counted = dict(zip(["", *(view.where for view in made)], map(words.count, numbers), strict=True))
    kept = views_for(request.user) if isinstance(request.user, User) else []
    return shell.page(request, "web/people_tabs.html", {"tabs": _tabs(question, in_force.playbook, kept, counted)})


def _numbers(made: tuple[View, ...], generation_id: int | None, playbook: Playbook, at: int) -> list[int]:
    """Everyone first, then each view. Kept for a minute: six counts are the dearest question these pages ask."""
    key = f"people-tabs:{generation_id}:{queries.latest_seq()}"
    kept: list[int] | None = cache.get(key)
    if kept is None:
        conditions = [filters.read(view.where, playbook)[0] for view in made]
        kept = queries.count_people([None, *conditions], generation_id=generation_id, at=at)
        cache.set(key, kept, 60)
    return kept


def question_of(get: QueryDict, playbook: Playbook) -> Question:
    """What an address or a form asks a list for."""
    typed = get.get("where", "").strip()[:2_000]
    condition, wrong = filters.read(typed, playbook)
    if wrong is not None:
        condition, _ = filters.read(get.get("last", "")[:2_000], playbook)
    if get.get("add"):
        try:
            typed = filters.with_clause(
                condition, fact=get["add"], how=get.get("how", ""), value=get.get("value", "")[:200], playbook=playbook
            )
            condition, wrong = filters.read(typed, playbook)
        except BadClause as fault:
            wrong = Wrong(said=str(fault), at=-1)
    sort, is_up = _sort(get.get("sort", ""))
    return Question(
        typed=typed,
        condition=condition,
        where=source(condition) if condition is not None else "",
        wrong=wrong,
        text=_clean(get.get("q", "")),
        is_anonymous=get.get("who") == "visitors",
        sort=sort,
        is_up=is_up,
        start=_start(get.get("page", ""), sort),
    )


def asked(question: Question) -> Asked:
    return Asked(
        where=question.condition,
        text=question.text,
        is_anonymous=question.is_anonymous,
        sort=question.sort,
        is_up=question.is_up,
        start=question.start,
    )


def _clean(text: str) -> str:
    try:
        return clean_text(text[:LONGEST_TEXT], "search")
    except BadValue:
        return ""


def _sort(text: str) -> tuple[str, bool]:
    name, _, way = text.partition(".")
    return (name, way == "up") if name in queries.PEOPLE_SORTS else ("last", False)


def _sort_text(sort: str, is_up: bool) -> str | None:
    return None if (sort, is_up) == ("last", False) else f"{sort}.up" if is_up else sort


def _start(text: str, sort: str) -> Cursor | None:
    if not text:
        return None
    try:
        return cursor(text, kinds=(queries.PEOPLE_SORTS[sort][1], int))
    except BadCursor:
        return None


def _title(question: Question, view: View | None, total: int) -> str:
    if question.text:
        return f"{words.people(total)} found for “{question.text}”"
    if question.is_anonymous:
        return f"{words.count(total)} {'visitor has' if total == 1 else 'visitors have'} not said who they are"
    if view:
        return view.sentence(total)
    if question.condition is None:
        return f"{words.people(total)} {'is' if total == 1 else 'are'} known to you" if total else "Nobody is known yet"
    return f"{words.people(total)} {'matches' if total == 1 else 'match'}" if total else "Nobody matches"


def _said(question: Question, total: int) -> str:
    order = (_ORDERS_UP if question.is_up else _ORDERS)[question.sort]
    return f"{order.capitalize()}." if total else ""


def _is(view: SavedView, question: Question) -> bool:
    """Whether the list is this view: the same people in the same order."""
    asked_for = (question.where, question.text, question.sort_text, question.is_anonymous)
    return (view.where, view.text, view.sort, view.is_anonymous) == asked_for


def _href(view: SavedView) -> str:
    who = "visitors" if view.is_anonymous else None
    return address(reverse("people"), who=who, where=view.where, q=view.text, sort=view.sort or None)


def _acts(user: Any, playbook: Playbook) -> dict[str, Any]:
    """What this user may do to those who are selected, and whom they can be given to."""
    may = {kind for kind, verb in bulk_acts.VERBS.items() if user.may(verb)}
    owners = [(each.email, each.name or each.email) for each in users()] if "owner" in may else []
    return {
        "may": may,
        "owners": owners,
        "can_export": user.may("export"),
        "sequences": [each.name for each in playbook.sequences] if user.may("log touches") else [],
        "has_team": user.team_id is not None,
    }


def _tabs(
    question: Question, playbook: Playbook, kept: Sequence[SavedView], counted: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    counted = counted or {}
    known = not question.is_anonymous and not question.text
    items = [("Everyone", "", reverse("people"))]
    items += [(view.label, view.where, address(reverse("people"), where=view.where)) for view in views(playbook)]
    tabs: list[dict[str, Any]] = [
        {
            "label": label,
            "href": href,
            "is_current": known and question.where == where,
            "count": counted.get(where),
            "tip": where,
        }
        for label, where, href in items
    ]
    visitors = {"label": "Visitors", "href": address(reverse("people"), who="visitors"), "count": None}
    saved = [
        {
            "label": view.name,
            "href": _href(view),
            "is_current": _is(view, question),
            "count": None,
            "tip": view.where or view.text,
        }
        for view in kept
    ]
    is_saved = any(each["is_current"] for each in saved)
    tabs = [{**tab, "is_current": tab["is_current"] and not is_saved} for tab in tabs]
    is_visitors = question.is_anonymous and not is_saved
    tip = "people who have not said who they are"
    return [*tabs, {**visitors, "is_current": is_visitors, "tip": tip}, *saved]


def _columns(question: Question) -> list[Column]:
    def sorting(label: str, name: str, tip: str, css: str = "") -> Column:
        is_this = question.sort == name
        turned = is_this and not question.is_up
        href = question.link(sort=_sort_text(name, turned))
        order = ("ascending" if question.is_up else "descending") if is_this else ""
        return Column(label, href, order, is_number=True, tip=tip, css=css)

    return [
        Column("Person"),
        Column("Company", css="hide-s"),
        Column("Rung", css="c-rung"),
        sorting("Score", "score", "Sort by score", "c-score"),
        Column("Fit", is_number=True, css="hide-s"),
        Column("Last event", css="hide-s"),
        sorting("Ago", "last", "Sort by the last event", "hide-s"),
        Column("Owner", css="hide-s"),
    ]


def line(row: PersonRow, playbook: Playbook) -> Line:
    """The row with the words of this playbook."""
    return Line(
        row=row,
        href=person_href(row.uuid),
        company_href=company_href(row.company_uuid) if row.company_uuid else "",
        rung_label=playbook.short_label(row.stage if row.status == "active" else row.status),
        happened=happenings.said(row.last.kind, row.last.data) if row.last else "",
        last_at=row.last.at if row.last else None,
    )


def _foot(total: int, shown: int, playbook: Playbook, generation_id: int | None) -> str:
    if generation_id is None:
        return "No playbook is published yet, so nobody stands anywhere."
    listed = f"{words.people(total)}" if shown == total else f"{shown} of {words.people(total)}"
    return f"{listed}. Scores as last decided, playbook {playbook.version[:7]}."


def _empty(question: Question, view: View | None, generation_id: int | None) -> dict[str, str]:
    if generation_id is None:
        words_ = "Publish a playbook: rung playbook publish playbooks/default.yaml. Then everybody gets a rung."
        return {"title": "No playbook is in force", "words": words_, "href": "", "act": ""}
    if question.text:
        words_ = "Search looks at the beginning of each word of a name, of the address, and of the company."
        return {
            "title": f"Nobody is called “{question.text}”",
            "words": words_,
            "href": question.link(q=None),
            "act": "Show all",
        }
    if view:
        return {"title": "Nobody is here", "words": view.nobody, "href": reverse("people"), "act": "Show everyone"}
    if question.condition is not None:
        words_ = "Take a chip away, or loosen a number: each chip must hold."
        return {"title": "Nobody matches", "words": words_, "href": reverse("people"), "act": "Show everyone"}
    words_ = "People show up here as soon as a form is sent, a list is imported, or the site is connected."
    return {"title": "Nobody is here yet", "words": words_, "href": "", "act": ""}
