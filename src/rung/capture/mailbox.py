"""Inbound mail: a mail becomes a reply of somebody we know, an enquiry, or nothing."""

import hashlib
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from rung.access.models import User
from rung.capture.letters import Letter, letter_of
from rung.capture.models import FormSubmission
from rung.history.models import Event
from rung.lifecycle.rules import NewEvent
from rung.people import queries
from rung.people.models import Person
from rung.people.rules import Keys, is_role_address, normal_email

MIME: Final = "message/rfc822"
"""The content type by which a webhook's message is a mail."""


class Passed(ValueError):
    """A mail of which nothing comes; the text says why."""


def events_of(body: bytes, source: str) -> list[NewEvent]:
    """The events of a mail. Raises NoLetter for what is none, Passed for what no person wrote to us."""
    letter = letter_of(body)
    if letter.by_machine:
        raise Passed(f"Passed over: {letter.by_machine}.")
    told = {"subject": letter.subject, "text": letter.text}
    data: dict[str, Any] = {name: text for name, text in told.items() if text}
    own_id = letter.own_id or hashlib.sha256(body).hexdigest()
    if User.objects.filter(email__iexact=letter.sender).exists():
        if letter.forwarded is None:
            raise Passed("Passed over: one of ours wrote it.")
        address, name = letter.forwarded
        return _enquiry(address, name, {**data, "forwarded_by": letter.sender}, source, own_id)
    person = _answered(letter) or queries.person_named(normal_email(letter.sender) or letter.sender)
    if person is None:
        return _enquiry(letter.sender, letter.name, data, source, own_id)
    if normal_email(person.email) != normal_email(letter.sender):
        data["from"] = letter.sender
    return [
        NewEvent("email_replied", person=person.pk, data=data, source=source, message_id=own_id, door="secret"),
    ]


def _enquiry(address: str, name: str, data: dict[str, Any], source: str, own_id: str) -> list[NewEvent]:
    """Somebody asks us something by mail: what they say of themselves fills only what is empty."""
    if is_role_address(address):
        raise Passed(f"Passed over: {address} is read by many and names nobody.")
    keys = Keys(email=address)
    who = {"email": address, **({"name": name} if name and "@" not in name else {})}
    return [
        NewEvent(
            "person_identified", keys=keys, data=who, source=source, message_id=f"{own_id}:who", door="publishable"
        ),
        NewEvent("question_asked", keys=keys, data=data, source=source, message_id=own_id, door="secret"),
    ]


def thanks_id(slug: str, submission_id: str) -> str:
    """The Message-ID of a form's thank-you mail, by which a reply from any address finds its person."""
    return f"<form.{slug}.{submission_id}@{urlsplit(settings.PUBLIC_URL).hostname}>"


def _answered(letter: Letter) -> Person | None:
    """Whom we wrote the mail to that this one answers."""
    for told in letter.answers:
        kind, _, rest = told.strip("<>").partition(".")
        slug, _, submission_id = rest.rpartition("@")[0].partition(".")
        if kind != "form" or told != thanks_id(slug, submission_id):
            continue
        found = FormSubmission.objects.filter(form__slug=slug, message_id=submission_id).first()
        event = found and Event.objects.filter(source=f"form:{slug}", message_id=submission_id).first()
        if event and event.person_id:
            living = queries.living_ids([event.person_id])[event.person_id]
            return Person.objects.filter(pk=living).first()
    return None
