"""The ladder's figures, read from standings, moves and hand-offs. One call, one frozen answer."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import combinations, product
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Count, Min, Q, QuerySet

from rung import tables
from rung.handoff.lateness import Lateness
from rung.handoff.verdicts import verdicts
from rung.history.models import Event
from rung.insight.models import Snapshot
from rung.insight.rules import USUAL, Step, steps, weakest
from rung.lifecycle import segments
from rung.lifecycle.models import Handoff, StageMove, Standing
from rung.lifecycle.queries import COUNTED
from rung.people.models import Person
from rung.playbook.conditions import And, Condition, Not, source
from rung.playbook.conditions.words import in_words
from rung.playbook.definitions import Playbook
from rung.terms.instants import DAY, MINUTE, micros, moment
from rung.terms.stages import RANK, STAGES, STATUSES

QUIET: Final = 14 * DAY

FRESH: Final = 15 * MINUTE
"""How old the worker's snapshot may be before a page says of when its conversions are."""


@dataclass(frozen=True, slots=True)
class RungFigures:
    """One used rung: who stands there actively, who arrived in the period, who went on, who fell and why."""

    code: str
    standing: int
    anonymous: int
    arrived: int
    went_on: int
    fell: int
    main_fall: str
    """The commonest reason for falling from here in the period, in the setback's words; empty when nobody fell."""
    main_fall_people: int


