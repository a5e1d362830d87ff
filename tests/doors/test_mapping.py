"""A mapping says what columns mean; rows become lines of a history, and what cannot be read is named."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from rung.capture.imports import histories, making, mapping
from rung.capture.imports.mapping import MappingRefused
from rung.engine.files import reading
from rung.terms.instants import parse_instant

NOW = parse_instant("2026-03-01T12:00:00Z")
LEADS = """
import: 1
zone: Europe/Lisbon
tables:
  - name: leads
    person: email
    company: firm
    at: created
    traits:
      title: job
      employees: {column: size, type: number}
      is_partner: {column: partner, type: yes_no}
      topics: {column: topics, type: list}
      source: {column: source, empty: [unknown], words: {fb: Facebook}, else: direct}
    events:
      - {kind: demo_requested, at: {column: demo, format: '%d/%m/%Y %H:%M'}, data: {form: {value: demo}}}
"""
TABLE = "import: 1\ntables:\n  - "
HEADER = "email,firm,created,job,size,partner,topics,source,demo\n"


def lines(tmp_path: Path, rules: str | None, content: str, kind: str | None = None) -> tuple[list[Any], list[str]]:
    """The history lines, and what was left out."""
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="utf-8")
    written = io.StringIO()
    rules_ = mapping.load(rules) if rules else None
    (taken,) = histories.write_history([path], mapping=rules_, kind=kind, to=written, now=NOW)
    return [json.loads(line) for line in written.getvalue().splitlines()], [
        f"{each.line}: {each.reason}" for each in taken.left_out
    ]


def test_a_row_tells_traits_and_events_in_its_own_zone(tmp_path: Path) -> None:
    row = 'ana@acme.example,Acme.example,2026-07-01 10:00,CIO,"1,200",yes,a; b,fb,02/07/2026 09:30\n'
    told, left_out = lines(tmp_path, LEADS, HEADER + row)
    assert left_out == []
    assert told == [
        {
            "person": "ana@acme.example",
            "at": "2026-07-01T09:00:00Z",
            "kind": "person_described",
            "company": "acme.example",
            "data": {"title": "CIO", "employees": 1200, "is_partner": True, "topics": ["a", "b"], "source": "Facebook"},
            "id": "table.csv:2:0",
        },
        {
            "person": "ana@acme.example",
            "at": "2026-07-02T08:30:00Z",
            "kind": "demo_requested",
            "company": "acme.example",
            "data": {"form": "demo"},
            "id": "table.csv:2:1",
        },
    ]


def test_an_event_whose_time_is_empty_did_not_happen(tmp_path: Path) -> None:
    told, _ = lines(tmp_path, LEADS, HEADER + "ana@acme.example,,2026-07-01,,,,,unknown,\n")
    assert [(line["kind"], line["data"]) for line in told] == [("person_described", {"source": "direct"})]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",Acme,2026-07-01,,,,,,", "2: no email: the row names nobody"),
        ("ana,Acme,,,,,,,", "2: no time in created"),
        ("ana,Acme,soon,,,,,,", "2: created: 'soon' is not a time: say how it is written with `format:`"),
        (
            "ana,Acme,2026-07-01,,,,,,2026-07-02",
            "2: demo: '2026-07-02' is not a time written %d/%m/%Y %H:%M, as in 31/12/2025 14:05",
        ),
        ("ana,Acme,1960-07-01,,,,,,", "2: 1960-06-30T23:00:00+00:00 is outside 1970 to 2100"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_whole(tmp_path: Path, row: str, reason: str) -> None:
    told, left_out = lines(tmp_path, LEADS, HEADER + row + "\n")
    assert told == []
    assert [each.replace("1960-07-01T00:00:00+01:00", "1960-06-30T23:00:00+00:00") for each in left_out] == [reason]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("many,,", "2: size: 'many' is not a number: write 1234.50 or 1,234.50"),
        ("99999999999999999999,,", "2: size: '99999999999999999999' is larger than a number may be (2^63)"),
        (",perhaps,", "2: partner: 'perhaps' is neither yes nor no"),
    ],
)
def test_a_trait_that_cannot_be_read_is_left_out_and_the_row_goes_on(tmp_path: Path, cells: str, reason: str) -> None:
    told, left_out = lines(tmp_path, LEADS, HEADER + f"ana,,2026-07-01,CIO,{cells},,\n")
    assert left_out == [reason]
    assert told[0]["data"] == {"title": "CIO", "source": "direct"}


@pytest.mark.parametrize(
    ("cell", "number"),
    [("50", 50), ("1,234.50", 1234.5), ("$22,700.00", 22700), ("6.14123E+10", 61412300000), ("-3", -3), ("EUR 5", 5)],
)
def test_numbers_are_read_as_people_write_them(tmp_path: Path, cell: str, number: float) -> None:
    told, _ = lines(tmp_path, LEADS, HEADER + f'ana,,2026-07-01,,"{cell}",,,,\n')
    assert told[0]["data"]["employees"] == number


def test_money_is_minor_units(tmp_path: Path) -> None:
    rules = "import: 1\ntables:\n  - person: id\n    at: d\n    traits: {paid: {column: amount, type: money}}\n"
    told, _ = lines(tmp_path, rules, "id,d,amount\n7,2026-01-01,1054.30\n")
    assert told[0]["data"] == {"paid": 105_430}


def test_an_event_is_written_only_where_its_column_says_so(tmp_path: Path) -> None:
    rules = """
