"""Who gets a hand-off, by when it is owed, and what marketing has yet to say. Pure: facts in, decisions out."""

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rung.playbook.definitions import Handoff, Turn
from rung.terms.business_time import NeverOpen, WorkingTime
from rung.terms.durations import Duration

FEW: Final = 64
"""So few clocks are sooner computed one by one."""
NOBODY: Final = "Nobody is free"


@dataclass(frozen=True, slots=True)
class Due:
    """By when something is owed, and when it escalates; None where the playbook sets no time."""

    due_at: int | None
    warn_at: int | None


Span = tuple[int, int]
"""From and until, instants: a time in which a clock stands still."""


def within_of(handoff: Handoff, kind: str, lane: str) -> Duration | None:
    """The time that the playbook gives for a duty."""
    if kind != "answer":
        return handoff.first_touch_within
    return handoff.accept_within_hand_raise if lane == "hand_raise" else handoff.accept_within_scored


def due(
    within: Duration | None,
    share: float | None,
    working: WorkingTime,
    *,
    started_at: int,
    pauses: Sequence[Span] = (),
) -> Due:
    """The instants of one clock. A calendar that is never open runs no clock.

    A pause puts off what was to come by as much working time as it lasted.
    """
    if within is None:
        return Due(None, None)
    try:
        due_at = working.add(started_at, within)
        if share is None:
            warn_at = None
        elif not within.is_business:
            warn_at = started_at + int((due_at - started_at) * share)
        else:
            warn_at = working.after(started_at, int(working.between(started_at, due_at) * share))
        for from_at, until_at in joined(pauses, started_at):
            due_at = _put_off(due_at, from_at, until_at, working if within.is_business else None)
            if warn_at is not None:
                warn_at = _put_off(warn_at, from_at, until_at, working if within.is_business else None)
    except NeverOpen:
        return Due(None, None)
    return Due(due_at, warn_at)


def _put_off(at: int, from_at: int, until_at: int, working: WorkingTime | None) -> int:
    if at <= from_at:
        return at
    if working is None:
        return at + until_at - from_at
    lost = working.between(from_at, until_at)
    return working.after(at, lost) if lost else at


def joined(pauses: Sequence[Span], started_at: int) -> list[Span]:
    """The pauses after the start, in order, those that overlap as one."""
    found: list[Span] = []
    for from_at, until_at in sorted(pauses):
        from_at = max(from_at, started_at)
        if found and from_at <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until_at))
        elif until_at > from_at:
            found.append((from_at, until_at))
    return found


def lacking(must_document: Sequence[str], known: Mapping[str, str]) -> list[str]:
    """What the playbook wants documented and nobody said, in its own words."""
    return [name for name in must_document if not known.get(field_of(name))]


