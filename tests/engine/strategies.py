"""Random playbooks and random histories in which much happens: setbacks, flips, laps, holds, colleagues, merges.

Playbooks are made as data and written as JSON, which is YAML; they go through the real loader. Lengths of time are
hours and few days, so that a story of ten days has many flips. Stories are fragments that belong together ("demo,
accepted, spoken with") with gaps between that like to land on a boundary.

Everything is drawn through `Dice`: building Hypothesis strategies anew for each draw took half a second an example.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from rung.playbook.loading import PlaybookRefused, load
from rung.terms.events import Event
from rung.terms.instants import DAY, HOUR, MINUTE, SECOND, format_instant, parse_instant
from rung.terms.stages import STAGES

START = parse_instant("2026-03-01T00:00:00Z")
PEOPLE = ("ana", "ben", "cleo@acme.example")

T = TypeVar("T")
_SIZES = {size: st.integers(0, size - 1) for size in range(1, 101)}


class Dice:
    """Choices that Hypothesis draws and shrinks; the first of a list is the simplest."""

    def __init__(self, draw: DrawFn) -> None:
        self.draw = draw

    def pick(self, items: Sequence[T]) -> T:
        return items[self.draw(_SIZES[len(items)])]

    def is_one_of(self, ten: int) -> bool:
        """True in `ten` of ten cases."""
        return self.draw(_SIZES[10]) >= 10 - ten

    def number(self, least: int, most: int) -> int:
        return least + self.draw(_SIZES[most - least + 1])

    def some(self, items: Sequence[T], least: int, most: int) -> list[T]:
        """Between `least` and `most` of the items, in their order."""
        left = list(range(len(items)))
        wanted = min(self.number(least, most), len(left))
        chosen = [left.pop(self.draw(_SIZES[len(left)])) for _ in range(wanted)]
        return [items[number] for number in sorted(chosen)]


# --- playbooks --------------------------------------------------------------------------------------------------------

POINTS = [1, 2, 5, 8, 8, 10, 10, 20, 20, 40, 2.5]
SPANS = ["hours(2)", "hours(6)", "hours(20)", "hours(30)", "days(1)", "days(2)", "days(3)", "hours(0.5)"]
LENGTHS = ["90 minutes", "6h", "20h", "1d", "2d", "3d", "5d"]
HALF_LIVES = ["30 minutes", "2h", "6h", "20h", "1d", "3d"]
NUMBERS = [1, 2, 3, 5, 8, 10, 15, 20, 25, 30, 40, 50]

SIGNALS: list[dict[str, Any]] = [
    {"name": "Page", "on": "page_viewed"},
    {"name": "Pricing", "on": "page_viewed", "when": 'data.path.startswith("/pricing")'},
    {"name": "Prices", "on": "pricing_viewed"},
    {"name": "Demo", "on": "demo_requested", "hand_raise": True},
    {"name": "Paper", "on": "content_downloaded", "when": "data.pages >= 10"},
    {"name": "Good reply", "on": "email_replied", "when": 'data.outcome == "positive"'},
    {"name": "Colleague", "on": "page_viewed", "from": "company"},
    {"name": "Colleague asks", "on": "demo_requested", "from": "company", "when": 'company.industry == "Software"'},
    {"name": "Chief", "on": "form_submitted", "when": 'person.title.matches("chief *|vp*") or data.urgent'},
    {"name": "Second page", "on": "page_viewed", "when": "times(page_viewed) >= 2"},
    {"name": "Lead acts", "on": "form_submitted", "when": 'stage == "lead" or status == "nurture"'},
    {"name": "Late form", "on": "form_submitted", "when": "in_stage >= hours(20)"},
]
BAD_SIGNALS: list[dict[str, Any]] = [
    {"name": "Bounce", "on": "email_bounced", "points": -8},
    {"name": "Gone", "on": "unsubscribed", "points": -20},
    {"name": "Career page", "on": "page_viewed", "when": 'data.path == "/jobs"', "points": -5},
]
FIT = [
    {"name": "Industry", "when": 'company.industry == "Software"', "points": 15},
    {"name": "Size", "when": "50 <= company.employees <= 1000", "points": 10},
    {"name": "Title", "when": 'person.title.matches("chief *|vp*|* director")', "points": 10},
    {"name": "Money", "when": "budget and not need", "points": 5},
    {"name": "Young", "when": "not (person.age > 3)", "points": -5},
    {"name": "Private mailbox", "when": "person.free_mailbox", "points": -10},
    {"name": "Country", "when": 'person.country not in ["DE", "FR"]', "points": 2.5},
]


class Written:
    """A playbook that shows as its text in a failing example, ready to be pasted."""

    def __init__(self, text: str) -> None:
        self.text, self.playbook = text, load(text)

    def __repr__(self) -> str:
        return f"Written({self.text!r})"


@st.composite
def playbooks(draw: DrawFn) -> Written:
    """A playbook, through the loader. One that says what can never be true is refused there and drawn again."""
    try:
        return Written(playbook_text(Dice(draw)))
    except PlaybookRefused:
        reject()


def playbook_text(dice: Dice) -> str:
    """A playbook's text. Whole sections and rungs may be left out."""
    signals = [weighed(dice, signal) for signal in dice.some(SIGNALS, 4, 8)] + dice.some(BAD_SIGNALS, 0, 2)
    rungs = dice.some(STAGES[1:], 2, 6) if dice.is_one_of(3) else list(STAGES[1:])
    conditions = Conditions(dice, [signal["name"] for signal in signals], ["suspect", *rungs])
    setbacks = [conditions.setback() for _ in range(dice.number(1, 4))]
    if "customer" in rungs and not dice.is_one_of(2):
        setbacks.insert(0, conditions.expansion())
    for number, setback in enumerate(setbacks):
        setback["because"] = f"Because {number}"
    book: dict[str, Any] = {
        "playbook": 1,
        "name": "Acme",
        "signals": signals,
        "fit": dice.some(FIT, 0, 4),
        "stages": {rung: {"enter": conditions.enter(rung)} for rung in rungs},
        "setbacks": setbacks,
        "handoff": {
            "on": dice.pick([rung for rung in rungs if rung not in ("lead", "customer")] or rungs),
            "reject_reasons": [
                {"reason": "No budget", "rest": "2d"},
                {"reason": "Not urgent", "wakes_on": "date"},
                {"reason": "Not our customer", "rest": "never"},
                {"reason": "Wrong person"},
            ],
        },
        "qualification": {
            letter: {"valid_for": dice.pick(LENGTHS)} for letter in dice.some(("budget", "authority", "need"), 0, 3)
        },
    }
    if dice.is_one_of(5):
        book["temperature"] = {"hot": conditions.condition(2), "warm": dice.pick(NUMBERS)}
    return json.dumps(book)


