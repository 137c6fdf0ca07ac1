"""The values that change by round: learning rate, momentum, augmentation, and the average of G.

Each value is a function of the round and the epoch, or is stored with the game, so that a resumed
game continues with the same values.
"""

import math

import torch

from adversarial_nets import augmentation, distributed, objectives
from adversarial_nets.datasets import Source
from adversarial_nets.optimisers import rule_of
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game

__all__ = ["adapt_augmentation", "rounds_in", "set_learning_rates", "update_average"]

# Update the moving average every 10 rounds with decay ** 10: a tenth of the time, same samples.
AVERAGE_EVERY = 10


def rounds_in(settings: Settings, data: Source, epochs: float) -> int:
    """The number of rounds in a number of epochs; a round draws k · m training images.

    The result is rounded up, after removing the rounding error of floats: 1.1 · 500 is
    550.0000000000001.
    """
    rounds = epochs * data.examples_per_epoch / (settings.k * settings.batch)
    return max(1, math.ceil(round(rounds, 6)))


def set_learning_rates(game: Game) -> None:
    """Set this round's learning rate and momentum in both optimisers.

    The published rule is v ← μv − lr·g, θ ← θ + v; PyTorch keeps v ← μv + g, θ ← θ − lr·v. With μ ·
    lr_{t−1} / lr_t in place of μ, both rules change θ equally in the first update of a round. Later
    updates (k > 1) differ by the factor lr_{t−1} / lr_t, which is within 10⁻⁵ of 1 in the published
    runs.

    Optimisers that a program passed in keep their own values (`Game.optimiser_lr`).
    """
    if game.optimiser_lr == "own":
        return
    s, t = game.settings, game.round
    lr, momentum = s.lr_at(t), s.momentum_at(game.epoch)
    for optimiser, multiplier in ((game.optimiser_D, s.d_lr_multiplier), (game.optimiser_G, 1.0)):
        rule = rule_of(optimiser)
        is_scheduled = rule is not None and rule.momentum_is_scheduled
        for group in optimiser.param_groups:
            group["lr"] = lr * multiplier * group.get("lr_scale", 1.0)
            if is_scheduled and lr > 0:  # with lr 0, θ does not change
                group["momentum"] = momentum * s.lr_at(max(t - 1, 0)) / lr


@torch.no_grad()
def adapt_augmentation(game: Game) -> None:
    """ADA: every fourth round, adapt the probability of augmentation to D's logits on data.

    The sign is that of a − a*, where a* is the objective's threshold.
    """
    s, state, a_x = game.settings, game.ada, game.stats.a_x
    threshold = objectives.find(s.objective).threshold
    if not s.ada_target or a_x is None or threshold is None:
        return
    signs = (a_x - threshold).sign().float().sum()[None]
    distributed.all_reduce_sum([signs])
    state.signs, state.images = state.signs + signs.item(), state.images + s.batch
    if game.round % augmentation.ADA_EVERY == augmentation.ADA_EVERY - 1:
        shown = augmentation.ADA_EVERY * s.k * s.batch
        p = augmentation.adapt(state.probability, state.signs / state.images, s.ada_target, shown)
        state.probability, state.signs, state.images = p, 0.0, 0


@torch.no_grad()
def update_average(game: Game) -> None:
    """Update the exponential moving average of G's weights.

    Early in training the decay is at most (1 + t) / (10 + t) in round t, so that the initial
    weights soon have little influence. Counters are copied. Batch normalisation's running
    statistics are averaged too, until they are measured (`training.batch_statistics`).
    """
    t = game.round
    if game.averaged is not None and t % AVERAGE_EVERY == 0:
        weight = 1 - min(game.settings.ema_decay, (1 + t) / (10 + t)) ** AVERAGE_EVERY
        mean, now = game.averaged.state_dict(), game.G.state_dict()
        for name, x in now.items():
            mean[name].lerp_(x, weight) if x.is_floating_point() else mean[name].copy_(x)
