"""What is true in the demo company: the causes planted in it, with their numbers, for reports to find.

Odds multiply the odds that an accepted person is won. `docs/demo.md` says the same in words.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from typing import TYPE_CHECKING, Final

from rung.terms.instants import DAY

if TYPE_CHECKING:
    from rung.demo.company import Demo
    from rung.demo.people import Human
    from rung.demo.selling import Answered

WIN_ODDS: Final = 0.17
"""Odds of a win for an accepted person to whom none of the causes below applies."""

PRICING_TWICE: Final = 5.0
"""Read pricing at least twice before the hand-off was answered."""
ASKED: Final = 1.7
"""Asked for a demo or a quote before the hand-off was answered."""
REFERRED: Final = 2.0
"""Came by a referral."""
COLLEAGUES: Final = 1.5
"""At least two colleagues read our pages in the 30 days before."""
ANSWERED_LATE: Final = 0.25
"""The hand-off was answered later than one working day (8.5 working hours) after it opened."""
SALARIES: Final = 0.10
"""Downloaded the salaries paper before the hand-off was answered."""

PURCHASED_NEVER_WINS: Final = "purchased list"

SALARY_REJECTED: Final = 0.86
"""Share of hand-offs of people with the salaries paper that sales rejects; most as "Not urgent"."""
REJECTED: Final = {
    "reader": 0.55,
    "jobseeker": 0.86,
    "evaluator": 0.14,
    "quiet": 0.10,
    "raiser": 0.10,
    "cold": 0.75,
    "staged": 0.0,
}
"""Share of other hand-offs that sales rejects, by what drives the person (which nobody sees)."""

LATE_REP: Final = "Jonas Weber"
LATE_WEEKDAY: Final = 0
LATE_SHARE: Final = 0.9
"""Share of Monday's hand-offs that Jonas answers only after 1.2 to 2.2 working days."""
FORGOTTEN: Final = 0.13
"""Share of all other hand-offs answered after 1.1 to 3 working days."""

SLOW_INDUSTRY: Final = "Manufacturing"
SLOW_CYCLE: Final = 1.8
"""The median time from acceptance to the win is so much longer in the slow industry."""
CYCLE_DAYS: Final = 48
"""Median days from acceptance to the win elsewhere."""

WEAK_DAYS: Final = 180
"""For so many days, reps have skipped the questions about decision makers and change: prospects stay prospects."""
WEAK_KEEPS: Final = 0.42
"""Share of those who would have become an opportunity and still do, in the weak days."""

QUIET_CALLS: Final = 0.62
"""Share of the quiet group who call by themselves, having never reached the shipped threshold."""
QUIET_WIN_ODDS: Final = 1.5
"""Odds of a win for a quiet one who called."""
BETTER_THRESHOLD: Final = 40
"""The score at which the quiet group would have been handed over before it called."""

PLANTED: Final = {
    "win_odds": WIN_ODDS,
    "pricing_twice_odds": PRICING_TWICE,
    "asked_odds": ASKED,
    "referred_odds": REFERRED,
    "colleagues_odds": COLLEAGUES,
    "answered_late_odds": ANSWERED_LATE,
    "salaries_odds": SALARIES,
    "salary_rejected": SALARY_REJECTED,
    "never_wins": PURCHASED_NEVER_WINS,
    "late_rep": LATE_REP,
    "late_weekday": "Monday",
    "late_share": LATE_SHARE,
    "forgotten": FORGOTTEN,
    "slow_industry": SLOW_INDUSTRY,
    "slow_cycle": SLOW_CYCLE,
    "cycle_days": CYCLE_DAYS,
    "weak_step": ["prospect", "opportunity"],
    "weak_days": WEAK_DAYS,
    "weak_keeps": WEAK_KEEPS,
    "quiet_calls": QUIET_CALLS,
    "better_threshold": BETTER_THRESHOLD,
}


