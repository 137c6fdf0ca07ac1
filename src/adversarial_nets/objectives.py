"""Equation 1, other objectives of D and G and the penalties on D, as pure functions of logits.

Of the objectives in `OBJECTIVES`, ``non-saturating`` and ``minimax`` are the paper's.

D's probability is D(x) = sigmoid(a) with the logit a, so

    log D(x) = −softplus(−a)        log(1 − D(x)) = −softplus(a)

which stay finite, with finite gradients, for every finite a. The logarithm of a computed sigmoid is
infinite once the sigmoid rounds to 0 or 1.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from adversarial_nets.errors import UserError, describe_type, unknown_name
from adversarial_nets.settings import Settings

__all__ = [
    "OBJECTIVES",
    "GPenalty",
    "Objective",
    "Penalty",
    "d_logit_gradients",
    "discriminator_loss",
    "find",
    "finite_difference_penalty",
    "g_logit_gradient",
    "generator_loss",
    "gradient_penalty",
    "is_built_in",
    "joint_loss",
    "minus_value",
    "penalties",
    "r1",
    "scalar",
    "value",
]

Logits = Float[Tensor, " m"]
Penalty = Callable[[Callable[[Tensor], Tensor], Tensor, Tensor], Tensor]
"""A penalty on D: a function of D, of data x and of samples G(z); see `Objective.penalty`."""
GPenalty = Callable[[Callable[[Tensor], Tensor], Tensor, Tensor, Tensor], Tensor]
"""A penalty on G: a function of D, x, z and G(z); see `Objective.g_penalty`."""


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


def minus_value(a_x: Float[Tensor, " m"], a_G_z: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """D's loss in the paper: −V of Equation 1, a mean over each minibatch.

    Args:
        a_x: D's logits on data.
        a_G_z: D's logits on samples.
    """
    return -value(a_x, a_G_z)


def _needs_data(a_G_z: Tensor) -> Tensor:
    """Refuse to compute a paired loss of G without D's logits on data."""
    raise UserError("This objective pairs samples with data; pass D's logits on data as a_x.")


def scalar(loss: object, name: str) -> Tensor:
    """Check that a loss is a tensor of one value, and return it as a scalar.

    Raises:
        UserError: the loss is not a tensor, or has more than one value.
    """
    if isinstance(loss, Tensor) and loss.numel() == 1:
        return loss.reshape(())
    given = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
    raise UserError(
        f"The objective's {name} returned {given}; it must return a scalar tensor, the mean over "
        "the minibatch. End it in .mean()."
    )


