"""A history cut into Parquet and read part by part gives the answers of the history at once."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine import oracle, strategies
from engine.strategies import Written
from engine.test_replay_parity import columns, moves_of, shown, standing_of
from rung.engine import joining
from rung.engine.company import joined
from rung.engine.files.driving import Parts
from rung.engine.files.parts import Source
from rung.engine.files.segments import Manifest, table_of, write_manifest, write_stretch
from rung.engine.payloads import fields_named
from rung.engine.program import compile_program
from rung.engine.replay import Prepared, Replayed, replay
from rung.engine.several import decide
from rung.playbook.loading import load
from rung.terms.events import Event
from rung.terms.instants import HOUR

worlds = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


@worlds
@given(
    book=strategies.playbooks(),
    told=strategies.histories(),
    cuts=st.lists(st.integers(0, 40), max_size=3),
    names_all=st.booleans(),
    most=st.sampled_from([joining.MOST_COLLEAGUES, 1]),
)
def test_a_history_cut_into_parts_is_decided_as_at_once(
    tmp_path_factory: pytest.TempPathFactory,
    book: Written,
    told: list[Event],
    cuts: list[int],
    names_all: bool,
    most: int,
) -> None:
    program = compile_program(book.playbook)
    fields = sorted(fields_named([program])) if names_all else ["path"]
    folder = tmp_path_factory.mktemp("history")
    tail = written(folder, sorted(told, key=lambda event: event.seq), cuts, fields)
    events = sorted(oracle.corrected(told), key=lambda event: event.seq)
    until = max(event.at for event in told)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joining, "MOST_COLLEAGUES", most)
        at_once = replay(program, columns(events), until, is_compiled=False)
        source = Source(folder, fields=fields, tail=tail)
        parts = Parts(source, [program], until, is_compiled=False, workers=1)
        found = dict(item for shown in parts.each(lambda _, part: shown_of(part, program)) for item in shown.items())
    assert found == shown_of_all(at_once, [event.seq for event in events])


COLLEAGUES = """
playbook: 1
name: Colleagues
fit: [{name: Industry, when: 'company.industry == "Software"', points: 15}]
signals:
  - {name: Page, on: page_viewed, points: 1}
  - {name: Colleague, on: page_viewed, from: company, when: 'data.path != "/"', points: 2, half_life: 2d}
  - {name: Colleague asks, on: demo_requested, from: company, when: 'company.industry == "Software"', points: 5}
stages:
  lead: {enter: engagement >= 4}
  mql: {enter: score >= 18}
"""


@pytest.mark.parametrize(
    ("most", "is_compiled"),
    [(joining.MOST_COLLEAGUES, False), (joining.MOST_COLLEAGUES, True), (2, False)],  # what is compiled keeps its limit
)
def test_colleagues_reach_each_other_across_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, is_compiled: bool
) -> None:
    monkeypatch.setattr(joining, "MOST_COLLEAGUES", most)
    program = compile_program(load(COLLEAGUES))
    fields = sorted(fields_named([program]))
    reached = 0
    for seed in range(8):
        events = busy_companies(seed)
        folder = tmp_path / str(seed)
        tail = written(folder, events, [40, 90], fields)
        until = events[-1].at
        alone = joined(program, events, until)
        reached += sum(row.reach == "company" for rows in alone.values() for row in rows)
        parts = Parts(Source(folder, tail=tail), [program], until, is_compiled=is_compiled, workers=2)
        found = dict(item for shown in parts.each(lambda _, part: shown_of(part, program)) for item in shown.items())
        expected = {person: decide(program, rows, until) for person, rows in alone.items()}
        assert {person: each[0] for person, each in found.items()} == {p: shown(d) for p, d in expected.items()}
        assert {person: each[2] for person, each in found.items()} == {
            person: [-1 if move.seq is None else move.seq for move in each.moves] for person, each in expected.items()
        }
    assert reached > 1_000


def busy_companies(seed: int) -> list[Event]:
    """Eight people who change between three companies, which are described now and then."""
    dice = random.Random(seed)
    companies = ["acme.example", "globex.example", "Initech"]
    events = []
    for seq in range(1, 121):
        at = (seq - dice.randrange(3)) * HOUR
        if dice.random() < 0.1:
            told = dice.choice([{"industry": "Software"}, {"industry": None}, {"industry": 7}, {"employees": 5}])
            events.append(Event(seq, None, at, "company_described", told, dice.choice(companies)))
            continue
        kind = dice.choice(["page_viewed", "page_viewed", "demo_requested"])
        data = {"path": dice.choice(["/", "/pricing", 7])} if kind == "page_viewed" else {}
        company = dice.choice(companies) if dice.random() < 0.3 else None
        events.append(Event(seq, f"p{dice.randrange(8)}@acme.example", at, kind, data, company))
    return events


def written(folder: Path, events: Sequence[Event], cuts: Sequence[int], fields: Sequence[str]) -> Any:
    """The events as stretches cut at these places; what lies behind the last cut is returned as the tail."""
    manifest, first = Manifest(), 0
    for cut in sorted({cut for cut in cuts if 0 < cut <= len(events)}):
        manifest = manifest.with_stretch(write_stretch(folder, table(events[first:cut], fields), fields))
        first = cut
    write_manifest(folder, manifest)
    return table(events[first:], fields)


def table(events: Sequence[Event], fields: Sequence[str]) -> Any:
    told: dict[str, list[Any]] = {
        "seq": [event.seq for event in events],
        "person": [event.person for event in events],
        "at": [event.at for event in events],
        "kind": [event.kind for event in events],
        "data": [json.dumps(dict(event.data)) for event in events],
        "id": [event.message_id for event in events],
        "company": [event.company for event in events],
        "source": [event.source for event in events],
        "by": [event.by for event in events],
    }
    return table_of(told, fields)


Shown = dict[str, tuple[Any, ...]]


def shown_of(part: Prepared, program: Any) -> Shown:
    replayed = part.replay(program)
    return shown_of_all(replayed, None)


def shown_of_all(replayed: Replayed, seqs: list[int] | None) -> Shown:
    """By person everything that was found out. `seqs`: of the history's rows, where they are not the events' own."""
    return {
        person: (
            standing_of(replayed, number),
            moves_of(replayed, number, None),
            events_of(replayed.moves, number, seqs),
            events_of(replayed.handoffs, number, seqs),
            replayed.handoffs.at[replayed.handoffs.person == number].tolist(),
        )
        for number, person in enumerate(replayed.people)
    }


def events_of(changes: Any, person: int, seqs: list[int] | None) -> list[int]:
    found: list[int] = changes.seq[changes.person == person].tolist()
    return found if seqs is None else [seqs[seq - 1] if seq > 0 else seq for seq in found]
