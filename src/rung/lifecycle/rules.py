"""The words of the one door: what may come in, what came of it, and which moves are new. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import msgspec

from rung.people.rules import Keys, company_of, told_keys
from rung.people.strangers import as_given
from rung.terms.instants import EARLIEST, LATEST
from rung.terms.kinds import KINDS, Door
from rung.terms.values import LONGEST_LINE, BadValue, clean_text, normalised

OF_A_COMPANY: Final = "company_described"
OF_NOBODY: Final = frozenset({OF_A_COMPANY, "import_undone", "playbook_published", "event_voided"})
"""Kinds that need no person. `event_voided` may name one, and then only says where it is shown."""
MERGES: Final = frozenset({"persons_merged", "persons_unmerged"})
CORRECTIONS: Final = MERGES | {"event_voided", "import_undone"}

_encoded: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something to record. Who: `person` (an id inside), or `keys`; a company's own event has neither.

    `at` is the stated time and counts at the import door only; elsewhere it is noted as `occurred_at` and the event
    takes effect on arrival. `by` names who acted where that is not who records (an import of past calls).
    """

    kind: str
    person: int | None = None
    keys: Keys = field(default_factory=Keys)
    data: Mapping[str, object] = field(default_factory=dict)
    company: str | None = None
    at: int | None = None
    sent_at: int | None = None
    source: str = "app"
    message_id: str | None = None
    by: str | None = None
    door: Door = "app"
    fills_only: bool = False
    """What is known of the person stays, as if a stranger had said it: a bought list overwrites nobody."""
    is_company_guessed: bool = False
    """The company is only that of an address: whoever works at another stays there."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that was not recorded: its place in what was given, and why."""

    index: int
    reason: str


class Happened(NamedTuple):
    """An event as it was recorded."""

    seq: int
    kind: str
    at: int
    person_id: int | None
    company_id: int | None
    data: Mapping[str, Any]
    by: str
    source: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A person's move. `rule_line` is the line of the playbook, `event_seq` None for a move by time alone."""

    person_id: int
    at: int
    from_stage: str
    from_status: str
    stage: str
    status: str
    cause: str
    because: str
    rule_line: int | None
    lap: int
    score: float
    fit: float
    engagement: float
    event_seq: int | None
    passed: bool
    is_redefinition: bool = False

    def is_same(self, other: "Moved") -> bool:
        """Whether both are the same step at the same instant by the same rule; numbers may differ by a correction."""
        return (self.at, self.from_stage, self.from_status, self.stage, self.status, self.passed, self.because) == (
            other.at,
            other.from_stage,
            other.from_status,
            other.stage,
            other.status,
            other.passed,
            other.because,
        )


@dataclass(frozen=True, slots=True)
class HandoffChanged:
    """A hand-off that opened, was withdrawn or answered (`what`)."""

    handoff_id: int
    person_id: int
    what: str
    at: int
    lane: str
    event_seq: int | None


