"""A variational autoencoder (Kingma and Welling 2014), the row that Table 1 came too early for.

Like G(z), a decoder turns z ~ N(0, I) into an image in one pass; unlike it, it is trained by a
bound on log p(x). An encoder q(z | x) = N(μ(x), diag σ²(x)) guesses the z of an image, and

    −log p(x) ≤ E_{z~q}[−log p(x | z)] + KL(q(z | x) ‖ N(0, I)),

where p(x | z) is Bernoulli with the decoder's means, z = μ + σ·ε lets the gradient through the
draw, and KL = ½ Σ (μ² + σ² − 1 − log σ²). A sample is the decoder's mean image.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.baselines.fitting import FitSession, adam_state, descend, minibatch
from adversarial_nets.baselines.perceptron import Layers, named, new, through
from adversarial_nets.random import Address

__all__ = ["VAE", "Settings", "bound", "decode", "encode", "fit", "sample", "z_of"]


@dataclass(frozen=True)
class Settings:
    """The smaller of the two published nets (283 nats); (1000, 1000) gives the other (290).

    Attributes:
        hidden: ReLU units of the encoder's hidden layers; the decoder mirrors them.
        z_size: length of z.
        epochs: epochs to train.
        lr: Adam's learning rate.
        batch: images in an update.
        seed: addresses every draw.
    """

    hidden: tuple[int, ...] = (500,)
    z_size: int = 8
    epochs: int = 200
    lr: float = 1e-3
    batch: int = 100
    seed: int = 0


@dataclass(frozen=True)
class VAE:
    """The encoder, whose outputs are μ and log σ², and the decoder."""

    encoder: Layers
    decoder: Layers

    def tensors(self) -> dict[str, Tensor]:
        """Every parameter by name."""
        return named(encoder=self.encoder, decoder=self.decoder)


def encode(
    vae: VAE, x: Float[Tensor, "n pixels"]
) -> tuple[Float[Tensor, "n z_size"], Float[Tensor, "n z_size"]]:
    """μ and log σ² of q(z | x)."""
    μ, log_var = through(x, vae.encoder).chunk(2, dim=1)
    return μ, log_var


def decode(vae: VAE, z: Float[Tensor, "n z_size"]) -> Float[Tensor, "n pixels"]:
    """The mean image of p(x | z)."""
    return through(z, vae.decoder).sigmoid()


def bound(
    vae: VAE, x: Float[Tensor, "n pixels"], ε: Float[Tensor, "n z_size"]
) -> Float[Tensor, ""]:
    """The bound on −log p(x) in nats, a mean over images, with one z an image."""
    μ, log_var = encode(vae, x)
    z = μ + (log_var / 2).exp() * ε
    entropy = F.binary_cross_entropy_with_logits(through(z, vae.decoder), x, reduction="sum")
    KL = (μ.square() + log_var.exp() - 1 - log_var).sum() / 2
    return (entropy + KL) / len(x)


def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> VAE:
    """Train encoder and decoder on images in [0, 1].

    Args:
        images: what to learn.
        settings: sizes and schedule.
        session: keeps and watches the fitting; see `FitSession`.
    """
    s = settings
    D = images.shape[1]
    vae = VAE(
        new((D, *s.hidden, 2 * s.z_size), s.seed, "VAE encoder"),
        new((s.z_size, *reversed(s.hidden), D), s.seed, "VAE decoder"),
    )
    θ = vae.tensors()
    memory = adam_state(θ)
    steps = (session or FitSession()).steps(
        s.epochs * max(len(images) // s.batch, 1), vae, θ, memory
    )
    for t, note in steps.upto(steps.total, θ):
        ε = Address(s.seed, t, range(s.batch)).normal("VAE z", s.z_size)
        value = bound(vae, minibatch(images, s.seed, t, s.batch), ε)
        descend(θ, memory, value, s.lr)
        note(value.item())
    return vae


@torch.no_grad()
def sample(vae: VAE, n: int, *, seed: int = 0) -> Float[Tensor, "n pixels"]:
    """Decode z ~ N(0, I): one pass, no chain.

    Args:
        vae: the autoencoder.
        n: how many images.
        seed: addresses z.
    """
    return decode(vae, z_of(vae, n, seed))


def z_of(vae: VAE, n: int, seed: int) -> Float[Tensor, "n z_size"]:
    """The z that `sample` decodes."""
    return Address(seed, 0, range(n)).normal("VAE samples", vae.decoder[0][0].shape[0])
