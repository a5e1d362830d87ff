"""The mapping that a person's choices about columns make. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from rung.capture.imports import columns, guessing
from rung.capture.imports.columns import BESIDE, NAMES_BESIDE, OWN, Choice, Choices
from rung.capture.imports.mapping import EventLine, TableMapping, Value, When
from rung.capture.imports.sheets import Cell
from rung.capture.imports.staging import BECAME, BEFORE, CUSTOMERS, DEALS, OPPORTUNITIES, STAGE
from rung.capture.imports.translating import YES

_WON: Final = frozenset({"won", "closed won", "closedwon", "closed-won", "won deal"})
NOBODY_NAMED: Final = "the program before"
"""Who had a deal of which the table does not say whose it was."""
_WANTS_NONE: Final = YES | {"opted out", "unsubscribed"}
_LOST: Final = frozenset({"lost", "closed lost", "closedlost", "closed-lost", "abandoned", "no decision"})
ACTIVITIES: Final[dict[str, frozenset[str]]] = {
    "call_made": frozenset({"call", "phone", "phone call", "calls", "outbound call", "logged call"}),
    "email_written": frozenset({"email", "e-mail", "mail", "emails", "sent email", "outgoing email", "outgoing_email"}),
    "email_replied": frozenset({"reply", "email reply", "incoming email", "incoming_email", "received email"}),
    "meeting_held": frozenset({"meeting", "demo", "visit", "video call", "event", "appointment", "lunch"}),
    "social_touched": frozenset(
        {"linkedin", "linkedin message", "linkedin_message", "social", "xing", "sms", "whatsapp"}
    ),
    "direct_mail_sent": frozenset({"letter", "postal mail", "postal_mail", "direct mail"}),
}
"""Kind of event → the words by which tables call it."""


def table_of(choices: Choices) -> TableMapping:
    """The mapping that the choices make; only for choices without faults."""
    made = _Made(choices)
    return {
        "people": made.people,
        "list": made.bought,
        "companies": made.companies,
        "deals": made.deals,
        "activities": made.activities,
    }[choices.kind]()


def guessed(
    header: Sequence[str], kind: str | None, sample: Sequence[Mapping[str, Cell]], zone: ZoneInfo
) -> TableMapping | None:
    """The mapping of a table about which nobody says anything, by the names of its columns and, how its days are
    written, by the first rows; None where they do not tell who it is about. `zone`: of times without an offset."""
    choices = columns.guessed(header, kind or columns.kind_of(header), sample, zone=zone.key)
    if columns.faults(choices):
        return None
    # Nobody looks at the guess: what a column of its own holds stays the text that it is.
    plain = [replace(choice, type="text") if choice.to == OWN else choice for choice in choices.columns]
    return table_of(replace(choices, columns=tuple(plain)))


class _Made:
    """A mapping in the making."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.zone = ZoneInfo(choices.zone)
        self.columns = frozenset(choice.column for choice in choices.columns)

    def people(self) -> TableMapping:
        return self._table(
            person=self._who(), traits=self._traits("person."), company_traits=self._traits("company."),
            events=(*self._unsubscribed(), *self._deals_before()),
        )  # fmt: skip

    def bought(self) -> TableMapping:
        said = {"seller": self.choices.source, "legal_basis": self.choices.basis, "proof": self.choices.proof}
        data = {name: Value(constant=text) for name, text in said.items() if text}
        kinds = ["imported", *(["consent_given"] if self.choices.basis == "consent" else [])]
        events = tuple(EventLine(kind, Value(or_now=True), None, data, None, None) for kind in kinds)
        events += self._unsubscribed()
        traits = {**self._traits("person."), "legal_basis": Value(constant=self.choices.basis)}
        traits.setdefault("source", Value(constant=self.choices.source))
        return self._table(
            person=self._who(), traits=traits, company_traits=self._traits("company."), events=events, fills_only=True
        )

    def _unsubscribed(self) -> tuple[EventLine, ...]:
        """Whoever told the old program that they want no mail has told us; no export says when."""
        columns = self._columns("unsubscribed")
        return tuple(
            EventLine("unsubscribed", Value(or_now=True), When(column, _WANTS_NONE, any_case=True), {}, None, None)
            for column in columns
        )

    def _deals_before(self) -> tuple[EventLine, ...]:
        """The deals that customers and opportunities of the old program stand for, where somebody asked for them."""
        stage = self._column(STAGE)
        if stage is None or self.choices.stages != DEALS:
            return ()
        data = {"deal": Value(constant=BEFORE), "stage": Value(column=stage)}
        by = self._by("person.owner")
        bought, hopes = (When(stage, words, any_case=True) for words in (CUSTOMERS, OPPORTUNITIES))
        opened, since = self._columns(BECAME["opportunity"]), self.choices.since
        return (
            EventLine("deal_opened", self._day(opened, ""), bought, data, None, None, by),
            EventLine("deal_opened", self._day(opened, since), hopes, data, None, None, by),
            EventLine("deal_won", self._day(self._columns(BECAME["customer"]), since), bought, data, None, None, by),
        )

    def _day(self, columns: tuple[str, ...], otherwise: str) -> Value:
        """The time that one of the columns tells, else the date told for all, else none."""
        told = self._time(*columns)
        if not columns:
            return replace(told, constant=otherwise or None, formats=(self.choices.dates,), zone=self.zone)
        return replace(told, otherwise=otherwise or None, is_spare=True)

    def companies(self) -> TableMapping:
        traits = self._traits("company.")
        sites = [each for each in self._columns("company") if guessing.slug(each) in guessing.COMPANY["website"]]
        if sites:
            traits.setdefault("website", Value(column=sites[0]))
        return self._table(person=None, traits={}, company_traits=traits or self._named())

    def deals(self) -> TableMapping:
        data = self._data("deal.", ("name", "status"), {"amount": "money"})
        data["deal"] = self._value("deal.id") or self._value("deal.name") or Value()
        data.setdefault("currency", Value(constant=self.choices.currency))
        data["currency"] = replace(data["currency"], otherwise=self.choices.currency)
        status = self._column("deal.status") or ""
        opened, closed = self._columns("deal.opened"), self._columns("deal.closed")
        reason, by = self._value("deal.reason"), self._by("deal.owner")
        lost = {**data, **({"reason": reason} if reason else {})}
        return self._table(
            person=self._who(),
            traits=self._traits_beside(),
            company_traits={},
            events=(
                EventLine("deal_opened", self._time(*opened, *closed), None, data, None, None, by),
                EventLine(
                    "deal_won", self._time(*closed, *opened), When(status, _WON, any_case=True), data, None, None, by
                ),
                EventLine(
                    "deal_lost", self._time(*closed, *opened), When(status, _LOST, any_case=True), lost, None, None, by
                ),
            ),
            must_say="neither the day it was opened nor the day it was closed is told",
        )

    def activities(self) -> TableMapping:
        data = self._data("activity.", ("subject", "note", "outcome"), {})
        at, type_ = self._time(*self._columns("activity.at")), self._column("activity.type") or ""
        events = tuple(
            EventLine(kind, at, When(type_, words, any_case=True), data, None, None)
            for kind, words in ACTIVITIES.items()
        )
        known = "call, e-mail, reply, meeting, LinkedIn, letter"
        return self._table(
            person=self._who(),
            traits=self._traits_beside(),
            company_traits={},
            events=events,
            must_say=f"{type_} or its time is missing, or is none we know ({known})",
        )

    def _table(
        self, *, person: Value | None, traits: dict[str, Value], company_traits: dict[str, Value],
        events: tuple[EventLine, ...] = (), must_say: str = "", fills_only: bool = False,
    ) -> TableMapping:  # fmt: skip
        at = self._columns("at")
        company = self._columns("company") or self._columns("company.website") or self._columns("company.name")
        return TableMapping(
            name=self.choices.kind,
            columns=self.columns,
            person=person,
            company=Value(column=company[0], fallbacks=company[1:]) if company else None,
            at=self._time(*at, or_now=True) if at else None,
            traits=traits,
            company_traits=company_traits if company else {},
            events=events,
            must_say=must_say,
            fills_only=fills_only,
            is_beside=self.choices.kind in BESIDE,
            is_company_sought=True,
        )

    def _who(self) -> Value:
        addresses = self._columns("person.email")
        # A number is a firm's switchboard too: beside a deal it may be told, and names nobody.
        phones = () if self.choices.kind in BESIDE else self._columns("person.phone")
        columns = (*addresses, *self._columns("person.id"), *phones)
        return Value(column=columns[0], fallbacks=columns[1:], addresses=frozenset(addresses))

    def _named(self) -> dict[str, Value]:
        return {"name": Value(column=self._columns("company")[0])}

    def _traits(self, of: str) -> dict[str, Value]:
        """The traits of a person or a company: those chosen, and the columns that keep their own name."""
        found: dict[str, Value] = {}
        owns = of == ("company." if self.choices.kind == "companies" else "person.")
        for choice in self.choices.columns:
            if owns and choice.to in (OWN, STAGE, *BECAME.values()):
                found.setdefault(guessing.slug(choice.column), self._read(choice))
            elif choice.to == "person.id":
                # Whoever is known by their address keeps the id that the old program had for them, as a fact.
                if owns and self._columns("person.email"):
                    found.setdefault(guessing.slug(choice.column), self._read(choice))
            elif choice.to.startswith(of):
                found[choice.to.removeprefix(of)] = self._read(choice)
        found.pop("", None)  # a column whose name has no letter
        return found

    def _traits_beside(self) -> dict[str, Value]:
        """What a deal or a call tells of its person."""
        chosen = (choice for choice in self.choices.columns if choice.to in NAMES_BESIDE)
        return {choice.to.removeprefix("person."): self._read(choice) for choice in chosen}

    def _data(self, of: str, names: tuple[str, ...], types: Mapping[str, str]) -> dict[str, Value]:
        wanted = {*names, *types}
        found = {
            choice.to.removeprefix(of): replace(
                self._read(choice), type=types.get(choice.to.removeprefix(of), choice.type)
            )
            for choice in self.choices.columns
            if choice.to.startswith(of) and choice.to.removeprefix(of) in {*wanted, "currency"}
        }
        return found | {
            guessing.slug(choice.column): self._read(choice) for choice in self.choices.columns if choice.to == OWN
        }

    def _read(self, choice: Choice) -> Value:
        is_date = choice.type == "date"
        return Value(
            column=choice.column,
            type=choice.type,
            formats=(self.choices.dates,) if is_date else (),
            written=self.choices.numbers,
            zone=self.zone,
        )

    def _by(self, owner: str) -> Value:
        """Whose a deal was. Somebody of ours it was, so that nobody is asked today to accept who bought long ago."""
        return replace(self._value(owner) or Value(constant=NOBODY_NAMED), otherwise=NOBODY_NAMED)

    def _time(self, *columns: str, or_now: bool = False) -> Value:
        if not columns:
            return Value()
        return Value(
            column=columns[0], fallbacks=columns[1:], formats=(self.choices.dates,), zone=self.zone, or_now=or_now
        )

    def _columns(self, target: str) -> tuple[str, ...]:
        return tuple(choice.column for choice in self.choices.columns if choice.to == target)

    def _column(self, target: str) -> str | None:
        return next(iter(self._columns(target)), None)

    def _value(self, target: str) -> Value | None:
        column = self._column(target)
        return Value(column=column) if column else None
