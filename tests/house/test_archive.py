"""The history in Parquet: what the worker writes, what others read, and that a replay of it is what the tables say."""

from pathlib import Path
from typing import Any

import duckdb
import pytest
from django.db import transaction

from house.test_live_is_replay import AT, PLAYBOOK, World
from rung.engine.files import segments as files
from rung.engine.files.driving import Parts
from rung.engine.files.parts import Source
from rung.engine.program import compile_program
from rung.history import segments
from rung.history.models import Event
from rung.lifecycle import actions, archiving, exporting
from rung.lifecycle.deciding.line import current
from rung.lifecycle.models import StageMove, Standing
from rung.lifecycle.publishing import actions as publishing
from rung.people.models import Person
from rung.playbook.loading import load
from rung.terms.instants import DAY
from rung.terms.stages import STAGES, STATUSES

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(settings: Any, tmp_path: Path) -> Path:
    settings.RUNG_HOME = tmp_path
    return tmp_path / "history"


@pytest.mark.parametrize("seed", range(3))
def test_a_replay_of_segments_and_tail_is_what_the_tables_say(home: Path, seed: int) -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    world = World(seed)
    steps = (world.live,) * 6 + (
        world.imported,
        world.imported,
        world.voided,
        world.undone,
        world.merged,
        world.unmerged,
    )
    for number in range(30):
        with transaction.atomic():
            world.random.choice(steps)()
        if number in (8, 16, 20):
            archiving.export(home)
    actions.look_again(at=world.now)
    program = compile_program(load(PLAYBOOK))
    parts = Parts(archiving.source(), [program], world.now, is_compiled=False, workers=1)
    found = dict(each for shown in parts.each(lambda _, part: standings_of(part, program)) for each in shown)
    assert len(files.read_manifest(home).stretches) >= 1
    assert found == stored()


def test_whoever_has_only_the_folder_reads_the_same_history(home: Path) -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    world = World(7)
    for step in (world.live, world.live, world.imported, world.live, world.merged, world.undone, world.live):
        with transaction.atomic():
            step()
    actions.look_again(at=world.now)
    program = compile_program(load(PLAYBOOK))
    archiving.export(home)
    parts = Parts(Source(home), [program], world.now, is_compiled=False, workers=1)
    found = dict(each for shown in parts.each(lambda _, part: standings_of(part, program)) for each in shown)
    assert found == stored()


def test_duckdb_reads_the_files_without_rung(home: Path) -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    world = World(2)
    for _ in range(12):
        world.live()
    assert archiving.export(home) == Event.objects.count()
    rows = duckdb.sql(
        f"SELECT seq, person, kind, epoch_us(\"at\"), data FROM '{home}/*/*.parquet' ORDER BY seq"
    ).fetchall()
    uuids = {pk: str(uuid) for pk, uuid in Person.objects.values_list("pk", "uuid")}
    assert [row[:4] for row in rows] == [
        (event.seq, uuids.get(event.person_id), event.kind, event.at) for event in Event.objects.order_by("seq")
    ]
    told = duckdb.sql(
        f"SELECT DISTINCT data_title, type_title FROM '{home}/*/*.parquet' WHERE kind = 'person_described' ORDER BY 1"
    ).fetchall()
    nothing = object()
    titles = {event.data.get("title", nothing) for event in Event.objects.filter(kind="person_described")}
    assert {title for title, kind in told if kind == "text"} == titles - {None, nothing}
    assert (("null", "null") in told, (None, None) in told) == (None in titles, nothing in titles)


def test_short_stretches_become_one_and_a_new_field_its_column(home: Path) -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    world = World(3)
    for _ in range(4):
        world.live()
        archiving.export(home)
    told = files.read_manifest(home)
    assert (told.rows, told.last_seq) == (Event.objects.count(), segments.last_seq())
    assert len(told.stretches) < 4
    assert not any("shoe_size" in stretch.fields for stretch in told.stretches)
    publishing.publish(PLAYBOOK.replace("person.title.", "person.shoe_size."), by="cli", at=world.now)
    for _ in told.stretches:
        archiving.export(home)
    assert all("shoe_size" in stretch.fields for stretch in files.read_manifest(home).stretches)


