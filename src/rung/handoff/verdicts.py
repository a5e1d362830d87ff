"""What became of hand-offs: the last answer counts, and that it was returned first is told beside it.

It was in time when each answer was: a return that came too late is not mended by what marketing completed since.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from django.db.models import QuerySet

from rung.handoff.lateness import COLUMNS, Judged, Lateness, Ran, with_clocks
from rung.lifecycle.models import Handoff
from rung.people.queries import events_of
from rung.terms.kinds import ANSWER_KINDS


class Verdict(NamedTuple):
    """A hand-off with the answer that counts. `answer` is empty while there is none."""

    handoff_id: int
    person_id: int
    answer: str
    reason: str
    answered_at: int | None
    answered_by: str
    """Whose address answered."""
    withdrawn_at: int | None
    ran: Ran
    """With the clock of the answer that counts."""
    stopped_at: int | None
    """When that clock was answered."""
    returned: tuple[Ran, int] | None
    """Where sales returned it first and answered again later: the first answer's clock, and when it was answered."""
    more: tuple[Any, ...]

    @property
    def was_returned(self) -> bool:
        return self.returned is not None

    def judged(self, lateness: Lateness) -> Judged | None:
        """The answer against its clock; late, too, where the return before it was."""
        if self.stopped_at is None:
            return None
        found = lateness.judge(self.ran, self.stopped_at)
        return replace(found, is_late=True) if not found.is_late and self._was_late(lateness) else found

    def is_late(self, lateness: Lateness) -> bool:
        """The cheaper question where nobody asks by how much; what waits is not late here."""
        is_late = self.stopped_at is not None and lateness.is_late(self.ran, self.stopped_at)
        return is_late or self._was_late(lateness)

    def _was_late(self, lateness: Lateness) -> bool:
        return self.returned is not None and lateness.is_late(*self.returned)


_OWN: Final = ("pk", "person_id", "answer", "reason", "answered_at", "answered_by", "withdrawn_at")


def verdicts(handoffs: QuerySet[Handoff], *more: str) -> list[Verdict]:
    """The hand-offs in their order, each with these columns besides: one query, three where some were returned."""
    found = []
    for row in with_clocks(handoffs).values_list(*_OWN, *COLUMNS, *more):
        own, ran, rest = row[: len(_OWN)], row[len(_OWN) : len(_OWN) + len(COLUMNS)], row[len(_OWN) + len(COLUMNS) :]
        found.append(Verdict(*own, Ran(*ran), own[_OWN.index("answered_at")], None, tuple(rest)))
    returned, later = [each for each in found if each.answer == "returned"], {}
    for start in range(0, len(returned), _AT_A_TIME):
        later |= _answered_again(returned[start : start + _AT_A_TIME])
    return [later.get(each.handoff_id, each) for each in found] if later else found


_AT_A_TIME: Final = 5_000
"""Returned hand-offs that one query names: databases take so many values."""


def answered_again(handoffs: QuerySet[Handoff]) -> dict[int, Verdict]:
    """Of those that were returned: hand-off → the later answer, where there is one."""
    rows = verdicts(handoffs.filter(answer="returned"))
    return {each.handoff_id: each for each in rows if each.was_returned}


def _answered_again(returned: Sequence[Verdict]) -> dict[int, Verdict]:
    people = {each.person_id for each in returned}
    answers: dict[int, list[_Answer]] = defaultdict(list)
    told = events_of(people).filter(kind__in=ANSWER_KINDS).order_by("at", "seq")
    for living, *answer in told.values_list("living", *_Answer._fields):
        answers[living].append(_Answer(*answer))
    opened: dict[int, list[int]] = defaultdict(list)
    clocks: dict[int, list[_Clock]] = defaultdict(list)
    columns = ("person_id", "pk", "opened_at", *(f"assignment__clocks__{name}" for name in ("kind", *_Clock._fields)))
    rows = Handoff.objects.filter(person_id__in=people)
    for person_id, handoff_id, opened_at, kind, *ran in rows.values_list(*columns).order_by("opened_at"):
        opened[person_id].append(opened_at)
        if kind == "answer":
            clocks[handoff_id].append(_Clock(*ran))
    found = {}
    for each in returned:
        until = min((at for at in opened[each.person_id] if at > each.ran.opened_at), default=None)
        after = [
            event
            for event in answers[each.person_id]
            if event.at > (each.answered_at or 0) and (until is None or event.at < until)
        ]
        if after:
            found[each.handoff_id] = _by(after[-1], each, clocks[each.handoff_id])
    return found


class _Answer(NamedTuple):
    at: int
    kind: str
    by: str
    data: Any


class _Clock(NamedTuple):
    started_at: int
    due_at: int | None
    owner_id: int | None
    stopped_at: int | None


def _by(event: _Answer, first: Verdict, clocks: Sequence[_Clock]) -> Verdict:
    """The hand-off as this later answer left it, with the clock that ran then."""
    reason, again = event.data.get("reason"), first.answered_at or 0
    said = first._replace(
        answer=ANSWER_KINDS[event.kind],
        reason=reason[:1000] if isinstance(reason, str) else "",
        answered_at=event.at,
        answered_by=event.by or "",
        returned=(first.ran, again),
    )
    ran = max((clock for clock in clocks if again <= clock.started_at < event.at), default=None)
    if ran is None:  # nothing ran a second time: what was owed is what the return answered
        return said
    of_clock = {"started_at": ran.started_at, "due_at": ran.due_at, "clock_owner_id": ran.owner_id}
    return said._replace(ran=first.ran._replace(**of_clock), stopped_at=min(event.at, ran.stopped_at or event.at))
