"""Arguments as tensors: from numbers, lists, arrays of any byte order, and ordinary tensors."""

import numpy as np
import torch
from torch import Tensor

from adversarial_nets.errors import UserError

__all__ = ["as_tensor", "refuse_unusual"]


def refuse_unusual(name: str, given: Tensor) -> None:
    """Raise an error for a tensor that has no dense values in memory."""
    if given.layout != torch.strided or given.is_quantized or given.is_meta or given.is_nested:
        raise UserError(
            f"{name} is a meta, sparse, nested or quantised tensor; give an ordinary one, for "
            "example x.to_dense(), x.dequantize() or torch.stack(list_of_tensors)."
        )


def as_tensor(name: str, given: object) -> Tensor:
    """An argument as a tensor of real numbers without gradients.

    Args:
        name: the name of the argument in error messages, e.g. ``z``.
        given: a tensor, an array, or lists of numbers.

    Raises:
        UserError: the argument does not contain real numbers, or is not a dense tensor in memory.

    >>> as_tensor("z", np.array([1.5, 2.5], ">f8")).tolist()
    [1.5, 2.5]
    """
    try:
        if isinstance(given, np.ndarray):
            # A copy in this machine's byte order: torch takes no other, and warns if read-only.
            given = np.array(given, given.dtype.newbyteorder("="), order="C")
        found = torch.as_tensor(given)
        if found.is_complex():
            raise ValueError("a complex tensor")
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise UserError(
            f"{name} is not a tensor or an array of numbers ({str(error).rstrip('.')}). Give one, "
            "e.g. torch.tensor([0, 1]) or numpy.array([0.5, 1.5])."
        ) from error
    refuse_unusual(name, found)
    return found.detach()
