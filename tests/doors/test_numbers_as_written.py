"""Numbers as people and programs write them; what can be read in two ways is read as its column is."""

from decimal import Decimal
from pathlib import Path

import pytest

from rung.capture import numbers
from rung.capture.imports import columns, making, mapping
from rung.capture.imports.histories import UTC
from rung.capture.imports.sheets import Row
from rung.capture.imports.translating import LeftOut, Told, translated
from rung.capture.numbers import COMMA, POINT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1234.5", "1234.5"), ("$22,700.00", "22700"), ("€ 1.234,50", "1234.5"), ("1 234,50 EUR", "1234.5"),
        ("CHF 1’234.50", "1234.5"), ("1\u00a0234,5", "1234.5"), ("(1,200.00)", "-1200"), ("$1,117.10K", "1117100"),
        ("12k", "12000"), ("1.2M", "1200000"), ("-5", "-5"), ("+7", "7"), ("6.14E+3", "6140"), ("1,5", "1.5"),
        ("1.5", "1.5"), ("1.234.567", "1234567"), ("1,234,567", "1234567"), ("12,34", "12.34"), (".5", "0.5"),
        ("0.0", "0"), ("0", "0"), ("$0", "0"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("written", [POINT, COMMA])
def test_what_can_be_read_in_one_way_is_read_so_however_its_column_is_written(
    text: str, said: str, written: str
) -> None:
    assert numbers.read(text, written=written) == Decimal(said)


@pytest.mark.parametrize(("text", "point", "comma"), [("1,234", 1234, "1.234"), ("1.234", "1.234", 1234)])
def test_what_can_be_read_in_two_ways_is_read_as_its_column_is(text: str, point: object, comma: object) -> None:
    assert numbers.read(text, written=POINT) == Decimal(str(point))
    assert numbers.read(text, written=COMMA) == Decimal(str(comma))


@pytest.mark.parametrize(
    "text", ["", "-", "k", "()", "--7", "12%", "1,2,3", "1.2.3", "1,23,456", "twelve", "١٢", "5 5"]
)
def test_what_says_no_number_is_none(text: str) -> None:
    assert numbers.read(text, written=POINT) is None
    assert numbers.read(text, written=COMMA) is None


HEADER = ["Deal Name", "Deal Stage", "Amount", "Close Date", "Contact Email", "Discount"]


def deal(amount: str, discount: str = "") -> dict[str, str | None]:
    return dict(zip(HEADER, ["Berths", "Won", amount, "2026-03-01", "ana@acme.example", discount or None], strict=True))


def amounts(*written: str) -> list[object]:
    rows = [deal(each) for each in written]
    table = making.guessed(HEADER, "deals", rows, UTC)
    assert table is not None
    told = translated((Row(line, row) for line, row in enumerate(rows, 2)), table, prefix="x", now=2**60)
    return [each.data.get("amount") if isinstance(each, Told) else each.reason for each in told if _is_won(each)]


def _is_won(each: Told | LeftOut) -> bool:
    return isinstance(each, LeftOut) or each.kind == "deal_won"


def test_one_sure_number_tells_how_the_others_of_its_table_are_written() -> None:
    assert amounts("1.234", "1.234,50") == [123_400, 123_450]
    assert amounts("1.234", "1,234.50") == [123, 123_450]
    assert amounts("1.234", "2.000") == [123, 200]


def test_a_column_of_its_own_is_one_of_numbers_with_commas_too_and_ids_and_addresses_are_none() -> None:
    def of(*texts: str) -> tuple[str, str]:
        rows = [{"Email": f"p{place}@acme.example", "X": text} for place, text in enumerate(texts)]
        found = columns.guessed(["Email", "X"], "people", rows)
        return found.columns[1].type, found.numbers

    assert of("1,5", "12,25") == ("number", COMMA)
    assert of("1.5", "12") == ("number", POINT)
    assert of("192.168.10.1", "10.0.0.1") == ("text", POINT)
    assert of("229.077.5154", "857.139.8239") == ("text", POINT)
    assert of("4915112345678", "4915112345679") == ("text", POINT)
    assert of("10M", "5k") == ("text", POINT)


def test_a_mapping_says_what_parts_decimals(tmp_path: Path) -> None:
    text = "import: 1\ntables:\n  - {name: x, person: id, traits: {a: {column: a, type: number, decimals: DECIMALS}}}\n"
    rules = mapping.load(text.replace("DECIMALS", "comma"))
    (told,) = translated(iter([Row(2, {"id": "7", "a": "1.234"})]), rules.tables[0], prefix="x", now=0)
    assert isinstance(told, Told) and told.data == {"a": 1234}
    with pytest.raises(mapping.MappingRefused) as refused:
        mapping.load(text.replace("DECIMALS", "dot"))
    assert "'dot' parts no decimals. Write `comma` or `point`." in str(refused.value)
