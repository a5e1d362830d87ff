"""A backtest in words and drawings: what its page, on the screen or printed, shows. Pure: figures in, texts out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from rung.engine.trying.agreeing import Comparison
from rung.engine.trying.backtest import Counts, Differing, Figure, OnRung, People, Result, Row, month_words
from rung.engine.trying.exploring import Curve, Point
from rung.engine.trying.varying import changed
from rung.playbook.definitions import Playbook
from rung.playbook.words import listed
from rung.terms.instants import DAY, moment, parse_instant
from rung.ui import words

MOST_SHOWN: Final = 100
"""People who differ that a page names; the others are a click away."""
_QUERIES: Final = {
    "opened": {},
    "accepted": {"answer": "accepted"},
    "rejected": {"answer": "rejected"},
    "returned": {"answer": "returned"},
    "undecided": {"answer": "undecided"},
    "open": {"open": "1"},
    "earlier": {"judged": "1"},
    "opportunity": {"opportunity": "1"},
    "won": {"won": "1"},
    "per_day": {},
    "hours": {},
    "caught": {"wins": "caught"},
    "recall": {"wins": "all"},
    "precision": {"question": "1"},
    "ahead": {"ahead": "1"},
}
"""Which hand-offs stand behind a figure."""
_GROUPS: Final = (
    ("source", "By source", "where people first came from"),
    ("rule", "By rule", "what opened the hand-off"),
    ("tip", "By what tipped it", "the event at which it opened"),
    ("reason", "Rejected, by reason", "as sales said"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A number and, where people stand behind it, the query that opens them."""

    text: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of the table."""

    id: str
    words: str
    note: str
    old: Cell
    new: Cell
    change: str
    interval: str
    tone: str


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    old_y: float
    old_height: float
    more_y: float
    more_height: float
    less_y: float
    less_height: float
    words: str


@dataclass(frozen=True, slots=True)
class Months:
    """One measure month by month: what both have, what the new definition adds, and what it takes away."""

    words: str
    old: str
    new: str
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    width: float


@dataclass(frozen=True, slots=True)
class Part:
    words: str
    old: Cell
    new: Cell
    change: str
    interval: str
    became: tuple[tuple[Cell, ...], ...]
    """Accepted, rejected, won, or nothing: under the old and the new definition, once where both say the same."""


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    sub: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Person:
    key: str
    name: str
    sub: str
    href: str
    old: str
    new: str
    really: str
    is_won: bool
    old_why: tuple[str, ...] = ()
    new_why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Everything of one backtest."""

    headline: str
    because: str
    old_name: str
    new_name: str
    old_version: str
    new_version: str
    as_of: str
    period: str
    subset: str
    members: str
    lines: tuple[Line, ...]
    months: tuple[Months, ...]
    month_rows: tuple[Part, ...]
    groups: tuple[Group, ...]
    wins: tuple[Cell, ...]
    time: tuple[tuple[str, Cell, Cell, str, Cell], ...]
    differing: int
    elsewhere: int
    moves: str
    moved: tuple[Cell, ...]
    """How many stand elsewhere today, then how many come to each rung."""
    warnings: tuple[str, ...]
    resamples: int


def page(result: Result, old: Playbook, new: Playbook) -> Page:
    """The page of a result."""
    zone = ZoneInfo(old.calendar.timezone)
    return Page(
        headline=headline(result, old, new),
        because=_because(result, zone),
        old_name=old.name,
        new_name=new.name,
        old_version=old.version[:12],
        new_version=new.version[:12],
        as_of=_day(parse_instant(result.as_of), zone),
        period=_period(result, zone),
        subset=result.subset,
        members=f"{result.members:,} of {result.people:,} people" if result.subset else f"{result.people:,} people",
        lines=tuple(_line(figure) for figure in result.figures if _is_told(figure)),
        months=_months(result),
        month_rows=tuple(_part(row, "month", month_words(row.key)) for row in result.by_month),
        groups=tuple(
            Group(title, sub, tuple(_part(row, name, row.words) for row in getattr(result, f"by_{name}")))
            for name, title, sub in _GROUPS
            if getattr(result, f"by_{name}")
        ),
        wins=tuple(_wins(result)),
        time=tuple(
            (
                each.words,
                _spells(each, "old", _days(each.old)),
                _spells(each, "new", _days(each.new)),
                _between(each.low, each.high, "days"),
                _spells(each, "new", f"{each.new_open:,}", still="1"),
            )
            for each in result.time_on_rung
        ),
        differing=result.differing,
        elsewhere=result.elsewhere,
        moves=_moves(result, new),
        moved=tuple(_moved(result, new)),
        warnings=result.warnings,
        resamples=result.resamples,
    )


