"""Which lines of the playbook carried a hand-off: their points when it opened, and whether it had opened without.

Worked out by the worker from the history, soon after a hand-off opens: a reject reason can then be held against the
very line that caused it.
"""

from collections.abc import Iterator
from typing import Final

from django.db.models import Exists, OuterRef

from rung.engine.explain import Explanation
from rung.handoff.models import Carried
from rung.lifecycle.models import Handoff
from rung.lifecycle.person import explained
from rung.people.models import Person
from rung.people.queries import living_ids
from rung.playbook.conditions import And, Compare, Fact, Number
from rung.playbook.definitions import Playbook

AT_A_TIME: Final = 60
LEAST: Final = 0.5
"""Points below this carry nothing."""
_NOTHING: Final = ""


def carry(at: int) -> None:
    """One turn: the latest hand-offs of which it is not known yet."""
    known = Carried.objects.filter(handoff_id=OuterRef("pk"))
    rows = Handoff.objects.filter(~Exists(known), opened_at__lte=at).select_related("person").order_by("-opened_at")
    waiting = list(rows[:AT_A_TIME])
    of = living_ids([handoff.person_id for handoff in waiting])
    living = Person.objects.in_bulk(set(of.values()))
    for handoff in waiting:
        lines = _found(handoff, living[of[handoff.person_id]])
        # A hand-off that no line carries (set by hand) is noted too, so that it is not looked at for ever.
        none = Carried(handoff=handoff, line=_NOTHING, is_fit=False, points=0, is_decisive=False)
        Carried.objects.bulk_create(lines or [none], ignore_conflicts=True)


def _found(handoff: Handoff, person: Person) -> list[Carried]:
    found = explained(person, until=max(handoff.opened_at, person.first_seen_at))
    return list(_lines(handoff, found.explanation, found.playbook))


def _lines(handoff: Handoff, explanation: Explanation, playbook: Playbook) -> Iterator[Carried]:
    standing = explanation.standing
    score, fit = needed(playbook)
    for points in explanation.points:
        if points.now >= LEAST:
            is_decisive = score is not None and standing.score - points.now < score
            yield Carried(handoff=handoff, line=points.signal, is_fit=False, points=points.now, is_decisive=is_decisive)
    for line in explanation.fit_lines:
        if line.holds and line.points > 0:
            is_decisive = (score is not None and standing.score - line.points < score) or (
                fit is not None and standing.fit - line.points < fit
            )
            yield Carried(handoff=handoff, line=line.name, is_fit=True, points=line.points, is_decisive=is_decisive)


def needed(playbook: Playbook) -> tuple[float | None, float | None]:
    """The score and the fit that the rule of the hand-off rung asks for; None where it names none."""
    stage = playbook.stages.get(playbook.handoff.on)
    found: dict[str, float] = {}
    if stage is not None:
        condition = stage.enter.condition
        for clause in condition.parts if isinstance(condition, And) else (condition,):
            match clause:
                case Compare(Fact(("score" | "fit") as name), ">=" | ">", Number(value)):
                    found[name] = float(value)
    return found.get("score"), found.get("fit")
