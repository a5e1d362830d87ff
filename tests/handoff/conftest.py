"""The world of the hand-offs: a playbook with clocks and routes, three reps, a marketer, a manager, and ana."""

from collections.abc import Callable

import pytest

from rung.access.actions import add_user
from rung.access.models import User
from rung.handoff.models import Assignment
from rung.lifecycle import actions
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.people.queries import person_named
from rung.people.rules import Keys
from rung.terms.instants import DAY, parse_instant

AT = parse_instant("2026-12-21T10:00:00+01:00")
"""A Monday morning in Berlin; Friday is a holiday."""

PLAYBOOK = """
playbook: 1
name: Test
fit:
  - {name: Boss, when: 'person.title.matches("head of *")', points: 20}
signals:
  - {name: Page, on: page_viewed, points: 5, cap: 30, half_life: 14d}
  - {name: Paper, on: content_downloaded, points: 40}
  - {name: Demo, on: demo_requested, points: 40, hand_raise: yes}
stages:
  lead: {enter: reachable and signals >= 1}
  mql: {enter: score >= 40}
  sal: {enter: accepted}
  prospect: {enter: reached and bant >= 1 and not rejected}
  opportunity: {enter: 'bant >= 3 and reached'}
  customer: {enter: deal.won}
setbacks:
  - {to: nurture, when: 'stage in ["mql", "sal", "prospect"] and rejected', because: Sales rejected, rest: 30d}
handoff:
  on: mql
  accept_within: {hand_raise: 30 business minutes, scored: 1 business day}
  first_touch_within: 1 business day
  escalate_at: 75%
  must_document: [source, interest]
  reject_reasons:
    [{reason: No budget, rest: 90d}, {reason: Not urgent, wakes_on: date}, {reason: Not our customer, rest: never}]
  return_reasons: [Wrong owner, Missing fact]
  route:
    - {when: company.employees > 500, to: the enterprise team, turn: capacity}
    - {to: the north team}
calendar: {timezone: Europe/Berlin, hours: Mon-Fri 09:00-17:30, holidays: DE}
"""


@pytest.fixture
def playbook(db: None) -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - 30 * DAY)


@pytest.fixture
def team(db: None) -> dict[str, User]:
    """sam and tom of North, eva of South; rui of marketing, kim who leads."""
    told = {"sam": ("sales", "North"), "tom": ("sales", "North"), "eva": ("sales", "South")}
    told |= {"rui": ("marketing", ""), "kim": ("manager", "")}
    return {
        name: add_user(email=f"{name}@ours.example", name=name.capitalize(), role=role, team=team, by="test", at=1)
        for name, (role, team) in told.items()
    }


@pytest.fixture
def hand_over(playbook: None, team: dict[str, User]) -> Callable[..., Assignment]:
    """Somebody asks for a demo: a hand-off opens and lies on a desk."""

    def done(
        name: str = "ana", *, at: int = AT, kind: str = "demo_requested", company: str | None = None, **traits: object
    ) -> Assignment:
        keys = Keys(email=f"{name}@acme.example")
        told = {"title": "Head of IT", "name": name.capitalize(), "source": "google", **traits}
        recorded = actions.record(
            [NewEvent("person_described", keys=keys, data=told, company=company), NewEvent(kind, keys=keys)],
            by="test",
            at=at,
        )
        assert not recorded.refused
        return Assignment.objects.select_related("owner").get(person=person(name), ended_at=None)

    return done


def person(name: str = "ana") -> Person:
    found = person_named(f"{name}@acme.example")
    assert found is not None
    return found


def record(kind: str, *, at: int, name: str = "ana", by: str = "sam@ours.example", **data: object) -> None:
    told = actions.record([NewEvent(kind, person=person(name).pk, data=data)], by=by, at=at)
    assert not told.refused, told.refused