def headline(result: Result, old: Playbook, new: Playbook) -> str:
    """The answer in a sentence: “42 instead of 50: 7 wins you missed, for 145 more hours”."""
    what = changed_number(old, new) or ("" if new.name == old.name else f"“{new.name}” against “{old.name}”")
    if old.version == new.version:
        return "The same definition twice: nothing differs"
    hours = _figure(result, "hours")
    more = round(hours.change or 0) if hours else 0
    work = f"{abs(more):,} {'more' if more > 0 else 'fewer'} hours of sales work" if more else "the same work for sales"
    wins, parts = result.wins, []
    if wins.gained:
        parts.append(f"{_plural(wins.gained, 'win')} caught that went by")
    if wins.missed:
        parts.append(f"{_plural(wins.missed, 'win')} missed")
    if not parts and (wins.earlier or wins.later) and wins.median_days is not None:
        when = "earlier" if wins.median_days > 0 else "later"
        count = wins.earlier if wins.median_days > 0 else wins.later
        parts.append(f"{_plural(count, 'win')} caught {_length(abs(wins.median_days))} {when}")
    said = f"{listed(parts) if parts else 'no win gained or missed'}, for {work}"
    return f"{what}: {said}" if what else said[0].upper() + said[1:]


def labels(old: Playbook, new: Playbook, *, is_in_force: bool) -> tuple[str, str]:
    """What heads the two columns: “In force, 50” and “Draft, 42”."""
    found = changed(old, new)
    before, after = (
        ("", "") if found is None else (f", {found[0].said(found[0].value)}", f", {found[1].said(found[1].value)}")
    )
    return (
        (f"In force{before}", f"Draft{after}")
        if is_in_force
        else (f"{old.version[:6]}{before}", f"{new.version[:6]}{after}")
    )


def changed_number(old: Playbook, new: Playbook) -> str:
    """ "42 instead of 50" where one number alone is another one; empty otherwise."""
    found = changed(old, new)
    return "" if found is None else f"{found[1].said(found[1].value)} instead of {found[0].said(found[0].value)}"


# --- parts ----------------------------------------------------------------------------------------------------------


def _because(result: Result, zone: ZoneInfo) -> str:
    asked = f" of those with {result.subset}" if result.subset else ""
    undecided = _figure(result, "undecided")
    apart = ""
    if undecided and undecided.new:
        apart = f" {undecided.new:,.0f} of its hand-offs have no recorded decision and are told apart."
    return f"Replayed on {result.members:,} people{asked} and {result.events:,} events, {_period(result, zone)}.{apart}"


def _line(figure: Figure) -> Line:
    query = {"currency": figure.currency} if figure.unit == "money" else _QUERIES[figure.id]
    cells = [
        Cell(value(figure, count), urlencode({"side": side, **query}) if count or figure.unit == "share" else "")
        for side, count in (("old", figure.old), ("new", figure.new))
    ]
    is_bad = figure.id in ("rejected", "hours", "per_day") and (figure.change or 0) > 0
    is_bad |= figure.id in ("won", "caught", "recall") and (figure.change or 0) < 0
    change, tone = value(figure, figure.change, signed=True), "bad" if is_bad else ""
    return Line(figure.id, name(figure), figure.note, cells[0], cells[1], change, interval(figure), tone)


def name(figure: Figure) -> str:
    """What the figure counts, with its currency."""
    return f"{figure.words}, {figure.currency}" if figure.currency else figure.words


def interval(figure: Figure) -> str:
    """Between what bounds its change lies."""
    if figure.low is None or figure.high is None:
        return "–"
    return f"{value(figure, figure.low, signed=True)} to {value(figure, figure.high, signed=True)}"


def _is_told(figure: Figure) -> bool:
    return not (figure.id == "ahead" and not figure.old and not figure.new)


def value(figure: Figure, count: float | None, *, signed: bool = False) -> str:
    """`count` in the figure's unit: "€ 1,200", "14.1 %", "2.14"; `signed` for a change. A dash: not knowable."""
    if count is None:
        return "–"
    plus = "+" if signed and count > 0 else ""
    if figure.unit == "money":
        return plus + words.money(round(count), figure.currency)
    if figure.unit == "share":
        return f"{plus}{words.number(100 * count, 1)} %"
    if figure.unit == "per day":
        return plus + words.number(count, 2)
    text = words.number(round(count))
    return text if text == "0" else plus + text


