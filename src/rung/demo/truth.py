"""What is true in the demo company: the causes planted in it, with their numbers, for reports to find.

Odds multiply the odds that an accepted person is won. `docs/demo.md` says the same in words.
"""

from typing import Final

WIN_ODDS: Final = 0.20
"""Odds of a win for an accepted person to whom none of the causes below applies."""

PRICING_TWICE: Final = 2.6
"""Read pricing at least twice before the hand-off was answered."""
ASKED: Final = 1.7
"""Asked for a demo or a quote before the hand-off was answered."""
REFERRED: Final = 2.0
"""Came by a referral."""
COLLEAGUES: Final = 1.5
"""At least two colleagues read our pages in the 30 days before."""
ANSWERED_LATE: Final = 0.45
"""The hand-off was answered later than one working day (8.5 working hours) after it opened."""
SALARIES: Final = 0.10
"""Downloaded the salaries paper before the hand-off was answered."""

PURCHASED_NEVER_WINS: Final = "purchased list"

SALARY_REJECTED: Final = 0.86
"""Share of hand-offs of people with the salaries paper that sales rejects; most as "Not urgent"."""
REJECTED: Final = {"reader": 0.46, "jobseeker": 0.86, "evaluator": 0.14, "quiet": 0.10, "raiser": 0.10, "cold": 0.75}
"""Share of other hand-offs that sales rejects, by what drives the person (which nobody sees)."""

LATE_REP: Final = "Jonas Weber"
LATE_WEEKDAY: Final = 0
LATE_SHARE: Final = 0.9
"""Share of Monday's hand-offs that Jonas answers only after 1.2 to 2.2 working days."""
FORGOTTEN: Final = 0.08
"""Share of all other hand-offs answered after 1.1 to 3 working days."""

SLOW_INDUSTRY: Final = "Utilities"
SLOW_CYCLE: Final = 2.0
"""The median time from acceptance to the win is so much longer in the slow industry."""
CYCLE_DAYS: Final = 48
"""Median days from acceptance to the win elsewhere."""

WEAK_DAYS: Final = 180
"""For so many days, reps have skipped the question about decision makers and change: prospects stop being opportunities."""
WEAK_KEEPS: Final = 0.5
"""Share of those who would have become an opportunity and still do, in the weak days."""

QUIET_CALLS: Final = 0.62
"""Share of the quiet group who call by themselves, having never reached the shipped threshold."""
QUIET_WIN_ODDS: Final = 0.9
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
