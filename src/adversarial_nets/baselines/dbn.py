"""A deep belief network (Hinton, Osindero and Teh 2006), the row "DBN" of Table 1.

Two restricted Boltzmann machines, one on the other. An RBM has the energy

    E(v, h) = −v·b − h·c − v W h,

binary hidden units h that are independent given v, and visible units v that are independent given
h; here images in [0, 1] stand where binary v should (their intensities are taken for
probabilities). With h summed out the *free energy* is left, p(v) ∝ exp(−F(v)):

    F(v) = −v·b − Σ_j softplus(c_j + v·W_j).

The log-likelihood's gradient is ⟨−∂F/∂θ⟩_data − ⟨−∂F/∂θ⟩_model. The first machine takes the second
average after one Gibbs step from the data (contrastive divergence, CD-1); the second learns the
first one's hidden states, and takes it from chains that go on from update to update (persistent
contrastive divergence, PCD). The joined network is p(h¹, h²) p(v | h¹).

The published row gives no sizes, rates or sampling: all settings here are ours.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.baselines.chains import STATED, Chains, chain
from adversarial_nets.baselines.fitting import FitSession, minibatch
from adversarial_nets.progress import Progress
from adversarial_nets.random import Address

__all__ = ["DBN", "RBM", "Settings", "contrast", "fit", "free_energy", "gibbs", "sample"]


@dataclass(frozen=True)
class Settings:
    """How the two machines are trained; every number is ours.

    Attributes:
        hidden: units of h¹ and h².
        epochs: epochs of CD-1 for the first machine and of PCD for the second.
        lr: learning rate of each; the second's falls linearly to 0. The second takes no momentum:
            with it the chains fall behind the weights and visit only a few kinds of images.
        gibbs: Gibbs steps of the persistent chains in each update.
        chains: persistent chains.
        momentum: the first machine's, before and from `momentum_epoch` on.
        momentum_epoch: the epoch, from 0, at which the momentum rises.
        decay: weight decay.
        batch: images in an update.
        seed: addresses every draw.
    """

    hidden: tuple[int, int] = (1000, 1000)
    epochs: tuple[int, int] = (50, 100)
    lr: tuple[float, float] = (0.05, 0.03)
    gibbs: int = 5
    chains: int = 100
    momentum: tuple[float, float] = (0.5, 0.9)
    momentum_epoch: int = 5
    decay: float = 2e-4
    batch: int = 100
    seed: int = 0


@dataclass(frozen=True)
class RBM:
    """A restricted Boltzmann machine: W is (visible, hidden), b and c are their biases."""

    W: Float[Tensor, "visible hidden"]
    b: Float[Tensor, " visible"]
    c: Float[Tensor, " hidden"]

    def p_h(self, v: Float[Tensor, "n visible"]) -> Float[Tensor, "n hidden"]:
        """p(h_j = 1 | v)."""
        return torch.addmm(self.c, v, self.W).sigmoid_()

    def p_v(self, h: Float[Tensor, "n hidden"]) -> Float[Tensor, "n visible"]:
        """p(v_i = 1 | h)."""
        return torch.addmm(self.b, h, self.W.T).sigmoid_()

    def parts(self) -> tuple[Tensor, Tensor, Tensor]:
        """W, b and c."""
        return self.W, self.b, self.c


@dataclass(frozen=True)
class DBN:
    """The machine between image and h¹, and the one between h¹ and h²."""

    first: RBM
    second: RBM

    def tensors(self) -> dict[str, Tensor]:
        """Every parameter by name."""
        return _named("first", self.first.parts()) | _named("second", self.second.parts())


def _named(machine: str, parts: tuple[Tensor, ...]) -> dict[str, Tensor]:
    return {f"{machine}.{name}": x for name, x in zip("Wbc", parts, strict=True)}


def free_energy(rbm: RBM, v: Float[Tensor, "n visible"]) -> Float[Tensor, " n"]:
    """F(v) = −v·b − Σ_j softplus(c_j + v·W_j); p(v) = exp(−F(v)) / Z."""
    return -v @ rbm.b - F.softplus(torch.addmm(rbm.c, v, rbm.W)).sum(1)


def bernoulli(p: Tensor, draw: torch.Generator) -> Tensor:
    """1 with probability p, else 0."""
    return (torch.rand(p.shape, generator=draw, dtype=p.dtype) < p).to(p.dtype)


def gibbs(
    rbm: RBM, h: Float[Tensor, "n hidden"], steps: int, draw: torch.Generator
) -> tuple[Float[Tensor, "n visible"], Float[Tensor, "n hidden"]]:
    """Gibbs steps h → v → h, both sampled; the last v and h."""
    for _ in range(steps):
        v = bernoulli(rbm.p_v(h), draw)
        h = bernoulli(rbm.p_h(v), draw)
    return v, h


def reconstruct(
    rbm: RBM, v: Float[Tensor, "n visible"], draw: torch.Generator
) -> Float[Tensor, "n visible"]:
    """CD-1's v: one Gibbs step from the data, h sampled, v left as probabilities."""
    return rbm.p_v(bernoulli(rbm.p_h(v), draw))


