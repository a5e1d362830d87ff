"""Tables are read as people save them: any encoding, any delimiter, any quoting, and a fault costs one row."""

from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter

from rung.capture.imports import sheets
from rung.capture.imports.sheets import BadRow, Row, Unreadable


def table(tmp_path: Path, content: str | bytes, name: str = "people.csv") -> list[list[object]]:
    """The header, then the cells of each row; a refused row is its line and reason."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (sheet,) = sheets.sheets(path)
    rows = [list(row.cells.values()) if isinstance(row, Row) else [row.line, row.reason] for row in sheet.rows]
    return [list(sheet.header), *rows]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("a,b,c\n1,2,3\n", [["a", "b", "c"], ["1", "2", "3"]]),
        ("a,b,c\r\n1,2,3\r\n", [["a", "b", "c"], ["1", "2", "3"]]),
        ('who,where\nAna,"Main street 1, Porto"\n', [["who", "where"], ["Ana", "Main street 1, Porto"]]),
        ('a,b,c\n1,"",""\n2,3,4\n', [["a", "b", "c"], ["1", None, None], ["2", "3", "4"]]),
        ('a,b\n1,"ha ""ha"" ha"\n', [["a", "b"], ["1", 'ha "ha" ha']]),
        ('a,b\n1,"{""x"": ""y"", ""z"": 2}"\n', [["a", "b"], ["1", '{"x": "y", "z": 2}']]),
        ('a,b\n1,"Once\nupon ""a""\r\ntime"\n5,6\n', [["a", "b"], ["1", 'Once\nupon "a"\r\ntime'], ["5", "6"]]),
        ("a,b\n1,ʤ\n", [["a", "b"], ["1", "ʤ"]]),
        ("a,b\n\n1,2\n  \n\n", [["a", "b"], ["1", "2"]]),
        ("\n\na,b\n1,2\n", [["a", "b"], ["1", "2"]]),
        ("a,b,,\n1,2,,\n", [["a", "b", "column 3", "column 4"], ["1", "2", None, None]]),
        ("a,a,a\n1,2,3\n", [["a", "a (2)", "a (3)"], ["1", "2", "3"]]),
        (" First  Name ,b\n Ana , x \n", [["First Name", "b"], ["Ana", "x"]]),
        ("a,b\n1,2", [["a", "b"], ["1", "2"]]),
        ("a\n1\n2\n", [["a"], ["1"], ["2"]]),
    ],
)
def test_a_csv_reads_as_it_was_meant(tmp_path: Path, content: str, rows: list[list[object]]) -> None:
    assert table(tmp_path, content) == rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    content = f'name{delimiter}city\n"Lima, Ana; 1|2"{delimiter}Porto\n'
    assert table(tmp_path, content)[1] == ["Lima, Ana; 1|2", "Porto"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_the_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    assert table(tmp_path, "name,city\nJosé,Zürich €\n".encode(encoding)) == [["name", "city"], ["José", "Zürich €"]]


def test_lines_in_two_encodings_are_read_each_in_its_own(tmp_path: Path) -> None:
    content = "name,city\nJosé,Zürich\n".encode() + "José,Zürich €\n".encode("cp1252")
    assert table(tmp_path, content)[1:] == [["José", "Zürich"], ["José", "Zürich €"]]


def test_a_quotation_mark_left_open_swallows_no_row_that_has_marks_of_its_own(tmp_path: Path) -> None:
    rows = table(tmp_path, 'a,b\n3,"oops\n5,so "to" say\n7,"x"\n8,"y\nz"\n')
    left_open = 'a quotation mark (") is opened and never closed'
    assert rows[1:] == [[2, left_open], ["5", 'so "to" say'], ["7", "x"], ["8", "y\nz"]]


def test_a_quotation_mark_that_is_never_closed_costs_its_row_only(tmp_path: Path) -> None:
    rows = table(tmp_path, 'a,b\n1,2\n3,"oops\n5,6\n7,8\n')
    assert rows[1:] == [["1", "2"], [3, 'a quotation mark (") is opened and never closed'], ["5", "6"], ["7", "8"]]


def test_two_unclosed_quotation_marks_cost_two_rows_at_most(tmp_path: Path) -> None:
    lines = [f"{n},{n}" for n in range(3_000)]
    lines[10] = '10,"oops'
    rows = table(tmp_path, "a,b\n" + "\n".join(lines) + "\n")
    assert len(rows) == 3_001
    assert sum(isinstance(row[0], int) for row in rows) == 1


def test_a_cell_of_ten_megabytes_costs_its_row_only(tmp_path: Path) -> None:
    rows = table(tmp_path, "a,b\n1," + "x" * 10_000_000 + "\n3,4\n")
    assert rows[1:] == [[2, "longer than 1000000 characters"], ["3", "4"]]


@pytest.mark.parametrize(("row", "cells"), [("1", 1), ("1,2,3", 3)])
def test_a_row_that_does_not_fit_the_header_is_refused(tmp_path: Path, row: str, cells: int) -> None:
    rows = table(tmp_path, f"a,b\n{row}\n5,6\n")
    assert rows[1:] == [[2, f"{cells} cells, where the header names 2 columns"], ["5", "6"]]


@pytest.mark.parametrize("content", ["", "\n\n", " \n"])
def test_a_file_without_a_row_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(Unreadable):
        table(tmp_path, content)


def test_a_file_of_a_thousand_and_one_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="1000 are allowed"):
        table(tmp_path, ",".join(f"c{n}" for n in range(1_001)))


def test_a_workbook_keeps_its_types_and_each_sheet_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm"}) as book:
        first = book.add_worksheet("People")
        first.write_row(0, 0, ["name", "employees", "size", "is", "met", "none"])
        first.write_row(1, 0, ["Ana", 50, 1.5, True])
        first.write_datetime(1, 4, datetime(2026, 3, 1, 9, 30))
        book.add_worksheet("Empty")
        second = book.add_worksheet("Companies")
        second.write_row(1, 0, ["company"])
        second.write_row(2, 0, ["Acme"])
    people, companies = sheets.sheets(path)
    (row,) = people.rows
    assert isinstance(row, Row)
    assert list(row.cells.values()) == ["Ana", 50, 1.5, True, datetime(2026, 3, 1, 9, 30), None]
    assert companies.name == "book.xlsx, sheet Companies"
    assert [row.cells for row in companies.rows if isinstance(row, Row)] == [{"company": "Acme"}]


@pytest.mark.parametrize(
    ("above", "lines"),
    [([["Contacts of the autumn"], [], ["Exported", "3 Nov"]], [5, 6]), ([], [2, 3])],
)
def test_what_stands_above_a_table_is_not_the_names_of_its_columns(
    tmp_path: Path, above: list[list[str]], lines: list[int]
) -> None:
    path, names = tmp_path / "book.xlsx", ["name", "email", "city", "role", "phone", "source"]
    rows = [*above, names, ["Ana", "ana@acme.example"], ["Gus"]]
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    (table,) = sheets.sheets(path)
    assert table.header == tuple(names)
    assert [row.line for row in table.rows] == lines


def test_a_file_that_only_claims_to_be_a_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.xlsx"
    path.write_bytes(b"name,city\nAna,Porto\n")
    with pytest.raises(Unreadable, match="no workbook"):
        list(sheets.sheets(path))


def test_rows_carry_the_line_where_they_begin(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text('a,b\n1,"two\nlines"\n3\n4,5\n')
    (sheet,) = sheets.sheets(path)
    assert [(type(row), row.line) for row in sheet.rows] == [(Row, 2), (BadRow, 4), (Row, 5)]
