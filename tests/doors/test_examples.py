"""The two public data sets become histories whose results are known."""

import csv
import io
from collections import Counter
from pathlib import Path

import pytest

from rung.capture.imports import histories, mapping
from rung.engine.files import deciding_files
from rung.engine.files.account import Account
from rung.playbook import loading

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"


def decided(name: str, folder: Path, out: Path) -> Account:
    """The example's account, decided by its own mapping and playbook."""
    example = ROOT / "examples" / name
    rules = mapping.load((example / "mapping.yaml").read_bytes())
    written = io.StringIO()
    for taken in histories.write_history([folder], mapping=rules, kind=None, to=written, now=0):
        assert taken.left_out == []
    book = loading.load((example / "playbook.yaml").read_bytes())
    stream = io.BytesIO(written.getvalue().encode())
    return deciding_files.decide_history(stream, playbook=book, until=None, out=out)


@pytest.fixture(scope="module")
def olist(tmp_path_factory: pytest.TempPathFactory) -> tuple[Account, Path]:
    if not (DATA / "olist").is_dir():
        pytest.skip("Olist's files are not beside the repository")
    out = tmp_path_factory.mktemp("olist")
    return decided("olist", DATA / "olist", out), out


def test_olist_gives_8000_people_and_842_customers(olist: tuple[Account, Path]) -> None:
    account, _ = olist
    assert account.people == 8_000
    assert sum(account.rungs["customer"].values()) == 842
    assert account.refused == 0


def test_olist_names_the_one_win_before_its_first_contact(olist: tuple[Account, Path]) -> None:
    (problem,) = olist[0].problems
    assert problem.people == 1
    assert "b91cf8812365f50ff4bda4bcd6206b05 (won 2018-03-06, first contact 2018-03-08)" in str(problem)


def test_olist_counts_by_month_are_those_of_the_files(olist: tuple[Account, Path]) -> None:
    with (DATA / "olist/olist_closed_deals_dataset.csv").open(newline="") as file:
        won = {row["mql_id"] for row in csv.DictReader(file)}
    people, customers = Counter[str](), Counter[str]()
    with (DATA / "olist/olist_marketing_qualified_leads_dataset.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            month = row["first_contact_date"][:7]
            people[month] += 1
            customers[month] += row["mql_id"] in won
    cohorts = {cohort.month: (cohort.people, cohort.customers) for cohort in olist[0].cohorts}
    assert cohorts == {month: (people[month], customers[month]) for month in people}
    shares = {month: 100 * customers[month] / people[month] for month in people}
    assert max(share for month, share in shares.items() if month < "2018") == pytest.approx(5.5, abs=0.05)
    assert all(9.9 < share < 14.6 for month, share in shares.items() if month >= "2018")


def test_olist_standings_and_moves_agree_with_the_account(olist: tuple[Account, Path]) -> None:
    account, out = olist
    with (out / "standings.csv").open(newline="", encoding="utf-8") as file:
        standings = list(csv.DictReader(file))
    with (out / "moves.csv").open(newline="", encoding="utf-8") as file:
        moves = list(csv.DictReader(file))
    assert sum(row["stage"] == "customer" for row in standings) == 842
    assert sum(row["to"] == "customer" for row in moves) == 842
    assert (len(standings), len(moves)) == (8_000, account.moves)
    assert standings == sorted(standings, key=lambda row: row["person"])


def test_maven_wins_4238_of_6711_closed_opportunities(tmp_path: Path) -> None:
    if not (DATA / "maven_crm").is_dir():
        pytest.skip("Maven's files are not beside the repository")
    account = decided("maven", DATA / "maven_crm", tmp_path)
    lost = sum(told.get("lost", 0) for told in account.rungs.values())
    assert account.people == 8_800
    assert (account.rungs["customer"]["active"], lost) == (4_238, 2_473)
