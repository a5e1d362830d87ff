"""What both sides owe each other this month, and how far it is kept; each figure counts the people behind it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from rung.handoff import cadence
from rung.handoff.lateness import Lateness
from rung.handoff.models import Clock
from rung.handoff.reckoning import Owners, Times
from rung.handoff.verdicts import Verdict, verdicts
from rung.insight.queries import period_start
from rung.lifecycle.models import Handoff, StageMove
from rung.lifecycle.published import InForce
from rung.playbook.definitions import Duties, Side
from rung.terms.stages import RANK, STAGES

Name = Literal["handed-over", "nurture", "accepted", "in-time", "first-touch", "cadence"]


@dataclass(frozen=True, slots=True)
class Behind:
    """One person (or one hand-off of theirs) behind a figure: when, whose, whether the duty was kept, and how."""

    person_id: int
    at: int
    owner_id: int | None
    is_kept: bool
    words: str


@dataclass(frozen=True, slots=True)
class Duty:
    """One promise of one side. A share (0 to 1) of what is behind it was kept; a number counts what was kept.

    `promised` None: owed to each person, without a share that would be enough.
    """

    name: Name
    side: Side
    words: str
    promised: float | None
    is_share: bool
    behind: tuple[Behind, ...]

    @property
    def kept(self) -> int:
        return sum(each.is_kept for each in self.behind)

    @property
    def of(self) -> int:
        return len(self.behind)

    @property
    def done(self) -> float:
        if not self.is_share:
            return float(self.kept)
        return self.kept / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class _Kind:
    side: Side
    words: str
    is_share: bool
    promised: Callable[[Duties], float | None]
    is_owed: Callable[[Duties], bool]
    behind: Callable[["_Month"], Sequence[Behind]]


class _Month:
    """This month so far, as the firm cuts months; what several duties look at is read once."""

    def __init__(self, force: InForce, at: int) -> None:
        self.force, self.at = force, at
        self.start = period_start(at, force.playbook.calendar.timezone, months=1)

    @cached_property
    def answers(self) -> tuple[Verdict, ...]:
        """Answers to what was handed over this month."""
        month = Handoff.objects.filter(opened_at__gte=self.start, opened_at__lte=self.at)
        return tuple(verdicts(month.exclude(answer="")))

    @cached_property
    def cadence(self) -> Mapping[Side, Sequence[cadence.Progress]]:
        """How far each person's cadence is, of both sides."""
        return cadence.of(self.force, "sales", "marketing", at=self.at, owners=self.owners)

    @cached_property
    def owners(self) -> Owners:
        return Owners(Times(self.force.playbook))


def duties(force: InForce, *, at: int) -> tuple[Duty, ...]:
    """Every duty of the playbook, in seven queries; two more where teams have calendars of their own."""
    month, owed = _Month(force, at), force.playbook.duties
    return tuple(_counted(name, month) for name, kind in _KINDS.items() if kind.is_owed(owed))


def duty(name: str, force: InForce, *, at: int) -> Duty | None:
    """The duty of this name; None where the playbook names none."""
    kind = next((each for known, each in _KINDS.items() if known == name), None)
    if kind is None or not kind.is_owed(force.playbook.duties):
        return None
    return next(_counted(known, _Month(force, at)) for known in _KINDS if known == name)


def _counted(name: Name, month: _Month) -> Duty:
    kind, playbook = _KINDS[name], month.force.playbook
    words = kind.words.format(rung=playbook.short_label(playbook.handoff.on))
    return Duty(name, kind.side, words, kind.promised(playbook.duties), kind.is_share, tuple(kind.behind(month)))


def _handed_over(month: _Month) -> list[Behind]:
    moves = StageMove.objects.filter(
        generation_id=month.force.generation_id,
        stage=(rung := month.force.playbook.handoff.on),
        # Named, as all of the index before the time is: then only the period's stretches of it are read.
        from_stage__in=STAGES[: RANK[rung]],
        cause="promotion",
        is_redefinition__in=[False],
        at__gte=month.start,
        at__lte=month.at,
    )
    first: dict[int, Behind] = {}
    for person_id, moved_at, because in moves.order_by("at", "pk").values_list("person_id", "at", "because"):
        first.setdefault(person_id, Behind(person_id, moved_at, None, True, because))
    return list(first.values())


def _answered(month: _Month) -> list[Behind]:
    """Kept where sales accepted in the end."""
    return [_behind(each, is_kept=each.answer == "accepted", words=_in_words(each)) for each in month.answers]


def _in_time(month: _Month) -> list[Behind]:
    lateness, found = Lateness(month.force.playbook, month.owners), []
    for each in month.answers:
        is_late = each.is_late(lateness)
        found.append(_behind(each, is_kept=not is_late, words="answered late" if is_late else "answered in time"))
    return found


def _behind(each: Verdict, *, is_kept: bool, words: str) -> Behind:
    return Behind(each.person_id, each.answered_at or 0, each.ran.owner_id, is_kept, words)


def _in_words(each: Verdict) -> str:
    said = f"{each.answer}: {each.reason}" if each.reason else each.answer
    return f"{said}, returned first" if each.was_returned else said


def _first_touch(month: _Month) -> list[Behind]:
    """Clocks of a first touch that are over: stopped, or run out."""
    clocks = Clock.objects.filter(kind="touch", started_at__gte=month.start, due_at__isnull=False)
    found = []
    for person_id, owner_id, due_at, stopped_at in clocks.values_list("person_id", "owner_id", "due_at", "stopped_at"):
        if stopped_at is None and (due_at or 0) > month.at:
            continue
        is_kept = stopped_at is not None and stopped_at <= (due_at or 0)
        words = "touched in time" if is_kept else "touched late" if stopped_at is not None else "not touched yet"
        found.append(Behind(person_id, stopped_at or due_at or 0, owner_id, is_kept, words))
    return found


def _cadence(month: _Month) -> list[Behind]:
    return [_of_progress(each) for each in month.cadence["sales"]]


def _nurture(month: _Month) -> list[Behind]:
    return [_of_progress(each) for each in month.cadence["marketing"]]


def _of_progress(each: cadence.Progress) -> Behind:
    return Behind(each.person_id, each.since, each.owner_id, not each.is_behind, each.words)


_KINDS: Final[dict[Name, _Kind]] = {
    "handed-over": _Kind(
        *("marketing", "{rung} handed over", False),
        lambda duties: duties.mqls_per_month,
        lambda duties: bool(duties.mqls_per_month),
        _handed_over,
    ),
    "accepted": _Kind(
        *("marketing", "Accepted by sales", True),
        lambda duties: duties.accepted_share,
        lambda duties: duties.accepted_share is not None,
        _answered,
    ),
    "nurture": _Kind(
        *("marketing", "Nurture kept up with", True),
        lambda duties: None,
        lambda duties: duties.nurture is not None,
        _nurture,
    ),
    "in-time": _Kind(
        *("sales", "Answered in time", True),
        lambda duties: duties.accepted_within_sla,
        lambda duties: duties.accepted_within_sla is not None,
        _in_time,
    ),
    "first-touch": _Kind(
        *("sales", "First touch in time", True),
        lambda duties: duties.first_touch_within_sla,
        lambda duties: duties.first_touch_within_sla is not None,
        _first_touch,
    ),
    "cadence": _Kind(
        *("sales", "Cadence kept up with", True),
        lambda duties: None,
        lambda duties: duties.cadence is not None,
        _cadence,
    ),
}
"""Every duty that a playbook can name, marketing's first."""