def weighed(dice: Dice, signal: dict[str, Any]) -> dict[str, Any]:
    """The signal with points, cap and half-life, each of which may be missing."""
    if not dice.is_one_of(9) and not signal.get("hand_raise"):
        return signal
    signal = {**signal, "points": dice.pick(POINTS)}
    if dice.is_one_of(4):
        signal["cap"] = dice.pick([3, 10, 24, 30])
    if dice.is_one_of(7):
        signal["half_life"] = dice.pick(HALF_LIVES)
    return signal


TRUTHS = [
    line.strip()
    for line in """
    reachable | accepted | rejected | returned | touched | reached | budget | authority | need | timing | known(need)
    admits.considering | admits.change | friction("no budget") | answered("pain") | ticked("demo held")
    deal.open | deal.won | deal.lost | is_customer | consented | unsubscribed | budget != true
    known(since(page_viewed))
    known(competitor) | competitor == "Initech" | competitor.matches("ini*") | status == "nurture" | status != "active"
    known(person.title) | person.title.contains("irector") | person.age > 3 | person.age != 40 | person.vip | true
    person.source == "ads" | known(person.campaign) | known(decision.date) | person.email_domain == "acme.example"
    company.industry in ["Software", "Fintech"] | company.employees >= 50 | known(company.industry)
    person.tags.contains("beta") | person.email.endswith(".example") | person.free_mailbox | known(likelihood)
    """.replace("\n", "|").split("|")
    if line.strip()
]
"""Conditions of one word or little more."""


