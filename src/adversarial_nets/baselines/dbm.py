"""A deep Boltzmann machine (Salakhutdinov and Hinton 2009), of which §2 says what it cannot do.

Unlike a deep belief network, all of it is one undirected model:

    E(v, h¹, h²) = −v·b − h¹·c¹ − h²·c² − v W¹ h¹ − h¹ W² h²,    p ∝ exp(−E).

Neither average of the log-likelihood's gradient, ⟨−∂E/∂θ⟩_data − ⟨−∂E/∂θ⟩_model, can be computed.
Given v, the hidden units still depend on one another, so the first is taken over the *mean field*
q(h) = Π_j q(h_j), the closest independent one, found by iterating its equations. The second comes
from Gibbs chains that go on from update to update (PCD). And since Z cannot be computed either, no
likelihood comes out, only samples: as of the adversarial nets, but from a Markov chain.

Started from random weights the machine learns badly. So each layer first learns as an RBM by itself
(CD-1), the first one with its input doubled, the second with its output doubled, in place of the
neighbour that it does not have yet.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.baselines.chains import STATED, Chains, chain
from adversarial_nets.baselines.dbn import bernoulli
from adversarial_nets.baselines.fitting import FitSession, minibatch
from adversarial_nets.progress import Progress
from adversarial_nets.random import Address

__all__ = ["DBM", "Settings", "contrast", "fit", "gibbs", "lower_bound", "mean_field", "sample"]


@dataclass(frozen=True)
class Settings:
    """The published sizes, mean-field steps, chains and rate; the other numbers are ours.

    Attributes:
        hidden: units of h¹ and h².
        epochs: epochs of CD-1 for the first layer, for the second, and of the joint training.
        lr: learning rate of each; the joint one falls linearly to 0.
        momentum: of both CD-1 stages.
        mean_field: steps of the mean field for each image.
        gibbs: Gibbs steps of the persistent chains in each update.
        chains: persistent chains.
        decay: weight decay.
        batch: images in an update.
        seed: addresses every draw.
    """

    hidden: tuple[int, int] = (500, 1000)
    epochs: tuple[int, int, int] = (50, 50, 300)
    lr: tuple[float, float, float] = (0.05, 0.05, 0.005)
    momentum: float = 0.9
    mean_field: int = 10
    gibbs: int = 5
    chains: int = 100
    decay: float = 2e-4
    batch: int = 100
    seed: int = 0


@dataclass(frozen=True)
class DBM:
    """W1 is (visible, h¹), W2 (h¹, h²); b, c1 and c2 are the biases of v, h¹ and h²."""

    W1: Float[Tensor, "visible hidden1"]
    W2: Float[Tensor, "hidden1 hidden2"]
    b: Float[Tensor, " visible"]
    c1: Float[Tensor, " hidden1"]
    c2: Float[Tensor, " hidden2"]

    def p_v(self, h1: Float[Tensor, "n hidden1"]) -> Float[Tensor, "n visible"]:
        """p(v_i = 1 | h¹)."""
        return torch.addmm(self.b, h1, self.W1.T).sigmoid_()

    def p_h1(
        self, v: Float[Tensor, "n visible"], h2: Float[Tensor, "n hidden2"]
    ) -> Float[Tensor, "n hidden1"]:
        """p(h¹_j = 1 | v, h²)."""
        return torch.addmm(self.c1, v, self.W1).addmm_(h2, self.W2.T).sigmoid_()

    def p_h2(self, h1: Float[Tensor, "n hidden1"]) -> Float[Tensor, "n hidden2"]:
        """p(h²_k = 1 | h¹)."""
        return torch.addmm(self.c2, h1, self.W2).sigmoid_()

    def tensors(self) -> dict[str, Tensor]:
        """Every parameter by name."""
        return {"W1": self.W1, "W2": self.W2, "b": self.b, "c1": self.c1, "c2": self.c2}


Gradient = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def mean_field(
    dbm: DBM, v: Float[Tensor, "n visible"], steps: int
) -> tuple[Float[Tensor, "n hidden1"], Float[Tensor, "n hidden2"]]:
    """μ¹ and μ² of q(h) = Π_j q(h_j): each layer's best in turn, given the other's.

    The first guess doubles the input, as the first layer's own training did.
    """
    μ1 = torch.addmm(dbm.c1, v, dbm.W1, alpha=2).sigmoid_()
    μ2 = dbm.p_h2(μ1)
    for _ in range(steps):
        μ1 = dbm.p_h1(v, μ2)
        μ2 = dbm.p_h2(μ1)
    return μ1, μ2


def lower_bound(
    dbm: DBM,
    v: Float[Tensor, "n visible"],
    μ1: Float[Tensor, "n hidden1"],
    μ2: Float[Tensor, "n hidden2"],
) -> Float[Tensor, " n"]:
    """E_q[−E(v, h)] + H(q): never above log p(v) + log Z, and a mean-field step never lowers it."""
    entropy = sum(-(torch.xlogy(μ, μ) + torch.xlogy(1 - μ, 1 - μ)).sum(1) for μ in (μ1, μ2))
    up = (v @ dbm.W1 + dbm.c1) * μ1 + (μ2 @ dbm.W2.T) * μ1
    return entropy + v @ dbm.b + up.sum(1) + μ2 @ dbm.c2


def gibbs(
    dbm: DBM, h1: Float[Tensor, "n hidden1"], steps: int, draw: torch.Generator
) -> Float[Tensor, "n hidden1"]:
    """Gibbs steps h¹ → v and h² → h¹, all sampled; the last h¹."""
    for _ in range(steps):
        v, h2 = bernoulli(dbm.p_v(h1), draw), bernoulli(dbm.p_h2(h1), draw)
        h1 = bernoulli(dbm.p_h1(v, h2), draw)
    return h1


def contrast(
    v: Float[Tensor, "n visible"],
    μ1: Float[Tensor, "n hidden1"],
    μ2: Float[Tensor, "n hidden2"],
    dbm: DBM,
    h1: Float[Tensor, "m hidden1"],
) -> Gradient:
    """The ascent direction of W¹, W², b, c¹, c²: ⟨−∂E/∂θ⟩ over q minus over the model's chains.

    Of the chains only h¹ is a sample; given it, v and h² stand as their means, which is as right
    and less noisy.
    """
    v_model, h2 = dbm.p_v(h1), dbm.p_h2(h1)
    n, m = len(v), len(h1)
    return (
        torch.addmm(v.T @ μ1, v_model.T, h1, beta=1 / n, alpha=-1 / m),
        torch.addmm(μ1.T @ μ2, h1.T, h2, beta=1 / n, alpha=-1 / m),
        v.mean(0) - v_model.mean(0),
        μ1.mean(0) - h1.mean(0),
        μ2.mean(0) - h2.mean(0),
    )


def _cd_1(
    v: Tensor, W: Tensor, b: Tensor, c: Tensor, up: int, down: int, draw: torch.Generator
) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    """An RBM's contrast after one Gibbs step, what stands below or above it doubled; and its v."""
    h = torch.addmm(c, v, W, alpha=up).sigmoid_()
    v_1 = torch.addmm(b, bernoulli(h, draw), W.T, alpha=down).sigmoid_()
    h_1 = torch.addmm(c, v_1, W, alpha=up).sigmoid_()
    n = len(v)
    gradient = torch.addmm(v.T @ h, v_1.T, h_1, beta=1 / n, alpha=-1 / n)
    return (gradient, v.mean(0) - v_1.mean(0), h.mean(0) - h_1.mean(0)), v_1