@dataclass(frozen=True, slots=True)
class Beside:
    """A status beside the ladder: how many, and the commonest reason this period."""

    code: str
    people: int
    main_reason: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Hand-offs of the period and what became of them."""

    opened: int
    accepted: int
    rejected: int
    returned: int
    open: int
    late: int
    """Answered after the due time, or open and past it."""
    overdue: int
    """Open and past the due time."""
    due_soon: int
    """Open and due within 30 minutes."""
    reasons: tuple[tuple[str, int], ...]

    @property
    def answered(self) -> int:
        return self.accepted + self.rejected + self.returned


@dataclass(frozen=True, slots=True)
class Won:
    """Deals won in the period: how many, and the sum by currency in minor units."""

    deals: int
    amounts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Blame:
    """The clause of the next rung's rule that most of those who stand on a rung do not meet."""

    stage: str
    rule: str
    """The clause in the playbook's language."""
    words: str
    line: int
    failing: int
    """At most `queries.COUNTED`, as in the list that it opens."""
    standing: int
    condition: str
    """Finds the people who fail it, in the playbook's language."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """Everything the ladder page shows. Instants are microseconds UTC."""

    start: int
    now: int
    known: int
    rungs: tuple[RungFigures, ...]
    steps: tuple[Step, ...]
    weakest: Step | None
    steps_at: int
    """Of when the steps are: the worker computes them every few minutes."""
    blame: Blame | None
    silent: Mapping[str, int]
    """Rung → how many stand there above the hand-off rung and gave no sign of life for `QUIET`."""
    beside: tuple[Beside, ...]
    second_lap: int
    answers: Answers
    won: Won


def ladder(playbook: Playbook, generation_id: int, *, months: int, now: int) -> Ladder:
    """The ladder of the calendar month (`months` 1) or quarter (3) so far, in one generation of standings."""
    start = period_start(now, playbook.calendar.timezone, months=months)
    used = ("suspect", *playbook.stages)
    counts = _counts(generation_id)
    moves = _moves_between(playbook, generation_id, start, now)
    kept = _kept(playbook, generation_id, months=months, start=start, now=now)
    found = kept.steps
    went_on = {step.rank: step.went_on for step in found}
    rungs = tuple(
        RungFigures(
            code=code,
            standing=counts.standing[code],
            anonymous=counts.anonymous[code],
            arrived=moves.arrived[code],
            went_on=went_on.get(RANK[code], 0),
            fell=sum(moves.fell[code].values()),
            main_fall=_commonest(moves.fell[code]),
            main_fall_people=max(moves.fell[code].values(), default=0),
        )
        for code in used
    )
    return Ladder(
        start=start,
        now=now,
        known=sum(counts.standing.values()) + sum(counts.beside.values()),
        rungs=rungs,
        steps=found,
        weakest=(weak := weakest(found)),
        steps_at=kept.at,
        blame=_blame(playbook, generation_id, counts, weak, kept.clause, now) if weak else None,
        silent=_silent(playbook, generation_id, now),
        beside=tuple(
            Beside(code, counts.beside[code], _commonest(moves.beside[code]))
            for code in ("nurture", "lost", "disqualified")
        ),
        second_lap=counts.second_lap,
        answers=_answers(playbook, start, now),
        won=_won(start, now),
    )


def ranks_used(playbook: Playbook) -> tuple[int, ...]:
    """Ranks of the rungs that the playbook uses, from the lowest."""
    return tuple(RANK[code] for code in ("suspect", *playbook.stages) if code in RANK)


def period_start(now: int, zone: str, *, months: int = 1) -> int:
    """The first instant of the calendar month (or of `months` months: 3 = the quarter) that `now` lies in."""
    local = moment(now).astimezone(ZoneInfo(zone))
    month = local.month - (local.month - 1) % months
    return micros(datetime(local.year, month, 1, tzinfo=ZoneInfo(zone)))


def working_days_gone(playbook: Playbook, *, start: int, now: int) -> float:
    """The share of working days that have begun, 0 to 1: from `start` to the end of the calendar month of `now`."""
    working = playbook.calendar.working_time()
    zone = ZoneInfo(working.zone)
    day = moment(start).astimezone(zone).date()
    today = moment(now).astimezone(zone).date()
    gone, total = 0, 0
    while (day.year, day.month) <= (today.year, today.month):
        is_working = bool(working.week[day.weekday()]) and not working.is_holiday(day)
        total += is_working
        gone += is_working and day <= today
        day += timedelta(days=1)
    return gone / total if total else 1.0


@dataclass(frozen=True, slots=True)
class _Counts:
    standing: Counter[str]
    anonymous: Counter[str]
    beside: Counter[str]
    second_lap: int


@dataclass(frozen=True, slots=True)
class _Moves:
    arrived: Counter[str]
    fell: dict[str, Counter[str]]
    beside: dict[str, Counter[str]]


def _counts(generation_id: int) -> _Counts:
    standing: Counter[str] = Counter()
    anonymous: Counter[str] = Counter()
    beside: Counter[str] = Counter()
    second_lap = 0
    rows = tables.rows(_STANDING_WHERE, generation_id, generation_id)
    for stage, status, is_anonymous, people, again in rows:
        second_lap += again
        if status != "active":
            beside[status] += people
        else:
            standing[stage] += people
            anonymous[stage] += people if is_anonymous else 0
    return _Counts(standing, anonymous, beside, second_lap)


def _rows(rows: Iterable[Iterable[str]]) -> str:
    """Rows of our own words, as SQL."""
    return ", ".join(f"({', '.join(row)})" for row in rows)


_STANDING: Final = """
    SELECT COUNT(*) FROM lifecycle_standing s WHERE s.generation_id = %s
    AND s.stage = place.stage AND s.status = place.status AND s.is_anonymous = place.is_anonymous
"""
_PLACES: Final = product([f"'{stage}'" for stage in STAGES], [f"'{status}'" for status in STATUSES], ("FALSE", "TRUE"))
_STANDING_WHERE: Final = f"""
    WITH place(stage, status, is_anonymous) AS (VALUES {_rows(_PLACES)})
    SELECT stage, status, is_anonymous, ({_STANDING}), ({_STANDING} AND s.lap > 1) FROM place
