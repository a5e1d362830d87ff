"""The team's day: who has how much, what is about to be late, who is away, and who has no owner."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet, Subquery

from rung.access.actions import Refused, audited, require
from rung.access.models import User
from rung.handoff import cadence, reckoning, today
from rung.handoff.lateness import Lateness
from rung.handoff.models import Absence, Clock, Rep, Task
from rung.handoff.touching import Touched, first_touches
from rung.handoff.verdicts import verdicts
from rung.jobs import locks
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.models import Handoff, Standing
from rung.lifecycle.published import InForce
from rung.playbook.definitions import Playbook
from rung.terms.instants import DAY, HOUR, BadInstant, moment, parse_instant
from rung.terms.stages import RANK

MOST_CLOCKS: Final = 25
MOST_LOOSE: Final = 12
LOOSE_A_PAGE: Final = 100
LARGEST_CAPACITY: Final = 1_000


class CannotChange(Refused):
    """What a leader asked for cannot be; the text says why."""


@dataclass(frozen=True, slots=True)
class Member:
    """One rep: what waits, how soon, how the last thirty days went, and the touches owed to those on their desk."""

    id: int
    name: str
    team: str
    waiting: int
    capacity: int | None
    first_due_at: int | None
    late: int
    soon: int
    answered: int
    in_time: int
    accepted: int
    touched: int
    """First touches made, and how soon after the hand-off opened (microseconds of working time)."""
    touched_in_time: int
    median_touch: int | None
    owed: int
    """People whose cadence has run out or is running, on this rep's desk."""
    kept: int
    """Those of them who got the touches that the playbook promises."""
    is_away: bool
    away_until: date | None
    countries: tuple[str, ...]
    skills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Team:
    """Everything of the team's page."""

    members: tuple[Member, ...]
    rows: tuple[tuple[today.Row, str, int | None], ...]
    """Hand-offs that wait, least time first: the row, whose it is, and their id."""
    nobody: int
    loose: tuple[Standing, ...]
    """People above lead without an owner or a next step."""
    loose_count: int
    start_at: int


def team(force: InForce, *, at: int, page: int = 0) -> Team:
    """In nine queries, however many reps there are. `page`: of those without owner or next step; 0 = the first few."""
    start = at - 30 * DAY
    waiting = _waiting(at)
    members = _members(force, waiting, start=start, at=at)
    first, most = ((page - 1) * LOOSE_A_PAGE, LOOSE_A_PAGE) if page else (0, MOST_LOOSE)
    found = _loose(force).select_related("person__company", "owner").order_by("-score", "person_id")
    loose = list(found[first : first + most + 1])
    return Team(
        members=members,
        rows=_rows(force),
        nobody=waiting[None]["all"],
        loose=tuple(loose[:most]),
        loose_count=_loose(force).count() if first or len(loose) > most else len(loose),
        start_at=start,
    )


def _members(
    force: InForce, waiting: Mapping[int | None, Mapping[str, Any]], *, start: int, at: int
) -> tuple[Member, ...]:
    playbook = force.playbook
    away_until = Subquery(
        _absent(playbook, at).filter(user=OuterRef("pk")).order_by("-until_date").values("until_date")[:1]
    )
    reps = User.objects.filter(role="sales", is_active=True).select_related("team", "rep").annotate(away=away_until)
    lateness = Lateness(playbook)
    answers, touched = _answers(lateness, start, at), _touches(lateness, start, at)
    owed = _cadence(force, at)
    return tuple(
        Member(
            id=user.pk,
            name=str(user),
            team=user.team.name if user.team else "",
            waiting=waiting[user.pk]["all"],
            capacity=_rep(user).capacity,
            first_due_at=waiting[user.pk]["first"],
            late=waiting[user.pk]["late"],
            soon=waiting[user.pk]["soon"],
            answered=answers[user.pk]["all"],
            in_time=answers[user.pk]["in_time"],
            accepted=answers[user.pk]["accepted"],
            touched=len(touched[user.pk]),
            touched_in_time=sum(each.is_in_time for each in touched[user.pk]),
            median_touch=int(median(each.took for each in touched[user.pk])) if touched[user.pk] else None,
            owed=owed[user.pk]["owed"],
            kept=owed[user.pk]["kept"],
            is_away=user.away is not None,
            away_until=user.away,
            countries=tuple(_rep(user).countries),
            skills=tuple(_rep(user).skills),
        )
        for user in reps.order_by("team__name", "name")
    )


def set_rep(*, user: User, capacity: str, countries: str, skills: str, by: User, at: int) -> Rep:
    """How many hand-offs may wait on a desk, and which countries and skills count when they are dealt out."""
    require(by, "assign owner")
    _check_rep(user)
    limit = None
    if capacity.strip():
        if not (capacity.isascii() and capacity.strip().isdigit() and int(capacity) <= LARGEST_CAPACITY):
            raise CannotChange(f"Write how many may wait, 0 to {LARGEST_CAPACITY:,}, or nothing for no limit.")
        limit = int(capacity)
    told = {"countries": _listed(countries), "skills": _listed(skills), "capacity": limit}
    with transaction.atomic():
        locks.hold()
        rep, _ = Rep.objects.update_or_create(user=user, defaults=told)
        audited(by=by, verb="changed rep", object=user.email, data=told, at=at)
    return rep


