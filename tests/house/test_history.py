"""The history only grows."""

import pytest
from django.db import DatabaseError, transaction

from rung.history import actions, queries
from rung.history.models import Erasing, Event
from rung.terms.instants import DAY

pytestmark = pytest.mark.django_db


def appended(*told: tuple[str, int], source: str = "test") -> range:
    entries = [
        actions.Entry(kind="page_viewed", at=at, received_at=at, source=source, message_id=name, person_id=1)
        for name, at in told
    ]
    with transaction.atomic():
        return actions.append(entries)


def test_an_appended_event_has_the_next_seq_and_reads_back_as_told() -> None:
    first, second = appended(("a", 2 * DAY), ("b", DAY))
    assert second == first + 1
    assert [event.message_id for event in queries.in_order(person_ids=[1])] == ["b", "a"]
    assert [event.seq for event in queries.read_in_order()] == [first, second]
    assert appended(("c", DAY))[0] == second + 1


def test_the_database_refuses_to_change_or_delete_an_event() -> None:
    (seq,) = appended(("a", DAY))
    for change in (
        lambda: Event.objects.filter(seq=seq).update(kind="deal_won"),
        lambda: Event.objects.filter(seq=seq).delete(),
    ):
        with pytest.raises(DatabaseError, match="append only"), transaction.atomic():
            change()
    assert Event.objects.get(seq=seq).kind == "page_viewed"


def test_only_an_erasure_gets_past_the_refusal() -> None:
    (seq,) = appended(("a", DAY))
    switch = Erasing.objects.create(started_at=DAY)
    Event.objects.filter(seq=seq).delete()
    switch.delete()
    (after,) = appended(("b", DAY))
    assert after == seq + 1, "a seq is never used twice"


def test_the_same_message_of_the_same_source_cannot_be_written_twice() -> None:
    appended(("a", DAY))
    appended(("a", DAY), source="another")
    with pytest.raises(DatabaseError), transaction.atomic():
        appended(("a", DAY))
    assert queries.known_messages([("test", "a"), ("test", "b"), ("another", "a")]) == {("test", "a"), ("another", "a")}


def test_a_struck_event_is_kept_but_not_read() -> None:
    first, second = appended(("a", DAY), ("b", DAY))
    actions.strike(seqs=[first], by_seq=second)
    assert [event.seq for event in queries.read_in_order()] == [second]
    assert Event.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_tables_are_emptied_between_tests_with_real_transactions() -> None:
    assert Event.objects.count() == 0
    appended(("a", DAY))
