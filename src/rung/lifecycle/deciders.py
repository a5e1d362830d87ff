"""Other processes that decide a whole generation, one for each core; who asked them writes what they found.

They read the history as it stands in the database. Whatever arrives meanwhile is decided again before the switch.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Final

from rung.lifecycle import anew, beside, compiling
from rung.lifecycle.anew import Rows
from rung.lifecycle.line import Line
from rung.lifecycle.memory import nothing_to_collect

WORTH_IT: Final = 15_000
"""People below which all is decided before other processes have begun."""
_AHEAD: Final = 2
"""Parts for each process that wait to be written: enough that nobody idles, few enough to keep in memory."""


def rows_of(parts: Sequence[Sequence[int]], line: Line, before: Line, *, at: int) -> Iterator[Rows]:
    """For each part of the people the rows of the line's generation, in order. `before`: what was in force so far."""
    people, cores = sum(map(len, parts)), len(os.sched_getaffinity(0))
    if people < WORTH_IT or cores == 1:
        compiling.begin(people)
        for part in parts:
            yield decided(part, line, before, at=at)
        return
    asked = ((part, line.generation_id, before.generation_id, at) for part in parts)
    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn"), beside.begin) as pool:
        yield from _in_order(pool, asked, cores * _AHEAD)


def _in_order(
    pool: ProcessPoolExecutor, asked: Iterable[tuple[Sequence[int], int, int, int]], most: int
) -> Iterator[Rows]:
    waiting: deque[Future[Rows]] = deque()
    try:
        for each in asked:
            waiting.append(pool.submit(beside.decided, *each))
            if len(waiting) >= most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def decided(part: Sequence[int], line: Line, before: Line, *, at: int) -> Rows:
    """The rows of these people in the line's generation."""
    with nothing_to_collect():
        return anew.rows_of(line, anew.decided(line, part, at=at), real=anew.real_moves(part, before))
