"""The description of the doors says what there is, and every door answers as it says, whatever schemathesis sends.

The examples are the same in each run. `HYPOTHESIS_PROFILE=long` looks at thousands of them, as `make faults` does.
"""

import contextlib
import copy
import re
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from django.core.cache import cache
from django.db import connections
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.python import asgi
from schemathesis.specs.openapi import checks

from capture.asking import KEYS, SERVER, SITE
from capture.test_forms import ANSWERS, DEMO
from examples import IS_LONG
from rung.asgi import App
from rung.capture.collector import taking
from rung.capture.collector.asgi import ADDRESSES, COME_BACK, PATHS, Collector
from rung.capture.collector.inbox import Inbox
from rung.capture.collector.keyring import KeyRing
from rung.capture.collector.messages import FOUND_LATER, OF_STRANGERS, REASONS
from rung.capture.forms import building
from rung.capture.models import RefusedEvent
from rung.capture.webhooks import hooking
from rung.jobs.clock import now
from rung.web import described
from web.test_matrix import fingerprint

FEW: Final = settings(
    max_examples=200 if IS_LONG else 4,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, *((Phase.shrink,) if IS_LONG else ())),
    deadline=None,
    derandomize=True,
    database=None,
)
CHECKS: Final = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


_LONG_NAMES: Final = (
    "/v1/batch", "/v1/track", "/v1/identify", "/v1/m", "/rung.js", "/v1/pixel/{type}", "/v1/projects/{key}/settings",
)  # fmt: skip
_OTHER_NAMES: Final = tuple(path for path in ADDRESSES if path not in _LONG_NAMES)
"""Looked at in the long run only: they do what the others do."""
NOT_DOORS: Final = {
    "sign-in": "people get a session there",
    "face": "in the demo people get one there",
    "sign-out": "and give it back",
    "calendar-feed": "it lets nothing in",
    "demo-site": "an invented firm's pages, in the demo only",
    "demo-site-home": "its first page",
}
"""What asks for no session, and is no door by which anything comes in."""


# The document


def test_every_route_that_asks_for_no_session_is_described_and_nothing_else() -> None:
    open_routes = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{pattern.pattern}")
        for pattern in _patterns(get_resolver().url_patterns)
        if not getattr(pattern.callback, "login_required", True) and pattern.name not in NOT_DOORS
    }
    assert set(described.document()["paths"]) == open_routes | set(ADDRESSES) | {"/health", "/ready"}


def _patterns(found: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in found:
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns)
        else:
            yield pattern


def test_the_document_is_valid_and_each_operation_has_a_name_of_its_own() -> None:
    schemathesis.openapi.from_dict(described.document()).validate()
    named = [each["operationId"] for item in described.document()["paths"].values() for each in item.values()]
    assert len(named) == len(set(named)) == 36


def test_what_the_collector_can_refuse_is_in_the_document_with_its_words() -> None:
    told = described.document()["components"]["schemas"]
    codes = {code for name in ("Refused", "Stranger") for code in told[name]["properties"]["code"]["enum"]}
    assert codes | FOUND_LATER == set(REASONS)
    assert all(REASONS[code] in told["Refused"]["description"] for code in codes - OF_STRANGERS)
    assert set(told["Later"]["properties"]["code"]["enum"]) == set(COME_BACK)


@pytest.mark.django_db
@pytest.mark.one_database
def test_anybody_may_fetch_the_document_from_any_page(client: Client) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer.json() == described.document()


# The doors


@dataclass(frozen=True)
class House:
    """The whole app, in this process, with a form and webhooks, and its description with their names in it."""

    app: App
    inbox: Path
    schema: Any


@pytest.fixture
def house(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr("rung.web.forms.FASTEST", 0)
    building.save_form(slug="demo", told=DEMO, by="test", at=now())
    building.publish_form(slug="demo", number=1, by="test", at=now())
    tokens = [hooking.add_webhook(name=name, template=name, by="test", at=1).token for name in ("empty", "calendly")]
    app = App()
    app._pool.shutdown()
    app._pool = ThreadPoolExecutor(1)  # one thread, so that its connection can be closed in the end
    inbox = tmp_path / "inbox.sqlite3"
    Inbox(inbox).close()
    app._collector = Collector(inbox, public_url="https://rung.acme.example", keys=KeyRing(lambda: KEYS))
    document = copy.deepcopy(described.document())
    for item in document["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", ()):
                known = {"slug": ["demo", "none"], "token": [*tokens, "none"], "key": [SITE, "none"]}
                if parameter["name"] in known:
                    parameter["schema"] = {"enum": known[parameter["name"]]}
    told = document["components"]["schemas"]["Answers"]
    told["properties"] |= {name: {"type": "string", "examples": [value]} for name, value in ANSWERS.items()}
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    schema.config.generation.update(allow_x00=False)  # other tests send NUL, which is refused in a sentence
    yield House(app, inbox, schema)
    app._pool.submit(connections.close_all).result()
    asgi.shutdown_lifespans()


@pytest.mark.one_database
@pytest.mark.parametrize("path", (*_LONG_NAMES, *(_OTHER_NAMES if IS_LONG else ())))
def test_the_collector_answers_as_described(house: House, path: str) -> None:
    """What the description calls right is taken; what is refused is nowhere taken; nothing is a defect."""
    keys = st.sampled_from((SERVER, SITE, "rung_sec_of_nobody", "")) if IS_LONG else st.sampled_from((SERVER, SITE))
    for operation, mode in _operations(house, path):

        @FEW
        @given(case=operation.as_strategy(generation_mode=mode), key=keys)
        def answered(case: schemathesis.Case, key: str) -> None:
            is_right = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
            key = SERVER if is_right else key
            before = _taken(house.inbox)
            answer = case.call(headers={"Authorization": f"Bearer {key}"} if key else {})
            case.validate_response(answer, checks=CHECKS)
            if path in PATHS and is_right:
                assert answer.status_code == 200 or answer.json()["code"] == "bad_time", answer.text
            if answer.status_code != 200:
                assert _taken(house.inbox) == before

        answered()
    taking.Intake(house.inbox).turn(2**62)
    assert not RefusedEvent.objects.filter(reason__in=FOUND_LATER).exists()


@pytest.mark.parametrize("path", sorted(set(described.document()["paths"]) - set(ADDRESSES)))
def test_every_other_door_answers_as_described_and_a_refusal_writes_nothing(house: House, path: str) -> None:
    for operation, mode in _operations(house, path):

        @FEW
        @given(case=operation.as_strategy(generation_mode=mode))
        def answered(case: schemathesis.Case) -> None:
            cache.clear()
            before = fingerprint()
            answer = case.call()
            case.validate_response(answer, checks=CHECKS)
            if answer.status_code >= 400:
                assert fingerprint() == before

        answered()


def _operations(house: House, path: str) -> Iterator[tuple[Any, GenerationMode]]:
    """Each operation at the address, with what is right and, where anything can be wrong, with what is not."""
    for operation in house.schema[path].values():
        yield operation, GenerationMode.POSITIVE
        if operation.path_parameters or operation.query or (operation.body and path != "/v1/m"):
            yield operation, GenerationMode.NEGATIVE


def _taken(inbox: Path) -> int:
    """How many events of the inbox are not refused."""
    with contextlib.closing(sqlite3.connect(inbox)) as told:
        return int(told.execute("SELECT count(*) FROM inbox WHERE refused = ''").fetchone()[0])