"""
"""Every place there is and how many stand there: for each a stretch of an index is counted, which costs a third of
grouping the rows of it."""


def _flow(generation_id: int) -> Q:
    """Moves that happened, as opposed to moves that a changed definition or a corrected past implies."""
    # `is_redefinition=False` becomes NOT is_redefinition, which SQLite does not look up in an index; IN (0) it does.
    return Q(generation_id=generation_id, is_redefinition__in=[False])


def _moves_between(playbook: Playbook, generation_id: int, start: int, now: int) -> _Moves:
    words = {setback.line: setback.because for setback in playbook.setbacks}
    arrived: Counter[str] = Counter()
    fell: dict[str, Counter[str]] = defaultdict(Counter)
    beside: dict[str, Counter[str]] = defaultdict(Counter)
    rows = tables.rows(_MOVED, generation_id, start, now, generation_id, start, now, start, now)
    for from_stage, stage, status, line, people in rows:
        if stage:
            arrived[stage] += people
        else:
            because = words.get(line, "")
            fell[from_stage][because] += people
            beside[status][because] += people
    return _Moves(arrived, fell, beside)


_CLIMBING: Final = ("promotion", "override")
"""What can bring somebody up; a setback never does."""
_CLIMBS: Final = [
    (f"'{cause}'", f"'{low}'", f"'{high}'") for low, high in combinations(STAGES, 2) for cause in _CLIMBING
]
_ALL_STAGES: Final = ", ".join(f"'{stage}'" for stage in STAGES)
_MOVED: Final = f"""
    WITH climb(cause, from_stage, stage) AS (VALUES {_rows(_CLIMBS)})
    SELECT from_stage, stage, '' AS status, NULL AS rule_line, (
        SELECT COUNT(*) FROM lifecycle_stagemove m WHERE m.generation_id = %s AND m.is_redefinition = FALSE
        AND m.cause = climb.cause AND m.from_stage = climb.from_stage AND m.stage = climb.stage
        AND m.at BETWEEN %s AND %s
    ) AS people FROM climb
    UNION ALL
    SELECT from_stage, '' AS stage, status, rule_line, COUNT(*) AS people FROM lifecycle_stagemove
    WHERE generation_id = %s AND is_redefinition = FALSE AND cause = 'setback'
    AND stage IN ({_ALL_STAGES}) AND from_stage IN ({_ALL_STAGES}) AND "at" BETWEEN %s AND %s
    GROUP BY from_stage, status, rule_line
    UNION ALL
    SELECT '' AS from_stage, 'suspect' AS stage, '' AS status, NULL AS rule_line, COUNT(*) AS people
    FROM people_person WHERE first_seen_at BETWEEN %s AND %s
"""
"""Who climbed, by stretches of an index; of those who fell, who are few, the line of the setback instead of its words,
so that all of it is read in the same index; and whoever was first seen, who arrived at the foot of the ladder."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the worker computes ahead of a page: the steps, the clause of the weakest one's rule to blame, and when."""

    steps: tuple[Step, ...]
    clause: int | None
    at: int

    def figures(self, start: int) -> dict[str, Any]:
        return {"start": start, "steps": [asdict(step) for step in self.steps], "clause": self.clause}


def _kept(playbook: Playbook, generation_id: int, *, months: int, start: int, now: int) -> Kept:
    """The worker's last snapshot of this very period; where there is none yet, read from the moves themselves."""
    kept = Snapshot.objects.filter(report=report_of(months), generation_id=generation_id).first()
    if kept is None or kept.figures["start"] != start or "clause" not in kept.figures:
        return computed(playbook, generation_id, start=start, now=now)
    steps_ = tuple(Step(**step) for step in kept.figures["steps"])
    return Kept(steps_, kept.figures["clause"], kept.computed_at)


def computed(playbook: Playbook, generation_id: int, *, start: int, now: int) -> Kept:
    """Read from all moves of the last eighteen months and everybody on the weakest step: seconds for many people."""
    found = steps(_climbs(generation_id, now), ranks_used(playbook), start=start, now=now)
    weak = weakest(found)
    return Kept(found, _clause_to_blame(playbook, generation_id, weak, now) if weak else None, now)


def report_of(months: int) -> str:
    """The name under which the worker keeps the steps of a period."""
    return f"steps of {months}"


def _climbs(generation_id: int, now: int) -> list[dict[int, int]]:
    """One mapping a person and lap: rank of a rung → first arrival. Everybody is a suspect when first seen."""
    found: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    known = Person.objects.filter(first_seen_at__gte=now - USUAL[0], first_seen_at__lte=now)
    for person_id, at in known.values_list("pk", "first_seen_at").iterator(chunk_size=10_000):
        found[person_id, 1][RANK["suspect"]] = at
    moves = StageMove.objects.filter(_flow(generation_id), cause="promotion", at__gte=now - USUAL[0], at__lte=now)
    rows = moves.values_list("person_id", "lap", "stage").annotate(Min("at")).order_by()
    for person_id, lap, stage, at in rows.iterator(chunk_size=10_000):
        found[person_id, lap][RANK[stage]] = at
    return list(found.values())


