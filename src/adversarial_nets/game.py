"""Algorithm 1: the game between G and D, written so that each line can be compared with the paper.

`play` repeats one round until the game has the requested number of rounds. There is one function
for each kind of round, and the settings choose one of them: `algorithm_1` as the paper prints it,
`algorithm_1_released` as the authors' code ran it, `train_D_alone` or `train_G_alone`. The updates
follow below, by autograd, for any pair of modules; `engine.manual_backprop` computes the same
updates faster for multilayer perceptrons.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from adversarial_nets import augmentation, classes, encoders, masks, nets, objectives, priors
from adversarial_nets.convolutional import ChannelsLast, Signed
from adversarial_nets.datasets import Dataset, image_shape_of
from adversarial_nets.engine import distributed, manual_backprop
from adversarial_nets.engine.precision import bfloat16_products
from adversarial_nets.random import Address
from adversarial_nets.schedules import adapt_augmentation, set_learning_rates, update_average
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game, Images, Logits, Noise

__all__ = [
    "Game",
    "algorithm_1",
    "algorithm_1_released",
    "play",
    "play_round",
    "sample",
    "sample_data",
    "sample_noise",
    "train_D_alone",
    "train_G_alone",
    "update_D",
    "update_G",
    "update_both",
]

# --- Algorithm 1: one function for each kind of round ---------------------------------------------


def algorithm_1(game: Game) -> None:
    """One iteration of Algorithm 1, as the paper prints it."""
    for step in steps(game):  # for k steps do
        z = sample_noise(game, step, "z for D")  # • sample m noise vectors z from p_z
        x = sample_data(game, step)  # • sample m examples x from p_data
        update_D(game, x, z, step)  # • ascend D's stochastic gradient
    z = sample_noise(game, step, "z for G")  # • sample m noise vectors z from p_z
    update_G(game, z, step)  # • descend G's stochastic gradient


def algorithm_1_released(game: Game) -> None:
    """One iteration as the authors' code ran it: D's last update and G's are simultaneous.

    Both gradients are computed from the same samples and dropout masks, before either update.
    """
    *before_last, last = steps(game)
    for step in before_last:
        z = sample_noise(game, step, "z for D")
        x = sample_data(game, step)
        update_D(game, x, z, step)
    z = sample_noise(game, last, "z for G")
    x = sample_data(game, last)
    update_both(game, x, z, last)


def train_D_alone(game: Game) -> None:
    """A round that trains D only: the k steps of D, with G frozen."""
    for step in steps(game):
        z = sample_noise(game, step, "z for D")
        x = sample_data(game, step)
        update_D(game, x, z, step)


def train_G_alone(game: Game) -> None:
    """A round that trains G only: the step of G, with D frozen.

    D's logits on data are computed too, for the log.
    """
    step = steps(game)[-1]
    record_D_logits(game, sample_data(game, step), step)
    z = sample_noise(game, step, "z for G")
    update_G(game, z, step)


def play_round(game: Game) -> None:
    """Play one round, of the kind that the game's current settings choose."""
    s = game.settings
    train_only = "G" if game.round < s.head_start else s.train_only
    if train_only == "G":
        train_G_alone(game)
    elif train_only == "D":
        train_D_alone(game)
    elif s.protocol == "released":
        algorithm_1_released(game)
    else:
        algorithm_1(game)
    if train_only != "D":
        further_updates_of_G(game)


def further_updates_of_G(game: Game) -> None:
    """Not in Algorithm 1: update G again, with new noise each time (`g_steps`)."""
    step = steps(game)[-1]
    for i in range(2, game.settings.g_steps + 1):
        update_G(game, sample_noise(game, step, f"z for G, update {i}"), step)


def play(game: Game, rounds: int, callback: Callable[[Game], None] = lambda _: None) -> None:
    """Train by Algorithm 1 until the game has had that many rounds.

    Settings are read anew in every round, so a change made by the callback
    (`build.change_settings`) applies from the next round on.

    Args:
        game: the game; it is changed in place.
        rounds: rounds since the game began, not rounds to add.
        callback: called with the game after every round.
    """
    while game.round < rounds:
        s = game.settings
        set_learning_rates(game)
        with reproducible_torch_rng(game):
            play_round(game)
        adapt_augmentation(game)
        game.stats.end_round(s.objective, s.joint, game.batch_fraction)
        game.round += 1
        game.step += s.k
        game.images += s.k * s.batch
        update_average(game)
        callback(game)


# --- What a round draws ---------------------------------------------------------------------------


