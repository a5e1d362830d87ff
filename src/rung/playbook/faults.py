"""What is wrong with a playbook: each fault with its file, its line and what to write instead."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong (or, as a warning, suspicious). `line` counts from 1."""

    file: str
    line: int
    message: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" + (f" {self.fix}" if self.fix else "")


class PlaybookRefused(ValueError):
    """A playbook that cannot be run, with every fault at once."""

    def __init__(self, errors: tuple[Fault, ...]) -> None:
        super().__init__(errors)
        self.errors = errors

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.errors)


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """ "Did you mean half_life?", else the other advice, else the list of what there is."""
    names = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {names[near[0]]}?"
    return otherwise or f"There is: {', '.join(names.values())}."
