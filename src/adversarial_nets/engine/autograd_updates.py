"""The updates of Algorithm 1 by autograd, for any pair of networks, with every penalty.

`engine.manual_backprop` computes the same updates faster for multilayer perceptrons.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets import augmentation, distributed, nets, objectives
from adversarial_nets.convolutional import ChannelsLast, Signed
from adversarial_nets.datasets import image_shape_of
from adversarial_nets.errors import UserError
from adversarial_nets.layers import Branches, Projection, address_dropout, reference_parameter
from adversarial_nets.minibatches import pairs, sample_data, training_images
from adversarial_nets.state import Game, Images, Logits, Noise

__all__ = ["d_logits", "update_D", "update_G", "update_both"]


def update_D(game: Game, x: Images, z: Noise, step: int) -> tuple[Logits, Logits]:
    """θ_d ascends the stochastic gradient of V; returns D's logits on data and samples."""
    with torch.no_grad():
        G_z = _samples(game, z, step, "samples for D")
    data, samples = _discriminate(game, step, x, G_z, "samples for D")
    _set_gradients(game, game.D, _d_loss(game, step, data, samples))
    game.optimiser_D.step()
    return data.a.detach(), samples.a.detach()


def update_G(game: Game, z: Noise, step: int, purpose: str) -> Logits:
    """θ_g descends the stochastic gradient of G's loss; returns D's logits on the samples."""
    G_z = _augmented(game, _samples(game, z, step, purpose), step, purpose)
    a_G_z = _logits(game, G_z, step, purpose)
    loss = _g_loss(game, step, a_G_z) + _own_g_penalty(game, step, z, G_z, purpose)
    _set_gradients(game, game.G, loss)
    game.optimiser_G.step()
    return a_G_z.detach()


def update_both(game: Game, x: Images, z: Noise, step: int) -> tuple[Logits, Logits]:
    """Both updates, with gradients at the same θ_d and θ_g; returns D's logits before them."""
    G_z = _samples(game, z, step, "samples for G")
    data, samples = _discriminate(game, step, x, G_z, "samples for G")
    _set_gradients(game, game.D, _d_loss(game, step, data, samples), retain_graph=True)
    g_loss = _g_loss(game, step, samples.a, data.a)
    g_loss = g_loss + _own_g_penalty(game, step, z, samples.x, "samples for G", data.x)
    _set_gradients(game, game.G, g_loss)
    game.optimiser_D.step()
    game.optimiser_G.step()
    return data.a.detach(), samples.a.detach()


@torch.no_grad()
def d_logits(game: Game, x: Images, step: int) -> Logits:
    """D's logits on data, without an update."""
    return _logits(game, _augmented(game, x, step, "data"), step, "data")


_ROWWISE: tuple[type[nn.Module], ...] = (
    *(nn.Sequential, nn.Conv2d, nn.Linear, nn.LeakyReLU, nn.Flatten, nn.Unflatten),
    *(Signed, ChannelsLast, Branches, Projection),
)
"""Layers of the convolutional D, which process each row independently, without random masks."""


class _DInput(NamedTuple):
    """D's input minibatch, and D's logits on it and on the points of finite differences."""

    x: Images
    a: Logits
    a_moved: Logits | None


def _discriminate(
    game: Game, step: int, x: Images, G_z: Images, of_samples: str
) -> tuple[_DInput, _DInput]:
    """D's logits on data and samples, and the tensors from which R1 and R2 are computed.

    If D processes each row independently, data and moved points are computed in one batch, which is
    faster. Samples are computed separately, because G's gradient is backpropagated through them.
    """
    images = {"data": x, of_samples: G_z}
    inputs = {name: _augmented(game, at, step, name) for name, at in images.items()}
    moved: dict[str, Images] = {}
    for name, penalty in zip(images, ("r1", "r2"), strict=True):
        if penalty not in objectives.penalties(game.settings):
            continue
        if game.settings.penalty_sigma:
            moved[name] = _moved(game, step, inputs[name], name)
        else:
            inputs[name].requires_grad_()  # the exact penalty is computed from ∂a/∂x
    if moved and all(type(layer) in _ROWWISE for layer in game.D.modules()):
        parts = [inputs["data"], *moved.values()]
        a_x, *a_moved = _logits(game, torch.cat(parts), step, "data").split([*map(len, parts)])
        a = {"data": a_x, of_samples: _logits(game, inputs[of_samples], step, of_samples)}
    else:
        a = {name: _logits(game, at, step, name) for name, at in inputs.items()}
        a_moved = [_logits(game, at, step, name) for name, at in moved.items()]
    of_moved = dict(zip(moved, a_moved, strict=True))
    data, samples = (_DInput(inputs[name], a[name], of_moved.get(name)) for name in images)
    return data, samples


