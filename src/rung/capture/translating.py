"""Rows of a table become lines of a history, by a mapping; a cell or a row that cannot be read carries its reason."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Final

from rung.capture import dates
from rung.capture.mapping import EventLine, TableMapping, Value, When
from rung.capture.sheets import BadRow, Cell, Row
from rung.people.rules import company_told, normal_email
from rung.terms import instants
from rung.terms.values import BadValue, as_trait, clean_text

YES: Final = frozenset({"yes", "y", "true", "t", "1", "x", "on"})
NO: Final = frozenset({"no", "n", "false", "f", "0", "off"})
_NUMBER: Final = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d+)?([eE][+-]?\d{1,3})?\Z", re.ASCII)
_MONEY_MARKS: Final = re.compile(r"^(?:[A-Z]{3}\s?|[$€£¥]\s?)|(?:\s?[A-Z]{3}|\s?[$€£¥])$")


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


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was not taken over: a whole row, or one cell of a row that came through otherwise."""

    line: int
    reason: str
    is_cell: bool = False


class BadCell(ValueError):
    """A cell that cannot be read as what it should be."""


def translated(rows: Iterator[Row | BadRow], table: TableMapping, *, prefix: str, now: int) -> Iterator[Told | LeftOut]:
    """What each row says: the person's traits, the company's, then its events, in the order of the mapping.

    `prefix` begins the id of every line that the mapping gives none, so that the same file gives the same ids. `now`
    is the time of traits in a table without `at:`.
    """
    described: dict[str, Mapping[str, object]] = {}
    for row in rows:
        if isinstance(row, BadRow):
            yield LeftOut(row.line, row.reason)
            continue
        try:
            yield from _Translation(row, table, f"{prefix}:{row.line}", now, described).lines()
        except (BadCell, BadValue, instants.BadInstant) as refusal:
            yield LeftOut(row.line, str(refusal))


class _Translation:
    """One row's way through a table's mapping."""

    def __init__(
        self, row: Row, table: TableMapping, id_: str, now: int, described: dict[str, Mapping[str, object]]
    ) -> None:
        self.row, self.table, self.id, self.now, self.described = row, table, id_, now, described
        self.left_out: list[LeftOut] = []

    def lines(self) -> Iterator[Told | LeftOut]:
        """Nothing is given before the whole row was read: a row is taken or refused as one."""
        lines = list(self._lines())
        yield from self.left_out
        yield from lines

    def _lines(self) -> Iterator[Told]:
        table = self.table
        company = self._company(table.company)
        person = None
        if table.person is not None:
            person = self._text(table.person)
            if not person:
                raise BadCell(f"no {' or '.join(table.person.columns) or 'person'}: the row names nobody")
        elif company is None and table.company is not None:
            raise BadCell(f"no {' or '.join(table.company.columns)}: the row names no company")
        yield from self._described(person, company)
        happened = False
        for turn, event in enumerate(table.events, 1):
            for told in self._event(event, turn, person, company):
                if table.must_say and told.at > self.now:
                    raise BadCell("its time is still to come")
                happened = True
                yield told
        if table.must_say and not happened:
            raise BadCell(table.must_say)

    def _described(self, person: str | None, company: str | None) -> Iterator[Told]:
        table = self.table
        traits, of_company = self._traits(table.traits), self._traits(table.company_traits)
        if not ((person and (traits or not table.events)) or (company and of_company)):
            return
        at = self._time(table.at) if table.at is not None else self.now
        if at is None:
            raise BadCell(f"no time in {' or '.join(table.at.columns if table.at else ())}")
        if person and (traits or not table.events):
            yield Told(self.row.line, person, at, "person_described", traits, company, f"{self.id}:0")
        if company and of_company and self.described.get(company) != of_company:
            self.described[company] = of_company
            yield Told(self.row.line, None, at, "company_described", of_company, company, f"{self.id}:company")

    def _event(self, event: EventLine, turn: int, person: str | None, company: str | None) -> Iterator[Told]:
        if event.when is not None and not self._holds(event.when):
            return
        at = self._time(event.at)
        if at is None:
            return
        told = self._text(event.id) if event.id else None
        if event.company is not None:
            company = self._company(event.company)
        data = {name: value for name, value in self._values(event.data) if value is not None}
        yield Told(self.row.line, person, at, event.kind, data, company, told or f"{self.id}:{turn}")

    def _holds(self, when: When) -> bool:
        cell = self._cell(when.column)
        if when.any_case:
            return (_plain_text(cell).strip().lower() if cell is not None else "") in when.one_of
        return cell is not None and (not when.one_of or _plain_text(cell) in when.one_of)

    def _traits(self, values: Mapping[str, Value]) -> dict[str, object]:
        return {name: value for name, value in self._values(values) if value is not None}

    def _values(self, values: Mapping[str, Value]) -> Iterator[tuple[str, object]]:
        """Each value that can be read; a cell that cannot is left out with its reason, and the row goes on."""
        for name, value in values.items():
            try:
                found = self._read(value)
                trait = as_trait(found, name)
                if name == "email" and isinstance(trait, str) and normal_email(trait) is None:
                    raise BadCell(f"{value.column or name}: {trait[:40]!r} is no e-mail address")
            except (BadCell, BadValue, instants.BadInstant) as refusal:
                self.left_out.append(LeftOut(self.row.line, str(refusal), is_cell=True))
            else:
                yield name, list(trait) if isinstance(trait, tuple) else trait

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
                return number(cell, where)
            case "money":
                return int((Decimal(str(number(cell, where))) * 100).to_integral_value())
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


def _plain_text(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, (datetime, date)):
        return cell.isoformat()
    return str(cell)


def number(cell: Cell, where: str) -> float | int:
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return cell
    text = _MONEY_MARKS.sub("", _plain_text(cell)).strip()
    if not _NUMBER.match(text) or not any(character.isdigit() for character in text):
        raise BadCell(f"{where}: {_plain_text(cell)[:40]!r} is not a number: write 1234.50 or 1,234.50")
    try:
        exact = Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise BadCell(f"{where}: {text[:40]!r} is not a number") from None
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
    text = _plain_text(cell)
    for pattern in formats:
        if pattern in (dates.DAY_FIRST, dates.MONTH_FIRST):
            read = dates.read(text, day_first=pattern == dates.DAY_FIRST)
            if read is None:
                continue
            found = read
        else:
            try:
                found = datetime.strptime(text, pattern)
            except ValueError:
                continue
        return instants.micros(found if found.tzinfo else found.replace(tzinfo=zone))
    if formats:
        raise BadCell(f"{where}: {text[:40]!r} is not a time written as {' or '.join(formats)}")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadCell(f"{where}: {text[:40]!r} is not a time: say how it is written with `format:`") from None
    return instants.micros(found if found.tzinfo else found.replace(tzinfo=zone))
