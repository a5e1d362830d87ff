"""A text in the place of an address reaches nobody (semantics 33): alike in the house, in `rung decide`, one person by
themselves, from the parts of a history, and in the database's own columns."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from parity.test_history_in_parts import columns, table
from rung.capture.collector import taking
from rung.capture.collector.inbox import Inbox, Item
from rung.engine.company import joined
from rung.engine.files import segments
from rung.engine.files.deciding_segments import decide_folder
from rung.engine.program import compile_program
from rung.engine.replay import prepare
from rung.engine.several import decide
from rung.lifecycle.models import Standing
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.publishing import rebuilding
from rung.people.queries import person_named
from rung.playbook.loading import load
from rung.terms.events import Event
from rung.terms.instants import HOUR, format_instant
from rung.terms.stages import STAGES

AT = 1_772_359_200_000_000
PLAYBOOK = """
playbook: 1
name: Reach
signals: [{name: Page, on: page_viewed, points: 5}]
stages: {lead: {enter: reachable and signals >= 1}}
"""
TOLD: dict[str, tuple[dict[str, object], str]] = {
    "ana": ({"email": "ana@acme.example"}, "lead"),
    "ines": ({"email": "inês@açor.example"}, "lead"),
    "kim": ({"email": "kim(at)firm.example"}, "suspect"),
    "tim": ({"email": "@tim"}, "suspect"),
    "una": ({"email": "n/a", "phone": "unknown"}, "suspect"),
    "rui": ({"email": "n/a", "phone": "+351 21 000"}, "lead"),
    "zoe": ({"email": "zoe@acme.example", "phone": "-"}, "lead"),
}
EXPECTED = {person: stage for person, (_, stage) in TOLD.items()}
BOOK = load(PLAYBOOK)


def history() -> list[Event]:
    return [
        event
        for number, (person, (told, _)) in enumerate(TOLD.items())
        for event in (
            Event(2 * number + 1, person, AT, "person_identified", told),
            Event(2 * number + 2, person, AT + HOUR, "page_viewed", {"path": "/"}),
        )
    ]


def test_by_themselves_and_many_at_once() -> None:
    program, events = compile_program(BOOK), history()
    replayed = prepare(columns(events), [program], AT + HOUR, is_compiled=False).replay(program)
    stages = {who: STAGES[code] for who, code in zip(replayed.people, replayed.standings.stage, strict=True)}
    assert stages == EXPECTED
    rows = joined(program, events, AT + HOUR)
    assert {who: decide(program, rows[who], AT + HOUR).standing.stage for who in TOLD} == EXPECTED


def test_from_the_parts_of_a_history(tmp_path: Path) -> None:
    stretch = segments.write_stretch(tmp_path / "history", table(history(), []), [])
    segments.write_manifest(tmp_path / "history", segments.Manifest().with_stretch(stretch))
    decide_folder(tmp_path / "history", playbook=BOOK, until=None, out=tmp_path / "out", is_compiled=False)
    found = [row for path in (tmp_path / "out" / "standings").iterdir() for row in pq.read_table(path).to_pylist()]
    assert {row["person"]: row["stage"] for row in found} == EXPECTED


def test_by_the_command(tmp_path: Path) -> None:
    lines = [
        json.dumps({"person": e.person, "at": format_instant(e.at), "kind": e.kind, "data": dict(e.data)})
        for e in history()
    ]
    (tmp_path / "history.ndjson").write_text("\n".join(lines))
    (tmp_path / "reach.yaml").write_text(PLAYBOOK)
    words = ("decide", "history.ndjson", "--playbook", "reach.yaml", "--out", "out")
    done = subprocess.run([sys.executable, "-m", "rung.cli", *words], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split(",") for line in (tmp_path / "out/standings.csv").read_text().splitlines()[1:]]
    assert {row[0]: row[1] for row in rows} == EXPECTED


@pytest.mark.django_db
def test_in_the_house_by_the_collector_and_in_a_replay(tmp_path: Path) -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - HOUR)
    inbox = Inbox(tmp_path / "inbox.sqlite3")
    messages = [
        {"messageId": f"{person}-{kind}", "type": kind, "userId": person, **more}
        for person, (told, _) in TOLD.items()
        for kind, more in (("identify", {"traits": told}), ("page", {"properties": {"path": "/"}}))
    ]
    inbox.append(
        [
            Item(AT + n, None, "key:app", "secret", f"spare-{n}", False, "", "", 1, json.dumps(message).encode())
            for n, message in enumerate(messages)
        ]
    )
    taking.Intake(tmp_path / "inbox.sqlite3").turn(2**62)
    inbox.close()
    stood = {}
    for person in TOLD:
        found = person_named(person)
        assert found is not None
        standing = Standing.objects.get(person=found)
        stood[person] = (standing.stage, standing.reachable)
    assert stood == {person: (stage, stage == "lead") for person, stage in EXPECTED.items()}
    assert not rebuilding.rebuild(check=True, at=AT + HOUR).differences
