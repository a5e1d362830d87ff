"""A form's definition as the editor's fields, and back. Pure: no request, no database."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rung.capture.forms.definitions import FIELD_KINDS, MOST_CONSENTS, Definition, Field, Link

PERSONS: Final = {
    "person.name": "their name",
    "person.first_name": "their first name",
    "person.last_name": "their last name",
    "person.title": "their role",
    "person.country": "their country",
    "person": "another detail of the person",
}
COMPANYS: Final = {
    "company": "where they work",
    "company.industry": "its industry",
    "company.employees": "its size",
    "company.country": "its country",
}
TOLDS: Final = {
    "bant.budget": "budget",
    "bant.authority": "authority",
    "bant.need": "need",
    "bant.timing": "timing",
    "admits.considering": "they consider us",
    "admits.change": "they want a change",
    "competitor": "a competitor they use",
}
MEANINGS: Final = (
    ("", {"": "kept with the form", "heard": "how they heard about us"}),
    ("The person", PERSONS),
    ("Their company", COMPANYS),
    ("Told to sales by the person", TOLDS),
)
"""What an answer can mean, in groups, as the editor offers it."""
KINDS: Final = {
    "text": "a line", "textarea": "several lines", "email": "e-mail", "tel": "phone", "number": "a number",
    "select": "one of several", "checkbox": "yes or not",
}  # fmt: skip
assert set(KINDS) == set(FIELD_KINDS)
FORM_KINDS: Final = {
    "form_submitted": "filled a form",
    "demo_requested": "asked for a demo",
    "quote_requested": "asked for a quote",
    "question_asked": "asked a question",
    "content_downloaded": "downloaded content",
    "newsletter_subscribed": "subscribed to the newsletter",
    "webinar_registered": "registered for a webinar",
    "trial_started": "started a trial",
}
_MOST_ROWS: Final = 60
_OWN_NAMES: Final = frozenset(code.partition(".")[2] for code in PERSONS if "." in code)


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One consent text as the editor shows it; the last row is empty, to write a new one into."""

    key: str
    name: str = ""
    text: str = ""
    purpose: str = "marketing"
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One question as the editor shows it; `options` and `means_no` are lines of text."""

    key: str
    name: str
    label: str
    kind: str = "text"
    means: str = ""
    options: str = ""
    means_no: str = ""
    hint: str = ""
    is_required: bool = False
    is_progressive: bool = False


def rows_of(definition: Definition) -> list[Row]:
    """The questions of a form, as rows of the editor."""
    return [
        Row(
            str(number),
            each.name,
            each.label,
            each.kind,
            _meaning(each),
            "\n".join(each.options),
            "\n".join(each.means_no),
            each.hint,
            each.is_required,
            each.is_progressive,
        )
        for number, each in enumerate(definition.fields)
    ]


def rows_told(told: Mapping[str, str], keys: Sequence[str]) -> list[Row]:
    """The rows as they were sent, in the order of `keys`; each field is called `label.<key>` and so on."""

    def text(name: str, key: str) -> str:
        return told.get(f"{name}.{key}", "")

    return [
        Row(
            key,
            text("name", key),
            text("label", key),
            text("kind", key) or "text",
            text("means", key),
            text("options", key),
            text("means_no", key),
            text("hint", key),
            bool(text("required", key)),
            bool(text("progressive", key)),
        )
        for key in keys[:_MOST_ROWS]
        if key.isascii() and key.isdigit() and len(key) < 7
    ]


def consents_of(definition: Definition) -> list[ConsentRow]:
    """The consent texts of a form, as rows of the editor."""
    rows = [
        ConsentRow(str(number), each.name, each.text, each.purpose, each.is_required)
        for number, each in enumerate(definition.consents)
    ]
    return [*rows, ConsentRow(str(len(rows)))]


def consents_told(told: Mapping[str, str]) -> list[ConsentRow]:
    """The consent texts as they were sent; one whose words were taken away is gone."""
    rows: list[ConsentRow] = []
    for key in range(MOST_CONSENTS + 2):
        text = _line(told.get(f"consent.text.{key}", ""))
        if text:
            name = told.get(f"consent.name.{key}", "").strip() or _consent_name([row.name for row in rows])
            purpose = told.get(f"consent.purpose.{key}", "") or "marketing"
            is_required = bool(told.get(f"consent.required.{key}"))
            rows.append(ConsentRow(str(len(rows)), name, text, purpose, is_required))
    return [*rows, ConsentRow(str(len(rows)))]


def _consent_name(taken: Sequence[str]) -> str:
    free = (f"consent_{number}" if number else "consent" for number in (0, *range(2, 100)))
    return next(name for name in free if name not in taken)


def acted(rows: Sequence[Row], act: str) -> list[Row]:
    """The rows after a button was pressed: `add`, `up:<key>`, `down:<key>`, `remove:<key>`."""
    changed = list(rows)
    verb, _, key = act.partition(":")
    if verb == "add":
        changed.append(Row(str(1 + max((int(row.key) for row in rows), default=0)), "", ""))
    at = next((number for number, row in enumerate(changed) if row.key == key), None)
    if at is None:
        return changed
    row = changed.pop(at)
    if verb != "remove":
        changed.insert({"up": max(0, at - 1), "down": at + 1}.get(verb, at), row)
    return changed


def told_of(told: Mapping[str, str], rows: Sequence[Row]) -> dict[str, Any]:
    """What the editor says, as `capture.forms.definition_of` reads it."""
    names: list[str] = []
    fields = []
    for row in rows:
        name = _named(row, names)
        names.append(name)
        fields.append(_field(row, name))
    thanks: dict[str, Any] = {
        "next": _line(told.get("next", "")),
        "says_when": bool(told.get("says_when")),
        "offer_says": _line(told.get("offer_says", "")),
        "social": [link for line in told.get("social", "").splitlines() if (link := _social(line))],
    }
    for which in ("promised", "offer"):
        label, where = _line(told.get(f"{which}_label", "")), told.get(f"{which}_address", "").strip()
        if label or where:
            thanks[which] = {"label": label or where, "address": where}
    at_once = told.get("at_once", "").strip()
    return {
        "title": _line(told.get("title", "")),
        "intro": told.get("intro", "").strip(),
        "button": _line(told.get("button", "")) or "Send",
        "kind": told.get("kind", ""),
        "fields": fields,
        "at_once": int(at_once) if at_once.isascii() and at_once.isdigit() and len(at_once) < 4 else 2,
        "consents": [
            {"name": row.name, "text": row.text, "purpose": row.purpose, "is_required": row.is_required}
            for row in consents_told(told)[:-1]
        ],
        "is_double_opt_in": bool(told.get("is_double_opt_in")),
        "thanks": thanks,
    }


def texts_of(definition: Definition) -> dict[str, Any]:
    """Everything of a form but its questions, under the names of the editor's fields."""
    thanks = definition.thanks
    links = {
        f"{which}_{part}": getattr(link, part) if link else ""
        for which, link in (("promised", thanks.promised), ("offer", thanks.offer))
        for part in ("label", "address")
    }
    return {
        "title": definition.title,
        "intro": definition.intro,
        "button": definition.button,
        "kind": definition.kind,
        "at_once": str(definition.at_once),
        **_consent_texts(definition),
        "is_double_opt_in": definition.is_double_opt_in,
        "next": thanks.next,
        "says_when": thanks.says_when,
        "offer_says": thanks.offer_says,
        "social": "\n".join(f"{link.label} {link.address}" for link in thanks.social),
        **links,
    }


