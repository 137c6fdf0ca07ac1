"""Build a game from settings, and change its settings while it is played."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from adversarial_nets import nets, objectives
from adversarial_nets.datasets import Dataset, Source
from adversarial_nets.engine import manual_backprop as manual
from adversarial_nets.errors import SettingError, UserError
from adversarial_nets.settings import LIVE, Settings, settings_differences
from adversarial_nets.state import Game

__all__ = ["Optimiser", "change_settings", "new_game"]

Optimiser = Callable[..., torch.optim.Optimizer]
"""A function that makes an optimiser from parameters, e.g. a class of `torch.optim`."""


def new_game(
    settings: Settings,
    data: Source,
    *,
    G: nn.Module | None = None,
    D: nn.Module | None = None,
    optimiser: Optimiser | None = None,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    manual_backprop: bool | None = None,
    bf16_matmul: bool = False,
) -> Game:
    """Set up a game at round 0.

    Args:
        settings: the game's settings.
        data: a `datasets.Dataset`, or any other `datasets.Source` of minibatches.
        G: your own generator, from noise (m, z_size) to images (m, pixels); without it, the
            settings describe G.
        D: your own discriminator, from images (m, pixels) to one logit for each image; without it,
            the settings describe D.
        optimiser: makes each network's optimiser from its parameters, e.g.
            ``functools.partial(torch.optim.RMSprop, centered=True)``. Its learning rate is set from
            the settings before every round; a parameter group may hold a factor ``lr_scale``.
        device: the device of both networks, e.g. ``"cpu"`` or ``"cuda"``.
        dtype: the floating type of both networks.
        manual_backprop: compute updates by `engine.manual_backprop` (True), by autograd (False), or
            by manual backpropagation wherever it applies (None).
        bf16_matmul: use bfloat16 for matrix products (mixed precision).

    Raises:
        UserError: an unknown objective, a generator whose sigmoid output does not cover the data's
            range, or convolutions that do not fit the images.
    """
    s = settings
    objectives.find(s.objective)
    shape = data.image_shape if isinstance(data, Dataset) else None
    if G is None:
        low, high = data.range if isinstance(data, Dataset) else (0.0, 1.0)
        if s.G.output == "sigmoid" and (low < 0 or high > 1):
            raise SettingError(
                "G.output",
                "is sigmoid, which covers only [0, 1], but the data contain values outside it. Use "
                "linear, or the data set's own preset.",
            )
        G = nets.generator(s.G, s.z_size, data.pixels, s.seed, shape)
        # The logit of a mean is a good bias only under a sigmoid.
        if s.G.bias_from_marginals and s.G.output == "sigmoid" and isinstance(data, Dataset):
            nets.start_at_marginals(G, data.train)
    if D is None:
        D = nets.discriminator(s.D, data.pixels, s.seed, shape)
    G, D = G.to(device, dtype), D.to(device, dtype)
    game = Game(
        settings=s,
        data=data,
        G=G,
        D=D,
        optimiser_G=(optimiser or _optimiser(s, "G"))(_parameter_groups(s, G)),
        optimiser_D=(optimiser or _optimiser(s, "D"))(D.parameters()),
        averaged=copy.deepcopy(G).requires_grad_(False) if s.ema_decay else None,
        bf16_matmul=bf16_matmul,
    )
    game.manual_backprop = manual.applies(game) if manual_backprop is None else manual_backprop
    return game


def change_settings(game: Game, settings: Settings) -> None:
    """Use other settings from the next round on; the networks stay as they are.

    If a network's optimiser changes, the new one starts without momentum. PyTorch's SGD stores its
    velocity without the factor lr, so after a change of lr the old velocity is multiplied by the
    new lr. Schedules are functions of the round: a new lr_decay applies to all rounds so far.

    Raises:
        UserError: a setting that needs a new game (all but `settings.LIVE`).
    """
    changes = settings_differences(game.settings, settings)
    fixed = [name for name in changes if name not in LIVE]
    if fixed:
        raise UserError(f"{', '.join(fixed)} cannot change during a game; start a new one.")
    objectives.find(settings.objective)
    old, new = _optimiser_names(game.settings), _optimiser_names(settings)
    game.settings = settings
    if old["G"] != new["G"]:
        game.optimiser_G = _optimiser(settings, "G")(_parameter_groups(settings, game.G))
    if old["D"] != new["D"]:
        game.optimiser_D = _optimiser(settings, "D")(game.D.parameters())
    if "momentum" in changes:  # for Adam; `game.set_learning_rates` sets SGD's before each round
        for optimiser in (game.optimiser_G, game.optimiser_D):
            for group in optimiser.param_groups if isinstance(optimiser, torch.optim.Adam) else ():
                group["betas"] = (settings.momentum, group["betas"][1])
    if {"D.keep_prob_input", "D.keep_prob_hidden"} & changes.keys():
        keep_probs = (settings.D.keep_prob_input, settings.D.keep_prob_hidden)
        for i, layer in enumerate(m for m in game.D.modules() if isinstance(m, nets.Dropout)):
            layer.keep_prob = keep_probs[min(i, 1)]
    game.manual_backprop = game.manual_backprop and manual.applies(game)


def _optimiser_names(s: Settings) -> dict[str, str]:
    """Each network's optimiser."""
    return {"G": s.optimiser, "D": s.optimiser_D or s.optimiser}


def _optimiser(s: Settings, network: str) -> Optimiser:
    """A function that makes the optimiser of a network, SGD or Adam, from parameters."""
    if _optimiser_names(s)[network] == "sgd":
        return lambda p: torch.optim.SGD(p, lr=s.lr, momentum=s.momentum, fused=True)
    return lambda p: torch.optim.Adam(p, lr=s.lr, betas=(s.momentum, 0.999), fused=True)


def _parameter_groups(s: Settings, G: nn.Module) -> Iterable[nn.Parameter] | list[dict[str, Any]]:
    """G's parameters; those of its output layer in a group of their own if its rate differs."""
    if s.G.output_lr_multiplier == 1:
        return G.parameters()
    output = [m for m in G.modules() if any(True for _ in m.parameters(recurse=False))][-1]
    of_output = list(output.parameters())
    others = [p for p in G.parameters() if all(p is not q for q in of_output)]
    groups: list[dict[str, Any]] = [{"params": others}]
    return [*groups, {"params": of_output, "lr_scale": s.G.output_lr_multiplier}]
