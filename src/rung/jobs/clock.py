"""The house's clock. Read it at the edge (a page, a command, a worker's turn) and hand the time on as an argument."""

import time

from rung.terms.instants import MICROSECOND


def now() -> int:
    """This instant, in microseconds UTC."""
    return time.time_ns() // (1_000 * MICROSECOND)
