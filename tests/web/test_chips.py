"""Conditions in chips: words of the firm, and what remains when a chip is taken away."""

import pytest

from rung.playbook import shipped
from rung.playbook.loading import load
from rung.web import filters, views
from rung.web.chips import chips
from rung.web.filters import BadClause

PLAYBOOK = load(shipped.read("default"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("score >= 50", ["score at least 50"]),
        ('stage in ["mql", "sal"] and not rejected', ["rung MQL, SAL", "not sales rejected"]),
        ("50 <= company.employees <= 1000", ["company employees at least 50", "company employees at most 1,000"]),
        ('times("Pricing page") >= 2', ["Pricing page at least 2 times"]),
        ("since(page_viewed) < days(7)", ["read a page within 7 days"]),
        ("idle >= days(30)", ["no sign of life for 30 days"]),
        ("known(person.phone) and need", ["phone is known", "need is confirmed"]),
        ("score > 1 or fit > 2", ["score > 1 or fit > 2"]),
    ],
)
def test_a_chip_says_its_part_in_words(text: str, said: list[str]) -> None:
    condition, wrong = filters.read(text, PLAYBOOK)
    assert wrong is None
    assert [chip.words for chip in chips(condition, PLAYBOOK.short_label)] == said


def test_what_remains_without_a_chip_is_a_condition_again() -> None:
    condition, _ = filters.read("score >= 50 and (need or budget) and not rejected", PLAYBOOK)
    for chip in chips(condition, PLAYBOOK.short_label):
        rest, wrong = filters.read(chip.rest, PLAYBOOK)
        assert wrong is None and rest is not None and chip.text not in chip.rest


@pytest.mark.parametrize(
    ("fact", "how", "value", "text"),
    [
        ("stage", "ge", "MQL", 'stage in ["mql", "sal", "prospect", "opportunity", "customer"]'),
        ("stage", "eq", "customer", 'stage == "customer"'),
        ("score", "ge", "1,000", "score >= 1000"),
        ("idle", "ge", "30", "idle >= days(30)"),
        ("since:Pricing page", "le", "7", 'since("Pricing page") < days(7)'),
        ("times:Pricing page", "ge", "2", 'times("Pricing page") >= 2'),
        ("person.title", "has", 'a "b"', 'person.title.matches("*a \\"b\\"*")'),
        ("company.employees", "ge", "50", "company.employees >= 50"),
        ("rejected", "ne", "", "not rejected"),
        ("friction:No budget", "eq", "", 'friction("No budget")'),
        ("friction:No budget", "ne", "", 'not friction("No budget")'),
        ("person.country", "known", "", "known(person.country)"),
    ],
)
def test_the_menu_writes_the_playbooks_own_words(fact: str, how: str, value: str, text: str) -> None:
    assert filters.with_clause(None, fact=fact, how=how, value=value, playbook=PLAYBOOK) == text
    _, wrong = filters.read(text, PLAYBOOK)
    assert wrong is None


@pytest.mark.parametrize(
    ("fact", "how", "value"),
    [("score", "ge", "many"), ("stage", "eq", "boss"), ("password", "eq", "1"), ("idle", "ge", "-1")],
)
def test_the_menu_says_what_it_cannot_read(fact: str, how: str, value: str) -> None:
    with pytest.raises(BadClause):
        filters.with_clause(None, fact=fact, how=how, value=value, playbook=PLAYBOOK)


def test_every_shipped_playbook_has_views_that_can_be_read() -> None:
    for name in shipped.shipped():
        playbook = load(shipped.read(name))
        made = views.views(playbook)
        assert {view.code for view in made} >= {"above", "hot"}, name
        for view in made:
            assert filters.read(view.where, playbook)[1] is None, (name, view.where)
