"""`rung backtest --engine spark`: a ground whose replays run on Spark, figures and intervals here.

A partition holds all rows of its people. It is a small ground of its own: what it says of hand-offs, times on rungs and
wins comes back as columns, is put in the order in which one process would have them, and told as ever.
"""

import functools
import pickle  # what our own workers send, over Spark's own wire
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rung.engine import machine
from rung.engine.company import joined
from rung.engine.deciding import Row
from rung.engine.files import spark
from rung.engine.files.parts import Source, _decode
from rung.engine.histories import KIND_CODES, Ints, told_by
from rung.engine.histories import Told as ToldField
from rung.engine.kernel import NONE
from rung.engine.payloads import OF_A_COMPANY, fields_named
from rung.engine.program import Program, compile_program
from rung.engine.replay import Prepared
from rung.engine.trying import handovers
from rung.engine.trying.backtest import Scope, Told
from rung.engine.trying.ground import HOT, Ground, asking
from rung.engine.trying.handovers import NEVER, Deeds, Side
from rung.engine.trying.varying import CannotTry, Knob
from rung.playbook.definitions import Playbook
from rung.terms.events import Event
from rung.terms.instants import DAY

_TOLD: Final = (
    "kind IN ('stage_overridden', 'deal_won', 'handoff_accepted', 'handoff_rejected', 'handoff_returned') OR "
    "(kind IN ('person_identified', 'person_described') AND data LIKE '%\"source\"%') OR data LIKE '%\"utm_source\"%'"
)
"""The rows of which a backtest reads more than columns say."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What some people's rows say: their keys, when each one arrived first, and a side for each definition."""

    people: list[str]
    first_seq: Ints
    deeds: Deeds
    sides: list[Side]
    is_hot: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True)
class _Known:
    """Of the history no more than who is in it."""

    people: Sequence[str]


class SparkGround(Ground):
    """A folder of segments on which definitions are tried by Spark. Raises BadHistory, CannotTry, NoSpark.

    `session`: one to use; without it one is started on all cores of this machine, or as spark-submit says.
    """

    def __init__(self, folder: Path, *, until: int | None = None, session: Any = None) -> None:
        self._session, self._folder = session or spark.session(), folder
        source = Source(folder)
        events = spark.events(self._session, source, source.last_at if until is None else until)
        rows = events.groupBy("kind").agg({"seq": "count", "at": "min"}).collect()
        self._first = {row["kind"]: row["min(at)"] for row in rows}
        self.events, self.refused = sum(row["count(seq)"] for row in rows), 0
        if not rows:
            raise CannotTry("The history is empty: there is nobody on whom a definition could be tried.")
        self.first_at = min(self._first.values())
        self.until = events.agg({"at": "max"}).first()[0] if until is None else until
        unknown = sorted({kind for stretch in source.manifest.stretches for kind in stretch.kinds} - set(KIND_CODES))
        self.notes = [f"Kinds that are not known are left out: {', '.join(unknown[:5])}."] if unknown else []
        self._told: OrderedDict[str, Told] = OrderedDict()
        self._families = {}
        self._codes = {}
        self._deeds: Deeds | None = None

    def told_all(
        self,
        playbooks: Sequence[Playbook],
        progress: Callable[[int], None],
        *,
        whole: int = 2,
        turned: Knob | None = None,
        values: Sequence[float] = (),
    ) -> list[Told]:
        """What each of the definitions says: one pass over the history for all that read it alike."""
        found: dict[int, Told] = {}
        alike: dict[object, list[int]] = {}
        for place, playbook in enumerate(playbooks):
            alike.setdefault(compile_program(playbook).reading_key, []).append(place)
        for places in alike.values():
            sides = self._sides([playbooks[place] for place in places])
            found |= {place: Told(playbooks[place], side) for place, side in zip(places, sides, strict=True)}
            progress(len(found))
        return [found[place] for place in range(len(playbooks))]

    @property
    def deeds(self) -> Deeds:  # type: ignore[override]  # a ground that is here has it from the beginning
        if self._deeds is None:
            raise RuntimeError("nothing was replayed yet: ask `told` first")
        return self._deeds

    def scope(self, old: Playbook, wish: Any = None) -> Scope:
        self.told(old)  # who is in the history is known from a replay
        return super().scope(old, wish)

    def rows_of(self, people: Sequence[int], program: Program) -> dict[str, list[Row]]:
        keys = [self.history.people[person] for person in people]
        source = Source(self._folder)
        events = spark.events(self._session, source, self.until)
        named = events.where(events.person.isin(keys)).where("company IS NOT NULL").select("company").distinct()
        companies = [row[0] for row in named.collect()]
        there = events.where(events.company.isin(companies))
        colleagues = [row[0] for row in there.where("person IS NOT NULL").select("person").distinct().collect()]
        wanted = events.person.isin([*keys, *colleagues])
        if companies:
            wanted |= (events.kind == OF_A_COMPANY) & events.company.isin(companies)
        rows = events.where(wanted).select("seq", "person", "at", "kind", "data", "company", "has_by").collect()
        told = (
            Event(row["seq"], row["person"], row["at"], row["kind"], _decode(row["data"] or "{}"),
                  company=row["company"], by="sales" if row["has_by"] else None)
            for row in sorted(rows, key=lambda row: row["seq"])
        )  # fmt: skip
        found = joined(program, told, self.until)
        return {key: found.get(key, []) for key in keys}

    # --- what a ground that is here reads from its rows

    def _fresh(self, playbook: Playbook) -> Told:
        return Told(playbook, self._sides([playbook])[0])

    def _members(self, playbook: Playbook, subset: str) -> NDArray[np.bool_]:
        found = self._found([asking(playbook, subset)], is_subset=True)
        return np.concatenate([each.is_hot for each in found])[_order(found)]

    def _days(self, scope: Scope) -> Ints:
        source = Source(self._folder)
        events = spark.events(self._session, source, min(self.until, scope.end)).where(f"at >= {scope.start}")
        return np.sort(np.array([row[0] for row in events.selectExpr(f"at div {DAY}").distinct().collect()], np.int64))

    def _first_of(self, kind: str) -> int | None:
        return self._first.get(kind)

    # --- on Spark

    def _sides(self, playbooks: Sequence[Playbook]) -> list[Side]:
        found = self._found(playbooks)
        people, deeds, sides = _together(found)
        self.history, self._deeds = _Known(people), deeds  # type: ignore[assignment]  # no more of it is asked for
        return sides

    def _found(self, playbooks: Sequence[Playbook], *, is_subset: bool = False) -> list[_Found]:
        program = compile_program(playbooks[0])
        source = Source(self._folder, fields=sorted(fields_named([program])))
        rows = spark.rows_of(self._session, source, program, self.until, told=_TOLD)
        tried = functools.partial(try_partition, tuple(playbooks), self.until, is_subset)
        return [pickle.loads(row[0]) for row in rows.mapInArrow(tried, "found binary").collect()]


