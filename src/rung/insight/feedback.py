"""What sales' answers teach: reasons by source and campaign, and the lines that carried what was rejected."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from django.db.models import Q, QuerySet

from rung.access.models import User
from rung.handoff.lateness import Lateness
from rung.handoff.models import Carried, Clock
from rung.handoff.touching import first_touches
from rung.handoff.verdicts import Verdict, answered_again, verdicts
from rung.lifecycle.models import Handoff
from rung.lifecycle.published import InForce
from rung.playbook.definitions import Playbook
from rung.terms.instants import DAY

PERIODS: Final = {"month": 30, "quarter": 91, "year": 365}
"""Name in the address → days that the report looks back."""
MOST: Final = 8
PER_PAGE: Final = 100
NO_REASON: Final = "No reason given"
TOUCHED: Final = "touched"
"""Asks for hand-offs whose first touch was made."""
AGAIN: Final = "again"
"""Asks for hand-offs that were returned first and answered again later."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which hand-offs: opened since, narrowed by answer, reason, source, campaign, or a line that carried them.

    `is_decisive`: they would not have opened at that moment without the line. `is_late`: answered late, or in time.
    """

    start: int
    answer: str = ""
    reason: str = ""
    source: str | None = None
    campaign: str | None = None
    line: str = ""
    is_decisive: bool = False
    is_late: bool | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """Hand-offs of one source or campaign: how many were answered, and how."""

    name: str
    answered: int
    accepted: int
    rejected: int
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the playbook, and the hand-offs it carried."""

    name: str
    is_fit: bool
    number: int | None
    """The line of the file, where the playbook in force still has it."""
    carried: int
    rejected: int
    hung: int
    """Rejected ones that would not have opened at that moment without its points."""


@dataclass(frozen=True, slots=True)
class Report:
    start: int
    opened: int
    accepted: int
    rejected: int
    returned: int
    again: int
    """Returned first, and answered again later: they are among what they were answered then."""
    open: int
    in_time: int
    median_time: int | None
    touched: int
    """Hand-offs whose first touch was made."""
    median_touch: int | None
    """Working time from opening to first touch."""
    reasons: tuple[tuple[str, int], ...]
    sources: tuple[Share, ...]
    campaigns: tuple[Share, ...]
    lines: tuple[Line, ...]
    unknown: int
    """Hand-offs whose lines have not been worked out yet."""

    @property
    def answered(self) -> int:
        return self.accepted + self.rejected + self.returned


def handoffs(asked: Asked, playbook: Playbook) -> QuerySet[Handoff]:
    """The hand-offs behind a number, latest first: every number of the report opens them."""
    rows = Handoff.objects.filter(opened_at__gte=asked.start)
    if asked.source is not None:
        rows = rows.filter(person__source=asked.source)
    if asked.campaign is not None:
        rows = rows.filter(person__campaign=asked.campaign)
    if asked.line:
        carried = Q(line=asked.line) & (Q(is_decisive=True) if asked.is_decisive else Q())
        rows = rows.filter(pk__in=Carried.objects.filter(carried).values("handoff_id"))
    if asked.answer == "open":
        rows = rows.filter(answered_at=None, withdrawn_at=None)
    elif asked.answer == TOUCHED:
        touched = Clock.objects.filter(kind="touch", stopped_at__isnull=False)
        rows = rows.filter(pk__in=touched.values("assignment_id"))
    elif asked.answer or asked.reason:
        rows = rows.filter(_said(rows, asked))
    if asked.is_late is not None:
        rows = rows.filter(pk__in=_judged(rows, playbook, is_late=asked.is_late))
    return rows.select_related("person__company", "owner").order_by("-opened_at", "-pk")


def answers_of(handoffs: Sequence[Handoff]) -> dict[int, tuple[Verdict, str]]:
    """Of each hand-off the answer that counts, and the name of whoever gave it ("" where nobody did)."""
    found = verdicts(Handoff.objects.filter(pk__in=[each.pk for each in handoffs]))
    who = {each.answered_by.lower() for each in found if each.answered_by}
    names = dict(User.objects.filter(email__in=who).values_list("email", "name")) if who else {}
    return {each.handoff_id: (each, names.get(each.answered_by.lower()) or each.answered_by) for each in found}


