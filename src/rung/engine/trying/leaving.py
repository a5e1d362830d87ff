"""A part of a playbook left out: a line that gives points, or one way into the rung of the hand-off.

Only what lets people in is a part here. A clause that all must meet keeps people out: without it there would be more
hand-offs, not fewer.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from rung.engine.trying.varying import CannotTry, knob, place_of_rule, with_node
from rung.playbook.conditions import Condition, Count, Or, Scope, parse, source
from rung.playbook.conditions.syntax import walk
from rung.playbook.definitions import Playbook, Rule
from rung.playbook.words import when_words

What = Literal["signal", "fit", "condition"]

_LEFT_OUT: Final = 0.0
"""Points of a line that is left out. The line stays, so that what it counts beside (signs of life) stays too."""


@dataclass(frozen=True, slots=True)
class Part:
    """`path` names it: `signals.Pricing page`, `fit.Right size`, `stages.mql.enter/2` (the second way in)."""

    path: str
    name: str
    what: What
    line: int
    """Of the playbook's file."""


def parts(playbook: Playbook) -> tuple[Part, ...]:
    """Every part that can be left out, in the order of the file."""
    return tuple(sorted(_parts(playbook), key=lambda part: part.line))


def part(playbook: Playbook, path: str) -> Part:
    """The part at the path. Raises CannotTry where there is none."""
    found = next((each for each in parts(playbook) if each.path == path), None)
    if found is None:
        raise CannotTry(f"“{playbook.name}” has no line {path} that could be left out.")
    return found


def without(playbook: Playbook, it: Part) -> Playbook:
    """The playbook with the part left out. Its version is a stand-in until the text is read again."""
    digest = hashlib.sha256(f"{playbook.version} without {it.path}".encode()).hexdigest()
    if it.what != "condition":
        return replace(knob(playbook, f"{it.path}.points").turned(playbook, _LEFT_OUT), version=digest)
    rule = _narrower(playbook, it)
    on = playbook.handoff.on
    stages = {**playbook.stages, on: replace(playbook.stages[on], enter=rule)}
    return replace(playbook, stages=stages, version=digest)


def text_without(playbook: Playbook, it: Part) -> str:
    """The playbook's file with the part left out, and nothing else changed. Raises CannotTry where it is not found."""
    if it.what != "condition":
        return knob(playbook, f"{it.path}.points").in_text(playbook, _LEFT_OUT)
    place = place_of_rule(playbook.text, playbook.stages[playbook.handoff.on].enter)
    if place is None:
        raise CannotTry(f"The condition cannot be found in the file: change line {it.line} by hand.")
    begin, end, quoted = place
    return playbook.text[:begin] + quoted(_narrower(playbook, it).text) + playbook.text[end:]


def _parts(playbook: Playbook) -> Iterator[Part]:
    for line in playbook.fit:
        if line.points > 0:
            yield Part(f"fit.{line.name}", line.name, "fit", line.line)
    for signal in playbook.signals:
        if signal.points > 0:
            yield Part(f"signals.{signal.name}", signal.name, "signal", signal.line)
    on = playbook.handoff.on
    if on in playbook.stages:
        enter = playbook.stages[on].enter
        for place, (_, way) in enumerate(_ways(enter.condition), start=1):
            name = when_words(playbook, Rule(source(way), way, enter.line))
            yield Part(f"stages.{on}.enter/{place}", name, "condition", enter.line)


def _ways(condition: Condition) -> Iterator[tuple[Or | Count, Condition]]:
    """Each alternative: of an `or`, and of a count of what holds."""
    for node in walk(condition):
        if isinstance(node, (Or, Count)) and len(node.parts) > 1:
            for each in node.parts:
                yield node, each


def _narrower(playbook: Playbook, it: Part) -> Rule:
    """The hand-off rung's rule without one of its ways."""
    rule = playbook.stages[playbook.handoff.on].enter
    wanted = int(it.path.rpartition("/")[2])
    node, way = list(_ways(rule.condition))[wanted - 1]
    left = tuple(each for each in node.parts if each is not way)
    new = left[0] if len(left) == 1 and isinstance(node, Or) else replace(node, parts=left)
    text = source(with_node(rule.condition, node, new))
    names = tuple(signal.name for signal in playbook.signals)
    return Rule(text, parse(text, Scope(place="stage", signals=names)), rule.line)
