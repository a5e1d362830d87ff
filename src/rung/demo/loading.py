"""The demo company put into the database: its users and its history."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from rung.access.actions import add_user
from rung.access.models import User
from rung.demo import agreement, firm
from rung.demo.company import Demo, line_id
from rung.demo.names import COUNTRIES
from rung.demo.story import Told
from rung.handoff import clocks
from rung.handoff.models import Rep
from rung.lifecycle.deciding.memory import nothing_to_collect
from rung.lifecycle.generations import begin_with
from rung.lifecycle.many import bulk
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.people.rules import Keys, keys_of
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load as playbook_of
from rung.playbook.writing import signed_by, to_be_reviewed
from rung.terms.instants import moment

SOURCE: Final = "demo"
_EVENTS_AT_A_TIME: Final = 25_000
"""In a transaction: nobody else wants to write into an empty house."""
Say = Callable[[str], None]
Progress = Callable[[int, int], None]


class NotEmpty(Exception):
    """The database holds people already: the demo would mix invented people with real ones."""


def load(
    *,
    people: int = 5000,
    months: int = 18,
    seed: int = 7,
    now: int,
    say: Say = lambda words: None,
    progress: Progress | None = None,
    even_if_not_empty: bool = False,
) -> bulk.Loaded:
    """Makes the demo's users and records its history up to `now` (microseconds UTC). Raises NotEmpty."""
    if Person.objects.exists() and not even_if_not_empty:
        raise NotEmpty(
            "There are people in the database already, and the demo company wants an empty one: set RUNG_HOME."
        )
    with nothing_to_collect():
        return _loaded(people, months, seed, now, say, progress)


def _loaded(people: int, months: int, seed: int, now: int, say: Say, progress: Progress | None) -> bulk.Loaded:
    say(f"Inventing {firm.NAME}: {people:,} people, {months} months")
    demo = Demo(people=people, months=months, seed=seed, now=now)
    told = demo.told()
    hire(at=told[0].at)
    playbook = signed(at=told[0].at, now=now)
    begin_with(playbook, said=playbook.version, by=firm.REN.email, at=told[0].at)
    say(f"Recording {len(told):,} events and deciding where everybody stands")
    loaded = bulk.load(
        events(told, seed), by="system", at=now, progress=progress, total=len(told), at_a_time=_EVENTS_AT_A_TIME
    )
    clocks.deal_out(at=now)
    return loaded


def signed(*, at: int, now: int) -> Playbook:
    """The firm's playbook, signed by both sides at the instant and read again in half a year."""
    text = to_be_reviewed(agreement.text(), by=(moment(now) + timedelta(days=182)).date())
    for side, who in (("marketing", firm.MIA), ("sales", firm.KIM)):
        text = signed_by(text, side=side, who=who.name, on=moment(at).date())
    return playbook_of(text)


def hire(*, at: int) -> None:
    """Our own people become users, in the order in which the sign-in page shows their faces."""
    for colleague in firm.CAST:
        if not User.objects.filter(email=colleague.email).exists():
            add_user(
                email=colleague.email,
                name=colleague.name,
                role=colleague.role,
                team=colleague.team,
                by="system",
                at=at,
                is_demo=True,
            )
    _share_countries()


def _share_countries() -> None:
    """Each rep takes the countries of their territory; Priya, who has none of her own, takes what is left."""
    names = {country.code: country.name for country in COUNTRIES}
    for rep in User.objects.filter(email__in=[colleague.email for colleague in firm.CAST], role="sales"):
        mine = [names[code] for code, reps in firm.TERRITORY.items() if rep.email in {each.email for each in reps}]
        Rep.objects.get_or_create(user=rep, defaults={"countries": mine, "capacity": 25})


def events(told: list[Told], seed: int) -> Iterator[NewEvent]:
    """The history as the import door takes it."""
    for number, happened in enumerate(told, start=1):
        yield NewEvent(
            kind=happened.kind,
            keys=_keys(happened.person),
            data=happened.data,
            company=happened.company,
            at=happened.at,
            source=SOURCE,
            message_id=line_id(seed, number),
            by=happened.by,
            door="import",
        )


def _keys(person: str | None) -> Keys:
    if person is None:
        return Keys()
    return keys_of(person) if "@" in person else Keys(anonymous_id=person)
