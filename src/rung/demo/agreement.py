"""The firm's agreement, and a quick likeness of it: how its own people feel it.

The salespeople of the demo react to hand-offs, so the generator must know when one opens, while it is still making the
history. Asking the engine after every event would take minutes; this likeness keeps a person's points and rung in a few
numbers. Lines and points are the playbook's own; how they move a person is repeated here in short. It is no second
truth: a test compares its moves with the engine's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, cast

from rung.demo import firm
from rung.playbook.conditions import Fact, Value
from rung.playbook.conditions.closure import compiled
from rung.playbook.definitions import Signal
from rung.playbook.loading import load
from rung.playbook.shipped import read
from rung.terms.instants import DAY, parse_instant
from rung.terms.kinds import KINDS, REACHED, SIGNS_OF_LIFE
from rung.terms.stages import RANK, STAGES

Data = Mapping[str, object]
FOREVER: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Line:
    """One signal of the playbook: what counts, for how much, at most, and how fast it fades (days)."""

    name: str
    kind: str
    points: float
    cap: float | None = None
    half_life: float | None = None
    test: Callable[[Data], bool] | None = None
    is_hand_raise: bool = False


class _Told:
    """An event's data, as the conditions of signals ask for it."""

    def __init__(self, data: Data) -> None:
        self._data = data

    def value(self, fact: Fact) -> Value:
        return cast(Value, self._data.get(fact.name.removeprefix("data.")))


class _Known:
    """What is known of somebody, as the lines of fit ask for it."""

    def __init__(self, facts: Data) -> None:
        self._facts = facts

    def value(self, fact: Fact) -> Value:
        return cast(Value, self._facts.get(fact.name))


def _line(signal: Signal) -> Line:
    holds = None if signal.when is None else compiled(signal.when.condition)
    return Line(
        signal.name,
        signal.on,
        signal.points,
        signal.cap,
        None if signal.half_life is None else signal.half_life / DAY,
        None if holds is None else lambda data: holds(_Told(data)),
        signal.is_hand_raise,
    )


_PAPERS: Final = "  - {name: Paper downloaded, on: content_downloaded, "
_SALARIES: Final = (
    "  - {name: Salaries paper,  on: content_downloaded, when: 'data.title.contains(\"salaries\")', "
    "points: 30, cap: 30, half_life: 45d}\n"
)
"""The line that misleads: marketing takes its most read paper for a sign of interest; it is read by who wants a job."""
_OTHERS: Final = "when: 'not data.title.contains(\"salaries\")', "


def text() -> str:
    """The firm's playbook: the shipped one under the firm's name, with one line of its own."""
    shipped = read("default").replace("name: Default\n", f"name: {firm.NAME}\n", 1)
    return shipped.replace(_PAPERS, f"{_SALARIES}{_PAPERS}{_OTHERS}", 1)


_PLAYBOOK: Final = load(text())
_FIT: Final = tuple((compiled(line.when.condition), line.points) for line in _PLAYBOOK.fit)
SIGNALS: Final = tuple(_line(signal) for signal in _PLAYBOOK.signals if not signal.is_company)
COLLEAGUE: Final = next(_line(signal) for signal in _PLAYBOOK.signals if signal.is_company)
THRESHOLD: Final = 50
FIT_NEEDED: Final = 20
FIT_REFUSED: Final = -50
RESTS: Final[dict[str, int]] = {
    "No budget": 90,
    "No authority": 30,
    "Misunderstood our offer": 60,
    "Wrong person": 30,
    "Cannot be reached": 14,
    "Not our customer": -1,
}
"""Days of rest by reject reason; −1 is for ever; Not urgent says its own date."""
REJECTED_REST: Final = 30
LOST_REST: Final = 60
IDLE_DAYS: Final = {"mql": 90, "sal": 90, "prospect": 90, "opportunity": 180}
LOST_DAYS: Final = 60
CUSTOMER_QUIET_DAYS: Final = 30
NEW_INTEREST: Final = 20
ANSWER_VALID_DAYS: Final = {"budget": 180, "authority": 365, "need": 365, "timing": 90}


