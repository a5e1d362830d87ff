"""Which records are likely one person: likeness, weights, blocks, and the command that measures it."""

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rung.cli import app
from rung.people import labelled, matching
from rung.people.matching import Record

KINDS = {"first": "first", "last": "last", "email": "email", "phone": "phone", "company": "company"}


def record(name: str, email: str = "", phone: str = "", company: str = "") -> Record:
    first, last = matching.name_parts(name)
    told = {"first": first, "last": last, "email": email, "phone": phone, "company": company}
    return matching.prepared(told, KINDS)


def found(*records: Record) -> dict[tuple[int, int], str]:
    return {pair: match.reason for pair, match in matching.matches(records, KINDS)[1]}


HOUSE_OF_SIX = (
    record("Ana Lopes", "ana.lopes@acme.example", "+351912345678"),
    record("Anna Lopes", "ana.l@web.example", "+351 912 345 678"),
    record("Rui Costa", "rui@acme.example", "+351911111111"),
    record("Eva Braun", "eva@globex.example"),
    record("Sam Lee", "sam.lee@initech.example", "+4915123456789"),
    record("Tom Weber", "tom@globex.example", "+4915155555555"),
)


def test_a_house_of_six_people_finds_its_one_double():
    assert list(found(*HOUSE_OF_SIX)) == [(0, 1)]


def test_the_reason_says_what_is_alike_what_differs_and_the_odds():
    model = matching.standard(KINDS, 1_000)
    told = model.match(HOUSE_OF_SIX[0], HOUSE_OF_SIX[1]).reason
    assert told == "same phone, same last name, first name 0.93 alike, different mailbox: 1,562 to 1"


def test_people_of_few_invented_names_are_not_taken_for_each_other():
    firsts = ["Ana", "Rui", "Sam", "Eva", "Tom", "Mia", "Leo", "Ines"]
    lasts = ["Lopes", "Costa", "Lee", "Braun", "Weber", "Rossi", "Moreau", "Silva", "Novak", "Olsen"]
    rng = random.Random(2)
    people = [
        record(
            f"{first} {last}",
            f"{first}.{last}{firm}@firm{firm}.example",
            f"+351{rng.randrange(900_000_000, 10**9)}",
            f"Firm {firm}",
        )
        for first, last, firm in (
            (first, last, (a * 3 + b * 7 + turn * 5) % 37)
            for turn in range(4)
            for a, first in enumerate(firsts)
            for b, last in enumerate(lasts)
        )
    ]
    assert len(people) == 320
    assert found(*people) == {}


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("ana@acme.example", "ana@acme.example", "same mailbox"),
        ("ana.lopes@acme.example", "ana.lopse@acme.example", "mailbox 0.99 alike"),
        ("ana.lopes@acme.example", "ana.lopes@globex.example", "same mailbox name elsewhere"),
        ("ana.lopes@acme.example", "rui@acme.example", "different mailbox at the same company"),
        ("hsingh@acme.example", "gsingh@acme.example", "different mailbox at the same company"),
        ("ana.lopes@gmail.com", "rui@gmail.com", "different mailbox"),
        ("buyer1@acme.example", "buyer2@acme.example", "different mailbox at the same company"),
    ],
)
def test_mailboxes_are_alike_in_five_ways(one: str, other: str, words: str):
    model = matching.standard(KINDS, 1_000)
    clues = model.match(record("", one), record("", other)).clues
    assert [clue.words for clue in clues] == [words]


def test_a_name_that_many_bear_says_less_than_a_rare_one():
    people = [record(f"Ana Smith{'' if number < 100 else number}") for number in range(200)]
    model = matching.learnt(people, KINDS)
    common, rare = (model.match(record(f"Eva {last}"), record(f"Rui {last}")).clues for last in ("Smith", "Zanetti"))
    weights = [next(clue.bits for clue in clues if clue.field == "last") for clues in (common, rare)]
    assert weights[0] < 3 < weights[1]


def test_first_and_last_name_that_were_exchanged_agree():
    clues = matching.standard(KINDS, 1_000).match(record("Gabriel Thomas"), record("Thomas Gabriel")).clues
    assert {clue.words for clue in clues} == {"same first name", "same last name"}


def test_a_mailbox_made_of_the_name_is_no_second_witness():
    model = matching.standard(KINDS, 1_000)
    made = model.match(record("Ana Lopes", "ana.lopes@acme.example"), record("Ana Lopes", "ana.lopes@other.example"))
    own = model.match(record("Ana Lopes", "panther7@acme.example"), record("Ana Lopes", "panther7@other.example"))
    assert own.odds > 20 * made.odds


def crowd(n: int) -> list[Record]:
    """So many people out of the same names and firms: every block grows with them."""
    rng = random.Random(4)
    people = []
    for number in range(n):
        name = f"First{rng.randrange(60)} Last{rng.randrange(300)}"
        people.append(record(name, f"p{number}@firm{rng.randrange(40)}.example", company=f"Firm {rng.randrange(40)}"))
    return people


def test_pairs_grow_with_the_records_and_not_with_their_square():
    few, many = (len(matching.candidates(crowd(n), KINDS)) for n in (5_000, 20_000))
    assert 20_000 < few < many < 5 * few
    assert many < 20_000 * 30


def test_in_a_block_that_is_too_large_doubles_still_meet():
    people = [record("Ana Lopes", f"x{number}@firm{number}.example") for number in range(300)]
    people.append(record("Ana Lopes", "x150@firm150.example", "+351912345678"))
    assert (150, 300) in matching.candidates(people, KINDS)


def table(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


TABLE = """\
id;Full Name;Phone;Town;who
1;Ana Lopes;+351 912 345 678;Porto;a
2;"Lopes, Ana";+351912345678;Porto;a
3;Rui Costa;+351 911 111 111;Lisboa;b
4;Eva Braun;;Berlin;c
5;Sam Lee;;Leeds;d
6;Samuel Lee;;Leeds;d
"""


def test_any_labelled_table_can_be_measured(tmp_path: Path):
    result = labelled.match(table(tmp_path / "people.csv", TABLE), truth="who")
    assert dict(result.kinds) == {"first": "first", "last": "last", "phone": "phone", "Town": "text"}
    assert (result.rows, [pair for pair, _ in result.found]) == (6, [(0, 1), (4, 5)])
    assert (result.precision, result.recall, result.f1) == (1.0, 1.0, 1.0)


def test_the_command_prints_precision_recall_f1_and_the_threshold(tmp_path: Path):
    told = CliRunner().invoke(app, ["match", str(table(tmp_path / "people.csv", TABLE)), "--truth", "who", "--json"])
    result = json.loads(told.stdout)
    assert {name: result[name] for name in ("precision", "recall", "f1", "threshold", "true", "right")} == {
        "precision": 1.0, "recall": 1.0, "f1": 1.0, "threshold": 3.0, "true": 2, "right": 2,
    }  # fmt: skip
    assert result["pairs"][0]["rows"] == [2, 3]


@pytest.mark.parametrize(
    ("text", "truth", "words"),
    [
        ("id,who\n1,a\n", "who", "No column says anything of a person"),
        ("name\n", None, "has no row under its header"),
        (TABLE, "cluster", "There is no column 'cluster'"),
    ],
)
def test_a_table_that_cannot_be_matched_is_refused_by_name(tmp_path: Path, text: str, truth: str | None, words: str):
    with pytest.raises(labelled.CannotMatch, match=words):
        labelled.match(table(tmp_path / "people.csv", text), truth=truth)
