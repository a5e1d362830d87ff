"""Forms in the app: the list with what each brings, and the editor with its preview, versions and ways to embed."""

import json
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import escape
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from rung.access import keys
from rung.access.actions import Refused
from rung.access.queries import firm_name
from rung.capture.collector import snippet
from rung.capture.forms import building, promising
from rung.capture.forms import definitions as forms
from rung.capture.models import Form
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.ui import words
from rung.web import form_editor, shell
from rung.web.asked import who_may, whole_number
from rung.web.form_starts import STARTS
from rung.web.links import person_href


@require_http_methods(["GET", "HEAD", "POST"])
def listed(request: HttpRequest) -> HttpResponse:
    """GET forms: all forms with what they bring. POST makes a new one (`title`, `slug`, `start`)."""
    user = who_may("manage forms", request)
    if request.method != "POST":
        return _list(request)
    title, start = " ".join(request.POST.get("title", "").split()), request.POST.get("start", "")
    slug = request.POST.get("slug", "").strip() or form_editor.slug_of(title)
    told = {**STARTS.get(start, STARTS["contact"])[1], "title": title}
    try:
        form = building.new_form(slug=slug, told=told, by=user, at=this_instant())
    except Refused as refusal:
        context = {"refusal": str(refusal), "asked": {"title": title, "slug": slug, "start": start}}
        return _list(request, context, status=422)
    messages.info(request, "Nobody sees it yet: change what you like, then publish it.")
    return HttpResponseRedirect(reverse("forms-form", args=[form.slug]), status=303)


@require_GET
def edited(request: HttpRequest, slug: str) -> HttpResponse:
    """GET forms/<slug>?version=n: the editor, with the last version or an earlier one in it."""
    who_may("manage forms", request)
    form = _form(slug)
    number = whole_number(request.GET.get("version", ""), digits=8)
    definition = building.definition_of(form)
    if number is not None:
        row = form.versions.filter(number=number).first()
        if row is not None:
            definition = forms.definition_of(json.loads(row.definition))
    return _editor(request, form, form_editor.texts_of(definition), form_editor.rows_of(definition))


@require_POST
def saved(request: HttpRequest, slug: str) -> HttpResponse:
    """POST forms/<slug>/versions: keeps what the editor says; `act` = up, down, remove, add only changes the editor,
    and `publish` also lets the public see it."""
    user = who_may("manage forms", request)
    form = _form(slug)
    texts, rows, act = _texts(request), _rows(request), request.POST.get("act", "")
    if act not in ("", "save", "publish"):
        return _editor(request, form, texts, form_editor.acted(rows, act))
    at = this_instant()
    try:
        form = building.save_form(slug=slug, told=form_editor.told_of(texts, rows), by=user, at=at)
        if act == "publish" and form.published != form.version:
            form = building.publish_form(slug=slug, number=form.version, by=user, at=at)
    except Refused as refusal:
        return _editor(request, form, texts, rows, {"refusal": str(refusal)}, status=422)
    seen = form.published == form.version
    said = "the public sees it" if seen else "the public does not see it before it is published"
    messages.info(request, f"Version {form.version} is kept; {said}.")
    return HttpResponseRedirect(reverse("forms-form", args=[slug]), status=303)


@require_POST
def previewed(request: HttpRequest) -> HttpResponse:
    """POST form-preview: how the form would look, as the editor says it now; writes nothing."""
    who_may("manage forms", request)
    return render(request, "web/_form_preview.html", _preview(form_editor.told_of(_texts(request), _rows(request))))


@require_POST
def publication(request: HttpRequest, slug: str) -> HttpResponse:
    """POST forms/<slug>/publication: the public sees version `number` from now on."""
    user = who_may("manage forms", request)
    number = whole_number(request.POST.get("number", ""), digits=8)
    if number is None:
        return _refused(request, slug, "Say which version.")
    try:
        building.publish_form(slug=slug, number=number, by=user, at=this_instant())
    except Refused as refusal:
        return _refused(request, slug, str(refusal))
    messages.info(request, f"The public sees version {number} at /f/{slug}.")
    return HttpResponseRedirect(reverse("forms-form", args=[slug]), status=303)


@require_POST
def withdrawal(request: HttpRequest, slug: str) -> HttpResponse:
    """POST forms/<slug>/withdrawal: nobody sees it any more."""
    user = who_may("manage forms", request)
    try:
        building.withdraw_form(slug=slug, by=user, at=this_instant())
    except Refused as refusal:
        return _refused(request, slug, str(refusal))
    messages.info(request, f"Nobody sees /f/{slug} any more. Its answers stay.")
    return HttpResponseRedirect(reverse("forms-form", args=[slug]), status=303)


