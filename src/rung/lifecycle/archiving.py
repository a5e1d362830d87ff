"""The house's history as Parquet: which fields playbooks name, how persons are named outside, what is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rung.history import segments
from rung.history.models import Struck
from rung.history.queries import last_seq
from rung.lifecycle.models import PlaybookVersion
from rung.people.models import Alias, Company, Person
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load

if TYPE_CHECKING:
    from rung.engine.files.parts import Source

Progress = segments.Progress
MANIFEST: Final = "manifest.json"
_IDS_AT_A_TIME: Final = 10_000


def write_closed(_: int) -> None:
    """A turn of the worker: what happened since the last stretch becomes one, once it is worth it."""
    segments.write_closed(segments.folder(), names=NAMES, fields=fields_of(published()), least=segments.WORTH_CUTTING)


def rewrite_erased(_: int) -> None:
    """A nightly turn: what was erased leaves the files, too."""
    segments.rewrite_erased(segments.folder())


def export(to: Path, *, progress: Progress | None = None) -> int:
    """Writes the whole history into a folder, or what has happened since that was done; returns how much that was."""
    return segments.write_closed(to, names=NAMES, fields=fields_of(published()), progress=progress)


def source(playbooks: Iterable[Playbook] = ()) -> Source:
    """The house's history: its segments, and from the database what is not among them yet; what was struck is left
    out, and people are those who live on, as the tables say now.

    Persons and companies are named by their ids outside (`Person.uuid`, `Company.key`), which are no addresses.
    """
    from rung.engine.files.parts import Source
    from rung.engine.files.segments import Corrected, read_manifest

    fields = fields_of([*published(), *playbooks])
    folder = segments.folder()
    written = read_manifest(folder).last_seq
    tail = segments.events_after(written, last_seq(), names=NAMES, fields=sorted(fields))
    merged = list(Alias.objects.values_list("old_id", "living_id"))
    name = uuids_of(sorted({id_ for pair in merged for id_ in pair}))
    corrected = Corrected(
        seqs=frozenset(Struck.objects.values_list("seq", flat=True)),
        lives_as={name[old]: name[living] for old, living in merged},
    )
    return Source(folder, fields=sorted(fields), tail=tail, corrected=corrected)


def published() -> list[Playbook]:
    """Every playbook that is or was in force."""
    return [load(text) for text in PlaybookVersion.objects.values_list("text", flat=True)]


def fields_of(playbooks: Iterable[Playbook]) -> frozenset[str]:
    """The data fields that any of the playbooks, or the engine by itself, reads."""
    from rung.engine.payloads import fields_named
    from rung.engine.program import compile_program

    return fields_named(compile_program(playbook) for playbook in playbooks)


def uuids_of(ids: Sequence[int]) -> dict[int, str]:
    """By person's id inside the id outside."""
    found: dict[int, str] = {}
    for start in range(0, len(ids), _IDS_AT_A_TIME):
        rows = Person.objects.filter(pk__in=ids[start : start + _IDS_AT_A_TIME]).values_list("pk", "uuid")
        found.update((pk, str(uuid)) for pk, uuid in rows)
    return found


def _company_keys(ids: Sequence[int]) -> Mapping[int, str]:
    found: dict[int, str] = {}
    for start in range(0, len(ids), _IDS_AT_A_TIME):
        found.update(Company.objects.filter(pk__in=ids[start : start + _IDS_AT_A_TIME]).values_list("pk", "key"))
    return found


NAMES: Final = segments.Names(people=uuids_of, companies=_company_keys)
