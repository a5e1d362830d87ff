"""One person: where she stands and why, what is missing, her points lit by their events, and any day of the past."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from rung.access.models import User
from rung.engine.explain import Explanation, Points, Series
from rung.handoff import asking, cadence, rules, taking_back, today
from rung.handoff.lateness import COLUMNS, Lateness, Ran, with_clocks
from rung.handoff.models import Clock
from rung.history.models import Event as Noted
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.lifecycle.deciding.line import NoPlaybook
from rung.lifecycle.models import Handoff, Standing
from rung.lifecycle.person import Answer, Happening, PersonPage, explained, needed_score, person_page, whole_page
from rung.people.models import Person
from rung.playbook.definitions import Playbook
from rung.terms.events import Event
from rung.terms.instants import micros, moment
from rung.terms.stages import RANK, STAGES
from rung.ui import charts, words
from rung.web import clocks, happenings, shell
from rung.web.links import company_href, person_href
from rung.web.people_found import living
from rung.web.reasons import LEAST, day_in_sentence, points_note, reasons

SHOWN: Final = 40
"""How many events the timeline shows before somebody asks for all."""
GROUPS: Final = (("", "All"), ("signals", "Signals"), ("mail", "Mail"), ("decisions", "Decisions"))
"""The chips over the timeline: what `show=` may be, and its label."""
COLLEAGUES: Final = 6
CHART_WIDTH: Final = 600
CHART_HEIGHT: Final = 72


@dataclass(frozen=True, slots=True)
class Step:
    stage: str
    label: str
    state: str
    when: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline."""

    seq: int | None
    at: int
    icon: str
    said: str
    points: str
    is_move: bool
    group: str
    """signals, mail or decisions: the chips over the timeline."""
    written: str = ""
    who: str = ""
    who_href: str = ""
    """A colleague whose activity counts here."""
    before: str = ""
    """What stands before their name."""


@dataclass(frozen=True, slots=True)
class Climb:
    """The score over time as SVG: a line, its area, the rung under it, and where the needed score lies."""

    line: str
    area: str
    rungs: tuple[tuple[float, float, int], ...]
    needed_y: float | None
    days: int
    first: str


