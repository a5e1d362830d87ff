"""The playbook in force and the generation of standings made by it: what every page and every list reads first."""

from dataclasses import dataclass
from functools import lru_cache

from rung.lifecycle.models import MAIN, PlaybookVersion, Pointer
from rung.playbook import shipped
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load


@dataclass(frozen=True, slots=True)
class InForce:
    """`generation_id` is None before the first playbook is published: nobody stands anywhere then."""

    generation_id: int | None
    playbook: Playbook
    since_at: int | None


def in_force(line: str = MAIN) -> InForce:
    """One query. Before the first publishing the shipped default is shown, and nobody has a standing."""
    pointers = Pointer.objects.filter(line=line)
    found = pointers.values_list("generation_id", "generation__playbook__text", "generation__switched_at").first()
    if found is None:
        return InForce(generation_id=None, playbook=loaded(shipped.read("default")), since_at=None)
    generation_id, text, since_at = found
    return InForce(generation_id=generation_id, playbook=loaded(text), since_at=since_at)


def playbook(line: str = MAIN) -> Playbook:
    return in_force(line).playbook


@lru_cache(maxsize=16)
def loaded(text: str) -> Playbook:
    """A playbook that was published. By its text, not its version: signatures come later and are no part of that."""
    return load(text)


@dataclass(frozen=True, slots=True)
class Version:
    """A playbook that is or was in force."""

    version: str
    playbook: Playbook
    published_at: int
    published_by: str
    is_in_force: bool


def versions(line: str = MAIN) -> list[Version]:
    """Every playbook that was ever put in force, the latest first, each once."""
    current = Pointer.objects.filter(line=line).values_list("generation__playbook__version", flat=True).first()
    return [
        Version(row.version, loaded(row.text), row.created_at, row.created_by, row.version == current)
        for row in PlaybookVersion.objects.order_by("-created_at", "-pk")
    ]


def version(start: str, line: str = MAIN) -> Version | None:
    """The version whose hash begins so; None when there is none, or more than one."""
    found = [each for each in versions(line) if each.version.startswith(start)]
    return found[0] if len(found) == 1 else None
