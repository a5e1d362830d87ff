"""YAML 1.2 text as a small tree of texts, numbers, truths, lists and mappings, each with its line.

ruamel.yaml scans and parses; scalars are resolved here, by the core schema of YAML 1.2 and nothing else: `yes`, `no`,
`on` and `NO` are text, `010` is ten, `09:00` and `2026-11-01` are text. Anchors, aliases, tags and further documents
are refused: a playbook is read by people who do not know them, and they are how a small file becomes a large one.
"""

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from rung.playbook.faults import Fault
from rung.terms.values import LARGEST_NUMBER

LARGEST_FILE: Final = 64 * 1024
"""Bytes."""
DEEPEST: Final = 10
MOST_NODES: Final = 20_000

Plain = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Leaf:
    value: Plain
    line: int
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """A list."""

    items: "tuple[Node, ...]"
    line: int


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping; each key once, with the line it stands on."""

    entries: "dict[str, Entry]"
    line: int


@dataclass(frozen=True, slots=True)
class Entry:
    key: str
    line: int
    value: "Node"


Node = Leaf | Branch | Table


def read(text: str | bytes, file: str) -> tuple[Node | None, list[Fault]]:
    """The tree, and what is wrong with the text as YAML. None where nothing can be made of it."""
    try:
        content = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        size = len(content.encode())
    except UnicodeDecodeError as fault:
        line = bytes(text[: fault.start]).count(b"\n") + 1  # type: ignore[arg-type]
        return None, [Fault(file, line, "The file is not UTF-8 text.", "Save it as UTF-8.")]
    except UnicodeEncodeError as fault:
        line = fault.object[: fault.start].count("\n") + 1
        return None, [Fault(file, line, "The file holds a broken character.", "Remove it.")]
    if size > LARGEST_FILE:
        message = f"The file is {size:,} bytes long; {LARGEST_FILE:,} are allowed."
        return None, [Fault(file, 1, message, "Remove lines that no longer matter, or shorten long texts.")]
    return _Builder(file).built(content)


def place_of(text: str, *steps: str | int) -> tuple[int, int] | None:
    """Where the scalar at the end of the way stands in a readable text, from and to: `"signals", 2, "points"`."""
    node = _composed(text)
    for step in steps:
        if isinstance(step, int) and isinstance(node, SequenceNode) and step < len(node.value):
            node = node.value[step]
        elif isinstance(step, str) and isinstance(node, MappingNode):
            node = next((value for key, value in node.value if key.value == step), None)
        else:
            return None
    return (node.start_mark.index, node.end_mark.index) if isinstance(node, ScalarNode) else None


@lru_cache(maxsize=4)
def _composed(text: str) -> Any:
    return YAML(typ="safe", pure=True).compose(text)


def plain(node: Node) -> object:
    """The tree as dicts, lists and scalars, without lines."""
    match node:
        case Leaf(value):
            return value
        case Branch(items):
            return [plain(item) for item in items]
        case Table(entries):
            return {key: plain(entry.value) for key, entry in entries.items()}


class _Stop(Exception):
    """The text goes on in a way that is not worth reading further."""


class _Builder:
    """Builds the tree from the parser's events; bounded in depth and size, so that no text can exhaust us."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.nodes = 0
        self.documents = 0

    def built(self, content: str) -> tuple[Node | None, list[Fault]]:
        root: Node | None = None
        try:
            events = iter(YAML(typ="safe", pure=True).parse(content))
            for event in events:
                self._guard(event)
                if not isinstance(event, (ScalarEvent, SequenceStartEvent, MappingStartEvent)):
                    continue
                root = self._node(event, events, 1)
        except _Stop:
            root = None
        except MarkedYAMLError as error:
            self._fault(_line_of(error), *_explained(error))
            root = None
        except (
            YAMLError,
            ValueError,
            LookupError,
            AssertionError,
            AttributeError,
            TypeError,
            ArithmeticError,
        ) as error:
            # The scanner lets some of its own slips through (a bad %YAML line, odd escapes): unreadable all the same.
            self._fault(_position_of(error, content), *_explained(error))
            root = None
        if root is None and not self.faults:
            self._fault(1, "The file is empty.", "Start with `playbook: 1` and `stages:`.")
        return root, self.faults

    def _fault(self, line: int, message: str, fix: str) -> None:
        self.faults.append(Fault(self.file, line, message, fix))

    def _guard(self, event: Event) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._fault(line, "A second document begins here.", "A playbook is one document: remove the `---`.")
                raise _Stop
            if event.version and tuple(event.version) != (1, 2):
                self._fault(line, "A playbook is YAML 1.2.", "Remove the %YAML line.")
                raise _Stop
            if event.tags:
                self._fault(line, "Tags are not used in a playbook.", "Remove the %TAG line.")
        if isinstance(event, AliasEvent):
            self._fault(line, f"The alias *{event.anchor} is not allowed.", "Write the text out again.")
            raise _Stop

    def _node(self, event: Event, events: Iterator[Event], depth: int) -> Node:
        line = event.start_mark.line + 1
        self.nodes += 1
        if self.nodes > MOST_NODES or depth > DEEPEST:
            what = f"nested deeper than {DEEPEST} levels" if depth > DEEPEST else "too long a list of things"
            self._fault(line, f"The file is {what} here.", "A playbook needs no more: simplify this part.")
            raise _Stop
        self._guard(event)
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor:
            self._fault(line, f"The anchor &{anchor} is not allowed.", "Write the text out where it is needed.")
        if tag not in (None, "!"):
            self._fault(line, f"The tag {tag} is not allowed.", "Remove it; quote a text that looks like a number.")
        if isinstance(event, ScalarEvent):
            return self._leaf(event, line)
        if isinstance(event, SequenceStartEvent):
            return Branch(tuple(self._items(events, depth)), line)
        return Table(self._entries(events, depth), line)

    def _items(self, events: Iterator[Event], depth: int) -> Iterator[Node]:
        for event in events:
            if isinstance(event, SequenceEndEvent):
                return
            self._guard(event)
            yield self._node(event, events, depth + 1)

    def _entries(self, events: Iterator[Event], depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for event in events:
            if isinstance(event, MappingEndEvent):
                break
            key = self._node(event, events, depth + 1)
            value = self._node(next(events), events, depth + 1)
            if not isinstance(key, Leaf) or key.value is None:
                self._fault(key.line, "A key must be a text.", "Write a name before the colon.")
                continue
            name = key.value if isinstance(key.value, str) else str(key.value)
            if name in entries:
                first = entries[name].line
                self._fault(key.line, f"The key {name} stands twice; first on line {first}.", "Keep one of the two.")
            else:
                entries[name] = Entry(name, key.line, value)
        return entries

    def _leaf(self, event: ScalarEvent, line: int) -> Leaf:
        is_plain = event.style is None
        value = unicodedata.normalize("NFC", event.value)
        if _BROKEN.search(value):
            self._fault(line, "A text holds a NUL or a broken character.", "Remove it.")
            value = _BROKEN.sub("", value)
        resolved = resolved_plain(value) if is_plain else value
        if isinstance(resolved, float) and not math.isfinite(resolved):
            self._fault(line, f"{value} is not a finite number.", "Write a number.")
            resolved = 1
        elif isinstance(resolved, (int, float)) and not -LARGEST_NUMBER < resolved < LARGEST_NUMBER:
            self._fault(line, f"{value[:40]} is too large a number.", "Numbers go up to 2^63.")
            resolved = 1
        return Leaf(resolved, line, not is_plain)


_BROKEN: Final = re.compile("[\x00\ud800-\udfff]")
_INT: Final = re.compile(r"[-+]?[0-9]+\Z", re.ASCII)
_OCTAL: Final = re.compile(r"0o[0-7]+\Z", re.ASCII)
_HEX: Final = re.compile(r"0x[0-9a-fA-F]+\Z", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z", re.ASCII)
_INFINITE: Final = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z", re.ASCII)
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def resolved_plain(text: str) -> Plain:
    """What an unquoted scalar is by the core schema of YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if _INFINITE.match(text):
        return math.nan
    if len(text) > 400:  # no number that we accept is that long, and Python refuses to read some that are
        return text
    if _INT.match(text):
        return int(text)
    if _OCTAL.match(text):
        return int(text[2:], 8)
    if _HEX.match(text):
        return int(text[2:], 16)
    return float(text) if _FLOAT.match(text) else text


_EXPLANATIONS: Final = (
    ("found character '\\t'", "A tab stands where blanks are needed.", "Indent with blanks."),
    (
        "mapping values are not allowed",
        "A second colon, or a line indented too far, makes this unreadable.",
        "Put the value in quotes: '…', or line it up with its neighbours.",
    ),
    ("found unexpected end of stream", "A quotation mark is opened and never closed.", "Close it."),
    (
        "expected ',' or",
        "A list or a mapping in brackets is not closed, or a comma is missing.",
        "Close it, or add the comma.",
    ),
    ("expected <block end>", "The indentation does not fit the lines above.", "Line it up with its neighbours."),
    ("cannot start any token", "This character cannot begin a value.", "Put the value in quotes: '…'."),
    ("could not find expected ':'", "A colon is missing after the key.", "Write `key: value`."),
    ("expected alphabetic or numeric", "A * or & begins a value.", "Put the value in quotes: '…'."),
    ("unacceptable character", "A character that is not allowed in text.", "Remove it."),
    ("special characters are not allowed", "A character that is not allowed in text.", "Remove it."),
)


def _line_of(error: MarkedYAMLError) -> int:
    """Where the reader should look: at an opening quotation mark rather than at the end of the file."""
    is_unclosed = "end of stream" in (error.problem or "")
    mark = error.context_mark if is_unclosed and error.context_mark else error.problem_mark or error.context_mark
    return int(mark.line) + 1 if mark else 1


def _explained(error: Exception) -> tuple[str, str]:
    told = f"{getattr(error, 'problem', None) or ''} {getattr(error, 'context', None) or ''}".strip() or str(error)
    for needle, message, fix in _EXPLANATIONS:
        if needle in told:
            return message, fix
    first = (told.splitlines() or [type(error).__name__])[0]
    return f"This is not YAML: {first[:120].rstrip('.')}.", "Correct this line."


def _position_of(error: Exception, content: str) -> int:
    position = getattr(error, "position", None)
    return content[:position].count("\n") + 1 if isinstance(position, int) else 1


__all__ = ["Branch", "Entry", "Leaf", "Node", "Table", "plain", "read", "resolved_plain"]
