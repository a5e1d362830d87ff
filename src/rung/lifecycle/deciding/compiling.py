"""Whether this process may decide with the compiled kernel, and whether that has been compiled yet.

The process that serves pages never may: Numba costs it memory and start-up. Commands and the worker do, for many people
at once. Compiling for the first time takes longer than deciding a few thousand people plainly, so a child process does
it while we begin: until it is done we decide plainly, which gives the same answers.
"""

import subprocess  # our own interpreter, our own module
import sys
from dataclasses import dataclass
from typing import Final

WORTH_IT: Final = 1_000
"""People below which plain Python is done before Numba has been loaded."""
WORTH_CALLING: Final = 32
"""People in one call below which handing tables to compiled code and back takes longer than deciding them plainly."""


@dataclass(slots=True)
class _Process:
    is_allowed: bool = False
    is_ready: bool = False
    asked: int = 0
    child: subprocess.Popen[bytes] | None = None


_this: Final = _Process()


def allow() -> None:
    """Says that this process serves no pages."""
    _this.is_allowed = True


def begin(people: int) -> None:
    """So many more people will be decided: has the kernel compiled meanwhile, where that is allowed and worth it."""
    _this.asked += people
    if _this.is_allowed and not _this.is_ready and _this.asked >= WORTH_IT and _this.child is None:
        _this.child = subprocess.Popen(
            [sys.executable, "-m", "rung.engine.warming"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


def is_ready(people: int) -> bool:
    """Whether to decide so many with the compiled kernel now. Where compiling failed it never is."""
    if people < WORTH_CALLING:
        return False
    if _this.is_ready:
        return True
    if _this.child is None:
        begin(people)
    else:
        _this.is_ready = _this.child.poll() == 0
    return _this.is_ready


def here() -> None:
    """Compiles in this process, or finds it on disk, and only then returns: for one that does nothing else."""
    from rung.engine import warming  # the engine's compiler is nothing for a process that only asks

    warming.warm_once()
    _this.is_ready = True
