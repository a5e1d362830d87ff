"""Today: what a rep answers first, then replies, first calls and deals at risk; for marketing what came back."""

import re
from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from rung.access.models import User
from rung.handoff import today as desk
from rung.handoff.answered import lately
from rung.handoff.models import Assignment, Task
from rung.handoff.tasks import due_today
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.lifecycle.published import InForce
from rung.people.models import Person
from rung.playbook.definitions import Playbook
from rung.terms.instants import DAY, BadInstant, parse_instant
from rung.ui import words
from rung.web import shell
from rung.web.handoffs import Line, line_of, panel
from rung.web.links import person_href

ANSWERS_SHOWN: Final = 20


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """`/`: the day of whoever signed in. A manager's is the team's, unless they ask for their own."""
    user = request.user
    assert isinstance(user, User)
    if user.role == "manager" and request.GET.get("whose") != "mine":
        return redirect("team")
    if user.may("answer hand-offs"):
        return _of_sales(request, user)
    return _of_marketing(request, user)


def _of_sales(request: HttpRequest, user: User) -> HttpResponse:
    force, now = published.in_force(), this_instant()
    playbook, zone = force.playbook, ZoneInfo(force.playbook.calendar.timezone)
    day = desk.today(user, force, at=now)
    lines = {
        name: [line_of(row, playbook, now=now, zone=zone) for row in rows]
        for name, rows in (("handoffs", day.handoffs), ("replies", day.replies), ("touches", day.touches))
    }
    context: dict[str, Any] = {
        **lines,
        "counts": day.counts,
        "tasks": [_task(task, now=now, zone=zone) for task in day.tasks],
        "risks": [_risk(risk, playbook, now=now, zone=zone) for risk in day.risks],
        "said": _first(lines["handoffs"], lines["replies"], lines["touches"], day.tasks, day.risks),
        "then": _then(lines["handoffs"], playbook, now=now, zone=zone),
        "week": _week(day.week, playbook, now=now, zone=zone),
        "hours": _hours(playbook, now=now, zone=zone),
        "firm": playbook.name,
        "reply_within": playbook.handoff.first_touch_within,
        "today_words": f"{words.local(now, zone):%A} {words.local(now, zone).day} {words.local(now, zone):%B, %H:%M}",
        "now": now,
        "zone": zone,
        "may_see_team": user.may("see team"),
    }
    if lines["handoffs"]:
        context |= _open_first(request, lines["handoffs"][0], force, now=now)
    return shell.page(request, "web/today.html", context, place="home")


def _open_first(request: HttpRequest, first: Line, force: InForce, *, now: int) -> dict[str, Any]:
    """The most urgent one lies open already: no key is needed to see why."""
    found = (
        Assignment.objects.filter(handoff__uuid=first.row.handoff_uuid)
        .select_related("handoff", "person__company", "owner")
        .first()
    )
    return panel(request, found, force, now=now) if found else {}


def _first(
    handoffs: Sequence[Line],
    replies: Sequence[Line],
    touches: Sequence[Line],
    tasks: Sequence[Task],
    risks: Sequence[Any],
) -> str:
    """The page's title: what to do next."""
    if handoffs:
        first = handoffs[0]
        if first.clock is None:
            return f"Answer {first.row.name} first"
        if first.clock.is_late:
            return f"Answer {first.row.name} now: {first.clock.said}"
        left = words.duration(first.clock.seconds * words.SECOND)
        if first.clock.is_running or first.row.is_paused:
            return f"Answer {first.row.name} first: {_minutes(left)} left"
        return f"{first.row.name} is first when the clock opens: {_minutes(left)} left"
    if replies:
        return f"Write back to {replies[0].row.name}"
    if touches:
        return f"Call {touches[0].row.name}: nobody has spoken with them yet"
    if tasks:
        return f"{tasks[0].what}: {tasks[0].person}" if tasks[0].person else tasks[0].what
    if risks:
        return f"Nothing waits for an answer; look after {risks[0].row.name}"
    return "Nothing waits for you"


def _minutes(left: str) -> str:
    """In a sentence minutes are written out."""
    return re.sub(r"min\b", "minute" if re.match(r"1\D*min", left) else "minutes", left)


def _then(handoffs: Sequence[Line], playbook: Playbook, *, now: int, zone: ZoneInfo) -> str:
    if not handoffs:
        return "A hand-off shows up here the moment it opens, with its clock."
    if len(handoffs) == 1:
        return "It is the only hand-off on your desk."
    urgent = [line for line in handoffs[1:] if line.clock and line.clock.tone in ("bad", "warn")]
    if urgent:
        rest = [line for line in handoffs[1:] if line not in urgent and line.clock]
        names = ", then ".join(line.row.name for line in urgent[:3])
        after = (
            f" After {'that' if len(urgent) == 1 else 'those'}, nothing is due before {rest[0].clock.when}."
            if rest and rest[0].clock
            else ""
        )
        return f"Then {names}.{after}"
    second = handoffs[1]
    return f"Then {second.row.name}, due {second.clock.when}." if second.clock else f"Then {second.row.name}."


