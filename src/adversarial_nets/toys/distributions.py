"""Toy distributions on the line and in the plane: densities, sampling."""

import math
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy.special import ndtr
from torch import Tensor

from adversarial_nets.errors import UserError
from adversarial_nets.random import Address
from adversarial_nets.theory import quadrature
from adversarial_nets.theory.divergences import Axes

__all__ = [
    "Curve",
    "Mixture",
    "Points",
    "Toy",
    "Uniform",
    "cell_masses",
    "draw",
    "gaussian",
    "grid",
    "mixture",
    "ring_of_gaussians",
]

_LENGTH = 14.0  # no curve is longer
_EPOCH = 10_000  # an endless toy has no epochs; the momentum's schedule counts this many as one

XY = Float64[np.ndarray, "n d"]
Vector = Float64[np.ndarray, " n"]
Batch = Float[Tensor, "rows d"]


@runtime_checkable
class Toy(Protocol):
    """A toy distribution: a `datasets.Source` and, where `has_density`, a `theory.Density`."""

    @property
    def pixels(self) -> int:
        """Coordinates of one x: 1 or 2."""

    @property
    def examples_per_epoch(self) -> int:
        """How many x count as one epoch."""

    @property
    def has_density(self) -> bool:
        """Whether `log_density` and `panels` mean anything."""

    @property
    def note(self) -> str:
        """What must be said of the density beside any number made with it; often nothing."""

    @property
    def panels(self) -> Axes:
        """Where quadrature may cut (see `theory.Density`)."""

    def log_density(self, x: XY) -> Vector:
        """The logarithm of the density at each row of x.

        Raises:
            UserError: this distribution has no density.
        """

    def sample(self, address: Address, purpose: str = "data") -> Batch:
        """Draw one x for each row of the address; different purposes are independent."""

    def minibatch(self, address: Address, first: int) -> Batch:
        """Draw the address's rows of a minibatch of m: what Algorithm 1 asks for."""


def draw(toy: Toy, n: int, seed: int = 0, purpose: str = "a look at the data") -> XY:
    """Draw n points outside any game, for looking and for measuring."""
    return toy.sample(Address(seed, 0, range(n)), purpose).double().numpy()


# --- Gaussians and their mixtures -----------------------------------------------------------------


