"""Oracle and kernel on worlds so small that the answer was worked out by hand from section 4, sentence by sentence.

A world is text: day, time, kind, fields. A result is text too: when, from > to. Day 0 is 2026-03-01.
"""

import json
import shlex
from collections.abc import Sequence

import pytest

from engine import oracle
from rung.engine import joining
from rung.engine.company import joined
from rung.engine.program import compile_program
from rung.engine.several import decide
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load
from rung.terms.events import Event
from rung.terms.instants import DAY, HOUR, MINUTE, SECOND, parse_instant

START = parse_instant("2026-03-01")

LADDER = """
stages:
  lead: {enter: signals >= 1}
  mql: {enter: score >= 20}
  sal: {enter: accepted}
  prospect: {enter: reached and need}
  customer: {enter: deal.won}
"""
SIGNALS = """
signals:
  - {name: Page, on: page_viewed, points: 8, half_life: 1d}
  - {name: Paper, on: content_downloaded, points: 20}
  - {name: Demo, on: demo_requested, points: 40, hand_raise: yes}
"""


def book(*sections: str) -> Playbook:
    return load("playbook: 1\nname: Acme\n" + "\n".join(sections))


def when(day: str, time: str = "00:00") -> int:
    hours, minutes, *seconds = time.split(":")
    rest = float(seconds[0]) if seconds else 0.0
    return START + int(day[1:]) * DAY + int(hours) * HOUR + int(minutes) * MINUTE + round(rest * SECOND)


def told(world: str, person: str = "ana", first: int = 1) -> list[Event]:
    """Events from lines `d0 10:00 kind field=value by=sam company=acme.example`, in order of arrival."""
    return [_told(line, person, seq) for seq, line in enumerate(world.strip().splitlines(), first)]


def _told(line: str, person: str, seq: int) -> Event:
    day, time, kind, *fields = shlex.split(line)
    pairs = dict(field.split("=", 1) for field in fields)
    by, company, source = pairs.pop("by", None), pairs.pop("company", None), pairs.pop("source", "")
    who = pairs.pop("person", person)
    data = {name: _value(text) for name, text in pairs.items()}
    of = None if kind in ("company_described", "import_undone") else who
    return Event(seq, of, when(day, time), kind, data, company, by, source, f"m{seq}")


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def decided(playbook: Playbook, world: str, until: str = "d30") -> oracle.Outcome:
    return everybody(playbook, world, until)["ana"]


def everybody(playbook: Playbook, world: str, until: str = "d30", limit: int = 500) -> dict[str, oracle.Outcome]:
    """What the oracle says; that the kernel says the same is looked at in passing."""
    events, end = told(world), when(*until.split())
    outcomes, program = oracle.decide_all(playbook, events, end, limit), compile_program(playbook)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joining, "MOST_COLLEAGUES", limit)
        rows = joined(program, oracle.corrected(events), end)
    for person, outcome in outcomes.items():
        oracle.same(outcome, decide(program, rows[person], end))
    return outcomes


def shown(at: int) -> str:
    day, rest = divmod(at - START, DAY)
    return f"d{day} {rest // HOUR:02}:{rest % HOUR // MINUTE:02}"


def ways(outcome: oracle.Outcome) -> list[str]:
    return [f"{shown(m[0])} {m[1]} > {m[2]}" + (" passed" if m[5] else "") for m in outcome.moves]


def answers(outcome: oracle.Outcome) -> list[str]:
    return [f"{shown(at)} {what} {lane}" for at, what, lane, _ in outcome.handoffs]


def test_a_new_person_stands_on_suspect_and_climbs_when_enter_holds() -> None:
    """ "A new person stands on `suspect` before their first event is looked at." """
    outcome = decided(book(LADDER, SIGNALS), "d0 10:00 email_sent\nd0 11:00 page_viewed")
    assert ways(outcome) == ["d0 11:00 suspect > lead"]


def test_a_promotion_goes_to_the_highest_rung_and_records_those_between() -> None:
    """ "to the highest enabled rung above whose `enter` holds … enabled rungs between are recorded as passed" """
    outcome = decided(book(LADDER, SIGNALS), "d0 10:00 deal_won")
    assert ways(outcome) == [
        "d0 10:00 suspect > lead passed",
        "d0 10:00 lead > mql passed",
        "d0 10:00 mql > sal passed",
        "d0 10:00 sal > prospect passed",
        "d0 10:00 prospect > customer",
    ]
    assert {move[4] for move in outcome.moves} == {"deal.won"}