def realised(demo: "Demo", events: int) -> dict[str, object]:
    """What came out of one run: counts and the causes as an honest report would measure them, up to `now`."""
    answers = [answer for answer in demo.selling.answers if answer.at <= demo.now]
    accepted = [answer for answer in answers if answer.what == "accepted"]
    ripe = [answer for answer in accepted if answer.at < demo.now - 2 * CYCLE_DAYS * DAY]
    salaries = [answer for answer in answers if answer.human.wants_salaries and answer.what != "returned"]
    return {
        "events": events,
        "people": len(demo.humans),
        "stands": dict(Counter(_place(demo, human) for human in demo.humans)),
        "ever": dict(Counter(stage for human in demo.humans for stage in _stages(demo, human))),
        "hand_offs": {
            "opened": sum(opened <= demo.now for human in demo.humans for opened, _ in human.standing.opened),
            "answers": dict(Counter(answer.what for answer in answers)),
            "reasons": dict(Counter(answer.reason for answer in answers if answer.reason)),
        },
        "pricing_twice_odds_ratio": _odds_ratio(demo, ripe, [answer.pricing_twice for answer in ripe]),
        "answered_late_odds_ratio": _odds_ratio(demo, ripe, [answer.is_late for answer in ripe]),
        "asked_odds_ratio": _odds_ratio(demo, ripe, [answer.asked for answer in ripe]),
        "purchased_wins": sum(_won(demo, a) for a in accepted if a.human.source == PURCHASED_NEVER_WINS),
        "salaries": {
            "answered": len(salaries),
            "rejected": sum(answer.what == "rejected" for answer in salaries),
            "not_urgent": sum(answer.reason == "Not urgent" for answer in salaries),
            "won": sum(_won(demo, answer) for answer in salaries),
        },
        "late": {
            "jonas_on_mondays": _share(a.is_late for a in answers if _is_jonas_monday(demo, a)),
            "everybody_else": _share(a.is_late for a in answers if not _is_jonas_monday(demo, a)),
        },
        "days_to_win": {
            SLOW_INDUSTRY: _days_to_win(demo, accepted, is_slow=True),
            "others": _days_to_win(demo, accepted, is_slow=False),
        },
        "prospect_to_opportunity": {
            "before": _share(_went_on(demo, demo.now - 400 * DAY, demo.now - (WEAK_DAYS + 60) * DAY)),
            "weak_days": _share(_went_on(demo, demo.now - WEAK_DAYS * DAY, demo.now - 60 * DAY)),
        },
        "quiet": _quiet(demo),
    }


def _place(demo: "Demo", human: "Human") -> str:
    moves = [move for move in human.standing.moves if move.at <= demo.now]
    if not moves:
        return "suspect"
    return moves[-1].stage if moves[-1].status == "active" else moves[-1].status


def _stages(demo: "Demo", human: "Human") -> set[str]:
    return {move.stage for move in human.standing.moves if move.at <= demo.now}


def _won(demo: "Demo", answer: "Answered") -> bool:
    return any(m.stage == "customer" and answer.at < m.at <= demo.now for m in answer.human.standing.moves)


def _odds_ratio(demo: "Demo", answers: Sequence["Answered"], marks: Sequence[bool]) -> float | None:
    """Odds of a win with the mark over the odds without; a half is added to each cell (Haldane)."""
    cells = Counter((mark, _won(demo, answer)) for mark, answer in zip(marks, answers, strict=True))
    with_mark = (cells[True, True] + 0.5) / (cells[True, False] + 0.5)
    without = (cells[False, True] + 0.5) / (cells[False, False] + 0.5)
    return round(with_mark / without, 2) if answers else None


def _share(marks: Iterable[bool]) -> dict[str, float]:
    told = list(marks)
    return {"of": len(told), "share": round(sum(told) / len(told), 3) if told else 0.0}


def _is_jonas_monday(demo: "Demo", answer: "Answered") -> bool:
    opened = demo.days.later(answer.opened_at, 0)
    return answer.rep == LATE_REP and demo.days.date_of(opened).weekday() == LATE_WEEKDAY


def _days_to_win(demo: "Demo", accepted: Sequence["Answered"], *, is_slow: bool) -> float | None:
    days = [
        (move.at - answer.at) / DAY
        for answer in accepted
        if answer.human.firm and (answer.human.firm.industry == SLOW_INDUSTRY) is is_slow
        for move in answer.human.standing.moves
        if move.stage == "customer" and answer.at < move.at <= demo.now
    ]
    return round(median(days), 1) if days else None


def _went_on(demo: "Demo", first: int, last: int) -> list[bool]:
    """Of those who became prospects in the period: who was an opportunity within 60 days?"""
    return [
        any(m.stage == "opportunity" and move.at <= m.at <= move.at + 60 * DAY for m in human.standing.moves)
        for human in demo.humans
        for move in human.standing.moves
        if move.stage == "prospect" and first <= move.at < last
    ]


def _quiet(demo: "Demo") -> dict[str, object]:
    """The hidden group: nearly fit, read the prices twice, never reached the shipped threshold by themselves."""
    quiet = [human for human in demo.humans if human.soul == "quiet" and human.near_at]
    called = [human for human in quiet if human.called_at and human.called_at <= demo.now]
    ahead = [(human.called_at - human.near_at) / DAY for human in called if human.called_at and human.near_at]
    return {
        "near": sum(human.near_at is not None and human.near_at <= demo.now for human in quiet),
        "called": len(called),
        "won": sum("customer" in _stages(demo, human) for human in called),
        "days_earlier": round(median(ahead), 1) if ahead else None,
    }
