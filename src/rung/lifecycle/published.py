"""The playbook in force and the generation of standings made by it: what every page and every list reads first."""

from dataclasses import dataclass
from functools import lru_cache

from rung.lifecycle.models import Pointer
from rung.playbook import shipped
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load


@dataclass(frozen=True, slots=True)
class InForce:
    """`generation_id` is None before the first playbook is published: nobody stands anywhere then."""

    generation_id: int | None
    playbook: Playbook
    since_at: int | None


def in_force(line: str = "main") -> InForce:
    """One query. Before the first publishing the shipped default is shown, and nobody has a standing."""
    pointer = Pointer.objects.select_related("generation__playbook").filter(line=line).first()
    if pointer is None:
        return InForce(generation_id=None, playbook=_loaded(shipped.read("default")), since_at=None)
    generation = pointer.generation
    return InForce(
        generation_id=generation.pk, playbook=_loaded(generation.playbook.text), since_at=generation.switched_at
    )


def playbook(line: str = "main") -> Playbook:
    return in_force(line).playbook


@lru_cache(maxsize=16)
def _loaded(text: str) -> Playbook:
    return load(text)
