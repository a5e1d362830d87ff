"""An answer given with the wrong key is taken back: everything is as it was, unless something has followed."""

from collections.abc import Callable
from typing import Any

import pytest

from handoff.conftest import AT, PLAYBOOK, person, record
from rung.access.models import Audit, User
from rung.access.rules import NotAllowed
from rung.handoff import actions, clocks, sequences, taking_back
from rung.handoff.models import AnswerGiven, Assignment, Clock, Notification, SequenceRun, Task
from rung.handoff.taking_back import CannotTakeBack
from rung.history.models import Event
from rung.lifecycle import actions as lifecycle
from rung.lifecycle.deciding import line
from rung.lifecycle.deciding.rounds import decide_round
from rung.lifecycle.models import Handoff, StageMove, Standing
from rung.lifecycle.publishing import actions as publishing
from rung.people.rules import Keys
from rung.playbook.loading import load
from rung.terms.instants import DAY, HOUR, MINUTE

pytestmark = pytest.mark.django_db
HandOver = Callable[..., Assignment]
Team = dict[str, User]
STEPS = """
sequences: [{name: Ten days, starts: accepted, steps: [{call: First call}, {wait: 1 business day}, {mail: Write}]}]
"""
ANSWERS: dict[str, Callable[..., Any]] = {
    "accepted": actions.accept,
    "rejected": lambda **told: actions.reject(reason="No budget", **told),
    "waking": lambda **told: actions.reject(reason="Not urgent", until="2027-03-01", **told),
    "returned": lambda **told: actions.give_back(reason="Missing fact", note="Which plant?", **told),
    "another rep": lambda **told: actions.give_back(reason="Wrong owner", **told),
}


def standing() -> Standing:
    return Standing.objects.get(person=person(), generation_id=line.current().generation_id)


def state() -> dict[str, object]:
    """Everything that an answer changes."""
    waiting, handoff, who = Assignment.objects.get(), Handoff.objects.get(), standing()
    return {
        "desk": (waiting.queue, waiting.owner, waiting.team, waiting.because, waiting.note, waiting.assigned_at),
        "ended": waiting.ended_at,
        "handoff": (handoff.answer, handoff.answered_at, handoff.answered_by, handoff.reason, handoff.owner),
        "clocks": list(Clock.objects.order_by("pk").values("pk", "kind", "owner", "due_at", "warn_at", "stopped_at")),
        "standing": (who.stage, who.status, who.rest_until, who.accepted, who.rejected, who.returned, who.owner),
        "moves": list(StageMove.objects.order_by("number").values_list("stage", "status", "at")),
        "owner": person().owner,
        "tasks": list(Task.objects.order_by("due_at").values_list("kind", "what", "due_at", "done_at", "run")),
        "sequences": list(SequenceRun.objects.values_list("sequence", "ended_at", "because")),
    }


def counts() -> tuple[int, int]:
    return Event.objects.count(), Audit.objects.count()


def back(by: User, at: int) -> Assignment:
    return taking_back.take_back(handoff_id=Assignment.objects.get().pk, by=by, at=at)


@pytest.mark.parametrize("answer", ANSWERS)
def test_everything_is_as_before_and_one_event_and_one_line_of_audit_say_so(
    hand_over: HandOver, team: Team, answer: str
) -> None:
    publishing.publish(PLAYBOOK + STEPS, by="cli", at=AT - DAY)
    waiting, before = hand_over(), state()
    ANSWERS[answer](handoff_id=waiting.pk, by=team["sam"], at=AT + 5 * MINUTE)
    assert state() != before
    told, written = counts(), Notification.objects.count()
    fresh = back(team["sam"], AT + 14 * MINUTE)
    assert state() == before
    assert (fresh.queue, fresh.owner) == ("sales", team["sam"])
    assert counts() == (told[0] + 1, told[1] + 1)
    event = Event.objects.latest("seq")
    assert (event.kind, event.by, event.person_id) == ("event_voided", "sam@ours.example", person().pk)
    assert Audit.objects.latest("seq").verb == "took back answer"
    told_since = list(Notification.objects.order_by("pk").values_list("user__name", "words")[written:])
    gone = ("Tom", "Ana is not on your desk any more: the return was taken back")
    assert told_since == ([gone] if answer == "another rep" else [])


def test_the_time_between_counts_and_a_warning_is_not_told_again(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    clocks.tick(AT + 25 * MINUTE)
    actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + 26 * MINUTE)
    back(team["sam"], AT + 35 * MINUTE)
    assert Clock.objects.get().due_at == AT + 30 * MINUTE
    for minute in (35, 36):
        clocks.tick(AT + minute * MINUTE)
    told = Event.objects.filter(kind__startswith="sla_").order_by("seq").values_list("kind", flat=True)
    assert list(told) == ["sla_warned", "sla_breached"]


