"""Live = replay = oracle, on random playbooks and random histories.

`HYPOTHESIS_PROFILE=long .venv/bin/pytest tests/parity/test_oracle_parity.py -n 0` looks at twenty thousand worlds,
`HYPOTHESIS_PROFILE=shares … -s` prints how often the interesting things happen.

Each class of bug was planted in the kernel once, and seen to fail here within 100 worlds: flips by fading never looked
for · flips due at an event's time taken after it · waiting dropped, or not ended by an own event · a setback that does
not clear `touched reached` or `accepted returned`, or clears `rejected` too · the hand-off rung that does not clear the
answers · resting that climbs above lead · a raised hand that does not end rest · a reject reason's rest ignored ·
no look whether a setback would fire on the rung above, or that look with the old `in_stage`, answers, points · a
customer not emptied · an expansion that stops promotions, or keeps deals or BANT · a won deal that does not end the
hold · an override that does not hold · a hand-off never withdrawn, or none above the rung · BANT never expiring ·
caps ignored · visits that part after more than half an hour · company facts not known on joining · a colleague's match
taken for one's own. Three need a stranger constellation than chance brings and are caught by a small world of
`tests/engine/test_oracle_worlds.py`: the whole-hour reading dropped · an override that does not end rest · system
kinds not counted.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from io import BytesIO
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine import oracle, strategies
from engine.oracle import rounded, same
from engine.strategies import Dice, Written
from rung.engine import joining
from rung.engine.company import joined
from rung.engine.deciding import Decision, Row
from rung.engine.files.reading import read
from rung.engine.histories import KIND_NAMES, Columns
from rung.engine.kernel import NONE
from rung.engine.program import Program, compile_program
from rung.engine.replay import TEMPERATURES, Replayed, replay
from rung.engine.several import decide
from rung.terms.events import Event
from rung.terms.instants import DAY, HOUR, moment
from rung.terms.stages import STAGES, STATUSES

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
EXAMPLES = {"default": 100, "shares": 300, "long": 20_000}[PROFILE]

parity = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=PROFILE == "default",
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink] if PROFILE == "default" else [Phase.generate],
)

SEEN: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def _shares() -> Iterator[None]:
    """How many of the worlds had what: a test of nothing finds nothing."""
    SEEN.clear()
    yield
    worlds = SEEN.pop("worlds", 0)
    if PROFILE != "default":
        for name, count in sorted(SEEN.items()):
            print(f"\n{name:>24} {count / worlds:6.1%}", end="")  # noqa: T201  # what the profile is for


@parity
@given(
    strategies.playbooks(),
    strategies.histories(),
    st.sampled_from([0, HOUR, DAY, 4 * DAY]),
    st.sampled_from([500, 1]),
    st.data(),
)
def test_live_in_any_split_equals_at_once_equals_the_oracle(
    book: Written, events: list[Event], rest: int, limit: int, data: st.DataObject
) -> None:
    until = max(event.at for event in events) + rest
    program, dice = compile_program(book.playbook), Dice(data.draw)
    expected = oracle.decide_all(book.playbook, events, until, limit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joining, "MOST_COLLEAGUES", limit)
        everybody = joined(program, oracle.corrected(events), until)
    assert sorted(everybody) == sorted(expected)
    for person, rows in everybody.items():
        note(expected[person])
        at_once = decide(program, rows, until)
        same(expected[person], at_once)
        moves, handoffs, last = live(program, rows, until, dice)
        assert (moves, handoffs, last.standing) == (at_once.moves, at_once.handoffs, at_once.standing)


@settings(parity, max_examples=max(20, EXAMPLES // 10))
@given(strategies.playbooks(), strategies.histories(), st.sampled_from([-DAY, 0, 4 * DAY]), st.randoms())
def test_a_file_of_lines_read_and_replayed_equals_the_oracle(
    book: Written, events: list[Event], rest: int, random: Random
) -> None:
    """The whole way of `rung decide`: lines, some of them twice, corrections, columns, replay."""
    until = max(event.at for event in events) + rest
    lines = [line(event) for event in events]
    lines += random.sample(lines, len(lines) // 4)
    reading = read(BytesIO(b"\n".join(lines)), until=until)
    assert not reading.refused
    replayed = replay(compile_program(book.playbook), reading.history, until, is_compiled=False)
    expected = oracle.decide_all(book.playbook, events, until)
    assert sorted(replayed.people) == sorted(expected)
    for number, person in enumerate(replayed.people):
        theirs = expected[person]
        assert [rounded(move) for move in moves_replayed(replayed, reading.history, number)] == [
            rounded((m[0], m[2], m[3], m[5], m[6], m[7], m[8], m[9] and told(events[m[9] - 1]), m[10]))
            for m in theirs.moves
        ]
        standings, last = replayed.standings, theirs.standing
        assert rounded(
            (
                STAGES[standings.stage[number]],
                STATUSES[standings.status[number]],
                float(standings.score[number]),
                TEMPERATURES[standings.temperature[number]],
                int(standings.since[number]),
            )
        ) == rounded((last["stage"], last["status"], last["score"], last["temperature"], last["since"]))


def line(event: Event) -> bytes:
    told = {
        "person": event.person,
        "at": moment(event.at).isoformat(),
        "kind": event.kind,
        "data": event.data,
        "company": event.company,
        "by": event.by,
        "source": event.source,
        "id": event.message_id,
    }
    return json.dumps({name: value for name, value in told.items() if value}).encode()


def told(event: Event) -> tuple[int, str]:
    """An event as both numberings name it: the file's leaves corrections out."""
    return event.at, event.kind


