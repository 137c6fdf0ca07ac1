"""Minibatches, and in-place updates by Adam and by momentum, for named tensors."""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.adam import adam

from adversarial_nets.baselines.fitting import FitSteps, Tensors
from adversarial_nets.datasets.dataset import shuffled_indices
from adversarial_nets.random import Address

__all__ = [
    "adam_state",
    "adam_step",
    "ascend_with_momentum",
    "batches_per_epoch",
    "descend_with_momentum",
    "minibatch",
    "minimise",
    "train_with_adam",
]

Betas = tuple[float, float]


def batches_per_epoch(images: Tensor, batch: int) -> int:
    """Return the number of whole minibatches in an epoch, at least 1."""
    return max(len(images) // batch, 1)


def minibatch(
    images: Float[Tensor, "n pixels"], seed: int, step: int, batch: int
) -> Float[Tensor, "batch pixels"]:
    """Return the minibatch of one update.

    The images come in a new random order in each epoch; minibatches follow one another in that
    order without a gap.

    Args:
        images: all training images.
        seed: the model's seed.
        step: number of the update, from 0.
        batch: images in a minibatch.
    """
    order = shuffled_indices(Address(seed, step, range(batch)), step * batch, len(images))
    return images.index_select(0, order)


def adam_state(parameters: Tensors) -> dict[str, Tensor]:
    """Return Adam's state before the first update: two moments and a counter for each parameter."""
    moments = {f"{m}/{name}": torch.zeros_like(x) for m in "mv" for name, x in parameters.items()}
    return moments | {f"t/{name}": torch.zeros(()) for name in parameters}


def adam_step(
    parameters: Tensors,
    state: Tensors,
    gradients: Sequence[Tensor],
    lr: float,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> None:
    """Make one update of Adam (arXiv:1412.6980) in place, by PyTorch's implementation.

    Args:
        parameters: the parameters to update.
        state: their `adam_state`, updated too.
        gradients: the loss's gradient by each parameter, in the order of `parameters`.
        lr: learning rate.
        betas: decay of the first and of the second moment.
        eps: added to the root of the second moment.
        weight_decay: factor of the matrices, not of the biases, that is added to their gradients.
    """
    by_name = dict(zip(parameters, gradients, strict=True))
    matrices = [name for name, p in parameters.items() if p.ndim > 1]
    biases = [name for name, p in parameters.items() if p.ndim <= 1]
    for names, decay in ((matrices, weight_decay), (biases, 0.0)):
        with torch.no_grad():
            adam(
                [parameters[name] for name in names],
                [by_name[name] for name in names],
                [state[f"m/{name}"] for name in names],
                [state[f"v/{name}"] for name in names],
                [],
                [state[f"t/{name}"] for name in names],
                amsgrad=False,
                beta1=betas[0],
                beta2=betas[1],
                lr=lr,
                weight_decay=decay,
                eps=eps,
                maximize=False,
                fused=True,
            )


def minimise(
    parameters: Tensors, state: Tensors, loss: Tensor, lr: float, betas: Betas = (0.9, 0.999)
) -> None:
    """Differentiate a loss by the parameters and make one update of Adam in place."""
    gradients = torch.autograd.grad(loss, list(parameters.values()))
    adam_step(parameters, state, gradients, lr, betas)


def train_with_adam(
    steps: FitSteps,
    last: int,
    parameters: Tensors,
    state: Tensors,
    loss_at: Callable[[int], Tensor],
    lr: float,
) -> None:
    """Minimise a loss with Adam until update number `last`.

    Args:
        steps: the fit's updates.
        last: number of the update to stop at.
        parameters: the parameters to train.
        state: their `adam_state`.
        loss_at: the minibatch loss of an update, from its number.
        lr: learning rate.
    """
    for step, record_loss in steps.until(last, parameters):
        loss = loss_at(step)
        minimise(parameters, state, loss, lr)
        record_loss(loss.item())


@torch.no_grad()
def ascend_with_momentum(
    parameters: Tensors,
    velocity: Tensors,
    gradients: Mapping[str, Tensor],
    *,
    lr: float,
    momentum: float,
    weight_decay: float,
) -> None:
    """Make one update v ← momentum·v + lr·(g − weight_decay·θ), θ ← θ + v, in place.

    Args:
        parameters: the parameters by name; weight decay applies to matrices, not to biases.
        velocity: v of each parameter.
        gradients: the ascent direction g of the parameters to update.
        lr: learning rate.
        momentum: factor of the old velocity.
        weight_decay: factor of the weights in the update.
    """
    for name, gradient in gradients.items():
        θ, v = parameters[name], velocity[name]
        decay = weight_decay if θ.ndim > 1 else 0.0
        v.mul_(momentum).add_(gradient, alpha=lr).add_(θ, alpha=-lr * decay)
        θ.add_(v)


@torch.no_grad()
def descend_with_momentum(
    parameters: Tensors,
    velocity: Tensors,
    gradients: Sequence[Tensor],
    *,
    lr: float,
    momentum: float,
) -> None:
    """Make one update v ← momentum·v − lr·g, θ ← θ + v, in place; see `ascend_with_momentum`.

    The gradients g of the loss are in the order of the parameters.
    """
    for (name, θ), gradient in zip(parameters.items(), gradients, strict=True):
        θ.add_(velocity[name].mul_(momentum).add_(gradient, alpha=-lr))
