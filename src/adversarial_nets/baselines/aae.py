"""An adversarial autoencoder (Makhzani et al. 2015): the paper's own game, played on codes.

An autoencoder learns to rebuild images from few numbers. Sampling from it needs to know where
those codes lie; so a discriminator D tells draws of a prior p(z) from codes, and the encoder, in
the part of G, learns to be taken for the prior. Each minibatch brings three updates:

    encoder, decoder   descend  E_x ‖x − decoder(encoder(x))‖²
    D                  ascends  E_z log D(z) + E_x log(1 − D(encoder(x)))       (Equation 1)
    encoder            ascends  E_x log D(encoder(x))                           (§3)

and when no D can tell the codes from the prior, decoder(z) with z ~ p(z) is a sample.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets import objectives
from adversarial_nets.baselines.fitting import FitSession, adam_state, descend, minibatch
from adversarial_nets.baselines.perceptron import Layers, named, new, through
from adversarial_nets.random import Address

__all__ = ["AAE", "Settings", "decode", "encode", "fit", "sample", "z_of"]


@dataclass(frozen=True)
class Settings:
    """The published nets and prior; rule, rates, lengths and dropout are ours.

    Attributes:
        hidden: ReLU units of the encoder's hidden layers; the decoder and D have as many.
        code: length of a code; its prior is N(0, spread²).
        spread: the prior's standard deviation.
        keep: the share of the encoder's and the decoder's hidden units that dropout leaves.
        epochs: epochs to train.
        lr: Adam's learning rates: of the rebuilding, and of both sides of the game. Both fall
            linearly to 0 over the second half.
        batch: images in an update.
        seed: addresses every draw.
    """

    hidden: tuple[int, ...] = (1000, 1000)
    code: int = 8
    spread: float = 5.0
    keep: float = 0.8
    epochs: int = 100
    lr: tuple[float, float] = (1e-3, 2e-4)
    batch: int = 100
    seed: int = 0


@dataclass(frozen=True)
class AAE:
    """Encoder, decoder, D, and the settings they were made with."""

    encoder: Layers
    decoder: Layers
    D: Layers
    settings: Settings

    def tensors(self) -> dict[str, Tensor]:
        """Every parameter by name."""
        return named(encoder=self.encoder, decoder=self.decoder, D=self.D)


def encode(aae: AAE, x: Float[Tensor, "n pixels"]) -> Float[Tensor, "n code"]:
    """The codes of images."""
    return through(x, aae.encoder)


def decode(aae: AAE, z: Float[Tensor, "n code"]) -> Float[Tensor, "n pixels"]:
    """The images of codes."""
    return through(z, aae.decoder).sigmoid()


def rebuilding(aae: AAE, x: Float[Tensor, "n pixels"], draw: torch.Generator) -> Float[Tensor, ""]:
    """‖x − decoder(encoder(x))‖², a mean over images, with dropout in both."""
    keep = aae.settings.keep
    again = through(through(x, aae.encoder, keep, draw), aae.decoder, keep, draw).sigmoid()
    return (x - again).square().sum(1).mean()


def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> AAE:
    """Train all three nets on images in [0, 1].

    Args:
        images: what to learn.
        settings: sizes and schedule.
        session: keeps and watches the fitting; see `FitSession`.
    """
    s = settings
    pixels = images.shape[1]
    aae = AAE(
        new((pixels, *s.hidden, s.code), s.seed, "AAE encoder"),
        new((s.code, *reversed(s.hidden), pixels), s.seed, "AAE decoder"),
        new((s.code, *s.hidden, 1), s.seed, "AAE D"),
        s,
    )
    autoencoder = named(encoder=aae.encoder, decoder=aae.decoder)
    encoder, D = named(encoder=aae.encoder), named(D=aae.D)
    memories = [adam_state(θ) for θ in (autoencoder, D, encoder)]
    rest = {f"{i}/{name}": x for i, each in enumerate(memories) for name, x in each.items()}

    total = s.epochs * max(len(images) // s.batch, 1)
    steps = (session or FitSession()).steps(total, aae, aae.tensors(), rest)
    for t, note in steps.upto(total, aae.tensors()):
        at = Address(s.seed, t, range(s.batch))
        draw = Address(s.seed, t, range(1)).generator("AAE")
        x = minibatch(images, s.seed, t, s.batch)
        lr, lr_game = (rate * min(1.0, 2 * (1 - t / total)) for rate in s.lr)

        loss = rebuilding(aae, x, draw)
        descend(autoencoder, memories[0], loss, lr)

        z = s.spread * at.normal("AAE z", s.code)
        codes = through(x, aae.encoder, s.keep, draw)
        a_z, a_codes = through(z, aae.D).flatten(), through(codes.detach(), aae.D).flatten()
        d_loss = objectives.discriminator_loss(a_z, a_codes)
        descend(D, memories[1], d_loss, lr_game, betas=(0.5, 0.999))

        g_loss = objectives.generator_loss(through(codes, aae.D).flatten())
        descend(encoder, memories[2], g_loss, lr_game, betas=(0.5, 0.999))
        note(loss.item())
    return aae


@torch.no_grad()
def sample(aae: AAE, n: int, *, seed: int = 0) -> Float[Tensor, "n pixels"]:
    """Decode z ~ N(0, spread²): one pass, no chain.

    Args:
        aae: the autoencoder.
        n: how many images.
        seed: addresses z.
    """
    return decode(aae, z_of(aae, n, seed))


def z_of(aae: AAE, n: int, seed: int) -> Float[Tensor, "n code"]:
    """The z that `sample` decodes."""
    s = aae.settings
    return s.spread * Address(seed, 0, range(n)).normal("AAE samples", s.code)
