"""A generative moment matching network (Li, Swersky, Zemel 2015): G without a D.

G is trained as the adversarial nets' is, but what it descends is no player's judgement but a fixed
distance between its samples and data, the maximum mean discrepancy under a kernel k:

    MMD² = E k(x, x') − 2 E k(x, G(z)) + E k(G(z), G(z')),    k(x, y) = Σ_s exp(−‖x − y‖² / 2s).

It is 0 just where both distributions are the same, but in many pixels it takes large minibatches to
see a difference. So the better of the published variants generates codes of an autoencoder that is
trained first, and G's images are its decodings.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.baselines.fitting import FitSession, adam_state, descend, minibatch
from adversarial_nets.baselines.perceptron import Layers, named, new, through
from adversarial_nets.random import Address

__all__ = ["GMMN", "Settings", "decode", "fit", "mmd2", "sample", "z_of"]


@dataclass(frozen=True)
class Settings:
    """The published G, prior and kernels on images; lengths, rates and the autoencoder are ours.

    Attributes:
        hidden: G's ReLU units; its outputs are sigmoid.
        z_size: length of z ~ U(−1, 1).
        scales: the kernels' s; on codes the authors take 1 alone.
        autoencoder: the encoder's units, the last one being the code's length (sigmoid); the
            decoder mirrors them. Without it G's outputs are the images.
        epochs: epochs of the autoencoder, if there is one, and of G.
        keep: the share of the encoder's hidden units that dropout leaves.
        lr: Adam's learning rate; G's falls linearly to 0 over the second half.
        batch: images in an update of G.
        small_batch: images in an update of the autoencoder.
        seed: addresses every draw.
    """

    hidden: tuple[int, ...] = (64, 256, 256, 1024)
    z_size: int = 10
    scales: tuple[float, ...] = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0)
    autoencoder: tuple[int, ...] = ()
    epochs: tuple[int, int] = (50, 200)
    keep: float = 0.8
    lr: float = 1e-3
    batch: int = 1000
    small_batch: int = 100
    seed: int = 0


@dataclass(frozen=True)
class GMMN:
    """G, and an autoencoder, whose two perceptrons are empty where there is none."""

    G: Layers
    encoder: Layers
    decoder: Layers

    def tensors(self) -> dict[str, Tensor]:
        """Every parameter by name."""
        return named(G=self.G, encoder=self.encoder, decoder=self.decoder)


def mmd2(
    x: Float[Tensor, "m d"], y: Float[Tensor, "n d"], scales: Sequence[float]
) -> Float[Tensor, ""]:
    """MMD² between the rows of x and of y, each taken for a whole distribution.

    >>> x = torch.tensor([[0.0], [1.0]])
    >>> mmd2(x, x.flip(0), [2.0]).item()
    0.0
    """

    def k(a: Tensor, b: Tensor) -> Tensor:
        """The mean of k over all pairs."""
        d2 = a.square().sum(1)[:, None] + b.square().sum(1)[None] - 2 * a @ b.T
        return torch.stack([(d2 / (-2 * s)).exp().mean() for s in scales]).sum()

    return k(x, x) - 2 * k(x, y) + k(y, y)


def codes_of(gmmn: GMMN, z: Float[Tensor, "n z_size"]) -> Float[Tensor, "n code"]:
    """What G makes of z: codes, or images where there is no autoencoder."""
    return through(z, gmmn.G).sigmoid()


def decode(gmmn: GMMN, z: Float[Tensor, "n z_size"]) -> Float[Tensor, "n pixels"]:
    """The images that z stand for."""
    h = codes_of(gmmn, z)
    return through(h, gmmn.decoder).sigmoid() if gmmn.decoder else h


@contextmanager
def _tiny_is_zero() -> Iterator[None]:
    """Flush numbers below 10⁻³⁸ to 0: gradients are full of them, and they take 8 times as long.

    The switch is each thread's own, so the work stays in this one.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


@_tiny_is_zero()
def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> GMMN:
    """Train the autoencoder, if there is one, then G, on images in [0, 1].

    Args:
        images: what to learn.
        settings: sizes and schedule.
        session: keeps and watches the fitting; see `FitSession`.
    """
    s = settings
    pixels = images.shape[1]
    down = (pixels, *s.autoencoder) if s.autoencoder else ()
    gmmn = GMMN(
        new((s.z_size, *s.hidden, (pixels, *down)[-1]), s.seed, "GMMN G"),
        new(down, s.seed, "GMMN encoder"),
        new(down[::-1], s.seed, "GMMN decoder"),
    )
    autoencoder, G = named(encoder=gmmn.encoder, decoder=gmmn.decoder), named(G=gmmn.G)
    memory = adam_state(gmmn.tensors())
    first = s.epochs[0] * max(len(images) // s.small_batch, 1) if s.autoencoder else 0
    second = s.epochs[1] * max(len(images) // s.batch, 1)
    steps = (session or FitSession()).steps(first + second, gmmn, gmmn.tensors(), memory)

    for t, note in steps.upto(first, autoencoder):
        draw = Address(s.seed, t, range(1)).generator("GMMN")
        x = minibatch(images, s.seed, t, s.small_batch)
        h = through(x, gmmn.encoder, s.keep, draw).sigmoid()
        again = through(h, gmmn.decoder)
        loss = F.binary_cross_entropy_with_logits(again, x, reduction="sum") / len(x)
        descend(autoencoder, memory, loss, s.lr)
        note(loss.item())

    targets = through(images, gmmn.encoder).sigmoid() if s.autoencoder else images
    for t, note in steps.upto(steps.total, G):
        z = 2 * Address(s.seed, t, range(s.batch)).uniform("GMMN z", s.z_size) - 1
        x = minibatch(targets, s.seed, t, s.batch)
        loss = mmd2(x, codes_of(gmmn, z), s.scales).clamp(min=1e-12).sqrt()
        left = min(1.0, 2 * (steps.total - t) / second)
        descend(G, memory, loss, s.lr * left)
        note(loss.item())
    return gmmn


@torch.no_grad()
def sample(gmmn: GMMN, n: int, *, seed: int = 0) -> Float[Tensor, "n pixels"]:
    """Decode z ~ U(−1, 1): one pass, no chain.

    Args:
        gmmn: the network.
        n: how many images.
        seed: addresses z.
    """
    return decode(gmmn, z_of(gmmn, n, seed))


def z_of(gmmn: GMMN, n: int, seed: int) -> Float[Tensor, "n z_size"]:
    """The z that `sample` decodes."""
    return 2 * Address(seed, 0, range(n)).uniform("GMMN samples", gmmn.G[0][0].shape[0]) - 1
