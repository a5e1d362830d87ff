"""What changed between two playbooks, in words: "Marketing qualified lead: the score is at least 50 → 42"."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Final, TypeVar

from rung.playbook import words as say
from rung.playbook.conditions import And, Condition, Number, Or, Span
from rung.playbook.conditions.words import in_words
from rung.playbook.definitions import FOREVER, FitLine, Playbook, Rule, Setback, Signal
from rung.terms.stages import LABELS, STAGES

Lined = TypeVar("Lined", FitLine, Signal, Setback)


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `old_line` is None for what was added, `new_line` for what was removed."""

    words: str
    old_line: int | None
    new_line: int | None

    def __str__(self) -> str:
        return self.words


def diff_in_words(old: Playbook, new: Playbook) -> tuple[Change, ...]:
    """Every difference of meaning, the ladder first; none where both say the same, however they are written.

    Signatures and the review date are no part of what is signed, so they are no change.
    """
    sections = (_labels, _stages, _temperature, _fit, _signals, _setbacks, _everything_else)
    return tuple(change for section in sections for change in section(old, new))


# --- the ladder -----------------------------------------------------------------------------------------------------


def _labels(old: Playbook, new: Playbook) -> Iterator[Change]:
    if old.name != new.name:
        yield Change(f"The playbook “{old.name}” is now called “{new.name}”", _line(old, "name"), _line(new, "name"))
    for code in LABELS:
        if old.label(code) != new.label(code):
            words = f"{old.label(code)} is now called {new.label(code)}"
            yield Change(words, _line(old, "words"), _line(new, "words"))


def _stages(old: Playbook, new: Playbook) -> Iterator[Change]:
    for code in STAGES:
        before, after = old.stages.get(code), new.stages.get(code)
        if before and after and before.enter.condition != after.enter.condition:
            words = f"{new.label(code)}: {_rule(before.enter, after.enter, new)}"
            yield Change(words, before.enter.line, after.enter.line)
        elif before and not after:
            yield Change(f"The rung {old.label(code)} is no longer used", before.line, None)
        elif after and not before:
            words = f"The rung {new.label(code)} is new: {say.when_words(new, after.enter)}"
            yield Change(words, None, after.line)


def _temperature(old: Playbook, new: Playbook) -> Iterator[Change]:
    pairs = (
        ("Hot", old.temperature.hot, new.temperature.hot),
        ("Warm", old.temperature.warm, new.temperature.warm),
    )
    for name, before, after in pairs:
        if (before and before.condition) != (after and after.condition):
            words = f"{name}: {_rule(before, after, new)}"
            yield Change(words, before.line if before else None, after.line if after else None)


# --- lines with names -----------------------------------------------------------------------------------------------


def _fit(old: Playbook, new: Playbook) -> Iterator[Change]:
    for name, before, after in _paired(old.fit, new.fit, lambda line: line.name, _renamed_fit):
        if before and after:
            said = [*_new_name(name, after.name), *_number("", before.points, after.points, "points")]
            said += _condition(before.when, after.when, new)
            yield from _changed(f"Fit line {name}", said, before.line, after.line)
        elif before:
            yield Change(f"Fit line {name} is removed ({_points(before.points)})", before.line, None)
        elif after:
            yield Change(f"New fit line: {say.fit_words(new, after)}", None, after.line)


def _renamed_fit(before: FitLine, after: FitLine) -> bool:
    return replace(before, name=after.name) == after


def _signals(old: Playbook, new: Playbook) -> Iterator[Change]:
    for name, before, after in _paired(old.signals, new.signals, lambda signal: signal.name, _renamed_signal):
        if before and after:
            yield from _changed(f"Signal {name}", _signal(before, after, new), before.line, after.line)
        elif before:
            yield Change(f"Signal {name} is removed ({_points(before.points)})", before.line, None)
        elif after:
            yield Change(f"New signal: {say.signal_words(new, after)}", None, after.line)


def _renamed_signal(before: Signal, after: Signal) -> bool:
    return replace(before, name=after.name) == after


