"""What strangers told of people and companies while an import lay there that is taken back: it is told again.

What the import had told before them was kept aside, as `people.strangers` says; it fills now what is empty. The history
is only added to: an event as it was told then is struck, and one that says what it says now comes in its place, with
all of its times. What the same door told at the same instant after it goes behind it, where it was.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from operator import attrgetter
from typing import Final

from rung import tables
from rung.history import actions as history
from rung.history.models import Event
from rung.history.queries import Stored, arrivals, in_order_of_arrival, stored
from rung.lifecycle.rules import CORRECTIONS, OF_A_COMPANY
from rung.people import actions as people
from rung.people.queries import companies_by_id
from rung.people.rules import Keys
from rung.people.strangers import Said, is_held_back, told_again
from rung.terms.kinds import ANSWER_KINDS

Place = tuple[str, int]
"""A source and an instant: what one door told at once."""

_STAYS: Final = CORRECTIONS | ANSWER_KINDS.keys()
"""Kinds of which others know the very event."""
_in_order: Final = attrgetter("at", "seq")


def of_people(
    own: dict[int, list[Stored]], *, since: int, mark: int, behind: Mapping[Place, int], ahead: Set[int]
) -> None:
    """Tells again what strangers told of these people after a seq, and what stands now behind the seq of what was told
    with it of a company; brings the people's events up to date. `ahead`: of whom something of the future was told, and
    what came after it has that time."""
    held = {
        person_id: events
        for person_id, events in own.items()
        if any(event.seq > since and is_held_back(event.data) for event in events)
    }
    late = sorted(ahead & own.keys())
    arrived = arrivals([event for person_id in {*held, *late} for event in own[person_id]])
    on_time = {person_id: _on_time(own[person_id], arrived, since) for person_id in late}
    times = {event.seq: event.at for events in on_time.values() for event in events}
    keys = _keys_of(event for events in held.values() for event in events)
    said: dict[int, Said] = {}
    for person_id in own if behind else held.keys() | on_time.keys():
        before = own[person_id]
        events = on_time.get(person_id, before)
        now = told_again(in_order_of_arrival(events, arrived), keys, since=since) if person_id in held else {}
        said.update(now)
        said.update({seq: _as_it_is(event, keys) for seq, event in _following(events, now, behind).items()})
        moved = [(event, times[event.seq]) for event in before if times.get(event.seq, event.at) != event.at]
        said.update({event.seq: said.get(event.seq, _as_it_is(event, keys))._replace(at=at) for event, at in moved})
    told = _tell(said, mark)
    for person_id, events in own.items():
        if any(event.seq in said for event in events):
            now_there = [told.get(event.seq, event) for event in events]
            own[person_id] = sorted([event for event in now_there if event is not None], key=_in_order)


def _on_time(events: Sequence[Stored], arrived: Mapping[int, int], since: int) -> list[Stored]:
    """The events with the times at which they would have taken effect: on arrival, never before the person's latest."""
    latest, found = 0, []
    for event in in_order_of_arrival(events, arrived):
        came_at = arrived[event.seq]
        is_pushed = event.seq > since and event.at > came_at and not event.source.startswith("import:")
        told = event._replace(at=max(came_at, latest)) if is_pushed and event.kind not in _STAYS else event
        latest = max(latest, told.at)
        found.append(told)
    return sorted(found, key=_in_order)


def of_companies(company_ids: Sequence[int], *, since: int, mark: int) -> None:
    """Tells again what strangers told of these companies."""
    said: dict[int, Said] = {}
    one_of, ids = tables.among(company_ids)
    by_company: dict[int, list[Stored]] = {}
    for event in stored(f"kind = '{OF_A_COMPANY}' AND company_id {one_of}", [ids]):
        by_company.setdefault(event.company_id or 0, []).append(event)
    held = [
        events
        for events in by_company.values()
        if any(event.seq > since and is_held_back(event.data) for event in events)
    ]
    arrived = arrivals([event for events in held for event in events])
    for events in held:
        now = told_again(in_order_of_arrival(events, arrived), {}, since=since)
        said.update(now)
        said.update({seq: _as_it_is(event, {}) for seq, event in _following(events, now, {}).items()})
    _tell(said, mark)


