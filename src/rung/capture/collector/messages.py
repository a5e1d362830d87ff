"""One message in Segment's shape: what is wrong with it, and the events it stands for. No database, no clock."""

import functools
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from rung.capture import referring
from rung.engine.files import segment
from rung.lifecycle.rules import OF_A_COMPANY, NewEvent, NotRecorded, ready
from rung.people.rules import Keys, company_of, keys_of
from rung.terms.instants import EARLIEST, MINUTE, BadInstant, micros
from rung.terms.kinds import KINDS, Door, kind_of_track
from rung.terms.values import DEEPEST, LONGEST_DATA_TEXT, MOST_FIELDS, BadValue, clean_text

LARGEST_EVENT: Final = 32 * 1024
"""Bytes of one message, as Segment has it."""
_LEEWAY: Final = 5 * MINUTE
LONGEST_ID: Final = 150
"""Characters of a message id. Segment allows 100; the history adds a little behind it."""

REASONS: Final[dict[str, str]] = {
    "not_json": "It is not JSON.",
    "not_gzip": "It says it is gzip, and is not.",
    "unknown_encoding": "Its content encoding is none we read: send plain JSON or gzip.",
    "too_large": "The request is larger than 500 KB.",
    "too_deep": "It is nested too deep.",
    "no_batch": "There is no list of events in the field batch.",
    "empty_batch": "The batch is empty.",
    "too_many_events": "More than 2 500 events in one request.",
    "no_key": "There is no key: send it as the Basic user name, or as writeKey.",
    "unknown_key": "Nobody knows this key, or it was revoked.",
    "event_too_large": "The event is larger than 32 KB.",
    "not_an_event": "It is not an event that Rung knows.",
    "no_identity": "It says nothing about who it is of: send userId or anonymousId.",
    "bad_time": "Its time cannot be read.",
    "bad_value": "One of its values is none that Rung keeps.",
    "not_allowed": "A key of this kind may not write it.",
    "incomplete": "It lacks what an event of its kind must say.",
    "not_recorded": "It could not be recorded.",
    "defect": "Recording it went wrong: a defect of Rung.",
}
"""Reason → what it means, for people. Every refusal has one, and every reason is counted."""
OF_STRANGERS: Final = frozenset({"no_key", "unknown_key"})
"""Those that are answered with 401; the others are with 400."""
FOUND_LATER: Final = frozenset({"not_recorded", "defect"})
"""Those that nobody is answered with: the event was on the disk by then."""


UNREADABLE: Final = frozenset({"not_json", "not_gzip", "unknown_encoding", "too_large"})
"""What no later day can read either: it is kept to be looked at, and replaying it is not offered."""


class NotTaken(ValueError):
    """A message that is refused: `reason` is one of REASONS, the text says what exactly."""

    def __init__(self, reason: str, words: str = "") -> None:
        super().__init__(words or REASONS[reason])
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the request, not the message, says: by which key and when it came."""

    source: str
    door: Door
    message_id: str
    received_at: int
    sent_at: int | None = None
    has_gpc: bool = False


def sighted(raw: bytes, *, door: Door, path_type: str | None = None) -> "Sighted":
    """The message as it goes into the inbox. Raises NotTaken for what could never be recorded.

    Two ways lead through: a decoder in C for what is ordinary, and a slow one that finds the words for a refusal and
    lets pass what is merely unusual. What the fast way passes, the slow one passes too: a test holds them together.
    """
    if len(raw) > LARGEST_EVENT:
        raise NotTaken("event_too_large", f"The event is {len(raw):,} bytes: {LARGEST_EVENT:,} are allowed.")
    if _is_too_deep(raw):
        raise NotTaken("too_deep")
    return _at_a_glance(raw, door) or _closely(raw, door, path_type)


def _is_too_deep(raw: bytes) -> bool:
    """Whether anything in it, read or not, is nested deeper than a worker can be sure to read when its turn comes: how
    deep Python reads depends on how deep it stands itself."""
    if raw.count(b"[") + raw.count(b"{") <= _DEEPEST_READ:  # nearly always
        return False
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", raw)):
        depth += 1 if bracket in b"[{" else -1
        if depth > _DEEPEST_READ:
            return True
    return False


_DEEPEST_READ: Final = 300
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKET: Final = re.compile(rb"[\[\]{}]")


class Sighted(NamedTuple):
    """A message that can be recorded; its id is empty where its sender gave it none."""

    message_id: str
    raw: bytes


def events_of(message: Mapping[str, Any], envelope: Envelope) -> list[NewEvent]:
    """The events a message stands for, the one that is the message's own first. Raises NotTaken with the reason."""
    try:
        lines = _alias(message) if message.get("type") == "alias" else segment.lines_of(message, envelope.door)
        keys = _keys(message)
        occurred_at = _occurred_at(message.get("timestamp"), envelope)
        told = [event for line in lines if (event := _event(line, keys, occurred_at, envelope)) is not None]
        by = keys.email or keys.phone or keys.user_id
        told += [other for event in told if (other := referring.told_of(event, by=by)) is not None]
    except segment.NotTranslated as refusal:
        raise NotTaken("not_an_event", str(refusal)) from None
    except BadValue as refusal:
        raise NotTaken("bad_value", str(refusal)) from None
    if not told:
        raise NotTaken("not_allowed", "A publishable key cannot describe a company.")
    return [
        replace(event, message_id=f"{event.message_id}:{turn}") if turn else event for turn, event in enumerate(told)
    ]