def _moved(game: Game, step: int, x: Images, purpose: str) -> Images:
    """Each image moved by ±σ in every pixel, with random signs; a condition does not move."""
    pixels = game.data.pixels
    sign = game.address(step).bernoulli_mask(f"{purpose}, moved", pixels, 0.5)
    moved = x.detach().clone()
    moved[:, :pixels] += game.settings.penalty_sigma * (2 * sign.to(moved) - 1)
    return moved


def _augmented(game: Game, x: Images, step: int, purpose: str) -> Images:
    """D's input images: changed by DiffAugment, if the settings have augmentation."""
    s, n = game.settings, game.data.examples_per_epoch
    if s.ada_target:
        p = game.ada.probability
    else:
        p = augmentation.diff_augment_probability(s.augment, s.augment_below, n)
    if p == 0:
        return x
    shape = nets.required_shape(image_shape_of(game.data), "augment")
    images, c = x.split([game.data.pixels, x.shape[1] - game.data.pixels], 1)
    images = augmentation.diff_augment(images, shape, game.address(step), purpose, p)
    return torch.cat([images, c], 1)


def _logits(game: Game, x: Images, step: int, purpose: str) -> Logits:
    """D's logits in training mode; the dropout masks depend on the step and the purpose."""
    address_dropout(game.D, game.address(step), purpose)
    return game.D(x).reshape(-1).to(reference_parameter(game.D).dtype)


def _samples(game: Game, z: Noise, step: int, purpose: str) -> Images:
    """G(z) in training mode; in a conditional game (G(z, c), c), in the joint game (G(z), z)."""
    address_dropout(game.G, game.address(step), f"{purpose}, in G")
    G_z = game.G(z).to(reference_parameter(game.G).dtype)
    if not game.condition_columns:
        return G_z
    return torch.cat([G_z, z[:, -game.condition_columns :].to(G_z)], 1)


def _d_loss(game: Game, step: int, data: _DInput, samples: _DInput) -> Float[Tensor, ""]:
    """D's loss, halved if the protocol is ``released``, plus the penalties, never halved."""
    loss = objectives.discriminator_loss(data.a, samples.a, game.settings.objective)
    loss = loss / 2 if game.settings.protocol == "released" else loss
    return loss + _penalties(game, step, data, samples)


def _g_loss(game: Game, step: int, a_G_z: Logits, a_x: Logits | None = None) -> Float[Tensor, ""]:
    """G's loss, in the joint game that of E and G.

    Args:
        game: the game.
        step: D's last step, whose data a paired objective and the joint game use again.
        a_G_z: D's logits on samples, differentiable.
        a_x: D's logits on data, if they are known; constant for G.
    """
    objective = game.settings.objective
    if game.settings.joint:
        x = training_images(game, step).to(reference_parameter(game.D))
        rows = _augmented(game, pairs(game, x, step), step, "data")
        a_x_E = _logits(game, rows, step, "data")  # differentiable in E
        return objectives.joint_loss(a_x_E, a_G_z, objective)
    if a_x is None and objectives.find(objective).paired_g_loss is not None:
        a_x = d_logits(game, sample_data(game, step), step)
    return objectives.generator_loss(a_G_z, objective, None if a_x is None else a_x.detach())


def _penalties(game: Game, step: int, data: _DInput, samples: _DInput) -> Float[Tensor, ""] | float:
    """R1 on data, R2 on samples, WGAN-GP between them, and the objective's own penalty on D."""
    compute: dict[str, Callable[[float], Tensor]] = {
        "r1": lambda γ: _R_penalty(game, data, γ),  # γ/2 · E‖∂a(x)/∂x‖²
        "r2": lambda γ: _R_penalty(game, samples, γ),  # the same at x = G(z)
        "gradient_penalty": lambda λ: _gradient_penalty(game, step, data, samples, λ),
    }
    weights = objectives.penalties(game.settings)
    total = sum((compute[name](weight) for name, weight in weights.items()), start=0.0)
    return total + _own_penalty(game, step, data, samples)


def _R_penalty(game: Game, at: _DInput, gamma: float) -> Float[Tensor, ""]:
    """R1 or R2 with weight γ, exact or by finite differences (`penalty_sigma`)."""
    if not at.a.requires_grad:
        raise _no_gradient("D")
    if at.a_moved is None:
        return objectives.r1(at.x, at.a, gamma, game.data.pixels)
    sigma = game.settings.penalty_sigma
    return objectives.finite_difference_penalty(at.a, at.a_moved, sigma, gamma)


