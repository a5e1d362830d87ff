"""One number of a playbook, turned: which numbers there are, the playbook with another value, and its file's text.

`stages.mql.enter:score` is the number compared with the score where MQL is entered; `signals.Pricing page.half_life`
how fast a signal fades, in days. Of two numbers compared with the same fact, the comparison says which: `score>=`.
"""

import hashlib
import re
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Final

from rung.playbook.conditions import And, Compare, Condition, Count, Fact, Not, Number, Or, Span, source
from rung.playbook.conditions.syntax import Node, walk
from rung.playbook.definitions import FOREVER, Playbook, Rule, Signal
from rung.playbook.tree import place_of
from rung.playbook.words import in_sentence
from rung.terms.instants import DAY, HOUR

MOST_VALUES: Final = 40
Put = Callable[..., Callable[[Playbook, Any], Playbook]]
"""Given a key: the playbook with another value under it."""
_NUMBER: Final = re.compile(r"-?\d[\d_]*(?:\.\d+)?")


class CannotTry(Exception):
    """The definitions cannot be tried like this; the text says why and what would do."""


@dataclass(frozen=True, slots=True)
class Knob:
    """A number that can be turned. `value` is in `unit`: points, days, or just a number."""

    path: str
    words: str
    unit: str
    value: float
    line: int
    _set: Callable[[Playbook, float], Playbook]
    _text: Callable[[str, float], str | None]

    @property
    def moves_one(self) -> bool:
        """Whether it is a number in one comparison of a rung or setback, and so moves nothing else."""
        return self.path.startswith(("stages.", "setbacks.")) and ":" in self.path

    def turned(self, playbook: Playbook, value: float) -> Playbook:
        """The playbook with another value here. Its version is a stand-in until the text is read again."""
        digest = hashlib.sha256(f"{playbook.version} {self.path} {value:g}".encode()).hexdigest()
        return playbook if value == self.value else replace(self._set(playbook, value), version=digest)

    def in_text(self, playbook: Playbook, value: float) -> str:
        """The playbook's file with the number changed, and nothing else. Raises CannotTry where it cannot be found."""
        text = playbook.text if value == self.value else self._text(playbook.text, value)
        if text is None:
            raise CannotTry(f"The number of {self.path} cannot be found in the file: change line {self.line} by hand.")
        return text

    def place(self, playbook: Playbook) -> tuple[int, int, str]:
        """Where the number stands in the file's text, from and to, and what follows it there ("d" of a half-life).

        Raises CannotTry where it cannot be found.
        """
        told = self.in_text(playbook, _MARK)
        suffix = "d" if self.unit == "days" and ":" not in self.path else ""
        begin = told.index(f"{_MARK}{suffix}")
        end = begin + len(playbook.text) - (len(told) - len(f"{_MARK}{suffix}"))
        return begin, end, suffix

    def said(self, value: float) -> str:
        return f"{value:g} days" if self.unit == "days" else f"{value:g}"


_NAMED: Final = 12
"""Numbers that are named to somebody who asked for one that is none."""
_MARK: Final = 987_654
"""A number that stands in no playbook: where it comes to stand is where the number stood."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`PATH[:FACT]=FROM:TO:STEP`, read."""

    path: str
    values: tuple[float, ...]


def wanted(text: str) -> Wanted:
    """Raises CannotTry with what to write."""
    path, equals, span = text.rpartition("=")
    while path.endswith((">", "<", "=", "!")) and not span.strip():
        path, equals, span = path.rpartition("=")
    if not equals or not path.strip():
        raise CannotTry(f"“{text}” is no range: write it like stages.mql.enter:score=20:90:5.")
    return Wanted(path.strip(), values_of(span))


def changed(old: Playbook, new: Playbook) -> tuple[Knob, Knob] | None:
    """The one number in which two definitions differ; None where they differ in another way, or not at all."""
    before, after = ({each.path: each for each in knobs(book)} for book in (old, new))
    if before.keys() != after.keys():
        return None
    found = [(before[path], after[path]) for path in before if before[path].value != after[path].value]
    if len(found) != 1 or what_moves(found[0][1].turned(new, found[0][0].value)) != what_moves(old):
        return None
    return found[0]