def test_a_rung_left_out_is_neither_passed_nor_reached() -> None:
    """ "A rung left out of `stages:` is not used." """
    outcome = decided(book("stages: {mql: {enter: signals >= 5}, customer: {enter: deal.won}}"), "d0 10:00 deal_won")
    assert ways(outcome) == ["d0 10:00 suspect > mql passed", "d0 10:00 mql > customer"]


def test_two_lengths_of_time_are_compared_by_which_began_first() -> None:
    """ "on durations only `>=` and `<` are allowed": against each other too, as the fourth article's second lap asks"""
    lap = "setbacks: [{to: lead, when: 'since(newsletter_subscribed) < in_stage', because: News, rest: 1d}]"
    world = "d0 10:00 newsletter_subscribed\nd1 10:00 deal_won\nd2 10:00 page_viewed\nd3 10:00 newsletter_subscribed"
    outcome = decided(book(LADDER, SIGNALS, lap), world)
    assert ways(outcome)[-1] == "d3 10:00 customer > lead"
    assert len(ways(outcome)) == 6


def test_engagement_halves_with_each_half_life() -> None:
    """ "Engagement = Σ over signals of min(cap, Σ pointsᵢ · 2^(−(t − atᵢ)/half_life))" """
    outcome = decided(book(LADDER, SIGNALS), "d0 10:00 page_viewed\nd1 10:00 page_viewed", "d2 10:00")
    assert outcome.standing["engagement"] == 2 + 4


def test_the_cap_applies_to_the_faded_sum() -> None:
    """ "the cap applies to the decayed sum, so order of arrival does not matter" """
    signals = "signals: [{name: Page, on: page_viewed, points: 8, cap: 10, half_life: 1d}]"
    world = "d0 10:00 page_viewed\nd0 10:00 page_viewed\nd0 10:00 page_viewed"
    assert decided(book(LADDER, signals), world, "d0 10:00").standing["engagement"] == 10
    assert decided(book(LADDER, signals), world, "d1 10:00").standing["engagement"] == 10
    assert decided(book(LADDER, signals), world, "d2 10:00").standing["engagement"] == 6


def test_negative_points_neither_fade_nor_are_capped() -> None:
    """ "a signal with negative points takes neither" """
    signals = "signals: [{name: Jobs, on: page_viewed, points: -5}]"
    outcome = decided(book(LADDER, signals), "d0 10:00 page_viewed\nd0 10:00 page_viewed", "d20")
    assert outcome.standing["engagement"] == -10


def test_engagement_is_rounded_to_six_decimals_before_fit_is_added() -> None:
    """ "Engagement is rounded to 6 decimals, then fit is added." """
    signals = "signals: [{name: Page, on: page_viewed, points: 1, half_life: 3d}]"
    fit = "fit: [{name: All, when: not known(person.nothing), points: 0.1}]"
    standing = decided(book(LADDER, signals, fit), "d0 10:00 page_viewed", "d1 10:00").standing
    assert (standing["engagement"], standing["score"]) == (0.793701, 0.793701 + 0.1)


def test_a_flip_by_fading_is_taken_at_the_first_whole_hour_of_the_new_value() -> None:
    """ "a flip through decay is taken … at the first whole hour UTC at which it has its new value" """
    # 8 points fall below 4 one half-life after d0 10:20, so the first whole hour with less is d1 11:00.
    setbacks = "setbacks: [{to: suspect, when: engagement < 4, because: Cold}]"
    outcome = decided(book(LADDER, SIGNALS, setbacks), "d0 10:20 page_viewed")
    assert ways(outcome) == ["d0 10:20 suspect > lead", "d1 11:00 lead > suspect"]
    assert outcome.moves[1][9] is None


def test_a_flip_at_the_very_hour_counts_at_that_hour() -> None:
    """The same with the threshold reached exactly on a whole hour: `<=` has its new value there."""
    setbacks = "setbacks: [{to: suspect, when: engagement <= 4, because: Cold}]"
    outcome = decided(book(LADDER, SIGNALS, setbacks), "d0 10:00 page_viewed")
    assert ways(outcome)[1] == "d1 10:00 lead > suspect"


