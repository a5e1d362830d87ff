"""What the collector takes and answers, as OpenAPI 3.1 says it, made of the tables by which it works. Pure."""

from collections.abc import Iterable
from typing import Any, Final

from rung.capture.collector.asgi import ADDRESSES, COME_BACK, PATHS
from rung.capture.collector.messages import FOUND_LATER, LARGEST_EVENT, LONGEST_ID, OF_STRANGERS, REASONS
from rung.capture.collector.rates import EVENTS_A_SECOND
from rung.capture.collector.submission import LARGEST_BODY, MOST_EVENTS
from rung.engine.files.segment import TYPES
from rung.people.rules import LONGEST_COMPANY, LONGEST_KEY
from rung.terms.kinds import KINDS
from rung.terms.values import DEEPEST, LARGEST_NUMBER, LONGEST_DATA_TEXT, LONGEST_TEXT, MOST_FIELDS

Json = dict[str, Any]

HTML: Final = "text/html"
JSON: Final = "application/json"


def named(name: str) -> Json:
    """A schema or a parameter that stands among the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(longest: int = LONGEST_TEXT, shortest: int = 0, **more: Any) -> Json:
    """A text of so many characters."""
    least = {"minLength": shortest} if shortest else {}
    return {"type": "string", **least, "maxLength": longest, **more}


def kept(longest: int, words: str = "", *, is_blank: bool = True) -> Json:
    """A text as a database keeps it; without NUL, which is said in words. `is_blank`: it may also be empty."""
    told = {"description": words} if words else {}
    return text(longest, **told) if is_blank else text(longest, 1, pattern=r"\S", **told)


def thing(fields: Json, *, must: Iterable[str] = (), **more: Any) -> Json:
    """An object of these fields; others may stand beside them unless `additionalProperties` says otherwise."""
    required = {"required": list(must)} if must else {}
    return {"type": "object", "properties": fields, **required, **more}


def answer(words: str, schema: Json | None = None, content_type: str = JSON, **headers: str) -> Json:
    """One answer; without a schema it has a body of which nothing is said, without a content type none."""
    told: Json = {"description": words}
    if content_type:
        told["content"] = {content_type: {"schema": schema} if schema is not None else {}}
    if headers:
        told["headers"] = {
            name.replace("_", "-"): {"description": said, "schema": {"type": "string"}}
            for name, said in headers.items()
        }
    return told


def either(words: str, *told: Json) -> Json:
    """One status that is answered in several ways."""
    content: Json = {}
    for each in told:
        for content_type, said in each.get("content", {}).items():
            before = content.get(content_type, {}).get("schema")
            content[content_type] = said if before is None else {"schema": {"anyOf": [before, said["schema"]]}}
    headers = {name: said for each in told for name, said in each.get("headers", {}).items()}
    return {"description": words, "content": content, **({"headers": headers} if headers else {})}


def only(*methods: str) -> Json:
    """What any other method is answered."""
    return {"description": f"Only {', '.join(methods)} does something here.", "headers": {"Allow": _ALLOW}}


_TIME: Final = {"type": "string", "format": "date-time"}
_ALLOW: Final = {"description": "The methods that do.", "schema": {"type": "string"}}


_NAME: Final = {**kept(200), "minLength": 1}


def schemas() -> Json:
    """What an event may say, and what is answered; by the limits of `terms.values` and `messages`."""
    data = (
        f"At most {MOST_FIELDS} fields, {DEEPEST} levels deep; no NUL and no half of a character in any text or name."
    )
    fields = {"maxProperties": MOST_FIELDS - 50, "propertyNames": _NAME}
    value: Json = {
        "anyOf": [
            {"type": ["null", "boolean"]},
            {"type": "number", "exclusiveMinimum": -LARGEST_NUMBER, "exclusiveMaximum": LARGEST_NUMBER},
            kept(LONGEST_DATA_TEXT),
            {"type": "array", "items": named("Value")},
            {"type": "object", "additionalProperties": named("Value"), "propertyNames": _NAME},
        ]
    }
    return {
        "Value": value,
        "Data": {"type": "object", "description": data, **fields, "additionalProperties": named("Value")},
        "Context": _context(),
        **{type_.capitalize(): _event(type_) for type_ in TYPES},
        "Batch": _batch(),
        "Taken": _taken(),
        "Refused": _refusal(set(REASONS) - OF_STRANGERS - FOUND_LATER),
        "Stranger": _refusal(OF_STRANGERS),
        "Later": _refusal(COME_BACK),
        "Nothing": _refusal({"not_found", "method_not_allowed"}),
    }


def paths() -> Json:
    """Every address of the collector, with every answer that it can give."""
    told: Json = {}
    for path, type_ in PATHS.items():
        told[path] = {"post": _takes(path, type_)}
    told["/v1/m"] = {"post": _metrics()}
    told["/rung.js"] = _for_each("/rung.js", _script())
    told["/v1/projects/{key}/settings"] = _for_each("/v1/projects/{key}/settings", _settings())
    told["/v1/pixel/{type}"] = _for_each("/v1/pixel/{type}", _pixel())
    return told


def _for_each(path: str, operation: Json) -> Json:
    return {
        method.lower(): {**operation, "operationId": f"{operation['operationId']}-{method.lower()}"}
        for method in ADDRESSES[path]
    }


# What comes


def _context() -> Json:
    texts = kept(LONGEST_DATA_TEXT)
    return thing(
        {
            "page": thing(dict.fromkeys(("path", "url", "title", "referrer", "search"), texts)),
            "campaign": thing(dict.fromkeys(("name", "source", "medium", "term", "content"), texts)),
            "groupId": kept(LONGEST_COMPANY, "The company that it belongs to."),
        },
        additionalProperties=named("Value"),
        description="Where it happened. What else clients say here is read over.",
    )


def _event(type_: str) -> Json:
    own, must, words = _OF_TYPE[type_]
    return thing(
        {
            "type": {"const": type_, "description": "May be left out where the address says it."},
            "userId": kept(LONGEST_KEY, "Your own id, or an e-mail address.", is_blank=False),
            "anonymousId": kept(LONGEST_KEY, "A visitor's id, as a cookie keeps it.", is_blank=False),
            "messageId": kept(LONGEST_ID, "The same one of one source counts once, for ever.", is_blank=False),
            "timestamp": {**_TIME, "description": "1970 to 2100; without offset UTC."},
            "sentAt": {**_TIME, "description": "By the same clock, so that a wrong one is put right."},
            "context": named("Context"),
            "integrations": {"type": "object", "description": "Read over.", "additionalProperties": named("Value")},
            **own,
        },
        must=must,
        additionalProperties=named("Value"),
        anyOf=[{"required": ["userId"]}, {"required": ["anonymousId"]}],
        description=words,
    )  # fmt: skip


_NAMED: Final = ", ".join(sorted(code for code, kind in KINDS.items() if "secret" in kind.doors and code != "custom"))
_OF_TYPE: Final[dict[str, tuple[Json, tuple[str, ...], str]]] = {
    "identify": ({"traits": named("Data")}, (), "Who somebody is: `person_identified`."),
    "track": (
        {"event": kept(LONGEST_TEXT, is_blank=False), "properties": named("Data")},
        ("event",),
        f"What somebody did. A name that is a kind in other words (`Demo Requested`) is that kind: {_NAMED}; any other "
        "is `custom`. A publishable key writes only what a browser may, the rest becomes `custom`. Some kinds lack "
        "nothing only with their fields: "
        + "; ".join(
            f"`{code}` ({', '.join(kind.required)})"
            for code, kind in KINDS.items()
            if kind.required and "secret" in kind.doors
        )
        + ".",
    ),
    **{
        name: (
            {"name": kept(LONGEST_DATA_TEXT), "category": kept(LONGEST_DATA_TEXT), "properties": named("Data")},
            (),
            f"A {name} that somebody looked at: `page_viewed`.",
        )
        for name in ("page", "screen")
    },
    "group": (
        {"groupId": kept(LONGEST_COMPANY, is_blank=False), "traits": named("Data")},
        ("groupId",),
        "Where somebody works; with a secret key the traits describe the company.",
    ),
    "alias": (
        {"previousId": kept(LONGEST_KEY, "The visitor's id before.")},
        (),
        "A visitor's id joins a known person; two known people are never made one.",
    ),
}


def _batch() -> Json:
    each = [{"allOf": [named(type_.capitalize()), {"required": ["type"]}]} for type_ in TYPES]
    return thing(
        {
            "batch": {"type": "array", "minItems": 1, "maxItems": MOST_EVENTS, "items": {"anyOf": each}},
            "writeKey": {"type": "string", "description": "The key, where no header says it."},
            "sentAt": _TIME,
            "context": {"type": "object", "description": "Said for all events; what one says itself comes first."},
            "integrations": {"type": "object"},
        },
        must=["batch"],
        description=f"Up to {MOST_EVENTS:,} events, {LARGEST_EVENT >> 10} KB each, {LARGEST_BODY // 1000} KB in all.",
    )


# What is answered


def _taken() -> Json:
    refused = {"type": "integer", "minimum": 1, "description": "So many of the batch were refused, and kept with why."}
    return thing({"success": {"const": True}, "refused": refused}, must=["success"], additionalProperties=False)


def _refusal(codes: Iterable[str]) -> Json:
    why = {code: REASONS.get(code) or COME_BACK.get(code, (0, ""))[1] for code in sorted(codes)}
    words = " ".join(f"`{code}`: {said}" for code, said in why.items() if said)
    return thing(
        {"code": {"enum": sorted(codes)}, "message": {"type": "string"}},
        must=["code", "message"],
        additionalProperties=False,
        **({"description": words} if words else {}),
    )


_RETRY: Final = {"Retry_After": "Seconds."}


def _takes(path: str, type_: str | None) -> Json:
    body = named(type_.capitalize() if type_ else "Batch")
    return {
        "operationId": f"collect{path.replace('/', '-')}",
        "tags": ["Collector"],
        "summary": f"Takes {'one ' + type_ if type_ else 'many events'}",
        "description": "As Segment's clients send it: plain, or gzip with `Content-Encoding: gzip`. The content type "
        "is not looked at, so that a page may send `text/plain` without asking first.",
        "security": [{"basic": []}, {"bearer": []}],
        "requestBody": {"required": True, "content": {JSON: {"schema": body}}},
        "responses": {
            "200": answer("Every event is on the disk, or refused and kept with its reason.", named("Taken")),
            "400": answer("It cannot be read, or its one event is refused. Sending it again helps nobody.",
                          named("Refused")),
            "401": answer("No such key, asked of the database.", named("Stranger"), WWW_Authenticate="Basic."),
            "405": either("Events are sent with POST.", only("POST"), answer("", named("Nothing"))),
            "429": answer(f"A publishable key that sends more than {EVENTS_A_SECOND:,} events a second for long.",
                          named("Later"), **_RETRY),
            "503": answer("It cannot be stored now: send it again.", named("Later"), **_RETRY),
        },
    }  # fmt: skip


def _metrics() -> Json:
    return {
        "operationId": "collect-metrics",
        "tags": ["Collector"],
        "summary": "What a client says about itself; nobody reads it",
        "requestBody": {"content": {JSON: {"schema": {}}}},
        "responses": {
            "200": answer("Heard.", named("Taken")),
            "405": either("It is sent with POST.", only("POST"), answer("", named("Nothing"))),
        },
    }


def _script() -> Json:
    return {
        "operationId": "script",
        "tags": ["Collector"],
        "summary": "Our snippet",
        "responses": {
            "200": answer("The script, in gzip where that is understood.", {"type": "string"}, "text/javascript"),
            "304": answer("It is the one that `If-None-Match` names.", content_type=""),
            "405": either("It is fetched with GET.", only("GET", "HEAD"), answer("", named("Nothing"))),
        },
    }


def _settings() -> Json:
    key = text(100, 1, pattern=r"^[^/]+$")
    return {
        "operationId": "settings",
        "tags": ["Collector"],
        "summary": "What analytics-next asks before it sends",
        "parameters": [in_path("key", key, "A publishable key.")],
        "responses": {
            "200": answer("Where to send to.", thing({"integrations": {"type": "object"}, "plan": {"type": "object"}},
                                                     must=["integrations", "plan"])),
            "404": either("There is no such key.", answer("", {"type": "string"}, "text/plain"),
                          answer("", named("Nothing"))),
            "405": either("It is fetched with GET.", only("GET", "HEAD"), answer("", named("Nothing"))),
            "503": answer("It cannot be checked now.", named("Later"), **_RETRY),
        },
    }  # fmt: skip


def _pixel() -> Json:
    said = "The message as base64 of JSON; without it each parameter is a field, `traits.email` one inside another."
    return {
        "operationId": "pixel",
        "tags": ["Collector"],
        "summary": "An event by a picture, for mails and pages without scripts",
        "parameters": [
            in_path("type", {"enum": list(TYPES)}, "The event's type."),
            {"name": "data", "in": "query", "description": said, "schema": {"type": "string"}},
        ],
        "responses": {
            "200": answer("Always a picture, whatever became of the event.", {"type": "string"}, "image/gif"),
            "404": answer("There is no such type.", named("Nothing")),
            "405": either("It is fetched with GET.", only("GET", "HEAD"), answer("", named("Nothing"))),
        },
    }


def in_path(name: str, schema: Json, words: str) -> Json:
    return {"name": name, "in": "path", "required": True, "description": words, "schema": schema}