def _months(result: Result) -> tuple[Months, ...]:
    wanted = (("opened", "Hand-offs"), ("accepted", "Accepted"), ("rejected", "Rejected"), ("won", "Won"))
    return tuple(_drawn(result.by_month, measure, said) for measure, said in wanted)


_HEIGHT, _STEP, _WIDTH = 56.0, 14.0, 10.0


def _drawn(rows: Sequence[Row], measure: str, said: str) -> Months:
    olds = [getattr(row.old, measure) for row in rows]
    news = [getattr(row.new, measure) for row in rows]
    top = max([*olds, *news, 1])
    bars = []
    for place, (row, old, new) in enumerate(zip(rows, olds, news, strict=True)):
        scale = (_HEIGHT - 4) / top
        both, more, less = min(old, new) * scale, max(new - old, 0) * scale, max(old - new, 0) * scale
        bars.append(
            Bar(
                x=1 + place * _STEP,
                old_y=round(_HEIGHT - both, 1),
                old_height=round(both, 1),
                more_y=round(_HEIGHT - both - more, 1),
                more_height=round(more, 1),
                less_y=round(_HEIGHT - both - less, 1),
                less_height=round(less, 1),
                words=f"{month_words(row.key)}: {old:,} before, {new:,} now",
            )
        )
    step = max(1, -(-len(rows) // 6))
    ticks = tuple((1 + place * _STEP, month_words(row.key)[:3]) for place, row in enumerate(rows) if place % step == 0)
    return Months(said, f"{sum(olds):,}", f"{sum(news):,}", tuple(bars), ticks, max(1, len(rows)) * _STEP)


def _part(row: Row, name: str, said: str) -> Part:
    def cell(side: str, counts: Counts) -> Cell:
        query = urlencode({"side": side, name: row.key}) if counts.opened else ""
        return Cell(f"{counts.opened:,}", query)

    def both(measure: str) -> tuple[Cell, ...]:
        query = {name: row.key, **_QUERIES[measure]}
        old, new = (
            Cell(f"{count:,}", urlencode({"side": side, **query}) if count else "")
            for side, count in (("old", getattr(row.old, measure)), ("new", getattr(row.new, measure)))
        )
        return (new,) if old.text == new.text else (old, new)

    change = row.new.opened - row.old.opened
    return Part(
        words=said,
        old=cell("old", row.old),
        new=cell("new", row.new),
        change=words.signed(change),
        interval=_between(row.low, row.high, ""),
        # Whoever was rejected was neither accepted nor won: columns that repeat the first say nothing.
        became=() if name == "reason" else (both("accepted"), both("rejected"), both("won")),
    )


def _wins(result: Result) -> list[Cell]:
    """Sentences about the first wins, each opening the people it counts."""
    wins = result.wins
    if not wins.total:
        return [Cell("Nobody won for the first time in this period, so nothing can be said about wins.")]
    said = [
        (f"{_plural(wins.total, 'first win')} in this period.", wins.total, "all"),
        (f"{wins.by_both:,} {_was(wins.by_both)} handed over before by both.", wins.by_both, "both"),
        (f"{wins.gained:,} only the new definition hands over before they win.", wins.gained, "gained"),
        (
            f"{wins.missed:,} the new definition misses: they win without having been handed over.",
            wins.missed,
            "missed",
        ),
        (f"{wins.by_neither:,} neither hands over before they win.", wins.by_neither, "neither"),
        (f"{wins.earlier:,} {_is(wins.earlier)} handed over earlier.", wins.earlier, "earlier"),
        (f"{wins.later:,} {_is(wins.later)} handed over later.", wins.later, "later"),
    ]
    found = [Cell(text, urlencode({"side": "new", "wins": which})) for text, count, which in said if count]
    if wins.earlier or wins.later:
        bounds = f"{_shift(wins.low)} to {_shift(wins.high)}"
        text = f"Of those at another time, half by {_shift(wins.median_days)} or more (95 % interval {bounds})."
        found.append(Cell(text, urlencode({"side": "new", "wins": "shifted"})))
    return found


def _spells(on: OnRung, side: str, text: str, **more: str) -> Cell:
    people = getattr(on, f"{side}_{'open' if more else 'people'}")
    return Cell(text, urlencode({"side": side, "rung": on.stage, **more}) if people else "")


def _moved(result: Result, new: Playbook) -> list[Cell]:
    if not result.elsewhere:
        return [Cell("Nobody stands elsewhere today")]
    parts = [
        Cell(f"{count:,} to {new.short_label(code)}", urlencode({"side": "new", "moved": code}))
        for code, count in result.moves_to.items()
    ]
    every = Cell(f"{_people(result.elsewhere)} would stand elsewhere today", urlencode({"side": "new", "moved": "all"}))
    return [every, *parts]


def _moves(result: Result, new: Playbook) -> str:
    if not result.elsewhere:
        return "Nobody stands elsewhere today."
    parts = [f"{count:,} to {new.short_label(code)}" for code, count in result.moves_to.items()]
    return f"{_people(result.elsewhere)} would stand elsewhere today: {listed(parts)}."


def people_shown(
    people: People,
    *,
    named: Mapping[str, tuple[str, str, str]],
    zone: ZoneInfo,
    handoff: str,
    places: tuple[Playbook, Playbook],
    most: int = MOST_SHOWN,
) -> tuple[Person, ...]:
    """Those who differ, as a table says it. `named`: key → name, company, address of their page."""
    shown = []
    for each in people.differing[:most]:
        name, sub, href = named.get(each.person, (each.person, "", ""))
        sides = []
        for at, place, book in ((each.old_at, each.old_place, places[0]), (each.new_at, each.new_place, places[1])):
            said = f"{handoff} {_short_day(at, zone)}" if at is not None else "not handed over"
            if each.what == "elsewhere":
                said = f"stands on {book.short_label(place)}"
            sides.append(said)
        shown.append(
            Person(each.person, name, sub, href, *sides, really=really(each, zone), is_won=each.won_at is not None)
        )
    return tuple(shown)


def really(each: Differing, zone: ZoneInfo) -> str:
    """What became of a person, whatever the definition."""
    if each.won_at is not None:
        amount = f", {words.money(round(each.amount), each.currency)}" if each.currency else ""
        sooner = ""
        if each.old_at is not None and each.new_at is not None and each.old_at != each.new_at:
            days = abs(each.old_at - each.new_at) / DAY
            sooner = f", {_length(days)} {'earlier' if each.new_at < each.old_at else 'later'}"
        return f"won {_short_day(each.won_at, zone)}{amount}{sooner}"
    if each.answer:
        reason = f", {each.reason[:1].lower()}{each.reason[1:]}" if each.reason else ""
        return f"{each.answer}{reason}"
    return "no decision recorded"


# --- one number through its values ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mark:
    x: float
    words: str
    anchor: str
    label_x: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """The curve as paths in a box of 620 by 208."""

    wins: str
    band: str
    hours: str
    xticks: tuple[tuple[float, str], ...]
    yticks: tuple[tuple[float, str], ...]
    dots: tuple[tuple[float, float, str], ...]
    knee_x: float
    knee_width: float
    knee_words: str
    now: Mark | None
    draft: Mark | None
    duty: Mark | None
    is_wins_known: bool


_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 608.0, 16.0, 178.0


def drawn(curve: Curve, draft: float | None = None) -> Drawn:
    """Wins caught in percent of all wins, hours in percent of the most. `draft`: where the number stands now, where
    that is not the curve's own."""
    draft = curve.current if draft is None else draft
    values = [point.value for point in curve.points]
    low, high = min(*values, values[0]), max(*values, values[0])
    reach = (high - low) or 1.0

    def x(value: float) -> float:
        return round(_LEFT + (min(max(value, low), high) - low) / reach * (_RIGHT - _LEFT), 1)

    def y(share: float) -> float:
        return round(_BOTTOM - share * (_BOTTOM - _TOP), 1)

    most = max(point.hours for point in curve.points) or 1.0
    known = [point for point in curve.points if point.share is not None]
    banded = [point for point in known if point.low is not None and point.high is not None]
    outline = [(x(p.value), y(p.high or 0)) for p in banded] + [(x(p.value), y(p.low or 0)) for p in reversed(banded)]
    marked = _said_range(curve)
    return Drawn(
        wins=_path([(x(point.value), y(point.share or 0)) for point in known]),
        band=_path(outline) + "Z" if outline else "",
        hours=_path([(x(point.value), y(point.hours / most)) for point in curve.points]),
        xticks=tuple((x(value), f"{value:g}") for value in _ticks(values)),
        yticks=tuple((y(share), f"{100 * share:g} %") for share in (0.0, 0.25, 0.5, 0.75, 1.0)),
        dots=tuple((x(p.value), y(p.share or 0), point_words(p, curve)) for p in known),
        knee_x=x(curve.knee_low),
        knee_width=max(2.0, round(x(curve.knee_high) - x(curve.knee_low), 1)),
        knee_words=f"knee, {marked}",
        now=None if curve.before is None else _mark(x(curve.before), f"{curve.before:g} now"),
        draft=None if draft == curve.before else _mark(x(draft), f"{draft:g} draft"),
        duty=None if curve.duty is None else _mark(x(curve.duty), f"{curve.duty:g} meets the duties"),
        is_wins_known=bool(known),
    )


def point_words(point: Point, curve: Curve) -> str:
    """One value in a sentence, for the table, the tooltip and the slider's own words."""
    share = "" if point.share is None else f", {100 * point.share:.0f} % of {_plural(curve.wins, 'win')} caught"
    return f"{point.value:g}: {_plural(point.opened, 'hand-off')}, {point.hours:,.0f} hours{share}"


def curve_headline(curve: Curve) -> str:
    at = next(point for point in curve.points if point.value == curve.knee)
    share = "" if at.share is None else f" with {100 * at.share:.0f} % of the wins"
    return f"The knee is at {_said_range(curve)}{share}: below, hours grow faster than wins"


def _said_range(curve: Curve) -> str:
    if curve.knee_low == curve.knee_high:
        return f"{curve.knee:g}"
    return f"{curve.knee_low:g} to {curve.knee_high:g}"


def _mark(x: float, said: str) -> Mark:
    is_right = x > (_LEFT + _RIGHT) / 2
    return Mark(x, said, "end" if is_right else "start", x - 5 if is_right else x + 5)


def _ticks(values: Sequence[float]) -> list[float]:
    step = max(1, -(-len(values) // 8))
    return list(values[::step])


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "".join(f"{'L' if place else 'M'}{x:g} {y:g}" for place, (x, y) in enumerate(points))


# --- several definitions ----------------------------------------------------------------------------------------------


def comparison_headline(found: Comparison) -> str:
    """The answer: which definition is nearest to how sales really decided."""
    if found.nearest is None:
        return f"{len(found.columns)} definitions on the same {_people(found.people)}; sales has not answered yet"
    best = found.columns[found.nearest]
    clear = "is nearest" if found.is_clear else "is nearest, though not clearly,"
    return f"“{best.definition.name}” {clear} to how sales decides: {100 * (best.agreement or 0):.0f} % the same"


def comparison_because(found: Comparison, zone: ZoneInfo) -> str:
    period = f"{_day(parse_instant(found.start), zone)} to {_day(parse_instant(found.end), zone)}"
    return (
        f"Replayed on {_people(found.people)} and {found.events:,} events, {period}. Sales accepted {found.accepted:,} "
        f"and rejected {found.rejected:,}: of each, whether the definition had handed the person over by then. Only "
        "those whom sales was shown can be judged so."
    )


@dataclass(frozen=True, slots=True)
class Share:
    """A stretch of the bar of one definition: where its people stand at the end."""

    code: str
    label: str
    people: int
    x: float
    width: float


def stretches(found: Comparison) -> list[tuple[Share, ...]]:
    """The definitions' people rung by rung, in percent, the lowest first; those beside the ladder last."""
    bars = []
    for column in found.columns:
        total, x, bar = sum(column.standing.values()) or 1, 0.0, []
        for code, people in column.standing.items():
            width = 100 * people / total
            bar.append(Share(code, column.labels.get(code, code), people, round(x, 3), round(width, 3)))
            x += width
        bars.append(tuple(bar))
    return bars


# --- words -----------------------------------------------------------------------------------------------------------


def _figure(result: Result, id: str) -> Figure | None:
    return next((figure for figure in result.figures if figure.id == id), None)


def _period(result: Result, zone: ZoneInfo) -> str:
    return f"{_day(parse_instant(result.start), zone)} to {_day(parse_instant(result.end), zone)}"


def _day(at: int, zone: ZoneInfo) -> str:
    then = moment(at).astimezone(zone)
    return f"{then.day} {then:%B} {then.year}"


def _short_day(at: int, zone: ZoneInfo) -> str:
    then = moment(at).astimezone(zone)
    return f"{then.day} {then:%b} {then.year}"


def _days(days: float | None) -> str:
    return "–" if days is None else words.number(days, 1)


def _between(low: float | None, high: float | None, unit: str) -> str:
    if low is None or high is None:
        return "–"
    digits = 1 if unit == "days" else 0
    return f"{_signed(low, digits)} to {_signed(high, digits)}"


def _signed(value: float, digits: int) -> str:
    text = words.number(value, digits)
    return f"+{text}" if round(value, digits) > 0 else text


def _shift(days: float | None) -> str:
    """How much earlier (above 0) or later (below) somebody is handed over."""
    if not days:
        return "no time"
    return f"{_length(abs(days))} {'earlier' if days > 0 else 'later'}"


def _length(days: float) -> str:
    if days < 1:
        return _plural(max(1, round(days * 24)), "hour")
    return _plural(round(days), "day")


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"
