"""Arguments as arrays of numbers: from numbers, lists, arrays and tensors. Imports no torch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from adversarial_nets.errors import UserError

__all__ = ["as_array", "as_floats"]


def as_array(name: str, given: object) -> NDArray[Any]:
    """An argument as an array of real numbers of unchanged type; a tensor may need gradients.

    Args:
        name: the name of the argument in error messages, e.g. ``The means``.
        given: numbers, lists of them, an array, or a tensor.

    Raises:
        UserError: the argument contains something other than real numbers.

    >>> as_array("The means", [[1, 2], [3, 4]]).shape
    (2, 2)
    """
    plain: Any = given
    try:
        if hasattr(plain, "detach"):  # a tensor; NumPy has no bfloat16
            plain = plain.detach().cpu()
            plain = plain.float() if "bfloat16" in str(plain.dtype) else plain
        found = np.asarray(plain)
        if found.dtype == object:  # fractions are numbers; None is not
            found = np.reshape([float(value) for value in found.flat], found.shape)
        if found.dtype.kind not in "fiub":
            raise TypeError(f"they are of type {found.dtype}")
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise UserError(
            f"{name} cannot be read as numbers ({str(error).rstrip('.')}). Give a list or an "
            "array of numbers, e.g. [0.5, 1.5]."
        ) from error
    return found


def as_floats(name: str, given: object) -> NDArray[np.float64]:
    """`as_array` in float64."""
    return as_array(name, given).astype(np.float64)
