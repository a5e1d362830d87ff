"""How fast a key may send: a bucket of tokens each, so that one runaway page cannot drown the others."""

import math
import time
from collections.abc import Callable
from typing import Final

from rung.capture.collector.submission import Key

EVENTS_A_SECOND: Final = 2_000
"""What a publishable key may send for ever; it stands in web pages, where anybody can read it."""
_BURST: Final = 10
"""Seconds' worth that may come at once."""


class Rates:
    """Publishable keys have a rate; secret keys are ours and have none."""

    def __init__(self, *, a_second: float = EVENTS_A_SECOND, clock: Callable[[], float] = time.monotonic) -> None:
        self._a_second = a_second
        self._most = a_second * _BURST
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, key: Key, events: int) -> int:
        """Seconds to wait before coming back, 0 when the events may come in."""
        if key.door != "publishable":
            return 0
        at = self._clock()
        left, since = self._left.get(key.source, (self._most, at))
        left = min(self._most, left + (at - since) * self._a_second)
        if left < min(events, self._most):
            return math.ceil((min(events, self._most) - left) / self._a_second)
        self._left[key.source] = (left - events, at)
        return 0
