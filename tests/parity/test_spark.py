"""Spark on two cores gives every row that one process gives. Skipped where pyspark is not installed."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from engine.trying_world import BOOK as BASE
from engine.trying_world import ground
from parity.test_history_in_parts import COLLEAGUES, busy_companies, table
from rung.engine.files.deciding_segments import decide_folder
from rung.engine.files.segments import Manifest, add_erased, write_manifest, write_stretch
from rung.engine.histories import BadHistory
from rung.engine.payloads import fields_named
from rung.engine.program import compile_program
from rung.engine.trying.ground import CannotTry, Wish, event_of
from rung.insight import trials
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load
from rung.terms.events import Event
from rung.terms.instants import HOUR, parse_instant

pytestmark = pytest.mark.xdist_group("spark")
BOOK = (
    COLLEAGUES
    + """  sal: {enter: accepted}
setbacks:
  - {to: nurture, when: 'stage == "mql" and idle >= hours(5)', because: Quiet, rest: 5h}
"""
)
TRIED = BASE.replace(
    "signals:\n",
    "signals:\n  - {name: Colleague, on: demo_requested, from: company, points: 5}\n"
    "  - {name: Busy, on: custom, points: 3}\n",
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
    from rung.engine.files.spark import decide_on_spark

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
    from rung.engine.files.spark import decide_on_spark

    simple = load("playbook: 1\nname: X\nstages: {lead: {enter: reachable}}")
    folder = written(tmp_path / "history", busy_companies(1), simple, cut=60)
    with pytest.raises(BadHistory, match="before a playbook named industry"):
        decide_on_spark(folder, playbook=load(BOOK), until=None, out=tmp_path / "out", spark=spark)


RESTING = TRIED.replace("{reason: No budget}", "{reason: No budget, rest: 9d}")


@pytest.mark.parametrize("wish", [Wish(), Wish(start=parse_instant("2026-02-01T00:00:00Z"), subset="score > 1")])
def test_a_backtest_on_spark_says_what_one_process_says_to_the_last_interval(
    tmp_path: Path, spark: Any, wish: Wish
) -> None:
    from rung.engine.trying.spark_trying import SparkGround

    folder = written(tmp_path / "history", tried_on(), load(TRIED), cut=60)
    far, here = SparkGround(folder, session=spark), trials.ground_of(folder, until=None)
    for new in (TRIED.replace("score >= 50", "score >= 40"), RESTING, TRIED):
        assert far.backtest(load(TRIED), load(new), wish) == here.backtest(load(TRIED), load(new), wish)
    assert far.backtest(load(TRIED), load(TRIED), wish)[0].differing == 0


def test_a_number_through_its_values_and_who_differs_are_the_same_on_spark(tmp_path: Path, spark: Any) -> None:
    from rung.engine.trying.spark_trying import SparkGround

    folder = written(tmp_path / "history", tried_on(), load(TRIED), cut=60)
    how: dict[str, Any] = {"old": load(TRIED), "new": load(TRIED.replace("score >= 50", "score >= 40")), "wish": Wish()}
    for vary in ("stages.mql.enter:score=20:70:10", "signals.Pricing page.points=5:15:5"):
        far = trials.run(SparkGround(folder, session=spark), vary=vary, out=tmp_path / "far", **how)
        here = trials.run(trials.ground_of(folder, until=None), vary=vary, out=tmp_path / "here", **how)
        assert far.told == here.told
        assert [each.get("old_explanation") for each in far.told["people_who_differ"]].count(None) == 0
    pages = [(tmp_path / where / "backtest.html").read_text() for where in ("far", "here")]
    assert pages[0] == pages[1]


def test_what_cannot_be_tried_on_spark_is_said_in_the_same_words(tmp_path: Path, spark: Any) -> None:
    from rung.engine.trying.spark_trying import SparkGround

    folder = written(tmp_path / "history", tried_on(), load(TRIED), cut=60)
    grounds = (SparkGround(folder, session=spark), trials.ground_of(folder, until=None))
    for wish in (Wish(subset="score > 9000"), Wish(start=parse_instant("2030-01-01T00:00:00Z"))):
        words = []
        for each in grounds:
            with pytest.raises(CannotTry) as refusal:
                each.backtest(load(TRIED), load(RESTING), wish)
            words.append(str(refusal.value))
        assert words[0] == words[1]


def tried_on() -> list[Event]:
    """A year of hand-offs and answers, with companies whose people bring each other points, and corrections."""
    here = ground()
    lives = [event_of(here.history, row) for row in range(len(here.history.kind))]
    begin = parse_instant("2026-01-01T00:00:00Z")
    busy = [replace(event, at=begin + event.at) for event in (*busy_companies(3), *said_by_hand(121))]
    return [
        replace(event, seq=seq) for seq, event in enumerate(sorted([*lives, *busy], key=lambda e: (e.at, e.seq)), 1)
    ]


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