def moves_replayed(replayed: Replayed, history: Columns, person: int) -> Iterator[tuple[Any, ...]]:
    m = replayed.moves
    by = [None if seq == NONE else (int(history.at[seq - 1]), KIND_NAMES[history.kind[seq - 1]]) for seq in m.seq]
    for n in range(len(m.at)):
        if m.person[n] == person:
            place = oracle.code(STAGES[m.stage[n]], STATUSES[m.status[n]])
            numbers = (float(m.score[n]), float(m.fit[n]), float(m.engagement[n]))
            cause = ("promotion", "setback", "override")[m.cause[n]]
            yield (int(m.at[n]), place, cause, bool(m.passed[n]), *numbers, by[n], int(m.lap[n]))


def live(
    program: Program, rows: Sequence[Row], until: int, dice: Dice
) -> tuple[tuple[Any, ...], tuple[Any, ...], Decision]:
    """Batches of one row or more; between them looks without rows, when due or at any instant."""
    moves: list[Any] = []
    handoffs: list[Any] = []
    state, at = None, 0

    def on(batch: Sequence[Row], to: int) -> Decision:
        nonlocal state, at
        decision = decide(program, batch, to, state)
        moves.extend(decision.moves)
        handoffs.extend(decision.handoffs)
        state, at = decision.state, to
        return decision

    left = list(rows)
    while left:
        size = dice.pick([1, 1, 2, 3, 50])
        batch, left = left[:size], left[size:]
        decision = on(batch, batch[-1].event.at)
        end = left[0].event.at if left else until
        for _ in range(dice.pick([0, 1, 1, 2])):
            due = decision.due_at
            if dice.is_one_of(5) and due is not None and due <= end:
                decision = on([], due)
            elif end > at:
                decision = on([], at + (end - at) * dice.number(0, 9) // 9)
    last = on([], until)
    return tuple(moves), tuple(handoffs), last


def note(outcome: oracle.Outcome) -> None:
    """Counts what happened in this world."""
    moves = outcome.moves
    by_time = [move for move in moves if move[9] is None]
    happened = {
        "a move": bool(moves),
        "a promotion": any(move[3] == "promotion" for move in moves),
        "a passed rung": any(move[5] for move in moves),
        "a setback": any(move[3] == "setback" for move in moves),
        "a setback on an answer": any(what in ("rejected", "returned") for _, what, _, _ in outcome.handoffs),
        "a flip by time": bool(by_time),
        "a flip by fading": any(move[0] % HOUR == 0 and "ecause" in move[4] for move in by_time),
        "a promotion by time": any(move[3] == "promotion" for move in by_time),
        "a customer": any(move[2] == "customer" for move in moves),
        "an expansion": any(move[10] > 1 for move in moves),
        "an override": any(move[3] == "override" for move in moves),
        "a withdrawn hand-off": any(what == "withdrawn" for _, what, _, _ in outcome.handoffs),
        "a hand-off by raised hand": any(lane == "hand_raise" for _, _, lane, _ in outcome.handoffs),
    }
    SEEN["worlds"] += 1
    for name, has_happened in happened.items():
        if has_happened:
            SEEN[name] += 1
