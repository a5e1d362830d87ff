"""Tables that break programs, through the real upload and through the command: a reason, a line, nothing else lost."""

import csv
import io
import re
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from django.test import Client
from django.urls import reverse

from rung.capture.imports import actions as imports
from rung.capture.imports.histories import NothingToRead
from rung.capture.imports.sheets import Unreadable
from rung.capture.models import Upload
from rung.history.models import Event
from rung.lifecycle import exporting
from rung.lifecycle.models import Import
from rung.people.models import Company, Person
from rung.terms.instants import parse_instant
from web import hostile
from web.conftest import World
from web.hostile import HEAD, HEADER, row, with_good, workbook
from web.test_imports_pages import signed_in, upload, work

pytestmark = pytest.mark.django_db

NOW = parse_instant("2026-11-25T12:00:00Z")
JURGEN = "j@x.example,Jürgen,Büyer,x.example\n"
UMLAUTS = with_good(JURGEN)
DATED = workbook(
    HEAD + row(2, "d@x.example", "Day", 45000, style=1) + row(3, "e@x.example", "Number", 45000.5) + "</sheetData>",
    styles=hostile.DATED,
)

REFUSED: dict[str, tuple[Any, str]] = {
    "empty.csv": (b"", "empty.csv is empty"),
    "blank.csv": (b"\n\n  \n", "blank.csv holds no row"),
    "header.csv": (HEADER, "holds no row below the names of its columns"),
    "wide.csv": (",".join(f"c{n}" for n in range(10_000)) + "\nx\n", "wide.csv has 10000 columns: 1000 are allowed"),
    "paper.csv": (hostile.paper(), "paper.csv is a PDF, whatever its name says"),
    "photo.csv": (hostile.picture(), "photo.csv is a picture, whatever its name says"),
    "book.csv": (DATED, "book.csv is a workbook or an archive, whatever its name says"),
    "noise.csv": (bytes(range(1, 32)) * 50, "noise.csv is no text"),
    "photo.xlsx": (hostile.picture(), "photo.xlsx is no workbook that can be read"),
    "paper.xlsx": (hostile.paper(), "paper.xlsx is no workbook that can be read"),
    "rubbish.xlsx": (b"PK\x03\x04rubbish" * 50, "rubbish.xlsx is no workbook that can be read"),
    "bomb.xlsx": (hostile.bomb, "bomb.xlsx unpacks to 600 MB"),
    "liar.xlsx": (hostile.liar, "liar.xlsx is no workbook that can be read"),
    "entities.xlsx": (
        workbook('<!DOCTYPE x [<!ENTITY a "aaaa">]>' + HEAD + row(2, "&a;@x.example", "E", 1) + "</sheetData>"),
        "entities.xlsx is no workbook that can be read",
    ),
    "nothing.xlsx": (workbook("</sheetData>"), "nothing.xlsx holds no row"),
}
"""Name → what is in it, or makes it, and the reason for which it is not taken in at all."""

TAKEN: dict[str, tuple[Any, list[str], list[str]]] = {
    "nul.csv": (
        with_good("a\x00b@x.example,Ana,Buyer,x.example\n", "c@x.example,C\x00,Buyer,x.example\n"),
        ["after@good.example", "before@good.example", "c@x.example"],
        [
            "3,row,Email holds a NUL or a broken character: remove it",
            "4,cell,first_name holds a NUL or a broken character: remove it",
        ],
    ),
    "quotes.csv": (
        with_good('q@x.example,"never closed,Buyer,x.example\n', 'r@x.example,ok "so" ok,Buyer,x.example\n'),
        ["after@good.example", "before@good.example", "r@x.example"],
        ['3,row,"a quotation mark ("") is opened and never closed"'],
    ),
    "cell.csv": (
        with_good(f"m@x.example,{'x' * 1_000_001},B,x.example\n", f"n@x.example,{'y' * 500_000},B,x.example\n"),
        ["after@good.example", "before@good.example", "n@x.example"],
        [
            "3,row,longer than 1000000 characters",
            "4,cell,first_name is 500000 characters long: 1000 are allowed",
        ],
    ),
    "ragged.csv": (
        with_good("short@x.example\n", "long@x.example,a,b,c,d,e\n", "pad@x.example,a,b,c,,,\n"),
        ["after@good.example", "before@good.example", "pad@x.example"],
        [
            '3,row,"1 cells, where the header names 4 columns"',
            '4,row,"6 cells, where the header names 4 columns"',
        ],
    ),
    "twice.csv": (
        with_good(HEADER),
        ["after@good.example", "before@good.example"],
        ["3,row,the names of the columns again"],
    ),
    "merged.xlsx": (
        workbook(
            HEAD + row(2, "g@x.example", "Above") + row(3, "", "Below")
            + '</sheetData><mergeCells count="1"><mergeCell ref="A2:A3"/></mergeCells>'
        ),
        ["g@x.example"],
        ["3,row,no Email: the row names nobody"],
    ),
    "sheets.xlsx": (
        workbook(
            HEAD + row(2, "s@x.example", "One") + "</sheetData>", row(1, "colour", "size") + "</sheetData>"
        ),
        ["s@x.example"],
        ["1,row,sheet S2 has other columns: it was not read"],
    ),
}  # fmt: skip
"""Name → what is in it, who comes in, and what is left out, line by line."""

