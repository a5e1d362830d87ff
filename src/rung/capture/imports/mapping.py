"""A mapping: which column is which trait, which columns are an event. docs/imports.md describes the file."""

from collections.abc import Mapping as Table_
from dataclasses import dataclass, field
from string import Formatter
from typing import Final
from zoneinfo import ZoneInfo

from rung.capture import numbers
from rung.playbook import tree
from rung.playbook.faults import Fault, did_you_mean
from rung.playbook.tree import Branch, Entry, Leaf, Node, Table
from rung.terms.kinds import KINDS

TYPES: Final = ("text", "number", "yes_no", "list", "money", "date")
_TABLE_FIELDS: Final = ("name", "columns", "person", "company", "at", "traits", "company_traits", "events")
_EVENT_FIELDS: Final = ("kind", "at", "when", "data", "id", "company", "by")
_DECIMALS: Final = {"point": numbers.POINT, "comma": numbers.COMMA}
_VALUE_FIELDS: Final = ("column", "text", "value", "type", "format", "decimals", "zone", "words", "empty", "else")


@dataclass(frozen=True, slots=True)
class Value:
    """Where a value comes from: a column, a text made of columns, or a constant; and how it is read."""

    column: str | None = None
    text: str | None = None
    constant: tree.Plain = None
    type: str = "text"
    formats: tuple[str, ...] = ()
    written: str = numbers.POINT
    """How numbers are: `numbers.POINT` or `numbers.COMMA`."""
    zone: ZoneInfo | None = None
    words: Table_[str, object] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()
    otherwise: tree.Plain = None
    fallbacks: tuple[str, ...] = ()
    """Other columns, looked at in order where the first is empty."""
    addresses: frozenset[str] = frozenset()
    """Columns that say who it is by an e-mail address: what is none there names nobody."""
    or_now: bool = False
    """A time that is missing or cannot be read is the time of the import."""
    is_spare: bool = False
    """A time that cannot be read is left out, and the row goes on."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it looks at."""
        if self.column is not None:
            return (self.column,)
        return tuple(name for _, name, _, _ in Formatter().parse(self.text or "") if name)


@dataclass(frozen=True, slots=True)
class When:
    """The rows for which an event is written: those whose column holds one of the values, or anything at all."""

    column: str
    one_of: frozenset[str]
    any_case: bool = False
    """Compare in lower case; an empty cell is the empty text."""


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event that a row may stand for; a row whose time is empty has none."""

    kind: str
    at: Value
    when: When | None
    data: Table_[str, Value]
    id: Value | None
    company: Value | None
    by: Value | None = None
    """Who of ours did it. Whom an event lifts above the hand-off rung they have accepted by it."""


@dataclass(frozen=True, slots=True)
class TableMapping:
    """One kind of table, known by the columns it has."""

    name: str
    columns: frozenset[str]
    person: Value | None
    company: Value | None
    at: Value | None
    traits: Table_[str, Value]
    company_traits: Table_[str, Value]
    events: tuple[EventLine, ...]
    must_say: str = ""
    """Where every row has to be an event: why one that is none, or whose time is to come, is refused."""
    fills_only: bool = False
    """What is known of somebody stays: the table fills empty fields."""
    is_beside: bool = False
    """It tells of something else: what it says of people fills what is empty, once each, and moves them to no firm."""
    is_company_sought: bool = False
    """A company told by name is the one whose domain the person's address has: nobody said that it goes by its name."""

    def fits(self, header: tuple[str, ...]) -> bool:
        """Whether a table with this header is of this kind."""
        return self.columns <= frozenset(header)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A whole file of tables."""

    name: str
    zone: ZoneInfo
    tables: tuple[TableMapping, ...]

    def table_for(self, header: tuple[str, ...]) -> TableMapping | None:
        """The table of this header; of several that fit, the one that names most columns."""
        fitting = [table for table in self.tables if table.fits(header)]
        return max(fitting, key=lambda table: len(table.columns), default=None)


class MappingRefused(ValueError):
    """A mapping that cannot be used, with every fault at once."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def load(text: str | bytes, file: str = "mapping.yaml", *, zone: str = "UTC") -> Mapping:
    """The mapping in the text; `zone`: of times without an offset, where it says none itself.

    Raises MappingRefused with every fault, each with its line and what to write.
    """
    root, faults = tree.read(text, file)
    reader = _Reader(file, list(faults), ZoneInfo(zone))
    mapping = reader.mapping(root) if root is not None else None
    if mapping is None or reader.faults:
        raise MappingRefused(tuple(sorted(reader.faults)))
    return mapping