@require_GET
def person(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """GET people/<uuid>: the page as of now. An id that was merged leads to the person who lives on.

    It comes from the stored state; `whole` (asked for when it is shown), `show` and `events` read the whole history.
    """
    found = living(uuid)
    if found.uuid != uuid:
        return redirect(person_href(str(found.uuid)))
    now = this_instant()
    try:
        is_whole = any(asked in request.GET for asked in ("whole", "show", "events"))
        page = whole_page(found, at=now) if is_whole else person_page(found, at=now, most=SHOWN)
    except NoPlaybook:
        raise Http404 from None
    playbook = page.playbook
    zone = ZoneInfo(playbook.calendar.timezone)
    names = _names(page.events.values())
    entries = _entries(page.happenings, page.explanation, playbook, names)
    context = _as_of(page.explanation, playbook, page.events, names, until=now, now=now, zone=zone) | {
        "firm": playbook.name,
        "person": found,
        "name": found.called,
        "company": found.company,
        "company_href": company_href(str(found.company.uuid)) if found.company else "",
        "is_whole": page.series is not None,
        "climb": page.series and _climb(page.series, page.needed, first_at=page.first_at, now=now, zone=zone),
        "answers": [_told(answer, names, page.events, playbook, now=now, zone=zone) for answer in page.answers],
        "known_answers": sum(answer.confirmed is not None for answer in page.answers),
        "may_note": isinstance(request.user, User) and request.user.may("log touches"),
        "clock": _clock(page.handoff, page.explanation.standing.stage, playbook, now=now, zone=zone),
        "handoff": page.handoff,
        "undo": _undo(request, found, page, now=now),
        "colleagues": _colleagues(found, page.generation_id),
        "zone": zone,
        "now": now,
        "contacts": [each for each in (found.email, found.phone, found.country) if each and each != found.called],
        "first_day": day_in_sentence(page.first_at, now, zone),
    }
    context |= _card(found, page, now=now, zone=zone)
    shown = _shown(request, entries, is_whole=context["is_whole"])
    return shell.page(request, "web/person.html", context | shown, place="people")


@require_GET
def standing(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """GET people/<uuid>/standing?day=N: rung, reasons, missing and score at the end of the Nth day since first seen."""
    day = request.GET.get("day", "")
    if not (day.isascii() and day.isdigit() and len(day) < 6):
        raise Http404
    found, now = living(uuid), this_instant()
    zone = ZoneInfo(published.playbook().calendar.timezone)
    until = _end_of_day(found.first_seen_at, int(day), zone, now=now)
    try:
        past = explained(found, until=until)
    except NoPlaybook:
        raise Http404 from None
    names = _names(past.events.values())
    context = _as_of(past.explanation, past.playbook, past.events, names, until=until, now=now, zone=zone)
    return render(request, "web/_standing.html", context | {"now": now, "zone": zone, "is_part": True})


def _names(events: Iterable[Event]) -> dict[str, str]:
    """E-mail → name of those of us who stand behind the events."""
    mails = {event.by for event in events if event.by and "@" in event.by}
    return dict(User.objects.filter(email__in=mails).values_list("email", "name")) if mails else {}


def _shown(request: HttpRequest, entries: Sequence[Entry], *, is_whole: bool) -> dict[str, Any]:
    """The part of the timeline that is asked for: one group or all, the newest or all.

    Where only the newest were read nothing is counted yet.
    """
    group = request.GET.get("show", "")
    if group not in dict(GROUPS):
        group = ""
    wanted = [entry for entry in entries if not group or entry.group == group]
    is_all = request.GET.get("events") == "all"
    counts = {code: sum(entry.group == code for entry in entries) for code, _ in GROUPS if code}
    # Everything has no number of its own: the panel's header says it.
    return {
        "entries": wanted if is_all else wanted[:SHOWN],
        "all_events": len(entries),
        "wanted": len(wanted),
        "is_all": is_all or len(wanted) <= SHOWN,
        "group": group,
        "chips": [(code, label, counts.get(code) if is_whole else None, code == group) for code, label in GROUPS],
    }


def _as_of(
    explanation: Explanation,
    playbook: Playbook,
    events: Mapping[int, Event],
    names: Mapping[str, str],
    *,
    until: int,
    now: int,
    zone: ZoneInfo,
) -> dict[str, Any]:
    standing = explanation.standing
    code = standing.stage if standing.status == "active" else standing.status
    needed = needed_score(playbook, standing.stage)
    points = sorted(explanation.points, key=lambda each: -each.now)
    drawn = [_point(each) for each in points if abs(each.now) >= LEAST]
    if standing.fit:
        drawn.append(charts.ScorePoint("Fit", standing.fit, max(standing.fit, 0), note="who they are", icon="person"))
    folded = [each for each in points if abs(each.now) < LEAST]
    rest = sum(each.now for each in folded)
    crumbs = charts.ScorePoint("Faded away", rest, sum(each.full for each in folded), events=_seqs(folded))
    return {
        "until": until,
        "is_past": until < now,
        "as_of": _as_of_words(until, now, zone),
        "standing": standing,
        "label": playbook.label(code),
        "short_label": playbook.short_label(code),
        "since": day_in_sentence(standing.since, until, zone),
        "steps": _steps(explanation, playbook, zone),
        "reasons": reasons(explanation, playbook, events, names, zone=zone),
        "missing": explanation.missing,
        "next_label": playbook.label(explanation.missing[0].rung) if explanation.missing else "",
        "bar": charts.score_bar([*drawn, crumbs] if abs(rest) >= 0.05 else drawn, needed),
        "points": drawn,
        "folded": [each.signal for each in folded],
        "folded_seqs": _seqs(folded),
        "fit_lines": [line for line in explanation.fit_lines if line.holds],
        "needed": needed,
        "score_said": words.short_of(standing.score, needed),
        "faded": sum(each.faded for each in points),
        "capped": sum(each.capped for each in points),
    }


def _as_of_words(until: int, now: int, zone: ZoneInfo) -> str:
    then, today = moment(until).astimezone(zone), moment(now).astimezone(zone)
    if then.date() == today.date():
        return "today"
    return f"{then.day} {then:%B}" + ("" if then.year == today.year else f" {then.year}")


def _seqs(lines: Sequence[Points]) -> tuple[int, ...]:
    return tuple(seq for line in lines for seq in line.seqs)


def _point(each: Points) -> charts.ScorePoint:
    return charts.ScorePoint(
        name=each.signal,
        now=each.now,
        full=each.full,
        note=points_note(each),
        icon="bolt",
        is_capped=each.capped >= LEAST,
        events=each.seqs,
    )


def _steps(explanation: Explanation, playbook: Playbook, zone: ZoneInfo) -> list[Step]:
    standing = explanation.standing
    arrived: dict[str, int] = {"suspect": standing.first_at}
    for move in explanation.moves:
        if move.lap == standing.lap and RANK[move.stage] <= RANK[standing.stage]:
            arrived[move.stage] = move.at
    here = RANK[standing.stage]
    steps = []
    for code in STAGES:
        state = "unused" if code not in playbook.rungs else "ahead"
        if state != "unused" and RANK[code] <= here:
            state = "here" if RANK[code] == here else "done" if code in arrived else "ahead"
        at = arrived.get(code)
        when = words.day(at, standing.scored_at, zone) if at is not None and state in ("here", "done") else ""
        steps.append(Step(code, playbook.short_label(code), state, when))
    return steps


def _entries(
    happened: Sequence[Happening], explanation: Explanation, playbook: Playbook, names: Mapping[str, str]
) -> list[Entry]:
    colleagues = Person.objects.in_bulk({each.of for each in happened if each.of is not None})
    entries = [
        Entry(
            seq=each.seq,
            at=each.at,
            icon="people" if each.is_of_company else happenings.icon(each.kind),
            **_said(each, names, colleagues),
            points=words.signed(each.points) if each.points else "",
            is_move=False,
            group=_group(each.kind),
            written="" if each.is_of_company else happenings.in_their_words(each.kind, each.data),
            **_whose(colleagues.get(each.of or 0)),
        )
        for each in happened
    ]
    moves = [
        Entry(
            seq=move.seq,
            at=move.at,
            icon="ladder",
            said=_moved(move.to_code, move.cause, move.because, move.passed, playbook),
            points=f"score {words.number(move.score)}, fit {words.number(move.fit)}",
            is_move=True,
            group="decisions",
        )
        for move in explanation.moves
    ]
    # The newest first; the moves stand right above the event that caused them, those of time alone above their instant.
    return sorted(
        entries + moves[::-1],
        key=lambda entry: (-entry.at, -entry.seq if entry.seq is not None else -math.inf, not entry.is_move),
    )


def _whose(colleague: Person | None) -> dict[str, str]:
    return {"who": colleague.called, "who_href": person_href(str(colleague.uuid))} if colleague is not None else {}


def _said(each: Happening, names: Mapping[str, str], colleagues: Mapping[int, Person]) -> dict[str, str]:
    """The sentence of an event; of one that is a colleague's also what stands before their name."""
    if each.is_of_company:
        before, after = happenings.around(each.kind, each.data)
        if each.of in colleagues:
            return {"before": before, "said": f" (a colleague){after}"}
        return {"said": f"{before}{'a' if before else 'A'} colleague{after}"}
    told = happenings.said(each.kind, each.data)
    return {"said": f"{told} ({names.get(each.by, each.by)})" if "@" in each.by else told}


def _moved(to: str, cause: str, because: str, passed: bool, playbook: Playbook) -> str:
    label = playbook.short_label(to)
    if passed:
        return f"Passed {label}"
    if cause == "setback":
        return f"Went to {label}: {because}"
    if cause == "override":
        return f"Set to {label} by hand" + (f": {because}" if because else "")
    return f"Became {label}"


def _group(kind: str) -> str:
    if kind.startswith(("handoff_", "stage_", "deal_", "bant_", "admission_", "question_", "friction_")):
        return "decisions"
    return "mail" if kind.startswith("email_") else "signals"


def _climb(series: Series, needed: float | None, *, first_at: int, now: int, zone: ZoneInfo) -> Climb | None:
    if not series.samples:
        return None
    first, last = series.samples[0].at, series.samples[-1].at
    reach = max(last - first, 1)
    top = max([each.score for each in series.samples] + [needed or 0.0, 10.0]) * 1.1
    low = min([each.score for each in series.samples] + [0.0])

    def x(at: int) -> float:
        return round(CHART_WIDTH * (at - first) / reach, 1)

    def y(score: float) -> float:
        return round((CHART_HEIGHT - 6) * (1 - (score - low) / (top - low)), 1)

    line = " L".join(f"{x(each.at)} {y(each.score)}" for each in series.samples)
    bands, start, rank = [], first, 0
    for move in series.moves:
        if RANK[move.stage] != rank:
            bands.append((x(start), round(x(move.at) - x(start), 1), rank + 1))
            start, rank = move.at, RANK[move.stage]
    bands.append((x(start), round(CHART_WIDTH - x(start), 1), rank + 1))
    days = (moment(now).astimezone(zone).date() - moment(first_at).astimezone(zone).date()).days
    ground = CHART_HEIGHT - 4
    return Climb(
        line=f"M{line}",
        area=f"M0 {ground} L{line} V{ground}Z",
        rungs=tuple(band for band in bands if band[1] > 0),
        needed_y=None if needed is None else y(needed),
        days=days,
        first=words.day(first_at, now, zone),
    )


def _told(
    answer: Answer,
    names: Mapping[str, str],
    events: Mapping[int, Event],
    playbook: Playbook,
    *,
    now: int,
    zone: ZoneInfo,
) -> dict[str, Any]:
    """An answer as the panel shows it: "asked by Tomás Ortega, 21 Apr", until when it counts, and how sure we are."""
    data = events[answer.seq].data if answer.seq is not None else {}
    by = f" by {names.get(answer.by, answer.by)}" if "@" in answer.by else ""
    who = data.get("who")
    how = ("told unasked" if answer.is_told else f"asked{by}") + (f", said by {who}" if isinstance(who, str) else "")
    letter = playbook.qualification.get(answer.letter)
    valid_for = letter.valid_for if letter else None
    counts_until = answer.at + valid_for if answer.at is not None and valid_for is not None else None
    return {
        "letter": answer.letter,
        "confirmed": answer.confirmed,
        "value": asking.value_of(data),
        "told": "" if answer.at is None else f"{how}, {day_in_sentence(answer.at, now, zone)}",
        "until": "" if counts_until is None else day_in_sentence(counts_until, now, zone),
        "dots": "●" * answer.confidence + "○" * (3 - answer.confidence),
        "sure": ("", "hardly sure", "fairly sure", "certain")[answer.confidence],
        "seq": answer.seq,
    }


def _card(found: Person, page: PersonPage, *, now: int, zone: ZoneInfo) -> dict[str, Any]:
    """What sales noted beside the letters, the next best question given all of it, and the cadence: one query."""
    playbook, standing, answers = page.playbook, page.explanation.standing, page.answers
    stage, noted = standing.stage, asking.noted_of(found)
    stored = Standing.objects.filter(generation_id=page.generation_id, person=found).values_list("owner_id", flat=True)
    owed = cadence.of_person(standing, noted, playbook, owner=stored.first, at=now)
    answered = asking.answers_of(noted)
    letters = {answer.letter: answer.confirmed for answer in answers}
    costs = [text for name, text in answered.items() if name in ("cost_of_not_solving", "metrics")]
    return {
        "question": next(iter(asking.asks(playbook, stage, letters, answered)), None),
        "frictions": asking.frictions_of(noted, playbook),
        "competitor": asking.competitor_of(noted),
        "cadence": owed,
        "cadence_by": day_in_sentence(owed.due_at, now, zone) if owed and owed.due_at else "",
        "state": _state(standing, noted, playbook, now=now, zone=zone),
        "owner": str(found.owner or ""),
        "cost": costs[0] if costs else "",
        "value": answered.get("value", ""),
        "sheets": [
            (name, sum(bool(answer) for _, answer in lines), lines)
            for name, lines in asking.sheets_of(playbook, answered)
        ],
    }


def _clock(handoff: Handoff | None, stage: str, playbook: Playbook, *, now: int, zone: ZoneInfo) -> clocks.Shown | None:
    """Time left to answer the hand-off that waits, also one that was handed over again. Who bought waits for none."""
    if handoff is None or stage == "customer" or handoff.withdrawn_at is not None:
        return None
    within = rules.within_of(playbook.handoff, "answer", handoff.lane)
    told = {"playbook": playbook, "within": within, "now": now, "zone": zone}
    running = Clock.objects.filter(assignment_id=handoff.pk, kind="answer", stopped_at__isnull=True)
    clock = running.select_related("owner__team").first()
    if clock is not None:
        return clocks.shown(
            **told,
            started_at=clock.started_at,
            due_at=clock.due_at,
            team=today.team_of(clock.owner),
            is_paused=clock.paused_at is not None,
        )
    if handoff.answered_at is not None:
        return None
    ran = Ran(*with_clocks(Handoff.objects.filter(pk=handoff.pk)).values_list(*COLUMNS).get())
    return clocks.shown(**told, started_at=handoff.opened_at, due_at=Lateness(playbook).due_at(ran))


def _undo(request: HttpRequest, found: Person, page: PersonPage, *, now: int) -> str:
    """Where the last answer of sales is taken back, while nothing has followed it; for whoever may."""
    handoff, user = page.handoff, request.user
    assert isinstance(user, User)
    if handoff is None or handoff.answered_at is None or not user.may("take back answers"):
        return ""
    given = taking_back.last_answer(handoff.pk)
    if given is None or not taking_back.may_take_back(given, user, at=now):
        return ""
    last, rest = page.explanation.moves[-1:], page.explanation.standing.rest_until
    is_last = bool(last) and last[0].seq == given.pk
    moved = not is_last if given.answer != "returned" else bool(last) and last[0].at >= given.answered_at
    if moved or taking_back.has_followed(given, found, rest_until=rest, at=now):
        return ""
    return reverse("handoff-undoing", args=[handoff.uuid])


def _state(standing: asking.Stands, noted: Sequence[Noted], playbook: Playbook, *, now: int, zone: ZoneInfo) -> str:
    """Where the work with them stands, for those who are worked; and of everybody until when they are left alone."""
    state = asking.state(standing, noted, playbook, at=now)
    is_worked = RANK[playbook.handoff.on] <= RANK[standing.stage] < RANK["customer"] and standing.status == "active"
    return asking.state_in_words(state, zone) if is_worked or state.name == "waiting" else ""


def _colleagues(found: Person, generation_id: int) -> list[dict[str, str]]:
    """The colleagues with the most points."""
    if found.company_id is None:
        return []
    rows = Standing.objects.filter(generation_id=generation_id, company_id=found.company_id, is_anonymous=False)
    rows = rows.exclude(person_id=found.pk).select_related("person").order_by("-score", "pk")[:COLLEAGUES]
    return [
        {
            "name": row.person.called,
            "title": row.person.title,
            "href": person_href(str(row.person.uuid)),
            "stage": row.stage,
            "status": row.status,
        }
        for row in rows
    ]


def _end_of_day(first_at: int, day: int, zone: ZoneInfo, *, now: int) -> int:
    """The last instant of the Nth day since first seen; `now` when that day is today or still to come."""
    date = moment(first_at).astimezone(zone).date() + timedelta(days=day)
    if date >= moment(now).astimezone(zone).date():
        return now
    return micros(datetime.combine(date + timedelta(days=1), time(), zone)) - 1
