"""Every door that asks for no session, as one OpenAPI 3.1 document.

The document is made of what the doors themselves work by, so that it says no more and no less than they do; a test
holds its addresses against those there are, and schemathesis its answers against what is answered.
"""

from functools import cache
from typing import Final

from django.conf import settings

import rung
from rung.capture.collector import describing
from rung.capture.collector.describing import HTML, JSON, Json, answer, either, in_path, named, only, text, thing
from rung.capture.inbound_mail import letters, mailbox
from rung.capture.models import HookMessage
from rung.capture.webhooks import hook_mapping, signing
from rung.web import forms, webhooks
from rung.web.limits import WINDOW

_MINUTES: Final = WINDOW // 60
_POSTED: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_TEXT: Final = {"type": "string"}


@cache
def document() -> Json:
    """The document, as JSON has it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rung",
            "version": rung.__version__,
            "description": "The doors by which history comes in. Nothing here reads what is in the house.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": settings.PUBLIC_URL}],
        "tags": [
            {"name": "Collector", "description": "Segment's HTTP API: what sends to Segment sends here."},
            {"name": "Forms", "description": "A form as its page and as JSON."},
            {"name": "Webhooks", "description": "A secret address at which a program tells what people did."},
            {"name": "House", "description": "Whether it is up, and this description."},
        ],
        "paths": {**describing.paths(), **_forms(), **_webhooks(), **_house()},
        "components": {
            "schemas": {**describing.schemas(), **_schemas()},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "The key as user name, no password."},
                "bearer": {"type": "http", "scheme": "bearer", "description": "The key."},
            },
        },
    }


# The doors


def _schemas() -> Json:
    proof = thing({"plainToken": _TEXT, "encryptedToken": _TEXT}, must=["plainToken", "encryptedToken"])
    return {
        "Answers": thing(
            {
                "id": text(64, 8, pattern="^[A-Za-z0-9._:-]+$", description="Your own: sent twice, it counts once."),
                **{name: text(500) for name in ("referrer", *_campaign())},
                "rung_id": {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "The snippet's visitor."},
            },
            description="An answer for each question of the form, by the question's name; of a box, true or “yes”.",
            additionalProperties={"type": ["string", "integer", "boolean", "null"]},
        ),
        "Thanked": thing({"thanks": {"type": "string", "description": "The address of the thank-you page."}},
                         must=["thanks"], additionalProperties=False),
        "Faults": thing({"errors": {"type": "object", "description": "By the question's name; empty for the whole.",
                                    "additionalProperties": _TEXT}}, must=["errors"], additionalProperties=False),
        "Told": thing(
            {
                "outcome": {"enum": list(HookMessage.OUTCOMES)},
                "events": {"type": "integer", "minimum": 0},
                "why": {"type": "string", "description": "Why it is refused or passed over, or who is left out."},
            },
            must=["outcome", "events", "why"],
            additionalProperties=False,
        ),
        "Proof": proof,
        "Wrong": thing({"error": _TEXT}, must=["error"], additionalProperties=False),
        "Busy": thing({"code": {"enum": ["busy", "too_large"]}, "message": _TEXT}, must=["code", "message"]),
        "Status": thing({"status": {"enum": ["ok", "not ready"]}, "reason": _TEXT}, must=["status"]),
    }  # fmt: skip


def _campaign() -> tuple[str, ...]:
    return tuple(f"utm_{part}" for part in ("source", "medium", "campaign", "term", "content"))


def _page(words: str) -> Json:
    return answer(words, _TEXT, HTML)


def _always(*methods: str) -> Json:
    """What every page may answer, whatever it is about."""
    return {
        "400": _page("It cannot be read at all."),
        "405": either("", only(*methods), _page("")),
        "413": answer("Larger than anything that is read here.", named("Busy")),
        "503": answer("Too many requests at once.", named("Busy")),
    }


_SLUG: Final = in_path("slug", {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,59}$"}, "The form's name.")


def _forms() -> Json:
    often = f"More than {forms.SUBMISSIONS.most} answers from one address in {_MINUTES} minutes."
    shown_at = ("GET", "HEAD", "POST", "OPTIONS")
    seen = {
        "tags": ["Forms"],
        "summary": "The form as a page",
        "parameters": [
            _SLUG,
            *(
                {"name": name, "in": "query", "schema": _TEXT}
                for name in (*_campaign(), "referrer", "rung_id", "embed")
            ),
        ],
        "responses": {"200": _page("The form."), "404": _page("There is none."), **_always(*shown_at)},
    }
    body = {content_type: {"schema": named("Answers")} for content_type in (JSON, *_POSTED)}
    sent = {
        "operationId": "answer-form",
        "tags": ["Forms"],
        "summary": "Takes the answers",
        "description": f"As JSON of up to {forms.LARGEST >> 10} KB; or as the page sends it, and pages are the answer.",
        "parameters": [_SLUG],
        "requestBody": {"required": True, "content": body},
        "responses": {
            "201": answer("Taken.", named("Thanked")),
            "303": answer("Taken: the thank-you page.", None, "", Location="The thank-you page."),
            "404": _page("There is no such form."),
            "409": either("It takes no answers any more.", answer("", named("Faults")), _page("")),
            "422": either("Something is missing or cannot be right.", answer("", named("Faults")), _page("")),
            "429": either(often, answer("", named("Faults")), _page("")),
            **_always(*shown_at),
        },
    }
    return {
        "/f/{slug}": {**_both(seen, "form"), "post": sent},
        "/f/{slug}/thanks": {"get": _thanks()},
        "/f/{slug}/confirmation/{token}": _confirmation(),
    }


def _thanks() -> Json:
    return {
        "operationId": "form-thanks",
        "tags": ["Forms"],
        "summary": "The thank-you page",
        "parameters": [_SLUG, *({"name": name, "in": "query", "schema": _TEXT} for name in ("to", "embed"))],
        "responses": {"200": _page("What happens next."), "404": _page("There is no such form."), **_always("GET")},
    }


def _confirmation() -> Json:
    most = f"More than {forms.CONFIRMATIONS.most} links that are none, from one address in {_MINUTES} minutes."
    shown_ = {
        "tags": ["Forms"],
        "summary": "What was agreed to",
        "parameters": [_SLUG, in_path("token", text(100, 1, pattern="^[^/]+$"), "As the mail has it.")],
        "responses": {
            "200": _page("What was agreed to."),
            "404": _page("The link is none, or too old."),
            "429": _page(most),
            **_always("GET", "HEAD", "POST"),
        },
    }
    confirmed = {
        **shown_,
        "operationId": "confirm",
        "summary": "Agrees",
        "responses": {**shown_["responses"], "409": _page("It holds no longer.")},
    }
    return {**_both(shown_, "confirmation"), "post": confirmed}


def _webhooks() -> Json:
    signed = ", ".join((*signing.PLAIN, "X-Zm-Signature", "Calendly-Webhook-Signature"))
    told = either("Kept, and what became of it; or the proof that Zoom asks for.",
                  answer("", named("Told")), answer("", named("Proof")))  # fmt: skip
    size = f"Larger than {hook_mapping.LARGEST >> 10} KB; a mail than {letters.LARGEST >> 20} MB."
    often = f"More than {webhooks.TOLD.most:,} messages in {_MINUTES} minutes."
    always = _always("POST")
    return {
        "/w/{token}": {
            "post": {
                "operationId": "tell",
                "tags": ["Webhooks"],
                "summary": "Takes a message",
                "description": "JSON as the program writes it, read by the webhook's mapping; of CSV each line is one "
                f"of up to {hook_mapping.MOST_ITEMS:,} people, and a raw mail is a reply or a question. Where a secret "
                f"was kept the message must be signed with it: {signed}.",
                "parameters": [in_path("token", text(100, 1, pattern="^[^/]+$"), "The secret.")],
                "requestBody": {
                    "content": {
                        JSON: {"schema": {"type": ["object", "array"]}},
                        **{each: {"schema": _TEXT} for each in ("text/csv", mailbox.MIME)},
                    }
                },
                "responses": {
                    "200": told,
                    "401": answer("Not signed with the secret that was kept.", named("Wrong")),
                    "404": _page("There is no such address."),
                    "422": answer("Zoom asks for a proof that cannot be given.", named("Wrong")),
                    "429": answer(often, named("Wrong"), Retry_After="Seconds."),
                    **always,
                    "413": either(size, answer("", named("Wrong")), always["413"]),
                },
            }
        }
    }


def _house() -> Json:
    ok = answer("Yes.", named("Status"))
    document_ = {
        "tags": ["House"],
        "summary": "This description",
        "responses": {"200": answer("OpenAPI 3.1.", thing({"openapi": _TEXT})), **_always("GET", "HEAD")},
    }
    never = either("", only("GET", "HEAD"), answer("", named("Nothing")))
    alive = {"tags": ["House"], "summary": "Is the process there?", "responses": {"200": ok, "405": never}}
    ready = {
        "tags": ["House"],
        "summary": "Can people work?",
        "responses": {"200": ok, "405": never, "503": answer("Not yet, and why.", named("Status"))},
    }
    return {
        "/health": _both(alive, "health"),
        "/ready": _both(ready, "ready"),
        "/api/v1/openapi.json": _both(document_, "openapi"),
    }


def _both(operation: Json, name: str) -> Json:
    return {method: {**operation, "operationId": f"{name}-{method}"} for method in ("get", "head")}