def test_at_an_event_engagement_is_exact() -> None:
    """ "At an event engagement is exact": an event between two whole hours sees the fall before the hour does."""
    setbacks = "setbacks: [{to: suspect, when: engagement < 4, because: Cold}]"
    outcome = decided(book(LADDER, SIGNALS, setbacks), "d0 10:20 page_viewed\nd1 10:30 email_sent")
    assert ways(outcome)[1] == "d1 10:30 lead > suspect"


def test_by_time_alone_conditions_read_engagement_as_at_the_last_whole_hour() -> None:
    """ "conditions read engagement and score as at the later of the person's last row and the last whole hour UTC" """
    # At d1 10:40 idle is 24 h 20 min; engagement is 3.9 then but is read as at d1 10:00, where it is 4.04.
    setbacks = "setbacks: [{to: suspect, when: idle >= hours(24.25) and engagement < 4, because: Cold}]"
    outcome = decided(book(LADDER, SIGNALS, setbacks), "d0 10:20 page_viewed")
    assert ways(outcome)[1] == "d1 11:00 lead > suspect"


def test_the_numbers_of_a_move_are_exact_at_its_own_time() -> None:
    """ "numbers stored with a move or printed are exact at their own time" """
    setbacks = "setbacks: [{to: suspect, when: idle >= hours(36), because: Cold}]"
    outcome = decided(book(LADDER, SIGNALS, setbacks), "d0 10:20 page_viewed")
    assert outcome.moves[1][0] == when("d1", "22:20")
    assert outcome.moves[1][8] == round(8 * 2**-1.5, 6)


def test_flips_due_at_the_time_of_an_event_come_first() -> None:
    """ "flips due at or before the next event's `at` come first" """
    setbacks = "setbacks: [{to: suspect, when: idle >= days(2), because: Quiet}]"
    outcome = decided(book(LADDER, SIGNALS, setbacks), "d0 10:00 page_viewed\nd2 10:00 page_viewed", "d3")
    assert ways(outcome) == ["d0 10:00 suspect > lead", "d2 10:00 lead > suspect", "d2 10:00 suspect > lead"]


def test_the_clock_ends_inclusive() -> None:
    """ "`--until` … ends the clock, inclusive" """
    setbacks = "setbacks: [{to: suspect, when: idle >= days(2), because: Quiet}]"
    playbook = book(LADDER, SIGNALS, setbacks)
    assert len(decided(playbook, "d0 10:00 page_viewed", "d2 10:00").moves) == 2
    assert len(decided(playbook, "d0 10:00 page_viewed", "d2 09:59").moves) == 1


def test_waiting_lasts_from_a_setback_to_the_next_own_event() -> None:
    """ "An own event ends *waiting*" and "A setback starts *waiting*" """
    setbacks = "setbacks: [{to: lead, when: stage == 'mql' and in_stage >= days(1), because: Slow}]"
    world = "d0 10:00 content_downloaded\nd3 10:00 email_sent\nd4 10:00 email_opened"
    assert ways(decided(book(LADDER, SIGNALS, setbacks), world, "d4 12:00")) == [
        "d0 10:00 suspect > lead passed",
        "d0 10:00 lead > mql",
        "d1 10:00 mql > lead",
        "d4 10:00 lead > mql",
    ]


def test_a_setback_must_lead_strictly_below() -> None:
    """ "rung not higher, status not better in the order active > lost > …, one of the two lower" """
    setbacks = """
setbacks:
  - {to: nurture, when: deal.lost, because: Later}
  - {to: lost, when: deal.lost, because: Lost}
  - {to: lead, when: deal.lost, because: Active again}
"""
    outcome = decided(book(LADDER, SIGNALS, setbacks), "d0 10:00 content_downloaded\nd0 11:00 deal_lost")
    assert ways(outcome)[2:] == ["d0 11:00 mql > nurture"]


def test_lost_may_later_become_nurture() -> None:
    """ "`lost` may later become `nurture`" """
    setbacks = """
setbacks:
  - {to: lost, when: deal.lost, because: Lost}
  - {to: nurture, when: status == "lost" and in_stage >= days(3), because: Later}
"""
    outcome = decided(book(LADDER, SIGNALS, setbacks), "d0 10:00 content_downloaded\nd0 11:00 deal_lost")
    assert ways(outcome)[2:] == ["d0 11:00 mql > lost", "d3 11:00 lost > nurture"]
    assert (outcome.standing["stage"], outcome.standing["status"]) == ("lead", "nurture")


