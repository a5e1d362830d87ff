"""Matching: right on labelled people, and how it grows."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

from rung.people import labelled as tables
from rung.people import matching

KINDS = {"first": "first", "last": "last", "email": "email", "phone": "phone", "company": "company"}


@dataclass(frozen=True)
class Growth:
    """Pairs compared and processor time for some people, and for four times as many."""

    few_pairs: int
    many_pairs: int
    few_cpu: float
    many_cpu: float


def labelled(path: Path, truth: str) -> tables.Result:
    return tables.match(path, truth=truth)


def growth(people: int) -> Growth:
    few, few_cpu = _swept(people)
    many, many_cpu = _swept(4 * people)
    return Growth(few, many, few_cpu, many_cpu)


def _swept(people: int) -> tuple[int, float]:
    records = _crowd(people)
    began = time.process_time()
    pairs = matching.candidates(records, KINDS)
    matching.matches(records, KINDS, pairs=pairs)
    return len(pairs), time.process_time() - began


def _crowd(n: int) -> list[matching.Record]:
    """People out of the same names and firms, one in twenty of them a second time with slips."""
    rng = random.Random(4)
    told: list[dict[str, str]] = []
    for number in range(n):
        if number % 20 == 19:
            told.append({**rng.choice(told), "email": f"private{number}@mail.example"})
            continue
        first, last, firm = f"First{rng.randrange(400)}", f"Last{rng.randrange(2_000)}", rng.randrange(1, 3_000)
        told.append(
            {
                "first": first,
                "last": last,
                "email": f"{first}.{last}{number}@firm{firm}.example",
                "phone": f"+351{rng.randrange(900_000_000, 1_000_000_000)}",
                "company": f"firm{firm}.example",
            }
        )
    return [matching.prepared(each, KINDS) for each in told]