def message_of(raw: bytes) -> dict[str, Any]:
    """The message as an object. Raises NotTaken for what is none."""
    try:
        told = json.loads(raw, parse_constant=_not_a_number, parse_int=whole_number)
    except UnicodeDecodeError as fault:
        words = f"It is not JSON: its bytes are no text in {fault.encoding.upper()}, from byte {fault.start + 1} on."
        raise NotTaken("not_json", words) from None
    except json.JSONDecodeError as fault:
        raise NotTaken("not_json", f"It is not JSON: {fault}") from None
    except RecursionError:
        raise NotTaken("too_deep") from None
    if not isinstance(told, dict):
        raise NotTaken("not_an_event", f"It is a {type(told).__name__}, not an object.")
    return told


def instant_of(text: object) -> int | None:
    """A client's time as microseconds; UTC where it names no offset; None for null. Raises NotTaken for none at all."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise NotTaken("bad_time", f"The time is a {type(text).__name__}: write 2026-03-01T10:00:00Z.")
    try:
        moment = datetime.fromisoformat(text)
        return micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except BadInstant as refusal:
        raise NotTaken("bad_time", str(refusal)) from None
    except (ValueError, OverflowError):
        raise NotTaken("bad_time", f"{text[:40]!r} is not a time: write 2026-03-01T10:00:00Z.") from None


# The slow way


def _closely(raw: bytes, door: Door, path_type: str | None) -> Sighted:
    message = message_of(raw)
    if path_type is not None and message.get("type") is None:
        message["type"] = path_type
        raw = _dumped(message)
    try:
        message_id = _id(message)
        for event in events_of(message, Envelope("", door, message_id or "-", received_at=0)):
            _look_at(event)
    except BadValue as refusal:
        raise NotTaken("bad_value", str(refusal)) from None
    return Sighted(message_id, raw)


def _dumped(message: dict[str, Any]) -> bytes:
    try:
        return json.dumps(message, allow_nan=False).encode()
    except ValueError:
        raise NotTaken("bad_value", f"It holds a number of more than {_MOST_DIGITS:,} digits.") from None


def _look_at(event: NewEvent) -> None:
    if not event.keys and event.kind != OF_A_COMPANY:
        raise NotTaken("no_identity")
    if event.door not in KINDS[event.kind].doors:
        raise NotTaken("not_allowed", f"A {event.door} key may not write {event.kind}.")
    try:
        ready(event, index=0, by="", new_id=str)
    except NotRecorded as refusal:
        raise NotTaken("incomplete", str(refusal)) from None


def _event(line: Mapping[str, Any], keys: Keys, occurred_at: int | None, envelope: Envelope) -> NewEvent | None:
    """The event of a line; None for what a browser may not say, or for a company that is none."""
    kind, data, company = line["kind"], line["data"], line.get("company")
    is_trusted = envelope.door != "publishable"
    if kind == OF_A_COMPANY and (not is_trusted or company_of(clean_text(company, "company")) is None):
        return None
    if kind == "person_described" and not is_trusted:
        # A browser may say where somebody works, as it may say who they are; it describes no company.
        kind = "person_identified"
    if envelope.has_gpc and kind in _TELLS_GPC:
        data = {**data, "gpc": True}
    return NewEvent(
        kind=kind,
        keys=Keys() if kind == OF_A_COMPANY else keys,
        data=data,
        company=company,
        at=occurred_at,
        sent_at=envelope.sent_at,
        source=envelope.source,
        message_id=envelope.message_id,
        door=envelope.door,
    )


_TELLS_GPC: Final = frozenset({"person_identified", "page_viewed", "form_submitted"})


def _alias(message: Mapping[str, Any]) -> list[dict[str, object]]:
    """`alias` says that two ids are one person's. Whether they become one, identity decides: a visitor's id joins the
    known person, two known people stay two. Browsers send it for one and the same id, too, which says nothing new."""
    return [{"kind": "person_identified", "data": {}}]


def _keys(message: Mapping[str, Any]) -> Keys:
    user, anonymous = _identity(message, "userId"), _identity(message, "anonymousId")
    if message.get("type") == "alias":
        anonymous = _identity(message, "previousId") or anonymous
    named = keys_of(user) if user else Keys()
    return replace(named, anonymous_id="" if anonymous == user else anonymous)


def _identity(message: Mapping[str, Any], name: str) -> str:
    """An id: a text, or a whole number, which Python's client leaves as it was given."""
    value = message.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise BadValue(f"{name} is a {type(value).__name__}: a text is allowed")
    return clean_text(str(value), name)


