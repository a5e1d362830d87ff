"""Taking an import back: everybody it touched is as if it had never been.

First its events are struck, then everybody is decided, some in a transaction each: whoever was decided while part of it
still counted could lose a hand-off over it. Killed on the way, it does the rest when it is asked again; done twice it
does no harm.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Final

from django.db import transaction
from django.db.models import Min

from rung import tables
from rung.access.actions import By, Refused, require
from rung.history import actions as history
from rung.history.models import Event
from rung.history.queries import Stored
from rung.jobs import locks
from rung.lifecycle import actions, telling_again
from rung.lifecycle.correcting import corrections
from rung.lifecycle.deciding import compiling, handoffs
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.deciding.memory import nothing_to_collect
from rung.lifecycle.deciding.rounds import Decided, Round, decide_round
from rung.lifecycle.deciding.rows import ever_there
from rung.lifecycle.generations import ensure_playbook
from rung.lifecycle.models import Handoff, Import
from rung.people import actions as people
from rung.people.models import Person
from rung.people.queries import living_ids, people_by_id, with_merged

Progress = Callable[[int, int], None]

_PEOPLE_AT_A_TIME: Final = 900
_COMPANIES_AT_A_TIME: Final = 2_000
_EVENTS_AT_A_TIME: Final = 20_000
_OURS: Final = frozenset({"handoff_opened", "handoff_withdrawn", "sla_warned", "sla_breached", "likelihood_scored"})
"""What the house notes by itself of whoever is there: nothing that happened."""


@dataclass(frozen=True, slots=True)
class _Undoing:
    """An import on its way out: its number and source, and since when it was there."""

    number: int
    source: str
    began_at: int
    at: int
    since: int
    """The seq before its first event."""
    behind: Mapping[telling_again.Place, int] = field(default_factory=dict)
    """Where strangers' words about companies were told again."""
    ahead: Set[int] = frozenset()
    """Of whom it told something that was yet to come."""

    @property
    def mark(self) -> int:
        """What is noted with the events that it strikes."""
        return -self.number


def undo_import(*, number: int, by: By, at: int, progress: Progress | None = None) -> int:
    """Takes everything an import brought out of account; returns how many people it had touched. Raises Refused.

    They are decided as if it had never been: whom only it knew is gone, with their keys, companies and hand-offs.
    Whoever has acted since stays, decided on what they did; what a person of ours answered stays answered. Where they
    would have moved, or been handed over, while it lay there, they do so now.
    """
    require(by, "undo import")
    if fault := corrections.import_fault(number):
        raise Refused(fault)
    source = f"import:{number}"
    undoing = _Undoing(number, source, _began_at(number), at, _since(source))
    _strike(undoing)
    behind = telling_again.behind_companies(undoing.mark)
    undoing = replace(undoing, behind=behind, ahead=set(living_ids(tables.numbers(_AHEAD, source)).values()))
    touched, generation_id = _touched(undoing), 0
    compiling.begin(len(touched))
    while generation_id != lines.current().generation_id:
        generation_id = lines.current().generation_id
        # A playbook put in force meanwhile did not know yet whom we had done.
        _take_back_everybody(touched, undoing, progress)
    for part in _parts(_companies(undoing), _COMPANIES_AT_A_TIME):
        with transaction.atomic():
            locks.hold()
            _forget_companies(part)
    with transaction.atomic():
        locks.hold()
        actions.say_undone(number=number, by=by, at=at)
        Import.objects.filter(pk=number).update(undone_at=at)
    return len(touched)


def _take_back_everybody(touched: Sequence[int], undoing: _Undoing, progress: Progress | None) -> None:
    done = 0
    for part in _parts(touched, _PEOPLE_AT_A_TIME):
        with nothing_to_collect(), transaction.atomic():
            locks.hold()
            _take_back(part, undoing, ensure_playbook(at=undoing.at))
        done += len(part)
        if progress is not None:
            progress(done, len(touched))


def _began_at(number: int) -> int:
    found = Import.objects.filter(pk=number).values_list("created_at", flat=True).first()
    if found is not None:
        return found
    brought = Event.objects.filter(source=f"import:{number}").aggregate(first=Min("received_at"))
    return int(brought["first"] or 0)


def _since(source: str) -> int:
    first = Event.objects.filter(source=source).aggregate(first=Min("seq"))["first"]
    return int(first or 1) - 1


