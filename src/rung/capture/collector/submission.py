"""What the collector does with one request, as a row of named steps. Pure: no database, no network, no clock."""

import base64
import binascii
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from rung.capture.collector.inbox import Item
from rung.capture.collector.messages import (
    LARGEST_EVENT,
    OF_STRANGERS,
    REASONS,
    NotTaken,
    instant_of,
    message_of,
    sighted,
    whole_number,
)
from rung.terms.kinds import Door

LARGEST_BODY: Final = 512_000
"""Bytes of a request, inflated; Segment's own clients cut at 475 000."""
MOST_EVENTS: Final = 2_500


@dataclass(frozen=True, slots=True)
class Key:
    """A key that holds: the source its events are told under, and the door they come through."""

    source: str
    door: Door


@dataclass(frozen=True, slots=True)
class Refused:
    """The whole request is refused; nothing of it was taken."""

    reason: str
    words: str = ""
    count: int = 1

    @property
    def status(self) -> int:
        return 401 if self.reason in OF_STRANGERS else 400

    @property
    def said(self) -> str:
        return self.words or REASONS[self.reason]


@dataclass(slots=True)
class Submission:
    """One request on its way through the steps. `path_type` is the type its address names, None for a batch."""

    body: bytes
    path_type: str | None
    encoding: str
    authorization: str
    has_gpc: bool
    received_at: int
    key_of: Callable[[str], Key | None]
    new_id: Callable[[], str]
    key: Key | None = None
    sent_at: int | None = None
    write_key: str = ""
    told_key: str = ""
    raws: list[bytes] = field(default_factory=list)
    shared: dict[str, Any] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    first_refusal: NotTaken | None = None
    refused: int = 0


Step = Callable[[Submission], Refused | None]


def inflate(submission: Submission) -> Refused | None:
    """Plain or gzip, and never more than may be: a bomb is stopped where it passes the limit."""
    if submission.encoding in ("", "identity"):
        pass
    elif submission.encoding in ("gzip", "x-gzip"):
        inflater = zlib.decompressobj(wbits=31)
        try:
            submission.body = inflater.decompress(submission.body, LARGEST_BODY + 1)
        except zlib.error:
            return Refused("not_gzip")
        if len(submission.body) <= LARGEST_BODY and (not inflater.eof or inflater.unused_data):
            return Refused("not_gzip")
    else:
        return Refused("unknown_encoding")
    return Refused("too_large") if len(submission.body) > LARGEST_BODY else None


def parse(submission: Submission) -> Refused | None:
    """The envelope only; each event stays as it came until it is looked at by itself."""
    try:
        told = _envelope(submission.body) if submission.path_type is None else _single(submission.body)
    except RecursionError:
        return Refused("too_deep")
    except msgspec.ValidationError as fault:
        return Refused("not_an_event", f"It cannot be read: {fault}.")
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        return _parse_loosely(submission, f"It cannot be read: {fault}.")
    submission.write_key = told.writeKey if isinstance(told.writeKey, str) else ""
    submission.sent_at = _sent_at(told.sentAt)
    if isinstance(told, _Single):
        submission.raws = [submission.body]
        return None
    if told.batch is None:
        return Refused("no_batch")
    submission.raws = [bytes(raw) for raw in told.batch]
    shared = {"context": told.context, "integrations": told.integrations}
    submission.shared = {name: value for name, value in shared.items() if isinstance(value, dict) and value}
    return None


def _parse_loosely(submission: Submission, fault: str) -> Refused | None:
    """Python's client sends NaN, which is no JSON: that costs its own event, not the others of the batch."""
    try:
        told = json.loads(submission.body, parse_int=whole_number)
    except (ValueError, RecursionError):
        return Refused("not_json", fault)
    if not isinstance(told, dict) or (submission.path_type is None and not isinstance(told.get("batch"), list)):
        return Refused("not_an_event", fault)
    submission.write_key = told["writeKey"] if isinstance(told.get("writeKey"), str) else ""
    submission.sent_at = _sent_at(told.get("sentAt"))
    parts = told["batch"] if submission.path_type is None else [told]
    submission.raws = [json.dumps(part).encode() for part in parts]
    return None


