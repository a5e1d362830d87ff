"""A form's answers become events, with the thank-you mail, in one transaction; consent may wait for a confirmation."""

import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F

from rung.access.actions import Refused
from rung.capture.forms import answers as answering
from rung.capture.forms import building, promising
from rung.capture.forms.answers import Agreed, Filled, Told
from rung.capture.models import Form, FormConsent, FormSubmission, FormViews
from rung.history.models import Event
from rung.jobs import locks
from rung.jobs.actions import enqueue
from rung.lifecycle import actions, published
from rung.lifecycle.rules import NewEvent
from rung.mail.actions import send
from rung.people import queries
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
        company = queries.company_at_a_door(filled.company, filled.email)
        if filled.company is not None and company != filled.company:
            filled = replace(filled, company_facts={**filled.company_facts, "name": filled.company})
        filled = replace(filled, company=company)
        events = [
            _event(told, filled, source, f"{submission_id}:{number}" if number else submission_id)
            for number, told in enumerate(filled.events)
        ]
        facts = _unknown(filled)
        if facts and filled.company:
            events.insert(
                0,
                NewEvent("company_described", company=filled.company, data=facts, source=source,
                         message_id=f"{submission_id}:company", fills_only=True),
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
    submission = FormSubmission.objects.create(
        form=form,
        version=form.published or form.version,
        message_id=submission_id,
        submitted_at=at,
        token=_hash(token) if token else "",
    )
    FormConsent.objects.bulk_create(
        FormConsent(
            submission=submission,
            purpose=each.purpose,
            text=each.text,
            version=each.version,
            confirmed_at=None if each.waits else at,
        )
        for each in filled.consents
    )
    if filled.email:
        payload = {"form": form.slug, "to": filled.email, "first_name": filled.first_name, "token": token,
                   "submission": submission_id}  # fmt: skip
        enqueue(kind=THANKS, key=f"{THANKS}:{form.slug}:{submission_id}", payload=payload, at=at)


def source_of(form: Form) -> str:
    """How the history names what a form brings."""
    return f"form:{form.slug}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a link from a mail is about: the answers, and what was agreed to with them from the mailbox on."""

    submission: FormSubmission
    consents: tuple[FormConsent, ...]

    @property
    def is_confirmed(self) -> bool:
        return all(each.confirmed_at is not None for each in self.consents)


def waiting_for(*, form: Form, token: str, at: int) -> Waiting | None:
    """The consents that a link from a mail is about; None for a link that is none, or too old."""
    found = FormSubmission.objects.filter(form=form, token=_hash(token)).first() if token else None
    if found is None:
        return None
    waiting = Waiting(found, tuple(found.consents.exclude(purpose="terms").order_by("pk")))
    is_late = not waiting.is_confirmed and found.submitted_at < at - CONFIRM_WITHIN
    return None if is_late or not waiting.consents else waiting


def confirm(*, form: Form, token: str, at: int) -> Waiting:
    """The owner of the mailbox agrees: from now on the consents count, once however often it is confirmed."""
    with transaction.atomic():
        locks.hold()
        found = waiting_for(form=form, token=token, at=at)
        told = found and Event.objects.filter(source=source_of(form), message_id=found.submission.message_id).first()
        if found is None or told is None:
            raise Refused("This link holds no longer: fill in the form again, and you get a new one.")
        if found.is_confirmed:
            return found
        keys = Keys(email=str(told.data.get("email", "")))
        recorded = actions.record(
            [_confirmed(form, found.submission, each, number, keys) for number, each in enumerate(found.consents)],
            by="",
            at=at,
        )
        if recorded.refused:
            raise Refused(recorded.refused[0].reason)
        found.submission.consents.filter(confirmed_at=None).update(confirmed_at=at)
    return Waiting(found.submission, tuple(found.submission.consents.exclude(purpose="terms").order_by("pk")))


def _confirmed(form: Form, submission: FormSubmission, each: FormConsent, number: int, keys: Keys) -> NewEvent:
    agreed = Agreed(each.purpose, each.text, each.version, waits=False)
    told = agreed.told(form.slug, confirmed="by a link in a mail")
    message_id = f"{submission.message_id}:consent{number or ''}"
    return NewEvent(told.kind, keys=keys, data=told.data, source=source_of(form), message_id=message_id)


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
        texts = " and ".join(f"“{text}”" for text in _waiting_texts(form, payload["token"]))
        parts.append(f"You agreed to this: {texts} Please confirm that it was you: {where}")
    parts += [f"{link.label}: {_absolute(link.address)}" for link in links]
    submission = str(payload.get("submission", ""))
    about = Event.objects.filter(source=source_of(form), message_id=submission).values_list("person_id", flat=True)
    send(
        key=f"{THANKS}:{form.slug}:{submission}",
        to=payload["to"],
        subject=thanks.promised.label if thanks.promised else "Thank you",
        text="\n\n".join(part for part in parts if part),
        at=at,
        person_id=about.first(),
    )


def _waiting_texts(form: Form, token: str) -> list[str]:
    """What was agreed to, in the words that stood on the page then."""
    consents = FormConsent.objects.filter(submission__form=form, submission__token=_hash(token), confirmed_at=None)
    return list(consents.order_by("pk").values_list("text", flat=True))


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
    """What was told of a company and nobody knows yet, but perhaps an import, which may be taken back."""
    if not filled.company_facts or not filled.company:
        return {}
    company = Company.objects.filter(key=filled.company).first()
    known = company.traits if company else {}
    if company and any(known.get(name) not in (None, "") for name in filled.company_facts):
        known = queries.company_beside_imports(company).traits
    return {name: value for name, value in filled.company_facts.items() if known.get(name) in (None, "")}
