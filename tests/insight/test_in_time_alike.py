"""In time is in time on every page: by the calendar of the team, the lane and the days away, not the firm's hours."""

import pytest

from rung.access.actions import add_user
from rung.access.models import User
from rung.handoff import actions as desk
from rung.handoff import team, today
from rung.handoff.lateness import COLUMNS, Lateness, Ran, with_clocks
from rung.handoff.models import Assignment, Clock
from rung.handoff.team import set_absence
from rung.insight import duties, evidence, feedback, queries
from rung.lifecycle import actions
from rung.lifecycle.models import Handoff
from rung.lifecycle.published import in_force
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.rules import NewEvent
from rung.people.rules import Keys
from rung.terms.instants import DAY, MINUTE, parse_instant

pytestmark = pytest.mark.django_db
OPENED = parse_instant("2026-12-14T10:00:00+01:00")
"""Monday, four hours before New York opens; there Eva is away until Tuesday."""
DUE = parse_instant("2026-12-15T08:30:00-05:00")
EVENING = parse_instant("2026-12-15T22:00:00+01:00")
PLAYBOOK = """
playbook: 1
signals: [{name: Demo, on: demo_requested, points: 40, hand_raise: yes}]
stages: {lead: {enter: signals >= 1}, mql: {enter: score >= 40}, sal: {enter: accepted}}
setbacks: [{to: nurture, when: 'stage in ["mql", "sal"] and rejected', because: Sales rejected, rest: 30d}]
handoff: {accept_within: {hand_raise: 30 business minutes, scored: 1 business day}, pause: [owner away]}
duties: {marketing: {accepted_share: 70%}, sales: {accepted_within_sla: 95%}}
calendar:
  timezone: Europe/Berlin
  hours: Mon-Fri 09:00-17:30
  teams: {South: {timezone: America/New_York, hours: Mon-Fri 08:00-16:00}}
"""


@pytest.fixture
def eva(db: None) -> User:
    publishing.publish(PLAYBOOK, by="cli", at=OPENED - DAY)
    found = add_user(email="eva@ours.example", name="Eva", role="sales", team="South", by="test", at=1)
    told = actions.record([NewEvent("demo_requested", keys=Keys(email="ana@acme.example"))], by="test", at=OPENED)
    assert not told.refused
    day = {"first": "2026-12-14", "last": "2026-12-14"}
    set_absence(user=found, by=found, at=OPENED + MINUTE, playbook=in_force().playbook, **day)
    return found


def in_time(rep: User) -> dict[str, tuple[int, int]]:
    """Page → (answered in time, answered)."""
    force = in_force()
    assert force.generation_id is not None
    week = today.today(rep, force, at=EVENING).week
    (member,) = team.team(force, at=EVENING).members
    report = feedback.report(force, days=30, at=EVENING)
    ladder = queries.ladder(force.playbook, force.generation_id, months=1, now=EVENING).answers
    treated = evidence.gather(force.playbook, force.generation_id, at=EVENING)["treatment"].rows
    duty = duties.duty("in-time", force, at=EVENING)
    assert duty is not None
    return {
        "today": (week.in_time, week.answered),
        "team": (member.in_time, member.answered),
        "feedback": (report.in_time, report.answered),
        "duty": (duty.kept, duty.of),
        "ladder": (ladder.answered - ladder.late, ladder.answered),
        "interview": (treated[0].people, sum(row.people for row in treated)),
    }


@pytest.mark.parametrize(("after", "kept"), [(-MINUTE, 1), (0, 1), (MINUTE, 0)])
def test_every_page_says_the_same_of_a_team_with_a_calendar_of_its_own_and_a_day_away(
    eva: User, after: int, kept: int
) -> None:
    """By the firm's hours it would have been late since Monday at 10:30."""
    assert Clock.objects.get().due_at == DUE
    desk.accept(handoff_id=Assignment.objects.get().pk, by=eva, at=DUE + after)
    assert set(in_time(eva).values()) == {(kept, 1)}, in_time(eva)
    force = in_force()
    ran = Ran(*with_clocks(Handoff.objects.all()).values_list(*COLUMNS).get())
    judged = Lateness(force.playbook).judge(ran, DUE + after)
    assert (judged.due_at, judged.late_by, judged.took) == (DUE, max(0, after), 30 * MINUTE + after)
    assert today.today(eva, force, at=EVENING).week.median_time == judged.took
    assert feedback.report(force, days=30, at=EVENING).median_time == judged.took


@pytest.mark.parametrize(("after", "kept"), [(0, 1), (MINUTE, 0)])
def test_a_history_that_was_loaded_is_judged_by_the_same_times(eva: User, after: int, kept: int) -> None:
    desk.accept(handoff_id=Assignment.objects.get().pk, by=eva, at=DUE + after)
    Assignment.objects.all().delete()  # and its clocks: a loaded history never lay on a desk
    assert set(in_time(eva).values()) == {(kept, 1)}, in_time(eva)


