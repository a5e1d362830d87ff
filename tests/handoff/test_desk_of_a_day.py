"""What lies on a rep's desk and a leader's table, read alike on both databases."""

from collections.abc import Callable

import pytest

from handoff.conftest import AT, person, record
from rung.access.models import User
from rung.handoff import actions, today
from rung.handoff import team as leaders
from rung.handoff.models import Assignment, Rep
from rung.insight import feedback
from rung.lifecycle import published
from rung.terms.instants import HOUR, MINUTE

pytestmark = pytest.mark.django_db
HandOver = Callable[..., Assignment]
Team = dict[str, User]


def test_a_desk_holds_what_is_mine_and_what_is_nobody_s_least_time_first(hand_over: HandOver, team: Team) -> None:
    first, second = hand_over("ana"), hand_over("bo", at=AT + MINUTE, kind="content_downloaded", interest="Ports")
    Rep.objects.update(capacity=0)
    Rep.objects.get_or_create(user=team["eva"], defaults={"capacity": 0})
    hand_over("cyd", at=AT + 2 * MINUTE)
    owner = first.owner
    assert owner is not None and second.owner is not None
    day = today.today(owner, published.in_force(), at=AT + HOUR)
    mine = [row.name for row in day.handoffs]
    assert mine == (["Ana", "Cyd", "Bo"] if owner == second.owner else ["Ana", "Cyd"])
    assert (day.handoffs[0].event_kind, day.handoffs[0].stage, day.counts["answer"]) == (
        "demo_requested",
        "mql",
        len(mine),
    )
    assert [row.name for row in today.today(team["eva"], published.in_force(), at=AT).handoffs] == ["Cyd"]


def test_the_team_s_table_counts_what_waits_what_was_kept_and_who_has_no_next_step(
    hand_over: HandOver, team: Team
) -> None:
    actions.accept(handoff_id=hand_over("ana").pk, by=team["sam"], at=AT + 10 * MINUTE)
    record("call_made", at=AT + HOUR, outcome="no_answer")
    late = hand_over("bo", at=AT + MINUTE)
    found = leaders.team(published.in_force(), at=AT + 2 * HOUR)
    by_name = {each.name: each for each in found.members}
    assert (by_name["Sam"].answered, by_name["Sam"].in_time, by_name["Sam"].accepted) == (1, 1, 1)
    assert by_name[str(late.owner)].late == 1
    assert [(row.name, owner) for row, owner, _ in found.rows] == [("Bo", str(late.owner))]
    assert [standing.person for standing in found.loose] == [person("ana")]


def test_the_report_counts_reasons_by_source_and_answers_in_time(hand_over: HandOver, team: Team) -> None:
    actions.reject(handoff_id=hand_over("ana").pk, reason="No budget", by=team["sam"], at=AT + 5 * MINUTE)
    actions.accept(handoff_id=hand_over("bo").pk, by=team["sam"], at=AT + 2 * HOUR)
    report = feedback.report(published.in_force(), days=30, at=AT + 3 * HOUR)
    assert (report.opened, report.accepted, report.rejected, report.in_time) == (2, 1, 1, 1)
    assert report.reasons == (("No budget", 1),)
    assert [(each.name, each.rejected, each.answered) for each in report.sources] == [("google", 1, 2)]
    asked = feedback.Asked(start=AT - HOUR, answer="rejected", source="google")
    playbook = published.playbook()
    assert [handoff.person for handoff in feedback.handoffs(asked, playbook)] == [person("ana")]
    late = feedback.Asked(start=AT - HOUR, answer="answered", is_late=True)
    assert [handoff.person for handoff in feedback.handoffs(late, playbook)] == [person("bo")]
