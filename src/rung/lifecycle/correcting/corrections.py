"""Events that correct the history: what they strike, whom they make one, and who must be decided again."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rung.history import actions as history
from rung.history.models import Event
from rung.history.queries import seqs_of_message
from rung.lifecycle.correcting import merging
from rung.lifecycle.correcting.merging import Keeping
from rung.lifecycle.deciding.anew import MoveKey
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.deciding.rows import ever_there
from rung.lifecycle.models import OF_A_GENERATION, Handoff
from rung.lifecycle.rules import OF_A_COMPANY, Happened, Ready
from rung.people import actions as people
from rung.people.models import Alias, Identity, Person
from rung.people.queries import living_ids
from rung.people.rules import keys_of
from rung.terms.kinds import ANSWER_KINDS

_AT_A_TIME = 400


@dataclass(slots=True)
class Corrected:
    """Whom corrections touch: living persons, and companies told of anew."""

    people: set[int] = field(default_factory=set)
    companies: set[int] = field(default_factory=set)
    own: dict[int, set[str]] = field(default_factory=dict)
    """Persons of whom events were struck that named no company, and the kinds of those: most concern no colleague."""
    merges: list[Keeping] = field(default_factory=list)
    """What was before each merge."""
    real: dict[int, set[MoveKey]] = field(default_factory=dict)
    """Moves that were real before a merge that was undone."""
    settled: dict[int, int] = field(default_factory=dict)
    """Until when those who become one, or two, were decided as whoever they were: nothing before it is news."""


def fault(item: Ready) -> str | None:
    """Why the correction cannot be made, in words for the user; None when it can."""
    if item.kind == "event_voided":
        return (
            None if seqs_of_message(str(item.data["event"])) else f"There is no event {item.data['event']!r} to void."
        )
    if item.kind == "import_undone":
        return import_fault(item.data["import"])
    merged = _person(str(item.data["merged"]))
    if merged is None:
        return f"There is no person {item.data['merged']!r}."
    if item.kind == "persons_unmerged":
        return None if Alias.objects.filter(old=merged).exists() else "This person was never merged into another."
    if item.person is None:
        return "Say into whom: a merge needs the person who lives on."
    ends = living_ids([item.person, merged.pk])
    if ends[item.person] == ends[merged.pk]:
        return "These two are one person already."
    return None


def applied(happened: Iterable[Happened], line: Line) -> Corrected:
    """Carries the corrections out, in order."""
    touched = Corrected()
    for event in happened:
        if event.kind == "event_voided":
            _strike(event, touched)
        elif event.kind == "import_undone":
            continue  # `undoing` has done it, some people in a transaction
        elif event.kind == "persons_merged":
            _merge(event, touched, line)
        else:
            _unmerge(event, touched, line)
    touched.people = set(living_ids(sorted(touched.people)).values())
    living, struck = living_ids(sorted(touched.own)), touched.own
    touched.own = {}
    for person_id, kinds in struck.items():
        touched.own.setdefault(living[person_id], set()).update(kinds)
    return touched


def _strike(event: Happened, touched: Corrected) -> None:
    seqs = seqs_of_message(str(event.data["event"]))
    _touch(seqs, touched)
    _reopen(seqs)
    history.strike(seqs=seqs, by_seq=event.seq)


def _reopen(seqs: Sequence[int]) -> None:
    """A hand-off whose answer no longer counts waits again, unless the decision closes it for another cause."""
    answers = Event.objects.filter(seq__in=seqs, kind__in=ANSWER_KINDS, person_id__isnull=False)
    for kind, person_id, at in answers.values_list("kind", "person_id", "at"):
        living = living_ids([person_id])[person_id]
        answered = Handoff.objects.filter(person_id=living, answered_at=at, answer=ANSWER_KINDS[kind])
        answered.update(answer="", answered_at=None, reason="", answered_by="")


def _merge(event: Happened, touched: Corrected, line: Line) -> None:
    merged = _named(event)
    ends = living_ids([event.person_id or 0, merged.pk])
    survivor_id, merged_id = ends[event.person_id or 0], ends[merged.pk]
    if survivor_id != merged_id:
        people.merge_ids(survivor_id=survivor_id, merged_id=merged_id)
    else:
        merged_id = merged.pk  # the cookie's register has made them one already
    touched.merges.append(merging.begun(seq=event.seq, survivor_id=survivor_id, merged_id=merged_id, line=line))
    touched.settled[survivor_id] = merging.decided_until((survivor_id, merged_id), line)
    for model in OF_A_GENERATION:
        model.objects.filter(person_id=merged_id).delete()
    Handoff.objects.filter(person_id=merged_id).update(person_id=survivor_id)
    open_ = Handoff.objects.filter(person_id=survivor_id, answered_at=None, withdrawn_at=None)
    for later in open_.order_by("opened_at", "pk")[1:]:
        Handoff.objects.filter(pk=later.pk).update(withdrawn_at=event.at, reason="merged")
    touched.people.add(survivor_id)


def _unmerge(event: Happened, touched: Corrected, line: Line) -> None:
    merged = _named(event)
    alias = Alias.objects.get(old=merged)
    touched.people.update((alias.living_id, merged.pk))
    touched.settled[merged.pk] = merging.decided_until((alias.living_id,), line)
    for person_id, moves in merging.given_back(merged.pk, living_id=alias.living_id).items():
        touched.real.setdefault(person_id, set()).update(moves)
    people.unmerge_ids(merged_id=merged.pk)


def _named(event: Happened) -> Person:
    person = _person(str(event.data["merged"]))
    assert person is not None, "checked before it was recorded"
    return person


def _touch(seqs: Sequence[int], touched: Corrected) -> None:
    for start in range(0, len(seqs), _AT_A_TIME):
        rows = Event.objects.filter(seq__in=seqs[start : start + _AT_A_TIME])
        for kind, person_id, company_id in rows.values_list("kind", "person_id", "company_id"):
            if person_id is not None and company_id is None:
                touched.own.setdefault(person_id, set()).add(kind)
            elif person_id is not None:
                touched.people.add(person_id)
            if kind == OF_A_COMPANY and company_id is not None:
                _touch_company(company_id, touched)


def _touch_company(company_id: int, touched: Corrected) -> None:
    touched.companies.add(company_id)
    touched.people.update(ever_there([company_id]))


def import_fault(told: object) -> str | None:
    """Why the import cannot be undone, in words for the user; None when it can."""
    if not isinstance(told, int) or isinstance(told, bool):
        return f"{told!r} is no number of an import."
    if Event.objects.filter(kind="import_undone", data__import=told).exists():
        return f"Import {told} was undone before."
    if not Event.objects.filter(source=f"import:{told}").exists():
        return f"There is no import {told}."
    return None


def _person(text: str) -> Person | None:
    """The person a correction names, as they were before any merge: by our id, else by a key."""
    try:
        found = Person.objects.filter(uuid=uuid.UUID(text)).first()
    except ValueError:
        found = None
    if found is not None:
        return found
    keys = keys_of(text)
    for kind, value in (*keys.strong(), ("user_id", text), ("anonymous_id", text)):
        identity = Identity.objects.select_related("person").filter(kind=kind, value=value).first()
        if identity is not None:
            return identity.person
    return None
