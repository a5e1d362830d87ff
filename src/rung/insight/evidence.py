"""What the firm's own history says to the six questions of the SLA interview: shares, each with the people behind it.

Read by the worker once an interview, and kept with it, so that both sides look at the same figures throughout.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any, Final

from django.db.models import Count, Q

from rung.handoff.lateness import Lateness
from rung.handoff.verdicts import verdicts
from rung.history import queries as history
from rung.lifecycle import segments
from rung.lifecycle.models import Handoff, Standing
from rung.people.models import Alias, CompanyTrait
from rung.playbook.conditions import Condition, Scope, parse
from rung.playbook.definitions import Playbook

FEWEST: Final = 20
"""Fewer people than this say nothing about a characteristic."""
MOST_VALUES: Final = 12
"""The commonest values of a field that are looked at."""
SIZES: Final = ((1, 9), (10, 49), (50, 249), (250, 999), (1000, None))
"""Employees from, to."""
SPOKEN: Final = frozenset({"call_answered", "meeting_held", "contacted"})
_READ: Final = (*SPOKEN, "email_replied", "bant_answered", "deal_won")
_SIGMA: Final = 1.64


@dataclass(frozen=True, slots=True)
class Row:
    """A group of people and how many of them bought; `where` finds them in the playbook's language, "" where no list
    can. `rule` is a fit line's condition that is worth adding, with `points` to begin with."""

    label: str
    people: int
    won: int
    accepted: int | None = None
    where: str = ""
    rule: str = ""
    points: int = 0

    @property
    def share(self) -> float | None:
        """Of the people, how many bought, 0 to 1; None where there is nobody."""
        return self.won / self.people if self.people else None

    @property
    def accepted_share(self) -> float | None:
        return None if self.accepted is None or not self.people else self.accepted / self.people


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stands beside one question: a sentence, and the groups behind it."""

    said: str
    rows: tuple[Row, ...] = ()
    found: tuple[Row, ...] = ()
    """Characteristics that no line of the playbook names yet, and that those who bought share."""


@dataclass(slots=True)
class _Passed:
    """One person who was handed over, from the first hand-off on."""

    person_id: int
    opened_at: int
    lane: str
    is_late: bool
    answer: str
    reason: str
    won: bool
    spoken: bool = False
    replied: bool = False
    letters: set[str] = field(default_factory=set)
    """Letters confirmed before the hand-off."""


def gather(playbook: Playbook, generation_id: int, *, at: int) -> dict[str, Evidence]:
    """The evidence by question's name, from the standings of one generation and the whole history."""
    passed = _passed(playbook, generation_id, at)
    return {
        "deals": _deals(playbook, generation_id, at),
        "confirmation": _confirmation(passed),
        "hand_raise": _hand_raise(passed),
        "qualification": _qualification(passed),
        "nurture": _nurture(passed, generation_id),
        "treatment": _treatment(passed),
    }


# --- 1: what those who bought have in common


def _deals(playbook: Playbook, generation_id: int, at: int) -> Evidence:
    everybody = Standing.objects.filter(generation_id=generation_id, is_anonymous=False)
    total, won = everybody.count(), everybody.filter(is_customer=True).count()
    lines = [Row(line.name, 0, 0, where=line.when.text) for line in playbook.fit]
    candidates = _candidates(generation_id, {line.when.text for line in playbook.fit})
    counted = _counted(everybody, [*lines, *candidates], generation_id, at)
    named, new = counted[: len(lines)], counted[len(lines) :]
    found = sorted((row for row in new if _stands_out(row, total, won)), key=lambda row: -(row.share or 0))
    share = won / total if total else 0
    said = f"{won:,} of {total:,} people you know have bought. Beside each line, the share of those for whom it holds."
    return Evidence(
        said if won else "Nobody has bought yet: these lines are your guess, to be looked at again after some deals.",
        tuple(named),
        tuple(_with_points(row, share) for row in found[:6]),
    )


