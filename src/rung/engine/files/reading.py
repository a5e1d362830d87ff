"""A history as lines of JSON becomes columns; what cannot be read is refused line by line, with the reason.

Two ways lead through a line. The fast one is a decoder written in C that also checks sizes, numbers and depth; a line
it does not like, and a line that may hold characters to be normalised, takes the slow one, which finds the words for
a refusal. Both accept the same lines and give the same events: a test holds them together.
"""

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Final, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from rung.engine.files import segment
from rung.engine.histories import CORRECTIONS, KIND_CODES, NONE, OF_NOBODY, Columns
from rung.terms import instants
from rung.terms.companies import company_key
from rung.terms.kinds import KINDS
from rung.terms.values import (
    DEEPEST,
    LONGEST_DATA_TEXT,
    LONGEST_LINE,
    LONGEST_TEXT,
    MOST_FIELDS,
    BadValue,
    clean_text,
    normalised,
)

_PLAIN: Final = {
    name: code for name, code in KIND_CODES.items() if name not in CORRECTIONS | OF_NOBODY and not KINDS[name].required
}
"""Kinds whose events need no other check than those of every event."""
_REQUIRED: Final = {name: kind.required for name, kind in KINDS.items() if kind.required}
_NOTHING: Final[Mapping[str, object]] = {}
_CHUNK: Final = 4 << 20
_TOGETHER: Final = 500
"""So many lines are decoded in one go; one that is not plain sends only these the longer way."""
_NOT_DECODED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that was not read, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of a history's lines; `last_at` is the time of the last event looked at."""

    history: Columns
    refused: list[Refused]
    lines: int
    duplicates: int
    after_until: int
    voided: int
    last_at: int | None


class BadLine(ValueError):
    """A line that is refused; the text is the reason."""


_REFUSALS: Final = (BadLine, BadValue, instants.BadInstant, segment.NotTranslated)


def read(stream: BinaryIO, *, until: int | None = None) -> Reading:
    """The history in the stream. Never raises for what a line holds: such a line is refused and the rest goes on."""
    reader = _Reader(until)
    for lines in chunks_of_lines(stream):
        reader.take(lines)
    return reader.reading()


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """One event of a line, for those who record it instead of deciding it."""

    line: int
    person: str | None
    at: int
    kind: str
    data: Mapping[str, object]
    company: str | None
    by: str | None
    id: str | None


def told_events(stream: BinaryIO) -> Iterator[ToldEvent | Refused]:
    """The stream's events one by one, in bounded memory. Repeated ids are left to whoever records them."""
    reader, number = _Reader(None), 0
    for lines in chunks_of_lines(stream):
        for line in lines:
            number += 1
            if line and not line.isspace():
                yield from reader.told(number, line)


def chunks_of_lines(stream: BinaryIO) -> Iterator[list[bytes]]:
    """The stream's lines without their ends, some MB at a time; of a line that is too long only what shows that."""
    rest, is_start = b"", True
    while chunk := stream.read(_CHUNK):
        if is_start:
            chunk, is_start = chunk.removeprefix(b"\xef\xbb\xbf"), False
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[: LONGEST_LINE + 2]
        yield lines
    if rest:
        yield [rest]


_Whole = Annotated[int, Meta(ge=1 - 2**63, le=2**63 - 1)]
_Real = Annotated[float, Meta(gt=-(2.0**63), lt=2.0**63)]
_Text = Annotated[str, Meta(max_length=LONGEST_DATA_TEXT)]
_Name = Annotated[str, Meta(min_length=1, max_length=200)]


def _data_type() -> Any:
    """The type of an event's data as `terms.values` allows it, spelled out to its deepest level for the decoder."""
    value: Any = _Whole | _Real | _Text | bool | None
    for _ in range(DEEPEST - 1):
        value = _Whole | _Real | _Text | bool | list[value] | Annotated[dict[_Name, value], Meta(max_length=200)] | None
    return Annotated[dict[_Name, value], Meta(max_length=MOST_FIELDS)]


_DATA: Final = _data_type()