def _signal(before: Signal, after: Signal, new: Playbook) -> list[str]:
    said = [*_new_name(before.name, after.name), *_number("", before.points, after.points, "points")]
    if before.on != after.on:
        said.append(f"counts {before.on} → {after.on}")
    said += _condition(before.when, after.when, new)
    said += _number("at most ", before.cap, after.cap)
    if before.half_life != after.half_life:
        said.append(f"half of it fades in {_span(before.half_life)} → {_span(after.half_life)}")
    if before.is_hand_raise != after.is_hand_raise:
        said.append("is now a raised hand" if after.is_hand_raise else "is no longer a raised hand")
    if before.is_company != after.is_company:
        said.append("is now a colleague's" if after.is_company else "is now their own, no longer a colleague's")
    return said


def _setbacks(old: Playbook, new: Playbook) -> Iterator[Change]:
    pairs = list(_paired(old.setbacks, new.setbacks, lambda setback: setback.because, _renamed_setback))
    for name, before, after in pairs:
        if before and after:
            yield from _changed(f"Step back “{name}”", _setback(before, after, new), before.line, after.line)
        elif before:
            yield Change(f"Step back “{name}” is removed", before.line, None)
        elif after:
            yield Change(f"New step back: {say.setback_words(new, after)}", None, after.line)
    order = [new.setbacks.index(after) for _, before, after in pairs if before and after]
    if order != sorted(order):
        yield Change("The steps back are tried in another order", _line(old, "setbacks"), _line(new, "setbacks"))


def _renamed_setback(before: Setback, after: Setback) -> bool:
    """One that names its own number (“No sign of life for 90 days”) is another name with every change of it."""
    is_same = replace(before, because=after.because, when=after.when) == after
    return is_same and _is_alike(before.when.condition, after.when.condition)


def _setback(before: Setback, after: Setback, new: Playbook) -> list[str]:
    said = _new_name(before.because, after.because)
    if before.to != after.to:
        said.append(f"to {new.label(before.to)} → {new.label(after.to)}")
    said += _condition(before.when, after.when, new)
    if before.rest != after.rest:
        said.append(f"rest {_span(before.rest)} → {_span(after.rest)}")
    if before.lap != after.lap:
        said.append("now starts a new lap" if after.lap else "no longer starts a new lap")
    return said


# --- everything else, sentence by sentence --------------------------------------------------------------------------

_SAID_ABOVE: Final = ("start", "stage ", "hot", "warm", "fit ", "signal ", "setback ", "waiting", "review", "signed ")


def _everything_else(old: Playbook, new: Playbook) -> Iterator[Change]:
    """Sections of which the sentence says all: a change is the sentence, turned."""
    before, after = _sentences(old), _sentences(new)
    for about in dict.fromkeys([*before, *after]):
        one, other = before.get(about), after.get(about)
        if one and other and one.text != other.text:
            yield Change(turned(one.text, other.text), one.line, other.line)
        elif one and not other:
            yield Change(f"No longer: {one.text}", one.line, None)
        elif other and not one:
            yield Change(f"New: {other.text}", None, other.line)


def _sentences(playbook: Playbook) -> dict[str, say.Sentence]:
    """The sentences by what they are about, in the default words: relabelled rungs are said once, above."""
    plain = replace(playbook, words={})
    all_sentences = (sentence for section in say.plain_words(plain) for sentence in section.sentences)
    return {each.about: _on_its_rung(each) for each in all_sentences if not each.about.startswith(_SAID_ABOVE)}


def _on_its_rung(sentence: say.Sentence) -> say.Sentence:
    """What one does is told below its rung; told alone it names it."""
    if not sentence.about.startswith("treat "):
        return sentence
    act = sentence.text[:1].lower() + sentence.text[1:]
    return replace(sentence, text=f"{LABELS[sentence.about.split()[1]]}, {act}")


# --- how a change is said -------------------------------------------------------------------------------------------


def turned(before: str, after: str) -> str:
    """`before → after`, without repeating the words both begin or end with: "the score is at least 50 → 42"."""
    is_sentence = before.endswith(".") and after.endswith(".")
    old, new = (text.removesuffix("." if is_sentence else "").split(" ") for text in (before, after))
    shorter = min(len(old), len(new))
    start = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    end = next((n for n in range(shorter - start) if old[-1 - n] != new[-1 - n]), shorter - start)
    if start + end == shorter:  # one side only adds words: an arrow with nothing on one side says little
        said = [*old, "→", *new]
    else:
        middle = [*old[start : len(old) - end], "→", *new[start : len(new) - end]]
        said = [*old[:start], *middle, *old[len(old) - end :]]
    return " ".join(said) + ("." if is_sentence else "")


