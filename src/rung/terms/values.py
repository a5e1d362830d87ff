"""The one normalise step that guards every door: what a value may be, and why anything else is refused."""

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Final

LONGEST_TEXT: Final = 1_000
"""Characters of a trait; longer text in an event's data is kept up to LONGEST_DATA_TEXT."""
LONGEST_DATA_TEXT: Final = 32_768
LONGEST_LINE: Final = 1_000_000
"""Bytes of one event as told."""
DEEPEST: Final = 8
MOST_FIELDS: Final = 200
LARGEST_NUMBER: Final = 2**63

_FORBIDDEN: Final = re.compile("[\x00\ud800-\udfff]")


class BadValue(ValueError):
    """A value that no door lets in; the text names the field, the fault and what is allowed."""


def normalised(data: Mapping[str, object]) -> dict[str, object]:
    """The event's data as it is stored, alike on both databases.

    Raises BadValue for NUL characters, lone surrogates, NaN and infinities, integers of 2^63 and beyond, text over
    32 768 characters, more than 200 fields, or nesting deeper than 8.
    """
    if len(data) > MOST_FIELDS:
        raise BadValue(f"{len(data)} fields are too many: {MOST_FIELDS} are allowed")
    return {
        _name(key): value
        # Short plain texts are most of what comes; of them only NUL can be wrong.
        if type(value) is str and len(value) <= LONGEST_TEXT and value.isascii() and "\x00" not in value
        else _value(value, key, 1)
        for key, value in data.items()
    }


def clean_text(text: str, name: str = "text", longest: int = LONGEST_TEXT) -> str:
    """Text in NFC without surrounding white space. Raises BadValue for NUL, lone surrogates and over-long text."""
    if len(text) <= longest and text.isascii() and "\x00" not in text:  # most of what comes
        return text.strip()
    text = _sound(text, name).strip()
    if len(text) > longest:
        raise BadValue(f"{name} is {len(text)} characters long: {longest} are allowed")
    return text


def as_trait(value: object, name: str) -> str | float | int | bool | tuple[str, ...] | None:
    """A trait's value: text up to 1 000 characters, a finite number, a boolean, a list of texts, or None.

    Nothing is guessed: the text "50" stays text. Raises BadValue for anything else.
    """
    if type(value) is str:
        return clean_text(value, name)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean_text(value, name)
    if isinstance(value, (int, float)):
        return _number(value, name)
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return tuple(clean_text(str(item), name) for item in value)
    raise BadValue(f"{name} is a {type(value).__name__}: a text, number, yes/no or list of texts is allowed")


def _sound(text: str, name: object) -> str:
    """The text in NFC. Most texts are ASCII, of which only NUL can be wrong."""
    is_plain = text.isascii()
    if "\x00" in text if is_plain else _FORBIDDEN.search(text):
        raise BadValue(f"{name} holds a NUL or a broken character: remove it")
    return text if is_plain else unicodedata.normalize("NFC", text)


def _name(key: object) -> str:
    if not isinstance(key, str) or not key or len(key) > 200:
        raise BadValue(f"field name {str(key)[:40]!r} is not allowed: up to 200 characters, not empty")
    if "\x00" in key if key.isascii() else _FORBIDDEN.search(key):
        raise BadValue(f"field name {key[:40]!r} holds a NUL or a broken character")
    return key


def _value(value: object, name: object, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if len(value) > LONGEST_DATA_TEXT:
            raise BadValue(f"{name} is {len(value)} characters long: {LONGEST_DATA_TEXT} are allowed")
        return _sound(value, name)
    if isinstance(value, (int, float)):
        return _number(value, str(name))
    if depth >= DEEPEST:
        raise BadValue(f"{name} is nested deeper than {DEEPEST} levels")
    if isinstance(value, Mapping):
        if len(value) > MOST_FIELDS:
            raise BadValue(f"{name} has {len(value)} fields: {MOST_FIELDS} are allowed")
        return {_name(key): _value(item, key, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(item, name, depth + 1) for item in value]
    raise BadValue(f"{name} is a {type(value).__name__}, which no door lets in")


def _number(value: float, name: str) -> float | int:
    if isinstance(value, float) and not math.isfinite(value):
        raise BadValue(f"{name} is not a finite number")
    if not -LARGEST_NUMBER < value < LARGEST_NUMBER:
        raise BadValue(f"{name} is larger than a number may be (2^63)")
    return value
