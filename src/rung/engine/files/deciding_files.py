"""`rung decide`: a history file in, standings, moves and refusals out. No database, no clock."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from rung.engine import explain, replay
from rung.engine import kernel as k
from rung.engine.deciding import code_of
from rung.engine.files import account, reading
from rung.engine.files.account import Account, Cohort
from rung.engine.files.inputs import damage_of
from rung.engine.files.reading import Reading, Refused
from rung.engine.program import compile_program
from rung.playbook.definitions import Playbook
from rung.terms.instants import moment
from rung.terms.stages import STAGES, STATUSES

STANDINGS: Final = ("person", "stage", "status", "lap", "score", "fit", "engagement", "temperature", "since", "missing")
MOVES: Final = ("person", "at", "from", "to", "because", "score", "fit", "engagement", "playbook")


def decide_history(stream: BinaryIO, *, playbook: Playbook, until: int | None, out: Path) -> Account:
    """Decides the history in the stream and writes the three files into `out`. Never raises for what a line holds.

    Without `until` the clock ends with the last event.
    """
    found = reading.read(stream, until=until)
    out.mkdir(parents=True, exist_ok=True)
    write_refused(out / "refused.ndjson", found.refused)
    end = until if until is not None else found.last_at
    result = _account(found, playbook, end)
    result.damage = damage_of(stream)
    result.files = [str(out / name) for name in ("standings.csv", "moves.csv", "refused.ndjson")]
    if end is None or not found.history.people:
        _write(out / "standings.csv", STANDINGS, iter(()))
        _write(out / "moves.csv", MOVES, iter(()))
        return result
    replayed = _replayed(found, playbook, end)
    write_standings(out / "standings.csv", replayed)
    write_moves(out / "moves.csv", replayed, found)
    _fill(result, replayed, found, playbook)
    return result


def _replayed(found: Reading, playbook: Playbook, until: int) -> "replay.Replayed":
    program = compile_program(playbook)
    return replay.replay(program, found.history, until, clauses=explain.clauses_of(program))


def write_standings(path: Path, replayed: "replay.Replayed") -> None:
    """One line a person, by key."""
    standings = replayed.standings
    missing = explain.missing_texts(replayed)
    columns = (
        replayed.people,
        [STAGES[code] for code in standings.stage.tolist()],
        [STATUSES[code] for code in standings.status.tolist()],
        standings.lap.tolist(),
        two_decimals(standings.score),
        two_decimals(standings.fit),
        two_decimals(standings.engagement),
        [replay.TEMPERATURES[code] for code in standings.temperature.tolist()],
        times(standings.since),
        missing,
    )
    order = replay.people_order(replayed.people)
    _write(path, STANDINGS, ([column[person] for column in columns] for person in order))


def write_moves(path: Path, replayed: "replay.Replayed", found: Reading) -> None:
    """One line a move, by person, time and order of happening."""
    moves, version = replayed.moves, replayed.program.playbook.version[:12]
    codes = [[code_of(stage, status) for status in range(len(STATUSES))] for stage in range(len(STAGES))]
    columns = list(
        zip(
            times(moves.at),
            [codes[stage][status] for stage, status in _pairs(moves.from_stage, moves.from_status)],
            [codes[stage][status] for stage, status in _pairs(moves.stage, moves.status)],
            _reasons(replayed, found),
            two_decimals(moves.score),
            two_decimals(moves.fit),
            two_decimals(moves.engagement),
            strict=True,
        )
    )
    starts = np.searchsorted(moves.person, np.arange(len(replayed.people) + 1)).tolist()

    def rows() -> Iterator[Sequence[object]]:
        for person in replay.people_order(replayed.people):
            key = replayed.people[person]
            for move in range(starts[person], starts[person + 1]):
                yield (key, *columns[move], version)

    _write(path, MOVES, rows())


def write_refused(path: Path, refused: Sequence[Refused]) -> None:
    """One JSON object a refused line."""
    with path.open("w", encoding="utf-8") as file:
        for each in refused:
            file.write(json.dumps({"line": each.line, "reason": each.reason}, ensure_ascii=False) + "\n")


def two_decimals(numbers: NDArray[np.float64]) -> list[str]:
    """`12.50`; never `-0.00`."""
    texts = [f"{number:.2f}" for number in numbers.tolist()]
    return ["0.00" if text == "-0.00" else text for text in texts]


def times(instants: NDArray[np.int64]) -> list[str]:
    """`2026-03-01T10:00:00Z`, whole seconds, cut."""
    seconds = (np.asarray(instants, np.int64) // 1_000_000).astype("datetime64[s]")
    return [f"{text}Z" for text in np.datetime_as_string(seconds).tolist()]


def _reasons(replayed: "replay.Replayed", found: Reading) -> list[str]:
    """Why each move was made: the setback's words, the text of the rung reached, or what the overrider said."""
    from rung.engine.deciding import reason_of

    known: dict[tuple[int, int], str] = {}
    reasons = []
    rows = replayed.moves.row.tolist()
    for number, (cause, line) in enumerate(_pairs(replayed.moves.cause, replayed.moves.line)):
        if cause == k.OVERRIDE:
            told = found.history.data[rows[number]].get("because")
            reasons.append(told if isinstance(told, str) else "")
            continue
        if (cause, line) not in known:
            known[cause, line] = reason_of(replayed.program, cause, line, None)[0]
        reasons.append(known[cause, line])
    return reasons


def _write(path: Path, header: Sequence[str], rows: Iterator[Sequence[object]]) -> None:
    # Text from outside stands here as it is: these files are read by programs, and a key must stay the same key.
    # What people open in a spreadsheet comes from `rung export`, which neutralises formulas.
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _account(found: Reading, playbook: Playbook, until: int | None) -> Account:
    return Account(
        playbook=playbook.name,
        version=playbook.version,
        labels={code: playbook.label(code) for code in (*STAGES, *STATUSES)},
        until=until,
        lines=found.lines,
        events=len(found.history),
        people=len(found.history.people),
        duplicates=found.duplicates,
        after_until=found.after_until,
        voided=found.voided,
        refusals=account.refusals_of(found),
        rungs={rung: {} for rung in playbook.rungs},
    )


def _fill(result: Account, replayed: "replay.Replayed", found: Reading, playbook: Playbook) -> None:
    standings = replayed.standings
    for (stage, status), count in Counter(_pairs(standings.stage, standings.status)).items():
        result.rungs.setdefault(STAGES[stage], {})[STATUSES[status]] = count
    result.moves = len(replayed.moves.at)
    result.unreached = replayed.unreached
    result.problems = account.problems_of(found.history)
    result.cohorts = _cohorts(replayed, found, ZoneInfo(playbook.calendar.timezone))


def _cohorts(replayed: "replay.Replayed", found: Reading, zone: ZoneInfo) -> list[Cohort]:
    won = set(replayed.moves.person[replayed.moves.stage == k.CUSTOMER].tolist())
    people, customers = Counter[str](), Counter[str]()
    for person, at in enumerate(account.first_seen(found.history).tolist()):
        month = f"{moment(at).astimezone(zone):%Y-%m}"
        people[month] += 1
        customers[month] += person in won
    return [Cohort(month, people[month], customers[month]) for month in sorted(people)]


def _pairs(first: NDArray[np.int64], second: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    return zip(first.tolist(), second.tolist(), strict=True)
