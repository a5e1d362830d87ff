"""What both sides sign, on one page: complete, short, and as large as there is room for."""

import pytest

from rung.playbook.loading import load
from rung.playbook.shipped import read, shipped
from rung.web.agreement import LADDER, RUNGS, one_page


def test_the_sheet_says_each_thing_once_and_reasons_in_one_sentence() -> None:
    told = dict(one_page(load(read("default"))).sections)
    assert list(told) == [
        LADDER,
        "Who fits",
        RUNGS,
        "The hand-off",
        "What each side owes",
        "Steps back",
        "Working time",
    ]
    assert told["Who fits"][0].startswith("Target industry, +15: the company's industry is “Software”")
    assert "Works for a competitor, −100: the company is marked as competitor." in told["Who fits"]
    assert told[RUNGS][1] == (
        "Lead: thank at once and send what was promised (Thank-you mail); "
        "offer a second step that fits the first (Webinar invitation and Buyer's guide)."
    )
    (reasons,) = [each for each in told["The hand-off"] if "reject with" in each]
    assert reasons.startswith("Sales may reject with “No budget”: they rest for 90 days; “No authority”: they rest")
    assert reasons.endswith("“Not our customer”: they never come back by score.")
    assert not any("TOFU" in each for texts in told.values() for each in texts)


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_playbook_fits_on_the_page_in_print_one_can_read(name: str) -> None:
    assert one_page(load(read(name))).size in ("large", "middle")


def test_the_day_of_the_review_stands_below() -> None:
    assert one_page(load(read("default"))).review == "To be read again by 1 November 2027."
    undated = read("default").replace("review_by:", "# review_by:", 1)
    assert one_page(load(undated)).review == ""
