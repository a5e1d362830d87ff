"""Whoever a table tells no firm of is of the firm whose domain their address has, as at every door."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import dirty
from dirty_house import lived, looked_at
from doors.bringing_in import NOW, belonging, brought_in, home
from doors.test_undone_imports import seen
from rung.capture.imports import actions as imports
from rung.capture.imports import histories, mapping
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people.models import Company, Person
from rung.people.rules import Keys
from rung.terms.instants import DAY

__all__ = ["home"]
PLAIN = """Email,First Name
ana@acme.example,Ana
bo@eu.acme.example,Bo
cy@gmail.com,Cy
di@pages.github.io,Di
"""
LIDO = "Email,Company Name,Industry\nana@acme.example,lido.example,Ships\n"


@pytest.mark.django_db
def test_whoever_has_a_firms_address_is_of_that_firm_and_free_mailboxes_are_nobodys(home: Path) -> None:
    brought_in(home, PLAIN)
    assert belonging() == {
        "ana@acme.example": "acme.example",
        "bo@eu.acme.example": "acme.example",
        "di@pages.github.io": "pages.github.io",  # github.io is a public suffix: each name below it is somebody's own
    }
    assert sorted(Company.objects.values_list("key", "name")) == [
        ("acme.example", "acme.example"),
        ("pages.github.io", "pages.github.io"),
    ]


@pytest.mark.django_db
def test_a_row_without_a_firm_in_a_table_that_tells_firms_means_that_of_its_address(home: Path) -> None:
    brought_in(home, "Email,Company Name\nana@acme.example,Lido\nana@acme.example,\nbo@acme.example,\ncy@a.example,B\n")
    assert belonging() == {
        "ana@acme.example": "acme.example",
        "bo@acme.example": "acme.example",
        "cy@a.example": "a.example",
    }
    brought_in(home, "Email,Company Name\neva@x.example,lido.example\neva@x.example,\n", at=NOW + 1)
    assert belonging()["eva@x.example"] == "lido.example"


def of_the_app(at: int) -> None:
    actions.record(
        [NewEvent("person_described", keys=Keys(email="ana@acme.example"), company="lido.example", data={"name": "A"})],
        by="rui", at=at,
    )  # fmt: skip


@pytest.mark.django_db
def test_whoever_has_an_employer_keeps_them(home: Path) -> None:
    of_the_app(NOW - DAY)
    brought_in(home, PLAIN)
    assert belonging()["ana@acme.example"] == "lido.example"
    ana = Person.objects.get(email="ana@acme.example")
    assert (ana.name, ana.traits["first_name"]) == ("A", "Ana"), "the rest of the row counts as it is told"


@pytest.mark.django_db
@pytest.mark.parametrize("order", [("plain", "lido"), ("lido", "plain")])
@pytest.mark.parametrize("first_gone", ["plain", "lido"])
def test_imports_of_the_same_people_are_taken_back_in_any_order(
    home: Path, order: tuple[str, str], first_gone: str
) -> None:
    content = {"plain": PLAIN, "lido": LIDO}
    numbers = {name: brought_in(home, content[name], at=NOW + turn) for turn, name in enumerate(order)}
    assert belonging()["ana@acme.example"] == "lido.example"
    imports.undo(number=numbers.pop(first_gone), by="rui", at=NOW + DAY)
    stays = "acme.example" if first_gone == "lido" else "lido.example"
    assert belonging()["ana@acme.example"] == stays
    imports.undo(number=numbers.popitem()[1], by="rui", at=NOW + DAY + 1)
    assert (belonging(), Company.objects.count()) == ({}, 0)


@pytest.mark.django_db
def test_taken_back_it_leaves_the_house_field_by_field_as_it_was(home: Path) -> None:
    lived(60, colleagues=True)
    of_the_app(dirty.LIVED)
    looked_at(dirty.UNDONE)
    without, told_without = seen()
    looked_at(dirty.UNDONE)
    content = PLAIN + "".join(f"{dirty.known_address(number)},Known\n" for number in range(0, 60, 2))
    before = belonging()
    number = brought_in(home, content, at=dirty.UNDONE)
    assert set(belonging().items()) - set(before.items()) >= {("bo@eu.acme.example", "acme.example")}
    imports.undo(number=number, by="rung", at=dirty.UNDONE)
    looked_at(dirty.UNDONE)
    found, told = seen()
    assert dirty.differences(without, found) == []
    assert told == told_without


@pytest.mark.django_db
def test_the_employer_that_a_form_told_meanwhile_stays_when_it_is_taken_back(home: Path) -> None:
    number = brought_in(home, PLAIN)
    of_the_app(NOW + DAY)
    imports.undo(number=number, by="rui", at=NOW + 2 * DAY)
    assert belonging() == {"ana@acme.example": "lido.example"}


@pytest.mark.django_db
def test_a_mapping_and_a_table_of_deals_guess_no_firm(home: Path) -> None:
    text = "import: 1\ntables:\n  - {name: x, person: Email, traits: {first_name: First Name}}\n"
    brought_in(home, PLAIN, mapping=mapping.load(text))
    deals = "Deal Name,Deal Stage,Contact email,Contact person,Close Date\nBerths,Won,gus@acme.example,Gus,2026-03-01\n"
    brought_in(home, deals, at=NOW + 1)
    assert (Person.objects.count(), belonging()) == (5, {})


def test_lines_for_programs_name_the_same_firms(home: Path) -> None:
    path, to = home / "x.csv", io.StringIO()
    path.write_text("Email,Company Name\nana@acme.example,lido.example\nana@acme.example,\nbo@acme.example,\n", "utf-8")
    list(histories.write_history([path], mapping=None, kind="people", to=to, now=NOW))
    lines = [line for line in to.getvalue().splitlines() if "person_described" in line]
    assert [('"company": "lido.example"' in line, '"company": "acme.example"' in line) for line in lines] == [
        (True, False), (False, False), (False, True),
    ]  # fmt: skip


def queries(run: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as asked:
        run()
    return len(asked)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Email,Company Name", "{n}p@f{of}.example,Firm {of}"),
        ("Email,First Name", "{n}p@f{of}.example,Ana"),
        ("Deal Name,Deal Stage,Close Date,Associated Contact IDs", "Berths {n},Won,2026-03-01,{of}"),
    ],
)
def test_distinct_firms_and_ids_cost_no_query_of_their_own(home: Path, header: str, row: str) -> None:
    """Two thousand rows are looked up by the batch: with as many names as rows it is some dozens more of queries."""

    def content(names: int) -> str:
        return "\n".join([header, *(row.format(n=n, of=n % names) for n in range(2_000)), ""])

    brought_in(home, "Email,First Name\nx@x.example,X\n", at=NOW - 1)  # what is asked once, after a start
    few = queries(lambda: brought_in(home, content(1), at=NOW))
    many = queries(lambda: brought_in(home, content(2_000), at=NOW + 1))
    assert many - few < 100, (few, many)  # of two thousand: whoever comes is decided by the nine hundred
