"""Spark on two cores gives every row that one process gives. Skipped where pyspark is not installed."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from engine.test_history_in_parts import COLLEAGUES, busy_companies, table
from rung.engine.deciding_segments import decide_folder
from rung.engine.histories import BadHistory
from rung.engine.payloads import fields_named
from rung.engine.program import compile_program
from rung.engine.segments import Manifest, add_erased, write_manifest, write_stretch
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load
from rung.terms.events import Event
from rung.terms.instants import HOUR

pytestmark = pytest.mark.xdist_group("spark")
BOOK = (
    COLLEAGUES
    + """  sal: {enter: accepted}
setbacks:
  - {to: nurture, when: 'stage == "mql" and idle >= hours(5)', because: Quiet, rest: 5h}
"""
)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pytest.importorskip("pyspark", reason="no Spark: pip install 'rung[spark]'")
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "3")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .getOrCreate()
    )
    yield session
    session.stop()


def test_spark_and_one_process_agree_on_every_row(tmp_path: Path, spark: Any) -> None:
    from rung.engine.spark import decide_on_spark

    playbook = load(BOOK)
    events = [*busy_companies(3), *said_by_hand(121)]
    folder = written(tmp_path / "history", events, playbook, cut=60)
    add_erased(folder, ["p7@acme.example"])
    local = decide_folder(folder, playbook=playbook, until=None, out=tmp_path / "local", is_compiled=True)
    found = decide_on_spark(folder, playbook=playbook, until=None, out=tmp_path / "spark", spark=spark)
    for name in ("standings", "moves"):
        rows = rows_of(tmp_path / "local" / name)
        assert rows_of(tmp_path / "spark" / name) == rows
        assert len(rows) > 5
    assert (found.people, found.moves, found.rungs) == (local.people, local.moves, local.rungs)
    assert any(row["because"] == "by hand" for row in rows)


def test_spark_refuses_a_stretch_that_lacks_a_column(tmp_path: Path, spark: Any) -> None:
    from rung.engine.spark import decide_on_spark

    simple = load("playbook: 1\nname: X\nstages: {lead: {enter: reachable}}")
    folder = written(tmp_path / "history", busy_companies(1), simple, cut=60)
    with pytest.raises(BadHistory, match="before a playbook named industry"):
        decide_on_spark(folder, playbook=load(BOOK), until=None, out=tmp_path / "out", spark=spark)


def said_by_hand(seq: int) -> list[Event]:
    """An override, a merge and an event that never was."""
    ana, ben = "p1@acme.example", "p2@acme.example"
    return [
        Event(seq, ana, seq * HOUR, "stage_overridden", {"to": "mql", "because": "by hand", "until": None}),
        Event(seq + 1, ben, seq * HOUR, "persons_merged", {"merged": "p3@acme.example"}),
        Event(seq + 2, ben, seq * HOUR, "demo_requested", {}, message_id="never"),
        Event(seq + 3, None, seq * HOUR, "event_voided", {"event": "never"}),
    ]


def written(folder: Path, events: list[Event], playbook: Playbook, cut: int) -> Path:
    fields = sorted(fields_named([compile_program(playbook)]))
    manifest = Manifest()
    for part in (events[:cut], events[cut:]):
        manifest = manifest.with_stretch(write_stretch(folder, table(part, fields), fields))
    write_manifest(folder, manifest)
    return folder


def rows_of(folder: Path) -> list[dict[str, Any]]:
    rows = [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
    return sorted(rows, key=lambda row: (row["person"], str(row.get("at")), row.get("score"), row.get("to") or ""))
