"""Section 4 of the paper in float64: D*, V, C(G), the divergences, and a check of each sentence.

Everything exists twice: for discrete distributions (vectors that sum to 1), where sums are exact
to rounding, and for densities on the line or in the plane, where sums become integrals that come
back with a bound on their error. In both zeros are limits: 0·log 0 = 0, and KL is infinite where
q lacks what p has.

As everywhere in this project D is given by its logit a, D = sigmoid(a): where D is so sure that
1 − D rounds to 0, log(1 − D) = −softplus(a) is still right.
"""

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64
from scipy.special import rel_entr, roots_hermitenorm, xlogy

from adversarial_nets.errors import UserError

__all__ = [
    "JSD",
    "KL",
    "Bounded",
    "C",
    "C_density",
    "Check",
    "D_star",
    "Density",
    "JSD_density",
    "KL_density",
    "V",
    "V_density",
    "a_star",
    "cell_masses",
    "checks",
    "entropy",
    "gradient_errors",
    "improve",
    "integrate",
    "nodes",
    "pushforward",
    "smoothed_gradient",
]

LOG4 = math.log(4)

Vector = Float64[np.ndarray, " n"]
Points = Float64[np.ndarray, "n d"]
Axes = tuple[np.ndarray, ...]


# --- Discrete distributions (sums) ----------------------------------------------------------------


def D_star(p_data: Vector, p_g: Vector) -> Vector:
    """The best discriminator for a fixed G (Proposition 1): p_data / (p_data + p_g).

    Args:
        p_data: probabilities or densities of the data, ≥ 0.
        p_g: the same of the generator's samples, at the same points.

    Returns:
        D*(x) in [0, 1]; NaN where neither has anything, since D need not be defined there.

    >>> D_star(np.array([0.5, 0.5, 0.0]), np.array([0.5, 0.0, 0.5]))
    array([0.5, 1. , 0. ])
    """
    with np.errstate(invalid="ignore"):
        return p_data / (p_data + p_g)


