"""The same quantities for densities, by Gauss-Legendre quadrature."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64
from scipy.special import roots_hermitenorm

from adversarial_nets.theory.divergences import LOG4, Axes, Points, Vector, _softplus

__all__ = [
    "Bounded",
    "C_density",
    "Density",
    "JSD_density",
    "KL_density",
    "V_density",
    "cell_masses",
    "integrate",
    "nodes",
    "pushforward",
    "smoothed_gradient",
]


# --- Densities (integrals) ------------------------------------------------------------------------


class Bounded(NamedTuple):
    """A number and a bound on its error: the truth is within value ± error."""

    value: float
    error: float


@runtime_checkable
class Density(Protocol):
    """A probability density on the line or in the plane."""

    @property
    def panels(self) -> Axes:
        """Increasing points on each axis, that a quadrature may rely on.

        Outside them there is next to no mass (below 1e-15); between two neighbours the density
        has no jump, and no feature much narrower than their distance.
        """

    def log_density(self, x: Points) -> Vector:
        """The logarithm of the density at each row of x; −∞ where there is none."""


_LEGENDRE, _LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(8)


def nodes(panels: Axes) -> tuple[Points, Vector]:
    """Gauss-Legendre points and weights, eight in each panel of each axis, as a tensor grid."""
    xs, ws = [], []
    for edges in panels:
        middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
        xs.append((middle[:, None] + half[:, None] * _LEGENDRE).ravel())
        ws.append((half[:, None] * _LEGENDRE_WEIGHTS).ravel())
    x = np.stack(np.meshgrid(*xs, indexing="ij"), axis=-1).reshape(-1, len(panels))
    return x, functools.reduce(np.multiply.outer, ws).ravel()


def integrate(
    f: Callable[[Points], Vector], panels: Axes, tolerance: float = 1e-12, most: int = 2**20
) -> Bounded:
    """∫ f over the box that the panels span, by composite Gauss-Legendre quadrature.

    Every panel is halved until two results in succession agree within the tolerance.

    Args:
        f: values at points (n, d), in float64.
        panels: increasing points on each of the d axes; f is smooth between them.
        tolerance: absolute, in the units of the integral.
        most: nodes at which to stop all the same.

    Returns:
        The finer result and a bound on its error: the last two results' difference, which is
        the error of the coarser and so exceeds that of the finer wherever halving helps, plus
        1e-14 · ∫|f| for rounding. An infinite or undefined f gives an infinite or NaN value.

    >>> round(integrate(lambda x: np.exp(-x[:, 0]), (np.array([0.0, 1.0, 40.0]),)).value, 12)
    1.0
    """
    last = math.inf
    while True:
        x, weights = nodes(panels)
        terms = weights * np.concatenate(
            [f(block) for block in np.split(x, range(2**14, len(x), 2**14))]
        )
        value, size = float(terms.sum()), float(np.abs(terms).sum())
        if not math.isfinite(value):
            return Bounded(value, 0.0)
        error = abs(value - last) + 1e-14 * size
        enough = len(x) * 2 ** len(panels) > most and last < math.inf  # a bound needs two results
        if error <= tolerance + 1e-14 * size or enough:
            return Bounded(value, error)
        last = value
        panels = tuple(np.union1d(p, (p[1:] + p[:-1]) / 2) for p in panels)


def cell_masses(p: Density, edges: Axes) -> np.ndarray:
    """The probability of each cell of a grid, by quadrature inside the cells.

    Args:
        p: the density.
        edges: the cells' edges on each axis, n + 1 for n cells.

    Returns:
        Masses of shape (n,) on the line, (n_1, n_2) in the plane.
    """
    inside = tuple(
        np.union1d(e, panel[(panel > e[0]) & (panel < e[-1])])
        for e, panel in zip(edges, p.panels, strict=True)
    )
    x, weights = nodes(inside)
    masses, _ = np.histogramdd(x, bins=edges, weights=weights * np.exp(p.log_density(x)))
    return masses


def KL_density(p: Density, q: Density, tolerance: float = 1e-12) -> Bounded:
    """KL(p ‖ q) = ∫ p (log p − log q), in nats; infinite where q lacks what p has."""

    def integrand(x: Points) -> Vector:
        log_p, log_q = p.log_density(x), q.log_density(x)
        return _times(np.exp(log_p), log_p, log_q)

    return integrate(integrand, _both(p, q), tolerance)


def JSD_density(p: Density, q: Density, tolerance: float = 1e-12) -> Bounded:
    """JSD(p ‖ q), in nats; in [0, log 2].

    >>> from adversarial_nets import toys
    >>> near, far = toys.gaussian(0.0, 1.0), toys.gaussian(40.0, 1.0)
    >>> round(JSD_density(near, far).value / math.log(2), 12)
    1.0
    """

    def integrand(x: Points) -> Vector:
        log_p, log_q = p.log_density(x), q.log_density(x)
        log_m = np.logaddexp(log_p, log_q) - math.log(2)
        return _times(np.exp(log_p), log_p, log_m) / 2 + _times(np.exp(log_q), log_q, log_m) / 2

    value, error = integrate(integrand, _both(p, q), tolerance)
    return Bounded(max(value, 0.0), error)


def V_density(
    a: Callable[[Points], Vector], p_data: Density, p_g: Density, tolerance: float = 1e-12
) -> Bounded:
    """V(D, G) = ∫ p_data log D + p_g log(1 − D), with D's logits a as a function of x."""

    def integrand(x: Points) -> Vector:
        a_x, p, q = a(x), np.exp(p_data.log_density(x)), np.exp(p_g.log_density(x))
        zero = np.zeros_like(p)
        return _times(p, -_softplus(-a_x), zero) + _times(q, -_softplus(a_x), zero)

    return integrate(integrand, _both(p_data, p_g), tolerance)


