"""A generative moment matching network, GMMN (Li, Swersky and Zemel 2015, arXiv:1502.02761).

A generator G is trained without a discriminator: it minimises the maximum mean discrepancy (MMD)
between its samples and the data, with a kernel k that is a sum of Gaussians,

    MMD² = E k(x, x') − 2 E k(x, G(z)) + E k(G(z), G(z')),
    k(x, y) = Σ_σ exp(−‖x − y‖² / 2σ).

MMD is 0 only if the two distributions are equal, but in high dimension it needs large minibatches.
The better of the two published variants therefore first trains an autoencoder; G then generates
codes, and the decoder turns them into images.

Sizes, initial weights, learning rates and lengths are those of the authors' code,
https://github.com/yujiali/gmmn. The autoencoder there has sigmoid units and dropout of its inputs
and hidden units; each of its layers is trained alone, on the codes of the layers below, and then
all together. As in their code, dropout does not rescale what it keeps, neither in training nor
afterwards, so the codes of a trained encoder are nearer 0 and 1 than those it was trained with.
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
    batches_per_epoch,
    descend_with_momentum,
    minibatch,
)
from adversarial_nets.errors import UserError
from adversarial_nets.random import Address

__all__ = [
    "GMMN",
    "Settings",
    "clip_norm",
    "decode",
    "fit",
    "generate",
    "mmd2",
    "mmd2_and_gradient",
    "sample",
    "sample_z",
    "sigmoid_mlp",
]


# Smaller values of exp become denormal when they are multiplied, and denormal numbers are slow.
_LOWEST_EXPONENT = -60.0


@dataclass(frozen=True)
class Settings:
    """Settings of a GMMN: those of the authors' code for MNIST.

    Attributes:
        hidden: ReLU units of G's hidden layers; its outputs are sigmoid units.
        z_size: dimension of z ~ U(−1, 1).
        init_std: standard deviation of G's initial weights.
        bandwidths: the σ of the kernel; on codes the authors use 1 alone.
        autoencoder: sigmoid units of the encoder's layers, the last one being the code; the decoder
            has the same layers in reverse. If empty, G generates images directly.
        epochs: epochs of each phase of the autoencoder's training, if there is one, and of G. The
            published 3,000 and 40,000 updates are 6 and 800 epochs of MNIST's 50,000 training
            images.
        first_phase: the share of G's updates after which the learning rate and 1 − μ are divided by
            10; in the authors' code 10,000 of 40,000.
        lr: learning rate of G in the first phase.
        momentum: momentum μ of G in the first phase.
        batch: images in a minibatch of G.
        keep_probs: for each layer of the encoder, the probability in (0, 1] that dropout keeps one
            of its inputs. Not used if `autoencoder` is empty.
        autoencoder_lr: learning rate of the autoencoder.
        max_gradient_norm: the autoencoder's gradients are scaled down to this norm if they have a
            larger one.
        autoencoder_batch: images in a minibatch of the autoencoder.
        seed: seed of all random draws.
    """

    hidden: tuple[int, ...] = (64, 256, 256, 1024)
    z_size: int = 10
    init_std: float = 0.1
    bandwidths: tuple[float, ...] = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0)
    autoencoder: tuple[int, ...] = ()
    epochs: tuple[int, int] = (6, 800)
    first_phase: float = 0.25
    lr: float = 2.0
    momentum: float = 0.9
    batch: int = 1000
    keep_probs: tuple[float, ...] = (0.8, 0.5)
    autoencoder_lr: float = 0.1
    max_gradient_norm: float = 10.0
    autoencoder_batch: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse an autoencoder without a valid probability for each of its layers."""
        layers, probs = len(self.autoencoder), self.keep_probs
        if layers and not (len(probs) == layers and all(0 < p <= 1 for p in probs)):
            raise UserError(
                f"keep_probs is {tuple(probs)}. It must have one probability in (0, 1] for each "
                f"of the {layers} layers of autoencoder = {tuple(self.autoencoder)}. Without "
                f"dropout, use keep_probs={(1.0,) * layers}."
            )


