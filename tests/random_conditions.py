"""Random conditions and random people for them, for every test that says two targets agree.

A person is a dict from fact to value; `Person` looks it up. The alphabet is small, so that things match often, and
full of what goes wrong: wildcards of LIKE, quotes, backslashes, letters whose case differs from engine to engine.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from rung.playbook.conditions.closure import Value
from rung.playbook.conditions.facts import FACTS, Scope, entry
from rung.playbook.conditions.syntax import (
    OPERATORS,
    TESTS,
    And,
    Compare,
    Condition,
    Count,
    Fact,
    Holds,
    In,
    Known,
    Node,
    Not,
    Number,
    Operand,
    Or,
    Span,
    Text,
    TextTest,
    Truth,
    walk,
)
from rung.terms.instants import DAY, HOUR

SIGNALS: Final = ("Pricing page", "Demo request", "page_viewed", 'it\'s "quoted" \\ ü')
SCOPE: Final = Scope("signal", signals=SIGNALS)
"""The place where every fact may be named."""

FIELDS: Final = tuple(
    Fact(name)
    for name in ("person.title", "person.Job title", "company.from", "company.größe", "data.path", 'data.a "b"\\')
)
HAPPENINGS: Final = tuple(
    Fact(name, *what)
    for name in ("times", "since")
    for what in (("Pricing page", True), ("page_viewed", True), ("page_viewed", False), ('it\'s "quoted" \\ ü', True))
)
NAMED: Final = tuple(Fact(name, text) for name in ("friction", "answered", "ticked") for text in ("price", "x\\'ü"))
ALL_FACTS: Final = (
    *FIELDS,
    *HAPPENINGS,
    *NAMED,
    *(Fact(found.name) for found in FACTS.values() if not found.brackets),
)
SOME_FACTS: Final = (
    *FIELDS[:3],
    Fact("score"),
    Fact("accepted"),
    Fact("need"),
    Fact("idle"),
    Fact("stage"),
    Fact("times", "Pricing page", True),
    Fact("since", "page_viewed", False),
)
"""Few enough for a table with a column each: every type is there, unknown values too."""

NASTY: Final = "aAbBkKiIıİßẞσςΣüÜéÉѝЍdžDžDŽÅ%_!\\*?|'\"[]^$. \n\t\x01\u2028😀𐐀𐐨"

texts = st.one_of(
    st.text("aAbü", max_size=4),
    st.text(NASTY, max_size=6),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=4),
).map(lambda text: unicodedata.normalize("NFC", text))
numbers = st.one_of(
    st.integers(-3, 6).map(float),
    st.sampled_from([0.1, 0.5, -2.5, 1e-7, 123456.789, 2.0**53, 1e18, 0.30000000000000004]),
    st.floats(-1e9, 1e9, allow_nan=False).map(lambda number: number + 0.0),
)
spans = st.one_of(
    st.integers(0, 5).map(lambda days: days * DAY), st.integers(0, 99).map(lambda hours: hours * HOUR // 4)
)
traits = st.one_of(texts, numbers, st.booleans(), st.lists(texts, max_size=3).map(tuple), st.none())
_OF_TYPE: Final = {
    "number": st.none() | numbers,
    "text": st.none() | texts,
    "truth": st.none() | st.booleans(),
    "span": st.none() | spans,
    "trait": traits,
}


@dataclass(frozen=True, slots=True)
class Person:
    """The facts of one person; what is not there is unknown."""

    facts: Mapping[Fact, Value]

    def value(self, fact: Fact, /) -> Value:
        return self.facts.get(fact)


def people(facts: tuple[Fact, ...] = SOME_FACTS, likely: Sequence[Value] = ()) -> st.SearchStrategy[Person]:
    """People with a value of the right type, or none, for each of the facts; often one of the `likely` ones."""
    return st.fixed_dictionaries({fact: _values(entry(fact).type, likely) for fact in facts}).map(Person)


@st.composite
def worlds(draw: st.DrawFn, facts: tuple[Fact, ...] = SOME_FACTS) -> tuple[list[Condition], list[Person]]:
    """A few conditions, and people who are likely to meet some of them and to miss others by a hair."""
    asked = draw(st.lists(conditions(facts), min_size=1, max_size=4))
    likely = list(dict.fromkeys(echo for condition in asked for node in walk(condition) for echo in _echoes(node)))
    return asked, draw(st.lists(people(facts, likely), min_size=1, max_size=6))


def _values(of_type: str, likely: Sequence[Value]) -> st.SearchStrategy[Value]:
    kinds = {"number": float, "text": str, "truth": bool, "span": int, "trait": (float, str, tuple)}[of_type]
    fitting = [value for value in likely if isinstance(value, kinds) and isinstance(value, bool) is (kinds is bool)]
    return st.sampled_from(fitting) | _OF_TYPE[of_type] if fitting else _OF_TYPE[of_type]


def _echoes(node: Node) -> Iterator[Value]:
    """Values that are near what the node asks."""
    match node:
        case Number(value):
            yield from (value, value - 1, value + 0.5)
        case Span(micros):
            yield from (micros, micros - 1, micros + 1)
        case Text(text):
            yield from (text, text.upper(), text + " ")
        case TextTest(_, "matches", pattern):
            for alternative in pattern.split("|"):
                for star, one in (("", "_"), ("%é\\", "😀")):
                    text = unicodedata.normalize("NFC", alternative.replace("*", star).replace("?", one))
                    yield from (
                        text,
                        text.upper(),
                        text.lower(),
                        text.swapcase(),
                        text + "x",
                        re.sub("[%_!]", "zz", text),
                    )
        case TextTest(_, _, text):
            yield from (text, text + "xé", "é" + text, text[1:], text.upper(), "a" + text + "b", (text,), ("b", text))
        case _:
            pass


def conditions(facts: tuple[Fact, ...] = SOME_FACTS, leaves: int = 8) -> st.SearchStrategy[Condition]:
    """Conditions over these facts, in the form in which the parser gives them."""
    simple = _simple(st.sampled_from(facts), facts)
    return st.recursive(simple, lambda inner: _joined(inner, facts), max_leaves=leaves)


def _simple(fact: st.SearchStrategy[Fact], facts: tuple[Fact, ...]) -> st.SearchStrategy[Condition]:
    plain = st.sampled_from([each for each in facts if entry(each).type != "span"])
    lasting = [each for each in facts if entry(each).type == "span"]
    holding = st.sampled_from([each for each in facts if each.name not in ("times", "since")])
    constants = st.one_of(numbers.map(Number), texts.map(Text), st.booleans().map(Truth))
    choices: list[st.SearchStrategy[Condition]] = [
        st.builds(Compare, plain, st.sampled_from(OPERATORS), constants),
        st.builds(Compare, constants, st.sampled_from(OPERATORS), plain | constants),
        st.builds(Compare, plain, st.sampled_from(OPERATORS), plain),
        st.builds(In, plain | constants, st.lists(constants, min_size=1, max_size=4).map(tuple), st.booleans()),
        st.builds(TextTest, fact, st.sampled_from(TESTS[:3]), texts.filter(bool)),
        st.builds(TextTest, fact, st.just(TESTS[3]), patterns()),
        st.builds(Known, fact),
        st.builds(Holds, holding | st.booleans().map(Truth)),
    ]
    if lasting:
        choices.append(st.builds(Compare, st.sampled_from(lasting), st.sampled_from((">=", "<")), spans.map(Span)))
    return st.one_of(choices)


def patterns() -> st.SearchStrategy[str]:
    """For `.matches()`: no alternative is empty."""
    piece = st.one_of(st.just("*"), st.just("?"), texts.map(lambda text: text.replace("|", "")))
    alternative = st.lists(piece, min_size=1, max_size=5).map("".join).filter(bool)
    return st.lists(alternative, min_size=1, max_size=3).map("|".join)


def _joined(inner: st.SearchStrategy[Condition], facts: tuple[Fact, ...]) -> st.SearchStrategy[Condition]:
    several = st.lists(inner, min_size=2, max_size=4)
    counted = st.builds(Count, st.lists(inner, min_size=1, max_size=3).map(tuple))
    number: st.SearchStrategy[Operand] = st.integers(-1, 4).map(lambda n: Number(float(n)))
    return st.one_of(
        several.map(lambda parts: And(_flat(parts, And))),
        several.map(lambda parts: Or(_flat(parts, Or))),
        st.builds(Not, inner),
        st.builds(Compare, counted, st.sampled_from(OPERATORS), number),
        st.builds(In, counted, st.lists(number, min_size=1, max_size=2).map(tuple), st.booleans()),
    )


def _flat(parts: list[Condition], kind: type[And] | type[Or]) -> tuple[Condition, ...]:
    return tuple(inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,)))
