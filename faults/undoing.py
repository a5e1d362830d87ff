"""One step of `faults/run.py undoing`, in a process and on a house of its own (RUNG_HOME).

    python faults/undoing.py lived PEOPLE | with ROWS PEOPLE FOLDER [BUG] | without PEOPLE FOLDER | told FILE | again …

Prints what came of it as JSON. BUG plants one of the bugs for which the procedure is there.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))


def lived(people: str) -> dict[str, Any]:
    """The house before, as both will have it; and who may come by without moving."""
    from django.db import transaction

    import dirty_house
    import others_told

    dirty_house.lived(int(people))
    others_told.opened()
    passing_by: list[int] = []
    with transaction.atomic():
        everybody = range(0, int(people), 2)
        passing_by = sorted(set(everybody) - dirty_house.acted(everybody))
        transaction.set_rollback(True)
    return {"passing_by": passing_by}


def with_import(rows: str, people: str, folder: str, bug: str = "") -> dict[str, Any]:
    """The dirty files come in, life goes on, and they are taken back."""
    import dirty
    import dirty_house
    from rung.lifecycle import undoing

    began = time.process_time()
    report = dirty_house.imported(Path(folder), int(rows), int(people))
    took = time.process_time() - began
    if bug:
        BUGS[bug]()
    _others(folder)
    began = time.process_time()
    assert report.number is not None
    touched = undoing.undo_import(number=report.number, by="rung", at=dirty.UNDONE)
    undone = time.process_time() - began
    _time_passes()
    taken = report.taken
    return {
        "rows": sum(each.rows for each in taken), "refused": sum(each.refused for each in taken),
        "cells_left_out": sum(each.cells_left_out for each in taken), "accepted": report.accepted,
        "people_touched": touched, "import_cpu_s": round(took, 1), "undo_cpu_s": round(undone, 1),
    }  # fmt: skip


def without_import(people: str, folder: str) -> dict[str, Any]:
    """The same life without the files."""
    _others(folder)
    _time_passes()
    return {}


def told(file: str) -> dict[str, Any]:
    """What people read of the house goes into the file: exports, lists, reports."""
    from django.conf import settings

    import dirty
    import pages_compared

    settings.ALLOWED_HOSTS = ["testserver"]
    found = {f"export of {what}": pages_compared.exported(what, at=dirty.UNDONE) for what in ("people", "companies")}
    # The list by what happened last begins with those of whom something was noted later: it is another house's list.
    paths = [path for path in pages_compared.REPORTS if path != "/people"]
    found |= pages_compared.seen("kim@ours.example", at=dirty.UNDONE, paths=paths)
    Path(file).write_text(json.dumps(found))
    return {}


def again(rows: str, people: str, folder: str) -> dict[str, Any]:
    """The same files come in once more."""
    import dirty_house

    report = dirty_house.imported(Path(folder), int(rows), int(people))
    return {"accepted": report.accepted, "people": report.people}


def _others(folder: str) -> None:
    """What happens beside the files: people we know come by, and at every door somebody tells of some of whom only the
    files tell; the worker does its part."""
    import dirty
    import dirty_house
    import others_told

    dirty_house.acted(json.loads(Path(folder, "passing_by.json").read_text()))
    for number, tell in enumerate(others_told.by_all_doors(dirty.told_of(Path(folder), 300))):
        tell(dirty.ACTED + number * 1_000_000)
    dirty_house.worked(dirty.WORKED)


def _time_passes() -> None:
    import dirty
    import dirty_house

    dirty_house.worked(dirty.UNDONE)
    dirty_house.looked_at(dirty.UNDONE)


def _keys_stay() -> None:
    from rung.lifecycle import undoing

    undoing.people.take_keys = lambda *_, **__: None  # type: ignore[assignment]


def _companies_stay() -> None:
    from rung.lifecycle import undoing

    undoing.people.remove_companies = lambda *_: None  # type: ignore[assignment]


def _handoffs_stay() -> None:
    from rung.lifecycle import undoing

    undoing._remove_handoffs = lambda *_: {}  # type: ignore[assignment]


def _moves_are_forgotten() -> None:
    from rung.lifecycle.deciding import former

    former.moves_of = lambda *_: {}  # type: ignore[assignment]


def _only_imports_tell() -> None:
    from rung.people.identify import Register

    Register._is_told_anew = lambda *_: False  # type: ignore[method-assign]


def _held_back_stays() -> None:
    from rung.lifecycle import undoing

    undoing.telling_again.of_people = lambda *_, **__: None  # type: ignore[assignment]


BUGS: dict[str, Callable[[], None]] = {
    "keys-stay": _keys_stay,
    "companies-stay": _companies_stay,
    "handoffs-stay": _handoffs_stay,
    "moves-are-forgotten": _moves_are_forgotten,
    "only-imports-tell": _only_imports_tell,
    "held-back-stays": _held_back_stays,
}
STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    "lived": lived,
    "with": with_import,
    "without": without_import,
    "told": told,
    "again": again,
}


if __name__ == "__main__":
    from rung import starting

    starting.open_house()
    starting.serve_no_pages()
    print(json.dumps(STEPS[sys.argv[1]](*sys.argv[2:])))
