"""Several definitions on one history: what each would have handed over, which agrees best with what sales decided."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from rung.engine import kernel as k
from rung.engine.deciding import Move, code_of, reason_of
from rung.engine.explain import move_words
from rung.engine.program import compile_program
from rung.engine.replay import Some
from rung.engine.trying import backtest as b
from rung.engine.trying import handovers as h
from rung.engine.trying.backtest import Definition, Scope, Told
from rung.engine.trying.ground import Ground, event_of
from rung.engine.trying.handovers import NEVER
from rung.engine.trying.resampling import Sample, figure, interval
from rung.playbook.definitions import Playbook
from rung.playbook.words import when_words
from rung.terms.instants import format_instant
from rung.terms.kinds import KINDS
from rung.terms.stages import RANK, STAGES, STATUSES

Reals = NDArray[np.float64]

MOST_SHOWN: Final = 40
"""People in the picture: those about whom the definitions differ most."""


class Standing(msgspec.Struct, frozen=True):
    """Where one definition puts one person: the sentence of the definition, and the event that tipped it."""

    rank: int
    """Of the rung, the lowest is 1."""
    status: str
    label: str
    words: str
    rule: str
    """The definition's own words for being there: the condition of the rung, or why the setback."""
    tip: str
    at: int
    seq: int | None


class Shown(msgspec.Struct, frozen=True):
    """The same person under every definition, and what sales really said."""

    person: str
    standings: tuple[Standing, ...]
    answer: str
    answer_at: int | None
    won_at: int | None


class Column(msgspec.Struct, frozen=True):
    """One definition. Shares are 0 to 1; `low`, `high` bound the agreement."""

    definition: Definition
    on: str
    """What it calls the rung at which it hands over."""
    sentence: str
    opened: int
    accepted: int
    rejected: int
    undecided: int
    won: int
    caught: int
    hours: float
    precision: float | None
    recall: float | None
    agreement: float | None
    low: float | None
    high: float | None
    kept: int
    """Of those whom sales accepted, how many it had handed over by then."""
    kept_out: int
    """Of those whom sales rejected, how many it had not handed over."""
    standing: dict[str, int]
    """Rung (or status, where not active) → people at the end."""
    labels: dict[str, str]


class Comparison(msgspec.Struct, frozen=True):
    """The definitions beside each other. `nearest`: the place of the one that agrees best; None without answers."""

    columns: tuple[Column, ...]
    nearest: int | None
    is_clear: bool
    """Whether the second best lies outside what chance explains."""
    accepted: int
    rejected: int
    wins: int
    people: int
    events: int
    as_of: str
    start: str
    end: str
    shown: tuple[Shown, ...]
    differing: int


def compare(ground: Ground, playbooks: Sequence[Playbook], scope: Scope) -> Comparison:
    """The definitions on one history. Answers are those given in the period."""
    return _Comparing(ground, playbooks, scope).comparison()


