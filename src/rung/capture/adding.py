"""Somebody is written in by hand, or referred; who is there already is said at once and overwritten by nothing."""

from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models.functions import Lower

from rung.access.actions import By, Refused, audited, require
from rung.jobs import locks
from rung.lifecycle import actions, by_hand
from rung.lifecycle.rules import NewEvent
from rung.people import queries
from rung.people.models import Company, Identity, Person, Trait
from rung.people.rules import Keys, company_told, is_role_address, normal_email, normal_phone
from rung.terms.companies import is_domain
from rung.terms.values import BadValue, clean_text

_LONGEST: Final = {"name": 250, "email": 320, "phone": 60, "title": 250, "company": 250, "source": 100, "note": 1_000}


class CompanyHere(Refused):
    """A company with this domain or name is known; `company` is which."""

    def __init__(self, company: Company) -> None:
        super().__init__(f"{company.name} is already here.")
        self.company = company


class AlreadyHere(Refused):
    """Somebody with this address or number is known; `person` is who."""

    def __init__(self, person: Person) -> None:
        super().__init__(f"{person.called} is already here.")
        self.person = person


@dataclass(frozen=True, slots=True)
class Written:
    """What was written down of somebody; texts, empty where nothing was said."""

    name: str = ""
    email: str = ""
    phone: str = ""
    title: str = ""
    company: str = ""
    source: str = ""
    note: str = ""
    referred_by: str = ""


def already_here(*, email: str, phone: str) -> Person | None:
    """Whoever has this address or number."""
    for text in (normal_email(email), normal_phone(phone)):
        found = queries.person_named(text) if text else None
        if found is not None:
            return found
    return None


def add_person(*, written: Written, by: By, at: int) -> Person:
    """Puts somebody on the ladder by hand. Raises AlreadyHere, or Refused for what is no address."""
    require(by, "add people")
    told = _checked(written)
    with transaction.atomic():
        locks.hold()
        known = already_here(email=told.email, phone=told.phone)
        if known is not None:
            raise AlreadyHere(known)
        referrer = _referrer(told.referred_by)
        data: dict[str, Any] = {
            name: text
            for name in ("name", "email", "phone", "title", "source", "note")
            if (text := getattr(told, name))
        }
        if referrer is not None:
            data["referred_by"] = referrer.email or referrer.name
            data.setdefault("source", "referral")
        keys = Keys(email=told.email, phone=told.phone)
        written = company_told(told.company) if told.company else None
        company = queries.company_at_a_door(written, told.email)
        is_by_domain = written is not None and company not in (None, written)
        if is_by_domain and not queries.is_told_of(str(company), but_by=queries.IMPORTS):
            named = NewEvent("company_described", company=company, data={"name": written}, fills_only=True)
            actions.record([named], by=by, at=at)
        person_id = _record(NewEvent("person_described", keys=keys, data=data, company=company), by, at)
        if referrer is not None:
            said = {"referred": told.email or told.phone, "name": told.name}
            _record(NewEvent("referral_given", person=referrer.pk, data=said), by, at)
        audited(
            by=by, verb="added person", object=f"person {person_id}", data={"source": data.get("source", "")}, at=at
        )
    return Person.objects.get(pk=person_id)


@dataclass(frozen=True, slots=True)
class WrittenCompany:
    """What was written down of a company; texts, empty where nothing was said."""

    name: str = ""
    site: str = ""
    industry: str = ""
    employees: str = ""
    country: str = ""


def add_company(*, written: WrittenCompany, by: By, at: int) -> Company:
    """Puts a company among ours by hand, before anybody of it is known. Raises CompanyHere, or Refused in words."""
    require(by, "add people")
    try:
        told = {name: clean_text(getattr(written, name), name, 250) for name in WrittenCompany.__dataclass_fields__}
        key = company_told(told["site"] or told["name"])
    except BadValue as fault:
        raise Refused(_sentence(str(fault))) from None
    if not told["name"] and not told["site"]:
        raise Refused("Write its domain or its name: by it we know it again.")
    if key is None or (told["site"] and not is_domain(key)):
        raise Refused(f"{(told['site'] or told['name'])[:60]} is no domain of a firm: write one like acme.com.")
    data: dict[str, Any] = {name: text for name, text in told.items() if text and name != "site"}
    if told["employees"]:
        data["employees"] = by_hand.how_many(told["employees"])
    with transaction.atomic():
        locks.hold()
        known = queries.company_named(key)
        if known is not None:
            raise CompanyHere(known)
        recorded = actions.record([NewEvent("company_described", company=key, data=data)], by=by, at=at)
        if recorded.refused:
            raise Refused(_sentence(recorded.refused[0].reason))
        audited(by=by, verb="added company", object=f"company {key}", data={"fields": sorted(data)}, at=at)
    return Company.objects.get(key=key)


