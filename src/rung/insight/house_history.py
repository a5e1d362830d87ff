"""The app's own history made ready for trying definitions: everybody under the id of the person who lives on."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
import numpy as np
from django.db import connection

from rung.engine.reading import CORRECTIONS, KIND_NAMES, NONE, Columns
from rung.engine.trying import CannotTry, Ground
from rung.history.queries import last_seq
from rung.lifecycle import published
from rung.lifecycle.rows import key_of
from rung.people.models import Alias, Company
from rung.playbook.definitions import Playbook

_AT_A_TIME: Final = 20_000
_CODES: Final = {name: code for code, name in enumerate(KIND_NAMES)}
_decoded: Final = msgspec.json.Decoder(dict[str, Any]).decode


def in_force() -> Playbook:
    return published.playbook()


def ground(*, until: int, is_compiled: bool | None = None) -> Ground:
    """The history up to `until`. Raises CannotTry where there is none."""
    found = columns(until=until)
    if not len(found):
        raise CannotTry("There is no history yet: import one, or let people visit, then try a definition on it.")
    return Ground(found, until=until, is_compiled=is_compiled)


def stand() -> int:
    """By what a warm history is known to be up to date: the latest event. Corrections are events, too."""
    return last_seq()


def columns(*, until: int) -> Columns:
    """The events that count, in order of arrival; people are known by `lifecycle.rows.key_of`."""
    living = dict(Alias.objects.values_list("old_id", "living_id"))
    people: dict[int, int] = {}
    companies: dict[int, int] = {}
    person, at, kind, company, has_by = [], [], [], [], []
    data: list[Mapping[str, object]] = []
    for person_id, company_id, name, instant, by, told in _rows(until):
        if name in CORRECTIONS or name not in _CODES:
            continue
        if name == "company_described":
            person_id = None
        who = NONE if person_id is None else people.setdefault(living.get(person_id, person_id), len(people))
        person.append(who)
        at.append(instant)
        kind.append(_CODES[name])
        company.append(NONE if company_id is None else companies.setdefault(company_id, len(companies)))
        has_by.append(bool(by))
        data.append(_decoded(told) if isinstance(told, (str, bytes)) else told)
    names = dict(Company.objects.values_list("pk", "key"))
    return Columns(
        people=[key_of(person_id) for person_id in people],
        companies=[names.get(company_id, str(company_id)) for company_id in companies],
        person=np.array(person, np.int32),
        at=np.array(at, np.int64),
        kind=np.array(kind, np.int16),
        company=np.array(company, np.int32),
        has_by=np.array(has_by, np.bool_),
        data=data,
    )


def _rows(until: int) -> Iterator[tuple[Any, ...]]:
    """Events that count and happened by `until`, read without Django's objects: a million are a million."""
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT seq, person_id, company_id, kind, at, "by", data FROM history_event e
                WHERE seq > %s AND at <= %s AND NOT EXISTS (SELECT 1 FROM history_struck s WHERE s.seq = e.seq)
                ORDER BY seq LIMIT %s
                """,
                [after, until, _AT_A_TIME],
            )
            part = cursor.fetchall()
        for row in part:
            yield row[1:]
        if len(part) < _AT_A_TIME:
            return
        after = part[-1][0]
