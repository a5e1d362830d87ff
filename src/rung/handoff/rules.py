"""Who gets a hand-off, by when it is owed, and what marketing has yet to say. Pure: facts in, decisions out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rung.playbook.definitions import Handoff, Turn
from rung.terms.business_time import NeverOpen, WorkingTime
from rung.terms.durations import Duration

NOBODY: Final = "Nobody is free"


@dataclass(frozen=True, slots=True)
class Due:
    """By when something is owed, and when it escalates; None where the playbook sets no time."""

    due_at: int | None
    warn_at: int | None


def within_of(handoff: Handoff, kind: str, lane: str) -> Duration | None:
    """The time that the playbook gives for a duty."""
    if kind != "answer":
        return handoff.first_touch_within
    return handoff.accept_within_hand_raise if lane == "hand_raise" else handoff.accept_within_scored


def due(within: Duration | None, share: float | None, working: WorkingTime, *, started_at: int) -> Due:
    """The instants of one clock. A calendar that is never open runs no clock."""
    if within is None:
        return Due(None, None)
    try:
        due_at = working.add(started_at, within)
        if share is None:
            return Due(due_at, None)
        if not within.is_business:
            return Due(due_at, started_at + int((due_at - started_at) * share))
        return Due(due_at, working.after(started_at, int(working.between(started_at, due_at) * share)))
    except NeverOpen:
        return Due(None, None)


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
    needs: Collection[str] = ()
    not_to: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Who gets it and why; nobody, and why not."""

    id: int | None
    because: str


def choose(wanted: Wanted, candidates: Sequence[Candidate]) -> Choice:
    """The owner of the account if there is one; else out of the route's team, by country, skill, room and turn."""
    here = [each for each in candidates if not each.is_away and each.id != wanted.not_to]
    owner = next((each for each in candidates if each.id == wanted.owner_id and each.id != wanted.not_to), None)
    if owner is not None and not owner.is_away:
        return Choice(owner.id, f"{owner.name} owns {wanted.account or 'this account'}")
    instead = f"{owner.name}, who owns {wanted.account or 'this account'}, is away: " if owner is not None else ""
    team, of_team = _team(wanted.to, here)
    # Narrowed only as far as somebody is left: a hand-off without a speaker of Greek still gets an answer.
    for_country = [each for each in team if wanted.country and wanted.country in each.countries]
    team = for_country or team
    able = [each for each in team if set(wanted.needs) & set(each.skills)]
    team = able or team
    free = [each for each in team if each.has_room]
    if not free:
        why = "everybody has as many as they take" if team else "everybody is away" if candidates else "there is no rep"
        return Choice(None, f"{instead}{NOBODY} in {of_team}: {why}")
    said = [f"{', '.join(sorted(set(wanted.needs) & set(able[0].skills)))}" if able else ""]
    said = [wanted.country if for_country else "", *said]
    where = " and ".join(part for part in said if part)
    chosen = min(free, key=lambda each: _order(each, wanted.turn))
    how = "has the most room" if wanted.turn == "capacity" else "is next in turn"
    return Choice(chosen.id, f"{instead}{chosen.name} {how} in {of_team}{f' for {where}' if where else ''}")


def _team(to: str, here: Sequence[Candidate]) -> tuple[list[Candidate], str]:
    """Those of the team a route names ("the enterprise team" is the team Enterprise); everybody where there is none."""
    name = to.lower().removeprefix("the ").removesuffix(" team").strip()
    team = [each for each in here if each.team.lower() in (name, to.lower())]
    return (team, to) if team else (list(here), "sales")


def _order(each: Candidate, turn: Turn) -> tuple[float, int, int]:
    share = each.waiting / each.capacity if each.capacity else each.waiting / 1000
    return (share if turn == "capacity" else 0.0), each.turn, each.id
