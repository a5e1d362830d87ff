"""Mail fetched from an IMAP mailbox, where RUNG_IMAP_URL names one; it is taken in as a webhook's would be."""

import imaplib
import logging
import secrets
import ssl
from collections.abc import Callable
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

from django.conf import settings

from rung.capture.inbound_mail import letters
from rung.capture.inbound_mail.mailbox import MIME
from rung.capture.models import Webhook
from rung.capture.webhooks import hooking

MAILBOX: Final = "mailbox"
"""The source of what is fetched."""
_MOST_AT_ONCE: Final = 50
_log: Final = logging.getLogger(__name__)


class Imap(Protocol):
    """As much of `imaplib.IMAP4` as is used."""

    def login(self, user: str, password: str) -> Any: ...
    def select(self, mailbox: str) -> Any: ...
    def uid(self, command: str, *args: str) -> Any: ...
    def logout(self) -> Any: ...


def turn(at: int) -> int:
    """The worker's steady turn, in a thread of its own: a mail server that is slow holds nobody. One turn a minute."""
    fetch(at)
    return 0


def fetch(at: int, connect: Callable[[str, int, bool], Imap] | None = None) -> None:
    """Takes in what is unseen in the mailbox of RUNG_IMAP_URL, and marks it seen once it is kept."""
    if not settings.RUNG_IMAP_URL:
        return
    parts = urlsplit(settings.RUNG_IMAP_URL)
    is_secure = parts.scheme == "imaps"
    try:
        box = (connect or _connected)(str(parts.hostname), parts.port or (993 if is_secure else 143), is_secure)
        box.login(unquote(parts.username or ""), unquote(parts.password or ""))
        folder = unquote(parts.path.strip("/")) or "INBOX"
        if box.select(_quoted(folder))[0] != "OK":
            _log.warning("The mailbox could not be read: there is no folder %s", folder)
            return
        _, found = box.uid("SEARCH", "UNSEEN")
        for uid in (found[0] or b"").split()[:_MOST_AT_ONCE]:
            _, answer = box.uid("FETCH", uid.decode(), f"(BODY.PEEK[]<0.{letters.LARGEST}>)")
            body = next((part[1] for part in answer if isinstance(part, tuple)), None)
            if body is not None:
                hooking.receive(webhook=_mailbox(at), body=body, content_type=MIME, at=at)
            box.uid("STORE", uid.decode(), "+FLAGS", "(\\Seen)")
        box.logout()
    except (OSError, imaplib.IMAP4.error) as fault:
        _log.warning("The mailbox could not be read: %s", fault)


def _connected(host: str, port: int, is_secure: bool) -> Imap:
    """Python's own IMAP client believes any certificate unless it is told otherwise; a password is sent next."""
    trusted = ssl.create_default_context()
    if is_secure:
        return imaplib.IMAP4_SSL(host, port, ssl_context=trusted, timeout=20)
    box = imaplib.IMAP4(host, port, timeout=20)
    if "STARTTLS" in box.capabilities:
        box.starttls(trusted)
    return box


def _quoted(folder: str) -> str:
    """A folder's name may hold spaces, and the client quotes nothing by itself."""
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _mailbox(at: int) -> Webhook:
    """The row under which fetched mail is shown; nobody knows its address."""
    found, _ = Webhook.objects.get_or_create(
        name=MAILBOX, defaults={"token": secrets.token_hex(32), "created_at": at, "created_by": "system"}
    )
    return found
