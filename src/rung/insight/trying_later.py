"""Trying a definition in the background: a page asks, a child of the worker replays, the page looks again.

The child keeps the app's history warm, so that a changed number is answered while somebody still looks at it; it ends
when nobody has asked for a while. The process that serves pages never loads the engine's compiler. Every run is a row:
a child that is killed leaves a row whose lease runs out, and the next one takes it up.
"""

import hashlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
import uuid_utils.compat
from django.db import close_old_connections, transaction
from django.db.models import Q

from rung.access.actions import require
from rung.access.models import User
from rung.engine.histories import BadHistory
from rung.engine.trying import agreeing
from rung.engine.trying.agreeing import Comparison
from rung.engine.trying.backtest import People, Result
from rung.engine.trying.exploring import Curve
from rung.engine.trying.ground import CannotTry, Ground, Wish
from rung.engine.trying.varying import knob, knobs, wanted
from rung.history.queries import last_seq
from rung.insight import misleading, telling, trials
from rung.insight.models import Backtest
from rung.lifecycle import archiving, published
from rung.playbook.conditions import ConditionError, Scope, parse
from rung.playbook.definitions import Playbook
from rung.playbook.faults import PlaybookRefused
from rung.playbook.loading import load
from rung.terms.instants import DAY, MINUTE, SECOND

log = logging.getLogger(__name__)

LEASE: Final = 10 * MINUTE
MOST_ATTEMPTS: Final = 3
WARM: Final = 15 * MINUTE
"""How old the child's history may be before it is read again; every figure says as of when it is."""
IDLE: Final = 10 * MINUTE
"""How long the child waits for another wish before it gives its memory back."""
KEPT: Final = 7 * DAY
"""How long a run stays that nobody keeps."""

FAILED: Final = 10 * SECOND
"""How long a failure answers for an equal wish: a page that looks again must be told, not asked for anew."""
COMPARED: Final = DAY
"""How old a comparison of definitions may be before it is made again."""
MOST_COMPARED: Final = 8
_COMPARE: Final = "compare"
"""Stands for the number in a run that is a comparison."""

Clock = Callable[[], int]


def ask(
    *, text: str, by: User, at: int, against: str = "", start: int | None = None, subset: str = "", vary: str = ""
) -> Backtest:
    """Asks for a backtest of the playbook in `text` against `against` (its text; default: the one in force).

    `start`: hand-offs and wins from this instant on. `subset`: a condition. `vary`: one number through its values.
    Returns the row: that of an equal wish where one was answered lately. Raises PlaybookRefused, ConditionError, or
    CannotTry for what can be seen to be impossible before anything runs.
    """
    require(by, "try playbook")
    old_text = against or published.in_force().playbook.text
    new, old = read(text), read(old_text)
    if subset.strip():
        parse(subset, Scope(place="filter", signals=tuple(signal.name for signal in old.signals)))
    if vary:
        knob(new, wanted(vary).path)
    key = _key(old, new, start, subset, vary)
    with transaction.atomic():
        same = _answering(key, at, WARM)
        if same is not None:
            return same
        return Backtest.objects.create(
            uuid=uuid_utils.compat.uuid7(),
            key=key,
            old_text=old_text,
            old_version=old.version,
            new_text=text,
            new_version=new.version,
            start_at=start,
            subset=subset.strip(),
            vary=vary,
            asked_by=by,
            asked_at=at,
            said="Waiting for the worker",
        )


def ask_to_compare(*, texts: Sequence[str], by: User, at: int, start: int | None = None, subset: str = "") -> Backtest:
    """Asks for a comparison of these definitions on the house's history; otherwise as `ask`."""
    require(by, "try playbook")
    books = [read(text) for text in texts]
    if not 2 <= len(books) <= MOST_COMPARED:
        raise CannotTry(f"Compare two definitions or more, {MOST_COMPARED} at most.")
    if subset.strip():
        parse(subset, Scope(place="filter", signals=tuple(signal.name for signal in books[0].signals)))
    key = _key(books[0], books[-1], start, subset, "compare " + " ".join(book.version for book in books))
    with transaction.atomic():
        same = _answering(key, at, COMPARED)
        if same is not None:
            return same
        return Backtest.objects.create(
            uuid=uuid_utils.compat.uuid7(),
            key=key,
            old_text=texts[0],
            old_version=books[0].version,
            new_text=texts[-1],
            new_version=books[-1].version,
            start_at=start,
            subset=subset.strip(),
            vary=_COMPARE,
            texts=list(texts),
            asked_by=by,
            asked_at=at,
            said="Waiting for the worker",
        )