def authorise(submission: Submission) -> Refused | None:
    """The key, from the header or the body: clients differ by version."""
    told = submission.told_key = header_key(submission.authorization) or submission.write_key
    if not told:
        return Refused("no_key", count=max(1, len(submission.raws)))
    submission.key = submission.key_of(told)
    return None if submission.key is not None else Refused("unknown_key", count=max(1, len(submission.raws)))


def count(submission: Submission) -> Refused | None:
    """Neither none nor more than may come at once."""
    if not submission.raws:
        return Refused("empty_batch")
    if len(submission.raws) > MOST_EVENTS:
        return Refused("too_many_events", count=len(submission.raws))
    return None


def look_at_each(submission: Submission) -> Refused | None:
    """Event by event: what cannot be recorded is kept aside with its reason, and the others go on."""
    key = submission.key
    assert key is not None
    for raw in submission.raws:
        try:
            if submission.shared:
                raw = _with_shared(raw, submission.shared)
            message_id, raw = sighted(raw, door=key.door, path_type=submission.path_type)
        except NotTaken as refusal:
            submission.refused += 1
            submission.first_refusal = submission.first_refusal or refusal
            kept = with_type(raw, submission.path_type)
            submission.items.append(_item(submission, key, submission.new_id(), kept, refusal))
        else:
            submission.items.append(_item(submission, key, message_id or submission.new_id(), raw, None))
    return None


STEPS: Final[tuple[Step, ...]] = (inflate, parse, authorise, count, look_at_each)
"""What every request goes through. Duplicates are not looked for here: the history alone judges them."""


def passed_through(submission: Submission) -> Refused | None:
    """All steps in order; what the first one refuses is refused as a whole."""
    for step in STEPS:
        refused = step(submission)
        if refused is not None:
            return refused
    return None


class _Envelope(msgspec.Struct):
    batch: list[msgspec.Raw] | None = None
    writeKey: Any = None  # noqa: N815 - Segment's words
    sentAt: Any = None  # noqa: N815
    context: Any = None
    integrations: Any = None


class _Single(msgspec.Struct):
    writeKey: Any = None  # noqa: N815
    sentAt: Any = None  # noqa: N815


_envelope: Final = msgspec.json.Decoder(_Envelope).decode
_single: Final = msgspec.json.Decoder(_Single).decode


def storable(words: str) -> str:
    """A sentence that may quote what a stranger wrote, fit for every database."""
    return words[:1_000].encode("utf-8", "replace").decode().replace("\0", "")


def _sent_at(told: object) -> int | None:
    """A clock that cannot be read corrects nothing; the events' own times still count."""
    try:
        return instant_of(told)
    except NotTaken:
        return None


def header_key(authorization: str) -> str:
    scheme, _, told = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return told.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(told.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def with_type(raw: bytes, path_type: str | None) -> bytes:
    """A refused message with the type that its address names: whoever replays it knows no address."""
    if path_type is None:
        return raw
    try:
        message = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    if not isinstance(message, dict) or message.get("type") is not None:
        return raw
    return json.dumps({**message, "type": path_type}).encode()


def _with_shared(raw: bytes, shared: dict[str, Any]) -> bytes:
    """The event with what the batch says for all of its events; what it says itself comes first."""
    message = message_of(raw)
    for name, value in shared.items():
        own = message.get(name)
        if own is None or isinstance(own, dict):
            message[name] = {**value, **(own or {})}
    return json.dumps(message).encode()


def _item(submission: Submission, key: Key, message_id: str, raw: bytes, refusal: NotTaken | None) -> Item:
    return Item(
        received_at=submission.received_at,
        sent_at=submission.sent_at,
        source=key.source,
        door=key.door,
        message_id=message_id,
        has_gpc=submission.has_gpc,
        refused=refusal.reason if refusal else "",
        words=storable(str(refusal)) if refusal else "",
        count=1,
        body=raw[:LARGEST_EVENT] if refusal else raw,
    )