def C_density(p_data: Density, p_g: Density, tolerance: float = 1e-12) -> Bounded:
    """C(G) = −log 4 + 2·JSD(p_data ‖ p_g)."""
    value, error = JSD_density(p_data, p_g, tolerance)
    return Bounded(-LOG4 + 2 * value, 2 * error)


def _times(p: Vector, f: Vector, g: Vector) -> Vector:
    """p·(f − g), and 0 where p is 0."""
    with np.errstate(invalid="ignore"):
        return np.where(p > 0, p * (f - g), 0.0)


def _both(p: Density, q: Density) -> Axes:
    return tuple(np.union1d(a, b) for a, b in zip(p.panels, q.panels, strict=True))


def pushforward(
    G_z: Float64[np.ndarray, " n_plus_1"], mass: Vector, edges: Float64[np.ndarray, " cells_plus_1"]
) -> Float64[np.ndarray, " cells_plus_2"]:
    """p_g of a generator from the line to the line, exactly: p_g(x) = Σ p_z(z) / |G′(z)|.

    The sum runs over all z with G(z) = x, so G may fold. Between neighbours of a grid of z, G is
    taken as a straight line, along which the cell's mass is spread evenly; a net of ReLU or maxout
    units is such a line save in the few cells with a kink, and for any other smooth G the error
    falls with the square of the grid's step.

    Args:
        G_z: G at the ends of the n cells of z, in order.
        mass: p_z's mass in each cell.
        edges: edges of the cells of x.

    Returns:
        Masses: what lies left of all edges, each cell's, and what lies right.

    >>> pushforward(np.array([0.0, 1.0, 0.0]), np.array([0.5, 0.5]), np.array([0.0, 0.25, 1.0]))
    array([0.  , 0.25, 0.75, 0.  ])
    """
    low, high = np.minimum(G_z[1:], G_z[:-1]), np.maximum(G_z[1:], G_z[:-1])
    # The edges from `first` to before `after` cut a piece; from `after` on it is wholly below them.
    first, after = np.searchsorted(edges, low), np.searchsorted(edges, high)
    cuts = after - first
    piece = np.repeat(np.arange(len(mass)), cuts)
    edge = np.arange(len(piece)) - np.repeat(cuts.cumsum() - cuts, cuts) + first[piece]
    share = (edges[edge] - low[piece]) / (high - low)[piece]
    wholly = np.bincount(after, mass, len(edges) + 1)[:-1].cumsum()
    below = wholly + np.bincount(edge, mass[piece] * share, len(edges))
    masses = np.diff(np.concatenate([[0.0], below, [mass.sum()]]))
    return np.maximum(masses, 0)  # rounding can leave −1e-16


# --- §2: a gradient of an expectation -------------------------------------------------------------


def smoothed_gradient(
    f: Callable[[Points], Vector], x: Vector, sigma: float, order: int = 40
) -> Vector:
    """∇ₓ E f(x + ε) with ε ~ N(0, σ²I), without differentiating f (§2).

    Integration by parts gives E[ε f(x + ε)] / σ², here by Gauss-Hermite quadrature.

    Args:
        f: a function of points (n, d).
        x: the point (d,).
        sigma: σ > 0.
        order: nodes per axis.

    >>> smoothed_gradient(lambda x: x[:, 0] ** 2, np.array([3.0]), sigma=0.5).round(12)
    array([6.])
    """
    t, w = roots_hermitenorm(order)
    eps = np.stack(np.meshgrid(*[t] * len(x), indexing="ij"), axis=-1).reshape(-1, len(x))
    weights = functools.reduce(np.multiply.outer, [w / w.sum()] * len(x)).ravel()
    change = f(x + sigma * eps) - f(x[None])  # E ε = 0, so f(x) may go: fewer digits cancel
    return (weights * change) @ eps / sigma
