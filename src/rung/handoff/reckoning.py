"""By when each clock's duty is owed: the calendar of its owner's team, less the times in which it stood still."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection

from rung import tables
from rung.access.models import User
from rung.handoff import rules
from rung.handoff.models import Absence, Clock, Pause
from rung.handoff.rules import Due, Span
from rung.playbook.definitions import Playbook
from rung.terms.business_time import WorkingTime
from rung.terms.instants import micros

FIRM: Final = ""
"""The calendar of whoever belongs to no team that has its own, and of what lies with nobody."""


class Times:
    """The instants of clocks by one playbook, each team by its own calendar."""

    def __init__(self, playbook: Playbook) -> None:
        self._playbook = playbook
        self._teams = {name.lower(): calendar.working_time() for name, calendar in playbook.calendar.teams.items()}
        self._firm = playbook.calendar.working_time()
        self.has_teams = bool(self._teams)
        self.may_be_away = "owner away" in playbook.handoff.pause

    def key(self, team: str) -> str:
        """What teams that share a calendar have in common."""
        return team.lower() if team.lower() in self._teams else FIRM

    def working(self, team: str) -> WorkingTime:
        return self._teams.get(team.lower(), self._firm)

    def due(self, kind: str, lane: str, team: str, *, started_at: int, pauses: Sequence[Span] = ()) -> Due:
        promised = self._playbook.handoff
        within = rules.within_of(promised, kind, lane)
        return rules.due(within, promised.escalate_at, self.working(team), started_at=started_at, pauses=pauses)

    def dues(
        self, kind: str, lane: str, team: str, starts: Sequence[int], pauses: Sequence[Span] = ()
    ) -> Sequence[tuple[int | None, int | None]]:
        """(due at, warn at) of each start; all of them stand still in the same `pauses`."""
        if len(starts) < rules.FEW:
            owed = (self.due(kind, lane, team, started_at=start, pauses=pauses) for start in starts)
            return [(each.due_at, each.warn_at) for each in owed]
        from rung.handoff import timetable  # many at once want NumPy, which the web process does without

        promised = self._playbook.handoff
        within = rules.within_of(promised, kind, lane)
        return timetable.dues(within, promised.escalate_at, self.working(team), starts, pauses)

    def away(self, team: str, absences: Sequence[Absence]) -> list[Span]:
        """The days of absences as spans, cut in the calendar's zone."""
        zone = ZoneInfo(self._playbook.calendar.of(team).timezone)
        return [
            (
                micros(datetime.combine(each.from_date, time(), zone)),
                micros(datetime.combine(each.until_date + timedelta(days=1), time(), zone)),
            )
            for each in absences
        ]


class Owners:
    """Teams and absences of those who owe something, read at once; not at all where the playbook asks for neither."""

    def __init__(self, times: Times) -> None:
        asks = times.has_teams or times.may_be_away
        members = User.objects.values_list("pk", "team__name") if asks else ()
        self.teams = {pk: name or "" for pk, name in members}
        self._times = times
        self._absences: dict[int, list[Absence]] = defaultdict(list)
        for absence in Absence.objects.all() if times.may_be_away else ():
            self._absences[absence.user_id].append(absence)

    def team(self, owner_id: int | None) -> str:
        return self.teams.get(owner_id or 0, FIRM)

    def away(self, owner_id: int | None) -> list[Span]:
        absences = self._absences.get(owner_id or 0)
        return self._times.away(self.team(owner_id), absences) if absences else []


def again(playbook: Playbook, *, owner_id: int | None = None, ids: Sequence[int] | None = None) -> int:
    """Computes running clocks anew, in the caller's transaction, and writes what changed; returns how many.

    All of them, those of one owner, or those named.
    """
    times = Times(playbook)
    owners = Owners(times)
    running = Clock.objects.filter(stopped_at__isnull=True)
    only, values = "", []
    if owner_id is not None:
        running, only, values = running.filter(owner_id=owner_id), " AND owner_id = %s", [owner_id]
    if ids is not None:
        running = running.filter(pk__in=list(ids))
        only, values = f" AND id IN ({', '.join(['%s'] * len(ids)) or 'NULL'})", list(ids)
    pauses = _pauses(running)
    done, changed = 0, []
    for kind, lane in list(running.values_list("kind", "lane").distinct().order_by()):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, started_at, due_at, warn_at, owner_id FROM handoff_clock"
                f" WHERE stopped_at IS NULL AND kind = %s AND lane = %s{only}",
                [kind, lane, *values],
            )
            rows = cursor.fetchall()
        done += len(rows)
        for (team, spans), group in _groups(rows, times, owners, pauses).items():
            owed = times.dues(kind, lane, team, [row[1] for row in group], spans)
            changed += [(*now, row[0]) for row, now in zip(group, owed, strict=True) if row[2:4] != now]
    _write(changed, of=done)
    return done


def _groups(
    rows: Sequence[tuple[Any, ...]], times: Times, owners: Owners, pauses: dict[int, list[Span]]
) -> dict[tuple[str, tuple[Span, ...]], Sequence[tuple[Any, ...]]]:
    """Clocks that share a calendar and the times in which they stood still."""
    if not (times.has_teams or times.may_be_away or pauses):
        return {(FIRM, ()): rows}
    found: dict[tuple[str, tuple[Span, ...]], list[tuple[Any, ...]]] = defaultdict(list)
    of_owner: dict[int | None, tuple[str, tuple[Span, ...]]] = {}
    for row in rows:
        if row[4] not in of_owner:
            of_owner[row[4]] = times.key(owners.team(row[4])), tuple(owners.away(row[4]))
        team, away = of_owner[row[4]]
        own = pauses.get(row[0])
        found[team, (*away, *own) if own else away].append(row)
    return {**found}


def _pauses(running: Any) -> dict[int, list[Span]]:
    found: dict[int, list[Span]] = defaultdict(list)
    rows = Pause.objects.filter(clock__in=running, until_at__isnull=False)
    for clock_id, from_at, until_at in rows.values_list("clock_id", "from_at", "until_at"):
        found[clock_id].append((from_at, until_at))
    return found


def _write(changed: Sequence[tuple[int | None, int | None, int]], *, of: int) -> None:
    """(due at, warn at, id) of the clocks that change, of so many that run."""
    # Three indexes hold these instants. Where most of them change, building those anew takes half the time.
    is_most = len(changed) >= _MANY and len(changed) * 4 >= of
    with tables.indexed_once(Clock, _TIMES) if is_most else nullcontext():
        tables.update(Clock, _TIMES, ("id",), changed)


_TIMES: Final = ("due_at", "warn_at")
_MANY: Final = 20_000