@dataclass(frozen=True)
class Objective:
    """The losses that D and G minimise, as means over a minibatch of m.

    Attributes:
        d_loss: D's loss, a function of D's logits on data and on samples.
        g_loss: G's loss, a function of D's logits on samples; not given with `paired_g_loss`.
        source: where it is defined.
        d_gradients: the gradients of m · d_loss with respect to both logit vectors in closed form,
            for `engine.manual_backprop`; None to compute them by autograd.
        g_gradient: the gradient of m · g_loss with respect to D's logits on samples, likewise.
        paired_g_loss: G's loss in place of `g_loss` if it also depends on D's logits on data: a
            function of equally many logits on data and on samples. Such an objective needs
            autograd.
        threshold: the logit above which D classifies an image as data; a* where p = q. None if a
            constant can be added to all logits (a critic, or a D that compares pairs).
        gradient_penalty: default of the setting ``gradient_penalty``, the weight λ.
        penalty: a penalty on D that is added to D's loss and to the penalties of the settings: a
            function ``penalty(D, x, G_z)`` that returns a scalar. D is a function from rows to
            logits, x the minibatch of data and G_z equally many samples. Such an objective needs
            autograd.
        g_penalty: a penalty on G that is added to G's loss: a function ``g_penalty(D, x, z, G_z)``,
            likewise, with noise z and its samples G_z. The gradient goes through G_z into G.
        optimum: the logit a*(x) that minimises D's expected loss, for densities p of data, q of
            samples.
        divergence: D's least expected loss, as a divergence between p and q.
        a_star: ``optimum`` as a function of p and q, in float64; None if it is not a function of
            p(x) and q(x). For a paired objective it holds up to a constant.
        published: the settings of its publication by name, if the objective needs them.
        published_in: the publication with these settings.
        d_ascends_V: whether D ascends V of Equation 1, so that `d_loss` is `minus_value` or
            equal to it. Then D* and C(G) are the paper's.
        joint_is_zero_sum: whether E and G minimise minus D's loss in the joint game (for minimax
            this is V itself); otherwise they minimise D's loss with the labels exchanged.

    Raises:
        UserError: neither `g_loss` nor `paired_g_loss` is given, or both are; or `d_ascends_V` with
            another loss of D.
    """

    d_loss: Callable[[Tensor, Tensor], Tensor]
    g_loss: Callable[[Tensor], Tensor] = _needs_data
    source: str = "not given"
    d_gradients: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None
    g_gradient: Callable[[Tensor], Tensor] | None = None
    paired_g_loss: Callable[[Tensor, Tensor], Tensor] | None = None
    threshold: float | None = 0.0
    gradient_penalty: float = 0.0
    penalty: Penalty | None = None
    g_penalty: GPenalty | None = None
    optimum: str = "not known"
    divergence: str = "not known"
    a_star: Callable[[Tensor, Tensor], Tensor] | None = None
    published: Mapping[str, Any] = field(default_factory=dict)
    published_in: str = ""
    d_ascends_V: bool = False
    joint_is_zero_sum: bool = False

    def __post_init__(self) -> None:
        """Require exactly one loss of G."""
        if (self.g_loss is _needs_data) == (self.paired_g_loss is None):
            given = "no loss of G" if self.paired_g_loss is None else "two losses of G"
            raise UserError(
                f"The objective has {given}. Give g_loss, a function of D's logits on samples, or "
                "paired_g_loss, a function of the logits on data and on samples, but not both."
            )

        if self.d_ascends_V:
            _check_minus_value(self.d_loss)

    @property
    def g_loss_at_half(self) -> float:
        """G's loss if all of D's logits are 0, where D = ½ for a D whose output is sigmoid(a).

        >>> OBJECTIVES["minimax"].g_loss_at_half  # log ½
        -0.6931471824645996
        """
        a = torch.zeros(2)
        loss = self.g_loss(a) if self.paired_g_loss is None else self.paired_g_loss(a, a)
        return scalar(loss, "loss of G").item()

    @property
    def saturates(self) -> bool:
        """Whether G's gradient vanishes where D rejects the samples with certainty (§3).

        >>> [name for name, objective in OBJECTIVES.items() if objective.saturates]
        ['minimax']
        """
        if self.threshold is None or self.paired_g_loss is not None:
            return False
        a = torch.tensor([self.threshold - 8.0, self.threshold])
        rejected, undecided = g_logit_gradient(self, a).abs().tolist()
        return rejected < 0.01 * undecided


