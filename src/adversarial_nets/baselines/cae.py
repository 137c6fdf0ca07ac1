"""A stacked contractive autoencoder (Rifai et al. 2011, 2012), the row "Stacked CAE" of Table 1.

One layer has a code h and, with the same weights the other way, a reconstruction of x,

    h = f(x) = σ(W x + c),    g(h) = σ(Wᵀ h + b),

and pays, beside the cross-entropy of g(f(x)) to x, for a code that moves when x does: λ times the
squared Frobenius norm of the Jacobian J = ∂h/∂x = diag(h(1 − h)) W, which is

    ‖J‖² = Σ_j [h_j (1 − h_j)]² Σ_i W_ji².

A second layer learns the first one's codes. What is left of J spans the directions in which the
data vary, and sampling walks along them (Rifai et al. 2012): from x go to h = f(x), add
Δ = J Jᵀ ε with ε ~ N(0, σ² I), and come back, x ← g(h + Δ). With two layers, s = h(1 − h),

    J = diag(s²) W² diag(s¹) W¹

and the noise is added at the top code, which is decoded twice. J is never formed.

The published row gives no settings: sizes, λ, rates and lengths are ours.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.baselines.chains import STATED, Chains, chain
from adversarial_nets.baselines.fitting import FitSession, adam_state, descend, minibatch
from adversarial_nets.progress import Progress
from adversarial_nets.random import Address

__all__ = [
    "CAE",
    "SIGMAS",
    "Layer",
    "Settings",
    "fit",
    "jacobian_products",
    "penalty",
    "sample",
    "tune",
    "walk",
]


@dataclass(frozen=True)
class Settings:
    """How the layers are trained; every number is ours.

    Attributes:
        hidden: units of each layer, the one at the image first.
        contraction: λ, the weight of ‖J‖² beside the cross-entropy summed over pixels; of .03, .1,
            .3 and 1 the best on the embedded sample's validation images.
        epochs: epochs of each layer.
        lr: Adam's learning rate.
        batch: images in an update.
        seed: addresses every draw.
    """

    hidden: tuple[int, ...] = (1000, 1000)
    contraction: float = 1.0
    epochs: int = 100
    lr: float = 1e-3
    batch: int = 100
    seed: int = 0


@dataclass(frozen=True)
class Layer:
    """One autoencoder: W is (hidden, input), c the code's bias, b the reconstruction's."""

    W: Float[Tensor, "hidden input"]
    b: Float[Tensor, " input"]
    c: Float[Tensor, " hidden"]

    def f(self, x: Float[Tensor, "n input"]) -> Float[Tensor, "n hidden"]:
        """The code of x."""
        return torch.addmm(self.c, x, self.W.T).sigmoid()

    def g_logits(self, h: Float[Tensor, "n hidden"]) -> Float[Tensor, "n input"]:
        """The reconstruction from a code, before its sigmoid."""
        return torch.addmm(self.b, h, self.W)


@dataclass(frozen=True)
class CAE:
    """Layers, the one at the image first, and σ: how far a step of the walk goes."""

    layers: tuple[Layer, ...]
    σ: float = 1.0

    def tensors(self) -> dict[str, Tensor]:
        """Every parameter by name."""
        return {f"{name}{i}": x for i, layer in enumerate(self.layers) for name, x in _of(layer)}


def _of(layer: Layer) -> tuple[tuple[str, Tensor], ...]:
    return ("W", layer.W), ("b", layer.b), ("c", layer.c)


def penalty(layer: Layer, h: Float[Tensor, "n hidden"]) -> Float[Tensor, " n"]:
    """‖∂h/∂x‖², the Jacobian's squared Frobenius norm, for each code."""
    return (h * (1 - h)).square() @ layer.W.square().sum(1)


def loss(layer: Layer, x: Float[Tensor, "n input"], contraction: float) -> Float[Tensor, ""]:
    """Cross-entropy summed over pixels plus λ‖J‖², a mean over images."""
    h = layer.f(x)
    entropy = F.binary_cross_entropy_with_logits(layer.g_logits(h), x, reduction="sum")
    return entropy / len(x) + contraction * penalty(layer, h).mean()


