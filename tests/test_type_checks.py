"""Shapes and types are checked while the tests run."""

from contextlib import suppress

import jaxtyping
import pytest
import torch

from adversarial_nets.objectives import value
from adversarial_nets.random import Address
from type_checks import EVERY, FIRST


def test_wrong_shapes_and_types_are_refused() -> None:
    right, wrong = torch.zeros(3), torch.zeros(3, 1)
    with pytest.raises(jaxtyping.TypeCheckError):
        value(right, wrong)
    with pytest.raises(jaxtyping.TypeCheckError):
        Address("0", 0, range(3))  # type: ignore[arg-type]
    for _ in range(FIRST):
        value(right, right)
    refused = 0
    for _ in range(10 * EVERY):
        with suppress(jaxtyping.TypeCheckError):
            value(right, wrong)
            refused -= 1
        refused += 1
    assert refused == 10
