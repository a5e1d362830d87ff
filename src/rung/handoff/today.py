"""What lies on somebody's desk today: hand-offs by time left, replies, first touches, deals at risk, and their week."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import F, Q
from django.db.models.expressions import RawSQL

from rung.access.models import User
from rung.handoff.dealing import CONTENT_KINDS, INTEREST_KINDS
from rung.handoff.lateness import Lateness
from rung.handoff.models import Assignment, Clock, Task
from rung.handoff.tasks import due_today
from rung.handoff.verdicts import verdicts
from rung.history.models import Event
from rung.lifecycle.models import Handoff, Standing
from rung.lifecycle.published import InForce
from rung.people.models import Person
from rung.playbook.definitions import Playbook
from rung.terms.instants import DAY, micros, moment

MOST: Final = 30
"""Rows of one group that a page shows; the others come up as these are answered."""
COUNTED: Final = 400
SILENT: Final = 14 * DAY
_OF_A_PERSON: Final = (
    *("person__uuid", "person__name", "person__email", "person__phone", "person__owner_id"),
    *("person__company__name", "person__company__key"),
)
_OF_A_STANDING: Final = (
    *("person_id", "owner_id", "stage", "status", "score", "deal_open"),
    *("decision_date", "decision_makers", "idle_since", "since"),
)
_TELLING: Final = tuple(sorted({*CONTENT_KINDS, *INTEREST_KINDS, "email_replied", "referral_given"} - {"page_viewed"}))
_VAGUE: Final = (
    "form_submitted",
    "content_downloaded",
    "newsletter_subscribed",
    "webinar_registered",
    "pricing_viewed",
)
"""Shown only where nothing more telling happened."""
_TOLD_AT_MOST: Final = 400


_MINE_AND_NOBODYS: Final = """
    SELECT id FROM (
        SELECT id FROM handoff_clock WHERE owner_id = %s AND stopped_at IS NULL ORDER BY due_at LIMIT %s) AS mine
    UNION ALL
    SELECT id FROM (
        SELECT id FROM handoff_clock WHERE owner_id IS NULL AND stopped_at IS NULL ORDER BY due_at LIMIT %s) AS nobodys
"""
"""Two descents of one index; an OR over both would read everything that waits."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to do for one person. `due_at` None: no time is set."""

    kind: str
    """answer, reply, touch, or risk."""
    person_id: int
    person_uuid: str
    name: str
    company: str
    stage: str
    status: str
    score: float
    handoff_uuid: str = ""
    lane: str = ""
    started_at: int = 0
    due_at: int | None = None
    because: str = ""
    team: str = ""
    """Whose calendar the clock runs by."""
    is_paused: bool = False
    event_kind: str = ""
    event_data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Risk:
    """A person with an open deal that needs a look, and why, in the order of urgency."""

    row: Row
    decision_date: str
    is_past: bool
    silent_for: int
    has_makers: bool


@dataclass(frozen=True, slots=True)
class Week:
    """A rep's hand-offs since Monday: answered in time, how fast (microseconds of working time), how many accepted."""

    since_at: int
    answered: int
    in_time: int
    accepted: int
    median_time: int | None
    touched: int
    touches_owed: int


@dataclass(frozen=True, slots=True)
class Today:
    """A rep's day. `counts`: how many clocks of each kind run, shown or not."""

    counts: Mapping[str, int]
    handoffs: tuple[Row, ...]
    replies: tuple[Row, ...]
    touches: tuple[Row, ...]
    tasks: tuple[Task, ...]
    risks: tuple[Risk, ...]
    week: Week