def _said(handoffs: QuerySet[Handoff], asked: Asked) -> Q:
    """Those whose answer is the one asked for; of what was returned the later answer counts, where there is one."""
    again = answered_again(handoffs)
    if asked.answer == AGAIN:
        return Q(pk__in=list(again))
    reason = "" if asked.reason == NO_REASON else asked.reason
    own = ~Q(answer="") if asked.answer in ("", "answered") else Q(answer=asked.answer)
    theirs = [
        each.handoff_id
        for each in again.values()
        if asked.answer in ("", "answered", each.answer) and (not asked.reason or each.reason == reason)
    ]
    if asked.reason:
        own &= Q(reason=reason)
    return (own & ~Q(pk__in=list(again))) | Q(pk__in=theirs)


def _judged(handoffs: QuerySet[Handoff], playbook: Playbook, *, is_late: bool) -> list[int]:
    """Those of the answered hand-offs that were answered late, or in time."""
    lateness = Lateness(playbook)
    answered = verdicts(handoffs.exclude(answered_at=None))
    return [each.handoff_id for each in answered if each.is_late(lateness) is is_late]


def report(force: InForce, *, days: int, at: int) -> Report:
    """The report of the last `days`: three queries, five where some were returned."""
    start, playbook = at - days * DAY, force.playbook
    period = Handoff.objects.filter(opened_at__gte=start, opened_at__lte=at)
    rows = verdicts(period, *_FROM)
    answers = Counter(row.answer for row in rows if row.answer)
    lateness = Lateness(playbook)
    judged = [each for each in (row.judged(lateness) for row in rows) if each is not None]
    rejected = [row for row in rows if row.answer == "rejected"]
    lines, known = _lines(rows, playbook)
    touched = [each.took for each in first_touches(lateness, start=start, at=at)]
    return Report(
        start=start,
        opened=len(rows),
        accepted=answers["accepted"],
        rejected=answers["rejected"],
        returned=answers["returned"],
        again=sum(row.was_returned for row in rows),
        open=sum(row.answered_at is None and row.withdrawn_at is None for row in rows),
        in_time=sum(not each.is_late for each in judged),
        median_time=int(median(each.took for each in judged)) if judged else None,
        touched=len(touched),
        median_touch=int(median(touched)) if touched else None,
        reasons=tuple(Counter(row.reason or NO_REASON for row in rejected).most_common(MOST)),
        sources=_shares(rows, 0),
        campaigns=_shares([row for row in rows if row.more[1]], 1),
        lines=lines,
        unknown=len(rows) - known,
    )


_FROM: Final = ("person__source", "person__campaign")


def _shares(rows: Sequence[Verdict], by: int) -> tuple[Share, ...]:
    """By the source or the campaign: the place of the column in _FROM."""
    groups: dict[str, list[Verdict]] = defaultdict(list)
    for row in rows:
        if row.answer:
            groups[row.more[by]].append(row)
    found = [
        Share(
            name=key,
            answered=len(theirs),
            accepted=sum(row.answer == "accepted" for row in theirs),
            rejected=sum(row.answer == "rejected" for row in theirs),
            reasons=tuple(
                Counter(row.reason or NO_REASON for row in theirs if row.answer == "rejected").most_common(3)
            ),
        )
        for key, theirs in groups.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.rejected, -each.answered, each.name))[:MOST])


def _lines(rows: Sequence[Verdict], playbook: Playbook) -> tuple[tuple[Line, ...], int]:
    """The lines, those that carried most rejected hand-offs first, and of how many hand-offs they are known."""
    by_id = {row.handoff_id: row for row in rows}
    counts: dict[tuple[str, bool], Counter[str]] = defaultdict(Counter)
    known: set[int] = set()
    for handoff_id, name, is_fit, is_decisive in _carried(rows):
        row = by_id.get(handoff_id)
        if row is None:
            continue
        known.add(handoff_id)
        if name:
            count, is_rejected = counts[name, is_fit], row.answer == "rejected"
            count["carried"] += 1
            count["rejected"] += is_rejected
            count["hung"] += is_rejected and is_decisive
    where = {(line.name, True): line.line for line in playbook.fit}
    where |= {(signal.name, False): signal.line for signal in playbook.signals}
    found = [
        Line(name, is_fit, where.get((name, is_fit)), count["carried"], count["rejected"], count["hung"])
        for (name, is_fit), count in counts.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.rejected, -each.hung, each.name))[: MOST + 4]), len(known)


def _carried(rows: Sequence[Verdict]) -> Iterable[tuple[int, str, bool, bool]]:
    start = min((row.ran.opened_at for row in rows), default=0)
    return Carried.objects.filter(handoff__opened_at__gte=start).values_list(
        "handoff_id", "line", "is_fit", "is_decisive"
    )
