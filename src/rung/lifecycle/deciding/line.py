"""The playbook in force with its program, compiled once in a process: what deciding begins with.

Pages that decide nothing ask `published`, which knows no engine; both load a playbook in one place.
"""

from dataclasses import dataclass
from functools import lru_cache

from rung.engine.program import ENGINE_VERSION, Program, compile_program
from rung.lifecycle.models import MAIN, Generation, Pointer
from rung.lifecycle.published import loaded
from rung.playbook.definitions import Playbook


@dataclass(frozen=True, slots=True)
class Line:
    """A line of business and what it is decided by. `shared_kinds`: a colleague's event of such a kind is a row too."""

    generation_id: int
    playbook: Playbook
    program: Program
    shared_kinds: frozenset[str]
    engine_version: str
    name: str = MAIN

    @property
    def version(self) -> str:
        """The playbook's version."""
        return self.playbook.version


class NoPlaybook(LookupError):
    """Nothing was published yet."""


def current(name: str = MAIN) -> Line:
    """The line as it stands in the database now. Raises NoPlaybook when nothing was published."""
    found = Pointer.objects.filter(line=name).values_list("generation_id", "generation__playbook__text").first()
    if found is None:
        raise NoPlaybook("No playbook has been published yet.")
    return _line(found[0], found[1], name)


def of(generation: Generation) -> Line:
    """The line of a generation, current or not."""
    return _line(generation.pk, generation.playbook.text, generation.line)


def generation_of(name: str = MAIN) -> Generation | None:
    """The current generation of a line."""
    pointer = Pointer.objects.select_related("generation__playbook").filter(line=name).first()
    return pointer.generation if pointer else None


def _line(generation_id: int, text: str, name: str) -> Line:
    playbook = loaded(text)
    shared = frozenset(signal.on for signal in playbook.signals if signal.is_company)
    return Line(generation_id, playbook, _program(text), shared, str(ENGINE_VERSION), name)


@lru_cache(maxsize=8)
def _program(text: str) -> Program:
    return compile_program(loaded(text))
