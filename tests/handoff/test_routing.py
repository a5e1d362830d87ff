"""Who gets it: the owner of the account, the route's team, the country, the skill, room, turn; each with a reason."""

from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest

from handoff.conftest import AT, record
from rung.access.models import User
from rung.handoff import clocks
from rung.handoff.models import Absence, Assignment, Rep
from rung.handoff.rules import Candidate, Wanted, choose
from rung.lifecycle import actions as lifecycle
from rung.lifecycle.rules import NewEvent
from rung.terms.instants import MINUTE

HandOver = Callable[..., Assignment]
SAM = Candidate(1, "Sam", "North", countries={"norway"})
TOM = Candidate(2, "Tom", "North")
EVA = Candidate(3, "Eva", "Enterprise", skills={"greek"})
ALL = (SAM, TOM, EVA)


def with_(each: Candidate, **changes: object) -> Candidate:
    from dataclasses import replace

    return replace(each, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "reps", "gets", "because"),
    [
        (Wanted(owner_id=2, account="Acme"), ALL, 2, "Tom owns Acme"),
        (Wanted("the enterprise team"), ALL, 3, "Eva is next in turn in the enterprise team"),
        (Wanted("the moon team"), ALL, 1, "Sam is next in turn in sales"),
        (Wanted("North"), (with_(SAM, turn=5), TOM), 2, "Tom is next in turn in North"),
        (Wanted("North", country="norway"), (with_(SAM, turn=5), TOM), 1, "Sam is next in turn in North for norway"),
        (Wanted(needs=frozenset({"greek"})), ALL, 3, "Eva is next in turn in sales for greek"),
        (Wanted("North", "capacity"), (with_(SAM, waiting=3, capacity=4), with_(TOM, waiting=4, capacity=8)), 2,
         "Tom has the most room in North"),
        (Wanted("North"), (with_(SAM, waiting=4, capacity=4), TOM), 2, "Tom is next in turn in North"),
        (Wanted(owner_id=1, account="Acme"), (with_(SAM, is_away=True), TOM), 2,
         "Sam, who owns Acme, is away: Tom is next in turn in sales"),
        (Wanted(owner_id=1, not_to=1), (SAM, TOM), 2, "Tom is next in turn in sales"),
        (Wanted("North"), (with_(SAM, is_away=True), with_(TOM, is_away=True)), None,
         "Nobody is free in sales: everybody is away"),
        (Wanted("North"), (with_(SAM, waiting=1, capacity=1),), None,
         "Nobody is free in North: everybody has as many as they take"),
        (Wanted(), (), None, "Nobody is free in sales: there is no rep"),
    ],
)  # fmt: skip
def test_every_assignment_says_why(wanted: Wanted, reps: tuple[Candidate, ...], gets: int | None, because: str) -> None:
    chosen = choose(wanted, reps)
    assert (chosen.id, chosen.because) == (gets, because)


@pytest.mark.django_db
def test_turns_are_fair_over_time(hand_over: HandOver, team: dict[str, User]) -> None:
    """Ten hand-offs of the north go five to sam and five to tom, whoever was there first."""
    got = Counter(str(hand_over(f"lead{n}", at=AT + n * MINUTE).owner) for n in range(10))
    assert got == {"Sam": 5, "Tom": 5}


@pytest.mark.django_db
def test_a_route_s_condition_the_account_and_an_absence(hand_over: HandOver, team: dict[str, User]) -> None:
    describe = NewEvent(
        "company_described", company="big.example", data={"employees": 900, "owner": "EVA@ours.example"}
    )
    lifecycle.record([describe], by="test", at=AT)
    assert hand_over("ana", company="big.example").because == "Eva owns big.example"
    Absence.objects.create(user=team["eva"], from_date=date(2026, 12, 21), until_date=date(2026, 12, 21))
    assert (
        hand_over("bo", company="big.example").because
        == "Eva, who owns big.example, is away: Sam has the most room in sales"
    )


@pytest.mark.django_db
def test_nobody_free_waits_in_the_queue_and_is_found_somebody_when_there_is(
    hand_over: HandOver, team: dict[str, User]
) -> None:
    Rep.objects.bulk_create([Rep(user=team[name], capacity=0) for name in ("sam", "tom", "eva")])
    waiting = hand_over()
    assert (waiting.queue, waiting.owner) == ("nobody", None)
    assert waiting.because == "Nobody is free in the north team: everybody has as many as they take"
    clocks.tick(AT + MINUTE)
    assert Assignment.objects.get().queue == "nobody"
    Rep.objects.filter(user=team["tom"]).update(capacity=3)
    clocks.tick(AT + 2 * MINUTE)
    waiting = Assignment.objects.get()
    assert (waiting.queue, waiting.owner) == ("sales", team["tom"])
    assert waiting.clocks.get().owner == team["tom"]


@pytest.mark.django_db
def test_whoever_owns_the_person_gets_them_again(hand_over: HandOver, team: dict[str, User]) -> None:
    hand_over()
    record("handoff_accepted", at=AT + MINUTE, by="tom@ours.example")
    lifecycle.override(person=Assignment.objects.get().person, by="system", at=AT + MINUTE, because="x", to="lead")
    lifecycle.override(person=Assignment.objects.get().person, by="system", at=AT + MINUTE, because="x", to="mql")
    assert Assignment.objects.get(ended_at=None).because == "Tom owns this account"
