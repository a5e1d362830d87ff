"""Live = replay = oracle, on random playbooks and random histories.

`HYPOTHESIS_PROFILE=long .venv/bin/pytest tests/engine/test_oracle_parity.py -n 0` looks at twenty thousand worlds,
`HYPOTHESIS_PROFILE=shares` prints how often the interesting things happen.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine import oracle, strategies
from engine.strategies import Dice, Written
from engine.test_oracle_worlds import book, told, when
from rung.engine.deciding import Decision, Row, decide
from rung.engine.program import Program, compile_program
from rung.playbook.definitions import Playbook
from rung.terms.events import Event
from rung.terms.instants import DAY, HOUR

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
EXAMPLES = {"default": 150, "shares": 300, "long": 20_000}[PROFILE]

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
@given(strategies.playbooks(), strategies.histories(), st.sampled_from([0, HOUR, DAY, 4 * DAY]), st.data())
def test_live_in_any_split_equals_at_once_equals_the_oracle(
    book: Written, events: list[Event], rest: int, data: st.DataObject
) -> None:
    until = max(event.at for event in events) + rest
    program, dice = compile_program(book.playbook), Dice(data.draw)
    expected = oracle.decide_all(book.playbook, events, until)
    for person, rows in joined(book.playbook, events).items():
        note(expected[person])
        at_once = decide(program, rows, until)
        same(expected[person], at_once)
        moves, handoffs, last = live(program, rows, until, dice)
        assert (moves, handoffs, last.standing) == (at_once.moves, at_once.handoffs, at_once.standing)


def joined(playbook: Playbook, events: Sequence[Event]) -> dict[str, list[Row]]:
    """Rows as the engine takes them: with what is known of a company where the person joins it."""
    history = oracle.corrected(events)
    described = sorted((event for event in history if event.kind == "company_described"), key=oracle.order)
    found: dict[str, list[Row]] = {}
    for person, rows in oracle.joined(playbook, history, 500).items():
        company, theirs = None, found.setdefault(person, [])
        for event, reach in sorted(rows, key=lambda row: oracle.order(row[0])):
            joins = None
            if reach == "own" and event.company and event.company != company:
                company = event.company
                known = [e for e in described if e.company == company and oracle.order(e) < oracle.order(event)]
                joins = {name: value for e in known for name, value in e.data.items()}
            theirs.append(Row(event, "own" if reach == "own" else "company", joins))
    return found


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


# --- what is compared -------------------------------------------------------------------------------------------------


def same(expected: oracle.Outcome, found: Decision) -> None:
    assert shown_handoffs(found) == expected.handoffs
    assert [rounded(move) for move in moves_of(found)] == [rounded(move) for move in expected.moves]
    standing = {name: getattr(found.standing, name) for name in expected.standing}
    assert rounded(standing.items()) == rounded(expected.standing.items())


def moves_of(found: Decision) -> list[tuple[Any, ...]]:
    return [
        (m.at, m.from_code, m.to_code, m.cause, m.because, m.passed, m.score, m.fit, m.engagement, m.seq, m.lap)
        for m in found.moves
    ]


def shown_handoffs(found: Decision) -> list[tuple[Any, ...]]:
    return [(change.at, change.what, change.lane, change.seq) for change in found.handoffs]


def rounded(values: Any) -> Any:
    """Numbers to 5 decimals: engagement is rounded to 6 from sums made in another order."""
    if isinstance(values, float):
        return round(values, 5) + 0.0
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        return values
    return tuple(rounded(value) for value in values)


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


# --- differences that were found, each as the smallest world ----------------------------------------------------------


FOUND = [
    # D1 of docs/semantics.md: a system kind is counted too.
    (
        "stages: {lead: {enter: times(email_bounced) >= 1}}\nsetbacks: "
        "[{to: suspect, when: since(email_bounced) >= days(2), because: Long ago}]",
        "d0 10:00 email_bounced",
    ),
]


@pytest.mark.parametrize(("sections", "world"), FOUND, ids=range(len(FOUND)))
def test_a_difference_once_found_stays_settled(sections: str, world: str) -> None:
    playbook, events, until = book(sections), told(world), when("d5")
    rows = joined(playbook, events)["ana"]
    expected = oracle.decide_all(playbook, events, until)["ana"]
    assert expected.moves, "a world in which nothing happens settles nothing"
    same(expected, decide(compile_program(playbook), rows, until))
