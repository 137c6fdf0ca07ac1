"""Save a game's networks and optimisers to a checkpoint, and restore them from it."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from adversarial_nets import classes, nets, user_networks
from adversarial_nets.build import new_generator
from adversarial_nets.datasets import ImageShape
from adversarial_nets.errors import UserError
from adversarial_nets.layers import reference_parameter
from adversarial_nets.runs.checkpoints import (
    Checkpoint,
    checkpoint_folder,
    read_checkpoint,
    write_checkpoint,
)
from adversarial_nets.runs.exported import check_exported, exported_checkpoint
from adversarial_nets.runs.folder import Run, RunLike, open_run
from adversarial_nets.setting_values import require_one_of
from adversarial_nets.state import AdaState, Game
from adversarial_nets.text import changed_lines, counted
from adversarial_nets.user_networks import Requirements

__all__ = [
    "load_discriminator",
    "load_generator",
    "load_net",
    "load_networks",
    "nets_of",
    "numbers_of",
    "refuse_other_shape",
    "restore",
    "save_checkpoint",
]


def save_checkpoint(run: Run, game: Game, state: Mapping[str, Any], keep_all: bool = False) -> Path:
    """Write a checkpoint of the game's current round into the run's folder.

    Args:
        run: the run.
        game: the game after a round.
        state: other values that the training needs: ``best``, ``widest``, ``seconds``, ``tally``.
        keep_all: do not delete earlier checkpoints.

    Returns:
        The checkpoint's folder.
    """
    counters: dict[str, Any] = {"step": game.step, "images": game.images}
    if game.optimiser_lr == "own":  # a callback may have changed its values
        counters["groups"] = {
            network: [numbers_of(group) for group in optimiser.param_groups]
            for network, optimiser in (("G", game.optimiser_G), ("D", game.optimiser_D))
        }
    if game.settings.ada_target:
        counters["augmentation"] = dataclasses.asdict(game.ada)
    checkpoint = Checkpoint(game.round, nets_of(game), _optimisers(game), {**counters, **state})
    return write_checkpoint(run.folder, checkpoint, keep_all)


_IMPLEMENTATION = ("foreach", "fused", "capturable", "differentiable")
"""Options of an optimiser that affect how a step is computed, but not its result."""


def numbers_of(group: Mapping[str, Any]) -> dict[str, Any]:
    """The learning rate, betas, nesterov … of a parameter group, which determine its steps."""
    found: dict[str, Any] = {}
    for name, value in group.items():
        if name in _IMPLEMENTATION:
            continue
        if isinstance(value, Tensor) and value.numel() == 1:  # e.g. lr of a capturable Adam
            found[name] = value.item()
        elif isinstance(value, int | float):
            found[name] = value
        elif isinstance(value, tuple) and all(isinstance(x, int | float) for x in value):
            found[name] = list(value)
    return found


def _set_numbers(group: dict[str, Any], saved: Mapping[str, Any]) -> None:
    """Set a parameter group's values to saved values; tensors and tuples keep their type."""
    for name, value in saved.items():
        old = group.get(name)
        if isinstance(old, Tensor):
            group[name] = torch.full_like(old, value)
        else:
            group[name] = tuple(value) if isinstance(value, list) else value


def _networks(game: Game) -> dict[str, nn.Module]:
    """The game's networks by the names they have in a checkpoint."""
    networks = {"G": game.G, "D": game.D}
    return networks if game.averaged is None else networks | {"averaged": game.averaged}


def nets_of(game: Game) -> dict[str, Tensor]:
    """Return every parameter and buffer of a game's networks, named ``network.name``.

    Layers that share weights are saved as separate copies, because safetensors refuses shared
    memory. A network of `torch.compile` has the same names as without it.
    """
    found: dict[str, Tensor] = {}
    seen: set[int] = set()
    for network, net in _networks(game).items():
        for name, tensor in net.state_dict().items():
            shared = tensor.data_ptr() in seen
            found[f"{network}.{_without_compile(name)}"] = (
                tensor.clone() if shared else tensor.contiguous()
            )
            seen.add(tensor.data_ptr())
    return found


def _optimisers(game: Game) -> dict[str, Tensor]:
    """Every tensor and number in the optimisers' states, named ``network/parameter/name``."""
    return {
        f"{network}/{index}/{name}": torch.as_tensor(value).contiguous()
        for network, optimiser in (("G", game.optimiser_G), ("D", game.optimiser_D))
        for index, kept in optimiser.state_dict()["state"].items()
        for name, value in kept.items()
        if value is not None
    }


