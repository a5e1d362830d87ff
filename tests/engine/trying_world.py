"""A small history as text, for tests of what a changed definition would have done."""

import io
import json

from rung.engine.files import reading
from rung.engine.trying.ground import Ground
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load
from rung.terms.instants import parse_instant

UNTIL = "2026-06-30T00:00:00Z"
BOOK = """playbook: 1
name: Acme
signals:
  - {name: Pricing page, on: page_viewed, when: 'data.path.startswith("/pricing")', points: 10}
  - {name: Demo request, on: demo_requested, points: 50, hand_raise: yes}
stages:
  lead: {enter: signals >= 1}
  mql: {enter: score >= 50}
  sal: {enter: accepted}
  opportunity: {enter: need and not rejected}
  customer: {enter: deal.won}
setbacks:
  - {to: nurture, when: 'stage in ["mql", "sal"] and rejected', because: Sales rejected, rest: 30d}
handoff: {on: mql, accept_within: {scored: 1 business day}, reject_reasons: [{reason: No budget}, {reason: Not urgent}]}
duties:
  marketing: {mqls_per_month: 1, accepted_share: 50%}
  sales: {cadence: {calls: 2, mails: 1, within: 5 business days}}
calendar: {timezone: Europe/Berlin, hours: Mon-Fri 09:00-17:00}
"""


def book(score: int = 50) -> Playbook:
    return load(BOOK.replace("score >= 50", f"score >= {score}"))


def event(person: str, day: str, kind: str, hour: int = 10, **data: object) -> dict[str, object]:
    by = {"by": "sam"} if kind.startswith(("handoff_", "bant_", "deal_")) else {}
    return {"person": f"{person}@x.example", "at": f"2026-{day}T{hour:02}:00:00Z", "kind": kind, "data": data, **by}


def pages(person: str, *days: str) -> list[dict[str, object]]:
    return [event(person, day, "page_viewed", path="/pricing") for day in days]


def year() -> list[dict[str, object]]:
    """Ana is handed over, accepted and won; Bo rejected; Cleo waits; Dan reads four pages and buys by telephone."""
    return [
        event("ana", "01-05", "person_identified", source="fair"),
        *pages("ana", "01-05", "01-06", "01-07", "01-08", "01-12"),
        event("ana", "01-13", "handoff_accepted"),
        event("ana", "01-20", "bant_answered", letter="need", confirmed="yes"),
        *pages("ana", "02-02"),
        event("ana", "03-02", "deal_won", deal="d1", amount=100_00, currency="EUR"),
        event("bo", "02-03", "demo_requested"),
        event("bo", "02-04", "handoff_rejected", reason="No budget"),
        event("cleo", "06-25", "demo_requested"),
        *pages("dan", "03-01", "03-02", "03-03", "03-04"),
        event("dan", "04-01", "deal_won", deal="d2", amount=50_00, currency="EUR"),
        *pages("eva", "05-04", "05-05", "05-06", "05-07"),
    ]


def ground(events: list[dict[str, object]] | None = None, until: str = UNTIL) -> Ground:
    lines = "\n".join(json.dumps(each) for each in (year() if events is None else events)).encode()
    found = reading.read(io.BytesIO(lines))
    return Ground(found.history, until=parse_instant(until), refused=len(found.refused), is_compiled=False)
