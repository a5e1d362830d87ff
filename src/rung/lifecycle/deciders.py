"""Other processes that decide many people, one for each core; who asked them writes what they found.

They read the history as it stands in the database. What arrives meanwhile is for whoever asked to look after.
"""

import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final, TypeVar

from rung.lifecycle import anew, beside, columns, compiling
from rung.lifecycle.again import Again
from rung.lifecycle.anew import Rows
from rung.lifecycle.line import Line
from rung.lifecycle.memory import nothing_to_collect

WORTH_IT: Final = 15_000
"""People below which all is decided before other processes have begun."""
_AGAIN: Final = 4
"""So many times more people are needed where persons are found out about, too: seen at 25,000, an import with other
processes took a fifth more of the processor and no less time."""
_AHEAD: Final = 2
"""Parts for each process that wait to be written: enough that nobody idles, few enough to keep in memory."""


def rows_of(parts: Sequence[Sequence[int]], line: Line, before: Line, *, at: int) -> Iterator[Rows]:
    """For each part of the people the rows of the line's generation, in order. `before`: what was in force so far.

    Whatever arrives meanwhile is decided again before the switch.
    """
    if not _are_worth_it(parts, WORTH_IT):
        compiling.begin(sum(map(len, parts)))
        for part in parts:
            yield decided(part, line, before, at=at)
        return
    asked = ((part, line.generation_id, before.generation_id, at) for part in parts)
    yield from _in_order(beside.decided, asked)


def again_of(parts: Sequence[Sequence[int]], line: Line, *, at: int) -> Generator[Again, None, None]:
    """For each part what its people have become, in order; nothing more where it is not worth asking others, or where
    one of them was killed: whoever asked finds the rest out alone."""
    if _are_worth_it(parts, _AGAIN * WORTH_IT):
        with contextlib.suppress(BrokenProcessPool):
            yield from _in_order(beside.found_again, ((part, line.generation_id, at) for part in parts))


def _are_worth_it(parts: Sequence[Sequence[int]], people: int) -> bool:
    return sum(map(len, parts)) >= people and _cores() > 1


def _cores() -> int:
    return len(os.sched_getaffinity(0))


_Found = TypeVar("_Found")


def _in_order(function: Callable[..., _Found], asked: Iterable[tuple[Any, ...]]) -> Iterator[_Found]:
    cores = _cores()
    waiting: deque[Future[_Found]] = deque()
    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn"), beside.begin) as pool:
        try:
            for each in asked:
                waiting.append(pool.submit(function, *each))
                if len(waiting) >= cores * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def decided(part: Sequence[int], line: Line, before: Line, *, at: int) -> Rows:
    """The rows of these people in the line's generation."""
    with nothing_to_collect():
        how = columns.decided if compiling.is_ready(len(part)) else anew.decided
        return anew.rows_of(line, how(line, part, at=at), real=anew.real_moves(part, before))