def _list(request: HttpRequest, more: dict[str, Any] | None = None, *, status: int = 200) -> HttpResponse:
    figures = building.figures()
    lines = [
        (form, building.definition_of(form), figures.get(form.pk, building.Figures(0, 0, None)))
        for form in Form.objects.order_by("slug")
    ]
    lines.sort(key=lambda line: -(line[2].last_at or 0))
    context: dict[str, Any] = {
        "title": _title(lines),
        "lines": [(form, told, each, words.number(100 * each.share) if each.share is not None else "")
                  for form, told, each in lines],
        "starts": [(code, said) for code, (said, _) in STARTS.items()],
        "asked": {"start": "demo"},
        **(more or {}),
    }  # fmt: skip
    return shell.page(request, "web/forms.html", context, place="forms", status=status)


def _title(lines: list[tuple[Form, forms.Definition, building.Figures]]) -> str:
    if not lines:
        return "There is no form yet"
    sent = sum(each.submissions for *_, each in lines)
    if not sent:
        return "No form has been filled yet"
    best = max(lines, key=lambda line: line[2].submissions)
    return f"{words.count(sent)} forms were filled, most of them “{best[1].title}” ({words.count(best[2].submissions)})"


def _editor(
    request: HttpRequest,
    form: Form,
    texts: dict[str, Any],
    rows: list[form_editor.Row],
    more: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    figures = building.figures().get(form.pk, building.Figures(0, 0, None))
    hosted = f"{settings.PUBLIC_URL}/f/{form.slug}"
    key = next((key for key in keys.all_keys() if key.kind == "publishable" and key.revoked_at is None), None)
    context: dict[str, Any] = {
        "form": form,
        "texts": texts,
        "rows": rows,
        "blank": form_editor.Row("KEY", "", ""),
        "kinds": form_editor.KINDS.items(),
        "meanings": [(group, choices.items()) for group, choices in form_editor.MEANINGS],
        "form_kinds": form_editor.FORM_KINDS.items(),
        "consent_rows": form_editor.consents_told(texts),
        "purposes": forms.PURPOSES.items(),
        "preview": _preview(form_editor.told_of(texts, rows)),
        "versions": form.versions.order_by("-number")[:50],
        "latest": [
            (row, person, person_href(str(person.uuid)) if person else "") for row, person in building.latest(form)
        ],
        "consents": [(each, forms.PURPOSES.get(each.purpose, "")) for each in building.consent_texts(form)],
        "figures": figures,
        "share": words.number(100 * figures.share) if figures.share is not None else "",
        "hosted": hosted,
        "public_name": firm_name(),
        "frame": f'<iframe src="{hosted}?embed=1" title="{form.slug}" width="100%" height="640"></iframe>',
        "place": f'<div data-rung-embed="{form.slug}"><a href="{hosted}">{escape(texts["title"])}</a></div>',
        "script": snippet.script_tag(key.shown, settings.PUBLIC_URL) if key else "",
        "sample": _sample(form_editor.told_of(texts, rows)),
        **(more or {}),
    }
    return shell.page(request, "web/form_edit.html", context, place="forms", status=status)


def _sample(told: dict[str, Any]) -> str:
    """What a program sends: every question and every box."""
    answers = {each["name"]: "…" for each in told["fields"]}
    return json.dumps({**answers, **{each["name"]: True for each in told["consents"]}}, indent=1, ensure_ascii=False)


def _preview(told: dict[str, Any]) -> dict[str, Any]:
    try:
        definition = forms.definition_of(told)
    except forms.BadForm as fault:
        return {"fault": str(fault)}
    asked = forms.asked(definition, ())
    return {
        "form": definition,
        "fields": [(each, "", "") for each in asked],
        "boxes": [(each, False, "") for each in definition.consents],
        "later": [each for each in definition.fields if each not in asked],
        "thanks": definition.thanks,
        "by_when": promising.said(definition, published.playbook(), this_instant()),
    }


def _texts(request: HttpRequest) -> dict[str, Any]:
    return {name: request.POST.get(name, "").replace("\0", "") for name in list(request.POST)[:1_000]}


def _rows(request: HttpRequest) -> list[form_editor.Row]:
    return form_editor.rows_told(_texts(request), request.POST.getlist("row"))


def _refused(request: HttpRequest, slug: str, said: str) -> HttpResponse:
    form = _form(slug)
    definition = building.definition_of(form)
    rows = form_editor.rows_of(definition)
    return _editor(request, form, form_editor.texts_of(definition), rows, {"refusal": said}, status=409)


def _form(slug: str) -> Form:
    found = Form.objects.filter(slug=slug).first()
    if found is None:
        raise Http404
    return found
