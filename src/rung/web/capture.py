"""Capture: the snippet to copy, the keys, what arrives, and what was refused and why."""

import dataclasses
import json
import re
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
from rung.capture import queries
from rung.capture.collector import refusals, snippet
from rung.capture.collector.messages import REASONS, UNREADABLE
from rung.capture.collector.submission import storable
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
    """One refused message as the page shows it; what nobody can ever read is not offered for replay."""

    row: RefusedEvent
    body: str
    source: str
    label: str
    may_help: bool


@require_GET
def capture(request: HttpRequest) -> HttpResponse:
    """GET capture?reason=…&source=…&before=…: the page; reason and source narrow what was refused."""
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
    kind = request.POST.get("kind", "")
    # "Web site" is meant as web-site: a name is written as people write names.
    name = re.sub(r"\s+", "-", request.POST.get("name", "").strip().lower())
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
    reason, source = request.POST.get("reason", ""), storable(request.POST.get("source", ""))
    if chosen:
        one = whole_number(chosen)
        ids = [] if one is None else [one]
    else:
        found = queries.refused(reason=reason if reason in REASONS else "", source=source or None)
        ids = list(found.values_list("pk", flat=True)[: refusals.MOST])
    try:
        told = refusals.replay(ids=ids, by=user, at=this_instant())
    except Refused as refusal:
        return _page(request, {"refusal": str(refusal)}, status=409)
    messages.info(request, _said_of(told))
    return HttpResponseRedirect(address(reverse("capture"), reason=reason, source=source) + "#refused", status=303)


def _page(request: HttpRequest, more: dict[str, Any] | None = None, *, status: int = 200) -> HttpResponse:
    user = who_may("see capture", request)
    at = this_instant()
    reason = request.GET.get("reason", "") or request.POST.get("reason", "")
    reason = reason if reason in REASONS else ""
    source = storable(request.GET.get("source", "") or request.POST.get("source", ""))
    before = whole_number(request.GET.get("before", ""))
    rows = queries.refused(reason=reason, source=source or None)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    shown = list(rows[: queries.A_PAGE + 1])
    lines = [_line(row) for row in shown[: queries.A_PAGE]]
    all_keys = list(keys.all_keys())
    live = [key for key in all_keys if key.revoked_at is None]
    older = str(lines[-1].row.pk) if len(shown) > len(lines) else ""
    context: dict[str, Any] = {
        **_arrived(),
        **_typed(live, (more or {}).get("made")),
        "keys": _with_traffic(live, at),
        "revoked": [key for key in all_keys if key.revoked_at is not None][:20],
        "lines": lines,
        "older": older and address(reverse("capture"), reason=reason, source=source, before=older),
        "reason": reason,
        "source": source,
        "source_said": _from(source) if source else "",
        "reason_said": REASONS.get(reason, ""),
        "tabs": _reasons(reason, source),
        "may_manage": user.may("manage keys"),
        "may_replay": user.may("replay events"),
        "kind": "publishable",
        "public_url": settings.PUBLIC_URL,
        **(more or {}),
    }  # fmt: skip
    return shell.page(request, "web/capture.html", context, place="capture", status=status)


def _reasons(reason: str, source: str) -> list[dict[str, Any]]:
    """The tabs above what was refused."""
    found = queries.reasons(source=source or None)
    here = reverse("capture")
    every = {"label": "All", "href": address(here, source=source) + "#refused", "is_current": not reason}
    return [
        {**every, "count": sum(number for *_, number in found)},
        *(
            {
                "label": _label(code),
                "href": address(here, reason=code, source=source) + "#refused",
                "tip": said,
                "is_current": code == reason,
                "count": number,
            }
            for code, said, number in found
        ),
    ]


def _typed(live: list[ApiKey], made: keys.MadeKey | None) -> dict[str, Any]:
    """What goes into pages and programs, with the keys in place; a secret one only while it is shown at all."""
    publishable = next((key.shown for key in live if key.kind == "publishable"), "")
    secret = made.text if made is not None and made.key.kind == "secret" else ""
    url = settings.PUBLIC_URL
    return {
        "tag": publishable and snippet.script_tag(publishable, url),
        "clients": snippet.clients(publishable or "rung_pub_…", secret or "rung_sec_…", url),
    }


def _arrived() -> dict[str, Any]:
    """The part that renews itself, and the sentence that goes with it."""
    at = this_instant()
    today = queries.counts(since=at - queries.DAY_AND_NIGHT)
    waiting = queries.waiting()
    return {
        "title": _title(today, *queries.by_other_doors(since=at - queries.DAY_AND_NIGHT)),
        "counts": _exact(today),
        "refused_today": today.refused,
        "ever": _exact(queries.counts(since=0)),
        "waiting": waiting,
        "feed": [(each, person_href(each.person_uuid) if each.person_uuid else "") for each in queries.feed()],
    }


def _exact(told: queries.Counts) -> dict[str, str]:
    """To the last one: "10,000+ = 10,000+ + 130" is no sum."""
    return {name: f"{number:,}" for name, number in dataclasses.asdict(told).items()}


def _title(today: queries.Counts, forms: int, messages: int) -> str:
    told = [
        (forms, "1 form was filled", "forms were filled"),
        (messages, "1 message came to webhooks", "messages came to webhooks"),
    ]
    others = ", ".join(one if number == 1 else f"{words.count(number)} {many}" for number, one, many in told if number)
    if not today.received:
        return f"{others or 'Nothing has come in'} during the last 24 hours"
    came = "1 event has" if today.received == 1 else f"{today.received:,} events have"
    refused = "none was refused" if not today.refused else f"{today.refused:,} refused"
    return f"{came} come in during the last 24 hours, {refused}{'; ' if others else ''}{others}"


def _said_of(told: refusals.Replayed) -> str:
    parts = [f"{words.count(told.accepted)} taken in"]
    if told.duplicates:
        parts.append(f"{words.count(told.duplicates)} were there already")
    if told.refused:
        parts.append(f"{words.count(told.refused)} still refused: each says why")
    return ", ".join(parts) + "."


def _with_traffic(live: list[ApiKey], at: int) -> list[dict[str, Any]]:
    told = queries.counts_of_sources(since=at - queries.DAY_AND_NIGHT)
    return [
        {
            "key": key,
            "received": f"{(count := told.get(key.source, (0, 0)))[0]:,}",
            "refused": f"{count[1]:,}" if count[1] else "",
            "href": address(reverse("capture"), source=key.source) + "#refused",
        }
        for key in live
    ]


def _from(source: str) -> str:
    return source.removeprefix("key:") or "no key"


def _line(row: RefusedEvent) -> Line:
    body = bytes(row.body)
    try:
        text = json.dumps(json.loads(body), indent=1, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "replace")
    text = text.encode("utf-8", "replace").decode()
    shown = text[:LONGEST_SHOWN] + (" …" if len(text) > LONGEST_SHOWN else "")
    may_help = bool(body) and row.reason not in UNREADABLE
    return Line(row, shown.replace("\0", "␀"), _from(row.source), _label(row.reason), may_help)


def _label(reason: str) -> str:
    return reason.replace("_", " ")
