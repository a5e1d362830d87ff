"""A proposal's page: what would change, who has signed, and the acts: sign, put in force, withdraw, go back."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from rung.access.actions import NotAllowed, Refused
from rung.access.models import User
from rung.insight import proposals, reviewing, telling, trying_later
from rung.insight.models import Backtest, Proposal
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.lifecycle.publishing import later as publishing_later
from rung.playbook.definitions import SIDES, Playbook
from rung.playbook.diff import diff_in_words
from rung.playbook.faults import PlaybookRefused
from rung.playbook.words import day_words, listed
from rung.terms.instants import moment
from rung.web import shell
from rung.web.agreement import agreement, one_page
from rung.web.playbook import how_far
from rung.web.reasons import day_in_sentence


@require_POST
def made(request: HttpRequest) -> HttpResponse:
    """POST playbook/proposals: proposes the text to both sides."""
    user = _user(request)
    text = request.POST.get("text", "").replace("\r\n", "\n")
    trial = Backtest.objects.filter(uuid=_uuid(request.POST.get("trial", ""))).first()
    replaces = Proposal.objects.filter(uuid=_uuid(request.POST.get("replaces", "")), state="open").first()
    try:
        proposal = proposals.propose(text=text, by=user, at=this_instant(), trial=trial, replaces=replaces)
    except NotAllowed:
        raise PermissionDenied from None
    except (PlaybookRefused, Refused) as refusal:
        return shell.page(
            request, "web/proposal_refused.html", {"said": str(refusal)}, place="playbook", status=_status(refusal)
        )
    return HttpResponseRedirect(reverse("proposal", args=[proposal.uuid]), status=303)


@require_GET
def proposal(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """GET playbook/proposals/<uuid>."""
    return _page(request, get_object_or_404(Proposal.objects.select_related("proposed_by", "trial"), uuid=uuid))


@require_POST
def signature(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST playbook/proposals/<uuid>/signature: signs for `side`. 409 says why not."""
    found, side = get_object_or_404(Proposal, uuid=uuid), request.POST.get("side", "")
    if side not in SIDES:
        return _page(request, found, refusal="Say for which side you sign.", status=422)
    zone = ZoneInfo(published.playbook().calendar.timezone)
    at = this_instant()
    on = moment(at).astimezone(zone).date()
    return _act(request, found, lambda user: proposals.sign(proposal=found, side=side, by=user, at=at, on=on))


