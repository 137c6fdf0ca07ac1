"""Algorithm 1: the game between G and D, written so that each line can be compared with the paper.

`play` repeats one round until the game has the requested number of rounds. There is one function
for each kind of round, and the settings choose one of them: `algorithm_1` as the paper prints it,
`algorithm_1_released` as the authors' code ran it, `train_D_alone` or `train_G_alone`. Gradients
and updates are computed in `engine.autograd_updates`, for any pair of networks, and faster in
`engine.manual_backprop`, for multilayer perceptrons.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor, nn

from adversarial_nets import classes, distributed, priors
from adversarial_nets.engine import autograd_updates, manual_backprop
from adversarial_nets.engine.precision import bfloat16_products
from adversarial_nets.engine.updates import Updates
from adversarial_nets.errors import SettingError, UserError
from adversarial_nets.layers import evaluation_mode, limit_norms, reference_parameter
from adversarial_nets.minibatches import sample_data, sample_noise, steps
from adversarial_nets.random import Address, seeded_torch
from adversarial_nets.schedules import adapt_augmentation, set_learning_rates, update_average
from adversarial_nets.setting_values import whole_number
from adversarial_nets.settings import Settings, require_settings
from adversarial_nets.state import Game, Images, Noise
from adversarial_nets.tensors import as_tensor

__all__ = [
    "Game",
    "algorithm_1",
    "algorithm_1_released",
    "play",
    "play_round",
    "refuse_without_gradients",
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
    train_only = s.train_only or ("G" if game.round < s.head_start else None)
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
    """Update G `g_steps` − 1 more times, each with new noise and masks (not in Algorithm 1)."""
    step = steps(game)[-1]
    for i in range(2, game.settings.g_steps + 1):
        z = sample_noise(game, step, f"z for G, update {i}")
        update_G(game, z, step, f"samples for G, update {i}")


def play(game: Game, rounds: int, callback: Callable[[Game], None] = lambda _: None) -> None:
    """Train by Algorithm 1 until the game has the given total number of rounds.

    Settings are read again in every round, so a change made by the callback
    (`build.change_settings`) applies from the next round on.

    Args:
        game: the game; it is changed in place.
        rounds: total number of rounds since the game began, not rounds to add.
        callback: called with the game after every round.

    Raises:
        UserError: `rounds` is not a whole number, `game` is not a `Game`, or gradients are
            disabled.
    """
    rounds = whole_number("rounds", rounds, least=0)
    if not isinstance(game, Game):
        raise UserError(f"game is of type {type(game).__name__}; give what new_game returned.")
    refuse_without_gradients(game)
    while game.round < rounds:
        s = game.settings
        set_learning_rates(game)
        with _seeded_layers(game):
            play_round(game)
        adapt_augmentation(game)
        game.stats.end_round(s.objective, s.joint, game.batch_fraction)
        game.round += 1
        game.step += s.k
        game.images += s.k * s.batch
        update_average(game)
        callback(game)


def refuse_without_gradients(game: Game) -> None:
    """Raise an error if training needs autograd and gradients are disabled.

    Raises:
        UserError: the call is inside ``torch.no_grad()`` or ``torch.inference_mode()``.
    """
    if not game.manual_backprop and not torch.is_grad_enabled():
        raise UserError(
            "Training needs gradients, but torch.no_grad() or torch.inference_mode() disables "
            "them here. Train outside of it."
        )


def _seeded_layers(game: Game) -> AbstractContextManager[None]:
    """A context that makes random layers of user modules repeatable in this round.

    With several processes each draws different numbers, because each has different rows.
    """
    if game.manual_backprop:  # its layers draw random numbers only by `random.Address`
        return nullcontext()
    address = Address(game.settings.seed, game.round, range(1))
    rank = distributed.rank()
    purpose = f"torch, process {rank}" if rank else "torch"
    return seeded_torch(address, purpose, reference_parameter(game.G).device)


# --- Updates. Each records D's logits for the log -------------------------------------------------


def update_D(game: Game, x: Images, z: Noise, step: int) -> None:
    """θ_d ascends the stochastic gradient of V (descends D's loss)."""
    with _matmul_precision(game):
        game.stats.a_x, game.stats.a_G_z = _updates(game).update_D(game, x, z, step)
    limit_norms(game.D, game.settings.max_norm)


def update_G(game: Game, z: Noise, step: int, purpose: str = "samples for G") -> None:
    """θ_g descends the stochastic gradient of G's loss."""
    with _matmul_precision(game):
        game.stats.a_for_G = _updates(game).update_G(game, z, step, purpose)
    limit_norms(game.G, game.settings.max_norm)


def update_both(game: Game, x: Images, z: Noise, step: int) -> None:
    """Compute both gradients at the same θ_d and θ_g, then make both updates."""
    with _matmul_precision(game):
        game.stats.a_x, game.stats.a_G_z = _updates(game).update_both(game, x, z, step)
    limit_norms(game.D, game.settings.max_norm)
    limit_norms(game.G, game.settings.max_norm)


def record_D_logits(game: Game, x: Images, step: int) -> None:
    """Record D's logits on data in a round that does not update D."""
    with _matmul_precision(game):
        game.stats.a_x = _updates(game).d_logits(game, x, step)


def _updates(game: Game) -> Updates:
    """The module that computes gradients and updates."""
    return manual_backprop if game.manual_backprop else autograd_updates


def _matmul_precision(game: Game) -> AbstractContextManager[None]:
    """A context in which matrix products use bfloat16, if `game.bf16_matmul`."""
    device = reference_parameter(game.G).device
    return bfloat16_products(device) if game.bf16_matmul else nullcontext()


# --- Samples --------------------------------------------------------------------------------------


@torch.no_grad()
def sample(
    G: nn.Module,
    settings: Settings,
    n: int,
    purpose: str = "samples",
    first: int = 0,
    c: Int64[Tensor, " n"]
    | Float[Tensor, "n columns"]
    | NDArray[Any]
    | Sequence[int]
    | None = None,
    z: Float[Tensor, "n z_size"] | NDArray[Any] | None = None,
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
        UserError: classes that the generator does not have, a z of another shape, or more samples
            than the memory holds.
    """
    n = whole_number("n", n, least=0)
    first = whole_number("first", first, least=0, most=2**32)
    require_settings(settings)
    z, c = _as_numbers("z", z), _as_numbers("c", c)
    _check_sample(G, settings, n, z, c)
    if n == 0:  # with few samples, a process's share can be empty
        return sample(G, settings, 1, purpose, first)[:0]
    images = torch.empty(0)  # replaced when the shape of one sample is known
    with evaluation_mode(G):
        for start in range(0, n, 1000):
            block = slice(start, min(start + 1000, n))
            address = Address(settings.seed, 0, range(first + block.start, first + block.stop))
            if z is None:
                z_block = priors.draw(settings.prior, address, settings.z_size, purpose)
            else:
                z_block = z[block]
            c_block = classes.drawn_classes(G, address, purpose) if c is None else c[block]
            inputs = classes.generator_input(G, z_block, c_block)
            like = reference_parameter(G)
            with seeded_torch(address, f"torch, {purpose}", like.device):
                drawn = _output(G, inputs.to(like))
            if start == 0:
                images = _space_for(n, drawn)
            images[block] = drawn
    return images


def _output(G: nn.Module, inputs: Tensor) -> Tensor:
    """G's output for these inputs.

    Raises:
        UserError: G takes inputs of another shape.
    """
    try:
        return G(inputs)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        raise UserError(
            f"G does not take noise of shape {tuple(inputs.shape)} ({error}). Give the settings of "
            "G's own run, run.settings."
        ) from error


def _check_sample(
    G: object, settings: Settings, n: int, z: Tensor | None, c: Tensor | None
) -> None:
    """Check the arguments of `sample`.

    Raises:
        UserError: G is not a network, or z or c do not fit to n samples.
    """
    if not isinstance(G, nn.Module):
        raise UserError(
            f"G is of type {type(G).__name__}; give a network, e.g. G, _ = load_generator(run)."
        )
    if z is not None and z.shape != (n, settings.z_size):
        raise UserError(
            f"z has shape {tuple(z.shape)}; it must be (n, z_size) = ({n}, {settings.z_size})."
        )
    if z is not None and not z.isfinite().all():
        raise UserError("z has NaN or infinite values; they must be finite. Remove these rows.")
    if c is not None and (c.ndim == 0 or len(c) != n):
        given = f"has {len(c)} rows" if c.ndim else "is one number"
        raise UserError(f"c {given} for n = {n} samples; give one row for each sample.")


def _space_for(n: int, drawn: Tensor) -> Tensor:
    """An empty tensor for n samples of the shape of those that are drawn already.

    Raises:
        SettingError: there is not enough memory.
    """
    try:
        return drawn.new_empty((n, *drawn.shape[1:]))
    except RuntimeError as error:
        size = n * drawn[0].numel() * drawn.element_size() / 1e9
        raise SettingError(
            "n",
            f"is {n}; so many samples need {size:,.0f} GB of memory, more than there is. "
            "Compute fewer at a time, and give the number of the first as first.",
        ) from error


def _as_numbers(name: str, given: object) -> Tensor | None:
    """An argument as a tensor, of whole numbers in int64.

    Raises:
        UserError: the argument does not hold real numbers.
    """
    if given is None:
        return None
    numbers = as_tensor(name, given)
    return numbers if numbers.is_floating_point() else numbers.long()
