"""A history on which definitions are tried: read once, replayed as often as somebody changes a number."""

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from rung.engine.company import joined
from rung.engine.deciding import Row
from rung.engine.explain import explain
from rung.engine.histories import KIND_NAMES, History
from rung.engine.program import Program, compile_program
from rung.engine.replay import Prepared, Replayed, Some, prepare
from rung.engine.trying import handovers
from rung.engine.trying.backtest import People, Result, Scope, Told, backtest
from rung.engine.trying.handovers import NEVER, Deeds, Side
from rung.engine.trying.varying import CannotTry, Knob, changed, what_moves
from rung.playbook.conditions import Condition, Fact, facts_named, parse
from rung.playbook.conditions import Scope as Names
from rung.playbook.definitions import Playbook, Rule, Temperature
from rung.terms.events import Event
from rung.terms.instants import DAY, moment
from rung.terms.kinds import KINDS

Ints = NDArray[np.int64]

GAP: Final = 14 * DAY
"""So long without any event is told: whoever reads the figures should know that the history has a hole."""
_MOST_KEPT: Final = 100_000
"""People above whom the answers of all values of a number would take too much memory."""
_KEPT: Final = 8
"""Definitions whose replay is kept: the one in force, and those somebody goes back and forth between."""
_IS_SALES: Final = np.array([kind.actor == "sales" for kind in KINDS.values()])
_ANSWERS: Final = ("handoff_accepted", "handoff_rejected", "handoff_returned")
_REPLIES: Final = tuple(
    KIND_NAMES.index(name) for name in ("email_replied", "call_answered", "meeting_booked", "meeting_held")
)
HOT: Final = 2
"""The warmest temperature, as the kernel tells it."""


WORTH_SHARING: Final = 1_000
"""People below whom a second core is not worth its thread."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to look at. `None` is the whole history; `subset` is a condition in the playbook's words."""

    start: int | None = None
    end: int | None = None
    subset: str = ""


@dataclass(frozen=True, slots=True)
class _Tried:
    """What a program says of some people, and what tells whether another says the same."""

    side: Side
    outcome: NDArray[np.uint64]


