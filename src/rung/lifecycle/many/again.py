"""People decided again from nothing by all that ever happened: what is found out about them, and the writing of it.

The finding writes nothing and can be left to another process; what it read has to stand still until it is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from rung import tables
from rung.engine.deciding import Row
from rung.history.queries import Reading, Stored, reading
from rung.lifecycle.deciding import anew, compiling, former, handoffs
from rung.lifecycle.deciding.former import MoveKey
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.deciding.outcome import Outcome
from rung.lifecycle.deciding.rounds import forget
from rung.lifecycle.deciding.rows import as_event
from rung.lifecycle.many import columns
from rung.lifecycle.models import Handoff
from rung.people import actions as people
from rung.people.queries import people_by_id


class Again(NamedTuple):
    """What people have become by the history as it stood at `reading`, by the playbook of a generation.

    `persons`: themselves, where they are worked out anew, too. `outdated`: of whom the generation says something that
    goes. `real`: the moves that did happen; `present`: those that their past has now, where that is to be noted.
    """

    reading: Reading
    generation_id: int
    persons: people.Changes | None
    outdated: Sequence[int]
    rows: anew.Rows
    real: Mapping[int, set[MoveKey]]
    present: Mapping[int, set[MoveKey]] | None
    handoffs: list[Handoff]

    def still_holds(self, line: Line) -> bool:
        """Whether nothing was recorded since, nor another playbook put in force. The caller holds the lock."""
        return self.generation_id == line.generation_id and self.reading == reading()


def found(line: Line, person_ids: Sequence[int], *, at: int, before: Line | None = None, is_first: bool) -> Again:
    """What these living people have become at the instant. `before` and `is_first` are as in `bulk.decide_again`."""
    read = reading()
    known = people_by_id(person_ids)
    own = people.own_events(known)
    persons = people.described(known, own) if is_first else None
    old = _decided_until(line, person_ids)
    real = anew.real_moves(list(person_ids if before else old), before or line)
    if compiling.is_ready(len(known)):
        outcomes = columns.decided(line, list(known), at=at, people=known)
    else:
        outcomes = anew.decided(line, list(known), at=at, people=known, own=own)
    rows = anew.rows_of(line, outcomes, real=real, known=None if before else old)
    told = {outcome.person.id: {former.key_of(move) for move in outcome.moves} for outcome in outcomes}
    new = [outcome for outcome in outcomes if outcome.person.id not in old] if is_first else []
    return Again(
        reading=read,
        generation_id=line.generation_id,
        persons=persons,
        outdated=list(old) if is_first else list(person_ids),
        rows=rows,
        real=real,
        present=told if before is None else None,
        handoffs=_handoffs(line, new, own),
    )


def write(line: Line, again: Again) -> None:
    """Writes it in place of what the generation says of them. The caller holds a transaction and the lock."""
    if again.persons is not None:
        people.write(again.persons)
    forget(again.outdated, line)
    anew.insert(again.rows)
    if again.present is not None:
        former.keep(again.real, again.present, line.name)
    Handoff.objects.bulk_create(again.handoffs, batch_size=500)


def _decided_until(line: Line, person_ids: Sequence[int]) -> dict[int, int]:
    statement = "SELECT person_id, decided_until FROM lifecycle_standing WHERE person_id IN ({ids})"
    return dict(tables.read(f"{statement} AND generation_id = %s", person_ids, line.generation_id))


def _handoffs(line: Line, outcomes: Sequence[Outcome], own: Mapping[int, Sequence[Stored]]) -> list[Handoff]:
    """The hand-offs of people whose history came in whole, as they were opened and answered, and by whom."""
    rows: list[Handoff] = []
    for outcome in outcomes:
        if not outcome.decision.handoffs:
            continue
        person = outcome.person
        told = replace(outcome, rows=[Row(as_event(event, person.id, {})) for event in own[person.id]])
        current: Handoff | None = None
        for change in told.changes().changes:
            if change.what == "opened":
                current = handoffs.row_of(person, change, line)
                rows.append(current)
            elif current is not None:
                handoffs.close(current, change)
                current = None
    return rows
