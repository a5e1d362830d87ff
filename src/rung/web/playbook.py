"""The playbook: in plain words, as its file with check-as-you-type, and its history; from here it is put in force."""

import re
from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from rung.access.actions import Refused
from rung.access.models import User
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published, publishing_later
from rung.lifecycle.published import Version
from rung.playbook import shipped
from rung.playbook.definitions import SIDES, Playbook, Side
from rung.playbook.diff import Change, diff_in_words
from rung.playbook.faults import Fault
from rung.playbook.loading import check
from rung.playbook.words import plain_words
from rung.terms.instants import moment
from rung.web import shell

TABS: Final = (("words", "Plain words"), ("source", "Edit and check"), ("history", "History"))
LONGEST: Final = 64 * 1024
"""Bytes of a playbook: longer text is refused before anything looks at it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checker says of a text: its faults, its doubts, and what would change, in words."""

    faults: tuple[Fault, ...]
    doubts: tuple[Fault, ...]
    changes: tuple[Change, ...]
    version: str
    is_in_force: bool

    @property
    def can_be_published(self) -> bool:
        return not self.faults and not self.is_in_force


@require_GET
def playbook(request: HttpRequest) -> HttpResponse:
    """GET playbook?tab=words|source|history; `from=<shipped name or version>` opens that text in the editor."""
    tab = request.GET.get("tab", "words")
    if tab not in dict(TABS):
        tab = "words"
    force = published.in_force()
    pending = publishing_later.pending()
    context = {
        "playbook": force.playbook,
        "since_at": force.since_at,
        "tab": tab,
        "tabs": [
            {"label": label, "href": f"?tab={code}", "is_current": code == tab, "count": None} for code, label in TABS
        ],
        "said": _said(force.playbook),
        "sides": [(side, _signature(force.playbook, side)) for side in SIDES],
        "is_review_due": _is_review_due(force.playbook),
        "pending": pending,
    }
    return shell.page(request, "web/playbook.html", context | _of_tab(request, tab, force.playbook), place="playbook")


@require_POST
def checked(request: HttpRequest) -> HttpResponse:
    """POST playbook/verdict: what the checker says of the text; changes nothing."""
    text = request.POST.get("text", "")
    context = {"verdict": _verdict(text, published.playbook()), "may_publish": _may_publish(request)}
    return render(request, "web/_verdict.html", context)


@require_POST
def publication(request: HttpRequest) -> HttpResponse:
    """POST playbook/publication: ask the worker to put the text in force; 422 with the faults when it cannot be."""
    text = request.POST.get("text", "")
    verdict = _verdict(text, published.playbook())
    if verdict.faults:
        return render(request, "web/_verdict.html", {"verdict": verdict}, status=422)
    assert isinstance(request.user, User)
    try:
        publishing_later.ask(text=text, by=request.user, at=this_instant())
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return HttpResponseRedirect(f"{reverse('playbook')}?tab=source", status=303)
    messages.info(
        request, "Everybody is being decided by the new playbook. You can leave; the old one holds until then."
    )
    return HttpResponseRedirect(f"{reverse('playbook')}?tab=history", status=303)


@require_GET
def publication_state(request: HttpRequest) -> HttpResponse:
    """GET playbook/publication/state: how far the worker is; asked every two seconds while something is pending."""
    pending = publishing_later.pending()
    response = render(request, "web/_publication.html", {"pending": pending})
    if pending is None:
        response["HX-Refresh"] = "true"
    return response


@require_GET
def version(request: HttpRequest, version: str) -> HttpResponse:
    """GET playbook/versions/<first digits>: one earlier version in words, and what the next one changed."""
    found = published.version(version)
    if found is None:
        raise Http404
    versions = published.versions()
    index = next(index for index, each in enumerate(versions) if each.version == found.version)
    before = versions[index + 1] if index + 1 < len(versions) else None
    context = {
        "found": found,
        "sections": plain_words(found.playbook),
        "before": before,
        "changes": diff_in_words(before.playbook, found.playbook) if before else (),
    }
    return shell.page(request, "web/playbook_version.html", context, place="playbook")


def _of_tab(request: HttpRequest, tab: str, in_force: Playbook) -> dict[str, object]:
    if tab == "words":
        return {"sections": plain_words(in_force)}
    if tab == "history":
        versions = published.versions()
        return {"versions": _with_changes(versions)}
    text, name = _text_to_edit(request.GET.get("from", ""), in_force)
    return {
        "text": text,
        "text_name": name,
        "numbers": range(1, text.count("\n") + 2),
        "shipped": shipped.shipped(),
        "verdict": _verdict(text, in_force),
        "may_publish": _may_publish(request),
    }


def _with_changes(versions: list[Version]) -> list[tuple[Version, tuple[Change, ...]]]:
    rows = []
    for index, each in enumerate(versions):
        before = versions[index + 1] if index + 1 < len(versions) else None
        rows.append((each, diff_in_words(before.playbook, each.playbook) if before else ()))
    return rows


def _text_to_edit(wanted: str, in_force: Playbook) -> tuple[str, str]:
    if wanted in shipped.shipped():
        return shipped.read(wanted), f"{wanted}.yaml"
    earlier = published.version(wanted) if re.fullmatch(r"[0-9a-f]{6,64}", wanted) else None
    if earlier is not None:
        return earlier.playbook.text, f"version {earlier.version[:12]}"
    return in_force.text, "the one in force"


def _verdict(text: str, in_force: Playbook) -> Verdict:
    text = text.replace("\r\n", "\n")
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