@dataclass(frozen=True, slots=True)
class News:
    """What one round of recording brought: consequences are made of this. Re-definitions are not in it."""

    events: Sequence[Happened]
    moves: Sequence[Moved]
    handoffs: Sequence[HandoffChanged]
    at: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of recording; received = accepted + duplicates + refused, always.

    `seqs`: of the events given that were accepted; `places`: where each of them stood in what was given.
    """

    accepted: int = 0
    duplicates: int = 0
    refused: tuple[Refusal, ...] = ()
    moves: tuple[Moved, ...] = ()
    seqs: tuple[int, ...] = ()
    places: tuple[int, ...] = ()
    people: tuple[int, ...] = ()


class Ready(NamedTuple):
    """A new event after every check that needs no database."""

    index: int
    kind: str
    person: int | None
    keys: Keys
    data: dict[str, Any]
    company: str | None
    stated_at: int | None
    occurred_at: int | None
    sent_at: int | None
    source: str
    message_id: str
    by: str
    is_trusted: bool
    is_company_guessed: bool = False


class NotRecorded(ValueError):
    """An event that cannot be recorded; the text is the reason."""


def ready(event: NewEvent, *, index: int, by: str, new_id: Callable[[], str]) -> Ready:
    """The event, normalised. Raises NotRecorded (or BadValue) with the reason. `new_id` is for one without an id."""
    kind = KINDS.get(event.kind)
    if kind is None:
        raise NotRecorded(f"unknown kind {event.kind[:40]!r}")
    if event.door not in kind.doors:
        raise NotRecorded(f"{event.kind} cannot be written at this door ({event.door})")
    data = normalised(event.data) if event.door == "import" else as_given(normalised(event.data))
    for name in kind.required:
        if data.get(name) is None:
            raise NotRecorded(f"{event.kind} without {name}: say it in data.{name}")
    if len(_encoded(data)) > LONGEST_LINE:
        raise NotRecorded(f"the event is longer than {LONGEST_LINE} bytes")
    for at in (event.at, event.sent_at):
        if at is not None and not EARLIEST <= at <= LATEST:
            raise NotRecorded("the time is outside 1970 to 2100")
    is_import = event.door == "import"
    if is_import and event.at is None:
        raise NotRecorded("no time: an import says when things happened")
    keys = _keys(event, data)
    if event.person is None and not keys and event.kind not in OF_NOBODY:
        raise NotRecorded("no person: say who it is of")
    company = company_of(clean_text(event.company, "company")) if event.company else None
    if event.kind == OF_A_COMPANY and company is None:
        raise NotRecorded("company_described without company: name it, by its domain where it has one")
    return Ready(
        index=index,
        kind=event.kind,
        person=None if event.kind == OF_A_COMPANY else event.person,
        keys=keys,
        data=data,
        company=company,
        stated_at=event.at if is_import else None,
        occurred_at=event.at,
        sent_at=event.sent_at,
        source=clean_text(event.source, "source", 100),
        message_id=clean_text(event.message_id, "message id", 200) if event.message_id else new_id(),
        by=clean_text(event.by, "by", 254) if event.by else ("" if is_import else by),
        is_trusted=event.door != "publishable" and not event.fills_only,
        is_company_guessed=event.is_company_guessed,
    )


def _keys(event: NewEvent, data: Mapping[str, object]) -> Keys:
    if event.kind in OF_NOBODY:
        return Keys()
    told = event.keys
    cleaned = Keys(
        told.user_id and clean_text(told.user_id, "user id"),
        told.anonymous_id and clean_text(told.anonymous_id, "anonymous id"),
        told.email and clean_text(told.email, "e-mail"),
        told.phone and clean_text(told.phone, "phone"),
    )
    return told_keys(cleaned, event.kind, data)


def number_of(source: str) -> int | None:
    """The number of the import that a source is."""
    of, _, number = source.partition(":")
    return int(number) if of == "import" and number.isascii() and number.isdigit() else None


def told_apart(
    before: Sequence[Moved], after: Sequence[Moved], *, decided_until: int, news: frozenset[int]
) -> tuple[int, list[Moved]]:
    """How many of the first moves stay as they are, and the rest, each marked when it rewrites the past."""
    same = 0
    for old, new in zip(before, after, strict=False):
        if not old.is_same(new):
            break
        same += 1
    rest = [
        replace(move, is_redefinition=not is_new(move.at, move.event_seq, decided_until=decided_until, news=news))
        for move in after[same:]
    ]
    return same, rest


def is_new(at: int, event_seq: int | None, *, decided_until: int, news: frozenset[int]) -> bool:
    """Whether something that a decision from nothing brings is news: past what was decided, or made by a new event."""
    return at > decided_until or (at == decided_until and event_seq in news)


__all__ = [
    "CORRECTIONS",
    "BadValue",
    "HandoffChanged",
    "Happened",
    "Moved",
    "NewEvent",
    "News",
    "NotRecorded",
    "Ready",
    "Recorded",
    "Refusal",
    "ready",
    "told_apart",
]
