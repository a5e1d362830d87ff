"""Whom news reach: the person themselves, and colleagues by the company they belong to at that moment."""

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from typing import Final

from rung.engine.deciding import Row
from rung.history.models import Event
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.deciding.rounds import Round
from rung.lifecycle.deciding.rows import as_event, colleagues_of, ever_there
from rung.lifecycle.rules import CORRECTIONS, OF_A_COMPANY, OF_NOBODY, Happened
from rung.people import actions as people
from rung.people.models import Alias, Company, Person
from rung.people.queries import companies_by_id, living_ids, people_by_id

MOST_COLLEAGUES: Final = 500


class Reach:
    """Fills a round with the rows that just recorded events are, and brings persons and companies up to date."""

    def __init__(self, line: Line, known: Mapping[int, Person], round_: Round, *, at: int) -> None:
        self.line = line
        self.at = at
        self.round = round_
        self._people = dict(known)
        self._present = {person.id: person.company_id for person in known.values()}
        self._latest = {person.id: person.last_event_at for person in known.values()}
        self._companies: dict[int, Company] = {}
        self._colleagues: dict[int, list[tuple[int, int, int]]] = {}
        self._corrected: set[int] = set()
        self._late: set[int] = set()
        self._alone: set[int] = set()
        """Whose past changed in what no colleague's points come from."""
        self._late_companies: set[int] = set()

    def correct(self, people: Set[int], own: Mapping[int, Set[str]], companies: Set[int]) -> None:
        """Whoever a correction touches is decided from nothing; of `own` only events of these kinds were struck."""
        shared = {id_ for id_, kinds in own.items() if kinds & self.line.shared_kinds}
        self._corrected |= people | own.keys()
        self._late |= people | shared
        self._alone |= own.keys() - shared
        self._late_companies |= companies

    def add(self, happened: Sequence[Happened], company_keys: Mapping[int, str]) -> None:
        """The rows of these events, in the order they were recorded."""
        self._companies = companies_by_id(company_keys)
        self._colleagues = self._concerned(happened)
        told: list[tuple[Person, people.Absorbed]] = []
        described: list[tuple[int, Mapping[str, object]]] = []
        for event in happened:
            if event.kind in CORRECTIONS or (event.kind in OF_NOBODY and event.kind != OF_A_COMPANY):
                continue
            if event.kind == OF_A_COMPANY:
                assert event.company_id is not None
                if self._describe(event, company_keys):
                    described.append((event.company_id, event.data))
                continue
            assert event.person_id is not None
            person = self._people[event.person_id]
            if event.at < self._latest[person.id] or self._is_shared_past(event, person):
                self._late.add(person.id)
            self._latest[person.id] = max(event.at, self._latest[person.id])
            self._own(event, person, company_keys)
            absorbed = people.Absorbed(event.seq, event.kind, event.at, event.data, event.by, event.company_id)
            told.append((person, absorbed))
        self._settle(told, described)

    def _concerned(self, happened: Sequence[Happened]) -> dict[int, list[tuple[int, int, int]]]:
        """The colleagues at every company whose people these events may reach or bring together, in one query."""
        companies = {event.company_id for event in happened if event.company_id is not None}
        for event in happened:
            if event.person_id is not None and (event.company_id is not None or event.kind in self.line.shared_kinds):
                companies.add(self._present[event.person_id])
        companies.discard(None)
        return colleagues_of(companies)

    def _is_shared_past(self, event: Happened, person: Person) -> bool:
        """Whether it says something about the past of a company: who belonged to it, or what colleagues did there.

        The lists of who belongs where are those of now, so such a past is worked out from the history.
        """
        if event.at >= self.at:
            return False
        acts = event.kind in self.line.shared_kinds and self._present[person.id] is not None
        return event.company_id is not None or acts

    def _own(self, event: Happened, person: Person, company_keys: Mapping[int, str]) -> None:
        joins = None
        if event.company_id is not None and event.company_id != self._present[person.id]:
            self._move(person.id, event)
            joins = self._companies[event.company_id].traits
        self._row(person.id, Row(as_event(event, person.id, company_keys), "own", joins))
        company_id = self._present[person.id]
        if event.kind in self.line.shared_kinds and company_id is not None:
            row = Row(as_event(event, person.id, company_keys), "company")
            there = [person_id for _, _, person_id in self._colleagues[company_id] if person_id != person.id]
            for person_id in there[:MOST_COLLEAGUES]:
                self._row(person_id, row)

    def _describe(self, event: Happened, company_keys: Mapping[int, str]) -> bool:
        """Everybody of the company learns it; False when it is late and all of them are decided from nothing."""
        assert event.company_id is not None
        if Event.objects.filter(company_id=event.company_id, at__gt=event.at).exists():
            self._late_companies.add(event.company_id)
            self._late |= set(living_ids(ever_there([event.company_id])).values())
            return False
        company = self._companies[event.company_id]
        company.traits = {**company.traits, **event.data}
        for _, _, person_id in self._colleagues[event.company_id]:
            self._row(person_id, Row(as_event(event, None, company_keys), "company"))
        return True

    def _row(self, person_id: int, row: Row) -> None:
        self.round.rows.setdefault(person_id, []).append(row)

    def _move(self, person_id: int, event: Happened) -> None:
        before, after = self._present[person_id], event.company_id
        assert after is not None
        self._present[person_id] = after
        if before is not None:
            self._colleagues[before] = [entry for entry in self._colleagues[before] if entry[2] != person_id]
        self._colleagues[after] = [entry for entry in self._colleagues[after] if entry[2] != person_id]
        self._colleagues[after].append((event.at, event.seq, person_id))
        self._colleagues[after].sort()

    def _settle(
        self,
        told: Sequence[tuple[Person, people.Absorbed]],
        described: Sequence[tuple[int, Mapping[str, object]]],
    ) -> None:
        """Writes what persons and companies have become, and says who is decided and how."""
        people.absorb_companies([(id_, data) for id_, data in described if id_ not in self._late_companies])
        people.describe_companies_again(self._late_companies)
        again = self._late | self._alone
        people.absorb([(person, event) for person, event in told if person.id not in again])
        late = (self._with_colleagues(self._late) if self._late else set()) | self._alone
        reached = set(self.round.rows) | late
        self._people.update(people_by_id(reached - set(self._people)))
        fresh = people_by_id(again)
        people.describe_again(fresh.values())
        self._people.update(fresh)
        gone = set(people.forget_whoever_has_no_event(self._corrected))
        # A visitor who turned out to be somebody we know later in this batch lives on as them.
        gone |= {old for old, living in living_ids(reached).items() if old != living}
        self.round.people = {id_: self._people[id_] for id_ in reached if id_ in self._people and id_ not in gone}
        self.round.anew |= late - gone

    def _with_colleagues(self, person_ids: Collection[int]) -> set[int]:
        """Where a colleague's events count, a corrected past is a corrected past of all colleagues."""
        found = set(person_ids)
        if not self.line.shared_kinds:
            return found
        # Struck events too: what no longer counts may be what brought them together.
        companies: set[int] = set()
        for part in _parts(_all_ids(person_ids)):
            named = Event.objects.filter(person_id__in=part, company_id__isnull=False).order_by()
            companies.update(named.values_list("company_id", flat=True).distinct())
        return found | set(living_ids(sorted(ever_there(companies))).values())


def _all_ids(person_ids: Collection[int]) -> set[int]:
    merged: set[int] = set()
    for part in _parts(person_ids):
        merged.update(Alias.objects.filter(living_id__in=part).values_list("old_id", flat=True))
    return merged | set(person_ids)


def _parts(values: Collection[int]) -> Iterator[list[int]]:
    ordered = sorted(values)
    for start in range(0, len(ordered), 400):
        yield ordered[start : start + 400]