def field_of(name: str) -> str:
    """What the playbook calls "last content" is kept in the field `last_content`."""
    return "_".join(name.lower().split())


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of ours who may get hand-offs. `waiting`: how many lie on the desk; `turn`: smaller means longer ago."""

    id: int
    name: str
    team: str
    waiting: int = 0
    turn: int = 0
    capacity: int | None = None
    countries: Collection[str] = ()
    skills: Collection[str] = ()
    is_away: bool = False

    @property
    def has_room(self) -> bool:
        return self.capacity is None or self.waiting < self.capacity


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a hand-off asks of whoever takes it. `owner_id` owns the person or the account; `not_to` said no."""

    to: str = ""
    turn: Turn = "round_robin"
    owner_id: int | None = None
    account: str = ""
    country: str = ""
    needs: frozenset[str] = frozenset()
    not_to: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Who gets it and why; nobody, and why not."""

    id: int | None
    because: str


def choose(wanted: Wanted, candidates: Sequence[Candidate]) -> Choice:
    """Who of these gets it, and why."""
    return Deck(candidates).give(wanted)


class Deck:
    """Those who take hand-offs, as one after the other is given: whoever got one has one more, and the last turn.

    The owner of the account comes first; else somebody of the route's team, by country, skill, room and turn.
    """

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.now = {each.id: each for each in candidates}
        self.turn = max((each.turn for each in candidates), default=0)
        self._pools: dict[tuple[object, ...], _Pool] = {}

    def give(self, wanted: Wanted) -> Choice:
        choice = self._chosen(wanted)
        if choice.id is not None:
            self.turn += 1
            one = self.now[choice.id]
            self.now[choice.id] = replace(one, waiting=one.waiting + 1, turn=self.turn)
        return choice

    def _chosen(self, wanted: Wanted) -> Choice:
        owner = self.now.get(wanted.owner_id or 0) if wanted.owner_id != wanted.not_to else None
        account = wanted.account or "this account"
        if owner is not None and not owner.is_away:
            return Choice(owner.id, f"{owner.name} owns {account}")
        instead = f"{owner.name}, who owns {account}, is away: " if owner is not None else ""
        pool = self._pool(wanted)
        chosen = self._next(pool)
        if chosen is None:
            return Choice(None, f"{instead}{NOBODY} in {pool.name}: {self._why(pool)}")
        how = "has the most room" if wanted.turn == "capacity" else "is next in turn"
        return Choice(chosen.id, f"{instead}{chosen.name} {how} in {pool.name}{pool.where}")

    def _next(self, pool: "_Pool") -> Candidate | None:
        """Whoever has room and comes first. Turns and desks only grow, so an old place in the heap is never too late:
        it is put right when it comes up."""
        while pool.heap:
            order, id_ = pool.heap[0]
            each = self.now[id_]
            if not each.has_room:
                heapq.heappop(pool.heap)
            elif order != (now := _order(each, pool.turn)):
                heapq.heapreplace(pool.heap, (now, id_))
            else:
                return each
        return None

    def _why(self, pool: "_Pool") -> str:
        if pool.is_anybody:
            return "everybody has as many as they take"
        return "everybody is away" if self.now else "there is no rep"

    def _pool(self, wanted: Wanted) -> "_Pool":
        key = (wanted.to, wanted.turn, wanted.country, wanted.needs, wanted.not_to)
        if key not in self._pools:
            here = [each for each in self.now.values() if not each.is_away and each.id != wanted.not_to]
            self._pools[key] = _narrowed(wanted, here)
        return self._pools[key]


@dataclass(frozen=True, slots=True)
class _Pool:
    """Who may get a hand-off of a kind, in the order in which they do, and how that is said."""

    heap: list[tuple[tuple[float, int, int], int]]
    turn: Turn
    is_anybody: bool
    name: str
    where: str


def _narrowed(wanted: Wanted, here: Sequence[Candidate]) -> _Pool:
    """Narrowed only as far as somebody is left: a hand-off without a speaker of Greek still gets an answer."""
    team, name = _team(wanted.to, here)
    for_country = [each for each in team if wanted.country and wanted.country in each.countries]
    team = for_country or team
    able = [each for each in team if wanted.needs & frozenset(each.skills)]
    skill = ", ".join(sorted(wanted.needs & frozenset(able[0].skills))) if able else ""
    where = " and ".join(part for part in (wanted.country if for_country else "", skill) if part)
    heap = [(_order(each, wanted.turn), each.id) for each in able or team]
    heapq.heapify(heap)
    return _Pool(heap, wanted.turn, bool(heap), name, f" for {where}" if where else "")


def _team(to: str, here: Sequence[Candidate]) -> tuple[list[Candidate], str]:
    """Those of the team a route names ("the enterprise team" is the team Enterprise); everybody where there is none."""
    name = to.lower().removeprefix("the ").removesuffix(" team").strip()
    team = [each for each in here if each.team.lower() in (name, to.lower())]
    return (team, to) if team else (list(here), "sales")


def _order(each: Candidate, turn: Turn) -> tuple[float, int, int]:
    share = each.waiting / each.capacity if each.capacity else each.waiting / 1000
    return (share if turn == "capacity" else 0.0), each.turn, each.id
