"""Multilayer perceptrons (MLPs) with ReLU and dropout, as plain tensors."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from adversarial_nets.random import Address

__all__ = ["MLP", "glorot_uniform", "init_mlp", "mlp", "named_parameters"]

MLP = tuple[tuple[Tensor, Tensor], ...]
"""The layers of an MLP, from input to output: W (inputs, outputs) and the bias of each."""


def glorot_uniform(rows: int, columns: int, seed: int, purpose: str) -> Tensor:
    """Draw a weight matrix W ~ U(±√(6 / (rows + columns))) (Glorot and Bengio 2010).

    Args:
        rows: rows of W.
        columns: columns of W.
        seed: the model's seed.
        purpose: name of these draws; another name gives other numbers.
    """
    u = Address(seed, 0, range(rows)).uniform(purpose, columns)
    return (2 * u - 1) * math.sqrt(6 / (rows + columns))


def init_mlp(sizes: Sequence[int], seed: int, purpose: str, std: float | None = None) -> MLP:
    """Return a new MLP with biases of 0.

    Args:
        sizes: number of inputs, units of each hidden layer, number of outputs. Fewer than two
            sizes give an empty MLP.
        seed: the model's seed.
        purpose: name of the random draws.
        std: draw the weights from N(0, std²); by default they are drawn by `glorot_uniform`.
    """

    def weights(inputs: int, outputs: int, purpose: str) -> Tensor:
        if std is None:
            return glorot_uniform(inputs, outputs, seed, purpose)
        return std * Address(seed, 0, range(inputs)).normal(purpose, outputs)

    return tuple(
        (weights(inputs, outputs, f"{purpose} {i}"), torch.zeros(outputs))
        for i, (inputs, outputs) in enumerate(pairwise(sizes))
    )


def mlp(
    x: Tensor, layers: MLP, keep_prob: float = 1.0, generator: torch.Generator | None = None
) -> Tensor:
    """Apply an MLP with ReLU between its layers; return the last layer's linear outputs.

    Args:
        x: (n, inputs).
        layers: the MLP. An empty one returns x.
        keep_prob: probability that dropout keeps a hidden unit; kept units are scaled by
            1/keep_prob.
        generator: source of the dropout masks; no dropout if None.
    """
    for i, (W, b) in enumerate(layers):
        if i:
            x = x.relu()
            if generator is not None and keep_prob < 1:
                x = x * (torch.rand(x.shape, generator=generator) < keep_prob) / keep_prob
        x = torch.addmm(b, x, W)
    return x


def named_parameters(**networks: MLP) -> dict[str, Tensor]:
    """Return every parameter of some MLPs by name, such as ``decoder.0.W``."""
    return {
        f"{network}.{i}.{name}": parameter
        for network, layers in networks.items()
        for i, layer in enumerate(layers)
        for name, parameter in zip("Wb", layer, strict=True)
    }
