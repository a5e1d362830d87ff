"""What others tell of the same people while an import lies there: door by door, each by its own function.

Used by the test of undoing after others told something, and by `faults/run.py undoing`.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rung.capture import adding
from rung.capture.collector import taking
from rung.capture.collector.inbox import Item
from rung.capture.forms import building, submitting
from rung.capture.models import Form, Webhook
from rung.capture.webhooks import hooking
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.people.queries import person_named
from rung.people.rules import Keys

FORM: Final[dict[str, Any]] = {
    "title": "Read the paper",
    "kind": "form_submitted",
    "fields": [
        {"name": "email", "label": "E-mail", "kind": "email", "is_required": True},
        {"name": "name", "label": "Your name"},
        {"name": "phone", "label": "Phone", "kind": "tel"},
        {"name": "title", "label": "Role"},
        {"name": "company", "label": "Company", "means": "company"},
        {"name": "industry", "label": "Industry", "means": "company.industry"},
        {"name": "heard", "label": "How did you hear about us?", "means": "heard"},
    ],
    "thanks": {"next": "Read it in peace."},
}


@dataclass(frozen=True)
class Telling:
    """What somebody tells at an instant, and in words what that is."""

    what: str
    told: Callable[[int], object] = field(repr=False)

    def __call__(self, at: int) -> None:
        self.told(at)


def opened() -> None:
    """The doors that have to be made before anybody comes."""
    building.save_form(slug="paper", told=FORM, by="test", at=1)
    building.publish_form(slug="paper", number=1, by="test", at=1)
    hooking.add_webhook(name="post", template="empty", by="test", at=1)
    hooking.add_webhook(name="chat", template="empty", by="test", at=1)
    mapping = {
        "kind": "question_asked", "id": "/id", "email": "/email", "phone": "/phone", "name": "/name",
        "title": "/title", "company": "/company", "data": {"text": "/text"},
    }  # fmt: skip
    hooking.map_webhook(name="chat", told=mapping, by="test", at=1)


def form(**answers: str) -> Telling:
    """A form is filled in."""

    def told(at: int) -> object:
        return submitting.submit(
            form=Form.objects.get(slug="paper"), answers=answers, also={}, submission_id=_id("form", answers, at), at=at
        )

    return Telling(f"form {answers}", told)


def chat(**said: str) -> Telling:
    """A chat tells by its webhook."""
    return Telling(
        f"chat {said}",
        lambda at: _hooked("chat", json.dumps({"id": _id("chat", said, at), **said}), "application/json", at),
    )


def mail(sender: str, text: str = "How much is it?") -> Telling:
    """Somebody writes to us."""
    return lambda at: _hooked(
        "post",
        f"From: {sender}\r\nSubject: Prices\r\nMessage-ID: <{at}{sender[-25:]}\r\n\r\n{text}",
        "message/rfc822",
        at,
    )


def site(*messages: dict[str, Any]) -> Telling:
    """A browser on our pages, with a publishable key; all in one batch."""
    return Telling(f"site {messages}", lambda at: _collected(messages, "publishable", "key:site", at))


def server(*messages: dict[str, Any]) -> Telling:
    """Our own server, with a secret key."""
    return Telling(f"server {messages}", lambda at: _collected(messages, "secret", "key:server", at))


def recorded(kind: str, *, data: dict[str, Any] | None = None, company: str | None = None, **keys: str) -> Telling:
    """One of ours, or the API, by an address, a number or an id alone."""
    event = NewEvent(kind, keys=Keys(**keys), data=data or {}, company=company, source="api", door="secret")
    return Telling(f"{kind} {keys}", lambda at: actions.record([event], by="api", at=at))


def called(number: str) -> Telling:
    """A telephone system tells of a call by the number alone."""
    return recorded("call_made", phone=number)


def referred(email: str, name: str, *, by: str) -> Telling:
    """Somebody we know refers somebody."""

    def told(at: int) -> object:
        referrer = person_named(by)
        assert referrer is not None
        return adding.refer(referrer=referrer, email=email, name=name, by="rung", at=at)

    return Telling(f"referral of {email}", told)


def by_all_doors(addresses: Sequence[str]) -> Iterator[Telling]:
    """What somebody tells of each of these, who are known by their address alone: every door in turn."""
    dice = random.Random(7)
    for address in addresses:
        title, firm = dice.choice(("CFO", "Clerk", "Boss")), dice.choice(("firm1.example", "Some Firm", "new0.example"))
        said = {"email": address, "title": title, "company": firm}
        doors: tuple[Telling, ...] = (
            recorded("deal_opened", email=address, data={"deal": f"deal of {address}"}),
            recorded("call_made", email=address),
            site(view(userId=address), identify(userId=address, title=title), view("/paper", userId=address)),
            site({"type": "group", "messageId": "g", "userId": address, "groupId": "firm2.example"}),
            form(**said, industry=dice.choice(("Farming", "Banking")), heard="A friend"),
            chat(**said, text="Hi"),
            server(identify(userId=address, name="Told By Us")),
        )  # fmt: skip
        yield from dice.sample(doors, dice.choice((1, 1, 2)))


def view(path: str = "/", **who: str) -> dict[str, Any]:
    return {"type": "page", "messageId": f"page {path} {sorted(who.items())}", **who, "properties": {"path": path}}


def identify(number: int = 1, **traits: Any) -> dict[str, Any]:
    """Who somebody says they are; `anonymousId` and `userId` are no traits."""
    who = {name: traits.pop(name) for name in ("userId", "anonymousId") if name in traits}
    return {"type": "identify", "messageId": f"who {number} {sorted(traits)} {who}", **who, "traits": traits}


def _collected(messages: tuple[dict[str, Any], ...], door: str, source: str, at: int) -> object:
    items = [
        Item(at, at, source, door, f"{at}:{each['messageId']}", False, "", "", 1, json.dumps(each).encode())
        for each in messages
    ]
    told = taking.take(items, at=at)
    assert [each.outcome for each in told] == ["accepted"] * len(told), [each.words for each in told]
    return told


def _hooked(name: str, body: str, content_type: str, at: int) -> object:
    message = hooking.receive(
        webhook=Webhook.objects.get(name=name), body=body.encode(), content_type=content_type, at=at
    )
    assert message.outcome == "accepted", message.words
    return message


def _id(door: str, said: dict[str, str], at: int) -> str:
    return f"{door} {at} {sorted(said.values())}"[:150]
