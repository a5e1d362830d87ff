"""`rung backtest` on files: what it writes, prints and refuses, as somebody at a terminal sees it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from engine.trying_world import BOOK, year
from rung import cli


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "old.yaml").write_text(BOOK)
    (tmp_path / "new.yaml").write_text(BOOK.replace("score >= 50", "score >= 40"))
    (tmp_path / "history.ndjson").write_text("\n".join(json.dumps(each) for each in year()))
    return tmp_path


def run(files: Path, *more: str) -> Any:
    command = ["backtest", "--playbook", str(files / "new.yaml"), "--against", str(files / "old.yaml")]
    command += ["--history", str(files / "history.ndjson"), "--out", str(files / "out"), *more]
    return CliRunner().invoke(cli.app, command)


def refused(files: Path, *more: str) -> str:
    result = run(files, *more)
    assert isinstance(result.exception, Exception) and type(result.exception).__name__ in (
        "CannotTry",
        "ConditionError",
        "Sorry",
    ), result.output
    assert not (files / "out").exists(), "nothing is written of a run that is refused"
    return str(result.exception)


def test_it_writes_a_file_for_programs_and_a_page_for_people(files: Path) -> None:
    result = run(files, "--vary", "stages.mql.enter:score=20:60:20", "--until", "2026-06-30")
    assert result.exit_code == 0, result.output
    assert "40 instead of 50: 1 win caught that went by, for 1 more hours of sales work" in result.output
    told = json.loads((files / "out" / "backtest.json").read_text())
    figures = {each["id"]: each for each in told["figures"]}
    assert (figures["opened"]["old"], figures["opened"]["new"]) == (3, 5)
    assert told["as_of"] == "2026-06-30T00:00:00Z"
    assert [point["opened"] for point in told["vary"]["points"]] == [5, 5, 1]
    dan = next(each for each in told["people_who_differ"] if each["person"] == "dan@x.example")
    assert dan["old_explanation"] == ["Lead, with 40.0 points (fit 0).", "Missing: 10 more points, or “Demo request”."]
    page = (files / "out" / "backtest.html").read_text()
    assert "<h1>40 instead of 50" in page and "dan@x.example" in page and "Missing: 10 more points" in page
    assert "http" not in page.replace("http://www.w3.org", ""), "nothing beside the file is asked for"
    assert not list((files / "out").glob("*.part"))


def test_the_same_run_again_writes_the_same(files: Path) -> None:
    run(files)
    first = (files / "out" / "backtest.json").read_bytes()
    run(files)
    assert (files / "out" / "backtest.json").read_bytes() == first


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--vary", "stages.mql.enter:scor=20:60:20"), "Did you mean stages.mql.enter:score?"),
        (("--vary", "nonsense"), "write it like stages.mql.enter:score=20:90:5"),
        (("--vary", "stages.mql.enter:score=0:500:1"), "501 values; 40 are the most"),
        (("--subset", "score > 5000"), "Nobody meets “score > 5000”"),
        (("--subset", "scor > 5"), "scor"),
        (("--from", "2030-01-01"), "Nothing lies between"),
        (("--engine", "spark"), "leave --engine out"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words_and_writes_nothing(
    files: Path, more: tuple[str, ...], words: str
) -> None:
    assert words in refused(files, *more)


def test_a_history_of_which_no_line_can_be_read_says_why(files: Path) -> None:
    (files / "history.ndjson").write_text('{"person": "a@x.example", "at": "2026-01-01", "kind": "danced"}\n')
    assert "No line of" in refused(files) and "unknown kind" in refused(files)
    (files / "history.ndjson").write_text("")
    assert "it is empty" in refused(files)


def test_unknown_kinds_among_others_are_left_out_and_said(files: Path) -> None:
    with (files / "history.ndjson").open("a") as file:
        file.write('\n{"person": "a@x.example", "at": "2026-01-01", "kind": "danced"}')
    assert "1 line of the history could not be read and is left out." in run(files).output


def test_the_end_of_a_half_written_history_is_told(files: Path, tmp_path: Path) -> None:
    import gzip

    packed = gzip.compress((files / "history.ndjson").read_bytes() * 40)
    (files / "history.ndjson").write_bytes(packed[: len(packed) - 20])
    assert "The file is damaged and ends early" in run(files).output
