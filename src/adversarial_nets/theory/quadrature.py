"""V, C(G), KL and JSD of densities by Gauss-Legendre quadrature; p_g by change of variables."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64
from scipy.special import roots_hermitenorm

from adversarial_nets.errors import UserError
from adversarial_nets.setting_values import POSITIVE, check_value, plain_value
from adversarial_nets.theory.arguments import as_floats
from adversarial_nets.theory.divergences import LOG4, Axes, Points, Vector, softplus

__all__ = [
    "Bounded",
    "C_density",
    "Density",
    "JSD_density",
    "KL_density",
    "V_density",
    "cell_masses",
    "gauss_legendre_nodes",
    "integrate",
    "pushforward",
    "smoothed_gradient",
]


class Bounded(NamedTuple):
    """A computed value and an estimate of its error.

    The error estimate assumes that the densities have breakpoints as `Density` requires.
    """

    value: float
    error: float


@runtime_checkable
class Density(Protocol):
    """A probability density on the line or in the plane."""

    @property
    def breakpoints(self) -> Axes:
        """Increasing points on each axis, at which quadrature splits its intervals.

        The mass outside them is below 1e-15. Between two neighbours the density has no jump, and no
        feature much narrower than their distance.
        """

    def log_density(self, x: Points) -> Vector:
        """The log-density at each row of x; −∞ where the density is 0."""


_LEGENDRE, _LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(8)


def gauss_legendre_nodes(breakpoints: Axes) -> tuple[Points, Vector]:
    """Nodes and weights of composite Gauss-Legendre quadrature, eight nodes per interval.

    Args:
        breakpoints: increasing points on each of the d axes.

    Returns:
        The nodes (n, d), a tensor grid over the axes, and their weights (n,).
    """
    xs, ws = [], []
    for edges in _axes(breakpoints):
        middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
        xs.append((middle[:, None] + half[:, None] * _LEGENDRE).ravel())
        ws.append((half[:, None] * _LEGENDRE_WEIGHTS).ravel())
    x = np.stack(np.meshgrid(*xs, indexing="ij"), axis=-1).reshape(-1, len(breakpoints))
    return x, functools.reduce(np.multiply.outer, ws).ravel()


def _axes(breakpoints: Axes) -> Axes:
    """The breakpoints of each axis as arrays.

    Raises:
        UserError: there are no axes, or an axis is not a list of two or more numbers.
    """
    axes = tuple(as_floats("The breakpoints", axis) for axis in breakpoints)
    if not axes or any(axis.ndim != 1 or len(axis) < 2 for axis in axes):
        raise UserError(
            "The breakpoints must be a tuple with increasing numbers for each axis, e.g. "
            "(numpy.linspace(0, 1, 5),) on the line."
        )
    return axes


def integrate(
    f: Callable[[Points], Vector],
    breakpoints: Axes,
    tolerance: float = 1e-12,
    max_nodes: int = 2**20,
) -> Bounded:
    """∫ f over the box between the outer breakpoints, by composite Gauss-Legendre quadrature.

    All intervals are halved until two successive results agree within the tolerance.

    Args:
        f: the integrand: values at points (n, d), in float64.
        breakpoints: increasing points on each of the d axes; f is smooth between neighbours.
        tolerance: the absolute error at which to stop.
        max_nodes: the maximum number of nodes.

    Returns:
        The last result and an estimate of its error: the difference of the last two results plus
        1e-14 · ∫|f| for rounding. The difference is the error of the coarser result, which exceeds
        that of the finer one. If f is infinite or NaN, the value is infinite or NaN.

    >>> round(integrate(lambda x: np.exp(-x[:, 0]), (np.array([0.0, 1.0, 40.0]),)).value, 12)
    1.0
    """
    last, breakpoints = math.inf, _axes(breakpoints)
    while True:
        x, weights = gauss_legendre_nodes(breakpoints)
        blocks = np.split(x, range(2**14, len(x), 2**14))
        terms = weights * np.concatenate([_one_each(f(block), len(block)) for block in blocks])
        value, size = float(terms.sum()), float(np.abs(terms).sum())
        if not math.isfinite(value):
            return Bounded(value, 0.0)
        error = abs(value - last) + 1e-14 * size
        # An estimate needs at least two results.
        enough = len(x) * 2 ** len(breakpoints) > max_nodes and last < math.inf
        if error <= tolerance + 1e-14 * size or enough:
            return Bounded(value, error)
        last = value
        breakpoints = tuple(np.union1d(p, (p[1:] + p[:-1]) / 2) for p in breakpoints)


def _one_each(values: object, n: int, what: str = "The function") -> Vector:
    """The values that a caller's function returned for n points, as one number for each.

    Raises:
        UserError: the values are not numbers, or are not one for each point.
    """
    found = as_floats(f"The values that {what[0].lower()}{what[1:]} returned", values)
    if found.shape not in ((n,), ()):
        raise UserError(
            f"{what} returned values of shape {found.shape} for {n} points; return one number for "
            f"each, of shape ({n},)."
        )
    return np.broadcast_to(found, n)


def cell_masses(p: Density, edges: Axes) -> np.ndarray:
    """The probability of each cell of a grid, by quadrature in each cell.

    Args:
        p: the density.
        edges: the cells' edges on each axis, n + 1 for n cells.

    Returns:
        Masses of shape (n,) on the line, (n_1, n_2) in the plane.
    """
    edges = _axes(edges)
    inside = tuple(
        np.union1d(e, points[(points > e[0]) & (points < e[-1])])
        for e, points in zip(edges, _axes(p.breakpoints), strict=True)
    )
    x, weights = gauss_legendre_nodes(inside)
    masses, _ = np.histogramdd(x, bins=edges, weights=weights * np.exp(p.log_density(x)))
    return masses


def KL_density(p: Density, q: Density, tolerance: float = 1e-12) -> Bounded:
    """KL(p ‖ q) = ∫ p (log p − log q), in nats; infinite if q is 0 where p is not.

    The integral is taken over the box between the outer breakpoints. Outside it p has a mass below
    1e-15, so that q may be 0 there.
    """

    def integrand(x: Points) -> Vector:
        log_p, log_q = p.log_density(x), q.log_density(x)
        return _weighted_difference(np.exp(log_p), log_p, log_q)

    return integrate(integrand, _joint_breakpoints(p, q), tolerance)


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
        return (
            _weighted_difference(np.exp(log_p), log_p, log_m) / 2
            + _weighted_difference(np.exp(log_q), log_q, log_m) / 2
        )

    value, error = integrate(integrand, _joint_breakpoints(p, q), tolerance)
    return Bounded(max(value, 0.0), error)


def V_density(
    a: Callable[[Points], Vector], p_data: Density, p_g: Density, tolerance: float = 1e-12
) -> Bounded:
    """V(D, G) = ∫ p_data log D + p_g log(1 − D), in nats.

    Args:
        a: D's logits as a function of points x (n, d), of shape (n,) or (n, 1).
        p_data: the data's density.
        p_g: the generator's density.
        tolerance: absolute error of the quadrature.
    """

    def integrand(x: Points) -> Vector:
        a_x = as_floats("D's logits", a(x))
        a_x = _one_each(a_x[:, 0] if a_x.shape == (len(x), 1) else a_x, len(x), "D")
        p, q = np.exp(p_data.log_density(x)), np.exp(p_g.log_density(x))
        zero = np.zeros_like(p)
        return _weighted_difference(p, -softplus(-a_x), zero) + _weighted_difference(
            q, -softplus(a_x), zero
        )

    return integrate(integrand, _joint_breakpoints(p_data, p_g), tolerance)


def C_density(p_data: Density, p_g: Density, tolerance: float = 1e-12) -> Bounded:
    """C(G) = −log 4 + 2·JSD(p_data ‖ p_g) (Theorem 1), in nats."""
    value, error = JSD_density(p_data, p_g, tolerance)
    return Bounded(-LOG4 + 2 * value, 2 * error)


def _weighted_difference(p: Vector, f: Vector, g: Vector) -> Vector:
    """p·(f − g), with 0 where p is 0."""
    with np.errstate(invalid="ignore"):
        return np.where(p > 0, p * (f - g), 0.0)


def _joint_breakpoints(p: Density, q: Density) -> Axes:
    """The breakpoints of both densities on each axis.

    Raises:
        UserError: one density is on the line, the other in the plane; or one is not a `Density`.
    """
    for density in (p, q):
        _require_density(density)
    if len(p.breakpoints) != len(q.breakpoints):
        raise UserError(
            f"One density has {len(p.breakpoints)} axes, the other {len(q.breakpoints)}; both must "
            "be on the line or both in the plane."
        )
    return tuple(np.union1d(a, b) for a, b in zip(p.breakpoints, q.breakpoints, strict=True))


def _require_density(p: object) -> None:
    """Raise an error if an object is not a density.

    Raises:
        UserError: a method of `Density` is missing, or the mass between the breakpoints is not 1.
    """
    if not isinstance(p, Density):
        raise UserError(
            f"A density is given as a {type(p).__name__} without breakpoints or log_density; give "
            "a toy distribution, e.g. toys.gaussian(0.0, 1.0), or an object like theory.Density."
        )
    mass, error = integrate(lambda x: np.exp(p.log_density(x)), p.breakpoints, 1e-6, 2**15)
    if not abs(mass - 1) <= 0.01 + error:
        raise UserError(
            f"A density has mass {mass:.3g} between its outer breakpoints; it must be 1. Normalise "
            "it, or give breakpoints that contain all of its mass."
        )


def pushforward(
    G_z: Float64[np.ndarray, " n_plus_1"], mass: Vector, edges: Float64[np.ndarray, " cells_plus_1"]
) -> Float64[np.ndarray, " cells_plus_2"]:
    """p_g of a one-dimensional generator by change of variables: p_g(x) = Σ p_z(z) / |G′(z)|.

    The sum is over all z with G(z) = x, so G need not be monotonic. G is interpolated linearly in
    each cell of z, and p_z is treated as constant in the cell. With a uniform prior this is exact
    for ReLU or maxout units except in cells with a kink; otherwise the error is quadratic in the
    cell's width.

    Args:
        G_z: G at the edges of the n cells of z, in order.
        mass: p_z's probability of each cell of z.
        edges: the edges of the cells of x.

    Returns:
        p_g's probability left of the cells, in each cell, and right of them.

    >>> pushforward(np.array([0.0, 1.0, 0.0]), np.array([0.5, 0.5]), np.array([0.0, 0.25, 1.0]))
    array([0.  , 0.25, 0.75, 0.  ])
    """
    G_z, mass = as_floats("G_z", G_z), as_floats("mass", mass)
    edges = as_floats("edges", edges)
    low, high = np.minimum(G_z[1:], G_z[:-1]), np.maximum(G_z[1:], G_z[:-1])
    # A cell of z maps to [low, high]. The edges number first to after − 1 lie inside this interval;
    # the interval lies below the edges from number after on.
    first, after = np.searchsorted(edges, low), np.searchsorted(edges, high)
    n_inside = after - first
    cell = np.repeat(np.arange(len(mass)), n_inside)
    edge = np.arange(len(cell)) - np.repeat(n_inside.cumsum() - n_inside, n_inside) + first[cell]
    share = (edges[edge] - low[cell]) / (high - low)[cell]
    whole_cells = np.bincount(after, mass, len(edges) + 1)[:-1].cumsum()
    below = whole_cells + np.bincount(edge, mass[cell] * share, len(edges))
    masses = np.diff(np.concatenate([[0.0], below, [mass.sum()]]))
    return np.maximum(masses, 0)  # rounding can give −1e-16


# --- The gradient of an expectation (§2) ----------------------------------------------------------


def smoothed_gradient(f: Callable[[Points], Vector], x: Vector, sigma: float) -> Vector:
    """∇ₓ E f(x + ε) with ε ~ N(0, σ²I), without the gradient of f (§2).

    Integration by parts gives E[ε f(x + ε)] / σ², computed by Gauss-Hermite quadrature with 40
    nodes on each axis.

    Args:
        f: a function of points (n, d).
        x: the point (d,).
        sigma: the standard deviation σ > 0.

    Raises:
        UserError: σ is not above 0, or `x` is not a point.

    >>> smoothed_gradient(lambda x: x[:, 0] ** 2, np.array([3.0]), sigma=0.5).round(12)
    array([6.])
    """
    x, sigma = as_floats("The point x", x), plain_value(sigma, float)
    check_value("sigma", sigma, float, POSITIVE)
    if x.ndim != 1 or not 0 < len(x) <= 4:  # 40 nodes on each axis
        raise UserError(f"x has the shape {x.shape}; give one point (d,) of at most 4 coordinates.")
    t, w = roots_hermitenorm(40)
    eps = np.stack(np.meshgrid(*[t] * len(x), indexing="ij"), axis=-1).reshape(-1, len(x))
    weights = functools.reduce(np.multiply.outer, [w / w.sum()] * len(x)).ravel()
    # As E ε = 0, subtracting f(x) only reduces the rounding error.
    change = f(x + sigma * eps) - f(x[None])
    return (weights * change) @ eps / sigma
