"""Deciding on from a stored state, and when to look again."""

import pytest

from engine.test_oracle_worlds import LADDER, SIGNALS, book, told, when
from rung.engine.deciding import Decision, OutOfOrder, Row
from rung.engine.program import compile_program
from rung.engine.several import decide
from rung.engine.states import StaleState
from rung.terms.instants import DAY, HOUR

BOOK = book(
    LADDER,
    SIGNALS,
    "setbacks: [{to: nurture, when: 'stage == \"mql\" and idle >= days(3)', because: Silent, rest: 2d}]",
)
PROGRAM = compile_program(BOOK)


def rows(world: str) -> list[Row]:
    return [Row(event) for event in told(world)]


def on(world: str, until: str, state: bytes | None = None) -> Decision:
    return decide(PROGRAM, rows(world), when(*until.split()), state)


def test_a_state_goes_on_as_if_never_put_down() -> None:
    world = "d0 10:00 content_downloaded\nd1 10:00 bant_answered letter=need confirmed=yes\nd1 11:00 deal_won deal=7"
    at_once = on(world, "d9")
    state, moves = None, ()
    for row in rows(world):
        step = decide(PROGRAM, [row], row.event.at, state)
        state, moves = step.state, moves + step.moves
    last = decide(PROGRAM, [], when("d9"), state)
    assert (moves + last.moves, last.standing) == (at_once.moves, at_once.standing)


def test_looking_again_changes_nothing() -> None:
    first = on("d0 10:00 content_downloaded", "d0 10:00")
    again = decide(PROGRAM, [], when("d2"), first.state)
    assert again.moves == () and again.state == first.state


def test_a_row_before_what_was_seen_is_out_of_order() -> None:
    first = on("d1 10:00 page_viewed", "d1 10:00")
    with pytest.raises(OutOfOrder):
        on("d0 10:00 page_viewed", "d2", first.state)


def test_a_row_before_a_flip_that_was_taken_is_out_of_order() -> None:
    first = on("d0 10:00 content_downloaded", "d9")
    assert [move.to_code for move in first.moves][-1] == "nurture"
    with pytest.raises(OutOfOrder):
        on("d1 10:00 page_viewed", "d9", first.state)


def test_a_look_without_a_flip_lets_earlier_rows_still_come() -> None:
    plain = compile_program(book(LADDER, SIGNALS))
    first = decide(plain, rows("d0 10:00 page_viewed"), when("d9"))
    later = decide(
        plain, [Row(event) for event in told("d1 10:00 content_downloaded", first=2)], when("d9"), first.state
    )
    assert [move.to_code for move in later.moves] == ["mql"]


def test_a_state_of_another_playbook_is_stale() -> None:
    state = on("d0 10:00 page_viewed", "d1").state
    other = compile_program(book(LADDER, SIGNALS))
    with pytest.raises(StaleState):
        decide(other, [], when("d2"), state)


def test_what_cannot_be_read_is_a_stale_state() -> None:
    with pytest.raises(StaleState):
        decide(PROGRAM, [], when("d2"), b"nonsense")


def test_the_worker_is_told_when_to_look_again() -> None:
    assert on("d0 10:00 content_downloaded", "d0 10:00").due_at == when("d3", "10:00")
    nurtured = on("d0 10:00 content_downloaded", "d4")
    assert nurtured.standing.stage == "lead" and nurtured.due_at == when("d5", "10:00")  # the end of the rest
    plain = compile_program(book(LADDER, SIGNALS))
    assert decide(plain, rows("d0 10:00 page_viewed"), when("d1")).due_at is None


def test_looking_when_told_finds_the_flip() -> None:
    first = on("d0 10:00 content_downloaded", "d0 10:00")
    assert first.due_at is not None
    assert decide(PROGRAM, [], first.due_at - 1, first.state).moves == ()
    assert [move.to_code for move in decide(PROGRAM, [], first.due_at, first.state).moves] == ["nurture"]


def test_a_fading_score_is_due_at_a_whole_hour() -> None:
    program = compile_program(book(LADDER, SIGNALS, "setbacks: [{to: suspect, when: engagement < 2, because: Cold}]"))
    found = decide(program, rows("d0 10:20 page_viewed"), when("d0", "10:20"))
    assert found.due_at == when("d2", "11:00")
    assert found.due_at % HOUR == 0


def test_rows_after_until_are_not_looked_at() -> None:
    found = on("d0 10:00 page_viewed\nd5 10:00 content_downloaded", "d1")
    assert (found.standing.stage, found.standing.last_at) == ("lead", when("d0", "10:00"))


def test_nobody_is_on_suspect() -> None:
    found = decide(PROGRAM, [], when("d1"))
    assert (found.standing.stage, found.standing.status, found.moves, found.due_at) == ("suspect", "active", (), None)


def test_values_survive_the_state_as_they_are() -> None:
    program = compile_program(
        book(LADDER, SIGNALS, "fit: [{name: Tags, when: 'person.tags.contains(\"a\") and person.age == 3', points: 7}]")
    )
    first = decide(program, rows('d0 10:00 person_described tags=\'["a", "b"]\' age=3'), when("d0", "10:00"))
    assert first.standing.fit == 7
    assert (
        decide(program, [Row(e) for e in told("d1 10:00 page_viewed", first=2)], when("d2"), first.state).standing.fit
        == 7
    )


def test_a_state_is_small() -> None:
    assert len(on("d0 10:00 page_viewed", "d1").state) < 1_000


def test_a_rest_may_be_of_any_length() -> None:
    assert on("d0 10:00 content_downloaded", "d4").standing.rest_until == when("d3", "10:00") + 2 * DAY