USUAL_ENTERS = {
    "lead": ["true", "signals >= 1", "reachable and signals >= 1", "engagement >= 2", "visits >= 1"],
    "mql": ["score >= 8", "score >= 15 and fit >= 5", "engagement >= 8", "score >= 15 or times(demo_requested) >= 1"],
    "sal": ["accepted", "accepted and score >= 5", "in_stage >= hours(20) and score >= 10"],
    "prospect": ["reached and not rejected", "bant >= 1 and not rejected", "bant_told >= 1", "reached and need"],
    "opportunity": ["deal.open", "bant >= 2", "admits.change and reached", "need and score >= 5"],
    "customer": ["deal.won", "deal.won", "is_customer", "deal.won and not deal.open", "score >= 60"],
}
USUAL_SETBACKS = [
    'stage in ["mql", "sal", "prospect"] and rejected',
    "rejected",
    'stage in ["prospect", "opportunity"] and deal.lost',
    "deal.lost",
    'stage != "customer" and idle >= hours(30)',
    'stage in ["lead", "mql", "sal"] and idle >= days(2)',
    'stage == "mql" and score < 8',
    'stage in ["lead", "mql", "sal", "prospect"] and engagement < 3',
    'stage in ["lead", "mql"] and score < 5 and in_stage >= hours(2)',
    'stage in ["mql", "sal"] and in_stage >= hours(20)',
    'status == "nurture" and in_stage >= days(2)',
    'stage in ["prospect", "opportunity"] and bant < 1',
    "unsubscribed",
    "returned",
    "fit < 0",
    "not reachable",
    'friction("no budget")',
]
USUAL_EXPANSIONS = [
    "signals >= 1",
    "engagement >= 5",
    "in_stage >= hours(20) and engagement >= 2",
    "times(page_viewed) >= 2 and idle < hours(6)",
    "in_stage >= days(2)",
]


class Conditions:
    """Conditions over what this playbook names."""

    def __init__(self, dice: Dice, signals: list[str], used: list[str]) -> None:
        self.dice = dice
        self.signals = [f'"{name}"' for name in signals]
        self.used = used

    def enter(self, rung: str) -> str:
        return self.condition(2) if self.dice.is_one_of(2) else self.dice.pick(USUAL_ENTERS[rung])

    def setback(self) -> dict[str, Any]:
        dice = self.dice
        rungs = [rung for rung in self.used if rung not in ("customer", "opportunity")]
        to = dice.pick(["nurture", "nurture", "lost", "disqualified", *rungs])
        when = self.condition(2) if dice.is_one_of(3) else dice.pick(USUAL_SETBACKS)
        rest = dice.pick([None, None, None, "6h", "1d", "2d", "never"])
        return {"to": to, "when": when} if rest is None else {"to": to, "when": when, "rest": rest}

    def expansion(self) -> dict[str, Any]:
        when = f"({self.condition(1)})" if self.dice.is_one_of(2) else self.dice.pick(USUAL_EXPANSIONS)
        to = self.dice.pick([rung for rung in self.used if rung != "customer"])
        return {"to": to, "when": f'stage == "customer" and {when}', "lap": "expansion"}

    def condition(self, depth: int) -> str:
        how = self.dice.number(0, 9) if depth else 0
        if how < 4:
            return self.atom()
        if how < 8:
            joint = self.dice.pick(["and", "or"])
            return f"({self.condition(depth - 1)}) {joint} ({self.condition(depth - 1)})"
        if how == 8:
            return f"not ({self.condition(depth - 1)})"
        return f"count({self.condition(depth - 1)}, {self.atom()}, {self.atom()}) >= {self.dice.number(1, 3)}"

    def atom(self) -> str:
        pick = self.dice.pick
        order, long = pick([">=", "<", ">", "<="]), pick([">=", "<"])
        what = self.dice.number(0, 11)
        if what == 0:
            return f"{pick(COUNTS)} {order} {self.dice.number(0, 3)}"
        if what <= 2:
            return f"{pick(DECAYING)} {order} {pick(NUMBERS)}"
        if what == 3:
            return f"{pick([1, 2, 5])} <= {pick(DECAYING)} < {pick(NUMBERS[5:])}"
        if what <= 5:
            return f"{pick(['idle', 'in_stage'])} {long} {pick(SPANS)}"
        if what == 6:
            length = pick([*SPANS, "in_stage", "idle", f"since({pick(self.signals)})" if self.signals else "idle"])
            return f"since({pick([*KINDS_NAMED, *self.signals])}) {long} {length}"
        if what == 7:
            return f"times({pick([*KINDS_NAMED, *self.signals])}) {order} {self.dice.number(0, 3)}"
        if what == 8:
            return f'stage {pick(["==", "!="])} "{pick(self.used)}"'
        return pick(TRUTHS)


