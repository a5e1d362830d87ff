"""Several people decided together by the compiled kernel = everybody decided alone by the plain one, byte by byte."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import oracle, strategies
from engine.strategies import Written
from engine.test_replay_parity import parity
from engine.test_states import PROGRAM, rows
from examples import examples
from rung.engine import several
from rung.engine.company import joined
from rung.engine.deciding import Decision, OutOfOrder, Row
from rung.engine.program import Program, compile_program
from rung.engine.several import Several, decide
from rung.terms.events import Event
from rung.terms.instants import DAY, HOUR


@settings(parity, max_examples=examples(20))
@given(strategies.playbooks(), strategies.histories(), st.sampled_from([0, HOUR, 4 * DAY]), st.integers(0, 9))
def test_together_and_compiled_is_alone_and_plain(book: Written, told: list[Event], rest: int, tenths: int) -> None:
    until = max(event.at for event in told) + rest
    program = compile_program(book.playbook)
    everybody = list(joined(program, oracle.corrected(told), until).values())
    first = min(event.at for event in told)
    between = first + (until - first) * tenths // 10
    asked = [Asked(theirs, until) for theirs in everybody]
    halfway = [decide(program, theirs, between) for theirs in everybody]
    for theirs, half in zip(everybody, halfway, strict=True):
        asked.append(Asked([row for row in theirs if row.event.at > between], until, half.state))
    alone = [decide(program, one.rows, one.until, one.state) for one in asked]
    for is_compiled in (False, True):
        assert together(program, asked, is_compiled=is_compiled) == alone


class Asked(NamedTuple):
    rows: Sequence[Row]
    until: int
    state: bytes | None = None


def together(program: Program, asked: Sequence[Asked], *, is_compiled: bool) -> list[Decision]:
    everybody = Several(program)
    for one in asked:
        everybody.add(*one)
    return everybody.decided(is_compiled=is_compiled)


@pytest.mark.parametrize("is_compiled", [False, True])
def test_more_moves_than_there_was_room_for(is_compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    world = [f"d{day} {hour}:00 content_downloaded" for day in range(1, 30, 6) for hour in (10, 11, 12)]
    asked = [Asked(rows("\n".join(world)), rows(world[-1])[0].event.at + 9 * DAY)] * 2
    alone = [decide(PROGRAM, one.rows, one.until) for one in asked]
    assert len(alone[0].moves) > 4
    monkeypatch.setattr(several, "_FEWEST_MOVES", -7)
    assert together(PROGRAM, asked, is_compiled=is_compiled) == alone


def test_a_row_before_what_a_state_has_seen_is_out_of_order_among_others_too() -> None:
    first = decide(PROGRAM, rows("d1 10:00 page_viewed"), rows("d1 10:00 page_viewed")[0].event.at)
    late = rows("d0 10:00 page_viewed")
    with pytest.raises(OutOfOrder):
        Several(PROGRAM).add(late, first.standing.scored_at, first.state)
