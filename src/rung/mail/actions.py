"""The one way by which mail leaves the house."""

from email.utils import formataddr, parseaddr
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.crypto import salted_hmac

from rung.access.queries import firm_name
from rung.mail.models import Sent

_LONGEST_SUBJECT: Final = 200


def send(*, key: str, to: str, subject: str, text: str, at: int, person_id: int | None = None) -> None:
    """Sends a mail and notes it. `key` names it: sent again after a crash, it has the same Message-ID.

    Raises what the mail server's client raises; the caller knows whether to try again.
    """
    message_id = id_of(key)
    Sent.objects.get_or_create(
        key=key[:200], defaults={"message_id": message_id, "person_id": person_id, "to": to[:320], "sent_at": at}
    )
    line = " ".join(subject.split())[:_LONGEST_SUBJECT]
    EmailMessage(line, text, sender(), to=[to], headers={"Message-ID": message_id}).send()


def sender() -> str:
    """Whom mails come from: the address that the environment tells, under the firm's name where an admin wrote one."""
    told: str = settings.DEFAULT_FROM_EMAIL
    name = firm_name()
    return told if name == settings.RUNG_FIRM else formataddr((name, parseaddr(told)[1]))


def id_of(key: str) -> str:
    """The Message-ID of the mail of that key: the same each time, and nobody can guess another one's."""
    token = salted_hmac("rung.mail", key, algorithm="sha256").hexdigest()[:40]
    return f"<{token}@{urlsplit(settings.PUBLIC_URL).hostname}>"
