"""Forms are made, changed, published and taken back; every version stays."""

import json
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Max, Sum

from rung.access.actions import By, Refused, audited, name_of, require
from rung.capture.forms import definitions as forms
from rung.capture.forms.definitions import BadForm, Definition
from rung.capture.models import Form, FormConsent, FormSubmission, FormVersion, FormViews
from rung.history.models import Event
from rung.people import queries
from rung.people.models import Person


def save_form(*, slug: str, told: object, by: By, at: int) -> Form:
    """Keeps a form under its address as a new version, which the public sees once it is published.

    Nothing changes when it says what the last version said. Raises Refused for what cannot be a form.
    """
    require(by, "manage forms")
    if not forms.is_slug(slug):
        raise Refused(f"{slug[:60]!r} cannot be a form's address: use a-z, 0-9 and dashes.")
    try:
        definition = forms.definition_of(told)
    except BadForm as fault:
        raise Refused(str(fault)) from None
    text = forms.canonical(definition)
    with transaction.atomic():
        form = Form.objects.select_for_update().filter(slug=slug).first()
        if form is not None and form.definition == text:
            return form
        if form is None:
            form = Form(slug=slug, created_at=at, version=0)
        form.version += 1
        form.definition, form.changed_at, form.changed_by = text, at, name_of(by)
        form.save()
        FormVersion.objects.create(
            form=form, number=form.version, definition=text, saved_at=at, saved_by=form.changed_by
        )
        said = {"title": definition.title, "version": form.version}
        audited(by=by, verb="saved form", object=f"form {slug}", data=said, at=at)
    return form


def new_form(*, slug: str, told: object, by: By, at: int) -> Form:
    """As `save_form`, for an address that nobody has yet."""
    require(by, "manage forms")
    with transaction.atomic():
        if forms.is_slug(slug) and Form.objects.filter(slug=slug).exists():
            raise Refused(f"There is a form at /f/{slug} already: choose another address, or change that one.")
        return save_form(slug=slug, told=told, by=by, at=at)


def publish_form(*, slug: str, number: int, by: By, at: int) -> Form:
    """From now on the public sees this version."""
    require(by, "manage forms")
    with transaction.atomic():
        form = _locked(slug)
        if not form.versions.filter(number=number).exists():
            raise Refused(f"There is no version {number} of this form.")
        if form.published == number:
            raise Refused(f"Version {number} is what the public sees already.")
        form.published = number
        form.save(update_fields=["published"])
        audited(by=by, verb="published form", object=f"form {slug}", data={"version": number}, at=at)
    return form


def withdraw_form(*, slug: str, by: By, at: int) -> Form:
    """Nobody sees the form any more; its answers and versions stay."""
    require(by, "manage forms")
    with transaction.atomic():
        form = _locked(slug)
        if form.published is None:
            raise Refused("Nobody sees this form: it is not published.")
        was, form.published = form.published, None
        form.save(update_fields=["published"])
        audited(by=by, verb="withdrew form", object=f"form {slug}", data={"version": was}, at=at)
    return form


def definition_of(form: Form) -> Definition:
    """What the form asks as it was saved last."""
    return forms.definition_of(json.loads(form.definition))


def published_definition(form: Form) -> Definition | None:
    """What the public is asked; None while it is not published."""
    if form.published == form.version:
        return definition_of(form)
    row = form.versions.filter(number=form.published).first() if form.published else None
    return forms.definition_of(json.loads(row.definition)) if row else None


@dataclass(frozen=True, slots=True)
class Figures:
    """How a form does. `share` of the views that were answered, 0 to 1; None without a view."""

    views: int
    submissions: int
    last_at: int | None

    @property
    def share(self) -> float | None:
        return min(1.0, self.submissions / self.views) if self.views else None


def figures(*, since: int = 0) -> dict[int, Figures]:
    """Form id → its figures."""
    counted = FormSubmission.objects.filter(submitted_at__gte=since).values("form_id")
    sent = {row["form_id"]: row for row in counted.annotate(sent=Count("pk"), last=Max("submitted_at")).order_by()}
    seen = FormViews.objects.filter(day_at__gte=since).values("form_id").annotate(seen=Sum("number")).order_by()
    views = {row["form_id"]: row["seen"] for row in seen}
    return {
        form_id: Figures(views.get(form_id, 0), sent.get(form_id, {}).get("sent", 0), sent.get(form_id, {}).get("last"))
        for form_id in set(views) | set(sent)
    }


@dataclass(frozen=True, slots=True)
class ConsentText:
    """One text of a form's consents: `first` the version that brought it, `proofs` how many agreed to it."""

    version: str
    purpose: str
    text: str
    first: int
    proofs: int
    unconfirmed: int


def consent_texts(form: Form) -> list[ConsentText]:
    """Every consent text that this form ever had, the latest first, with those who agreed to each."""
    texts: dict[tuple[str, str], tuple[str, int]] = {}
    for row in form.versions.order_by("number"):
        for each in forms.definition_of(json.loads(row.definition)).consents:
            texts.setdefault((each.purpose, each.version), (each.text, row.number))
    agreed = FormConsent.objects.filter(submission__form=form).values_list("purpose", "version").order_by()
    proofs = {row[:2]: row[2] for row in agreed.filter(confirmed_at__isnull=False).annotate(n=Count("pk"))}
    waiting = {row[:2]: row[2] for row in agreed.filter(confirmed_at=None).annotate(n=Count("pk"))}
    found = [
        ConsentText(
            version, purpose, text, first, proofs.get((purpose, version), 0), waiting.get((purpose, version), 0)
        )
        for (purpose, version), (text, first) in texts.items()
    ]
    return sorted(found, key=lambda each: -each.first)


def latest(form: Form, limit: int = 10) -> list[tuple[FormSubmission, Person | None]]:
    """The latest answers with whose they are, the newest first; None where the person is gone.

    With each what was agreed to (`consents`).
    """
    rows = list(form.submissions.order_by("-submitted_at", "-pk").prefetch_related("consents")[:limit])
    told = Event.objects.filter(source=f"form:{form.slug}", message_id__in=[row.message_id for row in rows])
    owners = dict(told.values_list("message_id", "person_id"))
    living = queries.living_ids([id_ for id_ in owners.values() if id_ is not None])
    people = queries.people_by_id(set(living.values()))
    return [(row, people.get(living.get(owners.get(row.message_id) or 0, 0))) for row in rows]


def _locked(slug: str) -> Form:
    form = Form.objects.select_for_update().filter(slug=slug).first()
    if form is None:
        raise Refused(f"There is no form at /f/{slug[:60]}.")
    return form
