"""Rows of a table become lines of a history, by a mapping; a cell or a row that cannot be read carries its reason."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Final

from rung.capture import dates, numbers
from rung.capture.imports.firms import Firms
from rung.capture.imports.mapping import EventLine, TableMapping, Value, When
from rung.capture.imports.sheets import BadRow, Cell, Row
from rung.people.rules import company_told, is_role_address, normal_email
from rung.terms import instants
from rung.terms.values import LONGEST_TEXT, BadValue, as_trait, clean_text

YES: Final = frozenset({"yes", "y", "true", "t", "1", "x", "on"})
NO: Final = frozenset({"no", "n", "false", "f", "0", "off"})
_ISO: Final = {
    "%Y-%m-%d": re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII),
    "%Y-%m-%d %H:%M": re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d\Z", re.ASCII),
    "%Y-%m-%d %H:%M:%S": re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\Z", re.ASCII),
}
"""Ways of writing a time that are read many times quicker, where the text has all its digits."""
_MOST_REMEMBERED: Final = 100_000
_AT_A_TIME: Final = 500
"""Rows of which firms and old ids are looked up at once."""


@dataclass(frozen=True, slots=True)
class Told:
    """One line of a history, made of a row. `person` is None for what is said of a company."""

    line: int
    person: str | None
    at: int
    kind: str
    data: dict[str, object]
    company: str | None
    id: str
    by: str | None = None
    """Who of ours did it, as the row says."""
    is_company_guessed: bool = False
    """The row names no firm: it is that of the person's address, unless another is known."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was not taken over: a whole row, or one cell of a row that came through otherwise."""

    line: int
    reason: str
    is_cell: bool = False
    cells: Mapping[str, Cell] | None = None
    """The row as it was, where it could be read as one: to be corrected and brought in again."""


class BadCell(ValueError):
    """A cell that cannot be read as what it should be."""


def translated(
    rows: Iterator[Row | BadRow],
    table: TableMapping,
    *,
    prefix: str,
    now: int,
    firms: Firms | None = None,
    known_as: Callable[[Collection[str]], Mapping[str, str]] = lambda _: {},
) -> Iterator[Told | LeftOut]:
    """What each row says: the person's traits, the company's, then its events, in the order of the mapping.

    `prefix` begins the id of every line that the mapping gives none, so that the same file gives the same ids. `now`
    is the time of traits in a table without `at:`. `firms` finds companies that the table tells by name, and
    `known_as` by what those are known here whom a table of something else tells by ids of the old program; both are
    asked about many rows at once.
    """
    described: dict[str, int] = {}
    plan = _Plan(table, firms or Firms(), known_as)
    while some := list(islice(rows, _AT_A_TIME)):
        read = [
            row if isinstance(row, BadRow) else _Translation(row, plan, f"{prefix}:{row.line}", now, described)
            for row in some
        ]
        plan.look_up([each for each in read if isinstance(each, _Translation)])
        for each in read:
            if isinstance(each, BadRow):
                yield LeftOut(each.line, each.reason)
                continue
            try:
                yield from each.lines()
            except (BadCell, BadValue, instants.BadInstant) as refusal:
                yield LeftOut(each.row.line, str(refusal), cells=each.row.cells)


_Fields = tuple[tuple[str, Value, str], ...]
"""Name, where its value comes from, and the column where it is no more than the text in it ("" where it is)."""


class _Plan:
    """A table's mapping, with what most cells need worked out once for all rows."""

    def __init__(
        self, table: TableMapping, firms: Firms, known_as: Callable[[Collection[str]], Mapping[str, str]]
    ) -> None:
        self.table, self.firms, self._known_as = table, firms, known_as
        self.known: Mapping[str, str] = {}
        """What those go by here whom the rows at hand tell by an id."""
        self.traits, self.company_traits = _fields(table.traits), _fields(table.company_traits)
        self.told = set[int]()
        """What was said of people beside something else."""
        self.events = tuple((turn, event, _fields(event.data)) for turn, event in enumerate(table.events, 1))

    def look_up(self, rows: "list[_Translation]") -> None:
        """Finds out at once about the people and firms that these rows tell."""
        if self.table.person is None:
            return
        if self.table.is_beside:
            ids = {row.person for row in rows if row.person and "@" not in row.person}
            self.known = self._known_as(ids) if ids else {}
        if self.table.is_company_sought:
            self.firms.look_up((row.company, row.person) for row in rows if row.company and row.person)