def _answers(playbook: Playbook, start: int, now: int) -> Answers:
    handoffs = Handoff.objects.filter(
        Q(opened_at__gte=start) | Q(answered_at__isnull=True, withdrawn_at__isnull=True), opened_at__lte=now
    )
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    lateness = Lateness(playbook)
    for each in verdicts(handoffs):
        is_open = each.answered_at is None and each.withdrawn_at is None
        due = lateness.due_at(each.ran)
        counts["opened"] += each.ran.opened_at >= start
        counts[each.answer or ("open" if is_open else "withdrawn")] += 1
        counts["late"] += each.is_late(lateness) or (is_open and due is not None and now > due)
        counts["overdue"] += is_open and due is not None and due <= now
        counts["due_soon"] += is_open and due is not None and now < due <= now + 30 * MINUTE
        if each.answer == "rejected":
            reasons[each.reason or "No reason given"] += 1
    return Answers(
        opened=counts["opened"],
        accepted=counts["accepted"],
        rejected=counts["rejected"],
        returned=counts["returned"],
        open=counts["open"],
        late=counts["late"],
        overdue=counts["overdue"],
        due_soon=counts["due_soon"],
        reasons=tuple(reasons.most_common(6)),
    )


def _blame(
    playbook: Playbook, generation_id: int, counts: _Counts, weak: Step, number: int | None, now: int
) -> Blame | None:
    if number is None:
        return None
    low, rule = STAGES[weak.rank], playbook.stages[STAGES[weak.next_rank]].enter
    clause = _clauses(rule.condition)[number]
    fails = segments.as_filter(Not(clause), generation_id=generation_id, at=now)
    failing = _known_on(generation_id, low).filter(fails)[:COUNTED].count()
    return Blame(
        stage=low,
        rule=source(clause),
        words=in_words(clause, playbook.words),
        line=rule.line,
        failing=failing,
        standing=counts.standing[low] - counts.anonymous[low],
        condition=f'stage == "{low}" and status == "active" and not ({source(clause)})',
    )


def _clause_to_blame(playbook: Playbook, generation_id: int, weak: Step, now: int) -> int | None:
    """The number of the clause that fails for most of those who stand on the weakest step; None when none fails."""
    counts: dict[str, Count] = {}
    for number, clause in enumerate(_clauses(playbook.stages[STAGES[weak.next_rank]].enter.condition)):
        fails = segments.as_filter(Not(clause), generation_id=generation_id, at=now)
        counts[str(number)] = Count("id", filter=fails)
    if not counts:
        return None
    failing = _known_on(generation_id, STAGES[weak.rank]).aggregate(**counts)
    worst = max(failing, key=lambda number: failing[number])
    return int(worst) if failing[worst] else None


def _known_on(generation_id: int, stage: str) -> QuerySet[Standing]:
    # Only those we know by name: nobody can do anything for a visitor, and lists leave visitors out as well.
    return Standing.objects.filter(generation_id=generation_id, stage=stage, status="active", is_anonymous__in=[False])


def _clauses(condition: Condition) -> tuple[Condition, ...]:
    return condition.parts if isinstance(condition, And) else (condition,)


def _silent(playbook: Playbook, generation_id: int, now: int) -> dict[str, int]:
    above = [code for code in playbook.stages if RANK[playbook.handoff.on] < RANK[code] < RANK["customer"]]
    quiet = Standing.objects.filter(
        generation_id=generation_id, status="active", stage__in=above, idle_since__lte=now - QUIET
    )
    return dict(quiet.values_list("stage").annotate(Count("id")).order_by())


def _won(start: int, now: int) -> Won:
    amounts: Counter[str] = Counter()
    deals: set[object] = set()
    events = Event.objects.filter(kind="deal_won", at__gte=start, at__lte=now).values_list("seq", "data")
    for seq, data in events:
        deals.add(data.get("deal", seq))
        amount, currency = data.get("amount"), data.get("currency")
        if isinstance(amount, (int, float)) and not isinstance(amount, bool) and isinstance(currency, str):
            amounts[currency] += int(amount)
    return Won(len(deals), tuple(amounts.most_common(3)))


def _commonest(reasons: Counter[str]) -> str:
    return reasons.most_common(1)[0][0] if reasons else ""
