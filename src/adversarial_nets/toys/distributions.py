"""Toy distributions on the line and in the plane with known densities: mixtures and uniforms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float64
from numpy.typing import NDArray
from scipy.special import ndtr
from torch import Tensor

from adversarial_nets.errors import UserError, describe_type
from adversarial_nets.random import Address
from adversarial_nets.setting_values import whole_number
from adversarial_nets.theory import quadrature
from adversarial_nets.theory.arguments import as_floats
from adversarial_nets.theory.divergences import Axes

__all__ = [
    "Mixture",
    "Toy",
    "Uniform",
    "gaussian",
    "gaussian_cell_masses",
    "grid",
    "log_sum_of_gaussians",
    "mixture",
    "require_float32",
    "ring_of_gaussians",
    "sample_points",
]

EXAMPLES_PER_EPOCH = 10_000  # toys have no epochs; the momentum schedule uses this as its length

XY = Float64[np.ndarray, "n d"]
Vector = Float64[np.ndarray, " n"]
Batch = Float[Tensor, "rows d"]
Masses = Float64[np.ndarray, "..."]
Floats = NDArray[np.float64]
Numbers = Sequence[Any] | np.ndarray | Tensor

_LARGEST = 1e30
"""The largest scale of toy data in float32 games; its reciprocal is the smallest."""


@runtime_checkable
class Toy(Protocol):
    """A toy distribution: a `datasets.Source` and, if `has_density`, a `theory.Density`."""

    @property
    def pixels(self) -> int:
        """Number of coordinates of one x: 1 or 2."""

    @property
    def examples_per_epoch(self) -> int:
        """Number of x in one epoch, for the momentum schedule."""

    @property
    def has_density(self) -> bool:
        """Whether the distribution has a density, so `log_density` is defined."""

    @property
    def note(self) -> str:
        """Caveat to print with numbers computed from this density; empty if there is none."""

    @property
    def breakpoints(self) -> Axes:
        """Points on each axis at which quadrature splits its intervals (see `theory.Density`)."""

    def log_density(self, x: XY) -> Vector:
        """The log-density at each row of x.

        Raises:
            UserError: this distribution has no density.
        """

    def cell_masses(self, edges: Axes) -> Masses:
        """The probability of each cell of a grid.

        Args:
            edges: the cells' edges on each axis.

        Returns:
            Masses of shape (n,) on the line, (n_1, n_2) in the plane.

        Raises:
            UserError: this distribution has no density.
        """

    def sample(self, address: Address, purpose: str = "data") -> Batch:
        """Sample one x for each row of the address; different purposes are independent."""

    def minibatch(self, address: Address, first: int) -> Batch:
        """Sample the address's rows of a minibatch, as Algorithm 1 requires."""


def sample_points(toy: Toy, n: int, seed: int = 0, purpose: str = "a look at the data") -> XY:
    """Sample n points of a toy outside any game, for plots and measures: (n, d) in float64.

    Args:
        toy: the distribution.
        n: the number of points.
        seed: the seed of the random numbers.
        purpose: different purposes give independent points.

    Raises:
        UserError: `n` or `seed` is not a whole number, or `toy` is not a toy.
    """
    n, seed = whole_number("n", n), whole_number("seed", seed, least=0, most=2**63)
    if not isinstance(toy, Toy):
        raise UserError(f"toy is {describe_type(toy)}; give a toy, e.g. toys.find('moons').")
    return toy.sample(Address(seed, 0, range(n)), purpose).double().numpy()


def require_float32(name: str, middle: float, std: float) -> None:
    """Raise an error if float32, the type of games, cannot represent or distinguish the points.

    Args:
        name: the name of the data in the message.
        middle: their mean, or the largest absolute value.
        std: their standard deviation.
    """
    size = max(abs(middle), std)
    if not 1 / _LARGEST <= size <= _LARGEST:
        raise UserError(
            f"{name}: the points have values of about {size:.1g}, which float32 does not hold in a "
            f"game; they must be between 1e-30 and 1e30. Divide all of them by {size:.0e}."
        )
    if std < 1e-5 * abs(middle):
        raise UserError(
            f"{name}: the points lie near {middle:g} and differ by only {std:g}; too few of them "
            f"are different in float32. Subtract {middle:g} from all of them."
        )


# --- Mixtures of Gaussians ------------------------------------------------------------------------


