"""A deep generative stochastic network (Bengio et al. 2014, arXiv:1306.1091): the row "Deep GSN".

Instead of p(x), the network learns one step of a Markov chain whose stationary distribution is
p(x). The layers x, h¹, h², … are connected in a chain with symmetric weights: W upwards, Wᵀ
downwards. One step updates the odd layers and then the even layers, each from both its neighbours:

    h¹ = tanh(x W¹ + h² W²ᵀ + b¹)                                   odd
    p(x) = sigmoid(h¹ W¹ᵀ + b⁰)                                     even
    h² = tanh(h¹ W² + b² + ε) + ε',    ε, ε' ~ N(0, noise_std²)     even; only the top is noisy

Then x is drawn from p(x) and corrupted again. Training starts at a corrupted image, takes
`walkback` steps, and minimises the cross-entropy between the clean image and the p(x) of each step.
The gradient flows through the hidden layers, not through the drawn x.

Settings are those of the authors' code (https://github.com/yaoli/GSN), except for the learning rate
schedule: the decay that they chose for 1,000 epochs is stretched to the number of epochs (our
choice). With few epochs the authors' update rule fails: at a learning rate of .25 it is slow; at 1
or 2 it diverges after a good start, because the noise on h² makes the loss much steeper in W² than
in W¹. For short trainings we therefore use Adam, because it scales the step of each weight.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.baselines.chains import ChainSampler
from adversarial_nets.baselines.fitting import FitSession, Tensors
from adversarial_nets.baselines.mlp import glorot_uniform
from adversarial_nets.baselines.optimisers import (
    adam_state,
    adam_step,
    batches_per_epoch,
    minibatch,
)
from adversarial_nets.random import Address

__all__ = [
    "GSN",
    "Settings",
    "corrupt",
    "fit",
    "init_gsn",
    "momentum_step",
    "sample",
    "sample_and_corrupt",
    "update_layers",
    "walkback_loss",
]

ChainState = tuple[Tensor, list[Tensor | None]]
"""p(x) of a chain's last step, and its layers x, h¹, h², …"""


