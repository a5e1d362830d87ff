"""`python -m rung.engine.warming`: compiles what decides many people, or finds it on disk. A process of its own."""

import fcntl
from pathlib import Path

import numpy as np

from rung.engine import kernel, machine
from rung.engine.deciding import Row
from rung.engine.histories import KIND_NAMES, Columns
from rung.engine.program import compile_program
from rung.engine.replay import replay
from rung.engine.several import Several
from rung.playbook.loading import load
from rung.playbook.shipped import DEFAULT, read
from rung.terms.events import Event


def warm() -> None:
    """Decides one person by the shipped playbook: what is compiled for them serves all people and playbooks."""
    program = compile_program(load(read(DEFAULT)))
    row = Row(Event(seq=1, person="1", at=0, kind="page_viewed", data={}))
    several = Several(program)
    several.add([row], 0)
    several.decided(is_compiled=True)


def warm_once() -> None:
    """The same, one process at a time: whoever comes second waits without working, and then finds it on disk.

    A worker that is killed and started again and again would otherwise leave a compiler behind each time.
    """
    with Path(kernel.__file__).open("rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        warm()


def warm_up() -> None:
    """Compiles the kernel where that has not been done since it last changed: under a minute, once a machine."""
    program = compile_program(load("playbook: 1\nname: Warm\nstages: {lead: {enter: signals >= 1}}"))
    described = Columns(
        people=[],
        companies=["acme.example"],
        person=np.full(1, kernel.NONE, np.int32),
        at=np.zeros(1, np.int64),
        kind=np.full(1, KIND_NAMES.index("company_described"), np.int16),
        company=np.zeros(1, np.int32),
        has_by=np.zeros(1, np.bool_),
        data=[{}],
    )
    replay(program, described, 0, is_compiled=True)
    machine.fast().reach(np.zeros(0, np.int64), 0, 0, 0, np.zeros(0, np.int64), np.zeros(1, np.int64))
    warm()


if __name__ == "__main__":
    warm_once()