def today(user: User, force: InForce, *, at: int) -> Today:
    """Everything of one rep's page, in six queries; two more where teams have calendars or days away stop clocks."""
    clocks = list(
        Clock.objects.filter(pk__in=RawSQL(_MINE_AND_NOBODYS, [user.pk, COUNTED, MOST]))
        .select_related("person__company", "assignment__handoff", "owner__team")
        .only(
            "kind",
            "lane",
            "started_at",
            "due_at",
            "paused_at",
            "person_id",
            *_OF_A_PERSON,
            *_OF_A_HANDOFF,
            *_OF_AN_OWNER,
        )
        .order_by(F("due_at").asc(nulls_last=True), "pk")[:COUNTED]
    )
    counts = Counter(clock.kind for clock in clocks)
    clocks = [clock for kind in Clock.KINDS for clock in [each for each in clocks if each.kind == kind][:MOST]]
    standings = _standings({clock.person_id for clock in clocks}, force, of=user)
    told = _last_told([clock.person_id for clock in clocks if clock.kind != "touch"])
    rows = [_row(clock, standings.get(clock.person_id), told.get(clock.person_id)) for clock in clocks]
    return Today(
        counts=counts,
        handoffs=tuple(row for row in rows if row.kind == "answer"),
        replies=tuple(row for row in rows if row.kind == "reply"),
        touches=tuple(row for row in rows if row.kind == "touch"),
        tasks=tuple(task for task in due_today(user, force.playbook, at=at) if not _is_shown(task, rows)),
        risks=_risks([row for row in standings.values() if _is_deal_of(row, user)], force.playbook, at=at),
        week=_week(user, force.playbook, at=at),
    )


_OF_AN_OWNER: Final = ("owner__team__name",)
_OF_A_HANDOFF: Final = ("assignment__because", "assignment__handoff__uuid", "assignment__handoff__evidence")


def _is_shown(task: Task, rows: Sequence[Row]) -> bool:
    """The first call of a sequence is the first call that is owed: one row is enough."""
    return task.run_id is not None and any(row.kind == "touch" and row.person_id == task.person_id for row in rows)


def waiting_row(assignment: Assignment, force: InForce) -> Row:
    """One hand-off as a row of the page, answered or not."""
    clock = assignment.clocks.filter(kind="answer").order_by("-started_at").first()
    standings = _standings({assignment.person_id}, force)
    told = _last_told([assignment.person_id])
    person, standing = assignment.person, standings.get(assignment.person_id)
    return Row(
        kind="answer",
        handoff_uuid=str(assignment.handoff.uuid),
        lane=assignment.lane,
        started_at=clock.started_at if clock else assignment.assigned_at,
        due_at=clock.due_at if clock else None,
        because=assignment.because,
        team=team_of(assignment.owner),
        **_who(person, standing),
        **_said(told.get(assignment.person_id)),
    )


def rows_of(clocks: Sequence[Clock], force: InForce) -> list[Row]:
    """Clocks, with their hand-offs and people, as rows: two queries."""
    standings = _standings({clock.person_id for clock in clocks}, force)
    told = _last_told([clock.person_id for clock in clocks])
    return [_row(clock, standings.get(clock.person_id), told.get(clock.person_id)) for clock in clocks]


def of_marketing(assignments: Sequence[Assignment], force: InForce) -> list[Row]:
    """What lies with marketing, as rows: no clock of sales runs on them."""
    standings = _standings({each.person_id for each in assignments}, force)
    told = _last_told([each.person_id for each in assignments])
    return [
        Row(
            kind="answer",
            handoff_uuid=str(each.handoff.uuid),
            lane=each.lane,
            started_at=each.assigned_at,
            because=each.because,
            **_who(each.person, standings.get(each.person_id)),
            **_said(told.get(each.person_id)),
        )
        for each in assignments
    ]


def _row(clock: Clock, standing: Standing | None, told: Event | None) -> Row:
    assignment = clock.assignment
    return Row(
        kind=clock.kind,
        handoff_uuid=str(assignment.handoff.uuid) if assignment else "",
        lane=clock.lane,
        started_at=clock.started_at,
        due_at=clock.due_at,
        because=assignment.because if assignment else "",
        team=team_of(clock.owner),
        is_paused=clock.paused_at is not None,
        **_who(clock.person, standing),
        **_said(told),
    )


def team_of(owner: User | None) -> str:
    """The team whose calendar counts for what lies with the owner; \"\" where there is none."""
    return owner.team.name if owner is not None and owner.team is not None else ""


