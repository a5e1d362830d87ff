"""Cadence is owed to each person: how many touches they got, how many are owed by now, and who is behind."""

from collections.abc import Callable

import pytest
from django.test import Client

from handoff.conftest import AT, PLAYBOOK, person, record
from rung.access.models import User
from rung.handoff import actions, asking, cadence, qualify
from rung.handoff.models import Assignment
from rung.insight import duties
from rung.lifecycle import actions as lifecycle
from rung.lifecycle import published
from rung.lifecycle.models import Standing
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.people.rules import Keys
from rung.terms.instants import DAY, HOUR, MINUTE, parse_instant

pytestmark = pytest.mark.django_db
HandOver = Callable[..., Assignment]
Team = dict[str, User]
OWED = """
duties:
  marketing: {nurture: {mails: 2, within: 30 days}}
  sales: {cadence: {calls: 3, mails: 1, within: 2 business days}}
"""
EASTERN = PLAYBOOK.replace(
    "holidays: DE}",
    "holidays: DE, teams: {South: {timezone: America/New_York, hours: Mon-Fri 08:00-16:00, holidays: US}}}",
)


@pytest.fixture
def accepted(hand_over: HandOver, team: Team) -> Person:
    """Ana, accepted by sam on Monday at 10:30; nobody has spoken with her. Two business days end on Wednesday."""
    publishing.publish(PLAYBOOK + OWED, by="cli", at=AT - 20 * DAY)
    waiting = hand_over()
    actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + 30 * MINUTE)
    return waiting.person


def progress(at: int) -> cadence.Progress:
    found = cadence.of_sales(published.in_force(), at=at)
    assert len(found) == 1
    return found[0]


def called(ana: Person, by: User, at: int) -> None:
    qualify.log_touch(person=ana, how="call", outcome="no_answer", note="", by=by, at=at)


def test_it_counts_touches_by_kind_from_the_acceptance_on(accepted: Person, team: Team) -> None:
    found = progress(AT + HOUR)
    assert (found.words, found.is_behind) == ("0 of 3 calls, 0 of 1 mail", False)
    assert found.due_at == parse_instant("2026-12-23T10:30:00+01:00")
    for hours in (1, 2, 3, 4):
        called(accepted, team["sam"], AT + hours * HOUR)
    assert progress(AT + 5 * HOUR).words == "3 of 3 calls, 0 of 1 mail", "a fourth call is no mail"


def test_who_has_fewer_than_the_share_of_working_time_that_has_passed_is_behind(accepted: Person, team: Team) -> None:
    """Half of the time is over on Tuesday at 10:30: two of four are owed; the night between counts for nothing."""
    tuesday = AT + DAY
    assert progress(tuesday - 3 * HOUR).is_behind is True, "one of four is owed since Monday afternoon"
    called(accepted, team["sam"], AT + HOUR)
    assert progress(tuesday).is_behind is False
    assert progress(tuesday + 30 * MINUTE).is_behind is True
    called(accepted, team["sam"], tuesday + 31 * MINUTE)
    assert progress(tuesday + HOUR).is_behind is False


def test_at_the_end_of_the_time_all_are_owed(accepted: Person, team: Team) -> None:
    for hours in (1, 2, 3):
        called(accepted, team["sam"], AT + hours * HOUR)
    over = parse_instant("2026-12-23T10:30:00+01:00")
    assert (progress(over - MINUTE).is_behind, progress(over).is_behind) == (False, True)
    qualify.log_touch(person=accepted, how="mail", outcome="", note="", by=team["sam"], at=over + MINUTE)
    assert progress(over + HOUR).is_behind is False


def test_the_first_talk_ends_it(accepted: Person, team: Team) -> None:
    qualify.log_touch(person=accepted, how="call", outcome="positive", note="", by=team["sam"], at=AT + HOUR)
    assert cadence.of_sales(published.in_force(), at=AT + 3 * DAY) == []


