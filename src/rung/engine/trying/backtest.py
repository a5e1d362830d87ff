"""Two definitions on one history: what would have been different, and how sure that is. Numbers from two replays.

Hand-offs with no recorded human decision are told apart and never counted as accepted or rejected; people who are still
open are censored, not failures. Every figure carries the versions it speaks of and the day up to which it looked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import starmap
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from rung.engine import kernel as k
from rung.engine.histories import KIND_NAMES
from rung.engine.trying import handovers as h
from rung.engine.trying.handovers import NEVER, Deeds, Handovers, Side
from rung.engine.trying.resampling import Sample, figure, interval
from rung.playbook.definitions import Playbook
from rung.playbook.words import when_words
from rung.terms.instants import DAY, HOUR, MINUTE, format_instant, moment
from rung.terms.kinds import KINDS
from rung.terms.stages import RANK, STAGES, STATUSES

Ints = NDArray[np.int64]
Reals = NDArray[np.float64]

HORIZON: Final = 180 * DAY
"""How long somebody who was handed over may take to win before precision calls it no win."""
MOST_DIFFERING: Final = 20_000
"""People who differ that are kept by name; all are counted."""
MOST_SPELLS: Final = 500
"""Times on one rung that are kept by name."""
LOOK, CALL, MAIL, SOCIAL, LETTER = 5 * MINUTE, 10 * MINUTE, 5 * MINUTE, 5 * MINUTE, 15 * MINUTE
"""What a hand-off costs sales where the playbook's cadence is kept: a look, and so much for each touch it owes."""
MEASURES: Final = ("opened", "accepted", "rejected", "returned", "undecided", "opportunity", "won")
_ANSWERS: Final = {h.ACCEPTED: "accepted", h.REJECTED: "rejected", h.RETURNED: "returned", h.UNDECIDED: "undecided"}


class Figure(msgspec.Struct, frozen=True):
    """One number under both definitions; `low` and `high` bound the change. None = not knowable from this history."""

    id: str
    words: str
    unit: str
    """count, hours, share (0 to 1), days, per day, or money in minor units of `currency`."""
    old: float | None
    new: float | None
    change: float | None
    low: float | None
    high: float | None
    note: str
    old_version: str
    new_version: str
    as_of: str
    currency: str = ""
    old_low: float | None = None
    old_high: float | None = None
    new_low: float | None = None
    new_high: float | None = None


class Counts(msgspec.Struct, frozen=True):
    """Hand-offs and what became of them."""

    opened: int
    accepted: int
    rejected: int
    returned: int
    undecided: int
    opportunity: int
    won: int


class Row(msgspec.Struct, frozen=True):
    """A month, source, rule, tip or reason under both definitions; the interval bounds the change of hand-offs."""

    key: str
    words: str
    old: Counts
    new: Counts
    low: float | None
    high: float | None


class Wins(msgspec.Struct, frozen=True):
    """First wins of the period: who was handed over before. `median_days` of those at another time, earlier > 0."""

    total: int
    by_both: int
    missed: int
    """Caught by the old definition, not by the new one."""
    gained: int
    by_neither: int
    earlier: int
    later: int
    median_days: float | None
    low: float | None
    high: float | None


class OnRung(msgspec.Struct, frozen=True):
    """Days on a rung: the median, those who are still there counted as not over."""

    stage: str
    words: str
    old: float | None
    new: float | None
    low: float | None
    high: float | None
    old_people: int
    new_people: int
    old_open: int
    new_open: int


class Differing(msgspec.Struct, frozen=True):
    """A person who differs; instants in microseconds, None = not. `what` is the sharpest difference."""

    person: str
    what: str
    """only_new, only_old, earlier, later, again (handed over another number of times) or elsewhere."""
    old_at: int | None
    new_at: int | None
    old_place: str
    new_place: str
    answer: str
    reason: str
    answer_at: int | None
    won_at: int | None
    amount: float
    currency: str


class Handover(msgspec.Struct, frozen=True, array_like=True):
    """One hand-off, kept so that every number opens its people."""

    person: str
    at: int
    month: str
    source: str
    rule: str
    tip: int
    answer: int
    reason: str
    earlier: int
    is_open: bool
    is_late: bool
    opportunity: bool
    won_at: int | None
    currency: str = ""
    """Of the win."""
    is_question: bool = True
    """Whether precision asks for it: the person's first hand-off, before they had ever won."""


