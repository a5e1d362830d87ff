"""Facts that one of ours puts right by hand: of a person, of a company. An event each, as everything that is told."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import transaction

from rung.access.actions import By, Refused, audited, require
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.lifecycle.same_people import fit_for
from rung.people.models import Company, Person
from rung.people.rules import normal_phone
from rung.terms.values import BadValue, clean_text

FACTS: Final = ("name", "title", "email", "phone", "country")
FACTS_OF_A_COMPANY: Final = ("name", "industry", "employees", "country")
"""What anybody of ours can put right."""


def put_right(*, person: Person, told: Mapping[str, str], by: By, at: int) -> None:
    """Facts of a person as one of ours knows them: what differs is told anew, and what was emptied is forgotten.

    A former address or number keeps identifying them. Raises Refused for what is none, or is somebody else's.
    """
    require(by, "describe people")
    data: dict[str, Any] = _differing(told, FACTS, {name: getattr(person, name) for name in FACTS})
    if data.get("email"):
        fit_for(person, data["email"])
    if data.get("phone") and normal_phone(data["phone"]) is None:
        raise Refused("Write the number with its country, as in +49 30 1234567.")
    if not (told.get("email") or told.get("phone") or told.get("name")):
        raise Refused("Leave at least a name, an address or a number: by something they must be called.")
    _tell(NewEvent("person_described", person=person.pk, data=data), f"person {person.pk}", data, by, at)


def put_company_right(*, company: Company, told: Mapping[str, str], by: By, at: int) -> None:
    """Facts of a company as one of ours knows them, read like `put_right`; how many work there is a whole number."""
    require(by, "describe people")
    known = {name: company.traits.get(name, "") for name in FACTS_OF_A_COMPANY} | {"name": company.name}
    data: dict[str, Any] = _differing(told, FACTS_OF_A_COMPANY, known)
    if data.get("employees"):
        data["employees"] = how_many(data["employees"])
    _tell(NewEvent("company_described", company=company.key, data=data), f"company {company.pk}", data, by, at)


def how_many(text: str) -> int:
    """How many work somewhere, as one of ours wrote it. Raises Refused."""
    digits = text.replace(",", "").replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise Refused("Write how many work there as one number, as in 250.")
    return int(digits)


def as_text(value: object) -> str:
    """A fact as it stands in a field: nothing is empty, and a whole number has no decimals."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _differing(told: Mapping[str, str], names: Sequence[str], known: Mapping[str, Any]) -> dict[str, Any]:
    """The fields told of which we know something else; None where there is to be nothing any more."""
    found: dict[str, Any] = {}
    try:
        for name in names:
            if name not in told:
                continue
            text = clean_text(told[name].strip(), name, 250)
            if text != as_text(known.get(name)):
                found[name] = text or None
    except BadValue as fault:
        words = str(fault)
        raise Refused(f"{words[:1].upper()}{words[1:]}.") from None
    if not found:
        raise Refused("That is what we have already. Nothing was changed.")
    return found


def _tell(event: NewEvent, about: str, data: Mapping[str, Any], by: By, at: int) -> None:
    with transaction.atomic():
        recorded = actions.record([event], by=by, at=at)
        if recorded.refused:
            raise Refused(f"{recorded.refused[0].reason.capitalize()}.")
        audited(by=by, verb="put facts right", object=about, data={"fields": sorted(data)}, at=at)
