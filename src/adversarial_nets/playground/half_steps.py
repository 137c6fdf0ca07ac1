"""The parts of a round: V on the round's own minibatch before and after each network's update."""

import copy
import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from adversarial_nets import game as algorithm
from adversarial_nets import objectives
from adversarial_nets.minibatches import sample_data, sample_noise, steps
from adversarial_nets.state import Game, Noise
from adversarial_nets.toys import optimum
from adversarial_nets.toys.networks import evaluate, rows_of_samples

__all__ = [
    "Minibatch",
    "after_D",
    "coming_minibatch",
    "is_simultaneous",
    "measure",
    "only_trains_G",
]


class Minibatch(NamedTuple):
    """The data and the noise of the last step of the next round.

    Attributes:
        x: the examples from the data.
        z_D: the noise of D's update.
        z_G: the noise of G's update.
    """

    x: np.ndarray
    z_D: Noise
    z_G: Noise


def coming_minibatch(game: Game) -> Minibatch:
    """The minibatch of the round that is played next."""
    step = steps(game)[-1]
    x = sample_data(game, step).double().numpy()
    z_D, z_G = (sample_noise(game, step, f"z for {net}") for net in "DG")
    return Minibatch(x, z_G if is_simultaneous(game) else z_D, z_G)


def is_simultaneous(game: Game) -> bool:
    """Whether the next round updates D and G simultaneously, from the same samples."""
    return game.settings.protocol == "released" and not only_trains_G(game)


def only_trains_G(game: Game) -> bool:
    """Whether the next round belongs to G's head start, in which only G is trained."""
    return game.round < game.settings.head_start


def measure(game: Game, x: np.ndarray, z: Noise) -> dict[str, float | None]:
    """V, the mean of D(x), the mean of D(G(z)), and G's loss on a minibatch, without dropout."""
    a_x = evaluate(game.D, x)[:, 0]
    a_G_z = evaluate(game.D, rows_of_samples(game, z.double().numpy()))[:, 0]
    of_x, of_samples = torch.from_numpy(a_x), torch.from_numpy(a_G_z)
    if game.settings.joint:
        loss = objectives.joint_loss(of_x, of_samples, game.settings.objective)
    else:
        loss = objectives.generator_loss(of_samples, game.settings.objective, of_x)
    D_x, D_G_z = (float(torch.from_numpy(a).sigmoid().mean()) for a in (a_x, a_G_z))
    with np.errstate(invalid="ignore"):  # values may be NaN in a game that has diverged
        V = optimum.V_from_logits(game.settings.objective, a_x, a_G_z)
    found = {"V": V, "D_x": D_x, "D_G_z": D_G_z, "g_loss": float(loss)}
    return {name: value if math.isfinite(value) else None for name, value in found.items()}


def after_D(game: Game) -> Game:
    """A copy of the game after D's updates of the next round, before G's update."""
    whole = copy.deepcopy(game, {id(game.data): game.data})
    settings = whole.settings
    if not is_simultaneous(game):
        whole.settings = replace(settings, train_only="D", head_start=0)
    algorithm.play(whole, whole.round + 1)
    half = copy.copy(game)
    half.D, half.round = whole.D, whole.round
    return half