def test_nurture_leaves_those_below_lead_where_they_are() -> None:
    """ "put the person on `lead` (on `suspect` where `lead` is not used) or leave them lower" """
    setbacks = "setbacks: [{to: nurture, when: unsubscribed, because: Gone}]"
    outcome = decided(book(LADDER, SIGNALS, setbacks), "d0 10:00 unsubscribed")
    assert (outcome.standing["stage"], outcome.standing["status"]) == ("suspect", "nurture")
    no_lead = "stages: {mql: {enter: signals >= 1}}"
    outcome = decided(book(no_lead, SIGNALS, setbacks), "d0 10:00 page_viewed\nd0 11:00 unsubscribed")
    assert (outcome.standing["stage"], outcome.standing["status"]) == ("suspect", "nurture")


def test_setbacks_are_looked_at_again_until_none_holds() -> None:
    """ "the first line whose `when` holds … moves the person; look again until none does" """
    setbacks = """
setbacks:
  - {to: suspect, when: stage == "lead" and unsubscribed, because: Second}
  - {to: lead, when: unsubscribed, because: First}
"""
    outcome = decided(book(LADDER, SIGNALS, setbacks), "d0 10:00 content_downloaded\nd0 11:00 unsubscribed")
    assert ways(outcome)[2:] == ["d0 11:00 mql > lead", "d0 11:00 lead > suspect"]


def test_disqualified_keeps_the_rung_and_ends_only_by_hand() -> None:
    """ "`to: disqualified` keeps the rung and ends only by an override" """
    setbacks = "setbacks: [{to: disqualified, when: 'friction(\"no fit\")', because: No fit}]"
    world = """d0 10:00 content_downloaded
d0 11:00 friction_found friction="no fit"
d1 10:00 deal_won
d2 10:00 stage_overridden to=customer until=2026-03-03T11:00:00Z"""
    outcome = decided(book(LADDER, SIGNALS, setbacks), world, "d2 10:30")
    assert ways(outcome)[2:] == ["d0 11:00 mql > disqualified", "d2 10:00 disqualified > customer"]


def test_resting_lets_nobody_above_lead_until_it_is_over_to_the_microsecond() -> None:
    """ "While resting, not above `lead`" and "Flips of … rest and BANT expiry are exact" """
    setbacks = "setbacks: [{to: suspect, when: stage == 'mql' and returned, because: Not yet, rest: 36h}]"
    world = "d0 10:07 content_downloaded\nd0 11:07 handoff_returned\nd0 12:00 page_viewed"
    assert ways(decided(book(LADDER, SIGNALS, setbacks), world))[2:] == [
        "d0 11:07 mql > suspect",
        "d0 12:00 suspect > lead",
        "d1 23:07 lead > mql",
    ]


@pytest.mark.parametrize("event", ["demo_requested", "deal_won"])
def test_a_raised_hand_or_a_won_deal_ends_rest(event: str) -> None:
    """ "an event that matches a signal marked `hand_raise: yes`, or a `deal_won`, ends *rest*" """
    setbacks = "setbacks: [{to: lead, when: stage == 'mql' and returned, because: No, rest: never}]"
    world = f"d0 10:00 content_downloaded\nd0 11:00 handoff_returned\nd1 10:00 page_viewed\nd2 10:00 {event}"
    outcome = decided(book(LADDER, SIGNALS, setbacks), world)
    assert shown(outcome.moves[-1][0]) == "d2 10:00"
    assert outcome.moves[-1][2] == ("customer" if event == "deal_won" else "mql")


def test_a_later_rest_replaces_a_running_one() -> None:
    """ "a later rest replaces a running one": here a longer one by a shorter."""
    setbacks = """
setbacks:
  - {to: lead, when: stage == "mql" and returned, because: First, rest: 20d}
  - {to: suspect, when: stage == "lead" and unsubscribed, because: Second, rest: 1d}
"""
    world = "d0 10:00 content_downloaded\nd0 11:00 handoff_returned\nd1 10:00 unsubscribed\nd1 11:00 page_viewed"
    assert ways(decided(book(LADDER, SIGNALS, setbacks), world))[-1] == "d2 10:00 lead > mql"


REJECTS = """
handoff: {reject_reasons: [{reason: No budget, rest: 2d}, {reason: Not urgent, wakes_on: date}, {reason: Other}]}
setbacks: [{to: nurture, when: rejected and stage != "lead", because: Rejected, rest: 10d}]
"""


