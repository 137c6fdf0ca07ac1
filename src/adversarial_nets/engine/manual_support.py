"""Whether `manual_backprop` supports a game; if not, the game uses `autograd_updates`."""

import re

import torch
from torch import nn

from adversarial_nets import objectives
from adversarial_nets.layers import Branches, Dropout, Maxout, Projection, reference_parameter
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game

__all__ = ["supports"]

# A network is written as words, so that a regular expression can describe the supported ones.
_WORDS: dict[type[nn.Module], str] = {
    nn.Linear: "linear",
    nn.BatchNorm1d: "batch_norm",
    nn.ReLU: "relu",
    nn.LeakyReLU: "relu",
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "sigmoid",
    Maxout: "maxout",
    Dropout: "dropout",
    Projection: "projection",
}
# Branches are written < layers of x | layers of c >.
_G_LAYER = "linear (batch_norm )?((relu|sigmoid) )?"
_G_LAYERS = f"{_G_LAYER}((dropout )?{_G_LAYER})*"
_G = rf"(< {_G_LAYERS}\| {_G_LAYERS}> (dropout )?)?{_G_LAYERS}"

_D_LAYER = "(dropout )?(maxout |linear (relu )?)"
_D_LAYERS = f"({_D_LAYER})*"
_D = rf"(< {_D_LAYERS}(dropout )?\| {_D_LAYERS}(dropout )?> )?{_D_LAYERS}(dropout )?linear "
_D_WITH_PROJECTION = rf"< ({_D_LAYER})+(dropout )?\| > projection "


def supports(game: Game) -> bool:
    """Whether `manual_backprop` implements every layer and setting of this game.

    Batch normalisation is supported in G only; in D a logit would depend on the whole batch.
    Hooks of layers, weights or optimisers, layers in evaluation mode, frozen parameters, a layer or
    weight used twice, a paired objective, augmentation and every penalty but the exact R1 need
    autograd.
    """
    G, D = game.G, game.D
    if not (type(G) is nn.Sequential and type(D) is nn.Sequential):
        return False
    leaves = [_leaves(net) for net in (G, D)]
    parts = [[p for layer in layers for p in (layer, *layer.parameters())] for layers in leaves]
    if any(len(set(map(id, found))) < len(found) for found in parts):
        return False
    if any(_is_hooked(module) or _is_frozen(module) for net in (G, D) for module in net.modules()):
        return False
    if any(map(_has_step_hooks, (game.optimiser_G, game.optimiser_D))):
        return False
    layers_of_G, layers_of_D = _in_words(G), _in_words(D)
    return (
        re.fullmatch(_G, layers_of_G) is not None
        and re.fullmatch(f"{_D}|{_D_WITH_PROJECTION}", layers_of_D) is not None
        and all(_is_plain(layer) for layers in leaves for layer in layers)
        and all(p.requires_grad for net in (G, D) for p in net.parameters())
        and not (
            "batch_norm" in layers_of_G and game.settings.batch == 1
        )  # torch raises an error for one image
        and not _needs_autograd(game.settings)
        and not (game.bf16_matmul and reference_parameter(D).device.type != "cpu")  # autocast
    )


def _in_words(net: nn.Sequential) -> str:
    """A network as a text with one word for each layer, e.g. ``"linear relu linear sigmoid "``."""
    return "".join(
        f"< {_in_words(layer.of_x)}| {_in_words(layer.of_c)}> "
        if type(layer) is Branches
        else f"{_WORDS.get(type(layer), 'other')} "
        for layer in net
    )


def _leaves(net: nn.Sequential) -> list[nn.Module]:
    """The layers, in the order in which they are computed; a layer used twice occurs twice."""
    leaves: list[nn.Module] = []
    for layer in net:
        inner = (layer.of_x, layer.of_c) if type(layer) is Branches else ()
        leaves += [leaf for branch in inner for leaf in _leaves(branch)] or [layer]
    return leaves


def _needs_autograd(s: Settings) -> bool:
    """Whether the game has a penalty, objective or augmentation without manual backpropagation."""
    objective = objectives.find(s.objective)
    parts = (objective.paired_g_loss, objective.penalty, objective.g_penalty)
    needed = any(part is not None for part in parts)
    penalties = objectives.penalties(s).keys()
    exact_R1_at_most = penalties <= {"r1"} and not (penalties and s.penalty_sigma > 0)
    return needed or not exact_R1_at_most or s.augment > 0 or s.ada_target > 0


def _is_hooked(module: nn.Module) -> bool:
    """Whether hooks run when the module is called, or when its parameters get a gradient."""
    kinds = ("forward", "forward_pre", "backward", "backward_pre")
    return any(getattr(module, f"_{kind}_hooks") for kind in kinds) or any(
        p._backward_hooks for p in module.parameters(recurse=False)
    )


def _is_frozen(module: nn.Module) -> bool:
    """Whether a layer is in evaluation mode, and its output differs from that in training mode."""
    has_modes = isinstance(module, nn.BatchNorm1d | Dropout)
    return has_modes and not module.training


def _has_step_hooks(optimiser: torch.optim.Optimizer) -> bool:
    """Whether hooks run when the optimiser makes a step."""
    kinds = ("pre", "post")
    return any(getattr(optimiser, f"_optimizer_step_{kind}_hooks", None) for kind in kinds)


def _is_plain(layer: nn.Module) -> bool:
    """Whether manual backpropagation implements a layer's options."""
    if isinstance(layer, nn.BatchNorm1d):
        return layer.affine and layer.track_running_stats and layer.momentum is not None
    if isinstance(layer, nn.LeakyReLU):
        return 0 <= layer.negative_slope <= 1
    return not isinstance(layer, nn.Linear) or layer.bias is not None
