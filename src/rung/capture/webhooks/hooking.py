"""Webhooks: made, pointed at what matters, and what comes in at them."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
from django.db import transaction

from rung.access.actions import By, Refused, audited, name_of, require
from rung.capture import referring
from rung.capture.forms.definitions import is_slug
from rung.capture.inbound_mail import mailbox
from rung.capture.inbound_mail.letters import Letter, NoLetter, letter_of
from rung.capture.models import HookMessage, Webhook
from rung.capture.webhooks import hook_mapping, signing
from rung.capture.webhooks.hook_mapping import BadMapping, Mapped, Meant, NotMapped
from rung.capture.webhooks.hook_templates import TEMPLATES
from rung.jobs import locks
from rung.lifecycle import actions, published
from rung.lifecycle.rules import OF_A_COMPANY, NewEvent
from rung.people import queries
from rung.people.rules import Keys

_NAMED: Final = frozenset({"custom", "weak_signal_seen"})
KEPT: Final = 200
"""Of what was taken in, so many messages are kept to look at; of what was refused, ten times as many to replay."""


@dataclass(frozen=True, slots=True)
class MadeHook:
    """A new address: `token` is its last part, shown now and never again."""

    webhook: Webhook
    token: str


def add_webhook(*, name: str, template: str, by: By, at: int) -> MadeHook:
    """A new secret address; its name is the source of its events."""
    require(by, "manage webhooks")
    if not is_slug(name):
        raise Refused(f"{name[:60]!r} cannot be a webhook's name: use a-z, 0-9 and dashes, as in calendly.")
    if Webhook.objects.filter(name=name).exists():
        raise Refused(f"There is a webhook {name} already: choose another name.")
    told = TEMPLATES.get(template, TEMPLATES["empty"])[1]
    mapping = msgspec.to_builtins(hook_mapping.mapping_of(told))
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        webhook = Webhook.objects.create(
            name=name, token=_hash(token), mapping=mapping, created_at=at, created_by=name_of(by)
        )
        audited(by=by, verb="added webhook", object=f"webhook {name}", data={"template": template[:40]}, at=at)
    return MadeHook(webhook, token)


def map_webhook(*, name: str, told: object, by: By, at: int) -> Webhook:
    """From now on its messages are read so. Raises Refused for what cannot be a mapping."""
    require(by, "manage webhooks")
    try:
        mapping = hook_mapping.mapping_of(told)
    except BadMapping as fault:
        raise Refused(str(fault)) from None
    with transaction.atomic():
        webhook = _locked(name)
        webhook.mapping = msgspec.to_builtins(mapping)
        webhook.save(update_fields=["mapping"])
        audited(by=by, verb="mapped webhook", object=f"webhook {name}", data=webhook.mapping, at=at)
    return webhook


def keep_secret(*, name: str, secret: str, by: By, at: int) -> Webhook:
    """From now on only messages signed with it come in. It is shown to nobody. Raises Refused, for an empty one too: a
    form that was saved without it must not open the address."""
    require(by, "manage webhooks")
    secret = secret.strip()
    if not secret:
        raise Refused("Nothing was changed: write the secret, or tick “Take the secret away”.")
    if len(secret) > signing.LONGEST or not secret.isascii() or not secret.isprintable():
        raise Refused(f"That is no secret of a program: {signing.LONGEST} letters, digits and signs at most.")
    return _secured(name, secret, by=by, at=at)


def take_secret_away(*, name: str, by: By, at: int) -> Webhook:
    """From now on messages need no signature."""
    require(by, "manage webhooks")
    return _secured(name, "", by=by, at=at)


def _secured(name: str, secret: str, *, by: By, at: int) -> Webhook:
    with transaction.atomic():
        webhook = _locked(name)
        webhook.secret = secret
        webhook.save(update_fields=["secret"])
        said = "kept" if secret else "taken away"
        audited(by=by, verb="secured webhook", object=f"webhook {name}", data={"secret": said}, at=at)
    return webhook


def close_webhook(*, name: str, by: By, at: int) -> Webhook:
    """Nothing comes in at its address any more."""
    require(by, "manage webhooks")
    with transaction.atomic():
        webhook = _locked(name)
        if webhook.closed_at is not None:
            raise Refused(f"The webhook {name} was closed before.")
        webhook.closed_at = at
        webhook.save(update_fields=["closed_at"])
        audited(by=by, verb="closed webhook", object=f"webhook {name}", data={}, at=at)
    return webhook


def webhook_at(token: str) -> Webhook | None:
    """The webhook whose address ends so, unless it is closed."""
    return Webhook.objects.filter(token=_hash(token), closed_at=None).first()


def receive(*, webhook: Webhook, body: bytes, content_type: str, at: int) -> HookMessage:
    """Takes a message in, all of it or nothing, and keeps it either way, with what became of it."""
    message = HookMessage(
        webhook=webhook, received_at=at, content_type=_plain(content_type)[:100], body=body[: hook_mapping.LARGEST]
    )
    read = _read(message.content_type, body)
    with transaction.atomic():
        locks.hold()
        _take(message, read, at)
        message.save()
        _forget(webhook)
    return message


def replay(*, name: str, ids: Sequence[int] | None, by: By, at: int) -> tuple[int, int]:
    """Reads refused messages again, as the mapping is now; (taken in, still refused)."""
    require(by, "manage webhooks")
    refused = HookMessage.objects.filter(webhook__name=name, outcome="refused").order_by("pk")
    if ids is not None:
        refused = refused.filter(pk__in=ids)
    read = {each.pk: _read(each.content_type, bytes(each.body)) for each in refused[:500]}
    with transaction.atomic():
        locks.hold()
        _locked(name)
        messages = list(refused.filter(pk__in=read).select_related("webhook"))
        if not messages:
            raise Refused("There is nothing to replay: nothing that came is refused.")
        for message in messages:
            _take(message, read[message.pk], at)
            message.save()
        still = sum(message.outcome == "refused" for message in messages)
        said = {"messages": len(messages), "refused": still}
        audited(by=by, verb="replayed webhook", object=f"webhook {name}", data=said, at=at)
    return len(messages) - still, still


def mapping_of(webhook: Webhook) -> Mapped:
    """How its messages are read."""
    return hook_mapping.mapping_of(webhook.mapping)


def own_zone() -> str:
    """The zone of times that name none, where a webhook's mapping does not say it: the firm's own."""
    return published.playbook().calendar.timezone


_Read = Letter | NotMapped | NoLetter | Any
"""A mail, another message's data, or why it is neither."""


