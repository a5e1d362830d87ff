"""`rung decide` as whoever types it sees it: files, bytes, words and exit codes."""

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PLAYBOOK = """
playbook: 1
name: Small
fit:
  - {name: Chiefs, when: 'person.title.matches("chief *")', points: 20}
signals:
  - {name: Pricing, on: page_viewed, when: 'data.path == "/pricing"', points: 10, half_life: 1d}
  - {name: Demo, on: demo_requested, points: 40, hand_raise: yes}
stages:
  lead: {enter: reachable and signals >= 1}
  mql: {enter: score >= 30}
  customer: {enter: deal.won}
setbacks:
  - {to: nurture, when: 'stage == "mql" and idle >= days(30)', because: 'No sign of life, for 30 days'}
"""
HISTORY: list[Any] = [
    {"person": "ana@acme.example", "at": "2026-03-01T10:00:00Z", "kind": "page_viewed", "data": {"path": "/pricing"}},
    {"person": "ana@acme.example", "at": "2026-03-02T10:00:00Z", "kind": "demo_requested", "id": "d1"},
    {"person": "ana@acme.example", "at": "2026-03-02T10:00:00Z", "kind": "demo_requested", "id": "d1"},
    {
        "person": '=cmd|" /c calc"!A1, "Zé"',
        "at": "2026-03-01T10:00:00.999999Z",
        "kind": "page_viewed",
        "data": {"path": "/"},
    },
    {"person": "rui", "at": "2026-04-15", "kind": "deal_won"},
    {"person": "rui", "at": "2026-04-16", "kind": "page_viewed"},
    "nonsense",
]


def rung(*words: str, cwd: Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "rung.cli", *words], cwd=cwd, capture_output=True, check=False, input=stdin
    )


def written(tmp_path: Path, lines: list[Any] | None = None) -> str:
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in (HISTORY if lines is None else lines))
    (tmp_path / "history.ndjson").write_text(text, encoding="utf-8")
    (tmp_path / "small.yaml").write_text(PLAYBOOK, encoding="utf-8")
    return "history.ndjson"


