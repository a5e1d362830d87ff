"""After thousands of events at once the database knows how many there are, before anybody asks."""

import pytest
from django.db import connection

from rung.history.models import Event
from rung.lifecycle.many import bulk
from rung.lifecycle.models import Standing
from rung.lifecycle.rules import NewEvent
from rung.people.rules import Keys
from rung.terms.instants import parse_instant

AT = parse_instant("2026-03-01T10:00:00Z")


def counted(table: str) -> int:
    """What PostgreSQL plans with; -1 where it never counted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [table])
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
def test_a_load_of_many_is_counted_at_once_and_one_of_few_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(first: int, last: int) -> None:
        views = [
            NewEvent(
                "page_viewed", keys=Keys(user_id=f"u{number}"), at=AT, door="import", source="x", message_id=f"{number}"
            )
            for number in range(first, last)
        ]
        assert bulk.load(views, by="test", at=AT).accepted == last - first

    monkeypatch.setattr(bulk, "MANY", 30)
    load(0, 20)
    assert connection.vendor == "sqlite" or counted("lifecycle_standing") != 20
    load(20, 60)
    assert Standing.objects.count() == Event.objects.filter(kind="page_viewed").count() == 60
    if connection.vendor == "postgresql":
        assert (counted("lifecycle_standing"), counted("people_person")) == (60, 60)