@pytest.mark.parametrize(
    ("told_reason", "back"),
    [
        ("reason='No budget'", "d2 11:00"),
        ("reason=Other", "d10 11:00"),
        ("reason=Unheard", "d10 11:00"),
        ("reason='Not urgent' until=2026-03-05", "d4 00:00"),
    ],
)
def test_a_reject_reason_brings_its_own_rest(told_reason: str, back: str) -> None:
    """ "a reject reason's own `rest:` replaces the setback's" """
    world = f"d0 10:00 content_downloaded\nd0 11:00 handoff_rejected {told_reason}\nd0 12:00 page_viewed"
    assert ways(decided(book(LADDER, SIGNALS, REJECTS), world))[-1] == f"{back} nurture > mql"


def test_a_setback_clears_the_answer_and_the_touches_but_not_a_rejection() -> None:
    """ "clears `accepted returned touched reached`; `rejected` stays until the next hand-off opens" """
    setbacks = "setbacks: [{to: lead, when: unsubscribed, because: Gone}]"
    world = "d0 10:00 content_downloaded\nd0 11:00 handoff_{}\nd0 12:00 call_made\nd0 13:00 contacted\n{}"
    gone = "d1 10:00 unsubscribed"
    playbook = book(LADDER, SIGNALS, setbacks)
    before = decided(playbook, world.format("accepted", "d0 14:00 email_sent")).standing
    after = decided(playbook, world.format("accepted", gone)).standing
    assert [before[name] for name in ("accepted", "touched", "reached")] == [True, True, True]
    assert [after[name] for name in ("accepted", "touched", "reached")] == [False, False, False]
    assert decided(playbook, world.format("rejected", gone)).standing["rejected"]


def test_a_rejection_ends_when_the_next_hand_off_opens() -> None:
    """ "Coming to rest on the hand-off rung … opens one and clears `accepted rejected returned`" """
    world = "d0 10:00 content_downloaded\nd0 11:00 handoff_rejected reason='No budget'\nd1 10:00 demo_requested"
    outcome = decided(book(LADDER, SIGNALS, REJECTS), world)
    assert answers(outcome) == ["d0 10:00 opened scored", "d0 11:00 rejected scored", "d1 10:00 opened hand_raise"]
    assert not outcome.standing["rejected"]


def test_bant_expires_to_unknown_exactly_and_a_newer_answer_counts() -> None:
    """ "true / false by the last answer, unknown when never asked and from `at + valid_for` on" """
    sections = (LADDER, SIGNALS, "qualification: {need: {valid_for: 2d}}")
    world = "d0 10:00 bant_answered letter=need confirmed=yes"
    assert decided(book(*sections), world, "d2 09:59").standing["need"] is True
    assert decided(book(*sections), world, "d2 10:00").standing["need"] is None
    assert (
        decided(book(*sections), world + "\nd1 10:00 bant_answered letter=need confirmed=no", "d2 10:00").standing[
            "need"
        ]
        is False
    )


def test_no_promotion_to_a_rung_from_which_a_setback_would_fire_at_once() -> None:
    """ "and on which, as if already arrived (that stage, active, `in_stage` 0 …), no setback would fire" """
    setbacks = "setbacks: [{to: lead, when: stage == 'mql' and not reachable, because: Nobody to call}]"
    world = "d0 10:00 content_downloaded\nd1 10:00 person_described phone=1"
    assert ways(decided(book(LADDER, SIGNALS, setbacks), world)) == ["d0 10:00 suspect > lead"]
    assert ways(decided(book(LADDER, SIGNALS, setbacks), world.replace("phone=1", "phone=+49")))[1:] == [
        "d1 10:00 lead > mql"
    ]


def test_a_text_that_can_be_no_address_reaches_nobody() -> None:
    """ "an e-mail that has not hard-bounced, or a phone number"; S33"""
    stages = "stages: {lead: {enter: reachable}}"
    for told in ("email=n/a", "email=@kim", "email=kim(at)firm.example", "phone=unknown", "email=n/a phone=-"):
        assert not decided(book(stages), f"d0 10:00 person_described {told}").standing["reachable"], told
    for told in ("email=kim@firm.example", "phone=+49", "email=n/a phone=+49"):
        assert decided(book(stages), f"d0 10:00 person_described {told}").standing["reachable"], told