def _rule(old: Rule | None, new: Rule | None, playbook: Playbook) -> str:
    """What changed in a condition: of an `and` only the parts that are not in both; of an `or` the ways that came and
    went, where one stays."""
    labels = say.labels_of(playbook)
    ways, later_ways = _parts(old, Or), _parts(new, Or)
    if set(ways) & set(later_ways):
        said = [f"now also when {in_words(way, labels)}" for way in later_ways if way not in ways]
        said += [f"no longer when {in_words(way, labels)}" for way in ways if way not in later_ways]
        return "; ".join(said) or "its parts in another order"
    before, after = _parts(old, And), _parts(new, And)
    gone, come = [part for part in before if part not in after], [part for part in after if part not in before]
    said = []
    for one, other in _turned_parts(gone, come):
        if one and other:
            said.append(turned(in_words(one, labels), in_words(other, labels)))
        elif one:
            said.append(f"no longer asked: {in_words(one, labels)}")
        elif other:
            said.append(f"now also asked: {in_words(other, labels)}")
    return "; ".join(said) or "its parts in another order"


def _turned_parts(
    gone: Sequence[Condition], come: Sequence[Condition]
) -> Iterator[tuple[Condition | None, Condition | None]]:
    """What went with what came in its place: the same with another number; or the one that went with the one that
    came."""
    left = list(come)
    alone = []
    for one in gone:
        other = next((each for each in left if _is_alike(one, each)), None)
        if other is None:
            alone.append(one)
        else:
            left.remove(other)
            yield one, other
    if len(alone) == len(left):
        yield from zip(alone, left, strict=True)
    else:
        yield from ((one, None) for one in alone)
        yield from ((None, each) for each in left)


def _is_alike(one: object, other: object) -> bool:
    """Whether two conditions say the same but for their numbers and lengths of time."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Number | Span):
        return True
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_is_alike, one, other))
    if is_dataclass(one):
        told = [each.name for each in fields(one) if each.compare]
        return all(_is_alike(getattr(one, name), getattr(other, name)) for name in told)
    return one == other


def _parts(rule: Rule | None, of: type[And] | type[Or]) -> tuple[Condition, ...]:
    if rule is None:
        return ()
    return rule.condition.parts if isinstance(rule.condition, of) else (rule.condition,)


def _condition(old: Rule | None, new: Rule | None, playbook: Playbook) -> list[str]:
    same = (old and old.condition) == (new and new.condition)
    return [] if same else [_rule(old, new, playbook)]


def _paired(
    old: Iterable[Lined], new: Iterable[Lined], name: Callable[[Lined], str], is_renamed: Callable[[Lined, Lined], bool]
) -> Iterator[tuple[str, Lined | None, Lined | None]]:
    """Old and new lines by name, in their order; a line that only got another name stays one line."""
    after = {name(line): line for line in new}
    before = {name(line): line for line in old}
    fresh = [line for line in after.values() if name(line) not in before]
    for key, line in before.items():
        other = after.get(key)
        if other is None:
            other = next((each for each in fresh if is_renamed(line, each)), None)
            if other is not None:
                fresh.remove(other)
        yield key, line, other
    yield from ((name(line), None, line) for line in fresh)


def _changed(what: str, said: list[str], old_line: int, new_line: int) -> Iterator[Change]:
    if said:
        yield Change(f"{what}: {'; '.join(said)}", old_line, new_line)


def _new_name(old: str, new: str) -> list[str]:
    return [] if old == new else [f"is now called {new}"]


def _number(what: str, old: float | None, new: float | None, unit: str = "") -> list[str]:
    if old == new:
        return []
    one, other = (say.number_words(each) if each is not None else "no limit" for each in (old, new))
    return [f"{what}{one} → {other} {unit}".strip()]


def _points(points: float) -> str:
    return say.points_words(points)


def _span(span: int | None) -> str:
    return "never" if span is None else "for ever" if span == FOREVER else say.time_words(span)


def _line(playbook: Playbook, section: str) -> int | None:
    return playbook.lines.get(section)
