"""`rung decide FOLDER`: what it writes, how it goes on, and what it says of a folder that it cannot read."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from parity.test_history_in_parts import COLLEAGUES, busy_companies, columns, table
from rung.engine.files import segments
from rung.engine.files.deciding_segments import decide_folder, moves_table, standings_table
from rung.engine.histories import BadHistory
from rung.engine.program import compile_program
from rung.engine.replay import prepare
from rung.playbook.loading import load
from rung.terms.events import Event
from rung.terms.instants import HOUR

BOOK = load(COLLEAGUES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "history", busy_companies(2))


def written(to: Path, events: list[Event]) -> Path:
    segments.write_manifest(to, segments.Manifest().with_stretch(segments.write_stretch(to, table(events, []), [])))
    return to


def test_a_folder_is_decided_as_the_same_events_at_once(folder: Path, tmp_path: Path) -> None:
    events = busy_companies(2)
    found = decide_folder(folder, playbook=BOOK, until=None, out=tmp_path / "out", is_compiled=False)
    program = compile_program(BOOK)
    part = prepare(columns(events), [program], max(event.at for event in events), is_compiled=False)
    replayed = part.replay(program)
    for name, expected in (("standings", standings_table(replayed)), ("moves", moves_table(replayed, part))):
        rows = [row for path in sorted((tmp_path / "out" / name).iterdir()) for row in pq.read_table(path).to_pylist()]
        assert sorted(rows, key=str) == sorted(expected.to_pylist(), key=str)
    assert (found.people, found.moves, found.kept) == (8, len(replayed.moves.at), 0)
    assert sum(found.rungs.values()) == 8


def test_whoever_comes_later_than_the_day_asked_for_stands_nowhere(folder: Path, tmp_path: Path) -> None:
    early = min(event.at for event in busy_companies(2) if event.person) + HOUR
    found = decide_folder(folder, playbook=BOOK, until=early, out=tmp_path / "out", is_compiled=False)
    assert 1 <= found.people < 8


def test_a_killed_run_goes_on_and_a_changed_playbook_begins_anew(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole = decide_folder(folder, playbook=BOOK, until=None, out=out, is_compiled=False)
    gone = sorted((out / "moves").iterdir())[0]
    told = pq.read_table(gone)
    gone.unlink()
    (out / "standings" / "63.part").write_bytes(b"half")
    again = decide_folder(folder, playbook=BOOK, until=None, out=out, is_compiled=False)
    assert (again.kept, again.moves) == (whole.parts - 1, whole.moves)
    assert pq.read_table(gone).equals(told)
    other = load(COLLEAGUES.replace("score >= 18", "score >= 19"))
    assert decide_folder(folder, playbook=other, until=None, out=out, is_compiled=False).kept == 0


def test_a_kind_of_a_later_rung_is_left_out_and_named(tmp_path: Path) -> None:
    events = [*busy_companies(2), Event(500, "p1@acme.example", 500 * HOUR, "teleported")]
    found = decide_folder(
        written(tmp_path / "history", events), playbook=BOOK, until=None, out=tmp_path / "out", is_compiled=False
    )
    assert found.unknown_kinds == {"teleported"}
    assert "Left out, for this Rung does not know their kinds: teleported." in found.in_words()


def test_a_folder_that_is_no_history_is_refused_in_words(folder: Path, tmp_path: Path) -> None:
    for name, text, words in (
        ("empty", None, "holds no history"),
        ("torn", "{", "is no manifest of a history"),
        ("later", json.dumps({"schema": 99}), "written by a later Rung"),
    ):
        (tmp_path / name).mkdir()
        if text is not None:
            (tmp_path / name / segments.MANIFEST).write_text(text)
        with pytest.raises(BadHistory, match=words):
            decide_folder(tmp_path / name, playbook=BOOK, until=None, out=tmp_path / "out")