def _candidates(generation_id: int, known: set[str]) -> list[Row]:
    """Groups that a new fit line could name: by industry, country and size of company, by country of the person."""
    found = []
    for name in ("industry", "country"):
        values = CompanyTrait.objects.filter(field=name, word__isnull=False).values_list("word").annotate(Count("id"))
        for value, _ in values.order_by("-id__count")[:MOST_VALUES]:
            rule = f"company.{name} == {_quoted(value)}"
            found.append(Row(f"{name.capitalize()} {value}", 0, 0, where=rule, rule=rule))
    for first, last in SIZES:
        rule = f"company.employees >= {first}" if last is None else f"{first} <= company.employees <= {last}"
        label = f"{first:,} employees or more" if last is None else f"{first:,} to {last:,} employees"
        found.append(Row(label, 0, 0, where=rule, rule=rule))
    return [row for row in found if row.rule not in known]


def _counted(everybody: Any, rows: Sequence[Row], generation_id: int, at: int) -> list[Row]:
    """The rows with how many the condition holds for, and how many of those bought."""
    counts: dict[str, Any] = {}
    for place, row in enumerate(rows):
        holds = segments.as_filter(_condition(row.where), generation_id=generation_id, at=at)
        counts[f"people_{place}"] = Count("id", filter=holds)
        counts[f"won_{place}"] = Count("id", filter=Q(holds) & Q(is_customer=True))
    told = everybody.aggregate(**counts) if counts else {}
    return [
        Row(
            row.label,
            told.get(f"people_{place}", 0),
            told.get(f"won_{place}", 0),
            where=row.where if f"people_{place}" in told else "",
            rule=row.rule,
        )
        for place, row in enumerate(rows)
    ]


def _stands_out(row: Row, total: int, won: int) -> bool:
    """Whether the share among these lies above everybody else's by more than chance (one-sided 5 %)."""
    others, their_won = total - row.people, won - row.won
    if row.people < FEWEST or others < FEWEST or not won:
        return False
    pooled = won / total
    error = sqrt(pooled * (1 - pooled) * (1 / row.people + 1 / others))
    return error > 0 and row.won / row.people - their_won / others > _SIGMA * error


def _with_points(row: Row, share: float) -> Row:
    """Five points for half as many again as usual, ten for twice, fifteen for three times."""
    lift = (row.share or 0) / share if share else 0
    points = 15 if lift >= 3 else 10 if lift >= 2 else 5
    return Row(row.label, row.people, row.won, where=row.where, rule=row.rule, points=points)


# --- 2 to 6: what became of those who were handed over


def _confirmation(passed: Sequence[_Passed]) -> Evidence:
    groups = (
        ("Spoken with", lambda each: each.spoken),
        ("Answered in writing only", lambda each: each.replied and not each.spoken),
        ("Neither", lambda each: not each.replied and not each.spoken),
    )
    rows = _rows(passed, groups)
    won = sum(row.won for row in rows)
    if not won:
        return Evidence(_NOBODY, rows)
    return Evidence(f"{rows[0].won:,} of the {won:,} who bought were spoken with, {rows[1].won:,} only wrote.", rows)


def _hand_raise(passed: Sequence[_Passed]) -> Evidence:
    groups = (
        ("Raised their hand", lambda each: each.lane == "hand_raise"),
        ("Came by their score", lambda each: each.lane == "scored"),
    )
    rows = _rows(passed, groups)
    raised, scored = rows
    if not raised.people or not scored.people:
        return Evidence("There are not yet hand-offs of both kinds to compare.", rows)
    accepts = (
        f"Sales accepts {_share(raised.accepted_share)} of raised hands and {_share(scored.accepted_share)} of others"
    )
    return Evidence(f"{accepts}; {_share(raised.share)} and {_share(scored.share)} of them bought.", rows)