def _id(message: Mapping[str, Any]) -> str:
    """The message's id, empty where it has none; one for its second event must still fit behind it."""
    value = message.get("messageId")
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise BadValue(f"messageId is a {type(value).__name__}: a text is allowed")
    return clean_text(str(value), "messageId", LONGEST_ID)


def _occurred_at(timestamp: object, envelope: Envelope) -> int | None:
    """When it happened by our clock: the client's clock may be wrong, but it measured how long ago that was."""
    told = instant_of(timestamp)
    if told is None:
        return None
    meant = told if envelope.sent_at is None else envelope.received_at - (envelope.sent_at - told)
    return meant if EARLIEST <= meant <= envelope.received_at + _LEEWAY else envelope.received_at


def _not_a_number(text: str) -> float:
    raise NotTaken("bad_value", f"{text} is not a number that JSON knows.")


def whole_number(digits: str) -> float | int:
    """A number of JSON, as large as Python reads at once. What is too large is refused where it is kept; elsewhere
    nobody reads it: the fast way does not, either, and what it let in must not be refused after its 200."""
    return int(digits) if len(digits) <= _MOST_DIGITS else math.inf


_MOST_DIGITS: Final = 4_000


# The fast way


_Whole = Annotated[int, Meta(ge=1 - 2**63, le=2**63 - 1)]
_Real = Annotated[float, Meta(gt=-(2.0**63), lt=2.0**63)]
_Text = Annotated[str, Meta(max_length=LONGEST_DATA_TEXT)]
_Name = Annotated[str, Meta(min_length=1, max_length=200)]
_Key = Annotated[str, Meta(min_length=1, max_length=300)]


def _data_type() -> Any:
    """The type of an event's data as `terms.values` allows it, with room for what is added to it."""
    value: Any = _Whole | _Real | _Text | bool | None
    for _ in range(DEEPEST - 2):
        value = _Whole | _Real | _Text | bool | list[value] | Annotated[dict[_Name, value], Meta(max_length=200)] | None
    return Annotated[dict[_Name, value], Meta(max_length=MOST_FIELDS - 50)]


_DATA: Final = _data_type()


class _Page(msgspec.Struct):
    path: _Text | None = None
    url: _Text | None = None
    title: _Text | None = None
    referrer: _Text | None = None
    search: _Text | None = None


class _Campaign(msgspec.Struct):
    name: _Text | None = None
    source: _Text | None = None
    medium: _Text | None = None
    term: _Text | None = None
    content: _Text | None = None


class _Context(msgspec.Struct):
    page: _Page | None = None
    campaign: _Campaign | None = None
    groupId: None = None  # noqa: N815 - Segment's word; an event that names a company is looked at closely


class _Ordinary(msgspec.Struct):
    """A message as clients send it by the million."""

    type: Literal["identify", "track", "page", "screen"]
    messageId: Annotated[str, Meta(min_length=1, max_length=150)]  # noqa: N815
    timestamp: str
    userId: _Key | None = None  # noqa: N815
    anonymousId: _Key | None = None  # noqa: N815
    event: Annotated[str, Meta(min_length=1, max_length=1000)] | None = None
    name: _Text | None = None
    category: _Text | None = None
    properties: _DATA | None = None  # type: ignore[valid-type]  # mypy cannot follow a type that is computed
    traits: _DATA | None = None  # type: ignore[valid-type]
    context: _Context | None = None


_decode: Final = msgspec.json.Decoder(_Ordinary).decode


def _at_a_glance(raw: bytes, door: Door) -> Sighted | None:
    """The message when it is an ordinary one, None when it must be looked at closely."""
    if b"\\u0000" in raw or b"\\ud" in raw or b"\\uD" in raw or b"\0" in raw:
        return None
    try:
        told = _decode(raw)
        instant_of(told.timestamp)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, NotTaken):
        return None
    if not (told.userId or told.anonymousId or "").strip():
        return None
    if told.type == "track" and not _is_plain_track(told.event, door):
        return None
    return Sighted(told.messageId.strip(), raw) if told.messageId.strip() else None


@functools.lru_cache(maxsize=10_000)
def _is_plain_track(name: str | None, door: Door) -> bool:
    return bool(name and name.strip()) and not KINDS[kind_of_track(name or "", door)].required
