"""A list of those who did something so often or so lately is read from tally to tally, and holds the same people."""

import random
from dataclasses import replace
from typing import Final
from uuid import uuid4

import pytest

from rung.lifecycle import queries, segments
from rung.lifecycle.models import Generation, PlaybookVersion, Standing, Tally
from rung.lifecycle.queries import Asked
from rung.people.models import Person
from rung.playbook.conditions import Condition, Scope, parse
from rung.terms.instants import DAY
from rung.ui.paging import cursor

pytestmark = pytest.mark.django_db
AT: Final = 20_000 * DAY
SCOPE: Final = Scope("filter", signals=("Pricing page",))
BY_TALLIES: Final = (
    "times(page_viewed) >= 2",
    "times(page_viewed) == 1",
    "1 <= times(page_viewed)",
    'times("Pricing page") >= 1',
    "times(page_viewed) in [1, 3]",
    "since(page_viewed) < days(3)",
    "since(page_viewed) >= days(2)",
    "times(demo_requested) >= 1",
)
OTHERWISE: Final = (
    "times(page_viewed) < 2",
    "times(page_viewed) == 0",
    "not (times(page_viewed) >= 2)",
    "times(page_viewed) >= times(form_submitted)",
    "times(page_viewed) >= 2 and score >= 10",
    "times(page_viewed) >= 2 or times(form_submitted) >= 1",
    "score >= 10",
)


def read(text: str) -> Condition:
    return parse(text, SCOPE)


@pytest.fixture
def generation() -> int:
    """200 people of whom every third is a visitor; tallies of what they did, and others of another generation."""
    dice = random.Random(11)
    ours, other = (published(digit) for digit in "01")
    people = [Person(uuid=uuid4(), first_seen_at=AT, last_event_at=AT, is_anonymous=n % 3 == 0) for n in range(200)]
    people = Person.objects.bulk_create(people)
    Standing.objects.bulk_create(
        Standing(
            generation_id=which, person=person, stage="lead", status="active", score=dice.randrange(20), fit=0,
            engagement=0, since=AT - dice.randrange(9) * DAY, scored_at=AT, decided_until=AT,
            last_at=AT - dice.randrange(9) * DAY, is_anonymous=person.is_anonymous, playbook_version="0",
            engine_version="1",
        )
        for which in (ours, other) for person in people
    )  # fmt: skip
    things = (("page_viewed", False), ("form_submitted", False), ("Pricing page", True), ("page_viewed", True))
    Tally.objects.bulk_create(
        Tally(
            generation_id=which, person=person, name=name, is_signal=is_signal, times=dice.randrange(1, 5),
            last_at=AT - dice.randrange(9) * DAY,
        )
        for which in (ours, other) for person in people for name, is_signal in things if dice.random() < 0.7
    )  # fmt: skip
    return ours


def published(digit: str) -> int:
    version = PlaybookVersion.objects.create(version=digit * 64, name="t", text="", created_at=AT, created_by="test")
    return Generation.objects.create(playbook=version, engine_version="1", created_at=AT, published_by="test").pk


def test_what_tallies_alone_say_is_told_from_what_they_do_not(generation: int) -> None:
    told = {text: segments.whoever_did(read(text), generation_id=1, at=AT) for text in (*BY_TALLIES, *OTHERWISE)}
    assert [text for text, sql in told.items() if sql is not None] == list(BY_TALLIES)


@pytest.mark.parametrize("most", [queries.COUNTED, 60])
@pytest.mark.parametrize("is_anonymous", [False, True])
def test_every_page_of_such_a_list_holds_whom_the_condition_picks(
    generation: int, is_anonymous: bool, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "COUNTED", most)
    monkeypatch.setattr(queries, "PER_PAGE", 20)
    for text in (*BY_TALLIES, *OTHERWISE):
        for sort, is_up in (("score", False), ("since", True), ("last", False)):
            asked = Asked(where=read(text), is_anonymous=is_anonymous, sort=sort, is_up=is_up)
            picked = expected(asked, generation)
            assert walked(asked, generation, total=min(len(picked), most)) == picked, (text, sort)


def expected(asked: Asked, generation: int) -> list[int]:
    column = queries.PEOPLE_SORTS[asked.sort][0]
    rows = Standing.objects.filter(generation_id=generation, is_anonymous=asked.is_anonymous)
    assert asked.where is not None
    rows = segments.holding(rows, asked.where, generation_id=generation, at=AT)
    order = [column, "person_id"] if asked.is_up else [f"-{column}", "-person_id"]
    return list(rows.order_by(*order).values_list("person_id", flat=True))


def walked(asked: Asked, generation: int, *, total: int) -> list[int]:
    """The ids of all pages from the first to the last; each says the same total, and the second leads back."""
    kinds = (queries.PEOPLE_SORTS[asked.sort][1], int)
    found: list[int] = []
    start = None
    while True:
        page = queries.people_page(replace(asked, start=start), generation_id=generation, at=AT)
        assert page.total == total
        found += [row.id for row in page.rows]
        if page.older is None:
            return found
        start = cursor(page.older, kinds=kinds)