class Spell(msgspec.Struct, frozen=True, array_like=True):
    """A person's time on a rung; `end_at` None where it goes on."""

    person: str
    stage: str
    start_at: int
    end_at: int | None


class Definition(msgspec.Struct, frozen=True):
    name: str
    version: str


class Result(msgspec.Struct, frozen=True):
    """A backtest. `month`… are keyed by what `Handover` holds."""

    old: Definition
    new: Definition
    as_of: str
    start: str
    end: str
    subset: str
    people: int
    members: int
    events: int
    resamples: int
    figures: tuple[Figure, ...]
    by_month: tuple[Row, ...]
    by_source: tuple[Row, ...]
    by_rule: tuple[Row, ...]
    by_tip: tuple[Row, ...]
    by_reason: tuple[Row, ...]
    wins: Wins
    time_on_rung: tuple[OnRung, ...]
    differing: int
    elsewhere: int
    """How many stand elsewhere at the end: those whom publishing would move."""
    moves_to: dict[str, int]
    """Of those, how many come to each rung (or status)."""
    warnings: tuple[str, ...] = ()
    """What is missing in the history, so that nobody reads more into the figures than is there."""


class People(msgspec.Struct, frozen=True):
    """Who is behind the numbers."""

    old: tuple[Handover, ...]
    new: tuple[Handover, ...]
    wins: tuple[tuple[str, int, int | None, int | None, float, str], ...]
    """Person, won at, handed over at under the old and the new definition, amount, currency."""
    differing: tuple[Differing, ...]
    ahead: tuple[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]] = ((), ())
    """By definition: on whom sales worked though it had not handed them over, and when they climbed past its rung."""
    spells: tuple[tuple[Spell, ...], tuple[Spell, ...]] = ((), ())
    """By definition: times on rungs, the longest of each rung."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked at: hand-offs and wins from `start` to `end` (inclusive) of the people in `members`."""

    start: int
    end: int
    members: NDArray[np.bool_]
    subset: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One definition and what its replay said."""

    playbook: Playbook
    side: Side


def backtest(
    old: Told,
    new: Told,
    deeds: Deeds,
    scope: Scope,
    *,
    people: Sequence[str],
    events: int,
    warnings: tuple[str, ...] = (),
) -> tuple[Result, People]:
    """Every figure of the two definitions, and who is behind them. `people`: the keys that numbers stand for."""
    return _Backtest(old, new, deeds, scope, people).result(events, warnings)


def minutes_of(playbook: Playbook) -> float:
    """What one hand-off costs sales, in minutes, at the cadence that the playbook owes each."""
    cadence, cost = playbook.duties.cadence, LOOK
    if cadence is not None:
        cost += cadence.calls * CALL + cadence.mails * MAIL + cadence.social * SOCIAL + cadence.letters * LETTER
    return cost / MINUTE


def working_days(playbook: Playbook, start: int, end: int) -> int:
    """Days from `start` to `end` on which the firm works."""
    working = playbook.calendar.working_time()
    zone = ZoneInfo(working.zone)
    day, last = moment(start).astimezone(zone).date(), moment(end).astimezone(zone).date()
    count = 0
    while day <= last:
        count += bool(working.week[day.weekday()]) and not working.is_holiday(day)
        day += timedelta(days=1)
    return count


def months_of(at: Ints, zone: ZoneInfo) -> list[str]:
    """The calendar month of each instant in the zone, `2026-03`."""
    known: dict[int, str] = {}
    found = []
    for hour in (at // HOUR).tolist():
        month = known.get(hour)
        if month is None:
            month = known[hour] = f"{moment(hour * HOUR).astimezone(zone):%Y-%m}"
        found.append(month)
    return found


def rule_words(playbook: Playbook, cause: int, line: int) -> str:
    """The rule that opened a hand-off, in words."""
    if cause == k.SETBACK:
        return playbook.setbacks[line].because
    if cause == k.OVERRIDE:
        return "Set by hand"
    code = STAGES[line]
    stage = playbook.stages.get(code)
    return f"{playbook.short_label(code)}: {when_words(playbook, stage.enter)}" if stage else playbook.label(code)


def tip_words(tip: int) -> str:
    return _TIPS[tip] if tip < 0 else KINDS[KIND_NAMES[tip]].words


class _Backtest:
    def __init__(self, old: Told, new: Told, deeds: Deeds, scope: Scope, people: Sequence[str]) -> None:
        self.told = (old, new)
        self.deeds, self.scope, self.people = deeds, scope, people
        self.zone = ZoneInfo(old.playbook.calendar.timezone)
        self.tables = tuple(within(each.side.handovers, scope) for each in self.told)
        self.as_of = format_instant(scope.end)
        won = deeds.first_win
        is_counted = scope.members & (won >= scope.start) & (won <= scope.end)
        self.winners = np.flatnonzero(is_counted)
        self.won_at = won[self.winners]
        self.caught = tuple(caught_at(each.side.handovers, won, deeds.n_people)[self.winners] for each in self.told)
        active = [self.winners, *(table.person for table in self.tables)]
        self.active = np.unique(np.concatenate(active))
        self.column = np.full(deeds.n_people, -1, np.int64)
        self.column[self.active] = np.arange(len(self.active))
        self.sample = Sample.of(len(self.active))

    def result(self, events: int, warnings: tuple[str, ...]) -> tuple[Result, People]:
        old, new = self.told
        groups = {name: self._group(name) for name in ("month", "source", "rule", "tip", "reason")}
        differing, elsewhere = self._differing()
        moved = np.flatnonzero(elsewhere)
        places = [self._place(new, person) for person in moved.tolist()]
        result = Result(
            old=Definition(old.playbook.name, old.playbook.version),
            new=Definition(new.playbook.name, new.playbook.version),
            as_of=self.as_of,
            start=format_instant(self.scope.start),
            end=format_instant(self.scope.end),
            subset=self.scope.subset,
            people=self.deeds.n_people,
            members=int(self.scope.members.sum()),
            events=events,
            resamples=len(self.sample.weights) - 1,
            figures=tuple(self._figures()),
            by_month=groups["month"],
            by_source=groups["source"],
            by_rule=groups["rule"],
            by_tip=groups["tip"],
            by_reason=groups["reason"],
            wins=self._wins(),
            time_on_rung=self._time_on_rung(),
            differing=len(differing),
            elsewhere=len(moved),
            moves_to={code: places.count(code) for code in dict.fromkeys(places)},
            warnings=warnings,
        )
        kept = People(
            old=self._kept(0),
            new=self._kept(1),
            wins=self._kept_wins(),
            differing=differing[:MOST_DIFFERING],
            ahead=(self._kept_ahead(0), self._kept_ahead(1)),
            spells=(self._kept_spells(0), self._kept_spells(1)),
        )
        return result, kept

    # --- the table of figures

    def _figures(self) -> list[Figure]:
        found = [self._counted(*each) for each in _COUNTED]
        found += self._amounts()
        found += [self._wins_caught(), self._ahead()]
        found += self._load()
        found += self._skill()
        return found

    def _figure(
        self, id: str, words: str, unit: str, sides: Sequence[Reals], note: str = "", currency: str = ""
    ) -> Figure:
        """A figure from its resamples under both definitions."""
        old, new = sides
        bounds, olds, news = interval(new - old), interval(old), interval(new)
        before, after = figure(old), figure(new)
        return Figure(
            id=id,
            words=words,
            unit=unit,
            old=before,
            new=after,
            change=None if before is None or after is None else after - before,
            low=bounds[0] if bounds else None,
            high=bounds[1] if bounds else None,
            note=note,
            old_version=self.told[0].playbook.version[:12],
            new_version=self.told[1].playbook.version[:12],
            as_of=self.as_of,
            currency=currency,
            old_low=olds[0] if olds else None,
            old_high=olds[1] if olds else None,
            new_low=news[0] if news else None,
            new_high=news[1] if news else None,
        )

    def _totals(self, side: int, rows: NDArray[np.bool_] | slice, values: Reals | None = None) -> Reals:
        """By resample, how many (or how much) of the side's hand-offs."""
        columns = self.column[self.tables[side].person[rows]]
        per_person = np.bincount(columns, None if values is None else values[rows], minlength=len(self.active))
        return self.sample.totals(per_person.astype(float)[:, None])[:, 0]

    def _counted(self, id: str, words: str, note: str) -> Figure:
        sides = [self._totals(side, _is(self.tables[side], id)) for side in (0, 1)]
        return self._figure(id, words, "count", sides, note)

    def _amounts(self) -> list[Figure]:
        found = []
        for code, currency in enumerate(self.deeds.currencies):
            sides = []
            for side in (0, 1):
                win = self.tables[side].win
                is_it = (win >= 0) & (self.deeds.win_currency[np.maximum(win, 0)] == code)
                amounts: Reals = (
                    self.deeds.win_amount[np.maximum(win, 0)] if len(self.deeds.win_amount) else np.zeros(len(win))
                )
                sides.append(self._totals(side, is_it, amounts))
            if sides[0][0] or sides[1][0]:
                found.append(
                    self._figure(f"amount_{currency}", "Won from hand-offs", "money", sides, currency=currency)
                )
        return found

    def _winners(self, is_it: NDArray[np.bool_]) -> Reals:
        counted = np.bincount(self.column[self.winners[is_it]], minlength=len(self.active))
        return self.sample.totals(counted.astype(float)[:, None])[:, 0]

    def _wins_caught(self) -> Figure:
        sides = [self._winners(at < NEVER) for at in self.caught]
        note = f"of {len(self.winners):,} first wins: people handed over before they won"
        return self._figure("caught", "Wins caught", "count", sides, note)

    def _ahead(self) -> Figure:
        sides = [self._people_ahead(side) for side in (0, 1)]
        both = np.unique(np.concatenate(sides))
        sample = Sample.of(len(both))
        totals = [sample.totals(np.isin(both, each).astype(float)[:, None])[:, 0] for each in sides]
        note = "people on whom sales worked though this definition had not handed them over"
        return self._figure("ahead", "Worked by sales without a hand-off", "count", totals, note)

    def _people_ahead(self, side: int) -> Ints:
        at = self.told[side].side.leapt
        return np.flatnonzero((at >= self.scope.start) & (at <= self.scope.end) & self.scope.members)

    def _load(self) -> list[Figure]:
        days = max(1, working_days(self.told[0].playbook, self.scope.start, self.scope.end))
        opened = [self._totals(side, slice(None)) for side in (0, 1)]
        minutes = [minutes_of(each.playbook) for each in self.told]
        hours = [total * each / 60 for total, each in zip(opened, minutes, strict=True)]
        each = f"{minutes[1]:g} minutes a hand-off: a look, and the touches that the cadence owes"
        return [
            self._figure(
                "per_day", "Hand-offs a working day", "per day", [t / days for t in opened], f"{days:,} working days"
            ),
            self._figure("hours", "Sales hours", "hours", hours, each),
        ]

    def _skill(self) -> list[Figure]:
        precision_ = [precision(self.tables[side], self.deeds, self.scope, self.sample, self.column) for side in (0, 1)]
        everybody = self._winners(np.ones(len(self.winners), bool))
        with np.errstate(invalid="ignore", divide="ignore"):
            recall = [self._winners(at < NEVER) / everybody for at in self.caught]
        days = HORIZON // DAY
        return [
            self._figure(
                "precision",
                "Precision for winning",
                "share",
                precision_,
                f"share of people handed over who win within {days} days; those handed over later are censored",
            ),
            self._figure(
                "recall", "Recall for winning", "share", recall, "share of first wins that were handed over before"
            ),
        ]

    # --- by month, source, rule, tip, reason

    def _group(self, name: str) -> tuple[Row, ...]:
        keys = [self._keys(name, side) for side in (0, 1)]
        words = {key: said for side in keys for key, said in zip(*side, strict=True) if key is not None}
        found = []
        for key in sorted(words, key=str) if name == "month" else words:
            masks = [np.array([each == key for each in side[0]], bool) for side in keys]
            counts = [self._counts(side, mask) for side, mask in enumerate(masks)]
            change = self._totals(1, masks[1]) - self._totals(0, masks[0])
            bounds = interval(change)
            low, high = bounds if bounds else (None, None)
            found.append(Row(key, words[key], counts[0], counts[1], low, high))
        if name != "month":
            found.sort(key=lambda row: -max(row.old.opened, row.new.opened))
        return tuple(found)

    def _keys(self, name: str, side: int) -> tuple[list[Any], list[Any]]:
        table, playbook = self.tables[side], self.told[side].playbook
        if name == "month":
            months = months_of(table.at, self.zone)
            return months, months
        if name == "source":
            sources = [self.deeds.sources[code] for code in self.deeds.source[table.person].tolist()]
            return sources, sources
        if name == "tip":
            tips = table.tip.tolist()
            return [str(tip) for tip in tips], [tip_words(tip) for tip in tips]
        if name == "rule":
            rules = list(zip(table.cause.tolist(), table.line.tolist(), strict=True))
            said = {rule: rule_words(playbook, *rule) for rule in set(rules)}
            return [_rule_key(*rule) for rule in rules], [said[rule] for rule in rules]
        reasons = [
            (self.deeds.reasons[code] if code >= 0 else "No reason given") if answer == h.REJECTED else None
            for answer, code in zip(table.answer.tolist(), table.reason.tolist(), strict=True)
        ]
        return reasons, reasons

    def _counts(self, side: int, mask: NDArray[np.bool_]) -> Counts:
        table = self.tables[side]
        return Counts(*(int((mask & _is(table, measure)).sum()) for measure in MEASURES))

    # --- wins, time on rungs

    def _wins(self) -> Wins:
        old, new = self.caught
        both = (old < NEVER) & (new < NEVER)
        gone = np.where(both, old, 0) - np.where(both, new, 0)
        differs = np.flatnonzero(both & (gone != 0))
        medians = self.sample.medians(gone[differs] / DAY, self.column[self.winners[differs]])
        bounds = interval(medians)
        return Wins(
            total=len(self.winners),
            by_both=int(both.sum()),
            missed=int(((old < NEVER) & (new == NEVER)).sum()),
            gained=int(((new < NEVER) & (old == NEVER)).sum()),
            by_neither=int(((old == NEVER) & (new == NEVER)).sum()),
            earlier=int((gone > 0).sum()),
            later=int((gone < 0).sum()),
            median_days=figure(medians),
            low=bounds[0] if bounds else None,
            high=bounds[1] if bounds else None,
        )

    def _time_on_rung(self) -> tuple[OnRung, ...]:
        used = [code for code in STAGES if any(code in each.playbook.rungs for each in self.told)]
        spells = [self._spells(side) for side in (0, 1)]
        people = np.unique(np.concatenate([each.person for each in spells]))
        column = np.full(self.deeds.n_people, -1, np.int64)
        column[people] = np.arange(len(people))
        sample = Sample.of_curves(len(people))
        found = []
        for code in used:
            both = [_on(each, RANK[code]) for each in spells]
            medians = [
                sample.median_by(duration=each.end_at - each.start_at, is_over=each.is_over, person=column[each.person])
                for each in both
            ]
            bounds = interval(medians[1] - medians[0])
            olds, news = (None if (m := figure(each)) is None else m / DAY for each in medians)
            found.append(
                OnRung(
                    stage=code,
                    words=self.told[0].playbook.label(code),
                    old=olds,
                    new=news,
                    low=bounds[0] / DAY if bounds else None,
                    high=bounds[1] / DAY if bounds else None,
                    old_people=len(both[0].person),
                    new_people=len(both[1].person),
                    old_open=int((~both[0].is_over).sum()),
                    new_open=int((~both[1].is_over).sum()),
                )
            )
        return tuple(found)

    def _spells(self, side: int) -> h.Spells:
        spells = self.told[side].side.spells
        is_in = self.scope.members[spells.person] & (spells.start_at >= self.scope.start)
        found: h.Spells = _kept_rows(spells, is_in & (spells.start_at <= self.scope.end))
        return found

    # --- people

    def _differing(self) -> tuple[tuple[Differing, ...], NDArray[np.bool_]]:
        old, new = self.told
        n = self.deeds.n_people
        firsts = [h.first_handover(table, n) for table in self.tables]
        sums = [np.bincount(table.person, table.at % 1_000_003 + 1, minlength=n) for table in self.tables]
        elsewhere = ((old.side.stage != new.side.stage) | (old.side.status != new.side.status)) & self.scope.members
        differs = np.flatnonzero((firsts[0] != firsts[1]) | (sums[0] != sums[1]) | elsewhere)
        won = self.deeds.first_win
        told = [self._differs(person, firsts, won) for person in differs.tolist()]
        told.sort(key=lambda each: (each.won_at is None, _SHARPNESS[each.what], -(each.new_at or each.old_at or 0)))
        return tuple(told), elsewhere

    def _differs(self, person: int, firsts: Sequence[Ints], won: Ints) -> Differing:
        old_at, new_at = (None if at[person] == NEVER else int(at[person]) for at in firsts)
        if old_at is None or new_at is None:
            what = "only_new" if new_at is not None else "only_old" if old_at is not None else "elsewhere"
        elif old_at != new_at:
            what = "earlier" if new_at < old_at else "later"
        else:
            what = "again"
        if what == "again" and not self._is_again(person):
            what = "elsewhere"
        answer = self._answer(person)
        win = np.searchsorted(self.deeds.win_person, person)
        has_won = won[person] <= self.scope.end
        return Differing(
            person=self.people[person],
            what=what,
            old_at=old_at,
            new_at=new_at,
            old_place=self._place(self.told[0], person),
            new_place=self._place(self.told[1], person),
            answer=answer[0],
            reason=answer[1],
            answer_at=answer[2],
            won_at=int(won[person]) if has_won else None,
            amount=float(self.deeds.win_amount[win]) if has_won else 0.0,
            currency=_named(self.deeds.currencies, int(self.deeds.win_currency[win])) if has_won else "",
        )

    def _is_again(self, person: int) -> bool:
        times = [
            table.at[np.searchsorted(table.person, person) : np.searchsorted(table.person, person, "right")].tolist()
            for table in self.tables
        ]
        return bool(times[0] != times[1])

    def _answer(self, person: int) -> tuple[str, str, int | None]:
        """The last answer that sales really gave for this person."""
        last = int(np.searchsorted(self.deeds.answer_person, person, side="right")) - 1
        if last < 0 or self.deeds.answer_person[last] != person:
            return "", "", None
        said = _ANSWERS[int(self.deeds.answer[last])]
        return said, _named(self.deeds.reasons, int(self.deeds.reason[last])), int(self.deeds.answer_at[last])

    def _place(self, told: Told, person: int) -> str:
        status = int(told.side.status[person])
        return STAGES[int(told.side.stage[person])] if status == k.ACTIVE else STATUSES[status]

    def _kept(self, side: int) -> tuple[Handover, ...]:
        table, deeds = self.tables[side], self.deeds
        is_first = np.append(True, table.person[1:] != table.person[:-1])[: len(table)]
        wins = table.win.tolist()
        columns = (  # in the order of the fields
            [self.people[person] for person in table.person.tolist()],
            table.at.tolist(),
            months_of(table.at, self.zone),
            [deeds.sources[source] for source in deeds.source[table.person].tolist()],
            list(map(_rule_key, table.cause.tolist(), table.line.tolist())),
            table.tip.tolist(),
            table.answer.tolist(),
            list(map(self._reason, table.answer.tolist(), table.reason.tolist())),
            table.earlier.tolist(),
            table.is_open.tolist(),
            table.is_late.tolist(),
            table.opportunity.tolist(),
            [int(deeds.win_at[win]) if win >= 0 else None for win in wins],
            [_named(deeds.currencies, int(deeds.win_currency[win])) if win >= 0 else "" for win in wins],
            (is_first & (deeds.first_win[table.person] > table.at)).tolist(),
        )
        return tuple(starmap(Handover, zip(*columns, strict=True)))

    def _reason(self, answer: int, reason: int) -> str:
        return _named(self.deeds.reasons, reason) or ("No reason given" if answer == h.REJECTED else "")

    def _kept_wins(self) -> tuple[tuple[str, int, int | None, int | None, float, str], ...]:
        old, new = self.caught
        rows = np.searchsorted(self.deeds.win_person, self.winners)
        return tuple(
            (
                self.people[person],
                at,
                None if before == NEVER else before,
                None if after == NEVER else after,
                float(self.deeds.win_amount[row]),
                _named(self.deeds.currencies, int(self.deeds.win_currency[row])),
            )
            for person, at, before, after, row in zip(
                self.winners.tolist(), self.won_at.tolist(), old.tolist(), new.tolist(), rows.tolist(), strict=True
            )
        )

    def _kept_ahead(self, side: int) -> tuple[tuple[str, int], ...]:
        people = self._people_ahead(side)
        at = self.told[side].side.leapt[people].tolist()
        return tuple((self.people[person], when) for person, when in zip(people.tolist(), at, strict=True))

    def _kept_spells(self, side: int) -> tuple[Spell, ...]:
        spells, found = self._spells(side), []
        for stage in np.unique(spells.stage).tolist():
            each = _on(spells, stage)
            longest = np.argsort(each.start_at - each.end_at, kind="stable")[:MOST_SPELLS].tolist()
            found += [
                Spell(
                    self.people[int(each.person[row])],
                    STAGES[stage],
                    int(each.start_at[row]),
                    int(each.end_at[row]) if each.is_over[row] else None,
                )
                for row in longest
            ]
        return tuple(found)


