"""Conditions: a small safe language, one syntax tree, the same answer as a function, a program and SQL."""

from rung.playbook.conditions.closure import Facts, Value, compiled
from rung.playbook.conditions.facts import FACTS, Entry, Place, Scope, check
from rung.playbook.conditions.parsing import ConditionError, parse
from rung.playbook.conditions.source import source
from rung.playbook.conditions.syntax import (
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
    Truth,
    engagement_at_least,
    facts_named,
)
from rung.playbook.conditions.words import in_words

__all__ = [
    "FACTS",
    "And",
    "Compare",
    "Condition",
    "ConditionError",
    "Count",
    "Entry",
    "Fact",
    "Facts",
    "Holds",
    "In",
    "Known",
    "Not",
    "Number",
    "Or",
    "Place",
    "Scope",
    "Span",
    "Text",
    "TextTest",
    "Truth",
    "Value",
    "check",
    "compiled",
    "engagement_at_least",
    "facts_named",
    "in_words",
    "parse",
    "source",
]
