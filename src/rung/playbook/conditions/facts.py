"""The facts a condition can name: what each one is, where it may be named, and what cannot be true of it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal

from rung.playbook.conditions.source import source_of
from rung.playbook.conditions.syntax import (
    TURNED,
    And,
    Compare,
    Condition,
    Constant,
    Count,
    Fact,
    Holds,
    In,
    Number,
    Operand,
    Span,
    Text,
    TextTest,
    Truth,
    walk,
)
from rung.terms.kinds import KINDS
from rung.terms.stages import BANT, STAGES, STATUSES

FactType = Literal["number", "text", "truth", "span", "trait"]
Place = Literal["fit", "persona", "signal", "stage", "setback", "temperature", "route", "journey", "filter"]
Brackets = Literal["happening", "friction", "question", "line"]

GROUPS: Final = ("person", "company", "data")
"""Groups of fields that are open-ended: any field name may follow the dot."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact of the registry.

    A `trait` may be a text, number, truth or list of texts, different from person to person; a `span` is a length of
    time in microseconds. `brackets` says what the text in brackets names, if the fact takes one. `is_per_lap`: the
    fact starts afresh with each lap.
    """

    name: str
    type: FactType
    words: str
    is_per_lap: bool = False
    brackets: Brackets | None = None
    between: tuple[float, float] | None = None
    """The least and the greatest value of a number that has bounds."""


def _entries() -> Iterator[Entry]:
    yield Entry("fit", "number", "fit")
    yield Entry("engagement", "number", "engagement")
    yield Entry("score", "number", "score")
    yield Entry("likelihood", "number", "likelihood")
    most = float("inf")
    yield Entry("signals", "number", "signals", is_per_lap=True, between=(0, most))
    yield Entry("times", "number", "how often", is_per_lap=True, brackets="happening", between=(0, most))
    yield Entry("since", "span", "time since", is_per_lap=True, brackets="happening")
    yield Entry("visits", "number", "visits", is_per_lap=True, between=(0, most))
    yield Entry("idle", "span", "time without a sign of life")
    yield Entry("in_stage", "span", "time in this stage")
    yield Entry("reachable", "truth", "we can reach them")
    yield Entry("accepted", "truth", "sales accepted", is_per_lap=True)
    yield Entry("rejected", "truth", "sales rejected", is_per_lap=True)
    yield Entry("returned", "truth", "sales returned the hand-off", is_per_lap=True)
    yield Entry("touched", "truth", "we tried to reach them", is_per_lap=True)
    yield Entry("reached", "truth", "we spoke with them", is_per_lap=True)
    for letter in BANT:
        yield Entry(letter, "truth", f"{letter} is confirmed", is_per_lap=True)
    yield Entry("bant", "number", "BANT letters confirmed", is_per_lap=True, between=(0, 4))
    yield Entry("bant_told", "number", "BANT letters they told us themselves", is_per_lap=True, between=(0, 4))
    yield Entry("admits.considering", "truth", "they admit they are considering options", is_per_lap=True)
    yield Entry("admits.change", "truth", "they admit they need a change", is_per_lap=True)
    yield Entry("friction", "truth", "friction found", is_per_lap=True, brackets="friction")
    yield Entry("answered", "truth", "question answered", is_per_lap=True, brackets="question")
    yield Entry("ticked", "truth", "checklist line ticked", is_per_lap=True, brackets="line")
    yield Entry("competitor", "text", "the competitor", is_per_lap=True)
    yield Entry("decision.date", "text", "the decision date", is_per_lap=True)
    yield Entry("decision.makers", "number", "decision makers known", is_per_lap=True, between=(0, most))
    yield Entry("deal.open", "truth", "a deal is open", is_per_lap=True)
    yield Entry("deal.won", "truth", "a deal is won", is_per_lap=True)
    yield Entry("deal.lost", "truth", "the deal is lost", is_per_lap=True)
    yield Entry("is_customer", "truth", "they are a customer")
    yield Entry("consented", "truth", "they gave consent")
    yield Entry("unsubscribed", "truth", "they unsubscribed")
    yield Entry("stage", "text", "the stage")
    yield Entry("status", "text", "the status")
    yield Entry("lap", "number", "the lap", between=(1, most))


FACTS: Final[Mapping[str, Entry]] = {entry.name: entry for entry in _entries()}
"""Every fact but the open-ended `person.<field>`, `company.<field>` and `data.<field>`."""

WHO_THEY_ARE: Final[tuple[Place, ...]] = ("fit", "persona")
"""Places where only person.*, company.* and the BANT letters may be named."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a condition stands, and the names that exist there.

    `signals` are the playbook's signal names. `frictions`, `questions` and `lines` (of checklists) are those the
    playbook knows; None means that any text goes. `labels` are no part of it: codes never change.
    """

    place: Place
    signals: Collection[str] = ()
    kinds: Collection[str] = tuple(KINDS)
    frictions: Collection[str] | None = None
    questions: Collection[str] | None = None
    lines: Collection[str] | None = None


def entry(fact: Fact) -> Entry:
    """The registry's entry, or one made up for an open-ended field. Raises KeyError for a name that is neither."""
    group, dot, field = fact.name.partition(".")
    if dot and group in GROUPS:
        return Entry(fact.name, "trait", field.replace("_", " "))
    return FACTS[fact.name]


