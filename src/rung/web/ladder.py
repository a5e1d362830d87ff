"""The ladder: who stands where, how they climbed this month, the weakest step and the rule behind it."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from rung.insight import queries as insight
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.playbook.definitions import Playbook
from rung.terms.instants import moment
from rung.terms.stages import RANK, STAGES
from rung.ui import words
from rung.web import shell
from rung.web.flow import FlowPicture, RungFlow, flow_picture

PERIODS: Final = {"month": 1, "quarter": 3}


@dataclass(frozen=True, slots=True)
class Rung:
    """A column of the picture: the count that opens its people, and one sentence about its duty."""

    code: str
    label: str
    rank: int
    standing: int
    arrived: int
    fell: int
    fall_words: str
    note: str
    tone: str
    icon: str
    href: str


@dataclass(frozen=True, slots=True)
class StepCell:
    """What stands between two columns: how many went on, the share with its change, the median time."""

    words: str
    went_on: int
    share: str
    change: str
    is_worse: bool
    median: str
    is_weakest: bool
    href: str


@require_GET
def ladder(request: HttpRequest) -> HttpResponse:
    period = request.GET.get("period", "month")
    months = PERIODS.get(period, 1)
    force = published.in_force()
    playbook, now = force.playbook, this_instant()
    found = insight.ladder(playbook, force.generation_id or 0, months=months, now=now)
    context = {
        "said": _said(found, playbook),
        "ladder": found,
        "blame": found.blame,
        "blame_label": playbook.short_label(found.blame.stage) if found.blame else "",
        "people_to_open": _people(found.blame.condition) if found.blame else "",
        "playbook": playbook,
        "period": period if period in PERIODS else "month",
        "period_words": _period_words(found, playbook),
        "since_words": "this quarter" if months == 3 else "this month",
        "rungs": _rungs(found, playbook),
        "steps": _steps(found, playbook),
        "picture": _picture(found),
        "beside": _beside(found, playbook),
        "duties": _duties(found, playbook),
        "won": _won(found),
        "all_people": reverse("people"),
    }
    return shell.page(request, "web/ladder.html", context, place="ladder")


def _said(found: insight.Ladder, playbook: Playbook) -> str:
    """The sentence at the top left: the weakest step, or what to do first when nobody is known yet."""
    if not found.known:
        return "Nobody is on the ladder yet"
    weak = found.weakest
    if weak is None or weak.share is None:
        return f"{words.people(found.known)} on the ladder; too few have had 90 days to climb to name a weakest step"
    name = f"{_label(playbook, weak.rank)} to {_label(playbook, weak.next_rank)}"
    share = words.share(weak.share, 1)
    if weak.change is not None and weak.change < -0.005:
        return f"Weakest step: {name}, {share} against your usual {words.share(weak.usual or 0, 1)}"
    return f"Weakest step: {name}, {share} go on within 90 days"


def _rungs(found: insight.Ladder, playbook: Playbook) -> list[Rung]:
    rows = []
    for figures in found.rungs:
        note, tone, icon = _duty_here(figures.code, found, playbook)
        rows.append(
            Rung(
                code=figures.code,
                label=playbook.short_label(figures.code),
                rank=RANK[figures.code] + 1,
                standing=figures.standing,
                arrived=figures.arrived,
                fell=figures.fell,
                fall_words=figures.main_fall,
                note=note,
                tone=tone,
                icon=icon,
                href=_people(f'stage == "{figures.code}" and status == "active"'),
            )
        )
    return rows


def _duty_here(code: str, found: insight.Ladder, playbook: Playbook) -> tuple[str, str, str]:
    if code == playbook.handoff.on:
        answers = found.answers
        if answers.overdue:
            return f"{answers.overdue} overdue", "bad", "clock"
        if answers.due_soon:
            return f"{answers.due_soon} due in 30 min", "bad", "clock"
        if answers.open:
            return f"{answers.open} open, none late", "ok", "check"
        return "Every hand-off is answered", "ok", "check"
    quiet = found.silent.get(code, 0)
    if quiet:
        return f"{quiet} silent for 14 d", "warn", "alert"
    return "", "", "check"


def _steps(found: insight.Ladder, playbook: Playbook) -> list[StepCell]:
    cells = []
    for step in found.steps:
        low, high = STAGES[step.rank], STAGES[step.next_rank]
        change = "" if step.change is None else words.signed(round(100 * step.change))
        cells.append(
            StepCell(
                words=f"{playbook.short_label(low)} to {playbook.short_label(high)}",
                went_on=step.went_on,
                share="–" if step.share is None else words.share(step.share, 1),
                change=change,
                is_worse=step.fall >= 1.64,
                median="not yet knowable" if step.median_time is None else f"{words.duration(step.median_time)} median",
                is_weakest=step is found.weakest,
                href=_people(f'stage == "{low}" and status == "active"'),
            )
        )
    return cells


def _picture(found: insight.Ladder) -> FlowPicture:
    flows = [RungFlow(rung.code, rung.arrived, rung.went_on, rung.fell) for rung in found.rungs]
    return flow_picture(flows, [RANK[rung.code] + 1 for rung in found.rungs])


def _beside(found: insight.Ladder, playbook: Playbook) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {
            "label": playbook.label(beside.code),
            "people": beside.people,
            "why": f"most this period: {beside.main_reason.lower()}" if beside.main_reason else "none came this period",
            "href": _people(f'status == "{beside.code}"'),
        }
        for beside in found.beside
    ]
    rows.append(
        {
            "label": "Second lap",
            "people": found.second_lap,
            "why": "customers with new interest",
            "href": _people("lap >= 2"),
        }
    )
    return rows


def _duties(found: insight.Ladder, playbook: Playbook) -> list[dict[str, object]]:
    """Each duty of the playbook: what was promised, what was done, in numbers and as a meter in percent."""
    duties, answers = playbook.duties, found.answers
    rows: list[dict[str, object]] = []
    if duties.mqls_per_month:
        months = max(1, round((found.now - found.start) / (31 * 86_400_000_000) + 0.49))
        promised = duties.mqls_per_month * months
        gone = insight.working_days_gone(playbook, start=found.start, now=found.now)
        delivered = answers.opened / promised
        rows.append(
            {
                "words": f"Marketing hands over {promised} {playbook.short_label(playbook.handoff.on)}",
                "done": words.number(answers.opened),
                "value": 100 * delivered,
                "goal": 100 * gone,
                "tone": "warn" if delivered < gone else "",
                "note": f"{words.share(gone, 1)} of working days gone, {words.share(delivered, 1)} delivered",
            }
        )
    if duties.accepted_share is not None and answers.answered:
        share = answers.accepted / answers.answered
        rows.append(
            {
                "words": f"Sales accepts {words.share(duties.accepted_share, 1)} of what marketing hands over",
                "done": words.share(share, 1),
                "value": 100 * share,
                "goal": 100 * duties.accepted_share,
                "tone": "warn" if share < duties.accepted_share else "",
                "note": f"{answers.accepted} accepted, {answers.rejected} rejected, {answers.returned} returned",
            }
        )
    if duties.accepted_within_sla is not None and answers.answered + answers.overdue:
        due = answers.answered + answers.overdue
        share = 1 - answers.late / due
        rows.append(
            {
                "words": f"Sales answers {words.share(duties.accepted_within_sla, 1)} in time",
                "done": words.share(share, 1),
                "value": 100 * share,
                "goal": 100 * duties.accepted_within_sla,
                "tone": "warn" if share < duties.accepted_within_sla else "",
                "note": f"{answers.late} of {due} late" if answers.late else "none late",
            }
        )
    return rows


def _won(found: insight.Ladder) -> str:
    if not found.won.deals:
        return "no deal won yet"
    amounts = ", ".join(words.money(amount, currency) for currency, amount in found.won.amounts)
    deals = f"{found.won.deals} {'deal' if found.won.deals == 1 else 'deals'} won"
    return f"{deals}, {amounts}" if amounts else deals


def _period_words(found: insight.Ladder, playbook: Playbook) -> str:
    zone = ZoneInfo(playbook.calendar.timezone)
    first, today = moment(found.start).astimezone(zone), moment(found.now).astimezone(zone)
    if first.month == today.month:
        return f"{first.day} to {today.day} {today:%B} {today.year}"
    return f"{first.day} {first:%B} to {today.day} {today:%B} {today.year}"


def _label(playbook: Playbook, rank: int) -> str:
    return playbook.short_label(STAGES[rank])


def _people(condition: str) -> str:
    return f"{reverse('people')}?{urlencode({'where': condition})}"