import: 1
tables:
  - person: id
    events:
      - {kind: deal_won, at: closed, when: {column: stage, is: Won}, id: {text: 'won-{id}'}, data: {deal: id}}
      - {kind: deal_lost, at: closed, when: {column: stage, in: [Lost, Dead]}, data: {deal: id}}
"""
    told, _ = lines(tmp_path, rules, "id,stage,closed\n1,Won,2026-01-01\n2,Dead,2026-01-01\n3,Open,2026-01-01\n")
    assert [(line["person"], line["kind"], line["id"]) for line in told] == [
        ("1", "deal_won", "won-1"),
        ("2", "deal_lost", "table.csv:3:2"),
    ]


def test_a_company_is_described_once_where_rows_say_the_same(tmp_path: Path) -> None:
    rules = "import: 1\ntables:\n  - company: firm\n    company_traits: {sector: sector}\n"
    told, _ = lines(tmp_path, rules, "firm,sector\nAcme,IT\nAcme,IT\nAcme,Retail\n")
    assert [line["data"]["sector"] for line in told] == ["IT", "Retail"]
    assert all("person" not in line for line in told)


def test_a_table_is_recognised_by_its_columns_and_the_better_fit_wins(tmp_path: Path) -> None:
    rules = mapping.load(
        "import: 1\ntables:\n"
        "  - {name: small, person: id, traits: {a: a}}\n"
        "  - {name: large, person: id, traits: {a: a, b: b}}\n"
    )
    names = [getattr(rules.table_for(header), "name", None) for header in [("id", "a"), ("b", "a", "id", "c"), ("a",)]]
    assert names == ["small", "large", None]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "mapping.yaml:1: The file is empty."),
        ("import: 1\n", "mapping.yaml:1: There are no tables."),
        ("tables: []\n", "mapping.yaml:1: The file does not say what it is. Start with `import: 1`."),
        ("import: 1\nzone: Mars/Base\ntables: []\n", "mapping.yaml:2: 'Mars/Base' is no time zone."),
        (TABLE + "{name: x}\n", "mapping.yaml:3: The table names nobody."),
        (TABLE + "{person: id, trait: {a: b}}\n", "mapping.yaml:3: A table has no `trait`."),
        (TABLE + "{person: id, traits: {a: {column: b, type: int}}}\n", "'int' is no type."),
        (TABLE + "{person: id, traits: {a: {type: text}}}\n", "`a:` needs one of column, text and value."),
        (TABLE + "{person: id, events: [{kind: deal_one, at: b}]}\n", "'deal_one' is no kind of event."),
        (TABLE + "{person: id, events: [{kind: deal_won}]}\n", "The event has no time."),
        (TABLE + "{company: x, traits: {a: b}}\n", "Traits and events need a person."),
        (TABLE + "person: id\n    person: id2\n", "mapping.yaml:4: The key person stands twice"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_where_and_what_to_write(text: str, fault: str) -> None:
    with pytest.raises(MappingRefused) as refused:
        mapping.load(text)
    assert fault in str(refused.value)


def test_all_faults_of_a_mapping_are_told_at_once() -> None:
    with pytest.raises(MappingRefused) as refused:
        mapping.load("import: 2\nzone: Nowhere\ntables:\n  - {name: x}\n  - {person: id, evens: []}\n")
    assert len(refused.value.faults) == 4


# Guessing by headers

HUBSPOT = (
    "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,Create Date,Original Source,Job Title,"
    "Company Name,Number of Employees,HubSpot Score\n"
    "101,Ana,Lima,ana@acme.example,+351 1,Sam,NEW,2024-03-12 09:14,ORGANIC_SEARCH,CIO,Acme,250,17\n"
)
SALESFORCE = (
    "Id,LastName,FirstName,Title,Company,Country,Phone,Email,LeadSource,Status,CreatedDate\n"
    "00Q1,Lima,Ana,CIO,Acme,Portugal,+351 1,ana@acme.example,Web,Open,2024-03-12T09:14:00.000+0000\n"
)
PIPEDRIVE = (
    "Person - Name,Person - First name,Person - Last name,Person - Phone,Person - Email (Work),Organization - Name\n"
    "Ana Lima,Ana,Lima,+351 1,ana@acme.example,Acme\n"
)


@pytest.mark.parametrize("content", [HUBSPOT, SALESFORCE, PIPEDRIVE], ids=["HubSpot", "Salesforce", "Pipedrive"])
def test_exports_of_others_are_understood_without_a_mapping(tmp_path: Path, content: str) -> None:
    (told, of_company), left_out = lines(tmp_path, None, content)
    assert left_out == []
    assert (told["person"], told["company"], told["kind"]) == ("ana@acme.example", "acme.example", "person_described")
    assert (of_company["company"], of_company["data"]["name"]) == ("acme.example", "Acme")
    traits = told["data"]
    assert (traits["first_name"], traits["last_name"], traits["phone"]) == ("Ana", "Lima", "+351 1")
    assert traits["email"] == "ana@acme.example"
    assert told["at"] in ("2024-03-12T09:14:00Z", "2026-03-01T12:00:00Z")


def test_a_column_that_nobody_knows_is_kept_under_its_own_name(tmp_path: Path) -> None:
    told, _ = lines(tmp_path, None, HUBSPOT)[0]
    assert told["data"]["hubspot_score"] == "17"


def test_deals_are_understood_without_a_mapping(tmp_path: Path) -> None:
    content = (
        "Deal Name,Deal Stage,Amount,Create Date,Close Date,Deal owner,Associated Contact Email\n"
        "Berths,Closed Won,1200,2024-03-01,2024-04-01,Sam,ana@acme.example\n"
    )
    for kind in (None, "deals"):
        opened, won = lines(tmp_path, None, content, kind)[0]
        assert (opened["kind"], opened["at"], won["kind"], won["at"]) == (
            "deal_opened", "2024-03-01T00:00:00Z", "deal_won", "2024-04-01T00:00:00Z",
        )  # fmt: skip
        assert (won["person"], won["by"]) == ("ana@acme.example", "Sam")
        assert (won["data"]["deal"], won["data"]["amount"], won["data"]["currency"]) == ("Berths", 120_000, "EUR")


def test_whoever_wanted_no_mail_of_the_old_program_wants_none_of_us(tmp_path: Path) -> None:
    told, _ = lines(tmp_path, None, "Email,Email Opt Out,Record Id\nana@acme.example,true,7\nbo@acme.example,false,8\n")
    assert [(line["person"], line["kind"]) for line in told] == [
        ("ana@acme.example", "person_described"),
        ("ana@acme.example", "unsubscribed"),
        ("bo@acme.example", "person_described"),
    ]
    assert told[0]["data"] == {"email": "ana@acme.example", "record_id": "7"}


def test_a_row_without_an_email_is_known_by_its_record_id(tmp_path: Path) -> None:
    told, of_company = lines(tmp_path, None, HUBSPOT.replace("ana@acme.example", ""))[0]
    assert told["person"] == "101"
    assert (of_company["company"], of_company["data"]) == ("Acme", {"employees": 250})


def test_companies_are_understood_without_a_mapping(tmp_path: Path) -> None:
    content = "Record ID,Company name,Website URL,Industry,Number of Employees\n7,Acme,acme.example,Software,250\n"
    (told,), _ = lines(tmp_path, None, content)
    assert (told["kind"], told["company"]) == ("company_described", "acme.example")
    assert told["data"]["employees"] == 250


@pytest.mark.parametrize("site", ["acme.example", "https://www.Acme.example/about?x=1", "http://acme.example:80"])
def test_a_company_is_known_by_the_domain_of_its_web_site(tmp_path: Path, site: str) -> None:
    (told,), _ = lines(tmp_path, None, f"Company name,Website URL\nAcme,{site}\n")
    assert told["company"] == "acme.example"


def test_a_table_that_names_nobody_is_not_guessed_at() -> None:
    assert making.guessed(("colour", "weight"), None, [], histories.UTC) is None


def test_what_is_written_is_read_back_without_a_refusal(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(HUBSPOT, encoding="utf-8")
    with (tmp_path / "history.ndjson").open("w", encoding="utf-8") as file:
        list(histories.write_history([path], mapping=None, kind=None, to=file, now=NOW))
    with (tmp_path / "history.ndjson").open("rb") as stream:
        result = reading.read(stream)
    assert (result.history.people, result.refused) == (["ana@acme.example"], [])
