"""Team: what is about to be late and whose it is, who has room, who is away, and who stands without an owner."""

from collections.abc import Callable
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from rung.access.models import User
from rung.access.rules import NotAllowed, Refused
from rung.handoff import actions
from rung.handoff import team as desk
from rung.handoff.models import Assignment
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.playbook.definitions import Playbook
from rung.terms.instants import moment
from rung.ui import words
from rung.web import shell
from rung.web.handoffs import Line, line_of
from rung.web.links import person_href


@require_GET
def team(request: HttpRequest) -> HttpResponse:
    """GET team: the manager's day."""
    assert isinstance(request.user, User)
    if not request.user.may("see team"):
        raise PermissionDenied("The team's page is for those who lead it.")
    return _page(request)


@require_POST
def assignment(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST handoffs/<uuid>/assignment {to, because}: onto another desk."""
    found = get_object_or_404(Assignment, handoff__uuid=uuid)
    said = request.POST

    def change(by: User, at: int) -> str:
        to = _rep(said.get("to", ""))
        actions.reassign(handoff_id=found.pk, to=to, by=by, at=at, because=said.get("because", ""))
        return f"{to} has it now; the clock runs on."

    return _changed(request, change)


@require_POST
def rep(request: HttpRequest, user_id: int) -> HttpResponse:
    """POST team/<id>/desk {capacity, countries, skills}."""
    user, said = get_object_or_404(User, pk=user_id), request.POST

    def change(by: User, at: int) -> str:
        desk.set_rep(
            user=user,
            capacity=said.get("capacity", "").strip(),
            countries=said.get("countries", ""),
            skills=said.get("skills", ""),
            by=by,
            at=at,
        )
        return f"Kept for {user}. It counts from the next hand-off on."

    return _changed(request, change)


@require_POST
def absence(request: HttpRequest, user_id: int) -> HttpResponse:
    """POST team/<id>/absence {from, until}, or {back: yes}."""
    user, said = get_object_or_404(User, pk=user_id), request.POST

    def change(by: User, at: int) -> str:
        if said.get("back"):
            desk.end_absences(user=user, by=by, at=at, playbook=published.playbook())
            return f"{user} is back and gets hand-offs again."
        noted = desk.set_absence(
            user=user,
            first=said.get("from", ""),
            last=said.get("until", ""),
            by=by,
            at=at,
            playbook=published.playbook(),
        )
        return f"{user} gets no new hand-offs until {noted.until_date.day} {noted.until_date:%B}."

    return _changed(request, change)


def _changed(request: HttpRequest, change: Callable[[User, int], str]) -> HttpResponse:
    assert isinstance(request.user, User)
    try:
        messages.success(request, change(request.user, this_instant()))
    except NotAllowed as fault:
        raise PermissionDenied(str(fault)) from None
    except Refused as fault:
        return _page(request, refusal=str(fault), status=409) if request.user.may("see team") else _plain(str(fault))
    return redirect("team")


def _plain(refusal: str) -> HttpResponse:
    return HttpResponse(refusal, status=409, content_type="text/plain; charset=utf-8")


def _rep(text: str) -> User:
    found = User.objects.filter(pk=int(text)).first() if text.isascii() and text.isdigit() and len(text) < 10 else None
    if found is None:
        raise desk.CannotChange("Choose who gets it.")
    return found


def _page(request: HttpRequest, *, refusal: str = "", status: int = 200) -> HttpResponse:
    force, now = published.in_force(), this_instant()
    if force.generation_id is None:
        raise Http404
    zone = ZoneInfo(force.playbook.calendar.timezone)
    asked = request.GET.get("loose", "")
    page = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0
    found = desk.team(force, at=now, page=page)
    lines = [(line_of(row, force.playbook, now=now, zone=zone), owner) for row, owner, _ in found.rows]
    context = {
        "said": _said(found, lines),
        "then": _then(found),
        "refusal": refusal,
        "lines": lines,
        "members": [_member(each, force.playbook) for each in found.members],
        "firm": force.playbook.name,
        "nobody": found.nobody,
        "loose": [
            {
                "name": row.person.called,
                "company": str(row.person.company) if row.person.company_id else "",
                "href": person_href(str(row.person.uuid)),
                "stage": row.stage,
                "lacks": f"{row.owner}, no next step" if row.owner else "no owner",
            }
            for row in found.loose
        ],
        "loose_count": found.loose_count,
        "loose_page": page,
        "loose_next": page + 1 if found.loose_count > max(page * desk.LOOSE_A_PAGE, desk.MOST_LOOSE) else 0,
        "reps": found.members,
        "today": moment(now).astimezone(zone).date().isoformat(),
        "cadence": _cadence(force.playbook),
        "goal": force.playbook.duties.accepted_within_sla,
        "now": now,
        "zone": zone,
    }
    return shell.page(request, "web/team.html", context, place="team", status=status)


def _said(found: desk.Team, lines: list[tuple[Line, str]]) -> str:
    """The title: what is late, else what will be, else who has most."""
    late, soon = sum(each.late for each in found.members), sum(each.soon for each in found.members)
    if found.nobody:
        return f"{_handoffs(found.nobody)} with nobody: give {'it' if found.nobody == 1 else 'them'} to somebody"
    if late:
        worst = max(found.members, key=lambda each: each.late)
        whose = f"with {worst.name}" if worst.late == late else f"{worst.late} of them with {worst.name}"
        return f"{_handoffs(late)} late, {whose}"
    if soon and lines:
        return f"Nothing is late; {_handoffs(soon)} due within the hour, {lines[0][0].row.name} first"
    waiting = sum(each.waiting for each in found.members)
    return f"Nothing is late; {_handoffs(waiting)} waiting" if waiting else "Nothing is late, and nothing waits"


def _handoffs(count: int) -> str:
    return f"{count} hand-off is" if count == 1 else f"{count} hand-offs are"


def _then(found: desk.Team) -> str:
    answered = sum(each.answered for each in found.members)
    in_time = sum(each.in_time for each in found.members)
    if not answered:
        return "Nobody has answered a hand-off in the last 30 days."
    slowest = min((each for each in found.members if each.answered >= 5), key=_share, default=None)
    slow = (
        f" {slowest.name} answers least often in time: {slowest.in_time} of {slowest.answered}."
        if slowest and _share(slowest) < 0.95
        else ""
    )
    return f"In the last 30 days {in_time} of {answered} were answered in time.{slow}"


def _share(member: desk.Member) -> float:
    return member.in_time / member.answered if member.answered else 1.0


def _member(each: desk.Member, playbook: Playbook) -> dict[str, Any]:
    goal = playbook.duties.accepted_within_sla
    return {
        "it": each,
        "share": words.share(each.in_time, each.answered),
        "value": 100 * _share(each),
        "tone": "warn" if goal is not None and each.answered and _share(each) < goal else "",
        "accepted": words.share(each.accepted, each.answered),
        "touch": words.duration(each.median_touch) if each.median_touch is not None else "",
        "kept": f"{each.kept} of {each.owed}" if each.owed else "–",
    }


def _cadence(playbook: Playbook) -> str:
    promised = playbook.duties.cadence
    if promised is None:
        return ""
    parts = [
        f"{getattr(promised, name)} {name}"
        for name in ("calls", "mails", "social", "letters")
        if getattr(promised, name)
    ]
    return f"{' and '.join(parts)}{f' within {promised.within}' if promised.within else ''}"