def set_absence(*, user: User, first: str, last: str, by: User, at: int, playbook: Playbook) -> Absence:
    """Days on which nothing new is dealt to somebody; what lies on their desk stays there until it is reassigned."""
    if by.pk != user.pk:
        require(by, "assign owner")
    _check_rep(user)
    from_date, until_date = _day(first), _day(last)
    now = moment(at).astimezone(ZoneInfo(playbook.calendar.timezone)).date()
    if until_date < from_date:
        raise CannotChange("The last day lies before the first.")
    if until_date < now or (until_date - from_date).days > 400:
        raise CannotChange("The days must not be over, and last 400 days at most.")
    with transaction.atomic():
        # What is being dealt out to them at this moment must be put off, too.
        locks.hold()
        absence = Absence.objects.create(user=user, from_date=from_date, until_date=until_date)
        reckoning.again(lines.current().playbook, owner_id=user.pk)
        data = {"from": from_date.isoformat(), "until": until_date.isoformat()}
        audited(by=by, verb="noted absence", object=user.email, data=data, at=at)
    return absence


def end_absences(*, user: User, by: User, at: int, playbook: Playbook) -> None:
    """Back again: every absence that is not over ends with yesterday; what began today or later never was."""
    if by.pk != user.pk:
        require(by, "assign owner")
    today_date = moment(at).astimezone(ZoneInfo(playbook.calendar.timezone)).date()
    with transaction.atomic():
        locks.hold()
        running = Absence.objects.filter(user=user, until_date__gte=today_date)
        running.filter(from_date__gte=today_date).delete()
        running.update(until_date=today_date - timedelta(days=1))
        reckoning.again(lines.current().playbook, owner_id=user.pk)
        audited(by=by, verb="ended absence", object=user.email, data={}, at=at)


def _day(text: str) -> date:
    try:
        return moment(parse_instant(text.strip()[:40])).date()
    except BadInstant:
        raise CannotChange("Write the first and the last day, such as 2027-03-01.") from None


def _check_rep(user: User) -> None:
    if user.role != "sales" or not user.is_active:
        raise CannotChange(f"{user} takes no hand-offs.")


def _listed(text: str) -> list[str]:
    return [part[:100] for part in (each.strip() for each in text.split(",")) if part][:50]


def _waiting(at: int) -> "defaultdict[int | None, dict[str, Any]]":
    found: defaultdict[int | None, dict[str, Any]] = defaultdict(
        lambda: {"all": 0, "first": None, "late": 0, "soon": 0}
    )
    rows = Clock.objects.filter(kind="answer", stopped_at__isnull=True).values("owner_id").order_by()
    soon = Q(due_at__gt=at, due_at__lte=at + HOUR)
    for row in rows.annotate(
        n=Count("pk"), first=Min("due_at"), late=Count("pk", filter=Q(due_at__lte=at)), soon=Count("pk", filter=soon)
    ):
        found[row["owner_id"]] = {"all": row["n"], "first": row["first"], "late": row["late"], "soon": row["soon"]}
    return found


def _answers(lateness: Lateness, start: int, at: int) -> "defaultdict[int | None, Counter[str]]":
    found: defaultdict[int | None, Counter[str]] = defaultdict(Counter)
    rows = Handoff.objects.filter(opened_at__gte=start, opened_at__lte=at, answered_at__isnull=False)
    for each in verdicts(rows):
        count = found[each.ran.owner_id]
        count["all"] += 1
        count["in_time"] += not each.is_late(lateness)
        count["accepted"] += each.answer == "accepted"
    return found


def _touches(lateness: Lateness, start: int, at: int) -> "defaultdict[int | None, list[Touched]]":
    found: defaultdict[int | None, list[Touched]] = defaultdict(list)
    for each in first_touches(lateness, start=start, at=at):
        found[each.owner_id].append(each)
    return found


def _cadence(force: InForce, at: int) -> "defaultdict[int | None, Counter[str]]":
    """By rep: people a cadence is owed to, and those of them who are not behind it."""
    found: defaultdict[int | None, Counter[str]] = defaultdict(Counter)
    for each in cadence.of_sales(force, at=at):
        found[each.owner_id].update(owed=1, kept=int(not each.is_behind))
    return found


def _absent(playbook: Playbook, at: int) -> QuerySet[Absence]:
    now = moment(at).astimezone(ZoneInfo(playbook.calendar.timezone)).date()
    return Absence.objects.filter(from_date__lte=now, until_date__gte=now)


def _rep(user: User) -> Rep:
    """What the rep takes; no limits where nothing was set."""
    return user.rep if hasattr(user, "rep") else Rep(user=user)


def _rows(force: InForce) -> tuple[tuple[today.Row, str, int | None], ...]:
    clocks = list(
        Clock.objects.filter(kind="answer", stopped_at__isnull=True)
        .select_related("person__company", "assignment__handoff", "owner__team")
        .order_by(F("due_at").asc(nulls_last=True), "pk")[:MOST_CLOCKS]
    )
    found = today.rows_of(clocks, force)
    return tuple((row, str(clock.owner or ""), clock.owner_id) for row, clock in zip(found, clocks, strict=True))


def _loose(force: InForce) -> QuerySet[Standing]:
    """Whoever stands on the hand-off rung or above and lies on nobody's desk, or has nothing that comes next."""
    rungs = force.playbook.rungs
    above = [code for code in rungs if RANK[code] >= RANK[force.playbook.handoff.on] and code != "customer"]
    running = Clock.objects.filter(person_id=OuterRef("person_id"), stopped_at__isnull=True)
    planned = Task.objects.filter(person_id=OuterRef("person_id"), done_at__isnull=True)
    has_next = Q(Exists(running)) | Q(Exists(planned))
    return Standing.objects.filter(
        (Q(owner=None) & ~Q(Exists(running))) | ~has_next,
        generation_id=force.generation_id,
        stage__in=above,
        status="active",
        is_anonymous=False,
    )
