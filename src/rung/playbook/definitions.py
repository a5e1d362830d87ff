"""What a playbook says, as frozen data: every rung, signal, setback, duty and question, with its line in the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from rung.playbook.conditions import Condition
from rung.terms.business_time import Interval, WorkingTime, national_holidays
from rung.terms.durations import Duration
from rung.terms.stages import LABELS, SHORT_LABELS, STAGES

FOREVER: Final = 2**60
"""A rest that never ends: microseconds past every instant of ours, and an instant plus it still fits 64 bits."""

Side = Literal["marketing", "sales"]
SIDES: Final[tuple[Side, ...]] = ("marketing", "sales")

Turn = Literal["round_robin", "capacity", "owner"]
"""How a route chooses within a team: one after the other, whoever has room, whoever owns the account."""
TURNS: Final[tuple[Turn, ...]] = ("round_robin", "capacity", "owner")

Pause = Literal["meeting set", "owner away"]
"""What stops a clock of sales: a meeting is set and neither held nor missed yet (the clocks of a first touch and of a
reply); whoever owes it is away (every clock of theirs)."""
PAUSES: Final[tuple[Pause, ...]] = ("meeting set", "owner away")

Sheet = Literal["open", "qualifying", "pain"]
SHEETS: Final[tuple[Sheet, ...]] = ("open", "qualifying", "pain")

StepKind = Literal["mail", "call", "social", "letter", "task", "wait"]
STEP_KINDS: Final[tuple[StepKind, ...]] = ("mail", "call", "social", "letter", "task", "wait")

ALWAYS_KNOWN_QUESTIONS: Final = ("decision_date", "decision_makers")
"""Questions that have a meaning of their own (`decision.date`, `decision.makers`), asked for in the file or not."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition as written, as understood, and where it stands. Equal when it says the same, wherever it stands."""

    text: str
    condition: Condition
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Signature:
    """Who of a side signed which version, on which day. `version` may be cut to its first digits."""

    side: Side
    who: str
    signed_date: date
    version: str
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Band:
    """Rungs that belong together, and where the firm meets the people on them."""

    name: str
    stages: tuple[str, ...]
    touchpoints: tuple[str, ...]
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Persona:
    name: str
    when: Rule
    needs: tuple[str, ...]
    objections: tuple[str, ...]
    pitch: str
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class FitLine:
    """Points for who somebody is; below zero for who we do not sell to."""

    name: str
    when: Rule
    points: float
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Signal:
    """Points for what somebody does. `half_life` in microseconds; `is_company`: a colleague's event counts too."""

    name: str
    on: str
    when: Rule | None
    points: float
    cap: float | None
    half_life: int | None
    is_hand_raise: bool
    is_company: bool
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Temperature:
    """Hot, else warm, else cold. A part that the file leaves out is never reached."""

    hot: Rule | None = None
    warm: Rule | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Treatment:
    """What one does with people on a rung, and the content that helps."""

    what: str
    content: tuple[str, ...]
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Stage:
    """A rung that is used, and the condition under which people enter it."""

    code: str
    enter: Rule
    treat: tuple[Treatment, ...]
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Setback:
    """A move down or beside. `to` is a rung or a status; `rest` in microseconds, FOREVER, or None for no rest."""

    to: str
    when: Rule
    because: str
    rest: int | None
    lap: Literal["expansion"] | None
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class RejectReason:
    """A reason sales may reject with. Its own `rest` (microseconds or FOREVER) replaces the setback's; with
    `wakes_on` "date" the answer carries the day on which the rest ends."""

    reason: str
    rest: int | None
    wakes_on: Literal["date"] | None
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Route:
    """Who gets a hand-off: the first line whose `when` holds (or that has none)."""

    when: Rule | None
    to: str
    turn: Turn
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Handoff:
    """Marketing gives a person to sales. `escalate_at` is a share of the time allowed, 0 to 1."""

    on: str = "mql"
    accept_within_hand_raise: Duration | None = None
    accept_within_scored: Duration | None = None
    first_touch_within: Duration | None = None
    escalate_at: float | None = None
    must_document: tuple[str, ...] = ()
    reject_reasons: Mapping[str, RejectReason] = field(default_factory=dict)
    return_reasons: tuple[str, ...] = ()
    route: tuple[Route, ...] = ()
    pause: tuple[Pause, ...] = ()
    line: int = field(default=0, compare=False)
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Cadence:
    """The least that is done for each person, within a time."""

    calls: int = 0
    mails: int = 0
    social: int = 0
    letters: int = 0
    within: Duration | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Duties:
    """What each side owes the other. Shares are 0 to 1; None where nothing is agreed."""

    mqls_per_month: int | None = None
    accepted_share: float | None = None
    nurture: Cadence | None = None
    accepted_within_sla: float | None = None
    first_touch_within_sla: float | None = None
    cadence: Cadence | None = None
    line: int = field(default=0, compare=False)
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Calendar:
    """When the firm works: the zone in which days are cut, open minutes Monday to Sunday, and days off."""

    timezone: str = "UTC"
    week: tuple[tuple[Interval, ...], ...] = (((540, 1020),),) * 5 + ((), ())
    holidays: tuple[str, ...] = ()
    """Country codes, `DE`, or with a region `DE-BY`."""
    days_off: tuple[date, ...] = ()
    hours: str = "Mon-Fri 09:00-17:00"
    teams: "Mapping[str, Calendar]" = field(default_factory=dict)
    """Team → its own calendar; every other team works by this one."""
    line: int = field(default=0, compare=False)
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)

    def of(self, team: str) -> "Calendar":
        """The calendar of a team; the firm's where the team has none of its own."""
        wanted = team.lower()
        return next((each for name, each in self.teams.items() if name.lower() == wanted), self)

    def working_time(self) -> WorkingTime:
        """The calendar as a clock can run on it."""
        calendars = [national_holidays(*code.split("-", 1)) for code in self.holidays]
        days_off = frozenset(self.days_off)
        return WorkingTime(
            self.timezone, self.week, lambda day: day in days_off or any(is_off(day) for is_off in calendars)
        )


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter of BANT: how to ask, what may stand in the way, how long an answer stays true (microseconds)."""

    letter: str
    ask: tuple[str, ...] = ()
    frictions: tuple[str, ...] = ()
    remedies: Mapping[str, str] = field(default_factory=dict)
    """Friction → what one does about it, where the file says so."""
    valid_for: int | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a question sheet; `must_at` is the rung on which it must be answered, `within` this time.

    With a `letter` of BANT its answer answers that letter too.
    """

    name: str
    ask: str
    sheet: Sheet
    must_at: str | None
    within: Duration | None
    line: int = field(compare=False)
    letter: str | None = None


