"""An adversarial autoencoder, AAE (Makhzani et al. 2015, arXiv:1511.05644).

An autoencoder alone cannot be sampled, because the distribution of its codes is unknown. Here the
encoder is also the generator of a game: a discriminator D learns to distinguish samples of a prior
p(z) from codes, and the encoder learns to generate codes that D takes for samples of the prior.
Each minibatch gives three updates:

    encoder, decoder   minimise  E_x ‖x − decoder(encoder(x))‖²
    D                  maximises E_z log D(z) + E_x log(1 − D(encoder(x)))       (Equation 1)
    encoder            maximises E_x log D(encoder(x))                           (§3)

Once the codes follow the prior, decoder(z) with z ~ p(z) is a sample.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets import objectives
from adversarial_nets.baselines.fitting import FitSession
from adversarial_nets.baselines.mlp import MLP, init_mlp, mlp, named_parameters
from adversarial_nets.baselines.optimisers import adam_state, batches_per_epoch, minibatch, minimise
from adversarial_nets.random import Address

__all__ = ["AAE", "Settings", "decode", "fit", "sample", "sample_z"]

_GAME_BETAS = (0.5, 0.999)  # Adam's β₁ and β₂ for D and for the encoder's adversarial update


@dataclass(frozen=True)
class Settings:
    """Settings of an AAE.

    The sizes and the prior are published; optimiser, learning rates, epochs and dropout are ours.

    Attributes:
        hidden: ReLU units of the encoder's hidden layers; the decoder has them in reverse, D has
            the same.
        z_size: dimension of a code z. Its prior is N(0, prior_std²).
        prior_std: standard deviation of the prior.
        keep_prob: probability that dropout keeps a hidden unit of the encoder and of the decoder.
        epochs: epochs to train.
        lr: Adam's learning rates of the reconstruction and of the game (D and encoder). Both are
            constant for the first half and then fall linearly to 0.
        batch: images in a minibatch.
        seed: seed of all random draws.
    """

    hidden: tuple[int, ...] = (1000, 1000)
    z_size: int = 8
    prior_std: float = 5.0
    keep_prob: float = 0.8
    epochs: int = 100
    lr: tuple[float, float] = (1e-3, 2e-4)
    batch: int = 100
    seed: int = 0


@dataclass(frozen=True)
class AAE:
    """An adversarial autoencoder.

    Attributes:
        encoder: maps an image to its code z.
        decoder: maps z to the logits of an image.
        D: maps z to the logit of "z comes from the prior".
        settings: the settings that it was trained with.
    """

    encoder: MLP
    decoder: MLP
    D: MLP
    settings: Settings

    def state_dict(self) -> dict[str, Tensor]:
        """Return every parameter by name."""
        return named_parameters(encoder=self.encoder, decoder=self.decoder, D=self.D)


def decode(aae: AAE, z: Float[Tensor, "n z_size"]) -> Float[Tensor, "n pixels"]:
    """Return the images of codes."""
    return mlp(z, aae.decoder).sigmoid()


def reconstruction_loss(
    aae: AAE, x: Float[Tensor, "n pixels"], generator: torch.Generator
) -> Float[Tensor, ""]:
    """Return ‖x − decoder(encoder(x))‖², the mean over images, with dropout in both networks."""
    keep_prob = aae.settings.keep_prob
    z = mlp(x, aae.encoder, keep_prob, generator)
    reconstruction = mlp(z, aae.decoder, keep_prob, generator).sigmoid()
    return (x - reconstruction).square().sum(1).mean()


def init_aae(pixels: int, settings: Settings) -> AAE:
    """Return an AAE before training."""
    hidden, z_size, seed = settings.hidden, settings.z_size, settings.seed
    return AAE(
        encoder=init_mlp((pixels, *hidden, z_size), seed, "AAE encoder"),
        decoder=init_mlp((z_size, *reversed(hidden), pixels), seed, "AAE decoder"),
        D=init_mlp((z_size, *hidden, 1), seed, "AAE D"),
        settings=settings,
    )


def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> AAE:
    """Train the encoder, the decoder and D (see `interface.Fit`)."""
    session = session or FitSession()
    aae = init_aae(images.shape[1], settings)
    autoencoder = named_parameters(encoder=aae.encoder, decoder=aae.decoder)
    D, encoder = named_parameters(D=aae.D), named_parameters(encoder=aae.encoder)
    # The encoder has two Adam states: one for the reconstruction and one for the game.
    states = [adam_state(parameters) for parameters in (autoencoder, D, encoder)]
    optimiser_state = {f"{i}/{name}": x for i, s in enumerate(states) for name, x in s.items()}

    total = settings.epochs * batches_per_epoch(images, settings.batch)
    steps = session.steps(total, aae, aae.state_dict(), optimiser_state)
    for step, record_loss in steps.until(total, aae.state_dict()):
        address = Address(settings.seed, step, range(settings.batch))
        generator = Address(settings.seed, step, range(1)).generator("AAE")
        x = minibatch(images, settings.seed, step, settings.batch)
        lr, game_lr = (rate * min(1.0, 2 * (1 - step / total)) for rate in settings.lr)

        loss = reconstruction_loss(aae, x, generator)
        minimise(autoencoder, states[0], loss, lr)

        z = settings.prior_std * address.normal("AAE z", settings.z_size)
        codes = mlp(x, aae.encoder, settings.keep_prob, generator)
        d_loss = objectives.discriminator_loss(
            mlp(z, aae.D).flatten(), mlp(codes.detach(), aae.D).flatten()
        )
        minimise(D, states[1], d_loss, game_lr, _GAME_BETAS)

        g_loss = objectives.generator_loss(mlp(codes, aae.D).flatten())
        minimise(encoder, states[2], g_loss, game_lr, _GAME_BETAS)
        record_loss(loss.item())
    return aae


@torch.no_grad()
def sample(aae: AAE, n: int, *, seed: int = 0) -> Float[Tensor, "n pixels"]:
    """Draw n images: decode z ~ N(0, prior_std²) (see `interface.Sample`)."""
    return decode(aae, sample_z(aae, n, seed))


def sample_z(aae: AAE, n: int, seed: int) -> Float[Tensor, "n z_size"]:
    """Draw the z of the n images that `sample` returns for this seed."""
    settings = aae.settings
    return settings.prior_std * Address(seed, 0, range(n)).normal("AAE samples", settings.z_size)
