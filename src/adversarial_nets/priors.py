"""Priors p_z(z) of the generator's input noise (§3)."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.errors import SettingError
from adversarial_nets.random import Address

__all__ = ["Prior", "draw", "truncate"]

Prior = Literal["uniform", "gaussian", "spherical"]


def draw(prior: Prior, address: Address, size: int, purpose: str = "z") -> Float[Tensor, "m size"]:
    """Draw one noise vector z ~ p_z for each row of the address.

    Every prior has mean 0 and variance 1 in each coordinate.

    Args:
        prior: ``uniform``, U(−√3, √3) in each coordinate (published for MNIST); ``gaussian``,
            N(0, I) (published for TFD and CIFAR-10); or ``spherical``, uniform on the sphere of
            radius √size.
        address: seed, step and rows of the draw.
        size: dimension of z; the paper uses 100.
        purpose: name of the draw; draws with different names are independent.

    >>> z = draw("uniform", Address(seed=0, step=0, rows=range(1000)), size=100)
    >>> z.shape, bool(z.abs().max() <= 3**0.5), round(z.std().item(), 1)
    (torch.Size([1000, 100]), True, 1.0)
    """
    if prior == "uniform":
        return (2 * address.uniform(purpose, size) - 1) * 3**0.5
    z = address.normal(purpose, size)
    if prior == "spherical":
        z = z * (size**0.5 / z.norm(dim=1, keepdim=True))
    return z


def truncate(prior: Prior, z: Float[Tensor, "m size"], bound: float) -> Float[Tensor, "m size"]:
    """Noise of the prior, given that every coordinate lies within ± bound.

    The truncation trick of BigGAN (Brock et al. 2019, arXiv:1809.11096, §3.1), without rejected
    draws: each coordinate keeps its quantile, so z moves continuously with the bound. Images become
    less varied. A small bound gives noise of a smaller norm than in training, and with preset
    pictures grey images without details.

    Args:
        prior: ``gaussian`` or ``uniform``.
        z: draws from the whole prior.
        bound: above 0; 2 is a mild truncation of a Gaussian, .5 a strong one.

    Raises:
        SettingError: a bound of 0 or less, or a spherical prior, whose coordinates are dependent.

    >>> z = draw("gaussian", Address(seed=0, step=0, rows=range(1000)), size=100)
    >>> round(truncate("gaussian", z, 0.5).abs().max().item(), 2)
    0.5
    """
    if not bound > 0:
        raise SettingError("truncation", f"is {bound:g}; it must be above 0, for example 1.")
    if prior == "spherical":
        raise SettingError(
            "truncation", "needs a gaussian or uniform prior; this one is spherical. Leave it out."
        )
    if prior == "uniform":
        return z * min(bound / 3**0.5, 1.0)
    low = torch.special.ndtr(torch.tensor(-bound, dtype=torch.float64))
    quantile = low + torch.special.ndtr(z.double()) * (1 - 2 * low)
    return torch.special.ndtri(quantile).clamp(-bound, bound).to(z)
