"""Gradients through discrete units in adversarial nets and in a VAE (§2)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from adversarial_nets import objectives
from adversarial_nets.baselines import vae
from adversarial_nets.random import Address

__all__ = ["GradientNorms", "gradient_norms", "sample_normal"]


@dataclass(frozen=True)
class GradientNorms:
    """Gradient norms of a model's weights before and after its hidden units.

    Attributes:
        model: ``"adversarial nets"`` or ``"VAE"``.
        discrete: which units are binary: ``"none"``, ``"hidden"`` or ``"visible"``.
        below: norm for the weights before the hidden units (G's first layer; the encoder).
        above: norm for the weights after the hidden units (G's last layer; the decoder).
    """

    model: str
    discrete: str
    below: float
    above: float


def gradient_norms(seed: int = 0) -> tuple[GradientNorms, ...]:
    """Gradient norms of G's two layers and of a VAE's encoder and decoder, with discrete units.

    A binary unit has derivative 0 almost everywhere, so no gradient reaches the weights before it.
    In adversarial nets, G's *visible* units are between D and all of G's weights, so they must not
    be discrete. In a VAE the data are only compared with the decoder's output, so visible units may
    be discrete; but the *hidden* z is between the reconstruction loss and the encoder. (The KL term
    of the VAE's bound is omitted, as it does not depend on the image.)

    Args:
        seed: seed of the weights, the noise and the data.

    >>> {(f.model, f.discrete): f.below > 0 for f in gradient_norms()}[
    ...     ("adversarial nets", "visible")
    ... ]
    False
    """
    return tuple(
        norms(discrete, seed)
        for norms in (_gradient_norms_of_G, _gradient_norms_of_VAE)
        for discrete in ("none", "hidden", "visible")
    )


def sample_normal(seed: int, purpose: str, rows: int, width: int) -> Float[Tensor, "rows width"]:
    """N(0, 1) random numbers; different purposes are independent."""
    return Address(seed, 0, range(rows)).normal(purpose, width)


def _gradient_norms_of_G(discrete: str, seed: int) -> GradientNorms:
    """Gradient norms for a G with one hidden layer and a linear D with random weights."""
    bottom, top, D = (
        sample_normal(seed, f"weights {i}", *shape).requires_grad_(i < 2)
        for i, shape in enumerate(((8, 16), (16, 12), (12, 1)))
    )
    h = sample_normal(seed, "z", 64, 8) @ bottom
    h = h.sign() if discrete == "hidden" else h.relu()
    x = (h @ top / 4).sigmoid()
    x = x.round() if discrete == "visible" else x
    loss = objectives.generator_loss((x @ D)[:, 0], "non-saturating")
    below, above = torch.autograd.grad(loss, (bottom, top))
    return GradientNorms("adversarial nets", discrete, below.norm().item(), above.norm().item())


def _gradient_norms_of_VAE(discrete: str, seed: int) -> GradientNorms:
    """Gradient norms of the reconstruction loss, for binary or continuous data."""
    settings = vae.Settings(hidden=(16,), z_size=4, epochs=0, seed=seed)
    x = sample_normal(seed, "x", 64, 12).sigmoid()
    model = vae.fit(x, settings)
    x = x.round() if discrete == "visible" else x
    encoder, decoder = (
        [p.requires_grad_() for layer in layers for p in layer]
        for layers in (model.encoder, model.decoder)
    )
    μ, log_var = vae.encode(model, x)
    z = μ + (log_var / 2).exp() * sample_normal(seed, "ε", 64, 4)
    z = z.sign() if discrete == "hidden" else z
    loss = F.binary_cross_entropy(vae.decode(model, z), x, reduction="sum") / len(x)
    gradients = torch.autograd.grad(loss, [*encoder, *decoder])
    below, above = (
        torch.cat([g.flatten() for g in part]).norm().item()
        for part in (gradients[: len(encoder)], gradients[len(encoder) :])
    )
    return GradientNorms("VAE", discrete, below, above)
