"""The playbook: in plain words, as its file with check-as-you-type, and its history; from here it is put in force."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from rung.access.actions import Refused
from rung.access.models import User
from rung.engine.trying import leaving
from rung.engine.trying.ground import CannotTry
from rung.insight import proposals
from rung.insight.models import Backtest
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.lifecycle.published import InForce, Version
from rung.lifecycle.publishing import later as publishing_later
from rung.lifecycle.publishing.later import Pending
from rung.playbook import shipped
from rung.playbook.definitions import SIDES, Playbook, Side
from rung.playbook.diff import Change, diff_in_words
from rung.playbook.faults import Fault
from rung.playbook.loading import check
from rung.terms.instants import moment
from rung.web import shell
from rung.web.agreement import agreement
from rung.web.reasons import day_in_sentence
from rung.web.trials import PERIODS

TABS: Final = (("words", "Plain words"), ("source", "Edit and backtest"), ("history", "History"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checker says of a text: its faults, its doubts, and what would change, in words."""

    faults: tuple[Fault, ...]
    doubts: tuple[Fault, ...]
    changes: tuple[Change, ...]
    version: str
    is_in_force: bool


@require_GET
def playbook(request: HttpRequest) -> HttpResponse:
    """GET playbook?tab=words|source|history; `from=<shipped name or version>` opens that text in the editor,
    `without=<path of a part>` the one in force with that part left out; `period` is the time it is tried over."""
    tab = request.GET.get("tab", "words")
    if tab not in dict(TABS):
        tab = "words"
    force = published.in_force()
    if tab == "words":
        shown: dict[str, object] = {"groups": agreement(force.playbook)}
    elif tab == "history":
        shown = {"versions": _with_changes(published.versions(), force.playbook)}
    else:
        shown = _draft(request, force)
    return _page(request, tab, force, shown)


@require_POST
def checked(request: HttpRequest) -> HttpResponse:
    """POST playbook/verdict: what the checker says of the text; changes nothing."""
    verdict = _verdict(_typed(request), published.playbook())
    context = {"verdict": verdict, "may_publish": _may_publish(request), "is_part": True}
    return render(request, "web/_verdict.html", context | {"pending": publishing_later.pending()})


@require_POST
def publication(request: HttpRequest) -> HttpResponse:
    """POST playbook/publication: ask the worker to put the text in force.

    With faults 422, and 409 when it cannot be done now: both show the editor again with the text as it was typed.
    """
    if not _may_publish(request):
        raise PermissionDenied
    text, force = _typed(request), published.in_force()
    shown = _editor(request, text, "as you typed it", force)
    verdict = shown["verdict"]
    assert isinstance(request.user, User) and isinstance(verdict, Verdict)
    if verdict.faults:
        return _page(request, "source", force, shown, status=422)
    try:
        publishing_later.ask(text=text, by=request.user, at=this_instant())
    except Refused as refusal:
        return _page(request, "source", force, shown | {"refusal": str(refusal)}, status=409)
    messages.info(
        request, "Everybody is being decided by the new playbook. You can leave; the old one holds until then."
    )
    return HttpResponseRedirect(f"{reverse('playbook')}?tab=history", status=303)


@require_GET
def publication_state(request: HttpRequest) -> HttpResponse:
    """GET playbook/publication/state?version=…: how far the worker is; asked every two seconds while it is at it."""
    pending = publishing_later.pending()
    version = request.GET.get("version", "")
    is_done = pending is None and version == published.playbook().version
    context = {"pending": pending, "is_done": is_done, "is_lost": pending is None and bool(version) and not is_done}
    response = render(request, "web/_publication.html", context | how_far(pending))
    where = request.headers.get("HX-Current-URL", "")
    if is_done and ("tab=history" in where or "/proposals/" in where):
        # What these pages say is over. Elsewhere the page stays: somebody may be typing in the editor.
        response["HX-Refresh"] = "true"
    return response


@require_GET
def version(request: HttpRequest, version: str) -> HttpResponse:
    """GET playbook/versions/<first digits>: one earlier version in words, and what it changed."""
    found = published.version(version)
    if found is None:
        raise Http404
    versions = published.versions()
    index = next(index for index, each in enumerate(versions) if each.version == found.version)
    before = versions[index + 1] if index + 1 < len(versions) else None
    context = {
        "found": found,
        "by": _names([found])[found.published_by],
        "on": _day(found.published_at, found.playbook),
        "groups": agreement(found.playbook),
        "before": before,
        "changes": diff_in_words(before.playbook, found.playbook) if before else (),
    }
    return shell.page(request, "web/playbook_version.html", context, place="playbook")


