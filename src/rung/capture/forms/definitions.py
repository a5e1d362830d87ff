"""What a form asks, and what can be a form. Pure: no database, no clock."""

import hashlib
import json
import re
from collections.abc import Collection
from typing import Final, Literal

import msgspec

from rung.terms.kinds import ADMISSIONS, KINDS

FIELD_KINDS: Final = ("text", "email", "tel", "number", "select", "textarea", "checkbox")
FORM_KINDS: Final = (
    "form_submitted",
    "demo_requested",
    "quote_requested",
    "question_asked",
    "content_downloaded",
    "newsletter_subscribed",
    "webinar_registered",
    "trial_started",
)
LETTERS: Final = ("budget", "authority", "need", "timing")
TRAP: Final = "website_address"
"""A field that people do not see; whoever fills it is no person."""
LONGEST: Final = 1_000
"""Characters of one text of a form."""
MOST_FIELDS: Final = 50
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\Z")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_UNSEEN: Final = re.compile(r"utm_(source|medium|campaign|term|content)\Z")


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question. `means` says what its answer is beside a field of the form: see MEANINGS.

    `is_progressive`: asked only of whom we do not know it, a few at a time (`Definition.at_once`). `means_no`: the
    answers by which somebody says no to a letter, an admission or a competitor.
    """

    name: str
    label: str
    kind: Literal["text", "email", "tel", "number", "select", "textarea", "checkbox"] = "text"
    is_required: bool = False
    options: tuple[str, ...] = ()
    means: str = ""
    means_no: tuple[str, ...] = ()
    hint: str = ""
    is_progressive: bool = False


MEANINGS: Final = (
    "person",
    "company",
    *(f"company.{name}" for name in ("industry", "employees", "country")),
    *(f"bant.{letter}" for letter in LETTERS),
    *(f"admits.{name}" for name in ADMISSIONS),
    "competitor",
    "heard",
)
"""person: a trait · company: where they work · company.…: a fact of a company of which nobody knows it yet · bant.…: a
letter, as told by the person · admits.…: an admission · competitor: what they use · heard: how they heard about us."""


PURPOSES: Final = {
    "marketing": "we may write to them",
    "calls": "we may call them",
    "partners": "partners of ours may write to them",
    "profiling": "we may note what they read",
    "terms": "they accept terms",
}
"""What somebody agrees to. `marketing` is the consent that `consented` asks for; the others are agreements of their
own, told as `custom` events, so that whoever accepts terms has not agreed to be written to."""
MOST_CONSENTS: Final = 10


class Consent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text that somebody agrees to by its box. Its version is made of what it says."""

    name: str = "consent"
    text: str
    purpose: str = "marketing"
    is_required: bool = False

    @property
    def version(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


class Link(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    label: str
    address: str


class Thanks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What comes at once: what happens next, what was promised, a second offer, where else we are.

    `says_when`: also by when, as the playbook in force says for whoever raises a hand.
    """

    next: str
    says_when: bool = False
    promised: Link | None = None
    offer: Link | None = None
    offer_says: str = ""
    social: tuple[Link, ...] = ()


class Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A form as it is kept. Each consent text has a version of its own, by what it says.

    `at_once`: how many progressive questions stand on the page. `is_double_opt_in`: consent counts once it was
    confirmed from the mailbox; accepted terms count at once.
    """

    title: str
    intro: str = ""
    button: str = "Send"
    kind: str = "form_submitted"
    fields: tuple[Field, ...]
    at_once: int = 2
    consents: tuple[Consent, ...] = ()
    is_double_opt_in: bool = False
    thanks: Thanks

    def waits(self, consent: Consent) -> bool:
        """Whether the consent counts only when it was confirmed from the mailbox."""
        return self.is_double_opt_in and consent.purpose != "terms"


class BadForm(ValueError):
    """A definition that cannot be a form; the text says what to change."""


def definition_of(told: object) -> Definition:
    """The definition in plain data; a `consent` is short for a single text that is not required. Raises BadForm."""
    if isinstance(told, dict) and isinstance(text := told.get("consent"), str) and "consents" not in told:
        told = {name: value for name, value in told.items() if name != "consent"}
        told["consents"] = [{"text": text}] if text else []
    try:
        found = msgspec.convert(told, Definition)
    except msgspec.ValidationError as fault:
        raise BadForm(f"The form cannot be read: {fault}.") from None
    names = [each.name for each in found.fields]
    if found.kind not in FORM_KINDS:
        raise BadForm(f"{found.kind!r} is nothing a form can be: choose one of {', '.join(FORM_KINDS)}.")
    if not any(each.kind == "email" and each.is_required for each in found.fields):
        raise BadForm("A form must ask for an e-mail address, or nobody can be thanked.")
    _check_sizes(found)
    for each in found.fields:
        _check(each, names)
    _check_consents(found.consents, names)
    links = [found.thanks.promised, found.thanks.offer, *found.thanks.social]
    for link in links:
        if link is not None and not re.match(r"(https?://|/)[^\s]+\Z", link.address):
            raise BadForm(f"{link.address!r} is no address: it begins with https:// or with /.")
    return found


def _check_sizes(form: Definition) -> None:
    """What a page can show and a database can keep."""
    links = [link for link in (form.thanks.promised, form.thanks.offer, *form.thanks.social) if link is not None]
    texts = [form.title, form.button, form.intro, form.thanks.next, form.thanks.offer_says]
    texts += [each.text for each in form.consents]
    texts += [text for link in links for text in (link.label, link.address)]
    texts += [text for each in form.fields for text in (each.label, each.hint, *each.options, *each.means_no)]
    if not form.title.strip() or not form.button.strip() or not form.thanks.next.strip():
        raise BadForm("A form needs a title, words on its button, and a sentence on what happens next.")
    if any(len(text) > LONGEST for text in texts):
        raise BadForm(f"One of the texts is longer than {LONGEST} characters.")
    if any(_UNPRINTABLE.search(text) for text in texts):
        raise BadForm("One of the texts has a character that nobody can see or keep.")
    if len(form.fields) > MOST_FIELDS or any(len(each.options) > MOST_FIELDS for each in form.fields):
        raise BadForm(
            f"A form asks at most {MOST_FIELDS} questions, with at most {MOST_FIELDS} answers to choose from."
        )
    if not 0 <= form.at_once <= MOST_FIELDS:
        raise BadForm("How many questions stand on the page at once is a number from 0 to 50.")


def _check(each: Field, names: list[str]) -> None:
    if not _NAME.match(each.name) or each.name == TRAP or _UNSEEN.match(each.name):
        raise BadForm(f"{each.name[:40]!r} cannot be a field's name: use a-z, 0-9 and _.")
    if names.count(each.name) > 1:
        raise BadForm(f"Two fields are called {each.name}.")
    if not each.label.strip():
        raise BadForm(f"The question {each.name} has no words.")
    if each.kind == "email" and each.is_progressive:
        raise BadForm("The e-mail address is asked of everybody: by it we know who answers.")
    if each.means and each.means not in MEANINGS:
        raise BadForm(f"{each.name} means {each.means[:40]!r}: choose one of {', '.join(MEANINGS)}.")
    if each.kind == "select" and not each.options:
        raise BadForm(f"{each.name} is a choice without anything to choose from.")


def _check_consents(consents: tuple[Consent, ...], fields: list[str]) -> None:
    if len(consents) > MOST_CONSENTS:
        raise BadForm(f"A form asks for at most {MOST_CONSENTS} consents.")
    names = [each.name for each in consents]
    for each in consents:
        if not _NAME.match(each.name) or each.name == TRAP or _UNSEEN.match(each.name):
            raise BadForm(f"{each.name[:40]!r} cannot be a consent's name: use a-z, 0-9 and _.")
        if names.count(each.name) > 1 or each.name in fields:
            raise BadForm(f"Two boxes or fields are called {each.name}.")
        if not each.text.strip():
            raise BadForm("A consent without words agrees to nothing.")
        if each.purpose not in PURPOSES:
            raise BadForm(f"A consent is for {each.purpose[:40]!r}: choose one of {', '.join(PURPOSES)}.")


def asked(form: Definition, known: Collection[str]) -> tuple[Field, ...]:
    """The questions that stand on the page for somebody of whom we know the answers named in `known`."""
    left = form.at_once
    chosen = []
    for each in form.fields:
        if each.is_progressive:
            if each.name in known or left <= 0:
                continue
            left -= 1
        chosen.append(each)
    return tuple(chosen)


def canonical(form: Definition) -> str:
    """The definition as text, to be kept and compared."""
    return json.dumps(msgspec.to_builtins(form), sort_keys=True, ensure_ascii=False)


def is_slug(text: str) -> bool:
    """Whether a form can have this address."""
    return bool(_SLUG.match(text))


assert set(FORM_KINDS) <= {code for code, kind in KINDS.items() if "publishable" in kind.doors}