def steps(game: Game) -> range:
    """The numbers of this round's k steps of D; each step's random draws depend on its number."""
    return range(game.step, game.step + game.settings.k)


def sample_noise(game: Game, step: int, purpose: str) -> Noise:
    """A minibatch of m noise vectors z ~ p_z."""
    s = game.settings
    z = priors.draw(s.prior, game.address(step), s.z_size, purpose)
    return _with_condition(game, z.to(_like(game.G)), step)


def sample_data(game: Game, step: int) -> Images:
    """A minibatch of m examples x ~ p_data."""
    x = _training_images(game, step).to(_like(game.D))
    if game.settings.joint:
        return encoders.pairs(game.G, x).detach()
    return _with_condition(game, x, step)


def _drawn_before(game: Game, step: int) -> int:
    """The number of examples that earlier steps drew."""
    return game.images + (step - game.step) * game.settings.batch


def _training_images(game: Game, step: int) -> Images:
    """The step's minibatch, mirrored at random if the settings say so."""
    x = game.data.minibatch(game.address(step), _drawn_before(game, step))
    if game.settings.flip:
        shape = nets.required_shape(image_shape_of(game.data), "flip")
        x = augmentation.mirror(x, shape, game.address(step))
    return x


def _with_condition(game: Game, rows: Noise | Images, step: int) -> Noise | Images:
    """In a conditional game (z, c) or (x, c), with c of the images of the step's minibatch."""
    if not game.condition_columns or game.settings.joint:
        return rows
    assert isinstance(game.data, Dataset)
    address = game.address(step)
    if game.settings.condition == "classes":
        c = game.data.minibatch_classes(address, _drawn_before(game, step))
        return classes.with_classes(rows, c, game.condition_columns)
    x, m = _training_images(game, step), masks.random_masks(address, game.data.image_shape)
    return torch.cat([rows, masks.known_part(x, m).to(rows)], 1)


@contextmanager
def reproducible_torch_rng(game: Game) -> Iterator[None]:
    """Seed torch's generators for one round, so that random layers of user modules are repeatable.

    The caller's generators are restored afterwards.
    """
    if game.manual_backprop:  # its layers draw random numbers only by `random.Address`
        yield
        return
    device = _like(game.G).device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        key = Address(game.settings.seed, game.round, range(1)).words("torch", 1, np.uint64)
        torch.manual_seed(int(key[0, 0]))
        yield


# --- Updates. Each uses manual backpropagation or autograd, and records D's logits for the log ----


def update_D(game: Game, x: Images, z: Noise, step: int) -> None:
    """θ_d ascends the stochastic gradient of V (descends D's loss)."""
    with _matmul_precision(game):
        update = manual_backprop.update_D if game.manual_backprop else autograd_update_D
        game.stats.a_x, game.stats.a_G_z = update(game, x, z, step)


def update_G(game: Game, z: Noise, step: int) -> None:
    """θ_g descends the stochastic gradient of G's loss."""
    with _matmul_precision(game):
        update = manual_backprop.update_G if game.manual_backprop else autograd_update_G
        game.stats.a_for_G = update(game, z, step)


def update_both(game: Game, x: Images, z: Noise, step: int) -> None:
    """Both gradients at the same θ_d and θ_g, then both updates."""
    with _matmul_precision(game):
        update = manual_backprop.update_both if game.manual_backprop else autograd_update_both
        game.stats.a_x, game.stats.a_G_z = update(game, x, z, step)


def record_D_logits(game: Game, x: Images, step: int) -> None:
    """Record D's logits on data in a round that does not update D."""
    with _matmul_precision(game):
        logits = manual_backprop.d_logits if game.manual_backprop else autograd_d_logits
        game.stats.a_x = logits(game, x, step)


def autograd_update_D(game: Game, x: Images, z: Noise, step: int) -> tuple[Logits, Logits]:
    """`update_D` by autograd; returns D's logits on data and samples before the update."""
    with torch.no_grad():
        G_z = _samples(game, z, step, "samples for D")
    data, samples = _discriminate(game, step, x, G_z, "samples for D")
    _set_gradients(game, game.D, _d_loss(game, step, data, samples))
    _step(game, game.D, game.optimiser_D)
    return data.a.detach(), samples.a.detach()


def autograd_update_G(game: Game, z: Noise, step: int) -> Logits:
    """`update_G` by autograd; returns D's logits on the samples."""
    G_z = _augmented(game, _samples(game, z, step, "samples for G"), step, "samples for G")
    a_G_z = _logits(game, G_z, step, "samples for G")
    _set_gradients(game, game.G, _g_loss(game, step, a_G_z))
    _step(game, game.G, game.optimiser_G)
    return a_G_z.detach()


