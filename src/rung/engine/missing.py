"""What is missing for the next rung, in sentences a sales rep can act on.

A rung's `enter` becomes a wish: clauses that must all hold or of which one must. The kernel says which clauses hold and
how far the others have come; words are found once per pattern of failing clauses, so that everybody's are cheap.
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rung.engine import kernel as k
from rung.engine.program import Program
from rung.playbook.conditions import (
    And,
    Compare,
    Condition,
    Count,
    Fact,
    Holds,
    In,
    Known,
    Not,
    Number,
    Or,
    Span,
    Text,
    TextTest,
    facts_named,
)
from rung.playbook.conditions.syntax import Operator
from rung.playbook.conditions.words import in_words
from rung.playbook.definitions import Playbook
from rung.terms.instants import DAY, HOUR, LATEST, MINUTE, moment
from rung.terms.stages import BANT, RANK, STAGES

if TYPE_CHECKING:
    from rung.engine.replay import Replayed

MOST_CLAUSES: Final = 62
"""One bit of a whole number each."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing that is missing for a rung, or that keeps somebody from it."""

    rung: str
    words: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """A clause of a rung: its condition, where its value comes from, and the words for a value it has not reached.

    `note` cuts a value down to what the words say, so that alike people share them. `known` is the place of the
    clause that says whether its fact is known at all, NONE if there is none.
    """

    condition: Condition
    source: int
    argument: int
    note: Callable[[float], int]
    words: Callable[[int], str]
    known: int = k.NONE


@dataclass(frozen=True, slots=True)
class All:
    parts: "tuple[Wish, ...]"


@dataclass(frozen=True, slots=True)
class Some:
    parts: "tuple[Wish, ...]"


@dataclass(frozen=True, slots=True)
class Enough:
    """A count of conditions compared with a number: `leaf` says whether it holds, `parts` what would add to it."""

    leaf: int
    parts: "tuple[Wish, ...]"
    at_least: int


Wish = All | Some | Enough | int
"""A number is the place of a leaf."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to find out, and to say, what is missing for one rung."""

    rung: str
    wish: Wish
    leaves: tuple[Leaf, ...]

    def words(self, holds: int, notes: Sequence[int]) -> tuple[str, ...]:
        """The failing clauses in words. Bit n of `holds`: leaf n holds; `notes[n]`: how far it has come."""
        wish = self.wish
        parts = wish.parts if isinstance(wish, All) else (wish,)
        return tuple(_said(part, self.leaves, holds, notes) for part in parts if not _holds(part, holds))


def plans_of(program: Program) -> dict[str, Plan]:
    """By rung in use, what one needs to know to say what is missing for it."""
    return {code: _Planner(program, code).plan() for code in program.playbook.stages}


def clauses_of(program: Program, plans: Mapping[str, Plan]) -> k.Clauses:
    """What the kernel must find out about everybody."""
    first, entry, sources, arguments = [0], list[int](), list[int](), list[int]()
    for code in STAGES:
        for leaf in plans[code].leaves if code in plans else ():
            entry.append(program.entry(leaf.condition))
            sources.append(leaf.source)
            arguments.append(leaf.argument)
        first.append(len(entry))
    width = max((len(plan.leaves) for plan in plans.values()), default=0)
    return k.Clauses(first, entry, sources, arguments, width)


def next_rung(playbook: Playbook, stage: str) -> str | None:
    """The lowest rung in use above."""
    return next((code for code in playbook.rungs if RANK[code] > RANK[stage]), None)


def kept_back(status: str, rung: str, *, is_waiting: bool, rest_until: int | None, hold_until: int | None) -> list[str]:
    """What keeps somebody where they are whatever the rules say, in words."""
    words = []
    if hold_until is not None:
        words.append("set by hand" + _until(hold_until, "until somebody changes it"))
    if status == "disqualified":
        words.append("disqualified: only a person can undo that")
    if is_waiting:
        words.append("waiting for them to do something")
    if rest_until is not None and RANK[rung] > k.LEAD:
        words.append("resting" + _until(rest_until, "until they raise a hand"))
    return words


def _until(at: int, forever: str) -> str:
    return f" {forever}" if at > LATEST else f" until {moment(at):%-d %b %Y}"


