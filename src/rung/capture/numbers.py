"""Numbers as people and programs write them. Whether a comma parts the decimals is told."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

POINT: Final = "1,234.50"
COMMA: Final = "1.234,50"
_MONEY: Final = re.compile(r"^(?:[A-Z]{3}\s?|[$€£¥]\s?)|(?:\s?[A-Z]{3}|\s?[$€£¥])$")
_SHORT: Final = {"k": 1_000, "m": 1_000_000}
_GAP: Final = "[ \u00a0\u202f'\u2019]"
_PLAIN: Final = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?\Z", re.ASCII)
_PARTED: Final = {
    mark: re.compile(rf"(\d{{1,3}}(?:(?:{_GAP}|{thousand})\d{{3}})+|\d*)(?:{decimal}(\d+))?\Z", re.ASCII)
    for mark, thousand, decimal in ((POINT, ",", r"\."), (COMMA, r"\.", ","))
}


def read(text: str, *, written: str) -> Decimal | None:
    """The number the text says, None where it says none. `written`, POINT or COMMA, tells how to read what can be read
    in both ways: `1,234` and `1.234`.

    Money marks, parentheses for what is owed, spaces and apostrophes between thousands, `12k` and `1.2M` are read.
    """
    text = _MONEY.sub("", text.strip()).strip()
    is_owed = text.startswith("(") and text.endswith(")")
    text = _MONEY.sub("", text[1:-1].strip() if is_owed else text).strip()
    sign = -1 if is_owed or text.startswith("-") else 1
    text = text[text.startswith(("-", "+")) :].strip()
    times = _SHORT.get(text[-1:].lower(), 1)
    text = text[:-1].strip() if times > 1 else text
    found = _plain(text, written)
    if found is None:
        found = _plain(text, COMMA if written == POINT else POINT)
    return None if found is None else sign * times * found


def _plain(text: str, written: str) -> Decimal | None:
    if written == POINT and _PLAIN.match(text):
        return Decimal(text)
    parted = _PARTED[written].match(text)
    if parted is None or not (parted[1] or parted[2]):
        return None
    return Decimal(re.sub(r"\D", "", parted[1]) + (f".{parted[2]}" if parted[2] else ""))


def is_comma(texts: Iterable[str]) -> bool | None:
    """Whether commas part the column's decimals, by the first number that can be read in one way only; None where all
    can be read in both."""
    for text in texts:
        plain = re.sub(r"[^\d.,]", "", text)
        points, commas = plain.count("."), plain.count(",")
        if points and commas:
            return plain.rfind(",") > plain.rfind(".")
        last = re.search(r"[.,](\d*)\Z", plain)
        if points + commas > 1:
            return points > 1
        if last and len(last[1]) != 3:
            return bool(commas)
    return None