_COUNTED: Final = (
    ("opened", "Hand-offs", "people given to sales by this definition"),
    ("accepted", "Accepted by sales", ""),
    ("rejected", "Rejected by sales", ""),
    ("returned", "Returned", ""),
    ("undecided", "No decision recorded", "never counted as accepted or rejected"),
    ("open", "of these, still open", "waiting at the end of the history"),
    ("earlier", "of these, judged before", "sales had answered for the person before this definition handed them over"),
    ("opportunity", "Became opportunity", ""),
    ("won", "Won after the hand-off", ""),
)
_TIPS: Final = {
    h.LATE: "Later than sales really began",
    h.BY_TIME: "Time alone",
    h.BY_COLLEAGUE: "What a colleague did",
}
_SHARPNESS: Final = {"only_new": 0, "only_old": 1, "earlier": 2, "later": 3, "again": 4, "elsewhere": 5}


def _is(table: Handovers, measure: str) -> NDArray[np.bool_]:
    """Which hand-offs a measure counts."""
    tests: Mapping[str, Any] = {
        "opened": lambda: np.ones(len(table), bool),
        "accepted": lambda: table.answer == h.ACCEPTED,
        "rejected": lambda: table.answer == h.REJECTED,
        "returned": lambda: table.answer == h.RETURNED,
        "undecided": lambda: table.answer == h.UNDECIDED,
        "open": lambda: table.is_open,
        "earlier": lambda: (table.answer == h.UNDECIDED) & (table.earlier != h.UNDECIDED),
        "opportunity": lambda: table.opportunity,
        "won": lambda: table.win >= 0,
    }
    found: NDArray[np.bool_] = tests[measure]()
    return found


