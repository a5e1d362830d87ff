"""A house of 100 000 people and 1 000 000 events, and how long its pages take through the whole app, warm, one client.

The house's history is written past the doors (the door's own speed is another figure); where everybody stands by it is
decided by the house itself. It is kept under var/ for the next run.
"""

import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus
from uuid import UUID

ROOT: Final = Path(__file__).resolve().parents[1]
FILLED: Final = 2
"""Rises when the house is to be filled in another way."""
CONDITIONS: Final = (
    "score >= 20",
    'stage == "mql" and status == "active"',
    'stage == "lead" and person.title.matches("*chief*")',
    'times("Pricing page") >= 2',
    'times("page_viewed") >= 5 and score >= 10',
    'company.employees >= 500 and not (person.country == "DE")',
    'since("email_clicked") < days(30)',
    "idle >= days(60) and fit >= 20",
    'person.source in ["fair", "search"] or bant >= 1',
)
SORTS: Final = ("", "score", "since", "last.up", "score.up")
SEARCHES: Final = ("ana", "ber", "chief", "firm7", "lind")
WARM: Final = 20


@dataclass(frozen=True)
class Took:
    """Milliseconds within which 50 and 95 of 100 answers came, by the wall and of processor time; most queries."""

    page: str
    p50: float
    p95: float
    cpu_p95: float
    queries: int


def measure(*, people: int, events: int, requests: int) -> list[Took]:
    """Each kind of page, asked `requests` times at addresses that differ."""
    os.environ["RUNG_HOME"] = str(ROOT / "var" / f"bench-{people}-{FILLED}")
    from rung import starting

    starting.open_house()
    from django.test import Client

    from rung.access.actions import add_user
    from rung.access.models import User
    from rung.jobs.clock import now
    from rung.people.models import Person

    if not Person.objects.exists():
        fill(people, events)
    user = User.objects.filter(role="admin").first() or add_user(
        email="bench@rung.example", role="admin", by="bench", at=now()
    )
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    return [took(client, name, addresses) for name, addresses in pages(requests).items()]