READ = {
    "utf16.csv": hostile.encoded(UMLAUTS, "utf-16 marked"),
    "utf16-le.csv": UMLAUTS.encode("utf-16-le"),
    "utf16-be.csv": UMLAUTS.encode("utf-16-be"),
    "latin1.csv": UMLAUTS.encode("latin-1"),
    "glued.csv": UMLAUTS.encode() + JURGEN.replace("j@", "k@").encode("cp1252"),
    "marked.csv": UMLAUTS.encode("utf-8-sig"),
    "semicolons.csv": UMLAUTS.replace(",", ";"),
    "tabs.csv": UMLAUTS.replace(",", "\t"),
    "ends.csv": UMLAUTS.replace("\n", "\r\n", 1).replace("Büyer,x.example\n", "Büyer,x.example\r"),
    "macros.xlsx": workbook(
        HEAD.replace("Create Date", "Job Title") + row(2, "j@x.example", "Jürgen", "Büyer") + "</sheetData>",
        more={"xl/externalLinks/externalLink1.xml": "<externalLink/>", "xl/vbaProject.bin": b"\xd0\xcf\x11\xe0" * 99},
    ),
}
"""However it is written, Jürgen is read."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    settings.RUNG_HOME = tmp_path / "home"
    return tmp_path


def house() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Event, Person, Company, Import, Upload))


def by_command(home: Path, name: str, content: Any) -> Any:
    path = home / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return imports.run([path], mapping=None, kind="people", by="rung", at=NOW)


def by_upload(client: Client, name: str, content: Any, kind: str = "people") -> Import:
    answer = upload(client, content, name=name, kind=kind)
    assert answer.status_code == 302, answer.content.decode()
    address = answer.headers["Location"]
    assert client.post(f"{address}/mapping").status_code == 302
    work()
    assert client.get(address).status_code == 200
    assert client.post(f"{address}/run").status_code == 302, Upload.objects.latest("pk").error
    work()
    assert client.get(address, follow=True).status_code == 200
    return Import.objects.latest("pk")


def left_out(client: Client, found: Import) -> list[str]:
    answer = client.get(reverse("import-refused", args=[found.pk]))
    return answer.content.decode().split("\r\n")[1:-1]


def came() -> list[str]:
    return sorted(Person.objects.filter(email__regex="@(good|x).example").values_list("email", flat=True))


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_refused_with_the_reason_and_leaves_nothing(world: World, home: Path, name: str) -> None:
    made, reason = REFUSED[name]
    content = made() if callable(made) else made
    client, before = signed_in(world), house()
    answer = upload(client, content, name=name)
    assert answer.status_code == 422
    assert reason in answer.content.decode()
    with pytest.raises((Unreadable, NothingToRead)):
        by_command(home, name, content)
    assert house() == before
    assert not list((home / "home" / "uploads").iterdir())


@pytest.mark.parametrize("name", TAKEN)
def test_what_cannot_be_read_is_named_by_line_and_the_rest_comes_in(world: World, home: Path, name: str) -> None:
    content, people, reasons = TAKEN[name]
    client = signed_in(world)
    found = by_upload(client, name, content)
    assert came() == people
    assert left_out(client, found) == reasons
    imports.undo(number=found.pk, by="rung", at=NOW)
    assert came() == []
    report = by_command(home, name, content)
    assert came() == people
    told = [each for taken in report.taken for each in taken.left_out]
    assert [str(each.line) for each in told] == [
        reason.split(",")[0] for reason in reasons if "other columns" not in reason
    ]


@pytest.mark.parametrize("name", READ)
def test_however_a_table_is_written_it_is_read_as_it_was_meant(world: World, name: str) -> None:
    client = signed_in(world)
    found = by_upload(client, name, READ[name])
    assert left_out(client, found) == []
    jurgen = Person.objects.get(email="j@x.example")
    assert (jurgen.name, jurgen.title) == ("Jürgen", "Büyer")
    if name == "glued.csv":
        assert Person.objects.get(email="k@x.example").name == "Jürgen"


def test_a_workbooks_days_are_days_and_its_day_numbers_too(world: World) -> None:
    by_upload(signed_in(world), "days.xlsx", DATED)
    days = {person.email[0]: person.first_seen_at for person in Person.objects.filter(email__endswith="x.example")}
    berlin = {"d": "2023-03-15T00:00:00+01:00", "e": "2023-03-15T12:00:00+01:00"}
    assert days == {name: parse_instant(told) for name, told in berlin.items()}


@pytest.mark.parametrize("name", ["naughty.csv", "naughty.xlsx"])
def test_texts_that_break_programs_come_in_and_go_out_as_they_are_and_run_nowhere(world: World, name: str) -> None:
    # XML, of which a workbook is made, holds no control characters at all.
    texts = [text for text in hostile.NAUGHTY if name.endswith(".csv") or not re.search("[\x00-\x08\x0b-\x1f]", text)]
    told = {f"n{number}@x.example": text for number, text in enumerate(texts)}
    lines = [("Email", "First Name", "Note"), *((email, text, text) for email, text in told.items())]
    rows = io.StringIO()
    csv.writer(rows).writerows(lines)
    sheet = "".join(row(number, *map(escape, line)) for number, line in enumerate(lines, 1))
    client = signed_in(world)
    found = by_upload(client, name, rows.getvalue() if name.endswith(".csv") else workbook(f"{sheet}</sheetData>"))
    assert (found.accepted, left_out(client, found)) == (len(told), [])
    to = io.BytesIO()
    exporting.export(what="people", where=None, format="csv", to=to, by="rung", at=NOW)
    out = {row["email"]: row["traits.note"] for row in csv.DictReader(io.StringIO(to.getvalue().decode()))}
    for person in Person.objects.filter(email__in=told):
        text = told[person.email]
        assert person.traits.get("note", "") in (text, hostile.composed(text))
        assert out[person.email][:1] not in set("=@\t\r"), text
        assert client.get(reverse("person", args=[person.uuid])).status_code == 200
    page = client.get(reverse("people"), {"q": "<script>"}).content.decode()
    assert "<script>alert(1)" not in page


@pytest.mark.parametrize(
    "name", ["=1+1.csv", "../../etc/passwd.csv", "a\u202etxt.csv", "<b>x</b>.csv", "n" * 300 + ".csv"]
)
def test_a_files_name_is_only_shown(world: World, home: Path, name: str) -> None:
    client = signed_in(world)
    found = by_upload(client, name, with_good())
    assert "/" not in found.name and len(found.name) <= 254
    page = client.get(reverse("import-done", args=[found.pk])).content.decode()
    assert "<b>x</b>" not in page
    assert not list(home.rglob("*passwd*"))


def test_a_workbook_that_breaks_off_halfway_leaves_nothing_of_its_first_half(
    home: Path, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    before = house()

    def torn(*told: Any, **more: Any) -> Any:
        yield from list(whole(*told, **more))[:2]
        raise Unreadable("book.csv is torn")

    whole = imports.translated
    monkeypatch.setattr(imports, "translated", torn)
    monkeypatch.setattr(imports.bulk, "_EVENTS_AT_A_TIME", 1)
    with pytest.raises(Unreadable, match="torn"):
        by_command(home, "book.csv", with_good("c@x.example,C,Buyer,x.example\n"))
    assert came() == []
    assert house()[1:3] == before[1:3]