_AHEAD: Final = "SELECT DISTINCT person_id FROM history_event WHERE source = %s AND at > received_at AND person_id > 0"


def _strike(undoing: _Undoing) -> None:
    """Everything the import brought counts no more, nor what it told of companies, nor what it corrected."""
    seqs = tables.numbers("SELECT seq FROM history_event WHERE source = %s ORDER BY seq", undoing.source)
    for part in _parts(seqs, _EVENTS_AT_A_TIME):
        with transaction.atomic():
            locks.hold()
            history.strike(seqs=part, by_seq=undoing.mark)
    described = tables.numbers(
        "SELECT DISTINCT company_id FROM history_event WHERE source = %s AND kind = 'company_described'", undoing.source
    )
    with transaction.atomic():
        locks.hold()
        _take_back_voids(undoing, ensure_playbook(at=undoing.at))
    for part in _parts(described, _COMPANIES_AT_A_TIME):
        with transaction.atomic():
            locks.hold()
            telling_again.of_companies(part, since=undoing.since, mark=undoing.mark)
            people.describe_companies_again(part)


def _touched(undoing: _Undoing) -> Sequence[int]:
    """Whom the import told of, who was ever at a company of which it did, and of whom somebody else told a key that it
    had given to another; colleagues beside each other."""
    return tables.numbers(
        """
        SELECT told.person_id FROM (
            SELECT person_id FROM history_event WHERE source = %s AND person_id IS NOT NULL
            UNION
            SELECT person_id FROM history_event WHERE person_id IS NOT NULL AND company_id IN (
                SELECT company_id FROM history_event WHERE source = %s AND kind = 'company_described'
            )
            UNION
            SELECT also.person_id FROM people_alsotold also JOIN people_identity own ON own.id = also.identity_id
            WHERE own.by_import = %s
        ) told LEFT JOIN people_person p ON p.id = told.person_id ORDER BY COALESCE(p.company_id, 0), told.person_id
        """,
        undoing.source,
        undoing.source,
        undoing.number,
    )


def _companies(undoing: _Undoing) -> Sequence[int]:
    """Every company that the import named."""
    return tables.numbers(
        "SELECT DISTINCT company_id FROM history_event WHERE source = %s AND company_id IS NOT NULL ORDER BY 1",
        undoing.source,
    )


# People


def _take_back(part: Sequence[int], undoing: _Undoing, line: Line) -> None:
    """Removes whom only the import knew of these people, and decides the others and whom they reach."""
    living = sorted(set(living_ids(part).values()))
    new = _made_known(living, undoing)
    people.take_keys(list(with_merged(living)), by_import=undoing.number)
    own = people.own_events(living)
    _part_from_the_gone(part, own, undoing)
    gone = {person_id for person_id, events in own.items() if all(event.kind in _OURS for event in events)}
    history.strike(seqs=[event.seq for person_id in gone for event in own[person_id]], by_seq=undoing.mark)
    telling_again.of_people(own, since=undoing.since, mark=undoing.mark, behind=undoing.behind, ahead=undoing.ahead)
    reached = _colleagues(living, line)
    people.remove(gone)
    rest = {person_id: events for person_id, events in own.items() if person_id not in gone}
    beside = sorted(reached - set(living))
    _decide({**rest, **people.own_events(beside)}, undoing, line, new | _made_known(beside, undoing))


def _decide(own: Mapping[int, Sequence[Stored]], undoing: _Undoing, line: Line, new: Set[int]) -> None:
    """Works these people out anew and decides them from nothing, with all that follows. `new`: whom the import made
    known."""
    known = people_by_id(own)
    own = {person_id: own[person_id] for person_id in known}
    people.describe(known, own)
    round_ = Round(people=dict(known), anew=set(known), own=own, untold_since=undoing.began_at)
    round_.noted = handoffs.noted(known)
    decided = decide_round(round_, line, at=undoing.at)
    removed = _remove_handoffs(decided, undoing, new)
    changed = [change for change in decided.handoffs if change.handoff_id not in removed]
    actions.follow(changed, line=line, at=undoing.at, moves=decided.moves)
    if removed:  # what was noted of them was among the events
        _decide(people.own_events(set(removed.values())), undoing, line, new)


