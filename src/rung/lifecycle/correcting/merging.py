"""What a merge changes beside the history, kept so that an unmerge gives all of it back.

The history is not touched by either, and standings are decided again from it. What is work (hand-offs, desks, clocks,
sequences, tasks) and which moves were real cannot be read from the history alone: that is kept here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.db import models

from rung.lifecycle.deciding.anew import MoveKey, real_moves
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.models import Merge, Standing
from rung.people.actions import ids_of

_AT_A_TIME = 400
_Row = dict[str, Any]
_Which = tuple[str, int]
"""A table's label and the row's key."""


@dataclass(slots=True)
class Keeping:
    """A merge that is being made: the rows of both people before it, and whose moves were real."""

    seq: int
    survivor_id: int
    merged_id: int
    rows: dict[_Which, _Row]
    real: dict[int, set[MoveKey]] = field(default_factory=dict)


def begun(*, seq: int, survivor_id: int, merged_id: int, line: Line) -> Keeping:
    """Notes how things are before anything of the merge is done."""
    both = (survivor_id, merged_id)
    rows = {
        (model._meta.label, row[model._meta.pk.attname]): row
        for model in _tables()
        for row in model._default_manager.filter(person_id__in=both).values()
    }
    return Keeping(seq, survivor_id, merged_id, rows, dict(real_moves(both, line)))


def decided_until(person_ids: Collection[int], line: Line) -> int:
    """The latest instant up to which one of them was looked at."""
    standings = Standing.objects.filter(generation_id=line.generation_id, person_id__in=person_ids)
    return max(standings.values_list("decided_until", flat=True), default=-1)


def reaches(keepings: Iterable[Keeping], person_ids: Collection[int], line: Line) -> None:
    """Notes the real moves of others who are decided again because of the merges: colleagues."""
    for keeping in keepings:
        others = sorted(set(person_ids) - keeping.real.keys() - {keeping.merged_id})
        for part in _parts(others):
            keeping.real.update(real_moves(part, line))


def ended(keepings: Sequence[Keeping], line: Line) -> None:
    """Writes down what the merges changed, once all that follows from them is done."""
    now: dict[_Which, _Row | None] = {}
    for keeping in reversed(keepings):
        now = {**_now(keeping.rows.keys() - now.keys()), **now}
        rows = [change for which, row in keeping.rows.items() if (change := _change(which, row, now[which]))]
        still = {}
        for part in _parts(sorted(keeping.real)):
            still.update(real_moves(part, line))
        gone = {id_: sorted(moves - still.get(id_, set())) for id_, moves in keeping.real.items()}
        Merge.objects.create(
            seq=keeping.seq,
            survivor_id=keeping.survivor_id,
            merged_id=keeping.merged_id,
            rows=rows,
            moves={str(id_): moves for id_, moves in gone.items() if moves},
        )
        now.update(keeping.rows)


def given_back(merged_id: int, *, living_id: int) -> dict[int, set[MoveKey]]:
    """Puts back what the merge changed and nobody has changed since; returns whose moves were real before it.

    Later merges into the same person may have touched what goes back: of that, theirs is taken back too.
    """
    merge = Merge.objects.filter(merged_id=merged_id).order_by("-seq").first()
    if merge is None:
        return {}
    theirs = {_which(change) for change in merge.rows if change["before"].get("person_id") == merged_id}
    family = ids_of(living_id)
    for later in Merge.objects.filter(seq__gt=merge.seq, survivor_id__in=family).order_by("-seq"):
        _restore([change for change in later.rows if _which(change) in theirs])
        later.rows = [change for change in later.rows if _which(change) not in theirs]
        later.save(update_fields=["rows"])
    _restore(merge.rows)
    real = {int(id_): {_key(move) for move in moves} for id_, moves in merge.moves.items()}
    merge.delete()
    return real


def _change(which: _Which, before: _Row, after: _Row | None) -> dict[str, Any] | None:
    """A row that the merge changed: the fields that differ; all of them where it is gone."""
    label, key = which
    if after is None:
        return {"table": label, "key": key, "before": _plain(before), "after": None}
    differ = [name for name in before if before[name] != after[name]]
    if not differ:
        return None
    told = [_plain({name: row[name] for name in differ}) for row in (before, after)]
    return {"table": label, "key": key, "before": told[0], "after": told[1]}


def _restore(changes: Sequence[Mapping[str, Any]]) -> None:
    by_table: dict[str, list[Mapping[str, Any]]] = {}
    for change in changes:
        by_table.setdefault(change["table"], []).append(change)
    for model in _tables():  # in their order: a task needs its sequence
        theirs = by_table.get(model._meta.label, [])
        now = _rows_of(model, [change["key"] for change in theirs])
        for change in theirs:
            row = now.get(change["key"])
            if change["after"] is None:
                if row is None:
                    model._default_manager.create(**change["before"])
            elif row is not None:
                plain = _plain({name: row[name] for name in change["after"]})
                back = {name: change["before"][name] for name, value in change["after"].items() if plain[name] == value}
                model._default_manager.filter(pk=change["key"]).update(**back)


def _now(which: Iterable[_Which]) -> dict[_Which, _Row | None]:
    wanted: dict[str, list[int]] = {}
    for label, key in which:
        wanted.setdefault(label, []).append(key)
    found: dict[_Which, _Row | None] = {(label, key): None for label, keys in wanted.items() for key in keys}
    for model in _tables():
        label = model._meta.label
        found.update({(label, key): row for key, row in _rows_of(model, wanted.get(label, [])).items()})
    return found


def _rows_of(model: type[models.Model], keys: Sequence[int]) -> dict[int, _Row]:
    name = model._meta.pk.attname
    return {row[name]: row for part in _parts(keys) for row in model._default_manager.filter(pk__in=part).values()}


def _plain(row: _Row) -> _Row:
    """As JSON keeps it: numbers, texts and what is made of them."""
    return {
        name: value.hex if hasattr(value, "hex") and not isinstance(value, float) else value
        for name, value in row.items()
    }


def _which(change: Mapping[str, Any]) -> _Which:
    return change["table"], change["key"]


def _key(move: Sequence[Any]) -> MoveKey:
    at, from_stage, from_status, stage, status, passed = move
    return at, from_stage, from_status, stage, status, passed


def _tables() -> tuple[type[models.Model], ...]:
    # Looked up when needed: `wiring` knows all rooms, and this room knows none of those above it.
    return tuple(import_module("rung.wiring").OF_PEOPLE)


def _parts(values: Sequence[int]) -> Iterable[Sequence[int]]:
    return (values[start : start + _AT_A_TIME] for start in range(0, len(values), _AT_A_TIME))