def _consent_texts(definition: Definition) -> dict[str, Any]:
    """The consents under the names of the editor's fields."""
    return {
        f"consent.{part}.{row.key}": value
        for row in consents_of(definition)[:-1]
        for part, value in (
            ("name", row.name), ("text", row.text), ("purpose", row.purpose), ("required", row.is_required),
        )
    }  # fmt: skip


def slug_of(title: str) -> str:
    """An address from a title: "See it with your data" → "see-it-with-your-data"."""
    return _plain(title, "-")[:60].strip("-")


def _named(row: Row, taken: Sequence[str]) -> str:
    """The name under which the answers are kept: the one it has, the trait it fills, or made from its words."""
    if row.means.startswith("person."):
        return row.means.removeprefix("person.")
    known = row.name if row.name not in _OWN_NAMES else ""
    name = known or {"email": "email", "tel": "phone"}.get(row.kind) or _plain(row.label, "_")[:36].strip("_")
    name = name if name[:1].isalpha() else f"question_{name}".rstrip("_")
    number, unique = 2, name
    while not known and unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def _field(row: Row, name: str) -> dict[str, Any]:
    means = "person" if row.means.startswith("person.") else row.means
    options = [line.strip() for line in row.options.splitlines() if line.strip()] if row.kind == "select" else []
    return {
        "name": name,
        "label": _line(row.label),
        "kind": row.kind,
        "means": means,
        "options": options,
        "means_no": [line.strip() for line in row.means_no.splitlines() if line.strip()] if means in TOLDS else [],
        "hint": _line(row.hint),
        "is_required": row.is_required,
        "is_progressive": row.is_progressive,
    }


def _meaning(each: Field) -> str:
    if each.kind not in ("email", "tel") and each.means in ("", "person") and f"person.{each.name}" in PERSONS:
        return f"person.{each.name}"
    return each.means


def _social(line: str) -> Link | dict[str, str] | None:
    label, _, where = line.strip().rpartition(" ")
    return {"label": label.strip() or where, "address": where} if where else None


def _line(text: str) -> str:
    return " ".join(text.split())


def _plain(text: str, dash: str) -> str:
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", dash, letters).strip(dash)
