"""A house that lives, and tables as they really come: twice the same row, dates that are none, people we know already.

Used by the test of undoing and by `faults/run.py undoing`, which does the same with a hundred thousand rows.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from rung.terms.instants import DAY, HOUR, format_instant, parse_instant

BEGAN: Final = parse_instant("2026-01-05T08:00:00Z")
LIVED: Final = parse_instant("2026-03-09T09:00:00Z")
"""A Monday; until then the house has lived by itself."""
IMPORTED: Final = LIVED + HOUR
ACTED: Final = LIVED + 2 * HOUR
WORKED: Final = LIVED + 3 * HOUR
UNDONE: Final = LIVED + DAY

PLAYBOOK: Final = """
playbook: 1
name: Dirty
fit:
  - {name: Boss, when: 'person.title.matches("head of *")', points: 20}
  - {name: Right size, when: company.employees >= 50, points: 15}
signals:
  - {name: Page, on: page_viewed, points: 5, cap: 30, half_life: 14d}
  - {name: Demo, on: demo_requested, points: 40, half_life: 30d, hand_raise: yes}COLLEAGUES
stages:
  lead: {enter: reachable and signals >= 1}
  mql: {enter: score >= 40 or times("Demo") >= 1}
  sal: {enter: accepted}
  opportunity: {enter: bant >= 1 and reached}
  customer: {enter: deal.won}
setbacks:
  - {to: nurture, when: 'stage in ["mql", "sal"] and rejected', because: Sales rejected, rest: 10d}
  - {to: lost, when: 'stage in ["mql", "sal", "opportunity"] and deal.lost', because: Deal lost, rest: 60d}
  - {to: nurture, when: 'stage in ["lead", "mql"] and idle >= days(40)', because: No sign of life}
handoff:
  on: mql
  accept_within: {hand_raise: 30 business minutes, scored: 1 business day}
  first_touch_within: 1 business day
  must_document: [source]
  reject_reasons: [{reason: No budget, rest: 90d}]
  return_reasons: [Wrong owner]
  route: [{to: the north team}]
calendar: {timezone: Europe/Berlin, hours: Mon-Fri 09:00-17:30, holidays: DE}
"""
COLLEAGUES: Final = "\n  - {name: Active colleague, on: page_viewed, from: company, points: 2, cap: 10, half_life: 5d}"

MAPPING: Final = """
import: 1
zone: Europe/Berlin
tables:
  - name: people
    columns: [email, record, firm, job, created]
    person: {text: '{email}', else: ''}
    company: firm
    at: {column: created, format: ['%Y-%m-%d', day first]}
    traits: {name: name, title: job, phone: phone, source: source, note: note, employees: {column: size, type: number}}
  - name: deals
    columns: [email, deal, opened, closed, stage]
    person: email
    company: firm
    events:
      - {kind: deal_opened, at: {column: opened, format: day first}, data: {deal: deal}}
      - {kind: deal_won, at: {column: closed, format: day first}, when: {column: stage, is: Won}, by: stage,
         data: {deal: deal}}
      - {kind: deal_lost, at: {column: closed, format: day first}, when: {column: stage, is: Lost}, data: {deal: deal}}
  - name: activities
    columns: [email, what, when]
    person: email
    events:
      - {kind: demo_requested, at: {column: when, format: day first}, when: {column: what, is: Demo}}
      - {kind: page_viewed, at: {column: when, format: day first}, when: {column: what, is: Page}, data: {path: what}}
      - {kind: meeting_held, at: {column: when, format: day first}, when: {column: what, is: Meeting}}
  - name: companies
    columns: [domain, industry, size]
    company: domain
    at: {column: since, format: ['%Y-%m-%d']}
    company_traits: {name: title, industry: industry, employees: {column: size, type: number}}
