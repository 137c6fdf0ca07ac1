"""A variational autoencoder, VAE (Kingma and Welling 2014, arXiv:1312.6114).

A decoder maps z ~ N(0, I) to an image in one pass, as G does, but it is trained with a bound on
log p(x) instead of a discriminator. An encoder gives q(z | x) = N(μ(x), diag σ²(x)), and

    −log p(x) ≤ E_{z~q}[−log p(x | z)] + KL(q(z | x) ‖ N(0, I)).

The right-hand side is the negative evidence lower bound (ELBO). p(x | z) is Bernoulli with the
decoder's means; the reparameterisation z = μ + σ·ε, ε ~ N(0, I), lets gradients reach the encoder;
and KL = ½ Σ (μ² + σ² − 1 − log σ²). A sample is the decoder's mean image. The paper's Table 1 has
no VAE.
"""

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

__all__ = ["VAE", "Settings", "decode", "encode", "fit", "negative_elbo", "sample", "sample_z"]


@dataclass(frozen=True)
class Settings:
    """Settings of a VAE.

    The sizes are those of the smaller of the two published networks (283 nats). hidden =
    (1000, 1000) gives the larger one (290 nats).

    Attributes:
        hidden: ReLU units of the encoder's hidden layers; the decoder has the same layers in
            reverse.
        z_size: dimension of z.
        epochs: epochs to train.
        lr: Adam's learning rate.
        batch: images in a minibatch.
        seed: seed of all random draws.
    """

    hidden: tuple[int, ...] = (500,)
    z_size: int = 8
    epochs: int = 200
    lr: float = 1e-3
    batch: int = 100
    seed: int = 0


@dataclass(frozen=True)
class VAE:
    """A VAE.

    Attributes:
        encoder: maps an image to μ and log σ².
        decoder: maps z to the logits of an image.
    """

    encoder: MLP
    decoder: MLP

    def state_dict(self) -> dict[str, Tensor]:
        """Return every parameter by name."""
        return named_parameters(encoder=self.encoder, decoder=self.decoder)


def encode(
    vae: VAE, x: Float[Tensor, "n pixels"]
) -> tuple[Float[Tensor, "n z_size"], Float[Tensor, "n z_size"]]:
    """Return μ and log σ² of q(z | x)."""
    μ, log_var = mlp(x, vae.encoder).chunk(2, dim=1)
    return μ, log_var


def decode(vae: VAE, z: Float[Tensor, "n z_size"]) -> Float[Tensor, "n pixels"]:
    """Return the mean image of p(x | z)."""
    return mlp(z, vae.decoder).sigmoid()


def negative_elbo(
    vae: VAE, x: Float[Tensor, "n pixels"], ε: Float[Tensor, "n z_size"]
) -> Float[Tensor, ""]:
    """Return the negative ELBO in nats, the mean over images, with one z for each image.

    Args:
        vae: the model.
        x: images.
        ε: standard normal noise; z = μ + σ·ε.
    """
    μ, log_var = encode(vae, x)
    z = μ + (log_var / 2).exp() * ε
    cross_entropy = F.binary_cross_entropy_with_logits(mlp(z, vae.decoder), x, reduction="sum")
    KL = (μ.square() + log_var.exp() - 1 - log_var).sum() / 2
    return (cross_entropy + KL) / len(x)


def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> VAE:
    """Train a VAE with Adam (see `interface.Fit`)."""
    session = session or FitSession()
    pixels, hidden, seed = images.shape[1], settings.hidden, settings.seed
    vae = VAE(
        encoder=init_mlp((pixels, *hidden, 2 * settings.z_size), seed, "VAE encoder"),
        decoder=init_mlp((settings.z_size, *reversed(hidden), pixels), seed, "VAE decoder"),
    )
    parameters = vae.state_dict()
    state = adam_state(parameters)
    total = settings.epochs * batches_per_epoch(images, settings.batch)

    def loss_at(step: int) -> Tensor:
        ε = Address(seed, step, range(settings.batch)).normal("VAE z", settings.z_size)
        return negative_elbo(vae, minibatch(images, seed, step, settings.batch), ε)

    steps = session.steps(total, vae, parameters, state)
    train_with_adam(steps, total, parameters, state, loss_at, settings.lr)
    return vae


@torch.no_grad()
def sample(vae: VAE, n: int, *, seed: int = 0) -> Float[Tensor, "n pixels"]:
    """Draw n images: the decoder's mean images for z ~ N(0, I) (see `interface.Sample`)."""
    return decode(vae, sample_z(vae, n, seed))


def sample_z(vae: VAE, n: int, seed: int) -> Float[Tensor, "n z_size"]:
    """Draw the z of the n images that `sample` returns for this seed."""
    z_size = vae.decoder[0][0].shape[0]
    return Address(seed, 0, range(n)).normal("VAE samples", z_size)
