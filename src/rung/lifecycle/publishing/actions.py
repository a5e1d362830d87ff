"""A new playbook comes into force: a whole new generation is built beside the old one, then one short switch."""

from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import Q

from rung.access.actions import By, Refused, audited, name_of, require
from rung.history import actions as history
from rung.history.models import Event
from rung.history.queries import last_seq
from rung.jobs import clock, locks
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.generations import ensure_playbook
from rung.lifecycle.many import bulk
from rung.lifecycle.many.bulk import Progress
from rung.lifecycle.models import MAIN, Generation, Pointer, Standing
from rung.lifecycle.publishing import building
from rung.people.models import Person
from rung.people.queries import living_ids
from rung.playbook.loading import load

_FEW: Final = 2_000
"""People who are decided again under the lock without anybody noticing that they wait."""


@dataclass(frozen=True, slots=True)
class Published:
    """A playbook that is in force now. `moved`: how many people stand elsewhere than before.

    `note`: whether it went on where an earlier run was cut short, or why it could not; else empty.
    """

    generation_id: int
    version: str
    people: int
    moved: int
    note: str = ""


def publish(
    text: str, *, by: By, at: int | None = None, progress: Progress | None = None, line: str = MAIN
) -> Published:
    """Puts a playbook in force for everybody. Raises PlaybookRefused, or Refused where it is in force.

    Everybody is decided by it up to now while the old generation goes on; then, under the decide lock, whoever had
    news meanwhile is decided again and the pointer is switched. The old generation is kept for `undo`. The new
    generation's moves that did not happen that way are re-definitions: they have no consequences. A run that was
    killed is gone on with when the same playbook is published again.
    """
    require(by, "publish playbook")
    at = clock.now() if at is None else at
    playbook = load(text)
    ensure_playbook(at=at)
    before = lines.current(line)
    if before.version == playbook.version:
        raise Refused("This playbook is in force already.")
    made = building.begin(playbook, before, by=by, at=at)
    generation = made.generation
    building.decide_everyone(made, before=before, progress=progress)
    _catch_up_ahead(generation, before, at=at)
    with transaction.atomic():
        locks.hold()
        made.wrote(0)
        _catch_up(generation, before, at=at)
        moved = _moved_people(before.generation_id, generation.pk)
        _switch(line, generation, at=at)
        audited(by=by, verb="published playbook", object=playbook.name, data={"version": playbook.version}, at=at)
        _note(playbook.version, by=name_of(by), at=at)
    _drop_old(line, generation)
    people = Standing.objects.filter(generation_id=generation.pk).count()
    return Published(generation.pk, playbook.version, people, moved, generation.note)


def undo(*, by: By, at: int | None = None, line: str = MAIN) -> Published:
    """Puts the generation before back in force. Raises Refused when there is none."""
    require(by, "publish playbook")
    at = clock.now() if at is None else at
    _catch_up_ahead(_earlier(line), lines.current(line), at=at)
    with transaction.atomic():
        locks.hold()
        generation, now = _earlier(line), lines.current(line)
        _catch_up(generation, now, at=at)
        moved = _moved_people(now.generation_id, generation.pk)
        _switch(line, generation, at=at)
        version = generation.playbook.version
        audited(by=by, verb="undid publishing", object=generation.playbook.name, data={"version": version}, at=at)
        _note(version, by=name_of(by), at=at)
    people = Standing.objects.filter(generation_id=generation.pk).count()
    return Published(generation.pk, version, people, moved)


def _earlier(line: str) -> Generation:
    pointer = Pointer.objects.select_related("previous__playbook").filter(line=line).first()
    if pointer is None or pointer.previous is None:
        raise Refused("There is no earlier playbook to go back to.")
    return pointer.previous


def _catch_up_ahead(generation: Generation, before: Line, *, at: int) -> None:
    """Decides whoever had news, while they are many, before the lock is taken: nobody waits for that."""
    while True:
        last = last_seq()
        people = _news(generation, at=at)
        if len(people) <= _FEW:
            return
        for start in range(0, len(people), _FEW):
            with transaction.atomic():
                part = people[start : start + _FEW]
                bulk.decide_again(lines.of(generation), part, at=at, before=before)
        generation.built_to_seq = last
        generation.save(update_fields=["built_to_seq"])


def _catch_up(generation: Generation, before: Line, *, at: int) -> None:
    """Decides again, in the generation, whoever had news since it was built."""
    people = _news(generation, at=at)
    if people:
        bulk.decide_again(lines.of(generation), people, at=at, before=before)


def _news(generation: Generation, *, at: int) -> list[int]:
    """Whom an event since reaches, and whom time alone may have moved by the instant."""
    since = Event.objects.filter(seq__gt=generation.built_to_seq)
    ids = set(since.filter(person_id__isnull=False).order_by().values_list("person_id", flat=True).distinct())
    companies = since.filter(company_id__isnull=False).order_by().values_list("company_id", flat=True).distinct()
    ids |= set(
        Event.objects.filter(company_id__in=list(companies), person_id__isnull=False)
        .order_by()
        .values_list("person_id", flat=True)
        .distinct()
    )
    standings = Standing.objects.filter(generation_id=generation.pk)
    if since.filter(kind__in=("import_undone", "event_voided", "persons_unmerged")).exists():
        ids |= set(standings.values_list("person_id", flat=True))
    ids |= set(standings.filter(due_at__lte=at).values_list("person_id", flat=True))
    undone = since.filter(kind="persons_unmerged").values_list("data__merged", flat=True)
    ids |= set(Person.objects.filter(uuid__in=list(undone)).values_list("pk", flat=True))
    return sorted(set(living_ids(sorted(ids)).values()))


def _switch(line: str, generation: Generation, *, at: int) -> None:
    pointer = Pointer.objects.get(line=line)
    last = last_seq()
    Generation.objects.filter(pk__in=[pointer.generation_id, generation.pk]).update(built_to_seq=last)
    Generation.objects.filter(pk=generation.pk).update(switched_at=at)
    Pointer.objects.filter(line=line).update(generation=generation, previous_id=pointer.generation_id)


def _note(version: str, *, by: str, at: int) -> None:
    history.append(
        [
            history.Entry(
                kind="playbook_published",
                at=at,
                received_at=at,
                source="app",
                message_id=history.new_message_id(),
                by=by,
                data={"playbook": version},
            )
        ]
    )


def _moved_people(before_id: int, after_id: int) -> int:
    """How many people stand on another rung or status in the one generation than in the other."""
    before = dict(_places(before_id))
    return sum(1 for person_id, place in _places(after_id) if before.get(person_id) != place)


def _places(generation_id: int) -> list[tuple[int, tuple[str, str]]]:
    rows = Standing.objects.filter(generation_id=generation_id).values_list("person_id", "stage", "status")
    return [(person_id, (stage, status)) for person_id, stage, status in rows.iterator(chunk_size=5_000)]


def _drop_old(line: str, switched: Generation) -> None:
    """Removes generations that nobody can go back to, and what runs before this one left unfinished."""
    pointer = Pointer.objects.get(line=line)
    old = Generation.objects.filter(line=line).exclude(pk__in={pointer.generation_id, pointer.previous_id})
    for generation in old.filter(Q(switched_at__isnull=False) | Q(pk__lt=switched.pk, builder="")):
        building.drop(generation)
