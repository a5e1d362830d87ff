"""One event as the pure rooms see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Trait = str | float | int | bool | tuple[str, ...] | None
"""A trait's value: text up to 1 000 characters, a finite number, a boolean, a list of texts; None forgets it."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, to one person or (`company_described`) to one company.

    `at` is the effective time in microseconds; `seq` the order of arrival, unique in a history. `person` is the key
    under which the person is decided (None for `company_described`); `company` the normalised company the event
    names, if any. `data` has been through `terms.values.normalised` and is never changed.
    """

    seq: int
    person: str | None
    at: int
    kind: str
    data: Mapping[str, object] = field(default_factory=dict)
    company: str | None = None
    by: str | None = None
    source: str = ""
    message_id: str | None = None
