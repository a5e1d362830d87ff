"""A condition in plain English, as a sales manager reads it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rung.playbook.conditions.facts import entry
from rung.playbook.conditions.globs import ANY, ONE
from rung.playbook.conditions.source import source, source_of
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
    Known,
    Not,
    Number,
    Operand,
    Operator,
    Or,
    Span,
    Text,
    TextTest,
    Truth,
    facts_named,
)
from rung.terms.instants import DAY, HOUR
from rung.terms.kinds import KINDS
from rung.terms.stages import BANT, SHORT_LABELS

__all__ = ["facts_named", "in_words", "noun", "source", "span_words"]


def in_words(condition: Condition, labels: Mapping[str, str] = SHORT_LABELS) -> str:
    """A clause to put behind "when": `score is at least 50 and fit is at least 20`.

    `labels` are the playbook's words for stages and statuses; a code without one keeps its usual name.
    """
    return _Speaker({**SHORT_LABELS, **labels}).clause(condition)


def span_words(micros: int) -> str:
    """`90 days`, `1 hour`, `2.5 hours`."""
    unit, word = (DAY, "day") if micros >= DAY and micros % DAY == 0 else (HOUR, "hour")
    return f"{_number(micros / unit)} {word}{'' if micros == unit else 's'}"


# --- the words of single facts --------------------------------------------------------------------------------------

_TRUTHS: Final[dict[str, tuple[str, str]]] = {
    "reachable": ("we can reach them", "we cannot reach them"),
    "accepted": ("sales accepted", "sales has not accepted"),
    "rejected": ("sales rejected", "sales has not rejected"),
    "returned": ("sales returned the hand-off", "sales has not returned the hand-off"),
    "touched": ("we tried to reach them", "we have not tried to reach them"),
    "reached": ("we spoke with them", "we have not spoken with them"),
    "admits.considering": ("they admit they are considering options", "they have not admitted considering options"),
    "admits.change": ("they admit they need a change", "they have not admitted needing a change"),
    "deal.open": ("a deal is open", "no deal is open"),
    "deal.won": ("a deal is won", "no deal is won"),
    "deal.lost": ("the deal is lost", "no deal is lost"),
    "is_customer": ("they are a customer", "they are not a customer"),
    "consented": ("they gave consent", "they have not given consent"),
    "unsubscribed": ("they unsubscribed", "they have not unsubscribed"),
    "person.free_mailbox": ("they write from a free mailbox", "they do not write from a free mailbox"),
}
_NOUNS: Final = {
    "company.employees": "the company's number of employees",
    "person.email_domain": "their mail domain",
    "person.free_mailbox": "free mailbox",
    "stage": "their stage",
    "status": "their status",
    "idle": "the time without a sign of life",
    "in_stage": "the time in this stage",
    "visits": "the number of visits",
    "signals": "the number of signals",
}
_OWNERS: Final = {"person": "their", "company": "the company's", "data": "the event's"}
_PASSIVE: Final = {
    "nominated": "they were nominated by marketing",
    "contract_started": "the contract started",
    "contract_ended": "the contract ended",
    "customer_left": "they left as a customer",
    "stage_overridden": "the rung was set by hand",
    "customer_handed_to_support": "they were handed over to support",
    "email_sent": "we sent a mail",
    "email_complained": "they marked our mail as spam",
}
_ORDER: Final[dict[Operator, str]] = {
    ">=": "at least",
    ">": "more than",
    "<=": "at most",
    "<": "less than",
    "==": "exactly",
    "!=": "other than",
}

_MARKED: Final = {"company": "the company is", "person": "they are"}
"""How a field that answers yes or no is said: `company.is_competitor` is “the company is marked as competitor”."""


def noun(operand: Operand) -> str:
    """What the operand is called: `score`, `their title`, `the company's country`."""
    match operand:
        case Fact("friction", str(text)):
            return f"the friction “{text}”"
        case Fact("answered", str(text)):
            return f"the question “{text}”"
        case Fact("ticked", str(text)):
            return f"the line “{text}”"
        case Fact("times", str()):
            return f"the number of times {_happening(operand)}"
        case Fact("since", str()):
            return f"the time since {_happening(operand)}"
        case Fact(name):
            group, dot, field = name.partition(".")
            if name in _NOUNS:
                return _NOUNS[name]
            return f"{_OWNERS[group]} {field.replace('_', ' ')}" if dot and group in _OWNERS else entry(operand).words
        case Number(value):
            return _number(value)
        case Text(text):
            return f"“{text}”"
        case Truth(value):
            return "yes" if value else "no"
        case Span(micros):
            return span_words(micros)
        case Count():
            return f"the number that holds of {source_of(operand)[5:]}"


def _happening(fact: Fact) -> str:
    """`they read a page`, `we called them`, `“Pricing page” happened`."""
    kind = KINDS.get(fact.argument or "")
    if fact.is_signal or kind is None:
        return f"“{fact.argument}” happened"
    if kind.code in _PASSIVE:
        return _PASSIVE[kind.code]
    if kind.actor == "system":
        return f"“{kind.words}” happened"
    return f"{'they' if kind.actor == 'their' else 'we'} {kind.words[:1].lower()}{kind.words[1:]}"


def _number(value: float) -> str:
    size = abs(value)
    text = repr(size) if not size.is_integer() else f"{int(size):,}" if size >= 10_000 else str(int(size))
    return f"−{text}" if value < 0 else text


def _often(value: float) -> str:
    return {1.0: "once", 2.0: "twice"}.get(value, f"{_number(value)} times")


def _few(value: float) -> str:
    return "one" if value == 1 else _number(value)


def _listed(words: Sequence[str], last: str = "or") -> str:
    """`a, b or c`."""
    *head, tail = words
    return f"{', '.join(head)} {last} {tail}" if head else tail


# --- clauses --------------------------------------------------------------------------------------------------------


class _Speaker:
    def __init__(self, labels: Mapping[str, str]) -> None:
        self.labels = labels

    def clause(self, condition: Condition, is_inner: bool = False) -> str:
        match condition:
            case And(parts):
                words = " and ".join(self.conjuncts(parts))
                return f"({words})" if is_inner and " and " in words else words
            case Or(parts):
                if is_inner:
                    return f"({' or '.join(self.clause(part, is_inner=True) for part in parts)})"
                glue = ", or " if any(isinstance(part, And) for part in parts) else " or "
                return glue.join(self.clause(part) for part in parts)
            case Not(And(parts)):
                return f"not all of this holds ({'; '.join(self.clause(part) for part in parts)})"
            case Not(Or(parts)):
                return f"none of this holds ({'; '.join(self.clause(part) for part in parts)})"
            case Not(Not(part)):
                return self.clause(part, is_inner)
            case Not(part):
                return self.simple(part, is_negated=True)
            case _:
                return self.simple(condition, is_negated=False)

    def conjuncts(self, parts: Sequence[Condition]) -> Iterator[str]:
        """The clauses of an `and`; `50 <= x <= 1000` is one: between."""
        waiting = list(parts)
        while waiting:
            part = waiting.pop(0)
            following = waiting[0] if waiting else None
            match part, following:
                case (Compare(Number(low), "<=", Fact() as a), Compare(b, "<=", Number(high))) if a == b:
                    waiting.pop(0)
                    yield f"{noun(a)} is between {_number(low)} and {_number(high)}"
                case _:
                    yield self.clause(part, is_inner=True)

    def simple(self, condition: Condition, *, is_negated: bool) -> str:
        match condition:
            case Compare(Number() | Text() | Truth() as left, op, Fact() | Count() as right):
                return self.compared(right, TURNED[op], left, is_negated)
            case Compare(left, op, right):
                return self.compared(left, op, right, is_negated)
            case In(operand, items, negated):
                return self.among(operand, items, negated is not is_negated)
            case TextTest():
                return _tested(condition, is_negated)
            case Known(fact):
                return _known(fact, is_negated)
            case Holds(Truth(value)):
                return "always" if value is not is_negated else "never"
            case Holds(Fact() as fact):
                return _held(fact, is_negated)
            case _:
                return f"not ({self.clause(condition)})"

    def compared(self, left: Operand, op: Operator, right: Operand, is_negated: bool) -> str:
        if is_negated and op in ("==", "!=") and not isinstance(right, (Fact, Count)):
            return f"{noun(left)} is {'not ' if op == '==' else 'unknown or '}{self.value(left, right)}"
        special = self.special(left, op, right)
        if special is not None:
            return f"it is not so that {special}" if is_negated else special
        does_not = " not" if is_negated else ""
        if isinstance(right, Number):
            words = "" if op == "==" else f"{_ORDER[op]} "
            return f"{noun(left)} is{does_not} {words}{_number(right.value)}"
        words = {"==": "", "!=": "not "}.get(op, f"{_ORDER[op]} ")
        return f"{noun(left)} is{does_not} {words}{self.value(left, right)}"

    def special(self, left: Operand, op: Operator, right: Operand) -> str | None:
        """Facts that have a way of speaking of their own."""
        match left, right:
            case Fact("times"), Number(value):
                return _times(left, op, value)
            case Fact(name), Span(micros):
                return _lasting(name, left, op == ">=", span_words(micros))
            case Fact("visits"), Number(value):
                return f"they visited {_ORDER[op]} {_often(value)}"
            case Fact("signals"), Number(value):
                return f"they gave {_ORDER[op]} {_few(value)} signal{'' if value == 1 else 's'} of interest"
            case Fact("decision.makers"), Number(value):
                return f"we know {_ORDER[op]} {_few(value)} decision maker{'' if value == 1 else 's'}"
            case Fact("bant"), Number(value):
                verb = "is" if value == 1 else "are"
                return f"{_ORDER[op]} {_few(value)} of budget, authority, need and timing {verb} confirmed"
            case Fact("bant_told"), Number(value):
                return f"they told us {_ORDER[op]} {_few(value)} of budget, authority, need and timing themselves"
            case Count(parts), Number(value):
                return f"{_ORDER[op]} {_few(value)} of these hold ({'; '.join(self.clause(part) for part in parts)})"
            case Fact(name), Truth(value) if op in ("==", "!=") and entry(left).type == "truth":
                is_yes = value is (op == "==")
                return f"{name} is known and not confirmed" if name in BANT and not is_yes else _held(left, not is_yes)
            case _:
                return None

    def among(self, operand: Operand, items: Sequence[Constant], is_negated: bool) -> str:
        values = [self.value(operand, item) for item in items]
        if not is_negated:
            return f"{noun(operand)} is {_listed(values)}"
        return f"{noun(operand)} is {'neither ' + _listed(values, 'nor') if len(values) > 1 else 'not ' + values[0]}"

    def value(self, about: Operand, value: Operand) -> str:
        """The value; a stage or status by its label."""
        if isinstance(value, Text) and about in (Fact("stage"), Fact("status")):
            return self.labels.get(value.value, f"“{value.value}”")
        return noun(value)


def _times(fact: Fact, op: Operator, value: float) -> str:
    happening = _happening(fact)
    if (op, value) in ((">=", 1.0), (">", 0.0), ("!=", 0.0)):
        return f"{happening} at least once"
    if (op, value) in (("==", 0.0), ("<", 1.0), ("<=", 0.0)):
        return _with("never", happening)
    return f"{happening} {_ORDER[op]} {_often(value)}"


def _lasting(name: str, fact: Fact, is_long: bool, span: str) -> str:
    if name == "idle":
        return f"there was no sign of life for {span}" if is_long else f"there was a sign of life in the last {span}"
    if name == "in_stage":
        return f"they have been on this rung for {'at least' if is_long else 'less than'} {span}"
    happening = _happening(fact)
    return f"{_with('last', happening)} at least {span} ago" if is_long else f"{happening} less than {span} ago"


_SUBJECT: Final = re.compile(r"“.*”|the \w+|they were|\w+", re.DOTALL)


def _with(adverb: str, happening: str) -> str:
    """`they read a page` with `never` where it belongs: behind the subject."""
    found = _SUBJECT.match(happening)
    end = found.end() if found else 0
    return f"{happening[:end]} {adverb}{happening[end:]}"


def _held(fact: Fact, is_negated: bool) -> str:
    if fact.name in _TRUTHS:
        return _TRUTHS[fact.name][is_negated]
    verb = {"friction": "was found", "answered": "was answered", "ticked": "was ticked"}.get(fact.name)
    if verb:
        return f"{noun(fact)} {verb.replace('was', 'was not') if is_negated else verb}"
    if entry(fact).type == "truth":
        return f"{fact.name} is {'not ' if is_negated else ''}confirmed"
    owner, _, field = fact.name.partition(".")
    if field.startswith("is_") and owner in _MARKED:
        return f"{_MARKED[owner]} {'not ' if is_negated else ''}marked as {field[3:].replace('_', ' ')}"
    return f"{noun(fact)} is {'not ' if is_negated else ''}yes"


def _known(fact: Fact, is_negated: bool) -> str:
    if fact.name == "since":
        return _times(Fact("times", fact.argument, fact.is_signal), "<" if is_negated else ">=", 1.0)
    name = fact.name if entry(fact).type == "truth" and not fact.argument else noun(fact)
    return f"{name} is {'not ' if is_negated else ''}known"


_VERBS: Final = {
    "startswith": ("starts with", "does not start with"),
    "endswith": ("ends with", "does not end with"),
    "contains": ("contains", "does not contain"),
    "is": ("is", "is not"),
    "looks like": ("looks like", "does not look like"),
}


def _tested(test: TextTest, is_negated: bool) -> str:
    if test.how != "matches":
        return f"{noun(test.fact)} {_VERBS[test.how][is_negated]} “{test.pattern}”"
    groups: dict[str, list[str]] = {}
    for alternative in test.pattern.split("|"):
        verb, text = _said(alternative)
        groups.setdefault(verb, []).append(f"“{text}”")
    joint, words = ("and", "nor") if is_negated else ("or", "or")
    return f"{noun(test.fact)} " + f" {joint} ".join(
        f"{_VERBS[verb][is_negated]} {_listed(texts, words)}" for verb, texts in groups.items()
    )


def _said(pattern: str) -> tuple[str, str]:
    """One alternative as a verb and a text: `*cio*` is "contains cio"."""
    inner = pattern.strip(ANY)
    if not inner or ANY in inner or ONE in inner:
        return "looks like", pattern
    starts, ends = not pattern.startswith(ANY), not pattern.endswith(ANY)
    verb = {(True, True): "is", (True, False): "startswith", (False, True): "endswith"}.get((starts, ends), "contains")
    return verb, inner.strip() or inner