def _gradient_penalty(
    game: Game, step: int, data: _DInput, samples: _DInput, weight: float
) -> Float[Tensor, ""]:
    """λ · E(‖∂a(x̂)/∂x̂‖ − 1)² at points x̂, uniform on the lines between samples and data."""
    place = game.address(step).uniform("between data and samples", 1).to(data.x)
    x_hat = samples.x.detach().lerp(data.x.detach(), place).requires_grad_()
    a_x_hat = _logits(game, x_hat, step, "between data and samples")
    if not a_x_hat.requires_grad:
        raise _no_gradient("D")
    return objectives.gradient_penalty(x_hat, a_x_hat, weight, game.data.pixels)


def _own_penalty(
    game: Game, step: int, data: _DInput, samples: _DInput
) -> Float[Tensor, ""] | float:
    """The penalty that a program gave with its objective; each call of D has the same masks.

    Raises:
        UserError: the penalty is not a scalar, or has no gradient with respect to D's parameters.
    """
    penalty = objectives.find(game.settings.objective).penalty
    if penalty is None:
        return 0.0
    total = objectives.scalar(
        penalty(
            lambda rows: _logits(game, rows, step, "the objective's penalty"),
            data.x.detach().clone(),  # a program's penalty may change them in place
            samples.x.detach().clone(),
        ),
        "penalty",
    )
    if not total.requires_grad:
        raise UserError(
            "The objective's penalty has no gradient with respect to D's parameters. Compute it "
            "from D's logits without .detach() or .item(), and pass create_graph=True to "
            "torch.autograd.grad."
        )
    return total


def _own_g_penalty(
    game: Game, step: int, z: Noise, G_z: Images, purpose: str, x: Images | None = None
) -> Float[Tensor, ""] | float:
    """The penalty on G that a program gave with its objective; D is constant in it.

    Args:
        game: the game.
        step: D's last step.
        z: the noise.
        G_z: its samples after augmentation, differentiable.
        purpose: the purpose of the samples.
        x: the data of that step after augmentation, if they are known.

    Raises:
        UserError: the penalty is not a scalar, or has no gradient with respect to the samples.
    """
    penalty = objectives.find(game.settings.objective).g_penalty
    if penalty is None:
        return 0.0
    x = _augmented(game, sample_data(game, step), step, "data") if x is None else x
    of_D = [p for p in game.D.parameters() if p.requires_grad]
    for p in of_D:
        p.requires_grad_(False)
    try:
        total = objectives.scalar(
            penalty(
                lambda rows: _logits(game, rows, step, f"{purpose}, the penalty on G"),
                x.detach().clone(),  # the penalty may change them in place
                z.detach().clone(),
                G_z.clone(),
            ),
            "g_penalty",
        )
    finally:
        for p in of_D:
            p.requires_grad_()
    if not total.requires_grad:
        raise UserError(
            "The objective's g_penalty has no gradient with respect to the samples. Compute it "
            "from G_z without .detach() or .item(), and pass create_graph=True to "
            "torch.autograd.grad."
        )
    return total


def _no_gradient(name: str) -> UserError:
    """The error for a network whose loss has no gradient with respect to its parameters."""
    return UserError(
        f"{name} cannot learn, because its loss does not depend on any of its parameters. Look for "
        "detach(), argmax() or no_grad() in the networks."
    )


def _set_gradients(
    game: Game, net: nn.Module, loss: Float[Tensor, ""], retain_graph: bool = False
) -> None:
    """Set the gradient of the loss in this network's parameters only.

    Among several processes, each weights its gradient by its share of the minibatch; then all
    gradients are summed. Frozen parameters have no gradient.

    Raises:
        UserError: the loss depends on none of the parameters.
    """
    loss = loss * game.batch_fraction
    parameters = [p for p in net.parameters() if p.requires_grad]
    gradients: tuple[Tensor | None, ...] = ()
    if parameters and loss.requires_grad:
        gradients = torch.autograd.grad(
            loss, parameters, retain_graph=retain_graph, allow_unused=True
        )
    if parameters and all(gradient is None for gradient in gradients):
        raise _no_gradient("D" if net is game.D else "G")
    for p in net.parameters():
        p.grad = None
    for p, gradient in zip(parameters, _summed_over_ranks(gradients, parameters), strict=True):
        p.grad = None if gradient is None else nets.with_layout(gradient, p)


def _summed_over_ranks(
    gradients: Sequence[Tensor | None], parameters: Sequence[nn.Parameter]
) -> Sequence[Tensor | None]:
    """The gradients summed over all processes; None if no process has one.

    Random layers of a user's module may use other parameters in each process.
    """
    if distributed.world_size() == 1 or not parameters:
        return gradients
    used = torch.tensor([g is not None for g in gradients]).to(parameters[0])
    sums = [
        torch.zeros_like(p) if g is None else g for g, p in zip(gradients, parameters, strict=True)
    ]
    distributed.all_reduce_sum([*sums, used])
    return [g if n else None for g, n in zip(sums, used.tolist(), strict=True)]
