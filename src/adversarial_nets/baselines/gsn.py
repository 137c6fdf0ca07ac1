"""A deep generative stochastic network (Bengio et al. 2014), the row "Deep GSN" of Table 1.

Instead of p(x), learn one step of a Markov chain whose stationary distribution is p(x). The
layers x, h¹, h², … form one undirected chain with symmetric weights: W goes up, Wᵀ goes down. A
step ("walkback") updates the odd layers, then the even layers, each from both its neighbours:

    h¹ = tanh(x W¹ + h² W²ᵀ + b¹)                                   odd
    p(x) = sigmoid(h¹ W¹ᵀ + b⁰)                                     even
    h² = tanh(h¹ W² + b² + ε) + ε',    ε, ε' ~ N(0, noise²)         even; only the top is noisy

after which x is drawn from p(x) and corrupted anew. Training starts at a corrupted image, takes
`walkback` steps, and asks each of their p(x) to be the clean image: the chain learns to walk back
to the data. The gradient flows through the hidden layers and not through the drawn x.

Settings are those of the authors' code, except that the decay of the learning rate, made for
1,000 epochs, is stretched over the epochs there are (ours). Their rule makes little of a few
epochs: at .25 it is slow, and at 1 or 2, after a good start, it diverges, since the noisy h² makes
W² much stiffer than W¹. For short trainings there is Adam (ours), which scales each weight's step.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.baselines.chains import STATED, Chains, chain
from adversarial_nets.baselines.fitting import FitSession, Tensors, adam, adam_state, minibatch
from adversarial_nets.progress import Progress
from adversarial_nets.random import Address

__all__ = ["GSN", "Settings", "corrupt", "fit", "new", "sample", "update_layers", "walkback_loss"]


State = tuple[Tensor, list[Tensor | None]]  # p(x) of a chain's last step, and its layers


@dataclass(frozen=True)
class Settings:
    """What the authors' code trained MNIST with, but for the number of epochs.

    Attributes:
        hidden: units of each hidden layer.
        noise: standard deviation of the Gaussian noise on the top layer, before and after tanh.
        corruption: probability that a pixel becomes a fair 0 or 1.
        walkback: steps of the chain in one update.
        rule: ``momentum``, the authors', or ``adam``.
        lr: learning rate of the first epoch, of the loss averaged over pixels.
        decay: factor of the learning rate from one of `full_epochs` to the next.
        full_epochs: epochs that the decay was made for.
        epochs: epochs to train; the decay is stretched over them.
        momentum: share of the old direction in the new, m ← momentum·m + (1 − momentum)·g.
        batch: images in an update.
        seed: addresses every draw.
    """

    hidden: tuple[int, ...] = (1500, 1500)
    noise: float = 2.0
    corruption: float = 0.4
    walkback: int = 4
    rule: Literal["momentum", "adam"] = "momentum"
    lr: float = 0.25
    decay: float = 0.995
    full_epochs: int = 1000
    epochs: int = 1000
    momentum: float = 0.5
    batch: int = 100
    seed: int = 0

    def lr_at(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        return self.lr * self.decay ** (epoch * self.full_epochs / self.epochs)


@dataclass(frozen=True)
class GSN:
    """A network: weights[i] joins layer i and i + 1, biases[i] belongs to layer i; x is layer 0."""

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    settings: Settings

    def tensors(self) -> dict[str, Tensor]:
        """Every parameter by name."""
        named = {f"W{i + 1}": W for i, W in enumerate(self.weights)}
        return named | {f"b{i}": b for i, b in enumerate(self.biases)}


def new(pixels: int, settings: Settings) -> GSN:
    """A network before training: W ~ U(±√(6 / (inputs + outputs))), biases 0."""
    sizes = (pixels, *settings.hidden)
    weights = []
    for i, (a, b) in enumerate(pairwise(sizes)):
        u = Address(settings.seed, 0, range(a)).uniform(f"GSN W{i + 1}", b)
        weights.append((2 * u - 1) * math.sqrt(6 / (a + b)))
    return GSN(tuple(weights), tuple(torch.zeros(size) for size in sizes), settings)


def corrupt(
    x: Float[Tensor, "n pixels"], probability: float, draw: torch.Generator
) -> Float[Tensor, "n pixels"]:
    """Salt and pepper: each pixel becomes a fair 0 or 1 with the given probability."""
    u = torch.rand(x.shape, generator=draw)
    return torch.where(u < probability / 2, 0.0, torch.where(u < probability, 1.0, x))


def update_layers(
    gsn: GSN, layers: list[Tensor | None], draw: torch.Generator, noise: float
) -> Float[Tensor, "n pixels"]:
    """One step: the odd layers in place, then the even ones; returns the logits of p(x).

    Args:
        gsn: the network.
        layers: the state x, h¹, h², …; None stands for a hidden layer of zeros, where a chain
            starts. x is left to the caller, who decides what is drawn from p(x).
        draw: the noise of the top layer.
        noise: its standard deviation.
    """
    W, b, top = gsn.weights, gsn.biases, len(layers) - 1
    n = next(len(layer) for layer in layers if layer is not None)
    logits = None
    for i in (*range(1, top + 1, 2), *range(0, top + 1, 2)):
        a = b[i].expand(n, -1)
        if i > 0 and (below := layers[i - 1]) is not None:
            a = torch.addmm(a, below, W[i - 1])
        if i < top and (above := layers[i + 1]) is not None:
            a = torch.addmm(a, above, W[i].T)
        if i == 0:
            logits = a
        elif i == top:
            ε = noise * torch.randn(2, *a.shape, generator=draw)
            layers[i] = torch.tanh(a + ε[0]) + ε[1]
        else:
            layers[i] = torch.tanh(a)
    if logits is None:
        raise ValueError("A GSN has at least one hidden layer.")
    return logits


def draw_and_corrupt(
    p: Float[Tensor, "n pixels"], probability: float, draw: torch.Generator
) -> Float[Tensor, "n pixels"]:
    """Draw x ~ Bernoulli(p), corrupted: it is 1 with (1 − c)·p + c/2, so one draw does both."""
    u = torch.rand(p.shape, generator=draw)
    return (u < (1 - probability) * p + probability / 2).to(p.dtype)


def walkback_loss(
    gsn: GSN, x: Float[Tensor, "n pixels"], draw: torch.Generator
) -> Float[Tensor, ""]:
    """Sum over the walkback steps of the cross-entropy, a mean over pixels, to the clean image."""
    s = gsn.settings
    layers: list[Tensor | None] = [corrupt(x, s.corruption, draw), *[None] * len(s.hidden)]
    loss = torch.zeros(())
    for _ in range(s.walkback):
        logits = update_layers(gsn, layers, draw, s.noise)
        loss = loss + F.binary_cross_entropy_with_logits(logits, x)
        layers[0] = draw_and_corrupt(logits.detach().sigmoid(), s.corruption, draw)
    return loss


def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> GSN:
    """Train a GSN on images in [0, 1].

    Args:
        images: what to learn.
        settings: the net and its schedule.
        session: keeps and watches the fitting; see `FitSession`.
    """
    gsn = new(images.shape[1], settings)
    θ = gsn.tensors()
    adams = settings.rule == "adam"
    memory = adam_state(θ) if adams else {name: torch.zeros_like(x) for name, x in θ.items()}
    per_epoch = max(len(images) // settings.batch, 1)
    steps = (session or FitSession()).steps(settings.epochs * per_epoch, gsn, θ, memory)
    for t, note in steps.upto(steps.total, θ):
        draw = Address(settings.seed, t, range(1)).generator("GSN walkback")
        loss = walkback_loss(gsn, minibatch(images, settings.seed, t, settings.batch), draw)
        gradients = torch.autograd.grad(loss, list(θ.values()))
        lr = settings.lr_at(t // per_epoch)
        if adams:
            adam(θ, memory, gradients, lr)
        else:
            descend(θ, memory, gradients, settings, lr)
        note(loss.item())
    return gsn


@torch.no_grad()
def descend(
    θ: Tensors, m: Tensors, gradients: tuple[Tensor, ...], settings: Settings, lr: float
) -> None:
    """Average the gradients, then step: m ← μm + (1 − μ)g;  θ ← θ − lr·m."""
    for name, g in zip(θ, gradients, strict=True):
        m[name].mul_(settings.momentum).add_(g, alpha=1 - settings.momentum)
        θ[name].sub_(m[name], alpha=lr)


@torch.no_grad()
def sample(
    gsn: GSN,
    n: int,
    *,
    start: Float[Tensor, "m pixels"],
    seed: int = 0,
    policy: Chains = STATED,
    on_progress: Progress | None = None,
) -> Float[Tensor, "n pixels"]:
    """Walk the learned chain with all its noise; emit p(x), each step's mean image.

    Args:
        gsn: the network.
        n: how many images.
        start: training images, at least as many as there are chains; the first ones are taken,
            corrupted, and their hidden layers start at 0.
        seed: addresses every draw.
        policy: how many chains, their burn-in and thinning.
        on_progress: called after each step.
    """
    s = gsn.settings
    draw = Address(seed, 0, range(1)).generator("chain")
    first = corrupt(start[: policy.chains], s.corruption, draw)

    def step(state: State, draw: torch.Generator) -> State:
        _, layers = state
        p = update_layers(gsn, layers, draw, s.noise).sigmoid()
        layers[0] = draw_and_corrupt(p, s.corruption, draw)
        return p, layers

    begin: State = first, [first, *[None] * len(s.hidden)]
    return chain(step, itemgetter(0), begin, n, policy, seed, on_progress)
