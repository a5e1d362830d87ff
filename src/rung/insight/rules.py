"""How people climb: conversion with its usual, time on a rung, the weakest step. Pure: rows in, figures out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from rung.terms.instants import DAY

WINDOW: Final = 90 * DAY
"""How long somebody has to go on before we call it not going on: younger arrivals are not yet knowable."""
RECENT: Final = (180 * DAY, 90 * DAY)
"""Conversion speaks of those who arrived this long ago: from, to."""
USUAL: Final = (540 * DAY, 180 * DAY)
"""What is usual speaks of those who arrived in the four quarters before."""
FEWEST: Final = 20
"""Fewer arrivals than this make no share worth comparing."""
NOTICEABLE: Final = 1.64
"""Standard errors by which a share must lie under its usual before we call it a fall (one-sided 5 %)."""

Climb = Mapping[int, int]
"""One person's lap: rank of a rung → the instant they first arrived on it."""


@dataclass(frozen=True, slots=True)
class Step:
    """From one rung to the next used one. Shares are 0 to 1; `median_time` is in microseconds; None = not knowable."""

    rank: int
    next_rank: int
    went_on: int
    """How many went on in the period."""
    share: float | None
    arrived: int
    """How many the share speaks of."""
    usual: float | None
    usual_arrived: int
    median_time: int | None

    @property
    def change(self) -> float | None:
        """Points of share above (or below) the usual."""
        return None if self.share is None or self.usual is None else self.share - self.usual

    @property
    def fall(self) -> float:
        """By how many standard errors the share lies under its usual; two-proportion z, pooled. 0 when unknowable."""
        if self.share is None or self.usual is None or min(self.arrived, self.usual_arrived) < FEWEST:
            return 0.0
        pooled = (self.share * self.arrived + self.usual * self.usual_arrived) / (self.arrived + self.usual_arrived)
        error = math.sqrt(pooled * (1 - pooled) * (1 / self.arrived + 1 / self.usual_arrived))
        return (self.usual - self.share) / error if error else 0.0


def steps(climbs: Iterable[Climb], ranks: Sequence[int], *, start: int, now: int) -> tuple[Step, ...]:
    """The steps between the used rungs `ranks`, for the period from `start` to `now`."""
    all_climbs = list(climbs)
    return tuple(_step(all_climbs, rank, next_rank, start=start, now=now) for rank, next_rank in pairwise(ranks))


def weakest(found: Sequence[Step]) -> Step | None:
    """The step that fell furthest under its usual; where none fell noticeably, the one with the lowest share.

    The first step is left out of the second question: most people we merely know of never show interest.
    """
    fallen = max(found, key=lambda step: step.fall, default=None)
    if fallen is not None and fallen.fall >= NOTICEABLE:
        return fallen
    known = [step for step in found[1:] if step.share is not None and step.arrived >= FEWEST]
    return min(known, key=lambda step: step.share or 0.0, default=None)


def _step(climbs: Sequence[Climb], rank: int, next_rank: int, *, start: int, now: int) -> Step:
    times = [
        (arrived, went_on)
        for climb in climbs
        if (arrived := climb.get(rank)) is not None
        for went_on in (_went_on(climb, rank, arrived),)
    ]
    in_period = [went_on - arrived for arrived, went_on in times if went_on is not None and start <= went_on <= now]
    share, arrived_recently = _share(times, now - RECENT[0], now - RECENT[1])
    usual, arrived_before = _share(times, now - USUAL[0], now - USUAL[1])
    return Step(
        rank=rank,
        next_rank=next_rank,
        went_on=len(in_period),
        share=share,
        arrived=arrived_recently,
        usual=usual,
        usual_arrived=arrived_before,
        median_time=int(median(in_period)) if in_period else None,
    )


def _went_on(climb: Climb, rank: int, arrived: int) -> int | None:
    later = [at for higher, at in climb.items() if higher > rank and at >= arrived]
    return min(later, default=None)


def _share(times: Sequence[tuple[int, int | None]], first: int, last: int) -> tuple[float | None, int]:
    """The share of those who arrived from `first` to before `last` that went on within the window."""
    within = [
        went_on is not None and went_on - arrived <= WINDOW for arrived, went_on in times if first <= arrived < last
    ]
    return (sum(within) / len(within), len(within)) if within else (None, 0)
