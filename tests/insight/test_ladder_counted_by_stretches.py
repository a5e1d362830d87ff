"""The ladder's figures are counted by stretches of an index: each equals what a plain walk over all rows says."""

import random
from collections import Counter
from typing import Final
from uuid import uuid4

import pytest

from rung.insight import queries
from rung.insight.queries import Ladder
from rung.lifecycle.generations import ensure_playbook
from rung.lifecycle.models import Generation, PlaybookVersion, StageMove, Standing
from rung.people.models import Person
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load
from rung.playbook.shipped import read
from rung.terms.instants import DAY, parse_instant
from rung.terms.stages import RANK, STAGES, STATUSES

pytestmark = pytest.mark.django_db
NOW: Final = parse_instant("2026-11-26T09:00:00Z")
BESIDE: Final = ("nurture", "lost", "disqualified")


@pytest.fixture
def playbook() -> Playbook:
    return load(read("default"))


@pytest.fixture
def generation() -> int:
    return ensure_playbook(at=NOW - 90 * DAY).generation_id


def told(playbook: Playbook, generation: int, months: int = 1) -> Ladder:
    return queries.ladder(playbook, generation, months=months, now=NOW)


def somebody() -> Person:
    # First seen long ago: how many are new is another figure.
    return Person.objects.create(uuid=uuid4(), first_seen_at=NOW - 900 * DAY, last_event_at=NOW)


def stands(generation_id: int, stage: str, status: str, *, is_anonymous: bool, lap: int) -> Standing:
    return Standing(
        generation_id=generation_id, person=somebody(), stage=stage, status=status, lap=lap, score=0, fit=0,
        engagement=0, since=NOW - DAY, scored_at=NOW, decided_until=NOW, is_anonymous=is_anonymous,
        playbook_version="0", engine_version="1",
    )  # fmt: skip


def another_generation() -> int:
    version = PlaybookVersion.objects.create(version="0" * 64, name="t", text="", created_at=NOW, created_by="test")
    return Generation.objects.create(playbook=version, engine_version="1", created_at=NOW, published_by="test").pk


def test_who_stands_where_is_counted_for_every_place_there_is(playbook: Playbook, generation: int) -> None:
    dice = random.Random(3)
    rows = [
        stands(generation, stage, status, is_anonymous=is_anonymous, lap=lap)
        for stage in STAGES for status in STATUSES for is_anonymous in (False, True) for lap in (1, 2, 3)
        for _ in range(dice.randrange(3))
    ]  # fmt: skip
    Standing.objects.bulk_create([*rows, stands(another_generation(), "mql", "active", is_anonymous=False, lap=2)])
    found = told(playbook, generation)
    active = [row for row in rows if row.status == "active"]
    assert found.known == len(rows)
    assert {rung.code: rung.standing for rung in found.rungs} == Counter(row.stage for row in active)
    assert {rung.code: rung.anonymous for rung in found.rungs} == Counter(r.stage for r in active if r.is_anonymous)
    assert {each.code: each.people for each in found.beside} == {
        code: sum(row.status == code for row in rows) for code in BESIDE
    }
    assert found.second_lap == sum(row.lap > 1 for row in rows)


@pytest.mark.parametrize("months", [1, 3])
def test_who_climbed_and_fell_in_a_period_is_counted_to_the_instant(
    playbook: Playbook, generation: int, months: int
) -> None:
    start = queries.period_start(NOW, playbook.calendar.timezone, months=months)
    moves = a_thousand_moves(playbook, generation, start)
    StageMove.objects.bulk_create(moves)
    words = {setback.line: setback.because for setback in playbook.setbacks}
    counted = [
        move for move in moves
        if move.generation_id == generation and not move.is_redefinition and start <= move.at <= NOW
    ]  # fmt: skip
    climbed = [m for m in counted if m.cause != "setback" and RANK[m.stage] > RANK[m.from_stage]]
    fell = [move for move in counted if move.cause == "setback"]
    arrived = Counter(move.stage for move in climbed)
    for at in (start - 1, start, NOW, NOW + 1):
        Person.objects.create(uuid=uuid4(), first_seen_at=at, last_event_at=NOW)
    arrived["suspect"] = 2
    found = told(playbook, generation, months)
    assert {rung.code: rung.arrived for rung in found.rungs} == {code: arrived[code] for code in STAGES}
    down = Counter(move.from_stage for move in fell)
    assert {rung.code: rung.fell for rung in found.rungs} == {code: down[code] for code in STAGES}
    for rung in found.rungs:
        reasons = Counter(words.get(m.rule_line or 0, "") for m in fell if m.from_stage == rung.code)
        assert rung.main_fall_people == max(reasons.values())
        assert reasons[rung.main_fall] == rung.main_fall_people
    for each in found.beside:
        reasons = Counter(words.get(m.rule_line or 0, "") for m in fell if m.status == each.code)
        assert reasons[each.main_reason] == max(reasons.values())


def a_thousand_moves(playbook: Playbook, generation: int, start: int) -> list[StageMove]:
    """Of every cause, from and to every rung, at the edges of the period and beyond; also of a line of no setback."""
    dice, person, other = random.Random(5), somebody(), another_generation()
    lines = [*(setback.line for setback in playbook.setbacks), 1]
    instants = (start - 1, start, start + 1, NOW - 1, NOW, NOW + 1)
    moves = []
    for number in range(1_000):
        cause = dice.choice(("promotion", "setback", "override"))
        moves.append(
            StageMove(
                generation_id=other if dice.random() < 0.1 else generation, person=person, number=number,
                at=dice.choice(instants), from_stage=dice.choice(STAGES), from_status=dice.choice(STATUSES),
                stage=dice.choice(STAGES), status=dice.choice(STATUSES), cause=cause,
                rule_line=None if cause == "override" else dice.choice(lines), score=0, fit=0, engagement=0,
                is_redefinition=dice.random() < 0.2, playbook_version="0", engine_version="1",
            )
        )  # fmt: skip
    return moves