@dataclass(frozen=True)
class Settings:
    """Settings of a GSN: those of the authors' code for MNIST.

    Attributes:
        hidden: units of each hidden layer.
        noise_std: standard deviation of the Gaussian noise on the top layer, before and after tanh.
        corruption: probability that a pixel is replaced by 0 or 1 (each equally likely).
        walkback: steps of the chain in one update.
        optimiser: ``momentum``, as the authors, or ``adam``.
        lr: learning rate of the first epoch, for the loss averaged over pixels.
        lr_decay: factor of the learning rate from one epoch to the next, in a training of
            `lr_decay_epochs` epochs.
        lr_decay_epochs: the length for which `lr_decay` was chosen.
        epochs: epochs to train; the decay is stretched over them.
        momentum: m ← momentum·m + (1 − momentum)·gradient.
        batch: images in a minibatch.
        seed: seed of all random draws.
    """

    hidden: tuple[int, ...] = (1500, 1500)
    noise_std: float = 2.0
    corruption: float = 0.4
    walkback: int = 4
    optimiser: Literal["momentum", "adam"] = "momentum"
    lr: float = 0.25
    lr_decay: float = 0.995
    lr_decay_epochs: int = 1000
    epochs: int = 1000
    momentum: float = 0.5
    batch: int = 100
    seed: int = 0

    def lr_at(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return self.lr * self.lr_decay ** (epoch * self.lr_decay_epochs / self.epochs)


@dataclass(frozen=True)
class GSN:
    """A GSN. Layer 0 is x.

    Attributes:
        weights: weights[i] connects layers i and i + 1.
        biases: biases[i] belongs to layer i.
        settings: the settings that it was trained with.
    """

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    settings: Settings

    def state_dict(self) -> dict[str, Tensor]:
        """Return every parameter by name."""
        weights = {f"W{i + 1}": W for i, W in enumerate(self.weights)}
        return weights | {f"b{i}": b for i, b in enumerate(self.biases)}


def init_gsn(pixels: int, settings: Settings) -> GSN:
    """Return a GSN before training: weights by `glorot_uniform`, biases 0."""
    sizes = (pixels, *settings.hidden)
    weights = tuple(
        glorot_uniform(rows, columns, settings.seed, f"GSN W{i}")
        for i, (rows, columns) in enumerate(pairwise(sizes), 1)
    )
    return GSN(weights, tuple(torch.zeros(size) for size in sizes), settings)


# --- One step of the chain ------------------------------------------------------------------------


def corrupt(
    x: Float[Tensor, "n pixels"], probability: float, generator: torch.Generator
) -> Float[Tensor, "n pixels"]:
    """Add salt-and-pepper noise: replace each pixel by 0 or 1 with the given probability."""
    u = torch.rand(x.shape, generator=generator)
    return torch.where(u < probability / 2, 0.0, torch.where(u < probability, 1.0, x))


def update_layers(
    gsn: GSN, layers: list[Tensor | None], generator: torch.Generator, noise_std: float
) -> Float[Tensor, "n pixels"]:
    """Update the hidden layers in place, odd ones first, and return the logits of p(x).

    Args:
        gsn: the network.
        layers: the state x, h¹, h², …; None is a hidden layer of zeros, at the start of a chain.
            x is not changed: the caller decides how to draw it from p(x).
        generator: source of the top layer's noise.
        noise_std: its standard deviation.
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
            ε = noise_std * torch.randn(2, *a.shape, generator=generator)
            layers[i] = torch.tanh(a + ε[0]) + ε[1]
        else:
            layers[i] = torch.tanh(a)
    if logits is None:
        raise ValueError("layers is empty; a GSN has x and at least one hidden layer.")
    return logits


def sample_and_corrupt(
    p: Float[Tensor, "n pixels"], probability: float, generator: torch.Generator
) -> Float[Tensor, "n pixels"]:
    """Draw x ~ Bernoulli(p) and corrupt it, with a single draw for each pixel.

    With corruption probability c, a pixel is 1 with probability (1 − c)·p + c/2.
    """
    u = torch.rand(p.shape, generator=generator)
    return (u < (1 - probability) * p + probability / 2).to(p.dtype)


# --- Training -------------------------------------------------------------------------------------


def walkback_loss(
    gsn: GSN, x: Float[Tensor, "n pixels"], generator: torch.Generator
) -> Float[Tensor, ""]:
    """Return the cross-entropy to the clean image, averaged over pixels, summed over the steps."""
    settings = gsn.settings
    first = corrupt(x, settings.corruption, generator)
    layers: list[Tensor | None] = [first, *[None] * len(settings.hidden)]
    loss = torch.zeros(())
    for _ in range(settings.walkback):
        logits = update_layers(gsn, layers, generator, settings.noise_std)
        loss = loss + F.binary_cross_entropy_with_logits(logits, x)
        layers[0] = sample_and_corrupt(logits.detach().sigmoid(), settings.corruption, generator)
    return loss


def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> GSN:
    """Train a GSN (see `interface.Fit`)."""
    session = session or FitSession()
    gsn = init_gsn(images.shape[1], settings)
    parameters = gsn.state_dict()
    use_adam = settings.optimiser == "adam"
    moments = {name: torch.zeros_like(x) for name, x in parameters.items()}
    state = adam_state(parameters) if use_adam else moments
    per_epoch = batches_per_epoch(images, settings.batch)
    total = settings.epochs * per_epoch
    steps = session.steps(total, gsn, parameters, state)
    for step, record_loss in steps.until(total, parameters):
        generator = Address(settings.seed, step, range(1)).generator("GSN walkback")
        x = minibatch(images, settings.seed, step, settings.batch)
        loss = walkback_loss(gsn, x, generator)
        gradients = torch.autograd.grad(loss, list(parameters.values()))
        lr = settings.lr_at(step // per_epoch)
        if use_adam:
            adam_step(parameters, state, gradients, lr)
        else:
            momentum_step(parameters, state, gradients, lr, settings.momentum)
        record_loss(loss.item())
    return gsn


@torch.no_grad()
def momentum_step(
    parameters: Tensors, m: Tensors, gradients: tuple[Tensor, ...], lr: float, momentum: float
) -> None:
    """Make one update m ← μm + (1 − μ)g, θ ← θ − lr·m in place, with μ the momentum."""
    for name, gradient in zip(parameters, gradients, strict=True):
        m[name].mul_(momentum).add_(gradient, alpha=1 - momentum)
        parameters[name].sub_(m[name], alpha=lr)


# --- Sampling: the learned chain, with all its noise ----------------------------------------------


def _initial_state(gsn: GSN, images: Tensor, generator: torch.Generator) -> ChainState:
    """Return corrupted images, with hidden layers of zeros."""
    x = corrupt(images, gsn.settings.corruption, generator)
    return x, [x, *[None] * len(gsn.settings.hidden)]


def _next_state(gsn: GSN, state: ChainState, generator: torch.Generator) -> ChainState:
    _, layers = state
    p = update_layers(gsn, layers, generator, gsn.settings.noise_std).sigmoid()
    layers[0] = sample_and_corrupt(p, gsn.settings.corruption, generator)
    return p, layers


sample = ChainSampler(_initial_state, _next_state, mean_images=lambda gsn, state: state[0])
"""Sample by the learned chain; the images are p(x) of each step."""
