"""Sales accepts, rejects with a reason, returns; marketing completes; every refusal leaves all as it was."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection, connections

from handoff.conftest import AT, PLAYBOOK, person, record
from rung.access.models import Audit, User
from rung.access.rules import NotAllowed
from rung.handoff import actions
from rung.handoff import team as desk
from rung.handoff.actions import CannotAnswer
from rung.handoff.models import Assignment, Clock
from rung.history.models import Event
from rung.insight import feedback
from rung.lifecycle import actions as lifecycle
from rung.lifecycle import bulk_acts
from rung.lifecycle.deciding import line
from rung.lifecycle.models import Handoff, Standing
from rung.lifecycle.published import in_force
from rung.lifecycle.publishing import actions as publishing
from rung.terms.instants import DAY, HOUR, MINUTE, parse_instant

pytestmark = pytest.mark.django_db
HandOver = Callable[..., Assignment]
Team = dict[str, User]


def standing() -> Standing:
    return Standing.objects.get(person=person(), generation_id=line.current().generation_id)


def counts() -> tuple[int, int]:
    return Event.objects.count(), Audit.objects.count()


def test_an_accepted_hand_off_has_an_owner_a_first_touch_to_make_one_event_and_one_line_of_audit(
    hand_over: HandOver, team: Team
) -> None:
    waiting = hand_over()
    before = Event.objects.count()
    answered = actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + 10 * MINUTE)
    assert [move.stage for move in answered.moves] == ["sal"]
    assert (answered.assignment.queue, answered.assignment.owner) == ("done", team["sam"])
    assert person().owner == team["sam"]
    assert Event.objects.count() == before + 1
    assert Event.objects.latest("seq").by == "sam@ours.example"
    row = Audit.objects.latest("seq")
    assert (row.by, row.verb, row.object) == ("sam@ours.example", "accepted hand-off", f"hand-off {waiting.pk}")
    answer, touch = Clock.objects.order_by("pk")
    assert (answer.kind, answer.stopped_at) == ("answer", AT + 10 * MINUTE)
    assert (touch.kind, touch.owner, touch.due_at) == ("touch", team["sam"], AT + DAY + 10 * MINUTE)


def test_a_call_is_the_first_touch(hand_over: HandOver, team: Team) -> None:
    actions.accept(handoff_id=hand_over().pk, by=team["sam"], at=AT + MINUTE)
    record("call_made", at=AT + HOUR, outcome="no_answer")
    assert Clock.objects.get(kind="touch").stopped_at == AT + HOUR


def test_a_call_before_the_acceptance_is_the_first_touch_and_nothing_more_is_owed(
    hand_over: HandOver, team: Team
) -> None:
    waiting = hand_over()
    record("call_made", at=AT + 10 * MINUTE, outcome="no_answer")
    assert not Clock.objects.filter(kind="touch").exists(), "it is owed from the acceptance on"
    assert Clock.objects.get(kind="answer").stopped_at is None, "a call is no answer to marketing"
    actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + 20 * MINUTE)
    clock = Clock.objects.get(kind="touch")
    assert (clock.started_at, clock.stopped_at) == (AT + 20 * MINUTE, AT + 10 * MINUTE)
    report = feedback.report(in_force(), days=30, at=AT + HOUR)
    assert (report.touched, report.median_touch) == (1, 10 * MINUTE)
    (sam,) = [each for each in desk.team(in_force(), at=AT + HOUR).members if each.name == "Sam"]
    assert (sam.touched, sam.touched_in_time, sam.median_touch) == (1, 1, 10 * MINUTE)
    behind = feedback.handoffs(feedback.Asked(start=AT, answer=feedback.TOUCHED), in_force().playbook)
    assert [each.pk for each in behind] == [waiting.pk]


def test_the_time_to_the_first_touch_is_the_owners_working_time(hand_over: HandOver, team: Team) -> None:
    """Opened on Monday at ten, accepted in the evening, called on Tuesday at nine: 7 h 30 of Monday."""
    actions.accept(handoff_id=hand_over().pk, by=team["sam"], at=AT + 10 * HOUR)
    record("call_made", at=AT + 23 * HOUR, outcome="positive")
    assert feedback.report(in_force(), days=30, at=AT + DAY).median_touch == 450 * MINUTE


def test_a_rejection_has_its_own_rest_and_its_note(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    actions.reject(handoff_id=waiting.pk, reason="No budget", note=" Asked twice ", by=team["sam"], at=AT + HOUR)
    assert (standing().status, standing().rest_until) == ("nurture", AT + HOUR + 90 * DAY)
    assert Event.objects.get(kind="handoff_rejected").data == {
        "handoff": waiting.pk, "reason": "No budget", "note": "Asked twice",
    }  # fmt: skip
    assert Handoff.objects.get().reason == "No budget"


def test_not_urgent_wakes_on_its_day(hand_over: HandOver, team: Team) -> None:
    told = {"handoff_id": hand_over().pk, "reason": "Not urgent", "by": team["sam"], "at": AT}
    actions.reject(**told, until="2027-03-01")
    assert standing().rest_until == parse_instant("2027-03-01")


@pytest.mark.parametrize("until", ["", "soon", "2026-12-21", "2020-01-01", "2099-01-01"])
def test_a_day_that_does_not_lie_ahead_is_refused(hand_over: HandOver, team: Team, until: str) -> None:
    waiting, before = hand_over(), counts()
    before = counts()
    with pytest.raises(CannotAnswer, match="day"):
        actions.reject(handoff_id=waiting.pk, reason="Not urgent", until=until, by=team["sam"], at=AT)
    assert counts() == before


def test_a_reason_that_the_new_playbook_dropped_is_refused_with_those_it_has(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    publishing.publish(PLAYBOOK.replace("{reason: No budget, rest: 90d}, ", ""), by="cli", at=AT + MINUTE)
    before = counts()
    with pytest.raises(CannotAnswer, match=r"“No budget” is no reason to reject.*Not urgent, Not our customer"):
        actions.reject(handoff_id=waiting.pk, reason="No budget", by=team["sam"], at=AT + HOUR)
    assert counts() == before


def test_who_comes_second_is_told_who_was_first(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    actions.accept(handoff_id=waiting.pk, by=team["tom"], at=AT + MINUTE)
    before = counts()
    with pytest.raises(CannotAnswer, match="Tom accepted Ana before you"):
        actions.reject(handoff_id=waiting.pk, reason="No budget", by=team["sam"], at=AT + HOUR)
    assert counts() == before


def test_an_answer_after_the_hand_off_was_withdrawn_is_refused(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    lifecycle.override(person=person(), by="system", at=AT + MINUTE, because="not theirs", to="lead")
    before = counts()
    with pytest.raises(CannotAnswer, match="was withdrawn"):
        actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + HOUR)
    assert counts() == before
    assert Assignment.objects.get().queue == "done"
    assert Clock.objects.get().stopped_at is not None


@pytest.mark.parametrize("act", ["nurture", "disqualified"])
def test_whom_a_leader_sets_aside_is_off_the_desk_and_cannot_be_accepted(
    hand_over: HandOver, team: Team, act: str
) -> None:
    waiting = hand_over()
    bulk_acts.ask(kind=act, people=[waiting.person_id], because="Met at the fair", by=team["kim"], at=AT + MINUTE)
    assert (standing().stage, standing().status) == ("lead", act)
    assert not Clock.objects.filter(stopped_at=None).exists()
    before = counts()
    with pytest.raises(CannotAnswer, match="The hand-off of Ana was withdrawn"):
        actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + 2 * MINUTE)
    assert counts() == before


def test_who_stands_beside_the_ladder_with_a_hand_off_is_rejected_not_accepted(hand_over: HandOver, team: Team) -> None:
    """Set aside without leaving the rung, as an import may tell it: the hand-off waits, and accepting is refused."""
    waiting = hand_over()
    record("stage_overridden", at=AT + MINUTE, by="kim@ours.example", status="disqualified", because="A competitor")
    before = counts()
    with pytest.raises(CannotAnswer, match=r"Ana was set aside: Disqualified\. Reject it"):
        actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + 2 * MINUTE)
    assert counts() == before
    actions.reject(handoff_id=waiting.pk, reason="Not our customer", by=team["sam"], at=AT + 2 * MINUTE)
    assert Assignment.objects.get().queue == "done"


@pytest.mark.parametrize(("who", "words"), [("eva", "lies with another team"), ("rui", "role .marketing. does not")])
def test_who_may_not_answer_is_refused(hand_over: HandOver, team: Team, who: str, words: str) -> None:
    waiting, before = hand_over(), counts()
    before = counts()
    with pytest.raises(NotAllowed, match=words):
        actions.accept(handoff_id=waiting.pk, by=team[who], at=AT + MINUTE)
    assert counts() == before


def test_a_missing_fact_goes_back_to_marketing_and_comes_again_with_a_clock_of_its_own(
    hand_over: HandOver, team: Team
) -> None:
    waiting = hand_over()
    actions.give_back(handoff_id=waiting.pk, reason="Missing fact", note="Which plant?", by=team["sam"], at=AT + HOUR)
    back = Assignment.objects.get()
    assert (back.queue, back.owner, back.note) == ("marketing", None, "Missing fact: Which plant?")
    assert not Clock.objects.filter(stopped_at=None).exists()
    with pytest.raises(CannotAnswer, match="lies with marketing"):
        actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + 2 * HOUR)
    actions.hand_over(handoff_id=waiting.pk, told={"plant": "Bergen"}, by=team["rui"], at=AT + 2 * HOUR)
    assert person().traits["plant"] == "Bergen"
    clock = Clock.objects.get(stopped_at=None)
    assert (clock.started_at, clock.due_at) == (AT + 2 * HOUR, AT + 2 * HOUR + 30 * MINUTE)
    actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + 2 * HOUR + MINUTE)
    assert standing().stage == "sal"
    assert Assignment.objects.get().queue == "done"


def test_a_wrong_owner_sends_it_to_the_next_rep_and_on_again(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    first = waiting.owner
    assert first is not None
    for turn, rep in enumerate((first, {team["sam"]: team["tom"], team["tom"]: team["sam"]}[first])):
        actions.give_back(handoff_id=waiting.pk, reason="Wrong owner", by=rep, at=AT + (turn + 1) * MINUTE)
        now = Assignment.objects.get()
        assert (now.queue, now.owner != rep) == ("sales", True)
    assert Clock.objects.filter(stopped_at=None).count() == 1


def test_a_hand_off_that_lacks_what_must_be_documented_lies_with_marketing(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over(kind="content_downloaded", source=None)
    assert (waiting.queue, waiting.lacking, waiting.owner) == ("marketing", ["interest"], None)
    assert not Clock.objects.exists()
    before = counts()
    with pytest.raises(CannotAnswer, match="Sales still lacks: interest"):
        actions.hand_over(handoff_id=waiting.pk, told={"source": "fair"}, by=team["rui"], at=AT + MINUTE)
    assert counts() == before
    told = {"source": "fair", "interest": "Port volumes"}
    given = actions.hand_over(handoff_id=waiting.pk, told=told, by=team["rui"], at=AT + HOUR)
    assert (given.queue, given.lacking) == ("sales", [])
    assert Clock.objects.get().due_at == AT + HOUR + DAY


def test_a_manager_gives_it_to_somebody_else_and_its_clock_runs_on(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    due_at = Clock.objects.get().due_at
    given = actions.reassign(handoff_id=waiting.pk, to=team["eva"], because="Speaks Greek", by=team["kim"], at=AT)
    assert (given.owner, given.because) == (team["eva"], "Kim gave it to Eva: Speaks Greek")
    assert (Clock.objects.get().owner, Clock.objects.get().due_at) == (team["eva"], due_at)
    with pytest.raises(CannotAnswer, match="does not answer hand-offs"):
        actions.reassign(handoff_id=waiting.pk, to=team["rui"], by=team["kim"], at=AT)
    with pytest.raises(NotAllowed):
        actions.reassign(handoff_id=waiting.pk, to=team["sam"], by=team["sam"], at=AT)


def test_a_rejection_told_by_an_import_ends_the_hand_off_too(hand_over: HandOver) -> None:
    hand_over()
    record("handoff_rejected", at=AT + HOUR, reason="No budget")
    assert Assignment.objects.get().queue == "done"
    assert Clock.objects.get().stopped_at == AT + HOUR


@pytest.mark.django_db(transaction=True)
def test_two_reps_press_at_once_and_one_wins(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    start, told = threading.Barrier(2), dict[str, str]()

    def press(name: str) -> None:
        start.wait()
        try:
            actions.accept(handoff_id=waiting.pk, by=team[name], at=AT + MINUTE)
            told[name] = "won"
        except CannotAnswer as refusal:
            told[name] = str(refusal)
        finally:
            connections["default"].close()

    threads = [threading.Thread(target=press, args=(name,)) for name in ("sam", "tom")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = next(name for name, words in told.items() if words == "won")
    loser = "tom" if winner == "sam" else "sam"
    assert f"{winner.capitalize()} accepted Ana before you" in told[loser]
    assert Event.objects.filter(kind="handoff_accepted").count() == 1
    assert connection.vendor in ("sqlite", "postgresql")
