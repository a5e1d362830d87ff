"""What a form asks and what its answers mean. Pure: no database, no clock."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from rung.people.rules import Keys, company_of, normal_email, normal_phone
from rung.terms.kinds import ADMISSIONS, KINDS
from rung.terms.values import BadValue, clean_text

FIELD_KINDS: Final = ("text", "email", "tel", "number", "select", "textarea", "checkbox")
FORM_KINDS: Final = (
    "form_submitted",
    "demo_requested",
    "quote_requested",
    "question_asked",
    "content_downloaded",
    "newsletter_subscribed",
    "webinar_registered",
    "trial_started",
)
LETTERS: Final = ("budget", "authority", "need", "timing")
LONGEST: Final = 1_000
TRAP: Final = "website_address"
"""A field that people do not see; whoever fills it is no person."""
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\Z")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_GREETED: Final = re.compile(r"[^\W\d_](?:[^\W\d_]|['’-]){0,39}\Z")
_WHOLE: Final = re.compile(r"-?\d{1,15}\Z", re.ASCII)
_HIDDEN: Final = re.compile(r"utm_(source|medium|campaign|term|content)\Z")


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question. `means` says what its answer is beside a field of the form: see MEANINGS."""

    name: str
    label: str
    kind: Literal["text", "email", "tel", "number", "select", "textarea", "checkbox"] = "text"
    is_required: bool = False
    options: tuple[str, ...] = ()
    means: str = ""
    hint: str = ""


MEANINGS: Final = (
    "person",
    "company",
    *(f"company.{name}" for name in ("industry", "employees", "country")),
    *(f"bant.{letter}" for letter in LETTERS),
    *(f"admits.{name}" for name in ADMISSIONS),
    "competitor",
    "heard",
)
"""person: a trait · company: where they work · company.…: a fact of a company of which nobody knows it yet · bant.…: a
letter, as told by the person · admits.…: an admission · competitor: what they use · heard: how they heard about us."""


class Link(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    label: str
    address: str


class Thanks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What comes at once: what happens next and by when, what was promised, a second offer, where else we are."""

    next: str
    promised: Link | None = None
    offer: Link | None = None
    offer_says: str = ""
    social: tuple[Link, ...] = ()


class Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A form as it is kept. Its consent text has a version of its own, by what it says."""

    title: str
    intro: str = ""
    button: str = "Send"
    kind: str = "form_submitted"
    fields: tuple[Field, ...]
    consent: str = ""
    thanks: Thanks

    @property
    def consent_version(self) -> str:
        return hashlib.sha256(self.consent.encode()).hexdigest()[:12]


class BadForm(ValueError):
    """A definition that cannot be a form; the text says what to change."""


class NotFilled(ValueError):
    """Answers that cannot be taken: field → what is wrong, in the reader's words."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(faults.values()))
        self.faults = dict(faults)


@dataclass(frozen=True, slots=True)
class Told:
    """One event that the answers amount to. `is_theirs`: in the person's own words, so it only fills what is empty."""

    kind: str
    data: dict[str, Any]
    is_theirs: bool = True


@dataclass(frozen=True, slots=True)
class Filled:
    """What somebody answered, checked."""

    keys: Keys
    company: str | None
    first_name: str
    email: str
    events: tuple[Told, ...]
    company_facts: dict[str, Any] = field(default_factory=dict)


def definition_of(told: object) -> Definition:
    """The definition in plain data. Raises BadForm."""
    try:
        found = msgspec.convert(told, Definition)
    except msgspec.ValidationError as fault:
        raise BadForm(f"The form cannot be read: {fault}.") from None
    names = [each.name for each in found.fields]
    if found.kind not in FORM_KINDS:
        raise BadForm(f"{found.kind!r} is nothing a form can be: choose one of {', '.join(FORM_KINDS)}.")
    if not any(each.kind == "email" and each.is_required for each in found.fields):
        raise BadForm("A form must ask for an e-mail address, or nobody can be thanked.")
    for each in found.fields:
        _check(each, names)
    links = [found.thanks.promised, found.thanks.offer, *found.thanks.social]
    for link in links:
        if link is not None and not re.match(r"(https?://|/)[^\s]+\Z", link.address):
            raise BadForm(f"{link.address!r} is no address: it begins with https:// or with /.")
    return found


def _check(each: Field, names: list[str]) -> None:
    if not _NAME.match(each.name) or each.name == TRAP or _HIDDEN.match(each.name):
        raise BadForm(f"{each.name[:40]!r} cannot be a field's name: use a-z, 0-9 and _.")
    if names.count(each.name) > 1:
        raise BadForm(f"Two fields are called {each.name}.")
    if each.means and each.means not in MEANINGS:
        raise BadForm(f"{each.name} means {each.means[:40]!r}: choose one of {', '.join(MEANINGS)}.")
    if each.kind == "select" and not each.options:
        raise BadForm(f"{each.name} is a choice without anything to choose from.")


def filled(form: Definition, slug: str, answers: Mapping[str, Any], *, also: Mapping[str, str]) -> Filled:
    """The answers as events. `also`: what the page knew (campaign, cookie). Raises NotFilled with all faults."""
    values, faults = _values(form, answers)
    if faults:
        raise NotFilled(faults)
    by_kind = {each.kind: values[each.name] for each in form.fields if each.name in values}
    email = str(by_kind.get("email", ""))
    traits = {_trait(each): values[each.name] for each in form.fields if each.name in values and _is_trait(each)}
    about = {name: text for name in ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "referrer")
             if (text := also.get(name, ""))}  # fmt: skip
    answered = [each for each in form.fields if each.name in values]
    company = next((str(values[each.name]) for each in answered if each.means == "company"), "")
    events = [
        Told("person_identified", traits),
        Told(form.kind, {**_plain(form, values), **about, "form": form.title, "page": f"/f/{slug}"}),
    ]
    if form.kind != "form_submitted":
        events[1].data.setdefault("content", form.thanks.promised.label if form.thanks.promised else form.title)
    events += [told for each in answered for told in _volunteered(each, values[each.name], slug)]
    if form.consent and answers.get("consent") in (True, "yes", "on"):
        proof = {"purpose": "marketing", "text": form.consent, "version": form.consent_version, "form": slug}
        events.append(Told("consent_given", proof, is_theirs=False))
    facts = {
        each.means.removeprefix("company."): values[each.name]
        for each in form.fields
        if each.means.startswith("company.") and each.name in values
    }
    return Filled(
        keys=Keys(email=email, phone=str(by_kind.get("tel", "")), anonymous_id=also.get("anonymous_id", "")),
        company=company_of(company) if company else None,
        first_name=_first_name(form, values),
        email=email,
        events=tuple(events),
        company_facts=facts,
    )


