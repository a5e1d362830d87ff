"""Webhooks: the address that programs tell, and the pages that say what their messages mean."""

import contextlib
import re
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from rung.access.actions import Refused
from rung.capture.imports.timing import place_of
from rung.capture.inbound_mail import letters, mailbox
from rung.capture.models import HookMessage, Webhook
from rung.capture.webhooks import hook_guessing, hook_mapping, hooking, signing
from rung.capture.webhooks.hook_mapping import BadMapping, NotMapped
from rung.capture.webhooks.hook_templates import TEMPLATES
from rung.jobs.clock import now as this_instant
from rung.terms.kinds import KINDS
from rung.ui import words
from rung.web import shell
from rung.web.asked import who_may, whole_number
from rung.web.limits import Limit, caller

TOLD: Final = Limit("webhook", 6_000)
"""Messages of one webhook in a quarter of an hour."""
GUESSED: Final = Limit("webhook-guess", 100)
"""Addresses that are none, asked from one place."""


@csrf_exempt  # a program tells it, with a secret address and without a session
@login_not_required
@require_POST
def told(request: HttpRequest, token: str) -> HttpResponse:
    """POST w/<token>: takes a message in. 200 once it is kept, also when the mapping refuses it: it can be replayed."""
    ip = caller(request)
    if GUESSED.is_reached(ip):
        return JsonResponse({"error": "too many"}, status=429)
    webhook = hooking.webhook_at(token[:100])
    if webhook is None:
        GUESSED.count(ip)
        raise Http404
    if TOLD.is_reached(webhook.name):
        return _later()
    TOLD.count(webhook.name)
    is_mail = request.META.get("CONTENT_TYPE", "").startswith(mailbox.MIME)
    most = letters.LARGEST if is_mail else hook_mapping.LARGEST
    if int(request.META.get("CONTENT_LENGTH") or 0) > most:
        return JsonResponse({"error": f"larger than {most // 1024} KB"}, status=413)
    try:
        proof = signing.proof(webhook.secret, request.body)
    except signing.Unproven as why:
        return JsonResponse({"error": str(why)}, status=422)
    if proof is not None:
        return JsonResponse(proof)
    if webhook.secret and not signing.is_signed(webhook.secret, request.headers, request.body):
        return JsonResponse({"error": "not signed with the secret that was kept for this address"}, status=401)
    message = hooking.receive(
        webhook=webhook, body=request.body, content_type=request.META.get("CONTENT_TYPE", ""), at=this_instant()
    )
    return JsonResponse({"outcome": message.outcome, "events": message.events, "why": message.words})


@require_http_methods(["GET", "HEAD", "POST"])
def listed(request: HttpRequest) -> HttpResponse:
    """GET capture/webhooks: all of them. POST makes one (`name`, `template`); its address is shown once."""
    user = who_may("manage webhooks", request)
    context: dict[str, Any] = {"asked": {}}
    status = 200
    if request.method == "POST":
        # "Chatty Bot" is meant as chatty-bot: a name is written as people write names.
        name = re.sub(r"\s+", "-", request.POST.get("name", "").strip().lower())
        asked = {"name": name, "template": request.POST.get("template", "")}
        try:
            made = hooking.add_webhook(name=asked["name"], template=asked["template"], by=user, at=this_instant())
        except Refused as refusal:
            context, status = {"refusal": str(refusal), "asked": asked}, 422
        else:
            where = settings.PUBLIC_URL + reverse("webhook", args=[made.token])
            context, status = {"made": made.webhook, "where": where, "asked": {}}, 201
    hooks = list(Webhook.objects.order_by("closed_at", "name"))
    context |= {
        "hooks": [(each, each.messages.order_by("-pk").first(), _refused(each)) for each in hooks],
        "templates": [(code, said) for code, (said, _) in TEMPLATES.items()],
        "title": _title(hooks),
    }
    return shell.page(request, "web/webhooks.html", context, place="capture", status=status)


@require_GET
def shown(request: HttpRequest, name: str) -> HttpResponse:
    """GET capture/webhooks/<name>?message=n: what came, and what of it means what."""
    who_may("manage webhooks", request)
    return _page(request, _found(name))


@require_POST
def mapped(request: HttpRequest, name: str) -> HttpResponse:
    """POST capture/webhooks/<name>/mapping: reads messages so from now on; `act=try` only shows what would come."""
    user = who_may("manage webhooks", request)
    webhook = _found(name)
    told = _mapping_told(request)
    if request.POST.get("act") == "try":
        return _page(request, webhook, told)
    try:
        hooking.map_webhook(name=name, told=told, by=user, at=this_instant())
    except Refused as refusal:
        return _page(request, webhook, told, {"refusal": str(refusal)}, status=422)
    messages.info(request, "Messages are read so from now on. What was refused before can be replayed.")
    return HttpResponseRedirect(reverse("webhooks-hook", args=[name]), status=303)