def _part_from_the_gone(part: Sequence[int], own: dict[int, list[Stored]], undoing: _Undoing) -> None:
    """Whoever came with the import and was merged into somebody since leaves them again, with the merge."""
    merged = dict(tables.read("SELECT old_id, living_id FROM people_alias WHERE old_id IN ({ids})", part))
    if not merged:
        return
    there = {event.person_id for events in own.values() for event in events if event.kind not in _OURS}
    gone = [old_id for old_id in merged if old_id not in there]
    uuids = {str(uuid) for uuid in Person.objects.filter(pk__in=gone).values_list("uuid", flat=True)}
    struck: set[int] = set()
    for living_id in {merged[old_id] for old_id in gone}:
        events = own.get(living_id, [])
        struck |= {each.seq for each in events if each.kind == "persons_merged" and each.data.get("merged") in uuids}
        struck |= {each.seq for each in events if each.person_id in gone}
        own[living_id] = [each for each in events if each.seq not in struck]
    history.strike(seqs=sorted(struck), by_seq=undoing.mark)
    people.remove(gone)


def _colleagues(living: Sequence[int], line: Line) -> set[int]:
    """Where a colleague's events count, what is struck counts for nobody any more."""
    if not line.shared_kinds:
        return set()
    # Struck events too: what no longer counts may be what brought them together.
    named = tables.read(_COMPANIES_OF, with_merged(living))
    return set(living_ids(ever_there([company_id for (company_id,) in named])).values())


_COMPANIES_OF: Final = """
SELECT DISTINCT company_id FROM history_event WHERE person_id IN ({ids}) AND company_id IS NOT NULL
"""


def _remove_handoffs(decided: Decided, undoing: _Undoing, new: Set[int]) -> dict[int, int]:
    """Removes hand-offs that opened because of the import and that nobody answered; their ids, and of whom each was.

    Of whom the import made known, those that it told of, too. What the house noted of them counts no more.
    """
    gone: dict[int, int] = {}
    for id_, person_id, opened_at in tables.read(_UNANSWERED, list(decided.opened)):
        is_since = opened_at >= undoing.began_at or person_id in new
        if is_since and opened_at not in decided.opened[person_id]:
            gone[id_] = person_id
    if gone:
        noted = Event.objects.filter(person_id__in=set(gone.values()), kind__in=_OURS, data__handoff__in=list(gone))
        history.strike(seqs=list(noted.values_list("seq", flat=True)), by_seq=undoing.mark)
        tables.remove(Handoff, list(gone))
    return gone


def _made_known(person_ids: Sequence[int], undoing: _Undoing) -> set[int]:
    """Whom the import made known, as long as their keys say so."""
    return {id_ for (id_,) in tables.read(_MADE_KNOWN, person_ids, undoing.number)}


_UNANSWERED: Final = """
SELECT id, person_id, opened_at FROM lifecycle_handoff WHERE person_id IN ({ids}) AND answered_at IS NULL
"""
_MADE_KNOWN: Final = """
SELECT person_id FROM people_identity own WHERE person_id IN ({ids}) AND by_import = %s AND NOT EXISTS (
    SELECT 1 FROM people_identity before WHERE before.person_id = own.person_id AND before.id < own.id
)
"""


# Companies


def _forget_companies(part: Sequence[int]) -> None:
    """Removes those of whom nothing is left."""
    empty = people.without_events(part)
    people.remove_companies(empty)
    people.know_companies_since([id_ for id_ in part if id_ not in empty])


# Corrections


def _take_back_voids(undoing: _Undoing, line: Line) -> None:
    """A history may void events: they count again."""
    voids = tables.numbers("SELECT seq FROM history_event WHERE source = %s AND kind = 'event_voided'", undoing.source)
    touched: set[int] = set()
    voided = tables.read(_VOIDED_BY, voids)
    history.unstrike(by_seqs=voids)
    for person_id, company_id in voided:
        touched |= {person_id} if person_id is not None else ever_there([company_id])
        people.describe_companies_again([company_id] if person_id is None else [])
    living = sorted(set(living_ids(touched).values()))
    _decide(people.own_events(living), undoing, line, _made_known(living, undoing))


_VOIDED_BY: Final = """
SELECT DISTINCT person_id, CASE WHEN kind = 'company_described' THEN company_id END
FROM history_event e JOIN history_struck s ON s.seq = e.seq WHERE s.by_seq IN ({ids})
"""


def _parts(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
