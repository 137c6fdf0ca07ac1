"""Build a game from settings, and change its settings while it is played."""

import copy
from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from torch import nn

from adversarial_nets import (
    classes,
    encoders,
    nets,
    objective_checks,
    user_networks,
)
from adversarial_nets.augmentation import diff_augment_probability
from adversarial_nets.datasets import Dataset, ImageShape, Source, as_dataset, image_shape_of
from adversarial_nets.datasets.arrays import DataLike
from adversarial_nets.engine.devices import check_device
from adversarial_nets.engine.manual_support import supports
from adversarial_nets.errors import SettingError, UserError
from adversarial_nets.layers import Dropout
from adversarial_nets.optimisers import OPTIMISERS, rule_of
from adversarial_nets.settings import (
    LIVE,
    OPTIMISER_SETTINGS,
    OptimiserName,
    Settings,
    require_settings,
    settings_differences,
)
from adversarial_nets.state import AdaState, Game
from adversarial_nets.user_networks import Requirements

__all__ = ["Optimiser", "change_settings", "new_game", "new_generator"]

Optimiser = Callable[..., torch.optim.Optimizer]
"""A function that makes an optimiser from parameters, e.g. a class of `torch.optim`."""


def new_game(
    settings: Settings,
    data: Source | DataLike,
    *,
    G: nn.Module | None = None,
    D: nn.Module | None = None,
    optimiser: Optimiser | None = None,
    optimiser_lr: Literal["own", "settings"] = "own",
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    manual_backprop: bool | None = None,
    bf16_matmul: bool = False,
) -> Game:
    """Set up a game at round 0.

    Args:
        settings: the game's settings.
        data: a `datasets.Dataset`, any other `datasets.Source` of minibatches, or what `train`
            takes: a name for `datasets.load`, a path, or images in memory.
        G: your own generator in place of the settings': noise (m, z_size) or (m, z_size, 1, 1) to
            images (m, pixels) or (m, channels, height, width). It is tested on a few rows. In a
            conditional game both networks take the class numbers, int64 (m,), as a second argument.
        D: your own discriminator in place of the settings': images of either form to one logit
            each. A logit is a number before the sigmoid.
        optimiser: makes each network's optimiser from its parameters, e.g.
            ``functools.partial(torch.optim.Adam, lr=2e-4)``. It keeps its own learning rate and
            momentum: the settings' ``lr``, ``momentum`` and their schedules do not apply. D's rate
            is multiplied by ``d_lr_multiplier``, and the rate of G's last layer by
            ``G.output_lr_multiplier``, once.
        optimiser_lr: ``settings`` applies the settings' schedules to your optimiser too, as
            earlier versions did; a parameter group may then hold a factor ``lr_scale``.
        device: the device of both networks, e.g. ``"cpu"`` or ``"cuda"``.
        dtype: the floating type of both networks.
        manual_backprop: compute updates by `engine.manual_backprop` (True), by autograd (False), or
            by manual backpropagation if it is implemented for the game (None).
        bf16_matmul: use bfloat16 for matrix products (mixed precision).

    Raises:
        UserError: settings or data of a wrong type; an unknown or impossible objective;
            augmentation that is not defined for it or for the images; manual backpropagation where
            it is not implemented; data without classes for a conditional game; a generator of the
            settings whose sigmoid output does not cover the data's range; convolutions that do not
            fit the images; layers that normalise over a batch of 1; or a network or optimiser of
            your own that cannot be used.

    Warns:
        UserWarning: your own D seems to end in a sigmoid, or your own G's outputs do not have the
            data's range.
    """
    require_settings(settings)
    check_device(device)
    s = settings
    data = data if isinstance(data, Source) else as_dataset(data, **s.data_options())
    _check_augmentation(s, data)
    counts = classes.images_per_class(s, data)
    columns = classes.condition_columns(s, counts, data.pixels)
    _check_own(s, data, has_own=not (G is None and D is None))
    own_columns = columns if s.condition else None
    required = Requirements(s, data.pixels, image_shape_of(data), own_columns, device, dtype)
    G, D = _user_networks(G, D, data, required)
    _refuse_batch_of_one(s, G, D)
    G = _initialised_generator(s, data, columns) if G is None else G
    if D is None:
        D = nets.discriminator(s.D, data.pixels, s.seed, image_shape_of(data), columns)
    G, D = G.to(device, dtype), D.to(device, dtype)
    classes.remember_condition(G, s, counts, data.pixels)
    game = Game(
        settings=s,
        data=data,
        G=G,
        D=D,
        optimiser_G=_make_optimiser(optimiser or _optimiser(s, "G"), _parameter_groups(s, G)),
        optimiser_D=_make_optimiser(optimiser or _optimiser(s, "D"), D.parameters()),
        averaged=copy.deepcopy(G).requires_grad_(False) if s.ema_decay else None,
        bf16_matmul=bf16_matmul,
        optimiser_lr=optimiser_lr if optimiser else "settings",
        condition_columns=columns,
        ada=AdaState(diff_augment_probability(s.augment, s.augment_below, data.examples_per_epoch)),
    )
    _multiply_own_rates(game)
    game.manual_backprop = _uses_manual_backprop(game, manual_backprop)
    return game


