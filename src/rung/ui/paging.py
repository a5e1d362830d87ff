"""Keyset paging: a page is named by the row it starts after, so it is stable while rows come and go."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Row = TypeVar("Row")
Direction = Literal["after", "before"]
Key = int | float | str | None

_LONGEST = 600


class BadCursor(ValueError):
    """A page address that we did not write. The page is answered from its start, with a word about it."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page starts: next to the row with these sort values, going up or down."""

    direction: Direction
    values: tuple[Key, ...]

    def text(self) -> str:
        raw = json.dumps([self.direction[0], *self.values], separators=(",", ":"), ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def cursor(text: str, *, kinds: tuple[type, ...]) -> Cursor:
    """Read a cursor back. `kinds` are the types its values must have (None is allowed for each); BadCursor else."""
    if len(text) > _LONGEST:
        raise BadCursor("this page address is too long")
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, UnicodeDecodeError, RecursionError):
        raise BadCursor("this page address is not one of ours") from None
    if not isinstance(parts, list) or len(parts) != len(kinds) + 1 or parts[0] not in ("a", "b"):
        raise BadCursor("this page address is not one of ours")
    values = parts[1:]
    for value, kind in zip(values, kinds, strict=True):
        if not _is(value, kind):
            raise BadCursor("this page address belongs to another order")
    return Cursor("after" if parts[0] == "a" else "before", tuple(values))


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """The rows of one page and the cursors of its neighbours; None where there is no neighbour."""

    rows: tuple[Row, ...]
    newer: str | None
    older: str | None
    total: int
    """Exact up to 10 000; 10 001 stands for more."""


def _is(value: object, kind: type) -> bool:
    if value is None:
        return True
    if isinstance(value, bool):
        return False
    if kind is float:
        return isinstance(value, (int, float))
    if kind is int:
        return isinstance(value, int) and -(2**63) <= value < 2**63
    return isinstance(value, kind)
