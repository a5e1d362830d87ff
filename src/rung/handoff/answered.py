"""What sales answered lately, every single answer: also the second one, to what was handed over again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from heapq import nlargest

from rung.access.models import User
from rung.handoff.lateness import COLUMNS, Lateness, Ran, with_clocks
from rung.history.models import Event
from rung.history.queries import counted
from rung.lifecycle.models import Handoff
from rung.people.models import Person
from rung.people.queries import living_ids
from rung.playbook.definitions import Playbook
from rung.terms.kinds import ANSWER_KINDS


@dataclass(frozen=True, slots=True)
class Said:
    """One answer of sales. `late_by`: microseconds of working time behind its clock, 0 when in time."""

    person: Person
    answer: str
    reason: str
    note: str
    by: str
    at: int
    late_by: int


def lately(playbook: Playbook, *, most: int) -> list[Said]:
    """The latest answers that count, the latest first, in seven queries."""
    found: list[Event] = []
    for kind in ANSWER_KINDS:  # each walks its index backwards; all three together would sort every answer ever given
        found += counted().filter(kind=kind, person_id__isnull=False).order_by("-at", "-seq")[:most]
    events = nlargest(most, found, key=lambda event: (event.at, event.seq))
    living = living_ids({event.person_id or 0 for event in events})
    people = Person.objects.select_related("company").in_bulk(set(living.values()))
    names = dict(User.objects.filter(email__in={event.by for event in events}).values_list("email", "name"))
    late = _late(events, playbook)
    return [
        Said(
            person=people[living[event.person_id or 0]],
            answer=ANSWER_KINDS[event.kind],
            reason=_text(event, "reason"),
            note=_text(event, "note"),
            by=names.get(event.by) or event.by or "somebody",
            at=event.at,
            late_by=late.get(event.seq, 0),
        )
        for event in events
        if living[event.person_id or 0] in people
    ]


def _late(events: Sequence[Event], playbook: Playbook) -> dict[int, int]:
    """Seq → how much too late the answer came, for the answers that closed a hand-off."""
    ids: Collection[int] = {event.data["handoff"] for event in events if isinstance(event.data.get("handoff"), int)}
    rows = with_clocks(Handoff.objects.filter(pk__in=ids, answered_at__isnull=False))
    lateness = Lateness(playbook)
    by_id = {id_: (at, Ran(*ran)) for id_, at, *ran in rows.values_list("pk", "answered_at", *COLUMNS)}
    found = {}
    for event in events:
        at, ran = by_id.get(event.data.get("handoff"), (None, None))
        if ran is not None and at == event.at:
            found[event.seq] = lateness.judge(ran, event.at).late_by
    return found


def _text(event: Event, name: str) -> str:
    value = event.data.get(name)
    return value if isinstance(value, str) else ""
