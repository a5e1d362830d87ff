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
from rung.terms.instants import DAY, MINUTE, moment
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
    """ "38, mostly sales rejected", "2: no sign of life"; empty when nobody fell."""
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
    rungs, steps = _rungs(found, playbook), _steps(found, playbook)
    context = {
        "firm": playbook.name,
        "said": _said(found, playbook),
        "ladder": found,
        "blame": found.blame,
        "steps_at": found.steps_at if found.steps_at <= found.now - insight.FRESH else None,
        "because": _because(found.blame, playbook),
        "people_to_open": _people(found.blame.condition) if found.blame else "",
        "playbook": playbook,
        "period": period if period in PERIODS else "month",
        "period_words": _period_words(found, playbook),
        "since_words": "this quarter" if months == 3 else "this month",
        "rungs": rungs,
        "steps": steps,
        # On a phone one reads from the top: each rung with the step that leads to it from below.
        "climb": list(zip(reversed(rungs), [*reversed(steps), None], strict=True)),
        "table": list(zip(rungs, [*steps, None], strict=True)),
        "visitors": _visitors(found),
        "picture": _picture(found),
        "beside": _beside(found, playbook),
        "duties": _duties(found, playbook) if found.known else [],
        "all_people": reverse("people"),
    }
    return shell.page(request, "web/ladder.html", context, place="ladder")


def _said(found: insight.Ladder, playbook: Playbook) -> str:
    """The sentence at the top left: the weakest step, or what to do first when nobody is known yet."""
    if not found.known:
        return "Nobody is on the ladder yet"
    weak = found.weakest
    if weak is None or weak.share is None:
        return f"{words.people(found.known)} on the ladder; too few arrived 90 to 180 days ago to name a weakest step"
    name = f"{_label(playbook, weak.rank)} to {_label(playbook, weak.next_rank)}"
    share = words.share(weak.share, 1)
    if weak.change is not None and weak.change < -0.005:
        return f"Weakest step: {name}, {share} against your usual {words.share(weak.usual or 0, 1)}"
    return f"Weakest step: {name}, {share} go on within 90 days"


def _because(blame: insight.Blame | None, playbook: Playbook) -> str:
    """ "(38 of the 61) who stand on Prospect do not meet one clause yet: we spoke with them"."""
    if blame is None:
        return ""
    return f"who stand on {playbook.short_label(blame.stage)} do not meet one clause yet: {blame.words}"


def _rungs(found: insight.Ladder, playbook: Playbook) -> list[Rung]:
    rows = []
    for figures in found.rungs:
        note, tone, icon = _duty_here(figures.code, found, playbook)
        rows.append(
            Rung(
                code=figures.code,
                label=playbook.short_label(figures.code),
                rank=RANK[figures.code] + 1,
                standing=figures.standing - figures.anonymous,
                arrived=figures.arrived,
                fell=figures.fell,
                fall_words=_fall_words(figures),
                note=note,
                tone=tone,
                icon=icon,
                href=_people(f'stage == "{figures.code}" and status == "active"'),
            )
        )
    return rows


def _fall_words(figures: insight.RungFigures) -> str:
    if not figures.fell:
        return ""
    reason = figures.main_fall[:1].lower() + figures.main_fall[1:]
    mostly = ": " if figures.main_fall_people == figures.fell else ", mostly: "
    return f"{words.number(figures.fell)}{mostly}{reason}"


def _median(micros: int | None) -> str:
    if micros is None:
        return "nobody this period"
    return "at once, median" if micros < MINUTE else f"{words.duration(micros)} median"


def _visitors(found: insight.Ladder) -> str:
    visitors = sum(figures.anonymous for figures in found.rungs)
    if not visitors:
        return ""
    return f"{words.number(visitors)} {'visitor' if visitors == 1 else 'visitors'} without a name"


def _duty_here(code: str, found: insight.Ladder, playbook: Playbook) -> tuple[str, str, str]:
    if code == playbook.handoff.on and found.known:
        answers = found.answers
        if answers.overdue:
            return f"{answers.overdue} {'answer' if answers.overdue == 1 else 'answers'} late", "bad", "clock"
        if answers.due_soon:
            return f"{answers.due_soon} due in 30 min", "bad", "clock"
        if answers.open:
            return f"{answers.open} open, none late", "ok", "check"
        return "Every hand-off is answered", "ok", "check"
    if code == "customer" and found.won.deals:
        return _won(found), "", "check"
    quiet = found.silent.get(code, 0)
    if quiet:
        return f"{quiet} silent for 14\N{NO-BREAK SPACE}d", "warn", "alert"
    if code == "suspect" and (visitors := _visitors(found)):
        return f"and {visitors}", "", "eye"
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
                median=_median(step.median_time),
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
        rows.append(_handed_over(found, playbook, duties.mqls_per_month))
    if duties.accepted_share is not None and answers.answered:
        said = f"Sales accepts {words.share(duties.accepted_share, 1)} of what marketing hands over"
        note = f"{answers.accepted} accepted, {answers.rejected} rejected, {answers.returned} returned"
        rows.append(_share_kept(said, answers.accepted / answers.answered, duties.accepted_share, note))
    due = answers.answered + answers.overdue
    if duties.accepted_within_sla is not None and due:
        said = f"Sales answers {words.share(duties.accepted_within_sla, 1)} in time"
        note = f"{answers.late} of {due} late" if answers.late else "none late"
        rows.append(_share_kept(said, 1 - answers.late / due, duties.accepted_within_sla, note))
    return rows


def _handed_over(found: insight.Ladder, playbook: Playbook, a_month: int) -> dict[str, object]:
    """What marketing owes in the period, against the working days of it that are gone."""
    months = max(1, round((found.now - found.start) / (31 * DAY) + 0.49))
    promised = a_month * months
    gone = insight.working_days_gone(playbook, start=found.start, now=found.now)
    delivered = found.answers.opened / promised
    return {
        "words": f"Marketing hands over {promised} {playbook.short_label(playbook.handoff.on)}",
        "done": words.number(found.answers.opened),
        "value": 100 * delivered,
        "goal": 100 * gone,
        "tone": "warn" if delivered < gone else "",
        "note": f"{words.share(gone, 1)} of working days gone, {words.share(delivered, 1)} delivered",
    }


def _share_kept(said: str, share: float, promised: float, note: str) -> dict[str, object]:
    return {
        "words": said,
        "done": words.share(share, 1),
        "value": 100 * share,
        "goal": 100 * promised,
        "tone": "warn" if share < promised else "",
        "note": note,
    }


def _won(found: insight.Ladder) -> str:
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
