"""Many objects at once: Python's search for rubbish is put off until a batch is done."""

import gc
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np

MANY: Final = 100


@contextmanager
def nothing_to_collect(events: int = MANY) -> Iterator[None]:
    """While a batch of so many events lives, Python would look through all of it again and again, for a third of the
    time. A few events are not worth it, and somebody who has put it off already is left alone."""
    if events < MANY or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Ids:
    """Ids that are gathered by the million, each counted once in the end: eight bytes for each time it is told."""

    def __init__(self) -> None:
        self._told = array("q")
        self._once = 0

    def add(self, ids: Iterable[int]) -> None:
        """Adds what a batch told."""
        self._told.extend(set(ids))
        if len(self._told) > 2 * self._once + _WORTH_SORTING:
            self._told = self.once()
            self._once = len(self._told)

    def once(self) -> "array[int]":
        """Each of them once, in order."""
        return array("q", np.unique(np.frombuffer(self._told, np.int64)).tobytes())


_WORTH_SORTING: Final = 1_000_000
