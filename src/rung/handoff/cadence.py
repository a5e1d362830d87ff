"""Cadence as a duty to each person: so many calls, mails, touches on social media and letters within so much time.

It begins when somebody is accepted (for marketing: when they come to nurture) and ends with the first talk. How many
are owed by now grows with the working time of the owner's team; whoever has fewer is behind.
"""

import functools
import operator
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from django.db.models import Q

from rung.handoff import rules
from rung.handoff.reckoning import Owners, Times
from rung.history.models import Event
from rung.lifecycle.models import Standing
from rung.lifecycle.published import InForce
from rung.people.queries import events_of
from rung.playbook.definitions import Cadence, Duties, Playbook, Side
from rung.terms.business_time import WorkingTime
from rung.terms.instants import DAY

KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "calls": ("call_made",),
    "mails": ("email_written",),
    "social": ("social_touched",),
    "letters": ("direct_mail_sent",),
}
"""What is promised → the kinds of event that keep it."""
OF_NURTURE: Final[Mapping[str, tuple[str, ...]]] = {**KINDS, "mails": ("email_written", "email_sent")}
"""The same for marketing, whose mails are sent by the house."""
LOOKED_BACK: Final = 30 * DAY
"""Whoever began earlier is no duty of these days any more."""
_FEW: Final = 5_000
"""People whose events are asked for one by one; of more all touches of the time are read."""
_WORDS: Final = {
    "calls": ("call", "calls"),
    "mails": ("mail", "mails"),
    "social": ("touch on social media", "touches on social media"),
    "letters": ("letter", "letters"),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one person's cadence is. `parts`: what, made (never above), promised."""

    person_id: int
    owner_id: int | None
    since: int
    due_at: int | None
    parts: tuple[tuple[str, int, int], ...]
    is_behind: bool

    @property
    def made(self) -> int:
        return sum(made for _, made, _ in self.parts)

    @property
    def wanted(self) -> int:
        return sum(wanted for _, _, wanted in self.parts)

    @property
    def words(self) -> str:
        """ "1 of 3 calls, 0 of 3 mails"."""
        return ", ".join(f"{made} of {wanted} {_WORDS[name][wanted != 1]}" for name, made, wanted in self.parts)


@dataclass(frozen=True, slots=True)
class _Owed:
    """To whom one side owes touches, what the playbook promises them, and what keeps it."""

    who: Q
    promised: Callable[[Duties], Cadence | None]
    kinds: Mapping[str, tuple[str, ...]]


_OWED: Final[Mapping[Side, _Owed]] = {
    "sales": _Owed(Q(stage="sal", status="active", reached=False), lambda duties: duties.cadence, KINDS),
    "marketing": _Owed(
        Q(status="nurture", reachable=True, unsubscribed=False), lambda duties: duties.nurture, OF_NURTURE
    ),
}


def of_sales(force: InForce, *, at: int) -> list[Progress]:
    """Of everybody accepted in the last thirty days whom nobody has spoken with yet."""
    return of(force, "sales", at=at)["sales"]


def of_marketing(force: InForce, *, at: int) -> list[Progress]:
    """Of everybody who came to nurture in the last thirty days and may be written to."""
    return of(force, "marketing", at=at)["marketing"]


def of(force: InForce, *sides: Side, at: int, owners: Owners | None = None) -> dict[Side, list[Progress]]:
    """Of everybody whom these sides owe a cadence, in two queries; `owners` are read unless somebody has."""
    found: dict[Side, list[Progress]] = {side: [] for side in sides}
    owing = {side: promised for side in sides if (promised := _OWED[side].promised(force.playbook.duties))}
    start = at - LOOKED_BACK
    who = functools.reduce(operator.or_, (_OWED[side].who for side in owing), Q(pk__in=[]))
    rows = Standing.objects.filter(who, generation_id=force.generation_id, since__gte=start, is_anonymous=False)
    columns = rows.values_list("person_id", "owner_id", "since", "status").order_by("since", "person_id")
    owed = list(columns) if owing else []
    if not owed:
        return found
    done = _touches({person_id: since for person_id, _, since, _ in owed}, start=start, at=at)
    times = Times(force.playbook)
    owners = owners or Owners(times)
    for person_id, owner_id, since, status in owed:
        side: Side = "marketing" if status == "nurture" else "sales"
        working = times.working(owners.team(owner_id))
        made = (person_id, owner_id, since, owing[side], _OWED[side].kinds, done[person_id])
        found[side].append(_progress(*made, working, at))
    return found


class Stands(Protocol):
    """Where a person stands: the stored row, or the engine's own."""

    @property
    def stage(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def reached(self) -> bool: ...
    @property
    def since(self) -> int: ...


def of_person(
    standing: Stands | None, events: Sequence[Event], playbook: Playbook, *, owner: Callable[[], int | None], at: int
) -> Progress | None:
    """Of one person of sales, from what was noted of them; None where no cadence is owed to them now.

    `owner` is asked only where teams have calendars of their own.
    """
    promised = playbook.duties.cadence
    if promised is None or standing is None or (standing.stage, standing.status) != ("sal", "active"):
        return None
    if standing.reached:
        return None
    done = Counter(event.kind for event in events if event.at >= standing.since)
    times = Times(playbook)
    owner_id = owner() if times.has_teams else None
    working = times.working(Owners(times).team(owner_id))
    return _progress(0, owner_id, standing.since, promised, KINDS, done, working, at)


def _touches(since: Mapping[int, int], *, start: int, at: int) -> dict[int, "Counter[str]"]:
    """Kinds of touches of each person since their cadence began."""
    done: dict[int, Counter[str]] = defaultdict(Counter)
    rows = events_of(since if len(since) <= _FEW else None).filter(kind__in=_ALL, at__gte=start, at__lte=at)
    for person_id, kind, touched_at in rows.values_list("living", "kind", "at"):
        if touched_at >= since.get(person_id, touched_at + 1):
            done[person_id][kind] += 1
    return done


_ALL: Final = sorted({kind for kinds in OF_NURTURE.values() for kind in kinds})


def _progress(
    person_id: int,
    owner_id: int | None,
    since: int,
    promised: Cadence,
    kinds: Mapping[str, tuple[str, ...]],
    done: "Counter[str]",
    working: WorkingTime,
    at: int,
) -> Progress:
    parts = tuple(
        (name, min(sum(done[kind] for kind in kinds[name]), getattr(promised, name)), getattr(promised, name))
        for name in kinds
        if getattr(promised, name)
    )
    due_at = rules.due(promised.within, None, working, started_at=since).due_at
    missing = _owed_by_now(sum(wanted for _, _, wanted in parts), since, due_at, promised, working, at)
    made = sum(made for _, made, _ in parts)
    return Progress(person_id, owner_id, since, due_at, parts, is_behind=made < missing)


def _owed_by_now(wanted: int, since: int, due_at: int | None, promised: Cadence, working: WorkingTime, at: int) -> int:
    """Touches that should be made by `at`: all of them at the end of the time, before it the share that has passed."""
    if due_at is None:
        return wanted if promised.within is None else 0
    if at >= due_at:
        return wanted
    if promised.within is not None and promised.within.is_business:
        gone, whole = working.between(since, at), working.between(since, due_at)
    else:
        gone, whole = at - since, due_at - since
    return int(wanted * gone / max(1, whole))
