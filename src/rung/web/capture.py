"""Capture: the snippet to copy, the keys, what arrives, and what was refused and why."""

import json
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from rung.access import keys
from rung.access.actions import Refused
from rung.access.models import ApiKey
from rung.capture import queries, refusals, snippet
from rung.capture.messages import REASONS
from rung.capture.models import RefusedEvent
from rung.jobs.clock import now as this_instant
from rung.ui import words
from rung.ui.tables import address
from rung.web import shell
from rung.web.asked import who_may, whole_number
from rung.web.links import person_href

LONGEST_SHOWN: Final = 4_000
"""Characters of a refused message on the page."""


@dataclass(frozen=True, slots=True)
class Line:
    """One refused message as the page shows it."""

    row: RefusedEvent
    body: str
    source: str
    label: str


@require_GET
def capture(request: HttpRequest) -> HttpResponse:
    """GET capture?reason=…&before=…: the page; `reason` narrows what was refused."""
    return _page(request)


@require_GET
def feed(request: HttpRequest) -> HttpResponse:
    """GET capture/feed: the part that renews itself."""
    who_may("see capture", request)
    return render(request, "web/_capture_feed.html", {**_arrived(), "now": this_instant()})


@require_POST
def make_key(request: HttpRequest) -> HttpResponse:
    """POST capture/keys: a new key, shown once in the answer."""
    user = who_may("manage keys", request)
    name, kind = request.POST.get("name", ""), request.POST.get("kind", "")
    try:
        made = keys.add_key(name=name, kind=kind, by=user, at=this_instant())
    except Refused as refusal:
        return _page(request, {"refusal": str(refusal), "name": name, "kind": kind}, status=422)
    return _page(request, {"made": made}, status=201)


@require_POST
def revoke_key(request: HttpRequest, key_id: int) -> HttpResponse:
    """POST capture/keys/<id>/revocation: nothing comes in with it any more."""
    user = who_may("manage keys", request)
    try:
        key = keys.revoke_key(key_id=key_id, by=user, at=this_instant())
    except Refused as refusal:
        return _page(request, {"refusal": str(refusal)}, status=409)
    messages.info(request, f"Whoever still uses {key.name} with that key is turned away from now on.")
    return HttpResponseRedirect(reverse("capture"), status=303)


@require_POST
def replay(request: HttpRequest) -> HttpResponse:
    """POST capture/replays: takes in what was refused, one (`refused`) or all of a reason."""
    user = who_may("replay events", request)
    chosen = request.POST.get("refused", "")
    reason = request.POST.get("reason", "")
    if chosen:
        one = whole_number(chosen)
        ids = [] if one is None else [one]
    else:
        found = queries.refused(reason=reason if reason in REASONS else "")
        ids = list(found.values_list("pk", flat=True)[: refusals.MOST])
    try:
        told = refusals.replay(ids=ids, by=user, at=this_instant())
    except Refused as refusal:
        return _page(request, {"refusal": str(refusal)}, status=409)
    messages.info(request, _said_of(told))
    return HttpResponseRedirect(address(reverse("capture"), reason=reason) + "#refused", status=303)


def _page(request: HttpRequest, more: dict[str, Any] | None = None, *, status: int = 200) -> HttpResponse:
    user = who_may("see capture", request)
    at = this_instant()
    reason = request.GET.get("reason", "") or request.POST.get("reason", "")
    reason = reason if reason in REASONS else ""
    before = whole_number(request.GET.get("before", ""))
    rows = queries.refused(reason=reason)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    shown = list(rows[: queries.A_PAGE + 1])
    lines = [_line(row) for row in shown[: queries.A_PAGE]]
    here = reverse("capture")
    reasons = queries.reasons()
    all_keys = list(keys.all_keys())
    live = [key for key in all_keys if key.revoked_at is None]
    context: dict[str, Any] = {
        **_arrived(),
        "keys": _with_traffic(live, at),
        "revoked": [key for key in all_keys if key.revoked_at is not None][:20],
        "tag": next((_tag(key) for key in live if key.kind == "publishable"), ""),
        "lines": lines,
        "older": address(here, reason=reason, before=str(lines[-1].row.pk)) if len(shown) > len(lines) else "",
        "reason": reason,
        "reason_said": REASONS.get(reason, ""),
        "tabs": [
            {"label": "All", "href": here + "#refused", "is_current": not reason, "count": sum(n for *_, n in reasons)},
            *(
                {"label": _label(code), "href": address(here, reason=code) + "#refused", "tip": said,
                 "is_current": code == reason, "count": number}
                for code, said, number in reasons
            ),
        ],
        "may_manage": user.may("manage keys"),
        "may_replay": user.may("replay events"),
        "kind": "publishable",
        "public_url": settings.PUBLIC_URL,
        **(more or {}),
    }  # fmt: skip
    return shell.page(request, "web/capture.html", context, place="capture", status=status)


def _arrived() -> dict[str, Any]:
    """The part that renews itself, and the sentence that goes with it."""
    at = this_instant()
    today = queries.counts(since=at - queries.DAY_AND_NIGHT)
    waiting = queries.waiting()
    return {
        "title": _title(today, *queries.by_other_doors(since=at - queries.DAY_AND_NIGHT)),
        "counts": today,
        "ever": queries.counts(since=0),
        "waiting": waiting,
        "feed": [(each, person_href(each.person_uuid) if each.person_uuid else "") for each in queries.feed()],
    }


def _title(today: queries.Counts, forms: int, messages: int) -> str:
    told = [
        (forms, "1 form was filled", "forms were filled"),
        (messages, "1 message came to webhooks", "messages came to webhooks"),
    ]
    others = ", ".join(one if number == 1 else f"{words.count(number)} {many}" for number, one, many in told if number)
    if not today.received:
        return f"{others or 'Nothing has come in'} during the last 24 hours"
    came = "1 event has" if today.received == 1 else f"{words.count(today.received)} events have"
    refused = "none was refused" if not today.refused else f"{words.count(today.refused)} refused"
    return f"{came} come in during the last 24 hours, {refused}{'; ' if others else ''}{others}"


def _said_of(told: refusals.Replayed) -> str:
    parts = [f"{words.count(told.accepted)} taken in"]
    if told.duplicates:
        parts.append(f"{words.count(told.duplicates)} were there already")
    if told.refused:
        parts.append(f"{words.count(told.refused)} still refused: each says why")
    return ", ".join(parts) + "."


def _with_traffic(live: list[ApiKey], at: int) -> list[tuple[ApiKey, int]]:
    told = queries.counts_of_sources(since=at - queries.DAY_AND_NIGHT)
    return [(key, told.get(key.source, 0)) for key in live]


def _tag(key: ApiKey) -> str:
    return snippet.script_tag(key.shown, settings.PUBLIC_URL)


def _line(row: RefusedEvent) -> Line:
    body = bytes(row.body)
    try:
        text = json.dumps(json.loads(body), indent=1, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "replace")
    text = text.encode("utf-8", "replace").decode()
    shown = text[:LONGEST_SHOWN] + (" …" if len(text) > LONGEST_SHOWN else "")
    return Line(row, shown.replace("\0", "␀"), row.source.removeprefix("key:") or "no key", _label(row.reason))


def _label(reason: str) -> str:
    return reason.replace("_", " ")
