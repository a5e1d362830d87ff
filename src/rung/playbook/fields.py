"""Reading one mapping of the file field by field: the right type or a fault that says what to write."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from rung.playbook.conditions import ConditionError, Place, Scope, check, parse
from rung.playbook.definitions import FOREVER, Rule
from rung.playbook.faults import Fault, did_you_mean
from rung.playbook.tree import Branch, Entry, Leaf, Node, Table
from rung.terms.durations import BadDuration, Duration, parse_duration
from rung.terms.instants import DAY

MOST_LINES: Final = 200
"""Entries of one section."""
LONGEST_CONDITION: Final = 1_024
"""Bytes."""
LONGEST_NAME: Final = 100
LONGEST_TEXT: Final = 1_000
LARGEST_POINTS: Final = 1_000_000
LONGEST_DURATION: Final = 36_500 * DAY

_TRUTHS: Final = {"yes": True, "no": False, "true": True, "false": False}


@dataclass
class Notes:
    """What was found while reading: errors refuse the playbook, warnings do not."""

    file: str
    errors: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    def error(self, line: int, message: str, fix: str = "") -> None:
        self.errors.append(Fault(self.file, line, message, fix))

    def warn(self, line: int, message: str, fix: str = "") -> None:
        self.warnings.append(Fault(self.file, line, message, fix))


@dataclass(frozen=True)
class Names:
    """The names the file itself defines, gathered before any condition is read."""

    signals: tuple[str, ...] = ()
    frictions: tuple[str, ...] | None = None
    questions: tuple[str, ...] | None = None
    lines: tuple[str, ...] | None = None

    def scope(self, place: Place) -> Scope:
        return Scope(
            place,
            signals=self.signals,
            frictions=self.frictions,
            questions=self.questions,
            lines=self.lines,
        )


class Part:
    """One mapping of the file, with the words by which a fault names it ("Signal “Pricing page”")."""

    def __init__(self, notes: Notes, names: Names, table: Table, where: str, keys: Sequence[str] | None) -> None:
        self.notes = notes
        self.names = names
        self.where = where
        self.line = table.line
        self.is_absent = False
        """Nothing was written where this should stand: what it lacks is no further fault."""
        self.entries: Mapping[str, Entry] = table.entries
        for entry in table.entries.values() if keys is not None else ():
            if entry.key not in (keys or ()):
                self.error(
                    entry.line, f"there is no key {_shown(entry.key)} here.", did_you_mean(entry.key, keys or ())
                )

    def error(self, line: int, message: str, fix: str = "") -> None:
        self.notes.error(line, f"{self.where}: {message}", fix)

    def warn(self, line: int, message: str, fix: str = "") -> None:
        self.notes.warn(line, f"{self.where}: {message}", fix)

    def has(self, key: str) -> bool:
        return key in self.entries

    def line_of(self, key: str) -> int:
        """The line of the key, or of the part where the key is missing."""
        return self.entries[key].line if key in self.entries else self.line

    def lines(self) -> dict[str, int]:
        return {key: entry.line for key, entry in self.entries.items()}

    # --- scalars ---

    def text(self, key: str, *, required: bool = False, longest: int = LONGEST_TEXT) -> str:
        """A text, trimmed; "" where there is none. A bare number or truth counts as the text it was written as."""
        node = self._value(key, required)
        if node is None:
            return ""
        return self._text(node, key, longest)

    def one_of(self, key: str, options: Sequence[str]) -> str:
        """One of the options, or "" with a fault (or without one where the key is missing)."""
        said = self.text(key)
        if said and said not in options:
            self.error(self.line_of(key), f"{key} cannot be {_shown(said)}.", did_you_mean(said, options))
            return ""
        return said

    def number(self, key: str, *, least: float = -LARGEST_POINTS, required: bool = False) -> float | None:
        node = self._value(key, required)
        if node is None:
            return None
        value = node.value if isinstance(node, Leaf) else None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.error(node.line, f"{key} must be a number, not {_described(node)}.", f"Write `{key}: 10`.")
            return None
        if not least <= value <= LARGEST_POINTS:
            limits = f"{least:g} to {LARGEST_POINTS:,}"
            self.error(node.line, f"{key} is {value:g}; it goes from {limits}.", "Write a number in between.")
            return None
        return float(value)

    def whole(self, key: str) -> int | None:
        value = self.number(key, least=0)
        if value is not None and not value.is_integer():
            self.error(
                self.line_of(key), f"{key} must be a whole number, not {value:g}.", f"Write `{key}: {value:.0f}`."
            )
            return None
        return None if value is None else int(value)

    def truth(self, key: str) -> bool:
        """`yes no true false`; no where the key is missing."""
        node = self._value(key, False)
        if node is None:
            return False
        value = node.value if isinstance(node, Leaf) else None
        if isinstance(value, str) and value.lower() in _TRUTHS:
            return _TRUTHS[value.lower()]
        if not isinstance(value, bool):
            self.error(node.line, f"{key} must be yes or no, not {_described(node)}.", f"Write `{key}: yes`.")
            return False
        return value

    def duration(self, key: str) -> Duration | None:
        """A duration, business time allowed."""
        node = self._value(key, False)
        return None if node is None else self.duration_in(node, key)

    def duration_in(self, node: Node, key: str) -> Duration | None:
        try:
            duration = parse_duration(node.value if isinstance(node, Leaf) else None)
        except BadDuration:
            message = f"{key} must be a duration, not {_described(node)}."
            self.error(node.line, message, "Write 14d, 30 minutes or 1 business day.")
            return None
        wall_clock = duration.micros if not duration.is_business else Duration(duration.count, duration.unit).micros
        if not 0 < wall_clock <= LONGEST_DURATION:
            self.error(node.line, f"{key} is {duration}; it goes from 1 minute to 100 years.", "Write such as 14d.")
            return None
        return duration

    def micros(self, key: str, *, may_be_never: bool = False) -> int | None:
        """Wall-clock time in microseconds, FOREVER for `never` where that is allowed; None where the key is missing."""
        node = self._value(key, False)
        if node is None:
            return None
        if may_be_never and isinstance(node, Leaf) and node.value == "never":
            return FOREVER
        duration = self.duration_in(node, key)
        if duration is not None and duration.is_business:
            plainly = Duration(duration.count, duration.unit)
            self.error(node.line, f"{key} is counted by the wall clock, not in business time.", f"Write {plainly}.")
            return None
        return None if duration is None else duration.micros

    def share(self, key: str) -> float | None:
        """`75%` as 0.75."""
        node = self._value(key, False)
        if node is None:
            return None
        found = _PERCENT.match(str(node.value)) if isinstance(node, Leaf) and isinstance(node.value, str) else None
        if found is None or not 0 < float(found[1]) <= 100:
            self.error(
                node.line, f"{key} must be above 0% and up to 100%, not {_described(node)}.", "Write such as 75%."
            )
            return None
        return float(found[1]) / 100

    def day(self, key: str) -> date | None:
        node = self._value(key, False)
        return None if node is None else self.day_in(node, key)

    def day_in(self, node: Node, key: str) -> date | None:
        text = node.value if isinstance(node, Leaf) and isinstance(node.value, str) else ""
        try:
            if not _DATE.match(text):
                raise ValueError(text)
            return date.fromisoformat(text)
        except ValueError:
            self.error(node.line, f"{key} must be a date, not {_described(node)}.", "Write it as 2027-11-01.")
            return None

    # --- lists and parts ---

    def items(self, key: str, *, most: int = MOST_LINES) -> tuple[Node, ...]:
        """The entries of a list; none where the key is missing or no list (with a fault)."""
        node = self._value(key, False)
        if node is None:
            return ()
        if not isinstance(node, Branch):
            self.error(node.line, f"{key} must be a list, not {_described(node)}.", f"Write `{key}: [ … ]`.")
            return ()
        if len(node.items) > most:
            line = node.items[most].line
            self.error(
                line, f"{key} has {len(node.items)} lines; {most} are allowed.", "Remove those that matter least."
            )
        return node.items[:most]

    def texts(self, key: str, *, longest: int = LONGEST_TEXT, once: bool = True) -> tuple[str, ...]:
        """A list of texts, each once."""
        found: list[str] = []
        for node in self.items(key):
            text = self._text(node, f"{key}:", longest)
            if text in found and once:
                self.error(node.line, f"{_shown(text)} stands twice in {key}.", "Keep one of the two.")
            elif text:
                found.append(text)
        return tuple(found)

    def part(self, key: str, where: str, keys: Sequence[str] | None) -> "Part":
        """The mapping under the key; an empty one where it is missing or no mapping (with a fault)."""
        node = self._value(key, False)
        return self.part_in(node, where, keys) if node is not None else self._empty(where, self.line)

    def part_in(self, node: Node, where: str, keys: Sequence[str] | None) -> "Part":
        if not isinstance(node, Table):
            example = f"{{{', '.join(f'{key}: …' for key in (keys or ('name',))[:2])}}}"
            self.notes.error(node.line, f"{where} must be a mapping, not {_described(node)}.", f"Write `{example}`.")
            return self._empty(where, node.line)
        if len(node.entries) > MOST_LINES:
            self.notes.error(
                node.line, f"{where} has {len(node.entries)} keys; {MOST_LINES} are allowed.", "Remove some."
            )
        return Part(self.notes, self.names, node, where, keys)

    def parts(self, key: str, noun: str, keys: Sequence[str], called: str = "name") -> list["Part"]:
        """The mappings of a list, each named by its own `called` field."""
        return [self.part_in(node, _named(noun, node, called, n), keys) for n, node in enumerate(self.items(key), 1)]

    def _empty(self, where: str, line: int) -> "Part":
        part = Part(self.notes, self.names, Table({}, line), where, None)
        part.is_absent = True
        return part

    # --- conditions ---

    def rule(self, key: str, place: Place, *, required: bool = False) -> Rule | None:
        node = self._value(key, required)
        return None if node is None else self.rule_in(node, key, place)

    def rule_in(self, node: Node, key: str, place: Place) -> Rule | None:
        """The condition of a scalar; None, with a fault, where it is none."""
        if not isinstance(node, Leaf) or (isinstance(node.value, (int, float)) and not isinstance(node.value, bool)):
            self.error(node.line, f"{key} must be a condition, not {_described(node)}.", "Write such as score >= 50.")
            return None
        text = _condition_text(node)
        size = len(text.encode())
        if size > LONGEST_CONDITION:
            message = f"{key} is {size:,} bytes long; {LONGEST_CONDITION:,} are allowed."
            self.error(node.line, message, "Split it into two lines.")
            return None
        scope = self.names.scope(place)
        try:
            condition = parse(text, scope)
        except ConditionError as refusal:
            for each in (refusal, *refusal.others):
                self.error(node.line, f"{key}, character {each.column + 1}: {_sentence(each.message)}", _advice(each))
            return None
        for finding in check(condition, scope):
            tell = self.error if _is_contradiction(finding) else self.warn
            tell(node.line, f"{key}: {_sentence(finding)}", "Correct it, or remove this part.")
        return Rule(text, condition, node.line)

    # --- inside ---

    def _value(self, key: str, required: bool) -> Node | None:
        entry = self.entries.get(key)
        if entry is None:
            if required and not self.is_absent:
                self.error(self.line, f"{key} is missing.", f"Add `{key}: …`.")
            return None
        if isinstance(entry.value, Leaf) and (entry.value.value is None or entry.value.value == ""):
            self.error(entry.line, f"{key} is empty.", "Write its value, or remove the key.")
            return None
        return entry.value

    def _text(self, node: Node, key: str, longest: int) -> str:
        if not isinstance(node, Leaf) or node.value is None:
            self.error(node.line, f"{key.rstrip(':')} must be a text, not {_described(node)}.", "Write a text.")
            return ""
        text = node.value if isinstance(node.value, str) else _as_written(node.value)
        text = " ".join(text.split())
        if len(text) > longest:
            self.error(
                node.line, f"{key.rstrip(':')} is {len(text)} characters long; {longest} are allowed.", "Shorten it."
            )
            return text[:longest]
        if not text:
            self.error(node.line, f"{key.rstrip(':')} is empty.", "Write a text, or remove it.")
        return text


_PERCENT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)\s*%\Z", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)


def duplicates(parts: Iterable[Part], key: str = "name") -> None:
    """A fault for each part that carries the name of an earlier one."""
    seen: dict[str, int] = {}
    for part in parts:
        node = part.entries.get(key)
        name = str(node.value.value).strip() if node and isinstance(node.value, Leaf) else ""
        if name and name in seen:
            part.error(part.line_of(key), f"this {key} stands twice; first on line {seen[name]}.", "Give it another.")
        elif name:
            seen[name] = part.line_of(key)


def _condition_text(node: Leaf) -> str:
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    text = str(node.value).strip()
    return {"yes": "true", "no": "false", "True": "true", "False": "false"}.get(text, text).replace("\n", " ")


def _advice(refusal: ConditionError) -> str:
    fix = refusal.fix.strip()
    return (
        f"{fix[0].upper()}{fix[1:]}{'' if fix.endswith(('.', '?', '!')) else '.'}" if fix else "Correct the condition."
    )


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


_CONTRADICTIONS: Final = ("There is no ", "The playbook has no ")


def _is_contradiction(finding: str) -> bool:
    """Unknown names and types that never match refuse the playbook; what is merely pointless does not."""
    inside = ("never equals", "always false", "never true by itself")
    return finding.startswith(_CONTRADICTIONS) or any(words in finding for words in inside)


def _named(noun: str, node: Node, called: str, number: int) -> str:
    entry = node.entries.get(called) if isinstance(node, Table) else None
    name = entry.value.value if entry and isinstance(entry.value, Leaf) else None
    return f"{noun} {_shown(str(name))}" if name not in (None, "") else f"{noun} {number}"


def _shown(text: str) -> str:
    return f"“{text if len(text) <= 60 else text[:57] + '…'}”"


def _described(node: Node | None) -> str:
    match node:
        case Table():
            return "a mapping"
        case Branch():
            return "a list"
        case Leaf(value, _, is_quoted) if isinstance(value, str):
            return f"the text {_shown(value)}" if is_quoted else _shown(value)
        case Leaf(value) if isinstance(value, (int, float)):
            return _as_written(value)
        case _:
            return "nothing"


def _as_written(value: float | bool | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else f"{value:.15g}"