COUNTS = ["signals", "visits", "bant", "bant_told", "lap", "likelihood", "decision.makers"]
DECAYING = ["score", "engagement", "score", "fit"]
KINDS_NAMED = ["page_viewed", "pricing_viewed", "demo_requested", "call_made", "email_bounced"]


# --- histories --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Happening:
    """One event to be: the kind and its data; the story gives it a person and a time."""

    kind: str
    data: dict[str, Any]
    by: str | None = None
    company: str | None = None


def h(kind: str, by: str | None = None, company: str | None = None, **data: Any) -> Happening:
    return Happening(kind, data, by, company)


def bant(letter: str, confirmed: Any = "yes", **more: Any) -> Happening:
    return h("bant_answered", by="sam", letter=letter, confirmed=confirmed, **more)


SINGLES = [
    *[h("page_viewed", path=path) for path in ("/", "/pricing", "/pricing/team", "/jobs")],
    h("pricing_viewed"),
    h("page_viewed", path="/pricing", company="acme.example"),
    h("demo_requested"),
    h("demo_requested", company="globex.example"),
    h("content_downloaded", pages=12),
    h("content_downloaded", pages="12"),
    h("form_submitted", urgent=True),
    h("form_submitted", company="acme.example"),
    h("email_opened"),
    h("email_replied", outcome="positive"),
    h("email_replied", outcome="negative"),
    h("email_replied"),
    h("person_identified", email="ana@acme.example", title="VP Sales", company="acme.example"),
    h("person_described", email="ana@gmail.com", age=3, vip=True, tags=["beta", "eu"]),
    h("person_described", email=None, title="Sales Director", age=40, country="DE"),
    h("person_described", phone="+49 30 1", title=None, country="US", company="globex.example"),
    h("person_described", age="50", vip="yes", country=None),
    h("person_described", email="n/a", phone="unknown"),
    h("person_identified", email="@kim"),
    h("email_bounced", hard=True),
    h("email_bounced", hard=False),
    h("unsubscribed"),
    h("consent_given"),
    h("consent_withdrawn"),
    h("call_made", by="sam"),
    h("email_written", by="sam"),
    h("contacted", by="sam"),
    h("call_answered"),
    h("meeting_held"),
    bant("budget"),
    bant("need", told=True),
    bant("need", "no"),
    bant("authority", told=True),
    bant("timing", True),
    bant("budget", False),
    h("admission_given", by="sam", admission="considering"),
    h("admission_given", by="sam", admission="change"),
    h("friction_found", by="sam", friction="no budget"),
    h("question_answered", by="sam", question="pain", answer="slow"),
    h("question_answered", by="sam", question="decision_date", answer="2026-09-01"),
    h("question_answered", by="sam", question="decision_makers", answer="Ana, Ben; Cleo"),
    h("question_answered", by="sam", question="decision_makers", answer=["Ana", " ", "Ben"]),
    h("question_answered", by="sam", question="decision_makers", answer=5),
    h("question_answered", by="sam", question="decision_date"),
    h("page_viewed", path="/", utm_source="ads", utm_campaign="spring"),
    h("person_described", source="fair"),
    h("checklist_ticked", by="sam", line="demo held"),
    h("competitor_named", by="sam", competitor="Initech"),
    h("likelihood_scored", likelihood=2),
    h("handoff_accepted", by="sam"),
    h("handoff_rejected", by="sam", reason="Wrong person"),
    h("handoff_rejected", by="sam", reason="No budget"),
    h("handoff_rejected", by="sam"),
    h("handoff_returned", by="sam", reason="wrong owner"),
    h("deal_opened", by="sam", deal="D1"),
    h("deal_opened", by="sam", deal="D2"),
    h("deal_moved", by="sam", deal="D1"),
    h("deal_lost", by="sam", deal="D1"),
    h("deal_lost", by="sam"),
    h("deal_won", by="sam", deal="D2"),
    h("deal_won"),
    h("deal_won", deal=1),
    h("deal_lost", deal="1"),
    h("customer_left", by="sam"),
    h("imported"),
    h("email_sent"),
]

