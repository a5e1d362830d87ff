"""A dirty import taken back leaves the house field by field as one that never had it; and it can come again."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

import dirty
import pages_compared
from dirty_house import acted, imported, lived, looked_at, worked
from rung.capture.imports import actions as imports
from rung.history.models import Event
from rung.lifecycle import actions, undoing
from rung.lifecycle.deciding import handoffs
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.models import Handoff, Import, StageMove, Standing
from rung.lifecycle.rules import NewEvent
from rung.people.models import Company, Identity, Person
from rung.people.queries import person_named
from rung.people.rules import Keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def house(tmp_path: Path, settings: Any) -> Path:
    settings.RUNG_HOME = tmp_path / "home"
    return tmp_path


def tables() -> list[str]:
    return connection.introspection.table_names()


def rows(statement: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def exported(what: str) -> str:
    return pages_compared.exported(what, at=dirty.UNDONE)


def seen() -> tuple[dict[str, Any], dict[str, str]]:
    told = {what: exported(what) for what in ("people", "companies")}
    told |= pages_compared.seen("kim@ours.example", at=dirty.UNDONE)
    return dirty.picture(rows, tables()), told


@pytest.mark.parametrize(("count", "known", "colleagues"), [(2_000, 300, False), (240, 60, True)])
def test_a_dirty_import_taken_back_leaves_the_house_as_one_that_never_had_it(
    house: Path, count: int, known: int, colleagues: bool
) -> None:
    lived(known, colleagues=colleagues)
    copy = transaction.savepoint()
    trial = transaction.savepoint()
    # Of whom moves without the import the corrected past is re-defined; that is another test's.
    passing_by = set(range(0, known, 2)) - acted(range(0, known, 2))
    transaction.savepoint_rollback(trial)
    assert acted(passing_by) == set()
    worked(dirty.WORKED)
    worked(dirty.UNDONE)
    looked_at(dirty.UNDONE)
    without, told_without = seen()
    transaction.savepoint_rollback(copy)

    report = imported(house, count, known)
    assert report.accepted > count // 2
    assert sum(taken.refused for taken in report.taken) > count // 50
    assert Person.objects.filter(email__startswith="n").exists()
    assert acted(passing_by)
    worked(dirty.WORKED)
    assert Handoff.objects.filter(opened_at__gte=dirty.IMPORTED).exists()
    undoing.undo_import(number=report.number, by="rung", at=dirty.UNDONE)
    worked(dirty.UNDONE)
    looked_at(dirty.UNDONE)
    found, told = seen()
    assert dirty.differences(without, found) == []
    assert told == told_without


def outcome() -> dict[str, Any]:
    """What an import made of the house, by names that are the same whenever it comes."""
    of = {row["id"]: row["email"] or row["name"] for row in rows("SELECT id, email, name FROM people_person")}
    moves = rows("SELECT * FROM lifecycle_stagemove")
    keys = rows("SELECT kind, value, person_id, since_at FROM people_identity")
    handoffs = rows("SELECT person_id, opened_at, lane, evidence, answer, withdrawn_at FROM lifecycle_handoff")
    return {
        "people": sorted(_without(row, "id", "scored_at") for row in csv.DictReader(io.StringIO(exported("people")))),
        "companies": sorted(_without(row, "id") for row in csv.DictReader(io.StringIO(exported("companies")))),
        "moves": sorted((of[m["person_id"]], m["at"], m["stage"], m["status"], m["is_redefinition"]) for m in moves),
        "keys": sorted((of[row["person_id"]], row["kind"], row["value"], row["since_at"]) for row in keys),
        "handoffs": sorted((of[row.pop("person_id")], str(row)) for row in handoffs),
    }


def _without(row: dict[str, str], *names: str) -> str:
    return str(sorted((name, value) for name, value in row.items() if name not in names))


def test_a_file_that_was_taken_back_comes_in_again_with_the_same_result(house: Path) -> None:
    lived(60)
    first = imported(house, 300, 60)
    result = outcome()
    undoing.undo_import(number=first.number, by="rung", at=dirty.IMPORTED)
    assert outcome() != result
    again = imported(house, 300, 60)
    assert again.number != first.number
    assert outcome() == result
    assert (again.accepted, again.people) == (first.accepted, first.people)


def file(house: Path, content: str) -> Path:
    path = house / "people.csv"
    path.write_text(content, encoding="utf-8")
    return path


def brought(house: Path, content: str) -> int:
    report = imports.run([file(house, content)], mapping=None, kind="people", by="rung", at=dirty.IMPORTED)
    assert report.number is not None
    return report.number


def test_whoever_came_with_an_import_and_acted_since_stays_by_what_they_did(house: Path) -> None:
    lived(0)
    number = brought(house, "Email,Record ID,Job Title,Company\nana@acme.example,7,Head of IT,acme.example\n")
    seen_at = dirty.ACTED
    actions.record([NewEvent("page_viewed", keys=Keys(email="ana@acme.example"), source="site")], by="site", at=seen_at)
    undoing.undo_import(number=number, by="rung", at=dirty.UNDONE)
    ana = person_named("ana@acme.example")
    assert ana is not None
    assert (ana.title, ana.company, ana.first_seen_at) == ("", None, seen_at)
    assert ana.traits == {"email": "ana@acme.example"}
    assert set(Identity.objects.values_list("kind", "value")) == {("email", "ana@acme.example")}
    standing = Standing.objects.get(person=ana)
    assert (standing.stage, standing.fit, standing.signals) == ("lead", 0, 1)
    assert Company.objects.count() == 0


def test_whom_the_import_only_gave_keys_loses_them_and_nothing_else(house: Path) -> None:
    lived(0)
    told = NewEvent("person_described", keys=Keys(user_id="7"), data={"title": "Clerk"})
    actions.record([told], by="kim@ours.example", at=dirty.LIVED)
    path = history(
        house, {"person": "7", "at": "2026-03-01", "kind": "person_described", "data": {"email": "a@b.example"}}
    )
    number = imports.run([path], mapping=None, kind=None, by="rung", at=dirty.IMPORTED).number
    assert person_named("a@b.example") is not None
    undoing.undo_import(number=number, by="rung", at=dirty.UNDONE)
    assert person_named("a@b.example") is None
    seven = person_named("7")
    assert seven is not None and (seven.title, seven.email) == ("Clerk", "")


def history(house: Path, *lines: dict[str, Any]) -> Path:
    path = house / "history.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_what_sales_answered_stays_answered(house: Path) -> None:
    lived(0)
    lines = [
        {"person": "ana@acme.example", "at": "2026-03-08T10:00:00Z", "kind": kind, "data": data}
        for kind, data in (("demo_requested", {}), ("person_described", {"source": "fair"}))
    ]
    number = imports.run([history(house, *lines)], mapping=None, kind=None, by="rung", at=dirty.IMPORTED).number
    worked(dirty.IMPORTED)
    ana = person_named("ana@acme.example")
    assert ana is not None
    assert Handoff.objects.get().owner is not None
    accepted = NewEvent("handoff_accepted", person=ana.pk)
    actions.record([accepted], by="sam@ours.example", at=dirty.ACTED)
    undoing.undo_import(number=number, by="rung", at=dirty.UNDONE)
    assert Handoff.objects.get().answer == "accepted"
    assert Person.objects.get(pk=ana.pk).traits == {}


def test_whom_the_import_held_back_is_handed_over_when_it_is_gone(house: Path) -> None:
    lived(0)
    actions.record([NewEvent("page_viewed", keys=Keys(email="ana@acme.example"))], by="site", at=dirty.LIVED)
    held = {"to": "lead", "because": "They said so", "until": None}
    line = {"person": "ana@acme.example", "at": "2026-03-09T09:30:00Z", "kind": "stage_overridden", "data": held}
    number = imports.run([history(house, line)], mapping=None, kind=None, by="rung", at=dirty.IMPORTED).number
    asked = NewEvent("demo_requested", keys=Keys(email="ana@acme.example"), source="site")
    actions.record([asked], by="site", at=dirty.ACTED)
    assert Standing.objects.get().stage == "lead" and not Handoff.objects.exists()
    undoing.undo_import(number=number, by="rung", at=dirty.UNDONE)
    assert Standing.objects.get().stage == "mql"
    assert (Handoff.objects.get().opened_at, Handoff.objects.get().answered_at) == (dirty.ACTED, None)
    worked(dirty.UNDONE)
    assert Handoff.objects.get().owner is not None
    moves = StageMove.objects.filter(stage="mql").values_list("at", "is_redefinition")
    assert list(moves) == [(dirty.ACTED, False)]
    noted = Event.objects.filter(kind="handoff_opened").values_list("at", flat=True)
    assert list(noted) == [dirty.UNDONE]


def test_whom_somebody_merged_into_one_we_know_leaves_them_again(house: Path) -> None:
    lived(0)
    actions.record([NewEvent("page_viewed", keys=Keys(email="ana@acme.example"))], by="site", at=dirty.LIVED)
    number = brought(house, "Email,Job Title\nana@private.example,Head of IT\n")
    ana, other = person_named("ana@acme.example"), person_named("ana@private.example")
    assert ana is not None and other is not None
    actions.merge(survivor=ana, merged=other, by="rung", at=dirty.ACTED)
    assert Person.objects.get(pk=ana.pk).title == "Head of IT"
    undoing.undo_import(number=number, by="rung", at=dirty.UNDONE)
    assert list(Person.objects.values_list("pk", "title")) == [(ana.pk, "")]
    assert person_named("ana@private.example") is None


def test_an_undoing_that_was_cut_short_goes_on_when_it_is_asked_again(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived(60)
    looked_at(dirty.LIVED)
    before = dirty.picture(rows, tables())
    report = imported(house, 300, 60, at=dirty.LIVED)

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(undoing, "_PEOPLE_AT_A_TIME", 20)
        patched.setattr(undoing, "_forget_companies", killed)
        with pytest.raises(Killed):
            undoing.undo_import(number=report.number, by="rung", at=dirty.LIVED)
    assert Import.objects.get(pk=report.number).undone_at is None
    undoing.undo_import(number=report.number, by="rung", at=dirty.LIVED)
    assert Import.objects.get(pk=report.number).undone_at == dirty.LIVED
    assert dirty.differences(before, dirty.picture(rows, tables())) == []


def test_what_an_imported_history_voided_counts_again(house: Path) -> None:
    lived(0)
    told = NewEvent("page_viewed", keys=Keys(email="ana@acme.example"), message_id="v1", source="site")
    actions.record([told], by="site", at=dirty.LIVED)
    ana = person_named("ana@acme.example")
    path = history(house, {"at": "2026-03-09", "kind": "event_voided", "data": {"event": "v1"}})
    number = imports.run([path], mapping=None, kind=None, by="rung", at=dirty.IMPORTED).number
    assert Standing.objects.get(person=ana).signals == 0
    undoing.undo_import(number=number, by="rung", at=dirty.UNDONE)
    assert Standing.objects.get(person=ana).signals == 1


def test_a_hand_off_that_lies_on_a_desk_is_not_opened_once_more(house: Path) -> None:
    """An import may say that it should not have been; it lies there all the same, and what opens it is no news."""
    lived(0)
    asked = NewEvent("demo_requested", keys=Keys(email="ana@acme.example"), source="site")
    actions.record([asked], by="site", at=dirty.LIVED)
    again = handoffs.Change(dirty.ACTED, "opened", "scored", None)
    ana = person_named("ana@acme.example")
    assert ana is not None
    assert handoffs.keep([handoffs.Changes(ana, [again], is_open=True)], lines.current()) == []
    assert Handoff.objects.get().opened_at == dirty.LIVED
