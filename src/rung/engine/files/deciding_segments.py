"""`rung decide FOLDER`: a history in Parquet in, standings and moves in Parquet out, part by part, on all cores.

A run that was killed goes on where it stopped: a part's file is there only when all of it was written, and a folder
of results remembers what it was made of.
"""

import hashlib
import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rung.engine import kernel as k
from rung.engine.deciding import code_of, reason_of
from rung.engine.files.driving import Parts, Progress
from rung.engine.files.parts import Source
from rung.engine.histories import distinct
from rung.engine.payloads import fields_named
from rung.engine.program import ENGINE_VERSION, compile_program
from rung.engine.replay import TEMPERATURES, Prepared, Replayed
from rung.playbook.definitions import Playbook
from rung.terms.instants import format_instant
from rung.terms.stages import STAGES, STATUSES

MADE_OF: Final = "made-of.json"
_PLACES: Final = [code_of(stage, status) for stage in range(len(STAGES)) for status in range(len(STATUSES))]


@dataclass(slots=True)
class DecidedFolder:
    """What came of deciding a folder. `kept`: parts that an earlier, killed run had written already."""

    playbook: str
    version: str
    until: int
    events: int
    people: int = 0
    moves: int = 0
    unreached: int = 0
    parts: int = 0
    kept: int = 0
    rungs: Counter[str] = field(default_factory=Counter)
    unknown_kinds: set[str] = field(default_factory=set)
    files: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        told = {name: getattr(self, name) for name in ("playbook", "version", "events", "people", "moves", "parts")}
        unknown = {"unknown_kinds": sorted(self.unknown_kinds)} if self.unknown_kinds else {}
        return {**told, "kept": self.kept, "until": format_instant(self.until), "rungs": dict(self.rungs), **unknown}

    def in_words(self) -> str:
        lines = [
            f"{self.people:,} people decided from {self.events:,} events by {self.playbook}, "
            f"version {self.version[:12]}, as of {format_instant(self.until)}; {self.moves:,} moves.",
            *(f"  {code:14}{count:>12,}" for code, count in self.rungs.most_common()),
            f"Written: {', '.join(self.files)}.",
        ]
        if self.kept:
            lines.append(f"{self.kept} of {self.parts} parts had been written by a run before and were kept.")
        if self.unknown_kinds:
            lines.append(f"Left out, for this Rung does not know their kinds: {', '.join(sorted(self.unknown_kinds))}.")
        return "\n".join(lines)


def decide_folder(
    folder: Path,
    *,
    playbook: Playbook,
    until: int | None,
    out: Path,
    progress: Progress | None = None,
    is_compiled: bool | None = None,
) -> DecidedFolder:
    """Decides everybody and writes `out/standings/NN.parquet` and `out/moves/NN.parquet`. Raises BadHistory."""
    program = compile_program(playbook)
    source = Source(folder, fields=sorted(fields_named([program])))
    parts = Parts(source, [program], until, is_compiled=is_compiled)
    result = DecidedFolder(playbook.name, playbook.version, parts.until, source.rows, parts=len(parts.numbers))
    _begin(out, source, playbook, parts.until)
    missing = [number for number in parts.numbers if not all(path.is_file() for path in _files(out, number))]
    result.kept = len(parts.numbers) - len(missing)

    def decided(number: int, part: Prepared) -> list[str]:
        replayed = part.replay(program)
        for path, table in zip(
            _files(out, number), (standings_table(replayed), moves_table(replayed, part)), strict=True
        ):
            _write(path, table)
        return list(getattr(part.history, "unknown_kinds", ()))

    for unknown in parts.each(decided, only=missing, progress=progress):
        result.unknown_kinds.update(unknown)
    result.files = [str(out / name) for name in ("standings", "moves")]
    _count(result, out, parts.numbers)
    return result


def standings_table(replayed: Replayed) -> pa.Table:
    """Where everybody stands of whom something had happened by then; numbers as they are."""
    told = replayed.standings
    table = pa.table(
        {
            "person": pa.array(replayed.people, pa.string()),
            "stage": _coded(told.stage, STAGES),
            "status": _coded(told.status, STATUSES),
            "lap": told.lap,
            "score": told.score,
            "fit": told.fit,
            "engagement": told.engagement,
            "temperature": _coded(told.temperature, TEMPERATURES),
            "since": pa.array(told.since).cast(pa.timestamp("us")),
        }
    )
    return table if replayed.is_there.all() else table.filter(pa.array(replayed.is_there))