@cache
def fit(
    title: str, industry: str | None, employees: int | None, country: str | None, *, is_competitor: bool = False
) -> float:
    """Points for who they are; what is not known is None."""
    facts = {
        "person.title": title or None,
        "company.industry": industry,
        "company.employees": employees,
        "company.country": country,
        "company.is_competitor": is_competitor or None,
    }
    return float(sum(points for holds, points in _FIT if holds(_Known(facts))))


_BY_KIND: Final[dict[str, tuple[tuple[int, Line], ...]]] = {
    kind: tuple((n, line) for n, line in enumerate(SIGNALS) if line.kind == kind)
    for kind in {line.kind for line in SIGNALS}
}
_COLLEAGUE: Final = len(SIGNALS)
_LINES: Final = (*SIGNALS, COLLEAGUE)
_OWN: Final = frozenset(code for code, kind in KINDS.items() if kind.is_own)
_TURNS: Final = REACHED | {
    "email_replied",
    "bant_answered",
    "admission_given",
    "person_identified",
    "person_described",
    "handoff_accepted",
    "handoff_rejected",
    "handoff_returned",
    "deal_opened",
    "deal_won",
    "deal_lost",
    "stage_overridden",
}


def _instant(told: object) -> int | None:
    return parse_instant(told) if isinstance(told, str) else None


@dataclass(frozen=True, slots=True)
class Moved:
    """One move, as the people of the firm would notice it."""

    at: int
    before: str
    stage: str
    status: str
    score: float