def autograd_update_both(game: Game, x: Images, z: Noise, step: int) -> tuple[Logits, Logits]:
    """`update_both` by autograd; returns D's logits on data and samples before the update."""
    G_z = _samples(game, z, step, "samples for G")
    data, samples = _discriminate(game, step, x, G_z, "samples for G")
    _set_gradients(game, game.D, _d_loss(game, step, data, samples), retain_graph=True)
    _set_gradients(game, game.G, _g_loss(game, step, samples.a, data.a))
    _step(game, game.D, game.optimiser_D)
    _step(game, game.G, game.optimiser_G)
    return data.a.detach(), samples.a.detach()


@torch.no_grad()
def autograd_d_logits(game: Game, x: Images, step: int) -> Logits:
    """D's logits on data, without an update."""
    return _logits(game, _augmented(game, x, step, "data"), step, "data")


_ROWWISE: tuple[type[nn.Module], ...] = (
    *(nn.Sequential, nn.Conv2d, nn.Linear, nn.LeakyReLU, nn.Flatten, nn.Unflatten),
    *(Signed, ChannelsLast, nets.Branches, nets.Projection),
)
"""Layers that treat each row alone, without random masks: those of the convolutional D."""


class _DInput(NamedTuple):
    """A minibatch as D sees it, and D's logits on it and on the points of finite differences."""

    x: Images
    a: Logits
    a_moved: Logits | None


def _discriminate(
    game: Game, step: int, x: Images, G_z: Images, of_samples: str
) -> tuple[_DInput, _DInput]:
    """D's logits on data and samples for D's loss, with what the penalties R1 and R2 need.

    If D treats each row alone, data and moved points go through it together, which is faster; the
    samples go alone, because G's gradient goes back through their pass.
    """
    images = {"data": x, of_samples: G_z}
    seen = {name: _augmented(game, at, step, name) for name, at in images.items()}
    moved: dict[str, Images] = {}
    for name, penalty in zip(images, ("r1", "r2"), strict=True):
        if penalty not in objectives.penalties(game.settings, step):
            continue
        if game.settings.penalty_sigma:
            moved[name] = _moved(game, step, seen[name], name)
        else:
            seen[name].requires_grad_()  # the exact penalty is computed from ∂a/∂x
    if moved and all(type(layer) in _ROWWISE for layer in game.D.modules()):
        parts = [seen["data"], *moved.values()]
        a_x, *a_moved = _logits(game, torch.cat(parts), step, "data").split([*map(len, parts)])
        a = {"data": a_x, of_samples: _logits(game, seen[of_samples], step, of_samples)}
    else:
        a = {name: _logits(game, at, step, name) for name, at in seen.items()}
        a_moved = [_logits(game, at, step, name) for name, at in moved.items()]
    of_moved = dict(zip(moved, a_moved, strict=True))
    data, samples = (_DInput(seen[name], a[name], of_moved.get(name)) for name in images)
    return data, samples


def _moved(game: Game, step: int, x: Images, purpose: str) -> Images:
    """Each image moved by ±σ in every pixel, with random signs; a condition does not move."""
    pixels = game.data.pixels
    sign = game.address(step).bernoulli_mask(f"{purpose}, moved", pixels, 0.5)
    moved = x.detach().clone()
    moved[:, :pixels] += game.settings.penalty_sigma * (2 * sign.to(moved) - 1)
    return moved


def _augmented(game: Game, x: Images, step: int, purpose: str) -> Images:
    """The images as D sees them: changed by DiffAugment, if the settings say so."""
    s, n = game.settings, game.data.examples_per_epoch
    if s.ada_target:
        p = game.augmentation.probability
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
    nets.address_dropout(game.D, game.address(step), purpose)
    return game.D(x).reshape(-1).to(_like(game.D).dtype)


def _samples(game: Game, z: Noise, step: int, purpose: str) -> Images:
    """G(z) in training mode; in a conditional game (G(z, c), c), in the joint game (G(z), z)."""
    nets.address_dropout(game.G, game.address(step), f"{purpose}, in G")
    G_z = game.G(z).to(_like(game.G).dtype)
    if not game.condition_columns:
        return G_z
    return torch.cat([G_z, z[:, -game.condition_columns :].to(G_z)], 1)