def moves_table(replayed: Replayed, part: Prepared) -> pa.Table:
    """All moves by person and order of happening."""
    moves = replayed.moves
    width = len(STATUSES)
    return pa.table(
        {
            "person": pa.array(replayed.people, pa.string()).take(pa.array(moves.person)),
            "at": pa.array(np.ascontiguousarray(moves.at)).cast(pa.timestamp("us")),
            "from": _coded(moves.from_stage * width + moves.from_status, _PLACES),
            "to": _coded(moves.stage * width + moves.status, _PLACES),
            "because": _reasons(replayed, part),
            "score": np.ascontiguousarray(moves.score),
            "fit": np.ascontiguousarray(moves.fit),
            "engagement": np.ascontiguousarray(moves.engagement),
            "playbook": _coded(np.zeros(len(moves.at), np.int8), [replayed.program.playbook.version[:12]]),
        }
    )


def _reasons(replayed: Replayed, part: Prepared) -> Any:
    moves = replayed.moves
    lines = (moves.line + 1).astype(np.int32)
    columns = [(moves.cause.astype(np.int32), 3), (lines, int(lines.max(initial=0)) + 1)]
    first, numbers = distinct(columns, len(lines))
    words = [
        "" if cause == k.OVERRIDE else reason_of(replayed.program, cause, line, None)[0]
        for cause, line in zip(moves.cause[first].tolist(), moves.line[first].tolist(), strict=True)
    ]
    codes = numbers.astype(np.int32)
    for move in np.flatnonzero(moves.cause == k.OVERRIDE).tolist():
        told = part.history.data[moves.row[move]].get("because")
        if isinstance(told, str):
            codes[move] = len(words)
            words.append(told)
    return _coded(codes, words)


def _coded(codes: Any, words: Any) -> Any:
    return pa.DictionaryArray.from_arrays(
        pa.array(np.ascontiguousarray(codes, np.int32)), pa.array(list(words), pa.string())
    )


def _files(out: Path, number: int) -> tuple[Path, Path]:
    return out / "standings" / f"{number:02d}.parquet", out / "moves" / f"{number:02d}.parquet"


def _write(path: Path, table: pa.Table) -> None:
    unfinished = path.with_suffix(".part")
    coded = [name for name in table.column_names if pa.types.is_dictionary(table.schema.field(name).type)]
    pq.write_table(table, unfinished, compression="snappy", use_dictionary=coded, write_statistics=False)
    unfinished.replace(path)


def _begin(out: Path, source: Source, playbook: Playbook, until: int) -> None:
    """Keeps the results of an earlier run that was made of the same; removes those that were not."""
    corrected = source.corrected
    told = repr((sorted(corrected.seqs), sorted(corrected.ids), sorted(corrected.sources), sorted(corrected.erased)))
    stretches = [place for stretch in source.manifest.stretches for place, _ in stretch.files.values()]
    made_of = {
        "playbook": playbook.version,
        "engine": ENGINE_VERSION,
        "until": until,
        "history": hashlib.sha256(repr((stretches, told, sorted(corrected.lives_as.items()))).encode()).hexdigest(),
    }
    path = out / MADE_OF
    if not path.is_file() or json.loads(path.read_text("utf-8")) != made_of:
        for name in ("standings", "moves"):
            shutil.rmtree(out / name, ignore_errors=True)
    for name in ("standings", "moves"):
        (out / name).mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(made_of), encoding="utf-8")


def _count(result: DecidedFolder, out: Path, numbers: list[int]) -> None:
    for number in numbers:
        standings, moves = _files(out, number)
        table = pq.read_table(standings, columns=["stage", "status"])
        result.people += table.num_rows
        result.moves += pq.read_metadata(moves).num_rows
        for each in table.group_by(["stage", "status"]).aggregate([([], "count_all")]).to_pylist():
            code = each["stage"] if each["status"] == "active" else each["status"]
            result.rungs[code] += each["count_all"]
