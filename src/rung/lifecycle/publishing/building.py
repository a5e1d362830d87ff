"""A generation being built beside the one in force: who is at it, how far they are, what an earlier run left behind.

Building takes minutes and may be killed. What it has written by then is right for as long as the playbook's text, the
engine and the generation in force are what they were: whoever had news since is decided again before the switch.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import F

from rung.access.actions import By, Refused, name_of
from rung.engine.program import ENGINE_VERSION
from rung.jobs import locks
from rung.lifecycle.deciding import anew
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.deciding.memory import nothing_to_collect
from rung.lifecycle.generations import new_generation
from rung.lifecycle.many import bulk, deciders
from rung.lifecycle.models import OF_A_GENERATION, Generation, Standing
from rung.people.models import Person
from rung.playbook.definitions import Playbook

_PEOPLE_A_PART: Final = 2_500
"""The more, the fewer pages of a generation's indexes are written twice. Nobody waits for the writing of so many for
half a second."""
_CUT_SHORT: Final = "An earlier run was cut short"


class Overtaken(Refused):
    """Somebody else began to put a playbook in force meanwhile."""


@dataclass(frozen=True, slots=True)
class Building:
    """A generation and the token of the run that builds it; only the run that began last may write."""

    generation: Generation
    token: str

    def wrote(self, people: int) -> None:
        """Counts people, in the transaction that writes them. Raises Overtaken, and then nothing is written."""
        mine = Generation.objects.filter(pk=self.generation.pk, builder=self.token, switched_at=None)
        if not mine.update(decided=F("decided") + people):
            raise Overtaken("Another run began to put a playbook in force meanwhile; this one ends.")


def begin(playbook: Playbook, before: Line, *, by: By, at: int) -> Building:
    """Goes on with what an earlier run of this playbook left, where that is still right; else begins anew.

    The generation's `note` says which it was. Whoever builds a generation of the line so far is overtaken.
    """
    token = secrets.token_hex(8)
    with transaction.atomic():
        locks.hold()
        left = Generation.objects.filter(line=before.name, switched_at=None).select_related("playbook").order_by("pk")
        earlier = left.filter(playbook__version=playbook.version).exclude(before=None).last()
        fault = _fault(earlier, playbook, before) if earlier else ""
        left.exclude(pk=earlier.pk if earlier and not fault else None).update(builder="", before=None)
        if earlier is None or fault:
            generation = new_generation(playbook, by=name_of(by), at=at, line=before.name)
            generation.note = f"{_CUT_SHORT}. This one began anew, because {fault}." if fault else ""
        else:
            generation = earlier
            generation.decided = Standing.objects.filter(generation_id=generation.pk).count()
            generation.note = f"{_CUT_SHORT} after {generation.decided:,} people. This one goes on from there."
        generation.builder, generation.before_id = token, before.generation_id
        generation.save(update_fields=["builder", "before", "decided", "note"])
    return Building(generation, token)


def undecided(building: Building, person_ids: list[int]) -> list[int]:
    """Those of whom the generation says nothing yet, in their order."""
    if not building.generation.decided:
        return person_ids
    known = set(Standing.objects.filter(generation_id=building.generation.pk).values_list("person_id", flat=True))
    return [person_id for person_id in person_ids if person_id not in known]


def drop(generation: Generation) -> None:
    """Removes a generation that nobody needs; its playbook stays."""
    for model in OF_A_GENERATION:
        model.objects.filter(generation_id=generation.pk)._raw_delete("default")
    generation.delete()


def _fault(earlier: Generation, playbook: Playbook, before: Line) -> str:
    """Why what the earlier run wrote is not right any more; empty where it is."""
    if earlier.playbook.text != playbook.text:
        return "the file's text has changed since"
    if earlier.engine_version != str(ENGINE_VERSION):
        return "Rung was updated since"
    if earlier.before_id != before.generation_id:
        return "another playbook came into force since"
    return ""


def decide_everyone(made: Building, *, before: Line, progress: bulk.Progress | None = None) -> None:
    """Fills a generation, a chunk of people in a transaction, while the one before goes on.

    Whom an earlier run decided is left as they are; all are decided up to the instant at which the first run began.
    """
    people = list(Person.objects.filter(is_merged=False).values_list("pk", flat=True))
    ids = bulk.side_by_side(undecided(made, people))
    parts = list(bulk.parts(ids, _PEOPLE_A_PART))
    line = lines.of(made.generation)
    found = deciders.rows_of([part for _, part in parts], line, before, at=made.generation.created_at)
    for (done, _), rows in zip(parts, found, strict=True):
        with nothing_to_collect(), transaction.atomic():
            made.wrote(len(rows.standings))
            anew.insert(rows)
        if progress is not None:
            progress(len(people) - len(ids) + done, len(people))
