"""`docs/demo.md` names the numbers that are planted."""

from pathlib import Path

import pytest

from rung.demo import firm, truth

TEXT = (Path(__file__).parents[2] / "docs" / "demo.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "number",
    [
        f"base odds {truth.WIN_ODDS}",
        f"odds × {truth.PRICING_TWICE}",
        f"odds × {truth.ASKED}",
        f"odds × {truth.REFERRED}",
        f"odds × {truth.COLLEAGUES}",
        f"odds × {truth.ANSWERED_LATE}",
        f"odds × {truth.SALARIES:.2f}",
        f"{truth.SALARY_REJECTED:.0%}".replace("%", " %"),
        f"{truth.LATE_SHARE:.0%}".replace("%", " %"),
        f"× {truth.SLOW_CYCLE}, of {truth.CYCLE_DAYS} days",
        f"for {truth.WEAK_DAYS} days",
        f"score >= {truth.BETTER_THRESHOLD}",
        f"win with odds {truth.QUIET_WIN_ODDS}",
        truth.LATE_REP,
        truth.SLOW_INDUSTRY,
        firm.SALARIES,
        firm.NAME,
    ],
)
def test_the_document_names_what_is_planted(number):
    assert number in TEXT


@pytest.mark.parametrize("colleague", firm.CAST, ids=lambda colleague: colleague.name)
def test_the_document_names_everybody_who_signs_in(colleague):
    assert colleague.name in TEXT or colleague.name in TEXT.replace("\n", " ")
