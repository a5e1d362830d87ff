"""A form's answers become events, with the thank-you mail, in one transaction; consent may wait for a confirmation."""

import hashlib
import secrets
from collections.abc import Collection, Mapping
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F

from rung.access.actions import Refused
from rung.capture import answers as answering
from rung.capture import building, mailbox, promising
from rung.capture.answers import Filled, Told
from rung.capture.models import Form, FormSubmission, FormViews
from rung.history.models import Event
from rung.jobs import locks
from rung.jobs.actions import enqueue
from rung.lifecycle import actions, published
from rung.lifecycle.rules import NewEvent
from rung.people.models import Company
from rung.people.rules import Keys
from rung.terms.instants import DAY

THANKS: Final = "form thanks"
"""The kind of outbox row that thanks somebody by mail."""
CONFIRM_WITHIN: Final = 14 * DAY


class NotPublished(Refused):
    """Answers to a form that nobody is asked any more."""


def submit(
    *,
    form: Form,
    answers: Mapping[str, Any],
    also: Mapping[str, str],
    submission_id: str,
    at: int,
    asked: Collection[str] | None = None,
) -> Filled:
    """Records what somebody answered, once however often it is sent. Raises NotFilled with what is wrong.

    A stranger speaks: their own words fill what is empty and overwrite nothing. What they volunteer to sales is
    recorded as told, and by nobody of ours. `asked`: the questions that stood on the page.
    """
    definition = building.published_definition(form)
    if definition is None:
        raise NotPublished("This form takes no answers any more.")
    filled = answering.filled(definition, form.slug, answers, also=also, asked=asked)
    source = source_of(form)
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
            raise answering.NotFilled({"": recorded.refused[0].reason})
        if recorded.accepted:
            _note(form, filled, submission_id, at)
    return filled


def _note(form: Form, filled: Filled, submission_id: str, at: int) -> None:
    """The row of the submission and the thank-you mail, both once."""
    token = secrets.token_urlsafe(32) if filled.must_confirm else ""
    consent = filled.consent or {}
    FormSubmission.objects.create(
        form=form,
        version=form.published or form.version,
        message_id=submission_id,
        submitted_at=at,
        consent=filled.consent,
        consent_version=consent.get("version", ""),
        token=_hash(token) if token else "",
        confirmed_at=at if consent and not token else None,
    )
    if filled.email:
        payload = {"form": form.slug, "to": filled.email, "first_name": filled.first_name, "token": token,
                   "submission": submission_id}  # fmt: skip
        enqueue(kind=THANKS, key=f"{THANKS}:{form.slug}:{submission_id}", payload=payload, at=at)


def source_of(form: Form) -> str:
    """How the history names what a form brings."""
    return f"form:{form.slug}"


def waiting_for(*, form: Form, token: str, at: int) -> FormSubmission | None:
    """The consent that a link from a mail is about; None for a link that is none, or too old."""
    found = FormSubmission.objects.filter(form=form, token=_hash(token)).first() if token else None
    return found if found and (found.confirmed_at or found.submitted_at >= at - CONFIRM_WITHIN) else None


def confirm(*, form: Form, token: str, at: int) -> FormSubmission:
    """The owner of the mailbox agrees: from now on the consent counts, once however often it is confirmed."""
    with transaction.atomic():
        locks.hold()
        found = waiting_for(form=form, token=token, at=at)
        told = found and Event.objects.filter(source=source_of(form), message_id=found.message_id).first()
        if found is None or told is None:
            raise Refused("This link holds no longer: fill in the form again, and you get a new one.")
        if found.confirmed_at is None:
            proof = {**found.consent, "confirmed": "by a link in a mail"}
            keys = Keys(email=str(told.data.get("email", "")))
            event = NewEvent(
                "consent_given", keys=keys, data=proof, source=source_of(form), message_id=f"{found.message_id}:consent"
            )
            recorded = actions.record([event], by="", at=at)
            if recorded.refused:
                raise Refused(recorded.refused[0].reason)
            found.confirmed_at = at
            found.save(update_fields=["confirmed_at"])
    return found


def count_view(*, form: Form, at: int) -> None:
    """Somebody opened the form: the one thing that looking at it writes, as a click is counted."""
    with transaction.atomic():
        day_at = at - at % DAY
        if not FormViews.objects.filter(form=form, day_at=day_at).update(number=F("number") + 1):
            _, is_new = FormViews.objects.get_or_create(form=form, day_at=day_at, defaults={"number": 1})
            if not is_new:
                FormViews.objects.filter(form=form, day_at=day_at).update(number=F("number") + 1)


def thank(payload: Mapping[str, Any], at: int) -> None:
    """The job: sends the thank-you mail with what was promised, and the link that confirms where one is needed."""
    form = Form.objects.filter(slug=payload["form"]).first()
    definition = form and (building.published_definition(form) or building.definition_of(form))
    if not definition:
        return
    thanks = definition.thanks
    links = [link for link in (thanks.promised, thanks.offer) if link is not None]
    greeting = f"Hello {payload['first_name']}," if payload["first_name"] else "Hello,"
    parts = [greeting, thanks.next, promising.said(definition, published.playbook(), at)]
    if payload.get("token"):
        where = f"{settings.PUBLIC_URL}/f/{payload['form']}/confirmation/{payload['token']}"
        parts.append(f"You agreed to this: “{definition.consent}” Please confirm that it was you: {where}")
    parts += [f"{link.label}: {_absolute(link.address)}" for link in links]
    subject = " ".join((thanks.promised.label if thanks.promised else "Thank you").split())
    headers = (
        {"Message-ID": mailbox.thanks_id(payload["form"], payload["submission"])} if "submission" in payload else {}
    )
    text = "\n\n".join(part for part in parts if part)
    EmailMessage(subject[:200], text, to=[payload["to"]], headers=headers).send()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


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