def contrast(
    rbm: RBM, v_data: Float[Tensor, "n visible"], v_model: Float[Tensor, "m visible"]
) -> tuple[Tensor, Tensor, Tensor]:
    """⟨−∂F/∂θ⟩ on the data minus the same on the model's v: the ascent direction of W, b, c."""
    h_data, h_model = rbm.p_h(v_data), rbm.p_h(v_model)
    W = torch.addmm(
        v_data.T @ h_data, v_model.T, h_model, beta=1 / len(v_data), alpha=-1 / len(v_model)
    )
    return W, v_data.mean(0) - v_model.mean(0), h_data.mean(0) - h_model.mean(0)


def _ascend(
    rbm: RBM,
    velocity: tuple[Tensor, ...],
    gradient: tuple[Tensor, ...],
    lr: float,
    μ: float,
    decay: float,
) -> None:
    """Velocity and step: v ← μv + lr·(g − decay·W), θ ← θ + v; the biases do not decay."""
    for θ, v, g, d in zip(rbm.parts(), velocity, gradient, (decay, 0.0, 0.0), strict=True):
        v.mul_(μ).add_(g, alpha=lr).add_(θ, alpha=-lr * d)
        θ.add_(v)


def _new_rbm(mean: Float[Tensor, " visible"], hidden: int, seed: int, purpose: str) -> RBM:
    """W ~ N(0, .01²), the visible bias at the logit of the data's mean, the hidden bias 0."""
    W = 0.01 * Address(seed, 0, range(len(mean))).normal(purpose, hidden)
    return RBM(W, torch.logit(mean.double().clamp(1e-7, 1 - 1e-7)).float(), torch.zeros(hidden))


@torch.no_grad()
def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> DBN:
    """Train the first machine on images in [0, 1], then the second on its hidden states.

    Args:
        images: what to learn.
        settings: sizes and schedules.
        session: keeps and watches the fitting; see `FitSession`.
    """
    s = settings
    first = _new_rbm(images.mean(0), s.hidden[0], s.seed, "DBN first W")
    # The second machine's visible bias waits for the first one's hidden states.
    second = _new_rbm(torch.full(s.hidden[:1], 0.5), s.hidden[1], s.seed, "DBN second W")
    dbn = DBN(first, second)
    velocity = [tuple(torch.zeros_like(x) for x in rbm.parts()) for rbm in (first, second)]
    h2 = torch.zeros(s.chains, s.hidden[1])
    rest = _named("first", velocity[0]) | _named("second", velocity[1]) | {"chains": h2}
    per_epoch = max(len(images) // s.batch, 1)
    half = s.epochs[0] * per_epoch
    steps = (session or FitSession()).steps(
        half + s.epochs[1] * per_epoch, dbn, dbn.tensors(), rest
    )

    for t, note in steps.upto(half):  # CD-1: v from probabilities, h sampled
        draw = Address(s.seed, t, range(1)).generator("DBN")
        v = minibatch(images, s.seed, t, s.batch)
        v_1 = reconstruct(first, v, draw)
        μ = s.momentum[t // per_epoch >= s.momentum_epoch]
        _ascend(first, velocity[0], contrast(first, v, v_1), s.lr[0], μ, s.decay)
        note((v - v_1).square().mean().item())

    for t, note in steps.upto(steps.total):  # PCD on h¹, resampled each time its image comes
        draw = Address(s.seed, t, range(1)).generator("DBN")
        if t == half:
            total = torch.stack([first.p_h(x).sum(0) for x in images.split(1000)]).sum(0)
            mean = total / len(images)
            second.b.copy_(torch.logit(mean.clamp(1e-7, 1 - 1e-7)))
            h2.copy_(bernoulli(torch.full_like(h2, 0.5), draw))
        h1 = bernoulli(first.p_h(minibatch(images, s.seed, t, s.batch)), draw)
        h1_model, h2_model = gibbs(second, h2, s.gibbs, draw)
        h2.copy_(h2_model)
        left = 1 - (t - half) / (steps.total - half)
        gradient = contrast(second, h1, h1_model)
        _ascend(second, velocity[1], gradient, s.lr[1] * left, 0.0, s.decay)
        # The gap between the free energies of data and chains: near 0 while they keep up.
        gap = free_energy(second, h1).mean() - free_energy(second, h1_model).mean()
        note(gap.item())
    return dbn


@torch.no_grad()
def sample(
    dbn: DBN,
    n: int,
    *,
    start: Float[Tensor, "m pixels"],
    seed: int = 0,
    policy: Chains = STATED,
    on_progress: Progress | None = None,
) -> Float[Tensor, "n pixels"]:
    """Gibbs chains between h¹ and h², both sampled; emit the mean image p(v | h¹).

    Args:
        dbn: the network.
        n: how many images.
        start: training images, at least as many as there are chains; the first ones give the
            first h¹.
        seed: addresses every draw.
        policy: how many chains, their burn-in and thinning.
        on_progress: called after each step.
    """
    draw = Address(seed, 0, range(1)).generator("chain")
    h1 = bernoulli(dbn.first.p_h(start[: policy.chains]), draw)

    def step(h1: Tensor, draw: torch.Generator) -> Tensor:
        h2 = bernoulli(dbn.second.p_h(h1), draw)
        return bernoulli(dbn.second.p_v(h2), draw)

    return chain(step, dbn.first.p_v, h1, n, policy, seed, on_progress)
