"""What somebody answered, checked, as events. Pure: no database, no clock."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rung.capture.forms.definitions import LONGEST, Definition, Field
from rung.people.rules import LONGEST_COMPANY, Keys, company_told, normal_email, normal_phone
from rung.terms.values import BadValue, clean_text

_GREETED: Final = re.compile(r"[^\W\d_](?:[^\W\d_]|['’-]){0,39}\Z")
_WHOLE: Final = re.compile(r"-?\d{1,15}\Z", re.ASCII)


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
class Agreed:
    """A consent that was given: what to, in which words, and whether it waits for the mailbox."""

    purpose: str
    text: str
    version: str
    waits: bool

    def told(self, slug: str, **more: str) -> Told:
        """The event. Only consent to be written to is `consent_given`: the others must not count as it."""
        proof = {"purpose": self.purpose, "text": self.text, "version": self.version, "form": slug, **more}
        if self.purpose == "marketing":
            return Told("consent_given", proof, is_theirs=False)
        return Told("custom", {"event": "Agreed", **proof}, is_theirs=False)


@dataclass(frozen=True, slots=True)
class Filled:
    """What somebody answered, checked. `consents` are the proofs; one that must be confirmed is no event yet."""

    keys: Keys
    company: str | None
    first_name: str
    email: str
    events: tuple[Told, ...]
    company_facts: dict[str, Any] = field(default_factory=dict)
    consents: tuple["Agreed", ...] = ()

    @property
    def must_confirm(self) -> bool:
        return any(each.waits for each in self.consents)


def filled(
    form: Definition,
    slug: str,
    answers: Mapping[str, Any],
    *,
    also: Mapping[str, str],
    asked: Collection[str] | None = None,
) -> Filled:
    """The answers as events. Raises NotFilled with all faults.

    `also`: what the page knew (campaign, cookie). `asked`: the questions that stood on the page; left out, those that
    everybody is asked. What was not asked is not missing.
    """
    values, faults = _values(form, answers, asked)
    if faults:
        raise NotFilled(faults)
    answered = [each for each in form.fields if each.name in values]
    by_kind = {each.kind: values[each.name] for each in answered}
    email = str(by_kind.get("email", ""))
    company = next((str(values[each.name]) for each in answered if each.means == "company"), "")
    consents = tuple(
        Agreed(each.purpose, each.text, each.version, form.waits(each))
        for each in form.consents
        if _is_agreed(answers.get(each.name))
    )
    events = [*_events(form, slug, values, also), *(each.told(slug) for each in consents if not each.waits)]
    facts = {
        each.means.removeprefix("company."): values[each.name] for each in answered if each.means.startswith("company.")
    }
    return Filled(
        keys=Keys(email=email, phone=str(by_kind.get("tel", "")), anonymous_id=also.get("anonymous_id", "")),
        company=company_told(company) if company else None,
        first_name=_first_name(form, values),
        email=email,
        events=tuple(events),
        company_facts=facts,
        consents=consents,
    )


def _events(form: Definition, slug: str, values: Mapping[str, Any], also: Mapping[str, str]) -> list[Told]:
    """Who they are, what they did by filling it, and what they volunteered."""
    answered = [each for each in form.fields if each.name in values]
    about = {name: text for name in ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "referrer")
             if (text := also.get(name, ""))}  # fmt: skip
    done = Told(form.kind, {**_plain(form, values), **about, "form": form.title, "page": f"/f/{slug}"})
    if form.kind != "form_submitted":
        done.data.setdefault("content", form.thanks.promised.label if form.thanks.promised else form.title)
    identified = Told("person_identified", {_trait(each): values[each.name] for each in answered if _is_trait(each)})
    volunteered = (told for each in answered for told in _volunteered(each, values[each.name], slug))
    return [identified, done, *volunteered]


def _is_agreed(told: object) -> bool:
    return told in (True, "yes", "on")


def _values(
    form: Definition, answers: Mapping[str, Any], asked: Collection[str] | None
) -> tuple[dict[str, Any], dict[str, str]]:
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
        elif each.is_required and (not each.is_progressive if asked is None else each.name in asked):
            faults[each.name] = f"{each.label} is missing."
    for consent in form.consents:
        if consent.is_required and not _is_agreed(answers.get(consent.name)):
            faults[consent.name] = "Without this the form cannot be sent."
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
    text = clean_text(str(told), each.label, LONGEST if each.means != "company" else LONGEST_COMPANY)
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
    return each.means in ("person", "heard") or each.kind in ("email", "tel") or each.name in _NAMES


_NAMES: Final = frozenset({"name", "first_name", "last_name", "title"})


def _trait(each: Field) -> str:
    if each.means == "heard":
        return "heard"  # beside the tracked source, whatever a form calls its question
    return {"email": "email", "tel": "phone"}.get(each.kind, each.name)


def _plain(form: Definition, values: Mapping[str, Any]) -> dict[str, Any]:
    """All answers under the names of their fields; what tells who it is, or what they heard, under its own."""
    return {_trait(each): values[each.name] for each in form.fields if each.name in values}


def _volunteered(each: Field, value: object, slug: str) -> list[Told]:
    """What a person says of themselves without being asked by anybody, recorded as told."""
    told = {"value": value, "told": True, "form": slug}
    says_no = value in each.means_no
    kind, _, what = each.means.partition(".")
    if kind == "bant":
        answer = {"letter": what, "confirmed": "no" if says_no else "yes", **told}
        return [Told("bant_answered", answer, is_theirs=False)]
    if says_no:
        return []
    if kind == "admits":
        return [Told("admission_given", {"admission": what, **told}, is_theirs=False)]
    if kind == "competitor":
        named = {"competitor": value, "using": True, "told": True, "form": slug}
        return [Told("competitor_named", named, is_theirs=False)]
    return []


def _first_name(form: Definition, values: Mapping[str, Any]) -> str:
    """As the thanks greet; nothing where it is no name: a form must not carry a stranger's advertisement to others."""
    told = str(values.get("first_name") or values.get("name") or "").split(" ")[0]
    return told if _GREETED.match(told) else ""
