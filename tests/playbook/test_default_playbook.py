"""Life under the default playbook: it climbs, it falls back, and it never flips to and fro."""

from collections import Counter
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples import examples
from playbook.test_seed_histories import RIGHT_FIRM, START, after, decisions, rows
from rung.engine.deciding import Decision, Row
from rung.engine.program import Program, compile_program
from rung.engine.several import decide
from rung.playbook.loading import load
from rung.playbook.shipped import read
from rung.terms.events import Event
from rung.terms.instants import DAY, HOUR

KNOWN = f"d0 person_identified email=ana@acme.example title=CTO\n{RIGHT_FIRM}"
HANDED_OVER = f"{KNOWN}\nd1 demo_requested\n"


def moves(world: str, later: int = 0) -> list[str]:
    last = decisions("default", world, later=later)[-1]
    return [f"d{(m.at - START) // DAY} {m.to_code}" for m in last.moves if not m.passed]


def test_a_whole_climb() -> None:
    world = HANDED_OVER + (
        "d2 handoff_accepted\nd2 contacted outcome=positive\nd3 bant_answered letter=need confirmed=yes\n"
        "d4 bant_answered letter=budget confirmed=yes\nd4 bant_answered letter=timing confirmed=yes\n"
        "d5 admission_given admission=considering\nd5 admission_given admission=change\nd9 deal_won deal=1"
    )
    assert moves(world) == ["d1 mql", "d2 sal", "d3 prospect", "d5 opportunity", "d9 customer"]


def test_who_is_rejected_rests_in_nurture_until_she_raises_her_hand() -> None:
    world = HANDED_OVER + "d2 handoff_rejected reason='No authority'\nd3 page_viewed path=/pricing\n"
    assert after("default", world)[-2:] == ["nurture", "nurture"]
    assert after("default", world + "d4 quote_requested")[-1] == "mql"
    assert after("default", world, later=33)[-1] == "mql"  # the rest is over, and she came back during it


def test_who_is_not_our_customer_never_comes_back_by_score() -> None:
    world = (
        HANDED_OVER + "d2 handoff_rejected reason='Not our customer'\nd3 content_downloaded\nd900 content_downloaded"
    )
    assert after("default", world, later=900)[-1] == "nurture"


def test_who_wakes_on_a_date_wakes_by_herself() -> None:
    world = HANDED_OVER + "d2 handoff_rejected reason='Not urgent' until=2026-05-01\nd3 page_viewed path=/pricing"
    assert moves(world, later=70) == ["d1 mql", "d2 nurture", "d60 mql"]


def test_silence_leads_to_nurture_and_only_her_own_act_leads_out() -> None:
    assert moves(HANDED_OVER, later=200)[:2] == ["d1 mql", "d91 nurture"]
    back = HANDED_OVER + "d120 email_sent\nd150 content_downloaded\nd151 trial_started"
    assert after("default", back)[-3:] == ["nurture", "mql", "mql"]


def test_a_competitor_is_disqualified_whatever_she_does() -> None:
    world = "d0 person_identified email=eva@rival.example\nd0 company is_competitor=true\nd1 demo_requested"
    assert after("default", world) == ["suspect", "disqualified", "disqualified"]


def test_a_badge_scanned_at_a_fair_is_a_sign_of_interest() -> None:
    assert after("default", KNOWN + "\nd1 weak_signal_seen event='Harbour fair'")[-1] == "lead"
    assert after("default", KNOWN + "\nd1 custom event='Harbour fair'")[-1] == "suspect"


def test_reading_alone_never_hands_anybody_over() -> None:
    world = KNOWN + "\n" + "\n".join(f"d1 page_viewed path=/{n}" for n in range(30))
    assert after("default", world)[-1] == "lead"


def test_a_student_is_never_handed_over() -> None:
    world = "d0 person_identified email=s@uni.example title='Student of law'\n" + RIGHT_FIRM + "\nd1 demo_requested"
    assert after("default", world)[-1] == "lead"


def test_a_lost_deal_is_lost_then_nurture_and_a_new_deal_is_a_new_chance() -> None:
    world = HANDED_OVER + (
        "d2 handoff_accepted\nd2 contacted\nd3 bant_answered letter=need confirmed=yes\nd3 deal_opened deal=1\n"
        "d20 deal_lost deal=1 reason=Price\n"
    )
    assert moves(world, later=100) == ["d1 mql", "d2 sal", "d3 prospect", "d20 lost", "d80 nurture"]
    again = world + "d100 contacted\nd101 deal_opened deal=2"
    assert after("default", again)[-2:] == ["mql", "prospect"]  # talked to again, but the lost deal still stands