def test_another_answer_is_given_then_and_can_be_taken_back_too(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    actions.reject(handoff_id=waiting.pk, reason="No budget", by=team["sam"], at=AT + MINUTE)
    back(team["sam"], AT + 2 * MINUTE)
    actions.accept(handoff_id=waiting.pk, by=team["tom"], at=AT + 3 * MINUTE)
    assert (standing().stage, person().owner, Handoff.objects.get().answer) == ("sal", team["tom"], "accepted")
    assert Handoff.objects.get().owner == team["tom"]
    back(team["tom"], AT + 4 * MINUTE)
    assert (standing().stage, person().owner, Handoff.objects.get().answer) == ("mql", None, "")
    assert Assignment.objects.get().owner == team["sam"]
    assert list(AnswerGiven.objects.order_by("pk").values_list("answer", "undone_at")) == [
        ("rejected", AT + 2 * MINUTE),
        ("accepted", AT + 4 * MINUTE),
    ]


def test_the_second_answer_of_what_was_handed_over_again_is_taken_back_alone(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    actions.give_back(handoff_id=waiting.pk, reason="Missing fact", by=team["sam"], at=AT + MINUTE)
    actions.hand_over(handoff_id=waiting.pk, told={"plant": "Bergen"}, by=team["rui"], at=AT + HOUR)
    before = state()
    actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + HOUR + MINUTE)
    back(team["sam"], AT + HOUR + 2 * MINUTE)
    assert state() == before
    assert Handoff.objects.get().answer == "returned"


def test_a_sequence_that_the_rejection_ended_goes_on(hand_over: HandOver, team: Team) -> None:
    steps = STEPS.replace(", starts: accepted", "")
    publishing.publish(PLAYBOOK + steps, by="cli", at=AT - DAY)
    waiting = hand_over()
    playbook = load(PLAYBOOK + steps)
    sequences.start(people=[person()], name="Ten days", by=team["rui"], at=AT, playbook=playbook)
    before = state()
    actions.reject(handoff_id=waiting.pk, reason="No budget", by=team["sam"], at=AT + MINUTE)
    assert not Task.objects.exists()
    back(team["sam"], AT + 2 * MINUTE)
    assert {name: state()[name] for name in ("tasks", "sequences")} == {
        name: before[name] for name in ("tasks", "sequences")
    }


@pytest.mark.parametrize(
    ("who", "after", "refusal", "words"),
    [
        ("sam", 10 * MINUTE, CannotTakeBack, "more than 10 minutes ago"),
        ("tom", MINUTE, NotAllowed, "Sam answered: they, or whoever leads them"),
        ("rui", MINUTE, NotAllowed, "take back answers"),
        ("eva", MINUTE, NotAllowed, "Sam answered"),
    ],
)
def test_who_may_not_take_it_back_changes_nothing(
    hand_over: HandOver, team: Team, who: str, after: int, refusal: type[Exception], words: str
) -> None:
    actions.accept(handoff_id=hand_over().pk, by=team["sam"], at=AT + MINUTE)
    before, written = state(), counts()
    with pytest.raises(refusal, match=words):
        back(team[who], AT + MINUTE + after)
    assert (state(), counts()) == (before, written)


def test_whoever_leads_may_days_later(hand_over: HandOver, team: Team) -> None:
    actions.reject(handoff_id=hand_over().pk, reason="No budget", by=team["sam"], at=AT + MINUTE)
    back(team["kim"], AT + 20 * DAY)
    assert (standing().stage, standing().status, Assignment.objects.get().queue) == ("mql", "active", "sales")
    clocks.tick(AT + 20 * DAY)
    assert Event.objects.filter(kind="sla_breached").count() == 1


def test_it_is_taken_back_once(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    with pytest.raises(CannotTakeBack, match="There is no answer here"):
        back(team["sam"], AT)
    actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + MINUTE)
    back(team["sam"], AT + 2 * MINUTE)
    before = counts()
    with pytest.raises(CannotTakeBack, match="was taken back before"):
        back(team["kim"], AT + 3 * MINUTE)
    assert counts() == before


def _call(team: Team) -> None:
    record("call_made", at=AT + 2 * MINUTE, outcome="no_answer")


def _deal(team: Team) -> None:
    record("deal_opened", at=AT + 2 * MINUTE, deal="d1")


def _reply(team: Team) -> None:
    record("email_replied", at=AT + 2 * MINUTE, by="mail", text="Thursday works")


def _given(team: Team) -> None:
    record("person_described", at=AT + 2 * MINUTE, by="kim@ours.example", owner="eva@ours.example")


def _set(team: Team) -> None:
    lifecycle.override(person=person(), by=team["kim"], at=AT + 2 * MINUTE, because="A friend", to="prospect")


def _raised_again(team: Team) -> None:
    record("demo_requested", at=AT + 2 * MINUTE, by="site")


def _handed_on(team: Team) -> None:
    waiting = Assignment.objects.get()
    actions.hand_over(handoff_id=waiting.pk, told={"plant": "Bergen"}, by=team["rui"], at=AT + 2 * MINUTE)


def _over(team: Team) -> None:
    """The rest of ninety days."""


@pytest.mark.parametrize(
    ("answer", "follows", "words"),
    [
        ("accepted", _call, r"Since then Sam noted: Called them \(Ana\)"),
        ("accepted", _deal, "Since then Sam noted: Opened a deal"),
        ("accepted", _reply, "Since then it was noted: Replied to a mail"),
        ("accepted", _given, "Ana was given to Eva since"),
        ("accepted", _set, "Since then Kim noted: Rung set by hand"),
        ("rejected", _raised_again, "Another hand-off of Ana has been opened since"),
        ("rejected", _over, "The rest of Ana is over"),
        ("returned", _handed_on, "It was handed on since: it lies with"),
    ],
)
def test_what_followed_stands_in_the_way_and_is_named(
    hand_over: HandOver, team: Team, answer: str, follows: Callable[[Team], None], words: str
) -> None:
    waiting = hand_over()
    ANSWERS[answer](handoff_id=waiting.pk, by=team["sam"], at=AT + MINUTE)
    follows(team)
    before = counts()
    desk = Assignment.objects.values().get(pk=waiting.pk)
    with pytest.raises(CannotTakeBack, match=rf"{words}.*The answer stands"):
        taking_back.take_back(
            handoff_id=waiting.pk, by=team["kim"], at=AT + (91 * DAY if follows is _over else 5 * MINUTE)
        )
    assert counts() == before
    assert Assignment.objects.values().get(pk=waiting.pk) == desk


def test_by_a_playbook_that_would_not_hand_over_any_more_the_answer_stands(hand_over: HandOver, team: Team) -> None:
    actions.accept(handoff_id=hand_over().pk, by=team["sam"], at=AT + MINUTE)
    publishing.publish(PLAYBOOK.replace("score >= 40", "score >= 400"), by="cli", at=AT + 2 * MINUTE)
    before, written = Assignment.objects.values().get(), counts()
    with pytest.raises(CannotTakeBack, match="The answer stands"):
        back(team["sam"], AT + 3 * MINUTE)
    assert (Assignment.objects.values().get(), counts()) == (before, written)
    assert Handoff.objects.get().answer == "accepted"


def test_an_answer_that_revenue_operations_void_waits_again_too(hand_over: HandOver, team: Team) -> None:
    waiting, before = hand_over(), state()
    actions.reject(handoff_id=waiting.pk, reason="No budget", by=team["sam"], at=AT + MINUTE)
    event = Event.objects.get(kind="handoff_rejected")
    lifecycle.void(message_id=event.message_id, by="rung", at=AT + HOUR, because="a test")
    assert state() == before


def test_whoever_left_sales_meanwhile_does_not_get_it_back(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    actions.reject(handoff_id=waiting.pk, reason="No budget", by=team["sam"], at=AT + MINUTE)
    User.objects.filter(pk=team["sam"].pk).update(is_active=False)
    fresh = back(team["kim"], AT + HOUR)
    assert (fresh.queue, fresh.owner) == ("nobody", None)
    clocks.tick(AT + HOUR)
    assert Assignment.objects.get().owner == team["tom"]


def test_whoever_became_another_record_waits_as_that_one(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + MINUTE)
    told = lifecycle.NewEvent("person_described", keys=Keys(email="ben@acme.example"), data={"name": "Ben"})
    lifecycle.record([told], by="test", at=AT + 2 * MINUTE)
    ben, ana = person("ben"), person("ana")
    lifecycle.merge(survivor=ben, merged=ana, by="rung", at=AT + 3 * MINUTE)
    fresh = taking_back.take_back(handoff_id=waiting.pk, by=team["sam"], at=AT + 4 * MINUTE)
    assert (fresh.person, fresh.queue, fresh.owner) == (ben, "sales", team["sam"])
    assert (Clock.objects.get().person, Clock.objects.get().stopped_at) == (ben, None)
    now = Standing.objects.get(person=ben, generation_id=line.current().generation_id)
    assert (now.stage, now.status) == ("mql", "active")


def test_colleagues_are_decided_again_only_where_their_points_come_from_what_was_struck(
    hand_over: HandOver, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = "{name: Active colleague, on: page_viewed, from: company, points: 2}"
    text = PLAYBOOK.replace("  - {name: Paper", f"  - {shared}\n  - {{name: Paper")
    publishing.publish(text, by="cli", at=AT - DAY)
    waiting = hand_over("ana", company="acme.example")
    hand_over("ben", company="acme.example")
    record("page_viewed", at=AT, by="site", path="/")
    page = Event.objects.get(kind="page_viewed")
    again: list[set[int]] = []

    def seen(round_: Any, *told: Any, **more: Any) -> Any:
        again.append(set(round_.anew))
        return decide_round(round_, *told, **more)

    monkeypatch.setattr("rung.lifecycle.actions.decide_round", seen)
    actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + MINUTE)
    again.clear()
    taking_back.take_back(handoff_id=waiting.pk, by=team["sam"], at=AT + 2 * MINUTE)
    assert again == [{person("ana").pk}]
    lifecycle.void(message_id=page.message_id, by="rung", at=AT + HOUR)
    assert again[1] == {person("ana").pk, person("ben").pk}
