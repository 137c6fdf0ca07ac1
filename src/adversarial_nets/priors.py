"""Priors p_z(z) of the generator's input noise (§3).

To add a prior, add an entry to `PRIORS` and its name to `settings.PriorName`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.errors import SettingError, unknown_name
from adversarial_nets.random import Address

__all__ = ["PRIORS", "Prior", "draw", "find", "truncate"]

Noise = Float[Tensor, "m size"]


@dataclass(frozen=True)
class Prior:
    """A distribution of z, with mean 0 and variance 1 in each coordinate.

    Attributes:
        draw: draws one vector for each row of an address: a function of (address, purpose,
            dimension).
        nearest: maps each z to the nearest point of the prior's support.
        quantile: the quantile function of one coordinate, for probabilities in float64; None if the
            coordinates are dependent.
        truncate: maps each coordinate to the same quantile of the prior truncated to ± a bound;
            None if the coordinates are dependent.
        bound: the largest coordinate in absolute value.
        straight: whether points on the line between two draws are typical draws. For a Gaussian
            they are not: their norm is too small.
    """

    draw: Callable[[Address, str, int], Tensor]
    nearest: Callable[[Tensor], Tensor]
    quantile: Callable[[Tensor], Tensor] | None = None
    truncate: Callable[[Tensor, float], Tensor] | None = None
    bound: float = math.inf
    straight: bool = False


def _onto_sphere(z: Tensor) -> Tensor:
    """The nearest points on the sphere of radius √size."""
    return z * (z.shape[1] ** 0.5 / z.norm(dim=1, keepdim=True).clamp_min(1e-8))


def _truncated_gaussian(z: Tensor, bound: float) -> Tensor:
    low = torch.special.ndtr(torch.tensor(-bound, dtype=torch.float64))
    quantile = low + torch.special.ndtr(z.double()) * (1 - 2 * low)
    return torch.special.ndtri(quantile).clamp(-bound, bound).to(z)


PRIORS: dict[str, Prior] = {
    "uniform": Prior(  # U(−√3, √3) in each coordinate; published for MNIST
        draw=lambda address, purpose, size: (2 * address.uniform(purpose, size) - 1) * 3**0.5,
        nearest=lambda z: z.clamp(-(3**0.5), 3**0.5),
        quantile=lambda u: (2 * u - 1) * 3**0.5,
        truncate=lambda z, bound: z * min(bound / 3**0.5, 1.0),
        bound=3**0.5,
        straight=True,
    ),
    "gaussian": Prior(  # N(0, I); published for TFD and CIFAR-10
        draw=lambda address, purpose, size: address.normal(purpose, size),
        nearest=lambda z: z,
        quantile=torch.special.ndtri,
        truncate=_truncated_gaussian,
    ),
    "spherical": Prior(  # uniform on the sphere of radius √size
        draw=lambda address, purpose, size: _onto_sphere(address.normal(purpose, size)),
        nearest=_onto_sphere,
    ),
}
"""Every prior by its name in the settings."""


def find(name: str) -> Prior:
    """The prior of that name.

    Raises:
        UserError: the prior is unknown; the message suggests the nearest name.
    """
    if name not in PRIORS:
        raise unknown_name(name, list(PRIORS), "prior")
    return PRIORS[name]


def draw(prior: str, address: Address, size: int, purpose: str = "z") -> Noise:
    """Draw one noise vector z ~ p_z for each row of the address.

    Args:
        prior: a name in `PRIORS`.
        address: seed, step and rows of the draw.
        size: dimension of z; the paper uses 100.
        purpose: name of the draw; draws with different names are independent.

    Raises:
        UserError: an unknown prior.

    >>> z = draw("uniform", Address(seed=0, step=0, rows=range(1000)), size=100)
    >>> z.shape, bool(z.abs().max() <= 3**0.5), round(z.std().item(), 1)
    (torch.Size([1000, 100]), True, 1.0)
    """
    return find(prior).draw(address, purpose, size)


def truncate(prior: str, z: Noise, bound: float) -> Noise:
    """Map noise to the prior truncated to ± bound in every coordinate (truncation trick of BigGAN).

    No draws are rejected (Brock et al. 2019, arXiv:1809.11096, §3.1): each coordinate keeps its
    quantile, so z changes continuously with the bound. Images become less varied. With a small
    bound the norm of z is smaller than in training, and with preset pictures the images become grey
    and lose their details.

    Args:
        prior: ``gaussian`` or ``uniform``.
        z: draws from the whole prior.
        bound: above 0; 2 is a mild truncation of a Gaussian, .5 a strong one.

    Raises:
        SettingError: a bound of 0 or less, or a spherical prior, whose coordinates are dependent.
        UserError: an unknown prior.

    >>> z = draw("gaussian", Address(seed=0, step=0, rows=range(1000)), size=100)
    >>> round(truncate("gaussian", z, 0.5).abs().max().item(), 2)
    0.5
    """
    if not bound > 0:
        raise SettingError("truncation", f"is {bound:g}; it must be above 0, for example 1.")
    truncated = find(prior).truncate
    if truncated is None:
        raise SettingError(
            "truncation", f"needs a gaussian or uniform prior; this one is {prior}. Leave it out."
        )
    return truncated(z, bound)