def test_the_worker_waits_until_a_stretch_is_worth_its_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    World(1).live()
    archiving.write_closed(AT)
    assert not (home / files.MANIFEST).exists()
    monkeypatch.setattr(segments, "WORTH_CUTTING", 1)
    archiving.write_closed(AT)
    assert files.read_manifest(home).rows == Event.objects.count()


def test_a_half_written_stretch_is_never_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    world = World(4)
    world.live()
    archiving.export(home)
    before = files.read_manifest(home)
    world.live()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(files, "write_manifest", killed)
        archiving.export(home)
    assert files.read_manifest(home) == before
    assert len(Source(home).whole()) == len(told_rows(home, before))
    archiving.export(home)
    assert files.read_manifest(home).rows == Event.objects.count()


def told_rows(home: Path, manifest: files.Manifest) -> list[int]:
    nothing = ("playbook_published", "event_voided", "import_undone", "persons_merged", "persons_unmerged")
    found = [files.read_stretch(home, stretch, []) for stretch in manifest.stretches]
    return [
        row["seq"]
        for table in found
        for row in table.select(["seq", "kind"]).to_pylist()
        if row["kind"] not in nothing or row["kind"] == "playbook_published"
    ]


def test_who_is_erased_is_read_no_more_and_leaves_the_files(home: Path) -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    world = World(5)
    for _ in range(6):
        world.live()
    archiving.export(home)
    gone = str(Person.objects.filter(is_merged=False).order_by("pk")[0].uuid)
    assert gone in Source(home).whole().people
    segments.erase(home, [gone])
    assert gone not in Source(home).whole().people
    before = duckdb.sql(f"SELECT count(*) FROM '{home}/*/*.parquet'").fetchall()[0][0]
    count = segments.rewrite_erased(home)
    left = duckdb.sql(f"SELECT count(*), count(*) FILTER (person = '{gone}') FROM '{home}/*/*.parquet'").fetchall()[0]
    assert left == (before - count, 0)
    assert count > 0
    assert not any(gone.encode() in path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert gone not in Source(home).whole().people


def test_a_history_is_exported_into_a_folder_of_its_own(home: Path, tmp_path: Path) -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    World(6).live()
    other = tmp_path / "photos"
    other.mkdir()
    (other / "cat.jpg").write_bytes(b"x")
    with pytest.raises(exporting.NothingToExport, match="no folder of a history"):
        exporting.export_segments(where=None, to=other, by="rung", at=AT)
    with pytest.raises(exporting.NothingToExport, match="hold a history whole"):
        exporting.export_segments(where="score > 1", to=tmp_path / "new", by="rung", at=AT)
    assert exporting.export_segments(where=None, to=tmp_path / "new", by="rung", at=AT) == Event.objects.count()
    assert exporting.export_segments(where=None, to=tmp_path / "new", by="rung", at=AT) == 0


def standings_of(part: object, program: object) -> list[tuple[str, object]]:
    replayed = part.replay(program)  # type: ignore[attr-defined]
    told, moves = replayed.standings, replayed.moves
    return [
        (
            person,
            (
                STAGES[told.stage[n]],
                STATUSES[told.status[n]],
                int(told.lap[n]),
                int(told.since[n]),
                int(told.signals[n]),
                [
                    (int(at), int(seq))
                    for at, seq in zip(moves.at[moves.person == n], moves.seq[moves.person == n], strict=True)
                ],
            ),
        )
        for n, person in enumerate(replayed.people)
    ]


def stored() -> dict[str, object]:
    moves: dict[int, list[tuple[int, int]]] = {}
    generation = current().generation_id
    for move in StageMove.objects.filter(generation_id=generation).order_by("person_id", "number"):
        moves.setdefault(move.person_id, []).append((move.at, -1 if move.event_seq is None else move.event_seq))
    return {
        str(row.person.uuid): (row.stage, row.status, row.lap, row.since, row.signals, moves.get(row.person_id, []))
        for row in Standing.objects.filter(generation_id=generation).select_related("person")
    }