class _Line(msgspec.Struct):
    """One line of a history as told."""

    at: str
    kind: str
    person: str | None = None
    data: _DATA | None = None  # type: ignore[valid-type]  # mypy cannot follow a type that is computed
    id: Annotated[str, Meta(max_length=LONGEST_TEXT)] | None = None
    company: str | None = None
    source: Annotated[str, Meta(max_length=LONGEST_TEXT)] | None = None
    by: Annotated[str, Meta(max_length=LONGEST_TEXT)] | None = None
    # Columns of an exported history that decide nothing: known here so that their lines are read as fast.
    seq: Any = None
    occurred_at: Any = None
    sent_at: Any = None
    received_at: Any = None


class _Row(NamedTuple):
    """One line of a history after every check."""

    person: str | None
    at: int
    kind: str
    data: Mapping[str, object]
    company: str | None


class _Reader:
    """Gathers rows. What was seen before (a person's spelling, a day, a kind) is looked up, not checked again."""

    def __init__(self, until: int | None) -> None:
        self._until = instants.LATEST if until is None else until
        decoder = msgspec.json.Decoder(_Line)
        self._decode, self._decode_lines = decoder.decode, decoder.decode_lines
        self._clock = _Clock()
        self._keys: dict[str, str] = {}
        self._company_keys: dict[str, str | None] = {"": None}
        self._people: dict[str | None, int] = {None: NONE}
        self._companies: dict[str | None, int] = {None: NONE}
        self._spelled: dict[str | None, int] = {}
        self._company_spelled: dict[str | None, int] = {None: NONE}
        self._ids: set[str | tuple[str, str]] = set()
        self._rows: list[tuple[int, int, int, int, str | None, Mapping[str, object], str | None, str | None]] = []
        self._person, self._at, self._kind, self._company = array("i"), array("q"), array("h"), array("i")
        self._has_by = array("b")
        self._data: list[Mapping[str, object]] = []
        self._message_ids: list[str | None] = []
        self._sources: dict[int, str] = {}
        self._corrections: list[_Row] = []
        self._refused: list[Refused] = []
        self._lines_seen = self._blank = self._duplicates = self._after_until = 0
        self._last_at = NONE

    def take(self, lines: Sequence[bytes]) -> None:
        """Reads line after line. The loop is the hot one of `rung decide`, a million turns: what is ordinary and was
        seen before is looked up here, everything else leaves through `_carefully`."""
        days, minutes, rests = self._clock.days, self._clock.minutes, self._clock.rests
        spelled, companies, ids, until = self._spelled, self._company_spelled, self._ids, self._until
        keep = self._rows.append
        for number, (line, told) in enumerate(zip(lines, self._decoded(lines), strict=True), self._lines_seen + 1):
            if told is not None:
                try:
                    when, id_ = told.at, told.id
                    at = days[when[:10]] + minutes[when[10:16]] + rests[when[16:]]
                    kind, company = _PLAIN[told.kind], companies[told.company]
                    once = (told.source, id_) if told.source and id_ else id_
                    if instants.EARLIEST <= at <= until and once not in ids:
                        person = spelled.get(told.person)
                        if person is None:
                            person = self._newcomer(told.person)
                        if once:
                            ids.add(once)
                        keep((person, at, kind, company, told.by, told.data or _NOTHING, id_, told.source))
                        continue
                except KeyError:
                    pass
            self._carefully(number, line, told)
        self._lines_seen += len(lines)
        self._store()

    def _decoded(self, lines: Sequence[bytes]) -> "Iterator[_Line | None]":
        """The lines as the decoder reads them; None for a line that wants the slow way."""
        for start in range(0, len(lines), _TOGETHER):
            some = lines[start : start + _TOGETHER]
            yield from self._together(some) or map(self._alone, some)

    def _together(self, lines: Sequence[bytes]) -> "Sequence[_Line | None] | None":
        """The lines in one go; None where one of them must be looked at alone."""
        text = b"\n".join(lines)
        if not text.isascii() or b"\\u" in text or max(map(len, lines)) > LONGEST_LINE:
            return None
        # To this decoder a line's end is a space like any other. Where each stands between } and {, no object goes
        # over it, and as many objects as lines are one a line.
        if text.count(b"}\n{") != len(lines) - 1:
            return None
        try:
            told = self._decode_lines(text)
        except _NOT_DECODED:
            return None
        if len(told) != len(lines):
            return None
        # No line has fewer colons than it must have, so the sums are equal only where each line has its own number.
        if text.count(b":") == sum(map(_colons_of, told)):
            return told
        return [each if _is_whole(each, line) else None for each, line in zip(told, lines, strict=True)]

    def _alone(self, line: bytes) -> "_Line | None":
        if not line.isascii() or b"\\u" in line or len(line) > LONGEST_LINE:
            return None
        try:
            told = self._decode(line)
        except _NOT_DECODED:
            return None
        return told if _is_whole(told, line) else None

    def _newcomer(self, told: str | None) -> int:
        """The code of a person who is new, where the key needs no cleaning. Raises KeyError where it does."""
        if not told or "\0" in told or len(told) > LONGEST_TEXT or told != told.strip():
            raise KeyError(told)
        code = self._spelled[told] = self._people.setdefault(told, len(self._people) - 1)
        return code

    def _carefully(self, number: int, line: bytes, told: "_Line | None") -> None:
        if not line or line.isspace():
            self._blank += 1
            return
        try:
            if told is None:
                self._add(*self._slowly(line))
            else:
                row = self._checked(told.person, told.at, told.kind, told.data or _NOTHING, told.company)
                self._add((row,), told)
                self._remember(told, row)
        except _REFUSALS as refusal:
            self._refused.append(Refused(number, str(refusal)))

    def told(self, number: int, line: bytes) -> Iterator[ToldEvent | Refused]:
        """The events of one line, or why there is none."""
        try:
            rows, told = self._slowly(line)
        except _REFUSALS as refusal:
            yield Refused(number, str(refusal))
            return
        for turn, row in enumerate(rows):
            # The second event of a line needs an id of its own, or the first would count as its repetition.
            id_ = f"{told.id}:{turn}" if told.id and turn else told.id
            yield ToldEvent(number, row.person, row.at, row.kind, row.data, row.company, told.by, id_)

    def _remember(self, told: "_Line", row: "_Row") -> None:
        """From now on the hot loop knows these spellings."""
        if row.person in self._people and row.person is not None:
            self._spelled[told.person] = self._people[row.person]
        if row.company in self._companies:
            self._company_spelled[told.company] = self._companies[row.company]

    def _slowly(self, line: bytes) -> tuple[tuple["_Row", ...], "_Line"]:
        """The rows of a line in any shape, and whatever of it is kept as told."""
        told = _object(line)
        is_segment = "type" in told and "kind" not in told
        kept = _Line(at="", kind="", id=_name_of(told, "messageId" if is_segment else "id"))
        kept.source, kept.by = _name_of(told, "source"), _name_of(told, "by")
        lines = segment.lines_of(told, "import") if is_segment else (told,)
        return tuple(self._loosely(part) for part in lines), kept

    def _loosely(self, told: Mapping[str, object]) -> _Row:
        """The row of a line whose fields may be of any type."""
        data = told.get("data")
        if data is None:
            data = _NOTHING
        if not isinstance(data, dict):
            raise BadLine(f"data is {_words(data)}: an object is allowed")
        return self._checked(
            _text_of(told, "person"),
            _text_of(told, "at"),
            _text_of(told, "kind"),
            normalised(data) if data else data,
            _text_of(told, "company"),
        )

    def _checked(
        self, person: str | None, at: str | None, kind: str | None, data: Mapping[str, object], company: str | None
    ) -> _Row:
        if kind in OF_NOBODY:
            person = None
        elif person is None or not (person := self._keys.get(person) or self._key(person)):
            raise BadLine("no person: say who in the field person")
        if at is None:
            raise BadLine("no time: say when in the field at, as in 2026-03-01T10:00:00Z")
        moment = self._clock.instant(at)
        if kind not in KIND_CODES:
            raise BadLine(f"unknown kind {kind[:40]!r}" if kind else "no kind: say what happened in the field kind")
        for name in _REQUIRED.get(kind, ()):
            if data.get(name) is None:
                raise BadLine(f"{kind} without {name}: say it in data.{name}")
        if company is not None:
            company = self._company_key(company)
        if kind == "company_described" and company is None:
            raise BadLine("company_described without company: name it by its domain; a mail provider's is no company")
        return _Row(person, moment, kind, data, company)

    def _key(self, told: str) -> str:
        key = self._keys[told] = clean_text(told, "person")
        return key

    def _company_key(self, told: str) -> str | None:
        try:
            return self._company_keys[told]
        except KeyError:
            key = self._company_keys[told] = company_key(clean_text(told, "company"))
            return key

    def _add(self, rows: tuple["_Row", ...], told: "_Line") -> None:
        if told.id:
            once = (told.source, told.id) if told.source else told.id
            if once in self._ids:
                self._duplicates += 1
                return
            self._ids.add(once)
        for row in rows:
            if row.at > self._until:
                self._after_until += 1
                return
            self._last_at = max(self._last_at, row.at)
            if row.kind in CORRECTIONS:
                self._corrections.append(row)
                continue
            person = self._people.setdefault(row.person, len(self._people) - 1)
            company = self._companies.setdefault(row.company, len(self._companies) - 1)
            kind = KIND_CODES[row.kind]
            self._rows.append((person, row.at, kind, company, told.by, row.data, told.id, told.source))

    def _store(self) -> None:
        """Moves the rows gathered so far into columns, which take a fifth of the room."""
        if not self._rows:
            return
        person, at, kind, company, by, data, message_ids, sources = zip(*self._rows, strict=True)
        self._person.extend(person)
        self._at.extend(at)
        self._kind.extend(kind)
        self._company.extend(company)
        self._has_by.extend(map(bool, by))
        self._sources.update((row, source) for row, source in enumerate(sources, len(self._data)) if source)
        self._data.extend(data)
        self._message_ids.extend(message_ids)
        self._rows.clear()

    def reading(self) -> Reading:
        columns = Columns(
            people=[key for key in self._people if key is not None],
            companies=[key for key in self._companies if key is not None],
            person=np.array(self._person, np.int32),
            at=np.array(self._at, np.int64),
            kind=np.array(self._kind, np.int16),
            company=np.array(self._company, np.int32),
            has_by=np.array(self._has_by, np.bool_),
            data=self._data,
        )
        corrected = self._corrected(columns) if self._corrections else columns
        last_at = max(self._last_at, int(columns.at.max(initial=NONE)))
        return Reading(
            history=corrected,
            refused=self._refused,
            lines=self._lines_seen - self._blank,
            duplicates=self._duplicates,
            after_until=self._after_until,
            voided=len(columns) - len(corrected),
            last_at=None if last_at == NONE else last_at,
        )

    def _corrected(self, columns: Columns) -> Columns:
        """The history as if what was voided had never been written and merged people had always been one."""
        events, imports, heirs = set(), set(), dict[str, str]()
        for row in self._corrections:
            if row.kind == "event_voided":
                events.add(str(row.data["event"]))
            elif row.kind == "import_undone":
                imports.add(f"import:{row.data['import']}")
            elif row.kind == "persons_merged" and row.person is not None:
                heirs[str(row.data["merged"])] = row.person
            else:
                heirs.pop(str(row.data["merged"]), None)
        undone = {row for row, source in self._sources.items() if source in imports}
        keep = [row not in undone and id_ not in events for row, id_ in enumerate(self._message_ids)]
        return _kept(columns, np.array(keep, np.bool_), _heirs(columns.people, heirs))


