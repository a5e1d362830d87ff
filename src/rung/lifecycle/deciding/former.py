"""Moves that did happen, kept when a corrected past has them no more: should they come back, they are no news."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from django.db import connection

from rung import tables
from rung.lifecycle.models import MAIN, FormerMove
from rung.lifecycle.rules import Moved

MoveKey = tuple[int, str, str, str, str, bool]
"""At, from stage and status, to stage and status, whether passed: what makes a move the same one."""

_COLUMNS: Final = ("at", "from_stage", "from_status", "stage", "status", "passed")


def key_of(move: Moved) -> MoveKey:
    """What makes it the same move as another, whatever the numbers were."""
    return move.at, move.from_stage, move.from_status, move.stage, move.status, move.passed


def moves_of(person_ids: Collection[int], line: str = MAIN) -> dict[int, set[MoveKey]]:
    """By person the moves that happened and are not among their present ones."""
    found: dict[int, set[MoveKey]] = {}
    for person_id, *key, passed in tables.read(_OF, person_ids, line):
        found.setdefault(person_id, set()).add((*key, bool(passed)))  # type: ignore[arg-type]  # as the columns say
    return found


def keep(real: Mapping[int, Iterable[MoveKey]], now: Mapping[int, Collection[MoveKey]], line: str = MAIN) -> None:
    """Notes of each person which of the moves that happened their past has no more, as it is told now; those that it
    has again are former no longer."""
    known = moves_of(list(real), line)
    come: list[tuple[Any, ...]] = []
    back: list[tuple[Any, ...]] = []
    for person_id, keys in sorted(real.items()):
        former, present = known.get(person_id, set()), now.get(person_id, ())
        come += [(person_id, line, *key[:5], int(key[5])) for key in sorted(set(keys) - former) if key not in present]
        back += [(person_id, line, *key) for key in sorted(former) if key in present]
    if come:
        tables.insert(FormerMove, ("person_id", "line_of_business", *_COLUMNS), come)
    if back:
        where = " AND ".join(f"{name} = %s" for name in ("person_id", "line_of_business", *_COLUMNS))
        with connection.cursor() as cursor:
            cursor.executemany(f"DELETE FROM lifecycle_formermove WHERE {where}", back)


_OF: Final = (
    "SELECT person_id, at, from_stage, from_status, stage, status, passed FROM lifecycle_formermove"
    " WHERE person_id IN ({ids}) AND line_of_business = %s"
)
