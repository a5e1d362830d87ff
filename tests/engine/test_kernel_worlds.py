"""The worlds by which the oracle is held to section 4, decided by the kernel: the same sentences, the same answers."""

from collections.abc import Callable
from typing import Any

import pytest

from engine import oracle
from engine import test_oracle_worlds as worlds
from rung.engine.company import joined
from rung.engine.deciding import Decision
from rung.engine.program import compile_program
from rung.engine.several import decide
from rung.playbook.definitions import Playbook

SENTENCES = [
    test
    for name, test in vars(worlds).items()
    if name.startswith("test_") and "decided" in test.__code__.co_names and not test.__code__.co_argcount
]


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda test: test.__name__.removeprefix("test_"))
def test_the_kernel_gives_the_worked_out_answer(sentence: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds, "decided", by_the_kernel)
    sentence()


def by_the_kernel(playbook: Playbook, world: str, until: str = "d30") -> oracle.Outcome:
    end = worlds.when(*until.split())
    program = compile_program(playbook)
    events = oracle.corrected([event for event in worlds.told(world) if event.at <= end])
    return outcome_of(decide(program, joined(program, events, end)["ana"], end))


def outcome_of(found: Decision) -> oracle.Outcome:
    """The kernel's decision in the oracle's words."""
    moves: list[tuple[Any, ...]] = [
        (m.at, m.from_code, m.to_code, m.cause, m.because, m.passed, m.score, m.fit, m.engagement, m.seq, m.lap)
        for m in found.moves
    ]
    handoffs: list[tuple[Any, ...]] = [(h.at, h.what, h.lane, h.seq) for h in found.handoffs]
    return oracle.Outcome(moves, handoffs, Shown(found))


class Shown(dict[str, Any]):
    """A standing looked up by name."""

    def __init__(self, found: Decision) -> None:
        self.standing = found.standing

    def __missing__(self, name: str) -> Any:
        return getattr(self.standing, name)
