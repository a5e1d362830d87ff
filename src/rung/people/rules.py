"""Pure rules of identity: which keys a text stands for, and what a person's facts say in columns."""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rung.terms.addresses import key_email
from rung.terms.companies import company_key, is_domain
from rung.terms.values import LONGEST_TEXT, BadValue, as_trait

DESCRIBING: Final = frozenset({"person_identified", "person_described"})
"""Kinds whose data are traits of the person."""
NAMING: Final = DESCRIBING | {"form_submitted", "demo_requested", "quote_requested", "question_asked", "trial_started"}
"""Kinds whose `email` and `phone` identify the person."""

COLUMN_LENGTH: Final = {"email": 320, "phone": 40, "country": 100}
WORD_LENGTH: Final = 100
LONGEST_KEY: Final = 320
LONGEST_COMPANY: Final = 250

_ROLES: Final = frozenset(
    """
    abuse accounting accounts admin administrator billing booking bookings bounce careers contact customerservice
    donotreply do-not-reply enquiries enquiry finance feedback hello help helpdesk hi hostmaster hr info inquiries
    invoice invoices it jobs kontakt legal mail mailer-daemon marketing media news newsletter no-reply noc noreply
    office orders post postmaster press privacy purchasing reception recruiting root sales secretary security service
    support team techsupport webmaster
    """.split()
)
_E164: Final = re.compile(r"\+[1-9]\d{6,14}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Keys:
    """What an event says about who it is of; empty where it says nothing."""

    user_id: str = ""
    anonymous_id: str = ""
    email: str = ""
    phone: str = ""

    def strong(self) -> Iterator[tuple[str, str]]:
        """The keys that name a known person, strongest first."""
        for kind, value in (("user_id", self.user_id), ("email", self.email), ("phone", self.phone)):
            if value:
                yield kind, value

    def __bool__(self) -> bool:
        return bool(self.user_id or self.anonymous_id or self.email or self.phone)


def keys_of(text: str) -> Keys:
    """The keys of a person's key as `rung decide` reads it: an e-mail address where it is one, else our own id."""
    email = normal_email(text)
    return Keys(email=email) if email and not is_role_address(email) else Keys(user_id=text[:LONGEST_KEY])


@functools.lru_cache(maxsize=200_000)
def normal_email(text: str) -> str | None:
    """The address in lower case, or None when the text is no address. Nothing is looked up."""
    text = text.strip()
    if "@" not in text or len(text) > LONGEST_KEY:
        return None
    if key_email(text):
        return text.lower()
    if text.isascii():
        return None
    from email_validator import EmailNotValidError, validate_email  # slow to load, and only for addresses beyond ASCII

    try:
        return str(validate_email(text, check_deliverability=False).normalized).lower()
    except EmailNotValidError:
        return None


@functools.lru_cache(maxsize=50_000)
def normal_phone(text: str, country: str = "") -> str | None:
    """The number as E.164, or None. A number without +49 and the like needs the country's two letters."""
    text = text.strip()
    if _E164.match(text):
        return text
    if not text or len(text) > 40 or (not text.startswith("+") and len(country) != 2):
        return None
    import phonenumbers  # 48 MB, and only for numbers written in another way

    try:
        number = phonenumbers.parse(text, country.upper() or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@functools.lru_cache(maxsize=50_000)
def is_role_address(email: str) -> bool:
    """Whether the address belongs to an office, not to a person: it never identifies anybody."""
    return email.partition("@")[0].partition("+")[0] in _ROLES


def told_keys(keys: Keys, kind: str, data: Mapping[str, object]) -> Keys:
    """The keys, normalised, with those the event's data add."""
    email, phone = keys.email, keys.phone
    if kind in NAMING:
        email = email or _text(data, "email")
        phone = phone or _text(data, "phone")
    email = (normal_email(email) or "") if email else ""
    return Keys(
        user_id=keys.user_id.strip()[:LONGEST_KEY],
        anonymous_id=keys.anonymous_id.strip()[:LONGEST_KEY],
        email="" if is_role_address(email) else email,
        phone=(normal_phone(phone, _text(data, "country")) or "") if phone else "",
    )


def traits_told(kind: str, data: Mapping[str, object]) -> dict[str, Any]:
    """The traits a describing event tells, None for one it takes back. What is no trait (nested data) is left out."""
    if kind not in DESCRIBING and kind != "company_described":
        return {}
    told: dict[str, Any] = {}
    for name, value in data.items():
        if type(value) is str and len(value) <= LONGEST_TEXT and value.isascii():  # it came through the door before
            told[name] = value.strip()
            continue
        try:
            trait = as_trait(value, name)
        except BadValue:
            continue
        told[name] = list(trait) if isinstance(trait, tuple) else trait
    return told


def overlaid(traits: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The traits after an event: field by field the latest value, None forgets it."""
    merged = {**traits, **told}
    if None in merged.values():
        return {name: value for name, value in merged.items() if value is not None}
    return merged


def campaign_of(data: Mapping[str, object]) -> dict[str, str]:
    """Source and campaign as a visit tells them; the first told stays until a describing event says otherwise."""
    told = {"source": _text(data, "utm_source"), "campaign": _text(data, "utm_campaign")}
    return {name: text for name, text in told.items() if text}


def columns_of(traits: Mapping[str, Any]) -> dict[str, str]:
    """The texts of the person's typed columns. A full name is never overwritten by its parts."""
    full = _text(traits, "name") or " ".join(
        part
        for part in (
            _text(traits, "first_name") or _text(traits, "firstName"),
            _text(traits, "last_name") or _text(traits, "lastName"),
        )
        if part
    )
    texts = {
        "name": full,
        "email": _text(traits, "email"),
        "phone": _text(traits, "phone"),
        "title": _text(traits, "title"),
        "country": _text(traits, "country"),
    }
    return {name: text[: COLUMN_LENGTH.get(name, 250)] for name, text in texts.items()}


def trait_rows(traits: Mapping[str, Any]) -> Iterator[tuple[str, str | None, float | None, bool | None, bool]]:
    """(field, text, number, truth, is an item of a list) for filters; a list has a row per item."""
    for field, value in traits.items():
        if type(value) is str:
            yield field, value, None, None, False
            continue
        is_list = isinstance(value, list)
        if is_list and not value:
            yield field, None, None, None, True  # an empty list is known, and has no element
        for item in value if is_list else (value,):
            if isinstance(item, bool):
                yield field, None, None, item, is_list
            elif isinstance(item, str):
                yield field, item, None, None, is_list
            elif isinstance(item, (int, float)):
                yield field, None, float(item), None, is_list


def company_name(key: str, traits: Mapping[str, Any]) -> str:
    """What the company is called: its told name, else its key."""
    return (_text(traits, "name") or key)[:250]


def company_of(text: str) -> str | None:
    """The key of the company the text names. Raises BadValue for one too long to be a name."""
    key = company_key(text)
    if key is not None and len(key) > LONGEST_COMPANY:
        raise BadValue(f"company is {len(key)} characters long: {LONGEST_COMPANY} are allowed")
    return key


@functools.lru_cache(maxsize=50_000)
def company_told(text: str) -> str | None:
    """The key of the company that somebody wrote down, or that a column of a table names.

    A web site or a host stands for the domain its owner registered, by the public suffix list: www.eu.acme.co.uk is
    acme.co.uk. A suffix alone (co.uk, github.io) and a provider of free mailboxes are no company. Events that name a
    company themselves say its key, and are not read so. Raises BadValue for a name that is too long.
    """
    site = _SITE.match(text.strip())
    key = company_of(site.group(1) if site else text)
    if key is None or not is_domain(key):
        return key
    registered = _suffixes().privatesuffix(key)
    return company_of(registered) if registered else None


_SITE: Final = re.compile(r"https?://(?:[^/?#@]*@)?([^/?#:]+)", re.IGNORECASE)


@functools.cache
def _suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList  # a quarter of a second, and only where somebody writes a domain

    return PublicSuffixList()


def _text(data: Mapping[str, object], name: str) -> str:
    value = data.get(name)
    return value.strip() if isinstance(value, str) else ""