def test_it_runs_by_the_calendar_of_the_owners_team(hand_over: HandOver, team: Team) -> None:
    publishing.publish(EASTERN + OWED, by="cli", at=AT - 20 * DAY)
    waiting = hand_over()
    actions.reassign(handoff_id=waiting.pk, to=team["eva"], by=team["kim"], at=AT + MINUTE)
    actions.accept(handoff_id=waiting.pk, by=team["eva"], at=AT + 30 * MINUTE)
    Standing.objects.filter(person=waiting.person).update(owner=team["eva"])
    assert progress(AT + HOUR).due_at == parse_instant("2026-12-23T08:00:00-05:00"), "it opens at eight in New York"


def test_what_was_noted_of_a_merged_record_counts_too(accepted: Person, team: Team) -> None:
    lifecycle.record([NewEvent("person_described", keys=Keys(email="too@acme.example"))], by="test", at=AT + HOUR)
    other = person("too")
    called(other, team["sam"], AT + 2 * HOUR)
    lifecycle.merge(survivor=accepted, merged=other, by="test", at=AT + 3 * HOUR)
    assert progress(AT + 4 * HOUR).words == "1 of 3 calls, 0 of 1 mail"


def test_the_page_of_the_person_says_it(accepted: Person, team: Team) -> None:
    known = asking.sheet(accepted, published.in_force(), at=AT + DAY)
    assert known.cadence is not None
    assert (known.cadence.words, known.cadence.is_behind) == ("0 of 3 calls, 0 of 1 mail", True)
    called(accepted, team["sam"], AT + DAY)
    known = asking.sheet(accepted, published.in_force(), at=AT + DAY + MINUTE)
    assert known.cadence is not None and known.cadence.made == 1


def test_the_duty_is_counted_from_its_people_and_opens_them(accepted: Person, team: Team) -> None:
    force, late = published.in_force(), AT + DAY + HOUR
    found = duties.duty("cadence", force, at=late)
    assert found is not None
    assert (found.side, found.of, found.kept, found.done) == ("sales", 1, 0, 0.0)
    behind = found.behind[0]
    assert (behind.person_id, behind.owner_id, behind.words) == (
        accepted.pk,
        team["sam"].pk,
        "0 of 3 calls, 0 of 1 mail",
    )
    assert [each.name for each in duties.duties(force, at=late)] == ["nurture", "cadence"]
    assert duties.duty("accepted", force, at=late) is None, "this playbook promises no share"


def test_marketing_owes_mails_to_whoever_came_to_nurture(accepted: Person) -> None:
    record("handoff_rejected", at=AT + 2 * HOUR, reason="No budget")
    found = cadence.of_marketing(published.in_force(), at=AT + 16 * DAY)
    assert [(each.words, each.is_behind) for each in found] == [("0 of 2 mails", True)]
    sent = NewEvent("email_sent", person=accepted.pk, data={"message": "m1"}, door="system")
    assert not lifecycle.record([sent], by="system", at=AT + 3 * DAY).refused
    found = cadence.of_marketing(published.in_force(), at=AT + 16 * DAY)
    assert [(each.words, each.is_behind) for each in found] == [("1 of 2 mails", False)]


def test_the_list_names_those_behind_first_and_by_rep(accepted: Person, team: Team, client: Client) -> None:
    client.force_login(team["kim"])
    for path, words in (
        ("/feedback/duties/cadence", "Cadence kept up with"),
        (f"/feedback/duties/cadence?owner={team['sam'].pk}&kept=no", "with Sam"),
        (f"/feedback/duties/cadence?owner={10**40}&page=x&kept=maybe", "nobody yet"),
    ):
        answer = client.get(path)
        assert (answer.status_code, words in answer.content.decode()) == (200, True)
    assert client.get("/feedback/duties/none").status_code == 404
    assert client.get("/feedback/duties/cadence?owner=%00").status_code == 404
