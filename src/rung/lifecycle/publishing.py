"""A new playbook comes into force: a whole new generation is built beside the old one, then one short switch."""

from dataclasses import dataclass

from django.db import transaction

from rung.access.actions import By, Refused, audited, name_of, require
from rung.history import actions as history
from rung.history.models import Event
from rung.history.queries import last_seq
from rung.jobs import clock, locks
from rung.lifecycle import bulk
from rung.lifecycle import line as lines
from rung.lifecycle.bulk import Progress
from rung.lifecycle.generations import ensure_playbook, new_generation
from rung.lifecycle.line import Line
from rung.lifecycle.models import MAIN, OF_A_GENERATION, Generation, Pointer, Standing
from rung.people.queries import living_ids
from rung.playbook.loading import load


@dataclass(frozen=True, slots=True)
class Published:
    """A playbook that is in force now. `moved`: how many people stand elsewhere than before."""

    generation_id: int
    version: str
    people: int
    moved: int


def publish(
    text: str, *, by: By, at: int | None = None, progress: Progress | None = None, line: str = MAIN
) -> Published:
    """Puts a playbook in force for everybody. Raises PlaybookRefused, or Refused where it is in force.

    Everybody is decided by it up to now while the old generation goes on; then, under the decide lock, whoever had
    news meanwhile is decided again and the pointer is switched. The old generation is kept for `undo`. The new
    generation's moves that did not happen that way are re-definitions: they have no consequences.
    """
    require(by, "publish playbook")
    at = clock.now() if at is None else at
    playbook = load(text)
    ensure_playbook(at=at)
    before = lines.current(line)
    if before.version == playbook.version:
        raise Refused("This playbook is in force already.")
    generation = new_generation(playbook, by=name_of(by), at=at, line=line)
    bulk.decide_everyone(lines.of(generation), at=at, before=before, progress=progress)
    with transaction.atomic():
        locks.hold()
        _catch_up(generation, before, at=at)
        moved = _moved_people(before.generation_id, generation.pk)
        _switch(line, generation, at=at)
        audited(by=by, verb="published playbook", object=playbook.name, data={"version": playbook.version}, at=at)
        _note(playbook.version, by=name_of(by), at=at)
    _drop_old(line)
    return Published(
        generation.pk, playbook.version, Standing.objects.filter(generation_id=generation.pk).count(), moved
    )


def undo(*, by: By, at: int | None = None, line: str = MAIN) -> Published:
    """Puts the generation before back in force. Raises Refused when there is none."""
    require(by, "publish playbook")
    at = clock.now() if at is None else at
    with transaction.atomic():
        locks.hold()
        pointer = Pointer.objects.select_related("previous__playbook").filter(line=line).first()
        if pointer is None or pointer.previous is None:
            raise Refused("There is no earlier playbook to go back to.")
        generation, now = pointer.previous, lines.current(line)
        _catch_up(generation, now, at=at)
        moved = _moved_people(now.generation_id, generation.pk)
        _switch(line, generation, at=at)
        version = generation.playbook.version
        audited(by=by, verb="undid publishing", object=generation.playbook.name, data={"version": version}, at=at)
        _note(version, by=name_of(by), at=at)
    people = Standing.objects.filter(generation_id=generation.pk).count()
    return Published(generation.pk, version, people, moved)


def _catch_up(generation: Generation, before: Line, *, at: int) -> None:
    """Decides again, in the generation, whoever had news since it was built."""
    since = Event.objects.filter(seq__gt=generation.built_to_seq)
    ids = set(since.filter(person_id__isnull=False).order_by().values_list("person_id", flat=True).distinct())
    companies = since.filter(company_id__isnull=False).order_by().values_list("company_id", flat=True).distinct()
    ids |= set(
        Event.objects.filter(company_id__in=list(companies), person_id__isnull=False)
        .order_by()
        .values_list("person_id", flat=True)
        .distinct()
    )
    if since.filter(kind__in=("import_undone", "event_voided", "persons_unmerged")).exists():
        ids = set(Standing.objects.filter(generation_id=generation.pk).values_list("person_id", flat=True)) | ids
    people = set(living_ids(sorted(ids)).values())
    if people:
        bulk.decide_again(lines.of(generation), sorted(people), at=at, before=before)


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


def _drop_old(line: str) -> None:
    """Removes generations that nobody can go back to; their playbooks stay."""
    pointer = Pointer.objects.get(line=line)
    kept = {pointer.generation_id, pointer.previous_id}
    for generation in Generation.objects.filter(line=line, switched_at__isnull=False).exclude(pk__in=kept):
        for model in OF_A_GENERATION:
            model.objects.filter(generation_id=generation.pk)._raw_delete("default")
        generation.delete()
