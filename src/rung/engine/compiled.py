"""The kernel compiled: the only importer of Numba, so only a worker or a child process may import this module.

The functions are those of `kernel.py` and `joining.py`, word for word: they are given to Numba with a namespace in
which they call each other's compiled selves. What is compiled is kept on disk beside them and found again while the
source is the same.
"""

import hashlib
from types import FunctionType
from typing import Any, Final

import numba
import numpy as np
from numba.core import cgutils, types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, models, register_model

from rung.engine import joining, kernel
from rung.engine.records import dtype_of

# --- bundles by reference -------------------------------------------------------------------------------------------
#
# Numba hands a named tuple of arrays on by value: hundreds of words at every call. Inside the kernel a bundle is
# therefore a pointer to the tuple, which lives on the stack of the outermost function for as long as that runs.


class Borrowed(types.Type):
    """A named tuple that is looked at where it stands."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        digest = hashlib.sha256(str(inner).encode()).hexdigest()[:16]  # Numba handles names a great deal: a short one
        super().__init__(name=f"Borrowed({inner.instance_class.__name__}:{digest})")


@register_model(Borrowed)
class _BorrowedModel(models.PrimitiveModel):  # type: ignore[misc]  # Numba's classes are untyped
    def __init__(self, manager: Any, type_: Any) -> None:
        super().__init__(manager, type_, manager.lookup(type_.inner).get_value_type().as_pointer())


@infer_getattr
class _BorrowedFields(AttributeTemplate):  # type: ignore[misc]  # Numba's classes are untyped
    key = Borrowed

    def generic_resolve(self, type_: Any, name: str) -> Any:
        return type_.inner[type_.inner.fields.index(name)]


@lower_getattr_generic(Borrowed)  # type: ignore[untyped-decorator]  # Numba's
def _field(context: Any, builder: Any, type_: Any, pointer: Any, name: str) -> Any:
    """The field, read through the pointer; an array is lent."""
    index = type_.inner.fields.index(name)
    value = builder.load(cgutils.gep_inbounds(builder, pointer, 0, index))
    if not isinstance(type_.inner[index], types.Array):
        return value
    return _without_owner(context, builder, type_.inner[index], value)


def _without_owner(context: Any, builder: Any, type_: Any, value: Any) -> Any:
    """The array, of which nobody counts references: the outermost function's caller holds it."""
    array = context.make_array(type_)(context, builder, value=value)
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    array.parent = cgutils.get_null_value(array.parent.type)
    return array._getvalue()


@intrinsic  # type: ignore[untyped-decorator]  # Numba's
def borrow(_: Any, lent: Any) -> Any:
    def pointer(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return cgutils.alloca_once_value(builder, arguments[0])

    def unowned(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _without_owner(context, builder, lent, arguments[0])

    return (lent(lent), unowned) if isinstance(lent, types.Array) else (Borrowed(lent)(lent), pointer)


# --- the functions --------------------------------------------------------------------------------------------------


def _compiled(module: Any, *doors: str, **stand_ins: Any) -> tuple[Any, ...]:
    """The functions named, compiled with all that they call.

    Only the doors are kept on disk, each with everything it calls; so all of that must stand in the door's own file,
    by whose change Numba knows that it must compile again.
    """
    namespace = {**vars(module), **stand_ins}
    for name, function in vars(module).items():
        if isinstance(function, FunctionType) and function.__module__ == module.__name__ and name not in stand_ins:
            twin = FunctionType(function.__code__, namespace, name, function.__defaults__)
            is_door = name in doors
            namespace[name] = numba.njit(
                twin,
                cache=is_door,
                error_model="numpy",
                nogil=True,
                no_cpython_wrapper=not is_door,
                no_cfunc_wrapper=True,
            )
    return tuple(namespace[name] for name in doors)


sort_rows, stretches, reach = _compiled(joining, "sort_rows", "stretches", "reach")
run_all, run_several = _compiled(kernel, "run_all", "run_several", lend=borrow)


# --- bundles of arrays ----------------------------------------------------------------------------------------------

_REALS: Final = frozenset({"constants", "numbers"})
_RECORDS: Final[dict[str, Any]] = {
    "steps": kernel.Step,
    "signals": kernel.Signal,
    "fit": kernel.FitLine,
    "rungs": kernel.Rung,
    "setbacks": kernel.Line,
    "reasons": kernel.Reason,
    "standings": kernel.Standing,
    "timers": kernel.Timer,
    "decays": kernel.Decay,
    "values": kernel.ValueRecord,
    "rows": kernel.RowRecord,
    "payloads": kernel.Payload,
    "updates": kernel.Update,
    "matches": kernel.Match,
    "joins": kernel.Joining,
}


def as_arrays(bundle: Any) -> Any:
    """A bundle of lists (and numbers) as a bundle of arrays, lists of records becoming arrays of records."""
    return type(bundle)(*(_as_array(part, name) for name, part in zip(bundle._fields, bundle, strict=True)))


def _as_array(part: Any, name: str) -> Any:
    if not isinstance(part, list):
        return part
    if name in _RECORDS:
        return np.array(part, dtype_of(_RECORDS[name]))
    return np.array(part, np.float64 if name in _REALS else np.int64)