def _page(
    request: HttpRequest, tab: str, force: InForce, shown: Mapping[str, object], *, status: int = 200
) -> HttpResponse:
    pending = publishing_later.pending()
    context = {
        "playbook": force.playbook,
        "since": "" if force.since_at is None else _day(force.since_at, force.playbook),
        "tab": tab,
        "tabs": [
            {"label": label, "href": f"?tab={code}", "is_current": code == tab, "count": None} for code, label in TABS
        ]
        + [
            {"label": "Backtests", "href": reverse("trials"), "is_current": False, "count": None},
            {"label": "Five definitions", "href": reverse("definitions"), "is_current": False, "count": None},
        ],
        "proposals": proposals.open_proposals(),
        "is_followed": tab == "history" and publishing_later.is_followed(),
        "may_undo": _may_publish(request) and tab == "history" and publishing_later.earlier() is not None,
        "said": _said(force.playbook),
        "sides": [(side, _signature(force.playbook, side)) for side in SIDES],
        "is_review_due": _is_review_due(force.playbook),
        "may_interview": isinstance(request.user, User) and request.user.may("hold interview"),
        "pending": pending,
        **how_far(pending),
        **shown,
    }
    return shell.page(request, "web/playbook.html", context, place="playbook", status=status)


def _editor(request: HttpRequest, text: str, name: str, force: InForce) -> dict[str, object]:
    return {
        "text": text,
        "text_name": name,
        "numbers": range(1, text.count("\n") + 2),
        "shipped": shipped.shipped(),
        "periods": PERIODS,
        "period": request.GET.get("period", ""),
        "verdict": _verdict(text, force.playbook),
        "may_publish": _may_publish(request),
    }


def _typed(request: HttpRequest) -> str:
    """The text of the form; browsers send the lines of a form with \\r\\n."""
    return request.POST.get("text", "").replace("\r\n", "\n")


def _with_changes(versions: Sequence[Version], in_force: Playbook) -> list[dict[str, object]]:
    names = _names(versions)
    return [
        {
            "found": each,
            "by": names[each.published_by],
            "on": _day(each.published_at, in_force),
            "is_first": before is None,
            "changes": diff_in_words(before.playbook, each.playbook) if before else (),
        }
        for each, before in zip_longest(versions, versions[1:])
    ]


def _names(versions: Sequence[Version]) -> dict[str, str]:
    """Who published, by the name under which the history holds them."""
    told = {each.published_by for each in versions}
    known = dict(User.objects.filter(email__in=told).values_list("email", "name"))
    return {by: known.get(by, "Rung itself" if by == "system" else by) for by in told}


def how_far(pending: Pending | None) -> dict[str, object]:
    """Who asked for a playbook to be put in force, and the share of people who are decided, 0 to 100."""
    if pending is None:
        return {}
    name = User.objects.filter(email=pending.asked_by).values_list("name", flat=True).first()
    return {"asked_by": name or pending.asked_by, "share": 100 * pending.decided / max(1, pending.people)}


def _day(at: int, playbook: Playbook) -> str:
    return day_in_sentence(at, this_instant(), ZoneInfo(playbook.calendar.timezone))


def _draft(request: HttpRequest, force: InForce) -> dict[str, object]:
    """The editor with the text that the address asks for."""
    if path := request.GET.get("without", ""):
        try:
            it = leaving.part(force.playbook, path)
            return _editor(request, leaving.text_without(force.playbook, it), f"without “{it.name}”", force)
        except CannotTry as refusal:
            return _editor(request, force.playbook.text, "the one in force", force) | {"refusal": str(refusal)}
    wanted = request.GET.get("trial") or request.GET.get("from", "")
    return _editor(request, *_text_to_edit(wanted, force.playbook), force)


def _text_to_edit(wanted: str, in_force: Playbook) -> tuple[str, str]:
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", wanted):
        run = Backtest.objects.filter(uuid=wanted).first()
        if run is not None:
            return run.new_text, f"as tried, {run.new_version[:12]}"
    if wanted in shipped.shipped():
        return shipped.read(wanted), f"{wanted}.yaml"
    earlier = published.version(wanted) if re.fullmatch(r"[0-9a-f]{6,64}", wanted) else None
    if earlier is not None:
        return earlier.playbook.text, f"version {earlier.version[:12]}"
    return in_force.text, "the one in force"


def _verdict(text: str, in_force: Playbook) -> Verdict:
    today = moment(this_instant()).date()
    found, faults, doubts = check(text, "playbook.yaml", today=today)
    if found is None or faults:
        return Verdict(tuple(faults), tuple(doubts), (), "", False)
    is_in_force = found.version == in_force.version
    return Verdict((), tuple(doubts), diff_in_words(in_force, found), found.version, is_in_force)


def _said(in_force: Playbook) -> str:
    """The sentence at the top left: what the hand-off asks, and whether both sides stand by it."""
    missing = [side for side in SIDES if not in_force.is_signed_by(side)]
    label = in_force.label(in_force.handoff.on)
    if not missing:
        return f"Both sides signed what a {label.lower()} is"
    if len(missing) == len(SIDES):
        return "Nobody has signed this playbook yet"
    return f"{missing[0].capitalize()} has not signed this playbook yet"


def _signature(in_force: Playbook, side: Side) -> str:
    found = next((each for each in in_force.signatures if each.side == side), None)
    if found is None:
        return "not signed"
    if not in_force.is_signed_by(side):
        return f"{found.who} signed another version"
    return f"{found.who}, {found.signed_date.day} {found.signed_date:%B %Y}"


def _is_review_due(in_force: Playbook) -> bool:
    return in_force.review_by is not None and in_force.review_by < moment(this_instant()).date()


def _may_publish(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.may("publish playbook")
