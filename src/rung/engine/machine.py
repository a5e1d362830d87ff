"""The functions written for two lives, plain or compiled, and how bundles and columns must look for them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rung.engine import joining
from rung.engine import kernel as k


@dataclass(frozen=True, slots=True)
class Machine:
    """`bundle` and `column` turn named tuples of arrays, and arrays, into what the functions take."""

    is_compiled: bool
    sort_rows: Callable[..., None]
    stretches: Callable[..., None]
    reach: Callable[..., int]
    run_all: Callable[..., int]
    bundle: Callable[[Any], Any]
    column: Callable[[Any], Any]


def plain() -> Machine:
    """For short histories: done before Numba has been loaded."""
    return Machine(
        False, joining.sort_rows, joining.stretches, joining.reach, k.run_all, _as_lists, lambda column: column.tolist()
    )


def fast() -> Machine:
    """For large ones. Loads Numba, so a process that serves pages must not ask for it."""
    from rung.engine import compiled

    return Machine(
        True,
        compiled.sort_rows,
        compiled.stretches,
        compiled.reach,
        compiled.run_all,
        compiled.as_arrays,
        lambda column: column,
    )


_RECORDS = {
    "payloads": k.Payload,
    "updates": k.Update,
    "matches": k.Match,
    "joins": k.Joining,
    "rows": k.RowRecord,
    "values": k.ValueRecord,
}


def _as_lists(bundle: Any) -> Any:
    return type(bundle)(*(_as_list(part, name) for name, part in zip(bundle._fields, bundle, strict=True)))


def _as_list(part: Any, name: str) -> Any:
    if not isinstance(part, np.ndarray):
        return part
    if part.dtype.names is None:
        return part.tolist()
    record = _RECORDS[name]
    return [record(*each) for each in part.tolist()]
