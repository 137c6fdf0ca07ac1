"""Toy distributions along a curve in the plane: a ring, a spiral, two moons, a straight line."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from adversarial_nets.errors import UserError, unknown_name
from adversarial_nets.random import Address
from adversarial_nets.theory import quadrature
from adversarial_nets.theory.arguments import as_floats
from adversarial_nets.theory.divergences import Axes
from adversarial_nets.toys.distributions import (
    EXAMPLES_PER_EPOCH,
    XY,
    Batch,
    Masses,
    Vector,
    gaussian_cell_masses,
    log_sum_of_gaussians,
)

__all__ = ["Curve"]

_MAX_LENGTH = 14.0  # an upper bound on the length of every curve
_SMALLEST_NOISE = 0.001  # except 0; smaller noise needs too many nodes for the density


def _ring(t: Vector) -> tuple[Vector, Vector]:
    """A circle of radius 2."""
    return 2.0 * np.cos(2 * np.pi * t), 2.0 * np.sin(2 * np.pi * t)


def _spiral(t: Vector) -> tuple[Vector, Vector]:
    """A spiral up to radius 2; the radius grows so that the speed is nearly constant."""
    radius = np.sqrt(0.1 + 3.9 * t)
    angle = 1.5 * np.pi * radius
    return radius * np.cos(angle), radius * np.sin(angle)


def _moons(t: Vector) -> tuple[Vector, Vector]:
    """Two half circles that interlock."""
    (x, y), shift = _ring(t), np.where(t < 0.5, -1.0, 1.0)
    return x + shift, y + shift / 2


def _segment(t: Vector) -> tuple[Vector, Vector]:
    """A straight line from (−2, −1) to (2, 1)."""
    return 4 * t - 2, 2 * t - 1


_SHAPES: Mapping[str, Callable[[Vector], tuple[Vector, Vector]]] = {
    "ring": _ring,
    "spiral": _spiral,
    "moons": _moons,
    "segment": _segment,
}


@dataclass(frozen=True)
class Curve:
    """A distribution along a curve in the plane, blurred by Gaussian noise.

    x = γ(t) + noise · ε with t ~ U[0, 1) and ε ~ N(0, I). With noise 0 all mass lies on a curve of
    zero area: a degenerate distribution without a density (§6: adversarial nets "can represent very
    sharp, even degenerate distributions").

    Attributes:
        shape: the curve γ: a ring of radius 2, a spiral up to radius 2, two moons, or a straight
            line.
        noise: the standard deviation of the noise on each axis, ≥ 0.
    """

    shape: Literal["ring", "spiral", "moons", "segment"]
    noise: float = 0.15
    pixels: int = 2
    examples_per_epoch: int = EXAMPLES_PER_EPOCH
    note: str = ""

    def __post_init__(self) -> None:
        """Check the shape and the noise.

        Raises:
            UserError: the shape is unknown; the noise is not a number, negative, infinite or tiny.
        """
        if self.shape not in _SHAPES:
            raise unknown_name(self.shape, list(_SHAPES), "curve")
        noise = as_floats("The curve's noise", self.noise)
        if noise.ndim or not (noise == 0 or _SMALLEST_NOISE <= noise < math.inf):
            raise UserError(
                f"The curve's noise is {self.noise}; it must be 0, or {_SMALLEST_NOISE} or more "
                "and finite."
            )
        object.__setattr__(self, "noise", float(noise))

    def gamma(self, t: Vector) -> XY:
        """The points γ(t) of the curve at parameters t in [0, 1): (n, 2)."""
        return np.stack(_SHAPES[self.shape](t), axis=1)

    @property
    def has_density(self) -> bool:
        """Whether the noise is above 0."""
        return self.noise > 0

    @property
    def breakpoints(self) -> Axes:
        """Points at most 4 σ apart, up to 9 σ beyond the curve; without noise its bounding box."""
        along = self.gamma(np.linspace(0, 1, 1000, endpoint=False))
        low, high = along.min(0) - 9 * self.noise, along.max(0) + 9 * self.noise
        widest = 4 * self.noise if self.has_density else np.inf
        counts = np.ceil((high - low) / widest).astype(int).clip(min=1)
        return tuple(np.linspace(a, b, n + 1) for a, b, n in zip(low, high, counts, strict=True))

    def log_density(self, x: XY) -> Vector:
        """Log of ∫ N(x; γ(t), noise² I) dt, by quadrature with four nodes per σ of the curve.

        Raises:
            UserError: the noise is 0, so there is no density.
        """
        means, weights = self._mixture()
        log_peaks = np.log(weights) - math.log(2 * math.pi * self.noise**2)
        return log_sum_of_gaussians(x, means, np.full(len(means), self.noise), log_peaks)

    def _mixture(self) -> tuple[XY, Vector]:
        """Means and weights of Gaussians along the curve whose mixture has the same density.

        Raises:
            UserError: the noise is 0, so there is no density.
        """
        if not self.has_density:
            raise UserError(
                f"The {self.shape} has noise 0, so it has no density; choose noise above 0."
            )
        pieces = 2 * math.ceil(_MAX_LENGTH / (4 * self.noise))  # even: each piece is on one moon
        t, weights = quadrature.gauss_legendre_nodes((np.linspace(0, 1, pieces + 1),))
        return self.gamma(t[:, 0]), weights

    def cell_masses(self, edges: Axes) -> Masses:
        """The probability of each cell, by the same quadrature as the density.

        Raises:
            UserError: the noise is 0, so there is no density.
        """
        means, weights = self._mixture()
        return gaussian_cell_masses(means, np.full_like(means, self.noise), weights, edges)

    def sample(self, address: Address, purpose: str = "data") -> Batch:
        """Sample a point of the curve for each row, then add noise."""
        t = address.uniform(f"{purpose}: where on the curve", 1)[:, 0].double().numpy()
        noise = address.normal(f"{purpose}: noise", 2)
        return torch.from_numpy(self.gamma(t)).float() + self.noise * noise

    def minibatch(self, address: Address, first: int) -> Batch:
        """The rows of a minibatch of new samples."""
        return self.sample(address)