def a_star(p_data: Vector, p_g: Vector) -> Vector:
    """The logit of D*: log p_data − log p_g, ±∞ where only one of them has anything."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(p_data) - np.log(p_g)


def V(a: Vector, p_data: Vector, p_g: Vector) -> float:
    """The value of Equation 1 as a sum over x: V = Σ p_data log D + p_g log(1 − D).

    Args:
        a: D's logits at the points; infinities are allowed.
        p_data: the data's distribution, which sums to 1.
        p_g: the generator's.

    Returns:
        V in nats, at most 0; −∞ where D is wholly sure and wrong.

    >>> half = np.array([0.5, 0.5])
    >>> round(V(np.zeros(2), half, half), 4)  # D = ½ everywhere: −log 4
    -1.3863
    """
    _check(p_data, p_g)
    real, fake = p_data > 0, p_g > 0  # D need not be defined elsewhere
    log_D, log_1_minus_D = -_softplus(-a[real]), -_softplus(a[fake])
    return float(p_data[real] @ log_D + p_g[fake] @ log_1_minus_D)


def KL(p: Vector, q: Vector) -> float:
    """The Kullback-Leibler divergence Σ p log(p/q), in nats; in [0, ∞].

    >>> KL(np.array([1.0, 0.0]), np.array([0.5, 0.5])) == math.log(2)
    True
    >>> KL(np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    inf
    """
    _check(p, q)
    return max(float(rel_entr(p, q).sum()), 0.0)  # rounding can leave −1e-17 of an exact 0


def JSD(p: Vector, q: Vector) -> float:
    """The Jensen-Shannon divergence ½ KL(p ‖ m) + ½ KL(q ‖ m), m = (p + q)/2; in [0, log 2].

    >>> JSD(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == math.log(2)  # no common support
    True
    """
    m = (p + q) / 2
    return (KL(p, m) + KL(q, m)) / 2


def C(p_data: Vector, p_g: Vector) -> float:
    """The best D's value, max_D V = −log 4 + 2·JSD(p_data ‖ p_g) (Theorem 1), in [−log 4, 0]."""
    return -LOG4 + 2 * JSD(p_data, p_g)


def improve(p_data: Vector, p_g: Vector, eta: float = 1.0) -> Vector:
    """Update p_g itself to improve C, D being optimal (§4.2): p_g ← p_g·(1 − D*)^(−η) / Z.

    This is the step of entropic mirror descent: log(1 − D*) is the derivative of C in p_g, and
    exp(−η · derivative) multiplies. With 1 − D* = p_g / (p_data + p_g) it becomes the geometric
    mean p_g^(1−η) · (p_data + p_g)^η / Z, the form computed here; η = 1 averages p_g with p_data.
    C falls at every step for 0 < η ≤ 1 (docs/theory/convergence.md has the proof).

    Args:
        p_data: the data's distribution.
        p_g: the generator's, positive wherever p_data is (or η = 1): what is 0 would stay 0.
        eta: the step size η, above 0.

    >>> improve(np.array([1.0, 0.0]), np.array([0.5, 0.5]))
    array([0.75, 0.25])
    """
    if eta <= 0:
        raise UserError(f"η is {eta}; the step in function space must be above 0.")
    _check(p_data, p_g)
    if eta != 1 and np.any((p_g == 0) & (p_data > 0)):
        raise UserError("p_g is 0 where p_data is not, and would stay so; start with p_g above 0.")
    with np.errstate(divide="ignore", invalid="ignore"):
        log_p = xlogy(1 - eta, p_g) + xlogy(eta, p_data + p_g)
    log_p = np.where(p_data + p_g > 0, log_p, -np.inf)  # what neither has stays 0 (for η > 1 too)
    p = np.exp(log_p - log_p.max())
    return p / p.sum()


def _check(*distributions: Vector) -> None:
    for p in distributions:
        if not (p.min(initial=0) >= 0 and abs(p.sum() - 1) < 1e-9):
            raise UserError(
                f"A distribution must be 0 or more everywhere and sum to 1; this one has least "
                f"value {p.min(initial=0):g} and sum {p.sum():g}."
            )


def _softplus(a: Vector) -> Vector:
    return np.logaddexp(0, a)


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


# --- Each sentence of §4 as a check ---------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """One statement of the paper, held against numbers.

    Attributes:
        section: where the paper says it.
        statement: what it says.
        max_error: the largest violation met; of an inequality, 0 where it always held.
        tolerance: what rounding, quadrature or a finite σ may contribute.
        holds: whether max_error ≤ tolerance.
    """

    section: str
    statement: str
    max_error: float
    tolerance: float
    holds: bool


def checks(seed: int = 0, distributions: int = 200) -> list[Check]:
    """Check each statement of §4, and the limit that §2 leans on, over random distributions.

    The distributions have 2 to 300 points; some are almost equal, some have zeros, some share no
    point at all, some have probabilities near the smallest number that float64 knows.

    Args:
        seed: of the random distributions.
        distributions: how many pairs (p_data, p_g).

    >>> all(check.holds for check in checks(seed=1, distributions=20))
    True
    """
    if seed < 0:
        raise UserError(f"--seed is {seed}; it must be a whole number, 0 or more.")
    rng = np.random.default_rng(seed)
    pairs = [_random_pair(rng) for _ in range(distributions)]
    found = [
        _check_of(section, statement, (error(p, q, rng) for p, q in pairs), tolerance)
        for section, statement, error, tolerance in _ABOUT_PAIRS
    ]
    found += [
        _check_of(section, statement, (error(rng) for _ in range(repeats)), tolerance)
        for section, statement, error, tolerance, repeats in _ABOUT_FUNCTIONS
    ]
    return found


def _check_of(section: str, statement: str, errors: Iterator[float], tolerance: float) -> Check:
    worst = float(np.max(np.fromiter(errors, np.float64)))  # a NaN stays one, and fails
    return Check(section, statement, worst, tolerance, worst <= tolerance)


def _random_pair(rng: np.random.Generator) -> tuple[Vector, Vector]:
    n = int(rng.choice([2, 3, 10, 50, 300]))
    p, q = (rng.dirichlet(np.full(n, rng.choice([0.02, 0.5, 1.0, 20.0]))) for _ in range(2))
    kind = rng.choice(["any", "zeros", "disjoint", "near"])
    if kind == "near":
        q = p * (1 + 10.0 ** rng.uniform(-9, -1) * rng.uniform(-1, 1, n))
    elif kind != "any":
        of_p: Bool[np.ndarray, " n"] = rng.random(n) < 0.5
        of_p[:2] = True, False  # neither may lose everything
        of_q = ~of_p if kind == "disjoint" else rng.random(n) < 0.7
        of_q[1] = True
        p, q = np.where(of_p, p + 1e-3, 0), np.where(of_q, q + 1e-3, 0)
    return p / p.sum(), q / q.sum()


def _excess(small: float, large: float) -> float:
    """By how much small ≤ large is violated."""
    return max(small - large, 0.0)


def entropy(p: np.ndarray) -> float:
    """−Σ p log p, in nats."""
    return -float(xlogy(p, p).sum())


def _peak(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    """The height of a log y + b log(1 − y) at a/(a + b) against that at 1,001 other y."""
    a, b = p[0], q[1]
    y = np.linspace(0, 1, 1001)
    best = xlogy(a, a / (a + b)) + xlogy(b, b / (a + b)) if a + b else 0.0
    return _excess(float(np.max(xlogy(a, y) + xlogy(b, 1 - y))), float(best))


def _other_D(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    a = a_star(p, q)
    near = np.nan_to_num(a, posinf=40, neginf=-40) + rng.normal(0, 10 ** rng.uniform(-6, 1), len(p))
    return max(_excess(V(other, p, q), V(a, p, q)) for other in (near, rng.normal(0, 3, len(p))))


def _log_likelihood(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    """A label Y, data or sample, by a fair coin: max_D E log P(Y | x) = −H(Y | x), twice."""
    H_Y_given_x = entropy(np.stack([p, q]) / 2) - entropy((p + q) / 2)
    return abs(V(a_star(p, q), p, q) + 2 * H_Y_given_x)


def _outside_the_supports(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    nothing = np.zeros(3)
    p, q = np.append(p, nothing), np.append(q, nothing)
    a = np.nan_to_num(a_star(p, q), nan=0.0, posinf=np.inf, neginf=-np.inf)
    elsewhere = np.append(a[:-3], rng.normal(0, 100, 3))
    return abs(V(elsewhere, p, q) - V(a, p, q))


def _C_as_KL(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    m = (p + q) / 2
    return abs(V(a_star(p, q), p, q) - (-LOG4 + KL(p, m) + KL(q, m)))


def _C_as_JSD(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    by_entropies = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
    return abs(C(p, q) - (-LOG4 + 2 * by_entropies))


def _at_equality(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    D = D_star(p, p)[p > 0]
    return max(abs(C(p, p) + LOG4), float(np.abs(D - 0.5).max()))


def _only_there(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    """Pinsker's inequality: C(G) + log 4 is at least the square of the total variation."""
    total_variation = float(np.abs(p - q).sum()) / 2
    return _excess(total_variation**2, C(p, q) + LOG4)


def _bounds(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    return max(abs(JSD(p, q) - JSD(q, p)), _excess(0.0, JSD(p, q)), _excess(JSD(p, q), math.log(2)))


def _disjoint(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    nothing = np.zeros_like(p)
    p, q = np.concatenate([p, nothing]), np.concatenate([nothing, q])
    return abs(JSD(p, q) - math.log(2)) if math.isinf(KL(p, q)) else math.inf


def _zeros_are_limits(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    eps = 1e-12
    almost = (p + eps / len(p)) / (1 + eps), (q + eps / len(q)) / (1 + eps)
    return abs(JSD(p, q) - JSD(*almost))


def _linear(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    a, t, other = rng.normal(0, 3, len(p)), rng.random(), rng.dirichlet(np.ones(len(p)))
    between = V(a, p, (1 - t) * q + t * other)
    return abs(between - ((1 - t) * V(a, p, q) + t * V(a, p, other)))


def _convex(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    t, other = rng.random(), rng.dirichlet(np.ones(len(p)))
    return _excess(C(p, (1 - t) * q + t * other), (1 - t) * C(p, q) + t * C(p, other))


def _subderivative(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    """The line V(D*, ·) touches C at p_g and lies below it everywhere."""
    q = (q + 1e-9) / (1 + 1e-9 * len(q))  # inside the simplex, where C has a derivative
    other = rng.dirichlet(np.ones(len(p)))
    at_D_star = a_star(p, q)
    return max(abs(V(at_D_star, p, q) - C(p, q)), _excess(V(at_D_star, p, other), C(p, other)))


def _derivative(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    """d/dt C along a straight line, by a central difference, against Σ log(1 − D*)·direction."""
    q, other = (q + 0.1) / (1 + 0.1 * len(q)), rng.dirichlet(np.ones(len(p)))
    direction, h = other - q, 1e-5
    slope = (C(p, q + h * direction) - C(p, q - h * direction)) / (2 * h)
    return abs(slope + float(_softplus(a_star(p, q)) @ direction))


def _falls(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    """The largest rise of C in 40 steps, and the excess over KL(p_data ‖ p_0) / ηt."""
    eta = rng.uniform(0.05, 1)
    q = (q + 1e-3) / (1 + 1e-3 * len(q))
    gap = KL(p, q)
    path = [q]
    for _ in range(40):
        path.append(improve(p, path[-1], eta))
    c = np.array([C(p, p_g) for p_g in path])
    bound = gap / (eta * np.arange(1, len(c)))
    return max(float(np.diff(c).max()), float((c[1:] + LOG4 - bound).max()), 0.0)


def _averages(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    return float(np.abs(improve(p, q, 1.0) - (p + q) / 2).max())


_ABOUT_PAIRS: tuple[tuple[str, str, Callable[..., float], float], ...] = (
    (
        "4.1",
        "a log y + b log(1 − y) is nowhere in [0, 1] above its value at a/(a + b)",
        _peak,
        1e-14,
    ),
    ("4.1", "For G fixed, no D has a larger V than D* = p_data/(p_data + p_g)", _other_D, 1e-13),
    (
        "4.1",
        "D maximises the log-likelihood of P(Y | x): max V = −2 H(Y | x)",
        _log_likelihood,
        1e-12,
    ),
    ("4.1", "D need not be defined where p_data and p_g are 0", _outside_the_supports, 0.0),
    ("4.1", "C(G) = V(D*, G) = −log 4 + KL(p_data ‖ m) + KL(p_g ‖ m)", _C_as_KL, 1e-12),
    ("4.1", "C(G) = −log 4 + 2 JSD(p_data ‖ p_g)", _C_as_JSD, 1e-12),
    ("4.1", "At p_g = p_data, C(G) = −log 4 and D* = ½", _at_equality, 1e-15),
    ("4.1", "Only there: C(G) ≥ −log 4 + (total variation)²", _only_there, 1e-15),
    ("4.1", "JSD is symmetric, at least 0, at most log 2", _bounds, 1e-15),
    ("4.1", "Without a common support JSD = log 2 and KL = ∞", _disjoint, 1e-14),
    (
        "4.1",
        "Probabilities of 0 are limits: JSD moves little when 1e-12 is spread",
        _zeros_are_limits,
        1e-9,
    ),
    ("4.2", "For D fixed, V is linear in p_g", _linear, 1e-12),
    ("4.2", "C = sup_D V is convex in p_g", _convex, 1e-14),
    (
        "4.2",
        "V(D*, ·) is a subderivative of C: it touches C at p_g and is nowhere above",
        _subderivative,
        1e-12,
    ),
    ("4.2", "The derivative of C in p_g is log(1 − D*)", _derivative, 1e-7),
    (
        "4.2",
        "p_g ← p_g (1 − D*)^(−η)/Z lowers C at each step, to within KL(p_data ‖ p_0)/ηt",
        _falls,
        1e-14,
    ),
    ("4.2", "η = 1 averages p_g with p_data", _averages, 1e-14),
)


# --- Statements about functions and densities -----------------------------------------------------


@dataclass(frozen=True)
class _Gaussians:
    """A mixture of round Gaussians of equal weight: means (modes, d), widths (modes,)."""

    means: np.ndarray
    widths: np.ndarray

    @property
    def panels(self) -> Axes:
        steps = self.widths[:, None] * np.arange(-9, 10, 3)
        return tuple(np.unique(self.means[:, i, None] + steps) for i in range(self.means.shape[1]))

    def log_density(self, x: Points) -> Vector:
        squares = ((x[:, None] - self.means) ** 2).sum(-1) / self.widths**2
        scale = self.means.shape[1] * np.log(self.widths * math.sqrt(2 * math.pi))
        return np.logaddexp.reduce(-squares / 2 - scale, axis=1) - math.log(len(self.means))


def _random_density(rng: np.random.Generator, d: int, modes: int) -> _Gaussians:
    return _Gaussians(rng.normal(0, 1, (modes, d)), rng.uniform(0.3, 1.5, modes))


def _densities(d: int, tolerance: float) -> Callable[[np.random.Generator], float]:
    def errors(rng: np.random.Generator) -> float:
        p, q = (_random_density(rng, d, modes=3 - d) for _ in range(2))
        m = _Gaussians(np.concatenate([p.means, q.means]), np.concatenate([p.widths, q.widths]))
        v = V_density(lambda x: p.log_density(x) - q.log_density(x), p, q, tolerance)
        p_m, q_m = KL_density(p, m, tolerance), KL_density(q, m, tolerance)
        jsd = C_density(p, q, tolerance)
        differences = (abs(v.value - jsd.value), abs(p_m.value + q_m.value - LOG4 - jsd.value))
        # An error bound that does not cover the difference is a failure too.
        covered = max(differences) <= v.error + p_m.error + q_m.error + jsd.error
        return max(differences) if covered else math.inf

    return errors


def _closed_form(rng: np.random.Generator) -> float:
    p, q = _random_density(rng, 1, 1), _random_density(rng, 1, 1)
    (mu_p, s_p), (mu_q, s_q) = ((float(r.means[0, 0]), float(r.widths[0])) for r in (p, q))
    exact = math.log(s_q / s_p) + (s_p**2 + (mu_p - mu_q) ** 2) / (2 * s_q**2) - 0.5
    return abs(KL_density(p, q).value - exact)


def _change_of_variables(rng: np.random.Generator) -> float:
    """E log(1 − D(G(z))) over z against the same over x, for a G that folds."""
    c, w, v = rng.normal(0, 1, 3), rng.uniform(1, 6), rng.normal(0, 1, 2)

    def G(z: Points) -> Vector:
        return c[0] + c[1] * z[:, 0] + c[2] * np.sin(w * z[:, 0])

    def log_1_minus_D(x: Vector) -> Vector:
        return -_softplus(v[0] + v[1] * x)

    over_z = integrate(lambda z: log_1_minus_D(G(z)), (np.linspace(0, 1, 5),)).value
    z = np.linspace(0, 1, 2001)
    G_z = G(z[:, None])
    edges = np.linspace(G_z.min() - 1e-9, G_z.max() + 1e-9, 801)
    p_g = pushforward(G_z, np.full(2000, 1 / 2000), edges)
    return abs(over_z - float(p_g[1:-1] @ log_1_minus_D((edges[1:] + edges[:-1]) / 2)))


def gradient_errors(rng: np.random.Generator, sigmas: Vector) -> Vector:
    """‖∇ₓ E f(x + ε) − ∇f(x)‖ at each σ for a random net f of 8 tanh units, at a random x."""
    W, b, w = rng.normal(0, 1, (2, 8)), rng.normal(0, 1, 8), rng.normal(0, 1, 8)
    x = rng.normal(0, 1, 2)
    gradient = W @ (w / np.cosh(x @ W + b) ** 2)
    f = functools.partial(lambda x: np.tanh(x @ W + b) @ w)
    return np.array([np.linalg.norm(smoothed_gradient(f, x, s) - gradient) for s in sigmas])


_ABOUT_FUNCTIONS: tuple[
    tuple[str, str, Callable[[np.random.Generator], float], float, int], ...
] = (
    ("4.1", "∫ p_z log(1 − D(G(z))) dz = ∫ p_g log(1 − D(x)) dx", _change_of_variables, 1e-4, 20),
    (
        "4.1",
        "The three forms of C(G) agree for densities on the line",
        _densities(1, 1e-12),
        1e-11,
        20,
    ),
    (
        "4.1",
        "The three forms of C(G) agree for densities in the plane",
        _densities(2, 1e-9),
        1e-9,
        3,
    ),
    ("4.1", "KL of two Gaussians by quadrature is the closed form", _closed_form, 1e-11, 20),
    (
        "2",
        "lim σ→0 ∇ₓ E f(x + ε) = ∇ₓ f(x): the error at σ = 0.001",
        lambda rng: float(gradient_errors(rng, np.array([1e-3]))[0]),
        1e-4,
        20,
    ),
    (
        "2",
        "and the error falls with σ²: σ = 0.001 has a hundredth of what 0.01 has, to a tenth",
        lambda rng: abs(math.log10(np.divide(*gradient_errors(rng, np.array([1e-2, 1e-3])))) - 2),
        math.log10(1.1),
        20,
    ),
)