def behind_companies(mark: int) -> dict[Place, int]:
    """Where something was told again of a company, and the seq at which it stands now; but for imports, all of whose
    rows may be of one instant."""
    return {(told, at): seq for told, at, seq in tables.rows(_OF_COMPANIES, mark)}


_OF_COMPANIES: Final = """
SELECT e.source, e.at, MAX(now.seq) FROM history_struck s JOIN history_event e ON e.seq = s.seq
JOIN history_event now
ON now.company_id = e.company_id AND now.at = e.at AND now.source = e.source AND now.kind = e.kind
WHERE s.by_seq = %s AND e.kind = 'company_described' AND e.source NOT LIKE 'import:%%' AND now.seq > e.seq
GROUP BY e.source, e.at
"""


def _following(events: Sequence[Stored], said: Mapping[int, Said], behind: Mapping[Place, int]) -> dict[int, Stored]:
    """What stood behind the events that are told again, at the same instant and by the same door."""
    first: dict[Place, int] = {}
    for event in events:
        if event.seq in said:
            place = event.source, event.at
            first[place] = min(event.seq, first.get(place, event.seq))
    return {
        event.seq: event
        for event in events
        if event.seq not in said and event.kind not in _STAYS and _is_behind(event, first, behind)
    }


def _is_behind(event: Stored, first: Mapping[Place, int], behind: Mapping[Place, int]) -> bool:
    place = event.source, event.at
    return event.seq > first.get(place, event.seq) or event.seq < behind.get(place, 0)


def _keys_of(events: Iterable[Stored]) -> dict[int, str]:
    companies = companies_by_id({event.company_id for event in events if event.company_id is not None})
    return {company_id: company.key for company_id, company in companies.items()}


def _as_it_is(event: Stored, keys: Mapping[int, str]) -> Said:
    return Said(dict(event.data), keys.get(event.company_id or 0))


def _tell(said: Mapping[int, Said], mark: int) -> dict[int, Stored | None]:
    """Strikes the events and appends what they say now, in the same order: seq before → the event that stands for it,
    None where it would not have been."""
    if not said:
        return {}
    history.strike(seqs=list(said), by_seq=mark)
    before = [event for event in _events(said) if said[event.seq].data is not None]
    companies = _companies(before, said)
    entries = [_entry(event, said[event.seq], companies) for event in before]
    seqs = history.append(entries)
    told: dict[int, Stored | None] = dict.fromkeys(said)
    for event, entry, seq in zip(before, entries, seqs, strict=True):
        told[event.seq] = Stored(
            seq, entry.person_id, entry.company_id, entry.kind, entry.at, entry.source, entry.message_id, entry.by,
            entry.data,
        )  # fmt: skip
    return told


def _events(said: Mapping[int, Said]) -> list[Event]:
    found = Event.objects.in_bulk(list(said))
    return [found[seq] for seq in sorted(found)]


def _companies(events: Sequence[Event], said: Mapping[int, Said]) -> dict[str, int]:
    """The ids of the companies that are named now; whoever was never more than claimed is made as of then."""
    since: dict[str, int] = {}
    for event in events:
        key = said[event.seq].company
        if key is not None:
            since.setdefault(key, event.at if event.source.startswith("import:") else event.received_at)
    found = people.identify([people.Sighting(Keys(), at, company=key) for key, at in since.items()])
    return {each.company.key: each.company.pk for each in found if each.company is not None}


def _entry(event: Event, now: Said, companies: Mapping[str, int]) -> history.Entry:
    is_held = event.person_id is not None and is_held_back(now.data or {})
    company_id = None if is_held and now.company is None else event.company_id
    return history.Entry(
        kind=event.kind,
        at=event.at if now.at is None else now.at,
        received_at=event.received_at,
        source=event.source,
        message_id=f"{event.message_id[:150]}:again:{event.seq}",
        person_id=event.person_id,
        company_id=companies[now.company] if now.company is not None else company_id,
        occurred_at=event.occurred_at,
        sent_at=event.sent_at,
        by=event.by,
        data=now.data or {},
    )