def _fields(values: Mapping[str, Value]) -> _Fields:
    return tuple(
        (name, value, value.column or "" if value == Value(column=value.column, zone=value.zone) else "")
        for name, value in values.items()
    )


class _Translation:
    """One row's way through a table's mapping."""

    def __init__(self, row: Row, plan: _Plan, id_: str, now: int, described: dict[str, int]) -> None:
        self.row, self.plan, self.id, self.now, self.described = row, plan, id_, now, described
        self.table = plan.table
        self.left_out: list[LeftOut] = []
        self.called = ""
        """What the company is called, where its row told no more of it than a name."""
        self.person: str | None = None
        self.company: str | None = None
        self.fault: Exception | None = None
        """Why the row names nobody, or no company."""
        self._names()

    def lines(self) -> Iterator[Told | LeftOut]:
        """Nothing is given before the whole row was read: a row is taken or refused as one."""
        lines = list(self._lines())
        yield from self.left_out
        yield from lines

    def _names(self) -> None:
        """Reads who and what the row is of, so that it can be looked up for many rows at once."""
        try:
            self.company = self._company(self.table.company)
            if self.table.person is not None:
                self.person = self._who(self.table.person)
            elif self.company is None and self.table.company is not None:
                raise BadCell(f"no {' or '.join(self.table.company.columns)}: the row names no company")
        except (BadCell, BadValue) as fault:
            self.fault = fault

    def _lines(self) -> Iterator[Told]:
        if self.fault is not None:
            raise self.fault
        table, company, person = self.table, self.company, self.person
        if person is not None:
            if company is not None and table.is_company_sought:
                company, self.called = self.plan.firms.meant(company, person)
            person = self.plan.known.get(person, person)
        if not table.is_beside:
            yield from self._described(person, company)
        happened = False
        for turn, event, fields in self.plan.events:
            for told in self._event(event, fields, turn, person, company):
                if table.must_say and told.at > self.now:
                    raise BadCell("its time is still to come")
                happened = True
                yield told
        if table.must_say and not happened:
            raise BadCell(table.must_say)
        if table.is_beside:  # only now is it sure that the row is taken
            yield from self._described(person, company)

    def _who(self, value: Value) -> str:
        """The text that says who it is: the first that can. An address that is none, such as n/a, would make one person
        of everybody who has it; an office's address (info@) speaks for a person only where nothing else does."""
        office, faults = None, []
        for column in (value.column, *value.fallbacks) if value.addresses else ():
            cell = self._cell(column or "")
            text = None if cell is None else clean_text(_plain_text(cell), column or "text")
            if not text:
                continue
            if column not in value.addresses:
                return self._first(text)
            address = normal_email(text)
            if address is None:
                faults.append(f"{column}: {text[:40]!r} is no e-mail address")
            elif is_role_address(address):
                office = office or text
            else:
                return text
        text = office if value.addresses else self._text(value)
        if not text:
            missing = f"no {' or '.join(value.columns) or 'person'}"
            raise BadCell(f"{'; '.join(faults) or missing}: the row names nobody")
        return text if value.addresses else self._first(text)

    def _first(self, id_: str) -> str:
        """The id by which a table of something else tells somebody: of several in a cell, such as the contacts of a
        deal, the first."""
        return id_.partition(";")[0].strip() or id_ if self.table.is_beside else id_

    def _described(self, person: str | None, company: str | None) -> Iterator[Told]:
        table = self.table
        traits, of_company = self._traits(self.plan.traits), self._traits(self.plan.company_traits)
        if self.called:
            of_company = {"name": self.called, **of_company}
        if not ((person and (traits or not table.events)) or (company and of_company)):
            return
        at = self._time_told(table.at) if table.at is not None else self.now
        if at is None:
            raise BadCell(f"no time in {' or '.join(table.at.columns if table.at else ())}")
        if person and (traits or not table.events) and not self._was_told(person, traits):
            where = None if table.is_beside else company
            # Where a deal or a call says nothing of its person's firm, it is the table of people that does.
            is_guessed = where is None and table.is_company_sought and not table.is_beside
            where = self.plan.firms.of_address(person) if is_guessed else where
            yield Told(
                self.row.line, person, at, "person_described", traits, where, f"{self.id}:0",
                is_company_guessed=is_guessed,
            )  # fmt: skip
        print_ = hash(repr(of_company)) if company and of_company else 0
        if company and of_company and self.described.get(company) != print_:
            self.described[company] = print_
            yield Told(self.row.line, None, at, "company_described", of_company, company, f"{self.id}:company")

    def _was_told(self, person: str, traits: dict[str, object]) -> bool:
        """Whether a row before said the same of the person: whoever has many deals has many rows."""
        if not self.table.is_beside:
            return False
        mark, told = hash((person, repr(traits))), self.plan.told
        if mark in told:
            return True
        if len(told) == _MOST_REMEMBERED:
            told.clear()  # to say it once more does no harm
        told.add(mark)
        return False

    def _time_told(self, value: Value) -> int | None:
        """When it was. A bad day in a column that a guess found costs nobody their row."""
        try:
            return self._time(value)
        except (BadCell, instants.BadInstant) as refusal:
            if not value.or_now and not value.is_spare:
                raise
            self.left_out.append(LeftOut(self.row.line, str(refusal), is_cell=True))
            return self.now if value.or_now else None

    def _event(
        self, event: EventLine, fields: _Fields, turn: int, person: str | None, company: str | None
    ) -> Iterator[Told]:
        if event.when is not None and not self._holds(event.when):
            return
        at = self._time_told(event.at)
        if at is None:
            return
        told = self._text(event.id) if event.id else None
        if event.company is not None:
            company = self._company(event.company)
        data = self._traits(fields)
        by = self._text(event.by) if event.by else None
        yield Told(self.row.line, person, at, event.kind, data, company, told or f"{self.id}:{turn}", by)

    def _holds(self, when: When) -> bool:
        cell = self._cell(when.column)
        if when.any_case:
            return (_plain_text(cell).strip().lower() if cell is not None else "") in when.one_of
        return cell is not None and (not when.one_of or _plain_text(cell) in when.one_of)

    def _traits(self, fields: _Fields) -> dict[str, object]:
        """Each value that can be read; a cell that cannot is left out with its reason, and the row goes on."""
        found: dict[str, object] = {}
        cells = self.row.cells
        for name, value, column in fields:
            cell = cells.get(column) if column else None
            if column and (cell is None or (type(cell) is str and _is_plain(cell, name))):
                if cell is not None:
                    found[name] = cell
                continue
            try:
                trait = as_trait(self._read(value), name)
                if name == "email" and isinstance(trait, str) and normal_email(trait) is None:
                    raise BadCell(f"{value.column or name}: {trait[:40]!r} is no e-mail address")
            except (BadCell, BadValue, instants.BadInstant) as refusal:
                self.left_out.append(LeftOut(self.row.line, str(refusal), is_cell=True))
            else:
                if trait is not None:
                    found[name] = list(trait) if isinstance(trait, tuple) else trait
        return found

    def _cell(self, column: str) -> Cell:
        return self.row.cells.get(column)

    def _raw(self, value: Value) -> Cell:
        """The cell, or the text made of cells; None where it is empty or counts as empty."""
        if value.column is not None:
            cell = self._cell(value.column)
            for other in value.fallbacks if cell is None else ():
                cell = self._cell(other) if cell is None else cell
        elif value.text is not None:
            cells = {name: self._cell(name) for name in value.columns}
            if any(cell is None for cell in cells.values()):
                return value.otherwise
            cell = value.text.format_map({name: _plain_text(cell) for name, cell in cells.items()})
        else:
            return value.constant
        if cell is None or (isinstance(cell, str) and cell in value.empty):
            return value.otherwise
        return cell

    def _text(self, value: Value) -> str | None:
        cell = self._raw(value)
        return None if cell is None else clean_text(_plain_text(cell), value.column or "text")

    def _company(self, value: Value | None) -> str | None:
        text = self._text(value) if value is not None else None
        return company_told(text) if text else None

    def _read(self, value: Value) -> object:
        cell = self._raw(value)
        if cell is None or (value.column is None and value.text is None):
            return cell
        where = value.column or "text"
        if value.words and _plain_text(cell) in value.words:
            return value.words[_plain_text(cell)]
        match value.type:
            case "number":
                return number(cell, where, value.written)
            case "money":
                return int((Decimal(str(number(cell, where, value.written))) * 100).to_integral_value())
            case "yes_no":
                return _yes_no(cell, where)
            case "list":
                return [part.strip() for part in re.split("[;,]", _plain_text(cell)) if part.strip()]
            case "date":
                at = _instant(cell, value.formats, value.zone or UTC, where)
                return instants.moment(at).astimezone(value.zone or UTC).date().isoformat()
        return _plain_text(cell)

    def _time(self, value: Value) -> int | None:
        cell = self._raw(value)
        if cell is None:
            return self.now if value.or_now else None
        return _instant(cell, value.formats, value.zone or UTC, value.column or "at")


