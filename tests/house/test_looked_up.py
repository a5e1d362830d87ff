"""Rows are found by their keys, whatever the keys are made of and whatever the database thinks of its tables."""

import pytest
from django.db import connection, transaction

from rung import tables
from rung.history.models import Event
from rung.history.queries import known_messages
from rung.lifecycle import actions
from rung.lifecycle.models import Standing, State
from rung.lifecycle.rules import NewEvent
from rung.people.models import Identity, Person
from rung.people.rules import Keys
from rung.terms.instants import DAY, HOUR

pytestmark = pytest.mark.django_db
AT = 20_000 * DAY + 10 * HOUR
HOSTILE = (
    '"',
    "\\",
    '\\"',
    "a,b",
    "{x}",
    "NULL",
    "null",
    "",
    " x",
    "'; --",
    "ü",
    "日本",
    "%s",
    "a\nb",
    "\\N",
    "x" * 150,
)


def viewed(*names: str, at: int = AT) -> None:
    events = [
        NewEvent(kind="page_viewed", keys=Keys(user_id=f"u{name}"), message_id=f"m{name}{at}", source="site")
        for name in names
    ]
    assert actions.record(events, by="test", at=at).accepted == len(names)


def test_a_key_of_any_letters_names_the_same_person_again() -> None:
    viewed(*HOSTILE)
    viewed(*HOSTILE, at=AT + HOUR)
    assert Person.objects.count() == Identity.objects.count() == len(HOSTILE)
    assert Event.objects.filter(kind="page_viewed").count() == 2 * len(HOSTILE)


def test_a_message_id_of_any_letters_is_known_by_its_source_alone() -> None:
    viewed(*HOSTILE)
    ids = [f"m{name}{AT}" for name in HOSTILE]
    asked = [(source, id_) for source in ("site", "elsewhere") for id_ in (*ids, "none")]
    assert known_messages(asked) == {("site", id_) for id_ in ids}


def test_texts_and_numbers_are_among_those_asked_for() -> None:
    viewed("a", "b")
    assert tables.read("SELECT value FROM people_identity WHERE value IN ({ids}) ORDER BY 1", ["ua", "uc"]) == [("ua",)]
    first = Person.objects.order_by("pk").values_list("pk", flat=True)[0]
    assert tables.read("SELECT id FROM people_person WHERE id IN ({ids})", [first, -7]) == [(first,)]


def test_how_rows_are_looked_up_is_said_for_one_transaction_only() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite looks few rows up by their index anyway")

    def ways() -> list[str]:
        return [tables.rows(f"SHOW {way}")[0][0] for way in ("enable_seqscan", "enable_hashjoin", "jit")]

    before = ways()
    with transaction.atomic():
        tables.look_up_by_index()
        assert ways() == ["off", "off", "off"]
        transaction.set_rollback(True)
    assert ways() == before


def test_what_each_event_changes_has_no_index_of_numbers_that_nobody_asks_for() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("where SQLite's rows lie is their number: it has no index of it")
    keys = tables.rows(
        "SELECT t.relname, i.relname FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid"
        " JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indisunique"
        " AND t.relname IN ('lifecycle_standing', 'lifecycle_state', 'lifecycle_tally') ORDER BY 1"
    )
    assert keys == [
        ("lifecycle_standing", "standing_once"),
        ("lifecycle_state", "state_once"),
        ("lifecycle_tally", "tally_once"),
    ]


def test_what_lasts_in_a_standing_is_written_when_it_changed_or_nothing_is_known_of_it() -> None:
    viewed("a")
    Standing.objects.update(source="of an older version")
    State.objects.update(lasting=0)
    viewed("a", at=AT + HOUR)
    assert Standing.objects.get().source == ""
    (known,) = State.objects.values_list("lasting", flat=True)
    assert known != 0
    viewed("a", at=AT + 2 * HOUR)
    assert State.objects.get().lasting == known
    told = NewEvent(kind="person_described", keys=Keys(user_id="ua"), data={"source": "fair"}, source="site")
    actions.record([told], by="test", at=AT + 3 * HOUR)
    assert Standing.objects.get().source == "fair"
    assert State.objects.get().lasting != known


def test_a_state_says_what_the_standing_beside_it_says() -> None:
    viewed("a", "b")
    viewed("a", at=AT + HOUR)
    said = ("person_id", "stage", "lap", "decided_until", "last_seq", "last_at")
    assert list(State.objects.order_by("pk").values_list(*said)) == list(
        Standing.objects.order_by("pk").values_list(*said)
    )