@dataclass(frozen=True)
class GMMN:
    """A GMMN, with or without an autoencoder.

    Attributes:
        G: maps z to the logits of a code, or of an image if there is no autoencoder.
        encoder: maps an image to the logits of its code by `sigmoid_mlp`; empty if there is no
            autoencoder.
        decoder: maps a code to the logits of an image in the same way; empty if there is no
            autoencoder.
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
    return sigmoid_mlp(codes, gmmn.decoder).sigmoid() if gmmn.decoder else codes


def sigmoid_mlp(
    x: Float[Tensor, "n inputs"],
    layers: MLP,
    keep_probs: Sequence[float] = (),
    generator: torch.Generator | None = None,
) -> Float[Tensor, "n outputs"]:
    """Apply an MLP with sigmoid units between its layers; return the last layer's linear outputs.

    Args:
        x: the inputs.
        layers: the MLP.
        keep_probs: for each layer, the probability that dropout keeps one of its inputs; kept
            inputs are not rescaled.
        generator: source of the dropout masks; no dropout if None.
    """
    for i, (W, b) in enumerate(layers):
        if i:
            x = x.sigmoid()
        if generator is not None:
            x = x * (torch.rand(x.shape, generator=generator) < keep_probs[i])
        x = torch.addmm(b, x, W)
    return x


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
    """Train the autoencoder, if there is one, and then G (see `interface.Fit`)."""
    session = session or FitSession()
    gmmn = init_gmmn(images.shape[1], settings)
    parameters = gmmn.state_dict()
    velocity = {name: torch.zeros_like(θ) for name, θ in parameters.items()}
    phases = len(settings.autoencoder) + 1 if settings.autoencoder else 0
    per_phase = settings.epochs[0] * batches_per_epoch(images, settings.autoencoder_batch)
    G_steps = settings.epochs[1] * batches_per_epoch(images, settings.batch)
    steps = session.steps(phases * per_phase + G_steps, gmmn, parameters, velocity)
    targets = images
    if settings.autoencoder:
        _fit_autoencoder(gmmn, images, settings, velocity, steps, per_phase)
        targets = sigmoid_mlp(images, gmmn.encoder).sigmoid()
    _fit_G(gmmn, targets, settings, velocity, steps, G_steps)
    return gmmn


def _fit_autoencoder(
    gmmn: GMMN,
    images: Tensor,
    settings: Settings,
    velocity: Tensors,
    steps: FitSteps,
    per_phase: int,
) -> None:
    """Minimise the cross-entropy of each layer's reconstruction, then of all layers' together.

    Each of these phases has `per_phase` updates.
    """
    depth = len(gmmn.encoder)
    for phase in range(depth + 1):
        alone = phase < depth
        first, last = (phase, phase + 1) if alone else (0, depth)
        encoder, decoder = gmmn.encoder[first:last], gmmn.decoder[depth - last : depth - first]
        parameters = {
            name: θ
            for i in range(first, last)
            for name, θ in gmmn.state_dict().items()
            if name.startswith((f"encoder.{i}.", f"decoder.{depth - 1 - i}."))
        }
        for step, record_loss in steps.until((phase + 1) * per_phase, parameters):
            x = minibatch(images, settings.seed, step, settings.autoencoder_batch)
            if first:
                with torch.no_grad():
                    x = sigmoid_mlp(x, gmmn.encoder[:first]).sigmoid()
            generator = Address(settings.seed, step, range(1)).generator("GMMN")
            codes = sigmoid_mlp(x, encoder, settings.keep_probs[first:last], generator).sigmoid()
            logits = sigmoid_mlp(codes, decoder)
            loss = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
            momentum = 0.5 if alone else _momentum_of_all_layers(step - phase * per_phase)
            gradients = torch.autograd.grad(loss, list(parameters.values()))
            clipped = clip_norm(gradients, settings.max_gradient_norm)
            lr = settings.autoencoder_lr
            descend_with_momentum(parameters, velocity, clipped, lr=lr, momentum=momentum)
            record_loss(loss.item())


def clip_norm(gradients: Sequence[Tensor], max_norm: float) -> list[Tensor]:
    """Return gradients scaled down to a joint norm of `max_norm`, if theirs is larger.

    >>> [g.tolist() for g in clip_norm([torch.tensor([3.0]), torch.tensor([4.0])], 1.0)]
    [[0.6000000238418579], [0.800000011920929]]
    """
    norm = torch.stack([g.norm() for g in gradients]).norm()
    factor = (max_norm / norm).clamp(max=1)
    return [g * factor for g in gradients]


def _momentum_of_all_layers(step: int) -> float:
    """Return the momentum of one update of the whole autoencoder, as in the authors' code."""
    return 0.0 if step < 50 else 0.5 if step < 200 else 0.9


def _fit_G(
    gmmn: GMMN,
    targets: Tensor,
    settings: Settings,
    velocity: Tensors,
    steps: FitSteps,
    G_steps: int,
) -> None:
    """Minimise √MMD² between the samples of G and the targets, by gradient descent with momentum.

    The targets are images, or their codes if there is an autoencoder. G's updates are the fit's
    last ones.
    """
    G = named_parameters(G=gmmn.G)
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
        descend_with_momentum(G, velocity, gradients, lr=lr, momentum=momentum)
        record_loss(root.item())


@torch.no_grad()
def sample(gmmn: GMMN, n: int, *, seed: int = 0) -> Float[Tensor, "n pixels"]:
    """Draw n images: decode z ~ U(−1, 1) (see `interface.Sample`)."""
    return decode(gmmn, sample_z(gmmn, n, seed))


def sample_z(gmmn: GMMN, n: int, seed: int) -> Float[Tensor, "n z_size"]:
    """Draw the z of the n images that `sample` returns for this seed."""
    z_size = gmmn.G[0][0].shape[0]
    return 2 * Address(seed, 0, range(n)).uniform("GMMN samples", z_size) - 1