def restore(game: Game, checkpoint: Checkpoint) -> None:
    """Restore a game's networks, optimisers and counters from a checkpoint, in place.

    Raises:
        UserError: the checkpoint holds networks of other shapes.
    """
    for network, net in _networks(game).items():
        load_net(net, checkpoint, network)
    for network, optimiser in (("G", game.optimiser_G), ("D", game.optimiser_D)):
        whole = optimiser.state_dict()
        whole["state"] = {}
        for address, value in checkpoint.optimisers.items():
            owner, index, name = address.split("/")
            if owner == network:
                # clone() aligns the memory like the optimiser does; rounding may depend on the
                # alignment.
                whole["state"].setdefault(int(index), {})[name] = value.clone()
        groups = checkpoint.state.get("groups", {}).get(network, [])
        if not groups:  # earlier versions saved the learning rates alone
            groups = [{"lr": lr} for lr in checkpoint.state.get("lr", {}).get(network, [])]
        for group, saved in zip(whole["param_groups"], groups, strict=False):
            _set_numbers(group, saved)
        optimiser.load_state_dict(whole)
        for p, kept in optimiser.state.items():
            like_p = {n: x for n, x in kept.items() if isinstance(x, Tensor) and x.shape == p.shape}
            kept.update({name: nets.with_layout(x, p) for name, x in like_p.items()})
    # Earlier versions saved only the round, because k and batch could not change during a run.
    s, rounds = game.settings, checkpoint.round
    game.round = rounds
    game.step = checkpoint.state.get("step", rounds * s.k)
    game.images = checkpoint.state.get("images", rounds * s.k * s.batch)
    if "augmentation" in checkpoint.state:
        game.ada = AdaState(**checkpoint.state["augmentation"])


def load_networks(game: Game, run: Run) -> None:
    """Load the networks of another run's newest checkpoint into a game, not its optimisers.

    Raises:
        UserError: the run has no checkpoint, or its networks have other shapes.
    """
    checkpoint = read_checkpoint(checkpoint_folder(run.folder))
    try:
        _load_state(game.G, checkpoint, "G")
        _load_state(game.D, checkpoint, "D")
        if game.averaged is not None:
            has_average = any(name.startswith("averaged.") for name in checkpoint.nets)
            _load_state(game.averaged, checkpoint, "averaged" if has_average else "G")
    except RuntimeError as error:
        raise UserError(
            f"The networks of {run.name}, where the training is to start, differ from those of "
            f"the new run's settings ({str(error).splitlines()[-1].strip()}). Leave out what "
            "changes the networks, or start without these weights."
        ) from error


def refuse_other_shape(run: Run, image_shape: ImageShape) -> None:
    """Raise an error if a run's weights cannot be loaded because its images have another shape."""
    if run.own_nets or run.exported or run.image_shape == image_shape:
        return  # runs without networks are refused later, with another message
    (c, height, width), (new_c, new_height, new_width) = run.image_shape, image_shape
    raise UserError(
        f"{run.name} was trained on images of {height}×{width} pixels with "
        f"{counted(c, 'channel')}, and its weights fit only these, but the given images have "
        f"{new_height}×{new_width} pixels with {new_c}; for a folder of images, give --size "
        f"{height} --width {width} --channels {c}."
    )


def load_net(net: nn.Module, checkpoint: Checkpoint, network: str, passed: bool = False) -> None:
    """Load the weights of ``G``, ``D`` or ``averaged`` from a checkpoint into a module.

    Args:
        net: the module.
        checkpoint: the checkpoint.
        network: the name of the network in it.
        passed: whether a program passed the module, so that the settings do not describe it.

    Raises:
        UserError: the checkpoint does not hold this network, or its weights have other shapes.
    """
    try:
        _load_state(net, checkpoint, network)
    except RuntimeError as error:
        why = str(error).splitlines()[-1].strip()
        if passed:
            raise UserError(
                f"The {type(net).__name__} that you passed does not fit the checkpoint of round "
                f"{checkpoint.round} ({why}). Pass a module of the architecture that was trained."
            ) from error
        raise UserError(
            f"The checkpoint of round {checkpoint.round} holds other networks than this run's "
            f"settings describe ({why}). Restore the folder from a copy."
        ) from error


def _load_state(net: nn.Module, checkpoint: Checkpoint, network: str) -> None:
    """Load a network from a checkpoint; raises RuntimeError if the shapes differ."""
    prefix = f"{network}."
    in_net = {_without_compile(name): name for name in net.state_dict()}
    weights = {
        _without_compile(name.removeprefix(prefix)): tensor
        for name, tensor in checkpoint.nets.items()
        if name.startswith(prefix)
    }
    net.load_state_dict({in_net.get(name, name): tensor for name, tensor in weights.items()})


def _without_compile(name: str) -> str:
    """A parameter's name without the part that `torch.compile` adds."""
    return name.replace("_orig_mod.", "")


def _without_weights(make: Callable[[], nn.Module]) -> nn.Module:
    """Make a network on the CPU without initialising its weights, which a checkpoint must fill.

    Drawing initial weights would take seconds for 8,000 units.
    """
    with torch.device("meta"):
        net = make()
    return net.to_empty(device="cpu")


