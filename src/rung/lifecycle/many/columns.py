"""People's pasts as columns: what a whole generation is decided from, without an object for each event."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np

from rung.engine import afresh
from rung.engine.histories import KIND_CODES, KIND_NAMES, NONE, Distinct, Ints, Told
from rung.history.queries import Telling, decoded, telling
from rung.lifecycle.deciding import anew, compiling
from rung.lifecycle.deciding.anew import Rows
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.deciding.memory import nothing_to_collect
from rung.lifecycle.deciding.outcome import (
    MARKING,
    NEVER,
    Counted,
    Outcome,
    emptied,
    kinds_counted,
    lap_begun,
    marks,
    moved,
)
from rung.lifecycle.deciding.rows import ever_there, key_of
from rung.lifecycle.rules import CORRECTIONS, OF_A_COMPANY, OF_NOBODY
from rung.people.models import Person
from rung.people.queries import living_ids, people_by_id, with_merged

_ROWS: Final = f"kind NOT IN ({', '.join(repr(kind) for kind in sorted(CORRECTIONS | OF_NOBODY))})"
"""Corrections are said of the history, and what is nobody's is nobody's row."""


def rows_of(part: Sequence[int], line: Line, before: Line, *, at: int) -> Rows:
    """The rows of these people in the line's generation; without columns where the kernel is not compiled here."""
    with nothing_to_collect():
        how = decided if compiling.is_ready(len(part)) else anew.decided
        return anew.rows_of(line, how(line, part, at=at), real=anew.real_moves(part, before))


def decided(
    line: Line, person_ids: Sequence[int], *, at: int, people: Mapping[int, Person] | None = None
) -> list[Outcome]:
    """What becomes of these living people by all that ever happened, at the instant: as `anew.decided` says it.

    `people`: themselves, where the caller has read them already. Their rows say who they are of, and not by whom.
    """
    past = Past(person_ids, line)
    if not past.ids:
        return []
    people = people_by_id(past.ids) if people is None else people
    found = afresh.decided(line.program, past, len(past.ids), at)
    counted, last_at, marked = past.kinds_counted(), past.last_at(), past.with_kinds(MARKING)
    return [
        _outcome(line, people[person_id], each, counted[n], last_at[n], has_marks=n in marked)
        for n, (person_id, each) in enumerate(zip(past.ids, found, strict=True))
    ]


def _outcome(
    line: Line, person: Person, found: afresh.Decided, counted: list[Counted], last_at: int, *, has_marks: bool
) -> Outcome:
    decision = found.decision
    moves = moved(person.id, decision.moves, "suspect") if decision.moves else []
    emptied_by, lap_begun_by = emptied(moves), lap_begun(moves, 1)
    if emptied_by is not None:
        counted = kinds_counted(found.rows, emptied_by)
    signals = line.playbook.signals
    return Outcome(
        person=person,
        decision=decision,
        moves=moves,
        rows=found.rows,
        until=found.until,
        decided_before=NEVER,
        last_seq=found.last_seq,
        last_at=last_at,
        is_anew=True,
        counted=[*counted, *(Counted(signals[n].name, True, times, at) for n, times, at in decision.matched)],
        is_emptied=emptied_by is not None,
        marked=marks(found.rows, lap_begun_by) if has_marks else [],
        is_new_lap=lap_begun_by is not None,
    )


class Past:
    """The rows of people, and those of their companies and colleagues: a history as the engine reads it.

    `ids`: whoever of the people asked for has a row; their codes come before those of colleagues.
    """

    def __init__(self, person_ids: Collection[int], line: Line) -> None:
        living = with_merged(person_ids)
        own = telling("person_id", living, _ROWS)
        codes: dict[int, int] = {}
        person = [codes.setdefault(living[id_], len(codes)) for id_ in own.person_id]
        self.ids = list(codes)
        parts = [own]
        companies = {id_ for id_ in own.company_id if id_ is not None}
        if companies:
            described = telling("company_id", companies, f"kind = '{OF_A_COMPANY}'")
            parts.append(described)
            person += [NONE] * len(described.seq)
            if line.shared_kinds:
                colleagues = with_merged(set(living_ids(ever_there(companies)).values()).difference(person_ids))
                kinds = ", ".join(f"'{kind}'" for kind in sorted(line.shared_kinds))
                theirs = telling("person_id", colleagues, f"{_ROWS} AND (company_id IS NOT NULL OR kind IN ({kinds}))")
                parts.append(theirs)
                person += [codes.setdefault(colleagues[id_], len(codes)) for id_ in theirs.person_id]
        self.people = list(map(key_of, codes))
        self.person = np.array(person, np.int32)
        self._read(parts)

    def _read(self, parts: Sequence[Telling]) -> None:
        whole = Telling(*([value for column in columns for value in column] for columns in zip(*parts, strict=True)))
        self.at, self.seq = np.array(whole.at, np.int64), np.array(whole.seq, np.int64)
        self.kind = np.array([KIND_CODES[kind] for kind in whole.kind], np.int16)
        self.has_by = np.array(whole.has_by, np.bool_)
        companies: dict[int | None, int] = {None: NONE}
        self.company = np.array([companies.setdefault(id_, len(companies) - 1) for id_ in whole.company_id], np.int32)
        self.companies = [str(id_) for id_ in companies if id_ is not None]
        self._said = Distinct.of_texts(whole.data, decoded)

    @property
    def data(self) -> Sequence[Mapping[str, object]]:
        return self._said

    def told(self, fields: Sequence[str], rows: Ints) -> list[Told]:
        """What these rows tell in each of the fields."""
        return [self._said.told(name, rows) for name in fields]

    def kinds_counted(self) -> list[list[Counted]]:
        """How often each kind happened to each of the people themselves, and when last."""
        own = (self.person >= 0) & (self.person < len(self.ids))
        person, width = self.person[own].astype(np.int64), len(KIND_NAMES)
        pairs, place, times = np.unique(person * width + self.kind[own], return_inverse=True, return_counts=True)
        last_at = np.full(len(pairs), np.iinfo(np.int64).min)
        np.maximum.at(last_at, place, self.at[own])
        found: list[list[Counted]] = [[] for _ in self.ids]
        for pair, count, at in zip(pairs.tolist(), times.tolist(), last_at.tolist(), strict=True):
            found[pair // width].append(Counted(KIND_NAMES[pair % width], False, count, at))
        return found

    def last_at(self) -> list[int]:
        """When something last happened to each of the people themselves."""
        own = (self.person >= 0) & (self.person < len(self.ids))
        found = np.zeros(len(self.ids), np.int64)
        np.maximum.at(found, self.person[own], self.at[own])
        return found.tolist()

    def with_kinds(self, kinds: Collection[str]) -> set[int]:
        """The codes of whoever has a row of one of the kinds."""
        return set(self.person[np.isin(self.kind, [KIND_CODES[kind] for kind in kinds])].tolist())
