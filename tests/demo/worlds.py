"""Demo companies that several tests look at, made once."""

from functools import cache

from rung.demo.company import Demo
from rung.demo.story import Told
from rung.terms.instants import parse_instant

NOW = parse_instant("2026-11-19T13:32:00Z")


@cache
def shipped() -> tuple[Demo, list[Told]]:
    """The one that `rung demo` makes."""
    demo = Demo(people=5000, months=18, seed=7, now=NOW)
    return demo, demo.told()


@cache
def small() -> tuple[Demo, list[Told]]:
    """One that the engine decides in seconds."""
    demo = Demo(people=400, months=18, seed=7, now=NOW)
    return demo, demo.told()
