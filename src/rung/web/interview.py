"""The SLA interview: six questions, one a screen, the firm's own evidence beside each, and a sheet to sign."""

from collections.abc import Mapping
from datetime import date
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from rung.access.actions import Refused
from rung.access.models import User
from rung.insight import interviewing, telling, trying_later
from rung.insight.evidence import Row
from rung.insight.models import Backtest, Interview
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.playbook.definitions import Playbook
from rung.playbook.diff import diff_in_words
from rung.playbook.interview import QUESTIONS, Question, answers_in
from rung.terms.instants import moment
from rung.web import shell
from rung.web.agreement import one_page
from rung.web.interview_forms import fields_of, told_by
from rung.web.links import people_href
from rung.web.proposals import signing

WEIGHED: Final = ("opened", "accepted", "rejected", "opportunity", "caught", "hours", "precision")
"""The figures beside an answer; the others are on the backtest's own page."""


@require_GET
def interviews(request: HttpRequest) -> HttpResponse:
    """GET interviews: what it is, the six questions, and those that were begun."""
    _require(request)
    begun = list(Interview.objects.order_by("-started_at")[:20])
    names = dict(User.objects.filter(email__in={each.started_by for each in begun}).values_list("email", "name"))
    context = {
        "questions": QUESTIONS,
        "playbook": published.playbook(),
        "begun": [
            {
                "interview": each,
                "by": names.get(each.started_by, each.started_by),
                "answered": len(each.answers),
                "href": _href(each, interviewing.next_question(each)),
            }
            for each in begun
        ],
    }
    return shell.page(request, "web/interviews.html", context, place="playbook")


@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """POST interviews/new: begins one about the playbook in force."""
    _require(request)
    interview = interviewing.begin(by=_user(request), at=this_instant())
    return HttpResponseRedirect(_href(interview, 1), status=303)


