"""What a replay reads: events as columns of codes, and what they told, each distinct value once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from rung.terms.kinds import KINDS

KIND_NAMES: Final = tuple(KINDS)
NONE: Final = -1
"""The person code of a company's own event, and the company code of an event that names no company."""

CORRECTIONS: Final = frozenset({"event_voided", "import_undone", "persons_merged", "persons_unmerged"})
"""Kinds that correct the history: applied while reading, they are nobody's rows."""

OF_NOBODY: Final = frozenset({"company_described", "event_voided", "import_undone", "playbook_published"})
KIND_CODES: Final = {name: code for code, name in enumerate(KIND_NAMES)}

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]

ABSENT: Final = object()
"""Stands for a field that an event does not tell; told null is None."""


class BadHistory(ValueError):
    """There is no history that can be read; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Told:
    """One data field of some rows: a code per row into the distinct values; code 0 is ABSENT.

    Values are as they were told: 1, 1.0, true and "1" are four.
    """

    codes: Codes
    values: Sequence[Any]

    def at(self, places: Ints) -> "Told":
        """The field of some of these rows."""
        return Told(self.codes[places], self.values)


class History(Protocol):
    """Events row by row; codes point into `people`, `companies` and `KIND_NAMES`, NONE is nobody and no company.

    Rows may stand in any order: `seq` is the order of arrival. Everybody in `people` has a row.
    """

    @property
    def people(self) -> Sequence[str]: ...
    @property
    def companies(self) -> Sequence[str]: ...
    @property
    def person(self) -> Codes: ...
    @property
    def at(self) -> Ints: ...
    @property
    def seq(self) -> Ints: ...
    @property
    def kind(self) -> NDArray[np.int16]: ...
    @property
    def company(self) -> Codes: ...
    @property
    def has_by(self) -> NDArray[np.bool_]: ...
    @property
    def data(self) -> Sequence[Mapping[str, object]]: ...
    def told(self, fields: Sequence[str], rows: Ints) -> list[Told]:
        """What these rows tell in each of the fields."""
        ...


@dataclass(frozen=True, slots=True)
class Columns:
    """A clean history: one row an event, in order of arrival; a row's `seq` is its number + 1.

    `person`, `company` and `kind` are codes into `people`, `companies` and `KIND_NAMES`; everybody in `people` has a
    row. `has_by`: the line says who did it. `data` has been through `terms.values.normalised`.
    """

    people: list[str]
    companies: list[str]
    person: NDArray[np.int32]
    at: NDArray[np.int64]
    kind: NDArray[np.int16]
    company: NDArray[np.int32]
    has_by: NDArray[np.bool_]
    data: list[Mapping[str, object]]

    @property
    def seq(self) -> NDArray[np.int64]:
        return np.arange(1, len(self.data) + 1)

    def told(self, fields: Sequence[str], rows: NDArray[np.int64]) -> list[Told]:
        """What these rows tell in each of the fields."""
        return told_by(map(self.data.__getitem__, rows.tolist()), fields)

    def __len__(self) -> int:
        return len(self.data)


def told_by(data: Iterable[Mapping[str, object]], fields: Sequence[str]) -> list[Told]:
    """The fields of events that are at hand as objects."""
    rows = list(data)
    return [_coded([row.get(name, ABSENT) for row in rows]) for name in fields]


def _coded(column: list[Any]) -> Told:
    is_plain = set(map(type, column)) <= {str, type(ABSENT)}
    keys = column if is_plain else list(map(key_of, column))
    codes: dict[Any, int] = {ABSENT: 0}
    values: list[Any] = [ABSENT]
    if is_plain:
        values += (value for value in dict.fromkeys(keys) if value is not ABSENT)
        codes = {value: code for code, value in enumerate(values)}
    else:
        for key, value in zip(keys, column, strict=True):
            if key not in codes:
                codes[key] = len(values)
                values.append(value)
    return Told(np.fromiter(map(codes.__getitem__, keys), np.int32, len(keys)), values)


class Distinct(Sequence[Mapping[str, object]]):
    """What rows tell, of which many tell the same: each telling is read once. Row -1 tells nothing."""

    def __init__(self, codes: Codes, told: Iterable[Mapping[str, object]]) -> None:
        """`codes`: of each row the telling, -1 for none."""
        self._codes = np.append(codes, -1)
        self._told = [*told, _NOTHING]
        self._there: frozenset[str] = frozenset().union(*self._told)

    @classmethod
    def of_texts(cls, texts: Sequence[str], read: Callable[[str], Mapping[str, object]]) -> "Distinct":
        """Given each row's telling as text, and what reads one."""
        numbers: dict[str, int] = {}
        codes = [numbers.setdefault(text, len(numbers)) for text in texts]
        return cls(np.array(codes, np.int32), map(read, numbers))

    def __len__(self) -> int:
        return len(self._codes) - 1

    def __getitem__(self, row: Any) -> Any:
        return self._told[self._codes[row]]

    def told(self, field: str, rows: Ints) -> Told:
        """The field in these rows."""
        if field not in self._there:
            return Told(np.zeros(len(rows), np.int32), [ABSENT])
        (found,) = told_by(self._told, (field,))
        return found.at(self._codes[rows])


_NOTHING: Final[Mapping[str, object]] = {}


def key_of(told: object) -> object:
    """By what alike values are known: everything but a text with its type (1 is not true)."""
    if type(told) is str or told is ABSENT:
        return told
    if isinstance(told, (int, float, bool)) or told is None:
        return type(told), told
    return repr(told)


def distinct(columns: Sequence[tuple[Codes, int]], n_rows: int) -> tuple[NDArray[np.int64], Codes]:
    """Which combinations of codes there are: the first row of each, and each row's combination.

    `columns`: codes and how many different ones there may be.
    """
    keys, size = np.zeros(n_rows, np.int64), 1
    for codes, width in columns:
        if width <= 1:
            continue
        if size * width >= 1 << 62:
            _, places = _numbered(keys, size)
            keys, size = places.astype(np.int64), int(places.max(initial=0)) + 1
        keys, size = keys * width + codes, size * width
    return _numbered(keys, size)


def _numbered(keys: Ints, size: int) -> tuple[Ints, Codes]:
    if not len(keys):
        return np.zeros(0, np.int64), np.zeros(0, np.int32)
    if size == 1:
        return np.zeros(1, np.int64), np.zeros(len(keys), np.int32)
    if size > 4 * len(keys) + 4096:
        _, first, places = np.unique(keys, return_index=True, return_inverse=True)
        return first, places.astype(np.int32)
    # A table of all that could be is faster than sorting as long as it is not much larger than what there is.
    last = np.full(size, -1, np.int64)
    last[keys] = np.arange(len(keys))
    there = np.flatnonzero(last >= 0)
    number = np.zeros(size, np.int32)
    number[there] = np.arange(len(there))
    return last[there], number[keys]


def spread(first: Any, counts: Any) -> Any:
    """first[0] … first[0] + counts[0] − 1, then those of the next."""
    ends = np.cumsum(counts)
    return np.repeat(first - (ends - counts), counts) + np.arange(int(ends[-1]) if len(ends) else 0)
