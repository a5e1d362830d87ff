"""Tasks: what one of ours means to do with a person and when; done, snoozed, and as a calendar to subscribe to."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import uuid_utils.compat
from django.db import transaction
from django.db.models import F

from rung.access.actions import Refused, audited, require
from rung.access.models import User
from rung.handoff.models import Feed, Task
from rung.jobs import locks
from rung.lifecycle.actions import record
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.playbook.definitions import Playbook
from rung.terms.instants import DAY, MINUTE, BadInstant, micros, moment, parse_instant
from rung.terms.values import BadValue, clean_text

MOST_AHEAD: Final = 5 * 366 * DAY
MORNING: Final = 9
"""The hour at which a task without a time of day is due."""
SNOOZES: Final = {"hour": 1, "day": 24, "week": 168}
LONGEST_MEETING: Final = 1_440
FEED_BACK: Final = 30 * DAY


class CannotPlan(Refused):
    """What was asked for cannot be planned; the text says why and what to write."""


def plan(
    *,
    person: Person,
    kind: str,
    what: str,
    day: str,
    hour: str,
    by: User,
    at: int,
    playbook: Playbook,
    minutes: str = "",
    attendees: str = "",
) -> Task:
    """A next step for whoever plans it. `day` as 2027-03-01, `hour` as 14:30 in the playbook's zone or nothing.

    A meeting that is planned was agreed with them: it is an event too, with its time, agenda and who comes.
    """
    require(by, "log touches")
    if kind not in Task.KINDS:
        raise CannotPlan(f"{kind[:40]!r} is no kind of task: choose one of {', '.join(Task.KINDS)}.")
    due_at, lasts = _due(day, hour, playbook, at), _length(minutes, kind)
    with transaction.atomic():
        locks.hold()
        if kind == "meeting":
            _book(person, due_at, agenda=_text(what), attendees=_text(attendees), by=by, at=at)
        task = Task.objects.create(
            uuid=uuid_utils.compat.uuid7(),
            person=person,
            owner=by,
            kind=kind,
            what=_text(what) or kind.capitalize(),
            due_at=due_at,
            minutes=lasts,
            attendees=_text(attendees) if kind == "meeting" else "",
            created_at=at,
        )
        audited(by=by, verb="planned task", object=f"person {person.pk}", data={"kind": kind, "due_at": due_at}, at=at)
    return task


def _due(day: str, hour: str, playbook: Playbook, at: int) -> int:
    due_at = _instant(day, hour, playbook)
    if not at - DAY <= due_at <= at + MOST_AHEAD:
        raise CannotPlan("The day must not be over, and lie at most five years ahead.")
    return due_at


def _length(minutes: str, kind: str) -> int:
    """Minutes: as told, else half an hour for a meeting, and none for what is only due."""
    lasts = minutes.strip() or ("30" if kind == "meeting" else "0")
    if not (lasts.isascii() and lasts.isdigit() and len(lasts) <= 4 and int(lasts) <= LONGEST_MEETING):
        raise CannotPlan("Write how many minutes it takes, at most 1440.")
    return int(lasts)


def _book(person: Person, meeting_at: int, *, agenda: str, attendees: str, by: User, at: int) -> None:
    """A meeting that is planned was agreed with them: they booked it."""
    told = {"meeting_at": moment(meeting_at).isoformat(), "agenda": agenda, "attendees": attendees}
    booked = NewEvent("meeting_booked", person=person.pk, data={name: text for name, text in told.items() if text})
    recorded = record([booked], by=by, at=at)
    if recorded.refused:
        raise CannotPlan(recorded.refused[0].reason)


def done(*, tasks: Iterable[Task], by: User, at: int) -> int:
    """Ticks tasks off; whoever did something notes it as a touch, which is what counts."""
    return _changed(tasks, by=by, at=at, verb="finished task", done_at=at)


def call_off(*, tasks: Iterable[Task], by: User, at: int) -> int:
    """Takes tasks off the list that will not be done. A meeting that was agreed with them and does not take place is an
    event too: what was set is set no more, and clocks run on."""
    with transaction.atomic():
        locks.hold()
        open_ = Task.objects.filter(pk__in=[task.pk for task in tasks], done_at=None)
        chosen = list(open_.select_related("person"))
        count = _changed(chosen, by=by, at=at, verb="called off task", done_at=at, cancelled_at=at)
        meetings = [task.person_id for task in chosen if task.kind == "meeting" and task.person_id is not None]
        off = [NewEvent("meeting_missed", person=person_id, data={"called_off": True}) for person_id in meetings]
        if off and (told := record(off, by=by, at=at)).refused:
            raise CannotPlan(told.refused[0].reason)
    return count


def of_person(person: Person, *, most: int) -> list[Task]:
    """What is planned with somebody, by whomever, the next first."""
    rows = Task.objects.filter(person=person, done_at=None).select_related("owner")
    return list(rows.order_by("due_at", "pk")[:most])


def snooze(*, tasks: Iterable[Task], how_long: str, by: User, at: int) -> int:
    """Puts tasks off by an hour, a day or a week from now; the later touches of a sequence keep their distance."""
    if how_long not in SNOOZES:
        raise CannotPlan(f"Choose one of {', '.join(SNOOZES)}.")
    later = at + SNOOZES[how_long] * 60 * MINUTE
    first: dict[int, Task] = {}
    # Of one sequence the first is put off, and takes the others along.
    chosen = [
        task
        for task in sorted(tasks, key=lambda task: task.due_at)
        if task.run_id is None or first.setdefault(task.run_id, task) is task
    ]
    with transaction.atomic():
        count = _changed(chosen, by=by, at=at, verb="snoozed task", due_at=later)
        for run_id, task in first.items():
            following = Task.objects.filter(run_id=run_id, done_at=None, due_at__gte=task.due_at).exclude(pk=task.pk)
            following.update(due_at=F("due_at") + max(0, later - task.due_at))
    return count


def wake(*, person: Person, owner: User, day: str, because: str, key: str, at: int, playbook: Playbook) -> None:
    """The house's own reminder, made once: the day has come that a rejection named."""
    try:
        due_at = _instant(day, "", playbook)
    except CannotPlan:
        return
    told = {"uuid": uuid_utils.compat.uuid7(), "person": person, "owner": owner, "kind": "call", "created_at": at}
    Task.objects.get_or_create(key=key, defaults={**told, "what": f"Woke up today: {because}"[:500], "due_at": due_at})


