"""Lists of people: what they sort by is what they show."""

import pytest

from house.test_live_is_replay import AT, PLAYBOOK
from rung.lifecycle import actions, queries
from rung.lifecycle.models import Generation, Standing
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.queries import Asked
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.people.rules import Keys
from rung.terms.instants import DAY, HOUR

pytestmark = pytest.mark.django_db


def test_the_order_of_a_list_is_that_of_the_events_it_shows() -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    for hour, name in enumerate(("ana", "ben", "cleo")):
        did("page_viewed", name, AT + hour * HOUR)
    did("page_viewed", "ana", AT + 5 * HOUR)  # a colleague's visit is a row of ben's and cleo's, and no event of theirs
    assert order() == [("ana", AT + 5 * HOUR), ("cleo", AT + 2 * HOUR), ("ben", AT + HOUR)]


def test_a_merge_is_no_event_that_a_list_shows() -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    for hour, name in enumerate(("ana", "ben", "cleo")):
        did("page_viewed", name, AT + hour * HOUR)
    ana, cleo = (Person.objects.get(email=f"{name}@acme.example") for name in ("ana", "cleo"))
    merged = NewEvent(kind="persons_merged", person=ana.pk, data={"merged": str(cleo.uuid)}, door="system")
    actions.record([merged], by="rui@acme.example", at=AT + 9 * HOUR)
    assert [at for _, at in order()] == [AT + 2 * HOUR, AT + HOUR]


def did(kind: str, name: str, at: int) -> None:
    event = NewEvent(
        kind=kind, keys=Keys(email=f"{name}@acme.example"), data={}, company="acme.example", at=at, door="system"
    )
    actions.record([event], by="system", at=at)


def order() -> list[tuple[str, int]]:
    """Names and last events as the list gives them; the stored instant is the shown one."""
    generation_id = Generation.objects.latest("pk").pk
    asked = Asked(sort="last")
    rows = queries.people_page(asked, generation_id=generation_id, at=AT + 10 * HOUR).rows
    stored = dict(Standing.objects.filter(generation_id=generation_id).values_list("person_id", "last_at"))
    for row in rows:
        assert row.last is not None
        assert stored[row.id] == row.last.at
    return [(row.email.partition("@")[0], row.last.at) for row in rows if row.last]
