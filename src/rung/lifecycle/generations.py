"""Generations: a playbook's place in the database, and the first one of a new house."""

import functools

from django.db import transaction

from rung.access.actions import audited
from rung.engine.program import ENGINE_VERSION
from rung.history.queries import last_seq
from rung.jobs import locks
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.models import MAIN, Generation, PlaybookVersion, Pointer
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load
from rung.playbook.shipped import read as read_shipped


def ensure_playbook(*, at: int) -> Line:
    """The line in force; the shipped default is put in force where nothing was published yet."""
    try:
        return lines.current()
    except lines.NoPlaybook:
        pass
    begin_with(_shipped_default(), said="shipped default", by="system", at=at)
    return lines.current()


def begin_with(playbook: Playbook, *, said: str, by: str, at: int) -> None:
    """Puts the playbook in force where none ever was; `said` is what the audit log calls it."""
    with transaction.atomic():
        locks.hold()
        if not Pointer.objects.filter(line=MAIN).exists():
            generation = new_generation(playbook, by=by, at=at)
            Pointer.objects.create(line=MAIN, generation=generation)
            Generation.objects.filter(pk=generation.pk).update(switched_at=at)
            audited(by=by, verb="published playbook", object=said, data={}, at=at)


@functools.cache
def _shipped_default() -> Playbook:
    return load(read_shipped("default"))


def new_generation(playbook: Playbook, *, by: str, at: int, line: str = MAIN) -> Generation:
    """An empty generation of the playbook, which is kept word for word."""
    version, _ = PlaybookVersion.objects.get_or_create(
        version=playbook.version,
        defaults={"name": playbook.name[:200], "text": playbook.text, "created_at": at, "created_by": by},
    )
    keep_text(playbook)
    return Generation.objects.create(
        line=line,
        playbook=version,
        engine_version=str(ENGINE_VERSION),
        built_to_seq=last_seq(),
        created_at=at,
        published_by=by,
    )


def keep_text(playbook: Playbook) -> None:
    """A version that comes again with other signatures, another review date or other comments is kept as it is now."""
    PlaybookVersion.objects.filter(version=playbook.version).exclude(text=playbook.text).update(text=playbook.text)
