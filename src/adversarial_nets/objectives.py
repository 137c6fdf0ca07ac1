"""Equation 1 and the two objectives for G, as pure functions of D's logits.

D's probability is D(x) = sigmoid(a), so with a the logit

    log D(x) = −softplus(−a)        log(1 − D(x)) = −softplus(a)

which stay finite, with finite gradients, for every finite a. A logarithm of a sigmoid does not.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

__all__ = ["Objective", "discriminator_loss", "generator_loss", "r1", "value"]

Objective = Literal["minimax", "non-saturating"]


def value(a_x: Float[Tensor, " m"], a_G_z: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """V(D, G), Equation 1: the mean of log D(x) plus the mean of log(1 − D(G(z))).

    Args:
        a_x: D's logits on data.
        a_G_z: D's logits on samples.

    Returns:
        V in nats, at most 0; −log 4 where D says ½ everywhere.

    >>> import torch
    >>> round(value(torch.zeros(5), torch.zeros(5)).item(), 4)  # −log 4
    -1.3863
    """
    return -softplus(-a_x).mean() - softplus(a_G_z).mean()


def discriminator_loss(a_x: Float[Tensor, " m"], a_G_z: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """What D descends: −V(D, G), since D ascends V (Algorithm 1)."""
    return -value(a_x, a_G_z)


def generator_loss(
    a_G_z: Float[Tensor, " n"], objective: Objective = "non-saturating"
) -> Float[Tensor, ""]:
    """What G descends (§3).

    ``minimax`` is G's own share of V, the mean of log(1 − D(G(z))): its gradient dies when D is
    sure. ``non-saturating`` is the mean of −log D(G(z)): same fixed point, strong gradient early.
    """
    return -softplus(a_G_z).mean() if objective == "minimax" else softplus(-a_G_z).mean()


def r1(x: Float[Tensor, "m pixels"], a_x: Float[Tensor, " m"], price: float) -> Float[Tensor, ""]:
    """What D may pay for being steep on data: price · ½ E‖∂a(x)/∂x‖². Not the paper's.

    R1 of Mescheder, Geiger, Nowozin, "Which training methods for GANs do actually converge?"
    (2018): near p_g = p_data it makes the game converge where it would circle.

    Args:
        x: data, requiring a gradient.
        a_x: D's logits on them, each a function of its own x.
        price: γ, in nats for a squared slope of 2.

    >>> x = torch.randn(5, 3, requires_grad=True)
    >>> round(r1(x, x @ torch.tensor([2.0, 0.0, 1.0]), 0.1).item(), 4)  # .1 · ½ · (4 + 1)
    0.25
    """
    (slope,) = torch.autograd.grad(a_x.sum(), x, create_graph=True)
    return price / 2 * slope.square().sum(1).mean()