def what_moves(playbook: Playbook) -> Hashable:
    """Everything in a playbook that moves people, however it is written: equal for definitions that replay alike."""
    return (
        tuple((line.when.condition, line.points) for line in playbook.fit),
        tuple(
            (s.name, s.on, s.when and s.when.condition, s.points, s.cap, s.half_life, s.is_hand_raise, s.is_company)
            for s in playbook.signals
        ),
        tuple((s.to, s.when.condition, s.rest, s.lap) for s in playbook.setbacks),
        tuple((code, stage.enter.condition) for code, stage in playbook.stages.items()),
        (playbook.handoff.on, tuple(sorted(playbook.handoff.reject_reasons.items()))),
        tuple((letter, each.valid_for) for letter, each in playbook.qualification.items()),
    )


def usual_values(turned: Knob) -> str:
    """A range around where the number stands, in round steps, as `--vary` takes it: `20:90:5` for a score of 50."""
    size = abs(turned.value) or 1.0
    step = next(each * 10**power for power in range(-2, 6) for each in (1, 2, 5) if each * 10**power >= size / 12)
    if turned.unit != "points" or float(turned.value).is_integer():
        step = max(1, step)
    first = max(0, round((turned.value - 0.7 * size) / step)) if turned.value >= 0 else round(1.7 * turned.value / step)
    return f"{first * step:g}:{(first + 15) * step:g}:{step:g}"


def values_of(span: str) -> tuple[float, ...]:
    """`20:90:5` → 20, 25, … 90, at most 40. Raises CannotTry."""
    try:
        first, last, step = (float(part) for part in span.split(":"))
    except ValueError:
        raise CannotTry(f"“{span}” is no range: write FROM:TO:STEP, like 20:90:5.") from None
    if not step > 0 or not last >= first or not abs(last) < 1e9 or not abs(first) < 1e9:
        raise CannotTry(f"“{span}” is no range: the step must be above 0 and TO not below FROM.")
    count = int((last - first) / step + 1e-9) + 1
    if count > MOST_VALUES:
        wide = (last - first) / (MOST_VALUES - 1)
        raise CannotTry(f"“{span}” is {count:,} values; {MOST_VALUES} are the most. A step of {wide:.3g} would do.")
    return tuple(round(first + place * step, 9) for place in range(count))


def knob(playbook: Playbook, path: str) -> Knob:
    """The number at the path. Raises CannotTry, naming the nearest that there are, or the first where none is near."""
    found = {each.path: each for each in knobs(playbook)}
    plain = _plain(path)
    for name, each in found.items():
        if _plain(name) == plain:
            return each
    same = [name for name in found if _plain(name).startswith(plain)]
    near = same[:3] or get_close_matches(path, found, n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(near)}?" if near else _those_there_are(list(found))
    raise CannotTry(f"There is no number {path} in “{playbook.name}”. {hint}")


def _those_there_are(paths: list[str]) -> str:
    if not paths:
        return "It has no number that could be turned."
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return f"There are {', '.join(paths[:_NAMED])}{more}."


def knobs(playbook: Playbook) -> tuple[Knob, ...]:
    """Every number that can be turned, in the order of the file's meaning: hand-off first."""
    return tuple(_knobs(playbook))


def _plain(path: str) -> str:
    return " ".join(re.sub(r"[\"'“”]", "", path).split()).lower()


def _knobs(playbook: Playbook) -> Iterator[Knob]:
    steps: tuple[str | int, ...]
    rungs = sorted(playbook.stages, key=lambda code: code != playbook.handoff.on)
    for code in rungs:
        label = in_sentence(playbook.label(code))
        yield from _of_rule(playbook.stages[code].enter, f"stages.{code}.enter", f"to become {label}", _stage(code))
    for index, signal in enumerate(playbook.signals):
        yield from _of_signal(signal, index)
    for index, line in enumerate(playbook.fit):
        at, put = f"fit.{line.name}", _item("fit", index)
        steps = ("fit", index, "points")
        yield _keyed(f"points for “{line.name}”", "points", line.points, line.line, put, steps, at)
        yield from _of_rule(line.when, f"{at}.when", f"for “{line.name}”", put)
    for index, setback in enumerate(playbook.setbacks):
        at, put = f"setbacks.{index + 1}", _item("setbacks", index)
        yield from _of_rule(setback.when, f"{at}.when", f"for “{setback.because}”", put)
        if setback.rest is not None and setback.rest < FOREVER:
            words, steps = f"rest after “{setback.because}”", ("setbacks", index, "rest")
            yield _keyed(words, "days", setback.rest / DAY, setback.line, put, steps, at)
    for index, reason in enumerate(playbook.handoff.reject_reasons.values()):
        if reason.rest is not None and reason.rest < FOREVER:
            words, steps = f"rest when sales says “{reason.reason}”", ("handoff", "reject_reasons", index, "rest")
            at, put = f"handoff.reject_reasons.{reason.reason}", _reason(reason.reason)
            yield _keyed(words, "days", reason.rest / DAY, reason.line, put, steps, at)
    for name, letter in playbook.qualification.items():
        if letter.valid_for is not None:
            words, steps = f"how long an answer about {name} holds", ("qualification", name, "valid_for")
            yield _keyed(
                words, "days", letter.valid_for / DAY, letter.line, _letter(name), steps, f"qualification.{name}"
            )


