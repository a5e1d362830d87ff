"""Two at once, and what is odd: one wins and the other is told why, nothing is half written, and the state is right."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connections

from handoff.conftest import AT, PLAYBOOK, person
from handoff.test_calendars_and_pauses import PAUSING
from rung.access.models import Audit, User
from rung.access.rules import NotAllowed, Refused
from rung.handoff import actions, clocks, dealing, reckoning, taking_back, today
from rung.handoff import team as desk
from rung.handoff.lateness import COLUMNS, Lateness, Ran, with_clocks
from rung.handoff.models import Assignment, Clock, Notification, Task
from rung.history.models import Event
from rung.jobs import locks
from rung.jobs.actions import enqueue
from rung.jobs.worker import Schedule, Worker
from rung.lifecycle import actions as lifecycle
from rung.lifecycle.deciding import line
from rung.lifecycle.models import Handoff, Standing
from rung.lifecycle.published import in_force
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.publishing import rebuilding
from rung.playbook.loading import load
from rung.terms.instants import DAY, HOUR, MINUTE, SECOND

pytestmark = pytest.mark.django_db(transaction=True)
HandOver = Callable[..., Assignment]
Team = dict[str, User]
Act = Callable[[], object]
ROUNDS = 4


def at_once(*acts: Act) -> list[object]:
    """All of them at the same moment, each in a thread with a connection of its own: what each returned, or refused."""
    start, told = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place: int, act: Act) -> None:
        start.wait()
        try:
            told[place] = act()  # type: ignore[call-overload]
        except Refused as refusal:
            told[place] = refusal  # type: ignore[call-overload]
        finally:
            connections["default"].close()

    threads = [threading.Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def refusals(told: list[object]) -> list[str]:
    return [str(each) for each in told if isinstance(each, Refused)]


def stands_right() -> None:
    """The stored standings are what the history says, and each running clock is owed by whoever has the desk."""
    assert rebuilding.rebuild(check=True, at=AT + HOUR).differences == ()
    for clock in Clock.objects.filter(kind="answer", stopped_at=None).select_related("assignment"):
        assert clock.assignment is not None
        assert (clock.owner_id, clock.assignment.ended_at) == (clock.assignment.owner_id, None)


def standing() -> Standing:
    return Standing.objects.get(person=person(), generation_id=line.current().generation_id)


def test_two_answers_at_once_one_wins_and_the_other_is_told_who(hand_over: HandOver, team: Team) -> None:
    for turn in range(ROUNDS):
        name = f"ana{turn}"
        waiting = hand_over(name)
        events, lines_ = Event.objects.count(), Audit.objects.count()
        told = at_once(
            partial(actions.accept, handoff_id=waiting.pk, by=team["sam"], at=AT + MINUTE),
            partial(actions.reject, handoff_id=waiting.pk, reason="No budget", by=team["tom"], at=AT + MINUTE),
        )
        (refused,) = refusals(told)
        won = Handoff.objects.get(pk=waiting.pk)
        assert won.answer in ("accepted", "rejected")
        who = {"accepted": "Sam accepted", "rejected": "Tom rejected"}[won.answer]
        assert f"{who} {name.capitalize()} before you" in refused
        assert (Event.objects.count(), Audit.objects.count()) == (events + 1, lines_ + 1)
    stands_right()


def test_the_same_rep_pressing_twice_is_told_so(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    press = partial(actions.accept, handoff_id=waiting.pk, by=team["sam"], at=AT + MINUTE)
    (refused,) = refusals(at_once(press, press))
    assert "You accepted Ana already" in refused
    assert Clock.objects.filter(kind="touch").count() == 1


def test_an_answer_while_it_is_withdrawn(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    who = person()
    told = at_once(
        lambda: actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + MINUTE),
        lambda: lifecycle.override(person=who, by="system", at=AT + MINUTE, because="not theirs", to="lead"),
    )
    assert standing().stage == "lead"
    assert Assignment.objects.get().queue == "done"
    if refusals(told):
        assert "was withdrawn" in refusals(told)[0]
        assert not Event.objects.filter(kind="handoff_accepted").exists()
    else:
        assert Event.objects.filter(kind="handoff_accepted").count() == 1
    assert not Clock.objects.filter(stopped_at=None).exists()
    stands_right()


def test_a_reassignment_while_it_is_answered(hand_over: HandOver, team: Team) -> None:
    for turn in range(ROUNDS):
        waiting = hand_over(f"ana{turn}")
        told = at_once(
            partial(actions.accept, handoff_id=waiting.pk, by=team["sam"], at=AT + MINUTE),
            partial(actions.reassign, handoff_id=waiting.pk, to=team["tom"], by=team["kim"], at=AT + MINUTE),
        )
        assert all(f"Sam accepted Ana{turn} before you" in each for each in refusals(told))
        now = Assignment.objects.get(pk=waiting.pk)
        assert (now.queue, now.owner) == ("done", team["sam"])
        assert Clock.objects.get(assignment=now, kind="touch").owner == team["sam"]
        given = Audit.objects.filter(verb="reassigned hand-off", object=f"hand-off {waiting.pk}").count()
        assert given == 1 - len(refusals(told))
    stands_right()


@pytest.mark.parametrize("score", [40, 400])
def test_an_acceptance_while_a_new_playbook_comes_into_force(hand_over: HandOver, team: Team, score: int) -> None:
    """By the first she stands where she stood; by the second she would not have been handed over."""
    waiting = hand_over()
    text = PLAYBOOK.replace("score >= 40", f"score >= {score}").replace("name: Test", "name: Next")
    told = at_once(
        lambda: actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + MINUTE),
        lambda: publishing.publish(text, by="cli", at=AT + MINUTE),
    )
    assert refusals(told) == []
    assert line.current().playbook.name == "Next"
    assert Event.objects.filter(kind="handoff_accepted").count() == 1
    assert (Handoff.objects.get().answer, Assignment.objects.get().queue) == ("accepted", "done")
    stands_right()


def test_a_reason_that_is_dropped_while_one_presses_is_refused(
    hand_over: HandOver, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rep's press waits for the lock; the playbook that drops the reason has it before."""
    waiting = hand_over()
    text, hold = PLAYBOOK.replace("{reason: No budget, rest: 90d}, ", ""), locks.hold
    rep = threading.current_thread()

    def held() -> None:
        if threading.current_thread() is rep and line.current().version == load(PLAYBOOK).version:
            assert at_once(lambda: publishing.publish(text, by="cli", at=AT + MINUTE))
        hold()

    if connections["default"].vendor == "postgresql":  # on SQLite the press has the one writer's place by then
        monkeypatch.setattr("rung.handoff.actions.locks.hold", held)
    else:
        publishing.publish(text, by="cli", at=AT + MINUTE)
    with pytest.raises(actions.CannotAnswer, match="“No budget” is no reason to reject"):
        actions.reject(handoff_id=waiting.pk, reason="No budget", by=team["sam"], at=AT + HOUR)
    assert not Event.objects.filter(kind="handoff_rejected").exists()
    assert (Assignment.objects.get().queue, Handoff.objects.get().answer) == ("sales", "")
    assert Clock.objects.get().stopped_at is None