def _kept(columns: Columns, keep: NDArray[np.bool_], people: list[str]) -> Columns:
    """The rows to keep, under the new keys of their people, with nobody left who has no row."""
    person = columns.person[keep]
    codes: dict[str, int] = {}
    recoded = np.full(len(people) + 1, NONE, np.int32)  # the last place is where NONE, -1, looks
    for old in dict.fromkeys(person.tolist()):
        if old != NONE:
            recoded[old] = codes.setdefault(people[old], len(codes))
    return Columns(
        people=list(codes),
        companies=columns.companies,
        person=recoded[person],
        at=columns.at[keep],
        kind=columns.kind[keep],
        company=columns.company[keep],
        has_by=columns.has_by[keep],
        data=[data for data, is_kept in zip(columns.data, keep.tolist(), strict=True) if is_kept],
    )


def _heirs(people: list[str], heirs: Mapping[str, str]) -> list[str]:
    """Each person's living key; a ring of merges ends where it began."""
    living = []
    for key in people:
        seen = {key}
        while (heir := heirs.get(key)) is not None and heir not in seen:
            seen.add(heir)
            key = heir
        living.append(key)
    return living


class _Clock:
    """Reads times fast: day, hour with minute, and what follows recur; each is parsed once and then looked up."""

    _MOST: Final = 100_000

    def __init__(self) -> None:
        self.days: dict[str, int] = {}
        self.minutes: dict[str, int] = {}
        self.rests: dict[str, int] = {}

    def instant(self, text: str) -> int:
        try:
            at = self.days[text[:10]] + self.minutes[text[10:16]] + self.rests[text[16:]]
        except KeyError:
            return self._learned(text)
        return at if instants.EARLIEST <= at <= instants.LATEST else instants.parse_instant(text)

    def _learned(self, text: str) -> int:
        """The instant, by the one parser; its parts are kept unless it is a date alone or the parts are too many."""
        at = instants.parse_instant(text)
        day, minute, rest = text[:10], text[10:16], text[16:]
        if rest and len(self.rests) < self._MOST:
            self.days[day] = instants.parse_instant(day)
            self.minutes[minute] = instants.parse_instant(f"{day}{minute}Z") - self.days[day]
            self.rests[rest] = at - self.days[day] - self.minutes[minute]
        return at


