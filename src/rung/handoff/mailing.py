"""What the bell tells, by mail: at once, each morning, or never, as each of ours wishes; nothing twice.

A note is marked as mailed before the mail server gets it. What the server surely refused is marked back and tried
again; what it left in doubt stays marked: it can be read in the app, and a second mail cannot be taken back.
"""

import logging
import smtplib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from rung.access.actions import Refused, audited
from rung.access.models import User
from rung.handoff.models import MailWish, Notification
from rung.jobs.actions import enqueue_many
from rung.lifecycle import published
from rung.mail.actions import send as send_mail
from rung.terms.instants import moment

log = logging.getLogger(__name__)

KIND: Final = "news by mail"
USUAL: Final = "digest"
MORNING: Final = 8
"""The hour from which the digest is sent, in the playbook's zone."""
MOST: Final = 100
_SURELY_NOT_SENT: Final = (
    ConnectionRefusedError,
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPSenderRefused,
    smtplib.SMTPDataError,
)
"""The server was not reached, or said no."""


class CannotWish(Refused):
    """There is no such way to be told."""


def wish(*, how: str, by: User, at: int) -> MailWish:
    """How one wants to hear by mail. Raises CannotWish."""
    if how not in MailWish.HOWS:
        raise CannotWish("Choose one: at once, each morning, or never. Nothing was changed.")
    with transaction.atomic():
        found, _ = MailWish.objects.update_or_create(user=by, defaults={"how": how})
        audited(by=by, verb="chose how to be mailed", object=by.email, data={"how": how}, at=at)
    return found


def wish_of(user: User) -> str:
    """at_once, digest or never."""
    return MailWish.objects.filter(user=user).values_list("how", flat=True).first() or USUAL


def ask_at_once(told: Iterable[Notification], *, at: int) -> None:
    """In the transaction of what is told: a mail each for those who want to know at once."""
    told = list(told)
    if not told:
        return
    users = {each.user_id for each in told}
    wanted = set(MailWish.objects.filter(user__in=users, how="at_once").values_list("user_id", flat=True))
    rows = [
        (f"{KIND}:{each.user_id}:{each.key}", {"user": each.user_id, "key": each.key})
        for each in told
        if each.user_id in wanted
    ]
    enqueue_many(kind=KIND, work=rows, at=at)


def ask_digests(at: int) -> None:
    """The schedule: from eight in the morning, one mail a day for whoever has news that they have not seen."""
    local = moment(at).astimezone(ZoneInfo(published.playbook().calendar.timezone))
    if local.hour < MORNING:
        return
    news = Notification.objects.filter(read_at=None, mailed_at=None, user__is_active=True)
    others = MailWish.objects.exclude(how="digest").values("user_id")
    users = news.exclude(user__in=others).order_by().values_list("user_id", flat=True).distinct()
    day = local.date().isoformat()
    enqueue_many(kind=KIND, work=[(f"digest:{user_id}:{day}", {"user": user_id}) for user_id in users], at=at)


def send(payload: Mapping[str, Any], at: int) -> None:
    """The job: one note that was asked for at once, or all that were not seen yet."""
    user = User.objects.filter(pk=payload["user"], is_active=True).first()
    key = payload.get("key")
    if user is None or wish_of(user) != ("at_once" if key else "digest"):
        return
    with transaction.atomic():
        rows = Notification.objects.filter(user=user, mailed_at=None)
        chosen = rows.filter(key=key) if key else rows.filter(read_at=None)
        notes = list(chosen.order_by("created_at", "pk")[:MOST])
        ids = [note.pk for note in notes]
        Notification.objects.filter(pk__in=ids).update(mailed_at=at)
    if not notes:
        return
    try:
        _mail(user, notes, at)
    except _SURELY_NOT_SENT:
        Notification.objects.filter(pk__in=ids).update(mailed_at=None)
        raise
    except (smtplib.SMTPException, OSError) as fault:
        log.warning("a mail to user %s is in doubt and not sent again: %s", user.pk, fault)


def _mail(user: User, notes: Sequence[Notification], at: int) -> None:
    one = notes[0].words
    subject = one if len(notes) == 1 else f"{len(notes)} things to know: {one}"
    parts = [f"{note.words}\n{settings.PUBLIC_URL}{note.href}" for note in notes]
    choose = f"How you hear of this: {settings.PUBLIC_URL}/settings"
    key = f"{KIND}:{user.pk}:{notes[0].pk}:{len(notes)}"
    send_mail(key=key, to=user.email, subject=subject, text="\n\n".join([*parts, choose]), at=at)
