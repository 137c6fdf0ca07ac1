"""D*, V, KL, JSD and C(G) for discrete distributions (§4.1), and mirror descent on C (§4.2)."""

import math

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike
from scipy.special import rel_entr, xlogy

from adversarial_nets.errors import SettingError, UserError
from adversarial_nets.setting_values import plain_value
from adversarial_nets.theory.arguments import as_array, as_floats

__all__ = [
    "JSD",
    "KL",
    "LOG4",
    "C",
    "D_star",
    "V",
    "a_star",
    "entropy",
    "mirror_descent_step",
    "softplus",
]

LOG4 = math.log(4)

Vector = Float64[np.ndarray, " n"]
Points = Float64[np.ndarray, "n d"]
Axes = tuple[np.ndarray, ...]


def D_star(p_data: Vector, p_g: Vector) -> Vector:
    """The optimal discriminator for a fixed G (Proposition 1): p_data / (p_data + p_g).

    Args:
        p_data: probabilities or densities of the data, ≥ 0.
        p_g: probabilities or densities of the generator, at the same points.

    Returns:
        D*(x) in [0, 1]; NaN where p_data and p_g are 0, since D need not be defined there.

    >>> D_star(np.array([0.5, 0.5, 0.0]), np.array([0.5, 0.0, 0.5]))
    array([0.5, 1. , 0. ])
    """
    p_data, p_g = _same_points(p_data, p_g)
    with np.errstate(invalid="ignore"):
        return p_data / (p_data + p_g)


def a_star(p_data: Vector, p_g: Vector) -> Vector:
    """The logit of D*: log p_data − log p_g; ±∞ where one of them is 0, NaN where both are."""
    p_data, p_g = _same_points(p_data, p_g)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(p_data) - np.log(p_g)


def V(a: Vector, p_data: Vector, p_g: Vector) -> float:
    """The value of Equation 1 as a sum over x: V = Σ p_data log D + p_g log(1 − D).

    Args:
        a: D's logits at the points; may be infinite.
        p_data: the data's distribution, with sum 1.
        p_g: the generator's distribution, with sum 1.

    Returns:
        V in nats, at most 0; −∞ if D is 0 where p_data > 0, or 1 where p_g > 0.

    Raises:
        UserError: p_data or p_g is not a distribution, or they have different lengths.

    >>> half = np.array([0.5, 0.5])
    >>> round(V(np.zeros(2), half, half), 4)  # D = ½ everywhere: −log 4
    -1.3863
    """
    p_data, p_g = _distributions(p_data, p_g)
    a = as_floats("The logits", a)
    if a.shape != p_data.shape:
        raise UserError(
            f"There are {np.size(a)} logits and {p_data.size} probabilities; give one logit for "
            "each point."
        )
    real, fake = p_data > 0, p_g > 0  # D need not be defined at other points
    log_D, log_1_minus_D = -softplus(-a[real]), -softplus(a[fake])
    return float(p_data[real] @ log_D + p_g[fake] @ log_1_minus_D)


def KL(p: Vector, q: Vector) -> float:
    """The Kullback-Leibler divergence Σ p log(p/q) of p from q, in nats; in [0, ∞].

    >>> KL(np.array([1.0, 0.0]), np.array([0.5, 0.5])) == math.log(2)
    True
    >>> KL(np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    inf
    """
    return _kl(*_distributions(p, q))


def _kl(p: Vector, q: Vector) -> float:
    """`KL` of checked distributions."""
    return max(float(rel_entr(p, q).sum()), 0.0)  # rounding can give −1e-17 for an exact 0


def JSD(p: Vector, q: Vector) -> float:
    """The Jensen-Shannon divergence ½ KL(p ‖ m) + ½ KL(q ‖ m), m = (p + q)/2; in [0, log 2].

    >>> JSD(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == math.log(2)  # disjoint supports
    True
    """
    p, q = _distributions(p, q)
    # p log(p/m) = ½ · 2p log(2p/2m), where 2m = p + q cannot underflow to 0 as m can.
    return (_kl(2 * p, p + q) + _kl(2 * q, p + q)) / 4


def C(p_data: Vector, p_g: Vector) -> float:
    """The criterion max_D V(D, G) = −log 4 + 2·JSD(p_data ‖ p_g) (Theorem 1), in nats."""
    return -LOG4 + 2 * JSD(p_data, p_g)