def _answering(key: str, at: int, since: int) -> Backtest | None:
    """The run that answers an equal wish: the last one lately, but for one that failed and may succeed by now."""
    found = Backtest.objects.filter(key=key, asked_at__gt=at - since).order_by("-pk").first()
    return None if found is not None and _is_over(found, at) else found


def _is_over(run: Backtest, at: int) -> bool:
    return run.state == "failed" and (run.done_at or run.asked_at) <= at - FAILED


@lru_cache(maxsize=32)
def read(text: str) -> Playbook:
    """The playbook in the text; reading one takes a tenth of a second, and a page asks for few again and again.

    Raises PlaybookRefused.
    """
    return load(text)


def base_of_curve(old: Playbook, new: Playbook, path: str) -> str:
    """The text whose curve is that of the draft: the number itself stands where it did, so that turning it, which
    moves along the curve, asks for no other one."""
    turned = knob(new, path)
    before = next((each.value for each in knobs(old) if each.path == turned.path), turned.value)
    return turned.in_text(new, before)


def again(*, run: Backtest, at: int) -> None:
    """A run that failed is tried again."""
    Backtest.objects.filter(pk=run.pk, state="failed").update(state="asked", attempts=0, error="", lease_until=0)


def keep(*, run: Backtest, is_kept: bool = True) -> None:
    """Keeps the run, or lets it go when its week is over."""
    Backtest.objects.filter(pk=run.pk).update(is_kept=is_kept)


def result_of(run: Backtest) -> Result:
    return msgspec.convert(run.result, Result)


def people_of(run: Backtest) -> People:
    return msgspec.convert(run.people, People)


def curve_of(run: Backtest) -> Curve:
    return msgspec.convert(run.curve, Curve)


def comparison_of(run: Backtest) -> Comparison:
    return msgspec.convert(run.comparison, Comparison)


def forget_old(at: int) -> None:
    """Removes runs that nobody keeps when their week is over."""
    Backtest.objects.filter(is_kept=False, asked_at__lt=at - KEPT, proposals__isnull=True).delete()


# The worker's part


def ground(*, until: int, playbooks: Iterable[Playbook] = (), is_compiled: bool | None = None) -> Ground:
    """The house's own history up to `until`: its segments and what is not among them yet. `playbooks`: which are not
    in force, but will be tried. Raises CannotTry where there is none, BadHistory where a part cannot be read."""
    if not last_seq():
        raise CannotTry("There is no history yet: import one, or let people visit, then try a definition on it.")
    return trials.ground_on(archiving.source(playbooks), until=until, is_compiled=is_compiled)