def test_the_three_files_are_those_of_the_contract_to_the_byte(tmp_path: Path) -> None:
    done = rung("decide", written(tmp_path), "--playbook", "small.yaml", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    version = json.loads(rung("playbook", "check", "small.yaml", "--json", cwd=tmp_path).stdout)["version"][:12]
    standings = (tmp_path / "out/standings.csv").read_bytes().decode()
    assert re.sub("Z,[^\n]+", "Z,…", standings) == (  # the words of what is missing are the engine's
        "person,stage,status,lap,score,fit,engagement,temperature,since,missing\n"
        '"=cmd|"" /c calc""!A1, ""Zé""",suspect,active,1,0.00,0.00,0.00,cold,2026-03-01T10:00:00Z,…\n'
        "ana@acme.example,lead,nurture,1,40.00,0.00,40.00,cold,2026-04-01T10:00:00Z,…\n"
        "rui,customer,active,1,0.00,0.00,0.00,cold,2026-04-15T00:00:00Z,\n"
    )
    assert (tmp_path / "out/moves.csv").read_bytes().decode() == (
        "person,at,from,to,because,score,fit,engagement,playbook\n"
        f"ana@acme.example,2026-03-01T10:00:00Z,suspect,lead,reachable and signals >= 1,10.00,0.00,10.00,{version}\n"
        f"ana@acme.example,2026-03-02T10:00:00Z,lead,mql,score >= 30,45.00,0.00,45.00,{version}\n"
        f'ana@acme.example,2026-04-01T10:00:00Z,mql,nurture,"No sign of life, for 30 days",40.00,0.00,40.00,{version}\n'
        f"rui,2026-04-15T00:00:00Z,suspect,lead,deal.won,0.00,0.00,0.00,{version}\n"
        f"rui,2026-04-15T00:00:00Z,lead,mql,deal.won,0.00,0.00,0.00,{version}\n"
        f"rui,2026-04-15T00:00:00Z,mql,customer,deal.won,0.00,0.00,0.00,{version}\n"
    )
    assert [json.loads(line) for line in (tmp_path / "out/refused.ndjson").read_text().splitlines()] == [
        {"line": 7, "reason": "not an object but a text"}
    ]


def test_the_summary_counts_everything_and_names_what_cannot_be(tmp_path: Path) -> None:
    done = rung("decide", written(tmp_path), "--playbook", "small.yaml", "--out", "out", "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert (told["lines"], told["events"], told["people"]) == (7, 5, 3)
    assert (told["refused"], told["duplicates"], told["moves"]) == (1, 1, 6)
    assert told["rungs"]["customer"] == {"active": 1}
    assert told["problems"] == [
        {
            "what": "won before the first contact",
            "people": 1,
            "examples": ["rui (won 2026-04-15, first contact 2026-04-16)"],
        }
    ]


def test_until_ends_the_clock_inclusive(tmp_path: Path) -> None:
    name = written(tmp_path)
    options = ("--playbook", "small.yaml", "--out", "out", "--until", "2026-03-01T10:00:00Z", "--json")
    told = json.loads(rung("decide", name, *options, cwd=tmp_path).stdout)
    assert (told["events"], told["after_until"]) == (1, 4)


@pytest.mark.parametrize("how", ["packed", "standard input"])
def test_a_history_may_be_packed_or_piped(tmp_path: Path, how: str) -> None:
    name = written(tmp_path)
    content = (tmp_path / name).read_bytes()
    if how == "packed":
        (tmp_path / "history.gz").write_bytes(gzip.compress(content))
        done = rung("decide", "history.gz", "--json", cwd=tmp_path)
    else:
        done = rung("decide", "-", "--json", cwd=tmp_path, stdin=content)
    assert json.loads(done.stdout)["events"] == 5
    assert (tmp_path / "standings.csv").is_file()


def test_a_damaged_packed_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    lines = [
        {"person": f"p{n}", "at": "2026-03-01", "kind": "page_viewed", "data": {"n": n * 7919}} for n in range(50_000)
    ]
    content = gzip.compress((tmp_path / written(tmp_path, lines)).read_bytes())
    (tmp_path / "history.gz").write_bytes(content[: len(content) // 2])
    told = json.loads(rung("decide", "history.gz", "--json", cwd=tmp_path).stdout)
    assert 0 < told["events"] < 50_000
    assert told["damage"]


def test_without_one_good_line_the_exit_code_is_1_with_the_reason(tmp_path: Path) -> None:
    done = rung("decide", written(tmp_path, ["nonsense", {"person": "ana"}]), cwd=tmp_path)
    assert done.returncode == 1
    assert b"No line of history.ndjson could be decided" in done.stderr
    assert len((tmp_path / "refused.ndjson").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("decide", "nowhere.ndjson"), 2, "there is no file nowhere.ndjson"),
        (("decide", "history.ndjson", "--until", "2026-03-01T10:00:00"), 2, "has no offset"),
        (("decide", "history.ndjson", "--playbook", "nowhere.yaml"), 2, "does not exist"),
        (("decide", "history.ndjson", "--sideways"), 2, "No such option"),
        (("decide",), 2, "Missing argument"),
        (("decide", "history.ndjson", "--playbook", "bad.yaml"), 1, "bad.yaml:"),
        (("playbook", "check", "bad.yaml"), 1, ""),
        (("import", "empty.csv", "--to", "x.ndjson"), 1, "empty.csv is empty"),
        (("import", "history.ndjson", "--as", "cats"), 2, "people, companies, deals, activities or events"),
    ],
)
def test_wrong_usage_is_2_and_a_refusal_is_1(tmp_path: Path, words: tuple[str, ...], code: int, message: str) -> None:
    written(tmp_path)
    (tmp_path / "bad.yaml").write_text("playbook: 1\nstages:\n  leed: {enter: score > }\n")
    (tmp_path / "empty.csv").write_bytes(b"")
    done = rung(*words, cwd=tmp_path)
    assert done.returncode == code
    assert message in done.stderr.decode()


def test_decide_loads_neither_django_nor_a_database(tmp_path: Path) -> None:
    code = (
        "import sys; from rung.cli import app\n"
        "try: app(['decide', 'history.ndjson'], standalone_mode=False)\n"
        "finally: print([name for name in ('django', 'sqlite3', 'pysqlite3', 'pyarrow') if name in sys.modules])"
    )
    written(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_a_history_of_which_everything_is_voided_says_so(tmp_path: Path) -> None:
    lines = [
        {"person": "ana@acme.example", "at": "2026-03-01", "kind": "page_viewed", "id": "a"},
        {"at": "2026-03-02", "kind": "event_voided", "data": {"event": "a"}},
    ]
    (tmp_path / "h.ndjson").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    done = rung("decide", "h.ndjson", cwd=tmp_path)
    assert done.returncode == 1
    assert b"No line of h.ndjson could be decided: every event that could be read is voided or undone." in done.stderr


def test_a_place_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "h.ndjson").write_text('{"person": "a@b.example", "at": "2026-03-01", "kind": "page_viewed"}', "utf-8")
    (tmp_path / "taken").write_text("", encoding="utf-8")
    done = rung("decide", "h.ndjson", "--out", "taken/inside", cwd=tmp_path)
    assert done.returncode == 1 and b"Traceback" not in done.stderr
    assert done.stderr.startswith(b"rung: taken") and b"Not a directory." in done.stderr


def test_a_playbook_is_shown_in_sentences(tmp_path: Path) -> None:
    done = rung("playbook", "show", cwd=tmp_path)
    assert done.returncode == 0
    assert "  Everybody we know of starts as a potential lead.\n" in done.stdout.decode()
    told = json.loads(rung("playbook", "show", "--json", cwd=tmp_path).stdout)
    assert "Everybody we know of starts as a potential lead." in told["sections"][0]["sentences"]


def test_a_role_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    done = rung("user", "add", "x@acme.example", "--role", "boss", cwd=tmp_path)
    assert done.returncode == 2 and b"sales, manager, marketing, revops, admin" in done.stderr