def refer(*, referrer: Person, email: str, name: str, by: By, at: int) -> Person:
    """Notes that somebody referred somebody, who is added where nobody knows them; what we know stays."""
    require(by, "add people")
    told = _checked(Written(name=name, email=email))
    with transaction.atomic():
        locks.hold()
        known = already_here(email=told.email, phone="")
        if known is None:
            return add_person(
                written=Written(name=told.name, email=told.email, referred_by=str(referrer.uuid)), by=by, at=at
            )
        if known.pk == referrer.pk:
            raise Refused("Nobody refers themselves.")
        _record(
            NewEvent("referral_given", person=referrer.pk, data={"referred": told.email, "name": told.name}), by, at
        )
        who = {"referred_by": referrer.email or referrer.name}
        if not queries.is_known_beside_imports(known):
            # Only an import knows them, and may be taken back: what it did not tell is told now.
            told_of = {"name": told.name, "email": told.email, "source": "referral"}
            data = {name: text for name, text in told_of.items() if text} | who
            company = queries.company_at_a_door(None, told.email)
            keys = Keys(email=told.email)
            _record(NewEvent("person_described", keys=keys, data=data, company=company, fills_only=True), by, at)
        elif not known.traits.get("referred_by"):
            _record(NewEvent("person_described", person=known.pk, data=who), by, at)
        audited(by=by, verb="noted referral", object=f"person {referrer.pk}", data={"referred": known.pk}, at=at)
    return known


@dataclass(frozen=True, slots=True)
class Referred:
    """Somebody who was referred; `person` None where they are gone, `seq` where only they themselves said who sent
    them."""

    said: str
    person: Person | None
    seq: int | None


def referrals_of(person: Person) -> tuple[Person | str, list[Referred]]:
    """(who referred them: the person, or as it was told; "" for nobody), whom they referred, the latest first: whoever
    a referral of theirs names, and whoever says at a form or by a program that they sent them."""
    told = str(person.traits.get("referred_by") or "")
    given = []
    for seq, data in _given(person):
        key = str(data.get("referred") or data.get("email") or "")
        given.append(Referred(str(data.get("name") or key), queries.person_named(key) if key else None, seq))
    known = {each.person.pk for each in given if each.person}
    given += [Referred(each.called, each, None) for each in _naming(person) if each.pk not in known]
    return (queries.person_named(told) or told) if told else "", given[:_MOST_REFERRED]


_MOST_REFERRED: Final = 20
_MOST_KEYS: Final = 50


def _given(person: Person) -> list[tuple[int, dict[str, Any]]]:
    rows = queries.events_of([person.pk]).filter(kind="referral_given").order_by("-seq")
    return list(rows.values_list("seq", "data")[:_MOST_REFERRED])


def _naming(person: Person) -> list[Person]:
    """Whoever says that this person sent them, by one of their addresses, numbers or ids."""
    ids = list(queries.with_merged([person.pk]))
    keys = Identity.objects.filter(person_id__in=ids).values_list("value", flat=True)[:_MOST_KEYS]
    theirs = {person.email, str(person.uuid), *keys} - {""}
    told = Trait.objects.filter(field="referred_by").annotate(lower=Lower("word"))  # people write addresses in any case
    rows = told.filter(lower__in=sorted(key[:100].lower() for key in theirs))
    people = Person.objects.filter(pk__in=rows.values("person"), is_merged=False).exclude(pk=person.pk)
    return list(people.order_by("-pk")[:_MOST_REFERRED])


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _checked(written: Written) -> Written:
    try:
        texts = {
            name: clean_text(getattr(written, name), name, _LONGEST.get(name, 320)) if getattr(written, name) else ""
            for name in Written.__dataclass_fields__
        }
        if texts["company"]:
            company_told(texts["company"])
    except BadValue as fault:
        raise Refused(_sentence(str(fault))) from None
    told = Written(**texts)
    if not told.email and not told.phone:
        raise Refused("Write an e-mail address or a phone number: by it we know them again.")
    if told.email and normal_email(told.email) is None:
        raise Refused(f"{told.email[:60]} is no e-mail address.")
    if told.phone and normal_phone(told.phone) is None:
        raise Refused("Write the number with its country, as in +49 30 1234567.")
    if told.email and is_role_address(told.email) and not told.phone:
        raise Refused(f"{told.email[:60]} is read by many and names nobody: write a person's own address.")
    return told


def _referrer(text: str) -> Person | None:
    if not text:
        return None
    found = queries.person_named(text)
    if found is None:
        raise Refused(f"Nobody is known as {text[:60]}: add who referred them first.")
    return found


def _record(event: NewEvent, by: By, at: int) -> int:
    recorded = actions.record([event], by=by, at=at)
    if recorded.refused:
        raise Refused(_sentence(recorded.refused[0].reason))
    return recorded.people[0]