"""
JOBS: Final = ("Head of IT", "head of sales", "Clerk", "CFO", "=cmd|' /C calc'!A0", "Größe & Söhne", "")
DAYS: Final = ("2026-02-03", "03.02.2026", "3/2/26", "31.02.2026", "soon", "", "2026-13-45", "45000", "17.01.2026")


def known_address(number: int) -> str:
    """Somebody of the house; of every seventh there was a second record, which was merged into the first."""
    return f"k{number}@firm{number // 5}.example"


def second_address(number: int) -> str:
    return f"k{number}@private{number}.example"


def past(people: int) -> Iterator[dict[str, Any]]:
    """What the house knew before, as keyword arguments of a new event: who they are, their companies, what they did."""
    dice = random.Random(5)
    for number in range(people):
        at = BEGAN + number * 1_000_000
        told = {"name": f"Known {number}", "title": dice.choice(JOBS[:4]), "source": "fair"}
        keys = {"email": known_address(number)} | ({"user_id": f"r{number}"} if number % 3 == 0 else {})
        yield {
            "kind": "person_described",
            "keys": keys,
            "data": told,
            "company": f"firm{number // 5}.example",
            "at": at,
        }
        if number % 5 == 0:
            data = {"employees": dice.choice((10, 80)), "industry": "Software"}
            yield {"kind": "company_described", "company": f"firm{number // 5}.example", "data": data, "at": at}
        if number % 7 == 0:
            yield {
                "kind": "person_described",
                "keys": {"email": second_address(number)},
                "data": {"note": "2"},
                "at": at,
            }
        for _ in range(dice.randrange(4)):
            when = BEGAN + dice.randrange(60 * 24) * HOUR
            kind = dice.choices(("page_viewed", "demo_requested", "meeting_held", "bant_answered"), (9, 2, 2, 1))[0]
            data = {"letter": "need", "confirmed": "yes"} if kind == "bant_answered" else {}
            yield {"kind": kind, "keys": {"email": known_address(number)}, "data": data, "at": when}


def write(folder: Path, rows: int, *, known: int, seed: int = 1) -> list[Path]:
    """Four tables of so many rows together, of which about half are of people the house knows."""
    dice = random.Random(seed)

    def address() -> str:
        number = dice.randrange(known)
        told = dice.random()
        if told < 0.45:
            return dice.choice((known_address(number), known_address(number).upper(), f" {known_address(number)} "))
        if told < 0.5:
            return second_address(number - number % 7)
        if told < 0.54:
            return dice.choice(("no address", "info@firm1.example", f"r{number - number % 3}", "a@b@c", ""))
        return f"n{dice.randrange(rows // 3)}@new{dice.randrange(rows // 12 + 1)}.example"

    def firm() -> str:
        return dice.choice(
            (
                f"firm{dice.randrange(known // 5 + 1)}.example",
                f"new{dice.randrange(rows // 12 + 1)}.example",
                "",
                "Old & Co",
            )
        )

    def day() -> str:
        return dice.choice(DAYS)

    people = ["email;record;firm;name;job;phone;source;note;size;created"]
    while len(people) < rows * 6 // 10:
        name, note = f"N {dice.randrange(900)} Müller", dice.choice(("", "=1+1", "a\tb", '"quoted; cell"', "x" * 1_200))
        row = f"{address()};{dice.randrange(99)};{firm()};{name};{dice.choice(JOBS)};+49 30 {dice.randrange(10**7)}"
        row += f";{dice.choice(('web', 'fair', ''))};{note};{dice.choice(('10', '1,200', 'many', ''))};{day()}"
        people += [row, row] if dice.random() < 0.1 else [row]
        if dice.random() < 0.02:
            people.append(
                dice.choice(
                    ("", ";;;;;;;;;", "too;few", row + ";too;many", 'open;"quote;a;b', row.replace("N", "N\x00"))
                )
            )
    deals = ["email,firm,deal,opened,closed,stage"]
    deals += [
        f"{address()},{firm()},d{dice.randrange(rows)},{day()},{day()},{dice.choice(('Won', 'Lost', 'Open'))}"
        for _ in range(rows * 15 // 100)
    ]
    acts = ["email,what,when"]
    acts += [f"{address()},{dice.choice(('Demo', 'Page', 'Page', 'Meeting', 'Nap'))},{day()}" for _ in range(rows // 5)]
    firms = ["domain,title,industry,size,since"]
    firms += [
        f"{firm()},Firm,{dice.choice(('Software', 'Farming'))},{dice.choice(('20', '200', 'x'))},2026-01-20"
        for _ in range(rows // 20)
    ]
    written = []
    for name, lines, encoding in (
        ("people", people, "cp1252"), ("deals", deals, "utf-8-sig"), ("activities", acts, "utf-16"),
        ("companies", firms, "utf-8"),
    ):  # fmt: skip
        path = folder / f"{name}.csv"
        ends = ("\n", "\r\n") if name == "people" else ("\n",)
        path.write_bytes("".join(line + dice.choice(ends) for line in lines).encode(encoding))
        written.append(path)
    return written


def told_of(folder: Path, most: int) -> list[str]:
    """Addresses of people whom only the tables tell of, as they stand in them."""
    rows = (folder / "people.csv").read_text(encoding="cp1252")
    found = sorted(set(re.findall(r"^(n\d+@new\d+\.example);", rows, re.MULTILINE)))
    return found[:: max(1, len(found) // most)][:most]


# Two houses compared

NOT_COMPARED: Final = frozenset(
    {
        *("history_event", "history_struck", "access_audit", "lifecycle_import", "capture_importedfile"),
        # What was told to somebody, whose turn it was, and what once counted as a move: memory, like the log.
        *("handoff_notification", "jobs_outbox", "handoff_rep", "lifecycle_formermove", "insight_snapshot"),
        *(
            "access_user",
            "django_migrations",
            "django_content_type",
            "auth_permission",
            "django_session",
            "sqlite_sequence",
        ),
    }
)
_NAMELESS: Final = frozenset(
    {
        *("lifecycle_standing", "lifecycle_state", "lifecycle_stagemove", "lifecycle_tally", "lifecycle_mark"),
        *("people_trait", "people_companytrait", "handoff_clock", "handoff_carried", "lifecycle_handoff"),
    }
)
"""Tables whose rows are written anew: their own ids are names of nothing."""
_UNLIKE: Final = {
    # How far the history was read, and a digest of ids.
    "lifecycle_standing": ("last_seq",),
    "lifecycle_state": ("last_seq", "lasting"),
    # What came in points at the event as it was told then.
    "capture_arrival": ("id", "event_seq"),
    **dict.fromkeys(("capture_capturecount", "capture_formsubmission", "capture_hookmessage"), ("id",)),
}
"""Columns that hold numbers given in the order in which things were written."""
_SEQS: Final = frozenset({"company_since_seq", "last_seq", "event_seq", "opened_seq"})
_HANDOFFS: Final = frozenset({"handoff_id", "assignment_id"})

Rows = Callable[[str], list[dict[str, Any]]]
"""The rows of a statement."""


def noticed_between(rows: Rows) -> frozenset[str]:
    """The names of those whose hand-off opened or was withdrawn by their own life while the import lay there, asked in
    the house without it. In the other house that is noticed when the import is gone."""
    kinds = "('handoff_opened', 'handoff_withdrawn')"
    of = f"SELECT person_id FROM history_event WHERE kind IN {kinds} AND at > {IMPORTED} AND at < {UNDONE}"
    names = Names.of(rows).people
    return frozenset(names[row["person_id"]] for row in rows(of))


def picture(rows: Rows, tables: list[str], later: frozenset[str] = frozenset()) -> dict[str, Counter[str]]:
    """All that a house holds, table by table, without names that are made up anew; and the events that count.

    People go by their keys and companies by theirs: whoever came while the import lay there has another id than in a
    house without it. Of the people in `later` everything but when the house noted their hand-offs' changes.
    """
    names = Names.of(rows)
    events = {row["seq"]: row for row in rows("SELECT * FROM history_event")}
    for row in events.values():
        names.give(row)
        if row["person_id"] in later and row["kind"] in _OURS:
            row["at"] = None
        row["data"] = names.told(_plain(row["data"]))
    struck = {row["seq"] for row in rows("SELECT seq FROM history_struck")}
    handoffs = {
        row["id"]: f"{names.people[row['person_id']]} at {row['opened_at']}"
        for row in rows("SELECT * FROM lifecycle_handoff")
    }
    found: dict[str, Counter[str]] = {}
    for table in sorted(name for name in set(tables) - NOT_COMPARED if not name.startswith("beside_")):
        found[table] = Counter(
            _told(table, _timeless(table, names.give(row, table), later), events, handoffs)
            for row in rows(f"SELECT * FROM {table}")
        )
    found["events that count"] = Counter(
        _of_event(row) for seq, row in events.items() if seq not in struck and row["kind"] != "import_undone"
    )
    return found


@dataclass(frozen=True)
class Names:
    """What people and companies are called in any house: id → the first of their keys; `uuids` of both alike."""

    people: dict[int, str]
    companies: dict[int, str]
    keys: dict[int, str]
    uuids: dict[str, str]

    @classmethod
    def of(cls, rows: Rows) -> "Names":
        keys: dict[int, list[str]] = {}
        given = rows("SELECT id, kind, value, person_id FROM people_identity")
        for row in given:
            keys.setdefault(row["person_id"], []).append(f"{_KINDS.index(row['kind'])} {row['value']}")
        told = rows("SELECT id, uuid, first_seen_at FROM people_person")
        people = {row["id"]: min(keys.get(row["id"], [f"nameless since {row['first_seen_at']}"])) for row in told}
        uuids = {str(UUID(str(row["uuid"]))): people[row["id"]] for row in told}
        firms = rows("SELECT id, uuid, key FROM people_company")
        uuids |= {str(UUID(str(row["uuid"]))): row["key"] for row in firms}
        told_keys = {row["id"]: f"{row['kind']} {row['value']}" for row in given}
        return cls(people, {row["id"]: row["key"] for row in firms}, told_keys, uuids)

    def give(self, row: dict[str, Any], table: str = "") -> dict[str, Any]:
        """The row with names in place of ids. Who was gone long ago has none, and is nobody's."""
        for column in _OF_PEOPLE & row.keys():
            row[column] = row[column] and self.people.get(row[column], "somebody who is gone")
        if "company_id" in row:
            row["company_id"] = row["company_id"] and self.companies.get(row["company_id"], "a company that is gone")
        if "identity_id" in row:
            row["identity_id"] = self.keys[row["identity_id"]]
        if table == "people_person":
            row["is"] = self.people[row["id"]]
        for column in ("id", "uuid") if table in _NAMED else ():
            row.pop(column, None)
        return row

    def told(self, data: dict[str, Any]) -> dict[str, Any]:
        """What an event tells, in which another person may be named."""
        return {name: self.uuids.get(value, value) if isinstance(value, str) else value for name, value in data.items()}


