"""The ladder calls late what the clock on the desk calls late."""

import pytest

from rung.access.actions import add_user
from rung.handoff.models import Assignment, Clock
from rung.insight import queries
from rung.lifecycle import actions
from rung.lifecycle.published import in_force
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.rules import NewEvent
from rung.people.rules import Keys
from rung.terms.instants import DAY, HOUR, parse_instant

AT = parse_instant("2026-12-21T10:00:00Z")
PLAYBOOK = """
playbook: 1
signals: [{name: Demo, on: demo_requested, points: 40, hand_raise: yes}]
stages: {lead: {enter: signals >= 1}, mql: {enter: score >= 40}, sal: {enter: accepted}}
handoff: {accept_within: 1 hour}
"""


@pytest.mark.django_db
def test_what_is_late_on_the_ladder_is_what_the_desks_clock_says() -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)
    add_user(email="sam@ours.example", name="Sam", role="sales", team="", by="test", at=1)
    actions.record([NewEvent("demo_requested", keys=Keys(email="ana@acme.example"))], by="test", at=AT)

    def overdue(at: int) -> int:
        force = in_force()
        assert force.generation_id is not None
        return queries.ladder(force.playbook, force.generation_id, months=1, now=at).answers.overdue

    assert (overdue(AT + HOUR - 1), overdue(AT + HOUR)) == (0, 1)
    Clock.objects.update(due_at=AT + 3 * HOUR)  # put off, as by a day away
    assert (overdue(AT + 2 * HOUR), overdue(AT + 3 * HOUR)) == (0, 1)
    Clock.objects.all().delete()
    Assignment.objects.update(queue="marketing")
    assert overdue(AT + 5 * HOUR) == 0