@dataclass(frozen=True)
class Mixture:
    """A mixture of isotropic Gaussians, on the line or in the plane.

    Attributes:
        means: one (x,) or (x, y) for each Gaussian.
        stds: one standard deviation for each, the same on all axes.
        weights: the probability of each Gaussian; equal if not given.
    """

    means: tuple[tuple[float, ...], ...]
    stds: tuple[float, ...]
    weights: tuple[float, ...] = ()
    examples_per_epoch: int = EXAMPLES_PER_EPOCH
    has_density: bool = True
    note: str = ""

    def __post_init__(self) -> None:
        """Check the parameters, and store them as Python's numbers.

        Raises:
            UserError: the parameters are not numbers, do not fit together, or are not those of a
                mixture; or float32 rounds its values to one number.
        """
        means, stds, weights = (
            as_floats(f"The {name} of the mixture", getattr(self, name))
            for name in ("means", "stds", "weights")
        )
        if means.ndim != 2 or not means.size or means.shape[1] not in (1, 2):
            raise UserError(
                f"The means have the shape {means.shape}; give one or more: (n,) or (n, 1) for the "
                "line, (n, 2) for the plane."
            )
        if not weights.size:
            weights = np.full(len(means), 1 / len(means))
        stds, weights = stds.ravel(), weights.ravel()
        _check_mixture(means, stds, weights)
        if not math.isclose(weights.sum(), 1):  # rounded to float32
            weights = weights / weights.sum()
        object.__setattr__(self, "means", tuple(map(tuple, means.tolist())))
        object.__setattr__(self, "stds", tuple(stds.tolist()))
        object.__setattr__(self, "weights", tuple(weights.tolist()))

    @property
    def pixels(self) -> int:
        """Number of coordinates of one x."""
        return len(self.means[0])

    @property
    def breakpoints(self) -> Axes:
        """Each mean, and points at 3, 6 and 9 σ on both sides of it."""
        means, stds = np.array(self.means), np.array(self.stds)
        steps = stds[:, None] * np.arange(-9, 10, 3)
        return tuple(np.unique(means[:, i, None] + steps) for i in range(self.pixels))

    def log_density(self, x: XY) -> Vector:
        """Log of Σ weight · N(x; mean, std² I)."""
        means, stds = np.array(self.means), np.array(self.stds)
        log_peaks = np.log(self.weights) - self.pixels * np.log(stds * math.sqrt(2 * math.pi))
        return log_sum_of_gaussians(x, means, stds, log_peaks)

    def cell_masses(self, edges: Axes) -> Masses:
        """The probability of each cell, in closed form."""
        stds = np.repeat(np.array(self.stds)[:, None], self.pixels, axis=1)
        return gaussian_cell_masses(np.array(self.means), stds, np.array(self.weights), edges)

    def sample(self, address: Address, purpose: str = "data") -> Batch:
        """Choose a Gaussian for each row, then sample a point from it."""
        u = address.uniform(f"{purpose}: which Gaussian", 1)[:, 0]
        ends = torch.tensor(self.weights).cumsum(0)[:-1]
        which = torch.searchsorted(ends, u, right=True)
        noise = address.normal(f"{purpose}: where", self.pixels)
        return torch.tensor(self.means)[which] + torch.tensor(self.stds)[which, None] * noise

    def minibatch(self, address: Address, first: int) -> Batch:
        """The rows of a minibatch of new samples."""
        return self.sample(address)


def _check_mixture(means: Floats, stds: Floats, weights: Floats) -> None:
    """Check the parameters of a mixture; `Mixture.__post_init__` says what is refused."""
    if not len(means) == len(stds) == len(weights):
        raise UserError(
            f"The mixture has {len(means)} means, {len(stds)} standard deviations and "
            f"{len(weights)} weights; give the same number of each."
        )
    is_one = abs(weights.sum() - 1) < 1e-5
    for name, values, right, rule in (
        ("means", means, np.isfinite(means), "finite"),
        ("standard deviations", stds, (stds > 0) & np.isfinite(stds), "above 0 and finite"),
        ("weights", weights, (weights > 0) & is_one, "above 0, and their sum 1"),
    ):
        if not right.all():
            given = ", ".join(map(str, values.ravel().tolist()))
            raise UserError(f"The {name} are {given}; each must be {rule}.")
    for mean, std in zip(means, stds, strict=True):
        for m in mean:
            require_float32(f"N({m:g}, {std:g}²)", float(m), float(std))


def gaussian(mean: float = 0.0, std: float = 1.0) -> Mixture:
    """N(mean, std²) on the line."""
    return Mixture(((mean,),), (std,))