_KINDS: Final = ("email", "user_id", "phone", "anonymous_id")
_OF_PEOPLE: Final = frozenset({"person_id", "old_id", "into_id", "living_id", "left_id", "right_id"})
_NAMED: Final = frozenset({"people_person", "people_company", "people_identity", "people_alsotold"})

_OURS: Final = frozenset({"handoff_opened", "handoff_withdrawn", "sla_warned", "sla_breached"})
_NOTED_AT: Final = {
    "lifecycle_standing": ("last_at", "last_seq"),
    "lifecycle_state": ("state", "last_at", "last_seq"),
    "people_person": ("last_event_at",),
}
"""Where it shows when the house noted something."""


def _timeless(table: str, row: dict[str, Any], later: frozenset[str]) -> dict[str, Any]:
    """The row without when the house noted something of these people."""
    if table == "lifecycle_tally":
        names: tuple[str, ...] = ("last_at",) if row["name"] in _OURS else ()
    else:
        names = _NOTED_AT.get(table, ())
    if names and row["is" if table == "people_person" else "person_id"] in later:
        return {**row, **dict.fromkeys(names)}
    return row


def differences(one: dict[str, Counter[str]], other: dict[str, Counter[str]]) -> list[str]:
    """What only one of the houses holds, table by table, a few rows of each."""
    told = []
    for table in sorted({*one, *other}):
        more, less = one[table] - other[table], other[table] - one[table]
        told += [f"{table} lacks {row}" for row in list(more)[:3]] + [f"{table} has {row}" for row in list(less)[:3]]
    return told


