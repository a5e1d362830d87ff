"""Columns of a table that sorts by links, so that the order is in the address."""

from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Column:
    """`href` is empty where the column does not sort; `order` is "", "ascending" or "descending"."""

    label: str
    href: str = ""
    order: str = ""
    is_number: bool = False
    css: str = ""
    tip: str = ""


def address(path: str, **parts: str | None) -> str:
    """The path with the parts that say something; what is empty or None stays out of the address."""
    told = {name: value for name, value in parts.items() if value}
    return f"{path}?{urlencode(told)}" if told else path
