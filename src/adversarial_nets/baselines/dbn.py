"""A deep belief network, DBN (Hinton, Osindero and Teh 2006): the row "DBN" of Table 1.

Two restricted Boltzmann machines (see `rbm`) are stacked. The first learns images by CD-1. The
second learns the first one's hidden states h¹ by PCD. The joint model is p(h¹, h²) p(v | h¹): the
second RBM generates h¹, the first one turns it into an image.

The published row gives no sizes, rates or sampling procedure: all settings here are ours.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.baselines.chains import ChainSampler
from adversarial_nets.baselines.fitting import FitSession, FitSteps
from adversarial_nets.baselines.optimisers import ascend_with_momentum, batches_per_epoch, minibatch
from adversarial_nets.baselines.rbm import (
    RBM,
    bernoulli,
    free_energy,
    gibbs,
    init_rbm,
    log_likelihood_gradient,
    logit_of_mean,
    reconstruct,
)
from adversarial_nets.random import Address

__all__ = ["DBN", "Settings", "fit", "sample"]


@dataclass(frozen=True)
class Settings:
    """Settings of a DBN; every number is ours.

    Attributes:
        hidden: units of h¹ and h².
        epochs: epochs of CD-1 for the first RBM and of PCD for the second.
        lr: learning rate of each; the second one falls linearly to 0. The second RBM uses no
            momentum: with momentum its chains lag behind the weights and reach only a few kinds of
            images.
        gibbs_steps: Gibbs steps of the persistent chains in each update.
        chains: number of persistent chains.
        momentum: momentum of the first RBM, before `momentum_epoch` and from then on.
        momentum_epoch: the epoch, counted from 0, at which the momentum rises.
        weight_decay: weight decay.
        batch: images in a minibatch.
        seed: seed of all random draws.
    """

    hidden: tuple[int, int] = (1000, 1000)
    epochs: tuple[int, int] = (50, 100)
    lr: tuple[float, float] = (0.05, 0.03)
    gibbs_steps: int = 5
    chains: int = 100
    momentum: tuple[float, float] = (0.5, 0.9)
    momentum_epoch: int = 5
    weight_decay: float = 2e-4
    batch: int = 100
    seed: int = 0


@dataclass(frozen=True)
class DBN:
    """A deep belief network.

    Attributes:
        first: the RBM between v and h¹.
        second: the RBM between h¹ and h².
    """

    first: RBM
    second: RBM

    def state_dict(self) -> dict[str, Tensor]:
        """Return every parameter by name."""
        return _prefixed("first", self.first.state_dict()) | _prefixed(
            "second", self.second.state_dict()
        )


def _prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


@torch.no_grad()
def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> DBN:
    """Train the first RBM on images, then the second on its hidden states (see `interface.Fit`)."""
    session = session or FitSession()
    hidden, seed = settings.hidden, settings.seed
    # The second RBM's visible biases are set once the first RBM is trained.
    half = torch.full((hidden[0],), 0.5)
    dbn = DBN(
        first=init_rbm(images.mean(0), hidden[0], seed, "DBN first W"),
        second=init_rbm(half, hidden[1], seed, "DBN second W"),
    )
    velocity = {name: torch.zeros_like(x) for name, x in dbn.state_dict().items()}
    h2 = torch.zeros(settings.chains, hidden[1])
    total = sum(settings.epochs) * batches_per_epoch(images, settings.batch)
    steps = session.steps(total, dbn, dbn.state_dict(), velocity | {"chains": h2})
    _train_first(dbn, velocity, images, settings, steps)
    _train_second(dbn, velocity, h2, images, settings, steps)
    return dbn


def _train_first(
    dbn: DBN, velocity: dict[str, Tensor], images: Tensor, settings: Settings, steps: FitSteps
) -> None:
    """Train the first RBM on images by CD-1."""
    per_epoch = batches_per_epoch(images, settings.batch)
    for step, record_loss in steps.until(settings.epochs[0] * per_epoch):
        generator = Address(settings.seed, step, range(1)).generator("DBN")
        v = minibatch(images, settings.seed, step, settings.batch)
        reconstruction = reconstruct(dbn.first, v, generator)
        ascend_with_momentum(
            dbn.state_dict(),
            velocity,
            _prefixed("first", log_likelihood_gradient(dbn.first, v, reconstruction)),
            lr=settings.lr[0],
            momentum=settings.momentum[step // per_epoch >= settings.momentum_epoch],
            weight_decay=settings.weight_decay,
        )
        record_loss((v - reconstruction).square().mean().item())


def _train_second(
    dbn: DBN,
    velocity: dict[str, Tensor],
    h2: Tensor,
    images: Tensor,
    settings: Settings,
    steps: FitSteps,
) -> None:
    """Train the second RBM on sampled h¹ by PCD; `h2` holds the state of the persistent chains."""
    first, second = dbn.first, dbn.second
    start = settings.epochs[0] * batches_per_epoch(images, settings.batch)
    for step, record_loss in steps.until(steps.total):
        generator = Address(settings.seed, step, range(1)).generator("DBN")
        if step == start:
            mean_h1 = torch.stack([first.p_h(x).sum(0) for x in images.split(1000)]).sum(0)
            mean_h1 = mean_h1 / len(images)
            second.b.copy_(logit_of_mean(mean_h1))
            h2.copy_(bernoulli(torch.full_like(h2, 0.5), generator))
        v = minibatch(images, settings.seed, step, settings.batch)
        h1 = bernoulli(first.p_h(v), generator)
        h1_model, h2_model = gibbs(second, h2, settings.gibbs_steps, generator)
        h2.copy_(h2_model)
        remaining = 1 - (step - start) / (steps.total - start)
        ascend_with_momentum(
            dbn.state_dict(),
            velocity,
            _prefixed("second", log_likelihood_gradient(second, h1, h1_model)),
            lr=settings.lr[1] * remaining,
            momentum=0.0,
            weight_decay=settings.weight_decay,
        )
        # The difference is near 0 as long as the chains follow the model.
        energy_gap = free_energy(second, h1).mean() - free_energy(second, h1_model).mean()
        record_loss(energy_gap.item())


# --- Sampling: Gibbs chains between h¹ and h² -----------------------------------------------------


def _gibbs_step(dbn: DBN, h1: Tensor, generator: torch.Generator) -> Tensor:
    h2 = bernoulli(dbn.second.p_h(h1), generator)
    return bernoulli(dbn.second.p_v(h2), generator)


sample: ChainSampler[DBN, Tensor] = ChainSampler(
    initial_state=lambda dbn, images, generator: bernoulli(dbn.first.p_h(images), generator),
    next_state=_gibbs_step,
    mean_images=lambda dbn, h1: dbn.first.p_v(h1),
)
"""Sample by Gibbs chains: the state is h¹; h² and h¹ are sampled in turn; images are p(v | h¹)."""
