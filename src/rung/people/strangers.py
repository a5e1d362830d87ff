"""What strangers tell: it fills what is empty; what something else is known for is kept aside, in `claimed`. Pure.

What was held against it may be taken back with the import that told it: then a stranger's events say what they would
have said without it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from rung.history.queries import Stored
from rung.people.rules import DESCRIBING, LONGEST_COMPANY, overlaid, traits_told

CLAIMED: Final = "claimed"
"""Where a stranger's event keeps what it did not change: traits by their names, and the key of a company under a name
that no trait has. Empty where something was known already and told once more."""
_COMPANY: Final = "works at"
_DESCRIBES: Final = DESCRIBING | {"company_described"}


class Said(NamedTuple):
    """What an event says now: its data, the key of the company it names, and its time where that is another. No data:
    it would not have been."""

    data: dict[str, Any] | None
    company: str | None
    at: int | None = None


class Known(NamedTuple):
    """What is known of a person by some of their events: traits, and the key of their company."""

    traits: Mapping[str, Any]
    company: str | None


def filling_only(told: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What an untrusted door may say of a known person: empty fields are filled, what differs is kept aside unused."""
    aside = dict(_claimed(told) or {})
    kept, is_known = {}, CLAIMED in told
    for name, value in told.items():
        if name == CLAIMED:
            aside |= {} if is_held_back(told) else {name: value}
            continue
        before = known.get(name)
        if before in (None, "", value):
            kept[name] = value
            is_known |= before not in (None, "")
        else:
            aside[name] = value
    return {**kept, CLAIMED: aside} if aside or is_known else kept


def held_back(data: Mapping[str, Any], company: str | None = None) -> dict[str, Any]:
    """The data of a stranger's event that says what was known already, or a company that does not count: they work at
    another."""
    return {**data, CLAIMED: {**(_claimed(data) or {}), **({_COMPANY: company} if company else {})}}


def is_held_back(data: Mapping[str, Any]) -> bool:
    """Whether the event is a stranger's of which something was known before."""
    return _claimed(data) is not None


def as_given(data: dict[str, Any]) -> dict[str, Any]:
    """The data that came in at a door: what is kept aside is for us to say, and theirs goes by another name."""
    if not is_held_back(data):
        return data
    return {f"{CLAIMED} by them" if name == CLAIMED else name: value for name, value in data.items()}


def told_again(events: Sequence[Stored], keys: Mapping[int, str], *, since: int) -> dict[int, Said]:
    """What strangers' events after a seq say by these events of one person or company alone, which come in the order of
    their arrival: seq → what, where it is not what they say. `keys`: of the companies that the events name."""
    return _fold(events, keys, since)[0]


def known_by(events: Sequence[Stored], keys: Mapping[int, str]) -> Known:
    """What is known of a person or a company by these events alone, which come in the order of their arrival."""
    return _fold(events, keys, -1)[1]


def _fold(events: Sequence[Stored], keys: Mapping[int, str], since: int) -> tuple[dict[int, Said], Known]:
    """Each event against what was known when it arrived: of each field the latest value."""
    strangers = {
        (event.source, event.at)
        for event in events
        if event.seq > since and is_held_back(event.data) and not _is_learnt(event)
    }
    found: dict[int, Said] = {}
    traits: dict[str, Any] = {}
    told_at: dict[str, tuple[int, int]] = {}
    firm: str | None = None
    firm_at = (-1, -1)
    for event in events:
        says = _says(event, keys)
        if event.seq > since and _is_stranger(event, strangers):
            now = _now(event, _whole(says), Known(traits, firm), strangers)
            if now != says:
                found[event.seq] = now
            says = now
        place = event.at, event.seq
        told = traits_told(event.kind, says.data) if says.data and event.kind in _DESCRIBES else {}
        latest = {name: value for name, value in told.items() if place >= told_at.get(name, place)}
        traits = overlaid(traits, latest) if latest else traits
        told_at.update(dict.fromkeys(latest, place))
        if says.company is not None and place >= firm_at:
            firm, firm_at = says.company, place
    return found, Known(traits, firm)


def _now(event: Stored, whole: Said, known: Known, strangers: Collection[tuple[str, int]]) -> Said:
    """What a stranger's event says by what is known."""
    data, company = whole.data or {}, whole.company
    if _is_learnt(event) and (event.source, event.at) not in strangers:
        return whole  # one of ours named them by that address
    if company is not None and known.company not in (None, company):
        data, company = held_back(data, company), None
    elif company is not None and known.company == company and event.kind in DESCRIBING:
        data = held_back(data)
    if event.kind in _DESCRIBES:
        data = filling_only(data, known.traits)
    if _is_learnt(event) and not data.keys() - {CLAIMED}:
        return Said(None, None)
    return Said(data, company)


def _says(event: Stored, keys: Mapping[int, str]) -> Said:
    company = keys.get(event.company_id) if event.company_id is not None and event.person_id is not None else None
    return Said(dict(event.data), company)


def _whole(says: Said) -> Said:
    """All that was told, whatever became of it."""
    data = dict(says.data or {})
    aside = dict(_claimed(data) or {})
    data.pop(CLAIMED, None)
    company = says.company
    claims = aside.pop(_COMPANY, None)
    if company is None and isinstance(claims, str) and len(claims) <= LONGEST_COMPANY:
        company = claims
    return Said({**data, **aside}, company)


def _is_stranger(event: Stored, strangers: Collection[tuple[str, int]]) -> bool:
    """Whether a stranger told it: that is known where something was known before, and of what came with such."""
    if is_held_back(event.data):
        return True
    is_beside = event.kind not in _DESCRIBES or _is_learnt(event)
    return is_beside and not event.source.startswith("import:") and (event.source, event.at) in strangers


def _is_learnt(event: Stored) -> bool:
    """Whether it is the event that says by which address somebody became known."""
    return event.kind == "person_described" and event.by == "system"


def _claimed(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    told = data.get(CLAIMED)
    return told if isinstance(told, Mapping) else None
