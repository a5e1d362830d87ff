"""What happens in the house of `dirty`, by our own functions; Django is loaded by whoever asks."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db import transaction

import dirty
from rung.access.actions import add_user
from rung.capture.imports import actions as imports
from rung.capture.imports import mapping
from rung.handoff import carrying, clocks
from rung.jobs import locks
from rung.lifecycle import actions
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.deciding.rounds import Round, decide_round
from rung.lifecycle.many import bulk
from rung.lifecycle.models import Handoff, Standing
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.rules import NewEvent
from rung.people.queries import people_by_id, person_named
from rung.people.rules import Keys
from rung.terms.instants import HOUR


def lived(people: int, *, colleagues: bool = False) -> None:
    """A house with people of whom some were merged, who did things, and whose hand-offs lie on desks."""
    for name, role, team in (("sam", "sales", "North"), ("tom", "sales", "North"), ("kim", "manager", "")):
        add_user(email=f"{name}@ours.example", name=name.capitalize(), role=role, team=team, by="test", at=1)
    text = dirty.PLAYBOOK.replace("COLLEAGUES", dirty.COLLEAGUES if colleagues else "")
    publishing.publish(text, by="cli", at=dirty.BEGAN)
    told = [
        NewEvent(
            **{**each, "keys": Keys(**each.get("keys", {}))}, door="import", source="past", message_id=f"p{number}"
        )
        for number, each in enumerate(dirty.past(people))
    ]
    bulk.load(told, by="cli", at=dirty.LIVED - HOUR)
    for number in range(0, people, 7):
        one, other = person_named(dirty.known_address(number)), person_named(dirty.second_address(number))
        assert one is not None and other is not None
        actions.merge(survivor=one, merged=other, by="rung", at=dirty.LIVED - HOUR)
    worked(dirty.LIVED)


def worked(at: int) -> None:
    """What the worker does now and then."""
    clocks.tick(at)
    while actions.look_again(at=at):
        pass
    while Handoff.objects.filter(carried=None, opened_at__lte=at).exists():
        carrying.carry(at)


def looked_at(at: int) -> None:
    """Time passes for everybody who was not decided at the instant anyhow."""
    with transaction.atomic():
        locks.hold()
        ids = list(Standing.objects.exclude(decided_until=at).values_list("person_id", flat=True))
        line = lines.current()
        decided = decide_round(Round(people=people_by_id(ids), anew=set(ids)), line, at=at)
        actions.follow(decided.handoffs, line=line, at=at, moves=decided.moves)


def acted(numbers: Iterable[int]) -> set[int]:
    """What happens meanwhile: people we know come by. Returns who moved by it, or whose hand-off changed."""
    keys = {number: Keys(email=dirty.known_address(number)) for number in numbers}
    told = [
        NewEvent("page_viewed", keys=key, message_id=f"live{number}", source="site") for number, key in keys.items()
    ]
    recorded = actions.record(told, by="site", at=dirty.ACTED)
    moved = {move.person_id for move in recorded.moves}
    return {number for number, person_id in zip(keys, recorded.people, strict=True) if person_id in moved}


def imported(folder: Path, count: int, known: int, at: int = dirty.IMPORTED) -> Any:
    files = dirty.write(folder, count, known=known)
    return imports.run(files, mapping=mapping.load(dirty.MAPPING), kind=None, by="rung", at=at)