class Missing:
    """Finds the words for everybody in a replayed history, once for all who miss the same."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.plans = plans_of(program)
        self.clauses = clauses_of(program, self.plans)
        self._memo: dict[Hashable, str] = {}

    def texts(self, replayed: "Replayed") -> list[str]:
        """What is missing, person by person, parts joined by "; "; empty on the highest rung."""
        standings, width = replayed.standings, self.clauses.width
        values = replayed.clause_values.reshape(-1, max(1, width)).tolist() if width else [[]] * len(replayed.people)
        rungs = [next_rung(self.program.playbook, code) for code in STAGES]
        plans = [self.plans[rung] if rung else None for rung in rungs]
        until = replayed.until
        return [
            self._text(plan, holds, value, status, waiting, rest if rest > until else 0, hold if hold > until else 0)
            if (plan := plans[stage]) is not None
            else ""
            for stage, holds, value, status, waiting, rest, hold in zip(
                standings.stage.tolist(),
                standings.clauses.tolist(),
                values,
                standings.status.tolist(),
                standings.is_waiting.tolist(),
                standings.rest_until.tolist(),
                standings.hold_until.tolist(),
                strict=True,
            )
        ]

    def _text(
        self, plan: Plan, holds: int, values: list[float], status: int, waiting: int, rest: int, hold: int
    ) -> str:
        notes = tuple(
            [0 if holds >> n & 1 else leaf.note(value) for n, (leaf, value) in enumerate(zip(plan.leaves, values))]  # noqa: B905  # the values are as many as the most any rung has
        )
        key = (plan.rung, holds, notes, status, waiting, rest // DAY, hold // DAY)
        text = self._memo.get(key)
        if text is None:
            back = kept_back(
                "disqualified" if status == k.DISQUALIFIED else "active",
                plan.rung,
                is_waiting=waiting == 1,
                rest_until=rest or None,
                hold_until=hold or None,
            )
            text = self._memo[key] = "; ".join((*back, *plan.words(holds, notes)))
        return text


# --- from a condition to a wish -------------------------------------------------------------------------------------


class _Planner:
    def __init__(self, program: Program, rung: str) -> None:
        self.program, self.rung = program, rung
        self.leaves: list[Leaf] = []

    def plan(self) -> Plan:
        condition = self.program.playbook.stages[self.rung].enter.condition
        wish = self.wish(condition, True)
        if len(self.leaves) > MOST_CLAUSES:
            self.leaves.clear()
            wish = self.plain(condition)
        return Plan(self.rung, wish, tuple(self.leaves))

    def wish(self, condition: Condition, is_wanted: bool) -> Wish:
        """The condition (or its opposite) with every `not` moved down to the clauses."""
        match condition:
            case Not(part):
                return self.wish(part, not is_wanted)
            case And(parts) | Or(parts):
                wishes = tuple(self.wish(part, is_wanted) for part in parts)
                return All(wishes) if isinstance(condition, And) == is_wanted else Some(wishes)
            case Compare(Count() as count, ">=", Number(least)) if is_wanted:
                leaf = self.plain(condition)
                return Enough(leaf, tuple(self.wish(part, True) for part in count.parts), math.ceil(least))
            case _:
                return self.leaf(condition, is_wanted)

    def leaf(self, condition: Condition, is_wanted: bool) -> int:
        if not is_wanted:
            return self.unwanted(condition)
        match condition:
            case Holds(Fact() as fact):
                return self.truth(condition, fact)
            case Known(fact):
                return self.add(condition, words=lambda _: f"{named(fact)} not known yet")
            case Compare(Fact() as fact, op, Number(value)) if not fact.name.startswith(("person.", "company.")):
                return self.number(condition, fact, op, value)
            case Compare(Fact() as fact, op, Span(length)):
                return self.length(condition, fact, op, length)
            case Compare() | In() | TextTest():
                facts = facts_named(condition)
                if len(facts) == 1 and facts[0].name.startswith(("person.", "company.")):
                    return self.trait(condition, facts[0])
        return self.plain(condition)

    def add(
        self,
        condition: Condition,
        *,
        words: Callable[[int], str],
        source: int = k.C_NOTHING,
        argument: int = 0,
        note: Callable[[float], int] = lambda _: 0,
        known: int = k.NONE,
    ) -> int:
        self.leaves.append(Leaf(condition, source, argument, note, words, known))
        return len(self.leaves) - 1

    def plain(self, condition: Condition) -> int:
        written = in_words(condition)
        return self.add(condition, words=lambda _: f"not yet: {written}")

    def unwanted(self, condition: Condition) -> int:
        """The clause holds while the condition does not; so its words say what is in the way."""
        words = f"still: {in_words(condition)}"
        if isinstance(condition, Holds) and isinstance(condition.operand, Fact):
            words = _IN_THE_WAY.get(condition.operand.name, words)
        return self.add(Not(condition), words=lambda _: words)

    def truth(self, condition: Condition, fact: Fact) -> int:
        if fact.name in BANT:
            letter = BANT.index(fact.name)
            return self.add(
                condition,
                source=k.C_LETTER,
                argument=letter,
                note=int,
                words=lambda state: f"{fact.name} not asked yet" if state == 0 else f"{fact.name} answered no",
            )
        if fact.name in ("answered", "ticked", "friction"):
            what = {"answered": "not answered yet", "ticked": "not ticked yet", "friction": "not found"}[fact.name]
            return self.add(condition, words=lambda _: f"“{fact.argument}” {what}")
        if fact.name in _NOT_YET:
            return self.add(condition, words=lambda _: _NOT_YET[fact.name])
        if fact.name.startswith(("person.", "company.")):
            return self.trait(condition, fact)
        return self.plain(condition)

    def trait(self, condition: Condition, fact: Fact) -> int:
        known = self.add(Known(fact), words=lambda _: "")
        words = _trait_words(condition, fact)
        return self.add(condition, words=lambda _: words, known=known)

    def number(self, condition: Condition, fact: Fact, op: Operator, value: float) -> int:
        found = self.program.number_source(fact)
        if found is None:
            return self.plain(condition)
        if op == "==" and fact.name in _THINGS:
            op = ">="  # who has too many will not be helped by words
        words = self._number_words(fact, op, value)
        if op in (">=", ">"):
            return self.add(
                condition,
                source=found[0],
                argument=found[1],
                note=lambda now: _lacking(value, now, op),
                words=words,
            )
        return self.add(condition, source=found[0], argument=found[1], note=_whole, words=words)

    def _number_words(self, fact: Fact, op: Operator, value: float) -> Callable[[int], str]:
        if op not in (">=", ">"):
            written = f"{named(fact)} {_WORDS_OF[op]} {_plain(value)}"
            return lambda now: f"{written} (now {now})"
        if fact.name in ("score", "engagement"):
            of = "" if fact.name == "score" else " of engagement"
            return lambda n: f"{_many(n, 'more point')}{of}{self._or_a_signal(n)}"
        if fact.name == "times" and fact.is_signal:
            return lambda n: (
                f"“{fact.argument}” once" if n == value == 1 else f"“{fact.argument}” {_many(n, 'more time')}"
            )
        thing = _THINGS.get(fact.name)
        if fact.name == "times":
            thing = f"more “{str(fact.argument).replace('_', ' ')}”"
            return lambda n: f"{n} {thing}"
        if thing is None:
            return lambda n: f"{named(fact)} higher by {n}"
        return lambda n: _many(n, thing)

    def _or_a_signal(self, points: int) -> str:
        """The signal that alone would bring the points: the first hand raised, else the smallest."""
        found = [
            signal
            for signal in self.program.playbook.signals
            if signal.points >= points and (signal.cap is None or signal.cap >= points) and not signal.is_company
        ]
        if not found:
            return ""
        best = min(found, key=lambda signal: (not signal.is_hand_raise, 0 if signal.is_hand_raise else signal.points))
        return f", or “{best.name}”"

    def length(self, condition: Condition, fact: Fact, op: Operator, length: int) -> int:
        source_, argument = self.program.length_source(fact)
        what = {"idle": "without a sign of life", "in_stage": "on this rung"}.get(fact.name, f"after “{fact.argument}”")
        if op == ">=":
            return self.add(
                condition,
                source=k.C_SPAN + source_,
                argument=argument,
                note=lambda now: -1 if now < 0 else math.ceil((length - now) / HOUR),
                words=lambda hours: f"“{fact.argument}” first" if hours < 0 else f"{_hours(hours)} more {what}",
            )
        return self.add(condition, words=lambda _: f"less than {_length(length)} {what}")


_NOT_YET: Final[Mapping[str, str]] = {
    "reachable": "no e-mail address or phone number that works",
    "accepted": "sales has not accepted yet",
    "rejected": "sales has not rejected",
    "returned": "sales has not returned it",
    "touched": "nobody has tried to reach them yet",
    "reached": "not spoken with yet",
    "admits.considering": "has not said yet that they consider us",
    "admits.change": "has not said yet that they want a change",
    "deal.open": "no deal open",
    "deal.won": "no deal won yet",
    "deal.lost": "no deal lost",
    "is_customer": "not a customer yet",
    "consented": "no consent yet",
    "unsubscribed": "has not unsubscribed",
}
_IN_THE_WAY: Final[Mapping[str, str]] = {
    "rejected": "sales rejected the last hand-off",
    "returned": "sales returned the last hand-off",
    "accepted": "sales has accepted already",
    "unsubscribed": "has unsubscribed",
    "deal.lost": "the deal is lost",
    "deal.won": "a deal is won already",
    "deal.open": "a deal is still open",
    "is_customer": "is a customer already",
    "person.free_mailbox": "only a private mailbox is known",
}
_THINGS: Final[Mapping[str, str]] = {
    "fit": "more point~ of fit",
    "signals": "more signal",
    "visits": "more visit",
    "bant": "more BANT answer",
    "bant_told": "more BANT answer~ they give unasked",
    "decision.makers": "more decision maker",
}
_WORDS_OF: Final[Mapping[Operator, str]] = {
    "<": "below",
    "<=": "at most",
    "==": "exactly",
    "!=": "other than",
    ">": "above",
    ">=": "at least",
}


def named(fact: Fact) -> str:
    """A fact as a rep would call it."""
    room, dot, field = fact.name.partition(".")
    if dot and room in ("person", "company"):
        words = field.replace("_", " ")
        return f"company {words}" if room == "company" and words in ("name", "country", "size", "source") else words
    if fact.argument is not None:
        return f"{fact.name} “{fact.argument}”"
    return fact.name.replace(".", " ").replace("_", " ")


def _trait_words(condition: Condition, fact: Fact) -> str:
    match condition:
        case In(_, items, negated):
            listed = ", ".join(str(item.value) for item in items)
            return f"{named(fact)} {'is one of' if negated else 'is none of'} {listed}"
        case Compare(_, op, Number(value)):
            return f"{named(fact)} not {_WORDS_OF[op]} {_plain(value)}"
        case Compare(_, "==", Text(value)):
            return f"{named(fact)} is not {value}"
        case TextTest(_, "matches", pattern):
            return f"{named(fact)} is none of {pattern.replace('*', '').replace('|', ', ').strip()}"
        case Holds():
            return f"not {named(fact)}"
        case _:
            return f"not yet: {in_words(condition)}"


def _lacking(wanted: float, now: float, op: Operator) -> int:
    """How much is lacking, in whole points: a little is one."""
    if math.isnan(now):
        now = 0.0
    lack = wanted - now
    least = math.ceil(lack - 1e-9)
    return max(1, least + (1 if op == ">" and least <= lack else 0))


def _whole(now: float) -> int:
    return 0 if math.isnan(now) else round(now)


def _plain(value: float) -> str:
    return f"{value:g}"


def _many(n: int, thing: str) -> str:
    """`2 more points of fit`: ~ marks where the plural s goes, else it goes to the end."""
    one, tilde, rest = thing.partition("~")
    return f"{n} {one}{'' if n == 1 else 's'}{rest}" if tilde else f"{n} {thing}{'' if n == 1 else 's'}"


def _hours(hours: int) -> str:
    return _length(hours * HOUR)


def _length(micros: int) -> str:
    for unit, size in (("day", DAY), ("hour", HOUR), ("minute", MINUTE)):
        if micros >= size:
            return _many(math.ceil(micros / size), unit)
    return "a moment"


def _holds(wish: Wish, holds: int) -> bool:
    match wish:
        case All(parts):
            return all(_holds(part, holds) for part in parts)
        case Some(parts):
            return any(_holds(part, holds) for part in parts)
        case Enough(leaf):
            return bool(holds >> leaf & 1)
        case _:
            return bool(holds >> wish & 1)


def _said(wish: Wish, leaves: Sequence[Leaf], holds: int, notes: Sequence[int]) -> str:
    match wish:
        case All(parts):
            return " and ".join(_said(part, leaves, holds, notes) for part in parts if not _holds(part, holds))
        case Some(parts):
            return ", or ".join(dict.fromkeys(_said(part, leaves, holds, notes) for part in parts))
        case Enough(_, parts, at_least):
            lacking = at_least - sum(_holds(part, holds) for part in parts)
            open_ = [_said(part, leaves, holds, notes) for part in parts if not _holds(part, holds)]
            return f"{lacking} more of: {', '.join(open_)}" if lacking < len(open_) else " and ".join(open_)
        case _:
            leaf = leaves[wish]
            if leaf.known != k.NONE and not holds >> leaf.known & 1:
                (fact,) = facts_named(leaf.condition)
                return f"{named(fact)} not known yet"
            return leaf.words(notes[wish])