def keep_reminders(
    *, of: str, wanted: Mapping[str, tuple[User, str, date]], href: str, at: int, playbook: Playbook
) -> None:
    """The house's own reminders about no person: key → whose, what, and the day at whose morning it is due.

    Those of `of`, the beginning of their keys, that nobody wants any more and nobody has ticked off are taken away.
    """
    Task.objects.filter(key__startswith=of, done_at=None).exclude(key__in=list(wanted)).delete()
    known = set(Task.objects.filter(key__in=list(wanted)).values_list("key", flat=True))
    Task.objects.bulk_create(
        [
            Task(
                uuid=uuid_utils.compat.uuid7(),
                owner=owner,
                kind="other",
                what=what[:500],
                href=href,
                due_at=_instant(day.isoformat(), "", playbook),
                key=key,
                created_at=at,
            )
            for key, (owner, what, day) in wanted.items()
            if key not in known
        ],
        ignore_conflicts=True,
    )


def new_feed(*, by: User, at: int) -> str:
    """A new secret address for one's calendar; the old one ends. Returns the token, which is kept nowhere."""
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        Feed.objects.update_or_create(user=by, defaults={"hash": _hash(token), "created_at": at})
        audited(by=by, verb="made calendar address", object=by.email, data={}, at=at)
    return token


def feed_of(token: str) -> User | None:
    """Whose calendar the address opens."""
    found = Feed.objects.select_related("user").filter(hash=_hash(token)).first()
    return found.user if found is not None and found.user.is_active else None


