"""Multilayer perceptrons as plain tensors: a tuple of (W, b) with ReLU between."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from adversarial_nets.random import Address

__all__ = ["Layers", "named", "new", "through"]

Layers = tuple[tuple[Tensor, Tensor], ...]


def new(sizes: Sequence[int], seed: int, purpose: str) -> Layers:
    """W ~ U(±√(6 / (inputs + outputs))), biases 0."""
    layers = []
    for i, (a, b) in enumerate(pairwise(sizes)):
        u = Address(seed, 0, range(a)).uniform(f"{purpose} {i}", b)
        layers.append(((2 * u - 1) * math.sqrt(6 / (a + b)), torch.zeros(b)))
    return tuple(layers)


def through(
    x: Tensor, layers: Layers, keep: float = 1.0, draw: torch.Generator | None = None
) -> Tensor:
    """The last layer's outputs, linear.

    Args:
        x: (n, inputs).
        layers: the perceptron.
        keep: the share of hidden units that dropout leaves, scaled by 1/keep.
        draw: where its masks come from; no dropout without it.
    """
    for i, (W, b) in enumerate(layers):
        if i:
            x = x.relu()
            if draw is not None and keep < 1:
                x = x * (torch.rand(x.shape, generator=draw) < keep) / keep
        x = torch.addmm(b, x, W)
    return x


def named(**nets: Layers) -> dict[str, Tensor]:
    """Every parameter by name, such as ``decoder.0.W``."""
    return {
        f"{net}.{i}.{name}": x
        for net, layers in nets.items()
        for i, layer in enumerate(layers)
        for name, x in zip("Wb", layer, strict=True)
    }