def mirror_descent_step(p_data: Vector, p_g: Vector, eta: float = 1.0) -> Vector:
    """One step of entropic mirror descent on C with D = D* (§4.2): p_g ← p_g·(1 − D*)^(−η) / Z.

    log(1 − D*) is the derivative of C with respect to p_g, and the step multiplies p_g by
    exp(−η · derivative). With 1 − D* = p_g / (p_data + p_g) it becomes the geometric mean
    p_g^(1−η) · (p_data + p_g)^η / Z, which is computed here; η = 1 averages p_g and p_data. C
    decreases at every step for 0 < η ≤ 1 (proof: docs/theory/convergence.md).

    Args:
        p_data: the data's distribution.
        p_g: the generator's distribution, positive wherever p_data is, unless η = 1: a probability
            of 0 stays 0.
        eta: the step size η, above 0.

    Returns:
        The new p_g.

    Raises:
        UserError: η is not above 0, or too large; or η ≠ 1 and p_g is 0 where p_data is not.

    >>> mirror_descent_step(np.array([1.0, 0.0]), np.array([0.5, 0.5]))
    array([0.75, 0.25])
    """
    eta = plain_value(eta, float)
    if not (isinstance(eta, int | float) and 1e-30 <= eta <= 1e30):
        raise SettingError(
            "eta", f"is {eta!r}; the step size must be above 0, at most 1e30. Try 0.05."
        )
    p_data, p_g = _distributions(p_data, p_g)
    if eta != 1 and np.any((p_g == 0) & (p_data > 0)):
        raise UserError(
            "p_g is 0 where p_data is not, and a probability of 0 stays 0; start with p_g above 0."
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        log_p = xlogy(1 - eta, p_g) + xlogy(eta, p_data + p_g)
    log_p = np.where(p_data + p_g > 0, log_p, -np.inf)  # also for η > 1, 0 where both are 0
    p = np.exp(log_p - log_p.max())
    if eta > 1 and np.any((p == 0) & (p_data > 0)):
        raise SettingError(
            "eta", f"is {eta:g}; p_g becomes 0 where p_data is not. Choose it at most 1, e.g. 0.05."
        )
    return p / p.sum()


def entropy(p: np.ndarray) -> float:
    """The Shannon entropy −Σ p log p, in nats."""
    p = as_floats("The probabilities", p)
    return -float(xlogy(p, p).sum())


def softplus(a: Vector) -> Vector:
    """log(1 + exp(a)), without overflow: −log(1 − sigmoid(a))."""
    return np.logaddexp(0, a)


def _same_points(p_data: ArrayLike, p_g: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities or densities in float64, after a check that they are of the same points.

    Raises:
        UserError: they are not numbers, or have different shapes.
    """
    p, q = as_floats("p_data", p_data), as_floats("p_g", p_g)
    if p.ndim and q.ndim and p.shape != q.shape:
        raise UserError(
            f"p_data has the shape {p.shape} and p_g {q.shape}; give both at the same points."
        )
    return p, q


def _distributions(*distributions: ArrayLike) -> tuple[Vector, ...]:
    """Check that the arguments are distributions on the same points, and return them in float64.

    Raises:
        UserError: no numbers, different or empty shapes, a negative or NaN entry, or a sum that is
            not 1.
    """
    given = [as_array("The distribution", p) for p in distributions]
    shapes = [p.shape for p in given]
    if len(set(shapes)) > 1 or len(shapes[0]) != 1 or shapes[0] == (0,):
        raise UserError(
            f"The distributions have the shapes {', '.join(map(str, shapes))}; give the "
            "probabilities of the same points, (n,) each."
        )
    for p in given:
        # Probabilities divided by their sum in float32 have a sum of 1 to float32's precision.
        rounding = 16 * float(np.finfo(p.dtype).eps) if p.dtype.kind == "f" else 0.0
        if not (p.min() >= 0 and abs(p.sum(dtype=np.float64) - 1) < max(1e-9, rounding)):
            raise UserError(
                f"The distribution has minimum {p.min():g} and sum {p.sum():g}; it must be 0 or "
                "more everywhere and sum to 1. Divide it by its sum."
            )
    return tuple(p.astype(np.float64) for p in given)