def _of_signal(signal: Signal, index: int) -> Iterator[Knob]:
    at, name, put = f"signals.{signal.name}", f"“{signal.name}”", _item("signals", index)
    for key, words, unit, value in (
        ("points", f"points for {name}", "points", signal.points or None),
        ("cap", f"the most points of {name}", "points", signal.cap),
        ("half_life", f"half-life of {name}", "days", signal.half_life and signal.half_life / DAY),
    ):
        if value is not None:
            yield _keyed(words, unit, value, signal.line, put, ("signals", index, key), at)
    if signal.when is not None:
        yield from _of_rule(signal.when, f"{at}.when", f"for {name}", put)


# --- numbers in conditions ------------------------------------------------------------------------------------------


def _of_rule(rule: Rule, at: str, words: str, put: Put) -> Iterator[Knob]:
    found = list(_comparisons(rule.condition))
    names = [name for name, _, _ in found]
    for name, op, side in found:
        shown = name if names.count(name) == 1 else f"{name}{op}"
        key = at.rpartition(".")[2]
        is_span = isinstance(side, Span)
        value = side.micros / DAY if isinstance(side, Span) else side.value
        yield Knob(
            path=f"{at}:{shown}",
            words=f"{_fact_words(name)} {words}",
            unit="days" if is_span else ("points" if name in ("score", "fit", "engagement") else "number"),
            value=float(value),
            line=rule.line,
            _set=lambda playbook, value, side=side, key=key: put(key)(playbook, _turned(rule, side, value)),  # type: ignore[misc]
            _text=lambda text, value, side=side: _text_of_rule(text, rule, side, value),  # type: ignore[misc]
        )


def _comparisons(condition: Condition) -> Iterator[tuple[str, str, Number | Span]]:
    """Name of the fact, the comparison as written, and the number."""
    for node in walk(condition):
        if not isinstance(node, Compare):
            continue
        for one, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(one, (Fact, Count)) and isinstance(other, (Number, Span)):
                name = "count" if isinstance(one, Count) else _name(one)
                op = node.op if one is node.left else _TURNED[node.op]
                yield name, op, other


_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def _name(fact: Fact) -> str:
    return fact.name if fact.argument is None else f'{fact.name}("{fact.argument}")'


def _fact_words(name: str) -> str:
    return {"in_stage": "days on the rung", "idle": "days without a sign of life"}.get(name, name)


def _turned(rule: Rule, side: Number | Span, value: float) -> Rule:
    new = (
        Span(round(value * DAY), column=side.column)
        if isinstance(side, Span)
        else Number(float(value), column=side.column)
    )
    condition = with_node(rule.condition, side, new)
    return Rule(source(condition), condition, rule.line)


def with_node(node: Any, old: Node, new: Node) -> Any:
    """The tree with one node replaced: the very one, not one that is equal."""
    if node is old:
        return new
    match node:
        case And(parts) | Or(parts) | Count(parts):
            return replace(node, parts=tuple(with_node(part, old, new) for part in parts))
        case Not(part):
            return replace(node, part=with_node(part, old, new))
        case Compare(left, _, right):
            return replace(node, left=with_node(left, old, new), right=with_node(right, old, new))
        case _:
            return node


