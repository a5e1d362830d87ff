"""The port for enrichment plug-ins: somebody asks, the answer stands beside what we have, and fills what is empty.

A plug-in is an object with a `name` (shown on the page) and `ask(known)`, which gives facts or nothing. It is found by
its address ("package.module:object") in RUNG_ENRICHERS, or as an entry point of the group `rung.enrichers`. It runs in
a thread of the worker that nothing else waits for, outside any transaction, and may use the network; what it raises, or
that it takes too long, is told and costs nothing else.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Final, Protocol

from django.conf import settings
from django.db import transaction

from rung.access.actions import By, Refused, audited, name_of, require
from rung.capture.models import Enrichment
from rung.jobs import clock
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people import queries
from rung.people.models import Person
from rung.people.rules import normal_email
from rung.terms.companies import FREE_MAILBOXES
from rung.terms.values import BadValue, normalised

PATIENCE: Final = 10.0
"""Seconds a plug-in has; what it says later is not listened to."""
MOST_BUSY: Final = 3
"""So many questions of one plug-in may hang at once; further ones are not put to it."""
_MOST_FACTS: Final = 30
_LONGEST: Final = 1_000
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Known:
    """What a plug-in is told of somebody."""

    name: str
    email: str
    company: str
    title: str


class Enricher(Protocol):
    """A plug-in. `ask` answers facts by field: `title`, or `company.website` for a fact of the company."""

    name: str

    def ask(self, known: Known) -> Mapping[str, str | int | float | bool]: ...


class CompanyWebsite:
    """The example, without any network: the site of the company behind an address."""

    name = "Company website from the e-mail address"

    def ask(self, known: Known) -> Mapping[str, str | int | float | bool]:
        domain = (normal_email(known.email) or "").rpartition("@")[2]
        if not domain or domain in FREE_MAILBOXES:
            return {}
        return {"company.website": f"https://{domain}"}


company_website: Final = CompanyWebsite()


@cache
def enrichers() -> dict[str, Enricher]:
    """Code → plug-in, of all that are installed."""
    told: dict[str, Callable[[], Enricher]] = {
        address: partial(_loaded, address) for address in settings.RUNG_ENRICHERS
    }
    told |= {entry.name: entry.load for entry in entry_points(group="rung.enrichers")}
    found: dict[str, Enricher] = {}
    for code, load in told.items():
        try:
            found[code] = load()
        except Exception:  # noqa: BLE001 - a stranger's code
            # A person's page must not fall because of it; whoever installed it reads why.
            _log.exception("The plug-in %s cannot be loaded", code)
    return found


def _loaded(address: str) -> Enricher:
    module, _, name = address.partition(":")
    enricher: Enricher = getattr(import_module(module), name)
    return enricher


def ask(*, person: Person, plugin: str, by: By, at: int) -> Enrichment:
    """Asks a plug-in about somebody; the worker brings the answer. The row is the question, until it is answered."""
    require(by, "describe people")
    if plugin not in enrichers():
        raise Refused("There is no such plug-in.")
    with transaction.atomic():
        asked = Enrichment.objects.create(person=person, plugin=plugin, asked_at=at, asked_by=name_of(by))
        audited(by=by, verb="asked plug-in", object=f"person {person.pk}", data={"plugin": plugin[:100]}, at=at)
    return asked


def turn(at: int) -> int:
    """The worker's steady turn: puts the oldest open question to its plug-in, and keeps the answer, or what went wrong.

    Returns how many questions there were. Of two workers that ask the same the first one's answer stays.
    """
    asked = Enrichment.objects.filter(answered_at=None).select_related("person").order_by("pk").first()
    if asked is None:
        return 0
    person = queries.person_named(str(asked.person.uuid)) or asked.person
    company = person.company
    facts, fault = _answer(asked.plugin, Known(person.name, person.email, company.key if company else "", person.title))
    open_ = Enrichment.objects.filter(pk=asked.pk, answered_at=None)
    open_.update(facts=facts, fault=fault, answered_at=max(at, clock.now()))
    return 1


_busy: Final[dict[str, list[threading.Thread]]] = {}
"""Plug-in → the threads in which it still works on what nobody waits for any more."""


def _answer(code: str, known: Known) -> tuple[dict[str, str | int | float | bool], str]:
    """What the plug-in says within its time: facts, and what went wrong."""
    plugin = enrichers().get(code)
    if plugin is None:
        return {}, "This plug-in is no longer installed."
    busy = _busy[code] = [each for each in _busy.get(code, ()) if each.is_alive()]
    if len(busy) >= MOST_BUSY:
        return {}, "It still works on earlier questions: ask again later."
    answers: list[tuple[dict[str, str | int | float | bool], str]] = []
    thread = threading.Thread(target=lambda: answers.append(_heard(code, plugin, known)), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if answers:
        return answers[0]
    busy.append(thread)
    return {}, f"It did not answer within {PATIENCE:.0f} seconds."


def _heard(code: str, plugin: Enricher, known: Known) -> tuple[dict[str, str | int | float | bool], str]:
    try:
        return _kept(plugin.ask(known)), ""
    except Exception as fault:  # noqa: BLE001 - a stranger's code
        # Whatever it raises is its own affair, and told to whoever asked.
        _log.exception("The plug-in %s failed", code)
        return {}, f"It failed: {type(fault).__name__}."


def take_over(*, enrichment_id: int, field: str, by: By, at: int) -> Enrichment:
    """Fills one empty field with what a plug-in found; what somebody wrote is never overwritten."""
    require(by, "describe people")
    with transaction.atomic():
        asked = Enrichment.objects.select_for_update().filter(pk=enrichment_id).first()
        if asked is None or field not in asked.facts:
            raise Refused("There is nothing of that name to take over.")
        person = queries.person_named(str(asked.person.uuid))
        if person is None:
            raise Refused("Nobody is there any more.")
        if ours(person, field) not in (None, ""):
            raise Refused("We know that already: what is there is not overwritten.")
        event = _event(person, field, asked.facts[field], asked)
        recorded = actions.record([event], by=by, at=at)
        if recorded.refused:
            raise Refused(f"{recorded.refused[0].reason.capitalize()}.")
        audited(by=by, verb="took fact over", object=f"person {person.pk}", data={"field": field}, at=at)
    return asked


def ours(person: Person, field: str) -> Any:
    """What we have in the field; None where we have nothing."""
    if field.startswith("company."):
        return person.company.traits.get(field.removeprefix("company.")) if person.company else None
    return (
        getattr(person, field) if field in ("name", "email", "phone", "title", "country") else person.traits.get(field)
    )


def _event(person: Person, field: str, value: Any, asked: Enrichment) -> NewEvent:
    source = f"enrichment:{asked.plugin}"[:100]
    message_id = f"{asked.pk}:{field}"
    if not field.startswith("company."):
        return NewEvent("person_described", person=person.pk, data={field: value}, source=source, message_id=message_id)
    if person.company is None:
        raise Refused("We do not know where they work.")
    data = {field.removeprefix("company."): value}
    return NewEvent("company_described", company=person.company.key, data=data, source=source, message_id=message_id)


def _kept(told: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """The facts that a field can hold; a plug-in may not say who somebody is, whose they are or where they work."""
    kept: dict[str, str | int | float | bool] = {}
    for field, value in list(told.items())[:_MOST_FACTS]:
        if not isinstance(field, str) or field in _NOT_THEIRS or not isinstance(value, (str, int, float, bool)):
            continue
        with suppress(BadValue):  # what no door lets in, from NaN to broken characters, is not kept either
            normalised({field: value})
            kept[field[:100]] = value[:_LONGEST] if isinstance(value, str) else value
    return kept


_NOT_THEIRS: Final = frozenset({"email", "phone", "owner", "source", "campaign"})