def _is_plain(text: str, name: str) -> bool:
    """Whether the text of a cell, which has no white space around it, is a trait as it stands: most are."""
    if len(text) > LONGEST_TEXT or not text.isascii() or "\x00" in text:
        return False
    return name != "email" or normal_email(text) is not None


def _plain_text(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, (datetime, date)):
        return cell.isoformat()
    return str(cell)


def number(cell: Cell, where: str, written: str = numbers.POINT) -> float | int:
    """The number in a cell. `written`: as in `numbers.read`. Raises BadCell."""
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return cell
    text = _plain_text(cell)
    exact = numbers.read(text, written=written)
    if exact is None:
        raise BadCell(f"{where}: {text[:40]!r} is not a number: write 1234.50 or {written}")
    if exact.adjusted() > 18:
        raise BadCell(f"{where}: {text[:40]!r} is larger than a number may be (2^63)")
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _yes_no(cell: Cell, where: str) -> bool:
    text = _plain_text(cell).lower()
    if text not in YES and text not in NO:
        raise BadCell(f"{where}: {text[:40]!r} is neither yes nor no")
    return text in YES


def _instant(cell: Cell, formats: tuple[str, ...], zone: tzinfo, where: str) -> int:
    if isinstance(cell, datetime):
        return instants.micros(cell if cell.tzinfo else cell.replace(tzinfo=zone))
    if isinstance(cell, date):
        return instants.micros(datetime.combine(cell, time(), zone))
    return _instant_told(_plain_text(cell), formats, zone, where)