def _read(content_type: str, body: bytes) -> _Read:
    """A message as it can be read without the database: before the house's lock is taken, for a mail of two megabytes
    takes a while, and everybody would wait."""
    try:
        is_mail = content_type.startswith(mailbox.MIME)
        return letter_of(body) if is_mail else hook_mapping.read(body, content_type)
    except (NotMapped, NoLetter) as fault:
        return fault


def _take(message: HookMessage, read: _Read, at: int) -> None:
    """Sets what became of the message, having recorded its events."""
    try:
        with transaction.atomic():
            events, left_out = _told(message, read)
            recorded = actions.record(events, by="", at=at)
            if recorded.refused:
                raise NotMapped(recorded.refused[0].reason)
    except (NotMapped, NoLetter) as refusal:
        message.outcome, message.words, message.events = "refused", _plain(str(refusal))[:1_000], 0
        return
    except mailbox.Passed as passed:
        message.outcome, message.words, message.events = "passed", str(passed)[:1_000], 0
        return
    message.words, message.events = _of_left_out(left_out), recorded.accepted
    message.outcome = "accepted" if recorded.accepted else "duplicate" if events else "passed"


def _told(message: HookMessage, read: _Read) -> tuple[list[NewEvent], list[str]]:
    """The events of a message: of a mail what it says, of anything else what the mapping makes of it; and why what is
    left out of a list is."""
    if isinstance(read, (NotMapped, NoLetter)):
        raise read
    if isinstance(read, Letter):
        return mailbox.events_of(read, message.webhook.source), []
    meant, left_out = hook_mapping.meant(read, mapping_of(message.webhook), zone=own_zone())
    return [event for one in meant for event in _events(message.webhook, one)], left_out


def _of_left_out(told: Sequence[str]) -> str:
    return _plain(f"{len(told)} left out: {' '.join(told)}")[:1_000] if told else ""


def _events(webhook: Webhook, one: Meant) -> list[NewEvent]:
    """What somebody did, and, filling only what is empty, who they say they are where that is new."""
    message_id = f"{one.own_id}:{one.kind}"
    keys = Keys(email=one.email, phone=one.phone)
    company = queries.company_at_a_door(one.company, one.email)
    parts = {"email": one.email, "phone": one.phone, "name": one.name, "title": one.title}
    traits = {name: value for name, value in parts.items() if value}
    # What has no kind of ours, or was a fair, has a name: the sender's, else the webhook's.
    data = {"event": webhook.name, **one.data} if one.kind in _NAMED else one.data
    identified = NewEvent(
        "person_identified", keys=keys, data=traits, company=company, at=one.at, source=webhook.source,
        message_id=f"{message_id}:who", door="publishable",
    )  # fmt: skip
    done = NewEvent(
        one.kind, keys=keys, data=data, at=one.at, source=webhook.source, message_id=message_id, door="secret"
    )
    referred = referring.told_of(done, by=one.email or one.phone)
    others = [replace(referred, message_id=f"{message_id}:referred")] if referred else []
    events = [identified, done, *others] if _is_news(traits, company) else [done, *others]
    if company is None or company == one.company or not one.company:
        return events
    if queries.is_told_of(company, but_by=queries.IMPORTS):
        return events
    named = NewEvent(
        OF_A_COMPANY, company=company, data={"name": one.company}, source=webhook.source,
        message_id=f"{message_id}:company", door="secret", fills_only=True,
    )  # fmt: skip
    return [named, *events]


def _is_news(traits: Mapping[str, str], company: str | None) -> bool:
    """Whether this says more of the person than is known; a timeline of the same name again and again tells nothing.

    What only an import told may be taken back with it, and is not known so.
    """
    person = queries.person_named(traits.get("email") or traits.get("phone", ""))
    if person is None or (company and person.company is None) or any(name not in person.traits for name in traits):
        return True
    known = queries.beside_imports(person)
    return bool(company and known.company is None) or any(name not in known.traits for name in traits)


def _forget(webhook: Webhook) -> None:
    for outcomes, most in ((("accepted", "duplicate", "passed"), KEPT), (("refused",), 10 * KEPT)):
        rows = webhook.messages.filter(outcome__in=outcomes).order_by("-pk").values_list("pk", flat=True)
        last = next(iter(rows[most : most + 1]), None)
        if last is not None:
            webhook.messages.filter(outcome__in=outcomes, pk__lte=last).delete()


def _locked(name: str) -> Webhook:
    webhook = Webhook.objects.select_for_update().filter(name=name).first()
    if webhook is None:
        raise Refused(f"There is no webhook {name[:60]}.")
    return webhook


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