@dataclass(frozen=True)
class Mixture:
    """Round Gaussians of equal or given weight, on the line or in the plane.

    Attributes:
        means: one (x,) or (x, y) for each Gaussian.
        stds: one standard deviation, per coordinate, for each.
        weights: probabilities; equal where not given.
    """

    means: tuple[tuple[float, ...], ...]
    stds: tuple[float, ...]
    weights: tuple[float, ...] = ()
    examples_per_epoch: int = _EPOCH
    has_density: bool = True
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no mixture."""
        object.__setattr__(
            self, "weights", self.weights or (1 / len(self.means),) * len(self.means)
        )
        if not len(self.means) == len(self.stds) == len(self.weights):
            raise UserError("A mixture needs as many standard deviations as means.")
        if not all(0 < s < math.inf for s in self.stds):
            raise UserError(f"A Gaussian's standard deviation must be above 0, not {self.stds}.")

    @property
    def pixels(self) -> int:
        """Coordinates of one x."""
        return len(self.means[0])

    @property
    def panels(self) -> Axes:
        """Each mean, and three more points up to 9 σ on either side of it."""
        means, stds = np.array(self.means), np.array(self.stds)
        steps = stds[:, None] * np.arange(-9, 10, 3)
        return tuple(np.unique(means[:, i, None] + steps) for i in range(self.pixels))

    def log_density(self, x: XY) -> Vector:
        """Log of Σ weight · N(x; mean, std²)."""
        means, stds = np.array(self.means), np.array(self.stds)
        log_peaks = np.log(self.weights) - self.pixels * np.log(stds * math.sqrt(2 * math.pi))
        return _log_sum_of_gaussians(x, means, stds, log_peaks)

    def sample(self, address: Address, purpose: str = "data") -> Batch:
        """Choose a Gaussian, then a point from it."""
        u = address.uniform(f"{purpose}: which Gaussian", 1)[:, 0]
        ends = torch.tensor(self.weights).cumsum(0)[:-1]
        which = torch.searchsorted(ends, u, right=True)
        noise = address.normal(f"{purpose}: where", self.pixels)
        return torch.tensor(self.means)[which] + torch.tensor(self.stds)[which, None] * noise

    def minibatch(self, address: Address, first: int) -> Batch:
        """The rows of a minibatch; every x is drawn anew."""
        return self.sample(address)


def gaussian(mean: float = 0.0, std: float = 1.0) -> Mixture:
    """N(mean, std²) on the line."""
    return Mixture(((mean,),), (std,))


def mixture(means: tuple[float, ...], stds: tuple[float, ...]) -> Mixture:
    """Gaussians of equal weight on the line."""
    return Mixture(tuple((m,) for m in means), stds)


def ring_of_gaussians(modes: int = 8, radius: float = 2.0, std: float = 0.15) -> Mixture:
    """Gaussians evenly spaced on a circle."""
    angles = [2 * math.pi * i / modes for i in range(modes)]
    means = tuple((radius * math.cos(t), radius * math.sin(t)) for t in angles)
    return Mixture(means, (std,) * modes)


def grid(side: int = 5, gap: float = 1.0, std: float = 0.1) -> Mixture:
    """Gaussians in side × side places, `gap` apart, around the origin."""
    at = [gap * (i - (side - 1) / 2) for i in range(side)]
    return Mixture(tuple((x, y) for x in at for y in at), (std,) * side**2)


def cell_masses(toy: "Toy", edges: Axes) -> Float64[np.ndarray, "..."]:
    """`theory.cell_masses` of a toy, in closed form where it is made of Gaussians."""
    if isinstance(toy, Mixture):
        means, weights = np.array(toy.means), np.array(toy.weights)
        stds = np.repeat(np.array(toy.stds)[:, None], toy.pixels, axis=1)
    elif isinstance(toy, Points):
        means, weights = toy.x, np.full(len(toy.x), 1 / len(toy.x))
        stds = np.broadcast_to(toy.widths, toy.x.shape)
    else:
        return quadrature.cell_masses(toy, edges)
    shares = [
        np.diff(ndtr((e[:, None] - means[:, i]) / stds[:, i]), axis=0) for i, e in enumerate(edges)
    ]
    return shares[0] @ weights if len(shares) == 1 else (shares[0] * weights) @ shares[1].T


# --- Other shapes ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Uniform:
    """U[low, high) on the line."""

    low: float = 0.0
    high: float = 1.0
    pixels: int = 1
    examples_per_epoch: int = _EPOCH
    has_density: bool = True
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse an empty interval."""
        if not -math.inf < self.low < self.high < math.inf:
            raise UserError(f"A uniform density needs low < high, not {self.low} and {self.high}.")

    @property
    def panels(self) -> Axes:
        """The two ends, where the density jumps."""
        return (np.array([self.low, self.high], np.float64),)

    def log_density(self, x: XY) -> Vector:
        """−log(high − low) inside, −∞ outside."""
        inside = (x[:, 0] >= self.low) & (x[:, 0] < self.high)
        return np.where(inside, -math.log(self.high - self.low), -np.inf)

    def sample(self, address: Address, purpose: str = "data") -> Batch:
        """Evenly from the interval."""
        return self.low + (self.high - self.low) * address.uniform(purpose, 1)

    def minibatch(self, address: Address, first: int) -> Batch:
        """The rows of a minibatch; every x is drawn anew."""
        return self.sample(address)