# --- here: what the partitions found, as one process would have it


def _order(found: Sequence[_Found]) -> Ints:
    """People in order of their first row, as places in what was found, part after part."""
    return np.argsort(np.concatenate([each.first_seq for each in found]), kind="stable")


def _together(found: Sequence[_Found]) -> tuple[list[str], Deeds, list[Side]]:
    order = _order(found)
    keys = [key for each in found for key in each.people]
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    ends = np.cumsum([len(each.people) for each in found])
    numbers = np.split(place, ends[:-1])
    deeds = _deeds([each.deeds for each in found], numbers)
    sides = []
    for n in range(len(found[0].sides)):
        parts = [(each.sides[n], each.deeds, number) for each, number in zip(found, numbers, strict=True)]
        sides.append(_side([_renumbered(*part, deeds) for part in parts], order))
    return [keys[person] for person in order.tolist()], deeds, sides


def _deeds(parts: Sequence[Deeds], numbers: Sequence[Ints]) -> Deeds:
    """What all parts say, by person; texts have the codes of the first part that tells them."""
    sources, currencies, reasons = (_codes(parts, name) for name in ("sources", "currencies", "reasons"))
    pairs = list(zip(parts, numbers, strict=True))
    order = np.argsort(np.concatenate(numbers))
    wins = np.concatenate([number[part.win_person] for part, number in pairs])
    answers = np.concatenate([number[part.answer_person] for part, number in pairs])
    of_wins, of_answers = np.argsort(wins, kind="stable"), np.argsort(answers, kind="stable")

    def all_of(name: str, order: Ints) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])[order]

    def coded(name: str, texts: str, codes: dict[str, int], order: Ints) -> Ints:
        return np.concatenate([_recoded(getattr(part, name), getattr(part, texts), codes) for part in parts])[order]

    return Deeds(
        n_people=len(order),
        first_at=all_of("first_at", order),
        source=coded("source", "sources", sources, order),
        sources=tuple(sources),
        win_person=wins[of_wins],
        win_at=all_of("win_at", of_wins),
        win_amount=all_of("win_amount", of_wins),
        win_currency=coded("win_currency", "currencies", currencies, of_wins),
        currencies=tuple(currencies),
        answer_person=answers[of_answers],
        answer_at=all_of("answer_at", of_answers),
        answer=all_of("answer", of_answers),
        reason=coded("reason", "reasons", reasons, of_answers),
        reasons=tuple(reasons),
    )