def _check_minus_value(d_loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Raise an error if a loss of D differs from −V on a few logits."""
    a_x, a_G_z = torch.tensor([0.7, -1.3, 2.1]), torch.tensor([-0.4, 1.6, 0.2])
    found, expected = scalar(d_loss(a_x, a_G_z), "d_loss").item(), minus_value(a_x, a_G_z).item()
    if not math.isclose(found, expected, rel_tol=1e-4):
        raise UserError(
            f"The objective has d_ascends_V=True, but on a few logits its d_loss is {found:.4g} "
            f"and −V is {expected:.4g}; they must be equal. Give d_loss=minus_value, or "
            "d_ascends_V=False with this d_loss."
        )


def _log_ratio(p: Tensor, q: Tensor) -> Tensor:
    """log(p / q); ±∞ where one of them is 0."""
    return p.log() - q.log()


def _d_gradients(a_x: Tensor, a_G_z: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of −V: −(1 − D(x)) on data, D(G(z)) on samples."""
    return -torch.sigmoid(-a_x), torch.sigmoid(a_G_z)


OBJECTIVES: dict[str, Objective] = {
    "non-saturating": Objective(
        d_loss=minus_value,
        g_loss=lambda a_G_z: softplus(-a_G_z).mean(),  # −log D(G(z))
        source="§3: same fixed point as minimax, stronger gradient early in training",
        d_gradients=_d_gradients,
        g_gradient=lambda a_G_z: -torch.sigmoid(-a_G_z),
        optimum="log(p / q)",
        divergence="log 4 − 2 JSD(p, q)",
        a_star=_log_ratio,
        d_ascends_V=True,
    ),
    "minimax": Objective(
        d_loss=minus_value,
        g_loss=lambda a_G_z: -softplus(a_G_z).mean(),  # log(1 − D(G(z)))
        source="Equation 1: G's own term of V; its gradient vanishes where D(G(z)) is near 0",
        d_gradients=_d_gradients,
        g_gradient=lambda a_G_z: -torch.sigmoid(a_G_z),
        optimum="log(p / q)",
        divergence="log 4 − 2 JSD(p, q)",
        a_star=_log_ratio,
        d_ascends_V=True,
        joint_is_zero_sum=True,
    ),
    "least-squares": Objective(
        d_loss=lambda a_x, a_G_z: ((a_x - 1).square().mean() + a_G_z.square().mean()) / 2,
        g_loss=lambda a_G_z: (a_G_z - 1).square().mean() / 2,
        source="Mao et al. 2017, arXiv:1611.04076; the logit itself, without a sigmoid",
        d_gradients=lambda a_x, a_G_z: (a_x - 1, a_G_z),
        g_gradient=lambda a_G_z: a_G_z - 1,
        threshold=0.5,
        optimum="p / (p + q)",
        divergence="1/4 − ⅛ Σ (p − q)² / (p + q)",
        a_star=lambda p, q: p / (p + q),
    ),
    "hinge": Objective(
        d_loss=lambda a_x, a_G_z: (1 - a_x).relu().mean() + (1 + a_G_z).relu().mean(),
        g_loss=lambda a_G_z: -a_G_z.mean(),
        source="Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957",
        d_gradients=lambda a_x, a_G_z: (-(a_x < 1).to(a_x), (a_G_z > -1).to(a_G_z)),
        g_gradient=lambda a_G_z: -torch.ones_like(a_G_z),
        optimum="sign(p − q)",
        divergence="2 − 2 TV(p, q), TV = ½ Σ |p − q|",
        a_star=lambda p, q: (p - q).sign(),
    ),
    "wasserstein": Objective(
        d_loss=lambda a_x, a_G_z: a_G_z.mean() - a_x.mean(),
        g_loss=lambda a_G_z: -a_G_z.mean(),
        source="Arjovsky et al. 2017, arXiv:1701.07875; Gulrajani et al. 2017, arXiv:1704.00028, "
        "whose D has no batch normalisation",
        d_gradients=lambda a_x, a_G_z: (-torch.ones_like(a_x), torch.ones_like(a_G_z)),
        g_gradient=lambda a_G_z: -torch.ones_like(a_G_z),
        threshold=None,
        gradient_penalty=10.0,
        optimum="the 1-Lipschitz function with the largest mean on p minus its mean on q",
        divergence="−W₁(p, q), without the penalty",
        published={
            "k": 5,
            "optimiser": "adam",
            "lr": 1e-4,
            "momentum": 0.0,  # Adam's β₁
            "adam_beta2": 0.9,
            "r1": 0.0,
            "r2": 0.0,
        },
        published_in="WGAN-GP, arXiv:1704.00028",
    ),
    "relativistic": Objective(
        d_loss=lambda a_x, a_G_z: softplus(a_G_z - a_x).mean(),
        source="pairing: Jolicoeur-Martineau 2019, arXiv:1807.00734; Huang et al. 2024 (R3GAN), "
        "arXiv:2501.05441, with R1 and R2",
        paired_g_loss=lambda a_x, a_G_z: softplus(a_x - a_G_z).mean(),
        threshold=None,
        optimum="log(p / q) + a constant",
        divergence="log 2 − JSD(p ⊗ q, q ⊗ p)",
        a_star=_log_ratio,
    ),
}
"""Every objective by its name in the settings. Programs may add more (docs/add-an-objective.md)."""


_BUILT_IN = frozenset(OBJECTIVES)


def is_built_in(name: str) -> bool:
    """Whether an objective is this package's own, not one that a program added."""
    return name in _BUILT_IN


def find(name: str) -> Objective:
    """The objective of that name.

    Raises:
        UserError: the objective is unknown; the message suggests the nearest name.
    """
    if name not in OBJECTIVES:
        raise unknown_name(name, list(OBJECTIVES), "objective")
    found: object = OBJECTIVES[name]
    if not isinstance(found, Objective):
        raise UserError(
            f"The objective {name} is {describe_type(found)}; it must be an objectives.Objective: "
            "Objective(d_loss=…, g_loss=…)."
        )
    return found


def penalties(s: Settings) -> dict[str, float]:
    """The weight of each penalty that the settings add to D's loss, by the setting's name.

    >>> penalties(Settings(r1=0.5)), penalties(Settings(objective="wasserstein"))
    ({'r1': 0.5}, {'gradient_penalty': 10.0})
    """
    default = find(s.objective).gradient_penalty
    λ = default if s.gradient_penalty is None else s.gradient_penalty
    weights = {"r1": s.r1, "r2": s.r2, "gradient_penalty": λ}
    return {name: weight for name, weight in weights.items() if weight > 0}


def discriminator_loss(
    a_x: Float[Tensor, " m"], a_G_z: Float[Tensor, " n"], objective: str = "non-saturating"
) -> Float[Tensor, ""]:
    """The loss that D minimises: −V(D, G) for the paper's objectives (D ascends V, Algorithm 1).

    Raises:
        UserError: an unknown objective, or different numbers of data and samples for a paired
            objective.
    """
    found = find(objective)
    if found.paired_g_loss is not None:
        _check_pairs(a_x, a_G_z)
    return scalar(found.d_loss(a_x, a_G_z), "d_loss")


def _check_pairs(a_x: Tensor, a_G_z: Tensor) -> None:
    """Raise an error if the logits do not form pairs, because PyTorch would broadcast them."""
    if a_x.shape != a_G_z.shape:
        raise UserError(
            f"This objective pairs samples with data, but D's logits have the shapes "
            f"{tuple(a_x.shape)} on data and {tuple(a_G_z.shape)} on samples; both must have the "
            "same."
        )


def generator_loss(
    a_G_z: Float[Tensor, " n"],
    objective: str = "non-saturating",
    a_x: Float[Tensor, " n"] | None = None,
) -> Float[Tensor, ""]:
    """The loss that G minimises (§3).

    ``minimax`` is the mean of log(1 − D(G(z))); ``non-saturating`` that of −log D(G(z)).

    Args:
        a_G_z: D's logits on samples.
        objective: the objective's name.
        a_x: D's logits on data; only a paired objective (``relativistic``) needs them.

    Raises:
        UserError: the objective is unknown, or it is paired and the numbers of logits differ.
    """
    found = find(objective)
    if found.paired_g_loss is None or a_x is None:
        return scalar(found.g_loss(a_G_z), "g_loss")
    _check_pairs(a_x, a_G_z)
    return scalar(found.paired_g_loss(a_x, a_G_z), "paired_g_loss")


def joint_loss(
    a_x: Float[Tensor, " m"], a_G_z: Float[Tensor, " m"], objective: str = "non-saturating"
) -> Float[Tensor, ""]:
    """The loss that E and G minimise in the joint game (`encoders`), from D's logits on pairs.

    ``minimax`` is V itself, since it has `Objective.joint_is_zero_sum`. All others exchange the
    labels in D's loss: E and G are trained so that D classifies (x, E(x)) as samples and (G(z), z)
    as data.

    >>> a = torch.zeros(3)
    >>> round(joint_loss(a, a, "minimax").item(), 4), round(joint_loss(a, a).item(), 4)
    (-1.3863, 1.3863)
    """
    if find(objective).joint_is_zero_sum:
        return -discriminator_loss(a_x, a_G_z, objective)
    return discriminator_loss(a_G_z, a_x, objective)


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
        loss = scalar(objective.d_loss(a_x, a_G_z), "d_loss")
        on_data, on_samples = torch.autograd.grad(loss, (a_x, a_G_z))
    return on_data * len(a_x), on_samples * len(a_x)


def g_logit_gradient(objective: Objective, a_G_z: Logits) -> Tensor:
    """The gradient of m · G's loss with respect to D's logits on samples: (m,)."""
    if objective.g_gradient is not None:
        return objective.g_gradient(a_G_z)
    with torch.enable_grad():
        a_G_z = a_G_z.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(scalar(objective.g_loss(a_G_z), "g_loss"), a_G_z)
    return gradient * len(a_G_z)


def r1(
    x: Float[Tensor, "m values"], a_x: Float[Tensor, " m"], gamma: float, pixels: int | None = None
) -> Float[Tensor, ""]:
    """R1 penalty on D: γ/2 · E‖∂a(x)/∂x‖² over data (Mescheder et al. 2018, arXiv:1801.04406).

    R2 is the same penalty over samples x = G(z).

    Not in the paper. Near p_g = p_data a game without R1 can oscillate; with R1, a game that starts
    near that point converges. Far from that point R1 alone can fail: on 1,000 modes it diverged at
    each γ from .1 to 100 where R1 with R2 trained (arXiv:2501.05441).

    Args:
        x: data (R2: samples), requiring a gradient.
        a_x: D's logits on them; each logit must depend on its own x only.
        gamma: the weight γ.
        pixels: the number of values of the image in a row of x; a condition after them is not
            penalised.

    >>> x = torch.randn(5, 3, requires_grad=True)
    >>> round(r1(x, x @ torch.tensor([2.0, 0.0, 1.0]), 0.1).item(), 4)  # .1 · ½ · (4 + 1)
    0.25
    """
    (gradient,) = torch.autograd.grad(a_x.sum(), x, create_graph=True)
    return gamma / 2 * gradient[:, :pixels].square().sum(1).mean()


def finite_difference_penalty(
    a: Float[Tensor, " m"], a_moved: Float[Tensor, " m"], sigma: float, gamma: float
) -> Float[Tensor, ""]:
    """R1 or R2 without double backpropagation: γ/2 · E(a(x + σε) − a(x))² / σ².

    If the coordinates of ε are independent and symmetric about 0 with variance 1, the penalty's
    mean over ε is γ/2 · ‖∂a(x)/∂x‖² + O(σ²).

    Args:
        a: D's logits on data or samples x.
        a_moved: D's logits on x + σε.
        sigma: σ.
        gamma: the weight γ.
    """
    return gamma / 2 * ((a_moved - a) / sigma).square().mean()


def gradient_penalty(
    x_hat: Float[Tensor, "m values"],
    a_x_hat: Float[Tensor, " m"],
    weight: float,
    pixels: int | None = None,
) -> Float[Tensor, ""]:
    """WGAN-GP's penalty on D: λ · E(‖∂a(x̂)/∂x̂‖ − 1)² (Gulrajani et al. 2017, arXiv:1704.00028).

    Args:
        x_hat: points between data and samples, uniform on the lines between pairs, requiring a
            gradient.
        a_x_hat: D's logits there; each logit must depend on its own point only.
        weight: the weight λ.
        pixels: the number of values of the image in a row, if others follow; all by default.

    >>> x = torch.randn(5, 2, requires_grad=True)
    >>> round(gradient_penalty(x, x @ torch.tensor([3.0, 4.0]), 10.0).item(), 3)  # 10 · (5 − 1)²
    160.0
    """
    (gradient,) = torch.autograd.grad(a_x_hat.sum(), x_hat, create_graph=True)
    return weight * (gradient[:, :pixels].norm(dim=1) - 1).square().mean()
