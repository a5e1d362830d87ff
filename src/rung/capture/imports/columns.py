"""What the columns of an uploaded table mean: guessed, corrected by a person, and made a mapping of. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Final

from rung.capture import dates, numbers
from rung.capture.imports import guessing
from rung.capture.imports.sheets import Cell
from rung.capture.imports.translating import NO, YES

KINDS: Final = {
    "people": "People",
    "companies": "Companies",
    "deals": "Deals",
    "activities": "Calls, meetings and mails",
    "list": "A bought list of people",
}
TYPES: Final = {
    "text": "text",
    "number": "number",
    "yes_no": "yes or no",
    "list": "list (; or ,)",
    "date": "date",
}
BASES: Final = {
    "legitimate interest": "legitimate interest",
    "consent": "consent they gave to the seller",
    "contract": "contract or its preparation",
}
OWN: Final = "own"
"""The column becomes a trait under its own name."""
LEFT_OUT: Final = ""
WHY: Final = "Why it was left out"
"""The last column of a file of rows to be corrected; when it comes back it is left out itself."""

_PERSON: Final = {
    "person.email": "E-mail", "person.id": "Record id", "person.name": "Full name", "person.first_name": "First name",
    "person.last_name": "Last name", "person.phone": "Phone", "person.title": "Job title", "person.country": "Country",
    "person.city": "City", "person.state": "State", "person.postal_code": "Postal code", "person.source": "Source",
    "person.lead_status": "Lead status", "person.owner": "Owner",
}  # fmt: skip
_EMPLOYER: Final = {
    "company": "Company", "company.name": "Company's name", "company.industry": "Company's industry",
    "company.employees": "Company's employees",
}  # fmt: skip
_WHO: Final = {
    "person.email": "Person's e-mail", "person.id": "Person's record id", "person.name": "Person's name",
    "person.first_name": "Person's first name", "person.last_name": "Person's last name",
    "person.phone": "Person's phone", "person.title": "Person's job title", "company": "Company",
}  # fmt: skip
BESIDE: Final = frozenset({"deals", "activities"})
"""Kinds of table that tell of a person beside something else: what they say of them only fills what is empty."""
TARGETS: Final[dict[str, dict[str, str]]] = {
    "people": {
        **_PERSON, **_EMPLOYER, "at": "Known since", "unsubscribed": "Wants no mail",
        "stage": "Stage in the old program", "became.customer": "Became a customer on",
        "became.opportunity": "Became an opportunity on",
    },
    "list": {**_PERSON, **_EMPLOYER, "unsubscribed": "Wants no mail"},
    "companies": {
        "company": "Domain or name", "company.name": "Name", "company.website": "Web site",
        "company.industry": "Industry", "company.employees": "Employees", "company.revenue": "Revenue",
        "company.country": "Country", "company.city": "City", "company.owner": "Owner", "at": "Known since",
    },
    "deals": {
        **_WHO, "deal.id": "Deal's id", "deal.name": "Deal's name", "deal.amount": "Amount",
        "deal.currency": "Currency", "deal.status": "Open, won or lost", "deal.opened": "Opened on",
        "deal.closed": "Closed on", "deal.reason": "Reason it was lost", "deal.owner": "Deal's owner",
    },
    "activities": {
        **_WHO, "activity.type": "What it was", "activity.at": "When", "activity.subject": "Subject",
        "activity.note": "Note", "activity.outcome": "Outcome",
    },
}  # fmt: skip
"""Kind of table → what a column of it can be, with the words for it."""

_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "person.email": (
        "person_email",
        "contact_email",
        "associated_contact_email",
        "lead_email",
        "primary_contact_email",
    ),
    "person.id": (
        "associated_contact_ids",
        "associated_contact_id",
        "contact_id",
        "contactid",
        "whoid",
        "contact_person_id",
    ),
    "stage": ("lifecycle_stage", "lifecyclestage", "label", "labels", "customer_status"),
    "became.customer": ("became_a_customer_date", "customer_since", "date_entered_customer"),
    "became.opportunity": ("became_an_opportunity_date", "opportunity_since", "date_entered_opportunity"),
    "unsubscribed": tuple(
        "hasoptedoutofemail has_opted_out_of_email email_opt_out opted_out_of_email opted_out opt_out unsubscribed"
        " unsubscribed_from_all_email unsubscribed_from_emails do_not_email".split()
    ),
    "deal.id": ("deal_id", "opportunity_id", "record_id", "id", "pipedrive_system_id", "deal_pipedrive_system_id"),
    "deal.name": ("deal_name", "dealname", "opportunity_name", "title", "name"),
    "deal.amount": ("amount", "value", "deal_value"),
    "deal.currency": ("currency", "currency_of_value", "currencyisocode", "deal_currency_code"),
    # Where a table has both, the status says it (won): a Pipedrive stage only says how far it had come.
    "deal.status": ("status", "deal_status", "deal_stage", "dealstage", "stagename", "stage"),
    "deal.opened": (
        "create_date",
        "createdate",
        "createddate",
        "created_date",
        "creation_date",
        "add_time",
        "deal_created",
    ),
    "deal.closed": ("close_date", "closedate", "closed_on", "deal_closed_on", "won_time", "lost_time"),
    "deal.owner": ("deal_owner", "opportunity_owner", "owner", "owner_name"),
    "deal.reason": ("closed_lost_reason", "lost_reason", "loss_reason"),
    "activity.type": ("activity_type", "type", "tasksubtype", "engagement_type"),
    "activity.at": (
        "activity_date",
        "due_date",
        "activitydate",
        "date",
        "marked_as_done_time",
        "start_time",
        "created_at",
    ),
    "activity.subject": ("subject", "activity_subject", "title"),
    "activity.note": ("note", "description", "body", "content", "comments"),
    "activity.outcome": ("outcome", "call_outcome", "result", "calldisposition"),
}


NAMES_BESIDE: Final[dict[str, tuple[str, ...]]] = {
    "person.name": ("person_name", "contact_person", "contact_name", "contact_full_name", "primary_contact"),
    "person.first_name": ("person_first_name", "contact_first_name", "first_name"),
    "person.last_name": ("person_last_name", "contact_last_name", "last_name"),
    "person.phone": ("person_phone", "contact_phone", "contact_phone_number", "phone", "phone_number", "mobile"),
    "person.title": ("person_job_title", "contact_title", "contact_job_title", "job_title"),
}
"""What a table of something else tells of people, and how its columns are called: a plain `Name` is its own."""

_OTHER_END: Final = {"won_time": "lost_time", "lost_time": "won_time"}
"""A deal ends in one of two columns, and a row has only the one."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What one column is: a target of its kind, OWN, or LEFT_OUT; and how its cells are read."""

    column: str
    to: str
    type: str = "text"