def within(table: Handovers, scope: Scope) -> Handovers:
    is_in = scope.members[table.person] & (table.at >= scope.start) & (table.at <= scope.end)
    found: Handovers = _kept_rows(table, is_in)
    return found


def _kept_rows(table: Any, rows: NDArray[np.bool_]) -> Any:
    return type(table)(*(getattr(table, name)[rows] for name in table.__dataclass_fields__))


def _on(spells: h.Spells, stage: int) -> h.Spells:
    found: h.Spells = _kept_rows(spells, spells.stage == stage)
    return found


def caught_at(table: Handovers, won: Ints, n_people: int) -> Ints:
    """When each person was first handed over before they first won; NEVER."""
    is_before = table.at < won[table.person]
    first = np.full(n_people, NEVER, np.int64)
    np.minimum.at(first, table.person[is_before], table.at[is_before])
    return first


def precision(
    table: Handovers, deeds: Deeds, scope: Scope, sample: Sample | None = None, column: Ints | None = None
) -> Reals:
    """By resample, the share of people who won within the horizon of their first hand-off in the table.

    Those who had won before it are no question; those who were not followed so long are censored. Without a sample of
    the backtest's own there is only the figure itself.
    """
    person, first = np.unique(table.person, return_index=True)
    won, at = deeds.first_win[person], table.at[first]
    is_new = won > at
    person, at, won = person[is_new], at[is_new], won[is_new]
    happened = won <= scope.end
    duration = np.where(happened, won, scope.end) - at
    places = np.arange(len(person)) if column is None else column[person]
    drawn = sample or Sample(np.ones((1, len(person))))
    return drawn.share_by(HORIZON, duration=duration, happened=happened, person=places)


def _rule_key(cause: int, line: int) -> str:
    if cause == k.OVERRIDE:
        return "override"
    return f"{'rung' if cause == k.PROMOTION else 'setback'}:{STAGES[line] if cause == k.PROMOTION else line}"


def _named(names: Sequence[str], code: int) -> str:
    return names[code] if 0 <= code < len(names) else ""


def month_words(month: str) -> str:
    """`2026-03` → Mar 2026."""
    return f"{datetime.strptime(month, '%Y-%m'):%b %Y}"


def day_of(at: int, zone: ZoneInfo) -> date:
    return moment(at).astimezone(zone).date()