@require_POST
def replays(request: HttpRequest, name: str) -> HttpResponse:
    """POST capture/webhooks/<name>/replays: reads what was refused again, one (`message`) or all."""
    user = who_may("manage webhooks", request)
    one = whole_number(request.POST.get("message", ""))
    try:
        taken, still = hooking.replay(name=name, ids=[one] if one else None, by=user, at=this_instant())
    except Refused as refusal:
        return _page(request, _found(name), None, {"refusal": str(refusal)}, status=409)
    messages.info(request, f"{taken} taken in" + (f", {still} still refused: each says why." if still else "."))
    return HttpResponseRedirect(reverse("webhooks-hook", args=[name]), status=303)


@require_POST
def pasted(request: HttpRequest, name: str) -> HttpResponse:
    """POST capture/webhooks/<name>/lists: a list of people, as text (CSV) or a file (CSV, XLSX), read by the same
    mapping."""
    who_may("manage webhooks", request)
    webhook = _found(name)
    file = request.FILES.get("file")
    body = (
        file.read(hook_mapping.LARGEST + 1) if file else request.POST.get("text", "").strip().encode("utf-8", "replace")
    )
    if not body:
        refusal = "There is nothing to read: choose a file or paste a list."
        return _page(request, webhook, None, {"refusal": refusal}, status=422)
    if len(body) > hook_mapping.LARGEST:
        refusal = f"It is larger than {hook_mapping.LARGEST // 1024} KB: bring it in on the page Imports."
        return _page(request, webhook, None, {"refusal": refusal}, status=422)
    message = hooking.receive(webhook=webhook, body=body, content_type="text/csv", at=this_instant())
    if message.outcome == "refused":
        return _page(request, webhook, None, {"refusal": message.words}, status=422)
    left_out = f" {message.words}" if message.words else ""
    messages.info(request, f"{words.count(message.events)} events were recorded.{left_out}")
    return HttpResponseRedirect(reverse("webhooks-hook", args=[name]), status=303)


@require_POST
def secret(request: HttpRequest, name: str) -> HttpResponse:
    """POST capture/webhooks/<name>/secret: with what its program signs; `away` ticked takes it away."""
    user = who_may("manage webhooks", request)
    told, at = request.POST.get("secret", ""), this_instant()
    try:
        if request.POST.get("away"):
            kept = hooking.take_secret_away(name=name, by=user, at=at)
        else:
            kept = hooking.keep_secret(name=name, secret=told, by=user, at=at)
    except Refused as refusal:
        return _page(request, _found(name), None, {"refusal": str(refusal)}, status=422)
    said = "Only messages signed with it come in from now on." if kept.secret else "Messages need no signature now."
    messages.info(request, said)
    return HttpResponseRedirect(reverse("webhooks-hook", args=[name]), status=303)


@require_POST
def closing(request: HttpRequest, name: str) -> HttpResponse:
    """POST capture/webhooks/<name>/closing: nothing comes in there any more."""
    user = who_may("manage webhooks", request)
    try:
        hooking.close_webhook(name=name, by=user, at=this_instant())
    except Refused as refusal:
        return _page(request, _found(name), None, {"refusal": str(refusal)}, status=409)
    messages.info(request, f"Whoever still tells {name} is turned away.")
    return HttpResponseRedirect(reverse("webhooks"), status=303)