def is_allowed(name: str, place: Place) -> bool:
    """Whether a condition at this place may name the fact."""
    group = name.partition(".")[0]
    if group == "data":
        return place == "signal"
    if place in WHO_THEY_ARE:
        return group in GROUPS or name in BANT
    return True


def nearest(name: str, names: Collection[str]) -> str | None:
    """The name that was probably meant: close in spelling, or the same but for upper and lower case."""
    folded = {known.lower(): known for known in names}
    found = get_close_matches(name.lower(), list(folded), n=1, cutoff=0.7)
    return folded[found[0]] if found else None


# --- what can never be true -----------------------------------------------------------------------------------------


def check(condition: Condition, scope: Scope) -> list[str]:
    """Sentences about parts that can never be true (or always are): types that cannot match, codes that do not exist.

    Such a condition is allowed and has a meaning; it is just not what anybody wants.
    """
    return list(dict.fromkeys(_findings(condition, scope)))


def _findings(condition: Condition, scope: Scope) -> Iterator[str]:
    for node in walk(condition):
        match node:
            case Compare():
                yield from _of_compare(node)
            case In(operand, items, negated):
                yield from _of_in(operand, items, negated)
            case TextTest():
                yield from _of_text_test(node)
            case Holds(Fact() as fact) if entry(fact).type not in ("truth", "trait"):
                yield f"`{source_of(fact)}` is a {_TYPE_WORDS[entry(fact).type]}, never true by itself: compare it"
            case And(parts) if Holds(Truth(False)) in parts:
                yield "`false` in an `and` makes all of it false"
            case Fact():
                yield from _of_argument(node, scope)
            case _:
                pass


_TYPE_WORDS: Final[dict[str, str]] = {
    "number": "number",
    "text": "text",
    "truth": "yes-or-no fact",
    "span": "length of time",
    "trait": "trait",
}


def _of_compare(node: Compare) -> Iterator[str]:
    left, right = type_of(node.left), type_of(node.right)
    shown = f"`{source_of(node.left)} {node.op} {source_of(node.right)}`"
    types = {left, right} - {"trait"}
    if not any(isinstance(side, (Fact, Count)) for side in (node.left, node.right)):
        yield f"{shown} compares two fixed values: it is always the same"
    elif len(types) > 1:
        yield (
            f"`{source_of(node.left)}` is a {_TYPE_WORDS[left]} and `{source_of(node.right)}` a {_TYPE_WORDS[right]}: "
            f"comparing them is always false"
        )
    elif node.op not in ("==", "!=") and types & {"text", "truth"}:
        word = "texts" if "text" in types else "yes and no"
        yield f"{shown} is always false: {word} have no order"
    else:
        yield from _of_code(node.left, node.right)
        yield from _of_code(node.right, node.left)
        yield from _of_bounds(node)


