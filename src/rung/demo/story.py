"""The clock of the demo: acts happen in order of time, and everything told is a line of the history."""

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import Any, NamedTuple

from rung.demo.firm import Days
from rung.demo.people import Firm, Human
from rung.terms.instants import DAY, MINUTE


class Told(NamedTuple):
    """One line of the history, before it is written out."""

    at: int
    person: str | None
    kind: str
    data: dict[str, object]
    company: str | None
    by: str | None


class Story:
    """Carries out planned acts until the last day ends, and keeps everybody's standing while it does."""

    def __init__(self, *, days: Days, rng: Random, until: int) -> None:
        self.days = days
        self.rng = rng
        self.until = until
        self.told: list[Told] = []
        self.on_handoff: Callable[[Human, int, bool], None] = lambda human, at, is_raised: None
        self.last_view: dict[int, int] = {}
        self._acts: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def plan(self, at: int, act: Callable[..., None], *args: Any) -> None:
        """`act(at, *args)` when its time comes; never, when that is after the end."""
        if at <= self.until:
            self._count += 1
            heappush(self._acts, (at, self._count, act, args))

    def run(self) -> None:
        acts = self._acts
        while acts:
            at, _, act, args = heappop(acts)
            act(at, *args)

    def tell(
        self,
        at: int,
        human: Human,
        kind: str,
        data: dict[str, object] | None = None,
        by: str | None = None,
        names_firm: bool = False,
    ) -> None:
        """One event of one person, now."""
        company = None
        if names_firm:
            company = human.firm.domain if human.firm else None
            human.has_joined = True
            human.refit()
        data = data or {}
        self.told.append(Told(at, human.key, kind, data, company, by))
        before = len(human.standing.opened)
        opened = human.standing.tell(at, kind, data, by)
        if kind == "page_viewed":
            self._viewed(at, human, str(data["path"]))
        if opened and len(human.standing.opened) > before:
            self.on_handoff(human, at, human.standing.opened[-1][1])

    def tell_soon(self, at: int, human: Human, kind: str, data: dict[str, object], by: str | None = None) -> None:
        """The same when its time comes."""
        self.plan(at, self._tell, human, kind, data, by)

    def describe(self, at: int, company: Firm, *, with_size: bool) -> None:
        """What is known of a company; its people's points change with it."""
        company.is_described, company.knows_size = True, with_size
        data: dict[str, object] = {
            "name": company.name,
            "industry": company.industry,
            "country": company.country.name,
            "city": company.city,
            "uses": company.tools,
            "owner": company.owner.email,
        }
        if company.is_competitor:
            data["is_competitor"] = True
        if with_size:
            data["employees"] = company.employees
        self.told.append(Told(at, None, "company_described", data, company.domain, None))
        for human in company.people:
            if human.has_joined:
                human.refit()
                if human.standing.look(at):
                    self.on_handoff(human, at, human.standing.opened[-1][1])

    def wake(self, at: int, human: Human) -> None:
        """Rest is over: what was held back may happen now."""
        if human.standing.look(at):
            self.on_handoff(human, at, human.standing.opened[-1][1])

    def active_colleagues(self, human: Human, at: int) -> int:
        """How many colleagues read our pages in the 30 days before."""
        if human.firm is None:
            return 0
        views = (self.last_view.get(other.number, 0) for other in human.firm.people if other is not human)
        return sum(at - 30 * DAY <= view <= at for view in views)

    def room_for(self, human: Human, at: int, moves: int = 1) -> int:
        """The instant, or the next working morning if the person has already moved enough on that day."""
        for _ in range(5):
            made = max(
                human.standing.moves_on(self.days.index, at), human.standing.moves_on(lambda then: then // DAY, at)
            )
            if made + moves <= 4:
                return at
            at = self.days.later(at + DAY - at % DAY, self.rng.randrange(10, 180) * MINUTE)
        return at

    def _tell(self, at: int, human: Human, kind: str, data: dict[str, object], by: str | None) -> None:
        self.tell(at, human, kind, data, by)

    def _viewed(self, at: int, human: Human, path: str) -> None:
        self.last_view[human.number] = at
        human.pricing_views += path.startswith("/pricing")
        if human.firm is None or not human.has_joined:
            return
        for other in human.firm.people:
            if other.has_joined and other is not human and other.standing.colleague(at):
                self.on_handoff(other, at, other.standing.opened[-1][1])
