"""How sure a figure is: the bootstrap over people, for totals, shares and medians of times that may not be over yet.

Each resample counts every person a Poisson(1) number of times, which for many people is drawing as many with
replacement (Hanley and MacGibbon 2006, "Creating non-parametric bootstrap samples using Poisson frequencies"). People
of whom nothing is counted need no number. All resamples are rows of one matrix: nothing here is a loop over them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES: Final = 400
CURVES: Final = 100
"""Resamples for medians of times, which cost a curve each."""
SEED: Final = 20_260_101
LOW, HIGH = 2.5, 97.5
_CELLS: Final = 20_000_000
"""The most cells of the matrix: with very many people there are fewer resamples, never fewer than `CURVES`."""
FEWEST: Final = 25
_CELLS_OF_CURVES: Final = 2_500_000
"""With very many people a median hardly moves, and each resample costs a curve: there are fewer then."""


@dataclass(frozen=True, slots=True)
class Sample:
    """`weights[r, i]`: how often resample r counts person i. Row 0 counts everybody once: the figure itself."""

    weights: Reals

    @classmethod
    def of(cls, people: int, *, resamples: int = RESAMPLES) -> "Sample":
        count = max(CURVES, min(resamples, _CELLS // max(1, people)))
        drawn = np.random.default_rng(SEED).poisson(1.0, (count, people))
        return cls(np.concatenate([np.ones((1, people)), drawn]))

    @classmethod
    def of_curves(cls, people: int) -> "Sample":
        """For medians of times."""
        count = max(FEWEST, min(CURVES, _CELLS_OF_CURVES // max(1, people)))
        drawn = np.random.default_rng(SEED).poisson(1.0, (count, people))
        return cls(np.concatenate([np.ones((1, people)), drawn]))

    def totals(self, values: Reals) -> Reals:
        """Row r: the sums of the columns of `values` (people × figures) in resample r."""
        found: Reals = self.weights @ values
        return found

    def first(self, count: int) -> "Sample":
        return Sample(self.weights[: count + 1])

    def share_by(self, horizon: float, *, duration: Ints, happened: NDArray[np.bool_], person: Ints) -> Reals:
        """By resample, the share to whom it has happened by `horizon`; those not followed so long are censored.

        Kaplan and Meier 1958; one row of `duration` each, microseconds; `person` is the column of the weights.
        """
        survival, times = self._survival(duration, happened, person)
        within = int(np.searchsorted(times, horizon, side="right"))
        if not within:
            return np.full(len(self.weights), np.nan if not len(times) else 0.0)
        share: Reals = 1.0 - survival[:, within - 1]
        return share

    def median_by(self, *, duration: Ints, is_over: NDArray[np.bool_], person: Ints) -> Reals:
        """By resample, the time after which half are through; NaN where fewer than half ever are."""
        if not len(duration):
            return np.full(len(self.weights), np.nan)
        survival, times = self._survival(duration, is_over, person)
        is_through = survival <= 0.5
        place = np.argmax(is_through, axis=1)
        return np.where(is_through.any(axis=1), times[place].astype(float), np.nan)

    def _survival(self, duration: Ints, happened: NDArray[np.bool_], person: Ints) -> tuple[Reals, Ints]:
        order = np.lexsort((~happened, duration))  # at the same time, what happens comes before what is cut off
        weights = self.weights[:, person[order]]
        at_risk = np.cumsum(weights[:, ::-1], axis=1)[:, ::-1]
        ends = weights * happened[order]
        with np.errstate(invalid="ignore", divide="ignore"):
            stays = np.where(at_risk > 0, 1.0 - ends / at_risk, 1.0)
        survival: Reals = np.cumprod(stays, axis=1, dtype=np.float64)
        return survival, duration[order]

    def medians(self, values: Reals, person: Ints) -> Reals:
        """By resample, the weighted median of the values; NaN where there are none."""
        if not len(values):
            return np.full(len(self.weights), np.nan)
        order = np.argsort(values, kind="stable")
        weights = self.weights[:, person[order]]
        reached = np.cumsum(weights, axis=1)
        half = reached[:, -1:] / 2
        place = np.argmax(reached >= half, axis=1)
        return np.where(reached[:, -1] > 0, values[order][place], np.nan)


def interval(samples: Reals) -> tuple[float, float] | None:
    """The middle 95 % of the resamples (row 0, the figure itself, is not among them); None where it is not known."""
    drawn = samples[1:]
    known = drawn[~np.isnan(drawn)]
    if len(known) < len(drawn) // 2 or not len(known):
        return None
    low, high = np.percentile(known, (LOW, HIGH))
    return float(low), float(high)


def figure(samples: Reals) -> float | None:
    """The figure itself: that of row 0."""
    value = float(samples[0])
    return None if np.isnan(value) else value
