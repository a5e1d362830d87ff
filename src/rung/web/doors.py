"""The description of the doors, for programs and as a page for people."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_safe

from rung.access.models import User
from rung.capture.collector.describing import Json
from rung.web import shell
from rung.web.described import document


@login_not_required
@require_safe
def described(request: HttpRequest) -> HttpResponse:
    """GET api/v1/openapi.json: the document, for programs."""
    answer = JsonResponse(document())
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


@require_GET
def shown(request: HttpRequest) -> HttpResponse:
    """GET api/docs: the same for people."""
    told = document()
    groups = [(tag["name"], tag["description"], _doors(told, tag["name"])) for tag in told["tags"]]
    parts = [_part(name, schema) for name, schema in told["components"]["schemas"].items()]
    user = request.user
    context = {
        "groups": groups,
        "parts": parts,
        "number": sum(len(doors) for _, _, doors in groups),
        "may_see_capture": isinstance(user, User) and user.may("see capture"),
    }
    return shell.page(request, "web/doors.html", context, place="capture")


@dataclass(frozen=True, slots=True)
class Place:
    """A field or a parameter: what it is in words, and the part of the page that says more (empty: none)."""

    name: str
    what: str
    part: str
    is_required: bool
    words: str


@dataclass(frozen=True, slots=True)
class Given:
    """An answer: its status, and the parts that say its shape."""

    status: str
    name: str
    words: str
    parts: tuple[str, ...]


@dataclass(slots=True)
class Door:
    """One thing that can be done, at every address at which it can."""

    summary: str
    words: str
    takes: tuple[str, ...]
    places: tuple[Place, ...]
    answers: tuple[Given, ...]
    methods: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Part:
    """A shape that several doors take or give."""

    name: str
    words: str
    places: tuple[Place, ...]
    what: str


def _doors(told: Json, tag: str) -> list[Door]:
    """The doors of a group; addresses that do the same are one door with several addresses."""
    found: dict[str, Door] = {}
    for path, item in told["paths"].items():
        for method, operation in item.items():
            if operation["tags"] != [tag]:
                continue
            door = found.setdefault(operation["summary"], _door(operation))
            if method.upper() not in door.methods:
                door.methods.append(method.upper())
            if path not in door.paths:
                door.paths.append(path)
    return list(found.values())


def _door(operation: Json) -> Door:
    content = operation.get("requestBody", {}).get("content", {})
    return Door(
        summary=operation["summary"],
        words=operation.get("description", ""),
        takes=tuple(dict.fromkeys(_part_of(each["schema"]) for each in content.values() if _part_of(each["schema"]))),
        places=tuple(
            Place(each["name"], _what(each["schema"]), "", each.get("required", False), each.get("description", ""))
            for each in operation.get("parameters", ())
        ),
        answers=tuple(_given(status, answer) for status, answer in sorted(operation["responses"].items())),
    )


def _given(status: str, answer: Json) -> Given:
    schemas = [each.get("schema", {}) for each in answer.get("content", {}).values()]
    parts = [_part_of(each) for schema in schemas for each in schema.get("anyOf", [schema])]
    words = answer["description"] or "As every page."
    return Given(status, HTTPStatus(int(status)).phrase, words, tuple(part for part in parts if part))


def _part(name: str, schema: Json) -> Part:
    places = tuple(
        Place(
            each,
            _what(told),
            _part_of(told) or _part_of(told.get("items", {})),
            each in schema.get("required", ()),
            told.get("description", ""),
        )
        for each, told in schema.get("properties", {}).items()
    )
    return Part(name, schema.get("description", ""), places, "" if places else _what(schema))


def _part_of(schema: Json) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


_PLAIN: Final = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "yes/no", "null": "nothing",
    "object": "object",
}  # fmt: skip


def _what(schema: Json) -> str:
    """What may stand somewhere, in words."""
    return " or ".join(dict.fromkeys(_whats(schema)))


def _whats(schema: Json) -> Iterator[str]:
    if part := _part_of(schema):
        yield part
    elif "const" in schema:
        yield "yes" if schema["const"] is True else str(schema["const"])
    elif "enum" in schema:
        yield ", ".join(schema["enum"])
    elif schema.get("type") == "array":
        yield f"list of {_what(schema.get('items', {})) or 'anything'}"
    elif "anyOf" in schema and "type" not in schema:
        for each in schema["anyOf"]:
            yield from _whats(each)
    elif "allOf" in schema:
        yield from _whats(schema["allOf"][0])
    else:
        yield from _plain(schema)


def _plain(schema: Json) -> Iterator[str]:
    types = schema.get("type", [])
    for type_ in [types] if isinstance(types, str) else types:
        longest = f" of up to {schema['maxLength']:,} characters" if type_ == "string" and "maxLength" in schema else ""
        moment = schema.get("format") == "date-time"
        yield "time, as 2026-03-01T10:00:00Z" if moment else _PLAIN.get(type_, type_) + longest
