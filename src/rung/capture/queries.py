"""What came in and what was refused, as the page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.db import connection
from django.db.models import QuerySet, Sum

from rung.capture.collector.inbox import Fault, Inbox
from rung.capture.collector.messages import REASONS
from rung.capture.collector.taking import inbox_path
from rung.capture.models import Arrival, CaptureCount, FormSubmission, HookMessage, InboxPosition, RefusedEvent
from rung.history.models import Event
from rung.people.models import Alias, Person
from rung.terms.instants import HOUR, floor_hour

TAKEN: Final = ("accepted", "duplicate")
A_PAGE: Final = 50
A_FLOOD: Final = 50
"""So many messages of one transaction come into the feed, however many there were (`taking`)."""
_LOOKED_AT: Final = 200


@dataclass(frozen=True, slots=True)
class Counts:
    """What came and what became of it; received = accepted + duplicate + refused."""

    received: int
    accepted: int
    duplicate: int
    refused: int


@dataclass(frozen=True, slots=True)
class Came:
    """One line of the feed."""

    received_at: int
    source: str
    said: str
    outcome: str
    seq: int | None
    person: str = ""
    person_uuid: str = ""
    times: int = 1

    @property
    def often(self) -> str:
        """How often the same came in a row. Of a flood the feed keeps some only, so that it cannot say."""
        return "" if self.times == 1 else f"{self.times} times" if self.times < A_FLOOD else "many times"

    @property
    def by_key(self) -> str:
        """The key's name, or that there was none; else the door."""
        return self.source.removeprefix("key:").replace(":", " ") or "no key that holds"

    @property
    def reason(self) -> str:
        """Why it was refused; empty for what was taken."""
        return "" if self.outcome in TAKEN else REASONS.get(self.outcome, self.outcome)


def counts(*, since: int) -> Counts:
    """Of the hours since an instant, and the one it lies in."""
    rows = CaptureCount.objects.filter(hour_at__gte=floor_hour(since)).values_list("outcome")
    told = dict(rows.annotate(sum=Sum("number")).order_by())
    received = told.pop("received", 0)
    accepted, duplicate = (told.pop(outcome, 0) for outcome in TAKEN)
    return Counts(received, accepted, duplicate, sum(told.values()))


def counts_of_sources(*, since: int) -> dict[str, tuple[int, int]]:
    """How much was received under each source, and how much of it refused."""
    rows = CaptureCount.objects.filter(hour_at__gte=floor_hour(since)).values_list("source", "outcome")
    told: dict[str, tuple[int, int]] = {}
    for source, outcome, number in rows.annotate(sum=Sum("number")).order_by():
        received, refused = told.get(source, (0, 0))
        if outcome == "received":
            received += number
        elif outcome not in TAKEN:
            refused += number
        told[source] = received, refused
    return told


def waiting() -> int:
    """How many messages lie in the inbox and were not taken in yet."""
    path = inbox_path()
    if not path.exists():
        return 0
    try:
        inbox = Inbox(path)
    except Fault:
        return 0
    try:
        position = InboxPosition.objects.filter(pk=inbox.id).values_list("number", flat=True).first() or 0
        return inbox.waiting(position)
    finally:
        inbox.close()


def by_other_doors(*, since: int) -> tuple[int, int]:
    """How often forms were filled, and how many messages came to webhooks (of those that are kept)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT COUNT(*) FROM capture_formsubmission WHERE submitted_at >= %s),"
            " (SELECT COUNT(*) FROM capture_hookmessage WHERE received_at >= %s)",
            [since, since],
        )
        forms, messages = cursor.fetchone()
    return forms, messages


def feed(limit: int = 20) -> list[Came]:
    """The latest by whatever door, the newest first, with whom each is of; the same again and again is one line."""
    came = [*_by_collector(_LOOKED_AT), *_by_forms(limit), *_by_webhooks(limit)]
    latest = sorted(came, key=lambda each: each.received_at, reverse=True)[:_LOOKED_AT]
    owners = _owners([each.seq for each in latest if each.seq is not None])
    lines: list[Came] = []
    for each in latest:
        name, uuid = owners.get(each.seq or 0, ("", ""))
        line = replace(each, person=name, person_uuid=uuid)
        if lines and _alike(lines[-1]) == _alike(line):
            lines[-1] = replace(lines[-1], times=lines[-1].times + 1)
        elif len(lines) == limit:
            break
        else:
            lines.append(line)
    return lines


def _alike(line: Came) -> tuple[str, str, str, str]:
    return line.person_uuid, line.source, line.said, line.outcome


def _by_collector(limit: int) -> list[Came]:
    rows = Arrival.objects.order_by("-pk").values_list("received_at", "source", "said", "outcome", "event_seq")
    return [Came(*row) for row in rows[:limit]]


def _by_forms(limit: int) -> list[Came]:
    rows = list(FormSubmission.objects.order_by("-pk").values_list("submitted_at", "form__slug", "message_id")[:limit])
    sources, ids = {f"form:{slug}" for _, slug, _ in rows}, [id_ for *_, id_ in rows]
    told = Event.objects.filter(source__in=sources, message_id__in=ids) if rows else Event.objects.none()
    seqs = {(source, id_): seq for source, id_, seq in told.values_list("source", "message_id", "seq")}
    return [
        Came(at, f"form:{slug}", "Filled a form", "accepted", seqs.get((f"form:{slug}", id_))) for at, slug, id_ in rows
    ]


def _of_message(outcome: str, said: str, events: int) -> str:
    told = (f"{events} event{'' if events == 1 else 's'}" if outcome == "accepted" else "", said)
    return "; ".join(part for part in told if part)


def _by_webhooks(limit: int) -> list[Came]:
    rows = HookMessage.objects.order_by("-pk").values_list("received_at", "webhook__name", "outcome", "words", "events")
    return [
        Came(at, f"webhook:{name}", _of_message(outcome, said, events), outcome, None)
        for at, name, outcome, said, events in rows[:limit]
    ]


def refused(*, reason: str = "", source: str | None = None) -> QuerySet[RefusedEvent]:
    """What was refused and not replayed since, the latest first."""
    rows = RefusedEvent.objects.filter(replayed_at=None).order_by("-pk")
    if reason:
        rows = rows.filter(reason=reason)
    return rows if source is None else rows.filter(source=source)


def reasons(*, source: str | None = None) -> list[tuple[str, str, int]]:
    """(reason, its words, how many events) of what was refused and not replayed, the most first."""
    rows = refused(source=source).order_by().values_list("reason")
    told = rows.annotate(sum=Sum("count")).order_by("-sum")
    return [(reason, REASONS.get(reason, reason), number) for reason, number in told]


def _owners(seqs: Sequence[int]) -> dict[int, tuple[str, str]]:
    events = dict(Event.objects.filter(seq__in=seqs).values_list("seq", "person_id"))
    living = dict(Alias.objects.filter(old_id__in=events.values()).values_list("old_id", "living_id"))
    people = Person.objects.in_bulk({living.get(id_, id_) for id_ in events.values() if id_ is not None})
    found = {}
    for seq, id_ in events.items():
        person = people.get(living.get(id_, id_))
        if person is not None:
            found[seq] = (person.called, str(person.uuid))
    return found


DAY_AND_NIGHT: Final = 24 * HOUR