def _uses_manual_backprop(game: Game, wanted: bool | None) -> bool:
    """Whether updates use manual backpropagation: as requested, or if the game supports it.

    Raises:
        SettingError: manual backpropagation is requested, but not implemented for this game.
    """
    supported = supports(game)
    if wanted and not supported:
        raise SettingError(
            "manual_backprop",
            "is True, but these networks or settings need autograd; leave it out.",
        )
    return supported if wanted is None else wanted


def _check_augmentation(s: Settings, data: Source) -> None:
    """Refuse augmentation that is not defined for these images or this objective.

    Raises:
        UserError: the objective cannot be computed, the images to augment are not in [0, 1], or the
            objective has no threshold, which ADA needs.
    """
    threshold = objective_checks.try_out(s.objective).threshold
    if s.ada_target and threshold is None:
        raise SettingError(
            "ada_target",
            f"needs logits that distinguish data from samples; {s.objective} has none.",
        )
    p = diff_augment_probability(s.augment, s.augment_below, data.examples_per_epoch)
    name = "ada_target" if s.ada_target else "augment"
    if (s.ada_target or p) and isinstance(data, Dataset) and data.range != (0.0, 1.0):
        low, high = data.range
        raise SettingError(
            name, f"needs images in [0, 1], but those of {data.name} are in [{low:g}, {high:g}]."
        )


def _check_own(s: Settings, data: Source, has_own: bool) -> None:
    """Refuse masks of data that are not images, and masks or E for networks of your own.

    Raises:
        SettingError: the settings have masks or `joint`.
    """
    if s.condition == "masks" and not isinstance(data, Dataset):
        raise SettingError(
            "condition", "is masks, but these data are not images; leave condition out."
        )
    if s.condition == "masks" and has_own:
        raise SettingError(
            "condition",
            "is masks, which only the settings' networks take; leave out G and D, or condition.",
        )
    if s.joint and has_own:
        raise SettingError(
            "joint",
            "needs the networks that the settings describe, which games on a line do not use; "
            "leave out G and D, or joint.",
        )


def _user_networks(
    G: nn.Module | None, D: nn.Module | None, data: Source, required: Requirements
) -> tuple[nn.Module | None, nn.Module | None]:
    """The caller's own networks, tested, adapted to flat images, and in training mode."""
    passed = [net for net in (G, D) if net is not None]
    if isinstance(G, nn.Module) and isinstance(D, nn.Module):
        _refuse_shared_weights(G, D)
    if G is not None:
        G = user_networks.prepare_generator(G, required)
    if D is not None:
        D = user_networks.prepare_discriminator(D, data, required)
    for net in passed:
        if not net.training:  # e.g. a loaded G; single layers may stay in evaluation mode
            net.train()
    user_networks.warn_of_outputs(G, D, data, required)
    return G, D


def _refuse_shared_weights(G: nn.Module, D: nn.Module) -> None:
    """Refuse weights that both networks would train; frozen layers may be shared.

    Raises:
        UserError: names such a weight.
    """
    of_G = {id(p): name for name, p in G.named_parameters() if p.requires_grad}
    for name, p in D.named_parameters():
        if p.requires_grad and id(p) in of_G:
            raise UserError(
                f"G and D share a weight: {of_G[id(p)]} of G is {name} of D, so each would undo "
                "what the other learns. Give each network its own layer, e.g. copy.deepcopy(layer)."
            )