class _Reader:
    """Reads the tree and gathers faults; where something is wrong it goes on with what is plausible."""

    def __init__(self, file: str, faults: list[Fault], zone: ZoneInfo) -> None:
        self.file = file
        self.faults = faults
        self.zone = zone

    def fault(self, line: int, message: str, fix: str = "") -> None:
        self.faults.append(Fault(self.file, line, message, fix))

    def mapping(self, root: Node) -> Mapping:
        fields = self.fields(root, ("import", "name", "zone", "tables"), "A mapping")
        version = fields.get("import")
        if version is None or not isinstance(version.value, Leaf) or version.value.value != 1:
            self.fault(
                version.line if version else root.line, "The file does not say what it is.", "Start with `import: 1`."
            )
        self.zone = self.a_zone(fields.get("zone")) or self.zone
        tables = fields.get("tables")
        if tables is None:
            self.fault(root.line, "There are no tables.", "Add `tables:` with at least one table.")
        items = self.items(tables) if tables else ()
        return Mapping(
            name=self.a_text(fields.get("name")) or "",
            zone=self.zone,
            tables=tuple(self.table(item, turn) for turn, item in enumerate(items, 1)),
        )

    def table(self, node: Node, turn: int) -> TableMapping:
        fields = self.fields(node, _TABLE_FIELDS, "A table")
        person, company = self.a_value(fields.get("person")), self.a_value(fields.get("company"))
        events = fields.get("events")
        table = TableMapping(
            name=self.a_text(fields.get("name")) or f"table {turn}",
            columns=frozenset(),
            person=person,
            company=company,
            at=self.a_value(fields.get("at")),
            traits=self.values(fields.get("traits")),
            company_traits=self.values(fields.get("company_traits")),
            events=tuple(self.event(item) for item in (self.items(events) if events else ())),
        )
        if person is None and company is None:
            self.fault(node.line, "The table names nobody.", "Say which column is the `person:` or the `company:`.")
        if person is None and (table.traits or table.events):
            self.fault(node.line, "Traits and events need a person.", "Add `person:`, or use `company_traits:`.")
        if table.company_traits and company is None:
            self.fault(node.line, "Company traits need a company.", "Add `company:`.")
        columns = fields.get("columns")
        named = self.texts(columns) if columns else _columns_of(table)
        return TableMapping(**{**{name: getattr(table, name) for name in table.__slots__}, "columns": frozenset(named)})

    def event(self, node: Node) -> EventLine:
        fields = self.fields(node, _EVENT_FIELDS, "An event")
        kind = self.a_text(fields.get("kind")) or ""
        if kind not in KINDS or "import" not in KINDS[kind].doors:
            line = fields["kind"].line if "kind" in fields else node.line
            known = [name for name, each in KINDS.items() if "import" in each.doors]
            self.fault(
                line, f"{kind!r} is no kind of event.", did_you_mean(kind, known, "docs/events.md lists them all.")
            )
        at = self.a_value(fields.get("at"))
        if at is None:
            self.fault(node.line, "The event has no time.", "Say which column it is: `at: {column: …}`.")
        return EventLine(
            kind=kind,
            at=at or Value(),
            when=self.a_when(fields.get("when")),
            data=self.values(fields.get("data")),
            id=self.a_value(fields.get("id")),
            company=self.a_value(fields.get("company")),
            by=self.a_value(fields.get("by")),
        )

    def a_when(self, entry: Entry | None) -> When | None:
        if entry is None:
            return None
        fields = self.fields(entry.value, ("column", "is", "in"), "A condition on a column")
        column = self.a_text(fields.get("column"))
        if column is None:
            self.fault(entry.line, "The condition names no column.", "Write `when: {column: …, is: …}`.")
        told = fields.get("in") or fields.get("is")
        return When(column or "", frozenset(self.texts(told)) if told else frozenset())

    def values(self, entry: Entry | None) -> dict[str, Value]:
        if entry is None:
            return {}
        if not isinstance(entry.value, Table):
            self.fault(
                entry.line, f"`{entry.key}:` is not a list of names with their columns.", "Write `name: column`."
            )
            return {}
        found = {name: self.a_value(each) for name, each in entry.value.entries.items()}
        return {name: value for name, value in found.items() if value is not None}

    def a_value(self, entry: Entry | None) -> Value | None:
        """`column`, or `{column: …, type: …}`, `{text: "{a}-{b}"}`, `{value: …}`."""
        if entry is None:
            return None
        node = entry.value
        if isinstance(node, Leaf):
            if node.value is None:
                self.fault(node.line, f"`{entry.key}:` names no column.", "Write the column's name.")
                return None
            return Value(column=str(node.value), zone=self.zone)
        fields = self.fields(node, _VALUE_FIELDS, f"`{entry.key}:`")
        sources = [name for name in ("column", "text", "value") if name in fields]
        if len(sources) != 1:
            self.fault(node.line, f"`{entry.key}:` needs one of column, text and value.", "Write `{column: …}`.")
            return None
        type_ = self.a_text(fields.get("type")) or "text"
        if type_ not in TYPES:
            self.fault(fields["type"].line, f"{type_!r} is no type.", did_you_mean(type_, TYPES))
        decimals = self.a_text(fields.get("decimals")) or "point"
        if decimals not in _DECIMALS:
            self.fault(fields["decimals"].line, f"{decimals!r} parts no decimals.", "Write `comma` or `point`.")
        words = fields.get("words")
        return Value(
            column=self.a_text(fields.get("column")),
            text=self.a_text(fields.get("text")),
            constant=self.a_plain(fields.get("value")),
            type=type_,
            formats=self.texts(fields["format"]) if "format" in fields else (),
            written=_DECIMALS.get(decimals, numbers.POINT),
            zone=self.a_zone(fields.get("zone")) or self.zone,
            words=self.a_dictionary(words) if words else {},
            empty=frozenset(self.texts(fields["empty"])) if "empty" in fields else frozenset(),
            otherwise=self.a_plain(fields.get("else")),
        )

    def a_dictionary(self, entry: Entry) -> dict[str, object]:
        if not isinstance(entry.value, Table):
            self.fault(entry.line, "`words:` says what stands for what.", "Write `words: {Yes: true, No: false}`.")
            return {}
        return {name: self.a_plain(each) for name, each in entry.value.entries.items()}

    def fields(self, node: Node, known: tuple[str, ...], what: str) -> dict[str, Entry]:
        if not isinstance(node, Table):
            self.fault(node.line, f"{what} is made of `name: value` lines.", f"It may say: {', '.join(known)}.")
            return {}
        for name, entry in node.entries.items():
            if name not in known:
                self.fault(entry.line, f"{what} has no `{name}`.", did_you_mean(name, known))
        return dict(node.entries)

    def items(self, entry: Entry) -> tuple[Node, ...]:
        if isinstance(entry.value, Branch):
            return entry.value.items
        self.fault(entry.line, f"`{entry.key}:` is a list.", "Begin each of its parts with `- `.")
        return ()

    def texts(self, entry: Entry) -> tuple[str, ...]:
        nodes = entry.value.items if isinstance(entry.value, Branch) else (entry.value,)
        for node in nodes:
            if not isinstance(node, Leaf):
                self.fault(node.line, f"`{entry.key}:` is a text or a list of texts.", "Write `[a, b]`.")
        return tuple("" if node.value is None else _as_text(node.value) for node in nodes if isinstance(node, Leaf))

    def a_text(self, entry: Entry | None) -> str | None:
        value = self.a_plain(entry)
        return None if value is None else _as_text(value)

    def a_plain(self, entry: Entry | None) -> tree.Plain:
        if entry is None:
            return None
        if not isinstance(entry.value, Leaf):
            self.fault(entry.line, f"`{entry.key}:` is one value.", "Write it on the same line.")
            return None
        return entry.value.value

    def a_zone(self, entry: Entry | None) -> ZoneInfo | None:
        name = self.a_text(entry)
        if entry is None or name is None:
            return None
        try:
            return ZoneInfo(name)
        except (LookupError, ValueError, OSError):
            self.fault(entry.line, f"{name!r} is no time zone.", "Write one such as Europe/Berlin or UTC.")
            return None


def _columns_of(table: TableMapping) -> set[str]:
    """Every column a table's mapping looks at: without `columns:` these are how it is recognised."""
    values = [table.person, table.company, table.at, *table.traits.values(), *table.company_traits.values()]
    columns = set[str]()
    for event in table.events:
        values += [event.at, event.id, event.company, event.by, *event.data.values()]
        if event.when is not None:
            columns.add(event.when.column)
    return columns.union(*(value.columns for value in values if value is not None))


def _as_text(value: str | float | int | bool) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