@require_GET
def question(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """GET interviews/<uuid>/<1 to 6>."""
    _require(request)
    return _screen(request, get_object_or_404(Interview, uuid=uuid), _question(number))


@require_POST
def answer(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """POST interviews/<uuid>/<1 to 6>/answer: keeps the answer (or leaves it open) and goes on. 409 says why not."""
    _require(request)
    interview, asked = get_object_or_404(Interview, uuid=uuid), _question(number)
    by, at = _user(request), this_instant()
    told: dict[str, object] | None = None
    try:
        if "leave" in request.POST:
            interviewing.leave_open(interview=interview, question=asked.name, by=by, at=at)
        else:
            told = told_by(asked, request.POST)
            interviewing.answer(interview=interview, question=asked.name, told=told, by=by, at=at)
    except Refused as refusal:
        return _screen(request, interview, asked, told=told, refusal=str(refusal), status=409)
    return HttpResponseRedirect(_href(interview, number + 1), status=303)


@require_POST
def effect(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """POST interviews/<uuid>/<1 to 6>/effect: what the answer would change, in words, as it is being given."""
    _require(request)
    interview, asked = get_object_or_404(Interview, uuid=uuid), _question(number)
    context = _effect(interview, asked, request.POST) | {"is_part": True}
    if tried := context.get("tried"):
        assert isinstance(tried, Playbook)
        context |= _trial(interview, trying_later.ask(text=tried.text, by=_user(request), at=this_instant()))
    return render(request, "web/_interview_effect.html", context)


@require_GET
def trial(request: HttpRequest, uuid: UUID, trial: UUID) -> HttpResponse:
    """GET interviews/<uuid>/trials/<uuid>: the replay of the answers so far; asked again until it is done."""
    _require(request)
    interview, run = get_object_or_404(Interview, uuid=uuid), get_object_or_404(Backtest, uuid=trial)
    context = _trial(interview, run) | {"is_part": True, "is_looking": True}
    return render(request, "web/_interview_trial.html", context)


@require_GET
def evidence(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """GET interviews/<uuid>/<1 to 6>/evidence: asked again until the worker has read the history."""
    _require(request)
    interview, asked = get_object_or_404(Interview, uuid=uuid), _question(number)
    form = _fields(interview, asked)
    context = {"question": asked, "form": form, "is_part": True, **_evidence(interview, asked)}
    return render(request, "web/_interview_evidence.html", context)


@require_GET
def agreement(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """GET interviews/<uuid>/agreement: what was agreed, on one sheet, to be printed and signed."""
    _require(request)
    return _on_one_page(request, get_object_or_404(Interview, uuid=uuid))


@require_POST
def propose(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST interviews/<uuid>/proposal: what was agreed goes to both sides to sign."""
    _require(request)
    interview, at = get_object_or_404(Interview, uuid=uuid), this_instant()
    try:
        proposal = interviewing.propose(interview=interview, by=_user(request), at=at, on=_today(at))
    except Refused as refusal:
        return _on_one_page(request, interview, refusal=str(refusal), status=409)
    return HttpResponseRedirect(reverse("proposal", args=[proposal.uuid]), status=303)


# --- a screen


def _screen(
    request: HttpRequest,
    interview: Interview,
    asked: Question,
    *,
    told: Mapping[str, object] | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    """The screen; a refused answer stands in its fields as it was typed."""
    is_typed = request.method == "POST"
    kept = interview.answers.get(asked.name)
    current = _effect(interview, asked, request.POST if is_typed else None)
    context = {
        "interview": interview,
        "question": asked,
        "steps": _steps(interview, asked.number),
        "is_answered": kept is not None,
        "form": _fields(interview, asked, told),
        "template": f"web/_interview_{asked.name}.html",
        "before": _href(interview, asked.number - 1) if asked.number > 1 else reverse("interviews"),
        "refusal": refusal,
        **_evidence(interview, asked),
        **current,
    }
    return shell.page(request, "web/interview.html", context, place="playbook", status=status)


def _on_one_page(request: HttpRequest, interview: Interview, *, refusal: str = "", status: int = 200) -> HttpResponse:
    before, proposal = published.playbook(), interviewing.proposal_of(interview)
    today = _today(this_instant())
    text = interviewing.agreed(interview, on=today) if proposal is None else proposal.text
    playbook = trying_later.read(text)
    opened = [each for each in QUESTIONS if each.name not in interview.answers]
    changes = diff_in_words(before, playbook)
    context = {
        "interview": interview,
        "playbook": playbook,
        "proposal": proposal,
        "steps": _steps(interview, 0),
        "open": opened,
        "changes": changes,
        "may_renew": not opened and not changes,
        "one_page": one_page(playbook),
        "signing": signing(proposal, playbook),
        "today": today,
        "refusal": refusal,
    }
    return shell.page(request, "web/interview_agreement.html", context, place="playbook", status=status)


def _effect(interview: Interview, asked: Question, typed: QueryDict | None) -> dict[str, object]:
    """What the answers so far, with this one as it is typed, change against the playbook in force."""
    answers = dict(interview.answers)
    try:
        if typed is not None:
            answers[asked.name] = told_by(asked, typed)
        playbook = interviewing.playbook_of(interview, answers)
    except Refused as refusal:
        return {"effect_refusal": str(refusal), "changes": ()}
    changes = diff_in_words(published.playbook(), playbook)
    return {"changes": changes, "tried": playbook if changes else None, "effect_refusal": ""}


def _trial(interview: Interview, run: Backtest) -> dict[str, object]:
    told: dict[str, object] = {"run": run, "trial_href": reverse("interview-trial", args=[interview.uuid, run.uuid])}
    if run.state == "done":
        old, new = trying_later.read(run.old_text), trying_later.read(run.new_text)
        page = telling.page(trying_later.result_of(run), old, new)
        told |= {
            "page": page,
            "lines": [line for line in page.lines if line.id in WEIGHED],
            "people_href": reverse("trial-people", args=[run.uuid]),
        }
    return told


def _evidence(interview: Interview, asked: Question) -> dict[str, object]:
    found = interviewing.evidence_of(interview).get(asked.name)
    rows = found.rows if found else ()
    return {
        "evidence": found,
        "evidence_rows": [_shown(row) for row in rows],
        "has_accepted": any(row.accepted is not None for row in rows),
        "evidence_href": reverse("interview-evidence", args=[interview.uuid, asked.number]),
    }


def _shown(row: Row) -> dict[str, object]:
    return {
        "row": row,
        "href": people_href(row.where) if row.where and row.people else "",
        "won_href": people_href(f"({row.where}) and is_customer") if row.where and row.won else "",
        "share": 100 * (row.share or 0),
        "accepted": None if row.accepted_share is None else 100 * row.accepted_share,
    }


def _steps(interview: Interview, current: int) -> list[dict[str, object]]:
    return [
        {
            "number": each.number,
            "decides": each.decides,
            "href": _href(interview, each.number),
            "is_current": each.number == current,
            "is_answered": each.name in interview.answers,
        }
        for each in QUESTIONS
    ]


def _fields(interview: Interview, asked: Question, told: Mapping[str, object] | None = None) -> dict[str, object]:
    playbook = interviewing.playbook_of(interview, {})
    told = interview.answers.get(asked.name) if told is None else told
    if told is None:
        said = getattr(answers_in(playbook), asked.name)
        told = {} if said is None else msgspec.to_builtins(said)
    return fields_of(asked, told, playbook, interviewing.evidence_of(interview).get(asked.name))


def _question(number: int) -> Question:
    if not 1 <= number <= len(QUESTIONS):
        raise Http404
    return QUESTIONS[number - 1]


def _href(interview: Interview, number: int) -> str:
    if number > len(QUESTIONS):
        return reverse("interview-agreement", args=[interview.uuid])
    return reverse("interview-question", args=[interview.uuid, number])


def _today(at: int) -> date:
    """The day in the zone in which the firm cuts its days."""
    return moment(at).astimezone(ZoneInfo(published.playbook().calendar.timezone)).date()


def _require(request: HttpRequest) -> None:
    if not _user(request).may("hold interview"):
        raise PermissionDenied


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