def calendar(user: User, *, at: int, address: str) -> str:
    """The open tasks and those of the last month, as iCalendar (RFC 5545). `address`: where the pages are."""
    tasks = Task.objects.filter(owner=user, due_at__gte=at - FEED_BACK).select_related("person").order_by("due_at")
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Rung//Tasks//EN", "X-WR-CALNAME:Rung", "METHOD:PUBLISH"]
    for task in tasks[:2_000]:
        lines += _event(task, address, at)
    return "".join(f"{part}\r\n" for line in [*lines, "END:VCALENDAR"] for part in _folded(line))


def _event(task: Task, address: str, at: int) -> list[str]:
    about = f" ({task.person.called})" if task.person else ""
    done = "Done: " if task.done_at is not None and task.cancelled_at is None else ""
    lasts = max(task.minutes, 15) * MINUTE
    return [
        "BEGIN:VEVENT",
        f"UID:{task.uuid}@rung",
        # Of a published calendar it says when this copy was made: so a task that was put off replaces the older one.
        f"DTSTAMP:{_stamp(at)}",
        f"DTSTART:{_stamp(task.due_at)}",
        f"DTEND:{_stamp(task.due_at + lasts)}",
        f"SUMMARY:{_escaped(f'{done}{task.what}{about}')}",
        *([f"DESCRIPTION:{_escaped(f'With {task.attendees}')}"] if task.attendees else []),
        f"URL:{address}{f'/people/{task.person.uuid}' if task.person else task.href}",
        f"STATUS:{'CONFIRMED' if task.cancelled_at is None else 'CANCELLED'}",
        # A call to make is no time in which nobody may ask for a meeting; a meeting is.
        f"TRANSP:{'OPAQUE' if task.kind == 'meeting' else 'TRANSPARENT'}",
        "END:VEVENT",
    ]


def _stamp(at: int) -> str:
    return moment(at).strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    for plain, said in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r", ""), ("\n", "\\n")):
        text = text.replace(plain, said)
    return text


def _folded(line: str) -> list[str]:
    """Lines of at most 75 octets, never cut inside a character; what follows begins with a space."""
    parts, part, room = [], "", 75
    for character in line:
        size = len(character.encode())
        if room < size:
            parts.append(part)
            part, room = " ", 74
        part, room = part + character, room - size
    return [*parts, part]


def _changed(tasks: Iterable[Task], *, by: User, at: int, verb: str, **changes: int) -> int:
    chosen = list(tasks)
    if any(task.owner_id != by.pk for task in chosen):
        require(by, "assign owner")
    with transaction.atomic():
        Task.objects.filter(pk__in=[task.pk for task in chosen], done_at=None).update(**changes)
        for task in chosen:
            about = f"person {task.person_id}" if task.person_id else "agreement"
            audited(by=by, verb=verb, object=about, data={"task": str(task.uuid)}, at=at)
    return len(chosen)


def _instant(day: str, hour: str, playbook: Playbook) -> int:
    zone = ZoneInfo(playbook.calendar.timezone)
    try:
        on = moment(parse_instant(day.strip()[:10])).date()
        clock = datetime.strptime(hour.strip(), "%H:%M").time() if hour.strip() else None
        start = datetime(on.year, on.month, on.day, MORNING, tzinfo=zone)
        return micros(start if clock is None else start.replace(hour=clock.hour, minute=clock.minute))
    except (BadInstant, ValueError):
        raise CannotPlan("Write the day as 2027-03-01, and the time as 14:30.") from None


def _text(text: str) -> str:
    try:
        return clean_text(text, "text", 500)
    except BadValue as fault:
        raise CannotPlan(f"{fault}.") from None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def due_today(user: User, playbook: Playbook, *, at: int) -> Sequence[Task]:
    """Open tasks due by the end of today, the earliest first."""
    local = moment(at).astimezone(ZoneInfo(playbook.calendar.timezone))
    end = micros((local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0))
    rows = Task.objects.filter(owner=user, done_at=None, due_at__lt=end).select_related("person__company")
    return list(rows.order_by("due_at", "pk")[:100])
