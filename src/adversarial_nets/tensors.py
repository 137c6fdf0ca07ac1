"""Arguments as tensors: from numbers, lists, arrays of any byte order, and ordinary tensors."""

import numpy as np
import torch
from torch import Tensor

from adversarial_nets.errors import UserError

__all__ = ["as_tensor"]


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
        if found.layout != torch.strided or found.is_quantized or found.is_meta or found.is_nested:
            raise ValueError("a sparse, nested or quantised tensor, or one without values")
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{name} is not a tensor or an array of numbers ({str(error).rstrip('.')}). Give one, "
            "e.g. torch.tensor([0, 1]) or numpy.array([0.5, 1.5])."
        ) from error
    return found.detach()