def _object(line: bytes) -> dict[str, object]:
    """The object a line holds. Raises BadLine with the reason when it holds none."""
    if len(line) > LONGEST_LINE:
        raise BadLine(f"the line is longer than {LONGEST_LINE} bytes")
    try:
        told = json.loads(line.decode(), parse_constant=_not_a_number, parse_int=_whole_number, object_pairs_hook=_once)
    except UnicodeDecodeError as fault:
        raise BadLine(f"not UTF-8: byte {line[fault.start]:#04x} at position {fault.start + 1}") from None
    except json.JSONDecodeError as fault:
        raise BadLine(f"not JSON: {fault.msg.removesuffix(' at')} at position {fault.pos + 1}") from None
    except RecursionError:
        raise BadLine(f"nested deeper than {DEEPEST} levels") from None
    if not isinstance(told, dict):
        raise BadLine(f"not an object but {_words(told)}")
    return told


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    told = dict(pairs)
    if len(told) < len(pairs):
        names = [name for name, _ in pairs]
        raise BadLine(f"the key {next(name for name in told if names.count(name) > 1)[:40]!r} stands twice: keep one")
    return told


def _is_whole(told: _Line, line: bytes) -> bool:
    """Whether the decoder kept all that the line tells: it takes the last of two keys that are the same, and counting
    colons finds that there were two. A colon inside a text, or a field of no meaning here, is looked at more closely.
    """
    colons = line.count(b":")
    return colons == _colons_of(told) or colons == _colons_in(told) or _is_told_once(line)


