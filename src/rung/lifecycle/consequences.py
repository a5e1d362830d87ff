"""What follows from a move here, in this room; other rooms add theirs in `wiring`."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final

from rung.lifecycle.rules import NewEvent, News
from rung.terms.kinds import ANSWER_KINDS

Consequence = Callable[[News], Sequence[NewEvent]]
"""Keeps its own tables up to date and returns the events it brings, to be recorded in the same transaction."""

_NOTED: Final = {"opened": "handoff_opened", "withdrawn": "handoff_withdrawn"}
assert not set(_NOTED.values()) & set(ANSWER_KINDS)


def of_events() -> tuple[Consequence, ...]:
    """What is done after events."""
    # Looked up when needed: `wiring` knows all rooms, and this room knows none of those above it.
    return tuple(import_module("rung.wiring").ON_RECORDED)


def of_corrections() -> tuple[Consequence, ...]:
    """What is done after an import corrected the past."""
    return tuple(import_module("rung.wiring").ON_CORRECTED)


def of_moves() -> tuple[Consequence, ...]:
    """What is done after moves and changed hand-offs."""
    return tuple(import_module("rung.wiring").ON_MOVED)


def note_handoffs(news: News) -> list[NewEvent]:
    """A hand-off that opened or was withdrawn is an event of the timeline."""
    return [
        NewEvent(
            kind=_NOTED[change.what],
            person=change.person_id,
            data={"handoff": change.handoff_id, "lane": change.lane},
            door="system",
        )
        for change in news.handoffs
        if change.what in _NOTED
    ]
