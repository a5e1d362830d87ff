"""Clocks and desks go along when a person gets another owner, or one of ours changes team or leaves."""

from collections.abc import Callable

import pytest

from handoff.conftest import AT, PLAYBOOK, person, record
from handoff.test_calendars_and_pauses import EASTERN, at, publish
from rung import wiring
from rung.access.actions import change_user
from rung.access.models import Audit, User
from rung.handoff import actions
from rung.handoff import team as desk
from rung.handoff.models import Assignment, Clock, Notification
from rung.jobs.worker import Worker
from rung.lifecycle import bulk_acts
from rung.playbook.loading import load
from rung.terms.instants import DAY, HOUR, MINUTE

pytestmark = pytest.mark.django_db
HandOver = Callable[..., Assignment]
Team = dict[str, User]


def works(instant: int) -> None:
    """The worker takes a turn."""
    Worker(name="test", jobs=wiring.JOBS, schedules=[]).turn(instant)


def news(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("words", flat=True))


@pytest.mark.parametrize(
    ("opened", "in_berlin", "in_new_york"),
    [
        # New York's clocks change on the Sunday between.
        ("2027-03-12T21:45:00+01:00", "2027-03-15T09:30:00+01:00", "2027-03-15T08:15:00-04:00"),
        # Thanksgiving is a holiday over there only.
        ("2026-11-25T21:45:00+01:00", "2026-11-26T09:30:00+01:00", "2026-11-27T08:15:00-05:00"),
    ],
)
def test_due_times_follow_a_rep_into_another_team_and_back(
    hand_over: HandOver, team: Team, opened: str, in_berlin: str, in_new_york: str
) -> None:
    publish(EASTERN)
    hand_over(at=at(opened))
    clock = Clock.objects.get()
    assert (clock.owner, clock.due_at) == (team["sam"], at(in_berlin))
    for name, due in (("South", in_new_york), ("North", in_berlin), ("", in_berlin), ("south", in_berlin)):
        change_user(user=team["sam"], team=name, by="test", at=at(opened) + MINUTE)
        works(at(opened) + MINUTE)
        clock.refresh_from_db()
        waiting = Assignment.objects.select_related("team").get()
        assert (clock.due_at, str(waiting.team or "")) == (at(due) if name != "south" else at(in_new_york), name)
    assert Audit.objects.filter(verb="changed user").count() == 4


def test_the_clock_of_another_rep_stays_as_it_is(hand_over: HandOver, team: Team) -> None:
    publish(EASTERN)
    hand_over("ana")
    hand_over("ben")
    change_user(user=team["sam"], team="South", by="test", at=AT + MINUTE)
    works(AT + MINUTE)
    assert Clock.objects.get(owner=team["sam"]).due_at == at("2026-12-21T08:30:00-05:00")
    assert Clock.objects.get(owner=team["tom"]).due_at == AT + 30 * MINUTE


def test_whoever_owns_the_person_now_has_the_hand_off_and_the_clock_of_their_team(
    hand_over: HandOver, team: Team
) -> None:
    publish(EASTERN)
    waiting = hand_over()
    bulk_acts.ask(kind="owner", people=[person().pk], owner="eva@ours.example", by=team["kim"], at=AT + MINUTE)
    waiting.refresh_from_db()
    assert (waiting.owner, waiting.team, waiting.because) == (team["eva"], team["eva"].team, "Eva owns Ana now")
    clock = Clock.objects.get()
    assert (clock.owner, clock.due_at) == (team["eva"], at("2026-12-21T08:30:00-05:00"))
    assert news(team["eva"]) == ["Ana is on your desk: Eva owns Ana now"]


def test_a_first_call_is_owed_by_whoever_owns_the_person_now(hand_over: HandOver, team: Team) -> None:
    publish(EASTERN)
    actions.accept(handoff_id=hand_over().pk, by=team["sam"], at=AT)
    record("person_described", at=AT + HOUR, owner="eva@ours.example")
    touch = Clock.objects.get(kind="touch")
    assert (touch.owner, touch.due_at) == (team["eva"], at("2026-12-22T08:00:00-05:00"))


@pytest.mark.parametrize("owner", ["rui@ours.example", "nobody@ours.example", None])
def test_an_owner_who_takes_no_hand_offs_leaves_it_where_it_lies(
    hand_over: HandOver, team: Team, owner: str | None
) -> None:
    waiting = hand_over()
    record("person_described", at=AT + MINUTE, owner=owner)
    waiting.refresh_from_db()
    assert (waiting.owner, Clock.objects.get().owner) == (team["sam"], team["sam"])


def test_an_owner_who_is_away_leaves_it_where_it_lies(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    day = {"first": "2026-12-21", "last": "2026-12-21"}
    desk.set_absence(user=team["tom"], by=team["tom"], at=AT, playbook=load(PLAYBOOK), **day)
    record("person_described", at=AT + MINUTE, owner="tom@ours.example")
    waiting.refresh_from_db()
    assert waiting.owner == team["sam"]


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "marketing"}])
def test_whoever_leaves_sales_leaves_what_waits_to_colleagues_who_are_told(
    hand_over: HandOver, team: Team, change: dict[str, object]
) -> None:
    waiting = hand_over()
    change_user(user=team["sam"], by="test", at=AT + MINUTE, **change)  # type: ignore[arg-type]
    works(AT + MINUTE)
    waiting.refresh_from_db()
    assert (waiting.owner, waiting.because) == (team["tom"], "Tom is next in turn in the north team")
    assert (Clock.objects.get().owner, Clock.objects.get().due_at) == (team["tom"], AT + 30 * MINUTE)
    assert news(team["tom"]) == ["Ana is on your desk: Tom is next in turn in the north team"]


def test_when_the_last_rep_leaves_it_lies_with_nobody_and_leaders_are_told_once(
    hand_over: HandOver, team: Team
) -> None:
    waiting = hand_over()
    for name in ("tom", "eva", "sam"):
        change_user(user=team[name], is_active=False, by="test", at=AT + MINUTE)
        works(AT + MINUTE)
    waiting.refresh_from_db()
    assert (waiting.queue, waiting.owner, Clock.objects.get().owner) == ("nobody", None, None)
    assert news(team["kim"]) == ["Ana is on nobody's desk: Sam takes no hand-offs any more"]


def test_whoever_gets_it_by_hand_or_again_is_told_each_time_it_comes_and_never_twice(
    hand_over: HandOver, team: Team
) -> None:
    waiting = hand_over()
    actions.reassign(handoff_id=waiting.pk, to=team["tom"], by=team["kim"], at=AT + MINUTE)
    actions.reassign(handoff_id=waiting.pk, to=team["sam"], by=team["kim"], at=AT + DAY)
    assert news(team["tom"]) == ["Ana is on your desk: Kim gave it to Tom"]
    assert news(team["sam"]) == [
        "Ana is on your desk: Sam is next in turn in the north team",
        "Ana is on your desk: Kim gave it to Sam",
    ]
