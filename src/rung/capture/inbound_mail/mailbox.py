"""Inbound mail: a mail becomes a reply of somebody we know, an enquiry, or nothing."""

from typing import Any, Final

from rung.access.models import User
from rung.capture.inbound_mail import letters
from rung.capture.inbound_mail.letters import Letter
from rung.lifecycle.rules import NewEvent
from rung.mail.models import Sent
from rung.mail.queries import sent_under
from rung.people import queries
from rung.people.models import Person
from rung.people.rules import Keys, is_role_address, normal_email

MIME: Final = "message/rfc822"
"""The content type by which a webhook's message is a mail."""


class Passed(ValueError):
    """A mail of which nothing comes; the text says why."""


def events_of(letter: Letter, source: str) -> list[NewEvent]:
    """The events of a mail. Raises Passed for what no person wrote to us."""
    own_id = letter.own_id
    if letter.bounce is not None:
        return [_bounced(letter, source, own_id)]
    if letter.by_machine:
        raise Passed(f"Passed over: {letter.by_machine}.")
    told = {"subject": letter.subject, "text": letter.text}
    data: dict[str, Any] = {name: text for name, text in told.items() if text}
    if User.objects.filter(email__iexact=letter.sender).exists():
        if letter.forwarded is None:
            raise Passed("Passed over: one of ours wrote it.")
        asked, noted = letter.forwarded, {"note": letter.text} if letter.text else {}
        about = {"subject": letters.bare(letter.subject), "text": asked.text, "forwarded_by": letter.sender, **noted}
        return _enquiry(asked.address, asked.name, {k: v for k, v in about.items() if v}, source, own_id)
    answered = _answered(letter)
    person = answered or queries.person_named(normal_email(letter.sender) or letter.sender)
    if person is None:
        return _enquiry(letter.sender, letter.name, data, source, own_id)
    if normal_email(person.email) != normal_email(letter.sender):
        data["from"] = letter.sender
    replied = NewEvent("email_replied", person=person.pk, data=data, source=source, message_id=own_id, door="secret")
    if answered is None and not queries.is_known_beside_imports(person) and not is_role_address(letter.sender):
        # Only an import knows them, and may be taken back: who they say they are is told beside it.
        return [_who(letter.sender, letter.name, source, own_id), replied]
    return [replied]


def _enquiry(address: str, name: str, data: dict[str, Any], source: str, own_id: str) -> list[NewEvent]:
    """Somebody asks us something by mail: what they say of themselves fills only what is empty."""
    if is_role_address(address):
        raise Passed(f"Passed over: {address} is read by many and names nobody.")
    keys = Keys(email=address)
    return [
        _who(address, name, source, own_id),
        NewEvent("question_asked", keys=keys, data=data, source=source, message_id=own_id, door="secret"),
    ]


def _who(address: str, name: str, source: str, own_id: str) -> NewEvent:
    """What somebody who writes to us says of themselves."""
    return NewEvent(
        "person_identified",
        keys=Keys(email=address),
        data={"email": address, **({"name": name} if name and "@" not in name else {})},
        company=queries.company_of_address(address),
        source=source,
        message_id=f"{own_id}:who",
        door="publishable",
    )


def _bounced(letter: Letter, source: str, own_id: str) -> NewEvent:
    """A mail of ours came back. Anybody can send us such a report, so it counts only for a mail that we sent."""
    assert letter.bounce is not None
    sent = sent_under(letter.answers)
    person = _whom(sent) if sent else None
    if sent is None:
        raise Passed("Passed over: it reports on the delivery of a mail that is not ours.")
    if person is None:
        raise Passed("Passed over: it reports on the delivery of a mail to one of ours.")
    if normal_email(person.email) != normal_email(sent.to):
        raise Passed(f"Passed over: a mail to {sent.to} came back, and they have another address by now.")
    data = {"email": sent.to, "hard": letter.bounce.is_hard}
    return NewEvent("email_bounced", person=person.pk, data=data, source=source, message_id=own_id, door="system")


def _answered(letter: Letter) -> Person | None:
    """Whom we wrote the mail to that this one answers."""
    sent = sent_under(letter.answers)
    return _whom(sent) if sent else None


def _whom(sent: Sent) -> Person | None:
    """The person a mail of ours went to, as they live on; None for a mail to one of ours."""
    if sent.person_id is None:
        return None
    return Person.objects.filter(pk=queries.living_ids([sent.person_id])[sent.person_id]).first()
