"""A stacked contractive autoencoder, CAE (Rifai et al. 2011): the row "Stacked CAE" of Table 1.

One layer has a code h and, with the same weights transposed, a reconstruction of x:

    h = f(x) = σ(W x + c),    g(h) = σ(Wᵀ h + b).

Its loss is the cross-entropy between x and g(f(x)), plus λ times the squared Frobenius norm of the
Jacobian J = ∂h/∂x = diag(h(1 − h)) W, a penalty for codes that change when x changes:

    ‖J‖² = Σ_j [h_j (1 − h_j)]² Σ_i W_ji².

A second layer is trained on the codes of the first. After training, the large singular directions
of J are those in which the data vary, and sampling moves along them (Rifai et al. 2012,
arXiv:1206.6434): encode h = f(x), add Δ = J Jᵀ ε with ε ~ N(0, σ² I), and decode x ← g(h + Δ).
With two layers and s = h(1 − h),

    J = diag(s²) W² diag(s¹) W¹,

the noise is added to the top code, and two layers decode it. J itself is never computed.

The published row gives no settings: sizes, λ, learning rate and epochs are ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.baselines.chains import ChainSampler
from adversarial_nets.baselines.fitting import FitSession
from adversarial_nets.baselines.mlp import glorot_uniform
from adversarial_nets.baselines.optimisers import (
    adam_state,
    batches_per_epoch,
    minibatch,
    train_with_adam,
)

__all__ = [
    "CAE",
    "SIGMA_GRID",
    "Layer",
    "Settings",
    "chain_step",
    "contraction_penalty",
    "fit",
    "jacobian_product",
    "sample",
    "tune",
]


@dataclass(frozen=True)
class Settings:
    """Settings of a stacked CAE; every number is ours.

    Attributes:
        hidden: units of each layer, from the image up.
        contraction: λ, the weight of ‖J‖² relative to the cross-entropy summed over pixels: of .03,
            .1, .3 and 1 the best on the validation images of mnist-5k.
        epochs: epochs of each layer.
        lr: Adam's learning rate.
        batch: images in a minibatch.
        seed: seed of all random draws.
    """

    hidden: tuple[int, ...] = (1000, 1000)
    contraction: float = 1.0
    epochs: int = 100
    lr: float = 1e-3
    batch: int = 100
    seed: int = 0


@dataclass(frozen=True)
class Layer:
    """One contractive autoencoder.

    Attributes:
        W: weights.
        b: biases of the reconstruction.
        c: biases of the code.
    """

    W: Float[Tensor, "hidden input"]
    b: Float[Tensor, " input"]
    c: Float[Tensor, " hidden"]

    def encode(self, x: Float[Tensor, "n input"]) -> Float[Tensor, "n hidden"]:
        """Return the code f(x)."""
        return torch.addmm(self.c, x, self.W.T).sigmoid()

    def decode_logits(self, h: Float[Tensor, "n hidden"]) -> Float[Tensor, "n input"]:
        """Return the logits of the reconstruction g(h)."""
        return torch.addmm(self.b, h, self.W)


@dataclass(frozen=True)
class CAE:
    """A stacked CAE.

    Attributes:
        layers: the layers, from the image up.
        σ: standard deviation of the noise in a step of the sampling chain.
    """

    layers: tuple[Layer, ...]
    σ: float = 1.0

    def state_dict(self) -> dict[str, Tensor]:
        """Return every parameter by name."""
        named: dict[str, Tensor] = {}
        for i in range(len(self.layers)):
            named |= self.layer_parameters(i)
        return named

    def layer_parameters(self, i: int) -> dict[str, Tensor]:
        """Return the parameters of layer i by name."""
        layer = self.layers[i]
        return {f"W{i}": layer.W, f"b{i}": layer.b, f"c{i}": layer.c}


# --- Training -------------------------------------------------------------------------------------


def contraction_penalty(layer: Layer, h: Float[Tensor, "n hidden"]) -> Float[Tensor, " n"]:
    """Return ‖∂h/∂x‖², the squared Frobenius norm of the Jacobian, for each code."""
    return (h * (1 - h)).square() @ layer.W.square().sum(1)


def loss(layer: Layer, x: Float[Tensor, "n input"], contraction: float) -> Float[Tensor, ""]:
    """Return the cross-entropy summed over pixels plus λ‖J‖², the mean over images."""
    h = layer.encode(x)
    cross_entropy = F.binary_cross_entropy_with_logits(layer.decode_logits(h), x, reduction="sum")
    return cross_entropy / len(x) + contraction * contraction_penalty(layer, h).mean()


def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> CAE:
    """Train layer after layer with Adam (see `interface.Fit`)."""
    session = session or FitSession()
    sizes = (images.shape[1], *settings.hidden)
    layers = tuple(
        Layer(
            W=glorot_uniform(hidden, inputs, settings.seed, f"CAE W{i}"),
            b=torch.zeros(inputs),
            c=torch.zeros(hidden),
        )
        for i, (inputs, hidden) in enumerate(pairwise(sizes))
    )
    cae = CAE(layers)
    state = adam_state(cae.state_dict())
    per_layer = settings.epochs * batches_per_epoch(images, settings.batch)
    steps = session.steps(per_layer * len(layers), cae, cae.state_dict(), state)

    def loss_at(i: int, step: int) -> Tensor:
        x = minibatch(images, settings.seed, step, settings.batch)
        with torch.no_grad():
            for below in layers[:i]:
                x = below.encode(x)
        return loss(layers[i], x, settings.contraction)

    for i in range(len(layers)):
        parameters, last = cae.layer_parameters(i), (i + 1) * per_layer
        train_with_adam(steps, last, parameters, state, partial(loss_at, i), settings.lr)
    return cae


# --- Sampling: a Markov chain along the directions in which the data vary -------------------------


def jacobian_product(
    layers: Sequence[Layer], codes: Sequence[Tensor], ε: Float[Tensor, "n top"]
) -> Float[Tensor, "n top"]:
    """Return J Jᵀ ε for each image, J the Jacobian of the top code by the image.

    Args:
        layers: the layers, from the image up.
        codes: the code of each layer.
        ε: one vector for each image.
    """
    slopes = [h * (1 - h) for h in codes]
    v = ε
    for layer, s in zip(reversed(layers), reversed(slopes), strict=True):
        v = (v * s) @ layer.W
    for layer, s in zip(layers, slopes, strict=True):
        v = (v @ layer.W.T) * s
    return v


def chain_step(
    cae: CAE, x: Float[Tensor, "n pixels"], generator: torch.Generator
) -> Float[Tensor, "n pixels"]:
    """Take one step of the sampling chain: encode x, add J Jᵀ ε to the top code, decode."""
    codes, h = [], x
    for layer in cae.layers:
        h = layer.encode(h)
        codes.append(h)
    ε = cae.σ * torch.randn(h.shape, generator=generator)
    h = h + jacobian_product(cae.layers, codes, ε)
    for layer in reversed(cae.layers):
        h = layer.decode_logits(h).sigmoid()
    return h


SIGMA_GRID: tuple[float, ...] = tuple(10 ** (-2 + 3 * i / 12) for i in range(13))
"""The values of σ that `tune` tries: logspace(−2, 1, 13)."""


def tune(cae: CAE, score: Callable[[CAE], float]) -> CAE:
    """Return the CAE with the σ of `SIGMA_GRID` that has the best score."""
    return max((replace(cae, σ=σ) for σ in SIGMA_GRID), key=score)


sample: ChainSampler[CAE, Tensor] = ChainSampler(
    initial_state=lambda cae, images, generator: images,
    next_state=chain_step,
    mean_images=lambda cae, x: x,
)
"""Sample by chains of `chain_step`; the state is the image."""