class Trier:
    """Sees to it that a child is there when somebody waits: a turn of the worker's own thread."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def turn(self, at: int) -> int:
        """Starts the child where a run waits and none is alive; 0: nothing to do until the next turn."""
        if self._child is not None and self._child.poll() is not None:
            self._child = None
        if self._child is None and _waiting(at).exists():
            self._child = subprocess.Popen(
                [sys.executable, "-m", "rung.cli", "trier"], env={**os.environ, "RUNG_PARENT": str(os.getpid())}
            )
        return 0


class Warm:
    """The child's memory: the app's history, ready to be replayed."""

    def __init__(self, clock: Clock, *, is_compiled: bool | None = None) -> None:
        self.clock, self.is_compiled = clock, is_compiled
        self._ground: Ground | None = None
        self._read_at = 0

    def turn(self) -> bool:
        """Answers the oldest wish; whether there was one."""
        run = _claimed(self.clock())
        if run is None:
            return False
        try:
            self._answer(run)
        except (CannotTry, ConditionError, PlaybookRefused) as refusal:
            self._fail(run, str(refusal))
        except BadHistory as damage:
            # Files change under a reader when somebody is erased: what was read before is no longer whole.
            self._ground = None
            log.warning("trying %s: %s", run.uuid, damage)
            self._fail(run, str(damage)) if run.attempts >= MOST_ATTEMPTS else _put_back(run)
        except Exception:
            log.exception("trying %s went wrong", run.uuid)
            if run.attempts >= MOST_ATTEMPTS:
                self._fail(run, "It went wrong; the worker's log says why. Ask for it again.")
            else:
                _put_back(run)
        return True

    def ground(self, said: Callable[[str], None] = lambda words: None) -> Ground:
        """The history, read again when it is too old."""
        at = self.clock()
        if self._ground is None or at - self._read_at > WARM:
            said("Reading the history")
            self._ground = None  # two of them at once would be twice the memory
            self._ground = ground(until=at, is_compiled=self.is_compiled)
            self._read_at = at
        return self._ground

    def _answer(self, run: Backtest) -> None:
        def said(words: str, done: int = 0, total: int = 0) -> None:
            Backtest.objects.filter(pk=run.pk).update(
                said=words, done=done, total=total, lease_until=self.clock() + LEASE
            )

        ground = self.ground(said)
        began = self.clock()
        told = self._told(ground, run, said)
        now = self.clock()
        finished = {
            "state": "done",
            "done_at": now,
            "took": now - began,
            "as_of": ground.until,
            "said": "",
            "error": "",
        }
        Backtest.objects.filter(pk=run.pk).update(**told, **finished, lease_until=0)

    def _told(self, ground: Ground, run: Backtest, said: Callable[..., None]) -> dict[str, Any]:
        """What the run asks for, as the columns of its row."""
        old, new = read(run.old_text), read(run.new_text)
        wish = Wish(start=run.start_at, subset=run.subset)
        if run.texts is not None:
            said("Replaying", 0, len(run.texts))
            books = [read(text) for text in run.texts]
            found = agreeing.compare(ground, books, ground.scope(books[0], wish))
            return {"comparison": msgspec.to_builtins(found), "headline": telling.comparison_headline(found)[:300]}
        if run.vary == misleading.LINES:
            said("Replaying")
            return misleading.tried(ground, old, run.start_at, lambda done, of: said("Leaving out a line", done, of))
        if run.vary:
            return self._curve(ground, old, new, run, wish, said)
        said("Replaying")
        result, people = ground.backtest(old, new, wish)
        return {
            "result": msgspec.to_builtins(result),
            "people": msgspec.to_builtins(people),
            "headline": telling.headline(result, old, new)[:300],
        }

    def _curve(
        self, ground: Ground, old: Playbook, new: Playbook, run: Backtest, wish: Wish, said: Callable[..., None]
    ) -> dict[str, Any]:
        span = wanted(run.vary)
        total = len(span.values)
        told = [0]

        def progress(done: int) -> None:
            if done == total or done - told[0] >= 4:
                told[0] = done
                said("Replaying value after value", done, total)

        curve = trials.explored(ground, old, new, knob(new, span.path), span, wish, progress)
        return {"curve": msgspec.to_builtins(curve), "headline": telling.curve_headline(curve)[:300]}

    def _fail(self, run: Backtest, words: str) -> None:
        Backtest.objects.filter(pk=run.pk).update(
            state="failed", error=words, done_at=self.clock(), lease_until=0, said=""
        )


def answer_until_idle(clock: Clock) -> None:
    """The child's life: answers wishes, and ends when none has come for a while."""
    warm, last = Warm(clock), clock()
    while clock() - last < IDLE:
        close_old_connections()
        if warm.turn():
            last = clock()
        else:
            time.sleep(_SOON if clock() - last < MINUTE else _CALM)


_SOON, _CALM = 0.04, 0.4
"""Seconds between two looks: while somebody is at it, and when the last wish was more than a minute ago."""


def _waiting(at: int) -> Any:
    """Runs that nobody has in hand: asked for, or left by a child that died."""
    return Backtest.objects.filter(Q(state="asked") | Q(state="running", lease_until__lt=at))


def _claimed(at: int) -> Backtest | None:
    """The oldest that waits, leased to this process; a run that killed its child too often is given up."""
    _waiting(at).filter(attempts__gte=MOST_ATTEMPTS).update(
        state="failed", error="It was ended three times before it was done: the machine may have too little memory."
    )
    for pk in _waiting(at).order_by("asked_at", "pk").values_list("pk", flat=True)[:1]:
        run = Backtest.objects.get(pk=pk)
        taken = _waiting(at).filter(pk=pk, attempts=run.attempts)
        if taken.update(state="running", lease_until=at + LEASE, attempts=run.attempts + 1):
            run.attempts += 1
            return run
    return None


def _put_back(run: Backtest) -> None:
    Backtest.objects.filter(pk=run.pk).update(state="asked", lease_until=0)


def _key(old: Playbook, new: Playbook, start: int | None, subset: str, vary: str) -> str:
    told = "\n".join((old.version, new.version, str(start), subset.strip(), vary))
    return hashlib.sha256(told.encode()).hexdigest()
