"""V under each objective, the D* that maximises it, and its maximum over D (Proposition 1, §4.1).

V is minus D's expected loss: Equation 1 for the paper's objectives. An objective may have no D*
that is a function of p_data(x) and p_g(x) (``wasserstein``); then D* and the maximum are NaN.
"""

import math

import numpy as np
import torch
from jaxtyping import Float64
from scipy.special import expit

from adversarial_nets import objectives
from adversarial_nets.theory import divergences

__all__ = [
    "D_star",
    "V",
    "V_from_logits",
    "V_of_perfect_G",
    "V_star",
    "describe",
    "same_V",
    "threshold",
]

Logits = Float64[np.ndarray, " _"]
Vector = divergences.Vector


def V(objective: str, a: Vector, p_data: Vector, p_g: Vector) -> float:
    """V of D's logits a, as a sum over x: minus D's expected loss.

    >>> half = np.array([0.5, 0.5])
    >>> V("least-squares", half, half, half)  # a = ½ everywhere
    -0.25
    """
    found = objectives.find(objective)
    if found.d_ascends_V:
        return divergences.V(a, p_data, p_g)
    # Each pair of x and G(z) as a minibatch of one, since a paired loss depends on both logits.
    x, G_z = np.flatnonzero(p_data), np.flatnonzero(p_g)
    a_x, a_G_z = np.broadcast_arrays(a[x, None], a[G_z])
    pairs = (torch.from_numpy(np.ascontiguousarray(each)).reshape(-1, 1) for each in (a_x, a_G_z))
    losses = torch.vmap(found.d_loss)(*pairs).numpy().reshape(len(x), len(G_z))
    return -float(p_data[x] @ losses @ p_g[G_z])


def V_from_logits(objective: str, a_data: Logits, a_samples: Logits) -> float:
    """Estimate V from D's logits on data and on samples."""
    found = objectives.find(objective)
    if found.d_ascends_V:  # Equation 1
        return float(-np.logaddexp(0, -a_data).mean() - np.logaddexp(0, a_samples).mean())
    n = min(len(a_data), len(a_samples))  # a paired loss needs as many of each
    a_x, a_G_z = (torch.from_numpy(np.ascontiguousarray(a[:n])) for a in (a_data, a_samples))
    return -float(found.d_loss(a_x, a_G_z))


def _a_star(objective: str, p_data: Vector, p_g: Vector) -> Vector | None:
    """D's optimal logits; None if the objective has none in closed form."""
    found = objectives.find(objective)
    if found.a_star is None:
        return None
    return found.a_star(torch.from_numpy(p_data), torch.from_numpy(p_g)).numpy()


def D_star(objective: str, a: Vector, p_data: Vector, p_g: Vector) -> Vector:
    """D* = sigmoid(a*) at each x; NaN where p_data and p_g are 0, and if there is no a*.

    For a paired objective a* is determined up to a constant. The median of a − a* is added, so that
    D* can be compared with the learned D.

    Args:
        objective: the objective's name.
        a: D's logits.
        p_data: the data's probabilities.
        p_g: the generator's probabilities.

    >>> D_star("hinge", np.zeros(2), np.array([0.9, 0.1]), np.array([0.5, 0.5])).round(2)
    array([0.73, 0.27])
    """
    found = objectives.find(objective)
    if found.d_ascends_V:
        return divergences.D_star(p_data, p_g)
    best = _a_star(objective, p_data, p_g)
    if best is None:
        return np.full_like(a, np.nan)
    if found.paired_g_loss is not None:
        best = best + _median(a - best, np.minimum(p_data, p_g))
    return expit(np.where(p_data + p_g > 0, best, np.nan))


def _median(values: Vector, weights: Vector) -> float:
    """The weighted median of the values with weights above 0; 0 if there are none."""
    values, weights = values[weights > 0], weights[weights > 0]
    if not len(values):
        return 0.0
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def V_star(objective: str, p_data: Vector, p_g: Vector) -> float:
    """The maximum of V over D, a divergence of p_data and p_g (Theorem 1); NaN if there is no D*.

    For the paper's objectives it is C(G) = −log 4 + 2·JSD.
    """
    if objectives.find(objective).d_ascends_V:
        return divergences.C(p_data, p_g)
    best = _a_star(objective, p_data, p_g)
    return math.nan if best is None else V(objective, best, p_data, p_g)


def V_of_perfect_G(objective: str) -> float | None:
    """`V_star` for p_g = p_data: −log 4 for the paper's objectives; None if there is no D*.

    >>> V_of_perfect_G("hinge"), V_of_perfect_G("wasserstein") is None
    (-2.0, True)
    """
    one = np.ones(1)
    found = V_star(objective, one, one)
    return None if math.isnan(found) else found


def threshold(objective: str) -> float:
    """The logit above which D classifies x as data; NaN if its logits have no fixed zero.

    >>> threshold("minimax"), threshold("least-squares"), threshold("relativistic")
    (0.0, 0.5, nan)
    """
    level = objectives.find(objective).threshold
    return math.nan if level is None else level


def describe(objective: str) -> str:
    """Describe V, D* and the maximum of V for an objective; '' for the paper's objectives.

    >>> describe("minimax")
    ''
    """
    found = objectives.find(objective)
    if found.d_ascends_V:
        return ""
    sentence = f"V is minus D's loss under {objective}. D's optimal logit is {found.optimum}"
    if found.a_star is None:
        return f"{sentence}: no closed form, so V's optimum and D's distance from it are not given."
    return f"{sentence}, where −V = {found.divergence}; p is p_data, q is p_g."


def same_V(objective: str, other: str) -> bool:
    """Whether D ascends the same V under both objectives."""
    one, two = objectives.find(objective), objectives.find(other)
    return (one.d_ascends_V and two.d_ascends_V) or one.d_loss is two.d_loss