def _of_in(operand: Operand, items: tuple[Constant, ...], negated: bool) -> Iterator[str]:
    mine = type_of(operand)
    fitting = [item for item in items if mine in ("trait", type_of(item))]
    for item in items:
        if item not in fitting:
            yield f"`{source_of(operand)}` is a {_TYPE_WORDS[mine]} and never equals `{source_of(item)}`"
        else:
            yield from _of_code(operand, item)
    if not isinstance(operand, (Fact, Count)):
        shown = f"`{source_of(operand)} {'not in' if negated else 'in'} […]`"
        yield f"{shown} looks at a fixed value: it is always the same"


def _of_text_test(node: TextTest) -> Iterator[str]:
    mine = entry(node.fact).type
    if mine not in ("text", "trait"):
        yield f"`{source_of(node.fact)}` is a {_TYPE_WORDS[mine]}: `.{node.how}()` is always false"
    for alternative in node.pattern.split("|") if node.how == "matches" else ():
        if alternative != alternative.strip():
            yield f'`.matches()` looks for "{alternative}" with its outer blanks, which texts do not have: remove them'


def _of_code(fact: Operand, value: Operand) -> Iterator[str]:
    """A stage or status compared with a text that is none."""
    codes = {Fact("stage"): STAGES, Fact("status"): STATUSES}.get(fact) if isinstance(fact, Fact) else None
    if codes and isinstance(value, Text) and value.value not in codes:
        meant = nearest(value.value, codes)
        hint = f"did you mean `{meant}`?" if meant else f"there are {', '.join(codes)}"
        yield f"There is no {source_of(fact)} `{value.value}`: {hint}"


def _of_bounds(node: Compare) -> Iterator[str]:
    """A number with bounds compared with one that it never reaches, or never fails to."""
    fact, op, value = node.left, node.op, node.right
    if isinstance(fact, Number):
        fact, op, value = value, TURNED[op], fact
    bounds = _bounds(fact)
    if bounds is None or not isinstance(value, Number):
        return
    low, high = bounds
    n = value.value
    never = {">=": n > high, ">": n >= high, "<": n <= low, "<=": n < low, "==": not low <= n <= high, "!=": False}
    always = {">=": n <= low, ">": n < low, "<": n > high, "<=": n >= high, "==": False, "!=": not low <= n <= high}
    for verdict, word in ((never[op], "never"), (always[op], "always")):
        if verdict:
            limits = f"from {low:g} up" if high == float("inf") else f"from {low:g} to {high:g}"
            shown = f"`{source_of(node.left)} {node.op} {source_of(node.right)}`"
            yield f"{shown} is {word} true: `{source_of(fact)}` goes {limits}"


def _bounds(operand: Operand) -> tuple[float, float] | None:
    if isinstance(operand, Count):
        return (0, len(operand.parts))
    return entry(operand).between if isinstance(operand, Fact) else None


def _of_argument(fact: Fact, scope: Scope) -> Iterator[str]:
    """Text in brackets that the playbook does not know."""
    lists = {"friction": scope.frictions, "answered": scope.questions, "ticked": scope.lines}
    known = lists.get(fact.name)
    if known is not None and fact.argument is not None and fact.argument not in known:
        meant = nearest(fact.argument, known)
        what = {"friction": "friction", "answered": "question", "ticked": "checklist line"}[fact.name]
        yield f'The playbook has no {what} "{fact.argument}"' + (f': did you mean "{meant}"?' if meant else "")


def type_of(operand: Operand) -> FactType:
    """What an operand is, as far as can be told before any value is known."""
    match operand:
        case Number() | Count():
            return "number"
        case Text():
            return "text"
        case Truth():
            return "truth"
        case Span():
            return "span"
        case Fact():
            return entry(operand).type