def _qualification(passed: Sequence[_Passed]) -> Evidence:
    def with_letters(count: int) -> Callable[[_Passed], bool]:
        return lambda each: min(len(each.letters), 3) == count

    names = ("No letter known", "One letter", "Two letters", "Three or four letters")
    rows = _rows(passed, [(name, with_letters(count)) for count, name in enumerate(names)])
    bought = sum(row.won for row in rows)
    if not bought:
        return Evidence(_NOBODY, rows)
    return Evidence(f"{rows[0].won:,} of the {bought:,} who bought were handed over without a single answer.", rows)


def _nurture(passed: Sequence[_Passed], generation_id: int) -> Evidence:
    reasons = sorted({each.reason for each in passed if each.answer == "rejected"})
    rows = _rows(
        [each for each in passed if each.answer == "rejected"],
        [(reason or "No reason given", lambda each, reason=reason: each.reason == reason) for reason in reasons],
    )
    rows = tuple(replace(row, accepted=None) for row in rows)
    back = sum(row.won for row in rows)
    customers = Standing.objects.filter(generation_id=generation_id, is_customer=True)
    least = customers.order_by("fit").values_list("fit", flat=True).first()
    said = f"{back:,} of {sum(row.people for row in rows):,} whom sales rejected at first bought later."
    if least is not None:
        said += f" Nobody who bought has a fit below {least:g}."
    return Evidence(said if rows else "Sales has not rejected anybody yet.", rows)


def _treatment(passed: Sequence[_Passed]) -> Evidence:
    answered = [each for each in passed if each.answer]
    rows = _rows(
        answered,
        (("Answered in time", lambda each: not each.is_late), ("Answered late", lambda each: each.is_late)),
    )
    if not answered:
        return Evidence("No hand-off has been answered yet.", rows)
    in_time, late = rows
    words = f"{_share(in_time.share)} of those answered in time bought"
    return Evidence(f"{words}, {_share(late.share)} of those answered late." if late.people else f"{words}.", rows)


_NOBODY: Final = "Nobody who was handed over has bought yet."


def _rows(passed: Sequence[_Passed], groups: Iterable[tuple[str, Callable[[_Passed], bool]]]) -> tuple[Row, ...]:
    rows = []
    for label, belongs in groups:
        mine = [each for each in passed if belongs(each)]
        rows.append(
            Row(
                label,
                len(mine),
                sum(each.won for each in mine),
                accepted=sum(each.answer == "accepted" for each in mine),
            )
        )
    return tuple(rows)


def _share(share: float | None) -> str:
    return "none" if share is None else f"{100 * share:.0f}\u00a0%"


# --- who was handed over, and what is known of them


def _passed(playbook: Playbook, generation_id: int, at: int) -> list[_Passed]:
    """Everybody who was handed over, by their first hand-off, with what their events say."""
    customers = set(
        Standing.objects.filter(generation_id=generation_id, is_customer=True).values_list("person_id", flat=True)
    )
    found: dict[int, _Passed] = {}
    lateness = Lateness(playbook)
    for each in verdicts(Handoff.objects.filter(opened_at__lte=at).order_by("opened_at", "pk")):
        if each.person_id not in found:
            ran, who = each.ran, each.person_id
            is_late = each.is_late(lateness)
            found[who] = _Passed(who, ran.opened_at, ran.lane, is_late, each.answer, each.reason, who in customers)
    _read_events(found)
    return list(found.values())


def _read_events(passed: dict[int, _Passed]) -> None:
    living = dict(Alias.objects.values_list("old_id", "living_id"))
    events = history.counted().filter(kind__in=_READ).order_by("seq")
    for person_id, kind, at, data in events.values_list("person_id", "kind", "at", "data").iterator(chunk_size=5_000):
        each = passed.get(living.get(person_id, person_id))
        if each is None:
            continue
        if kind in SPOKEN:
            each.spoken = True
        elif kind == "email_replied":
            each.replied = each.replied or data.get("outcome") != "negative"
        elif kind == "deal_won":
            each.won = True
        elif at <= each.opened_at and data.get("confirmed") in ("yes", True):
            each.letters.add(str(data.get("letter")))


def _condition(text: str) -> Condition:
    return parse(text, Scope("fit"))


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
