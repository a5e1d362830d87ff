"""The kernel's records as array types: an array's records have the same fields as the named tuple."""

from typing import Any, Final

import numpy as np

from rung.engine import kernel as k


def dtype_of(record: Any) -> np.dtype[Any]:
    """The array type whose records have the same fields as the named tuple."""
    kinds = {int: np.int64, float: np.float64}
    return np.dtype([(name, kinds[type_]) for name, type_ in record.__annotations__.items()])


PAYLOAD: Final = dtype_of(k.Payload)
UPDATE: Final = dtype_of(k.Update)
MATCH: Final = dtype_of(k.Match)
JOINING: Final = dtype_of(k.Joining)
VALUE: Final = dtype_of(k.ValueRecord)
ROW: Final = dtype_of(k.RowRecord)