def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> CAE:
    """Train layer after layer on images in [0, 1].

    Args:
        images: what to learn.
        settings: sizes and schedules.
        session: keeps and watches the fitting; see `FitSession`.
    """
    s = settings
    sizes = (images.shape[1], *s.hidden)
    layers = []
    for i, (a, b) in enumerate(pairwise(sizes)):
        u = Address(s.seed, 0, range(b)).uniform(f"CAE W{i}", a)
        W = (2 * u - 1) * math.sqrt(6 / (a + b))
        layers.append(Layer(W, torch.zeros(a), torch.zeros(b)))
    cae = CAE(tuple(layers))
    memory = adam_state(cae.tensors())
    length = s.epochs * max(len(images) // s.batch, 1)
    steps = (session or FitSession()).steps(length * len(layers), cae, cae.tensors(), memory)
    for i, layer in enumerate(layers):
        θ = {f"{name}{i}": x for name, x in _of(layer)}
        for t, note in steps.upto((i + 1) * length, θ):
            x = minibatch(images, s.seed, t, s.batch)
            with torch.no_grad():
                for below in layers[:i]:
                    x = below.f(x)
            value = loss(layer, x, s.contraction)
            descend(θ, memory, value, s.lr)
            note(value.item())
    return cae


def jacobian_products(
    layers: Sequence[Layer], codes: Sequence[Tensor], ε: Float[Tensor, "n top"]
) -> Float[Tensor, "n top"]:
    """J Jᵀ ε for each image, J the top code's Jacobian by the image: down the layers, and up.

    Args:
        layers: the one at the image first.
        codes: each layer's code of the images.
        ε: a vector for each image.
    """
    slopes = [h * (1 - h) for h in codes]
    v = ε
    for layer, s in zip(reversed(layers), reversed(slopes), strict=True):
        v = (v * s) @ layer.W
    for layer, s in zip(layers, slopes, strict=True):
        v = (v @ layer.W.T) * s
    return v


def walk(
    cae: CAE, x: Float[Tensor, "n pixels"], draw: torch.Generator
) -> Float[Tensor, "n pixels"]:
    """One step of the chain: encode, move by J Jᵀ ε along the data, decode."""
    codes, h = [], x
    for layer in cae.layers:
        h = layer.f(h)
        codes.append(h)
    ε = cae.σ * torch.randn(h.shape, generator=draw)
    h = h + jacobian_products(cae.layers, codes, ε)
    for layer in reversed(cae.layers):
        h = layer.g_logits(h).sigmoid()
    return h


SIGMAS: tuple[float, ...] = tuple(10 ** (-2 + 3 * i / 12) for i in range(13))
"""Steps to choose from: logspace(−2, 1, 13)."""


def tune(cae: CAE, score: Callable[[CAE], float]) -> CAE:
    """Walk with the σ of `SIGMAS` that scores best.

    Args:
        cae: the fitted autoencoder.
        score: gives a model's validation score.
    """
    return max((replace(cae, σ=σ) for σ in SIGMAS), key=score)


@torch.no_grad()
def sample(
    cae: CAE,
    n: int,
    *,
    start: Float[Tensor, "m pixels"],
    seed: int = 0,
    policy: Chains = STATED,
    on_progress: Progress | None = None,
) -> Float[Tensor, "n pixels"]:
    """Walk from training images; emit each kept step's mean image.

    Args:
        cae: the autoencoder.
        n: how many images.
        start: training images, at least as many as there are chains; the first ones are taken.
        seed: addresses every draw.
        policy: how many chains, their burn-in and thinning.
        on_progress: called after each step.
    """
    return chain(
        lambda x, draw: walk(cae, x, draw),
        lambda x: x,
        start[: policy.chains],
        n,
        policy,
        seed,
        on_progress,
    )