@dataclass(frozen=True, slots=True)
class Choices:
    """All that is said about a table."""

    kind: str
    columns: tuple[Choice, ...]
    dates: str = dates.DAY_FIRST
    numbers: str = numbers.POINT
    zone: str = "UTC"
    currency: str = "EUR"
    source: str = ""
    basis: str = ""
    proof: str = ""
    stages: str = ""
    """`staging.DEALS`: customers and opportunities of the old program get the deal that they stand for."""
    since: str = ""
    """A date: of customers and opportunities of whom no day is told. Empty: they get no deal."""
    learned_by: str = field(default="", compare=False)
    """Who had corrected the same header before."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(told: Mapping[str, Any]) -> Choices:
    """The choices that `as_json` wrote."""
    return Choices(**{**told, "columns": tuple(Choice(**each) for each in told["columns"])})


def guessed(header: Sequence[str], kind: str, sample: Sequence[Mapping[str, Cell]], *, zone: str = "UTC") -> Choices:
    """What the columns probably are: by their names as the usual programs write them, and by the first rows. `zone`: of
    times that name none."""
    targets, taken = TARGETS[kind], set[str]()
    found: dict[str, str] = {}
    for target in targets:
        column = _column_named(header, _names_of(target, kind), found)
        if column is not None and target not in taken:
            found[column] = target
            taken.add(target)
    if other := _OTHER_END.get(guessing.slug(guessing.without_entity(next(_of(found, "deal.closed"), "")))):
        column = _column_named(header, (other,), found)
        found |= {column: "deal.closed"} if column else {}
    if "person.email" in targets and "person.email" not in taken:
        asked = (column for column in header if column not in found and _asks_address(column))
        with_one = (column for column in asked if all("@" in text for text in _texts(column, sample)))
        found |= dict.fromkeys(islice(with_one, 1), "person.email")
    if "person.id" in targets and "person.id" not in taken and kind not in BESIDE:
        profiles = (column for column in header if column not in found and _are_profiles(_texts(column, sample)))
        found |= dict.fromkeys(islice(profiles, 1), "person.id")
    rest = OWN if kind in ("people", "companies", "list") else LEFT_OUT
    meant = {column: found.get(column, LEFT_OUT if _says_nothing(column, sample) else rest) for column in header}
    written = numbers.COMMA if _have_commas(meant, sample) else numbers.POINT
    choices = tuple(Choice(column, to, _type_of(to, _texts(column, sample), written)) for column, to in meant.items())
    first = dates.is_day_first(text for choice in choices if is_time(choice) for text in _texts(choice.column, sample))
    order = dates.MONTH_FIRST if first is False else dates.DAY_FIRST
    return Choices(kind, choices, dates=order, numbers=written, zone=zone)


def kind_of(header: Sequence[str]) -> str:
    """The kind of table that its columns look like."""
    slugs = {guessing.slug(column) for column in header}
    plain = {guessing.slug(guessing.without_entity(column)) for column in header}
    names_people = plain & {*guessing.PERSON["first_name"], *guessing.PERSON["last_name"]}
    # A table of leads may say how far each deal has come; one of deals says what it is worth, or when it came or went.
    of_deals = {*_NAMES["deal.name"][:3], *_NAMES["deal.amount"], *_NAMES["deal.closed"], "deal_title"}
    if slugs & _OF_DEALS and (not names_people or (slugs | plain) & of_deals):
        return "deals"
    if slugs & {"activity_subject", "activity_type", "tasksubtype", "engagement_type", "activity_due_date"}:
        return "activities"
    if names_people or _has_column(header, guessing.PERSON["email"]) or any(map(_asks_address, header)):
        return "people"
    names_companies = _has_column(header, (*guessing.COMPANY["name"], *guessing.COMPANY["website"]))
    return "people" if not names_companies and plain & set(guessing.KEYS) else "companies"


_OF_DEALS: Final = frozenset(
    ("deal_name", "dealname", "deal_stage", "stagename", "deal_title", "deal_value", "deal_status", "opportunity_name")
)


def _asks_address(column: str) -> bool:
    """Whether a column is somebody's address by a word in its name: `Invitee Email`, `What's your email address?`."""
    slug = guessing.slug(column).replace("e_mail", "email")
    return "email" in slug.split("_") and slug.split("_")[0] not in _OF_FIRMS


_OF_FIRMS: Final = frozenset({"company", "organization", "organisation", "account", "billing", "owner"})


def _has_column(header: Sequence[str], names: Iterable[str]) -> bool:
    return _column_named(header, names, {}) is not None


def faults(choices: Choices) -> list[str]:
    """Why the table cannot be brought in as it is said to be, in words; empty when it can."""
    said = {choice.to for choice in choices.columns}
    told = []
    if choices.kind == "companies":
        if "company" not in said and "company.name" not in said:
            told.append("Say which column names the company.")
    elif not said & {"person.email", "person.id", *(() if choices.kind in BESIDE else ("person.phone",))}:
        told.append("Say which column names the person: an e-mail address, else a record id.")
    if choices.kind == "deals" and "deal.status" not in said:
        told.append("Say which column tells whether a deal is open, won or lost.")
    if choices.kind == "deals" and not said & {"deal.opened", "deal.closed"}:
        told.append("Say when a deal was opened or closed.")
    if choices.kind == "activities":
        told += [f"Say which column tells {what}." for to, what in _OF_ACTIVITIES if to not in said]
    if choices.kind == "list":
        told += ["Say where the list was bought."] if not choices.source else []
        told += ["Say on what legal basis you may write to them."] if choices.basis not in BASES else []
        if choices.basis == "consent" and not choices.proof:
            told.append("Say where the proof of their consent is kept.")
    for target in sorted(said - {OWN, LEFT_OUT}):
        columns = [choice.column for choice in choices.columns if choice.to == target]
        if len(columns) > 1 and target not in ("person.phone", "deal.closed"):
            words = TARGETS[choices.kind].get(target, target)
            told.append(
                f"Two columns are “{words}”: {' and '.join(columns[:3])}. Leave one out or give it its own name."
            )
    return told


_OF_ACTIVITIES: Final = (("activity.type", "what it was"), ("activity.at", "when it was"))


def _says_nothing(column: str, sample: Sequence[Mapping[str, Cell]]) -> bool:
    """Our own word on a row that was left out, or a column with neither a name nor a value, as workbooks have them."""
    return column == WHY or (_NAMELESS.match(column) is not None and not _texts(column, sample))


_NAMELESS: Final = re.compile(r"column \d+\Z")


def _names_of(target: str, kind: str) -> tuple[str, ...]:
    """The names by which programs call the target, in the order of our trust in them."""
    names = _NAMES.get(target, ())
    if target == "company":
        return (
            tuple(guessing.NAMES_A_COMPANY)
            if kind != "companies"
            else (*guessing.COMPANY["website"], *guessing.COMPANY["name"])
        )
    if target == "at":
        return guessing.CREATED
    if target == "person.id":
        return names if kind in BESIDE else guessing.KEYS
    of, _, name = target.partition(".")
    if kind in BESIDE and target in NAMES_BESIDE:
        return NAMES_BESIDE[target]
    if of == "person":
        return (*names, *guessing.PERSON.get(name, ()))
    if of == "company":
        known = guessing.COMPANY.get(name, ())
        return (
            known
            if kind == "companies"
            else tuple(n for n in known if n not in guessing.PERSON.get(name, ()) and n != "name")
        )
    return names


def _column_named(header: Sequence[str], names: Iterable[str], taken: Mapping[str, str]) -> str | None:
    for name in names:
        for column in header:
            slug = guessing.slug(column)
            if column not in taken and (
                slug in {name, f"{name}_work", f"{name}_1"} or guessing.slug(guessing.without_entity(column)) == name
            ):
                return column
    return None


def _of(found: Mapping[str, str], target: str) -> Iterator[str]:
    return (column for column, to in found.items() if to == target)


def _texts(column: str, sample: Sequence[Mapping[str, Cell]]) -> list[str]:
    return [str(cell) for row in sample if (cell := row.get(column)) is not None]


_NUMBERS: Final = frozenset({"company.employees", "company.revenue", "deal.amount"})
_TIMES: Final = frozenset({"at", "deal.opened", "deal.closed", "activity.at", "became.customer", "became.opportunity"})


def is_time(choice: Choice) -> bool:
    """Whether its cells are days and times."""
    return choice.type == "date" or choice.to in _TIMES


def _have_commas(meant: Mapping[str, str], sample: Sequence[Mapping[str, Cell]]) -> bool:
    """Whether commas part the decimals: as the columns of numbers say, else any column that holds nothing else."""
    sure = [_texts(column, sample) for column, to in meant.items() if to in _NUMBERS]
    own = [_texts(column, sample) for column, to in meant.items() if to == OWN]
    rest = [texts for texts in own if any("," in text for text in texts)]
    rest = [texts for texts in rest if all(_is_number(text, numbers.COMMA) for text in texts)]
    return next((told for texts in (*sure, *rest) if (told := numbers.is_comma(texts)) is not None), False)


def _type_of(to: str, texts: Sequence[str], written: str) -> str:
    """Numbers, yes and no, and dates are told by every cell of the sample; only for columns without a known type."""
    if to in _NUMBERS:
        return "number"
    if to in _TIMES:
        return "date"
    if to != OWN or not texts:
        return "text"
    if all(text.lower() in YES | NO for text in texts) and any(not text.isdigit() for text in texts):
        return "yes_no"
    if all(_is_number(text, written) for text in texts):
        return "number"
    if all(not text.isdigit() and dates.read(text, day_first=True) for text in texts):
        return "date"
    return "text"


def _are_profiles(texts: Sequence[str]) -> bool:
    """Whether a column holds addresses of people's pages at LinkedIn, whose exports know most by nothing else."""
    return bool(texts) and all("linkedin.com/in/" in text for text in texts)


def _is_number(text: str, written: str) -> bool:
    """A number that is one to people: no leading zero, no plus, not so large that it is a phone number or an id."""
    if text.startswith(("0", "+")) and text != "0" and not text.startswith(("0.", "0,")):
        return False
    found = None if text[-1:].isalpha() else numbers.read(text, written=written)
    return found is not None and abs(found) < _AN_ID


_AN_ID: Final = 10**9
