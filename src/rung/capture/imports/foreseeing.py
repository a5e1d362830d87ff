"""What an import would do, without writing anything: who is new, who is known, who changes, what is refused."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Final

from rung import tables
from rung.capture.imports.staging import Counted
from rung.lifecycle.rules import OF_A_COMPANY, NewEvent, NotRecorded, Ready, ready
from rung.people.queries import companies_of_keys, living_ids, people_by_id
from rung.people.rules import DESCRIBING, traits_told
from rung.terms.values import BadValue

_AT_A_TIME: Final = 2_000


@dataclass(slots=True)
class Foreseen:
    """Counts of rows, events, people and companies. A person who comes twice in the file is counted once."""

    rows: int = 0
    events: int = 0
    new: int = 0
    matched: int = 0
    changed: int = 0
    new_companies: int = 0
    matched_companies: int = 0
    refused: int = 0
    cells_left_out: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    """How many events of each kind, but for what describes people and companies."""
    stages: dict[str, int] = field(default_factory=dict)
    deals: dict[str, int] = field(default_factory=dict)
    """Of the stages of another program, as `staging.Counted` counts them."""
    reasons: list[tuple[int, str]] = field(default_factory=list)
    """Line and reason of the first ones."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def foresee(
    events: Iterable[NewEvent],
    refuse: Callable[[int, str], None],
    passed_by: Callable[[int], None] = lambda _: None,
    counted: Counted | None = None,
) -> Foreseen:
    """Counts what recording the events would do; `refuse` gets the place and the reason of each that would not pass,
    `passed_by` how many have been looked at, `counted` the stages of another program."""
    found, seen, companies = Foreseen(), set[int](), set[str]()
    source, offset = iter(events), 0
    while chunk := list(islice(source, _AT_A_TIME)):
        passed: list[Ready] = []
        for index, event in enumerate(chunk, offset):
            try:
                passed.append(ready(event, index=index, by="", new_id=str))
            except (NotRecorded, BadValue) as refusal:
                refuse(index, str(refusal))
        offset += len(chunk)
        passed_by(offset)
        found.events += len(passed)
        for kind in (item.kind for item in passed if item.kind not in {*DESCRIBING, OF_A_COMPANY}):
            found.kinds[kind] = found.kinds.get(kind, 0) + 1
        for item in passed if counted is not None else ():
            counted.look(item.kind, item.data, item.keys)
        _people(passed, seen, found)
        _companies(passed, companies, found)
    if counted is not None:
        found.stages, found.deals = dict(counted.stages), dict(counted.deals)
    return found


def _people(passed: list[Ready], seen: set[int], found: Foreseen) -> None:
    wanted: dict[str, set[str]] = {}
    for item in passed:
        for kind, value in item.keys.strong():
            wanted.setdefault(kind, set()).add(value)
    owners: dict[tuple[str, str], int] = {}
    for kind, values in wanted.items():
        for value, person_id in tables.read(_OF_KEYS, sorted(values), kind):
            owners[kind, value] = person_id
    ends = living_ids(set(owners.values()))
    people = people_by_id(set(ends.values()))
    for item in passed:
        keys = list(item.keys.strong())
        if not keys:
            continue
        # A number tells who it is only where it is all that is said: colleagues have one switchboard.
        named = [key for key in keys if key[0] != "phone"] or keys
        known = next((people[ends[owners[key]]] for key in named if key in owners), None)
        marks = {hash(key) for key in keys} if known is None else {hash(("id", known.pk))}
        is_first = not ({hash(key) for key in named} if known is None else marks) & seen
        seen |= marks
        if known is None:
            found.new += is_first
            continue
        found.matched += is_first
        if hash(("changed", known.pk)) not in seen and _changes(item, known.traits):
            seen.add(hash(("changed", known.pk)))
            found.changed += 1


def _changes(item: Ready, traits: Mapping[str, Any]) -> bool:
    told = traits_told(item.kind, item.data) if item.kind in DESCRIBING else {}
    if not item.is_trusted:
        return any(traits.get(name) in (None, "") for name, value in told.items() if value is not None)
    return any(traits.get(name) != value for name, value in told.items())


def _companies(passed: list[Ready], seen: set[str], found: Foreseen) -> None:
    named = {item.company for item in passed if item.company and item.kind == OF_A_COMPANY} - seen
    known = companies_of_keys(sorted(named))
    found.matched_companies += len(known)
    found.new_companies += len(named) - len(known)
    seen |= named


_OF_KEYS: Final = "SELECT value, person_id FROM people_identity WHERE value IN ({ids}) AND kind = %s"
