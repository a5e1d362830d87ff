"""The history of the demo company, as lines that `rung decide` reads.

The same people, months, seed and local day of `now` give the same history, to the byte, up to `now`; only the hand-offs
that are open at `now` hang off its minute, so that two of them are always about to be late.
"""

from collections.abc import Iterator
from datetime import timedelta
from operator import attrgetter
from random import Random
from typing import Final

from rung.demo import firm, truth
from rung.demo.people import Census, Human
from rung.demo.selling import Selling
from rung.demo.staging import CAST, Part, Staging, actors
from rung.demo.story import Story, Told
from rung.demo.visits import Visits
from rung.terms.instants import DAY, HOUR, MINUTE, SECOND, format_instant

MONTH_DAYS: Final = 30.4375
PEOPLE_PER_COMPANY: Final = 5.55
ANONYMOUS: Final = 0.11
ROLES: Final = 0.012
DOUBLES: Final = 0.016
PRIVATE: Final = 0.05
"""Shares of all people: visitors without a name, role addresses, second records, private mailboxes."""


def history(people: int = 5000, months: int = 18, seed: int = 7, *, now: int) -> Iterator[dict[str, object]]:
    """Lines in order of time: person, at, kind, data, id, company, by. `now` in microseconds UTC; nothing is later."""
    for number, told in enumerate(Demo(people=people, months=months, seed=seed, now=now).told(), start=1):
        yield line(told, seed, number)


def line(told: Told, seed: int, number: int) -> dict[str, object]:
    """One line of the history as `rung decide` reads it."""
    found: dict[str, object] = {} if told.person is None else {"person": told.person}
    found |= {"at": format_instant(told.at), "kind": told.kind, "data": told.data, "id": line_id(seed, number)}
    if told.company is not None:
        found["company"] = told.company
    if told.by is not None:
        found["by"] = told.by
    return found


def line_id(seed: int, number: int) -> str:
    """What names a line of the history for ever."""
    return f"demo-{seed}-{number:07d}"


class Demo:
    """One run of the firm's life, from the first day to `now`."""

    def __init__(self, *, people: int, months: int, seed: int, now: int) -> None:
        today = firm.local_date(now)
        self.now = now
        self.rng = Random(f"{seed} {people} {months} {today.isoformat()}")
        self.days = firm.Days(today - timedelta(days=round(months * MONTH_DAYS)), today + timedelta(days=1))
        end = self.days.midnights[-1] - SECOND
        self.story = Story(days=self.days, rng=self.rng, until=end)
        self.visits = Visits(self.story, webinars=firm.webinars(self.days), issues=firm.newsletters(self.days))
        self.selling = Selling(self.story, self.visits)
        self.selling.now = now
        self.truth: dict[str, object] = {"planted": truth.PLANTED}
        """What is planted, and after `told()` what came of it; fit for JSON."""
        self.scene: list[tuple[Part, Human, list[Human]]] = []
        self.humans = self._populate(people)

    def told(self) -> list[Told]:
        """Everything up to now, in order of time."""
        for human in self.humans:
            if human.soul != "staged":
                first = self._first_instant(human)
                if first > self.now:
                    first -= 2 * DAY
                self.story.plan(first, self.visits.arrive, human)
                self.selling.by_hand(first, human)
        self.story.run()
        still_open = sum(waits_at(human, self.now) for human in self.humans)
        Staging(self.story, self.visits, now=self.now).play(self.scene, still_open)
        self.story.run()
        for human in self.humans:
            human.standing.settle(self.now)
        found = sorted((told for told in self.story.told if told.at <= self.now), key=attrgetter("at"))
        self.truth = {"planted": truth.PLANTED, "realised": truth.realised(self, len(found))}
        return found

    def _populate(self, people: int) -> list[Human]:
        census = Census(self.rng, self.days, firm.campaigns(self.days))
        rng = self.rng
        self.scene = actors(census, min(len(CAST), people // 50))
        companies = [census.company() for _ in range(max(3, round(people / PEOPLE_PER_COMPANY)))]
        for rival in companies[:: max(1, len(companies) // 3)][:3]:
            rival.industry, rival.is_competitor = "Software", True
        self.selling.employers = companies
        weights = [rng.lognormvariate(0, 0.8) * (1 + min(company.employees, 3000) / 1500) for company in companies]
        staged = [human for _, lead, others in self.scene for human in (lead, *others)]
        named = people - len(staged) - sum(round(people * share) for share in (ANONYMOUS, ROLES, DOUBLES))
        homes = rng.choices(companies, weights, k=named)
        humans = [census.human(None if rng.random() < PRIVATE else home) for home in homes]
        humans += [census.role(rng.choice(companies)) for _ in range(round(people * ROLES))]
        humans += [census.double(rng.choice(humans[:named])) for _ in range(round(people * DOUBLES))]
        humans += staged
        humans += [census.anonymous() for _ in range(people - len(humans))]
        return humans

    def _first_instant(self, human: Human) -> int:
        midnight = self.days.midnights[human.first_day]
        if human.source == "purchased list":
            return midnight + 10 * HOUR + 12 * MINUTE
        if human.source == "trade fair":
            return min(midnight + 5 * DAY - human.first_day % 3 * DAY, self.story.until - DAY) + 11 * HOUR
        return midnight + firm.hour_of_day(self.rng, human.country.hours_from_berlin)


def waits_at(human: Human, at: int) -> bool:
    """Whether the person's hand-off is open at the instant."""
    moves = [move for move in human.standing.moves if move.at <= at]
    return bool(moves) and moves[-1].stage == "mql"