def _values(form: Definition, answers: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for each in form.fields:
        try:
            value = _value(each, answers.get(each.name))
        except (BadValue, _Wrong) as fault:
            faults[each.name] = str(fault)
            continue
        if value is not None:
            values[each.name] = value
        elif each.is_required:
            faults[each.name] = f"{each.label} is missing."
    return values, faults


class _Wrong(ValueError):
    pass


def _value(each: Field, told: object) -> object:
    """The answer, or None where there is none."""
    if told is None or told == "":
        return None
    if each.kind == "checkbox":
        return True if told in (True, "yes", "on", "true") else None
    if not isinstance(told, (str, int)) or isinstance(told, bool):
        raise _Wrong(f"{each.label} is no text.")
    text = clean_text(str(told), each.label, LONGEST)
    if not text:
        return None
    if each.kind == "email" and normal_email(text) is None:
        raise _Wrong(f"{each.label}: {text[:60]} is no e-mail address.")
    if each.kind == "tel" and normal_phone(text) is None:
        raise _Wrong(f"{each.label}: write the number with its country, as in +49 30 1234567.")
    if each.kind == "select" and text not in each.options:
        raise _Wrong(f"{each.label}: choose one of the answers.")
    if each.kind == "number" or each.means == "company.employees":
        digits = text.replace(",", "").split(" ")[0].split("–")[0]
        if not _WHOLE.match(digits):
            raise _Wrong(f"{each.label}: write a number.")
        return int(digits)
    return text


def _is_trait(each: Field) -> bool:
    return each.means == "person" or each.kind in ("email", "tel") or each.name in _NAMES


_NAMES: Final = frozenset({"name", "first_name", "last_name", "title"})


def _trait(each: Field) -> str:
    return {"email": "email", "tel": "phone"}.get(each.kind, each.name)


def _plain(form: Definition, values: Mapping[str, Any]) -> dict[str, Any]:
    """All answers under the names of their fields; the address under its own, which tells who it is."""
    return {("email" if each.kind == "email" else "phone" if each.kind == "tel" else each.name): values[each.name]
            for each in form.fields if each.name in values}  # fmt: skip


def _volunteered(each: Field, value: object, slug: str) -> list[Told]:
    """What a person says of themselves without being asked by anybody, recorded as told."""
    told = {"value": value, "told": True, "form": slug}
    kind, _, what = each.means.partition(".")
    if kind == "bant":
        return [Told("bant_answered", {"letter": what, "confirmed": "yes", **told}, is_theirs=False)]
    if kind == "admits":
        return [Told("admission_given", {"admission": what, **told}, is_theirs=False)]
    if kind == "competitor":
        return [
            Told("competitor_named", {"competitor": value, "using": True, "told": True, "form": slug}, is_theirs=False)
        ]
    return []


def _first_name(form: Definition, values: Mapping[str, Any]) -> str:
    """As the thanks greet; nothing where it is no name: a form must not carry a stranger's advertisement to others."""
    told = str(values.get("first_name") or values.get("name") or "").split(" ")[0]
    return told if _GREETED.match(told) else ""


def canonical(form: Definition) -> str:
    """The definition as text, to be kept and compared."""
    return json.dumps(msgspec.to_builtins(form), sort_keys=True, ensure_ascii=False)


def is_slug(text: str) -> bool:
    """Whether a form can have this address."""
    return bool(_SLUG.match(text))


assert set(FORM_KINDS) <= {code for code, kind in KINDS.items() if "publishable" in kind.doors}
