"""Replays of a history that comes in parts: some parts at a time, so that memory stays bounded, on all cores."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Final, TypeVar

from rung.engine import machine
from rung.engine.colleagues import Colleagues, Piece, piece_of
from rung.engine.files.parts import Source
from rung.engine.ordering import Own, in_order
from rung.engine.payloads import OF_A_COMPANY
from rung.engine.program import Program
from rung.engine.replay import WORTH_COMPILING, Prepared, shared_kinds

Progress = Callable[[int, int], None]
"""Called with (parts done, in all)."""

KEPT_ROWS: Final = 20_000_000
"""Rows up to which parts stay in memory between finding out who reaches whom and deciding: about a gigabyte."""

_Result = TypeVar("_Result")


class Parts:
    """The parts of a history, prepared for some programs. With company signals the parts are read first to join them;
    of a history too large to be kept they are then read once more."""

    def __init__(
        self,
        source: Source,
        programs: Sequence[Program],
        until: int | None = None,
        *,
        workers: int | None = None,
        is_compiled: bool | None = None,
    ) -> None:
        self.source, self.programs = source, tuple(programs)
        self.until = source.last_at if until is None else until
        self.numbers = source.parts()
        self._workers = workers or os.cpu_count() or 1
        is_fast = source.rows >= WORTH_COMPILING if is_compiled is None else is_compiled
        self._machine = machine.fast() if is_fast else machine.plain()
        self._shared = shared_kinds(programs)
        self._owns: dict[int, Own] = {}
        self._prepared: dict[int, Prepared] = {}
        self._keeps = source.rows <= KEPT_ROWS
        self._colleagues: Colleagues | None = None
        self._is_joined = not self._needs_join()

    def each(
        self,
        work: Callable[[int, Prepared], _Result],
        *,
        only: Sequence[int] | None = None,
        keep: bool = False,
        progress: Progress | None = None,
    ) -> Iterator[_Result]:
        """What the work makes of every part (or those numbered), in order; several parts at a time.

        `keep`: prepared parts stay, as far as they fit, for programs that will be tried later.
        """
        self._join()
        numbers = self.numbers if only is None else only
        keep = keep and self._keeps

        def one(number: int) -> _Result:
            found = self._prepared.get(number) or self._prepare(number)
            if keep:
                self._prepared[number] = found
            return work(number, found)

        for done, result in enumerate(self._at_once(one, numbers), 1):
            if progress is not None:
                progress(done, len(numbers))
            yield result

    def _prepare(self, number: int) -> Prepared:
        own = self._owns.pop(number, None) or self._read(number)
        if self._colleagues is not None:
            own.came_row = self._came[number]
        return Prepared(own, self.until, self._machine, self._colleagues, self.numbers.index(number))

    def _read(self, number: int) -> Own:
        part = self.source.part(number)
        own = in_order(part, self.programs, self.until, self._machine)
        part.forget()
        return own

    # --- the join

    def _needs_join(self) -> bool:
        has_described = any(OF_A_COMPANY in stretch.kinds for stretch in self.source.manifest.stretches)
        return bool(self._shared) or has_described or self.source.has_tail

    def _join(self) -> None:
        if self._is_joined:
            return
        pieces = list(self._at_once(self._piece, self.numbers))
        self._came = {number: piece.came_row for number, piece in zip(self.numbers, pieces, strict=True)}
        self._colleagues = Colleagues(pieces, self.programs, self._machine)
        self._is_joined = True

    def _piece(self, number: int) -> Piece:
        part = self.source.part(number)
        own = in_order(part, self.programs, self.until, self._machine)
        piece = piece_of(part, self.programs, self.until, own.order, self._shared, self.numbers.index(number))
        part.forget()
        if self._keeps:
            self._owns[number] = own
        return piece

    def _at_once(self, work: Callable[[int], _Result], numbers: Sequence[int]) -> Iterator[_Result]:
        """Results in order, never more than a few parts ahead of whoever takes them."""
        if self._workers == 1 or len(numbers) < 2:
            yield from map(work, numbers)
            return
        waiting: list[Future[_Result]] = []
        ahead = iter(numbers)
        with ThreadPoolExecutor(self._workers) as pool:
            try:
                waiting += [pool.submit(work, number) for number in islice(ahead, 2 * self._workers)]
                while waiting:
                    yield waiting.pop(0).result()
                    waiting += [pool.submit(work, number) for number in islice(ahead, 1)]
            finally:
                for each in waiting:
                    each.cancel()
