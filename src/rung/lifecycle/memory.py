"""Many objects at once: Python's search for rubbish is put off until a batch is done."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

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
