"""From the inbox into the history: events and position in one transaction; only then are the inbox's rows deleted."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction

from rung.capture.collector.inbox import Inbox, Item
from rung.capture.collector.messages import Envelope, NotTaken, events_of, message_of
from rung.capture.collector.submission import storable
from rung.capture.models import Arrival, InboxPosition, RefusedEvent
from rung.jobs import clock, locks
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent
from rung.terms.instants import SECOND, floor_hour
from rung.terms.kinds import KINDS

log = logging.getLogger(__name__)

BY: Final = "collector"
FEWEST, MOST = 100, 4_000
LONGEST_HOLD: Final = SECOND
"""Messages in one transaction: few at first, so that a worker that is killed again and again still gets on, and twice
as many after each that went well, while there are so many and the house's one writer is held no longer than that:
among many there are several of the same people, each of whom is decided once."""
_LONGEST_TURN: Final = 5 * SECOND
_STUBBORN: Final = 5
"""Turns in a row that the database refused, after which a single message may be what it refuses."""
_FEED: Final = 200
_FEED_A_TURN: Final = 50
"""Arrivals kept for the feed, and how many of one transaction come into it."""


@dataclass(slots=True)
class Message:
    """One item of the inbox on its way: the events it stands for, and what became of it."""

    item: Item
    events: list[NewEvent] = field(default_factory=list)
    outcome: str = ""
    words: str = ""
    seq: int | None = None

    def refuse(self, reason: str, words: str) -> None:
        self.outcome, self.words = reason, storable(words)


class Intake:
    """Takes the inbox in, turn by turn. Two workers may do it at once: the position is read under the house's lock."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._inbox: Inbox | None = None
        self._failed = 0
        self._at_a_time = FEWEST

    def turn(self, at: int) -> int:
        """Takes in what is there, for some seconds at most; returns how many messages that were."""
        if self._inbox is None:
            path = self._path or inbox_path()
            if not path.exists():
                return 0
            self._inbox = Inbox(path)
        taken = 0
        while not self._inbox.is_empty() and clock.now() - at < _LONGEST_TURN:
            some = self._some(self._inbox, clock.now())
            if not some:
                break
            taken += some
        return taken

    def _some(self, inbox: Inbox, at: int) -> int:
        is_stubborn = self._failed >= _STUBBORN
        try:
            try:
                number = self._taken(inbox, at, is_careful=is_stubborn, is_stubborn=is_stubborn)
            except (OperationalError, InterfaceError):
                raise
            except Exception:
                log.exception("a batch cannot be recorded: its messages are looked at one by one")
                number = self._taken(inbox, at, is_careful=True, is_stubborn=False)
        except (OperationalError, InterfaceError):
            self._failed += 1
            self._at_a_time = FEWEST
            raise
        self._failed = 0
        if number == self._at_a_time:
            self._at_a_time = at_a_time(number, held=clock.now() - at)
        return number

    def _taken(self, inbox: Inbox, at: int, *, is_careful: bool, is_stubborn: bool) -> int:
        with transaction.atomic():
            locks.hold()
            position = _position(inbox)
            numbered = inbox.after(position.number, self._at_a_time)
            if numbered:
                items = [each.item for each in numbered]
                take(items, at=at, is_careful=is_careful, is_stubborn=is_stubborn)
                position.number = numbered[-1].number
                position.save()
        # What was taken by a turn that died before it could delete goes here, too.
        inbox.delete_up_to(position.number)
        return len(numbered)


