"""A sales manager reads what a condition says."""

import pytest

from rung.playbook.conditions import Scope, in_words, parse

SCOPE = Scope("signal", signals=["Pricing page", "Demo request"])


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("score >= 50 and fit >= 20", "score is at least 50 and fit is at least 20"),
        ("times(pricing_viewed) >= 2", "they read the prices at least twice"),
        ('times("Pricing page") >= 1', "“Pricing page” happened at least once"),
        ('times("Pricing page") == 0', "“Pricing page” never happened"),
        ("times(call_made) < 1", "we never called them"),
        ("times(nominated) == 0", "they were never nominated by marketing"),
        ("times(demo_requested) > 3", "they asked for a demo more than 3 times"),
        ("since(demo_requested) < days(3)", "they asked for a demo less than 3 days ago"),
        ("since(demo_requested) >= hours(1)", "they last asked for a demo at least 1 hour ago"),
        ("known(since(page_viewed))", "they read a page at least once"),
        ("accepted", "sales accepted"),
        ("not accepted", "sales has not accepted"),
        ("reachable and signals >= 1", "we can reach them and they gave at least one signal of interest"),
        ("idle >= days(90)", "there was no sign of life for 90 days"),
        ("in_stage < hours(36)", "they have been on this rung for less than 36 hours"),
        ("bant >= 1", "at least one of budget, authority, need and timing is confirmed"),
        ("need and not timing", "need is confirmed and timing is not confirmed"),
        ("need == false", "need is known and not confirmed"),
        ("not known(budget)", "budget is not known"),
        ("is_customer != true", "they are not a customer"),
        ('stage in ["mql", "sal"]', "their stage is MQL or SAL"),
        ('status not in ["lost", "nurture"]', "their status is neither Lost nor Nurture"),
        ("50 <= company.employees <= 1000", "the company's number of employees is between 50 and 1000"),
        ('company.industry in ["Software", "Fintech"]', "the company's industry is “Software” or “Fintech”"),
        ("company.is_competitor", "the company is marked as competitor"),
        ("not person.is_test_user", "they are not marked as test user"),
        ("fit <= -50", "fit is at most −50"),
        ("not (person.age > 3)", "their age is not more than 3"),
        (
            'person.title.matches("vp *|chief *|* director|*cio*")',
            "their title starts with “vp” or “chief” or ends with “director” or contains “cio”",
        ),
        ('not person.title.contains("x")', "their title does not contain “x”"),
        ("known(person.title)", "their title is known"),
        ('data.path.startswith("/pricing")', "the event's path starts with “/pricing”"),
        ('friction("price") or ticked("legal")', "the friction “price” was found or the line “legal” was ticked"),
        ("count(need, reached) >= 2", "at least 2 of these hold (need is confirmed; we spoke with them)"),
        ("score >= 5 or need and timing", "score is at least 5, or need is confirmed and timing is confirmed"),
        ("reached and (need or timing)", "we spoke with them and (need is confirmed or timing is confirmed)"),
        ("not (need or timing)", "none of this holds (need is confirmed; timing is confirmed)"),
    ],
)
def test_a_condition_reads_as_a_clause(condition, words):
    assert in_words(parse(condition, SCOPE)) == words


def test_the_playbook_has_its_own_words_for_rungs():
    condition = parse('stage == "prospect" or stage == "mql"', SCOPE)
    assert in_words(condition, {"prospect": "SQL"}) == "their stage is SQL or their stage is MQL"