def _who(person: Person, standing: Standing | None) -> dict[str, Any]:
    return {
        "person_id": person.pk,
        "person_uuid": str(person.uuid),
        "name": person.called,
        "company": str(person.company) if person.company_id else "",
        "stage": standing.stage if standing else "suspect",
        "status": standing.status if standing else "active",
        "score": standing.score if standing else 0.0,
    }


def _said(told: Event | None) -> dict[str, Any]:
    return {"event_kind": told.kind, "event_data": told.data} if told else {}


def _standings(person_ids: Collection[int], force: InForce, *, of: User | None = None) -> dict[int, Standing]:
    """Where these people stand; with `of`, those of that rep's open deals too, in one query."""
    asked = Q(person_id__in=person_ids)
    if of is not None:
        asked |= Q(owner=of, deal_open=True, status="active")
    rows = Standing.objects.filter(asked, generation_id=force.generation_id).select_related("person__company")
    return {row.person_id: row for row in rows.only(*_OF_A_STANDING, *_OF_A_PERSON)}


def _is_deal_of(row: Standing, user: User) -> bool:
    return row.owner_id == user.pk and row.deal_open and row.status == "active"


def _last_told(person_ids: Sequence[int]) -> dict[int, Event]:
    """The last thing each said or asked for: more telling than the last page they read."""
    ids = sorted(set(person_ids))[:_TOLD_AT_MOST]
    if not ids:
        return {}
    # One descent of the index per person: a group-by would read all their events.
    marks, kinds = ", ".join(["(%s)"] * len(ids)), ", ".join(f"'{kind}'" for kind in _TELLING)
    vague = ", ".join(f"'{kind}'" for kind in _VAGUE)
    rows = Event.objects.raw(
        f"""
        WITH wanted(person_id) AS (VALUES {marks})
        SELECT e.* FROM wanted w JOIN history_event e ON e.seq = (
            SELECT i.seq FROM history_event i WHERE i.person_id = w.person_id AND i.kind IN ({kinds})
            ORDER BY CASE WHEN i.kind IN ({vague}) THEN 1 ELSE 0 END, i.at DESC, i.seq DESC LIMIT 1)
        """,
        ids,
    )
    return {event.person_id: event for event in rows}


def _risks(rows: Sequence[Standing], playbook: Playbook, *, at: int) -> tuple[Risk, ...]:
    """Deals whose day of decision is past, that name no decision maker, or whose people have gone silent."""
    now = moment(at).astimezone(ZoneInfo(playbook.calendar.timezone)).date().isoformat()
    found = []
    for row in rows:
        is_past = bool(row.decision_date) and str(row.decision_date)[:10] < now
        silent = at - (row.idle_since or row.since)
        if is_past or silent >= SILENT or not row.decision_makers:
            risk = Risk(
                Row(kind="risk", **_who(row.person, row)),
                row.decision_date or "",
                is_past,
                silent,
                bool(row.decision_makers),
            )
            found.append(risk)
    return tuple(sorted(found, key=lambda each: (not each.is_past, -each.silent_for, each.row.person_id))[:12])


def _week(user: User, playbook: Playbook, *, at: int) -> Week:
    since = _monday(playbook, at)
    lateness = Lateness(playbook)
    rows = Handoff.objects.filter(owner=user, opened_at__gte=since - 30 * DAY)
    times, in_time, accepted = [], 0, 0
    for each in verdicts(rows.filter(Q(answered_at__gte=since) | Q(answer="returned"))):
        judged = each.judged(lateness)
        if judged is None or (each.answered_at or 0) < since:
            continue
        in_time += not judged.is_late
        accepted += each.answer == "accepted"
        times.append(judged.took)
    touched = Clock.objects.filter(owner=user, kind="touch", started_at__gte=since).values_list("stopped_at", flat=True)
    return Week(
        since_at=since,
        answered=len(times),
        in_time=in_time,
        accepted=accepted,
        median_time=int(median(times)) if times else None,
        touched=sum(stopped is not None for stopped in touched),
        touches_owed=len(touched),
    )


def _monday(playbook: Playbook, at: int) -> int:
    local = moment(at).astimezone(ZoneInfo(playbook.calendar.timezone))
    start = (local - timedelta(days=local.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    return micros(start)