def test_in_stage_is_nought_on_the_supposed_rung() -> None:
    """The same sentence: a setback after some days there does not stop the arrival."""
    setbacks = "setbacks: [{to: suspect, when: in_stage >= days(2), because: Slow}]"
    world = "d0 10:00 email_sent\nd5 10:00 page_viewed"
    assert ways(decided(book(LADDER, SIGNALS, setbacks), world, "d6")) == ["d5 10:00 suspect > lead"]


def test_answers_count_as_cleared_on_the_supposed_hand_off_rung() -> None:
    """The same sentence: "answers cleared on the hand-off rung", so an old rejection does not bar the way."""
    setbacks = "setbacks: [{to: lead, when: stage == 'mql' and rejected, because: No}]"
    world = "d0 10:00 handoff_rejected\nd0 11:00 content_downloaded"
    assert ways(decided(book(LADDER, SIGNALS, setbacks), world))[-1] == "d0 11:00 lead > mql"


EXPANSION = """
setbacks: [{to: lead, when: stage == "customer" and engagement >= 10, because: More, lap: expansion}]
"""


def test_coming_to_rest_on_customer_empties_points_and_counts_the_winning_event_included() -> None:
    """ "Coming to rest on `customer` empties engagement, `signals`, `times`, `since` and `visits`" """
    signals = SIGNALS + "  - {name: Win, on: deal_won, points: 30}\n"
    outcome = decided(book(LADDER, signals, EXPANSION), "d0 10:00 content_downloaded\nd1 10:00 deal_won")
    assert outcome.standing["engagement"] == 0
    assert outcome.moves[-1][8] == 50, "the move carries the numbers that won"


def test_an_expansion_starts_the_next_lap_keeps_the_points_and_promotes_at_once() -> None:
    """ "it starts the next lap, empties every other per-lap fact and keeps those, does not start waiting, and
    promotions follow at once" """
    world = "d0 10:00 deal_won\nd1 10:00 content_downloaded"
    outcome = decided(book(LADDER, SIGNALS, EXPANSION), world)
    assert ways(outcome)[-2:] == ["d1 10:00 customer > lead", "d1 10:00 lead > mql"]
    assert [move[10] for move in outcome.moves[-2:]] == [2, 2]
    assert not outcome.standing["deal_won"]
    assert outcome.standing["is_customer"]
    assert outcome.standing["engagement"] == 20


def test_a_hand_off_left_unanswered_is_withdrawn() -> None:
    """ "Leaving it unanswered withdraws it." """
    setbacks = "setbacks: [{to: lead, when: stage == 'mql' and in_stage >= days(1), because: Slow}]"
    outcome = decided(book(LADDER, SIGNALS, setbacks), "d0 10:00 content_downloaded")
    assert answers(outcome) == ["d0 10:00 opened scored", "d1 10:00 withdrawn scored"]


def test_landing_above_the_hand_off_rung_opens_one_answered_where_the_rep_is_named() -> None:
    """ "A promotion that lands above it opens one too, without clearing …: lane *hand-raise*, answered already where
    the event names the rep." """
    need = "d0 10:00 bant_answered letter=need confirmed=yes\n"
    reps = decided(book(LADDER, SIGNALS), need + "d0 11:00 contacted by=sam")
    nobodys = decided(book(LADDER, SIGNALS), need + "d0 11:00 call_answered")
    assert answers(reps) == ["d0 11:00 opened hand_raise", "d0 11:00 accepted hand_raise"]
    assert answers(nobodys) == ["d0 11:00 opened hand_raise"]


def test_an_override_holds_until_its_instant_and_rules_apply_from_there() -> None:
    """ "no rule moves the person before `until` …; an exact instant at which rules apply again" """
    world = "d0 10:00 content_downloaded\nd0 11:00 stage_overridden to=suspect until=2026-03-04T05:06:00Z"
    assert ways(decided(book(LADDER, SIGNALS), world))[-2:] == ["d3 05:06 suspect > lead passed", "d3 05:06 lead > mql"]


def test_an_override_without_until_holds_ninety_days_and_with_null_for_ever() -> None:
    """ "(default 90 days; null = until another override …)" """
    world = "d0 10:00 content_downloaded\nd0 11:00 stage_overridden to=lead"
    assert ways(decided(book(LADDER, SIGNALS), world, "d91"))[-1] == "d90 11:00 lead > mql"
    assert ways(decided(book(LADDER, SIGNALS), world + " until=null", "d91"))[-1] == "d0 11:00 mql > lead"


