"""A history brought in with all cores: what other processes found before something new was recorded is not written."""

from collections.abc import Iterator, Sequence

import pytest

from rung.lifecycle import actions
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.many import again, bulk, deciders
from rung.lifecycle.many.again import Again
from rung.lifecycle.models import Standing, Tally
from rung.lifecycle.rules import NewEvent
from rung.people.models import Trait
from rung.people.rules import Keys
from rung.terms.instants import DAY, parse_instant

NOW = parse_instant("2026-11-02T12:00:00Z")
ANA = Keys(email="ana@acme.example")


@pytest.mark.django_db
def test_what_was_recorded_meanwhile_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def found_and_then_more(_: object, parts: Sequence[Sequence[int]], line: Line, *, at: int) -> Iterator[Again]:
        for part in parts:
            found = again.found(line, part, at=at, is_first=True)
            actions.record([visit("2", None, title="Head of IT")], by="system", at=NOW + DAY)
            yield found

    monkeypatch.setattr(deciders.Others, "again_of", found_and_then_more)
    bulk.load([visit("1", NOW, city="Lyon")], by="system", at=NOW)
    assert set(Trait.objects.values_list("field", "text")) >= {("city", "Lyon"), ("title", "Head of IT")}
    assert Tally.objects.get(name="person_described").times == 3, "their address is an event of its own"
    assert Standing.objects.get().last_at == NOW + DAY


def visit(id_: str, at: int | None, **data: str) -> NewEvent:
    door = "app" if at is None else "import"
    return NewEvent("person_described", keys=ANA, data=data, at=at, message_id=id_, source="test", door=door)  # type: ignore[arg-type]
