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

from rung.lifecycle.deciding import compiling
from rung.lifecycle.deciding.anew import Rows
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.many import beside, columns
from rung.lifecycle.many.again import Again

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
    if sum(map(len, parts)) < WORTH_IT or _cores() == 1:
        compiling.begin(sum(map(len, parts)))
        for part in parts:
            yield columns.rows_of(part, line, before, at=at)
        return
    asked = ((part, line.generation_id, before.generation_id, at) for part in parts)
    with _pool() as pool:
        yield from _in_order(pool, beside.decided, asked)


class Others(contextlib.AbstractContextManager["Others"]):
    """Processes that decide people again, begun as soon as there will be enough for them; they end on leaving."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def begin(self, people: int) -> None:
        """Has them load what they need, where so many people are worth it: that takes them seconds."""
        if self._pool is None and people >= _AGAIN * WORTH_IT and _cores() > 1:
            self._pool = _pool()
            self._pool.submit(os.getpid)

    def again_of(self, parts: Sequence[Sequence[int]], line: Line, *, at: int) -> Generator[Again, None, None]:
        """For each part what its people have become, in order; nothing more where it is not worth asking others, or
        where one of them was killed: whoever asked finds the rest out alone."""
        self.begin(sum(map(len, parts)))
        if self._pool is not None:
            with contextlib.suppress(BrokenProcessPool):
                yield from _in_order(self._pool, beside.found_again, ((part, line.generation_id, at) for part in parts))

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


_Found = TypeVar("_Found")


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(_cores(), multiprocessing.get_context("spawn"), beside.begin)


def _in_order(
    pool: ProcessPoolExecutor, function: Callable[..., _Found], asked: Iterable[tuple[Any, ...]]
) -> Iterator[_Found]:
    waiting: deque[Future[_Found]] = deque()
    try:
        for each in asked:
            waiting.append(pool.submit(function, *each))
            if len(waiting) >= _cores() * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