def _text_of_rule(text: str, rule: Rule, side: Number | Span, value: float) -> str | None:
    """The file with the number changed inside the rule's own text, however the file wraps it."""
    place, found = _number_in(rule.text, side), place_of_rule(text, rule)
    if place is None or found is None:
        return None
    begin, _, quoted = found
    head = re.compile(_spaced(quoted(rule.text[: place[0]]))).match(text, begin)
    number = _NUMBER.match(text, head.end()) if head is not None else None
    if number is None:
        return None
    return text[: number.start()] + _shown(value) + text[number.end() :]


def place_of_rule(text: str, rule: Rule) -> tuple[int, int, Callable[[str], str]] | None:
    """Where the rule's own text stands in the file, from and to, and how text is written there; None: not found."""
    begin = _offset(text, rule.line)
    for quoted in (str, _in_quotes):
        found = re.compile(_spaced(quoted(rule.text))).search(text, begin)
        if found is not None and text.count("\n", begin, found.start()) <= _FARTHEST:
            return found.start(), found.end(), quoted
    return None


_FARTHEST: Final = 4
"""Lines between a key and the condition under it."""


def _in_quotes(text: str) -> str:
    """As YAML writes it between single quotes."""
    return text.replace("'", "''")


def _number_in(text: str, side: Number | Span) -> tuple[int, int] | None:
    """Where the number stands in the condition's text."""
    wanted_value = side.micros if isinstance(side, Span) else side.value
    for found in _NUMBER.finditer(text, max(0, side.column - 1)):
        told = float(found.group().replace("_", ""))
        if isinstance(side, Span):
            unit = HOUR if text[: found.start()].rstrip("( ").endswith("hours") else DAY
            if told * unit == wanted_value and unit == DAY:
                return found.start(), found.end()
        elif told == wanted_value:
            return found.start(), found.end()
    return None


def _spaced(text: str) -> str:
    """A pattern for the text in which any white space, ends of lines included, stands for a space."""
    return r"\s+".join(re.escape(part) for part in text.split(" "))


# --- numbers under a key --------------------------------------------------------------------------------------------


def _keyed(words: str, unit: str, value: float, line: int, put: Put, steps: tuple[str | int, ...], path: str) -> Knob:
    """`steps`: the way to the number in the file. `path` is how one names it, up to the last step."""

    def set_(playbook: Playbook, new: float) -> Playbook:
        return put(str(steps[-1]))(playbook, round(new * DAY) if unit == "days" else new)

    def text_(text: str, new: float) -> str | None:
        place = place_of(text, *steps)
        if place is None:
            return None
        return text[: place[0]] + (_days(new) if unit == "days" else _shown(new)) + text[place[1] :]

    return Knob(f"{path}.{steps[-1]}", words, unit, float(value), line, set_, text_)


def _stage(code: str) -> Put:
    def put(_: str) -> Callable[[Playbook, Any], Playbook]:
        def set_(playbook: Playbook, rule: Any) -> Playbook:
            return replace(playbook, stages={**playbook.stages, code: replace(playbook.stages[code], enter=rule)})

        return set_

    return put


def _reason(name: str) -> Put:
    def put(key: str) -> Callable[[Playbook, Any], Playbook]:
        def set_(playbook: Playbook, value: Any) -> Playbook:
            reasons = playbook.handoff.reject_reasons
            changed = {**reasons, name: replace(reasons[name], **{key: value})}
            return replace(playbook, handoff=replace(playbook.handoff, reject_reasons=changed))

        return set_

    return put


def _letter(name: str) -> Put:
    def put(key: str) -> Callable[[Playbook, Any], Playbook]:
        def set_(playbook: Playbook, value: Any) -> Playbook:
            letters = playbook.qualification
            return replace(playbook, qualification={**letters, name: replace(letters[name], **{key: value})})

        return set_

    return put


def _item(section: str, index: int) -> Put:
    def put(key: str) -> Callable[[Playbook, Any], Playbook]:
        def set_(playbook: Playbook, value: Any) -> Playbook:
            items = list(getattr(playbook, section))
            items[index] = replace(items[index], **{key: value})
            changed: dict[str, Any] = {section: tuple(items)}
            return replace(playbook, **changed)

        return set_

    return put


def _offset(text: str, line: int) -> int:
    """Where the line (from 1) begins."""
    place = 0
    for _ in range(line - 1):
        place = text.index("\n", place) + 1
    return place


def _shown(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 else repr(value)


def _days(days: float) -> str:
    return f"{days:g}d" if float(days).is_integer() else f"{round(days * 24)}h"
