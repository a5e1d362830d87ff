"""The picture of a month on the ladder: bands between rungs, as plain shapes that a template draws.

Columns are rungs. Thickness is linear in people, never below 2 px where anybody moved. Forward bands rise to the right,
bands that fall land on the line of those beside the ladder, and a fading stub shows who arrived and stayed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

COLUMN: Final = 100.0
BAR: Final = 3.0
HEIGHT: Final = 214.0
GROUND: Final = 196.0
"""Where the line of those beside the ladder lies."""
TALLEST: Final = 154.0
THINNEST: Final = 2.0
RISE: Final = 6.0
STUB: Final = 26.0


@dataclass(frozen=True, slots=True)
class RungFlow:
    """What happened on one rung in the period, in people."""

    code: str
    arrived: int
    went_on: int
    fell: int

    @property
    def stayed(self) -> int:
        return max(0, self.arrived - self.went_on - self.fell)


@dataclass(frozen=True, slots=True)
class Shape:
    """One SVG path or bar: `kind` says how it is filled, `rank` (1 to 7) which colour of the ramp."""

    kind: str
    rank: int
    next_rank: int
    path: str


@dataclass(frozen=True, slots=True)
class FlowPicture:
    """The shapes in drawing order and the size of the drawing in its own units."""

    width: float
    height: float
    ground: float
    most: int
    """The people that the tallest column stands for."""
    scale_people: int
    """How many people the scale bar stands for."""
    scale_height: float
    shapes: tuple[Shape, ...]


def flow_picture(rungs: Sequence[RungFlow], ranks: Sequence[int]) -> FlowPicture:
    """Shapes for the rungs from the lowest to the highest; `ranks` are their places on the full ladder, 1 to 7."""
    most = max((max(rung.arrived, rung.went_on + rung.fell) for rung in rungs), default=0)
    per_person = TALLEST / most if most else 0.0
    top = GROUND - TALLEST - RISE * max(0, 7 - len(rungs)) if rungs else 0.0
    shapes: list[Shape] = []
    for index, (rung, rank) in enumerate(zip(rungs, ranks, strict=True)):
        next_rank = ranks[index + 1] if index + 1 < len(rungs) else rank
        shapes += _rung_shapes(index, rung, rank, next_rank, top - RISE * index, per_person)
    people = _round_number(most / 4)
    return FlowPicture(COLUMN * len(rungs), HEIGHT, GROUND, most, people, people * per_person, tuple(shapes))


def _rung_shapes(
    index: int, rung: RungFlow, rank: int, next_rank: int, top: float, per_person: float
) -> tuple[Shape, ...]:
    forward = _thickness(rung.went_on, per_person)
    fell = _thickness(rung.fell, per_person)
    stayed = rung.stayed * per_person
    x = COLUMN * index + 1
    shapes = []
    if forward:
        shapes.append(Shape("forward", rank, next_rank, _forward(x + BAR, top, forward)))
    if stayed:
        shapes.append(Shape("stub", rank, rank, _box(x + BAR, top + forward, STUB, stayed)))
    if fell:
        shapes.append(Shape("fall", rank, rank, _fall(x + BAR, top + forward + stayed, fell)))
    height = max(forward + stayed + fell, _thickness(rung.arrived, per_person))
    if height:
        shapes.append(Shape("bar", rank, rank, _box(x, top, BAR, height)))
    return tuple(shapes)


def _thickness(people: int, per_person: float) -> float:
    return max(THINNEST, people * per_person) if people else 0.0


def _forward(x: float, top: float, thick: float) -> str:
    middle, right = x + COLUMN / 2 - BAR / 2, x + COLUMN - BAR
    low = top + thick
    return (
        f"M{x:g} {top:g}C{middle:g} {top:g} {middle:g} {top - RISE:g} {right:g} {top - RISE:g}"
        f"V{low - RISE:g}C{middle:g} {low - RISE:g} {middle:g} {low:g} {x:g} {low:g}Z"
    )


def _fall(x: float, top: float, thick: float) -> str:
    inner = x + 34
    outer = inner + min(thick, 30)
    return (
        f"M{x:g} {top:g}C{x + 22:g} {top:g} {outer:g} {top + 22:g} {outer:g} {GROUND:g}H{inner:g}"
        f"C{inner:g} {top + thick + 18:g} {x + 18:g} {top + thick:g} {x:g} {top + thick:g}Z"
    )


def _box(x: float, top: float, width: float, height: float) -> str:
    return f"M{x:g} {top:g}h{width:g}v{height:g}h{-width:g}Z"


def _round_number(wanted: float) -> int:
    """The largest of 1, 2, 5, 10, 20, 50… that is not above what is wanted."""
    best = 1
    step = 1
    while step <= wanted:
        for factor in (1, 2, 5):
            if step * factor <= wanted:
                best = step * factor
        step *= 10
    return best
