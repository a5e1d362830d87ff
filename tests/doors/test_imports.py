"""Files come into the house as one import, and go out of account again as if they had never been."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from rung.access.actions import Refused
from rung.capture.imports import actions as imports
from rung.capture.imports.histories import NothingToRead
from rung.engine.files import reading
from rung.history.models import Event
from rung.lifecycle import explaining, exporting
from rung.lifecycle.models import Import, StageMove, Standing
from rung.people.models import Person
from rung.terms.instants import DAY, parse_instant

NOW = parse_instant("2026-03-10T12:00:00Z")
ANA = "ana@acme.example"
PEOPLE = f"Email,First Name,Job Title,Company Name,Create Date,Note\n{ANA},Ana,CIO,acme.example,2026-03-01 10:00,=1+1\n"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    settings.RUNG_HOME = tmp_path / "home"
    return tmp_path


def file(home: Path, content: str, name: str = "people.csv") -> Path:
    path = home / name
    path.write_text(content, encoding="utf-8")
    return path


def history(home: Path, *lines: dict[str, Any], name: str = "history.ndjson") -> Path:
    return file(home, "\n".join(json.dumps(line) for line in lines), name)


def run(*paths: Path, at: int = NOW, **options: Any) -> Any:
    return imports.run(list(paths), **{"mapping": None, "kind": None, "by": "rui", "at": at, **options})


def picture() -> list[tuple[Any, ...]]:
    """Everybody: what is known, where they stand, how they came there; without our numbers and clocks."""
    found = []
    for standing in Standing.objects.select_related("person").order_by("person_id"):
        moves = StageMove.objects.filter(person_id=standing.person_id).order_by("at", "number")
        found.append(
            (
                standing.person.email,
                standing.person.name,
                standing.person.traits,
                standing.stage,
                standing.status,
                standing.fit,
                standing.signals,
                list(moves.values_list("at", "from_stage", "stage", "because")),
            )
        )
    return found


def test_people_come_in_with_their_traits_and_stand_somewhere(home: Path) -> None:
    report = run(file(home, PEOPLE))
    assert (report.number, report.accepted, report.people) == (Import.objects.get().pk, 1, 1)
    ana = Person.objects.get()
    assert (ana.email, ana.title, str(ana.company.key)) == (ANA, "CIO", "acme.example")
    assert Standing.objects.get().person == ana


def test_a_history_comes_in_as_it_happened(home: Path) -> None:
    report = run(
        history(
            home,
            {"person": ANA, "at": "2026-03-01T10:00:00Z", "kind": "demo_requested", "id": "d1"},
            {"person": ANA, "at": "2026-03-01T10:00:00Z", "kind": "demo_requested", "id": "d1"},
            {"person": ANA, "at": "yesterday", "kind": "demo_requested"},
        )
    )
    assert (report.accepted, report.duplicates, report.taken[0].refused) == (1, 1, 1)
    (refused,) = Path(report.refused_file).read_text("utf-8").splitlines()
    assert (json.loads(refused)["line"], json.loads(refused)["whole_line"]) == (3, True)
    assert StageMove.objects.filter(stage="lead").get().at == parse_instant("2026-03-01T10:00:00Z")


def test_what_was_undone_leaves_people_as_if_it_had_never_been(home: Path) -> None:
    run(history(home, {"person": ANA, "at": "2026-03-01T10:00:00Z", "kind": "demo_requested"}))
    before = picture()
    report = run(
        history(
            home,
            {"person": ANA, "at": "2026-02-01", "kind": "person_described", "data": {"title": "Chief", "name": "Ana"}},
            {"person": ANA, "at": "2026-02-02", "kind": "deal_won"},
            {"person": "new@acme.example", "at": "2026-02-02", "kind": "demo_requested"},
            name="more.ndjson",
        ),
        at=NOW + DAY,
    )
    assert picture() != before
    undone = imports.undo(number=report.number, by="rui", at=NOW + 2 * DAY)
    assert undone.people >= 1
    assert picture() == before


def test_an_import_that_was_undone_or_never_was_cannot_be_undone(home: Path) -> None:
    number = run(file(home, PEOPLE)).number
    imports.undo(number=number, by="rui", at=NOW)
    with pytest.raises(Refused, match="undone before"):
        imports.undo(number=number, by="rui", at=NOW)
    with pytest.raises(Refused, match="There is no import"):
        imports.undo(number=number + 1, by="rui", at=NOW)


def test_the_same_file_twice_is_refused_until_it_is_undone(home: Path) -> None:
    path = file(home, PEOPLE)
    number = run(path).number
    with pytest.raises(Refused, match=f"as import {number} on 2026-03-10"):
        run(path)
    assert run(path, is_again=True).accepted == 1
    imports.undo(number=number, by="rui", at=NOW)


def test_a_dry_run_writes_nothing(home: Path) -> None:
    report = run(file(home, PEOPLE), is_dry=True)
    assert report.taken[0].lines == 1
    assert not Import.objects.exists()
    assert not Person.objects.exists()


def test_a_table_that_names_nobody_is_refused_with_the_way_out(home: Path) -> None:
    with pytest.raises(NothingToRead, match=r"docs/imports\.md"):
        run(file(home, "colour,weight\nred,1\n"))


def test_explain_says_why_and_what_is_missing(home: Path) -> None:
    run(history(home, {"person": ANA, "at": "2026-03-01T10:00:00Z", "kind": "demo_requested"}))
    explained = explaining.explained(person=ANA, at=NOW)
    assert explained.as_json()["stage"] == "lead"
    assert explained.as_json()["missing"]
    assert "Why here" in explained.in_words()
    with pytest.raises(Refused, match="nobody called eva"):
        explaining.explained(person="eva", at=NOW)
    with pytest.raises(Refused, match="Nothing was known"):
        explaining.explained(person=ANA, at=parse_instant("2026-02-01"))


# Taking data out


def exported(what: str, form: str = "csv", where: str | None = None) -> bytes:
    target = io.BytesIO()
    exporting.export(what=what, where=where, format=form, to=target, by="rui", at=NOW)
    return target.getvalue()


def test_formulas_leave_the_house_as_text(home: Path) -> None:
    run(file(home, PEOPLE))
    (row,) = csv.DictReader(io.StringIO(exported("people").decode()))
    assert (row["email"], row["traits.note"]) == (ANA, "'=1+1")


def test_what_is_no_address_makes_nobody_a_person(home: Path) -> None:
    report = run(file(home, f"Email,First name\n{ANA},Ana\nn/a,Bo\n=cmd()@x.example,Eve\nn/a,Cy\n"))
    assert [(each.line, each.reason) for each in report.taken[0].left_out] == [
        (3, "Email: 'n/a' is no e-mail address: the row names nobody"),
        (4, "Email: '=cmd()@x.example' is no e-mail address: the row names nobody"),
        (5, "Email: 'n/a' is no e-mail address: the row names nobody"),
    ]
    assert [person.email for person in Person.objects.all()] == [ANA]


def test_a_row_without_an_address_is_known_by_its_id_and_the_cell_is_named(home: Path) -> None:
    report = run(file(home, "Email,Record ID,First name\nn/a,7,Bo\ninfo@acme.example,8,Eve\ninfo@acme.example,9,Cy\n"))
    assert [(each.line, each.reason, each.is_cell) for each in report.taken[0].left_out] == [
        (2, "Email: 'n/a' is no e-mail address", True)
    ]
    assert sorted(Person.objects.values_list("name", "email")) == [
        ("Bo", ""),
        ("Cy", "info@acme.example"),
        ("Eve", "info@acme.example"),
    ]


def test_a_condition_picks_who_goes_out(home: Path) -> None:
    run(file(home, PEOPLE))
    assert len(exported("people", where='person.title == "CIO"').splitlines()) == 2
    assert len(exported("people", where='person.title == "CFO"').splitlines()) == 1
    assert len(exported("companies", where='person.title == "CIO"').splitlines()) == 2


@pytest.mark.parametrize("form", exporting.FORMATS)
@pytest.mark.parametrize("what", exporting.WHAT)
def test_everything_goes_out_in_every_format(home: Path, what: str, form: str) -> None:
    run(file(home, PEOPLE))
    assert exported(what, form)


def test_a_history_taken_out_is_the_history_that_decide_reads(home: Path) -> None:
    run(history(home, {"person": ANA, "at": "2026-03-01T10:00:00.000001Z", "kind": "demo_requested", "data": {"a": 1}}))
    result = reading.read(io.BytesIO(exported("history", "ndjson")))
    assert result.refused == []
    assert result.history.people == [str(Person.objects.get().uuid)]
    assert parse_instant("2026-03-01T10:00:00.000001Z") in result.history.at.tolist()


@pytest.mark.parametrize("form", exporting.FORMATS)
def test_a_history_with_an_undone_import_goes_out_and_is_read_as_if_it_had_never_been(home: Path, form: str) -> None:
    number = run(history(home, {"person": ANA, "at": "2026-03-01", "kind": "demo_requested"})).number
    imports.undo(number=number, by="rui", at=NOW)
    assert not Person.objects.exists()
    out = exported("history", form)
    assert out
    if form == "ndjson":
        told = [json.loads(line) for line in out.splitlines()]
        assert told[0]["person"] == f"undone:{Event.objects.order_by('seq')[0].person_id}"
        result = reading.read(io.BytesIO(out))
        assert result.refused == [] and result.history.people == []


def test_a_condition_picks_whose_history_goes_out(home: Path) -> None:
    run(file(home, PEOPLE))
    kinds = [json.loads(line)["kind"] for line in exported("history", "ndjson", 'person.title == "CIO"').splitlines()]
    assert kinds == ["person_described"]


def test_an_import_that_was_cut_short_goes_on_when_the_same_file_comes_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        {"person": f"p{number % 4}@acme.example", "at": f"2026-03-0{1 + number}", "kind": kind}
        for number, kind in enumerate(("page_viewed", "demo_requested", "page_viewed", "deal_won", "person_described"))
    ]
    path = history(home, *lines)
    number = run(path).number
    whole = picture()
    imports.undo(number=number, by="rui", at=NOW)
    assert picture() == []

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(imports.bulk, "_decide_touched", killed)  # every line is in the history by then, nobody decided
        with pytest.raises(Killed):
            run(path)
    cut_short = Import.objects.latest("pk")
    report = run(path, at=NOW + DAY)
    assert (report.number, report.accepted, report.duplicates) == (cut_short.pk, 5, 0)
    assert picture() == whole
    with pytest.raises(Refused, match=f"as import {cut_short.pk}"):
        run(path)