def _task(task: Task, *, now: int, zone: ZoneInfo) -> dict[str, Any]:
    day = words.day(task.due_at, now, zone)
    return {
        "it": task,
        "when": words.clock_time(task.due_at, zone) if day == "Today" else day,
        "is_late": task.due_at < now,
        **_about(task.person, task.href),
    }


def _about(person: Person | None, href: str) -> dict[str, Any]:
    """Whom a task is about, and where it is done; without a person it is the house's own agreement."""
    if person is None:
        return {"href": href, "panel": "", "name": "Our agreement", "company": ""}
    return {
        "href": person_href(str(person.uuid)),
        "panel": f"/people/{person.uuid}/work",
        "name": person.called,
        "company": str(person.company) if person.company_id else "",
    }


def _risk(risk: desk.Risk, playbook: Playbook, *, now: int, zone: ZoneInfo) -> dict[str, Any]:
    silent = f"{risk.silent_for // DAY} d silent"
    if risk.is_past:
        said = _past(risk.decision_date, now)
        why = f"Decision date was {_date(risk.decision_date, now, zone)}, nobody set a new one"
    elif risk.silent_for >= desk.SILENT:
        said, why = silent, "No sign of life" + ("" if risk.has_makers else ", and no decision maker named")
    else:
        said, why = "nobody named", "No decision maker named"
    return {
        "line": line_of(risk.row, playbook, now=now, zone=zone),
        "said": said,
        "why": why,
        "tone": "warn" if risk.is_past else "",
        "href": person_href(risk.row.person_uuid),
    }


def _past(text: str, now: int) -> str:
    try:
        return f"{max(1, (now - parse_instant(text[:10])) // DAY)} d past"
    except BadInstant:
        return "day past"


def _date(text: str, now: int, zone: ZoneInfo) -> str:
    try:
        return words.day(parse_instant(text[:10]), now, zone)
    except BadInstant:
        return text[:20]


def _week(week: desk.Week, playbook: Playbook, *, now: int, zone: ZoneInfo) -> dict[str, Any]:
    goal = playbook.duties.accepted_within_sla
    within = playbook.handoff.accept_within_scored
    share = 100 * week.in_time / week.answered if week.answered else 0.0
    return {
        "is_empty": not week.answered and not week.touches_owed,
        "answered": week.answered,
        "in_time": week.in_time,
        "share": share,
        "goal": 100 * goal if goal is not None else None,
        "tone": "warn" if goal is not None and share < 100 * goal else "",
        "median": words.duration(week.median_time) if week.median_time is not None else "",
        "within": str(within) if within else "",
        "accepted": week.accepted,
        "accepted_share": 100 * week.accepted / week.answered if week.answered else 0.0,
        "touched": week.touched,
        "owed": week.touches_owed,
        "touched_share": 100 * week.touched / week.touches_owed if week.touches_owed else 0.0,
        "days": f"Mon to {words.local(now, zone):%a}" if words.local(now, zone).weekday() else "Monday",
    }


def _hours(playbook: Playbook, *, now: int, zone: ZoneInfo) -> str:
    place = playbook.calendar.timezone.rpartition("/")[2].replace("_", " ")
    return f"Clocks run {playbook.calendar.hours.replace('-', ' to ', 1)}, {place}. Now {words.clock_time(now, zone)}."


def _of_marketing(request: HttpRequest, user: User) -> HttpResponse:
    """What sales lacks or sent back, and what they answered lately."""
    force, now = published.in_force(), this_instant()
    playbook, zone = force.playbook, ZoneInfo(force.playbook.calendar.timezone)
    rows = list(
        Assignment.objects.filter(queue="marketing", ended_at__isnull=True)
        .select_related("handoff", "person__company", "owner")
        .order_by("assigned_at")[: desk.MOST]
    )
    lines = [line_of(row, playbook, now=now, zone=zone) for row in desk.of_marketing(rows, force)]
    answers = [
        {
            "href": person_href(str(said.person.uuid)),
            "name": said.person.called,
            "company": str(said.person.company) if said.person.company_id else "",
            "said": ": ".join(part for part in (said.answer.capitalize(), said.reason, said.note) if part),
            "at": said.at,
            "by": said.by,
            "late": f"{words.duration(said.late_by)} late" if said.late_by else "",
            "source": said.person.source,
        }
        for said in lately(playbook, most=ANSWERS_SHOWN)
    ]
    first = lines[0].row.name if lines else ""
    tasks = due_today(user, playbook, at=now)
    otherwise = _first((), (), (), tasks, ()) if tasks else "Sales lacks nothing from you"
    said = f"Complete {first} first: sales waits for what is missing" if lines else otherwise
    context: dict[str, Any] = {
        "lines": lines,
        "answers": answers,
        "tasks": [_task(task, now=now, zone=zone) for task in tasks],
        "said": said,
        "now": now,
        "zone": zone,
        "hours": _hours(playbook, now=now, zone=zone),
        "firm": playbook.name,
    }
    if lines:
        context |= _open_first(request, lines[0], force, now=now)
    return shell.page(request, "web/today_marketing.html", context, place="home")