def load_discriminator(run: RunLike, checkpoint: str | int = "last") -> tuple[nn.Module, int]:
    """Load a run's discriminator from a checkpoint.

    Args:
        run: the run, or its folder.
        checkpoint: ``last``, ``best`` or the number of a round.

    Returns:
        The discriminator in evaluation mode, and the checkpoint's round.

    Raises:
        UserError: the checkpoint does not exist, or the run has your own D.
    """
    run = open_run(run)
    if run.own_D:
        raise UserError(
            f"{run.name} was trained with your own D, which only your program can rebuild. Give "
            "a run with a preset's networks."
        )
    columns = classes.condition_columns(run.settings, run.classes, run.pixels)
    D = _without_weights(
        lambda: nets.discriminator(run.settings.D, run.pixels, 0, run.image_shape, columns)
    )
    saved = read_checkpoint(checkpoint_folder(run.folder, str(checkpoint)))
    load_net(D, saved, "D")
    return D.eval(), saved.round


def load_generator(
    run: RunLike,
    checkpoint: str | int = "last",
    weights: str | None = None,
    G: nn.Module | None = None,
) -> tuple[nn.Module, int]:
    """Load a run's generator from a checkpoint, or an exported one.

    Args:
        run: the run, or its folder; an exported generator's folder or ONNX file; or ``digits``, a
            generator that comes with the package.
        checkpoint: ``last``, ``best`` (by the validation score of raw G; for a convolutional G by
            the patch distance, of averaged G if it is kept) or the number of a round.
        weights: ``raw``, or ``averaged`` for the moving average of G's weights; by default
            `Run.default_weights`.
        G: the module to load the weights into, for a run with your own networks.

    Returns:
        The generator in evaluation mode, and the checkpoint's round.

    Raises:
        UserError: the checkpoint does not exist; the run keeps no average; the run has your own
            networks and `G` is missing; or `G` has other layers than the generator of the run.
    """
    run = open_run(run)
    weights = run.default_weights if weights is None else weights
    require_one_of("weights", weights, ("raw", "averaged"))
    if weights == "averaged" and not (run.settings.ema_decay or run.exported):
        raise UserError(
            f"{run.name} has no averaged generator, because its ema_decay is 0. Use the raw "
            "weights."
        )
    if run.folder.is_file():
        return _of_onnx(run, str(checkpoint), weights)
    s, columns = run.settings, classes.condition_columns(run.settings, run.classes, run.pixels)
    passed = G is not None
    if G is None:
        if run.own_G:
            raise UserError(
                f"{run.name} was trained with your own networks. Pass a generator of the same "
                "architecture as G= to the Python function; for a command, or a function without "
                f"G=, write it once, an.export_generator({run.name!r}, 'G.onnx', G=G), and "
                "give G.onnx in place of the run."
            )
        G = _described_generator(run, columns)
    else:
        user_networks.require_module("G", G)
        _refuse_other_layers(G, run, columns)
        device = str(reference_parameter(G).device)
        own_columns = columns if s.condition else None
        required = Requirements(s, run.pixels, run.image_shape, own_columns, device, trained=False)
        G = user_networks.prepare_generator(G, required)
    classes.remember_condition(G, s, run.classes, run.pixels)
    if run.exported:
        saved = exported_checkpoint(run, str(checkpoint), weights)
    else:
        saved = read_checkpoint(checkpoint_folder(run.folder, str(checkpoint)))
    load_net(G, saved, "averaged" if weights == "averaged" else "G", passed=passed)
    return G.eval(), saved.round


def _described_generator(run: Run, columns: int) -> nn.Module:
    """The generator that a run's settings describe, without weights."""
    s = run.settings
    return _without_weights(lambda: new_generator(s, run.pixels, run.image_shape, columns))


def _refuse_other_layers(G: nn.Module, run: Run, columns: int) -> None:
    """Refuse a generator whose text differs from that of the run's generator.

    Other activations have weights of the same shapes, so a checkpoint would fit.
    """
    trained = run.info.get("G") if run.own_G else repr(_described_generator(run, columns))
    if trained is None:
        return  # earlier versions recorded no text
    if change := changed_lines(str(trained), repr(G)):
        raise UserError(
            f"The {type(G).__name__} that you passed is not the generator that {run.name} was "
            f"trained with: {change}. Pass a module of the architecture that was trained."
        )


def _of_onnx(run: Run, checkpoint: str, weights: str) -> tuple[nn.Module, int]:
    """The generator of an ONNX file, and its round."""
    from adversarial_nets.runs.onnx_file import read_generator

    check_exported(run, checkpoint, weights)
    G = read_generator(run.folder)
    classes.remember_condition(G, run.settings, run.classes, run.pixels)
    return G, int(run.exported["round"])