def _told(table: str, row: dict[str, Any], events: dict[int, dict[str, Any]], handoffs: dict[int, str]) -> str:
    told: dict[str, Any] = {}
    for name, value in row.items():
        if (name == "id" and table in _NAMELESS) or (name == "uuid" and table == "lifecycle_handoff"):
            continue
        if name in _UNLIKE.get(table, ()):
            continue
        if name in _SEQS and value:
            value = _of_event(events[value])
        elif name in _HANDOFFS and value:
            value = handoffs[value]
        elif table == "lifecycle_state" and name == "state" and value:
            value = _of_state(bytes(value), events)
        told[name] = _plain(value)
    return json.dumps(told, sort_keys=True, default=str)


def _of_event(row: dict[str, Any]) -> str:
    data = _plain(row["data"])
    data = {name: value for name, value in data.items() if name != "handoff"}
    told = [row["kind"], row["at"], row["person_id"], row["company_id"], row["source"], row["by"]]
    return json.dumps([*told, row["occurred_at"], data], sort_keys=True)


def _of_state(state: bytes, events: dict[int, dict[str, Any]]) -> str:
    import msgspec
    import numpy as np

    from rung.engine.kernel import LAST_SEQ
    from rung.engine.states import Kept

    kept = msgspec.msgpack.decode(state, type=Kept)
    places = np.flatnonzero(np.unpackbits(np.frombuffer(kept.differs, np.uint8))).tolist()
    numbers: dict[int, Any] = dict(zip(places, np.frombuffer(kept.numbers, "<i8").tolist(), strict=True))
    seen_at, seen_seq = kept.seen
    if LAST_SEQ in numbers:
        numbers[LAST_SEQ] = _of_event(events[numbers[LAST_SEQ]])
    seen = seen_at, _of_event(events[seen_seq]) if seen_seq > 0 else seen_seq
    return json.dumps([kept.version, seen, numbers, kept.values, kept.deals, kept.spoilt], sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return int(value) if isinstance(value, bool) else value


def stated(at: int) -> str:
    """For whoever reads a difference."""
    return format_instant(at)
