"""Whom a list and the palette find by the beginning of a name, an address or a firm, be they few or many."""

import random
from typing import Final
from uuid import uuid4

import pytest

from lifecycle.test_lists_by_what_people_did import AT, published, walked
from rung.lifecycle import queries
from rung.lifecycle.models import Standing
from rung.lifecycle.queries import Asked
from rung.people.models import Company, Person
from rung.playbook.conditions import Scope, parse
from rung.terms.instants import DAY

pytestmark = pytest.mark.django_db
TEXTS: Final = ("a", "li", "ana", "LIMA", "ana lima", "acme", "works", "nord", "ana@", "b%", "zzz")


@pytest.fixture
def generation() -> int:
    """150 people whose names, addresses and firms begin alike; every fifth is a visitor, every fourth of no firm."""
    dice, ours = random.Random(17), published("0")
    named = (
        ("Acme Works", "acme.example"),
        ("Nordlicht", "nord.example"),
        ("", "anabel.example"),
        ("B%C", "b.example"),
    )
    firms = [Company.objects.create(uuid=uuid4(), key=key, name=name, first_seen_at=AT) for name, key in named]
    people = []
    for number in range(150):
        first, last = dice.choice(("Ana", "Ben", "Lisa", "")), dice.choice(("Lima", "Anders", "Costa", "b%d", ""))
        email = f"{dice.choice(('ana', 'lima', 'x'))}{number}@{dice.choice(('acme', 'li'))}.example"
        people.append(
            Person(
                uuid=uuid4(), name=f"{first} {last}".strip(), email=email if number % 3 else "", first_seen_at=AT,
                last_event_at=AT, company=dice.choice(firms) if number % 4 else None, is_anonymous=number % 5 == 0,
            )
        )  # fmt: skip
    Standing.objects.bulk_create(
        Standing(
            generation_id=ours, person=person, stage="lead", status="active", score=dice.randrange(20), fit=0,
            engagement=0, since=AT - dice.randrange(9) * DAY, scored_at=AT, decided_until=AT, last_at=AT,
            is_anonymous=person.is_anonymous, playbook_version="0", engine_version="1",
        )
        for person in Person.objects.bulk_create(people)
    )  # fmt: skip
    return ours


@pytest.mark.parametrize("most", [queries.COUNTED, 8])
def test_a_list_finds_by_name_address_and_firm(generation: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "COUNTED", most)
    monkeypatch.setattr(queries, "PER_PAGE", 7)
    where = parse("score >= 5", Scope("filter"))
    found_any = 0
    for text in TEXTS:
        for is_anonymous in (False, True):
            for condition in (None, where):
                asked = Asked(where=condition, text=text, is_anonymous=is_anonymous, sort="score")
                expected = found(generation, text, is_anonymous=is_anonymous, least=5 if condition else 0)
                assert walked(asked, generation, total=min(most, len(expected))) == expected, (text, condition)
                found_any += bool(expected)
    assert found_any > 30


@pytest.mark.parametrize("most", [queries.COUNTED, 8])
def test_the_palette_finds_the_highest_scores_of_a_name(
    generation: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "COUNTED", most)
    for text in TEXTS:
        expected = found(generation, text, is_anonymous=False, with_company=False)
        people, _ = queries.search(text, generation_id=generation)
        assert [row.id for row in people] == expected[:6], text


def found(generation: int, text: str, *, is_anonymous: bool, least: int = 0, with_company: bool = True) -> list[int]:
    """The ids by a plain look at everybody, the highest score first."""
    rows = Standing.objects.filter(generation_id=generation, is_anonymous=is_anonymous, score__gte=least)
    rows = rows.select_related("person__company").order_by("-score", "-person_id")
    return [row.person_id for row in rows if is_called(row.person, text.lower(), with_company=with_company)]


def is_called(person: Person, text: str, *, with_company: bool) -> bool:
    names, starts = [person.name], [person.email]
    if with_company and person.company is not None:
        names, starts = [*names, person.company.name], [*starts, person.company.key]
    return any(f" {name}".lower().find(f" {text}") >= 0 for name in names) or any(
        start.lower().startswith(text) for start in starts
    )
