"""Working with a person: log a call in one key, ask the next question, note what was heard. One part of a page."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from rung.access.models import User
from rung.handoff import asking, qualify, sequences, tasks
from rung.handoff.cadence import Progress
from rung.handoff.models import Task
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.lifecycle.rules import Moved
from rung.people.models import Person
from rung.playbook.definitions import Playbook
from rung.terms.instants import DAY, moment
from rung.ui import words
from rung.web.acting import attempted
from rung.web.people_found import living
from rung.web.reasons import day_in_sentence

PLANNED: Final = 8
"""Tasks with one person that are shown."""
OUTCOMES: Final = (
    ("positive", "Positive"),
    ("neutral", "Neutral"),
    ("negative", "Negative"),
    ("not_now", "Not now"),
    ("wrong_person", "Wrong person"),
    ("no_answer", "No answer"),
)
"""In the order of their keys, 1 to 6."""


@require_GET
def work(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """GET people/<uuid>/work: what to ask and what to note."""
    assert isinstance(request.user, User)
    return render(request, "web/_work.html", part(living(uuid), request.user, now=this_instant()))


def part(person: Person, by: User, *, now: int) -> dict[str, Any]:
    """What the part shows: five queries, six while a sequence goes on."""
    force = published.in_force()
    known, zone = asking.sheet(person, force, at=now), ZoneInfo(force.playbook.calendar.timezone)
    return {
        "person": person,
        "known": known,
        "outcomes": OUTCOMES,
        "frictions": frictions(force.playbook),
        "tomorrow": moment(now + DAY).astimezone(zone).date().isoformat(),
        "known_state": asking.state_in_words(known.state, zone),
        "cadence_by": _cadence_by(known.cadence, force.playbook, now),
        "may_qualify": by.may("qualify"),
        "sequences": [each.name for each in force.playbook.sequences],
        "sequence": sequences.of(person),
        "planned": [_planned(task, by, now=now, zone=zone) for task in tasks.of_person(person, most=PLANNED)],
        "may_touch": by.may("log touches"),
    }


def _planned(task: Task, by: User, *, now: int, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "it": task,
        "when": f"{words.day(task.due_at, now, zone)}, {words.clock_time(task.due_at, zone)}",
        "is_late": task.due_at < now,
        "is_mine": task.owner_id == by.pk,
    }


def _cadence_by(owed: Progress | None, playbook: Playbook, now: int) -> str:
    if owed is None or owed.due_at is None:
        return ""
    return day_in_sentence(owed.due_at, now, ZoneInfo(playbook.calendar.timezone))


def frictions(playbook: Playbook) -> list[str]:
    """The frictions that the playbook names, in the order of its letters."""
    return list(dict.fromkeys(each for letter in playbook.qualification.values() for each in letter.frictions))


@require_POST
def touches(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST people/<uuid>/touches {how, outcome, note}."""
    said = request.POST
    return _noted(
        request,
        uuid,
        lambda person, by, at: qualify.log_touch(
            person=person,
            how=said.get("how", ""),
            outcome=said.get("outcome", ""),
            note=said.get("note", ""),
            by=by,
            at=at,
        ),
    )


@require_POST
def answers(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST people/<uuid>/answers {letter, confirmed, …} or {question, answer, …}, which may tell a letter too."""
    said = {name: text for name, text in request.POST.items() if isinstance(text, str)}
    if said.get("letter") and not said.get("question"):
        return _noted(
            request,
            uuid,
            lambda person, by, at: qualify.answer_letter(
                person=person, letter=said["letter"], confirmed=said.get("confirmed", ""), told=said, by=by, at=at
            ),
        )
    return _noted(
        request,
        uuid,
        lambda person, by, at: qualify.answer_question(
            person=person,
            question=said.get("question", ""),
            answer=said.get("answer") or said.get("value", ""),
            confirmed=said.get("confirmed", ""),
            told=said,
            playbook=published.playbook(),
            by=by,
            at=at,
        ),
    )


@require_POST
def admissions(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST people/<uuid>/admissions {admission}."""
    told = request.POST.get("admission", "")
    return _noted(request, uuid, lambda person, by, at: qualify.admit(person=person, admission=told, by=by, at=at))


@require_POST
def friction(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST people/<uuid>/frictions {friction, note, until}."""
    said = request.POST
    return _noted(
        request,
        uuid,
        lambda person, by, at: qualify.find_friction(
            person=person,
            friction=said.get("friction", ""),
            note=said.get("note", ""),
            until=said.get("until", ""),
            by=by,
            at=at,
        ),
    )


@require_POST
def competitors(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST people/<uuid>/competitors {competitor, using}."""
    said = request.POST
    return _noted(
        request,
        uuid,
        lambda person, by, at: qualify.name_competitor(
            person=person, competitor=said.get("competitor", ""), using=said.get("using", ""), by=by, at=at
        ),
    )


@require_POST
def ticks(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST people/<uuid>/ticks {line}."""
    line, playbook = request.POST.get("line", ""), published.playbook()
    return _noted(
        request,
        uuid,
        lambda person, by, at: qualify.tick(person=person, line=line, playbook=playbook, by=by, at=at),
    )


def _noted(request: HttpRequest, uuid: UUID, note: Callable[[Person, User, int], tuple[Moved, ...]]) -> HttpResponse:
    person, now, by = living(uuid), this_instant(), request.user
    assert isinstance(by, User)
    attempt = attempted(lambda: note(person, by, now))
    if attempt.told is None:
        context = part(person, by, now=now) | {"work_refusal": attempt.refusal}
        return render(request, "web/_work.html", context, status=attempt.status)
    said = _climbed(person, attempt.told, published.playbook())
    return shown(request, person, by, now=now, said=said or "Noted.", has_climbed=bool(said))


def shown(
    request: HttpRequest, person: Person, by: User, *, now: int, said: str, has_climbed: bool = False
) -> HttpResponse:
    """The part again after something was done, which is said."""
    if request.htmx and (request.htmx.current_url_abs_path or "").startswith(f"/people/{person.uuid}"):
        # On the page of the person everything else shows it too: the page is drawn anew, and says it there.
        messages.success(request, said)
        return HttpResponse(headers={"HX-Refresh": "true"})
    response = render(
        request, "web/_work.html", part(person, by, now=now) | {"work_said": said, "has_climbed": has_climbed}
    )
    if has_climbed:
        response.headers["HX-Trigger"] = "rung:climbed"
    return response


def _climbed(person: Person, moves: tuple[Moved, ...], playbook: Playbook) -> str:
    """What the answer led to, with the rule: "Ana is Prospect now: reached and bant >= 1"."""
    last = next((move for move in reversed(moves) if move.person_id == person.pk and not move.passed), None)
    if last is None:
        return ""
    place = playbook.label(last.stage if last.status == "active" else last.status)
    return f"{person.called} is {place} now, because {last.because}."
