"""Geometry of the small drawings, in percentages, so that templates need neither arithmetic nor inline styles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LEAST_WIDTH: Final = 1.5
"""Percent below which a segment could not be seen or hit."""


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """What one signal (or one fit line) gives now.

    `full` is what it gave when it was new, `note` says it in words ("of 15, fading"), `events` are the seqs behind it.
    """

    name: str
    now: float
    full: float
    note: str = ""
    icon: str = "bolt"
    is_capped: bool = False
    events: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreSegment:
    point: ScorePoint
    x: float
    width: float
    kept: float
    """Percent of the bar's height: the share left of the original."""

    @property
    def refs(self) -> str:
        return " ".join(str(seq) for seq in self.point.events)

    @property
    def top(self) -> float:
        return round(100 - self.kept, 2)

    @property
    def end(self) -> float:
        return round(self.x + self.width, 3)

    @property
    def rounded(self) -> str:
        return f"{self.point.now:.0f}"

    @property
    def has_room(self) -> bool:
        # White on what has faded could not be read; the number stands in the legend anyway.
        return self.width >= 4 and self.kept >= 60


@dataclass(frozen=True, slots=True)
class ScoreBar:
    """Width = points now, so 50 sits where 50 is; height = share left; losses as a hatch at the end."""

    segments: tuple[ScoreSegment, ...]
    losses: tuple[ScoreSegment, ...]
    total: float
    total_x: float
    needed: float | None
    needed_x: float | None
    scale: float

    @property
    def label_clear(self) -> bool:
        """Whether the total's number can stand above the bar without touching the words of what is needed."""
        return self.needed_x is None or self.total_x > self.needed_x + 2 or self.total_x < self.needed_x - 22


def score_bar(points: Sequence[ScorePoint], needed: float | None = None) -> ScoreBar:
    """Lay the points out from left to right in the order given; negative ones come last."""
    gains = [point for point in points if point.now > 0]
    losses = [point for point in points if point.now < 0]
    gained = sum(point.now for point in gains)
    total = gained + sum(point.now for point in losses)
    scale = max(gained, (needed or 0) * 1.2, 10.0) * 1.05
    placed, x = [], 0.0
    for point in gains:
        width = 100 * point.now / scale
        kept = 100.0 if point.is_capped or point.full <= 0 else max(8.0, min(100.0, 100 * point.now / point.full))
        placed.append(ScoreSegment(point=point, x=round(x, 3), width=round(max(width, 0.4), 3), kept=round(kept, 2)))
        x += width
    lost = []
    for point in losses:
        width = -100 * point.now / scale
        x -= width
        lost.append(ScoreSegment(point=point, x=round(max(x, 0.0), 3), width=round(max(width, 0.4), 3), kept=100.0))
    return ScoreBar(
        segments=tuple(placed),
        losses=tuple(lost),
        total=total,
        total_x=round(min(max(100 * total / scale, 0.0), 100.0), 3),
        needed=needed,
        needed_x=None if needed is None else round(100 * needed / scale, 3),
        scale=scale,
    )


def spark(values: Sequence[float], width: int = 52, height: int = 16) -> str:
    """Points of a polyline through the values; a flat line when they are all alike."""
    if not values:
        return ""
    low, high = min(values), max(values)
    reach = (high - low) or 1.0
    step = width / max(len(values) - 1, 1)
    return " ".join(
        f"{round(index * step, 1):g},{round(height - 2 - (value - low) / reach * (height - 4), 1):g}"
        for index, value in enumerate(values)
    )


def percent(part: float, whole: float) -> float:
    """0 to 100, clamped: what goes into an SVG attribute."""
    return round(min(max(100 * part / whole, 0.0), 100.0), 2) if whole else 0.0