def test_days_away_noted_while_something_is_dealt_put_off_its_clock_too(
    hand_over: HandOver, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    publishing.publish(PAUSING, by="cli", at=AT - DAY)
    start, threads = dealing.start, list[threading.Thread]()
    days = {"first": "2026-12-22", "last": "2026-12-22"}

    def away() -> None:
        try:
            desk.set_absence(user=team["sam"], by=team["kim"], at=AT, playbook=load(PAUSING), **days)
        finally:
            connections["default"].close()

    def started(rows: Any) -> None:
        if not threads:
            threads.append(threading.Thread(target=away))
            threads[0].start()
            threads[0].join(timeout=1)  # without the lock it would be through by now, and know nothing of this clock
        start(rows)

    monkeypatch.setattr(dealing, "start", started)
    hand_over(kind="content_downloaded", interest="Ports")
    threads[0].join()
    clock = Clock.objects.get()
    assert (clock.owner, clock.due_at) == (team["sam"], AT + 2 * DAY)
    assert reckoning.again(load(PAUSING)) == 1
    assert Clock.objects.get().due_at == clock.due_at


def test_an_answer_taken_back_twice_at_once(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    actions.reject(handoff_id=waiting.pk, reason="No budget", by=team["sam"], at=AT + MINUTE)
    told = at_once(
        lambda: taking_back.take_back(handoff_id=waiting.pk, by=team["sam"], at=AT + 2 * MINUTE),
        lambda: taking_back.take_back(handoff_id=waiting.pk, by=team["kim"], at=AT + 2 * MINUTE),
    )
    assert refusals(told) == ["The answer was taken back before. Nothing was changed."]
    assert Event.objects.filter(kind="event_voided").count() == 1
    assert (standing().stage, Assignment.objects.get().queue) == ("mql", "sales")
    stands_right()


def test_an_answer_taken_back_while_a_call_is_logged(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + MINUTE)
    call = lifecycle.NewEvent("call_made", person=person().pk, data={"outcome": "no_answer"})
    told = at_once(
        lambda: taking_back.take_back(handoff_id=waiting.pk, by=team["sam"], at=AT + 2 * MINUTE),
        lambda: lifecycle.record([call], by="sam@ours.example", at=AT + 2 * MINUTE),
    )
    if refusals(told):
        assert "Since then Sam noted: Called them (Ana)" in refusals(told)[0]
        assert (standing().stage, Assignment.objects.get().queue) == ("sal", "done")
    else:
        assert (standing().stage, Assignment.objects.get().queue) == ("mql", "sales")
    stands_right()


def test_whoever_has_no_right_is_refused_even_in_the_middle_of_others(hand_over: HandOver, team: Team) -> None:
    waiting = hand_over()
    told = at_once(
        lambda: actions.accept(handoff_id=waiting.pk, by=team["rui"], at=AT + MINUTE),
        lambda: actions.accept(handoff_id=waiting.pk, by=team["eva"], at=AT + MINUTE),
        lambda: actions.hand_over(handoff_id=waiting.pk, told={}, by=team["sam"], at=AT + MINUTE),
        lambda: actions.reassign(handoff_id=waiting.pk, to=team["sam"], by=team["sam"], at=AT + MINUTE),
        lambda: taking_back.take_back(handoff_id=waiting.pk, by=team["rui"], at=AT + MINUTE),
    )
    assert [type(each) for each in told] == [NotAllowed] * 5
    assert (Assignment.objects.get().owner, Handoff.objects.get().answer) == (team["sam"], "")


@pytest.fixture
def closed_for_years(playbook: None) -> None:
    """Open on Mondays only, and every Monday of three years is a holiday."""
    mondays = [str(date(2026, 12, 14) + timedelta(weeks=week)) for week in range(160)]
    calendar = f"hours: Mon 09:00-17:00, holidays: [{', '.join(mondays)}]}}"
    text = PLAYBOOK.replace("hours: Mon-Fri 09:00-17:30, holidays: DE}", calendar)
    steps = "\nsequences: [{name: Two, starts: accepted, steps: [{call: One}, {wait: 1 business day}, {mail: Two}]}]\n"
    publishing.publish(text + steps, by="cli", at=AT - DAY)


def test_a_calendar_that_never_opens_runs_no_clock_and_nothing_breaks(
    closed_for_years: None, hand_over: HandOver, team: Team
) -> None:
    waiting = hand_over()
    assert (Clock.objects.get().due_at, Clock.objects.get().warn_at) == (None, None)
    clocks.tick(AT + 30 * DAY)
    assert not Event.objects.filter(kind__startswith="sla_").exists()
    actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT + MINUTE)
    assert Clock.objects.get(kind="touch").due_at is None
    assert list(Task.objects.order_by("pk").values_list("what", flat=True)) == ["One", "Two"]
    week = today.today(team["sam"], in_force(), at=AT + HOUR).week
    assert (week.answered, week.in_time) == (1, 1)


def test_a_playbook_without_working_hours_is_refused_and_the_one_before_stays(playbook: None) -> None:
    before = line.current().version
    with pytest.raises(Exception, match=r"hours|working"):
        publishing.publish(PLAYBOOK.replace("Mon-Fri 09:00-17:30", "none"), by="cli", at=AT)
    assert line.current().version == before


def test_a_machine_whose_clock_jumped_ahead_and_back_tells_nothing_twice_and_counts_nothing_negative(
    hand_over: HandOver, team: Team
) -> None:
    waiting = hand_over()
    for at in (AT + 400 * DAY, AT + MINUTE, AT + 400 * DAY, AT - 400 * DAY, AT + 2 * MINUTE):
        clocks.tick(at)
    told = list(Event.objects.filter(kind__startswith="sla_").values_list("kind", flat=True))
    assert sorted(told) == ["sla_breached", "sla_warned"]
    keys = list(Notification.objects.values_list("user", "key"))
    assert len(keys) == len(set(keys))
    actions.accept(handoff_id=waiting.pk, by=team["sam"], at=AT - HOUR)
    for clock in Clock.objects.all():
        assert clock.stopped_at is None or clock.stopped_at >= clock.started_at
    ran = Ran(*with_clocks(Handoff.objects.all()).values_list(*COLUMNS).get())
    judged = Lateness(in_force().playbook).judge(ran, AT - HOUR)
    assert (judged.is_late, judged.late_by, judged.took) == (False, 0, 0)
    assert standing().stage == "sal"
    assert rebuilding.rebuild(check=True, at=AT + 400 * DAY).differences == ()


def test_a_worker_whose_clock_was_put_right_goes_on_at_once() -> None:
    turns: list[int] = []
    worker = Worker(name="test", jobs={}, schedules=[Schedule(name="clocks", every=15 * SECOND, run=turns.append)])
    for at in (AT, AT + 400 * DAY, AT + 15 * SECOND, AT + 16 * SECOND, AT + 30 * SECOND):
        worker.turn(at)
    assert turns == [AT, AT + 400 * DAY, AT + 15 * SECOND, AT + 30 * SECOND]


def test_what_was_asked_for_by_a_wrong_clock_is_done_once_it_is_put_right(team: Team) -> None:
    done: list[object] = []
    enqueue(kind="job", key="wrong", payload={"n": 1}, at=AT + 400 * DAY)
    enqueue(kind="job", key="later", payload={"n": 2}, at=AT, run_after=AT + HOUR)
    worker = Worker(name="test", jobs={"job": lambda payload, at: done.append(payload["n"])}, schedules=[])
    worker.turn(AT + SECOND)
    assert done == [1]
    worker.turn(AT + HOUR)
    assert done == [1, 2]
