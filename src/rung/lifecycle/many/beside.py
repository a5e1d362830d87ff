"""What a process beside ours does: decide people. Imported before Django is there, it imports late."""

import logging
import multiprocessing
import os
import threading
from collections.abc import Sequence
from typing import Any


def begin() -> None:
    """Loads Django and the compiled kernel; from now on the process ends with whoever asked, however that ends."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rung.settings")
    django.setup()
    from rung.lifecycle.deciding import compiling

    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        compiling.here()
    except Exception:
        logging.getLogger(__name__).exception("The kernel cannot be compiled: people are decided plainly.")


def decided(part: Sequence[int], generation_id: int, before_id: int, at: int) -> Any:
    """The rows (`anew.Rows`) of these people in the generation. `before_id`: the one that was in force so far."""
    from rung.lifecycle.deciding import line as lines
    from rung.lifecycle.many import columns
    from rung.lifecycle.models import Generation

    generations = Generation.objects.select_related("playbook").in_bulk([generation_id, before_id])
    return columns.rows_of(part, lines.of(generations[generation_id]), lines.of(generations[before_id]), at=at)


def found_again(part: Sequence[int], generation_id: int, at: int) -> Any:
    """What these people, or who they live on as, have become in the generation (`again.Again`)."""
    from rung.lifecycle.deciding import line as lines
    from rung.lifecycle.deciding.memory import nothing_to_collect
    from rung.lifecycle.many import again
    from rung.lifecycle.models import Generation
    from rung.people.queries import living_ids

    with nothing_to_collect():
        line = lines.of(Generation.objects.select_related("playbook").get(pk=generation_id))
        return again.found(line, sorted(set(living_ids(part).values())), at=at, is_first=True)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