def test_the_first_answer_is_judged_by_the_clock_that_it_stopped(eva: User) -> None:
    """Returned a minute late, and handed to a colleague with a clock of its own: it was late all the same."""
    add_user(email="tom@ours.example", name="Tom", role="sales", team="", by="test", at=1)
    desk.give_back(handoff_id=Assignment.objects.get().pk, reason="Wrong owner", by=eva, at=DUE + MINUTE)
    assert Clock.objects.count() == 2
    force = in_force()
    assert force.generation_id is not None
    assert feedback.report(force, days=30, at=EVENING).in_time == 0
    assert queries.ladder(force.playbook, force.generation_id, months=1, now=EVENING).answers.late == 1


def test_what_marketing_had_when_it_was_answered_elsewhere_was_owed_by_nobody_of_sales(eva: User) -> None:
    Clock.objects.all().delete()
    Assignment.objects.update(queue="marketing", owner=None)
    told = NewEvent("handoff_rejected", keys=Keys(email="ana@acme.example"), data={"reason": "x"})
    actions.record([told], by="import:1", at=DUE + DAY)
    assert feedback.report(in_force(), days=30, at=EVENING + DAY).in_time == 1


AGAIN = DUE + 3 * MINUTE


def answered_again(eva: User, *, returned_at: int) -> dict[str, tuple[int, int]]:
    """Eva returns it as not hers, Tom of no team accepts it at three; page → (accepted, answered)."""
    tom = add_user(email="tom@ours.example", name="Tom", role="sales", team="", by="test", at=1)
    desk.give_back(handoff_id=Assignment.objects.get().pk, reason="Wrong owner", by=eva, at=returned_at)
    desk.accept(handoff_id=Assignment.objects.get().pk, by=tom, at=AGAIN)
    return accepted(tom)


def accepted(rep: User) -> dict[str, tuple[int, int]]:
    force = in_force()
    assert force.generation_id is not None
    week = today.today(rep, force, at=EVENING).week
    members = {each.name: each for each in team.team(force, at=EVENING).members}
    report = feedback.report(force, days=30, at=EVENING)
    (source,) = report.sources
    ladder = queries.ladder(force.playbook, force.generation_id, months=1, now=EVENING).answers
    duty = duties.duty("accepted", force, at=EVENING)
    assert duty is not None
    behind = feedback.handoffs(feedback.Asked(start=OPENED, answer="accepted"), force.playbook)
    treated = evidence.gather(force.playbook, force.generation_id, at=EVENING)["treatment"].rows
    return {
        "today": (week.accepted, week.answered),
        "team": (members["Tom"].accepted, members["Tom"].answered + members["Eva"].answered),
        "feedback": (report.accepted, report.answered),
        "source": (source.accepted, source.answered),
        "people": (behind.count(), behind.count()),
        "duty": (duty.kept, duty.of),
        "ladder": (ladder.accepted, ladder.answered),
        "interview": (sum(row.accepted or 0 for row in treated), sum(row.people for row in treated)),
    }


def test_what_was_returned_and_accepted_later_was_accepted_on_every_page_and_the_return_is_told(eva: User) -> None:
    told = answered_again(eva, returned_at=DUE)
    assert set(told.values()) == {(1, 1)}, told
    force = in_force()
    report = feedback.report(force, days=30, at=EVENING)
    assert (report.returned, report.again, report.in_time, report.median_time) == (0, 1, 1, 3 * MINUTE)
    again = feedback.handoffs(feedback.Asked(start=OPENED, answer=feedback.AGAIN), force.playbook)
    verdict, by = feedback.answers_of(list(again))[again.get().pk]
    assert (verdict.answer, verdict.was_returned, by) == ("accepted", True, "Tom")
    (duty,) = [each for each in duties.duties(force, at=EVENING) if each.name == "in-time"]
    assert (duty.kept, duty.of) == (1, 1)


def test_a_return_that_came_late_stays_late_whoever_answers_afterwards(eva: User) -> None:
    answered_again(eva, returned_at=DUE + MINUTE)
    force = in_force()
    assert feedback.report(force, days=30, at=EVENING).in_time == 0
    late = feedback.handoffs(feedback.Asked(start=OPENED, answer="answered", is_late=True), force.playbook)
    assert late.count() == 1


def test_an_answer_to_the_next_hand_off_is_not_the_last_ones(eva: User) -> None:
    """Returned, faded, and handed over anew: the first stays returned, the second is the rejected one."""
    desk.give_back(handoff_id=Assignment.objects.get().pk, reason="Missing", by=eva, at=DUE)
    keys = Keys(email="ana@acme.example")
    down = NewEvent("stage_overridden", keys=keys, data={"to": "lead", "until": "2026-12-15T15:00:00Z"})
    assert not actions.record([down], by="eva@ours.example", at=DUE + MINUTE).refused
    told = actions.record([NewEvent("demo_requested", keys=keys)], by="test", at=DUE + 100 * MINUTE)
    assert not told.refused
    second = Handoff.objects.order_by("-opened_at").first()
    assert second is not None and Handoff.objects.count() == 2
    desk.reject(handoff_id=second.pk, reason="No", by=eva, at=DUE + 101 * MINUTE)
    report = feedback.report(in_force(), days=30, at=EVENING)
    assert (report.returned, report.rejected, report.again) == (1, 1, 0)