def _d_loss(game: Game, step: int, data: _DInput, samples: _DInput) -> Float[Tensor, ""]:
    """D's loss, halved if the protocol is ``released``, plus the penalties, which never are."""
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
        x = _training_images(game, step).to(_like(game.D))
        a_x_E = _logits(game, encoders.pairs(game.G, x), step, "data")  # differentiable in E
        return objectives.joint_loss(a_x_E, a_G_z, objective)
    if a_x is None and objectives.find(objective).paired_g_loss is not None:
        a_x = autograd_d_logits(game, sample_data(game, step), step)
    return objectives.generator_loss(a_G_z, objective, None if a_x is None else a_x.detach())


def _penalties(game: Game, step: int, data: _DInput, samples: _DInput) -> Float[Tensor, ""] | float:
    """The penalties on D: R1 on data, R2 on samples, and WGAN-GP's between them."""
    compute: dict[str, Callable[[float], Tensor]] = {
        "r1": lambda γ: _R_penalty(game, data, γ),  # γ/2 · E‖∂a(x)/∂x‖²
        "r2": lambda γ: _R_penalty(game, samples, γ),  # the same at x = G(z)
        "gradient_penalty": lambda λ: _gradient_penalty(game, step, data, samples, λ),
    }
    weights = objectives.penalties(game.settings, step)
    return sum((compute[name](weight) for name, weight in weights.items()), start=0.0)


def _R_penalty(game: Game, at: _DInput, gamma: float) -> Float[Tensor, ""]:
    """R1 or R2 with weight γ, exact or by finite differences (`penalty_sigma`)."""
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
    return objectives.gradient_penalty(x_hat, a_x_hat, weight, game.data.pixels)


def _set_gradients(
    game: Game, net: nn.Module, loss: Float[Tensor, ""], retain_graph: bool = False
) -> None:
    """Set the gradient of the loss in this network's parameters only.

    Among several processes, each weights its gradient by its share of the minibatch; then all
    gradients are summed.
    """
    loss = loss * game.batch_fraction
    parameters = [p for p in net.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(loss, parameters, retain_graph=retain_graph, allow_unused=True)
    distributed.all_reduce_sum(gradient for gradient in gradients if gradient is not None)
    for p, gradient in zip(parameters, gradients, strict=True):
        p.grad = None if gradient is None else _with_layout(gradient, p)


def _with_layout(gradient: Tensor, p: Tensor) -> Tensor:
    """The gradient with its parameter's strides, which fused optimisers assume without a check."""
    same = gradient.stride() == p.stride()
    return gradient if same else torch.empty_like(p, requires_grad=False).copy_(gradient)


def _step(game: Game, net: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """One step of the optimiser, then the max-norm constraint (TFD)."""
    optimiser.step()
    if game.settings.max_norm is not None:
        nets.limit_norms(net, game.settings.max_norm)


def _matmul_precision(game: Game) -> AbstractContextManager[None]:
    """A context in which matrix products use bfloat16, if `game.bf16_matmul`."""
    return bfloat16_products(_like(game.G).device) if game.bf16_matmul else nullcontext()


def _like(net: nn.Module) -> Tensor:
    """A tensor with the network's device and dtype."""
    return next(net.parameters())


# --- Samples --------------------------------------------------------------------------------------


@torch.no_grad()
def sample(
    G: nn.Module,
    settings: Settings,
    n: int,
    purpose: str = "samples",
    first: int = 0,
    c: Int64[Tensor, " n"] | Float[Tensor, "n columns"] | None = None,
    z: Float[Tensor, "n z_size"] | None = None,
) -> Float[Tensor, "n pixels"]:
    """Samples of the model: n images G(z), one forward pass each, no Markov chain.

    Args:
        G: the generator, raw or averaged.
        settings: the game's settings; the prior, z_size and the seed are used.
        n: the number of samples.
        purpose: samples for different purposes are independent.
        first: the index of the first sample, so that many samples can be computed in blocks.
        c: for a conditional generator the class of each sample, by default drawn from p(c); or the
            known pixels and their mask (`masks.known_part`), by default none.
        z: noise of your own; by default drawn from the prior.

    Raises:
        UserError: classes that the generator does not have.
    """
    if n == 0:  # a process's share of few samples can be empty
        return sample(G, settings, 1, purpose, first)[:0]
    images = []
    with nets.evaluation_mode(G):
        for start in range(0, n, 1000):
            block = slice(start, min(start + 1000, n))
            address = Address(settings.seed, 0, range(first + block.start, first + block.stop))
            if z is None:
                z_block = priors.draw(settings.prior, address, settings.z_size, purpose)
            else:
                z_block = z[block]
            c_block = classes.drawn_classes(G, address, purpose) if c is None else c[block]
            images.append(G(classes.generator_input(G, z_block, c_block).to(_like(G))))
    return torch.cat(images)