class Ground:
    """One history up to `until`, with what happened in it whatever the definition."""

    def __init__(
        self, history: History, *, until: int | None = None, refused: int = 0, is_compiled: bool | None = None
    ) -> None:
        if not len(history.kind) or not history.people:
            raise CannotTry("The history is empty: there is nobody on whom a definition could be tried.")
        self.history, self.refused, self.is_compiled = history, refused, is_compiled
        self.events = len(history.kind)
        self.until = int(history.at.max()) if until is None else until
        self.first_at = int(history.at.min())
        if self.first_at > self.until:
            raise CannotTry(f"The history begins on {_day(self.first_at)}, after {_day(self.until)}.")
        self.deeds: Deeds = handovers.deeds(history, until=self.until)
        self.answered_at = np.full(self.deeds.n_people, NEVER, np.int64)
        """When sales first answered for each person."""
        np.minimum.at(self.answered_at, self.deeds.answer_person, self.deeds.answer_at)
        self._all = np.ones(len(history.kind), bool)
        self._by_themselves = self._rows_by_themselves()
        self._codes: dict[str, int] = {}
        self.notes: list[str] = []
        """What whoever read the history has to add to the warnings."""
        self._told: OrderedDict[str, Told] = OrderedDict()
        self._families: dict[Hashable, dict[float, _Tried]] = {}
        """Of the number turned last: what each of its values said, by all that the definition says besides."""
        self._prepared: OrderedDict[Hashable, Prepared] = OrderedDict()

    def backtest(self, old: Playbook, new: Playbook, wish: Wish = Wish()) -> tuple[Result, People]:
        """Every figure of the two definitions. Raises CannotTry, or ConditionError for a subset that is none."""
        scope = self.scope(old, wish)
        result, people = backtest(
            self.told(old),
            self.told(new, beside=old),
            self.deeds,
            scope,
            people=self.history.people,
            events=self.events,
            warnings=tuple(dict.fromkeys(self.warnings(old, new, scope))),
        )
        return result, people

    def scope(self, old: Playbook, wish: Wish) -> Scope:
        """The period and the people of a wish. A subset is judged as of the last day, by the old definition."""
        start = self.first_at if wish.start is None else wish.start
        end = self.until if wish.end is None else min(wish.end, self.until)
        if start > end or end < self.first_at or start > self.until:
            raise CannotTry(
                f"Nothing lies between {_day(start)} and {_day(end)}: "
                f"the history runs from {_day(self.first_at)} to {_day(self.until)}."
            )
        members = np.ones(len(self.history.people), bool)
        if wish.subset.strip():
            members = self._members(old, wish.subset)
            if not members.any():
                raise CannotTry(
                    f"Nobody meets “{wish.subset.strip()}” on {_day(self.until)}: "
                    f"{len(members):,} people were looked at. Ask for less, or leave the subset out."
                )
        return Scope(start, end, members, wish.subset.strip())

    def told(self, playbook: Playbook, *, beside: Playbook | None = None) -> Told:
        """What the definition's replay says; kept for the last few.

        `beside`: where only one number is another than there, and its values were replayed before, only those are
        replayed who fare differently under the values below and above.
        """
        found = self._told.get(playbook.version)
        if found is None or found.playbook != playbook:
            found = self._told[playbook.version] = self._near(playbook, beside) or self._fresh(playbook)
            while len(self._told) > _KEPT:
                self._told.popitem(last=False)
        self._told.move_to_end(playbook.version)
        return found

    def told_of(self, playbook: Playbook, people: Ints) -> Told:
        """What the definition says of these people alone (their numbers, rising); nothing is kept."""
        return Told(playbook, self._tried(compile_program(playbook), people).side)

    def _near(self, playbook: Playbook, beside: Playbook | None) -> Told | None:
        turned = changed(beside, playbook) if beside is not None and self._families else None
        if turned is None or not turned[1].moves_one:
            return None
        family, value = self._families.get(_family(playbook, turned[1]), {}), turned[1].value
        below, above = ([each for each in family if keeps(each)] for keeps in (value.__ge__, value.__le__))
        if not below or not above:
            return None
        low, high = family[max(below)], family[min(above)]
        return Told(playbook, low.side if low is high else self._between(compile_program(playbook), low, high).side)

    def told_all(
        self,
        playbooks: Sequence[Playbook],
        progress: Callable[[int], None],
        *,
        whole: int = 2,
        turned: Knob | None = None,
        values: Sequence[float] = (),
    ) -> list[Told]:
        """What each of many definitions says, of which one number alone differs, in order of that number.

        A comparison with a number between two others holds whenever it holds for both, and fails whenever it fails for
        both. So whoever fares alike under two values fares alike under all between, and only the others are replayed
        there. `whole`: at how many values everybody is replayed; more than the two ends where the number moves several
        comparisons against each other (points, caps, half-lives). With `turned` and its `values` the answers are kept
        for `told`.
        """
        n = len(playbooks)
        places = sorted({round(place * (n - 1) / max(1, whole - 1)) for place in range(whole)} | {0})
        found: dict[int, _Tried] = {}
        for place in places:
            found[place] = self._tried(compile_program(playbooks[place]))
            progress(len(found))
        waiting = list(pairwise(places))
        while waiting:
            low, high = waiting.pop()
            if high - low < 2:
                continue
            middle = (low + high) // 2
            found[middle] = self._between(compile_program(playbooks[middle]), found[low], found[high])
            progress(len(found))
            waiting += [(low, middle), (middle, high)]
        if turned is not None and turned.moves_one and len(self.history.people) <= _MOST_KEPT:
            self._families.clear()
            self._families[_family(playbooks[0], turned)] = {value: found[n] for n, value in enumerate(values)}
        return [Told(playbook, found[place].side) for place, playbook in enumerate(playbooks)]

    def _between(self, program: Program, low: "_Tried", high: "_Tried") -> "_Tried":
        differs = np.flatnonzero(low.outcome != high.outcome)
        if not len(differs):
            return low
        some = self._tried(program, differs)
        outcome = low.outcome.copy()
        outcome[differs] = some.outcome
        return _Tried(handovers.with_some(low.side, some.side, differs), outcome)

    def _fresh(self, playbook: Playbook) -> Told:
        return Told(playbook, self._tried(compile_program(playbook)).side)

    def _tried(self, program: Program, people: Ints | None = None) -> "_Tried":
        """Everybody, or some, by this program; several cores take a share of the people each."""
        everybody = np.arange(len(self.history.people)) if people is None else people
        shares = [everybody]
        if self._ready(program).is_compiled and len(everybody) >= WORTH_SHARING:
            shares = np.array_split(everybody, os.cpu_count() or 1)
        if len(shares) == 1:
            return self._share(program, everybody)
        with ThreadPoolExecutor(len(shares)) as threads:
            parts = list(threads.map(lambda share: self._share(program, share), shares))
        return _Tried(handovers.joined([part.side for part in parts]), np.concatenate([p.outcome for p in parts]))

    def _share(self, program: Program, people: Ints) -> "_Tried":
        replayed = self.replayed(program, Some(people, self._all))
        found = handovers.side(replayed, self.history, self.deeds, people)
        return self._with_late(program, replayed, _Tried(found, handovers.outcome(replayed)), people)

    def replayed(self, program: Program, only: Some | None = None) -> Replayed:
        return self._ready(program).replay(program, only=only)

    def _ready(self, program: Program) -> Prepared:
        """The history made ready for programs that read it alike: a changed number costs the kernel's run only."""
        key = program.reading_key
        found = self._prepared.get(key)
        if found is None:
            found = self._prepared[key] = prepare(self.history, (program,), self.until, is_compiled=self.is_compiled)
            while len(self._prepared) > _KEPT:
                self._prepared.popitem(last=False)
        self._prepared.move_to_end(key)
        return found

    def _members(self, playbook: Playbook, subset: str) -> NDArray[np.bool_]:
        """Whom the condition holds for at the end: asked of the kernel as if it were the playbook's `hot`."""
        program = compile_program(asking(playbook, subset))
        found = prepare(self.history, (program,), self.until, is_compiled=self.is_compiled).replay(program)
        return np.asarray(found.standings.temperature == HOT)

    # --- hand-offs that a replay hides

    def _with_late(self, program: Program, replayed: Replayed, tried: "_Tried", people: Ints) -> "_Tried":
        """Adds the hand-offs that come after sales really answered: sales was at work because of another definition.

        Whoever was answered for before this definition had handed them over climbs past its rung with sales' own
        events. When it would have handed them over is what they did themselves: the same rows without sales', and
        without what people only did because sales spoke to them.
        """
        found = tried.side
        first = handovers.first_handover(found.handovers, self.deeds.n_people)[people]
        is_concerned = (found.leapt < NEVER) & (first > found.leapt) & (self.answered_at[people] <= found.leapt)
        concerned = people[is_concerned]
        if not len(concerned):
            return tried
        alone = self.replayed(program, Some(concerned, self._by_themselves))
        outcome = tried.outcome.copy()
        outcome[is_concerned] += handovers.outcome(alone)
        at = handovers.first_handover(handovers.opened(alone, self.history), len(concerned))
        is_late = (at < NEVER) & (at < self.deeds.first_win[concerned])
        person, at = concerned[is_late], at[is_late]
        return _Tried(handovers.with_late(found, replayed, self.deeds, people, person=person, at=at), outcome)

    def _rows_by_themselves(self) -> NDArray[np.bool_]:
        """Rows that are neither sales' nor replies, calls and meetings after sales' first answer to a hand-off."""
        answered = np.append(self.answered_at, NEVER)  # the last place is where nobody's rows look
        is_reply = np.isin(self.history.kind, _REPLIES) & (self.history.at >= answered[self.history.person])
        return ~_IS_SALES[self.history.kind] & ~is_reply

    def _with_colleagues(self, people: Iterable[int]) -> Ints:
        history = self.history
        asked = np.asarray(list(people), np.int64)
        companies = np.unique(history.company[np.isin(history.person, asked) & (history.company >= 0)])
        there = history.person[np.isin(history.company, companies) & (history.person >= 0)]
        return np.unique(np.concatenate([asked, there.astype(np.int64)]))

    # --- what whoever reads the figures should know

    def warnings(self, old: Playbook, new: Playbook, scope: Scope) -> Iterable[str]:
        if self.refused:
            yield f"{_lines(self.refused)} of the history could not be read and {_are(self.refused)} left out."
        yield from self.notes
        yield from self._gaps(scope)
        if all(self._first_of(kind) is None for kind in _ANSWERS):
            yield "No answer of sales is recorded in this history: every hand-off counts as not decided."
        for playbook in dict.fromkeys((old.version, new.version)):
            yield from self._unknown_facts(old if playbook == old.version else new, scope)

    def _gaps(self, scope: Scope) -> Iterable[str]:
        at = self._days(scope) * DAY
        for place in np.flatnonzero(np.diff(at) > GAP)[:3].tolist():
            days = int((at[place + 1] - at[place]) // DAY)
            yield f"Nothing at all happened from {_day(at[place])} to {_day(at[place + 1])}: {days} days are missing."

    def _unknown_facts(self, playbook: Playbook, scope: Scope) -> Iterable[str]:
        """Kinds of event that the definition asks for and that the history has not, or not from the beginning."""
        for kind in kinds_asked(playbook):
            first, words = self._first_of(kind), KINDS[kind].words.lower()
            if first is None:
                yield f"“{playbook.name}” asks for “{words}” ({kind}), of which this history has none."
                continue
            if first > scope.start + 90 * DAY:
                yield (
                    f"“{playbook.name}” asks for “{words}” ({kind}), which this history has only from {_day(first)} "
                    "on: people before that could not earn it."
                )

    def _days(self, scope: Scope) -> Ints:
        """The days since 1970 on which something happened in the period."""
        return np.unique(self.history.at[(self.history.at >= scope.start) & (self.history.at <= scope.end)] // DAY)

    def _first_of(self, kind: str) -> int | None:
        """When the first event of the kind happened; None where none did."""
        at = self.history.at[self.history.kind == KIND_NAMES.index(kind)]
        return int(at.min()) if len(at) else None

    # --- why

    def code_of(self, person: str) -> int:
        """The number of the person with this key."""
        if not self._codes:
            self._codes = {key: code for code, key in enumerate(self.history.people)}
        return self._codes[person]

    def rows_of(self, people: Sequence[int], program: Program) -> dict[str, list[Row]]:
        """The rows of a few people, their company's among them, for explanations."""
        history = self.history
        wanted = self._with_colleagues(people)
        rows = np.flatnonzero(
            (np.isin(history.person, wanted) | (history.kind == KIND_NAMES.index("company_described")))
            & (history.at <= self.until)
        )
        found = joined(program, (event_of(history, row) for row in rows.tolist()), self.until)
        return {key: found.get(key, []) for key in (history.people[person] for person in people)}


def asking(playbook: Playbook, subset: str) -> Playbook:
    """The playbook by which those are hot for whom the condition holds. Raises ConditionError."""
    names = Names(place="filter", signals=tuple(signal.name for signal in playbook.signals))
    rule = Rule(subset, parse(subset, names), 0)
    return replace(playbook, temperature=Temperature(hot=rule))


def _family(playbook: Playbook, turned: Knob) -> Hashable:
    """Equal for definitions that differ in that number alone."""
    return turned.path, what_moves(turned.turned(playbook, 0.0))


@dataclass(frozen=True, slots=True)
class Why:
    """Why a definition had handed somebody over by an instant, or what was missing then."""

    place: str
    is_handed_over: bool
    words: tuple[str, ...]
    seqs: tuple[int, ...]


def why(program: Program, rows: Sequence[Row], at: int) -> Why:
    """The person under one definition at `at`: the reasons where they were handed over, else what was missing."""
    seen = [row for row in rows if row.event.at <= at]
    if not seen:
        return Why("", False, ("Not known yet.",), ())
    found = explain(program, seen, at)
    is_over = any(change.what == "opened" for change in found.handoffs)
    playbook = program.playbook
    standing = found.standing
    place = playbook.label(standing.stage if standing.status == "active" else standing.status)
    if is_over:
        words = tuple(reason.words for reason in found.reasons)
        return Why(place, True, words, tuple(seq for reason in found.reasons for seq in reason.seqs))
    missing = tuple(f"Missing: {clause.words}." for clause in found.missing)
    return Why(place, False, (f"{place}, with {standing.score:.1f} points (fit {standing.fit:g}).", *missing), ())


def kinds_asked(playbook: Playbook) -> list[str]:
    """The kinds of event by which the definition gives points, or for which its rules ask."""
    found = [signal.on for signal in playbook.signals if signal.points > 0]
    found += [str(fact.argument) for fact in _facts(playbook) if fact.name in ("times", "since") and not fact.is_signal]
    return [kind for kind in dict.fromkeys(found) if kind in KINDS]


def _facts(playbook: Playbook) -> Iterable[Fact]:
    rules: list[Condition] = [stage.enter.condition for stage in playbook.stages.values()]
    rules += [line.when.condition for line in playbook.setbacks]
    for rule in rules:
        yield from facts_named(rule)


def event_of(history: History, row: int) -> Event:
    """The event of a row."""
    person, company = int(history.person[row]), int(history.company[row])
    return Event(
        seq=int(history.seq[row]),
        person=history.people[person] if person >= 0 else None,
        at=int(history.at[row]),
        kind=KIND_NAMES[history.kind[row]],
        data=history.data[row],
        company=history.companies[company] if company >= 0 else None,
        by="sales" if history.has_by[row] else None,
    )


def _day(at: int, zone: str = "UTC") -> str:
    then = moment(int(at)).astimezone(ZoneInfo(zone))
    return f"{then.day} {then:%b} {then.year}"


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
