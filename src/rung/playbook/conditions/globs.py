"""`.matches("vp *|*cio*")`: `*` any text, `?` one character, `|` alternatives, upper and lower case alike.

**Which letters are alike.** A letter and its counterpart, where each is one character and each leads back to the
other: `A a`, `Ü ü`, `Σ σ`. No more: `ß` is not `ss`, `ς` is not `σ`, the Turkish `İ` and `ı` stay apart. So folding
never changes a length, and SQL can say the same with a list of letters, whatever the database's own idea of case.
"""

from collections.abc import Callable
from typing import Final

ANY: Final = "*"
ONE: Final = "?"


def folded(text: str) -> str:
    """The text with each letter in lower case that is paired with exactly one in lower case."""
    return "".join(_lower(character) for character in text)


def pairs(pattern: str) -> dict[str, str]:
    """The letters, upper to lower, that must be folded in a text before the folded pattern is looked for."""
    letters = {lower: lower.upper() for lower in folded(pattern)}
    return {upper: lower for lower, upper in letters.items() if upper != lower and _lower(upper) == lower}


def alternatives(pattern: str) -> tuple[str, ...]:
    """The folded alternatives, with runs of `*` made one."""
    found = dict.fromkeys(folded(pattern).split("|"))
    return tuple(dict.fromkeys(_squeezed(alternative) for alternative in found))


def glob(pattern: str) -> Callable[[str], bool]:
    """The test itself, against the whole text. Time grows with the length of the text, not with its shape."""
    table = str.maketrans(pairs(pattern))
    tests = tuple(_one(alternative) for alternative in alternatives(pattern))

    def matches(text: str) -> bool:
        text = text.translate(table)
        return any(test(text) for test in tests)

    return matches


def _lower(character: str) -> str:
    lower = character.lower()
    is_pair = len(lower) == 1 and lower.upper() == character and character <= "\uffff"  # what fits two bytes: Spark
    return lower if is_pair else character


def _squeezed(alternative: str) -> str:
    while ANY + ANY in alternative:
        alternative = alternative.replace(ANY + ANY, ANY)
    return alternative


def _one(alternative: str) -> Callable[[str], bool]:
    """One alternative: fixed ends, and between them pieces of which each is found as early as it can be."""
    pieces = alternative.split(ANY)
    if len(pieces) == 1:
        return lambda text: len(text) == len(alternative) and _fits(alternative, text, 0)
    first, *middle, last = pieces
    finders = tuple((_finder(piece), len(piece)) for piece in middle if piece)

    def matches(text: str) -> bool:
        at, end = len(first), len(text) - len(last)
        if at > end or not _fits(first, text, 0) or not _fits(last, text, end):
            return False
        for find, length in finders:
            found = find(text, at, end)
            if found < 0:
                return False
            at = found + length
        return True

    return matches


def _fits(piece: str, text: str, at: int) -> bool:
    if ONE not in piece:
        return text.startswith(piece, at)
    return all(wanted in (ONE, text[at + offset]) for offset, wanted in enumerate(piece))


def _finder(piece: str) -> Callable[[str, int, int], int]:
    """Where the piece first stands in text[start:end], or -1."""
    if ONE not in piece:
        return lambda text, start, end: text.find(piece, start, end)
    # With `?` inside: Shift-And, one bit for each character of the piece, so a text is read once, never backwards.
    wildcards = sum(1 << bit for bit, wanted in enumerate(piece) if wanted == ONE)
    masks = {
        letter: wildcards | sum(1 << bit for bit, wanted in enumerate(piece) if wanted == letter) for letter in piece
    }
    last = 1 << (len(piece) - 1)

    def find(text: str, start: int, end: int) -> int:
        state = 0
        for at in range(start, end):
            state = (state << 1 | 1) & masks.get(text[at], wildcards)
            if state & last:
                return at - len(piece) + 1
        return -1

    return find
