"""Restricted Boltzmann machines (RBMs), trained by contrastive divergence (Hinton 2002).

An RBM has binary visible units v and binary hidden units h with the energy

    E(v, h) = −v·b − h·c − v W h.

The h are independent given v, and the v are independent given h. Summing out h gives the free
energy F, with p(v) ∝ exp(−F(v)):

    F(v) = −v·b − Σ_j softplus(c_j + v·W_j).

The gradient of the log-likelihood is ⟨−∂F/∂θ⟩_data − ⟨−∂F/∂θ⟩_model. The second average is over
samples of the model: after one Gibbs step from the data (contrastive divergence, CD-1), or from
Gibbs chains that continue from update to update (persistent contrastive divergence, PCD; Tieleman
2008). Images in [0, 1] take the place of binary v; their intensities are used as probabilities.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.random import Address

__all__ = [
    "RBM",
    "bernoulli",
    "free_energy",
    "gibbs",
    "init_rbm",
    "log_likelihood_gradient",
    "logit_of_mean",
    "reconstruct",
]


@dataclass(frozen=True)
class RBM:
    """A restricted Boltzmann machine.

    Attributes:
        W: weights.
        b: biases of the visible units.
        c: biases of the hidden units.
    """

    W: Float[Tensor, "visible hidden"]
    b: Float[Tensor, " visible"]
    c: Float[Tensor, " hidden"]

    def p_h(self, v: Float[Tensor, "n visible"]) -> Float[Tensor, "n hidden"]:
        """Return p(h_j = 1 | v)."""
        return torch.addmm(self.c, v, self.W).sigmoid_()

    def p_v(self, h: Float[Tensor, "n hidden"]) -> Float[Tensor, "n visible"]:
        """Return p(v_i = 1 | h)."""
        return torch.addmm(self.b, h, self.W.T).sigmoid_()

    def state_dict(self) -> dict[str, Tensor]:
        """Return every parameter by name."""
        return {"W": self.W, "b": self.b, "c": self.c}


def init_rbm(mean: Float[Tensor, " visible"], hidden: int, seed: int, purpose: str) -> RBM:
    """Return an RBM before training: W ~ N(0, .01²), b the logit of the data's mean, c = 0.

    Args:
        mean: mean of the data.
        hidden: number of hidden units.
        seed: the model's seed.
        purpose: name of the random draws.
    """
    W = 0.01 * Address(seed, 0, range(len(mean))).normal(purpose, hidden)
    return RBM(W, logit_of_mean(mean), torch.zeros(hidden))


def logit_of_mean(mean: Float[Tensor, " units"]) -> Float[Tensor, " units"]:
    """Return biases at which independent binary units have the given mean."""
    return torch.logit(mean.double().clamp(1e-7, 1 - 1e-7)).float()


def free_energy(rbm: RBM, v: Float[Tensor, "n visible"]) -> Float[Tensor, " n"]:
    """Return F(v) = −v·b − Σ_j softplus(c_j + v·W_j); p(v) = exp(−F(v)) / Z."""
    return -v @ rbm.b - F.softplus(torch.addmm(rbm.c, v, rbm.W)).sum(1)


def bernoulli(p: Tensor, generator: torch.Generator) -> Tensor:
    """Draw 1 with probability p, else 0, for each entry."""
    return (torch.rand(p.shape, generator=generator, dtype=p.dtype) < p).to(p.dtype)


def gibbs(
    rbm: RBM, h: Float[Tensor, "n hidden"], steps: int, generator: torch.Generator
) -> tuple[Float[Tensor, "n visible"], Float[Tensor, "n hidden"]]:
    """Take Gibbs steps h → v → h, sampling both; return the last v and h."""
    for _ in range(steps):
        v = bernoulli(rbm.p_v(h), generator)
        h = bernoulli(rbm.p_h(v), generator)
    return v, h


def reconstruct(
    rbm: RBM, v: Float[Tensor, "n visible"], generator: torch.Generator
) -> Float[Tensor, "n visible"]:
    """Return the v of CD-1: one Gibbs step from the data, with sampled h and probabilities of v."""
    return rbm.p_v(bernoulli(rbm.p_h(v), generator))


def log_likelihood_gradient(
    rbm: RBM, v_data: Float[Tensor, "n visible"], v_model: Float[Tensor, "m visible"]
) -> dict[str, Tensor]:
    """Estimate the gradient of the mean log-likelihood by W, b and c.

    Args:
        rbm: the RBM.
        v_data: data, or samples given data.
        v_model: samples of the model.
    """
    h_data, h_model = rbm.p_h(v_data), rbm.p_h(v_model)
    W = torch.addmm(
        v_data.T @ h_data, v_model.T, h_model, beta=1 / len(v_data), alpha=-1 / len(v_model)
    )
    return {"W": W, "b": v_data.mean(0) - v_model.mean(0), "c": h_data.mean(0) - h_model.mean(0)}