def _refuse_batch_of_one(s: Settings, G: nn.Module | None, D: nn.Module | None) -> None:
    """Refuse to normalise over a minibatch of one row.

    Raises:
        SettingError: a network has a layer that does so.
    """
    for name, net in (("G", G), ("D", D)) if s.batch == 1 else ():
        layers = () if net is None else net.modules()
        if any(isinstance(layer, nn.BatchNorm1d) and layer.training for layer in layers):
            raise SettingError(
                "batch",
                f"is 1, but {name} has a BatchNorm1d layer, which normalises over a minibatch; it "
                "must be 2 or more.",
            )


def new_generator(
    s: Settings, pixels: int, image_shape: ImageShape | None, columns: int
) -> nn.Sequential | encoders.GeneratorWithEncoder:
    """The settings' generator with random weights; in the joint game with its encoder.

    Args:
        s: the settings.
        pixels: values of one image.
        image_shape: (channels, height, width), or None for data that are not images.
        columns: values of c in a row (`classes.condition_columns`).
    """
    if s.joint:
        G = nets.generator(s.G, s.z_size, pixels, s.seed, image_shape)
        return encoders.GeneratorWithEncoder(G, encoders.encoder(s, pixels))
    return nets.generator(s.G, s.z_size, pixels, s.seed, image_shape, columns)


def _initialised_generator(s: Settings, data: Source, columns: int) -> nn.Module:
    """The settings' generator; with `bias_from_marginals`, its first output is the mean image.

    Raises:
        SettingError: its sigmoid output does not cover the data's range.
    """
    low, high = data.range if isinstance(data, Dataset) else (0.0, 1.0)
    if s.G.output == "sigmoid" and (low < 0 or high > 1):
        raise SettingError(
            "G.output",
            "is sigmoid, which covers only [0, 1], but the data contain values outside it. Use "
            "linear, or the data set's own preset.",
        )
    G = new_generator(s, data.pixels, image_shape_of(data), columns)
    # The logit of a mean is a good bias only if the output is a sigmoid.
    has_pixel_biases = s.G.output == "sigmoid" and not s.G.maps
    if s.G.bias_from_marginals and has_pixel_biases and isinstance(data, Dataset):
        inner = G.G if isinstance(G, encoders.GeneratorWithEncoder) else G
        nets.start_at_marginals(inner, data.train)
    return G


def _multiply_own_rates(game: Game) -> None:
    """Multiply the learning rates of a caller's own optimiser by the settings' multipliers."""
    if game.optimiser_lr != "own":
        return
    multipliers = (game.optimiser_D, game.settings.d_lr_multiplier), (game.optimiser_G, 1.0)
    for optimiser, multiplier in multipliers:
        for group in optimiser.param_groups:
            group["lr"] = group["lr"] * multiplier * group.get("lr_scale", 1.0)


