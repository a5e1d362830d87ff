"""What came of deciding a history, for people and for programs."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rung.engine.files.reading import Reading
from rung.engine.histories import KIND_NAMES, NONE, Columns
from rung.terms.instants import format_instant
from rung.terms.kinds import KINDS
from rung.terms.stages import STAGES, STATUSES

MOST_EXAMPLES: Final = 5
_QUOTED: Final = re.compile(r"'.{0,60}?'(?=[ :]|$)")
_NO_CONTACT: Final = frozenset(
    "deal_opened deal_moved deal_won deal_lost contract_started contract_ended customer_left stage_overridden"
    " customer_handed_to_support".split()
)
"""Own events that are our book-keeping of a deal: having one does not mean that anybody was in touch."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the data that cannot be true, kept and shown."""

    what: str
    people: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        one = "1 person" if self.people == 1 else f"{self.people:,} people"
        return f"{one} {self.what}: {', '.join(self.examples)}{' …' if self.people > len(self.examples) else ''}"


@dataclass(frozen=True, slots=True)
class Cohort:
    """Those whose first event fell into a month, and how many of them ever became customers."""

    month: str
    people: int
    customers: int


@dataclass(slots=True)
class Account:
    """The summary of `rung decide`."""

    playbook: str
    version: str
    labels: dict[str, str]
    until: int | None
    lines: int
    events: int
    people: int
    duplicates: int
    after_until: int
    voided: int
    refusals: Counter[str]
    rungs: dict[str, dict[str, int]]
    """Rung → status → people."""
    moves: int = 0
    unreached: int = 0
    problems: list[Problem] = field(default_factory=list)
    cohorts: list[Cohort] = field(default_factory=list)
    damage: str | None = None
    files: list[str] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return self.refusals.total()

    @property
    def is_something_decided(self) -> bool:
        return self.events > 0

    def as_json(self) -> dict[str, Any]:
        return {
            "playbook": {"name": self.playbook, "version": self.version},
            "until": None if self.until is None else format_instant(self.until),
            "lines": self.lines,
            "events": self.events,
            "people": self.people,
            "rungs": self.rungs,
            "moves": self.moves,
            "refused": self.refused,
            "duplicates": self.duplicates,
            "after_until": self.after_until,
            "voided": self.voided,
            "unreached": self.unreached,
            "problems": [
                {"what": problem.what, "people": problem.people, "examples": list(problem.examples)}
                for problem in self.problems
            ],
            "cohorts": [
                {"month": cohort.month, "people": cohort.people, "customers": cohort.customers}
                for cohort in self.cohorts
            ],
            "damage": self.damage,
            "files": self.files,
        }

    def in_words(self) -> str:
        until = f" until {format_instant(self.until)}" if self.until is not None else ""
        parts = [f"{self.playbook} ({self.version[:12]}){until}", "", *self._ladder(), ""]
        parts += [
            f"{self.moves:,} moves of {self.people:,} people, from {self.events:,} events in {self.lines:,} lines"
        ]
        parts += self._not_counted()
        if self.problems:
            parts += ["", "Data problems:", *(f"  {problem}" for problem in self.problems)]
        if any(cohort.customers for cohort in self.cohorts):
            parts += ["", *self._months()]
        return "\n".join([*parts, "", *(f"Wrote {name}" for name in self.files)])

    def _ladder(self) -> list[str]:
        others = [status for status in STATUSES[1:] if any(told.get(status) for told in self.rungs.values())]
        width = max([len(self.labels[rung]) for rung in self.rungs], default=6)
        heads = "".join(f"{self.labels[status]:>14}" for status in ("active", *others))
        lines = [f"{'':{width}}{'people':>10}{heads if others else ''}"]
        for rung in sorted(self.rungs, key=STAGES.index, reverse=True):
            told = self.rungs[rung]
            cells = "".join(f"{told.get(status, 0):>14,}" for status in ("active", *others)) if others else ""
            lines.append(f"{self.labels[rung]:{width}}{sum(told.values()):>10,}{cells}")
        return lines

    def _not_counted(self) -> list[str]:
        parts = []
        if self.refused:
            parts.append(f"{_lines(self.refused)} refused:")
            parts += [f"  {count:,} × {reason}" for reason, count in self.refusals.most_common(MOST_EXAMPLES)]
            if len(self.refusals) > MOST_EXAMPLES:
                parts.append("  … see refused.ndjson")
        if self.duplicates:
            parts.append(f"{_lines(self.duplicates)} dropped: the id was there before")
        if self.after_until:
            parts.append(f"{self.after_until:,} events not looked at: they are later")
        if self.voided:
            parts.append(f"{self.voided:,} events out of account: voided, or of an import that was undone")
        if self.unreached:
            parts.append(f"{self.unreached:,} times a colleague was not reached: the company has more than 500 people")
        if self.damage:
            parts.append(f"The file is damaged and ends early: {self.damage}")
        return parts

    def _months(self) -> list[str]:
        lines = [f"{'First event in':16}{'people':>8}{'customers':>11}{'share':>9}"]
        for cohort in self.cohorts:
            share = f"{100 * cohort.customers / cohort.people:.2f} %"
            lines.append(f"{cohort.month:16}{cohort.people:>8,}{cohort.customers:>11,}{share:>9}")
        return lines


def problems_of(history: Columns) -> list[Problem]:
    """What in the history cannot be true."""
    won = _first(history, frozenset({"deal_won"}))
    contact = _first(history, frozenset(name for name, kind in KINDS.items() if kind.is_own) - _NO_CONTACT)
    early = np.flatnonzero((won < contact) & (contact < _NEVER))
    if not len(early):
        return []
    keys = sorted((history.people[person], person) for person in early.tolist())
    examples = tuple(
        f"{key} (won {_day(won[person])}, first contact {_day(contact[person])})"
        for key, person in keys[:MOST_EXAMPLES]
    )
    return [Problem("won before the first contact", len(early), examples)]


_NEVER: Final = np.iinfo(np.int64).max


def _first(history: Columns, kinds: frozenset[str]) -> NDArray[np.int64]:
    """When each person first has an event of one of the kinds."""
    codes = np.array([code for code, name in enumerate(KIND_NAMES) if name in kinds])
    rows = np.flatnonzero(np.isin(history.kind, codes) & (history.person != NONE))
    first = np.full(len(history.people), _NEVER, np.int64)
    np.minimum.at(first, history.person[rows], history.at[rows])
    return first


def first_seen(history: Columns) -> NDArray[np.int64]:
    """When each person's first event was."""
    return _first(history, frozenset(KIND_NAMES))


def refusals_of(reading: Reading) -> Counter[str]:
    """How often each reason came, whatever the values named in it."""
    return Counter(_general(refused.reason) for refused in reading.refused)


def _general(reason: str) -> str:
    """`not JSON: Expecting ',' delimiter at position 7` → `not JSON: Expecting … delimiter`: alike reasons are one."""
    return _QUOTED.sub("…", reason.partition(" at position ")[0])


def _day(at: np.int64) -> str:
    return format_instant(int(at))[:10]


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"