def test_a_won_deal_ends_the_hold_at_that_event() -> None:
    """ "except `deal_won`, which ends the hold, rules applying at that event" """
    world = "d0 10:00 stage_overridden to=lead until=null\nd1 10:00 deal_won"
    assert ways(decided(book(LADDER, SIGNALS), world))[-1] == "d1 10:00 prospect > customer"


def test_an_override_that_changes_nothing_writes_no_move_and_still_holds() -> None:
    """ "one move row, none when nothing changes" """
    world = "d0 10:00 page_viewed\nd0 11:00 stage_overridden until=null\nd1 10:00 content_downloaded"
    assert ways(decided(book(LADDER, SIGNALS), world)) == ["d0 10:00 suspect > lead"]


def test_an_override_without_status_makes_the_person_active() -> None:
    """ "`to` missing = the present rung, `status` missing = active" """
    setbacks = "setbacks: [{to: disqualified, when: unsubscribed and lap == 1, because: Gone}]"
    world = "d0 10:00 page_viewed\nd0 11:00 unsubscribed\nd1 10:00 stage_overridden until=null"
    assert ways(decided(book(LADDER, SIGNALS, setbacks), world))[1:] == [
        "d0 11:00 lead > disqualified",
        "d1 10:00 disqualified > lead",
    ]


COLLEAGUES = SIGNALS + "  - {name: Colleague, on: page_viewed, from: company, points: 2}\n"


def test_a_colleagues_event_gives_points_but_is_no_sign_of_life_and_no_signal() -> None:
    """ "never the person's own; it leaves `idle` and `signals` alone" """
    world = """d0 10:00 email_opened company=acme.example
d1 10:00 page_viewed person=ben company=acme.example"""
    setbacks = "setbacks: [{to: nurture, when: idle >= days(2), because: Quiet}]"
    outcomes = everybody(book(LADDER, COLLEAGUES, setbacks), world)
    assert outcomes["ana"].standing["engagement"] == 2
    assert ways(outcomes["ana"]) == ["d2 10:00 suspect > nurture"]
    assert ways(outcomes["ben"])[0] == "d1 10:00 suspect > lead"


def test_a_company_is_the_one_named_last_and_an_event_reaches_only_those_who_belong_then() -> None:
    """ "one join on intervals of belonging (the company named by the person's latest event that names one)" """
    world = """d0 10:00 email_opened company=acme.example
d1 10:00 page_viewed person=ben company=acme.example
d2 10:00 email_opened company=globex.example
d3 10:00 page_viewed person=ben"""
    assert everybody(book(LADDER, COLLEAGUES), world)["ana"].standing["engagement"] == 2


def test_an_event_reaches_those_who_belong_longest_up_to_the_limit() -> None:
    """ "An event reaches at most 500 colleagues", those whose present belonging began first"""
    world = """d0 10:00 email_opened person=ana company=acme.example
d0 10:00 email_opened person=ben company=acme.example
d0 09:00 email_opened person=cleo company=acme.example
d1 10:00 page_viewed person=dan company=acme.example"""
    outcomes = everybody(book(LADDER, COLLEAGUES), world, limit=2)
    assert {person: o.standing["engagement"] for person, o in outcomes.items() if person != "dan"} == {
        "cleo": 2,
        "ana": 2,
        "ben": 0,
    }


def test_company_facts_are_those_of_the_present_company_and_apply_on_joining() -> None:
    """ "`company.*` are those of the present company"; "On joining a company its known facts apply at that row" """
    fit = "fit: [{name: Industry, when: company.industry == 'Software', points: 15}]"
    world = """d0 09:00 company_described company=acme.example industry=Software
d0 10:00 email_opened company=acme.example
d1 10:00 email_opened company=globex.example"""
    assert everybody(book(LADDER, fit), world, "d0 12:00")["ana"].standing["fit"] == 15
    assert everybody(book(LADDER, fit), world)["ana"].standing["fit"] == 0


def test_a_merged_person_is_decided_as_if_always_one() -> None:
    """ "a person is decided on the union of their events as if always one" """
    world = """d0 10:00 content_downloaded person=anna
d1 10:00 handoff_accepted
d2 10:00 persons_merged merged=anna"""
    outcomes = everybody(book(LADDER, SIGNALS), world)
    assert list(outcomes) == ["ana"]
    assert ways(outcomes["ana"])[-1] == "d1 10:00 mql > sal"
    apart = everybody(book(LADDER, SIGNALS), world + "\nd3 10:00 persons_unmerged merged=anna")
    assert ways(apart["anna"])[-1] == "d0 10:00 lead > mql"


