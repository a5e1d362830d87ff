"""Which addresses, numbers and employers somebody had, each from and to, as their events tell it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rung.people.rules import DESCRIBING, normal_email, normal_phone
from rung.terms.companies import company_key, email_domain


class Told(NamedTuple):
    """What an event tells: when it counts, its kind, its data and the company it names."""

    at: int
    kind: str
    data: Mapping[str, Any]
    company: str | None = None


@dataclass(slots=True)
class Span:
    """A value and the time in which it was theirs, in microseconds UTC; `to_at` None while it still is.

    `why`: what ended it, in words.
    """

    value: str
    from_at: int
    to_at: int | None = None
    why: str = ""


@dataclass(slots=True)
class Had:
    """Everything somebody had, earliest first."""

    emails: list[Span] = field(default_factory=list)
    phones: list[Span] = field(default_factory=list)
    employers: list[Span] = field(default_factory=list)


def had(events: Iterable[Told]) -> Had:
    """The addresses, numbers and employers of these events of one person, which come in order of (at, seq).

    An address is theirs until it bounces for good, until they leave the employer whose domain it has, or until it is
    taken back; told again it begins anew. Two addresses may be theirs at once: one at work, one at home.
    """
    found = Had()
    country, last = "", ""
    for event in events:
        if event.company is not None:
            _employed(found, event.company, event.at)
        if event.kind in DESCRIBING:
            country = _text(event.data, "country") or country
            if "email" in event.data:
                last = normal_email(_text(event.data, "email")) or ""
                _begun(found.emails, last, event.at)
                if event.data["email"] is None:
                    _ended(found.emails, event.at, "taken back")
            if "phone" in event.data:
                text = _text(event.data, "phone")
                _begun(found.phones, normal_phone(text, country) or text, event.at)
                if event.data["phone"] is None:
                    _ended(found.phones, event.at, "taken back")
        elif event.kind == "email_bounced" and event.data.get("hard") is True:
            bounced = normal_email(_text(event.data, "email")) or last
            _ended([span for span in found.emails if span.value == bounced], event.at, "it bounced for good")
    return found


def _employed(found: Had, company: str, at: int) -> None:
    present = found.employers[-1] if found.employers else None
    if present is not None and present.value == company:
        return
    if present is not None:
        present.to_at, present.why = at, f"then {company}"
        left = [span for span in found.emails if _is_of(span.value, present.value)]
        _ended(left, at, f"left {present.value}")
    found.employers.append(Span(company, at))


def _is_of(email: str, company: str) -> bool:
    domain = email_domain(email) or ""
    return domain == company or domain.endswith(f".{company}") or company_key(domain) == company


def _begun(spans: list[Span], value: str, at: int) -> None:
    if value and not any(span.value == value and span.to_at is None for span in spans):
        spans.append(Span(value, at))


def _ended(spans: Iterable[Span], at: int, why: str) -> None:
    for span in spans:
        if span.to_at is None:
            span.to_at, span.why = at, why


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value.strip() if isinstance(value, str) else ""
