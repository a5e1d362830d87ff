"""Matching a table of people, with or without a column that says who is who. Pure but for reading the file."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

from rung.people import matching
from rung.people.matching import Match, Pair

_KINDS: Final[dict[str, str]] = {
    word: kind
    for kind, words in {
        "first": "first firstname givenname forename fname vorname prenom nombre",
        "last": "last lastname surname familyname sname lname nachname apellido",
        "name": "name fullname contact contactname person",
        "email": "email mail emailaddress workemail",
        "phone": "phone phonenumber mobile mobilephone cell tel telephone telefon handy",
        "date": "dob dateofbirth birthdate birthday born geburtsdatum",
        "company": "company companyname organisation organization employer account accountname firma",
        "": "id uniqueid recid recordid rowid index key cluster clusterid entityid entity matchid label truth dataset"
        " sourcedataset",
    }.items()
    for word in words.split()
}
"""Header without marks and case → what it is; "" for what says nothing of a person. Any other header is text."""
_SEPARATORS: Final = ",;\t|"


class CannotMatch(ValueError):
    """The table cannot be matched; the text says why."""


@dataclass(frozen=True, slots=True)
class Result:
    """What was found; `true` is None without labels. `compared` counts the pairs that were looked at."""

    rows: int
    kinds: Mapping[str, str]
    compared: int
    odds: float
    found: Sequence[tuple[Pair, Match]]
    true: frozenset[Pair] | None = None

    @property
    def right(self) -> int:
        return sum(pair in (self.true or ()) for pair, _ in self.found)

    @property
    def precision(self) -> float:
        """Found pairs that are true, over all found; 1 where none was found."""
        return self.right / len(self.found) if self.found else 1.0

    @property
    def recall(self) -> float:
        """True pairs that were found, over all true; 1 where there is none."""
        return self.right / len(self.true) if self.true else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def match(path: Path, *, truth: str | None = None, odds: float = matching.DEFAULT_ODDS) -> Result:
    """The pairs of the table that are likely one person. `truth` names the column that says who is who.

    Raises CannotMatch.
    """
    header, rows = _read(path)
    if truth is not None and truth not in header:
        raise CannotMatch(f"There is no column {truth!r}: there are {', '.join(header)}.")
    columns = {name: kind for name in header if name != truth and (kind := _kind(name))}
    if not columns:
        raise CannotMatch("No column says anything of a person: a name, an e-mail address, a phone number, a date.")
    kinds = {field: kind for name, kind in columns.items() for field, kind in _fields(name, kind)}
    told = [{field: text for name in columns for field, text in _told(name, columns[name], row[name])} for row in rows]
    records = [matching.prepared(record, kinds) for record in told]
    pairs = matching.candidates(records, kinds)
    _, found = matching.matches(records, kinds, odds=odds, pairs=pairs)
    true = None if truth is None else frozenset(_true([row[truth] for row in rows]))
    return Result(len(rows), kinds, len(pairs), odds, found, true)


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=separator)
    try:
        header = [name.strip() for name in next(reader, [])]
        rows = [dict(zip(header, [*row, *[""] * len(header)], strict=False)) for row in reader if any(row)]
    except csv.Error as fault:
        raise CannotMatch(f"{path.name} is no CSV: {fault}.") from None
    if not rows:
        raise CannotMatch(f"{path.name} has no row under its header.")
    return header, rows


def _kind(name: str) -> str:
    return _KINDS.get(re.sub(r"[^a-z]", "", name.lower()), "text")


def _fields(name: str, kind: str) -> Iterator[tuple[str, str]]:
    """A column's fields: a whole name is two, and the kinds that there is one of go by their own word."""
    if kind == "name":
        yield from (("first", "first"), ("last", "last"))
    elif kind == "text":
        yield name, kind
    else:
        yield {"date": "date of birth"}.get(kind, kind), kind


def _told(name: str, kind: str, text: str) -> Iterator[tuple[str, str]]:
    if kind == "name":
        yield from zip(("first", "last"), matching.name_parts(text), strict=True)
    else:
        yield from ((field, text) for field, _ in _fields(name, kind))


def _true(labels: Sequence[str]) -> Iterator[Pair]:
    same: dict[str, list[int]] = defaultdict(list)
    for place, label in enumerate(labels):
        if label.strip():
            same[label.strip()].append(place)
    for places in same.values():
        yield from combinations(places, 2)