class Standing:
    """Where one person stands, event by event."""

    __slots__ = (
        "accepted",
        "admissions",
        "answers",
        "deals",
        "fit",
        "has_address",
        "held_until",
        "hot_at",
        "is_waiting",
        "last_sign",
        "moves",
        "opened",
        "reached",
        "rejected",
        "rejected_for",
        "rejected_until",
        "resting_until",
        "returned",
        "signals",
        "since",
        "stage",
        "status",
        "sums",
    )

    def __init__(self) -> None:
        self.stage, self.status = "suspect", "active"
        self.fit = 0.0
        self.has_address = False
        self.since = self.last_sign = -1
        self.resting_until = self.held_until = -1
        self.is_waiting = False
        self.moves: list[Moved] = []
        self.opened: list[tuple[int, bool]] = []
        self._empty()

    def _empty(self) -> None:
        self._empty_points()
        self._clear_answers()
        self.rejected = False
        self.rejected_for = ""
        self.rejected_until: int | None = None
        self.answers: dict[str, tuple[bool, int]] = {}
        self.admissions: set[str] = set()
        self.deals: dict[str, str] = {}

    def _empty_points(self) -> None:
        self.sums: dict[int, tuple[float, int]] = {}
        self.signals = 0
        self.hot_at = -1

    def _clear_answers(self) -> None:
        self.accepted = self.returned = self.reached = False

    def tell(self, at: int, kind: str, data: Data, by: str | None) -> bool:
        """An event of the person's own. Returns whether a hand-off opened that waits for an answer."""
        if self.since < 0:
            self.since = self.last_sign = at
        self._fall_by_time(at)
        changed = kind in _TURNS or (self.resting_until >= 0 and at >= self.resting_until)
        if kind in _OWN:
            changed |= self.is_waiting
            self.is_waiting = False
        changed |= self._add_points(at, kind, data)
        if kind in SIGNS_OF_LIFE:
            self.last_sign = at
        if kind in _TURNS:
            self._take(at, kind, data)
        return changed and self.look(at, by if KINDS[kind].actor == "sales" else None)

    def colleague(self, at: int) -> bool:
        """A colleague read a page. Returns whether a hand-off opened."""
        self._add(at, _COLLEAGUE, COLLEAGUE)
        may_climb = self.stage in ("suspect", "lead") and not self.is_waiting and self.fit >= FIT_NEEDED
        return may_climb and self.look(at, None)

    def look(self, at: int, by: str | None = None) -> bool:
        """Apply the rules at the instant. Returns whether a hand-off opened that waits for an answer."""
        if at < self.held_until:
            return False
        self._fall_by_time(at)
        if self._fell(at):
            return False
        if self.is_waiting or self.status == "disqualified":
            return False
        opened = False
        for _ in range(8):
            target = self._next_rung(at)
            if target is None:
                break
            opened |= self._climb(at, target, by)
        return opened

    def engagement(self, at: int) -> float:
        total = 0.0
        for n, (points, then) in self.sums.items():
            line = _LINES[n]
            if line.half_life is not None:
                points *= 2.0 ** (-(at - then) / (line.half_life * DAY))
            total += points if line.cap is None else min(line.cap, points)
        return round(total, 6)

    def score(self, at: int) -> float:
        return self.engagement(at) + self.fit

    def settle(self, at: int) -> None:
        """What time alone has done by the instant."""
        self._fall_by_time(at)

    def moves_on(self, day_of: Callable[[int], object], at: int) -> int:
        """How many moves the person has made on the day of the instant."""
        day = day_of(at)
        return sum(day_of(move.at) == day for move in self.moves[-6:])

    def has_lost(self) -> bool:
        """A deal was lost, and none is open or won."""
        states = set(self.deals.values())
        return "deal_lost" in states and not states & {"deal_opened", "deal_moved", "deal_won"}

    def bant(self, at: int) -> int:
        return sum(self._holds(letter, at) for letter in self.answers)

    def _holds(self, letter: str, at: int) -> bool:
        confirmed, until = self.answers.get(letter, (False, 0))
        return confirmed and at < until

    def _add_points(self, at: int, kind: str, data: Data) -> bool:
        counts = False
        for n, line in _BY_KIND.get(kind, ()):
            if line.test is None or line.test(data):
                self._add(at, n, line)
                if line.points >= 0 and kind in _OWN:
                    counts = True
                if line.is_hand_raise:
                    self.hot_at = at
                    self.resting_until = -1
        if counts:
            self.signals += 1
            self.last_sign = at
        return counts

    def _add(self, at: int, n: int, line: Line) -> None:
        points, then = self.sums.get(n, (0.0, at))
        if line.half_life is not None:
            points *= 2.0 ** (-(at - then) / (line.half_life * DAY))
        self.sums[n] = (points + line.points, at)

    def _take(self, at: int, kind: str, data: Data) -> None:
        if kind in REACHED or (kind == "email_replied" and data.get("outcome") != "negative"):
            self.reached = True
        elif kind == "bant_answered":
            letter = str(data["letter"])
            self.answers[letter] = (data["confirmed"] == "yes", at + ANSWER_VALID_DAYS[letter] * DAY)
        elif kind == "admission_given":
            self.admissions.add(str(data["admission"]))
        elif kind.startswith("handoff_"):
            self.accepted, self.rejected, self.returned = (
                kind == f"handoff_{word}" for word in ("accepted", "rejected", "returned")
            )
            if self.rejected:
                self.rejected_for = str(data.get("reason", ""))
                self.rejected_until = _instant(data.get("until"))
        elif kind.startswith("deal_"):
            self.deals[str(data.get("deal", ""))] = kind
            if kind == "deal_won":
                self.resting_until = -1
        elif kind == "stage_overridden":
            self._override(at, data)

    def _override(self, at: int, data: Data) -> None:
        until = _instant(data.get("until"))
        self.held_until = FOREVER if until is None else until
        self.resting_until = -1
        self._move(at, str(data.get("to") or self.stage), str(data.get("status") or "active"))

    def _fall_by_time(self, at: int) -> None:
        """What time alone has done since the last look: silence, and the end of being lost."""
        if at < self.held_until:
            return
        days = IDLE_DAYS.get(self.stage)
        if days is not None and self.status == "active":
            falls_at = max(self.last_sign + days * DAY, self.since, self.held_until)
            if at >= falls_at:
                self._fall(falls_at, "nurture", -1)
        elif self.status == "lost" and at >= self.since + LOST_DAYS * DAY:
            self._fall(self.since + LOST_DAYS * DAY, "nurture", -1)

    def _fell(self, at: int) -> bool:
        if self.fit <= FIT_REFUSED and self.status != "disqualified":
            self._move(at, self.stage, "disqualified")
            return True
        if self.stage in ("prospect", "opportunity") and self.has_lost():
            self._fall(at, "lost", at + LOST_REST * DAY)
            return True
        if self.rejected and self.stage in IDLE_DAYS and self.status == "active":
            self._fall(at, "nurture", self._rest_after_rejection(at))
            return True
        if (
            self.stage == "customer"
            and at - self.since >= CUSTOMER_QUIET_DAYS * DAY
            and self.engagement(at) >= NEW_INTEREST
        ):
            kept = (self.sums, self.signals)
            self._empty()
            self.sums, self.signals = kept
            self._move(at, "lead", "active")
        return False

    def _rest_after_rejection(self, at: int) -> int:
        if self.rejected_until is not None:
            return self.rejected_until
        days = RESTS.get(self.rejected_for, REJECTED_REST)
        return FOREVER if days < 0 else at + days * DAY

    def _fall(self, at: int, status: str, resting_until: int) -> None:
        self._move(at, "lead", status)
        self._clear_answers()
        self.is_waiting = True
        if resting_until >= 0:
            self.resting_until = resting_until

    def _next_rung(self, at: int) -> str | None:
        rank = RANK[self.stage]
        if rank < 6 and at >= self.resting_until:
            if self.deals and "deal_won" in self.deals.values():
                return "customer"
            silence = at - self.last_sign
            if rank < 5 and self.answers and silence < IDLE_DAYS["opportunity"] * DAY and self._is_opportunity(at):
                return "opportunity"
            if silence < IDLE_DAYS["prospect"] * DAY:
                if rank < 4 and self.answers and self._is_prospect(at):
                    return "prospect"
                if rank < 3 and self.accepted and not self.rejected:
                    return "sal"
                if rank < 2 and self.fit >= FIT_NEEDED and self.score(at) >= THRESHOLD:
                    return "mql"
        return "lead" if rank < 1 and self.has_address and self.signals else None

    def _is_prospect(self, at: int) -> bool:
        return self.reached and not self.rejected and not self.has_lost() and self.bant(at) >= 1

    def _is_opportunity(self, at: int) -> bool:
        return (
            self.reached
            and not self.rejected
            and not self.has_lost()
            and self._holds("need", at)
            and self.bant(at) >= 3
            and len(self.admissions) == 2
        )

    def _climb(self, at: int, target: str, by: str | None) -> bool:
        before, was_answered = self.stage, self.accepted
        for passed in STAGES[RANK[before] + 1 : RANK[target]]:
            self._move(at, passed, "active")
        self._move(at, target, "active")
        if target == "mql":
            self._clear_answers_of_handoff()
            self.opened.append((at, self.hot_at == at))
            return True
        if RANK[target] > RANK["mql"] and (RANK[before] < RANK["mql"] or (before == "mql" and not was_answered)):
            self.opened.append((at, True))
            if target == "customer":
                self._empty_points()
            return by is None
        if target == "customer":
            self._empty_points()
        return False

    def _clear_answers_of_handoff(self) -> None:
        self.accepted = self.rejected = self.returned = False

    def _move(self, at: int, stage: str, status: str) -> None:
        self.moves.append(Moved(at, self.stage, stage, status, self.score(at)))
        self.stage, self.status, self.since = stage, status, at
