"""Equation 1 and the objectives of D and G, as pure functions of D's logits.

D's probability is D(x) = sigmoid(a) with the logit a, so

    log D(x) = −softplus(−a)        log(1 − D(x)) = −softplus(a)

which stay finite, with finite gradients, for every finite a. The logarithm of a computed sigmoid is
infinite once the sigmoid rounds to 0 or 1.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from adversarial_nets.errors import unknown_name

__all__ = [
    "OBJECTIVES",
    "Objective",
    "d_logit_gradients",
    "discriminator_loss",
    "find",
    "g_logit_gradient",
    "generator_loss",
    "r1",
    "value",
]

Logits = Float[Tensor, " m"]


def value(a_x: Float[Tensor, " m"], a_G_z: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """V(D, G), Equation 1: the mean of log D(x) plus the mean of log(1 − D(G(z))).

    Args:
        a_x: D's logits on data.
        a_G_z: D's logits on samples.

    Returns:
        V in nats, at most 0; −log 4 if D(x) = ½ everywhere.

    >>> import torch
    >>> round(value(torch.zeros(5), torch.zeros(5)).item(), 4)  # −log 4
    -1.3863
    """
    return -softplus(-a_x).mean() - softplus(a_G_z).mean()


class Objective(NamedTuple):
    """What D and G minimise, as means over a minibatch of m.

    Attributes:
        d_loss: D's loss, of its logits on data and on samples.
        g_loss: G's loss, of D's logits on samples.
        source: where it is defined.
        d_gradients: the gradients of m · d_loss with respect to both logit vectors in closed form,
            for `engine.manual_backprop`; None to compute them by autograd.
        g_gradient: the gradient of m · g_loss with respect to D's logits on samples, likewise.
    """

    d_loss: Callable[[Tensor, Tensor], Tensor]
    g_loss: Callable[[Tensor], Tensor]
    source: str
    d_gradients: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None
    g_gradient: Callable[[Tensor], Tensor] | None = None


def _d_gradients(a_x: Tensor, a_G_z: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of −V: −(1 − D(x)) on data, D(G(z)) on samples."""
    return -torch.sigmoid(-a_x), torch.sigmoid(a_G_z)


OBJECTIVES: dict[str, Objective] = {
    "non-saturating": Objective(
        d_loss=lambda a_x, a_G_z: -value(a_x, a_G_z),
        g_loss=lambda a_G_z: softplus(-a_G_z).mean(),  # −log D(G(z))
        source="§3: same fixed point as minimax, stronger gradient early in training",
        d_gradients=_d_gradients,
        g_gradient=lambda a_G_z: -torch.sigmoid(-a_G_z),
    ),
    "minimax": Objective(
        d_loss=lambda a_x, a_G_z: -value(a_x, a_G_z),
        g_loss=lambda a_G_z: -softplus(a_G_z).mean(),  # log(1 − D(G(z)))
        source="Equation 1: G's own term of V; its gradient vanishes where D(G(z)) is near 0",
        d_gradients=_d_gradients,
        g_gradient=lambda a_G_z: -torch.sigmoid(a_G_z),
    ),
}
"""Every objective by its name in the settings. Programs may add more (docs/add-an-objective.md)."""


def find(name: str) -> Objective:
    """The objective of that name.

    Raises:
        UserError: there is no such objective; the message suggests the nearest name.
    """
    if name not in OBJECTIVES:
        raise unknown_name(name, list(OBJECTIVES), "objective")
    return OBJECTIVES[name]


def discriminator_loss(
    a_x: Float[Tensor, " m"], a_G_z: Float[Tensor, " n"], objective: str = "non-saturating"
) -> Float[Tensor, ""]:
    """The loss that D minimises: −V(D, G) for the paper's objectives (D ascends V, Algorithm 1)."""
    return find(objective).d_loss(a_x, a_G_z)


def generator_loss(
    a_G_z: Float[Tensor, " n"], objective: str = "non-saturating"
) -> Float[Tensor, ""]:
    """The loss that G minimises (§3).

    ``minimax`` is the mean of log(1 − D(G(z))); ``non-saturating`` that of −log D(G(z)).
    """
    return find(objective).g_loss(a_G_z)


def d_logit_gradients(objective: Objective, a_x: Logits, a_G_z: Logits) -> tuple[Tensor, Tensor]:
    """The gradients of m · D's loss with respect to its logits on data and on samples: (m,), (m,).

    >>> a = torch.zeros(1)
    >>> d_logit_gradients(OBJECTIVES["minimax"], a, a)  # −(1 − D(x)), D(G(z))
    (tensor([-0.5000]), tensor([0.5000]))
    """
    if objective.d_gradients is not None:
        return objective.d_gradients(a_x, a_G_z)
    with torch.enable_grad():
        a_x, a_G_z = a_x.detach().requires_grad_(), a_G_z.detach().requires_grad_()
        on_data, on_samples = torch.autograd.grad(objective.d_loss(a_x, a_G_z), (a_x, a_G_z))
    return on_data * len(a_x), on_samples * len(a_x)


def g_logit_gradient(objective: Objective, a_G_z: Logits) -> Tensor:
    """The gradient of m · G's loss with respect to D's logits on samples: (m,)."""
    if objective.g_gradient is not None:
        return objective.g_gradient(a_G_z)
    with torch.enable_grad():
        a_G_z = a_G_z.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(objective.g_loss(a_G_z), a_G_z)
    return gradient * len(a_G_z)


def r1(
    x: Float[Tensor, "m values"], a_x: Float[Tensor, " m"], gamma: float, pixels: int | None = None
) -> Float[Tensor, ""]:
    """R1 penalty on D: γ/2 · E‖∂a(x)/∂x‖² over data (Mescheder et al. 2018, arXiv:1801.04406).

    Not in the paper. Near p_g = p_data a game without it can oscillate; with it the game converges.

    Args:
        x: data, requiring a gradient.
        a_x: D's logits on these data; each logit must depend on its own x only.
        gamma: the weight γ.
        pixels: how many values of a row of x are the image; those after it, a class, do not count.

    >>> x = torch.randn(5, 3, requires_grad=True)
    >>> round(r1(x, x @ torch.tensor([2.0, 0.0, 1.0]), 0.1).item(), 4)  # .1 · ½ · (4 + 1)
    0.25
    """
    (gradient,) = torch.autograd.grad(a_x.sum(), x, create_graph=True)
    return gamma / 2 * gradient[:, :pixels].square().sum(1).mean()