def change_settings(game: Game, settings: Settings) -> None:
    """Use other settings from the next round on; the networks stay as they are.

    If a network's optimiser changes, the new one starts without momentum. PyTorch's SGD stores its
    velocity without the factor lr, so after a change of lr the old velocity is multiplied by the
    new lr. Schedules are functions of the round: a new lr_decay applies to all rounds so far. A
    game that has once needed autograd continues with autograd.

    Raises:
        UserError: a setting that needs a new game (all but `settings.LIVE`), or no settings.
    """
    require_settings(settings)
    changes = settings_differences(game.settings, settings)
    fixed = [name for name in changes if name not in LIVE]
    if fixed:
        raise UserError(f"{', '.join(fixed)} cannot change during a game; start a new one.")
    unused = [name for name in changes if name in OPTIMISER_SETTINGS]
    if unused and game.optimiser_lr == "own":
        raise UserError(
            f"{', '.join(unused)} cannot change, because this game uses an optimiser of your own, "
            "to which the settings do not apply. Change game.optimiser_G.param_groups and "
            "game.optimiser_D.param_groups instead."
        )
    _check_augmentation(settings, game.data)
    _refuse_batch_of_one(settings, game.G, game.D)
    old, new = _optimiser_names(game.settings), _optimiser_names(settings)
    optimiser_G, optimiser_D = game.optimiser_G, game.optimiser_D
    if old["G"] != new["G"]:
        optimiser_G = _optimiser(settings, "G")(_parameter_groups(settings, game.G))
    if old["D"] != new["D"]:
        optimiser_D = _optimiser(settings, "D")(game.D.parameters())
    # Assigned last: if an optimiser cannot be made, the game is unchanged.
    game.settings, game.optimiser_G, game.optimiser_D = settings, optimiser_G, optimiser_D
    if "momentum" in changes:
        _set_momentum(game)
    if {"D.keep_prob_input", "D.keep_prob_hidden"} & changes.keys():
        keep_probs = (settings.D.keep_prob_input, settings.D.keep_prob_hidden)
        for i, layer in enumerate(m for m in game.D.modules() if isinstance(m, Dropout)):
            layer.keep_prob = keep_probs[min(i, 1)]
    game.manual_backprop = game.manual_backprop and supports(game)


def _set_momentum(game: Game) -> None:
    """Apply a changed momentum to optimisers without a momentum schedule, e.g. Adam (β₁)."""
    for optimiser in (game.optimiser_G, game.optimiser_D):
        if rule := rule_of(optimiser):
            for group in optimiser.param_groups:
                rule.set_momentum(group, game.settings.momentum)


def _make_optimiser(
    rule: object, parameters: Iterable[nn.Parameter] | list[dict[str, Any]]
) -> torch.optim.Optimizer:
    """Call the user's or the settings' optimiser.

    Raises:
        UserError: `rule` is not a class or function that makes an optimiser that Algorithm 1 can
            use.
    """
    example = "e.g. optimiser=functools.partial(torch.optim.Adam, lr=2e-4)"
    if isinstance(rule, torch.optim.Optimizer):
        name = type(rule).__name__
        raise UserError(
            f"optimiser is an instance of {name}, but each network needs its own optimiser. Give "
            f"the class, optimiser=torch.optim.{name}, or with its arguments, {example}."
        )
    if not callable(rule):
        raise UserError(
            f"optimiser is {rule!r}; it must make an optimiser from a network's parameters, "
            f"{example}."
        )
    try:
        made = rule(parameters)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"optimiser cannot be made from a network's parameters alone ({error}). Give its "
            f"other arguments with it, {example}."
        ) from error
    if not isinstance(made, torch.optim.Optimizer):
        raise UserError(
            f"optimiser made a {type(made).__name__}; it must make a torch.optim.Optimizer, "
            f"{example}."
        )
    unfit = {
        torch.optim.LBFGS: "evaluates a loss several times in a step",
        torch.optim.SparseAdam: "needs sparse gradients",
    }
    if why := unfit.get(type(made)):
        raise UserError(
            f"optimiser is {type(made).__name__}, which {why}; Algorithm 1 cannot use it. Give a "
            f"first-order one, {example}."
        )
    return made


def _optimiser_names(s: Settings) -> dict[str, OptimiserName]:
    """Each network's optimiser."""
    return {"G": s.optimiser, "D": s.optimiser_D or s.optimiser}


def _optimiser(s: Settings, network: str) -> Optimiser:
    """A function that makes the settings' optimiser of a network from parameters."""
    rule = OPTIMISERS[_optimiser_names(s)[network]]
    return lambda parameters: rule.make(parameters, s)


def _parameter_groups(s: Settings, G: nn.Module) -> Iterable[nn.Parameter] | list[dict[str, Any]]:
    """G's parameters; the output layer's form a separate group if its learning rate differs."""
    if s.G.output_lr_multiplier == 1:
        return G.parameters()
    output = [m for m in G.modules() if any(True for _ in m.parameters(recurse=False))][-1]
    of_output = list(output.parameters())
    others = [p for p in G.parameters() if all(p is not q for q in of_output)]
    groups: list[dict[str, Any]] = [{"params": others}]
    return [*groups, {"params": of_output, "lr_scale": s.G.output_lr_multiplier}]
