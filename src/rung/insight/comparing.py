"""Backtests beside each other: one column a run, the figures of each with what it changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rung.engine.trying.backtest import Figure, Result
from rung.insight import telling

DATE: Final = len("2026-11-26")


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure of one run: its value, how far from the definition it was tried against, and the change's interval."""

    value: str
    change: str
    interval: str


@dataclass(frozen=True, slots=True)
class Beside:
    """One figure: under the definition that all runs were tried against ("" where that differs), and in each run."""

    words: str
    before: str
    runs: tuple[Shown | None, ...]
    """None where a run does not have the figure: nothing was won in that currency."""


def beside(results: Sequence[Result]) -> tuple[Beside, ...]:
    """Every figure that any of the runs has, in the order in which the first has them."""
    by_run = [{(each.id, each.currency): each for each in result.figures} for result in results]
    order = dict.fromkeys(key for found in by_run for key in found)
    return tuple(_beside([found.get(key) for found in by_run]) for key in order)


def _beside(figures: Sequence[Figure | None]) -> Beside:
    found = [each for each in figures if each is not None]
    first, befores = found[0], {telling.value(each, each.old) for each in found}
    return Beside(
        words=telling.name(first),
        before=befores.pop() if len(befores) == 1 and len(found) == len(figures) else "",
        runs=tuple(each and _shown(each) for each in figures),
    )


def _shown(figure: Figure) -> Shown:
    return Shown(
        value=telling.value(figure, figure.new),
        change=telling.value(figure, figure.change, signed=True),
        interval=telling.interval(figure),
    )


def apart(results: Sequence[Result]) -> tuple[str, ...]:
    """In what the runs differ besides the definition, so that nobody takes one difference for another."""
    said = []
    if len({result.figures[0].old_version for result in results}) > 1:
        said.append("These runs were tried against different definitions: compare their values, not their changes.")
    if len({(result.start[:DATE], result.end[:DATE]) for result in results}) > 1:
        said.append("These runs look at different periods: a longer one has more of everything.")
    if len({result.subset for result in results}) > 1:
        said.append("These runs look at different people.")
    return tuple(said)