@dataclass(frozen=True, slots=True)
class QuestionSheet:
    """Another way to qualify than BANT, letter by letter: MEDDICC, CHAMP, or the firm's own."""

    name: str
    questions: tuple[Question, ...]
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Checklist:
    """Lines that a person ticks; `stage` is the rung it is for, if any."""

    name: str
    stage: str | None
    lines: tuple[str, ...]
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a journey: what is done, or how long it waits."""

    kind: StepKind
    what: str
    wait: Duration | None
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Journey:
    """What happens by itself to people who are not handed over: who enters, until when, step by step."""

    name: str
    when: Rule
    until: Rule | None
    steps: tuple[Step, ...]
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Sequence:
    """Touches that one of ours makes, step by step, until they answer; with `starts` it begins by itself then."""

    name: str
    starts: Literal["accepted"] | None
    steps: tuple[Step, ...]
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Playbook:
    """One version of the agreement. `stages` and `qualification` are in the order of the ladder and of BANT."""

    name: str
    version: str
    """64 hex digits: SHA-256 of the content, see `rung.playbook.version`."""
    text: str = field(repr=False)
    stages: Mapping[str, Stage]
    treat_suspect: tuple[Treatment, ...] = ()
    """What one does with people on the rung where everybody starts, which has no entry of its own."""
    fit: tuple[FitLine, ...] = ()
    signals: tuple[Signal, ...] = ()
    temperature: Temperature = Temperature()
    setbacks: tuple[Setback, ...] = ()
    handoff: Handoff = Handoff()
    duties: Duties = Duties()
    calendar: Calendar = Calendar()
    qualification: Mapping[str, Letter] = field(default_factory=dict)
    """All four letters, whether the file names them or not."""
    questions: tuple[Question, ...] = ()
    sheets: tuple[QuestionSheet, ...] = ()
    """Where there are any, the first is what sales asks by, instead of the letters of BANT."""
    personas: tuple[Persona, ...] = ()
    checklists: tuple[Checklist, ...] = ()
    journeys: tuple[Journey, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    bands: tuple[Band, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    signatures: tuple[Signature, ...] = ()
    review_by: date | None = None
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)
    """Where each section of the file begins."""

    @property
    def rungs(self) -> tuple[str, ...]:
        """The rungs that are used, from the lowest: `suspect` always, then those of `stages:`."""
        return tuple(code for code in STAGES if code == "suspect" or code in self.stages)

    def label(self, code: str) -> str:
        """What the firm calls a rung or a status."""
        return self.words.get(code) or LABELS[code]

    def short_label(self, code: str) -> str:
        """The same where there is little room."""
        return self.words.get(code) or SHORT_LABELS[code]

    def signature_of(self, side: Side) -> Signature | None:
        """The side's signature under this very version; one under another version is none."""
        return next((s for s in self.signatures if s.side == side and self.version.startswith(s.version)), None)

    def is_signed_by(self, side: Side) -> bool:
        return self.signature_of(side) is not None

    @property
    def is_signed(self) -> bool:
        """Whether both sides signed this version."""
        return all(self.is_signed_by(side) for side in SIDES)