@dataclass(frozen=True)
class Curve:
    """A curve in the plane, as thick as its noise: a ring, a spiral, or two moons.

    x = γ(t) + noise · ε with t ~ U[0, 1) and ε ~ N(0, I). With noise 0 all mass lies on a line that
    has no area: a degenerate distribution, without a density (§6: adversarial nets "can represent
    very sharp, even degenerate distributions").

    Attributes:
        shape: which γ. The ring has radius 2, the spiral one turn out to radius 2, the moons are
            the two halves of the ring drawn apart.
        noise: standard deviation across the curve, ≥ 0.
    """

    shape: Literal["ring", "spiral", "moons"]
    noise: float = 0.15
    pixels: int = 2
    examples_per_epoch: int = _EPOCH
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse negative noise."""
        if not 0 <= self.noise < math.inf:
            raise UserError(f"A curve's noise must be 0 or more, not {self.noise}.")

    def gamma(self, t: Vector) -> XY:
        """The curve: points (n, 2) at times t in [0, 1)."""
        if self.shape == "spiral":  # the radius grows so that the speed is nearly constant
            radius = np.sqrt(0.1 + 3.9 * t)
            angle = 1.5 * np.pi * radius
        else:
            radius, angle = np.full_like(t, 2.0), 2 * np.pi * t
        x, y = radius * np.cos(angle), radius * np.sin(angle)
        if self.shape == "moons":  # the ring's halves, drawn apart until they interlock
            aside = np.where(t < 0.5, -1.0, 1.0)
            x, y = x + aside, y + aside / 2
        return np.stack([x, y], axis=1)

    @property
    def has_density(self) -> bool:
        """Whether the curve has any thickness."""
        return self.noise > 0

    @property
    def panels(self) -> Axes:
        """Steps of at most 4 σ from 9 σ before the curve to 9 behind it; without noise its box."""
        along = self.gamma(np.linspace(0, 1, 1000, endpoint=False))
        low, high = along.min(0) - 9 * self.noise, along.max(0) + 9 * self.noise
        widest = 4 * self.noise if self.has_density else np.inf
        counts = np.ceil((high - low) / widest).astype(int).clip(min=1)
        return tuple(np.linspace(a, b, n + 1) for a, b, n in zip(low, high, counts, strict=True))

    def log_density(self, x: XY) -> Vector:
        """∫ N(x; γ(t), noise²I) dt, by quadrature with four nodes to each σ of the curve."""
        self._need_density()
        pieces = 2 * math.ceil(_LENGTH / (4 * self.noise))  # even, so that no piece has two moons
        t, weights = quadrature.nodes((np.linspace(0, 1, pieces + 1),))
        log_peaks = np.log(weights) - math.log(2 * math.pi * self.noise**2)
        stds = np.full(len(weights), self.noise)
        return _log_sum_of_gaussians(x, self.gamma(t[:, 0]), stds, log_peaks)

    def _need_density(self) -> None:
        if not self.has_density:
            raise UserError(
                f"A {self.shape} of zero width has no density: measure the distance to it and the "
                "coverage of its angles instead (plane.ring_fit)."
            )

    def sample(self, address: Address, purpose: str = "data") -> Batch:
        """A point of the curve, then noise."""
        t = address.uniform(f"{purpose}: where on the curve", 1)[:, 0].double().numpy()
        noise = address.normal(f"{purpose}: noise", 2)
        return torch.from_numpy(self.gamma(t)).float() + self.noise * noise

    def minibatch(self, address: Address, first: int) -> Batch:
        """The rows of a minibatch; every x is drawn anew."""
        return self.sample(address)


@dataclass(frozen=True)
class Points:
    """Points of one's own, on the line or in the plane: each x is one of them, drawn at random.

    What they were drawn from is not known, so the density is an estimate: a Gaussian on each point,
    of a width given by Scott's rule, n^(−1/(d+4)) times the standard deviation of the axis.

    Attributes:
        x: the points (n, d), n ≥ 2, d = 1 or 2.
    """

    x: XY
    has_density: bool = True

    @property
    def pixels(self) -> int:
        """Coordinates of one x."""
        return self.x.shape[1]

    @property
    def examples_per_epoch(self) -> int:
        """The number of points."""
        return len(self.x)

    @property
    def widths(self) -> Vector:
        """The standard deviation on each axis of the Gaussian that stands on each point."""
        return self.x.std(0) * len(self.x) ** (-1 / (self.pixels + 4))

    @property
    def note(self) -> str:
        """That the density is an estimate, and which."""
        widths = " × ".join(f"{w:.2g}" for w in self.widths)
        return f"p_data estimated: a Gaussian of width {widths} on each of {len(self.x):,} points"

    @property
    def panels(self) -> Axes:
        """Steps of at most 4 widths from 9 before the first point to 9 behind the last."""
        low, high = self.x.min(0) - 9 * self.widths, self.x.max(0) + 9 * self.widths
        counts = np.ceil((high - low) / (4 * self.widths)).astype(int).clip(max=1000)
        return tuple(np.linspace(a, b, n + 1) for a, b, n in zip(low, high, counts, strict=True))

    def log_density(self, x: XY) -> Vector:
        """The kernel estimate."""
        n = len(self.x)
        log_peak = -math.log(n) - float(np.log(self.widths * math.sqrt(2 * math.pi)).sum())
        units = self.widths  # in these units each Gaussian is N(·, I)
        return _log_sum_of_gaussians(x / units, self.x / units, np.ones(n), np.full(n, log_peak))

    def sample(self, address: Address, purpose: str = "data") -> Batch:
        """Any of the points, each as likely as the others."""
        u = address.uniform(purpose, 1)[:, 0].double()
        return torch.from_numpy(self.x)[(u * len(self.x)).long()].float()

    def minibatch(self, address: Address, first: int) -> Batch:
        """The rows of a minibatch, drawn with replacement."""
        return self.sample(address)


def _log_sum_of_gaussians(
    x: XY,
    means: Float64[np.ndarray, "modes d"],
    stds: Float64[np.ndarray, " modes"],
    log_peaks: Float64[np.ndarray, " modes"],
) -> Vector:
    """Log of Σ exp(log_peak − ‖x − mean‖² / 2 std²), in blocks that fit in memory."""
    blocks = []
    for block in np.split(x, range(2048, len(x), 2048)):
        squares = sum(np.subtract.outer(a, b) ** 2 for a, b in zip(block.T, means.T, strict=True))
        terms = log_peaks - squares / (2 * stds**2)
        largest = terms.max(axis=1, keepdims=True)
        np.exp(np.maximum(terms - largest, -700), out=terms)  # below, exp is slow and adds nothing
        blocks.append(largest[:, 0] + np.log(terms.sum(axis=1)))
    return np.concatenate(blocks)