def pages(requests: int) -> dict[str, list[str]]:
    """The addresses of each kind of page. Persons and companies are drawn twice: any, and by how much they did."""
    from rung.history.models import Event
    from rung.people.models import Company, Person

    rng = random.Random(1)
    last = Event.objects.order_by("-seq").values_list("seq", flat=True)[0]
    drawn = Event.objects.filter(seq__in=rng.sample(range(1, last), requests))
    active = [id_ for id_ in drawn.values_list("person_id", flat=True) if id_]
    anyone = rng.sample(range(1, Person.objects.count()), requests)
    of_events = [id_ for id_ in drawn.values_list("company_id", flat=True) if id_]
    any_company = rng.sample(range(1, Company.objects.count()), requests)
    mixed = [*active[: requests // 2], *anyone[: requests - requests // 2]]
    firms = ([*of_events, *any_company][:requests]) if of_events else any_company
    rng.shuffle(mixed)
    lists = ["/people", *(f"/people?where={quote_plus(where)}&sort={sort}" for where in CONDITIONS for sort in SORTS)]
    lists += [f"/people?sort={sort}" for sort in SORTS] + [f"/people?q={text}" for text in SEARCHES]
    rng.shuffle(lists)
    return {
        "people": [lists[n % len(lists)] for n in range(requests)],
        "person": [f"/people/{UUID(int=id_)}" for id_ in mixed],
        "company": [f"/companies/{UUID(int=id_)}" for id_ in firms],
        "companies": [("/companies", "/companies?sort=first", "/companies?q=firm7")[n % 3] for n in range(requests)],
        "ladder": [("/ladder", "/ladder?period=quarter")[n % 2] for n in range(requests)],
    }


def took(client: Any, page: str, addresses: list[str]) -> Took:
    """How long the page takes; the first answers, which warm what a process keeps, are not counted."""
    walls, cpus, queries = [], [], 0
    for turn, address in enumerate([*addresses[:WARM], *addresses]):
        asked, wall, cpu = counted(lambda address=address: client.get(address))
        if asked[0].status_code != 200:
            raise RuntimeError(f"{address} answered {asked[0].status_code}")
        if turn >= WARM:
            walls.append(1_000 * wall)
            cpus.append(1_000 * cpu)
            queries = max(queries, asked[1])
    if os.environ.get("RUNG_BENCH_SLOWEST"):
        for wall, address in sorted(zip(walls, addresses, strict=True), reverse=True)[:12]:
            print(f"  {wall:7.1f} ms  {address}", file=sys.stderr)  # noqa: T201
    return Took(page, statistics.median(walls), at_95(walls), at_95(cpus), queries)


def counted(ask: Callable[[], Any]) -> tuple[tuple[Any, int], float, float]:
    """The answer and how many queries it took, with seconds by the wall and of processor time."""
    from django.db import connection

    asked = 0

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal asked
        asked += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = ask()
        return (answer, asked), time.perf_counter() - wall, time.process_time() - cpu


def at_95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]


# filling


TITLES: Final = ("Chief Financial Officer", "Head of IT", "Developer", "VP Sales", "Assistant", "Plant manager", "CIO")
KINDS: Final = (
    ("page_viewed", 60), ("email_opened", 12), ("content_downloaded", 6), ("form_submitted", 4), ("email_clicked", 5),
    ("webinar_attended", 3), ("demo_requested", 1), ("call_made", 3), ("contacted", 2), ("handoff_accepted", 1),
    ("handoff_rejected", 0.5), ("bant_answered", 1), ("deal_opened", 0.5), ("deal_won", 0.2),
)  # fmt: skip
PATHS: Final = ("/", "/pricing", "/product", "/blog/how-to-choose", "/docs/start", "/customers", "/about", "/contact")
DATA: Final[dict[str, Callable[[random.Random], dict[str, Any]]]] = {
    "page_viewed": lambda rng: {"path": rng.choice(PATHS), "title": "A page"},
    "form_submitted": lambda rng: {"form": rng.choice(("Contact", "Guide", "Newsletter"))},
    "content_downloaded": lambda rng: {"content": "Guide"},
    "handoff_rejected": lambda rng: {"reason": "No budget"},
    "contacted": lambda rng: {"outcome": rng.choice(("positive", "neutral", "no_answer"))},
    "bant_answered": lambda rng: {"letter": rng.choice(("budget", "authority", "need", "timing")), "confirmed": True},
    "deal_won": lambda rng: {"deal": "d1", "amount": 500_000, "currency": "EUR"},
}
SOURCES: Final = ("search", "fair", "referral", "newsletter", "ads")


def fill(people: int, events: int) -> None:
    """A year that ends now: events, companies and people as told; then everybody decided by the playbook in force."""
    from django.db import transaction

    from rung.history.models import Event
    from rung.jobs.clock import now
    from rung.lifecycle import bulk, compiling
    from rung.lifecycle.generations import ensure_playbook
    from rung.people import actions
    from rung.people.models import Company, Identity, Person
    from rung.terms.instants import DAY

    at = now()
    print(f"Filling a house of {people:,} people and {events:,} events …", file=sys.stderr)  # noqa: T201
    line = ensure_playbook(at=at)
    companies = max(1, people // 20)
    with transaction.atomic():
        insert(Company, ({**known(n), "key": f"firm{n}.example", "first_seen_at": 0} for n in range(1, companies + 1)))
        insert(Person, ({**known(n), "first_seen_at": 0, "last_event_at": 0, "is_anonymous": n % 7 == 0}
                        for n in range(1, people + 1)))  # fmt: skip
        emails = ((n, f"p{n}@mail.example") for n in range(1, people + 1) if n % 7)
        insert(Identity, ({"kind": "email", "value": key, "person_id": n, "since_at": 0} for n, key in emails))
        insert(Event, history(people, companies, events, start=at - 365 * DAY, end=at))
        actions.describe_companies_again(set(range(1, companies + 1)))
    compiling.allow()
    compiling.begin(events)
    with transaction.atomic():
        bulk.decide_again(line, range(1, people + 1), at=at, is_first=True, progress=told)


def told(done: int, of: int) -> None:
    if done % 10_000 == 0 or done == of:
        print(f"  {done:,} of {of:,} people decided", file=sys.stderr)  # noqa: T201


def known(n: int) -> dict[str, Any]:
    return {"id": n, "uuid": UUID(int=n).hex}


def history(people: int, companies: int, events: int, *, start: int, end: int) -> Iterator[dict[str, Any]]:
    """In order of time: companies described, then somebody new every so often; some do far more than others, and some
    companies have a thousand people where most have ten."""
    rng = random.Random(1)
    kinds = rng.choices([name for name, _ in KINDS], [weight for _, weight in KINDS], k=events)
    told = 0
    for n in range(1, companies + 1):
        industry = rng.choice(("Software", "Logistics", "Retail", "Energy"))
        data = {"name": f"Firm {n}", "industry": industry, "employees": rng.randrange(5, 5_000)}
        yield event(n, None, n, "company_described", start, data)
        told += 1
    rest = events - told
    every, here = rest / people, 0
    for number in range(rest):
        at = start + (end - start) * number // rest
        if number >= here * every and here < people:
            here += 1
            company = 1 + int(companies * rng.random() ** 2) if rng.random() < 0.7 else None
            yield event(told + number + 1, here, company, "person_described", at, described(here, rng))
            continue
        kind = kinds[number]
        made = DATA.get(kind)
        person = 1 + int(here * rng.random() ** 2)
        yield event(told + number + 1, person, None, kind, at, made(rng) if made else {})


def described(n: int, rng: random.Random) -> dict[str, Any]:
    source = {"source": rng.choice(SOURCES)}
    if n % 7 == 0:
        return source
    from rung.demo.names import COUNTRIES

    country = rng.choice(COUNTRIES)
    name = f"{rng.choice(country.given)} {rng.choice(country.family)}"
    who = {"name": name, "email": f"p{n}@mail.example", "title": rng.choice(TITLES), "country": country.code}
    return {**who, **source}


def event(
    seq: int, person: int | None, company: int | None, kind: str, at: int, data: dict[str, Any]
) -> dict[str, Any]:
    return {
        "seq": seq, "person_id": person, "company_id": company, "kind": kind, "at": at, "received_at": at,
        "source": "bench", "message_id": f"m{seq}", "data": json.dumps(data),
    }  # fmt: skip


def insert(model: Any, rows: Iterator[dict[str, Any]]) -> None:
    from rung import tables

    fields = {field.column: field for field in model._meta.concrete_fields}
    defaults = {name: json.dumps({}) if name in ("traits", "data") else f.get_default() for name, f in fields.items()}
    rows = iter(rows)
    first = next(rows)
    names = [name for name in fields if name in first or not fields[name].primary_key]

    def values() -> Iterator[list[Any]]:
        yield [first.get(name, defaults[name]) for name in names]
        for row in rows:
            yield [row.get(name, defaults[name]) for name in names]

    tables.insert(model, names, values())