class _Comparing:
    def __init__(self, ground: Ground, playbooks: Sequence[Playbook], scope: Scope) -> None:
        self.ground, self.playbooks, self.scope = ground, playbooks, scope
        self.tolds = [ground.told(book) for book in playbooks]
        deeds = self.deeds = ground.deeds
        is_in = scope.members[deeds.answer_person] & (deeds.answer_at >= scope.start) & (deeds.answer_at <= scope.end)
        rows = np.flatnonzero(is_in & np.isin(deeds.answer, (h.ACCEPTED, h.REJECTED)))
        self.person, self.at = deeds.answer_person[rows], deeds.answer_at[rows]
        self.is_accepted = deeds.answer[rows] == h.ACCEPTED
        self.answered, self.column = np.unique(self.person, return_inverse=True)
        self.sample = Sample.of(len(self.answered))

    def comparison(self) -> Comparison:
        agreements = [self._agreement(told) for told in self.tolds]
        columns = tuple(self._column(told, each) for told, each in zip(self.tolds, agreements, strict=True))
        nearest, is_clear = self._nearest(agreements)
        places = np.array([told.side.stage * 4 + told.side.status for told in self.tolds])
        differs = (places != places[0]).any(axis=0) & self.scope.members
        return Comparison(
            columns=columns,
            nearest=nearest,
            is_clear=is_clear,
            accepted=int(self.is_accepted.sum()),
            rejected=int((~self.is_accepted).sum()),
            wins=len(self._winners()),
            people=int(self.scope.members.sum()),
            events=len(self.ground.history.kind),
            as_of=format_instant(self.scope.end),
            start=format_instant(self.scope.start),
            end=format_instant(self.scope.end),
            shown=self._shown(places, differs),
            differing=int(differs.sum()),
        )

    def _agreement(self, told: Told) -> Reals:
        """By resample, the share of sales' answers that the definition would have given as well."""
        same = self._is_handed_over(told) == self.is_accepted
        counted = np.zeros((len(self.answered), 2))
        np.add.at(counted, self.column, np.stack([same, np.ones(len(same))], axis=1).astype(float))
        totals = self.sample.totals(counted)
        with np.errstate(invalid="ignore", divide="ignore"):
            share: Reals = totals[:, 0] / totals[:, 1]
        return share

    def _is_handed_over(self, told: Told) -> NDArray[np.bool_]:
        """By answer, whether the definition had handed the person over by then, by what they did themselves."""
        table = told.side.handovers
        own = ~table.is_late
        first = np.full(self.deeds.n_people, NEVER, np.int64)
        np.minimum.at(first, table.person[own], table.at[own])
        found: NDArray[np.bool_] = first[self.person] <= self.at
        return found

    def _nearest(self, agreements: Sequence[Reals]) -> tuple[int | None, bool]:
        if not len(self.person):
            return None, False
        order = sorted(range(len(agreements)), key=lambda place: -agreements[place][0])
        if len(order) < 2:
            return order[0], False
        bounds = interval(agreements[order[0]] - agreements[order[1]])
        return order[0], bounds is not None and bounds[0] > 0

    def _column(self, told: Told, agreement: Reals) -> Column:
        playbook, side = told.playbook, told.side
        table = b.within(side.handovers, self.scope)
        won, winners = self.deeds.first_win, self._winners()
        caught = int((b.caught_at(side.handovers, won, self.deeds.n_people)[winners] < NEVER).sum())
        bounds = interval(agreement) if len(self.person) else None
        over = self._is_handed_over(told)
        places = [
            STAGES[stage] if status == k.ACTIVE else STATUSES[status]
            for stage, status in zip(
                side.stage[self.scope.members].tolist(), side.status[self.scope.members].tolist(), strict=True
            )
        ]
        on = playbook.handoff.on
        rung = playbook.stages.get(on)
        return Column(
            definition=Definition(playbook.name, playbook.version),
            on=playbook.label(on),
            sentence=when_words(playbook, rung.enter) if rung else "",
            opened=len(table),
            accepted=int((table.answer == h.ACCEPTED).sum()),
            rejected=int((table.answer == h.REJECTED).sum()),
            undecided=int((table.answer == h.UNDECIDED).sum()),
            won=int((table.win >= 0).sum()),
            caught=caught,
            hours=len(table) * b.minutes_of(playbook) / 60,
            precision=figure(b.precision(table, self.deeds, self.scope)),
            recall=caught / len(winners) if len(winners) else None,
            agreement=figure(agreement) if len(self.person) else None,
            low=bounds[0] if bounds else None,
            high=bounds[1] if bounds else None,
            kept=int((over & self.is_accepted).sum()),
            kept_out=int((~over & ~self.is_accepted).sum()),
            standing={code: places.count(code) for code in (*STAGES, *STATUSES[1:]) if code in set(places)},
            labels={code: playbook.short_label(code) for code in (*playbook.rungs, *STATUSES[1:])},
        )

    def _winners(self) -> NDArray[np.int64]:
        won = self.deeds.first_win
        return np.flatnonzero(self.scope.members & (won >= self.scope.start) & (won <= self.scope.end))

    # --- the same people

    def _shown(self, places: NDArray[np.int64], differs: NDArray[np.bool_]) -> tuple[Shown, ...]:
        """Those with the most different standings; among them those whom sales knows, and the latest."""
        kinds = np.array([len(set(column)) for column in places.T[differs].tolist()], np.int64)
        people = np.flatnonzero(differs)
        is_known = np.isin(people, self.answered)
        last = np.maximum.reduceat(*_last_rows(self.ground, people)) if len(people) else kinds
        order = np.lexsort((-last, ~is_known, -kinds))[:MOST_SHOWN]
        chosen = np.sort(people[order])
        standings = [self._standings(told.playbook, chosen) for told in self.tolds]
        won = self.deeds.first_win
        found = []
        for place, person in enumerate(chosen.tolist()):
            answer = self._answer(person)
            found.append(
                Shown(
                    person=self.ground.history.people[person],
                    standings=tuple(column[place] for column in standings),
                    answer=answer[0],
                    answer_at=answer[1],
                    won_at=int(won[person]) if won[person] <= self.scope.end else None,
                )
            )
        rank = {person: place for place, person in enumerate(people[order].tolist())}
        return tuple(sorted(found, key=lambda each: rank[self.ground.code_of(each.person)]))

    def _answer(self, person: int) -> tuple[str, int | None]:
        rows = np.flatnonzero(self.person == person)
        if not len(rows):
            return "", None
        return ("accepted" if self.is_accepted[rows[-1]] else "rejected"), int(self.at[rows[-1]])

    def _standings(self, playbook: Playbook, people: NDArray[np.int64]) -> list[Standing]:
        program = compile_program(playbook)
        replayed = self.ground.replayed(program, Some(people, np.ones(len(self.ground.history.kind), bool)))
        moves = replayed.moves
        found = []
        for place in range(len(people)):
            mine = np.flatnonzero((moves.person == place) & (moves.passed == 0))
            if not len(mine):
                words = f"{playbook.label('suspect')} since they were first seen: no rule has moved them yet."
                first = int(replayed.standings.first_at[place])
                found.append(Standing(1, "active", playbook.short_label("suspect"), words, "", "", first, None))
                continue
            found.append(self._standing(playbook, program, moves, int(mine[-1])))
        return found

    def _standing(self, playbook: Playbook, program: object, moves: object, row: int) -> Standing:
        values = {name: getattr(moves, name)[row] for name in _OF_A_MOVE}
        event = event_of(self.ground.history, int(values["row"])) if values["row"] >= 0 else None
        stage, status = int(values["stage"]), int(values["status"])
        because, line = reason_of(program, int(values["cause"]), int(values["line"]), event)  # type: ignore[arg-type]
        move = Move(
            at=int(values["at"]),
            from_code=code_of(int(values["from_stage"]), int(values["from_status"])),
            to_code=code_of(stage, status),
            stage=STAGES[stage],
            status=STATUSES[status],
            cause=("promotion", "setback", "override")[int(values["cause"])],
            because=because,
            line=line,
            passed=False,
            score=float(values["score"]),
            fit=float(values["fit"]),
            engagement=float(values["engagement"]),
            seq=int(values["seq"]) if values["seq"] >= 0 else None,
            lap=int(values["lap"]),
        )
        code = move.stage if move.status == "active" else move.status
        alone = "What a colleague did" if values["seq"] >= 0 else "Time alone"
        return Standing(
            rank=RANK[move.stage] + 1,
            status=move.status,
            label=playbook.short_label(code),
            words=move_words(playbook, move, event),
            rule=because,
            tip=alone if event is None else KINDS[event.kind].words,
            at=move.at,
            seq=move.seq,
        )


_OF_A_MOVE: Final = (
    *("at", "from_stage", "from_status", "stage", "status", "cause", "line", "row", "seq", "lap"),
    *("score", "fit", "engagement"),
)


def _last_rows(ground: Ground, people: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The times of the people's rows, and where each person's begin."""
    history = ground.history
    rows = np.flatnonzero(np.isin(history.person, people))
    order = rows[np.argsort(history.person[rows], kind="stable")]
    return history.at[order], np.searchsorted(history.person[order], people)
