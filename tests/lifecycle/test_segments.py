"""Lists pick exactly the people for whom the condition holds: the tables are asked, the closure is the judge."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings

from random_conditions import Person as FactsOf
from random_conditions import worlds
from rung.lifecycle import segments
from rung.lifecycle.models import Generation, Mark, PlaybookVersion, Standing, Tally
from rung.people.models import Company, CompanyTrait, Person, Trait
from rung.people.rules import trait_rows
from rung.playbook.conditions import FACTS as FACTS_OF_THE_LANGUAGE
from rung.playbook.conditions import Condition, ConditionError, Fact, Scope, compiled, parse
from rung.playbook.conditions.closure import Value
from rung.playbook.conditions.sql import Dialect
from rung.terms.instants import DAY

pytestmark = pytest.mark.django_db
AT: Final = 20_000 * DAY
SCOPE: Final = Scope("filter", signals=("Pricing page",))

TITLE, JOB, OF_COMPANY = Fact("person.title"), Fact("person.Job title"), Fact("company.from")
SCORE, NEED, IDLE, ACCEPTED = Fact("score"), Fact("need"), Fact("idle"), Fact("accepted")
TIMES, SINCE = Fact("times", "Pricing page", True), Fact("since", "page_viewed", False)
TICKED: Final = Fact("ticked", "Knows us")
FACTS: Final = (TITLE, JOB, OF_COMPANY, SCORE, NEED, IDLE, ACCEPTED, TIMES, SINCE, TICKED)


@pytest.fixture
def generation() -> Generation:
    version = PlaybookVersion.objects.create(version="0" * 64, name="t", text="", created_at=AT, created_by="test")
    return Generation.objects.create(playbook=version, engine_version="1", created_at=AT, published_by="test")


@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(world=worlds(FACTS))
def test_a_list_picks_whom_the_closure_picks(
    generation: Generation, world: tuple[list[Condition], list[FactsOf]]
) -> None:
    asked, people = world
    people = [_possible(person) for person in people]
    with transaction.atomic():
        ids = [_stored(person, generation) for person in people]
        for condition in asked:
            holds = compiled(condition)
            expected = {id_ for id_, person in zip(ids, people, strict=True) if holds(person)}
            assert _picked(condition, generation) == expected, condition
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("text", "picks"),
    [
        ('person.title == "CIO"', ["cio"]),
        ('person.title.matches("c*")', ["cio"]),
        ('person.interests.contains("ports")', ["listed"]),
        ('person.interests == "ports"', []),
        ('times("Pricing page") >= 2', ["cio"]),
        ('times("Pricing page") < 1', ["listed", "nobody"]),
        ("not since(page_viewed) < days(2)", ["listed", "nobody"]),
        ('company.industry in ["Software"]', ["cio"]),
        ('not company.industry == "Software"', ["listed", "nobody"]),
        ('person.email_domain == "acme.example"', ["cio"]),
        ("person.free_mailbox", ["listed"]),
        ('person.source == "100%s"', ["cio"]),
        ("need and not budget", ["listed"]),
        ("bant >= 1", ["listed"]),
        ("known(person.title) or person.title == person.nick", ["cio"]),
        ("idle >= days(30)", ["nobody"]),
        ("admits.change or decision.makers >= 1 or known(decision.date)", []),
        ("not admits.considering and idle >= days(30)", ["nobody"]),
        ('friction("No budget")', ["listed"]),
        ('not friction("No budget") and score == 0', ["cio", "nobody"]),
        ('answered("No budget") or ticked("No budget")', []),
        ('answered("decision_makers") == need', ["listed", "nobody"]),
        ('ticked("%s in 100%") or answered("How many?")', ["cio"]),
    ],
)
def test_each_kind_of_fact_is_found_where_it_lies(generation: Generation, text: str, picks: list[str]) -> None:
    names = _three_people(generation)
    picked = {names[id_] for id_ in _picked(parse(text, SCOPE), generation)}
    assert picked == set(picks)


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_every_fact_can_be_asked_of_a_list_alone_and_against_every_other(dialect: Dialect) -> None:
    brackets = {
        "times": "page_viewed",
        "since": '"Pricing page"',
        "friction": '"x"',
        "answered": '"x"',
        "ticked": '"x"',
    }
    written = [f"{name}({brackets[name]})" if name in brackets else name for name in FACTS_OF_THE_LANGUAGE]
    written += ["company.x", *(f"person.{field}" for field in ("x", "source", "email_domain"))]
    assert all(_is_read(f"known({each})") for each in written)
    tests = [
        f"{each} {rest}"
        for each in written
        for rest in ('== "x"', "== true", ">= 1", "< days(2)", 'in ["x", 1]', *(f"== {other}" for other in written))
    ]
    tests += [f'{each}.{way}("x")' for each in written for way in ("startswith", "contains", "matches")]
    read = [text for text in (*written, *tests) if _is_read(text)]
    assert len(read) > 1_000
    for text in read:
        condition = parse(text, SCOPE)
        for is_walked in (False, True):
            assert segments.sql_of(condition, generation_id=1, at=AT, dialect=dialect, is_walked=is_walked)


def _is_read(text: str) -> bool:
    try:
        parse(text, SCOPE)
    except ConditionError:
        return False
    return True


def test_a_plain_comparison_can_use_an_index() -> None:
    condition = parse('score >= 50 and stage in ["mql", "sal"]', SCOPE)
    sql = segments.sql_of(condition, generation_id=1, at=AT, dialect="sqlite")
    assert "COALESCE" not in sql and "CASE" not in sql


def _picked(condition: Condition, generation: Generation) -> set[int]:
    standings = Standing.objects.filter(generation=generation)
    found, walked = (
        set(segments.holding(standings, condition, generation_id=generation.pk, at=AT, is_walked=is_walked)
            .values_list("person_id", flat=True))
        for is_walked in (False, True)
    )  # fmt: skip
    assert found == walked, condition
    return found


def _possible(person: FactsOf) -> FactsOf:
    """The nearest person that can be: counts are whole and never unknown, answers are yes or no."""
    facts = dict(person.facts)
    facts[TIMES] = max(0, int(min(_number(facts[TIMES]), 2**31 - 1)))
    facts[SCORE] = _number(facts[SCORE])
    facts[ACCEPTED] = facts[ACCEPTED] is True
    facts[TICKED] = facts[TICKED] is True
    return replace(person, facts=facts)


def _number(value: Value) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _stored(person: FactsOf, generation: Generation) -> int:
    value = person.value
    company = Company.objects.create(uuid=uuid4(), key=str(uuid4()), first_seen_at=0)
    _traits(CompanyTrait, "company", company.pk, {"from": value(OF_COMPANY)})
    row = Person.objects.create(uuid=uuid4(), company=company, first_seen_at=0, last_event_at=0)
    _traits(Trait, "person", row.pk, {"title": value(TITLE), "Job title": value(JOB)})
    idle, since, times = value(IDLE), value(SINCE), value(TIMES)
    Standing.objects.create(
        **_standing(generation, row, company),
        score=value(SCORE),
        need=value(NEED),
        accepted=value(ACCEPTED),
        idle_since=None if idle is None else AT - int(_number(idle)),
    )
    tallies: list[tuple[str, bool, int, int]] = []
    if times:
        tallies.append(("Pricing page", True, int(_number(times)), AT))
    if since is not None:
        tallies.append(("page_viewed", False, 1, AT - int(_number(since))))
    for name, is_signal, count, last_at in tallies:
        Tally.objects.create(
            generation=generation, person=row, name=name, is_signal=is_signal, times=count, last_at=last_at
        )
    if value(TICKED):
        Mark.objects.create(generation=generation, person=row, fact="ticked", name="Knows us")
    return row.pk


def _three_people(generation: Generation) -> dict[int, str]:
    software = Company.objects.create(uuid=uuid4(), key="acme.example", first_seen_at=0)
    _traits(CompanyTrait, "company", software.pk, {"industry": "Software"})
    made: dict[int, str] = {}
    for name, email, source, traits, company, idle_since, need in (
        ("cio", "ana@acme.example", "100%s", {"title": "CIO"}, software, AT - DAY, None),
        ("listed", "bo@gmail.com", "", {"interests": ("ports", "rail")}, None, AT, True),
        ("nobody", "", "", {}, None, AT - 40 * DAY, False),
    ):
        row = Person.objects.create(
            uuid=uuid4(), email=email, source=source, company=company, first_seen_at=0, last_event_at=0
        )
        _traits(Trait, "person", row.pk, traits)
        Standing.objects.create(**_standing(generation, row, company), idle_since=idle_since, need=need)
        made[row.pk] = name
        if name == "listed":
            for fact, told in (("friction", "No budget"), ("answered", "decision_makers")):
                Mark.objects.create(generation=generation, person=row, fact=fact, name=told)
        if name == "cio":
            Mark.objects.create(generation=generation, person=row, fact="ticked", name="%s in 100%")
            for kind, is_signal in (("Pricing page", True), ("page_viewed", False)):
                Tally.objects.create(
                    generation=generation, person=row, name=kind, is_signal=is_signal, times=3, last_at=AT - DAY
                )
    return made


def _standing(generation: Generation, person: Person, company: Company | None) -> dict[str, object]:
    return {
        "generation": generation, "person": person, "company": company, "stage": "lead", "status": "active",
        "since": AT, "scored_at": AT, "decided_until": AT, "playbook_version": "0", "engine_version": "1",
    }  # fmt: skip


def _traits(model: type[Trait] | type[CompanyTrait], owner: str, owner_id: int, traits: dict[str, Value]) -> None:
    told = {name: _told(value) for name, value in traits.items() if value is not None}
    for field, text, number, truth, is_item in trait_rows(told):
        model.objects.create(
            **{f"{owner}_id": owner_id},
            field=field, text=text, word=text and text[:100], number=number, truth=truth, is_item=is_item,
        )  # fmt: skip


def _told(value: Value) -> object:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