def _example(pattern: str) -> str:
    """A time as it should have been written."""
    told = {dates.DAY_FIRST: "31/12/2025 14:05", dates.MONTH_FIRST: "12/31/2025 2:05 PM"}
    return told.get(pattern) or datetime(2025, 12, 31, 14, 5).strftime(pattern)


@lru_cache(maxsize=20_000)
def _instant_told(text: str, formats: tuple[str, ...], zone: tzinfo, where: str) -> int:
    """The instant that a text tells: a table says the same days again and again."""
    for pattern in formats:
        if pattern in (dates.DAY_FIRST, dates.MONTH_FIRST):
            read = dates.read(text, day_first=pattern == dates.DAY_FIRST)
            if read is None:
                continue
            found = read
        else:
            try:
                is_iso = pattern in _ISO and _ISO[pattern].match(text)
                found = datetime.fromisoformat(text) if is_iso else datetime.strptime(text, pattern)
            except ValueError:
                continue
        return instants.micros(found if found.tzinfo else found.replace(tzinfo=zone))
    if formats:
        ways = " or ".join(f"{pattern}, as in {_example(pattern)}" for pattern in formats)
        raise BadCell(f"{where}: {text[:40]!r} is not a time written {ways}")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadCell(f"{where}: {text[:40]!r} is not a time: say how it is written with `format:`") from None
    return instants.micros(found if found.tzinfo else found.replace(tzinfo=zone))