@require_POST
def withdrawal(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST playbook/proposals/<uuid>/withdrawal: takes it back."""
    found = get_object_or_404(Proposal, uuid=uuid)
    return _act(request, found, lambda user: proposals.withdraw(proposal=found, by=user, at=this_instant()))


@require_POST
def publication(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST playbook/proposals/<uuid>/publication: asks the worker to put it in force, signed as it is; with
    `what=follows` what follows is carried out, too."""
    found = get_object_or_404(Proposal, uuid=uuid)
    is_followed = request.POST.get("what") == "follows"
    return _act(
        request,
        found,
        lambda user: proposals.put_in_force(proposal=found, by=user, at=this_instant(), is_followed=is_followed),
    )


@require_POST
def counting(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST playbook/proposals/<uuid>/counting: has it counted what would follow from putting it in force."""
    found = get_object_or_404(Proposal, uuid=uuid)
    return _act(request, found, lambda user: proposals.count_what_follows(proposal=found, by=user, at=this_instant()))


@require_POST
def undoing(request: HttpRequest) -> HttpResponse:
    """POST playbook/undoing: asks the worker to put the playbook before back in force."""
    try:
        publishing_later.ask_undo(by=_user(request), at=this_instant())
    except NotAllowed:
        raise PermissionDenied from None
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.info(request, "The playbook before is being put back in force. You can leave.")
    return HttpResponseRedirect(f"{reverse('playbook')}?tab=history", status=303)


def _act(request: HttpRequest, found: Proposal, act: Any) -> HttpResponse:
    try:
        act(_user(request))
    except NotAllowed:
        raise PermissionDenied from None
    except Refused as refusal:
        return _page(request, Proposal.objects.get(pk=found.pk), refusal=str(refusal), status=409)
    return HttpResponseRedirect(reverse("proposal", args=[found.uuid]), status=303)


def _page(request: HttpRequest, found: Proposal, *, refusal: str = "", status: int = 200) -> HttpResponse:
    user = _user(request)
    force = published.in_force()
    book = trying_later.read(found.text)
    zone = ZoneInfo(force.playbook.calendar.timezone)
    signed = {each.side: each for each in found.signatures.select_related("user")}
    missing = proposals.missing_sides(found)
    is_in_force, pending = found.version == force.playbook.version, publishing_later.pending()
    context: dict[str, Any] = {
        "proposal": found,
        "playbook": book,
        "said": _said(found, missing, is_in_force),
        "on": day_in_sentence(found.proposed_at, this_instant(), zone),
        "changes": () if is_in_force else diff_in_words(force.playbook, book),
        "groups": agreement(book),
        "one_page": one_page(book),
        "signing": signing(found, book),
        "today": moment(this_instant()).astimezone(zone).date(),
        "review": _review(book) if is_in_force else "",
        "sides": [
            {
                "side": side,
                "signature": signed.get(side),
                "on": day_in_sentence(signed[side].signed_at, this_instant(), zone) if side in signed else "",
                "may_sign": found.state == "open" and side in missing and user.may(f"sign for {side}"),
            }
            for side in SIDES
        ],
        "may_publish": found.state == "open" and not missing and user.may("publish playbook"),
        "may_withdraw": found.state == "open" and (found.proposed_by_id == user.pk or user.may("publish playbook")),
        "is_in_force": is_in_force,
        "is_to_sign": bool(missing),
        "pending": pending,
        **how_far(pending),
        "refusal": refusal,
        "trial": _trial(found),
    }
    if context["may_publish"] and not is_in_force:
        context |= _following(found, zone)
    return shell.page(request, "web/proposal.html", context, place="playbook", status=status)


def signing(found: Proposal | None, playbook: Playbook) -> list[dict[str, str]]:
    """Each side with who signed and when, as the printed sheet has it; nobody where it waits for a pen."""
    zone = ZoneInfo(published.playbook().calendar.timezone)
    signed = {} if found is None else {each.side: each for each in found.signatures.select_related("user")}
    told = []
    for side in SIDES:
        each = signed.get(side)
        on = moment(each.signed_at).astimezone(zone) if each else None
        told.append({"side": side, "who": each.user.name if each else "", "on": day_words(on.date()) if on else ""})
    return told


def _trial(found: Proposal) -> dict[str, Any] | None:
    """What would change on the day it is put in force: by the trial it rests on, or one of the same definition."""
    run = found.trial or (proposals.counting(found) if found.state == "open" else None)
    if run is None or run.state != "done" or run.result is None:
        return None
    new = trying_later.read(run.new_text)
    page = telling.page(trying_later.result_of(run), trying_later.read(run.old_text), new)
    return {"run": run, "page": page, "href": reverse("trial", args=[run.uuid])}


def _following(found: Proposal, zone: ZoneInfo) -> dict[str, Any]:
    """What would follow, where it was counted, and each number's people."""
    run, counted = proposals.counting(found), proposals.following(found)
    if counted is None:
        return {"counting": run}
    href = reverse("trial-people", args=[counted.run.uuid])
    return {
        "counting": run,
        "counted": counted,
        "counted_on": day_in_sentence(counted.run.as_of or 0, this_instant(), zone),
        "opens_href": f"{href}?side=new&waits=opens",
        "withdraws_href": f"{href}?side=old&waits=withdraws",
    }


def _review(book: Playbook) -> str:
    """Who is reminded to read it again, and when."""
    if book.review_by is None:
        return ""
    who = listed(user.name for user in reviewing.reviewers(book))
    return f"{day_words(book.review_by)}, a task for {who}"


def _said(found: Proposal, missing: list[Any], is_in_force: bool) -> str:
    if is_in_force:
        return "This playbook is in force"
    said = {
        "asked": "This playbook is being put in force",
        "withdrawn": "This proposal was withdrawn",
        "replaced": "Another proposal has taken the place of this one",
    }.get(found.state)
    if said:
        return said
    if not missing:
        return "Both sides have signed: it can be put in force"
    if len(missing) == len(SIDES):
        return "Marketing and sales have to sign this"
    return f"{missing[0].capitalize()} has to sign this still"


def _status(refusal: Exception) -> int:
    return 422 if isinstance(refusal, PlaybookRefused) else 409


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
