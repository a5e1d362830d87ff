"""A history in which one line of the playbook misleads: whoever reads the salary paper is handed over, and rejected."""

from engine.trying_world import BOOK, event, pages
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load

WORLD = BOOK.replace(
    "stages:",
    """  - {name: Salary paper, on: content_downloaded, when: 'data.title.contains("salar")', points: 20, cap: 20}
fit:
  - {name: Harbour, when: company.industry == "Ports", points: 10}
stages:""",
).replace("mql: {enter: score >= 50}", "mql: {enter: 'score >= 50 or times(question_asked) >= 2'}")


def book() -> Playbook:
    return load(WORLD)


def career(person: str, month: int) -> list[dict[str, object]]:
    """Somebody who reads prices thrice and the salary paper: handed over by the paper alone, and rejected."""
    day = f"{month:02}"
    return [
        *pages(person, f"{day}-01", f"{day}-02", f"{day}-03"),
        event(person, f"{day}-04", "content_downloaded", title="What salaries cost"),
        event(person, f"{day}-05", "handoff_rejected", reason="Not urgent"),
    ]


def buying(person: str) -> list[dict[str, object]]:
    days = ("04-01", "04-02", "04-03", "04-06", "04-07")
    return [*pages(person, *days), event(person, "04-08", "handoff_accepted")]


def lives() -> list[dict[str, object]]:
    """Six are rejected for the paper; one of them is handed over anyway, later; ana wins without it,
    five others are accepted; ivo asks twice."""
    return [
        *career("bo", 2),
        *career("cy", 3),
        *career("dan", 4),
        *career("eva", 1),
        *career("fay", 5),
        *career("gil", 6),
        event("eva", "05-20", "demo_requested", hour=9),
        *pages("ana", "01-05", "01-06", "01-07", "01-08", "01-12"),
        event("ana", "01-13", "handoff_accepted"),
        event("ana", "03-02", "deal_won", deal="d1", amount=100_00, currency="EUR"),
        *(each for person in ("kai", "lea", "mo", "nia", "ole") for each in buying(person)),
        event("ivo", "02-01", "question_asked"),
        event("ivo", "02-02", "question_asked"),
        event("ivo", "02-03", "handoff_rejected", reason="No budget"),
    ]
