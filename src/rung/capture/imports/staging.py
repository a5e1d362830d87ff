"""What another program's stages are to us: a customer has bought, an opportunity has a deal. All else our
agreement says itself. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rung.capture.imports import guessing
from rung.capture.imports.columns import Choices

DEALS: Final = "deals"
"""What may be asked for: a won deal for each customer, an open one for each opportunity."""
STAGE: Final = "stage"
BECAME: Final = {"customer": "became.customer", "opportunity": "became.opportunity"}
BEFORE: Final = "before"
"""The id of a deal of which no more is known than that it was made in the program before."""
CUSTOMERS: Final = frozenset(
    {
        "customer", "customers", "existing customer", "current customer", "active customer", "evangelist", "kunde",
        "kundin", "bestandskunde", "client", "cliente", "klant",
    }
)  # fmt: skip
"""As HubSpot's lifecycle, Pipedrive's labels and firms in other languages call whoever bought; an evangelist is a
customer who recommends (HubSpot)."""
OPPORTUNITIES: Final = frozenset({"opportunity", "opportunities", "verkaufschance", "oportunidad", "oportunidade"})
_MOST_NAMED: Final = 8
_MOST_STAGES: Final = 1_000


@dataclass(slots=True)
class Counted:
    """How many people a table says to be on which stage, and how many of each would get which deal."""

    trait: str
    stages: Counter[str] = field(default_factory=Counter)
    deals: Counter[str] = field(default_factory=Counter)
    """`deal_won customer` → how many."""
    _seen: set[int] = field(default_factory=set)

    def look(self, kind: str, data: Mapping[str, Any], who: object) -> None:
        """Counts what an event says, each person once a stage."""
        if kind == "person_described":
            stage = data.get(self.trait) if self.trait else None
        else:
            stage = data.get("stage") if kind in ("deal_won", "deal_opened") and data.get("deal") == BEFORE else None
        mark = hash((kind, stage, who))
        if not isinstance(stage, str) or mark in self._seen:
            return
        self._seen.add(mark)
        counts, name = (self.stages, stage) if kind == "person_described" else (self.deals, f"{kind} {stage.lower()}")
        if name in counts or len(counts) < _MOST_STAGES:
            counts[name] += 1


@dataclass(frozen=True, slots=True)
class Staged:
    """What a table's stages come to. `won` and `opened`: of whom a deal would be recorded."""

    trait: str
    customers: int
    opportunities: int
    won: int
    opened: int
    others: tuple[tuple[str, int], ...]
    """The most frequent of the other stages."""
    more: int
    """Of those that are not named."""

    @property
    def without_day(self) -> int:
        """Customers and opportunities of whom no day is told."""
        return self.customers - self.won + self.opportunities - self.opened


def trait_of(choices: Choices) -> str:
    """The trait in which a person's stage is kept; "" where the table tells none."""
    named = {each.to: each.column for each in choices.columns}
    if STAGE in named:
        return guessing.slug(named[STAGE])
    return "lead_status" if "person.lead_status" in named else ""


def staged(choices: Choices, stages: Mapping[str, int], deals: Mapping[str, int]) -> Staged | None:
    """What the stages that were counted (`Counted`) come to; None where none was told."""
    if not stages:
        return None
    is_told = any(each.to == STAGE for each in choices.columns)
    bought, hope = (CUSTOMERS, OPPORTUNITIES) if is_told else (frozenset[str](), frozenset[str]())
    others = [(stage, number) for stage, number in stages.items() if stage.lower() not in bought | hope]
    others.sort(key=lambda other: (-other[1], other[0]))
    return Staged(
        trait=trait_of(choices),
        customers=_of(stages, bought),
        opportunities=_of(stages, hope),
        won=_of(deals, {f"deal_won {word}" for word in bought}),
        opened=_of(deals, {f"deal_opened {word}" for word in hope}),
        others=tuple(others[:_MOST_NAMED]),
        more=sum(number for _, number in others[_MOST_NAMED:]),
    )


def _of(counts: Mapping[str, int], words: Collection[str]) -> int:
    return sum(number for name, number in counts.items() if name.lower() in words)