@torch.no_grad()
def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> DBM:
    """Train each layer by itself, then both together, on images in [0, 1].

    Args:
        images: what to learn; intensities are taken for probabilities.
        settings: sizes and schedules.
        session: keeps and watches the fitting; see `FitSession`.
    """
    s = settings
    mean = images.mean(0).double().clamp(1e-7, 1 - 1e-7)
    sizes = (len(mean), *s.hidden)
    W1, W2 = (
        0.01 * Address(s.seed, 0, range(a)).normal(f"DBM W{i}", b)
        for i, (a, b) in enumerate(zip(sizes, s.hidden, strict=False), 1)
    )
    c1, c2 = (torch.zeros(n) for n in s.hidden)
    dbm = DBM(W1, W2, torch.logit(mean).float(), c1, c2)
    velocity = {f"velocity.{name}": torch.zeros_like(x) for name, x in dbm.tensors().items()}
    h1 = torch.zeros(s.chains, s.hidden[0])
    per_epoch = max(len(images) // s.batch, 1)
    ends = [per_epoch * sum(s.epochs[: i + 1]) for i in range(3)]
    steps = (session or FitSession()).steps(ends[2], dbm, dbm.tensors(), velocity | {"chains": h1})

    def ascend(gradient: dict[str, Tensor], lr: float, μ: float) -> None:
        """Velocity and step: v ← μv + lr·(g − decay·W), θ ← θ + v; the biases do not decay."""
        for name, g in gradient.items():
            θ, v = dbm.tensors()[name], velocity[f"velocity.{name}"]
            v.mul_(μ).add_(g, alpha=lr).add_(θ, alpha=-lr * s.decay * (name[0] == "W"))
            θ.add_(v)

    def batch_of(t: int) -> tuple[Tensor, torch.Generator]:
        draw = Address(s.seed, t, range(1)).generator("DBM")
        return minibatch(images, s.seed, t, s.batch), draw

    for t, note in steps.upto(ends[0]):  # W¹ alone: its input doubled, for the h² that is missing
        v, draw = batch_of(t)
        gradient, v_1 = _cd_1(v, dbm.W1, dbm.b, dbm.c1, 2, 1, draw)
        ascend(dict(zip(("W1", "b", "c1"), gradient, strict=True)), s.lr[0], s.momentum)
        note((v - v_1).square().mean().item())

    for t, note in steps.upto(ends[1]):  # W² on h¹: its output doubled, for the v it does not see
        v, draw = batch_of(t)
        h = torch.addmm(dbm.c1, v, dbm.W1, alpha=2).sigmoid_()
        gradient, h_1 = _cd_1(bernoulli(h, draw), dbm.W2, dbm.c1, dbm.c2, 1, 2, draw)
        ascend({"W2": gradient[0], "c2": gradient[2]}, s.lr[1], s.momentum)
        note((h - h_1).square().mean().item())

    for t, note in steps.upto(ends[2]):  # both together
        v, draw = batch_of(t)
        if t == ends[1]:
            for x in velocity.values():
                x.zero_()
            h1.copy_(bernoulli(torch.full_like(h1, 0.5), draw))
        μ1, μ2 = mean_field(dbm, v, s.mean_field)
        h1.copy_(gibbs(dbm, h1, s.gibbs, draw))
        gradients = dict(zip(dbm.tensors(), contrast(v, μ1, μ2, dbm, h1), strict=True))
        ascend(gradients, s.lr[2] * (ends[2] - t) / (ends[2] - ends[1]), 0.0)
        note((v - dbm.p_v(μ1)).square().mean().item())
    return dbm


@torch.no_grad()
def sample(
    dbm: DBM,
    n: int,
    *,
    start: Float[Tensor, "m pixels"],
    seed: int = 0,
    policy: Chains = STATED,
    on_progress: Progress | None = None,
) -> Float[Tensor, "n pixels"]:
    """Gibbs chains through v, h¹ and h², all sampled; emit the mean image p(v | h¹).

    Args:
        dbm: the machine.
        n: how many images.
        start: training images, at least as many as there are chains; the first ones give the
            first h¹.
        seed: addresses every draw.
        policy: how many chains, their burn-in and thinning.
        on_progress: called after each step.
    """
    draw = Address(seed, 0, range(1)).generator("chain")
    h1 = bernoulli(mean_field(dbm, start[: policy.chains], 10)[0], draw)
    return chain(
        lambda h1, draw: gibbs(dbm, h1, 1, draw), dbm.p_v, h1, n, policy, seed, on_progress
    )