def test_voided_events_and_undone_imports_never_happened() -> None:
    """ "`event_voided {event}`, `import_undone {import}` (drops events with source `import:N`)" """
    world = """d0 10:00 page_viewed
d0 11:00 content_downloaded source=import:7
d0 12:00 demo_requested"""
    playbook = book(LADDER, SIGNALS)
    corrected = everybody(playbook, world + "\nd1 10:00 import_undone import=7\nd1 10:00 event_voided event=m3")
    assert ways(corrected["ana"]) == ["d0 10:00 suspect > lead"]


def test_visits_part_at_thirty_minutes() -> None:
    """ "sessions: `page_viewed` and `pricing_viewed`, a gap of 30 minutes or more starts a new one" """
    stages = "stages: {lead: {enter: visits >= 2}}"
    assert not decided(book(stages), "d0 10:00 page_viewed\nd0 10:29:59.9 pricing_viewed").moves
    assert decided(book(stages), "d0 10:00 page_viewed\nd0 10:30 pricing_viewed").moves


def test_deals_count_by_their_last_word() -> None:
    """ "by deal id … the last of opened, won, lost counts: … one lost and none open or won" """
    world = "d0 10:00 deal_opened deal=A\nd0 11:00 deal_lost deal=A\nd0 12:00 deal_opened deal=B"
    names = ("deal_open", "deal_won", "deal_lost")

    def states(world: str) -> list[bool]:
        standing = decided(book("stages: {lead: {enter: signals >= 9}}"), world).standing
        return [standing[name] for name in names]

    assert states(world) == [True, False, False]
    assert states(world + "\nd1 10:00 deal_lost deal=B") == [False, False, True]
    assert states(world + "\nd1 10:00 deal_won deal=B") == [False, True, False]
    assert states("d0 10:00 deal_opened\nd0 11:00 deal_lost") == [False, False, True]


def test_unknown_is_false_even_when_unequal_and_not_is_plain_negation() -> None:
    """ "A comparison with an unknown value is false (`!=` and `not in` too) …; `not (person.age > 3)` is true when the
    age is unknown" """
    playbook = book(
        """
fit:
  - {name: Unequal, when: person.age != 3, points: 1}
  - {name: Not in, when: 'person.country not in ["DE"]', points: 2}
  - {name: Not, when: not (person.age > 3), points: 4}
  - {name: Text, when: person.age == 50, points: 8}
""",
        LADDER,
    )
    assert decided(playbook, "d0 10:00 email_sent").standing["fit"] == 4
    assert decided(playbook, "d0 10:00 person_described age='\"50\"' country=FR").standing["fit"] == 6


def rows(events: Sequence[Event]) -> list[tuple[Event, str]]:
    return [(event, "own") for event in events]


def test_equal_instants_go_by_order_of_arrival() -> None:
    """ "Rows of a person by (`at`, `seq`)" """
    first, second = told("d0 10:00 person_described country=DE\nd0 10:00 person_described country=FR")
    fit = "fit: [{name: Country, when: person.country == 'FR', points: 5}]"
    outcome = oracle.decide(book(LADDER, fit), rows([second, first]), when("d1"))
    assert outcome.standing["fit"] == 5


def test_an_override_ends_rest() -> None:
    """ "other facts stay, rest ends": when the hold is over, nothing keeps the person on lead."""
    setbacks = "setbacks: [{to: lead, when: stage == 'mql' and returned, because: No, rest: never}]"
    world = "d0 10:00 content_downloaded\nd0 11:00 handoff_returned\nd1 10:00 stage_overridden until=2026-03-04"
    assert ways(decided(book(LADDER, SIGNALS, setbacks), world))[-1] == "d3 00:00 lead > mql"


def test_system_kinds_are_counted_and_are_still_no_sign_of_life() -> None:
    """ "events of a kind"; D1 of docs/semantics.md: the kernel once passed them by."""
    sections = (
        "stages: {lead: {enter: times(email_bounced) >= 1}}",
        "setbacks: [{to: suspect, when: since(email_bounced) >= days(2), because: Long ago}]",
    )
    outcome = decided(book(*sections), "d0 10:00 email_bounced")
    assert ways(outcome) == ["d0 10:00 suspect > lead", "d2 10:00 lead > suspect"]
    assert outcome.standing["signals"] == 0
