"""The built-in views of people: a name, a condition that is shown, and the sentence that says how many."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from rung.playbook.conditions import ConditionError, Scope, engagement_at_least, parse, source
from rung.playbook.definitions import Playbook
from rung.ui.words import count
from rung.web.filters import scope


@dataclass(frozen=True, slots=True)
class View:
    """`where` is the canonical text of its condition; `sentence` makes the page's title of the number."""

    code: str
    label: str
    where: str
    sentence: Callable[[int], str]
    nobody: str
    """What to say when nobody is in it: what would be here."""


def views(playbook: Playbook) -> tuple[View, ...]:
    """The views of this playbook, in its own words; one whose rungs it does not use is left out."""
    above = [code for code in playbook.rungs if code not in ("suspect", "lead")]
    worked = [code for code in above if code != "customer"]
    made = [_above(playbook, above), _hot(playbook), _waiting(playbook), _silent(worked)]
    if "customer" in playbook.rungs:
        made.append(_customers(playbook))
    return tuple(view for view in (_canonical(view, playbook) for view in made) if view)


def _above(playbook: Playbook, above: list[str]) -> View:
    lead = playbook.short_label("lead")
    return View(
        "above",
        f"Above {lead}",
        f"stage in [{_listed(above)}] and status == 'active'",
        lambda n: f"{_people(n, 'is', 'are')} above {lead}",
        f"Nobody has climbed above {lead} yet. The first who does shows up here.",
    )


def _hot(playbook: Playbook) -> View:
    hot = source(playbook.temperature.hot.condition if playbook.temperature.hot else engagement_at_least(50))
    if " or " in hot:
        hot = f"({hot})"
    return View(
        "hot",
        "Hot",
        f"{hot} and status == 'active' and stage != 'customer'",
        lambda n: f"{_people(n, 'is', 'are')} hot right now",
        f"Nobody is hot right now. People show up here when {hot.strip('()')}.",
    )


def _waiting(playbook: Playbook) -> View:
    return View(
        "waiting",
        "Waiting for an answer",
        f"stage == '{playbook.handoff.on}' and status == 'active' and not accepted and not rejected and not returned",
        lambda n: f"{_people(n, 'waits', 'wait')} for an answer from sales",
        "Nobody waits for an answer. A hand-off shows up here the moment it opens.",
    )


def _silent(worked: list[str]) -> View:
    return View(
        "silent",
        "No sign of life",
        f"stage in [{_listed(worked)}] and status == 'active' and idle >= days(30)",
        lambda n: f"{_people(n, 'has', 'have')} given no sign of life for 30 days",
        "Nobody whom sales works has been silent for 30 days.",
    )


def _customers(playbook: Playbook) -> View:
    return View(
        "customers",
        f"{playbook.short_label('customer')}s",
        "stage == 'customer'",
        lambda n: f"{_people(n, 'is a customer', 'are customers')}",
        "Nobody has bought yet.",
    )


def _canonical(view: View, playbook: Playbook) -> View | None:
    where = _canonical_text(view.where, scope(playbook))
    return View(view.code, view.label, where, view.sentence, view.nobody) if where else None


@lru_cache(maxsize=64)
def _canonical_text(where: str, asked: Scope) -> str:
    """The text as everybody writes it; empty where this playbook has no words for it."""
    try:
        return source(parse(where, asked))
    except ConditionError:
        return ""


def _people(number: int, one: str, many: str) -> str:
    if number == 0:
        return f"Nobody {one}"
    return f"{count(number)} {'person ' + one if number == 1 else 'people ' + many}"


def _listed(codes: list[str]) -> str:
    return ", ".join(f"'{code}'" for code in codes)
