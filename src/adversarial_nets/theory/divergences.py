"""D*, V, KL, JSD and C(G) for discrete distributions (§4.1), and the descent of §4.2."""

import math

import numpy as np
from jaxtyping import Float64
from scipy.special import rel_entr, xlogy

from adversarial_nets.errors import UserError

__all__ = [
    "JSD",
    "KL",
    "C",
    "D_star",
    "V",
    "a_star",
    "entropy",
    "improve",
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


def entropy(p: np.ndarray) -> float:
    """−Σ p log p, in nats."""
    return -float(xlogy(p, p).sum())
