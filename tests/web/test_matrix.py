"""Every route × every role × every method, against the table in matrix.txt. A route that is not in it fails."""

import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from rung.access.models import User
from rung.access.rules import ROLES
from rung.lifecycle.models import Handoff
from rung.people.models import Company, Person
from web.conftest import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
TABLE: Final = Path(__file__).with_name("matrix.txt")
WHO: Final = ("stranger", *ROLES)
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
NO_SUCH_METHOD: Final = {"stranger": ("302", "405"), **dict.fromkeys(ROLES, ("405",))}

Row = tuple[str, str]


def test_every_route_is_in_the_table_and_nothing_else() -> None:
    assert {name for name, _ in table()} == set(routes())


def test_every_route_answers_everybody_as_the_table_says(world: World) -> None:
    wrong: list[str] = []
    expected = table()
    clients = {who: signed_in(world, who) for who in WHO}
    for name in routes():
        for method in METHODS:
            before = fingerprint() if method == "POST" else ""
            told_all, to = expected.get((name, method), {}), address(name)
            cache.clear()
            statuses = {
                who: str(clients[who].generic(method, to, QUERY_STRING=_QUERY.get(name, "")).status_code) for who in WHO
            }
            for who, status in statuses.items():
                told = told_all.get(who)
                if status not in ((told,) if told else NO_SUCH_METHOD[who]):
                    wrong.append(f"{method} {name} as {who}: {status}, expected {told or NO_SUCH_METHOD[who]}")
            if before and all(status[0] == "4" for status in statuses.values()) and fingerprint() != before:
                wrong.append(f"{method} {name}: refused to everybody, and yet something was written")
            if name == "sign-out":
                clients = {who: signed_in(world, who) for who in WHO}
    assert not wrong, "\n".join(wrong)


def table() -> dict[Row, dict[str, str]]:
    lines = [line.split() for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    heads = lines[0][2:]
    assert tuple(heads) == WHO
    return {(name, method): dict(zip(heads, statuses, strict=True)) for name, method, *statuses in lines[1:]}


def routes() -> list[str]:
    def found(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from found(pattern.url_patterns)
            else:
                assert pattern.name, f"{pattern.pattern} has no name"
                yield pattern.name

    return sorted(found(get_resolver().url_patterns))


def signed_in(world: World, who: str) -> Client:
    client = Client()
    if who != "stranger":
        client.force_login(world.users[who])
    return client


def address(name: str) -> str:
    """An address of the route; where it takes an id, of something that is there."""
    needs = {"person": Person, "company": Company, "handoff": Handoff}
    for part, model in needs.items():
        if name == part or name.startswith(f"{part}-"):
            return reverse(name, args=[model.objects.exclude(**_BLANK[part]).earliest("pk").uuid])
    return reverse(name, args=_ARGUMENTS.get(name, ()) or _of_a_rep(name))


def _of_a_rep(name: str) -> tuple[int, ...]:
    return (User.objects.get(role="sales").pk,) if name.startswith("team-") else ()


_BLANK: Final = {"person": {"email": ""}, "company": {"name": ""}, "handoff": {"lane": ""}}
_QUERY: Final = {"person-standing": "day=1"}
_NOBODYS: Final = "00000000-0000-7000-8000-000000000000"
_ARGUMENTS: Final = {
    "capture-key-revocation": (999,),
    "form": ("none",),
    "form-thanks": ("none",),
    "form-confirmation": ("none", "none"),
    "webhook": ("none",),
    **{f"webhooks-{part}": ("none",) for part in ("hook", "mapping", "replays", "lists", "secret", "closing")},
    **{f"forms-{part}": ("none",) for part in ("form", "versions", "publication", "withdrawal")},
    "demo-site": ("pricing",),
    "calendar-feed": ("no-such-token",),
    "face": ("sales",),
    "playbook-version": ("0" * 12,),
    **{f"interview-{part}": (_NOBODYS, 1) for part in ("question", "answer", "effect", "evidence")},
    "trial": (_NOBODYS,),
    "feedback-line-people": (_NOBODYS,),
    "feedback-duty": ("cadence",),
    **{f"trial-{part}": (_NOBODYS,) for part in ("people", "why", "keeping", "repetition")},
    "proposal": (_NOBODYS,),
    **{f"proposal-{part}": (_NOBODYS,) for part in ("signature", "withdrawal", "counting", "publication")},
    "interview-trial": (_NOBODYS, _NOBODYS),
    **{f"interview-{part}": (_NOBODYS,) for part in ("agreement", "proposal")},
    **{f"import{part}": (_NOBODYS,) for part in ("", "-mapping", "-run", "-removal")},
    **{f"import-{part}": (999,) for part in ("done", "undoing", "refused", "correct")},
    "people-act": (_NOBODYS,),
    "people-act-undoing": (_NOBODYS,),
    "people-view-removal": (999,),
    **{f"people-match-{part}": (999,) for part in ("merging", "difference")},
}


def fingerprint() -> str:
    """All rows of all tables but the sessions."""
    said = hashlib.sha256()
    with connection.cursor() as cursor:
        for sql in _every_table():
            cursor.execute(sql)
            said.update(repr((sql, cursor.fetchall())).encode())
    return said.hexdigest()


@functools.cache
def _every_table() -> list[str]:
    """What reads them: as they lie in the database, without a queryset for each of forty tables, a hundred times."""
    found, quoted = [], connection.ops.quote_name
    for model in apps.get_models():
        if model._meta.label != "sessions.Session":
            names = [quoted(field.column) for field in model._meta.concrete_fields if field.attname != "last_login"]
            table, pk = quoted(model._meta.db_table), quoted(model._meta.pk.column)
            found.append(f"SELECT {', '.join(names)} FROM {table} ORDER BY {pk}")
    return found
