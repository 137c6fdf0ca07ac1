"""Check that settings do not contradict each other. Imports no torch."""

import warnings
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from adversarial_nets.errors import SettingError

if TYPE_CHECKING:
    from adversarial_nets.settings import Settings

__all__ = ["check_combinations", "refuse_unused", "warn_of_head_start", "without_unused"]

_SMALLEST_SIGMA = 1e-4


def check_combinations(s: "Settings") -> None:
    """Raise a SettingError if two settings contradict each other."""
    _check_lengths(s)
    _check_networks(s)
    _check_game(s)


def refuse_unused(s: "Settings", changed: Collection[str]) -> None:
    """Raise a SettingError if a setting that was changed has no effect in this game.

    Args:
        s: the game's settings.
        changed: the dotted names of the settings that were chosen for the run. The preset may have
            other settings without effect.
    """
    for name in changed:
        if why := _why_unused(s).get(name):
            raise SettingError(name, f"has no effect, since {why}. Leave it out.")


def without_unused(s: "Settings", changed: Mapping[str, Any]) -> dict[str, Any]:
    """The changed settings for a command that repeats a run of an earlier version.

    Earlier versions accepted settings without effect, which `refuse_unused` refuses. A learning
    rate below `lr_floor` had the effect of `lr_floor`.

    Args:
        s: the run's settings.
        changed: values by dotted name.
    """
    reasons = _why_unused(s)
    now = {**changed, "lr": s.lr_floor} if reasons["lr"] and "lr" in changed else changed
    return {name: x for name, x in now.items() if name == "lr" or not reasons.get(name)}


def warn_of_head_start(s: "Settings", rounds: int) -> None:
    """Warn if G is trained alone in all of the game's rounds, which may be extended later."""
    if s.head_start >= rounds > 0 and s.train_only is None:
        warnings.warn(
            f"D is never trained: head_start is {s.head_start}, and the game ends at round "
            f"{rounds}. Give a smaller head_start or more rounds.",
            stacklevel=3,
        )


def _why_unused(s: "Settings") -> dict[str, str | bool | None]:
    """The reason why a setting has no effect, by its dotted name; falsy if it has an effect."""
    optimisers = {s.optimiser, s.optimiser_D or s.optimiser}
    without_sgd = "sgd" not in optimisers and "the momentum of optimiser adam is constant"
    without_maxout = s.D.activation != "maxout" and "D.activation is relu"
    of_mlp_D = ("D.activation", "D.pieces", "D.top_pieces", "D.keep_prob_input")
    of_mlp_G = ("G.activations", "G.bias", "G.sparse", "G.deconvolution", "G.keep_prob")
    reasons: dict[str, str | bool | None] = {
        "adam_beta2": "adam" not in optimisers and "no network is trained by optimiser adam",
        "momentum_end": s.momentum_end != s.momentum and without_sgd,  # equal: constant momentum
        "momentum_epochs": without_sgd,
        "penalty_sigma": not (s.r1 or s.r2) and "r1 and r2 are 0",
        "augment_below": not s.augment and "augment is 0",
        "head_start": s.train_only and f"train_only is {s.train_only}",
        "lr_hold": s.lr_decay == 1 and "lr_decay is 1, so the learning rate never falls",
        "lr": s.lr < s.lr_floor and f"the smallest learning rate, lr_floor, is {s.lr_floor:g}",
        "D.pieces": without_maxout,
        "D.top_pieces": without_maxout,
        "D.convolution_pieces": not s.D.convolutions and "D has no maxout convolutions",
    }
    if s.D.maps:
        reasons |= dict.fromkeys((*of_mlp_D, "D.keep_prob_hidden"), "D.maps makes D convolutional")
    if s.G.maps:
        reasons |= dict.fromkeys(of_mlp_G, "G.maps makes G convolutional")
    return reasons


def _check_lengths(s: "Settings") -> None:
    """Check that a setting has one value for all layers or one for each layer."""
    for name, values, layers in (
        ("G.activations", s.G.activations, len(s.G.hidden)),
        ("G.bias", s.G.bias, len(s.G.hidden)),
        ("G.init", s.G.init, len(s.G.hidden) + 1),
        ("D.init", s.D.init, len(s.D.convolutions) + len(s.D.units) + 1),
    ):
        if len(values) not in (1, layers):
            raise SettingError(
                name,
                f"has {len(values)} values; give one for all layers or one for each of the "
                f"{layers}.",
            )


def _check_networks(s: "Settings") -> None:
    G, D = s.G, s.D
    for name, maps, units in (("G.hidden", G.maps, G.hidden), ("D.units", D.maps, D.units)):
        if maps and units:
            raise SettingError(
                name,
                f"has {len(units)} values, but {name[0]}.maps makes {name[0]} convolutional. Leave "
                f"{name} out, or give --{name[0]}.maps 0 for a multilayer perceptron.",
            )
    inputs = G.hidden[-1] if G.hidden else s.z_size
    if G.sparse > inputs:
        raise SettingError("G.sparse", f"is {G.sparse}, but an output unit has {inputs} inputs.")
    if G.sparse and G.deconvolution:
        raise SettingError("G.sparse", "needs a full output layer; leave out G.deconvolution.")
    if G.bilinear and not G.deconvolution:
        raise SettingError("G.bilinear", "initialises a deconvolution; give G.deconvolution too.")
    if G.batch_norm and s.batch == 1:
        raise SettingError("G.batch_norm", "normalises a minibatch; give a batch of 2 or more.")
    if D.maps and D.convolutions:
        raise SettingError("D.convolutions", "and D.maps are two kinds of convolutions; give one.")
    if not D.units and not D.maps:
        raise SettingError("D.units", "is empty; give at least one maxout layer.")
    if len(D.convolutions) > 3:
        raise SettingError("D.convolutions", f"has {len(D.convolutions)} values; at most 3.")
    if D.spectral_norm and s.max_norm is not None:
        raise SettingError("D.spectral_norm", "scales the weights itself; leave out max_norm.")


def _check_game(s: "Settings") -> None:
    if 0 < s.penalty_sigma < _SMALLEST_SIGMA:
        raise SettingError(
            "penalty_sigma",
            f"is {s.penalty_sigma:g}; rounding errors are then larger than D(x + σε) - D(x). It "
            f"must be {_SMALLEST_SIGMA:g} or more, or 0 for exact penalties.",
        )
    for name, class_units, hidden in (
        ("G.class_units", s.G.class_units, s.G.hidden),
        ("D.class_units", s.D.class_units, s.D.units),
    ):
        if class_units and (s.condition != "classes" or not hidden):
            raise SettingError(
                name, f"is {class_units}; it needs condition classes and at least one hidden layer."
            )
    if s.condition == "masks" and (s.G.maps or s.D.maps or s.augment or s.ada_target):
        raise SettingError(
            "condition",
            "is masks, which works with multilayer perceptrons and without augment only; leave out "
            "G.maps, D.maps, augment and ada_target.",
        )
    if s.D.projection and (s.condition != "classes" or s.D.class_units):
        raise SettingError(
            "D.projection", "needs condition classes, and D.class_units 0 (the class enters once)."
        )
    other = (
        s.condition or s.G.maps or s.D.maps or s.D.convolutions or s.G.deconvolution or s.G.sparse
    )
    if s.joint and (other or s.G.output_lr_multiplier != 1 or s.max_norm is not None):
        raise SettingError(
            "joint",
            "works with multilayer perceptrons and without condition, G.sparse, max_norm and "
            "G.output_lr_multiplier only; leave those out.",
        )