def _colons_of(told: _Line) -> int:
    """How many colons the plainest line of this has: one a key, and those of its time."""
    return (
        told.at.count(":")
        + 2
        + (told.person is not None)
        + (told.id is not None)
        + (told.company is not None)
        + (told.source is not None)
        + (told.by is not None)
        + (len(told.data) + 1 if told.data else 0)
    )


def _colons_in(told: object) -> int:
    """How many colons the line of this has, unless it says more than is kept: one a key, and those in texts."""
    if isinstance(told, str):
        return told.count(":")
    if isinstance(told, dict):
        return sum(1 + name.count(":") + _colons_in(value) for name, value in told.items())
    if isinstance(told, list):
        return sum(map(_colons_in, told))
    if isinstance(told, _Line):
        values = (getattr(told, name) for name in told.__struct_fields__)
        return sum(1 + _colons_in(value) for value in values if value is not None)
    return 0


def _is_told_once(line: bytes) -> bool:
    """Whether no key of the line stands twice in its object; no, too, where the slow way will find another fault."""
    try:
        json.loads(line, parse_int=_whole_number, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return False
    return True


def _not_a_number(text: str) -> float:
    raise BadLine(f"{text} is not a number that JSON knows")


def _whole_number(digits: str) -> int:
    if len(digits) > 20:  # before int(): a number of thousands of digits takes long to read
        raise BadLine(f"{digits[:20]}… is larger than a number may be (2^63)")
    return int(digits)


def _text_of(told: Mapping[str, object], name: str) -> str | None:
    value = told.get(name)
    if value is None or isinstance(value, str):
        return value
    raise BadLine(f"{name} is {_words(value)}: a text is allowed")


def _name_of(told: Mapping[str, object], name: str) -> str | None:
    """An id or a source: text, or a whole number, which is taken as its digits."""
    value = told.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = _text_of(told, name)
    if text:
        clean_text(text, name)  # refuses what no column may hold; an id stays as it was told
    return text


def _words(value: object) -> str:
    names = {
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "null")
