"""A generative moment matching network, GMMN (Li, Swersky and Zemel 2015, arXiv:1502.02761).

A generator G is trained without a discriminator: it minimises the maximum mean discrepancy (MMD)
between its samples and the data, with a kernel k that is a sum of Gaussians,

    MMD² = E k(x, x') − 2 E k(x, G(z)) + E k(G(z), G(z')),
    k(x, y) = Σ_σ exp(−‖x − y‖² / 2σ).

MMD is 0 only if the two distributions are equal, but in high dimension it needs large minibatches.
The better of the two published variants therefore first trains an autoencoder; G then generates
codes, and the decoder turns them into images.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.baselines.fitting import FitSession
from adversarial_nets.baselines.mlp import MLP, init_mlp, mlp, named_parameters
from adversarial_nets.baselines.optimisers import (
    adam_state,
    batches_per_epoch,
    minibatch,
    train_with_adam,
)
from adversarial_nets.random import Address

__all__ = ["GMMN", "Settings", "decode", "fit", "generate", "mmd2", "sample", "sample_z"]


@dataclass(frozen=True)
class Settings:
    """Settings of a GMMN.

    G's sizes, the prior and the kernel on images are published; epochs, learning rates and the
    autoencoder are ours.

    Attributes:
        hidden: ReLU units of G's hidden layers; its outputs are sigmoid units.
        z_size: dimension of z ~ U(−1, 1).
        bandwidths: the σ of the kernel; on codes the authors use 1 alone.
        autoencoder: units of the encoder's layers, the last one being the code (sigmoid units); the
            decoder has the same in reverse. If empty, G generates images directly.
        epochs: epochs of the autoencoder, if there is one, and of G.
        keep_prob: probability that dropout keeps a hidden unit of the encoder.
        lr: Adam's learning rate. G's is constant for the first half and then falls linearly to 0.
        batch: images in a minibatch of G.
        autoencoder_batch: images in a minibatch of the autoencoder.
        seed: seed of all random draws.
    """

    hidden: tuple[int, ...] = (64, 256, 256, 1024)
    z_size: int = 10
    bandwidths: tuple[float, ...] = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0)
    autoencoder: tuple[int, ...] = ()
    epochs: tuple[int, int] = (50, 200)
    keep_prob: float = 0.8
    lr: float = 1e-3
    batch: int = 1000
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
        d2 = a.square().sum(1)[:, None] + b.square().sum(1)[None] - 2 * a @ b.T
        return torch.stack([(d2 / (-2 * σ)).exp().mean() for σ in bandwidths]).sum()

    return mean_kernel(x, x) - 2 * mean_kernel(x, y) + mean_kernel(y, y)


def generate(gmmn: GMMN, z: Float[Tensor, "n z_size"]) -> Float[Tensor, "n code"]:
    """Return G(z): codes, or images if there is no autoencoder."""
    return mlp(z, gmmn.G).sigmoid()


def decode(gmmn: GMMN, z: Float[Tensor, "n z_size"]) -> Float[Tensor, "n pixels"]:
    """Return the images of z."""
    codes = generate(gmmn, z)
    return mlp(codes, gmmn.decoder).sigmoid() if gmmn.decoder else codes


@contextmanager
def _flush_denormals() -> Iterator[None]:
    """Treat numbers below 10⁻³⁸ as 0: the gradients contain many, and they are 8 times slower.

    PyTorch sets this flag for the calling thread only, so the block runs in one thread.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


def init_gmmn(pixels: int, settings: Settings) -> GMMN:
    """Return a GMMN before training."""
    sizes = (pixels, *settings.autoencoder) if settings.autoencoder else ()
    outputs = settings.autoencoder[-1] if settings.autoencoder else pixels
    return GMMN(
        G=init_mlp((settings.z_size, *settings.hidden, outputs), settings.seed, "GMMN G"),
        encoder=init_mlp(sizes, settings.seed, "GMMN encoder"),
        decoder=init_mlp(sizes[::-1], settings.seed, "GMMN decoder"),
    )


@_flush_denormals()
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
    state = adam_state(gmmn.state_dict())
    autoencoder_steps = 0
    if settings.autoencoder:
        per_epoch = batches_per_epoch(images, settings.autoencoder_batch)
        autoencoder_steps = settings.epochs[0] * per_epoch
    G_steps = settings.epochs[1] * batches_per_epoch(images, settings.batch)
    total = autoencoder_steps + G_steps
    steps = session.steps(total, gmmn, gmmn.state_dict(), state)

    def autoencoder_loss(step: int) -> Tensor:
        generator = Address(settings.seed, step, range(1)).generator("GMMN")
        x = minibatch(images, settings.seed, step, settings.autoencoder_batch)
        codes = mlp(x, gmmn.encoder, settings.keep_prob, generator).sigmoid()
        logits = mlp(codes, gmmn.decoder)
        return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)

    train_with_adam(
        steps, autoencoder_steps, autoencoder, state, autoencoder_loss, lambda step: settings.lr
    )
    targets = mlp(images, gmmn.encoder).sigmoid() if settings.autoencoder else images

    def G_loss(step: int) -> Tensor:
        address = Address(settings.seed, step, range(settings.batch))
        z = 2 * address.uniform("GMMN z", settings.z_size) - 1
        x = minibatch(targets, settings.seed, step, settings.batch)
        return mmd2(x, generate(gmmn, z), settings.bandwidths).clamp(min=1e-12).sqrt()

    def G_lr(step: int) -> float:
        return settings.lr * min(1.0, 2 * (total - step) / G_steps)

    train_with_adam(steps, total, G, state, G_loss, G_lr)
    return gmmn


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
