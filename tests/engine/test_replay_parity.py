"""Compiled = uncompiled: one kernel, two ways to run it, on random playbooks and whole random histories."""

import os
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine import oracle, strategies
from engine.strategies import Written
from rung.engine.company import joined
from rung.engine.deciding import Decision
from rung.engine.explain import clauses_of, missing, missing_texts
from rung.engine.histories import KIND_NAMES, Columns
from rung.engine.program import compile_program
from rung.engine.replay import TEMPERATURES, Replayed, replay
from rung.engine.several import decide
from rung.engine.warming import warm_up
from rung.playbook.loading import load
from rung.terms.events import Event
from rung.terms.instants import DAY, HOUR
from rung.terms.stages import STAGES, STATUSES

CAUSES = ("promotion", "setback", "override")
WHATS = ("opened", "accepted", "rejected", "returned", "withdrawn")
LANES = {1: "hand_raise", 2: "scored"}
ANSWERS = ("", "accepted", "rejected", "returned")
LETTERS = (None, True, False)

parity = settings(
    max_examples=2_000 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)


@parity
@given(strategies.playbooks(), strategies.histories(), st.sampled_from([0, HOUR, -DAY, 4 * DAY, 400 * DAY]))
def test_a_history_replayed_at_once_equals_everybody_decided_alone(book: Written, told: list[Event], rest: int) -> None:
    events = sorted(oracle.corrected(told), key=lambda event: event.seq)
    until = max(event.at for event in told) + rest
    program = compile_program(book.playbook)
    history, clauses = columns(events), clauses_of(program)
    replayed = replay(program, history, until, clauses=clauses, is_compiled=True)
    plain = replay(program, history, until, clauses=clauses, is_compiled=False)
    for fast, slow in zip(
        (*replayed.standings, *astuple(replayed.moves)), (*plain.standings, *astuple(plain.moves)), strict=True
    ):
        np.testing.assert_array_equal(fast, slow)
    texts = dict(zip(replayed.people, missing_texts(replayed), strict=True))
    alone = joined(program, events, until)
    for number, person in enumerate(replayed.people):
        if person in alone:
            decision = decide(program, alone[person], until)
            assert standing_of(replayed, number) == shown(decision)
            assert moves_of(replayed, number, events) == moves_shown(decision)
            assert handoffs_of(replayed, number, events) == [(h.at, h.what, h.lane, h.seq) for h in decision.handoffs]
            assert texts[person] == "; ".join(clause.words for clause in missing(program, alone[person], until))


def columns(events: Sequence[Event]) -> Columns:
    """The events as the reading room hands them over."""
    people = {person: n for n, person in enumerate(dict.fromkeys(e.person for e in events if e.person))}
    companies = {company: n for n, company in enumerate(dict.fromkeys(e.company for e in events if e.company))}
    return Columns(
        people=list(people),
        companies=list(companies),
        person=np.array([people[e.person] if e.person else -1 for e in events], np.int32),
        at=np.array([e.at for e in events], np.int64),
        kind=np.array([KIND_NAMES.index(e.kind) for e in events], np.int16),
        company=np.array([companies[e.company] if e.company else -1 for e in events], np.int32),
        has_by=np.array([e.by is not None for e in events], np.bool_),
        data=[e.data for e in events],
    )


def standing_of(replayed: Replayed, person: int) -> tuple[Any, ...]:
    s = replayed.standings
    likelihood = float(s.likelihood[person])
    answer = ANSWERS[s.answer[person]]
    return (
        STAGES[s.stage[person]],
        STATUSES[s.status[person]],
        int(s.lap[person]),
        float(s.score[person]),
        float(s.fit[person]),
        float(s.engagement[person]),
        TEMPERATURES[s.temperature[person]],
        *(int(column[person]) for column in (s.since, s.first_at, s.last_at, s.idle_since, s.signals, s.visits)),
        *(LETTERS[column[person]] for column in (s.budget, s.authority, s.need, s.timing)),
        *(answer == given for given in ANSWERS[1:]),
        *(bool(column[person]) for column in (s.touched, s.reached, s.reachable, s.deal_open, s.deal_won, s.deal_lost)),
        *(bool(column[person]) for column in (s.is_customer, s.consented, s.unsubscribed, s.is_waiting)),
        None if likelihood != likelihood else likelihood,
        text_or_none(replayed.competitors[s.competitor[person]]),
        text_or_none(replayed.decision_dates[s.decision_date[person]]),
        int(s.decision_makers[person]),
    )


def shown(decision: Decision) -> tuple[Any, ...]:
    s = decision.standing
    return (
        s.stage,
        s.status,
        s.lap,
        s.score,
        s.fit,
        s.engagement,
        s.temperature,
        *(s.since, s.first_at, s.last_at, s.idle_since, s.signals, s.visits),
        *(s.budget, s.authority, s.need, s.timing),
        *(s.accepted, s.rejected, s.returned),
        *(s.touched, s.reached, s.reachable, s.deal_open, s.deal_won, s.deal_lost),
        *(s.is_customer, s.consented, s.unsubscribed, s.is_waiting),
        s.likelihood,
        s.competitor,
        s.decision_date,
        s.decision_makers,
    )


def text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def moves_of(replayed: Replayed, person: int, events: Sequence[Event] | None) -> list[tuple[Any, ...]]:
    m = replayed.moves
    return [
        (
            int(m.at[n]),
            STAGES[m.stage[n]],
            STATUSES[m.status[n]],
            CAUSES[m.cause[n]],
            bool(m.passed[n]),
            float(m.score[n]),
            float(m.fit[n]),
            float(m.engagement[n]),
            (events[m.seq[n] - 1].seq if m.seq[n] >= 0 else None) if events is not None else None,
            int(m.lap[n]),
        )
        for n in np.flatnonzero(m.person == person).tolist()
    ]


def moves_shown(decision: Decision) -> list[tuple[Any, ...]]:
    return [
        (m.at, m.stage, m.status, m.cause, m.passed, m.score, m.fit, m.engagement, m.seq, m.lap) for m in decision.moves
    ]


def handoffs_of(replayed: Replayed, person: int, events: Sequence[Event]) -> list[tuple[Any, ...]]:
    h = replayed.handoffs
    return [
        (int(h.at[n]), WHATS[h.what[n]], LANES[int(h.lane[n])], events[h.seq[n] - 1].seq if h.seq[n] >= 0 else None)
        for n in np.flatnonzero(h.person == person).tolist()
    ]


def test_warming_up_compiles_what_a_replay_needs() -> None:
    warm_up()
    from rung.engine import compiled

    before = len(compiled.run_all.signatures)
    book = load(
        "playbook: 1\nname: Acme\nsignals: [{name: P, on: page_viewed, points: 1}]\nstages: {lead: {enter: 'true'}}"
    )
    program = compile_program(book)
    replay(program, columns([Event(1, "ana", 0, "page_viewed")]), 5, clauses=clauses_of(program), is_compiled=True)
    assert len(compiled.run_all.signatures) == before
