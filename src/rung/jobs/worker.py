"""The worker's loop: claim a due row, do it, say how it ended; take the schedules' turns. SIGTERM ends it cleanly."""

import logging
import signal
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cronsim import CronSim
from django.db import close_old_connections, transaction

from rung.jobs import actions, holding
from rung.jobs.clock import now
from rung.terms.instants import MINUTE, SECOND, micros, moment

log = logging.getLogger(__name__)

Job = Callable[[Any, int], None]
"""Does one row: (payload, at). Runs in the transaction that marks the row done."""

_AT_A_TIME: Final = 10
"""Rows of a turn; after so many the schedules have their turn again."""
_PAUSE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Schedule:
    """Something to do again and again: cron text in UTC, or every so many seconds; `run(at)` is one turn."""

    name: str
    run: Callable[[int], None]
    cron: str = ""
    every: int = 0
    """Microseconds."""

    def turn_at_or_before(self, at: int) -> int | None:
        """The latest instant up to `at` at which a turn is due; None when none fell in the last day."""
        if self.every:
            return at - at % self.every
        latest = None
        for turn in CronSim(self.cron, _minute(at - 24 * 60 * MINUTE)):
            instant = micros(turn)
            if instant > at:
                return latest
            latest = instant
        return latest


@dataclass(frozen=True, slots=True)
class Steady:
    """Work of its own thread, which must not wait for a long job: `turn(at)` says how much there was to do."""

    name: str
    turn: Callable[[int], int]
    pause: float = 0.25
    """Seconds between two turns when there was nothing to do."""


class Worker:
    """One worker. `turn(at)` does what is due and says whether anything was; `run()` goes on until SIGTERM."""

    def __init__(
        self,
        *,
        name: str,
        jobs: Mapping[str, Job],
        schedules: Sequence[Schedule],
        long_jobs: Mapping[str, Job] | None = None,
        steady: Sequence[Steady] = (),
    ) -> None:
        self.name = name
        self.jobs = jobs
        self.long_jobs = long_jobs or {}
        self.schedules = schedules
        self.steady = steady
        self._taken: dict[str, int] = {}
        self._stopping = threading.Event()

    def run(self) -> None:
        """Works until `stop()` or SIGTERM; the row in hand is finished first."""
        if threading.current_thread() is threading.main_thread():
            for wish in (signal.SIGTERM, signal.SIGINT):
                signal.signal(wish, lambda *_: self.stop())
        beside = [threading.Thread(target=self._go_on, args=(each,), name=each.name) for each in self.steady]
        for thread in beside:
            thread.start()
        while not self._stopping.is_set():
            close_old_connections()
            try:
                is_busy = self.turn(now())
            except Exception:
                log.exception("a turn of worker %s went wrong", self.name)
                is_busy = False
                self._stopping.wait(5)
            if not is_busy:
                self._stopping.wait(_PAUSE)
        for thread in beside:
            thread.join()

    def _go_on(self, steady: Steady) -> None:
        while not self._stopping.is_set():
            close_old_connections()
            try:
                if not steady.turn(now()):
                    self._stopping.wait(steady.pause)
            except Exception:
                log.exception("a turn of %s went wrong", steady.name)
                self._stopping.wait(2)

    def stop(self) -> None:
        """Ends `run()` after the row in hand."""
        self._stopping.set()

    def turn(self, at: int) -> bool:
        """Takes the schedules' turns that are due, then works on due rows; whether there were any."""
        for schedule in self.schedules:
            if self._stopping.is_set():
                return False
            self._take(schedule, at)
        claims = actions.claim(worker=self.name, at=at, kinds=list(self.jobs), limit=_AT_A_TIME)
        for claimed in claims:
            if self._stopping.is_set():
                actions.give_back(claimed, at=at, error="the worker was stopped before it began")
            else:
                self._do(claimed)
        return self._take_long(at) or bool(claims)

    def _take_long(self, at: int) -> bool:
        """Long rows one by one, so that none is claimed before its time: a killed worker leaves one behind, no more."""
        if not self.long_jobs:
            return False
        done = 0
        with holding.only_one() as is_mine:
            while is_mine and done < _AT_A_TIME and not self._stopping.is_set():
                claims = actions.claim(
                    worker=self.name, at=at, kinds=list(self.long_jobs), limit=1, lease=holding.LEASE
                )
                if not claims:
                    break
                self._do_long(claims[0])
                done += 1
        return done > 0

    def _take(self, schedule: Schedule, at: int) -> None:
        turn = schedule.turn_at_or_before(at)
        # Another turn, not a later one: a machine whose clock was put right must not wait for the wrong one's time.
        if turn is None or turn == self._taken.get(schedule.name):
            return
        self._taken[schedule.name] = turn
        # A short rhythm is not worth a row for each turn: doing it twice does no harm.
        if schedule.cron and not actions.take_turn(schedule=schedule.name, run_at=turn):
            return
        try:
            schedule.run(at)
        except Exception:
            log.exception("schedule %s went wrong", schedule.name)

    def _do(self, claimed: actions.Claim) -> None:
        at = now()
        try:
            with transaction.atomic():
                self.jobs[claimed.kind](claimed.payload, at)
                if not actions.finish(claimed, at=at):
                    raise LeaseLost(claimed.key)
        except Exception:
            log.exception("job %s %s went wrong", claimed.kind, claimed.key)
            actions.give_back(claimed, at=now(), error=traceback.format_exc(limit=-4))

    def _do_long(self, claimed: actions.Claim) -> None:
        """A job of minutes opens transactions of its own, so that nobody waits for it; killed, it goes on later."""
        if not actions.extend(claimed, at=now(), lease=holding.LEASE):
            return
        try:
            if claimed.attempts > actions.MOST_ATTEMPTS:
                raise Deadly(f"The worker ended {claimed.attempts - 1} times in the middle of it.")
            with holding.kept(claimed):
                self.long_jobs[claimed.kind](claimed.payload, now())
            actions.finish(claimed, at=now())
        except Exception:
            log.exception("job %s %s went wrong", claimed.kind, claimed.key)
            actions.give_back(claimed, at=now(), error=traceback.format_exc(limit=-4))


class Deadly(RuntimeError):
    """A long row over which worker after worker was killed is given up, for somebody to look at."""


class LeaseLost(RuntimeError):
    """Somebody else has the row by now: what was done for it is rolled back."""


def _minute(at: int) -> datetime:
    return moment(at - at % (60 * SECOND))