def test_a_customer_with_new_interest_starts_a_second_lap() -> None:
    world = HANDED_OVER + "d2 handoff_accepted\nd9 deal_won deal=1\nd20 page_viewed path=/\nd50 trial_started"
    assert after("default", world)[-2:] == ["customer", "mql"]
    assert decisions("default", world)[-1].standing.lap == 2


THEIRS = (
    ("page_viewed", {"path": "/"}),
    ("page_viewed", {"path": "/pricing"}),
    ("page_viewed", {"path": "/careers"}),
    ("pricing_viewed", {}),
    ("content_downloaded", {}),
    ("form_submitted", {}),
    ("webinar_attended", {}),
    ("email_clicked", {}),
    ("email_opened", {}),
    ("email_replied", {"outcome": "neutral"}),
    ("demo_requested", {}),
    ("call_answered", {"outcome": "positive"}),
)
SALES = (
    ("handoff_accepted", {}),
    ("handoff_rejected", {"reason": "No budget"}),
    ("handoff_rejected", {"reason": "Not urgent", "until": "2026-06-01"}),
    ("handoff_returned", {"reason": "Duplicate"}),
    ("contacted", {}),
    ("bant_answered", {"letter": "need", "confirmed": "yes"}),
    ("bant_answered", {"letter": "budget", "confirmed": "yes"}),
    ("bant_answered", {"letter": "timing", "confirmed": "no"}),
    ("admission_given", {"admission": "change"}),
    ("admission_given", {"admission": "considering"}),
    ("deal_opened", {"deal": "1"}),
    ("deal_lost", {"deal": "1"}),
    ("deal_won", {"deal": "1"}),
)


@cache
def program() -> Program:
    return compile_program(load(read("default")))


@st.composite
def lives(draw: st.DrawFn) -> list[Row]:
    """A year or so of somebody who fits: up to two acts of hers and two of sales on a day."""
    found, seq, day = rows(KNOWN), 10, 0
    for gap in draw(st.lists(st.sampled_from([1, 1, 2, 5, 14, 35, 95, 190]), min_size=1, max_size=14)):
        day += gap
        acts = [
            *draw(st.lists(st.sampled_from(THEIRS), max_size=2)),
            *draw(st.lists(st.sampled_from(SALES), max_size=2)),
        ]
        for hour, (kind, data) in enumerate(acts):
            seq += 1
            found.append(Row(Event(seq, "ana", START + day * DAY + (9 + 2 * hour) * HOUR, kind, data)))
    return found


@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
@given(lives())
def test_no_setback_is_undone_in_the_same_instant_and_nobody_moves_more_than_four_times_a_day(life: list[Row]) -> None:
    found: Decision = decide(program(), life, life[-1].event.at + 400 * DAY)
    rested = [move for move in found.moves if not move.passed]
    for before, move in pairwise(rested):
        if before.cause == "setback" and move.cause == "promotion" and before.from_code != "customer":
            assert move.at > before.at
    days = Counter(move.at // DAY for move in rested)
    assert max(days.values(), default=0) <= 4


@settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck))
@given(lives())
def test_time_alone_lifts_nobody_at_more_than_one_instant_after_a_step_back(life: list[Row]) -> None:
    """Silence never makes a person swing: a rest that ends may lift her, then she only sinks.

    It may lift her twice at that instant: the new hand-off clears the old rejection, which barred the next rung.
    """
    end = life[-1].event.at
    found = decide(program(), life, end + 1000 * DAY)
    silent = {move.at for move in found.moves if move.at > end and not move.passed and move.cause == "promotion"}
    assert len(silent) <= 1


@pytest.mark.parametrize("name", ["default", "consumer"])
def test_every_rung_of_the_playbook_can_be_reached(name: str) -> None:
    world = (
        "d0 person_identified email=ana@acme.example title=CTO home=owned country=Germany\n"
        "d0 company industry=Software employees=200\nd1 page_viewed path=/\nd2 meeting_booked\nd3 handoff_accepted\n"
        "d4 contacted\nd5 bant_answered letter=need confirmed=yes\nd6 bant_answered letter=budget confirmed=yes\n"
        "d7 bant_answered letter=timing confirmed=yes\nd8 admission_given admission=considering\n"
        "d9 admission_given admission=change\nd10 deal_won deal=1"
    )
    assert set(after(name, world)) == set(load(read(name)).rungs)
