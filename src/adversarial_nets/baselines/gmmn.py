"""A generative moment matching network, GMMN (Li, Swersky and Zemel 2015, arXiv:1502.02761).

A generator G is trained without a discriminator: it minimises the maximum mean discrepancy (MMD)
between its samples and the data, with a kernel k that is a sum of Gaussians,

    MMD² = E k(x, x') − 2 E k(x, G(z)) + E k(G(z), G(z')),
    k(x, y) = Σ_σ exp(−‖x − y‖² / 2σ).

MMD is 0 only if the two distributions are equal, but in high dimension it needs large minibatches.
The better of the two published variants therefore first trains an autoencoder; G then generates
codes, and the decoder turns them into images.

Sizes, initial weights, learning rates and length of G are those of the authors' code,
https://github.com/yujiali/gmmn; the training of the autoencoder is ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.baselines.fitting import FitSession, FitSteps, Tensors
from adversarial_nets.baselines.mlp import MLP, init_mlp, mlp, named_parameters
from adversarial_nets.baselines.optimisers import (
    adam_state,
    ascend_with_momentum,
    batches_per_epoch,
    minibatch,
    train_with_adam,
)
from adversarial_nets.random import Address

__all__ = [
    "GMMN",
    "Settings",
    "decode",
    "fit",
    "generate",
    "mmd2",
    "mmd2_and_gradient",
    "sample",
    "sample_z",
]


# Smaller values of exp are denormal once they are multiplied, and processors compute with such
# numbers many times more slowly.
_LOWEST_EXPONENT = -60.0


@dataclass(frozen=True)
class Settings:
    """Settings of a GMMN; those of the autoencoder's training are ours, the others published.

    Attributes:
        hidden: ReLU units of G's hidden layers; its outputs are sigmoid units.
        z_size: dimension of z ~ U(−1, 1).
        init_std: standard deviation of G's initial weights.
        bandwidths: the σ of the kernel; on codes the authors use 1 alone.
        autoencoder: units of the encoder's layers, the last one being the code (sigmoid units); the
            decoder has the same in reverse. If empty, G generates images directly.
        epochs: epochs of the autoencoder, if there is one, and of G. The published 40,000 updates
            are 800 epochs of MNIST's 50,000 training images.
        first_phase: the share of G's updates after which the learning rate is divided by 10, and
            1 − μ as well; by the authors' code after 10,000 of 40,000.
        lr: learning rate of G in the first phase.
        momentum: momentum μ of G in the first phase.
        batch: images in a minibatch of G.
        keep_prob: probability that dropout keeps a hidden unit of the encoder.
        autoencoder_lr: Adam's learning rate for the autoencoder.
        autoencoder_batch: images in a minibatch of the autoencoder.
        seed: seed of all random draws.
    """

    hidden: tuple[int, ...] = (64, 256, 256, 1024)
    z_size: int = 10
    init_std: float = 0.1
    bandwidths: tuple[float, ...] = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0)
    autoencoder: tuple[int, ...] = ()
    epochs: tuple[int, int] = (20, 800)
    first_phase: float = 0.25
    lr: float = 2.0
    momentum: float = 0.9
    batch: int = 1000
    keep_prob: float = 0.8
    autoencoder_lr: float = 1e-3
    autoencoder_batch: int = 100
    seed: int = 0


@dataclass(frozen=True)
class GMMN:
    """A GMMN, with or without an autoencoder.

    Attributes:
        G: maps z to the logits of a code, or of an image if there is no autoencoder.
        encoder: maps an image to the logits of its code; empty if there is no autoencoder.
        decoder: maps a code to the logits of an image; empty if there is no autoencoder.
    """

    G: MLP
    encoder: MLP
    decoder: MLP

    def state_dict(self) -> dict[str, Tensor]:
        """Return every parameter by name."""
        return named_parameters(G=self.G, encoder=self.encoder, decoder=self.decoder)


def mmd2(
    x: Float[Tensor, "m d"], y: Float[Tensor, "n d"], bandwidths: Sequence[float]
) -> Float[Tensor, ""]:
    """Return the (biased) MMD² between two sets of points.

    >>> x = torch.tensor([[0.0], [1.0]])
    >>> mmd2(x, x.flip(0), [2.0]).item()
    0.0
    """

    def mean_kernel(a: Tensor, b: Tensor) -> Tensor:
        d2 = _squared_distances(a, b)
        return torch.stack([(d2 / (-2 * σ)).exp().mean() for σ in bandwidths]).sum()

    return mean_kernel(x, x) - 2 * mean_kernel(x, y) + mean_kernel(y, y)


@torch.no_grad()
def mmd2_and_gradient(
    x: Float[Tensor, "m d"], y: Float[Tensor, "n d"], bandwidths: Sequence[float]
) -> tuple[Float[Tensor, ""], Float[Tensor, "n d"]]:
    """Return `mmd2` and its gradient by y, in about three quarters of the time that autograd takes.

    With κ(a, b) = Σ_σ exp(−‖a − b‖² / 2σ) / σ, the gradient by y_i is

        2/n² Σ_j κ(y_i, y_j) (y_j − y_i) − 2/nm Σ_j κ(y_i, x_j) (x_j − y_i).
    """

    def kernel_and_pull(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean of k(a_i, b_j), and Σ_j κ(a_i, b_j) (b_j − a_i) for each i."""
        d2 = _squared_distances(a, b)
        k, κ = torch.zeros_like(d2), torch.zeros_like(d2)
        for σ in bandwidths:
            term = (d2 / (-2 * σ)).clamp_(min=_LOWEST_EXPONENT).exp_()
            k += term
            κ.add_(term, alpha=1 / σ)
        return k.mean(), κ @ b - κ.sum(1, keepdim=True) * a

    k_xx, _ = kernel_and_pull(x, x)
    k_yx, towards_x = kernel_and_pull(y, x)
    k_yy, towards_y = kernel_and_pull(y, y)
    n = len(y)
    gradient = 2 / n * (towards_y / n - towards_x / len(x))
    return k_xx - 2 * k_yx + k_yy, gradient


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Return ‖a_i − b_j‖²."""
    norms = a.square().sum(1)[:, None] + b.square().sum(1)
    return torch.addmm(norms, a, b.T, alpha=-2)


def generate(gmmn: GMMN, z: Float[Tensor, "n z_size"]) -> Float[Tensor, "n code"]:
    """Return G(z): codes, or images if there is no autoencoder."""
    return mlp(z, gmmn.G).sigmoid()


def decode(gmmn: GMMN, z: Float[Tensor, "n z_size"]) -> Float[Tensor, "n pixels"]:
    """Return the images of z."""
    codes = generate(gmmn, z)
    return mlp(codes, gmmn.decoder).sigmoid() if gmmn.decoder else codes


def init_gmmn(pixels: int, settings: Settings) -> GMMN:
    """Return a GMMN before training."""
    sizes = (pixels, *settings.autoencoder) if settings.autoencoder else ()
    outputs = settings.autoencoder[-1] if settings.autoencoder else pixels
    G_sizes = (settings.z_size, *settings.hidden, outputs)
    return GMMN(
        G=init_mlp(G_sizes, settings.seed, "GMMN G", settings.init_std),
        encoder=init_mlp(sizes, settings.seed, "GMMN encoder"),
        decoder=init_mlp(sizes[::-1], settings.seed, "GMMN decoder"),
    )


def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> GMMN:
    """Train the autoencoder, if there is one, and then G.

    Args:
        images: training images in [0, 1].
        settings: sizes and schedule.
        session: saves and resumes the fit; nothing is saved if None.
    """
    session = session or FitSession()
    gmmn = init_gmmn(images.shape[1], settings)
    autoencoder = named_parameters(encoder=gmmn.encoder, decoder=gmmn.decoder)
    G = named_parameters(G=gmmn.G)
    state = adam_state(autoencoder) | {name: torch.zeros_like(θ) for name, θ in G.items()}
    autoencoder_steps = 0
    if settings.autoencoder:
        per_epoch = batches_per_epoch(images, settings.autoencoder_batch)
        autoencoder_steps = settings.epochs[0] * per_epoch
    G_steps = settings.epochs[1] * batches_per_epoch(images, settings.batch)
    steps = session.steps(autoencoder_steps + G_steps, gmmn, gmmn.state_dict(), state)

    def autoencoder_loss(step: int) -> Tensor:
        generator = Address(settings.seed, step, range(1)).generator("GMMN")
        x = minibatch(images, settings.seed, step, settings.autoencoder_batch)
        codes = mlp(x, gmmn.encoder, settings.keep_prob, generator).sigmoid()
        logits = mlp(codes, gmmn.decoder)
        return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)

    train_with_adam(
        steps,
        autoencoder_steps,
        autoencoder,
        state,
        autoencoder_loss,
        lambda step: settings.autoencoder_lr,
    )
    targets = mlp(images, gmmn.encoder).sigmoid() if settings.autoencoder else images
    _fit_G(gmmn, G, targets, settings, state, steps, G_steps)
    return gmmn


def _fit_G(
    gmmn: GMMN,
    G: Tensors,
    targets: Tensor,
    settings: Settings,
    velocity: Tensors,
    steps: FitSteps,
    G_steps: int,
) -> None:
    """Minimise √MMD² between the samples of G and the targets, by gradient descent with momentum.

    Args:
        gmmn: the model.
        G: the parameters of its G.
        targets: images, or their codes if there is an autoencoder.
        settings: schedule.
        velocity: v of each parameter of G.
        steps: the fit's updates.
        G_steps: number of G's updates, the last ones of the fit.
    """
    first = steps.total - G_steps
    for step, record_loss in steps.until(steps.total, G):
        z = Address(settings.seed, step, range(settings.batch)).uniform("GMMN z", settings.z_size)
        x = minibatch(targets, settings.seed, step, settings.batch)
        y = generate(gmmn, 2 * z - 1)
        value, gradient = mmd2_and_gradient(x, y.detach(), settings.bandwidths)
        root = value.clamp(min=1e-12).sqrt()
        gradients = torch.autograd.grad(y, list(G.values()), gradient / (2 * root))
        lr, momentum = settings.lr, settings.momentum
        if step - first >= settings.first_phase * G_steps:
            lr, momentum = lr / 10, 1 - (1 - momentum) / 10
        ascent = {name: -gradient for name, gradient in zip(G, gradients, strict=True)}
        ascend_with_momentum(G, velocity, ascent, lr=lr, momentum=momentum, weight_decay=0.0)
        record_loss(root.item())


@torch.no_grad()
def sample(gmmn: GMMN, n: int, *, seed: int = 0) -> Float[Tensor, "n pixels"]:
    """Draw n images: decode z ~ U(−1, 1).

    Args:
        gmmn: the model.
        n: number of images.
        seed: seed of z.
    """
    return decode(gmmn, sample_z(gmmn, n, seed))


def sample_z(gmmn: GMMN, n: int, seed: int) -> Float[Tensor, "n z_size"]:
    """Draw the z of the n images that `sample` returns for this seed."""
    z_size = gmmn.G[0][0].shape[0]
    return 2 * Address(seed, 0, range(n)).uniform("GMMN samples", z_size) - 1