def _page(
    request: HttpRequest,
    webhook: Webhook,
    told: dict[str, Any] | None = None,
    more: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    came = list(webhook.messages.order_by("-pk")[:20])
    number = whole_number(request.POST.get("message", "") or request.GET.get("message", ""))
    chosen = webhook.messages.filter(pk=number).first() if number else None
    chosen = chosen or (came[0] if came else None)
    mapping = told if told is not None else msgspec.to_builtins(hooking.mapping_of(webhook))
    is_guessed = False
    if told is None and chosen is not None and not _says_something(mapping):
        guess = _guess(chosen)
        mapping, is_guessed = {**mapping, **guess}, bool(guess)
    rows = _rows(chosen, mapping)
    context: dict[str, Any] = {
        "webhook": webhook,
        "latest": came,
        "chosen": chosen,
        "mapping": mapping,
        "is_guessed": is_guessed,
        "rows": [row for row in rows if row[2] is not None],
        "absent": [row for row in rows if row[2] is None],
        "would": _would(chosen, mapping),
        "places": hook_mapping.PLACES.items(),
        "kinds": [(code, KINDS[code].words) for code in hook_mapping.MEANT],
        "kinds_text": "\n".join(f"{value} = {kind}" for value, kind in mapping.get("kinds", {}).items()),
        "own_zone": hooking.own_zone(),
        "refused": _refused(webhook),
        "came": webhook.messages.count(),
        **(more or {}),
    }
    return shell.page(request, "web/webhook.html", context, place="capture", status=status)


def _says_something(mapping: dict[str, Any]) -> bool:
    return bool(mapping.get("data")) or any(mapping.get(place) for place in hook_mapping.PLACES)


def _guess(chosen: HookMessage) -> dict[str, Any]:
    try:
        return hook_guessing.guessed(hook_mapping.leaves(hook_mapping.read(bytes(chosen.body), chosen.content_type)))
    except NotMapped:
        return {}


def _rows(chosen: HookMessage | None, mapping: dict[str, Any]) -> list[tuple[int, str, str | None, str, str]]:
    """(number, place, what stands there, what it is, the detail's name); places of the mapping that are missing too, at
    which None stands."""
    found: list[tuple[str, str | None]] = []
    if chosen is not None:
        with contextlib.suppress(NotMapped):
            read = hook_mapping.read(bytes(chosen.body), chosen.content_type)
            found += hook_mapping.leaves(read, mapping.get("each", ""))
    there = {pointer for pointer, _ in found}
    pointers = hook_mapping.pointers
    named = {pointer: place for place in hook_mapping.PLACES for pointer in pointers(mapping.get(place, ""))}
    details = {pointer: field for field, places in mapping.get("data", {}).items() for pointer in pointers(places)}
    found += [(pointer, None) for pointer in [*named, *details] if pointer not in there]
    return [
        (
            number,
            pointer,
            value if value is None else value.encode("utf-8", "replace").decode().replace("\0", "␀"),
            named.get(pointer, "data" if pointer in details else ""),
            details.get(pointer, ""),
        )
        for number, (pointer, value) in enumerate(found)
    ]


def _would(chosen: HookMessage | None, mapping: dict[str, Any]) -> dict[str, Any]:
    """What the message would bring under the mapping, or why not."""
    if chosen is None:
        return {}
    if chosen.content_type.startswith(mailbox.MIME):
        return {"fault": "It is a mail: those are read by themselves, whatever the mapping says."}
    try:
        read = hook_mapping.read(bytes(chosen.body), chosen.content_type)
        meaning = hook_mapping.mapping_of(mapping)
        events, left_out = hook_mapping.meant(read, meaning, zone=hooking.own_zone())
    except (NotMapped, BadMapping) as fault:
        return {"fault": str(fault)}
    return {
        "events": [(KINDS[each.kind].words, each, _when(each.at, meaning.zone)) for each in events[:20]],
        "number": len(events),
        "left_out": left_out[:20],
    }


def _when(at: int | None, zone: str) -> str:
    """The time as it was read, in the zone in which it was."""
    zone = zone or hooking.own_zone()
    return f"{words.exact(at, ZoneInfo(zone))} {place_of(zone)}" if at is not None else ""


def _mapping_told(request: HttpRequest) -> dict[str, Any]:
    """The mapping as the page tells it: of each place what it is."""
    mapping: dict[str, Any] = {
        "kind": request.POST.get("kind", ""),
        "data": {},
        "kinds": {},
        "zone": _line(request, "zone"),
    }
    for number in range(min(hook_mapping.MOST_LEAVES + 60, len(request.POST))):
        pointer, is_ = _line(request, f"place.{number}"), _line(request, f"is.{number}")
        if is_ in hook_mapping.PLACES:
            mapping[is_] = (*mapping.get(is_, ()), pointer)
        elif is_ == "data":
            name = (_line(request, f"field.{number}") or pointer.rpartition("/")[2])[:100]
            mapping["data"][name] = (*mapping["data"].get(name, ()), pointer)
    for line in request.POST.get("kinds", "").replace("\0", "").splitlines()[:50]:
        value, _, kind = line.rpartition("=")
        if value.strip():
            mapping["kinds"][value.strip()] = kind.strip()
    return mapping


def _line(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\0", "").strip()


def _title(hooks: list[Webhook]) -> str:
    live = [each for each in hooks if each.closed_at is None]
    return f"{words.count(len(live))} programs tell us what people do" if len(live) > 1 else (
        f"{live[0].name} tells us what people do" if live else "No program tells us anything yet"
    )  # fmt: skip


def _refused(webhook: Webhook) -> int:
    return webhook.messages.filter(outcome="refused").count()


def _later() -> HttpResponse:
    answer = JsonResponse({"error": "too many messages: come back later"}, status=429)
    answer["Retry-After"] = "60"
    return answer


def _found(name: str) -> Webhook:
    found = Webhook.objects.filter(name=name).first()
    if found is None:
        raise Http404
    return found