def mixture(means: Numbers, stds: Numbers | float, weights: Numbers | None = None) -> Mixture:
    """A mixture of isotropic Gaussians, from lists or arrays.

    Args:
        means: shape (n,) or (n, 1) for the line, (n, 2) for the plane.
        stds: shape (n,), or one standard deviation for all.
        weights: shape (n,); equal if not given.

    Raises:
        UserError: see `Mixture.__post_init__`.

    >>> mixture([-1, 1], 0.5).means
    ((-1.0,), (1.0,))
    """
    m, each = as_floats("The means", means), as_floats("The standard deviations", stds)
    p = as_floats("The weights", () if weights is None else weights)
    m = m.reshape(-1, 1) if m.ndim < 2 else m
    each = each if each.ndim else each.repeat(len(m))
    return Mixture(tuple(map(tuple, m.tolist())), tuple(each.tolist()), tuple(p.ravel().tolist()))


def ring_of_gaussians(modes: int = 8, std: float = 0.15) -> Mixture:
    """Gaussians evenly spaced on the circle of radius 2 in the plane."""
    modes = whole_number("modes", modes)
    angles = [2 * math.pi * i / modes for i in range(modes)]
    means = tuple((2 * math.cos(t), 2 * math.sin(t)) for t in angles)
    return Mixture(means, (std,) * modes)


def grid() -> Mixture:
    """25 Gaussians on a grid of 5 × 5 points, 1 apart, centred at the origin."""
    at = (-2.0, -1.0, 0.0, 1.0, 2.0)
    return Mixture(tuple((x, y) for x in at for y in at), (0.1,) * 25)


def gaussian_cell_masses(
    means: Float64[np.ndarray, "modes d"],
    stds: Float64[np.ndarray, "modes d"],
    weights: Float64[np.ndarray, " modes"],
    edges: Axes,
) -> Masses:
    """The probability of each cell of a grid under a mixture of axis-aligned Gaussians.

    Args:
        means: the means of the Gaussians.
        stds: their standard deviations on each axis.
        weights: their probabilities.
        edges: the cells' edges on each axis.

    Returns:
        Masses of shape (n,) on the line, (n_1, n_2) in the plane.
    """
    shares = [
        np.diff(ndtr((e[:, None] - means[:, i]) / stds[:, i]), axis=0) for i, e in enumerate(edges)
    ]
    return shares[0] @ weights if len(shares) == 1 else (shares[0] * weights) @ shares[1].T


def log_sum_of_gaussians(
    x: XY,
    means: Float64[np.ndarray, "modes d"],
    stds: Float64[np.ndarray, " modes"],
    log_peaks: Float64[np.ndarray, " modes"],
) -> Vector:
    """Log of Σ exp(log_peak − ‖x − mean‖² / 2 std²) at each row of x."""
    blocks = []
    for block in np.split(x, range(256, len(x), 256)):  # a block fits in the CPU cache
        squares = sum(np.subtract.outer(a, b) ** 2 for a, b in zip(block.T, means.T, strict=True))
        terms = log_peaks - squares / (2 * stds**2)
        largest = terms.max(axis=1, keepdims=True)
        np.exp(np.maximum(terms - largest, -700), out=terms)  # exp is slow if it is denormal
        blocks.append(largest[:, 0] + np.log(terms.sum(axis=1)))
    return np.concatenate(blocks)


# --- Uniform --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Uniform:
    """U[low, high) on the line."""

    low: float = 0.0
    high: float = 1.0
    pixels: int = 1
    examples_per_epoch: int = EXAMPLES_PER_EPOCH
    has_density: bool = True
    note: str = ""

    def __post_init__(self) -> None:
        """Check the interval.

        Raises:
            UserError: the ends are not finite numbers in order, or float32 rounds them together.
        """
        low, high = as_floats("The ends of the interval", (self.low, self.high)).tolist()
        if not -math.inf < low < high < math.inf:
            raise UserError(
                f"The interval is [{low}, {high}); a uniform distribution needs finite numbers "
                "with low < high."
            )
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        name = f"U[{low:g}, {high:g})"
        require_float32(name, max(-low, high), max(-low, high))
        require_float32(name, (low + high) / 2, (high - low) / math.sqrt(12))

    @property
    def breakpoints(self) -> Axes:
        """The two ends, at which the density jumps."""
        return (np.array([self.low, self.high], np.float64),)

    def log_density(self, x: XY) -> Vector:
        """−log(high − low) inside the interval, −∞ outside."""
        inside = (x[:, 0] >= self.low) & (x[:, 0] < self.high)
        return np.where(inside, -math.log(self.high - self.low), -np.inf)

    def cell_masses(self, edges: Axes) -> Masses:
        """The probability of each cell, by quadrature."""
        return quadrature.cell_masses(self, edges)

    def sample(self, address: Address, purpose: str = "data") -> Batch:
        """Sample uniformly from the interval."""
        return self.low + (self.high - self.low) * address.uniform(purpose, 1)

    def minibatch(self, address: Address, first: int) -> Batch:
        """The rows of a minibatch of new samples."""
        return self.sample(address)