FRAGMENTS = [
    [
        h("person_identified", email="ana@acme.example", title="VP Sales", company="acme.example"),
        h("page_viewed", path="/pricing"),
    ],
    [h("page_viewed", path="/pricing")] * 3,
    [h("demo_requested"), h("handoff_accepted", by="sam"), h("contacted", by="sam")],
    [h("demo_requested"), h("handoff_rejected", by="sam", reason="No budget"), h("page_viewed", path="/pricing")],
    [
        h("contacted", by="sam"),
        bant("need"),
        bant("budget", told=True),
        h("admission_given", by="sam", admission="change"),
    ],
    [h("deal_opened", by="sam", deal="D1"), h("deal_lost", by="sam", deal="D1"), h("page_viewed", path="/pricing")],
    [
        h("deal_opened", by="sam", deal="D1"),
        h("deal_won", by="sam", deal="D1"),
        h("page_viewed", path="/pricing"),
        h("pricing_viewed"),
    ],
    [h("deal_won", by="sam", deal="D3"), h("demo_requested"), h("page_viewed", path="/pricing"), h("demo_requested")],
    [h("pricing_viewed"), h("content_downloaded", pages=12), h("form_submitted", urgent=True)],
]

KNOWN = h("person_identified", email="ana@acme.example", title="VP Sales", company="acme.example")
PRICES, PAGE, PAPER = h("page_viewed", path="/pricing"), h("page_viewed", path="/"), h("content_downloaded", pages=12)
DEMO, FORM = h("demo_requested"), h("form_submitted", urgent=True)
TAKEN, SPOKEN = h("handoff_accepted", by="sam"), h("contacted", by="sam")
LEFT = h("customer_left", by="sam")
CHANGE = h("admission_given", by="sam", admission="change")


def rejected(**data: Any) -> Happening:
    return h("handoff_rejected", by="sam", **data)


def deal(what: str, which: str) -> Happening:
    return h(f"deal_{what}", by="sam", deal=which)


# fmt: off
PLOTS = [
    # A climb, a purchase, new interest.
    [KNOWN, PRICES, PAPER, DEMO, TAKEN, SPOKEN, bant("need"), bant("budget", told=True), CHANGE, deal("opened", "D1"),
     deal("won", "D1"), PRICES, DEMO, PRICES, PAPER, TAKEN, deal("opened", "D2")],
    # Rejected, and again; then taken.
    [PRICES, DEMO, PAPER, rejected(reason="No budget"), PRICES, DEMO, rejected(reason="Wrong person"), PRICES, PAPER,
     rejected(), FORM, DEMO, TAKEN, SPOKEN],
    # A deal lost, then one won after all.
    [DEMO, TAKEN, SPOKEN, bant("need"), deal("opened", "D1"), deal("lost", "D1"), PRICES, PAPER, DEMO, SPOKEN,
     deal("opened", "D2"), deal("won", "D2"), DEMO, PRICES, PRICES],
    # Somebody who bought without being asked, again and again.
    [deal("won", "D1"), PRICES, DEMO, PAPER, PRICES, deal("won", "D2"), PAPER, DEMO, PRICES, LEFT],
    # Interest that fades.
    [KNOWN, PRICES, PAGE, PAPER, PRICES, h("call_made", by="sam"), PRICES, FORM],
    # Returned, and unanswered.
    [PAPER, DEMO, PRICES, h("handoff_returned", by="sam"), PRICES, PAPER, h("call_answered"), bant("need", told=True)],
]
# fmt: on
"""Whole stories, of which parts are left out and into which anything may come."""

GAPS = [
    *[0, 0, 1, SECOND, 10 * MINUTE, 30 * MINUTE, 30 * MINUTE - 1, HOUR, HOUR, 2 * HOUR, 6 * HOUR],
    *[37 * MINUTE, 3 * HOUR + 11 * MINUTE, 5 * HOUR + SECOND, 11 * HOUR, 17 * HOUR + 29 * MINUTE],
    *[20 * HOUR, 30 * HOUR, DAY, 2 * DAY, 2 * DAY + MINUTE, 3 * DAY],
]


def single(dice: Dice, at: int, used: Sequence[str]) -> Happening:
    """Any one happening; some need to know the time."""
    what = dice.number(0, 19)
    if what < 15:
        return dice.pick(SINGLES)
    if what < 16:
        wakes = format_instant(at + dice.pick([HOUR, DAY, 3 * DAY]))
        return h("handoff_rejected", by="sam", reason="Not urgent", until=wakes)
    return override(dice, at, used)