def _codes(parts: Sequence[Deeds], name: str) -> dict[str, int]:
    texts = dict.fromkeys(text for part in parts for text in getattr(part, name))
    return {text: code for code, text in enumerate(texts)}


def _recoded(codes: Ints, texts: Sequence[str], known: dict[str, int]) -> Ints:
    """The codes of a part as codes of all."""
    return np.array([*(known[text] for text in texts), NONE], np.int64)[codes]


def _renumbered(side: Side, theirs: Deeds, number: Ints, deeds: Deeds) -> Side:
    """A part's side with the numbers that its people, wins and reasons have among all."""
    reasons = {text: code for code, text in enumerate(deeds.reasons)}
    person = number[theirs.win_person]
    nth = np.arange(len(person)) - np.searchsorted(theirs.win_person, theirs.win_person)
    wins = np.append(np.searchsorted(deeds.win_person, person) + nth, NONE).astype(np.int64)
    table = side.handovers
    return replace(
        side,
        handovers=replace(
            table,
            person=number[table.person],
            win=wins[table.win],
            reason=_recoded(table.reason, theirs.reasons, reasons),
        ),
        spells=replace(side.spells, person=number[side.spells.person]),
    )


def _side(parts: Sequence[Side], order: Ints) -> Side:
    whole = handovers.joined(parts)
    return Side(
        handovers=_sorted(whole.handovers, "at"),
        spells=_sorted(whole.spells, "start_at"),
        **{name: getattr(whole, name)[order] for name in ("leapt", "stage", "status")},
    )


def _sorted(table: Any, time: str) -> Any:
    order = np.lexsort((getattr(table, time), table.person))
    return replace(table, **{field.name: getattr(table, field.name)[order] for field in fields(table)})


# --- in a worker of Spark's


def try_partition(
    playbooks: Sequence[Playbook], until: int, is_subset: bool, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """What each of the definitions says of a partition's people, some thousands at a time."""
    programs = [compile_program(playbook) for playbook in playbooks]
    how = machine.fast()
    for table in spark.people_at_a_time(batches):
        found = pickle.dumps(_tried(table, programs, until, how, is_subset))
        yield pa.record_batch({"found": pa.array([found], pa.binary())})


def _tried(table: pa.Table, programs: Sequence[Program], until: int, how: machine.Machine, is_subset: bool) -> _Found:
    ground = _Part(table, programs[0], until, how)
    history = ground.history
    everybody = np.arange(len(history.people))
    first = np.full(len(everybody), NEVER, np.int64)
    np.minimum.at(first, history.person, history.seq)
    if is_subset:
        is_hot = np.asarray(ground.replayed(programs[0]).standings.temperature == HOT)
        return _Found(list(history.people), first, ground.deeds, [], is_hot)
    sides = [ground.told_of(program.playbook, everybody).side for program in programs]
    return _Found(list(history.people), first, ground.deeds, sides, None)


class _Part(Ground):
    """The ground that a few people of a partition are; what reached them by their company comes with them."""

    def __init__(self, table: pa.Table, program: Program, until: int, how: machine.Machine) -> None:
        self._own = spark.prepared(table, program, until, how, functools.partial(_Rows, fields_named([program])))
        super().__init__(self._own.history, until=until, is_compiled=how.is_compiled)

    def _ready(self, program: Program) -> Prepared:
        return self._own


class _Rows(spark.Rows):
    """Rows of which some tell more than the fields that the program names."""

    def __init__(self, named: frozenset[str], table: pa.Table) -> None:
        super().__init__(table)
        self._named = named

    def told(self, fields: Sequence[str], rows: Ints) -> list[ToldField]:
        return [self._said.told(name, rows) if name in self._named else self._decoded(name, rows) for name in fields]

    def _decoded(self, name: str, rows: Ints) -> ToldField:
        texts = self._table.column("data").is_valid().to_numpy()[rows]
        (told,) = told_by([self.data[row] for row in rows[texts].tolist()], (name,))
        codes = np.zeros(len(rows), np.int32)
        codes[texts] = told.codes
        return ToldField(codes, told.values)