def at_a_time(before: int, *, held: int) -> int:
    """How many messages the next transaction may take, when so many held the house for so many microseconds."""
    if held > LONGEST_HOLD:
        return max(before // 2, FEWEST)
    return min(2 * before, MOST) if 2 * held <= LONGEST_HOLD else before


def inbox_path() -> Path:
    """Where the inbox file lies."""
    return Path(settings.RUNG_HOME) / "inbox.sqlite3"


def take(items: Sequence[Item], *, at: int, is_careful: bool = True, is_stubborn: bool = False) -> list[Message]:
    """Records the messages in the caller's transaction; what is refused is noted, everything is counted.

    Careful: a message that breaks the house is found and refused, and the others go on. That needs savepoints, which
    SQLite pays for with every statement; so the intake tries without them first.
    """
    messages = [_message(item) for item in items]
    good = [each for each in messages if not each.outcome]
    if is_careful:
        _record_carefully(good, at=at, is_stubborn=is_stubborn)
    elif good:
        _record(good, at=at)
    refused = [each for each in messages if each.outcome not in ("accepted", "duplicate")]
    RefusedEvent.objects.bulk_create([_refused(each) for each in refused], batch_size=200)
    tally(messages)
    _feed(messages[-_FEED_A_TURN:])
    return messages


def _message(item: Item) -> Message:
    message = Message(item)
    if item.refused:
        message.refuse(item.refused, item.words)
        return message
    envelope = Envelope(
        source=item.source,
        door="secret" if item.door == "secret" else "publishable",
        message_id=item.message_id,
        received_at=item.received_at,
        sent_at=item.sent_at,
        has_gpc=bool(item.has_gpc),
    )
    try:
        message.events = events_of(message_of(item.body), envelope)
    except NotTaken as refusal:
        message.refuse(refusal.reason, str(refusal))
    except Exception as fault:
        log.exception("message %s cannot be read", item.message_id)
        message.refuse("defect", f"{type(fault).__name__}: {fault}")
    return message


def _record_carefully(messages: Sequence[Message], *, at: int, is_stubborn: bool) -> None:
    """Records all, or, where that goes wrong, each half by itself, until the message that it is about stands alone."""
    if not messages:
        return
    try:
        with transaction.atomic():
            _record(messages, at=at)
    except Exception as fault:
        if isinstance(fault, (OperationalError, InterfaceError)) and not is_stubborn:
            raise  # the database, not a message: everything stays in the inbox
        if len(messages) == 1:
            log.exception("message %s cannot be recorded", messages[0].item.message_id)
            messages[0].refuse("defect", f"{type(fault).__name__}: {fault}")
            return
        middle = len(messages) // 2
        _record_carefully(messages[:middle], at=at, is_stubborn=is_stubborn)
        _record_carefully(messages[middle:], at=at, is_stubborn=is_stubborn)


def _record(messages: Sequence[Message], *, at: int) -> None:
    told = actions.record([event for message in messages for event in message.events], by=BY, at=at)
    seqs = dict(zip(told.places, told.seqs, strict=True))
    reasons = {refusal.index: refusal.reason for refusal in told.refused}
    place = 0
    for message in messages:
        _settle(message, range(place, place + len(message.events)), seqs, reasons)
        place += len(message.events)


def _settle(message: Message, places: range, seqs: dict[int, int], reasons: dict[int, str]) -> None:
    """What became of a message is what became of its events: the first is its own."""
    refused = next((reasons[place] for place in places if place in reasons), None)
    if refused is not None:
        message.refuse("not_recorded", refused)
    elif places[0] in seqs:
        message.outcome, message.seq = "accepted", seqs[places[0]]
    else:
        message.outcome = "duplicate"


def _position(inbox: Inbox) -> InboxPosition:
    """How far this file was taken in. A file whose numbers begin anew (it was restored) counts as another file: what
    waits in it is read again, and the history knows what it has."""
    found = InboxPosition.objects.filter(pk=inbox.id).first()
    if found is not None and inbox.last_number() < found.number:
        return InboxPosition(inbox_id=inbox.renew(), number=0)
    return found or InboxPosition(inbox_id=inbox.id, number=0)


def _refused(message: Message) -> RefusedEvent:
    item = message.item
    return RefusedEvent(
        received_at=item.received_at,
        sent_at=item.sent_at,
        source=item.source,
        door=item.door,
        message_id=item.message_id,
        has_gpc=bool(item.has_gpc),
        reason=message.outcome,
        words=message.words,
        count=item.count,
        body=item.body,
    )


def tally(messages: Sequence[Message]) -> None:
    """Adds to the counts: each message is received and has one outcome."""
    counts: Counter[tuple[int, str, str]] = Counter()
    for message in messages:
        hour_at = floor_hour(message.item.received_at)
        counts[hour_at, message.item.source, "received"] += message.item.count
        counts[hour_at, message.item.source, message.outcome] += message.item.count
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO capture_capturecount (hour_at, source, outcome, number) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (hour_at, source, outcome)"
            " DO UPDATE SET number = capture_capturecount.number + excluded.number",
            [(*key, number) for key, number in sorted(counts.items())],
        )


def _feed(messages: Sequence[Message]) -> None:
    arrivals = Arrival.objects.bulk_create(
        [
            Arrival(
                received_at=message.item.received_at,
                source=message.item.source,
                said=_said(message),
                outcome=message.outcome,
                event_seq=message.seq,
            )
            for message in messages
        ]
    )
    if arrivals:
        Arrival.objects.filter(pk__lte=arrivals[-1].pk - _FEED).delete()


def _said(message: Message) -> str:
    if not message.events:
        return message.words[:200]
    event = message.events[0]
    about = next((told for name in _TELLING if isinstance(told := event.data.get(name), str) and told.strip()), "")
    words = KINDS[event.kind].words
    return storable(f"{words}: {about.strip()}" if about else words)[:200]


_TELLING: Final = ("path", "form", "event", "name", "email", "content")