def override(dice: Dice, at: int, used: Sequence[str]) -> Happening:
    """By hand, each field told or missing; at times to a rung that is not used, or until a time that is over."""
    data: dict[str, Any] = {"because": "by hand"}
    if dice.is_one_of(8):
        data["to"] = dice.pick([*used, *used, "mql"])
    if dice.is_one_of(3):
        data["status"] = dice.pick(["active", "nurture", "lost", "disqualified"])
    if dice.is_one_of(9):
        lengths = [HOUR, 20 * HOUR, 2 * DAY, 90 * MINUTE, 0, -HOUR, None]
        length = dice.pick(lengths)
        data["until"] = None if length is None else format_instant(at + length)
    return h("stage_overridden", by="kim", **data)


@st.composite
def stories(draw: DrawFn, person: str = "ana", used: Sequence[str] = STAGES, most: int = 8) -> list[Event]:
    """One person's events in order of time; `seq` is still to be given (0)."""
    return story(Dice(draw), person, used, most)


def story(dice: Dice, person: str, used: Sequence[str], most: int) -> list[Event]:
    at = START + dice.pick([0, 10 * HOUR + 17 * MINUTE, HOUR - 1])
    plot = dice.pick(PLOTS)
    left = plot[dice.pick([0, 0, 1, 3, 5]) :]
    events: list[Event] = []
    for _ in range(dice.number(2, most)):
        size = dice.number(0, 5) if left else 0
        if size:
            part, left = left[:size], left[size:]
        else:
            part = dice.pick(FRAGMENTS) if dice.is_one_of(4) else [single(dice, at, used)]
        for happening in part:
            events.append(Event(0, person, at, happening.kind, happening.data, happening.company, happening.by))
            at += dice.pick(GAPS)
    return events


def numbered(events: Sequence[Event]) -> list[Event]:
    """The events in this order of arrival."""
    return [replace(e, seq=seq, message_id=e.message_id or f"m{seq}") for seq, e in enumerate(events, 1)]


def arrived(dice: Dice, events: Sequence[Event]) -> list[Event]:
    """The events with numbers of arrival: mostly in order of time, some late, equal instants in any order."""
    late = [dice.number(0, 12) if dice.is_one_of(2) else 0 for _ in events]
    keyed = [(place + late[place], place, event) for place, event in enumerate(sorted(events, key=lambda e: e.at))]
    return numbered([event for _, _, event in sorted(keyed, key=lambda key: key[:2])])


@st.composite
def lonely_histories(draw: DrawFn, most: int = 10) -> list[Event]:
    """One person's events, some of them late."""
    dice = Dice(draw)
    return arrived(dice, story(dice, "ana", STAGES, most))


@st.composite
def histories(draw: DrawFn, most: int = 8) -> list[Event]:
    dice = Dice(draw)
    return history(dice, PEOPLE[: dice.number(1, len(PEOPLE))], most)


def history(dice: Dice, people: Sequence[str], most: int) -> list[Event]:
    """Several people, colleagues at times, with company facts, merges, voided events and undone imports."""
    events = [event for person in people for event in story(dice, person, STAGES, most)]
    for _ in range(dice.number(0, 3)):
        at = START + dice.number(0, 60) * 3 * HOUR
        company = dice.pick(["acme.example", "acme.example", "globex.example"])
        events.append(Event(0, None, at, "company_described", dice.pick(COMPANY_FACTS), company))
    if dice.is_one_of(2):
        events = [replace(event, source="import:7") if dice.is_one_of(2) else event for event in events]
    told = arrived(dice, events)
    return numbered(told + corrections(dice, told, people))


COMPANY_FACTS: list[dict[str, Any]] = [
    {"industry": "Software"},
    {"employees": 200, "industry": "Retail"},
    {"industry": None},
    {"employees": 20},
]


def corrections(dice: Dice, events: Sequence[Event], people: Sequence[str]) -> list[Event]:
    """At times: a voided event, an undone import, a merge, an unmerge, told after everything else."""
    at, told = max(event.at for event in events), []
    for _ in range(dice.pick([0, 0, 0, 1, 2])):
        at += dice.pick(GAPS)
        one, other = dice.pick(people), dice.pick(people)
        voided = {"event": dice.pick(events[:100]).message_id}
        choices: list[tuple[str | None, str, dict[str, Any]]] = [(one, "event_voided", voided)]
        choices.append((None, "import_undone", {"import": 7}))
        if one != other:
            choices += [(one, "persons_merged", {"merged": other})] * 3
            choices.append((one, "persons_unmerged", {"merged": other}))
        person, kind, data = dice.pick(choices)
        told.append(Event(0, person, at, kind, data))
    return told
