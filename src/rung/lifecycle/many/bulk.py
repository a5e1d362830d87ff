"""Whole histories at once: loading, building a generation, deciding many people from nothing."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

import numpy as np
from django.db import transaction

from rung import tables
from rung.access.actions import By, name_of
from rung.history.models import Event
from rung.jobs import clock, locks
from rung.lifecycle import consequences, same_people
from rung.lifecycle.correcting import corrections, merging
from rung.lifecycle.deciding import compiling
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.deciding.memory import Ids, nothing_to_collect
from rung.lifecycle.deciding.rows import ever_there
from rung.lifecycle.generations import ensure_playbook
from rung.lifecycle.intake import Taken, taken_in
from rung.lifecycle.many import again, deciders
from rung.lifecycle.models import OF_A_GENERATION
from rung.lifecycle.rules import CORRECTIONS, OF_A_COMPANY, NewEvent, News, Refusal
from rung.people import actions as people
from rung.people.models import Company, Identity, Person, Trait
from rung.people.queries import living_ids

Progress = Callable[[int, int], None]
"""Called with (done, in all)."""

MANY: Final = 10_000
"""What a caller says who does not know how many there will be, but many: it is worth compiling for."""
_LOADED: Final = (Event, Person, Identity, Trait, Company, *OF_A_GENERATION)
"""The tables that a load makes larger."""
_EVENTS_AT_A_TIME: Final = 5_000
_PEOPLE_AT_A_TIME: Final = 900
_IDS_AT_A_TIME: Final = 10_000
_COMPANIES_AT_A_TIME: Final = 2_000


@dataclass(slots=True)
class Loaded:
    """What came of loading a history; received = accepted + duplicates + refused."""

    accepted: int = 0
    duplicates: int = 0
    refused: list[Refusal] = field(default_factory=list)
    people: int = 0


def load(
    events: Iterable[NewEvent],
    *,
    by: By,
    at: int | None = None,
    progress: Progress | None = None,
    total: int = 0,
    at_a_time: int = 0,
    resumed: str = "",
    deciding: Progress | None = None,
    refuse: Callable[[Refusal], object] | None = None,
) -> Loaded:
    """Brings in a history as it happened: events in chunks, then everybody they touch is decided once.

    Nothing follows from it: hand-offs are written as they were, but no mail is sent and no task made for the past.
    Not all or nothing: a chunk is; loading the same again counts what is there as duplicates and goes on. `resumed`
    is the source of a history that was cut short: whoever its earlier part touched is decided now, too. `refuse` gets
    each refusal of a chunk before the next is read; left out, they are gathered.
    """
    arrived_at = clock.now() if at is None else at
    loaded, touched, companies = Loaded(), Ids(), Ids()
    refuse = refuse or loaded.refused.append
    source, offset = iter(events), 0
    if resumed:
        touched.add(tables.numbers(_PEOPLE_OF, resumed))
        companies.add(tables.numbers(_COMPANIES_OF, resumed, OF_A_COMPANY))
    compiling.begin(total)
    with deciders.Others() as others:
        while chunk := list(islice(source, at_a_time or _EVENTS_AT_A_TIME)):
            with nothing_to_collect(), transaction.atomic():
                locks.hold()
                taken = _append(chunk, touched, companies, by=name_of(by), at=arrived_at)
            loaded.accepted += len(taken.seqs)
            loaded.duplicates += taken.duplicates
            for refusal in taken.refused:
                refuse(replace(refusal, index=refusal.index + offset))
            offset += len(chunk)
            others.begin(loaded.accepted)
            if progress is not None:
                progress(offset, max(total, offset))
        loaded.people = _decide_touched(touched, companies, others, at=arrived_at, progress=deciding or progress)
    if loaded.accepted >= MANY:
        tables.count_anew(_LOADED)
    if loaded.accepted:
        same_people.ask_sweep(arrived_at)
    return loaded


_PEOPLE_OF: Final = "SELECT DISTINCT person_id FROM history_event WHERE source = %s AND person_id IS NOT NULL"
_COMPANIES_OF: Final = "SELECT DISTINCT company_id FROM history_event WHERE source = %s AND kind = %s"


def _decide_touched(
    touched: Ids, companies: Ids, others: deciders.Others, *, at: int, progress: Progress | None
) -> int:
    """Decides everybody a load touched, so many in a transaction that nobody else waits long; returns how many."""
    with transaction.atomic():
        locks.hold()
        ensure_playbook(at=at)
    described = companies.once()
    for start in range(0, len(described), _COMPANIES_AT_A_TIME):
        with transaction.atomic():
            locks.hold()
            some = described[start : start + _COMPANIES_AT_A_TIME]
            people.describe_companies_again(some)
            touched.add(ever_there(some))
    ids = side_by_side(touched.once())
    compiling.begin(len(ids))
    chunks = list(parts(ids, _PEOPLE_AT_A_TIME))
    beside = others.again_of([part for _, part in chunks], lines.current(), at=at)
    for done, part in chunks:
        found = next(beside, None)
        with nothing_to_collect(), transaction.atomic():
            locks.hold()
            line = ensure_playbook(at=at)
            if found is None or not found.still_holds(line):
                # Somebody records meanwhile: what other processes find is old before it can be written.
                beside.close()
                # Between two parts somebody may have been merged, or a playbook put in force.
                living = sorted(set(living_ids(part).values()))
                found = again.found(line, living, at=at, is_first=True)
            again.write(line, found)
        if progress is not None:
            progress(done, len(ids))
    return len(ids)


def decide_again(
    line: Line,
    person_ids: Sequence[int],
    *,
    at: int,
    before: Line | None = None,
    is_first: bool = False,
    progress: Progress | None = None,
) -> None:
    """Decides these living people from nothing, in place of what the generation says of them.

    `before`: moves that are not in that generation too are re-definitions. `is_first`: this is their history as it
    happened: no move is a re-definition unless an earlier decision said otherwise, and hand-offs are written.
    """
    ordered = side_by_side(person_ids)
    compiling.begin(len(ordered))
    for done, part in parts(ordered, _PEOPLE_AT_A_TIME):
        with nothing_to_collect():
            again.write(line, again.found(line, part, at=at, before=before, is_first=is_first))
        if progress is not None:
            progress(done, len(ordered))


def _append(chunk: Sequence[NewEvent], touched: Ids, companies: Ids, *, by: str, at: int) -> Taken:
    taken = taken_in(chunk, by=by, at=at)
    correcting = [event for event in taken.happened if event.kind in CORRECTIONS]
    if correcting:
        line = ensure_playbook(at=at)
        corrected = corrections.applied(correcting, line)
        news = News(tuple(event._replace(at=at) for event in correcting), (), (), at)
        for consequence in consequences.of_corrections():
            consequence(news)
        merging.ended(corrected.merges, line)
        touched.add({*corrected.people, *corrected.own})
        companies.add(corrected.companies)
    touched.add(event.person_id for event in taken.happened if event.person_id is not None)
    described = (event.company_id for event in taken.happened if event.kind == OF_A_COMPANY)
    companies.add(company_id for company_id in described if company_id is not None)
    return taken


def side_by_side(person_ids: Sequence[int]) -> "array[int]":
    """The living of these people, colleagues beside each other, so that what they share is read once for a chunk."""
    ids, companies = array("q"), array("q")
    for start in range(0, len(person_ids), _IDS_AT_A_TIME):
        living = set(living_ids(person_ids[start : start + _IDS_AT_A_TIME]).values())
        for company_id, person_id in tables.read(_COMPANIES, living):
            ids.append(person_id)
            companies.append(company_id)
    if not ids:
        return ids
    pairs = np.stack((np.frombuffer(companies, np.int64), np.frombuffer(ids, np.int64)), axis=1)
    return array("q", np.unique(pairs, axis=0)[:, 1].tobytes())


_COMPANIES: Final = "SELECT COALESCE(company_id, 0), id FROM people_person WHERE id IN ({ids})"


def parts(ids: Sequence[int], size: int) -> Iterator[tuple[int, list[int]]]:
    for start in range(0, len(ids), size):
        part = list(ids[start : start + size])
        yield start + len(part), part
