"""A form is kept, and what somebody answers becomes events, with the thank-you mail, in one transaction."""

import json
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from rung.access.actions import By, Refused, audited, name_of, require
from rung.capture import forms
from rung.capture.forms import BadForm, Definition, Filled, Told
from rung.capture.models import Form
from rung.jobs import locks
from rung.jobs.actions import enqueue
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people.models import Company

THANKS: Final = "form thanks"
"""The kind of outbox row that thanks somebody by mail."""


def save_form(*, slug: str, told: object, by: By, at: int) -> Form:
    """Keeps a form under its address; one that is there changes. Raises Refused for what cannot be a form."""
    require(by, "manage forms")
    if not forms.is_slug(slug):
        raise Refused(f"{slug[:60]!r} cannot be a form's address: use a-z, 0-9 and dashes.")
    try:
        definition = forms.definition_of(told)
    except BadForm as fault:
        raise Refused(str(fault)) from None
    with transaction.atomic():
        form = Form.objects.select_for_update().filter(slug=slug).first() or Form(slug=slug, created_at=at)
        form.definition, form.changed_at, form.changed_by = forms.canonical(definition), at, name_of(by)
        form.save()
        audited(by=by, verb="saved form", object=f"form {slug}", data={"title": definition.title}, at=at)
    return form


def definition_of(form: Form) -> Definition:
    """What the form asks."""
    return forms.definition_of(json.loads(form.definition))


def submit(*, form: Form, answers: Mapping[str, Any], also: Mapping[str, str], submission_id: str, at: int) -> Filled:
    """Records what somebody answered, once however often it is sent. Raises NotFilled with what is wrong.

    A stranger speaks: their own words fill what is empty and overwrite nothing. What they volunteer to sales is
    recorded as told, and by nobody of ours.
    """
    definition = definition_of(form)
    filled = forms.filled(definition, form.slug, answers, also=also)
    source = f"form:{form.slug}"
    with transaction.atomic():
        locks.hold()
        events = [
            _event(told, filled, source, f"{submission_id}:{number}" if number else submission_id)
            for number, told in enumerate(filled.events)
        ]
        facts = _unknown(filled)
        if facts and filled.company:
            events.insert(
                0,
                NewEvent("company_described", company=filled.company, data=facts, source=source,
                         message_id=f"{submission_id}:company"),
            )  # fmt: skip
        recorded = actions.record(events, by="", at=at)
        if recorded.refused:
            raise forms.NotFilled({"": recorded.refused[0].reason})
        if filled.email and recorded.accepted:
            enqueue(
                kind=THANKS,
                key=f"{THANKS}:{form.slug}:{submission_id}",
                payload={"form": form.slug, "to": filled.email, "first_name": filled.first_name},
                at=at,
            )
    return filled


def thank(payload: Mapping[str, Any], at: int) -> None:
    """The job: sends the thank-you mail with what was promised."""
    form = Form.objects.filter(slug=payload["form"]).first()
    if form is None:
        return
    thanks = definition_of(form).thanks
    links = [link for link in (thanks.promised, thanks.offer) if link is not None]
    greeting = f"Hello {payload['first_name']}," if payload["first_name"] else "Hello,"
    parts = [greeting, thanks.next, *(f"{link.label}: {_absolute(link.address)}" for link in links)]
    subject = " ".join((thanks.promised.label if thanks.promised else "Thank you").split())
    EmailMessage(subject[:200], "\n\n".join(parts), to=[payload["to"]]).send()


def _absolute(address: str) -> str:
    return settings.PUBLIC_URL + address if address.startswith("/") else address


def _event(told: Told, filled: Filled, source: str, message_id: str) -> NewEvent:
    return NewEvent(
        kind=told.kind,
        keys=filled.keys,
        data=told.data,
        company=filled.company if told.is_theirs else None,
        source=source,
        message_id=message_id,
        door="publishable" if told.is_theirs else "app",
    )


def _unknown(filled: Filled) -> dict[str, Any]:
    """What was told of a company and nobody knows yet."""
    if not filled.company_facts or not filled.company:
        return {}
    company = Company.objects.filter(key=filled.company).first()
    known = company.traits if company else {}
    return {name: value for name, value in filled.company_facts.items() if known.get(name) in (None, "")}
